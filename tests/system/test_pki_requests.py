# SPDX-License-Identifier: Apache-2.0
"""`mtlsd pki request`, `sign` and `export`, with OpenSSL, curl and Java as the other side, and their certificates in a handshake."""
import shutil
import subprocess
import unittest

from harness import Case, free_port, main


def openssl(*words):
    return subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, timeout=60, check=False)


class Requests(Case):
    def setUp(self):
        super().setUp()
        self.must("pki", "init")

    def must(self, *words):
        done = self.command(*words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def refuses(self, code, pattern, *words):
        done = self.command(*words)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertRegex(done.stderr, pattern)

    def request_of_openssl(self, name, *words, subject="/CN=payments/OU=billing", key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        done = openssl("req", "-newkey", *key, "-nodes", "-subj", subject, "-keyout", self.folder / f"{name}.key", "-out", self.folder / f"{name}.csr", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.folder / f"{name}.csr"

    def listener(self):
        """The port of one that lets OU=billing in, with an identity web."""
        port, pki = free_port(), self.folder / "pki"
        self.daemon(f"""
            identities = {{ me = {{ certificate = "{pki}/web.crt"; key = "{pki}/web.key"; }}; }};
            trusts = {{ clients = {{ ca = "{pki}/ca.pem"; crl = "{pki}/crl.pem"; }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{port}"; tls = {{ identity = "me"; trust = "clients"; }};
                routes = ( {{ allow = ( {{ ou = "billing"; }} ); respond = 204; }} ); }}; }};
        """, [port])
        return port

    def text_of(self, path):
        return openssl("x509", "-in", self.folder / path, "-noout", "-text").stdout


class MakesRequests(Requests):
    def test_openssl_verifies_and_reads_the_request(self):
        for kind, words in (("ecdsa", "NIST CURVE: P-256"), ("rsa", r"\(3072 bit\)")):
            with self.subTest(kind=kind):
                said = self.must("pki", "request", f"web-{kind}", "--server", "--san", "web.example,127.0.0.1", "--ou", "shop", "--key-type", kind, "--out", "new/folder")
                self.assertIn(f"made new/folder/web-{kind}.csr", said)
                done = openssl("req", "-verify", "-noout", "-text", "-in", self.folder / f"new/folder/web-{kind}.csr")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("verify OK", done.stdout + done.stderr)
                self.assertRegex(done.stdout, rf"Subject: OU ?= ?shop, CN ?= ?web-{kind}\n")
                self.assertRegex(done.stdout, words)
                self.assertRegex(done.stdout, r"Extended Key Usage: \n +TLS Web Server Authentication\n")
                self.assertRegex(done.stdout, r"Alternative Name: \n +DNS:web.example, IP Address:127.0.0.1\n")

    def test_only_the_owner_reads_the_key_and_it_is_the_keys_request(self):
        self.must("pki", "request", "payments", "--client")
        key, csr = self.folder / "pki/payments.key", self.folder / "pki/payments.csr"
        self.assertEqual((key.stat().st_mode & 0o777, csr.stat().st_mode & 0o777), (0o600, 0o644))
        self.assertEqual(openssl("pkey", "-in", key, "-pubout").stdout, openssl("req", "-in", csr, "-pubkey", "-noout").stdout)

    def test_nothing_is_ever_replaced(self):
        self.must("pki", "request", "payments")
        self.refuses(3, r"pki/payments\.key: exists already and is never replaced: choose another NAME", "pki", "request", "payments")
        (self.folder / "pki/payments.key").unlink()
        self.refuses(3, r"pki/payments\.csr: exists already", "pki", "request", "payments")
        self.assertFalse((self.folder / "pki/payments.key").exists())
        self.must("pki", "issue", "issued", "--client")
        self.refuses(3, r"issued\.key: exists already", "pki", "request", "issued")

    def test_wrong_command_lines(self):
        for pattern, *words in ((r"--key-type is ecdsa or rsa, not \"dsa\"", "x", "--key-type", "dsa"), (r"cannot be the name", "../x"),
                                (r"a server certificate needs names", "x", "--server"), (r"is a URL", "x", "--san", "https://a.example/"), (r"NAME is missing",)):
            with self.subTest(words=words):
                self.refuses(2, pattern, "pki", "request", *words)


class Signs(Requests):
    def test_a_request_of_openssl_becomes_a_certificate_that_a_verifier_takes_until_it_is_revoked(self):
        csr = self.request_of_openssl("payments", "-addext", "subjectAltName=URI:spiffe://x/y", "-addext", "extendedKeyUsage=clientAuth")
        self.must("pki", "sign", csr)
        self.must("pki", "request", "web", "--server", "--san", "localhost")
        self.must("pki", "sign", "pki/web.csr", "--days", "30")
        port, pki = self.listener(), self.folder / "pki"
        ask = ("--cacert", pki / "ca.pem", "--cert", pki / "payments.crt", "--key", self.folder / "payments.key", f"https://localhost:{port}/")
        self.assertEqual(self.curl(*ask).status, 204)
        self.must("pki", "revoke", "payments")
        done = self.command("verify", "--ca", pki / "ca.pem", "--crl", pki / "crl.pem", "--purpose", "client", pki / "payments.crt")
        self.assertEqual(done.returncode, 4, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^status +revoked$")

    def test_the_index_tells_of_it(self):
        self.must("pki", "sign", self.request_of_openssl("payments"), "--client", "--server", "--san", "gateway.example")
        self.assertRegex(self.must("pki", "show"), r"(?m)^1001 +both +good .* payments$")
        text = self.text_of("pki/payments.crt")
        self.assertIn("TLS Web Client Authentication, TLS Web Server Authentication", text)
        self.assertIn("DNS:gateway.example\n", text)
        self.assertIn("CA:FALSE", text)
        self.assertEqual((self.folder / "pki/payments.crt").stat().st_mode & 0o777, 0o644)

    def test_openssl_verifies_a_certificate_of_every_kind_of_key(self):
        for n, key in enumerate((("rsa:2048",), ("ed25519",), ("ec", "-pkeyopt", "ec_paramgen_curve:P-521"), ("rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"))):
            with self.subTest(key=key):
                csr = self.request_of_openssl(f"k{n}", "-addext", "subjectAltName=DNS:a.example", subject="/", key=key)
                self.must("pki", "sign", csr, "--server")
                done = openssl("verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "a.example", "-CAfile", self.folder / "pki/ca.pem",
                               self.folder / f"pki/k{n}.crt")
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_only_what_is_known_is_copied(self):
        csr = self.request_of_openssl("odd", "-addext", "1.2.3.4=critical,DER:0500", "-addext", "certificatePolicies=1.2.3.4",
                                      "-addext", "crlDistributionPoints=URI:http://evil.example/", "-addext", "noCheck=ignored")
        self.must("pki", "sign", csr, "--client")
        text = self.text_of("pki/odd.crt")
        for word in ("1.2.3.4", "Policies", "evil", "No Check"):
            self.assertNotIn(word, text)

    def test_requests_that_are_refused(self):
        rows = (("for-a-ca", "basicConstraints=critical,CA:TRUE", r"it asks for a CA certificate \(CA:TRUE\)"),
                ("signs", "keyUsage=digitalSignature,keyCertSign", r"keyCertSign or cRLSign, which only a CA may have"),
                ("other-name", "subjectAltName=otherName:1.2.3.4;UTF8:x", r"is of another type than DNS, IP, URI and email"),
                ("address", "subjectAltName=DNS:127.0.0.1", r"its name dns:127\.0\.0\.1 is not a host name"))
        for name, extension, says in rows:
            with self.subTest(name=name):
                self.refuses(3, says, "pki", "sign", self.request_of_openssl(name, "-addext", extension), "--client")
        self.refuses(3, r"its key \(RSA 1024\) is too weak; make a request with one of these", "pki", "sign", self.request_of_openssl("weak", key=("rsa:1024",)), "--client")
        self.refuses(3, r"its key \(ECDSA secp256k1\) is of a kind", "pki", "sign",
                     self.request_of_openssl("coin", key=("ec", "-pkeyopt", "ec_paramgen_curve:secp256k1")), "--client")
        self.refuses(3, r"it has no name, neither a CN nor", "pki", "sign", self.request_of_openssl("nameless", subject="/O=x"), "--client")
        self.refuses(3, r"has no subjectAltName, and clients do not check the CN", "pki", "sign", self.request_of_openssl("no-san"), "--server")
        self.refuses(2, r"does not name one purpose: give --client, --server or both", "pki", "sign", "no-san.csr")
        self.refuses(3, r"this is a private key, which must stay", "pki", "sign", "no-san.key", "--client", "--name", "x")
        self.refuses(3, r"this is a certificate already", "pki", "sign", "pki/ca.pem", "--client", "--name", "x")
        self.assertEqual(len(self.must("pki", "show").splitlines()), 1, "no serial number was spent")

    def test_names_of_files(self):
        csr = self.request_of_openssl("payments")
        odd = self.folder / "a request.csr"
        odd.write_bytes(csr.read_bytes())
        self.refuses(2, r"the name of this file cannot be the name of the certificate: give --name", "pki", "sign", odd, "--client")
        self.refuses(2, r"cannot be the name", "pki", "sign", odd, "--client", "--name", "ca")
        self.must("pki", "sign", odd, "--client", "--name", "fine")
        self.refuses(3, r"pki/fine\.crt: exists already; --force replaces it", "pki", "sign", odd, "--client", "--name", "fine")
        self.must("pki", "sign", odd, "--client", "--name", "fine", "--force")
        self.refuses(2, r"--days must be between", "pki", "sign", odd, "--client", "--days", "0")


class Exports(Requests):
    def setUp(self):
        super().setUp()
        self.must("pki", "issue", "alice", "--client", "--ou", "billing")
        self.passphrase = self.write("passphrase", "correct horse\n")
        self.passphrase.chmod(0o600)
        self.p12 = self.folder / "pki/alice.p12"

    def test_openssl_opens_it_without_legacy(self):
        said = self.must("pki", "export", "alice", "--passphrase-file", self.passphrase)
        self.assertEqual(said, "made pki/alice.p12\n")
        self.assertEqual(self.p12.stat().st_mode & 0o777, 0o600)
        done = openssl("pkcs12", "-info", "-in", self.p12, "-passin", f"file:{self.passphrase}", "-nodes")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"MAC: sha256, Iteration \d+")
        self.assertEqual(done.stderr.count("PBES2, PBKDF2, AES-256-CBC"), 2, done.stderr)
        self.assertRegex(done.stdout, r"friendlyName: alice\n")
        for name in ("alice.crt", "ca.pem"):
            self.assertIn((self.folder / "pki" / name).read_text(), done.stdout)
        self.assertEqual(openssl("pkey", "-pubout", "-in", self.write("all.pem", done.stdout)).stdout, openssl("pkey", "-pubout", "-in", self.folder / "pki/alice.key").stdout)

    def test_a_client_logs_in_with_it_and_the_printed_passphrase(self):
        self.must("pki", "issue", "web", "--server", "--san", "localhost")
        said = self.must("pki", "export", "alice", "--new-passphrase", "--out", "for alice.p12")
        self.assertRegex(said, r"\Amade for alice\.p12\npassphrase: [a-z2-9]{24}\n\Z")
        port = self.listener()
        answer = self.curl("--cacert", self.folder / "pki/ca.pem", "--cert-type", "P12", "--cert", self.folder / "for alice.p12", "--pass", said.split()[-1],
                           f"https://localhost:{port}/")
        self.assertEqual(answer.status, 204, answer.error)

    @unittest.skipIf(shutil.which("keytool") is None, "needs keytool")
    def test_java_opens_it(self):
        self.must("pki", "export", "alice", "--passphrase-file", self.passphrase)
        done = subprocess.run(["keytool", "-list", "-v", "-storetype", "PKCS12", "-keystore", self.p12, "-storepass:file", self.passphrase],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for line in ("Alias name: alice", "Entry type: PrivateKeyEntry", "Certificate chain length: 2"):
            self.assertIn(line, done.stdout)

    def test_a_signed_request_can_be_exported_and_nothing_is_replaced(self):
        self.must("pki", "request", "bob", "--client", "--key-type", "rsa")
        self.must("pki", "sign", "pki/bob.csr")
        self.must("pki", "export", "bob", "--passphrase-file", self.passphrase)
        self.refuses(3, r"pki/bob\.p12: exists already and is never replaced", "pki", "export", "bob", "--new-passphrase")

    def test_refusals(self):
        export = ("pki", "export", "alice")
        self.refuses(2, r"give --passphrase-file FILE or --new-passphrase, and not both", *export)
        self.refuses(2, r"give --passphrase-file FILE or --new-passphrase, and not both", *export, "--new-passphrase", "--passphrase-file", "x")
        self.refuses(2, r"cannot be the name", "pki", "export", "ca", "--new-passphrase")
        self.refuses(3, r"pki/carol\.key: there is no such key", "pki", "export", "carol", "--new-passphrase")
        self.passphrase.chmod(0o644)
        self.refuses(3, r"other users can read or change the passphrase \(mode 0644\): run chmod 600", *export, "--passphrase-file", self.passphrase)
        short = self.write("short", "horse\n")
        short.chmod(0o600)
        self.refuses(3, r"short: the passphrase has 5 characters: write one with 8 to 255", *export, "--passphrase-file", short)
        self.must("pki", "issue", "mixed", "--client")
        shutil.copy(self.folder / "pki/alice.crt", self.folder / "pki/mixed.crt")
        self.refuses(3, r"mixed\.crt: the first certificate does not belong to the private key in pki/mixed\.key", "pki", "export", "mixed", "--new-passphrase")
        self.assertEqual(list(self.folder.glob("**/*.p12")), [])


if __name__ == "__main__":
    main()
