# SPDX-License-Identifier: Apache-2.0
"""Dates that pass while the daemon runs. libfaketime changes the daemon's clock only, and monotonic timers keep their speed."""
import datetime
import json
import os
import pathlib
import re
import ssl
import subprocess
import unittest

import certs
import harness
import peers
from harness import wait_for

LIBRARY = "/usr/$LIB/faketime/libfaketimeMT.so.1"
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
DAY = 86400


@unittest.skipIf(harness.is_sanitized(), "a sanitizer and libfaketime both want to be loaded first")
@unittest.skipUnless(list(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), "the package libfaketime is missing")
class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.clock = self.folder / "clock"
        self.move(0)
        self.root = self.pki.ca("root")

    def move(self, days):
        """The daemon's clock, from now on; what reads it sees the old text or the new one."""
        fresh = self.folder / "clock.new"
        fresh.write_text(f"{int(days * DAY):+d}\n")
        os.replace(fresh, self.clock)

    def environment(self):
        return dict(super().environment(), LD_PRELOAD=LIBRARY, FAKETIME_TIMESTAMP_FILE=str(self.clock), FAKETIME_NO_CACHE="1",
                    DONT_FAKE_MONOTONIC="1", FAKETIME_DONT_FAKE_MONOTONIC="1", FAKETIME_DONT_RESET="1",
                    NO_FAKE_STAT="1")  # else every file seems to change with the clock

    def start(self, trust="", **options):
        self.backend = peers.Backend(self)
        port, self.health = harness.free_port(), harness.free_port()
        admin = f'admin = {{ socket = "unix:{self.folder}/admin.sock"; health = "127.0.0.1:{self.health}"; }};'
        text = admin + self.verifier_text(port, self.backend.port, trust=f'ca = "{self.root.crt}"; {trust}', **options)
        self.mtlsd = self.daemon(text, [port], [self.folder / "admin.sock"])
        self.port = port
        return port

    def status(self):
        done = self.command("status", "-c", self.mtlsd.config_path, "--json")
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def readiness(self):
        answer = self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/readyz")
        outside = self.curl(f"http://127.0.0.1:{self.health}/readyz")  # the same word, and nothing else
        self.assertEqual((answer.status, {"result": answer.json()["result"]}), (outside.status, outside.json()))
        return answer.status, answer.json()["result"]

    def connect(self, certificate):
        connection = peers.secure(self.port, peers.client_context(self.root, certificate))
        self.addCleanup(connection.close)
        return connection

    def ask(self, connection):
        connection.sendall(REQUEST)
        return peers.response(connection)[0]

    def outcome(self, connection):
        """200, or the alert."""
        try:
            connection.sendall(REQUEST)
            data = b""
            while b"\r\n\r\n" not in data and (more := connection.recv(4096)):
                data += more
            return int(data.split(b" ")[1])
        except ssl.SSLError as error:
            return error.reason
        except (OSError, IndexError) as error:
            return type(error).__name__

    def fresh(self, certificate):
        try:
            return self.outcome(self.connect(certificate))
        except ssl.SSLError as error:
            return error.reason
        except OSError as error:
            return type(error).__name__


class Clients(Case):
    def test_a_certificate_that_expires_between_two_handshakes(self):
        self.start()
        soon = self.pki.leaf("clock-soon", eku=("clientAuth",), days=10)
        self.assertEqual(200, self.fresh(soon))
        self.move(8)
        self.assertEqual(200, self.fresh(soon))
        self.move(10)
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_EXPIRED", self.fresh(soon))
        self.assertIn("expired", self.mtlsd.log)
        self.move(0)
        self.assertEqual(200, self.fresh(soon))

    def test_a_certificate_that_becomes_valid(self):
        self.start()
        later = self.pki.leaf("clock-later", eku=("clientAuth",), start=5, days=30)
        self.assertEqual("SSLV3_ALERT_BAD_CERTIFICATE", self.fresh(later))
        self.assertIn("not_yet_valid", self.mtlsd.log)
        self.move(6)
        self.assertEqual(200, self.fresh(later))

    def test_a_certificate_that_expires_between_two_requests_of_a_connection(self):
        self.start()
        soon, good = self.pki.leaf("clock-soon", eku=("clientAuth",), days=10), self.pki.client()
        held, kept = self.connect(soon), self.connect(good)
        self.assertEqual([200, 200], [self.ask(held), self.ask(kept)])
        self.move(11)
        before = len(self.backend.requests)
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_EXPIRED", self.outcome(held))
        self.assertEqual(before, len(self.backend.requests), "nothing of it reached the backend")
        self.assertEqual(200, self.ask(kept))


class Tunnels(Case):
    def test_a_tunnel_outlives_the_dates_of_its_certificate_and_not_its_revocation(self):
        """Also when a fresh list has everybody judged again. The next connection is refused."""
        soon, count = self.pki.leaf("clock-tunnel", eku=("clientAuth",), days=10), 0
        lists = self.folder / "clients.crl"

        def put(*revoked):
            nonlocal count
            count += 1
            fresh = self.folder / "clients.crl.new"
            fresh.write_bytes(self.pki.crl(f"clock-tunnel-{os.getpid()}-{count}", self.root, revoked, number=count, days=60).read_bytes())
            os.replace(fresh, lists)
            wait_for(lambda: self.status()["trusts"][0]["revoked"] == len(revoked), "the list")

        lists.write_bytes(self.pki.crl(f"clock-tunnel-{os.getpid()}", self.root, (), number=0, days=60).read_bytes())
        self.start(f'crl = "{lists}";', protocol="tcp")
        held = self.connect(soon)
        self.assertEqual(200, self.ask(held))
        self.move(11)
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_EXPIRED", self.fresh(soon))
        put(self.pki.client())
        self.assertEqual(200, self.ask(held))
        put(self.pki.client(), soon)
        held.settimeout(20)
        with self.assertRaises(ssl.SSLError) as refused:
            held.recv(1)
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_REVOKED", refused.exception.reason)


class Tickets(Case):
    def test_a_certificate_that_expires_between_two_connections_of_a_session(self):
        """A1: the ticket is still good by its own age, the certificate that it stands for is not."""
        soon = self.pki.leaf("clock-ticket", eku=("clientAuth",), days=10)
        end = datetime.datetime.strptime(certs.openssl("x509", "-in", soon.crt, "-noout", "-enddate").decode().strip(), "notAfter=%b %d %H:%M:%S %Y GMT")
        left = (end - datetime.datetime.utcnow()).total_seconds()
        for version in ("-tls1_2", "-tls1_3"):
            with self.subTest(version):
                self.move((left - 120) / DAY)
                self.start(tls="tickets = true;")
                session = self.folder / f"session{version}"
                self.assertIn("200 OK", self.s_client(version, "-cert", soon.crt, "-key", soon.key, "-sess_out", session))
                again = self.s_client(version, "-sess_in", session)
                self.assertIn("Reused, TLS", again)
                self.assertIn("200 OK", again)
                self.move((left + 60) / DAY)
                again = self.s_client(version, "-sess_in", session)
                self.assertNotIn("200 OK", again)
                self.assertIn("alert number 45", again)
                self.mtlsd.stop()

    def s_client(self, *flags):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", "localhost", "-CAfile", self.root.crt,
                               "-ign_eof", *map(str, flags)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30,
                              input=b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return done.stdout.decode(errors="replace")


class Lists(Case):
    def crl(self, **options):
        revoked = self.pki.leaf("clock-revoked", eku=("clientAuth",))
        self.count = getattr(self, "count", 0) + 1
        return self.pki.crl(f"clock-{os.getpid()}-{self.id().rsplit('.', 1)[1]}-{self.count}", self.root, [revoked], **options)

    def test_a_list_that_passes_its_next_update(self):
        """F1: from then on nobody is let in, and the status tells since when."""
        self.start(f'crl = "{self.crl(days=7)}";')
        good, revoked = self.pki.client(), self.pki.leaf("clock-revoked", eku=("clientAuth",))
        self.assertEqual([200, "SSLV3_ALERT_CERTIFICATE_REVOKED"], [self.fresh(good), self.fresh(revoked)])
        self.assertGreaterEqual(self.status()["trusts"][0]["crl_days_left"], 5)
        self.move(7)
        self.assertEqual("SSLV3_ALERT_BAD_CERTIFICATE", self.fresh(good))
        self.assertIn("crl_stale", self.mtlsd.log)
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_REVOKED", self.fresh(revoked))  # the worse one is told
        self.assertLess(self.status()["trusts"][0]["crl_days_left"], 0)
        self.assertEqual((503, "crl_stale"), self.readiness())

    def test_a_stale_list_ends_no_trust_in_live_connections_silently(self):
        """F1: also the next request of a connection that was open before is refused."""
        self.start(f'crl = "{self.crl(days=7)}";')
        held = self.connect(self.pki.client())
        self.assertEqual(200, self.ask(held))
        self.move(7)
        self.assertEqual("SSLV3_ALERT_BAD_CERTIFICATE", self.outcome(held))

    def test_grace_bridges_a_late_ca(self):
        self.start(f'crl = "{self.crl(days=7)}"; crl_grace = "2d";')
        self.move(7)
        self.assertEqual(200, self.fresh(self.pki.client()))
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_REVOKED", self.fresh(self.pki.leaf("clock-revoked", eku=("clientAuth",))))
        self.move(9)
        self.assertEqual("SSLV3_ALERT_BAD_CERTIFICATE", self.fresh(self.pki.client()))

    def test_prefer_lets_a_stale_list_still_revoke(self):
        self.start(f'crl = "{self.crl(days=7)}"; crl_policy = "prefer";')
        self.move(20)
        self.assertEqual(200, self.fresh(self.pki.client()))
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_REVOKED", self.fresh(self.pki.leaf("clock-revoked", eku=("clientAuth",))))

    def test_a_list_that_begins_in_the_future(self):
        self.start(f'crl = "{self.crl(start=3, days=30)}";')
        self.assertEqual("SSLV3_ALERT_BAD_CERTIFICATE", self.fresh(self.pki.client()))
        self.assertIn("crl_stale", self.mtlsd.log)
        self.move(4)
        self.assertEqual(200, self.fresh(self.pki.client()))
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_REVOKED", self.fresh(self.pki.leaf("clock-revoked", eku=("clientAuth",))))

    def test_a_newer_list_counts_after_the_old_one_went_stale(self):
        path = self.crl(days=7, number=1)
        self.start(f'crl = "{path}";')
        self.move(7)
        self.assertEqual("SSLV3_ALERT_BAD_CERTIFICATE", self.fresh(self.pki.client()))
        fresh = self.crl(start=6, days=14, number=2)
        os.replace(fresh, path)
        wait_for(lambda: self.fresh(self.pki.client()) == 200, "the newer list")


class OurOwn(Case):
    def test_our_own_certificate_expires(self):
        """Traffic goes on as the peer decides; the status tells, and so does the next start."""
        server = self.pki.leaf("clock-server", cn="localhost", san=["DNS:localhost", "IP:127.0.0.1"], days=10)
        self.start(certificate=server)
        self.assertGreaterEqual(self.status()["identities"][0]["days_left"], 8)
        self.assertEqual((200, "ready"), self.readiness())
        self.assertNotIn(" expiry ", self.mtlsd.log)
        self.move(8)
        self.status()
        self.assertRegex(self.mtlsd.log, r"warn +expiry .*certificate CN=localhost.* expires (within a|in 1) day, 20.*renew it")
        self.move(11)
        self.assertLess(self.status()["identities"][0]["days_left"], 0)
        self.assertEqual((503, "expired"), self.readiness())
        self.status()
        self.assertEqual(1, len(re.findall(r"error +expiry .*certificate CN=localhost.* is expired since 20", self.mtlsd.log)))
        done = self.command("status", "-c", self.mtlsd.config_path)
        self.assertRegex(done.stdout, r"(?i)expired")
        done = self.command("check", "-c", self.mtlsd.config_path)
        self.assertRegex(done.stdout + done.stderr, r"expired")

    def test_an_upstream_expires_for_an_injector(self):
        """Between two requests of the app, each with a new connection to the upstream, and over a kept one."""
        server = self.pki.leaf("clock-upstream", cn="localhost", san=["DNS:localhost", "IP:127.0.0.1"], days=10)
        port = self.injector(self.origin(certificate=server), upstream="pool = { max = 0; };")
        self.assertEqual(200, self.curl(f"http://127.0.0.1:{port}/").status)
        self.move(11)
        self.assert_problem(self.curl(f"http://127.0.0.1:{port}/"), 502, "expired", "us")
        self.move(0)
        self.assertEqual(200, self.curl(f"http://127.0.0.1:{port}/").status)

    def test_a_kept_upstream_expires_for_an_injector(self):
        server = self.pki.leaf("clock-upstream", cn="localhost", san=["DNS:localhost", "IP:127.0.0.1"], days=10)
        port = self.injector(self.origin(certificate=server))
        app = peers.connect(port)
        self.addCleanup(app.close)
        request = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        answers = []
        for days in (0, 0, 11):
            self.move(days)
            app.sendall(request)
            answers.append(peers.response(app)[0])
        self.assertEqual([200, 200, 502], answers)


if __name__ == "__main__":
    harness.main()
