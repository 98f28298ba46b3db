# SPDX-License-Identifier: Apache-2.0
"""What a build and the tests need, by the names of the distributions: told at once, chosen by release, in one list."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from test_check_rooms import ROOT

NEEDS = (ROOT / "packaging/needs.cmake").read_text()


def listed(*paths):
    lines = "\n".join((ROOT / path).read_text() for path in paths).splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


class Needs(unittest.TestCase):
    def test_packages_named_by_cmake_are_those_we_install(self):
        rows = re.findall(r"^ *need_\w+\(.* ([a-z][\w-]+) [a-z][\w-]+\)$", NEEDS, re.M)
        self.assertGreater(len(rows), 9)
        installed = {name for word in listed("packaging/build-packages") for name in word.split("|")}
        self.assertEqual(set(), set(rows) - installed)
        self.assertEqual({"cmake", "node-llhttp", "libsqlite3-dev", "libpq-dev"}, installed - set(rows))  # CMake goes on without the last two

    def test_a_build_names_everything_that_is_missing_in_one_message(self):
        with tempfile.TemporaryDirectory() as folder:
            tools = pathlib.Path(folder, "bin")
            tools.mkdir()
            tools.joinpath("pkg-config").write_text("#!/bin/sh\nexit 1\n")
            tools.joinpath("pkg-config").chmod(0o755)
            done = subprocess.run(["cmake", "-G", "Ninja", "-S", ROOT, "-B", f"{folder}/build", "-DLLHTTP_SOURCE=", "-DCMAKE_MAKE_PROGRAM=/nonexistent"],
                                  capture_output=True, text=True, timeout=60, env={**os.environ, "PKG_CONFIG": f"{tools}/pkg-config"})
        self.assertNotEqual(0, done.returncode)
        self.assertEqual(1, len(re.findall("CMake Error", done.stderr)), done.stderr)
        for module in re.findall(r"need_module\(\w+ ([a-z]+)", NEEDS):
            self.assertIn(f"    {module}", done.stderr)
        self.assertRegex(done.stderr, r"apt-get install.* libgnutls28-dev.* check")
        self.assertRegex(done.stderr, r"dnf install.* gnutls-devel.* check-devel")


class Alternatives(unittest.TestCase):
    """ensure-packages.sh with a package system of our own."""

    def missing(self, *words, installed=(), release=()):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {
                "dpkg-query": f'case " {" ".join(installed)} " in *" $3 "*) printf installed;; *) exit 1;; esac',
                "apt-cache": f'for last; do :; done; case " {" ".join(release)} " in *" $last "*) ;; *) exit 100;; esac',
                "id": "echo 1000",
            }.items():
                pathlib.Path(folder, name).write_text(f"#!/bin/sh\n{text}\n")
                pathlib.Path(folder, name).chmod(0o755)
            done = subprocess.run(["sh", ROOT / "packaging/ensure-packages.sh", *words], capture_output=True, text=True, timeout=10,
                                  env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
        self.assertEqual(done.returncode, 1 if done.stderr else 0)
        found = re.search("missing: (.*)", done.stderr)
        return found.group(1).split() if found else []

    def test_the_first_that_the_release_has_is_chosen(self):
        self.assertEqual(["new"], self.missing("new|old", release=["new", "old"]))
        self.assertEqual(["old"], self.missing("new|old", release=["old"]))

    def test_an_older_one_does_not_do_where_the_release_has_the_newer(self):
        self.assertEqual(["new"], self.missing("new|old", installed=["old"], release=["new", "old"]))

    def test_nothing_is_missing_when_the_chosen_one_is_there(self):
        self.assertEqual([], self.missing("new|old", installed=["old"], release=["old"]))
        self.assertEqual([], self.missing("new|old", "other", installed=["new", "other"]))

    def test_elsewhere_nothing_is_installed_and_the_build_goes_on(self):
        done = subprocess.run(["/bin/sh", ROOT / "packaging/ensure-packages.sh", "new"], capture_output=True, text=True, timeout=10, env={"PATH": "/nonexistent"})
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertIn("not Debian", done.stdout)

    def test_without_package_lists_the_last_one_is_asked_for(self):
        self.assertEqual(["other", "oldest"], self.missing("other", "new|old|oldest"))


if __name__ == "__main__":
    unittest.main()
