"""Servers under the load of h2load: what a request costs them, and how many they answer."""

import http.client
import re
import subprocess
from collections import namedtuple

from bench import MIB
from processes import Failure, cpu_time
from serving import INSTALLED, nghttp, start_all

# `requests` are those of one round, which lasts about a second.
Shape = namedtuple("Shape", "name clients streams requests path upload one_core http1", defaults=(False, False, False))
SHAPES = [
    Shape("1x1", 1, 1, 12_000, "/"),
    Shape("1x1, one core", 1, 1, 20_000, "/", one_core=True),
    Shape("1x100", 1, 100, 200_000, "/"),
    Shape("8x32", 8, 32, 200_000, "/"),
    Shape("100x1", 100, 1, 20_000, "/"),
    Shape("100x10", 100, 10, 200_000, "/"),
    Shape("1 MiB down, 1x10", 1, 10, 1_200, f"/bytes/{MIB}"),
    Shape("1 MiB up, 1x10", 1, 10, 1_000, "/sink", upload=True),
    # HTTP/1.1, in cleartext alone.
    Shape("h1 1x1", 1, 1, 12_000, "/", http1=True),
    Shape("h1 1x1, one core", 1, 1, 20_000, "/", one_core=True, http1=True),
    Shape("h1 32 connections", 32, 1, 60_000, "/", http1=True),
]

HTTP1 = ["ours", "hyper"]

# OpenSSL would choose another one than ring does.
CIPHER = ["--tls13-ciphers=TLS_AES_128_GCM_SHA256"]


def names():
    return [f"{scheme} {shape.name}" for scheme in ("cleartext", "TLS") for shape in of_scheme(scheme)]


def of_scheme(scheme):
    return [shape for shape in SHAPES if scheme == "cleartext" or not shape.http1]


def cleartext(bench, seconds):
    compare(bench, seconds, "cleartext")


def tls(bench, seconds):
    compare(bench, seconds, "TLS")


def compare(bench, seconds, scheme):
    wanted = {f"{scheme} {shape.name}": shape for shape in of_scheme(scheme) if bench.wants(f"{scheme} {shape.name}")}
    if not wanted:
        return
    servers = {server.name: server for server in start_all(bench, scheme)}
    for server in [*servers.values()]:
        try:
            check(bench, server)
        except Failure as failure:
            bench.failures.append(f"{scheme} {server.name}: {failure}")
            bench.stop(servers.pop(server.name).process)
    http1 = [name for name, server in servers.items() if scheme == "cleartext" and speaks_http1(bench, server)]

    def can(shape, name):
        # nginx and h2o answer an upload to a file before it is there.
        return not (shape.upload and name in ["h2o", "nginx"] or shape.http1 and name not in http1)

    shapes = {name: [server for server in servers if can(shape, server)] for name, shape in wanted.items()}
    tables = bench.by_turns(shapes, seconds, lambda shape, server: load(bench, servers[server], wanted[shape]))
    for server in servers.values():
        bench.stop(server.process)
    for title, unit, table, more in zip(["CPU", "Rate"], ["µs of the server a request", "requests/s"], tables, [False, True]):
        bench.report.table(f"{title}, {scheme}", unit, "shape", table, "hyper", more)


def check(bench, server):
    """Whether a server answers as it should."""
    what = nghttp("-nv", "-m2", server.url + "/")
    fields = dict(re.findall(r"recv \(stream_id=\d+\) ([:\w-]+): (.*)", what))
    if fields.get(":status") != "200" or fields.get("content-length") != "11":
        raise Failure(f"GET / is answered with {fields or what}")
    heads = re.findall(r"recv HEADERS frame <length=(\d+)", what)
    if server.name not in INSTALLED:
        expected = {":status", "content-type", "content-length", "date", "server"}
        # The second is short, since HPACK has indexed most of it.
        # The digits of a date differ in the length of their Huffman codes.
        first, *more = map(int, heads)
        if set(fields) != expected or first not in range(44, 49) or more != [9]:
            raise Failure(f"GET / has the fields {fields} in {heads} octets")
    bodies = [("/", [], b"hello world"), (f"/bytes/{MIB}", [], b"." * MIB)]
    if server.name not in ["h2o", "nginx"]:
        bodies += [("/sink", ["-d", bench.upload], str(MIB).encode())]
    if server.name not in INSTALLED:
        bodies += [("/echo", ["-d", bench.upload], bench.upload.read_bytes())]
    for path, options, body in bodies:
        if nghttp(*options, server.url + path, text=False) != body:
            raise Failure(f"the body of {path} is not what it should be")


def speaks_http1(bench, server):
    """Whether a server answers HTTP/1.1 as well, and as it should."""
    connection = http.client.HTTPConnection(server.address, timeout=20)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        fields = {name.lower() for name, _ in response.getheaders()}
        is_right = response.status == 200 and response.read() == b"hello world"
    except (OSError, http.client.HTTPException):
        fields, is_right = set(), False
    finally:
        connection.close()
    if server.name in HTTP1 and fields != {"content-type", "content-length", "date", "server"}:
        bench.failures.append(f"{server.name}: GET / in HTTP/1.1 is answered with the fields {fields}")
    return is_right


def load(bench, server, shape):
    """One round: CPU of the server in µs a request, and requests/s."""
    requests = shape.requests // (4 if bench.args.quick else 1)
    core = bench.server_core if shape.one_core else bench.client_core
    command = ["h2load", *(["--h1"] if shape.http1 else CIPHER), f"-c{shape.clients}", f"-m{shape.streams}", f"-n{requests}"]
    if shape.upload:
        command += ["-d", bench.upload]
    before = cpu_time(server.process.pid)
    run = subprocess.run(
        ["taskset", "-c", core, *command, server.url + shape.path], capture_output=True, text=True, timeout=120
    )
    after = cpu_time(server.process.pid)
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", run.stdout)
    done = re.search(r"status codes: (\d+) 2xx", run.stdout)
    if not rate or not done or int(done[1]) != requests:
        raise Failure(f"h2load says\n{run.stdout}{run.stderr}")
    return (after - before) / requests * 1e6, float(rate[1])
