# SPDX-License-Identifier: Apache-2.0
"""The sanitizers of this build find each kind of fault, and their reports name the function."""
import pathlib
import re
import subprocess
import unittest

import harness
from harness import MTLSD, ROOT

FAULTY = pathlib.Path(MTLSD).parent / "tests/faulty"
SOURCE = ROOT / "tests/support/faulty.c"


@unittest.skipUnless(FAULTY.exists(), "not the build with the address sanitizer")
class Sanitizers(harness.Case):
    def run_faulty(self, *words):
        return subprocess.run([FAULTY, *words], capture_output=True, text=True, timeout=30, env=self.environment())

    def test_each_fault_ends_the_program_and_is_located(self):
        names = re.findall(r'\{"(\w+)", \w+\}', SOURCE.read_text())
        self.assertEqual(13, len(names))
        for name in names:
            with self.subTest(name):
                done = self.run_faulty(name)
                self.assertNotEqual(0, done.returncode)
                self.assertRegex(done.stderr, harness.SANITIZER_WORDS)
                where = "main" if name == "leak" else name  # a leak is told with the allocation
                self.assertRegex(done.stderr, rf"in {where} .*faulty\.c:\d+")

    def test_no_fault_no_report(self):
        done = self.run_faulty()
        self.assertEqual((0, ""), (done.returncode, done.stderr))


if __name__ == "__main__":
    harness.main()
