"""Serving over mutual TLS: the real binary, certificates of the openssl command,
and Debian's Prometheus as a client with a certificate of its own."""

import http.client
import json
import ssl
import subprocess

import harness
from harness import eventually

JOBS = ["nodes"]
SECRET = "hunter2"


class Authority:
    """A CA in a folder, by the openssl command."""

    def __init__(self, folder, name):
        self.folder = folder
        self.name = name
        self.key = folder / f"{name}.key"
        self.pem = folder / f"{name}.crt"
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", self.key, "-out", self.pem, "-days", "2",
            "-subj", f"/CN={name}",
        )

    def _openssl(self, *arguments):
        subprocess.run(
            ["openssl", *[str(argument) for argument in arguments]],
            check=True, capture_output=True, timeout=30, stdin=subprocess.DEVNULL,
        )

    def issue(self, name, names, days=1):
        """Writes <name>.crt and <name>.key; `names` as openssl wants them."""
        key, request = self.folder / f"{name}.key", self.folder / f"{name}.csr"
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n")
        self._openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", request, "-subj", f"/CN={name}",
        )
        made = self.folder / f"{name}.crt"
        self._openssl(
            "x509", "-req", "-in", request, "-CA", self.pem, "-CAkey", self.key,
            "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", made,
        )
        return made, key


class TlsTest(harness.PeerTest):
    def setUp(self):
        super().setUp()
        self.port = harness.free_port()
        self.ca = Authority(self.folder, "ca")
        self.mount(self.ca.pem.read_text(), *self.ca.issue("server", "IP:127.0.0.1"))

    def mount(self, ca, certificate, key):
        """Swaps the server's three files at once, as a mounted Secret does."""
        self.volume("tls", {
            "ca.crt": ca,
            "tls.crt": certificate.read_text(),
            "tls.key": key.read_text(),
        })

    def write_config(self, targets=(), https=None, **settings):
        self.write("ta.yaml", {
            "collectors": {"polling": {"poll_timeout": "3s"}},
            "https": {
                "enabled": True,
                "listen_addr": f"127.0.0.1:{self.port}",
                "ca_file_path": "tls/ca.crt",
                "tls_cert_file_path": "tls/tls.crt",
                "tls_key_file_path": "tls/tls.key",
                **(https or {}),
            },
            **settings,
            "config": {
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                "scrape_configs": [{
                    "job_name": "nodes",
                    "basic_auth": {"username": "u", "password": SECRET},
                    "static_configs": [{"targets": list(targets)}],
                }],
            },
        })

    def client(self, ca, identity=None):
        context = ssl.create_default_context(cafile=str(ca))
        if identity:
            context.load_cert_chain(*[str(path) for path in identity])
        return context

    def ask(self, path, context, headers=None):
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=context, timeout=10
        )
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def prometheus(self, name, allocator, ca, identity):
        return self.own(harness.Prometheus(
            self.folder, name, self.port, JOBS, "1s", "1s",
            tls_config={"ca_file": str(ca), "cert_file": str(identity[0]),
                        "key_file": str(identity[1])},
        ))

    def test_prometheus_servers_share_targets_over_mutual_tls(self):
        targets = harness.TargetServer(12)
        self.addCleanup(targets.stop)
        self.write_config(targets.names, {"client_identity": "san"})
        allocator = self.allocator().wait_ready()
        fleet = [
            self.prometheus(
                name, allocator, self.ca.pem, self.ca.issue(name, f"DNS:{name}")
            )
            for name in ["prom-0", "prom-1"]
        ]

        def split():
            shares = [set(server.active()) for server in fleet]
            assert not shares[0] & shares[1], "two owners"
            return shares[0] | shares[1] == set(targets.names)

        eventually(split, 40, every=0.2, what="one owner for each target")

        # Another CA signs from now on; who has a connection keeps it.
        failures = "target_allocator_tls_handshake_failures_total"
        handshakes = allocator.metric("target_allocator_tls_handshakes_total")
        next_ca = Authority(self.folder, "next")
        both = self.ca.pem.read_text() + next_ca.pem.read_text()
        bundle = self.write("both.crt", both)
        self.mount(both, *next_ca.issue("server-2", "IP:127.0.0.1"))
        eventually(
            lambda: allocator.log().count("HTTPS has new certificates") == 1,
            what="the rotation",
        )
        fleet.append(self.prometheus(
            "prom-2", allocator, bundle, next_ca.issue("prom-2", "DNS:prom-2")
        ))

        def split_in_three():
            shares = [set(server.active()) for server in fleet]
            assert sum(map(len, shares)) == len(targets.names), shares
            return all(shares) and set().union(*shares) == set(targets.names)

        eventually(split_in_three, 40, every=0.2, what="a share for the third")
        self.assertEqual(
            allocator.metric("target_allocator_tls_handshakes_total"), handshakes + 1
        )
        lines = allocator.get("/metrics").body.decode().splitlines()
        failed = [line for line in lines if line.startswith(failures)]
        self.assertEqual([line for line in failed if not line.endswith(" 0")], [])

    def test_secrets_are_told_to_who_has_a_certificate(self):
        self.write_config(["127.0.0.1:1"])
        allocator = self.allocator().wait_ready()
        known = self.client(self.ca.pem, self.ca.issue("c", "DNS:c"))
        self.assertIn(SECRET, self.ask("/scrape_configs", known)[1])
        masked = json.loads(allocator.get("/scrape_configs").body)
        self.assertEqual(masked["nodes"]["basic_auth"]["password"], "<secret>")
        for path in ["/", "/metrics", "/api/v1/status", "/api/v1/targets", "/jobs"]:
            self.assertNotIn(SECRET, allocator.get(path).body.decode(), path)
        with self.assertRaises(ssl.SSLError):
            self.ask("/scrape_configs", self.client(self.ca.pem))
        stranger = Authority(self.folder, "stranger").issue("s", "DNS:c")
        with self.assertRaises(ssl.SSLError):
            self.ask("/scrape_configs", self.client(self.ca.pem, stranger))

        # The server that runs goes on telling them after a reload that turns it
        # off, which takes a restart: its collectors would scrape with "<secret>".
        self.write_config(["127.0.0.1:1"], {"enabled": False})
        self.assertEqual(allocator.get("/-/reload", method="POST").status, 200)
        self.assertIn(SECRET, self.ask("/scrape_configs", known)[1])
        self.assertIn("https takes effect at the next start", allocator.log())
        self.assertNotIn(SECRET, allocator.log())

    def test_a_client_may_ask_for_its_own_targets_only(self):
        self.write_config(
            ["127.0.0.1:1"], {"client_identity": "san"},
            collectors={"static": ["c-0", "c-1"]},
        )
        allocator = self.allocator().wait_ready()
        known = self.client(self.ca.pem, self.ca.issue("me", "DNS:c-0"))
        path = "/jobs/nodes/targets?collector_id="
        self.assertEqual(self.ask(path + "c-0", known)[0], 200)
        status, body = self.ask(path + "c-1", known)
        self.assertEqual(status, 403)
        self.assertIn("the client's certificate is for c-0", body)
        self.assertEqual(
            allocator.metric("target_allocator_tls_foreign_names_total"), 1
        )

    def test_files_that_are_not_good_end_the_start(self):
        self.write_config(["127.0.0.1:1"])
        (self.folder / "tls" / "tls.key").unlink()
        allocator = self.allocator()
        self.assertEqual(allocator.wait(), 1)
        self.assertIn("cannot serve HTTPS", allocator.log())
        self.assertIn("tls/tls.key", allocator.log())

    def test_check_wants_the_three_files_named(self):
        self.write_config(["127.0.0.1:1"], {"tls_key_file_path": "", "ca_file_path": ""})
        code, out, err = self.run_command("check", self.folder / "ta.yaml")
        self.assertEqual(code, 1)
        self.assertIn("https.ca_file_path", out + err)
        self.assertIn("https.tls_key_file_path", out + err)
        # Files need not be there where one checks.
        self.write_config(["127.0.0.1:1"], {"ca_file_path": "/nowhere"})
        code, out, err = self.run_command("check", self.folder / "ta.yaml")
        self.assertEqual(code, 0, out + err)


if __name__ == "__main__":
    harness.main()
