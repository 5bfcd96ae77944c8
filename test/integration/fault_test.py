"""What the world does to it: a full disk, a clock that jumps, clients that hang,
and being killed again and again. Nothing of that may show in what is served."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import unittest

import harness
from harness import eventually

POLL = {"X-Prometheus-Refresh-Interval-Seconds": "1"}

# Moves CLOCK_REALTIME by the seconds that a file holds; everything that asks
# for the time goes through it.
CLOCK_SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static int (*real_clock)(clockid_t, struct timespec*);
static long offset(void) {
  long seconds = 0;
  FILE* file = fopen(getenv("CLOCK_OFFSET"), "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
  fclose(file);
  return seconds;
}
int clock_gettime(clockid_t clock, struct timespec* at) {
  if (real_clock == NULL) *(void**)&real_clock = dlsym(RTLD_NEXT, "clock_gettime");
  const int result = real_clock(clock, at);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) at->tv_sec += offset();
  return result;
}
time_t time(time_t* at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at != NULL) *at = now.tv_sec;
  return now.tv_sec;
}
"""


class FaultTest(harness.PeerTest):
    def write_config(self, targets=20, **settings):
        self.write("targets.json",
                   [{"targets": [f"t{i}:1"]} for i in range(targets)])
        self.write("ta.yaml", {
            "collectors": {"polling": {"poll_timeout": "2s"}},
            "hand_over": {"policy": "none"},
            **settings,
            "config": {"scrape_configs": [
                {"job_name": "web", "file_sd_configs": [{"files": ["targets.json"]}]}]},
        })

    def poll(self, allocator, collector):
        """As a scraper: status, and what it is to scrape."""
        answer = allocator.get(f"/jobs/web/targets?collector_id={collector}", headers=POLL)
        if answer.status != 200:
            return answer.status, None
        return 200, sorted(group["targets"][0] for group in json.loads(answer.body))

    def served(self, allocator, collectors, targets=20):
        """The share of each, once together they have everything."""
        def whole():
            shares = {name: self.poll(allocator, name)[1] for name in collectors}
            addresses = sorted(a for share in shares.values() for a in share or [])
            return shares if len(addresses) == targets else None

        return eventually(whole, what="every target once")


class DiskTest(FaultTest):
    def test_a_full_disk_holds_up_nothing_and_is_retried(self):
        # What is written beside the list before it replaces it meets /dev/full.
        state = self.folder / "state"
        state.mkdir()
        (state / "members.new").symlink_to("/dev/full")
        self.write_config(state_dir=str(state))
        allocator = self.allocator()
        self.served(allocator, ["c0"])
        eventually(lambda: "No space left" in allocator.log(), what="it is said")
        self.served(allocator, ["c0", "c1"])
        self.assertEqual(allocator.get("/readyz").status, 200)
        self.assertFalse((state / "members").exists())
        self.assertEqual(allocator.log().count("not remembered"), 1)

        (state / "members.new").unlink()
        self.served(allocator, ["c0", "c1", "c2"])
        eventually(lambda: (state / "members").read_text().splitlines()[1:] ==
                   ["c0", "c1", "c2"], what="the members saved")
        eventually(lambda: "remembered again" in allocator.log())

    def test_a_state_dir_that_cannot_be_made_ends_the_start(self):
        self.write("file", "no folder")
        self.write_config(state_dir=str(self.folder / "file/state"))
        code, _, err = self.run_command(f"--config-file={self.folder}/ta.yaml",
                                        "--listen-addr=127.0.0.1:0")
        self.assertEqual(code, 3)
        self.assertIn("state_dir", err)


class ClockTest(FaultTest):
    def shim(self):
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise unittest.SkipTest("no C compiler for the clock")
        source = self.folder / "clock.c"
        source.write_text(CLOCK_SHIM)
        library = self.folder / "clock.so"
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"],
                       check=True)
        return library

    def test_a_stepping_clock_moves_no_target_and_loses_no_change(self):
        offset = self.write("offset", "0")
        env = {**os.environ, "LD_PRELOAD": str(self.shim()), "CLOCK_OFFSET": str(offset),
               "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
               ":verify_asan_link_order=0"}
        self.write_config(collectors={"polling": {"poll_timeout": "20s"}},
                          state_dir=str(self.folder / "state"))
        (self.folder / "state").mkdir()
        self.write("state/members", "target-allocator members 1\nc0\nc1\n")
        allocator = self.allocator(env=env).wait_ready()
        before = self.served(allocator, ["c0", "c1"])
        for step in [86_400, -86_400, 10 * 365 * 86_400, -3600]:
            self.write("offset", str(step))
            year = time.gmtime(time.time() + step).tm_year
            eventually(lambda: f" {year} " in allocator.get("/livez").headers["Date"],
                       what=f"the clock {step} s off")
            # Longer than any interval of the service.
            end = time.monotonic() + 0.5
            while time.monotonic() < end:
                for name, share in before.items():
                    self.assertEqual(self.poll(allocator, name), (200, share), step)
                time.sleep(0.05)
            self.assertEqual(allocator.get("/readyz").status, 200)
        targets = [{"targets": [f"t{i}:1"]} for i in range(20)] + [{"targets": ["new:1"]}]
        self.write("targets.json", targets)
        self.served(allocator, ["c0", "c1"], 21)


class ClientTest(FaultTest):
    def test_fifty_who_do_not_read_cost_no_more_than_the_budget(self):
        # 20 MB for all collectors: the fifty would hold a gigabyte.
        self.write_config(collectors={"static": ["c0", "c1"]})
        labels = {"long": "x" * 1000}
        self.write("targets.json", [
            {"targets": [f"t{i}:1" for i in range(20_000)], "labels": labels}])
        allocator = self.allocator().wait_ready()
        size = len(allocator.get("/jobs/web/targets").body)
        self.assertGreater(size, 20_000_000)
        resident = allocator.metric("process_resident_memory_bytes")
        sockets = []
        for _ in range(50):
            client = socket.create_connection(("127.0.0.1", allocator.port))
            self.addCleanup(client.close)
            client.sendall(b"GET /jobs/web/targets HTTP/1.1\r\nHost: x\r\n\r\n")
            sockets.append(client)
        eventually(lambda: allocator.metric("target_allocator_bodies_refused_total") >= 30,
                   what="refused")
        grown = allocator.metric("process_resident_memory_bytes") - resident
        print(f"resident {resident / 2**20:.0f} MiB before, and {grown / 2**20:.0f} MiB more")
        # The budget, and what sanitizers or malloc add.
        self.assertLess(grown, 400 * 2**20)
        answer = allocator.get("/jobs/web/targets")
        self.assertEqual(answer.status, 503)
        self.assertIn("Retry-After", answer.headers)
        self.assertIn("error", json.loads(answer.body))
        for name in ["c0", "c1"]:
            self.assertEqual(self.poll(allocator, name)[0], 200)
        self.assertEqual(allocator.get("/readyz").status, 200)
        for client in sockets:
            client.close()
        eventually(lambda: allocator.get("/jobs/web/targets").status == 200,
                   what="room again")


class Scraper(threading.Thread):
    """Polls under one name without a pause; keeps each answer that it gets."""

    def __init__(self, test, allocator_port, name):
        super().__init__(daemon=True)
        self.test, self.port, self.collector = test, allocator_port, name
        self.answers = []  # (status, addresses)
        self.ending = False

    def get(self, path, **more):
        return harness.request(self.port, path, timeout=5, **more)

    def run(self):
        while not self.ending:
            try:
                self.answers.append(self.test.poll(self, self.collector))
            except (OSError, harness.http.client.HTTPException, ValueError):
                pass
            time.sleep(0.01)


class RestartTest(FaultTest):
    RESTARTS = 200
    SECONDS = 40  # fewer restarts where a sanitizer makes each slow

    def test_two_hundred_restarts_under_polling_lose_nothing(self):
        names = ["c0", "c1", "c2"]
        self.write_config(state_dir=str(self.folder / "state"))
        allocator = self.allocator().wait_ready()
        expected = self.served(allocator, names)
        eventually(lambda: (self.folder / "state/members").read_text().count("c") >= 3)
        scrapers = [Scraper(self, allocator.port, name) for name in names]
        for scraper in scrapers:
            scraper.start()
        begun = time.monotonic()
        restarts = 0
        while restarts < self.RESTARTS and time.monotonic() - begun < self.SECONDS:
            allocator.kill()
            allocator = harness.Allocator(self.folder, allocator.config,
                                          port=allocator.port)
            self.addCleanup(allocator.stop)
            # Half of them are killed before they are ready.
            if restarts % 2:
                allocator.wait_ready()
            restarts += 1
        allocator.wait_ready()
        for scraper in scrapers:
            done = len(scraper.answers)
            eventually(lambda s=scraper, n=done: len(s.answers) > n + 3)
            scraper.ending = True
        for scraper in scrapers:
            scraper.join(10)
            good = [share for status, share in scraper.answers if status == 200]
            bad = {status for status, _ in scraper.answers} - {200}
            self.assertLessEqual(bad, {503})
            self.assertGreater(len(good), restarts / 4)
            for share in good:
                self.assertEqual(share, expected[scraper.collector])
        print(f"{restarts} restarts in {time.monotonic() - begun:.0f} s")
        self.assertGreater(restarts, 20)


if __name__ == "__main__":
    harness.main()
