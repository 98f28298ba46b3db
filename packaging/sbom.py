#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the bill of materials of a built mtlsd as SPDX 2.3 JSON: our version, and the libraries in it with the versions that dpkg has for them now.
The moment is SOURCE_DATE_EPOCH, so that two builds print the same.
usage: sbom.py MTLSD
"""
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
# Linked without a name in the program: an archive of llhttp or, on Debian 12, its sources. uthash is headers.
BUILT_IN = ("libllhttp-dev", "node-llhttp", "uthash-dev")


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout


def version_of(package):
    state, _, version = run("dpkg-query", "-W", "-f=${db:Status-Status} ${Version}", package).partition(" ")
    return version if state == "installed" else None


def libraries(program):
    """Names of the packages whose libraries the program names, and of those built in, with their versions."""
    needed = set(re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", program)))
    paths = [path for name, path in re.findall(r"^\s*(\S+) => (\S+)", run("ldd", program), re.M) if name in needed]
    candidates = {one for path in paths for one in (path, os.path.realpath(path), "/usr" + path)}
    owners = re.findall(r"^([a-z0-9.+-]+)(?::\w+)?: ", run("dpkg-query", "-S", *sorted(candidates)), re.M)
    found = {package: version_of(package) for package in owners}
    for package in BUILT_IN:
        if version_of(package) is not None and not (package == "node-llhttp" and "libllhttp-dev" in found):
            found[package] = version_of(package)
    return {name: version for name, version in sorted(found.items()) if version}


def element(name, version, licence="NOASSERTION"):
    return {"SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name), "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": licence, "copyrightText": "NOASSERTION"}


def main():
    program = sys.argv[1]
    version = re.search(r"project\(mtlsd VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    found = libraries(program)
    ours = element("mtlsd", version, "Apache-2.0")
    others = [{**element(name, number), "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                                          "referenceLocator": f"pkg:deb/debian/{name}@{number.replace('+', '%2B')}"}]}
              for name, number in found.items()]
    moment = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc)
    digest = hashlib.sha256(json.dumps([version, found]).encode()).hexdigest()[:16]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", ours["SPDXID"])]
    relations += [(ours["SPDXID"], "STATIC_LINK" if one["name"] in BUILT_IN else "DYNAMIC_LINK", one["SPDXID"]) for one in others]
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"mtlsd-{version}",
        "documentNamespace": f"https://mtlsd.example/spdx/mtlsd-{version}-{digest}",
        "creationInfo": {"created": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: mtlsd-sbom"]},
        "packages": [ours, *others],
        "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in relations],
    }
    json.dump(document, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
