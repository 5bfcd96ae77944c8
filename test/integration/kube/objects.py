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


RBAC_GROUP = "rbac.authorization.k8s.io"
# A subject of role_binding(): he who has no rights until somebody gives him some.
NOBODY = {"apiGroup": RBAC_GROUP, "kind": "User", "name": "nobody"}


def service_account(name, namespace):
    """A subject of role_binding()."""
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def role(name, resources, verbs=("get", "list", "watch")):
    """`resources`: of the core API and of discovery.k8s.io."""
    rule = {
        "apiGroups": ["", "discovery.k8s.io"],
        "resources": list(resources),
        "verbs": list(verbs),
    }
    return {"metadata": {"name": name}, "rules": [rule]}


def role_binding(name, subject, kind="Role"):
    """Of the Role, or ClusterRole, with the same name."""
    return {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": kind, "name": name},
        "subjects": [subject],
    }
