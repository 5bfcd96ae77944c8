"""Targets in files, as file discovery reads them, and changes to them."""

import json
import pathlib
import time

# Six labels, the address and the file's path among them.
FEW = {"env": "production", "team": "shop", "zone": "a"}


def kubernetes_labels(i):
    """What a pod has: 42 labels, of which four or five values are its own."""
    app, node = f"app-{i % 200}", f"node-{i % 500}"
    labels = {
        "__meta_kubernetes_namespace": f"team-{i % 40}",
        "__meta_kubernetes_pod_name": f"{app}-{i:08x}",
        "__meta_kubernetes_pod_ip": f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}",
        "__meta_kubernetes_pod_uid": f"{i:08x}-0000-4000-8000-{i * 7919:012x}",
        "__meta_kubernetes_pod_node_name": node,
        "__meta_kubernetes_pod_host_ip": f"192.0.2.{i % 250}",
        "__meta_kubernetes_pod_phase": "Running",
        "__meta_kubernetes_pod_ready": "true",
        "__meta_kubernetes_pod_controller_kind": "ReplicaSet",
        "__meta_kubernetes_pod_controller_name": f"{app}-7d4b9c",
        "__meta_kubernetes_pod_container_name": "main",
        "__meta_kubernetes_pod_container_image": f"registry.example/{app}:v1.{i % 9}",
        "__meta_kubernetes_pod_container_port_name": "metrics",
        "__meta_kubernetes_pod_container_port_number": "9090",
        "__meta_kubernetes_pod_container_port_protocol": "TCP",
    }
    for kind in ["label", "annotation"]:
        for n in range(6):
            labels[f"__meta_kubernetes_pod_{kind}_example_{n}"] = f"{app}-value-{n}"
            labels[f"__meta_kubernetes_pod_{kind}present_example_{n}"] = "true"
    labels["env"] = "production"
    return labels  # and __address__, __meta_filepath: 42


def replace(path, text):
    """Writes the file's new content beside it, then renames; when that began."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    begun = time.perf_counter()
    fresh.replace(path)
    return begun


def cpu_of_changes(allocator, files, seconds):
    """The allocator's CPU, in seconds a minute, at one change a second, of each of the
    TargetFiles' files in turn. RuntimeError if they weren't written as fast."""
    before, begun = allocator.cpu(), time.monotonic()
    for turn in range(seconds):
        files.change(turn % len(files.groups))
        time.sleep(max(0, begun + turn + 1 - time.monotonic()))
    used, lasted = allocator.cpu() - before, time.monotonic() - begun
    if lasted > 1.05 * seconds:
        raise RuntimeError(f"{seconds} changes took {lasted:.1f} s, not one a second")
    return used * 60 / lasted


class TargetFiles:
    """FOLDER/<number>.json: so many targets spread over so many files, each target a
    group of its own. Their labels are `few`, or as a pod of `kubernetes` has them."""

    def __init__(self, folder, targets, files, labels="few"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.version = 0
        self.groups = [[] for _ in range(files)]
        for i in range(targets):
            own = dict(FEW) if labels == "few" else kubernetes_labels(i)
            if labels == "few":
                own["host"] = f"host-{i}"
            address = f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}:9100"
            self.groups[i % files].append({"targets": [address], "labels": own})
        # As they are written, so that a change costs the machine little.
        self.texts = [[json.dumps(group) for group in file] for file in self.groups]
        for number in range(files):
            self.write(number)

    def scrape_config(self, job):
        files = [str(self.folder / "*.json")]
        return {"job_name": job, "file_sd_configs": [{"files": files}]}

    def addresses(self):
        """Of all targets."""
        return {group["targets"][0] for file in self.groups for group in file}

    def write(self, number):
        """When the file was renamed into place."""
        text = "[" + ", ".join(self.texts[number]) + "]"
        return replace(self.folder / f"{number}.json", text)

    def change(self, number=0):
        """Changes one target's label, which leaves it where it is; its new value,
        and when the file was renamed into place."""
        self.version += 1
        value = f"changed-{self.version}"
        self.groups[number][0]["labels"]["team"] = value
        self.texts[number][0] = json.dumps(self.groups[number][0])
        return value, self.write(number)

    def first_address(self):
        """Of the target that change() changes."""
        return self.groups[0][0]["targets"][0]
