"""What all kinds of the zoo have in common: see zoo.py."""

import random

NAMESPACES = [f"zoo-{i}" for i in range(5)]

# kind: (path before the namespace, plural, is it in a namespace, how many)
KINDS = {
    "Namespace": ("/api/v1", "namespaces", False, 0),
    "Node": ("/api/v1", "nodes", False, 40),
    "ReplicaSet": ("/apis/apps/v1", "replicasets", True, 60),
    "Job": ("/apis/batch/v1", "jobs", True, 60),
    "Pod": ("/api/v1", "pods", True, 900),
    "Service": ("/api/v1", "services", True, 350),
    "Endpoints": ("/api/v1", "endpoints", True, 300),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices", True, 350),
    "Ingress": ("/apis/networking.k8s.io/v1", "ingresses", True, 150),
}

LABEL_KEYS = [
    "app",
    "app.kubernetes.io/name",
    "UPPER_case",
    "9lives",
    "with-dash",
    "zone",
]
LABEL_VALUES = ["", "v", "web", "a.b_c", "A-1", "0", "x" * 63]
ANNOTATION_KEYS = [
    "prometheus.io/scrape",
    "prometheus.io/port",
    "x",
    "Example.org/Odd.Key_1",
]
ANNOTATION_VALUES = [
    "",
    "true",
    "ünï-cödé ☃",
    'a "b"\n\t\\',
    "🦒" * 20,
    "y" * 2000,
    "<&>\u2028",
]
# What each change is known by, in a label of the group: change number n.
CHANGE = "zoo/change"


def path(kind, ns, name=""):
    prefix, plural, namespaced, _ = KINDS[kind]
    scope = f"/namespaces/{ns}" if namespaced else ""
    return f"{prefix}{scope}/{plural}" + (f"/{name}" if name else "")


class Base:
    """Chance, and what many kinds have. Repeats itself exactly for a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    # --- Chance ----------------------------------------------------------------

    def chance(self, percent):
        return self.random.random() * 100 < percent

    def one(self, *of):
        return self.random.choice(of)

    def below(self, n):
        return self.random.randrange(n)

    def some(self, keys, values, percent=40):
        return {k: self.random.choice(values) for k in keys if self.chance(percent)}

    def several(self, least, most, make):
        return [make(i) for i in range(self.random.randint(least, most))]

    def ipv4(self):
        return f"10.{self.below(4)}.{self.below(256)}.{1 + self.below(254)}"

    def ipv6(self):
        return f"fd00::{self.below(65536):x}:{1 + self.below(65535):x}"

    def uid(self):
        return f"{self.below(1 << 32):08x}-0000-4000-8000-{self.below(1 << 48):012x}"

    # --- Parts that many kinds have ----------------------------------------------

    def labels(self):
        return self.some(LABEL_KEYS, LABEL_VALUES)

    def annotations(self):
        return self.some(ANNOTATION_KEYS, ANNOTATION_VALUES)

    def object(self, kind, ns, name, **more):
        meta = {
            "name": name,
            "labels": self.labels(),
            "annotations": self.annotations(),
        }
        if KINDS[kind][2]:
            meta["namespace"] = ns
        return {"kind": kind, "metadata": meta, **more}

    def port_name(self, i):
        return self.one("http", "metrics", "web") + str(i)
