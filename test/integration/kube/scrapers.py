"""Collectors that keep asking, as HTTP service discovery does: an error keeps what
they had, a 200 replaces it. Shows that nothing was lost at any moment."""

import http.client
import json
import threading
import time
import urllib.parse


class Scrapers:
    """A thread for each name polls the jobs every `every` seconds until stop().
    After it, lost() tells what nobody would have scraped, and when."""

    def __init__(self, port, names, jobs, every=0.1, refresh_seconds=1):
        self._port, self._jobs, self._every = port, list(jobs), every
        self._headers = {
            "X-Prometheus-Refresh-Interval-Seconds": str(refresh_seconds)
        }
        self._lock = threading.Lock()  # guards what follows
        self._answers = []  # (time, collector, job, status, addresses or None)
        self._stopping = {}
        self._threads = {}
        for name in names:
            self.add(name)

    def add(self, name):
        """One more collector, or one that has started again."""
        stopping = self._stopping[name] = threading.Event()
        thread = threading.Thread(target=self._run, args=(name, stopping), daemon=True)
        self._threads[name] = thread
        thread.start()

    def remove(self, name):
        """As if its process had ended: from now on it scrapes nothing."""
        self._stopping.pop(name).set()
        self._threads.pop(name).join(10)
        with self._lock:
            for job in self._jobs:
                self._answers.append((time.monotonic(), name, job, 0, frozenset()))

    def stop(self):
        for stopping in self._stopping.values():
            stopping.set()
        for thread in self._threads.values():
            thread.join(10)

    def answers(self, since=0.0, first=0):
        """Those from the time `since` on, but for as many as `first` says."""
        with self._lock:
            return [answer for answer in self._answers[first:] if answer[0] >= since]

    def shares(self):
        """By job and collector: what each scrapes now."""
        now = {}
        for _, name, job, status, addresses in self.answers():
            if status in (0, 200):
                now[job, name] = addresses
        return now

    def lost(self, job, expected, since=0.0):
        """For each of `expected` the longest time from `since` on (0.0: from the
        moment that everything was scraped) that nobody scraped it, where there
        was one: address -> seconds."""
        expected = set(expected)
        has, missing_since, longest = {}, {}, {}
        complete = since > 0.0
        last = since
        for at, name, its_job, status, addresses in self.answers():
            if its_job != job or status not in (0, 200):
                continue
            has[name] = addresses
            last = at
            if at < since:
                continue
            scraped = frozenset().union(*has.values())
            if not complete:
                complete = expected <= scraped
                continue
            for address in expected & scraped & missing_since.keys():
                gap = at - missing_since.pop(address)
                longest[address] = max(gap, longest.get(address, 0.0))
            for address in expected - scraped:
                missing_since.setdefault(address, at)
        if not complete:
            raise AssertionError(f"{job}: {sorted(expected)} were never all scraped")
        for address, began in missing_since.items():
            longest[address] = max(last - began, longest.get(address, 0.0))
        return longest

    def _run(self, name, stopping):
        connection = None
        had = {}  # by job; an equal set is kept only once
        while not stopping.is_set():
            for job in self._jobs:
                path = f"/jobs/{urllib.parse.quote_plus(job)}/targets?collector_id={name}"
                status, addresses = -1, None
                try:
                    connection = connection or http.client.HTTPConnection(
                        "127.0.0.1", self._port, timeout=10
                    )
                    connection.request("GET", path, headers=self._headers)
                    answer = connection.getresponse()
                    status, body = answer.status, answer.read()
                    if status == 200:
                        addresses = frozenset(g["targets"][0] for g in json.loads(body))
                        if addresses == had.get(job):
                            addresses = had[job]
                        had[job] = addresses
                except (OSError, http.client.HTTPException):
                    if connection is not None:
                        connection.close()
                    connection = None
                with self._lock:
                    self._answers.append(
                        (time.monotonic(), name, job, status, addresses)
                    )
            stopping.wait(self._every)
        if connection is not None:
            connection.close()
