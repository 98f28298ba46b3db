# SPDX-License-Identifier: Apache-2.0
"""`mtlsd client` and `mtlsd server` without a configuration file: the manual's example, the equivalent file, and a reload."""
import signal
import socket
import ssl
import subprocess
import unittest

import harness
import peers
from harness import MTLSD, free_port, wait_for


class WithoutFile(harness.Case):
    def make(self, *words):
        done = subprocess.run([MTLSD, "pki", *words], cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def setUp(self):
        super().setUp()
        self.make("init")
        self.make("issue", "web", "--server", "--san", "dns:localhost")
        self.make("issue", "payments", "--client", "--ou", "billing")

    def start(self, *words, port):
        process = self.spawn(words[0], [MTLSD, *words], [port], env=self.environment())
        self.daemons.append(process)
        return process

    def server(self, port, backend, *more):
        return self.start("server", "--listen", f"127.0.0.1:{port}", "--backend", f"127.0.0.1:{backend}", "--bundle", "pki/web.pem",
                          "--ca", "pki/ca.pem", *more, port=port)

    def client(self, port, upstream, *more, bundle="pki/payments.pem"):
        return self.start("client", "--listen", f"127.0.0.1:{port}", "--upstream", f"https://localhost:{upstream}", "--bundle", bundle,
                          "--ca", "pki/ca.pem", *more, port=port)

    def test_the_chain_of_the_manual_page(self):
        backend, inner, outer = peers.Backend(self), free_port(), free_port()
        self.server(inner, backend.port, "--allow", "ou=billing", "--identity-headers", "x-ssl")
        self.client(outer, inner)
        self.assertEqual(200, self.curl(f"http://127.0.0.1:{outer}/").status)
        self.assertEqual(["payments"], backend.requests[0].values("x-ssl-client-cn"))

    def test_a_caller_that_no_rule_allows(self):
        self.make("issue", "other", "--client", "--ou", "sales")
        backend, inner, outer = peers.Backend(self), free_port(), free_port()
        self.server(inner, backend.port, "--allow", "ou=billing")
        self.client(outer, inner, bundle="pki/other.pem")
        self.assertEqual(403, self.curl(f"http://127.0.0.1:{outer}/").status)
        self.assertEqual([], backend.requests)

    def test_a_revoked_caller(self):
        backend, inner, outer = peers.Backend(self), free_port(), free_port()
        self.make("revoke", "payments")
        self.server(inner, backend.port, "--crl", "pki/crl.pem")
        self.client(outer, inner)
        answer = self.curl(f"http://127.0.0.1:{outer}/")
        self.assertEqual((502, "our_certificate_refused", "certificate_revoked"),
                         (answer.status, answer.json()["reason"], answer.json()["alert"]))
        self.assertEqual([], backend.requests)

    def serial(self, port):
        context = ssl.create_default_context(cafile=self.folder / "pki/ca.pem")
        context.load_cert_chain(self.folder / "pki/payments.pem")
        with socket.create_connection(("127.0.0.1", port), 10) as plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
            return tls.getpeercert()["serialNumber"]

    def test_hup_reads_the_certificates_again(self):
        port = free_port()
        server = self.server(port, peers.Backend(self).port)
        before = self.serial(port)
        self.make("issue", "web", "--server", "--san", "dns:localhost", "--force")
        server.signal(signal.SIGHUP)
        wait_for(lambda: self.serial(port) != before, "the new certificate")

    def test_hup_keeps_what_works_when_the_new_is_broken(self):
        port = free_port()
        server = self.server(port, peers.Backend(self).port)
        before = self.serial(port)
        (self.folder / "pki/web.pem").write_text("")
        server.signal(signal.SIGHUP)
        wait_for(lambda: "the old configuration stays in use" in server.log, "the refusal in the log")
        self.assertIn("web.pem", server.log)
        self.assertEqual(before, self.serial(port))

    def test_print_gives_the_file_it_stands_for(self):
        rows = [("client", "--upstream", "https://localhost", "--admin", "unix:/tmp/x.sock", "--log-level", "warn"),
                ("server", "--backend", "127.0.0.1:2", "--allow", "cn=a,ou=b", "--allow", "dns=*.example", "--crl", "pki/crl.pem", "--tcp")]
        for command, *flags in rows:
            with self.subTest(command):
                words = [MTLSD, command, "--listen", "127.0.0.1:1", "--bundle", "pki/web.pem", "--ca", "pki/ca.pem", *flags, "--print"]
                done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual(0, done.returncode, done.stderr)
                self.write("printed.conf", done.stdout)
                checked = subprocess.run([MTLSD, "check", "-c", "printed.conf"], cwd=self.folder, capture_output=True, text=True,
                                         timeout=60, check=False)
                self.assertEqual(0, checked.returncode, checked.stdout)

    def test_plaintext_beyond_loopback_must_be_asked_for(self):
        words = [MTLSD, "client", "--listen", f"0.0.0.0:{free_port()}", "--upstream", "https://localhost:1", "--bundle",
                 "pki/payments.pem", "--ca", "pki/ca.pem"]
        done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(3, done.returncode, done.stderr)
        self.assertIn("accept it with --insecure-expose", done.stderr)


if __name__ == "__main__":
    unittest.main()
