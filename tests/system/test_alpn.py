# SPDX-License-Identifier: Apache-2.0
"""Application protocols (ALPN): what both ends agree on with OpenSSL and curl, and who refuses when they agree on none."""
import json
import socket
import ssl

import harness
import peers

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Alpn(harness.Case):
    def echo(self):
        return peers.Server(self, lambda s, c: c.sendall(s.record(c.recv(4096)))).port

    def ask(self, port, offers, version):
        """What OpenSSL as a client gets: the protocol, or that it was refused."""
        context = peers.client_context(self.pki.ca("root"), self.pki.client(), version=VERSIONS[version])
        if offers:
            context.set_alpn_protocols(offers)
        try:
            with socket.create_connection(("127.0.0.1", port), peers.IO_S) as plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
                tls.sendall(b"hello")
                self.assertEqual(b"hello", tls.recv(100))
                return tls.selected_alpn_protocol()
        except ssl.SSLError:
            return "refused"

    def test_a_tcp_listener_accepts_its_own_protocols_only(self):
        port = self.verifier(self.echo(), protocol="tcp", tls='alpn = [ "postgresql", "other" ];')
        for version in VERSIONS:
            self.assertEqual("postgresql", self.ask(port, ["other", "postgresql"], version))
            self.assertEqual("other", self.ask(port, ["x", "other"], version))
            self.assertIsNone(self.ask(port, [], version))
            self.assertEqual("refused", self.ask(port, ["http/1.1"], version))
        harness.wait_for(lambda: self.mtlsd.log.count("reason=alpn_mismatch") == 2, "two refusals")
        self.assertIn("of the listener: postgresql, other", self.mtlsd.log)
        self.assertIn("alpn=postgresql", self.mtlsd.log)

    def test_an_http_listener_agrees_on_what_each_client_offers(self):
        backend = peers.Server(self, lambda s, c: (peers.read_until(c, b"\r\n\r\n"), c.sendall(peers.reply(b"ok")))).port
        port = self.verifier(backend)
        for offer in ("--http2", "--http1.1", "--no-alpn"):
            self.assertEqual("ok", self.curl_tls(port, offer).text, offer)
        for name in ("h2", "http/1.1"):
            self.assert_told(1, f"alpn={name} ", self.mtlsd.log)

    def upstream(self, chooses, version):
        """A server that has these protocols."""
        context = peers.server_context(self.pki.server(), self.pki.ca("root"), version=VERSIONS[version])
        if chooses:
            context.set_alpn_protocols(chooses)
        return peers.tls_server(self, context, lambda s, c: (peers.read_until(c, b"\r\n\r\n"), c.sendall(peers.reply(b"ok")))).port

    def test_an_http_upstream_may_choose_http_1_1_or_nothing(self):
        for version in VERSIONS:
            for chooses in (["http/1.1"], []):
                port = self.injector(self.upstream(chooses, version))
                self.assertEqual("ok", self.curl(f"http://127.0.0.1:{port}/").text)
                self.assertEqual(bool(chooses), "upstream_alpn=http/1.1" in self.mtlsd.log, self.mtlsd.log)

    def check(self, port, alpn):
        path = self.config(self.injector_text(harness.free_port(), f"127.0.0.1:{port}", protocol="tcp", tls=f'alpn = "{alpn}";'))
        text = self.command("check", "-c", path, "--connect").stdout
        return text, json.loads(self.command("check", "-c", path, "--connect", "--json").stdout)["connections"][0]

    def test_a_tcp_upstream_must_choose_what_is_offered(self):
        for version in VERSIONS:
            text, found = self.check(self.upstream(["postgresql"], version), "postgresql")
            self.assertTrue(found["accepted"], text)
            self.assertEqual("postgresql", found["tls"]["alpn"])
            self.assertIn("ALPN postgresql", text)
            text, found = self.check(self.upstream([], version), "postgresql")
            self.assertEqual(("alpn_mismatch", "us"), (found["reason"], found["refused_by"]), text)
            self.assertIn("that we offered: postgresql", text)


if __name__ == "__main__":
    harness.main()
