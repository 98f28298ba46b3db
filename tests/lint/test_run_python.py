# SPDX-License-Identifier: Apache-2.0
"""How run_python.py counts: files that pass, fail, die, hang or hold no test."""
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

from test_check_rooms import ROOT

FILES = {
    "test_good": """
        import atexit, os, tempfile
        class T(unittest.TestCase):
            def test_one(self): self.assertEqual(os.environ["TMPDIR"], tempfile.gettempdir())
            def test_two(self): print(os.environ["MTLSD"])
            @unittest.skip("here")
            def test_three(self): pass
        atexit.register(lambda: open(os.environ["SEEN"], "a").write("exit"))""",
    "test_bad": """
        class T(unittest.TestCase):
            def test_one(self): pass
            def test_two(self):
                for i in range(2):
                    with self.subTest(i): self.fail("on purpose")""",
    "test_dead": """
        import os
        class T(unittest.TestCase):
            def test_one(self): os.kill(os.getpid(), 9)""",
    "test_unsteady": """
        import os
        class T(unittest.TestCase):
            def test_one(self):
                with open(os.environ["SEEN"], "a+") as seen:
                    again = seen.tell() > 0
                    seen.write("once")
                self.assertTrue(again)""",
    "test_empty": "",
    "test_broken": "import nothing_of_this_name",
    "test_hanging": """
        import os, subprocess
        class T(unittest.TestCase):
            def test_one(self): subprocess.run(["sleep", os.environ["NAP"]])""",
}
NAP = f"77.{os.getpid()}"  # tells our sleep from that of another run on this machine


class RunPython(unittest.TestCase):
    def ran(self, *arguments):
        """(exit code, output, counts, files that failed, what exit handlers wrote)"""
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for file, text in FILES.items():
                (folder / f"{file}.py").write_text("import unittest\n" + "\n".join(line[8:] if line.startswith(" " * 8) else line for line in text.splitlines()))
            for file in ("counts", "failed", "seen"):
                (folder / file).touch()
            done = subprocess.run([sys.executable, ROOT / "tests/support/run_python.py", "--folder", folder, "--counts", folder / "counts", "--failed", folder / "failed",
                                   *arguments], capture_output=True, text=True, timeout=60, env={"PATH": "/usr/bin:/bin", "SEEN": str(folder / "seen"), "NAP": NAP})
            failed = sorted(line.rsplit("/", 1)[1] for line in (folder / "failed").read_text().splitlines())
            return done.returncode, done.stdout + done.stderr, (folder / "counts").read_text(), failed, (folder / "seen").read_text()

    def test_every_end_of_a_file_is_counted(self):
        code, out, counts, failed, seen = self.ran("good", "bad", "dead", "empty", "broken")
        self.assertEqual(1, code, out)
        self.assertEqual("3 4 1\n", counts)
        self.assertEqual(["test_bad.py", "test_broken.py", "test_dead.py", "test_empty.py"], failed)
        for words in ("on purpose", "nothing_of_this_name", "test_empty.py: holds no test"):
            self.assertIn(words, out)
        self.assertEqual("exit", seen)

    def test_a_file_that_hangs_is_ended_with_what_it_started(self):
        code, out, counts, failed, _ = self.ran("hanging", "--deadline", "1")
        self.assertEqual((1, "0 1 0\n", ["test_hanging.py"]), (code, counts, failed), out)
        self.assertIn("test_hanging.py: did not end within its deadline", out)
        deadline = time.monotonic() + 10
        while self.sleeps():
            self.assertLess(time.monotonic(), deadline, "what the hanging file started was not ended")
            time.sleep(0.02)

    def test_a_file_that_fails_beside_others_runs_again_alone(self):
        code, out, counts, failed, _ = self.ran("unsteady", "--again", "2")
        self.assertEqual((0, "1 0 0\n", []), (code, counts, failed), out)
        self.assertIn("unsteady: test_unsteady.py failed beside others and passed alone\n", out)
        self.assertIn("AssertionError", out)  # why it failed at first is told all the same

    def test_what_fails_again_has_failed(self):
        code, out, counts, failed, _ = self.ran("bad", "unsteady", "--again", "2")
        self.assertEqual((1, "2 1 0\n", ["test_bad.py"]), (code, counts, failed), out)
        self.assertEqual(1, out.count("unsteady: "))

    def test_more_that_fail_than_may_run_again_have_failed(self):
        code, out, counts, failed, _ = self.ran("bad", "unsteady", "--again", "1")
        self.assertEqual((1, "1 2 0\n", ["test_bad.py", "test_unsteady.py"]), (code, counts, failed), out)

    def test_names_and_other_programs(self):
        code, out, counts, failed, _ = self.ran("good", "--also", "/other/build/mtlsd", "good")
        self.assertEqual((0, "4 0 2\n", []), (code, counts, failed), out)
        self.assertIn("test_good.py (build)", out)

    @staticmethod
    def sleeps():
        """Does the process that the hanging file started still run?"""
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if path.read_bytes() == f"sleep\0{NAP}\0".encode():
                    return True
        return False


if __name__ == "__main__":
    unittest.main()
