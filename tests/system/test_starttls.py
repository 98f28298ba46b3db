# SPDX-License-Identifier: Apache-2.0
"""Protocols that start TLS after words in plaintext, in front of real servers that demand a certificate and behind real clients: B2."""
import imaplib
import os
import re
import smtplib
import socket
import ssl
import unittest

import databases
import harness
import peers


class Case(harness.Case):
    kind = ""

    def upstream(self, server, **options):
        """An injector to this server; gives its port."""
        return self.injector(server, protocol="tcp", tls=f'starttls = "{self.kind}";', **options)

    def listener(self, server):
        """A verifier before this server, which it reaches in plaintext."""
        return self.verifier(server, protocol="tcp", tls=f'starttls = "{self.kind}";')

    def both(self, server, tls=""):
        port = harness.free_port()
        text = self.verifier_text(port, server, protocol="tcp", tls=f'starttls = "{self.kind}";')
        text = text.replace("identities = {", f'identities = {{ mine = {{ bundle = "{self.pki.client().pem}"; }}; ', 1)
        text = text.replace(f'"127.0.0.1:{server}" ];', f'"127.0.0.1:{server}" ]; tls = {{ identity = "mine"; trust = "clients"; server_name = "localhost"; '
                            f'starttls = "{self.kind}"; {tls} }};', 1)
        self.mtlsd = self.daemon(text, [port])
        return port

    def assert_refused(self, words, reason="starttls_failed"):
        harness.wait_for(lambda: f"reason={reason}" in self.mtlsd.log, "the refusal")
        self.assertIn(words, self.mtlsd.log)


def read_line(connection):
    """One line of a client, byte by byte, so that nothing of TLS is taken with it; empty at the end."""
    line = b""
    while not line.endswith(b"\r\n") and (byte := connection.recv(1)):
        line += byte
    return line.decode()


class Mail(Case):
    """smtplib and imaplib in front, servers of our own behind that demand a certificate."""

    def server(self, greeting, answers, tls=True):
        """answers: word of a command: what is said to it; STARTTLS starts TLS. Gives the server."""
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))

        def talk(server, connection):
            connection.sendall(greeting)
            while line := read_line(connection):
                line = line.rstrip("\r\n")
                server.record(line.encode() + b"\n")
                word = next((word for word in line.upper().split() if word in answers), None)
                connection.sendall(answers.get(word, b"500 %b?\r\n" % line.encode()).replace(b"TAG", line.split(" ")[0].encode()))
                if word == "STARTTLS" and tls:
                    connection = context.wrap_socket(connection, server_side=True)
                    server.record(b"(tls)\n")
        return peers.Server(self, talk)

    def smtp_server(self, **options):
        answers = {"EHLO": b"250-mx\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n", "STARTTLS": b"220 go\r\n", "AUTH": b"235 in\r\n", "QUIT": b"221 bye\r\n"}
        return self.server(b"220-mx ESMTP\r\n220 hello\r\n", answers, **options)

    def imap_server(self, **options):
        answers = {"CAPABILITY": b"* CAPABILITY IMAP4REV1\r\nTAG OK x\r\n", "STARTTLS": b"TAG OK go\r\n", "LOGIN": b"TAG OK in\r\n", "LOGOUT": b"* BYE\r\nTAG OK x\r\n"}
        return self.server(b"* OK [CAPABILITY IMAP4REV1 STARTTLS] hi\r\n", answers, **options)

    def mine(self):
        return peers.client_context(self.pki.ca("root"), self.pki.client())

    def test_a_mail_client_in_plaintext_reaches_a_server_that_demands_a_certificate(self):
        self.kind = "smtp"
        server = self.smtp_server()
        with smtplib.SMTP("127.0.0.1", self.upstream(server.port), timeout=peers.IO_S) as client:
            client.login("user", "word", initial_response_ok=True)
        before, after = bytes(server.received).decode().split("(tls)\n")
        self.assertEqual("EHLO localhost\nSTARTTLS\n", before)
        self.assertIn("AUTH PLAIN", after)

    def test_a_mail_client_starts_tls_here(self):
        self.kind = "smtp"
        server = self.smtp_server(tls=False)
        with smtplib.SMTP("localhost", self.listener(server.port), timeout=peers.IO_S) as client:
            client.ehlo()
            self.assertEqual(530, client.docmd("AUTH PLAIN AGEAYg==")[0])
            client.starttls(context=self.mine())
            client.login("user", "word", initial_response_ok=True)
        self.assertNotIn("STARTTLS", bytes(server.received).decode())
        server = self.smtp_server()
        with smtplib.SMTP("localhost", self.both(server.port), timeout=peers.IO_S) as client:
            client.starttls(context=self.mine())
            client.login("user", "word", initial_response_ok=True)
        self.assertIn("(tls)\nehlo", bytes(server.received).decode())

    def test_imap_on_each_side(self):
        self.kind = "imap"
        with imaplib.IMAP4("127.0.0.1", self.upstream(self.imap_server().port), timeout=peers.IO_S) as client:
            self.assertEqual("OK", client.login("user", "word")[0])
        server = self.imap_server(tls=False)
        with imaplib.IMAP4("localhost", self.listener(server.port), timeout=peers.IO_S) as client:
            with self.assertRaises(imaplib.IMAP4.error):
                client.login("user", "word")
            client.starttls(self.mine())
            self.assertEqual("OK", client.login("user", "word")[0])
        with imaplib.IMAP4("localhost", self.both(self.imap_server().port), timeout=peers.IO_S) as client:
            client.starttls(self.mine())
            self.assertEqual("OK", client.login("user", "word")[0])

    def test_a_client_that_says_more_than_starttls_is_refused(self):
        self.kind = "smtp"
        port = self.listener(self.smtp_server(tls=False).port)
        with socket.create_connection(("127.0.0.1", port)) as client:
            peers.read_until(client, b"\r\n")
            client.sendall(b"STARTTLS\r\nMAIL FROM:<a@b>\r\n")
            self.assertEqual(b"220 2.0.0 Ready to start TLS\r\n", peers.read_all(client)[0])
        self.assert_refused("behind the go-ahead")

    def test_check_and_health_checks_start_tls_too(self):
        self.kind = "smtp"
        server, text = self.smtp_server(), 'health = { interval = "100ms"; };'
        path = self.config(self.injector_text(harness.free_port(), f"127.0.0.1:{server.port}", protocol="tcp", tls='starttls = "smtp";'))
        done = self.command("check", "-c", path, "--connect")
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertIn("TLS1.3", done.stdout)
        socket_path = self.folder / "a.sock"
        port = harness.free_port()
        self.mtlsd = self.daemon(f'admin = {{ socket = "unix:{socket_path}"; }};\n' + self.injector_text(port, f"127.0.0.1:{server.port}", protocol="tcp",
                                 tls='starttls = "smtp";', upstream=text), [port], [socket_path])
        harness.wait_for(lambda: bytes(server.received).count(b"(tls)") >= 3, "health checks")
        self.assertNotIn("down", self.command("status", "-c", self.mtlsd.config_path).stdout)


@unittest.skipIf(databases.missing("postfix", "postconf"), "no postfix")
@unittest.skipIf(os.getuid() != 0, "postfix begins as root")
class Postfix(Case):
    """The real server behind, which demands a certificate, and the real client in front, which has one."""
    kind = "smtp"
    MAIL = "Subject: words\r\n\r\nthrough the middle\r\n"

    def send(self, port):
        with smtplib.SMTP("127.0.0.1", port, local_hostname="app.test", timeout=peers.IO_S) as client:
            self.assertEqual({}, client.sendmail("from@app.test", ["to@far.test"], self.MAIL))

    def test_smtplib_in_plaintext_reaches_a_server_that_demands_a_certificate(self):
        server = databases.Postfix(self)
        with smtplib.SMTP("127.0.0.1", server.port, timeout=peers.IO_S) as client:
            self.assertEqual(530, client.docmd("MAIL", "FROM:<from@app.test>")[0], "without TLS")
            client.starttls(context=peers.client_context(self.pki.ca("root")))
            with self.assertRaises(smtplib.SMTPException, msg="without a certificate"):
                client.sendmail("from@app.test", ["to@far.test"], self.MAIL)
        self.send(self.upstream(server.port))
        harness.wait_for(lambda: "status=sent (far.test)" in server.process.log, "the mail to be taken")
        self.assertIn("Trusted TLS connection established from localhost[127.0.0.1]: TLSv1.3", server.process.log)

    def test_a_server_sends_its_mail_on_with_a_certificate(self):
        front = harness.free_port()
        server = databases.Postfix(self, relay=front)
        listening = self.daemon(self.verifier_text(front, server.plain, protocol="tcp", tls='starttls = "smtp";'), [front])
        self.send(self.upstream(server.port))
        sent = rf"postfix/smtp.*relay=127\.0\.0\.1\[127\.0\.0\.1\]:{front},.*status=sent"
        harness.wait_for(lambda: re.search(sent, server.process.log) and "status=sent (far.test)" in server.process.log, "the mail to come round")
        self.assertRegex(server.process.log, r"postfix/smtp\S*: Verified TLS connection established to 127\.0\.0\.1")
        self.assertRegex(listening.log, r"info  connection listener=public .* cert=valid .* peer=\"CN=client1,")


class Names(Case):
    """Routes of tcp by the client's server name, of TLS that ends here and of TLS that passes through."""

    def backends(self):
        return [peers.Server(self, lambda s, c, name=name: (c.recv(100), c.sendall(name))).port for name in (b"a", b"b")]

    def ask(self, port, name, context):
        with socket.create_connection(("127.0.0.1", port), peers.IO_S) as plain, context.wrap_socket(plain, server_hostname=name) as tls:
            tls.sendall(b"?")
            return tls.recv(10)

    def text(self, listener, ports, tls=""):
        routes = 'routes = ( { sni = "a.example"; upstream = "a"; }, { sni = "*.b.example"; upstream = "b"; } );'
        return 'upstreams = {' + "".join(f'{n} = {{ targets = "127.0.0.1:{p}"; }};' for n, p in zip("ab", ports)) + '};\n' + tls + \
            f'listeners = {{ app = {{ {listener} {routes} }}; }};'

    def client(self):
        context = peers.client_context(self.pki.ca("root"), self.pki.client())
        context.check_hostname = False
        return context

    def test_the_server_name_chooses_the_upstream(self):
        port, ports = harness.free_port(), self.backends()
        tls = f'identities = {{ me = {{ bundle = "{self.pki.server().pem}"; }}; }}; trusts = {{ t = {{ ca = "{self.pki.ca("root").crt}"; }}; }};\n'
        listener = f'bind = "127.0.0.1:{port}"; protocol = "tcp"; tls = {{ identity = "me"; trust = "t"; }};'
        self.mtlsd = self.daemon(self.text(listener, ports, tls), [port])
        self.assertEqual(b"a", self.ask(port, "a.example", self.client()))
        self.assertEqual(b"b", self.ask(port, "X.b.example", self.client()))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.client()
            context.minimum_version = context.maximum_version = version
            with self.assertRaisesRegex(ssl.SSLError, "unrecognized name"):
                self.ask(port, "c.example", context)
        self.assert_refused("no route is for the client's server name", "no_route")

    def test_tls_passes_through_to_the_server_of_its_name(self):
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))
        ports = [peers.tls_server(self, context, lambda s, c, name=name: (c.recv(100), c.sendall(name))).port for name in (b"a", b"b")]
        port = harness.free_port()
        self.mtlsd = self.daemon(self.text(f'bind = "127.0.0.1:{port}"; protocol = "tls-passthrough";', ports), [port])
        recut = peers.Recut(self, port, 7).port
        for at in (port, recut):
            self.assertEqual(b"a", self.ask(at, "a.example", self.client()))
            self.assertEqual(b"b", self.ask(at, "x.b.example", self.client()))
            with self.assertRaisesRegex(ssl.SSLError, "unrecognized name"):
                self.ask(at, "c.example", self.client())
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            self.assertEqual(b"", peers.read_all(client)[0])
        self.assert_refused("does not speak TLS", "tls_failed")


@unittest.skipIf(databases.missing("postgres", "initdb", "psql"), "no PostgreSQL")
class PostgreSQL(Case):
    kind = "postgres"

    def test_psql_reaches_a_server_that_demands_a_certificate(self):
        server = databases.Postgres(self)
        self.assertNotEqual(0, server.query("select 1", port=server.port)[0], "without a certificate")
        port = self.upstream(server.port)
        ask = "select 7 * 6, ssl, client_serial is not null from pg_stat_ssl where pid = pg_backend_pid()"
        for mode in ("disable", "allow", "prefer"):
            self.assertEqual((0, "42|t|t"), server.query(ask, port=port, sslmode=mode), mode)
        code, text = server.query(ask, port=port, sslmode="require")
        self.assertIn("does not support SSL", text, "its own wish for TLS is refused as PostgreSQL refuses it")
        with self.subTest("through TLS of our own"):
            mine = dict(sslcert=self.pki.client().crt, sslkey=self.pki.client().key, sslrootcert=self.pki.ca("root").crt)
            plain = self.listener(server.port)
            self.assertEqual((0, "f"), server.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()", port=plain, host="localhost", database="plain",
                                                    sslmode="verify-full", **mine))
            code, text = server.query("select 1", port=plain, database="plain", sslmode="disable")
            self.assertIn("TLS is required: connect with sslmode=require or stricter", text)
            self.assert_refused("the client did not ask for TLS")
            code, text = server.query("select 1", port=plain, database="plain", sslmode="require", sslcert="", sslrootcert="")
            self.assertNotEqual(0, code, "without a certificate")
            self.assertEqual((0, "42|t|t"), server.query(ask, port=self.both(server.port), host="localhost", sslmode="verify-full", **mine))

    def test_a_server_without_tls_gets_nothing_of_the_client(self):
        server = peers.Server(self, lambda s, c: (s.record(c.recv(8)), c.sendall(b"N"), s.record(c.recv(4096))))
        port = self.upstream(server.port)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"\0\0\0\x10\0\3\0\0user\0a\0\0")
            self.assertEqual(b"", peers.read_all(client)[0])
        self.assert_refused("answered N to SSLRequest")
        self.assertEqual(b"\0\0\0\x08\x04\xd2\x16\x2f", bytes(server.received))

    def test_a_client_may_begin_tls_at_once(self):
        backend = peers.Server(self, lambda s, c: c.sendall(s.record(c.recv(100))))
        port = self.verifier(backend.port, protocol="tcp", tls='starttls = "postgres"; alpn = "postgresql";')
        context = peers.client_context(self.pki.ca("root"), self.pki.client())
        context.set_alpn_protocols(["postgresql"])
        with socket.create_connection(("127.0.0.1", port), peers.IO_S) as plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
            self.assertEqual("postgresql", tls.selected_alpn_protocol())
            tls.sendall(b"startup")
            self.assertEqual(b"startup", tls.recv(100))

    def test_bytes_behind_the_go_ahead_end_the_connection(self):
        server = peers.Server(self, lambda s, c: (c.recv(8), c.sendall(b"SR\0\0\0\x08\0\0\0\0"), s.record(c.recv(4096))))
        port = self.upstream(server.port)
        with socket.create_connection(("127.0.0.1", port)) as client:
            self.assertEqual(b"", peers.read_all(client)[0])
        self.assert_refused("behind the go-ahead")
        self.assertEqual(b"", bytes(server.received))


@unittest.skipIf(databases.missing("mariadbd", "mariadb-install-db", "mariadb"), "no MariaDB")
class MySQL(Case):
    kind = "mysql"

    def test_mariadb_reaches_a_server_that_demands_a_certificate(self):
        server = databases.Mariadb(self)
        ask = "select 7 * 6; show status like 'Ssl_version'"
        self.assertNotEqual(0, server.query(ask, "--ssl", port=server.port)[0], "without a certificate")
        port = self.upstream(server.port)
        injector = self.mtlsd
        code, text = server.query(ask, "--skip-ssl", port=port)
        self.assertEqual((0, "42\nSsl_version\tTLSv1.3"), (code, text))
        code, text = server.query(ask, "--skip-ssl", "--compress", port=port)
        self.assertEqual((0, "42\nSsl_version\tTLSv1.3"), (code, text))
        code, text = server.query(ask, "--skip-ssl", port=port, password="wrong")
        self.assertIn("Access denied", text)
        mine = ["--ssl", f"--ssl-cert={self.pki.client().crt}", f"--ssl-key={self.pki.client().key}", f"--ssl-ca={self.pki.ca('root').crt}"]
        plain = self.listener(server.port)
        code, text = server.query(ask, *mine, port=plain, user="plain")
        self.assertEqual((0, "42\nSsl_version"), (code, text))
        code, text = server.query(ask, "--skip-ssl", port=plain, user="plain")
        self.assertIn("TLS is required", text)
        listener = self.mtlsd
        code, text = server.query(ask, *mine, port=self.both(server.port))
        self.assertEqual((0, "42\nSsl_version\tTLSv1.3"), (code, text))
        for daemon in (injector, listener, self.mtlsd): # all sessions ended as they should, though neither end of them says close_notify
            self.assertNotRegex(daemon.log, "reason=(truncated|upstream_closed)")


@unittest.skipIf(databases.missing("slapd", "ldapsearch"), "no slapd")
class Ldap(Case):
    kind = "ldap"

    def test_ldapsearch_reaches_a_directory_that_demands_a_certificate(self):
        server = databases.Slapd(self)
        found = "supportedLDAPVersion: 3"
        self.assertNotIn(found, server.search(port=server.port)[1])
        self.assertIn(found, server.search(port=self.upstream(server.port))[1])
        mine = dict(LDAPTLS_CACERT=str(self.pki.ca("root").crt), LDAPTLS_CERT=str(self.pki.client().crt), LDAPTLS_KEY=str(self.pki.client().key))
        self.assertIn(found, server.search("-ZZ", port=self.both(server.port), env=mine)[1])
        self.assertIn("Confidentiality required (13)", server.search(port=self.listener(server.port))[1])


if __name__ == "__main__":
    harness.main()
