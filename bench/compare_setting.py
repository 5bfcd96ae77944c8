"""What two allocators are compared on: files, a configuration and collectors that
both are given alike, and the allocator as a process that both are in turn."""

import collections
import contextlib
import json
import pathlib
import statistics
import tempfile
import time

import collector_pods
import measure
from measure import JOB
from target_files import TargetFiles

# One of the two: its name in the table, its binary, its flags beyond the common ones.
Side = collections.namedtuple("Side", "name binary flags")

# One line of the table: what was measured, in which unit ("s", "MiB", "×", "targets",
# "s a minute"), its samples, which of all rounds' samples stands for them, and whether
# the two sides' are compared.
Row = collections.namedtuple("Row", "what unit samples pick compared",
                             defaults=[statistics.median, True])


class Subject(measure.Allocator):
    """An allocator, ours or another, seen from outside only: it is asked in the same
    way, and nothing is expected of it but the flags, the file and the API."""

    def begin(self):
        """Starts it; when that was."""
        begun = time.perf_counter()
        self.start()
        return begun

    def look(self, targets, job=JOB):
        """What all collectors together are answered: `all`, or else `refused`, `error`,
        `empty` (200 and no target) or `partial`."""
        served = 0
        try:
            connection = self.connect()
            with contextlib.closing(connection):
                for collector in self.collectors:
                    status, _, body = self.ask(connection, collector, job=job)
                    if status != 200:
                        return "error"
                    served += body.count(b'"targets":')
        except OSError:
            return "refused"
        return "all" if served == targets else "partial" if served else "empty"

    def wait_all(self, jobs, within=120):
        """Until each of `jobs` (name to number of targets) is served; how many seconds
        of that look() had which answer. So seldom that asking costs next to nothing."""
        spent = collections.Counter()
        last, end = time.monotonic(), time.monotonic() + within
        for job, targets in jobs.items():
            kind = ""
            while kind != "all":
                self.alive()
                kind = self.look(targets, job)
                now = time.monotonic()
                if now > end:
                    raise TimeoutError(f"not all are served after {within} s: {kind}")
                spent[kind] += now - last
                last = now
                if kind != "all":
                    time.sleep(0.02)
        return spent


class Given:
    """A folder with targets in files and FOLDER/ta.yaml, for both sides the same bytes.
    `sets` is job to (targets, files, labels); `more` are keys of the configuration, and
    `scrape` of each job."""

    def __init__(self, setting, sets, collectors, more=None, scrape=None):
        self.setting, self.collectors = setting, collectors
        self._folder = tempfile.TemporaryDirectory(prefix="ta-compare-")
        self.folder = pathlib.Path(self._folder.name)
        self.jobs = {job: targets for job, (targets, _, _) in sets.items()}
        self.files = {job: TargetFiles(self.folder / f"sd-{job}", *of)
                      for job, of in sets.items()}
        (self.folder / "ta.yaml").write_text(json.dumps({
            "collector_namespace": collector_pods.NAMESPACE,
            "collector_selector": {"matchLabels": collector_pods.LABELS},
            "allocation_strategy": "consistent-hashing",
            "filter_strategy": "relabel-config",
            **(more or {}),
            "config": {"scrape_configs": [
                {**files.scrape_config(job), **(scrape or {}).get(job, {})}
                for job, files in self.files.items()]},
        }))

    def names(self):
        return [collector_pods.name(i) for i in range(self.collectors)]

    @contextlib.contextmanager
    def subject(self, side):
        """Not started yet; with new collectors."""
        self.setting.pods.reset(self.collectors)
        flags = [f"--kubeconfig-path={self.setting.pods.kubeconfig}", *side.flags]
        subject = Subject(side.binary, self.folder, flags, self.names())
        try:
            yield subject
        finally:
            subject.stop()

    @contextlib.contextmanager
    def serving(self, side):
        """Started, and everything is served."""
        with self.subject(side) as subject:
            subject.start()
            subject.wait_all(self.jobs)
            yield subject

    def close(self):
        self._folder.cleanup()


class Setting:
    """The pods and the options of a comparison."""

    def __init__(self, pods, arguments):
        self.pods, self.arguments = pods, arguments
        self.quick, self.sizes = arguments.quick, arguments.targets
        self.collectors = arguments.collectors

    @contextlib.contextmanager
    def given(self, sets, collectors=None, **more):
        with contextlib.closing(
                Given(self, sets, collectors or self.collectors, **more)) as given:
            yield given
