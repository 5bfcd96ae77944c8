#!/usr/bin/env python3
"""Measures the release binary from outside, as its users see it: from a changed
file to the served answer, from start to served, resident memory, CPU at a steady
trickle of changes, and what an answer costs. Each row is one line of Markdown.

    bench/blackbox.py                 everything, about eight minutes
    bench/blackbox.py change memory   only these
    bench/blackbox.py --quick         smaller, to see that it works

Everything is on loopback and ends with the script.
"""

import contextlib
import json
import re
import resource
import shutil
import socket
import statistics
import sys
import time

import measure
from measure import COLLECTORS, JOB, path, row, spread, wrk
from target_files import TargetFiles, cpu_of_changes


class Fleet(measure.Allocator):
    """Targets in files, a configuration, and the allocator on them."""

    def __init__(self, binary, targets, files, labels="few"):
        super().__init__(binary)
        self.files = TargetFiles(self.folder / "sd", targets, files, labels)
        self.change = self.files.change
        (self.folder / "ta.yaml").write_text(json.dumps({
            "collectors": {"static": COLLECTORS},
            "config": {"scrape_configs": [self.files.scrape_config(JOB)]},
        }))


@contextlib.contextmanager
def running(arguments, targets, files, labels="few"):
    with Fleet(arguments.binary, targets, files, labels) as fleet:
        fleet.start()
        yield fleet, fleet.wait_served(targets)


def measure_change(arguments):
    """From the rename of a changed file to the answer that has the change."""
    sizes = [(1_000, 1)] if arguments.quick else [
        (10_000, 1), (10_000, 100), (100_000, 1), (100_000, 100)]
    for targets, files in sizes:
        rounds = 10 if arguments.quick else 200
        with running(arguments, targets, files) as (fleet, connection):
            collector = fleet.owner(connection, fleet.files.first_address())
            _, etag, _ = fleet.ask(connection, collector)
            taken = []
            for _ in range(rounds):
                time.sleep(0.2)  # each alone, not coalesced with what was before
                value, begun = fleet.change()
                etag = fleet.until_shown(connection, collector, etag, value.encode())
                taken.append(time.perf_counter() - begun)
            row(f"change → served, {targets:,} targets in {files} file(s), "
                f"{rounds} changes",
                spread(taken))


def measure_start(arguments):
    """From exec to the last byte of the last collector's answer."""
    targets = 1_000 if arguments.quick else 100_000
    for files in [1, 100]:
        taken, cpu = [], []
        for _ in range(2 if arguments.quick else 5):
            with Fleet(arguments.binary, targets, files) as fleet:
                begun = time.perf_counter()
                fleet.start()
                fleet.wait_served(targets)
                taken.append(time.perf_counter() - begun)
                cpu.append(fleet.cpu())
        row(f"start → all {targets:,} targets served, {files} file(s), never `200 []`",
            f"median {statistics.median(taken):.2f} s, max {max(taken):.2f} s, "
            f"CPU {statistics.median(cpu):.2f} s")


def measure_memory(arguments):
    targets = 1_000 if arguments.quick else 100_000
    with running(arguments, 1, 1) as (fleet, _):
        time.sleep(1)
        empty = fleet.memory()
    row("resident, 1 target", f"{empty / 2**20:.1f} MiB")
    for labels, count in [("few", 6), ("kubernetes", 42)]:
        # Started without anyone asking for all the targets: no cached answers.
        with Fleet(arguments.binary, targets, 100, labels) as fleet:
            fleet.start()
            connection = fleet.wait_ready()
            time.sleep(2)
            idle, peak = fleet.memory(), fleet.memory("VmHWM")
            row(f"resident, {targets:,} targets × {count} labels, idle",
                f"{idle / 2**20:.1f} MiB ({(idle - empty) / targets:.0f} B a target), "
                f"peak {peak / 2**20:.1f} MiB")
            for turn in range(100):
                fleet.change(turn)
                time.sleep(0.06)
            for collector in COLLECTORS:
                fleet.ask(connection, collector)
            time.sleep(1)
            after = fleet.memory()
            row("  after a change of each file and an answer to each collector",
                f"{after / 2**20:.1f} MiB, peak {fleet.memory('VmHWM') / 2**20:.1f} MiB")


def measure_cpu(arguments):
    targets = 1_000 if arguments.quick else 100_000
    seconds = 5 if arguments.quick else 30
    for files in [1, 100]:
        with running(arguments, targets, files) as (fleet, _):
            time.sleep(1)
            row(f"CPU at one change a second, {targets:,} targets in {files} file(s)",
                f"{cpu_of_changes(fleet, fleet.files, seconds):.2f} s a minute")


def measure_answers(arguments):
    """The server's own CPU for an answer, at full load by wrk."""
    if not shutil.which("wrk"):
        print("wrk is not installed: answers are not measured", file=sys.stderr)
        return
    seconds = 2 if arguments.quick else 8
    for targets in [160, 9_830]:
        with running(arguments, targets, 1) as (fleet, connection):
            body = fleet.ask(connection, COLLECTORS[0])[2]
            before = fleet.cpu()
            requests, done = wrk(
                f"http://127.0.0.1:{fleet.port}{path(COLLECTORS[0])}", 16, seconds)
            p99 = re.search(r"99%\s+(\S+)", done)[1]
            own_targets = body.count(b'"targets":')
            row(f"an answer of {own_targets} targets, {len(body) / 1e3:.1f} kB, "
                f"16 connections",
                f"{1e3 * (fleet.cpu() - before) / requests:.3f} ms of CPU, "
                f"{requests / seconds:,.0f} a second, p99 {p99}")


def measure_connections(arguments):
    """What an idle connection holds, and a poll costs over many of them."""
    connections = 500 if arguments.quick else 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with running(arguments, 160, 1) as (fleet, _):
        request = (f"GET {path(COLLECTORS[0])} HTTP/1.1\r\nHost: bench\r\n"
                   "X-Prometheus-Refresh-Interval-Seconds: 30\r\n\r\n").encode()
        before = fleet.memory()
        idle = []
        for _ in range(connections):
            one = socket.create_connection(("127.0.0.1", fleet.port))
            one.sendall(request)
            idle.append(one)
        for one in idle:
            while not one.recv(1 << 16).endswith(b"]\n"):
                pass
        time.sleep(2)
        row(f"{connections:,} idle connections",
            f"{(fleet.memory() - before) / connections / 1024:.1f} KiB each")
        for one in idle:
            one.close()
        if not shutil.which("wrk"):
            return
        seconds = 2 if arguments.quick else 10
        begun = fleet.cpu()
        requests, _ = wrk(
            f"http://127.0.0.1:{fleet.port}{path(COLLECTORS[0])}", connections, seconds,
            "-H", "X-Prometheus-Refresh-Interval-Seconds: 30")
        each = (fleet.cpu() - begun) / requests
        row(f"a scraper's poll of 16 targets over {connections:,} connections",
            f"{1e3 * each:.3f} ms of CPU: 33,000 a second are "
            f"{33_000 * each:.2f} cores")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


PARTS = {"change": measure_change, "start": measure_start, "memory": measure_memory,
         "cpu": measure_cpu, "answers": measure_answers,
         "connections": measure_connections}


def main():
    parser = measure.parser(__doc__, PARTS)
    parser.add_argument("--quick", action="store_true")
    measure.end_with_script()
    measure.run(PARTS, parser.parse_args())


if __name__ == "__main__":
    main()
