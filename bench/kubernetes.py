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

import contextlib
import http.client
import json
import multiprocessing
import pathlib
import re
import signal
import ssl
import sys
import tempfile
import threading
import time

import measure
from kubernetes_objects import (
    NAMESPACES,
    PODS_PER_SERVICE,
    address,
    namespace,
    pod,
    pod_status,
    service,
    slice_of,
)
from measure import COLLECTORS, JOB, ROOT, row, spread

sys.path.insert(0, str(ROOT / "test/integration/kube"))
import api  # noqa: E402
import control_plane  # noqa: E402

LOADERS = 4


# --- The cluster -------------------------------------------------------------


class Server:
    """Where the API server is: all that another process needs of a ControlPlane."""

    def __init__(self, plane):
        self.ports, self.ca_file = plane.ports, plane.ca_file


def label_pod(call, i, value):
    s = i // PODS_PER_SERVICE
    call(
        "PATCH",
        f"/api/v1/namespaces/{namespace(s)}/pods/app-{s}-{i % PODS_PER_SERVICE}",
        {"metadata": {"labels": {"version": value}}},
        api.MERGE,
    )


def load(share, pods, server):
    """One of LOADERS processes: its share of all objects."""
    call = api.Api(server)
    for i in range(share, pods, LOADERS):
        made = pod(i)
        path = f"/api/v1/namespaces/{made['metadata']['namespace']}/pods"
        call("POST", path, made)
        call(
            "PATCH", f"{path}/{made['metadata']['name']}/status", pod_status(i), api.MERGE
        )
    for s in range(share, pods // PODS_PER_SERVICE, LOADERS):
        call("POST", f"/api/v1/namespaces/{namespace(s)}/services", service(s))
        call(
            "POST",
            f"/apis/discovery.k8s.io/v1/namespaces/{namespace(s)}/endpointslices",
            slice_of(s),
        )


def trickle(server, pods, rate, seconds):
    """A process: `rate` changes a second, each of another pod."""
    call = api.Api(server)
    begun = time.monotonic()
    for turn in range(rate * seconds):
        time.sleep(max(0, begun + turn / rate - time.monotonic()))
        label_pod(call, turn * 37 % pods, f"t{turn}")


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
            work = [(share, pods, Server(plane)) for share in range(LOADERS)]
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


@contextlib.contextmanager
def running(arguments, plane, folder, jobs=1):
    discovery = {"role": "endpointslice", "kubeconfig_file": str(plane.kubeconfig())}
    names = [JOB] + [f"{JOB}-{i}" for i in range(1, jobs)]
    config = {
        "collectors": {"static": COLLECTORS},
        "config": {
            "scrape_configs": [
                {"job_name": name, "kubernetes_sd_configs": [discovery]}
                for name in names
            ]
        },
    }
    (folder / "ta.yaml").write_text(json.dumps(config))
    allocator = measure.Allocator(arguments.binary, folder).start()
    try:
        yield allocator
    finally:
        allocator.stop()


def memory(allocator, key="VmRSS"):
    return f"{allocator.memory(key) / 2**20:.0f} MiB"


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
                f"{taken:.2f} s, CPU {cpu:.2f} s, resident {memory(allocator)}, "
                f"peak {memory(allocator, 'VmHWM')}",
            )
    begun = time.perf_counter()
    with running(arguments, plane, folder, jobs=200) as allocator:
        allocator.wait_served(arguments.pods)
        row(
            "the same with 200 jobs of one role and scope",
            f"{time.perf_counter() - begun:.2f} s, CPU {allocator.cpu():.2f} s, "
            f"resident {memory(allocator)}",
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
        connection = allocator.wait_served(arguments.pods)
        watch = Watch(plane)
        call = api.Api(plane)
        served, event = [], []
        for turn in range(arguments.rounds):
            number = turn * 37 % arguments.pods
            collector = allocator.owner(connection, f"{address(number)}:9090")
            _, etag, _ = allocator.ask(connection, collector)
            value = f"c{turn}"
            time.sleep(0.1)  # each alone, not coalesced with the last
            begun = time.perf_counter()
            label_pod(call, number, value)
            allocator.until_shown(connection, collector, etag, f'"{value}"'.encode())
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
            target=trickle, args=(Server(plane), arguments.pods, rate, seconds)
        )
        before, begun = allocator.cpu(), time.monotonic()
        driver.start()
        driver.join()
        taken = time.monotonic() - begun
        row(
            f"CPU at {rate * seconds / taken:.0f} changes a second",
            f"{(allocator.cpu() - before) / taken:.3f} cores, "
            f"resident {memory(allocator)}",
        )


PARTS = {"start": measure_start, "change": measure_change, "cpu": measure_cpu}


def main():
    parser = measure.parser(__doc__, PARTS)
    parser.add_argument("--pods", type=int, default=10_000, help="a multiple of ten")
    parser.add_argument("--rounds", type=int, default=300, help="changes of `change`")
    arguments = parser.parse_args()
    with cluster(arguments.pods) as (plane, folder):
        measure.run(PARTS, arguments, plane, folder)


if __name__ == "__main__":
    main()
