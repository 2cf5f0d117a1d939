// A server by Node.js for our client.
//
//     node node_routes.mjs PORT [CERTIFICATE KEY]
//
//     /hello      says hello
//     /echo       what came
//     /trailers   a body with trailers behind it
//     /to/STATUS  a redirect to /hello
//
// `hypercorn_routes.py` has the same.

import { readFileSync } from "node:fs";
import { createSecureServer, createServer } from "node:http2";

const [port, cert, key] = process.argv.slice(2);
const server =
    cert === undefined
        ? createServer()
        : createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) });
server.on("stream", (stream, headers) => {
    const path = headers[":path"];
    if (path === "/hello") {
        stream.respond({ ":status": 200 });
        stream.end("hello");
    } else if (path === "/echo") {
        stream.respond({ ":status": 200 });
        stream.pipe(stream);
    } else if (path === "/trailers") {
        stream.respond({ ":status": 200 }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ outcome: "fine" }));
        stream.end("body");
    } else if (path.startsWith("/to/")) {
        stream.respond({ ":status": Number(path.slice(4)), location: "/hello" });
        stream.end();
    } else {
        stream.respond({ ":status": 404 });
        stream.end();
    }
});
server.listen(Number(port), "127.0.0.1");
