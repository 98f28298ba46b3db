#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One hostile client for each flood of HTTP/2 frames beside a client that asks on: what becomes of its latency and of the proxy's memory.

The proxy runs alone on one core; origin, victim and attacker share another, the attacker with the least priority. An attacker that is cut off connects again at once.
Memory should grow by less than 16 MiB and the victim's p99 by less than 2 times what it is without an attack, measured before and after it. On a machine with other work
both are noise: compare `core %`, the proxy's own CPU time, and `CPU ms/cut`, what each connection of the attacker took of it.

needs:  apt-get install nginx-light haproxy nghttp2-proxy openssl     (what is missing is left out)
usage:  floods.py [--seconds 30] [--floods NAME,...] [--peers NAME,...] [--mtlsd build/release/mtlsd] [--results tests/bench/results]
"""
import json
import subprocess
import sys
import threading
import time

import h2
import parts
import report
from parts import ORIGIN_PLAIN, ORIGIN_TLS, OTHER_CORE, PROXY, PROXY_CORE, cpu_seconds, memory_kb, stop, whole_family

import h2floods
import h2frames
import peers as test_peers

QUIET_S, EVERY_S = 3, 0.005
COLUMNS = ["p99 quiet ms", "p99 ms", "times", "MiB more", "core %", "cut off", "CPU ms/cut", "MB sent", "failed"]


class Victim(threading.Thread):
    """Asks some 200 times a second on one connection."""

    def __init__(self, seconds):
        super().__init__(daemon=True)
        self.until, self.took, self.failed = time.monotonic() + seconds, [], 0
        self.start()

    def run(self):
        end = h2frames.End(test_peers.connect(PROXY))
        while time.monotonic() < self.until:
            began = time.monotonic()
            if end.ask(h2frames.request(path="/small")).status != 200:
                self.failed += 1
                end = h2frames.End(test_peers.connect(PROXY))
            self.took.append(time.monotonic() - began)
            time.sleep(EVERY_S)

    def p99_ms(self):
        self.join()
        return sorted(self.took)[len(self.took) * 99 // 100] * 1e3


def quiet_ms(seconds):
    return Victim(min(QUIET_S, seconds)).p99_ms()


def measure(bench, peer, flood, seconds):
    process = bench.start("peer", peer.argv, PROXY_CORE, [PROXY])
    try:
        pids = whole_family(process.pid)
        quiet, before, most = quiet_ms(seconds), memory_kb(pids), 0
        began, cpu = time.monotonic(), cpu_seconds(pids)
        argv = ["taskset", "-c", OTHER_CORE, "nice", "-n", "19", sys.executable, h2floods.__file__, "--again", str(PROXY), str(seconds), flood]
        attacker = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        victim = Victim(seconds)
        while victim.is_alive():
            most = max(most, memory_kb(pids))
            time.sleep(0.1)
        took, cpu = time.monotonic() - began, cpu_seconds(pids) - cpu
        result = json.loads(attacker.communicate(timeout=30)[0])
        p99, quiet = victim.p99_ms(), (quiet + quiet_ms(seconds)) / 2
        cuts = result["connections"] - (not result["cut"])
        row = [quiet, p99, p99 / quiet, (most - before) / 1024, cpu / took * 100, cuts, cpu * 1e3 / max(cuts, 1), result["sent"] / 1e6, victim.failed]
        return dict(zip(COLUMNS, row))
    finally:
        stop(process)


def main():
    parser = parts.parser_of(__doc__, seconds=30, rounds=1)
    parser.add_argument("--floods", default=",".join([*h2floods.FLOODS, *h2floods.UNREAD]))
    options = parts.parse(parser, "nginx")
    out = report.Report("floods", "Floods of HTTP/2 frames beside a client that asks on", options)
    with parts.folder("floods") as folder:
        bench = h2.Bench(folder, options.mtlsd)
        with parts.running(bench, "origin", bench.origin(), OTHER_CORE, [ORIGIN_TLS, ORIGIN_PLAIN]):
            for peer in parts.chosen(bench.client_peers(), options):
                rows = {}
                for flood in options.floods.split(","):
                    try:
                        rows[flood] = measure(bench, peer, flood, options.seconds)
                        print(peer.name, flood, {column: round(value, 2) for column, value in rows[flood].items()}, flush=True)
                    except (RuntimeError, OSError, ValueError) as error:
                        print(peer.name, flood, error, flush=True)
                out.table(peer.name, COLUMNS, rows, "flood")


if __name__ == "__main__":
    main()
