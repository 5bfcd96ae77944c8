"""The real binary with http_sd_configs, and a server that answers as the test
says: before it is up, while it changes its mind, and when it goes down."""

import gzip
import http.server
import json
import socket
import threading

import harness
from harness import eventually, free_port

SECRET = "hunter2-is-no-word-for-a-log"


class SdServer:
    """Answers GETs with a list of targets, or as it is told; counts them."""

    def __init__(self, port=None):
        self.port = port or free_port()
        self.status = 200
        self.body = b"[]"
        self.content_type = "application/json"
        self.encoding = None
        self.location = None
        self.requests = []
        self._server = None

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.requests.append(dict(self.headers))
                self.send_response(outer.status)
                self.send_header("Content-Type", outer.content_type)
                self.send_header("Content-Length", str(len(outer.body)))
                if outer.encoding:
                    self.send_header("Content-Encoding", outer.encoding)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def __init__(self, *arguments):
                self.open = []
                super().__init__(*arguments)

            def process_request(self, request, address):
                self.open.append(request)
                super().process_request(request, address)

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def targets(self, *addresses):
        self.status = 200
        self.body = json.dumps([{"targets": [a], "labels": {"from": "sd"}} for a in addresses]).encode()

    def stop(self):
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        for connection in self._server.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._server = None


class HttpSdTest(harness.PeerTest):
    def setUp(self):
        super().setUp()
        self.sd = SdServer()
        self.addCleanup(self.sd.stop)

    def config(self, sync_timeout="1m", **more):
        sd = {
            "url": f"http://127.0.0.1:{self.sd.port}/sd",
            "refresh_interval": "1s",
            **more,
        }
        self.write("ta.yaml", {
            "collectors": {"static": ["a"]},
            "hand_over": {"policy": "none"},
            "sync_timeout": sync_timeout,
            "config": {"scrape_configs": [
                {"job_name": "web", "http_sd_configs": [sd]},
                {"job_name": "other", "static_configs": [{"targets": ["s:1"]}]},
            ]},
        })

    def wait_served(self, allocator, *addresses):
        eventually(lambda: allocator.addresses("web", "a") == sorted(addresses),
                   within=10, every=0.02, what=f"{addresses} served")

    def problem(self, allocator):
        return json.dumps(allocator.status()["discoverers"])

    def test_targets_follow_the_server_and_stay_while_it_is_down(self):
        self.sd.targets("a:1", "b:1")
        self.sd.start()
        self.config()
        allocator = self.allocator().wait_ready()
        self.wait_served(allocator, "a:1", "b:1")
        self.assertNotIn("not implemented", allocator.log())
        headers = self.sd.requests[0]
        self.assertEqual(headers["Accept"], "application/json")
        self.assertEqual(headers["X-Prometheus-Refresh-Interval-Seconds"], "1")
        group = allocator.json("/jobs/web/targets?collector_id=a")[0]
        self.assertEqual(group["labels"]["__meta_url"], f"http://127.0.0.1:{self.sd.port}/sd")
        self.assertEqual(group["labels"]["from"], "sd")
        self.sd.targets("a:1", "c:1")
        self.wait_served(allocator, "a:1", "c:1")
        self.sd.stop()
        eventually(lambda: "connection refused" in self.problem(allocator),
                   what="the problem shows")
        self.assertEqual(allocator.addresses("web", "a"), ["a:1", "c:1"])
        self.assertGreater(allocator.metric("prometheus_sd_http_failures_total"), 0)
        self.assertGreater(allocator.metric(
            'prometheus_sd_refresh_failures_total{config="web",mechanism="http"}'), 0)
        self.assertEqual(allocator.get("/readyz").status, 200)
        self.sd.targets("d:1")
        self.sd.start()
        self.wait_served(allocator, "d:1")
        eventually(lambda: "refused" not in self.problem(allocator), what="it is good again")

    def test_a_job_waits_for_its_first_answer_and_no_other_job_does(self):
        self.config(sync_timeout="1s")
        allocator = self.allocator()
        eventually(lambda: allocator.get("/livez").status == 200, what="it listens")
        self.assertEqual(allocator.get("/jobs/web/targets?collector_id=a").status, 503)
        allocator.wait_ready()
        self.assertEqual(allocator.addresses("other", "a"), ["s:1"])
        answer = allocator.get("/jobs/web/targets?collector_id=a")
        self.assertEqual(answer.status, 503, answer.body)
        self.assertIn(b"web", allocator.get("/readyz").body)
        self.sd.targets("a:1")
        self.sd.start()
        eventually(lambda: allocator.get("/jobs/web/targets?collector_id=a").status == 200,
                   within=10, what="the job is served")
        self.wait_served(allocator, "a:1")

    def test_bad_answers_change_nothing(self):
        self.sd.targets("a:1")
        self.sd.start()
        self.config()
        allocator = self.allocator().wait_ready()
        self.wait_served(allocator, "a:1")
        for status, kind, body, location, says in [
            (500, "application/json", b"[]", None, "HTTP 500"),
            (200, "text/html", b"[]", None, "text/html"),
            (200, "application/json", b'[{"targets": ["b:1"]}', None, "the text ends"),
            (200, "application/json", b"[null]", None, "nil target group"),
            (302, "application/json", b"", "/sd", "stopped after 10 redirects"),
        ]:
            self.sd.status, self.sd.content_type = status, kind
            self.sd.body, self.sd.location = body, location
            eventually(lambda: says in self.problem(allocator), what=says)
            self.assertEqual(allocator.addresses("web", "a"), ["a:1"])
        self.sd.content_type, self.sd.location = "application/json", None
        self.sd.encoding = "gzip"
        self.sd.targets("ä:1")
        self.sd.body = gzip.compress(self.sd.body)
        self.wait_served(allocator, "ä:1")

    def test_credentials_are_sent_and_shown_nowhere(self):
        self.sd.targets("a:1")
        self.sd.start()
        password = self.write("password", SECRET + "\n")
        self.config(basic_auth={"username": "u", "password_file": "password"},
                    http_headers={"X-Key": {"secrets": [SECRET]}})
        allocator = self.allocator("ta.yaml", "--log-level=debug").wait_ready()
        self.wait_served(allocator, "a:1")
        self.assertEqual(self.sd.requests[0]["X-Key"], SECRET)
        self.assertTrue(self.sd.requests[0]["Authorization"].startswith("Basic "))
        first = self.sd.requests[0]["Authorization"]
        password.write_text("another")
        eventually(lambda: self.sd.requests[-1]["Authorization"] != first,
                   what="the new password is used")
        password.unlink()
        eventually(lambda: "password" in self.problem(allocator), what="the missing file shows")
        self.assertEqual(allocator.addresses("web", "a"), ["a:1"])
        for path in ["/scrape_configs", "/jobs", "/api/v1/status", "/metrics",
                     "/api/v1/targets", "/readyz", "/jobs/web/targets?collector_id=a"]:
            self.assertNotIn(SECRET.encode(), allocator.get(path).body, path)
        self.assertNotIn(SECRET, allocator.log())

    def test_it_stops_soon_while_a_server_is_silent(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", self.sd.port))
            silent.listen()
            self.config()
            allocator = self.allocator()
            connection, _ = silent.accept()
            with connection:
                eventually(lambda: allocator.get("/livez").status == 200, what="it listens")
                allocator.send(harness.signal.SIGTERM)
                self.assertEqual(allocator.wait(timeout=5), 0)


if __name__ == "__main__":
    harness.main()
