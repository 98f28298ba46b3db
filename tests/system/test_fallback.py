# SPDX-License-Identifier: Apache-2.0
"""An upstream that refuses a renewed certificate after it is in use: the one before takes its place again, once, and that is said."""
import pathlib
import re
import shutil
import signal
import types
import unittest

import harness
import peers
import test_rotation
from harness import free_port, wait_for


class Fickle:
    """A TLS server whose CAs of clients can change while it runs. It counts the handshakes that it refused and the serial numbers of the others."""

    def __init__(self, case, version=None):
        self.case, self.version = case, version
        self.refused, self.serials, self.statuses = 0, [], {}
        self.trust("root", "other")
        self.server = peers.Server(case, self.handle)
        self.target = f"127.0.0.1:{self.server.port}"

    def trust(self, *cas):
        context = peers.server_context(self.case.pki.server(), self.case.pki.ca(cas[0]), version=self.version and peers.TLS[self.version])
        for ca in cas[1:]:
            context.load_verify_locations(self.case.pki.ca(ca).crt)
        self.context = context

    def handle(self, server, connection):
        try:
            with self.context.wrap_socket(connection, server_side=True) as secure:
                serial = int(secure.getpeercert()["serialNumber"], 16)
                while head := peers.read_until(secure, b"\r\n\r\n"):
                    method = head.split(b" ")[0]
                    self.serials.append((method, serial))
                    secure.sendall(peers.reply(b"" if method == b"HEAD" else b"ok", status=self.statuses.get(method, "200 OK")))
        except peers.ssl.SSLError:
            self.refused += 1


class Fallback(test_rotation.Case):
    VERSION = "TLSv1.3"

    def begin(self, upstream="", **options):
        """The renewed certificate is in use, and from now on refused."""
        self.upstream = Fickle(self, self.VERSION)
        self.start(self.upstream.target, upstream="pool = { max = 0; };" + upstream, **options)
        self.assertEqual(200, self.curl(self.url).status)
        self.renewed = self.fresh(ca="other")
        self.put_pair(self.renewed)
        self.wait_for_log("in use, generation 2")
        wait_for(lambda: self.curl(self.url).status == 200 and self.upstream.serials[-1][1] == self.renewed.serial, "the renewed certificate")
        self.upstream.trust("root")

    def metrics(self):
        return self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/metrics").text

    def expect_fallback(self):
        self.assertEqual(502, self.curl(self.url).status)
        wait_for(lambda: self.curl(self.url).status == 200, "the certificate before")
        self.assertEqual(("GET", self.first.serial), (self.upstream.serials[-1][0].decode(), self.upstream.serials[-1][1]))
        self.wait_for_log(rf'error rotation +.*fallback of identity \\*"me\\*": upstream far \(127.0.0.1:\d+\) refuses the new certificate CN=rotated.*in use again')

    def test_the_certificate_before_takes_its_place_again_and_that_is_said(self):
        self.begin()
        self.expect_fallback()
        self.assertIn('mtlsd_rotations_total{identity="me",result="fallback"} 1\n', self.metrics())
        self.assertRegex(self.command("status", "-c", self.mtlsd.config_path).stdout, r"me: FALLBACK: upstream far .* refuses the new certificate")
        top = self.command("top", "-c", self.mtlsd.config_path, "--count", "1").stdout
        self.assertRegex(top, r"identity me: FALLBACK: upstream far .* refuses the new certificate")
        self.assertRegex(self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/dashboard").text, "Fallback of identity me: upstream far .* refuses the new")
        self.assert_told(1, "trying the one before", self.mtlsd.log)

    def test_a_health_check_that_is_refused_is_enough(self):
        """It takes the only target out of service, so that no request would be refused any more."""
        self.begin(upstream='health = { interval = "200ms"; path = "/"; };')
        self.wait_for_log(r"error rotation +.*fallback of identity")
        wait_for(lambda: self.curl(self.url).status == 200, "the target")
        self.assertEqual(self.first.serial, self.upstream.serials[-1][1])

    def test_other_files_are_loaded_meanwhile_and_the_refused_one_is_not(self):
        self.begin()
        self.expect_fallback()
        self.put_pair(self.renewed)
        self.wait_for_log("in use, generation 4")
        self.assertEqual(200, self.curl(self.url).status)
        self.assertEqual(self.first.serial, self.upstream.serials[-1][1])

    def test_the_next_renewed_file_ends_it(self):
        self.begin()
        self.expect_fallback()
        good = self.fresh()
        self.put_pair(good)
        wait_for(lambda: self.curl(self.url).status == 200 and self.upstream.serials[-1][1] == good.serial, "the next certificate")
        self.assertNotIn("FALLBACK", self.command("status", "-c", self.mtlsd.config_path).stdout)

    def test_a_reload_tries_the_refused_one_again(self):
        self.begin()
        self.expect_fallback()
        done = self.command("reload", "-c", self.mtlsd.config_path)
        self.assertNotEqual(0, done.returncode)
        self.assertRegex(done.stdout + done.stderr, "refuses the new certificate")
        self.assertEqual(200, self.curl(self.url).status)
        self.upstream.trust("root", "other")
        self.assertEqual(0, self.command("reload", "-c", self.mtlsd.config_path).returncode)
        self.assertEqual(200, self.curl(self.url).status)
        self.assertEqual(self.renewed.serial, self.upstream.serials[-1][1])

    def test_where_the_one_before_is_refused_too_the_new_one_stays_and_nothing_is_tried_again(self):
        self.begin()
        self.pki.ca("stranger")
        self.upstream.trust("stranger")
        for _ in range(3):
            self.assertEqual(502, self.curl(self.url).status)
            self.wait_for_log("refuses the certificate before the renewal, too: the renewed one stays in use")
        self.assert_told(1, "trying the one before", self.mtlsd.log)
        self.assertEqual(1, len(re.findall("error reload +.*refused", self.mtlsd.log)))
        self.upstream.trust("other")
        self.assertEqual(200, self.curl(self.url).status)

    def test_a_revoked_one_does_not_come_back(self):
        """B5: by a list of the same CA, which we have for the upstream's own certificate."""
        crl = self.folder / "root.crl"
        shutil.copy(self.pki.crl("fallback-none", self.pki.ca("root")), crl)
        self.begin(trust=f'ca = "{self.pki.ca("root").crt}"; crl = "{crl}";')
        self.put(crl, self.pki.crl(f"fallback-revoked-{self.first.serial}", self.pki.ca("root"), [self.first], number=2))
        self.wait_for_log("(?i)crl|revocation")
        wait_for(lambda: self.curl(self.url).status == 502 and "revocation" in self.mtlsd.log, "the list")
        self.assertEqual(502, self.curl(self.url).status)
        self.assertNotIn("trying the one before", self.mtlsd.log)

    def test_a_client_that_refuses_our_certificate_changes_nothing(self):
        """Strangers connect to a listener, and any of them can refuse."""
        port = harness.free_port()
        server = self.fresh(eku=("serverAuth",), san=["DNS:localhost"])
        self.put_pair(server)
        text = self.verifier_text(port, harness.free_port()).replace(f'bundle = "{self.pki.server().pem}";', f'certificate = "{self.certificate}"; key = "{self.key}";')
        self.mtlsd = self.daemon(text, [port])
        self.put_pair(self.fresh(ca="other", eku=("serverAuth",), san=["DNS:localhost"]))
        self.wait_for_log("in use, generation 2")
        for _ in range(2):
            with self.assertRaises(peers.ssl.SSLError):
                peers.secure(port, peers.client_context(self.pki.ca("root"), self.pki.client()))
        self.wait_for_log("client_refused_certificate")
        self.assertNotIn("trying the one before", self.mtlsd.log)


class FallbackInTls12(Fallback):
    """There the refusal comes inside the handshake."""
    VERSION = "TLSv1.2"


class FallbackByStatus(test_rotation.Case):
    """nginx and Apache take any certificate in the handshake, and refuse it with a status. Apps answer 400 for reasons of their own."""
    def renew(self, accepts):
        """gives the renewed certificate, once it is in use"""
        self.assertEqual(200, self.curl(self.url).status)
        renewed = self.fresh(ca="other")
        self.put_pair(renewed)
        self.wait_for_log("in use, generation 2")
        wait_for(lambda: self.curl(self.url).status == 200 and accepts() == renewed.serial, "the renewed certificate")
        return renewed

    def accepted(self):
        """The serial number of the last certificate that nginx accepted."""
        return int([row[2] for row in self.nginx_access() if row[4] == "200"][-1], 16)

    def expect_nginx_to_be_understood(self, protocols, http2):
        cas = self.folder / "cas.pem"
        shutil.copy(self.pki.ca("root").crt, cas)
        with open(cas, "a") as file:
            file.write(pathlib.Path(self.pki.ca("other").crt).read_text())
        port = free_port()
        self.origin(ca=types.SimpleNamespace(crt=cas), protocols=protocols, extra=f"listen 127.0.0.1:{port} ssl {http2};")
        nginx = self.processes[-1]
        self.start(f"127.0.0.1:{port}", upstream="pool = { max = 0; };")
        renewed = self.renew(self.accepted)
        self.assertNotIn("trying the one before", self.mtlsd.log)
        shutil.copy(self.pki.ca("root").crt, cas)
        workers = lambda: set(pathlib.Path(f"/proc/{nginx.pid}/task/{nginx.pid}/children").read_text().split())
        old = workers()
        nginx.popen.send_signal(signal.SIGHUP)
        wait_for(lambda: workers() and not workers() & old, "the end of the workers with the other list of CAs")
        wait_for(lambda: self.curl("-k", "--cert", renewed.crt, "--key", renewed.key, f"https://127.0.0.1:{port}/").status == 400, "the new list of CAs")
        wait_for(lambda: self.curl(self.url).status == 200 and self.accepted() == self.first.serial, "the certificate before")
        self.wait_for_log(r'error rotation +.*fallback of identity \\*"me\\*": upstream far \(127.0.0.1:\d+\) refuses the new certificate CN=rotated.*in use again')
        self.assert_told(1, "trying the one before", self.mtlsd.log)

    @unittest.skipUnless(shutil.which("nginx"), "needs nginx")
    def test_nginx_in_http1(self):
        self.expect_nginx_to_be_understood("TLSv1.2 TLSv1.3", "")

    @unittest.skipUnless(shutil.which("nginx"), "needs nginx")
    def test_nginx_in_http2(self):
        self.expect_nginx_to_be_understood("TLSv1.2", "http2")

    def begin_with_app(self):
        self.app = Fickle(self)
        self.start(self.app.target, upstream="pool = { max = 0; };")
        self.renewed = self.renew(lambda: self.app.serials[-1][1])

    def test_an_app_that_answers_400_to_head_for_reasons_of_its_own_takes_a_renewal(self):
        self.app = Fickle(self)
        self.app.statuses = {b"HEAD": "400 Bad Request"}
        self.start(self.app.target, upstream="pool = { max = 0; };")
        self.renew(lambda: self.app.serials[-1][1])
        self.wait_for_log("refuses the certificate in use, too, so that the new one is taken")

    def heads(self):
        return sum(method == b"HEAD" for method, _ in self.app.serials)

    def test_an_app_that_answers_400_is_asked_once_and_nothing_else_happens(self):
        self.begin_with_app()
        before = self.heads()
        self.app.statuses = {b"GET": "400 Bad Request"}
        for _ in range(5):
            self.assertEqual(400, self.curl(self.url).status)
        wait_for(lambda: self.heads() > before, "the question")
        for _ in range(5):
            self.assertEqual(400, self.curl(self.url).status)
        self.assertEqual(before + 1, self.heads())
        self.app.statuses = {}
        self.assertEqual(200, self.curl(self.url).status)
        self.assertEqual(self.renewed.serial, self.app.serials[-1][1])
        self.assertNotIn("trying the one before", self.mtlsd.log)

    def test_an_app_that_answers_400_to_whatever_it_is_asked_keeps_the_renewed_certificate(self):
        """And an alert that comes later counts."""
        self.begin_with_app()
        self.app.statuses = {b"GET": "495 SSL Certificate Error", b"HEAD": "495 SSL Certificate Error"}
        self.assertEqual(495, self.curl(self.url).status)
        self.wait_for_log("does not accept the certificate before the renewal either: the renewed one stays in use")
        self.assertEqual(495, self.curl(self.url).status)
        self.assertEqual(self.renewed.serial, self.app.serials[-1][1])
        self.assertNotIn("fallback of identity", self.mtlsd.log)
        self.app.statuses = {}
        self.app.trust("root")
        self.assertEqual(502, self.curl(self.url).status)
        self.wait_for_log("trying the one before(.*\n)+.*fallback of identity")

    def test_without_a_renewal_an_answer_of_400_is_of_no_interest(self):
        self.app = Fickle(self)
        self.app.statuses = {b"GET": "400 Bad Request"}
        self.start(self.app.target, upstream="pool = { max = 0; };")
        for _ in range(3):
            self.assertEqual(400, self.curl(self.url).status)
        self.assertEqual(0, self.heads())


if __name__ == "__main__":
    harness.main()
