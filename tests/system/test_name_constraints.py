# SPDX-License-Identifier: Apache-2.0
"""Name constraints of every type, each checked with many names (B1). Every certificate that openssl refuses is refused. This file lists where mtlsd is
stricter."""
import datetime
import ipaddress
import subprocess
import unittest

import certs
import harness
from certs import extension, oid, sequence, tlv

TAGS = {"email": 0x81, "DNS": 0x82, "URI": 0x86, "IP": 0x87}
TABLE = {  # kind: constraints, names
    "DNS": (("example.com", ".example.com", "EXAMPLE.com", ""),
            ("example.com", "a.example.com", "aexample.com", "EXAMPLE.COM", "*.example.com", "*.com", ".example.com", "com")),
    "email": (("example.com", ".example.com", "a@example.com"),
              ("a@example.com", "A@example.com", "a@EXAMPLE.com", "a@b.example.com", "example.com", "a@b@example.com", "a@")),
    "URI": (("example.com", ".example.com"),
            ("https://example.com/", "https://a.example.com:1/", "https://u@example.com/", "https://evil.com/@example.com", "https://evil.com?@example.com",
             "https://evil.com\\@example.com", "urn:x:example.com", "x:y://example.com/", "https://[::1]/", "https:///example.com")),
    "IP": (("10.0.0.0/8", "2001:db8::/32"), ("10.1.2.3", "11.1.2.3", "2001:db8::1", "2001:db9::1")),
}
STRICTER = {  # only in an excluded subtree, or where the name is no name: what is not certain is refused
    ("DNS", "*.com"), ("DNS", ".example.com"), ("email", "a@"), ("URI", "https://u@example.com/"), ("URI", "https://evil.com\\@example.com"),
    ("URI", "https://[::1]/"), ("URI", "https:///example.com"),  # the last is refused by OpenSSL 3.0 too, 3.5 takes it
}


def packed(kind, text):
    if kind != "IP":
        return text.encode()
    if "/" not in text:
        return ipaddress.ip_address(text).packed
    network = ipaddress.ip_network(text)
    return network.network_address.packed + network.netmask.packed


class Constraints(harness.Case):
    def setUp(self):
        super().setUp()
        self.root = self.pki.ca("root")
        self.key = self.pki.folder / "nc.key"
        self.pki.new_key(self.key, "ec")
        self.spki = certs.spki_of(self.key.read_bytes())

    def make(self, stem, subject, issuer, signer, extensions):
        now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
        algorithm = sequence(oid("1.2.840.10045.4.3.2"))
        tbs = sequence(tlv(0xA0, certs.integer(2)), certs.integer(77), algorithm, issuer, sequence(certs.moment(now - day), certs.moment(now + 30 * day)),
                       subject, self.spki, tlv(0xA3, sequence(*extensions)))
        signature = certs.signature_by(signer, tbs)
        return self.write(f"{stem}.pem", certs.pem("CERTIFICATE", sequence(tbs, algorithm, certs.bit_string(signature))))

    def openssl_takes(self, ca, leaf):
        return subprocess.run(["openssl", "verify", "-purpose", "sslclient", "-CAfile", self.root.crt, "-untrusted", ca, leaf],
                              capture_output=True, timeout=30).returncode == 0

    def we_take(self, ca, leaf):
        chain = self.write("chain.pem", leaf.read_text() + ca.read_text())
        return self.command("verify", "--ca", self.root.crt, "--purpose", "client", chain).returncode == 0

    def test_whom_openssl_refuses_we_refuse(self):
        middle = certs.name([("CN", "fenced")])
        purpose, taken = extension("2.5.29.37", sequence(oid("clientAuth"))), 0
        for kind, (constraints, names) in TABLE.items():
            leaves = {name: self.make(f"leaf-{kind}-{i}", certs.name([("O", "x")]), middle, self.key, [
                purpose, extension("2.5.29.17", sequence(tlv(TAGS[kind], packed(kind, name))))]) for i, name in enumerate(names)}
            for i, constraint in enumerate(constraints):
                for side in (0, 1):
                    subtree = tlv(0xA0 + side, sequence(tlv(TAGS[kind], packed(kind, constraint))))
                    ca = self.make(f"ca-{kind}-{i}-{side}", middle, self.root.subject, self.root.key, [
                        extension("2.5.29.19", sequence(tlv(1, b"\xff")), True), extension("2.5.29.15", tlv(3, b"\1\x06"), True),
                        extension("2.5.29.30", sequence(subtree), True)])
                    for name, leaf in leaves.items():
                        with self.subTest(f"{kind} {name!r} where {constraint!r} is {('permitted', 'excluded')[side]}"):
                            ours, theirs = self.we_take(ca, leaf), self.openssl_takes(ca, leaf)
                            taken += ours
                            self.assertFalse(ours and not theirs, "we take whom openssl refuses")
                            self.assertTrue(ours == theirs or (kind, name) in STRICTER, "we refuse whom openssl takes")
        self.assertGreater(taken, 30)


if __name__ == "__main__":
    unittest.main(verbosity=2)
