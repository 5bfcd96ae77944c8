"""Collectors as pods of a real cluster: the real binary follows a StatefulSet that
is scaled, restarted, killed and cut off, and no target is lost by what was
planned."""

import signal
import time

import cluster
import harness
from harness import eventually

import api
import fleet
import objects

TARGETS = [f"10.99.0.{i}:80" for i in range(1, 61)]
GRACE_SECONDS = 3
# Far below what it takes where nobody notices (90 s of silence), and above what a
# busy machine adds to fractions of a second.
SLACK_SECONDS = 20
JOB = "web"


class KubeCollectorsTest(cluster.ClusterTest):
    """A fleet for each test. The allocator may do nothing in the cluster but look at
    the pods of that namespace."""

    def setUp(self):
        super().setUp()
        self.grant(["pods"], objects.NOBODY)

    # --- The cluster -----------------------------------------------------------

    def start_collectors(self, replicas):
        body = objects.stateful_set("collector", replicas)
        template = body["spec"]["template"]
        template["metadata"]["annotations"] = {fleet.HOLD: "hold"}
        # They end when they are drained, which takes longer than a second.
        template["spec"]["terminationGracePeriodSeconds"] = 600
        self.create("statefulsets", body, cluster.APPS)

    def change_set(self, spec):
        self.change("statefulsets", "collector", {"spec": spec}, cluster.APPS)

    def annotate(self, pod, **annotations):
        self.change("pods", pod, {"metadata": {"annotations": annotations}})

    # --- The allocator -----------------------------------------------------------

    def start(self, replicas, strategy="consistent-hashing", static=None):
        """The allocator and its fleet, at rest."""
        self.start_collectors(replicas)
        self.write("ta.yaml", {
            "kube_config_file_path": str(self.plane.kubeconfig("nobody")),
            "collector_namespace": self.namespace,
            "collector_selector": {"matchLabels": {"app": "collector"}},
            "collector_not_ready_grace_period": f"{GRACE_SECONDS}s",
            "allocation_strategy": strategy,
            "config": {"scrape_configs": [{
                "job_name": JOB,
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "static_configs": static or [{"targets": TARGETS}]}]},
        })
        self.running = self.allocator()
        self.fleet = fleet.Fleet(
            self.api, self.namespace, "collector", self.running, [JOB]
        )
        self.addCleanup(self.fleet.stop)
        self.running.wait_ready()
        self.at_rest(replicas)
        return self.running

    def members(self):
        return {
            member["name"]: member
            for member in self.running.status()["collectors"]["members"]
        }

    def at_rest(self, replicas, within=90):
        """So many collectors are ready, exactly they are live, and every target
        is one's: as the allocator serves it, and as they have it."""

        def rests():
            names = self.fleet.ready()
            assert len(names) == replicas, f"ready are {names}"
            before = cluster.still(self.running)
            status = self.running.status()
            states = {m["name"]: m["state"] for m in status["collectors"]["members"]}
            assert states == dict.fromkeys(names, "live"), states
            shares = {name: self.running.addresses(JOB, name) for name in names}
            served = sorted(a for share in shares.values() for a in share)
            assert served == sorted(TARGETS), f"{len(served)} served"
            most = -(-len(TARGETS) * 105 // (100 * replicas))
            assert max(map(len, shares.values())) <= most, "above the bound"
            have = {
                who: sorted(addresses)
                for (_, who), addresses in self.fleet.polling.shares().items()
                if addresses
            }
            owners = {name: share for name, share in shares.items() if share}
            assert have == owners, "somebody has another list"
            assert cluster.still(self.running) == before, "it moves"
            return True

        eventually(rests, within, what=f"{replicas} collectors at rest")

    def like_a_fresh_one(self):
        """What happened before doesn't matter: one that starts now says the
        same."""
        fresh = self.own(
            harness.Allocator(self.folder, self.folder / "ta.yaml", name="fresh")
        ).wait_ready()
        for name in self.fleet.ready():
            eventually(
                lambda name=name: fresh.addresses(JOB, name)
                == self.running.addresses(JOB, name),
                60,
                what=f"the share of {name} of a fresh one",
            )
        fresh.stop()

    def nothing_was_lost(self, since=0.0):
        self.assertEqual(self.fleet.polling.lost(JOB, TARGETS, since), {})

    def longest_loss(self, since):
        lost = self.fleet.polling.lost(JOB, TARGETS, since)
        return max(lost.values(), default=0.0)

    # --- Tests ---------------------------------------------------------------------

    def test_scaled_up_and_down(self):
        self.start(3)
        self.change_set({"replicas": 10})
        self.at_rest(10)
        self.change_set({"replicas": 5})
        self.at_rest(5)
        self.nothing_was_lost()
        self.like_a_fresh_one()

    def test_rolling_restart(self):
        self.start(3)
        before = {n: p["metadata"]["uid"] for n, p in self.fleet.pods().items()}
        annotations = {fleet.HOLD: "hold", "restarted": "now"}
        self.change_set({"template": {"metadata": {"annotations": annotations}}})

        def all_new():
            now = {n: p["metadata"]["uid"] for n, p in self.fleet.pods().items()}
            return len(now) == 3 and not set(now.values()) & set(before.values())

        eventually(all_new, 180, what="three other pods")
        self.at_rest(3)
        self.nothing_was_lost()
        self.like_a_fresh_one()

    def test_deleted_by_force(self):
        self.start(3)
        uid = self.members()["collector-1"]["pod_uid"]
        since = time.monotonic()
        self.delete("pods", "collector-1", now=True)
        eventually(
            lambda: self.members().get("collector-1", {}).get("pod_uid", uid) != uid,
            what="the pod that replaces it",
        )
        self.at_rest(3)
        loss = self.longest_loss(since)
        print(f"deleted by force: nobody had a target for {loss * 1000:.0f} ms")
        self.assertLess(loss, SLACK_SECONDS)

    def test_not_ready_for_longer_than_the_grace_period(self):
        self.start(3)
        share = set(self.running.addresses(JOB, "collector-2"))
        start = time.monotonic()
        self.annotate("collector-2", **{"test/ready": "false"})

        def state():
            return self.members()["collector-2"]["state"]

        eventually(lambda: state() == "grace", 20, 0.01, "grace")
        self.assertEqual(set(self.running.addresses(JOB, "collector-2")), share)

        def others_have_it():
            others = ("collector-0", "collector-1")
            return share <= {a for o in others for a in self.running.addresses(JOB, o)}

        eventually(others_have_it, 30, 0.01, "its targets at others")
        took = time.monotonic() - start
        print(f"not ready: its targets at others after {took:.2f} s")
        self.assertGreater(took, GRACE_SECONDS - 0.1)
        self.assertLess(took, GRACE_SECONDS + SLACK_SECONDS)
        eventually(lambda: state() == "drained", 60, what="drained")
        self.assertIn("has not been ready", self.members()["collector-2"]["reason"])
        self.annotate("collector-2", **{"test/ready": None})
        self.at_rest(3)
        self.nothing_was_lost()

    def test_none_ready_keeps_all_of_them(self):
        self.start(3)
        for i in range(3):
            self.annotate(f"collector-{i}", **{"test/ready": "false"})
        eventually(
            lambda: {m["state"] for m in self.members().values()} == {"grace"},
            what="all in grace",
        )
        fleet.wait_until(time.monotonic() + GRACE_SECONDS + 2)
        self.assertEqual({m["state"] for m in self.members().values()}, {"grace"})
        for i in range(3):
            self.annotate(f"collector-{i}", **{"test/ready": None})
        self.at_rest(3)
        self.nothing_was_lost()

    def test_node_lost(self):
        self.start(3)
        node = self.members()["collector-0"]["node"]
        on_it = [n for n, m in self.members().items() if m["node"] == node]
        where = f"/api/v1/nodes/{node}"
        lost = {"metadata": {"annotations": {"test/lost": "true"}}}
        self.api("PATCH", where, lost, api.MERGE)
        self.addCleanup(
            self.api,
            "PATCH",
            where,
            {"metadata": {"annotations": {"test/lost": None}}},
            api.MERGE,
        )
        since = time.monotonic()
        self.fleet.dead_nodes.add(node)
        # What the node controller does with its pods.
        condition = {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}
        for name in on_it:
            status = {"status": {"conditions": [condition]}}
            self.change("pods", f"{name}/status", status, kind=api.STRATEGIC)
        for name in on_it:
            eventually(
                lambda name=name: self.members()[name]["state"] in ("draining", "drained"),
                60,
                what=f"{name} excluded",
            )
        # And then, minutes later: evicted, and given up by an operator.
        for name in on_it:
            self.delete("pods", name, now=True)
        self.at_rest(3)
        loss = self.longest_loss(since)
        print(f"node lost: nobody had a target for {loss:.1f} s")
        self.assertLess(loss, GRACE_SECONDS + SLACK_SECONDS)
        self.like_a_fresh_one()

    def test_namespace_deleted(self):
        self.start(3)
        self.api("DELETE", f"/api/v1/namespaces/{self.namespace}")
        path = f"/jobs/{JOB}/targets?collector_id=collector-0"
        eventually(lambda: not self.fleet.pods(), 120, what="no pod")
        eventually(
            lambda: b"no collectors" in self.running.get(path).body,
            what="no collectors",
        )
        self.assertEqual(self.running.get(path).status, 503)
        self.assertEqual(self.running.get("/readyz").status, 200)

    def test_api_server_away(self):
        self.start(3)
        before = {name: self.running.addresses(JOB, name) for name in self.members()}
        self.plane.stop_part("kube-apiserver", signal.SIGKILL)
        try:
            eventually(
                lambda: self.running.status()["collectors"]["problem"],
                what="a problem of the collectors",
            )
            fleet.wait_until(time.monotonic() + GRACE_SECONDS)
            for name, share in before.items():
                self.assertEqual(self.running.addresses(JOB, name), share)
        finally:
            self.plane.start_part("kube-apiserver")
            self.plane.wait_ready()
        eventually(
            lambda: not self.running.status()["collectors"]["problem"],
            60,
            what="no problem",
        )
        self.change_set({"replicas": 4})
        self.at_rest(4)
        self.nothing_was_lost()

    def test_each_target_goes_to_a_collector_on_its_node(self):
        nodes = [f"node-{i % 3}" for i in range(len(TARGETS))]
        static = [
            {
                "targets": [a for a, on in zip(TARGETS, nodes) if on == node],
                "labels": {"__meta_kubernetes_pod_node_name": node},
            }
            for node in sorted(set(nodes))
        ]
        self.start(3, "per-node", static)
        on = {name: member["node"] for name, member in self.members().items()}
        self.assertEqual(sorted(on.values()), ["node-0", "node-1", "node-2"])
        for name, node in on.items():
            expected = sorted(a for a, where in zip(TARGETS, nodes) if where == node)
            self.assertEqual(self.running.addresses(JOB, name), expected)


if __name__ == "__main__":
    harness.main()
