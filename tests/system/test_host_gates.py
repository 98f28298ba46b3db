# SPDX-License-Identifier: Apache-2.0
"""A15: a malformed host matches no rule and reaches no backend, although nginx, Apache and HAProxy serve ".ops.example" as "*.ops.example"."""
import subprocess

import harness
import peers
import web_servers

LABEL = "a" * 64
MALFORMED = [
    b".ops.example", b"..ops.example", b"a..ops.example", b"x.ops.example..", b"*.ops.example", b"a*.ops.example", b".", b"..", b"%61.ops.example",
    b"%2e.ops.example", b"\x01.ops.example", b"a\x7f.ops.example", b"\xc3\xa4.ops.example", b"\xef\xbc\x8eops.example", b"a\t.ops.example", b"a b.ops.example",
    LABEL.encode() + b".ops.example", b"a." * 122 + b"ops.example", b"a,b.ops.example", b"a@x.ops.example", b"a/.ops.example", b"a\\.ops.example", b"~.ops.example",
    b"[x.ops.example]", b"[::1].ops.example", b"[1:2]", b"x.ops.example:0", b"x.ops.example:65536", b"x.ops.example:80:80", b".ops.example:443", b":443", b"",
    b"x.ops.example#", b"x.ops.example?", b"\"x.ops.example\"", b"(x).ops.example", b"x;y.ops.example",
]
GATED = [b"x.ops.example", b"X.OPS.example", b"x.ops.example.", b"x.ops.example:443", b"x.ops.example.:00443", b"a.b.ops.example", b"a_b.ops.example",
         b"-.ops.example", b"xn--4ca.ops.example", b"x.ops.example:"]
ROUTES = """routes = ( { host = "*.ops.example"; allow = ( { cn = "nobody" } ); upstream = "app"; },
                       { host = "*.closed.example"; deny = true; }, { upstream = "app"; } );"""


def request(host, form="origin"):
    if form == "absolute":
        return b"GET http://" + host + b"/ HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
    if form == "1.0":
        return b"GET / HTTP/1.0\r\nHost: " + host + b"\r\n\r\n"
    return b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"


def farm(case):
    """Ports of servers that answer "ops" for *.ops.example and "other" for everything else."""
    return {
        "nginx": web_servers.nginx(case, 'server_name other.example; return 200 "other";', 'server_name *.ops.example; return 200 "ops";'),
        "haproxy": web_servers.haproxy(case, """http-request return status 200 content-type text/plain string "ops" if { hdr(host),field(1,:) -i -m end .ops.example }
          http-request return status 200 content-type text/plain string "other" """),
        "apache": web_servers.apache(case, {"other.example": "other", "*.ops.example": "ops"}),
    }


class Hosts(harness.Case):
    def ask(self, port, raw, certificate=True, name=None):
        context = peers.client_context(self.pki.ca("root"), self.pki.client() if certificate else None)
        context.check_hostname = False
        with context.wrap_socket(peers.connect(port), server_hostname=name or "localhost") as connection:
            connection.sendall(raw)
            status, _, body, _ = peers.response(connection)
            return status, body

    def direct(self, port, raw):
        with peers.connect(port) as connection:
            connection.sendall(raw)
            return peers.response(connection)[2]

    def test_no_malformed_host_reaches_a_server_that_would_serve_it(self):
        for kind, backend in farm(self).items():
            self.assertEqual(b"ops", self.direct(backend, request(b"x.ops.example")).strip(), kind)
            self.assertEqual(b"ops", self.direct(backend, request(b".ops.example")).strip(), f"{kind} is no danger")
            for tls in ("", 'client_cert = "optional";'):
                text = self.verifier_text(port := harness.free_port(), backend, listener=ROUTES, tls=tls).replace('upstream = "app";\n', "\n", 1)
                self.daemon(text, [port], name=f"mtlsd-{kind}-{len(tls)}")
                for certificate in (True, False) if tls else (True,):
                    with self.subTest(kind, certificate=certificate):
                        self.hold(port, certificate, MALFORMED if kind == "nginx" and not tls else MALFORMED[:6])

    def hold(self, port, certificate, malformed):
        self.assertEqual((200, b"other"), self.ask(port, request(b"shop.example"), certificate)[:2])
        for host in GATED if len(malformed) > 6 else GATED[:2]:
            self.assertEqual(403, self.ask(port, request(host), certificate)[0], host)
        for i, host in enumerate(malformed):
            for form in ("origin", "absolute", "1.0") if i < 3 else ("origin",):
                status, body = self.ask(port, request(host, form), certificate)
                self.assertEqual(400, status, f"{host!r} {form}: {body[:200]!r}")
        for host in (b".closed.example", b"a..closed.example"):
            self.assertEqual(400, self.ask(port, request(host), certificate)[0], host)


class ServerNames(harness.Case):
    """*.ops.example needs a certificate of the staff's CA, every other name none at all."""

    def setUp(self):
        super().setUp()
        self.backend = peers.Backend(self)
        self.port = harness.free_port()
        ops = self.pki.leaf("hg-ops", cn="ops", san=["DNS:*.ops.example"])
        self.mtlsd = self.daemon(f"""
            identities = {{ me = {{ bundle = "{self.pki.server().pem}"; }}; ops = {{ bundle = "{ops.pem}"; }}; }};
            trusts = {{ staff = {{ ca = "{self.pki.ca("staff").crt}"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{self.port}"; upstream = "app";
                tls = {{ identity = "me"; identities = ( {{ identity = "ops"; trust = "staff"; }} ); }}; }}; }};""", [self.port])

    def s_client(self, name, host):
        done = subprocess.run([b"openssl", b"s_client", b"-connect", b"127.0.0.1:%d" % self.port, b"-servername", name, b"-ign_eof"],
                              input=request(host), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        return done.stdout.decode(errors="replace")

    def test_no_malformed_host_gets_around_a_misdirected_request(self):
        """A9: TLS for a name that asks nothing, a request for one that does."""
        self.assertIn("HTTP/1.1 200", self.s_client(b"free.example", b"free.example"))
        before = len(self.backend.requests)
        for host in GATED:
            self.assertIn("HTTP/1.1 421", self.s_client(b"free.example", host), host)
        for host in (b".ops.example", b"a..ops.example", b"x.ops.example..", b"*.ops.example", b"\x01.ops.example", LABEL.encode() + b".ops.example"):
            with self.subTest(host):
                self.assertIn("HTTP/1.1 400", self.s_client(b"free.example", host))
        self.assertEqual(before, len(self.backend.requests))

    def test_a_malformed_server_name_gets_no_rules_not_even_those_of_other_names(self):
        """A8: the names are as many bytes as they are; the library may refuse some before we do."""
        for name in (b".ops.example", b"..ops.example", b"a..ops.example", b"x.ops.example..", b"*.ops.example", b"\x01.ops.example", b"\xc3\xa4.ops.example",
                     LABEL.encode() + b".ops.example", b".", b"a." * 122 + b"ops.example", b"x.ops.example:443", b"[::1]"):
            with self.subTest(name):
                said = self.s_client(name, b"x.ops.example")
                self.assertNotIn("HTTP/1.1", said)
                self.assertRegex(said, "alert number (112|47|50|10)")
        self.assertEqual([], self.backend.requests)
        self.assertIn("HTTP/1.1 200", self.s_client(b"free.example.", b"free.example"))


if __name__ == "__main__":
    harness.main()
