#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a caller who was revoked is still let in: from the moment the list is renamed into its place to the first refused handshake, and to the
end of the connection that this caller had open. Beside it, what a stream of requests of somebody else meets while the new list is read.

A real daemon on loopback, one worker, the list in PEM. Every round revokes the caller and forgives him again. The stream is one request after
the other over one connection, every two milliseconds, from a process of its own; "calm" is the same while nothing changes.

needs:  openssl, and a release build (sh packaging/quickstart.sh)
usage:  revoke.py [--entries 1,50000,1000000] [--rounds 10] [--held 1] [--others 0] [--mtlsd build/release/mtlsd]
"""
import argparse
import base64
import contextlib
import datetime
import os
import pathlib
import random
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
import certs  # noqa: E402
import peers  # noqa: E402
from harness import Process, free_port, wait_for  # noqa: E402

PAUSE_S = 0.002  # of who asks again and again: the daemon should have a core to itself
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
CONFIG = """
workers = 1; log = {{ level = "error"; }};
identities = {{ me = {{ bundle = "{server}"; }}; }};
trusts = {{ callers = {{ ca = "{ca}"; crl = "{crl}"; }}; }};
listeners = {{ public = {{ bind = "127.0.0.1:{port}"; tls = {{ identity = "me"; trust = "callers"; }}; routes = ( {{ respond = 200; }} ); }}; }};
"""


class Lists:
    """Revocation lists of one CA; the many entries are made once."""

    def __init__(self, pki, ca, n):
        moment = certs.moment(datetime.datetime.now(datetime.timezone.utc))
        serials = random.Random(4)
        self.pki, self.ca, self.number = pki, ca, 0
        self.entries = b"".join(certs.tlv(0x30, b"\x02\x14" + (serials.getrandbits(159) | 1 << 157).to_bytes(20, "big") + moment) for _ in range(n))

    def make(self, *revoked):
        """PEM of the next list, with these callers on it beside the many."""
        now = datetime.datetime.now(datetime.timezone.utc)
        self.number += 1
        own = b"".join(certs.sequence(certs.integer(c.serial), certs.moment(now)) for c in revoked)
        extensions = certs.extension("2.5.29.20", certs.integer(self.number)), certs.extension("2.5.29.35", certs.sequence(certs.tlv(0x80, self.ca.key_id)))
        tbs = certs.sequence(certs.integer(1), certs.sequence(certs.oid("1.2.840.10045.4.3.2")), self.ca.subject,
                             certs.moment(now - datetime.timedelta(days=1)), certs.moment(now + datetime.timedelta(days=30)),
                             certs.sequence(self.entries, own), certs.tlv(0xA0, certs.sequence(*extensions)))
        return b"-----BEGIN X509 CRL-----\n" + base64.encodebytes(self.pki.sign(tbs, self.ca)) + b"-----END X509 CRL-----\n"


class Site:
    """The daemon, its callers and the list it reads."""

    def __init__(self, folder, mtlsd, entries):
        self.folder = pathlib.Path(folder)
        pki = certs.Pki(folder)
        self.ca, self.port = pki.ca("root"), free_port()
        self.good, self.bad = pki.client(), pki.leaf("bad", eku=("clientAuth",))
        self.lists = Lists(pki, self.ca, entries)
        self.crl = self.folder / "callers.crl"
        self.put(self.prepare())
        config = self.folder / "mtlsd.conf"
        config.write_text(CONFIG.format(server=pki.server().pem, ca=self.ca.crt, crl=self.crl, port=self.port))
        self.process = Process("mtlsd", [pathlib.Path(mtlsd).resolve(), "run", "-c", config], folder).wait_ready([self.port])
        self.contexts = {c.stem: peers.client_context(self.ca, c) for c in (self.good, self.bad)}

    def prepare(self, *revoked):
        fresh = self.folder / "next.crl"
        fresh.write_bytes(self.lists.make(*revoked))
        return fresh

    def put(self, fresh):
        os.replace(fresh, self.crl)
        return time.monotonic()

    def connect(self, caller):
        connection = peers.secure(self.port, self.contexts[caller.stem], 60)
        ask(connection)
        return connection

    def is_let_in(self, caller):
        try:
            self.connect(caller).close()
            return True
        except OSError:
            return False


def ask(connection):
    connection.sendall(REQUEST)
    if peers.response(connection)[0] != 200:
        raise ConnectionError("refused")


class Stream:
    """Requests one after the other in a process of its own; gives the latencies of those that touch a span of time."""

    def __init__(self, site):
        self.process = subprocess.Popen([sys.executable, "-W", "ignore", __file__, "--stream", str(site.port), site.ca.crt, site.good.pem],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline() # it has begun

    def stop(self):
        """[(began, ended)]"""
        out, _ = self.process.communicate("\n", timeout=60)
        return [tuple(map(float, line.split())) for line in out.splitlines()]


def stream(port, ca, pem):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)
    context.load_cert_chain(pem)
    connection = peers.secure(int(port), context, 60)
    over, spans = threading.Event(), []
    threading.Thread(target=lambda: (sys.stdin.readline(), over.set()), daemon=True).start()
    ask(connection)
    print(flush=True)
    while not over.is_set() or not spans:
        began = time.monotonic()
        ask(connection)
        spans.append((began, time.monotonic()))
        time.sleep(PAUSE_S)
    print("\n".join(f"{b:.6f} {e:.6f}" for b, e in spans))


def end_of(connection, ends):
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass
    ends.append(time.monotonic())


def one_round(site, held):
    """(seconds to the first refusal, to the end of the last connection held, and the span in which the change took place)."""
    connections = [site.connect(site.bad) for _ in range(held)]
    ends = []
    watchers = [threading.Thread(target=end_of, args=(c, ends), daemon=True) for c in connections]
    for watcher in watchers:
        watcher.start()
    fresh = site.prepare(site.bad)
    began = site.put(fresh)
    while site.is_let_in(site.bad):
        time.sleep(PAUSE_S)
    refused = time.monotonic()
    for watcher in watchers:
        watcher.join(60)
    changed = max(ends)
    for connection in connections:
        connection.close()
    site.put(site.prepare())
    wait_for(lambda: site.is_let_in(site.bad), "the caller who was forgiven", 60)
    return refused - began, changed - began, (began, max(refused, changed))


def worst_of(spans, windows):
    """Latencies in ms of the requests that touch any of the windows."""
    touched = sorted((e - b) * 1e3 for b, e in spans if any(b < until and e > since for since, until in windows)) or [0.0]
    return touched[len(touched) * 99 // 100], touched[-1]


def measure(mtlsd, entries, rounds, held, others):
    folder = tempfile.mkdtemp(prefix="mtlsd-revoke-")
    site = None
    try:
        site = Site(folder, mtlsd, entries)
        crowd = [site.connect(site.good) for _ in range(others)]
        before = Stream(site)
        time.sleep(1)
        calm = before.stop()
        during = Stream(site)
        results = [one_round(site, held) for _ in range(rounds)]
        spans = during.stop()
        refused, ended = [r[0] for r in results], [r[1] for r in results]
        for connection in crowd:
            connection.close()
        return [statistics.median(refused), max(refused), statistics.median(ended), max(ended), *worst_of(calm, [(0, float("inf"))]),
                *worst_of(spans, [r[2] for r in results]), site.process.rss_kb() / 1024]
    finally:
        if site:
            site.process.stop()
        shutil.rmtree(folder, True)


def main():
    if sys.argv[1:2] == ["--stream"]:
        return stream(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", default="1,50000,1000000")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--held", type=int, default=1, help="connections of the revoked caller")
    parser.add_argument("--others", type=int, default=0, help="connections of another caller, who stays")
    parser.add_argument("--mtlsd", default=str(HERE.parents[1] / "build/release/mtlsd"))
    options = parser.parse_args()
    if not shutil.which(options.mtlsd):
        sys.exit(f"{options.mtlsd} is not there: sh packaging/quickstart.sh builds it")
    print(f"{'':>10}  {'first refusal, s':>17}  {'connection ended, s':>19}  {'calm stream, ms':>17}  {'while it changes, ms':>20}")
    print(f"{'entries':>10}  {'median':>8} {'worst':>8}  {'median':>9} {'worst':>9}  {'p99':>8} {'worst':>8}  {'p99':>10} {'worst':>9}  {'RSS MiB':>8}")
    for entries in map(int, options.entries.split(",")):
        row = measure(options.mtlsd, entries, options.rounds, options.held, options.others)
        print(f"{entries:>10,}  {row[0]:8.3f} {row[1]:8.3f}  {row[2]:9.3f} {row[3]:9.3f}  {row[4]:8.2f} {row[5]:8.2f}  {row[6]:10.2f} {row[7]:9.2f}"
              f"  {row[8]:8.1f}", flush=True)
    return None


if __name__ == "__main__":
    main()
