"""The real binary as a process: what it does when its files change, when it is
told to reload or to end, and what it says while it does."""

import json
import shutil
import subprocess
import time

import harness
from harness import eventually, signal

COLLECTORS = {"static": ["collector-0", "collector-1"]}
SECRET = "hunter2-is-no-word-for-a-log"


def job(name="web", targets=(), **more):
    return {"job_name": name, "static_configs": [{"targets": list(targets)}], **more}


def config(*jobs, **settings):
    return {
        "collectors": COLLECTORS,
        "hand_over": {"policy": "none"},
        **settings,
        "config": {"scrape_configs": list(jobs)},
    }


class ProcessTest(harness.PeerTest):
    def served(self, allocator, name="web"):
        """Every target of a job that some collector is served."""
        return sorted(
            address
            for collector in COLLECTORS["static"]
            for address in allocator.addresses(name, collector)
        )

    def wait_served(self, allocator, addresses, name="web", within=5):
        eventually(
            lambda: self.served(allocator, name) == sorted(addresses),
            within,
            every=0.01,
            what=f"{addresses} served",
        )

    def assert_reload_failed(self, allocator, says):
        """A broken configuration shows everywhere it should, and changes nothing."""
        eventually(
            lambda: allocator.metric("target_allocator_config_last_reload_successful") == 0,
            what="the metric says so",
        )
        reload = allocator.status()["config"]["last_reload"]
        self.assertFalse(reload["successful"])
        self.assertIn(says, " ".join(reload["mistakes"]))
        self.assertIn(says, allocator.log())
        self.assertIn("level=error", allocator.log())


class ReloadTest(ProcessTest):
    def test_a_changed_file_is_served(self):
        self.write("ta.yaml", config(job(targets=["a:1"])))
        allocator = self.allocator().wait_ready()
        self.wait_served(allocator, ["a:1"])
        self.write("ta.yaml", config(job(targets=["a:1", "b:1"]), job("db", ["c:1"])))
        self.wait_served(allocator, ["a:1", "b:1"])
        self.wait_served(allocator, ["c:1"], "db")
        self.assertIn("db", allocator.json("/scrape_configs"))

    def test_a_file_that_is_rewritten_in_place_is_served(self):
        path = self.write("ta.yaml", config(job(targets=["a:1"])))
        allocator = self.allocator().wait_ready()
        path.write_text(json.dumps(config(job(targets=["b:1"]))))
        self.wait_served(allocator, ["b:1"])

    def test_a_swapped_config_map_is_served(self):
        # What the kubelet does: ta.yaml -> ..data/ta.yaml, ..data -> a folder
        # with a time in its name, and a rename that swaps ..data.
        def fill(folder, *targets):
            (self.folder / folder).mkdir()
            self.write(f"{folder}/ta.yaml", config(job(targets=targets)))

        fill("..2025_01", "a:1")
        (self.folder / "..data").symlink_to("..2025_01")
        (self.folder / "ta.yaml").symlink_to("..data/ta.yaml")
        allocator = self.allocator().wait_ready()
        self.wait_served(allocator, ["a:1"])
        previous = "..2025_01"
        for turn, target in enumerate(["b:1", "c:1", "d:1"]):
            fresh = f"..2025_1{turn}"
            fill(fresh, target)
            (self.folder / "..data_tmp").symlink_to(fresh)
            (self.folder / "..data_tmp").rename(self.folder / "..data")
            shutil.rmtree(self.folder / previous)
            previous = fresh
            self.wait_served(allocator, [target])

    def test_sighup_reloads(self):
        self.write("ta.yaml", config(job(targets=["a:1"])))
        allocator = self.allocator().wait_ready()
        before = allocator.status()["config"]["last_reload"]
        self.write("ta.yaml", config(job(targets=["b:1"])))
        allocator.send(signal.SIGHUP)
        self.wait_served(allocator, ["b:1"])
        self.assertTrue(allocator.alive())
        self.assertTrue(before["successful"])

    def test_post_reload_answers_when_it_is_done(self):
        self.write("ta.yaml", config(job(targets=["a:1"])))
        allocator = self.allocator().wait_ready()
        self.write("ta.yaml", config(job(targets=["b:1"])))
        answer = allocator.get("/-/reload", method="POST")
        self.assertEqual(answer.status, 200, answer.body)
        self.wait_served(allocator, ["b:1"])
        self.assertEqual(allocator.get("/-/reload").status, 405)

    def test_a_broken_file_keeps_the_old_state_until_it_is_mended(self):
        self.write("ta.yaml", config(job(targets=["a:1"])))
        allocator = self.allocator().wait_ready()
        self.wait_served(allocator, ["a:1"])
        served = allocator.get("/scrape_configs").body

        self.write("ta.yaml", config(job(targets=["b:1"], scrape_interval="soon")))
        self.assert_reload_failed(allocator, "scrape_interval")
        answer = allocator.get("/-/reload", method="POST")
        self.assertEqual(answer.status, 500)
        self.assertIn(b"scrape_interval", answer.body)
        allocator.send(signal.SIGHUP)
        self.assertEqual(self.served(allocator), ["a:1"])
        self.assertEqual(allocator.get("/scrape_configs").body, served)
        self.assertEqual(allocator.get("/readyz").status, 200)

        self.write("ta.yaml", config(job(targets=["b:1"])))
        self.wait_served(allocator, ["b:1"])
        eventually(lambda: allocator.status()["config"]["last_reload"]["successful"])
        self.assertEqual(
            allocator.metric("target_allocator_config_last_reload_successful"), 1
        )

    def test_an_empty_or_missing_file_is_a_mistake(self):
        path = self.write("ta.yaml", config(job(targets=["a:1"])))
        allocator = self.allocator().wait_ready()
        self.write("ta.yaml", "")
        self.assertEqual(allocator.get("/-/reload", method="POST").status, 500)
        path.unlink()
        self.assertEqual(allocator.get("/-/reload", method="POST").status, 500)
        self.assertEqual(self.served(allocator), ["a:1"])

    def test_a_removed_job_is_served_empty_and_an_unknown_one_not_found(self):
        self.write("ta.yaml", config(job(targets=["a:1"]), job("db", ["c:1"])))
        allocator = self.allocator().wait_ready()
        self.write("ta.yaml", config(job(targets=["a:1"])))
        self.assertEqual(allocator.get("/-/reload", method="POST").status, 200)
        eventually(lambda: "db" not in allocator.json("/scrape_configs"))
        self.assertEqual(allocator.json("/jobs/db/targets?collector_id=collector-0"), [])
        self.assertEqual(
            allocator.get("/jobs/nobody/targets?collector_id=collector-0").status, 404
        )

    def test_a_reload_says_only_what_is_new(self):
        first = config(job(targets=["a:1"]), max_lod_ratio=1.1, allocation_strategy="least-weighted")
        self.write("ta.yaml", first)
        allocator = self.allocator().wait_ready()
        self.assertEqual(allocator.log().count("max_lod_ratio"), 1)
        for turn in range(3):
            more = [job(f"new-{turn}-{i}", ["b:1"]) for i in range(20)]
            first["config"]["scrape_configs"] = [job(targets=["a:1"]), *more]
            self.write("ta.yaml", first)
            self.assertEqual(allocator.get("/-/reload", method="POST").status, 200)
            self.wait_served(allocator, ["b:1"], f"new-{turn}-19")
        log = allocator.log()
        self.assertEqual(log.count("max_lod_ratio"), 1)
        self.assertEqual(log.count("depends on history"), 1)
        self.assertNotIn("not synced", log)
        # What is new is said.
        self.write("ta.yaml", {**first, "colectors": []})
        allocator.get("/-/reload", method="POST")
        self.assertEqual(allocator.log().count("colectors"), 1)


class DiscoveryTest(ProcessTest):
    def files(self, pattern="targets/*.json"):
        return {"job_name": "web", "file_sd_configs": [{"files": [pattern]}]}

    def test_a_changed_target_file_is_served_at_once(self):
        self.write("targets/a.json", [{"targets": ["a:1"]}])
        self.write("ta.yaml", config(self.files()))
        allocator = self.allocator().wait_ready()
        self.wait_served(allocator, ["a:1"])
        self.write("targets/b.json", [{"targets": ["b:1", "c:1"]}])
        # Not by its refresh_interval, which is five minutes.
        self.wait_served(allocator, ["a:1", "b:1", "c:1"])
        (self.folder / "targets/a.json").unlink()
        self.wait_served(allocator, ["b:1", "c:1"])

    def test_a_broken_target_file_keeps_its_last_good_content(self):
        self.write("targets/a.json", [{"targets": ["a:1"]}])
        self.write("targets/b.json", [{"targets": ["b:1"]}])
        self.write("ta.yaml", config(self.files()))
        allocator = self.allocator().wait_ready()
        self.wait_served(allocator, ["a:1", "b:1"])
        self.write("targets/a.json", '[{"targets": ["x:1"')
        self.write("targets/b.json", [{"targets": ["b:2"]}])
        self.wait_served(allocator, ["a:1", "b:2"])
        problem = eventually(
            lambda: [d["problem"] for d in allocator.status()["discoverers"] if d.get("problem")]
        )
        self.assertIn("a.json", problem[0])

    def test_members_of_a_watched_file_follow_it(self):
        self.write("members.yaml", "[collector-0]\n")
        self.write("ta.yaml", {**config(job(targets=["a:1", "b:1", "c:1"])),
                               "collectors": {"file": "members.yaml"}})
        allocator = self.allocator().wait_ready()
        self.assertEqual(allocator.addresses("web", "collector-0"), ["a:1", "b:1", "c:1"])
        self.write("members.yaml", "[collector-0, collector-1]\n")
        eventually(lambda: allocator.addresses("web", "collector-1"))
        self.assertEqual(len(self.served(allocator)), 3)


class StartTest(ProcessTest):
    def test_targets_are_503_until_every_discoverer_has_answered(self):
        # A target file that is no file of targets leaves its discoverer unsynced.
        self.write("targets/a.json", '[{"targets": ["a:1"')
        self.write("ta.yaml", config(
            {"job_name": "web", "file_sd_configs": [{"files": ["targets/*.json"]}]},
            job("db", ["c:1"]), sync_timeout="60s"))
        allocator = self.allocator()
        eventually(lambda: allocator.get("/livez").status == 200, every=0.01)
        for _ in range(10):
            for path in ["/readyz", "/jobs", "/jobs/web/targets?collector_id=collector-0",
                         "/jobs/db/targets", "/jobs/db/targets?collector_id=collector-0"]:
                answer = allocator.get(path)
                self.assertEqual(answer.status, 503, path)
                self.assertNotIn(answer.body.strip(), [b"", b"{}", b"[]"])
            time.sleep(0.02)
        self.assertEqual(allocator.get("/scrape_configs").status, 200)
        self.write("targets/a.json", [{"targets": ["a:1"]}])
        allocator.wait_ready(5)
        self.assertEqual(self.served(allocator), ["a:1"])

    def test_after_the_sync_timeout_the_other_jobs_are_served(self):
        self.write("targets/a.json", "no list of targets")
        self.write("ta.yaml", config(
            {"job_name": "web", "file_sd_configs": [{"files": ["targets/*.json"]}]},
            job("db", ["c:1"]), sync_timeout="1s"))
        allocator = self.allocator().wait_ready(10)
        self.assertIn(b"web", allocator.get("/readyz").body)
        self.assertEqual(self.served(allocator, "db"), ["c:1"])

    def test_it_is_never_empty_by_ignorance_from_the_first_listen_on(self):
        names = [f"t{i}:1" for i in range(2000)]
        self.write("targets/a.json", [{"targets": names}])
        self.write("ta.yaml", config(
            {"job_name": "web", "file_sd_configs": [{"files": ["targets/*.json"]}]}))
        allocator = self.allocator()
        path = "/jobs/web/targets?collector_id=collector-0"
        statuses = set()
        end = time.monotonic() + 15
        while 200 not in statuses and time.monotonic() < end:
            try:
                answer = allocator.get(path)
            except OSError:
                continue
            statuses.add(answer.status)
            if answer.status == 200:
                self.assertGreater(len(json.loads(answer.body)), 900)
        self.assertLessEqual(statuses, {200, 503})
        self.assertIn(200, statuses)

    def test_pods_without_a_cluster_end_the_start_naming_collectors(self):
        self.write("ta.yaml", {"collector_selector": {},
                               "config": {"scrape_configs": [job(targets=["a:1"])]}})
        code, _, err = self.run_command(f"--config-file={self.folder}/ta.yaml",
                                        "--listen-addr=127.0.0.1:0",
                                        env={"HOME": str(self.folder)})
        self.assertEqual(code, 1)
        self.assertIn("collectors: ", err)

    def test_without_a_selector_nobody_is_a_collector_and_none_is_told_so(self):
        self.write("ta.yaml", {"config": {"scrape_configs": [job(targets=["a:1"])]}})
        allocator = self.allocator(env={"HOME": str(self.folder)}).wait_ready()
        self.assertIn("collector_selector", allocator.log())
        answer = allocator.get("/jobs/web/targets?collector_id=a")
        self.assertEqual(answer.status, 503)
        self.assertIn(b"no collectors", answer.body)

    def test_a_taken_port_ends_the_start_with_its_own_code(self):
        self.write("ta.yaml", config(job(targets=["a:1"])))
        first = self.allocator().wait_ready()
        code, _, err = self.run_command(f"--config-file={self.folder}/ta.yaml",
                                        f"--listen-addr=127.0.0.1:{first.port}")
        self.assertEqual(code, 3)
        self.assertIn(str(first.port), err)

    def test_prometheus_own_file_makes_whoever_polls_a_member(self):
        self.write("prometheus.yml", {"scrape_configs": [job(targets=["a:1"])],
                                      "rule_files": ["rules.yml"]})
        allocator = self.allocator("prometheus.yml")
        eventually(lambda: allocator.get("/scrape_configs").status == 200)
        # poll_timeout has not gone by, so nobody can know all the members yet.
        answer = allocator.get("/jobs/web/targets?collector_id=x",
                               headers={"X-Prometheus-Refresh-Interval-Seconds": "30"})
        self.assertEqual(answer.status, 503)
        allocator.wait_ready()
        self.assertIn("rule_files", allocator.log())

    def test_unknown_keys_are_warned_of_or_with_strict_refused(self):
        self.write("ta.yaml", config(job(targets=["a:1"]), max_lod_ratio=1.1))
        allocator = self.allocator().wait_ready()
        self.assertIn("max_lod_ratio", allocator.log())
        self.assertIn("level=warn", allocator.log())
        code, _, err = self.run_command("--strict", f"--config-file={self.folder}/ta.yaml",
                                        "--listen-addr=127.0.0.1:0")
        self.assertEqual(code, 1)
        self.assertIn("max_load_ratio", err)


class EndTest(ProcessTest):
    def test_sigterm_and_sigint_end_it_soon(self):
        self.write("ta.yaml", config(job(targets=["a:1"])))
        for ending in [signal.SIGTERM, signal.SIGINT]:
            allocator = self.allocator(name=f"ended-by-{ending.name}").wait_ready()
            # An idle connection that the client keeps must not hold it up.
            idle = harness.http.client.HTTPConnection("127.0.0.1", allocator.port)
            idle.request("GET", "/livez")
            idle.getresponse().read()
            allocator.send(ending)
            self.assertEqual(allocator.wait(10), 0)
            idle.close()

    def test_the_last_answer_before_the_end_is_no_empty_list(self):
        self.write("ta.yaml", config(job(targets=[f"t{i}:1" for i in range(50)])))
        allocator = self.allocator().wait_ready()
        allocator.send(signal.SIGTERM)
        while allocator.alive():
            try:
                answer = allocator.get("/jobs/web/targets?collector_id=collector-0", timeout=2)
            except (OSError, harness.http.client.HTTPException):
                continue
            if answer.status == 200:
                self.assertGreater(len(json.loads(answer.body)), 0)
            else:
                self.assertEqual(answer.status, 503)


class SecretsTest(ProcessTest):
    def test_no_secret_is_in_logs_or_answers(self):
        with_secrets = job(
            targets=["a:1"],
            basic_auth={"username": "u", "password": SECRET},
        )
        proxied = job("proxied", ["b:1"], proxy_url=f"http://user:{SECRET}@proxy:3128",
                      authorization={"credentials": SECRET + "!"})
        self.write("ta.yaml", config(with_secrets, proxied))
        allocator = self.allocator("ta.yaml", "--log-level=debug").wait_ready()
        for path in ["/scrape_configs", "/jobs", "/api/v1/status", "/metrics",
                     "/api/v1/targets", "/readyz", "/"]:
            self.assertNotIn(SECRET.encode(), allocator.get(path).body, path)
        # Nor in the mistakes of a file that is wrong exactly there.
        self.write("ta.yaml", config({**with_secrets, "basic_auth": {
            "username": "u", "password": SECRET, "password_file": SECRET + "-file"}}))
        answer = allocator.get("/-/reload", method="POST")
        self.assertEqual(answer.status, 500)
        self.assertNotIn(SECRET, allocator.log())

    def test_the_password_of_a_discovery_url_is_in_no_log(self):
        # To Prometheus the url is no secret, and /scrape_configs serves it as it
        # is written; nothing else shows it.
        url = f"http://u:{SECRET}@127.0.0.1:1/?key={SECRET}"
        sd = {"job_name": "sd", "http_sd_configs": [{"url": url}]}
        self.write("ta.yaml", config(job(targets=["a:1"]), sd, sync_timeout="1s"))
        allocator = self.allocator("ta.yaml", "--log-level=debug").wait_ready()
        self.assertIn(SECRET.encode(), allocator.get("/scrape_configs").body)
        for path in ["/api/v1/status", "/metrics", "/api/v1/targets", "/readyz"]:
            self.assertNotIn(SECRET.encode(), allocator.get(path).body, path)
        for url in [f"gopher://u:{SECRET}@h/", f"http://u:{SECRET}@h:port/", [SECRET]]:
            sd["http_sd_configs"] = [{"url": url}]
            self.write("ta.yaml", config(job(targets=["a:1"]), sd))
            answer = allocator.get("/-/reload", method="POST")
            self.assertEqual(answer.status, 500)
            self.assertNotIn(SECRET.encode(), answer.body)
            code, out, err = self.run_command("check", self.folder / "ta.yaml")
            self.assertEqual(code, 1)
            self.assertNotIn(SECRET, out + err)
        self.assertNotIn(SECRET, allocator.log())

    def test_secrets_are_served_only_when_asked_for(self):
        self.write("ta.yaml", config(job(targets=["a:1"],
                                         basic_auth={"username": "u", "password": SECRET})))
        allocator = self.allocator("ta.yaml", "--allow-insecure-auth-secrets").wait_ready()
        self.assertIn(SECRET.encode(), allocator.get("/scrape_configs").body)
        self.assertNotIn(SECRET, allocator.log())


class CommandTest(ProcessTest):
    def test_check_says_all_mistakes_at_once_with_their_places(self):
        path = self.write("bad.yaml", """collectors:
  static: [a]
max_load_ratio: 0.5
config:
  scrape_configs:
    - job_name: web
      honor_labels: perhaps
      metrics_pth: /m
""")
        code, out, err = self.run_command("check", path)
        self.assertEqual(code, 1)
        for line in ["bad.yaml:3:17: ", "bad.yaml:7:21: ", "bad.yaml:8:7: "]:
            self.assertIn(line, out + err)
        self.assertIn("metrics_path", out + err)

    def test_check_of_good_files(self):
        path = self.write("ok.yaml", config(job(targets=["a:1"])))
        code, out, _ = self.run_command("check", path, path)
        self.assertEqual(code, 0)
        self.assertEqual(out.count("ok"), 4)

    def test_check_in_json(self):
        good = self.write("good.yaml", config(job(targets=["a:1"])))
        bad = self.write("bad.yaml", "collectors: 7\n")
        code, out, _ = self.run_command("check", "--format=json", good, bad)
        self.assertEqual(code, 1)
        first, second = json.loads(out)
        self.assertEqual((first["valid"], first["jobs"]), (True, 1))
        self.assertFalse(second["valid"])
        self.assertEqual(second["mistakes"][0]["line"], 1)

    def test_an_answer_that_cannot_be_written_is_a_failure(self):
        good = self.write("good.yaml", config(job(targets=["a:1"])))
        with open("/dev/full", "wb") as full:
            ended = subprocess.run(
                [harness.BINARY, "check", good], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(ended.returncode, 3)
        self.assertIn(b"standard output", ended.stderr)

    def test_check_of_a_file_that_is_not_there(self):
        code, out, err = self.run_command("check", self.folder / "nowhere.yaml")
        self.assertEqual(code, 1)
        self.assertIn("nowhere.yaml", out + err)

    def test_the_quick_start_is_valid(self):
        root = harness.pathlib.Path(__file__).parents[2]
        for path in sorted(root.glob("examples/*/target-allocator.yaml")):
            code, out, err = self.run_command("check", path)
            self.assertEqual(code, 0, out + err)

    def test_explain_offline(self):
        path = self.write("ta.yaml", config(job(
            targets=["a:1"],
            relabel_configs=[
                {"target_label": "team", "replacement": "shop"},
                {"source_labels": ["env"], "regex": "staging", "action": "drop"},
            ],
        )))
        arguments = ["explain", f"--config-file={path}", "--job=web"]
        code, out, _ = self.run_command(*arguments, "--address=a:1")
        self.assertEqual(code, 0)
        self.assertIn("shop", out)
        code, out, _ = self.run_command(
            *arguments, '--labels={"__address__":"a:1","env":"staging"}')
        self.assertEqual(code, 0)
        self.assertIn("dropped", out)
        code, _, err = self.run_command(*arguments[:2], "--job=nobody", "--address=a:1")
        self.assertEqual(code, 1)
        self.assertIn("nobody", err)
        code, _, err = self.run_command(*arguments, "--labels={")
        self.assertEqual(code, 2)

    def test_explain_asks_a_server(self):
        self.write("ta.yaml", config(job(targets=["a:1"])))
        allocator = self.allocator().wait_ready()
        server = f"--server=http://127.0.0.1:{allocator.port}"
        code, out, err = self.run_command("explain", server, "--job=web", "--address=a:1")
        self.assertEqual(code, 0, err)
        self.assertIn("collector-", out)
        code, _, _ = self.run_command("explain", server, "--job=web", "--address=b:1")
        self.assertEqual(code, 1)
        closed = f"--server=http://127.0.0.1:{harness.free_port()}"
        code, _, err = self.run_command("explain", closed, "--job=web", "--address=a:1")
        self.assertEqual(code, 3)
        self.assertIn("cannot connect", err)

    def test_version_and_help(self):
        code, out, _ = self.run_command("version")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"^target-allocator \d+\.\d+\.\d+")
        self.assertEqual(self.run_command("--version"), (0, out, ""))
        code, out, _ = self.run_command("--help")
        self.assertEqual(code, 0)
        self.assertIn("Exit codes", out)
        self.assertEqual(self.run_command("--nonsense")[0], 2)
        code, _, err = self.run_command("--listen-addr=nowhere")
        self.assertEqual(code, 2)
        self.assertIn("--listen-addr", err)

    def test_logs_in_json_are_one_object_a_line(self):
        self.write("ta.yaml", config(job(targets=["a:1"])))
        allocator = self.allocator("ta.yaml", "--log-format=json").wait_ready()
        allocator.stop()
        lines = [json.loads(line) for line in allocator.log().splitlines()]
        self.assertGreater(len(lines), 0)
        for line in lines:
            self.assertLessEqual({"ts", "level", "msg"}, set(line))


if __name__ == "__main__":
    harness.main()
