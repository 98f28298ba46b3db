#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts single tests in the log of `ctest --verbose` over Check programs run with CK_VERBOSITY=normal.

usage: count_ctest.py LOG                   prints "passed failed skipped"
       count_ctest.py LOG --failed FILE     prints what the failing programs said, and appends their names to FILE
"""
import re
import sys

SUMMARY = re.compile(r"^(\d+): *\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)")
OUTCOME = re.compile(r"^ *\d+/\d+ +Test +#(\d+): +(\S+) \.*(.*)$")


def count(lines):
    """Gives (passed, failed, {number: name} of the failing programs). A program that failed without saying which test did counts as one
    failure: it crashed, leaked or hung."""
    checks = failed = 0
    blamed, broken = set(), {}
    for line in lines:
        summary = SUMMARY.match(line)
        if summary:
            bad = int(summary[3]) + int(summary[4])
            checks += int(summary[2])
            failed += bad
            if bad:
                blamed.add(summary[1])
        outcome = OUTCOME.match(line)
        if outcome and not outcome[3].lstrip(" .").startswith("Passed"):
            broken[outcome[1]] = outcome[2]
    unexplained = len(broken.keys() - blamed)
    return checks - failed, failed + unexplained, broken


def main():
    with open(sys.argv[1], errors="replace") as log:
        lines = log.read().splitlines()
    passed, failed, broken = count(lines)
    if "--failed" in sys.argv:
        with open(sys.argv[3], "a") as names:
            for number in sorted(broken, key=int):
                print("\n".join([line for line in lines if line.startswith(number + ": ")][-120:]))
                print(broken[number], file=names)
    else:
        print(passed, failed, 0)


if __name__ == "__main__":
    main()
