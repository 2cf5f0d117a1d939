// A server by Node.js that does not want what it is sent.
//
//     node node_refuses.mjs PORT
//
//     /refused      413 at once, and the upload is reset with NO_ERROR
//     /failed       200, a part of a body, and a reset with INTERNAL_ERROR
//     /download/N   a body that goes on until N requests have been refused or have failed

import { constants, createServer } from "node:http2";

const [port] = process.argv.slice(2);
const server = createServer();
let ended = 0;
// What looks at the count after each of them.
const watchers = new Set();

function count() {
    ended += 1;
    watchers.forEach((watch) => watch());
}

server.on("stream", (stream, headers) => {
    const [, route, wanted] = headers[":path"].split("/");
    // Resets of ours, and of a client that gives up.
    stream.on("error", () => {});
    if (route === "refused") {
        stream.respond({ ":status": 413 });
        stream.end("too large");
        stream.on("finish", () => {
            stream.close(constants.NGHTTP2_NO_ERROR);
            count();
        });
    } else if (route === "failed") {
        stream.respond({ ":status": 200 });
        stream.write("part", () => {
            stream.destroy(new Error("failed"));
            count();
        });
    } else {
        const more = () => {
            stream.write("x".repeat(1_000));
            if (ended >= Number(wanted)) {
                watchers.delete(more);
                stream.end("well");
            }
        };
        stream.respond({ ":status": 200 });
        watchers.add(more);
        stream.on("close", () => watchers.delete(more));
        more();
    }
});
server.listen(Number(port), "127.0.0.1");
