#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a registry costs, how fast a changed row counts, and what a database that is away costs.

A handshake: CPU time of the daemon for one full handshake with one small request, without a registry, with one of so many rows, and with
sessions = true. The rounds of all kinds take turns, so that a busy machine slows each of them alike.
Loading: a database of so many rows takes the place of one with a single row, some times, while one client sends request after request. The times of
its requests are of the same daemon, in turns: before, beside a process that computes and is as nice as the thread that loads, and meanwhile.
A change: from the start of the command that suspends a row to the end of the connection that its certificate holds, and to the first refused handshake.
Away: PostgreSQL is killed for a while; how many requests of a listed client fail meanwhile, how many rows are missing afterwards, and how many
connections lost their row in mtlsd_sessions.

needs:  postgresql (without it SQLite alone is measured), and a release build (sh packaging/quickstart.sh)
usage:  registry.py [--rows 0,1000,1000000] [--handshakes 300] [--rounds 5] [--loads 3] [--changes 10] [--away 60] [--mtlsd build/release/mtlsd]
"""
import argparse
import contextlib
import hashlib
import os
import pathlib
import signal
import shutil
import sqlite3
import ssl
import statistics
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))


def cpu_s(pid):
    """Of all threads, to the nanosecond: ticks are too coarse for some hundred handshakes."""
    return sum(int(task.joinpath("schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--rows", default="0,1000,1000000")
    p.add_argument("--handshakes", type=int, default=300)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--loads", type=int, default=3)
    p.add_argument("--quiet", type=float, default=5, help="seconds of requests before rows are loaded")
    p.add_argument("--changes", type=int, default=10)
    p.add_argument("--away", type=float, default=60)
    p.add_argument("--mtlsd", default=str(HERE.parents[1] / "build/release/mtlsd"))
    return p.parse_args()


@contextlib.contextmanager
def busy_process():
    """A process that computes, as nice as the thread that loads: what it costs to share the machine with any of that kind."""
    process = subprocess.Popen(["nice", "-n", "10", sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def quantile(times, part):
    return sorted(times)[min(len(times) - 1, int(len(times) * part))] * 1000


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
            if rows == "sessions":
                return
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
            for rows in ["none", *map(int, options.rows.split(",")), "sessions"]:
                trust = f'ca = "{self.root.crt}";'
                text = ""
                if rows != "none":
                    self.fill_sqlite(rows)
                    trust += ' registry = "partners";'
                    text = f'registries = {{ partners = {{ database = "{self.database()}"; {"sessions = true;" if rows == "sessions" else ""} }}; }};\n'
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
            print("\n## a handshake with one request\n\nrows        CPU us, median   of none   ready after s   resident MB")
            none = statistics.median(costs["none"])
            for rows, (daemon, _, ready) in daemons.items():
                cost = statistics.median(costs[rows])
                print(f"{rows!s:>9} {cost:16.0f} {cost / none:9.2f} {ready:15.2f} {daemon.rss_kb() / 1024:13.1f}")

        def times_until(self, connection, done):
            times = []
            while not times or not done():
                for _ in range(20):
                    began = time.monotonic()
                    self.assertEqual(200, self.ask(connection))
                    times.append(time.monotonic() - began)
            return times

        def put(self, source):
            shutil.copy(source, self.folder / "next.db")
            os.replace(self.folder / "next.db", self.path)

        def test_loading(self):
            rows = max(map(int, options.rows.split(",")))
            self.fill_sqlite(rows)
            full, self.path = self.path, self.folder / "one.db"
            self.fill()
            one, self.path = self.path, self.folder / "served.db"
            shutil.copy(one, self.path)
            self.start()
            connection = self.connect(self.good)
            loads, cpu, grown, times = [], [], [], {"before": [], "beside another": [], "meanwhile": []}

            def quiet_times():
                deadline = time.monotonic() + options.quiet
                return self.times_until(connection, lambda: self.status() and time.monotonic() > deadline)  # asked as often as below

            for _ in range(options.loads):
                with busy_process():
                    times["beside another"] += quiet_times()
                used = cpu_s(self.mtlsd.pid)
                quiet = quiet_times()
                each = (cpu_s(self.mtlsd.pid) - used) / len(quiet)
                memory, used = self.mtlsd.rss_kb(), cpu_s(self.mtlsd.pid)
                self.put(full)
                began = time.monotonic()
                busy = self.times_until(connection, lambda: self.status()["registries"][0]["rows"] > rows)
                loads.append(time.monotonic() - began)
                cpu.append(cpu_s(self.mtlsd.pid) - used - each * len(busy))
                grown.append((self.mtlsd.rss_kb() - memory) * 1024 / rows)
                registry = self.status()["registries"][0]
                times["before"] += quiet
                times["meanwhile"] += busy
                self.put(one)
                harness.wait_for(lambda: self.status()["registries"][0]["rows"] == 1, "the one row", seconds=60)
            print(f"\n## {rows} rows take the place of one, {options.loads} times\n\nloaded after {statistics.median(loads):.2f} s, {statistics.median(cpu):.2f} s of CPU; "
                  f"{registry['bytes'] / registry['rows']:.0f} bytes a row, {max(grown):.0f} more resident")
            print("\nrequests          number   p50 ms   p99 ms   longest ms")
            for name, values in times.items():
                print(f"{name:14} {len(values):9} {quantile(values, .5):8.2f} {quantile(values, .99):8.2f} {max(values) * 1000:12.2f}")

        def changes(self, name):
            ends, refusals = [], []
            for _ in range(options.changes):
                held = self.connect(self.good)
                self.assertEqual(200, self.ask(held))
                began = time.monotonic()
                self.registry("suspend", self.good.crt)
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
            self.start(registry="sessions = true;")
            self.changes("PostgreSQL")
            rows = 10000
            path = self.write("rows.sql", "BEGIN;\n" + "".join(f"INSERT INTO mtlsd_certificates (sha256) VALUES ('{d}');\n" for d in digests(rows)) + "COMMIT;\n")
            server.prepare(databases.program("psql"), "-X", "-w", "-q", "-f", path, f"host={server.folder} port={server.port} user=app dbname=plain")
            harness.wait_for(lambda: self.status()["registries"][0]["rows"] == rows + 1, "the rows")
            ended = self.sessions()
            server.process.popen.send_signal(signal.SIGQUIT)
            server.process.popen.wait(10)
            asked = failed = 0
            deadline = time.monotonic() + options.away
            while time.monotonic() < deadline:
                asked += 1
                failed += not self.visit()
            server.start_again()
            self.registry("suspend", self.good.crt)
            began = time.monotonic()
            harness.wait_for(lambda: not self.is_let_in(self.good), "the change after the server came back")
            print(f"\n## PostgreSQL away for {options.away:.0f} s\n\nasked {asked}, refused {failed}; rows missing {rows + 1 - self.status()['registries'][0]['rows']}; "
                  f"a change counted {time.monotonic() - began:.1f} s after the server was back")
            harness.wait_for(lambda: self.status()["registries"][0]["sessions"]["waiting"] == 0, "the rows of the sessions")
            written, lost = (after - before for after, before in zip(self.sessions(), ended))
            print(f"\nsessions that ended: {written + lost}; written {written}, lost {lost}")

        def visit(self):
            with contextlib.suppress(ssl.SSLError, OSError), contextlib.closing(peers.secure(self.port, peers.client_context(self.root, self.good))) as connection:
                return self.ask(connection) == 200
            return False

        def sessions(self):
            counted = self.status()["registries"][0]["sessions"]
            return counted["written"], counted["lost"]

    return Measure


def main():
    options = parse()
    os.environ["MTLSD"] = str(pathlib.Path(options.mtlsd).resolve())
    with contextlib.suppress(ssl.SSLError):
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(make_case(options))
        sys.exit(0 if unittest.TextTestRunner(verbosity=0).run(suite).wasSuccessful() else 1)


if __name__ == "__main__":
    main()
