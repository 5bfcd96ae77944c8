"""The load generator of bench/: what it reports is what the server saw, and what is
wrong with a server is counted as an error."""

import json
import os
import socket
import subprocess
import threading

import harness

LOAD = os.environ.get("TA_POLL_LOAD", "build/release/bench/poll_load")
SCRAPER = "--header=X-Prometheus-Refresh-Interval-Seconds: 30"


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[]\n"


def run(port, *arguments, path="/jobs/job-{job}/targets?collector_id=c-{collector}"):
    return subprocess.run([LOAD, f"--port={port}", *arguments, path],
                          capture_output=True, text=True, timeout=60)


def load(port, *arguments):
    done = run(port, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def request_of(connection):
    """The next one's bytes; none if the connection ends."""
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        more = connection.recv(4096)
        if not more:
            return b""
        request += more
    return request


class BadServer:
    """Answers each connection's n-th request with the n-th of some answers, then
    closes it. Sees nothing but where requests end."""

    def __init__(self, *answers):
        self.answers = answers
        self.requests = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=[connection], daemon=True).start()

    def answer(self, connection):
        with connection:
            for answer in self.answers:
                request = request_of(connection)
                if not request:
                    return
                self.requests.append(request)
                connection.sendall(answer)

    def close(self):
        self.listener.close()


class PollLoadTest(harness.PeerTest):
    def allocator(self, jobs):
        config = self.write("ta.yaml", {
            "collectors": {"static": [f"c-{i}" for i in range(4)]},
            "config": {"scrape_configs": [{
                "job_name": f"job-{job}",
                "static_configs": [{"targets": [f"10.0.{job}.{i}:80" for i in range(9)]}],
            } for job in range(jobs)]},
        })
        return self.own(harness.Allocator(self.folder, config)).wait_ready()

    def serve_badly(self, *answers):
        server = BadServer(*answers)
        self.addCleanup(server.close)
        return server

    def bad(self, *answers, more=()):
        return load(self.serve_badly(*answers).port, "--rate=100", "--seconds=0.1", *more)

    def test_it_counts_what_the_server_counts(self):
        allocator = self.allocator(jobs=3)
        bodies = [
            len(allocator.get(f"/jobs/job-{job}/targets?collector_id=c-{number}").body)
            for job in range(3) for number in range(4)]
        counted = 'target_allocator_http_answers_total{code="2xx"}'
        before = allocator.metric(counted)
        result = load(allocator.port, "--jobs=3", "--collectors=4", "--connections=6",
                      "--sources=3", "--rate=240", "--seconds=0.5", SCRAPER)
        self.assertEqual(result["scheduled"], 120)
        self.assertEqual(result["statuses"], {"200": 120})
        # The question for the metric before is one of them.
        self.assertEqual(allocator.metric(counted) - before, 121)
        # Each pair of a job and a collector had its turn, and equally often.
        self.assertEqual(result["body_bytes"], 10 * sum(bodies))
        self.assertEqual(result["smallest_body"], min(bodies))
        self.assertEqual(result["largest_body"], max(bodies))
        for kind in ["broken", "failed", "unanswered"]:
            self.assertEqual(result[kind], 0)
        latency = result["latency_ms"]
        self.assertGreater(latency["p50"], 0)
        self.assertLessEqual(latency["p50"], latency["p99"])
        self.assertLessEqual(latency["p99"], latency["max"])

    def test_with_etags_all_but_the_first_answers_are_304(self):
        allocator = self.allocator(jobs=1)
        result = load(allocator.port, "--collectors=4", "--connections=4",
                      "--rate=80", "--seconds=0.5", "--conditional")
        self.assertEqual(result["statuses"], {"200": 4, "304": 36})

    def test_an_error_is_counted(self):
        allocator = self.allocator(jobs=1)
        result = load(allocator.port, "--jobs=2", "--rate=20", "--seconds=0.5")
        self.assertEqual(result["statuses"], {"200": 5, "404": 5})
        self.assertEqual(result["failed"], 5)

    def test_a_cut_answer_is_counted(self):
        result = self.bad(WHOLE, WHOLE[:-1])
        self.assertEqual(result["answered"] + result["broken"], 10)
        self.assertGreater(result["broken"], 0)
        self.assertEqual(result["unanswered"], result["broken"])

    def test_what_no_one_asked_for_is_counted(self):
        result = self.bad(WHOLE + WHOLE)
        self.assertEqual(result["answered"], 0)
        self.assertEqual(result["broken"], 10)

    # What was lost before the first measured request was counted, too.
    def test_what_the_warm_up_loses_is_not_counted(self):
        result = self.bad(WHOLE[:-1], more=["--warmup=0.2"])
        self.assertEqual(result["broken"], 10)
        self.assertEqual(result["unanswered"], 10)

    # Was counted as a lost request.
    def test_a_connection_closed_between_two_requests_is_no_lost_request(self):
        result = self.bad(WHOLE)
        self.assertEqual(result["broken"], 10 - result["answered"])
        self.assertGreater(result["closed_idle"], 0)

    # Percentiles were of the answered ones, and 0 of none.
    def test_a_request_without_an_answer_took_for_ever(self):
        result = self.bad(WHOLE[:-1])
        self.assertEqual(set(result["latency_ms"].values()), {None})
        self.assertEqual(result["p99_ms_by_second"], [None])
        result = self.bad(*9 * [WHOLE], WHOLE[:-1])
        self.assertIsNotNone(result["latency_ms"]["p50"])
        self.assertIsNone(result["latency_ms"]["p99"])

    # 0.29 × 100 is a little less than 29.
    def test_every_request_of_the_time_is_scheduled(self):
        result = load(self.allocator(jobs=1).port, "--rate=100", "--seconds=0.29")
        self.assertEqual(result["scheduled"], 29)
        self.assertEqual(result["answered"], 29)

    # Was sent back as an empty If-None-Match.
    def test_an_empty_etag_is_none(self):
        server = self.serve_badly(*10 * [WHOLE.replace(b"Content", b"ETag:\r\nContent")])
        load(server.port, "--rate=100", "--seconds=0.1", "--conditional")
        self.assertEqual(len(server.requests), 10)
        self.assertNotIn(b"If-None-Match", b"".join(server.requests))

    # The first was an uncaught exception, the second asked 0.0.0.0.
    def test_arguments_that_mean_nothing_are_refused(self):
        port = self.serve_badly(WHOLE).port
        for argument in ["--warmup=-5", "--host=localhost"]:
            done = run(port, argument)
            self.assertGreater(done.returncode, 0, argument)
            self.assertIn(argument.split("=")[1], done.stderr + done.stdout)

    # Connecting again blocked all connections.
    def test_a_full_backlog_holds_up_only_who_connects(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]
        results = []
        client = threading.Thread(target=lambda: results.append(load(
            port, "--connections=2", "--rate=40", "--seconds=1")))
        client.start()
        cut, other = [listener.accept()[0] for _ in range(2)]
        # Nobody is accepted any more, and there is no room to wait.
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            self.addCleanup(one.close)
            one.connect_ex(("127.0.0.1", port))
        request_of(cut)
        cut.close()
        for _ in range(20):
            request_of(other)
            other.sendall(WHOLE)
        other.close()
        listener.close()
        client.join()
        self.assertEqual(results[0]["answered"], 20)


if __name__ == "__main__":
    harness.main()
