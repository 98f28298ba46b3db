# SPDX-License-Identifier: Apache-2.0
"""The forward proxy with common programs: curl, wget, apt and Python. They know http_proxy and have no certificates."""
import http.client
import os
import pathlib
import socket
import ssl
import subprocess
import urllib.error
import urllib.request

import harness
import peers
from harness import free_port, wait_for

APT_HELPER = pathlib.Path("/usr/lib/apt/apt-helper")


class ForwardProxy(harness.Case):
    def setUp(self):
        super().setUp()
        self.port = free_port()

    def proxy(self, origin, forward_proxy="", listener=""):
        """A forward proxy whose host api.example is the origin behind mutual TLS."""
        self.mtlsd = self.daemon(f"""
            identities = {{ me = {{ bundle = "{self.pki.client().pem}"; }}; }};
            trusts = {{ them = {{ ca = "{self.pki.ca("root").crt}"; }}; }};
            upstreams = {{ far = {{ targets = [ "127.0.0.1:{origin}" ]; host = "preserve";
                tls = {{ identity = "me"; trust = "them"; }}; }}; }};
            listeners = {{ proxy = {{ bind = "127.0.0.1:{self.port}"; forward_proxy = {{ {forward_proxy} }}; {listener}
                routes = ( {{ host = "api.example"; upstream = "far"; }} ); }}; }};
        """, [self.port])

    def program(self, *argv, seconds=30):
        """A program that finds its proxy in the environment."""
        env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        url = f"http://127.0.0.1:{self.port}"
        env.update(http_proxy=url, https_proxy=url, HTTPS_PROXY=url, no_proxy="")
        return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=seconds, env=env, cwd=self.folder)

    def curl_proxied(self, *arguments):
        return self.program("curl", "-sS", "--max-time", "20", *arguments)


class Clients(ForwardProxy):
    """Each is told http_proxy and asks for http://api.example/; the origin sees our certificate."""

    def setUp(self):
        super().setUp()
        self.proxy(self.origin())

    def assert_identified(self, text):
        subject, host, method = text.strip().split("|")
        self.assertIn("CN=client1", subject)
        self.assertEqual("api.example", host)
        self.assertEqual("GET", method)

    def test_curl(self):
        done = self.curl_proxied("http://api.example/")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assert_identified(done.stdout)

    def test_curl_with_connect(self):
        done = self.curl_proxied("--proxytunnel", "http://api.example/one", "http://api.example/two")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(2, done.stdout.count("CN=client1"), done.stdout)

    def test_wget(self):
        done = self.program("wget", "-q", "-O", "-", "--tries=1", "http://api.example/")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assert_identified(done.stdout)

    def test_apt(self):
        if not APT_HELPER.exists():
            self.skipTest("no apt here")
        target = self.folder / "downloaded"
        done = self.program(APT_HELPER, "-o", "APT::Sandbox::User=", "-o", f"Dir::Etc={self.folder}/none", "download-file",
                            "http://api.example/pool/x.deb", target)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assert_identified(target.read_text())

    def test_urllib(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": f"http://127.0.0.1:{self.port}"}))
        with opener.open("http://api.example/", timeout=20) as answer:
            self.assert_identified(answer.read().decode())

    def test_http_client_keeps_its_connection(self):
        app = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        for _ in range(20):
            app.request("GET", "http://api.example/", headers={"Host": "api.example"})
            self.assert_identified(app.getresponse().read().decode())
        app.close()
        self.assertEqual(1, len({row[0] for row in self.nginx_access()}))

    def test_http_client_with_a_tunnel(self):
        app = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        app.set_tunnel("api.example", 80)
        for _ in range(3):
            app.request("GET", "/")
            self.assert_identified(app.getresponse().read().decode())
        app.close()

    def test_a_request_for_a_server_is_served_too(self):
        answer = self.curl("-H", "Host: api.example", f"http://127.0.0.1:{self.port}/")
        self.assertEqual(200, answer.status, answer.text)


class Direct(ForwardProxy):
    def test_a_listed_host_is_reached_without_tls_and_others_are_not(self):
        plain, other = peers.Backend(self), peers.Backend(self)
        self.proxy(self.origin(), f'direct = [ "127.0.0.1:{plain.port}" ];')
        done = self.curl_proxied(f"http://127.0.0.1:{plain.port}/x")
        self.assertIn("GET /x HTTP/1.1", done.stdout, done.stderr)
        self.assertEqual([f"127.0.0.1:{plain.port}"], plain.requests[0].exactly("host"))
        self.assertEqual([], [n for n, _ in plain.requests[0].fields if "ssl" in n.lower() or "cert" in n.lower()])
        done = self.curl_proxied(f"http://127.0.0.1:{other.port}/x")
        self.assertIn("address_not_allowed", done.stdout)
        self.assertEqual(0, other.accepted)

    def test_no_way_leads_to_loopback_unless_listed(self):
        """E3: with every host allowed, an address is looked at after its name was resolved."""
        secret = peers.Backend(self)
        self.proxy(self.origin(), 'unmatched = "direct";')
        for host in ("127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.0.0.2", "127.1", "0x7f.1", "2130706433", "0177.0.0.1",
                     "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "[64:ff9b::7f00:1]", "169.254.169.254"):
            for method, target in (("GET", f"http://{host}:{secret.port}/"), ("CONNECT", f"{host}:{secret.port}")):
                with self.subTest(host=host, method=method), peers.connect(self.port) as app:
                    app.sendall(f"{method} {target} HTTP/1.1\r\nHost: {host}:{secret.port}\r\n\r\n".encode())
                    if method == "CONNECT":
                        begin = app.recv(13)
                        if begin.startswith(b"HTTP/1.1 200"):
                            app.sendall(b"\x16\x03\x01\x00\x05hello")
                            self.assertNotIn(b"GET", peers.read_all(app)[0])
                            continue
                        self.assertTrue(begin.startswith(b"HTTP/1.1 4"), begin)
                    else:
                        status, _, body, _ = peers.response(app, method)
                        self.assertIn(status, (400, 403, 502), body)
        self.assertEqual(0, secret.accepted)

    def test_it_does_not_connect_to_itself(self):
        self.proxy(self.origin(), f'direct = [ "127.0.0.1", "localhost" ]; connect = "tunnel";')
        done = self.curl_proxied("--proxytunnel", f"http://127.0.0.1:{self.port}/")
        self.assertIn("403", done.stderr)

    def test_no_name_leads_to_a_listener_of_its_own(self):
        """E3: neither back to the proxy nor to its neighbour, which would take it for a local program."""
        backend, other = peers.Backend(self), free_port()
        self.daemon(f"""
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{backend.port}" ]; }}; }};
            listeners = {{ other = {{ bind = "127.0.0.1:{other}"; upstream = "app"; }};
                proxy = {{ bind = "127.0.0.1:{self.port}"; upstream = "app";
                    forward_proxy = {{ direct = [ "127.0.0.1", "localhost" ]; connect = "tunnel"; }}; }}; }};
        """, [self.port, other])
        for host, port in (("localhost", self.port), ("127.0.0.1", self.port), ("localhost", other), ("127.0.0.1", other)):
            with self.subTest(host=host, port=port), peers.connect(self.port) as app:
                app.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
                status, _, body, _ = peers.response(app)
                self.assertEqual(403, status, body)
                self.assertIn(b"address_not_allowed", body)
        with peers.connect(self.port) as app:
            app.sendall(f"CONNECT localhost:{backend.port} HTTP/1.1\r\nHost: localhost:{backend.port}\r\n\r\n".encode())
            self.assertTrue(app.recv(13).startswith(b"HTTP/1.1 200"), "what is no listener is reached")
        harness.wait_for(lambda: backend.accepted, "the accepted connection") # after the answer to CONNECT, on a busy machine
        self.assertEqual(1, backend.accepted)


class Connect(ForwardProxy):
    def tls_server(self):
        context = peers.server_context(self.pki.server())
        return peers.tls_server(self, context, lambda server, c: c.sendall(b"banner" + peers.read_until(c, b"\n")))

    def talk_tls(self, host, port):
        """CONNECT, TLS inside, one line; gives what came back."""
        with peers.connect(self.port) as raw:
            raw.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            head = peers.read_until(raw, b"\r\n\r\n")
            self.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
            context = peers.client_context(self.pki.ca("root"))
            with context.wrap_socket(raw, server_hostname="localhost") as app:
                app.sendall(b"line\n")
                return peers.read_all(app)[0]

    def test_tls_to_a_listed_host_passes_untouched(self):
        for connect in ("sniff", "tunnel"):
            with self.subTest(connect=connect):
                server = self.tls_server()
                self.port = free_port()
                self.proxy(9, f'connect = "{connect}"; direct = [ "localhost:{server.port}" ];')
                self.assertEqual(b"bannerline\n", self.talk_tls("localhost", server.port))

    def test_tls_to_a_routes_host_is_refused_with_words(self):
        origin = self.origin()
        self.proxy(origin)
        with self.assertRaises(ssl.SSLError) as refused:
            self.talk_tls("api.example", 443)
        self.assertIn("ACCESS_DENIED", str(refused.exception).upper().replace(" ", "_"))
        wait_for(lambda: "tls_in_tunnel" in self.mtlsd.log, "the refusal in the log")
        self.assertIn("http://", self.mtlsd.log)
        self.assertEqual([], self.nginx_access())

    def test_refuse(self):
        self.proxy(self.origin(), 'connect = "refuse";')
        done = self.curl_proxied("--proxytunnel", "http://api.example/")
        self.assertIn("403", done.stderr)
        done = self.curl_proxied("http://api.example/")
        self.assertIn("CN=client1", done.stdout)

    def test_a_server_that_speaks_first(self):
        server = peers.Server(self, lambda s, c: c.sendall(b"220 ready\r\n") or c.sendall(peers.read_until(c, b"\n")))
        self.proxy(9, f'direct = [ "127.0.0.1:{server.port}" ];')
        with peers.connect(self.port) as app:
            app.sendall(f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
            self.assertTrue(peers.read_until(app, b"220 ready\r\n").startswith(b"HTTP/1.1 200 "))
            app.sendall(b"EHLO me\n")
            self.assertEqual((b"EHLO me\n", "eof"), peers.read_all(app))

    def test_a_large_tunnel_is_exact_and_half_open(self):
        """D4, D6: 20 MB each way, the client's end first."""
        size = 20 * 1000 * 1000

        def count_then_send(server, connection):
            server.count = 0
            while piece := connection.recv(1 << 16):
                server.count += len(piece)
            connection.sendall(bytes(size))
        server = peers.Server(self, count_then_send)
        self.proxy(9, f'connect = "tunnel"; direct = [ "127.0.0.1:{server.port}" ];')
        with peers.connect(self.port) as app:
            app.sendall(f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
            peers.read_until(app, b"\r\n\r\n")
            app.sendall(bytes(size))
            app.shutdown(socket.SHUT_WR)
            data, end = peers.read_all(app)
        self.assertEqual((size, "eof", size), (len(data), end, server.count))


class Chained(ForwardProxy):
    """Corporate egress: an upstream that is only reached through another HTTP proxy."""

    def injector_through(self, origin, corporate):
        return self.injector(f"localhost:{origin}", upstream=f'proxy = "127.0.0.1:{corporate}";')

    def test_our_tls_goes_through_a_proxy_of_our_own_kind(self):
        origin = self.origin()
        self.proxy(9, f'connect = "tunnel"; direct = [ "localhost:{origin}" ];')
        port = self.injector_through(origin, self.port)
        for _ in range(3):
            answer = self.curl(f"http://127.0.0.1:{port}/")
            self.assertEqual(200, answer.status, answer.text)
            self.assertIn("CN=client1", answer.text)
        self.assertEqual(1, len({row[0] for row in self.nginx_access()}))

    def test_what_the_proxy_refuses_is_told(self):
        self.proxy(9, 'connect = "tunnel";')
        port = self.injector_through(1, self.port)
        document = self.assert_problem(self.curl(f"http://127.0.0.1:{port}/"), 502, "proxy_refused", "peer")
        self.assertIn("403", document["detail"])

    def test_check_goes_the_same_way(self):
        origin = self.origin()
        self.proxy(9, f'connect = "tunnel"; direct = [ "localhost:{origin}" ];')
        path = self.config(self.injector_text(free_port(), f"localhost:{origin}", upstream=f'proxy = "127.0.0.1:{self.port}";'), "far.conf")
        done = self.command("check", "-c", path, "--connect")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        path = self.config(self.injector_text(free_port(), "localhost:1", upstream=f'proxy = "127.0.0.1:{self.port}";'), "refused.conf")
        done = self.command("check", "-c", path, "--connect")
        self.assertEqual(4, done.returncode, done.stdout + done.stderr)
        self.assertIn("answered 403", done.stdout + done.stderr)

    def test_an_answer_with_content_behind_it_is_refused(self):
        """B2: what stands behind the proxy's answer never reaches the app."""
        def answer(server, connection):
            peers.read_until(connection, b"\r\n\r\n")
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            server.record(peers.read_all(connection)[0])
        corporate = peers.Server(self, answer)
        port = self.injector_through(443, corporate.port)
        self.assert_problem(self.curl(f"http://127.0.0.1:{port}/"), 502, "upstream_protocol")
        self.assertNotIn(b"GET", bytes(corporate.received))


class Told(harness.Case):
    """PROXY headers between an injector, a verifier and a backend that understands them."""

    def test_the_app_is_told_through_two_hops(self):
        seen = peers.Server(self, lambda s, c: (s.record(peers.read_until(c, b"\r\n\r\n")), c.sendall(peers.reply(b"ok"))))
        inner, outer = free_port(), free_port()
        self.daemon(self.verifier_text(inner, seen.port, listener="accept_proxy_protocol = true;").replace(
            f'"127.0.0.1:{seen.port}" ];', f'"127.0.0.1:{seen.port}" ]; send_proxy_protocol = "v1";'), [inner], name="verifier")
        self.daemon(self.injector_text(outer, f"localhost:{inner}", upstream='send_proxy_protocol = "v2";'), [outer], name="injector")
        with socket.create_connection(("127.0.0.1", outer), 20, ("127.0.0.77", 0)) as app:
            app.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            status, _, body, _ = peers.response(app)
        self.assertEqual((200, b"ok"), (status, body))
        self.assertTrue(bytes(seen.received).startswith(b"PROXY TCP4 127.0.0.77 127.0.0.1 "), bytes(seen.received))
        self.assertIn(b"X-Forwarded-For: 127.0.0.77\r\n", bytes(seen.received))

    def test_check_says_that_it_comes_for_itself(self):
        verifier = free_port()
        backend = peers.Backend(self)
        self.daemon(self.verifier_text(verifier, backend.port, listener="accept_proxy_protocol = true;"), [verifier], name="verifier")
        for version in ("v1", "v2"):
            path = self.config(self.injector_text(free_port(), f"localhost:{verifier}", upstream=f'send_proxy_protocol = "{version}";'),
                               f"{version}.conf")
            done = self.command("check", "-c", path, "--connect")
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_a_caller_without_a_header_gets_nothing(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port, listener="accept_proxy_protocol = true;")
        answer = self.curl_tls(port)
        self.assertEqual(0, answer.status)
        self.assertEqual(0, backend.accepted)
        answer = self.curl_tls(port, "--haproxy-protocol")
        self.assertEqual(200, answer.status, answer.error)


if __name__ == "__main__":
    harness.main()
