"""Files as the OpenTelemetry Operator renders them into its ConfigMap, for what its
documentation shows and its own tests install: loaded as they are, without a word
that the Go allocator would not say."""

import json
import os
import pathlib

import harness

FILES = pathlib.Path(__file__).resolve().parents[1] / "testdata/operator"

# What we warn of and the Go allocator doesn't: what isn't there, and two things
# that it takes otherwise.
NOT_THERE = "not implemented"
# It ends the start on a file without scrape configs and without custom resources.
NO_JOBS = "there are no scrape configs"
# It takes every pod of the namespace for a collector then; here none is one.
NO_SELECTOR = "collector_selector"


class OperatorFileTest(harness.PeerTest):
    def check(self, path):
        """What `check` says, in the environment that the operator gives, and with
        what the custom resource's `env` names."""
        environment = {**os.environ, "OTELCOL_NAMESPACE": "metrics", "API_KEY": "key"}
        code, out, err = self.run_command(
            "check", "--format=json", path, env=environment
        )
        return code, json.loads(out)[0], err

    def test_each_is_valid_and_has_no_unknown_key(self):
        files = sorted(FILES.glob("*.yaml"))
        self.assertGreater(len(files), 10)
        for path in files:
            with self.subTest(file=path.name):
                code, answer, _ = self.check(path)
                self.assertEqual(answer["mistakes"], [])
                self.assertEqual(code, 0)

    def test_nothing_is_warned_of_that_is_right(self):
        for path in sorted(FILES.glob("*.yaml")):
            text = path.read_text()
            with self.subTest(file=path.name):
                for warning in self.check(path)[1]["warnings"]:
                    if NOT_THERE in warning:
                        continue
                    if NO_JOBS in warning:
                        self.assertNotIn("job_name", text)
                        self.assertNotIn("prometheus_cr", text)
                        continue
                    self.assertIn(NO_SELECTOR, warning)
                    self.assertIn("collector_selector: null", text)


if __name__ == "__main__":
    harness.main()
