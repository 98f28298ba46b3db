# SPDX-License-Identifier: Apache-2.0
"""Several identities of one upstream: the server's list of CAs chooses, with openssl, nginx and GnuTLS as servers, in both versions, and on resumption."""
import json
import re
import shutil
import subprocess
import unittest

import harness
from harness import free_port


class Several(harness.Case):
    def setUp(self):
        super().setUp()
        self.one, self.two, self.three = (self.pki.ca(f"several-{n}") for n in ("one", "two", "three"))
        self.sub = self.pki.ca("several-sub", issuer=self.two)
        self.clients = {"one": self.pki.leaf("several-client-one", self.one, cn="client-one", eku=("clientAuth",)),
                        "two": self.pki.leaf("several-client-two", self.sub, cn="client-two", eku=("clientAuth",)),
                        "rsa": self.pki.leaf("several-client-rsa", self.one, cn="client-rsa", eku=("clientAuth",), key="2048")}

    def text(self, port, target, names='"one", "two"', tls=""):
        identities = " ".join(f'{name} = {{ bundle = "{c.pem}"; }};' for name, c in self.clients.items() if f'"{name}"' in names)
        return f"""
            identities = {{ {identities} }};
            trusts = {{ them = {{ ca = "{self.pki.ca("root").crt}"; }}; }};
            upstreams = {{ far = {{ targets = [ "localhost:{target}" ]; tls = {{ identities = [ {names} ]; trust = "them"; {tls} }}; }}; }};
            listeners = {{ app = {{ bind = "127.0.0.1:{port}"; upstream = "far"; }}; }};"""

    def several(self, target, **options):
        port = free_port()
        self.mtlsd = self.daemon(self.text(port, target, **options), [port])
        return port

    def get(self, port):
        return self.curl(f"http://127.0.0.1:{port}/")

    def named(self, port):
        """The CN of the client's certificate, as openssl s_server shows it."""
        shown = re.search(r"Subject: .*CN ?= ?(\S+)", self.get(port).text)
        return shown and shown[1]

    def presented(self):
        """As check --connect tells it."""
        told = json.loads(self.command("check", "--connect", "--json", "-c", self.mtlsd.config_path).stdout)
        return next(value for value in told.values() if isinstance(value, list) and value and "handshake_ms" in value[0])[0]["identity"]

    def test_nginx_names_one_ca_or_another(self):
        """Directly above, above an intermediate, both (the first counts), and with resumed sessions."""
        for cas, expected in (([self.one], "client-one"), ([self.two], "client-two"), ([self.two, self.one], "client-one"), ([self.sub, self.two], "client-two")):
            for protocols in ("TLSv1.2", "TLSv1.3"):
                with self.subTest(f"{[c.stem for c in cas]} {protocols}"):
                    ca = self.write("nginx-cas.pem", "".join(c.crt.read_text() for c in cas))
                    target, server = free_port(), self.pki.server()
                    nginx = self.nginx(f"""server {{ listen 127.0.0.1:{target} ssl; ssl_certificate {server.pem}; ssl_certificate_key {server.key};
                        ssl_client_certificate {ca}; ssl_verify_client on; ssl_verify_depth 3; ssl_session_cache shared:S:1m; ssl_protocols {protocols};
                        location / {{ add_header X-Reused $ssl_session_reused; return 200 $ssl_client_s_dn; }} }}""", [target])
                    port = self.several(target, tls='alpn = "http/1.1";')
                    for _ in range(2):
                        answer = self.get(port)
                        self.assertEqual(f"CN={expected},O=Tests", answer.text)
                    nginx.stop()

    def test_a_server_that_names_none_gets_the_first(self):
        target = free_port()
        server = self.pki.server()
        self.spawn("openssl", ["openssl", "s_server", "-accept", f"127.0.0.1:{target}", "-cert", server.crt, "-key", server.key, "-Verify", "3", "-www"], [target])
        port = self.several(target)
        self.assertEqual("client-one", self.named(port))

    def test_openssl_names_the_second(self):
        for version in ("-tls1_2", "-tls1_3"):
            target, server = free_port(), self.pki.server()
            self.spawn("openssl", ["openssl", "s_server", "-accept", f"127.0.0.1:{target}", "-cert", server.crt, "-key", server.key, "-CAfile", self.two.crt,
                                   "-Verify", "3", "-verify_return_error", "-www", version], [target])
            port = self.several(target)
            self.assertEqual("client-two", self.named(port))
            self.assertEqual("two", self.presented())

    def test_the_kind_of_key_counts(self):
        """A server that accepts signatures by RSA keys only, with one CA for both."""
        target, server = free_port(), self.pki.leaf("several-server-rsa", cn="localhost", san=["DNS:localhost"], key="2048")
        self.spawn("openssl", ["openssl", "s_server", "-accept", f"127.0.0.1:{target}", "-cert", server.crt, "-key", server.key, "-CAfile", self.one.crt,
                               "-Verify", "3", "-verify_return_error", "-www", "-client_sigalgs", "RSA-PSS+SHA256"], [target])
        port = self.several(target, names='"one", "rsa"')
        self.assertEqual("client-rsa", self.named(port))

    @unittest.skipUnless(shutil.which("gnutls-serv"), "gnutls-serv is not installed")
    def test_gnutls_names_the_second(self):
        target, server = free_port(), self.pki.server()
        self.spawn("gnutls", ["gnutls-serv", "--http", "--quiet", "-p", target, "--x509certfile", server.crt, "--x509keyfile", server.key, "--x509cafile", self.two.crt,
                              "--require-client-cert", "--verify-client-cert"], [target])
        port = self.several(target)
        self.assertEqual(200, self.get(port).status)
        self.assertEqual("two", self.presented())

    def test_check_looks_at_each_of_them(self):
        """One that is no client's certificate is told; the status names them all."""
        self.clients["server"] = self.pki.leaf("several-server", self.two, eku=("serverAuth",))
        port, admin = free_port(), self.folder / "admin.sock"
        self.mtlsd = self.daemon(f'admin = {{ socket = "unix:{admin}"; }};' + self.text(port, free_port(), names='"one", "server"'), [port], [admin])
        told = self.command("check", "-c", self.mtlsd.config_path).stdout
        self.assertRegex(" ".join(told.split()), 'identity "server" is used as a client but its certificate does not allow that')
        status = self.curl("--unix-socket", admin, "http://localhost/status").json()
        self.assertEqual(["one", "server"], status["upstreams"][0]["identities"])

    def test_a_server_that_names_none_of_ours(self):
        """The refusal tells its CAs, and check --connect too."""
        target = self.origin(ca=self.three)
        port = self.several(target, tls='max_version = "1.2";')
        problem = self.get(port)
        self.assertEqual(400, problem.status, "nginx answers by itself")
        target, server = free_port(), self.pki.server()
        self.spawn("openssl", ["openssl", "s_server", "-accept", f"127.0.0.1:{target}", "-cert", server.crt, "-key", server.key, "-CAfile", self.three.crt,
                               "-Verify", "3", "-verify_return_error", "-www"], [target])
        port = self.several(target)
        problem = self.assert_problem(self.get(port), 502, "our_certificate_refused")
        self.assertIn("it accepts certificates of other CAs: CN=several-three,O=Tests", problem["detail"])
        told = self.command("check", "--connect", "-c", self.mtlsd.config_path)
        self.assertIn("CN=several-three,O=Tests", " ".join(told.stdout.split()))
        self.assertIn('presents "one" or two', told.stdout)


if __name__ == "__main__":
    harness.main()
