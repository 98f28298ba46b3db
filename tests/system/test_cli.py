# SPDX-License-Identifier: Apache-2.0
"""The command line: every wrong input gives a documented exit code and a message that says what to do."""
import datetime
import json
import re
import shutil
import socket
import unittest

import harness
import peers
from harness import MTLSD, free_port, wait_for

FINE, FAILED, USAGE, REFUSED, FOUND = range(5)


class Case(harness.Case):
    def expect(self, code, *arguments, says=(), **options):
        """Runs a command; every word of says must stand in what it printed, case ignored."""
        done = self.command(*arguments, **options)
        out = done.stdout + done.stderr
        self.assertEqual(code, done.returncode, out)
        for word in says:
            self.assertIn(word.lower(), out.lower())
        return done


class Usage(Case):
    def test_nothing(self):
        self.expect(USAGE, says=["usage"])

    def test_help(self):
        done = self.expect(FINE, "--help", says=["run", "client", "server", "check", "explain", "verify", "pki", "demo", "reload", "status", "drain"])
        self.assertEqual("", done.stderr)

    def test_version_names_the_libraries(self):
        self.expect(FINE, "--version", says=["mtlsd", "gnutls", "libuv", "llhttp", "nghttp2", "libconfig", "curl", "jansson"])

    def test_unknown_command(self):
        self.expect(USAGE, "chekc", says=["chekc", "check"])

    def test_words_of_other_programs(self):
        for words, says in ((["start"], "mtlsd run -c FILE"), (["stop"], "mtlsd drain"), (["-c", "x.conf"], "mtlsd run -c FILE"), (["version"], "mtlsd --version"),
                            (["check", "x.conf"], "did you mean --config x.conf?"), (["drill", "localhost:1"], "did you mean --target localhost:1?"),
                            (["client", "--listen", "127.0.0.1:1", "--cert", "x"], "--bundle PEM (umask 077; cat CERT CHAIN KEY > PEM)")):
            with self.subTest(words):
                self.expect(USAGE, *words, says=[says])

    def test_every_command_has_help(self):
        for word in ("run", "client", "server", "check", "explain", "verify", "pki", "demo", "reload", "status", "drain"):
            with self.subTest(word):
                self.expect(FINE, word, "--help", says=["usage"])

    def test_unknown_flag(self):
        for word in ("run", "client", "server", "check", "explain", "verify", "demo", "reload", "status", "drain"):
            with self.subTest(word):
                self.expect(USAGE, word, "--no-such-flag", says=["--no-such-flag"])

    def test_flag_without_its_value(self):
        for word in ("run", "check"):
            self.expect(USAGE, word, "-c", says=["-c"])

    def test_needed_flags(self):
        self.expect(USAGE, "client", says=["--"])
        self.expect(USAGE, "server", says=["--"])
        self.expect(USAGE, "verify", says=["--"])
        self.expect(USAGE, "explain", says=["--request", "--cert"])


class BadConfiguration(Case):
    """check refuses with exit code 3 and the place; run refuses the same."""

    def good(self):
        return self.injector_text(free_port(), "127.0.0.1:1")

    def refused(self, text, *says, where=True):
        path = self.config(text)
        for word in ("check", "run"):
            done = self.expect(REFUSED, word, "-c", path, says=says)
            if where:
                self.assertRegex(done.stdout + done.stderr, r"mtlsd\.conf:\d+")

    def test_the_good_one_is_good(self):
        """The control of this table."""
        self.expect(FINE, "check", "-c", self.config(self.good()))
        self.expect(FINE, "run", "-t", "-c", self.config(self.good()))

    def test_missing_file(self):
        for word in ("check", "run"):
            self.expect(REFUSED, word, "-c", self.folder / "none.conf", says=["none.conf", "does not exist"])

    def test_folder_instead_of_a_file(self):
        self.expect(REFUSED, "check", "-c", self.folder, says=[self.folder.name])

    def test_syntax(self):
        self.refused("listeners = { app = {", where=True)

    def test_unknown_key_with_a_suggestion(self):
        self.refused(self.good().replace("protocol =", "protocl ="), "protocl", "protocol")

    def test_unknown_group(self):
        self.refused(self.good() + "\nlistenrs = {};", "listenrs", "listeners")

    def test_unknown_upstream_name(self):
        self.refused(self.good().replace('upstream = "far"', 'upstream = "fra"'), "fra", "far")

    def test_unknown_identity_name(self):
        self.refused(self.good().replace('identity = "me"', 'identity = "mee"'), "mee", "me")

    def test_bad_duration(self):
        self.refused(self.good().replace('targets =', 'timeouts = { connect = "5 parsecs"; }; targets ='), "parsecs")

    def test_bad_port(self):
        self.refused(self.good().replace("127.0.0.1:1", "127.0.0.1:99999"), "99999")

    def test_plaintext_on_every_interface(self):
        self.refused(re.sub(r'bind = "127.0.0.1:', 'bind = "0.0.0.0:', self.good()), "insecure_expose")

    def test_key_readable_by_others(self):
        mine = self.folder / "open.pem"
        shutil.copy(self.pki.client().pem, mine)
        mine.chmod(0o644)
        self.refused(self.good().replace(str(self.pki.client().pem), str(mine)), "open.pem", "chmod", where=False)

    def test_key_of_another_certificate(self):
        mixed = self.write("mixed.pem", self.pki.client().crt.read_text() + self.pki.server().key.read_text())
        mixed.chmod(0o600)
        self.refused(self.good().replace(str(self.pki.client().pem), str(mixed)), "mixed.pem", "does not belong", where=False)

    def test_certificate_files(self):
        """A3 for identities: the message names the file."""
        client, key = self.pki.client().crt.read_text(), self.pki.client().key.read_text()
        rows = {"empty": "", "text": "hello\n", "key only": key, "certificate only": client, "cut": (client + key)[:-60],
                "bad block": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + key}
        for why, text in rows.items():
            with self.subTest(why):
                path = self.write("broken.pem", text)
                path.chmod(0o600)
                self.refused(self.good().replace(str(self.pki.client().pem), str(path)), "broken.pem", where=False)
        self.refused(self.good().replace(str(self.pki.client().pem), str(self.folder / "none.pem")), "none.pem", where=False)

    def test_crlf_files_are_fine(self):
        """A3: a file that has been on Windows."""
        path = self.folder / "windows.pem"
        path.write_bytes(self.pki.client().pem.read_bytes().replace(b"\n", b"\r\n"))
        path.chmod(0o600)
        self.expect(FINE, "check", "-c", self.config(self.good().replace(str(self.pki.client().pem), str(path))))

    def test_ca_files(self):
        """A3: an empty or broken CA is an error, never the system's store."""
        ca = self.pki.ca("root").crt.read_text()
        rows = {"empty": b"", "text": b"hello\n", "cut": ca[:-60].encode(), "DER": self.pki.ca("root").der,
                "one bad block": (ca + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").encode(),
                "not a CA": self.pki.client().crt.read_bytes(), "a key": self.pki.client().key.read_bytes()}
        for why, data in rows.items():
            with self.subTest(why):
                path = self.folder / "broken-ca.pem"
                path.write_bytes(data)
                self.refused(self.good().replace(str(self.pki.ca("root").crt), str(path)), "broken-ca.pem", where=False)
        self.refused(self.good().replace(str(self.pki.ca("root").crt), str(self.folder / "none.pem")), "none.pem", where=False)
        empty = self.folder / "empty-folder"
        empty.mkdir()
        self.refused(self.good().replace(str(self.pki.ca("root").crt), str(empty)), "empty-folder", where=False)

    def test_ca_folder_is_fine(self):
        folder = self.folder / "cas"
        folder.mkdir()
        shutil.copy(self.pki.ca("root").crt, folder / "root.pem")
        self.expect(FINE, "check", "-c", self.config(self.good().replace(str(self.pki.ca("root").crt), str(folder))))

    def test_an_identity_out_of_its_dates_is_an_error_that_run_starts_with(self):
        rows = {"expired 20": self.pki.leaf("old-client", eku=("clientAuth",), start=-400, days=30),
                "is not valid before 20": self.pki.leaf("early-client", eku=("clientAuth",), start=30, days=30)}
        for says, leaf in rows.items():
            with self.subTest(says):
                text = self.good().replace(str(self.pki.client().pem), str(leaf.pem))
                self.expect(REFUSED, "check", "-c", self.config(text), says=["error: identity me: certificate ", says,
                                                                             "run would start, but not everything works, 1 error"])
                done = self.command("check", "--json", "-c", self.config(text))
                self.assertEqual([False, "error"], [json.loads(done.stdout)["ok"], json.loads(done.stdout)["findings"][0]["level"]])
                mtlsd = self.daemon(text, [int(re.search(r'bind = "127.0.0.1:(\d+)', text)[1])])
                self.assertRegex(mtlsd.log, f"error +configuration .*{says}")
                mtlsd.stop()

    def test_an_expired_intermediate_is_a_warning(self):
        """Its CA may have a successor that peers hold (cross-signed roots end so)."""
        old = self.pki.ca("old-sub", issuer=self.pki.ca("root"), start=-400, days=30)
        leaf = self.pki.leaf("of-old-sub", old, eku=("clientAuth",))
        self.expect(FINE, "check", "-c", self.config(self.good().replace(str(self.pki.client().pem), str(leaf.pem))),
                    says=["warning: identity me: certificate ", "expired 20"])

    def test_what_a_later_version_will_do_is_said_so(self):
        self.refused(self.good().replace("protocol =", 'routes = ( { upstream = "far"; } ); protocol ='), "routes")

    def test_all_errors_are_reported_at_once(self):
        text = self.good().replace("protocol =", "protocl =").replace('trust = "them"', 'trust = "thm"')
        self.refused(text, "protocl", "thm")

    def test_json(self):
        done = self.command("check", "--json", "-c", self.config(self.good().replace("protocol =", "protocl =")))
        self.assertEqual(REFUSED, done.returncode)
        self.assertIn("protocl", json.dumps(json.loads(done.stdout)))


class Run(Case):
    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.expect(FAILED, "run", "-c", self.config(self.injector_text(port, "127.0.0.1:1")), says=[str(port), "in use"])

    def test_address_that_is_not_ours(self):
        text = self.verifier_text(free_port(), 1).replace('bind = "127.0.0.1:', 'bind = "192.0.2.1:')
        self.expect(FAILED, "run", "-c", self.config(text), says=["192.0.2.1"])

    def test_stale_unix_socket_is_replaced(self):
        """What a crashed instance left behind does not stop the next one."""
        path = self.folder / "app.sock"
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
        text = self.injector_text(1, f"127.0.0.1:{self.origin()}").replace('"127.0.0.1:1"', f'"unix:{path}"')
        self.daemon(text)
        wait_for(lambda: self.curl("--unix-socket", path, "http://localhost/").status == 200, "an answer over the socket")

    def test_key_log_of_the_environment_is_ignored(self):
        """E4: SSLKEYLOGFILE would write session keys to a file."""
        keylog = self.folder / "keys.log"
        port = free_port()
        path = self.config(self.injector_text(port, f"127.0.0.1:{self.origin()}"))
        self.spawn("mtlsd", [MTLSD, "run", "-c", path], [port], env=dict(self.environment(), SSLKEYLOGFILE=str(keylog)))
        self.assertEqual(200, self.curl(f"http://127.0.0.1:{port}/").status)
        self.assertFalse(keylog.exists())

    def test_no_secret_in_the_log(self):
        port = self.injector(self.origin())
        self.curl(f"http://127.0.0.1:{port}/", "-H", "Authorization: Bearer MARKER")
        self.mtlsd.stop()
        self.assertNotIn("PRIVATE", self.mtlsd.log)
        self.assertNotIn("MARKER", self.mtlsd.log)

    def test_one_log_line_per_request(self):
        port = self.injector(self.origin())
        for _ in range(3):
            self.curl(f"http://127.0.0.1:{port}/counted")
        wait_for(lambda: self.mtlsd.log.count("/counted") == 3, "three lines")
        line = next(row for row in self.mtlsd.log.splitlines() if "/counted" in row)
        for word in ("GET", "200", "far", "TLS1.3"):
            self.assertIn(word, line)

    def test_json_log_parses(self):
        port = free_port()
        self.mtlsd = self.daemon('log = { format = "json"; };\n' + self.injector_text(port, f"127.0.0.1:{self.origin()}"), [port])
        self.curl(f"http://127.0.0.1:{port}/%22quoted")
        wait_for(lambda: "quoted" in self.mtlsd.log, "the line")
        for line in self.mtlsd.log.splitlines():
            json.loads(line)


class WithoutAFile(Case):
    def start(self, name, *arguments, port):
        return self.spawn(name, [MTLSD, *arguments], [port], env=self.environment())

    def test_client(self):
        port, origin = free_port(), self.origin()
        self.start("mtlsd", "client", "--listen", f"127.0.0.1:{port}", "--upstream", f"https://localhost:{origin}", "--bundle",
                   self.pki.client().pem, "--ca", self.pki.ca("root").crt, port=port)
        self.assertIn("CN=client1", self.curl(f"http://127.0.0.1:{port}/").text)

    def test_client_tcp(self):
        port, origin = free_port(), self.origin()
        self.start("mtlsd", "client", "--tcp", "--listen", f"127.0.0.1:{port}", "--upstream", f"https://localhost:{origin}", "--bundle",
                   self.pki.client().pem, "--ca", self.pki.ca("root").crt, port=port)
        self.assertIn("CN=client1", self.curl(f"http://127.0.0.1:{port}/").text)

    def test_server(self):
        backend, port = peers.Backend(self), free_port()
        self.start("mtlsd", "server", "--listen", f"127.0.0.1:{port}", "--backend", f"127.0.0.1:{backend.port}", "--bundle",
                   self.pki.server().pem, "--ca", self.pki.ca("root").crt, "--allow", "cn=client1", port=port)
        self.assertEqual(200, self.curl_tls(port).status)
        other = self.pki.leaf("client-two", cn="client2", eku=("clientAuth",))
        self.assertEqual(403, self.curl_tls(port, client=other).status)

    def test_bad_bundle(self):
        self.expect(REFUSED, "client", "--listen", f"127.0.0.1:{free_port()}", "--upstream", "https://localhost:1", "--bundle",
                    self.folder / "none.pem", says=["none.pem"])

    def test_bad_upstream(self):
        for url in ("http://localhost:1", "localhost", "https://", "https://localhost:99999", "https://localhost/path"):
            with self.subTest(url):
                self.expect(USAGE, "client", "--listen", f"127.0.0.1:{free_port()}", "--upstream", url, "--bundle",
                            self.pki.client().pem, says=["--upstream"])

    def test_bad_allow_rule(self):
        self.expect(USAGE, "server", "--listen", f"127.0.0.1:{free_port()}", "--backend", "127.0.0.1:1", "--bundle",
                    self.pki.server().pem, "--ca", self.pki.ca("root").crt, "--allow", "nonsense", says=["nonsense"])


class CheckConnect(Case):
    """A real handshake per target; exit code 4 says that somebody refused, and the text says who."""

    def connect(self, code, target, *says, **options):
        path = self.config(self.injector_text(free_port(), f"127.0.0.1:{target}", **options))
        return self.expect(code, "check", "--connect", "-c", path, says=says)

    def test_good(self):
        done = self.connect(FINE, self.origin(), "far", "accepted")
        self.assertRegex(done.stdout, r"\d+ days?")

    def test_expired(self):
        bad = self.pki.leaf("u-expired", san=["DNS:localhost", "IP:127.0.0.1"], start=-400, days=30)
        self.connect(FOUND, self.origin(certificate=bad), "expired")

    def test_refuses_ours(self):
        """A13: with TLS 1.3 the refusal comes after the handshake, so the check has to read."""
        for version in (peers.ssl.TLSVersion.TLSv1_2, peers.ssl.TLSVersion.TLSv1_3):
            with self.subTest(version.name):
                context = peers.server_context(self.pki.server(), self.pki.ca("stranger"), version=version)
                origin = peers.tls_server(self, context, lambda s, c: c.recv(1))
                self.connect(FOUND, origin.port, "our_certificate_refused", "unknown_ca")

    def test_never_asks(self):
        origin = peers.tls_server(self, peers.server_context(self.pki.server()), lambda s, c: c.recv(1))
        self.connect(FOUND, origin.port, "our_certificate_not_requested")

    def test_our_own_ca_instead_of_theirs(self):
        """A common mistake: the trust holds the CA that issued our certificate, not the one that issued the server's."""
        theirs = self.pki.leaf("their-server", self.pki.ca("stranger"), san=["DNS:localhost", "IP:127.0.0.1"])
        self.connect(FOUND, self.origin(certificate=theirs), "unknown_ca", "stranger")

    def test_ca_and_leaf_with_the_same_name(self):
        own = self.pki.leaf("namesake", subject=[("O", "Tests"), ("CN", "root")], san=["DNS:localhost", "IP:127.0.0.1"])
        self.connect(FINE, self.origin(certificate=own), "accepted")

    def test_nobody_listens(self):
        self.connect(FOUND, free_port(), "connect_refused")

    def test_does_not_touch_the_ports_of_a_running_instance(self):
        origin = self.origin()
        port = self.injector(origin)
        self.expect(FINE, "check", "--connect", "-c", self.mtlsd.config_path)
        self.assertEqual(200, self.curl(f"http://127.0.0.1:{port}/").status)


class Verify(Case):
    def judge(self, code, certificate, *arguments, purpose="client", says=()):
        return self.expect(code, "verify", "--ca", self.pki.ca("root").crt, "--purpose", purpose, *arguments, certificate.crt, says=says)

    def test_good(self):
        self.judge(FINE, self.pki.client(), says=["valid"])
        self.judge(FINE, self.pki.server(), "--name", "localhost", purpose="server", says=["valid"])

    def test_statuses(self):
        client = self.pki.client()
        crl = self.pki.crl("verify-revoked", self.pki.ca("root"), [client])
        stale = self.pki.crl("verify-stale", self.pki.ca("root"), [], start=-60, days=30)
        rows = [
            ("expired", self.pki.leaf("c-expired", eku=("clientAuth",), start=-400, days=30), []),
            ("not_yet_valid", self.pki.leaf("c-future", eku=("clientAuth",), start=30), []),
            ("unknown_ca", self.pki.leaf("c-stranger", self.pki.ca("stranger"), eku=("clientAuth",)), []),
            ("wrong_purpose", self.pki.server(), []),
            ("weak", self.pki.leaf("c-weak", eku=("clientAuth",), key="1024"), []),
            ("revoked", client, ["--crl", crl]),
            ("crl_stale", client, ["--crl", stale]),
        ]
        for word, certificate, flags in rows:
            with self.subTest(word):
                self.judge(FOUND, certificate, *flags, says=[word])
        self.judge(FOUND, self.pki.server(), "--name", "other.example", purpose="server", says=["name_mismatch"])

    def test_time_can_be_set(self):
        expired = self.pki.leaf("c-expired", eku=("clientAuth",), start=-400, days=30)
        then = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=390)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.judge(FINE, expired, "--at", then, says=["valid"])

    def test_json(self):
        done = self.judge(FOUND, self.pki.server(), "--json")
        self.assertIn("wrong_purpose", json.dumps(json.loads(done.stdout)))

    def test_unreadable(self):
        self.expect(REFUSED, "verify", "--ca", self.folder / "none.pem", "--purpose", "client", self.pki.client().crt, says=["none.pem"])


class DevelopmentCa(Case):
    """mtlsd pki makes what the daemon, openssl and the judge agree about."""

    def pki_command(self, *arguments, code=FINE):
        return self.expect(code, "pki", *arguments, "--dir", self.folder / "pki")

    def test_whole_chain_with_its_certificates(self):
        self.pki_command("init")
        self.pki_command("issue", "server", "--server", "--san", "dns:localhost", "--san", "ip:127.0.0.1")
        self.pki_command("issue", "alice", "--client", "--ou", "apps")
        pki, backend = self.folder / "pki", peers.Backend(self)
        inner, outer = free_port(), free_port()
        self.daemon(f"""
            identities = {{ server = {{ bundle = "pki/server.pem"; }}; }};
            trusts = {{ clients = {{ ca = "pki/ca.pem"; crl = "pki/crl.pem"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{backend.port}" ]; }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{inner}"; upstream = "app"; identity_headers = [ "x-ssl" ];
                tls = {{ identity = "server"; trust = "clients"; }}; }}; }};""", [inner], name="verifier")
        self.daemon(f"""
            identities = {{ alice = {{ bundle = "{pki}/alice.pem"; }}; }};
            trusts = {{ ours = {{ ca = "{pki}/ca.pem"; }}; }};
            upstreams = {{ far = {{ targets = [ "localhost:{inner}" ]; tls = {{ identity = "alice"; trust = "ours"; }}; }}; }};
            listeners = {{ app = {{ bind = "127.0.0.1:{outer}"; upstream = "far"; }}; }};""", [outer], name="injector")
        answer = self.curl(f"http://127.0.0.1:{outer}/")
        self.assertEqual(200, answer.status, answer.text or answer.error)
        self.assertEqual(["alice"], backend.requests[0].values("x-ssl-client-cn"))

    def test_bad_certificates_are_bad_in_the_way_they_say(self):
        self.pki_command("init")
        rows = {"expired": "expired", "not-yet-valid": "not_yet_valid", "wrong-purpose": "wrong_purpose", "self-signed": "unknown_ca",
                "weak": "weak"}
        for kind, word in rows.items():
            with self.subTest(kind):
                self.pki_command("issue", f"bad-{kind}", "--client", "--bad", kind)
                self.expect(FOUND, "verify", "--ca", self.folder / "pki/ca.pem", "--purpose", "client",
                            self.folder / f"pki/bad-{kind}.crt", says=[word])

    def test_openssl_agrees(self):
        self.pki_command("init")
        self.pki_command("issue", "alice", "--client")
        done = harness.subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", self.folder / "pki/ca.pem",
                                       self.folder / "pki/alice.crt"], capture_output=True, text=True)
        self.assertEqual(0, done.returncode, done.stderr)

    def test_keys_are_private(self):
        self.pki_command("init")
        self.pki_command("issue", "alice", "--client")
        for name in ("ca.key", "alice.key", "alice.pem"):
            self.assertEqual(0o600, (self.folder / "pki" / name).stat().st_mode & 0o777, name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
