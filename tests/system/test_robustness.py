# SPDX-License-Identifier: Apache-2.0
"""What the daemon must survive: peers that vanish at every stage, readers that do not read, descriptors that run out, logs that nobody reads,
reloads and ends in the middle of everything."""
import json
import signal
import socket
import ssl
import struct
import threading
import time
import unittest

import harness
import peers
from harness import free_port, wait_for


def pattern(size):
    """Bytes in which every cut and every gap shows."""
    return b"".join(struct.pack(">I", n) for n in range(size // 4))


def read_slowly(client, pause=0.0005, step=8192):
    data = bytearray()
    while piece := client.recv(step):
        data += piece
        time.sleep(pause) # the reader is the slow part of this test
    return bytes(data)


class Case(harness.Case):
    def open_connections(self, daemon):
        status = json.loads(self.command("status", "--json", "-c", daemon.config_path).stdout)
        return sum(row["connections_open"] for row in status["listeners"])

    def admin(self):
        return f'admin = {{ socket = "unix:{self.folder}/admin.sock"; }};\n'


class LastBytes(Case):
    """What a socket did not take at once is sent before the connection ends (D4, B7)."""

    SIZES = range(192 * 1024, 264 * 1024, 8 * 1024) # around what a unix socket takes at once: for some only the last bytes have to wait

    def assert_whole(self, protocol, request, answer):
        """Every size of answer reaches a client that ended its side and begins to read only when all was sent."""
        size, sent = [0], []

        def serve(server, connection):
            answer(connection, pattern(size[0]))
            connection.unwrap()
            sent.append(size[0])
        server = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root")), serve)
        path = self.folder / "front.sock"
        text = self.injector_text(0, f"127.0.0.1:{server.port}", protocol=protocol).replace('"127.0.0.1:0"', f'"unix:{path}"')
        self.daemon(text, paths=[path])
        for size[0] in self.SIZES:
            with self.subTest(size=size[0]), socket.socket(socket.AF_UNIX) as client:
                client.settimeout(peers.IO_S)
                client.connect(str(path))
                client.sendall(request)
                client.shutdown(socket.SHUT_WR)
                wait_for(lambda: size[0] in sent, "the server to have sent it all")
                time.sleep(0.05) # an early end of the daemon's cannot be seen from here before we read
                data, how = peers.read_all(client)
                self.assertEqual("eof", how)
                self.assertEqual(pattern(size[0]), data[-size[0]:])

    def test_late_reader_gets_the_last_bytes_of_a_tcp_answer(self):
        def answer(connection, whole):
            while connection.recv(4096):
                pass
            connection.sendall(whole)
        self.assert_whole("tcp", b"now", answer)

    def test_late_reader_that_ended_its_side_gets_the_last_bytes_of_an_http_answer(self):
        def answer(connection, whole):
            peers.read_until(connection, b"\r\n\r\n")
            connection.sendall(peers.reply(whole, fields=[("Connection", "close")]))
        self.assert_whole("http", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", answer)

    def test_slow_upstream_gets_the_last_bytes_of_an_upload(self):
        whole = pattern(3 << 20)
        got = []

        def take(server, connection):
            connection.shutdown(socket.SHUT_WR)
            got.append(read_slowly(connection))
        backend = peers.Server(self, take)
        backend.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        port = self.verifier(backend.port, protocol="tcp")
        context = peers.client_context(self.pki.ca("root"), self.pki.client())
        with peers.secure(port, context) as client:
            client.sendall(whole)
            client.unwrap()
        wait_for(lambda: got, "the upload")
        self.assertEqual(len(whole), len(got[0]))


class Vanishing(Case):
    def storm(self, port, stages, rounds):
        def client(n):
            try:
                with socket.create_connection(("127.0.0.1", port), 5) as connection:
                    connection.sendall(stages[n % len(stages)])
                    if n % 3 == 0:
                        connection.settimeout(0.05)
                        connection.recv(1000)
                    peers.reset(connection)
            except OSError:
                pass
        for start in range(0, rounds, 20):
            threads = [threading.Thread(target=client, args=(n,)) for n in range(start, start + 20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def assert_forgotten(self, daemon):
        wait_for(lambda: self.open_connections(daemon) == 0, "all connections to be forgotten", 10)

    def test_clients_that_reset_at_every_stage_of_http_leave_nothing_behind(self):
        origin, port = self.origin(), free_port()
        daemon = self.daemon(self.admin() + self.injector_text(port, f"127.0.0.1:{origin}"), [port], prelude="workers = 4;\n")
        head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
        self.storm(port, [b"", b"GET", head[:-2], head, head * 50, post, post + bytes(50000), post + bytes(100000), b"\x16\x03\x01\x00",
                          b"BAD\r\n\r\n"], 400)
        self.assert_forgotten(daemon)
        self.assertEqual(200, self.curl(f"http://127.0.0.1:{port}/").status)

    def test_clients_that_reset_inside_the_handshake_leave_nothing_behind(self):
        backend, port = peers.Backend(self), free_port()
        daemon = self.daemon(self.admin() + self.verifier_text(port, backend.port), [port], prelude="workers = 4;\n")
        hello = client_hello()
        self.storm(port, [b"", hello[:5], hello[:100], hello, hello + b"\x14\x03\x03\x00\x01\x01", hello * 2, b"GET / HTTP/1.1\r\n\r\n"], 200)
        self.assert_forgotten(daemon)
        self.assertEqual(200, self.curl_tls(port).status)

    def test_upstreams_that_fail_at_every_stage_get_the_app_an_answer_or_a_cut(self):
        hello = b"\x16\x03\x03\x00\x05hello"
        faults = [
            ("resets at once", lambda s, c: peers.reset(c)),
            ("resets after our hello", lambda s, c: (c.recv(100), peers.reset(c))),
            ("answers garbage", lambda s, c: (c.recv(100), c.sendall(hello))),
            ("answers plaintext", lambda s, c: (c.recv(4096), c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))),
        ]
        for why, fault in faults:
            with self.subTest(why):
                server = peers.Server(self, fault)
                port = self.injector(server.port)
                answer = self.curl(f"http://127.0.0.1:{port}/")
                self.assertEqual(502, answer.status, why)


def client_hello():
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    machine = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(into, out, server_hostname="localhost")
    try:
        machine.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


class TheEnd(Case):
    """Whatever is in flight, TERM ends within drain_timeout with exit code 0, and QUIT at once."""

    def busy(self):
        """A daemon with a connection of every kind in flight."""
        def never(server, connection):
            while connection.recv(65536):
                pass
        dead, port, tcp, tls = peers.Server(self, never), free_port(), free_port(), free_port()
        identity, server, root = self.pki.client(), self.pki.server(), self.pki.ca("root").crt
        text = f"""
            identities = {{ me = {{ bundle = "{identity.pem}"; }}; us = {{ bundle = "{server.pem}"; }}; }};
            trusts = {{ them = {{ ca = "{root}"; }}; }};
            upstreams = {{
                secure = {{ targets = [ "127.0.0.1:{dead.port}" ]; tls = {{ identity = "me"; trust = "them"; }}; }};
                plain = {{ targets = [ "127.0.0.1:{dead.port}" ]; }}; }};
            listeners = {{
                app = {{ bind = "127.0.0.1:{port}"; protocol = "http"; upstream = "secure"; }};
                raw = {{ bind = "127.0.0.1:{tcp}"; protocol = "tcp"; upstream = "secure"; }};
                public = {{ bind = "127.0.0.1:{tls}"; protocol = "http"; upstream = "plain"; tls = {{ identity = "us"; trust = "them"; }}; }}; }};
        """
        daemon = self.daemon(self.admin() + text, [port, tcp, tls], prelude='workers = 2; drain_timeout = "1s";\n')
        context = peers.client_context(self.pki.ca("root"), self.pki.client())
        asking = peers.secure(tls, context)
        asking.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc")
        clients = [asking]
        for number, data in [(port, b""), (port, b"GET / HT"), (port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), (tcp, b""), (tcp, b"data"),
                             (tls, b""), (tls, client_hello())] * 5:
            client = peers.connect(number)
            client.sendall(data)
            clients.append(client)
        for client in clients:
            self.addCleanup(client.close)
        wait_for(lambda: self.open_connections(daemon) == len(clients), "all connections")
        return daemon

    def test_drain_cuts_what_is_left_after_its_time(self):
        daemon = self.busy()
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        self.assertEqual(0, daemon.wait())
        self.assertLess(time.monotonic() - began, 6)

    def test_quit_ends_at_once(self):
        daemon = self.busy()
        daemon.signal(signal.SIGQUIT)
        self.assertEqual(0, daemon.wait(5))

    def test_second_term_ends_at_once(self):
        daemon = self.busy()
        daemon.signal(signal.SIGTERM)
        wait_for(lambda: '"drain"' in daemon.log or " drain " in daemon.log, "the drain")
        daemon.signal(signal.SIGTERM)
        self.assertEqual(0, daemon.wait(5))

    def test_term_among_reloads_ends_well(self):
        daemon = self.busy()
        for n in range(30):
            daemon.signal(signal.SIGHUP)
        daemon.signal(signal.SIGTERM)
        for n in range(30):
            daemon.signal(signal.SIGHUP)
        self.assertEqual(0, daemon.wait())


if __name__ == "__main__":
    harness.main()
