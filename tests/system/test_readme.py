# SPDX-License-Identifier: Apache-2.0
"""The examples of README.md work as printed: the test writes its files unchanged and runs its commands in a shell."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import unittest

import harness
import peers
from harness import MTLSD, ROOT, free_port, wait_for

README = (ROOT / "README.md").read_text()
PORTS = (8080, 8443, 9000)


def blocks(kind):
    """Name and text of each block that is marked <!-- kind: name -->."""
    return dict(re.findall(rf"<!-- {kind}: (\S+) -->\n```\n(.*?)```", README, re.S))


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Readme(harness.Case):
    def setUp(self):
        super().setUp()
        tools = self.folder / "bin"
        tools.mkdir()
        (tools / "mtlsd").symlink_to(pathlib.Path(MTLSD).resolve())
        self.env = dict(self.environment(), PATH=f"{tools}:{os.environ['PATH']}")
        # The printed ports, unless somebody on this machine uses one of them already.
        self.ports = PORTS if all(map(is_free, PORTS)) else [free_port() for _ in PORTS]

    def fit(self, text):
        for printed, used in zip(PORTS, self.ports):
            text = re.sub(rf"(?<=:){printed}\b|(?<= ){printed}\b", str(used), text)
        return text

    def shell(self, text, seconds=60):
        """Runs the lines as a person would paste them; what they leave in the background is ended after the test."""
        process = subprocess.Popen(["sh", "-e", "-c", self.fit(text)], cwd=self.folder, env=self.env, stdout=subprocess.PIPE,
                                   stderr=open(self.folder / "shell.err", "wb"), start_new_session=True)
        self.addCleanup(self.end_session, process)
        return process

    def end_session(self, process):
        try:
            os.killpg(process.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        process.stdout.close()
        process.wait()
        wait_for(lambda: not any(map(harness.listens, self.ports)), "the ports to be free again")

    def write_files(self):
        for name, text in blocks("file").items():
            self.write(name, self.fit(text))

    def test_both_configurations_are_four_lines(self):
        files = blocks("file")
        self.assertEqual({"verifier.conf", "injector.conf"}, set(files))
        for name, text in files.items():
            self.assertEqual(4, len(text.splitlines()), name)

    def test_the_chain_runs_as_printed(self):
        self.assertEqual(0, self.shell(blocks("run")["certificates"]).wait(60))
        self.write_files()
        process = self.shell(blocks("run")["chain"])
        process.wait(60)
        # The daemons go on in the background and hold the pipe, so what curl said is read without waiting for its end.
        os.set_blocking(process.stdout.fileno(), False)
        out = process.stdout.read().decode()
        self.assertEqual(0, process.returncode, out + (self.folder / "shell.err").read_text())
        self.assertIn("Directory listing", out)
        self.assertIn("pki/", out)

    # What each step does with whom: a program behind it, a page it sends to, or no handshake.
    CALLERS = {"none": (), "alice": ("pki", "alice"), "late": ("pki", "late"), "lost": ("pki", "lost"), "bob": ("other", "bob")}
    PHASES = {1: {"none": "-", "alice": "app", "late": "-", "lost": "app", "bob": "-"},
              2: {"none": "public", "alice": "app", "late": "-", "lost": "app", "bob": "-"},
              3: {"none": "-", "alice": "app", "late": "/certexpired.html", "lost": "app", "bob": "-"},
              4: {"none": "public", "alice": "app", "late": "/othererrors.html", "lost": "/certrevoked.html", "bob": "/othererrors.html"},
              5: {"none": "public", "alice": "app", "late": "/othererrors.html", "lost": "/certrevoked.html", "bob": "app"}}
    ERRORS = {"late": "10", "lost": "23"}

    def phase(self, number):
        phases = blocks("phase")
        text = phases["0"] + phases[str(number)]
        if number == 5:  # two lines that differ from the step before
            trust, headers = phases["5"].splitlines(keepends=True)
            listener = phases["4"].split("\n", 1)[1]
            text = phases["0"] + trust + listener.replace("routes = (", headers.strip() + " routes = (", 1)
        return text

    def outcome(self, port, caller, path="/"):
        words = ("--cert", self.folder / caller[0] / f"{caller[1]}.crt", "--key", self.folder / caller[0] / f"{caller[1]}.key") if caller else ()
        done = subprocess.run(["curl", "-s", "--max-time", "20", "--cacert", self.folder / "pki/ca.pem", *words, "-w", "\n%{http_code} %{redirect_url}",
                               f"https://localhost:{port}{path}"], capture_output=True, text=True, check=False)
        body, _, end = done.stdout.rpartition("\n")
        status, location = (end.split(" ", 1) + [""])[:2]
        if status == "302":
            return location[location.index("/", 8):]
        return body if status == "200" else "-"

    def test_the_five_steps_to_a_help_page_run_as_printed(self):
        for name in ("certificates", "bad-certificates"):
            self.assertEqual(0, self.shell(blocks("run")[name]).wait(60), name)
        backends = {name: peers.Backend(self, lambda r, name=name: peers.reply(f"{name} {','.join(r.values('x-ssl-error'))}".strip().encode()))
                    for name in ("app", "public", "help")}
        ports = dict(zip(("9000", "9001", "9002"), (backend.port for backend in backends.values())))
        for number, expected in self.PHASES.items():
            port, text = free_port(), self.phase(number)
            for printed, used in ports.items():
                text = text.replace(f"127.0.0.1:{printed}", f"127.0.0.1:{used}")
            daemon = self.daemon(text.replace('":8443"', f'"127.0.0.1:{port}"'), [port], name=f"phase{number}")
            checked = self.command("check", "-c", daemon.config_path)
            said = [line for line in re.findall(r".*(?:warning|error):.*", checked.stdout) if "nothing uses this upstream" not in line]
            self.assertEqual((0, []), (checked.returncode, said))
            for name, caller in self.CALLERS.items():
                with self.subTest(step=number, caller=name):
                    outcome = self.outcome(port, caller)
                    self.assertEqual(expected[name], outcome)
                    if outcome.startswith("/"):
                        page = self.outcome(port, caller, outcome)
                        self.assertEqual(f"help {self.ERRORS[name]}" if number == 5 else "help", page)
                        judged = self.command("verify", "-c", daemon.config_path, self.folder / caller[0] / f"{caller[1]}.crt")
                        self.assertIn("lets it in (tolerate)", judged.stdout)

    def test_the_commands_without_a_file_run_as_printed(self):
        self.assertEqual(0, self.shell(blocks("run")["certificates"]).wait(60))
        lines = re.findall(r"^mtlsd (?:client|server) --listen .*$", README, re.M)
        self.assertEqual(2, len(lines))
        self.shell("python3 -m http.server --bind 127.0.0.1 9000 &\n" + "".join(line + " &\n" for line in lines) + "wait")
        wait_for(lambda: all(map(harness.listens, self.ports)), "both daemons and the backend")
        self.assertIn("Directory listing", self.curl(f"http://127.0.0.1:{self.ports[0]}/").text)

    def test_the_judge_agrees_as_printed(self):
        self.assertEqual(0, self.shell(blocks("run")["certificates"]).wait(60))
        command = re.search(r"`(mtlsd verify --ca [^`]+)`", README)[1]
        self.assertEqual(0, self.shell(command).wait(60))

    def test_every_file_it_names_exists(self):
        for link in re.findall(r"\]\(([^)#:]+)\)", README):
            self.assertTrue((ROOT / link).exists(), link)
        for path in re.findall(r"(?:packaging|conf|tests|src)/[\w./-]*", README):
            self.assertTrue((ROOT / path.rstrip(".")).exists(), path)

    def test_every_flag_it_names_exists(self):
        for line in re.findall(r"mtlsd (client|server|verify|check|explain|drill|run|pki \w+) ([^`\n]*)", README):
            helped = self.command(*line[0].split(), "--help").stdout
            for flag in re.findall(r"--[a-z-]+", line[1]):
                self.assertIn(flag, helped, line)


if __name__ == "__main__":
    unittest.main(verbosity=2)
