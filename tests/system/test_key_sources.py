# SPDX-License-Identifier: Apache-2.0
"""Identities from wherever they come: a request goes through an injector and a verifier with the key of each source. Files of OpenSSL, GnuTLS and Java.
What cannot be used is refused with what to do, and a file that asks for billions of rounds costs no time."""
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import certs
import harness
import peers
from certs import openssl
from harness import free_port, wait_for

PASSPHRASE, ACCENTED = "correct horse", "Grüße aus €uropa"


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.leaf = self.pki.leaf("sources", self.pki.ca("root"), cn="sources", san=["DNS:localhost"], eku=("serverAuth", "clientAuth"))
        self.secret("pass", PASSPHRASE + "\n")
        self.secret("accented", ACCENTED)
        shutil.copy(self.leaf.crt, self.folder / "me.crt")

    def secret(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o600)
        return path

    def made(self, name, tool, *arguments):
        """The name of a file that a program makes."""
        done = subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, cwd=self.folder, timeout=60)
        self.assertEqual(0, done.returncode, done.stderr)
        (self.folder / name).chmod(0o600)
        return name

    def pkcs12(self, name, *options, leaf=None, passphrase="pass"):
        leaf = leaf or self.leaf
        return self.made(name, "openssl", "pkcs12", "-export", "-inkey", leaf.key, "-in", leaf.crt, "-certfile", self.pki.ca("root").crt,
                         "-passout", f"file:{passphrase}", "-out", name, *options)

    def text(self, identities, ports=None, back=9):
        """One injector and one verifier for each identity. ports: (injector, verifier) by name; a verifier without needs none."""
        listeners, upstreams = [], []
        for name in identities:
            outside, inside = ports[name] if ports else (free_port(), free_port())
            upstreams.append(f'to-{name} = {{ targets = [ "localhost:{inside}" ]; tls = {{ identity = "{name}"; trust = "all"; }}; }};')
            listeners.append(f'in-{name} = {{ bind = "127.0.0.1:{inside}"; upstream = "app"; tls = {{ identity = "{name}"; trust = "all"; }}; }};')
            listeners.append(f'out-{name} = {{ bind = "127.0.0.1:{outside}"; upstream = "to-{name}"; }};')
        rows = " ".join(f"{name} = {{ {keys} }};" for name, keys in identities.items())
        return f"""admin = {{ socket = "unix:{self.folder}/admin.sock"; }};
            identities = {{ {rows} }};
            trusts = {{ all = {{ ca = "{self.pki.ca("root").crt}"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{back}" ]; }}; {" ".join(upstreams)} }};
            listeners = {{ {" ".join(listeners)} }};"""

    def start(self, identities):
        back = peers.Backend(self, lambda r: peers.reply(b"fine"))
        self.ports = {name: (free_port(), free_port()) for name in identities}
        self.mtlsd = self.daemon(self.text(identities, self.ports, back.port), [p for pair in self.ports.values() for p in pair])

    def get(self, name):
        return self.curl(f"http://127.0.0.1:{self.ports[name][0]}/")

    def serial(self, name):
        """Of the certificate that the verifier presents."""
        shown = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{self.ports[name][1]}"], input="", capture_output=True, text=True, timeout=20).stdout
        return int(openssl("x509", "-noout", "-serial", data=shown.encode()).decode().strip().split("=")[1], 16)


class Sources(Case):
    def rows(self):
        key, crt, ca = self.leaf.key, self.leaf.crt, self.pki.ca("root").crt
        encrypted = 'certificate = "me.crt"; passphrase_file = "pass"; key = "%s";'
        packed = 'passphrase_file = "pass"; pkcs12 = "%s";'
        rows = {
            "pbes2": encrypted % self.made("aes.key", "openssl", "pkcs8", "-topk8", "-in", key, "-v2", "aes256", "-passout", "file:pass", "-out", "aes.key"),
            "traditional": encrypted % self.made("ec.key", "openssl", "ec", "-in", key, "-aes128", "-passout", "file:pass", "-out", "ec.key"),
            "gnutls-key": encrypted % self.made("p8.key", "certtool", "--to-p8", "--load-privkey", key, "--password", PASSPHRASE, "--pkcs-cipher", "aes-256",
                                                "--outfile", "p8.key"),
            "openssl-p12": packed % self.pkcs12("new.p12"),
            "old-p12": packed % self.pkcs12("old.p12", "-legacy"),
            "p12-with-more-rounds": packed % self.pkcs12("rounds.p12", "-iter", "300000"),
            "accented-p12": 'pkcs12 = "accented.p12"; passphrase_file = "accented";',
            "gnutls-p12": packed % self.made("gnutls.p12", "certtool", "--to-p12", "--load-privkey", key, "--load-certificate", crt, "--load-ca-certificate", ca,
                                             "--password", PASSPHRASE, "--p12-name", "me", "--outder", "--outfile", "gnutls.p12"),
            "empty-p12": 'pkcs12 = "empty.p12";',
            "credential": 'bundle = "credential:web.pem";',
            "env": 'bundle = "env:WEB_PEM";',
            "env-apart": 'certificate = "env:WEB_CRT"; key = "env:WEB_KEY"; passphrase_file = "env:WEB_PASS";',
        }
        self.pkcs12("accented.p12", passphrase="accented")
        self.made("empty.p12", "openssl", "pkcs12", "-export", "-inkey", key, "-in", crt, "-passout", "pass:", "-out", "empty.p12")
        self.secret("web.pem", crt.read_text() + key.read_text())
        if shutil.which("keytool"):
            java = ("-J-XX:TieredStopAtLevel=1", "-J-Xshare:auto")
            rows["java-p12"] = packed % self.made("java.p12", "keytool", *java, "-importkeystore", "-noprompt", "-srckeystore", "new.p12", "-srcstoretype", "PKCS12",
                                                  "-srcstorepass", PASSPHRASE, "-destkeystore", "java.p12", "-deststoretype", "PKCS12", "-deststorepass", PASSPHRASE)
        return rows

    def environment(self):
        key = self.folder / "aes.key"
        return dict(super().environment(), CREDENTIALS_DIRECTORY=str(self.folder), WEB_PEM=self.leaf.crt.read_text() + self.leaf.key.read_text(),
                    WEB_CRT=self.leaf.crt.read_text(), WEB_KEY=key.read_text() if key.exists() else "", WEB_PASS=PASSPHRASE)

    def test_a_request_passes_with_each_source_also_after_a_reload(self):
        rows = self.rows()
        self.start(rows)
        checked = self.command("check", "-c", self.mtlsd.config_path)
        self.assertEqual(0, checked.returncode, checked.stdout + checked.stderr)
        for _ in range(2):
            for name in rows:
                with self.subTest(name):
                    self.assertEqual("fine", self.get(name).text)
            done = self.command("reload", "-c", self.mtlsd.config_path)
            self.assertEqual(0, done.returncode, done.stderr)
        told = json.loads(self.command("status", "--json", "-c", self.mtlsd.config_path).stdout)
        self.assertEqual({(name, self.leaf.sha256) for name in rows}, {(row["name"], row["sha256"]) for row in told["identities"]})
        for secret in (PASSPHRASE, ACCENTED):
            self.assertNotIn(secret, self.mtlsd.log)

    def test_what_pki_export_writes_is_read(self):
        self.assertEqual(0, self.command("pki", "init", "--dir", "pki").returncode)
        self.assertEqual(0, self.command("pki", "issue", "web", "--client", "--dir", "pki").returncode)
        done = self.command("pki", "export", "web", "--dir", "pki", "--passphrase-file", "pass")
        self.assertEqual(0, done.returncode, done.stderr)
        path = self.config(self.text({"me": 'pkcs12 = "pki/web.p12"; passphrase_file = "pass";'}))
        checked = self.command("check", "-c", path)
        self.assertIn("CN=web", checked.stdout, checked.stderr)


class Watch(Case):
    def test_a_renewed_file_and_its_passphrase_are_used_without_a_signal(self):
        fresh = self.pki.leaf("sources-fresh", self.pki.ca("root"), cn="sources", san=["DNS:localhost"], eku=("serverAuth", "clientAuth"))
        self.pkcs12("me.p12")
        self.start({"me": 'pkcs12 = "me.p12"; passphrase_file = "pass";'})
        self.assertEqual(self.leaf.serial, self.serial("me"))
        self.secret("other", "another passphrase\n")
        self.pkcs12("fresh.p12", leaf=fresh, passphrase="other")
        os.replace(self.folder / "fresh.p12", self.folder / "me.p12")
        wait_for(lambda: "me.p12: the passphrase is wrong" in self.mtlsd.log, "a refusal")
        self.assertEqual(self.leaf.serial, self.serial("me"))
        os.replace(self.folder / "other", self.folder / "pass")
        wait_for(lambda: self.serial("me") == fresh.serial, "the new certificate")
        self.assertEqual("fine", self.get("me").text)
        self.assertNotIn("another passphrase", self.mtlsd.log)


@unittest.skipUnless(shutil.which("softhsm2-util") and shutil.which("p11tool"), "without softhsm2 and p11tool")
class TokenCase(Case):
    """A key in SoftHSM. p11-kit knows the module from the package."""
    PIN = "135246"

    def setUp(self):
        super().setUp()
        (self.folder / "tokens").mkdir()
        self.write("softhsm.conf", f"directories.tokendir = {self.folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.secret("pin", self.PIN + "\n")
        self.run_tool("softhsm2-util", "--init-token", "--free", "--label", "web", "--so-pin", "2468", "--pin", self.PIN)
        self.store(self.leaf, "shop", "01")

    def environment(self):
        return dict(super().environment(), SOFTHSM2_CONF=f"{self.folder}/softhsm.conf")

    def run_tool(self, *words):
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, env=self.environment(), timeout=60)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def store(self, leaf, label, number, token="web"):
        plain = self.secret("plain.key", openssl("pkcs8", "-topk8", "-nocrypt", "-in", leaf.key))
        self.run_tool("softhsm2-util", "--import", plain, "--token", token, "--label", label, "--id", number, "--pin", self.PIN)
        self.run_tool("p11tool", "--login", "--set-pin", self.PIN, "--write", "--load-certificate", leaf.crt, "--label", label, "--id", number, f"pkcs11:token={token}")
        plain.unlink()


class Token(TokenCase):
    def test_a_request_passes_with_a_key_in_a_token_also_after_reloads(self):
        rsa = self.pki.leaf("sources-rsa", self.pki.ca("root"), cn="sources", san=["DNS:localhost"], eku=("serverAuth", "clientAuth"), key="2048")
        self.store(rsa, "rsa", "02")
        self.start({"both": 'key = "pkcs11:token=web;object=shop"; certificate = "pkcs11:token=web;object=shop"; pin_file = "pin";',
                    "key": 'key = "pkcs11:token=web;object=shop"; certificate = "me.crt"; pin_file = "pin";',
                    "rsa": 'key = "pkcs11:token=web;object=rsa"; certificate = "pkcs11:token=web;object=rsa"; pin_file = "pin";'})
        for _ in range(3):
            for name, leaf in (("both", self.leaf), ("key", self.leaf), ("rsa", rsa)):
                self.assertEqual("fine", self.get(name).text, name)
                self.assertEqual(leaf.serial, self.serial(name))
                shown = subprocess.run(["openssl", "s_client", "-tls1_2", "-connect", f"localhost:{self.ports[name][1]}"], input="", capture_output=True, text=True)
                self.assertIn("Cipher is ECDHE", shown.stdout)
            done = self.command("reload", "-c", self.mtlsd.config_path)
            self.assertEqual(0, done.returncode, done.stderr)
        self.assertNotIn(self.PIN, self.mtlsd.log)

    def test_status_and_the_log_tell_why_the_key_process_has_no_sandbox(self):
        self.start({"me": 'key = "pkcs11:token=web;object=shop"; certificate = "me.crt"; pin_file = "pin";'})
        why = "a pkcs11: key is configured, and modules open files and devices of their own"
        told = json.loads(self.command("status", "--json", "-c", self.mtlsd.config_path).stdout)
        self.assertEqual({"on": True, "landlock": 0, "seccomp": False, "why": why}, told["keys"]["sandbox"])
        self.assertNotEqual(why, told["sandbox"]["why"])
        self.assertIn(f"\n  of keys     not in force: {why}\n", self.command("status", "-c", self.mtlsd.config_path).stdout)
        self.assertIn(f"not all of it is in force in the key process: {why}", self.mtlsd.log)

    def test_a_wrong_pin_is_tried_once_whatever_is_reloaded(self):
        """In a second token: the process stays logged in to the first."""
        self.run_tool("softhsm2-util", "--init-token", "--free", "--label", "mail", "--so-pin", "2468", "--pin", self.PIN)
        self.store(self.leaf, "shop", "01", token="mail")
        keys = 'key = "pkcs11:token=%s;object=shop"; certificate = "me.crt"; pin_file = "%s";'
        self.secret("second", "000000")
        self.start({"me": keys % ("web", "pin")})
        self.mtlsd.config_path.write_text(self.mtlsd.config_path.read_text().replace("identities = {", f"identities = {{ more = {{ {keys % ('mail', 'second')} }}; ", 1))
        for says in ("the PIN is wrong: correct pin_file; it is not tried again", *2 * ("the token refused this PIN before, and it is not tried again",)):
            done = self.command("reload", "-c", self.mtlsd.config_path)
            self.assertNotEqual(0, done.returncode)
            self.assertIn(says, done.stdout + done.stderr)
        self.assertEqual("fine", self.get("me").text)  # the last good configuration
        self.secret("second", self.PIN)
        self.assertEqual(0, self.command("reload", "-c", self.mtlsd.config_path).returncode)
        self.assertNotIn("000000", self.mtlsd.log)

    def hang(self):
        """SoftHSM waits as long as its files are locked. Gives the function that ends it."""
        held = [open(path, "r+b") for path in (self.folder / "tokens").rglob("*") if path.is_file()]
        for file in held:
            self.addCleanup(file.close)
            fcntl.lockf(file, fcntl.LOCK_EX)
        return lambda: [fcntl.lockf(file, fcntl.LOCK_UN) for file in held]

    def start_beside_a_file(self):
        self.secret("file.pem", self.leaf.crt.read_text() + self.leaf.key.read_text())
        self.start({"slow": 'key = "pkcs11:token=web;object=shop"; certificate = "me.crt"; pin_file = "pin";', "file": 'bundle = "file.pem";'})
        self.assertEqual(self.leaf.serial, self.serial("slow"))

    def handshake(self, name):
        """The seconds of a handshake, and whether the verifier signed it."""
        begin = time.monotonic()
        shown = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{self.ports[name][1]}"], input="", capture_output=True, text=True, timeout=20).stdout
        return time.monotonic() - begin, "BEGIN CERTIFICATE" in shown

    def test_a_token_that_hangs_delays_its_worker_once_and_refuses_its_own_handshakes_only(self):
        self.start_beside_a_file()
        release = self.hang()
        self.assertEqual("fine", self.get("file").text)
        seconds, signed = self.handshake("slow")
        self.assertFalse(signed)
        self.assertLess(seconds, harness.busy(4))
        rows = [(name, *self.handshake(name)) for name in ("slow", "file") * 4]
        self.assertEqual([], [row for row in rows if row[2] != (row[0] == "file")])
        self.assertLess(max(row[1] for row in rows), harness.busy(1.5))
        self.assertTrue(json.loads(self.command("status", "--json", "-c", self.mtlsd.config_path).stdout)["keys"]["answers"])
        release()
        for name in ("slow", "file"):
            wait_for(lambda: self.get(name).text == "fine", "the token", 20, 0.2)
            self.assertEqual(self.leaf.serial, self.serial(name))
        self.assert_told(1, "a token does not answer", self.mtlsd.log)
        self.assert_told(1, "the token answers again", self.mtlsd.log)

    def test_the_key_process_ends_with_the_daemon_while_a_token_hangs(self):
        for number in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(signal=number):
                self.start_beside_a_file()
                release, keys = self.hang(), self.mtlsd.key_process()
                self.assertFalse(self.handshake("slow")[1])
                self.mtlsd.signal(number)
                self.mtlsd.wait()
                wait_for(lambda: not harness.is_alive(keys), "the end of the key process")
                release()

    def test_a_token_that_goes_away_and_comes_back(self):
        self.start({"me": 'key = "pkcs11:token=web;object=shop"; certificate = "me.crt"; pin_file = "pin";'})
        self.assertEqual("fine", self.get("me").text)
        os.rename(self.folder / "tokens", self.folder / "away")
        done = self.command("check", "-c", self.mtlsd.config_path)
        self.assertEqual(3, done.returncode)
        self.assertRegex(done.stdout, "pkcs11:token=web;object=shop: .*cannot be used")
        os.rename(self.folder / "away", self.folder / "tokens")
        self.assertEqual(0, self.command("reload", "-c", self.mtlsd.config_path).returncode)
        self.assertEqual("fine", self.get("me").text)

    def test_what_is_not_there_is_refused_with_what_to_do(self):
        key, certificate = 'key = "pkcs11:token=web;object=shop";', 'certificate = "me.crt";'
        for keys, says in (
                (key + certificate, "the token wants a PIN: name its file in pin_file"),
                ('key = "pkcs11:token=gone;object=shop"; pin_file = "pin";' + certificate, "pkcs11:token=gone;object=shop: the private key cannot be used"),
                ('key = "pkcs11:token=web;object=none"; pin_file = "pin";' + certificate, "pkcs11:token=web;object=none: the private key cannot be used"),
                (key + 'pin_file = "pin"; certificate = "pkcs11:token=web;object=none";', "object=none: the certificate cannot be read"),
                ('key = "pkcs11:token=web;object=shop?pin-value=1"; pin_file = "pin";' + certificate, "name the file of the PIN in pin_file"),
                (key + certificate + 'passphrase_file = "pin";', "name the file of the token's PIN in pin_file"),
                ('bundle = "pkcs11:token=web";', "only key and certificate of an identity can be in a token"),
                ('bundle = "me.pem"; pin_file = "pin";', "goes with a pkcs11: URI in key")):
            with self.subTest(keys):
                done = self.command("check", "-c", self.config(self.text({"me": keys})))
                self.assertEqual(3, done.returncode, done.stdout)
                self.assertIn(says, done.stdout + done.stderr)

    @unittest.skipUnless(shutil.which("strace"), "without strace")
    def test_without_such_a_uri_no_module_is_loaded(self):
        self.secret("me.pem", self.leaf.crt.read_text() + self.leaf.key.read_text())
        for keys, expected in (('bundle = "me.pem";', 0), ('key = "pkcs11:token=web;object=shop"; certificate = "me.crt"; pin_file = "pin";', 1)):
            path = self.config(self.text({"me": keys}))
            subprocess.run(["strace", "-f", "-e", "trace=openat", "-o", self.folder / "trace", harness.MTLSD, "check", "-c", path], capture_output=True,
                           env=dict(self.environment(), ASAN_OPTIONS="detect_leaks=0"), timeout=60)
            self.assertEqual(expected, int("libsofthsm2.so" in (self.folder / "trace").read_text()))


class Refused(Case):
    def refused(self, keys, says):
        done = self.command("check", "-c", self.config(self.text({"me": keys})))
        self.assertEqual(3, done.returncode, done.stdout)
        self.assertRegex(done.stdout + done.stderr, says)
        self.assertNotIn("horse", done.stderr + done.stdout)

    def test_files_and_variables_that_cannot_be_used(self):
        self.pkcs12("me.p12")
        self.secret("wrong", "wrong horse\n")
        self.secret("blank", "\n")
        self.secret("open", PASSPHRASE).chmod(0o644)
        (self.folder / "large.p12").touch(0o600)
        os.truncate(self.folder / "large.p12", 64 << 20)
        for keys, says in (
                ('pkcs12 = "me.p12"; passphrase_file = "wrong";', r"me\.p12: the passphrase is wrong, or the file is damaged"),
                ('pkcs12 = "me.p12"; passphrase_file = "blank";', r"blank: the passphrase is empty"),
                ('pkcs12 = "me.p12"; passphrase_file = "gone";', r"gone: cannot open"),
                ('pkcs12 = "me.p12"; passphrase_file = "open";', r"open holds a secret and every user can read it.*chmod 600"),
                ('pkcs12 = "me.p12";', r"a passphrase protects it: name the file of the passphrase in passphrase_file"),
                ('pkcs12 = "large.p12"; passphrase_file = "pass";', r"large\.p12: larger than 1 MiB"),
                ('pkcs12 = "pass"; passphrase_file = "pass";', r"pass: is not a PKCS#12 file"),
                ('bundle = "env:NOT_SET";', r"env:NOT_SET: this environment variable is not set"),
                ('bundle = "env:NOT PEM";', r"write the name of an environment variable")):
            with self.subTest(keys):
                self.refused(keys, says)

    @unittest.skipUnless(shutil.which("keytool"), "without keytool")
    def test_an_ec_key_that_java_made_itself(self):
        """It lacks its public half, which the library wants."""
        self.made("own.p12", "keytool", "-J-XX:TieredStopAtLevel=1", "-genkeypair", "-alias", "me", "-keyalg", "EC", "-dname", "CN=of Java", "-ext", "ku=digitalSignature",
                  "-keystore", "own.p12", "-storetype", "PKCS12", "-storepass", PASSPHRASE)
        done = self.command("check", "-c", self.config(self.text({"me": 'pkcs12 = "own.p12"; passphrase_file = "pass";'})))
        self.assertRegex(done.stdout, r"me +\S+ +\d+ +ECDSA P-256 +CN=of Java", done.stdout)

    @unittest.skipUnless(shutil.which("keytool"), "without keytool")
    def test_three_keys_of_a_store_of_java(self):
        java = ("-J-XX:TieredStopAtLevel=1", "-J-Xshare:auto")
        for alias in ("shop", "mail", "old"):
            self.made("three.p12", "keytool", *java, "-genkeypair", "-alias", alias, "-keyalg", "EC", "-dname", f"CN={alias}", "-keystore", "three.p12", "-storetype",
                      "PKCS12", "-storepass", PASSPHRASE)
        self.refused('pkcs12 = "three.p12"; passphrase_file = "pass";', r"three\.p12: holds 3 private keys \((shop|mail|old), .*\), and an identity has one")

    def encrypted_key(self, rounds):
        sequence, tlv, oid, integer = certs.sequence, certs.tlv, certs.oid, certs.integer
        kdf = sequence(oid("1.2.840.113549.1.5.12"), sequence(tlv(4, b"saltsalt"), integer(rounds), sequence(oid("1.2.840.113549.2.9"), tlv(5, b""))))
        cipher = sequence(oid("2.16.840.1.101.3.4.1.42"), tlv(4, bytes(16)))
        return certs.pem("ENCRYPTED PRIVATE KEY", sequence(sequence(oid("1.2.840.113549.1.5.13"), sequence(kdf, cipher)), tlv(4, bytes(96))))

    def test_billions_of_rounds_cost_no_time(self):
        """The library refuses some numbers itself."""
        packed = (self.folder / self.pkcs12("bomb.p12", "-iter", "100000")).read_bytes()
        self.assertTrue(packed.endswith(b"\2\3\x01\x86\xa0"))  # the rounds of the MAC
        self.secret("bomb.p12", packed[:-5] + b"\2\3\x7f\xff\xff")
        keys = 'certificate = "me.crt"; key = "bomb.key"; passphrase_file = "pass";'
        begin = os.times()
        for rounds, says in ((5000001, "asks for 5000001 rounds"), (2**30, "rounds|encrypted in a way"), (2**31 - 1, "rounds|encrypted in a way"),
                             (2**31, "rounds|encrypted in a way"), (2**64 + 2, "rounds|encrypted in a way")):
            self.secret("bomb.key", self.encrypted_key(rounds))
            self.refused(keys, rf"bomb\.key:1: .*({says})")
        self.refused('pkcs12 = "bomb.p12"; passphrase_file = "pass";', r"bomb\.p12: asks for 8388607 rounds")
        self.assertLess(os.times().children_user - begin.children_user, 10)


if __name__ == "__main__":
    harness.main()
