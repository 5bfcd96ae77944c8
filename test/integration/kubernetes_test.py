"""Kubernetes discovery of the real binary in a real cluster: every role found,
sharded and served, every change followed, one watch for all."""

import json
import time

import cluster
import harness
from harness import eventually

import objects

COLLECTORS = ["collector-0", "collector-1", "collector-2"]
PORT = ":8080"


class KubernetesTest(cluster.ClusterTest):
    # --- The cluster -----------------------------------------------------------

    def asked(self, verb):
        """What the user nobody has asked for in the test's namespace, from the
        audit log."""
        uris = []
        log = (self.plane.folder / "audit.log").read_text()
        for line in log.rpartition("\n")[0].splitlines():
            event = json.loads(line)
            place = event.get("objectRef", {}).get("namespace")
            new = event["stage"] == "RequestReceived"
            if new and event["verb"] == verb and place == self.namespace:
                uris.append(event["requestURI"])
        return uris

    # --- The allocator -----------------------------------------------------------

    def config(self, jobs, user="admin"):
        """`jobs`: name to fields of its kubernetes_sd_configs."""
        common = {
            "kubeconfig_file": str(self.plane.kubeconfig(user)),
            "namespaces": {"names": [self.namespace]},
        }
        self.write("ta.yaml", {
            "collectors": {"static": COLLECTORS},
            "hand_over": {"policy": "none"},
            "config": {"scrape_configs": [
                {"job_name": name, "kubernetes_sd_configs": [{**common, **fields}]}
                for name, fields in jobs.items()]},
        })

    def served(self, allocator, job):
        """Address to labels of all targets that any collector has; each must be
        one collector's."""
        found = {}
        for collector in COLLECTORS:
            path = f"/jobs/{job}/targets?collector_id={collector}"
            for group in allocator.json(path):
                address = group["targets"][0]
                self.assertNotIn(address, found, "two collectors have it")
                found[address] = group["labels"]
        return found

    def shows(self, holds, what):
        start = time.monotonic()
        eventually(holds, 20, 0.01, what)
        print(f"{what}: {(time.monotonic() - start) * 1000:.0f} ms")

    # --- Tests ---------------------------------------------------------------------

    def test_every_role_is_found_sharded_and_served(self):
        pods = self.deploy("web", 4)
        self.create(
            "ingresses",
            {
                "metadata": {"name": "front"},
                "spec": {
                    "rules": [
                        {
                            "host": "shop.example",
                            "http": {
                                "paths": [
                                    {
                                        "path": "/cart",
                                        "pathType": "Prefix",
                                        "backend": {
                                            "service": {
                                                "name": "web",
                                                "port": {"number": 8080},
                                            }
                                        },
                                    }
                                ]
                            },
                        }
                    ]
                },
            },
            group="/apis/networking.k8s.io/v1",
        )
        roles = ["node", "pod", "service", "endpoints", "endpointslice", "ingress"]
        self.config({role: {"role": role} for role in roles})
        allocator = self.allocator().wait_ready()
        addresses = sorted(ip + PORT for ip in pods.values())
        expected = {
            "pod": addresses,
            "endpoints": addresses,
            "endpointslice": addresses,
            "service": [f"web.{self.namespace}.svc{PORT}"],
            "ingress": ["shop.example"],
        }
        for role, wanted in expected.items():
            eventually(
                lambda: sorted(self.served(allocator, role)) == wanted, what=role
            )
        self.assertEqual(len(self.served(allocator, "node")), self.plane.nodes)
        labels = next(iter(self.served(allocator, "pod").values()))
        self.assertEqual(labels["__meta_kubernetes_namespace"], self.namespace)
        self.assertEqual(labels["__meta_kubernetes_pod_label_app"], "web")
        slice_labels = next(iter(self.served(allocator, "endpointslice").values()))
        self.assertEqual(slice_labels["__meta_kubernetes_service_name"], "web")
        for discoverer in allocator.status()["discoverers"]:
            self.assertTrue(discoverer["synced"], discoverer)
        self.assertEqual(allocator.metric("target_allocator_kubernetes_connections"), 1)

    def test_a_change_of_a_pod_shows(self):
        self.deploy("web", 2)
        self.config({"pod": {"role": "pod"}})
        allocator = self.allocator().wait_ready()
        eventually(lambda: len(self.served(allocator, "pod")) == 2, what="both pods")
        self.create(
            "pods",
            {
                "metadata": {"name": "lone", "labels": {"app": "lone"}},
                "spec": objects.pod_template({})["spec"],
            },
        )
        ip = eventually(lambda: self.pods("lone").get("lone"), 20, 0.01, "its address")
        self.shows(
            lambda: ip + PORT in self.served(allocator, "pod"), "pod added"
        )
        self.change("pods", "lone", {"metadata": {"labels": {"color": "blue"}}})
        self.shows(
            lambda: self.served(allocator, "pod")[ip + PORT].get(
                "__meta_kubernetes_pod_label_color"
            )
            == "blue",
            "pod changed",
        )
        self.delete("pods", "lone", now=True)
        self.shows(
            lambda: ip + PORT not in self.served(allocator, "pod"), "pod removed"
        )

    def test_200_jobs_open_one_set_of_watches(self):
        self.deploy("web", 3)
        self.grant(["pods", "services", "endpoints"], objects.NOBODY)
        self.config(
            {f"job-{i}": {"role": "endpoints"} for i in range(200)}, user="nobody"
        )
        allocator = self.allocator().wait_ready()
        for job in ("job-0", "job-199"):
            eventually(lambda: len(self.served(allocator, job)) == 3, what=job)
        watches = self.asked("watch")
        for resource in ("pods", "services", "endpoints"):
            of_it = [uri for uri in watches if f"/{resource}?" in uri]
            # A list that is streamed is a watch that goes on.
            self.assertEqual(len(of_it), 1, watches)
        self.assertEqual(allocator.metric("target_allocator_kubernetes_connections"), 1)

    def test_missing_rights_are_said_once_and_heal(self):
        pods = self.deploy("web", 2)
        self.config({"pod": {"role": "pod"}}, user="nobody")
        allocator = self.allocator()

        def problem():
            found = allocator.json("/api/v1/status")["discoverers"]
            return found and found[0].get("problem", "")

        eventually(lambda: "is forbidden" in (problem() or ""), what="the problem")
        self.assertIn("resource pods in namespace " + self.namespace, problem())
        self.assertEqual(allocator.get("/readyz").status, 503)
        failures = "prometheus_sd_kubernetes_failures_total"
        eventually(lambda: allocator.metric(failures) >= 3, 40, what="more tries")
        said = [
            line for line in allocator.log().splitlines() if "is forbidden" in line
        ]
        self.assertEqual(len(said), 1, "\n".join(said))
        self.grant(["pods"], objects.NOBODY)
        allocator.wait_ready(within=60)
        self.assertEqual(
            sorted(self.served(allocator, "pod")),
            sorted(ip + PORT for ip in pods.values()),
        )
        eventually(lambda: not problem(), what="no problem")


if __name__ == "__main__":
    harness.main()
