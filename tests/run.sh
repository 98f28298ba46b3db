#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every test of the project: installs what is missing (Debian 12 or 13, as root), builds with address and undefined-behaviour sanitizers, runs
# the unit and flow tests, the system tests against real peers on loopback, those with several workers once more under the thread sanitizer,
# and the lint tests. Where names are given only what they need is built.
# The last line is "N passed, N failed, N skipped", before it stand the files that failed; the exit code is 0 only when something ran and nothing
# failed.
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
blamed=$build/test-failures
began=$(date +%s)
say() {
    printf '== [%3ss] %s\n' "$(($(date +%s) - began))" "$*"
}

install_needs() {
    say "packages"
    lists="packaging/build-packages tests/packages"
    case $part in all | system) lists="$lists tests/packages-system" ;; esac
    # shellcheck disable=SC2046,SC2086 # lists of package names, and of their files
    sh packaging/ensure-packages.sh $(grep -hv '^#' $lists)
}

# The programs that hold the unit and flow tests of these names.
programs_of() {
    [ $# -gt 0 ] || echo test_programs
    for name in "$@"; do
        for file in tests/unit/*/test_*.c tests/flow/test_*.c tests/fuzz/fuzz_*.c; do
            room=$(basename "$(dirname "$file")")
            case $(basename "$file" .c) in *"$name"*) ;; *) continue ;; esac
            case $room in
            flow) echo flow flow_without_memory ;;
            fuzz) echo fuzz_replays ;;
            *) echo "unit_$room" ;;
            esac
        done
    done
}

# The programs besides mtlsd that the system tests of these names need.
programs_beside() {
    [ $# -gt 0 ] || echo bench_judge faulty faulty_token
    for name in "$@"; do
        case test_bench.py in *"$name"*) echo bench_judge ;; esac
        case test_sanitizers.py in *"$name"*) echo faulty ;; esac
        case test_faulty_token.py in *"$name"*) echo faulty_token ;; esac
    done
}

build_needs() {
    targets=""
    case $part in all | unit) targets=$(programs_of "$@") ;; esac
    case $part in all | system) targets="$targets mtlsd $(programs_beside "$@")" ;; esac
    [ -n "$targets" ] || return 0
    say "build ($build)"
    [ -f "$build/build.ninja" ] || cmake --preset $preset >/dev/null || return 1
    # shellcheck disable=SC2086 # a list of targets
    cmake --build --preset $preset --target $targets
}

# One process a file: a crash or a leak costs the rest of that file and nothing else. A process for each test costs half a minute a thousand, for
# each looks for leaks at its end; to find which test it was, run the program with CK_FORK=yes.
run_unit() {
    say "unit and flow tests"
    log=$build/ctest.log
    filter=""
    for name in "$@"; do
        filter="$filter${filter:+|}$name"
    done
    CK_FORK=${CK_FORK:-no} CK_VERBOSITY=normal ctest --preset $preset --verbose --parallel "$(nproc)" ${filter:+-R "$filter"} >"$log" 2>&1 || true
    grep -E '^ *[0-9]+/[0-9]+ +Test +#' "$log" || true
    python3 tests/support/count_ctest.py "$log" --failed "$blamed"
    python3 tests/support/count_ctest.py "$log" >>"$counts"
}

run_python() {
    what=$1
    shift
    say "$what tests"
    python3 tests/support/run_python.py --folder "tests/$what" --counts "$counts" --failed "$blamed" "$@" || true
}

# Builds mtlsd in another preset, for the tests that are run once more with it.
build_other() {
    [ -f "build/$1/build.ninja" ] || nice -n 10 cmake --preset "$1" -DBUILD_TESTING=OFF || return 1
    nice -n 10 cmake --build --preset "$1" --target mtlsd
}

# The thread sanitizer ends the daemon with a code the tests notice. Moved clocks need the program as shipped: libfaketime and a sanitizer both want
# to be loaded first; so does what is asked of memory, as a sanitizer keeps what is freed. The benches measure the program as shipped, never another.
# Both are built while the unit tests run. The release build goes first, because its link uses one processor only.
others="release:clock,small tsan:reload,per_client,key_process"
build_others() {
    rm -f "$build"/failed-*
    for other in $others; do
        build_other "${other%:*}" >"$build/build-${other%:*}.log" 2>&1 || : >"$build/failed-${other%:*}"
    done
}

run_system() {
    MTLSD=${MTLSD:-$PWD/$build/mtlsd}
    export MTLSD
    if [ $# -eq 0 ]; then
        set -- --again 2
        say "waiting for the other builds"
        wait
        for other in $others; do
            preset_of=${other%:*}
            if [ -e "$build/failed-$preset_of" ]; then
                cat "$build/build-$preset_of.log"
                echo "0 1 0" >>"$counts"
                echo "the build of build/$preset_of" >>"$blamed"
            else
                for name in $(echo "${other#*:}" | tr , ' '); do
                    set -- "$@" --also "build/$preset_of/mtlsd" "$name"
                done
                [ "$preset_of" != release ] || set -- "$@" --instead build/release/mtlsd test_bench
            fi
        done
    fi
    run_python system "$@"
}

install_needs
mkdir -p "$build"
: >"$counts"
: >"$blamed"
if ! build_needs "$@"; then
    say "the build failed"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
case $part in all | system) [ $# -gt 0 ] || build_others & ;; esac
case $part in all | unit) run_unit "$@" ;; esac
case $part in all | system) run_system "$@" ;; esac
case $part in all | lint) run_python lint "$@" ;; esac

say "all done"
sed 's/^/failed: /' "$blamed"
awk '
    { passed += $1; failed += $2; skipped += $3 }
    END {
        printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
        exit (failed > 0 || passed == 0)
    }' "$counts"
