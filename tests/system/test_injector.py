# SPDX-License-Identifier: Apache-2.0
"""The injector: an app speaks plaintext on loopback, and the upstream gets mutual TLS. The upstreams are nginx, haproxy, stunnel and openssl."""
import concurrent.futures
import contextlib
import hashlib
import http.client
import os
import socket
import ssl
import threading

import harness
import peers
from harness import free_port, wait_for


def get(port, path="/", method="GET", headers=None, body=None):
    """One request on its own connection; gives (status, fields, body, complete)."""
    with peers.connect(port) as app:
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
        for name, value in (headers or {}).items():
            head += f"{name}: {value}\r\n"
        if body is not None:
            head += f"Content-Length: {len(body)}\r\n"
        app.sendall(head.encode() + b"\r\n" + (body or b""))
        return peers.response(app, method)


class Http(harness.Case):
    def test_attaches_the_certificate_and_passes_the_request(self):
        port = self.injector(self.origin())
        answer = self.curl(f"http://127.0.0.1:{port}/")
        self.assertEqual(200, answer.status, answer.error)
        subject, _, method = answer.text.split("|")
        self.assertIn("CN=client1", subject)
        self.assertEqual("GET", method)

    def test_host_is_the_upstreams(self):
        origin = self.origin()
        port = self.injector(f"localhost:{origin}")
        answer = self.curl(f"http://127.0.0.1:{port}/")
        self.assertEqual(f"localhost:{origin}", answer.text.split("|")[1])

    def test_host_preserve_keeps_the_apps(self):
        port = self.injector(self.origin(), upstream='host = "preserve";', listener='hosts = [ "localhost:1234" ];')
        answer = self.curl("-H", "Host: localhost:1234", f"http://127.0.0.1:{port}/")
        self.assertEqual("localhost:1234", answer.text.split("|")[1])

    def test_a_keep_alive_connection_uses_one_upstream_connection(self):
        port = self.injector(self.origin())
        app = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for _ in range(300):
            app.request("GET", "/")
            self.assertEqual(200, app.getresponse().read() and 200)
        app.close()
        self.assertEqual(1, len({row[0] for row in self.nginx_access()}))

    def test_app_connections_share_the_pool(self):
        """50 app connections one after the other need no more than one or two upstream handshakes."""
        port = self.injector(self.origin())
        for _ in range(50):
            self.assertEqual(200, get(port)[0])
        self.assertLessEqual(len({row[0] for row in self.nginx_access()}), 2)

    def test_many_at_once(self):
        port = self.injector(self.origin())
        failures = []

        def app():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                for _ in range(40):
                    connection.request("GET", "/")
                    answer = connection.getresponse()
                    if answer.status != 200 or b"CN=client1" not in answer.read():
                        failures.append(answer.status)
            except OSError as error:
                failures.append(error)
            connection.close()
        threads = [threading.Thread(target=app) for _ in range(32)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        self.assertEqual([], failures)

    def test_upstream_that_closes_after_each_response_fails_no_request(self):
        port = self.injector(self.origin(extra="keepalive_requests 1;"))
        app = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for _ in range(30):
            app.request("GET", "/")
            answer = app.getresponse()
            self.assertEqual(200, answer.status, answer.read())
            answer.read()
        app.close()

    def test_a_new_upstream_connection_resumes_the_session(self):
        port = self.injector(self.origin(extra="keepalive_requests 1;"))
        for _ in range(4):
            self.assertEqual(200, get(port)[0])
        self.assertIn("r", [row[1] for row in self.nginx_access()[1:]])

    def test_listens_on_a_unix_socket(self):
        origin = self.origin()
        path = self.folder / "app.sock"
        text = self.injector_text(1, f"127.0.0.1:{origin}").replace('"127.0.0.1:1"', f'"unix:{path}"')
        self.daemon(text, paths=[path])
        answer = self.curl("--unix-socket", path, "http://localhost/")
        self.assertEqual(200, answer.status, answer.error)
        self.assertIn("CN=client1", answer.text)

    def test_upstream_that_speaks_only_tls12(self):
        port = self.injector(self.origin(protocols="TLSv1.2"))
        self.assertEqual(200, get(port)[0])

    def test_certificate_message_that_spans_records(self):
        """A handshake message may be longer than a record (16 KiB): then more of it waits in what was read already."""
        big = self.pki.leaf("big-server", san=["IP:127.0.0.1"] + [f"DNS:host-{i:05}.tests.example" for i in range(900)])
        self.assertGreater(len(big.der), 1 << 14)
        for version in ("TLSv1.2", "TLSv1.3"):
            with self.subTest(version):
                origin = peers.tls_server(self, peers.server_context(big, self.pki.ca("root"), version=peers.TLS[version]),
                                          lambda s, c: (c.recv(4096), c.sendall(peers.reply(b"fine"))))
                self.assertEqual(b"fine", get(self.injector(origin.port))[2])

    def test_head_204_and_304_leave_the_connection_in_step(self):
        port = self.injector(self.origin("""
            location /empty { return 204; }
            location /cached { add_header ETag '"x"'; return 304; }
            location /head { return 200 "twelve bytes"; }
            location / { return 200 "in step"; }"""))
        with peers.connect(port) as app:
            for method, path, status in (("HEAD", "/head", 200), ("GET", "/empty", 204), ("GET", "/cached", 304),
                                         ("HEAD", "/empty", 204), ("GET", "/", 200)):
                app.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                got, fields, body, complete = peers.response(app, method)
                self.assertEqual((status, True), (got, complete), path)
                if method == "HEAD" and path == "/head":
                    self.assertEqual(["12"], [v for n, v in fields if n.lower() == "content-length"])
                self.assertEqual(b"in step" if path == "/" else b"", body, path)

    def test_identity_headers_of_an_app_do_not_reach_the_upstream(self):
        """C1: no app may claim an identity through us."""
        backend = peers.Backend(self)
        port = self.injector(self.origin(f"location / {{ proxy_pass http://127.0.0.1:{backend.port}; }}",
                                         extra="underscores_in_headers on;"))
        names = ["Client-Cert", "client-cert-chain", "X-SSL-Client-CN", "x_ssl_client_verify", "X-Forwarded-Client-Cert",
                 "ssl-client-verify", "X-SSL-Issuer"]
        status, _, _, _ = get(port, headers={n: "spoofed" for n in names} | {"X-Kept": "kept"})
        self.assertEqual(200, status)
        self.assertEqual(["kept"], backend.requests[0].values("x-kept"))
        self.assertNotIn(b"spoofed", backend.requests[0].head)

    def test_sends_no_forwarding_headers_of_its_own(self):
        backend = peers.Backend(self)
        port = self.injector(self.origin(f"location / {{ proxy_pass http://127.0.0.1:{backend.port}; }}"))
        self.assertEqual(200, get(port)[0])
        for name in ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "forwarded"):
            self.assertEqual([], backend.requests[0].values(name), name)


class Bodies(harness.Case):
    SIZE = 32 << 20

    def upload_origin(self, **options):
        self.backend = peers.Backend(self, **options)
        return self.origin(f"""location / {{ proxy_pass http://127.0.0.1:{self.backend.port}; proxy_http_version 1.1;
            proxy_request_buffering off; }}""")

    def test_large_download_arrives_byte_for_byte(self):
        data = os.urandom(1 << 20) * (self.SIZE >> 20)
        (self.folder / "big").write_bytes(data)
        port = self.injector(self.origin(f"root {self.folder};"))
        answer = self.curl(f"http://127.0.0.1:{port}/big", seconds=60)
        self.assertEqual(hashlib.sha256(data).digest(), hashlib.sha256(answer.body).digest())

    def test_large_upload_arrives_byte_for_byte(self):
        data = os.urandom(1 << 20) * (self.SIZE >> 20)
        (self.folder / "big").write_bytes(data)
        port = self.injector(self.upload_origin())
        answer = self.curl("-T", self.folder / "big", f"http://127.0.0.1:{port}/up", seconds=60)
        self.assertEqual(200, answer.status, answer.error)
        self.assertIn(f"{hashlib.sha256(data).hexdigest()} {len(data)}", answer.text)

    def test_chunked_upload(self):
        data = os.urandom(3 << 20)
        (self.folder / "big").write_bytes(data)
        port = self.injector(self.upload_origin())
        answer = self.curl("-T", self.folder / "big", "-H", "Transfer-Encoding: chunked", f"http://127.0.0.1:{port}/up")
        self.assertIn(f"{hashlib.sha256(data).hexdigest()} {len(data)}", answer.text)

    def test_chunked_download(self):
        body = b"".join(b"5\r\nhello\r\n" for _ in range(1000)) + b"0\r\n\r\n"
        self.backend = peers.Backend(self, lambda r: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        port = self.injector(self.origin(f"""location / {{ proxy_pass http://127.0.0.1:{self.backend.port};
            proxy_http_version 1.1; }}"""))
        status, _, got, complete = get(port)
        self.assertEqual((200, True, b"hello" * 1000), (status, complete, got))

    def test_expect_100_continue(self):
        """curl waits for 100 before it sends the body of this size."""
        port = self.injector(self.upload_origin())
        answer = self.curl("-H", "Expect: 100-continue", "--expect100-timeout", "10", "--data-binary", "@-",
                           f"http://127.0.0.1:{port}/up", data=b"x" * 100000)
        self.assertEqual(200, answer.status, answer.error)
        self.assertIn(hashlib.sha256(b"x" * 100000).hexdigest() + " 100000", answer.text)

    def test_100_continue_is_seen_before_the_body_is_sent(self):
        port = self.injector(self.upload_origin())
        with peers.connect(port) as app:
            app.sendall(b"POST /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            first = peers.read_until(app, b"\r\n\r\n")
            self.assertTrue(first.startswith(b"HTTP/1.1 100"), first)
            app.sendall(b"hello")
            status, _, body, _ = peers.response(app)
            self.assertEqual(200, status)
            self.assertIn(hashlib.sha256(b"hello").hexdigest().encode(), body)

    def test_pipelined_requests_are_answered_in_order(self):
        port = self.injector(self.origin('location / { return 200 "$uri"; }'))
        with peers.connect(port) as app:
            app.sendall(b"".join(b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % i for i in range(20))
                        + b"GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            data, end = peers.read_all(app)
        self.assertEqual("eof", end)
        places = [data.find(b"\r\n\r\n/%d" % i) for i in range(20)] + [data.find(b"\r\n\r\n/last")]
        self.assertNotIn(-1, places)
        self.assertEqual(sorted(places), places)


class Tcp(harness.Case):
    def tls_origin(self, handle):
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))
        return peers.tls_server(self, context, handle)

    def test_passes_bytes_both_ways(self):
        port = self.injector(self.origin(), protocol="tcp")
        self.assertIn("CN=client1", self.curl(f"http://127.0.0.1:{port}/").text)

    def test_half_close_keeps_the_other_direction_open(self):
        """D4: the app sends its end first; 10 MiB come back after it, byte for byte, and then a clean end."""
        data = os.urandom(1 << 20) * 10
        seen = []

        def handle(server, connection):
            request, end = peers.read_all(connection)
            seen.append((request, end))
            connection.sendall(data)
            connection.unwrap()
        origin = self.tls_origin(handle)
        port = self.injector(origin.port, protocol="tcp")
        with peers.connect(port, 60) as app:
            app.sendall(b"all I have")
            app.shutdown(socket.SHUT_WR)
            got, end = peers.read_all(app)
        self.assertEqual([(b"all I have", "eof")], seen)
        self.assertEqual("eof", end)
        self.assertEqual(len(data), len(got))
        self.assertEqual(hashlib.sha256(data).digest(), hashlib.sha256(got).digest())

    def test_upload_to_an_upstream_that_only_reads(self):
        digest, done = hashlib.sha256(), threading.Event()

        def handle(server, connection):
            data, _ = peers.read_all(connection)
            digest.update(data)
            done.set()
        port = self.injector(self.tls_origin(handle).port, protocol="tcp")
        data = os.urandom(1 << 20) * 16
        with peers.connect(port, 60) as app:
            app.sendall(data)
            app.shutdown(socket.SHUT_WR)
            self.assertTrue(done.wait(60))
        self.assertEqual(hashlib.sha256(data).digest(), digest.digest())

    def test_truncated_upstream_is_a_reset_not_an_end(self):
        """B7: what ends without close_notify was cut by somebody, and the app must be able to tell."""
        def handle(server, connection):
            connection.recv(100)
            connection.sendall(b"half of the ans")
            peers.cut(connection)
        port = self.injector(self.tls_origin(handle).port, protocol="tcp")
        with peers.connect(port) as app:
            app.sendall(b"question")
            _, end = peers.read_all(app)
        self.assertEqual("reset", end)

    def test_refused_upstream_gives_the_app_no_byte(self):
        bad = self.pki.leaf("expired-server", cn="localhost", san=["DNS:localhost", "IP:127.0.0.1"], start=-400, days=30)
        origin = peers.tls_server(self, peers.server_context(bad), lambda s, c: s.record(c.recv(100)))
        port = self.injector(origin.port, protocol="tcp")
        with self.subTest("the connection ends"), contextlib.suppress(ConnectionResetError), peers.connect(port) as app: # maybe before it is used
            with contextlib.suppress(OSError):
                app.sendall(b"MARKER-IN-CLEAR")
            data, end = peers.read_all(app)
            self.assertEqual(b"", data)
            self.assertNotEqual("timeout", end)
        self.assertEqual(b"", bytes(origin.received))
        wait_for(lambda: "expired" in self.mtlsd.log, "the reason in the log")


class SlowReaders(harness.Case):
    COUNT = 32
    FILE = 100 << 20

    def hold(self, protocol):
        """D6: readers that stop after the first bytes of 100 MiB each. What the daemon holds for them is bounded."""
        with open(self.folder / "big", "wb") as file:
            file.truncate(self.FILE)
        port = self.injector(self.origin(f"root {self.folder};"), protocol=protocol)
        self.assertEqual(206, self.curl("-r", "0-9", f"http://127.0.0.1:{port}/big").status)
        before = self.mtlsd.rss_kb()
        apps = []
        for _ in range(self.COUNT):
            app = peers.connect(port, 60)
            app.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            app.sendall(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
            apps.append(app)
            self.addCleanup(app.close)
        for app in apps:
            app.recv(1024)
        samples = [0, self.mtlsd.rss_kb()]

        def settled():
            samples.append(self.mtlsd.rss_kb())
            return len(samples) > 20 and max(samples[-10:]) - min(samples[-10:]) < 256
        wait_for(settled, "memory to stop growing", 30, 0.1)
        growth = max(samples) - before
        # The sanitizer keeps freed memory for a while and pads every block.
        allowed = self.COUNT * 256 + (32 << 10 if harness.is_sanitized() else 2 << 10)
        self.assertLess(growth, allowed, "kB")
        self.assertEqual(200, get(port, "/big", "HEAD")[0] if protocol == "http" else 200)

    def test_http_memory_is_bounded(self):
        self.hold("http")

    def test_tcp_memory_is_bounded(self):
        self.hold("tcp")

    def test_upstream_that_does_not_read_stops_the_app(self):
        """D6 the other way: apps that send without end to an upstream that takes nothing."""
        gate = threading.Event()
        self.addCleanup(gate.set)
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))
        for protocol in ("http", "tcp"):
            with self.subTest(protocol):
                origin = peers.tls_server(self, context, lambda s, c: gate.wait(60))
                port = self.injector(origin.port, protocol=protocol)
                before = self.mtlsd.rss_kb()
                with concurrent.futures.ThreadPoolExecutor(16) as pool:
                    sent = list(pool.map(self.push, [port] * 16))
                wait_for(lambda: origin.accepted == 16, "the upstream connections")
                growth = self.mtlsd.rss_kb() - before
                self.assertLess(growth, 16 * 256 + (32 << 10 if harness.is_sanitized() else 2 << 10), "kB")
                self.assertLess(max(sent), 32 << 20)

    def push(self, port):
        """Sends until nothing more is taken for a second; gives how much it was."""
        app = peers.connect(port, 1)
        self.addCleanup(app.close)
        app.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
        total, piece = 0, bytes(1 << 20)
        try:
            while total < 64 << 20:
                total += app.send(piece)
        except TimeoutError:
            pass
        return total


class BadUpstreams(harness.Case):
    """Each upstream is wrong in one way. The app gets a 502 that says which; the upstream gets no application byte."""

    def upstream_with(self, certificate):
        def handle(server, connection):
            server.record(connection.recv(4096))
        return peers.tls_server(self, peers.server_context(certificate, self.pki.ca("root")), handle)

    def refuse(self, certificate, reason, trust=None, target="127.0.0.1", tls=""):
        origin = self.upstream_with(certificate)
        port = self.injector(f"{target}:{origin.port}", trust=trust, tls=tls)
        answer = self.curl("-H", "X-Secret: MARKER-IN-CLEAR", f"http://127.0.0.1:{port}/")
        document = self.assert_problem(answer, 502, reason, "us")
        self.assertEqual("far", document["upstream"])
        self.assertEqual(certificate.sha256, document["peer"]["sha256"])
        for member in ("subject", "issuer", "not_before", "not_after"):
            self.assertTrue(document["peer"][member], member)
        self.assertTrue(document["hint"])
        self.assertEqual(b"", bytes(origin.received))
        wait_for(lambda: reason in self.mtlsd.log, "the reason word in the log")
        return document

    NAMES = ["DNS:localhost", "IP:127.0.0.1"]

    def test_expired(self):
        self.refuse(self.pki.leaf("u-expired", san=self.NAMES, start=-400, days=30), "expired")

    def test_not_yet_valid(self):
        self.refuse(self.pki.leaf("u-future", san=self.NAMES, start=30), "not_yet_valid")

    def test_another_name(self):
        document = self.refuse(self.pki.leaf("u-other", san=["DNS:other.example"]), "name_mismatch", target="localhost")
        self.assertIn("tls.server_name", document["hint"])

    def test_another_address(self):
        self.refuse(self.pki.leaf("u-other-ip", san=["IP:127.0.0.2"]), "name_mismatch")

    def test_name_only_in_the_common_name(self):
        """B1: a common name is no name, and server_name could be set to none."""
        document = self.refuse(self.pki.leaf("u-cn-only", cn="localhost"), "name_mismatch", target="localhost")
        self.assertIn("openssl req -new", document["hint"])
        self.assertNotIn("server_name", document["hint"])
        wait_for(lambda: "hint=\"issue it again with the host in subjectAltName" in self.mtlsd.log, "the same in the log")

    def test_address_written_as_a_dns_name(self):
        """B1: an address is matched by an address entry only."""
        self.refuse(self.pki.leaf("u-ip-as-dns", san=["DNS:127.0.0.1"]), "name_mismatch")

    def test_nul_in_a_name(self):
        """B1: localhost, a zero byte, then the attacker's own domain."""
        self.refuse(self.pki.leaf("u-nul", san=[("DNS", b"localhost\0.evil.example")]), "name_mismatch", target="localhost")

    def test_expected_name_differs(self):
        self.refuse(self.pki.server(), "name_mismatch", tls='server_name = "api.partner.example";')

    def test_unknown_ca(self):
        stranger = self.pki.ca("stranger")
        self.refuse(self.pki.leaf("u-stranger", stranger, san=self.NAMES), "unknown_ca")

    def test_ca_of_the_same_name_with_another_key(self):
        twin = self.pki.ca("root-twin", subject=[("O", "Tests"), ("CN", "root")])
        self.refuse(self.pki.leaf("u-twin", twin, san=self.NAMES), "unknown_ca")

    def test_self_signed(self):
        self.refuse(self.pki.self_signed("u-self-signed", san=self.NAMES), "unknown_ca")

    def test_client_certificate_as_a_server(self):
        """A4: the purpose is checked every time."""
        self.refuse(self.pki.leaf("u-purpose", san=self.NAMES, eku=("clientAuth",)), "wrong_purpose")

    def test_any_purpose_is_no_purpose(self):
        self.refuse(self.pki.leaf("u-any", san=self.NAMES, eku=("any",)), "wrong_purpose")

    def test_code_signing_as_a_server(self):
        self.refuse(self.pki.leaf("u-code", san=self.NAMES, eku=("codeSigning",)), "wrong_purpose")

    def test_revoked(self):
        certificate = self.pki.leaf("u-revoked", san=self.NAMES)
        crl = self.pki.crl("u-revoked", self.pki.ca("root"), [certificate])
        self.refuse(certificate, "revoked", trust=f'ca = "{self.pki.ca("root").crt}"; crl = "{crl}";')

    def test_leaf_used_as_an_issuer(self):
        issuer = self.pki.leaf("u-not-a-ca", san=self.NAMES)
        below = self.pki.leaf("u-below-a-leaf", issuer, san=self.NAMES)
        origin = self.upstream_with(below)
        port = self.injector(origin.port)
        answer = self.curl(f"http://127.0.0.1:{port}/")
        self.assertEqual(502, answer.status)
        self.assertIn(answer.json()["reason"], ("constraint", "unknown_ca"))
        self.assertEqual(b"", bytes(origin.received))

    def test_intermediate_is_followed(self):
        """The control of this table: a good chain of three passes."""
        middle = self.pki.ca("middle", issuer=self.pki.ca("root"))
        good = self.pki.leaf("u-deep", middle, san=self.NAMES)
        port = self.injector(self.origin(certificate=good))
        self.assertEqual(200, get(port)[0])

    def test_weak_key(self):
        weak = self.pki.leaf("u-weak", san=self.NAMES, key="1024")
        origin = free_port()
        self.spawn("s_server", ["openssl", "s_server", "-accept", f"127.0.0.1:{origin}", "-cert", weak.crt, "-key", weak.key,
                                "-cipher", "DEFAULT@SECLEVEL=0", "-Verify", "1", "-CAfile", self.pki.ca("root").crt, "-www"],
                   [origin])
        port = self.injector(origin)
        self.assert_problem(self.curl(f"http://127.0.0.1:{port}/"), 502, "weak", "us")


class NoPlaintext(harness.Case):
    """B2, B3, B6: whatever the upstream does, what the app said is never on the wire in clear or to the unverified."""
    MARKER = b"MARKER-IN-CLEAR"

    def ask(self, port):
        return self.curl("-H", "X-Secret: MARKER-IN-CLEAR", "--data-binary", "MARKER-IN-CLEAR", f"http://127.0.0.1:{port}/MARKER-IN-CLEAR")

    def misbehave(self, handle, reasons):
        origin = peers.Server(self, handle)
        for protocol in ("http", "tcp"):
            with self.subTest(protocol):
                port = self.injector(origin.port, protocol=protocol)
                answer = self.ask(port)
                if protocol == "http":
                    self.assertEqual(502, answer.status, answer.text or answer.error)
                    self.assertIn(answer.json()["reason"], reasons)
                else:
                    self.assertNotEqual(0, answer.exit)
                self.assertNotIn(b"injected", answer.body)
                self.assertNotIn(self.MARKER, bytes(origin.received))
        self.assertGreaterEqual(origin.accepted, 2)

    def test_upstream_that_speaks_plain_http(self):
        def handle(server, connection):
            connection.sendall(peers.reply(b"injected"))
            server.record(peers.read_all(connection)[0])
        self.misbehave(handle, ("tls_failed", "upstream_protocol"))

    def test_upstream_that_resets(self):
        def handle(server, connection):
            server.record(connection.recv(10))
            peers.reset(connection)
        self.misbehave(handle, ("upstream_closed", "truncated", "tls_failed"))

    def test_upstream_that_closes_at_once(self):
        self.misbehave(lambda server, connection: None, ("upstream_closed", "truncated", "tls_failed"))

    def test_upstream_that_sends_garbage(self):
        def handle(server, connection):
            connection.sendall(bytes(range(256)) * 8)
            server.record(peers.read_all(connection)[0])
        self.misbehave(handle, ("tls_failed", "upstream_protocol"))

    def test_upstream_that_alerts(self):
        def handle(server, connection):
            server.record(connection.recv(4096))
            connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")
            server.record(peers.read_all(connection)[0])
        self.misbehave(handle, ("tls_failed",))

    def test_response_before_the_server_hello(self):
        """B2: plaintext bytes first, then an honest handshake by the real server behind."""
        honest = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root")),
                                  lambda s, c: (s.record(c.recv(4096)), c.sendall(peers.reply(b"injected"))))

        def handle(server, connection):
            connection.sendall(peers.reply(b"injected"))
            with peers.connect(honest.port) as behind:
                threading.Thread(target=peers.pump, args=(connection, behind), daemon=True).start()
                peers.pump(behind, connection)
        self.misbehave(handle, ("tls_failed", "upstream_protocol"))
        self.assertEqual(b"", bytes(honest.received))

    def test_upstream_that_never_asks_for_our_certificate(self):
        """B6: without the question our certificate proves nothing there, so nothing is sent."""
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for protocol in ("http", "tcp"):
                with self.subTest(f"{version.name} {protocol}"):
                    origin = peers.tls_server(self, peers.server_context(self.pki.server(), version=version),
                                              lambda s, c: s.record(c.recv(4096)))
                    port = self.injector(origin.port, protocol=protocol)
                    answer = self.ask(port)
                    if protocol == "http":
                        self.assert_problem(answer, 502, "our_certificate_not_requested", "us")
                    self.assertEqual(b"", bytes(origin.received))

    def test_an_upstream_that_never_asks_can_be_allowed(self):
        origin = peers.tls_server(self, peers.server_context(self.pki.server()),
                                  lambda s, c: (s.record(c.recv(4096)), c.sendall(peers.reply(b"fine"))))
        port = self.injector(origin.port, tls="require_client_auth = false;")
        self.assertEqual(b"fine", get(port)[2])

    def test_nobody_listens(self):
        port = self.injector(free_port())
        document = self.assert_problem(self.ask(port), 502, "connect_refused", "network")
        self.assertTrue(document["hint"])

    def test_a_name_that_does_not_resolve(self):
        port = self.injector("no-such-host.invalid:443")
        self.assert_problem(self.ask(port), 502, "dns_failed", "network")

    def test_silent_upstream_runs_into_the_handshake_timeout(self):
        origin = peers.Server(self, lambda s, c: s.record(peers.read_all(c)[0]))
        port = self.injector(origin.port, upstream='timeouts = { handshake = "300ms"; };')
        self.assert_problem(self.ask(port), 504, "handshake_timeout", "network")
        self.assertNotIn(self.MARKER, bytes(origin.received))

    def test_silent_response_runs_into_the_response_timeout(self):
        origin = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root")),
                                  lambda s, c: peers.read_all(c))
        port = self.injector(origin.port, upstream='timeouts = { response = "300ms"; };')
        self.assert_problem(self.ask(port), 504, "response_timeout")


class Truncation(harness.Case):
    """B7: the upstream's TLS ends without a goodbye after k bytes, for every k: never a complete 200."""
    WITH_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\nX-Y: z\r\n\r\n" + b"b" * 20
    CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end"

    def cut_everywhere(self, message, last):
        plan = iter(range(last + 1))
        lock = threading.Lock()
        size = [0]

        def handle(server, connection):
            peers.read_until(connection, b"\r\n\r\n")
            connection.sendall(message[:size[0]])
            peers.cut(connection)
        origin = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root")), handle)
        port = self.injector(origin.port)
        for k in plan:
            with lock:
                size[0] = k
            status, _, body, complete = get(port)
            self.assertFalse(status == 200 and complete, f"cut after {k} of {len(message)} bytes looked complete: {body!r}")
            if status and status != 200:
                self.assertEqual(502, status, f"cut after {k} bytes")

    def test_body_with_a_length(self):
        self.cut_everywhere(self.WITH_LENGTH, len(self.WITH_LENGTH) - 1)

    def test_chunked_body(self):
        self.cut_everywhere(self.CHUNKED, len(self.CHUNKED) - 1)

    def test_body_until_close(self):
        """Even all its bytes are not the whole of it: only close_notify says so."""
        self.cut_everywhere(self.UNTIL_CLOSE, len(self.UNTIL_CLOSE))

    def test_body_until_close_with_goodbye_is_complete(self):
        """The control: the same answer, properly ended."""
        def handle(server, connection):
            peers.read_until(connection, b"\r\n\r\n")
            connection.sendall(self.UNTIL_CLOSE)
            connection.unwrap()
        origin = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root")), handle)
        status, _, body, complete = get(self.injector(origin.port))
        self.assertEqual((200, b"until the end", True), (status, body, complete))


class OurCertificateRefused(harness.Case):
    """A13: in TLS 1.3 our handshake succeeds before the server refuses; the reason must be right all the same."""
    VERSIONS = {"-tls1_2": ssl.TLSVersion.TLSv1_2, "-tls1_3": ssl.TLSVersion.TLSv1_3}

    def test_openssl_server_with_another_ca(self):
        for flag in self.VERSIONS:
            with self.subTest(flag):
                origin = free_port()
                self.spawn("s_server", ["openssl", "s_server", "-accept", f"127.0.0.1:{origin}", "-cert", self.pki.server().crt,
                                        "-key", self.pki.server().key, "-Verify", "1", "-verify_return_error", "-CAfile",
                                        self.pki.ca("stranger").crt, flag, "-www"], [origin])
                port = self.injector(origin)
                document = self.assert_problem(self.curl(f"http://127.0.0.1:{port}/"), 502, "our_certificate_refused", "peer")
                self.assertEqual("unknown_ca", document["alert"])
                self.assertEqual("me", document["identity"])

    def test_is_never_retried(self):
        for flag, version in self.VERSIONS.items():
            for method in ("GET", "POST"):
                with self.subTest(f"{flag} {method}"):
                    context = peers.server_context(self.pki.server(), self.pki.ca("stranger"), version=version)
                    origin = peers.tls_server(self, context, lambda s, c: s.record(c.recv(4096)))
                    port = self.injector(origin.port)
                    answer = self.curl("-X", method, "-d", "once", f"http://127.0.0.1:{port}/")
                    self.assert_problem(answer, 502, "our_certificate_refused", "peer")
                    self.assertEqual(1, origin.accepted)
                    self.assertEqual(b"", bytes(origin.received))

    def test_nginx_that_wants_another_ca_answers_400_through_us(self):
        """nginx completes the handshake and answers itself: that is an answer of the upstream, passed on as it is."""
        port = self.injector(self.origin(ca=self.pki.ca("stranger")))
        self.assertEqual(400, self.curl(f"http://127.0.0.1:{port}/").status)

    def test_expired_identity_is_refused_by_the_peer(self):
        old = self.pki.leaf("old-client", eku=("clientAuth",), start=-400, days=30)
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))
        origin = peers.tls_server(self, context, lambda s, c: s.record(c.recv(4096)))
        port = self.injector(origin.port, identity=old)
        document = self.assert_problem(self.curl(f"http://127.0.0.1:{port}/"), 502, "our_certificate_refused", "peer")
        self.assertEqual("certificate_expired", document["alert"])
        ours = document["ours"]
        self.assertEqual(["CN=old-client,O=Tests", "CN=root,O=Tests", f"{old.serial:x}", old.sha256],
                         [ours["subject"], ours["issuer"], ours["serial"], ours["sha256"]])
        self.assertLess(ours["not_before"], ours["not_after"])
        self.assertLess(ours["not_after"], document["now"])
        self.assertIn(f"the peer refused our certificate CN=old-client,O=Tests, serial {old.serial:x}, with the alert certificate_expired; "
                      f"it expired {ours['not_after']}", document["detail"])
        for field in (f"ours=\"{ours['subject']}\" ", f"ours_issuer=\"{ours['issuer']}\" ", f"ours_serial={ours['serial']} ", f"ours_sha256={old.sha256} ",
                      f"ours_not_before={ours['not_before']} ", f"ours_not_after={ours['not_after']}"):
            self.assertIn(field, self.mtlsd.log)

    def test_our_certificate_is_named_whatever_speaks_against_it(self):
        """Promise 4, also in tcp mode, where there is no answer to put it into; and by check."""
        origin = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("stranger")), lambda s, c: s.record(c.recv(4096)))
        port = self.injector(origin.port)
        document = self.assert_problem(self.curl(f"http://127.0.0.1:{port}/"), 502, "our_certificate_refused", "peer")
        self.assertEqual(f"{self.pki.client().serial:x}", document["ours"]["serial"])
        self.assertNotIn("expired", document["detail"])
        port = self.injector(origin.port, protocol="tcp")
        with peers.connect(port) as app:
            app.sendall(b"hello")
            wait_for(lambda: f"ours_serial={self.pki.client().serial:x} " in self.mtlsd.log, "the line in the log")
        done = self.command("check", "--connect", "-c", self.mtlsd.config_path)
        self.assertRegex(done.stdout, rf"\n +ours: .*serial {self.pki.client().serial:x}, until 20\S+, 36\d days left\n")


    def ring(self, reason):
        admin = self.folder / "admin.sock"
        found = [r for r in self.curl("--unix-socket", admin, "http://localhost/refusals").json()["refusals"] if r["reason"] == reason]
        return found[0] if found else None

    def start_by(self, protocol, origin):
        port = free_port()
        admin = f'admin = {{ socket = "unix:{self.folder}/admin.sock"; }};'
        alpn = "" if protocol != "h2" else 'alpn = "h2";'
        text = admin + self.injector_text(port, f"127.0.0.1:{origin}", protocol="tcp" if protocol == "tcp" else "http", tls=alpn)
        self.mtlsd = self.daemon(text, [port], [self.folder / "admin.sock"])
        return port

    def test_answer_log_and_ring_name_it_by_each_protocol_and_version(self):
        """Promise 4: subject, issuer, serial, end, and what the peer accepts instead."""
        me, subject, wanted = self.pki.client(), "CN=client1,OU=apps,O=Tests", "CN=stranger,O=Tests"
        for flag in self.VERSIONS:
            origin = free_port()  # OpenSSL's server names the CAs that it takes; Python's does not
            self.spawn("s_server", ["openssl", "s_server", "-accept", f"127.0.0.1:{origin}", "-cert", self.pki.server().crt, "-key", self.pki.server().key,
                                    "-Verify", "1", "-verify_return_error", "-CAfile", self.pki.ca("stranger").crt, flag, "-alpn", "h2,http/1.1", "-quiet"], [origin])
            for protocol in ("http/1.1", "h2", "tcp"):
                with self.subTest(f"{protocol} {flag}"):
                    port = self.start_by(protocol, origin)
                    if protocol == "tcp":
                        with peers.connect(port) as app:
                            app.sendall(b"hello")
                            wait_for(lambda: "ours_serial=" in self.mtlsd.log, "the line in the log")
                    else:
                        version_of_app = "--http2-prior-knowledge" if protocol == "h2" else "--http1.1"
                        document = self.assert_problem(self.curl(version_of_app, f"http://127.0.0.1:{port}/"), 502, "our_certificate_refused", "peer")
                        self.assertEqual((subject, "CN=root,O=Tests", f"{me.serial:x}", wanted),
                                         (document["ours"]["subject"], document["ours"]["issuer"], document["ours"]["serial"], document["accepted_cas"]))
                        self.assertIn(wanted, document["detail"])
                    wait_for(lambda: f'ours="{subject}" ours_issuer="CN=root,O=Tests" ours_serial={me.serial:x} ' in self.mtlsd.log, "ours in the log")
                    self.assertRegex(self.mtlsd.log, rf'ours_not_after=20\S+ accepted_cas="{wanted}"')
                    ours = self.ring("our_certificate_refused")["ours"]
                    self.assertEqual((subject, "CN=root,O=Tests", f"{me.serial:x}", wanted), (ours["subject"], ours["issuer"], ours["serial"], ours["accepted_cas"]))
                    self.assertIn(f"ours_not_after={ours['not_after']} ", self.mtlsd.log)
                    text = self.command("status", "--socket", self.folder / "admin.sock").stdout
                    self.assertIn(f"ours    {subject}, issued by CN=root,O=Tests, serial {me.serial:x}, until 20", " ".join(text.split("\n")))
                    self.mtlsd.stop()


class Retries(harness.Case):
    """C10: a request that may have been carried out is not sent again."""

    def test_post_to_an_upstream_that_dies_is_executed_once(self):
        def handle(server, connection):
            peers.read_until(connection, b"once")
            server.record(b"x")
            peers.cut(connection)
        origin = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root")), handle)
        port = self.injector(origin.port)
        answer = self.curl("-d", "once", f"http://127.0.0.1:{port}/")
        self.assertEqual(502, answer.status)
        self.assertEqual(b"x", bytes(origin.received))

    def test_a_second_response_is_given_to_nobody(self):
        """C4: what an upstream says without being asked ends its connection, it does not answer the next request."""
        def handle(server, connection):
            reader = peers.StrictReader(connection)
            while request := reader.request():
                connection.sendall(peers.reply(request.target.encode()) + peers.reply(b"poison"))
        origin = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root")), handle)
        port = self.injector(origin.port)
        for i in range(10):
            status, _, body, _ = get(port, f"/{i}")
            self.assertEqual((200, f"/{i}".encode()), (status, body))


class OtherServers(harness.Case):
    def test_stunnel_at_the_other_end(self):
        backend, origin = peers.Backend(self), free_port()
        conf = self.write("stunnel.conf", f"""foreground=yes
pid=
debug=5
[s]
accept=127.0.0.1:{origin}
connect=127.0.0.1:{backend.port}
cert={self.pki.server().pem}
CAfile={self.pki.ca("root").crt}
verifyChain=yes
requireCert=yes
""")
        self.spawn("stunnel", ["stunnel", conf], [origin])
        for protocol in ("http", "tcp"):
            with self.subTest(protocol):
                port = self.injector(origin, protocol=protocol)
                status, _, body, _ = get(port, "/through-stunnel")
                self.assertEqual(200, status)
                self.assertIn(b"GET /through-stunnel HTTP/1.1", body)

    def test_haproxy_at_the_other_end(self):
        backend, origin = peers.Backend(self), free_port()
        conf = self.write("haproxy.cfg", f"""
global
    maxconn 100
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend f
    bind 127.0.0.1:{origin} ssl crt {self.pki.server().pem} ca-file {self.pki.ca("root").crt} verify required
    http-request set-header X-Seen-CN %[ssl_c_s_dn(cn)]
    default_backend b
backend b
    server s 127.0.0.1:{backend.port}
""")
        self.spawn("haproxy", ["haproxy", "-f", conf, "-db"], [origin])
        for protocol in ("http", "tcp"):
            with self.subTest(protocol):
                port = self.injector(origin, protocol=protocol)
                self.assertEqual(200, get(port)[0])
        self.assertEqual(["client1"], backend.requests[-1].values("x-seen-cn"))

    def test_openssl_server_at_the_other_end(self):
        origin = free_port()
        self.spawn("s_server", ["openssl", "s_server", "-accept", f"127.0.0.1:{origin}", "-cert", self.pki.server().crt, "-key",
                                self.pki.server().key, "-Verify", "1", "-verify_return_error", "-CAfile",
                                self.pki.ca("root").crt, "-www"], [origin])
        port = self.injector(origin)
        answer = self.curl(f"http://127.0.0.1:{port}/")
        self.assertEqual(200, answer.status, answer.text)
        self.assertIn("client1", answer.text)


if __name__ == "__main__":
    harness.main()
