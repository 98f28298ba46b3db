# SPDX-License-Identifier: Apache-2.0
"""crl = "fetch" against a web server that is good, slow, huge, wrong, gone, or sends elsewhere (F1, F3)."""
import signal
import ssl
import time
import unittest

import harness
import peers
from list_server import ListServer
from harness import wait_for

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Case(harness.Case):
    def prepare(self):
        self.root = self.pki.ca("root")
        self.good, self.bad = self.pki.client(), self.pki.leaf("cf-revoked", eku=("clientAuth",))
        self.web = ListServer(self)
        self.web.give(self.list(1))
        self.backend = peers.Backend(self)
        self.trust = f'ca = "{self.root.crt}"; crl = "fetch"; crl_urls = [ "{self.web.url}" ];'

    def start(self, top=""):
        self.port = harness.free_port()
        self.mtlsd = self.daemon(top + self.verifier_text(self.port, self.backend.port, trust=self.trust), [self.port])

    def list(self, number, *revoked, issuer=None):
        return self.pki.crl(f"cf-{number}-{len(revoked)}-{time.monotonic_ns()}", issuer or self.root, revoked, number=number).read_bytes()

    def connect(self, certificate):
        connection = peers.secure(self.port, peers.client_context(self.root, certificate))
        self.addCleanup(connection.close)
        return connection

    def is_let_in(self, certificate):
        try:
            connection = self.connect(certificate)
            connection.sendall(REQUEST)
            return peers.response(connection)[0] == 200
        except (ssl.SSLError, OSError):
            return False

    def ask_again(self):
        """A reload asks every address anew, but not twice in a second."""
        asked = len(self.web.seen)

        def again():
            if len(self.web.seen) == asked:
                self.mtlsd.signal(signal.SIGHUP)
            return len(self.web.seen) > asked
        wait_for(again, "another fetch")


class Fetching(Case):
    def test_a_newer_list_ends_a_live_connection(self):
        self.prepare()
        self.start()
        wait_for(lambda: self.is_let_in(self.good), "the first list")
        held = self.connect(self.bad)
        held.sendall(REQUEST)
        self.assertEqual(200, peers.response(held)[0])
        self.web.give(self.list(2, self.bad))
        self.ask_again()
        held.settimeout(10)
        with self.assertRaisesRegex(ssl.SSLError, "CERTIFICATE_REVOKED"):
            held.recv(1)
        self.assertFalse(self.is_let_in(self.bad))
        self.assertTrue(self.is_let_in(self.good))

    def test_nobody_is_let_in_until_there_is_a_list(self):
        self.prepare()
        self.web.give(b"", 404)
        admin = self.folder / "admin.sock"
        self.start(f'admin = {{ socket = "unix:{admin}"; }};')
        wait_for(lambda: "the server answers 404" in self.mtlsd.log, "the refusal")
        self.assertFalse(self.is_let_in(self.good))
        wait_for(lambda: "crl_missing" in self.mtlsd.log, "the reason")
        shown = self.curl("--unix-socket", admin, "http://localhost/status").json()["trusts"][0]["crl_fetch"][0]
        self.assertEqual((self.web.url, False, None, "the server answers 404"),
                         (shown["url"], shown["in_use"], shown["last_success"], shown["last_error"]))
        self.assertIsNotNone(shown["next_attempt"])
        self.web.give(self.list(1))
        self.ask_again()
        wait_for(lambda: self.is_let_in(self.good), "the list")

    def test_what_is_not_a_good_list_changes_nothing(self):
        self.prepare()
        self.web.give(self.list(7, self.bad))
        self.start()
        wait_for(lambda: self.is_let_in(self.good), "the first list")
        whole = self.list(8)
        elsewhere = ListServer(self)
        elsewhere.give(whole)
        rows = [
            ("404", lambda: self.web.give(b"", 404), "answers 404"),
            ("half a list", lambda: self.web.give(whole[:len(whole) // 2]), "not fetched"),
            ("a page", lambda: self.web.give(b"<html>login</html>"), "not fetched"),
            ("nothing", lambda: self.web.give(b""), "is empty"),
            ("an older list", lambda: self.web.give(self.list(6)), "is older than the one in use"),
            ("a stranger's", lambda: self.web.give(self.list(9, issuer=self.pki.ca("stranger"))), "none of the trusted CAs"),
            ("a redirect", lambda: self.web.give(b"", 302, Location=elsewhere.url), "redirects are not followed"),
            ("huge", self.web.give_huge, "larger than 64 MiB"),
        ]
        for why, prepare, words in rows:
            with self.subTest(why):
                prepare()
                before = self.mtlsd.log.count(words)
                self.ask_again()
                wait_for(lambda: self.mtlsd.log.count(words) > before, words)
                self.assertFalse(self.is_let_in(self.bad))
                self.assertTrue(self.is_let_in(self.good))
        self.assertEqual([], elsewhere.seen)
        self.web.give(whole)
        self.ask_again()
        wait_for(lambda: self.is_let_in(self.bad), "the good one at last")

    def test_a_known_list_is_asked_for_by_its_tag(self):
        self.prepare()
        self.web.give_tagged(self.list(1), '"one"')
        self.start()
        wait_for(lambda: self.is_let_in(self.good), "the first list")
        self.ask_again()
        self.assertEqual('"one"', self.web.seen[-1][1].get("If-None-Match"))
        self.assertTrue(self.is_let_in(self.good))

    def test_a_start_without_network_uses_the_kept_list(self):
        self.prepare()
        cache = self.folder / "cache"
        cache.mkdir()
        self.web.give(self.list(1, self.bad))
        self.start(f'crl_cache = "{cache}";')
        wait_for(lambda: self.is_let_in(self.good), "the first list")
        wait_for(lambda: list(cache.glob("*.crl")), "the kept list")
        self.mtlsd.stop()
        self.web.give(b"", 503)
        self.start(f'crl_cache = "{cache}";')
        self.assertTrue(self.is_let_in(self.good))
        self.assertFalse(self.is_let_in(self.bad))
        self.mtlsd.stop()
        for file in cache.glob("*.crl"):
            file.write_bytes(b"damaged")
        self.start(f'crl_cache = "{cache}";')
        self.assertFalse(self.is_let_in(self.good))  # verified like any other: there is none now
        self.assertIn("the list that was kept is not used", self.mtlsd.log)

    def test_a_slow_server_holds_nobody_up_and_a_stop_does_not_wait(self):
        self.prepare()
        self.web.give_slowly()
        self.start()
        wait_for(lambda: self.web.seen, "the fetch")
        began = time.monotonic()
        self.assertFalse(self.is_let_in(self.good))
        self.mtlsd.stop()
        self.assertLess(time.monotonic() - began, 5)


if __name__ == "__main__":
    unittest.main()
