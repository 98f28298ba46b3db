# SPDX-License-Identifier: Apache-2.0
"""E1: a web page cannot use the certificate through a listener on localhost. Other programs do not notice this protection."""
import json
import unittest

import harness
import peers
from test_corpus import TlsBackend

# why, Host (None: its own), further fields, reason
REFUSED = [
    ("a name rebound to this host", "evil.example", "", "host_not_allowed"),
    ("the same with our port", "evil.example:{port}", "", "host_not_allowed"),
    ("a name that only begins like ours", "localhost.evil.example:{port}", "", "host_not_allowed"),
    ("a name that only ends like ours", "notlocalhost:{port}", "", "host_not_allowed"),
    ("our address on another port", "127.0.0.1:1", "", "host_not_allowed"),
    ("our address in one number", "2130706433:{port}", "", "host_not_allowed"),
    ("our address in hex", "0x7f.0.0.1:{port}", "", "host_not_allowed"),
    ("our address in octal", "0177.0.0.1:{port}", "", "host_not_allowed"),
    ("our address shortened", "127.1:{port}", "", "host_not_allowed"),
    ("an address of another host", "10.0.0.1:{port}", "", "host_not_allowed"),
    ("the address of all", "0.0.0.0:{port}", "", "host_not_allowed"),
    ("the upstream's public name", "api.partner.example", "", "host_not_allowed"),
    ("a page of another site", None, "Origin: https://evil.example", "origin_not_allowed"),
    ("a page from a file or a sandbox", None, "Origin: null", "origin_not_allowed"),
    ("a page of another port of this host", None, "Origin: http://127.0.0.1:1", "origin_not_allowed"),
    ("a page of this host over https", None, "Origin: https://127.0.0.1:{port}", "origin_not_allowed"),
    ("a form on another site", None, "Origin: https://evil.example\r\nContent-Type: text/plain", "origin_not_allowed"),
    ("an image on another site", None, "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors", "origin_not_allowed"),
    ("a script of a sibling site", None, "Sec-Fetch-Site: same-site", "origin_not_allowed"),
    ("a link that tells where it stood", None, "Referer: https://evil.example/page", "origin_not_allowed"),
    ("a preflight for the private network",
     None, "Origin: https://evil.example\r\nAccess-Control-Request-Private-Network: true", "origin_not_allowed"),
    ("a preflight alone", None, "Access-Control-Request-Private-Network: true", "origin_not_allowed"),
]
SERVED = [
    ("a program", None, ""),
    ("by name", "localhost:{port}", ""),
    ("by name in capitals", "LOCALHOST:{port}", ""),
    ("a person who typed the address", None, "Sec-Fetch-Site: none"),
    ("a page of the listener itself", None, "Origin: http://127.0.0.1:{port}\r\nSec-Fetch-Site: same-origin"),
    ("and its links", None, "Referer: http://127.0.0.1:{port}/page"),
]


class Browsers(harness.Case):
    def ask(self, port, host, fields, method="GET"):
        lines = [f"Host: {(host or '127.0.0.1:{port}').format(port=port)}"] + ([fields.format(port=port)] if fields else [])
        with peers.connect(port) as app:
            app.sendall(f"{method} /x HTTP/1.1\r\n".encode() + "\r\n".join(lines).encode() + b"\r\n\r\n")
            return peers.response(app)

    def test_what_a_page_makes_a_browser_send_is_refused_with_the_way_out(self):
        backend = TlsBackend(self)
        port = self.injector(backend.port)
        for why, host, fields, reason in REFUSED:
            with self.subTest(why):
                status, names, body, _ = self.ask(port, host, fields, "OPTIONS" if "preflight" in why else "GET")
                self.assertEqual((403, reason), (status, json.loads(body)["reason"]), body)
                self.assertRegex(body.decode(), "hosts" if reason == "host_not_allowed" else "allow_origins")
                self.assertFalse(any(n.lower().startswith("access-control") for n, _ in names), names)
        self.assertEqual(0, backend.accepted)

    def test_an_absolute_target_with_another_host_is_refused(self):
        backend = TlsBackend(self)
        port = self.injector(backend.port)
        for target, host in ((f"http://evil.example/", f"127.0.0.1:{port}"), (f"http://127.0.0.1:{port}/", "evil.example"),
                             ("http://evil.example/", "evil.example")):
            with self.subTest(target=target, host=host), peers.connect(port) as app:
                app.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                self.assertIn(peers.response(app)[0], (400, 403, 404))
        self.assertEqual(0, backend.accepted)

    def test_programs_notice_nothing(self):
        backend = TlsBackend(self)
        port = self.injector(backend.port)
        for why, host, fields in SERVED:
            with self.subTest(why):
                self.assertEqual(200, self.ask(port, host, fields)[0])
        self.assertEqual(200, self.curl(f"http://localhost:{port}/").status)

    def test_h2c_never_passes(self):
        backend = TlsBackend(self)
        port = self.injector(backend.port)
        self.assertEqual(200, self.ask(port, None, "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk")[0])
        self.assertEqual([], backend.requests[0].values("upgrade") + backend.requests[0].values("http2-settings"))

    def test_names_and_pages_that_are_listed_are_served(self):
        backend = TlsBackend(self)
        port = self.injector(backend.port, listener='hosts = [ "api.test", "other.test:81" ]; allow_origins = [ "https://page.example" ];')
        for why, host, fields, status in (("a listed name", "api.test", "", 200), ("with any port", "api.test:99", "", 200),
                                          ("a name listed with a port", "other.test:81", "", 200), ("on another port", "other.test:82", "", 403),
                                          ("a listed page", None, "Origin: https://page.example\r\nSec-Fetch-Site: cross-site", 200),
                                          ("another page", None, "Origin: https://page.example.evil.example", 403)):
            with self.subTest(why):
                self.assertEqual(status, self.ask(port, host, fields)[0])

    def test_a_unix_socket_is_out_of_a_browsers_reach(self):
        backend = TlsBackend(self)
        path = self.folder / "app.sock"
        self.daemon(self.injector_text(0, f"127.0.0.1:{backend.port}").replace('"127.0.0.1:0"', f'"unix:{path}"'), paths=[path])
        answer = self.curl("--unix-socket", path, "-H", "Host: anything.example", "http://x/")
        self.assertEqual(200, answer.status, answer.text)


if __name__ == "__main__":
    harness.main()
