#!/usr/bin/env python3
"""Measures how the release binary serves a large fleet: 33,000 polls a second over
10,000 connections, by bench/poll_load. Each row is one line of Markdown.

    bench/serving.py                    everything, about twenty minutes
    bench/serving.py answers change     only these
    bench/serving.py --quick            smaller and shorter, to see that it works
    bench/serving.py --rate=10000 ...   at another rate

Server and generator share the machine's cores: what either had is in the row.
Everything is on loopback and ends with the script.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import time

import measure
from measure import ROOT, percentile, row, spread
from target_files import TargetFiles

# A scraper's, so that its polls count as a member's.
SCRAPER = "X-Prometheus-Refresh-Interval-Seconds: 30"
PATH = "/jobs/job-{job}/targets?collector_id=collector-{collector}"


class Fleet(measure.Allocator):
    """Some jobs, with so many targets each in a file of its own, and collectors. `with`
    starts it, waits until it is ready, and ends it."""

    def __init__(self, binary, jobs, collectors, targets):
        super().__init__(binary,
                         collectors=[f"collector-{i}" for i in range(collectors)])
        self.jobs = jobs
        self.files = TargetFiles(self.folder / "sd", jobs * targets, jobs)
        (self.folder / "ta.yaml").write_text(json.dumps({
            "collectors": {"static": self.collectors},
            "config": {"scrape_configs": [{
                "job_name": f"job-{job}",
                "file_sd_configs": [{"files": [str(self.folder / f"sd/{job}.json")]}],
            } for job in range(jobs)]},
        }))

    def __enter__(self):
        try:
            self.start().wait_ready().close()
        except BaseException:
            self.stop()
            raise
        return self


class Load:
    """bench/poll_load on a fleet, in the background; `with` ends it. What is measured
    begins when each pair of a job and a collector was asked for once at least: a fleet
    that has just begun is another thing than one that runs."""

    def __init__(self, arguments, fleet, rate, more=()):
        self.fleet, self.seconds = fleet, arguments.seconds
        pairs = fleet.jobs * len(fleet.collectors)
        self.warmup = max(2 if arguments.quick else 5, pairs / rate)
        self.command = [
            arguments.load, f"--port={fleet.port}", f"--jobs={fleet.jobs}",
            f"--collectors={len(fleet.collectors)}",
            f"--connections={arguments.connections}", f"--rate={rate}",
            f"--seconds={self.seconds}", f"--warmup={self.warmup}", "--sources=8",
            f"--header={SCRAPER}", *more, PATH]

    def __enter__(self):
        self.idle = self.fleet.memory()
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        try:
            said = self.process.stderr.readline()
            assert said == "connected\n", said
            time.sleep(self.warmup)
            self.cpu, self.begun = self.fleet.cpu(), time.monotonic()
            self.end = self.begun + self.seconds
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def result(self):
        """What poll_load says, and the server's `cores` and `memory`, in bytes."""
        # Before the end, with which the connections are closed.
        time.sleep(max(0, self.end - 0.5 - time.monotonic()))
        memory = self.fleet.memory()
        cores = (self.fleet.cpu() - self.cpu) / (time.monotonic() - self.begun)
        out, error = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, error
        result = json.loads(out)
        result.update(cores=cores, memory=memory - self.idle)
        return result


def measured(arguments, fleet, rate, more=()):
    with Load(arguments, fleet, rate, more) as load:
        return load.result()


def ms(value, none="for ever"):
    """Of poll_load, which says null where requests had no answer."""
    return none if value is None else f"{value:.2f}"


def figures(result):
    latency = result["latency_ms"]
    asked, got = result["rate"], result["answered"] / result["seconds"]
    generator = result["cpu_seconds"] / result["elapsed_seconds"]
    # Those whose connection broke have no answer, either.
    wrong = result["failed"] + result["unanswered"]
    # None if each had to wait for an earlier answer.
    late = ms(result["sent_late_ms"]["p99"], "–")
    unchanged = result["statuses"].get("304", 0) / max(1, result["answered"])
    return (f"{got:,.0f} of {asked:,.0f} polls a second, p50 {ms(latency['p50'])}, "
            f"p99 {ms(latency['p99'])}, p99.9 {ms(latency['p99_9'])}, max "
            f"{ms(latency['max'])} ms; server {result['cores']:.2f} cores, "
            f"{1e6 * result['cores'] / max(1, got):.1f} µs a poll; generator "
            f"{generator:.2f} cores, sends p99 {late} ms late; {unchanged:.0%} are "
            f"304, {wrong} errors; load {os.getloadavg()[0]:.1f}")


def size(result):
    least, most = result["smallest_body"], result["largest_body"]
    return f"{least / 1e3:.1f} – {most / 1e3:.1f} kB" if most > 3 else "`[]`"


def measure_answers(arguments):
    """Every collector asks for one job; the lists are about as long."""
    for targets, rate in [(0, arguments.rate), (16, arguments.rate),
                          (983, arguments.rate / 10)]:
        collectors = 10 if targets == 983 else 100
        with Fleet(arguments.binary, 1, collectors, targets * collectors) as fleet:
            result = measured(arguments, fleet, rate)
            row(f"{targets} targets an answer, {size(result)}, "
                f"{arguments.connections:,} connections", figures(result))


def kept_up(result):
    """Was everything answered, well, and with a p99 of 5 ms?"""
    p99 = result["latency_ms"]["p99"]
    return (result["failed"] == result["unanswered"] == 0
            and p99 is not None and p99 < 5)


def most(arguments, fleet, low, high):
    """The highest of some rates that is kept up, `high` itself first."""
    found, rate = None, high
    while True:
        result = measured(arguments, fleet, round(rate))
        if kept_up(result):
            low, found = rate, result
        else:
            high = rate
        if high / low <= 1.15:
            return found
        rate = (low * high) ** 0.5


def measure_limit(arguments):
    """The highest rate with a p99 below 5 ms, for the largest answers."""
    with Fleet(arguments.binary, 1, 10, 9_830) as fleet:
        short = argparse.Namespace(**{**vars(arguments),
                                      "seconds": min(10, arguments.seconds)})
        result = most(short, fleet, arguments.rate / 30, arguments.rate)
        row("983 targets an answer, the highest rate with p99 below 5 ms",
            figures(result) if result else "not found")


def measure_fleet(arguments):
    """1,000 jobs × 1,000 collectors, each pair asked for each 30 s."""
    jobs, collectors, targets = (20, 50, 5) if arguments.quick else (1_000, 1_000, 100)
    with Fleet(arguments.binary, jobs, collectors, targets) as fleet:
        name = f"{jobs:,} jobs × {collectors:,} collectors, {jobs * targets:,} targets"
        result = measured(arguments, fleet, arguments.rate)
        row(name, figures(result))
        row("  memory a connection, polls and cached answers with it",
            f"{result['memory'] / arguments.connections / 1024:.1f} KiB")
        row(f"{name}, by ETag", figures(
            measured(arguments, fleet, arguments.rate, ["--conditional"])))


def measure_change(arguments):
    """From a changed file to the answer that has the change, twice a second, while
    polls go on: each for 16 targets."""
    job = "job-0"
    with (Fleet(arguments.binary, 1, 100, 1_600) as fleet,
          Load(arguments, fleet, arguments.rate) as load):
        connection = fleet.connect()
        owner = fleet.owner(connection, fleet.files.first_address(), job)
        _, etag, _ = fleet.ask(connection, owner, job=job)
        taken = []
        while time.monotonic() < load.end - 1:
            value, begun = fleet.files.change()
            etag = fleet.until_shown(connection, owner, etag, value.encode(), job=job)
            taken.append(time.perf_counter() - begun)
            time.sleep(0.5)
        result = load.result()
        row(f"a target changed → served, {len(taken)} changes under that load",
            spread(taken))
        row("  the polls meanwhile", figures(result))
        seconds = [math.inf if second is None else second
                   for second in result["p99_ms_by_second"]]
        row("  their p99 by second",
            f"median {percentile(seconds, 0.5):.2f}, worst {max(seconds):.2f} ms")


PARTS = {"answers": measure_answers, "limit": measure_limit, "fleet": measure_fleet,
         "change": measure_change}


def main():
    parser = measure.parser(__doc__, PARTS)
    parser.add_argument("--load", default=ROOT / "build/release/bench/poll_load")
    parser.add_argument("--rate", type=float)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--connections", type=int)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    if arguments.seconds is not None and arguments.seconds < 2:
        parser.error("--seconds: at least 2, or nothing is measured")
    arguments.rate = arguments.rate or (2_000 if arguments.quick else 33_000)
    arguments.seconds = arguments.seconds or (3 if arguments.quick else 120)
    arguments.connections = arguments.connections or (
        500 if arguments.quick else 10_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    measure.end_with_script()
    measure.run(PARTS, arguments)


if __name__ == "__main__":
    main()
