#!/usr/bin/env bash
# Builds the OpenTelemetry Collector of the tests, and the program that reads
# what we push (decode/).
#
#   test/integration/otel/build.sh [FOLDER]     build/otel if not said
#
# Needs Go (from PATH) and, the first time, the module proxy. Cold this takes
# minutes; unchanged, a second. The collector has 77 MB.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../../build/otel}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$here"
# -p 2: more compilers at a time need more memory than small machines have.
# Of the discovery mechanisms only the small ones: the clouds' libraries take as
# long as all else (EC2's alone two minutes), and a receiver with a target
# allocator runs none but http_sd.
tags=remove_all_sd,enable_kubernetes_sd,enable_dns_sd
go build -p "${GO_BUILD_JOBS:-2}" -trimpath -tags "$tags" -ldflags "-s -w" \
  -o "$out/collector" .
go build -p "${GO_BUILD_JOBS:-2}" -trimpath -ldflags "-s -w" \
  -o "$out/otlp_decode" ./decode
