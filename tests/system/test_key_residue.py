# SPDX-License-Identifier: Apache-2.0
"""E4: the process that reads from the network holds no private key; the one that holds them has them in locked memory only. After two rotations the first
key is nowhere in its memory, neither its numbers nor the text of its file. No other process can read the memory of a command that holds keys, and such
a command writes no core file."""
import base64
import os
import pathlib
import re
import shutil
import socket
import ssl
import stat
import struct
import subprocess
import unittest

import harness
import p256
import peers
from certs import openssl
from harness import free_port, wait_for

PAGE, PIECE, WINDOW, LARGEST_MAPPING = 4096, 1 << 22, 16, 1 << 30
EC = ("-algorithm", "EC", "-pkeyopt")
KINDS = {
    "P-256": (*EC, "ec_paramgen_curve:P-256"),
    "P-384": (*EC, "ec_paramgen_curve:P-384"),
    "Ed25519": ("-algorithm", "ED25519"),
    "RSA": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
}
# Of a mapping: locked, and left out of dumps. A sanitizer lets nothing be locked.
PROTECTED = {"dd"} if harness.is_sanitized() else {"lo", "dd"}
PRIVATE = ("priv", "privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient")


def numbers(key):
    """What is secret in a key, by name, big-endian."""
    text = openssl("pkey", "-in", key, "-text", "-noout").decode()
    fields = re.findall(r"^(\w+):\n((?: +[0-9a-f:]+\n)+)", text, re.M)
    return {name: bytes.fromhex(re.sub(r"[\s:]", "", digits)).lstrip(b"\0") for name, digits in fields if name in PRIVATE}


def in_pem(body, number):
    """A piece of the text that is of this number alone, in one line. What is public in a key is in its certificate, too."""
    at = base64.b64decode(body).index(number)
    start = -(-at // 3) * 4
    while start % 64 > 64 - WINDOW:
        start += 4
    return body[start:start + WINDOW].encode()


def traces(key):
    """Pieces of each number in both byte orders, as a library computes with it and as DER has it, and in the PEM text, by name."""
    found = {}
    body = "".join(key.read_text().split("-----")[2].split())
    for name, number in numbers(key).items():
        for order, value in (("big-endian", number), ("little-endian", number[::-1])):
            for at in (8, len(number) - WINDOW):
                found[f"{name} {order} from {at}"] = value[at:at + WINDOW]
        found[f"{name} in PEM"] = in_pem(body, number)
    return found


def pages(pid, begin, end):
    """Runs of pages of a mapping that are in memory."""
    with open(f"/proc/{pid}/pagemap", "rb") as table:
        table.seek(begin // PAGE * 8)
        entries = struct.unpack(f"{(end - begin) // PAGE}Q", table.read((end - begin) // PAGE * 8))
    start = None
    for i, entry in enumerate((*entries, 0)):
        present = entry >> 63 == 1
        if present and start is None:
            start = begin + i * PAGE
        elif not present and start is not None:
            yield start, begin + i * PAGE
            start = None


def mappings(pid):
    """Of memory that the process can write to: begin, end, and the kernel's flags (lo: locked, dd: not dumped)."""
    text = pathlib.Path(f"/proc/{pid}/smaps").read_text()
    for begin, end, kind, flags in re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ \S+ *(.*)\n(?:[A-Z].*\n)*?VmFlags: (.*)$", text, re.M):
        begin, end = int(begin, 16), int(end, 16)
        if end - begin <= LARGEST_MAPPING and kind != "[vvar]":  # the sanitizer's own tables
            yield begin, end, set(flags.split())


def search(pid, wanted, but_with=None):
    """The names of the pieces that are in memory the process can write to, but in mappings that have all of these flags."""
    found = set()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for begin, end, flags in mappings(pid):
            if but_with and but_with <= flags:
                continue
            for start, stop in pages(pid, begin, end):
                for at in range(start, stop, PIECE):
                    try:
                        piece = os.pread(memory.fileno(), min(PIECE + WINDOW, stop - at), at)
                    except OSError:
                        break  # given back since then
                    found |= {name for name, value in wanted.items() if value in piece}
    return found


class Case(harness.Case):
    def environment(self):
        # What is freed may be used again at once, and frames are on the stack, as without the sanitizer: that of GCC 14 has frames of its own elsewhere.
        return dict(super().environment(), ASAN_OPTIONS="quarantine_size_mb=0:thread_local_quarantine_size_kb=0:detect_stack_use_after_return=0:detect_leaks=1")


class Rotation(Case):
    def bundle(self, stem, how):
        key, request, crt = (self.folder / f"{stem}.{end}" for end in ("key", "csr", "crt"))
        openssl("genpkey", *how, "-out", key)
        openssl("req", "-new", "-key", key, "-subj", f"/CN={stem}", "-out", request)
        self.write("leaf.ext", "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\nkeyUsage=digitalSignature\n")
        ca = self.pki.ca("root")
        openssl("x509", "-req", "-in", request, "-CA", ca.crt, "-CAkey", ca.key, "-CAcreateserial", "-CAserial", self.folder / "serial", "-days", "2",
                "-extfile", self.folder / "leaf.ext", "-out", crt)
        pem = self.write(f"{stem}.pem", crt.read_text() + key.read_text())
        pem.chmod(0o600)
        return pem, key

    def chain(self, pem, keys=None, top=""):
        """A verifier and, before it, an injector, in one process and with the same identity; gives the port of the injector."""
        inside, outside = free_port(), free_port()
        backend = peers.Backend(self, lambda r: peers.reply(b"fine"))
        ca = self.pki.ca("root").crt
        self.mtlsd = self.daemon(f"""{top}
            admin = {{ socket = "unix:{self.folder}/admin.sock"; }};
            identities = {{ me = {{ {keys or f'bundle = "{pem}";'} }}; }};
            trusts = {{ all = {{ ca = "{ca}"; }}; }};
            upstreams = {{ backend = {{ targets = [ "127.0.0.1:{backend.port}" ]; }};
                           verifier = {{ targets = [ "localhost:{inside}" ]; tls = {{ identity = "me"; trust = "all"; }}; }}; }};
            listeners = {{ inside = {{ bind = "127.0.0.1:{inside}"; upstream = "backend"; tls = {{ identity = "me"; trust = "all"; }}; }};
                           outside = {{ bind = "127.0.0.1:{outside}"; upstream = "verifier"; }}; }};""", [inside, outside])
        return outside

    def look(self, pid, wanted, but_with=None):
        try:
            return search(pid, wanted, but_with)
        except PermissionError:
            self.skipTest("looking into another process needs root with CAP_SYS_PTRACE")

    def use(self, port):
        self.assertEqual("fine", self.curl(f"http://127.0.0.1:{port}/").text)

    def reload(self):
        done = self.command("reload", "-c", self.mtlsd.config_path)
        self.assertEqual(0, done.returncode, done.stderr)

    def test_an_old_key_leaves_no_trace(self):
        for kind, how in KINDS.items():
            with self.subTest(kind=kind):
                (first, old), (second, _), (third, new) = (self.bundle(stem, how) for stem in ("first", "second", "third"))
                live = self.folder / "live.pem"
                shutil.copy(first, live)
                port = self.chain(live)
                self.use(port)
                holder, other = self.mtlsd.key_process(), self.mtlsd.pid
                self.assertNotEqual(set(), self.look(holder, traces(old)), "a key that is in use is not found: the search is wrong")
                self.assertEqual(set(), self.look(holder, traces(old), PROTECTED), "outside of locked pages")
                self.assertEqual(set(), self.look(other, traces(old)), "in the process of connections")
                for pem in (second, third):  # the key before is kept, in case an upstream refuses the new certificate
                    os.replace(pem, live)
                    self.reload()
                    self.use(port)
                wait_for(lambda: not search(holder, traces(old)), f"the end of {search(holder, traces(old))}", 5, 0.3)
                wait_for(lambda: search(holder, traces(new)), "the new key: a second load may be under way, as the file has changed", 5, 0.3)
                self.assertEqual(set(), search(other, traces(new)), "in the process of connections, after a reload")
                self.mtlsd.stop()

    def test_a_key_of_a_removed_identity_is_wiped_while_others_of_its_configuration_are_kept(self):
        """The key that is replaced in the same reload is kept, in case an upstream refuses the new certificate."""
        (first, old), (second, _), (gone, removed) = (self.bundle(stem, KINDS["P-256"]) for stem in ("first", "second", "gone"))
        live = self.folder / "live.pem"
        shutil.copy(first, live)
        port = self.chain(live)
        path, other = self.mtlsd.config_path, f'other = {{ bundle = "{gone}"; }}; '
        path.write_text(path.read_text().replace("identities = { ", "identities = { " + other))
        self.reload()
        holder = self.mtlsd.key_process()
        self.assertNotEqual(set(), self.look(holder, traces(removed)), "a key that is loaded is not found: the search is wrong")
        os.replace(second, live)
        path.write_text(path.read_text().replace(other, ""))
        self.reload()
        self.use(port)
        wait_for(lambda: not search(holder, traces(removed)), "the end of the key of an identity that was removed", 5, 0.3)
        self.assertNotEqual(set(), search(holder, traces(old)))

    def test_in_one_process_the_same_search_finds_the_key(self):
        for kind, how in KINDS.items():
            with self.subTest(kind=kind):
                (first, old), (second, _), (third, new) = (self.bundle(stem, how) for stem in ("first", "second", "third"))
                live = self.folder / "live.pem"
                shutil.copy(first, live)
                port = self.chain(live, top="insecure_keys_in_process = true;")
                self.use(port)
                self.assertIsNone(self.mtlsd.key_process())
                self.assertIn("a fault in it can give them away", self.mtlsd.log)
                self.assertNotEqual(set(), self.look(self.mtlsd.pid, traces(old)))
                self.assertEqual(set(), self.look(self.mtlsd.pid, traces(old), PROTECTED), "outside of locked pages")
                for pem in (second, third):  # the key before is kept, in case an upstream refuses the new certificate
                    os.replace(pem, live)
                    self.reload()
                    self.use(port)
                wait_for(lambda: not search(self.mtlsd.pid, traces(old)), f"the end of {search(self.mtlsd.pid, traces(old))}", 5, 0.3)
                wait_for(lambda: search(self.mtlsd.pid, traces(new)), "the new key", 5, 0.3)
                self.mtlsd.stop()


    def test_an_encrypted_key_and_its_passphrase_leave_no_trace(self):
        """The passphrase is nowhere, and the key in locked memory only."""
        secret = self.write("pass", "a passphrase that is long enough")
        secret.chmod(0o600)
        for kind in ("P-256", "RSA", "Ed25519"):
            pem, key = self.bundle(kind, KINDS[kind])
            crt, encrypted, packed = (self.folder / f"{kind}.{end}" for end in ("crt", "enc", "p12"))
            openssl("pkcs8", "-topk8", "-in", key, "-v2", "aes256", "-passout", f"file:{secret}", "-out", encrypted)
            openssl("pkcs12", "-export", "-in", pem, "-passout", f"file:{secret}", "-out", packed)
            for path in (encrypted, packed):
                path.chmod(0o600)
            for keys in (f'certificate = "{crt}"; key = "{encrypted}";', f'pkcs12 = "{packed}";'):
                with self.subTest(kind=kind, keys=keys):
                    port = self.chain(None, f'{keys} passphrase_file = "{secret}";')
                    self.use(port)
                    wanted, holder = dict(traces(key), passphrase=secret.read_bytes()[:WINDOW]), self.mtlsd.key_process()
                    self.assertNotEqual(set(), self.look(holder, wanted), "a key that is in use is not found: the search is wrong")
                    self.assertEqual(set(), self.look(holder, wanted, PROTECTED), "outside of locked pages")
                    self.assertEqual(set(), self.look(self.mtlsd.pid, wanted), "in the process of connections")
                    self.mtlsd.stop()


class Authority(Case):
    """The CA of forward_proxy.intercept, and the key of the certificates that it issues."""

    def handshake(self, ca, port):
        """The number x of the key of the certificate that we are shown."""
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(b"CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n")
            self.assertIn(b" 200 ", connection.recv(1000))
            with ssl.create_default_context(cafile=ca / "ca.pem").wrap_socket(connection, server_hostname="api.example") as inside:
                der = inside.getpeercert(True)
        at = der.index(p256.BEFORE_POINT) + len(p256.BEFORE_POINT)
        return der[at:at + 32]

    def leaf_numbers(self, pid, x):
        """Of the key of a certificate: the bytes of its private number, which is kept near the public one."""
        found = set()
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for begin, end, flags in mappings(pid):
                if end - begin > 1 << 20 or not PROTECTED <= flags:
                    continue
                piece = os.pread(memory.fileno(), end - begin, begin)
                at = piece.find(x)
                candidates = range(max(0, at - 64), at + 129, 1) if at >= 0 else ()
                found |= {piece[i:i + 32] for i in candidates if 0 < int.from_bytes(piece[i:i + 32], "big") < p256.N}
        return {number for number in found if p256.times_g(int.from_bytes(number, "big"))[0] == int.from_bytes(x, "big")}

    def test_its_keys_are_in_the_process_of_keys_alone(self):
        for top, apart in (("", True), ("insecure_keys_in_process = true;", False)):
            with self.subTest(apart=apart):
                ca, port = self.folder / f"ca{apart}", free_port()
                self.assertEqual(0, self.command("pki", "init", "--dir", ca, "--only", "api.example").returncode)
                self.mtlsd = self.daemon(f"""{top} admin = {{ socket = "unix:{self.folder}/admin.sock"; }};
                    upstreams = {{ far = {{ targets = [ "127.0.0.1:9" ]; host = "preserve"; }}; }};
                    listeners = {{ proxy = {{ bind = "127.0.0.1:{port}"; forward_proxy = {{ intercept = {{ ca = "{ca}/ca.pem"; key = "{ca}/ca.key"; }}; }};
                        routes = ( {{ host = "api.example"; upstream = "far"; }} ); }}; }};""", [port])
                x = self.handshake(ca, port)
                wanted, other = traces(ca / "ca.key"), self.mtlsd.pid
                holder = self.mtlsd.key_process() or other
                self.assertEqual(apart, holder != other)
                try:
                    numbers = self.leaf_numbers(holder, x)
                except PermissionError:
                    self.skipTest("looking into another process needs root with CAP_SYS_PTRACE")
                self.assertEqual(1, len(numbers), "the key of the certificate is not found: the search is wrong")
                number = numbers.pop()
                for order, value in (("big-endian", number), ("little-endian", number[::-1])):
                    wanted |= {f"leaf {order} from {i}": value[i:i + WINDOW] for i in (0, 16)}
                self.assertTrue(any("leaf" in name for name in search(holder, wanted)))
                self.assertTrue(any("priv" in name for name in search(holder, wanted)), "the CA's key is not found: the search is wrong")
                self.assertEqual(set(), search(holder, wanted, PROTECTED), "outside of locked pages")
                if apart:
                    self.assertEqual(set(), search(other, wanted), "in the process of connections")
                self.command("reload", "-c", self.mtlsd.config_path)
                self.handshake(ca, port)
                self.assertEqual(set(), search(holder, wanted, PROTECTED), "outside of locked pages, after a reload")
                wait_for(lambda: not any("leaf" in name for name in search(holder, wanted)), "the end of the first key of certificates", 5, 0.3)
                self.mtlsd.stop()


NOBODY = 65534


class Protection(harness.Case):
    @unittest.skipIf(harness.is_sanitized(), "a sanitizer pretends to lock")
    def test_without_permission_to_lock_memory_it_warns_once_and_serves(self):
        backend, port = peers.Backend(self, lambda r: peers.reply(b"fine")), free_port()
        more = "".join(f'i{i} = {{ bundle = "{self.pki.client().pem}"; }}; ' for i in range(300))
        conf = self.config(self.verifier_text(port, backend.port).replace("identities = {", f"identities = {{ {more}"))
        not_locking = ["setpriv", "--bounding-set=-ipc_lock"] if os.geteuid() == 0 else []
        self.mtlsd = harness.Process("mtlsd", ["prlimit", "--memlock=0", *not_locking, harness.MTLSD, "run", "-c", conf], self.folder, self.environment())
        self.processes.append(self.mtlsd)
        self.mtlsd.wait_ready([port])
        self.assertEqual("fine", self.curl_tls(port).text)
        self.assert_told(1, "LimitMEMLOCK", self.mtlsd.log)

    def test_every_command_that_holds_keys_keeps_others_of_its_user_out(self):
        """The kernel gives the files of such a process to root. The peer takes connections and says nothing, so that the commands are seen at work."""
        self.folder.parent.chmod(stat.S_IMODE(self.folder.parent.stat().st_mode) | 0o011)
        binary, client, port = self.folder / "mtlsd", self.pki.client(), free_port()
        shutil.copy(harness.MTLSD, binary)
        shutil.copy(client.pem, self.folder / "me.pem")
        ca = shutil.copy(self.pki.ca("root").crt, self.folder / "ca.pem")
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        conf = self.config(self.injector_text(port, target).replace(str(client.pem), "me.pem").replace(str(self.pki.ca("root").crt), "ca.pem"))
        self.command("pki", "init", "--dir", self.folder / "pki")
        as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        for path in [self.folder, *self.folder.rglob("*")] if as_nobody else []:
            os.chown(path, NOBODY, NOBODY)
        for words in (("run", "-c", conf), ("check", "--connect", "-c", conf), ("drill", "--target", target, "--dir", self.folder / "pki"),
                      ("client", "--bundle", "me.pem", "--ca", ca, "--listen", f"127.0.0.1:{port}", "--upstream", f"https://{target}")):
            with self.subTest(command=words[0]):
                process = subprocess.Popen([binary, *words], cwd=self.folder, env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                           **as_nobody)
                self.addCleanup(process.stderr.close)
                try:
                    wait_for(lambda: process.poll() is not None or os.stat(f"/proc/{process.pid}/mem").st_uid == 0, "protection", 5)
                    self.assertIsNone(process.poll(), process.stderr.peek(2000) if process.poll() is not None else "")
                    limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
                    self.assertRegex(limits, r"Max core file size +0 +0 ")
                finally:
                    process.kill()
                    process.wait()


if __name__ == "__main__":
    harness.main()
