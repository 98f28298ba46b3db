# SPDX-License-Identifier: Apache-2.0
"""C14: the limit of connections for each client address holds for all workers together. After a reload that changes the limit, open connections count."""
import pathlib
import re
import socket
import ssl
import threading

import harness
import peers
import test_full
from harness import wait_for


class PerClient(test_full.Case):
    def start(self, **options):
        self.also = f', "unix:{self.folder}/x.sock"'
        super().start(**options)
        wait_for(lambda: self.open() == 0, "the harness to have left")

    def assert_served(self, client):
        self.assertEqual(200, peers.response(client)[0])
        return client

    def assert_refused(self, client):
        super().assert_refused(client, 429, b"too_many_connections")

    def open(self):
        return self.status()["connections"]["open"]

    def test_one_address_has_its_share_and_others_theirs(self):
        for workers in (1, 4):
            with self.subTest(workers=workers):
                self.start(workers=workers, limits="per_client = 3;")
                mine = [self.assert_served(self.ask()) for _ in range(3)]
                for _ in range(2):
                    self.assert_refused(self.ask())
                self.assert_served(self.ask(address="127.0.0.2"))
                for _ in range(5):
                    self.assert_served(self.ask(address=None))
                status = self.status()
                self.assertEqual((3, 0, {"too_many_connections": 2}), (status["connections"]["most_per_client"], status["connections"]["refused_total"],
                                                                       status["listeners"][0]["refused"]))
                self.assertEqual(200, self.ready()[0], "others find room")
                self.assertRegex(self.mtlsd.log, r"limits\.per_client is 3.*client=127\.0\.0\.1 .*reason=too_many_connections")
                self.assertIn("at most 3 of one client address", self.command("status", "-c", self.mtlsd.config_path).stdout)
                mine.pop().close()
                wait_for(lambda: self.open() == 8, "one to have gone")
                self.assert_served(self.ask())
                self.assertEqual(0, self.mtlsd.stop())

    def test_tls_and_tcp_clients_are_told_without_a_handshake(self):
        self.start(tls='tls = { identity = "us"; trust = "them"; };', limits="per_client = 1;")
        context = peers.client_context(self.pki.ca("root"), self.pki.client())
        first = peers.secure(self.port, context)
        self.addCleanup(first.close)
        with self.assertRaisesRegex(ssl.SSLError, "(?i)internal.error"):
            peers.secure(self.port, context)
        self.mtlsd.stop()
        self.start(protocol="tcp", limits="per_client = 1;")
        self.assert_served(self.ask())
        with self.assertRaises(ConnectionResetError):
            self.connect().recv(10)

    def test_balancer_is_not_taken_for_its_clients(self):
        self.start(tls="accept_proxy_protocol = true;", limits="per_client = 2;")
        header = b"PROXY TCP6 2001:db8::%d:1 2001:db8::1 4711 80\r\n"
        for i in range(2):
            self.assert_served(self.ask(header=header % i))
            self.assert_served(self.ask(header=b"PROXY TCP4 198.51.100.%d 192.0.2.1 4711 80\r\n" % i))
            self.assert_served(self.ask(header=b"PROXY TCP4 198.51.100.%d 192.0.2.1 4711 80\r\n" % i))
        self.assert_refused(self.ask(header=header % 9))  # another address of the same /64
        self.assert_refused(self.ask(header=b"PROXY TCP4 198.51.100.1 192.0.2.1 4711 80\r\n", address=None))
        self.assert_served(self.ask(header=b"PROXY TCP6 2001:db8:0:1::1 2001:db8::1 4711 80\r\n"))

    def test_reload_counts_who_is_there_and_cuts_nobody(self):
        for workers in (1, 4):
            with self.subTest(workers=workers):
                self.start(workers=workers, limits="connections = 50;")
                inside = [self.assert_served(self.ask()) for _ in range(5)]
                config = pathlib.Path(self.mtlsd.config_path)
                for before, after, most in ((" connections = 50;", " per_client = 3;", 3), ("= 3;", "= 6;", 6), ("= 6;", "= 5;", 5), ("= 5;", "= 0;", 9)):
                    config.write_text(config.read_text().replace(before, after))
                    self.assertEqual(0, self.command("reload", "-c", config).returncode)
                    wait_for(lambda: self.status()["connections"]["most_per_client"] == most % 9, "the reload")
                    new = self.ask()
                    if most > len(inside):
                        inside.append(self.assert_served(new))
                    else:
                        self.assert_refused(new)
                    for client in inside:
                        client.sendall(test_full.ASK)
                        self.assert_served(client)
                self.assertEqual(0, self.mtlsd.stop())

    def test_count_returns_to_nothing_after_a_crowd_that_comes_and_goes(self):
        self.start(workers=4, limits="per_client = 8;")
        config = pathlib.Path(self.mtlsd.config_path)

        def rush(address):
            for i in range(150):
                with socket.create_connection(("127.0.0.1", self.port), 10, (address, 0)) as client:
                    if i % 3:
                        client.sendall(test_full.ASK[:20 * (i % 5)])
                    if i % 2:
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        threads = [threading.Thread(target=rush, args=(f"127.0.0.{1 + i % 3}",)) for i in range(12)]
        for thread in threads:
            thread.start()
        for most in (4, 0, 8, 12, 8):
            config.write_text(re.sub(r"per_client = \d+", f"per_client = {most}", config.read_text()))
            self.assertEqual(0, self.command("reload", "-c", config).returncode)
        for thread in threads:
            thread.join()
        wait_for(lambda: self.open() == 0, "all to have gone")
        for _ in range(8):
            self.assert_served(self.ask())
        self.assert_refused(self.ask())
        self.assertEqual(0, self.mtlsd.stop())


if __name__ == "__main__":
    harness.main()
