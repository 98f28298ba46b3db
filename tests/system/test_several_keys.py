# SPDX-License-Identifier: Apache-2.0
"""A listener with an ECDSA and an RSA identity: clients get the first whose key they accept, by signature algorithms in TLS 1.3 and by cipher suites too in
TLS 1.2, also by server name. An injector's choice by the server's request is in test_several_identities."""
import json
import re
import subprocess

import harness
import peers
from harness import free_port

ECDSA, RSA = "ECDSA+SHA256:ECDSA+SHA384", "RSA-PSS+SHA256:RSA+SHA256"


class Keys(harness.Case):
    def setUp(self):
        super().setUp()
        self.ca = self.pki.ca("root")
        self.leaves = {kind: self.pki.leaf(f"keys-{kind}", self.ca, cn=kind, san=["DNS:localhost", "DNS:shop.example"], key=key)
                       for kind, key in (("ec", "ec"), ("rsa", "2048"))}

    def start(self, tls, rest=""):
        self.port, back = free_port(), peers.Backend(self, lambda r: peers.reply(b"fine"))
        rows = " ".join(f'{kind} = {{ bundle = "{leaf.pem}"; }};' for kind, leaf in self.leaves.items())
        self.mtlsd = self.daemon(f"""admin = {{ socket = "unix:{self.folder}/admin.sock"; }}; identities = {{ {rows} }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{back.port}" ]; }}; }};
            listeners = {{ in = {{ bind = "127.0.0.1:{self.port}"; upstream = "app"; tls = {{ {tls} }}; }}; }};""", [self.port])

    def presented(self, *options, name="localhost"):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", name, "-CAfile", self.ca.crt, *options], input="",
                              capture_output=True, text=True, timeout=20)
        found = re.search(r"subject=.*CN ?= ?(\w+)", done.stdout)
        return found and found[1]

    ROWS = (
        (("-tls1_3",), "ec"),
        (("-tls1_2",), "ec"),
        (("-tls1_3", "-sigalgs", RSA), "rsa"),
        (("-tls1_3", "-sigalgs", ECDSA), "ec"),
        (("-tls1_2", "-sigalgs", RSA), "rsa"),
        (("-tls1_2", "-sigalgs", ECDSA), "ec"),
        (("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"), "rsa"),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"), "ec"),
        (("-tls1_3", "-sigalgs", "ECDSA+SHA512:" + RSA), "rsa"),
        (("-tls1_3", "-sigalgs", "ed25519"), None),
    )

    def test_the_first_that_the_client_accepts_is_presented(self):
        self.start('identity = [ "ec", "rsa" ];')
        for _ in range(2):
            for options, expected in self.ROWS:
                with self.subTest(options):
                    self.assertEqual(expected, self.presented(*options))
            self.assertEqual(0, self.command("reload", "-c", self.mtlsd.config_path).returncode)
        self.assertEqual("fine", self.curl("--cacert", self.ca.crt, "--http2", f"https://localhost:{self.port}/").text)
        self.assertEqual("fine", self.curl("--cacert", self.ca.crt, "--http1.1", "--tls-max", "1.2", f"https://localhost:{self.port}/").text)
        status = json.loads(self.command("status", "--json", "-c", self.mtlsd.config_path).stdout)
        self.assertEqual(["ec", "rsa"], status["listeners"][0]["identity_choices"])
        self.assertRegex(self.command("check", "-c", self.mtlsd.config_path).stdout, r'presents "ec" or "?rsa')

    def test_the_order_is_that_of_the_list(self):
        self.start('identity = [ "rsa", "ec" ];')
        self.assertEqual("rsa", self.presented("-tls1_3"))
        self.assertEqual("ec", self.presented("-tls1_3", "-sigalgs", ECDSA))
        self.assertEqual("ec", self.presented("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"))

    def test_each_server_name_has_its_own(self):
        self.start('identity = "rsa"; identities = ( { hosts = "shop.example"; identity = [ "ec", "rsa" ]; } );')
        self.assertEqual("ec", self.presented(name="shop.example"))
        self.assertEqual("rsa", self.presented("-sigalgs", RSA, name="shop.example"))
        self.assertEqual("rsa", self.presented("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256", name="shop.example"))
        self.assertEqual("rsa", self.presented(name="other.example"))

    def test_names_that_do_not_fit_are_refused(self):
        for names, says in (('[ "ec", "none" ]', r'"none".*there is no such identity|no identity.*"none"|"none"'), ('[ "ec", "ec" ]', r'"ec" is given twice')):
            done = self.command("check", "-c", self.config(f"""identities = {{ ec = {{ bundle = "{self.leaves["ec"].pem}"; }}; }};
                upstreams = {{ app = {{ targets = [ "127.0.0.1:9" ]; }}; }};
                listeners = {{ in = {{ bind = "127.0.0.1:{free_port()}"; upstream = "app"; tls = {{ identity = {names}; }}; }}; }};"""))
            self.assertEqual(3, done.returncode, done.stdout)
            self.assertRegex(done.stdout, says)


if __name__ == "__main__":
    harness.main()
