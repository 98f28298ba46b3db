# SPDX-License-Identifier: Apache-2.0
"""What .ci/run makes of its two parts: one sum on the last line, and red when either is."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from test_check_rooms import ROOT

FINE = "echo '7 passed, 0 failed, 1 skipped'"


class Sum(unittest.TestCase):
    def ran(self, here, trixie, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            tree = pathlib.Path(folder)
            for name, text in {"tests/run.sh": here, "packaging/on-debian.sh": trixie}.items():
                tree.joinpath(name).parent.mkdir()
                tree.joinpath(name).write_text(text)
            tree.joinpath(".ci").mkdir()
            shutil.copy(ROOT / ".ci/run", tree / ".ci/run")
            done = subprocess.run(["bash", tree / ".ci/run", *arguments], capture_output=True, text=True, timeout=20)
        return done.returncode, done.stdout.splitlines()[-1], done.stdout

    def test_both_parts_count(self):
        self.assertEqual((0, "14 passed, 0 failed, 2 skipped"), self.ran(FINE, FINE)[:2])

    def test_either_part_makes_it_red(self):
        bad = "echo 'failed: test_x.py'; echo '6 passed, 1 failed, 1 skipped'; exit 1"
        for here, trixie, named in ((bad, FINE, "failed: test_x.py"), (FINE, bad, "failed on Debian 13: test_x.py")):
            code, last, text = self.ran(here, trixie)
            self.assertEqual((1, "13 passed, 1 failed, 2 skipped", named), (code, last, text.splitlines()[-2]))

    def test_a_part_that_fails_without_a_count_is_one_failure(self):
        self.assertEqual((1, "7 passed, 1 failed, 1 skipped"), self.ran(FINE, "echo no root; exit 2")[:2])
        self.assertEqual((1, "14 passed, 1 failed, 2 skipped"), self.ran(FINE, FINE + "; echo the demo failed; exit 1")[:2])

    def test_what_is_unsteady_is_told_at_the_end(self):
        told = "unsteady: test_x.py failed beside others and passed alone"
        code, last, text = self.ran(f"echo '{told}'; {FINE}", FINE)
        self.assertEqual((0, "14 passed, 0 failed, 2 skipped", told), (code, last, text.splitlines()[-2]))

    def test_nothing_run_is_red(self):
        self.assertEqual((1, "0 passed, 0 failed, 0 skipped"), self.ran(":", ":")[:2])

    def test_arguments_are_for_the_first_part_alone(self):
        self.assertEqual((0, "unit http"), self.ran('echo "$@"', "exit 1", "unit", "http")[:2])

    def test_no_host_stands_in_a_script(self):
        for script in (*ROOT.glob("packaging/*.sh"), ROOT / ".ci/run", ROOT / "tests/run.sh"):
            self.assertNotRegex(script.read_text(), "https?://[a-z]", script)



class Workflow(unittest.TestCase):
    def test_the_workflow_runs_what_everybody_runs(self):
        steps = [line.strip() for line in (ROOT / ".github/workflows/ci.yml").read_text().splitlines() if "run:" in line]
        self.assertEqual("- run: bash .ci/run", steps[-1])

    def test_every_file_that_the_pages_link_to_exists(self):
        for page in (ROOT / ".github").glob("*.md"):
            for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
                self.assertTrue((page.parent / link).exists(), f"{page.name}: {link}")


if __name__ == "__main__":
    unittest.main()
