# SPDX-License-Identifier: Apache-2.0
"""Common mistakes in a first configuration that requires client certificates: the message for each has the place, the fault and what to do."""
import subprocess
import unittest

import harness

SERVER, CA = 'bundle = "server.pem"', 'ca = "ca.pem"'


class Mistakes(harness.Case):
    """One configuration that is right, and one thing of it changed at a time. Files come from the openssl program."""

    TEXT = """identities = { server = { %(identity)s; }; };
trusts     = { clients = { %(trust)s; }; };
upstreams  = { app = { targets = [ "127.0.0.1:9000" ]; }; };
listeners  = { front = { bind = "127.0.0.1:8443";
  tls = { identity = "server"; trust = "clients"; %(tls)s };
  %(rest)s }; };
"""

    def openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def secret(self, name, text):
        self.write(name, text).chmod(0o600)

    def setUp(self):
        super().setUp()
        root, second, server = self.pki.ca("root"), self.pki.ca("second"), self.pki.server()
        client = self.pki.client()
        nameless = self.pki.leaf("mistakes-nameless", cn="localhost")
        self.write("ca.pem", root.crt.read_text())
        self.write("both.pem", root.crt.read_text() + second.crt.read_text())
        self.write("leaf.pem", root.crt.read_text() + client.crt.read_text())
        self.write("client.crt", client.crt.read_text())
        self.write("root.crl", self.pki.crl("mistakes-root", root).read_text())
        self.write("second.crl", self.pki.crl("mistakes-second", second).read_text())
        self.write("old.crl", self.pki.crl("mistakes-old", root, start=-30, days=20).read_text())
        self.secret("server.pem", server.pem.read_text())
        self.secret("nameless.pem", nameless.pem.read_text())
        self.secret("key.pem", server.key.read_text())
        self.write("server.crt", server.crt.read_text())
        self.openssl("x509", "-in", "ca.pem", "-outform", "DER", "-out", "ca.der")
        self.openssl("crl", "-in", "root.crl", "-outform", "DER", "-out", "der.crl")
        self.openssl("pkcs12", "-export", "-in", "server.pem", "-passout", "pass:x", "-out", "server.p12")
        self.openssl("req", "-new", "-key", "key.pem", "-subj", "/CN=x", "-out", "x.csr")

    ROUTES = 'routes = ( { cert = "expired"; path = "/late.html"; upstream = "app"; }, { cert = "expired"; redirect = "/late.html"; }, { upstream = "app"; } );'
    # what was changed, and what must be in the answer: code, and words of one line
    ROWS = [
        ("nothing", {}, 0, r": fine"),
        ("a CA in DER", {"trust": 'ca = "ca.der"'}, 3, r"conf:2: error: .*ca\.der: looks like DER.*openssl x509 -inform DER"),
        ("a CRL in DER", {"trust": CA + '; crl = "der.crl"'}, 0, r"1 +0 +20"),
        ("a PKCS#12 file", {"identity": 'bundle = "server.p12"'}, 3, r"conf:1: error: .*server\.p12: looks like PKCS#12.*openssl pkcs12 -in"),
        ("a request in place of a certificate", {"trust": 'ca = "x.csr"'}, 3, r"x\.csr:1: .*the CA makes one of it"),
        ("a key in place of a CA", {"trust": 'ca = "key.pem"'}, 3, r"key\.pem:1: .*a key is named by bundle or key"),
        ("a list in place of a CA", {"trust": 'ca = "root.crl"'}, 3, r"root\.crl:1: .*named by crl of a trust"),
        ("a CA in place of a list", {"trust": CA + '; crl = "ca.pem"'}, 3, r"ca\.pem:1: .*named by ca of a trust"),
        ("a leaf among CAs", {"trust": 'ca = "leaf.pem"'}, 3, r"leaf\.pem:\d+: certificate .* is not a CA certificate.*allow or pins"),
        ("a certificate without its key", {"identity": 'bundle = "server.crt"'}, 3, r"conf:1: error: .*server\.crt holds no private key"),
        ("certificate and key mixed up", {"identity": 'certificate = "key.pem"; key = "server.crt"'}, 3, r"holds no (certificate|private key)"),
        ("a server without names", {"identity": 'bundle = "nameless.pem"'}, 0, r"warning: .*names no host in subjectAltName.*DNS:"),
        ("the list of another CA", {"trust": CA + '; crl = "second.crl"'}, 0, r"conf:2: warning: .*no revocation list of CA .*openssl ca -gencrl.*prefer"),
        ("a list for one of two CAs", {"trust": 'ca = "both.pem"; crl = "root.crl"'}, 0, r"conf:2: warning: .*no revocation list of CA .*crl_missing"),
        ("the same, not required", {"trust": 'ca = "both.pem"; crl = "root.crl"; crl_policy = "prefer"'}, 0, r"accepted as not revoked"),
        ("an old list", {"trust": CA + '; crl = "old.crl"'}, 0, r"old\.crl:1: warning: .*stale since 20.*get the newer list"),
        ("a word of HAProxy", {"tls": 'verify = "optional";'}, 3, r"conf:5: error: listeners\.front\.tls\.verify: unknown key; the equivalent here is client_cert"),
        ("a misspelt status", {"tls": 'tolerate = [ "expird" ];'}, 3, r'conf:5: error: .*"expird" is not a valid value, did you mean "expired"'),
        ("tolerated, and no route", {"tls": 'tolerate = [ "expired" ];'}, 3, r"conf:6: error: .*a certificate that is expired.*cert = "),
        ("a page for the late, right", {"tls": 'tolerate = [ "expired" ];', "rest": ROUTES}, 0, r": fine"),
        ("a page that nobody serves", {"tls": 'tolerate = [ "expired" ];', "rest": ROUTES.replace('path = "/late.html"', 'path = "/Late.html"')}, 0,
         r'conf:6: warning: .*sent to "/late\.html" comes back.*put a route with path = "/late\.html" before it'),
        ("revoked, and no list", {"tls": 'tolerate = [ "revoked" ];', "rest": 'routes = ( { cert = "revoked"; respond = 403; }, { upstream = "app"; } );'}, 0,
         r'conf:6: warning: .*never matches: trust "clients" has no revocation list'),
        ("an upstream of no name", {"rest": 'upstream = "partner";'}, 3, r'conf:6: error: .*no upstream "partner" is defined; there are: app'),
        ("a key of no program", {"trust": CA + "; colour = 1"}, 3, r"conf:2: error: trusts\.clients\.colour: unknown key; there are ca, source, crl"),
    ]

    def test_each_is_told_with_its_place_and_what_to_do(self):
        for why, changed, code, says in self.ROWS:
            parts = {"identity": SERVER, "trust": CA, "tls": "", "rest": 'upstream = "app";', **changed}
            self.write("m.conf", self.TEXT % parts)
            done = self.command("check", "-c", "m.conf")
            with self.subTest(mistake=why):
                self.assertEqual(code, done.returncode, done.stdout + done.stderr)
                self.assertRegex(done.stdout, says)

    def test_files_for_verify_are_told_alike(self):
        for why, file, says in (("DER", "ca.der", r"ca\.der: looks like DER"), ("PKCS#12", "server.p12", r"server\.p12: looks like PKCS#12"),
                                ("a key", "key.pem", r"key\.pem:1: .*a key is named by"), ("a list", "root.crl", r"root\.crl:1: .*named by crl of a trust"),
                                ("a leaf", "client.crt", r"client\.crt:1: certificate .* is not a CA certificate")):
            with self.subTest(mistake=why):
                done = self.command("verify", "--ca", file, "--purpose", "client", "client.crt")
                self.assertEqual(3, done.returncode)
                self.assertRegex(done.stderr, says)


if __name__ == "__main__":
    unittest.main(verbosity=2)
