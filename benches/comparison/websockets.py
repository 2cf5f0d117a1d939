"""WebSocket in HTTP/1.1: what an echo costs a server of ours, and those of others."""

import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

from processes import Failure, cpu_time, first_line

KIB, MIB = 1 << 10, 1 << 20

# `messages` are those of one round, of which `in_flight` are sent before the first echo is awaited.
Shape = namedtuple("Shape", "name octets messages in_flight coding")
SHAPES = [
    Shape("websocket 64 B", 64, 40_000, 1, "plain"),
    Shape("websocket 64 B, 100 in flight", 64, 400_000, 100, "plain"),
    Shape("websocket 4 KiB", 4 * KIB, 40_000, 1, "plain"),
    Shape("websocket 1 MiB", MIB, 800, 1, "plain"),
    Shape("websocket 4 KiB of JSON, compressed", 4 * KIB, 20_000, 1, "deflate"),
    Shape("websocket 1 MiB of JSON, compressed", MIB, 100, 1, "deflate"),
]

# tungstenite has no compression.
PEERS = {"plain": ["ours", "tungstenite"], "deflate": ["ours", "ws"]}


def names():
    return [shape.name for shape in SHAPES]


def compare(bench, seconds):
    shares = {coding: sum(bench.wants(shape.name) for shape in SHAPES if shape.coding == coding) for coding in PEERS}
    for coding, base in ("plain", "tungstenite"), ("deflate", "ws"):
        wanted = {shape.name: shape for shape in SHAPES if shape.coding == coding and bench.wants(shape.name)}
        peers = [peer for peer in PEERS[coding] if bench.has(peer) and is_there(bench, peer)]
        if not wanted or not peers:
            continue
        servers = {peer: start(bench, peer) for peer in peers}
        measure = lambda shape, peer: load(bench, servers[peer], wanted[shape])
        time = seconds * shares[coding] / sum(shares.values())
        tables = bench.by_turns({shape: peers for shape in wanted}, time, measure)
        for process, _ in servers.values():
            bench.stop(process)
        for what, unit, table, more in zip(["CPU", "Rate"], ["µs of the server an echo", "echoes/s"], tables, [False, True]):
            bench.report.table(f"{what}, WebSocket, {coding}", unit, "message", table, base, more)


def is_there(bench, peer):
    if peer != "ws":
        return True
    found = shutil.which("node") and subprocess.run(["node", "-e", "require('ws')"], capture_output=True).returncode == 0
    if not found:
        bench.report.say("(ws is not installed: npm install ws, and NODE_PATH)")
    return found


def start(bench, peer):
    """A server, and its address."""
    if peer == "ws":
        command = ["node", Path(__file__).with_name("websocket_ws.cjs")]
    else:
        command = [bench.bin / f"websocket_{peer}", "127.0.0.1:0"]
    process, log = bench.spawn(command, bench.server_core, f"websocket-{peer}")
    return process, first_line(process, log).split()[-1]


def load(bench, server, shape):
    """One round: µs of the server's CPU for an echo, and echoes a second."""
    process, address = server
    messages = shape.messages // (4 if bench.args.quick else 1)
    messages -= messages % shape.in_flight
    command = [bench.bin / "websocket_load", address, shape.octets, messages, shape.in_flight, shape.coding]
    before = cpu_time(process.pid)
    run = subprocess.run(
        ["taskset", "-c", bench.client_core, *map(str, command)], capture_output=True, text=True, timeout=300
    )
    if run.returncode != 0:
        raise Failure(run.stderr[-1000:])
    return (cpu_time(process.pid) - before) / messages * 1e6, messages / float(run.stdout)
