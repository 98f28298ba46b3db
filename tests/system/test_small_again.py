# SPDX-License-Identifier: Apache-2.0
"""The daemon returns memory that it no longer needs: after reloads, and after many clients have disconnected."""
import resource
import socket
import unittest

import harness
import peers
from harness import free_port, wait_for

MANY = 1000


@unittest.skipIf(harness.is_sanitized(), "a sanitizer keeps what is freed")
class SmallAgain(harness.Case):
    def expect_small(self, before_kb, what):
        """Within 10 seconds, at most a fifth above what it was."""
        try:
            wait_for(lambda: self.mtlsd.rss_kb() <= before_kb * 1.2, "memory", 10, 0.2)
        except AssertionError:
            self.fail(f"{what}: {before_kb} kB before, {self.mtlsd.rss_kb()} kB 10 s after")

    def test_after_reloads(self):
        port = free_port()
        identities = "".join(f'i{i} = {{ bundle = "{self.pki.client().pem}"; }};\n' for i in range(MANY))
        upstreams = "".join(f'u{i} = {{ targets = [ "127.0.0.1:1" ]; tls = {{ identity = "i{i}"; trust = "t"; server_name = "a.example"; }}; }};\n'
                            for i in range(MANY))
        self.mtlsd = self.daemon(f"""
            admin = {{ socket = "unix:{self.folder}/admin.sock"; }};
            identities = {{ {identities} }};
            trusts = {{ t = {{ ca = "{self.pki.ca("root").crt}"; }}; }};
            upstreams = {{ {upstreams} }};
            listeners = {{ l = {{ bind = "127.0.0.1:{port}"; upstream = "u0"; }}; }};""", [port])
        before = self.mtlsd.rss_kb()
        for _ in range(4):
            done = self.command("reload", "-c", self.mtlsd.config_path)
            self.assertEqual(0, done.returncode, done.stderr)
        self.expect_small(before, f"4 reloads with {MANY} identities")

    def test_after_a_crowd_of_clients_has_gone(self):
        """Of those that never say a word: each has a TLS session while it is there."""
        port = self.verifier(peers.Backend(self, lambda r: peers.reply(b"fine")).port)
        self.assertEqual("fine", self.curl_tls(port).text)
        before = self.mtlsd.rss_kb()
        crowd = []
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        try:
            for _ in range(1500):
                crowd.append(socket.create_connection(("127.0.0.1", port)))
                crowd[-1].sendall(b"\x16\x03\x01")
            wait_for(lambda: self.mtlsd.rss_kb() > before * 1.5, "the memory of the crowd")
        finally:
            for client in crowd:
                client.close()
        self.expect_small(before, "1500 clients")
        self.assertEqual("fine", self.curl_tls(port).text)


if __name__ == "__main__":
    harness.main()
