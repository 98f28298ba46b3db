# SPDX-License-Identifier: Apache-2.0
"""`mtlsd pki` makes the files it names, and `mtlsd verify` checks them. OpenSSL confirms both."""
import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

MTLSD = os.environ["MTLSD"]


class Pki(unittest.TestCase):
    """A fresh folder per class with a CA and a few certificates."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="pki-"))
        cls.pki = cls.folder / "pki"
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.must("pki", "init", "--dir", cls.pki)
        cls.must("pki", "issue", "web", "--server", "--san", "dns:a.example", "--san", "ip:127.0.0.1", "--san", "ip:::1", "--dir", cls.pki)
        cls.must("pki", "issue", "payments", "--client", "--ou", "billing", "--o", "Example", "--san", "uri:spiffe://x/y", "--dir", cls.pki)

    @classmethod
    def run_it(cls, *words):
        return subprocess.run([MTLSD, *map(str, words)], capture_output=True, text=True, timeout=60, check=False, cwd=cls.folder)

    @classmethod
    def must(cls, *words):
        done = cls.run_it(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def refuses(self, code, pattern, *words):
        """Exits with this code and says this on stderr (or, for a verdict, on stdout)."""
        done = self.run_it(*words)
        self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
        self.assertRegex(done.stdout if code == 4 else done.stderr, pattern)
        return done

    def verify(self, name, *more, purpose="client", ca="ca.pem"):
        return ("verify", "--ca", self.pki / ca, "--purpose", purpose, *more, self.pki / name)

    def openssl(self, *words):
        done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr


class MakesCertificates(Pki):
    def text_of(self, name):
        code, text = self.openssl("x509", "-in", self.pki / name, "-noout", "-text")
        self.assertEqual(code, 0, text)
        return text

    def test_the_ca_is_one_for_openssl(self):
        text = self.text_of("ca.pem")
        self.assertIn("CA:TRUE", text)
        self.assertIn("Certificate Sign, CRL Sign", text)
        self.assertIn("NIST CURVE: P-256", text)

    def test_a_server_certificate_holds_its_names(self):
        text = self.text_of("web.crt")
        self.assertIn("DNS:a.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1", text)
        self.assertIn("TLS Web Server Authentication", text)
        self.assertNotIn("TLS Web Client Authentication", text)
        self.assertIn("CA:FALSE", text)

    def test_a_client_certificate_holds_its_subject(self):
        text = self.text_of("payments.crt")
        self.assertRegex(text, "Subject: O ?= ?Example, OU ?= ?billing, CN ?= ?payments")  # OpenSSL 3.0 writes the spaces, 3.5 does not
        self.assertIn("URI:spiffe://x/y", text)
        self.assertIn("TLS Web Client Authentication", text)

    def test_one_for_both_purposes(self):
        self.must("pki", "issue", "gateway", "--client", "--server", "--san", "dns:g.example", "--dir", self.pki)
        text = self.text_of("gateway.crt")
        self.assertIn("TLS Web Client Authentication", text)
        self.assertIn("TLS Web Server Authentication", text)

    def test_names_as_openssl_writes_them_and_without_a_type(self):
        self.must("pki", "issue", "many", "--server", "--san", "DNS:a.example, IP Address:10.0.0.1", "--san", "b.example,::1,spiffe://td/x", "--dir", self.pki)
        self.assertRegex(self.text_of("many.crt"),
                         r"\n\s+DNS:a.example, IP Address:10.0.0.1, DNS:b.example, IP Address:0:0:0:0:0:0:0:1, URI:spiffe://td/x\n")

    def test_openssl_verifies_the_chain(self):
        for name, purpose in (("web.crt", "sslserver"), ("payments.crt", "sslclient")):
            code, text = self.openssl("verify", "-x509_strict", "-CAfile", self.pki / "ca.pem", "-purpose", purpose, self.pki / name)
            self.assertEqual(code, 0, text)

    def test_the_bundle_is_certificate_and_key(self):
        bundle = (self.pki / "web.pem").read_text()
        self.assertEqual(bundle, (self.pki / "web.crt").read_text() + (self.pki / "web.key").read_text())
        _, of_key = self.openssl("pkey", "-in", self.pki / "web.key", "-pubout")
        _, of_cert = self.openssl("x509", "-in", self.pki / "web.crt", "-pubkey", "-noout")
        self.assertEqual(of_key, of_cert)

    def test_keys_are_readable_by_their_owner_only(self):
        for name in ("ca.key", "web.key", "web.pem"):
            self.assertEqual((self.pki / name).stat().st_mode & 0o777, 0o600, name)
        self.assertEqual((self.pki / "ca.pem").stat().st_mode & 0o777, 0o644)

    def test_nothing_is_overwritten_without_force(self):
        before = (self.pki / "web.pem").read_text()
        self.refuses(3, r"web\.pem: exists already; --force", "pki", "issue", "web", "--client", "--dir", self.pki)
        self.refuses(3, r"ca\.pem: a CA exists already; --force", "pki", "init", "--dir", self.pki)
        self.assertEqual((self.pki / "web.pem").read_text(), before)

    def test_force_makes_a_new_key_under_the_same_name(self):
        self.must("pki", "issue", "again", "--client", "--dir", self.pki)
        before = (self.pki / "again.key").read_text()
        self.must("pki", "issue", "again", "--client", "--force", "--dir", self.pki)
        self.assertNotEqual((self.pki / "again.key").read_text(), before)

    def test_show_lists_what_was_issued(self):
        listed = json.loads(self.must("pki", "show", "--json", "--dir", self.pki))
        serials = [entry["serial"] for entry in listed]
        self.assertEqual(len(serials), len(set(serials)))
        self.assertIn("payments", [entry["name"] for entry in listed])
        self.assertRegex(self.must("pki", "show", "--dir", self.pki), r"1001 +server +good .* web\n")

    def test_two_at_once_get_different_serials(self):
        jobs = [subprocess.Popen([MTLSD, "pki", "issue", f"race{i}", "--client", "--dir", str(self.pki)], stdout=subprocess.DEVNULL)
                for i in range(8)]
        self.assertEqual([job.wait(60) for job in jobs], [0] * 8)
        listed = json.loads(self.must("pki", "show", "--json", "--dir", self.pki))
        racers = {entry["serial"] for entry in listed if entry["name"].startswith("race")}
        self.assertEqual(len(racers), 8)


class MakesRevocationLists(Pki):
    def crl_text(self):
        code, text = self.openssl("crl", "-in", self.pki / "crl.pem", "-noout", "-text", "-CAfile", self.pki / "ca.pem")
        self.assertEqual(code, 0, text)
        self.assertIn("verify OK", text)
        return text

    def test_the_first_one_is_empty_and_signed(self):
        self.must("pki", "init", "--dir", "other")
        code, text = self.openssl("crl", "-in", self.folder / "other/crl.pem", "-noout", "-text", "-CAfile", self.folder / "other/ca.pem")
        self.assertEqual(code, 0)
        self.assertIn("verify OK", text)
        self.assertIn("No Revoked Certificates", text)

    def test_revoked_for_us_and_for_openssl(self):
        for name in ("good", "gone"):
            self.must("pki", "issue", name, "--client", "--dir", self.pki)
        self.must("pki", "revoke", "gone", "--dir", self.pki)
        self.assertIn("Serial Number:", self.crl_text())
        for name, ours, theirs in (("good", 0, 0), ("gone", 4, 2)):
            code, text = self.openssl("verify", "-crl_check", "-CRLfile", self.pki / "crl.pem", "-CAfile", self.pki / "ca.pem",
                                      self.pki / f"{name}.crt")
            self.assertEqual(code, theirs, text)
            done = self.run_it(*self.verify(f"{name}.crt", "--crl", self.pki / "crl.pem"))
            self.assertEqual(done.returncode, ours, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"^status +revoked\n")
        self.assertEqual(self.run_it(*self.verify("gone.crt")).returncode, 0, "without --crl nobody knows")

    def test_the_number_grows(self):
        numbers = []
        for _ in range(2):
            self.must("pki", "crl", "--dir", self.pki)
            numbers.append(int(re.search(r"CRL Number: *\n *(\d+)", self.crl_text()).group(1)))
        self.assertEqual(numbers[1], numbers[0] + 1)

    def test_a_stale_one_refuses_everybody(self):
        self.must("pki", "init", "--dir", "stale")
        self.must("pki", "issue", "x", "--client", "--dir", "stale")
        self.must("pki", "crl", "--stale", "--dir", "stale")
        self.refuses(4, r"^status +crl_stale\n", "verify", "--ca", "stale/ca.pem", "--crl", "stale/crl.pem", "--purpose", "client",
                     "stale/x.crt")

    def test_one_of_another_ca_with_the_same_name_covers_nothing(self):
        self.must("pki", "init", "--dir", "twin")
        done = self.run_it(*self.verify("payments.crt", "--crl", self.folder / "twin/crl.pem"))
        self.assertIn(done.returncode, (3, 4), done.stdout + done.stderr)
        self.assertRegex(done.stdout + done.stderr, r"crl_missing|signed|signature|issue")

    def test_revoke_names_what_it_does_not_know(self):
        self.refuses(3, r"nobody: this CA did not issue it; \"mtlsd pki show", "pki", "revoke", "nobody", "--dir", self.pki)
        self.must("pki", "issue", "twice", "--client", "--dir", self.pki)
        self.must("pki", "revoke", "twice", "--dir", self.pki)
        self.refuses(3, r"twice: is revoked already", "pki", "revoke", "twice", "--dir", self.pki)


class Verifies(Pki):
    """Rows A3, A4, B1: each kind of bad gets its own word, its openssl number and exit code 4."""

    KINDS = {
        # kind: (our status, the number `openssl verify` gives; None where it lets pass what we refuse)
        "expired": ("expired", 10),
        "not-yet-valid": ("not_yet_valid", 9),
        "wrong-purpose": ("wrong_purpose", 26),
        "no-purpose": ("wrong_purpose", 26),
        "any-purpose": ("wrong_purpose", 26),
        "self-signed": ("unknown_ca", 18),
        "unknown-ca": ("unknown_ca", 7),
        "weak": ("weak", None),
        "sha1": ("weak", None),
        "is-ca": ("constraint", None),
    }

    def test_every_kind_of_bad_gets_its_status(self):
        for kind, (status, number) in self.KINDS.items():
            for side in ("client", "server"):
                with self.subTest(kind=kind, side=side):
                    name = f"{kind}-{side}"
                    self.must("pki", "issue", name, f"--{side}", "--san", "dns:a.example", "--bad", kind, "--dir", self.pki)
                    names = ("--name", "a.example") if side == "server" else ()
                    done = self.run_it(*self.verify(f"{name}.pem", "--json", *names, purpose=side))
                    self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
                    answer = json.loads(done.stdout)
                    self.assertEqual(answer["status"], status)
                    self.assertIn(status, answer["problems"])
                    self.assertEqual(answer["chain"][0]["subject"], f"CN={name}")
                    purpose = "sslclient" if side == "client" else "sslserver"
                    _, text = self.openssl("verify", "-CAfile", self.pki / "ca.pem", "-purpose", purpose, self.pki / f"{name}.crt")
                    if number is not None and kind != "any-purpose":
                        self.assertIn(f"error {number} at 0", text)

    def test_a_server_without_san_has_no_name(self):
        self.must("pki", "issue", "nosan", "--server", "--cn", "a.example", "--bad", "no-san", "--dir", self.pki)
        self.refuses(4, r"^status +name_mismatch\n", *self.verify("nosan.crt", "--name", "a.example", purpose="server"))

    def test_names(self):
        for name, code in (("a.example", 0), ("A.Example", 0), ("b.example", 4), ("x.a.example", 4), ("127.0.0.1", 0),
                           ("127.0.0.2", 4), ("::1", 0), ("web", 4)):
            with self.subTest(name=name):
                done = self.run_it(*self.verify("web.crt", "--name", name, purpose="server"))
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                if code == 4:
                    self.assertRegex(done.stdout, r"^status +name_mismatch\n")
                    self.assertIn(name, done.stdout)

    def test_any_one_of_several_names_is_enough(self):
        self.must(*self.verify("web.crt", "--name", "other.example", "--name", "a.example", purpose="server"))
        self.must(*self.verify("payments.crt", "--name", "spiffe://x/y"))
        self.refuses(4, "name_mismatch", *self.verify("payments.crt", "--name", "spiffe://x/z"))

    def test_pins(self):
        """Of the leaf's key or the CA's, as openssl computes them; any other refuses, also a CA's beside the path."""
        def spki(name):
            key = subprocess.run(["openssl", "x509", "-in", self.pki / name, "-pubkey", "-noout"], capture_output=True, check=True).stdout
            der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, capture_output=True, check=True).stdout
            return hashlib.sha256(der)
        leaf, ca, other = spki("payments.crt"), spki("ca.pem"), spki("web.crt")
        base64_of = lambda pin: base64.b64encode(pin.digest()).decode()
        for pins, code in (([leaf.hexdigest()], 0), ([base64_of(ca)], 0), (["sha256//" + base64_of(leaf)], 0), ([other.hexdigest()], 4),
                           ([other.hexdigest(), ca.hexdigest().upper()], 0)):
            with self.subTest(pins=pins):
                done = self.run_it(*self.verify("payments.crt", *(word for pin in pins for word in ("--pin", pin))))
                self.assertEqual(code, done.returncode, done.stdout + done.stderr)
                if code:
                    self.assertRegex(done.stdout, r"^status +constraint\nbecause +certificate .*: neither its key nor")
        for bad in ("ab", "", base64_of(leaf)[:-1], leaf.hexdigest() + "0"):
            self.refuses(2, "--pin", *self.verify("payments.crt", "--pin", bad))

    def test_spiffe_domain(self):
        self.must("pki", "issue", "plain", "--client", "--dir", self.pki)
        self.assertEqual(0, self.run_it(*self.verify("payments.crt", "--spiffe-domain", "x")).returncode)
        for name, domain in (("payments.crt", "y"), ("payments.crt", "x.example"), ("plain.crt", "x")):
            self.refuses(4, r"^status +wrong_trust_domain\nbecause .*SPIFFE", *self.verify(name, "--spiffe-domain", domain))
        for bad in ("X", "spiffe://x", "x/y", "*"):
            self.refuses(2, "--spiffe-domain", *self.verify("payments.crt", "--spiffe-domain", bad))

    def test_another_time(self):
        self.must(*self.verify("web.crt", purpose="server"))
        self.refuses(4, r"^status +expired\n", *self.verify("web.crt", "--at", "2099-01-01", purpose="server"))
        self.refuses(4, r"^status +not_yet_valid\n", *self.verify("web.crt", "--at", "2001-01-01T00:00:00Z", purpose="server"))
        answer = json.loads(self.run_it(*self.verify("web.crt", "--at", "@4070908800", "--json", purpose="server")).stdout)
        self.assertEqual(answer["at"], 4070908800)
        self.assertEqual(answer["status"], "expired")
        answer = json.loads(self.run_it(*self.verify("web.crt", "--at", "2099-01-01T05:30:00.5+05:30", "--json", purpose="server")).stdout)
        self.assertEqual(answer["at"], 4070908800)
        for at in ("tomorrow", "2026-02-30", "2026-01-31T10:00:00", "17"):
            self.refuses(2, "is not a time: write 2026-01-31T23:59:59Z", *self.verify("web.crt", "--at", at, purpose="server"))

    def test_the_wrong_purpose_is_said_in_words(self):
        self.refuses(4, r"^status +wrong_purpose\nbecause .*clientAuth", *self.verify("web.crt", purpose="client"))
        self.refuses(4, r"^status +wrong_purpose\nbecause .*serverAuth", *self.verify("payments.crt", purpose="server"))

    def test_the_sheet_names_everything_a_person_needs(self):
        text = self.must(*self.verify("web.crt", purpose="server"))
        _, fingerprint = self.openssl("x509", "-in", self.pki / "web.crt", "-noout", "-fingerprint", "-sha256")
        self.assertIn(fingerprint.split("=")[1].strip().replace(":", "").lower(), text)
        for words in (r"^status +valid\n", r"\[0\] subject +CN=web\n", r" issuer +CN=mtlsd development CA\n", r" valid +20..-.*Z to 20",
                      r"\nverified +as a server, at 20", r"\ntrust +1 CA, 0 CRLs, 0 revoked\n"):
            self.assertRegex(text, words)

    def test_a_refusal_tells_what_to_do(self):
        text = self.refuses(4, "status", *self.verify("web.crt", "--at", "2099-01-01", purpose="server")).stdout
        self.assertRegex(text, r"problems +expired +.*\n +expired +.*CA: expired .*\n +-> ")

    def test_several_problems_are_all_listed(self):
        self.must("pki", "issue", "both-bad", "--server", "--san", "dns:a.example", "--bad", "expired", "--dir", self.pki)
        answer = json.loads(self.run_it(*self.verify("both-bad.crt", "--json", "--name", "b.example", purpose="client")).stdout)
        self.assertEqual(answer["status"], "expired")
        self.assertEqual(set(answer["problems"]), {"expired", "wrong_purpose", "name_mismatch"})

    def test_each_problem_has_its_sentence_and_the_worst_comes_first(self):
        self.must("pki", "issue", "trouble", "--server", "--bad", "expired", "--san", "dns:a.example", "--dir", self.pki)
        other = self.folder / "strange"
        self.must("pki", "init", "--dir", other)
        answer = json.loads(self.run_it(*self.verify("trouble.crt", "--json"), ).stdout)
        self.assertEqual(["expired", "wrong_purpose"], answer["problems"])
        answer = json.loads(self.run_it("verify", "--ca", other / "ca.pem", "--purpose", "client", "--json", self.pki / "trouble.crt").stdout)
        self.assertEqual([("unknown_ca", 20), ("expired", 10), ("wrong_purpose", 26)],
                         [(f["reason"], f["openssl_error"]) for f in answer["findings"]])
        self.assertRegex(answer["findings"][1]["detail"], r"^certificate CN=trouble: expired 20")
        self.assertEqual({"number": 48, "name": "unknown_ca"}, answer["alert"])
        text = self.run_it("verify", "--ca", other / "ca.pem", "--purpose", "client", self.pki / "trouble.crt").stdout
        self.assertRegex(text, r"sent as +alert unknown_ca \(48\), OpenSSL's number 20\nproblems +unknown_ca .*\n +-> .*\n +expired +certificate CN=trouble")

    MEMBERS = {"status", "title", "detail", "hint", "openssl_error", "alert", "listener", "problems", "findings", "purpose", "at", "names", "chain", "trust"}

    def test_the_members_are_the_same_whatever_the_verdict(self):
        for name in ("payments.crt", "web.crt"):
            self.assertEqual(self.MEMBERS, set(json.loads(self.run_it(*self.verify(name, "--json")).stdout)), name)
        page = (pathlib.Path(__file__).resolve().parents[2] / "packaging/man/mtlsd.1").read_text()
        told = re.search(r"^\.It Li status , .*?^\.El", page, re.S | re.M)[0]
        self.assertEqual(self.MEMBERS, set(" , ".join(re.findall(r"^\.It Li (.*)$", told, re.M)).split(" , ")))

    def test_rules_decide_about_a_valid_certificate_only(self):
        self.must(*self.verify("payments.crt", "--allow", "ou=dev", "--allow", "cn=payments,ou=billing"))
        done = self.refuses(4, r"^status +not_allowed\nbecause +no --allow rule matches: in ou = \"dev\" the key ou does not match",
                            *self.verify("payments.crt", "--allow", "ou=dev", "--allow", "cn=x"))
        self.assertIn("access_denied (49), OpenSSL's number 50", done.stdout)
        self.refuses(4, r"^status +expired", *self.verify("payments.crt", "--allow", "ou=billing", "--at", "2099-01-01"))
        self.refuses(2, "--allow \"xx=1\"", *self.verify("payments.crt", "--allow", "xx=1"))

    def test_missing_and_old_lists_by_policy_and_grace(self):
        self.must("pki", "crl", "--stale", "--dir", self.pki)
        old = self.folder / "old.crl"
        shutil.copy(self.pki / "crl.pem", old)
        self.must("pki", "crl", "--dir", self.pki)
        self.must("pki", "init", "--cn", "Elsewhere CA", "--dir", "elsewhere")
        foreign = self.folder / "elsewhere/crl.pem"
        for why, words, status in (("old", ("--crl", old), "crl_stale"), ("old, within its grace", ("--crl", old, "--crl-grace", "7d"), "valid"),
                                   ("old, beyond its grace", ("--crl", old, "--crl-grace", "1m"), "crl_stale"),
                                   ("old, and not required", ("--crl", old, "--crl-policy", "prefer"), "valid"),
                                   ("another CA's", ("--crl", foreign), "crl_missing"),
                                   ("two files", ("--crl", foreign, "--crl", self.pki / "crl.pem"), "valid"),
                                   ("another CA's, not required", ("--crl", foreign, "--crl-policy", "prefer"), "valid")):
            with self.subTest(why=why):
                done = self.run_it(*self.verify("payments.crt", "--json", *words))
                self.assertEqual(status, json.loads(done.stdout)["status"], done.stdout)

    def test_bounds(self):
        self.refuses(4, r"^status +constraint\nbecause .* 2 certificates and 1 are allowed", *self.verify("payments.crt", "--depth", "1"))
        self.must(*self.verify("payments.crt", "--depth", "2"))

    def test_a_purpose_may_be_absent_where_that_is_said(self):
        """A4. By the flag, and by a trust of a configuration, with a warning at each start; a wrong purpose never passes."""
        conf = self.folder / "purpose.conf"
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.folder / "plain.key",
                     "-out", self.folder / "plain.csr", "-subj", "/CN=plain")
        self.openssl("x509", "-req", "-in", self.folder / "plain.csr", "-CA", self.pki / "ca.pem", "-CAkey", self.pki / "ca.key", "-set_serial", "7007",
                     "-days", "30", "-out", self.pki / "p-plain.crt") # as in most instructions: version 1, no extension at all
        for kind, code in (("plain", 0), ("no-purpose", 4), ("wrong-purpose", 4), ("any-purpose", 4)):
            with self.subTest(kind=kind):
                if kind != "plain":
                    self.must("pki", "issue", f"p-{kind}", "--client", "--bad", kind, "--dir", self.pki)
                self.refuses(4, r"^status +wrong_purpose\n", *self.verify(f"p-{kind}.crt"))
                self.assertEqual(code, self.run_it(*self.verify(f"p-{kind}.crt", "--insecure-no-purpose")).returncode)
                for said, expected in (("", 4), ("insecure_no_purpose = true;", code)):
                    conf.write_text(f"""identities = {{ s = {{ bundle = "pki/web.pem"; }}; }}; trusts = {{ c = {{ ca = "pki/ca.pem"; {said} }}; }};
                        upstreams = {{ app = {{ targets = [ "127.0.0.1:9" ]; }}; }};
                        listeners = {{ l = {{ bind = "127.0.0.1:1"; upstream = "app"; tls = {{ identity = "s"; trust = "c"; }}; }}; }};""")
                    self.assertEqual(expected, self.run_it("verify", "-c", conf, self.pki / f"p-{kind}.crt").returncode, said)
        self.assertRegex(self.must("check", "-c", conf), r"warning: trusts.c.insecure_no_purpose: certificates of these CAs without extendedKeyUsage are accepted")

    def test_a_listener_of_a_configuration(self):
        self.must("pki", "issue", "late", "--client", "--bad", "expired", "--dir", self.pki)
        conf = self.folder / "listener.conf"
        listener = """%s = { bind = "127.0.0.1:%d"; tls = { identity = "s"; trust = "c"; %s }; %s };"""
        conf.write_text("""identities = { s = { bundle = "pki/web.pem"; }; }; trusts = { c = { ca = "pki/ca.pem"; }; };
            upstreams = { app = { targets = [ "127.0.0.1:9" ]; }; }; listeners = { %s };""" % "".join((
            listener % ("plain", 1, "", 'upstream = "app";'), listener % ("dev", 2, "", 'upstream = "app"; allow = ( { ou = "dev"; } );'),
            listener % ("bytes", 3, "", 'upstream = "app"; protocol = "tcp"; allow = ( { ou = "dev"; } );'),
            listener % ("kind", 4, 'tolerate = "all";', 'routes = ( { cert = "error"; respond = 403; }, { upstream = "app"; } );'),
            'open = { bind = "127.0.0.1:5"; upstream = "app"; };')))
        for name, certificate, code, status, says, lets_in in (
                ("plain", "payments", 0, "valid", r"listener +plain at .*listener.conf:2: lets it in\n", True),
                ("plain", "late", 4, "expired", r"sent as +alert certificate_expired \(45\).*\nlistener +plain at .*: refuses the handshake\n", False),
                ("dev", "payments", 4, "not_allowed", r"sent as +HTTP 403.*\nlistener +dev at .*: answers each request with 403\n", False),
                ("bytes", "payments", 4, "not_allowed", r"alert access_denied .*\nlistener +bytes .*: refuses the handshake\n", False),
                ("kind", "late", 4, "expired", r"listener +kind at .*: lets it in \(tolerate\)", True)):
            with self.subTest(listener=name, certificate=certificate):
                words = ("verify", "-c", conf, "--listener", name, self.pki / f"{certificate}.crt")
                done = self.run_it(*words)
                self.assertEqual(code, done.returncode, done.stdout + done.stderr)
                self.assertRegex(done.stdout, says)
                answer = json.loads(self.run_it(*words, "--json").stdout)
                self.assertEqual((status, lets_in), (answer["status"], answer["listener"]["lets_in"]))
        chain = self.pki / "payments.crt"
        self.refuses(2, r"several listeners match: name one with --listener: plain, dev", "verify", "-c", conf, chain)
        self.refuses(2, r"no listener", "verify", "-c", conf, "--listener", "plan", chain)
        self.refuses(2, r"listener open: plaintext, no certificate is requested", "verify", "-c", conf, "--listener", "open", chain)
        self.refuses(3, r"nosuch.conf", "verify", "-c", "nosuch.conf", chain)

    def test_a_ca_of_the_same_name_with_another_key(self):
        self.must("pki", "init", "--dir", "impostor")
        self.must("pki", "issue", "payments", "--client", "--dir", "impostor")
        self.refuses(4, r"^status +unknown_ca\n", "verify", "--ca", self.pki / "ca.pem", "--purpose", "client", "impostor/payments.crt")
        both = self.folder / "both.pem"
        both.write_text((self.folder / "impostor/ca.pem").read_text() + (self.pki / "ca.pem").read_text())
        for leaf in (self.pki / "payments.crt", "impostor/payments.crt"):
            self.must("verify", "--ca", both, "--purpose", "client", leaf)

    def test_a_leaf_with_the_name_of_its_ca(self):
        self.must("pki", "issue", "namesake", "--client", "--cn", "mtlsd development CA", "--dir", self.pki)
        done = self.run_it(*self.verify("namesake.crt"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.must("pki", "issue", "namesake2", "--client", "--cn", "mtlsd development CA", "--bad", "self-signed", "--dir", self.pki)
        self.refuses(4, r"^status +unknown_ca\n", *self.verify("namesake2.crt"))

    def test_our_own_certificate_given_as_the_ca(self):
        self.refuses(3, r"web\.crt.*CA", *self.verify("payments.crt", ca="web.crt"))

    def test_a_folder_of_cas(self):
        cas = self.folder / "cas"
        cas.mkdir()
        (cas / "README").write_text("not a certificate, and not read as one\n")
        self.refuses(3, r"no file that ends in \.pem, \.crt or \.cer", "verify", "--ca", cas, "--purpose", "client", self.pki / "payments.crt")
        shutil.copy(self.pki / "ca.pem", cas / "one.pem")
        self.must("verify", "--ca", cas, "--purpose", "client", self.pki / "payments.crt")

    def test_a_pipe_as_the_chain(self):
        done = subprocess.run([MTLSD, "verify", "--ca", str(self.pki / "ca.pem"), "--purpose", "client", "/dev/stdin"],
                              input=(self.pki / "payments.crt").read_text(), capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_hostile_names_reach_no_terminal_raw(self):
        self.must("pki", "issue", "esc", "--client", "--cn", "a\x1b[2J\r\nstatus     valid", "--bad", "expired", "--dir", self.pki)
        done = self.refuses(4, r"^status +expired\n", *self.verify("esc.crt"))
        self.assertNotIn("\x1b", done.stdout)
        self.assertNotRegex(done.stdout, r"\nstatus +valid")


class RefusesFiles(Pki):
    """Row A3: nothing that is missing, empty or half-parsed is ever taken as less."""

    def test_files_that_cannot_be_used(self):
        good = (self.pki / "ca.pem").read_text()
        cut = good[: len(good) // 2]
        rows = [
            ("absent", None, r"cannot open: No such file"),
            ("empty", b"", r"empty"),
            ("text", b"hello\n", r"text"),
            ("cut", cut.encode(), r"cut"),
            ("second-broken", (good + good.replace("M", "*", 3)).encode(), r"second-broken"),
            ("key-only", (self.pki / "web.key").read_bytes(), r"key-only"),
        ]
        for name, content, says in rows:
            path = self.folder / name
            if content is not None:
                path.write_bytes(content)
            with self.subTest(name=name, at="--ca"):
                done = self.refuses(3, says, "verify", "--ca", path, "--purpose", "client", self.pki / "payments.crt")
                self.assertIn(name, done.stderr)
                self.assertEqual(done.stdout, "")
            with self.subTest(name=name, at="chain"):
                done = self.refuses(3, says, "verify", "--ca", self.pki / "ca.pem", "--purpose", "client", path)
                self.assertIn(name, done.stderr)
            with self.subTest(name=name, at="--crl"):
                done = self.refuses(3, name, "verify", "--ca", self.pki / "ca.pem", "--crl", path, "--purpose", "client",
                                    self.pki / "payments.crt")
                self.assertIn(name, done.stderr)

    def test_windows_line_ends_are_fine(self):
        path = self.folder / "crlf.pem"
        path.write_bytes((self.pki / "ca.pem").read_bytes().replace(b"\n", b"\r\n"))
        self.must("verify", "--ca", path, "--purpose", "client", self.pki / "payments.crt")

    def test_a_folder_as_the_chain(self):
        self.refuses(3, "is a folder, a file is needed", "verify", "--ca", self.pki / "ca.pem", "--purpose", "client", self.folder)

    @unittest.skipIf(os.geteuid() == 0 and not shutil.which("setpriv"), "needs another user than root")
    def test_an_unreadable_file(self):
        path = self.folder / "secret.pem"
        shutil.copy(self.pki / "ca.pem", path)
        path.chmod(0)
        self.folder.chmod(0o755)
        words = [MTLSD, "verify", "--ca", str(path), "--purpose", "client", str(path)]
        if os.geteuid() == 0:
            binary = self.folder / "mtlsd"
            shutil.copy(MTLSD, binary)
            words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(binary)] + words[1:]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd="/")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("secret.pem: cannot open: Permission denied", done.stderr)

    def test_a_pki_folder_that_is_none(self):
        self.refuses(3, r"nowhere: no such folder; create a CA in it with: mtlsd pki init --dir nowhere", "pki", "show", "--dir",
                     "nowhere")
        (self.folder / "bare").mkdir()
        self.refuses(3, r"bare/ca\.pem: no CA in this folder", "pki", "issue", "x", "--client", "--dir", "bare")

    def test_a_broken_index(self):
        self.must("pki", "init", "--dir", "broken")
        (self.folder / "broken/index.txt").write_text("rubbish\n")
        self.refuses(3, r"index\.txt: line 1 is not an entry", "pki", "issue", "x", "--client", "--dir", "broken")

    def test_a_ca_key_that_is_not_the_cas(self):
        self.must("pki", "init", "--dir", "mixed")
        shutil.copy(self.pki / "ca.key", self.folder / "mixed/ca.key")
        self.refuses(3, r"key.*(not|match)", "pki", "issue", "x", "--client", "--dir", "mixed")

    def test_a_folder_that_cannot_be_written(self):
        (self.folder / "file").write_text("")
        self.refuses(1, r"file", "pki", "init", "--dir", "file/below")


class RefusesCommandLines(Pki):
    ROWS = [
        (["pki"], 2, r"usage: mtlsd pki COMMAND"),
        (["pki", "isue"], 2, r"unknown command \"isue\", did you mean \"issue\"\?"),
        (["verfy"], 2, r"unknown command \"verfy\", did you mean \"verify\"\?"),
        (["frobnicate"], 2, r"unknown command \"frobnicate\"; \"mtlsd --help\" lists them"),
        ([], 2, r"usage: mtlsd COMMAND"),
        (["verify"], 2, r"CHAIN\.pem is missing"),
        (["verify", "y"], 2, r"--ca FILE is missing \(or --config FILE --listener NAME"),
        (["verify", "--ca", "x", "y"], 2, r"--purpose client\|server is missing"),
        (["verify", "--ca", "x", "-c", "z", "y"], 2, r"all rules are those of the listener"),
        (["verify", "--listener", "a", "--allow", "cn=x", "y"], 2, r"all rules are those of the listener"),
        (["verify", "--ca", "x", "--purpose", "client", "--crl-grace", "1d", "y"], 2, r"need a --crl"),
        (["verify", "--ca", "x", "--purpose", "client", "--crl", "z", "--crl-policy", "soft", "y"], 2, r"require or prefer, not \"soft\""),
        (["verify", "--ca", "x", "--purpose", "client", "--crl", "z", "--crl-grace", "3 dys", "y"], 2, r"--crl-grace: .*not a duration"),
        (["verify", "--ca", "x", "--purpose", "client", "--depth", "99", "y"], 2, r"--depth is at most 16"),
        (["verify", "--ca", "x", "--purpose", "client", "--min-rsa-bits", "1024", "y"], 2, r"--min-rsa-bits is from 2048 to 16384"),
        (["verify", "--ca", "x", "--purpose", "client"], 2, r"CHAIN\.pem is missing"),
        (["verify", "--ca", "x", "--purpose", "clinet", "y"], 2, r"--purpose is client or server, not \"clinet\""),
        (["verify", "--ca", "x", "--purpos", "client", "y"], 2, r"unknown flag \"--purpos\", did you mean --purpose\?"),
        (["verify", "--ca", "x", "--purpose", "client", "y", "z"], 2, r"unexpected word \"z\""),
        (["pki", "issue", "x", "--dir", "pki"], 2, r"give --client, --server or both"),
        (["pki", "issue", "x", "--server", "--dir", "pki"], 2, r"a server certificate needs names, as in --san"),
        (["pki", "issue", "x", "--client", "--bad", "expird", "--dir", "pki"], 2, r"no such kind, did you mean expired\?"),
        (["pki", "issue", "x", "--client", "--bad", "zzz", "--dir", "pki"], 2, r"no such kind; there are good, expired"),
        (["pki", "issue", "x", "--client", "--days", "0", "--dir", "pki"], 2, r"--days must be between 1 and 36500"),
        (["pki", "issue", "x", "--client", "--days", "99999999", "--dir", "pki"], 2, r"--days must be between 1 and 36500"),
        (["pki", "issue", "x", "--client", "--san", "rid:1.2", "--dir", "pki"], 2, r"\"rid:1.2\" is not a name: write dns:HOST"),
        (["pki", "issue", "x", "--client", "--san", "https://a.example/", "--dir", "pki"], 2, r"is a URL: clients look for its host, write dns:a\.example"),
        (["pki", "issue", "../x", "--client", "--dir", "pki"], 2, r"cannot be the name: it becomes a file name"),
        (["pki", "issue", "ca", "--client", "--dir", "pki"], 2, r"cannot be the name"),
    ]

    def test_each_wrong_line_says_what_is_wrong(self):
        for words, code, says in self.ROWS:
            with self.subTest(words=words):
                self.refuses(code, says, *words)

    def test_help_is_fine_everywhere(self):
        for words in (["--help"], ["pki", "--help"], ["pki", "issue", "--help"], ["verify", "--help"], ["verify", "-h"]):
            text = self.must(*words)
            self.assertRegex(text, r"^usage: mtlsd")
        for kind in Verifies.KINDS:
            self.assertIn(kind, self.must("pki", "issue", "--help"))

    def test_version_names_the_libraries(self):
        text = self.must("--version")
        self.assertRegex(text, r"^mtlsd \d+\.\d+\.\d+\n")
        for library in ("GnuTLS", "libuv", "libcurl", "llhttp", "nghttp2", "libconfig", "jansson"):
            self.assertRegex(text, rf"\n  {library} +\d+\.\d+")
        self.assertRegex(text, r"\n  groups +(X25519MLKEM768, X25519|X25519 \(no X25519MLKEM768 in this GnuTLS\))\n")

    def test_a_full_disk_is_told(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([MTLSD, "--version"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write to standard output", done.stderr)


if __name__ == "__main__":
    unittest.main()
