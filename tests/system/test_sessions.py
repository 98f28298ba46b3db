# SPDX-License-Identifier: Apache-2.0
"""Connections of verified callers as rows of a database (sessions = true): who, where, from when to when, how much, and how it ended. A database that is
slow, locked, full or away costs rows, which are counted, and never traffic."""
import contextlib
import hashlib
import json
import re
import socket
import sqlite3
import ssl
import subprocess
import time
import unittest

import databases
import harness
import peers
from harness import wait_for
from test_registry import Case
from test_registry_postgres import Server


class Sessions(Case):
    def setUp(self):
        super().setUp()
        self.digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.good.crt.read_text())).hexdigest()

    def start(self, **options):
        super().start(**dict(dict(registry="sessions = true;"), **options))

    def rows(self, *arguments):
        return json.loads(self.registry("sessions", "--json", *arguments))

    def wait_for_rows(self, n, ended=True):
        wait_for(lambda: sum(not ended or row["ended"] is not None for row in self.rows("--last", "10000")) >= n, f"{n} rows", pause=0.3)
        return self.rows("--last", "10000")

    def visit(self, times=1, certificate=None):
        for _ in range(times):
            began = time.monotonic()
            with contextlib.closing(self.connect(certificate or self.good)) as connection:
                self.assertEqual(200, self.ask(connection))
            self.assertLess(time.monotonic() - began, harness.busy(2))

    def counted(self):
        return self.status()["registries"][0]["sessions"]


    def check_row(self, row, requests, began):
        self.assertEqual(("partners", socket.gethostname(), "public", "127.0.0.1", self.digest, "billing", requests, "valid"),
                         tuple(row[key] for key in ("registry", "host", "listener", "address", "sha256", "owner", "requests", "reason")))
        self.assertIn("CN=", row["subject"])
        self.assertGreater(row["bytes_out"], 0)
        for key in ("began", "ended"):
            at = time.mktime(time.strptime(row[key], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
            self.assertLess(abs(at - began), 60, row)
        self.assertLessEqual(row["began"], row["ended"])

    def check_http(self):
        self.start()
        began = time.time()
        with contextlib.closing(self.connect(self.good)) as connection:
            self.assertEqual([200, 200], [self.ask(connection), self.ask(connection)])
            row, = self.wait_for_rows(1, ended=False)
            self.assertEqual((None, None, None, self.digest), (row["ended"], row["requests"], row["reason"], row["sha256"]))
        self.check_row(self.wait_for_rows(1)[0], 2, began)
        url = f"https://localhost:{self.port}/"
        answer = self.curl("--http2", "--cacert", self.root.crt, "--cert", self.good.pem, url, *["-o", "/dev/null", url] * 2)
        self.assertEqual(200200200, answer.status, answer.error)
        rows = self.wait_for_rows(2)
        self.assertEqual({2, 3}, {row["requests"] for row in rows})
        self.check_row(next(row for row in rows if row["requests"] == 3), 3, began)
        self.visit(certificate=self.other)
        self.wait_for_rows(3)
        # the list's filters, and what is no caller
        with contextlib.suppress(ssl.SSLError, OSError):
            self.ask(self.connect(None))
        self.assertEqual(3, len(self.rows()))
        self.assertEqual(2, len(self.rows("--owner", "billing")))
        self.assertEqual([None], [row["owner"] for row in self.rows("--certificate", self.other.crt)])
        self.assertEqual(2, len(self.rows("--certificate", self.digest)))
        self.assertEqual(0, len(self.rows("--until", "2026-01-01")))
        self.assertEqual(1, len(self.rows("--last", "1")))
        self.assertEqual(3, len(self.rows("--since", "2026-01-01T00:00:00Z")))
        self.assertIn("--since", self.registry("sessions", "--since", "yesterday", code=2))
        self.assertIn("billing", self.registry("sessions"))
        metrics = self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/metrics").text
        self.assertIn('mtlsd_registry_sessions_total{registry="partners",result="written"} 3\n', metrics)
        self.assertIn('mtlsd_registry_sessions_total{registry="partners",result="lost"} 0\n', metrics)

    def check_tcp(self):
        self.start(protocol="tcp")
        began = time.time()
        with contextlib.closing(self.connect(self.good)) as connection:
            self.assertEqual(200, self.ask(connection))
            connection.unwrap()
        self.check_row(self.wait_for_rows(1)[0], 0, began)
        held = self.connect(self.good)
        self.assertEqual(200, self.ask(held))
        self.registry("revoke", self.good.crt)
        self.end_of(held)
        self.assertEqual({"valid", "revoked"}, {row["reason"] for row in self.wait_for_rows(2)})
        self.assertFalse(self.is_let_in(self.good)) # nor has it a row now
        self.mtlsd.stop()
        self.assertEqual(2, len(self.rows()))


class Sqlite(Sessions):
    def test_a_caller_of_http_1_and_2_has_a_row(self):
        self.fill()
        self.registry("add", self.other.crt)
        self.check_http()

    def test_a_tcp_connection_has_a_row_that_says_how_it_ended(self):
        self.fill()
        self.check_tcp()

    def sql(self, text, path=None):
        with contextlib.closing(sqlite3.connect(path or self.path, timeout=30)) as db:
            found = db.execute(text).fetchall()
            db.commit()
            return found

    def test_the_last_rows_are_written_when_the_daemon_stops(self):
        self.fill()
        self.start()
        self.visit(3)
        self.connect(self.good) # it asks for nothing
        self.mtlsd.stop()
        self.assertEqual(4, len(self.rows()))
        self.assertTrue(all(row["ended"] for row in self.rows()))

    def test_without_the_key_nothing_is_written(self):
        self.fill()
        self.start(registry="")
        self.visit()
        self.assertIsNone(self.counted())
        self.mtlsd.stop()
        self.assertEqual([], self.rows())

    def test_a_reload_begins_and_ends_it(self):
        self.fill()
        self.start(registry="")
        held = self.connect(self.good)
        self.assertEqual(200, self.ask(held))
        path = self.folder / "mtlsd.conf"
        without = path.read_text()
        path.write_text(without.replace('registries = { partners = { ', 'registries = { partners = { sessions = true; '))
        self.mtlsd.signal(1)
        wait_for(lambda: "generation 2" in self.mtlsd.log, "the reload")
        self.visit(2)
        self.wait_for_rows(2)
        path.write_text(without)
        late = self.connect(self.good)
        self.assertEqual(200, self.ask(late))
        self.mtlsd.signal(1)
        wait_for(lambda: "generation 3" in self.mtlsd.log, "the second reload")
        self.assertEqual([200, 200], [self.ask(held), self.ask(late)])
        wait_for(lambda: self.counted() is None, "the end of the writing")
        self.visit()
        late.close()
        held.close()
        self.mtlsd.stop()
        self.assertEqual([None, "valid", "valid"], sorted((row["reason"] for row in self.rows()), key=str)) # late was open when it ended

    def test_a_lock_delays_rows_and_no_traffic(self):
        self.fill()
        self.start()
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            self.visit(20)
            self.assertEqual(0, self.counted()["written"])
            db.execute("ROLLBACK")
        self.assertEqual(20, len(self.wait_for_rows(20)))
        self.assertEqual(0, self.counted()["lost"])

    def test_a_lock_that_stays_is_told_and_costs_rows_at_the_end(self):
        self.fill()
        self.start()
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            self.visit(5)
            wait_for(lambda: "connections cannot be written into mtlsd_sessions" in self.mtlsd.log and "locked" in self.mtlsd.log, "the log line")
            self.assertIn("locked", self.counted()["error"])
            self.assertRegex(self.command("status", "-c", self.folder / "mtlsd.conf").stdout, r"partners .* in use +- +.*locked")
            self.visit(5)
            began = time.monotonic()
            self.mtlsd.stop()
            self.assertLess(time.monotonic() - began, harness.busy(8))
        self.assertRegex(self.mtlsd.log, r"partners: 10 connections were not written into mtlsd_sessions: .*locked")

    def test_a_full_disk_costs_rows_and_no_traffic(self):
        place = self.folder / "small"
        place.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", place], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", place], check=True)
        self.path = place / "registry.db"
        self.fill()
        self.start()
        self.visit()
        self.wait_for_rows(1)
        filler = place / "filler"
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while file.write(b"x" * 4096) == 4096:
                pass
        # what is in the files already is written over first
        wait_for(lambda: self.visit(20) or "cannot be written into mtlsd_sessions" in self.mtlsd.log, "the disk to be full")
        self.assertTrue(re.search("full|disk I/O error", self.mtlsd.log), self.mtlsd.log)
        self.visit(3)
        filler.unlink()
        wait_for(lambda: "connections are written into mtlsd_sessions again" in self.mtlsd.log, "rows after there was room again", seconds=30)
        ended = self.counted()
        self.mtlsd.stop()
        self.assertGreaterEqual(len(self.rows("--last", "10000")), ended["written"])

    def test_a_row_that_the_database_refuses_is_lost_alone(self):
        self.fill()
        self.registry("add", self.other.crt, "--owner", "bad")
        self.sql("CREATE TRIGGER no BEFORE INSERT ON mtlsd_sessions WHEN new.owner = 'bad' BEGIN SELECT RAISE(ABORT, 'not this one'); END")
        self.start()
        self.visit(2)
        self.visit(certificate=self.other)
        self.visit(2)
        rows = self.wait_for_rows(4)
        self.assertEqual({"billing"}, {row["owner"] for row in rows})
        wait_for(lambda: self.counted()["lost"] == 1, "the lost row")
        self.assertIn("not this one", self.mtlsd.log)

    def test_tables_of_other_versions(self):
        """An older one has no sessions, a newer one is not written."""
        self.fill()
        self.sql("DROP TABLE mtlsd_sessions")
        for version, says in ((9, "its tables have version 9"), (1, "its tables have version 1, without sessions: bring them to version 2")):
            with self.subTest(version):
                self.sql("UPDATE mtlsd_schema SET version = 2")
                self.start()
                wait_for(lambda: self.is_let_in(self.good), "the rows")
                self.sql(f"UPDATE mtlsd_schema SET version = {version}")
                self.visit(2)
                wait_for(lambda: says in self.mtlsd.log, "the log line")
                done = self.command("check", "-c", self.folder / "mtlsd.conf")
                self.assertIn(says, done.stdout + done.stderr)
                if version == 9:
                    self.mtlsd.stop()
        self.assertIn("from version 1 to 2", self.registry("init"))
        self.wait_for_rows(2)
        self.assertEqual(0, self.counted()["lost"])

    def test_check_says_that_the_file_cannot_be_written(self):
        self.fill()
        self.start()
        conf = self.folder / "mtlsd.conf"
        self.assertNotIn("mtlsd_sessions", self.command("check", "-c", conf).stdout)
        self.sql("DROP TABLE mtlsd_schema")
        self.assertIn("connections cannot be written into mtlsd_sessions", self.command("check", "-c", conf).stdout)


@unittest.skipIf(databases.missing("postgres", "initdb", "psql"), "PostgreSQL is not installed")
class Postgres(Sessions):
    def setUp(self):
        super().setUp()
        self.server = Server(self)

    def database(self):
        return f"postgresql://app@/plain?host={self.server.folder}&port={self.server.port}"

    def test_a_server_that_is_slow_locked_or_killed_costs_no_traffic(self):
        self.fill()
        self.start()
        self.visit(2)
        self.wait_for_rows(2)
        self.server.sql("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(5); RETURN NULL; END'; "
                        "CREATE TRIGGER slow BEFORE INSERT ON mtlsd_sessions FOR EACH STATEMENT EXECUTE FUNCTION slow()")
        self.visit(20) # the statement that has begun takes 5 s
        self.server.sql("DROP TRIGGER slow ON mtlsd_sessions") # waits for it
        self.assertEqual(22, len(self.wait_for_rows(22)))
        self.server.kill()
        self.visit(20)
        wait_for(lambda: "connections cannot be written into mtlsd_sessions: PostgreSQL" in self.mtlsd.log, "the log line")
        self.visit(20)
        self.server.start_again()
        self.assertEqual(62, len(self.wait_for_rows(62)))
        self.assertEqual((62, 0), (self.counted()["written"], self.counted()["lost"]))
        self.assertIn("connections are written into mtlsd_sessions again", self.mtlsd.log)

    def test_callers_have_rows_and_a_user_without_the_right_to_write_is_told(self):
        self.fill()
        self.registry("add", self.other.crt)
        self.check_http()
        self.mtlsd.stop()
        self.server.sql("DELETE FROM mtlsd_sessions")
        self.check_tcp()
        self.server.sql("DELETE FROM mtlsd_sessions; UPDATE mtlsd_certificates SET state = 'active'")
        self.server.sql("CREATE USER guest; GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest")
        url = self.database().replace("//app@", "//guest@")
        own, self.database = self.database, lambda: url
        (self.server.folder / "data/pg_hba.conf").write_text("local all all trust\n")
        self.server.own()
        self.server.sql("SELECT pg_reload_conf()")
        self.start()
        self.visit(1)
        wait_for(lambda: "this user may not write its sessions: GRANT SELECT, INSERT, UPDATE ON mtlsd_sessions" in self.mtlsd.log, "the log line")
        self.database = own
        self.server.sql("GRANT SELECT, INSERT, UPDATE ON mtlsd_sessions TO guest")
        self.wait_for_rows(1)


if __name__ == "__main__":
    harness.main()
