"""Programs that say which target groups they find, and groups to compare."""

import json
import os
import pathlib
import subprocess

# Gives a program files as a pod has them, which nobody else sees.
AS_POD = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/secrets/kubernetes.io
cp -r "$1" /run/secrets/kubernetes.io/serviceaccount
test -e /var/run/secrets/kubernetes.io/serviceaccount/token
shift
exec "$@"
"""


class Pod:
    """Lets programs look at a ControlPlane as if they ran in a pod of it."""

    def __init__(self, plane, token, namespace):
        account = pathlib.Path(plane.folder) / "serviceaccount"
        account.mkdir()
        (account / "token").write_text(token)
        (account / "namespace").write_text(namespace)
        (account / "ca.crt").write_bytes(plane.ca_file.read_bytes())
        self._begin = ["unshare", "-rm", "sh", "-c", AS_POD, "sh", str(account)]
        self.environment = {
            **os.environ,
            "HOME": str(account),  # where there is no kubeconfig
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(plane.ports["api"]),
        }
        # Not everybody may have a file system of his own.
        self.works = not subprocess.run(
            self.command(["true"]), capture_output=True
        ).returncode

    def command(self, command):
        return [*self._begin, *command]


class Side:
    """One of the two programs, and what it has found: groups by job and source."""

    def __init__(self, command, environment):
        self.groups = {}
        self._program = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

    def look(self):
        """Takes what has changed; its keys."""
        return [self._take(group) for group in self._ask("changed")]

    def dump(self):
        """All groups, asked for again."""
        return {(group["job"], group["source"]): group for group in self._ask("dump")}

    def close(self):
        self._program.stdin.close()
        self._program.wait(30)
        self._program.stdout.close()

    def _ask(self, what):
        self._program.stdin.write(what.encode() + b"\n")
        self._program.stdin.flush()
        return json.loads(self._program.stdout.readline())

    def _take(self, group):
        key = group["job"], group["source"]
        if group["targets"]:
            self.groups[key] = group
        else:
            self.groups.pop(key, None)
        return key


def text_of(group):
    if group is None:
        return ["no group"]
    targets = sorted(json.dumps(target, sort_keys=True) for target in group["targets"])
    return [json.dumps(group.get("labels", {}), sort_keys=True), *targets]


def pairs_of(group):
    """Every label of a group as a line, for people."""
    if group is None:
        return {"no group"}
    sets = [("group", group.get("labels", {}))]
    sets += [(target.get("__address__"), target) for target in group["targets"]]
    return {
        f"{of}: {name}={value!r}" for of, each in sets for name, value in each.items()
    }


def equal(a, b):
    """Are two groups, or None, equal but for the order of their targets?"""
    if a is None or b is None:
        return a is b
    if a.get("labels", {}) != b.get("labels", {}):
        return False
    return a["targets"] == b["targets"] or text_of(a) == text_of(b)
