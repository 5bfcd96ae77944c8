"""Random Kubernetes objects of every kind that discovery looks at, odd ones among
them, and random changes of them. All of it passes the API server's validation,
and no two label or annotation keys of an object sanitize to one name, since then
what Prometheus makes of them is a matter of chance.

Pure: it makes dictionaries. A kind is a name in KINDS.
"""

import zoo_network
from zoo_base import CHANGE, KINDS, NAMESPACES, path

__all__ = ["CHANGE", "KINDS", "NAMESPACES", "Zoo", "path"]

API_VERSIONS = {
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Deployment": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}


class Zoo(zoo_network.Network):
    """Repeats itself exactly for a seed."""

    def make(self, kind, ns, i):
        """The i-th object of a kind; what of it is status goes by the
        subresource."""
        return getattr(self, "_" + kind.lower())(ns, i)

    def status(self, kind, current):
        """A new status for the object, or None where nothing of it shows."""
        if kind == "Node":
            return self.node_status()
        if kind == "Pod":
            return self.pod_status(current["spec"])
        return None

    def _namespace(self, ns, _):
        return self.object("Namespace", "", ns)

    def _node(self, _, i):
        spec = {"providerID": f"zoo://{i}"} if self.chance(60) else {}
        return self.object("Node", "", f"n-{i}", spec=spec, status=self.node_status())

    def node_status(self):
        types = ["InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "Hostname"]
        self.random.shuffle(types)
        addresses = [
            {
                "type": kind,
                "address": (
                    self.one(self.ipv4(), self.ipv6())
                    if kind.endswith("IP")
                    else f"h{self.below(50)}.example.org"
                ),
            }
            for kind in types[: self.random.randint(1, 5)]
        ]
        conditions = [
            {"type": kind, "status": self.one("True", "False", "Unknown")}
            for kind in ("Ready", "DiskPressure", "Odd.Condition")
            if self.chance(70)
        ]
        status = {"addresses": addresses, "conditions": conditions}
        if self.chance(80):
            port = self.one(10250, 10255, 1)
            status["daemonEndpoints"] = {"kubeletEndpoint": {"Port": port}}
        return status

    def _pod(self, ns, i):
        host = self.chance(10)

        def ports(n):
            made = {}
            for k in range(self.random.choice([0, 0, 1, 1, 2, 3])):
                number = self.random.randint(1, 65535)
                protocol = self.one("TCP", "TCP", "UDP", "SCTP")
                port = {"containerPort": number, "protocol": protocol}
                if self.chance(70):
                    port["name"] = self.port_name(10 * n + k)
                made[number, protocol] = port
            return list(made.values())

        def container(n, name):
            return {
                "name": f"{name}{n}",
                "image": f"example.org/{name}:{self.below(9)}",
                "ports": ports(n),
            }

        def init(n):
            made = container(n + 5, "init")
            if self.chance(50):
                made["restartPolicy"] = "Always"
            return made

        spec = {
            "containers": self.several(1, 3, lambda n: container(n, "c")),
            "initContainers": self.several(0, 2, init) if self.chance(25) else [],
            "terminationGracePeriodSeconds": 3600,
        }
        if host:
            spec["hostNetwork"] = True
        if self.chance(90):
            spec["nodeName"] = f"n-{self.below(44)}"  # some are not there
        pod = self.object("Pod", ns, f"pod-{i}", spec=spec)
        owners = self.owners(
            self.one("ReplicaSet", "ReplicaSet", "Job", "StatefulSet", "DaemonSet"),
            "CronJob",
        )
        pod["metadata"]["ownerReferences"] = owners
        pod["status"] = self.pod_status(spec)
        return pod

    def pod_status(self, spec):
        status = {
            "phase": self.one(
                "Running", "Running", "Running", "Pending", "Succeeded", "Failed"
            ),
            "conditions": [
                {"type": kind, "status": self.one("True", "True", "False", "Unknown")}
                for kind in ("Initialized", "Ready", "ContainersReady")
                if self.chance(85)
            ],
            "podIPs": [],
            "hostIPs": [],
        }
        if "nodeName" in spec and self.chance(92):
            ips = self.one(
                [self.ipv4()], [self.ipv4()], [self.ipv6()], [self.ipv4(), self.ipv6()]
            )
            status["podIPs"] = [{"ip": ip} for ip in ips]
            hosts = (
                ips if spec.get("hostNetwork") else [f"192.168.0.{1 + self.below(40)}"]
            )
            status["hostIPs"] = [{"ip": ip} for ip in hosts]
        status["podIP"] = status["podIPs"][0]["ip"] if status["podIPs"] else None
        status["hostIP"] = status["hostIPs"][0]["ip"] if status["hostIPs"] else None
        for kind in ("container", "initContainer"):
            status[f"{kind}Statuses"] = [
                {
                    "name": each["name"],
                    "image": each["image"],
                    "imageID": "",
                    "ready": True,
                    "restartCount": 0,
                    "containerID": self.one(f"cri://{self.uid()}", ""),
                }
                for each in spec.get(f"{kind}s", ())
                if self.chance(85)
            ]
        return status

    def owners(self, *kinds):
        """At most one of them is the controller."""
        owners, controlled = [], False
        for kind in kinds:
            if self.chance(35):
                continue
            prefix = {"ReplicaSet": "rs", "Job": "job"}.get(kind, "o")
            owner = {
                "apiVersion": API_VERSIONS[kind],
                "kind": kind,
                "name": f"{prefix}-{self.below(24)}",
                "uid": self.uid(),
            }
            if not controlled and self.chance(80):
                owner["controller"] = controlled = True
            owners.append(owner)
        return owners

    def _replicaset(self, ns, i):
        spec = {
            "replicas": 0,
            "selector": {"matchLabels": {"a": "b"}},
            "template": self._template("Always"),
        }
        return self._owner("ReplicaSet", ns, f"rs-{i}", spec, "Deployment")

    def _job(self, ns, i):
        return self._owner(
            "Job",
            ns,
            f"job-{i}",
            {"suspend": True, "template": self._template("Never")},
            "CronJob",
        )

    def _owner(self, kind, ns, name, spec, by):
        made = self.object(kind, ns, name, spec=spec)
        made["metadata"]["ownerReferences"] = self.owners(by)
        return made

    def _template(self, restart):
        container = {"name": "c", "image": "example.org/c:1"}
        return {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"restartPolicy": restart, "containers": [container]},
        }
