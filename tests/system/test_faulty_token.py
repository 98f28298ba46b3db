# SPDX-License-Identifier: Apache-2.0
"""A token that locks its PIN, refuses it, has one try left, hangs for 30 s, or is taken away and comes back. SoftHSM does none of this, so that a module
stands in front of it (support/faulty_token.c)."""
import json
import os
import pathlib
import re
import subprocess
import time
import unittest

import harness
import peers
from harness import free_port, wait_for
from test_key_sources import TokenCase

MODULE = pathlib.Path(harness.MTLSD).parent / "tests/faulty_token.so"
PACKAGE = pathlib.Path("/usr/share/p11-kit/modules/softhsm2.module")
OVER_PACKAGE = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'


def why_not():
    if not MODULE.exists() or not PACKAGE.exists():
        return f"without {MODULE.name} or {PACKAGE.name}"
    if os.geteuid() or subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        return "without mount namespaces"
    return None


@unittest.skipIf(why_not(), why_not() or "")
class FaultyToken(TokenCase):
    KEYS = 'key = "pkcs11:token=web;object=shop"; certificate = "me.crt"; pin_file = "pin";'

    def setUp(self):
        super().setUp()
        self.write("instead.module", f"module: {MODULE}\n")
        self.say("none")

    def say(self, word):
        self.write("word.new", word)
        os.replace(self.folder / "word.new", self.folder / "word")

    def environment(self):
        behind = re.search(r"^module: *(\S+)", PACKAGE.read_text(), re.M)[1]
        return dict(super().environment(), FAULTY_TOKEN=str(self.folder / "word"),
                    FAULTY_TOKEN_BEHIND=behind if "/" in behind else f"/usr/lib/softhsm/{behind}")

    def argv(self, *words):
        return ["unshare", "--mount", "sh", "-c", OVER_PACKAGE, "sh", self.folder / "instead.module", PACKAGE, harness.MTLSD, *words]

    def check(self, says):
        done = subprocess.run([str(word) for word in self.argv("check", "-c", self.config(self.text({"me": self.KEYS})))], capture_output=True, text=True,
                              cwd=self.folder, env=self.environment(), timeout=60)
        self.assertEqual(3 if says else 0, done.returncode, done.stdout + done.stderr)
        self.assertIn(says, done.stdout + done.stderr)
        self.assertNotIn(self.PIN, done.stdout + done.stderr)

    def start(self):
        """The verifier of "me" has its key in the token, that of "file" in a file."""
        self.secret("file.pem", self.leaf.crt.read_text() + self.leaf.key.read_text())
        identities = {"me": self.KEYS, "file": 'bundle = "file.pem";'}
        back = peers.Backend(self, lambda r: peers.reply(b"fine"))
        self.ports = {name: (free_port(), free_port()) for name in identities}
        self.conf = self.config(self.text(identities, self.ports, back.port))
        self.mtlsd = harness.Process("mtlsd", self.argv("run", "-c", self.conf), self.folder, self.environment())
        self.processes.append(self.mtlsd)
        self.mtlsd.wait_ready([p for pair in self.ports.values() for p in pair])
        self.assertEqual("fine", self.get("me").text)

    def handshake(self, name):
        """The seconds of a handshake, and whether the verifier signed it."""
        begin = time.monotonic()
        shown = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{self.ports[name][1]}"], input="", capture_output=True, text=True, timeout=20).stdout
        return time.monotonic() - begin, "BEGIN CERTIFICATE" in shown

    def reload(self):
        done = self.command("reload", "-c", self.conf)
        return done.returncode, done.stdout + done.stderr

    def test_a_locked_pin_is_refused_with_what_to_do(self):
        self.check("")
        self.say("locked")
        self.check("the token has locked its PIN: unlock it with the program of its vendor, as the security officer")

    def test_a_pin_that_the_token_refuses_is_tried_once(self):
        self.say("incorrect")
        self.check("the PIN is wrong: correct pin_file; it is not tried again")

    def test_the_last_try_of_a_pin_is_left_to_a_person(self):
        self.say("final")
        self.check("the token has one try left, which is not used")

    def test_a_token_that_locks_itself_later_keeps_what_is_loaded(self):
        """A session that is logged in stays so."""
        self.start()
        self.say("locked")
        self.assertEqual(0, self.reload()[0])
        self.assertEqual("fine", self.get("me").text)

    def test_a_signature_that_takes_30_s_holds_up_nothing_else(self):
        self.start()
        self.say("hang")
        seconds, signed = self.handshake("me")
        self.assertFalse(signed)
        self.assertLess(seconds, harness.busy(4))
        rows = [(name, *self.handshake(name)) for name in ("me", "file") * 3]
        self.assertEqual([], [row for row in rows if row[2] != (row[0] == "file")])
        self.assertLess(max(row[1] for row in rows), harness.busy(1.5))
        self.assertTrue(json.loads(self.command("status", "--json", "-c", self.conf).stdout)["keys"]["answers"])
        self.say("none")
        wait_for(lambda: self.handshake("me")[1], "the token", 10, 0.2)
        self.assertIn("the token answers again", self.mtlsd.log)

    def test_a_device_that_is_removed_and_comes_back(self):
        self.start()
        self.say("removed")
        self.assertFalse(self.handshake("me")[1])
        self.assertTrue(self.handshake("file")[1])
        code, said = self.reload()
        self.assertNotEqual(0, code)
        self.assertIn("pkcs11:token=web;object=shop", said)
        self.assertTrue(self.handshake("file")[1])
        self.say("none")
        wait_for(lambda: self.handshake("me")[1], "the token", 10, 0.2)
        self.assertEqual((0, True), (self.reload()[0], self.handshake("me")[1]))


if __name__ == "__main__":
    harness.main()
