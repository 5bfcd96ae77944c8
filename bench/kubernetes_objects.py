"""The objects that bench/kubernetes.py measures with: pods by number, ten of them
behind each service and EndpointSlice, with labels as workloads have them."""

PODS_PER_SERVICE = 10
NAMESPACES = 40


def namespace(service):
    return f"team-{service % NAMESPACES}"


def address(i):
    return f"10.{128 + (i >> 16)}.{i >> 8 & 255}.{i & 255}"


def labels(service):
    named = {"app": f"app-{service}", "version": "0"}
    named |= {f"example.org/label-{n}": f"app-{service}-{n}" for n in range(4)}
    return named


def pod(i):
    service = i // PODS_PER_SERVICE
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"app-{service}-{i % PODS_PER_SERVICE}",
            "namespace": namespace(service),
            "labels": labels(service),
            "annotations": {
                f"example.org/note-{n}": f"app-{service}-{n}" for n in range(6)
            },
        },
        "spec": {
            "nodeName": f"node-{i % 500}",
            "containers": [
                {
                    "name": "main",
                    "image": f"registry.example/app-{service}:v1",
                    "ports": [{"name": "metrics", "containerPort": 9090}],
                }
            ],
        },
    }


def pod_status(i):
    return {
        "status": {
            "phase": "Running",
            "podIP": address(i),
            "podIPs": [{"ip": address(i)}],
            "hostIP": f"192.0.2.{i % 250}",
            "conditions": [{"type": "Ready", "status": "True"}],
        }
    }


def service(s):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": f"app-{s}",
            "namespace": namespace(s),
            "labels": labels(s),
        },
        "spec": {
            "clusterIP": "None",
            "selector": {"app": f"app-{s}"},
            "ports": [{"name": "metrics", "port": 9090}],
        },
    }


def slice_of(s):
    pods = range(s * PODS_PER_SERVICE, (s + 1) * PODS_PER_SERVICE)
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"app-{s}",
            "namespace": namespace(s),
            "labels": labels(s) | {"kubernetes.io/service-name": f"app-{s}"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "metrics", "port": 9090, "protocol": "TCP"}],
        "endpoints": [
            {
                "addresses": [address(i)],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "nodeName": f"node-{i % 500}",
                "targetRef": {
                    "kind": "Pod",
                    "namespace": namespace(s),
                    "name": f"app-{s}-{i % PODS_PER_SERVICE}",
                },
            }
            for i in pods
        ],
    }
