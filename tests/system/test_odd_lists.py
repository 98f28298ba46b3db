# SPDX-License-Identifier: Apache-2.0
"""Revocation lists at and beyond the limits of what a CA may issue (F1): the verdict of `verify` for a certificate on the list and for one that is not.

The DER is put together here and signed by openssl. A list counts in full or it is refused with exit code 3; nothing between.
"""
import datetime
import json
import unittest

import certs
import harness
from certs import extension, integer, oid, sequence, tlv

ECDSA_SHA256, ECDSA_SHA1 = "1.2.840.10045.4.3.2", "1.2.840.10045.4.1"
NUMBER = extension("2.5.29.20", integer(7))
REASON = "2.5.29.21"


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.root = self.pki.ca("root")
        self.good, self.bad = self.pki.client(), self.pki.leaf("ol-revoked", eku=("clientAuth",))
        self.now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)

    def at(self, days):
        return certs.moment(self.now + datetime.timedelta(days=days))

    def entry(self, *extensions, when=-1, serial=None):
        body = sequence(*extensions) if extensions else b""
        return sequence(integer(self.bad.serial if serial is None else serial), self.at(when), body)

    def list(self, entries=None, *, extensions=(NUMBER,), version=2, since=-1, until=3, algorithm=ECDSA_SHA256, outer=None, digest="sha256",
             issuer=None, key=None, behind=b""):
        """DER; entries None: the bad one; until None: no nextUpdate."""
        issuer = issuer or self.root
        inner = sequence(oid(algorithm))
        tbs = sequence(integer(version - 1) if version > 1 else b"", inner, issuer.subject, self.at(since), self.at(until) if until is not None else b"",
                       sequence(*([self.entry()] if entries is None else entries)), tlv(0xA0, sequence(*extensions)) if extensions else b"")
        signature = certs.signature_by((key or issuer).key, tbs, digest)
        return sequence(tbs, sequence(oid(outer or algorithm)), certs.bit_string(signature), behind)

    def verdict(self, der, certificate, *cas):
        path = self.folder / "the.crl"
        path.write_bytes(certs.pem("X509 CRL", der).encode())
        trusted = [word for ca in cas or (self.root,) for word in ("--ca", ca.crt)]
        done = self.command("verify", *trusted, "--crl", path, "--purpose", "client", "--json", certificate.crt)
        return "refused" if done.returncode == 3 else json.loads(done.stdout)["status"]


class Lists(Case):
    def rows(self):
        """why, the list, what becomes of the good caller and of the one it names."""
        counts, refused = ("valid", "revoked"), ("refused", "refused")
        entry, make = self.entry, self.list
        return [
            ("an ordinary one", make(), counts),
            ("version 1", make(version=1, extensions=()), counts),
            ("no number", make(extensions=()), counts),
            ("a number of 20 octets", make(extensions=(extension("2.5.29.20", tlv(2, b"\x7f" * 20)),)), counts),
            ("a number of 22 octets", make(extensions=(extension("2.5.29.20", tlv(2, b"\x7f" * 22)),)), refused),
            ("a negative number", make(extensions=(extension("2.5.29.20", tlv(2, b"\x85")),)), refused),
            ("where the freshest one is", make(extensions=(NUMBER, extension("2.5.29.46", sequence()))), counts),
            ("an unknown extension", make(extensions=(NUMBER, extension("1.2.3.4", b"\x05\x00"))), counts),
            ("an unknown critical extension", make(extensions=(NUMBER, extension("1.2.3.4", b"\x05\x00", True))), refused),
            ("a delta", make(extensions=(NUMBER, extension("2.5.29.27", integer(1), True))), refused),
            ("a delta that does not call it critical", make(extensions=(NUMBER, extension("2.5.29.27", integer(1)))), refused),
            ("a part, not called critical", make(extensions=(NUMBER, extension("2.5.29.28", sequence(tlv(0x81, b"\xff"))))), refused),
            ("no nextUpdate", make(until=None), refused),
            ("stale", make(since=-9, until=-1), ("crl_stale", "revoked")),
            ("from the future", make(since=1), ("crl_stale", "revoked")),
            ("from the future, and over before it begins", make(since=2, until=1), ("crl_stale", "revoked")),
            ("signed with SHA-1", make(algorithm=ECDSA_SHA1, digest="sha1"), refused),
            ("two names for its algorithm", make(outer="1.2.840.10045.4.3.3"), refused),
            ("a byte behind the signature", make(behind=b"\x05\x00"), refused),
            ("signed by another key", make(key=self.pki.ca("stranger")), refused),
            ("a reason", make([entry(extension(REASON, tlv(10, b"\1")))]), counts),
            ("a reason that is critical", make([entry(extension(REASON, tlv(10, b"\1"), True))]), counts),
            ("on hold", make([entry(extension(REASON, tlv(10, b"\6")))]), counts),
            ("removeFromCRL, which a whole list cannot say", make([entry(extension(REASON, tlv(10, b"\x08")))]), counts),
            ("when it was lost", make([entry(extension("2.5.29.24", tlv(0x18, b"20260101000000Z")))]), counts),
            ("an unknown extension of the entry", make([entry(extension("1.2.3.4", b"\x05\x00"))]), counts),
            ("an unknown critical extension of the entry", make([entry(extension("1.2.3.4", b"\x05\x00", True))]), refused),
            ("another CA's entry", make([entry(extension("2.5.29.29", certs.general_names([("URI", b"x")]), True))]), refused),
            ("another CA's entry, not called critical", make([entry(extension("2.5.29.29", certs.general_names([("URI", b"x")])))]), refused),
            ("revoked tomorrow", make([entry(when=1)]), counts),
            ("listed twice", make([entry(), entry()]), counts),
            ("among others", make([entry(serial=n) for n in range(1, 300)] + [entry()]), counts),
            ("others alone", make([entry(serial=1)]), ("valid", "valid")),
            ("an empty list of entries", make([]), ("valid", "valid")),
            ("an entry without a date", make([sequence(integer(self.bad.serial))]), refused),
            ("an entry without a number", make([sequence(self.at(-1))]), refused),
            ("an entry with a number of 65 octets", make([entry(serial=1 << 519)]), refused),
        ]

    def test_each_counts_in_full_or_not_at_all(self):
        for why, der, expected in self.rows():
            with self.subTest(why):
                self.assertEqual(expected, (self.verdict(der, self.good), self.verdict(der, self.bad)))


class TwoKeys(Case):
    """A CA that was given a new key under its old name; each key's list speaks for that key's certificates alone."""

    def test_lists_of_both_keys(self):
        subject = [("O", "Tests"), ("CN", "two keys")]
        old, new = self.pki.ca("ol-old-key", subject=subject), self.pki.ca("ol-new-key", subject=subject)
        of_old, of_new = self.pki.leaf("ol-of-old", old, eku=("clientAuth",)), self.pki.leaf("ol-of-new", new, eku=("clientAuth",))
        both = [self.entry(serial=of_old.serial), self.entry(serial=of_new.serial)]
        rows = [
            ("the old key's list, both trusted", self.list(both, issuer=old), (old, new), "revoked", "crl_missing"),
            ("the new key's list, both trusted", self.list(both, issuer=new), (old, new), "crl_missing", "revoked"),
            ("the same, in the other order", self.list(both, issuer=new), (new, old), "crl_missing", "revoked"),
            ("signed by the old key, only the new one trusted", self.list(both, issuer=new, key=old), (new,), "refused", "refused"),
            ("signed by the old key, both trusted: it is the old key's", self.list(both, issuer=new, key=old), (old, new), "revoked", "crl_missing"),
        ]
        for why, der, trusted, for_old, for_new in rows:
            with self.subTest(why):
                self.assertEqual((for_old, for_new), (self.verdict(der, of_old, *trusted), self.verdict(der, of_new, *trusted)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
