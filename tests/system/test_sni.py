# SPDX-License-Identifier: Apache-2.0
"""Several identities and trusts on one address: openssl and curl send server names, and no request avoids the rules of its host (A8, A9)."""
import contextlib
import json
import subprocess
import unittest

import harness
import peers
from harness import free_port

SHOP, OPS, FREE, STRANGE = "shop.example", "x.ops.example", "free.example", "strange.example"
FREE_IN_CERTIFICATE = "other.example"


class Names(harness.Case):
    """shop: a certificate of our CA. *.ops: one of the staff's CA. free: none is asked. Others: refused, or as `otherwise` says."""

    def serve(self, otherwise="", listener="", port=None, prelude="workers = 1;\n"):
        self.backend = peers.Backend(self)
        self.staff = self.pki.ca("staff")
        shop = self.pki.leaf("sni-shop", cn="shop", san=[f"DNS:{SHOP}"])
        ops = self.pki.leaf("sni-ops", cn="ops", san=["DNS:*.ops.example"])
        free = self.pki.leaf("sni-free", cn="free", san=[f"DNS:{FREE_IN_CERTIFICATE}"])
        self.port = port or free_port()
        self.mtlsd = self.daemon(f"""
            identities = {{ shop = {{ bundle = "{shop.pem}"; }}; ops = {{ bundle = "{ops.pem}"; }}; free = {{ bundle = "{free.pem}"; }}; }};
            trusts = {{ clients = {{ ca = "{self.pki.ca("root").crt}"; }}; staff = {{ ca = "{self.staff.crt}"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{self.port}"; upstream = "app"; {listener}
                tls = {{ trust = "clients"; {otherwise} identities = (
                    {{ identity = "shop"; }},
                    {{ identity = "ops"; trust = "staff"; }},
                    {{ hosts = [ "{FREE}", "{FREE_IN_CERTIFICATE}" ]; identity = "free"; client_cert = "none"; }} ); }}; }}; }};
        """, [self.port], prelude=prelude)

    def s_client(self, name, certificate=None, *flags, request=b""):
        mine = ["-cert", certificate.crt, "-key", certificate.key] if certificate else []
        asked = ["-servername", name] if name else ["-noservername"]
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", *asked, *map(str, mine), *flags, "-ign_eof"],
                              input=request or f"GET / HTTP/1.1\r\nHost: {name or 'x'}\r\nConnection: close\r\n\r\n".encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        return done.stdout.decode(errors="replace")

    def staff_member(self):
        return self.pki.leaf("sni-staff", issuer=self.staff, cn="alice", eku=("clientAuth",))

    def ask(self, connect_to, host, certificate=None, path="/"):
        """curl opens TLS for one name and asks for another host."""
        mine = ["--cert", certificate.pem] if certificate else []
        return self.curl("--insecure", "--connect-to", f"{connect_to}:443:127.0.0.1:{self.port}", *mine, "-H", f"Host: {host}", f"https://{connect_to}{path}")

    # ---- the handshake ----

    def test_each_name_has_its_certificate_and_its_rules(self):
        self.serve()
        client, staff = self.pki.client(), self.staff_member()
        for version in ("-tls1_2", "-tls1_3"):
            for name, certificate, subject, status in [
                    (SHOP, client, "CN = shop", "200"), (SHOP.upper(), client, "CN = shop", "200"), (OPS, staff, "CN = ops", "200"),
                    (FREE, None, "CN = free", "200")]:
                with self.subTest(f"{name} {version}"):
                    said = self.s_client(name, certificate, version)
                    self.assertIn(subject.replace(" ", ""), said.replace(" ", ""))
                    self.assertIn(f"HTTP/1.1 {status}", said)

    def test_a_certificate_of_another_name_s_trust_is_refused(self):
        """A1, A8: what one name trusts, the others do not."""
        self.serve()
        client, staff = self.pki.client(), self.staff_member()
        for version in ("-tls1_2", "-tls1_3"):
            for name, certificate, alert in [(SHOP, staff, 48), (OPS, client, 48), (SHOP, None, 116), (OPS, None, 116)]:
                with self.subTest(f"{name} {version}"):
                    said = self.s_client(name, certificate, version)
                    self.assertNotIn("HTTP/1.1 200", said)
                    self.assertRegex(said, f"alert number ({alert}|40)" if alert == 116 else f"alert number {alert}")
        self.assertEqual([], self.backend.requests)

    def test_a_name_that_nobody_serves_is_refused(self):
        """A8: no name and an unknown one never fall to laxer rules."""
        self.serve()
        for name in (STRANGE, "ops.example", "x.shop.example", ""):
            with self.subTest(name):
                said = self.s_client(name, self.pki.client())
                self.assertIn("alert number 112", said)
                self.assertNotIn("HTTP/1.1", said)
        self.assertEqual([], self.backend.requests)

    def test_other_names_are_served_where_an_identity_is_for_them(self):
        self.serve(otherwise='identity = "shop";')
        self.assertIn("HTTP/1.1 200", self.s_client(STRANGE, self.pki.client()))
        self.assertIn("HTTP/1.1 200", self.s_client("", self.pki.client()))
        self.assertIn("alert number 48", self.s_client(STRANGE, self.staff_member()))

    # ---- the requests ----

    def test_a_host_of_other_rules_is_misdirected(self):
        """A9: all pairs of names and hosts; the certificate is always good for the name that TLS was opened for."""
        self.serve(otherwise='identity = "shop";')
        certificates = {SHOP: self.pki.client(), OPS: self.staff_member(), FREE: None, STRANGE: self.pki.client()}
        hosts = {SHOP: [SHOP, "SHOP.example.", f"{SHOP}:8443"], OPS: [OPS, "Y.Ops.Example"], FREE: [FREE, f"{FREE}."],
                 STRANGE: [STRANGE, "ops.example", "127.0.0.1"]}
        for name, certificate in certificates.items():
            for owner, spellings in hosts.items():
                for host in spellings:
                    with self.subTest(f"{name} -> {host}"):
                        before = len(self.backend.requests)
                        answer = self.ask(name, host, certificate)
                        self.assertEqual(200 if owner == name else 421, answer.status, answer.text or answer.error)
                        self.assertEqual(before + (1 if owner == name else 0), len(self.backend.requests))
                        if owner != name:
                            self.assert_problem(answer, 421, "misdirected", "us")

    def test_the_second_request_of_a_connection_is_judged_too(self):
        """A9: right first, then wrong, in both forms of a target."""
        self.serve()
        for second in (f"GET /2 HTTP/1.1\r\nHost: {SHOP}", f"GET http://{SHOP}/2 HTTP/1.1\r\nHost: {SHOP}"):
            with self.subTest(second.split(" ")[1]):
                before = len(self.backend.requests)
                said = self.s_client(FREE, request=f"GET /1 HTTP/1.1\r\nHost: {FREE}\r\n\r\n{second}\r\nConnection: close\r\n\r\n".encode())
                self.assertIn("HTTP/1.1 200", said)
                self.assertIn("HTTP/1.1 421", said)
                self.assertEqual(before + 1, len(self.backend.requests))

    # ---- a reload ----

    def kept(self, name, certificate):
        """A connection that stays open."""
        context = peers.client_context(self.pki.ca("root"), certificate)
        connection = context.wrap_socket(peers.connect(self.port), server_hostname=name)
        self.addCleanup(connection.close)
        return connection

    def get(self, connection, host):
        with contextlib.suppress(OSError):
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        return peers.response(connection)[0]

    def test_a_kept_connection_is_judged_by_the_new_rules_of_its_name(self):
        """A1, A9: after a reload the name that was asked for decides anew, and so do the hosts of its requests."""
        admin = self.folder / "admin.sock"
        prelude = f'workers = 1; drain_timeout = "2s"; admin = {{ socket = "unix:{admin}"; }};\n'
        self.serve(prelude=prelude)
        path = self.folder / "mtlsd.conf"
        shop, free = self.kept(SHOP, self.pki.client()), self.kept(FREE_IN_CERTIFICATE, None)
        self.assertEqual(200, self.get(shop, SHOP))
        self.assertEqual(200, self.get(free, FREE_IN_CERTIFICATE))
        # the free one loses its name, and the shop's callers must be staff
        text = path.read_text().replace('{ identity = "shop"; }', '{ identity = "shop"; trust = "staff"; }').replace(f', "{FREE_IN_CERTIFICATE}"', "")
        path.write_text(text)
        self.assertEqual(0, self.command("reload", "-c", path).returncode)
        before = len(self.backend.requests)
        self.assertEqual(0, self.get(shop, SHOP))
        self.assertIn(self.get(free, FREE_IN_CERTIFICATE), (0, 421))
        self.assertEqual(before, len(self.backend.requests))
        self.assertEqual(200, self.get(self.kept(SHOP, self.staff_member()), SHOP))

    # ---- what is told ----

    def test_check_and_explain_know_the_names(self):
        self.serve()
        path = str(self.folder / "mtlsd.conf")
        sheet = self.command("check", "-c", path).stdout
        self.assertIn(f"{FREE} {FREE_IN_CERTIFICATE}: TLS 1.2+, presents \"free\"", sheet)
        listener = json.loads(self.command("check", "-c", path, "--json").stdout)["listeners"][0]
        self.assertEqual([("shop", "clients", "required"), ("ops", "staff", "required"), ("free", "clients", "none")],
                         [(i["identity"], i["trust"], i["client_cert"]) for i in listener["identities"]])
        staff = self.staff_member()
        for host, answer in [(SHOP, "unknown_ca"), (OPS, "app"), (FREE, "app"), (STRANGE, "no identity is for this host")]:
            with self.subTest(host):
                said = self.command("explain", "-c", path, "--request", f"GET https://{host}/", "--cert", staff.pem).stdout
                self.assertIn(answer, said)
        for more, answer in [(("--request", f"GET https://{SHOP}/", "--header", f"Host: {FREE}"), "refused with 421, misdirected"),
                             (("--request", f"GET https://{SHOP}/", "--header", f"Host: {SHOP.upper()}.:8443"), "forwarded to upstream app"),
                             (("--request", "GET /", "--header", f"Host: {FREE}", "--server-name", SHOP), "refused with 421, misdirected"),
                             (("--server-name", SHOP), "matches this client"),
                             (("--server-name", OPS), "unknown_ca"),
                             (("--server-name", STRANGE), "no identity is for this host"),
                             ((), "give --server-name")]:
            with self.subTest(more):
                said = self.command("explain", "-c", path, "--listener", "public", *more, "--cert", self.pki.client().pem).stdout
                self.assertIn(answer, said)
                self.assertNotIn("4294967295", said)

    def test_check_refuses_two_identities_for_one_name(self):
        again = self.pki.leaf("sni-again", cn="again", san=[f"DNS:{SHOP}"])
        path = self.config(f"""
            identities = {{ a = {{ bundle = "{again.pem}"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:9" ]; }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{free_port()}"; upstream = "app";
                tls = {{ identities = ( {{ identity = "a"; }}, {{ identity = "a"; }} ); }}; }}; }};""")
        done = self.command("check", "-c", path)
        self.assertEqual(3, done.returncode)
        self.assertIn(f"the server name \"{SHOP}\" already belongs to the identity at", done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()
