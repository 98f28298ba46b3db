#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a registry costs and how fast a changed row counts.

A handshake: CPU time of the daemon for one full handshake with one small request, without a registry and with one of so many rows. The rounds of
all kinds take turns, so that a busy machine slows each of them alike.
A change: from the commit that revokes a row to the end of the connection that its certificate holds, and to the first refused handshake.
Away: PostgreSQL is stopped for a while; how many requests of a listed client fail meanwhile, and how many rows are missing afterwards.

needs:  postgresql (without it SQLite alone is measured), and a release build (sh packaging/quickstart.sh)
usage:  registry.py [--rows 0,1000,1000000] [--handshakes 300] [--rounds 5] [--changes 10] [--away 60] [--mtlsd build/release/mtlsd]
"""
import argparse
import contextlib
import hashlib
import os
import pathlib
import signal
import sqlite3
import ssl
import statistics
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--rows", default="0,1000,1000000")
    p.add_argument("--handshakes", type=int, default=300)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--changes", type=int, default=10)
    p.add_argument("--away", type=float, default=60)
    p.add_argument("--mtlsd", default=str(HERE.parents[1] / "build/release/mtlsd"))
    return p.parse_args()


def digests(n):
    return (hashlib.sha256(str(i).encode()).hexdigest() for i in range(n))


def make_case(options):
    import databases
    import harness
    import peers
    import test_registry

    class Measure(test_registry.Case):
        def fill_sqlite(self, rows):
            self.path = self.folder / f"{rows}.db"
            self.fill()
            with contextlib.closing(sqlite3.connect(self.path)) as db:
                db.execute("PRAGMA synchronous = OFF")
                db.executemany("INSERT INTO mtlsd_certificates (sha256) VALUES (?)", ((d,) for d in digests(rows)))
                db.commit()

        def handshakes(self, port, context, n):
            for _ in range(n):
                with peers.secure(port, context) as connection:
                    self.assertEqual(200, self.ask(connection))

        def test_handshakes(self):
            context = peers.client_context(self.root, self.good)
            daemons = {}
            self.backend = peers.Backend(self)
            for rows in ["none", *map(int, options.rows.split(","))]:
                trust = f'ca = "{self.root.crt}";'
                text = ""
                if rows != "none":
                    self.fill_sqlite(rows)
                    trust += ' registry = "partners";'
                    text = f'registries = {{ partners = {{ database = "{self.database()}"; }}; }};\n'
                port = harness.free_port()
                began = time.monotonic()
                daemon = self.daemon(text + self.verifier_text(port, self.backend.port, trust=trust), ports=[port], name=f"mtlsd-{rows}")
                daemons[rows] = (daemon, port, time.monotonic() - began)
            costs = {rows: [] for rows in daemons}
            for _ in range(options.rounds):
                for rows, (daemon, port, _) in daemons.items():
                    before = cpu_s(daemon.pid)
                    self.handshakes(port, context, options.handshakes)
                    costs[rows].append((cpu_s(daemon.pid) - before) / options.handshakes * 1e6)
            print("\n## a handshake with one request\n\nrows        CPU us, median   ready after s   resident MB")
            for rows, (daemon, _, ready) in daemons.items():
                print(f"{rows!s:>9} {statistics.median(costs[rows]):16.0f} {ready:15.2f} {daemon.rss_kb() / 1024:13.1f}")

        def changes(self, name):
            ends, refusals = [], []
            for _ in range(options.changes):
                held = self.connect(self.good)
                self.assertEqual(200, self.ask(held))
                self.registry("suspend", self.good.crt)
                began = time.monotonic()
                self.end_of(held)
                ends.append(time.monotonic() - began)
                while self.is_let_in(self.good):
                    pass
                refusals.append(time.monotonic() - began)
                self.registry("resume", self.good.crt)
                harness.wait_for(lambda: self.is_let_in(self.good), "the resumed row")
            print(f"{name:10} {statistics.median(ends):8.3f} {max(ends):8.3f} {statistics.median(refusals):10.3f} {max(refusals):8.3f}")

        def test_sqlite(self):
            self.fill()
            self.start()
            print("\n## a suspended row, seconds\n\n           to the end    worst  to refusal    worst")
            self.changes("SQLite")

        def test_with_postgres(self):
            if databases.missing("postgres", "initdb", "psql"):
                self.skipTest("PostgreSQL is not installed")
            import test_registry_postgres
            server = test_registry_postgres.Server(self)
            self.database = lambda: f"postgresql://app@/plain?host={server.folder}&port={server.port}"
            self.fill()
            self.start()
            self.changes("PostgreSQL")
            rows = 10000
            path = self.write("rows.sql", "BEGIN;\n" + "".join(f"INSERT INTO mtlsd_certificates (sha256) VALUES ('{d}');\n" for d in digests(rows)) + "COMMIT;\n")
            server.prepare(databases.program("psql"), "-X", "-w", "-q", "-f", path, f"host={server.folder} port={server.port} user=app dbname=plain")
            harness.wait_for(lambda: self.status()["registries"][0]["rows"] == rows + 1, "the rows")
            server.process.popen.send_signal(signal.SIGQUIT)
            server.process.popen.wait(10)
            asked = failed = 0
            deadline = time.monotonic() + options.away
            while time.monotonic() < deadline:
                asked += 1
                failed += not self.is_let_in(self.good)
            server.start_again()
            self.registry("suspend", self.good.crt)
            began = time.monotonic()
            harness.wait_for(lambda: not self.is_let_in(self.good), "the change after the server came back")
            print(f"\n## PostgreSQL away for {options.away:.0f} s\n\nasked {asked}, refused {failed}; rows missing {rows + 1 - self.status()['registries'][0]['rows']}; "
                  f"a change counted {time.monotonic() - began:.1f} s after the server was back")

    return Measure


def main():
    options = parse()
    os.environ["MTLSD"] = str(pathlib.Path(options.mtlsd).resolve())
    with contextlib.suppress(ssl.SSLError):
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(make_case(options))
        sys.exit(0 if unittest.TextTestRunner(verbosity=0).run(suite).wasSuccessful() else 1)


if __name__ == "__main__":
    main()
