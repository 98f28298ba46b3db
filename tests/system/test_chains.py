# SPDX-License-Identifier: Apache-2.0
"""Certificate chains as they occur in practice, through a running verifier: several CAs in one file, cross-signed and re-issued CAs, and wrong order.

openssl s_client and curl are the callers; what curl sends with -cert is the whole file, in its order.
"""
import json
import re
import ssl
import subprocess

import harness
import peers

FORMATS = ("text", "json", "combined", "ssl_request")
PRESETS = ("rfc9440", "x-ssl", "nginx", "xfcc")


class Chains(harness.Case):
    def setUp(self):
        super().setUp()
        self.backend = peers.Backend(self)
        self.old, self.new = self.pki.ca("chain-old"), self.pki.ca("chain-new")
        self.sub = self.pki.ca("chain-sub", issuer=self.old)
        # The same subject and key under the other root: a cross-signed intermediate.
        self.cross = self.pki.again("chain-cross", self.sub, self.new)
        self.leaf = self.pki.leaf("chain-leaf", self.sub, eku=("clientAuth",))

    def verifier_of(self, *cas):
        ca = self.write("cas.pem", "".join(c.crt.read_text() for c in cas))
        return self.verifier(self.backend.port, trust=f'ca = "{ca}";')

    def caller(self, leaf, *others):
        path = self.write("caller.pem", "".join(c.crt.read_text() for c in (leaf, *others)) + leaf.key.read_text())
        path.chmod(0o600)
        return path

    def outcome(self, port, leaf, *others):
        """What curl and openssl got; they must agree. 200, or the alert."""
        path = self.caller(leaf, *others)
        answer = self.curl("--cacert", self.pki.ca("root").crt, "--cert", path, f"https://localhost:{port}/")
        extra = ["-cert_chain", path] if others else []
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-CAfile", self.pki.ca("root").crt,
                               "-cert", path, "-key", path, *extra, "-ign_eof"], capture_output=True, timeout=20,
                              input=b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        told = b"HTTP/1.1 200" in done.stdout
        self.assertEqual(told, answer.status == 200, (answer, done.stderr[-500:]))
        if told:
            return 200
        return "unknown ca" if b"unknown ca" in done.stderr else "another"

    def test_paths(self):
        """A7's honest side: what verifies somehow is let in, whatever is sent beside it; nothing else is."""
        stranger, junk = self.pki.ca("stranger"), [self.pki.ca(f"chain-junk-{i}") for i in range(3)]
        twin = self.pki.ca("chain-old-twin", subject=[("O", "Tests"), ("CN", "chain-old")])
        reissued = self.pki.again("chain-old-reissued", self.old, None)
        expired = self.pki.again("chain-sub-expired", self.sub, self.old, start=-100, days=50)
        deep = self.pki.ca("chain-deep", issuer=self.sub)
        deep_leaf = self.pki.leaf("chain-deep-leaf", deep, eku=("clientAuth",))
        direct = self.pki.leaf("chain-direct", self.old, eku=("clientAuth",))
        of_twin = self.pki.leaf("chain-of-twin", twin, eku=("clientAuth",))
        leaf, sub, cross, old, new = self.leaf, self.sub, self.cross, self.old, self.new
        rows = [
            ("two CAs in one file, the first", [old, new], [leaf, sub], 200),
            ("two CAs in one file, the second", [new, old], [direct], 200),
            ("cross-signed, only the new root trusted", [new], [leaf, cross], 200),
            ("both crossings sent, only one leads on", [new], [leaf, sub, cross], 200),
            ("the other way round", [old], [leaf, cross, sub], 200),
            ("the crossing of a root that is not trusted", [new], [leaf, sub], "unknown ca"),
            ("re-issued root in place of the old one", [reissued], [leaf, sub], 200),
            ("both of them", [old, reissued], [leaf, sub], 200),
            ("the same subject with another key alone", [twin], [leaf, sub], "unknown ca"),
            ("the same subject with several keys", [twin, old], [leaf, sub], 200),
            ("the other key's", [old, twin], [of_twin], 200),
            ("an intermediate as the trusted CA", [sub], [leaf], 200),
            ("an expired copy of an intermediate sent first", [old], [leaf, expired, sub], 200),
            ("the expired copy alone", [old], [leaf, expired], "another"),
            ("unordered", [old], [deep_leaf, sub, deep], 200),
            ("with superfluous ones between", [old], [deep_leaf, junk[0], sub, junk[1], deep, junk[2]], 200),
            ("with the root itself", [old], [leaf, sub, old], 200),
            ("one sent twice", [old], [leaf, sub, sub], 200),
            ("a gap", [old], [deep_leaf, deep], "unknown ca"),
            ("a root sent by the caller does not become trusted", [stranger], [leaf, sub, old], "unknown ca"),
        ]
        for why, trusted, sent, expected in rows:
            with self.subTest(why):
                port = self.verifier_of(*trusted)
                self.assertEqual(expected, self.outcome(port, *sent))
                self.mtlsd.stop()

    def test_a_chain_file_leads_callers_to_their_root(self):
        """Those who know the root alone, curl and openssl, and whatever the order of the file."""
        deep = self.pki.ca("chain-deep", issuer=self.sub)
        server = self.pki.leaf("chain-file-server", deep, cn="localhost", san=["DNS:localhost"])
        port = harness.free_port()
        text = lambda *cas: self.verifier_text(port, self.backend.port, trust="").replace(
            f'bundle = "{self.pki.server().pem}"', f'certificate = "{server.crt}"; key = "{server.key}"; chain = "{self.write("deep.chain", "".join(c.crt.read_text() for c in cas))}"')
        daemon = self.daemon(text(self.sub, deep), [port])
        self.assertEqual(200, self.curl("--cacert", self.old.crt, f"https://localhost:{port}/").status)
        shown = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-CAfile", self.old.crt, "-verify_return_error",
                                "-showcerts"], capture_output=True, timeout=20, input=b"").stdout
        self.assertEqual(3, shown.count(b"BEGIN CERTIFICATE"))
        check = lambda: self.command("check", "-c", daemon.config_path)
        self.assertEqual(0, check().returncode, check().stdout)
        daemon.config_path.write_text(daemon.config_path.read_text().replace(text(self.sub, deep), text(self.new)))
        self.assertRegex(check().stdout, "deep.chain.*none of its certificates issued O=Tests,CN=|deep.chain.*none of its certificates issued CN=localhost")
        self.assertEqual(3, check().returncode)


if __name__ == "__main__":
    harness.main()


class Fields(harness.Case):
    HOSTILE = {"crlf": b"a\r\nX-Injected: yes\r\n\r\nGET /smuggled HTTP/1.1", "nul": b"a\0b", "quotes": b"a\",=;'\\<>", "long": b"A" * 32768,
               "escape": b"\x1b[31mred", "percent": b"%0d%0aX-Injected: yes"}

    def test_no_certificate_field_is_raw_in_any_header_or_log(self):
        """C2, C8: every preset and every log format; one line per request, and JSON that parses."""
        backend = peers.Backend(self)
        for fmt in FORMATS:
            for preset in PRESETS:
                port = harness.free_port()
                log = self.folder / f"{fmt}-{preset}.log"
                text = self.verifier_text(port, backend.port, listener=f'identity_headers = [ "{preset}" ];')
                daemon = self.daemon(f'log = {{ format = "{fmt}"; target = "{log}"; }};' + text, [port])
                served = 0
                for stem, value in self.HOSTILE.items():
                    odd = self.pki.leaf(f"c2-all-{stem}", subject=[("O", value[:400]), ("OU", value[:400]), ("CN", value)], eku=("clientAuth",),
                                        san=[("URI", b"spiffe://x/" + value[:200])] if stem in ("quotes", "percent") else ())
                    before = len(backend.requests)
                    try:
                        with peers.secure(port, peers.client_context(self.pki.ca("root"), odd)) as connection:
                            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                            served += peers.response(connection)[0] == 200
                    except (ssl.SSLError, OSError):
                        pass  # refused outright: as safe as can be
                    with self.subTest(f"{fmt} {preset} {stem}"):
                        self.assertEqual([], backend.malformed)
                        self.assertLessEqual(len(backend.requests), before + 1)
                        for request in backend.requests[before:]:
                            self.assertEqual([], request.values("x-injected"))
                            self.assertIsNone(re.search(rb"[^\x20-\x7e\r\n]", request.head), request.head)
                daemon.stop()
                self.assertGreater(served, 3, "most of them are let in")
                lines = log.read_bytes().split(b"\n")
                self.assertEqual(b"", lines.pop())
                for line in lines + daemon.log_path.read_bytes().split(b"\n"):
                    self.assertIsNone(re.search(rb"[^\x20-\x7e]", line), line)
                    self.assertFalse(line.startswith((b"X-Injected", b"GET /smuggled")), line)
                if fmt == "json":
                    self.assertTrue(all(isinstance(json.loads(line), dict) for line in lines))
                if fmt in ("combined", "ssl_request"):
                    self.assertEqual(served, sum(b"GET / HTTP/1.1" in line for line in lines))
