# SPDX-License-Identifier: Apache-2.0
"""Certificates at and beyond the limits of what a CA may issue (A4, A7): the verdict of `verify`, and the answer of a verifier to a client with each.

The DER is put together here and signed by openssl, so that no library of ours has to be willing to make it.
"""
import contextlib
import datetime
import json
import ssl
import unittest

import certs
import harness
import peers
from certs import extension, oid, sequence, tlv

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
SIGNED_WITH = {"sha256": "1.2.840.10045.4.3.2", "sha1": "1.2.840.10045.4.1"}
CLIENT = sequence(oid("clientAuth"))


def basic(body=b"", critical=True):
    return extension("2.5.29.19", sequence(body), critical)


def usage(bits, critical=True):
    return extension("2.5.29.15", bits, critical)


def purposes(body=CLIENT, critical=False):
    return extension("2.5.29.37", body, critical)


SIGNS = usage(b"\x03\x02\x07\x80")  # digitalSignature
CA_TRUE, CERT_SIGN = basic(tlv(1, b"\xff")), usage(b"\x03\x02\x01\x06")
GOOD = (basic(), SIGNS, purposes())
GOOD_CA = (CA_TRUE, CERT_SIGN)
NAMES = extension("2.5.29.17", certs.general_names(["DNS:a.example"]))
OTHER_NAMES = extension("2.5.29.17", certs.general_names(["DNS:b.example"]))


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.root = self.pki.ca("root")
        self.now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)

    def key(self, kind="prime256v1"):
        """A private key of this kind, made once."""
        path = self.pki.folder / f"odd-{kind}.key"
        if not path.exists():
            fresh = path.with_suffix(".new")
            if kind.startswith("rsa") and kind[3:].isdigit():
                certs.openssl("genrsa", "-out", fresh, kind[3:])
            elif kind == "dsa":
                parameters = certs.openssl("dsaparam", "1024")
                certs.openssl("gendsa", "-out", fresh, "/dev/stdin", data=parameters)
            elif kind.startswith("ed") or kind == "rsa-pss":
                certs.openssl("genpkey", "-algorithm", kind, "-out", fresh)
            else:
                certs.openssl("ecparam", "-name", kind, "-genkey", "-noout", "-out", fresh)
            fresh.chmod(0o600)
            fresh.rename(path)
        return path

    def make(self, extensions=GOOD, *, issuer=None, key="prime256v1", serial=b"\x05", version=3, digest="sha256", validity=None, cn="odd"):
        """DER of a certificate; its key is self.key(key)."""
        algorithm = sequence(oid(SIGNED_WITH[digest]))
        spki = certs.spki_of(self.key(key).read_bytes())
        dates = validity or (certs.moment(self.now - datetime.timedelta(days=1)), certs.moment(self.now + datetime.timedelta(days=30)))
        tbs = sequence(tlv(0xA0, certs.integer(version - 1)) if version > 1 else b"", tlv(2, serial), algorithm, (issuer or self.root).subject,
                       sequence(*dates), certs.name([("CN", cn)]), spki, tlv(0xA3, sequence(*extensions)) if extensions else b"")
        signature = certs.signature_by((issuer or self.root).key, tbs, digest)
        return sequence(tbs, algorithm, certs.bit_string(signature))

    def ca_of(self, extensions, key="secp384r1", **options):
        """An odd CA below the root: something that can issue."""
        der = self.make(extensions, key=key, cn="odd ca", **options)
        made = certs.Certificate(self.pki.folder, f"odd-{key}", der, certs.name([("CN", "odd ca")]), 5, self.root)
        return made

    def verdict(self, *ders, crl=None):
        """(exit code, status, number) of verify."""
        chain = self.write("chain.pem", "".join(certs.pem("CERTIFICATE", der) for der in ders))
        lists = ["--crl", crl] if crl else []
        done = self.command("verify", "--ca", self.root.crt, *lists, "--purpose", "client", "--json", chain)
        document = json.loads(done.stdout)
        return done.returncode, document["status"]


class PostQuantum(Case):
    """ML-DSA (FIPS 204, RFC 9881): told by name, also where neither our library nor this openssl knows it. The bytes of the keys mean nothing."""
    KINDS = {"ML-DSA-44": ("2.16.840.1.101.3.4.3.17", 1312, 2420), "ML-DSA-65": ("2.16.840.1.101.3.4.3.18", 1952, 3309),
             "ML-DSA-87": ("2.16.840.1.101.3.4.3.19", 2592, 4627)}

    def make_pq(self, kind, signed_by_it):
        number, key_bytes, signature_bytes = self.KINDS[kind]
        spki = sequence(sequence(oid(number)), certs.bit_string(b"\x5a" * key_bytes))
        algorithm = sequence(oid(number if signed_by_it else SIGNED_WITH["sha256"]))
        dates = certs.moment(self.now - datetime.timedelta(days=1)), certs.moment(self.now + datetime.timedelta(days=30))
        tbs = sequence(tlv(0xA0, certs.integer(2)), certs.integer(77), algorithm, self.root.subject, sequence(*dates),
                       certs.name([("CN", "pq")]), spki, tlv(0xA3, sequence(*GOOD)))
        signature = b"\xa5" * signature_bytes if signed_by_it else certs.signature_by(self.root.key, tbs)
        return sequence(tbs, algorithm, certs.bit_string(signature))

    def test_keys_and_signatures_have_their_names(self):
        for kind in self.KINDS:
            for signed_by_it in (False, True):
                with self.subTest(f"{kind}, {signed_by_it}"):
                    chain = self.write("chain.pem", certs.pem("CERTIFICATE", self.make_pq(kind, signed_by_it)))
                    done = self.command("verify", "--ca", self.root.crt, "--purpose", "client", chain)
                    self.assertEqual(4, done.returncode, done.stdout + done.stderr)
                    self.assertRegex(done.stdout, rf"\n    key +{kind}\n")
                    self.assertIn(f"its key ({kind}) is of a kind that is not accepted", done.stdout)
                    self.assertEqual(signed_by_it, f"it is signed with {kind}, which is not accepted" in done.stdout, done.stdout)


class Leaves(Case):
    def rows(self):
        """why, the certificate, its key, the status it must have."""
        day, make = datetime.timedelta(days=1), self.make
        utc = certs.moment
        return [
            ("an ordinary one", make(), "prime256v1", "valid"),
            ("a purpose that is critical", make((basic(), SIGNS, purposes(critical=True))), "prime256v1", "valid"),
            ("a purpose beside others", make((basic(), SIGNS, purposes(sequence(oid("codeSigning"), oid("1.2.3.4"), oid("clientAuth"))))), "prime256v1", "valid"),
            ("any purpose beside the right one", make((basic(), SIGNS, purposes(sequence(oid("any"), oid("clientAuth"))))), "prime256v1", "valid"),
            ("any purpose", make((basic(), SIGNS, purposes(sequence(oid("any"))))), "prime256v1", "wrong_purpose"),
            ("any purpose, critical", make((basic(), SIGNS, purposes(sequence(oid("any")), True))), "prime256v1", "wrong_purpose"),
            ("no purpose", make((basic(), SIGNS)), "prime256v1", "wrong_purpose"),
            ("an empty list of purposes", make((basic(), SIGNS, purposes(sequence()))), "prime256v1", "wrong_purpose"),
            ("for servers, critical", make((basic(), SIGNS, purposes(sequence(oid("serverAuth")), True))), "prime256v1", "wrong_purpose"),
            ("a purpose that only begins like it", make((basic(), SIGNS, purposes(sequence(oid("1.3.6.1.5.5.7.3.2.1"))))), "prime256v1", "wrong_purpose"),
            ("a usage that is not critical", make((basic(), usage(b"\x03\x02\x07\x80", False), purposes())), "prime256v1", "valid"),
            ("no usage", make((basic(), purposes())), "prime256v1", "valid"),
            ("usage keyAgreement only", make((basic(), usage(b"\x03\x02\x03\x08"), purposes())), "prime256v1", "wrong_purpose"),
            ("usage keyEncipherment only", make((basic(), usage(b"\x03\x02\x05\x20"), purposes())), "prime256v1", "wrong_purpose"),
            ("usage nonRepudiation only", make((basic(), usage(b"\x03\x02\x06\x40"), purposes())), "prime256v1", "wrong_purpose"),
            ("usage of nothing", make((basic(), usage(b"\x03\x01\x00"), purposes())), "prime256v1", "wrong_purpose"),
            ("usage that is no bit string", make((basic(), usage(b"\x04\x01\x80"), purposes())), "prime256v1", "wrong_purpose"),
            ("a CA that may also sign", make((CA_TRUE, usage(b"\x03\x02\x01\x86"), purposes())), "prime256v1", "constraint"),
            ("basicConstraints that are no sequence", make((extension("2.5.29.19", b"\x04\x00", True), SIGNS, purposes())), "prime256v1", "constraint"),
            ("version 1", make((), version=1), "prime256v1", "wrong_purpose"),
            ("an unknown critical extension", make(GOOD + (extension("1.2.3.4", b"\x05\x00", True),)), "prime256v1", "constraint"),
            ("an unknown extension", make(GOOD + (extension("1.2.3.4", b"\x05\x00"),)), "prime256v1", "valid"),
            ("a policy that is critical", make(GOOD + (extension("2.5.29.32", sequence(sequence(oid("1.2.3.4"))), True),)), "prime256v1", "valid"),
            ("two lists of purposes", make((basic(), SIGNS, purposes(sequence(oid("serverAuth"))), purposes())), "prime256v1", "malformed"),
            ("the same purposes twice", make(GOOD + (purposes(),)), "prime256v1", "malformed"),
            ("two sets of names", make(GOOD + (NAMES, OTHER_NAMES)), "prime256v1", "malformed"),
            ("two basicConstraints", make((CA_TRUE, basic(), SIGNS, purposes())), "prime256v1", "malformed"),
            ("signed with SHA-1", make(digest="sha1"), "prime256v1", "weak"),
            ("RSA of 1,024 bits", make(key="rsa1024"), "rsa1024", "weak"),
            ("RSA of 2,048 bits", make(key="rsa2048"), "rsa2048", "valid"),
            ("RSA for PSS only", make(key="rsa-pss"), None, "valid"),
            ("Ed25519", make(key="ed25519"), "ed25519", "valid"),
            ("P-384", make(key="secp384r1"), "secp384r1", "valid"),
            ("P-192", make(key="prime192v1"), "prime192v1", "weak"),
            ("P-224", make(key="secp224r1"), "secp224r1", "weak"),
            ("secp256k1", make(key="secp256k1"), "secp256k1", "weak"),
            ("DSA", make(key="dsa"), "dsa", "weak"),
            ("a negative serial", make(serial=b"\x85"), "prime256v1", "valid"),
            ("serial zero", make(serial=b"\x00"), "prime256v1", "valid"),
            ("a serial of 20 octets", make(serial=b"\x7f" * 20), "prime256v1", "valid"),
            ("a serial of 21 octets", make(serial=b"\x7f" * 21), "prime256v1", "valid"),
            ("a serial of 66 octets, which no list may name", make(serial=b"\x7f" * 66), "prime256v1", "malformed"),
            ("a serial of no octets", make(serial=b""), "prime256v1", "malformed"),
            ("an end in the year 9999", make(validity=(utc(self.now - day), tlv(0x18, b"99991231235959Z"))), "prime256v1", "valid"),
            ("an end before its beginning", make(validity=(utc(self.now + day), utc(self.now - day))), "prime256v1", "expired"),
            ("dates without seconds", make(validity=(tlv(0x17, b"2501010000Z"), tlv(0x17, b"4901010000Z"))), "prime256v1", "malformed"),
            ("dates with a zone", make(validity=(tlv(0x17, b"250101000000+0000"), utc(self.now + day))), "prime256v1", "malformed"),
            ("a 13th month", make(validity=(utc(self.now - day), tlv(0x18, b"20991301000000Z"))), "prime256v1", "malformed"),
        ]

    def test_verify_says_what_is_wrong(self):
        for why, der, _, status in self.rows():
            with self.subTest(why):
                code, told = self.verdict(der)
                self.assertEqual((status, 0 if status == "valid" else 4), (told, code))

    def offer(self, port, der, key, version):
        """None when openssl itself will not offer it; else whether a request was answered with 200."""
        path = self.write("caller.pem", certs.pem("CERTIFICATE", der) + self.key(key).read_text())
        path.chmod(0o600)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.root.crt)
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        try:
            context.load_cert_chain(path)
        except ssl.SSLError:
            return None
        with contextlib.suppress(OSError), peers.secure(port, context) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return peers.response(connection)[0] == 200
        return False

    def test_a_caller_gets_what_verify_says(self):
        """A4 on the wire: whoever verify refuses is let in nowhere and no byte of him reaches the backend, in either version."""
        backend = peers.Backend(self)
        port = self.verifier(backend.port)
        offered = 0
        for why, der, key, status in self.rows():
            for version in VERSIONS:
                with self.subTest(f"{why}, {version.name}"):
                    before = len(backend.received)
                    let_in = self.offer(port, der, key, version) if key else None
                    if let_in is None:
                        continue
                    offered += 1
                    self.assertEqual(status == "valid", let_in)
                    self.assertEqual(let_in, len(backend.received) > before)
        self.assertGreater(offered, 60)


class Issuers(Case):
    ROWS = [
        ("an ordinary CA", GOOD_CA, {}, "valid"),
        ("a CA for clients, critical", GOOD_CA + (purposes(critical=True),), {}, "valid"),
        ("a CA for any purpose", GOOD_CA + (purposes(sequence(oid("any"))),), {}, "valid"),
        ("a CA for servers", GOOD_CA + (purposes(sequence(oid("serverAuth"))),), {}, "wrong_purpose"),
        ("a CA for servers, critical", GOOD_CA + (purposes(sequence(oid("serverAuth")), True),), {}, "wrong_purpose"),
        ("a CA for nothing", GOOD_CA + (purposes(sequence()),), {}, "wrong_purpose"),
        ("basicConstraints that are not critical", (basic(tlv(1, b"\xff"), False), CERT_SIGN), {}, "valid"),
        ("a CA without usage", (CA_TRUE,), {}, "valid"),
        ("no CA", (basic(), CERT_SIGN), {}, "constraint"),
        ("no basicConstraints", (CERT_SIGN,), {}, "constraint"),
        ("a CA that may sign lists only", (CA_TRUE, usage(b"\x03\x02\x01\x02")), {}, "constraint"),
        ("version 1", (), {"version": 1}, "constraint"),
        ("an unknown critical extension", GOOD_CA + (extension("1.2.3.4", b"\x05\x00", True),), {}, "constraint"),
        ("signed with SHA-1", GOOD_CA, {"digest": "sha1"}, "weak"),
        ("basicConstraints twice: it cannot be read, so it is no issuer", (CA_TRUE, basic(), CERT_SIGN), {}, "unknown_ca"),
        ("a serial that no list may name", GOOD_CA, {"serial": b"\x7f" * 66}, "unknown_ca"),
    ]

    def test_verify_holds_the_issuer_to_its_rules(self):
        """A4"""
        for why, extensions, options, status in self.ROWS:
            with self.subTest(why):
                ca = self.ca_of(extensions, **options)
                code, told = self.verdict(self.make(issuer=ca), ca.der)
                self.assertEqual((status, 0 if status == "valid" else 4), (told, code))

    def test_a_purpose_holds_also_two_levels_up_and_at_the_root(self):
        """A4"""
        top = self.ca_of(GOOD_CA + (purposes(sequence(oid("serverAuth"))),))
        below = certs.Certificate(self.pki.folder, "odd-secp521r1", b"", certs.name([("CN", "below")]), 5, top)
        self.key("secp521r1")
        der = self.make(GOOD_CA, issuer=top, key="secp521r1", cn="below")
        self.assertEqual((4, "wrong_purpose"), self.verdict(self.make(issuer=below), der, top.der))
        servers = self.pki.ca("odd-servers-root", eku=("serverAuth",))
        caller = self.pki.leaf("odd-of-servers-root", servers, eku=("clientAuth",))
        done = self.command("verify", "--ca", servers.crt, "--purpose", "client", "--json", caller.crt)
        self.assertEqual((4, "wrong_purpose"), (done.returncode, json.loads(done.stdout)["status"]))


class Serials(Case):
    ROWS = [  # content of the INTEGER in the certificate, in the list, and whether they are the same number
        (b"\x05", b"\x05", True),
        (b"\x05", b"\x06", False),
        (b"\x05", b"\x05\x00", False),
        (b"\x05\x00", b"\x05", False),
        (b"\x00", b"\x00", True),
        (b"\x00\x85", b"\x00\x85", True),
        (b"\x7f" * 20, b"\x7f" * 20, True),
        (b"\x7f" * 20, b"\x7f" * 19, False),
        (b"\x7f" * 21, b"\x7f" * 21, True),
        (b"\x7f" * 64, b"\x7f" * 64, True),
        (b"\x85", b"\x85", True),  # negative
        (b"\x85", b"\x00\x85", True),  # written without its sign byte in one of the two: the CA meant the same one
        (b"\x00\x85", b"\x85", True),
        (b"\x00\x05", b"\x05", True),  # longer than DER allows: by value, not by bytes
        (b"\x00\x00\x05", b"\x05", True),
        (b"\x05", b"\x00\x00\x05", True),
    ]

    def list(self, serial):
        began = certs.moment(self.now - datetime.timedelta(hours=1))
        algorithm = sequence(oid(SIGNED_WITH["sha256"]))
        tbs = sequence(certs.integer(1), algorithm, self.root.subject, began, certs.moment(self.now + datetime.timedelta(days=3)),
                       sequence(sequence(tlv(2, serial), began)), tlv(0xA0, sequence(extension("2.5.29.20", certs.integer(1)))))
        return self.write("one.crl", certs.pem("X509 CRL", self.pki.sign(tbs, self.root)))

    def test_a_serial_is_matched_by_its_value(self):
        """F1: neither a list nor a certificate gets around the other by an unusual form of the same number."""
        for own, listed, same in self.ROWS:
            with self.subTest(f"{own.hex()} and {listed.hex()}"):
                code, told = self.verdict(self.make(serial=own), crl=self.list(listed))
                self.assertEqual((4, "revoked") if same else (0, "valid"), (code, told))

    def test_a_serial_with_needless_sign_bytes_is_refused(self):
        """F1: FF 85 is 85 and no other number; no reader should have to guess."""
        for own, listed in ((b"\xff\x85", b"\x85"), (b"\xff\xff\x85", b"\x05")):
            with self.subTest(own.hex()):
                self.assertEqual((4, "malformed"), self.verdict(self.make(serial=own), crl=self.list(listed)))
        chain = self.write("chain.pem", certs.pem("CERTIFICATE", self.make()))
        done = self.command("verify", "--ca", self.root.crt, "--crl", self.list(b"\xff\x85"), "--purpose", "client", chain)
        self.assertEqual(3, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()
