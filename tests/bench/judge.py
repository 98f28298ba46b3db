#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What it costs to judge a chain: with revocation lists of any length, of honest callers and of hostile ones.

Everything happens in one process and one thread, without a socket; times are CPU time of that thread, so that a busy machine shows in nothing but
caches. The chain is a leaf, an intermediate that the caller sends, and the root; both CAs have a list of the length given.

needs:  what a build needs
usage:  judge.py [--entries 0,10,50000,1000000] [--judgements 4000] [--handshakes 600] [--program PATH/TO/bench_judge]
"""
import argparse
import pathlib
import shlex
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build/bench"
# table: its title, and (heading, key, divisor) of each column
TABLES = {
    "judge": ("one judgement, leaf, intermediate and root", [
        ("entries in each list", "entries", 0), ("signatures", "signatures", 0), ("serial", "serial", 0), ("median us", "median_us", 1),
        ("p99 us", "p99_us", 1), ("worst us", "worst_us", 1)]),
    "first": ("the first judgement with a list of the intermediate, which meets its key there", [("entries", "entries", 0), ("us", "us", 1)]),
    "load": ("loading one list in DER", [
        ("entries", "entries", 0), ("file KiB", "file_kib", 0), ("ms", "ms", 1), ("heap KiB", "heap_kib", 0), ("bytes an entry", "bytes_per_entry", 1)]),
    "handshake": ("full handshakes through the engine (TLS 1.3, P-256), the verifier's half", [
        ("entries", "entries", 0), ("a second", "per_second", 0), ("median us", "median_us", 1), ("p99 us", "p99_us", 1), ("worst us", "worst_us", 1)]),
    "hostile": ("callers that choose their certificates for the work they make; none is let in", [
        ("what", "what", 0), ("certificates", "certificates", 0), ("judgements", "judgements", 0), ("median ms", "median_us", 1000),
        ("worst ms", "worst_us", 1000)]),
}


def build():
    """bench_judge as it would be shipped: optimised."""
    flags = ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON"]
    for argv in (["cmake", "-S", ROOT, "-B", BUILD, *flags], ["cmake", "--build", BUILD, "--target", "bench_judge"]):
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{shlex.join(map(str, argv))} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return BUILD / "tests/bench_judge"


def rows_of(text):
    """{table: [row]} of the program's lines, "table key=value ..."."""
    tables = {}
    for line in text.splitlines():
        table, *pairs = line.split(" ")
        tables.setdefault(table, []).append(dict(pair.split("=", 1) for pair in pairs))
    return tables


def cell(row, key, divisor):
    value = row.get(key, "-")
    if key == "entries":
        return f"{int(value):,}"
    return f"{float(value) / divisor:.1f}" if divisor and value != "-" else value.replace("_", " ")


def table_text(title, columns, rows):
    lines = [[heading for heading, _, _ in columns]] + [[cell(row, key, divisor) for _, key, divisor in columns] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    return f"\n{title}\n" + "\n".join("  " + "  ".join(word.rjust(width) for word, width in zip(line, widths)) for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", default="0,10,50000,1000000")
    parser.add_argument("--judgements", default="4000")
    parser.add_argument("--handshakes", default="600")
    parser.add_argument("--program")
    options = parser.parse_args()
    program = options.program or build()
    done = subprocess.run([program, "--entries", options.entries, "--judgements", options.judgements, "--handshakes", options.handshakes],
                          stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{program} ended with {done.returncode}")
    tables = rows_of(done.stdout)
    for name, (title, columns) in TABLES.items():
        print(table_text(title, columns, tables.get(name, [])))


if __name__ == "__main__":
    main()
