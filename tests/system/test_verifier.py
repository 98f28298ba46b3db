# SPDX-License-Identifier: Apache-2.0
"""The verifier: clients speak TLS and must prove their identity. The backend gets the request with the verified identity."""
import base64
import json
import os
import re
import socket
import ssl
import subprocess
import time
import unittest

import certs
import corpus
import harness
import peers
from harness import free_port, wait_for

BOTH = 'identity_headers = [ "rfc9440", "x-ssl" ];'
VERSIONS = {"-tls1_2": ssl.TLSVersion.TLSv1_2, "-tls1_3": ssl.TLSVersion.TLSv1_3}
ALERTS = {"bad_certificate": 42, "unsupported_certificate": 43, "certificate_revoked": 44, "certificate_expired": 45,
          "unknown_ca": 48, "access_denied": 49, "certificate_required": 116, "handshake_failure": 40, "protocol_version": 70}


class Case(harness.Case):
    def caller(self, certificate="client", version=None):
        """An ssl context that presents this certificate (None: none)."""
        chosen = self.pki.client() if certificate == "client" else certificate
        return peers.client_context(self.pki.ca("root"), chosen, version=version)

    def ask(self, port, raw=b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", **options):
        with peers.secure(port, self.caller(**options)) as connection:
            connection.sendall(raw)
            return peers.response(connection)

    def s_client(self, port, certificate, *flags):
        """openssl s_client with a request; gives its whole output."""
        mine = ["-cert", certificate.crt, "-key", certificate.key, "-cert_chain", certificate.pem] if certificate else []
        process = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-CAfile",
                                    str(self.pki.ca("root").crt), *map(str, mine), *flags, "-ign_eof"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            out, _ = process.communicate(b"GET /MARKER HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", timeout=20)
        finally:
            process.kill()
            process.wait()
        return out.decode(errors="replace")


class Accepts(Case):
    def test_curl_with_a_certificate(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port)
        answer = self.curl_tls(port, path="/hello?x=1")
        self.assertEqual(200, answer.status, answer.error)
        self.assertEqual("/hello?x=1", backend.requests[0].target)

    def test_tcp_without_a_certificate_where_none_is_needed(self):
        backend = peers.Backend(self)
        rule = 'allow = ( { cn = "client1"; } );'
        for trust, tls, listener, answer in [("", "", "", 200), (None, 'client_cert = "optional";', "", 200),
                                             (None, 'client_cert = "optional";', rule, 0), (None, "", "", 0)]:
            with self.subTest(trust=trust, tls=tls, listener=listener):
                port = self.verifier(backend.port, protocol="tcp", trust=trust, tls=tls, listener=listener)
                self.assertEqual(answer, self.curl_tls(port, client=None).status)
                if trust is None:
                    self.assertEqual(200, self.curl_tls(port).status)

    def test_host_is_kept(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port)
        self.curl_tls(port)
        self.assertEqual([f"localhost:{port}"], backend.requests[0].values("host"))

    def test_openssl_client_in_both_versions(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port)
        for flag in VERSIONS:
            with self.subTest(flag):
                self.assertIn("HTTP/1.1 200 OK", self.s_client(port, self.pki.client(), flag))

    def test_rsa_client_and_server(self):
        """Not everybody has moved to elliptic curves."""
        backend = peers.Backend(self)
        server = self.pki.leaf("rsa-server", san=["DNS:localhost"], key="2048")
        port = self.verifier(backend.port, certificate=server)
        client = self.pki.leaf("rsa-client", cn="rsa", eku=("clientAuth",), key="2048")
        self.assertEqual(200, self.curl_tls(port, client=client).status)

    def test_client_of_an_intermediate(self):
        backend = peers.Backend(self)
        middle = self.pki.ca("middle", issuer=self.pki.ca("root"))
        port = self.verifier(backend.port)
        deep = self.pki.leaf("deep-client", middle, eku=("clientAuth",))
        self.assertEqual(200, self.ask(port, certificate=deep)[0])

    def test_certificate_message_that_spans_records(self):
        """A handshake message may be longer than a record (16 KiB): then more of it waits in what was read already."""
        backend = peers.Backend(self)
        port = self.verifier(backend.port)
        big = self.pki.leaf("big-client", cn="big", eku=("clientAuth",), san=[f"DNS:host-{i:05}.tests.example" for i in range(900)])
        self.assertGreater(len(big.der), 1 << 14)
        for flag, version in VERSIONS.items():
            with self.subTest(flag):
                self.assertEqual(200, self.ask(port, certificate=big, version=version)[0])

    def test_client_hello_in_small_records(self):
        """A8: who is asked for what does not depend on how the first message was cut."""
        backend = peers.Backend(self)
        port = self.verifier(backend.port)
        for flag, version in VERSIONS.items():
            for size in (1, 7, 100):
                with self.subTest(f"{flag} {size}"):
                    self.assertEqual(200, self.ask_through(peers.Recut(self, port, size).port, version))
        self.assertEqual([], backend.malformed)

    def ask_through(self, port, version):
        with peers.secure(port, self.caller(version=version)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return peers.response(connection)[0]

    def test_large_bodies_both_ways(self):
        data = os.urandom(1 << 20) * 16
        (self.folder / "big").write_bytes(data)
        backend = peers.Backend(self, lambda r: peers.reply(r.body))
        port = self.verifier(backend.port)
        answer = self.curl_tls(port, "-T", self.folder / "big", path="/up", seconds=60)
        self.assertEqual((200, len(data)), (answer.status, len(answer.body)))
        self.assertTrue(data == answer.body)

    def test_keep_alive(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port)
        with peers.secure(port, self.caller()) as connection:
            for i in range(200):
                connection.sendall(b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % i)
                self.assertEqual(200, peers.response(connection)[0])
        self.assertEqual(1, backend.accepted)

    def test_backend_that_is_down_is_told(self):
        port = self.verifier(free_port())
        self.assert_problem(self.curl_tls(port), 502, "connect_refused", "network")

    def test_haproxy_as_the_caller(self):
        backend, front = peers.Backend(self), free_port()
        port = self.verifier(backend.port, listener=BOTH)
        conf = self.write("haproxy.cfg", f"""
global
    maxconn 100
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend f
    bind 127.0.0.1:{front}
    default_backend b
backend b
    server s 127.0.0.1:{port} ssl crt {self.pki.client().pem} ca-file {self.pki.ca("root").crt} verify required verifyhost localhost sni str(localhost)
""")
        self.spawn("haproxy", ["haproxy", "-f", conf, "-db"], [front])
        for _ in range(20):
            self.assertEqual(200, self.curl(f"http://127.0.0.1:{front}/").status)
        self.assertEqual(["client1"], backend.requests[-1].values("x-ssl-client-cn"))

    def test_stunnel_as_the_caller(self):
        backend, front = peers.Backend(self), free_port()
        port = self.verifier(backend.port, listener=BOTH)
        conf = self.write("stunnel.conf", f"""foreground=yes
pid=
debug=5
[c]
client=yes
accept=127.0.0.1:{front}
connect=127.0.0.1:{port}
cert={self.pki.client().pem}
CAfile={self.pki.ca("root").crt}
verifyChain=yes
checkHost=localhost
sni=localhost
""")
        self.spawn("stunnel", ["stunnel", conf], [front])
        self.assertEqual(200, self.curl(f"http://127.0.0.1:{front}/").status)
        self.assertEqual(["client1"], backend.requests[-1].values("x-ssl-client-cn"))


class Refuses(Case):
    """Each caller is wrong in one way, in both TLS versions: it sees the right alert, and the backend sees not one byte."""

    def refuse(self, certificate, alert, *, trust=None, reason=None, tls="", listener="", protocol="http"):
        backend = peers.Backend(self)
        port = self.verifier(backend.port, trust=trust, tls=tls, listener=listener, protocol=protocol)
        for flag in VERSIONS:
            with self.subTest(flag):
                out = self.s_client(port, certificate, flag)
                seen = [int(n) for n in re.findall(r"SSL alert number (\d+)", out)]
                wanted = [ALERTS[a] for a in ([alert] if isinstance(alert, str) else alert)]
                self.assertTrue(seen and seen[0] in wanted, f"wanted {alert}, saw {seen}\n{out[-1500:]}")
                self.assertNotIn("HTTP/1.1 200", out)
        self.assertEqual(b"", bytes(backend.received))
        if reason:
            wait_for(lambda: reason in self.mtlsd.log, f"{reason} in the log")

    def test_no_certificate(self):
        """TLS 1.2 has no word for it but handshake_failure."""
        self.refuse(None, ["certificate_required", "handshake_failure"])

    def test_expired(self):
        self.refuse(self.pki.leaf("c-expired", eku=("clientAuth",), start=-400, days=30), "certificate_expired", reason="expired")

    def test_not_yet_valid(self):
        self.refuse(self.pki.leaf("c-future", eku=("clientAuth",), start=30), "bad_certificate", reason="not_yet_valid")

    def test_unknown_ca(self):
        self.refuse(self.pki.leaf("c-stranger", self.pki.ca("stranger"), eku=("clientAuth",)), "unknown_ca", reason="unknown_ca")

    def test_ca_of_the_same_name_with_another_key(self):
        twin = self.pki.ca("root-twin", subject=[("O", "Tests"), ("CN", "root")])
        self.refuse(self.pki.leaf("c-twin", twin, eku=("clientAuth",)), "unknown_ca", reason="unknown_ca")

    def test_self_signed(self):
        self.refuse(self.pki.self_signed("c-self-signed", eku=("clientAuth",)), "unknown_ca", reason="unknown_ca")

    def test_ca_certificate_as_a_caller(self):
        """Another CA's own certificate, whose key may sign certificates but not handshakes: refused for what it is."""
        self.refuse(self.pki.ca("stranger"), ["unknown_ca", "unsupported_certificate", "bad_certificate"])

    def test_server_certificate_as_a_caller(self):
        """A4"""
        self.refuse(self.pki.server(), "unsupported_certificate", reason="wrong_purpose")

    def test_any_purpose(self):
        """A4: anyExtendedKeyUsage is no permission."""
        self.refuse(self.pki.leaf("c-any", eku=("any",)), "unsupported_certificate", reason="wrong_purpose")

    def test_code_signing_as_a_caller(self):
        """A4"""
        self.refuse(self.pki.leaf("c-code", eku=("codeSigning",)), "unsupported_certificate", reason="wrong_purpose")

    def test_issuer_that_may_issue_for_servers_only(self):
        """A4: the purpose is limited all the way down."""
        middle = self.pki.ca("servers-only", issuer=self.pki.ca("root"), eku=("serverAuth",))
        self.refuse(self.pki.leaf("c-of-servers-only", middle, eku=("clientAuth",)), "unsupported_certificate", reason="wrong_purpose")

    def test_path_that_is_too_long(self):
        """The first intermediate may issue leaves only, and issued another CA."""
        short = self.pki.ca("short", issuer=self.pki.ca("root"), path_length=0)
        below = self.pki.ca("below-short", issuer=short)
        self.refuse(self.pki.leaf("c-below-short", below, eku=("clientAuth",)), ["bad_certificate", "unknown_ca"])

    def test_a_chain_of_a_hundred_certificates_is_no_work(self):
        """A7: what a caller sends beside its leaf is bounded, and nobody waits for it."""
        middle = self.pki.ca("middle", issuer=self.pki.ca("root"))
        many = self.write("many.pem", self.pki.client().crt.read_text() + middle.crt.read_text() * 100 + self.pki.client().key.read_text())
        backend = peers.Backend(self)
        port = self.verifier(backend.port)
        began = time.monotonic()
        answer = self.curl("--cacert", self.pki.ca("root").crt, "--cert", many, f"https://localhost:{port}/")
        self.assertLess(time.monotonic() - began, harness.busy(5))
        self.assertEqual(0, answer.status)
        self.assertEqual(b"", bytes(backend.received))
        self.assertEqual(200, self.ask(port)[0])

    def test_a_certificate_that_is_too_long_for_a_handshake(self):
        """A7: verify and the daemon draw one line, at 64 KiB, in both versions of TLS."""
        port = self.verifier(peers.Backend(self).port)
        for fill, fits in ((64600, True), (65500, False), (100000, False)):
            long = self.pki.leaf(f"c-long-{fill}", eku=("clientAuth",), san=[f"URI:https://x.example/{'a' * fill}"])
            with self.subTest(size=len(long.der)):
                done = self.command("verify", "--ca", self.pki.ca("root").crt, "--purpose", "client", long.crt)
                self.assertEqual(0 if fits else 4, done.returncode, done.stdout)
                self.assertEqual(fits, "bytes of a handshake" not in done.stdout)
                for flag in (("--tls-max", "1.2"), ("--tlsv1.3",)):
                    self.assertEqual(200 if fits else 0, self.curl_tls(port, *flag, client=long).status, flag)

    def test_revoked(self):
        bad = self.pki.leaf("c-revoked", eku=("clientAuth",))
        crl = self.pki.crl("c-revoked", self.pki.ca("root"), [bad])
        self.refuse(bad, "certificate_revoked", trust=f'ca = "{self.pki.ca("root").crt}"; crl = "{crl}";', reason="revoked")

    def test_revoked_wins_over_expired(self):
        bad = self.pki.leaf("c-revoked-expired", eku=("clientAuth",), start=-400, days=30)
        crl = self.pki.crl("c-revoked-expired", self.pki.ca("root"), [bad])
        self.refuse(bad, "certificate_revoked", trust=f'ca = "{self.pki.ca("root").crt}"; crl = "{crl}";', reason="revoked")

    def test_stale_crl(self):
        crl = self.pki.crl("stale", self.pki.ca("root"), [], start=-60, days=30)
        self.refuse(self.pki.client(), "bad_certificate", trust=f'ca = "{self.pki.ca("root").crt}"; crl = "{crl}";',
                    reason="crl_stale")

    def test_weak_key(self):
        weak = self.pki.leaf("c-weak", eku=("clientAuth",), key="1024")
        backend = peers.Backend(self)
        port = self.verifier(backend.port)
        out = self.s_client(port, weak, "-cipher", "DEFAULT@SECLEVEL=0")
        self.assertNotIn("HTTP/1.1 200", out)
        self.assertEqual(b"", bytes(backend.received))
        self.assertIn("SSL alert number 42", out)

    def test_bad_certificate_is_refused_where_none_is_optional(self):
        """A2: no certificate and a failed certificate are different things."""
        self.refuse(self.pki.leaf("c-expired", eku=("clientAuth",), start=-400, days=30), "certificate_expired",
                    tls='client_cert = "optional";')

    def test_old_tls(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port)
        for flag in ("-tls1", "-tls1_1"):
            out = self.s_client(port, self.pki.client(), flag, "-cipher", "DEFAULT@SECLEVEL=0")
            self.assertNotIn("HTTP/1.1 200", out)
        self.assertEqual(b"", bytes(backend.received))

    def test_tls13_only(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port, tls='min_version = "1.3";')
        out = self.s_client(port, self.pki.client(), "-tls1_2")
        self.assertRegex(out, "SSL alert number (40|70)")
        self.assertNotIn("HTTP/1.1 200", out)
        self.assertIn("HTTP/1.1 200", self.s_client(port, self.pki.client(), "-tls1_3"))

    def test_tcp_caller_that_no_rule_allows(self):
        self.refuse(self.pki.client(), "access_denied", listener='allow = ( { cn = "somebody-else"; } );', protocol="tcp",
                    reason="not_allowed")

    def test_plaintext_on_the_tls_port(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port)
        with peers.connect(port) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            data, end = peers.read_all(connection)
        self.assertNotIn(b"200 OK", data)
        self.assertNotEqual("timeout", end)
        self.assertEqual(b"", bytes(backend.received))
        self.assertEqual(200, self.ask(port)[0])

    def test_garbage_and_hanging_up_do_no_harm(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port)
        for raw in (b"", b"\x16", b"\x16\x03\x01\xff\xff", bytes(range(256)) * 16, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"\0" * 5):
            with peers.connect(port) as connection:
                connection.sendall(raw)
                if len(raw) % 2:
                    peers.reset(connection)
        self.assertEqual(200, self.ask(port)[0])


class ClientCert(Case):
    def test_optional_lets_nobody_through_as_nobody(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port, tls='client_cert = "optional";', listener=BOTH)
        self.assertEqual(200, self.curl_tls(port, client=None).status)
        request = backend.requests[0]
        self.assertEqual([], request.values("client-cert"))
        self.assertEqual(["none"], request.values("x-ssl-client-status"))
        self.assertEqual([], [v for v in request.values("x-ssl-client-cn") if v])

    def test_optional_tells_who_it_is_when_there_is_one(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port, tls='client_cert = "optional";', listener=BOTH)
        self.assertEqual(200, self.curl_tls(port).status)
        self.assertEqual(["client1"], backend.requests[0].values("x-ssl-client-cn"))

    def test_none_does_not_ask(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port, trust="")
        out = self.s_client(port, None)
        self.assertIn("HTTP/1.1 200", out)
        self.assertIn("No client certificate CA names sent", out)

    def test_tickets_where_they_are_wanted(self):
        """A1: a caller resumes, is known by the certificate of then, and is out as soon as a list has it."""
        crl = self.folder / "clients.crl"
        mine = self.pki.leaf("c-ticket", eku=("clientAuth",))
        crl.write_bytes(self.pki.crl("ticket-1", self.pki.ca("root"), number=1).read_bytes())
        port = self.verifier(peers.Backend(self).port, trust=f'ca = "{self.pki.ca("root").crt}"; crl = "{crl}";', tls="tickets = true;")
        for version in ("-tls1_2", "-tls1_3"):
            session = self.folder / f"session{version}"
            first = self.s_client(port, mine, version, "-sess_out", str(session))
            self.assertIn("200 OK", first)
            again = self.s_client(port, None, version, "-sess_in", str(session))
            self.assertIn("Reused, TLS", again)
            self.assertIn("200 OK", again)
        crl.write_bytes(self.pki.crl("ticket-2", self.pki.ca("root"), [mine], number=2).read_bytes())
        harness.wait_for(lambda: "changed revocation lists are in use" in self.mtlsd.log, "the new list")
        for version in ("-tls1_2", "-tls1_3"):
            again = self.s_client(port, None, version, "-sess_in", str(self.folder / f"session{version}"))
            self.assertNotIn("Reused, TLS", again)
            self.assertNotIn("200 OK", again)

    def test_no_tickets_are_issued(self):
        """A1: nobody gets in by a ticket that outlives a rule."""
        backend = peers.Backend(self)
        port = self.verifier(backend.port)
        for flag in VERSIONS:
            with self.subTest(flag):
                session = self.folder / f"session{flag}"
                out = self.s_client(port, self.pki.client(), flag, "-sess_out", str(session))
                self.assertIn("HTTP/1.1 200", out)
                self.assertNotIn("Post-Handshake New Session Ticket", out)
                self.assertNotIn("TLS session ticket:", out)
                if session.exists():
                    again = self.s_client(port, self.pki.client(), flag, "-sess_in", str(session))
                    self.assertNotIn("Reused, TLS", again)


class Allow(Case):
    def allowed(self, rules, certificate="client"):
        backend = peers.Backend(self)
        port = self.verifier(backend.port, listener=f"allow = ( {rules} );")
        chosen = self.pki.client() if certificate == "client" else certificate
        answer = self.curl_tls(port, client=chosen)
        if answer.status == 200:
            return True
        self.assert_problem(answer, 403, "not_allowed", "us")
        self.assertEqual(b"", bytes(backend.received))
        return False

    def test_rules(self):
        client = self.pki.client()
        rows = [
            ('{ cn = "client1"; }', True, "the name"),
            ('{ cn = "client"; }', False, "not a part of it"),
            ('{ cn = "CLIENT1"; }', False, "case counts in a common name"),
            ('{ ou = "apps"; }', True, "the unit"),
            ('{ ou = "ops"; }', False, "another unit"),
            ('{ o = "Tests"; ou = "apps"; }', True, "all keys of a rule hold"),
            ('{ o = "Tests"; ou = "ops"; }', False, "one key of a rule fails"),
            ('{ ou = "ops"; }, { ou = "apps"; }', True, "any rule suffices"),
            ('{ uri = "spiffe://tests.example/client1"; }', True, "a URI name"),
            ('{ uri = "spiffe://tests.example/*"; }', True, "a star in one segment"),
            ('{ uri = "spiffe://other.example/*"; }', False, "another trust domain"),
            ('{ dns = "client1.tests.example"; }', True, "a DNS name"),
            ('{ dns = "*.tests.example"; }', True, "a star in one label"),
            ('{ dns = "*.example"; }', False, "a star is one label only"),
            ('{ cn = "client1.tests.example"; }', False, "A5: a DNS name is not a common name"),
            (f'{{ fingerprint = "{client.sha256}"; }}', True, "the certificate itself"),
            (f'{{ fingerprint = "{"0" * 64}"; }}', False, "another certificate"),
        ]
        for rules, expected, why in rows:
            with self.subTest(why):
                self.assertEqual(expected, self.allowed(rules), rules)

    def test_second_unit_counts(self):
        """A6: every value of a multi-valued name is looked at."""
        both = self.pki.leaf("c-two-units", subject=[("OU", "first"), ("OU", "second"), ("CN", "two")], eku=("clientAuth",))
        self.assertTrue(self.allowed('{ ou = "second"; }', both))

    def test_an_issuer_is_a_ca_of_the_trust_and_not_of_the_caller(self):
        """A6: a CA below the root may issue to a CA of any name. The one that is meant stands in ca."""
        subject = [("O", "Partner Ltd"), ("CN", "Partner CA")]
        sub = self.pki.ca("c-sub", issuer=self.pki.ca("root"))
        partner, posing = self.pki.ca("c-partner", subject=subject, issuer=self.pki.ca("root")), self.pki.ca("c-posing", subject=subject, issuer=sub)
        callers = {stem: self.pki.leaf(f"c-of-{stem}", ca, cn="x", eku=("clientAuth",)) for stem, ca in (("partner", partner), ("posing", posing))}
        bundle = self.folder / "with-partner.pem"
        bundle.write_bytes(self.pki.ca("root").crt.read_bytes() + partner.crt.read_bytes())
        for trust, allowed in ((self.pki.ca("root").crt, ()), (bundle, ("partner",))):
            backend = peers.Backend(self)
            port = self.verifier(backend.port, listener='allow = ( { issuer = "CN=Partner CA,O=Partner Ltd"; } );', trust=f'ca = "{trust}";')
            for stem, caller in callers.items():
                with self.subTest(stem, trust=trust.name):
                    answer = self.curl_tls(port, client=caller)
                    self.assertEqual(200 if stem in allowed else 403, answer.status)
                    if answer.status == 403:
                        self.assertIn("only the client sent", json.loads(answer.body)["detail"])

    def test_names_with_control_bytes_match_nothing(self):
        """A5: ops, a zero byte and more is not ops."""
        for stem, value in (("c-nul", b"ops\0x"), ("c-lf", b"ops\n"), ("c-comma", b"ops,OU=apps")):
            with self.subTest(stem):
                odd = self.pki.leaf(stem, subject=[("OU", value), ("CN", "odd")], eku=("clientAuth",))
                self.assertFalse(self.allowed('{ ou = "ops"; }', odd))

    def test_nobody_matches_no_rule(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port, tls='client_cert = "optional";', listener='allow = ( { cn = "*"; }, { cn = "**"; } );')
        self.assertEqual(403, self.curl_tls(port, client=None).status)
        self.assertEqual(b"", bytes(backend.received))

    def test_a_refusal_leaves_the_connection_in_step(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port, listener='allow = ( { cn = "x"; } );')
        status, _, _, complete = self.ask(port, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 44\r\n\r\n" + corpus.INNER[:44])
        self.assertEqual((403, True), (status, complete))
        self.assertEqual(b"", bytes(backend.received))


class IdentityHeaders(Case):
    def setUp(self):
        super().setUp()
        self.backend = peers.Backend(self)

    def only(self, name, request=None):
        values = (request or self.backend.requests[-1]).values(name)
        self.assertEqual(1, len(values), f"{name}: {values}")
        return values[0]

    def test_rfc9440(self):
        middle = self.pki.ca("middle", issuer=self.pki.ca("root"))
        client = self.pki.leaf("deep-client", middle, eku=("clientAuth",))
        port = self.verifier(self.backend.port, listener='identity_headers = [ "rfc9440" ];')
        self.assertEqual(200, self.ask(port, certificate=client)[0])
        self.assertEqual(":" + base64.b64encode(client.der).decode() + ":", self.only("client-cert"))
        self.assertIn(":" + base64.b64encode(middle.der).decode() + ":", self.only("client-cert-chain"))
        self.assertEqual([], self.backend.requests[-1].values("x-ssl-client-cn"))

    def test_x_ssl(self):
        client = self.pki.client()
        port = self.verifier(self.backend.port, listener='identity_headers = [ "x-ssl" ];')
        self.assertEqual(200, self.ask(port)[0])
        self.assertEqual("0", self.only("x-ssl-client-verify"))
        self.assertEqual("valid", self.only("x-ssl-client-status"))
        self.assertEqual("client1", self.only("x-ssl-client-cn"))
        self.assertEqual(client.sha256, self.only("x-ssl-client-sha256").lower())
        self.assertEqual(client.serial, int(self.only("x-ssl-client-serial"), 16))
        self.assertIn("spiffe://tests.example/client1", self.only("x-ssl-client-san"))
        for name in ("x-ssl-client-dn", "x-ssl-client-notbefore", "x-ssl-client-notafter", "x-ssl-issuer"):
            self.assertTrue(self.only(name), name)
        self.assertEqual([], self.backend.requests[-1].values("x-ssl-error"))

    def test_none_unless_configured(self):
        port = self.verifier(self.backend.port)
        self.assertEqual(200, self.ask(port)[0])
        for name in ("client-cert", "x-ssl-client-cn", "x-ssl-client-verify", "x-forwarded-client-cert"):
            self.assertEqual([], self.backend.requests[-1].values(name))

    NAMES = ["Client-Cert", "Client-Cert-Chain", "X-SSL-Client-Verify", "X-SSL-Client-Status", "X-SSL-Client-DN", "X-SSL-Client-CN",
             "X-SSL-Client-Serial", "X-SSL-Client-SHA256", "X-SSL-Client-SAN", "X-SSL-Client-NotBefore", "X-SSL-Client-NotAfter",
             "X-SSL-Issuer", "X-SSL-Error", "X-Forwarded-Client-Cert", "ssl-client-verify", "ssl-client-cert", "ssl-client-subject-dn",
             "ssl-client-issuer-dn"]

    def spoofs(self):
        """Field blocks that each try to claim an identity."""
        for name in self.NAMES:
            for spelt in (name, name.lower(), name.upper(), name.replace("-", "_"), name.replace("-", "."), name.replace("-", "_", 1)):
                yield f"{spelt}: spoofed\r\n"
            yield f"{name}: spoofed\r\n{name}: spoofed\r\n"
            yield f"Connection: {name}\r\n{name}: spoofed\r\n"
            yield f"Connection: close, {name.lower()}\r\n"
            yield f"{name}: spoofed, spoofed\r\n"
            yield f"{name}:spoofed\r\n"

    def test_spoofed_names_never_arrive(self):
        """C1: whatever a caller claims, the backend sees our value once and nothing of his, with and without a certificate."""
        port = self.verifier(self.backend.port, tls='client_cert = "optional";', listener=BOTH)
        for certificate in ("client", None):
            with peers.secure(port, self.caller(certificate)) as connection:
                connection_uses = 0
                for block in self.spoofs():
                    with self.subTest(block):
                        if connection_uses is None:
                            self.fail("the connection ended on an earlier row")
                        raw = f"GET / HTTP/1.1\r\nHost: localhost\r\nX-Kept: yes\r\n{block}\r\n"
                        if "close" in block:
                            raw = raw.replace("close, ", "")
                        connection.sendall(raw.encode())
                        status, _, _, _ = peers.response(connection)
                        self.assertEqual(200, status)
                        request = self.backend.requests[-1]
                        self.assertNotIn(b"spoofed", request.head)
                        self.assertEqual(["yes"], request.values("x-kept"))
                        self.assertEqual(["valid" if certificate else "none"], request.values("x-ssl-client-status"))
                        if certificate:
                            self.assertEqual(["client1"], request.values("x-ssl-client-cn"))
                            self.assertEqual(1, len(request.values("client-cert")))
                        connection_uses += 1

    def test_spoofed_trailers_never_arrive(self):
        """C1"""
        port = self.verifier(self.backend.port, listener=BOTH)
        for name in self.NAMES:
            with self.subTest(name):
                raw = (f"POST / HTTP/1.1\r\nHost: localhost\r\nTrailer: {name}\r\nTransfer-Encoding: chunked\r\n\r\n"
                       f"5\r\nhello\r\n0\r\n{name}: spoofed\r\n{name.replace('-', '_')}: spoofed\r\n\r\n")
                before = len(self.backend.received)
                self.assertIn(self.ask(port, raw.encode())[0], (200, 400))
                self.assertNotIn(b"spoofed", bytes(self.backend.received[before:]))

    def test_connection_cannot_remove_our_headers(self):
        """C1: naming our header hop-by-hop must not take it off."""
        port = self.verifier(self.backend.port, listener=BOTH)
        status, _, _, _ = self.ask(port, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close, x-ssl-client-cn, client-cert, host\r\n\r\n")
        self.assertEqual(200, status)
        self.assertEqual("client1", self.only("x-ssl-client-cn"))
        self.only("client-cert")
        self.assertEqual("localhost", self.only("host"))

    def test_forwarded_headers_are_ours(self):
        port = self.verifier(self.backend.port)
        raw = (b"GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: spoofed\r\nX-Forwarded-Host: spoofed\r\n"
               b"X-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nConnection: close\r\n\r\n")
        self.assertEqual(200, self.ask(port, raw)[0])
        self.assertEqual("127.0.0.1", self.only("x-forwarded-for"))
        self.assertEqual("https", self.only("x-forwarded-proto"))
        self.assertEqual("shop.example", self.only("x-forwarded-host"))
        self.assertEqual("127.0.0.1", self.only("x-real-ip"))
        self.assertNotIn(b"6.6.6.6", self.backend.requests[-1].head)
        self.assertNotIn(b"spoofed", self.backend.requests[-1].head)

    def test_forwarded_can_be_off(self):
        port = self.verifier(self.backend.port, listener='forwarded = "off";')
        self.assertEqual(200, self.ask(port)[0])
        self.assertEqual([], self.backend.requests[-1].values("x-forwarded-for"))

    HOSTILE = {
        "crlf": b"a\r\nX-Injected: yes\r\n\r\nGET /smuggled HTTP/1.1", "lf": b"a\nX-Injected: yes", "cr": b"a\rX-Injected: yes", "nul": b"a\0b",
        "quotes": b"a\",=;'\\<>", "escape": b"\x1b[31mred", "long": b"A" * 32768, "utf8": "n\u00e4me \u4e2d".encode(), "invalid": b"\xff\xfe\x80",
        "comma": b"a, CN=admin", "slash": b"a/CN=admin", "plus": b"a+OU=admin", "del": b"a\x7fb", "percent": b"%0d%0aX-Injected: yes",
    }

    def test_hostile_certificate_fields_cannot_end_a_line(self):
        """C2: the backend sees one request with clean fields, and one log line, whatever stands in a certificate."""
        port = self.verifier(self.backend.port, listener=BOTH)
        for stem, value in self.HOSTILE.items():
            for kind in (certs.UTF8, certs.BMP):
                with self.subTest(f"{stem} {kind}"):
                    if kind == certs.BMP:
                        value = value.decode("latin-1").encode("utf-16-be")
                    odd = self.pki.leaf(f"c2-{stem}-{kind}", subject=[("CN", value, kind)], eku=("clientAuth",),
                                        san=[("URI", b"spiffe://x/\r\nX-Injected: yes")] if stem == "crlf" else ())
                    before = len(self.backend.requests)
                    try:
                        status = self.ask(port, certificate=odd)[0]
                    except (ssl.SSLError, ConnectionError):
                        continue  # refused outright: as safe as can be
                    self.assertIn(status, (0, 200, 403))
                    self.assertEqual([], self.backend.malformed)
                    self.assertLessEqual(len(self.backend.requests), before + 1)
                    for request in self.backend.requests[before:]:
                        self.assertEqual([], request.values("x-injected"))
                        self.assertEqual("/", request.target)
                        self.assertIsNone(re.search(rb"[^\x20-\x7e\r\n]", request.head), request.head)
        for line in self.mtlsd.log.splitlines():
            self.assertIsNone(re.search(r"[\x00-\x08\x0b-\x1f\x7f]", line), line)
            self.assertFalse(line.startswith(("X-Injected", "GET /smuggled")), line)


class Tcp(Case):
    def test_bytes_both_ways_and_half_close(self):
        """D4 from the caller's side: close_notify reaches the backend as its end, and the answer still comes."""
        def handle(server, connection):
            data, end = peers.read_all(connection)
            connection.sendall(b"%d %s " % (len(data), end.encode()) + b"z" * (10 << 20))
        backend = peers.Server(self, handle)
        port = self.verifier(backend.port, protocol="tcp")
        for flag, version in VERSIONS.items():
            with self.subTest(flag):
                out = self.pipe(port, b"q" * 100000, version)
                self.assertEqual(b"100000 eof ", out[:11])
                self.assertEqual(11 + (10 << 20), len(out))

    def pipe(self, port, data, version):
        """Sends data, says goodbye in that direction, and reads to the end."""
        context = self.caller(version=version)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        out = bytearray()
        with peers.connect(port) as raw:
            def step(action):
                while True:
                    try:
                        result = action()
                        raw.sendall(outgoing.read())
                        return result
                    except ssl.SSLWantReadError:
                        raw.sendall(outgoing.read())
                        piece = raw.recv(65536)
                        incoming.write(piece) if piece else incoming.write_eof()
            step(tls.do_handshake)
            step(lambda: tls.write(data))
            try:
                tls.unwrap()
            except ssl.SSLWantReadError:
                pass
            raw.sendall(outgoing.read())
            while True:
                try:
                    piece = step(lambda: tls.read(1 << 16))
                except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                    return bytes(out)
                if not piece:
                    return bytes(out)
                out += piece

    def test_backend_that_ends_first(self):
        """D4 the other way: the backend's end reaches the caller as a goodbye while the caller goes on sending."""
        def handle(server, connection):
            connection.sendall(b"bye")
            connection.shutdown(socket.SHUT_WR)
            while server.record(connection.recv(100)):
                pass
        backend = peers.Server(self, handle)
        port = self.verifier(backend.port, protocol="tcp")
        with peers.secure(port, self.caller()) as connection:
            self.assertEqual((b"bye", "eof"), peers.read_all(connection))
            connection.sendall(b"still here")
            wait_for(lambda: bytes(backend.received) == b"still here", "the rest at the backend")

    def test_cut_caller_is_a_reset_at_the_backend(self):
        """B7 on the accepting side: no goodbye, no clean end."""
        ends = []

        def handle(server, connection):
            ends.append(peers.read_all(connection))
        backend = peers.Server(self, handle)
        port = self.verifier(backend.port, protocol="tcp")
        connection = peers.secure(port, self.caller())
        connection.sendall(b"half a mess")
        wait_for(lambda: backend.accepted, "the backend connection")
        peers.cut(connection)
        connection.close()
        wait_for(lambda: ends, "the end at the backend")
        self.assertEqual("reset", ends[0][1])

    def test_backend_that_is_down(self):
        port = self.verifier(free_port(), protocol="tcp")
        connection = peers.secure(port, self.caller())
        data, end = peers.read_all(connection)
        self.assertEqual(b"", data)
        self.assertNotEqual("timeout", end)
        connection.close()


class Timeouts(Case):
    """C7: a caller that says nothing does not stay."""

    def test_no_handshake(self):
        port = self.verifier(free_port(), listener='timeouts = { handshake = "300ms"; };')
        with peers.connect(port, 5) as connection:
            self.assertNotEqual("timeout", peers.read_all(connection)[1])

    def test_no_whole_head(self):
        port = self.verifier(free_port(), listener='timeouts = { header = "300ms"; };')
        with peers.secure(port, self.caller(), 5) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: local")
            status, _, _, _ = peers.response(connection)
            self.assertIn(status, (0, 408))


if __name__ == "__main__":
    unittest.main(verbosity=2)
