# SPDX-License-Identifier: Apache-2.0
"""`mtlsd check` shows what the daemon would serve, with the dates and fingerprints that OpenSSL reads from the same files."""
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

MTLSD = os.environ["MTLSD"]

CONF = """
identities = { payments = { bundle = "pki/payments.pem"; }; server = { certificate = "rsa.crt"; key = "rsa.key"; }; };
trusts = { partner = { ca = "pki/ca.pem"; }; };
upstreams = { partner = { targets = [ "localhost:8443" ]; tls = { identity = "payments"; trust = "partner"; }; };
              app = { targets = [ "127.0.0.1:9000" ]; }; };
listeners = { local = { bind = [ "127.0.0.1:8080", "[::1]:8080" ]; upstream = "partner"; };
              public = { bind = ":8443"; upstream = "app"; tls = { identity = "server"; trust = "partner"; };
                         allow = ( { cn = "payments"; } ); }; };
"""


class Check(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="check-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        (cls.folder / "a.conf").write_text(CONF)
        (cls.folder / "ext").write_text("subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n")
        for words in ((MTLSD, "pki", "init"), (MTLSD, "pki", "issue", "payments", "--client", "--days", "100"),
                      ("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "rsa.key", "-out", "rsa.csr", "-subj", "/CN=rsa"),
                      ("openssl", "x509", "-req", "-in", "rsa.csr", "-CA", "pki/ca.pem", "-CAkey", "pki/ca.key", "-days", "300",
                       "-extfile", "ext", "-out", "rsa.crt")):
            subprocess.run(words, cwd=cls.folder, check=True, capture_output=True, timeout=60)
        (cls.folder / "rsa.key").chmod(0o600)

    def check(self, *words, code=0):
        done = subprocess.run([MTLSD, "check", *words], cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def openssl(self, name, what):
        done = subprocess.run(["openssl", "x509", "-in", name, "-noout", *what], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip().split("=", 1)[1]

    def test_the_tables_name_everything_that_would_be_served(self):
        text = self.check("-c", "a.conf")
        self.assertRegex(text, r"\npayments +20\d\d-.* (99|100)  ECDSA P-256  CN=payments\n")
        self.assertRegex(text, r"\nserver +20\d\d-.*RSA 2048 +CN=rsa\n")
        self.assertRegex(text, r"\npartner +20\d\d-\S+ +1 +0 +0 +-\n")
        self.assertRegex(text, r"\npartner +localhost:8443 +TLS 1\.2\+, presents \"payments\", verifies with \"partner\"\n")
        self.assertRegex(text, r"\napp +127\.0\.0\.1:9000 +plaintext\n")
        self.assertRegex(text, r"\nlocal +127\.0\.0\.1:8080 +plaintext, http -> partner\n +\[::1\]:8080")
        self.assertRegex(text, r"\npublic +:8443 +TLS.*certificate required, 1 allow rule, http -> app\n")

    def test_says_that_rsa_keys_cost_more(self):
        self.assertRegex(self.check("-c", "a.conf"), r"a\.conf:2: (note|warning): identity \"server\": .*RSA 2048.*ECDSA")

    def test_json_agrees_with_openssl(self):
        answer = json.loads(self.check("-c", "a.conf", "--json"))
        self.assertTrue(answer["ok"])
        payments, server = answer["identities"]
        for identity, name in ((payments, "pki/payments.crt"), (server, "rsa.crt")):
            self.assertEqual(identity["sha256"], self.openssl(name, ["-fingerprint", "-sha256"]).replace(":", "").lower())
            ends = datetime.datetime.strptime(self.openssl(name, ["-enddate"]), "%b %d %H:%M:%S %Y %Z")
            self.assertEqual(identity["not_after"], ends.replace(tzinfo=datetime.timezone.utc).timestamp())
        self.assertEqual([upstream["tls"] for upstream in answer["upstreams"]], [True, False])
        self.assertEqual(answer["listeners"][1]["allow_rules"], 1)
        self.assertEqual(answer["listeners"][0]["bind"], ["127.0.0.1:8080", "[::1]:8080"])

    def test_a_refused_configuration_lists_all_errors_with_their_lines(self):
        (self.folder / "bad.conf").write_text(CONF.replace("pki/payments.pem", "pki/none.pem").replace('ca = "pki/ca.pem"', 'ca = "rsa.crt"'))
        text = self.check("-c", "bad.conf", code=3)
        self.assertRegex(text, r"bad\.conf:2: error: .*none\.pem")
        self.assertRegex(text, r"bad\.conf:3: error: .*rsa\.crt")
        self.assertRegex(text, r"\nbad\.conf: refused, 2 errors")
        answer = json.loads(self.check("-c", "bad.conf", "--json", code=3))
        self.assertFalse(answer["ok"])
        self.assertEqual([finding["level"] for finding in answer["findings"]].count("error"), 2)

    def test_wrong_flags(self):
        for words in (["-c"], ["--confg", "x"], ["-c", "a.conf", "b.conf"], ["-c", "a.conf", "-c", "b.conf"]):
            with self.subTest(words=words):
                self.check(*words, code=2)

    def test_an_answer_that_cannot_be_written_is_not_out_of_memory(self):
        """A long one, of which the first buffer fails already."""
        more = "".join(f'u{i} = {{ targets = [ "127.0.0.1:9000" ]; }}; ' for i in range(50))
        (self.folder / "long.conf").write_text(CONF.replace("upstreams = {", "upstreams = { " + more))
        with open("/dev/full", "wb") as full:
            for words in ((), ("--json",)):
                done = subprocess.run([MTLSD, "check", "-c", "long.conf", *words], cwd=self.folder, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
                                      check=False)
                self.assertEqual((1, "mtlsd: cannot write to standard output\n"), (done.returncode, done.stderr))


if __name__ == "__main__":
    unittest.main()
