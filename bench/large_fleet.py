"""What the measurements of large fleets share: is all that is served right, and what
does it take?"""

import json
import re
import time

import measure
from measure import row

MIB = 2**20


class LargeFleet(measure.Allocator):
    """So many targets, and `collectors` by number."""

    def __init__(self, binary, targets, collectors):
        super().__init__(binary,
                         collectors=[f"collector-{i}" for i in range(collectors)])
        self.targets = targets

    def assert_counts(self, connection, targets):
        """By the metrics: each target has an owner, none too many."""
        text = self.get(connection, "/metrics")[1].decode()
        loads = [int(float(count)) for count in re.findall(
            r"^opentelemetry_allocator_targets_per_collector\{.*\} (\S+)$", text, re.M)]
        assert sum(loads) == targets, f"{sum(loads)} of {targets} are assigned"
        bound = -(-targets * 105 // 100 // len(self.collectors)) + 1
        assert max(loads) <= bound, f"a collector has {max(loads)}, above {bound}"
        return text

    def owner_of(self, connection, job, address):
        """Who is served the target."""
        status, body = self.get(
            connection, f"/api/v1/explain?job={job}&address={address}")
        assert status == 200, (status, body)
        return json.loads(body)["targets"][0]["collector"]


def measure_memory(when, fleet):
    memory, peak = fleet.memory(), fleet.memory("VmHWM")
    row(when, f"{memory / MIB:.0f} MiB ({memory / fleet.targets:.0f} B a target), "
        f"peak {peak / MIB:.0f} MiB")


def measure_all_served(fleet, connection):
    begun, cpu = time.perf_counter(), fleet.cpu()
    served = size = 0
    for collector in fleet.collectors:
        status, _, body = fleet.ask(connection, collector)
        assert status == 200, status
        served += body.count(b'{"targets":[')
        size += len(body)
    assert served == fleet.targets, f"{served} of {fleet.targets} served"
    row(f"every collector's answer once, {size / 1e6:,.0f} MB, by one client",
        f"{time.perf_counter() - begun:.1f} s, CPU {fleet.cpu() - cpu:.1f} s")


def measure_pages(fleet, connection):
    for what in ["/metrics", "/api/v1/status", "/jobs", "/scrape_configs", "/"]:
        before, begun = fleet.cpu(), time.perf_counter()
        status, body = fleet.get(connection, what)
        assert status == 200, (what, status)
        taken, cpu = time.perf_counter() - begun, fleet.cpu() - before
        row(f"`{what}`",
            f"{len(body) / 1e3:,.0f} kB, {1e3 * taken:.1f} ms, CPU {1e3 * cpu:.2f} ms")
