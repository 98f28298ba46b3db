# SPDX-License-Identifier: Apache-2.0
"""How the backend is told who called: the presets of nginx and Envoy, and what of a caller's own claims survives in each mode (C1, C2)."""
import base64
import hashlib
import re
import signal
import ssl
import urllib.parse

import harness
import peers

XFCC = "x-forwarded-client-cert"
CLAIM = "Hash=claimed;Subject=\"CN=somebody\""


class Case(harness.Case):
    def start(self, listener, **options):
        self.backend = peers.Backend(self)
        self.port = self.verifier(self.backend.port, listener=listener, **options)

    def ask(self, *fields, certificate="client"):
        """The request as the backend got it."""
        chosen = self.pki.client() if certificate == "client" else certificate
        lines = "".join(f"{field}\r\n" for field in fields)
        with peers.secure(self.port, peers.client_context(self.pki.ca("root"), chosen)) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: localhost\r\n{lines}X-Kept: yes\r\n\r\n".encode("latin-1"))
            self.assertEqual(200, peers.response(connection)[0])
        request = self.backend.requests[-1]
        self.assertEqual(["yes"], request.values("x-kept"))
        return request

    def der(self, certificate):
        return ssl.PEM_cert_to_DER_cert(certificate.crt.read_text())


class Nginx(Case):
    def test_a_valid_certificate(self):
        self.start('identity_headers = "nginx";')
        request = self.ask("ssl-client-verify: NONE", "SSL_CLIENT_CERT: x")
        self.assertEqual(["SUCCESS"], request.values("ssl-client-verify"))
        pem, = request.values("ssl-client-cert")
        self.assertEqual(self.der(self.pki.client()), ssl.PEM_cert_to_DER_cert(urllib.parse.unquote(pem)))
        self.assertIn("client1", request.values("ssl-client-subject-dn")[0])
        self.assertTrue(request.values("ssl-client-issuer-dn")[0])

    def test_no_certificate(self):
        self.start('identity_headers = "nginx";', tls='client_cert = "optional";')
        request = self.ask("ssl-client-verify: SUCCESS", "ssl-client-cert: x", "ssl-client-subject-dn: CN=admin", certificate=None)
        self.assertEqual(["NONE"], request.values("ssl-client-verify"))
        for name in ("ssl-client-cert", "ssl-client-subject-dn", "ssl-client-issuer-dn"):
            self.assertEqual([], request.values(name))


def items(value):
    """The certificates of a structured field that is a list of byte sequences (RFC 8941 sections 3.1 and 3.3.5), read strictly."""
    assert re.fullmatch(r":[A-Za-z0-9+/]*={0,2}:(, :[A-Za-z0-9+/]*={0,2}:)*", value), value
    return [base64.b64decode(item[1:-1], validate=True) for item in value.split(", ")]


class Chain(Case):
    """RFC 9440 section 2.3, and Envoy's Chain: the backend is shown the way that was verified, whatever else the caller sends."""

    def setUp(self):
        super().setUp()
        self.old, self.new = self.pki.ca("way-old"), self.pki.ca("way-new")
        self.upper = self.pki.ca("way-upper", issuer=self.old)
        self.lower = self.pki.ca("way-lower", issuer=self.upper)
        self.leaf = self.pki.leaf("way-leaf", self.lower, eku=("clientAuth",))
        self.cross = self.pki.again("way-cross", self.upper, self.new)

    def listen(self, *trusted, routes=None, tls=""):
        ca = self.write("trusted.pem", "".join(c.crt.read_text() for c in trusted))
        self.backend, self.port = peers.Backend(self), harness.free_port()
        text = self.verifier_text(self.port, self.backend.port, listener='identity_headers = [ "rfc9440", "xfcc" ]; xfcc_details = [ "chain" ];',
                                  trust=f'ca = "{ca}";', tls=tls)
        self.mtlsd = self.daemon(text.replace('upstream = "app";', routes) if routes else text, [self.port])

    def send(self, *certificates):
        path = self.write("sent.pem", "".join(c.crt.read_text() for c in certificates) + certificates[0].key.read_text())
        context = peers.client_context(self.pki.ca("root"))
        context.load_cert_chain(path)
        with peers.secure(self.port, context) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nClient-Cert-Chain: :AAAA:\r\nConnection: close\r\n\r\n")
            self.assertEqual(200, peers.response(connection)[0])
        return self.backend.requests[-1]

    def test_what_the_backend_is_shown(self):
        leaf, lower, upper, cross, old, new = self.leaf, self.lower, self.upper, self.cross, self.old, self.new
        junk, twin = self.pki.ca("way-junk"), self.pki.ca("way-lower-twin", subject=[("O", "Tests"), ("CN", "way-lower")], issuer=self.old)
        stale = self.pki.again("way-upper-stale", upper, old, start=-100, days=50)
        renewed = self.pki.again("way-old-renewed", old, None)
        rows = [
            ("in order", [old], [leaf, lower, upper], [lower, upper]),
            ("the root is left out", [old], [leaf, lower, upper, old], [lower, upper]),
            ("unordered", [old], [leaf, upper, lower], [lower, upper]),
            ("superfluous ones", [old], [leaf, junk, new, lower, old, upper], [lower, upper]),
            ("twice", [old], [leaf, lower, lower, upper, upper, leaf], [lower, upper]),
            ("one of the right name that signed nothing", [old], [leaf, twin, lower, upper], [lower, upper]),
            ("both crossings, the first leads on", [old], [leaf, lower, upper, cross], [lower, upper]),
            ("both crossings, the second leads on", [new], [leaf, lower, upper, cross], [lower, cross]),
            ("an expired copy before the good one", [old], [leaf, lower, stale, upper], [lower, upper]),
            ("a renewed root, with the old one sent", [renewed], [leaf, lower, upper, old], [lower, upper]),
            ("a trusted CA that is no root, and more sent above it", [upper], [leaf, lower, upper, old], [lower, upper]),
            ("a trusted CA that is no root and was not sent", [upper], [leaf, lower], [lower, upper]),
            ("straight from the trusted CA", [lower], [leaf, junk], [lower]),
        ]
        for why, trusted, sent, expected in rows:
            with self.subTest(why):
                self.listen(*trusted)
                request = self.send(*sent)
                names = {c.der: c.stem for c in (leaf, lower, upper, cross, old, new, junk, twin, stale, renewed)}
                shown = [der for value in request.values("client-cert-chain") for der in items(value)]
                self.assertEqual([c.stem for c in expected], [names[der] for der in shown])
                self.assertEqual([leaf.der], items(request.values("client-cert")[0]))
                chain = re.search(r';Chain="([^"]*)"', request.values(XFCC)[0])[1]
                pems = re.findall("-----BEGIN.*?END CERTIFICATE-----\n", urllib.parse.unquote(chain), re.S)
                self.assertEqual([leaf.der] + shown, [ssl.PEM_cert_to_DER_cert(p) for p in pems])
                self.mtlsd.stop()

    def test_a_root_that_signed_the_leaf_leaves_no_chain(self):
        self.listen(self.pki.ca("root"))
        request = self.send(self.pki.client(), self.lower)
        self.assertEqual([self.pki.client().der], items(request.values("client-cert")[0]))
        self.assertEqual([], request.values("client-cert-chain"))

    def test_a_tolerated_certificate_has_neither(self):
        late = self.pki.leaf("way-late", self.lower, eku=("clientAuth",), start=-30, days=10)
        self.listen(self.old, tls='tolerate = [ "expired" ];', routes='routes = ( { cert = "expired"; upstream = "app"; }, { cert = "valid"; upstream = "app"; } );')
        request = self.send(late, self.lower, self.upper)
        for name in ("client-cert", "client-cert-chain", XFCC):
            self.assertEqual([], request.values(name))
        self.assertEqual(2, len(self.send(self.leaf, self.lower, self.upper).values("client-cert-chain")[0].split(", ")))

    def test_after_a_reload_the_way_is_the_new_one(self):
        """The same connection, judged again under another trust."""
        self.listen(self.old)
        path = self.write("sent.pem", "".join(c.crt.read_text() for c in (self.leaf, self.lower, self.upper, self.cross)) + self.leaf.key.read_text())
        context = peers.client_context(self.pki.ca("root"))
        context.load_cert_chain(path)
        ask = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with peers.secure(self.port, context) as connection:
            connection.sendall(ask)
            self.assertEqual(200, peers.response(connection)[0])
            self.assertEqual([self.lower.der, self.upper.der], items(self.backend.requests[-1].values("client-cert-chain")[0]))
            self.write("trusted.pem", self.new.crt.read_text())
            self.mtlsd.signal(signal.SIGHUP)
            harness.wait_for(lambda: "the new configuration is in use" in self.mtlsd.log, "the reload")
            connection.sendall(ask)
            self.assertEqual(200, peers.response(connection)[0])
            self.assertEqual([self.lower.der, self.cross.der], items(self.backend.requests[-1].values("client-cert-chain")[0]))


class Xfcc(Case):
    def ours(self):
        return "Hash=" + hashlib.sha256(self.der(self.pki.client())).hexdigest()

    def configured(self, mode, more="", **options):
        self.start(f'identity_headers = "xfcc"; xfcc = "{mode}"; {more}', **options)

    def test_set_replaces_what_came_in(self):
        self.configured("sanitize_set")
        value, = self.ask(f"X-Forwarded-Client-Cert: {CLAIM}").values(XFCC)
        self.assertTrue(value.startswith(self.ours() + ';Subject="'), value)
        self.assertNotIn("claimed", value)

    def test_sanitize_tells_nothing(self):
        self.configured("sanitize")
        self.assertEqual([], self.ask(f"X-Forwarded-Client-Cert: {CLAIM}").values(XFCC))

    def test_forward_and_append_pass_a_verified_callers_words_on(self):
        self.configured("forward_only")
        self.assertEqual([CLAIM], self.ask(f"X-Forwarded-Client-Cert: {CLAIM}").values(XFCC))
        self.assertEqual([], self.ask().values(XFCC))
        self.mtlsd.stop()
        self.configured("append_forward")
        value, = self.ask(f"X-Forwarded-Client-Cert: {CLAIM}").values(XFCC)
        self.assertTrue(value.startswith(f"{CLAIM},{self.ours()};"), value)

    def test_nobody_claims_anything_without_a_certificate(self):
        """C1"""
        for mode in ("sanitize_set", "sanitize", "forward_only", "append_forward"):
            with self.subTest(mode):
                self.configured(mode, tls='client_cert = "optional";')
                self.assertEqual([], self.ask(f"X-Forwarded-Client-Cert: {CLAIM}", certificate=None).values(XFCC))
                self.mtlsd.stop()

    def test_always_is_refused_without_the_insecure_word(self):
        text = self.verifier_text(harness.free_port(), 1, listener='identity_headers = "xfcc"; xfcc = "always_forward_only";')
        done = self.command("check", "-c", self.config(text))
        self.assertEqual(3, done.returncode)
        self.assertIn("insecure_xfcc", done.stdout + done.stderr)
        self.configured("always_forward_only", "insecure_xfcc = true;", tls='client_cert = "optional";')
        self.assertIn("claim to be anybody", self.mtlsd.log)
        self.assertEqual([CLAIM], self.ask(f"X-Forwarded-Client-Cert: {CLAIM}", certificate=None).values(XFCC))

    def spellings(self):
        """Sixty ways to write the name that are not the name, or not meant for the backend."""
        name = "X-Forwarded-Client-Cert"
        parts = name.split("-")
        for bits in range(1, 27):
            marks = [("-", "_", ".")[bits // 3 ** i % 3] for i in range(3)]
            spelt = parts[0] + "".join(mark + part for mark, part in zip(marks, parts[1:]))
            yield [f"{spelt}: Hash=spoofed"]
            yield [f"{spelt.lower()}: Hash=spoofed"]
        for token in (name, name.lower(), name.upper(), name.replace("-", "_"), f"foo, {name}"):
            yield [f"Connection: {token}", f"{name}: Hash=spoofed"]
            yield [f"{name}: Hash=spoofed", f"Connection: {token}"]
        yield [f'{name}: Hash=spoofed;Subject="open']
        yield [f'{name}: Subject="', f"{name}: Hash=spoofed"]
        yield [f'{name}: Hash=spoofed;Subject="CN=x\\\\"']

    def test_no_other_spelling_survives_in_any_mode(self):
        """C1: in the modes that forward, only the name itself does, and only when it cannot be misread."""
        for mode in ("forward_only", "append_forward", "sanitize_set"):
            self.configured(mode)
            for fields in self.spellings():
                with self.subTest(mode, fields=fields):
                    request = self.ask(*fields)
                    self.assertNotIn(b"spoofed", request.head)
                    self.assertEqual(mode != "forward_only", len(request.values(XFCC)) == 1)
            self.mtlsd.stop()

    def test_a_trailer_never_claims(self):
        """C1"""
        self.configured("append_forward")
        raw = (b"POST / HTTP/1.1\r\nHost: localhost\r\nTrailer: X-Forwarded-Client-Cert\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
               b"2\r\nhi\r\n0\r\nX-Forwarded-Client-Cert: Hash=spoofed\r\nX_Forwarded_Client_Cert: Hash=spoofed\r\n\r\n")
        with peers.secure(self.port, peers.client_context(self.pki.ca("root"), self.pki.client())) as connection:
            connection.sendall(raw)
            self.assertIn(peers.response(connection)[0], (200, 400))
        self.assertNotIn(b"spoofed", bytes(self.backend.received))

    def test_names_of_a_certificate_cannot_end_a_value(self):
        """C2"""
        evil = self.pki.leaf("evil-of-xfcc", cn='a\r\nX-Kept: no\r\n";,Hash=spoofed\\', eku=("clientAuth",),
                             san=["URI:spiffe://x/a,Hash=spoofed;By=b"])
        self.configured("sanitize_set", 'xfcc_details = [ "cert", "chain" ];')
        value, = self.ask(certificate=evil).values(XFCC)
        self.assertRegex(value, r'\A[ -~]*\Z')
        keys, rest = [], value
        while rest:  # as Envoy's readers do: quotes may hold marks, a backslash keeps a quote inside
            key, _, rest = rest.partition("=")
            keys.append(key)
            end = 0
            inside = False
            while end < len(rest) and (inside or rest[end] not in ";,"):
                inside ^= rest[end] == '"' and rest[end - 1:end] != "\\"
                end += 1
            self.assertFalse(inside, value)
            self.assertNotEqual(",", rest[end:end + 1], "a second element")
            rest = rest[end + 1:]
        self.assertEqual(["Hash", "Cert", "Chain", "Subject", "URI"], keys)


if __name__ == "__main__":
    harness.main()
