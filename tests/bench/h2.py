#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What HTTP/2 costs mtlsd beside HAProxy, nginx and nghttpx: CPU time of a small request, and memory of idle connections and open streams.

The proxy under test runs alone on one core; load generator and origin share another. Compare the proxy's own CPU time per request.

client: h2load ─ plaintext ─▶ injector ─ mutual TLS ─▶ nginx. HTTP/2 on both sides, but for nginx, which has HTTP/1.1 towards servers.
        handshakes counts those of the injector with nginx for 10,000 requests of 64 clients, over each pair of versions.
server: h2load ─ plaintext ─▶ haproxy (tcp) ─ mutual TLS ─▶ verifier ─ plaintext ─▶ nginx. HTTP/2 in front, HTTP/1.1 behind.

needs:  apt-get install nginx-light haproxy nghttp2-client nghttp2-proxy openssl     (what is missing is left out)
usage:  h2.py [--role client|server|both] [--scenarios 64x1,8x32,idle,streams,handshakes] [--seconds 3] [--rounds 5] [--peers NAME,...]
              [--paths 1] [--idle 1000] [--streams 10000] [--mtlsd build/release/mtlsd] [--results tests/bench/results]
"""
import contextlib
import pathlib
import re
import socket
import subprocess
import time

import parts
import report
from parts import FEED_FRESH, ORIGIN_PLAIN, ORIGIN_TLS, OTHER_CORE, PROXY, PROXY_CORE, Peer, cpu_seconds, memory_kb, stop, whole_family

import certs  # noqa: F401 - parts makes the tests' folder known
import h2frames as h2
import peers as test_peers

STREAMS_EACH, SETTLE_S = 100, 1
LOADS = {"64x1": (64, 1), "8x32": (8, 32)}
COLUMNS = ["CPU us/req", "to the best", "req/s", "mean us", "KB each", "PSS KB", "failed"]


class Bench(parts.Bench):
    most_connections = 25000

    def origin_extra(self):
        """A location that waits for the end of a request's body."""
        return f"location /hold {{ proxy_pass http://127.0.0.1:{ORIGIN_PLAIN}/small; }}"

    def origin(self):
        argv = super().origin()
        path = pathlib.Path(self.folder, "origin.conf")
        path.write_text(path.read_text().replace(" ssl backlog", " ssl http2 backlog").replace("access_log off;", "access_log off; http2_max_concurrent_streams 1000;"))
        return argv

    def nghttpx(self, frontend, backend, *more):
        return ["nghttpx", "--conf=/dev/null", "--workers=1", "--single-process", "--no-ocsp", "--errorlog-file=/dev/null", "--accesslog-file=/dev/null",
                "--backend-keep-alive-timeout=600s", "--backlog=8192", f"--frontend=127.0.0.1,{PROXY}{frontend}", f"--backend=127.0.0.1,{backend}", *more]

    def client_peers(self):
        f = self.folder
        yield next(p for p in self.ours("client") if p.mode == "http")
        pair = self.pair("http", PROXY, " proto h2", self.to_tls() + " alpn h2", ORIGIN_TLS)
        yield Peer("haproxy", "http", self.haproxy("haproxy-h2", pair))
        for peer in super().client_peers():
            if peer.name == "nginx-http":
                path = pathlib.Path(f, "nginx.conf")
                path.write_text(path.read_text().replace(f"listen 127.0.0.1:{PROXY} backlog", f"listen 127.0.0.1:{PROXY} http2 backlog"))
                yield Peer("nginx (h1 behind)", "http", peer.argv)
        yield Peer("nghttpx", "http", self.nghttpx(";no-tls", f"{ORIGIN_TLS};;proto=h2;tls;sni=localhost", f"--client-cert-file={f}/client.crt",
                                                   f"--client-private-key-file={f}/client.key", f"--cacert={f}/ca.pem"))

    def server_peers(self):
        f = self.folder
        yield next(p for p in self.ours("server") if p.mode == "http")
        bind = f" ssl crt {f}/server.pem ca-file {f}/ca.pem verify required ssl-min-ver TLSv1.3 alpn h2"
        yield Peer("haproxy", "http", self.haproxy("haproxy-h2", self.pair("http", PROXY, bind)))
        for peer in super().server_peers():
            if peer.name == "nginx-http":
                path = pathlib.Path(f, "nginx.conf")
                path.write_text(path.read_text().replace(f"listen 127.0.0.1:{PROXY} ssl backlog", f"listen 127.0.0.1:{PROXY} ssl http2 backlog"))
                yield Peer("nginx", "http", peer.argv)
        yield Peer("nghttpx", "http", self.nghttpx("", ORIGIN_PLAIN, "--verify-client", f"--verify-client-cacert={f}/ca.pem", "--tls-min-proto-version=TLSv1.3",
                                                   f"{f}/server.key", f"{f}/server.crt"))

    def feed(self, target):
        """A TLS connection for each of h2load's, with our certificate, which h2load cannot present."""
        return self.haproxy("feed", self.pair("tcp", FEED_FRESH, "", self.to_tls() + " alpn h2", target))


def load(pids, port, paths, connections, streams, seconds):
    before = cpu_seconds(pids)
    argv = ["taskset", "-c", OTHER_CORE, "h2load", "-D", str(round(seconds) or 1), "-c", str(connections), "-m", str(streams), *(f"http://localhost:{port}/small?{n}" for n in range(paths))]
    text = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 60, check=False).stdout
    found = re.search(r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded", text)
    done, good = map(int, found.groups()) if found else (0, 0)
    out = {"requests": good, "CPU us/req": (cpu_seconds(pids) - before) * 1e6 / max(good, 1), "failed": done - good, "errors": "" if good else "no answer"}
    for name, pattern in (("req/s", r"finished in .*?, ([\d.]+) req/s"), ("mean us", r"time for request: +\S+ +\S+ +([\d.]+)us")):
        if found := re.search(pattern, text):
            out[name] = float(found[1])
    if found := re.search(r"time for request: +\S+ +\S+ +([\d.]+)ms", text):
        out["mean us"] = float(found[1]) * 1e3
    out["PSS KB"] = memory_kb(pids)
    return out


def hold(bench, pids, role, connections, streams):
    """Opens connections, and on each so many requests whose bodies never end, and looks at what they cost; without any, one request each that is over."""
    context = None
    if role == "server":
        context = test_peers.client_context(bench.ca)
        context.load_cert_chain(bench.folder / "client.pem")
        context.set_alpn_protocols(["h2"])
    before = memory_kb(pids)
    with contextlib.ExitStack() as held:
        for _ in range(connections):
            raw = held.enter_context(socket.create_connection(("127.0.0.1", PROXY), 30))
            end = h2.End(held.enter_context(context.wrap_socket(raw, server_hostname="localhost")) if context else raw)
            if not streams and end.ask(h2.request(path="/small")).status != 200:
                raise RuntimeError("no answer")
            end.send(*(h2.headers(2 * i + 1, h2.request("POST", "/hold"), h2.END_HEADERS) for i in range(streams)))
            if not end.is_alive() or any(stream.is_over for stream in end.streams.values() if streams):
                raise RuntimeError(f"the connection or a stream ended: {end.frames[-3:]}")
        time.sleep(SETTLE_S)
        after = memory_kb(pids)
    return {"requests": 1, "KB each": (after - before) / (connections * max(streams, 1)), "PSS KB": after, "failed": 0, "errors": ""}


def measure(bench, role, peer, scenario, options):
    process = bench.start(peer.name.split()[0], peer.argv, PROXY_CORE, [PROXY])
    feed = None
    try:
        pids = whole_family(process.pid)
        if scenario == "idle":
            return hold(bench, pids, role, options.idle, 0)
        if scenario == "streams":
            return hold(bench, pids, role, -(-options.streams // STREAMS_EACH), min(options.streams, STREAMS_EACH))
        port = PROXY
        if role == "server":
            feed, port = bench.start("feed", bench.feed(PROXY), OTHER_CORE, [FEED_FRESH]), FEED_FRESH
        load(pids, port, options.paths, *LOADS[scenario], 1)
        return load(pids, port, options.paths, *LOADS[scenario], options.seconds)
    finally:
        for one in (feed, process):
            if one:
                stop(one)


def compare(rows):
    """Ours to the best of the others."""
    others = [row["CPU us/req"] for name, row in rows.items() if not name.startswith("mtlsd") and "CPU us/req" in row]
    for name, row in rows.items():
        if name.startswith("mtlsd") and others and "CPU us/req" in row:
            row["to the best"] = row["CPU us/req"] / min(others)
    return rows


REQUESTS, CLIENTS = 10000, 64
COUNTED = ["requests", "handshakes", "clients"]


def handshakes(bench, version, upstream):
    """Those with nginx, while 64 clients send 10,000 requests."""
    peer = next(p for p in bench.ours("client") if p.mode == "http")
    path, socket_path = pathlib.Path(peer.argv[-1]), bench.folder / "admin.sock"
    text = path.read_text().replace("workers = 1;", f'workers = 1; admin = {{ socket = "unix:{socket_path}"; }};')
    path.write_text(text if upstream == "h2" else text.replace('server_name = "localhost";', 'server_name = "localhost"; alpn = [ "http/1.1" ];'))
    process = bench.start("peer", peer.argv, PROXY_CORE, [PROXY])
    try:
        argv = ["h2load", "-n", str(REQUESTS), "-c", str(CLIENTS), "-m", "1", *(["--h1"] if version == "h1" else []), f"http://localhost:{PROXY}/small"]
        out = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True).stdout
        done = int(re.search(r"(\d+) succeeded", out)[1])
        time.sleep(SETTLE_S)
        found = subprocess.run(["curl", "-s", "--unix-socket", socket_path, "http://localhost/metrics"], capture_output=True, text=True, check=True).stdout
        count = re.search(r'handshakes_total\{side="upstream",name="origin",result="valid"\} (\d+)', found)
        return dict(zip(COUNTED, [done, int(count[1]), CLIENTS]))
    finally:
        stop(process)


def main():
    parser = parts.parser_of(__doc__, seconds=3, rounds=5)
    parser.add_argument("--role", choices=["client", "server", "both"], default="both")
    parser.add_argument("--scenarios", default="64x1,8x32,idle,streams,handshakes")
    parser.add_argument("--paths", type=int, default=1, help="so many different requests: repeated ones cost less in header compression")
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--streams", type=int, default=10000)
    options = parts.parse(parser, "nginx", "h2load", "haproxy")
    out = report.Report("h2", "Small requests in HTTP/2, and what connections and streams hold", options)
    with parts.folder("h2") as folder:
        bench = Bench(folder, options.mtlsd)
        with parts.running(bench, "origin", bench.origin(), OTHER_CORE, [ORIGIN_TLS, ORIGIN_PLAIN]):
            for role in ("client", "server") if options.role == "both" else (options.role,):
                peers = parts.chosen(bench.client_peers() if role == "client" else bench.server_peers(), options)
                if role == "client" and "handshakes" in options.scenarios.split(","):
                    rows = {f"clients {a}, upstream {b}": handshakes(bench, a, b) for a in ("h1", "h2") for b in ("h1", "h2")}
                    out.table(f"handshakes for {REQUESTS} requests of {CLIENTS} clients", COUNTED, rows)
                for scenario in (s for s in options.scenarios.split(",") if s != "handshakes"):
                    results = parts.in_rounds(peers, options.rounds, lambda peer: measure(bench, role, peer, scenario, options))
                    out.table(f"{role}, {scenario}", COLUMNS, compare({name: parts.median_row(runs, COLUMNS) for name, runs in results.items()}))


if __name__ == "__main__":
    main()
