# SPDX-License-Identifier: Apache-2.0
"""The manual pages are well-formed and complete: they have every command and flag of --help, and their examples work."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

MTLSD = os.environ["MTLSD"]
SRC = pathlib.Path(__file__).resolve().parents[2] / "src"
MAN = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "man"
GROUPS = {
    "pki": ("init", "issue", "request", "sign", "export", "revoke", "crl", "show"),
    "registry": ("init", "add", "list", "show", "set", "suspend", "resume", "revoke", "sessions", "import", "export"),
}


def run(*words, **options):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=60, check=False, **options)


def sections(page):
    """Text of each .Ss of a page by its title."""
    parts = re.split(r"^\.S[sh] (.*)$", page, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def flags_of_help(text):
    return set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", text, re.M))


class Manual(unittest.TestCase):
    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_pages_are_well_formed(self):
        for page in ("mtlsd.1", "mtlsd.conf.5"):
            done = run("mandoc", "-Tlint", "-W", "warning", MAN / page)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def commands(self):
        """Every command as its words, from the help itself."""
        words = re.findall(r"^  ([a-z]+) +\S", run(MTLSD, "--help").stdout, re.M)
        self.assertIn("verify", words)
        self.assertNotIn("", words)
        for group, known in GROUPS.items():  # each word of a group is known to this test
            self.assertEqual(list(known), re.findall(r"^  ([a-z]+) +\S", run(MTLSD, group, "--help").stdout, re.M))
        return [(word,) for word in words if word not in GROUPS] + [(group, word) for group in GROUPS for word in GROUPS[group]]

    def test_every_command_and_flag_stands_in_the_page(self):
        page = sections((MAN / "mtlsd.1").read_text())
        for words in self.commands():
            with self.subTest(words=words):
                done = run(MTLSD, *words, "--help")
                self.assertEqual(done.returncode, 0, done.stderr)
                title = "mtlsd " + " ".join(words)
                self.assertIn(title, page)
                documented = {"--" + name for name in re.findall(r"Fl -([a-z-]+)", page[title])}
                self.assertEqual(set(), flags_of_help(done.stdout) - documented)

    def test_every_endpoint_of_the_admin_socket_stands_in_the_page(self):
        code = (SRC / "control" / "admin.c").read_text()
        told = re.search(r'"(GET /status [^"]*)"', code).group(1)  # what a request to another path is answered
        text = sections((MAN / "mtlsd.1").read_text())["ADMIN SOCKET"]
        paths = re.findall(r"/[a-z]+", told.replace("/NAME", ""))
        self.assertIn("/livez", paths)
        self.assertEqual([], [path for path in paths if path not in text])

    def test_every_field_of_a_log_line_stands_in_the_page(self):
        code = "".join((SRC / "control" / f"access_{part}.c").read_text() for part in ("log", "event"))
        keys = set(re.findall(r'log_(?:str|span|uint|ms)\(&?l, "([a-z_0-9]+)"', code))
        for table in re.findall(r"struct peer_keys keys = \{([^}]*)\}", code):
            keys |= set(re.findall(r'"([a-z_0-9]+)"', table))
        self.assertIn("peer_serial", keys)
        text = sections((MAN / "mtlsd.conf.5").read_text())["LOG"]
        words = set(re.findall(r"[a-z_0-9]+", text))
        self.assertEqual(set(), keys - words - {"lines"})

    def test_every_kind_of_bad_stands_in_the_page(self):
        wrong = run(MTLSD, "pki", "issue", "x", "--client", "--bad", "zzz")
        kinds = re.search(r"there are (.*)$", wrong.stderr, re.M).group(1).split(", ")
        text = sections((MAN / "mtlsd.1").read_text())["mtlsd pki issue"]
        self.assertEqual([], [kind for kind in kinds if kind != "good" and kind not in text.replace(",", " ").replace(".", " ").split()])

    def test_the_configurations_in_the_page_are_accepted_as_printed(self):
        blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", (MAN / "mtlsd.conf.5").read_text(), re.M | re.S)
        blocks = [block for block in blocks if "listeners " in block]  # the others show single keys
        self.assertEqual(len(blocks), 6)
        with tempfile.TemporaryDirectory() as folder:
            for command in (["init"], ["issue", "payments", "--client"], ["issue", "server", "--server", "--san", "dns:localhost"]):
                self.assertEqual(run(MTLSD, "pki", *command, cwd=folder).returncode, 0)
            for source, target in (("ca.pem", "partner-ca.pem"), ("ca.pem", "client-ca.pem"), ("crl.pem", "client-ca.crl"),
                                   ("payments.pem", "payments.pem"), ("server.pem", "server.pem")):
                shutil.copy(f"{folder}/pki/{source}", f"{folder}/{target}")
            for block in blocks:
                pathlib.Path(folder, "page.conf").write_text(block)
                done = run(MTLSD, "check", "-c", "page.conf", cwd=folder)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertNotIn("warning", done.stdout)


if __name__ == "__main__":
    unittest.main()
