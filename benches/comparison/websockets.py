"""WebSocket in HTTP/1.1: what an echo costs a server of ours, and those of others."""

import shutil
import statistics
import subprocess
from collections import namedtuple
from pathlib import Path

from processes import Failure, cpu_time, first_line

KIB, MIB = 1 << 10, 1 << 20

# `messages` are those of one round, of which `in_flight` are sent before the first echo is awaited.
Shape = namedtuple("Shape", "name octets messages in_flight coding")
SHAPES = [
    Shape("64 B", 64, 40_000, 1, "plain"),
    Shape("64 B, 100 in flight", 64, 400_000, 100, "plain"),
    Shape("4 KiB", 4 * KIB, 40_000, 1, "plain"),
    Shape("1 MiB", MIB, 800, 1, "plain"),
    Shape("4 KiB of JSON, compressed", 4 * KIB, 20_000, 1, "deflate"),
    Shape("1 MiB of JSON, compressed", MIB, 100, 1, "deflate"),
]

# tungstenite has no compression.
PEERS = {"plain": ["ours", "tungstenite"], "deflate": ["ours", "ws"]}


def compare(bench, print_table):
    for coding, base in ("plain", "tungstenite"), ("deflate", "ws"):
        shapes = [shape for shape in SHAPES if shape.coding == coding and bench.wants(f"websocket {shape.name}")]
        peers = [peer for peer in PEERS[coding] if bench.is_wanted(peer) and is_there(bench, peer)]
        if not shapes or not peers:
            continue
        servers = {peer: start(bench, peer) for peer in peers}
        cpu, rate = {}, {}
        for shape in shapes:
            figures = {peer: [] for peer in peers}
            for _ in range(bench.args.rounds):
                for peer in peers:
                    try:
                        figures[peer].append(load(bench, servers[peer], shape))
                    except Failure as failure:
                        bench.failures.append(f"websocket, {shape.name}, {peer}: {failure}")
            for table, which in (cpu, 0), (rate, 1):
                table[shape.name] = {
                    peer: statistics.median(figure[which] for figure in had) for peer, had in figures.items() if had
                }
        for process, _ in servers.values():
            bench.stop(process)
        print_table(f"WebSocket, {coding}: CPU of the server, µs an echo (ratio to {base})", "message", cpu, base)
        print_table(f"WebSocket, {coding}: echoes/s (ratio to {base})", "message", rate, base)


def is_there(bench, peer):
    if peer != "ws":
        return True
    found = shutil.which("node") and subprocess.run(["node", "-e", "require('ws')"], capture_output=True).returncode == 0
    if not found:
        print("(ws is not installed: npm install ws, and NODE_PATH)")
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
