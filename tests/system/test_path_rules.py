# SPDX-License-Identifier: Apache-2.0
"""C9: no spelling of a path avoids a rule about it, and the daemon forwards the path that it matched."""
import posixpath
import re
import urllib.parse

import corpus
import harness
import peers

RULES = """routes = (
    { path = "/admin"; allow = ( { cn = "nobody" } ); upstream = "app"; },
    { upstream = "app"; } );"""


def careless(target):
    """The path as the most obliging server would understand it."""
    path = urllib.parse.unquote_to_bytes(target.split("?")[0]).split(b"\0")[0].split(b"#")[0]
    path = re.sub(rb"\xc0\xaf|\xe0\x80\xaf", b"/", re.sub(rb"\xc0\xae|\xe0\x80\xae", b".", path)).replace(b"\\", b"/")
    return posixpath.normpath(re.sub(rb";[^/]*", b"", path).replace(b"//", b"/"))


class PathRules(harness.Case):
    def listener(self, more, tls=""):
        backend = peers.Backend(self)
        port = harness.free_port()
        text = self.verifier_text(port, backend.port, listener=more, tls=tls)
        self.assertIn('upstream = "app";\n', text)
        self.mtlsd = self.daemon(text.replace('upstream = "app";\n', "\n") if "routes" in more else text, [port])
        return backend, port

    def send(self, port, raw, certificate="client"):
        mine = self.pki.client() if certificate == "client" else certificate
        with peers.secure(port, peers.client_context(self.pki.ca("root"), mine), timeout=5) as connection:
            connection.sendall(raw)
            return peers.response(connection)[0]

    def test_no_spelling_passes_a_rule(self):
        for more in (RULES, RULES + " normalize_path = true;"):
            backend, port = self.listener(more)
            self.assertEqual(200, self.send(port, corpus.target(b"/administrator")))
            self.assertEqual(403, self.send(port, corpus.target(b"/admin")))
            for name, raw in corpus.admin():
                with self.subTest(name, normalize="normalize" in more):
                    before = len(backend.requests)
                    status = self.send(port, raw)
                    arrived = [careless(r.target) for r in backend.requests[before:]]
                    self.assertFalse([p for p in arrived if p == b"/admin" or p.startswith(b"/admin/")])
                    self.assertIn(status, (200,) if arrived else (400, 403))

    def test_no_spelling_does_without_a_certificate_where_one_is_demanded(self):
        """A2, C9: on some paths only, by what refuses those without, and by what lets only the valid on."""
        for more, routes in [("", '{ path = "/admin"; cert = "none"; respond = 403; }, { upstream = "app"; }'),
                             (" normalize_path = true;", '{ path = "/admin"; cert = "valid"; upstream = "app"; }, { path = "/admin"; deny = true; }, { upstream = "app"; }')]:
            backend, port = self.listener(f"routes = ( {routes} );" + more, tls='client_cert = "optional";')
            self.assertEqual([200, 403, 200], [self.send(port, corpus.target(b"/administrator"), None), self.send(port, corpus.target(b"/admin"), None),
                                               self.send(port, corpus.target(b"/admin"))])
            for name, raw in corpus.admin():
                with self.subTest(name, routes=routes):
                    before = len(backend.requests)
                    status = self.send(port, raw, None)
                    arrived = [careless(r.target) for r in backend.requests[before:]]
                    self.assertFalse([p for p in arrived if p == b"/admin" or p.startswith(b"/admin/")])
                    self.assertIn(status, (200,) if arrived else (400, 403))

    def test_a_normalized_path_is_what_is_matched_and_forwarded(self):
        backend, port = self.listener(RULES + " normalize_path = true;")
        for raw, target in ((b"/a/../b//c?x=/../y", "/b/c?x=/../y"), (b"/%61/%2e/%c3%a4", "/a/%C3%A4"), (b"/a;v=1/b;w", "/a;v=1/b;w")):
            self.assertEqual(200, self.send(port, corpus.target(raw)))
            self.assertEqual(target, backend.requests[-1].target)
        for raw in (b"/a%2fb", b"/a\\b", b"/a/..;/b"):
            self.assertEqual(400, self.send(port, corpus.target(raw)), raw)

    def test_without_path_rules_every_byte_passes(self):
        backend, port = self.listener("")
        passed = 0
        for name, raw in corpus.admin():
            with self.subTest(name):
                status = self.send(port, raw)
                if status == 200 and not raw.startswith(b"GET http"):
                    self.assertEqual(raw.split(b" ")[1].decode(), backend.requests[-1].target)
                    passed += 1
        self.assertGreater(passed, 35)


if __name__ == "__main__":
    harness.main()
