"""Clients against our server: what a request costs them, and how many they make."""

import os
from collections import namedtuple

from bench import MIB
from processes import first_line
from serving import start

# `where`: both ends on one core, each on one of its own, or wherever the system puts them.
Task = namedtuple("Task", "name task n unit where version", defaults=("http2",))
TASKS = [
    Task("client sequential, one core", "sequential", 30_000, "request", "one core"),
    Task("client 64 callers, one connection", "parallel", 64_000, "request", "any core"),
    Task("client 64 callers, client on one core", "parallel", 64_000, "request", "a core each"),
    Task("client 1 GiB down", "down", 1 << 30, "MiB", "a core each"),
    Task("client 1 GiB up", "up", 1 << 30, "MiB", "a core each"),
    Task("client h1 sequential, one core", "sequential", 30_000, "request", "one core", "http1"),
    Task("client h1 64 callers", "parallel", 64_000, "request", "any core", "http1"),
]

CLIENTS = {"http2": ["ours", "reqwest", "h2"], "http1": ["ours", "ureq", "reqwest"]}


def names():
    return [task.name for task in TASKS]


def http2(bench, seconds):
    compare(bench, seconds, "http2", "HTTP/2", "reqwest")


def http1(bench, seconds):
    compare(bench, seconds, "http1", "HTTP/1.1", "ureq")


def compare(bench, seconds, version, title, base):
    wanted = {task.name: task for task in TASKS if task.version == version and bench.wants(task.name)}
    clients = [name for name in CLIENTS[version] if bench.has(name)]
    if not wanted or not clients:
        return
    pinned = start(bench, "ours")
    free = start(bench, "ours", core=bench.both_cores)
    places = {
        "one core": (pinned, bench.server_core),
        "a core each": (pinned, bench.client_core),
        "any core": (free, bench.both_cores),
    }
    measure = lambda shape, client: run(bench, client, wanted[shape], *places[wanted[shape].where])
    tables = bench.by_turns({shape: clients for shape in wanted}, seconds, measure)
    bench.stop(pinned.process)
    bench.stop(free.process)
    units = ["µs of the client a request or MiB", "requests/s or MiB/s"]
    for what, unit, table, more in zip(["CPU", "Rate"], units, tables, [False, True]):
        bench.report.table(f"{what}, clients, {title}", unit, "task", table, base, more)


def run(bench, client, task, server, core):
    """One round: CPU of the client in µs a request or MiB, and how many of them a second."""
    n = task.n // (4 if bench.args.quick else 1)
    command = [bench.bin / f"client_{client}", server.url, task.version, task.task, n]
    seconds, cpu = timed(bench, command, core, f"client-{client}")
    amount = n if task.unit == "request" else n / MIB
    return cpu / amount * 1e6, amount / seconds


def timed(bench, command, core, name, environment=None):
    """Runs a client. Returns the seconds that it prints, and those of CPU in its whole life."""
    process, log = bench.spawn(command, core, name, environment)
    seconds = float(first_line(process, log, 120))
    bench.processes.remove(process)
    _, process.returncode, usage = os.wait4(process.pid, 0)
    return seconds, usage.ru_utime + usage.ru_stime
