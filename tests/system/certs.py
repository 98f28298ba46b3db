# SPDX-License-Identifier: Apache-2.0
"""Certificates for the tests, also ones that no honest authority would issue. This module writes the DER and the ECDSA signatures; the openssl program
makes other kinds of keys and signatures."""
import base64
import dataclasses
import datetime
import functools
import hashlib
import pathlib
import subprocess
import textwrap

import p256

OIDS = {
    "CN": "2.5.4.3", "OU": "2.5.4.11", "O": "2.5.4.10", "C": "2.5.4.6", "ST": "2.5.4.8", "L": "2.5.4.7",
    "serverAuth": "1.3.6.1.5.5.7.3.1", "clientAuth": "1.3.6.1.5.5.7.3.2", "codeSigning": "1.3.6.1.5.5.7.3.3",
    "any": "2.5.29.37.0",
}
UTF8, PRINTABLE, T61, BMP = 0x0C, 0x13, 0x14, 0x1E


def tlv(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def integer(value):
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted):
    first, second, *rest = (int(x) for x in OIDS.get(dotted, dotted).split("."))
    out = bytes([first * 40 + second])
    for arc in rest:
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(arc & 0x7F | 0x80)
        out += bytes(reversed(digits))
    return tlv(6, out)


def sequence(*parts):
    return tlv(0x30, *parts)


def bit_string(body):
    return tlv(3, b"\0", body)


def moment(when):
    if 1950 <= when.year < 2050:
        return tlv(0x17, when.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, when.strftime("%Y%m%d%H%M%SZ").encode())


def name(parts):
    """parts: [("O", "Tests"), ("CN", b"raw bytes"), ("CN", bytes, BMP)], one RDN each, or a list of such for one RDN of several."""
    rdns = []
    for part in parts:
        pairs = []
        for kind, value, *tag in part if isinstance(part, list) else [part]:
            raw = value if isinstance(value, bytes) else value.encode()
            pairs.append(sequence(oid(kind), tlv(tag[0] if tag else UTF8, raw)))
        rdns.append(tlv(0x31, *sorted(pairs)))
    return sequence(*rdns)


def general_names(names):
    """names: ["DNS:a", "IP:127.0.0.1", "URI:spiffe://x/y", "email:a@b", "other:text"]; bytes after the colon when given as a pair."""
    out = []
    for entry in names:
        kind, value = entry if isinstance(entry, tuple) else entry.split(":", 1)
        if kind == "IP":
            value = bytes(int(x) for x in value.split("."))
        raw = value if isinstance(value, bytes) else value.encode()
        if kind == "other":
            out.append(tlv(0xA0, oid("1.3.6.1.4.1.311.20.2.3"), tlv(0xA0, tlv(UTF8, raw))))
            continue
        out.append(tlv({"email": 0x81, "DNS": 0x82, "URI": 0x86, "IP": 0x87}[kind], raw))
    return sequence(*out)


def extension(dotted, body, critical=False):
    return sequence(oid(dotted), tlv(1, b"\xff") if critical else b"", tlv(4, body))


def openssl(*arguments, data=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments}: {done.stderr.decode()}")
    return done.stdout


@functools.lru_cache(maxsize=None)
def spki_of(key):
    """The SubjectPublicKeyInfo of a private key in PEM's bytes."""
    number = p256.number_of(key)
    return p256.spki(number) if number else openssl("pkey", "-pubout", "-outform", "DER", data=key)


def signature_by(key, tbs, digest="sha256"):
    """The signature by a key, a file, as a certificate has it."""
    number = p256.number_of(key.read_bytes())
    if number and digest.startswith("sha"):
        return sequence(*map(integer, p256.sign(number, tbs, digest)))
    return openssl("dgst", f"-{digest}", "-sign", key, data=tbs)


def pem(label, der):
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


@dataclasses.dataclass
class Certificate:
    """Files of one certificate, and the facts a test compares with."""
    folder: pathlib.Path
    stem: str
    der: bytes
    subject: bytes
    serial: int
    issuer: object = None

    @property
    def crt(self):
        return self.folder / f"{self.stem}.crt"

    @property
    def key(self):
        return self.folder / f"{self.stem}.key"

    @property
    def pem(self):
        """Leaf, intermediates and key in one file."""
        return self.folder / f"{self.stem}.pem"

    @property
    def sha256(self):
        return hashlib.sha256(self.der).hexdigest()

    @functools.cached_property
    def spki(self):
        return spki_of(self.key.read_bytes())

    @property
    def key_id(self):
        return hashlib.sha1(self.spki).digest()


class Pki:
    """A folder of certificates, each made once under the stem it is asked for."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.made = {}
        self.serial = 0x1000

    def new_key(self, path, kind):
        if kind == "ec":
            path.write_text(pem("EC PRIVATE KEY", p256.new_key()))
        else:
            openssl("genrsa", "-out", path, kind)
        path.chmod(0o600)

    def ca(self, stem, *, subject=None, issuer=None, start=-3650, days=7300, path_length=None, eku=()):
        """A root, or an intermediate when issuer is given. eku limits what it may issue for."""
        basic = sequence(tlv(1, b"\xff"), integer(path_length) if path_length is not None else b"")
        extensions = [extension("2.5.29.19", basic, True), extension("2.5.29.15", tlv(3, b"\1\x06"), True)]
        if eku:
            extensions.append(extension("2.5.29.37", sequence(*map(oid, eku))))
        return self.make(stem, subject or [("O", "Tests"), ("CN", stem)], issuer, extensions, start, days, "ec")

    def leaf(self, stem, issuer=None, *, cn=None, subject=None, san=(), eku=("serverAuth",), start=-1, days=365, key="ec",
             is_ca=False):
        """A certificate for one end. No san and no eku leave the extension out."""
        return self.end_entity(stem, issuer or self.ca("root"), cn, subject, san, eku, start, days, key, is_ca)

    def self_signed(self, stem, *, san=(), eku=("serverAuth",)):
        """A certificate for one end that vouches for itself."""
        return self.end_entity(stem, None, stem, None, san, eku, -1, 365, "ec", False)

    def end_entity(self, stem, issuer, cn, subject, san, eku, start, days, key, is_ca):
        extensions = [extension("2.5.29.19", sequence(tlv(1, b"\xff")) if is_ca else sequence(), True),
                      extension("2.5.29.15", tlv(3, b"\7\x80"), True)]
        if eku:
            extensions.append(extension("2.5.29.37", sequence(*map(oid, eku))))
        if san:
            extensions.append(extension("2.5.29.17", general_names(san)))
        parts = subject or [("O", "Tests"), ("CN", cn or stem)]
        return self.make(stem, parts, issuer, extensions, start, days, key)

    def make(self, stem, subject, issuer, extensions, start, days, key):
        if stem in self.made:
            return self.made[stem]
        self.serial += 1
        made = Certificate(self.folder, stem, b"", name(subject), self.serial, issuer)
        self.new_key(made.key, key)
        signer = issuer or made
        began = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=start)
        extensions = extensions + [extension("2.5.29.14", tlv(4, made.key_id)),
                                   extension("2.5.29.35", sequence(tlv(0x80, signer.key_id)))]
        tbs = sequence(tlv(0xA0, integer(2)), integer(made.serial), sequence(oid("1.2.840.10045.4.3.2")), signer.subject,
                       sequence(moment(began), moment(began + datetime.timedelta(days=days))), made.subject, made.spki,
                       tlv(0xA3, sequence(*extensions)))
        made.der = self.sign(tbs, signer)
        made.crt.write_text(pem("CERTIFICATE", made.der))
        chain = ""
        while signer is not made and signer.issuer:
            chain += signer.crt.read_text()
            signer = signer.issuer
        made.pem.write_text(made.crt.read_text() + chain + made.key.read_text())
        made.pem.chmod(0o600)
        self.made[stem] = made
        return made

    def again(self, stem, like, issuer, start=-1, days=3650):
        """Another certificate for the key and the name of a CA: cross-signed, re-issued, or by itself when issuer is None."""
        if stem in self.made:
            return self.made[stem]
        self.serial += 1
        made = Certificate(self.folder, stem, b"", like.subject, self.serial, issuer)
        made.key.write_bytes(like.key.read_bytes())
        began = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=start)
        signer = issuer or made
        extensions = [extension("2.5.29.19", sequence(tlv(1, b"\xff")), True), extension("2.5.29.15", tlv(3, b"\1\x06"), True),
                      extension("2.5.29.14", tlv(4, made.key_id))]
        tbs = sequence(tlv(0xA0, integer(2)), integer(made.serial), sequence(oid("1.2.840.10045.4.3.2")), signer.subject,
                       sequence(moment(began), moment(began + datetime.timedelta(days=days))), made.subject, made.spki,
                       tlv(0xA3, sequence(*extensions)))
        made.der = self.sign(tbs, signer)
        made.crt.write_text(pem("CERTIFICATE", made.der))
        self.made[stem] = made
        return made

    def sign(self, tbs, signer):
        return sequence(tbs, sequence(oid("1.2.840.10045.4.3.2")), bit_string(signature_by(signer.key, tbs)))

    def crl(self, stem, issuer, revoked=(), *, start=-1, days=30, number=1):
        """A revocation list; gives its path."""
        began = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=start)
        entries = [sequence(integer(c.serial), moment(began)) for c in revoked]
        extensions = extension("2.5.29.20", integer(number)), extension("2.5.29.35", sequence(tlv(0x80, issuer.key_id)))
        tbs = sequence(integer(1), sequence(oid("1.2.840.10045.4.3.2")), issuer.subject, moment(began),
                       moment(began + datetime.timedelta(days=days)), sequence(*entries) if entries else b"",
                       tlv(0xA0, sequence(*extensions)))
        path = self.folder / f"{stem}.crl"
        path.write_text(pem("X509 CRL", self.sign(tbs, issuer)))
        return path

    # The cast of most tests.
    def server(self):
        return self.leaf("server", cn="localhost", san=["DNS:localhost", "IP:127.0.0.1"])

    def client(self):
        return self.leaf("client", subject=[("O", "Tests"), ("OU", "apps"), ("CN", "client1")], eku=("clientAuth",),
                         san=["URI:spiffe://tests.example/client1", "DNS:client1.tests.example"])
