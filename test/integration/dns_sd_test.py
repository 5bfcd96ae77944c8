"""The real binary with dns_sd_configs, and a name server that answers as the test
says. The tests have a network and an /etc/resolv.conf of their own, as the binary
asks at port 53 and nowhere else; where that is not permitted they are skipped."""

import json
import pathlib
import shutil
import socket
import struct
import tempfile
import threading

import harness
from harness import eventually
from own_network import enter_own_network

A, MX, SRV = 1, 15, 33
NXDOMAIN, SERVFAIL = 3, 2


def name_bytes(name):
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(kind, data):
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 5, len(data)) + data


def a(address):
    return record(A, socket.inet_aton(address))


def srv(port, target):
    return record(SRV, struct.pack(">HHH", 0, 0, port) + name_bytes(target))


class NameServer:
    """Answers what `zone` has, ("name.", type) to records, and "no such name" to
    the rest; or does as `spoil(message, tcp)` makes of the answer: None is silence.
    What is more than 4096 bytes comes by TCP."""

    def __init__(self):
        self.zone = {}
        self.spoil = None
        self.asked = []
        self._sockets = []

    def start(self):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 53))
        tcp = socket.create_server(("127.0.0.1", 53))
        self._sockets = [udp, tcp]
        for serve, where in (self._serve_udp, udp), (self._accept, tcp):
            threading.Thread(target=serve, args=(where,), daemon=True).start()
        return self

    def stop(self):
        for open_socket in self._sockets:
            try:
                open_socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # of UDP it wakes who reads, and then says so
            open_socket.close()
        self._sockets = []

    def _answer(self, query, tcp):
        end = query.index(b"\0", 12) + 5
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += query[at] + 1
        name, kind = ".".join(labels) + ".", struct.unpack(">H", query[end - 4 : end - 2])[0]
        self.asked.append((name, kind))
        records = self.zone.get((name, kind))
        code = NXDOMAIN if records is None else 0

        def message(flags, answers):
            return query[:2] + struct.pack(
                ">HHHHH", flags, 1, len(answers), 0, 0) + query[12:end] + b"".join(answers)

        whole = message(0x8180 | code, records or [])
        if len(whole) > 4096 and not tcp:
            whole = message(0x8380, [])
        return self.spoil(whole, tcp) if self.spoil else whole

    def _serve_udp(self, udp):
        try:
            while True:
                query, peer = udp.recvfrom(65536)
                if not query:
                    return
                answer = self._answer(query, tcp=False)
                if answer is not None:
                    udp.sendto(answer, peer)
        except OSError:
            return

    def _accept(self, tcp):
        try:
            while True:
                peer, _ = tcp.accept()
                threading.Thread(target=self._serve_tcp, args=(peer,), daemon=True).start()
        except OSError:
            return

    def _serve_tcp(self, peer):
        with peer, peer.makefile("rb") as stream:
            while length := stream.read(2):
                answer = self._answer(stream.read(struct.unpack(">H", length)[0]), tcp=True)
                if answer is not None:
                    peer.sendall(struct.pack(">H", len(answer)) + answer)


class DnsSdTest(harness.PeerTest):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="ta-integration-"))
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.resolv_conf = folder / "resolv.conf"
        cls.resolv_conf.touch()
        enter_own_network(cls.resolv_conf)

    def setUp(self):
        super().setUp()
        self.resolv_conf.write_text("nameserver 127.0.0.1\nsearch ns.test\n")
        self.dns = NameServer()
        self.addCleanup(self.dns.stop)

    def config(self, *configs, sync_timeout="1m"):
        self.write("ta.yaml", {
            "collectors": {"static": ["a"]},
            "hand_over": {"policy": "none"},
            "sync_timeout": sync_timeout,
            "config": {"scrape_configs": [
                {"job_name": "web", "dns_sd_configs": [
                    {"refresh_interval": "1s", **config} for config in configs]},
                {"job_name": "other", "static_configs": [{"targets": ["s:1"]}]},
            ]},
        })

    def wait_served(self, allocator, *addresses):
        eventually(lambda: allocator.addresses("web", "a") == sorted(addresses),
                   every=0.02, what=f"{addresses} served")

    def problem(self, allocator):
        return json.dumps(allocator.status()["discoverers"])

    def test_targets_follow_the_server_and_stay_while_it_is_down(self):
        self.dns.zone = {("_http._tcp.web.ns.test.", SRV): [srv(80, "a.test."), srv(81, "b.test.")],
                         ("db.ns.test.", A): [a("10.0.0.1")]}
        self.dns.start()
        self.config({"names": ["_http._tcp.web"]},
                    {"names": ["db"], "type": "a", "port": 9100})
        allocator = self.allocator().wait_ready()
        self.assertEqual(allocator.addresses("web", "a"),
                         ["10.0.0.1:9100", "a.test:80", "b.test:81"])
        self.assertNotIn("not implemented", allocator.log())
        labels = {group["targets"][0]: group["labels"]
                  for group in allocator.json("/jobs/web/targets?collector_id=a")}
        self.assertEqual(labels["a.test:80"], {
            "__address__": "a.test:80",
            "__meta_dns_name": "_http._tcp.web",
            "__meta_dns_srv_record_port": "80",
            "__meta_dns_srv_record_target": "a.test.",
        })
        self.assertEqual(labels["10.0.0.1:9100"], {
            "__address__": "10.0.0.1:9100", "__meta_dns_name": "db"})
        self.dns.zone["db.ns.test.", A] = [a("10.0.0.2"), a("10.0.0.1")]
        self.wait_served(allocator, "a.test:80", "b.test:81", "10.0.0.1:9100", "10.0.0.2:9100")
        self.dns.stop()
        eventually(lambda: "cannot be reached" in self.problem(allocator),
                   what="the problem shows")
        self.assertEqual(len(allocator.addresses("web", "a")), 4)
        self.assertGreater(allocator.metric("prometheus_sd_dns_lookup_failures_total"), 0)
        self.assertGreater(allocator.metric("prometheus_sd_dns_lookups_total"),
                           allocator.metric("prometheus_sd_dns_lookup_failures_total"))
        self.assertGreater(allocator.metric(
            'prometheus_sd_refresh_failures_total{config="web",mechanism="dns"}'), 0)
        self.assertEqual(allocator.get("/readyz").status, 200)
        self.dns.zone = {("db.ns.test.", A): [a("10.0.0.3")]}
        self.dns.start()
        self.wait_served(allocator, "10.0.0.3:9100")
        eventually(lambda: "look up" not in self.problem(allocator), what="it is good again")

    def test_a_job_waits_for_its_first_answer_and_no_other_job_does(self):
        self.config({"names": ["db"], "type": "A", "port": 1}, sync_timeout="1s")
        allocator = self.allocator()
        eventually(lambda: allocator.get("/livez").status == 200, what="it listens")
        self.assertEqual(allocator.get("/jobs/web/targets?collector_id=a").status, 503)
        allocator.wait_ready()
        self.assertEqual(allocator.addresses("other", "a"), ["s:1"])
        self.assertEqual(allocator.get("/jobs/web/targets?collector_id=a").status, 503)
        self.assertIn(b"web", allocator.get("/readyz").body)
        self.dns.zone = {("db.ns.test.", A): [a("10.0.0.1")]}
        self.dns.start()
        eventually(lambda: allocator.get("/jobs/web/targets?collector_id=a").status == 200,
                   what="the job is served")
        self.wait_served(allocator, "10.0.0.1:1")

    def test_a_name_that_fails_is_left_out_when_the_time_is_up(self):
        self.dns.zone = {("db.ns.test.", A): [a("10.0.0.1")], ("bad.ns.test.", A): []}
        bad = name_bytes("bad.ns.test")
        self.dns.spoil = lambda message, tcp: (
            message[:3] + bytes([SERVFAIL]) + message[4:] if bad in message else message)
        self.dns.start()
        self.config({"names": ["bad.ns.test.", "db"], "type": "A", "port": 1}, sync_timeout="2s")
        allocator = self.allocator().wait_ready()
        self.wait_served(allocator, "10.0.0.1:1")
        self.assertIn("bad.ns.test. at 127.0.0.1: SERVFAIL", self.problem(allocator))

    def test_bad_answers_change_nothing(self):
        self.dns.zone = {("db.ns.test.", A): [a("10.0.0.1"), a("10.0.0.2")]}
        self.dns.start()
        self.config({"names": ["db.ns.test."], "type": "A", "port": 1})
        allocator = self.allocator().wait_ready()
        self.wait_served(allocator, "10.0.0.1:1", "10.0.0.2:1")
        for spoil, says in [
            (lambda message, tcp: message[:3] + bytes([SERVFAIL]) + message[4:], "SERVFAIL"),
            (lambda message, tcp: message[:-16], "cut"),
            (lambda message, tcp: None, "timed out"),
            (lambda message, tcp: message[:2] + b"\x83\x80" + message[4:], "more than 64 KiB"),
            (lambda message, tcp: b"\xff" * 40 if tcp else message[:2] + b"\x83\x80" + message[4:],
             "timed out"),
        ]:
            self.dns.spoil = spoil
            eventually(lambda: says in self.problem(allocator), what=says)
            self.assertEqual(len(allocator.addresses("web", "a")), 2)
        self.dns.spoil = None
        eventually(lambda: "look up" not in self.problem(allocator), what="it is good again")
        self.dns.zone = {}
        self.wait_served(allocator)  # it is gone: the server says so

    def test_resolv_conf_is_followed(self):
        self.dns.zone = {("db.ns.test.", A): [a("10.0.0.1")], ("db.next.test.", A): [a("10.0.0.2")]}
        self.dns.start()
        self.config({"names": ["db"], "type": "A", "port": 1})
        allocator = self.allocator().wait_ready()
        self.wait_served(allocator, "10.0.0.1:1")
        # In place: the mount shows this file, not its name.
        self.resolv_conf.write_text("nameserver 127.0.0.1\nsearch next.test\n")
        self.wait_served(allocator, "10.0.0.2:1")

    def test_hundreds_of_names_and_thousands_of_records(self):
        names = [f"web-{i}.ns.test." for i in range(500)]
        self.dns.zone = {(name, A): [a(f"10.1.{i // 250}.{i % 250}")]
                         for i, name in enumerate(names)}
        self.dns.zone["all.ns.test.", A] = [a(f"10.2.{i // 250}.{i % 250}") for i in range(4000)]
        self.dns.start()
        self.config({"names": names, "type": "A", "port": 1},
                    {"names": ["all"], "type": "A", "port": 1},
                    *({"names": ["web-0"], "type": "A", "port": port} for port in range(2, 102)))
        allocator = self.allocator().wait_ready(within=40)
        self.assertEqual(len(allocator.addresses("web", "a")), 4600)
        self.dns.zone["all.ns.test.", A].pop()
        eventually(lambda: len(allocator.addresses("web", "a")) == 4599, what="one is gone")

    def test_it_stops_soon_while_a_server_is_silent(self):
        self.dns.spoil = lambda message, tcp: None
        self.dns.start()
        self.config({"names": [f"web-{i}" for i in range(500)], "type": "A", "port": 1})
        allocator = self.allocator()
        eventually(lambda: len(self.dns.asked) >= 100, what="many are asked")
        eventually(lambda: allocator.get("/livez").status == 200, what="it listens")
        allocator.send(harness.signal.SIGTERM)
        self.assertEqual(allocator.wait(timeout=15), 0)


if __name__ == "__main__":
    harness.main()
