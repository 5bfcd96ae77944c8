"""The objects that tests of the control plane create, as plain dictionaries."""


def stateful_set(name, replicas, labels=None, namespace="default"):
    labels = labels or {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "serviceName": name,
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": labels},
            "template": pod_template(labels),
        },
    }


def deployment(name, replicas, labels=None, namespace="default", port=8080):
    labels = labels or {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": pod_template(labels, port),
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
