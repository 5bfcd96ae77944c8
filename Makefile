# The front door. Each goal installs what it lacks (scripts/deps.sh) and leaves
# what it builds in build/<preset>.
#
#   make run      start the example in examples/quickstart, with three collectors
#   make test     everything: unit tests, also under sanitizers, real peers
#   make build    build/release/target-allocator
#   make check    the quick tests only
#   make image    the container image, with docker, podman or buildah
#   make fuzz     each fuzzer for FUZZ_SECONDS (60)
#   make lint     formatting and clang-tidy
#   make bench    the benchmarks whose figures are in bench/README.md
#   make bench-compare PEER=/path/to/another/allocator
#                 ours and it in turn: start, changes, churn, cost; PEER_ARGS are
#                 its own flags, PARTS some of bench/compare.py's parts
#   make format   lay out our sources as .clang-format says
#   make clean    remove build/

SHELL := /bin/bash
.DEFAULT_GOAL := build
.PHONY: run test build check image fuzz lint bench bench-compare format clean help

# A Go that scripts/deps.sh has installed comes first.
export PATH := $(CURDIR)/.venv/go/bin:$(PATH)

run: build
	@scripts/deps.sh run
	@scripts/run-quickstart

# A tree that exists already keeps what it was configured with, so that a build
# after `make test` doesn't reconfigure.
build:
	@scripts/deps.sh build
	@[ -f build/release/build.ninja ] || \
	  cmake --preset release -DTA_BUILD_TESTS=OFF -DTA_BUILD_BENCH=OFF
	@cmake --build build/release --target target-allocator
	@echo "built build/release/target-allocator"

test:
	@scripts/deps.sh test
	@scripts/test.sh

check:
	@scripts/deps.sh test
	@scripts/test.sh quick

image:
	@scripts/image.sh

fuzz:
	@scripts/deps.sh fuzz
	@scripts/fuzz.sh

lint:
	@scripts/deps.sh lint
	@scripts/lint.sh

bench:
	@scripts/deps.sh bench
	@scripts/bench.sh

# What quotes the flags have reaches the program: they go by the environment.
bench-compare:
	@[ -n "$$PEER" ] || { \
	  echo "usage: make bench-compare PEER=/path/to/another/allocator" \
	    "[PEER_ARGS='FLAGS'] [PARTS='start churn']" >&2; exit 2; }
	@scripts/deps.sh compare
	@$(MAKE) --no-print-directory build
	@test/integration/kube/build.sh
	@bench/compare.py --peer "$$PEER" --peer-args="$$PEER_ARGS" $(PARTS)

format:
	@scripts/deps.sh lint
	@git ls-files '*.h' '*.cc' | xargs clang-format-19 -i

clean:
	rm -rf build

help:
	@sed -n 's/^#   //p' Makefile
