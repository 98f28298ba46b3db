#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the test_*.py files of a folder, several at a time, each in its own process with a deadline.

usage: run_python.py --folder tests/system [--counts FILE] [--failed FILE] [--jobs N] [--also PROGRAM NAME]...
       [--instead PROGRAM NAME]... [NAME...]
Appends "passed failed skipped" to one FILE and the names of files that failed to the other. A file that dies, hangs or holds no test counts as one
failure. --also runs the files whose name contains NAME once more, with another build of mtlsd; --instead runs them with that build alone.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest

FILE_DEADLINE_S = 420
# The longest, longest first: one that begins last runs alone at the end, while the other processors wait.
LONG = ("clock_fetch", "reload", "injector", "verifier", "slow_clients", "drill", "crl_fetch", "bad_files", "crl_points", "faults", "robustness", "bench",
        "demo", "pki_verify", "check_connect", "cli", "tls_clients", "presets", "path_case")
ROOT = pathlib.Path(__file__).resolve().parents[2]


def cpu_s():
    """CPU seconds of this process and of those it started and waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


class Progress(unittest.TextTestResult):
    """One line per test with its time and its CPU time, which show the slow and the expensive ones. Cleanups count for the next test."""

    def startTest(self, test):
        self.began = time.monotonic(), cpu_s()
        super().startTest(test)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.stream.writeln(f"    {time.monotonic() - self.began[0]:.2f}s, {cpu_s() - self.began[1]:.2f}s of CPU")


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
    pathlib.Path(result_file).write_text(json.dumps([[passed, failed, skipped], cpu_s()]))
    return 1 if failed or not result.testsRun else 0


def order(job):
    """Where a (file, program) stands in the queue."""
    name = job[0].stem.removeprefix("test_")
    return LONG.index(name) if name in LONG else len(LONG), name


def run_file(job):
    """Gives (label, counts, output, seconds, CPU seconds of the file and what it started and waited for)."""
    path, program = job
    label = f"{path.name} ({pathlib.Path(program).parent.name})" if program else path.name
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mtlsd-test-") as folder:
        result_file = pathlib.Path(folder, "counts.json")
        environment = dict(os.environ, TMPDIR=folder, PYTHONDONTWRITEBYTECODE="1")
        environment.setdefault("MTLSD", str(ROOT / "build/asan/mtlsd"))
        if program:
            environment["MTLSD"] = str(pathlib.Path(program).resolve())
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
        counts, cpu = json.loads(result_file.read_text()) if result_file.exists() else ([0, 1, 0], 0)
        if sum(counts) == 0:
            counts = [0, 1, 0]
            output += f"\n{path.name}: holds no test\n"
    return label, counts, output, time.monotonic() - began, cpu


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder")
    parser.add_argument("--counts")
    parser.add_argument("--failed")
    parser.add_argument("--jobs", type=int, default=5 * (os.cpu_count() or 1) // 2)  # more than half of them wait for time to pass
    parser.add_argument("--also", nargs=2, action="append", default=[], metavar=("PROGRAM", "NAME"))
    parser.add_argument("--instead", nargs=2, action="append", default=[], metavar=("PROGRAM", "NAME"))
    parser.add_argument("--child")
    parser.add_argument("--result")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.child:
        return child(pathlib.Path(options.child).resolve(), options.result)
    folder = pathlib.Path(options.folder).resolve()
    files = list(folder.glob("test_*.py"))
    instead = {f: program for program, name in options.instead for f in files if name in f.name}
    jobs = [(f, instead.get(f)) for f in files if not options.names or any(n in f.name for n in options.names)]
    jobs += [(f, program) for program, name in options.also for f in files if name in f.name]
    total, broken = [0, 0, 0], []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for label, counts, output, seconds, cpu in pool.map(run_file, sorted(jobs, key=order)):
            total = [a + b for a, b in zip(total, counts)]
            print(f"  {label:28} {counts[0]:4} passed {counts[1]:3} failed {counts[2]:3} skipped {seconds:7.1f}s"
                  f" {cpu:6.1f}s of CPU", flush=True)
            if counts[1]:
                broken.append(f"{folder.relative_to(ROOT)}/{label}")
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
