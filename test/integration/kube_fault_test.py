"""What happens to the API server, and to what we may do there, with a real one:
what is served stays as it was, and follows again afterwards."""

import base64
import http.client
import json
import signal
import time

import cluster
import harness
from harness import eventually

import api_proxy
import control_plane
import objects
import scrapers

COLLECTORS = ["collector-0", "collector-1", "collector-2"]
RESOURCES = ["pods", "services", "endpoints", "endpointslices"]


def addresses(pods):
    return sorted(f"{ip}:8080" for ip in pods.values())


class KubeFaultTest(cluster.ClusterTest):
    """With a proxy to the API server for each test."""

    def setUp(self):
        super().setUp()
        self.proxy = self.own_quietly(api_proxy.ApiProxy(self.plane))

    def own_quietly(self, thing):
        self.addCleanup(thing.stop)
        return thing

    def deploy(self, app, replicas, namespace=None):
        """What is to be scraped of its pods."""
        return addresses(super().deploy(app, replicas, namespace))

    def scale(self, app, replicas):
        return addresses(super().scale(app, replicas))

    # --- The allocator -----------------------------------------------------------

    def write_config(self, kubeconfig, namespaces=None, **settings):
        discovery = {
            "kubeconfig_file": str(kubeconfig),
            "namespaces": {"names": namespaces or [self.namespace]},
        }
        self.write("ta.yaml", {
            "collectors": {"static": COLLECTORS},
            **settings,
            # Hand-overs end 11 s after the new owner's first answer.
            "config": {"global": {"scrape_interval": "1s"}, "scrape_configs": [
                {"job_name": role,
                 "kubernetes_sd_configs": [{"role": role, **discovery}]}
                for role in ("pod", "endpointslice")]},
        })

    def admin(self):
        return self.proxy.kubeconfig(
            self.folder / "kubeconfig", token=control_plane.ADMIN
        )

    def start(self, expected, **more):
        """The allocator, and collectors that poll it, once both jobs have
        `expected`."""
        allocator = self.allocator(**more).wait_ready()
        polling = scrapers.Scrapers(
            allocator.port, COLLECTORS, ["pod", "endpointslice"]
        )
        self.own_quietly(polling)
        self.at_rest(allocator, expected)
        self.polling = polling
        return allocator

    def shares(self, allocator, job):
        return {name: allocator.addresses(job, name) for name in COLLECTORS}

    def at_rest(self, allocator, expected, within=60):
        """Both jobs have exactly these targets, each at one collector, none with
        more than its bound; hand-overs are over."""
        most = -(-2 * len(expected) * 105 // (100 * len(COLLECTORS)))

        def rests():
            before = cluster.still(allocator)
            owned = dict.fromkeys(COLLECTORS, 0)
            for job in ("pod", "endpointslice"):
                shares = self.shares(allocator, job)
                got = sorted(a for share in shares.values() for a in share)
                assert got == sorted(expected), f"{job}: {got} for {sorted(expected)}"
                for name, share in shares.items():
                    owned[name] += len(share)
            assert max(owned.values()) <= most, f"{owned} above {most}"
            # Else what was asked for first may have changed meanwhile.
            assert cluster.still(allocator) == before, "it moves"
            return True

        eventually(rests, within, what="all of it at rest")

    def like_a_fresh_one(self, allocator):
        """What happened before doesn't matter: one that starts now says the
        same."""
        fresh = self.own(
            harness.Allocator(self.folder, self.folder / "ta.yaml", name="fresh")
        ).wait_ready()
        for job in ("pod", "endpointslice"):
            eventually(
                lambda job=job: self.shares(allocator, job) == self.shares(fresh, job),
                60,
                what=f"the shares of a fresh one, {self.shares(fresh, job)}",
            )
        fresh.stop()

    def nothing_was_lost(self, expected):
        """At no moment did one of `expected` have no scraper."""
        for job in ("pod", "endpointslice"):
            self.assertEqual(self.polling.lost(job, expected), {}, job)

    def problems(self, allocator):
        return [
            one.get("problem", "")
            for one in allocator.status()["discoverers"]
            if one.get("problem")
        ]

    def has_problem(self, allocator, *words):
        return eventually(
            lambda: [
                p for p in self.problems(allocator) if all(word in p for word in words)
            ],
            what=f"a problem with {words}, not {self.problems(allocator)}",
        )


class ApiServerTest(KubeFaultTest):
    def test_killed_and_started_again_changes_nothing_that_is_served(self):
        pods = self.deploy("web", 12)
        self.write_config(self.admin())
        allocator = self.start(pods)
        before = self.shares(allocator, "pod")

        self.plane.stop_part("kube-apiserver", signal.SIGKILL)
        self.has_problem(allocator, "pods")
        time.sleep(2)  # of polls while it is away
        self.assertEqual(self.shares(allocator, "pod"), before)
        self.assertEqual(allocator.get("/readyz").status, 200)

        self.plane.start_part("kube-apiserver")
        self.plane.wait_ready()
        eventually(lambda: not self.problems(allocator), 60, what="no problem")
        self.assertEqual(self.shares(allocator, "pod"), before)
        self.nothing_was_lost(pods)
        after = self.scale("web", 15)
        self.at_rest(allocator, after)
        self.like_a_fresh_one(allocator)

    def test_one_that_never_comes_up_is_503_throughout(self):
        self.proxy.refuse()
        kubeconfig = self.admin()
        self.write_config(kubeconfig, sync_timeout="1s")
        allocator = self.allocator()
        # And one whose collectors are pods, too, with targets that need no server.
        self.write("pods.yaml", {
            "kube_config_file_path": str(kubeconfig),
            "collector_selector": {"matchLabels": {"app": "collector"}},
            "sync_timeout": "1s",
            "config": {"scrape_configs": [
                {"job_name": "pod", "static_configs": [{"targets": ["a:1"]}]}]},
        })
        of_pods = self.allocator("pods.yaml", name="of-pods")
        asked = [(allocator, "pod"), (allocator, "endpointslice"), (of_pods, "pod")]
        for one in (allocator, of_pods):
            eventually(lambda one=one: one.get("/livez").status == 200, what="it listens")
        seen = set()
        end = time.monotonic() + 4
        while time.monotonic() < end:
            for one, job in asked:
                answer = one.get(f"/jobs/{job}/targets?collector_id=collector-0")
                seen.add(answer.status)
                self.assertIn("error", json.loads(answer.body))
            time.sleep(0.05)
        self.assertEqual(seen, {503})
        self.has_problem(allocator, "pods")
        self.assertIn("pods", of_pods.status()["collectors"]["problem"])
        self.assertEqual(of_pods.get("/readyz").status, 503)

        # And when it does, everything is there.
        pods = self.deploy("late", 3)
        self.proxy.allow()
        self.at_rest(allocator, pods)
        eventually(lambda: of_pods.get("/readyz").status == 200, what="no pod is known")

    def test_a_stream_cut_in_the_middle_of_an_object_loses_no_object(self):
        pods = self.deploy("web", 6)
        self.write_config(self.admin())
        allocator = self.start(pods)
        for turn in range(3):
            marker = f"the-marker-of-turn-{turn}"
            self.proxy.cut_at(marker.encode())
            name = sorted(self.pods("web"))[turn]
            self.change("pods", name, {"metadata": {"labels": {"turn": marker}}})
            eventually(self.proxy.has_cut, what="the stream cut")

            def shows(marker=marker):
                served = b"".join(
                    allocator.get(f"/jobs/pod/targets?collector_id={c}").body
                    for c in COLLECTORS
                )
                return marker.encode() in served

            eventually(shows, what="the change that was cut")
        self.at_rest(allocator, pods)
        self.nothing_was_lost(pods)

    def test_namespace_deleted_with_everything_in_it(self):
        other = f"{self.namespace}-other"
        self.create_namespace(other)
        pods = self.deploy("web", 4)
        others = self.deploy("other", 5, other)
        self.write_config(self.admin(), namespaces=[self.namespace, other])
        allocator = self.start(pods + others)
        self.api("DELETE", f"/api/v1/namespaces/{other}")
        self.at_rest(allocator, pods)
        self.nothing_was_lost(pods)
        self.like_a_fresh_one(allocator)


class RightsTest(KubeFaultTest):
    def answers_to(self, token, path):
        return self.plane.request("GET", path, token=token)[0]

    def test_rights_taken_away_and_given_back(self):
        # A Role of the namespace suffices, as the configuration is of it alone.
        pods = self.deploy("web", 5)
        self.grant(RESOURCES, objects.NOBODY)
        self.write_config(
            self.proxy.kubeconfig(
                self.folder / "kubeconfig", token=control_plane.NOBODY
            )
        )
        allocator = self.start(pods)

        self.delete("rolebindings", "look", cluster.RBAC)

        def is_refused():
            return self.answers_to(control_plane.NOBODY, self.path("pods")) == 403

        eventually(is_refused, 30, what="the rights gone")
        self.proxy.cut()  # an open watch would go on
        self.has_problem(allocator, "forbidden", "pods", self.namespace)
        more = self.scale("web", 7)
        time.sleep(2)
        self.assertEqual(
            sorted(a for s in self.shares(allocator, "pod").values() for a in s), pods
        )
        said = [line for line in allocator.log().splitlines() if "forbidden" in line]
        # Three watches, each of which tries to watch, and may come to list.
        self.assertLessEqual(len(said), 6, "\n".join(said))
        self.assertEqual(len(said), len(set(said)), "\n".join(said))
        for resource in ("pods", "services", "endpointslices"):
            self.assertTrue(
                any("grant verb" in line and f"resource {resource}" in line for line in said),
                allocator.log(),
            )

        self.bind("look", objects.NOBODY)
        self.at_rest(allocator, more)
        eventually(lambda: not self.problems(allocator), 60, what="no problem")
        self.nothing_was_lost(pods)

    def test_token_revoked_and_rotated(self):
        pods = self.deploy("web", 5)
        accounts = self.path("serviceaccounts")
        token_file = self.folder / "token"

        def new_account():
            self.create("serviceaccounts", {"metadata": {"name": "scraper"}})
            made = self.api(
                "POST",
                f"{accounts}/scraper/token",
                {"spec": {"expirationSeconds": 3600}},
            )
            return made["status"]["token"]

        token = new_account()
        token_file.write_text(token + "\n")
        self.grant(RESOURCES, objects.service_account("scraper", self.namespace))
        self.write_config(
            self.proxy.kubeconfig(self.folder / "kubeconfig", tokenFile=str(token_file))
        )
        allocator = self.start(pods)

        # A token is that of one account by its uid: without it, it is no more.
        self.delete("serviceaccounts", "scraper")

        def is_refused():
            return self.answers_to(token, "/api") == 401

        eventually(is_refused, 30, what="the token revoked")
        self.proxy.cut()
        self.has_problem(allocator, "401")
        more = self.scale("web", 6)
        time.sleep(1)
        self.assertEqual(
            sorted(a for s in self.shares(allocator, "pod").values() for a in s), pods
        )

        fresh = self.folder / "token.new"
        fresh.write_text(new_account() + "\n")
        fresh.replace(token_file)
        self.at_rest(allocator, more)
        self.nothing_was_lost(pods)
        self.assertNotIn(token, allocator.log())


class CompactionTest(KubeFaultTest):
    # So that a watch reads what etcd has, and not what the server remembers.
    apiserver_flags = ("--watch-cache=false",)

    def etcd(self, path, body):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.plane.ports["etcd"], timeout=10
        )
        connection.request("POST", path, json.dumps(body))
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        self.assertEqual(answer.status, 200, text)
        return json.loads(text)

    def test_a_watch_from_before_a_compaction_lists_again(self):
        pods = self.deploy("web", 8)
        self.write_config(self.admin())
        allocator = self.start(pods)

        self.proxy.refuse()
        more = self.scale("web", 11)
        key = base64.b64encode(b"/").decode()
        revision = self.etcd("/v3/kv/range", {"key": key})["header"]["revision"]
        self.etcd("/v3/kv/compaction", {"revision": revision, "physical": True})
        self.assertEqual(
            sorted(a for s in self.shares(allocator, "pod").values() for a in s), pods
        )
        self.proxy.allow()
        self.at_rest(allocator, more)
        self.assertIn("410", allocator.log())
        self.nothing_was_lost(pods)
        self.like_a_fresh_one(allocator)


if __name__ == "__main__":
    harness.main()
