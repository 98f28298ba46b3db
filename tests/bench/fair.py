#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long small requests take beside bulk traffic through the same proxy, for mtlsd and its peers in one run.

The proxy runs alone on one core; everything else shares another. N connections download (or upload) 100 MB bodies over and over while one client
sends small requests on a kept connection, some 20 a second, to an origin of its own, so that only the proxy can hold them up. Compare the p99 of
those with that of the peers, and the CPU time per gigabyte.

needs:  apt-get install nginx-light haproxy wrk openssl
usage:  fair.py [--streams 10,100,300] [--directions down,up] [--seconds 8] [--rounds 3] [--peers NAME,...] [--mtlsd build/release/mtlsd]
                [--results tests/bench/results]
"""
import contextlib
import multiprocessing
import os
import re
import selectors
import signal
import socket
import subprocess
import time

import parts
import report
from parts import OTHER_CORE, PROXY, PROXY_CORE, free_port

SINK, ORIGIN_SMALL, PROXY_SMALL = (free_port() for _ in range(3))
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
            try:
                n = connection.recv_into(buffer)
            except ConnectionError:
                n = 0  # the proxy was ended
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


class Fair(parts.Bench):
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
        text = (parts.HERE / "ours-client-http.conf").read_text()
        for mark, value in (("PKI", self.folder), ("PORT", PROXY), ("ORIGIN", parts.ORIGIN_TLS)):
            text = text.replace(f"@{mark}@", str(value))
        text = text.replace("upstreams = {", f"""upstreams = {{ small = {{ targets = [ "127.0.0.1:{ORIGIN_SMALL}" ];
            tls = {{ identity = "bench"; trust = "bench"; server_name = "localhost"; }}; }};""")
        text = text.replace("listeners = {", f"""listeners = {{ small = {{ bind = "127.0.0.1:{PROXY_SMALL}"; upstream = "small"; }};""")
        yield parts.Peer("mtlsd", "http", [self.mtlsd, "run", "-c", self.write("mtlsd.conf", text)])
        yield parts.Peer("haproxy", "http", self.haproxy("haproxy", self.pair("http", PROXY, "", self.to_tls(), parts.ORIGIN_TLS) +
                                                         self.pair("http", PROXY_SMALL, "", self.to_tls(), ORIGIN_SMALL)))

    def bulk(self, direction, port, streams, seconds):
        """wrk that moves bulk for so long."""
        script = self.write("up.lua", 'wrk.method = "POST"\nwrk.body = string.rep("x", 100 * 1024 * 1024)\n')
        extra = ["-s", script] if direction == "up" else []
        path = "/up" if direction == "up" else "/100m"
        return subprocess.Popen(["taskset", "-c", OTHER_CORE, "wrk", "-t1", f"-c{streams}", f"-d{round(seconds) + 90}s", "--timeout", "600s", *extra,
                                 f"http://127.0.0.1:{port}{path}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def bytes_read(text):
    """What a run of wrk says that it read."""
    found = re.search(r"([\d.]+)([KMG]?)B read", text)
    return float(found[1]) * {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[found[2]] if found else 0


def wait_until_busy(pids, spent):
    """wrk takes its time to write 100 MB into its memory before it sends the first of them."""
    deadline = time.monotonic() + 30
    while parts.cpu_seconds(pids) < spent + 0.05:
        if time.monotonic() > deadline:
            raise RuntimeError("no bulk came in 30 s")
        time.sleep(0.02)


def ended(process):
    """What it printed, once it has ended."""
    try:
        return process.communicate(timeout=30)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        raise RuntimeError("wrk did not end") from None


def measure(fair, peer, direction, streams, seconds, received):
    with parts.running(fair, peer.name, peer.argv, PROXY_CORE, [PROXY, PROXY_SMALL]) as process:
        pids = parts.whole_family(process.pid)
        moved, spent, began = received.value, parts.cpu_seconds(pids), time.monotonic()
        bulk = fair.bulk(direction, PROXY, streams, seconds)
        try:
            wait_until_busy(pids, spent)
            time.sleep(min(1, seconds))
            out = parts.Small(PROXY_SMALL, seconds).figures()
        finally:
            bulk.send_signal(signal.SIGINT if direction == "down" else signal.SIGKILL) # only of downloads wrk tells the bytes
            text = ended(bulk)
        spent, lasted = parts.cpu_seconds(pids) - spent, time.monotonic() - began
        moved = received.value - moved if direction == "up" else bytes_read(text)
        return {**out, "MB/s": moved / 1e6 / lasted, "CPU s/GB": spent / (max(moved, 1) / 1e9)}


def run(fair, options, received):
    out = report.Report("fair", "Small requests beside bulk traffic", options)
    peers = parts.chosen(fair.peers(), options)
    for direction in options.directions.split(","):
        curves = {column: {} for column in COLUMNS}
        for streams in map(int, options.streams.split(",")):
            results = parts.in_rounds(peers, options.rounds, lambda peer: measure(fair, peer, direction, streams, options.seconds, received))
            rows = {name: parts.median_row(runs, COLUMNS) for name, runs in results.items()}
            out.table(f"beside {streams} {direction}loads", COLUMNS, rows)
            for name, row in rows.items():
                for column, value in row.items():
                    curves[column].setdefault(name, []).append((streams, value))
        out.chart(direction, f"Small requests beside {direction}loads of 100 MB", f"{direction}loads at once (log scale)",
                  [("p99 of small requests (ms)", True, curves["p99 ms"]), ("proxy's CPU time (s/GB)", False, curves["CPU s/GB"])], log_x=True)


def main():
    parser = parts.parser_of(__doc__, seconds=8, rounds=3)
    parser.add_argument("--streams", default="10,100,300")
    parser.add_argument("--directions", default="down,up")
    options = parts.parse(parser, "nginx", "wrk", "haproxy")
    received = multiprocessing.Value("q", 0, lock=False)
    with parts.folder("fair") as folder, contextlib.ExitStack() as held:
        fair = Fair(folder, options.mtlsd)
        sink = multiprocessing.Process(target=answer_uploads, args=(received,), daemon=True)
        sink.start()
        held.callback(sink.terminate)
        os.sched_setaffinity(sink.pid, {int(OTHER_CORE)})
        os.sched_setaffinity(0, {int(OTHER_CORE)})
        held.enter_context(parts.running(fair, "origin", fair.origin(), OTHER_CORE, [parts.ORIGIN_TLS, parts.ORIGIN_PLAIN]))
        held.enter_context(parts.running(fair, "small", fair.small_origin(), OTHER_CORE, [ORIGIN_SMALL]))
        run(fair, options, received)


if __name__ == "__main__":
    main()
