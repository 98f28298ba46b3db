# SPDX-License-Identifier: Apache-2.0
"""Certificates and CAs from the SPIFFE Workload API: the first answer, rotation, withdrawal, and what a bad agent can do. Each test has real requests
through the certificates."""
import concurrent.futures
import contextlib
import json
import os
import signal
import socket
import time

import harness
import p256
import workloads
from harness import free_port, wait_for
from workloads import bundles_response, field, svid, svid_response

SOURCE = 'source = "spiffe";'
TRUST = 'source = "spiffe"; spiffe_domain = "tests.example";'
APP = "spiffe://tests.example/app"


class Case(workloads.Case):
    """An injector whose certificate comes from the agent, in front of an nginx that logs the serial numbers that it sees."""

    def text(self, port, target, source=SOURCE, **options):
        options = {"trust": TRUST, "tls": f'expect = [ "spiffe://{self.DOMAIN}/server" ];', **options}
        return self.injector_text(port, target, **options).replace(f'bundle = "{self.pki.client().pem}";', source)

    def server(self):
        return self.issue("/server", stem=f"server-{self.DOMAIN}")

    def run_injector(self, top="", port=None, **options):
        port = port or free_port()
        origin = self.origin(certificate=self.server(), ca=self.pki.ca(f"root-{self.DOMAIN}"))
        self.port, self.url = port, f"http://127.0.0.1:{port}/"
        return f'admin = {{ socket = "unix:{self.folder}/admin.sock"; }}; {top}' + self.text(port, f"127.0.0.1:{origin}", **options)

    def start(self, first=None, **options):
        self.first = first or self.issue("/app")
        self.agent.start()
        self.give(self.first)
        self.mtlsd = self.daemon(self.run_injector(**options), [self.port], [self.folder / "admin.sock"])

    def serial(self):
        before = len(self.nginx_access())
        answer = self.curl(self.url)
        self.assertEqual(200, answer.status, answer.text or answer.error)
        wait_for(lambda: len(self.nginx_access()) > before, "the line in the origin's log")
        return int(self.nginx_access()[-1][2], 16)

    def wait_for_serial(self, leaf):
        wait_for(lambda: self.serial() == leaf.serial, "the new SVID")

    def wait_for_refusal(self, reason):
        wait_for(lambda: (answer := self.curl(self.url)).status == 503 and reason in answer.text, reason)

    def status(self, *names):
        found = json.loads(self.command("status", "-c", self.mtlsd.config_path, "--json").stdout)["spiffe"]
        return tuple(found[name] for name in names)

    def metrics(self):
        return self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/metrics").text

    def log_has(self, pattern):
        return self.wait_for_log(self.mtlsd, pattern)


class Rotation(Case):
    def test_another_svid_is_used_without_a_failed_request(self):
        self.start()
        for _ in range(2):
            fresh = self.issue("/app")
            self.give(fresh)
            self.wait_for_serial(fresh)  # asks all the time, and each answer is 200
        self.assertNotIn("reason=", self.mtlsd.log)

    def test_the_one_with_the_id_is_taken_of_several(self):
        one, two = self.issue("/one"), self.issue("/app")
        self.agent.start()
        self.agent.tell(FetchX509SVID=svid_response([svid(one, "spiffe://tests.example/one", self.bundle()), svid(two, APP, self.bundle())]))
        self.mtlsd = self.daemon(self.run_injector(source=f'{SOURCE} spiffe_id = "{APP}";'), [self.port])
        self.assertEqual(two.serial, self.serial())

    def test_an_agent_that_dies_changes_nothing_and_is_followed_again(self):
        self.start()
        self.assertEqual(("current", True, [APP], [self.DOMAIN, self.OTHER], None), self.status("state", "connected", "svids", "trust_domains", "error"))
        self.agent.kill()
        self.log_has(r"spiffe +.*unix:///.*agent.sock: ")
        self.assertEqual(self.first.serial, self.serial())
        state, connected, generation, error = self.status("state", "connected", "generation", "error")
        self.assertEqual(("lost", False, 1), (state, connected, generation))
        self.assertTrue(error)
        sheet = self.command("status", "-c", self.mtlsd.config_path).stdout
        self.assertIn(f"spiffe      {self.agent.path}: lost since", sheet)
        self.assertIn("\nmtlsd_spiffe_connected 0\n", self.metrics())
        self.agent.start()
        fresh = self.issue("/app")
        self.give(fresh)
        self.wait_for_serial(fresh)
        self.log_has(r"spiffe +.*answers: 1 SVIDs, 2 bundles")

    def test_it_survives_a_reload_and_a_hand_over(self):
        self.start()
        self.assertEqual(0, self.command("reload", "-c", self.mtlsd.config_path).returncode)
        self.assertEqual(self.first.serial, self.serial())
        streams = self.agent.streams()
        self.mtlsd.signal(signal.SIGUSR2)
        wait_for(lambda: self.agent.streams() > streams, "the stream of the new process")
        fresh = self.issue("/app")
        self.give(fresh)
        self.wait_for_serial(fresh)

    def test_keys_in_one_process_do_the_same(self):
        self.start(top="insecure_keys_in_process = true; ")
        self.assertEqual(self.first.serial, self.serial())
        fresh = self.issue("/app")
        self.give(fresh)
        self.wait_for_serial(fresh)
        self.agent.tell(end=["PERMISSION_DENIED", "no identity issued"])
        self.wait_for_refusal("identity_withdrawn")

    def test_a_thousand_updates_a_second_are_few_loads(self):
        self.start()
        turns = [svid_response([svid(self.issue("/app"), APP, self.bundle())]).hex() for _ in range(2)]
        self.agent.tell(repeat=1000, turns=turns)
        began, ticks = time.monotonic(), self.ticks()
        self.log_has("loading them")
        while time.monotonic() < began + 3:
            self.serial()
        used = (self.ticks() - ticks) / os.sysconf("SC_CLK_TCK")
        self.assertLessEqual(self.mtlsd.log.count("loading them"), 5)
        if not harness.is_sanitized():
            self.assertLess(used, 1.5)
        self.agent.tell(repeat=0)
        fresh = self.issue("/app")
        self.give(fresh)
        self.wait_for_serial(fresh)

    def ticks(self):
        """CPU time of both processes."""
        total = 0
        for pid in (self.mtlsd.pid, self.mtlsd.key_process()):
            fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total


class Both(Case):
    """An injector and a verifier of one trust domain, each with an agent of its own, in front of a plain backend."""

    def setUp(self):
        super().setUp()
        self.far = workloads.Agent(self, "far")

    def give_far(self, leaf):
        self.far.tell(FetchX509SVID=svid_response([svid(leaf, "spiffe://tests.example/server", self.bundle())]))

    def run_both(self, protocol):
        self.first, server = self.issue("/app"), self.server()
        self.agent.start()
        self.far.start()
        self.give(self.first)
        self.give_far(server)
        backend, front = free_port(), free_port()
        self.nginx(f"server {{ listen 127.0.0.1:{backend}; location / {{ return 200 $http_x_client; }} }}", [backend])
        headers = "" if protocol == "tcp" else 'identity_headers = "xfcc";'
        verifier = f"""
            identities = {{ me = {{ {SOURCE} }}; }}; trusts = {{ ours = {{ {TRUST} }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{backend}" ]; }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{front}"; protocol = "{protocol}"; upstream = "app"; {headers}
                tls = {{ identity = "me"; trust = "ours"; }}; allow = ( {{ uri = "{APP}"; }} ); }}; }};"""
        environment = self.environment
        self.environment = lambda: {**environment(), "SPIFFE_ENDPOINT_SOCKET": f"unix://{self.far.path}"}
        self.verifier = self.daemon(verifier, [front], name="verifier")
        self.environment = environment
        self.port = free_port()
        self.mtlsd = self.daemon(self.text(self.port, f"127.0.0.1:{front}", protocol=protocol), [self.port], name="injector")
        self.url = f"http://127.0.0.1:{self.port}/"

    def test_requests_pass_while_both_ends_rotate(self):
        for protocol, option in (("http", "--http1.1"), ("http", "--http2-prior-knowledge"), ("tcp", "--http1.1")):
            with self.subTest(protocol=protocol, option=option):
                for agent in self.agent, self.far:
                    agent.kill()
                self.run_both(protocol)
                answers = []
                ask = lambda: answers.append(self.curl(option, self.url).status)
                ask()
                self.give(self.issue("/app"))
                self.give_far(self.issue("/server"))
                for daemon in self.mtlsd, self.verifier:
                    wait_for(lambda: ask() or "the new configuration is in use" in daemon.log, "the rotation")
                ask()
                self.assertEqual({200}, set(answers))
                self.assertNotIn("reason=", self.mtlsd.log)

    def test_no_key_byte_is_in_the_process_of_connections(self):  # E4
        self.run_both("http")
        self.assertEqual(200, self.curl(self.url).status)
        for daemon, key in ((self.mtlsd, self.first.key), (self.verifier, self.server().key)):
            secret = key.read_text()
            number = p256.number_of(secret.encode()).to_bytes(32, "big")
            self.assertFalse(workloads.holds(daemon.pid, number))
            self.assertFalse(workloads.holds(daemon.pid, number[::-1]))
            self.assertTrue(workloads.holds(daemon.key_process(), number))


class Reloads(Case):
    def test_the_first_source_needs_a_restart_or_a_hand_over(self):
        self.first = self.issue("/app")
        self.agent.start()
        self.give(self.first)
        text = self.run_injector()
        path = self.folder / "mtlsd.conf"
        plain = text.replace(TRUST, f'ca = "{self.pki.ca("root").crt}";').replace(SOURCE, f'bundle = "{self.pki.client().pem}";').replace(
            f'expect = [ "spiffe://{self.DOMAIN}/server" ];', "")
        self.mtlsd = self.daemon(plain, [self.port], [self.folder / "admin.sock"])
        self.config(text)
        done = self.command("reload", "-c", path)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("restart mtlsd, or hand over with SIGUSR2", done.stdout + done.stderr)
        self.mtlsd.signal(signal.SIGUSR2)
        wait_for(lambda: self.agent.streams() == 1, "the stream of the new process")
        wait_for(lambda: self.curl(self.url).status == 200, "a request")
        self.assertEqual(self.first.serial, self.serial())


class Withdrawal(Case):
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
        self.start(first=self.issue("/app", start=-1, days=1 + 4 / 86400))
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

    def withdraw(self, what):
        """The agent still gives another SVID, or the bundle of another domain alone."""
        if what == "identity":
            self.give(self.issue("/other"), "/other")
        else:
            self.agent.tell(FetchX509SVID=svid_response([svid(self.issue("/app"), APP)], [(self.OTHER, self.bundle(self.OTHER))]))


class BadAgents(Case):
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

    def test_a_start_is_bounded_and_says_what_to_do(self):
        """Where there is no agent, one that hangs, and one that has no identity for us: each by its socket, and all at once, as each takes ten seconds."""
        path = self.config(self.run_injector())
        hangs, denies = workloads.Agent(self, "hangs").start(), workloads.Agent(self, "denies").start()
        denies.tell(end=["PERMISSION_DENIED", "no identity issued"])
        rows = [(self.agent.path, "check", "cannot connect: start the agent, or correct SPIFFE_ENDPOINT_SOCKET"), (hangs.path, "run", "no answer came: start the agent"),
                (denies.path, "check", "(PermissionDenied: no identity issued): register this workload")]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            ask = lambda row: self.command(row[1], "-c", path, env={**self.environment(), "SPIFFE_ENDPOINT_SOCKET": f"unix://{row[0]}"})
            began = time.monotonic()
            for row, done in zip(rows, pool.map(ask, rows)):
                self.assertEqual(3, done.returncode, done.stderr)
                self.assertIn(row[2], done.stdout + done.stderr)
                self.assertIn(f"unix://{row[0]}", done.stdout + done.stderr)
        self.assertLess(time.monotonic() - began, 20)

    def test_an_address_that_is_no_unix_socket_is_refused(self):
        path = self.config(self.run_injector())
        for value, words in (("tcp://127.0.0.1:8081", "over which the agent cannot tell who asks"), ("", "is not set"), ("/run/x.sock", "does not begin with unix:///")):
            for command in (["check", "-c", path], ["run", "-c", path]):
                done = self.command(*command, env={**self.environment(), "SPIFFE_ENDPOINT_SOCKET": value})
                self.assertEqual(3, done.returncode, done.stderr)
                self.assertIn(words, done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()
