"""Processes: what they have used, when they are ready, and their end."""

import os
import re
import select
import signal
import socket
import time
from pathlib import Path


class Failure(Exception):
    """A peer does not do what it has to."""


def family(pid):
    """A process and all below it, such as the worker of nginx."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [one for child in children for one in family(int(child))]


def cpu_time(pid):
    """Seconds of CPU, user and system, of a process and those below it, ended threads included.

    It is what utime and stime in /proc/PID/stat add up to, in nanoseconds instead of hundredths of a
    second: the process's clock, as clock_getcpuclockid(3) makes its number.
    """
    return sum(time.clock_gettime((~one << 3) | 2) for one in family(pid))


def memory(pid):
    """VmRSS and VmPTE in KiB, and the threads, of a process and those below it."""
    total = {"VmRSS": 0, "VmPTE": 0, "Threads": 0}
    for one in family(pid):
        status = Path(f"/proc/{one}/status").read_text()
        for name in total:
            total[name] += int(re.search(rf"{name}:\s+(\d+)", status)[1])
    return total


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(port, process):
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise Failure("it does not start")


def first_line(process, log, timeout=60):
    """What a peer prints when it is ready."""
    ready, _, _ = select.select([process.stdout], [], [], timeout)
    line = process.stdout.readline().decode() if ready else ""
    if not line:
        kill(process)
        raise Failure(f"it ends or hangs: {log.read_text()[-1000:]}")
    return line


def kill(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
