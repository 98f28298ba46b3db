# SPDX-License-Identifier: Apache-2.0
"""The gateway: mutual TLS on both sides, each side with its own identity and its own trust."""
import hashlib
import os
import ssl
import unittest

import harness
import peers
from harness import free_port


class Gateway(harness.Case):
    def gateway(self, target, protocol="http", listener=""):
        """Callers are judged by the root CA, the upstream by another one; our two certificates come from the other sides' CAs."""
        port = free_port()
        outside, inside = self.pki.server(), self.outgoing()
        self.mtlsd = self.daemon(f"""
            identities = {{ front = {{ bundle = "{outside.pem}"; }}; back = {{ bundle = "{inside.pem}"; }}; }};
            trusts = {{ callers = {{ ca = "{self.pki.ca("root").crt}"; }}; inner = {{ ca = "{self.pki.ca("inner").crt}"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{target}" ]; tls = {{ identity = "back"; trust = "inner"; }}; }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{port}"; protocol = "{protocol}"; upstream = "app";
                tls = {{ identity = "front"; trust = "callers"; }}; {listener} }}; }};
        """, [port])
        return port

    def outgoing(self):
        return self.pki.leaf("gateway-client", self.pki.ca("inner"), cn="gateway", eku=("clientAuth",))

    def inner_server(self):
        return self.pki.leaf("inner-server", self.pki.ca("inner"), san=["DNS:localhost", "IP:127.0.0.1"])

    def test_both_ends_are_mutual(self):
        backend = peers.Backend(self)
        origin = self.origin(f"location / {{ proxy_pass http://127.0.0.1:{backend.port}; proxy_set_header X-Seen $ssl_client_s_dn; }}",
                             ca=self.pki.ca("inner"), certificate=self.inner_server())
        port = self.gateway(origin, listener='identity_headers = [ "x-ssl" ];')
        answer = self.curl_tls(port, "-H", "X-SSL-Client-CN: spoofed")
        self.assertEqual(200, answer.status, answer.text or answer.error)
        request = backend.requests[0]
        self.assertEqual(["client1"], request.values("x-ssl-client-cn"))
        self.assertIn("CN=gateway", request.values("x-seen")[0])

    def test_caller_without_a_certificate_reaches_nothing(self):
        context = peers.server_context(self.inner_server(), self.pki.ca("inner"))
        origin = peers.tls_server(self, context, lambda s, c: s.record(c.recv(4096)))
        port = self.gateway(origin.port)
        self.assertEqual(0, self.curl_tls(port, client=None).status)
        self.assertEqual(0, origin.accepted)

    def test_caller_of_the_inner_ca_is_a_stranger_outside(self):
        """The two trusts do not mix."""
        context = peers.server_context(self.inner_server(), self.pki.ca("inner"))
        origin = peers.tls_server(self, context, lambda s, c: s.record(c.recv(4096)))
        port = self.gateway(origin.port)
        self.assertEqual(0, self.curl_tls(port, client=self.outgoing()).status)
        self.assertEqual(0, origin.accepted)

    def test_upstream_of_the_outer_ca_is_a_stranger_inside(self):
        context = peers.server_context(self.pki.server(), self.pki.ca("inner"))
        origin = peers.tls_server(self, context, lambda s, c: s.record(c.recv(4096)))
        port = self.gateway(origin.port)
        self.assert_problem(self.curl_tls(port), 502, "unknown_ca", "us")
        self.assertEqual(b"", bytes(origin.received))

    def test_large_body_both_ways(self):
        data = os.urandom(1 << 20) * 8
        (self.folder / "big").write_bytes(data)
        backend = peers.Backend(self, lambda r: peers.reply(r.body))
        origin = self.origin(f"location / {{ proxy_pass http://127.0.0.1:{backend.port}; proxy_request_buffering off; }}",
                             ca=self.pki.ca("inner"), certificate=self.inner_server())
        answer = self.curl_tls(self.gateway(origin), "-T", self.folder / "big", path="/up", seconds=60)
        self.assertEqual(hashlib.sha256(data).digest(), hashlib.sha256(answer.body).digest())

    def test_tcp(self):
        def handle(server, connection):
            data = connection.recv(100)
            connection.sendall(b"you said " + data)
            connection.unwrap()
        context = peers.server_context(self.inner_server(), self.pki.ca("inner"))
        origin = peers.tls_server(self, context, handle)
        port = self.gateway(origin.port, "tcp")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with peers.secure(port, peers.client_context(self.pki.ca("root"), self.pki.client(), version=version)) as connection:
                connection.sendall(b"hello")
                self.assertEqual((b"you said hello", "eof"), peers.read_all(connection))


if __name__ == "__main__":
    unittest.main(verbosity=2)
