#!/usr/bin/env bash
# Formatting and clang-tidy over our own sources. Exits 1 with what is wrong.
# clang-tidy reads each file with the flags of the dev tree.
set -uo pipefail
cd "$(dirname "$0")/.."
status=0

printf '\n==> clang-format\n'
mapfile -t sources < <(git ls-files '*.h' '*.cc')
clang-format-19 --dry-run --Werror "${sources[@]}" || status=1

printf '\n==> clang-tidy\n'
mkdir -p build
cmake --preset dev >build/dev.configure.log 2>&1 || {
  cat build/dev.configure.log
  exit 1
}
# Tests and benchmarks are compiled with all warnings; the list here is for
# what runs in production. Headers are checked where they are included.
git ls-files 'hashing/*.cc' 'allocator/*.cc' 'discovery/*.cc' 'api/*.cc' |
  xargs -P "$(nproc)" -n 1 clang-tidy-19 --quiet -p build/dev \
    --warnings-as-errors='*' 2> >(grep -v -E \
      'warnings? (generated|treated)|^Suppressed|^Use -' >&2) || status=1

[ "$status" = 0 ] && printf '\n==> clean\n'
exit "$status"
