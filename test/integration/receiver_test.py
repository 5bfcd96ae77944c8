"""OpenTelemetry Collectors as consumers: the Prometheus receiver, set up as the
operator sets it up, with real targets. One method is one test of ctest.

A receiver takes up to 10 s to act on a changed list: 5 s in its discovery manager,
5 s in its scrape manager. So long a wrong answer may need to show."""

import collections
import json
import signal
import time
import unittest
import urllib.parse

import harness
import receiver
import replay_test
from harness import eventually

TARGETS = 300
INTERVAL_SECONDS = 2
ACTED_ON_SECONDS = 10
COLLECTORS = ["collector-0", "collector-1", "collector-2"]

# Of two targets each. What YAML, URLs, JSON and shells do things to.
ODD_JOBS = [
    "shop/cart", "a/b/c", "/lead", "trail/", "a//b", "with space", " lead and trail ",
    "plus+plus", "a/b c+d", "100%", "%2F", "%25 %zz", "a%20b+c/d", "ünï/cödé",
    "日本語 ジョブ", "emoji 🚀", "q?x=1&y=2", "hash#frag", "semi;colon", "colon: space",
    'double"quote', "single'quote", "back\\slash", "<b>&amp;", "tab\there", "..",
    "null", "010", "serviceMonitor/shop/cart/0", "Ω + ∞ %",
]

# Which of the targets belong to which job.
AUTH = slice(0, 40)
PARAMS = slice(40, 80)
RELABELED = slice(80, 160)
METRICS = slice(160, 180)
HONORING = slice(180, 200)
TLS = slice(200, 220)
PLAIN = slice(220, 240)
ODD = slice(240, 300)

# As the Prometheus Operator writes them for every monitor, and what else changes
# an address, a path, a parameter, an interval and labels.
RULES = [
    {"source_labels": ["__meta_wanted"], "regex": "no", "action": "drop"},
    {"source_labels": ["__meta_real"], "target_label": "__address__"},
    {"action": "labelmap", "regex": "__meta_label_(.+)", "replacement": "pod_$1"},
    {"source_labels": ["job"], "target_label": "__tmp_prometheus_job_name"},
    {"source_labels": ["__meta_team"], "regex": "(.)(.*)", "replacement": "$2/${1}x",
     "target_label": "__metrics_path__"},
    {"source_labels": ["__metrics_path__"], "regex": "(.+)", "replacement": "/team/$1",
     "target_label": "__metrics_path__"},
    {"source_labels": ["__meta_team"], "target_label": "__param_team"},
    {"source_labels": ["__meta_team"], "action": "uppercase", "target_label": "team"},
    {"source_labels": ["__address__"], "modulus": 7, "target_label": "seventh",
     "action": "hashmod"},
    {"source_labels": ["__scheme__", "__scrape_interval__"], "separator": "@",
     "target_label": "how"},
    {"source_labels": ["__address__", "__tmp_hash"], "modulus": 1, "regex": "(.+);",
     "target_label": "__tmp_hash", "action": "hashmod"},
    {"source_labels": ["__tmp_hash", "__tmp_disable_sharding"],
     "regex": "$(SHARD);|.+;.+", "action": "keep"},
    {"regex": "pod_secret", "action": "labeldrop"},
]


def job(name, **more):
    return {"job_name": name, "scrape_timeout": f"{INTERVAL_SECONDS}s", **more}


def static(targets, **labels):
    return {"static_configs": [{"targets": targets, "labels": labels}]}


@unittest.skipUnless(receiver.PROGRAM.exists(), "needs test/integration/otel/build.sh")
class ReceiverTest(harness.PeerTest):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.show_collectors)
        self.targets = receiver.Targets(TARGETS, self.folder, AUTH, TLS)
        self.addCleanup(self.targets.stop)
        self.fleet = []

    def show_collectors(self):
        if not self._outcome.success:
            for collector in self.fleet:
                print(f"--- log of {collector.name} (its end)\n{collector.log()[-2000:]}")

    # --- Configuration ----------------------------------------------------------

    def scrape_configs(self):
        names = self.targets.names
        self.write(
            "found.json",
            [
                {
                    "targets": [f"placeholder-{i}:1"],
                    "labels": {
                        "__meta_real": name,
                        "__meta_team": "red" if i % 2 else "blue",
                        "__meta_label_zone": f"z{i % 3}",
                        "__meta_label_secret": "hidden",
                        "__meta_wanted": "yes",
                    },
                }
                for i, name in enumerate(names[RELABELED])
            ]
            + [{"targets": ["dropped:1"], "labels": {"__meta_wanted": "no"}}],
        )
        odd = names[ODD]
        return [
            job("auth", metrics_path="/auth/metrics",
                basic_auth={"username": receiver.USER, "password": receiver.PASSWORD},
                **static(names[AUTH])),
            job("params", metrics_path="/probe",
                params={"module": ["a b", "c&d"], "deep": ["1"]}, **static(names[PARAMS])),
            job("relabeled", relabel_configs=RULES,
                file_sd_configs=[{"files": ["found.json"]}]),
            job("metrics",
                metric_relabel_configs=[
                    {"source_labels": ["__name__"], "regex": "unwanted_.*",
                     "action": "drop"},
                    {"source_labels": ["__name__"], "regex": "answered_(.+)",
                     "replacement": "renamed_$1", "target_label": "__name__"},
                ],
                **static(names[METRICS])),
            job("honoring", honor_labels=True, **static(names[HONORING], zone="ours")),
            job("tls", scheme="https", tls_config={"insecure_skip_verify": True},
                **static(names[TLS])),
            job("plain", **static(names[PLAIN], zone="ours")),
            *(
                job(name, **static(odd[2 * i : 2 * i + 2]))
                for i, name in enumerate(ODD_JOBS)
            ),
        ]

    def write_config(self, name="ta.yaml", **settings):
        config = {
            "allow_insecure_auth_secrets": True,
            **settings,
            "config": {
                "global": {"scrape_interval": f"{INTERVAL_SECONDS}s",
                           "scrape_timeout": f"{INTERVAL_SECONDS}s"},
                "scrape_configs": self.scrape_configs(),
            },
        }
        # Not in ASCII: YAML has no pairs of surrogates.
        self.write(name, json.dumps(config, ensure_ascii=False))

    # --- Peers ------------------------------------------------------------------

    def collector(self, name, endpoint, **more):
        started = self.own(receiver.Collector(self.folder, name, endpoint, **more))
        self.fleet.append(started)
        return started

    def start(self, **settings):
        """An allocator and three collectors that scrape each target once."""
        self.write_config(**settings)
        allocator = self.allocator("ta.yaml", "--log-level=warn").wait_ready()
        for name in COLLECTORS:
            self.collector(name, f"http://127.0.0.1:{allocator.port}")
        self.owners_of_all(within=45)
        return allocator

    def owners(self):
        """Who scrapes each target: exactly one collector, and nobody else."""
        now = time.monotonic()
        owners = {}
        for target, scrapers in self.targets.scrapers(now - 2 * INTERVAL_SECONDS).items():
            assert len(scrapers) == 1, f"{target} by {sorted(scrapers)}"
            owners[target] = next(iter(scrapers))
        return owners

    def owners_of_all(self, within=30):
        return eventually(self.owners, within, every=0.3, what="one owner for each target")

    def assert_none_lost(self, fleet=None):
        """No series has ended: the receiver never dropped a target."""
        for collector in fleet or self.fleet:
            self.assertTrue(collector.alive(), collector.log()[-2000:])
            self.assertEqual(collector.lost(), set(), collector.name)

    def keep_scraping(self, seconds, since, before):
        """For so long nothing is lost, and everything goes on being scraped, by the
        same ones."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.assert_none_lost()
            time.sleep(0.5)
        until = time.monotonic()
        for target, scrapers in self.targets.scrapers(since, until).items():
            self.assertEqual(scrapers, {before[target]}, target)
        gaps = self.targets.longest_gaps(since, until)
        worst = max(gaps, key=gaps.get)
        self.assertLess(gaps[worst], 2 * INTERVAL_SECONDS + 1, worst)

    def exported(self, metric):
        """The last point of each series of that metric, of all collectors."""
        last = {}
        for collector in self.fleet:
            for point in collector.points(metric):
                last[point.job, point.target] = point
        return last

    # --- What is scraped ----------------------------------------------------------

    def expected_jobs(self):
        """target -> job."""
        names = self.targets.names
        jobs = {}
        for name, which in {
            "auth": AUTH, "params": PARAMS, "relabeled": RELABELED, "metrics": METRICS,
            "honoring": HONORING, "tls": TLS, "plain": PLAIN,
        }.items():
            jobs |= dict.fromkeys(names[which], name)
        for i, target in enumerate(names[ODD]):
            jobs[target] = ODD_JOBS[i // 2]
        return jobs

    def jobs(self):
        return set(self.expected_jobs().values())

    def all_up(self):
        up = self.exported("up")
        self.assertEqual({target: job for job, target in up}, self.expected_jobs())
        self.assertEqual({point.value for point in up.values()}, {1})
        return up

    def test_three_collectors_scrape_every_target_once_as_configured(self):
        self.assertEqual(len(set(ODD_JOBS)), 30)
        allocator = self.start(collectors={"static": COLLECTORS})
        owners = self.owners_of_all()
        share = collections.Counter(owners.values())
        self.assertEqual(sorted(share), COLLECTORS)
        self.assertLessEqual(max(share.values()), 105)

        up = eventually(self.all_up, 20, every=0.3, what="every target up")
        self.once_an_interval(owners)
        names, last = self.targets.names, self.targets.last
        self.assertEqual({last[name][0] for name in names[AUTH]}, {"/auth/metrics"})
        self.assertEqual(
            {last[name] for name in names[PARAMS]},
            {("/probe?deep=1&module=a+b&module=c%26d", None)},
        )
        for i, name in enumerate(names[RELABELED]):
            team, path = ("red", "ed/rx") if i % 2 else ("blue", "lue/bx")
            self.assertEqual(last[name][0], f"/team/{path}?team={team}")
        # Only those that are to have it get the password.
        self.assertEqual(
            {name for name in names if last[name][1]}, set(names[AUTH])
        )

        answered = self.exported("answered_total")
        renamed = self.exported("renamed_total")
        self.assertEqual({target for _, target in renamed}, set(names[METRICS]))
        self.assertEqual(
            {target for _, target in answered}, set(names) - set(names[METRICS])
        )
        unwanted = {target for _, target in self.exported("unwanted_total")}
        self.assertEqual(unwanted & set(names[METRICS]), set())
        claimed = self.exported("claimed")
        for name in names[HONORING]:
            self.assertEqual(claimed["honoring", name].labels, {"zone": "theirs"})
        for name in names[PLAIN]:
            self.assertEqual(
                claimed["plain", name].labels,
                {"zone": "ours", "exported_zone": "theirs"},
            )
        self.second_relabeling_gives_the_same(allocator, up)

    def once_an_interval(self, owners):
        since = time.monotonic()
        self.keep_scraping(3 * INTERVAL_SECONDS, since, owners)
        times = collections.Counter(
            target for _, target, _ in self.targets.scrapes(since, time.monotonic())
        )
        self.assertEqual(len(times), TARGETS)
        self.assertGreaterEqual(min(times.values()), 2)
        self.assertLessEqual(max(times.values()), 5)

    def second_relabeling_gives_the_same(self, allocator, up):
        """The labels that the receiver's own rules gave are those that ours gave."""
        ours = {}
        for name in COLLECTORS:
            path = f"/jobs/relabeled/targets?collector_id={name}&labels=relabeled"
            for group in allocator.json(path):
                labels = {
                    key: value
                    for key, value in group["labels"].items()
                    if not key.startswith("__") and key not in ("job", "instance")
                }
                ours[group["targets"][0]] = labels
        theirs = {
            target: point.labels
            for (job, target), point in up.items()
            if job == "relabeled"
        }
        self.assertEqual(theirs, ours)
        self.assertEqual(len(ours), 80)
        some = ours[self.targets.names[RELABELED][1]]
        self.assertEqual(set(some), {"pod_zone", "team", "seventh", "how"})
        self.assertEqual((some["team"], some["how"]), ("RED", "http@2s"))

    def test_what_it_asks_is_what_the_replay_asks(self):
        self.write_config(collectors={"static": COLLECTORS})
        allocator = self.allocator("ta.yaml", "--log-level=warn").wait_ready()
        recorder = receiver.Recorder(allocator.port)
        self.addCleanup(recorder.stop)
        self.collector(COLLECTORS[0], f"http://127.0.0.1:{recorder.port}", refresh=None)
        requests = eventually(
            lambda: len(found := recorder.requests()) >= 1 + len(self.jobs()) and found,
            30, what="a request for each job",
        )
        first, *others = requests
        host = f"127.0.0.1:{recorder.port}"
        wanted = {
            template: [(name, value.format(host=host)) for name, value in headers]
            for template, headers in replay_test.REQUESTS.items()
        }
        self.assertEqual(first, (1, "/scrape_configs", wanted["/scrape_configs"]))
        self.assertEqual(
            {path for _, path, _ in others},
            {
                replay_test.TARGETS.format(
                    job=urllib.parse.quote_plus(job), collector=COLLECTORS[0]
                )
                for job in self.jobs()
            },
        )
        for _, path, headers in others:
            self.assertEqual(headers, wanted[replay_test.TARGETS], path)
        # A connection each.
        self.assertEqual(len({number for number, _, _ in requests}), len(requests))

    # --- What goes wrong with the allocator ----------------------------------------

    def test_no_target_is_lost_when_the_allocator_is_killed_and_restarted(self):
        allocator = self.start(collectors={"static": COLLECTORS})
        before, since = self.owners_of_all(), time.monotonic()
        allocator.kill()
        # Refused: each collector has asked for each of its jobs in vain.
        self.keep_scraping(ACTED_ON_SECONDS, since, before)
        again = self.own(
            harness.Allocator(
                self.folder, allocator.config, port=allocator.port, name="again"
            )
        ).wait_ready()
        self.asked(again, "target_allocator_polls_total", 3 * 37)
        self.keep_scraping(ACTED_ON_SECONDS, since, before)

    def asked(self, allocator, metric, times):
        """Waits until the collectors have asked this often since the start."""
        eventually(
            lambda: allocator.metric(metric + " ") >= times, 20, what=f"{times} polls"
        )

    def test_no_target_is_lost_while_the_allocator_hangs(self):
        allocator = self.start(collectors={"static": COLLECTORS})
        before, since = self.owners_of_all(), time.monotonic()
        allocator.send(signal.SIGSTOP)
        try:
            self.keep_scraping(ACTED_ON_SECONDS + 2, since, before)
        finally:
            allocator.send(signal.SIGCONT)
        polled = allocator.metric("target_allocator_polls_total ")
        self.asked(allocator, "target_allocator_polls_total", polled + 3 * 37)
        self.keep_scraping(5, since, before)

    def test_no_target_is_lost_while_the_allocator_answers_503(self):
        allocator = self.start(collectors={"static": COLLECTORS})
        before, since = self.owners_of_all(), time.monotonic()
        # It comes back without a collector it knows of, so that it can't tell
        # anybody anything: each target answer is 503.
        allocator.kill()
        self.write_config("empty.yaml", collectors={"polling": {"poll_timeout": "60s"}})
        ignorant = self.own(
            harness.Allocator(
                self.folder, self.folder / "empty.yaml", port=allocator.port,
                name="ignorant",
            )
        )
        refused = 'target_allocator_http_answers_total{code="5xx"}'
        self.asked_for_503(ignorant, refused)
        self.keep_scraping(ACTED_ON_SECONDS, since, before)
        self.assertGreater(ignorant.metric(refused), 3 * 37)
        ignorant.kill()
        # It comes back without knowing its jobs: /scrape_configs is 503.
        self.write(
            "waiting.yaml",
            {"collectors": {"static": COLLECTORS}, "prometheus_cr": {"enabled": True}},
        )
        waiting = self.own(
            harness.Allocator(
                self.folder, self.folder / "waiting.yaml", port=allocator.port,
                name="waiting",
            )
        )
        eventually(lambda: waiting.get("/scrape_configs").status == 503)
        asked = waiting.metric(refused)
        eventually(lambda: waiting.metric(refused) > asked + 3, 20, what="a 503 for each")
        self.keep_scraping(ACTED_ON_SECONDS, since, before)
        waiting.kill()
        self.own(
            harness.Allocator(
                self.folder, allocator.config, port=allocator.port, name="again"
            )
        ).wait_ready()
        self.keep_scraping(5, since, before)

    def asked_for_503(self, allocator, metric):
        eventually(
            lambda: allocator.metric(metric) >= 3 * 37, 20, what="a 503 for each job"
        )

    def test_an_empty_list_would_have_been_noticed(self):
        """What the tests above look for does happen, and in the time that they wait:
        the answer that they must never see is that of an allocator that knows other
        collectors only."""
        allocator = self.start(collectors={"static": COLLECTORS})
        allocator.kill()
        self.write_config("others.yaml", collectors={"static": ["somebody-else"]})
        self.own(
            harness.Allocator(
                self.folder, self.folder / "others.yaml", port=allocator.port,
                name="others",
            )
        )
        eventually(
            lambda: sum(len(collector.lost()) for collector in self.fleet) == TARGETS,
            ACTED_ON_SECONDS + 5, what="every target lost",
        )

    # --- What happens to collectors --------------------------------------------------

    def test_the_others_take_over_from_a_killed_collector(self):
        allocator = self.start(collectors={"polling": {"poll_timeout": "3s"}})
        before = self.owners_of_all()
        dead, *stayers = self.fleet
        dead.kill()
        killed = time.monotonic()

        def taken_over():
            owners = self.owners()
            assert dead.name not in owners.values()
            return owners

        # Silent for 2 refresh intervals and 10 s it is gone; then 10 s to act.
        after = eventually(taken_over, 45, every=0.3, what="the others having it all")
        print(f"taken over {time.monotonic() - killed:.1f} s after the kill")
        self.assert_none_lost_but_moved(stayers, before, after)
        members = allocator.status()["collectors"]["members"]
        self.assertEqual([member["name"] for member in members], COLLECTORS[1:])

    def assert_none_lost_but_moved(self, fleet, before, after):
        for collector in fleet:
            gave = {
                target
                for target, owner in before.items()
                if owner == collector.name != after[target]
            }
            self.assertLessEqual({target for _, target in collector.lost()}, gave)

    def test_a_fourth_collector_joins_without_a_gap(self):
        allocator = self.start(collectors={"polling": {"poll_timeout": "3s"}})
        before, since = self.owners_of_all(), time.monotonic()
        fourth = self.collector("collector-3", f"http://127.0.0.1:{allocator.port}")

        def joined():
            owners = self.owners()
            assert fourth.name in owners.values()
            return owners

        after = eventually(joined, 60, every=0.3, what="a share for the fourth")
        until = time.monotonic()
        self.assert_none_lost_but_moved(self.fleet, before, after)
        moved = [target for target in before if before[target] != after[target]]
        share = [target for target in after if after[target] == fourth.name]
        self.assertLessEqual(len(share), 79)  # ceil(1.05 x 300 / 4)
        self.assertLess(len(moved), 2 * len(share))
        gaps = self.targets.longest_gaps(since, until)
        worst = max(gaps, key=gaps.get)
        print(
            f"{len(moved)} of {TARGETS} moved, {len(share)} to the fourth, in "
            f"{until - since:.1f} s; longest gap {gaps[worst]:.2f} s"
        )
        self.assertLess(gaps[worst], 2 * INTERVAL_SECONDS + 1, worst)


if __name__ == "__main__":
    harness.main()
