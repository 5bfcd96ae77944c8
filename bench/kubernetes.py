#!/usr/bin/env python3
"""Measures the release binary on a real API server (test/integration/kube): 10,000
pods behind 1,000 services and EndpointSlices, found by role endpointslice and
sharded over ten collectors. Each row is one line of Markdown.

    test/integration/kube/build.sh; cmake --build --preset release
    bench/kubernetes.py               everything, about five minutes
    bench/kubernetes.py change cpu    only these
    bench/kubernetes.py --pods 1000   smaller, to see that it works

Everything is on loopback and ends with the script.
"""

import argparse
import contextlib
import http.client
import json
import multiprocessing
import os
import pathlib
import re
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test/integration/kube"))
import control_plane  # noqa: E402
from kubernetes_objects import (  # noqa: E402
    NAMESPACES,
    PODS_PER_SERVICE,
    address,
    namespace,
    pod,
    pod_status,
    service,
    slice_of,
)

COLLECTORS = [f"collector-{i}" for i in range(10)]
JOB = "endpoints"
LOADERS = 4
TICKS = os.sysconf("SC_CLK_TCK")


# --- The cluster -------------------------------------------------------------


class Api:
    """One kept connection to the API server."""

    def __init__(self, port, ca_file):
        context = ssl.create_default_context(cafile=ca_file)
        self.connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=60, context=context
        )

    def ask(self, method, path, body, kind="application/json"):
        self.connection.request(
            method,
            path,
            json.dumps(body),
            {
                "Authorization": f"Bearer {control_plane.ADMIN}",
                "Content-Type": kind,
            },
        )
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: HTTP {answer.status}: {text!r}")

    def label_pod(self, i, value):
        s = i // PODS_PER_SERVICE
        self.ask(
            "PATCH",
            f"/api/v1/namespaces/{namespace(s)}/pods/app-{s}-{i % PODS_PER_SERVICE}",
            {"metadata": {"labels": {"version": value}}},
            "application/merge-patch+json",
        )


def load(share, pods, port, ca_file):
    """One of LOADERS processes: its share of all objects."""
    api = Api(port, ca_file)
    for i in range(share, pods, LOADERS):
        made = pod(i)
        path = f"/api/v1/namespaces/{made['metadata']['namespace']}/pods"
        api.ask("POST", path, made)
        api.ask(
            "PATCH",
            f"{path}/{made['metadata']['name']}/status",
            pod_status(i),
            "application/merge-patch+json",
        )
    for s in range(share, pods // PODS_PER_SERVICE, LOADERS):
        api.ask("POST", f"/api/v1/namespaces/{namespace(s)}/services", service(s))
        api.ask(
            "POST",
            f"/apis/discovery.k8s.io/v1/namespaces/{namespace(s)}/endpointslices",
            slice_of(s),
        )


def trickle(port, ca_file, pods, rate, seconds):
    """A process: `rate` changes a second, each of another pod."""
    api = Api(port, ca_file)
    begun = time.monotonic()
    for turn in range(rate * seconds):
        time.sleep(max(0, begun + turn / rate - time.monotonic()))
        api.label_pod(turn * 37 % pods, f"t{turn}")


@contextlib.contextmanager
def cluster(pods):
    with tempfile.TemporaryDirectory(prefix="ta-bench-kube-") as folder:
        plane = control_plane.ControlPlane(pathlib.Path(folder) / "plane", nodes=1)
        plane.start()
        try:
            # Objects stay as they are written.
            plane.stop_part("kube-controller-manager", signal.SIGKILL)
            plane.stop_part("fake-kubelet", signal.SIGKILL)
            for n in range(NAMESPACES):
                plane.must(
                    "POST", "/api/v1/namespaces", {"metadata": {"name": f"team-{n}"}}
                )
            begun = time.monotonic()
            work = [
                (share, pods, plane.ports["api"], str(plane.ca_file))
                for share in range(LOADERS)
            ]
            with multiprocessing.Pool(LOADERS) as pool:
                pool.starmap(load, work)
            print(
                f"loaded in {time.monotonic() - begun:.0f} s",
                file=sys.stderr,
                flush=True,
            )
            yield plane, pathlib.Path(folder)
        finally:
            plane.stop()


# --- The allocator on it -----------------------------------------------------


class Allocator:
    def __init__(self, binary, plane, folder, jobs=1):
        discovery = {
            "role": "endpointslice",
            "kubeconfig_file": str(plane.kubeconfig()),
        }
        names = [JOB] + [f"{JOB}-{i}" for i in range(1, jobs)]
        config = folder / "ta.yaml"
        config.write_text(
            json.dumps(
                {
                    "collectors": {"static": COLLECTORS},
                    "config": {
                        "scrape_configs": [
                            {"job_name": name, "kubernetes_sd_configs": [discovery]}
                            for name in names
                        ]
                    },
                }
            )
        )
        self.port = control_plane.free_ports(1)[0]
        self.log = open(folder / "allocator.log", "wb")
        self.process = subprocess.Popen(
            [
                binary,
                f"--config-file={config}",
                f"--listen-addr=127.0.0.1:{self.port}",
                "--log-level=warn",
            ],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        self.connection = None

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()

    def ask(self, collector, headers=None):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=30
            )
        self.connection.request(
            "GET", f"/jobs/{JOB}/targets?collector_id={collector}", headers=headers or {}
        )
        answer = self.connection.getresponse()
        return answer.status, answer.getheader("ETag"), answer.read()

    def wait_served(self, targets):
        """Until all are served. Fails on a 200 that leaves one out."""
        while True:
            assert self.process.poll() is None, "the allocator has ended: see its log"
            try:
                status, _, body = self.ask(COLLECTORS[0])
            except OSError:
                self.connection = None
                time.sleep(0.002)
                continue
            if status == 200:
                break
            time.sleep(0.005)
        served = body.count(b'"targets":') + sum(
            self.ask(collector)[2].count(b'"targets":') for collector in COLLECTORS[1:]
        )
        assert served == targets, f"{served} of {targets} served at first"

    def owner(self, pod_number):
        mark = b'"' + address(pod_number).encode() + b':9090"'
        for collector in COLLECTORS:
            if mark in self.ask(collector)[2]:
                return collector
        raise AssertionError("nobody is served the target")

    def memory(self, key="VmRSS"):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{key}:\s+(\d+) kB", status, re.M)[1]) / 1024

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = fields.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def row(what, figure):
    print(f"| {what} | {figure} |", flush=True)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def spread(seconds):
    return (
        f"p50 {1e3 * statistics.median(seconds):.1f} ms, "
        f"p99 {1e3 * percentile(seconds, 0.99):.1f} ms, "
        f"max {1e3 * max(seconds):.1f} ms"
    )


@contextlib.contextmanager
def running(arguments, plane, folder, jobs=1):
    allocator = Allocator(arguments.binary, plane, folder, jobs)
    try:
        yield allocator
    finally:
        allocator.stop()


# --- What is measured --------------------------------------------------------


def measure_start(arguments, plane, folder):
    for _ in range(3):
        begun = time.perf_counter()
        with running(arguments, plane, folder) as allocator:
            allocator.wait_served(arguments.pods)
            taken, cpu = time.perf_counter() - begun, allocator.cpu()
            time.sleep(2)
            row(
                f"start → all {arguments.pods:,} endpoints served, never `200 []`",
                f"{taken:.2f} s, CPU {cpu:.2f} s, resident {allocator.memory():.0f} MiB, "
                f"peak {allocator.memory('VmHWM'):.0f} MiB",
            )
    begun = time.perf_counter()
    with running(arguments, plane, folder, jobs=200) as allocator:
        allocator.wait_served(arguments.pods)
        row(
            "the same with 200 jobs of one role and scope",
            f"{time.perf_counter() - begun:.2f} s, CPU {allocator.cpu():.2f} s, "
            f"resident {allocator.memory():.0f} MiB",
        )


class Watch:
    """Watches all pods, as the allocator does; when each label was seen."""

    def __init__(self, plane):
        listed = plane.must("GET", "/api/v1/pods?limit=1")
        version = listed["metadata"]["resourceVersion"]
        context = ssl.create_default_context(cafile=str(plane.ca_file))
        self.connection = http.client.HTTPSConnection(
            "127.0.0.1", plane.ports["api"], timeout=600, context=context
        )
        self.connection.request(
            "GET",
            f"/api/v1/pods?watch=true&resourceVersion={version}",
            headers={"Authorization": f"Bearer {control_plane.ADMIN}"},
        )
        self.answer = self.connection.getresponse()
        self.seen = {}
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        found = re.compile(rb'"version":"([^"]*)"')
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            while line := self.answer.readline():
                if match := found.search(line):
                    self.seen[match[1].decode()] = time.perf_counter()

    def when(self, value):
        end = time.monotonic() + 10
        while value not in self.seen and time.monotonic() < end:
            time.sleep(0.001)
        return self.seen[value]


def measure_change(arguments, plane, folder):
    """From the request that changes a pod's label to the answer that has it."""
    with running(arguments, plane, folder) as allocator:
        allocator.wait_served(arguments.pods)
        watch = Watch(plane)
        api = Api(plane.ports["api"], str(plane.ca_file))
        served, event = [], []
        for turn in range(arguments.rounds):
            number = turn * 37 % arguments.pods
            collector = allocator.owner(number)
            _, etag, _ = allocator.ask(collector)
            value = f"c{turn}"
            mark = f'"{value}"'.encode()
            time.sleep(0.1)  # each alone, not coalesced with the last
            begun = time.perf_counter()
            api.label_pod(number, value)
            while True:
                status, _, body = allocator.ask(collector, {"If-None-Match": etag})
                if status == 200 and mark in body:
                    break
                time.sleep(0.0005)
            served.append(time.perf_counter() - begun)
            event.append(watch.when(value) - begun)
        row(
            f"a pod changed → served, {arguments.pods:,} endpoints, {len(served)} changes",
            spread(served),
        )
        row("of that, the API server's, until another watch sees it", spread(event))


def measure_cpu(arguments, plane, folder):
    rate, seconds = 100, 30
    with running(arguments, plane, folder) as allocator:
        allocator.wait_served(arguments.pods)
        time.sleep(2)
        before = allocator.cpu()
        time.sleep(10)
        row("CPU while nothing changes", f"{(allocator.cpu() - before) / 10:.3f} cores")
        driver = multiprocessing.Process(
            target=trickle,
            args=(
                plane.ports["api"],
                str(plane.ca_file),
                arguments.pods,
                rate,
                seconds,
            ),
        )
        before, begun = allocator.cpu(), time.monotonic()
        driver.start()
        driver.join()
        taken = time.monotonic() - begun
        row(
            f"CPU at {rate * seconds / taken:.0f} changes a second",
            f"{(allocator.cpu() - before) / taken:.3f} cores, "
            f"resident {allocator.memory():.0f} MiB",
        )


PARTS = {"start": measure_start, "change": measure_change, "cpu": measure_cpu}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument("--binary", default=ROOT / "build/release/target-allocator")
    parser.add_argument("--pods", type=int, default=10_000, help="a multiple of ten")
    parser.add_argument("--rounds", type=int, default=300, help="changes of `change`")
    arguments = parser.parse_args()
    with cluster(arguments.pods) as (plane, folder):
        print("| what | measured |\n|---|---|", flush=True)
        for part in arguments.parts or PARTS:
            PARTS[part](arguments, plane, folder)


if __name__ == "__main__":
    main()
