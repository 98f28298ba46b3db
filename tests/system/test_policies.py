# SPDX-License-Identifier: Apache-2.0
"""Certificate policies in rules (A16): a policy counts only as far as the CAs of the path confirm it. openssl answers the same questions; what it refuses is
refused here too. Where mtlsd is stricter is listed."""
import datetime
import subprocess
import unittest

import certs
import harness
import peers
from certs import extension, integer, oid, sequence, tlv

ONE, TWO, ANY = "1.2.3.1", "1.2.3.2", "2.5.29.32.0"
STRICTER = {"a leaf with any", "the CA maps it to another", "the CA maps another to it"}


def policies(*numbers):
    return extension("2.5.29.32", sequence(*(sequence(oid(n)) for n in numbers))) if numbers else b""


def mapping(source, target):
    return extension("2.5.29.33", sequence(sequence(oid(source), oid(target))))


def inhibit(n):
    return extension("2.5.29.54", integer(n))


CHAINS = {  # extensions of the CA below the root, of the one below that, and of the leaf
    "all three name it": (policies(ONE), policies(ONE), policies(ONE)),
    "beside another": (policies(ONE, TWO), policies(TWO, ONE), policies(ONE, TWO)),
    "only the leaf names it": (b"", b"", policies(ONE)),
    "the upper CA does not": (policies(TWO), policies(ONE), policies(ONE)),
    "the lower CA does not": (policies(ONE), policies(TWO), policies(ONE)),
    "the leaf does not": (policies(ONE), policies(ONE), policies(TWO)),
    "no CA limits it": (policies(ANY), policies(ANY), policies(ONE)),
    "the upper CA inhibits any in the lower": (policies(ANY) + inhibit(0), policies(ANY), policies(ONE)),
    "the upper CA inhibits any in the leaf": (policies(ANY) + inhibit(1), policies(ANY), policies(ONE)),
    "a leaf with any": (policies(ONE), policies(ONE), policies(ANY)),
    "the CA maps it to another": (policies(ONE) + mapping(ONE, TWO), policies(TWO), policies(TWO)),
    "the CA maps another to it": (policies(ONE, TWO) + mapping(TWO, ONE), policies(ONE), policies(ONE)),
}


class Policies(harness.Case):
    def setUp(self):
        super().setUp()
        self.root = self.pki.ca("root")
        self.key = self.pki.folder / "policies.key"
        self.pki.new_key(self.key, "ec")
        self.spki = certs.spki_of(self.key.read_bytes())

    def make(self, path, subject, issuer, signer, extensions):
        now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
        algorithm = sequence(oid("1.2.840.10045.4.3.2"))
        tbs = sequence(tlv(0xA0, integer(2)), integer(77), algorithm, issuer, sequence(certs.moment(now - day), certs.moment(now + 30 * day)),
                       subject, self.spki, tlv(0xA3, sequence(*extensions)))
        return self.write(path, certs.pem("CERTIFICATE", sequence(tbs, algorithm, certs.bit_string(certs.signature_by(signer, tbs)))))

    def chain(self, stem, upper, lower, leaf):
        """The leaf's file, and one of the two CAs."""
        ca = [extension("2.5.29.19", sequence(tlv(1, b"\xff")), True), extension("2.5.29.15", tlv(3, b"\1\x06"), True)]
        names = [certs.name([("CN", f"{stem} {kind}")]) for kind in ("upper", "lower", "leaf")]
        top = self.make(f"{stem}-upper.pem", names[0], self.root.subject, self.root.key, [*ca, upper])
        middle = self.make(f"{stem}-lower.pem", names[1], names[0], self.key, [*ca, lower])
        end = self.make(f"{stem}-leaf.pem", names[2], names[1], self.key, [extension("2.5.29.37", sequence(oid("clientAuth"))), leaf])
        return end, self.write(f"{stem}-cas.pem", middle.read_text() + top.read_text())

    def openssl_confirms(self, leaf, cas):
        done = subprocess.run(["openssl", "verify", "-purpose", "sslclient", "-policy_check", "-policy", ONE, "-explicit_policy", "-CAfile", self.root.crt,
                               "-untrusted", cas, leaf], capture_output=True, timeout=30)
        return done.returncode == 0

    def we_confirm(self, leaf, cas):
        whole = self.write("whole.pem", leaf.read_text() + cas.read_text())
        self.assertEqual(0, self.command("verify", "--ca", self.root.crt, "--purpose", "client", whole).returncode)
        return self.command("verify", "--ca", self.root.crt, "--purpose", "client", "--allow", f"policy={ONE}", whole).returncode == 0

    def test_a_policy_that_openssl_does_not_confirm_matches_no_rule(self):
        confirmed = 0
        for number, (why, (upper, lower, leaf)) in enumerate(CHAINS.items()):
            with self.subTest(why):
                files = self.chain(f"p{number}", upper, lower, leaf)
                ours, theirs = self.we_confirm(*files), self.openssl_confirms(*files)
                confirmed += ours
                self.assertFalse(ours and not theirs, "we take what openssl refuses")
                self.assertTrue(ours == theirs or why in STRICTER, "we refuse what openssl takes")
        self.assertEqual(4, confirmed)

    def test_a_listener_lets_a_confirmed_policy_in(self):
        """And tells others the reason, in its log and with explain."""
        port = self.verifier(peers.Backend(self).port, listener=f'allow = ( {{ policy = "{ONE}"; }} );')
        for stem, ca_policy, status in (("good", ONE, 200), ("bad", TWO, 403)):
            leaf, cas = self.chain(stem, policies(ANY), policies(ca_policy), policies(ONE))
            bundle = self.write(f"{stem}.pem", leaf.read_text() + cas.read_text() + self.key.read_text())
            got = self.curl("--cacert", self.root.crt, "--cert", bundle, f"https://localhost:{port}/")
            self.assertEqual(status, got.status, stem)
        harness.wait_for(lambda: "does not confirm the policy" in self.mtlsd.log, "the refusal in the log")
        told = self.command("explain", "-c", self.mtlsd.config_path, "--listener", "public", "--request", "GET /", "--cert", self.folder / "bad.pem").stdout
        self.assertIn("policy does not hold (a CA of its chain does not confirm the policy", told)


if __name__ == "__main__":
    unittest.main(verbosity=2)
