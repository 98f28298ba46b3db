# SPDX-License-Identifier: Apache-2.0
"""`mtlsd demo`: every row is ok, and no file or process remains. A row that fails is shown and gives exit code 1."""
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import harness
from harness import MTLSD, wait_for

SECONDS = 60  # with sanitizers on a busy machine; without, ten must do
CHAIN = ["http: GET, the client is named", "http: forged identity headers", "http: requests, one after the other",
         "http: 64 MiB up", "http: 64 MiB down", "tcp: 64 MiB echoed, half-close"]
CALLERS = {  # what is wrong: (sent in TLS 1.3, sent in TLS 1.2, reason), RFC 8446 section 6.2
    "expired": ("certificate_expired", "certificate_expired", "expired"),
    "not yet valid": ("bad_certificate", "bad_certificate", "not_yet_valid"),
    "for servers only": ("unsupported_certificate", "unsupported_certificate", "wrong_purpose"),
    "for code signing": ("unsupported_certificate", "unsupported_certificate", "wrong_purpose"),
    'for "any purpose"': ("unsupported_certificate", "unsupported_certificate", "wrong_purpose"),
    "self-signed": ("unknown_ca", "unknown_ca", "unknown_ca"),
    "false CA, same name": ("unknown_ca", "unknown_ca", "unknown_ca"),
    "RSA with 1024 bits": ("bad_certificate", "bad_certificate", "weak"),
    "signed with SHA-1": ("bad_certificate", "bad_certificate", "weak"),
    "revoked": ("certificate_revoked", "certificate_revoked", "revoked"),
    "none at all": ("certificate_required", "handshake_failure", "none"),
    "genuine, not allowed": ("HTTP 403", "HTTP 403", "not_allowed"),
}
SERVERS = {  # what is wrong: (status, reason, said by)
    "expired": ("502", "expired", "us"),
    "not yet valid": ("502", "not_yet_valid", "us"),
    "for another name": ("502", "name_mismatch", "us"),
    "a common name only": ("502", "name_mismatch", "us"),
    "for clients only": ("502", "wrong_purpose", "us"),
    "self-signed": ("502", "unknown_ca", "us"),
    "false CA, same name": ("502", "unknown_ca", "us"),
    "RSA with 1024 bits": ("502", "weak", "us"),
    "refuses ours": ("502", "our_certificate_refused", "peer"),
    "never asks for ours": ("502", "our_certificate_not_requested", "us"),
    "speaks plaintext": ("502", "tls_failed", "peer"),
    "says nothing": ("504", "handshake_timeout", "network"),
    "is not there": ("502", "connect_refused", "network"),
}


def processes_below(folder):
    """Commands of this machine that name something in the folder."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if os.fsencode(folder) in line:
            found.append(int(entry.name))
    return found


class Demo(harness.Case):
    def setUp(self):
        super().setUp()
        # Its sockets' names must be short: not below the test's own folder.
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="d-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.scratch, True)

    def environment(self, **more):
        return dict(super().environment(), TMPDIR=str(self.scratch), **more)

    def demo(self, *flags, **more):
        return self.command("demo", *flags, seconds=SECONDS, env=self.environment(**more))

    def start(self):
        return subprocess.Popen([MTLSD, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment())

    def assert_row(self, section, name, *cells):
        line = next((row for row in section.splitlines() if row.startswith(f"  {name} ")), None)
        self.assertIsNotNone(line, f"no row {name!r} in\n{section}")
        self.assertTrue(line.endswith(" ok"), line)
        for cell in cells:
            self.assertIn(cell, line)

    def test_every_row_holds_and_nothing_stays(self):
        began = time.monotonic()
        done = self.demo()
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        if not harness.is_sanitized():
            self.assertLess(time.monotonic() - began, harness.busy(10))
        self.assertEqual("", done.stderr)
        self.assertNotIn("FAILED", done.stdout)
        self.assertNotIn("\033", done.stdout)
        top, chain, callers, servers, end = re.split(r"^\d\. ", done.stdout, flags=re.M)
        self.assertIn("injector ===mutual TLS===> verifier", top)
        for name in CHAIN:
            self.assert_row(chain, name)
        self.assertIn("X-SSL-Client-DN: CN=payments-app,OU=demo,O=mtlsd demo", chain)
        for name, cells in CALLERS.items():
            self.assert_row(callers, name, *cells)
        self.assert_row(callers, "itself a CA", "constraint")
        self.assert_row(callers, "their requests that reached the backend: 0")
        for name, cells in SERVERS.items():
            self.assert_row(servers, name, *cells)
        self.assert_row(servers, "requests that reached them: 0")
        self.assert_row(end, "the injector, told to stop:", "exit code 0")
        self.assert_row(end, "the verifier, told to stop:", "exit code 0")
        rows = len(re.findall(r" ok$", done.stdout, re.M))
        self.assertEqual(len(CHAIN) + len(CALLERS) + len(SERVERS) + 5, rows)
        self.assertIn(f"All {rows} checks held", done.stdout.splitlines()[-1])
        self.assertEqual([], list(self.scratch.iterdir()))
        self.assertEqual([], processes_below(self.scratch))

    def test_keep_leaves_what_runs_by_hand_for_any_user(self):
        """Root tries it as nobody, who has no rights of root's to live on."""
        other = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}
        program = self.scratch / "mtlsd"
        shutil.copy(MTLSD, program)
        self.scratch.chmod(0o777)

        def run(*words):
            return subprocess.run([program, *words], capture_output=True, text=True, timeout=SECONDS, env=self.environment(), cwd="/", **other)
        done = run("demo", "--keep")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        folder = pathlib.Path(re.search(r"^Everything is kept in (\S+)\. ", done.stdout, re.M)[1])
        for role in ("verifier", "injector"):
            self.assertIn(f"mtlsd run -c {folder}/{role}.conf", done.stdout)
            self.assertEqual(0, run("check", "-c", folder / f"{role}.conf").returncode)
        judged = run("verify", "--ca", folder / "ca.pem", "--purpose", "client", folder / "caller-expired.pem")
        self.assertEqual(4, judged.returncode, judged.stdout)
        self.assertEqual(0o700, folder.stat().st_mode & 0o777)
        for key in folder.glob("*.pem"):
            if "PRIVATE KEY" in key.read_text():
                self.assertEqual(0o600, key.stat().st_mode & 0o777, key)

    def test_a_row_that_does_not_hold_fails_the_demo(self):
        """Without TLS 1.2 in the library nothing can be sent in TLS 1.2."""
        rules = self.write("gnutls.conf", "[overrides]\ndisabled-version = tls1.2\n")
        done = self.demo(GNUTLS_SYSTEM_PRIORITY_FILE=str(rules))
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        for name in CALLERS:
            self.assertRegex(done.stdout, rf"(?m)^  {re.escape(name)} .* FAILED$")
        self.assertRegex(done.stdout.splitlines()[-1], rf"^{len(CALLERS)} of \d+ checks FAILED")
        self.assertIn("--keep", done.stderr)
        self.assertEqual([], list(self.scratch.iterdir()))

    def test_no_folder_to_work_in(self):
        done = self.command("demo", env=dict(self.environment(), TMPDIR=str(self.scratch / "nothing")))
        self.assertEqual(1, done.returncode)
        self.assertIn("TMPDIR", done.stderr)
        self.assertEqual("", done.stdout)

    def test_colours_only_on_a_terminal_that_wants_them(self):
        for more, coloured in ({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False):
            with self.subTest(more):
                ours, theirs = pty.openpty()
                child = subprocess.Popen([MTLSD, "demo"], stdout=theirs, stderr=subprocess.DEVNULL, env=self.environment(**more))
                os.close(theirs)
                shown, told = b"", False
                try:
                    while piece := os.read(ours, 65536):
                        shown += piece
                        if b"ok" in shown and not told:
                            child.send_signal(signal.SIGINT)  # that is all there is to see
                            told = True
                except OSError:  # how a terminal says that the other side is closed
                    pass
                os.close(ours)
                self.assertEqual(1, child.wait(SECONDS), shown)
                self.assertEqual(coloured, b"\033[" in shown)

    def test_interrupted_it_cleans_up(self):
        child = self.start()
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=SECONDS)
        self.assertEqual(1, child.returncode, out + err)
        self.assertIn("interrupted", err)
        self.assertEqual([], list(self.scratch.iterdir()))
        self.assertEqual([], processes_below(self.scratch))

    def test_killed_it_leaves_no_process(self):
        child = self.start()
        child.stdout.readline()
        self.assertGreaterEqual(len(processes_below(self.scratch)), 4, "two daemons, each with its key process")
        child.kill()
        child.communicate(timeout=SECONDS)
        wait_for(lambda: not processes_below(self.scratch), "the end of both daemons")

    def test_a_reader_that_goes_away(self):
        child = self.start()
        child.stdout.readline()
        child.stdout.close()
        self.assertNotEqual(0, child.wait(SECONDS))
        child.stderr.close()
        self.assertEqual([], list(self.scratch.iterdir()))

    def test_a_word_too_many(self):
        done = self.demo("now")
        self.assertEqual(2, done.returncode)
        self.assertEqual("", done.stdout)


if __name__ == "__main__":
    harness.main()
