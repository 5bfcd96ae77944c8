#!/usr/bin/env python3
"""Makes fleets of targets as Kubernetes discovers them, as file SD: equal for equal
seeds, in files of about as many targets each as are asked for, written as a stream.

    bench/fleet.py FOLDER --targets 1000000 --per-file 100 --mix half

A pod is as role pod finds it: 44 labels, 2.9 kB, a group for each of its ports. An
endpoint is as role endpointslice finds it, with its pod: 74 labels, 5 kB. File SD
adds __meta_filepath. Five of a target's pairs are its own, six of an endpoint's
(address, pod IP, name and uid, container id; the slice's name for the pod), unless
two containers share a pod; the rest it shares with its application, node or
namespace. Namespaces, applications and nodes have the sizes that they have where
people work: a few large, many small.

File SD knows no labels of a target but those of its group, so each target is a group
of its own here, with all of its labels. An API server's slice shares a third of them
among up to a hundred endpoints.
"""

import argparse
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
META = "__meta_kubernetes_"


def _both(prefix, values):
    """A label or annotation and its twin that says it is present."""
    labels = {}
    for name, value in values.items():
        labels[f"{prefix}_{name}"] = value
        labels[f"{prefix}present_{name}"] = "true"
    return labels


class _Application:
    """What the pods of one Deployment have in common."""

    def __init__(self, dice, number):
        self.name = f"{dice.choice(WORDS)}-{dice.choice(WORDS)}-{number}"
        # A few namespaces have most applications.
        self.namespace = f"team-{int(200 * dice.random() ** 3)}"
        self.hash = f"{dice.getrandbits(40):010x}"
        # Pareto: of 20,000 applications two thirds have less than ten pods, half at
        # most six, and seven in a thousand over a thousand.
        self.size = min(2_000, int(3 * dice.paretovariate(0.85)))
        # One in ten has a second container with metrics, as a service mesh gives it.
        containers = [(self.name, 8080), ("mesh-proxy", 15090)]
        self.containers = containers[:2 if dice.random() < 0.1 else 1]
        self.image = (f"registry.example.com/{self.namespace}/{self.name}:"
                      f"v{dice.randrange(9)}.{dice.randrange(30)}.{dice.randrange(9)}")
        self.version = self.image.rsplit(":", 1)[1]

    def pod(self):
        own = META + "pod_"
        return {
            META + "namespace": self.namespace,
            own + "controller_kind": "ReplicaSet",
            own + "controller_name": f"{self.name}-{self.hash}",
            own + "phase": "Running",
            own + "ready": "true",
            **_both(own + "label", {
                "app_kubernetes_io_component": "server",
                "app_kubernetes_io_instance": self.name,
                "app_kubernetes_io_managed_by": "Helm",
                "app_kubernetes_io_name": self.name.rsplit("-", 1)[0],
                "app_kubernetes_io_version": self.version,
                "pod_template_hash": self.hash,
                "team": self.namespace,
            }),
            **_both(own + "annotation", {
                "checksum_config": self.hash * 6,
                "kubectl_kubernetes_io_default_container": self.name,
                "prometheus_io_path": "/metrics",
                "prometheus_io_port": "8080",
                "prometheus_io_scrape": "true",
                "sidecar_istio_io_inject":
                    "true" if len(self.containers) > 1 else "false",
            }),
        }

    def container(self, name, port):
        own = META + "pod_container_"
        return {own + "image": self.image if name == self.name
                else "registry.example.com/mesh/proxy:v1.24.2",
                own + "init": "false", own + "name": name,
                own + "port_name": "http-metrics", own + "port_number": str(port),
                own + "port_protocol": "TCP"}

    def slice(self, number, port):
        own = META + "endpointslice_"
        return {
            own + "name": f"{self.name}-{self.hash[:4]}{number}",
            own + "address_type": "IPv4",
            own + "address_target_kind": "Pod",
            own + "endpoint_conditions_ready": "true",
            own + "endpoint_conditions_serving": "true",
            own + "endpoint_conditions_terminating": "false",
            own + "port": str(port),
            own + "port_app_protocol": "http",
            own + "port_name": "http-metrics",
            own + "port_protocol": "TCP",
            **_both(own + "label", {
                "app_kubernetes_io_instance": self.name,
                "app_kubernetes_io_name": self.name.rsplit("-", 1)[0],
                "endpointslice_kubernetes_io_managed_by":
                    "endpointslice-controller.k8s.io",
                "kubernetes_io_service_name": self.name,
            }),
            META + "service_name": self.name,
            **_both(META + "service_label", {
                "app_kubernetes_io_instance": self.name,
                "app_kubernetes_io_name": self.name.rsplit("-", 1)[0],
                "team": self.namespace,
            }),
            **_both(META + "service_annotation", {
                "meta_helm_sh_release_name": self.name,
            }),
        }


def _text(labels):
    """The inside of a JSON object."""
    return json.dumps(labels, separators=(",", ":"))[1:-1]


def groups(targets, mix="half", seed=1):
    """The JSON text of so many groups of one target each, one after the other:
    "pods", "endpoints" or "half", which is by application."""
    dice = random.Random(seed)
    made = applications = pods = 0
    while made < targets:
        application = _Application(dice, applications)
        applications += 1
        as_slice = mix == "endpoints" or mix == "half" and dice.random() < 0.5
        common = _text(application.pod())
        for index in range(application.size):
            pods += 1
            # The scheduler spreads an application over the nodes.
            node_number = dice.randrange(max(1, targets // PODS_OF_NODE))
            node = f"node-{node_number}.cluster.internal"
            address = f"10.{pods >> 16 & 255}.{pods >> 8 & 255}.{pods & 255}"
            bits = dice.getrandbits(128)
            name = f"{application.name}-{application.hash}-{bits & 0xfffff:05x}"
            text = f"{bits:032x}"
            pod = _text({
                META + "pod_host_ip":
                    f"172.{node_number >> 16}.{node_number >> 8 & 255}.{node_number & 255}",
                META + "pod_ip": address, META + "pod_name": name,
                META + "pod_node_name": node,
                META + "pod_uid": f"{text[:8]}-{text[8:12]}-4{text[13:16]}-"
                                  f"a{text[17:20]}-{text[20:]}",
            })
            for container, port in application.containers:
                labels = [common, pod, _text(application.container(container, port)),
                          f'"{META}pod_container_id":"containerd://'
                          f'{dice.getrandbits(256):064x}"']
                if as_slice:
                    labels += [_text(application.slice(index // SLICE, port)), _text({
                        META + "endpointslice_address_target_name": name,
                        META + "endpointslice_endpoint_node_name": node,
                        META + "endpointslice_endpoint_zone": ZONES[node_number % 3]})]
                yield (f'{{"targets":["{address}:{port}"],"labels":{{'
                       f'{",".join(labels)}}}}}')
                made += 1
                if made == targets:
                    return


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
