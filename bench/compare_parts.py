"""The parts of bench/compare.py that need no change of members: start, change, memory,
cpu, requests. A part yields cases, (rounds, measure): `measure(side)` gives Rows."""

import contextlib
import functools
import re
import time

from compare_setting import Row
from measure import JOB, path, wrk
from target_files import cpu_of_changes

MIB = 2**20
# An answer of 10,000 targets takes a server up to 44 ms of CPU. Who asked for it again
# at once would slow down what is measured; so asking takes a tenth of a core at most.
REST = 9
STEP = 5  # seconds


def start(setting):
    """From exec to the last collector's answer that completes all targets."""
    for targets in setting.sizes:
        for files in [1, 100]:
            with setting.given({JOB: (targets, files, "few")}) as given:
                what = f"start, {targets:,} targets in {files} file(s)"
                yield setting.arguments.rounds, functools.partial(_start, given, what)


def _start(given, what, side):
    with given.subject(side) as subject:
        begun = subject.begin()
        spent = subject.wait_all(given.jobs)
        taken = time.perf_counter() - begun
        return [
            Row(f"{what}: all served after", "s", [taken]),
            Row("— of that answering `200 []`", "s", [spent["empty"]]),
            Row("— CPU", "s", [subject.cpu()]),
        ]


def change(setting):
    """From the rename of a changed file to its owner's answer that has the change."""
    rounds = 1 if setting.quick else 2
    for targets in setting.sizes:
        for files in [1, 100]:
            with setting.given({JOB: (targets, files, "few")}) as given:
                what = f"a change → served, {targets:,} targets in {files} file(s)"
                yield rounds, functools.partial(_change, given, what, rounds)


def _change(given, what, rounds, side):
    files = given.files[JOB]
    taken, unknown = [], []
    with given.serving(side) as subject, contextlib.closing(subject.connect()) as asking:
        collector = subject.owner(asking, files.first_address())
        _, etag, _ = subject.ask(asking, collector)
        count = max(2, given.setting.arguments.changes // rounds)
        for turn in range(count):
            # Each alone, and spread over a step that one of them may work in: else
            # each would come just after the step that served the last.
            time.sleep(0.3 + (0 if given.setting.quick else turn * 0.618 % 1 * STEP))
            value, begun = files.change()
            etag, doubt = subject.shown(asking, collector, etag, value.encode(), REST)
            taken.append(time.perf_counter() - begun)
            unknown.append(doubt)
    return [
        Row(f"{what}: p50", "s", taken),
        Row("— max", "s", taken, max),
        Row("— known to within, p50", "s", unknown, compared=False),
    ]


def memory(setting):
    targets = setting.sizes[-1]
    for labels, count in [("few", 6), ("kubernetes", 42)]:
        with setting.given({JOB: (targets, 100, labels)}) as given:
            what = f"resident, {targets:,} targets × {count} labels"
            yield 1, functools.partial(_memory, given, what)


def _memory(given, what, side):
    files = given.files[JOB]
    with given.serving(side) as subject, contextlib.closing(subject.connect()) as asking:
        rest = 0.3 if given.setting.quick else 3  # what is freed may be given back
        time.sleep(rest)
        idle = subject.memory()
        for number in range(len(files.groups)):
            value, _ = files.change(number)
            time.sleep(0 if given.setting.quick else 0.06)
        last = subject.owner(asking, files.groups[-1][0]["targets"][0])
        subject.shown(asking, last, None, value.encode(), REST)
        for collector in subject.collectors:
            subject.ask(asking, collector)
        time.sleep(rest)
        return [
            Row(f"{what}: each collector has asked once", "MiB", [idle / MIB]),
            Row("— a change of each file later", "MiB", [subject.memory() / MIB]),
            Row("— at most", "MiB", [subject.memory("VmHWM") / MIB]),
        ]


def cpu(setting):
    targets = setting.sizes[-1]
    for files in [1, 100]:
        with setting.given({JOB: (targets, files, "few")}) as given:
            what = f"CPU at one change a second, {targets:,} targets in {files} file(s)"
            yield 1, functools.partial(_cpu, given, what)


def _cpu(given, what, side):
    files = given.files[JOB]
    with given.serving(side) as subject:
        time.sleep(1)
        seconds = 3 if given.setting.quick else 30
        return [Row(what, "s a minute", [cpu_of_changes(subject, files, seconds)])]


# Jobs by the number of targets that the one collector has of each.
ANSWERS = {0: "none", 16: "sixteen", 983: "many"}


def requests(setting):
    sets = {job: (max(1, count), 1, "few") for count, job in ANSWERS.items()}
    drop = {"none": {"relabel_configs": [{"action": "drop", "regex": ".*"}]}}
    with setting.given(sets, collectors=1, scrape=drop) as given:
        given.jobs["none"] = 0
        yield 1 if setting.quick else 2, functools.partial(_requests, given)


def _requests(given, side):
    rows = []
    seconds = 1 if given.setting.quick else 4
    with given.subject(side) as subject:
        subject.start()
        # Nothing tells that a job without targets is known: the others first.
        subject.wait_all({"many": 983, "sixteen": 16})
        with contextlib.closing(subject.connect()) as asking:
            subject.ask(asking, subject.collectors[0])
        for count, job in ANSWERS.items():
            url = f"http://127.0.0.1:{subject.port}{path(subject.collectors[0], job)}"
            _, done = wrk(url, 1, seconds)
            before = subject.cpu()
            requests, _ = wrk(url, 16, seconds)
            used = (subject.cpu() - before) / requests
            rows += [
                Row(f"an answer of {count} targets: CPU", "s", [used]),
                Row("— p50, asked by one", "s", [_latency(done, 50)]),
                Row("— p99, asked by one", "s", [_latency(done, 99)]),
            ]
    return rows


def _latency(done, share):
    value, unit = re.search(rf"{share}%\s+([\d.]+)(us|ms|s)", done).groups()
    return float(value) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit]
