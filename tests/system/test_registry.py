# SPDX-License-Identifier: Apache-2.0
"""Certificates in a database: a row decides, a changed row counts within a second, and a database that is away keeps nobody in for ever. SQLite."""
import contextlib
import hashlib
import json
import os
import socket
import sqlite3
import ssl
import time
import unittest

import harness
import peers
from harness import wait_for


class Case(peers.Callers, harness.Case):
    """A verifier whose trust has a registry; good is listed in it, other is not."""

    def setUp(self):
        super().setUp()
        self.root = self.pki.ca("root")
        self.good = self.pki.client()
        self.other = self.pki.leaf("rg-other", eku=("clientAuth",))
        self.path = self.folder / "registry.db"

    def database(self):
        return f"sqlite:{self.path}"

    def registry(self, word, *arguments, code=0):
        done = self.command("registry", word, *arguments, "--database", self.database())
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def fill(self):
        self.registry("init")
        self.registry("add", self.good.crt, "--owner", "billing", "--attribute", "role=ops")

    def start(self, *, protocol="http", registry="", trust="", change=lambda text: text, **options):
        self.backend = peers.Backend(self)
        text = self.verifier_text(self.free_port(), self.backend.port, protocol=protocol,
                                  trust=f'ca = "{self.root.crt}"; registry = "partners"; {trust}', **options)
        text += f'registries = {{ partners = {{ database = "{self.database()}"; {registry} }}; }};\n'
        text += f'admin = {{ socket = "unix:{self.folder}/admin.sock"; }};\n'
        self.mtlsd = self.daemon(change(text), ports=[self.port])

    def free_port(self):
        self.port = harness.free_port()
        return self.port

    def status(self):
        return json.loads(self.command("status", "--json", "-c", self.folder / "mtlsd.conf").stdout)


class Rows(Case):
    def test_a_certificate_that_is_not_listed_is_refused_and_told_why(self):
        self.fill()
        self.start()
        self.assertTrue(self.is_let_in(self.good))
        self.assertEqual("TLSV1_ALERT_ACCESS_DENIED", self.end_of(self.connect(self.other)))
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.other.crt.read_text())).hexdigest()
        self.assertIn(f"not in registry partners (SHA-256 {digest})", self.mtlsd.log)
        self.assertIn("reason=not_registered", self.mtlsd.log)
        self.registry("add", digest)  # as the message names it
        wait_for(lambda: self.is_let_in(self.other), "the certificate that was added")

    def test_a_row_that_changes_ends_live_connections_within_a_second(self):
        self.fill()
        self.registry("add", self.other.crt)
        self.start()
        for word, alert in (("suspend", "TLSV1_ALERT_ACCESS_DENIED"), ("revoke", "SSLV3_ALERT_CERTIFICATE_REVOKED")):
            held, kept = self.connect(self.other), self.connect(self.good)
            self.assertEqual([200, 200], [self.ask(held), self.ask(kept)])
            self.registry(word, self.other.crt)
            began = time.monotonic()
            self.assertEqual(alert, self.end_of(held))
            self.assertLess(time.monotonic() - began, harness.busy(1))
            self.assertFalse(self.is_let_in(self.other))
            self.assertEqual(200, self.ask(kept))
            if word == "suspend":
                self.registry("resume", self.other.crt)
                wait_for(lambda: self.is_let_in(self.other), "the certificate that was resumed")
        self.assertIn("cannot be resumed", self.registry("resume", self.other.crt, code=3))

    def test_a_tunnel_ends_too_and_a_deleted_row_is_no_row(self):
        self.fill()
        self.start(protocol="tcp")
        held = self.connect(self.good)
        self.assertEqual(200, self.ask(held))
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            db.execute("DELETE FROM mtlsd_certificates")
            db.commit()
        began = time.monotonic()
        self.assertEqual("TLSV1_ALERT_ACCESS_DENIED", self.end_of(held))
        self.assertLess(time.monotonic() - began, harness.busy(1))

    def test_deny_listed_accepts_what_has_no_row(self):
        self.registry("init")
        self.start(trust='registry_mode = "deny_listed";')
        held = self.connect(self.other)
        self.assertEqual(200, self.ask(held))
        self.registry("add", self.other.crt, "--state", "revoked")
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_REVOKED", self.end_of(held))
        self.assertTrue(self.is_let_in(self.good))

    def test_a_session_is_not_resumed_after_its_row_changed(self):
        self.fill()
        self.registry("add", self.other.crt)
        self.start(tls="tickets = true;")
        context = peers.client_context(self.root, self.good)
        first = peers.secure(self.port, context)
        self.assertEqual(200, self.ask(first))
        session = first.session
        first.close()

        def resumes():
            with contextlib.closing(context.wrap_socket(peers.connect(self.port), server_hostname="localhost", session=session)) as again:
                self.assertEqual(200, self.ask(again))
                return again.session_reused
        self.assertTrue(resumes())
        self.registry("revoke", self.other.crt)
        wait_for(lambda: not self.is_let_in(self.other), "the revoked certificate to be refused")
        self.assertFalse(resumes())

    def test_a_rule_of_the_listener_still_counts(self):
        self.fill()
        self.start(listener='allow = ( { cn = "nobody here"; } );')
        self.assertEqual(403, self.ask(self.connect(self.good)))

    def test_attributes_decide_and_are_told(self):
        """Rules match them, backends get them, and one that changes counts within a second, also for a tunnel."""
        self.fill()
        self.registry("add", self.other.crt, "--attribute", "role=guest")
        routes = ('routes = ( { path = "/ops"; caller = ( { attribute = { role = "ops"; owner = "bill*"; }; } ); respond = 204; }, '
                  '{ upstream = "app"; set_headers = { X-Owner = "{registry.owner}"; X-Role = "{registry.role}"; }; } );')
        self.start(change=lambda text: text.replace('upstream = "app";', routes))
        for certificate, path, status in ((self.good, "/ops", 204), (self.other, "/ops", 200)):
            connection = self.connect(certificate)
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Role: forged\r\n\r\n".encode())
            self.assertEqual(status, peers.response(connection)[0])
        head = self.backend.requests[-1].head
        self.assertIn(b"X-Role: guest\r\n", head)
        self.assertNotIn(b"X-Owner", head)
        self.assertNotIn(b"forged", head)

    def test_an_attribute_that_changes_ends_a_tunnel(self):
        self.fill()
        self.start(protocol="tcp", listener='allow = ( { attribute = { role = "ops"; }; } );')
        held = self.connect(self.good)
        self.assertEqual(200, self.ask(held))
        self.registry("set", self.good.crt, "--attribute", "role=guest")
        self.assertEqual("TLSV1_ALERT_ACCESS_DENIED", self.end_of(held))
        self.assertFalse(self.is_let_in(self.good))

    def test_a_reload_keeps_the_rows(self):
        self.fill()
        self.start()
        held = self.connect(self.good)
        self.assertEqual(200, self.ask(held))
        reads = self.mtlsd.log.count("partners was read")
        self.assertEqual(1, reads)
        os.rename(self.path, self.folder / "gone.db")  # nothing is read again
        self.mtlsd.signal(1)
        wait_for(lambda: "generation 2" in self.mtlsd.log, "the reload")
        self.assertEqual(200, self.ask(held))
        self.assertTrue(self.is_let_in(self.good))


class Away(Case):
    def test_a_start_without_the_database_lets_nobody_in_and_says_so(self):
        self.start()
        self.assertFalse(self.is_let_in(self.good))
        self.assertIn("no certificate is accepted until the database can be read", self.mtlsd.log)
        self.assertIn("create it with mtlsd registry init", self.mtlsd.log)
        self.assertIn("reason=registry_stale", self.mtlsd.log)
        self.fill()
        wait_for(lambda: self.is_let_in(self.good), "the database that came")

    def test_the_last_rows_count_until_max_staleness(self):
        self.fill()
        self.start(registry='max_staleness = "2s";')
        held = self.connect(self.good)
        self.assertEqual(200, self.ask(held))
        os.rename(self.path, self.folder / "gone.db")
        self.assertTrue(self.is_let_in(self.good))
        wait_for(lambda: "partners cannot be read, the last rows count until max_staleness" in self.mtlsd.log, "the log line")
        wait_for(lambda: not self.is_let_in(self.good), "the end of max_staleness")
        self.assertIn("longer than max_staleness", self.mtlsd.log)
        ready = self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/readyz")
        self.assertEqual((503, "registry_stale"), (ready.status, ready.json()["result"]))
        with contextlib.suppress(ssl.SSLError, OSError):  # kept open, and its next request is refused as well
            self.assertNotEqual(200, self.ask(held))
        os.rename(self.folder / "gone.db", self.path)
        wait_for(lambda: self.is_let_in(self.good), "the rows to count again")
        self.assertIn("partners can be read again", self.mtlsd.log)

    def test_another_file_in_its_place_is_read_whole(self):
        """A symbolic link that changes, or a file that is renamed over: no commit moves a mark, and the rows are others."""
        self.fill()
        other, link = self.folder / "other.db", self.folder / "link.db"
        os.rename(self.path, self.folder / "first.db")
        link.symlink_to("first.db")
        self.path = other
        self.registry("init")
        self.registry("add", self.other.crt)
        self.path = link
        self.start()
        held = self.connect(self.good)
        self.assertEqual(200, self.ask(held))
        (self.folder / "fresh").symlink_to("other.db")
        os.replace(self.folder / "fresh", link)
        began = time.monotonic()
        self.assertEqual("TLSV1_ALERT_ACCESS_DENIED", self.end_of(held))
        self.assertLess(time.monotonic() - began, harness.busy(1))
        self.assertTrue(self.is_let_in(self.other))

    def test_files_that_are_no_registry(self):
        for why, says in (("text", "file is not a database"), ("empty", "no such table"), ("tables", "no such table"), ("newer", "have version 9"),
                          ("folder", "is no file"), ("writable", "every user can change it")):
            with self.subTest(why):
                self.path = self.folder / f"{why}.db"
                if why == "text":
                    self.path.write_text("no database at all\n" * 100)
                elif why == "empty":
                    self.path.touch()
                elif why == "folder":
                    self.path.mkdir()
                else:
                    with contextlib.closing(sqlite3.connect(self.path)) as db:
                        db.executescript("CREATE TABLE t (x)" if why == "tables" else "CREATE TABLE mtlsd_schema (version); INSERT INTO mtlsd_schema VALUES (9)")
                if why == "writable":
                    self.path.unlink()
                    self.fill()
                    self.path.chmod(0o666)
                self.port = harness.free_port()
                text = self.verifier_text(self.port, 9, trust=f'ca = "{self.root.crt}"; registry = "partners";')
                text += f'registries = {{ partners = {{ database = "{self.database()}"; }}; }};\n'
                done = self.command("check", "-c", self.config(text, name=f"{why}.conf"))
                self.assertIn(says, done.stdout + done.stderr)
                self.assertEqual(3 if why == "writable" else 0, done.returncode, done.stdout)
        self.assertIn("have version 9", self.registry_of("newer", "list"))
        self.assertIn("create the tables with mtlsd registry init", self.registry_of("empty", "list"))

    def registry_of(self, name, word):
        self.path = self.folder / f"{name}.db"
        return self.registry(word, code=3 if name == "newer" else 1)

    def test_a_lock_of_another_process_does_not_stop_the_traffic(self):
        """In WAL mode readers do not wait; without it a lock that stays is a database that is away, and the last rows count."""
        self.fill()
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = DELETE")
            self.start()
            self.assertTrue(self.is_let_in(self.good))
            db.execute("BEGIN EXCLUSIVE")
            began = time.monotonic()
            while time.monotonic() - began < 1:
                self.assertTrue(self.is_let_in(self.good))
            db.execute("UPDATE mtlsd_certificates SET state = 'revoked'")
            db.execute("COMMIT")
            wait_for(lambda: not self.is_let_in(self.good), "the row that changed under the lock")

    def test_a_disk_that_is_full_stops_writers_only(self):
        self.fill()
        self.start()
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            pages = db.execute("PRAGMA page_count").fetchone()[0]
            db.execute(f"PRAGMA max_page_count = {pages}")  # SQLITE_FULL, as a full disk gives it
            with self.assertRaisesRegex(sqlite3.OperationalError, "full"):
                for i in range(100000):
                    db.execute("INSERT INTO mtlsd_certificates (sha256) VALUES (?)", (hashlib.sha256(str(i).encode()).hexdigest(),))
        self.assertTrue(self.is_let_in(self.good))
        self.registry("suspend", self.good.crt)
        wait_for(lambda: not self.is_let_in(self.good), "a change after there was room again")


class BadRows(Case):
    def test_a_row_that_is_not_understood_refuses_its_certificate_only(self):
        self.fill()
        self.registry("add", self.other.crt)
        self.start()
        held = self.connect(self.other)
        self.assertEqual(200, self.ask(held))
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.other.crt.read_text())).hexdigest()
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            db.execute("PRAGMA ignore_check_constraints = ON")
            db.execute("UPDATE mtlsd_certificates SET state = 7 WHERE sha256 = ?", (digest,))
            db.execute("INSERT INTO mtlsd_certificates (sha256, state) VALUES (?, ?)", (b"\0\1\2", 1.5))
            db.commit()
        self.assertEqual("TLSV1_ALERT_ACCESS_DENIED", self.end_of(held))
        self.assertTrue(self.is_let_in(self.good))
        wait_for(lambda: 'state is \\"7\\"' in self.mtlsd.log, "the fault of the row")
        self.assertIn("sha256 is no SHA-256", self.mtlsd.log)
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            for value, goes in (('{"a": "%s"}' % ("x" * 15000), True), ('{"a": "%s"}' % ("x" * 32768), False), ("{", False), ("", True)):
                db.execute("PRAGMA ignore_check_constraints = ON")
                db.execute("UPDATE mtlsd_certificates SET state = 'active', attributes = ? WHERE sha256 = ?", (value, digest))
                db.commit()
                wait_for(lambda: self.is_let_in(self.other) == goes, f"attributes of {len(value)} bytes")

    def test_a_row_that_changes_a_thousand_times_a_second(self):
        """The changes are read some at a time; the last one counts, and others go on."""
        self.fill()
        self.registry("add", self.other.crt)
        self.start()
        held = self.connect(self.good)
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            db.execute("PRAGMA synchronous = OFF")
            for i in range(2000):
                db.execute("UPDATE mtlsd_certificates SET note = ? WHERE owner IS NULL", (str(i),))
                if i % 200 == 0:
                    self.assertEqual(200, self.ask(held))
            self.assertEqual(1, db.execute("UPDATE mtlsd_certificates SET state = 'suspended' WHERE note = '1999'").rowcount)
        began = time.monotonic()
        wait_for(lambda: not self.is_let_in(self.other), "the last change")
        self.assertLess(time.monotonic() - began, harness.busy(1))
        self.assertEqual(200, self.ask(held))

    def test_twenty_thousand_rows_come_while_traffic_goes_on(self):
        self.fill()
        self.start()
        held = self.connect(self.good)
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            db.executemany("INSERT INTO mtlsd_certificates (sha256) VALUES (?)", ((hashlib.sha256(str(i).encode()).hexdigest(),) for i in range(20000)))
            db.commit()
        longest = 0
        deadline = time.monotonic() + 20
        while self.status()["registries"][0]["rows"] != 20001 and time.monotonic() < deadline:
            began = time.monotonic()
            self.assertEqual(200, self.ask(held))
            longest = max(longest, time.monotonic() - began)
        self.assertEqual(20001, self.status()["registries"][0]["rows"])
        self.assertLess(longest, harness.busy(1))

    def test_more_changes_than_are_kept_are_a_whole_read(self):
        self.fill()
        self.start()
        held = self.connect(self.good)
        self.assertEqual(200, self.ask(held))
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            db.execute("UPDATE mtlsd_certificates SET state = 'revoked'")
            db.execute("DELETE FROM mtlsd_changes")
            db.execute("INSERT INTO mtlsd_changes (sha256) VALUES ('none')")
            db.commit()
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_REVOKED", self.end_of(held))


class Commands(Case):
    def test_rows_go_out_and_come_back(self):
        self.fill()
        self.registry("add", self.other.crt, "--key", "--note", "one for all renewals")
        rows = json.loads(self.registry("export"))
        self.assertEqual({"certificate", "key"}, {row["kind"] for row in rows})
        self.write("rows.json", json.dumps(rows))
        self.path = self.folder / "second.db"
        self.registry("init")
        self.assertIn("imported 2 rows", self.registry("import", self.folder / "rows.json"))
        self.assertEqual(rows, json.loads(self.registry("export")))
        shown = json.loads(self.registry("show", self.other.crt, "--json"))
        self.assertEqual("one for all renewals", shown["note"])
        self.registry("set", self.good.crt, "--attribute", "role=", "--attribute", "level=3", "--note", "x")
        self.assertEqual({"level": "3"}, json.loads(self.registry("show", self.good.crt, "--json"))["attributes"])
        for text, says in (("{}", "no list of rows"), ("[", "no JSON"), ('[{"sha256": "12"}]', "row 1 of the file"),
                           ('[{"sha256": "%s", "state": "on"}]' % ("0" * 64), "state is")):
            self.write("bad.json", text)
            self.assertIn(says, self.registry("import", self.folder / "bad.json", code=3))
        self.assertEqual(2, len(json.loads(self.registry("list", "--json"))))

    def test_mistakes_are_told(self):
        self.assertIn("unable to open", self.registry("list", code=1))
        self.registry("init")
        self.assertIn("already", self.registry("init"))
        self.registry("add", self.good.crt)
        self.assertIn("in the registry already", self.registry("add", self.other.crt, self.good.crt, code=3))
        self.assertIn("is not in the registry", self.registry("show", self.other.crt, code=3))
        self.assertIn("write NAME=VALUE", self.registry("add", self.other.crt, "--attribute", "role", code=2))
        self.assertIn("there are active", self.registry("add", self.other.crt, "--state", "on", code=2))
        self.assertEqual(0o640, self.path.stat().st_mode & 0o777)

    def test_tables_of_an_earlier_version_are_read_and_migrated(self):
        self.fill()
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            db.executescript("DROP TABLE mtlsd_sessions; UPDATE mtlsd_schema SET version = 1;")
        self.start()
        self.assertTrue(self.is_let_in(self.good))
        self.assertIn("from version 1 to 2", self.registry("init"))
        self.assertIn("no sessions", self.registry("sessions"))
        self.assertTrue(self.is_let_in(self.good))

    def test_the_configuration_names_the_database(self):
        text = (f'registries = {{ partners = {{ database = "sqlite:registry.db"; }}; }};\ntrusts = {{ c = {{ ca = "{self.root.crt}"; registry = "partners"; }}; }};\n'
                f'identities = {{ s = {{ bundle = "{self.pki.server().pem}"; }}; }};\n'
                'listeners = { l = { bind = "127.0.0.1:1"; routes = ( { respond = 204; } ); tls = { identity = "s"; trust = "c"; }; }; };\n')
        conf = self.config(text)
        for words in (("init",), ("add", self.good.crt), ("list",)):
            done = self.command("registry", *words, "-c", conf)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertTrue(self.path.exists())
        done = self.command("registry", "list", "-c", conf, "--registry", "other")
        self.assertIn('no registry "other" is defined', done.stderr)


class Issues(Case):
    """mtlsd pki issue --registry: a certificate with its row, or neither."""

    def setUp(self):
        super().setUp()
        self.ca = self.folder / "ca"
        self.assertEqual(0, self.command("pki", "init", "--dir", self.ca).returncode)
        self.registry("init")

    def issue(self, *arguments, code=0):
        done = self.command("pki", "issue", "payments", "--client", "--dir", self.ca, *arguments)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def files(self):
        return {path.name: path.read_bytes() for path in self.ca.iterdir() if path.name.startswith("payments")}

    def issued(self):
        return json.loads(self.command("pki", "show", "--dir", self.ca, "--json").stdout)

    def listed(self):
        return json.loads(self.registry("list", "--json"))

    def test_a_certificate_is_listed_and_let_in_at_once(self):
        self.start(change=lambda text: text.replace(f'ca = "{self.root.crt}"', f'ca = "{self.ca}/ca.pem"'))
        said = self.issue("--registry", self.database(), "--owner", "billing", "--note", "first", "--attribute", "role=ops")
        self.assertIn("and a row of the registry", said)
        row, = self.listed()
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert((self.ca / "payments.crt").read_text())).hexdigest()
        self.assertEqual((digest, "certificate", "active", "billing", "first", {"role": "ops"}),
                         tuple(row[key] for key in ("sha256", "kind", "state", "owner", "note", "attributes")))
        self.assertIn("CN=payments", row["subject"])
        context = peers.client_context(self.root)
        context.load_cert_chain(self.ca / "payments.pem")

        def let_in():
            with contextlib.suppress(ssl.SSLError, OSError), contextlib.closing(peers.secure(self.port, context)) as connection:
                return self.ask(connection) == 200
        wait_for(let_in, "the new certificate")
        self.issue("--force", "--registry", "partners", "-c", self.folder / "mtlsd.conf")
        self.assertEqual(2, len(self.listed()))

    def test_it_fails_as_a_whole(self):
        good = self.database()
        for arguments, says, code in (([f"sqlite:{self.folder}/none.db"], "unable to open", 1), (["postgresql://x@127.0.0.1:1/x"], "PostgreSQL", 1),
                                      (["partners", "-c", self.folder / "none.conf"], "none.conf", 3)):
            with self.subTest(says):
                self.assertIn(says, self.issue("--registry", *arguments, code=code))
                self.assertEqual(({}, []), (self.files(), self.issued()))
        # a row that cannot be committed, which shows only at the end
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            db.executescript("CREATE TABLE a (x PRIMARY KEY); CREATE TABLE b (y REFERENCES a (x) DEFERRABLE INITIALLY DEFERRED); "
                             "CREATE TRIGGER c AFTER INSERT ON mtlsd_certificates WHEN new.owner = 'bad' BEGIN INSERT INTO b VALUES (1); END")
        self.assertIn("FOREIGN KEY", self.issue("--registry", good, "--owner", "bad", code=1))
        self.assertEqual(({}, [], []), (self.files(), self.issued(), self.listed()))
        self.issue("--registry", good)
        before = self.files()
        self.assertIn("FOREIGN KEY", self.issue("--registry", good, "--owner", "bad", "--force", code=1))
        self.assertEqual(before, self.files())
        self.assertEqual((1, 1), (len(self.issued()), len(self.listed())))
        self.assertEqual(0o600, (self.ca / "payments.key").stat().st_mode & 0o777)
        # a file that cannot be written
        (self.ca / "payments.crt").unlink()
        (self.ca / "payments.crt").mkdir()
        self.issue("--registry", good, "--force", code=1)
        self.assertEqual((1, 1), (len(self.issued()), len(self.listed())))

    def test_mistakes_are_told_before_anything_is_made(self):
        self.assertIn("add --registry", self.issue("--owner", "billing", code=2))
        self.assertIn("write NAME=VALUE", self.issue("--registry", self.database(), "--attribute", "role", code=2))
        self.assertEqual(({}, [], []), (self.files(), self.issued(), self.listed()))


class Told(Case):
    def test_status_check_and_explain_tell_of_it(self):
        self.fill()
        self.start()
        registry = self.status()["registries"][0]
        self.assertEqual(("partners", 1, {"active": 1}, True), (registry["name"], registry["rows"], registry["states"], registry["loaded"]))
        self.assertLess(registry["age"], 5)
        self.assertIn("partners", self.command("status", "-c", self.folder / "mtlsd.conf").stdout)
        conf = self.folder / "mtlsd.conf"
        metrics = self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/metrics").text
        self.assertIn('mtlsd_registry_rows{registry="partners",state="active"} 1\n', metrics)
        self.assertRegex(metrics, r'mtlsd_registry_age_seconds\{registry="partners"\} [0-4]\n')
        self.assertIn("REGISTRY", self.command("check", "-c", conf).stdout)
        for certificate, word in ((self.good, "valid"), (self.other, "not_registered")):
            done = self.command("explain", "-c", conf, "--cert", certificate.crt, "--request", "GET /")
            self.assertIn(word, done.stdout)
            self.assertEqual(0 if word == "valid" else 4, self.command("verify", "-c", conf, certificate.crt).returncode)

    def test_the_shipped_sample(self):
        self.fill()
        self.registry("add", self.other.crt)
        self.backend, self.port = peers.Backend(self), harness.free_port()
        text = (harness.ROOT / "conf/registry.conf").read_text()
        for before, after in (('"server.pem"', f'"{self.pki.server().pem}"'), ('"client-ca.pem"', f'"{self.root.crt}"'), ("127.0.0.1:9000", f"127.0.0.1:{self.backend.port}"),
                              ('":8443"', f'"127.0.0.1:{self.port}"')):
            self.assertIn(before, text)
            text = text.replace(before, after)
        self.mtlsd = self.daemon(text, ports=[self.port])
        for certificate, path, status in ((self.good, "/", 200), (self.good, "/admin", 200), (self.other, "/", 200), (self.other, "/admin", 403)):
            connection = self.connect(certificate)
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            self.assertEqual(status, peers.response(connection)[0], path)
        self.assertIn(b"X-Owner: billing\r\n", self.backend.requests[0].head)

    def test_a_daemon_without_a_registry_has_no_library_of_one(self):
        self.backend = peers.Backend(self)
        self.verifier(self.backend.port)
        with open(f"/proc/{self.mtlsd.pid}/maps", encoding="ascii") as maps:
            self.assertNotRegex(maps.read(), "libsqlite3|libpq")


if __name__ == "__main__":
    harness.main()
