#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One hostile client for each flood of HTTP/2 frames beside a client that asks on: what becomes of its latency and of the proxy's memory.

The proxy runs alone on one core; origin, victim and attacker share another, the attacker only with what the others leave (SCHED_IDLE). An attacker that is cut off
connects again at once. Memory should grow by less than 16 MiB and the victim's p99 by less than 2 times what it is without an attack.

p99 quiet   before each flood, without an attacker
p99 decoy   before each flood, while the attacker sends it to a program that closes after 64 KiB: what the attacker takes of the core that it shares
p99         while the attacker sends it to the proxy; times: of p99 decoy, times q: of p99 quiet. Both are the median of all floods of the run, so that a second for
            each of them is enough.
cut off     connections that the proxy ended: a proxy that ends them at once has many; MB sent is what got through to it
core %      the proxy's own CPU time, which other work on the machine does not change; CPU ms/cut: what each connection of the attacker took of it

All floods of one proxy take 15 minutes.

needs:  apt-get install nginx-light haproxy nghttp2-proxy openssl     (what is missing is left out)
usage:  floods.py [--seconds 30] [--floods NAME,...] [--peers mtlsd-http] [--mtlsd build/release/mtlsd] [--results tests/bench/results]
"""
import contextlib
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import time

import h2
import parts
import report
from parts import ORIGIN_PLAIN, ORIGIN_TLS, OTHER_CORE, PROXY, PROXY_CORE, cpu_seconds, memory_kb, stop, whole_family

import h2floods
import h2frames
import harness
import peers as test_peers

QUIET_S, DECOY_S, EVERY_S, LOOK_S, SINK_BYTES = 1, 1, 0.005, 0.5, 1 << 16
COLUMNS = ["p99 quiet ms", "p99 decoy ms", "p99 ms", "times", "times q", "MiB more", "core %", "cut off", "CPU ms/cut", "MB sent", "failed"]


def ask_on(seconds, pipe):
    """Asks some 200 times a second on one connection; gives how long each took, and how many failed."""
    took, failed, until = [], 0, time.monotonic() + seconds
    end = h2frames.End(test_peers.connect(PROXY))
    while time.monotonic() < until:
        began = time.monotonic()
        if end.ask(h2frames.request(path="/small")).status != 200:
            failed += 1
            end = h2frames.End(test_peers.connect(PROXY))
        took.append(time.monotonic() - began)
        time.sleep(EVERY_S)
    pipe.send((took, failed))


class Victim:
    """The client whose latency counts, in a process of its own."""

    def __init__(self, seconds):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=ask_on, args=(seconds, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def is_done(self, seconds):
        return self.pipe.poll(seconds)

    def figures(self):
        try:
            return self.pipe.recv()
        except EOFError:
            raise RuntimeError("the victim ended") from None
        finally:
            self.process.join(1)
            self.process.kill()


def sink(port):
    """Takes some of what each client sends, and closes."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            with contextlib.suppress(OSError), listener.accept()[0] as connection:
                left = SINK_BYTES
                while left > 0 and (piece := connection.recv(left)):
                    left -= len(piece)


@contextlib.contextmanager
def attack(port, seconds, flood):
    """Gives a function that waits for the attacker's own figures."""
    argv = ["taskset", "-c", OTHER_CORE, sys.executable, h2floods.__file__, "--again", str(port), str(seconds), flood]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as attacker:
        yield lambda: json.loads(attacker.communicate(timeout=30)[0])


def p99_ms(took):
    return sorted(took)[len(took) * 99 // 100] * 1e3


class Base:
    """The victim's p99 without an attack, before each flood so far."""

    def __init__(self, port):
        self.port, self.quiet, self.decoy = port, [], []

    def measure(self, flood, seconds):
        self.quiet.append(p99_ms(Victim(min(QUIET_S, seconds)).figures()[0]))
        with attack(self.port, min(DECOY_S, seconds), flood) as figures:
            self.decoy.append(p99_ms(Victim(min(DECOY_S, seconds)).figures()[0]))
            figures()


def measure(bench, peer, flood, seconds, base):
    """(row, what the victim's requests took)"""
    process = bench.start("peer", peer.argv, PROXY_CORE, [PROXY])
    try:
        pids = whole_family(process.pid)
        base.measure(flood, seconds)
        before, most = memory_kb(pids), 0
        began, cpu = time.monotonic(), cpu_seconds(pids)
        with attack(PROXY, seconds, flood) as figures:
            victim = Victim(seconds)
            while not victim.is_done(LOOK_S):
                most = max(most, memory_kb(pids))
            most = max(most, memory_kb(pids))
            took, cpu = time.monotonic() - began, cpu_seconds(pids) - cpu
            result = figures()
        each, failed = victim.figures()
        cuts = result["connections"] - (not result["cut"])
        values = [(most - before) / 1024, cpu / took * 100, cuts, cpu * 1e3 / max(cuts, 1), result["sent"] / 1e6, failed]
        return dict(zip(COLUMNS[5:], values)), each
    finally:
        stop(process)


def with_latency(row, took, base):
    quiet, decoy, p99 = statistics.median(base.quiet), statistics.median(base.decoy), p99_ms(took)
    return dict(zip(COLUMNS, [quiet, decoy, p99, p99 / decoy, p99 / quiet])) | row


def measure_all(bench, peer, options, port):
    base, rows = Base(port), {}
    for flood in options.floods.split(","):
        try:
            rows[flood] = measure(bench, peer, flood, options.seconds, base)
            print(peer.name, flood, {column: round(value, 2) for column, value in with_latency(*rows[flood], base).items()}, flush=True)
        except (RuntimeError, OSError, ValueError) as error:
            print(peer.name, flood, error, flush=True)
    return {flood: with_latency(*row, base) for flood, row in rows.items()}


def main():
    parser = parts.parser_of(__doc__, seconds=30, rounds=1)
    parser.add_argument("--floods", default=",".join([*h2floods.FLOODS, *h2floods.UNREAD]))
    options = parts.parse(parser, "nginx")
    out = report.Report("floods", "Floods of HTTP/2 frames beside a client that asks on", options)
    os.sched_setaffinity(0, {int(OTHER_CORE)})  # the proxy has its core for itself
    port = harness.free_port()
    decoy = multiprocessing.Process(target=sink, args=(port,), daemon=True)
    decoy.start()
    with parts.folder("floods") as folder:
        bench = h2.Bench(folder, options.mtlsd)
        with parts.running(bench, "origin", bench.origin(), OTHER_CORE, [ORIGIN_TLS, ORIGIN_PLAIN]):
            for peer in parts.chosen(bench.client_peers(), options):
                out.table(peer.name, COLUMNS, measure_all(bench, peer, options, port), "flood")
    decoy.kill()


if __name__ == "__main__":
    main()
