#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the test_*.py files of a folder, several at a time, each in its own process with a deadline.

usage: run_python.py --folder tests/system [--counts FILE] [--failed FILE] [--jobs N] [NAME...]
Appends "passed failed skipped" to one FILE and the names of files that failed to the other. A file that dies, hangs or holds no test counts as one
failure.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

FILE_DEADLINE_S = 420
ROOT = pathlib.Path(__file__).resolve().parents[2]


class Progress(unittest.TextTestResult):
    """One line per test with its time, so that a person sees what is slow."""

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.stream.writeln(f"    {time.monotonic() - self.began:.2f}s")


def child(path, result_file):
    """Runs one file in this process and writes its counts."""
    sys.path.insert(0, str(path.parent))
    suite = unittest.defaultTestLoader.loadTestsFromName(path.stem)
    result = unittest.TextTestRunner(sys.stderr, verbosity=2, resultclass=Progress).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped) + len(result.expectedFailures)
    # One test may fail several times (sub-tests); it still is one test.
    names = {str(getattr(t, "test_case", t)) for t, _ in result.failures + result.errors}
    failed = len(names) + len(result.unexpectedSuccesses)
    passed = max(0, result.testsRun - failed - skipped)
    pathlib.Path(result_file).write_text(json.dumps([passed, failed, skipped]))
    return 1 if failed or not result.testsRun else 0


def run_file(path):
    """Gives (path, counts, output, seconds)."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mtlsd-test-") as folder:
        result_file = pathlib.Path(folder, "counts.json")
        environment = dict(os.environ, TMPDIR=folder, PYTHONDONTWRITEBYTECODE="1")
        environment.setdefault("MTLSD", str(ROOT / "build/asan/mtlsd"))
        process = subprocess.Popen([sys.executable, __file__, "--child", str(path), "--result", str(result_file)],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                   env=environment, start_new_session=True)
        try:
            output, _ = process.communicate(timeout=FILE_DEADLINE_S)
        except subprocess.TimeoutExpired:
            # Its own session: this ends the peers the file started, and nothing else.
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            output += f"\n{path.name}: not done after {FILE_DEADLINE_S} s, ended\n"
        counts = json.loads(result_file.read_text()) if result_file.exists() else [0, 1, 0]
        if sum(counts) == 0:
            counts = [0, 1, 0]
            output += f"\n{path.name}: holds no test\n"
    return path, counts, output, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder")
    parser.add_argument("--counts")
    parser.add_argument("--failed")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))  # half of them wait for time to pass
    parser.add_argument("--child")
    parser.add_argument("--result")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.child:
        return child(pathlib.Path(options.child).resolve(), options.result)
    files = [f.resolve() for f in sorted(pathlib.Path(options.folder).glob("test_*.py"))
             if not options.names or any(n in f.name for n in options.names)]
    total, broken = [0, 0, 0], []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for path, counts, output, seconds in pool.map(run_file, files):
            total = [a + b for a, b in zip(total, counts)]
            print(f"  {path.name:28} {counts[0]:4} passed {counts[1]:3} failed {counts[2]:3} skipped {seconds:7.1f}s",
                  flush=True)
            if counts[1]:
                broken.append(str(path.relative_to(ROOT)))
                print(output, flush=True)
    if options.counts:
        with open(options.counts, "a") as out:
            print(*total, file=out)
    if options.failed:
        with open(options.failed, "a") as out:
            out.writelines(name + "\n" for name in broken)
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
