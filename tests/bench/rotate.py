#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hundreds of reloads and renewed certificates under traffic: what fails, how long each takes, what memory is left, and how long the old certificate is seen.

An injector on one core. wrk (HTTP/1.1), h2load (HTTP/2), downloads that last for seconds and a kept tcp connection go through it all the while, to an
nginx that logs the serial number of the client certificate of each request. First the configuration is reloaded, one time in five with a fault. Then the
certificate is renewed, one time in ten with the key of another, one time in ten without clientAuth. All of it twice: nginx speaks HTTP/1.1, then HTTP/2.

needs:  apt-get install nginx-light wrk nghttp2-client openssl
usage:  rotate.py [--reloads 300] [--rotations 500] [--seconds 8 (of each download)] [--mtlsd build/release/mtlsd] [--results tests/bench/results]
"""
import collections
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import parts
import report
from parts import ORIGIN_TLS, OTHER_CORE, PROXY, PROXY_CORE, free_port

TUNNEL = free_port()
COLUMNS = ["done", "refused", "p50 ms", "worst ms", "requests", "failed", "certs seen", "old cert ms", "MB before", "MB at most", "MB after"]
WAIT_S = 30
DOWNLOADS = 4
FAULTS = ("upstreams = {", 'identities = { me = { bundle = "gone.pem"; }; };', 'lisseners = { };')
DELAY = 'function delay() return 5 end\n'  # of wrk, in ms: the traffic is steady and its log short


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=WAIT_S)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Rotate(parts.Bench):
    slow_bytes = 0 # of a download, a MiB for each second

    def origin(self, protocol):
        f = self.folder
        (f / "slow").write_bytes(os.urandom(1 << 16) * (self.slow_bytes >> 16))
        return self.nginx("origin", f"""server {{ listen 127.0.0.1:{ORIGIN_TLS} ssl {"http2" if protocol == "h2" else ""}; ssl_certificate {f}/server.crt;
            ssl_certificate_key {f}/server.key; ssl_client_certificate {f}/ca.pem; ssl_verify_client on; ssl_session_cache shared:S:10m;
            access_log {f}/serials serials buffer=64k flush=1s; root {f};
            location /small {{ return 200 "hello, mutual world\\n"; }} location /slow {{ limit_rate 1m; }}
            location /tunnel {{ access_log off; return 200 "hello, mutual world\\n"; }} }}""",
            extra='log_format serials "$msec $request_time $ssl_client_serial";')

    def config(self, fault="", contact="ops@example.com"):
        f = self.folder
        fresh = f / "rotate.conf.new"
        fresh.write_text(f"""workers = 1; contact = "{contact}"; admin = {{ socket = "unix:{f}/admin.sock"; }}; {fault}
            identities = {{ me = {{ certificate = "{f}/tls.crt"; key = "{f}/tls.key"; }}; }};
            trusts = {{ them = {{ ca = "{f}/ca.pem"; }}; }};
            upstreams = {{ far = {{ targets = [ "localhost:{ORIGIN_TLS}" ]; tls = {{ identity = "me"; trust = "them"; }}; }};
                           raw = {{ targets = [ "localhost:{ORIGIN_TLS}" ]; tls = {{ identity = "me"; trust = "them"; alpn = [ "http/1.1" ]; }}; }}; }};
            listeners = {{ app = {{ bind = "127.0.0.1:{PROXY}"; upstream = "far"; }};
                           tunnel = {{ bind = "127.0.0.1:{TUNNEL}"; protocol = "tcp"; upstream = "raw"; }}; }};""")
        os.replace(fresh, f / "rotate.conf")
        return str(f / "rotate.conf")

    def put(self, name, source):
        fresh = self.folder / f"{name}.new"
        shutil.copy(source, fresh)
        os.chmod(fresh, 0o600)
        os.replace(fresh, self.folder / name)

    def put_pair(self, certificate, key=None):
        self.put("tls.crt", certificate.crt)
        self.put("tls.key", (key or certificate).key)

    def admin(self, method, path):
        connection = UnixConnection(self.folder / "admin.sock")
        try:
            connection.request(method, path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def counts(self):
        """(configurations refused, certificates used, certificates refused)"""
        text = self.admin("GET", "/metrics")
        return tuple(int(re.search(p, text)[1]) for p in (r'reloads_total{result="refused"} (\d+)', r'rotations_total{identity="me",result="used"} (\d+)',
                                                          r'rotations_total{identity="me",result="refused"} (\d+)'))


# ---- traffic ----

class Traffic:
    """From here to the end of the with block. Each kind counts what it asked and what failed."""

    def __init__(self, bench):
        self.folder, self.slow_bytes, self.stopping, self.threads = bench.folder, bench.slow_bytes, threading.Event(), []
        self.asked, self.faults, self.lock = 0, collections.Counter(), threading.Lock()

    def __enter__(self):
        (self.folder / "delay.lua").write_text(DELAY)
        nice = ["nice", "-n", "10", "taskset", "-c", OTHER_CORE]
        self.h2load = [*nice, "h2load", "-n400", "-c4", "-m4", "--rps=40", f"http://localhost:{PROXY}/small"]
        self.wrk = subprocess.Popen([*nice, "wrk", "-t1", "-c8", "-d3600s", "--timeout", "20s", "-s", self.folder / "delay.lua", f"http://localhost:{PROXY}/small"],
                                    stdout=subprocess.PIPE, text=True)
        for work in [self.download] * DOWNLOADS + [self.tunnel, self.http2]:
            thread = threading.Thread(target=self.repeat, args=(work,), daemon=True)
            thread.start()
            self.threads.append(thread)
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
        self.wrk.send_signal(signal.SIGINT)
        self.add_wrk(self.wrk.communicate(timeout=60)[0])

    def note(self, asked, fault=None, n=1):
        with self.lock:
            self.asked += asked
            if fault:
                self.faults[fault] += n

    def repeat(self, work):
        while not self.stopping.is_set():
            try:
                work()
            except (OSError, RuntimeError, http.client.HTTPException) as error:
                self.note(0, f"{work.__name__}: {error!r}")
                time.sleep(0.2)

    def download(self):
        connection = http.client.HTTPConnection("127.0.0.1", PROXY, timeout=60)
        try:
            connection.request("GET", "/slow", headers={"Host": "localhost"})
            answer = connection.getresponse()
            size = len(answer.read())
            if (answer.status, size) != (200, self.slow_bytes):
                raise RuntimeError(f"{answer.status}, {size} bytes")
            self.note(1)
        finally:
            connection.close()

    def tunnel(self):
        """One connection for all of the time."""
        with socket.create_connection(("127.0.0.1", TUNNEL), 30) as connection:
            while not self.stopping.is_set():
                connection.sendall(b"GET /tunnel HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = b""
                while not answer.endswith(parts.HELLO):
                    part = connection.recv(4096)
                    if not part:
                        raise RuntimeError("the tunnel ended")
                    answer += part
                self.note(1)
                time.sleep(parts.EVERY_S)

    def add_wrk(self, text):
        found = parts.parse_wrk(text)
        self.note(found["requests"])
        if found["errors"]:
            self.note(0, f"wrk: {found['errors']}")
        if not found["requests"]:
            self.note(0, f"wrk: {text}")

    def http2(self):
        text = subprocess.run(self.h2load, stdout=subprocess.PIPE, text=True, timeout=60).stdout
        found = re.search(r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", text)
        done, succeeded, failed, errored, late = map(int, found.groups()) if found else (0, 0, 1, 0, 0)
        self.note(done)
        if failed + errored + late or done != succeeded or not done:
            self.note(0, f"h2load: {found[0] if found else text}", max(1, failed + errored + late))


class Watch(threading.Thread):
    """The most memory of a process."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.stopping, self.most = pid, threading.Event(), 0.0

    def now(self):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.pid}/status").read_text())[1]) / 1024

    def run(self):
        while not self.stopping.wait(0.25):
            with contextlib.suppress(OSError):
                self.most = max(self.most, self.now())


def wait_until(question):
    end = time.monotonic() + WAIT_S
    while not question():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


# ---- what is done ----

class Results:
    def __init__(self):
        self.done = self.refused = 0
        self.took, self.faults, self.replaced = [], collections.Counter(), {}

    def add(self, began, good, expected, what):
        self.took.append((time.monotonic() - began) * 1e3)
        self.done += good
        self.refused += not good
        if good is not expected:
            self.faults[what] += 1


def reload_often(bench, n, results):
    for i in range(n):
        bad = i % 5 == 4
        bench.config(FAULTS[i // 5 % len(FAULTS)] if bad else "", f"ops{i}@example.com")
        began = time.monotonic()
        answer = json.loads(bench.admin("POST", "/reload"))
        good = answer["result"] == "reloaded"
        results.add(began, good, not bad, f"reload {answer}")
    bench.config()


def rotate_often(bench, n, results, first):
    """serial -> when another certificate was seen to be in use"""
    current = first
    for i in range(n):
        mismatched, useless = i % 10 == 4, i % 10 == 9
        fresh = bench.pki.leaf(f"{first.stem}-{i}", bench.ca, cn="client1", eku=("serverAuth",) if useless else ("clientAuth",))
        refused, used, unfit = bench.counts()
        began = time.monotonic()
        bench.put_pair(fresh, current if mismatched else None)
        if mismatched:
            seen = wait_until(lambda: bench.counts()[0] > refused)
        elif useless:
            seen = wait_until(lambda: bench.counts()[2] > unfit)
        else:
            seen = wait_until(lambda: bench.counts()[1] > used)
        results.add(began, seen and not mismatched and not useless, not mismatched and not useless, f"certificate {i} (mismatched {mismatched}, useless {useless})")
        if not seen:
            results.faults[f"nothing came of certificate {i}"] += 1
        if seen and not mismatched and not useless:
            results.replaced[current.serial] = time.time()
            current = fresh


def look_at_log(folder, replaced, faults, refusable):
    """How many certificates the origin saw, and how long after another one was in use the last request with the one before began."""
    latest, seen = 0.0, set()
    for line in (folder / "serials").read_text().splitlines():
        ended, took, serial = line.split(" ")
        serial = int(serial or "0", 16) if serial != "-" else 0
        seen.add(serial)
        if serial in replaced:
            latest = max(latest, (float(ended) - float(took) - replaced[serial]) * 1e3)
        if serial in refusable:
            faults["a refused certificate was used"] += 1
    return {"certs seen": len(seen), "old cert ms": latest}


def measure(bench, process, work, n):
    """One row."""
    results, watch = Results(), Watch(process.pid)
    (bench.folder / "serials").write_text("")
    with Traffic(bench) as traffic:
        time.sleep(1)
        before = watch.now()
        watch.start()
        work(bench, n, results)
        time.sleep(1)
    time.sleep(1.5) # the origin writes its log, and the daemon closes what it kept
    watch.stopping.set()
    known = {c.serial: stem for stem, c in bench.pki.made.items()}
    used = set(results.replaced)
    refused = {s for s, stem in known.items() if re.search(r"-\d*[49]$", stem)} - used
    of_log = look_at_log(bench.folder, results.replaced, results.faults, refused)
    took = sorted(results.took)
    for fault, times in (results.faults + traffic.faults).items():
        print(f"FAILED {times} x {fault}", flush=True)
    row = {"done": results.done, "refused": results.refused, "p50 ms": took[len(took) // 2], "worst ms": took[-1], "requests": traffic.asked,
           "failed": sum((results.faults + traffic.faults).values()), "MB before": before, "MB at most": watch.most, "MB after": watch.now()}
    return {**row, **of_log} if results.replaced else row


def run(bench, options):
    out, rows = report.Report("rotate", "Reloads and renewed certificates under traffic", options), {}
    for protocol in ("http/1.1", "h2"):
        first = bench.pki.leaf(f"first-{protocol.replace('/', '')}", bench.ca, cn="client1", eku=("clientAuth",))
        bench.put_pair(first)
        with parts.running(bench, "origin", bench.origin(protocol), OTHER_CORE, [ORIGIN_TLS]), \
                parts.running(bench, "mtlsd", [bench.mtlsd, "run", "-c", bench.config()], PROXY_CORE, [PROXY, TUNNEL]) as process:
            rows[f"reloads, {protocol}"] = measure(bench, process, reload_often, options.reloads // 2)
            rows[f"certificates, {protocol}"] = measure(bench, process, lambda b, n, r: rotate_often(b, n, r, first), options.rotations // 2)
    out.table("what failed, and what it cost", COLUMNS, rows, "what, to an origin of")


def main():
    parser = parts.parser_of(__doc__, seconds=8, rounds=1)
    parser.add_argument("--reloads", type=int, default=300)
    parser.add_argument("--rotations", type=int, default=500)
    options = parts.parse(parser, "nginx", "wrk", "h2load")
    del options.rounds, options.peers
    with parts.folder("rotate") as folder:
        bench = Rotate(folder, options.mtlsd)
        bench.slow_bytes = max(1, round(options.seconds)) << 20
        run(bench, options)


if __name__ == "__main__":
    main()
