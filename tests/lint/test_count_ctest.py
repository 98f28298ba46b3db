# SPDX-License-Identifier: Apache-2.0
"""The last line of tests/run.sh is only worth something if the counting cannot lose a failure."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import count_ctest  # noqa: E402


class Count(unittest.TestCase):
    def check(self, expected, *lines):
        passed, failed, _ = count_ctest.count(lines)
        self.assertEqual(expected, (passed, failed))

    def test_adds_up_programs(self):
        self.check((7, 0), "1: 100%: Checks: 5, Failures: 0, Errors: 0", "1/2 Test #1: test_a ....   Passed    0.01 sec",
                   "2: 100%: Checks: 2, Failures: 0, Errors: 0", "2/2 Test #2: test_b ....   Passed    0.01 sec")

    def test_counts_failures_and_errors_of_one_program_once(self):
        self.check((2, 3), "1: 40%: Checks: 5, Failures: 2, Errors: 1", "1/1 Test #1: test_a ....***Failed    0.01 sec")

    def test_counts_a_program_that_died_without_a_summary(self):
        self.check((0, 1), "1/1 Test #1: test_a ....Subprocess aborted***Exception:   0.01 sec")

    def test_counts_a_leak_found_after_a_clean_summary(self):
        self.check((5, 1), "1: 100%: Checks: 5, Failures: 0, Errors: 0", "1/1 Test #1: test_a ....***Failed    0.01 sec")

    def test_tells_which_programs_failed(self):
        _, _, broken = count_ctest.count(["1/2 Test  #1: test_a ....   Passed    0.01 sec", "2/2 Test #12: test_b ....***Failed    0.01 sec"])
        self.assertEqual({"12": "test_b"}, broken)

    def test_counts_a_timeout(self):
        self.check((0, 1), "1/1 Test #1: test_a ....***Timeout 120.01 sec")


if __name__ == "__main__":
    unittest.main()
