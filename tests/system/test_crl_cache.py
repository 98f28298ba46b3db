# SPDX-License-Identifier: Apache-2.0
"""The files in crl_cache, and which lists cannot be put there (A3, F1). A start uses the kept lists and says so."""
import pathlib
import shutil
import subprocess
import unittest

import harness
import test_crl_fetch
from harness import wait_for


class Cache(test_crl_fetch.Case):
    def setUp(self):
        super().setUp()
        self.prepare()
        self.cache = self.folder / "cache"
        self.top = f'crl_cache = "{self.cache}";'

    def fill(self):
        """A first run leaves the list of number 5, which revokes the bad one. Gives its file."""
        self.cache.mkdir()
        self.web.give(self.list(5, self.bad))
        self.start(self.top)
        wait_for(lambda: self.is_let_in(self.good), "the first list")
        file = wait_for(lambda: list(self.cache.glob("*.crl")), "the kept list")[0]
        self.assertEqual(0, self.mtlsd.stop())
        self.assertEqual(0o600, file.stat().st_mode & 0o777)
        return file

    def test_a_kept_list_is_judged_like_one_from_the_network(self):
        file = self.fill()
        kept = file.read_bytes()
        der = test_crl_fetch.der_of(kept)
        forged = bytearray(der)
        forged[-1] ^= 1
        rows = [
            ("as it was", kept, True, ""),
            ("in DER", der, True, ""),
            ("an older one, which is genuine: there is no newer one to tell", self.list(4, self.bad), True, ""),
            ("half written", kept[:len(kept) // 2], False, "the cached list is not used"),
            ("half written, DER", der[:len(der) // 2], False, "the cached list is not used"),
            ("empty", b"", False, "the cached list is not used"),
            ("tampered with", bytes(forged), False, "was not signed by that CA's key"),
            ("noise", bytes(range(256)) * 40, False, "the cached list is not used"),
            ("a stranger's", self.list(9, issuer=self.pki.ca("stranger")), False, "not a trusted CA"),
            ("a certificate", self.root.crt.read_bytes(), False, "the cached list is not used"),
        ]
        self.web.give(b"", 503)
        for why, data, counts, words in rows:
            with self.subTest(why):
                file.write_bytes(data)
                self.start(self.top)
                self.assertEqual([counts, False], [self.is_let_in(self.good), self.is_let_in(self.bad)])
                self.assertIn(words, self.mtlsd.log)
                self.assertEqual(0, self.mtlsd.stop())
        self.web.give(self.list(6, self.bad))
        self.start(self.top)
        wait_for(lambda: self.is_let_in(self.good), "the list from the network")
        wait_for(lambda: file.read_bytes() not in [row[1] for row in rows], "the mended file")
        self.assertEqual([file], list(self.cache.iterdir()))

    def test_a_folder_or_a_pipe_in_the_place_of_the_file_holds_nothing_up(self):
        file = self.fill()
        for make in (lambda: file.mkdir(), lambda: subprocess.run(["mkfifo", file], check=True)):
            file.unlink()
            make()
            self.start(self.top)
            wait_for(lambda: self.is_let_in(self.good), "the list")
            self.assertFalse(self.is_let_in(self.bad))
            if file.is_dir():
                wait_for(lambda: "could not be saved for the next start" in self.mtlsd.log, "the complaint")
                file.rmdir()
                file.touch()
            self.assertEqual(0, self.mtlsd.stop())

    def check_unusable(self):
        """Lists count all the same; only the next start has to do without."""
        self.start(self.top)
        wait_for(lambda: self.is_let_in(self.good), "the list")
        wait_for(lambda: "a list in use could not be saved for the next start" in self.mtlsd.log, "the complaint")
        self.assertIn("crl_cache: fetched lists are not saved for the next start", self.mtlsd.log)
        self.web.give(self.list(6, self.bad))
        self.ask_again()
        wait_for(lambda: not self.is_let_in(self.bad), "the newer list")
        self.assertTrue(self.is_let_in(self.good))
        self.assertEqual(0, self.mtlsd.stop())

    def test_a_folder_that_is_missing(self):
        self.check_unusable()
        done = self.command("check", "-c", self.mtlsd.config_path)
        self.assertEqual(0, done.returncode)
        self.assertIn("crl_cache: fetched lists are not saved for the next start", done.stdout + done.stderr)

    def test_a_file_where_the_folder_should_be(self):
        self.cache.write_text("not a folder")
        self.check_unusable()
        self.assertEqual("not a folder", self.cache.read_text())

    @unittest.skipUnless(shutil.which("unshare"), "unshare is missing")
    def test_a_folder_that_is_read_only(self):
        """A mount, because nothing else is read-only to root."""
        probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True)
        if probe.returncode:
            self.skipTest(f"no mount namespace can be made here: {probe.stderr.decode().strip()}")
        file = self.fill()
        self.web.give(self.list(5, self.bad))
        path = self.config(self.top + self.verifier_text(self.port, self.backend.port, trust=self.trust), "ro.conf")
        script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
        self.mtlsd = harness.Process("mtlsd-ro", ["unshare", "--mount", "sh", "-c", script, "sh", self.cache, harness.MTLSD, "run", "-c", path],
                                     self.folder, self.environment())
        self.processes.append(self.mtlsd)
        self.daemons.append(self.mtlsd)
        self.mtlsd.wait_ready([self.port])
        self.assertTrue(self.is_let_in(self.good))
        wait_for(lambda: "could not be saved for the next start" in self.mtlsd.log, "the complaint")
        self.assertIn("Read-only file system", self.mtlsd.log)
        self.assertFalse(self.is_let_in(self.bad))
        self.assertEqual([file], list(pathlib.Path(self.cache).iterdir()))


if __name__ == "__main__":
    harness.main()
