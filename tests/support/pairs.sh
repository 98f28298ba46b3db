#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: tests/support/pairs.sh [BUILD]     prints a table of the flow suites over the pairs of versions: checks run, and those that failed
flow=${1:-build/asan}/tests/flow
pairs="h1-h1-h1 h2-h1-h1 h1-h2-h1 h2-h2-h1 h1-h1-h2 h2-h2-h2"
failed=0
printf '%-22s' suite
printf '%14s' $pairs
echo
for suite in client client_http client_limit client_move client_time client_header exchange_header exchange_forward exchange_limit exchange_location \
    exchange_rejudge exchange_request exchange_response exchange_sni exchange_time exchange_tunnel exchange_upstream; do
    printf '%-22s' "$suite"
    for pair in $pairs; do
        said=$(CK_FORK=${CK_FORK:-no} CK_DEFAULT_TIMEOUT=60 WIRE_PAIR=$pair "$flow" "test_$suite" 2>/dev/null | sed -n 's/.*Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)/\1 \2 \3/p')
        set -- $said
        bad=$((${2:-0} + ${3:-0}))
        [ -n "$said" ] || bad=1
        failed=$((failed + bad))
        if [ "${1:-0}" = 0 ]; then printf '%14s' -; else printf '%14s' "$(($1 - bad))/$1"; fi
    done
    echo
done
[ "$failed" = 0 ]
