// A client by Node.js, against the server of this test.
//
//     node node_client.mjs URL
//
// A greeting, 100 small echoes at once and the echo of a large body, all on one connection.

import assert from "node:assert/strict";
import { connect } from "node:http2";
import { Readable } from "node:stream";

const LARGE = 16 << 20;
const PIECE = 64 << 10;

const [url] = process.argv.slice(2);
const session = connect(url);
session.on("error", (error) => {
    console.log(error);
    process.exit(1);
});

function request(headers, body = Buffer.alloc(0)) {
    return new Promise((resolve, reject) => {
        const stream = session.request(headers);
        const received = [];
        let status;
        stream.on("response", (response) => (status = response[":status"]));
        stream.on("data", (piece) => received.push(piece));
        stream.on("end", () => resolve({ status, body: Buffer.concat(received) }));
        stream.on("error", reject);
        // In pieces, as large bodies come: one piece of 16 MiB is more than Node.js takes.
        Readable.from(pieces(body)).pipe(stream);
    });
}

function* pieces(body) {
    for (let at = 0; at < body.length; at += PIECE) {
        yield body.subarray(at, at + PIECE);
    }
}

const post = (body) => request({ ":method": "POST", ":path": "/echo" }, body);

const greeting = await request({ ":path": "/hello" });
assert.deepEqual(greeting, { status: 200, body: Buffer.from("Hello from h2-sync") });

const bodies = Array.from({ length: 100 }, (_, n) => Buffer.from(`body ${n}`));
const echoes = await Promise.all(bodies.map(post));
assert.deepEqual(echoes, bodies.map((body) => ({ status: 200, body })));

const large = Buffer.alloc(LARGE);
for (let at = 0; at < LARGE; at += 4) {
    large.writeUInt32LE(Math.imul(at, 2654435761) >>> 0, at);
}
const echo = await post(large);
assert.equal(echo.status, 200);
assert(echo.body.equals(large));

if (new URL(url).protocol === "https:") {
    assert.equal(session.alpnProtocol, "h2");
}
session.close();
console.log(`1 greeting, ${echoes.length} echoes, 1 upload of ${echo.body.length} octets`);
