# SPDX-License-Identifier: Apache-2.0
"""Active health checks: which targets are checked and how, when a target is skipped, and that reloads and stops do not wait for a check."""
import os
import signal
import socket
import subprocess
import time
import unittest

import h2frames as h2
import harness
import peers
from harness import free_port, wait_for

PYTHON = "/usr/bin/python3" # Debian's, which has Debian's packages
# A server of grpc.health.v1 with one service, whose state is in a file: port, key, certificate, CA, file. The messages are written by hand.
GRPC_SERVER = """
import concurrent.futures, grpc, pathlib, sys
port, key, certificate, ca, state = sys.argv[1:]
key, certificate, ca = (pathlib.Path(name).read_bytes() for name in (key, certificate, ca))

def check(request, context):
    if request != b"\\x0a\\x09shop.Cart":
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return {"SERVING": b"\\x08\\x01", "NOT_SERVING": b"\\x08\\x02"}[pathlib.Path(state).read_text()]

class Handler(grpc.GenericRpcHandler):
    def service(self, call):
        return grpc.unary_unary_rpc_method_handler(check) if call.method == "/grpc.health.v1.Health/Check" else None

server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), handlers=[Handler()])
server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([(key, certificate)], ca, require_client_auth=True))
server.start()
server.wait_for_termination()
"""


def has_grpc():
    return os.path.exists(PYTHON) and subprocess.run([PYTHON, "-c", "import grpc"], capture_output=True).returncode == 0


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
        wait_for(lambda: self.served_by() == {"one", "two"}, "both to be used again")
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
        self.assertLess(time.monotonic() - began, harness.busy(1.5))

    def test_many_checks_leave_no_descriptors_behind(self):
        self.daemon_for([self.origin(), free_port()])
        wait_for(lambda: self.lines(" target_down "), "the absent one to be left out")
        count = lambda: len(os.listdir(f"/proc/{self.mtlsd.pid}/fd"))
        least = min(count() for _ in range(20))
        time.sleep(2) # twenty more of them
        self.assertLessEqual(min(count() for _ in range(20)), least + 2)


class Grpc(Case):
    """Servers of grpc.health.v1."""
    SERVING, NOT_SERVING = b"\0\0\0\0\2\x08\1", b"\0\0\0\0\2\x08\2"

    def check(self, port, service="shop.Cart", keys="http2_prior_knowledge = true;", interval="500ms"):
        self.port = free_port()
        health = f'health = {{ grpc = "{service}"; interval = "{interval}"; }};' # as long as a check may take
        self.mtlsd = self.daemon(self.text(self.port, [f"localhost:{port}"], health, tls=keys), [self.port])

    def tls(self):
        return 'tls = { identity = "me"; trust = "them"; };'

    def talk(self, server, connection):
        """Answers one call, and keeps the connection."""
        end = h2.End(connection, server=True)
        if not end.until(lambda: end.stream(1).ended):
            return
        self.asked.append((dict(end.stream(1).heads[0]), end.stream(1).body))
        end.send(h2.headers(1, [(":status", "200"), ("content-type", "application/grpc")], h2.END_HEADERS), h2.data(1, self.answer, 0),
                 h2.headers(1, [("grpc-status", "0")]))
        end.until(lambda: end.closed)

    def setUp(self):
        super().setUp()
        self.asked, self.answer = [], self.SERVING

    def test_target_goes_and_comes_back_as_its_service_says(self):
        server = peers.Server(self, self.talk)
        self.check(server.port)
        wait_for(lambda: self.asked, "a call")
        fields, message = self.asked[0]
        self.assertEqual(("POST", "/grpc.health.v1.Health/Check", f"localhost:{server.port}", "application/grpc", "trailers"),
                         tuple(fields[name] for name in (":method", ":path", ":authority", "content-type", "te")))
        self.assertEqual(b"\0\0\0\0\x0b\x0a\x09shop.Cart", message)
        self.answer = self.NOT_SERVING
        wait_for(lambda: self.lines(" target_down "), "the target to be left out")
        self.assertIn("the gRPC health check was answered with NOT_SERVING, expected is SERVING", self.lines(" target_down ")[0])
        self.answer = self.SERVING
        wait_for(lambda: self.lines(" target_up "), "the target to come back")

    def test_server_that_does_not_choose_http2_is_down_and_the_reason_is_logged(self):
        self.check(self.origin(), keys=self.tls())
        wait_for(lambda: self.lines(" target_down "), "the target to be left out")
        self.assertIn("gRPC needs HTTP/2, and the target did not choose h2 in the handshake", self.lines(" target_down ")[0])
        self.assertIn("let the server offer h2 in the handshake (ALPN)", self.lines(" target_down ")[0])

    @unittest.skipUnless(has_grpc(), "the package python3-grpcio is missing")
    def test_real_grpc_server_that_demands_certificates_is_asked(self):
        port, me, state = free_port(), self.pki.server(), self.write("state", "NOT_SERVING")
        self.spawn("grpc", [PYTHON, self.write("server.py", GRPC_SERVER), str(port), me.key, me.crt, self.pki.ca("root").crt, state], [port])
        self.check(port, keys=self.tls(), interval="1s")
        wait_for(lambda: self.lines(" target_down "), "the target to be left out")
        self.assertIn("answered with NOT_SERVING", self.lines(" target_down ")[0])
        state.write_text("SERVING")
        wait_for(lambda: self.lines(" target_up "), "the target to come back")
        self.mtlsd.stop()
        self.check(port, service="other.Service", keys=self.tls(), interval="1s")
        wait_for(lambda: self.lines(" target_down "), "the target to be left out")
        self.assertIn("grpc-status 5 (NOT_FOUND): the target does not know the service of health.grpc", self.lines(" target_down ")[0])


del Case

if __name__ == "__main__":
    harness.main()
