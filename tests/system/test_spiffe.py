# SPDX-License-Identifier: Apache-2.0
"""Certificates and CAs from the SPIFFE Workload API, with real requests through them: rotation, reloads, hand-overs, both ends at once."""
import os
import signal
import time

import harness
import p256
import workloads
from harness import free_port, wait_for
from workloads import APP, SOURCE, TRUST, svid, svid_response


class Rotation(workloads.Injector):
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
            time.sleep(0.3)
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


class Both(workloads.Injector):
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
                    wait_for(lambda: ask() or "the new configuration is in use" in daemon.log, "the rotation", pause=0.1)
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


class Reloads(workloads.Injector):
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


if __name__ == "__main__":
    harness.main()
