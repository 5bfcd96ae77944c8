#!/usr/bin/env python3
"""The test control plane behaves as a cluster does, as far as other tests rely on
it. Needs test/integration/kube/build.sh."""

import pathlib
import signal
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import control_plane
import objects

MERGE = "application/merge-patch+json"
PODS = "/api/v1/namespaces/default/pods"
SETS = "/apis/apps/v1/namespaces/default/statefulsets"


class ControlPlaneTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.plane = control_plane.ControlPlane(cls.folder.name).start()

    @classmethod
    def tearDownClass(cls):
        cls.plane.stop()
        cls.folder.cleanup()

    def eventually(self, what, holds, seconds=30):
        deadline = time.monotonic() + seconds
        while not holds():
            self.assertLess(time.monotonic(), deadline, f"not so: {what}")
            time.sleep(0.05)

    def pods(self, app):
        items = self.plane.must("GET", f"{PODS}?labelSelector=app%3D{app}")["items"]
        return {pod["metadata"]["name"]: pod for pod in items}

    def ready(self, app):
        return sorted(
            name
            for name, pod in self.pods(app).items()
            if "deletionTimestamp" not in pod["metadata"]
            and any(
                c["type"] == "Ready" and c["status"] == "True"
                for c in pod["status"].get("conditions", ())
            )
        )

    def test_a_stateful_set_starts_scales_and_rolls(self):
        self.plane.must("POST", SETS, objects.stateful_set("scaled", 3))
        self.eventually("three are ready", lambda: len(self.ready("scaled")) == 3)
        self.assertEqual(self.ready("scaled"), [f"scaled-{i}" for i in range(3)])
        before = {n: p["metadata"]["uid"] for n, p in self.pods("scaled").items()}

        self.plane.must("PATCH", f"{SETS}/scaled", {"spec": {"replicas": 5}}, kind=MERGE)
        self.eventually("five are ready", lambda: len(self.ready("scaled")) == 5)
        self.plane.must("PATCH", f"{SETS}/scaled", {"spec": {"replicas": 2}}, kind=MERGE)
        self.eventually("two are left", lambda: len(self.pods("scaled")) == 2)

        restart = {"metadata": {"annotations": {"restarted": "1"}}}
        self.plane.must(
            "PATCH", f"{SETS}/scaled", {"spec": {"template": restart}}, kind=MERGE
        )

        def rolled():
            now = self.pods("scaled")
            return len(self.ready("scaled")) == 2 and all(
                pod["metadata"]["uid"] != before[name] for name, pod in now.items()
            )

        self.eventually("both were replaced", rolled)

    def test_a_service_has_slices_and_endpoints_of_its_pods(self):
        self.plane.must(
            "POST",
            "/apis/apps/v1/namespaces/default/deployments",
            objects.deployment("served", 4),
        )
        self.plane.must(
            "POST",
            "/api/v1/namespaces/default/services",
            objects.service("served", {"app": "served"}),
        )

        def slice_addresses():
            slices = self.plane.must(
                "GET",
                "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
                "?labelSelector=kubernetes.io%2Fservice-name%3Dserved",
            )["items"]
            return sorted(
                address
                for one in slices
                for endpoint in one["endpoints"] or ()
                if endpoint["conditions"]["ready"]
                for address in endpoint["addresses"]
            )

        self.eventually("four addresses", lambda: len(slice_addresses()) == 4)
        _, endpoints = self.plane.request(
            "GET", "/api/v1/namespaces/default/endpoints/served"
        )
        ips = sorted(a["ip"] for s in endpoints["subsets"] for a in s["addresses"])
        self.assertEqual(ips, slice_addresses())

        # A pod that is told to be not ready leaves the ready addresses.
        name = self.ready("served")[0]
        self.plane.must(
            "PATCH",
            f"{PODS}/{name}",
            {"metadata": {"annotations": {"test/ready": "false"}}},
            kind=MERGE,
        )
        self.eventually("three addresses", lambda: len(slice_addresses()) == 3)

    def test_a_user_without_rights_gets_them_by_a_role(self):
        nobody = {"token": control_plane.NOBODY}
        self.assertEqual(self.plane.request("GET", PODS, **nobody)[0], 403)
        rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
        self.plane.must("POST", f"{rbac}/roles", objects.role("look", ["pods"]))
        binding = objects.role_binding("look", objects.NOBODY)
        self.plane.must("POST", f"{rbac}/rolebindings", binding)
        self.eventually(
            "it may list", lambda: self.plane.request("GET", PODS, **nobody)[0] == 200
        )

    def test_a_killed_api_server_comes_back_with_its_objects(self):
        name = "/api/v1/namespaces/default/configmaps/kept"
        self.plane.must(
            "POST",
            "/api/v1/namespaces/default/configmaps",
            {"metadata": {"name": "kept"}, "data": {"a": "b"}},
        )
        self.plane.stop_part("kube-apiserver", signal.SIGKILL)
        with self.assertRaises(OSError):
            self.plane.request("GET", name)
        self.plane.start_part("kube-apiserver")
        self.plane.wait_ready()
        self.assertEqual(self.plane.must("GET", name)["data"], {"a": "b"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
