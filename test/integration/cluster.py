"""A test case on a real control plane (kube/), with a namespace for each test. To
be imported before the modules of kube/, which it makes known."""

import pathlib
import sys
import tempfile
import time

import harness
from harness import eventually

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "kube"))

import api  # noqa: E402
import control_plane  # noqa: E402
import objects  # noqa: E402

RBAC = "/apis/rbac.authorization.k8s.io/v1"
APPS = "/apis/apps/v1"


def still(allocator):
    """The generation of what is served, while no hand-over is open."""
    status = allocator.status()
    assert status["assignment"]["hand_overs_open"] == 0, "handing over"
    return status["generation"]


class ClusterTest(harness.PeerTest):
    """One control plane for all tests of a class, self.plane; self.api asks it."""

    apiserver_flags = ()

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.plane = control_plane.ControlPlane(
            folder.name, apiserver_flags=cls.apiserver_flags
        )
        cls.addClassCleanup(cls.plane.stop)
        cls.plane.start()
        cls.api = api.Api(cls.plane)
        cls.addClassCleanup(cls.api.close)

    def setUp(self):
        super().setUp()
        self.namespace = f"test-{time.monotonic_ns() % 10**9}"
        self.create_namespace(self.namespace)

    def create_namespace(self, name):
        self.api("POST", "/api/v1/namespaces", {"metadata": {"name": name}})

    def path(self, plural, name="", group="/api/v1", namespace=None):
        path = f"{group}/namespaces/{namespace or self.namespace}/{plural}"
        return f"{path}/{name}" if name else path

    def create(self, plural, body, group="/api/v1", namespace=None):
        namespace = namespace or self.namespace
        body.setdefault("metadata", {})["namespace"] = namespace
        return self.api("POST", self.path(plural, "", group, namespace), body)

    def change(self, plural, name, body, group="/api/v1", kind=api.MERGE):
        return self.api("PATCH", self.path(plural, name, group), body, kind)

    def delete(self, plural, name, group="/api/v1", now=False):
        options = {"gracePeriodSeconds": 0} if now else None
        return self.api("DELETE", self.path(plural, name, group), options)

    def grant(self, resources, subject, name="look"):
        """A Role with all that the allocator needs, and its binding to a subject of
        RBAC."""
        self.create("roles", objects.role(name, resources, ["list", "watch"]), RBAC)
        self.bind(name, subject)

    def bind(self, name, subject):
        self.create("rolebindings", objects.role_binding(name, subject), RBAC)

    def deploy(self, app, replicas, namespace=None):
        """A deployment with a service; its pods' addresses by name, once all have
        one."""
        self.create("deployments", objects.deployment(app, replicas), APPS, namespace)
        self.create("services", objects.service(app, {"app": app}), "/api/v1", namespace)
        return self.pods_of(app, replicas, namespace)

    def scale(self, app, replicas):
        self.change("deployments", app, {"spec": {"replicas": replicas}}, APPS)
        return self.pods_of(app, replicas)

    def pods_of(self, app, count, namespace=None):
        def found():
            pods = self.pods(app, namespace)
            return len(pods) == count and pods

        return eventually(found, 60, what=f"{count} pods of {app}")

    def pods(self, app, namespace=None):
        """Those of `app` that have an address: name to address."""
        path = self.path("pods", namespace=namespace) + f"?labelSelector=app%3D{app}"
        return {
            pod["metadata"]["name"]: pod["status"]["podIP"]
            for pod in self.api("GET", path)["items"]
            if pod["status"].get("podIP")
        }
