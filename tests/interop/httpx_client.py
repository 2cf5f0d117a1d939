"""A client of tests/interop/server.rs; its argument is the server's address."""

import sys
import threading

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

    # Streams of one connection, from several threads.
    failed = []

    def work(number):
        try:
            for turn in range(20):
                echo(client, f"{number} {turn}".encode())
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
