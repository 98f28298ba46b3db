# SPDX-License-Identifier: Apache-2.0
"""Every kind of key in TLS, on both sides and in both versions, with OpenSSL as the peer. `check` refuses keys that no peer accepts, with a message."""
import pathlib
import shutil
import subprocess
import tempfile

import harness
import peers
from certs import openssl
from harness import free_port

EC, PSS = ("-algorithm", "EC", "-pkeyopt"), ("-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048")


def limited(bits):
    return (*PSS, "-pkeyopt", f"rsa_pss_keygen_md:sha{bits}", "-pkeyopt", f"rsa_pss_keygen_mgf1_md:sha{bits}", "-pkeyopt", f"rsa_pss_keygen_saltlen:{bits // 8}")


# What genpkey makes it from, what it is called, and what its CA signs with.
KINDS = {
    "p256": ((*EC, "ec_paramgen_curve:P-256"), "ECDSA P-256", ("-sha256",)),
    "p384": ((*EC, "ec_paramgen_curve:P-384"), "ECDSA P-384", ("-sha384",)),
    "p521": ((*EC, "ec_paramgen_curve:P-521"), "ECDSA P-521", ("-sha512",)),
    "ed25519": (("-algorithm", "ED25519"), "Ed25519", ()),
    "ed448": (("-algorithm", "ED448"), "Ed448", ()),
    "rsa": (("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"), "RSA 2048", ("-sha512",)),
    "pss": (PSS, "RSA-PSS 2048", ("-sha256",)),
    "pss256": (limited(256), "RSA-PSS 2048", ("-sha256",)),
    "pss384": (limited(384), "RSA-PSS 2048", ("-sha384",)),
    "pss512": (limited(512), "RSA-PSS 2048", ("-sha512",)),
}
USELESS = {
    "p224": ((*EC, "ec_paramgen_curve:P-224"), "its key (ECDSA P-224) is of a kind that cannot be used for TLS here; issue the certificate for one of these: ECDSA P-256"),
    "k256": ((*EC, "ec_paramgen_curve:secp256k1"), "its key (ECDSA secp256k1) is of a kind"),
    "brainpool": ((*EC, "ec_paramgen_curve:brainpoolP256r1"), "its key (ECDSA brainpoolP256r1) is of a kind"),
    "explicit": ((*EC, "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"), "its key (ECDSA with explicit parameters) is of a kind"),
    "rsa512": (("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:512"), "its key (RSA 512) is too weak"),
    "psssha1": ((*PSS, "-pkeyopt", "rsa_pss_keygen_md:sha1"), "its key (RSA-PSS 2048) is limited to SHA1 with 20 bytes of salt"),
}
LEAF = "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\nkeyUsage=digitalSignature\nbasicConstraints=CA:false\n"
CA = "[req]\ndistinguished_name=d\nx509_extensions=x\n[d]\n[x]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n"


class Zoo:
    """A CA of each kind, and a certificate of the same kind under it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mtlsd-kinds-"))
        self.write("leaf.ext", LEAF)
        self.write("ca.cnf", CA)
        for stem, (how, _, digest) in KINDS.items():
            self.key(f"{stem}-ca", how)
            openssl("req", "-x509", "-new", *digest, "-key", self.folder / f"{stem}-ca.key", "-subj", f"/CN={stem} CA", "-days", "30", "-out",
                    self.folder / f"{stem}-ca.crt", "-config", self.folder / "ca.cnf")
            self.leaf(stem, how, f"{stem}-ca", digest)
        self.write("cas.crt", "".join((self.folder / f"{stem}-ca.crt").read_text() for stem in KINDS))

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name

    def key(self, stem, how):
        openssl("genpkey", *how, "-out", self.folder / f"{stem}.key")

    def leaf(self, stem, how, ca, digest=(), extensions="leaf.ext"):
        at = self.folder / stem
        self.key(stem, how)
        openssl("req", "-new", "-key", f"{at}.key", "-subj", f"/CN={stem}", "-out", f"{at}.csr")
        openssl("x509", "-req", *digest, "-in", f"{at}.csr", "-CA", self.folder / f"{ca}.crt", "-CAkey", self.folder / f"{ca}.key", "-CAcreateserial",
                "-days", "30", "-extfile", self.folder / extensions, "-out", f"{at}.crt")
        pem = self.write(f"{stem}.pem", pathlib.Path(f"{at}.crt").read_text() + pathlib.Path(f"{at}.key").read_text())
        pem.chmod(0o600)
        return pem


class Kinds(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.zoo = Zoo()
        cls.addClassCleanup(shutil.rmtree, cls.zoo.folder, True)

    def at(self, name):
        return self.zoo.folder / name

    def check_text(self, bundle, tls=""):
        return f"""identities = {{ me = {{ bundle = "{bundle}"; }}; }};
            trusts = {{ them = {{ ca = "{self.at('p256-ca.crt')}"; }}; }};
            upstreams = {{ far = {{ targets = [ "127.0.0.1:9" ]; tls = {{ identity = "me"; trust = "them"; {tls} }}; }}; }};
            listeners = {{ app = {{ bind = "127.0.0.1:{free_port()}"; upstream = "far"; }}; }};"""

    def check(self, bundle, tls="", code=0):
        done = self.command("check", "-c", self.config(self.check_text(bundle, tls)))
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def test_kinds_have_their_names(self):
        for stem, (_, name, _) in KINDS.items():
            with self.subTest(stem):
                self.assertIn(f"  {name} ", self.check(self.at(f"{stem}.pem")))
                done = self.command("verify", "--ca", self.at(f"{stem}-ca.crt"), "--purpose", "client", self.at(f"{stem}.crt"))
                self.assertEqual(0, done.returncode, done.stdout + done.stderr)
                self.assertIn(name, done.stdout)

    def test_callers_and_our_own_certificate_in_both_versions(self):
        """A verifier whose identity is of each kind, called by OpenSSL with a certificate of the same kind."""
        backend = peers.Backend(self)
        ports = {stem: free_port() for stem in KINDS}
        identities = "".join(f'{stem} = {{ bundle = "{self.at(stem)}.pem"; }}; ' for stem in KINDS)
        listeners = "".join(f'{stem} = {{ bind = "127.0.0.1:{port}"; upstream = "app"; tls = {{ identity = "{stem}"; trust = "all"; }}; }}; '
                            for stem, port in ports.items())
        self.daemon(f"""identities = {{ {identities} }}; trusts = {{ all = {{ ca = "{self.at('cas.crt')}"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{backend.port}" ]; }}; }}; listeners = {{ {listeners} }};""", list(ports.values()))
        for stem, port in ports.items():
            for version in ("-tls1_2", "-tls1_3"):
                with self.subTest(stem, version=version):
                    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", version, "-cert", self.at(f"{stem}.crt"), "-key",
                                           self.at(f"{stem}.key"), "-CAfile", self.at(f"{stem}-ca.crt"), "-verify_return_error", "-verify_hostname",
                                           "localhost", "-ign_eof"],
                                          input=b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", capture_output=True, timeout=30)
                    self.assertIn(b"HTTP/1.1 200", done.stdout, done.stdout + done.stderr)

    def test_servers_and_our_own_certificate_in_both_versions(self):
        """An injector with an identity of each kind, at servers of OpenSSL with a certificate of the same kind."""
        for version in ("-tls1_2", "-tls1_3"):
            far, near = {stem: free_port() for stem in KINDS}, {stem: free_port() for stem in KINDS}
            for stem, port in far.items():
                self.spawn(f"s_server-{stem}", ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", version, "-cert", self.at(f"{stem}.crt"), "-key",
                                                self.at(f"{stem}.key"), "-CAfile", self.at(f"{stem}-ca.crt"), "-Verify", "3", "-verify_return_error", "-www"],
                           [port])
            identities = "".join(f'{stem} = {{ bundle = "{self.at(stem)}.pem"; }}; ' for stem in KINDS)
            trusts = "".join(f'{stem} = {{ ca = "{self.at(stem)}-ca.crt"; }}; ' for stem in KINDS)
            upstreams = "".join(f'{stem} = {{ targets = [ "127.0.0.1:{port}" ]; tls = {{ identity = "{stem}"; trust = "{stem}"; server_name = "localhost"; }}; }}; '
                                for stem, port in far.items())
            listeners = "".join(f'{stem} = {{ bind = "127.0.0.1:{port}"; upstream = "{stem}"; }}; ' for stem, port in near.items())
            mtlsd = self.daemon(f"identities = {{ {identities} }}; trusts = {{ {trusts} }}; upstreams = {{ {upstreams} }}; listeners = {{ {listeners} }};",
                                list(near.values()))
            for stem, port in near.items():
                with self.subTest(stem, version=version):
                    answer = self.curl(f"http://127.0.0.1:{port}/")
                    self.assertEqual(200, answer.status, answer.text)
                    self.assertRegex(answer.text, rf"Subject: CN ?= ?{stem}\n")
            mtlsd.stop()

    def test_kinds_that_nobody_takes_are_refused_in_words(self):
        for stem, (how, says) in USELESS.items():
            with self.subTest(stem):
                self.assertIn(says, self.check(self.zoo.leaf(stem, how, "p256-ca", ("-sha256",)), code=3))

    def test_a_certificate_that_may_not_sign_is_refused(self):
        self.zoo.write("usage.ext", LEAF.replace("digitalSignature", "keyEncipherment"))
        pem = self.zoo.leaf("usage", KINDS["rsa"][0], "p256-ca", ("-sha256",), "usage.ext")
        self.assertIn("does not allow to sign, which TLS needs: issue it again with keyUsage = digitalSignature", self.check(pem, code=3))

    def test_weak_keys_are_warned_of(self):
        pem = self.zoo.leaf("rsa1024", ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"), "p256-ca", ("-sha256",))
        self.assertIn("warning: identity me: most peers will refuse its key (RSA 1024) as too weak", self.check(pem))

    def test_a_priority_that_leaves_the_identity_out_is_refused(self):
        rows = {"p256": ("NORMAL:-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-SHA256", "TLS 1.3 use the key of the identity (ECDSA P-256)"),
                "p521": ("NORMAL:-SIGN-ECDSA-SECP521R1-SHA512", "add :+SIGN-ECDSA-SECP521R1-SHA512:"),
                "pss384": ("NORMAL:-SIGN-RSA-PSS-SHA384", "add :+SIGN-RSA-PSS-SHA384:"),
                "ed448": ("NORMAL:-VERS-ALL:+VERS-TLS1.2:-SIGN-EDDSA-ED448", "TLS 1.2 use the key of the identity (Ed448)")}
        for stem, (priority, says) in rows.items():
            with self.subTest(stem):
                self.check(self.at(f"{stem}.pem"), 'priority = "NORMAL";')
                text = self.check(self.at(f"{stem}.pem"), f'priority = "{priority}";', code=3)
                self.assertIn("error: tls: ", text)
                self.assertIn(says, text)


if __name__ == "__main__":
    harness.main()
