# SPDX-License-Identifier: Apache-2.0
"""What the tests of HTTP/2 stand on: mtlsd between HTTP/2 and a server of the test's, or another proxy in its place, to see that a test is right.

H2_INSTEAD=nginx, nghttpx or haproxy puts that program in the place of mtlsd.
"""
import os

import h2frames as h2
import harness
import peers
from harness import free_port

PRIOR_KNOWLEDGE = "http2_prior_knowledge = true;"  # makes a plaintext upstream one of HTTP/2
INSTEAD = os.environ.get("H2_INSTEAD", "")


class Case(harness.Case):
    """Names self.mtlsd as the process in the middle, whatever it is."""

    def plain_front(self, backend, listener="", upstream="", prelude='workers = 1; drain_timeout = "2s";\n'):
        """A plaintext listener in front of a plaintext backend; gives its port."""
        port = free_port()
        if INSTEAD:
            self.mtlsd = getattr(self, f"{INSTEAD}_front")(port, backend)
        else:
            self.mtlsd = self.daemon(f"""
                upstreams = {{ app = {{ targets = [ "127.0.0.1:{backend}" ]; {upstream} }}; }};
                listeners = {{ local = {{ bind = "127.0.0.1:{port}"; upstream = "app"; {listener} }}; }};""", [port], prelude=prelude)
        return port

    def nginx_front(self, port, backend):
        self.nginx(f"server {{ listen 127.0.0.1:{port} http2; location / {{ proxy_pass http://127.0.0.1:{backend}; proxy_http_version 1.1; }} }}", [port])
        return self.processes[-1]

    def nghttpx_front(self, port, backend):
        return self.spawn("nghttpx", ["nghttpx", "--conf=/dev/null", f"--frontend=127.0.0.1,{port};no-tls", f"--backend=127.0.0.1,{backend}",
                                      "--workers=1", "--errorlog-file=/dev/stderr", "--single-process"], [port])

    def haproxy_front(self, port, backend, server="", kind=" proto h2"):
        path = self.write("haproxy.cfg", f"""
            defaults
              mode http
              timeout connect 5s
              timeout client 20s
              timeout server 20s
            frontend f
              bind 127.0.0.1:{port}{kind}
              default_backend b
            backend b
              server s 127.0.0.1:{backend}{server}
""")
        return self.spawn("haproxy", ["haproxy", "-db", "-f", path], [port])

    def far_front(self, upstream):
        """A plaintext listener in front of an upstream that speaks HTTP/2 inside TLS; gives its port."""
        port = free_port()
        if INSTEAD == "haproxy":
            self.mtlsd = self.haproxy_front(port, upstream, f" ssl crt {self.pki.client().pem} verify none alpn h2", "")
        elif INSTEAD:
            self.mtlsd = self.spawn("nghttpx", ["nghttpx", "--conf=/dev/null", f"--frontend=127.0.0.1,{port};no-tls", "--insecure", "--single-process",
                                                f"--backend=127.0.0.1,{upstream};;proto=h2;tls;sni=localhost", "--workers=1", "--errorlog-file=/dev/stderr",
                                                f"--client-cert-file={self.pki.client().crt}", f"--client-private-key-file={self.pki.client().key}"], [port])
        else:
            self.mtlsd = self.daemon(self.injector_text(port, f"localhost:{upstream}"), [port])
        return port

    def client(self, port, *pairs, **options):
        """One end of a connection to a front, without TLS."""
        end = h2.End(peers.connect(port), *pairs, **options)
        self.addCleanup(end.close)
        return end

    def tls_client(self, port, certificate, *pairs, **options):
        """The same inside TLS, with ALPN."""
        context = peers.client_context(self.pki.ca("root"), certificate)
        context.set_alpn_protocols(["h2"])
        secure = peers.secure(port, context)
        self.assertEqual("h2", secure.selected_alpn_protocol())
        end = h2.End(secure, *pairs, **options)
        self.addCleanup(end.close)
        return end

    def h2_server(self, talk, *pairs):
        """A server of HTTP/2 that requires client certificates; talk(end) begins with the client's preface read and our settings sent."""
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))
        context.set_alpn_protocols(["h2"])
        return peers.tls_server(self, context, lambda server, connection: talk(h2.End(connection, *pairs, server=True)))
