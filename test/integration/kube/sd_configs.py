"""The kubernetes_sd_configs with which a zoo (zoo.py) is looked at: every role, and
everything that a role can be told."""

ATTACH = {
    "node": True,
    "namespace": True,
    "deployment": True,
    "job": True,
    "cronjob": True,
}


def jobs(plane, in_cluster):
    """A kubernetes_sd_configs entry for each job. `in_cluster`: whoever runs them
    looks like a pod of the cluster."""
    some = {"names": ["zoo-0", "zoo-3", "not-there"]}
    selected = [
        {"role": "pod", "label": "app", "field": "status.phase=Running"},
        {"role": "service", "label": "app!=web", "field": "metadata.namespace!=zoo-1"},
    ]
    by_label = {"label": "with-dash notin (web,v)"}
    configs = {
        # Every kind by itself, as churn.GROUPS expects.
        "nodes": {"role": "node"},
        "pods": {"role": "pod"},
        "services": {"role": "service"},
        "endpoints": {"role": "endpoints"},
        "slices": {"role": "endpointslice"},
        "ingresses": {"role": "ingress"},
        # Everything attached.
        "pods-attached": {"role": "pod", "attach_metadata": ATTACH},
        "services-attached": {"role": "service", "attach_metadata": ATTACH},
        "endpoints-attached": {"role": "endpoints", "attach_metadata": ATTACH},
        "slices-attached": {"role": "endpointslice", "attach_metadata": ATTACH},
        "ingresses-attached": {"role": "ingress", "attach_metadata": ATTACH},
        # One thing attached.
        "pods-cronjob": {"role": "pod", "attach_metadata": {"cronjob": True}},
        "pods-job": {"role": "pod", "attach_metadata": {"job": True}},
        "slices-node": {"role": "endpointslice", "attach_metadata": {"node": True}},
        # Some namespaces.
        "pods-some": {"role": "pod", "namespaces": some, "attach_metadata": ATTACH},
        "endpoints-some": {
            "role": "endpoints",
            "namespaces": some,
            "attach_metadata": {"deployment": True},
        },
        "slices-some": {
            "role": "endpointslice",
            "namespaces": some,
            "attach_metadata": {"namespace": True},
        },
        # Selectors.
        "nodes-selected": {
            "role": "node",
            "selectors": [
                {"role": "node", "label": "zone", "field": "metadata.name!=n-3"}
            ],
        },
        "pods-selected": {
            "role": "pod",
            "selectors": [selected[0], {"role": "node", **by_label}],
            "attach_metadata": {"node": True},
        },
        "services-selected": {"role": "service", "selectors": selected[1:]},
        "endpoints-selected": {
            "role": "endpoints",
            "selectors": [*selected, {"role": "endpoints", **by_label}],
        },
        "slices-selected": {
            "role": "endpointslice",
            "selectors": [*selected, {"role": "endpointslice", **by_label}],
        },
        "ingresses-selected": {
            "role": "ingress",
            "selectors": [{"role": "ingress", **by_label}],
        },
    }
    kubeconfig = str(plane.kubeconfig())
    return {
        job: {"kubeconfig_file": kubeconfig, **config}
        for job, config in configs.items()
    }
