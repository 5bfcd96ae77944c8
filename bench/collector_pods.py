"""Collectors as an allocator in Kubernetes sees them: pods of one namespace on a real
API server (test/integration/kube), without kubelets or controllers. They are Running
and Ready because we write so, and stay or go as we say."""

import contextlib
import datetime
import pathlib
import sys
import tempfile

from measure import ROOT

sys.path.insert(0, str(ROOT / "test/integration/kube"))
import api  # noqa: E402
import control_plane  # noqa: E402

NAMESPACE = "bench"
LABELS = {"app": "collector"}
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


def name(i):
    return f"collector-{i}"


class CollectorPods:
    """The pods of NAMESPACE that have LABELS."""

    def __init__(self, plane):
        self._call = api.Api(plane)
        self.kubeconfig = plane.kubeconfig()
        self._call("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})

    def reset(self, count):
        """name(0) to name(count - 1), as add() makes them, and no other."""
        wanted = {name(i) for i in range(count)}
        there = set()
        for pod in self._call("GET", PODS)["items"]:
            metadata = pod["metadata"]
            ready = pod["status"]["conditions"][0]["status"] == "True"
            if metadata["name"] in wanted and ready and (
                    "deletionTimestamp" not in metadata):
                there.add(metadata["name"])
            else:
                self.remove(metadata["name"])
        for pod in sorted(wanted - there):
            self.add(pod)

    def add(self, pod):
        """Is there, Running and Ready when it returns."""
        self._call("POST", PODS, {
            "metadata": {"name": pod, "labels": LABELS},
            "spec": {
                "nodeName": f"node-of-{pod}",
                "containers": [{"name": "main", "image": "example.org/collector:1"}],
            },
        })
        self.set_ready(pod, "True")

    def set_ready(self, pod, ready):
        """`ready` is "True" or "False"; it runs either way."""
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": "Ready", "status": ready, "lastTransitionTime": now}
        status = {"phase": "Running", "startTime": now, "conditions": [condition]}
        self._call("PATCH", f"{PODS}/{pod}/status", {"status": status}, api.MERGE)

    def tell_to_end(self, pod):
        """As a scale-down begins: it has a deletionTimestamp from now on."""
        self._call("DELETE", f"{PODS}/{pod}", {"gracePeriodSeconds": 600})

    def remove(self, pod):
        """Its object is gone when it returns."""
        self._call("DELETE", f"{PODS}/{pod}", {"gracePeriodSeconds": 0})


@contextlib.contextmanager
def cluster():
    """An API server with no pods in NAMESPACE yet; its CollectorPods."""
    with tempfile.TemporaryDirectory(prefix="ta-compare-kube-") as folder:
        plane = control_plane.ControlPlane(pathlib.Path(folder) / "plane", workers=False)
        plane.start()
        try:
            yield CollectorPods(plane)
        finally:
            plane.stop()
