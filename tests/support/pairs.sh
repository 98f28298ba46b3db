#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: tests/support/pairs.sh [BUILD]     prints a table of the flow suites over the pairs of versions: checks that passed, of those that ran. A check that is
# about one version is left out where a hop does not speak it (support/wire_pair.c). The exit code is 1 if one failed.
flow=${1:-build/asan}/tests/flow
pairs="h1-h1-h1 h2-h1-h1 h1-h2-h1 h2-h2-h1 h1-h1-h2 h2-h2-h2"
failed=0
row() {
    printf '| %s |' "$1"
    shift
    printf ' %s |' "$@"
    echo
}
# shellcheck disable=SC2086 # lists of words
row suite $pairs
row --- $(echo "$pairs" | sed 's/[^ ]*/---:/g')
for suite in client client_http client_limit client_move client_time client_header exchange_header exchange_forward exchange_id exchange_limit exchange_location \
    exchange_rejudge exchange_request exchange_response exchange_sni exchange_text exchange_time exchange_tunnel exchange_upstream; do
    cells=
    for pair in $pairs; do
        said=$(CK_FORK=${CK_FORK:-no} CK_DEFAULT_TIMEOUT=60 WIRE_PAIR=$pair "$flow" "test_$suite" 2>/dev/null | sed -n 's/.*Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)/\1 \2 \3/p')
        # shellcheck disable=SC2086 # three numbers
        set -- $said
        bad=$((${2:-0} + ${3:-0}))
        [ -n "$said" ] || bad=1
        failed=$((failed + bad))
        if [ "${1:-0}" = 0 ]; then cells="$cells -"; else cells="$cells $(($1 - bad))/$1"; fi
    done
    # shellcheck disable=SC2086 # a list of words
    row "$suite" $cells
done
[ "$failed" = 0 ]
