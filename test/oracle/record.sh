#!/usr/bin/env bash
# Asks Prometheus again for every expected output in test/testdata, after a case
# was added or the module's version raised. `git diff` shows what differs.
set -euo pipefail
cd "$(dirname "$0")/../.."
test/oracle/build.sh
build/oracle record test/testdata
