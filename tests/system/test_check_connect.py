# SPDX-License-Identifier: Apache-2.0
"""`check --connect` says which side accepts and which refuses, with openssl, nginx and servers that misbehave. A refusal gives exit code 4."""
import json
import ssl
import threading

import h2frames as h2
import harness
import peers
from harness import free_port

NAMES = ["DNS:localhost", "IP:127.0.0.1"]
VERSIONS = ["-tls1_2", "-tls1_3"]


class Connect(harness.Case):
    def s_server(self, *flags, certificate=None, ca="root"):
        """openssl, asking for a certificate of that CA unless ca is None. Gives the port."""
        port = free_port()
        certificate = certificate or self.pki.server()
        asking = ["-Verify", "1", "-verify_return_error", "-CAfile", self.pki.ca(ca).crt] if ca else []
        self.spawn("s_server", ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate.crt, "-key", certificate.key,
                                "-www", *asking, *flags], [port])
        return port

    def answering(self, certificate=None, ca="root", version=None):
        """A server that answers every request with 200. Gives the port."""
        context = peers.server_context(certificate or self.pki.server(), ca and self.pki.ca(ca), version=version)
        return peers.tls_server(self, context, lambda s, c: (peers.read_until(c, b"\r\n\r\n"), c.sendall(peers.reply()))).port

    def check(self, target, **options):
        """(exit code, text, the connection as JSON) of an injector's configuration for this target."""
        target = f"127.0.0.1:{target}" if isinstance(target, int) else target
        path = self.config(self.injector_text(free_port(), target, **options))
        return self.run_check(path)

    def run_check(self, path):
        text = self.command("check", "-c", path, "--connect")
        document = self.command("check", "-c", path, "--connect", "--json")
        self.assertEqual(text.returncode, document.returncode, text.stdout + text.stderr + document.stdout)
        self.assertEqual("", text.stderr)
        connections = json.loads(document.stdout)["connections"]
        self.assertEqual(1, len(connections))
        return text.returncode, text.stdout, connections[0]

    def assert_refused(self, result, reason, by, *, alert=None):
        code, text, found = result
        self.assertEqual(4, code, text)
        self.assertFalse(found["accepted"])
        self.assertEqual((reason, by), (found["reason"], found["refused_by"]), text)
        self.assertIn(f"REFUSED by {'' if by == 'us' else 'the '}{by}: {reason}", text)
        self.assertIn("what to do: ", text)
        self.assertIn("0 of 1 targets accepted", text)
        if alert:
            self.assertEqual(alert, found["alert_received"])
            self.assertIn(f"alert {alert}", text)
        return found

    def assert_accepted(self, result, *, asked=True):
        code, text, found = result
        self.assertEqual(0, code, text)
        self.assertTrue(found["accepted"], found)
        self.assertEqual(("valid", None), (found["reason"], found["refused_by"]))
        self.assertIn(" accepted, ", text)
        self.assertIn("1 of 1 targets accepted", text)
        if found["tls"]:
            self.assertEqual((asked, asked), (found["tls"]["certificate_asked"], found["tls"]["certificate_sent"]))
        return found

    def test_good(self):
        for version, word in (ssl.TLSVersion.TLSv1_2, "TLS1.2"), (ssl.TLSVersion.TLSv1_3, "TLS1.3"):
            with self.subTest(word):
                result = self.check(self.answering(version=version))
                found = self.assert_accepted(result)
                self.assertEqual(200, found["http_status"])
                self.assertEqual(word, found["tls"]["version"])
                self.assertIn("GCM", found["tls"]["cipher"])
                self.assertIn("CN=", found["peer"]["subject"])
                self.assertIn("CN=", found["peer"]["issuer"])
                self.assertAlmostEqual(364, found["peer"]["seconds_left"] / 86400, delta=1.5)
                self.assertRegex(result[1], r"36[345] days left")
                self.assertIn('it requested a certificate, "me" was sent', result[1])

    def test_good_nginx(self):
        self.assertEqual(200, self.assert_accepted(self.check(self.origin()))["http_status"])

    def test_good_openssl_that_knows_no_head(self):
        _, text, found = result = self.check(self.s_server())
        self.assert_accepted(result)
        self.assertIn("did not answer a HEAD request in time", text)

    def test_a_name_is_resolved_and_is_the_host(self):
        heard = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root")),
                                 lambda s, c: (s.record(peers.read_until(c, b"\r\n\r\n")), c.sendall(peers.reply())))
        for target, options, host in [
            (f"localhost:{heard.port}", {}, f"localhost:{heard.port}"),
            (heard.port, {}, f"127.0.0.1:{heard.port}"),
            (heard.port, {"tls": 'server_name = "localhost";'}, f"localhost:{heard.port}"),
            (heard.port, {"upstream": 'host = "api.example";'}, "api.example"),
        ]:
            with self.subTest(host):
                heard.received.clear()
                self.assert_accepted(self.check(target, **options))
                head = bytes(heard.received).split(b"\r\n\r\n")[0]
                self.assertTrue(head.startswith(b"HEAD / HTTP/1.1\r\n"), head)
                self.assertIn(f"\r\nHost: {host}\r\n".encode(), head)
                self.assertIn(b"\r\nConnection: close", head)

    def test_certificates_we_refuse(self):
        rows = [
            ("expired", "expired", dict(start=-400, days=30)),
            ("not yet valid", "not_yet_valid", dict(start=10, days=30)),
            ("another name", "name_mismatch", dict(san=["DNS:other.example"])),
            ("no name", "name_mismatch", dict(san=[])),
            ("for clients", "wrong_purpose", dict(eku=("clientAuth",))),
        ]
        for why, reason, how in rows:
            for version in VERSIONS:
                with self.subTest(f"{why} {version}"):
                    bad = self.pki.leaf(f"cc-{why.replace(' ', '-')}", cn="localhost", **{"san": NAMES, **how})
                    result = self.check(self.s_server(version, certificate=bad))
                    found = self.assert_refused(result, reason, "us")
                    self.assertIn("CN=localhost", found["peer"]["subject"])
                    if reason == "name_mismatch":
                        self.assertEqual(why == "no name", "what to do: issue it again" in result[1])
                    if reason == "expired":
                        self.assertRegex(result[1], r", expired 37\d days ago\n")
                    self.assert_says_what_it_knows(result, "TLS" + version[-3:].replace("_", "."))

    def assert_says_what_it_knows(self, result, version):
        """A handshake that we ended: nothing of it is told that had not happened by then."""
        _, text, found = result
        self.assertIn(f"{version}, handshake not finished", text)
        self.assertNotIn(", ;", text)
        self.assertNotIn("did not ask", text)
        self.assertEqual((version, None, False), tuple(found["tls"][key] for key in ("version", "cipher", "certificate_sent")))
        self.assertIn(found["tls"]["certificate_asked"], (None, True))

    def test_another_ca_than_ours(self):
        self.assert_refused(self.check(self.s_server(), trust=f'ca = "{self.pki.ca("cc-other").crt}";'), "unknown_ca", "us")

    def test_refuses_ours(self):
        """With TLS 1.3 the handshake succeeds at our end and the alert comes with the first read."""
        for version in VERSIONS:
            for protocol in ("http", "tcp"):
                with self.subTest(f"{version} {protocol}"):
                    port = self.s_server(version, ca="cc-other")
                    self.assert_refused(self.check(port, protocol=protocol), "our_certificate_refused", "peer", alert="unknown_ca")

    def test_refuses_ours_by_http(self):
        """nginx takes any certificate in the handshake and answers 400."""
        port = self.origin(ca=self.pki.ca("cc-other"))
        found = self.assert_refused(self.check(port), "our_certificate_refused", "peer")
        self.assertEqual(400, found["http_status"])
        self.assertTrue(found["tls"]["certificate_sent"])

    def h2_server(self, talk):
        """A server that chooses HTTP/2 and requires client certificates; talk(end) when the request is there. Gives its port."""
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))
        context.set_alpn_protocols(["h2"])

        def serve(server, connection):
            end = h2.End(connection, server=True)
            if end.until(lambda: end.stream(1).ended):
                server.record(repr(dict(end.stream(1).heads[0])).encode())
                talk(end)
                end.until(lambda: end.closed)
        return peers.tls_server(self, context, serve)

    def test_asks_in_http2_where_the_server_chooses_it(self):
        port, me = free_port(), self.pki.server()
        self.write("index.html", "hello")
        self.spawn("nghttpd", ["nghttpd", "--verify-client", "-d", self.folder, port, me.key, me.crt], [port])
        nginx, other = free_port(), free_port()
        self.origin(extra=f"listen 127.0.0.1:{nginx} ssl http2;")
        for to in (port, nginx):
            result = self.check(f"localhost:{to}")
            found = self.assert_accepted(result)
            self.assertEqual((200, "h2"), (found["http_status"], found["tls"]["alpn"]), result[1])
            self.assertIn("ALPN h2", result[1])
        self.origin(ca=self.pki.ca("cc-other"), extra=f"listen 127.0.0.1:{other} ssl http2;")
        found = self.assert_refused(self.check(other), "our_certificate_refused", "peer")
        self.assertEqual((400, "h2"), (found["http_status"], found["tls"]["alpn"]))

    def test_refuses_ours_behind_a_handshake_that_chose_http2(self):
        for version in VERSIONS:
            self.assert_refused(self.check(self.s_server(version, "-alpn", "h2", ca="cc-other")), "our_certificate_refused", "peer", alert="unknown_ca")

    def test_what_servers_of_http2_answer(self):
        rows = [
            ("an early hint, then an answer", [h2.headers(1, [(":status", "103")], h2.END_HEADERS), h2.headers(1, [(":status", "204")])], 204, None),
            ("a reset, as some gRPC servers answer HEAD", [h2.rst(1, h2.PROTOCOL_ERROR)], 0, "reset the stream of a HEAD request (HTTP/2 error code 1)"),
            ("an end of the connection", [h2.goaway(0)], 0, "did not begin with a HEAD request (HTTP/2 error code 7)"),
        ]
        for why, frames, status, text in rows:
            with self.subTest(why):
                server = self.h2_server(lambda end, frames=frames: end.send(*frames))
                result = self.check(f"localhost:{server.port}")
                self.assertEqual(status, self.assert_accepted(result)["http_status"])
                self.assertIn(text or "HTTP 204", result[1])
                self.assertIn(f"':method': 'HEAD', ':scheme': 'https', ':authority': 'localhost:{server.port}', ':path': '/'".encode(), bytes(server.received))

    def test_server_that_chooses_http2_and_does_not_speak_it(self):
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))
        context.set_alpn_protocols(["h2"])
        for why, talk in [
            ("HTTP/1.1", lambda s, c: (c.recv(4096), c.sendall(peers.reply()))),
            ("HEADERS that no table explains", lambda s, c: (c.recv(4096), c.sendall(h2.settings() + h2.headers(1, b"\xff\xff\xff\xff\x7f")))),
        ]:
            with self.subTest(why):
                self.assert_refused(self.check(peers.tls_server(self, context, talk).port), "upstream_protocol", "peer")

    def test_never_asks(self):
        for version in VERSIONS:
            with self.subTest(version):
                self.assert_refused(self.check(self.s_server(version, ca=None)), "our_certificate_not_requested", "us")

    def test_never_asks_and_need_not(self):
        _, text, _ = result = self.check(self.answering(ca=None), tls="require_client_auth = false;")
        self.assert_accepted(result, asked=False)
        self.assertIn("it did not ask for a certificate", text)

    def test_plaintext_where_tls_is_configured(self):
        server = peers.Server(self, lambda s, c: (c.recv(4096), c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")))
        result = self.check(server.port)
        self.assert_refused(result, "tls_failed", "peer")
        self.assertIn("does not speak TLS", result[1])

    def test_plaintext_upstream_is_only_connected_to(self):
        server = peers.Server(self, lambda s, c: s.record(c.recv(4096)))
        path = self.config(self.verifier_text(free_port(), server.port))
        _, text, found = result = self.run_check(path)
        self.assert_accepted(result)
        self.assertIsNone(found["tls"])
        self.assertIn("plaintext", text)
        self.assertEqual(b"", bytes(server.received))

    def test_nobody_listens(self):
        self.assert_refused(self.check(free_port()), "connect_refused", "network")

    def test_a_name_that_does_not_resolve(self):
        """A label of 70 bytes is no name: no resolver is asked."""
        self.assert_refused(self.check("n" * 70 + ".invalid:443"), "dns_failed", "network")

    def test_says_nothing(self):
        server = peers.Server(self, lambda s, c: peers.read_all(c))
        self.assert_refused(self.check(server.port, upstream='timeouts = { handshake = "300ms"; };'), "handshake_timeout", "network")

    def test_closes_in_the_handshake(self):
        server = peers.Server(self, lambda s, c: c.recv(4096))
        self.assert_refused(self.check(server.port), "upstream_closed", "network")

    def test_closes_after_the_handshake(self):
        server = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root")), lambda s, c: c.recv(4096) and c.unwrap())
        self.assert_refused(self.check(server.port), "upstream_closed", "network")

    def test_answers_something_else(self):
        server = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root")),
                                  lambda s, c: (c.recv(4096), c.sendall(b"220 mail.example ESMTP ready for you\r\n"), peers.read_all(c)))
        self.assert_refused(self.check(server.port), "upstream_protocol", "peer")

    def test_tcp_upstream_that_waits_for_the_client(self):
        """Nothing is sent, and a silence without an alert is a yes."""
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version.name):
                server = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root"), version=version),
                                          lambda s, c: s.record(peers.read_all(c)[0]))
                self.assert_accepted(self.check(server.port, protocol="tcp"))
                self.assertEqual(b"", bytes(server.received))

    def test_a_subject_cannot_write_to_the_terminal(self):
        evil = self.pki.leaf("cc-evil", cn="a\033[2Jb\nREFUSED\u202eby", san=NAMES)
        text = self.check(self.answering(evil))[1]
        self.assertTrue(text.replace("\n", "").isascii() and text.replace("\n", "").isprintable(), text)
        self.assertNotIn("\nREFUSED", text)

    def test_every_target_is_tried(self):
        good, bad = self.answering(), free_port()
        text = self.injector_text(free_port(), f"127.0.0.1:{good}")
        text = text.replace("upstreams = {", f'upstreams = {{ gone = {{ targets = [ "127.0.0.1:{bad}" ]; }};')
        done = self.command("check", "-c", self.config(text), "--connect")
        self.assertEqual(4, done.returncode, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^far +127.0.0.1:\d+ +accepted, HTTP 200")
        self.assertRegex(done.stdout, r"(?m)^gone +127.0.0.1:\d+ +REFUSED by the network: connect_refused")
        self.assertIn("1 of 2 targets accepted", done.stdout)

    def proxy(self, status="200 Connection established"):
        """An HTTP proxy that answers CONNECT so, and tunnels after 200. What it was asked is in received."""
        def serve(server, connection):
            head = server.record(peers.read_until(connection, b"\r\n\r\n"))
            connection.sendall(f"HTTP/1.1 {status}\r\nX-Proxy: yes\r\n\r\n".encode())
            if status.startswith("200"):
                with peers.connect(int(head.split(b" ")[1].split(b":")[1])) as behind:
                    threading.Thread(target=peers.pump, args=(behind, connection), daemon=True).start()
                    peers.pump(connection, behind)
        return peers.Server(self, serve)

    def test_through_the_proxy_of_the_upstream(self):
        server, proxy = self.answering(), self.proxy()
        found = self.assert_accepted(self.check(server, upstream=f'proxy = "http://127.0.0.1:{proxy.port}";'))
        self.assertEqual(200, found["http_status"])
        self.assertTrue(proxy.received.startswith(f"CONNECT 127.0.0.1:{server} HTTP/1.1\r\n".encode()), proxy.received)

    def test_a_proxy_that_refuses_or_closes(self):
        server = self.answering()
        refusing, closing = self.proxy("403 Forbidden"), peers.Server(self, lambda s, c: peers.read_until(c, b"\r\n\r\n"))
        result = self.check(server, upstream=f'proxy = "127.0.0.1:{refusing.port}";')
        code, text, found = result
        self.assertEqual((4, False, "proxy_refused"), (code, found["accepted"], found["reason"]), text)
        self.assertIn("403", text)
        code, text, found = self.check(server, upstream=f'proxy = "127.0.0.1:{closing.port}";')
        self.assertEqual((4, False), (code, found["accepted"]), text)
        self.assertTrue(found["detail"], text)

    def test_a_target_that_wants_a_proxy_header_gets_one(self):
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))
        for version, mark in ("v1", b"\r\n"), ("v2", b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"):
            def serve(server, connection, mark=mark):
                head = b""
                while not head.endswith(mark):
                    head += server.record(connection.recv(1))
                with context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False) as secure:
                    peers.read_until(secure, b"\r\n\r\n")
                    secure.sendall(peers.reply())
            with self.subTest(version):
                server = peers.Server(self, serve)
                self.assert_accepted(self.check(server.port, upstream=f'send_proxy_protocol = "{version}";'))
                self.assertTrue(server.received.startswith(b"PROXY UNKNOWN\r\n" if version == "v1" else mark), server.received)

    def test_every_target_of_an_upstream_is_tried(self):
        good, gone = self.answering(), free_port()
        text = self.injector_text(free_port(), f"127.0.0.1:{good}").replace("]; ", f', "127.0.0.1:{gone}" ]; ', 1)
        done = self.command("check", "-c", self.config(text), "--connect")
        self.assertEqual(4, done.returncode, done.stdout)
        self.assertRegex(done.stdout, rf"(?m)^far +127.0.0.1:{good} +accepted")
        self.assertRegex(done.stdout, rf"(?m)^far +127.0.0.1:{gone} +REFUSED by the network: connect_refused")
        self.assertRegex(done.stdout, r"(?m)^far +2 targets +TLS 1\.2\+")

    def test_a_refused_configuration_connects_to_nobody(self):
        server = peers.Server(self, lambda s, c: None)
        text = self.injector_text(free_port(), f"127.0.0.1:{server.port}") + "nonsense = 1;"
        done = self.command("check", "-c", self.config(text), "--connect")
        self.assertEqual(3, done.returncode, done.stdout)
        self.assertEqual(0, server.accepted)

    def test_without_the_flag_nobody_is_connected_to(self):
        server = peers.Server(self, lambda s, c: None)
        path = self.config(self.injector_text(free_port(), f"127.0.0.1:{server.port}"))
        self.assertEqual(0, self.command("check", "-c", path).returncode)
        self.assertEqual(0, server.accepted)
        self.assertNotIn("connections", json.loads(self.command("check", "-c", path, "--json").stdout))


if __name__ == "__main__":
    harness.main()
