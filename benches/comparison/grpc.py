"""Calls of gRPC by h2-sync-grpc and by tonic: what both ends of a call cost together."""

from collections import namedtuple

from clients import timed
from processes import cpu_time, first_line

# `count` are the calls of a round, or the messages of each call; `at_once` the calls at a time.
Shape = namedtuple("Shape", "name kind count at_once size")
SHAPES = [
    Shape("grpc unary, 1 at once", "unary", 10_000, 1, 100),
    Shape("grpc unary, 100 at once", "unary", 40_000, 100, 100),
    Shape("grpc download of 8 KiB messages", "download", 100_000, 1, 8_192),
    Shape("grpc upload of 8 KiB messages", "upload", 50_000, 1, 8_192),
    Shape("grpc download of 8 KiB, 10 at once", "download", 10_000, 10, 8_192),
]
LIBRARIES = ["ours", "tonic"]


def names():
    return [shape.name for shape in SHAPES]


def compare(bench, seconds):
    wanted = {shape.name: shape for shape in SHAPES if bench.wants(shape.name)}
    libraries = [library for library in LIBRARIES if bench.has(library)]
    if not wanted or not libraries:
        return
    servers = {library: start(bench, library) for library in libraries}
    measure = lambda shape, library: run(bench, library, servers[library], wanted[shape])
    tables = bench.by_turns({shape: libraries for shape in wanted}, seconds, measure)
    for process, _ in servers.values():
        bench.stop(process)
    units = ["µs of both ends a call or message", "calls or messages/s"]
    for what, unit, table, more in zip(["CPU", "Rate"], units, tables, [False, True]):
        bench.report.table(f"{what}, gRPC", unit, "calls", table, "tonic", more)


def start(bench, library):
    """A server wherever the system puts it, and its URL."""
    process, log = bench.spawn([bench.bin / "grpc-peers", "serve", library], bench.both_cores, f"grpc-{library}")
    return process, first_line(process, log).strip()


def run(bench, library, server, shape):
    """One round: CPU of client and server in µs a call or message, and how many of them a second."""
    process, url = server
    count = shape.count // (4 if bench.args.quick else 1)
    command = [bench.bin / "grpc-peers", "call", library, url, shape.kind, count, shape.at_once, shape.size]
    before = cpu_time(process.pid)
    seconds, cpu = timed(bench, command, bench.both_cores, f"grpc-client-{library}")
    amount = count * (1 if shape.kind == "unary" else shape.at_once)
    return (cpu + cpu_time(process.pid) - before) / amount * 1e6, amount / seconds
