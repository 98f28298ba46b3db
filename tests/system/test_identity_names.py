# SPDX-License-Identifier: Apache-2.0
"""Certificates with misleading names: what the rules match, what each preset tells a backend, and what the logs contain (A5, A6, C2, C8).

The certificates are written here and signed by openssl, so that no mistake of our own authority can hide in both.
"""
import base64
import json
import re
import ssl
import urllib.parse

import harness
import peers
import test_logs
from certs import BMP, PRINTABLE, T61
from harness import free_port, wait_for

ID = "spiffe://tests.example/admin"
RULES = {
    "cn": 'cn = "admin"', "any-cn": 'cn = "**"', "ou": 'ou = "admin"', "dns": 'dns = "admin.example"', "below": 'dns = "*.example"',
    "uri": f'uri = "{ID}"', "domain": 'uri = "spiffe://tests.example/**"', "web": 'uri = "https://admin.example/*"', "email": 'email = "admin@admin.example"',
    "c": 'c = "DE"', "subject": 'subject = "CN=admin,C=DE"',
}
CN = ("CN", "x")


def row(why, allowed, subject=(CN,), san=()):
    return why, set(allowed.split()), list(subject), list(san)


# What each may pass for, by the rules above. CN=x always satisfies any-cn. "refused": a name that no such name can be ends the handshake.
ROWS = [
    row("an honest admin", "cn any-cn", [("CN", "admin")]),
    row("a line end", "", [("CN", b"admin\r\nX-Injected: yes")]),
    row("a NUL behind the name", "", [("CN", b"admin\0.evil")]),
    row("marks of lists and quotes", "any-cn", [("CN", b'admin",=;\\')]),
    row("an escape sequence", "", [("CN", b"admin\x1b[2J")]),
    row("DEL", "", [("CN", b"admin\x7f")]),
    row("32 KiB", "any-cn", [("CN", b"a" * 32768)]),
    row("32 KiB that begin well", "any-cn", [("CN", b"admin" + b"," * 32768)]),
    row("a Cyrillic a", "any-cn", [("CN", "\u0430dmin")]),
    row("other letters", "any-cn", [("CN", "Admin")]),
    row("a space before", "any-cn", [("CN", " admin")]),
    row("a space behind", "any-cn", [("CN", "admin ")]),
    row("percent-encoded", "any-cn", [("CN", "%61dmin")]),
    row("T61 letters that are ASCII", "cn any-cn", [("CN", b"admin", T61)]),
    row("two bytes a letter", "", [("CN", "admin".encode("utf-16-be"), BMP)]),
    row("the second of two common names", "", [CN, ("CN", "admin")]),
    row("the first of two common names", "", [("CN", "admin"), CN]),
    row("two common names in one RDN", "", [[("CN", "admin"), CN]]),
    row("a common name beside one that no rule can read", "", [("CN", "admin"), ("CN", "x".encode("utf-16-be"), BMP)]),
    row("the second OU", "ou any-cn", [("OU", "staff"), ("OU", "admin"), CN]),
    row("an OU in one RDN with others", "ou any-cn", [[("OU", "staff"), ("OU", "admin")], CN]),
    row("an OU beside the CN in one RDN", "ou any-cn", [[("OU", "admin"), CN]]),
    row("an OU inside the CN", "any-cn", [("CN", "x,OU=admin")]),
    row("an OU inside the CN, as of several", "any-cn", [("CN", "x+OU=admin")]),
    row("an OU as O", "any-cn", [("O", "admin"), CN]),
    row("an OU with a NUL", "any-cn", [("OU", b"admin\0"), CN]),
    row("a country", "any-cn c", [("C", "DE", PRINTABLE), CN]),
    row("two countries", "any-cn", [("C", "DE"), ("C", "FR"), CN]),
    row("a country with a NUL", "any-cn", [("C", b"DE\0FR"), CN]),
    row("a country in two bytes a letter", "any-cn", [("C", "DE".encode("utf-16-be"), BMP), CN]),
    row("the whole subject", "cn any-cn c subject", [("C", "DE"), ("CN", "admin")]),
    row("the whole subject in the opposite order", "cn any-cn c", [("CN", "admin"), ("C", "DE")]),
    row("the whole subject and more", "cn any-cn c", [("C", "DE"), ("O", "x"), ("CN", "admin")]),
    row("the whole subject in one RDN", "cn any-cn c", [[("C", "DE"), ("CN", "admin")]]),
    row("the whole subject inside the CN", "any-cn", [("CN", "admin,C=DE")]),
    row("the ID itself", "any-cn uri domain", san=[f"URI:{ID}"]),
    row("another of the domain", "any-cn domain", san=["URI:spiffe://tests.example/other"]),
    row("the ID as DNS", "any-cn", san=[f"DNS:{ID}"]),
    row("the ID as e-mail", "any-cn", san=[f"email:{ID}"]),
    row("the ID as CN", "any-cn", [("CN", ID)]),
    row("the ID as otherName", "any-cn", san=[f"other:{ID}"]),
    row("two IDs", "any-cn", san=[f"URI:{ID}", "URI:spiffe://tests.example/other"]),
    row("an ID and a web address", "any-cn web", san=[f"URI:{ID}", "URI:https://admin.example/x"]),
    row("the ID twice", "any-cn", san=[f"URI:{ID}", f"URI:{ID}"]),
    row("the ID in percent signs", "any-cn", san=["URI:spiffe://tests.example/%61dmin"]),
    row("another scheme's letters", "any-cn", san=["URI:SPIFFE://tests.example/admin"]),
    row("a query", "any-cn", san=[f"URI:{ID}?x"]),
    row("a NUL in the ID", "refused", san=[("URI", f"{ID}\0.evil".encode())]),
    row("a comma in the ID", "any-cn", san=[("URI", f"{ID},URI:{ID}".encode())]),
    row("a line end in the ID", "refused", san=[("URI", f"{ID}\n".encode())]),
    row("an ID with a trailing slash", "any-cn", san=[f"URI:{ID}/"]),
    row("a Cyrillic a in the ID", "refused", san=[("URI", "spiffe://tests.example/\u0430dmin".encode())]),
    row("a web address", "any-cn web", san=["URI:https://admin.example/x"]),
    row("a web address with a slash too many", "any-cn", san=["URI:https://admin.example/x/y"]),
    row("a host", "any-cn dns below", san=["DNS:admin.example"]),
    row("a host in capitals", "any-cn dns below", san=["DNS:ADMIN.Example"]),
    row("a host of that name as CN", "any-cn", [("CN", "admin.example")]),
    row("a NUL in the host", "refused", san=[("DNS", b"admin.example\0.evil")]),
    row("a comma in the host", "any-cn", san=["DNS:x,DNS:admin.example"]),
    row("a comma and a space in the host", "refused", san=["DNS:x, DNS:admin.example"]),
    row("a line end in the host", "refused", san=[("DNS", b"admin.example\r\n")]),
    row("a star in the host", "any-cn", san=["DNS:*.example"]),
    row("a deeper host", "any-cn", san=["DNS:a.admin.example"]),
    row("300 bytes of host", "any-cn", san=["DNS:" + "a" * 300 + ".example"]),
    row("an address", "any-cn email", san=["email:admin@ADMIN.example"]),
    row("an address with another person", "any-cn", san=["email:Admin@admin.example"]),
    row("an address with two signs", "any-cn", san=["email:admin@evil@admin.example"]),
    row("an address with a NUL", "refused", san=[("email", b"admin@admin.example\0")]),
    row("an address as UTF-8", "refused", san=[("email", "\u0430dmin@admin.example".encode())]),
]
PLAIN = re.compile(rb"[ -~]*")
NAMES = ("client-cert", "x-ssl-client-verify", "x-ssl-client-status", "ssl-client-verify", "ssl-client-cert", "x-forwarded-client-cert",
         "x-ssl-client-serial", "x-ssl-client-sha256")


def raw(text):
    return text if isinstance(text, bytes) else text.encode()


def sans(san):
    """[("URI", bytes)] of what is told."""
    pairs = [entry if isinstance(entry, tuple) else tuple(entry.split(":", 1)) for entry in san]
    return [(kind, raw(value)) for kind, value in pairs if kind != "other"]


def common_name(subject):
    """The only one, if it is written in a superset of ASCII, or None."""
    flat = [pair for part in subject for pair in (part if isinstance(part, list) else [part]) if pair[0] == "CN"]
    return raw(flat[0][1]) if len(flat) == 1 and list(flat[0][2:]) != [BMP] else None


def xfcc(value):
    """[(key, bytes)] of one element, read as Envoy's readers do."""
    pairs, rest = [], value
    while rest:
        key, _, rest = rest.partition("=")
        text, inside, end = "", False, 0
        while end < len(rest) and (inside or rest[end] not in ";,"):
            if rest[end] == "\\" and inside:
                end += 1
                text += rest[end]
            elif rest[end] == '"':
                inside = not inside
            else:
                text += rest[end]
            end += 1
        assert not inside and rest[end:end + 1] != ",", value
        pairs.append((key, urllib.parse.unquote_to_bytes(text)))
        rest = rest[end + 1:]
    return pairs


class Names(harness.Case):
    def listen(self, fmt):
        """A verifier with a path for each rule, and one for everybody."""
        port = free_port()
        self.backend = peers.Backend(self)
        self.log_path = self.folder / f"{fmt}.log"
        rules = " ".join(f'{{ path = "/{stem}"; allow = ( {{ {rule}; }} ); upstream = "app"; }},' for stem, rule in RULES.items())
        text = self.verifier_text(port, self.backend.port, listener='identity_headers = [ "rfc9440", "x-ssl", "nginx", "xfcc" ];')
        text = text.replace('upstream = "app";', f'routes = ( {rules} {{ upstream = "app"; }} );')
        self.mtlsd = self.daemon(f'log = {{ format = "{fmt}"; target = "{self.log_path}"; }};' + text, [port])
        return port

    def certificate(self, index):
        _, _, subject, san = ROWS[index]
        return self.pki.leaf(f"names-{index}", subject=subject, san=san, eku=("clientAuth",))

    def lines(self):
        text = self.log_path.read_bytes().decode("ascii")
        self.assertRegex(text, r"\A([ -~]*\n)*\Z")
        return text.split("\n")[:-1]

    def check_fields(self, request, certificate, subject, san):
        """C2: every name once, nothing raw, and what is told can be read back to the very bytes."""
        for line in request.head.split(b"\r\n"):
            self.assertTrue(PLAIN.fullmatch(line), line)
        self.assertEqual([], request.values("x-injected"))
        value = {}
        for name, text in request.fields:
            self.assertNotIn(name.lower(), value, "a field twice")
            value[name.lower()] = text
        big = len(certificate.der) > 12 * 1024
        for name in NAMES:
            self.assertEqual(big and name in ("client-cert", "ssl-client-cert"), name not in value, name)
        if not big:
            self.assertEqual(certificate.der, base64.b64decode(value["client-cert"][1:-1], validate=True))
        cn = common_name(subject)
        self.assertEqual(cn if cn and len(cn) < 16384 else None, "x-ssl-client-cn" in value and urllib.parse.unquote_to_bytes(value["x-ssl-client-cn"]) or None)
        told = [entry.split(":", 1) for entry in value.get("x-ssl-client-san", "").split(", ") if entry]
        self.assertEqual(sans(san), [(kind, urllib.parse.unquote_to_bytes(text)) for kind, text in told])
        self.assertEqual(not big, "x-ssl-client-dn" in value, "a cut name is not told")
        pairs = xfcc(value["x-forwarded-client-cert"])
        self.assertEqual([name for kind, name in sans(san) if kind == "URI"], [text for key, text in pairs if key == "URI"])
        self.assertEqual([name for kind, name in sans(san) if kind == "DNS"], [text for key, text in pairs if key == "DNS"])
        self.assertEqual(["Hash"] if big else ["Hash", "Subject"], [key for key, _ in pairs if key not in ("URI", "DNS")])

    def status(self, port, index):
        """0: refused in the handshake."""
        with peers.secure(port, peers.client_context(self.pki.ca("root"), self.certificate(index))) as connection:
            try:
                connection.sendall(b"GET /everybody HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return peers.response(connection)[0]
            except (ssl.SSLError, ConnectionError):
                return 0

    def test_what_each_certificate_passes_for(self):
        """A5, A6, C2, and C8 in JSON: a line for each request, which a program can read."""
        port, asked = self.listen("json"), 0
        for index, (why, allowed, subject, san) in enumerate(ROWS):
            with self.subTest(why):
                certificate = self.certificate(index)
                if allowed == {"refused"}:
                    self.assertEqual(0, self.status(port, index))
                    asked += 1
                    continue
                with peers.secure(port, peers.client_context(self.pki.ca("root"), certificate)) as connection:
                    for path in [*RULES, "everybody"]:
                        connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                        status, _, body, _ = peers.response(connection)
                        asked += 1
                        self.assertEqual(200 if path in allowed or path == "everybody" else 403, status, path)
                        if status == 403:
                            self.assertEqual("not_allowed", json.loads(body)["reason"])
                            self.assertTrue(PLAIN.fullmatch(body.replace(b"\n", b"")), body)
                self.check_fields(self.backend.requests[-1], certificate, subject, san)
        self.assertEqual([], self.backend.malformed)

        def counted():
            lines = [json.loads(line) for line in self.lines()]
            return sum(line["event"] in ("request", "connection") for line in lines) + sum(line["lines"] for line in lines if line["event"] == "suppressed") == asked
        wait_for(counted, f"{asked} lines or the number of those left out")

    def test_logs_of_every_other_format(self):
        """C8"""
        for fmt, pattern in (("text", test_logs.TEXT), ("combined", test_logs.COMBINED), ("ssl_request", test_logs.SSL_REQUEST)):
            with self.subTest(fmt):
                port = self.listen(fmt)
                served = sum(self.status(port, index) == 200 for index in range(len(ROWS)))
                self.assertEqual(sum(allowed != {"refused"} for _, allowed, _, _ in ROWS), served)
                wait_for(lambda: sum("/everybody" in line for line in self.lines()) == served, "as many lines as requests")
                for line in self.lines():
                    self.assertTrue(pattern.fullmatch(line), line)
                    self.assertLess(len(line), 8192, "32 KiB fill no line")
                self.mtlsd.stop()


if __name__ == "__main__":
    harness.main()
