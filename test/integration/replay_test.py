"""What a real receiver asks, replayed: for every configuration of
test/testdata/config the answers are those of Prometheus's own marshalling and
discovery, in the Go allocator's shape, as the oracle says. Needs build/oracle."""

import base64
import gzip
import http.client
import json
import os
import pathlib
import re
import subprocess
import urllib.parse

import harness
from harness import eventually
from own_network import enter_own_network

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
ORACLE = pathlib.Path(os.environ.get("TA_ORACLE", REPOSITORY / "build/oracle"))
CASES = REPOSITORY / "test/testdata/config"
COLLECTORS = ["collector-0", "collector-1", "collector-2"]

# Recorded from prometheusreceiver v0.164.1 by receiver_test.py, which fails when
# they differ: paths and headers in the order in which they were sent. A new
# connection for /scrape_configs, then one for each job.
REQUESTS = {
    "/scrape_configs": [
        ("Host", "{host}"),
        ("User-Agent", "Go-http-client/1.1"),
        ("Accept-Encoding", "gzip"),
    ],
    "/jobs/{job}/targets?collector_id={collector}": [
        ("Host", "{host}"),
        ("User-Agent", "Prometheus/"),
        ("Accept", "application/json"),
        ("X-Prometheus-Refresh-Interval-Seconds", "30"),
    ],
}
SCRAPE_CONFIGS, TARGETS = REQUESTS


class Oracle:
    """test/oracle as a child, one line each way."""

    def __init__(self):
        self._process = subprocess.Popen(
            [ORACLE, "replay"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, text, files):
        request = {
            "text": base64.b64encode(text).decode(),
            "files": {
                name: base64.b64encode(content).decode()
                for name, content in files.items()
            },
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        for problem in ("error", "unserved"):
            if problem in answer:
                raise AssertionError(f"oracle: {answer[problem]}")
        return answer

    def stop(self):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


class Receiver:
    """Asks as the recorded one did."""

    def __init__(self, port, collector):
        self._port = port
        self._collector = collector

    def _ask(self, template, **names):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.putrequest(
                "GET",
                template.format(**names),
                skip_host=True,
                skip_accept_encoding=True,
            )
            for name, value in REQUESTS[template]:
                connection.putheader(name, value.format(host=f"127.0.0.1:{self._port}"))
            connection.endheaders()
            response = connection.getresponse()
            body = response.read()
            if response.getheader("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            return response, body
        finally:
            connection.close()

    def scrape_configs(self):
        return self._ask(SCRAPE_CONFIGS)

    def targets(self, job):
        return self._ask(
            TARGETS, job=urllib.parse.quote_plus(job), collector=self._collector
        )


def nested(text):
    """The text of Prometheus's file under `config`, of the Go allocator's file."""
    head = f"collectors: {{static: {json.dumps(COLLECTORS)}}}\nsync_timeout: 1s\nconfig:\n"
    lines = text.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    body = [b"  " + line for line in lines if line not in (b"---", b"...")]
    return head.encode() + b"\n".join(body) + b"\n"


def files_of(case):
    return {
        str(path.relative_to(case)): path.read_bytes()
        for path in sorted((case / "files").rglob("*"))
        if path.is_file()
    }


def cases():
    return sorted(path for path in CASES.iterdir() if (path / "input.yaml").exists())


@harness.unittest.skipUnless(ORACLE.exists(), "needs test/oracle/build.sh")
class ReplayTest(harness.PeerTest):
    @classmethod
    def setUpClass(cls):
        # The configurations name servers that are not ours to ask.
        enter_own_network()

    def setUp(self):
        super().setUp()
        self.oracle = Oracle()
        self.addCleanup(self.oracle.stop)

    def serve(self, name, text, files, *flags):
        """A fresh allocator with this file, in a folder of its own."""
        folder = self.folder / name
        for file, content in files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        folder.mkdir(exist_ok=True)
        (folder / "ta.yaml").write_bytes(text)
        allocator = harness.Allocator(
            self.folder, folder / "ta.yaml", "--log-level=warn", *flags, name=f"of-{name}"
        )
        self.addCleanup(allocator.stop)
        eventually(lambda: allocator.get("/readyz").status == 200, every=0.01)
        return allocator, folder

    def assert_scrape_configs(self, port, want):
        response, body = Receiver(port, COLLECTORS[0]).scrape_configs()
        self.assertEqual(response.status, 200)
        self.assertEqual(response.getheader("Content-Type"), "application/json")
        self.assertEqual(json.loads(body), json.loads(want))

    def assert_targets(self, port, job, want, folder):
        """Every collector's answers together are `want`, each target once."""
        served = []
        for collector in COLLECTORS:
            response, body = Receiver(port, collector).targets(job)
            self.assertEqual(response.status, 200, f"{job}: {body!r}")
            self.assertEqual(response.getheader("Content-Type"), "application/json")
            served += json.loads(body.replace(f"{folder}/".encode(), b""))
        left = list(want)
        for target in served:
            match = next((ways for ways in left if target in ways), None)
            self.assertIsNotNone(match, f"{job}: {target} is not one of {left}")
            left.remove(match)
        self.assertEqual(left, [], f"{job}: not served")

    def assert_not_known_yet(self, port, job):
        """A job whose discovery has not answered: no list at all, so that a
        receiver keeps what it has."""
        response, body = Receiver(port, COLLECTORS[0]).targets(job)
        self.assertEqual(response.status, 503, job)
        self.assertIn("error", json.loads(body))

    def check(self, name, text, files, expected, *flags, want="json"):
        allocator, folder = self.serve(name, text, files, *flags)
        self.assert_scrape_configs(allocator.port, expected[want])
        jobs = json.loads(expected["json"])
        for job, settings in jobs.items():
            others = {
                key
                for key in settings
                if key.endswith("_sd_configs") and key != "file_sd_configs"
            }
            if job in expected["served"] and not others:
                self.assert_targets(
                    allocator.port, job, expected["served"][job], folder
                )
            elif others and job not in expected["served"]:
                self.assert_not_known_yet(allocator.port, job)
        allocator.stop()
        return len(jobs)

    def test_every_configuration_is_answered_as_recorded(self):
        jobs = 0
        found = cases()
        self.assertGreater(len(found), 40)
        for case in found:
            with self.subTest(case=case.name):
                text, files = (case / "input.yaml").read_bytes(), files_of(case)
                expected = self.oracle.ask(text, files)
                recorded = (case / "scrape_configs.json").read_text()
                self.assertEqual(json.loads(expected["json"]), json.loads(recorded))
                jobs += self.check(case.name, nested(text), files, expected)
        print(f"{len(found)} configurations, {jobs} jobs")

    def test_secrets_are_shown_to_those_who_ask_for_it(self):
        shown = 0
        for case in cases():
            text, files = (case / "input.yaml").read_bytes(), files_of(case)
            expected = self.oracle.ask(text, files)
            if expected["json"] == expected["shown"]:
                continue
            shown += 1
            with self.subTest(case=case.name):
                flag = "--allow-insecure-auth-secrets"
                self.check(
                    case.name, nested(text), files, expected, flag, want="shown"
                )
        self.assertGreater(shown, 3)

    def test_every_job_with_targets_is_answered_as_prometheus_finds_them(self):
        """Each case's jobs once more, as they are served, with targets of ours in
        place of what discovers theirs: every rule and every setting with targets."""
        jobs = 0
        for case in cases():
            with self.subTest(case=case.name):
                served = json.loads((case / "scrape_configs.json").read_text())
                text = yaml_of(with_targets(served))
                expected = self.oracle.ask(text, TARGET_FILES)
                jobs += self.check(case.name, nested(text), TARGET_FILES, expected)
        print(f"{jobs} jobs with targets")


# Group labels under target labels, labels that rules of the cases read, equal
# targets, what no address or an odd one makes of a target.
TARGET_FILES = {
    "found/a.json": json.dumps(
        [
            {"targets": ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.1:80"], "labels": {"rack": "r1"}},
            {"targets": ["10.0.0.3:80", ""], "labels": {"rack": "ü <&>", "empty": ""}},
        ]
    ).encode(),
    "found/b.yml": b"- targets: ['[2001:db8::1]:9100', 'host', 'host:443', 'a b:1']\n"
    b"  labels: {__meta_odd: x, __scheme__: https, __metrics_path__: /m, job: other}\n"
    b"- targets: ['10.0.0.9:1', 'user@host:1', 'host/path', 'http://host']\n",
}
STATIC_TARGETS = [
    {"targets": [f"10.1.0.{i}:9100" for i in range(1, 9)], "labels": {"env": "prod"}},
    {
        "targets": ["10.1.0.1:9100", "10.2.0.1:9100"],
        "labels": {
            "__meta_kubernetes_pod_name": "web-0",
            "__meta_kubernetes_pod_label_app": "web",
            "__param_module": "http_2xx",
            "__scrape_interval__": "7s",
            "__scrape_timeout__": "3s",
        },
    },
    {"targets": ["10.3.0.1:1"], "labels": {"__scrape_timeout__": "90m"}},
    {"targets": ["10.3.0.2:1"], "labels": {"__scrape_interval__": "often"}},
    {"targets": ["10.3.0.3:1"], "labels": {"instance": "named", "job": "mine"}},
]


def with_targets(jobs):
    scrape_configs = []
    for job in jobs.values():
        kept = {
            key: value
            for key, value in job.items()
            if not key.endswith("_sd_configs") and key != "static_configs"
        }
        # What JSON makes of 2^64 - 1 on its way is too large to be read again.
        for settings in (kept, *kept.get("relabel_configs", [])):
            for key, value in settings.items():
                if isinstance(value, int | float) and value >= 2**64:
                    settings[key] = 2**53
        kept["static_configs"] = STATIC_TARGETS
        kept["file_sd_configs"] = [{"files": ["found/*.json", "found/*.yml"]}]
        scrape_configs.append(kept)
    return {"scrape_configs": scrape_configs}


def yaml_of(value):
    """JSON that is YAML, too: no pairs of surrogates, and no line ends but ours."""
    text = json.dumps(value, ensure_ascii=False)
    odd = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
    return odd.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


if __name__ == "__main__":
    harness.main()
