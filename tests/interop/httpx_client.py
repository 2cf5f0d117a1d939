"""A client of tests/interop/server.rs; its argument is the server's address."""

import asyncio
import sys

import httpx

BODY = bytes(range(256)) * (4 << 12)  # 4 MiB
BASE = sys.argv[1]


def echo(client, text):
    response = client.post(f"{BASE}/echo", content=text)
    assert response.http_version == "HTTP/2", response.http_version
    assert (response.status_code, response.content) == (200, text), response


with httpx.Client(http1=False, http2=True, timeout=120) as client:
    assert client.get(f"{BASE}/hello").text == "Hello from h2-sync"
    assert client.get(f"{BASE}/nothing").status_code == 404
    assert len(client.get(f"{BASE}/bytes/{len(BODY)}").content) == len(BODY)
    echo(client, b"")
    echo(client, BODY)


# Streams of one connection at once. With threads httpx sends identifiers out of order now and then.
async def main():
    async with httpx.AsyncClient(http1=False, http2=True, timeout=120) as client:

        async def work(number):
            for turn in range(20):
                text = f"{number} {turn}".encode()
                response = await client.post(f"{BASE}/echo", content=text)
                assert (response.status_code, response.content) == (200, text), response

        await asyncio.gather(*(work(number) for number in range(4)))


asyncio.run(main())
