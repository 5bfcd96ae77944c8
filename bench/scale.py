#!/usr/bin/env python3
"""Measures the release binary on large fleets of targets as Kubernetes discovers them
(bench/fleet.py), from outside. Each row is one line of Markdown, and each verifies
that what is served is right.

    bench/scale.py                    everything, half an hour
    bench/scale.py million jobs       only these
    bench/scale.py --quick            smaller, to see that it works

Takes 5 GB in the temporary folder. Everything is on loopback and ends with the script.
"""

import contextlib
import json
import random
import re
import time

import fleet
import measure
import scale_kubernetes
from large_fleet import LargeFleet, measure_all_served, measure_memory, measure_pages
from measure import JOB, row, spread, until
from target_files import replace

PER_FILE = 100  # targets: what an EndpointSlice has


class Scale(LargeFleet):
    """A fleet in files of PER_FILE targets, `collectors` in a file, and jobs on them:
    the one JOB on all files, or `jobs`, each on its part of them."""

    def __init__(self, binary, targets, collectors, jobs=0, mix="half"):
        super().__init__(binary, targets, collectors)
        self.version = 0
        per_file = min(PER_FILE, targets // max(1, jobs))
        self.paths = fleet.write(self.folder / "sd", targets, per_file, mix)
        self.jobs = [JOB]
        self.files = {JOB: [str(self.folder / "sd/*.json")]}
        if jobs:
            self.jobs = [f"{JOB}-{i:04}" for i in range(jobs)]
            part = len(self.paths) // jobs
            self.files = {job: [str(path) for path in self.paths[i * part:][:part]]
                          for i, job in enumerate(self.jobs)}
        self.write_collectors(self.collectors)
        self.write_configuration()

    def write_collectors(self, names):
        return replace(self.folder / "collectors.yaml", json.dumps(names))

    def write_configuration(self, interval="30s", job=None):
        """`job` alone gets another scrape interval."""
        return replace(self.folder / "ta.yaml", json.dumps({
            "collectors": {"file": str(self.folder / "collectors.yaml")},
            "config": {"scrape_configs": [
                {"job_name": each, "file_sd_configs": [{"files": self.files[each]}],
                 **({"scrape_interval": interval} if each == job else {})}
                for each in self.jobs]},
        }))

    def change(self, number):
        """The pod of the file's first target is another one, which moves nothing: its
        new uid, and when the file was renamed into place."""
        self.version += 1
        value = f"changed-{self.version}"
        first, comma, others = self.paths[number].read_text().partition("\n")
        first = re.sub(r'(_pod_uid":)"[^"]*"', rf'\1"{value}"', first)
        return value, replace(self.paths[number], first + comma + others)

    def first_address(self, number):
        """Of the target that change() changes."""
        with open(self.paths[number]) as file:
            return re.search(r'"targets":\["([^"]+)"', file.readline())[1]


@contextlib.contextmanager
def running(arguments, what, targets, collectors, jobs=0, mix="half"):
    """A started one that is ready, and a connection to it; with rows on that."""
    with Scale(arguments.binary, targets, collectors, jobs, mix) as scale:
        begun = time.perf_counter()
        scale.start()
        connection = scale.wait_ready()
        ready, cpu = time.perf_counter() - begun, scale.cpu()
        scale.assert_counts(connection, targets)
        row(f"{what}: start → ready", f"{ready:.2f} s, CPU {cpu:.2f} s")
        time.sleep(0.5 if arguments.quick else 3)  # what is freed may be given back
        measure_memory("resident, idle", scale)
        yield scale, connection


def measure_change(scale, connection, rounds):
    taken, explained, dice = [], [], random.Random(2)
    for _ in range(rounds):
        number = dice.randrange(len(scale.paths))
        job = scale.jobs[number * len(scale.jobs) // len(scale.paths)]
        begun = time.perf_counter()
        owner = scale.owner_of(connection, job, scale.first_address(number))
        explained.append(time.perf_counter() - begun)
        _, etag, _ = scale.ask(connection, owner, job=job)
        time.sleep(0.1)  # alone, not coalesced with the last
        value, begun = scale.change(number)
        scale.until_shown(connection, owner, etag, value.encode(), job=job)
        taken.append(time.perf_counter() - begun)
    row(f"a target changed in its file → served, {rounds} changes",
        spread(taken))
    row("the same target explained", spread(explained))


def measure_cpu(scale, connection, seconds):
    """A hundred small files a second are rewritten; all arrive."""
    dice, values = random.Random(3), {}
    before, begun = scale.cpu(), time.monotonic()
    turn = 0
    while turn < 100 * seconds:
        number = dice.randrange(len(scale.paths))
        values[number], _ = scale.change(number)
        turn += 1
        time.sleep(max(0, begun + turn / 100 - time.monotonic()))
    used, lasted = scale.cpu() - before, time.monotonic() - begun
    time.sleep(2)
    served = set()
    for collector in scale.collectors:
        served.update(re.findall(rb"changed-\d+", scale.ask(connection, collector)[2]))
    missing = {value.encode() for value in values.values()} - served
    assert not missing, f"{len(missing)} changes are not served"
    row(f"CPU at {turn / lasted:.0f} changes a second, each a file of {PER_FILE} targets",
        f"{used / lasted:.2f} cores")


def measure_million(arguments):
    targets, collectors = (20_000, 50) if arguments.quick else (1_000_000, 1_000)
    what = f"{targets:,} targets, half pods, half endpoints, {collectors:,} collectors"
    with running(arguments, what, targets, collectors) as (scale, connection):
        measure_change(scale, connection, 10 if arguments.quick else 100)
        measure_all_served(scale, connection)
        measure_cpu(scale, connection, 3 if arguments.quick else 20)
        scale.assert_counts(connection, targets)
        measure_pages(scale, connection)
        time.sleep(2)
        measure_memory("resident after all that", scale)


def measure_collectors(arguments):
    """A collector comes and goes; all are members before and after."""
    targets, collectors = (5_000, 500) if arguments.quick else (100_000, 5_000)
    what = f"{targets:,} pods, {collectors:,} collectors"
    with running(arguments, what, targets, collectors, mix="pods") as (scale, connection):
        measure_change(scale, connection, 10 if arguments.quick else 100)
        taken, cpu = {"joins": [], "leaves": []}, {"joins": [], "leaves": []}
        turns = 2 if arguments.quick else 5
        for turn in range(turns):
            name = f"joiner-{turn}"
            for event, names in [("joins", [*scale.collectors, name]),
                                 ("leaves", scale.collectors)]:
                before, begun = scale.cpu(), scale.write_collectors(names)
                # The joiner is served its own; none when it has left.
                until(f"{name} {event}", lambda: (event == "joins") == (
                    b'"targets"' in scale.ask(connection, name)[2]))
                taken[event].append(time.perf_counter() - begun)
                time.sleep(0.3 if arguments.quick else 1)
                cpu[event].append(scale.cpu() - before)
            scale.assert_counts(connection, targets)
        for event in taken:
            row(f"a collector {event} → seen in what is served",
                f"{spread(taken[event])}; CPU with the asking "
                f"{sum(cpu[event]) / turns:.3f} s")
        measure_pages(scale, connection)


def measure_job(arguments):
    """One job with half a million targets, few collectors."""
    targets = 20_000 if arguments.quick else 500_000
    with running(arguments, f"a job of {targets:,} pods, 10 collectors", targets, 10,
                 mix="pods") as (scale, connection):
        measure_change(scale, connection, 10 if arguments.quick else 50)
        measure_all_served(scale, connection)
        measure_cpu(scale, connection, 3 if arguments.quick else 10)
        measure_pages(scale, connection)
        measure_memory("resident after all that", scale)


def measure_jobs(arguments):
    jobs, collectors = (100, 20) if arguments.quick else (5_000, 1_000)
    targets = 40 * jobs
    with running(arguments, f"{jobs:,} jobs of 40 pods, {collectors:,} collectors",
                 targets, collectors, jobs, "pods") as (scale, connection):
        for job in scale.jobs[::max(1, jobs // 20)]:
            body = scale.get(connection, f"/jobs/{job}/targets")[1]
            served = body.count(b'{"targets":[')
            assert served == 40, f"{job}: {served} of 40 targets served"
        measure_change(scale, connection, 10 if arguments.quick else 100)
        job = scale.jobs[jobs // 2]
        cpu, begun = scale.cpu(), scale.write_configuration("31s", job)
        until("the scrape interval", pause=0.05,
              holds=lambda: b"31s" in scale.get(connection, "/scrape_configs")[1])
        taken = time.perf_counter() - begun
        time.sleep(2)
        row("one job's scrape interval changed → in /scrape_configs",
            f"{taken:.2f} s, CPU with the asking {scale.cpu() - cpu:.2f} s")
        scale.assert_counts(connection, targets)
        measure_pages(scale, connection)
        measure_memory("resident after all that", scale)


PARTS = {"million": measure_million, "collectors": measure_collectors,
         "job": measure_job, "jobs": measure_jobs,
         "kubernetes": scale_kubernetes.measure}


def main():
    parser = measure.parser(__doc__, PARTS)
    parser.add_argument("--quick", action="store_true")
    measure.end_with_script()
    measure.run(PARTS, parser.parse_args())


if __name__ == "__main__":
    main()
