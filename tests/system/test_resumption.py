# SPDX-License-Identifier: Apache-2.0
"""A1: a session ticket gives no access after a certificate, a list or a rule has changed. The client is openssl s_client.

The second connection brings the ticket and no certificate, so that nothing but the ticket could let it in. Nobody gets in.
"""
import os
import subprocess
import unittest

import harness
import peers
from harness import free_port, wait_for

VERSIONS = ("-tls1_2", "-tls1_3")
SHOP, BANK = "shop.example", "bank.example"


class Matrix(harness.Case):
    def setUp(self):
        super().setUp()
        self.root, self.backend = self.pki.ca("root"), peers.Backend(self)
        self.mine = self.pki.leaf("rs-mine", eku=("clientAuth",))
        self.shop, self.bank = (self.pki.leaf(f"rs-{name[:4]}", cn=name, san=[f"DNS:{name}", "DNS:localhost"]) for name in (SHOP, BANK))
        self.ports = {name: free_port() for name in ("first", "twin", "named", "optional")}
        self.crl, self.admin = self.folder / "clients.crl", self.folder / "admin.sock"
        self.number = 0
        self.put_list()
        self.mtlsd = self.daemon(self.text(), list(self.ports.values()), [self.admin])

    def put_list(self, *revoked):
        self.number += 1
        fresh = self.folder / "fresh.crl"
        fresh.write_bytes(self.pki.crl(f"rs-{os.getpid()}-{id(self)}-{self.number}", self.root, revoked, number=self.number).read_bytes())
        os.replace(fresh, self.crl)

    def text(self, *, ca=None, allow="", optional="optional"):
        tls = 'trust = "clients"; tickets = true;'
        listener = lambda name, more, rules="": f"""{name} = {{ bind = "127.0.0.1:{self.ports[name]}"; upstream = "app"; {rules}
            identity_headers = [ "x-ssl" ]; tls = {{ {tls} {more} }}; }};"""
        return f"""admin = {{ socket = "unix:{self.admin}"; }};
            identities = {{ me = {{ bundle = "{self.pki.server().pem}"; }}; shop = {{ bundle = "{self.shop.pem}"; }}; bank = {{ bundle = "{self.bank.pem}"; }}; }};
            trusts = {{ clients = {{ ca = "{(ca or self.root).crt}"; {f'crl = "{self.crl}";' if ca is None else ""} }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }}; }};
            listeners = {{
                {listener("first", 'identity = "me";', allow)} {listener("twin", 'identity = "me";')}
                {listener("named", f'identities = ( {{ hosts = [ "{SHOP}" ]; identity = "shop"; }}, {{ hosts = [ "{BANK}" ]; identity = "bank"; }} );')}
                {listener("optional", f'identity = "me"; client_cert = "{optional}";')} }};"""

    def reload(self, **changes):
        self.config(self.text(**changes))
        done = self.command("reload", "-c", self.mtlsd.config_path)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def s_client(self, listener, version, *flags, name="localhost"):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.ports[listener]}", "-servername", name, "-CAfile", self.root.crt,
                               version, "-ign_eof", *map(str, flags)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30,
                              input=f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        return done.stdout.decode(errors="replace")

    def ticket(self, listener, version, *, name="localhost", certificate=None):
        """A session file, got in good order, with the certificate or as nobody."""
        path = self.folder / f"{listener}{version}{name}.session"
        path.unlink(missing_ok=True)
        mine = ["-cert", certificate.crt, "-key", certificate.key] if certificate else []
        out = self.s_client(listener, version, "-sess_out", path, *mine, name=name)
        self.assertIn("200 OK", out)
        self.assertTrue(path.exists(), out)
        return path

    def both(self, listener="first", name="localhost"):
        return {version: self.ticket(listener, version, name=name, certificate=self.mine) for version in VERSIONS}

    def expect(self, sessions, let_in, listener="first", name="localhost", flags=()):
        for version, session in sessions.items():
            with self.subTest(version):
                before = len(self.backend.requests)
                out = self.s_client(listener, version, "-sess_in", session, *flags, name=name)
                self.assertEqual(let_in, "200 OK" in out, out[-1500:])
                self.assertEqual(let_in, len(self.backend.requests) > before)
                self.assertEqual(let_in, "Reused, TLS" in out and "200 OK" in out)

    def test_a_good_ticket_opens_what_it_was_made_for(self):
        """The control: without it the rest would show nothing."""
        self.expect(self.both(), True)
        self.assertEqual(["rs-mine"], self.backend.requests[-1].values("x-ssl-client-cn"))

    def test_revoked_since(self):
        sessions = self.both()
        self.put_list(self.mine)
        wait_for(lambda: "changed revocation lists are in use" in self.mtlsd.log, "the new list")
        self.expect(sessions, False)

    def test_the_list_changed_for_others(self):
        sessions = self.both()
        self.put_list(self.pki.client())
        wait_for(lambda: "changed revocation lists are in use" in self.mtlsd.log, "the new list")
        self.expect(sessions, False)

    def test_its_ca_was_removed(self):
        sessions = self.both()
        self.reload(ca=self.pki.ca("stranger"))
        self.expect(sessions, False)

    def test_older_than_a_reload(self):
        sessions = self.both()
        self.reload()
        self.expect(sessions, False)

    def test_another_listener(self):
        self.expect(self.both("twin"), False)

    def test_another_name_of_the_same_listener(self):
        sessions = self.both("named", name=SHOP)
        self.expect(sessions, True, "named", SHOP)
        self.expect(sessions, False, "named", BANK)

    def test_the_rules_changed(self):
        """With the certificate, so that the caller is known: he is not allowed any more."""
        sessions = self.both()
        self.reload(allow='allow = ( { cn = "somebody-else"; } );')
        self.expect(sessions, False, flags=("-cert", self.mine.crt, "-key", self.mine.key))

    def test_nobody_stays_nobody(self):
        sessions = {version: self.ticket("optional", version) for version in VERSIONS}
        self.expect(sessions, True, "optional")
        self.assertEqual(["none"], self.backend.requests[-1].values("x-ssl-client-status"))
        self.expect(sessions, False)  # where a certificate is required
        self.reload(optional="required")
        self.expect(sessions, False, "optional")

    def test_somebody_of_an_optional_listener_is_not_taken_for_good(self):
        """A2: the ticket of one who was revoked since brings him in as nobody at most."""
        sessions = self.both("optional")
        self.expect(sessions, True, "optional")
        self.assertEqual(["valid"], self.backend.requests[-1].values("x-ssl-client-status"))
        self.put_list(self.mine)
        wait_for(lambda: "changed revocation lists are in use" in self.mtlsd.log, "the new list")
        for version, session in sessions.items():
            out = self.s_client("optional", version, "-sess_in", session)
            self.assertNotIn("Reused, TLS", out)
            self.assertEqual(["none"], self.backend.requests[-1].values("x-ssl-client-status"))
            self.assertEqual([], [v for v in self.backend.requests[-1].values("x-ssl-client-cn") if v])


class Upstream(harness.Case):
    """B5: the session of an upstream does not outlive what its certificate is worth."""

    def start(self, protocols):
        self.root, self.admin = self.pki.ca("root"), self.folder / "admin.sock"
        self.crl, self.ca = self.folder / "servers.crl", self.folder / "servers.pem"
        self.server = self.pki.leaf("rs-upstream", cn="localhost", san=["DNS:localhost", "IP:127.0.0.1"])
        self.put_list(1)
        self.ca.write_bytes(self.root.crt.read_bytes())
        target, self.port = self.origin(certificate=self.server, protocols=protocols), free_port()
        text = self.injector_text(self.port, f"127.0.0.1:{target}", trust=f'ca = "{self.ca}"; crl = "{self.crl}";', upstream="pool = { max = 0; };")
        self.mtlsd = self.daemon(f'admin = {{ socket = "unix:{self.admin}"; }};' + text, [self.port], [self.admin])
        for reused in (".", "r"):  # the second request comes by a ticket
            self.assertEqual(200, self.get().status)
            wait_for(lambda: self.nginx_access(), "nginx's log")
            self.assertEqual(reused, self.nginx_access()[-1][1])

    def put_list(self, number, *revoked):
        fresh = self.folder / "fresh.crl"
        fresh.write_bytes(self.pki.crl(f"rs-up-{id(self)}-{number}", self.root, revoked, number=number).read_bytes())
        os.replace(fresh, self.crl)

    def get(self):
        return self.curl(f"http://127.0.0.1:{self.port}/")

    def expect_refusal(self, reason):
        before = len(self.nginx_access())
        for _ in range(2):
            self.assert_problem(self.get(), 502, reason, "us")
        self.assertEqual(before, len(self.nginx_access()))

    def test_an_upstream_that_was_revoked_since(self):
        for protocols in ("TLSv1.2", "TLSv1.3"):
            with self.subTest(protocols):
                self.start(protocols)
                self.put_list(2, self.server)
                wait_for(lambda: "changed revocation lists are in use" in self.mtlsd.log, "the new list")
                self.expect_refusal("revoked")
                self.end_all_now()

    def test_an_upstream_whose_ca_was_removed(self):
        for protocols in ("TLSv1.2", "TLSv1.3"):
            with self.subTest(protocols):
                self.start(protocols)
                self.crl.write_bytes(self.pki.crl(f"rs-up-{id(self)}-other", self.pki.ca("stranger")).read_bytes())
                self.ca.write_bytes(self.pki.ca("stranger").crt.read_bytes())
                self.assertEqual(0, self.command("reload", "-c", self.mtlsd.config_path).returncode)
                self.expect_refusal("unknown_ca")
                self.end_all_now()

    def end_all_now(self):
        for process in reversed(self.processes):
            process.stop()
        (self.folder / "nginx.access").unlink()


if __name__ == "__main__":
    unittest.main(verbosity=2)
