#!/usr/bin/env python3
"""What kubernetes_sd_configs find must be what Prometheus 3 finds, group by group
and label by label: both look at one real API server, in which a random zoo of
objects changes at random. Needs test/integration/kube/build.sh, test/oracle/build.sh
and kubernetes_groups (kube/groups_main.cc), whose path is in TA_KUBERNETES_GROUPS.

    TA_SEED=1 TA_CHANGES=20000 test/integration/kubernetes_oracle_test.py

Prometheus builds a group again only on some of the changes that it shows: not for
example the endpoints of a pod whose labels change. Ours does on all. So a group
that differs is given the benefit of a touch: its object is changed in a way that
no label shows and that ours does not even notice. Then it must be equal.
"""

import collections
import json
import os
import pathlib
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test/integration/kube"))

import api
import churn
import control_plane
import groups
import objects
import sd_configs
import zoo

ORACLE = os.environ.get("TA_ORACLE", str(ROOT / "build/oracle"))
OURS = os.environ.get(
    "TA_KUBERNETES_GROUPS",
    str(ROOT / "build/release/test/integration/kubernetes_groups"),
)
SEED = int(os.environ.get("TA_SEED", time.time_ns() % 1_000_000))
CHANGES = int(os.environ.get("TA_CHANGES", "3000"))
# So many changes are compared one by one, those after them in batches.
ONE_BY_ONE = 2 * CHANGES // 3
BATCH = 10
# Without news for so long, whatever was on its way has probably come.
QUIET = 0.03
PATIENCE = 1.0


class KubernetesOracleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for program, how in (
            (
                control_plane.BINARIES / "kube-apiserver",
                "test/integration/kube/build.sh",
            ),
            (pathlib.Path(ORACLE), "test/oracle/build.sh"),
            (pathlib.Path(OURS), "the target kubernetes_groups"),
        ):
            if not program.exists():
                raise unittest.SkipTest(f"{program} is not there: run {how}")
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        # Nobody else changes anything: no controller, no kubelet.
        cls.plane = control_plane.ControlPlane(cls.folder.name, workers=False).start()
        cls.addClassCleanup(cls.plane.stop)

    def setUp(self):
        self.different = set()
        self.touched = collections.Counter()
        self.news_at = 0.0
        self.sides = []

    def start_sides(self):
        pod = groups.Pod(self.plane, control_plane.ADMIN, zoo.NAMESPACES[1])
        if not pod.works:
            print("without in-cluster settings: unshare is not allowed here")
        self.jobs = sd_configs.jobs(self.plane, pod.works)
        scrape_configs = [
            {"job_name": job, "kubernetes_sd_configs": [config]}
            for job, config in self.jobs.items()
        ]
        # JSON is YAML.
        file = pathlib.Path(self.folder.name) / "prometheus.yml"
        file.write_text(json.dumps({"scrape_configs": scrape_configs}))
        for command in ([OURS, str(file)], [ORACLE, "follow", str(file)]):
            if pod.works:
                command = pod.command(command)
            side = groups.Side(command, pod.environment)
            self.sides.append(side)
            self.addCleanup(side.close)

    def look(self):
        """Takes what both have found since, and keeps account of what differs.
        False if there was nothing."""
        ours, theirs = self.sides
        keys = {*ours.look(), *theirs.look()}
        if keys:
            self.news_at = time.monotonic()
        for key in keys:
            if groups.equal(ours.groups.get(key), theirs.groups.get(key)):
                self.different.discard(key)
            else:
                self.different.add(key)
        return bool(keys)

    def seen(self, expected):
        """Have both of them seen this change?"""
        key = expected.job, expected.source
        found = [side.groups.get(key) for side in self.sides]
        if expected.value is None:
            return found == [None, None]
        return all(
            g and g["labels"].get(expected.label) == expected.value for g in found
        )

    def settle(self, expected, within=30.0):
        """Returns once both have seen the changes and are equal."""
        began = touched = time.monotonic()
        pause = QUIET
        while True:
            news = self.look()
            now = time.monotonic()
            quiet = now > max(began, self.news_at) + QUIET
            # A group without targets shows no change; nor do some kinds.
            waiting = [
                e
                for e in expected
                if not self.seen(e)
                and not (
                    quiet and not any((e.job, e.source) in s.groups for s in self.sides)
                )
            ]
            if not waiting and not self.different and (expected or quiet):
                return
            if now > began + within:
                self.fail(self.explain(waiting))
            if quiet and now > touched + pause:
                for source in {source for _, source in self.different}:
                    # The others are hardly ever late for good.
                    if now < began + PATIENCE and not source.startswith("endpoint"):
                        continue
                    if self.churn.touch(source):
                        self.touched[source.split("/")[0]] += 1
                touched, pause = time.monotonic(), min(2 * pause, 2)
            if not news:
                time.sleep(0.001)

    def check_touching(self):
        """Touching an object makes Prometheus send its group again, and is no
        news to us: so it can't hide that we have missed a change."""
        ours, theirs = self.sides
        for job in ("pods", "services", "endpoints", "slices", "ingresses", "nodes"):
            key = min(key for key in theirs.groups if key[0] == job)
            self.assertTrue(self.churn.touch(key[1]))
            deadline = time.monotonic() + 10
            while key not in theirs.look():
                self.assertLess(time.monotonic(), deadline, key)
            self.assertEqual(ours.look(), [])

    def explain(self, waiting):
        lines = [
            f"seed {SEED}: not seen: {waiting[:5]}; {len(self.different)} groups differ:"
        ]
        for key in sorted(self.different)[:4]:
            lines.append(f"{key}")
            ours, theirs = (
                groups.pairs_of(side.groups.get(key)) for side in self.sides
            )
            lines += [
                f"  ours alone   {pair[:200]}" for pair in sorted(ours - theirs)[:8]
            ]
            lines += [
                f"  theirs alone {pair[:200]}" for pair in sorted(theirs - ours)[:8]
            ]
        return "\n".join(lines)

    def compare_everything(self, within=30.0):
        """All groups of both are equal, at the latest after `within` seconds: what
        an account doesn't expect may still be on its way to one of them."""
        end = time.monotonic() + within
        while True:
            self.settle([], 60)
            ours, theirs = (side.dump() for side in self.sides)
            different = {
                key
                for key in ours.keys() | theirs.keys()
                if not groups.equal(ours.get(key), theirs.get(key))
            }
            kept = all(s.groups == d for s, d in zip(self.sides, (ours, theirs)))
            if kept and not different:
                return
            if time.monotonic() > end:
                self.assertTrue(kept, "account was kept badly")
                self.fail(f"seed {SEED}: {sorted(different)[:9]}")

    def test_target_groups_are_those_of_prometheus_whatever_changes(self):
        print(f"seed {SEED}, {CHANGES} changes", flush=True)
        began = time.monotonic()
        call = api.Api(self.plane)
        self.addCleanup(call.close)
        self.churn = churn.Churn(zoo.Zoo(SEED), call)
        count = self.churn.load()
        self.assertGreaterEqual(count, 2000)
        loaded = time.monotonic()
        self.start_sides()
        self.wait_for_all_jobs()
        self.compare_everything()
        found = len(self.sides[0].groups)
        targets = sum(len(group["targets"]) for group in self.sides[0].groups.values())
        synced = time.monotonic()
        print(
            f"{count} objects in {loaded - began:.1f} s;"
            f" {found} groups, {targets} targets equal after {synced - loaded:.1f} s,"
            f" touched {dict(self.touched)}",
            flush=True,
        )
        self.assertGreater(found, 5_000)
        self.check_touching()

        n = 0
        while n < CHANGES:
            expected = {}
            for _ in range(1 if n < ONE_BY_ONE else BATCH):
                n += 1
                # Of several changes of one object only the last is seen.
                for each in self.churn.change(n):
                    expected[each.job, each.source] = each
            self.settle(list(expected.values()))
            if n % 500 == 0:
                self.compare_everything()
        self.compare_everything()
        changed = time.monotonic()
        print(
            f"{n} changes in {changed - synced:.1f} s: {dict(self.churn.done)};"
            f" touched for Prometheus: {dict(self.touched)};"
            f" refused: {len(self.churn.refused)} {self.churn.refused[:3]}",
            flush=True,
        )
        self.assertLess(len(self.churn.refused), CHANGES / 50)

        self.let_controllers_work()
        self.compare_everything()
        print(
            f"controllers at rest after {time.monotonic() - changed:.1f} s,"
            f" {len(self.sides[0].groups)} groups left"
        )

    def let_controllers_work(self):
        """Kubernetes itself changes thousands of objects: it deletes what has an
        owner that isn't there, a namespace with all that is in it, makes slices
        of Endpoints, and runs, scales and rolls a deployment. Returns when there
        is no news."""
        self.plane.start_workers()
        must = self.churn.call
        deployments = "/apis/apps/v1/namespaces/default/deployments"
        must("POST", deployments, objects.deployment("web", 20))
        must(
            "POST",
            "/api/v1/namespaces/default/services",
            objects.service("web", {"app": "web"}),
        )
        must("DELETE", zoo.path("Namespace", "", zoo.NAMESPACES[-1]))

        def ready():
            status = must("GET", f"{deployments}/web").get("status", {})
            fresh = status.get("updatedReplicas") == status.get("replicas")
            return status.get("readyReplicas", 0) if fresh else 0

        self.follow_until(lambda: ready() == 20)
        annotations = {"annotations": {"rolled": "1"}}
        spec = {"replicas": 30, "template": {"metadata": annotations}}
        must("PATCH", f"{deployments}/web", {"spec": spec}, api.MERGE)
        self.follow_until(lambda: ready() == 30)
        must("PATCH", f"{deployments}/web", {"spec": {"replicas": 5}}, api.MERGE)
        self.follow_until(lambda: ready() == 5)

        def namespace_is_gone():
            try:
                must("GET", zoo.path("Namespace", "", zoo.NAMESPACES[-1]))
            except api.Refused as refused:
                return refused.status == 404
            return False

        # It is emptied step by step, with pauses of many seconds.
        self.follow_until(namespace_is_gone)
        self.follow_until(lambda: time.monotonic() > self.news_at + 2)
        gone = f"/{zoo.NAMESPACES[-1]}/"
        self.assertFalse([key for key in self.sides[0].groups if gone in key[1]])

    def follow_until(self, reached, within=120):
        deadline = time.monotonic() + within
        while not reached():
            self.assertLess(time.monotonic(), deadline)
            self.look()
            time.sleep(0.1)

    def wait_for_all_jobs(self):
        """Prometheus asks an API server five times a second, so that its start
        takes a while."""
        wanted = set(self.jobs)

        def all_found():
            found = [{job for job, _ in side.groups} for side in self.sides]
            return found == [wanted, wanted] and time.monotonic() > self.news_at + 1

        self.follow_until(all_found, 60)


if __name__ == "__main__":
    unittest.main(verbosity=2)
