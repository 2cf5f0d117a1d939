# Python's package `websockets`, as a client that checks what a server echoes, or as a server that echoes.
#
#     python3 websocket_peer.py client URL [deflate]
#     python3 websocket_peer.py server PORT

import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import serve


def echo(socket):
    try:
        for message in socket:
            if message == "close me":
                socket.close(4001, "as was asked for")
            elif message == "drop me":
                socket.socket.close()
            else:
                socket.send(message)
    except (ConnectionClosed, OSError):
        # What the other side has closed badly is seen over there.
        pass


def ask(url, deflate):
    compression = "deflate" if deflate else None
    protocols = ["first", "second"]
    with connect(url, compression=compression, subprotocols=protocols, max_size=8 << 20, proxy=None) as socket:
        assert socket.subprotocol == "second", socket.subprotocol
        extensions = socket.response.headers.get("Sec-WebSocket-Extensions", "")
        assert ("permessage-deflate" in extensions) == deflate, extensions
        text = "grüezi 🦀 " * 1000
        octets = bytes((n * n >> 7) & 0xFF for n in range(3 << 20))
        sent = ["", "hello", text, b"", octets]
        for message in sent:
            socket.send(message)
            assert socket.recv(timeout=60) == message
        assert socket.ping("between").wait(60)
        # A message in three fragments.
        socket.send(["in three ", "", "parts"])
        assert socket.recv(timeout=60) == "in three parts"
        socket.close(4000, "enough")
        return f"{len(sent) + 1} echoes, closed with {socket.close_code}"


role, where, *coding = sys.argv[1:]
if role == "server":
    serve(echo, "127.0.0.1", int(where), subprotocols=["second"], max_size=8 << 20).serve_forever()
else:
    print(ask(where, coding == ["deflate"]))
