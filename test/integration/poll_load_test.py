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


def load(port, *arguments, path="/jobs/job-{job}/targets?collector_id=c-{collector}"):
    done = subprocess.run(
        [LOAD, f"--port={port}", *arguments, path],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class BadServer:
    """Answers each connection's n-th request with the n-th of some answers, then
    closes it. Sees nothing but where requests end."""

    def __init__(self, *answers):
        self.answers = answers
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
                request = b""
                while not request.endswith(b"\r\n\r\n"):
                    more = connection.recv(4096)
                    if not more:
                        return
                    request += more
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

    def bad(self, *answers):
        server = BadServer(*answers)
        self.addCleanup(server.close)
        return load(server.port, "--rate=100", "--seconds=0.1")

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
        whole = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[]\n"
        result = self.bad(whole, whole[:-1])
        self.assertEqual(result["answered"] + result["broken"], 10)
        self.assertGreater(result["broken"], 0)
        self.assertEqual(result["unanswered"], result["broken"])

    def test_what_no_one_asked_for_is_counted(self):
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[]\n"
        result = self.bad(answer + answer)
        self.assertEqual(result["answered"], 0)
        self.assertEqual(result["broken"], 10)


if __name__ == "__main__":
    harness.main()
