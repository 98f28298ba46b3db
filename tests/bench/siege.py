#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mtlsd under attacks that hold connections rather than send much: what another client notices, and what is left afterwards.

Everything runs in a network namespace that the script makes for itself, so that packets can be lost and peers can vanish without a trace. One client
sends a request each 50 ms on a kept connection all the while. For each attack a line tells how many connections it had at most, how many were
left when its time was over, what that client saw (refused: 503, with its reason; failed: no answer), the daemon's CPU share, and its memory before, at the worst moment and 10 s afterwards.

needs:  root; apt-get install nginx-light slowhttptest iptables iproute2 openssl      (an attack whose tool is missing is left out, with a line)
usage:  siege.py [--sizes 1000,5000] [--attacks NAME,...] [--seconds 20] [--stop-seconds 60] [--mtlsd build/release/mtlsd]
                 [--results tests/bench/results]
"""
import contextlib
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import parts
import report
from parts import ORIGIN_PLAIN, OTHER_CORE, PROXY, PROXY_CORE, free_port

SECURE = free_port()
AFTERWARDS_S = 10
GONE = "127.0.7.0/24"  # where the clients that vanish come from
HALF_HELLO = bytes.fromhex("16030100c8010000c40303")  # the first bytes of a ClientHello that never ends
COLUMNS = ["connections", "left", "answered", "refused", "failed", "p50 ms", "p99 ms", "worst ms", "CPU %", "MB before", "MB at most", "MB after"]


class Neighbour(threading.Thread):
    """The client that the attack is not about."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stopping, self.took, self.refused, self.failed = threading.Event(), [], 0, 0

    def run(self):
        while not self.stopping.is_set():
            try:
                with socket.create_connection(("127.0.0.1", PROXY), 10) as connection:
                    self.ask_on(connection)
            except (OSError, RuntimeError) as error:
                is_refusal = "HTTP/1.1 503" in str(error)
                self.refused += is_refusal
                self.failed += not is_refusal
                time.sleep(parts.EVERY_S)

    def ask_on(self, connection):
        while not self.stopping.is_set():
            began = time.monotonic()
            parts.ask(connection)
            self.took.append(time.monotonic() - began)
            time.sleep(max(0.0, parts.EVERY_S - self.took[-1]))


class Siege(parts.Bench):
    def origin_extra(self):
        return "location /form { proxy_pass http://127.0.0.1:9; }"  # reads the whole body before it finds nobody there

    def daemon(self, descriptors):
        f = self.folder
        return self.start("mtlsd", [*(["prlimit", f"--nofile={descriptors}"] if descriptors else []), self.mtlsd, "run", "-c", self.write("siege.conf", f"""workers = 1;
            identities = {{ me = {{ bundle = "{f}/server.pem"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{ORIGIN_PLAIN}" ]; }}; }};
            listeners = {{ plain = {{ bind = "127.0.0.1:{PROXY}"; upstream = "app"; }};
                           secure = {{ bind = "127.0.0.1:{SECURE}"; upstream = "app"; tls = {{ identity = "me"; }}; }}; }};""")],
                          PROXY_CORE, [PROXY, SECURE])


def resident_mb(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def connections_of(pid):
    """How many sockets the daemon holds."""
    n = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            n += os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")
    return n


def connect(port, source="127.0.0.1"):
    s = socket.socket()
    s.bind((source, 0))
    s.settimeout(10)
    s.connect(("127.0.0.1", port))
    return s


# ---- attacks: each gives when it is over, and may take options.seconds ----

def slowhttptest(*arguments, scheme="http", port=PROXY, path="/64k"):
    def attack(options, size):
        subprocess.run(["taskset", "-c", OTHER_CORE, "slowhttptest", "-c", str(size), "-r", str(max(200, size // 5)), "-l", str(int(options.seconds)), "-p", "3",
                        *arguments, "-u", f"{scheme}://127.0.0.1:{port}{path}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=options.seconds + 60)
    attack.needs = ["slowhttptest"]
    return attack


def with_descriptors(n, attack):
    """The same attack on a daemon that may open so few of them."""
    def limited(options, size):
        attack(options, size)
    limited.needs, limited.descriptors = [*attack.needs, "prlimit"], n
    return limited


def half_open(first):
    def attack(options, size):
        held = []
        end = time.monotonic() + options.seconds
        for _ in range(size):
            with contextlib.suppress(OSError):
                held.append(connect(SECURE))
                held[-1].sendall(first)
        time.sleep(max(0.0, end - time.monotonic()))
        for s in held:
            s.close()
    return attack


def vanish(options, size):
    """Clients at every stage of a connection whose packets stop to come and to arrive, all at the same moment."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    stages = [
        (PROXY, lambda s: None),
        (SECURE, lambda s: s.sendall(HALF_HELLO)),
        (SECURE, lambda s: context.wrap_socket(s)),
        (PROXY, lambda s: s.sendall(b"GET / HTTP/1.1\r\nHo")),
        (PROXY, lambda s: s.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nhalf of it")),
        (PROXY, lambda s: s.sendall(b"GET /100m HTTP/1.1\r\nHost: localhost\r\n\r\n")),
        (SECURE, lambda s: context.wrap_socket(s).sendall(b"GET /100m HTTP/1.1\r\nHost: localhost\r\n\r\n")),
    ]
    held = []
    for i in range(size):
        port, stage = stages[i % len(stages)]
        with contextlib.suppress(OSError):
            s = connect(port, f"127.0.7.{i % 250 + 1}")
            held.append(s)
            stage(s)
    rules = [["INPUT", "-s", GONE, "-j", "DROP"], ["OUTPUT", "-d", GONE, "-j", "DROP"]]
    for rule in rules:
        subprocess.run(["iptables", "-A", *rule], check=True)
    try:
        time.sleep(options.seconds)
    finally:
        options.left = connections_of(options.pid)
        for rule in rules:
            subprocess.run(["iptables", "-D", *rule], check=True)
        for s in held:
            s.close()


vanish.needs = ["iptables"]


def stopped(options, size):
    """The whole daemon stands still, as on a machine that is suspended; what was under way goes on afterwards."""
    held = [connect(PROXY) for _ in range(min(size, 1000))]
    download = connect(PROXY)
    download.settimeout(options.stop_seconds + 60)
    download.sendall(b"GET /100m HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    got = len(download.recv(4096))
    os.kill(options.pid, signal.SIGSTOP)
    time.sleep(options.stop_seconds)
    os.kill(options.pid, signal.SIGCONT)
    while part := download.recv(1 << 20):
        got += len(part)
    if got < 100 << 20:
        print(f"stopped: the download ended after {got} bytes")
    for s in held:
        s.close()


def lossy(options, size):
    """Five packets of a hundred are lost; size is the number of requests."""
    rule = ["INPUT", "-i", "lo", "-m", "statistic", "--mode", "random", "--probability", "0.05", "-j", "DROP"]
    subprocess.run(["iptables", "-A", *rule], check=True)
    bad = 0
    try:
        for _ in range(min(size, 200)):
            with connect(PROXY) as s:
                s.settimeout(60)
                s.sendall(b"GET /64k HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                got = b""
                while part := s.recv(1 << 16):
                    got += part
                bad += len(got) < 65536 + 100
    finally:
        subprocess.run(["iptables", "-D", *rule], check=True)
    if bad:
        print(f"lossy: {bad} answers were not whole")


lossy.needs = ["iptables"]

ATTACKS = {
    "slow heads (-H)": slowhttptest("-H", "-i", "5"),
    "slow bodies over TLS (-B)": slowhttptest("-B", "-i", "5", "-s", "8192", scheme="https", port=SECURE, path="/form"),
    "slow readers (-X)": slowhttptest("-X", "-w", "512", "-y", "1024", "-n", "5", "-z", "32", "-k", "3"),
    "slow heads over TLS (-H)": slowhttptest("-H", "-i", "5", scheme="https", port=SECURE),
    "slow heads (-H), 60 descriptors": with_descriptors(60, slowhttptest("-H", "-i", "5")),
    "slow heads (-H), 256 descriptors": with_descriptors(256, slowhttptest("-H", "-i", "5")),
    "silent before TLS": half_open(b""),
    "half a ClientHello": half_open(HALF_HELLO),
    "vanished": vanish,
    "stopped": stopped,
    "lossy": lossy,
}


class Watch(threading.Thread):
    """The most memory and connections the daemon had meanwhile."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.stopping, self.mb, self.connections = pid, threading.Event(), 0.0, 0

    def run(self):
        while not self.stopping.wait(0.25):
            self.mb = max(self.mb, resident_mb(self.pid))
            self.connections = max(self.connections, connections_of(self.pid))


def measure(attack, size, options):
    pid, neighbour = options.pid, Neighbour()
    before, at_rest, cpu, began = resident_mb(pid), connections_of(pid), parts.cpu_seconds([pid]), time.monotonic()
    watch = Watch(pid)
    neighbour.start()
    watch.start()
    options.left = None
    attack(options, size)
    spent, lasted = parts.cpu_seconds([pid]) - cpu, time.monotonic() - began
    time.sleep(1)
    left = options.left if options.left is not None else connections_of(pid)
    neighbour.stopping.set()
    watch.stopping.set()
    neighbour.join(20)
    time.sleep(min(AFTERWARDS_S, options.seconds))
    took = sorted(neighbour.took) or [0.0]
    return {"connections": watch.connections - at_rest, "left": max(0, left - at_rest - 2), "answered": len(neighbour.took), "refused": neighbour.refused,
            "failed": neighbour.failed, "p50 ms": took[len(took) // 2] * 1e3, "p99 ms": took[len(took) * 99 // 100] * 1e3, "worst ms": took[-1] * 1e3, "CPU %": spent / lasted * 100,
            "MB before": before, "MB at most": watch.mb, "MB after": resident_mb(pid)}


def alone():
    """Runs this script again in a network namespace of its own."""
    if os.environ.get("MTLSD_SIEGE") == "inside":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    if os.geteuid() != 0 or subprocess.run(["unshare", "--net", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        sys.exit("siege.py makes a network namespace of its own: run it as root, where that is allowed")
    os.environ["MTLSD_SIEGE"] = "inside"
    os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])


def run(siege, options):
    """One table, a row for each attack and size."""
    out, rows = report.Report("siege", "Under siege", options), {}
    for name, attack in ATTACKS.items():
        if not any(wanted in name for wanted in options.attacks.split(",")):
            continue
        needs = [tool for tool in getattr(attack, "needs", []) if not shutil.which(tool)]
        if needs:
            print(f"{name}: left out, it needs {', '.join(needs)}", flush=True)
            continue
        for size in map(int, options.sizes.split(",")) if attack not in (stopped, lossy) else [1000]:
            print(f"{name}, {size} ...", flush=True)
            daemon = siege.daemon(getattr(attack, "descriptors", 0))
            try:
                options.pid = daemon.pid
                rows[f"{name}, {size}"] = measure(attack, size, options)
            finally:
                parts.stop(daemon)
    del options.pid, options.left
    out.table("what another client noticed, and what the daemon kept", COLUMNS, rows, "attack")


def main():
    parser = parts.parser_of(__doc__, seconds=20, rounds=1)
    parser.add_argument("--sizes", default="1000,5000")
    parser.add_argument("--attacks", default="", help="only these, by parts of their names")
    parser.add_argument("--stop-seconds", type=int, default=60)
    options = parts.parse(parser, "nginx", "ip", "unshare")
    alone()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with parts.folder("siege") as folder:
        siege = Siege(folder, options.mtlsd)
        os.sched_setaffinity(0, {int(OTHER_CORE)})
        with parts.running(siege, "origin", siege.origin(), OTHER_CORE, [ORIGIN_PLAIN]):
            run(siege, options)


if __name__ == "__main__":
    main()
