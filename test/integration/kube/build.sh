#!/usr/bin/env bash
# Builds the programs of the test control plane: etcd, kube-apiserver,
# kube-controller-manager and the fake kubelet.
#
#   test/integration/kube/build.sh [FOLDER]     build/kube if not said
#
# Needs Go (from PATH) and, the first time, the module proxy. Cold this takes ten
# minutes on two cores, 2 GB of memory and 4 GB of disk (Go's caches); unchanged,
# a second.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../../build/kube}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$here"
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
IFS=. read -r major minor _ <<<"${version#v}"
flags="-s -w -X k8s.io/component-base/version.gitVersion=$version"
flags+=" -X k8s.io/component-base/version.gitMajor=$major"
flags+=" -X k8s.io/component-base/version.gitMinor=$minor"
# -p 2: more compilers at a time need more memory than small machines have.
for program in etcd kube-apiserver kube-controller-manager fake-kubelet; do
  go build -p 2 -trimpath -ldflags "$flags" -o "$out/$program" "./$program"
done
