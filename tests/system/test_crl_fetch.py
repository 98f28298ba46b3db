# SPDX-License-Identifier: Apache-2.0
"""crl = "fetch" with a web server that is good, slow, wrong or gone, that sends too much, or that redirects (F1, F3)."""
import gzip
import signal
import ssl
import time
import unittest
from types import SimpleNamespace

import certs
import harness
import peers
from list_server import ListServer
from harness import wait_for

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def der_of(text):
    return certs.openssl("crl", "-outform", "DER", data=text)


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

    def environment(self):
        proxy = f"http://127.0.0.1:{self.trap.port}" if hasattr(self, "trap") else ""
        return dict(super().environment(), **({name: proxy for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")} if proxy else {}))

    def list(self, number, *revoked, issuer=None):
        return self.pki.crl(f"cf-{number}-{len(revoked)}-{time.monotonic_ns()}", issuer or self.root, revoked, number=number).read_bytes()

    def connect(self, certificate):
        connection = peers.secure(self.port, peers.client_context(self.root, certificate))
        self.addCleanup(connection.close)
        return connection

    def is_let_in(self, certificate):
        """By a connection that is closed again: a stop need not wait for it."""
        try:
            with self.connect(certificate) as connection:
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
            ("a stranger's", lambda: self.web.give(self.list(9, issuer=self.pki.ca("stranger"))), "not a trusted CA"),
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
        self.assertIn("the cached list is not used", self.mtlsd.log)

    def test_a_list_in_der_under_any_type_counts(self):
        self.prepare()
        for number, kind in ((1, "text/html"), (2, "application/pkix-crl"), (3, "")):
            self.web.give(der_of(self.list(number, self.bad)), Content_Type=kind)
            if number == 1:
                self.start()
            else:
                self.ask_again()
            wait_for(lambda: self.is_let_in(self.good), "the list")
            self.assertFalse(self.is_let_in(self.bad))
        self.assertNotIn("not fetched", self.mtlsd.log)

    def test_what_is_compressed_is_not_unpacked(self):
        """A bomb among them: 64 KiB that would be 64 MiB."""
        self.prepare()
        self.web.give(gzip.compress(self.list(1)), Content_Encoding="gzip")
        self.start()
        wait_for(lambda: "the answer is compressed, which was not requested" in self.mtlsd.log, "the refusal")
        self.assertNotIn("Accept-Encoding", self.web.seen[0][1])
        before = self.mtlsd.rss_kb()
        self.web.give(gzip.compress(bytes(64 << 20)), Transfer_Encoding="gzip")
        self.ask_again()
        wait_for(lambda: "an unrequested transfer coding" in self.mtlsd.log, "the refusal")
        self.assertLess(self.mtlsd.rss_kb() - before, 32 << 10)
        self.assertFalse(self.is_let_in(self.good))

    def test_the_environment_names_no_way(self):
        """http_proxy would be asked for every list, and could hold them back."""
        self.prepare()
        self.trap = peers.Backend(self)
        self.start()
        wait_for(lambda: self.is_let_in(self.good), "the list")
        self.assertEqual(0, self.trap.accepted)

    def test_two_trusts_ask_once_for_the_list_of_both(self):
        self.prepare()
        self.web.give_tagged(self.list(1, self.bad), '"one"')
        other = harness.free_port()
        self.port = harness.free_port()
        text = self.verifier_text(self.port, self.backend.port, trust=self.trust)
        text = text.replace("trusts = {", f"trusts = {{ twins = {{ {self.trust} }};").replace(
            "listeners = {", f'listeners = {{ twin = {{ bind = "127.0.0.1:{other}"; upstream = "app"; tls = {{ identity = "me"; trust = "twins"; }}; }};')
        self.mtlsd = self.daemon(text, [self.port, other])
        for self.port in (self.port, other):
            wait_for(lambda: self.is_let_in(self.good), "the list")
            self.assertFalse(self.is_let_in(self.bad))
        self.assertEqual(1, len(self.web.seen))
        self.ask_again()
        self.assertEqual('"one"', self.web.seen[1][1].get("If-None-Match"))
        self.assertEqual(2, len(self.web.seen))

    def test_a_list_that_is_judged_while_a_reload_takes_place_counts_after_it(self):
        """A large one, for a trust that has another name afterwards: the answer to the next question would be "unchanged"."""
        self.prepare()
        many = [SimpleNamespace(serial=0x100000 + i) for i in range(40000)]
        self.web.give_tagged(self.list(1, self.bad, *many), '"one"')
        self.start()
        wait_for(lambda: self.web.answered, "the answer")
        self.mtlsd.config_path.write_text(self.mtlsd.config_path.read_text().replace("clients", "callers"))
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: "generation 2" in self.mtlsd.log, "the reload")
        wait_for(lambda: self.is_let_in(self.good), "the list in the new configuration", seconds=40)
        self.assertFalse(self.is_let_in(self.bad))

    def test_a_slow_server_holds_nobody_up(self):
        """Neither callers nor a reload nor a drain nor a stop."""
        self.prepare()
        for how, signals in (("stop", [signal.SIGTERM]), ("reload and stop", [signal.SIGHUP, signal.SIGHUP, signal.SIGTERM]), ("at once", [signal.SIGQUIT])):
            for give in (self.web.give_slowly, self.web.give_in_drops):
                with self.subTest(how):
                    give()
                    asked = len(self.web.seen)
                    self.start()
                    wait_for(lambda: len(self.web.seen) > asked, "the fetch")
                    began = time.monotonic()
                    self.assertFalse(self.is_let_in(self.good))
                    for i, number in enumerate(signals):
                        self.mtlsd.signal(number)
                        if number == signal.SIGHUP:
                            wait_for(lambda: f"generation {i + 2}" in self.mtlsd.log, "the reload")
                    self.assertEqual(0, self.mtlsd.wait())
                    self.assertLess(time.monotonic() - began, harness.busy(10))
                    self.assertEqual(asked + 1, len(self.web.seen))  # in flight already: not asked again

    def test_a_drain_during_a_fetch(self):
        self.prepare()
        self.web.give(self.list(1))
        admin = self.folder / "admin.sock"
        self.start(f'admin = {{ socket = "unix:{admin}"; }};')
        wait_for(lambda: self.is_let_in(self.good), "the first list")
        self.web.give_slowly()
        self.ask_again()
        self.assertEqual(0, self.command("drain", "-c", self.mtlsd.config_path).returncode)
        self.assertEqual(0, self.mtlsd.wait())


if __name__ == "__main__":
    unittest.main()
