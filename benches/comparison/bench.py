"""What all parts of a comparison share: the peers, the wanted shapes, the time, and the report."""

import atexit
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from processes import Failure, kill
from report import Report

PEERS = Path(__file__).resolve().parent.parent / "peers" / "Cargo.toml"
MIB = 1 << 20


class Bench:
    def __init__(self, args, cores):
        self.args = args
        self.server_core, self.client_core = (str(core) for core in cores[:2])
        self.both_cores = f"{self.server_core},{self.client_core}"
        self.failures = []
        self.report = Report(PEERS.with_name("Cargo.lock"))
        self.processes = []
        atexit.register(lambda: [kill(process) for process in self.processes])
        # What is in there is needed until the servers are gone.
        self.keep = tempfile.TemporaryDirectory(prefix="compare-")
        self.dir = Path(self.keep.name)

    def build(self, *programs):
        """Builds the peers, or only these programs of them."""
        manifest = ["--locked", "--manifest-path", PEERS]
        which = [f"--bin={program}" for program in programs] or ["--workspace"]
        if subprocess.run(["cargo", "build", "--release", *which, *manifest]).returncode != 0:
            sys.exit("the peers cannot be built")
        command = ["cargo", "metadata", "--no-deps", "--format-version=1", *manifest]
        metadata = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        self.bin = Path(metadata["target_directory"]) / "release"
        self.cert, self.key = self.dir / "cert.pem", self.dir / "key.pem"
        subprocess.run([self.bin / "certificate", self.cert, self.key], check=True)
        self.upload = self.dir / "upload"
        self.upload.write_bytes(os.urandom(MIB))
        # The routes as files, for servers of files.
        self.www = self.dir / "www"
        (self.www / "bytes").mkdir(parents=True)
        (self.www / "index.html").write_text("hello world")
        (self.www / "sink").write_text(str(MIB))
        (self.www / "bytes" / str(MIB)).write_bytes(b"." * MIB)

    def wants(self, shape):
        return re.search(self.args.only, shape) is not None

    def has(self, peer):
        return not self.args.peers or peer in self.args.peers.split(",")

    def spawn(self, command, core, name, environment=None):
        """Starts a process on the given cores. Returns it, and the file of its standard error."""
        log = self.dir / f"{name}.log"
        process = subprocess.Popen(
            ["taskset", "-c", core, *map(str, command)],
            env=os.environ | (environment or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            # A group of its own, to end with its children.
            start_new_session=True,
        )
        self.processes.append(process)
        return process, log

    def stop(self, process):
        kill(process)
        self.processes.remove(process)

    def by_turns(self, shapes, seconds, measure):
        """Measures each of `shapes`, which has the names of its peers by its own name.

        Each peer has a round before any has its next one. A shape ends after `--rounds` of them, or when
        another one would take it over its share of the seconds. `measure(shape, peer)` returns a tuple
        of figures. The result is a table for each of them, with the medians.
        """
        end = time.monotonic() + seconds
        medians = {}
        for index, (shape, peers) in enumerate(shapes.items()):
            now = time.monotonic()
            end_of_shape = now + max(end - now, 0) / (len(shapes) - index)
            rounds = {peer: [] for peer in peers}
            for turn in range(self.args.rounds):
                began = time.monotonic()
                self.report.progress(f"{shape}, round {turn + 1}")
                for peer in peers:
                    try:
                        rounds[peer].append(measure(shape, peer))
                    except (Failure, subprocess.SubprocessError) as failure:
                        self.failures.append(f"{shape}, {peer}: {failure}")
                now = time.monotonic()
                if now + (now - began) > end_of_shape:
                    break
            self.report.progress("")
            medians[shape] = {
                peer: [statistics.median(figure) for figure in zip(*figures)] for peer, figures in rounds.items() if figures
            }
        count = max((len(figures) for row in medians.values() for figures in row.values()), default=0)
        return [
            {shape: {peer: figures[which] for peer, figures in row.items()} for shape, row in medians.items()}
            for which in range(count)
        ]
