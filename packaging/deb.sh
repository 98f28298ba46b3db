#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the Debian package for this machine's release, from the tree as it is. The version is that of CMakeLists.txt, followed by the release (0.1.0~deb12),
# so that a package is replaced when its host moves to the next release. Two builds of one tree give the same file.
# usage: deb.sh [FOLDER]     FOLDER: where the package is put (default: build/deb)
set -eu
umask 022
cd "$(dirname "$0")/.."
out=${1:-build/deb}
mkdir -p "$out"
out=$(cd "$out" && pwd)

# shellcheck disable=SC2046 # a list of package names
sh packaging/ensure-packages.sh $(grep -v '^#' packaging/build-packages) build-essential debhelper dpkg-dev python3

version=$(sed -n 's/^project(mtlsd VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
release=$(. /etc/os-release && echo "${VERSION_ID:-}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
tree=$work/mtlsd-$version
mkdir "$tree"
tar -c src include conf packaging CMakeLists.txt LICENSE | tar -x -C "$tree"
mv "$tree/packaging/debian" "$tree/debian"
cp packaging/systemd/mtlsd.service packaging/systemd/mtlsd@.service packaging/systemd/mtlsd.sysusers "$tree/debian/"
sed -i "1s/([^)]*)/($version${release:+~deb$release})/" "$tree/debian/changelog"
(cd "$tree" && dpkg-buildpackage -b -uc -us >"$work/log" 2>&1) || {
    tail -n 40 "$work/log" >&2
    exit 1
}
for file in "$work"/*.deb; do
    case $file in *-dbgsym_*) continue ;; esac
    mv "$file" "$out/"
    (cd "$out" && sha256sum "$(basename "$file")")
done
