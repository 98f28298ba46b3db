# SPDX-License-Identifier: Apache-2.0
"""Stapled OCSP answers of upstreams, made and sent by OpenSSL: "revoked" refuses, and a certificate that requires an answer (must-staple) needs a good one."""
import datetime
import json

import certs
import harness
from harness import free_port, wait_for

VERSIONS = ("-tls1_2", "-tls1_3")
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"


class Staples(harness.Case):
    def setUp(self):
        super().setUp()
        self.root = self.pki.ca("root")
        names = ["DNS:localhost", "IP:127.0.0.1"]
        self.plain = self.pki.leaf("st-plain", cn="localhost", san=names)
        extensions = [certs.extension("2.5.29.17", certs.general_names(names)),
                      certs.extension("2.5.29.37", certs.sequence(certs.oid("serverAuth"))),
                      certs.extension("1.3.6.1.5.5.7.1.24", certs.sequence(certs.integer(5)))]
        self.must = self.pki.make("st-must", [("CN", "localhost")], self.root, extensions, -1, 365, "ec")
        self.responder = self.pki.leaf("st-responder", eku=(OCSP_SIGNING,))

    def answer(self, certificate, status, *options, signer=None):
        """A file with the answer of OpenSSL's responder; status as in its index: V, R, or nothing for unknown."""
        signer = signer or self.responder
        stem = self.folder / f"{certificate.stem}-{status}-{signer.stem}-{len(options)}"
        later = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=90)).strftime("%y%m%d%H%M%SZ")
        revoked = "260110080000Z" if status == "R" else ""
        serial = f"{certificate.serial:X}"
        line = "\t".join((status, later, revoked, "0" * (len(serial) % 2) + serial, "unknown", "/CN=x")) + "\n" if status else ""
        index = stem.with_suffix(".index")
        index.write_text(line)
        certs.openssl("ocsp", "-issuer", self.root.crt, "-cert", certificate.crt, "-no_nonce", "-reqout", f"{stem}.request")
        certs.openssl("ocsp", "-index", index, "-CA", self.root.crt, "-rsigner", signer.crt, "-rkey", signer.key, "-reqin", f"{stem}.request",
                      "-respout", f"{stem}.ocsp", *(options or ("-ndays", "7")))
        return f"{stem}.ocsp"

    def s_server(self, certificate, version, staple=None, *options):
        port = free_port()
        stapled = ("-status_file", staple) if staple else ()
        self.spawn("s_server", ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate.pem, "-www", version, *stapled,
                                "-Verify", "1", "-CAfile", self.root.crt, *options], [port])
        return port

    def ask(self, certificate, version, staple=None, **options):
        """What an app gets from an injector before this server."""
        port = self.injector(self.s_server(certificate, version, staple), **options)
        return self.curl(f"http://127.0.0.1:{port}/")

    def test_what_an_answer_does(self):
        rows = (("revoked", self.plain, "R", (), None, "revoked"), ("revoked, by the CA", self.plain, "R", (), self.root, "revoked"),
                ("good", self.must, "V", (), None, None), ("good, by the CA", self.must, "V", (), self.root, None),
                ("good, without nextUpdate", self.must, "V", ("-resp_key_id",), None, None),
                ("unknown", self.must, "", (), None, "staple_missing"), ("unknown, not required", self.plain, "", (), None, None),
                ("signed by another certificate", self.must, "V", (), self.pki.client(), "staple_missing"),
                ("none", self.must, None, (), None, "staple_missing"), ("none, not required", self.plain, None, (), None, None))
        for why, certificate, status, options, signer, reason in rows:
            staple = None if status is None else self.answer(certificate, status, *options, signer=signer)
            for version in VERSIONS:
                with self.subTest(f"{why} {version}"):
                    answer = self.ask(certificate, version, staple)
                    if reason is None:
                        self.assertEqual(200, answer.status, answer.text)
                        continue
                    problem = self.assert_problem(answer, 502, reason, "us")
                    if reason == "revoked":
                        self.assertIn("revoked 2026-01-10T08:00:00Z", problem["detail"])
                        self.assertEqual("certificate_revoked", problem["alert"])

    def test_an_answer_of_another_certificate_does_not_help(self):
        self.assert_problem(self.ask(self.must, "-tls1_3", self.answer(self.plain, "V")), 502, "staple_missing", "us")

    def test_a_list_that_revokes_refuses_beside_a_good_answer(self):
        listed = self.pki.crl("st-list", self.root, [self.must])
        answer = self.ask(self.must, "-tls1_3", self.answer(self.must, "V"), trust=f'ca = "{self.root.crt}"; crl = "{listed}";')
        self.assert_problem(answer, 502, "revoked", "us")

    def test_an_ignored_answer_is_logged_once(self):
        socket_path, server = self.folder / "a.sock", self.s_server(self.plain, "-tls1_3", self.answer(self.plain, ""), "-num_tickets", "0")  # each handshake is a full one
        port = free_port()
        self.mtlsd = self.daemon(f'admin = {{ socket = "unix:{socket_path}"; }};\n' + self.injector_text(port, f"127.0.0.1:{server}"), [port], paths=[socket_path])
        for _ in range(3):
            self.assertEqual(200, self.curl(f"http://127.0.0.1:{port}/").status)
        self.assert_told(1, "staple_ignored", self.mtlsd.log)
        upstream = json.loads(self.command("status", "--socket", str(socket_path), "--json").stdout)["upstreams"][0]
        self.assertEqual((3, "it says that the OCSP responder does not know the certificate"), (upstream["staples_ignored_total"], upstream["staple_ignored"]))
        self.assertIn("the OCSP responder does not know the certificate", self.mtlsd.log)

    def test_a_health_check_refuses_too(self):
        self.injector(self.s_server(self.must, "-tls1_3"), upstream='health = { interval = "1s"; };')
        self.assertTrue(wait_for(lambda: "staple_missing" in self.mtlsd.log, "the reason in the log"))

    def test_check_connect_refuses_too(self):
        for certificate, status, reason in ((self.plain, "R", "revoked"), (self.must, None, "staple_missing")):
            with self.subTest(reason):
                port = self.s_server(certificate, "-tls1_3", status and self.answer(certificate, status))
                done = self.command("check", "-c", self.config(self.injector_text(free_port(), f"127.0.0.1:{port}")), "--connect")
                self.assertEqual(4, done.returncode, done.stdout)
                self.assertIn(f"REFUSED by us: {reason}", done.stdout)

    def test_check_connect_says_why_an_answer_is_ignored(self):
        for status, ignored in (("", True), ("V", False)):
            with self.subTest(status):
                port = self.s_server(self.plain, "-tls1_3", self.answer(self.plain, status))
                path = self.config(self.injector_text(free_port(), f"127.0.0.1:{port}"))
                text, document = self.command("check", "-c", path, "--connect"), self.command("check", "-c", path, "--connect", "--json")
                self.assertEqual((0, 0), (text.returncode, document.returncode), text.stdout)
                self.assertEqual(ignored, "its stapled OCSP answer is ignored: it says that the OCSP responder does not know the certificate\n" in text.stdout)
                self.assertEqual(ignored, bool(json.loads(document.stdout)["connections"][0]["tls"]["staple_ignored"]))


if __name__ == "__main__":
    harness.main()
