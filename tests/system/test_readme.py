# SPDX-License-Identifier: Apache-2.0
"""What README.md prints, runs as printed: its files are written as they stand and its commands go through a shell."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import unittest

import harness
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

    def test_both_configurations_are_five_lines(self):
        files = blocks("file")
        self.assertEqual({"verifier.conf", "injector.conf"}, set(files))
        for name, text in files.items():
            self.assertLessEqual(len(text.splitlines()), 5, name)

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

    def test_the_commands_without_a_file_run_as_printed(self):
        self.assertEqual(0, self.shell(blocks("run")["certificates"]).wait(60))
        lines = re.findall(r"^mtlsd (?:client|server) --listen .*$", README, re.M)
        self.assertEqual(2, len(lines))
        self.shell("python3 -m http.server --bind 127.0.0.1 9000 &\n" + "".join(line + " &\n" for line in lines) + "wait")
        wait_for(lambda: all(map(harness.listens, self.ports)), "both daemons and the backend")
        self.assertIn("Directory listing", self.curl(f"http://127.0.0.1:{self.ports[0]}/").text)

    def test_the_judge_agrees_as_printed(self):
        self.assertEqual(0, self.shell(blocks("run")["certificates"]).wait(60))
        command = re.search(r"`(mtlsd verify [^`]+)`", README)[1]
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
