# SPDX-License-Identifier: Apache-2.0
"""Damaged or wrong CA files and revocation lists: at the start, at a reload, and while the daemon runs (A3, F1, D7)."""
import contextlib
import os
import shutil
import stat
import ssl
import subprocess
import time
import unittest

import certs
import harness
import peers
from harness import MTLSD, free_port, wait_for

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
JUNK = "-----BEGIN {0}-----\nMIIB\n-----END {0}-----\n"
NOBODY = 65534


def away(path):
    """Removes whatever is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.root, self.second = self.pki.ca("root"), self.pki.ca("bf-second")
        self.good, self.bad = self.pki.client(), self.pki.leaf("bf-revoked", eku=("clientAuth",))
        self.ca, self.crl, self.admin = self.folder / "ca.pem", self.folder / "ca.crl", self.folder / "admin.sock"
        self.good_ca = self.root.crt.read_text() + self.second.crt.read_text()
        self.number = 0
        self.restore()

    def list(self, *revoked, issuer=None):
        self.number += 1
        return self.pki.crl(f"bf-{time.monotonic_ns()}", issuer or self.root, revoked, number=self.number).read_text()

    def both_lists(self, *revoked):
        return self.list(*revoked) + self.list(issuer=self.second)

    def put(self, path, data):
        fresh = path.with_suffix(".new")
        fresh.write_bytes(data if isinstance(data, bytes) else data.encode())
        if path.is_dir():
            away(path)
        os.replace(fresh, path)

    def restore(self):
        """The good set, with a newer list each time: an older one would not be taken."""
        for path, data in ((self.ca, self.good_ca), (self.crl, self.both_lists(self.bad))):
            away(path)
            self.put(path, data)

    def states(self, path, whole, label):
        """(why, how to bring it about) for one of the two files."""
        first = whole[:whole.index("-----END") + whole[whole.index("-----END"):].index("\n") + 1]
        second = whole[len(first):]
        put = lambda data: lambda: self.put(path, data)

        def folder():
            away(path)
            path.mkdir()

        def folder_of_prose():
            folder()
            (path / "README").write_text("no certificate here\n")

        def link_to_nowhere():
            away(path)
            path.symlink_to(self.folder / "nowhere")

        def pipe():
            away(path)
            os.mkfifo(path)

        def two_gigabytes():
            away(path)
            with open(path, "wb") as file:
                file.truncate(2 << 30)
        return [
            ("absent", lambda: away(path)), ("a link to nowhere", link_to_nowhere), ("empty", put("")), ("blanks", put("\n \n\n")),
            ("a folder", folder), ("a folder of something else", folder_of_prose), ("a pipe that nobody writes to", pipe),
            ("2 GiB of zeros", two_gigabytes), ("prose", put("hello\n")), ("zeros", put(b"\0" * 4096)),
            ("cut in the first block", put(whole[:100])), ("cut in the second block", put(first + second[:100])),
            ("cut before the last line", put(whole[:whole.rindex("-----END")])),
            ("a bad block among good", put(first + JUNK.format(label) + second)), ("a bad block first", put(JUNK.format(label) + whole)),
            ("a block of another kind among good", put(first + JUNK.format("PRIVATE KEY") + second)),
            ("a byte changed", put(first[:120] + ("A" if first[120] != "A" else "B") + first[121:] + second)),
            ("a mark damaged", put(whole.replace("-----BEGIN", "----BEGIN", 1))),
        ]

    def ca_states(self):
        der = certs.openssl("x509", "-in", self.root.crt, "-outform", "DER")
        return self.states(self.ca, self.good_ca, "CERTIFICATE") + [
            ("DER in a PEM place", lambda: self.put(self.ca, der)),
            ("a leaf among CAs", lambda: self.put(self.ca, self.good_ca + self.good.crt.read_text())),
            ("a list in a CA's place", lambda: self.put(self.ca, self.list()))]

    def crl_states(self):
        der = certs.openssl("crl", "-outform", "DER", data=self.list().encode())
        return self.states(self.crl, self.both_lists(), "X509 CRL") + [
            ("half a DER", lambda: self.put(self.crl, der[:len(der) // 2])),
            ("DER and more behind it", lambda: self.put(self.crl, der + b"\0")),
            ("a CA in a list's place", lambda: self.put(self.crl, self.good_ca))]

    def text(self, port, backend):
        return f'watch = "off"; admin = {{ socket = "unix:{self.admin}"; }};' + self.verifier_text(port, backend, trust='ca = "ca.pem"; crl = "ca.crl";')

    def start(self):
        self.backend = peers.Backend(self)
        self.port = free_port()
        self.mtlsd = self.daemon(self.text(self.port, self.backend.port), [self.port], [self.admin])

    def is_let_in(self, certificate):
        with contextlib.suppress(OSError), peers.secure(self.port, peers.client_context(self.root, certificate)) as connection:
            connection.sendall(REQUEST)
            return peers.response(connection)[0] == 200
        return False

    def expect_as_before(self):
        self.assertEqual([True, False], [self.is_let_in(self.good), self.is_let_in(self.bad)])


class AtTheStart(Case):
    def test_nothing_starts_with_it(self):
        path = self.config(self.text(free_port(), 1))
        self.assertEqual(0, self.command("check", "-c", path).returncode)
        for file, states in ((self.ca, self.ca_states()), (self.crl, self.crl_states())):
            for why, bring_about in states:
                with self.subTest(f"{file.name}: {why}"):
                    bring_about()
                    done = self.command("check", "-c", path)
                    self.assertEqual(3, done.returncode, done.stdout + done.stderr)
                    self.assertIn(file.name, done.stdout + done.stderr)
                    done = self.command("run", "-c", path)
                    self.assertEqual(3, done.returncode, done.stdout + done.stderr)
                    self.restore()

    def test_windows_line_ends_are_fine(self):
        path = self.config(self.text(free_port(), 1))
        for file in (self.ca, self.crl):
            self.put(file, file.read_bytes().replace(b"\n", b"\r\n"))
        self.assertEqual(0, self.command("check", "-c", path).returncode)


@unittest.skipIf(os.geteuid() == 0 and not shutil.which("setpriv"), "needs another user than root")
class Unreadable(Case):
    def test_what_may_not_be_read_is_not_passed_over(self):
        """At the start, at a reload and while running; as a user who is held to file modes."""
        above = self.folder.parent # may be one for this run alone, which nobody else may pass
        above.chmod(stat.S_IMODE(above.stat().st_mode) | 0o011)
        shutil.copy(MTLSD, self.folder / "mtlsd")
        server = self.pki.server()
        shutil.copy(server.pem, self.folder / "server.pem")
        self.backend, self.port = peers.Backend(self), free_port()
        path = self.config(self.text(self.port, self.backend.port).replace(str(server.pem), "server.pem"))
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
        for name in ("server.pem", "ca.pem", "ca.crl", "mtlsd.conf", "."):
            if user:
                os.chown(self.folder / name, NOBODY, NOBODY)
            (self.folder / name).chmod(0o700 if name == "." else 0o600)
        ours = [*user, self.folder / "mtlsd"]
        check = lambda: subprocess.run([*ours, "check", "-c", path], capture_output=True, text=True, timeout=30, env=self.environment())
        self.assertEqual(0, check().returncode, check().stdout)
        self.mtlsd = self.spawn("mtlsd", [*ours, "run", "-c", path], [self.port], [self.admin], self.environment())
        self.expect_as_before()
        for name in ("ca.crl", "ca.pem"):
            (self.folder / name).chmod(0)
            for done in (check(), self.command("reload", "-c", path)):
                self.assertEqual(3, done.returncode, done.stdout + done.stderr)
                self.assertRegex(done.stdout + done.stderr, name + ": .*Permission denied")
            if name == "ca.crl":
                wait_for(lambda: "the last good lists stay in use" in self.mtlsd.log, "the refusal while running")
            self.expect_as_before()
            (self.folder / name).chmod(0o600)
        self.assertEqual(0, self.command("reload", "-c", path).returncode)


class AtAReload(Case):
    def last_reload(self):
        return self.curl("--unix-socket", self.admin, "http://localhost/status").json()["last_reload"]

    def test_the_last_good_set_stays(self):
        """And the status tells why."""
        self.start()
        for file, states in ((self.ca, self.ca_states()), (self.crl, self.crl_states())):
            for why, bring_about in states:
                with self.subTest(f"{file.name}: {why}"):
                    bring_about()
                    done = self.command("reload", "-c", self.mtlsd.config_path)
                    self.assertEqual(3, done.returncode, done.stdout + done.stderr)
                    self.assertIn(file.name, done.stdout + done.stderr)
                    self.assertEqual("refused", self.last_reload()["result"])
                    self.assertIn(file.name, self.last_reload()["error"])
                    self.expect_as_before()
                    self.restore()
        self.assertEqual(0, self.command("reload", "-c", self.mtlsd.config_path).returncode)
        self.expect_as_before()


class WhileRunning(Case):
    def refused(self):
        return self.mtlsd.log.count("the last good lists stay in use")

    def adopted(self):
        return self.mtlsd.log.count("changed revocation lists are in use")

    def test_the_last_good_lists_stay(self):
        self.start()
        for why, bring_about in self.crl_states():
            with self.subTest(why):
                before = self.refused()
                bring_about()
                wait_for(lambda: self.refused() > before, f"the refusal of {why}")
                self.expect_as_before()
                adopted = self.adopted()
                self.restore()
                wait_for(lambda: self.adopted() > adopted, f"a good list after {why}")
        self.put(self.crl, self.both_lists())
        wait_for(lambda: self.is_let_in(self.bad), "the good lists at last")

    def test_a_pipe_that_stays_silent_does_not_end_the_looking(self):
        self.start()
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        writer = os.open(pipe, os.O_RDWR)
        self.addCleanup(os.close, writer)
        os.replace(pipe, self.crl)
        wait_for(lambda: self.refused() > 0, "the refusal of the pipe")
        self.expect_as_before()
        self.put(self.crl, self.both_lists())
        wait_for(lambda: self.is_let_in(self.bad), "the good lists")


if __name__ == "__main__":
    harness.main()
