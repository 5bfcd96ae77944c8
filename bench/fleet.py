#!/usr/bin/env python3
"""Makes fleets of targets as Kubernetes discovers them, as file SD: equal for equal
seeds, in files of about as many targets each as are asked for, written as a stream.

    bench/fleet.py FOLDER --targets 1000000 --per-file 100 --mix half

A pod is as role pod finds it: 44 labels, 2.9 kB, a group for each of its ports. An
endpoint is as role endpointslice finds it, with its pod: 73 labels, 5 kB. File SD
adds __meta_filepath. Five of a target's pairs are its own (address, pod IP, name and
uid; the container's id for the pod, the slice's name for it for the endpoint), unless
two containers share a pod; the rest it shares with its application, node or
namespace. Namespaces, applications and nodes have the sizes that they have where
people work: a few large, many small.

File SD knows no labels of a target but those of its group, so each target is a group
of its own here, with all of its labels. An API server's slice shares a third of them
among up to a hundred endpoints. fleet_objects.py has the same fleets as Kubernetes
objects.
"""

import argparse
import bisect
import functools
import json
import pathlib
import random

SLICE = 100  # endpoints of an EndpointSlice, as Kubernetes makes them
PODS_OF_NODE = 40
ZONES = ["zone-a", "zone-b", "zone-c"]
WORDS = ["api", "auth", "batch", "billing", "cache", "cart", "catalog", "checkout",
         "edge", "events", "feed", "gateway", "ingest", "ledger", "mail", "media",
         "orders", "payments", "pricing", "proxy", "queue", "report", "search", "store",
         "stream", "sync", "tax", "user", "web", "worker"]
MESH_IMAGE = "registry.example.com/mesh/proxy:v1.24.2"
META = "__meta_kubernetes_"


@functools.cache
def sanitized(name):
    """As a part of a label's name."""
    return "".join(c if c.isalnum() else "_" for c in name)


def _both(prefix, values):
    """Labels or annotations and their twins that say they are present."""
    labels = {}
    for name, value in values.items():
        labels[f"{prefix}_{sanitized(name)}"] = value
        labels[f"{prefix}present_{sanitized(name)}"] = "true"
    return labels


def address(number):
    """Of the number-th pod."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class Pod:
    """The number-th of the fleet, the index-th of its application."""

    def __init__(self, application, index, dice):
        self.index, number = index, application.first + index
        # The scheduler spreads an application over the nodes.
        self.node_number = dice.randrange(application.nodes)
        self.node = f"node-{self.node_number}.cluster.internal"
        self.zone = ZONES[self.node_number % 3]
        self.host = (f"172.{self.node_number >> 16}.{self.node_number >> 8 & 255}"
                     f".{self.node_number & 255}")
        self.address = address(number)
        # An odd number's multiples: no two of an application are alike.
        self.name = f"{application.replica_set}-{index * 0x6f3a5 + 0x31c7 & 0xfffff:05x}"
        bits = f"{dice.getrandbits(128):032x}"
        self.uid = f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"
        self.container_ids = [f"containerd://{dice.getrandbits(256):064x}"
                              for _ in application.containers]


class Application:
    """What the pods of one Deployment have in common, and their service. Its pods'
    numbers begin with `first`."""

    def __init__(self, dice, number, first, nodes):
        self.name = f"{dice.choice(WORDS)}-{dice.choice(WORDS)}-{number}"
        # A few namespaces have most applications.
        self.namespace = f"team-{int(200 * dice.random() ** 3)}"
        self.hash = f"{dice.getrandbits(40):010x}"
        self.replica_set = f"{self.name}-{self.hash}"
        self.first, self.nodes = first, nodes
        # Pareto: of 20,000 applications two thirds have less than ten pods, half at
        # most six, and seven in a thousand over a thousand.
        self.size = min(2_000, int(3 * dice.paretovariate(0.85)))
        # Name, port and its name. One in ten has a second container with metrics, as a
        # service mesh gives it.
        self.containers = [(self.name, 8080, "http-metrics"),
                           ("mesh-proxy", 15090, "mesh-metrics")]
        if dice.random() >= 0.1:
            self.containers.pop()
        self.version = f"v{dice.randrange(9)}.{dice.randrange(30)}.{dice.randrange(9)}"
        self._seed = dice.getrandbits(64)

    def pods(self):
        dice = random.Random(self._seed)
        for index in range(self.size):
            yield Pod(self, index, dice)

    # What Kubernetes says, by the names that it uses.

    def pod_labels(self):
        return {
            "app.kubernetes.io/component": "server",
            "app.kubernetes.io/managed-by": "Helm",
            "app.kubernetes.io/version": self.version,
            "pod-template-hash": self.hash,
            **self.service_labels(),
        }

    def pod_annotations(self):
        return {
            "checksum/config": self.hash * 6,
            "kubectl.kubernetes.io/default-container": self.name,
            "prometheus.io/path": "/metrics",
            "prometheus.io/port": "8080",
            "prometheus.io/scrape": "true",
            "sidecar.istio.io/inject": "true" if len(self.containers) > 1 else "false",
        }

    def service_labels(self):
        return {"app.kubernetes.io/instance": self.name,
                "app.kubernetes.io/name": self.name.rsplit("-", 1)[0],
                "team": self.namespace}

    def service_annotations(self):
        return {"meta.helm.sh/release-name": self.name}

    def slice_labels(self):
        return {"app.kubernetes.io/instance": self.name,
                "app.kubernetes.io/name": self.name.rsplit("-", 1)[0],
                "endpointslice.kubernetes.io/managed-by":
                    "endpointslice-controller.k8s.io",
                "kubernetes.io/service-name": self.name}

    def slice_name(self, number):
        return f"{self.name}-{self.hash[:4]}{number}"

    def image(self, container):
        return (f"registry.example.com/{self.namespace}/{self.name}:{self.version}"
                if container == self.name else MESH_IMAGE)


# What is discovered of it, by labels.


def _pod(application):
    own = META + "pod_"
    return {
        META + "namespace": application.namespace,
        own + "controller_kind": "ReplicaSet",
        own + "controller_name": application.replica_set,
        own + "phase": "Running",
        own + "ready": "true",
        **_both(own + "label", application.pod_labels()),
        **_both(own + "annotation", application.pod_annotations()),
    }


def _container(application, name, port, port_name):
    own = META + "pod_container_"
    return {own + "image": application.image(name), own + "init": "false",
            own + "name": name, own + "port_name": port_name,
            own + "port_number": str(port), own + "port_protocol": "TCP"}


def _slice(application, number, port, port_name):
    own = META + "endpointslice_"
    return {
        own + "name": application.slice_name(number),
        own + "address_type": "IPv4",
        own + "address_target_kind": "Pod",
        own + "endpoint_conditions_ready": "true",
        own + "endpoint_conditions_serving": "true",
        own + "endpoint_conditions_terminating": "false",
        own + "port": str(port),
        own + "port_app_protocol": "http",
        own + "port_name": port_name,
        own + "port_protocol": "TCP",
        **_both(own + "label", application.slice_labels()),
        META + "service_name": application.name,
        **_both(META + "service_label", application.service_labels()),
        **_both(META + "service_annotation", application.service_annotations()),
    }


def _text(labels):
    """The inside of a JSON object."""
    return json.dumps(labels, separators=(",", ":"))[1:-1]


def applications(targets, seed=1):
    """A generator of so many that together they have so many targets."""
    dice = random.Random(seed)
    made = pods = number = 0
    while made < targets:
        made_now = Application(dice, number, pods, max(1, targets // PODS_OF_NODE))
        if made + 1 == targets:
            del made_now.containers[1:]
        of_pod = len(made_now.containers)
        made_now.size = min(made_now.size, (targets - made) // of_pod)
        made += made_now.size * of_pod
        pods += made_now.size
        number += 1
        yield made_now


def groups_of(application, as_slice):
    """The JSON text of a group of one target for each port of its pods, as a slice's
    or as a pod's."""
    common = _text(_pod(application))
    for pod in application.pods():
        own = _text({
            META + "pod_host_ip": pod.host,
            META + "pod_ip": pod.address,
            META + "pod_name": pod.name,
            META + "pod_node_name": pod.node,
            META + "pod_uid": pod.uid,
        })
        for container, container_id in zip(application.containers, pod.container_ids):
            port = container[1:]
            labels = [common, own, _text(_container(application, *container))]
            if as_slice:
                labels += [_text(_slice(application, pod.index // SLICE, *port)), _text({
                    META + "endpointslice_address_target_name": pod.name,
                    META + "endpointslice_endpoint_node_name": pod.node,
                    META + "endpointslice_endpoint_zone": pod.zone})]
            else:
                labels.append(f'"{META}pod_container_id":"{container_id}"')
            yield (f'{{"targets":["{pod.address}:{port[0]}"],"labels":{{'
                   f'{",".join(labels)}}}}}')


def groups(targets, mix="half", seed=1):
    """The JSON text of so many groups of one target each, one after the other:
    "pods", "endpoints" or "half", which is by application."""
    dice = random.Random(seed)
    for application in applications(targets, seed):
        yield from groups_of(application, mix == "endpoints"
                             or mix == "half" and dice.random() < 0.5)


class Fleet:
    """All applications of a fleet, found by their pods' addresses."""

    def __init__(self, targets, seed=1):
        self.applications = list(applications(targets, seed))
        self._firsts = [application.first for application in self.applications]

    def at(self, pod_address):
        """Whose pod has the address, and which of its pods that is."""
        _, a, b, c = map(int, pod_address.split("."))
        number = (a << 16) + (b << 8) + c
        application = self.applications[bisect.bisect(self._firsts, number) - 1]
        return application, number - application.first


def write(folder, targets, per_file, mix="half", seed=1):
    """The fleet as FOLDER/00000.json and so on; their paths in order."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths, part = [], []

    def end_file():
        paths.append(folder / f"{len(paths):05}.json")
        paths[-1].write_text("[" + ",\n".join(part) + "]\n")
        part.clear()

    for group in groups(targets, mix, seed):
        part.append(group)
        if len(part) == per_file:
            end_file()
    if part:
        end_file()
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--targets", type=int, default=10_000)
    parser.add_argument("--per-file", type=int, default=100)
    parser.add_argument("--mix", choices=["pods", "endpoints", "half"], default="half")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    paths = write(arguments.folder, arguments.targets, arguments.per_file,
                  arguments.mix, arguments.seed)
    print(f"{len(paths)} files, {sum(path.stat().st_size for path in paths) / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
