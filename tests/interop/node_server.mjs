// A server by Node.js that answers with what came.
//
//     node node_server.mjs PORT [CERTIFICATE KEY]

import { readFileSync } from "node:fs";
import { createSecureServer, createServer } from "node:http2";

const [port, cert, key] = process.argv.slice(2);
const server =
    cert === undefined
        ? createServer()
        : createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) });
server.on("stream", (stream) => {
    stream.respond({ ":status": 200 });
    stream.pipe(stream);
});
server.listen(Number(port), "127.0.0.1");
