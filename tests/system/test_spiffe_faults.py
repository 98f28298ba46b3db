# SPDX-License-Identifier: Apache-2.0
"""What a SPIFFE agent takes back, and what a bad one can do: withdrawn SVIDs and bundles, expiry without an agent, bad messages, starts without an answer."""
import concurrent.futures
import contextlib
import socket
import threading
import time

import harness
import workloads
from harness import wait_for
from workloads import APP, SOURCE, field, svid, svid_response


class Withdrawal(workloads.Injector):
    def connection(self):
        """An open one to the injector, on which one request was answered."""
        keep = socket.create_connection(("127.0.0.1", self.port))
        self.addCleanup(keep.close)
        keep.settimeout(10)
        return keep

    def test_without_an_svid_nothing_is_presented(self):
        self.start()
        self.agent.tell(end=["PERMISSION_DENIED", "no identity issued"])
        self.wait_for_refusal("identity_withdrawn")
        self.log_has(r"no identity for this process \(PermissionDenied: no identity issued\)")
        self.log_has(r"identity .{1,3}me.{1,3}: the agent .* gives its SVID no longer")
        self.agent.tell(end=None)
        fresh = self.issue("/app")
        self.give(fresh)
        wait_for(lambda: self.curl(self.url).status == 200, "requests")
        self.assertEqual(fresh.serial, self.serial())

    def test_the_other_svid_still_rotates(self):
        one, app = self.issue("/one"), self.issue("/app")
        self.agent.start()
        give = lambda leaf, *more: self.agent.tell(FetchX509SVID=svid_response([svid(leaf, APP, self.bundle()), *more]))
        give(app, svid(one, "spiffe://tests.example/one", self.bundle()))
        text = self.run_injector(source=f'{SOURCE} spiffe_id = "{APP}";').replace("identities = {", 'identities = { unused = { source = "spiffe"; spiffe_id = "spiffe://tests.example/one"; };')
        self.mtlsd = self.daemon(text, [self.port])
        self.assertEqual(app.serial, self.serial())
        fresh = self.issue("/app")
        give(fresh)
        self.log_has(r"identity .{1,3}unused.{1,3}: the agent .* gives its SVID no longer")
        self.wait_for_serial(fresh)

    def test_an_expired_svid_is_not_presented_when_the_agent_has_gone(self):
        self.start(first=self.issue("/app", start=-1, days=1 + 10 / 86400))  # the start of agent and daemon takes seconds on a busy machine
        self.assertEqual(self.first.serial, self.serial())
        self.agent.kill()
        self.wait_for_refusal("identity_withdrawn")
        self.log_has("its SVID has expired")

    def test_connections_end_with_the_identity_or_the_bundle(self):
        """Open ones, over which requests went: HTTP/1.1 and tcp. The SVID and the bundle, each alone."""
        for protocol in "http", "tcp":
            for what in "identity", "bundle":
                with self.subTest(protocol=protocol, what=what):
                    self.agent.kill()
                    self.agent.start()
                    self.give(self.issue("/app"))
                    mtlsd = self.daemon(self.run_injector(protocol=protocol, source=f'{SOURCE} spiffe_id = "{APP}";'), [self.port])
                    keep = self.connection()
                    keep.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    self.assertIn(b"200 OK", keep.recv(1000))
                    self.withdraw(what)
                    reason = "identity_withdrawn" if what == "identity" else "unknown_ca"
                    if protocol == "tcp":
                        with contextlib.suppress(ConnectionResetError):
                            while keep.recv(1000):
                                pass
                    else:
                        wait_for(lambda: reason in self.curl(self.url).text, reason)
                    self.wait_for_log(mtlsd, f"reason={reason}")
                    mtlsd.stop()


class BesideAnotherFault(workloads.Injector):
    def test_a_bundle_is_withdrawn_although_nothing_can_be_loaded(self):
        """A file of another identity is broken, so that each load is refused."""
        self.first = self.issue("/app")
        self.agent.start()
        self.give(self.first)
        other = self.folder / "other.pem"
        other.write_text(self.pki.client().pem.read_text())
        other.chmod(0o600)
        text = self.run_injector().replace("identities = {", f'identities = {{ other = {{ bundle = "{other}"; }};')
        self.mtlsd = self.daemon(f'watch = "off"; {text}', [self.port])
        self.assertEqual(self.first.serial, self.serial())
        other.write_text("broken")
        self.withdraw("bundle")
        wait_for(lambda: "took back the bundle" in self.curl(self.url).text, "the refusal")
        self.log_has(r"refused, the old configuration stays in use: .*other.pem")
        self.log_has(r"trust .{1,3}them.{1,3}: the agent .* gives no bundle of trust domain tests.example")


class BadAgents(workloads.Injector):
    def refuses(self, message, words):
        """The message is refused as a whole, and said; the one before stays in use."""
        before = self.mtlsd.log.count("refused what the agent gave")
        self.agent.tell(FetchX509SVID=message)
        wait_for(lambda: self.mtlsd.log.count("refused what the agent gave") > before, words)
        self.assertIn(words, self.mtlsd.log.splitlines()[-1] + self.mtlsd.log)
        self.assertEqual(self.first.serial, self.serial())

    def test_bad_messages_are_refused_and_the_last_good_one_stays(self):
        self.start()
        fresh = self.issue("/app")
        good = svid(fresh, APP, self.bundle())
        self.refuses(b"garbage", "not well-formed")
        self.refuses(svid_response([svid(fresh, "spiffe://partner.example/app", self.bundle())]), "its certificate has another ID")
        self.refuses(svid_response([svid(fresh, APP, self.bundle(), key=self.first.key)]), "does not belong to its certificate")
        self.refuses(svid_response([svid(self.issue("/app", is_ca=True), APP, self.bundle())]), "is a CA")
        self.refuses(svid_response([good], [(self.DOMAIN, self.bundle(self.OTHER))]), "two different ones")
        self.refuses(svid_response([good] * 65), "more than 64 SVIDs")
        self.refuses(svid_response([good]) + field(99, bytes(5 * 1024 * 1024)), "larger than 4 MiB")
        self.give(fresh)
        self.wait_for_serial(fresh)

    def raw(self, name, answer):
        """A socket that says this to each client and closes."""
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.sendall(answer)
        path, server = self.folder / f"{name}.sock", socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        server.listen(16)
        self.addCleanup(server.close)
        self.addCleanup(server.shutdown, socket.SHUT_RDWR)
        threading.Thread(target=serve, daemon=True).start()
        return path

    def test_a_start_is_bounded_and_says_what_to_do(self):
        """Where there is no agent, one that hangs, and one that has no identity for us: each by its socket, and all at once, as each takes ten seconds."""
        path = self.config(self.run_injector())
        hangs, denies = workloads.Agent(self, "hangs").start(), workloads.Agent(self, "denies").start()
        denies.tell(end=["PERMISSION_DENIED", "no identity issued"])
        http1 = self.raw("http1", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        noise, short = self.raw("noise", bytes(range(256)) * 64), self.raw("short", b"\0\0\0\4\0\0\0\0\0")  # the second: half a frame of settings
        rows = [(http1, "check", "the SPIFFE Workload API at"), (noise, "check", "the SPIFFE Workload API at"), (short, "check", "the SPIFFE Workload API at"),
                (self.agent.path, "check", "cannot connect: start the agent, or correct SPIFFE_ENDPOINT_SOCKET"), (hangs.path, "run", "no answer came: start the agent"),
                (denies.path, "check", "(PermissionDenied: no identity issued): register this workload")]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            ask = lambda row: self.command(row[1], "-c", path, env={**self.environment(), "SPIFFE_ENDPOINT_SOCKET": f"unix://{row[0]}"})
            began = time.monotonic()
            for row, done in zip(rows, pool.map(ask, rows)):
                self.assertEqual(3, done.returncode, done.stderr)
                self.assertIn(row[2], done.stdout + done.stderr)
                self.assertIn(f"unix://{row[0]}", done.stdout + done.stderr)
        self.assertLess(time.monotonic() - began, harness.busy(20))

    def test_an_address_that_is_no_unix_socket_is_refused(self):
        path = self.config(self.run_injector())
        for value, words in (("tcp://127.0.0.1:8081", "over which the agent cannot tell who asks"), ("", "is not set"), ("/run/x.sock", "does not begin with unix:///")):
            for command in (["check", "-c", path], ["run", "-c", path]):
                done = self.command(*command, env={**self.environment(), "SPIFFE_ENDPOINT_SOCKET": value})
                self.assertEqual(3, done.returncode, done.stderr)
                self.assertIn(words, done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()
