"""bench/serving.py goes on working: every part, smaller and shorter, each poll
answered, and rightly."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOAD = os.environ.get("TA_POLL_LOAD", str(ROOT / "build/release/bench/poll_load"))


class BenchServingTest(unittest.TestCase):
    def test_each_part_is_answered_without_an_error(self):
        done = subprocess.run(
            [sys.executable, str(ROOT / "bench/serving.py"), "--binary", harness.BINARY,
             "--load", LOAD, "--quick", "--rate=500", "--seconds=2", "--connections=100"],
            capture_output=True, text=True, timeout=150, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        table = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:]]
        rows = {what: figure for what, figure in table}
        # The highest rate may be none that was tried, on a busy machine.
        limit = rows.pop("983 targets an answer, the highest rate with p99 below 5 ms")
        self.assertRegex(limit, r" polls a second, |^not found$")
        polled = {what: figure for what, figure in rows.items()
                  if " polls a second, " in figure}
        self.assertEqual(len(polled), 6, done.stdout)
        for what, figure in polled.items():
            self.assertIn(", 0 errors", figure, what)
            unchanged = "100%" if what.endswith("by ETag") else "0%"
            self.assertIn(f" {unchanged} are 304", figure, what)
        self.assertIn("0 targets an answer, `[]`, 100 connections", polled)
        self.assertTrue(any(re.match(r"a target changed → served, \d+ changes", what)
                            for what in rows), done.stdout)


if __name__ == "__main__":
    harness.main()
