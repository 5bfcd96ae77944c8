"""The objects that tests of the control plane create, as plain dictionaries."""


def stateful_set(name, replicas, labels=None, namespace="default"):
    more = {"serviceName": name, "podManagementPolicy": "Parallel"}
    return _workload("StatefulSet", name, replicas, labels, namespace, 8080, more)


def deployment(name, replicas, labels=None, namespace="default", port=8080):
    return _workload("Deployment", name, replicas, labels, namespace, port, {})


def _workload(kind, name, replicas, labels, namespace, port, more):
    labels = labels or {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": pod_template(labels, port),
            **more,
        },
    }


def pod_template(labels, port=8080):
    return {
        "metadata": {"labels": labels},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {
                    "name": "app",
                    "image": "example.org/app:1",
                    "ports": [{"name": "metrics", "containerPort": port}],
                }
            ],
        },
    }


def service(name, selector=None, namespace="default", port=8080, headless=False):
    spec = {"ports": [{"name": "metrics", "port": port}]}
    if selector is not None:
        spec["selector"] = selector
    if headless:
        spec["clusterIP"] = "None"
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
