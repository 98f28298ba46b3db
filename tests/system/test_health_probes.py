# SPDX-License-Identifier: Apache-2.0
"""admin.health: probes of other hosts get two pages and no name, whatever else fills or stops the daemon."""
import contextlib
import json
import os
import signal
import socket
import unittest
import urllib.error
import urllib.request

import harness
from harness import free_port, wait_for

READY, UNREACHABLE, REFUSED, NOT_READY = 0, 1, 3, 4


def ask(port, path, method="GET"):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, headers={"Host": "10.2.3.4:8081"})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
            body = answer.read()
            return answer.status, json.loads(body) if body else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except ConnectionRefusedError:
        return True
    return False


class HealthProbes(harness.Case):
    def setUp(self):
        super().setUp()
        self.target = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.target.close)
        self.port, self.health = free_port(), free_port()

    def text(self, admin, limits=""):
        return f"""{admin}{limits}
            upstreams = {{ secretname = {{ targets = [ "127.0.0.1:{self.target.getsockname()[1]}" ]; }}; }};
            listeners = {{ front = {{ bind = "127.0.0.1:{self.port}"; protocol = "tcp"; upstream = "secretname"; }}; }};"""

    def start(self, limits=""):
        return self.daemon(self.text(f'admin = {{ health = ":{self.health}"; }};', limits), [self.port, self.health], [],
                           prelude='workers = 1; drain_timeout = "20s";\n')

    def test_two_pages_and_nothing_else(self):
        self.start()
        self.assertEqual(ask(self.health, "/livez"), (200, {"result": "live"}))
        self.assertEqual(ask(self.health, "/readyz"), (200, {"result": "ready"}))
        self.assertEqual(ask(self.health, "/readyz", "HEAD"), (200, None))
        for path in ("/", "/status", "/metrics", "/refusals", "/dashboard"):
            self.assertEqual(ask(self.health, path)[0], 404, path)
        for path in ("/reload", "/drain", "/targets/secretname/x/drain"):
            self.assertEqual(ask(self.health, path, "POST")[0], 404, path)

    def test_a_drain_is_told_until_the_end(self):
        daemon = self.start()
        with socket.create_connection(("127.0.0.1", self.port)) as held:
            other, _ = self.target.accept()
            self.addCleanup(other.close)
            daemon.signal(signal.SIGTERM)
            wait_for(lambda: ask(self.health, "/readyz") == (503, {"result": "draining"}), "the drain in the probe")
            self.assertEqual(ask(self.health, "/livez")[0], 200)
            held.close()
            other.close()
        self.assertEqual(daemon.wait(), 0)
        self.assertTrue(refuses(self.health))

    def test_a_full_daemon_is_alive_and_not_ready(self):
        self.start(" limits = { connections = 2; };")
        held = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(3)]
        for one in held:
            self.addCleanup(one.close)
            with contextlib.suppress(ConnectionError):  # the one that found no place is told so, and closed
                one.sendall(b"x")
        wait_for(lambda: ask(self.health, "/readyz") == (503, {"result": "full"}), "full in the probe")
        self.assertEqual(ask(self.health, "/livez")[0], 200)

    def test_slow_clients_do_not_keep_a_probe_out(self):
        """C7"""
        daemon = self.start()
        slow = [socket.create_connection(("127.0.0.1", self.health)) for _ in range(100)]
        for one in slow:
            self.addCleanup(one.close)
            one.sendall(b"GET /livez HTTP/1.1\r\nHo")
        for _ in range(20):
            self.assertEqual(ask(self.health, "/livez")[0], 200)
        self.assertLess(len(os.listdir(f"/proc/{daemon.pid}/fd")), 80)

    def test_a_crowd_that_comes_in_one_turn_does_not_keep_a_probe_out(self):
        """C7: the daemon accepts 32 in a turn, and may close as many before it can forget them."""
        daemon = self.start()
        for others in 40, 60, 84:
            with self.subTest(others):
                daemon.signal(signal.SIGSTOP)
                slow = [socket.create_connection(("127.0.0.1", self.health)) for _ in range(others)]
                with socket.create_connection(("127.0.0.1", self.health), timeout=20) as probe, contextlib.ExitStack() as held:
                    for one in slow:
                        held.enter_context(one)
                    probe.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                    daemon.signal(signal.SIGCONT)
                    self.assertEqual(b"HTTP/1.1 200 OK\r\n", probe.recv(17, socket.MSG_WAITALL))

    def test_a_reload_opens_moves_and_closes_it(self):
        daemon = self.daemon(self.text(""), [self.port], [], prelude="workers = 1;\n")
        self.assertTrue(refuses(self.health))
        other = free_port()

        def load(admin, line):
            self.config(self.text(admin), prelude="workers = 1;\n")
            daemon.signal(signal.SIGHUP)
            wait_for(lambda: line in daemon.log, line)

        load(f'admin = {{ health = "127.0.0.1:{self.health}"; }};', "generation 2")
        self.assertEqual(ask(self.health, "/readyz")[0], 200)
        load(f'admin = {{ health = "127.0.0.1:{other}"; }};', "generation 3")
        self.assertEqual(ask(other, "/readyz")[0], 200)
        self.assertTrue(refuses(self.health))
        load(f'admin = {{ health = ":{other}"; }};', "generation 4")  # the same port, wider
        self.assertEqual(ask(other, "/readyz")[0], 200)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            load(f'admin = {{ health = "127.0.0.1:{taken.getsockname()[1]}"; }};', "another process listens there")
        self.assertEqual(ask(other, "/readyz")[0], 200)  # refused: the old one stays
        load("", "generation 5")
        self.assertTrue(refuses(other))

    def test_probe_asks_there(self):
        daemon = self.start()
        self.assertEqual(self.command("probe", "-c", daemon.config_path).returncode, READY)
        there = self.command("probe", "--health", f"127.0.0.1:{self.health}", "--json")
        self.assertEqual((there.returncode, json.loads(there.stdout)), (READY, {"result": "ready"}))
        with socket.create_connection(("127.0.0.1", self.port)):
            other, _ = self.target.accept()
            with other:
                daemon.signal(signal.SIGTERM)
                wait_for(lambda: self.command("probe", "-c", daemon.config_path).returncode == NOT_READY, "the drain")
        self.assertEqual(daemon.wait(), 0)
        gone = self.command("probe", "--health", f":{self.health}")
        self.assertEqual(gone.returncode, UNREACHABLE)
        self.assertIn("is mtlsd running with this admin.health?", gone.stderr)
        self.assertEqual(self.command("probe", "--health", "8081").returncode, 2)
        self.assertEqual(self.command("status", "-c", daemon.config_path).returncode, REFUSED)

    def test_check_finds_a_taken_address(self):
        with socket.create_server(("127.0.0.1", self.health)):
            path = self.folder / "x.conf"
            path.write_text(self.text(f'admin = {{ health = "127.0.0.1:{self.health}"; }};'))
            found = self.command("check", "-c", path)
        self.assertIn("admin.health: unless this daemon already runs there", found.stdout + found.stderr)


if __name__ == "__main__":
    unittest.main()
