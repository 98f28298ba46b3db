#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a daemon with very many identities and upstreams takes, what a reload of them does to small requests, and what memory comes back.

One daemon on one core: every upstream has an identity of its own. The table tells how long start and reload took, the CPU time of the daemon, what was
resident afterwards, and how long small requests took meanwhile (asked on a kept connection, one after the other, 2 ms apart). Then come crowds of
clients, each with a row while it is there and one after it left: connections to a plaintext listener and to a TLS listener that stay idle, uploads at
once, handshakes that never end, and handshakes that are cut. --seconds is how long each row waits for memory to come back.

needs:  apt-get install openssl
usage:  small.py [--seconds 10] [--identities 10000] [--reloads 4] [--crowd 1000] [--mtlsd build/release/mtlsd] [--results tests/bench/results]
"""
import os
import pathlib
import resource
import socket
import ssl
import struct
import subprocess
import threading
import time

import parts
import report

ASKED, CROWDED, UPLOADED, SINK = 18410, 18411, 18412, 18413
UPLOADS_MAX = 1000  # each fills some socket buffers
COLUMNS = ["s", "CPU s", "resident MB", "p50 ms", "p99 ms", "worst ms"]
REQUEST = b"GET / HTTP/1.1\r\nHost: small\r\n\r\n"


class Asking(threading.Thread):
    """Small requests, and when each was asked."""

    def __init__(self):
        super().__init__(daemon=True)
        self.took, self.stopping = [], False
        self.start()

    def run(self):
        with socket.create_connection(("127.0.0.1", ASKED)) as connection:
            while not self.stopping:
                began = time.monotonic()
                connection.sendall(REQUEST)
                if not connection.recv(65536):
                    raise ConnectionError("no answer")
                self.took.append((began, time.monotonic() - began))
                time.sleep(0.002)

    def since(self, began):
        took = sorted(t for at, t in self.took if at >= began) or [0.0]
        return {"p50 ms": took[len(took) // 2] * 1e3, "p99 ms": took[len(took) * 99 // 100] * 1e3, "worst ms": took[-1] * 1e3}


class Daemon:
    def __init__(self, folder, options):
        self.folder, self.options, self.conf = folder, options, folder / "small.conf"
        subprocess.run([options.mtlsd, "pki", "init", "--dir", folder / "pki"], check=True, capture_output=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "key.pem", "-out",
                        folder / "crt.pem", "-days", "30", "-subj", "/CN=small", "-addext", "basicConstraints=CA:false", "-addext",
                        "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        (folder / "me.pem").write_text((folder / "crt.pem").read_text() + (folder / "key.pem").read_text())
        (folder / "me.pem").chmod(0o600)
        subprocess.run([options.mtlsd, "pki", "issue", "caller", "--client", "--dir", folder / "pki"], check=True, capture_output=True)
        (folder / "ca.pem").write_bytes((folder / "pki/ca.pem").read_bytes())
        n = range(options.identities)
        self.conf.write_text(f"""
            workers = 1; admin = {{ socket = "unix:{folder}/admin.sock"; }}; log = {{ level = "error"; }};
            identities = {{ {"".join(f'i{i} = {{ bundle = "me.pem"; }};' + chr(10) for i in n)} }};
            trusts = {{ t = {{ ca = "ca.pem"; }}; }};
            upstreams = {{ sink = {{ targets = [ "127.0.0.1:{SINK}" ]; }};
                           {"".join(f'u{i} = {{ targets = [ "127.0.0.1:1" ]; tls = {{ identity = "i{i}"; trust = "t"; server_name = "a.example"; }}; }};' + chr(10)
                                    for i in n)} }};
            listeners = {{ uploaded = {{ bind = "127.0.0.1:{UPLOADED}"; upstream = "sink"; }};
                           asked = {{ bind = "127.0.0.1:{ASKED}"; routes = ( {{ respond = 200; }} ); }};
                           crowded = {{ bind = "127.0.0.1:{CROWDED}"; upstream = "u0"; tls = {{ identity = "i0"; trust = "t"; }}; }}; }};""")
        self.sink = socket.create_server(("127.0.0.1", SINK), backlog=4096)  # accepts, and never reads

    def start(self):
        began = time.monotonic()
        self.process = subprocess.Popen(["taskset", "-c", parts.PROXY_CORE, self.options.mtlsd, "run", "-c", self.conf], stderr=subprocess.DEVNULL)
        parts.wait_ports(self.process, [ASKED, CROWDED], self.folder / "none", 120)
        return self.row(began, 0, None)

    def cpu(self):
        return parts.cpu_seconds([self.process.pid])

    def row(self, began, cpu, asking):
        took = time.monotonic() - began
        return {"s": took, "CPU s": self.cpu() - cpu, "resident MB": parts.memory_kb([self.process.pid]) / 1024, **(asking.since(began) if asking else {})}

    def reload(self, asking):
        began, cpu = time.monotonic(), self.cpu()
        subprocess.run([self.options.mtlsd, "reload", "-c", self.conf], check=True, capture_output=True)
        took = time.monotonic() - began
        time.sleep(self.options.seconds)  # what was let go is freed meanwhile
        return {**self.row(began, cpu, asking), "s": took}

    def crowd(self, asking, n, connect):
        """The rows of a crowd: while it is there, and after it left. connect gives one client of it."""
        began, cpu = time.monotonic(), self.cpu()
        clients = [connect() for _ in range(n)]
        time.sleep(0.5)
        there = self.row(began, cpu, asking)
        began, cpu = time.monotonic(), self.cpu()
        for client in clients:
            client.close()
        del clients
        time.sleep(self.options.seconds)
        return there, self.row(began, cpu, asking)

    def crowds(self):
        context = ssl.create_default_context(cafile=self.folder / "pki/ca.pem")
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # its certificate signs itself
        context.load_cert_chain(self.folder / "pki/caller.pem")
        upload = b"POST / HTTP/1.1\r\nHost: small\r\nContent-Length: 1000000000\r\n\r\n" + bytes(300000)

        def connect(port, said=b""):
            client = socket.create_connection(("127.0.0.1", port))
            client.setblocking(False)
            if said:
                client.send(said)
            return client

        def handshake():
            return context.wrap_socket(socket.create_connection(("127.0.0.1", CROWDED)))

        def cut():
            client = connect(CROWDED)
            tls = context.wrap_socket(client, do_handshake_on_connect=False)
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return tls

        return {"idle connections": lambda: connect(ASKED), "idle TLS connections": handshake, "uploads": lambda: connect(UPLOADED, upload),
                "unfinished handshakes": lambda: connect(CROWDED, b"\x16\x03\x01"), "handshakes that are cut": cut}


def run(daemon, options):
    out = report.Report("small", "Many identities, reloads and a crowd", options)
    rows = {"start": daemon.start()}
    asking = Asking()
    began, cpu = time.monotonic(), daemon.cpu()
    time.sleep(options.seconds)
    rows["quiet"] = daemon.row(began, cpu, asking)
    for i in range(options.reloads):
        rows[f"reload {i + 1}"] = daemon.reload(asking)
    for name, connect in daemon.crowds().items():
        n = min(options.crowd, UPLOADS_MAX) if name == "uploads" else options.crowd
        rows[f"{n} {name}"], rows[f"after the {name}"] = daemon.crowd(asking, n, connect)
    asking.stopping = True
    asking.join()
    out.table(f"{options.identities} identities and upstreams", COLUMNS, rows)


def main():
    parser = parts.parser_of(__doc__, seconds=10, rounds=1)
    parser.add_argument("--identities", type=int, default=10000)
    parser.add_argument("--reloads", type=int, default=4)
    parser.add_argument("--crowd", type=int, default=1000)
    options = parts.parse(parser)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with parts.folder("small") as folder:
        daemon = Daemon(pathlib.Path(folder), options)
        os.sched_setaffinity(0, {int(parts.OTHER_CORE)})
        try:
            run(daemon, options)
        finally:
            daemon.process.terminate()
            daemon.process.wait(30)


if __name__ == "__main__":
    main()
