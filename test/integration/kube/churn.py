"""Random changes of a zoo in a real cluster, each of which can be recognised in
the target groups that it changes."""

import collections

import api
import zoo

# kind: (source of its group, the part of its labels' names, the job that shows
# every object of the kind by itself)
GROUPS = {
    "Node": ("node", "node", "nodes"),
    "Pod": ("pod", "pod", "pods"),
    "Service": ("svc", "service", "services"),
    "Endpoints": ("endpoints", "endpoints", "endpoints"),
    "EndpointSlice": ("endpointslice", "endpointslice", "slices"),
    "Ingress": ("ingress", "ingress", "ingresses"),
}
KIND_OF_SOURCE = {source: kind for kind, (source, _, _) in GROUPS.items()}

# How often an object of a kind is changed.
WEIGHTS = {
    "Pod": 38,
    "EndpointSlice": 18,
    "Endpoints": 12,
    "Service": 10,
    "Ingress": 7,
    "Node": 4,
    "Namespace": 2,
    "ReplicaSet": 3,
    "Job": 3,
}

# A change is in a job's group once `label` has `value` there; None: once the
# group is gone.
Expected = collections.namedtuple("Expected", "job source label value")


def source_of(kind, ns, name):
    return "/".join(filter(None, (GROUPS[kind][0], ns, name)))


def annotation_label(part):
    return f"__meta_kubernetes_{part}_annotation_zoo_change"


def replaced(before, now):
    """A merge patch that makes the map `before` `now`."""
    return {**{key: None for key in before or {}}, **now}


class Churn:
    """The zoo as it is in the cluster, and what changes it. Not thread-safe but
    for load()."""

    def __init__(self, maker, call):
        self.zoo = maker
        self.call = call  # an api.Api
        self.objects = {kind: {} for kind in zoo.KINDS}  # by (namespace, name)
        self.made = collections.Counter()  # by kind and namespace, ever
        self.touches = 0
        self.done = collections.Counter()  # changes, by kind
        self.refused = []

    def load(self):
        """Creates everything, and says how many objects that are."""
        bodies = {kind: [] for kind in zoo.KINDS}
        for ns in zoo.NAMESPACES:
            bodies["Namespace"].append((ns, self.zoo.make("Namespace", ns, 0)))
        for kind, (_, _, namespaced, count) in zoo.KINDS.items():
            for _ in range(count):
                ns = self.zoo.one(*zoo.NAMESPACES) if namespaced else ""
                bodies[kind].append((ns, self._next(kind, ns)))
        for kind, made in bodies.items():
            self.call.all(lambda each, kind=kind: self._create(kind, *each), made)
        return sum(map(len, self.objects.values()))

    def change(self, n):
        """Makes change number n, and returns what is Expected of it."""
        kind = self.zoo.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        what = self.zoo.random.choices(
            ["labels", "spec", "status", "add", "delete", "recreate", "terminate"],
            [30, 25, 20, 8, 8, 5, 4],
        )[0]
        if kind == "Namespace":
            what = "labels"
        elif what == "terminate" and kind != "Pod":
            what = "spec"
        self.done[kind] += 1
        try:
            return getattr(self, "_" + what)(kind, n)
        except api.Refused as refused:
            # A validation that the zoo doesn't know; a few do no harm.
            self.refused.append(str(refused))
            return []

    def touch(self, source):
        """Makes those who watch the group's object look at it again, by a change
        that no label shows. False if it is gone."""
        kind = KIND_OF_SOURCE[source.split("/")[0]]
        *ns, name = source.split("/")[1:]
        self.touches += 1
        body = {"metadata": {"generateName": f"touched-{self.touches}-"}}
        try:
            self.call("PATCH", zoo.path(kind, "".join(ns), name), body, api.MERGE)
        except api.Refused as refused:
            if refused.status != 404:
                raise
            return False
        return True

    # --- Changes -----------------------------------------------------------------

    def _labels(self, kind, n):
        key = self._pick(kind)
        before = self.objects[kind][key]["metadata"]
        labels = self.zoo.labels()
        if kind == "EndpointSlice" and self.zoo.chance(80):
            labels["kubernetes.io/service-name"] = f"svc-{self.zoo.below(90)}"
        if kind == "Namespace":
            labels["kubernetes.io/metadata.name"] = key[1]
        annotations = self.zoo.annotations()
        meta = {
            "labels": replaced(before.get("labels"), labels),
            "annotations": replaced(before.get("annotations"), annotations),
        }
        return self._patch(kind, key, {"metadata": meta}, n)

    def _spec(self, kind, n):
        key = self._pick(kind)
        ns, current = key[0], self.objects[kind][key]
        if kind == "Endpoints":
            return self._patch(kind, key, {"subsets": self.zoo.subsets(ns)}, n)
        if kind == "EndpointSlice":
            content = self.zoo.slice_content(ns, current["addressType"])
            return self._patch(kind, key, content, n)
        if kind == "Ingress":
            spec = replaced(current["spec"], self.zoo.ingress_spec())
            return self._patch(kind, key, {"spec": spec}, n)
        if kind == "Service":
            ports = self.zoo.make(kind, ns, 0)["spec"].get("ports", [{"port": 80}])
            return self._patch(kind, key, {"spec": {"ports": ports}}, n)
        if kind == "Pod":
            container = current["spec"]["containers"][0]
            image = f"example.org/changed:{n}"
            spec = {"containers": [{"name": container["name"], "image": image}]}
            return self._patch(kind, key, {"spec": spec}, n, api.STRATEGIC)
        if kind in ("ReplicaSet", "Job"):
            by = "Deployment" if kind == "ReplicaSet" else "CronJob"
            owners = {"ownerReferences": self.zoo.owners(by)}
            return self._patch(kind, key, {"metadata": owners}, n)
        return self._labels(kind, n)

    def _status(self, kind, n):
        key = self._pick(kind)
        current = self.objects[kind][key]
        status = self.zoo.status(kind, current)
        if status is None:
            return self._spec(kind, n)
        if kind == "Pod" and self.zoo.chance(50):
            # Its readiness flaps, nothing else.
            status = {"conditions": status["conditions"]}
        status = replaced(current.get("status"), status) if kind == "Node" else status
        where = zoo.path(kind, *key) + "/status"
        self.objects[kind][key] = self.call(
            "PATCH", where, {"status": status}, api.MERGE
        )
        # A status has no annotation to be known by.
        return self._patch(kind, key, {"metadata": {}}, n)

    def _create(self, kind, ns, body):
        status = body.pop("status", None)
        made = self.call("POST", zoo.path(kind, ns), body)
        key = (made["metadata"].get("namespace", ""), made["metadata"]["name"])
        if status is not None:
            where = zoo.path(kind, *key) + "/status"
            made = self.call("PATCH", where, {"status": status}, api.MERGE)
        self.objects[kind][key] = made
        return key

    def _make(self, kind, n, ns, body):
        body["metadata"]["annotations"][zoo.CHANGE] = str(n)
        return self._expect(kind, self._create(kind, ns, body), n)

    def _add(self, kind, n):
        ns = self.zoo.one(*zoo.NAMESPACES) if zoo.KINDS[kind][2] else ""
        return self._make(kind, n, ns, self._next(kind, ns))

    def _delete(self, kind, n):
        if len(self.objects[kind]) <= zoo.KINDS[kind][3] * 0.9:
            return self._add(kind, n)
        key = self._pick(kind)
        self._remove(kind, key)
        return self._expect_gone(kind, key)

    def _recreate(self, kind, n):
        key = self._pick(kind)
        self._remove(kind, key)
        body = self.zoo.make(kind, key[0], 0)
        body["metadata"]["name"] = key[1]
        return self._make(kind, n, key[0], body)

    def _terminate(self, kind, n):
        """A pod is asked to end, and stays until it is deleted once more."""
        key = self._pick(kind)
        self.call("DELETE", zoo.path(kind, *key), {"gracePeriodSeconds": 3600})
        try:
            self.objects[kind][key] = self.call("GET", zoo.path(kind, *key))
        except api.Refused:  # it never ran anywhere, and is gone
            del self.objects[kind][key]
            return self._expect_gone(kind, key)
        return self._patch(kind, key, {"metadata": {}}, n)

    # --- Helpers -----------------------------------------------------------------

    def _next(self, kind, ns):
        """A new object under the lowest number that none ever had there: few
        enough names that objects find each other."""
        self.made[kind, ns] += 1
        return self.zoo.make(kind, ns, self.made[kind, ns] - 1)

    def _pick(self, kind):
        return self.zoo.random.choice(sorted(self.objects[kind]))

    def _remove(self, kind, key):
        body = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
        self.call("DELETE", zoo.path(kind, *key), body)
        del self.objects[kind][key]
        if kind == "Service":  # the API server takes them along
            self.objects["Endpoints"].pop(key, None)

    def _patch(self, kind, key, body, n, how=api.MERGE):
        meta = body.setdefault("metadata", {})
        meta.setdefault("annotations", {})[zoo.CHANGE] = str(n)
        self.objects[kind][key] = self.call("PATCH", zoo.path(kind, *key), body, how)
        return self._expect(kind, key, n)

    def _expect(self, kind, key, n):
        if kind == "Namespace":
            return [
                Expected(
                    "services-attached",
                    source_of("Service", *each),
                    annotation_label("namespace"),
                    str(n),
                )
                for each in list(self.objects["Service"])
                if each[0] == key[1]
            ][:1]
        if kind not in GROUPS:
            return []
        _, part, job = GROUPS[kind]
        return [Expected(job, source_of(kind, *key), annotation_label(part), str(n))]

    def _expect_gone(self, kind, key):
        if kind not in GROUPS:
            return []
        return [Expected(GROUPS[kind][2], source_of(kind, *key), "", None)]
