# SPDX-License-Identifier: Apache-2.0
"""Revocation lists that openssl made, good and bad, for `verify`, `check`, the start and a running daemon."""
import os
import ssl
import time
import unittest

import certs
import harness
import peers
from harness import wait_for

CONFIG = """
[ca]
default_ca = here
[here]
database = {folder}/index.txt
crlnumber = {folder}/crlnumber
certificate = {certificate}
private_key = {key}
default_md = sha256
default_crl_days = 7
crl_extensions = ext
[ext]
authorityKeyIdentifier = keyid:always
{extensions}
"""
EXTENSIONS = {
    "delta": "2.5.29.27 = critical,ASN1:INTEGER:1",
    "indirect": "issuingDistributionPoint = critical,@idp\n[idp]\nindirectCRL = TRUE\nfullname = URI:http://crl.example/a.crl",
    "scoped": "issuingDistributionPoint = critical,@idp\n[idp]\nonlyuser = TRUE",
    "scoped to a place": "issuingDistributionPoint = critical,@idp\n[idp]\nfullname = URI:http://crl.example/a.crl",
    "some reasons": "issuingDistributionPoint = critical,@idp\n[idp]\nonlysomereasons = keyCompromise",
    "unknown critical": "1.2.3.4.5 = critical,ASN1:UTF8String:what",
}
OTHERS = ("another CA's", "a CA's that is not trusted")
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Case(harness.Case):
    made = 0

    def setUp(self):
        super().setUp()
        self.root = self.pki.ca("root")
        self.good, self.bad = self.pki.client(), self.pki.leaf("oc-revoked", eku=("clientAuth",))
        self.crl = self.folder / "clients.crl"

    def list(self, *revoked, number=1, issuer=None, key=None, extensions="", serials=()):
        """A list that openssl wrote, as PEM."""
        issuer = issuer or self.root
        Case.made += 1
        folder = self.folder / f"ca-{Case.made}"
        folder.mkdir()
        rows = [f"{c.serial:X}".rjust(len(f"{c.serial:X}") + len(f"{c.serial:X}") % 2, "0") for c in revoked] + list(serials)
        (folder / "index.txt").write_text("".join(f"R\t391231235959Z\t260101000000Z\t{serial}\tunknown\t/CN=x{serial}\n" for serial in rows))
        (folder / "crlnumber").write_text(f"{number:04X}\n")
        (folder / "conf").write_text(CONFIG.format(folder=folder, certificate=issuer.crt, key=(key or issuer).key, extensions=extensions))
        certs.openssl("ca", "-gencrl", "-config", folder / "conf", "-out", folder / "crl.pem")
        return (folder / "crl.pem").read_bytes()

    def der(self, text):
        return certs.openssl("crl", "-outform", "DER", data=text)

    def put(self, data):
        fresh = self.folder / "clients.new"
        fresh.write_bytes(data)
        os.replace(fresh, self.crl)

    def verify(self, certificate):
        return self.command("verify", "--ca", self.root.crt, "--crl", self.crl, "--purpose", "client", certificate.crt)

    def start(self, **options):
        self.backend = peers.Backend(self)
        self.port = self.verifier(self.backend.port, trust=f'ca = "{self.root.crt}"; crl = "{self.crl}";', **options)

    def refused(self):
        return self.mtlsd.log.count("the last good lists stay in use")

    def connect(self, certificate):
        connection = peers.secure(self.port, peers.client_context(self.root, certificate))
        self.addCleanup(connection.close)
        return connection

    def is_let_in(self, certificate):
        try:
            connection = self.connect(certificate)
            connection.sendall(REQUEST)
            return peers.response(connection)[0] == 200
        except OSError:
            return False

    def no_sign(self):
        """A CA whose keyUsage is keyCertSign alone."""
        return self.pki.make("oc-no-crl-sign", [("O", "Tests"), ("CN", "no crl sign")], None, [
            certs.extension("2.5.29.19", certs.sequence(certs.tlv(1, b"\xff")), True),
            certs.extension("2.5.29.15", certs.tlv(3, b"\2\x04"), True)], -10, 100, "ec")

    def bad_lists(self):
        """What must never count, with a word of why."""
        stranger = self.pki.ca("stranger")
        no_sign = self.no_sign()
        whole = self.list(self.bad, number=9, serials=[f"{0xA000 + i:X}" for i in range(150)])
        rows = [(f"cut at {at}", whole[:at]) for at in [1, *range(1024, len(whole), 1024), len(whole) - 20]]
        der = self.der(whole)
        rows += [(f"DER cut at {at}", der[:at]) for at in [1, 3, *range(1024, len(der), 1024), len(der) - 1]]
        rows += [(why, self.list(self.bad, number=9, extensions=text)) for why, text in EXTENSIONS.items()]
        rows += [(OTHERS[0], self.list(self.bad, number=9, issuer=stranger)),
                 (OTHERS[1], self.list(self.bad, number=9, issuer=no_sign)),
                 ("wrong signer", self.forged(number=9)),
                 ("a certificate", self.root.crt.read_bytes()), ("nothing", b""), ("blanks", b"\n\n")]
        return rows

    def forged(self, number):
        """The right name, signed with another key: openssl takes any key that is not compared with the certificate."""
        text = self.der(self.list(self.bad, number=number))
        return certs.pem("X509 CRL", text[:-8] + bytes(b ^ 0x55 for b in text[-8:])).encode()


class OnFiles(Case):
    def test_a_good_one_counts(self):
        """PEM, DER under a name that ends in .pem, with more text around, with line ends of Windows."""
        text = self.list(self.bad)
        for why, data in (("PEM", text), ("DER", self.der(text)), ("text before", b"issued today\n" + text), ("CRLF", text.replace(b"\n", b"\r\n"))):
            with self.subTest(why):
                self.put(data)
                self.assertEqual([0, 4], [self.verify(self.good).returncode, self.verify(self.bad).returncode])

    def test_bad_ones_are_refused_by_verify_check_and_start(self):
        """A3, F1: none is taken for a list that revokes nobody."""
        text = self.verifier_text(harness.free_port(), 1, trust=f'ca = "{self.root.crt}"; crl = "{self.crl}";')
        path = self.config(text)
        for why, data in self.bad_lists():
            with self.subTest(why):
                self.put(data)
                for certificate in (self.good, self.bad):
                    self.assertIn(self.verify(certificate).returncode, (3, 4), why)
                done = self.command("check", "-c", path)
                if why in OTHERS:  # it may be an intermediate's; it covers nobody here, so nobody is let in
                    self.assertIn("not a trusted CA", done.stdout + done.stderr)
                    self.assertRegex(self.verify(self.good).stdout, r"^status +crl_missing")
                    continue
                self.assertEqual(3, done.returncode, done.stdout + done.stderr)
                self.assertIn("clients.crl", done.stdout + done.stderr)
                self.assertEqual(3, self.command("run", "-c", path).returncode)


    def test_a_trusted_ca_that_may_not_sign_lists(self):
        """F1"""
        ca = self.no_sign()
        caller = self.pki.leaf("oc-of-no-sign", ca, eku=("clientAuth",))
        self.put(self.list(number=1, issuer=ca))
        done = self.command("verify", "--ca", ca.crt, "--crl", self.crl, "--purpose", "client", caller.crt)
        self.assertEqual(3, done.returncode, done.stdout + done.stderr)
        self.assertIn("CRL", done.stderr.upper())


class AtRunTime(Case):
    def test_bad_ones_never_replace_a_good_one(self):
        self.put(self.list(self.bad, number=5))
        self.start()
        rows = self.bad_lists() + [("an older one", self.list(number=4))]
        for why, data in rows:
            with self.subTest(why):
                before = self.refused()
                self.put(data)
                wait_for(lambda: self.refused() > before, f"the refusal of {why}")
                self.assertEqual([True, False], [self.is_let_in(self.good), self.is_let_in(self.bad)])
        self.put(self.list(number=10))
        wait_for(lambda: self.is_let_in(self.bad), "the good one at last")

    def test_a_hundred_thousand_entries(self):
        """Also prints how long a change takes, to the first refusal and to the end of a live connection."""
        self.put(self.list(number=1))
        self.start()
        held = self.connect(self.bad)
        many = self.list(self.bad, number=2, serials=[f"{0x100000 + i:X}" for i in range(100000)])
        began = time.monotonic()
        self.put(many)
        held.settimeout(20)
        try:
            self.assertEqual(b"", held.recv(1))
        except ssl.SSLError as error:
            self.assertEqual("SSLV3_ALERT_CERTIFICATE_REVOKED", error.reason)
        ended = time.monotonic() - began
        wait_for(lambda: not self.is_let_in(self.bad), "the first refusal")
        refused = time.monotonic() - began
        print(f"\n{len(many) >> 10} KiB, 100,001 entries: live connection ended after {ended:.2f} s, first refusal after {refused:.2f} s")
        self.assertTrue(self.is_let_in(self.good))
        self.assertLess(refused, 5 if not harness.is_sanitized() else 20)


if __name__ == "__main__":
    harness.main()
