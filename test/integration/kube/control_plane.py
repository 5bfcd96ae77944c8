#!/usr/bin/env python3
"""A real Kubernetes control plane on loopback, for tests and for people who want
to look: etcd, kube-apiserver, kube-controller-manager and a fake kubelet.

    test/integration/kube/build.sh
    test/integration/kube/control_plane.py start [FOLDER] [--nodes N]
    KUBECONFIG=FOLDER/admin.kubeconfig kubectl get pods -A
    test/integration/kube/control_plane.py stop [FOLDER]

FOLDER (build/kube/run if not said) gets the data, the logs and two kubeconfigs:
`admin.kubeconfig`, which may do anything, and `nobody.kubeconfig`, whose user has
no rights until somebody gives it some. Tests use the class below.
"""

import argparse
import base64
import http.client
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "test/integration"))
from ports import free_port  # noqa: E402

BINARIES = ROOT / "build/kube"

# Controllers that make pods, services and endpoints behave; those that would
# judge nodes by kubelets that aren't there are left out.
CONTROLLERS = [
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "daemonset-controller",
    "job-controller",
    "cronjob-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "endpointslice-mirroring-controller",
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
]

ADMIN, NOBODY = "test-admin", "test-nobody"


class ControlPlane:
    """Start() returns when the API answers and the nodes are there; Stop() ends
    every process that was started. Each part can be ended and started again by
    its name: "etcd", "kube-apiserver", "kube-controller-manager",
    "fake-kubelet". Without `workers` nothing but its users changes the cluster:
    there are no controllers and no nodes."""

    def __init__(self, folder, nodes=3, apiserver_flags=(), workers=True):
        self.folder = pathlib.Path(folder).resolve()
        self.nodes = nodes
        self.workers = workers
        self.apiserver_flags = list(apiserver_flags)
        self.processes = {}
        self.ports = {}

    # --- Start and stop ------------------------------------------------------

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        names = ("etcd", "peer", "api", "controllers")
        self.ports = {name: free_port() for name in names}
        self._write_keys()
        try:
            self.start_part("etcd")
            self.start_part("kube-apiserver")
            self.wait_ready()
            self._write_kubeconfig("admin", ADMIN)
            self._write_kubeconfig("nobody", NOBODY)
            if self.workers:
                self.start_workers()
            (self.folder / "pids.json").write_text(
                json.dumps({name: p.pid for name, p in self.processes.items()})
            )
        except BaseException:
            self.stop()
            raise
        return self

    def start_workers(self):
        self.start_part("kube-controller-manager")
        self.start_part("fake-kubelet")
        self._wait("the nodes", lambda: self._count("/api/v1/nodes") >= self.nodes)

    def stop(self):
        for name in reversed(list(self.processes)):
            self.stop_part(name, signal.SIGKILL)

    def start_part(self, name):
        log = open(self.folder / f"{name}.log", "ab")
        self.processes[name] = subprocess.Popen(
            [str(BINARIES / name), *self._flags(name)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()

    def stop_part(self, name, how=signal.SIGTERM):
        """An API server that is asked to (SIGTERM) takes its time; SIGKILL is how
        one is lost."""
        process = self.processes.pop(name, None)
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def freeze(self, name):
        self.processes[name].send_signal(signal.SIGSTOP)

    def thaw(self, name):
        self.processes[name].send_signal(signal.SIGCONT)

    # --- Using it ------------------------------------------------------------

    @property
    def ca_file(self):
        return self.folder / "certs/apiserver.crt"

    @property
    def url(self):
        return f"https://127.0.0.1:{self.ports['api']}"

    def kubeconfig(self, user="admin"):
        return self.folder / f"{user}.kubeconfig"

    def request(self, method, path, body=None, token=ADMIN, kind="application/json"):
        """The status and the JSON that the API server answers."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.ports["api"], timeout=30, context=context
        )
        try:
            connection.request(
                method,
                path,
                json.dumps(body) if body is not None else None,
                {"Authorization": f"Bearer {token}", "Content-Type": kind},
            )
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text.decode(errors="replace")

    def must(self, method, path, body=None, **more):
        status, answer = self.request(method, path, body, **more)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: HTTP {status}: {answer}")
        return answer

    def wait_ready(self):
        self._wait("the API server", self._is_ready)

    # --- Inside --------------------------------------------------------------

    def _is_ready(self):
        for name, process in self.processes.items():
            if process.poll() is not None:
                tail = (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{name} ended with {process.returncode}:\n{tail}")
        return (
            self.ca_file.exists()
            and self.request("GET", "/readyz")[0] == 200
            and self.request("GET", "/api/v1/namespaces/default")[0] == 200
        )

    def _count(self, path):
        return len(self.must("GET", path)["items"])

    def _wait(self, what, done, seconds=120):
        deadline = time.monotonic() + seconds
        while True:
            try:
                if done():
                    return
            except (OSError, http.client.HTTPException):
                pass
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}: not there after {seconds} s")
            time.sleep(0.05)

    def _write_keys(self):
        key, public = self.folder / "sa.key", self.folder / "sa.pub"
        for command in (
            ["openssl", "genrsa", "-out", str(key), "2048"],
            ["openssl", "rsa", "-in", str(key), "-pubout", "-out", str(public)],
        ):
            subprocess.run(command, check=True, capture_output=True)
        (self.folder / "tokens.csv").write_text(
            f"{ADMIN},admin,1,system:masters\n{NOBODY},nobody,2\n"
        )

    def _write_kubeconfig(self, name, token):
        ca = base64.b64encode(self.ca_file.read_bytes()).decode()
        self.kubeconfig(name).write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "test",
                    "contexts": [
                        {"name": "test", "context": {"cluster": "test", "user": name}}
                    ],
                    "clusters": [
                        {
                            "name": "test",
                            "cluster": {
                                "server": self.url,
                                "certificate-authority-data": ca,
                            },
                        }
                    ],
                    "users": [{"name": name, "user": {"token": token}}],
                },
                indent=2,
            )
            + "\n"
        )

    def _flags(self, name):
        folder, ports = self.folder, self.ports
        admin = self.kubeconfig()
        return {
            "etcd": [
                f"-data-dir={folder}/etcd",
                f"-client-port={ports['etcd']}",
                f"-peer-port={ports['peer']}",
            ],
            "kube-apiserver": [
                f"--etcd-servers=http://127.0.0.1:{ports['etcd']}",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                f"--secure-port={ports['api']}",
                f"--cert-dir={folder}/certs",
                f"--token-auth-file={folder}/tokens.csv",
                "--authorization-mode=RBAC",
                "--anonymous-auth=false",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={folder}/sa.pub",
                f"--service-account-signing-key-file={folder}/sa.key",
                "--service-cluster-ip-range=10.255.0.0/16",
                "--endpoint-reconciler-type=none",
                # Pods need no service account that a controller makes first.
                "--disable-admission-plugins=ServiceAccount",
                "--enable-priority-and-fairness=false",
                # Every request, for tests that count watches.
                f"--audit-log-path={folder}/audit.log",
                f"--audit-policy-file={pathlib.Path(__file__).parent}/audit-policy.yaml",
                *self.apiserver_flags,
            ],
            "kube-controller-manager": [
                f"--kubeconfig={admin}",
                "--bind-address=127.0.0.1",
                f"--secure-port={ports['controllers']}",
                f"--cert-dir={folder}/certs-controllers",
                "--leader-elect=false",
                f"--controllers={','.join(CONTROLLERS)}",
                f"--service-account-private-key-file={folder}/sa.key",
                f"--root-ca-file={self.ca_file}",
                "--kube-api-qps=500",
                "--kube-api-burst=1000",
                "--concurrent-statefulset-syncs=10",
            ],
            "fake-kubelet": [f"-kubeconfig={admin}", f"-nodes={self.nodes}"],
        }[name]


def stop_started(folder):
    """Ends the processes that `start` left running in `folder`."""
    file = pathlib.Path(folder) / "pids.json"
    for name, pid in json.loads(file.read_text()).items():
        try:
            # Only what is still the program that was started.
            program = os.readlink(f"/proc/{pid}/exe")
        except OSError:
            continue
        if pathlib.Path(program.removesuffix(" (deleted)")).name == name:
            os.kill(pid, signal.SIGKILL)
    file.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("command", choices=("start", "stop"))
    parser.add_argument("folder", nargs="?", default=str(BINARIES / "run"))
    parser.add_argument("--nodes", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.command == "stop":
        stop_started(arguments.folder)
        return 0
    folder = pathlib.Path(arguments.folder)
    if (folder / "pids.json").exists():
        stop_started(folder)
    shutil.rmtree(folder, ignore_errors=True)
    began = time.monotonic()
    plane = ControlPlane(folder, arguments.nodes).start()
    print(f"{plane.url} is up after {time.monotonic() - began:.1f} s")
    print(f"export KUBECONFIG={plane.kubeconfig()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
