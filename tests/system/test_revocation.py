# SPDX-License-Identifier: Apache-2.0
"""Revocation lists that change while the daemon runs: a change takes effect within a second, without a reload, also on open connections."""
import contextlib
import os
import ssl
import time
import unittest

import harness
import peers
from harness import wait_for


class Case(peers.Callers, harness.Case):
    def start(self, protocol="http", **options):
        self.root = self.pki.ca("root")
        self.good = self.pki.client()
        self.bad = self.pki.leaf("rt-revoked", eku=("clientAuth",))
        self.crl = self.folder / "clients.crl"
        self.put(self.list(1))
        self.backend = peers.Backend(self)
        trust = f'ca = "{self.root.crt}"; crl = "{self.crl}";'
        self.port = self.verifier(self.backend.port, protocol=protocol, trust=trust, **options)

    def list(self, number, *revoked, issuer=None):
        return self.pki.crl(f"rt-{number}-{len(revoked)}-{time.monotonic_ns()}", issuer or self.root, revoked, number=number).read_bytes()

    def put(self, data):
        """As careful people do it: whole, under another name first."""
        fresh = self.folder / "clients.crl.new"
        fresh.write_bytes(data)
        os.replace(fresh, self.crl)


class AtRunTime(Case):
    def test_a_revoked_caller_is_out_within_a_second(self):
        """The next handshake is refused, and a connection that is open is ended with the alert that says why."""
        self.start()
        held, kept = self.connect(self.bad), self.connect(self.good)
        self.assertEqual([200, 200], [self.ask(held), self.ask(kept)])
        revoked, began = self.list(2, self.bad), time.monotonic()
        self.put(revoked)
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_REVOKED", self.end_of(held))
        took = time.monotonic() - began
        self.assertLess(took, harness.busy(1))
        self.assertFalse(self.is_let_in(self.bad))
        self.assertEqual(200, self.ask(kept))
        self.assertIn("revoked", self.mtlsd.log)
        self.put(self.list(3))
        wait_for(lambda: self.is_let_in(self.bad), "the caller who was forgiven")

    def test_every_one_of_many_revoked_connections_ends(self):
        """More than are judged in one turn of the loop; those of others between them go on, and who talks before his turn has come is judged first."""
        self.start()
        held = [(caller, self.connect(caller)) for caller in [self.good, self.bad, self.bad, self.bad] * 40]
        self.assertEqual({200}, {self.ask(c) for _, c in held})
        self.put(self.list(2, self.bad))
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_REVOKED", self.end_of(held.pop()[1]))  # the newest comes first
        for i, (caller, connection) in enumerate(held):
            with contextlib.suppress(OSError):
                if i % 4 != 1:  # those say nothing
                    connection.sendall(peers.REQUEST)
            if caller is self.good:
                self.assertEqual(200, peers.response(connection)[0])
            else:
                self.assertIn(self.end_of(connection), ("SSLV3_ALERT_CERTIFICATE_REVOKED", "ConnectionResetError", "BrokenPipeError"))

    def test_a_tunnel_of_a_revoked_caller_ends(self):
        self.start(protocol="tcp")
        held, kept = self.connect(self.bad), self.connect(self.good)
        self.assertEqual([200, 200], [self.ask(held), self.ask(kept)])
        revoked, began = self.list(2, self.bad), time.monotonic()
        self.put(revoked)
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_REVOKED", self.end_of(held))
        self.assertLess(time.monotonic() - began, harness.busy(1))
        self.assertEqual(200, self.ask(kept))

    def test_ways_of_writing_a_list(self):
        self.start()
        here, there = self.folder / "here", self.folder / "there"

        def in_place(data):
            self.crl.write_bytes(data)

        def in_two_parts(data):
            with open(self.crl, "wb") as file:
                file.write(data[:len(data) // 2])
                file.flush()
                wait_for(lambda: self.refused() > 0, "the half that was refused")
                self.assertFalse(self.is_let_in(self.bad))  # the last good list stays
                file.write(data[len(data) // 2:])

        def by_link(data):
            for folder in (here, there):
                folder.mkdir(exist_ok=True)
            (here / "list").write_bytes(data)
            os.symlink(here / "list", self.folder / "swap")
            os.replace(self.folder / "swap", self.crl)

        def behind_the_link(data):
            (here / "list").write_bytes(data)

        number = 2
        for way in (self.put, in_place, in_two_parts, by_link, behind_the_link):
            with self.subTest(way=way.__name__):
                first = way if way == behind_the_link else self.put
                first(self.list(number, self.bad))
                wait_for(lambda: not self.is_let_in(self.bad), "revoked")
                way(self.list(number + 1))
                wait_for(lambda: self.is_let_in(self.bad), "forgiven")
                number += 2

    def refused(self):
        return self.mtlsd.log.count("the last good lists stay in use")

    def test_what_must_not_replace_a_list(self):
        """A3, F1: each is refused with a sentence about it, and who was revoked stays out."""
        self.start()
        self.put(self.list(7, self.bad))
        wait_for(lambda: not self.is_let_in(self.bad), "revoked")
        whole = self.list(8)
        rows = [
            ("half a list", whole[:len(whole) // 2]),
            ("nothing", b""),
            ("text", b"no list\n"),
            ("an older list", self.list(6)),
            ("another CA's", self.list(9, issuer=self.pki.ca("stranger"))),
        ]
        for why, data in rows:
            with self.subTest(why):
                before = self.refused()
                self.put(data)
                wait_for(lambda: self.refused() > before, f"refusal of {why}")
                self.assertFalse(self.is_let_in(self.bad))
                self.assertTrue(self.is_let_in(self.good))
        before = self.refused()
        self.crl.unlink()
        wait_for(lambda: self.refused() > before, "refusal of a list that is gone")
        self.assertFalse(self.is_let_in(self.bad))
        self.crl.mkdir()
        wait_for(lambda: self.refused() > before + 1, "refusal of a folder")
        self.assertFalse(self.is_let_in(self.bad))
        self.crl.rmdir()
        self.put(whole)
        wait_for(lambda: self.is_let_in(self.bad), "the good one at last")


if __name__ == "__main__":
    unittest.main()
