#!/usr/bin/env python3
"""Measures the pages for people with 100,000 targets, a fifth of them dropped: what
each costs, and what polls of collectors take while somebody reloads them without a
pause. Each row is one line of Markdown.

    bench/pages.py            everything, a minute
    bench/pages.py --quick    smaller, to see that it works

Everything is on loopback and ends with the script.
"""

import argparse
import json
import re
import shutil
import subprocess
import time

import blackbox
from measure import COLLECTORS, JOB, ROOT, end_with_script, path, row, spread

ROUNDS = 100
# A fifth of the hosts.
DROP = {"source_labels": ["host"], "regex": "host-.*[05]", "action": "drop"}


def ask(connection, target):
    """The body at `target`, uncompressed."""
    connection.request("GET", target, headers={"Accept": "text/html"})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, (target, answer.status, body[:200])
    return body


def link(body, pattern):
    """The first link of a page that looks like `pattern`."""
    found = re.search(rf'href="\.\./({pattern}[^"]*)"', body.decode())
    return "/" + found[1].replace("&amp;", "&")


def pages_of(connection, count):
    """Every kind of page, the cheap and the dear ones, by what it is."""
    targets = "/debug/targets"
    dropped = f"{targets}?state=dropped"
    return {
        "/": "/",
        "collectors": "/debug/collectors",
        "a collector": f"/debug/collector?collector_id={COLLECTORS[0]}",
        "jobs": "/debug/jobs",
        "a job": f"/debug/job?job_id={JOB}",
        "targets, the first page": targets,
        "targets, in the middle": f"{targets}?page={count // 200}",
        "dropped targets, the first page": dropped,
        "dropped targets, the last page": f"{dropped}&page={count // 500}",
        "targets by a part of the address": f"{targets}?address=.77:",
        "a target": link(ask(connection, targets), r"debug/target\?target_hash="),
        "a dropped target": link(ask(connection, dropped), r"debug/target\?unserved="),
        "scrape configs": "/debug/scrape_configs",
    }


def measure_pages(fleet, connection, count, rounds):
    for name, target in pages_of(connection, count).items():
        taken, before = [], fleet.cpu()
        for _ in range(rounds):
            begun = time.perf_counter()
            body = ask(connection, target)
            taken.append(time.perf_counter() - begun)
        cpu = 1e3 * (fleet.cpu() - before) / rounds
        row(f"page: {name}", f"{len(body) / 1e3:.0f} kB, {cpu:.2f} ms of CPU, {spread(taken)}")


def poll(connection, seconds):
    """How long a collector's poll took, each 2 ms, for so many seconds."""
    taken, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.perf_counter()
        connection.request("GET", path(COLLECTORS[0]))
        connection.getresponse().read()
        taken.append(time.perf_counter() - begun)
        time.sleep(0.002)
    return taken


def measure_polls(fleet, connection, count, seconds):
    """What somebody at the pages costs who scrapes."""
    row("a collector's poll, nobody at the pages", spread(poll(connection, seconds)))
    if not shutil.which("wrk"):
        return
    pages = pages_of(connection, count)
    for name in ["/", "targets, in the middle", "dropped targets, the last page"]:
        with subprocess.Popen(
            ["wrk", "-t1", "-c2", f"-d{seconds + 2}s", "-H", "Accept: text/html",
             f"http://127.0.0.1:{fleet.port}{pages[name]}"],
            stdout=subprocess.PIPE, text=True) as reader:
            time.sleep(1)
            taken = poll(connection, seconds)
            rate = re.search(r"Requests/sec:\s+(\S+)", reader.communicate()[0])[1]
        row(f"  while two load “{name}” again and again",
            f"{spread(taken)}; {float(rate):,.0f} pages a second")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=ROOT / "build/release/target-allocator")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    end_with_script()
    targets = 2_000 if arguments.quick else 100_000
    fleet = blackbox.Fleet(arguments.binary, targets, 100)
    config = fleet.folder / "ta.yaml"
    written = json.loads(config.read_text())
    written["config"]["scrape_configs"][0]["relabel_configs"] = [DROP]
    config.write_text(json.dumps(written))
    with fleet:
        fleet.start()
        connection = fleet.wait_served(targets * 4 // 5)
        measure_pages(fleet, connection, targets, 5 if arguments.quick else ROUNDS)
        measure_polls(fleet, connection, targets, 1 if arguments.quick else 8)


if __name__ == "__main__":
    main()
