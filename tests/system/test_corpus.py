# SPDX-License-Identifier: Apache-2.0
"""C3, C9: hundreds of raw requests through both roles, with a backend that records every byte. Each request is refused or arrives with one meaning."""
import collections
import re
import unittest

import corpus
import harness
import peers
from harness import wait_for


class TlsBackend(peers.Backend):
    """The recording backend behind TLS that demands our certificate."""

    def __init__(self, case, *arguments, **options):
        self.context = peers.server_context(case.pki.server(), case.pki.ca("root"))
        super().__init__(case, *arguments, **options)
        self.handle = TlsBackend.talk_tls

    @staticmethod
    def talk_tls(self, connection):
        with self.context.wrap_socket(connection, server_side=True) as secure:
            peers.Backend.talk(self, secure)


class Corpus:
    """What both roles have in common; a role says how to reach it and what stands behind."""

    def caller(self):
        return peers.client_context(self.pki.ca("root"), self.pki.client())

    def ask(self, port, raw=b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"):
        with self.open(port) as connection:
            connection.sendall(raw)
            return peers.response(connection)

    def send(self, port, raw):
        """Gives the status of the first answer, 0 when there was none, and all that came."""
        with self.open(port, timeout=3) as connection:
            data = b""
            try:
                connection.sendall(raw)
                while b"\r\n\r\n" not in data:
                    piece = connection.recv(65536)
                    if not piece:
                        break
                    data += piece
            except OSError:
                pass
            match = re.match(rb"HTTP/1\.[01] (\d{3})", data)
            return int(match[1]) if match else 0, data

    def show(self, results):
        print(f"\n  {self.role}: class of request, sent, refused with")
        for name, statuses in results.items():
            words = ", ".join(f"{status or 'closed'} x{n}" for status, n in sorted(statuses.items()))
            print(f"    {name:28} {sum(statuses.values()):4}  {words}")
        total = sum(sum(s.values()) for s in results.values())
        print(f"    {total} raw requests, 0 ambiguous bytes arrived")

    def test_what_must_be_refused(self):
        backend, port = self.chain()
        rows = corpus.refuse()
        self.assertGreater(len(rows), 200)
        results = collections.defaultdict(collections.Counter)
        for name, raw in rows:
            with self.subTest(name):
                before = len(backend.received)
                status, data = self.send(port, raw)
                # Nothing of an earlier row may be counted for a later one: a refused request leaves no backend connection.
                wait_for(lambda: not backend.open, "the backend connection to end")
                arrived = bytes(backend.received[before:])
                # The head of a chunked request may be on its way before a later chunk turns out wrong; its end may not.
                if name.startswith("chunk"):
                    self.assertNotIn(b"smuggled", arrived)
                    self.assertNotIn(b"0\r\n\r\n", arrived)
                else:
                    self.assertEqual(b"", arrived)
                self.assertIn(status, (0, 400, 403, 413, 414, 417, 431, 501, 505) if not name.startswith("chunk") else (0, 400, 413), data[:200])
                self.assertNotIn(b" 200 OK", data)
                results[re.sub(r" \d+: .*", "", name, flags=re.S)][status] += 1
        self.assertEqual(200, self.ask(port)[0])
        self.show(results)

    def test_a_refused_request_is_answered_with_its_reason(self):
        _, port = self.chain()
        for raw, status in ((corpus.post(b"Content-Length: 5\r\nTransfer-Encoding: chunked"), 400), (corpus.with_line(b"X : y"), 400),
                            (corpus.with_line(b"X-A: " + b"b" * 70000), 431), (b"FROBNICATE / HTTP/1.1\r\nHost: x\r\n\r\n", 501)):
            with self.subTest(raw[:60]):
                self.assertEqual(status, self.send(port, raw)[0])

    def test_what_may_pass_has_one_meaning(self):
        backend, port = self.chain()
        passed = 0
        for name, raw in corpus.either():
            with self.subTest(name):
                before = len(backend.requests)
                status, data = self.send(port, raw)
                self.assertEqual([], backend.malformed)
                arrived = backend.requests[before:]
                self.assertLessEqual(len(arrived), 1)
                self.assertNotIn("/smuggled", [r.target for r in arrived])
                self.assertTrue(status or not arrived, data)
                passed += len(arrived)
                for request in arrived:
                    self.assertEqual([], request.values("http2-settings"))
                    self.assertIn([v.lower() for v in request.values("upgrade")], ([], ["websocket"]))
                    self.assertEqual(b"", b"".join(re.findall(rb"(?i)content-length|transfer-encoding|host", request.trailers)))
        print(f"\n  {self.role}: of {len(corpus.either())} odd but clear requests {passed} passed, each once and with one meaning")

    def test_body_is_not_a_second_request(self):
        """CL.0: the request inside the body stays a body."""
        backend, port = self.chain()
        status, _, _, _ = self.ask(port, b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
                                   % len(corpus.INNER) + corpus.INNER)
        self.assertEqual(200, status)
        self.assertEqual([corpus.INNER], [r.body for r in backend.requests])

    def test_unread_body_does_not_become_a_request(self):
        """C4: a backend that answers before the body came loses that connection."""
        def early(connection, request):
            connection.sendall(peers.reply(b"early"))
        backend, port = self.chain(lambda r: b"", before_body=early)
        with self.open(port) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
            self.assertEqual(200, peers.response(connection)[0])
        self.assertIn(self.ask(port)[0], (200, 502))
        self.assertNotIn("/smuggled", [r.target for r in backend.requests])


class ThroughTheVerifier(Corpus, harness.Case):
    role = "verifier"

    def open(self, port, **options):
        return peers.secure(port, self.caller(), **options)

    def chain(self, *arguments, **options):
        backend = peers.Backend(self, *arguments, **options)
        return backend, self.verifier(backend.port)


class ThroughTheInjector(Corpus, harness.Case):
    role = "injector"

    def open(self, port, **options):
        return peers.connect(port, **options)

    def chain(self, *arguments, **options):
        backend = TlsBackend(self, *arguments, **options)
        return backend, self.injector(backend.port)


if __name__ == "__main__":
    harness.main()
