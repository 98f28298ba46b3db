# SPDX-License-Identifier: Apache-2.0
"""`mtlsd wrap`: the daemon beside a program, which starts once the chain works and whose exit code counts."""
import os
import re
import signal
import subprocess
import unittest

import harness
import peers
from harness import free_port, wait_for


class Wrap(harness.Case):
    def setUp(self):
        super().setUp()
        self.port = free_port()

    def conf(self, target, listener="", top=""):
        return self.config(top + self.injector_text(self.port, f"127.0.0.1:{target}", listener=listener))

    def verifier_at(self, port):
        backend = peers.Backend(self, lambda request: peers.reply(b"ok"))
        self.daemon(self.verifier_text(port, backend.port), [port], name="verifier")
        return port

    def wrap(self, path, *argv, flags=()):
        process = harness.Process(f"wrap-{len(self.processes)}", [harness.MTLSD, "wrap", "-c", path, *flags, "--", *argv], self.folder, self.environment())
        self.processes.append(process)
        return process

    def test_the_program_runs_once_the_chain_works_and_its_exit_code_counts(self):
        path = self.conf(self.verifier_at(free_port()))
        wrapped = self.wrap(path, "sh", "-c", f"curl -sS --noproxy '*' http://127.0.0.1:{self.port}/ -o got; exit 7")
        self.assertEqual(7, wrapped.wait(20))
        self.assertEqual("ok", (self.folder / "got").read_text())
        self.assertIn("all connections are closed", wrapped.log)

    def test_the_program_waits_for_its_upstream(self):
        port = free_port()
        wrapped = self.wrap(self.conf(port), "touch", "started")
        wait_for(lambda: "waiting for upstream far" in wrapped.log, "the wait")
        self.assertRegex(wrapped.log, r"waiting for upstream far \(127\.0\.0\.1:\d+\): connect_refused")
        self.assertFalse((self.folder / "started").exists())
        self.verifier_at(port)
        self.assertEqual(0, wrapped.wait(20))
        self.assertTrue((self.folder / "started").exists())

    def test_the_program_is_not_started_when_time_is_over(self):
        wrapped = self.wrap(self.conf(free_port()), "touch", "started", flags=["--wait", "1"])
        self.assertEqual(1, wrapped.wait(20))
        self.assertIn("upstream far does not accept a connection: the program was not started", wrapped.log)
        self.assertFalse((self.folder / "started").exists())

    def test_an_upstream_that_refuses_our_certificate_is_not_there(self):
        stranger = self.pki.leaf(f"wrap-stranger-{os.getpid()}", self.pki.ca("other"), eku=("clientAuth",))
        target = self.verifier_at(free_port())
        path = self.config(self.injector_text(self.port, f"127.0.0.1:{target}", identity=stranger))
        wrapped = self.wrap(path, "true", flags=["--wait", "1"])
        self.assertEqual(1, wrapped.wait(20))
        self.assertRegex(wrapped.log, r"waiting for upstream far .*: our_certificate_refused")

    def test_the_upstreams_need_not_be_there(self):
        self.assertEqual(0, self.wrap(self.conf(free_port()), "true", flags=["--no-upstreams"]).wait(20))

    def test_signals_go_to_the_program(self):
        path = self.conf(free_port())
        wrapped = self.wrap(path, "sh", "-c", "trap 'exit 3' TERM; trap 'touch usr1' USR1; touch started; while :; do sleep 0.05; done", flags=["--no-upstreams"])
        wait_for((self.folder / "started").exists, "the program")
        wrapped.signal(signal.SIGUSR1)
        wait_for((self.folder / "usr1").exists, "the signal")
        wrapped.signal(signal.SIGTERM)
        self.assertEqual(3, wrapped.wait(20))

    def test_a_program_that_is_killed_gives_the_code_that_shells_give(self):
        wrapped = self.wrap(self.conf(free_port()), "sh", "-c", "kill -9 $$", flags=["--no-upstreams"])
        self.assertEqual(128 + 9, wrapped.wait(20))

    def test_a_signal_before_the_start_ends_the_wait(self):
        wrapped = self.wrap(self.conf(free_port()), "touch", "started")
        wait_for(lambda: "waiting for upstream" in wrapped.log, "the wait")
        wrapped.signal(signal.SIGTERM)
        self.assertEqual(1, wrapped.wait(20))
        self.assertFalse((self.folder / "started").exists())

    def test_the_program_ends_with_the_daemon(self):
        wrapped = self.wrap(self.conf(free_port()), "sh", "-c", "echo $$ > pid; exec sleep 30", flags=["--no-upstreams"])
        wait_for(lambda: (self.folder / "pid").exists() and (self.folder / "pid").read_text().strip(), "the program")
        children = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(wrapped.pid)], capture_output=True, text=True, check=True).stdout
        os.kill(int(re.search(r"(\d+) mtlsd run", children)[1]), signal.SIGKILL)
        self.assertEqual(1, wrapped.wait(20))
        self.assertIn("the daemon ended before the program", wrapped.log)
        self.assertFalse(os.path.exists(f"/proc/{int((self.folder / 'pid').read_text())}"))

    def test_a_forward_proxy_is_named_to_the_program(self):
        path = self.conf(free_port(), listener='routes = ( { host = "api.example"; upstream = "far"; } ); forward_proxy = { };').read_text().replace(' upstream = "far"; routes', " routes")
        path = self.write("proxy.conf", path)
        wrapped = self.wrap(path, "sh", "-c", 'echo "$http_proxy" > got', flags=["--no-upstreams"])
        self.assertEqual(0, wrapped.wait(20), wrapped.log)
        self.assertEqual(f"http://127.0.0.1:{self.port}\n", (self.folder / "got").read_text())

    def test_what_stands_behind_the_dashes_is_the_programs(self):
        wrapped = self.wrap(self.conf(free_port()), "sh", "-c", 'echo "$@" > got', "x", "--wait", "-c", "--", "a b", flags=["--no-upstreams"])
        self.assertEqual(0, wrapped.wait(20))
        self.assertEqual("--wait -c -- a b\n", (self.folder / "got").read_text())

    def test_wrong_uses_are_refused(self):
        path = self.conf(free_port())
        for argv, code, says in (([], 2, 'write the program after "--"'), (["-c", path, "--"], 2, 'write the program after "--"'),
                                 (["-c", path, "--wait", "0", "--", "true"], 2, "1 to 86400"),
                                 (["-c", self.write("bad.conf", "nonsense"), "--", "true"], 3, "bad.conf"),
                                 (["-c", path, "--no-upstreams", "--", "no-such-program"], 127, "no-such-program: No such file")):
            done = self.command("wrap", *argv)
            self.assertEqual(code, done.returncode, done.stderr)
            self.assertIn(says, done.stderr)


if __name__ == "__main__":
    harness.main()
