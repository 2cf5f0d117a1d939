// Node's package `ws`, as a client that checks what a server echoes, or as a server that echoes.
//
//     node websocket_peer.cjs client URL [deflate]
//     node websocket_peer.cjs server PORT

const assert = require("node:assert/strict");
const { once } = require("node:events");
const { WebSocket, WebSocketServer } = require("ws");

const [role, where, coding] = process.argv.slice(2);
if (role === "server") {
    serve(Number(where));
} else {
    ask(where, coding === "deflate").then((outcome) => console.log(outcome));
}

function serve(port) {
    const options = { host: "127.0.0.1", port, perMessageDeflate: { threshold: 16 } };
    const handleProtocols = (offered) => (offered.has("second") ? "second" : false);
    const server = new WebSocketServer({ ...options, handleProtocols });
    server.on("connection", (socket) => {
        socket.on("message", (data, binary) => {
            if (!binary && data.toString() === "close me") {
                socket.close(4001, "as was asked for");
            } else if (!binary && data.toString() === "drop me") {
                socket.terminate();
            } else {
                socket.send(data, { binary });
            }
        });
        // What the other side has closed badly is seen over there.
        socket.on("error", () => {});
    });
}

async function ask(url, deflate) {
    const options = { perMessageDeflate: deflate && { threshold: 16 } };
    const socket = new WebSocket(url, ["first", "second"], options);
    const messages = [];
    let wake = () => {};
    socket.on("message", (data, binary) => {
        messages.push([data, binary]);
        wake();
    });
    await once(socket, "open");
    assert.equal(socket.protocol, "second");
    assert.equal(socket.extensions.includes("permessage-deflate"), deflate);

    const text = "grüezi 🦀 ".repeat(1000);
    const octets = Buffer.from(Uint8Array.from({ length: 3 << 20 }, (_, n) => (n * n) >> 7));
    const sent = ["", "hello", text, Buffer.alloc(0), octets];
    sent.forEach((message) => socket.send(message));
    // Fragments, with a Ping between them.
    socket.send("in three ", { fin: false });
    socket.ping("between");
    socket.send("", { fin: false });
    socket.send("parts", { fin: true });
    const [pong] = await once(socket, "pong");
    assert.equal(pong.toString(), "between");
    while (messages.length < sent.length + 1) {
        await new Promise((resolve) => (wake = resolve));
    }
    [...sent, "in three parts"].forEach((message, n) => {
        const [data, binary] = messages[n];
        assert.equal(binary, typeof message !== "string");
        assert.ok(data.equals(Buffer.from(message)), `message ${n}`);
    });
    socket.close(4000, "enough");
    const [code] = await once(socket, "close");
    return `${messages.length} echoes, closed with ${code}`;
}
