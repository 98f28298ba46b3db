# SPDX-License-Identifier: Apache-2.0
"""The programs of tests/bench with tiny numbers: that they still run and print their tables. What they measure is nobody's business here."""
import pathlib
import re
import subprocess
import sys
import unittest

import harness

BENCH = harness.ROOT / "tests/bench"
BUILT = pathlib.Path(harness.MTLSD).parent / "tests/bench_judge"


class Bench(harness.Case):
    def run_bench(self, script, *arguments, seconds=120):
        done = subprocess.run([sys.executable, "-W", "ignore", BENCH / script, *map(str, arguments)], capture_output=True, text=True, timeout=seconds,
                              env=self.environment())
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    @unittest.skipUnless(BUILT.exists(), f"{BUILT} is not built here")
    def test_judge(self):
        text = self.run_bench("judge.py", "--program", BUILT, "--entries", "0,30", "--judgements", 3, "--handshakes", 2)
        for row in (r"\n +30 +checked +revoked +[\d.]+ +[\d.]+ +[\d.]+\n", r"\n +30 +\d+ +[\d.]+ +[\d.]+ +[\d.]+\n", r"\n +cross signed 64 +64 "):
            self.assertRegex(text, row)
        self.assertEqual(5, len(re.findall(r"^\S", text, re.M)), text)

    def test_revoke(self):
        text = self.run_bench("revoke.py", "--mtlsd", harness.MTLSD, "--entries", "1,40", "--rounds", 1, "--held", 2, "--others", 1)
        for entries in (1, 40):
            self.assertRegex(text, rf"\n +{entries}( +[\d.]+){{9}}\n")

    def test_fair(self):
        text = self.run_bench("fair.py", "--mtlsd", harness.MTLSD, "--streams", 2, "--seconds", 1, "--rounds", 1)
        for direction in ("down", "up"):
            self.assertRegex(text, rf"\n## beside 2 {direction}loads\n +p50 ms .*\nmtlsd( +[\d.]+){{6}}\nhaproxy( +[\d.]+){{6}}\n")

    def test_drill(self):
        text = self.run_bench("drill.py", "--mtlsd", harness.MTLSD, "--servers", "mtlsd,nginx")
        self.assertRegex(text, r"\ngood +\. - \. - +\. \. \. \. ")
        self.assertRegex(text, r"\nis-ca +\. - \. - +X X X X ")
        self.assertRegex(text, r"\nbad ones let in +0 +\d+ +of [23]\d\n")
        self.assertGreaterEqual(len(re.findall(r"^[a-z0-9-]+ +\. - \. - ", text, re.M)), 50)


if __name__ == "__main__":
    harness.main()
