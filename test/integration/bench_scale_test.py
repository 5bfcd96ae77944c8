"""bench/scale.py goes on working, and verifies what a large fleet is served; what it
has started ends with it."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, str(ROOT / "bench/scale.py"), "--binary", harness.BINARY,
           "--quick"]


class BenchScaleTest(unittest.TestCase):
    def test_each_part_serves_what_is_right(self):
        done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=200,
                              stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for starts in ("half pods, half endpoints", "5,000 pods, 500 collectors",
                       "a job of 20,000 pods", "100 jobs of 40 pods"):
            self.assertIn(starts, done.stdout)
        self.assertEqual(done.stdout.count("start → ready"), 6)
        for event in ("joins", "leaves"):
            self.assertIn(f"a collector {event} → seen in what is served", done.stdout)
        self.assertIn("one job's scrape interval changed", done.stdout)
        for role, labels in [("pod", 44), ("endpointslice", 73)]:
            found = done.stdout.partition(f"| role {role}, 2,000 targets")[2]
            self.assertRegex(found, r"^.*\n.*\n\| labels a target in the mean, "
                             rf"those of \d+ compared .* \| {labels}.0 \|\n")

    def test_ended_by_a_signal_it_leaves_neither_process_nor_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            with subprocess.Popen(
                    [*COMMAND, "jobs"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                    stdin=subprocess.DEVNULL, text=True,
                    env={**os.environ, "TMPDIR": folder}) as script:
                while "start → ready" not in (line := script.stdout.readline()):
                    self.assertTrue(line, "it ended before")
                pid = script.pid
                child = int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text())
                self.assertNotEqual(os.listdir(folder), [])
                script.send_signal(signal.SIGTERM)
                self.assertEqual(script.wait(60), 128 + signal.SIGTERM)
            self.assertEqual(os.listdir(folder), [])
            with self.assertRaises(ProcessLookupError):
                os.kill(child, 0)


if __name__ == "__main__":
    harness.main()
