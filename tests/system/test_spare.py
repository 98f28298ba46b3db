# SPDX-License-Identifier: Apache-2.0
"""Spare connections to an upstream (pool.spare): a new client waits for no handshake and never gets a stale connection."""
import signal
import ssl
import time

import harness
import peers
from harness import wait_for


class Spare(harness.Case):
    def tls_origin(self, handle):
        """A server that counts the connections whose handshake is done."""
        def count(server, connection):
            with server.lock:
                server.ready += 1
            handle(server, connection)
        origin = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root")), count)
        origin.ready = 0
        return origin

    def answers(self):
        def handle(server, connection):
            while line := peers.read_until(connection, b"\n"):
                server.record(line)
                connection.sendall(b"answer to " + line)
        return self.tls_origin(handle)

    def ask(self, port, text=b"hello\n"):
        with peers.connect(port) as app:
            app.sendall(text)
            return peers.read_until(app, b"\n")

    def test_a_tcp_client_uses_one_whose_handshake_is_done(self):
        origin = self.answers()
        port = self.injector(origin.port, protocol="tcp", upstream="pool = { spare = 2; };")
        wait_for(lambda: origin.ready == 2, "two that are ready")
        for i in range(1, 4):
            self.assertEqual(b"answer to hello\n", self.ask(port))
            wait_for(lambda: origin.ready == 2 + i, "another one for the one that was used")
        self.assertEqual(3 * b"hello\n", bytes(origin.received))
        wait_for(lambda: self.mtlsd.log.count("reused=yes") == 3, "the log to say that they were ready")
        self.assertNotIn("spare_failed", self.mtlsd.log)

    def test_http_uses_them_too(self):
        origin = self.tls_origin(lambda server, connection: peers.read_until(connection, b"\r\n\r\n") and connection.sendall(peers.reply(b"ok")))
        port = self.injector(origin.port, upstream="pool = { spare = 1; };")
        wait_for(lambda: origin.ready == 1, "one that is ready")
        self.assertEqual("ok", self.curl(f"http://127.0.0.1:{port}/").text)
        wait_for(lambda: "reused=yes" in self.mtlsd.log, "the log to say that it was ready")

    def test_a_reload_makes_them_anew_with_the_new_identity(self):
        """B4: one that was made with the old certificate is never used after a reload."""
        origin = self.answers()
        port = self.injector(origin.port, protocol="tcp", upstream="pool = { spare = 1; };")
        wait_for(lambda: origin.ready == 1, "one that is ready")
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: origin.ready == 2, "another one, of the new snapshot")
        self.assertEqual(b"answer to hello\n", self.ask(port))

    def test_a_server_that_hangs_up_at_once_is_asked_less_and_less(self):
        origin = self.tls_origin(lambda server, connection: connection.unwrap())
        self.injector(origin.port, protocol="tcp", upstream="pool = { spare = 1; };")
        time.sleep(4.5)
        self.assertIn(origin.ready, (2, 3, 4))
        self.assertIn("spare_failed", self.mtlsd.log)
        self.assertIn("leave pool.spare out of this upstream", self.mtlsd.log)

    def test_what_a_server_says_with_the_end_of_its_handshake_is_not_lost(self):
        """With TLS 1.2 both may arrive at once. A spare connection to such a server is none, and a client hears the greeting on one of its own."""
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))
        context.maximum_version = ssl.TLSVersion.TLSv1_2

        def serve(server, connection):
            coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(coming, going, server_side=True)
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    connection.sendall(going.read())
                    if not (piece := connection.recv(65536)):
                        return
                    coming.write(piece)
            tls.write(b"hello\n")
            connection.sendall(going.read())
            peers.read_all(connection)
        origin = peers.Server(self, serve)
        port = self.injector(origin.port, protocol="tcp", upstream="pool = { spare = 1; };")
        wait_for(lambda: "spare_failed" in self.mtlsd.log, "the spare connection to be given up")
        self.assertIn("leave pool.spare out of this upstream", self.mtlsd.log)
        with peers.connect(port) as app:
            app.settimeout(3)
            self.assertEqual(b"hello\n", peers.read_until(app, b"\n"))

    def test_one_that_cannot_be_made_is_told_with_its_reason_and_clients_still_get_theirs(self):
        bad = self.pki.leaf("spare-expired", cn="localhost", san=["DNS:localhost", "IP:127.0.0.1"], start=-400, days=30)
        origin = peers.tls_server(self, peers.server_context(bad), lambda s, c: s.record(c.recv(100)))
        port = self.injector(origin.port, protocol="tcp", upstream="pool = { spare = 1; };")
        wait_for(lambda: "spare_failed" in self.mtlsd.log, "the failure")
        self.assertIn("expired", self.mtlsd.log)
        try:
            with peers.connect(port) as app:
                app.sendall(b"x")
                self.assertEqual(b"", peers.read_all(app)[0])
        except ConnectionResetError:  # it may come before connect has returned
            pass
        self.assertEqual(b"", bytes(origin.received))

    def test_a_drain_waits_for_none_of_them(self):
        origin = self.answers()
        self.injector(origin.port, protocol="tcp", upstream="pool = { spare = 5; };")
        wait_for(lambda: origin.ready == 5, "five that are ready")
        began = time.monotonic()
        self.assertEqual(0, self.mtlsd.stop())
        self.assertLess(time.monotonic() - began, harness.busy(5))
