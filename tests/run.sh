#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every test of the project: installs what is missing (Debian 12 or 13, as root), builds with address and undefined-behaviour sanitizers, runs
# the unit and flow tests, the system tests against real peers on loopback, those with several workers once more under the thread sanitizer,
# and the lint tests.
# The last line is "N passed, N failed, N skipped"; the exit code is 0 only when something ran and nothing failed.
# usage: tests/run.sh [all | unit | system | lint] [NAME...]     NAME: only test files whose name contains it
set -eu
cd "$(dirname "$0")/.."

part=all
case "${1:-}" in
all | unit | system | lint)
    part=$1
    shift
    ;;
esac
preset=asan
build=build/$preset
counts=$build/test-counts
began=$(date +%s)
say() {
    printf '== [%3ss] %s\n' "$(($(date +%s) - began))" "$*"
}

install_needs() {
    say "packages"
    # shellcheck disable=SC2046 # a list of package names
    sh packaging/ensure-packages.sh $(grep -hv '^#' packaging/build-packages tests/packages)
}

build_all() {
    say "build ($build)"
    [ -f "$build/build.ninja" ] || cmake --preset $preset >/dev/null || return 1
    cmake --build --preset $preset
}

run_unit() {
    say "unit and flow tests"
    log=$build/ctest.log
    filter=""
    for name in "$@"; do
        filter="$filter${filter:+|}$name"
    done
    status=0
    CK_VERBOSITY=normal ctest --preset $preset --verbose --parallel "$(nproc)" ${filter:+-R "$filter"} \
        >"$log" 2>&1 || status=$?
    grep -E '^ *[0-9]+/[0-9]+ +Test +#' "$log" || true
    if [ $status -ne 0 ]; then
        python3 tests/support/count_ctest.py "$log" --failed
    fi
    python3 tests/support/count_ctest.py "$log" >>"$counts"
}

run_python() {
    what=$1
    shift
    say "$what tests"
    python3 tests/support/run_python.py --folder "tests/$what" --counts "$counts" "$@" || true
}

# The code that runs on several workers, under the thread sanitizer: a race ends the daemon with a code the tests notice.
run_threads() {
    say "system tests with several workers, thread sanitizer (build/tsan)"
    [ -f build/tsan/build.ninja ] || cmake --preset tsan -DBUILD_TESTING=OFF >/dev/null
    if ! cmake --build --preset tsan --target mtlsd; then
        echo "0 1 0" >>"$counts"
        return
    fi
    MTLSD=$PWD/build/tsan/mtlsd run_python system reload
}

# Moved clocks: libfaketime and a sanitizer both want to be loaded first, so this needs the program as it is shipped.
run_clocks() {
    say "system tests with moved clocks, as shipped (build/release)"
    [ -f build/release/build.ninja ] || cmake --preset release >/dev/null
    if ! cmake --build --preset release --target mtlsd; then
        echo "0 1 0" >>"$counts"
        return
    fi
    MTLSD=$PWD/build/release/mtlsd run_python system clock
}

install_needs
if [ "$part" = lint ]; then
    mkdir -p "$build"
elif ! build_all; then
    say "the build failed"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
: >"$counts"
case $part in all | unit) run_unit "$@" ;; esac
case $part in all | system)
    MTLSD=${MTLSD:-$PWD/$build/mtlsd}
    export MTLSD
    run_python system "$@"
    [ $# -gt 0 ] || { run_threads; run_clocks; }
    ;;
esac
case $part in all | lint) run_python lint "$@" ;; esac

say "all done"
awk '
    { passed += $1; failed += $2; skipped += $3 }
    END {
        printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
        exit (failed > 0 || passed == 0)
    }' "$counts"
