"""The zoo's services and ingresses, and what stands behind them: see zoo.py."""

import zoo_base


class Network(zoo_base.Base):
    def _service(self, ns, i):
        kind = self.one(
            "ClusterIP",
            "ClusterIP",
            "Headless",
            "NodePort",
            "LoadBalancer",
            "ExternalName",
        )
        spec = {
            "type": kind if kind != "Headless" else "ClusterIP",
            "ports": [
                {
                    "name": self.port_name(n),
                    "port": 8000 + n,
                    "protocol": self.one("TCP", "TCP", "UDP"),
                }
                for n in range(self.random.randint(1, 3))
            ],
        }
        if len(spec["ports"]) == 1 and self.chance(50):
            del spec["ports"][0]["name"]
        if kind == "Headless":
            spec["clusterIP"] = "None"
            if self.chance(20):
                del spec["ports"]
        if kind == "ExternalName":
            spec["externalName"] = f"x{self.below(9)}.example.org"
        if kind == "LoadBalancer" and self.chance(50):
            spec["loadBalancerIP"] = self.ipv4()
        if self.chance(60) and kind != "ExternalName":
            spec["selector"] = {"app": "web"}
        return self.object("Service", ns, f"svc-{i}", spec=spec)

    def _reference(self, ns):
        if self.chance(20):
            return None
        if self.chance(10):
            return {"kind": "Node", "name": f"n-{self.below(44)}"}
        if self.chance(5):
            return {"kind": "VirtualMachine", "namespace": ns, "name": "vm"}
        where = ns if self.chance(95) else self.one(*zoo_base.NAMESPACES)
        return {"kind": "Pod", "namespace": where, "name": f"pod-{self.below(220)}"}

    def _endpoint(self, ns, **more):
        endpoint = {**more}
        if self.chance(30):
            endpoint["hostname"] = f"h{self.below(5)}"
        if self.chance(60):
            endpoint["nodeName"] = f"n-{self.below(44)}"
        if reference := self._reference(ns):
            endpoint["targetRef"] = reference
        return endpoint

    def _endpoints(self, ns, i):
        return self.object("Endpoints", ns, f"svc-{i}", subsets=self.subsets(ns))

    def subsets(self, ns):
        def port(n):
            number = self.random.randint(1, 65535)
            return {
                "name": self.port_name(n),
                "port": number,
                "protocol": self.one("TCP", "UDP"),
            }

        def subset(_):
            made = {"ports": self.several(0, 2, port)}
            if len(made["ports"]) == 1 and self.chance(50):
                del made["ports"][0]["name"]
            for what, least, most in (("addresses", 1, 4), ("notReadyAddresses", 0, 2)):
                made[what] = self.several(
                    least,
                    most,
                    lambda _: self._endpoint(ns, ip=self.one(self.ipv4(), self.ipv6())),
                )
            return made

        return self.several(0, 3, subset)

    def _endpointslice(self, ns, i):
        kind = self.one("IPv4", "IPv4", "IPv4", "IPv6", "FQDN")
        slice = self.object("EndpointSlice", ns, f"slice-{i}", addressType=kind)
        if self.chance(90):
            slice["metadata"]["labels"][
                "kubernetes.io/service-name"
            ] = f"svc-{self.below(90)}"
        return {**slice, **self.slice_content(ns, kind)}

    def slice_content(self, ns, kind):
        address = {
            "IPv4": self.ipv4,
            "IPv6": self.ipv6,
            "FQDN": lambda: f"e{self.below(99)}.example.org",
        }[kind]

        def endpoint(_):
            most = 1 if kind != "FQDN" and self.chance(80) else 2
            made = self._endpoint(
                ns, addresses=sorted({address() for _ in range(most)})
            )
            if self.chance(90):
                made["conditions"] = {
                    k: self.one(True, False)
                    for k in ("ready", "serving", "terminating")
                    if self.chance(80)
                }
            if self.chance(50):
                zone = f"zone-{self.below(3)}"
                made["zone"] = zone
                made["hints"] = {"forZones": [{"name": zone}]}
            return made

        def port(n):
            made = {
                "name": self.port_name(n) if n or self.chance(70) else "",
                "protocol": self.one("TCP", "UDP", "SCTP"),
            }
            if self.chance(90):
                made["port"] = self.random.randint(1, 65535)
            if self.chance(30):
                made["appProtocol"] = "http"
            return made

        return {
            "endpoints": self.several(0, 4, endpoint),
            "ports": self.several(0, 3, port),
        }

    def _ingress(self, ns, i):
        return self.object("Ingress", ns, f"ingress-{i}", spec=self.ingress_spec())

    def ingress_spec(self):
        hosts = ["x.com", "a.x.com", "a.b.x.com", "*.x.com", "*.b.x.com", "y.org"]
        backend = {"service": {"name": "svc-1", "port": {"number": 80}}}

        def path_of(_):
            made = {"pathType": "ImplementationSpecific", "backend": backend}
            if self.chance(80):
                made["path"] = self.one("/", "/a/b", "/ünï", "/x?y=z")
            return made

        def rule(_):
            made = {}
            if self.chance(85):
                made["host"] = self.one(*hosts)
            if self.chance(80):
                made["http"] = {"paths": self.several(1, 3, path_of)}
            return made

        spec = {"rules": self.several(0, 3, rule), "tls": []}
        if self.chance(50):
            spec["tls"] = self.several(
                1, 2, lambda _: {"hosts": self.random.sample(hosts, self.below(3))}
            )
        if not spec["rules"] or self.chance(30):
            spec["defaultBackend"] = backend
        spec["ingressClassName"] = self.one(None, "nginx", "other.class")
        return spec
