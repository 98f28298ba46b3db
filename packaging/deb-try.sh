#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tries the Debian package out in a bare Debian, as root: builds it twice and compares the hashes, runs lintian, installs it, injects a request as the user
# mtlsd, upgrades it under an open connection, purges it, and looks for what is left. Changes the system it runs in, so run it in one that is thrown away:
#     sh packaging/on-debian.sh bookworm sh packaging/deb-try.sh
# usage: deb-try.sh
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
daemons=""
cleanup() {
    # shellcheck disable=SC2086 # process ids
    [ -z "$daemons" ] || kill $daemons 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
say() {
    printf '== %s\n' "$*"
}
fail() {
    echo "deb-try.sh: $*" >&2
    exit 1
}

say "two builds"
mkdir "$work/one" "$work/two"
sh packaging/deb.sh "$work/one"
sh packaging/deb.sh "$work/two"
deb=$(echo "$work"/one/mtlsd_*.deb)
cmp "$deb" "$work"/two/mtlsd_*.deb || fail "two builds of one tree differ"
say "package: $(stat -c %s "$deb") bytes, installed $(dpkg-deb -f "$deb" Installed-Size) KiB"

say "lintian"
sh packaging/ensure-packages.sh lintian curl python3
lintian --fail-on error,warning --allow-root "$deb" || fail "lintian complains"

# With its libraries and once without the package, so that only its own files count.
DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$deb" >"$work/apt.log" 2>&1 || fail "$(tail -n 20 "$work/apt.log")"
dpkg -P mtlsd >/dev/null
files() {
    find / -xdev \( -path /proc -o -path /tmp -o -path /var/cache -o -path /var/lib/dpkg -o -path /mtlsd -o -path /root -o -path /run \) -prune -o -print | sort
}
files >"$work/before"

say "from dpkg -i to the first injected request"
began=$(date +%s%N)
dpkg -i "$deb" >/dev/null
(cd "$work" && mtlsd pki init && mtlsd pki issue server --server --san localhost && mtlsd pki issue payments --client) >/dev/null
install -m 640 -o root -g mtlsd "$work/pki/payments.pem" "$work/pki/ca.pem" /etc/mtlsd/
cat >/etc/mtlsd/mtlsd.conf <<END
admin = { socket = "unix:/run/mtlsd/admin.sock"; };
identities = { payments = { bundle = "payments.pem"; }; };
trusts = { partner = { ca = "ca.pem"; }; };
upstreams = { partner = { targets = [ "localhost:18443" ]; tls = { identity = "payments"; trust = "partner"; }; }; };
listeners = { app = { bind = "127.0.0.1:18080"; upstream = "partner"; }; };
END
install -d -o mtlsd -g mtlsd /run/mtlsd
python3 -m http.server --bind 127.0.0.1 --directory "$work/pki" 18090 >/dev/null 2>&1 &
daemons="$daemons $!"
mtlsd server --listen 127.0.0.1:18443 --backend 127.0.0.1:18090 --bundle "$work/pki/server.pem" --ca "$work/pki/ca.pem" 2>/dev/null &
daemons="$daemons $!"
runuser -u mtlsd -- mtlsd check >"$work/check" || fail "$(cat "$work/check")"
runuser -u mtlsd -- mtlsd run 2>"$work/log" &
daemons="$daemons $!"
curl -sS --retry 50 --retry-delay 0 --retry-max-time 20 --retry-all-errors -o "$work/got" http://127.0.0.1:18080/ca.pem || fail "$(cat "$work/log")"
cmp "$work/got" "$work/pki/ca.pem"
say "$(awk -v ns=$(($(date +%s%N) - began)) 'BEGIN { printf "%.2f s", ns / 1e9 }')"

say "units, as the systemd of this release rates them"
for unit in mtlsd.service mtlsd@x.service; do
    file=$(dpkg -L mtlsd | grep -F "/$(echo "$unit" | sed 's/@x/@/')")
    cp "$file" "$work/$unit"
    systemd-analyze security --offline=true --no-pager --threshold=12 "$work/$unit" >"$work/score" || fail "$(cat "$work/score")"
    tail -n 1 "$work/score"
done

say "upgrade under an open connection"
mkdir "$work/next"
dpkg-deb -R "$deb" "$work/next/tree"
sed -i 's/^Version: .*/&+next/' "$work/next/tree/DEBIAN/control"
dpkg-deb --root-owner-group -b "$work/next/tree" "$work/next/next.deb" >/dev/null
before=$(md5sum /etc/mtlsd/mtlsd.conf)
python3 - "$work/next/next.deb" <<'END' || fail "the upgrade cut a connection"
import http.client, subprocess, sys
app = http.client.HTTPConnection("127.0.0.1", 18080, timeout=20)
for step in ("before", "after"):
    app.request("GET", "/ca.pem")
    answer = app.getresponse()
    assert answer.status == 200 and answer.read(), step
    if step == "before":
        own = app.sock.getsockname()
        subprocess.run(["dpkg", "-i", sys.argv[1]], check=True, stdout=subprocess.DEVNULL)
assert app.sock.getsockname() == own, "another connection"
END
[ "$before" = "$(md5sum /etc/mtlsd/mtlsd.conf)" ] || fail "the upgrade changed the configuration"
dpkg-query -W -f='${Version}\n' mtlsd | grep -q +next || fail "not upgraded"
mtlsd reload >/dev/null || fail "the new program cannot reload the old daemon"

say "purge"
mtlsd drain >/dev/null
rm /etc/mtlsd/payments.pem /etc/mtlsd/ca.pem # the administrator's own
dpkg -P mtlsd >/dev/null
files >"$work/after"
left=$(comm -13 "$work/before" "$work/after")
[ -z "$left" ] || fail "left after the purge: $left"
say "nothing is left"
