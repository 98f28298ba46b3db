# SPDX-License-Identifier: Apache-2.0
"""The registry in PostgreSQL: one server for several verifiers. It runs as an ordinary user in the test's folder."""
import contextlib
import hashlib
import signal
import ssl
import subprocess
import time
import unittest

import databases
import harness
import peers
from harness import wait_for
from test_registry import Case


class Server(databases.Postgres):
    """A database "plain" on a unix socket, that can be killed and started again."""

    def __init__(self, case):
        super().__init__(case, ssl="off")
        self.process = case.processes[-1]

    def start(self, name, *argv):
        self.argv = [*databases.as_user(), *argv]
        super().start(name, *argv)

    def sql(self, text):
        code, out = self.query(text, host=self.folder, port=self.port, database="plain")
        self.case.assertEqual(0, code, out)
        return out

    def kill(self):
        """All of it at once, as when the power goes."""
        self.process.popen.send_signal(signal.SIGQUIT)
        self.process.popen.wait(10)

    def start_again(self):
        self.process = harness.Process("postgres", self.argv, self.folder, env=self.environment())
        self.case.addCleanup(self.process.stop)
        self.process.wait_ready([self.port])
        wait_for(lambda: self.query("select 1", host=self.folder, port=self.port, database="plain")[0] == 0, "the server to recover")


@unittest.skipIf(databases.missing("postgres", "initdb", "psql"), "PostgreSQL is not installed")
class Postgres(Case):
    def setUp(self):
        super().setUp()
        self.server = Server(self)

    def database(self):
        return f"postgresql://app@/plain?host={self.server.folder}&port={self.server.port}"

    def test_rows_changes_and_a_server_that_is_killed(self):
        self.fill()
        self.assertIn("already", self.registry("init"))
        self.registry("add", self.other.crt)
        self.start(registry='max_staleness = "1h";')
        for change, alert in (("suspended", "TLSV1_ALERT_ACCESS_DENIED"), ("revoked", "SSLV3_ALERT_CERTIFICATE_REVOKED")):
            held, kept = self.connect(self.other), self.connect(self.good)
            self.assertEqual([200, 200], [self.ask(held), self.ask(kept)])
            self.server.sql(f"UPDATE mtlsd_certificates SET state = '{change}' WHERE owner IS NULL")
            began = time.monotonic()
            self.assertEqual(alert, self.end_of(held))
            self.assertLess(time.monotonic() - began, harness.busy(1))
            self.assertEqual(200, self.ask(kept))
            self.server.sql("UPDATE mtlsd_certificates SET state = 'active' WHERE owner IS NULL")
            wait_for(lambda: self.is_let_in(self.other), "the row to be active again")
        # in the order of the commits, whatever the order of the statements
        self.server.sql("DELETE FROM mtlsd_certificates WHERE owner IS NULL")
        wait_for(lambda: not self.is_let_in(self.other), "the deleted row")
        self.server.kill()
        wait_for(lambda: "partners cannot be read" in self.mtlsd.log, "the log line")
        self.assertTrue(self.is_let_in(self.good))
        self.assertNotEqual("", self.status()["registries"][0]["error"])
        self.server.start_again()
        self.server.sql("UPDATE mtlsd_certificates SET state = 'revoked'")
        wait_for(lambda: not self.is_let_in(self.good), "the change after the server came back")
        wait_for(lambda: "partners can be read again" in self.mtlsd.log, "the log line")
        self.server.sql("TRUNCATE mtlsd_certificates")
        wait_for(lambda: self.status()["registries"][0]["rows"] == 0, "the truncated table")

    def test_a_connection_that_is_lost_under_load_and_a_slow_database(self):
        self.fill()
        self.start()
        held = self.connect(self.good)
        for _ in range(3):
            self.server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mtlsd'")
            self.assertEqual(200, self.ask(held))
        self.registry("add", self.other.crt)
        wait_for(lambda: self.is_let_in(self.other), "a row after the connection was lost")
        blocker = subprocess.Popen([databases.program("psql"), "-X", "-w", "-c", "BEGIN; LOCK mtlsd_changes; SELECT pg_sleep(3); COMMIT;",
                                    f"host={self.server.folder} port={self.server.port} user=app dbname=plain"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.server.environment())
        try:
            while blocker.poll() is None:
                began = time.monotonic()
                self.assertEqual(200, self.ask(held))
                self.assertTrue(self.is_let_in(self.good))
                self.assertLess(time.monotonic() - began, harness.busy(1))
        finally:
            blocker.wait(30)

    def test_changes_of_transactions_that_overlap_are_all_seen(self):
        self.fill()
        self.start()
        self.assertTrue(self.is_let_in(self.good))
        where = f"host={self.server.folder} port={self.server.port} user=app dbname=plain"
        writers = []
        for n in range(4):
            sql = "".join(f"INSERT INTO mtlsd_certificates (sha256) VALUES ('{hashlib.sha256(f'{n}-{i}'.encode()).hexdigest()}');\n" for i in range(50))
            path = self.write(f"{n}.sql", sql)
            writers.append(subprocess.Popen([databases.program("psql"), "-X", "-w", "-q", "-f", path, where], env=self.server.environment()))
        self.assertEqual([0] * 4, [w.wait(60) for w in writers])
        wait_for(lambda: self.status()["registries"][0]["rows"] == 201, "every row")


    def test_a_query_of_five_seconds_holds_up_no_traffic_and_no_end(self):
        self.fill()
        self.start()
        self.server.sql("ALTER TABLE mtlsd_changes RENAME TO real; CREATE VIEW mtlsd_changes AS SELECT r.* FROM (SELECT pg_sleep(5)) s, real r")
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'mtlsd' AND state = 'active'"
        wait_for(lambda: self.server.sql(asked) == "1", "the slow query")
        longest = 0
        while self.server.sql(asked) == "1":
            began = time.monotonic()
            self.assertTrue(self.is_let_in(self.good))
            longest = max(longest, time.monotonic() - began)
        self.assertLess(longest, harness.busy(1))
        self.assertNotIn("cannot be read", self.mtlsd.log)
        wait_for(lambda: self.server.sql(asked) == "1", "the next slow query")
        began = time.monotonic()
        self.assertEqual(0, self.mtlsd.stop())
        self.assertLess(time.monotonic() - began, harness.busy(4))

    def test_rows_and_columns_of_other_types(self):
        """Other programs write the tables: a value that is understood counts, and another refuses its certificate alone."""
        self.fill()
        self.registry("add", self.other.crt)
        self.start()
        self.server.sql("ALTER TABLE mtlsd_certificates DROP CONSTRAINT mtlsd_certificates_sha256_check, DROP CONSTRAINT mtlsd_certificates_state_check, "
                        "ALTER attributes TYPE jsonb USING attributes::jsonb, ALTER owner TYPE varchar(20), ALTER note TYPE int USING 5")
        for change, goes in (("state = 'seven'", False), ("state = 'active', attributes = '{\"a\": 1}'", True), ("attributes = '[1]'", False),
                             ("attributes = '{\"a\": null}'", False), ("attributes = jsonb_build_object('a', repeat('x', 32768))", False),
                             ("attributes = NULL, note = 7", True)):
            with self.subTest(change):
                self.server.sql(f"UPDATE mtlsd_certificates SET {change} WHERE owner IS NULL")
                wait_for(lambda: self.is_let_in(self.other) == goes, f"{change} to count")
                self.assertTrue(self.is_let_in(self.good))
        self.server.sql("INSERT INTO mtlsd_certificates (sha256) VALUES ('none')")
        wait_for(lambda: "sha256 is no SHA-256" in self.mtlsd.log, "the row without an id")
        self.server.sql("UPDATE mtlsd_certificates SET sha256 = upper(sha256) WHERE owner IS NULL")  # another way of writing it
        self.assertTrue(self.is_let_in(self.good))

    def test_a_row_that_changes_a_thousand_times_a_second(self):
        self.fill()
        self.registry("add", self.other.crt)
        self.start()
        held = self.connect(self.good)
        path = self.write("changes.sql", "SET synchronous_commit = off;\n" + "".join(
            f"UPDATE mtlsd_certificates SET note = '{i}' WHERE owner IS NULL;\n" for i in range(2000)) +
            "UPDATE mtlsd_certificates SET state = 'suspended' WHERE note = '1999';\n")
        where = f"host={self.server.folder} port={self.server.port} user=app dbname=plain"
        writer = subprocess.Popen([databases.program("psql"), "-X", "-w", "-q", "-f", path, where], env=self.server.environment())
        while writer.poll() is None:
            began = time.monotonic()
            self.assertEqual(200, self.ask(held))
            self.assertLess(time.monotonic() - began, harness.busy(1))
        self.assertEqual(0, writer.wait())
        began = time.monotonic()
        wait_for(lambda: not self.is_let_in(self.other), "the last change")
        self.assertLess(time.monotonic() - began, harness.busy(2))
        self.assertEqual(200, self.ask(held))


@unittest.skipIf(databases.missing("postgres", "initdb", "psql"), "PostgreSQL is not installed")
class WithoutServer(Case):
    def test_a_start_without_a_server(self):
        port = harness.free_port()
        self.database = lambda: f"postgresql://app:secret-word@127.0.0.1:{port}/plain"
        self.start()
        with contextlib.suppress(ssl.SSLError, OSError):
            self.assertFalse(self.is_let_in(self.good))
        self.assertIn("no certificate is accepted until the database can be read: PostgreSQL:", self.mtlsd.log)
        self.assertNotIn("secret-word", self.mtlsd.log + str(self.status()))


if __name__ == "__main__":
    harness.main()
