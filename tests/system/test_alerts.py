# SPDX-License-Identifier: Apache-2.0
"""Alerts to servers that the injector refuses: the alert in our log is sent, and no reset overtakes it (B1, B3, B6)."""
import contextlib

import harness
import peers
from harness import free_port, wait_for

VERSIONS = ("-tls1_2", "-tls1_3")
PROTOCOLS = ("http", "tcp")


class RefusedServers(harness.Case):
    def s_server(self, certificate, version, *options):
        """openssl s_server that tells each message it sends and gets; gives (its port, the process)."""
        port = free_port()
        asks = () if "-no_ask" in options else ("-Verify", "1", "-CAfile", self.pki.ca("root").crt)
        argv = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate.pem, "-msg", "-www", version, *asks]
        return port, self.spawn("s_server", argv, [port])

    def bad_servers(self):
        names = ["DNS:localhost", "IP:127.0.0.1"]
        leaf = self.pki.leaf
        return {"unknown_ca": leaf("alerts-foreign", self.pki.ca("stranger"), san=names),
                "bad_certificate": leaf("alerts-other", san=["DNS:other.example"]),
                "certificate_expired": leaf("alerts-old", san=names, start=-400, days=30),
                "unsupported_certificate": leaf("alerts-client", san=names, eku=("clientAuth",))}

    @staticmethod
    def speak(port):
        """One request, or bytes of one; how the connection ends is the test's business only where it is tcp's."""
        with contextlib.suppress(OSError), peers.connect(port) as app:
            app.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return peers.read_all(app)

    def assert_told(self, server, alert):
        self.assertTrue(wait_for(lambda: f"fatal {alert}" in server.log, f"the alert {alert} at the server", 10))
        self.assertNotIn("reset by peer", server.log)

    def test_the_alert_reaches_the_server(self):
        for alert, certificate in self.bad_servers().items():
            for version in VERSIONS:
                for protocol in PROTOCOLS:
                    with self.subTest(f"{alert} {version} {protocol}"):
                        origin, server = self.s_server(certificate, version)
                        self.speak(self.injector(origin, protocol=protocol))
                        self.assert_told(server, alert)

    def test_a_server_that_never_asks_is_told(self):
        for version in VERSIONS:
            for protocol in PROTOCOLS:
                with self.subTest(f"{version} {protocol}"):
                    origin, server = self.s_server(self.pki.server(), version, "-no_ask")
                    self.speak(self.injector(origin, protocol=protocol))
                    self.assert_told(server, "access_denied")

    def test_a_health_check_tells_it_too(self):
        for version in VERSIONS:
            with self.subTest(version):
                origin, server = self.s_server(self.bad_servers()["unknown_ca"], version)
                self.injector(origin, upstream='health = { interval = "1s"; };')
                self.assert_told(server, "unknown_ca")

    def test_the_log_names_the_alert_that_was_sent(self):
        """The control for all of these: what the server heard is what we say we sent."""
        origin, server = self.s_server(self.bad_servers()["unknown_ca"], "-tls1_3")
        port = self.injector(origin)
        document = self.assert_problem(self.curl(f"http://127.0.0.1:{port}/"), 502, "unknown_ca", "us")
        self.assertEqual("unknown_ca", document["alert"])
        self.assert_told(server, "unknown_ca")


if __name__ == "__main__":
    harness.main()
