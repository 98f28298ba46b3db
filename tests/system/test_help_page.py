# SPDX-License-Identifier: Apache-2.0
"""Answers of our own: a page for clients with bad certificates, with no server behind it (conf/help-page.conf)."""
import pathlib
import unittest

import harness
import peers
from harness import free_port

SAMPLE = pathlib.Path(__file__).parents[2] / "conf" / "help-page.conf"


class HelpPage(harness.Case):
    def callers(self):
        leaf = self.pki.leaf
        return {"expired": leaf("t-late", cn="<script>alert(1)</script>", eku=("clientAuth",), start=-400, days=30), "revoked": leaf("t-gone", eku=("clientAuth",)),
                "foreign": leaf("t-foreign", self.pki.ca("stranger"), eku=("clientAuth",))}

    def start_sample(self):
        """The sample as it is in conf/, with the files and addresses of this test."""
        callers, self.port = self.callers(), free_port()
        self.backend = peers.Backend(self, lambda r: peers.reply(b"app"))
        text = SAMPLE.read_text()
        for old, new in (("server.pem", self.pki.server().pem), ("client-ca.pem", self.pki.ca("root").crt), ("0.0.0.0:8443", f"127.0.0.1:{self.port}"),
                         ("client-ca.crl", self.pki.crl("t-help", self.pki.ca("root"), [callers["revoked"]])), ("127.0.0.1:9000", f"127.0.0.1:{self.backend.port}")):
            self.assertIn(old, text)
            text = text.replace(old, str(new))
        self.daemon(text, [self.port])
        return callers

    def test_each_fault_has_its_page_and_no_backend(self):
        callers = self.start_sample()
        for version in ("--http1.1", "--http2"):
            page = self.curl_tls(self.port, version, client=callers["expired"])
            self.assertEqual((403, "text/html; charset=utf-8", "nosniff", "no-store"),
                             (page.status, page.header("Content-Type"), page.header("X-Content-Type-Options"), page.header("Cache-Control")))
            self.assertIn("The certificate of &#x3C;script&#x3E;alert&#x28;1&#x29;&#x3C;&#x2F;script&#x3E; was valid until 20", page.text)
            self.assertNotIn("<script", page.text)
            gone = self.curl_tls(self.port, version, client=callers["revoked"])
            self.assertEqual((403, "text/plain; charset=utf-8"), (gone.status, gone.header("Content-Type")))
            self.assertRegex(gone.text, "^The certificate [0-9a-f]+ of t-gone was revoked: ask ca@example.com.\n$")
            self.assertEqual("Your certificate cannot be used here: unknown_ca (OpenSSL's number 20).\n", self.curl_tls(self.port, version, client=callers["foreign"]).text)
            self.assertEqual("Install a client certificate, and come back.\n", self.curl_tls(self.port, version, client=None).text)
        self.assertEqual(b"", bytes(self.backend.received))
        self.assertEqual("app", self.curl_tls(self.port).text)
        self.assertIn(b"X-Client: client1\r\n", bytes(self.backend.received))

    def test_head_and_posts_are_answered_well(self):
        callers = self.start_sample()
        length = len(self.curl_tls(self.port, client=callers["revoked"]).body)
        for version, size in (("--http1.1", 100000), ("--http2", 100), ("--http2", 300000)):
            head = self.curl_tls(self.port, version, "-I", client=callers["revoked"])
            self.assertEqual((403, str(length), 0), (head.status, head.header("Content-Length"), head.exit))
            post = self.curl_tls(self.port, version, "--data-binary", "@-", client=callers["revoked"], data=b"x" * size)
            self.assertEqual((403, length), (post.status, len(post.body)), (version, post.error))

    def page_text(self, path, more=""):
        return f"""listeners = {{ app = {{ bind = "127.0.0.1:{self.port}"; routes = ( {{ respond = {{ file = "{path}"; {more} }}; }} ); }}; }};"""

    def test_a_file_is_read_again_at_a_reload(self):
        self.port = free_port()
        page = self.write("page.html", "<style>p{color:red}</style><p>{request.path}</p>")
        mtlsd = self.daemon(self.page_text("page.html"), [self.port])
        url = f"http://127.0.0.1:{self.port}/a"
        self.assertEqual("<style>p{color:red}</style><p>&#x2F;a</p>", self.curl(url).text)
        page.write_text("second")
        self.assertNotEqual("second", self.curl(url).text)
        mtlsd.signal(1)
        harness.wait_for(lambda: self.curl(url).text == "second", "the reload")
        page.unlink()
        mtlsd.signal(1)
        harness.wait_for(lambda: "page.html" in mtlsd.log, "the refused reload")
        self.assertEqual("second", self.curl(url).text)

    def test_a_file_that_cannot_be_served_is_found_before_the_start(self):
        self.port = free_port()
        for name, text, words in (("missing.html", None, "missing.html"), ("empty.html", "", "is empty"), ("large.html", "x" * (256 * 1024 + 1), "is larger than 256 KiB"),
                                  ("key.txt", self.pki.client().key.read_text(), "holds a private key"), ("odd.html", "\n{cert.cm}", "line 2: there is no variable {cert.cm}")):
            if text is not None:
                self.write(name, text)
            done = self.command("check", "-c", self.config(self.page_text(name)))
            self.assertEqual(3, done.returncode, name)
            self.assertIn(words, done.stdout + done.stderr)

    def test_explain_and_check_tell_of_it(self):
        callers = self.start_sample()
        done = self.command("explain", "-c", self.folder / "mtlsd.conf", "--request", "GET https://localhost/", "--cert", callers["revoked"].pem)
        self.assertIn("answered with 403, text/plain", done.stdout + done.stderr)
        done = self.command("check", "-c", self.folder / "mtlsd.conf")
        self.assertIn("403, text/html", done.stdout)


if __name__ == "__main__":
    unittest.main()
