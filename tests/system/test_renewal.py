# SPDX-License-Identifier: Apache-2.0
"""Certificates that mtlsd renews itself: a new key in the key process, tried before it is written, and the old one stays when anything fails. E8"""
import os
import re
import signal
import subprocess
import threading
import unittest

import ca_server
import certs
import harness
import peers
import test_clock
import test_handover
import test_rotation
from harness import MTLSD, wait_for


class Case(test_rotation.Case):
    KIND = "est"
    NAMES = ["DNS:renewed.tests.example", "URI:spiffe://tests.example/renewed"]

    def begin(self, before, **options):
        """The certificate in use has ten days: with 11d it is due at once."""
        self.ca = ca_server.CaServer(self, **options.pop("server", {}))
        self.block = f'renew = {{ {self.KIND} = "{self.ca.url}"; trust = "them"; before = "{before}"; }};'
        self.first = self.pki.leaf(f"renewed-{os.getpid()}-{self.id()}", subject=[("O", "Tests"), ("OU", "apps"), ("CN", "renewed")], days=10,
                                           eku=("clientAuth",), san=self.NAMES)
        self.start(first=self.first, **options)

    def injector_text(self, *arguments, **options):
        text = super().injector_text(*arguments, **options)
        return text.replace(f'bundle = "{self.pki.client().pem}";', f'bundle = "{self.pki.client().pem}"; {self.block}')

    def pair(self):
        """The certificate and the public key of the key, as the files hold them."""
        public = certs.openssl("pkey", "-in", self.key, "-pubout")
        return certs.openssl("x509", "-in", self.certificate, "-noout", "-pubkey") == public, public

    def metric(self, result):
        text = self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/metrics").text
        found = re.search(rf'mtlsd_renewals_total{{identity="me",result="{result}"}} (\d+)', text)
        return int(found.group(1)) if found else 0

    def wait_for_renewal(self, number=1):
        wait_for(lambda: self.mtlsd.log.count(": renewed by") >= number, "the renewal")
        wait_for(lambda: self.serial() == self.ca.issued[-1], "the new certificate in use")


class Est(Case):
    def test_a_certificate_is_renewed_with_a_new_key_before_it_expires(self):
        self.begin(before="11d")
        key = self.key.read_bytes()
        self.wait_for_renewal()
        matches, _ = self.pair()
        self.assertTrue(matches)
        self.assertNotEqual(key, self.key.read_bytes())
        self.assertEqual(0o600, self.key.stat().st_mode & 0o777)
        self.assertEqual([self.first.serial], self.ca.clients[:1], "the certificate in use is presented")
        self.assertEqual("/.well-known/est/simplereenroll", self.ca.requests[0][0].target)
        self.assertEqual([], list(self.mine.glob("*.renewed*")))
        shown = subprocess.run(["openssl", "x509", "-in", self.certificate, "-noout", "-subject", "-ext", "subjectAltName"], capture_output=True, text=True).stdout
        self.assertIn("CN = renewed", shown.replace("CN=", "CN = "))
        self.assertIn("DNS:renewed.tests.example, URI:spiffe://tests.example/renewed", shown)

    def test_step_ca_renews_with_a_new_key_too(self):
        self.KIND = "step"
        self.begin(before="11d")
        self.wait_for_renewal()
        self.assertTrue(self.pair()[0])
        self.assertEqual("/1.0/rekey", self.ca.requests[0][0].target)

    def test_a_person_may_have_it_renewed_at_once(self):
        self.begin(before="1h")
        done = self.command("renew", "-c", self.mtlsd.config_path, "me")
        self.assertEqual((0, True), (done.returncode, done.stdout.startswith("asked: ")), done.stderr)
        self.wait_for_renewal()
        self.assertIn("no identity of this name", self.command("renew", "-c", self.mtlsd.config_path, "you").stderr)

    def test_a_ca_that_decides_later_is_asked_again_with_the_same_request(self):
        self.begin(before="11d")
        self.ca.say("202 Accepted", b"", Retry_After=1)
        wait_for(lambda: len(self.ca.requests) >= 2, "the second request")
        self.ca.answer = self.ca.give
        self.wait_for_renewal()
        self.assertEqual(1, len({body for _, body in self.ca.requests}))
        self.assertEqual((1, 0), (self.metric("renewed"), self.metric("failed")))

    def test_an_upstream_that_refuses_the_new_certificate_leaves_the_old_pair(self):
        other = self.pki.ca("other")
        self.begin(before="11d", server={"issuer": other})
        before = self.certificate.read_bytes(), self.key.read_bytes()
        self.wait_for_log(r'identity \\"me\\": not renewed by .*refuses the new certificate')
        self.assertEqual(before, (self.certificate.read_bytes(), self.key.read_bytes()))
        self.assertEqual(self.first.serial, self.serial())
        self.assertEqual((0, 1), (self.metric("renewed"), self.metric("failed")))

    def test_a_certificate_without_client_auth_leaves_the_old_pair(self):
        self.begin(before="11d")
        self.ca.change = {"extensions": [certs.extension("2.5.29.37", certs.sequence(certs.oid("serverAuth"))),
                                         certs.extension("2.5.29.17", certs.general_names(self.NAMES))]}
        before = self.certificate.read_bytes(), self.key.read_bytes()
        self.wait_for_log(r'not renewed by .*not for clients \(extendedKeyUsage lacks clientAuth\)')
        self.assertEqual(before, (self.certificate.read_bytes(), self.key.read_bytes()))


class Check(Case):
    def check(self, user=""):
        leaf = self.fresh()
        self.put_pair(leaf)
        block = 'renew = { est = "https://ca.example"; trust = "them"; before = "400d"; };'
        text = user + self.injector_text(harness.free_port(), "127.0.0.1:9").replace(
            f'bundle = "{self.pki.client().pem}"; ', f'certificate = "{self.certificate}"; key = "{self.key}"; {block}', 1)
        return self.command("check", "-c", self.config(text)).stdout

    def setUp(self):
        super().setUp()
        self.block = ""

    def test_check_tells_what_is_renewed_and_what_cannot_be_written(self):
        answer = self.check()
        self.assertRegex(answer, r"renewed by https://ca.example from 20\S+Z on, which trust them verifies")
        self.assertIn("renew.before is 400d, and its certificate lives for", answer)
        self.assertNotIn("could not be written", answer)
        self.key.rename(self.mine / "real")
        self.key.symlink_to(self.mine / "real")
        answer = self.command("check", "-c", self.folder / "mtlsd.conf").stdout
        self.assertRegex(answer, r'warning: .*identity "me": a renewed certificate could not be written: .*tls.key: is a symbolic link')

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_check_tells_that_the_user_to_become_cannot_write_there(self):
        self.assertRegex(self.check(user='user = "nobody"; '), r'identity "me": user "nobody" cannot write into \S+/mine, so a renewed certificate could not be written')


class Faults(harness.Case):
    """One daemon with an identity for each fault: every one keeps its files, and the log says why."""

    def faults(self):
        stranger = self.pki.leaf("renew-stranger", eku=("clientAuth",), days=300)
        return {
            "status": (lambda ca: ca.say("500 Oops", b"sorry"), "status 500: sorry"),
            "redirect": (lambda ca: ca.say("302 Found", b"", Location="https://127.0.0.1/"), r"a redirect \(302\)"),
            "type": (lambda ca: ca.say("200 OK", b"x", Content_Type="text/html"), "Content-Type"),
            "garbage": (lambda ca: ca.say("200 OK", b"QUJD", Content_Type="application/pkcs7-mime"), "no PKCS#7"),
            "nothttp": (lambda ca: ca.raw(b"SSH-2.0-x HTTP/1.1 200 OK\r\n\r\n"), "no HTTP/1.1"),
            "close": (lambda ca: ca.raw(b""), "without a TLS close_notify"),
            "huge": (lambda ca: ca.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/pkcs7-mime\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                       (b"10000\r\n" + b"A" * 65536 + b"\r\n") * 160), "larger than 256 KiB"),
            "long": (lambda ca: ca.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/pkcs7-mime\r\nContent-Length: 10485760\r\n\r\n"), "larger than 256 KiB"),
            "key": (lambda ca: ca.change.update(spki=stranger.spki), "of another key"),
            "subject": (lambda ca: ca.change.update(subject=stranger.subject), "was requested"),
            "names": (lambda ca: ca.change.update(extensions=[]), "other names in subjectAltName"),
            "expired": (lambda ca: ca.change.update(hours=0), "no later than the one in use"),
            "future": (lambda ca: ca.change.update(since=120), "not valid yet"),
            "several": (lambda ca: ca.extra.append(stranger.der), "several certificates"),
        }

    def test_whatever_the_ca_answers_the_pair_in_use_stays(self):
        faults, blocks, pairs, port = self.faults(), "", {}, harness.free_port()
        for name, (spoil, _) in faults.items():
            ca = ca_server.CaServer(self)
            spoil(ca)
            blocks += self.identity(name, ca.url, pairs)
        wrong = ca_server.CaServer(self, server=self.pki.leaf("renew-server", self.pki.ca("other"), san=["IP:127.0.0.1"]))
        blocks += self.identity("tls", wrong.url, pairs)
        blocks += self.identity("away", f"https://127.0.0.1:{harness.free_port()}", pairs)
        expected = {**{name: words for name, (_, words) in faults.items()}, "tls": "(unknown|issue|trust)", "away": "refused"}
        text = self.injector_text(port, "127.0.0.1:9").replace("identities = {", "identities = { " + blocks, 1)
        daemon = self.daemon(text, [port])
        wait_for(lambda: daemon.log.count("not renewed by") >= len(expected), "every refusal", 60)
        for name, words in expected.items():
            with self.subTest(name):
                self.assertRegex(daemon.log, rf'identity \\"{name}\\": not renewed by .*{words}')
                self.assertEqual(pairs[name][1], pairs[name][0].read_bytes())
        self.assertEqual([], list(self.folder.glob("*.renewed*")))

    def identity(self, name, url, pairs):
        leaf = self.pki.leaf(f"renew-{os.getpid()}-{name}", days=10, eku=("clientAuth",), san=[f"DNS:{name}.tests.example"])
        pem = self.folder / f"{name}.pem"
        pem.write_bytes(leaf.pem.read_bytes())
        pem.chmod(0o600)
        pairs[name] = pem, pem.read_bytes()
        return f'{name} = {{ bundle = "{pem}"; renew = {{ est = "{url}"; trust = "them"; before = "11d"; }}; }}; '


class Meanwhile(Case, test_handover.Case):
    """What happens while a CA has the request and has not answered yet."""

    def daemon(self, text, ports=(), paths=()):
        return test_handover.Case.start(self, 'workers = 1; drain_timeout = "2s";\n' + text, ports, paths)

    def begin_and_hold(self):
        """Up to the request, whose answer waits for self.go."""
        self.go, self.files = threading.Event(), (self.certificate, self.key)
        self.addCleanup(self.go.set)
        self.begin(before="1h")
        self.before = self.contents()

        def answer(*question):
            self.go.wait(60)
            self.ca.give(*question)

        self.ca.answer = answer
        self.ask(1)

    def ask(self, number):
        self.assertEqual(0, self.command("renew", "-c", self.file, "me").returncode)
        wait_for(lambda: len(self.ca.requests) >= number, "the request")

    def contents(self):
        return [path.read_bytes() for path in self.files]

    def reload(self, generation):
        os.kill(self.pid, signal.SIGHUP)
        self.wait_for_log(rf"the new configuration is in use, generation {generation}\b")

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        self.assertEqual(0, self.exit_code(self.pid))

    def expect_whole(self, renewed):
        """The files are a pair, and nothing else is left."""
        self.assertTrue(self.pair()[0])
        self.assertEqual([], list(self.mine.glob("*.renewed*")))
        self.assertEqual(renewed, self.before != self.contents())
        self.assert_told(int(renewed), ": renewed by", self.mtlsd.log)
        self.assertNotIn("not renewed", self.mtlsd.log)

    def test_a_ca_that_hangs_holds_up_no_request_no_reload_and_no_stop(self):
        self.begin_and_hold()
        for _ in range(5):
            self.assertEqual(self.first.serial, self.serial())
        self.reload(2)
        self.assertEqual(self.first.serial, self.serial())
        self.stop()
        self.expect_whole(renewed=False)

    def test_after_a_stop_in_the_middle_the_next_process_renews(self):
        self.begin_and_hold()
        self.stop()
        self.go.set()
        self.expect_whole(renewed=False)
        self.mtlsd = test_handover.Case.start(self, self.file.read_text(), paths=[self.folder / "admin.sock"])
        self.ask(2)
        self.wait_for_renewal()
        self.stop()
        self.expect_whole(renewed=True)

    def test_a_reload_in_the_middle_goes_on_with_the_renewal(self):
        self.begin_and_hold()
        self.reload(2)
        self.go.set()
        self.wait_for_renewal()
        self.stop()
        self.expect_whole(renewed=True)
        self.assertEqual(1, len(self.ca.requests))

    def test_a_reload_that_takes_renew_away_in_the_middle_leaves_the_pair(self):
        self.begin_and_hold()
        self.file.write_text(self.file.read_text().replace(self.block, ""))
        self.reload(2)
        self.go.set()
        self.wait_for_log("the configuration does not renew it any more")
        self.assertEqual(self.first.serial, self.serial())
        self.stop()
        self.expect_whole(renewed=False)

    def test_a_new_process_begins_the_renewal_of_the_old_one_again(self):
        self.begin_and_hold()
        old, _ = self.hand_over()
        self.go.set()
        self.assertEqual(0, self.exit_code(old))
        self.assertEqual(self.before, self.contents())
        self.ask(2)
        self.wait_for_renewal()
        self.stop()
        self.expect_whole(renewed=True)

    def test_an_answer_during_a_hand_over_is_not_written_by_the_old_process(self):
        self.begin_and_hold()
        self.replace(f'#!/bin/sh\nsleep 1\nexec {MTLSD} "$@"\n')
        idle = self.enterContext(peers.connect(int(self.url.split(":")[2].strip("/"))))  # the old process waits for it
        idle.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        peers.response(idle)
        os.kill(self.pid, signal.SIGUSR2)
        self.wait_for_log("which is to take over")
        self.go.set()
        old, self.pid = self.pid, wait_for(self.served_by, "the hand-over")[0]
        self.assertEqual(0, self.exit_code(old))
        self.assertEqual(self.before, self.contents())
        self.ask(2)
        self.wait_for_renewal()
        self.stop()
        self.expect_whole(renewed=True)


class Clock(test_clock.Case):
    """A day of the daemon's clock, with certificates of four hours."""

    def test_a_day_with_renewals_and_no_failed_request(self):
        ca, seen, day = ca_server.CaServer(self, hours=4), [], self.pki.ca("root")
        context = peers.server_context(self.pki.server(), day)
        context.verify_flags |= ca_server.NO_CHECK_TIME

        def answer(_, connection):
            while peers.read_until(connection, b"\r\n\r\n"):
                seen.append(int(connection.getpeercert()["serialNumber"], 16))
                connection.sendall(peers.reply(b"ok"))

        upstream = peers.tls_server(self, context, answer)
        leaf = self.pki.leaf("renew-clock", days=1 / 6, start=0, eku=("clientAuth",), san=["DNS:clock.tests.example"])
        pem, port = self.folder / "me.pem", harness.free_port()
        pem.write_bytes(leaf.pem.read_bytes())
        pem.chmod(0o600)
        text = self.injector_text(port, f"127.0.0.1:{upstream.port}").replace(
            f'bundle = "{self.pki.client().pem}";', f'bundle = "{pem}"; renew = {{ est = "{ca.url}"; trust = "them"; before = "1/3"; }};')
        daemon, codes = self.daemon(text, [port]), []
        for hour in range(1, 25):
            ca.days = hour / 24
            self.move(hour / 24)
            codes.append(self.curl(f"http://127.0.0.1:{port}/").status)
            if hour % 3 == 0:
                wait_for(lambda: daemon.log.count(": renewed by") >= hour // 3, f"the renewal in hour {hour}")
            codes.append(self.curl(f"http://127.0.0.1:{port}/").status)
        self.assertEqual({200}, set(codes))
        self.assertGreaterEqual(len(set(seen)), 8)
        self.assertNotIn("not renewed", daemon.log)


if __name__ == "__main__":
    harness.main()
