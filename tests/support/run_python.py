#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the test_*.py files of a folder, several at a time, each in a process of its own with a deadline.

usage: run_python.py --folder tests/system [--counts FILE] [--failed FILE] [--jobs N] [--deadline SECONDS] [--again N]
       [--also PROGRAM NAME]... [--instead PROGRAM NAME]... [NAME...]
Appends "passed failed skipped" to one FILE and the names of files that failed to the other. A file that dies, hangs or holds no test counts as one
failure. --also runs the files whose name contains NAME once more, with another build of mtlsd; --instead runs them with that build alone.
--again: at most N files that failed beside others run once more alone, and count by that; one that passes then is named as unsteady.

The process of a file is a fork of this one, which has no threads and has loaded the modules that most files need: a start of Python with them
costs a tenth of a second.
"""
import argparse
import atexit
import hashlib  # noqa: F401  from here to urllib.parse also for the files
import http.client  # noqa: F401
import json
import os
import pathlib
import resource
import shutil
import signal
import socket  # noqa: F401
import ssl  # noqa: F401
import struct  # noqa: F401
import subprocess  # noqa: F401
import sys
import tempfile
import time
import traceback
import unittest
import urllib.parse  # noqa: F401

FILE_DEADLINE_S = 420
# The longest, longest first: one that begins last runs alone at the end, while the other processors wait.
LONG = ("clock_fetch", "reload", "injector", "verifier", "slow_clients", "drill", "crl_fetch", "bad_files", "crl_points", "faults", "robustness", "bench",
        "demo", "pki_verify", "check_connect", "tomcat", "dashboard", "cli", "tls_clients", "presets", "path_case")
LOOK_S = 0.05
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


class File:
    """A test file that runs."""

    def __init__(self, job):
        self.job, (self.path, program) = job, job
        self.label = f"{self.path.name} ({pathlib.Path(program).parent.name})" if program else self.path.name
        self.folder = tempfile.mkdtemp(prefix="mtlsd-test-")  # by hand: the new process would clean up a TemporaryDirectory, too
        self.result = pathlib.Path(self.folder, "counts.json")
        self.output = pathlib.Path(self.folder, "output")
        self.began, self.late = time.monotonic(), False
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self.become(program)

    def become(self, program):
        """In the new process: runs the file, then ends. Its own session, so that what it starts can be ended with it."""
        code = 1
        try:
            os.setsid()
            out = os.open(self.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(out, 1)
            os.dup2(out, 2)
            tempfile.tempdir = os.environ["TMPDIR"] = self.folder
            os.environ.setdefault("MTLSD", str(ROOT / "build/asan/mtlsd"))
            if program:
                os.environ["MTLSD"] = str(pathlib.Path(program).resolve())
            code = child(self.path, self.result)
            atexit._run_exitfuncs()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def end_if_late(self, deadline_s):
        if not self.late and time.monotonic() > self.began + deadline_s:
            self.late = True
            os.killpg(self.pid, signal.SIGKILL)  # the file, the peers it started, and nothing else

    def finish(self):
        """Gives (job, label, counts, output, seconds, CPU seconds of the file and what it started and waited for)."""
        counts, cpu = json.loads(self.result.read_text()) if self.result.exists() else ([0, 1, 0], 0)
        output = self.output.read_text(errors="replace") if self.output.exists() else ""
        if self.late:
            output += f"\n{self.path.name}: did not end within its deadline, so it was ended\n"
        if sum(counts) == 0:
            counts = [0, 1, 0]
            output += f"\n{self.path.name}: holds no test\n"
        seconds = time.monotonic() - self.began
        shutil.rmtree(self.folder, True)
        return self.job, self.label, counts, output, seconds, cpu


def run_files(jobs, at_once, deadline_s):
    """Runs each (file, program), so many at once; yields what File.finish gives, in the order in which they end."""
    sys.pycache_prefix = tempfile.mkdtemp(prefix="mtlsd-pycache-")  # shared modules are compiled once, and not into the source tree
    waiting, running = list(jobs), {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                file = File(waiting.pop(0))
                running[file.pid] = file
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid in running:
                yield running.pop(pid).finish()
            elif pid == 0:
                time.sleep(LOOK_S)
                for file in running.values():
                    file.end_if_late(deadline_s)
    finally:
        for file in running.values():  # only after an exception, such as Ctrl-C
            os.killpg(file.pid, signal.SIGKILL)
            os.waitpid(file.pid, 0)
            file.finish()
        shutil.rmtree(sys.pycache_prefix, True)


def run_and_tell(jobs, options):
    """Gives {job: (label, counts)}, and prints a line for each and the output of those that failed."""
    ended = {}
    for job, label, counts, output, seconds, cpu in run_files(jobs, options.jobs, options.deadline):
        print(f"  {label:28} {counts[0]:4} passed {counts[1]:3} failed {counts[2]:3} skipped {seconds:7.1f}s"
              f" {cpu:6.1f}s of CPU", flush=True)
        if counts[1]:
            print(output, flush=True)
        ended[job] = label, counts
    return ended


def failed_of(ended):
    return [job for job, (_, counts) in ended.items() if counts[1]]


def run_again_alone(ended, options):
    """What fails beside others and passes alone has a race, of its own or of mtlsd: it is named, so that it is looked for."""
    jobs = failed_of(ended)
    if not 0 < len(jobs) <= options.again:
        return
    options.jobs = 1
    print(f"  once more, alone: {len(jobs)} that failed", flush=True)
    ended.update(run_and_tell(jobs, options))
    for job in set(jobs) - set(failed_of(ended)):
        print(f"unsteady: {ended[job][0]} failed beside others and passed alone", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--counts")
    parser.add_argument("--failed")
    parser.add_argument("--jobs", type=int, default=5 * (os.cpu_count() or 1) // 2)  # more than half of them wait for time to pass
    parser.add_argument("--deadline", type=float, default=FILE_DEADLINE_S)
    parser.add_argument("--again", type=int, default=0)
    parser.add_argument("--also", nargs=2, action="append", default=[], metavar=("PROGRAM", "NAME"))
    parser.add_argument("--instead", nargs=2, action="append", default=[], metavar=("PROGRAM", "NAME"))
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    folder = pathlib.Path(options.folder).resolve()
    files = list(folder.glob("test_*.py"))
    instead = {f: program for program, name in options.instead for f in files if name in f.name}
    jobs = [(f, instead.get(f)) for f in files if not options.names or any(n in f.name for n in options.names)]
    jobs += [(f, program) for program, name in options.also for f in files if name in f.name]
    ended = run_and_tell(sorted(jobs, key=order), options)
    run_again_alone(ended, options)
    total = [sum(column) for column in zip([0, 0, 0], *(counts for _, counts in ended.values()))]
    broken = [f"{os.path.relpath(folder, ROOT)}/{ended[job][0]}" for job in failed_of(ended)]
    if options.counts:
        with open(options.counts, "a") as out:
            print(*total, file=out)
    if options.failed:
        with open(options.failed, "a") as out:
            out.writelines(name + "\n" for name in broken)
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
