"""bench/compare.py goes on working: our own binary beside itself, and beside what is
no allocator."""

import pathlib
import subprocess
import sys
import unittest

import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]
# By what the first row of each part says.
PARTS = ["start, ", "a change ", "fullest collector ", "resident, ", "an answer ",
         "CPU at ", "killed "]


def run(*arguments, within=240):
    return subprocess.run(
        [sys.executable, str(ROOT / "bench/compare.py"), "--binary", harness.BINARY,
         *arguments],
        capture_output=True, text=True, timeout=within, stdin=subprocess.DEVNULL)


def rows(done):
    """What was measured, ours, the peer's and the ratio, of each line of the table."""
    lines = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


class BenchCompareTest(unittest.TestCase):
    def test_beside_itself_all_is_measured_and_nobody_is_better(self):
        done = run("--peer", harness.BINARY, "--quick")
        self.assertEqual(done.returncode, 0, done.stderr)
        table = rows(done)
        self.assertNotIn("failed", done.stdout)
        for part in PARTS:
            self.assertTrue(any(row[0].startswith(part) for row in table), done.stdout)
        # What depends neither on time nor on who else uses the machine.
        exact = [row for row in table
                 if row[0].startswith("fullest") or row[0].endswith("over the minimum")
                 or row[0].endswith("have another owner")]
        self.assertEqual(len(exact), 5, done.stdout)
        for row in exact:
            self.assertEqual(row[3], "1", row)
        self.assertIn(["— `200 []`, and drops its targets, for", "0 s", "0 s", "1"], table)

    def test_a_peer_that_ends_is_a_row_that_says_so(self):
        done = run("--peer", "/bin/false", "--quick", "--targets", "100", "start")
        self.assertEqual(done.returncode, 0, done.stderr)
        table = rows(done)
        self.assertEqual(len(table), 6, done.stdout)
        for _, ours, peer, ratio in table:
            self.assertNotIn("failed", ours)
            self.assertEqual(peer, "failed: ended with 1: no log")
            self.assertEqual(ratio, "–")

    def test_without_a_peer_it_says_what_is_missing(self):
        for said in ([], ["--peer", "/nowhere"]):
            done = run(*said)
            self.assertEqual(done.returncode, 2)
            self.assertIn("--peer", done.stderr)
        done = subprocess.run(["make", "-s", "-C", str(ROOT), "bench-compare"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("PEER=", done.stderr)


if __name__ == "__main__":
    harness.main()
