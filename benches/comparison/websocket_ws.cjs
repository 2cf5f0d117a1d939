// Node's `ws`: sends every message back, compressed where that was agreed on.

const { WebSocketServer } = require("ws");

const perMessageDeflate = { serverNoContextTakeover: true, clientNoContextTakeover: true };
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate });
server.on("listening", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
server.on("connection", (socket) => {
    socket.on("message", (data, binary) => socket.send(data, { binary }));
    socket.on("error", (error) => console.error(error));
});
