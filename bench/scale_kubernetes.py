"""The part of scale.py in which the fleet is found by Kubernetes discovery, from
bench/pods_server.py: role pod, and role endpointslice with its services and pods."""

import contextlib
import json
import os
import random
import re
import time

import fleet
from large_fleet import LargeFleet, measure_all_served, measure_memory
from measure import JOB, row, spread
from pods_server import PodsServer


class Cluster(LargeFleet):
    """The allocator on a stand-in for an API server, `server`, whose pods have so many
    targets."""

    def __init__(self, binary, server, role, targets, collectors):
        super().__init__(binary, targets, collectors)
        self.server, self.role = server, role
        self.fleet = fleet.Fleet(targets)
        self.changes, self.versions = 0, {}  # the last of each pod, by address
        (self.folder / "kube.json").write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": f"http://{server.address}"}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}))
        (self.folder / "ta.yaml").write_text(json.dumps({
            # A million pods take longer than the default, after which /readyz no longer
            # waits for them.
            "collectors": {"static": self.collectors}, "sync_timeout": "900s",
            "config": {"scrape_configs": [{"job_name": JOB, "kubernetes_sd_configs": [
                {"role": role, "kubeconfig_file": str(self.folder / "kube.json")}]}]}}))

    def any_pod(self, dice):
        """The address of one of the fleet."""
        last = self.fleet.applications[-1]
        return fleet.address(dice.randrange(last.first + last.size))

    def change(self, address):
        """Another version label of the pod; that, and when a watch was told."""
        self.changes += 1
        self.versions[address] = value = f"changed-{self.changes}"
        return value, self.server.change(address, value)

    def change_and_wait(self, connection, collector, address):
        """Seconds from the event of a pod that the collector has to its whole answer."""
        _, etag, _ = self.ask(connection, collector)
        time.sleep(0.1)  # alone, not coalesced with the last
        value, begun = self.change(address)
        self.until_shown(connection, collector, etag, f'"{value}"'.encode())
        return time.perf_counter() - begun

    def assert_labels(self, targets):
        """Each has the labels that fleet.py's file form gives it, and no other."""
        served = {each["targets"][0]: each["labels"] for each in targets}
        whose = {self.fleet.at(address.split(":")[0])[0] for address in served}
        compared = 0
        for application in whose:
            for text in fleet.groups_of(application, self.role == "endpointslice"):
                address = text.split('"', 4)[3]
                if address not in served:
                    continue
                labels = {**json.loads(text)["labels"], "__address__": address}
                differ = sorted(labels.items() ^ served[address].items())
                assert not differ, f"{address}: {differ}"
                compared += 1
        assert compared == len(targets), f"{compared} of {len(targets)} are known"

    def assert_changes(self, connection):
        """All of them are served, and nothing that was changed again since."""
        found = {}
        for collector in self.collectors:
            body = self.ask(connection, collector)[2].decode()
            for target in body.split('{"targets":["')[1:]:
                if value := re.search(r'"(changed-\d+)"', target):
                    found[target.split(":")[0]] = value[1]
        wrong = self.versions.items() ^ found.items()
        assert not wrong, f"{len(wrong)} of {len(self.versions)}: {sorted(wrong)[:4]}"


@contextlib.contextmanager
def running(arguments, role, targets, collectors):
    """A started one that is ready, and a connection to it; with rows on that."""
    with (PodsServer(targets) as server,
          Cluster(arguments.binary, server, role, targets, collectors) as cluster):
        begun = time.perf_counter()
        cluster.start()
        connection = cluster.wait_ready(within=900)
        ready, cpu = time.perf_counter() - begun, cluster.cpu()
        cluster.assert_counts(connection, targets)
        row(f"role {role}, {targets:,} targets, {collectors:,} collectors: start → ready",
            f"{ready:.2f} s, CPU {cpu:.2f} s; load {os.getloadavg()[0]:.1f}")
        time.sleep(0.5 if arguments.quick else 5)  # what is freed may be given back
        measure_memory("resident, idle", cluster)
        yield cluster, connection


def measure_labels(cluster, connection):
    """And compares them. Some collectors, with the pods that they have."""
    pods, labels, targets = {}, 0, 0
    for collector in cluster.collectors[:3]:
        served = json.loads(cluster.ask(connection, collector)[2])
        cluster.assert_labels(served)
        pods[collector] = [each["targets"][0].split(":")[0] for each in served]
        labels += sum(len(each["labels"]) for each in served)
        targets += len(served)
    row(f"labels a target in the mean, those of {targets:,} compared with what they "
        "should be", f"{labels / targets:.1f}")
    return pods


def measure_changes(arguments, cluster, connection, pods):
    dice, taken = random.Random(2), []
    collectors = sorted(pods)
    for turn in range(10 if arguments.quick else 200):
        collector = collectors[turn % len(collectors)]
        taken.append(cluster.change_and_wait(connection, collector,
                                             dice.choice(pods[collector])))
    row(f"a pod's label changed, {len(taken)} times: event → whole answer",
        spread(taken))

    seconds, rate = 2 if arguments.quick else 20, 100
    before, begun = cluster.cpu(), time.monotonic()
    for turn in range(rate * seconds):
        cluster.change(cluster.any_pod(dice))
        time.sleep(max(0, begun + (turn + 1) / rate - time.monotonic()))
    used, lasted = cluster.cpu() - before, time.monotonic() - begun
    row(f"CPU at {rate * seconds / lasted:.0f} changes a second",
        f"{used / lasted:.3f} cores")

    before, begun, more = cluster.cpu(), time.monotonic(), 500 if arguments.quick else 10_000
    for _ in range(more):
        cluster.change(cluster.any_pod(dice))
    cluster.change_and_wait(connection, collectors[0], pods[collectors[0]][0])
    used, lasted = cluster.cpu() - before, time.monotonic() - begun
    row(f"{more:,} more as fast as they are written: a second, CPU",
        f"{more / lasted:.0f}, {1e3 * used / more:.2f} ms each")
    measure_memory("resident after them", cluster)
    cluster.assert_changes(connection)
    cluster.assert_counts(connection, cluster.targets)


def measure(arguments):
    fleets = [("pod", 2_000, 10), ("endpointslice", 2_000, 10)]
    if not arguments.quick:
        fleets = [(role, *size) for size in ((100_000, 100), (1_000_000, 1_000))
                  for role in ("pod", "endpointslice")]
    for fleet_of in fleets:
        with running(arguments, *fleet_of) as (cluster, connection):
            pods = measure_labels(cluster, connection)
            measure_changes(arguments, cluster, connection, pods)
            measure_all_served(cluster, connection)
