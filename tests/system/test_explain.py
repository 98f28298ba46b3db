# SPDX-License-Identifier: Apache-2.0
"""`mtlsd explain` names the line that decides, for people and for programs, without connecting to anything."""
import json
import re

import harness

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

    def test_people_see_the_deciding_line_and_why_not_the_others(self):
        text = self.explain("--request", "GET https://localhost:8443/admin/x?y", "--cert", self.ops.crt, "--header", "X-SSL-Client-CN: root").stdout
        self.assertRegex(text, rf"(?m)^ +{re.escape(self.line_of('/admin'))}  DECIDES$")
        self.assertIn('its allow lets this caller pass: { ou = "ops" } holds', text)
        self.assertIn('no match: path "/admin/x" is not "/help" or below it', text)
        self.assertIn(f"answer      {self.line_of('/admin')}  forwarded to upstream app", text)
        self.assertIn("127.0.0.1:1, 127.0.0.1:2", text)
        for change in ("as GET /x?y, Host as it came", "strips /admin", "sets X-Role: admin", "removes X-Debug", "drops X-SSL-Client-CN",
                       "adds the identity fields of x-ssl"):
            self.assertIn(change, text)

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
                ("CONNECT a.example:443", client, (), {"action": "refuse", "stage": "request", "reason": "method_unknown"})):
            with self.subTest(request=request, cert=cert and cert.name):
                arguments = [part for field in fields for part in ("--header", field)] + (["--cert", cert] if cert else [])
                answer = self.ask(request, *arguments)["answer"]
                self.assertEqual(expected, {key: answer.get(key) for key in expected})

    def test_a_browser_is_told_which_key_would_let_it(self):
        answer = self.ask("GET http://evil.example:8080/", listener="local")["answer"]
        self.assertEqual(("refuse", "browser", "host_not_allowed"), (answer["action"], answer["stage"], answer["reason"]))
        self.assertIn("key hosts of listener local", answer["detail"])
        answer = self.ask("GET /", "--header", "Origin: https://evil.example", listener="local")["answer"]
        self.assertIn("key allow_origins of listener local", answer["detail"])

    def test_a_certificate_alone_is_held_against_every_route(self):
        answer = json.loads(self.explain("--listener", "public", "--cert", self.pki.client().crt, "--json").stdout)
        self.assertEqual(["cert", "cert", None, None, None], [route["caller_differs_in"] for route in answer["routes"]])
        self.assertEqual("shut", answer["routes"][2]["gate"])
        self.assertEqual("none", answer["answer"]["action"])
        text = self.explain("--listener", "raw", "--cert", self.pki.client().crt).stdout
        self.assertIn('{ ou = "ops" }: ou does not hold', text)
        self.assertIn("alert 49, not_allowed", text)

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


if __name__ == "__main__":
    harness.unittest.main()
