# SPDX-License-Identifier: Apache-2.0
"""Attacks around the handshake: early requests, resets, early data, renegotiation, and client authentication after the handshake.

The callers are openssl s_client, and Python's ssl over a memory of its own, so that a test decides what goes into which segment.
"""
import contextlib
import os
import pathlib
import ssl
import subprocess
import unittest

import certs
import harness
import peers
from harness import wait_for

REQUEST = b"POST /MARKER HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.root = self.pki.ca("root")
        self.backend = peers.Backend(self)

    def bad_callers(self):
        leaf, client = self.pki.leaf, ("clientAuth",)
        self.revoked = leaf("hs-revoked", eku=client)
        return {"none": None, "revoked": self.revoked, "expired": leaf("hs-expired", eku=client, start=-30, days=20),
                "unknown_ca": leaf("hs-foreign", self.pki.ca("stranger"), eku=client), "wrong_purpose": leaf("hs-server", eku=("serverAuth",)),
                "not_allowed": leaf("hs-other", eku=client)}

    def start(self, protocol="http", **options):
        callers = self.bad_callers()
        crl = self.pki.crl("hs", self.root, [self.revoked])
        self.port = self.verifier(self.backend.port, trust=f'ca = "{self.root.crt}"; crl = "{crl}";', protocol=protocol,
                                  listener='allow = ( { cn = "client1"; } );', **options)
        return callers


class Caller:
    """A TLS client whose bytes go out when and as the test wants."""

    def __init__(self, case, port, certificate, version):
        context = peers.client_context(case.root, certificate, version=version)
        self.raw = peers.connect(port)
        case.addCleanup(self.raw.close)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def shake(self):
        """Gives the last flight of ours, which is not sent: the second one."""
        sent = False
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
            out = self.outgoing.read()
            if out and sent:
                return out
            sent = sent or bool(out)
            self.raw.sendall(out)
            self.incoming.write(self.raw.recv(65536))


class OnItsHeels(Case):
    def test_a_request_right_behind_the_finished_of_a_bad_caller_reaches_nobody(self):
        """A12: one segment holds certificate, Finished and request."""
        for protocol in ("http", "tcp"):
            callers = self.start(protocol)
            for status, certificate in callers.items():
                with self.subTest(f"{protocol} {status}"):
                    caller = Caller(self, self.port, certificate, VERSIONS[1])
                    last = caller.shake()
                    caller.tls.write(REQUEST * 3)
                    caller.raw.sendall(last + caller.outgoing.read())
                    data, end = peers.read_all(caller.raw)
                    self.assertNotEqual("timeout", end)
                    if status != "not_allowed" or protocol == "tcp":
                        wait_for(lambda: status in self.mtlsd.log, f"{status} in the log")
            good = Caller(self, self.port, self.pki.client(), VERSIONS[1])
            last = good.shake()
            good.tls.write(REQUEST)
            self.assertEqual(b"", bytes(self.backend.received))
            self.assertEqual(0, self.backend.accepted)
            good.raw.sendall(last + good.outgoing.read())
            wait_for(lambda: b"MARKER" in self.backend.received, "the good caller's request, sent the same way")
            self.mtlsd.stop()
            self.backend = peers.Backend(self)

    def test_a_reset_anywhere_in_the_last_flight_harms_nobody(self):
        """A12: the caller is gone while its certificate is looked at, whether it is good or bad."""
        callers = self.start()
        callers["good"] = self.pki.client()
        for version in VERSIONS:
            for status, certificate in callers.items():
                for part in (1, 2, 3, 4, 4.5):
                    caller = Caller(self, self.port, certificate, version)
                    last = caller.shake()
                    caller.raw.sendall(last[:int(len(last) * part / 4)])
                    peers.reset(caller.raw)
        with peers.secure(self.port, peers.client_context(self.root, self.pki.client())) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual(200, peers.response(connection)[0])
        self.assertEqual(["/"], [r.target for r in self.backend.requests])
        self.assertEqual(0, self.mtlsd.stop())


class LongChains(Case):
    """A7 on the wire: what a caller sends costs the daemon next to nothing, and what is too long is refused."""

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.mtlsd.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def chain(self, length):
        """A leaf and length - 1 intermediates, one below the other; the root is not among them."""
        issuer, below = self.root, []
        for i in range(length - 1):
            issuer = self.pki.ca(f"hs-deep-{i}", issuer=issuer)
            below.append(issuer)
        leaf = self.pki.leaf(f"hs-deep-leaf-{length}", issuer, eku=("clientAuth",))
        return [leaf, *reversed(below)]

    def of_many_parts(self):
        """A certificate that anybody can make."""
        return self.pki.make("hs-parts", [("OU", f"x{i % 10}") for i in range(2000)], None, [
            certs.extension("2.5.29.37", certs.sequence(certs.oid("clientAuth")))], -1, 30, "ec")

    def context(self, sent):
        path = self.write("caller.pem", "".join(c.crt.read_text() for c in sent) + sent[0].key.read_text())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.root.crt)
        context.load_cert_chain(path)  # 4,000 cost openssl seconds
        return context

    def offer(self, context, version):
        context.minimum_version = context.maximum_version = version
        with contextlib.suppress(OSError), peers.secure(self.port, context) as connection:
            connection.sendall(REQUEST)
            return peers.response(connection)[0] == 200
        return False

    def test_long_chains_and_names_are_cheap(self):
        self.port = self.verifier(self.backend.port)
        junk = self.pki.ca("stranger")
        rows = [("7 certificates", self.chain(7), True), ("9 certificates", self.chain(9), False), ("17 certificates", self.chain(17), False),
                ("100 certificates", [self.pki.client()] + [junk] * 99, False), ("4,000 certificates", [self.pki.client()] + [junk] * 3999, False),
                ("2,000 parts of a name", [self.of_many_parts()], False)]
        for why, sent, let_in in rows:
            context = self.context(sent)
            for version in VERSIONS:
                with self.subTest(f"{why}, {version.name}"):
                    before, seen = self.cpu_s(), len(self.backend.received)
                    self.assertEqual(let_in, self.offer(context, version))
                    self.assertLessEqual(self.cpu_s() - before, 0.1 if not harness.is_sanitized() else 1)
                    self.assertEqual(let_in, len(self.backend.received) > seen)
        self.assertTrue(self.offer(self.context([self.pki.client()]), VERSIONS[1]))


class Openssl(Case):
    def s_client(self, port, *flags, certificate="client", data=REQUEST):
        mine = self.pki.client() if certificate == "client" else certificate
        cert = ["-cert", mine.crt, "-key", mine.key] if mine else []
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-CAfile", str(self.root.crt),
                               *map(str, cert), *map(str, flags)], input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        return done.stdout.decode(errors="replace")

    def test_renegotiation_ends_the_connection(self):
        """A10, D3: nobody becomes somebody else on an open connection; openssl asks when told R."""
        self.start()
        process = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", "localhost", "-CAfile", self.root.crt,
                                    "-cert", self.pki.client().crt, "-key", self.pki.client().key, "-tls1_2", "-legacy_renegotiation"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            process.stdin.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            process.stdin.flush()
            # OpenSSL 3.5 gives up by itself where the response arrives inside the new handshake: read all of it first.
            told = b""
            while not told.endswith(b" 0"):
                told += os.read(process.stdout.fileno(), 65536) or self.fail(told)
            process.stdin.write(b"R\n")
            process.stdin.flush()
            wait_for(lambda: process.poll() is not None, "the end of openssl")
            out = process.stdout.read().decode(errors="replace")
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
        self.assertIn("RENEGOTIATING", out)
        self.assertRegex(out, "no renegotiation|alert number 100")
        self.assertEqual(1, len(self.backend.requests))

    def test_later_authentication_is_never_asked_for(self):
        """A10: a caller without a certificate that offers one later stays nobody."""
        self.backend = peers.Backend(self)
        port = self.verifier(self.backend.port, tls='client_cert = "optional";', listener='identity_headers = [ "x-ssl" ];')
        out = self.s_client(port, "-enable_pha", "-tls1_3", "-ign_eof", certificate=None, data=REQUEST.replace(b"Content", b"Connection: close\r\nContent"))
        self.assertIn("HTTP/1.1 200", out)
        self.assertEqual([["none"]], [r.values("x-ssl-client-status") for r in self.backend.requests])

    def early(self, port, session):
        data = self.write("early", REQUEST.decode().replace("MARKER", "EARLY"))
        return self.s_client(port, "-tls1_3", "-sess_in", session, "-early_data", data, data=b"")

    def test_early_data_goes_nowhere(self):
        """A11: neither with a ticket of ours nor with one that allows it."""
        self.start(tls="tickets = true;")
        ours = self.folder / "ours.session"
        self.assertIn("200 OK", self.s_client(self.port, "-tls1_3", "-sess_out", ours, "-ign_eof", data=REQUEST.replace(b"Content", b"Connection: close\r\nContent")))
        before = len(self.backend.requests)
        self.assertNotIn("Early data was accepted", self.early(self.port, ours))
        # A ticket of another server allows early data, so that openssl really sends some.
        server = self.pki.server()
        other = harness.free_port()
        lasting = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{other}", "-cert", server.crt, "-key", server.key, "-tls1_3", "-quiet",
                                    "-early_data", "-max_early_data", "16384"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lasting.wait)
        self.addCleanup(lasting.kill)
        self.addCleanup(lasting.stdin.close)
        wait_for(lambda: harness.listens(other), "s_server")
        theirs = self.folder / "theirs.session"
        # It may be gone before the ticket comes.
        wait_for(lambda: self.s_client(other, "-tls1_3", "-sess_out", theirs, data=b"x\nQ\n") and theirs.exists(), "a ticket")
        said = self.early(self.port, theirs)
        self.assertIn("Early data was rejected", said)
        self.assertNotIn(b"EARLY", bytes(self.backend.received))
        self.assertEqual(before, len(self.backend.requests))
        with peers.secure(self.port, peers.client_context(self.root, self.pki.client())) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual(200, peers.response(connection)[0])


if __name__ == "__main__":
    harness.main()
