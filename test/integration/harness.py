"""The real binary and its real peers, for tests: starts them on loopback, waits
for what they do with a bound on each wait, and ends each by its own pid.

Only the standard library. The binary under test is in TARGET_ALLOCATOR.
"""

import asyncio
import collections
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

from ports import free_port

BINARY = os.environ.get("TARGET_ALLOCATOR", "build/release/target-allocator")


def eventually(check, within=30.0, every=0.05, what="the condition"):
    """Calls `check` until it returns something true and returns that. An
    AssertionError or a refused connection of `check` counts as not yet."""
    end = time.monotonic() + within
    last = None
    while True:
        try:
            value = check()
            if value:
                return value
            last = value
        except (AssertionError, OSError, http.client.HTTPException) as error:
            last = error
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {within} s; last: {last!r}")
        time.sleep(every)


Answer = collections.namedtuple("Answer", "status headers body")


def request(port, path, method="GET", headers=None, body=None, timeout=10):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


class Process:
    """A child with its output in a file; ended by pid at the latest by stop()."""

    def __init__(self, name, arguments, folder, env=None):
        self.name = name
        self.log_path = pathlib.Path(folder) / f"{name}.log"
        self._log = open(self.log_path, "ab")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [str(argument) for argument in arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=env,
        )

    def log(self):
        return self.log_path.read_text(errors="replace")

    def age(self):
        """Seconds since it was started."""
        return time.monotonic() - self.started

    def alive(self):
        return self.process.poll() is None

    def send(self, signal_number):
        self.process.send_signal(signal_number)

    def wait(self, timeout=15):
        return self.process.wait(timeout)

    def kill(self):
        """As if the machine had taken it: no time to say goodbye."""
        if self.alive():
            self.process.kill()
        self.process.wait()

    def stop(self, timeout=15):
        """Asks it to end, insists after `timeout`; its exit code."""
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
        code = self.process.wait()
        self._log.close()
        return code


class Allocator(Process):
    def __init__(self, folder, config, *flags, port=None, name="allocator", env=None):
        self.port = port or free_port()
        self.config = pathlib.Path(config)
        super().__init__(
            name,
            [
                BINARY,
                f"--config-file={config}",
                f"--listen-addr=127.0.0.1:{self.port}",
                *flags,
            ],
            folder,
            env,
        )

    def get(self, path, **more):
        return request(self.port, path, **more)

    def json(self, path):
        answer = self.get(path)
        if answer.status != 200:
            raise AssertionError(f"GET {path}: {answer.status} {answer.body!r}")
        return json.loads(answer.body)

    def wait_ready(self, within=30):
        def ready():
            assert self.alive(), f"it has ended:\n{self.log()}"
            return self.get("/readyz").status == 200

        eventually(ready, within, what=f"{self.name} ready")
        return self

    def status(self):
        return self.json("/api/v1/status")

    def metric(self, line_start):
        """The value of the one sample whose line begins so."""
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(line_start):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"no metric {line_start}")

    def addresses(self, job, collector):
        """What `collector` is served of `job`."""
        path = f"/jobs/{urllib.parse.quote_plus(job)}/targets?collector_id={collector}"
        return sorted(group["targets"][0] for group in self.json(path))


class Prometheus(Process):
    """Debian's Prometheus as a collector: HTTP SD on its own collector_id, and a
    parameter `scraper` on each scrape, by which the targets know it. With a
    `tls_config` it asks over HTTPS."""

    def __init__(
        self, folder, name, allocator_port, jobs, interval, refresh, tls_config=None
    ):
        self.name = name
        self.port = free_port()
        home = pathlib.Path(folder) / name
        home.mkdir()
        scheme = "https" if tls_config else "http"
        scrape_configs = [
            {
                "job_name": job,
                "params": {"scraper": [name]},
                "http_sd_configs": [
                    {
                        "url": f"{scheme}://127.0.0.1:{allocator_port}/jobs/{job}/targets"
                        f"?collector_id={name}&labels=relabeled",
                        "refresh_interval": refresh,
                        **({"tls_config": tls_config} if tls_config else {}),
                    }
                ],
            }
            for job in jobs
        ]
        config = {
            "global": {"scrape_interval": interval, "scrape_timeout": interval},
            "scrape_configs": scrape_configs,
        }
        (home / "prometheus.yml").write_text(json.dumps(config))
        super().__init__(
            name,
            [
                shutil.which("prometheus"),
                f"--config.file={home}/prometheus.yml",
                f"--storage.tsdb.path={home}/data",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--log.level=warn",
            ],
            folder,
        )

    def active(self):
        """The targets that it scrapes now: (address, health) by address."""
        answer = request(self.port, "/api/v1/targets?state=active")
        if answer.status != 200:
            raise AssertionError(f"{self.name}: HTTP {answer.status}")
        targets = json.loads(answer.body)["data"]["activeTargets"]
        return {target["labels"]["instance"]: target["health"] for target in targets}

    def query(self, expression):
        answer = request(
            self.port, "/api/v1/query?query=" + urllib.parse.quote_plus(expression)
        )
        if answer.status != 200:
            raise AssertionError(f"{self.name}: {answer.status} {answer.body!r}")
        return json.loads(answer.body)["data"]["result"]


class TargetServer:
    """Real targets: one HTTP listener for each, on its own 127.0.x.y address.
    Writes down when each is scraped and by whom (the parameter `scraper`)."""

    def __init__(self, count):
        self.port = free_port()
        self.names = [f"127.0.{1 + i // 200}.{1 + i % 200}:{self.port}" for i in range(count)]
        self._lock = threading.Lock()  # guards _scrapes
        self._scrapes = []
        self._loop = asyncio.new_event_loop()
        self._servers = []
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        if not started.wait(10):
            raise AssertionError("targets did not start")

    def tls_context(self, name):
        """Of a target that speaks TLS; None: it doesn't."""
        return None

    def _run(self, started):
        asyncio.set_event_loop(self._loop)

        async def listen():
            for name in self.names:
                address = name.split(":")[0]

                def handler(reader, writer, name=name):
                    return self._serve(name, reader, writer)

                self._servers.append(
                    await asyncio.start_server(
                        handler, address, self.port, ssl=self.tls_context(name)
                    )
                )
            started.set()

        self._loop.run_until_complete(listen())
        self._loop.run_forever()

    def answer(self, name, path, headers):
        """To a scrape of target `name`: the status line's end, the body, and who
        asks. On the loop's thread; `headers` by lower-case name."""
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
        body = b"# TYPE answered counter\nanswered_total 1\n"
        return b"200 OK", body, query.get("scraper", ["?"])[0]

    async def _serve(self, name, reader, writer):
        with (
            contextlib.closing(writer),
            contextlib.suppress(
                OSError, asyncio.IncompleteReadError, asyncio.CancelledError
            ),
        ):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                first, *rest = head.decode().splitlines()
                pairs = [line.partition(": ") for line in rest]
                headers = {key.lower(): value for key, _, value in pairs}
                status, body, scraper = self.answer(name, first.split(" ")[1], headers)
                with self._lock:
                    self._scrapes.append((time.monotonic(), name, scraper))
                writer.write(
                    b"HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (status, len(body), body)
                )
                await writer.drain()

    def scrapes(self, since=0.0, until=float("inf")):
        """(time, target, scraper) in order of time; times are time.monotonic()."""
        with self._lock:
            return [scrape for scrape in self._scrapes if since <= scrape[0] <= until]

    def scrapers(self, since=0.0, until=float("inf")):
        """Who scraped each target in that time: target -> set of scrapers."""
        found = {name: set() for name in self.names}
        for _, target, scraper in self.scrapes(since, until):
            found[target].add(scraper)
        return found

    def longest_gaps(self, since, until):
        """For each target the longest time without a scrape by anyone."""
        times = {name: [since] for name in self.names}
        for at, target, _ in self.scrapes(since, until):
            times[target].append(at)
        gaps = {}
        for target, series in times.items():
            series.append(until)
            gaps[target] = max(b - a for a, b in zip(series, series[1:]))
        return gaps

    def hand_over_gaps(self, moved, interval, since, until):
        """The longest gap of those that moved, and what it must be below for none
        of their scrapes to be missing: two intervals would be one. Those that
        stayed show how busy the machine is; what is really lost is lost for 5 s at
        least, as long as a scraper takes to act again."""
        gaps = self.longest_gaps(since, until)
        stayed = max(gap for target, gap in gaps.items() if target not in moved)
        longest = max(gaps[target] for target in moved)
        print(
            f"{len(moved)} of {len(gaps)} targets moved, longest gap of one that did "
            f"{longest:.2f} s, of another {stayed:.2f} s, intervals of {interval} s"
        )
        assert stayed < 5 + interval, "a target that should stay was lost"
        return longest, 0.9 * interval + max(stayed, interval)

    def stop(self):
        async def end():
            for server in self._servers:
                server.close()
            serving = asyncio.all_tasks() - {asyncio.current_task()}
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


class PeerTest(unittest.TestCase):
    """A temporary folder for each test; what is started in it ends with it, and
    when the test failed the processes' logs are shown."""

    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ta-integration-"))
        self.processes = []
        self.addCleanup(self._clean)

    def _clean(self):
        failed = not self._outcome.success
        for process in reversed(self.processes):
            process.stop()
        if failed:
            for process in self.processes:
                log = process.log()
                if isinstance(process, (Allocator, Prometheus)):
                    print(f"--- log of {process.name} (its end)\n{log[-4000:]}")
        shutil.rmtree(self.folder, ignore_errors=True)

    def own(self, process):
        """Ends `process` (anything with stop()) when the test ends."""
        self.processes.append(process)
        return process

    def write(self, name, text):
        """Writes a file of the test's folder as an editor would: whole, at once."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(text if isinstance(text, str) else json.dumps(text))
        fresh.replace(path)
        return path

    def volume(self, name, files):
        """A folder of texts by name as the kubelet mounts a ConfigMap or a Secret:
        all of them change at once, when a link does."""
        folder = self.folder / name
        version = f"..{len(list(folder.glob('..[0-9]*'))) + 1}"
        for file, text in files.items():
            self.write(f"{name}/{version}/{file}", text)
            if not (folder / file).is_symlink():
                (folder / file).symlink_to(f"..data/{file}")
        fresh = folder / "..data_tmp"
        fresh.symlink_to(version)
        fresh.rename(folder / "..data")

    def allocator(self, config="ta.yaml", *flags, **more):
        return self.own(Allocator(self.folder, self.folder / config, *flags, **more))

    def run_command(self, *arguments, **more):
        """Runs the binary to its end: exit code, standard output and error."""
        done = subprocess.run(
            [BINARY, *[str(argument) for argument in arguments]],
            capture_output=True,
            text=True,
            timeout=30,
            stdin=subprocess.DEVNULL,
            **more,
        )
        return done.returncode, done.stdout, done.stderr


def main():
    unittest.main(verbosity=2)


__all__ = [
    "Allocator", "BINARY", "PeerTest", "Process", "Prometheus", "TargetServer",
    "eventually", "free_port", "main", "request", "signal",
]
