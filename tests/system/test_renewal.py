# SPDX-License-Identifier: Apache-2.0
"""Certificates that mtlsd renews itself: a new key in the key process, tried before it is written, and the old one stays when anything fails."""
import os
import re
import subprocess

import ca_server
import certs
import harness
import test_rotation
from harness import wait_for


class Case(test_rotation.Case):
    KIND = "est"

    def begin(self, before="23h", hours=24, leaf=None, renew="", **options):
        """before: the certificate in use, of ten days, is due at once with 11d."""
        self.ca = ca_server.CaServer(self, **options.pop("server", {}))
        self.block = f'renew = {{ {self.KIND} = "{self.ca.url}"; trust = "them"; before = "{before}"; {renew} }};'
        self.first = leaf or self.pki.leaf(f"renewed-{os.getpid()}-{self.id()}", subject=[("O", "Tests"), ("OU", "apps"), ("CN", "renewed")], days=10,
                                           eku=("clientAuth",), san=["DNS:renewed.tests.example", "URI:spiffe://tests.example/renewed"])
        self.start(first=self.first, **options)

    def injector_text(self, *arguments, **options):
        text = super().injector_text(*arguments, **options)
        return text.replace(f'bundle = "{self.pki.client().pem}";', f'bundle = "{self.pki.client().pem}"; {self.block}')

    def pair(self):
        """The certificate and the public key of the key, as the files hold them."""
        public = certs.openssl("pkey", "-in", self.key, "-pubout")
        return certs.openssl("x509", "-in", self.certificate, "-noout", "-pubkey") == public, public

    def metric(self, result):
        text = self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/metrics").text
        found = re.search(rf'mtlsd_renewals_total{{identity="me",result="{result}"}} (\d+)', text)
        return int(found.group(1)) if found else 0

    def wait_for_renewal(self, number=1):
        wait_for(lambda: self.mtlsd.log.count('identity "me": renewed by') + self.mtlsd.log.count('identity \\"me\\": renewed by') >= number, "the renewal")
        wait_for(lambda: self.serial() == self.ca.issued[-1], "the new certificate in use")


class Est(Case):
    def test_a_certificate_is_renewed_with_a_new_key_before_it_expires(self):
        self.begin(before="11d")
        key = self.key.read_bytes()
        self.wait_for_renewal()
        matches, _ = self.pair()
        self.assertTrue(matches)
        self.assertNotEqual(key, self.key.read_bytes())
        self.assertEqual(0o600, self.key.stat().st_mode & 0o777)
        self.assertEqual([self.first.serial], self.ca.clients[:1], "the certificate in use is presented")
        self.assertEqual("/.well-known/est/simplereenroll", self.ca.requests[0][0].target)
        self.assertEqual([], list(self.mine.glob("*.renewed*")))
        shown = subprocess.run(["openssl", "x509", "-in", self.certificate, "-noout", "-subject", "-ext", "subjectAltName"], capture_output=True, text=True).stdout
        self.assertIn("CN = renewed", shown.replace("CN=", "CN = "))
        self.assertIn("DNS:renewed.tests.example, URI:spiffe://tests.example/renewed", shown)


if __name__ == "__main__":
    harness.main()
