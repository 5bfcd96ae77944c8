#!/usr/bin/env bash
# The benchmarks whose figures are in bench/README.md: every Google Benchmark
# program of the release tree, then the binary from outside.
#
#   scripts/bench.sh [BENCHMARK_FILTER]
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
cmake --preset release -DTA_BUILD_BENCH=ON >build/release.configure.log ||
  { cat build/release.configure.log; exit 1; }
cmake --build build/release
for bench in build/release/bench/*_bench; do
  [ -x "$bench" ] || continue
  printf '\n==> %s\n' "$bench"
  "$bench" --benchmark_filter="${1:-all}" --benchmark_counters_tabular=true
done
[ $# -gt 0 ] && exit
for bench in bench/blackbox.py bench/pages.py; do
  printf '\n==> %s\n' "$bench"
  "$bench"
done
