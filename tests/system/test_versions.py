# SPDX-License-Identifier: Apache-2.0
"""min_version and max_version on both ends, against nginx and curl, with HTTP/1.1 and HTTP/2."""
import harness
import peers


class Versions(harness.Case):
    def test_an_injector_speaks_no_higher_version(self):
        """To a server that could, and with each version of HTTP."""
        target, server = harness.free_port(), self.pki.server()
        self.nginx(f"""server {{ listen 127.0.0.1:{target} ssl http2; ssl_certificate {server.pem}; ssl_certificate_key {server.key};
            ssl_client_certificate {self.pki.ca("root").crt}; ssl_verify_client on; ssl_protocols TLSv1.2 TLSv1.3;
            location / {{ return 200 $ssl_protocol|$server_protocol; }} }}""", [target])
        for tls, expected in (("", "TLSv1.3|HTTP/2.0"), ('max_version = "1.2";', "TLSv1.2|HTTP/2.0"), ('max_version = "1.2"; alpn = "http/1.1";', "TLSv1.2|HTTP/1.1")):
            port = self.injector(f"localhost:{target}", tls=tls)
            self.assertEqual(expected, self.curl(f"http://127.0.0.1:{port}/").text)
            self.assertEqual(expected, self.curl(f"http://127.0.0.1:{port}/").text, "on a kept connection")

    def test_a_server_of_another_version_is_refused(self):
        for protocols, tls in (("TLSv1.3", 'max_version = "1.2";'), ("TLSv1.2", 'min_version = "1.3";')):
            target = self.origin(protocols=protocols)
            port = self.injector(f"localhost:{target}", tls=tls)
            self.assert_problem(self.curl(f"http://127.0.0.1:{port}/"), 502, "tls_failed")

    def test_a_listener_speaks_no_higher_version(self):
        """By server name too, where the library chooses the version before the policy is chosen."""
        backend, server = peers.Backend(self), self.pki.server()
        for tls in ('max_version = "1.2";', f'max_version = "1.2"; identities = ( {{ identity = "me"; hosts = "localhost"; }} );'):
            port = self.verifier(backend.port, tls=tls) if "identities" not in tls else self.by_name(backend.port, tls)
            for version, most, exit in (("--tlsv1.2", "1.3", 0), ("--tlsv1.2", "1.2", 0), ("--tlsv1.3", "1.3", 35)):
                answer = self.curl_tls(port, version, "--tls-max", most, "-v")
                self.assertEqual(exit, answer.exit, (tls, version, answer.error[-300:]))
                if exit == 0:
                    self.assertRegex(answer.error, r"SSL connection using TLSv1\.2")
                    self.assertIn("using HTTP/2", answer.error)
            self.assertIn("TLS 1.2 only", self.command("check", "-c", self.mtlsd.config_path).stdout)

    def by_name(self, backend, tls):
        port = harness.free_port()
        self.mtlsd = self.daemon(self.verifier_text(port, backend, tls=tls).replace('identity = "me"; trust', "trust", 1), [port])
        return port


if __name__ == "__main__":
    harness.main()
