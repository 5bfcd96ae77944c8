#!/usr/bin/env python3
"""A stand-in for the API server of a cluster with a fleet of fleet.py: pods, services
and EndpointSlices. bench/kubernetes.py measures with the real one, which does not go
so far here: its etcd takes minutes to be filled with 100,000 pods, and a million are
more than it can hold.

    bench/pods_server.py TARGETS    an address on standard output, then commands

What it does is what the real one does to a client that lists and watches:

- Lists come in pages, by `limit` and `continue`, in the order of their keys, each with
  a resource version; another list continues where the token says.
- A watch is events, a line each, in chunks: MODIFIED for each change after its
  resource version, BOOKMARK each minute if asked for, and an end after
  `timeoutSeconds`. A version of which the changes are no longer known is 410 Gone.
- `sendInitialEvents` is refused with 422, as where the feature WatchList is off
  (ValidateListOptions in k8s.io/apimachinery): the client lists instead.

It knows no selectors, no namespaces of a request, no TLS and no credentials, and says
so with 400 to what it can't do. A line `CHANGE ADDRESS VALUE` on standard input gives
the pod another version label; the answer, a line, is when the event began to be
written to the watch, by time.perf_counter().
"""

import bisect
import collections
import http.server
import itertools
import json
import subprocess
import sys
import threading
import time
import urllib.parse

import fleet
import fleet_objects

KINDS = {"/api/v1/pods": ("pods", "Pod", "v1"),
         "/api/v1/services": ("services", "Service", "v1"),
         "/apis/discovery.k8s.io/v1/endpointslices":
             ("endpointslices", "EndpointSlice", "discovery.k8s.io/v1")}
KNOWN_CHANGES = 2_000  # for a watch that begins anew
BOOKMARK_SECONDS = 60


class Listing:
    """One resource of the fleet, in the order of its keys."""

    def __init__(self, resource, applications, version_of):
        self._resource, self._version_of = resource, version_of
        self._applications = applications
        count = fleet_objects.Objects.COUNTS[resource]
        self._ends = list(itertools.accumulate(map(count, applications)))
        self._last = None, []  # an application stands in several pages
        self._lock = threading.Lock()

    def __len__(self):
        return self._ends[-1]

    def _texts(self, number):
        if self._last[0] != number:
            objects = fleet_objects.Objects(self._applications[number], self._version_of)
            self._last = number, getattr(objects, self._resource)()
        return self._last[1]

    def page(self, begin, limit):
        """Texts of so many objects, of fewer at the end."""
        texts = []
        with self._lock:
            number = bisect.bisect(self._ends, begin)
            while len(texts) < limit and number < len(self._ends):
                of_one = self._texts(number)
                begin_of_one = self._ends[number] - len(of_one)
                skip = max(0, begin - begin_of_one)
                texts += of_one[skip:skip + limit - len(texts)]
                number += 1
        return texts


class Change:
    """An event of pods, and when it was written to a watch."""

    def __init__(self, version, line):
        self.version, self.line = version, line
        self.begun, self.written = None, threading.Event()


class Cluster:
    """The fleet and its changes. Thread-safe."""

    def __init__(self, targets):
        self._fleet = fleet.Fleet(targets)
        # As keys sort: "a-1" stands before "a-10", as '-' is below the digits.
        ordered = sorted(self._fleet.applications,
                         key=lambda each: (each.namespace, each.name + "-"))
        self._versions = {}  # of changed pods, by number
        self.listings = {resource: Listing(resource, ordered, self._versions.get)
                         for resource in fleet_objects.Objects.COUNTS}
        self._changes = collections.deque(maxlen=KNOWN_CHANGES)
        self._changed = threading.Condition()
        self._watches = 0  # of pods
        self.resource_version = 1_000

    def change(self, address, value):
        """Another version label of the pod; when a watch of pods was told."""
        application, index = self._fleet.at(address)
        pod = next(itertools.islice(application.pods(), index, None))
        self._versions[application.first + index] = value
        with self._changed:
            while not self._watches:
                if not self._changed.wait(60):
                    raise TimeoutError("nobody watches pods")
            version = self.resource_version + 1
            text = fleet_objects.Objects(application, self._versions.get).pod(pod, version)
            change = Change(version, (
                '{"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1",'
                + text[1:] + "}\n").encode())
            self._changes.append(change)
            self.resource_version = version
            self._changed.notify_all()
        if not change.written.wait(60):
            raise TimeoutError(f"the change of {address} was not written")
        return change.begun

    def knows(self, version):
        """Are all changes after it still there?"""
        with self._changed:
            kept = self._changes[0].version if self._changes else self.resource_version + 1
            return kept <= version + 1 <= self.resource_version + 1

    def watch(self, resource, version, seconds):
        """Yields changes after the version as they come, and each BOOKMARK_SECONDS
        without one the version that it has come to, until so many seconds are over."""
        end, of_pods = time.monotonic() + seconds, resource == "pods"
        with self._changed:
            self._watches += of_pods
            self._changed.notify_all()
        try:
            while (left := end - time.monotonic()) > 0:
                with self._changed:
                    # The others never change.
                    self._changed.wait_for(
                        lambda: of_pods and self.resource_version > version,
                        min(left, BOOKMARK_SECONDS))
                    news = list(itertools.takewhile(
                        lambda change: change.version > version,
                        reversed(self._changes))) if of_pods else []
                    version = self.resource_version
                yield from reversed(news)
                if not news:
                    yield version
        finally:
            with self._changed:
                self._watches -= of_pods


def _status(code, reason, message):
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    cluster = None

    def log_message(self, *_):
        pass

    def _answer(self, code, body):
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, code, reason, message):
        self._answer(code, json.dumps(_status(code, reason, message)).encode())

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path not in KINDS:
            return self._refuse(404, "NotFound", "the server could not find it")
        if unknown := query.keys() & {"labelSelector", "fieldSelector"}:
            return self._refuse(400, "BadRequest", f"not supported: {unknown}")
        if "sendInitialEvents" in query:
            return self._refuse(
                422, "Invalid", 'ListOptions.meta.k8s.io "" is invalid: '
                "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch "
                "unless the WatchList feature gate is enabled")
        try:
            if query.get("watch") in ("1", "true"):
                return self._watch(*KINDS[url.path], query)
            return self._list(*KINDS[url.path], query)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _list(self, resource, kind, version, query):
        # A token is the version of the list that it goes on with, and where.
        at, begin = map(int, query.get(
            "continue", f"{self.cluster.resource_version}.0").split("."))
        listing = self.cluster.listings[resource]
        limit = int(query.get("limit", 0)) or len(listing)
        metadata = {"resourceVersion": str(at)}
        if (left := len(listing) - begin - limit) > 0:
            metadata.update({"continue": f"{at}.{begin + limit}",
                             "remainingItemCount": left})
        head = json.dumps({"kind": f"{kind}List", "apiVersion": version,
                           "metadata": metadata})
        texts = ",".join(listing.page(begin, limit))
        self._answer(200, f'{head[:-1]},"items":[{texts}]}}'.encode())

    def _chunk(self, line):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def _watch(self, resource, kind, version, query):
        begin = int(query["resourceVersion"])
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if not self.cluster.knows(begin):
            gone = _status(410, "Expired", f"too old resource version: {begin}")
            self._chunk(json.dumps({"type": "ERROR", "object": gone}).encode() + b"\n")
            return self._chunk(b"")
        bookmarks = query.get("allowWatchBookmarks") == "true"
        for change in self.cluster.watch(resource, begin,
                                         int(query.get("timeoutSeconds", 1_800))):
            if isinstance(change, Change):
                change.begun = change.begun or time.perf_counter()
                self._chunk(change.line)
                change.written.set()
            elif bookmarks:
                self._chunk(json.dumps({"type": "BOOKMARK", "object": {
                    "kind": kind, "apiVersion": version, "metadata": {
                        "resourceVersion": str(change)}}}).encode() + b"\n")
        self._chunk(b"")


class PodsServer:
    """The process, for a measurement; `with` starts it and ends it."""

    def __init__(self, targets):
        self._targets = targets

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(self._targets)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.address = self._process.stdout.readline().strip()
        if not self.address:
            raise RuntimeError("bench/pods_server.py ended")
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

    def change(self, address, value):
        """Another version label of the pod with this address; when that was told."""
        self._process.stdin.write(f"CHANGE {address} {value}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


def main():
    Handler.cluster = Cluster(int(sys.argv[1]))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"127.0.0.1:{server.server_port}", flush=True)
    # Ends with who has started it.
    for line in sys.stdin:
        _, address, value = line.split()
        print(Handler.cluster.change(address, value), flush=True)


if __name__ == "__main__":
    main()
