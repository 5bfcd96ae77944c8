#!/usr/bin/env bash
# Builds the oracle.
#
#   test/oracle/build.sh [OUT]    the binary; build/oracle if not said
#
# Needs Go (from PATH) and, the first time, the module proxy.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:-$root/build/oracle}
mkdir -p "$(dirname "$out")"
out=$(cd "$(dirname "$out")" && pwd)/$(basename "$out")
cd "$root/test/oracle"
exec go build -trimpath -o "$out" .
