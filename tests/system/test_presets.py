# SPDX-License-Identifier: Apache-2.0
"""The identity headers of nginx's and Envoy's presets, and what remains of a client's own headers in each mode (C1, C2)."""
import base64
import functools
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

    def listen(self, *trusted, routes=None, tls="", presets='"rfc9440", "xfcc"'):
        ca = self.write("trusted.pem", "".join(c.crt.read_text() for c in trusted))
        self.backend, self.port = peers.Backend(self), harness.free_port()
        text = self.verifier_text(self.port, self.backend.port, listener=f'identity_headers = [ {presets} ]; xfcc_details = [ "chain" ];',
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

    def test_a_tolerated_certificate_tells_all_its_faults(self):
        late = self.pki.leaf("way-late", self.lower, eku=("clientAuth",), start=-30, days=10)
        both = self.pki.leaf("way-both", self.lower, eku=("serverAuth",), start=-30, days=10)
        self.listen(self.old, tls='tolerate = [ "expired", "wrong_purpose" ];', presets='"x-ssl", "nginx", "xfcc"',
                    routes='routes = ( { cert = [ "expired", "wrong_purpose" ]; upstream = "app"; }, { cert = "valid"; upstream = "app"; } );')
        for leaf, words in ((late, "expired"), (both, "expired,wrong_purpose")):
            request = self.send(leaf, self.lower, self.upper)
            self.assertEqual([words], request.values("x-ssl-client-status"))
            self.assertEqual([f"FAILED:{words}"], request.values("ssl-client-verify"))
            self.assertEqual(["10"], request.values("x-ssl-error"))
        harness.wait_for(lambda: "cert=expired cert_faults=expired,wrong_purpose cert_error=10 " in self.mtlsd.log, "both faults in the log")

    def test_what_is_too_long_is_left_out_whole(self):
        """A field of 16 KiB at most; each is one whole item or list, or is not there, and the request passes either way."""
        self.listen(self.old)
        for stem, fill, certificate, chain in (("fits", 11500, True, True), ("is-too-long", 12500, False, True)):
            leaf = self.pki.leaf(f"way-{stem}", self.lower, eku=("clientAuth",), san=[f"URI:https://x.example/{'a' * fill}"])
            request = self.send(leaf, self.lower, self.upper)
            self.assertEqual([[leaf.der]] if certificate else [], [items(v) for v in request.values("client-cert")], stem)
            self.assertEqual([[self.lower.der, self.upper.der]] if certificate else [], [items(v) for v in request.values("client-cert-chain")],
                             "none without Client-Cert")
            self.assertIn("Hash=" + leaf.sha256, request.values(XFCC)[0])
        wide = [("O", "Tests"), ("CN", "way-wide"), *[("OU", "u" * 6000)] * 1]
        upper = self.pki.ca("way-wide-upper", subject=wide, issuer=self.old)
        lower = self.pki.ca("way-wide-lower", subject=[("O", "v" * 4000)], issuer=upper)
        leaf = self.pki.leaf("way-wide-leaf", lower, eku=("clientAuth",))
        request = self.send(leaf, lower, upper)
        self.assertEqual([leaf.der], items(request.values("client-cert")[0]))
        self.assertEqual([], request.values("client-cert-chain"), "part of a chain would be another chain")

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


@functools.cache
def owned_names():
    """Every name of every preset, from the code that writes them."""
    source = (harness.ROOT / "src/http/http_identity.c").read_text()
    names = set(re.findall(r'(?:put_\w+|bytes_printf)\(out, "([A-Za-z0-9]+-[A-Za-z0-9-]+)[":]', source)) | {"X-Forwarded-Client-Cert"}
    assert len(names) == 20, names
    return sorted(names)


def spellings(name):
    """Ways to write one field so that a careless backend takes it for that one: field lines without their line ends, and how we may answer."""
    parts = name.split("-")
    for mark in ("-", "_", "."):
        for form in (str.title, str.lower, str.upper, str.swapcase):
            yield [f"{mark.join(form(part) for part in parts)}: spoofed"], (200,)
    for mixed in ("_".join(parts[:2]) + "".join("-" + p for p in parts[2:]), "-".join(parts[:-1]) + "_" + parts[-1], ".".join(parts[:2]) + "".join("_" + p for p in parts[2:]),
                  name[0].lower() + name[1:].upper(), "".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(name.replace("-", "_")))):
        yield [f"{mixed}: spoofed"], (200,)
    for mark in "!#$%&'*+^`|~": # a token may hold them, and lighttpd makes '_' of each for CGI
        yield [f"{name.replace('-', mark)}: spoofed"], (200,)
    under = name.replace("-", "_")
    for lines in ([f"{name}: spoofed", f"{name}: spoofed"], [f"{name}: spoofed", f"{under}: spoofed"], [f"{under}: spoofed", f"{name.lower()}: spoofed", f"{name.upper()}: spoofed"],
                  [f"{name}: spoofed, spoofed"], [f"{name}:spoofed"], [f"{name}:\tspoofed\t"], [f"{name}:   spoofed   "], [f'{name}: "spoofed"'], [f"{name}: "], [f"{name}: spoofed;spoofed"]):
        yield lines, (200,)
    for token in (name, name.lower(), name.upper(), under, under.lower(), name.replace("-", "."), f"{name}, x-other", f"x-other, {under}", f'{name}, {under}, {name.lower()}'):
        for lines in ([f"Connection: {token}", f"{name}: spoofed"], [f"{name}: spoofed", f"Connection: {token}"], [f"Connection: {token}"]):
            yield lines, (200,)
    yield [f"Connection: keep-alive, {name}, host, content-length", f"{name}: spoofed"], (200,)
    for lines in ([f"{name} : spoofed"], [f"{name}\t: spoofed"], [f" {name}: spoofed"], [f"X-A: b", f" {name}: spoofed"], [f"X-A: b", f"\t{name}: spoofed"], [f"{name}: a", " spoofed"],
                  [f"{name}\0: spoofed"], [f"X-A: b\r{name}: spoofed"], [f"X-A: b\n{name}: spoofed\r"], [f"{parts[0]} {'-'.join(parts[1:])}: spoofed"], [f"{name}\u00a0: spoofed"]):
        yield lines, (400,)


class Spoofs(Case):
    """C1: no spelling of any name of any preset reaches anybody, whichever presets are on, with a certificate or without, on either side."""

    def told(self, values):
        """What stands in the fields of ours, by name."""
        return {name.lower(): values(name.lower()) for name in owned_names()}

    def try_all(self, connect, backend, rows):
        """One connection as long as it lasts; a refused head ends it, and no byte of it arrives."""
        connection, expected = None, None
        for lines, allowed in rows:
            with self.subTest(lines):
                connection = connection or connect()
                before = len(backend.requests)
                raw = "".join(line + "\r\n" for line in lines)
                connection.sendall(f"GET / HTTP/1.1\r\nHost: localhost\r\nX-Kept: yes\r\n{raw}\r\n".encode("latin-1"))
                status = peers.response(connection)[0]
                self.assertIn(status, allowed)
                if status != 200:
                    self.assertEqual(before, len(backend.requests))
                    connection.close()
                    connection = None
                    continue
                request = backend.requests[-1]
                self.assertNotIn(b"spoofed", request.head)
                self.assertEqual((["yes"], 1), (request.values("x-kept"), len(request.values("host"))))
                expected = expected or self.told(request.values)
                self.assertEqual(expected, self.told(request.values), "our value, once, whatever was sent")
        if connection:
            connection.close()
        return expected

    def test_through_a_verifier(self):
        rows = [row for name in owned_names() for row in spellings(name)]
        self.assertGreater(len(list(spellings("Client-Cert"))), 60)
        for step, presets in enumerate(('"rfc9440", "x-ssl", "nginx", "xfcc"', '"rfc9440"', '"x-ssl"', '"nginx"', '"xfcc"', None)):
            self.start(f"identity_headers = [ {presets} ];" if presets else "", tls='client_cert = "optional";')
            for certificate in ("client", None):
                some = rows if step == 0 and certificate else rows[step + bool(certificate)::23] # each setting gets others
                with self.subTest(presets=presets, certificate=certificate):
                    context = peers.client_context(self.pki.ca("root"), self.pki.client() if certificate else None)
                    told = self.try_all(lambda: peers.secure(self.port, context), self.backend, some)
                    known = {name for name, values in told.items() if values}
                    self.assertTrue(all(len(values) <= 1 for values in told.values()), told)
                    self.assertEqual(presets is None or (certificate is None and presets in ('"rfc9440"', '"xfcc"')), not known, told)
            self.mtlsd.stop()

    def test_through_an_injector(self):
        """No app may claim to be somebody in front of a server that believes proxies."""
        origin = peers.Backend.__new__(peers.Backend)
        origin.requests, origin.malformed, origin.cut_short, origin.answer, origin.before_body = [], [], [], peers.echo, lambda c, r: None
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))

        def talk(server, connection):
            with context.wrap_socket(connection, server_side=True) as secure:
                peers.Backend.talk(origin, secure)
        peers.Server.__init__(origin, self, talk)
        port = self.injector(f"localhost:{origin.port}")
        told = self.try_all(lambda: peers.connect(port), origin, [row for name in owned_names() for row in list(spellings(name))[::5]])
        self.assertEqual([], [name for name, values in told.items() if values])
        self.assertEqual([], origin.malformed)

    def test_in_trailers(self):
        self.start('identity_headers = [ "rfc9440", "x-ssl", "nginx", "xfcc" ];')
        context = peers.client_context(self.pki.ca("root"), self.pki.client())
        for name in owned_names():
            spelt = [line for lines, allowed in spellings(name) if allowed == (200,) for line in lines if not line.startswith("Connection")]
            for at in range(0, len(spelt), 8):
                with self.subTest(name, at=at), peers.secure(self.port, context) as connection:
                    trailers = "".join(line + "\r\n" for line in spelt[at:at + 8])
                    connection.sendall(("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nhi\r\n0\r\n" + trailers + "\r\n").encode())
                    self.assertIn(peers.response(connection)[0], (200, 400))
                    self.assertNotIn(b"spoofed", bytes(self.backend.received))

    def test_a_route_cannot_claim_either(self):
        """The configuration is refused, in whatever letters."""
        for name in owned_names():
            for key in (f'set_headers = {{ {name} = "x"; }};', f'set_headers = {{ {name.replace("-", "_").upper()} = "x"; }};', f'remove_headers = "{name.lower()}";'):
                with self.subTest(key):
                    text = self.verifier_text(harness.free_port(), 1).replace('upstream = "app";', f'routes = ( {{ {key} upstream = "app"; }} );')
                    done = self.command("check", "-c", self.config(text))
                    self.assertEqual(3, done.returncode, done.stdout)
                    self.assertIn("carries the client's identity", done.stdout + done.stderr)


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
        self.assertIn("can claim any identity", self.mtlsd.log)
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
