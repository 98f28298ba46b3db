# SPDX-License-Identifier: Apache-2.0
"""`check` predicts each error that `run` would report after it has loaded the configuration, in the same words. It does not disturb a running daemon."""
import socket
import subprocess

import harness
from harness import free_port, wait_for

CONF = """upstreams = { app = { targets = [ "127.0.0.1:9" ]; }; };
listeners = { local = { bind = "%(bind)s"; upstream = "app"; insecure_expose = true; }; };
%(more)s
"""


class Foresight(harness.Case):
    def conf(self, bind=None, more=""):
        return self.config(CONF % {"bind": bind or f"127.0.0.1:{free_port()}", "more": more})

    def both(self, path):
        """(exit code, output) of check and of run."""
        return [(done.returncode, done.stdout + done.stderr) for done in (self.command(word, "-c", path) for word in ("check", "run"))]

    # what is wrong: (bind, more, words of both, line of the place in the file)
    ROWS = [
        ("the folder of a unix socket is missing", "unix:no/x.sock", "", "unix:no/x.sock: cannot listen: No such file or directory (make its folder first)", 3),
        ("a file is in its place", "unix:mtlsd.conf", "", "another file has this name: remove it or choose another path", 3),
        ("the name does not resolve", "nosuch.invalid:8080", "", "nosuch.invalid:8080: cannot listen: ", 3),
        ("the address is another machine's", "192.0.2.1:8080", "", "Cannot assign requested address (this machine has no such address", 3),
        ("the folder of the admin socket is missing", None, 'admin = { socket = "unix:no/admin.sock"; };', "make its folder first", 4),
        ("a file is in the admin socket's place", None, 'admin = { socket = "unix:mtlsd.conf"; };', "another file has this name", 4),
        ("the admin socket's path is too long", None, 'admin = { socket = "unix:/tmp/' + "x" * 91 + '"; };', "a path of 1 to 95 bytes is needed", 4),
        ("the folder of the log is missing", None, 'log = { target = "no/file.log"; };', "No such file or directory; make its folder first", 4),
        ("the log is a folder", None, 'log = { target = "."; };', "Is a directory; name a file in it", 4),
    ]

    def test_what_run_refuses_check_refuses_with_the_same_words_and_the_line(self):
        for why, bind, more, says, line in self.ROWS:
            with self.subTest(why):
                (checked, told), (ran, said) = self.both(self.conf(bind, more))
                self.assertEqual(3, checked, told)
                self.assertNotEqual(0, ran, said)
                self.assertIn(says, told)
                self.assertIn(says, said)
                self.assertIn(f"mtlsd.conf:{line}: error: ", told)

    def test_overlapping_addresses_are_refused_before_run_fails_at_them(self):
        port = free_port()
        (checked, told), (ran, _) = self.both(self.config(CONF.replace('"%(bind)s"', f'[ "127.0.0.1:{port}", ":{port}" ]') % {"more": ""}))
        self.assertEqual((3, 3), (checked, ran))
        self.assertIn("overlap: keep the wider one", told)

    def test_a_port_of_another_program_is_a_warning(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            other.settimeout(0.2)
            (checked, told), (ran, said) = self.both(self.conf(f"127.0.0.1:{other.getsockname()[1]}"))
            self.assertEqual((0, 1), (checked, ran), told + said)
            self.assertRegex(told, r"mtlsd\.conf:3: warning: .*unless this daemon already runs there, .*Address already in use")
            with self.assertRaises(TimeoutError):
                other.accept()

    def test_a_running_daemon_does_not_notice(self):
        backend, port, path = free_port(), free_port(), self.folder / "x.sock"
        text = f"""upstreams = {{ app = {{ targets = [ "127.0.0.1:{backend}" ]; }}; }};
listeners = {{ local = {{ bind = [ "127.0.0.1:{port}", "unix:{path}" ]; upstream = "app"; }}; }};
admin = {{ socket = "unix:{self.folder}/admin.sock"; }};
"""
        mtlsd = self.daemon(text, [port], paths=[path])
        wait_for(lambda: mtlsd.log.count(" listening ") == 2, "what the start says")  # it listens before it says so
        before, inode = mtlsd.log, path.stat().st_ino
        done = self.command("check", "-c", mtlsd.config_path)
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertIn(": fine", done.stdout)
        self.assertEqual((before, inode), (mtlsd.log, path.stat().st_ino))
        self.assertTrue(harness.listens(port))

    def test_too_few_descriptors_are_a_warning(self):
        done = subprocess.run(["sh", "-c", 'ulimit -n 30 && exec "$0" check -c "$1"', harness.MTLSD, self.conf()], cwd=self.folder, capture_output=True, text=True,
                              timeout=60, check=False, env=self.environment())
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"warning: 1 workers and 1 addresses need \d+ file descriptors, and this user has 30: raise the limit")


if __name__ == "__main__":
    harness.main()
