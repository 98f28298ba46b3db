# SPDX-License-Identifier: Apache-2.0
"""C13: a full daemon closes idle connections to make room and refuses other clients with a message, at little cost. Log, status and readiness show it."""
import json
import pathlib
import re
import resource
import select
import socket
import ssl
import threading
import time
import unittest

import harness
import peers
from harness import free_port, wait_for

ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
PLACES = 10


class Case(harness.Case):
    also = ""  # addresses beside the port

    def setUp(self):
        super().setUp()
        self.gate = threading.Event()
        self.addCleanup(self.gate.set)

    def start(self, protocol="http", tls="", workers=1, limits=f"connections = {PLACES};", prefix=()):
        def answer(request):
            if b"/slow" in request.head:
                self.gate.wait(peers.IO_S)
            return peers.reply(b"ok")
        self.backend, self.port = peers.Backend(self, answer), free_port()
        path = self.config(f"""
            admin = {{ socket = "unix:{self.folder}/admin.sock"; }}; {f'limits = {{ {limits} }};' if limits else ''}
            identities = {{ us = {{ bundle = "{self.pki.server().pem}"; }}; }}; trusts = {{ them = {{ ca = "{self.pki.ca("root").crt}"; }}; }};
            upstreams = {{ a = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }}; }};
            listeners = {{ x = {{ bind = [ "127.0.0.1:{self.port}"{self.also} ]; upstream = "a"; protocol = "{protocol}"; {tls} }}; }};""",
                           prelude=f"workers = {workers};\n")
        self.mtlsd = harness.Process(f"mtlsd-{len(self.processes)}", [*prefix, harness.MTLSD, "run", "-c", path], self.folder, self.environment())
        self.mtlsd.config_path = path
        self.processes.append(self.mtlsd)
        self.daemons.append(self.mtlsd)
        self.mtlsd.wait_ready([self.port])

    def connect(self, address="127.0.0.1"):
        if address:
            client = socket.create_connection(("127.0.0.1", self.port), 10, (address, 0))
        else:
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(10)
            client.connect(f"{self.folder}/x.sock")
        self.addCleanup(client.close)
        return client

    def ask(self, path=b"/", address="127.0.0.1", header=b""):
        client = self.connect(address)
        client.sendall(header + ASK.replace(b" / ", b" " + path + b" "))
        return client

    def status(self):
        return json.loads(self.command("status", "--json", "-c", self.mtlsd.config_path).stdout)

    def ready(self):
        answer = self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/readyz")
        return answer.status, answer.json()

    def fill(self, n=PLACES):
        busy = [self.ask(b"/slow") for _ in range(n)]
        wait_for(lambda: self.status()["connections"]["open"] == n, "all places to be taken")
        return busy

    def assert_refused(self, client, expected=503, reason=b"overloaded"):
        status, fields, body, complete = peers.response(client)
        self.assertEqual((expected, True), (status, complete), body)
        self.assertIn(b'"reason":"' + reason + b'"', body)
        self.assertIn(("Retry-After", "1"), fields)
        self.assertEqual(b"", client.recv(10))


class Full(Case):
    def test_sixteen_clients_on_ten_places(self):
        for workers in (1, 4):
            with self.subTest(workers=workers):
                self.gate.clear()
                self.start(workers=workers)
                self.assertEqual((200, "0 of 10 connections"), (self.ready()[0], self.ready()[1]["detail"]))
                busy = self.fill()
                for _ in range(6):
                    self.assert_refused(self.ask())
                status = self.status()
                self.assertEqual({"open": 10, "most": 10, "refused_total": 6, "full": True},
                                 {k: status["connections"][k] for k in ("open", "most", "refused_total", "full")})
                self.assertEqual({"overloaded": 6}, status["listeners"][0]["refused"])
                self.assertEqual((503, "full", "10 of 10 connections"), (self.ready()[0], self.ready()[1]["result"], self.ready()[1]["detail"]))
                self.gate.set()
                for client in busy:
                    self.assertEqual(200, peers.response(client)[0])
                self.assertEqual(200, peers.response(self.ask())[0], "one that is idle gives way")
                wait_for(lambda: sum(map(int, re.findall(r"(\d+) new connections? w\w+ refused", self.mtlsd.log))) == 6, "all six to be told")
                self.assertLessEqual(self.mtlsd.log.count("refused;"), 3, "a line a second")
                self.assertIn("10 of 10 clients", self.mtlsd.log)
                self.assertEqual(0, self.mtlsd.stop())

    def test_idle_clients_give_way_the_oldest_first(self):
        for workers in (1, 4):
            with self.subTest(workers=workers):
                self.start(workers=workers)
                clients = []
                for _ in range(16):
                    clients.append(self.ask())
                    self.assertEqual(200, peers.response(clients[-1])[0])
                wait_for(lambda: len(self.ended(clients)) >= 6, "six to be closed")
                if workers == 1:
                    self.assertEqual(list(range(6)), self.ended(clients))
                self.assertEqual(0, self.status()["connections"]["refused_total"])
                self.assertEqual(0, self.mtlsd.stop())

    def test_client_that_has_not_asked_yet_is_given_a_moment(self):
        self.start()
        fresh = [self.connect() for _ in range(PLACES)]
        wait_for(lambda: self.status()["connections"]["open"] == PLACES, "all places to be taken")
        self.assert_refused(self.ask())
        fresh[0].sendall(ASK)
        self.assertEqual(200, peers.response(fresh[0])[0])

    def test_tls_client_is_refused_by_an_alert_and_without_a_handshake(self):
        self.start(tls='tls = { identity = "us"; trust = "them"; };')
        context = peers.client_context(self.pki.ca("root"), self.pki.client())
        busy = [peers.secure(self.port, context) for _ in range(PLACES)]
        for client in busy:
            self.addCleanup(client.close)
            client.sendall(ASK.replace(b" / ", b" /slow "))
        wait_for(lambda: len(self.backend.requests) == PLACES, "all requests upstream")
        with self.assertRaisesRegex(ssl.SSLError, "(?i)internal.error"):
            peers.secure(self.port, context)
        self.assertEqual({"overloaded": 1}, self.status()["listeners"][0]["refused"])

    def test_tcp_client_is_refused_by_a_reset(self):
        self.start(protocol="tcp")
        self.fill()
        with self.assertRaises(ConnectionResetError):
            self.connect().recv(10)

    def test_crowd_that_is_refused_costs_little_and_reaches_the_log_once_a_second(self):
        self.start()
        busy = self.fill()
        began = time.monotonic()
        for _ in range(500):
            with peers.connect(self.port, 10) as client:
                self.assertIn(b"503", client.recv(100))
        seconds = time.monotonic() - began
        self.gate.set()
        for client in busy:
            self.assertEqual(200, peers.response(client)[0])
        self.assertLessEqual(self.mtlsd.log.count("refused;"), seconds + 2)
        self.assertLess(len(list(pathlib.Path(f"/proc/{self.mtlsd.pid}/fd").iterdir())), 60, "none is kept for long")

    def test_sixty_descriptors_serve_a_crowd_or_tell_it(self):
        self.start(limits="", prefix=["prlimit", "--nofile=60"])
        self.gate.set()
        served = []
        for _ in range(3):
            answers = [peers.response(client)[0] for client in [self.ask(b"/slow") for _ in range(40)]]
            self.assertEqual(40, answers.count(200) + answers.count(503), answers)
            served.append(answers.count(200))
        self.assertGreaterEqual(min(served), 10)  # of 60 descriptors; one, before clients shared them
        self.assertGreaterEqual(max(served), 15)  # clients of the round before may still be there
        wait_for(lambda: peers.response(self.ask())[0] == 200, "service again")
        self.assertEqual(0, self.command("reload", "-c", self.mtlsd.config_path).returncode)

    def test_request_for_which_no_descriptor_is_left_waits_for_a_moment_and_is_answered(self):
        self.start(limits="", prefix=["prlimit", "--nofile=60"])
        most = self.status()["connections"]["most_descriptors"]
        clients = [self.connect() for _ in range(most * 2 // 3)]
        wait_for(lambda: self.status()["connections"]["open"] == len(clients), "all to be taken")
        for client in clients:
            client.sendall(ASK.replace(b" / ", b" /slow "))
        wait_for(lambda: "reason=overloaded" in self.mtlsd.log, "the first refusal")
        refused = [client for client in clients if b"503" in self.peek(client)]
        self.gate.set()
        for client in clients:
            self.assertEqual(503 if client in refused else 200, peers.response(client)[0])
        self.assertGreater(len(refused), 0)

    @staticmethod
    def ended(clients):
        """The numbers of those that were closed."""
        readable = select.select(clients, [], [], 0)[0]
        return [i for i, client in enumerate(clients) if client in readable]

    @staticmethod
    def peek(client):
        client.settimeout(0.3)
        try:
            return client.recv(20, socket.MSG_PEEK)
        except TimeoutError:
            return b""
        finally:
            client.settimeout(10)


class NoDescriptor(Case):
    """There are places, but accept finds no descriptor: somebody lowered the limit while it ran."""

    def use_up(self):
        """Leaves no descriptor to it. The one it will free is below the limit."""
        used = {int(entry.name) for entry in pathlib.Path(f"/proc/{self.mtlsd.pid}/fd").iterdir()}
        limits = resource.prlimit(self.mtlsd.pid, resource.RLIMIT_NOFILE)
        for _ in range(max(used) + 1 - len(used)):
            client = self.connect()
            client.sendall(b"GET /unfinished")
        self.status()  # what came before it was read
        resource.prlimit(self.mtlsd.pid, resource.RLIMIT_NOFILE, (max(used) + 1, limits[1]))
        return lambda: resource.prlimit(self.mtlsd.pid, resource.RLIMIT_NOFILE, limits)

    def test_idle_connections_give_way(self):
        self.start(limits="")
        idle = [self.ask() for _ in range(3)]
        for client in idle:
            self.assertEqual(200, peers.response(client)[0])
        self.use_up()
        for _ in range(5):
            self.assertEqual(200, peers.response(self.ask())[0])

    def test_those_that_have_waited_are_refused_and_the_admin_socket_answers(self):
        self.start(limits="")
        busy = [self.ask(b"/slow") for _ in range(3)]
        wait_for(lambda: len(self.backend.requests) == 3, "all requests upstream")
        restore = self.use_up()
        open_before = self.status()["connections"]["open"]
        for _ in range(3):
            waiting = [self.ask() for _ in range(10)]
            for client in waiting:
                self.assert_refused(client)
        status = self.status()
        self.assertEqual((open_before, 30, True), tuple(status["connections"][k] for k in ("open", "refused_total", "full")))
        self.assert_told(1, "error=EMFILE", self.mtlsd.log)
        reload = self.command("reload", "-c", self.mtlsd.config_path)
        self.assertIn("too many open files", (reload.stdout + reload.stderr).lower(), "files cannot be read, and that is said")
        restore()
        self.gate.set()
        for client in busy:
            self.assertEqual(200, peers.response(client)[0])
        self.assertEqual(200, peers.response(self.ask())[0])
        self.assertIn("connections are accepted again", self.mtlsd.log)
        self.assertEqual(0, self.mtlsd.stop())


if __name__ == "__main__":
    harness.main()
