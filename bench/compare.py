#!/usr/bin/env python3
"""Measures our allocator and another one with the same flags, file and API, in turn,
and prints what both take and how many times less ours does. The other may be any
program that finds its collectors as pods, such as the OpenTelemetry Operator's.

    make bench-compare PEER=/path/to/binary   builds what this needs, then runs it
    bench/compare.py --peer PATH              everything, about half an hour
    bench/compare.py --peer PATH start churn  only these
    bench/compare.py --peer PATH --quick      smaller, to see that it works

Both get the same bytes as their file, the same ten pods of a real API server as
collectors (test/integration/kube/build.sh), and the same questions. What one of them
can't do is a row that says so. Everything is on loopback and ends with the script.
"""

import argparse
import datetime
import http.client
import os
import pathlib
import shlex
import subprocess
import sys

import collector_pods
import compare_members
import compare_parts
from compare_setting import Setting, Side
from measure import ROOT, end_with_script

PARTS = {
    "start": compare_parts.start,
    "change": compare_parts.change,
    "churn": compare_members.churn,
    "memory": compare_parts.memory,
    "requests": compare_parts.requests,
    "cpu": compare_parts.cpu,
    "restart": compare_members.restart,
}
# What an allocator that doesn't do its part makes of a measurement.
FAILURES = (ArithmeticError, AssertionError, AttributeError, LookupError, OSError,
            RuntimeError, TypeError, ValueError, http.client.HTTPException,
            subprocess.SubprocessError)


class Case:
    """The rows of one case: each side's samples by what was measured, or why there are
    none."""

    def __init__(self):
        self.rows = {}  # (index in the side's rows, what) to side name to [Row]
        self.failed = {}  # side name to reason

    def run(self, side, measure):
        if side.name in self.failed:
            return
        try:
            for index, row in enumerate(measure(side)):
                by_side = self.rows.setdefault((index, row.what), {})
                by_side.setdefault(side.name, []).append(row)
        except FAILURES as error:
            said = " ".join(str(error).split()) or type(error).__name__
            self.failed[side.name] = said.replace("|", "\\|")

    def lines(self, part, sides):
        """Lines of Markdown."""
        if not self.rows:
            reasons = [self.failed.get(side.name, "–") for side in sides]
            return [f"| {part} | {' | '.join(f'failed: {one}' for one in reasons)} | – |"]
        return [self._line(what, by_side, sides)
                for (_, what), by_side in self.rows.items()]

    def _line(self, what, by_side, sides):
        values, cells, compared = [], [], True
        for side in sides:
            rows = by_side.get(side.name)
            if side.name in self.failed or not rows:
                values.append(None)
                cells.append(f"failed: {self.failed.get(side.name, 'not measured')}")
                continue
            samples = [sample for row in rows for sample in row.samples]
            values.append(rows[0].pick(samples))
            cells.append(shown(values[-1], rows[0].unit))
            compared = rows[0].compared
        cells.append(ratio(*values) if compared else "–")
        return f"| {what} | {' | '.join(cells)} |"


def ratio(ours, peer):
    if ours is None or peer is None:
        return "–"
    if ours == 0:
        return "1" if peer == 0 else "–"
    return f"{peer / ours:,.0f}" if peer / ours >= 10 else f"{peer / ours:.2g}"


def shown(value, unit):
    if unit == "s":
        if value == 0:
            return "0 s"
        for at_least, name, scale in [(1, "s", 1), (1e-3, "ms", 1e3)]:
            if value >= at_least:
                return f"{value * scale:.3g} {name}"
        return f"{value * 1e6:.3g} µs"
    digits = f"{value:,.0f}" if value >= 100 or unit == "targets" else f"{value:.3g}"
    return f"{digits} {unit}"


def where():
    """The machine, when, and how busy."""
    cpus = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in cpus.splitlines()
                  if line.startswith("model name")), "a CPU without a name")
    now = datetime.datetime.now(datetime.UTC)
    return (f"{now:%Y-%m-%d %H:%M} UTC, {len(os.sched_getaffinity(0))} cores of {model}, "
            f"load {os.getloadavg()[0]:.1f}")


def program(text):
    path = pathlib.Path(text).resolve()
    if not os.access(path, os.X_OK) or not path.is_file():
        raise argparse.ArgumentTypeError(f"{text} is no program")
    return path


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART",
                        help=", ".join(PARTS))
    parser.add_argument("--peer", type=program, required=True)
    parser.add_argument("--peer-args", default="", metavar="FLAGS",
                        help="flags that the peer alone is given, as a shell reads them")
    parser.add_argument("--binary", type=program,
                        default=str(ROOT / "build/release/target-allocator"))
    parser.add_argument("--targets", type=lambda text: [int(n) for n in text.split(",")],
                        metavar="N,…", help="sizes, the smallest first; 10000,100000")
    parser.add_argument("--collectors", type=int, default=10)
    parser.add_argument("--changes", type=int, help="of each case of `change`; 20")
    parser.add_argument("--rounds", type=int, help="of each case of `start`; 3")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    if arguments.collectors < 6:
        parser.error("--collectors: churn takes two away; at least 6")
    quick = arguments.quick
    arguments.targets = arguments.targets or ([400] if quick else [10_000, 100_000])
    arguments.changes = arguments.changes or (4 if quick else 20)
    arguments.rounds = arguments.rounds or (1 if quick else 3)
    return arguments


def main():
    arguments = parse()
    end_with_script()
    sides = [Side("ours", arguments.binary, []),
             Side("peer", arguments.peer, shlex.split(arguments.peer_args))]
    if not (collector_pods.control_plane.BINARIES / "kube-apiserver").exists():
        sys.exit("compare.py: no API server: run test/integration/kube/build.sh first")
    with collector_pods.cluster() as pods:
        setting = Setting(pods, arguments)
        print(f"{where()}; {arguments.collectors} collectors\n")
        print("| what | ours | peer | peer / ours |\n|---|---|---|---|", flush=True)
        for part in arguments.parts or PARTS:
            for rounds, measure in PARTS[part](setting):
                case = Case()
                for _ in range(rounds):
                    for side in sides:
                        case.run(side, measure)
                print("\n".join(case.lines(part, sides)), flush=True)
        print(f"\nAt the end: {where()}")


if __name__ == "__main__":
    main()
