# SPDX-License-Identifier: Apache-2.0
"""The units of packaging/systemd: understood by the systemd of this machine, closed as far as mtlsd lets them, and not too far for mtlsd."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

import harness
import peers
from harness import MTLSD, free_port, wait_for

UNITS = harness.ROOT / "packaging/systemd"
MOST_EXPOSED = 1.2


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=30)


def entries(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
class Units(harness.Case):
    def copies(self):
        """The units with programs and users that this machine has, as systemd-analyze verify looks for them."""
        for unit in sorted(UNITS.glob("*.s[eo][rc][vk]*")):
            text = re.sub(r"/usr/bin/mtlsd", "/bin/true", unit.read_text())
            self.write(unit.name.replace("@.", "@x."), re.sub(r"(User|Group)=mtlsd", r"\1=daemon", text))
        return sorted(self.folder.glob("mtlsd*.s*"))

    def test_systemd_understands_every_line(self):
        found = self.copies()
        self.assertGreater(len(found), 1)
        done = analyze("verify", "--man=no", *found)
        said = [line for line in done.stderr.splitlines() if "/mtlsd" in line or "mtlsd" in line.split(":")[0]]
        self.assertEqual([], said)

    def test_the_exposure_is_low(self):
        for unit in ("mtlsd.service", "mtlsd@.service"):
            target = self.folder / unit.replace("@.", "@x.")
            shutil.copy(UNITS / unit, target)
            done = analyze("security", "--offline=true", "--no-pager", target)
            score = float(re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)[1])
            self.assertLessEqual(score, MOST_EXPOSED, done.stdout)

    def test_the_filter_lets_every_system_call_of_a_running_daemon_through(self):
        strace = shutil.which("strace")
        if strace is None or subprocess.run([strace, "-c", "true"], capture_output=True).returncode != 0:
            self.skipTest("strace cannot trace here")
        backend, port, calls = peers.Backend(self, lambda r: peers.reply(b"fine")), free_port(), self.folder / "calls"
        text = self.config(f"""workers = 2; admin = {{ socket = "unix:{self.folder}/admin.sock"; }};
            log = {{ target = "{self.folder}/log"; }};
            identities = {{ me = {{ bundle = "{self.pki.server().pem}"; }}; }}; trusts = {{ ca = {{ ca = "{self.pki.ca('root').crt}"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{backend.port}" ]; }}; }};
            listeners = {{ front = {{ bind = "127.0.0.1:{port}"; upstream = "app"; tls = {{ identity = "me"; trust = "ca"; }}; }}; }};""", prelude="")
        daemon = self.spawn("strace", ["env", "ASAN_OPTIONS=detect_leaks=0", strace, "-f", "-qq", "-o", calls, "-e", "signal=none", MTLSD, "run", "-c", text], [port])
        self.assertEqual(self.command("reload", "-c", text).returncode, 0)
        client = self.pki.client()
        got = self.curl("--cacert", self.pki.ca("root").crt, "--cert", client.crt, "--key", client.key, f"https://localhost:{port}/")
        self.assertEqual(got.body, b"fine", got.error)
        self.hand_over(daemon)
        self.command("drain", "-c", text)
        self.assertEqual(daemon.wait(), 0)
        used = set(re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)[( ]", calls.read_text(), re.M))
        self.assertGreater(len(used), 20)
        known_of_tools = {"exit", "ptrace", "personality"}  # of the sanitizers, and exit, which no filter can refuse
        self.assertEqual(set(), used - self.allowed() - known_of_tools)

    def hand_over(self, strace):
        """The calls of the process that starts a successor, and of the successor."""
        pid = pathlib.Path(f"/proc/{strace.pid}/task/{strace.pid}/children").read_text().split()[0]
        os.kill(int(pid), signal.SIGUSR2)
        wait_for(lambda: "serves now" in (self.folder / "log").read_text(), "the hand-over")

    def allowed(self):
        """The system calls of the unit's filter, with systemd's own sets resolved."""
        found, lists = set(), re.findall(r"^SystemCallFilter=(.*)$", (UNITS / "mtlsd.service").read_text(), re.M)
        for words in lists:  # in order: a later line may give back what an earlier one takes
            removes = words.startswith("~")
            for word in words.lstrip("~").split():
                names = self.resolved(word)
                found = found - names if removes else found | names
        return found

    def resolved(self, word):
        if not word.startswith("@"):
            return {word}
        found = set()
        for line in analyze("syscall-filter", "--no-pager", word).stdout.splitlines()[1:]:
            name = line.strip()
            if name and not name.startswith("#"):
                found |= self.resolved(name)
        return found

    def test_the_template_is_the_unit_with_names_of_its_own(self):
        text = (UNITS / "mtlsd.service").read_text()
        for old, new in (("mutual TLS daemon", "mutual TLS daemon (%i)"), ("/etc/mtlsd/mtlsd.conf", "/etc/mtlsd/%i.conf"),
                         ("RuntimeDirectory=mtlsd\n", "RuntimeDirectory=mtlsd-%i\n"), ("StateDirectory=mtlsd\n", "StateDirectory=mtlsd-%i\n")):
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.assertEqual(entries(text), entries((UNITS / "mtlsd@.service").read_text()))


if __name__ == "__main__":
    unittest.main()
