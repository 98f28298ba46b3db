# SPDX-License-Identifier: Apache-2.0
"""A daemon that root starts and that becomes another user once its sockets are open."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

import harness
import peers
from harness import MTLSD, Process

NOBODY = 65534


def low_port():
    """A free port that only root may listen on."""
    for port in range(1023, 600, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise unittest.SkipTest("no port below 1024 is free")


@unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
class User(harness.Case):
    def setUp(self):
        super().setUp()
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="mtlsd-user-", dir="/tmp"))  # the folder of the test is root's alone
        self.addCleanup(shutil.rmtree, self.place, True)
        os.chown(self.place, NOBODY, NOBODY)
        self.place.chmod(0o755)
        self.variables = {**self.environment(), "ASAN_OPTIONS": "detect_leaks=0"}  # the user may not trace, not even itself

    def put(self, name, source, owner, mode):
        shutil.copy(source, self.place / name)
        os.chown(self.place / name, owner, owner)
        (self.place / name).chmod(mode)

    def text(self, user='user = "65534"; group = "65534";'):
        return f"""workers = 2; {user} admin = {{ socket = "unix:{self.place}/admin.sock"; }}; log = {{ target = "{self.place}/log"; }};
            identities = {{ me = {{ bundle = "me.pem"; }}; }}; trusts = {{ ca = {{ ca = "ca.pem"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }}; }};
            listeners = {{ front = {{ bind = "127.0.0.1:{self.port}"; upstream = "app"; tls = {{ identity = "me"; trust = "ca"; }}; }};
                           local = {{ bind = "unix:{self.place}/local.sock"; upstream = "app"; }}; }};"""

    def prepare(self, owner=NOBODY, mode=0o600):
        self.port, self.backend = low_port(), peers.Backend(self, lambda r: peers.reply(b"fine"))
        self.put("me.pem", self.pki.server().pem, owner, mode)
        self.put("ca.pem", self.pki.ca("root").crt, 0, 0o644)
        self.file = self.place / "mtlsd.conf"
        self.file.write_text(self.text())
        self.file.chmod(0o644)

    def start(self):
        self.mtlsd = Process("mtlsd", [MTLSD, "run", "-c", self.file], self.folder, self.variables)
        self.processes.append(self.mtlsd)
        self.daemons.append(self.mtlsd)
        self.mtlsd.wait_ready([self.port], [self.place / "admin.sock", self.place / "local.sock"])

    def get(self):
        client = self.pki.client()
        return self.curl("--cacert", self.pki.ca("root").crt, "--cert", client.crt, "--key", client.key, f"https://localhost:{self.port}/").text

    def command_here(self, *words):
        return self.command(*words, env=self.variables)

    def test_every_thread_has_no_right_left_and_serves_a_low_port(self):  # E4
        self.prepare()
        self.start()
        self.assertEqual(self.get(), "fine")
        for task in pathlib.Path(f"/proc/{self.mtlsd.pid}/task").iterdir():
            facts = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
            self.assertEqual((facts["Uid"].split(), facts["Gid"].split()), ([str(NOBODY)] * 4, [str(NOBODY)] * 4))
            self.assertEqual(set(facts["Groups"].split()), {str(NOBODY)})
            self.assertEqual((int(facts["CapPrm"], 16), int(facts["CapEff"], 16)), (0, 0))
        self.assertIn("NoNewPrivs:\t1", pathlib.Path(f"/proc/{self.mtlsd.pid}/status").read_text())
        for name in ("admin.sock", "local.sock", "log"):
            self.assertEqual((self.place / name).stat().st_uid, NOBODY, name)

    def test_what_the_environment_holds_is_read(self):
        self.prepare()
        self.file.write_text(self.text().replace('bundle = "me.pem"', 'bundle = "env:WEB_PEM"'))
        self.variables["WEB_PEM"] = (self.place / "me.pem").read_text()
        for name, setting in (("keys apart", ""), ("keys in process", "insecure_keys_in_process = true; ")):
            with self.subTest(name):
                self.file.write_text(setting + self.file.read_text())
                self.start()
                self.assertEqual(self.get(), "fine")
                self.mtlsd.stop()

    def test_reloads_run_as_the_user_and_keep_what_they_cannot_replace(self):
        self.prepare()
        self.start()
        self.assertEqual(self.command_here("reload", "-c", self.file).returncode, 0)
        self.put("me.pem", self.pki.server().pem, 0, 0o600)
        refused = self.command_here("reload", "-c", self.file)
        self.assertEqual((refused.returncode, "Permission denied" in refused.stderr), (3, True), refused.stderr)
        self.assertEqual(self.get(), "fine")
        self.put("me.pem", self.pki.server().pem, NOBODY, 0o600)
        self.file.write_text(self.text('user = "daemon";'))
        other = self.command_here("reload", "-c", self.file)
        self.assertIn("65534 stays in use, because a reload cannot become another user", other.stdout + other.stderr)

    def test_check_names_the_files_that_a_reload_could_not_read(self):
        self.prepare(owner=0)
        done = self.command_here("check", "-c", self.file)
        self.assertIn("me.pem: user \"65534\" cannot read it, so the next reload will be refused", done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.put("me.pem", self.pki.server().pem, NOBODY, 0o600)
        self.assertNotIn("cannot read it", self.command_here("check", "-c", self.file).stdout)
        self.put("ca.crl", self.pki.crl("of-root", self.pki.ca("root")), 0, 0o600)
        self.file.write_text(self.text().replace('ca = "ca.pem";', 'ca = "ca.pem"; crl = "ca.crl";'))
        self.assertIn("ca.crl: user \"65534\" cannot read it", self.command_here("check", "-c", self.file).stdout)

    def test_nothing_runs_when_it_cannot_become_the_user(self):
        self.prepare()
        for user, says in (('user = "no-such-user-here";', "has no such user"), ('user = "root";', "keeps every right"), ('group = "daemon";', "needs user")):
            self.file.write_text(self.text(user))
            done = self.command_here("run", "-c", self.file)
            self.assertEqual((done.returncode, says in done.stderr), (3, True), done.stderr)
        (self.place / "log").unlink()
        self.file.write_text(self.text('user = "daemon";'))
        done = subprocess.run([MTLSD, "run", "-c", self.file], user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True, timeout=30,
                              cwd=self.place, env=self.variables)
        self.assertEqual((done.returncode, "only root can become another user" in done.stderr), (3, True), done.stderr)


if __name__ == "__main__":
    unittest.main()
