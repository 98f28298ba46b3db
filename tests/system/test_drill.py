# SPDX-License-Identifier: Apache-2.0
"""`mtlsd drill` with listeners that refuse bad certificates, and with listeners that accept some: a drill must be able to find a fault."""
import json
import shutil
import unittest

import harness
import peers
from harness import free_port


class Drill(harness.Case):
    made = None  # a folder with the certificates of the first test, for the others

    def setUp(self):
        super().setUp()
        if Drill.made:
            shutil.copytree(Drill.made, self.folder / "pki")
        else:
            self.make_pki()
        self.backend = peers.Backend(self)

    def make_pki(self):
        for words in (("init",), ("issue", "server", "--server", "--san", "dns:localhost", "--san", "ip:127.0.0.1"), ("issue", "old", "--client"),
                      ("revoke", "old")):
            self.assertEqual(0, self.command("pki", *words).returncode)
        Drill.made = self.pki.folder / "for-drills"
        shutil.copytree(self.folder / "pki", Drill.made)

    def drill(self, port, *flags):
        done = self.command("drill", "--target", f"localhost:{port}", "--json", *flags, seconds=90)
        document = json.loads(done.stdout) if done.stdout.strip() else None
        return done, document

    def let_in(self, document):
        return [row["kind"] for row in document["rows"] if not row["as_it_should"]]

    def ours(self, listener="", tls=""):
        port = free_port()
        self.daemon(f"""
            identities = {{ me = {{ bundle = "{self.folder}/pki/server.pem"; }}; }};
            trusts = {{ clients = {{ ca = "{self.folder}/pki/ca.pem"; crl = "{self.folder}/pki/crl.pem"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{port}"; upstream = "app"; {listener}
                tls = {{ identity = "me"; trust = "clients"; {tls} }}; }}; }};""", [port])
        return port

    def test_our_verifier_refuses_every_kind_in_both_versions(self):
        done, document = self.drill(self.ours())
        self.assertEqual((0, []), (done.returncode, self.let_in(document)), done.stderr)
        self.assertGreaterEqual(document["bad"], 25)
        self.assertTrue(all(row["offered"] for row in document["rows"]))
        for row in document["rows"]:
            if row["status"] not in ("valid",):
                self.assertFalse(row["tls13"]["full"]["let_in"] or row["tls12"]["full"]["let_in"], row)
        good = document["rows"][0]
        self.assertTrue(good["tls13"]["full"]["let_in"] and good["tls12"]["full"]["let_in"], good)

    def test_our_verifier_in_tcp_mode_too(self):
        done, document = self.drill(self.ours('protocol = "tcp";'), "--tcp")
        self.assertEqual((0, []), (done.returncode, self.let_in(document)), done.stderr)

    def test_a_rule_that_keeps_the_good_one_out_is_noticed(self):
        port = self.ours('allow = ( { ou = "ops"; } );')
        done, document = self.drill(port)
        self.assertEqual((4, 1), (done.returncode, document["good_refused"]))
        done, document = self.drill(port, "--ou", "ops")
        self.assertEqual((0, 0), (done.returncode, document["good_refused"]))

    def test_an_optional_listener_lets_no_certificate_in_and_no_bad_one(self):
        done, document = self.drill(self.ours(tls='client_cert = "optional";'))
        self.assertEqual((4, ["none"]), (done.returncode, self.let_in(document)))
        self.assertEqual(0, self.drill(self.ours(tls='client_cert = "optional";'), "--optional")[0].returncode)

    # What no file of certificates can show: that the key is missing.
    NOT_IN_A_FILE = ("none", "stolen")
    STATUSES = {"expired": 461, "not_yet_valid": 462, "revoked": 463, "unknown_ca": 464, "wrong_purpose": 465, "weak": 466, "crl_missing": 467,
                "constraint": 468, "malformed": 469}

    def foretold(self, conf, listener, chain):
        """What the two offline commands say about a certificate, as a drill writes it down."""
        said = json.loads(self.command("explain", "-c", conf, "--listener", listener, "--cert", chain, "--request", "GET /", "--json").stdout)["answer"]
        judged = json.loads(self.command("verify", "-c", conf, "--listener", listener, chain, "--json").stdout)
        self.assertEqual(judged["listener"]["lets_in"], said.get("stage") != "handshake", (judged, said))
        if said["action"] == "refuse":
            self.assertEqual(judged["alert"]["number"], said["alert"])
            return judged["alert"]["name"]
        return f"HTTP {said['status'] if said['action'] == 'respond' else 200}"

    def test_verify_and_explain_foretell_what_the_daemon_does(self):
        """Every kind, at a listener that refuses and at one that tells each status by a page of its own."""
        strict, kind = free_port(), free_port()
        routes = "".join(f'{{ cert = "{status}"; respond = {number}; }}, ' for status, number in self.STATUSES.items() if status != "malformed")
        self.daemon(f"""
            identities = {{ me = {{ bundle = "{self.folder}/pki/server.pem"; }}; }};
            trusts = {{ clients = {{ ca = "{self.folder}/pki/ca.pem"; crl = "{self.folder}/pki/crl.pem"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }}; }};
            listeners = {{ strict = {{ bind = "127.0.0.1:{strict}"; upstream = "app"; tls = {{ identity = "me"; trust = "clients"; }}; }};
                kind = {{ bind = "127.0.0.1:{kind}"; tls = {{ identity = "me"; trust = "clients"; tolerate = "all"; }};
                    routes = ( {routes} {{ cert = "error"; respond = 470; }}, {{ upstream = "app"; }} ); }}; }};""", [strict, kind], name="both")
        for listener, port in (("strict", strict), ("kind", kind)):
            refusals = [word for number in (*self.STATUSES.values(), 470) for word in ("--refusal", number)]
            done, document = self.drill(port, "--save", self.folder / listener, *(refusals[:16] if listener == "kind" else ()))
            self.assertIsNotNone(document, done.stderr)
            seen, told = {}, {}
            for row in document["rows"]:
                if row["kind"] not in self.NOT_IN_A_FILE:
                    seen[row["kind"]] = row["tls13"]["full"]["told"]
                    told[row["kind"]] = self.foretold(self.folder / "both.conf", listener, self.folder / listener / f"{row['kind']}.pem")
            self.assertGreaterEqual(len(seen), 28)
            self.assertEqual(seen, told, listener)
        self.assertGreaterEqual(len(set(told.values())), 7, "this listener tells statuses apart")

    def test_what_is_kept_is_what_was_offered(self):
        self.drill(self.ours(), "--save", self.folder / "kept")
        for kind, error in (("expired", "certificate has expired"), ("self-signed", "self-signed certificate"), ("good", "OK")):
            done = harness.subprocess.run(["openssl", "verify", "-CAfile", self.folder / "pki/ca.pem", self.folder / f"kept/{kind}.pem"],
                                          capture_output=True, text=True, check=False)
            self.assertIn(error, done.stdout + done.stderr)
        self.assertFalse((self.folder / "kept/none.pem").exists())
        self.assertFalse(any("PRIVATE" in path.read_text() for path in (self.folder / "kept").iterdir()))

    def show(self, name, document):
        rows = [f"{row['kind']} ({row['tls13']['full']['told']})" for row in document["rows"] if not row["as_it_should"]]
        print(f"\n  {name}: {document['bad_let_in']} of {document['bad']} bad certificates let in: {', '.join(rows) or 'none'}")

    def nginx_listener(self, verify, protocols="TLSv1.2 TLSv1.3"):
        port = free_port()
        pki = self.folder / "pki"
        self.nginx(f"""server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {pki}/server.pem; ssl_certificate_key {pki}/server.key;
            ssl_client_certificate {pki}/ca.pem; ssl_crl {pki}/crl.pem; ssl_verify_client {verify}; ssl_verify_depth 4;
            ssl_session_cache shared:S:1m; ssl_protocols {protocols}; location / {{ return 200 "$ssl_client_verify"; }} }}""", [port])
        return port

    def test_nginx(self):
        done, document = self.drill(self.nginx_listener("on"))
        self.show("nginx, ssl_verify_client on", document)
        self.assertEqual([], [k for k in self.let_in(document) if k in ("none", "expired", "self-signed", "false-ca", "revoked", "stolen")])

    def test_a_version_that_is_not_spoken_is_not_a_refusal(self):
        done, document = self.drill(self.nginx_listener("on", "TLSv1.2"))
        self.assertEqual(0, document["good_refused"], document["rows"][0])
        self.assertEqual("protocol_version", document["rows"][0]["tls13"]["full"]["told"])

    def test_a_listener_that_checks_no_ca_is_found_out(self):
        done, document = self.drill(self.nginx_listener("optional_no_ca"))
        self.show("nginx, ssl_verify_client optional_no_ca", document)
        self.assertEqual(4, done.returncode)
        self.assertGreaterEqual(document["bad_let_in"], 4)
        self.assertIn("other-ca", self.let_in(document))

    def test_haproxy(self):
        port = free_port()
        pki = self.folder / "pki"
        path = self.write("haproxy.cfg", f"""
            defaults
              mode http
              timeout connect 5s
              timeout client 20s
              timeout server 20s
            listen front
              bind 127.0.0.1:{port} ssl crt {pki}/server.pem ca-file {pki}/ca.pem crl-file {pki}/crl.pem verify required
              server s 127.0.0.1:{self.backend.port}
            """ + "\n")
        self.spawn("haproxy", ["haproxy", "-db", "-f", path], [port])
        done, document = self.drill(port)
        self.show("haproxy, verify required", document)
        self.assertEqual([], [k for k in self.let_in(document) if k in ("none", "expired", "self-signed", "false-ca", "revoked", "stolen")])

    def test_nobody_there_is_not_a_result(self):
        done, _ = self.drill(free_port())
        self.assertEqual(1, done.returncode)
        self.assertIn("refused", done.stderr)

    def test_a_port_that_does_not_speak_tls_is_told_so(self):
        for why, handle, says in (("HTTP", lambda s, c: (c.recv(4096), c.sendall(peers.reply(status="400 Bad Request"))), 'it began with "HTTP/1.1"'),
                                  ("a mail server", lambda s, c: (c.sendall(b"220 mail.example ESMTP\r\n"), c.recv(4096)), 'it began with "220 mail"'),
                                  ("a port that closes", lambda s, c: c.recv(4096), "closed the connection during the TLS handshake")):
            with self.subTest(why):
                done, document = self.drill(peers.Server(self, handle).port)
                self.assertEqual((1, None), (done.returncode, document))
                self.assertIn("does not answer in TLS: ", done.stderr)
                self.assertIn(says, done.stderr)

    def test_an_answer_in_http2_is_named(self):
        context = peers.server_context(self.pki.server(), None)
        settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00" + b"\x00\x00\x08\x07\x00" + b"\x00" * 12
        server = peers.tls_server(self, context, lambda s, c: (c.recv(4096), c.sendall(settings)))
        _, document = self.drill(server.port, "--server-ca", str(self.pki.ca("root").crt))
        self.assertEqual({"an answer in HTTP/2"}, {row[v]["full"]["told"] for row in document["rows"] if row["offered"] for v in ("tls13", "tls12")})

    def test_wrong_words(self):
        for words in (("--target", "localhost"), ("--target", "localhost:1", "--refusal", "abc"), ("--target", "localhost:1", "--path", "/a b"), ()):
            with self.subTest(words=words):
                self.assertEqual(2, self.command("drill", *words).returncode)
        self.assertEqual(3, self.command("drill", "--target", "localhost:1", "--dir", "nowhere").returncode)


if __name__ == "__main__":
    harness.main()
