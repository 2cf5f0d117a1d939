"""What an idle connection holds, and how long new ones wait for their first answer."""

import re
import subprocess
import time

from processes import Failure, first_line, memory
from serving import start_all

CONNECTIONS = 1000
# What the kernel keeps for a thread's stack on x86-64 and AArch64; /proc has no figure of one process.
KERNEL_STACK_KIB = 16

# Connections opened at once, or one after the other beside that many busy ones.
BURSTS = {"burst 400 at once": [400], "burst 2,000 at once": [2_000], "burst 1,000 beside 1,000 busy": [1_000, 1_000]}


def names():
    return ["cleartext idle", "TLS idle", *BURSTS]


def idle(bench, _seconds):
    """Once each: what is counted does not depend on what else the machine does."""
    for scheme in "cleartext", "TLS":
        if not bench.wants(f"{scheme} idle"):
            continue
        table = {}
        for server in start_all(bench, scheme):
            bench.report.progress(f"{scheme} idle, {server.name}")
            try:
                table[server.name] = hold(bench, server, scheme)
            except Failure as failure:
                bench.failures.append(f"{scheme} idle, {server.name}: {failure}")
            bench.stop(server.process)
        bench.report.progress("")
        rows = {what: {name: each[what] for name, each in table.items()} for what in next(iter(table.values()), {})}
        bench.report.table(f"Memory of {CONNECTIONS:,} idle connections, {scheme}", "KiB each", "memory", rows, "hyper")


def hold(bench, server, scheme):
    before = memory(server.process.pid)
    tls = [bench.cert] if scheme == "TLS" else []
    command = [bench.bin / "idle", server.address, CONNECTIONS, *tls]
    holder, log = bench.spawn(command, bench.client_core, f"idle-{server.name}")
    first_line(holder, log)
    # Until what was allocated for the beginning has been given back.
    last, after = None, memory(server.process.pid)
    for _ in range(20):
        if last == after:
            break
        time.sleep(0.5)
        last, after = after, memory(server.process.pid)
    bench.stop(holder)
    each = {name: (after[name] - before[name]) / CONNECTIONS for name in after}
    kernel = each["Threads"] * KERNEL_STACK_KIB
    return {"resident": each["VmRSS"], "page tables": each["VmPTE"], "kernel stacks": kernel}


def bursts(bench, seconds):
    wanted = {name: args for name, args in BURSTS.items() if bench.wants(name)}
    if not wanted:
        return
    servers = {server.name: server for server in start_all(bench, "cleartext")}
    measure = lambda shape, server: burst(bench, servers[server], wanted[shape])
    tables = bench.by_turns({shape: list(servers) for shape in wanted}, seconds, measure)
    for server in servers.values():
        bench.stop(server.process)
    for what, table in zip(["p50", "p99", "p99.9", "worst"], tables):
        bench.report.table(f"First answer on a new connection, {what}", "ms", "connections", table, "hyper")


def burst(bench, server, args):
    command = ["taskset", "-c", bench.client_core, bench.bin / "burst", server.address, *map(str, args)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    figures = re.search(r"p50 (\S+) p99 (\S+) p99.9 (\S+) worst (\S+) ms, (\d+) lost", run.stdout)
    if not figures:
        raise Failure(f"no figures: {run.stderr[-300:]}")
    *times, lost = map(float, figures.groups())
    if lost:
        bench.report.say(f"({server.name}, {' beside '.join(map(str, args))}: {lost:.0f} connections without an answer)")
    return times
