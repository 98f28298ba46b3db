# SPDX-License-Identifier: Apache-2.0
"""`mtlsd explain` names the line that decides, as text and as JSON, without a connection."""
import json
import re
import socket
import ssl

import harness
import peers

FINE, _, USAGE, REFUSED = range(4)

ROUTES = """
    { cert = "none"; path = "/help"; redirect = "/nocert"; },
    { cert = "none"; respond = 401; },
    { path = "/admin"; allow = ( { ou = "ops"; } ); upstream = "app"; strip_prefix = "/admin"; set_headers = { X-Role = "admin"; };
      remove_headers = [ "X-Debug" ]; },
    { host = "*.tests.example"; method = [ "POST" ]; caller = ( { uri = "spiffe://tests.example/**"; } ); upstream = "far"; },
    { upstream = "app"; }
"""


class Explain(harness.Case):
    def setUp(self):
        super().setUp()
        self.ops = self.pki.leaf("ops", subject=[("OU", "ops"), ("CN", "ops1")], eku=("clientAuth",))
        self.old = self.pki.leaf("old-ops", subject=[("OU", "ops"), ("CN", "old")], eku=("clientAuth",), start=-10, days=5)
        self.conf = self.config(f"""
            identities = {{ me = {{ bundle = "{self.pki.server().pem}"; }}; us = {{ bundle = "{self.pki.client().pem}"; }}; }};
            trusts = {{ clients = {{ ca = "{self.pki.ca("root").crt}"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:1", "127.0.0.1:2" ]; }};
                far = {{ targets = [ "far.example:443" ]; tls = {{ identity = "us"; trust = "clients"; }}; }}; }};
            listeners = {{
              public = {{ bind = "127.0.0.1:8443"; identity_headers = [ "x-ssl" ];
                tls = {{ identity = "me"; trust = "clients"; client_cert = "optional"; }}; routes = ({ROUTES}); }};
              local = {{ bind = "127.0.0.1:8080"; upstream = "far"; }};
              raw = {{ bind = "127.0.0.1:9443"; protocol = "tcp"; tls = {{ identity = "me"; trust = "clients"; }};
                allow = ( {{ ou = "ops"; }} ); upstream = "app"; }};
            }};""")

    def line_of(self, text):
        """FILE:LINE of the route that holds a text."""
        lines = self.conf.read_text().splitlines()
        return f"{self.conf}:{next(i for i, line in enumerate(lines, 1) if text in line)}"

    def explain(self, *arguments, code=FINE):
        done = self.command("explain", "-c", self.conf, *arguments)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done

    def ask(self, request, *arguments, listener="public"):
        return json.loads(self.explain("--listener", listener, "--request", request, "--json", *arguments).stdout)

    def test_a_page_of_our_own_is_not_forwarded(self):
        path = self.folder / "pages.conf"
        path.write_text('listeners = { a = { bind = "127.0.0.1:8080"; routes = ( { path = "/m"; serve = "metrics"; }, { path = "/h"; serve = "health"; } ); }; };')
        for asked, page in (("/m", "metrics"), ("/h/livez", "health")):
            arguments = ("explain", "-c", path, "--request", f"GET http://127.0.0.1:8080{asked}")
            self.assertIn(f'answer      {path}:1  answered by mtlsd itself (serve = "{page}")\n', self.command(*arguments).stdout)
            self.assertEqual({"action": "serve", "where": f"{path}:1", "page": page}, json.loads(self.command(*arguments, "--json").stdout)["answer"])

    def test_people_see_the_deciding_line_and_why_not_the_others(self):
        text = self.explain("--request", "GET https://localhost:8443/admin/x?y", "--cert", self.ops.crt, "--header", "X-SSL-Client-CN: root").stdout
        self.assertRegex(text, rf"(?m)^ +{re.escape(self.line_of('/admin'))}  DECIDES$")
        self.assertIn('its allow accepts this client: { ou = "ops" } holds', text)
        self.assertIn('no match: path "/admin/x" is not "/help" or below it', text)
        self.assertIn(f"answer      {self.line_of('/admin')}  forwarded to upstream app", text)
        self.assertIn("127.0.0.1:1, 127.0.0.1:2", text)
        for change in ("as GET /x?y, Host as it came", "strips /admin", "sets X-Role: admin", "removes X-Debug", "drops X-SSL-Client-CN",
                       "adds the identity fields of x-ssl"):
            self.assertIn(change, text)

    def test_a_request_by_http2_is_explained_as_the_gate_sees_it(self):
        socket_of = json.loads(self.explain("--request", "CONNECT https://localhost:8443/admin/chat", "--http2", "--cert", self.ops.crt, "--json").stdout)
        get_of = json.loads(self.explain("--request", "GET https://localhost:8443/admin/chat", "--cert", self.ops.crt, "--json").stdout)
        self.assertEqual(get_of, socket_of)
        self.assertIn("HTTP/1.1 only", self.explain("--listener", "local", "--request", "CONNECT a.example:443", "--http2", code=USAGE).stderr)
        self.assertIn("--request", self.explain("--cert", self.ops.crt, "--listener", "public", "--http2", code=USAGE).stderr)

    def test_programs_see_the_same(self):
        answer = self.ask("GET /admin/x?y", "--cert", self.ops.crt)
        self.assertEqual({"name": "public", "where": self.line_of("public =")}, answer["listener"])
        self.assertEqual("valid", answer["certificate"]["status"])
        self.assertEqual([False, False, True, False, False], [route["decides"] for route in answer["routes"]])
        self.assertEqual(["path", "cert", None, "host", None], [route["differs_in"] for route in answer["routes"]])
        self.assertEqual(["cert", "cert", None, "caller", None], [route["caller_differs_in"] for route in answer["routes"]])
        self.assertEqual("open", answer["routes"][2]["gate"])
        final = answer["answer"]
        self.assertEqual(("forward", self.line_of("/admin"), "app", "/x?y", {"X-Role": "admin"}, ["X-Debug"]),
                         (final["action"], final["where"], final["upstream"], final["target"], final["set_headers"], final["remove_headers"]))

    def test_answers(self):
        client, ops, old = self.pki.client().crt, self.ops.crt, self.old.crt
        for request, cert, fields, expected in (
                ("GET /help/me", None, (), {"action": "redirect", "status": 302, "location": "/nocert"}),
                ("GET /", None, (), {"action": "respond", "status": 401}),
                ("GET /admin", client, (), {"action": "refuse", "stage": "routes", "reason": "not_allowed", "status": 403}),
                ("GET /%61dmin;x", client, (), {"action": "refuse", "stage": "routes", "reason": "not_allowed", "status": 403}),
                ("GET /x/../admin", client, (), {"action": "refuse", "stage": "path", "reason": "request_malformed", "status": 400}),
                ("GET /", old, (), {"action": "refuse", "stage": "handshake", "reason": "expired", "alert": 45}),
                ("POST /x", client, ("Host: a.tests.example",), {"action": "forward", "upstream": "far", "targets": ["far.example:443"]}),
                ("POST /x", ops, ("Host: a.tests.example",), {"action": "forward", "upstream": "app"}),
                ("GET /", client, ("Transfer-Encoding: x",), {"action": "refuse", "stage": "request", "reason": "request_malformed"}),
                ("CONNECT a.example:443", client, (), {"action": "refuse", "stage": "routes", "reason": "method_unknown"})):
            with self.subTest(request=request, cert=cert and cert.name):
                arguments = [part for field in fields for part in ("--header", field)] + (["--cert", cert] if cert else [])
                answer = self.ask(request, *arguments)["answer"]
                self.assertEqual(expected, {key: answer.get(key) for key in expected})

    def test_a_browser_is_told_which_key_would_let_it(self):
        answer = self.ask("GET http://evil.example:8080/", listener="local")["answer"]
        self.assertEqual(("refuse", "browser", "host_not_allowed"), (answer["action"], answer["stage"], answer["reason"]))
        self.assertIn("hosts of listener local", answer["detail"])
        answer = self.ask("GET /", "--header", "Origin: https://evil.example", listener="local")["answer"]
        self.assertIn("allow_origins of listener local", answer["detail"])

    def test_a_certificate_alone_is_held_against_every_route(self):
        answer = json.loads(self.explain("--listener", "public", "--cert", self.pki.client().crt, "--json").stdout)
        self.assertEqual(["cert", "cert", None, None, None], [route["caller_differs_in"] for route in answer["routes"]])
        self.assertEqual("shut", answer["routes"][2]["gate"])
        self.assertEqual("none", answer["answer"]["action"])
        text = self.explain("--listener", "raw", "--cert", self.pki.client().crt).stdout
        self.assertIn('{ ou = "ops" }: ou does not hold', text)
        self.assertIn("alert access_denied (49), not_allowed", text)

    def test_the_moment_can_be_chosen(self):
        answer = self.ask("GET /", "--cert", self.ops.crt, "--at", "2999-01-01")
        self.assertEqual("expired", answer["answer"]["reason"])

    def test_the_listener_is_found_by_the_address(self):
        for url, listener in (("http://127.0.0.1:8080/", "local"), ("https://localhost:8443/", "public")):
            answer = json.loads(self.explain("--request", f"GET {url}", "--json").stdout)
            self.assertEqual(listener, answer["listener"]["name"])

    def test_nothing_of_a_request_reaches_the_terminal_raw(self):
        text = self.explain("--listener", "public", "--request", "GET /\x1b[31mred", "--cert", self.ops.crt).stdout
        self.assertNotIn("\x1b", text)
        text = self.explain("--listener", "public", "--request", "GET /", "--header", "Origin: \x1b[31m").stdout
        self.assertNotIn("\x1b", text)

    def test_usage(self):
        for arguments, says in (((), "--request"),
                                (("--header", "a: b", "--listener", "local"), "--request"),
                                (("--request", "GET /"), "local"),
                                (("--request", "GET /", "--listener", "pubic"), "pubic"),
                                (("--request", "GET", "--listener", "local"), "METHOD TARGET"),
                                (("--request", "GET /", "--listener", "local", "--header", "x"), "Name: value"),
                                (("--request", "GET /", "--listener", "raw"), "tcp"),
                                (("--cert", self.ops.crt), "--listener"),
                                (("--listener", "raw", "--cert", self.ops.crt, "--at", "noon"), "noon")):
            with self.subTest(arguments=arguments):
                self.assertIn(says, self.explain(*arguments, code=USAGE).stderr)

    def test_a_configuration_or_file_that_cannot_be_used(self):
        self.assertIn("none.pem", self.explain("--listener", "raw", "--cert", self.folder / "none.pem", code=REFUSED).stderr)
        empty = self.write("empty.pem", "nothing")
        self.assertIn("empty.pem", self.explain("--listener", "raw", "--cert", empty, code=REFUSED).stderr)
        self.conf = self.config("listeners = { a = { bindd = \"127.0.0.1:1\"; }; };", "bad.conf")
        self.assertIn("bad.conf:", self.explain("--request", "GET /", code=REFUSED).stderr)


class AsItHappens(harness.Case):
    """What explain says is what the daemon then does: the same requests are asked about and sent."""

    def setUp(self):
        super().setUp()
        self.ops = self.pki.leaf("ops", subject=[("OU", "ops"), ("CN", "ops1")], eku=("clientAuth",))
        self.backend, self.tls, self.local, self.neat, self.proxy, self.lenient = (harness.free_port() for _ in range(6))
        self.old = self.pki.leaf("old-ops", subject=[("OU", "ops"), ("CN", "old")], eku=("clientAuth",), start=-10, days=5)
        self.nginx(f"""server {{ listen 127.0.0.1:{self.backend}; merge_slashes off;
            location / {{ return 200 "$request_uri $http_host $http_x_role"; }} }}""", [self.backend])
        self.mtlsd = self.daemon(f"""
            identities = {{ me = {{ bundle = "{self.pki.server().pem}"; }}; }};
            trusts = {{ clients = {{ ca = "{self.pki.ca("root").crt}"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend}" ]; }}; }};
            listeners = {{
              public = {{ bind = "127.0.0.1:{self.tls}"; tls = {{ identity = "me"; trust = "clients"; client_cert = "optional"; }};
                routes = (
                  {{ cert = "none"; path = "/help"; redirect = "/nocert"; redirect_status = 307; }},
                  {{ cert = "none"; respond = 401; }},
                  {{ path = "/admin"; allow = ( {{ ou = "ops"; }} ); upstream = "app"; strip_prefix = "/admin"; set_headers = {{ X-Role = "admin"; }}; }},
                  {{ host = "*.tests.example"; method = [ "DELETE" ]; respond = 405; }},
                  {{ host = "lit.example"; upstream = "app"; set_host = "lit.internal"; }},
                  {{ caller = ( {{ ou = "ops"; }} ); path = "/ops/"; respond = 410; }},
                  {{ path = "/x"; upstream = "app"; }} ); }};
              local = {{ bind = "127.0.0.1:{self.local}"; upstream = "app"; }};
              neat = {{ bind = "127.0.0.1:{self.neat}"; normalize_path = true;
                routes = ( {{ path = "/a"; upstream = "app"; strip_prefix = "/a"; set_host = "preserve"; }}, {{ respond = 404; }} ); }};
              lenient = {{ bind = "127.0.0.1:{self.lenient}"; tls = {{ identity = "me"; trust = "clients"; client_cert = "optional"; tolerate = [ "expired" ]; }};
                routes = ( {{ cert = "expired"; path = "/renew"; upstream = "app"; }}, {{ cert = "error"; redirect = "/renew"; }},
                           {{ cert = "none"; respond = 401; }}, {{ upstream = "app"; }} ); }};
              proxy = {{ bind = "127.0.0.1:{self.proxy}"; forward_proxy = {{ direct = [ "127.0.0.1:{self.backend}", "127.0.0.1:{self.proxy}" ]; }};
                routes = ( {{ host = "a.example"; upstream = "app"; }}, {{ path = "/own"; respond = 410; }} ); }};
            }};""", [self.tls, self.local, self.neat, self.proxy, self.lenient])

    def send(self, port, head, certificate):
        """Status, Location and body of the answer."""
        connection = socket.create_connection(("127.0.0.1", port), 10)
        if port in (self.tls, self.lenient):
            context = ssl.create_default_context(cafile=self.pki.ca("root").crt)
            if certificate:
                context.load_cert_chain(certificate.pem)
            connection = context.wrap_socket(connection, server_hostname="localhost")
        with connection:
            connection.sendall(head.encode())
            if head.startswith("CONNECT") and port == self.proxy:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            while more := connection.recv(65536):
                answer += more
        head, _, body = answer.decode().partition("\r\n\r\n")
        location = re.search(r"(?mi)^location: (.*?)\r?$", head)
        return int(head.split()[1]), location and location[1], body

    def compare(self, listener, port, target, fields=(), certificate=None):
        method, _, path = target.partition(" ")
        fields = [*fields] if any(f.startswith("Host:") for f in fields) else ["Host: 127.0.0.1:%d" % port, *fields]
        arguments = [word for field in fields for word in ("--header", field)] + (["--cert", certificate.crt] if certificate else [])
        done = self.command("explain", "-c", self.mtlsd.config_path, "--listener", listener, "--request", target, "--json", *arguments)
        self.assertEqual(FINE, done.returncode, done.stderr)
        said = json.loads(done.stdout)["answer"]
        head = "".join(line + "\r\n" for line in (f"{method} {path} HTTP/1.1", *fields, "Connection: close", ""))
        status, location, body = self.send(port, head, certificate)
        if said["action"] == "forward":
            host = said["host"] or next(f for f in fields if f.startswith("Host:"))[6:]
            role = said["set_headers"].get("X-Role", "")
            self.assertEqual((200, f"{said['target']} {host} {role}"), (status, body))
        elif said["action"] in ("direct", "tunnel"):
            self.assertEqual(200, status)
        else:
            self.assertEqual((said["status"], said.get("location")), (status, location))
        return said["action"]

    def test_explain_and_the_daemon_agree(self):
        seen = set()
        host, other = ("Host: a.tests.example",), ("Host: lit.example",)
        for certificate in (None, self.pki.client(), self.ops):
            for target, fields in (("GET /help", ()), ("GET /x", ()), ("GET /admin/x?y=1", ()), ("GET /%61dmin;p/x", ()), ("GET /admin", ()),
                                   ("GET /administrator", ()), ("GET /x/../admin", ()), ("GET //x", ()), ("GET /x/%2e%2e/admin", ()),
                                   ("GET /x%2fy", ()), ("GET /x;a=b/c", ()), ("DELETE /x", host), ("GET /x", host), ("GET /", other),
                                   ("GET /ops/a", ()), ("GET /ops", ()), ("GET /y", ()), ("OPTIONS *", ()), ("GET http://lit.example/", other),
                                   ("CONNECT a.example:443", ("Host: a.example:443",)), ("GET /x", ("Expect: much",)), ("GET /x#y", ())):
                with self.subTest(target=target, fields=fields, certificate=certificate and certificate.stem):
                    seen.add(self.compare("public", self.tls, target, fields, certificate))
        self.assertEqual({"forward", "redirect", "respond", "refuse"}, seen)

    def test_they_agree_about_browsers(self):
        own = f"http://127.0.0.1:{self.local}"
        seen = set()
        for fields in ((), (f"Origin: {own}",), ("Origin: null",), ("Origin: http://evil.example",), ("Host: evil.example",), ("Host: localhost",),
                       ("Host: 127.0.0.1:1",), (f"Host: 127.1:{self.local}",), ("Sec-Fetch-Site: cross-site",), ("Sec-Fetch-Site: none",),
                       (f"Referer: {own}/x",), ("Referer: http://evil.example/",), ("Access-Control-Request-Private-Network: true",)):
            with self.subTest(fields=fields):
                seen.add(self.compare("local", self.local, "GET /a//b", fields))
        self.assertEqual({"forward", "refuse"}, seen)

    def test_they_agree_about_a_forward_proxy(self):
        seen = set()
        for target in ("GET http://a.example/x?y", "GET http://a.example:81/", "GET http://b.example/", "GET http://127.0.0.1:%d/x" % self.backend,
                       "GET http://127.0.0.2:%d/" % self.backend, "GET http://127.1:%d/" % self.backend, "GET http://127.0.0.1:%d/" % self.proxy,
                       "GET /own", "GET /", "CONNECT a.example:443", "CONNECT b.example:443", "CONNECT 127.0.0.1:%d" % self.backend):
            with self.subTest(target=target):
                host = re.search(r"(?:http://|CONNECT )([^/]+)", target)
                seen.add(self.compare("proxy", self.proxy, target, (f"Host: {host[1]}",) if host else ()))
        self.assertEqual({"forward", "direct", "tunnel", "respond", "refuse"}, seen)

    def test_they_agree_about_tolerated_certificates(self):
        seen = set()
        for certificate in (None, self.old, self.ops):
            for path in ("/renew", "/x"):
                with self.subTest(path=path, certificate=certificate and certificate.stem):
                    seen.add(self.compare("lenient", self.lenient, f"GET {path}", (), certificate))
        self.assertEqual({"forward", "redirect", "respond"}, seen)

    def test_they_agree_about_rewritten_paths(self):
        for path in ("/a", "/a/b?c", "/b/../a/./c?d", "/%61/%63", "/a//b", "/a/%2f", "/b", "/a;x/../b", "/a/..;/b", "/..", "/a/."):
            with self.subTest(path=path):
                self.compare("neat", self.neat, f"GET {path}")

    def test_they_agree_about_loops(self):
        for n in (10, 11):
            with self.subTest(n):
                said = self.compare("proxy", self.proxy, "GET http://a.example/x", ("Host: a.example", *("Via: 1.1 mtlsd",) * n))
                self.assertEqual("forward" if n == 10 else "refuse", said)


class ThreeAnswers(harness.Case):
    """C9, B5: explain, a request, and the judgement of what runs after a reload are one function, so they give one answer."""

    RULES = """routes = ( { path = "/admin"; allow = ( { ou = "ops"; } ); upstream = "app"; },
        { path = "/gone"; respond = 410; },
        { host = "*.closed.example"; deny = true; },
        { caller = ( { ou = "ops"; } ); path = "/only"; respond = 403; },
        { path = "/try"; allow = ( { ou = "ops"; } ); allow_log_only = true; upstream = "app"; },
        { method = "GET"; upstream = "app"; } );"""
    REQUESTS = [*((target, "localhost") for target in ("/chat", "/admin", "/ADMIN/x", "/%2561dmin", "/x/../admin", "//admin", "/gone/", "/only", "/try")),
                *(("/chat", host) for host in ("X.CLOSED.example.", "closed.example"))]

    def text(self, rules):
        text = f'admin = {{ socket = "unix:{self.folder}/admin.sock"; }};\n' + self.verifier_text(self.port, self.backend.port)
        return text.replace('upstream = "app";\n', rules + "\n", 1)

    def setUp(self):
        super().setUp()
        self.ops = self.pki.leaf("ops", subject=[("OU", "ops"), ("CN", "ops1")], eku=("clientAuth",))
        self.backend = peers.Server(self, self.switch)
        self.port = harness.free_port()
        self.mtlsd = self.daemon(self.text('upstream = "app";'), [self.port])

    @staticmethod
    def switch(server, connection):
        """Grants every upgrade, then echoes."""
        peers.read_until(connection, b"\r\n\r\n")
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        while data := connection.recv(4096):
            connection.sendall(data)

    def open(self, target, host, certificate):
        context = peers.client_context(self.pki.ca("root"), certificate)
        connection = context.wrap_socket(peers.connect(self.port), server_hostname="localhost")
        self.addCleanup(connection.close)
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n".encode())
        head = peers.read_until(connection, b"\r\n\r\n")
        return connection, int(head.split()[1])

    @staticmethod
    def lives(connection):
        try:
            connection.sendall(b"hello")
            return connection.recv(5) == b"hello"
        except OSError:
            return False

    def test_explain_a_request_and_what_runs_after_a_reload_agree(self):
        asked = [(target, host, certificate) for target, host in self.REQUESTS for certificate in (self.pki.client(), self.ops)]
        running = [self.open(*request) for request in asked]
        self.assertEqual({101}, {status for _, status in running})
        self.mtlsd.config_path.write_text('workers = 1; drain_timeout = "2s";\n' + self.text(self.RULES))
        done = self.command("reload", "-c", self.mtlsd.config_path)
        self.assertEqual(0, done.returncode, done.stderr)
        seen = set()
        for (target, host, certificate), (connection, _) in zip(asked, running):
            with self.subTest(target=target, host=host, certificate=certificate.stem):
                done = self.command("explain", "-c", self.mtlsd.config_path, "--listener", "public", "--request", f"GET {target}", "--header", f"Host: {host}",
                                    "--cert", certificate.crt, "--json")
                action = json.loads(done.stdout)["answer"]["action"]
                status = self.open(target, host, certificate)[1]
                self.assertEqual((action == "forward", action == "forward"), (status == 101, self.lives(connection)), f"{action} {status}")
                seen.add((action, status))
        self.assertEqual({("forward", 101), ("refuse", 400), ("refuse", 403), ("respond", 403), ("respond", 410)}, seen)


if __name__ == "__main__":
    harness.unittest.main()
