#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the missing ones of the named Debian packages; prints nothing if all are installed.
# A|B means the first of these that the release has.
# Services of new packages are not started: the callers need programs, not daemons.
# usage: ensure-packages.sh PACKAGE...
set -eu

if ! command -v dpkg-query >/dev/null; then
    echo "This is not Debian: no packages are installed here. The build names what it misses."
    exit 0
fi

is_installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
}

# The cache is named because container images turn it off, and each lookup then takes more than a second.
has_release() {
    apt-cache -o Dir::Cache::pkgcache=pkgcache.bin -o Dir::Cache::srcpkgcache=srcpkgcache.bin show --no-all-versions "$1" >/dev/null 2>&1
}

# The names in $@ with alternatives decided. Without package lists the release is unknown: then the last alternative.
choose() {
    for package in "$@"; do
        while [ "$package" != "${package#*|}" ]; do
            first=${package%%|*}
            if is_installed "$first" || has_release "$first"; then
                package=$first
            else
                package=${package#*|}
            fi
        done
        echo "$package"
    done
}

missing_of() {
    for package in "$@"; do
        is_installed "$package" || printf ' %s' "$package"
    done
}

# shellcheck disable=SC2046 # lists of package names
missing=$(missing_of $(choose "$@"))
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "These packages are missing:$missing" >&2
    echo "Run this as root once, or: sudo apt-get install$missing" >&2
    exit 1
fi

policy=/usr/sbin/policy-rc.d
ours=no
cleanup() {
    [ "$ours" = no ] || rm -f "$policy"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    ours=yes
fi

log=$(mktemp)
fail() {
    tail -n 30 "$log" >&2
    echo "apt-get failed; its whole output is in $log" >&2
    exit 1
}
export DEBIAN_FRONTEND=noninteractive
# The lists may be old or, in a bare container, absent: fetch them before installing.
apt-get -q update >"$log" 2>&1 || fail
# shellcheck disable=SC2046
missing=$(missing_of $(choose "$@"))
[ -n "$missing" ] || exit 0
echo "installing:$missing"
# shellcheck disable=SC2086
apt-get -q -y --no-install-recommends install $missing >>"$log" 2>&1 || fail
rm -f "$log"
