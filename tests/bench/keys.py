#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the key process costs: a full handshake with one small request, with it and with insecure_keys_in_process, in alternating rounds.

CPU: user and kernel time of all processes of the daemon, for each handshake. Latency: from the first packet of TCP to the answer, one client at a time.
Load: the time until all identities of a configuration are loaded. Memory: resident, and private to the process (not shared with the other one).

needs:  a release build (sh packaging/quickstart.sh)
usage:  keys.py [--handshakes 300] [--rounds 5] [--clients 2] [--identities 10000] [--results DIR] [--mtlsd build/release/mtlsd]
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import statistics
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
import report  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
KINDS = {"P-256": "ec", "RSA-2048": "2048"}
MODES = {"key process": "", "in one process": "insecure_keys_in_process = true; "}


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--handshakes", type=int, default=300)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--clients", type=int, default=2)
    p.add_argument("--identities", type=int, default=10000)
    p.add_argument("--results", default=str(HERE / "results"))
    p.add_argument("--mtlsd", default=str(HERE.parents[1] / "build/release/mtlsd"))
    return p.parse_args()


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_kb(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    size = {name: int(re.search(rf"^{name}:\s+(\d+)", text, re.M)[1]) for name in ("Rss", "Private_Dirty", "Private_Clean")}
    return size["Rss"], size["Private_Dirty"] + size["Private_Clean"]


def make_case(options, out):
    import harness
    import peers

    class Measure(harness.Case):
        def start(self, mode, kind, workers):
            certificate = self.pki.leaf(f"server-{kind}", cn="localhost", san=["DNS:localhost", "IP:127.0.0.1"], key=KINDS[kind])
            port = harness.free_port()
            prelude = f'workers = {workers}; drain_timeout = "2s"; {MODES[mode]}\n'
            text = self.verifier_text(port, self.backend.port, certificate=certificate)
            return self.daemon(text, [port], name=f"{mode}-{kind}-{workers}".replace(" ", "-"), prelude=prelude), port

        def handshakes(self, port, n):
            took = []
            for _ in range(n):
                began = time.perf_counter()
                with peers.secure(port, self.context) as connection:
                    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    self.assertIn(b" 200 ", connection.recv(4096))
                took.append(time.perf_counter() - began)
            return took

        def round(self, daemon, port, clients):
            pids = [daemon.pid] + [p for p in [daemon.key_process()] if p]
            before, each = sum(map(cpu_s, pids)), options.handshakes // clients
            with concurrent.futures.ThreadPoolExecutor(clients) as pool:
                took = [t for part in pool.map(lambda _: self.handshakes(port, each), range(clients)) for t in part]
            return (sum(map(cpu_s, pids)) - before) / (each * clients) * 1e6, statistics.median(took) * 1e3

        def test_handshakes(self):
            self.backend = peers.Backend(self)
            self.context = peers.client_context(self.pki.ca("root"), self.pki.client())
            rows = {}
            for kind in KINDS:
                for workers, clients in ((1, 1), (2, options.clients)):
                    daemons = {mode: self.start(mode, kind, workers) for mode in MODES}
                    found = {mode: [] for mode in MODES}
                    for _ in range(options.rounds):
                        for mode, (daemon, port) in daemons.items():
                            found[mode].append(self.round(daemon, port, clients))
                    for mode, rounds in found.items():
                        cpu, latency = (statistics.median(values) for values in zip(*rounds))
                        rows[f"{kind}, {workers} worker{'s' * (workers > 1)}, {mode}"] = {"CPU us": cpu, "p50 ms": latency}
                    for daemon, _ in daemons.values():
                        daemon.stop()
            out.table("a full handshake with one request", ["CPU us", "p50 ms"], rows)

        def test_load(self):
            self.backend = peers.Backend(self)
            bundle, rows = self.pki.client().pem, {}
            more = "".join(f'i{i} = {{ bundle = "{bundle}"; }}; ' for i in range(options.identities))
            for n, text in ((1, ""), (options.identities, more)):
                for mode, top in MODES.items():
                    port = harness.free_port()
                    began = time.monotonic()
                    conf = self.verifier_text(port, self.backend.port).replace("identities = {", f"identities = {{ {text}")
                    daemon = self.daemon(conf, [port], name=f"load-{n}-{mode}".replace(" ", "-"), prelude=f"workers = 1; {top}\n")
                    row, keys = {"ready s": time.monotonic() - began}, daemon.key_process()
                    row["CPU s"] = cpu_s(daemon.pid) + (cpu_s(keys) if keys else 0)
                    row["MB"] = memory_kb(daemon.pid)[0] / 1024
                    if keys:
                        row["keys MB"], row["private MB"] = (kb / 1024 for kb in memory_kb(keys))
                    rows[f"{n}, {mode}"] = row
                    daemon.stop()
            out.table("loading identities, and memory", ["ready s", "CPU s", "MB", "keys MB", "private MB"], rows)

    return Measure


def main():
    options = parse()
    os.environ["MTLSD"] = options.mtlsd
    case = make_case(options, report.Report("keys", "The key process", options))
    done = unittest.TextTestRunner(stream=sys.stderr, verbosity=0).run(unittest.defaultTestLoader.loadTestsFromTestCase(case))
    sys.exit(not done.wasSuccessful())


if __name__ == "__main__":
    main()
