#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to a running chain: installs what a build needs, builds a release, runs `mtlsd demo`.
# The second time only what changed is built.
set -eu
cd "$(dirname "$0")/.."
began=$(date +%s)
say() {
    printf '== [%3ss] %s\n' "$(($(date +%s) - began))" "$*"
}

say "1/3 packages"
# shellcheck disable=SC2046 # a list of package names
sh packaging/ensure-packages.sh $(grep -v '^#' packaging/build-packages)

say "2/3 build (build/release)"
if [ ! -f build/release/build.ninja ]; then
    cmake --preset release -DBUILD_TESTING=OFF >/dev/null
fi
cmake --build --preset release --target mtlsd

say "3/3 mtlsd demo"
status=0
build/release/mtlsd demo || status=$?
if [ "$status" -eq 0 ]; then
    say "done: the program is build/release/mtlsd; README.md shows what to do with it next"
else
    say "the demo failed (exit code $status)"
fi
exit "$status"
