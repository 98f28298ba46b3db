# SPDX-License-Identifier: Apache-2.0
"""The sandbox of a running daemon: what an intruder in it finds, and what an operator sees of it."""
import errno
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import harness
import intruder
import peers
from harness import MTLSD, free_port, wait_for


class Case(harness.Case):
    def start(self, top=""):
        self.elsewhere = pathlib.Path(tempfile.mkdtemp(prefix="mtlsd-elsewhere-"))
        self.addCleanup(shutil.rmtree, self.elsewhere, True)
        top = top.replace("ELSEWHERE", str(self.elsewhere))
        self.backend = peers.Backend(self, answer=lambda request: peers.reply(b"ok"))
        self.port = free_port()
        self.socket = self.folder / "admin.sock"
        self.mtlsd = self.daemon(f'{top} admin = {{ socket = "unix:{self.socket}"; }};\n' + self.verifier_text(self.port, self.backend.port), [self.port])

    def status(self):
        done = subprocess.run([MTLSD, "status", "--json", "--socket", str(self.socket)], capture_output=True, text=True, timeout=20, check=True)
        return json.loads(done.stdout)["sandbox"]

    def ask(self):
        with peers.secure(self.port, peers.client_context(self.pki.ca("root"), self.pki.client())) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return peers.response(connection)[0]

    def reload_with_ca(self, ca):
        """The same configuration with another CA file; gives the line about the reload."""
        text = self.mtlsd.config_path.read_text()
        self.mtlsd.config_path.write_text(text.replace(str(self.pki.ca("root").crt), str(ca)))
        before = self.mtlsd.log.count(" reload ")
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: self.mtlsd.log.count(" reload ") > before, "the reload")
        return [line for line in self.mtlsd.log.splitlines() if " reload " in line][-1]

    def needs(self, part):
        if not self.status()[part]:
            self.skipTest("this kernel has no " + part)


class Sandbox(Case):
    def test_status_tells_what_is_in_force_for_every_thread(self):
        self.start()
        status = self.status()
        self.assertTrue(status["on"])
        self.assertEqual(status["why"] is None, bool(status["landlock"] and status["seccomp"]))
        for task in pathlib.Path(f"/proc/{self.mtlsd.pid}/task").iterdir():
            lines = (task / "status").read_text()
            self.assertIn("NoNewPrivs:\t1", lines)
            self.assertIn("Seccomp:\t" + ("2" if status["seccomp"] else "0"), lines)
        self.assertEqual(200, self.ask())

    def test_a_reload_that_needs_another_folder_is_refused_with_the_way_out(self):
        self.start()
        self.needs("landlock")
        near, far = self.folder / "near.pem", self.elsewhere / "far.pem"
        for path in (near, far):
            shutil.copy(self.pki.ca("root").crt, path)
        said = self.reload_with_ca(far)
        self.assertIn("refused", said)
        self.assertIn(str(far), said)
        self.assertIn("sandbox", said)
        self.assertIn("SIGUSR2", said)
        self.assertEqual(200, self.ask(), "the old configuration serves on")
        self.mtlsd.config_path.write_text(self.mtlsd.config_path.read_text().replace(str(far), str(self.pki.ca("root").crt)))
        self.assertIn("in use", self.reload_with_ca(near))
        self.assertEqual(200, self.ask())

    @unittest.skipUnless(intruder.can_play(), "needs root and an x86-64 processor")
    def test_an_intruder_cannot_open_the_file_of_a_key(self):  # E4
        self.start()
        self.needs("landlock")
        key = self.elsewhere / "me.pem"
        self.mtlsd.stop()
        shutil.copy(self.pki.server().pem, key)
        key.chmod(0o600)
        self.mtlsd = self.daemon(self.mtlsd.config_path.read_text().replace(str(self.pki.server().pem), str(key)), [self.port], prelude="")
        self.assertEqual(200, self.ask())
        with intruder.Intruder(self.mtlsd.pid) as inside:
            self.assertEqual(-errno.EACCES, inside.call(intruder.OPENAT, intruder.AT_FDCWD, inside.text(str(key)), 0))
        shutil.copy(self.pki.server().pem, self.elsewhere / "next")
        (self.elsewhere / "next").chmod(0o600)
        (self.elsewhere / "next").rename(key)
        before = self.mtlsd.log.count("is in use")
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: self.mtlsd.log.count("is in use") > before, "the reload, which reads the key again")

    @unittest.skipUnless(intruder.can_play(), "needs root and an x86-64 processor")
    def test_the_password_file_of_a_database_stays_readable(self):
        self.start(top='registries = { r = { database = "postgresql://u@127.0.0.1:1/x?passfile=ELSEWHERE/pgpass"; }; };')
        self.needs("landlock")
        (self.elsewhere / "pgpass").write_text("127.0.0.1:1:x:u:secret")
        with intruder.Intruder(self.mtlsd.pid) as inside:
            self.assertLess(0, inside.call(intruder.OPENAT, intruder.AT_FDCWD, inside.text(str(self.elsewhere / "pgpass")), 0))

    def test_without_it_the_start_warns_and_any_folder_will_do(self):
        self.start(top="insecure_no_sandbox = true;")
        self.assertFalse(self.status()["on"])
        self.assertIn("insecure_no_sandbox", self.mtlsd.log)
        self.assertIn("Seccomp:\t0", pathlib.Path(f"/proc/{self.mtlsd.pid}/status").read_text())
        far = self.elsewhere / "far.pem"
        shutil.copy(self.pki.ca("root").crt, far)
        self.assertIn("in use", self.reload_with_ca(far))

    @unittest.skipUnless(intruder.can_play(), "needs root and an x86-64 processor")
    def test_an_intruder_can_open_and_run_nothing(self):  # E5
        self.start()
        self.needs("landlock")
        self.needs("seccomp")
        (self.elsewhere / "secret").write_text("secret")
        with intruder.Intruder(self.mtlsd.pid) as inside:
            for path in (self.elsewhere / "secret", "/etc/shadow", "/bin/true"):
                self.assertEqual(-errno.EACCES, inside.call(intruder.OPENAT, intruder.AT_FDCWD, inside.text(str(path)), 0), path)
            self.assertLess(0, inside.call(intruder.OPENAT, intruder.AT_FDCWD, inside.text(str(self.mtlsd.config_path)), 0), "it works at all")
            self.assertEqual(-errno.ENOSYS, inside.call(intruder.SOCKET, socket.AF_PACKET, socket.SOCK_RAW))
        self.assertEqual(200, self.ask(), "it serves on")
        self.assertIn("in use", self.reload_with_ca(self.pki.ca("root").crt), "and reloads")
        with intruder.Intruder(self.mtlsd.pid) as inside:
            self.assertIsNone(inside.call(intruder.EXECVE, inside.text("/bin/true"), 0, 0))
        self.assertEqual(signal.SIGSYS, os.WTERMSIG(inside.status))

    @unittest.skipUnless(intruder.can_play(), "needs root and an x86-64 processor")
    def test_an_intruder_in_the_process_of_keys_opens_no_socket(self):  # E5
        self.start()
        self.needs("seccomp")
        with intruder.Intruder(self.mtlsd.key_process()) as inside:
            for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_NETLINK):
                self.assertEqual(-errno.ENOSYS, inside.call(intruder.SOCKET, family, socket.SOCK_STREAM))
        self.assertEqual(200, self.ask(), "it signs on")


if __name__ == "__main__":
    unittest.main()
