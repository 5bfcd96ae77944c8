"""The image's root file system (scripts/image-root.sh), run as a pod of the
operator's deployment is: read-only, as process 1, by a user without a name, a
capability or a way to gain one, with the operator's volumes and environment."""

import http.client
import json
import os
import pathlib
import ssl
import stat
import subprocess
import unittest

import cluster
import harness
import objects
import tls_test
from cluster import RBAC
from harness import eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPERATOR = ROOT / "test/testdata/operator"
ACCOUNT = "var/run/secrets/kubernetes.io/serviceaccount"
USER = 12345  # as a platform picks one for each namespace

# Mounts what a container runtime does, and becomes the program. Arguments: the
# root, a file of "FOLDER MOUNT-POINT" lines, the program's own.
CONTAINER = f"""
set -e
root=$1; volumes=$2; shift 2
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
while read -r folder point; do
  mount --bind "$folder" "$root/$point"
  mount -o remount,bind,ro "$root/$point"
done <"$volumes"
mount -o remount,bind,ro "$root"
exec setpriv --no-new-privs chroot --userspec={USER}:0 --groups= "$root" \\
  /usr/local/bin/target-allocator "$@"
"""


def may_make_namespaces():
    command = ["unshare", "--mount", "--pid", "--fork", "true"]
    try:
        return subprocess.run(command, capture_output=True, timeout=30).returncode == 0
    except FileNotFoundError:
        return False


class Container(harness.Allocator):
    """`volumes`: folder by mount point."""

    def __init__(self, folder, root, volumes, env, *flags):
        self.port = harness.free_port()
        for point in ["proc", *volumes]:
            (root / point).mkdir(parents=True, exist_ok=True)
        table = pathlib.Path(folder) / "volumes"
        table.write_text("".join(f"{made} {point}\n" for point, made in volumes.items()))
        harness.Process.__init__(
            self,
            "container",
            ["unshare", "--mount", "--pid", "--fork", "--kill-child",
             "bash", "-c", CONTAINER, "bash", root, table,
             f"--listen-addr=127.0.0.1:{self.port}", *flags],
            folder,
            {"PATH": os.environ["PATH"], "HOME": "/", **env},
        )

    def pid(self):
        """Of the program, seen from here; `unshare` is its parent."""
        parent = self.process.pid
        path = pathlib.Path(f"/proc/{parent}/task/{parent}/children")
        return int(path.read_text().split()[0])

    def stop(self, timeout=15):
        if self.alive():
            os.kill(self.pid(), harness.signal.SIGTERM)
            self.process.wait(30)
        return super().stop(timeout)


@unittest.skipUnless(may_make_namespaces(), "needs root, for namespaces")
class ImageCase(harness.PeerTest):
    """The root file system, laid out for each test."""

    def setUp(self):
        super().setUp()
        self.root = self.folder / "root"
        subprocess.run(
            [ROOT / "scripts/image-root.sh", harness.BINARY, self.root],
            check=True, timeout=60, stdin=subprocess.DEVNULL,
        )
        self.folder.chmod(0o755)

    def container(self, volumes, env, *flags):
        volumes = {point: self.folder / name for point, name in volumes.items()}
        return self.own(Container(self.folder, self.root, volumes, env, *flags))


class ImageTest(ImageCase):
    def config(self, *targets):
        return json.dumps({
            "collector_selector": None,
            "collectors": {"static": ["collector-0"]},
            "config": {"scrape_configs": [
                {"job_name": "self", "static_configs": [{"targets": targets}]}]},
            "filter_strategy": "relabel-config",
        })

    def test_it_has_the_program_its_libraries_and_their_licences(self):
        files = [path for path in self.root.rglob("*") if not path.is_symlink()]
        modes = [path.stat().st_mode for path in files]
        self.assertFalse([mode for mode in modes if mode & (stat.S_ISUID | stat.S_ISGID)])
        code = {
            path.relative_to(self.root).as_posix()
            for path, mode in zip(files, modes)
            if stat.S_ISREG(mode) and mode & stat.S_IXUSR
        }
        self.assertEqual(
            {path for path in code if ".so." not in pathlib.Path(path).name},
            {"usr/local/bin/target-allocator"},
        )
        # What the loader finds in there is what was linked, and all of it.
        listed = subprocess.run(
            ["chroot", self.root, self.loader(), "--list", "/usr/local/bin/target-allocator"],
            capture_output=True, text=True, check=True, timeout=30,
        ).stdout
        self.assertNotIn("not found", listed)
        needed = [pathlib.Path(word).name for word in listed.split() if ".so." in word]
        self.assertEqual({pathlib.Path(path).name for path in code} - set(needed),
                         {"target-allocator"})
        packages = {path.name for path in (self.root / "var/lib/dpkg/status.d").iterdir()}
        licences = {path.parent.name for path in files if path.name == "copyright"}
        self.assertEqual(packages, licences)
        self.assertLessEqual({"libc6", "libssl3", "libboost1.81-dev"}, packages)
        rest = sum(path.stat().st_size for path in files if path.name != "target-allocator")
        self.assertLess(rest, 25e6)

    def loader(self):
        found = [path for path in self.root.rglob("ld-linux*")]
        self.assertEqual(len(found), 1)
        return "/" + found[0].relative_to(self.root).as_posix()

    def test_it_runs_as_a_pod_of_the_operator(self):
        self.volume("conf", {"targetallocator.yaml": self.config("a:1")})
        container = self.container(
            {"conf": "conf"},
            {"OTELCOL_NAMESPACE": "metrics", "GOMEMLIMIT": "128000000", "GOMAXPROCS": "1"},
        ).wait_ready()
        status = dict(
            line.split(":\t", 1)
            for line in pathlib.Path(f"/proc/{container.pid()}/status").read_text().splitlines()
        )
        self.assertEqual(status["NSpid"].split()[-1], "1")
        self.assertEqual(set(status["Uid"].split()), {str(USER)})
        self.assertEqual(set(status["Gid"].split()), {"0"})
        self.assertEqual(status["Groups"].split(), [])
        self.assertEqual(int(status["CapEff"], 16), 0)
        self.assertEqual(status["NoNewPrivs"], "1")
        for path in ["/livez", "/readyz", "/metrics", "/scrape_configs", "/jobs"]:
            self.assertEqual(container.get(path).status, 200, path)
        self.assertEqual(container.addresses("self", "collector-0"), ["a:1"])
        self.assertNotIn("level=error", container.log())
        self.assertNotIn("level=warn", container.log())

        # The ConfigMap changes.
        self.volume("conf", {"targetallocator.yaml": self.config("a:1", "b:2")})
        eventually(lambda: container.addresses("self", "collector-0") == ["a:1", "b:2"],
                   what="the new file")

        # To process 1 a signal means nothing that it doesn't ask for.
        os.kill(container.pid(), harness.signal.SIGTERM)
        self.assertEqual(container.wait(30), 0)

    def test_it_serves_mutual_tls_with_the_operators_certificates(self):
        ca = tls_test.Authority(self.folder, "ca")
        certificate, key = ca.issue("server", "IP:127.0.0.1")
        client = ca.issue("client", "DNS:collector-0")
        config = json.loads(self.config("a:1"))
        config["https"] = {
            "enabled": True,
            "listen_addr": ":8443",
            "ca_file_path": "/tls/ca.crt",
            "tls_cert_file_path": "/tls/tls.crt",
            "tls_key_file_path": "/tls/tls.key",
        }
        self.volume("conf", {"targetallocator.yaml": json.dumps(config)})
        self.volume("tls", {
            "ca.crt": ca.pem.read_text(),
            "tls.crt": certificate.read_text(),
            "tls.key": key.read_text(),
        })
        port = harness.free_port()
        self.container(
            {"conf": "conf", "tls": "tls"},
            {"OTELCOL_NAMESPACE": "metrics"},
            f"--listen-addr-https=127.0.0.1:{port}",
        ).wait_ready()
        context = ssl.create_default_context(cafile=str(ca.pem))
        context.load_cert_chain(*[str(path) for path in client])
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, context=context, timeout=10
        )
        connection.request("GET", "/scrape_configs")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()


class ImageInClusterTest(cluster.ClusterTest, ImageCase):
    """With what each pod has of its cluster: an address, a token and a CA."""

    def account(self, namespace):
        """A service account with the rights of the operator's documentation: its
        volume's files."""
        name = "allocator"
        self.create("serviceaccounts", {"metadata": {"name": name}}, namespace=namespace)
        resources = ["nodes", "services", "endpoints", "pods", "namespaces"]
        self.api("POST", f"{RBAC}/clusterroles", objects.role(name, resources))
        subject = objects.service_account(name, namespace)
        self.api("POST", f"{RBAC}/clusterrolebindings",
                 objects.role_binding(name, subject, "ClusterRole"))
        place = self.path("serviceaccounts", name, namespace=namespace)
        answer = self.api("POST", f"{place}/token",
                          {"spec": {"expirationSeconds": 3600}})
        return {
            "token": answer["status"]["token"],
            "ca.crt": self.plane.ca_file.read_text(),
            "namespace": namespace,
        }

    def test_it_finds_nodes_and_collectors_as_its_service_account(self):
        for namespace in ["metrics", "shop"]:
            self.create_namespace(namespace)
        self.volume("account", self.account("metrics"))
        file = OPERATOR / "daemonset-with-kubernetes-discovery.yaml"
        self.volume("conf", {"targetallocator.yaml": file.read_text()})
        labels = {
            "app.kubernetes.io/component": "opentelemetry-collector",
            "app.kubernetes.io/instance": "shop.nodes",
            "app.kubernetes.io/managed-by": "opentelemetry-operator",
            "app.kubernetes.io/part-of": "opentelemetry",
        }
        collectors = objects.stateful_set("nodes-collector", 3, labels, "metrics")
        self.create("statefulsets", collectors, cluster.APPS, "metrics")
        container = self.container(
            {"conf": "conf", ACCOUNT: "account"},
            {
                "OTELCOL_NAMESPACE": "metrics",
                "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                "KUBERNETES_SERVICE_PORT": str(self.plane.ports["api"]),
            },
        ).wait_ready(60)
        eventually(
            lambda: len([member for member in container.status()["collectors"]["members"]
                         if member["state"] == "live"]) == 3,
            60, what="three collectors",
        )
        self.assertEqual(
            container.metric('opentelemetry_allocator_targets{job_name="kubelet"'),
            self.plane.nodes,
        )
        self.assertNotIn("level=error", container.log())


if __name__ == "__main__":
    harness.main()
