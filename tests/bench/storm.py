#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How a verifier bears new clients: so many full handshakes a second beside a client that asks small requests on a connection it keeps.

The proxy runs alone on one core; everything else shares another. Each new client begins when its time has come, however many others are not done
yet, makes a full handshake of TLS 1.3 with a certificate of its own, asks one small request and leaves. Nothing is resumed. Compare the p99 of the
kept connection with that of the peers, and the proxy's CPU time for each new client (which includes its request).

needs:  apt-get install nginx-light haproxy openssl     (ghostunnel, stunnel and hitch: what is missing is left out)
usage:  storm.py [--rates 0,100,200,400,800] [--clients 32] [--seconds 8] [--rounds 3] [--peers NAME,...] [--mtlsd build/release/mtlsd]
                 [--results tests/bench/results]
"""
import contextlib
import multiprocessing
import os
import selectors
import socket
import ssl
import statistics
import time

import parts
import report
from parts import ORIGIN_PLAIN, ORIGIN_TLS, OTHER_CORE, PROXY, PROXY_CORE

COLUMNS = ["p50 ms", "p99 ms", "worst ms", "small", "clients/s", "failed", "client p50 ms", "client p99 ms", "CPU us/client"]
GIVEN_UP_S = 10
REQUEST = (parts.REQUEST % b"localhost").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


class Client:
    """One new client, driven by what its socket is ready for."""

    def __init__(self, port, context):
        self.began, self.answer, self.asked = time.monotonic(), b"", False
        plain = socket.socket()
        plain.setblocking(False)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BlockingIOError):
            plain.connect(("127.0.0.1", port))
        self.tls = context.wrap_socket(plain, server_hostname="localhost", do_handshake_on_connect=False)

    def step(self):
        """Goes on; gives what to wait for, or None once the whole answer is there."""
        try:
            if not self.asked:
                self.tls.do_handshake()
                self.tls.sendall(REQUEST)
                self.asked = True
            while not self.answer.endswith(parts.HELLO):
                part = self.tls.recv(4096)
                if not part:
                    raise ConnectionError("no answer")
                self.answer += part
        except ssl.SSLWantReadError:
            return selectors.EVENT_READ
        except (ssl.SSLWantWriteError, BlockingIOError):
            return selectors.EVENT_WRITE
        return None


class Crowd:
    """New clients, so many a second."""

    def __init__(self, port, contexts, rate):
        self.port, self.contexts, self.rate = port, contexts, rate
        self.selector, self.open, self.took, self.failed, self.started = selectors.DefaultSelector(), set(), [], 0, 0

    def run(self, seconds):
        began = time.monotonic()
        while True:
            now = time.monotonic()
            if now - began >= seconds and (not self.open or now - began >= seconds + GIVEN_UP_S):
                break
            while now - began < seconds and self.started < (now - began) * self.rate:
                client = Client(self.port, self.contexts[self.started % len(self.contexts)])
                self.started += 1
                self.selector.register(client.tls, selectors.EVENT_WRITE, client)
                self.open.add(client)
            for key, _ in self.selector.select(0.002):
                self.step(key.data)
        self.failed += len(self.open)
        for client in list(self.open):
            self.close(client)

    def step(self, client):
        try:
            wanted = client.step()
        except OSError: # refused, reset, or told an alert
            self.failed += 1
            self.close(client)
            return
        if wanted is None:
            self.took.append(time.monotonic() - client.began)
            self.close(client)
        else:
            self.selector.modify(client.tls, wanted, client)

    def close(self, client):
        self.selector.unregister(client.tls)
        client.tls.close()
        self.open.discard(client)


def send_crowd(port, contexts, rate, seconds, pipe):
    os.nice(10) # the client that is measured goes first
    crowd = Crowd(port, contexts, rate)
    crowd.run(seconds)
    pipe.send((sorted(crowd.took), crowd.failed))


class Storm(parts.Bench):
    def contexts(self, count):
        """What each of the new clients trusts and shows; parsing it once is enough."""
        made = []
        for n in range(count):
            leaf = self.pki.leaf(f"client-{n}", self.ca, subject=[("O", "Bench"), ("OU", "apps"), ("CN", f"client{n}")], eku=("clientAuth",))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_verify_locations(self.ca.crt)
            context.load_cert_chain(leaf.pem)
            made.append(context)
        return made


def measure(storm, peer, rate, seconds, contexts):
    with parts.running(storm, peer.name, peer.argv, PROXY_CORE, [PROXY]) as process:
        pids = parts.whole_family(process.pid)
        ours, theirs = multiprocessing.Pipe()
        crowd = multiprocessing.Process(target=send_crowd, args=(PROXY, contexts, rate, seconds + 0.5, theirs), daemon=True)
        spent = parts.cpu_seconds(pids)
        crowd.start()
        time.sleep(0.25)
        out = parts.Small(PROXY, seconds, contexts[0]).figures()
        took, failed = ours.recv() if ours.poll(GIVEN_UP_S + 30) else ([], 0)
        crowd.join(1)
        crowd.kill()
        if took:
            out.update({"clients/s": len(took) / (seconds + 0.5), "client p50 ms": statistics.median(took) * 1e3,
                        "client p99 ms": took[len(took) * 99 // 100] * 1e3, "CPU us/client": (parts.cpu_seconds(pids) - spent) * 1e6 / len(took)})
        return {**out, "failed": failed}


def run(storm, options):
    out = report.Report("storm", "New clients beside a kept connection", options)
    contexts, peers = storm.contexts(options.clients), parts.chosen(storm.server_peers(), options)
    curves = {column: {} for column in COLUMNS}
    for rate in map(int, options.rates.split(",")):
        results = parts.in_rounds(peers, options.rounds, lambda peer: measure(storm, peer, rate, options.seconds, contexts))
        rows = {name: parts.median_row(runs, COLUMNS) for name, runs in results.items()}
        out.table(f"{rate} new clients a second", COLUMNS, rows)
        for name, row in rows.items():
            for column, value in row.items():
                curves[column].setdefault(name, []).append((rate, value))
    out.chart("clients", "Full handshakes beside a kept connection", "new clients a second",
              [("p99 of the kept connection (ms)", True, curves["p99 ms"]), ("p99 of a new client (ms)", True, curves["client p99 ms"]),
               ("proxy's CPU time (µs/client)", False, curves["CPU us/client"])])


def main():
    parser = parts.parser_of(__doc__, seconds=8, rounds=3)
    parser.add_argument("--rates", default="0,100,200,400,800")
    parser.add_argument("--clients", type=int, default=32)
    options = parts.parse(parser, "nginx", "haproxy")
    with parts.folder("storm") as folder:
        storm = Storm(folder, options.mtlsd)
        os.sched_setaffinity(0, {int(OTHER_CORE)})
        with parts.running(storm, "origin", storm.origin(), OTHER_CORE, [ORIGIN_TLS, ORIGIN_PLAIN]):
            run(storm, options)


if __name__ == "__main__":
    main()
