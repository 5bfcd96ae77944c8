"""CPU profiles of the real binary: from its start, and of a process that is running
already; read as a person reads them, by google-pprof."""

import json
import re
import shutil
import subprocess
import unittest

import harness
from harness import eventually, signal

COLLECTORS = {"static": ["collector-0", "collector-1"]}


class ProfileTest(harness.PeerTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("google-pprof"):
            self.skipTest("needs google-pprof (scripts/deps.sh test)")
        self.version = 0
        self.write_targets()

    def write_targets(self):
        """20,000 targets, all of them others than before."""
        self.version += 1
        groups = [
            {"targets": [f"10.0.{i // 250}.{i % 250}:9100"], "labels": {"v": f"{self.version}-{i}"}}
            for i in range(20_000)
        ]
        self.write("targets.json", json.dumps(groups))

    def start(self, *flags, **settings):
        self.write(
            "ta.yaml",
            {
                "collectors": COLLECTORS,
                **settings,
                "config": {
                    "scrape_configs": [
                        {
                            "job_name": "web",
                            "file_sd_configs": [{"files": [f"{self.folder}/targets.json"]}],
                            "relabel_configs": [
                                {"source_labels": ["v"], "target_label": "version"}
                            ],
                        }
                    ]
                },
            },
        )
        return self.allocator("ta.yaml", *flags).wait_ready()

    def wait_begun(self, allocator, times=1):
        self.wait_for(allocator, "CPU profile")
        self.skip_if_sanitized(allocator)
        self.wait_for(allocator, "CPU profile begun", times)

    def skip_if_sanitized(self, allocator):
        if "has a sanitizer" in allocator.log():
            self.skipTest("a build with a sanitizer can't be profiled")

    def burn(self, allocator, seconds):
        """Has it work for so much of CPU time."""
        begin = allocator.metric("process_cpu_seconds_total ")

        def worked():
            self.write_targets()
            for collector in COLLECTORS["static"]:
                allocator.addresses("web", collector)
            return allocator.metric("process_cpu_seconds_total ") - begin > seconds

        eventually(worked, within=90, what=f"{seconds} s of CPU time")

    def wait_for(self, allocator, text, count=1):
        eventually(lambda: allocator.log().count(text) >= count, what=f"{text} in the log")

    def functions(self, path):
        """By function: samples in it and in what it calls."""
        done = subprocess.run(
            ["google-pprof", "--text", harness.BINARY, str(path)],
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )
        found = {}
        for line in done.stdout.splitlines():
            row = re.match(r"\s*\d+\s+[\d.]+%\s+[\d.]+%\s+(\d+)\s+[\d.]+%\s+(.+)", line)
            if row:
                found[row[2]] = int(row[1])
        self.assertTrue(found, done.stdout + done.stderr)
        return found

    def assert_says_what_was_done(self, path):
        functions = self.functions(path)
        # Not only who was interrupted, but also who had called: whole stacks.
        for caller in ["ta::Service::Run", "ta::Allocator::Apply", "ta::TargetSet::Apply"]:
            self.assertGreater(functions.get(caller, 0), 0, f"{caller}: {functions}")
        self.assertGreaterEqual(
            functions["ta::Service::Run"], functions["ta::Allocator::Apply"], functions
        )

    def test_from_the_start_to_the_end(self):
        path = self.folder / "start.prof"
        allocator = self.start(f"--profile={path}")
        self.wait_begun(allocator)
        self.burn(allocator, 2)
        self.assertEqual(allocator.stop(), 0)
        self.assertIn('msg="CPU profile written"', allocator.log())
        self.assert_says_what_was_done(path)

    def test_of_a_running_process(self):
        state = self.folder / "state"
        allocator = self.start(state_dir=str(state))
        allocator.send(signal.SIGUSR2)
        self.wait_begun(allocator)
        self.burn(allocator, 2)
        allocator.send(signal.SIGUSR2)
        self.wait_for(allocator, "CPU profile written")
        self.assert_says_what_was_done(state / "cpu.prof")
        # Again, and everything else goes on.
        allocator.send(signal.SIGUSR2)
        self.wait_begun(allocator, 2)
        self.assertEqual(allocator.stop(), 0)
        self.assertEqual(allocator.log().count("CPU profile written"), 2)

    def test_without_a_place_it_says_so_and_goes_on(self):
        allocator = self.start()
        allocator.send(signal.SIGUSR2)
        self.wait_for(allocator, "no CPU profile")
        self.skip_if_sanitized(allocator)
        self.assertIn("neither --profile nor state_dir is set", allocator.log())
        self.assertEqual(allocator.get("/readyz").status, 200)

    def test_an_unwritable_place_holds_up_nothing(self):
        allocator = self.start(f"--profile={self.folder}/none/p")
        self.skip_if_sanitized(allocator)
        self.assertIn("No such file or directory", allocator.log())
        self.assertEqual(allocator.get("/readyz").status, 200)


if __name__ == "__main__":
    unittest.main()
