# SPDX-License-Identifier: Apache-2.0
"""E4: keys, CAs, lists and configurations that other users can read or change. check, run, verify, client and server agree about them."""
import os
import shutil
import stat
import subprocess
import unittest

import harness
from harness import MTLSD, free_port

US, GROUP, STRANGER = 61001, 61002, 61003


@unittest.skipUnless(os.geteuid() == 0, "only root can give files to others")
class Modes(harness.Case):
    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        above = self.folder.parent
        above.chmod(stat.S_IMODE(above.stat().st_mode) | 0o011)
        self.port = free_port()
        self.key = self.copy(self.pki.server().pem, "server.pem", 0o600)
        self.ca = self.copy(self.pki.ca("root").crt, "ca.pem", 0o644)
        self.crl = self.copy(self.pki.crl("modes", self.pki.ca("root"), ()), "ca.crl", 0o644)
        self.conf = self.config(self.text())

    def copy(self, source, name, mode):
        path = self.folder / name
        shutil.copy(source, path)
        path.chmod(mode)
        return path

    def text(self, key="server.pem", ca="ca.pem"):
        return f"""
            identities = {{ me = {{ bundle = "{key}"; }}; }};
            trusts = {{ clients = {{ ca = "{ca}"; crl = "ca.crl"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:9" ]; }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{self.port}"; upstream = "app"; tls = {{ identity = "me"; trust = "clients"; }}; }}; }};
        """

    def as_user(self, *words, groups=(), user=0, group=0):
        done = subprocess.run([MTLSD, *map(str, words)], capture_output=True, text=True, timeout=60, cwd=self.folder, env=self.environment(),
                              user=user, group=group, extra_groups=groups)
        self.assertIsNone(harness.SANITIZER_WORDS.search(done.stderr), done.stderr)
        return done

    def check(self, **how):
        return self.as_user("check", "-c", self.conf, **how)

    def refused(self, *words, **how):
        """By check and by run, in the same words."""
        for command in ("check", "run"):
            done = self.as_user(command, "-c", self.conf, **how)
            self.assertEqual(3, done.returncode, f"{command}: {done.stdout}{done.stderr}")
            for word in words:
                self.assertIn(word, done.stdout + done.stderr, command)

    def warned(self, *words, **how):
        done = self.check(**how)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stdout)
        return done.stdout

    def fine(self, **how):
        done = self.check(**how)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r": fine\n$")

    def test_keys(self):
        rows = [(0o600, 0, 0, None), (0o400, 0, 0, None), (0o640, 0, 0, None), (0o440, 0, 0, None),
                (0o640, 0, GROUP, "members of group 61002 can read it (mode 0640, owner root, group 61002); run: chmod 600 "),
                (0o440, 0, GROUP, "run: chmod 400 "), (0o644, 0, 0, "every user can read it (mode 0644, owner root, group root); run: chmod 600 "),
                (0o604, 0, 0, "every user can read it"), (0o602, 0, 0, "every user can change it"),
                (0o620, 0, 0, "members of group root can change it"), (0o660, 0, 0, "run: chmod 640 "),
                (0o600, STRANGER, 0, "its owner 61003 can read and change it"), (0o666, STRANGER, 0, "run: chown root ")]
        for mode, owner, group, says in rows:
            with self.subTest(mode=oct(mode), owner=owner, group=group):
                os.chown(self.key, owner, group)
                self.key.chmod(mode)
                if says:
                    self.refused('identity "me": ', f"{self.key} holds a private key and ", says)
                else:
                    self.fine()

    def test_keys_of_groups_that_are_ours(self):
        for mode in (0o440, 0o640):
            self.key.chmod(mode)
            os.chown(self.key, 0, GROUP)
            with self.subTest(mode=oct(mode)):
                self.fine(user=US, group=GROUP)
                self.fine(user=US, group=US, groups=(US, GROUP))
                os.chown(self.key, US, STRANGER)
                self.refused("members of group 61003 can read it", "or run mtlsd with that group", user=US, group=US)
        self.key.chmod(0o660)
        os.chown(self.key, 0, GROUP)
        self.refused("members of group 61002 can change it", user=US, group=GROUP)

    def test_the_other_commands_say_the_same(self):
        leaf = self.pki.client().crt
        words = {"client": ("client", "--listen", f"127.0.0.1:{self.port}", "--upstream", "https://localhost:9", "--bundle", self.key, "--ca", self.ca),
                 "server": ("server", "--listen", f"127.0.0.1:{self.port}", "--backend", "127.0.0.1:9", "--bundle", self.key, "--ca", self.ca),
                 "verify": ("verify", "--ca", self.ca, "--purpose", "client", leaf),
                 "verify by listener": ("verify", "-c", self.conf, "--listener", "public", leaf)}
        for path, mode, says in ((self.key, 0o644, "every user can read it"), (self.ca, 0o646, "every user can change it")):
            before = path.stat().st_mode
            path.chmod(mode)
            for name, argv in words.items():
                with self.subTest(name, path=path.name):
                    done = self.as_user(*argv)
                    if name == "verify" and path == self.key:
                        self.assertEqual(0, done.returncode, done.stderr)
                        continue
                    self.assertEqual(3, done.returncode, done.stdout + done.stderr)
                    self.assertIn(f"{path} ", done.stderr)
                    self.assertIn(says, done.stderr)
            path.chmod(before)

    def test_cas(self):
        self.ca.chmod(0o666)
        self.refused('trust "clients": ', f"{self.ca} names the CAs to trust and every user can change it (mode 0666, owner root, group root)",
                     f"run: chmod o-w {self.ca}")
        self.ca.chmod(0o664)
        self.fine()
        os.chown(self.ca, 0, GROUP)
        self.warned("warning: ", "members of group 61002 can change it")
        self.fine(user=0, group=GROUP)
        os.chown(self.ca, STRANGER, 0)
        self.warned("its owner 61003 can change it", f"run: chown root {self.ca}")

    def test_a_folder_of_cas(self):
        cas = self.folder / "cas"
        cas.mkdir()
        shutil.move(self.ca, cas / "ca.pem")
        self.config(self.text(ca="cas"))
        self.fine()
        for mode in (0o777, 0o1777):
            cas.chmod(mode)
            self.refused(f"{cas} names the CAs to trust and every user can change it")
        cas.chmod(0o755)
        (cas / "ca.pem").chmod(0o666)
        self.refused(f"{cas}/ca.pem names the CAs to trust and every user can change it")

    def test_lists(self):
        os.chown(self.crl, STRANGER, STRANGER)
        self.fine()
        self.crl.chmod(0o666)
        self.warned(f"{self.crl} is a revocation list and every user can change it")
        done = self.as_user("verify", "--ca", self.ca, "--crl", self.crl, "--purpose", "client", self.pki.client().crt)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn(f"{self.crl} is a revocation list and every user can change it", done.stderr)

    def test_the_configuration_and_what_it_includes(self):
        self.conf.chmod(0o666)
        self.refused(f"{self.conf} is a configuration file and every user can change it", f"run: chmod o-w {self.conf}")
        self.conf.chmod(0o644)
        rest = self.write("rest.conf", self.text())
        self.config('@include "rest.conf"\n')
        self.fine()
        rest.chmod(0o606)
        self.refused(f"{rest} is a configuration file and every user can change it")
        rest.chmod(0o644)
        os.chown(rest, STRANGER, 0)
        self.warned("its owner 61003 can change it")

    def test_a_configuration_from_a_pipe(self):
        done = subprocess.run([MTLSD, "check", "-c", "/dev/stdin"], input=self.text(self.key, self.ca).replace("ca.crl", str(self.crl)),
                              capture_output=True, text=True, timeout=60, cwd=self.folder, env=self.environment())
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_folders_in_which_files_can_be_exchanged(self):
        self.folder.chmod(0o777)
        text = self.warned(f"{self.folder} holds files that mtlsd relies on and every user can replace them (mode 0777, owner root, group root)")
        self.assertEqual(1, text.count("can replace them"), text)
        for mode in (0o1777, 0o2755):
            self.folder.chmod(mode)
            self.fine()
        self.folder.chmod(0o775)
        os.chown(self.folder, 0, GROUP)
        self.warned("members of group 61002 can replace them")
        self.fine(user=0, group=0, groups=(0, GROUP))

    def test_the_key_of_a_development_ca(self):
        self.command("pki", "init")
        key = self.folder / "pki/ca.key"
        key.chmod(0o644)
        done = self.command("pki", "issue", "payments", "--client")
        self.assertEqual(3, done.returncode, done.stderr)
        self.assertIn("pki/ca.key holds a private key and every user can read it", done.stderr)
        key.chmod(0o600)
        self.assertEqual(0, self.command("pki", "issue", "payments", "--client").returncode)

    def kubernetes(self, group, mode, root_mode):
        """A Secret or ConfigMap as the kubelet lays it out."""
        volume = self.folder / "volume"
        data = volume / "..2026_01_31_12_00_00.123456789"
        data.mkdir(parents=True)
        for name, source in (("tls.key", self.key), ("ca.crt", self.ca)):
            shutil.copy(source, data / name)
            (data / name).chmod(mode)
            os.chown(data / name, 0, group)
            (volume / name).symlink_to(f"..data/{name}")
        (volume / "..data").symlink_to(data.name)
        for folder, folder_mode in ((data, 0o2755 if group else 0o755), (volume, root_mode)):
            os.chown(folder, 0, group)
            folder.chmod(folder_mode)
        self.config(self.text("volume/tls.key", "volume/ca.crt"))
        return volume

    def test_a_secret_of_kubernetes_with_a_group(self):
        """fsGroup: root:GID, 0400 and 0600 become 0440 and 0640, the volume drwxrwsrwt."""
        for mode in (0o440, 0o640):
            with self.subTest(mode=oct(mode)):
                volume = self.kubernetes(GROUP, mode, 0o3777)
                self.fine(user=US, group=US, groups=(GROUP,))
                self.fine(user=US, group=0, groups=(0, GROUP))
                self.fine(user=0, group=0, groups=(0, GROUP))
                self.refused(f"{volume}/tls.key holds a private key and members of group 61002 can read it", user=0, group=0)
                shutil.rmtree(volume)

    def test_a_secret_of_kubernetes_without_a_group(self):
        self.kubernetes(0, 0o400, 0o1777)
        self.fine()

    def test_a_volume_that_is_mounted_read_only(self):
        """The root of a ConfigMap is drwxrwxrwx, of some volumes the files too: nobody can write there."""
        volume = self.kubernetes(0, 0o400, 0o777)
        (volume / "ca.crt").chmod(0o666)
        self.refused("ca.crt names the CAs to trust and every user can change it")
        script = 'mount --bind -o ro "$1" "$1" && exec "$2" check -c "$3"'
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", volume, MTLSD, self.conf], capture_output=True, text=True, timeout=60,
                              cwd=self.folder, env=self.environment())
        if "unshare" in done.stderr or "mount" in done.stderr:
            self.skipTest(f"no mount namespace here: {done.stderr.strip()}")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r": fine\n$")


if __name__ == "__main__":
    harness.main()
