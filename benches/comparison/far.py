"""Clients and servers that are a round trip of 50 ms from one another, by the relay."""

import shutil
import subprocess

from bench import MIB
from clients import timed
from processes import first_line
from serving import Server, start

# Both directions are held back for this long.
DELAY_MS = 25
OCTETS = 200 * MIB
REQUESTS = 100

DOWN, UP, SMALL = "50 ms down", "50 ms up", "50 ms, 100 small requests at once"

# By their name in the tables: a server, and the receive windows of hyper.
SERVERS = {"ours": "", "hyper": "adaptive", "hyper, default windows": "default", "nghttpd": ""}
CLIENTS = ["ours", "curl", "reqwest"]


def names():
    return [DOWN, UP, SMALL]


def compare(bench, seconds):
    """Client, server and relay run wherever the system puts them."""
    wanted = [shape for shape in names() if bench.wants(shape)]
    if not wanted:
        return
    clients = [client for client in CLIENTS if bench.has(client) or client == "curl"]
    body = bench.dir / "far"
    body.write_bytes(b"." * OCTETS)
    (bench.www / "bytes" / str(OCTETS)).write_bytes(body.read_bytes())
    servers = {name: start_far(bench, name, windows) for name, windows in SERVERS.items() if is_there(bench, name)}

    def measure(shape, client):
        shape, server = shape.split(", to ")
        return transfer(bench, shape, client, servers[server][0].url, body)

    shapes = {
        f"{shape}, to {server}": peers(clients, shape, server)
        for shape in wanted
        for server in servers
        if "default" not in server or shape == UP
    }
    for shape in wanted:
        of_shape = {name: peers for name, peers in shapes.items() if name.startswith(f"{shape}, to ")}
        is_small = shape == SMALL
        reference = "reqwest" if is_small else "curl"
        for table in bench.by_turns(of_shape, seconds / len(wanted), measure):
            rows = {name.split(", to ")[1]: row for name, row in table.items()}
            bench.report.table(shape, "ms" if is_small else "MB/s", "server", rows, reference, not is_small)
    for processes in servers.values():
        for server in processes:
            bench.stop(server.process)
    body.unlink()
    (bench.www / "bytes" / str(OCTETS)).unlink()


def peers(clients, shape, server):
    """The clients that take part. Where default windows make it slow, and where the response is a file
    and not the number of octets, only curl uploads. It takes no part in small requests: with each of
    the servers, curl 7.88 ends with an error of its framing layer."""
    if shape == SMALL:
        return [client for client in clients if client != "curl"]
    if shape == UP and ("default" in server or server == "nghttpd"):
        return ["curl"]
    return clients


def is_there(bench, name):
    name = name.split(",")[0]
    return bench.has(name) and (name != "nghttpd" or shutil.which(name) is not None)


def start_far(bench, name, windows):
    """A relay, and the server behind it."""
    server = start(bench, name.split(",")[0], core=bench.both_cores, environment={"WINDOWS": windows or ""})
    process, log = bench.spawn([bench.bin / "relay", server.address, DELAY_MS], bench.both_cores, f"relay-{name}")
    return Server("relay", process, f"http://{first_line(process, log).split()[-1]}"), server


def transfer(bench, shape, client, url, body):
    """One transfer in MB/s, or the milliseconds of small requests at once."""
    if client == "curl":
        return [curl(shape, url, body)]
    task, n = {DOWN: ("down", OCTETS), UP: ("up", OCTETS), SMALL: ("at-once", REQUESTS)}[shape]
    command = [bench.bin / f"client_{client}", url, "http2", task, n]
    seconds, _ = timed(bench, command, bench.both_cores, f"client-{client}", {"WINDOWS": "adaptive"})
    return [seconds * 1e3 if shape == SMALL else n / seconds / 1e6]


def curl(shape, url, body):
    command = ["curl", "-sS", "--http2-prior-knowledge", "-H", "Expect:"]
    if shape == DOWN:
        command += ["-w", "%{speed_download}", f"{url}/bytes/{OCTETS}"]
    else:
        command += ["-w", "%{speed_upload}", "--data-binary", f"@{body}", f"{url}/sink"]
    run = subprocess.run([*command, "-o", "/dev/null"], check=True, capture_output=True, text=True, timeout=120)
    return float(run.stdout) / 1e6
