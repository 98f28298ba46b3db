#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzzers with clang and runs each for some seconds, beginning with its corpus. What is new goes to build/fuzz/found; an input that
# breaks a property is left in build/fuzz as NAME-crash-..., and belongs into the corpus once it is mended.
# usage: tests/fuzz/run.sh [SECONDS [NAME...]]
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ -f build/fuzz/build.ninja ] || cmake --preset fuzz >/dev/null
# shellcheck disable=SC2046 # a list of names
[ $# -gt 0 ] || set -- $(ls tests/fuzz/corpus)
targets=$(printf 'fuzz_%s ' "$@")
# shellcheck disable=SC2086 # a list of names
cmake --build --preset fuzz --target $targets >/dev/null
for name in "$@"; do
    mkdir -p "build/fuzz/found/$name"
    status=0
    "build/fuzz/tests/fuzz_$name" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1500 -artifact_prefix="build/fuzz/$name-" \
        -print_final_stats=1 "build/fuzz/found/$name" "tests/fuzz/corpus/$name" 2>"build/fuzz/$name.log" || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: //p' "build/fuzz/$name.log")
    echo "$name: $runs runs, $([ $status -eq 0 ] && echo "nothing found" || echo "FOUND something: see build/fuzz/$name.log")"
done
