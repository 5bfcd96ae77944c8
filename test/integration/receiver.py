"""The OpenTelemetry Collector as a peer for tests: its Prometheus receiver asks
the allocator what to scrape, or its OTLP receiver is pushed to; its exporter writes
what came as lines.

Needs otel/build.sh. The folder with the program is in OTEL_COLLECTOR_DIR, by
default build/otel.
"""

import base64
import collections
import json
import os
import pathlib
import socketserver
import ssl
import subprocess
import threading

import harness

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = (
    pathlib.Path(os.environ.get("OTEL_COLLECTOR_DIR", REPOSITORY / "build/otel"))
    / "collector"
)

USER, PASSWORD = "scraper", "p%ss/w:rd ü"

# Of one data point: `labels` are the target's own and the series' own together.
Point = collections.namedtuple("Point", "time metric job target value stale labels")

# What each target exposes. `claimed` has a label that targets have, too.
EXPOSED = b"""\
# TYPE answered counter
answered_total 1
# TYPE unwanted counter
unwanted_total 1
# TYPE claimed gauge
claimed{zone="theirs"} 1
"""


class Pipeline(harness.Process):
    """One process with one receiver, whose gauges and sums it exports to a file."""

    def __init__(self, folder, name, receiver, settings):
        home = pathlib.Path(folder) / name
        home.mkdir()
        self.exported = home / "exported.jsonl"
        self.exported.touch()
        config = {
            "receivers": {receiver: settings},
            "exporters": {"json_lines": {"path": str(self.exported)}},
            "service": {
                "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}},
                "pipelines": {
                    "metrics": {"receivers": [receiver], "exporters": ["json_lines"]}
                },
            },
        }
        config_file = home / "collector.yaml"
        config_file.write_text(json.dumps(config))
        super().__init__(name, [PROGRAM, name, config_file], folder)

    def points(self, metric):
        """What it has exported of one metric until now, in order."""
        wanted = f'"metric":{json.dumps(metric)}'.encode()
        with self.exported.open("rb") as lines:
            return [
                Point(**json.loads(line))
                for line in lines
                if wanted in line and line.endswith(b"\n")
            ]


class Collector(Pipeline):
    """One collector. Targets know it by the User-Agent `NAME/1`."""

    def __init__(self, folder, name, endpoint, tls=None, refresh="1s"):
        """`refresh`: how often it asks; None leaves it at the receiver's 30 s."""
        target_allocator = {
            "endpoint": endpoint,
            "interval": refresh or "30s",
            "collector_id": name,
        }
        if refresh:
            target_allocator["http_sd_config"] = {"refresh_interval": refresh}
        if tls:
            target_allocator["tls"] = tls
        super().__init__(folder, name, "prometheus", {
            "target_allocator": target_allocator,
            "discovery_reload_on_startup": True,
        })

    def lost(self):
        """The targets whose series it has ended: a stale marker on `up`."""
        return {(point.job, point.target) for point in self.points("up") if point.stale}


class Targets(harness.TargetServer):
    """Real targets that know who scrapes them by the User-Agent and keep the last
    request. Those in `protected` want USER and PASSWORD, those in `secure` speak
    TLS, with a certificate that nobody has signed."""

    def __init__(self, count, folder, protected=slice(0, 0), secure=slice(0, 0)):
        self._protected = protected
        self._secure = secure
        self._context = self_signed(folder)
        self.last = {}  # target -> (path with query, Authorization)
        super().__init__(count)

    def tls_context(self, name):
        return self._context if name in self.names[self._secure] else None

    def expected_authorization(self, name):
        if name not in self.names[self._protected]:
            return None
        pair = f"{USER}:{PASSWORD}".encode()
        return "Basic " + base64.b64encode(pair).decode()

    def answer(self, name, path, headers):
        authorization = headers.get("authorization")
        self.last[name] = (path, authorization)
        scraper = headers.get("user-agent", "?").removesuffix("/1")
        if authorization != self.expected_authorization(name):
            return b"401 Unauthorized", b"who are you?\n", scraper
        return b"200 OK", EXPOSED, scraper


class Recorder(socketserver.ThreadingTCPServer):
    """Stands before an allocator and keeps what it is asked: for each request the
    number of its connection, its path, and its headers in their order."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, upstream_port):
        self.upstream_port = upstream_port
        self._lock = threading.Lock()  # guards the rest
        self._requests = []
        self._connections = 0
        super().__init__(("127.0.0.1", 0), _Recording)
        self.port = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()

    def connected(self):
        with self._lock:
            self._connections += 1
            return self._connections

    def note(self, connection, path, headers):
        with self._lock:
            self._requests.append((connection, path, headers))

    def requests(self):
        with self._lock:
            return list(self._requests)

    def stop(self):
        self.shutdown()
        self.server_close()


class _Recording(socketserver.StreamRequestHandler):
    def handle(self):
        connection = self.server.connected()
        while True:
            first = self.rfile.readline().decode()
            if not first:
                return
            path = first.split(" ")[1]
            headers = []
            while (line := self.rfile.readline().decode().rstrip("\r\n")):
                headers.append(tuple(line.split(": ", 1)))
            self.server.note(connection, path, headers)
            answer = harness.request(
                self.server.upstream_port, path, headers=dict(headers)
            )
            head = f"HTTP/1.1 {answer.status} -\r\n"
            for name, value in answer.headers.items():
                head += f"{name}: {value}\r\n"
            self.wfile.write(head.encode() + b"\r\n" + answer.body)


def self_signed(folder):
    """The context of a server whose certificate vouches for itself."""
    key, certificate = f"{folder}/target.key", f"{folder}/target.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=target",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=30,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
