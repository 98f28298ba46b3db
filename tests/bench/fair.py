#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long small requests take beside bulk traffic through the same proxy, for mtlsd and its peers in one run.

The proxy runs alone on one core; everything else shares another. N connections download (or upload) 100 MB bodies over and over while one client
sends small requests on a kept connection, some 20 a second, to an origin of its own, so that only the proxy can hold them up. Compare the p99 of
those with that of the peers, and the CPU time per gigabyte.

needs:  apt-get install nginx-light haproxy wrk openssl
usage:  fair.py [--streams 10,100,300] [--directions down,up] [--seconds 8] [--rounds 3] [--peers NAME,...] [--mtlsd build/release/mtlsd]
"""
import argparse
import multiprocessing
import os
import re
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import bench

SINK, ORIGIN_SMALL, PROXY_SMALL = 18093, 18444, 18094
EVERY_S = 0.05
COLUMNS = ["p50 ms", "p99 ms", "worst ms", "small", "MB/s", "CPU s/GB"]


def answer_uploads(received):
    """Takes any request body as fast as it comes, and answers 204 where it ends."""
    listener = socket.create_server(("127.0.0.1", SINK), backlog=1024)
    selector, buffer = selectors.DefaultSelector(), bytearray(1 << 20)
    selector.register(listener, selectors.EVENT_READ, None)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                connection, _ = listener.accept()
                connection.setblocking(False)
                selector.register(connection, selectors.EVENT_READ, {"head": b"", "left": 0})
                continue
            connection, state = key.fileobj, key.data
            n = connection.recv_into(buffer)
            if n == 0:
                selector.unregister(connection)
                connection.close()
                continue
            received.value += n
            if state["left"] == 0:
                state["head"] += bytes(buffer[:n])
                head, end, rest = state["head"].partition(b"\r\n\r\n")
                if not end:
                    continue
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                state.update(head=b"", left=int(length[0].split(b":")[1]) - len(rest))
            else:
                state["left"] -= n
            if state["left"] == 0:
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


def ask_small(port, seconds, pipe):
    """Sends small requests one after the other; tells how many seconds each took."""
    took, end = [], time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.settimeout(60)
        while time.monotonic() < end:
            began = time.monotonic()
            connection.sendall(b"GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"hello, mutual world\n"):
                part = connection.recv(4096)
                if not part:
                    raise RuntimeError(f"the connection ended: {answer[:80]}")
                answer += part
            took.append(time.monotonic() - began)
            time.sleep(max(0.0, EVERY_S - took[-1]))
    pipe.send(took)


class Fair(bench.Bench):
    def origin_extra(self):
        return f"location /up {{ proxy_pass http://127.0.0.1:{SINK}; proxy_request_buffering off; proxy_http_version 1.1; }}"

    def small_origin(self):
        """A second origin, which has nothing to do but to answer small requests."""
        f = self.folder
        return self.nginx("small", f"""server {{ listen 127.0.0.1:{ORIGIN_SMALL} ssl; ssl_certificate {f}/server.crt; ssl_certificate_key {f}/server.key;
            ssl_client_certificate {f}/ca.pem; ssl_verify_client on; ssl_protocols TLSv1.3;
            location /small {{ return 200 "hello, mutual world\\n"; }} }}""")

    def peers(self):
        """mtlsd and haproxy with a second pair of listener and upstream for the small requests."""
        text = (bench.HERE / "ours-client-http.conf").read_text()
        for mark, value in (("PKI", self.folder), ("PORT", bench.PROXY), ("ORIGIN", bench.ORIGIN_TLS)):
            text = text.replace(f"@{mark}@", str(value))
        text = text.replace("upstreams = {", f"""upstreams = {{ small = {{ targets = [ "127.0.0.1:{ORIGIN_SMALL}" ];
            tls = {{ identity = "bench"; trust = "bench"; server_name = "localhost"; }}; }};""")
        text = text.replace("listeners = {", f"""listeners = {{ small = {{ bind = "127.0.0.1:{PROXY_SMALL}"; upstream = "small"; }};""")
        yield bench.Peer("mtlsd", "http", [self.mtlsd, "run", "-c", self.write("mtlsd.conf", text)])
        yield bench.Peer("haproxy", "http", self.haproxy("haproxy", self.pair("http", bench.PROXY, "", self.to_tls(), bench.ORIGIN_TLS) +
                                                         self.pair("http", PROXY_SMALL, "", self.to_tls(), ORIGIN_SMALL)))

    def bulk(self, direction, port, streams, seconds):
        """wrk that moves bulk for so long."""
        script = self.write("up.lua", 'wrk.method = "POST"\nwrk.body = string.rep("x", 100 * 1024 * 1024)\n')
        extra = ["-s", script] if direction == "up" else []
        path = "/up" if direction == "up" else "/100m"
        return subprocess.Popen(["taskset", "-c", bench.OTHER_CORE, "wrk", "-t1", f"-c{streams}", f"-d{seconds + 90}s", "--timeout", "600s", *extra,
                                 f"http://127.0.0.1:{port}{path}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def bytes_read(text):
    """What a run of wrk says that it read."""
    found = re.search(r"([\d.]+)([KMG]?)B read", text)
    return float(found[1]) * {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[found[2]] if found else 0


def measure(fair, peer, direction, streams, seconds, received):
    process = fair.start(peer.name, peer.argv, bench.PROXY_CORE, [bench.PROXY, PROXY_SMALL])
    try:
        pids = bench.family(process.pid)
        ours, theirs = multiprocessing.Pipe()
        small = multiprocessing.Process(target=ask_small, args=(PROXY_SMALL, seconds, theirs))
        moved, spent, began = received.value, bench.cpu_seconds(pids), time.monotonic()
        bulk = fair.bulk(direction, bench.PROXY, streams, seconds)
        time.sleep(1)
        small.start()
        answered = ours.poll(seconds + 90)
        bulk.send_signal(signal.SIGINT)
        text = bulk.communicate(timeout=30)[0]
        spent, lasted = bench.cpu_seconds(pids) - spent, time.monotonic() - began
        moved = received.value - moved if direction == "up" else bytes_read(text)
        if not answered:
            raise RuntimeError("small requests were not answered in 90 s")
        took = sorted(ours.recv())
        small.join(5)
        return {"p50 ms": took[len(took) // 2] * 1e3, "p99 ms": took[len(took) * 99 // 100] * 1e3, "worst ms": took[-1] * 1e3, "small": len(took),
                "MB/s": moved / 1e6 / lasted, "CPU s/GB": spent / (max(moved, 1) / 1e9)}
    finally:
        bench.stop(process)


def print_table(direction, streams, results):
    print(f"\n## beside {streams} {direction}loads\n{'':16}" + "".join(f"{c:>12}" for c in COLUMNS))
    for name, runs in results.items():
        row = {c: statistics.median([r[c] for r in runs if c in r]) for c in COLUMNS if any(c in r for r in runs)}
        print(f"{name:16}" + "".join(f"{row[c]:12.2f}" if c in row else f"{'-':>12}" for c in COLUMNS), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", default="10,100,300")
    parser.add_argument("--directions", default="down,up")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default="")
    parser.add_argument("--mtlsd", default=str(bench.HERE.parents[1] / "build/release/mtlsd"))
    options = parser.parse_args()
    missing = [tool for tool in (options.mtlsd, "nginx", "wrk", "taskset", "openssl", "haproxy", "ss") if not shutil.which(tool)]
    if missing:
        sys.exit(f"fair.py needs {', '.join(missing)}; see the top of this file (and `sh packaging/quickstart.sh` for mtlsd)")
    received = multiprocessing.Value("q", 0, lock=False)
    with tempfile.TemporaryDirectory(prefix="mtlsd-fair-") as folder:
        fair = Fair(folder, options.mtlsd)
        peers = [p for p in fair.peers() if shutil.which(p.argv[0]) and (p.name in options.peers.split(",") or not options.peers)]
        sink = multiprocessing.Process(target=answer_uploads, args=(received,), daemon=True)
        sink.start()
        os.sched_setaffinity(sink.pid, {int(bench.OTHER_CORE)})
        os.sched_setaffinity(0, {int(bench.OTHER_CORE)})
        origins = [fair.start("origin", fair.origin(), bench.OTHER_CORE, [bench.ORIGIN_TLS, bench.ORIGIN_PLAIN]),
                   fair.start("small", fair.small_origin(), bench.OTHER_CORE, [ORIGIN_SMALL])]
        try:
            for direction in options.directions.split(","):
                for streams in map(int, options.streams.split(",")):
                    results = {}
                    for _ in range(options.rounds):
                        for peer in peers:
                            try:
                                results.setdefault(peer.name, []).append(measure(fair, peer, direction, streams, options.seconds, received))
                            except (RuntimeError, OSError) as error:
                                print(f"{peer.name}: {error}", file=sys.stderr)
                    print_table(direction, streams, results)
        finally:
            for origin in origins:
                bench.stop(origin)
            sink.terminate()


if __name__ == "__main__":
    main()
