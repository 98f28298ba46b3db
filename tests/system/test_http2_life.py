# SPDX-License-Identifier: Apache-2.0
"""The life of an HTTP/2 connection: timeouts, reloads, names, limits and log lines, for each stream as for each request of HTTP/1.1."""
import json
import re
import signal
import threading
import time

import h2case
import h2frames as h2
import harness
import peers
from h2frames import END_HEADERS, END_STREAM, data, headers
from harness import free_port, wait_for

LATE_S = 5


class Times(h2case.Case):
    """Each timeout is 300 ms; nothing may end before, and all must soon after."""

    def front(self, backend, **times):
        text = " ".join(f'{name} = "{value}";' for name, value in times.items())
        return self.plain_front(backend.port, listener=f"timeouts = {{ {text} }};")

    def assert_late(self, question, end, began):
        self.assertTrue(end.until(question, LATE_S), end.frames)
        self.assertGreater(time.monotonic() - began, 0.25)

    def test_an_idle_connection_says_goodbye(self):
        end = self.client(self.front(peers.Backend(self), idle="300ms"))
        began = time.monotonic()
        self.assertEqual(200, end.ask().status)
        self.assert_late(lambda: end.closed, end, began)
        self.assertEqual(h2.NO_ERROR, end.goaway)

    def test_C7_a_head_that_never_ends_ends_the_connection(self):
        port, began = self.front(peers.Backend(self), header="300ms"), time.monotonic()
        end = self.client(port, answers=False)
        end.send(headers(1, h2.request(), END_STREAM))
        self.assert_late(lambda: end.closed, end, began)
        self.assertIsNotNone(end.goaway)
        wait_for(lambda: "reason=request_timeout" in self.mtlsd.log, "the line about it")

    def test_C7_a_client_that_says_nothing_ends(self):
        port, began = self.front(peers.Backend(self), header="300ms", idle="300ms"), time.monotonic()
        end = self.client(port)
        self.assert_late(lambda: end.closed, end, began)

    def test_C7_a_body_that_stops_ends_its_stream_alone(self):
        end = self.client(self.front(peers.Backend(self), body="300ms"))
        end.next = 3
        began = time.monotonic()
        end.send(headers(1, h2.request("POST"), END_HEADERS), data(1, b"begun", 0))
        self.assert_late(lambda: end.stream(1).is_over, end, began)
        self.assertIn(end.stream(1).status, (None, 408))
        self.assertEqual(200, end.ask().status)

    def test_C6_a_window_that_stays_shut_ends_its_stream_alone(self):
        backend = peers.Backend(self, lambda r: peers.reply(b"x" * 100000 if r.target == "/large" else b"small"))
        end = self.client(self.front(backend, write="300ms"), (h2.INITIAL_WINDOW_SIZE, 100))
        end.credits = False
        end.next = 3
        began = time.monotonic()
        end.send(headers(1, h2.request(path="/large")))
        self.assertTrue(end.until(lambda: len(end.stream(1).body) == 100))
        self.assertEqual((200, b"small"), (end.ask().status, end.stream(3).body))
        self.assert_late(lambda: end.stream(1).reset is not None, end, began)
        self.assertEqual((200, b"small"), (end.ask().status, end.stream(5).body))
        wait_for(lambda: "client_stalled" in self.mtlsd.log, "the line about it")

    def test_a_busy_stream_keeps_a_connection_that_has_idle_ones(self):
        hold = threading.Event()
        self.addCleanup(hold.set)
        backend = peers.Backend(self, lambda r: hold.wait(10) and peers.reply(b"late") or peers.reply(b"late"))
        end = self.client(self.front(backend, idle="300ms"))
        end.send(headers(1, h2.request()))
        self.assertFalse(end.until(lambda: end.closed or end.goaway is not None, 0.8), end.frames)
        hold.set()
        self.assertTrue(end.until(lambda: end.stream(1).ended))
        self.assertEqual(b"late", end.stream(1).body)


class Reload(h2case.Case):
    def text(self, listener):
        return f"""
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }}; }};
            listeners = {{ local = {{ bind = "127.0.0.1:{self.port}"; {listener} }}; }};"""

    def test_running_requests_go_on_and_new_ones_see_the_new_configuration(self):
        """Each on the same connection, which is never idle; what the older one needs stays until it is over."""
        hold = threading.Event()
        self.addCleanup(hold.set)

        def answer(r):
            if r.target == "/slow":
                hold.wait(10)
            return peers.reply(r.target.encode())
        self.backend, self.port = peers.Backend(self, answer), free_port()
        self.mtlsd = self.daemon(self.text('upstream = "app";'), [self.port])
        end = self.client(self.port)
        end.next = 3
        end.send(headers(1, h2.request(path="/slow")))
        self.assertEqual(200, end.ask(h2.request(path="/other")).status)
        self.config(self.text('routes = ( { path = "/other"; respond = 404; }, { upstream = "app"; } );'))
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: "reload" in self.mtlsd.log, "the reload")
        for status in (404, 410, 404):
            self.assertEqual(status, end.ask(h2.request(path="/other")).status)
            self.config(self.text(f'routes = ( {{ path = "/other"; respond = {410 if status == 404 else 404}; }}, {{ upstream = "app"; }} );'))
            lines = self.mtlsd.log.count("reload")
            self.mtlsd.signal(signal.SIGHUP)
            wait_for(lambda: self.mtlsd.log.count("reload") > lines, "the reload")
        self.assertIsNone(end.goaway)
        hold.set()
        self.assertTrue(end.until(lambda: end.stream(1).ended))
        self.assertEqual((200, b"/slow"), (end.stream(1).status, end.stream(1).body))

    def test_a_connection_whose_listener_is_gone_takes_no_new_requests(self):
        """Also when it never answers the PING that asks whether it has heard so."""
        hold = threading.Event()
        self.addCleanup(hold.set)
        self.backend, self.port = peers.Backend(self, lambda r: hold.wait(10) and peers.reply(r.target.encode())), free_port()
        self.mtlsd = self.daemon(self.text('upstream = "app";'), [self.port])
        end = self.client(self.port, answers=False)
        end.send(headers(1, h2.request(path="/slow")))
        wait_for(lambda: len(self.backend.requests) == 1, "the request")
        other = free_port()
        self.config(self.text('upstream = "app";').replace(f":{self.port}", f":{other}").replace("local =", "other ="))
        self.mtlsd.signal(signal.SIGHUP)
        self.assertTrue(end.until(lambda: end.goaway is not None, LATE_S))
        end.send(headers(3, h2.request(path="/new")))
        self.assertTrue(end.until(lambda: end.stream(3).reset is not None, LATE_S))
        self.assertEqual(h2.REFUSED_STREAM, end.stream(3).reset)
        hold.set()
        self.assertTrue(end.until(lambda: end.stream(1).ended))
        self.assertTrue(end.until(lambda: end.closed))
        self.assertEqual(1, len(self.backend.requests))

    def test_an_idle_connection_moves(self):
        self.backend, self.port = peers.Backend(self), free_port()
        self.mtlsd = self.daemon(self.text('upstream = "app";'), [self.port])
        end = self.client(self.port)
        self.assertEqual(200, end.ask(h2.request(path="/other")).status)
        self.config(self.text('routes = ( { path = "/other"; respond = 404; }, { upstream = "app"; } );'))
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: self.client(self.port).ask(h2.request(path="/other")).status == 404, "the new route", LATE_S)
        self.assertEqual(404, end.ask(h2.request(path="/other")).status)
        self.assertIsNone(end.goaway)


class Names(h2case.Case):
    def test_A9_each_request_is_held_to_the_name_that_TLS_was_opened_for(self):
        backend, port = peers.Backend(self), free_port()
        shop, ops = (self.pki.leaf(n, cn=n, san=[f"DNS:{n}.example"]) for n in ("shop", "ops"))
        self.mtlsd = self.daemon(f"""
            identities = {{ shop = {{ bundle = "{shop.pem}"; }}; ops = {{ bundle = "{ops.pem}"; }}; }};
            trusts = {{ clients = {{ ca = "{self.pki.ca("root").crt}"; }}; staff = {{ ca = "{self.pki.ca("other").crt}"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{backend.port}" ]; }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{port}"; upstream = "app"; tls = {{ trust = "clients"; identities = (
                {{ identity = "shop"; }}, {{ identity = "ops"; trust = "staff"; }} ); }}; }}; }};""", [port])
        context = peers.client_context(self.pki.ca("root"), self.pki.client())
        context.set_alpn_protocols(["h2"])
        end = h2.End(context.wrap_socket(peers.connect(port), server_hostname="shop.example"))
        self.addCleanup(end.close)
        ask = lambda host: end.ask(h2.request(authority=host, scheme="https")).status
        self.assertEqual([200, 421, 200], [ask("shop.example"), ask("ops.example"), ask("shop.example:8443")])
        self.assertEqual(2, len(backend.requests))


class Revocation(h2case.Case):
    def test_F1_every_stream_of_a_revoked_client_ends(self):
        """The list changes while two requests run and others could follow: nothing more of the client's gets through."""
        hold = threading.Event()
        self.addCleanup(hold.set)
        backend = peers.Backend(self, lambda r: hold.wait(10) and peers.reply(b"late") if r.target == "/slow" else peers.reply(b"now"))
        root, mine, other = self.pki.ca("root"), self.pki.leaf("h2-revoked", cn="revoked", eku=("clientAuth",)), self.pki.client()
        lists = self.folder / "root.crl"
        lists.write_bytes(self.pki.crl("h2-life-1", root, [], number=1).read_bytes())
        port = self.verifier(backend.port, trust=f'ca = "{root.crt}"; crl = "{lists}";')
        end, good = self.tls_client(port, mine), self.tls_client(port, other)
        end.send(headers(1, h2.request(path="/slow", scheme="https")), headers(3, h2.request(path="/slow", scheme="https")))
        good.send(headers(1, h2.request(path="/slow", scheme="https")))
        wait_for(lambda: len(backend.requests) == 3, "the requests")
        fresh = self.folder / "fresh.crl"
        fresh.write_bytes(self.pki.crl("h2-life-2", root, [mine], number=2).read_bytes())
        fresh.replace(lists)
        self.assertTrue(end.until(lambda: end.closed, LATE_S), end.frames)
        self.assertEqual((None, None), (end.stream(1).status, end.stream(3).status))
        hold.set()
        self.assertTrue(good.until(lambda: good.stream(1).ended), good.frames)
        self.assertEqual(b"late", good.stream(1).body)
        good.next = 3
        self.assertEqual(200, good.ask(h2.request(path="/now", scheme="https")).status)


class Log(h2case.Case):
    def test_C8_each_stream_has_its_line(self):
        backend = peers.Backend(self, lambda r: peers.reply(b"x" * 1000))
        port = self.plain_front(backend.port, prelude='workers = 1; log = { format = "json"; };\n')
        end = self.client(port)
        end.send(headers(1, h2.request(path="/one")), headers(3, h2.request(path="/two")),
                 headers(5, [*h2.request(path="/bad"), ("connection", "close")]))
        self.assertTrue(end.until(lambda: all(end.stream(n).is_over for n in (1, 3, 5))))

        def lines():
            return [row for row in map(json.loads, self.mtlsd.log.splitlines()) if row.get("path") or row.get("target")]
        wait_for(lambda: len(lines()) >= 2, "the lines")
        found = {row.get("path") or row.get("target"): row for row in lines()}
        self.assertEqual({"HTTP/2"}, {found[path].get("protocol") for path in ("/one", "/two")}, found)
        self.assertEqual({200}, {found[path].get("status") for path in ("/one", "/two")})

    def test_lines_of_web_servers_name_the_version(self):
        port = self.plain_front(peers.Backend(self).port, prelude='workers = 1; log = { format = "combined"; };\n')
        self.assertEqual(200, self.client(port).ask().status)
        wait_for(lambda: re.search(r'"GET / HTTP/2(\.0)?" 200 ', self.mtlsd.log), "the line")


if __name__ == "__main__":
    harness.main()
