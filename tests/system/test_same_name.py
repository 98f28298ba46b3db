# SPDX-License-Identifier: Apache-2.0
"""One common name for the CA, the server and the client: OpenSSL takes their certificates for self-signed. check and the refusals say so."""
import datetime
import subprocess

import certs
import harness
import peers
from certs import oid, sequence
from harness import free_port, wait_for

NAME = [("CN", "localhost")]
SAYS = "the same name stands for it and for its CA"


class SameName(harness.Case):
    def setUp(self):
        super().setUp()
        self.ca = self.pki.ca("same-ca", subject=NAME)
        self.server = self.make("same-server", "serverAuth", certs.extension("2.5.29.17", certs.general_names(["DNS:localhost"])))
        self.client = self.make("same-client", "clientAuth")

    def make(self, stem, purpose, *more):
        """As with "openssl x509 -req" and no extensions of a CA: without key identifiers."""
        now, day, algorithm = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1), sequence(oid("1.2.840.10045.4.3.2"))
        made = certs.Certificate(self.pki.folder, stem, b"", certs.name(NAME), 4711, self.ca)
        self.pki.new_key(made.key, "ec")
        tbs = sequence(certs.tlv(0xA0, certs.integer(2)), certs.integer(made.serial), algorithm, self.ca.subject, sequence(certs.moment(now - day), certs.moment(now + 30 * day)),
                       made.subject, made.spki, certs.tlv(0xA3, sequence(certs.extension("2.5.29.37", sequence(oid(purpose))), *more)))
        made.der = self.pki.sign(tbs, self.ca)
        made.crt.write_text(certs.pem("CERTIFICATE", made.der))
        made.pem.write_text(made.crt.read_text() + made.key.read_text())
        made.pem.chmod(0o600)
        return made

    def test_a_client_that_takes_our_certificate_for_self_signed(self):
        port = self.verifier(free_port(), certificate=self.server, trust=f'ca = "{self.ca.crt}";')
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-CAfile", self.ca.crt, "-verify_return_error",
                               "-cert", self.client.pem, "-key", self.client.key], capture_output=True, timeout=20, input=b"")
        self.assertIn(b"self-signed certificate", done.stdout + done.stderr)
        wait_for(lambda: SAYS in self.mtlsd.log, "the words in the log")
        told = self.command("check", "-c", self.mtlsd.config_path)
        self.assertIn("the same name, CN=localhost, stands for the certificate and for the CA that issued it", " ".join(told.stdout.split()))

    def test_a_server_that_takes_our_certificate_for_self_signed(self):
        target = free_port()
        self.spawn("openssl", ["openssl", "s_server", "-accept", f"127.0.0.1:{target}", "-cert", self.pki.server().crt, "-key", self.pki.server().key,
                               "-CAfile", self.ca.crt, "-Verify", "1", "-verify_return_error", "-www", "-quiet"], [target])
        port = self.injector(f"localhost:{target}", identity=self.client)
        problem = self.curl(f"http://127.0.0.1:{port}/")
        self.assertEqual(502, problem.status)
        self.assertIn(SAYS, problem.text)

    def test_between_two_of_ours_the_name_does_no_harm(self):
        """Paths are built by keys and signatures here."""
        backend = peers.Backend(self)
        port = self.verifier(backend.port, certificate=self.server, trust=f'ca = "{self.ca.crt}";')
        own = free_port()
        self.daemon(self.injector_text(own, f"localhost:{port}", identity=self.client, trust=f'ca = "{self.ca.crt}";'), [own], name="injector")
        self.assertEqual(200, self.curl(f"http://127.0.0.1:{own}/").status)


if __name__ == "__main__":
    harness.main()
