#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What mtlsd costs beside the programs people use for the same job, on your own machine.

The proxy under test runs alone on one core; load generator and origin share another. The figure to compare is the proxy's own CPU time per
request (or per gigabyte): requests per second say more about the other core. Rounds alternate between the peers, and the median counts.

needs:  apt-get install nginx-light haproxy stunnel4 hitch wrk openssl     (linux-perf for instruction counts; what is missing is left out)
usage:  bench.py [--role client|server|both] [--scenarios small,lat1,newconn,64k,bulk,idle] [--seconds 3] [--rounds 5] [--peers NAME,...]
                 [--mtlsd build/release/mtlsd]
"""
import contextlib
import re
import shutil
import signal
import socket
import subprocess

import parts
from parts import FEED_FRESH, FEED_POOLED, ORIGIN_PLAIN, ORIGIN_TLS, OTHER_CORE, PROXY, PROXY_CORE, cpu_seconds, memory_kb, stop, whole_family

IDLE_CONNECTIONS = 1000

SCENARIOS = {  # path, connections, arguments for wrk
    "small": ("/small", 64, []),
    "lat1": ("/small", 1, []),
    "newconn": ("/small", 16, ["-H", "Connection: close"]),
    "64k": ("/64k", 32, []),
    "bulk": ("/100m", 4, []),
    "idle": ("/small", IDLE_CONNECTIONS, []),
}
COLUMNS = ["req/s", "p50 us", "p99 us", "MB/s", "CPU us/req", "CPU s/GB", "kinstr/req", "KB/idle conn", "PSS KB"]


def drive(pids, port, scenario, seconds):
    """One measurement with wrk: its figures, and what the proxy spent meanwhile."""
    path, connections, extra = SCENARIOS[scenario]
    parts.load(pids, port, path, connections, 1, extra=extra)
    counter = None
    if shutil.which("perf"):
        counter = subprocess.Popen(["perf", "stat", "-x,", "-e", "instructions:u,instructions:k", "-p", ",".join(map(str, pids))],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    out = parts.load(pids, port, path, connections, seconds, extra=extra)
    if scenario == "bulk" and out.get("MB/s"):
        out["CPU s/GB"] = out["spent"] / (out["MB/s"] * out["took"] / 1e3)
    if counter:
        counter.send_signal(signal.SIGINT)
        counted = [int(n) for n in re.findall(r"^(\d+),", counter.communicate()[1], re.M)]
        if len(counted) == 2:
            out["kinstr/req"] = sum(counted) / max(out["requests"], 1) / 1e3
    out["PSS KB"] = memory_kb(pids)
    return out


def hold_idle(pids, port):
    """Opens connections, one request each, and looks at what they cost while nothing happens."""
    before = memory_kb(pids)
    with contextlib.ExitStack() as held:
        for _ in range(IDLE_CONNECTIONS):
            connection = held.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            connection.sendall(b"GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection.recv(4096)
        after = memory_kb(pids)
    return {"requests": IDLE_CONNECTIONS, "KB/idle conn": (after - before) / IDLE_CONNECTIONS, "PSS KB": after, "errors": ""}


def measure(bench, role, peer, scenario, seconds):
    process = bench.start(peer.name, peer.argv, PROXY_CORE, [PROXY])
    feed = None
    try:
        port = PROXY
        if role == "server":
            feed = bench.start("feed", bench.feed(PROXY), OTHER_CORE, [FEED_POOLED, FEED_FRESH])
            port = FEED_FRESH if scenario in ("newconn", "idle") else FEED_POOLED
        pids = whole_family(process.pid)
        return hold_idle(pids, port) if scenario == "idle" else drive(pids, port, scenario, seconds)
    finally:
        for one in (feed, process):
            if one:
                stop(one)


def print_table(role, scenario, results):
    print(f"\n## {role}, {scenario}\n{'':16}" + "".join(f"{c:>13}" for c in COLUMNS))
    order = {"bulk": "CPU s/GB", "idle": "KB/idle conn"}.get(scenario, "CPU us/req")
    rows = []
    for name, runs in results.items():
        row = parts.median_row(runs, COLUMNS)
        rows.append((row.get(order, 0), name, row, "; ".join(sorted({r["errors"] for r in runs if r["errors"]}))))
    for _, name, row, errors in sorted(rows, key=lambda r: r[0]):
        print(f"{name:16}" + "".join(f"{row[c]:13.2f}" if c in row else f"{'-':>13}" for c in COLUMNS) + "  " + errors)


def run(bench, role, options):
    peers = parts.chosen(bench.client_peers() if role == "client" else bench.server_peers(), options)
    for scenario in options.scenarios.split(","):
        results = parts.in_rounds(peers, options.rounds, lambda peer: measure(bench, role, peer, scenario, options.seconds))
        print_table(role, scenario, results)


def main():
    parser = parts.parser_of(__doc__, seconds=3, rounds=5)
    parser.add_argument("--role", choices=["client", "server", "both"], default="both")
    parser.add_argument("--scenarios", default="small,newconn,bulk,idle")
    options = parts.parse(parser, "nginx", "wrk", "haproxy")
    with parts.folder("bench") as folder:
        bench = parts.Bench(folder, options.mtlsd)
        with parts.running(bench, "origin", bench.origin(), OTHER_CORE, [ORIGIN_TLS, ORIGIN_PLAIN]):
            for role in ("client", "server") if options.role == "both" else (options.role,):
                run(bench, role, options)


if __name__ == "__main__":
    main()
