#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""User instructions, system calls and allocations of mtlsd for each small request, counted and not timed: other work on the machine does not matter.

Each row is one daemon under valgrind and one under strace. Requests go in waves: one on each of the connections, then the answers. What the first
waves cost (handshakes, the pool) is not counted. In rows of new connections each request has its own connection, with a full handshake in a
verifier and a resumed one in an injector that speaks tcp.

Compare two programs with --before: its rows come first, and `to before` is the ratio of the instructions. They are the same within 1 % from
run to run. `--cache` adds the misses of a simulated cache (64 and 48 KiB, then 2 MiB), in the user's part of the work only. `--functions 20` prints the functions
with the most of their own: instructions, with --cache misses of data in the last level.

needs:  apt-get install valgrind strace nginx-light openssl
usage:  instructions.py [--rows injector-http,...] [--connections 1,64,new] [--requests 2000] [--before OTHER-MTLSD] [--cache] [--functions 0]
                        [--mtlsd build/release/mtlsd] [--results tests/bench/results]
"""
import collections
import contextlib
import os
import re
import resource
import socket
import ssl
import subprocess

import parts
import report
from parts import ORIGIN_PLAIN, ORIGIN_TLS, OTHER_CORE, PROXY, PROXY_CORE

ROLES = {"injector": "client", "verifier": "server"}
CALLS = ["epoll_wait", "read", "write", "epoll_ctl"]
COLUMNS = ["instructions", "to before", "allocations", "system calls", *CALLS, "other"]
CACHE = ["--cache-sim=yes", "--I1=65536,8,64", "--D1=49152,12,64", "--LL=2097152,16,64"] # what a core of today has for itself
MISSES = {"L1 code": ("I1mr",), "L1 data": ("D1mr", "D1mw"), "LL code": ("ILmr",), "LL data": ("DLmr", "DLmw")}
SAME = {"epoll_pwait": "epoll_wait", "recvfrom": "read", "readv": "read", "recvmsg": "read", "sendto": "write", "writev": "write", "sendmsg": "write"}
ALLOCATORS = ("malloc", "calloc", "realloc", "posix_memalign")
WARM_WAVES, AT_FIRST = 5, 16


class Clients:
    """Connections to the proxy that send small requests in waves."""

    def __init__(self, bench, role, size):
        self.context, self.size, self.held = None, size, []
        if role == "verifier":
            self.context = ssl.create_default_context(cafile=bench.ca.crt)
            self.context.load_cert_chain(bench.folder / "client.pem")

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", PROXY), 600)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.context.wrap_socket(plain, server_hostname="localhost") if self.context else plain

    def close(self):
        while self.held:
            self.held.pop().close()

    def wave(self, size):
        while len(self.held) < size:
            self.held.append(self.connect())
        for connection in self.held:
            connection.sendall(parts.REQUEST % b"localhost")
        for connection in self.held:
            read_answer(connection)

    def warm_up(self):
        """Few more in each wave: under valgrind a crowd of handshakes with the origin takes longer than they may."""
        for size in range(AT_FIRST, self.size, AT_FIRST):
            self.wave(size)
        for _ in range(WARM_WAVES):
            self.wave(self.size)

    def ask(self, requests, always_new):
        """So many requests, rounded to whole waves; gives their number."""
        for _ in range(max(1, requests // self.size)):
            if always_new:
                self.close()
            self.wave(self.size)
        return max(1, requests // self.size) * self.size


def read_answer(connection):
    answer = b""
    while not answer.endswith(parts.HELLO):
        part = connection.recv(4096)
        answer += part
        if not part or not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"no answer: {answer[:200]}")


def control(pid, what):
    done = subprocess.run(["callgrind_control", what, str(pid)], capture_output=True, text=True, timeout=120)
    if done.returncode != 0 or "OK" not in done.stdout:
        raise RuntimeError(f"callgrind_control {what}: {done.stdout}{done.stderr}")


class Profile:
    """What a callgrind file counts."""

    def __init__(self, path):
        self.totals, self.calls, self.own = {}, collections.Counter(), collections.defaultdict(collections.Counter)
        names, files, file, own_file, is_call = {}, {}, "", "", False
        with open(path) as lines:
            for line in lines:
                key, _, value = line.strip().partition("=")
                number, _, name = value.partition(" ")
                if key in ("ob", "cob"):
                    file = files.setdefault(number, name)
                    own_file = file if key == "ob" else own_file
                elif key in ("fn", "cfn"):
                    if name.startswith("0x"): # a library without symbols
                        name = os.path.basename(file)
                    name = names.setdefault(number, re.sub(r"'\d+$|@.*", "", name))
                    function, called = (name, "") if key == "fn" else (function, name)
                    file = own_file # a callee is in the same file unless the line before says another
                elif key == "calls":
                    self.calls[called] += int(value.split()[0])
                    is_call = True # the next line is what the callee spent
                elif line.startswith("events:"):
                    events = line.split()[1:]
                elif line.startswith(("summary:", "totals:")):
                    self.totals = dict(zip(events, map(int, line.split()[1:])))
                elif re.match(r"[\d+*-]", line):
                    if not is_call:
                        self.own[function].update(dict(zip(events, map(int, line.split()[1:]))))
                    is_call = False


def show_functions(profile, asked, options):
    """Those with the most of their own, of instructions or of misses in the data of the last level."""
    of = ("DLmr", "DLmw") if options.cache else ("Ir",)
    rows = sorted(((sum(own[e] for e in of) / asked, name) for name, own in profile.own.items()), reverse=True)
    for each, name in rows[:options.functions]:
        print(f"{each:12.2f}  {name}")


class Counting(parts.Bench):
    """One daemon after the other, each counted in its own way."""

    def profile(self, argv, clients, requests, options, always_new):
        """What valgrind counts for each request."""
        base = self.folder / "callgrind"
        for old in self.folder.glob("callgrind*"):
            old.unlink()
        argv = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={base}", *(CACHE if options.cache else []), *argv]
        with parts.running(self, "mtlsd", argv, PROXY_CORE, [PROXY]) as process, contextlib.closing(clients):
            clients.warm_up()
            control(process.pid, "-z")
            asked = clients.ask(requests, always_new)
            control(process.pid, "-d")
        dump = min(self.folder.glob("callgrind.*"), key=lambda path: int(re.search(r"\.(\d+)$", path.name)[1]))
        seen = Profile(dump)
        show_functions(seen, asked, options)
        out = {"instructions": seen.totals["Ir"] / asked, "allocations": sum(seen.calls[name] for name in ALLOCATORS) / asked}
        if options.cache:
            out.update({column: sum(seen.totals.get(e, 0) for e in events) / asked for column, events in MISSES.items()})
        return out

    def trace(self, argv, clients, requests, always_new):
        """Which system calls it makes for each request."""
        path = self.folder / "trace"
        argv = ["strace", "-f", "-qq", "-o", str(path), "-e", "signal=none", *argv]
        with parts.running(self, "mtlsd", argv, PROXY_CORE, [PROXY]), contextlib.closing(clients):
            clients.warm_up()
            begun = path.stat().st_size
            asked = clients.ask(requests, always_new)
            ended = path.stat().st_size
        with open(path, errors="replace") as trace:
            trace.seek(begun)
            names = re.findall(r"^\d+ +(\w+)\(", trace.read(ended - begun), re.M)
        counted = collections.Counter(SAME.get(name, name) for name in names)
        out = {name: counted.pop(name, 0) / asked for name in CALLS}
        return {**out, "other": counted.total() / asked, "system calls": len(names) / asked}


def rows_of(bench, options):
    """(name of the row, role, mode, size, are the connections new)"""
    for role in ROLES:
        for mode in ("http", "tcp"):
            if options.rows and f"{role}-{mode}" not in options.rows.split(","):
                continue
            for size in options.connections.split(","):
                yield (f"{role} {mode}, new connections", role, mode, 1, True) if size == "new" else (f"{role} {mode}, {size}", role, mode, int(size), False)


def count(bench, mtlsd, role, mode, size, always_new, options):
    """The figures of one row; a new connection costs fifty times a request, so there are fewer."""
    bench.mtlsd = mtlsd
    argv = next(peer.argv for peer in bench.ours(ROLES[role]) if peer.mode == mode)
    requests = max(1, options.requests // 10) if always_new else options.requests
    out = bench.profile(argv, Clients(bench, role, size), requests, options, always_new)
    out.update(bench.trace(argv, Clients(bench, role, size), requests, always_new))
    return out


def run(bench, options):
    out, rows = report.Report("instructions", "What a small request costs, counted", options), {}
    for name, *row in rows_of(bench, options):
        if options.before:
            rows[f"{name}, before"] = count(bench, options.before, *row, options)
        rows[name] = count(bench, options.mtlsd, *row, options)
        if options.before:
            rows[name]["to before"] = rows[name]["instructions"] / rows[f"{name}, before"]["instructions"]
        print(name, {column: round(value, 2) for column, value in rows[name].items()}, flush=True)
    out.table("for each request", [c for c in COLUMNS if options.before or c != "to before"] + list(MISSES if options.cache else []), rows, "connections")


def main():
    parser = parts.parser_of(__doc__, seconds=0, rounds=1)
    parser.add_argument("--rows", default="", help="only these, such as injector-http,verifier-tcp")
    parser.add_argument("--connections", default="1,64,new")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--before", default="", help="another mtlsd to compare with")
    parser.add_argument("--cache", action="store_true", help="simulate a cache as well")
    parser.add_argument("--functions", type=int, default=0, help="print so many lines of the profile")
    options = parts.parse(parser, "nginx", "valgrind", "strace")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with parts.folder("instructions") as folder:
        bench = Counting(folder, options.mtlsd)
        with parts.running(bench, "origin", bench.origin(), OTHER_CORE, [ORIGIN_TLS, ORIGIN_PLAIN]):
            os.sched_setaffinity(0, {int(OTHER_CORE)})
            run(bench, options)


if __name__ == "__main__":
    main()
