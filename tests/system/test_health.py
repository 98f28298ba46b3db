# SPDX-License-Identifier: Apache-2.0
"""Active health checks: which targets are checked and how, when a target is skipped, and that reloads and stops do not wait for a check."""
import os
import signal
import socket
import time

import harness
import peers
from harness import free_port, wait_for


class Case(harness.Case):
    def text(self, port, targets, health, tls="", listener=""):
        listed = ", ".join(f'"{target}"' for target in targets)
        return f"""
            identities = {{ me = {{ bundle = "{self.pki.client().pem}"; }}; }};
            trusts = {{ them = {{ ca = "{self.pki.ca("root").crt}"; }}; }};
            upstreams = {{ far = {{ targets = [ {listed} ]; retries = 0; retry_after = "0s"; {tls} {health} }}; }};
            listeners = {{ app = {{ bind = "127.0.0.1:{port}"; upstream = "far"; {listener} }}; }};"""

    def lines(self, event):
        return [line for line in self.mtlsd.log.splitlines() if event in line]


class Paths(Case):
    """Two plaintext backends that answer /healthz as the test wants."""

    def setUp(self):
        super().setUp()
        self.broken = set()
        self.backends = {name: peers.Backend(self, lambda request, name=name: self.answer(name, request)) for name in ("one", "two")}
        self.port = free_port()
        targets = [f"127.0.0.1:{backend.port}" for backend in self.backends.values()]
        self.configuration = self.text(self.port, targets, 'health = { path = "/healthz"; interval = "250ms"; expect = "200"; };')
        self.mtlsd = self.daemon(self.configuration, [self.port])

    def answer(self, name, request):
        if request.target == "/healthz":
            return peers.reply(b"", "503 Service Unavailable") if name in self.broken else peers.reply(b"fine")
        return peers.reply(name.encode())

    def served_by(self):
        answers = [self.curl(f"http://127.0.0.1:{self.port}/") for _ in range(6)]
        self.assertEqual([200] * 6, [answer.status for answer in answers])
        return {answer.body.decode() for answer in answers}

    def test_target_goes_after_bad_answers_and_comes_back_after_good_ones(self):
        checks = lambda: [r for r in self.backends["one"].requests if r.target == "/healthz"]
        wait_for(lambda: len(checks()) >= 2, "checks to arrive")
        self.assertEqual({"one", "two"}, self.served_by())
        self.assertEqual([], self.lines(" target_down "))
        head = checks()[0].head
        self.assertTrue(head.startswith(b"GET /healthz HTTP/1.1\r\n"), head)
        self.assertIn(f"Host: 127.0.0.1:{self.backends['one'].port}\r\n".encode(), head)
        self.broken.add("one")
        wait_for(lambda: self.lines(" target_down "), "the target to be left out")
        self.assertIn("GET /healthz was answered with 503, expected is 200", self.lines(" target_down ")[0])
        self.assertIn(f"127.0.0.1:{self.backends['one'].port}", self.lines(" target_down ")[0])
        self.assertEqual({"two"}, self.served_by())
        self.broken.clear()
        wait_for(lambda: self.lines(" target_up "), "the target to come back")
        self.assertEqual({"one", "two"}, self.served_by())

    def test_reload_keeps_what_is_known_and_one_without_checks_forgets_it(self):
        wait_for(lambda: self.backends["one"].requests, "a check to arrive")
        self.broken.add("one")
        wait_for(lambda: self.lines(" target_down "), "the target to be left out")
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: self.lines("reload"), "the reload")
        self.assertEqual({"two"}, self.served_by())
        seen = len(self.backends["one"].requests)
        wait_for(lambda: len(self.backends["one"].requests) > seen + 1, "checks to go on")
        self.assertEqual(1, len(self.lines(" target_down ")))
        targets = [f"127.0.0.1:{backend.port}" for backend in self.backends.values()]
        self.config(self.text(self.port, targets, ""))
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: len(self.lines("reload")) >= 2, "the second reload")
        wait_for(lambda: self.served_by() == {"one", "two"}, "both to be used again", 5)
        rest = len([r for r in self.backends["two"].requests if r.target == "/healthz"])
        time.sleep(0.3) # three intervals in which no check may come
        self.assertLessEqual(len([r for r in self.backends["two"].requests if r.target == "/healthz"]), rest + 1)


class OverTls(Case):
    def daemon_for(self, ports, health='health = { interval = "100ms"; };', tls=""):
        self.port = free_port()
        targets = [f"localhost:{port}" for port in ports]
        self.mtlsd = self.daemon(self.text(self.port, targets, health, tls=f'tls = {{ identity = "me"; trust = "them"; {tls} }};'), [self.port])

    def test_target_with_another_certificate_goes_before_any_request_meets_it(self):
        good, bad = self.origin(), peers.tls_server(self, peers.server_context(self.pki.leaf("elsewhere", cn="other.example", san=["DNS:other.example"]), self.pki.ca("root")),
                                                    lambda server, connection: connection.recv(1))
        self.daemon_for([good, bad.port])
        wait_for(lambda: self.lines(" target_down "), "the impostor to be left out")
        self.assertIn("reason=name_mismatch", self.lines(" target_down ")[0])
        for _ in range(4):
            self.assertEqual(200, self.curl(f"http://127.0.0.1:{self.port}/").status)

    def test_server_that_refuses_our_certificate_after_the_handshake_is_down(self):
        server = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("other")), lambda server, connection: connection.recv(1))
        self.daemon_for([server.port])
        wait_for(lambda: self.lines(" target_down "), "the refusal to be noticed")
        self.assertIn("reason=our_certificate_refused", self.lines(" target_down ")[0])

    def test_end_does_not_wait_for_a_target_that_does_not_answer(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        self.daemon_for([silent.getsockname()[1]], 'health = { interval = "30s"; };')
        silent.settimeout(10)
        connection, _ = silent.accept() # the check has begun, and will take its time
        self.addCleanup(connection.close)
        began = time.monotonic()
        self.assertEqual(0, self.mtlsd.stop())
        self.assertLess(time.monotonic() - began, 1.5)

    def test_many_checks_leave_no_descriptors_behind(self):
        self.daemon_for([self.origin(), free_port()])
        wait_for(lambda: self.lines(" target_down "), "the absent one to be left out")
        count = lambda: len(os.listdir(f"/proc/{self.mtlsd.pid}/fd"))
        least = min(count() for _ in range(20))
        time.sleep(2) # twenty more of them
        self.assertLessEqual(min(count() for _ in range(20)), least + 2)


del Case

if __name__ == "__main__":
    harness.main()
