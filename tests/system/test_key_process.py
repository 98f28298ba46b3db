# SPDX-License-Identifier: Apache-2.0
"""E4: the process that holds private keys: what it may do, what ends it, and what happens without it. test_key_residue.py looks into its memory."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import types

import harness
import peers
from harness import free_port, is_alive, wait_for

NOBODY = 65534


def field(pid, name):
    return re.search(rf"^{name}:\s+(.*)$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1].split()


class KeyProcess(harness.Case):
    def start(self, top="", **options):
        backend = peers.Backend(self, lambda r: peers.reply(b"fine"))
        self.port, self.socket = free_port(), self.folder / "admin.sock"
        text = self.verifier_text(self.port, backend.port, **options)
        self.mtlsd = self.daemon(f'{top} admin = {{ socket = "unix:{self.socket}"; }}; {text}', [self.port])
        self.keys = self.mtlsd.key_process()

    def serves(self):
        self.assertEqual("fine", self.curl_tls(self.port).text)

    def ask(self, path):
        return self.curl("--unix-socket", self.socket, f"http://localhost{path}")

    def test_is_protected_and_told(self):
        self.start()
        self.serves()
        self.assertEqual(["1"], field(self.keys, "NoNewPrivs"))
        self.assertEqual(field(self.mtlsd.pid, "Seccomp"), field(self.keys, "Seccomp"))
        self.assertEqual(0, os.stat(f"/proc/{self.keys}/mem").st_uid)
        self.assertRegex(pathlib.Path(f"/proc/{self.keys}/limits").read_text(), r"Max core file size +0 +0 ")
        links = [os.readlink(f"/proc/{self.keys}/fd/{n}") for n in os.listdir(f"/proc/{self.keys}/fd")]
        self.assertEqual(["/dev/null"] * 2, [link for link in links if link == "/dev/null"])
        # Standard error, a channel for the worker and for each of two threads that load, and one that says that it lives.
        self.assertEqual(5, len([link for link in links if link != "/dev/null"]), links)
        status = self.ask("/status").json()
        self.assertEqual({"process": True, "pid": self.keys, "answers": True, "refused": 0, "sandbox": status["keys"]["sandbox"]}, status["keys"])
        self.assertIn(f"in process {self.keys}", self.command("status", "--socket", self.socket).stdout)

    def test_its_sandbox_is_told(self):
        """Also after it became the user, before which it filters no calls."""
        for user in ("", 'user = "nobody";')[:1 if os.geteuid() else 2]:
            with self.subTest(user):
                self.folder.chmod(0o755)
                self.start(user)
                status = self.ask("/status").json()
                told = status["keys"]["sandbox"]
                self.assertEqual(status["sandbox"], told)  # of one kernel
                self.assertEqual(["2" if told["seccomp"] else "0"], field(self.keys, "Seccomp"))
                self.assertEqual(told["why"] is not None, "in force in the key process" in self.mtlsd.log)
                if told["seccomp"]:
                    self.assertRegex(self.command("status", "--socket", self.socket).stdout, r"\n  of keys     .*system calls")
                self.serves()
                self.mtlsd.stop()

    def test_without_a_sandbox_it_says_so(self):
        self.start("insecure_no_sandbox = true;")
        self.assertEqual({"on": False, "landlock": 0, "seccomp": False, "why": None}, self.ask("/status").json()["keys"]["sandbox"])
        self.assertNotIn("  of keys ", self.command("status", "--socket", self.socket).stdout)

    def test_in_one_process_there_is_none(self):
        self.start("insecure_keys_in_process = true;")
        self.serves()
        self.assertIsNone(self.keys)
        self.assertEqual({"process": False}, self.ask("/status").json()["keys"])

    def test_its_end_ends_the_daemon(self):
        self.start()
        os.kill(self.keys, signal.SIGKILL)
        self.assertEqual(1, self.mtlsd.wait())
        self.assertIn("the key process has ended (signal 9)", self.mtlsd.log)
        self.assertFalse(is_alive(self.keys))

    def test_ends_with_the_daemon_however_that_ends(self):
        for number in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(signal=number):
                self.start()
                self.mtlsd.signal(number)
                self.mtlsd.wait()
                wait_for(lambda: not is_alive(self.keys), "the end of the key process")

    def test_takes_no_signal_that_is_meant_for_the_daemon(self):
        self.start()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT, signal.SIGPIPE):
            os.kill(self.keys, number)
        self.serves()
        self.assertTrue(is_alive(self.keys))

    def test_stopped_it_holds_up_a_worker_once_and_goes_on_later(self):
        """The first handshake waits for the deadline; those behind it are refused at once, and the daemon does not call itself ready."""
        self.start()
        self.serves()
        os.kill(self.keys, signal.SIGSTOP)
        try:
            self.assertNotEqual(0, self.curl_tls(self.port, seconds=15).exit)
            begun = time.monotonic()
            for _ in range(5):
                self.assertNotEqual(0, self.curl_tls(self.port).exit)
            self.assertLess(time.monotonic() - begun, harness.busy(4))
            answer = self.ask("/readyz")
            self.assertEqual(503, answer.status)
            self.assertIn("does not answer", answer.text)
            self.assertFalse(self.ask("/status").json()["keys"]["answers"])
        finally:
            os.kill(self.keys, signal.SIGCONT)
        wait_for(lambda: self.curl_tls(self.port).text == "fine", "a handshake")
        self.assertEqual(200, self.ask("/readyz").status)
        self.assertIn("does not answer within 5 s", self.mtlsd.log)
        self.assertIn("answers again", self.mtlsd.log)

    def test_keys_of_a_refused_reload_are_given_back(self):
        """The file is exchanged: its certificate stays and has the key of another one, then it is right again."""
        server, mine = self.pki.server(), types.SimpleNamespace(pem=self.folder / "mine.pem")
        shutil.copy(server.pem, mine.pem)
        self.start('watch = "off";', certificate=mine)
        mine.pem.write_text(server.crt.read_text() + self.pki.client().key.read_text())
        done = self.command("reload", "-c", self.mtlsd.config_path)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("does not belong to", done.stderr + done.stdout)
        self.serves()
        shutil.copy(server.pem, mine.pem)
        self.assertEqual(0, self.command("reload", "-c", self.mtlsd.config_path).returncode)
        self.serves()

    def test_a_start_that_is_refused_leaves_no_process(self):
        conf = self.config(self.verifier_text(free_port(), 9).replace(str(self.pki.server().pem), "/nowhere.pem"))
        done = self.command("run", "-c", conf)
        self.assertEqual(3, done.returncode, done.stderr)
        self.assertIn("/nowhere.pem: cannot open: No such file or directory", done.stderr)

    def test_becomes_the_user_too(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        self.folder.chmod(0o755)
        self.start('user = "nobody";')
        self.serves()
        self.assertEqual([str(NOBODY)] * 4, field(self.keys, "Uid"))
        self.assertEqual(field(self.mtlsd.pid, "Seccomp"), field(self.keys, "Seccomp"))
        self.mtlsd.signal(signal.SIGKILL)  # the order to end with the parent outlives the change of the user
        self.mtlsd.wait()
        wait_for(lambda: not is_alive(self.keys), "the end of the key process")

    def test_without_memory_it_says_so(self):
        """Either the reload is refused and the old keys stay in use, or the daemon ends and says why."""
        if harness.is_sanitized():
            self.skipTest("a sanitizer needs more memory than can be measured")
        self.start()
        subprocess.run(["prlimit", "--pid", str(self.keys), "--data=4096"], check=True)
        more = "".join(f'i{i} = {{ bundle = "{self.pki.client().pem}"; }}; ' for i in range(3000))
        path = self.mtlsd.config_path
        path.write_text(path.read_text().replace("identities = {", f"identities = {{ {more}"))
        done = self.command("reload", "-c", path)
        self.assertNotEqual(0, done.returncode)
        if self.mtlsd.popen.poll() is None and is_alive(self.keys):
            self.assertIn("memory", done.stdout + done.stderr)
            self.serves()
        else:
            self.assertEqual(1, self.mtlsd.wait())
            self.assertIn("the key process has ended", self.mtlsd.log)

    def test_needs_descriptors(self):
        conf = self.config(self.verifier_text(free_port(), 9))
        done = subprocess.run(["prlimit", "--nofile=6", harness.MTLSD, "run", "-c", conf], capture_output=True, text=True, timeout=30, env=self.environment())
        self.assertNotEqual(0, done.returncode)
        self.assertIn("key process", done.stderr)

    def test_a_reload_does_not_move_the_keys(self):
        self.start()
        path = self.mtlsd.config_path
        path.write_text("insecure_keys_in_process = true;\n" + path.read_text())
        done = self.command("reload", "-c", path)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("private keys stay in the key process", done.stdout + done.stderr)
        self.serves()


if __name__ == "__main__":
    harness.main()
