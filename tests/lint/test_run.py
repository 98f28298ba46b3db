# SPDX-License-Identifier: Apache-2.0
"""What tests/run.sh runs, and that a build that fails is counted: the builds beside the unit tests fail where nobody looks."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from test_check_rooms import ROOT

CMAKE = """case "$*" in *$BROKEN*) echo "no $BROKEN"; exit 1 ;; esac
echo "cmake $*" >>"$CALLS"
"""
PYTHON = """echo "python $*" >>"$CALLS"
case "$*" in
*--counts*) while [ "$1" != --counts ]; do shift; done; echo 5 0 1 >>"$2" ;;
*--failed*) ;;
*) echo 3 0 0 ;;
esac
"""


class Run(unittest.TestCase):
    def ran(self, *arguments, broken="nothing"):
        """(exit code, printed lines, what was called) in a tree where every tool is a stand-in."""
        with tempfile.TemporaryDirectory() as folder:
            tree, calls = pathlib.Path(folder), pathlib.Path(folder, "calls")
            for name in ("tests/support", "packaging", "bin"):
                tree.joinpath(name).mkdir(parents=True)
            shutil.copy(ROOT / "tests/run.sh", tree / "tests/run.sh")
            for name, text in {"bin/cmake": CMAKE, "bin/python3": PYTHON, "bin/ctest": "", "packaging/ensure-packages.sh": ""}.items():
                tree.joinpath(name).write_text("#!/bin/sh\n" + text)
                tree.joinpath(name).chmod(0o755)
            for name in ("packaging/build-packages", "tests/packages", "tests/packages-system"):
                tree.joinpath(name).write_text("# none\n")
            done = subprocess.run(["sh", tree / "tests/run.sh", *arguments], capture_output=True, text=True, timeout=60,
                                  env=dict(os.environ, PATH=f"{tree}/bin:{os.environ['PATH']}", CALLS=str(calls), BROKEN=broken))
            return done.returncode, done.stdout.splitlines(), calls.read_text() if calls.exists() else ""

    def test_everything_runs_and_counts(self):
        code, lines, calls = self.ran()
        self.assertEqual((0, "13 passed, 0 failed, 2 skipped"), (code, lines[-1]))
        self.assertIn("--also build/release/mtlsd small --instead build/release/mtlsd test_bench --also build/tsan/mtlsd reload --also build/tsan/mtlsd per_client", calls)
        for preset in ("tsan", "release"):
            self.assertEqual(1, calls.count(f"cmake --build --preset {preset} --target mtlsd\n"))

        self.assertIn("--folder tests/system --counts ", calls)
        self.assertEqual(1, calls.count("--again 2"))  # of the system tests alone

    def test_a_build_beside_the_others_that_fails_is_red(self):
        code, lines, calls = self.ran(broken="tsan")
        self.assertEqual((1, ["failed: the build of build/tsan", "13 passed, 1 failed, 2 skipped"]), (code, lines[-2:]))
        self.assertIn("no tsan", lines)
        self.assertIn(" --also build/release/mtlsd clock", calls)
        self.assertNotIn("build/tsan/mtlsd", calls)

    def test_a_first_build_that_fails_ends_it(self):
        code, lines, calls = self.ran(broken="asan")
        self.assertEqual((1, "0 passed, 1 failed, 0 skipped"), (code, lines[-1]))
        self.assertNotIn("run_python", calls)

    def test_a_name_needs_no_other_build(self):
        code, lines, calls = self.ran("system", "sni")
        self.assertEqual((0, "5 passed, 0 failed, 1 skipped"), (code, lines[-1]))
        self.assertRegex(calls, r"run_python.py --folder tests/system .* sni\n")
        for other in ("tsan", "release", "--also"):
            self.assertNotIn(other, calls)


if __name__ == "__main__":
    unittest.main()
