#!/usr/bin/env bash
# Builds and runs the tests; `make test` and `make check` install what they need
# and call this.
#
#   scripts/test.sh         everything: release, AddressSanitizer with UBSan,
#                           ThreadSanitizer, the oracle, real peers
#   scripts/test.sh quick   the unit tests that take seconds, in the dev tree
#
# A tree that does not build ends the run; failing tests are counted, and the
# others still run. Exits 1 if anything failed.
set -uo pipefail
cd "$(dirname "$0")/.."

jobs=$(nproc)
failed=()
reports=()
unsteady=()

say() { printf '\n==> %s\n' "$*"; }

# build PRESET: configures and compiles one tree, or ends the run.
build() {
  say "building $1"
  cmake --preset "$1" -DTA_BUILD_TESTS=ON >"build/$1.configure.log" 2>&1 || {
    cat "build/$1.configure.log"
    exit 1
  }
  cmake --build "build/$1" -j "$jobs" || exit 1
}

# run PRESET NAME CTEST-ARGUMENTS...: runs some of a tree's tests.
run() {
  local preset=$1 name=$2
  shift 2
  say "testing $preset: $name"
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error \
    --output-junit "$(report "$preset" "$name")" "$@"
}

report() { echo "$PWD/build/$1.${2// /-}.xml"; }

# tests: the same, and a failure is one of the whole run.
tests() {
  run "$@" && return
  failed+=("$1: $2")
  reports+=("$(report "$1" "$2")")
}

# peers: the same for tests with other people's programs, which have clocks and
# pauses of their own. What fails is tried once more; that it was needed is said
# at the end, for it is a bug of ours or of the test.
peers() {
  run "$@" && return
  unsteady+=("$(report "$1" "$2")")
  tests "$1" "$2 once more" --rerun-failed -j 1
}

finish() {
  if [ "${#unsteady[@]}" -gt 0 ]; then
    say "failed when first tried:"
    scripts/failed-tests.py "${unsteady[@]}"
  fi
  if [ "${#failed[@]}" -gt 0 ]; then
    say "FAILED:"
    printf '  %s\n' "${failed[@]}"
    scripts/failed-tests.py "${reports[@]}"
    exit 1
  fi
  say "all passed in $((SECONDS / 60)) min $((SECONDS % 60)) s"
}

mkdir -p build
case "${1:-all}" in
  quick)
    build dev
    tests dev 'quick tests' -L quick -j "$jobs"
    ;;
  all)
    if [ -x test/oracle/build.sh ]; then
      say "building the oracle"
      test/oracle/build.sh || exit 1
    fi
    say "building the test control plane"
    test/integration/kube/build.sh || exit 1
    say "building the OpenTelemetry Collector of the tests"
    test/integration/otel/build.sh || exit 1
    build release
    tests release 'unit tests' -LE integration -j "$jobs"
    # One at a time: they watch the clock.
    peers release 'real peers' -L integration -j 1

    # Not again: churn, which no sanitizer changes and all make slow, and what
    # other programs spend their time on.
    export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
    export UBSAN_OPTIONS=print_stacktrace=1
    build asan
    tests asan 'unit tests' -LE 'peers|oracle' -E '[Cc]hurn' -j "$jobs"
    export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
    build tsan
    tests tsan 'unit tests' -LE 'peers|oracle' -E '[Cc]hurn' -j "$jobs"
    ;;
  *)
    echo "usage: scripts/test.sh [quick]" >&2
    exit 2
    ;;
esac
finish
