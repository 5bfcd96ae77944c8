"""Collectors in a real cluster, as far as an allocator sees them: for every pod
that runs, a scraper under its name, from when it has an address until its object
is gone. A pod that is told to end goes on scraping until the allocator serves it
nothing more, as with a preStop hook that asks for that, and only then ends."""

import http.client
import threading
import time

import api
import scrapers

HOLD = "test/terminating"


class Fleet:
    """Pods of `namespace` with the label app=`app`, whose templates are annotated
    with HOLD: "hold". stop() ends it."""

    def __init__(self, call, namespace, app, allocator, jobs):
        self._call, self._allocator = call, allocator
        self._path = f"/api/v1/namespaces/{namespace}/pods"
        self._query = f"?labelSelector=app%3D{app}"
        self.polling = scrapers.Scrapers(allocator.port, [], jobs)
        self.dead_nodes = set()  # whose processes have ended without a word
        self._uids = {}  # of who polls, by name
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self):
        self._stopping.set()
        self._thread.join(30)
        self.polling.stop()

    def pods(self):
        return {
            pod["metadata"]["name"]: pod
            for pod in self._call("GET", self._path + self._query)["items"]
        }

    def ready(self):
        """Names of those that are ready and stay."""
        return sorted(
            name
            for name, pod in self.pods().items()
            if "deletionTimestamp" not in pod["metadata"]
            and any(
                condition["type"] == "Ready" and condition["status"] == "True"
                for condition in pod["status"].get("conditions", [])
            )
        )

    def _run(self):
        self._follow_until_stopped()
        self._call.close()  # this thread's connection

    def _follow_until_stopped(self):
        while not self._stopping.wait(0.05):
            try:
                self._follow(self.pods())
            except (OSError, AssertionError, http.client.HTTPException):
                pass  # somebody is away; processes run on
            except api.Refused as refused:
                if refused.status not in (404, 409, 503):
                    raise

    def _follow(self, pods):
        runs = {
            name: pod["metadata"]["uid"]
            for name, pod in pods.items()
            if pod["status"].get("phase") == "Running"
            and pod["spec"].get("nodeName") not in self.dead_nodes
        }
        for name, uid in list(self._uids.items()):
            if runs.get(name) != uid:
                self.polling.remove(name)
                del self._uids[name]
        for name, uid in runs.items():
            if name not in self._uids:
                self._uids[name] = uid
                self.polling.add(name)
        ending = [n for n, p in pods.items() if "deletionTimestamp" in p["metadata"]]
        if not ending:
            return
        members = {
            member["name"]: member
            for member in self._allocator.status()["collectors"]["members"]
        }
        # Where nobody is left to take them over, targets are nobody's reason to stay.
        is_served = any(m["state"] in ("live", "grace") for m in members.values())
        for name in ending:
            pod, member = pods[name], members.get(name)
            if pod["metadata"].get("annotations", {}).get(HOLD) != "hold":
                continue
            if is_served and member and member.get("pod_uid") == pod["metadata"]["uid"]:
                if member["state"] != "drained" or not self._took_it(name):
                    continue
            self._call(
                "PATCH",
                f"{self._path}/{name}",
                {"metadata": {"annotations": {HOLD: None}}},
                api.MERGE,
            )

    def _took_it(self, name):
        """Its own last answer was an empty list, too."""
        shares = self.polling.shares()
        return not any(
            addresses for (_, who), addresses in shares.items() if who == name
        )


def wait_until(moment):
    time.sleep(max(0.0, moment - time.monotonic()))
