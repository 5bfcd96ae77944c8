#!/usr/bin/env bash
# Builds the fuzzers (preset fuzz) and runs each for FUZZ_SECONDS, 60 if not
# said, from the committed seeds and what earlier runs found, which stays in
# build/fuzz/corpus. An input that breaks one is written to build/fuzz/found;
# it belongs into test/fuzz/seeds with the fix. Exits 1 if there is one.
#
#   scripts/fuzz.sh [FUZZER…]    all that are listed below, if none is named
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-60}
fuzzers=("$@")
[ $# -gt 0 ] || fuzzers=(
  yaml_fuzz schema_fuzz relabel_fuzz target_file_fuzz http_answer_fuzz dns_fuzz
  watch_fuzz snapshot_fuzz http_request_fuzz
)

cmake --preset fuzz >/dev/null
cmake --build build/fuzz --target "${fuzzers[@]}"
mkdir -p build/fuzz/found
failed=()
for fuzzer in "${fuzzers[@]}"; do
  corpus=build/fuzz/corpus/$fuzzer
  mkdir -p "$corpus"
  longest=8192
  case $fuzzer in
    # Its 64 steps are no longer: what is behind them would be changed in vain.
    snapshot_fuzz)
      longest=256
      seeds=(test/fuzz/seeds/snapshot) ;;
    yaml_fuzz | schema_fuzz)
      seeds=(test/fuzz/seeds/yaml test/fuzz/seeds/schema test/testdata/config) ;;
    *) seeds=("test/fuzz/seeds/${fuzzer%_fuzz}") ;;
  esac
  printf '\n==> %s for %s s\n' "$fuzzer" "$seconds"
  "build/fuzz/test/fuzz/$fuzzer" -max_total_time="$seconds" -timeout=60 \
    -rss_limit_mb=2048 -max_len="$longest" -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="build/fuzz/found/$fuzzer-" "$corpus" "${seeds[@]}" ||
    failed+=("$fuzzer")
done
[ "${#failed[@]}" = 0 ] || { printf 'FAILED: %s\n' "${failed[@]}"; exit 1; }
