"""Real Prometheus servers as collectors, scraping real targets: one owner each,
small moves, no gap. One method is one test of ctest; each takes most of a minute,
because Prometheus itself takes up to 10 s to act on a changed list of targets
(5 s in its discovery manager, 5 s in its scrape manager)."""

import math
import time

import harness
from harness import eventually

TARGETS = 60
JOBS = ["nodes", "pods"]
INTERVAL_SECONDS = 1


class PrometheusTest(harness.PeerTest):
    def setUp(self):
        super().setUp()
        self.targets = self.own_targets()

    def own_targets(self):
        targets = harness.TargetServer(TARGETS)
        self.addCleanup(targets.stop)
        half = len(targets.names) // 2
        # Two jobs, both kinds of discovery; the rules leave a mark that only a
        # relabeled answer has.
        self.write("pods.json", [{"targets": targets.names[:half], "labels": {"zone": "a"}}])
        self.static = targets.names[half:]
        return targets

    def write_config(self, **settings):
        rule = {"target_label": "relabeled", "replacement": "yes"}
        self.write(
            "ta.yaml",
            {
                **settings,
                "config": {
                    "global": {"scrape_interval": f"{INTERVAL_SECONDS}s",
                               "scrape_timeout": f"{INTERVAL_SECONDS}s"},
                    "scrape_configs": [
                        {
                            "job_name": "pods",
                            "file_sd_configs": [{"files": ["pods.json"]}],
                            "relabel_configs": [rule],
                        },
                        {
                            "job_name": "nodes",
                            "static_configs": [{"targets": self.static}],
                            "relabel_configs": [rule],
                        },
                    ],
                },
            },
        )

    def prometheus(self, name, allocator):
        return self.own(
            harness.Prometheus(
                self.folder, name, allocator.port, JOBS, f"{INTERVAL_SECONDS}s", "1s"
            )
        )

    def fleet(self, allocator, count):
        return [self.prometheus(f"prom-{i}", allocator) for i in range(count)]

    def members(self, allocator):
        return [member["name"] for member in allocator.status()["collectors"]["members"]]

    def split(self, fleet):
        """Who scrapes what, by Prometheus's own word; fails unless every target
        is scraped by exactly one and is up."""
        owned = {}
        for prometheus in fleet:
            active = prometheus.active()
            self.assertEqual(set(active.values()) - {"up"}, set(), prometheus.name)
            owned[prometheus.name] = set(active)
        everything = [target for share in owned.values() for target in share]
        self.assertEqual(sorted(everything), sorted(self.targets.names))
        return owned

    def settled(self, fleet, within=90):
        return eventually(
            lambda: self.split(fleet), within, every=0.2, what="one owner for each target"
        )

    def assert_one_scraper_each(self, seconds=4):
        since = time.monotonic()
        time.sleep(seconds)
        for target, scrapers in self.targets.scrapers(since).items():
            self.assertEqual(len(scrapers), 1, f"{target} by {scrapers}")

    def test_every_target_is_scraped_by_exactly_one(self):
        self.write_config(collectors={"static": ["prom-0", "prom-1", "prom-2"]})
        allocator = self.allocator().wait_ready()
        fleet = self.fleet(allocator, 3)
        owned = self.settled(fleet)
        self.assert_one_scraper_each()

        bound = math.ceil(1.05 * TARGETS)
        for name, share in owned.items():
            self.assertGreater(len(share), 0, name)
            self.assertLessEqual(len(share), math.ceil(bound / 3), name)
            for job in JOBS:
                self.assertLessEqual(set(allocator.addresses(job, name)), share)
        # What is scraped bears the marks of the allocator's own relabeling.
        marked = fleet[0].query('count(up{relabeled="yes"})')
        self.assertEqual(int(marked[0]["value"][1]), len(owned["prom-0"]))

    def test_a_stopped_prometheus_gives_only_its_own_targets_away(self):
        # A ratio of at least the number of collectors: the bound never binds.
        self.write_config(
            collectors={"polling": {"poll_timeout": "3s"}}, max_load_ratio=3
        )
        allocator = self.allocator().wait_ready()
        fleet = self.fleet(allocator, 3)
        before = self.settled(fleet)

        leaver, *stayers = fleet
        self.assertEqual(leaver.stop(), 0)
        after = self.settled(stayers, within=90)
        for stayer in stayers:
            self.assertLessEqual(before[stayer.name], after[stayer.name])
        self.assert_one_scraper_each()
        self.assertEqual(self.members(allocator), ["prom-1", "prom-2"])

    def test_a_stopped_prometheus_leaves_the_others_within_the_bound(self):
        self.write_config(collectors={"polling": {"poll_timeout": "3s"}})
        allocator = self.allocator().wait_ready()
        fleet = self.fleet(allocator, 3)
        self.settled(fleet)
        fleet[0].stop()
        after = self.settled(fleet[1:], within=90)
        for share in after.values():
            self.assertLessEqual(len(share), math.ceil(math.ceil(1.05 * TARGETS) / 2))

    def restart_under_polling(self, *flags, **settings):
        self.write_config(**settings)
        allocator = self.allocator("ta.yaml", *flags).wait_ready()
        fleet = self.fleet(allocator, 3)
        before = self.settled(fleet)
        # Until each has a sample of each of its targets.
        for prometheus in fleet:
            eventually(
                lambda: len(prometheus.query("up == 1")) == len(before[prometheus.name]),
                what="a first sample of each target",
            )

        allocator.kill()
        down_for = 3
        self.assert_owned(fleet, before, down_for)
        again = self.own(
            harness.Allocator(
                self.folder, allocator.config, *flags, port=allocator.port, name="again"
            )
        ).wait_ready()
        self.ready_after = again.age()
        # Long enough for a wrong answer to come through Prometheus's 10 s.
        self.assert_owned(fleet, before, 18)
        self.assertEqual(again.get("/readyz").status, 200)
        self.assertEqual(self.split(fleet), before)
        for prometheus in fleet:
            # A target that was lost, if only for a moment, has a stale marker, and
            # no sample for the 5 s that Prometheus takes to act again.
            rows = prometheus.query("min(count_over_time(up[20s]))")
            self.assertGreaterEqual(int(rows[0]["value"][1]), 16, prometheus.name)
        return again

    def assert_owned(self, fleet, owned, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for prometheus in fleet:
                self.assertEqual(set(prometheus.active()), owned[prometheus.name])
            time.sleep(0.2)

    def test_no_target_is_lost_when_the_allocator_is_killed(self):
        self.restart_under_polling(collectors={"static": ["prom-0", "prom-1", "prom-2"]})

    def test_no_target_is_lost_when_the_allocator_forgets_who_polls(self):
        self.restart_under_polling(collectors={"polling": {"poll_timeout": "4s"}})

    def test_no_target_is_lost_when_the_allocator_remembers_who_polls(self):
        begun = time.monotonic()
        again = self.restart_under_polling(
            collectors={"polling": {"poll_timeout": "20s"}},
            state_dir=str(self.folder / "state"),
        )
        self.assertGreater(time.monotonic() - begun, 20)  # the first start waited
        self.assertEqual(self.members(again), ["prom-0", "prom-1", "prom-2"])
        # The second did not: it has been up for less than poll_timeout.
        self.assertLess(self.ready_after, 20)

    def test_no_target_misses_a_scrape_when_a_fourth_joins(self):
        self.write_config(collectors={"polling": {"poll_timeout": "3s"}})
        allocator = self.allocator().wait_ready()
        fleet = self.fleet(allocator, 3)
        before = self.settled(fleet)
        self.assert_one_scraper_each(2)

        since = time.monotonic()
        fleet.append(self.prometheus("prom-3", allocator))

        def joined():
            owned = self.split(fleet)
            return owned if owned["prom-3"] else None

        after = eventually(joined, 90, every=0.2, what="a share for the fourth")
        until = time.monotonic()
        moved = [
            target
            for prometheus in fleet[:3]
            for target in before[prometheus.name] - after[prometheus.name]
        ]
        self.assertGreaterEqual(len(moved), len(after["prom-3"]))
        self.assertLess(
            *self.targets.hand_over_gaps(moved, INTERVAL_SECONDS, since, until)
        )
        self.assert_one_scraper_each(3)


if __name__ == "__main__":
    harness.main()
