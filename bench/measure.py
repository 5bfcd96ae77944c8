"""What the black-box measurements share: the allocator as a process that is asked,
weighed and timed from outside, and rows of Markdown."""

import http.client
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test/integration"))
from ports import free_port  # noqa: E402

COLLECTORS = [f"collector-{i}" for i in range(10)]
JOB = "bench"
TICKS = os.sysconf("SC_CLK_TCK")


class Allocator:
    """The binary on FOLDER/ta.yaml, which has the job JOB and `collectors`; its log
    is FOLDER/log. `flags` are those beyond the file and the address."""

    def __init__(self, binary, folder, flags=("--log-level=warn",),
                 collectors=COLLECTORS):
        self.binary, self.folder = binary, pathlib.Path(folder)
        self.flags, self.collectors = list(flags), list(collectors)
        self.process = None
        self.port = None

    def start(self):
        """On the port that it had before, if any."""
        self.port = self.port or free_port()
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [self.binary, f"--config-file={self.folder}/ta.yaml",
             f"--listen-addr=127.0.0.1:{self.port}", *self.flags],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        return self

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(20)
            self.log.close()
            self.process = None

    def connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def ask(self, connection, collector, headers=None, job=JOB):
        connection.request("GET", path(collector, job), headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.getheader("ETag"), answer.read()

    def wait_served(self, targets):
        """Until every one of so many targets is in some collector's answer; the
        connection that asked. Fails on a 200 that leaves one out: the promise is 503
        until all is known."""
        connection = None
        while True:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            try:
                connection = connection or self.connect()
                status, _, body = self.ask(connection, self.collectors[0])
            except OSError:
                connection = None
                time.sleep(0.002)
                continue
            if status == 200:
                break
            time.sleep(0.002)
        served = body.count(b'"targets":') + sum(
            self.ask(connection, collector)[2].count(b'"targets":')
            for collector in self.collectors[1:])
        assert served == targets, f"{served} of {targets} served at first"
        return connection

    def owner(self, connection, address):
        """The collector that is served the target."""
        mark = b'"' + address.encode() + b'"'
        for collector in self.collectors:
            if mark in self.ask(connection, collector)[2]:
                return collector
        raise AssertionError(f"nobody is served {address}")

    def until_shown(self, connection, collector, etag, mark, rest=0, job=JOB):
        """Asks until the collector's answer has `mark`; that answer's ETag, or None.
        Between two answers it pauses `rest` times as long as one takes."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            begun = time.monotonic()
            status, fresh, body = self.ask(
                connection, collector, {"If-None-Match": etag} if etag else None, job)
            if status == 200 and mark in body:
                return fresh
            time.sleep(max(0.0005, rest * (time.monotonic() - begun)))
        raise TimeoutError(f"{mark.decode()} is not served after 60 s")

    def memory(self, key="VmRSS"):
        """Bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{key}:\s+(\d+) kB", status, re.M)[1]) * 1024

    def cpu(self):
        """Seconds."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = fields.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def path(collector, job=JOB):
    return f"/jobs/{job}/targets?collector_id={collector}"


def header():
    print("| what | measured |\n|---|---|", flush=True)


def row(what, figure):
    print(f"| {what} | {figure} |", flush=True)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def spread(seconds):
    return (f"p50 {1e3 * statistics.median(seconds):.1f} ms, "
            f"p99 {1e3 * percentile(seconds, 0.99):.1f} ms, "
            f"max {1e3 * max(seconds):.1f} ms")
