"""Pushing our metrics: the real binary, an OpenTelemetry Collector, and an OTLP
receiver of ours, as only such a one can be slow or unwilling at will. What that
receives is read by OpenTelemetry's own libraries (otel/decode)."""

import collections
import gzip
import http.server
import json
import os
import ssl
import subprocess
import threading
import time

import harness
import receiver as otel
from harness import eventually
from tls_test import Authority

DECODE = otel.PROGRAM.parent / "otlp_decode"
TOKEN = "s3cret token"

# When it came (time.monotonic()), its body as it was sent, and the status that it
# was answered.
Push = collections.namedtuple("Push", "time path headers body status")


class Receiver:
    """Takes pushes, or does what `answer` says: a status with headers, or None
    for never. With `tls` (an ssl.SSLContext) it speaks HTTPS."""

    def __init__(self, port=None, tls=None):
        self.answer = (200, {})
        self._lock = threading.Lock()  # guards _pushes
        self._pushes = []
        self._ended = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = receiver.answer
                status, headers = answer or (None, {})
                push = Push(
                    time.monotonic(), self.path, dict(self.headers), body, status)
                with receiver._lock:
                    receiver._pushes.append(push)
                if answer is None:
                    receiver._ended.wait()
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", port or harness.free_port()), Handler
        )
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def pushes(self):
        with self._lock:
            return list(self._pushes)

    def wait_for(self, count):
        """All pushes, once there are `count`."""
        return eventually(
            lambda: len(found := self.pushes()) >= count and found,
            within=40, what=f"{count} pushes",
        )

    def wait_for_more(self, count=2):
        """The same, of `count` more than now: the second began after now."""
        return self.wait_for(len(self.pushes()) + count)

    def stop(self):
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()


def decode(push):
    """The data points of a push, as OpenTelemetry's libraries read it."""
    body = push.body
    if push.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    done = subprocess.run([DECODE], input=body, capture_output=True, timeout=30)
    if done.returncode != 0:
        raise AssertionError(f"{done.stderr.decode()}\n{body.decode()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def series_of(point):
    """The lines that a point would be on /metrics: (name, labels) to value."""
    labels = dict(point["labels"])
    name = point["metric"]
    if point["scope"] == "targetallocator":
        labels |= {
            "otel_scope_name": "targetallocator",
            "otel_scope_schema_url": "",
            "otel_scope_version": "",
        }
        if point["type"] == "Sum":
            name += "_total"

    def series(suffix, value, **more):
        return (name + suffix, frozenset((labels | more).items())), float(value)

    if point["type"] in ("Gauge", "Sum"):
        return dict([series("", point["value"])])
    found = [series("_sum", point["value"]), series("_count", point["count"])]
    for quantile, value in point.get("quantiles", {}).items():
        found.append(series("", value, quantile=quantile))
    below = 0
    for bound, count in zip([*point.get("bounds", []), "+Inf"], point.get("buckets", [])):
        below += count
        found.append(series("_bucket", below, le=str(bound)))
    return dict(found)


def metrics_page(allocator):
    """/metrics as (name, labels) to value."""
    found = {}
    for line in allocator.get("/metrics").body.decode().splitlines():
        if line.startswith("#"):
            continue
        name, value = line.rsplit(" ", 1)
        name, _, rest = name.partition("{")
        labels = {}
        while rest not in ("", "}"):
            label, _, rest = rest.lstrip(",").partition('="')
            text, _, rest = rest.partition('"')
            if label in ("le", "quantile") and text != "+Inf":
                # As JSON writes the number.
                text = json.dumps(float(text)).removesuffix(".0")
            labels[label] = text
        found[name, frozenset(labels.items())] = float(value)
    return found


class TelemetryTest(harness.PeerTest):
    def receiver(self, **more):
        receiver = Receiver(**more)
        self.addCleanup(receiver.stop)
        return receiver

    def start(self, *readers, **environment):
        """An allocator with a job of three targets, and these `readers`."""
        self.write("ta.yaml", {
            "collectors": {"static": ["a", "b"]},
            "telemetry": {"metrics": {"readers": [{"periodic": r} for r in readers]}},
            "config": {"scrape_configs": [{
                "job_name": "nodes",
                "static_configs": [{"targets": ["a:1", "b:1", "c:1"]}],
            }]},
        })
        allocator = self.allocator(env={**os.environ, **environment})
        return allocator.wait_ready()

    def reader(self, receiver, interval=500, timeout=5000, scheme="http", **exporter):
        return {
            "interval": interval,
            "timeout": timeout,
            "exporter": {"otlp_http": {
                "endpoint": f"{scheme}://127.0.0.1:{receiver.port}", **exporter,
            }},
        }

    def test_what_is_pushed_is_what_metrics_shows(self):
        receiver = self.receiver()
        allocator = self.start(
            self.reader(receiver),
            OTEL_SERVICE_NAME="mine", OTEL_RESOURCE_ATTRIBUTES="k8s.pod.name=p%2C1",
        )
        metrics_page(allocator)  # its own series are there from now on
        before = metrics_page(allocator)
        pushed = receiver.wait_for_more()[-1]
        points = decode(pushed)
        after = metrics_page(allocator)

        self.assertEqual(pushed.path, "/v1/metrics")
        self.assertEqual(pushed.headers["Content-Type"], "application/json")
        resource = points[0]["resource"]
        self.assertEqual(resource["service.name"], "mine")
        self.assertEqual(resource["k8s.pod.name"], "p,1")
        self.assertIn("service.instance.id", resource)

        values = {}
        for point in points:
            values |= series_of(point)
            self.assertNotEqual(point.get("temporality"), "Delta")
            self.assertEqual(point.get("monotonic", False), point["type"] == "Sum")
            self.assertGreater(point["time"], 1.7e18)
            if point["type"] != "Gauge":
                self.assertLess(0, point["start"])
                self.assertLessEqual(point["start"], point["time"])
        gone = [key for key in before if key[0] == "target_info"]
        self.assertEqual(len(gone), 1)
        self.assertEqual(set(values), set(before) - set(gone))
        # What comes and goes by itself; all others only ever grow, or stay.
        restless = ("process_resident_memory_bytes", "process_virtual_memory_bytes",
                    "process_open_fds", "target_allocator_http_connections")
        for key, value in values.items():
            if key[0] in restless or value != value:
                continue
            # The page has 16 digits.
            self.assertLessEqual(before[key], value + abs(value) * 1e-15, key)
            self.assertLessEqual(value - abs(value) * 1e-15, after[key], key)
        targets = [p for p in points if p["metric"] == "opentelemetry_allocator_targets"]
        self.assertEqual([(p["value"], p["labels"]) for p in targets],
                         [(3, {"job_name": "nodes"})])

    def test_an_opentelemetry_collector_takes_it(self):
        port = harness.free_port()
        collector = self.own(otel.Pipeline(
            self.folder, "collector", "otlp",
            {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}},
        ))
        at_port = collections.namedtuple("Port", "port")(port)
        allocator = self.start(
            self.reader(at_port, compression="gzip"), OTEL_SERVICE_NAME="mine")
        found = eventually(
            lambda: collector.points("opentelemetry_allocator_targets_per_collector"),
            within=40, what="points of the Collector")
        page = metrics_page(allocator)
        for point in found:
            self.assertEqual(point.job, "mine")
            (value,) = [
                value for (name, labels), value in page.items()
                if name == "opentelemetry_allocator_targets_per_collector"
                and set(point.labels.items()) <= labels
            ]
            self.assertEqual(point.value, value)
        self.assertTrue(collector.points("target_allocator_telemetry_pushes_total"))
        eventually(lambda: allocator.metric("target_allocator_telemetry_problem") == 0)

    def test_deltas_add_up_over_a_failure(self):
        receiver = self.receiver()
        allocator = self.start(
            self.reader(receiver, temporality_preference="delta"))

        def asked():
            """How often /jobs was asked, by the pushes that were taken."""
            total = 0
            for push in receiver.wait_for_more():
                for point in decode(push) if push.status == 200 else []:
                    if (point["metric"] == "opentelemetry_allocator_http_duration_seconds"
                            and point["labels"]["path"] == "/jobs"):
                        self.assertEqual(point["temporality"], "Delta")
                        total += point["count"]
            return total

        for _ in range(5):
            allocator.json("/jobs")
        self.assertEqual(asked(), 5)
        receiver.answer = (503, {})
        receiver.wait_for_more()
        for _ in range(7):
            allocator.json("/jobs")
        self.assertEqual(asked(), 5)
        receiver.answer = (200, {})
        self.assertEqual(asked(), 12)
        self.assertGreaterEqual(
            allocator.metric("target_allocator_telemetry_push_failures_total"), 2)

    def test_tls_headers_and_gzip(self):
        ca = Authority(self.folder, "ca")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*ca.issue("receiver", "IP:127.0.0.1"))
        context.load_verify_locations(ca.pem)
        context.verify_mode = ssl.CERT_REQUIRED
        receiver = self.receiver(tls=context)
        certificate, key = ca.issue("allocator", "DNS:allocator")
        allocator = self.start(
            self.reader(
                receiver, scheme="https", compression="gzip",
                headers=[{"name": "Authorization", "value": "Api-Token ${env:TA_TOKEN}"}],
                tls={"ca_file": "ca.crt", "cert_file": certificate.name,
                     "key_file": key.name},
            ),
            TA_TOKEN=TOKEN,
        )
        push = receiver.wait_for(1)[0]
        self.assertEqual(push.headers["Authorization"], f"Api-Token {TOKEN}")
        self.assertEqual(push.headers["Content-Encoding"], "gzip")
        self.assertTrue(decode(push))
        self.assertNotIn(TOKEN, allocator.log())
        for path in ["/metrics", "/scrape_configs", "/api/v1/status"]:
            self.assertNotIn(TOKEN, allocator.get(path).body.decode())

    def test_an_unknown_authority_is_not_trusted(self):
        ca = Authority(self.folder, "ca")
        other = Authority(self.folder, "other")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*other.issue("receiver", "IP:127.0.0.1"))
        receiver = self.receiver(tls=context)
        allocator = self.start(
            self.reader(receiver, scheme="https", tls={"ca_file": ca.pem.name}))
        eventually(lambda: "metrics are not taken" in allocator.log())
        self.assertIn("certificate of 127.0.0.1", allocator.log())
        self.assertEqual(receiver.pushes(), [])

    def test_a_receiver_that_is_down_and_comes(self):
        port = harness.free_port()
        down = collections.namedtuple("Down", "port")(port)
        allocator = self.start(self.reader(down, interval=200))
        eventually(
            lambda: allocator.metric("target_allocator_telemetry_push_failures_total") >= 3)
        self.assertEqual(allocator.metric("target_allocator_telemetry_problem"), 1)
        receiver = self.receiver(port=port)
        self.assertTrue(decode(receiver.wait_for(2)[1]))
        eventually(lambda: allocator.metric("target_allocator_telemetry_problem") == 0)
        self.assertEqual(allocator.log().count("metrics are not taken"), 1)
        self.assertEqual(allocator.log().count("metrics are taken again"), 1)

    def test_retry_after_is_kept(self):
        receiver = self.receiver()
        receiver.answer = (503, {"Retry-After": "3"})
        self.start(self.reader(receiver, interval=100))
        first, second = receiver.wait_for(2)[:2]
        self.assertGreaterEqual(second.time - first.time, 2.9)

    def test_a_silent_receiver_holds_up_nobody(self):
        silent, good = self.receiver(), self.receiver()
        silent.answer = None
        allocator = self.start(
            self.reader(silent, timeout=2000), self.reader(good, timeout=2000))
        silent.wait_for(1)
        good.wait_for_more()
        self.assertEqual(len(allocator.addresses("nodes", "a")
                             + allocator.addresses("nodes", "b")), 3)
        eventually(lambda: "timed out" in allocator.log())
        # Two seconds of the last push, and time for a slow machine.
        self.assertEqual(allocator.stop(timeout=30), 0)

    def test_the_last_push_is_at_the_end(self):
        receiver = self.receiver()
        allocator = self.start(
            self.reader(receiver, interval=3_600_000),
            {"exporter": {"otlp_grpc": {"endpoint": "127.0.0.1:1"}}},
        )
        self.assertEqual(allocator.log().count("gRPC is not implemented"), 1)
        allocator.json("/jobs")
        self.assertEqual(receiver.pushes(), [])
        self.assertEqual(allocator.stop(), 0)
        (push,) = receiver.pushes()
        self.assertIn("opentelemetry_allocator_targets",
                      {point["metric"] for point in decode(push)})

    def test_a_change_is_said_to_need_a_restart(self):
        receiver = self.receiver()
        allocator = self.start(self.reader(receiver))
        config = json.loads((self.folder / "ta.yaml").read_text())
        config["telemetry"]["metrics"]["readers"] = []
        self.write("ta.yaml", config)
        eventually(lambda: "telemetry takes effect at the next start" in allocator.log())
        receiver.wait_for_more()


if __name__ == "__main__":
    harness.main()
