#!/usr/bin/env python3
"""Measures how the release binary serves a large fleet: 33,000 polls a second over
10,000 connections, by bench/poll_load. Each row is one line of Markdown.

    bench/serving.py                    everything, about fifteen minutes
    bench/serving.py answers change     only these
    bench/serving.py --quick            smaller and shorter, to see that it works
    bench/serving.py --rate=10000 ...   at another rate

Server and generator share the machine's cores: what either had is in the row.
Everything is on loopback and ends with the script.
"""

import argparse
import contextlib
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time

import measure
from measure import ROOT, percentile, row, spread

# A scraper's, so that its polls count as a member's.
SCRAPER = "X-Prometheus-Refresh-Interval-Seconds: 30"
PATH = "/jobs/job-{job}/targets?collector_id=collector-{collector}"


class Fleet(measure.Allocator):
    """Some jobs, with so many targets each in a file of its own, and collectors."""

    def __init__(self, binary, jobs, collectors, targets):
        super().__init__(binary, tempfile.mkdtemp(prefix="ta-serving-"))
        self.jobs, self.collectors, self.targets = jobs, collectors, targets
        self.version = 0
        (self.folder / "sd").mkdir()
        for job in range(jobs):
            self.write(job, "first")
        (self.folder / "ta.yaml").write_text(json.dumps({
            "collectors": {"static": [f"collector-{i}" for i in range(collectors)]},
            "config": {"scrape_configs": [{
                "job_name": f"job-{job}",
                "file_sd_configs": [{"files": [str(self.folder / f"sd/{job}.json")]}],
            } for job in range(jobs)]},
        }))

    def write(self, job, value):
        """Writes the job's file, with the first target's label `team` set; when it
        was renamed into place. Six labels a target."""
        groups = []
        for i in range(self.targets):
            number = job * self.targets + i
            groups.append({
                "targets": [f"10.{number >> 16 & 255}.{number >> 8 & 255}."
                            f"{number & 255}:9100"],
                "labels": {"env": "production", "zone": "a", "host": f"host-{number}",
                           "team": value if i == 0 else "shop"}})
        fresh = self.folder / f"sd/{job}.new"
        fresh.write_text(json.dumps(groups))
        begun = time.perf_counter()
        fresh.replace(self.folder / f"sd/{job}.json")
        return begun

    def ask(self, connection, collector, headers=None, job=0):
        connection.request("GET", PATH.format(job=job, collector=collector),
                           headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.getheader("ETag"), answer.read()

    def wait_ready(self):
        end = time.monotonic() + 120
        while time.monotonic() < end:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            with contextlib.suppress(OSError):
                connection = self.connect()
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    connection.close()
                    return
                connection.close()
            time.sleep(0.05)
        raise AssertionError("not ready within two minutes")

    def change(self, job=0):
        """Changes one target's label; its new value, and when."""
        self.version += 1
        value = f"changed-{self.version}"
        return value, self.write(job, value)

    def stop(self):
        super().stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def running(arguments, jobs, collectors, targets):
    fleet = Fleet(arguments.binary, jobs, collectors, targets)
    try:
        fleet.start()
        fleet.wait_ready()
        yield fleet
    finally:
        fleet.stop()


class Load:
    """bench/poll_load on a fleet, in the background."""

    def __init__(self, arguments, fleet, rate, more=()):
        self.fleet = fleet
        warmup = 2 if arguments.quick else 5
        self.idle = fleet.memory()
        self.process = subprocess.Popen(
            [arguments.load, f"--port={fleet.port}", f"--jobs={fleet.jobs}",
             f"--collectors={fleet.collectors}",
             f"--connections={arguments.connections}", f"--rate={rate}",
             f"--seconds={arguments.seconds}", f"--warmup={warmup}", "--sources=8",
             f"--header={SCRAPER}", *more, PATH],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
        assert self.process.stderr.readline() == "connected\n"
        time.sleep(warmup)
        self.cpu, self.begun = fleet.cpu(), time.monotonic()
        self.end = self.begun + arguments.seconds

    def result(self):
        """What poll_load says, and the server's `cores` and `memory`, in bytes."""
        time.sleep(max(0, self.end - time.monotonic()))
        cores = (self.fleet.cpu() - self.cpu) / (time.monotonic() - self.begun)
        memory = self.fleet.memory()
        out, error = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, error
        result = json.loads(out)
        result.update(cores=cores, memory=memory - self.idle)
        return result


def figures(result):
    latency = result["latency_ms"]
    asked, got = result["rate"], result["answered"] / result["seconds"]
    generator = result["cpu_seconds"] / result["seconds"]
    wrong = result["failed"] + result["broken"] + result["unanswered"]
    return (f"{got:,.0f} of {asked:,.0f} polls a second, p50 {latency['p50']:.2f}, "
            f"p99 {latency['p99']:.2f}, p99.9 {latency['p99_9']:.1f}, max "
            f"{latency['max']:.1f} ms; server {result['cores']:.2f} cores, "
            f"{1e6 * result['cores'] / max(1, got):.1f} µs a poll; generator "
            f"{generator:.2f} cores, sends p99 "
            f"{result['sent_late_ms']['p99']:.2f} ms late; {wrong} errors; load "
            f"{os.getloadavg()[0]:.1f}")


def size(result):
    least, most = result["smallest_body"], result["largest_body"]
    return f"{least / 1e3:.1f} – {most / 1e3:.1f} kB" if most > 3 else "`[]`"


def measure_answers(arguments):
    """Every collector asks for one job; the lists are about as long."""
    for targets, rate in [(0, arguments.rate), (16, arguments.rate),
                          (983, arguments.rate / 10)]:
        collectors = 10 if targets == 983 else 100
        with running(arguments, 1, collectors, targets * collectors) as fleet:
            result = Load(arguments, fleet, rate).result()
            row(f"{targets} targets an answer, {size(result)}, "
                f"{arguments.connections:,} connections", figures(result))


def most(arguments, fleet, low, high):
    """The highest of some rates that is kept up with a p99 of 5 ms."""
    found = None
    while high / low > 1.15:
        rate = (low * high) ** 0.5
        result = Load(arguments, fleet, round(rate)).result()
        if result["answered"] == result["scheduled"] and (
                result["latency_ms"]["p99"] < 5):
            low, found = rate, result
        else:
            high = rate
    return found


def measure_limit(arguments):
    """The highest rate with a p99 below 5 ms, for the largest answers."""
    with running(arguments, 1, 10, 9_830) as fleet:
        short = argparse.Namespace(**{**vars(arguments),
                                      "seconds": min(10, arguments.seconds)})
        result = most(short, fleet, arguments.rate / 30, arguments.rate)
        row("983 targets an answer, the highest rate with p99 below 5 ms",
            figures(result) if result else "not found")


def measure_fleet(arguments):
    """1,000 jobs × 1,000 collectors, each pair asked for each 30 s."""
    jobs, collectors, targets = (20, 50, 5) if arguments.quick else (1_000, 1_000, 100)
    with running(arguments, jobs, collectors, targets) as fleet:
        for what, more in [("", []), (", by ETag", ["--conditional"])]:
            result = Load(arguments, fleet, arguments.rate, more).result()
            row(f"{jobs:,} jobs × {collectors:,} collectors, "
                f"{jobs * targets:,} targets{what}", figures(result))
            row("  memory a connection, polls and cached answers with it",
                f"{result['memory'] / arguments.connections / 1024:.1f} KiB")


def measure_change(arguments):
    """From a changed file to the answer that has the change, twice a second, while
    polls go on: each for 16 targets."""
    collectors = 100
    with running(arguments, 1, collectors, 16 * collectors) as fleet:
        load = Load(arguments, fleet, arguments.rate)
        connection = fleet.connect()
        address = b'"10.0.0.0:9100"'
        owner = next(collector for collector in range(collectors)
                     if address in fleet.ask(connection, collector)[2])
        _, etag, _ = fleet.ask(connection, owner)
        taken = []
        while time.monotonic() < load.end - 1:
            value, begun = fleet.change()
            etag = fleet.until_shown(connection, owner, etag, value.encode())
            taken.append(time.perf_counter() - begun)
            time.sleep(0.5)
        result = load.result()
        row(f"a target changed → served, {len(taken)} changes under that load",
            spread(taken))
        row("  the polls meanwhile", figures(result))
        seconds = result["p99_ms_by_second"]
        row("  their p99 by second",
            f"median {percentile(seconds, 0.5):.2f}, worst {max(seconds):.2f} ms")


PARTS = {"answers": measure_answers, "limit": measure_limit, "fleet": measure_fleet,
         "change": measure_change}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART",
                        help=", ".join(PARTS))
    parser.add_argument("--binary", default=ROOT / "build/release/target-allocator")
    parser.add_argument("--load", default=ROOT / "build/release/bench/poll_load")
    parser.add_argument("--rate", type=float)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--connections", type=int)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    arguments.rate = arguments.rate or (2_000 if arguments.quick else 33_000)
    arguments.seconds = arguments.seconds or (3 if arguments.quick else 120)
    arguments.connections = arguments.connections or (
        500 if arguments.quick else 10_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    measure.header()
    for part in arguments.parts or PARTS:
        PARTS[part](arguments)


if __name__ == "__main__":
    main()
