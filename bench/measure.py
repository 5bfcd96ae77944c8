"""What the black-box measurements share: the allocator as a process that is asked,
weighed and timed from outside, and rows of Markdown."""

import argparse
import ctypes
import http.client
import math
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test/integration"))
from ports import free_port  # noqa: E402

COLLECTORS = [f"collector-{i}" for i in range(10)]
JOB = "bench"
LIBC = ctypes.CDLL(None)


def end_with_script():
    """What the script has started ends with it, also by a signal: that becomes an
    exception, which finally and with see. A second one doesn't disturb the ending."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(number, _):
        for one in signals:
            signal.signal(one, signal.SIG_IGN)
        sys.exit(128 + number)

    for one in signals:
        signal.signal(one, end)


def until(what, holds, within=120, pause=0.005):
    """Calls holds() until what it returns is true; that. TimeoutError if it isn't
    within so many seconds, which says `what` hasn't come."""
    end = time.monotonic() + within
    while not (value := holds()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {within} s")
        time.sleep(pause)
    return value


class Allocator:
    """The binary on FOLDER/ta.yaml, which has the job JOB and `collectors`; its log
    is FOLDER/log. `flags` are those beyond the file and the address. Without a folder
    it has one of its own, which stop() removes. `with` stops it."""

    def __init__(self, binary, folder=None, flags=("--log-level=warn",),
                 collectors=COLLECTORS):
        # Goes with the object even if a constructor doesn't come to its end.
        self._own = None if folder else tempfile.TemporaryDirectory(prefix="ta-bench-")
        self.binary, self.folder = binary, pathlib.Path(folder or self._own.name)
        self.flags, self.collectors = list(flags), list(collectors)
        self.process = None
        self.port = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

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
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                print(f"{self.binary} doesn't end: killed", file=sys.stderr)
            finally:
                self.kill()
        if self._own:
            self._own.cleanup()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.process = None

    def alive(self):
        """True; RuntimeError with what it said last if it has ended."""
        if self.process.poll() is not None:
            log = (self.folder / "log").read_text(errors="replace")
            raise RuntimeError(
                f"ended with {self.process.returncode}: {log[-200:].strip() or 'no log'}")
        return True

    def connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def ask(self, connection, collector, headers=None, job=JOB):
        connection.request("GET", path(collector, job), headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.getheader("ETag"), answer.read()

    def get(self, connection, path):
        """The status and the body."""
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def wait_200(self, path, within=120, pause=0.005):
        """Until `path` is answered with 200; the connection that asked, and the
        body."""
        connection = None

        def answered():
            nonlocal connection
            self.alive()
            try:
                connection = connection or self.connect()
                status, body = self.get(connection, path)
            except OSError:
                connection = None
                return None
            return (connection, body) if status == 200 else None

        return until(f"200 from {path}", answered, within, pause)

    def wait_ready(self, within=120):
        """Until it can answer for all targets; the connection that asked."""
        return self.wait_200("/readyz", within)[0]

    def wait_served(self, targets):
        """Until every one of so many targets is in some collector's answer; the
        connection that asked. Fails on a 200 that leaves one out: the promise is 503
        until all is known."""
        connection, body = self.wait_200(path(self.collectors[0]), pause=0.002)
        served = body.count(b'"targets":') + sum(
            self.ask(connection, collector)[2].count(b'"targets":')
            for collector in self.collectors[1:])
        assert served == targets, f"{served} of {targets} served at first"
        return connection

    def owner(self, connection, address, job=JOB):
        """The collector that is served the target."""
        mark = b'"' + address.encode() + b'"'
        for collector in self.collectors:
            if mark in self.ask(connection, collector, job=job)[2]:
                return collector
        raise AssertionError(f"nobody is served {address}")

    def shown(self, connection, collector, etag, mark, rest=0, job=JOB):
        """Asks until the collector's answer has `mark`; that answer's ETag, or None,
        and for how many seconds before its end nobody knows whether it was there: from
        the question before on. After a list it pauses `rest` times as long as that took;
        a 304 costs next to nothing."""
        last = time.monotonic()
        end = last + 60
        while (begun := time.monotonic()) < end:
            status, fresh, body = self.ask(
                connection, collector, {"If-None-Match": etag} if etag else None, job)
            done = time.monotonic()
            if status == 200 and mark in body:
                return fresh, done - last
            last = begun
            time.sleep(max(0.0005, rest * (done - begun) if status == 200 else 0))
        raise TimeoutError(f"{mark.decode()} is not served after 60 s")

    def until_shown(self, connection, collector, etag, mark, job=JOB):
        """Asks without a rest until the collector's answer has `mark`; that answer's
        ETag, or None."""
        return self.shown(connection, collector, etag, mark, job=job)[0]

    def memory(self, key="VmRSS"):
        """Bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{key}:\s+(\d+) kB", status, re.M)[1]) * 1024

    def cpu(self):
        """Seconds, of all threads that it has or had. By the process's clock, which is
        exact: /proc/PID/stat counts in steps of 10 ms."""
        clock = ctypes.c_int()
        error = LIBC.clock_getcpuclockid(self.process.pid, ctypes.byref(clock))
        if error:
            raise OSError(error, "clock_getcpuclockid")
        return time.clock_gettime(clock.value)


def path(collector, job=JOB):
    return f"/jobs/{job}/targets?collector_id={collector}"


def parser(doc, parts):
    """For a script that has `parts`, functions by name, and says in `doc` what it does."""
    made = argparse.ArgumentParser(description=doc.splitlines()[0])
    made.add_argument("parts", nargs="*", choices=[[], *parts], metavar="PART",
                      help=", ".join(parts))
    made.add_argument("--binary", default=ROOT / "build/release/target-allocator")
    return made


def run(parts, arguments, *more):
    """Those that were asked for, or all, one after the other."""
    header()
    for part in arguments.parts or parts:
        parts[part](arguments, *more)


def header():
    print("| what | measured |\n|---|---|", flush=True)


def row(what, figure):
    print(f"| {what} | {figure} |", flush=True)


def percentile(values, share):
    """The least of the values that so many of them don't exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def spread(seconds):
    """Of fewer than a hundred values p99 would be the highest, and isn't there."""
    p99 = f"p99 {1e3 * percentile(seconds, 0.99):.1f} ms, " if len(seconds) >= 100 else ""
    return (f"p50 {1e3 * statistics.median(seconds):.1f} ms, {p99}"
            f"max {1e3 * max(seconds):.1f} ms")


def wrk(url, connections, seconds, *more):
    """What wrk prints, with one thread, of so many seconds of questions, each sent when
    the last was answered. RuntimeError if it isn't there, or any question was not
    answered with 200. Returns (requests, text)."""
    if not shutil.which("wrk"):
        raise RuntimeError("wrk is not installed")
    text = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
         "--latency", *more, url],
        capture_output=True, text=True, check=True, timeout=seconds + 80).stdout
    requests = re.search(r"(\d+) requests in", text)
    if not requests or requests[1] == "0":
        raise RuntimeError(f"{url}: no answer")
    for wrong in ("Non-2xx", "Socket errors"):
        if wrong in text:
            line = next(line for line in text.splitlines() if wrong in line)
            raise RuntimeError(f"{url}: {line.strip()}")
    return int(requests[1]), text
