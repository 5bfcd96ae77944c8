"""A fleet of OpenTelemetry Collectors for tests: 300 real targets in 37 jobs that use
what a job can be given, an allocator that shards them, collectors that scrape them,
and what each of them does to be seen."""

import json
import time
import unittest

import harness
import receiver
from harness import eventually

TARGETS = 300
JOBS = 37
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
class FleetTest(harness.PeerTest):
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
        self.owners_of_all(within=90)
        return allocator

    def owners(self):
        """Who scrapes each target: exactly one collector, and nobody else."""
        now = time.monotonic()
        owners = {}
        for target, scrapers in self.targets.scrapers(now - 2 * INTERVAL_SECONDS).items():
            assert len(scrapers) == 1, f"{target} by {sorted(scrapers)}"
            owners[target] = next(iter(scrapers))
        return owners

    def owners_of_all(self, within=60):
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
        # What is lost is lost for as long as a receiver takes to act again.
        self.assertLess(gaps[worst], 5 + INTERVAL_SECONDS, worst)

    def exported(self, metric):
        """The last point of each series of that metric, of all collectors."""
        last = {}
        for collector in self.fleet:
            for point in collector.points(metric):
                last[point.job, point.target] = point
        return last

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
