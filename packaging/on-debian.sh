#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs both commands of the README, or COMMAND, in a bare Debian of another release: a temporary folder that debootstrap fills.
# Mirror and proxy are those of this machine's apt; MTLSD_MIRROR=URL sets another mirror. Fetched packages are kept in build/on-debian, or
# in MTLSD_PACKAGES=FOLDER. Needs root and the right to mount. Network and processes are this machine's.
# The last lines have each command's last line, its exit code and its minutes; the exit code is 0 only if all of them are 0.
# usage: on-debian.sh RELEASE [COMMAND [ARGUMENT...]]     RELEASE: trixie, bookworm, ...
set -eu
umask 022
cd "$(dirname "$0")/.."

fail() {
    echo "on-debian.sh: $*" >&2
    exit 2
}

[ $# -gt 0 ] || fail "no release: write on-debian.sh trixie, or bookworm"
release=$1
case $release in *[!a-z]*) fail "$release is not the name of a release: write trixie or bookworm" ;; esac
[ "$(id -u)" -eq 0 ] || fail "debootstrap needs root: run this as root, or with sudo"

# In a mount namespace of its own, so that every mount ends with this script, however it ends.
if [ "${MTLSD_ON_DEBIAN:-}" != inside ]; then
    unshare --mount true 2>/dev/null || fail "this machine does not let root mount (a container without CAP_SYS_ADMIN?): run this on another"
    MTLSD_ON_DEBIAN=inside exec unshare --mount sh "packaging/$(basename "$0")" "$@"
fi
shift

began=$(date +%s)
say() {
    printf '== [%4ss] %s: %s\n' "$(($(date +%s) - began))" "$release" "$*"
}

# "URI SUITE" of every list of packages that apt has from Debian.
apt_sources() {
    # shellcheck disable=SC2016 # the names are apt's
    apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(REPO_URI) $(CODENAME)' 'Created-By: Packages' 2>/dev/null |
        awk '$1 == "Debian" && $2 == "main" { sub("/$", "", $3); print $3, $4 }' | sort -u
}

find_mirrors() {
    if [ -z "$(apt_sources)" ]; then
        apt-get -q update >/dev/null 2>&1 || fail "apt-get update failed: run it by hand to see why"
    fi
    mirror=${MTLSD_MIRROR:-$(apt_sources | awk '$2 !~ /-/ { print $1; exit }')}
    security=$(apt_sources | awk '$2 ~ /-security$/ { print $1; exit }')
    updates=$(apt_sources | awk '$2 ~ /-updates$/ { print $1; exit }')
    [ -n "$mirror" ] || fail "apt has no source of Debian's on this machine: name a mirror, MTLSD_MIRROR=URL"
}

# How this machine's apt gets to its mirror: proxies, what is checked of a mirror, retries.
apt_settings() {
    apt-config dump | grep -E '^Acquire::(http|https|ftp|Check-|Retries|ForceIPv)' || true
}

proxy_of() {
    proxy=""
    eval "$(apt-config shell proxy "Acquire::$1::Proxy")"
    echo "$proxy"
}

make_root() {
    say "debootstrap from $mirror"
    include=""
    case $mirror$security in *https://*) include=--include=ca-certificates ;; esac
    mkdir -p "$root/etc/dpkg/dpkg.cfg.d"
    echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/thrown-away" # the folder is temporary: a power cut does not matter
    http_proxy=${http_proxy:-$(proxy_of http)} https_proxy=${https_proxy:-$(proxy_of https)} \
        debootstrap --variant=minbase $include --cache-dir="$packages" "$release" "$root" "$mirror" >"$log.debootstrap" 2>&1 || {
        tail -n 20 "$log.debootstrap" "$root/debootstrap/debootstrap.log" >&2
        fail "debootstrap failed: see the lines above"
    }
    echo "deb $mirror $release main" >"$root/etc/apt/sources.list"
    [ -z "$updates" ] || echo "deb $updates $release-updates main" >>"$root/etc/apt/sources.list"
    [ -z "$security" ] || echo "deb $security $release-security main" >>"$root/etc/apt/sources.list"
    apt_settings >"$root/etc/apt/apt.conf.d/90of-the-machine"
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # no service is started
    chmod 755 "$root/usr/sbin/policy-rc.d"
}

# The tree as it is, with what is not committed; without build folders.
copy_tree() {
    mkdir "$root/mtlsd"
    tar -c --exclude=./build --exclude='./build-*' . | tar -x -C "$root/mtlsd"
    chown -R 0:0 "$root/mtlsd"
}

mount_parts() {
    mount --bind "$root" "$root" # for tests that make mount namespaces of their own, whose / must be a mount point
    mount -t proc proc "$root/proc"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount --bind "$packages" "$root/var/cache/apt/archives"
}

# Runs one command inside; its output goes through, and its last line into the summary.
run() {
    say "$*"
    since=$(date +%s)
    {
        status=0
        chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM="${TERM:-dumb}" \
            sh -c 'cd /mtlsd && exec "$@"' sh "$@" </dev/null || status=$?
        echo "$status" >"$log.status"
    } 2>&1 | tee "$log"
    code=$(cat "$log.status")
    minutes=$(awk -v s=$(($(date +%s) - since)) 'BEGIN { printf "%.1f", s / 60 }')
    summary="$summary
   $*: exit code $code, $minutes minutes, last line: $(tail -n 1 "$log")"
    [ "$code" -eq 0 ] || failed=yes
}

cleanup() {
    # The mounts first; rm leaves alone what is still mounted.
    for part in proc dev/pts dev/shm var/cache/apt/archives; do
        umount -l "$root/$part" 2>/dev/null || true
    done
    umount -l "$root" 2>/dev/null || true
    rm -rf --one-file-system "$root" "$log" "$log.status" "$log.debootstrap"
}

sh packaging/ensure-packages.sh debootstrap
find_mirrors
packages=${MTLSD_PACKAGES:-$PWD/build/on-debian/packages-$release}
mkdir -p build/on-debian "$packages/partial"
root=$(mktemp -d "$PWD/build/on-debian/$release.XXXXXX")
chmod 755 "$root"
log=$root.log
failed=no
summary=""
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
make_root
mount_parts
copy_tree
if [ $# -gt 0 ]; then
    run "$@"
else
    run sh packaging/quickstart.sh
    run sh tests/run.sh
fi
say "done$summary"
[ "$failed" = no ]
