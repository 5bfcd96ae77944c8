"""The fleets of fleet.py as an API server has them: pods of about 6.5 kB, a service for
each application, and its EndpointSlices of up to a hundred endpoints, as JSON text.

What an application's objects have in common is written once, by json.dumps, with
marks where each has its own; a pod is then one substitution. A million of them take
a few seconds, not minutes.
"""

import json
import re

from fleet import SLICE

CREATED = "2026-01-01T00:00:00Z"
CLUSTER_DOMAIN_POLICY = {"dnsPolicy": "ClusterFirst", "enableServiceLinks": True,
                         "preemptionPolicy": "PreemptLowerPriority", "priority": 0,
                         "restartPolicy": "Always", "schedulerName": "default-scheduler",
                         "securityContext": {}, "serviceAccount": "default",
                         "serviceAccountName": "default",
                         "terminationGracePeriodSeconds": 30}
ENVIRONMENT = ["DATABASE_URL", "FEATURES", "HTTP_TIMEOUT", "LOG_FORMAT", "LOG_LEVEL",
               "OTEL_EXPORTER_OTLP_ENDPOINT", "QUEUE", "REGION"]


def _own(name):
    """A mark for what each object has of its own."""
    return f"<<{name}>>"


def _template(value):
    """JSON text for `%`, with the marks to be filled in from a dictionary."""
    text = json.dumps(value, separators=(",", ":")).replace("%", "%%")
    return re.sub(r"<<(\w+)>>", r"%(\1)s", text)


def _fields(*names, **under):
    """What managedFields says of fields that somebody has written."""
    return {**{f"f:{name}": {} for name in names},
            **{f"f:{name}": fields for name, fields in under.items()}}


def _managed(manager, fields, subresource=None):
    return {"manager": manager, "operation": "Update", "apiVersion": "v1",
            "time": CREATED, "fieldsType": "FieldsV1", "fieldsV1": fields,
            **({"subresource": subresource} if subresource else {})}


def _metadata(application, name, labels, annotations=None):
    return {"name": name, "namespace": application.namespace, "uid": _own("uid"),
            "resourceVersion": _own("resource_version"), "creationTimestamp": CREATED,
            "labels": labels, **({"annotations": annotations} if annotations else {})}


def _container(application, name, port, port_name):
    return {
        "name": name, "image": application.image(name),
        "ports": [{"name": port_name, "containerPort": port, "protocol": "TCP"}],
        "env": [*({"name": each, "value": f"{each.lower()}.{application.namespace}"}
                  for each in ENVIRONMENT),
                {"name": "POD_IP", "valueFrom": {
                    "fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}}],
        "resources": {"limits": {"memory": "512Mi"},
                      "requests": {"cpu": "100m", "memory": "512Mi"}},
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/config", "readOnly": True},
            {"name": "kube-api-access", "readOnly": True,
             "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": port, "scheme": "HTTP"},
                          "timeoutSeconds": 1, "periodSeconds": 10,
                          "successThreshold": 1, "failureThreshold": 3},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File", "imagePullPolicy": "IfNotPresent"}


def _managed_fields_of_pod(application, labels, annotations):
    container = _fields(".", "image", "imagePullPolicy", "name",
                        "terminationMessagePath", "terminationMessagePolicy",
                        env={".": {}, **{f'k:{{"name":"{name}"}}': _fields(
                            ".", "name", "value") for name in ENVIRONMENT}},
                        resources=_fields(".", "limits", "requests"))
    return [
        _managed("kube-controller-manager", _fields(
            metadata=_fields("generateName", "ownerReferences",
                             labels=_fields(".", *labels),
                             annotations=_fields(".", *annotations)),
            spec=_fields("dnsPolicy", "enableServiceLinks", "restartPolicy",
                         "schedulerName", "securityContext",
                         "terminationGracePeriodSeconds", "volumes",
                         containers={f'k:{{"name":"{name}"}}': container
                                     for name, *_ in application.containers}))),
        _managed("kubelet", _fields(status=_fields(
            "containerStatuses", "hostIP", "hostIPs", "phase", "podIP", "podIPs",
            "startTime", conditions={f'k:{{"type":"{kind}"}}': _fields(
                ".", "lastProbeTime", "lastTransitionTime", "status", "type")
                for kind in ("ContainersReady", "Initialized", "Ready")})), "status")]


def _pod(application):
    labels = {**application.pod_labels(), "app.kubernetes.io/version": _own("version")}
    annotations = application.pod_annotations()
    containers = application.containers
    return {
        "metadata": {
            **_metadata(application, _own("name"), labels, annotations),
            "generateName": f"{application.replica_set}-",
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "ReplicaSet",
                "name": application.replica_set,
                "uid": f"00000000-0000-4000-8000-{application.first:012x}",
                "controller": True, "blockOwnerDeletion": True}],
            "managedFields": _managed_fields_of_pod(application, labels, annotations)},
        "spec": {
            "volumes": [
                {"name": "config", "configMap": {"name": application.name,
                                                 "defaultMode": 420}},
                {"name": "kube-api-access", "projected": {"defaultMode": 420, "sources": [
                    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                    {"configMap": {"name": "kube-root-ca.crt", "items": [
                        {"key": "ca.crt", "path": "ca.crt"}]}}]}}],
            "containers": [_container(application, *each) for each in containers],
            "nodeName": _own("node"),
            "tolerations": [
                {"key": f"node.kubernetes.io/{what}", "operator": "Exists",
                 "effect": "NoExecute", "tolerationSeconds": 300}
                for what in ("not-ready", "unreachable")],
            **CLUSTER_DOMAIN_POLICY},
        "status": {
            "phase": "Running", "qosClass": "Burstable", "startTime": CREATED,
            "podIP": _own("address"), "podIPs": [{"ip": _own("address")}],
            "hostIP": _own("host"), "hostIPs": [{"ip": _own("host")}],
            "conditions": [
                {"type": kind, "status": "True", "lastProbeTime": None,
                 "lastTransitionTime": CREATED}
                for kind in ("PodReadyToStartContainers", "Initialized", "Ready",
                             "ContainersReady", "PodScheduled")],
            "containerStatuses": [
                {"name": name, "ready": True, "started": True, "restartCount": 0,
                 "image": application.image(name),
                 "imageID": f"registry.example.com/x@sha256:{application.hash * 6}",
                 "containerID": _own(f"container_id_{number}"), "lastState": {},
                 "state": {"running": {"startedAt": CREATED}}}
                for number, (name, *_) in enumerate(containers)]}}


class Objects:
    """An application's, as texts of what stands in a list's items. `version_of` gives
    the value of a pod's version label, by its number in the fleet."""

    def __init__(self, application, version_of=lambda number: None):
        self.application, self._version_of = application, version_of
        self._pod_template = None

    def pod(self, pod, resource_version=1):
        self._pod_template = self._pod_template or _template(_pod(self.application))
        own = {"name": pod.name, "uid": pod.uid, "node": pod.node, "host": pod.host,
               "address": pod.address, "resource_version": resource_version,
               "version": self._version_of(self.application.first + pod.index)
               or self.application.version}
        for number, container_id in enumerate(pod.container_ids):
            own[f"container_id_{number}"] = container_id
        return self._pod_template % own

    # As long as the lists of pods() and so on are.
    COUNTS = {"pods": lambda application: application.size,
              "services": lambda application: 1,
              "endpointslices": lambda application: -(-application.size // SLICE)}

    def pods(self):
        return [self.pod(pod) for pod in
                sorted(self.application.pods(), key=lambda pod: pod.name)]

    def services(self):
        application = self.application
        return [_template({
            "metadata": _metadata(application, application.name,
                                  application.service_labels(),
                                  application.service_annotations()),
            "spec": {"clusterIP": "None", "clusterIPs": ["None"], "type": "ClusterIP",
                     "selector": {"app.kubernetes.io/instance": application.name},
                     "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
                     "internalTrafficPolicy": "Cluster", "sessionAffinity": "None",
                     "ports": [{"name": name, "port": port, "targetPort": name,
                                "protocol": "TCP", "appProtocol": "http"}
                               for _, port, name in application.containers]},
            "status": {"loadBalancer": {}}}) % self._numbered(0)]

    def endpointslices(self):
        application, pods = self.application, list(self.application.pods())
        endpoint = _template({
            "addresses": [_own("address")],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "nodeName": _own("node"), "zone": _own("zone"),
            "targetRef": {"kind": "Pod", "namespace": application.namespace,
                          "name": _own("name"), "uid": _own("uid")}})
        around = _template({
            "metadata": _metadata(application, _own("name"), application.slice_labels()),
            "addressType": "IPv4", "endpoints": [_own("endpoints")],
            "ports": [{"name": name, "port": port, "protocol": "TCP",
                       "appProtocol": "http"}
                      for _, port, name in application.containers]})
        # The list's text, not a string that contains it.
        around = around.replace('["%(endpoints)s"]', "[%(endpoints)s]")
        return [around % {
            **self._numbered(1 + number), "name": application.slice_name(number),
            "endpoints": ",".join(endpoint % vars(pod)
                                  for pod in pods[number * SLICE:][:SLICE])}
            for number in range(-(-len(pods) // SLICE))]

    def _numbered(self, number):
        """A service's or slice's own."""
        return {"uid": f"{number:08x}-0000-4000-9000-{self.application.first:012x}",
                "resource_version": 1}
