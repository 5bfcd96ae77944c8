"""OpenTelemetry Collectors as consumers: the Prometheus receiver, set up as the
operator sets it up, with real targets. One method is one test of ctest.

A receiver takes up to 10 s to act on a changed list: 5 s in its discovery manager,
5 s in its scrape manager. So long a wrong answer may need to show."""

import collections
import signal
import time
import urllib.parse

import harness
import receiver
import receiver_fleet
import replay_test
import tls_test
from harness import eventually
from receiver_fleet import (
    ACTED_ON_SECONDS, AUTH, COLLECTORS, HONORING, INTERVAL_SECONDS, JOBS, METRICS,
    ODD_JOBS, PARAMS, PLAIN, RELABELED, TARGETS,
)


class ReceiverTest(receiver_fleet.FleetTest):
    # --- What is scraped ----------------------------------------------------------

    def test_three_collectors_scrape_every_target_once_as_configured(self):
        self.assertEqual(len(set(ODD_JOBS)), 30)
        allocator = self.start(collectors={"static": COLLECTORS})
        owners = self.owners_of_all()
        share = collections.Counter(owners.values())
        self.assertEqual(sorted(share), COLLECTORS)
        self.assertLessEqual(max(share.values()), 105)

        up = eventually(self.all_up, 60, every=0.3, what="every target up")
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

    def test_over_mutual_tls_the_password_comes_that_way_only(self):
        ca = tls_test.Authority(self.folder, "ca")
        certificate, key = ca.issue("server", "IP:127.0.0.1")
        port = harness.free_port()
        self.write_config(
            allow_insecure_auth_secrets=False,
            collectors={"static": COLLECTORS},
            https={
                "enabled": True,
                "listen_addr": f"127.0.0.1:{port}",
                "ca_file_path": str(ca.pem),
                "tls_cert_file_path": str(certificate),
                "tls_key_file_path": str(key),
                "client_identity": "san",
            },
        )
        allocator = self.allocator("ta.yaml", "--log-level=warn").wait_ready()
        for name in COLLECTORS:
            certificate, key = ca.issue(name, f"DNS:{name}")
            tls = {
                "ca_file": str(ca.pem),
                "cert_file": str(certificate),
                "key_file": str(key),
            }
            self.collector(name, f"https://127.0.0.1:{port}", tls=tls)
        self.owners_of_all(within=90)
        # Those behind the password among them.
        eventually(self.all_up, 60, every=0.3, what="every target up")
        self.assert_none_lost()
        plain = allocator.json("/scrape_configs")["auth"]["basic_auth"]
        self.assertEqual(plain["password"], "<secret>")

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
        self.asked(again, "target_allocator_polls_total", len(COLLECTORS) * JOBS)
        self.keep_scraping(ACTED_ON_SECONDS, since, before)

    def asked(self, allocator, metric, times):
        """Waits until the collectors have asked this often since the start."""
        eventually(
            lambda: allocator.metric(metric + " ") >= times, 60, what=f"{times} polls"
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
        self.asked(allocator, "target_allocator_polls_total", polled + len(COLLECTORS) * JOBS)
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
        self.assertGreater(ignorant.metric(refused), len(COLLECTORS) * JOBS)
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
        eventually(lambda: waiting.metric(refused) > asked + 3, 60, what="a 503 for each")
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
            lambda: allocator.metric(metric) >= len(COLLECTORS) * JOBS, 60, what="a 503 for each job"
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
        after = eventually(taken_over, 90, every=0.3, what="the others having it all")
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

        after = eventually(joined, 90, every=0.3, what="a share for the fourth")
        until = time.monotonic()
        self.assert_none_lost_but_moved(self.fleet, before, after)
        moved = [target for target in before if before[target] != after[target]]
        share = [target for target in after if after[target] == fourth.name]
        self.assertLessEqual(len(share), 79)  # ceil(1.05 x 300 / 4)
        self.assertLess(len(moved), 2 * len(share))
        self.assertLess(
            *self.targets.hand_over_gaps(moved, INTERVAL_SECONDS, since, until)
        )


if __name__ == "__main__":
    harness.main()
