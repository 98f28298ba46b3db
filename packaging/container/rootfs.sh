#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Puts the root tree of the container image together: mtlsd, the libraries it names, the system's CAs, and nothing that could run another program: no
# shell, no package manager. The Containerfile runs it, and so does a test, which runs the tree in a chroot.
# usage: rootfs.sh MTLSD FOLDER     MTLSD: a built program; FOLDER: is made
set -eu
umask 022
program=$1
root=$2
mkdir -p "$root/usr/bin" "$root/etc/mtlsd" "$root/etc/ssl/certs" "$root/run/mtlsd" "$root/var/lib/mtlsd" "$root/tmp" "$root/proc" "$root/sys" "$root/dev"
for name in bin lib lib64 sbin; do
    [ ! -L "/$name" ] || { mkdir -p "$root/usr/$name" && ln -s "usr/$name" "$root/$name"; }
done
install -m 755 "$program" "$root/usr/bin/mtlsd"

# The libraries by the paths that the loader uses, the loader among them, and NSS for names of hosts.
copy() {
    mkdir -p "$root$(dirname "$1")"
    cp -L "$1" "$root$1"
}
# The registry's embedded database is loaded when a configuration names one, so that the program does not tell of it.
sqlite=$(/sbin/ldconfig -p | sed -n 's/.*libsqlite3\.so\.0 .*=> //p' | head -n 1)
for part in "$program" $sqlite; do
    [ "$part" = "$program" ] || copy "$part"
    ldd "$part" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p'
done | sort -u >"$root/tmp/libraries"
while read -r library; do copy "$library"; done <"$root/tmp/libraries"
rm "$root/tmp/libraries"
folder=$(dirname "$(ldd "$program" | sed -n 's/.*libc\.so\.6 => \(\/[^ ]*\).*/\1/p')")
for library in "$folder"/libnss_files.so.2 "$folder"/libnss_dns.so.2 "$folder"/libresolv.so.2; do
    [ ! -e "$library" ] || copy "$library"
done

[ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
printf 'root:x:0:0:root:/:/usr/sbin/nologin\nmtlsd:x:65532:65532:mtlsd:/var/lib/mtlsd:/usr/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\nmtlsd:x:65532:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
chmod 1777 "$root/tmp"
[ "$(id -u)" -ne 0 ] || chown 65532:65532 "$root/run/mtlsd" "$root/var/lib/mtlsd"
