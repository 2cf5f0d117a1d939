"""How the cost of a server grows with its connections, and with the streams of one connection."""

import re
import resource
import statistics
import subprocess
import threading
import time

from processes import Failure, cpu_time, memory
from serving import start

# All servers allow as many connections, and ours and hyper as many streams.
LIMITS = {"LIMITS": "high"}
SAMPLE_SECONDS = 0.2
# Descriptors of a process besides its connections.
OTHER_DESCRIPTORS = 200


def all_of(bench, seconds, most_connections, most_streams, most_idle):
    peers = [name for name in ("ours", "hyper", "nginx") if bench.has(name)]
    one_each(bench, peers, upto(most_connections))
    one_connection(bench, [name for name in peers if name != "nginx"], upto(most_streams))
    steady(bench, peers, most_connections, seconds)
    idle(bench, [name for name in peers if name != "nginx"], most_idle)


def upto(most):
    return [count for count in (1, 100, 1_000, 10_000) if count <= most]


def one_each(bench, peers, counts):
    """One request after the other on each connection, their opening in it."""
    load = lambda count: [f"-c{count}", "-m1", f"-n{max(20_000, 4 * count)}"]
    tables = by_count(bench, peers, counts, load)
    say(bench, "connections × 1, HTTP/2", "connections", *tables)
    load = lambda count: ["--h1", f"-c{count}", "-m1", f"-n{max(20_000, 4 * count)}"]
    # nginx is configured for HTTP/2 in clear text, which excludes HTTP/1.1.
    tables = by_count(bench, [name for name in peers if name != "nginx"], counts, load)
    say(bench, "connections × 1, HTTP/1.1", "connections", *tables)


def one_connection(bench, peers, counts):
    load = lambda count: ["-c1", f"-m{count}", f"-n{max(50_000, 10 * count)}"]
    say(bench, "1 connection × streams, HTTP/2", "streams", *by_count(bench, peers, counts, load))


def by_count(bench, peers, counts, load):
    cpu, held = {}, {}
    for count in counts:
        cpu[f"{count:,}"], held[f"{count:,}"] = {}, {}
        for name in peers:
            bench.report.progress(f"{count:,}, {name}")
            try:
                figures = run(bench, name, load(count))
            except (Failure, subprocess.SubprocessError) as failure:
                bench.failures.append(f"{count:,}, {name}: {failure}")
                continue
            cpu[f"{count:,}"][name] = figures["cpu"] / figures["requests"] * 1e6
            held[f"{count:,}"][name] = figures["held"] / count
    bench.report.progress("")
    return cpu, held


def say(bench, title, first, cpu, held):
    bench.report.table(f"CPU a request, {title}", "µs", first, cpu, "hyper")
    bench.report.table(f"Memory at most, {title}", f"KiB of each of the {first}", first, held, "hyper")


class Watch:
    """What a server has used, sampled until it is told to stop."""

    def __init__(self, pid):
        self.pid, self.samples, self.stops = pid, [], threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                self.samples.append((time.time(), cpu_time(self.pid), memory(self.pid)))
            except (OSError, TypeError):
                # The server has ended.
                return
            if self.stops.wait(SAMPLE_SECONDS):
                return

    def stop(self):
        self.stops.set()
        self.thread.join()
        self.samples.append((time.time(), cpu_time(self.pid), memory(self.pid)))
        return self.samples


def run(bench, name, load):
    """Loads a new server, and returns what it used."""
    server = start(bench, name, environment=LIMITS)
    watch = Watch(server.process.pid)
    command = ["taskset", "-c", bench.client_core, "h2load", *load, f"{server.url}/"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    samples = watch.stop()
    bench.stop(server.process)
    answered = re.search(r"status codes: (\d+) 2xx", done.stdout)
    total = re.search(r"requests: (\d+) total", done.stdout)
    if not answered or not total or answered[1] != total[1]:
        raise Failure(f"{' '.join(load)}: {done.stdout[-300:]}{done.stderr[-300:]}")
    held = max(memory["VmRSS"] for _, _, memory in samples) - samples[0][2]["VmRSS"]
    return {"requests": int(answered[1]), "cpu": samples[-1][1] - samples[0][1], "held": held}


def steady(bench, peers, connections, seconds):
    """A request a second on each connection."""
    rows = {"requests/s": {}, "CPU, % of a core": {}, "CPU a request, µs": {}, "KiB a connection": {},
            "threads": {}, "latency p50, ms": {}, "latency p99, ms": {}}
    for name in peers:
        bench.report.progress(f"{connections:,} connections, a request a second, {name}")
        try:
            figures = pace(bench, name, connections, seconds)
        except (Failure, subprocess.SubprocessError) as failure:
            bench.failures.append(f"a request a second, {name}: {failure}")
            continue
        for what, figure in zip(rows, figures):
            rows[what][name] = figure
    bench.report.progress("")
    title = f"{connections:,} connections with a request a second each, HTTP/2"
    bench.report.table(title, "as the row says", "", rows)


def pace(bench, name, connections, seconds):
    server = start(bench, name, environment=LIMITS)
    before = memory(server.process.pid)
    lines = bench.dir / "requests.tsv"
    lines.unlink(missing_ok=True)
    # The connections are opened at once, which takes a while; what is measured begins later.
    opening = 5 + connections // 1_000
    time_of = [f"-D{seconds + opening}"]
    load = [f"-c{connections}", "-m1", "--rps=1", f"--log-file={lines}", *time_of]
    watch = Watch(server.process.pid)
    began = time.time()
    command = ["taskset", "-c", bench.client_core, "h2load", *load, f"{server.url}/"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + opening + 120)
    samples = watch.stop()
    bench.stop(server.process)
    if done.returncode != 0 or not lines.exists():
        raise Failure(f"h2load: {done.stdout[-300:]}{done.stderr[-300:]}")
    first, last = began + opening, began + opening + seconds - 1
    window = [sample for sample in samples if first <= sample[0] <= last]
    # Of h2load's log: the start in µs since 1970, the status, the duration in µs.
    requests = [tuple(map(int, line.split("\t"))) for line in lines.read_text().splitlines()]
    requests = [request for request in requests if window[0][0] <= request[0] / 1e6 <= window[-1][0]]
    failed = sum(status != 200 for _, status, _ in requests)
    if failed:
        bench.report.say(f"({name}: {failed} of {len(requests)} requests failed)")
    if len(requests) < 2:
        raise Failure("no requests")
    time_passed = window[-1][0] - window[0][0]
    cpu = window[-1][1] - window[0][1]
    centiles = statistics.quantiles((took / 1e3 for _, _, took in requests), n=100)
    held = max(memory["VmRSS"] for _, _, memory in samples) - before["VmRSS"]
    threads = max(memory["Threads"] for _, _, memory in window)
    rate = len(requests) / time_passed
    return rate, 100 * cpu / time_passed, cpu / len(requests) * 1e6, held / connections, threads, centiles[49], centiles[98]


def idle(bench, peers, connections):
    """Connections that asked once. Several programs hold them, each by an address of its own: a pair of
    addresses has 28,000 ports."""
    each = 10_000
    rows = {f"{connections:,}, KiB each": {}, "threads": {}}
    for name in peers:
        bench.report.progress(f"{connections:,} idle, {name}")
        server = start(bench, name, environment=LIMITS, address="0.0.0.0:0")
        port = server.url.rsplit(":", 1)[1]
        before = memory(server.process.pid)
        left, holders = connections, []
        try:
            while left > 0:
                address = f"127.0.0.{2 + len(holders)}:{port}"
                command = [bench.bin / "idle", address, min(each, left)]
                holder, _ = bench.spawn(command, bench.client_core, f"idle-{name}-{left}")
                holders.append(holder)
                if not holder.stdout.readline():
                    raise Failure(f"{connections - left:,} connections are open, no more")
                left -= each
            time.sleep(2)
            after = memory(server.process.pid)
            rows[f"{connections:,}, KiB each"][name] = (after["VmRSS"] - before["VmRSS"]) / connections
            rows["threads"][name] = after["Threads"]
        except Failure as failure:
            bench.failures.append(f"idle, {name}: {failure}")
        for process in [*holders, server.process]:
            bench.stop(process)
    bench.report.progress("")
    bench.report.table("Idle connections, HTTP/2", "as the row says", "", rows)


def raise_limits(most):
    """Lets this process and its children have so many descriptors, or as many as it may. Returns how many
    connections that are."""
    wanted = most + OTHER_DESCRIPTORS
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in wanted, hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, max(limit, hard)))
            return limit - OTHER_DESCRIPTORS
        except (OSError, ValueError):
            continue
    raise Failure("the limit of descriptors cannot be set")
