# SPDX-License-Identifier: Apache-2.0
"""OCSP responders that callers' certificates name (A12, F2): good, slow, wrong or gone. No byte of a caller reaches the backend before the answer, and no
other caller waits."""
import json
import ssl
import threading
import time

import certs
import harness
import peers
from harness import wait_for
from ocsp_responder import Responder, access


class Case(peers.Callers, harness.Case):
    def prepare(self, mode="hard", timeout="2s", more="", hosts=True, **options):
        self.root = self.pki.ca("root")
        self.responder = Responder(self, self.root)
        self.backend = peers.Backend(self)
        named = 'ocsp_hosts = [ "127.0.0.1", "localhost" ];' if hosts else ""
        self.trust = f'ca = "{self.root.crt}"; ocsp = "{mode}"; {named} ocsp_timeout = "{timeout}"; {more}'
        self.port = self.verifier(self.backend.port, trust=self.trust, **options)

    def caller(self, stem="oc-caller", url=None, **more):
        """A certificate that names a responder; each of its own, as the responder's port is."""
        url = url or self.responder.url
        extensions = [certs.extension("2.5.29.19", certs.sequence(), True), certs.extension("2.5.29.15", certs.tlv(3, b"\7\x80"), True),
                      certs.extension("2.5.29.37", certs.sequence(certs.oid("clientAuth"))), access(url)]
        return self.pki.make(f"{stem}-{time.monotonic_ns()}", [("CN", stem)], self.root, extensions, -1, 365, "ec")


class Answers(Case):
    def test_a_good_one_is_let_in_and_the_next_time_nothing_is_asked(self):
        self.prepare()
        caller = self.caller()
        self.assertEqual([True] * 3, [self.is_let_in(caller) for _ in range(3)])
        self.assertEqual(1, len(self.responder.seen))
        self.assertTrue(self.is_let_in(self.caller(url=f"http://localhost:{self.responder.port}/ocsp")))  # a name that is looked up

    def test_a_revoked_one_is_refused_in_both_modes(self):
        for mode in ("hard", "soft"):
            with self.subTest(mode):
                self.prepare(mode)
                caller = self.caller()
                self.responder.says[caller.serial] = "revoked"
                self.assertEqual([False, False], [self.is_let_in(caller) for _ in range(2)])
                self.assertEqual((1, 0), (len(self.responder.seen), self.backend.accepted))
                self.assertIn("as its OCSP responder says", self.mtlsd.log)

    def test_what_does_not_count_refuses_in_hard_and_accepts_in_soft(self):
        rows = (("hang", "did not answer within 1000 ms"), ("slowly", "did not answer within 1000 ms"), ("huge", "is larger than"),
                ("garbage", "not a readable OCSP answer"), ("try_later", "could not answer"), ("old", "nextUpdate has passed"),
                ("future", "not valid yet"), ("about_another", "about another certificate"), ("not_found", "it answers 404"),
                ("redirect", "it answers 302; redirects are not followed"), ("as_text", "not of type"), ("packed", "compressed"),
                ("by_another_ca", "neither the issuer"), ("unknown", "does not know the certificate"))
        for mode in ("hard", "soft"):
            self.prepare(mode, "1s")
            self.responder.other = self.pki.ca("oc-other")
            for fault, why in rows:
                with self.subTest(f"{mode} {fault}"):
                    caller, before = self.caller(), len(self.mtlsd.log)
                    self.responder.fault = getattr(self.responder, fault)
                    self.assertEqual(mode == "soft", self.is_let_in(caller))
                    if mode == "hard":
                        self.assertIn("ocsp_missing", self.mtlsd.log[before:])
                        self.assertIn(why, self.mtlsd.log[before:])
            self.assertEqual(len(rows) if mode == "soft" else 0, len(self.backend.requests))
            self.assertIn("no OCSP answer from 127.0.0.1", self.mtlsd.log)

    def test_a_responder_of_the_issuer_may_sign(self):
        self.prepare()
        self.responder.signer = self.pki.leaf("oc-responder", eku=("1.3.6.1.5.5.7.3.9",))
        self.assertTrue(self.is_let_in(self.caller()))
        self.responder.signer = self.pki.leaf("oc-impostor", eku=("serverAuth",))
        self.assertFalse(self.is_let_in(self.caller()))

    def test_only_allowed_responders_are_asked(self):
        self.prepare(hosts=False)
        self.assertFalse(self.is_let_in(self.caller()))
        self.assertIn("its address is loopback; list it in ocsp_hosts", self.mtlsd.log)
        self.assertFalse(self.is_let_in(self.pki.client()))
        self.assertIn("names no OCSP responder", self.mtlsd.log)
        self.prepare()
        self.assertFalse(self.is_let_in(self.caller(url="http://other.example/")))
        self.assertIn("other.example is not in ocsp_hosts", self.mtlsd.log)
        self.assertEqual([], self.responder.seen)

    def test_the_configuration_may_name_the_responder(self):
        self.root = self.pki.ca("root")
        responder = Responder(self, self.root)
        self.prepare(hosts=False, more=f'ocsp_responder = "{responder.url}";')
        self.assertTrue(self.is_let_in(self.pki.client()))
        self.assertEqual((1, 0), (len(responder.seen), len(self.responder.seen)))

    def test_openssl_answers_too(self):
        port, index = harness.free_port(), self.folder / "index"
        self.prepare()
        good, bad = (self.caller(stem, f"http://127.0.0.1:{port}/") for stem in ("oc-good", "oc-bad"))
        rows = [(c, s, d) for c, s, d in ((good, "V", ""), (bad, "R", "260110080000Z"))]
        index.write_text("".join(f"{s}\t401231000000Z\t{d}\t{c.serial:04X}\tunknown\t/CN=x\n" for c, s, d in rows))
        self.spawn("ocsp", ["openssl", "ocsp", "-port", str(port), "-index", index, "-CA", self.root.crt, "-rsigner", self.root.crt, "-rkey", self.root.key,
                            "-nmin", "5"], [port])
        self.assertEqual((True, False), (self.is_let_in(good), self.is_let_in(bad)))
        self.assertIn("revoked 2026-01-10T08:00:00Z, as its OCSP responder says", self.mtlsd.log)

    def test_every_protocol_and_version_waits(self):
        for protocol, version in (("http", ssl.TLSVersion.TLSv1_2), ("tcp", ssl.TLSVersion.TLSv1_2), ("tcp", ssl.TLSVersion.TLSv1_3)):
            with self.subTest(f"{protocol} {version.name}"):
                self.prepare(protocol=protocol)
                good, bad = self.caller(), self.caller()
                self.responder.says[bad.serial] = "revoked"
                self.responder.fault = self.responder.late
                for caller, expected in ((good, True), (bad, False)):
                    try:
                        context = peers.client_context(self.root, caller, version=version)
                        with peers.secure(self.port, context) as connection:
                            self.assertEqual(expected, self.ask(connection) == 200)
                    except (ssl.SSLError, OSError):
                        self.assertFalse(expected)
                self.assertEqual(1, self.backend.accepted)

    def test_http2_waits(self):
        self.prepare()
        self.responder.fault = self.responder.late
        good, bad = self.caller(), self.caller()
        self.responder.says[bad.serial] = "revoked"
        self.assertEqual(200, self.curl_tls(self.port, "--http2", client=good).status)
        self.assertNotEqual(200, self.curl_tls(self.port, "--http2", client=bad).status)
        self.assertEqual(1, self.backend.accepted)


class Told(Case):
    def test_status_and_metrics_say_what_came_of_the_questions(self):
        socket_path = self.folder / "a.sock"
        self.root = self.pki.ca("root")
        self.responder, self.backend = Responder(self, self.root), peers.Backend(self)
        self.port, text = harness.free_port(), None
        trust = f'ca = "{self.root.crt}"; ocsp = "soft"; ocsp_hosts = [ "127.0.0.1" ]; ocsp_timeout = "1s";'
        text = f'admin = {{ socket = "unix:{socket_path}"; }};\n' + self.verifier_text(self.port, self.backend.port, trust=trust)
        self.mtlsd = self.daemon(text, [self.port], paths=[socket_path])
        good, lost = self.caller("oc-good"), self.caller("oc-lost")
        self.assertTrue(self.is_let_in(good))
        self.responder.fault = self.responder.not_found
        self.assertTrue(self.is_let_in(lost))
        status = json.loads(self.command("status", "--socket", str(socket_path), "--json").stdout)
        told = status["ocsp"]
        self.assertEqual((2, 1, 0, 2, 1, 1), tuple(told[k] for k in ("certificates", "answers", "waiting", "asked", "good", "failed")))
        self.assertIn("it answers 404", told["error"])
        self.assertEqual(("soft", 1), (status["trusts"][0]["ocsp"], status["listeners"][0]["unanswered_total"]))
        self.assertIn("1 of 2 had no answer that counts", self.command("status", "--socket", str(socket_path)).stdout)
        self.assertIn("OCSP (soft): clients' certificates are asked about at the responder that each names", self.command("check", "-c", self.config(text)).stdout)
        page = self.curl("--unix-socket", socket_path, "http://localhost/metrics").text
        for line in ('mtlsd_ocsp_questions_total{result="failed"} 1', "mtlsd_ocsp_answers 1", 'mtlsd_ocsp_unanswered_total{listener="public"} 1'):
            self.assertIn(line, page)


class Waiting(Case):
    def test_no_byte_reaches_the_backend_before_the_answer(self):
        """A12: the request was sent at once, and in tcp mode too."""
        for protocol in ("http", "tcp"):
            with self.subTest(protocol):
                self.prepare(protocol=protocol)
                self.responder.fault = self.responder.late
                connection = self.connect(self.caller())
                connection.sendall(peers.REQUEST * 2)
                wait_for(lambda: self.responder.seen, "the question")
                time.sleep(0.3)
                self.assertEqual(0, self.backend.accepted)
                self.assertEqual(200, peers.response(connection)[0])

    def test_who_leaves_meanwhile_is_gone(self):
        """A12: by a reset, by an end, and with the answer late or never."""
        self.prepare(timeout="1s")
        for fault in (self.responder.late, self.responder.hang):
            self.responder.fault = fault
            for end in (peers.reset, lambda c: c.close()):
                connection = self.connect(self.caller())
                connection.sendall(peers.REQUEST)
                end(connection)
        self.responder.fault = None
        self.assertTrue(self.is_let_in(self.caller()))
        wait_for(lambda: self.mtlsd.log.count("127.0.0.1") >= 4, "lines of those who left")

    def test_concurrent_questions_are_one(self):
        self.prepare()
        caller, results = self.caller(), []
        self.responder.fault = self.responder.late
        threads = [threading.Thread(target=lambda: results.append(self.is_let_in(caller))) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([True] * 12, results)
        self.assertEqual(1, len(self.responder.seen))

    def test_others_do_not_wait_while_a_responder_hangs(self):
        """A12: callers that are known, callers of another responder, and new requests on open connections, all on one worker."""
        self.prepare(timeout="3s")
        hanging = Responder(self, self.root)
        hanging.fault = hanging.hang
        known, victims = self.caller(), [self.caller(url=hanging.url) for _ in range(20)]
        held = self.connect(known)
        self.assertEqual(200, self.ask(held))
        results = []
        threads = [threading.Thread(target=lambda c=c: results.append(self.is_let_in(c)), daemon=True) for c in victims]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(hanging.seen) == 8, "as many questions as may run")
        began, rounds = time.monotonic(), 0
        while not results and rounds < 10:
            self.assertEqual([200, True, True], [self.ask(held), self.is_let_in(known), self.is_let_in(self.caller())])
            rounds += 1
        self.assertGreater(rounds, 1, "none of them waits until a question is given up")
        for thread in threads:
            thread.join()
        self.assertEqual([False] * 20, results)
        self.assertLess(time.monotonic() - began, harness.busy(4.5))


class Later(Case):
    def test_an_open_connection_ends_when_a_later_answer_revokes(self):
        self.prepare()
        self.responder.lifetime = 4
        bad, good = self.caller(), self.caller()
        held, kept = self.connect(bad), self.connect(good)
        self.assertEqual([200, 200], [self.ask(held), self.ask(kept)])
        self.responder.says[bad.serial] = "revoked"
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_REVOKED", self.end_of(held))
        self.assertEqual((False, 200), (self.is_let_in(bad), self.ask(kept)))

    def test_a_reload_asks_about_open_connections(self):
        self.root = self.pki.ca("root")
        self.prepare(mode="off", hosts=False)
        bad, good = self.caller(), self.caller()
        held, kept = self.connect(bad), self.connect(good)
        self.assertEqual([200, 200], [self.ask(held), self.ask(kept)])
        self.responder.says[bad.serial] = "revoked"
        text = self.verifier_text(self.port, self.backend.port, trust=f'ca = "{self.root.crt}"; ocsp = "hard"; ocsp_hosts = [ "127.0.0.1" ];')
        self.config(text)
        self.mtlsd.signal(1)
        wait_for(lambda: "generation 2" in self.mtlsd.log, "the reload")
        self.assertEqual(200, self.ask(kept))
        wait_for(lambda: len(self.responder.seen) == 1, "a question")
        self.assertFalse(self.is_let_in(bad))
        self.assertNotEqual(200, self.ask(held))
        self.assertIn("as its OCSP responder says", self.mtlsd.log)

    def test_a_resumed_session_is_held_to_the_answer_of_now(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version.name):
                self.prepare(tls="tickets = true;")
                self.responder.lifetime = 4
                caller = self.caller()
                context = peers.client_context(self.root, caller, version=version)
                with peers.secure(self.port, context) as connection:
                    self.assertEqual(200, self.ask(connection))
                    session = connection.session
                self.responder.says[caller.serial] = "revoked"
                time.sleep(0.1)
                wait_for(lambda: not self.is_let_in(caller), "the later answer")
                with self.assertRaises((ssl.SSLError, OSError)):
                    raw = peers.connect(self.port)
                    with context.wrap_socket(raw, server_hostname="localhost", session=session, suppress_ragged_eofs=False) as connection:
                        self.assertNotEqual(200, self.ask(connection))
                        raise OSError


if __name__ == "__main__":
    harness.main()
