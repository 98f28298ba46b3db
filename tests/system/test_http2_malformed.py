# SPDX-License-Identifier: Apache-2.0
"""Clients whose HTTP/2 is wrong, frame by frame (rows C1, C3, C5, C9, C11): what is refused never reaches the backend, and what is right does."""
import signal
import threading
import unittest

import h2case
import h2frames as h2
import h2hpack
import harness
import peers
from h2frames import END_HEADERS, END_STREAM, continuation, data, frame, headers, request
from h2hpack import indexed, literal

SERVED, REFUSED, EITHER = "served", "refused", "refused, or the whole connection"
NO_PRIORITIES = 9  # a setting of RFC 9218
MAY_LIVE = True  # a connection where no request comes of it
GET = h2hpack.encode(request(path="/bad"))
POST = h2hpack.encode(request("POST", "/bad"))
TRAILERS = END_HEADERS | END_STREAM


def fields(*pairs):
    return headers(1, h2hpack.encode(pairs))


def beside(*pairs):
    """A GET with these fields more."""
    return headers(1, GET + b"".join(literal(*pair) for pair in pairs))


def post(*pairs, body=b"hello", trailers=None):
    start = headers(1, POST + b"".join(literal(*pair) for pair in pairs), END_HEADERS)
    if trailers is None:
        return start + data(1, body)
    return start + data(1, body, 0) + headers(1, b"".join(literal(*pair) for pair in trailers), TRAILERS)


M, S, A, P = (":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/bad")
REQUESTS = [
    ("a good request", fields(M, S, A, P), SERVED),
    ("pseudo fields in another order", fields(P, A, M, S), SERVED),
    ("host in place of :authority", fields(M, S, P, ("host", "localhost")), SERVED),
    ("host and :authority that are the same", beside(("host", "localhost")), SERVED),
    ("host that differs from :authority", beside(("host", "elsewhere")), REFUSED),
    ("two hosts", fields(M, S, P, ("host", "localhost"), ("host", "localhost")), REFUSED),
    ("neither host nor :authority", fields(M, S, P), REFUSED),
    ("an empty :authority", fields(M, S, (":authority", ""), P), REFUSED),
    ("a user in :authority", fields(M, S, (":authority", "me@localhost"), P), REFUSED),
    ("a space in :authority", fields(M, S, (":authority", "local host"), P), REFUSED),
    ("a path in :authority", fields(M, S, (":authority", "localhost/x"), P), REFUSED),
    ("no :method", fields(S, A, P), REFUSED),
    ("no :scheme", fields(M, A, P), REFUSED),
    ("no :path", fields(M, S, A), REFUSED),
    ("an empty :path", fields(M, S, A, (":path", "")), REFUSED),
    ("a :path without a slash", fields(M, S, A, (":path", "bad")), REFUSED),
    ("an absolute :path", fields(M, S, A, (":path", "http://localhost/bad")), REFUSED),
    ("an asterisk with GET", fields(M, S, A, (":path", "*")), REFUSED),
    ("a space in :path", fields(M, S, A, (":path", "/bad x")), REFUSED),
    ("a line end in :path", fields(M, S, A, (":path", "/bad HTTP/1.1\r\nX: y")), REFUSED),
    ("a fragment in :path", fields(M, S, A, (":path", "/bad#x")), REFUSED),
    ("a byte beyond ASCII in :path", fields(M, S, A, (":path", b"/bad\xff")), EITHER),
    ("bad percent encoding in :path", fields(M, S, A, (":path", "/bad%zz")), REFUSED),
    ("two :method", fields(M, M, S, A, P), REFUSED),
    ("two :path", fields(M, S, A, P, P), REFUSED),
    ("two :scheme", fields(M, S, S, A, P), REFUSED),
    ("two :authority", fields(M, S, A, A, P), REFUSED),
    ("an unknown pseudo field", fields(M, S, A, P, (":protocols", "x")), REFUSED),
    (":protocol without CONNECT", fields(M, S, A, P, (":protocol", "websocket")), REFUSED),
    (":status in a request", fields(M, S, A, P, (":status", "200")), REFUSED),
    ("a pseudo field behind others", fields(M, S, A, ("x", "y"), P), REFUSED),
    ("a :method that is no token", fields((":method", "G T"), S, A, P), REFUSED),
    ("a :method with a line end", fields((":method", "GET / HTTP/1.1\r\nX: y\r\n\r\nGET"), S, A, P), REFUSED),
    ("an empty :method", fields((":method", ""), S, A, P), REFUSED),
    ("TRACE", fields((":method", "TRACE"), S, A, P), REFUSED),
    ("CONNECT", fields((":method", "CONNECT"), (":authority", "localhost:443")), REFUSED),
    ("CONNECT with a path", fields((":method", "CONNECT"), S, A, P), REFUSED),
    ("an upper-case name", beside(("X-Upper", "y")), REFUSED),
    ("a name of mixed case", beside(("content-Length", "0")), REFUSED),
    ("an empty name", beside(("", "y")), REFUSED),
    ("a name with a space", beside(("x y", "z")), REFUSED),
    ("a name with a colon", beside(("x:", "z")), REFUSED),
    ("a name with a line end", beside(("x\r\ny", "z")), REFUSED),
    ("a name with a NUL", beside(("x\0", "z")), REFUSED),
    ("a name beyond ASCII", beside((b"x\xe4", "z")), REFUSED),
    ("a value with a line end", beside(("x", "y\r\nz: 1")), REFUSED),
    ("a value with CR", beside(("x", "y\rz")), REFUSED),
    ("a value with LF", beside(("x", "y\nz")), REFUSED),
    ("a value with NUL", beside(("x", "y\0z")), REFUSED),
    ("a value with DEL", beside(("x", "y\x7fz")), EITHER),
    ("an empty value", beside(("x", "")), SERVED),
    ("a value beyond ASCII", beside(("x", b"\xc3\xa4")), SERVED),
    ("connection", beside(("connection", "close")), REFUSED),
    ("connection that names a field", beside(("connection", "x-role"), ("x-role", "admin")), REFUSED),
    ("keep-alive", beside(("keep-alive", "timeout=5")), REFUSED),
    ("proxy-connection", beside(("proxy-connection", "keep-alive")), REFUSED),
    ("upgrade", beside(("upgrade", "websocket")), REFUSED),
    ("transfer-encoding", post(("transfer-encoding", "chunked"), body=b"0\r\n\r\nGET /bad HTTP/1.1\r\n\r\n"), REFUSED),
    ("te with a coding", beside(("te", "gzip")), REFUSED),
    ("te with trailers", beside(("te", "trailers")), SERVED),
    ("content-length that is true", post(("content-length", "5")), SERVED),
    ("content-length that is too short", post(("content-length", "4")), REFUSED),
    ("content-length that is too long", post(("content-length", "6")), REFUSED),
    ("content-length without a body", beside(("content-length", "5")), REFUSED),
    ("content-length 0 with a body", post(("content-length", "0")), REFUSED),
    ("two content-lengths", post(("content-length", "5"), ("content-length", "5")), REFUSED),
    ("a list of content-lengths", post(("content-length", "5, 5")), REFUSED),
    ("content-length with a sign", post(("content-length", "+5")), REFUSED),
    ("content-length in hex", post(("content-length", "0x5")), REFUSED),
    ("content-length beyond 64 bits", post(("content-length", "18446744073709551621")), REFUSED),
    ("an empty content-length", post(("content-length", "")), REFUSED),
    ("trailers", post(trailers=[("x-sum", "1")]), SERVED),
    ("trailers with a pseudo field", post(trailers=[(":path", "/other")]), REFUSED),
    ("trailers with :status", post(trailers=[(":status", "200")]), REFUSED),
    ("trailers with an upper-case name", post(trailers=[("X-Sum", "1")]), REFUSED),
    ("trailers with connection", post(trailers=[("connection", "close")]), EITHER),
    ("trailers that do not end the stream", headers(1, POST, END_HEADERS) + headers(1, literal("x", "y"), END_HEADERS), EITHER),
    ("a second request on a stream", headers(1, POST, END_HEADERS) + headers(1, GET, END_HEADERS), EITHER),
    ("20 cookie crumbs", beside(*[("cookie", f"a{i}=b") for i in range(20)]), SERVED),
    ("200 cookie crumbs", beside(*[("cookie", f"a{i}=b") for i in range(200)]), REFUSED),
    ("300 fields", beside(*[(f"x{i}", "b") for i in range(300)]), REFUSED),
    ("a field of 100 KB in CONTINUATION frames", headers(1, GET, END_STREAM) + continuation(1, literal("x", "y" * 16000), 0) * 6 + continuation(1, b""), EITHER),
    ("priority of itself, which RFC 9113 no longer forbids", headers(1, GET, depends=1), None),
    ("priority of another", headers(1, GET, depends=3), SERVED),
    ("priority loops", h2.priority(1, 3) + h2.priority(3, 5) + h2.priority(5, 1) + beside(), SERVED),
    ("padding of 0", headers(1, GET, pad=0), SERVED),
    ("padding of 255", headers(1, GET, pad=255), SERVED),
    ("padded data", headers(1, POST + literal("content-length", "5"), END_HEADERS) + data(1, b"hello", pad=200), SERVED),
    ("unknown frames", frame(0xfa, 0xff, 1, b"x") + beside() + frame(0xfb, 0, 0, b""), SERVED),
    ("an unknown setting", h2.settings((0xffff, 1)) + beside(), SERVED),
    ("flags that have no meaning", headers(1, GET, END_HEADERS | END_STREAM | 0x52), SERVED),
    ("a reserved bit", frame(h2.HEADERS, END_HEADERS | END_STREAM, 1 << 31 | 1, GET), SERVED),
    ("Huffman's code", headers(1, h2hpack.encode(request(path="/bad"), coded=True)), SERVED),
    ("a table of no bytes", headers(1, h2hpack.table_size(0) + GET), SERVED),
    ("a field by the table", headers(1, GET + literal("x-a", "b", 0x40) + indexed(62)), SERVED),
    ("data after the end", headers(1, GET) + data(1, b"x"), None),
    ("a request after the end", headers(1, GET) + headers(1, GET), None),
    ("a request that is reset at once", headers(1, POST, END_HEADERS) + h2.rst(1), None),
    ("a window that overflows", headers(1, POST, END_HEADERS) + h2.window_update(1, 0x7fffffff), REFUSED),
    ("a window that grows by nothing", headers(1, POST, END_HEADERS) + h2.window_update(1, 0), EITHER),
]

CONNECTIONS = [
    ("a request on stream 0", headers(0, GET)),
    ("a request on an even stream", headers(2, GET)),
    ("a request on an older stream", headers(5, h2hpack.encode(request(path="/good"))) + headers(3, GET), MAY_LIVE),
    ("data on stream 0", data(0, b"x")),
    ("data on an idle stream", data(1, b"x")),
    ("a window update of an idle stream", h2.window_update(1, 1)),
    ("a reset of an idle stream", h2.rst(1)),
    ("a reset of stream 0", h2.rst(0)),
    ("a reset of 3 bytes", headers(1, POST, END_HEADERS) + frame(h2.RST_STREAM, 0, 1, b"abc")),
    ("CONTINUATION without HEADERS", continuation(1, GET)),
    ("CONTINUATION behind the end of a head", headers(1, POST, END_HEADERS) + continuation(1, literal("x", "y"))),
    ("CONTINUATION of another stream", headers(1, GET, END_STREAM) + continuation(3, b"")),
    ("a PING inside a head", headers(1, GET, END_STREAM) + h2.ping() + continuation(1, b"")),
    ("an unknown frame inside a head", headers(1, GET, END_STREAM) + frame(0xfa, 0, 1) + continuation(1, b"")),
    ("a frame that is too long", frame(h2.DATA, 0, 1, bytes(16385))),
    ("a frame that says so", frame(0xfa, 0, 0, b"", length=0xffffff) + bytes(1 << 16)),
    ("padding longer than a head", frame(h2.HEADERS, END_HEADERS | END_STREAM | h2.PADDED, 1, b"\xff" + GET)),
    ("padding longer than data", headers(1, POST, END_HEADERS) + frame(h2.DATA, h2.PADDED, 1, b"\x06hello")),
    ("padded data without a length", headers(1, POST, END_HEADERS) + frame(h2.DATA, h2.PADDED, 1)),
    ("a priority without its bytes", frame(h2.HEADERS, END_HEADERS | END_STREAM | h2.HAS_PRIORITY, 1, b"abc")),
    ("PRIORITY on stream 0", h2.priority(0, 1)),
    ("SETTINGS on a stream", frame(h2.SETTINGS, 0, 1)),
    ("SETTINGS of 5 bytes", frame(h2.SETTINGS, 0, 0, b"\0\3\0\0\0")),
    ("an acknowledgement with settings", frame(h2.SETTINGS, h2.ACK, 0, b"\0\3\0\0\0\1")),
    ("push as 2", h2.settings((h2.ENABLE_PUSH, 2))),
    ("a window of 2^31", h2.settings((h2.INITIAL_WINDOW_SIZE, 1 << 31))),
    ("frames of less than 16384", h2.settings((h2.MAX_FRAME_SIZE, 16383))),
    ("frames of 2^24", h2.settings((h2.MAX_FRAME_SIZE, 1 << 24))),
    ("a window that overflows by settings", headers(1, POST, END_HEADERS) + h2.window_update(1, 0x7fffffff - 65535) + h2.settings((h2.INITIAL_WINDOW_SIZE, 65536)), MAY_LIVE),
    ("a window of the connection that overflows", h2.window_update(0, 0x7fffffff)),
    ("a window of the connection that grows by nothing", h2.window_update(0, 0)),
    ("a window update of 3 bytes", frame(h2.WINDOW_UPDATE, 0, 0, b"abc")),
    ("PING of 7 bytes", frame(h2.PING, 0, 0, b"1234567")),
    ("PING on a stream", frame(h2.PING, 0, 1, b"12345678")),
    ("GOAWAY on a stream", frame(h2.GOAWAY, 0, 1, bytes(8))),
    ("GOAWAY of 7 bytes", frame(h2.GOAWAY, 0, 0, bytes(7))),
    ("a push from a client", frame(h2.PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + GET)),
    ("index 0", headers(1, GET + b"\x80")),
    ("an index that is not there", headers(1, GET + indexed(70))),
    ("an index without an end", headers(1, GET + b"\xff" + b"\xff" * 20)),
    ("a string beyond the block", headers(1, GET + b"\0\x05ab")),
    ("a bad end of Huffman's code", headers(1, GET + b"\0\x01x\x81\x00")),
    ("the end of Huffman's code inside a string", headers(1, GET + b"\0\x01x\x84\xff\xff\xff\xff")),
    ("a table beyond what was allowed", headers(1, h2hpack.table_size(1 << 20) + GET)),
    ("a table's size behind a field", headers(1, GET + h2hpack.table_size(0))),
    ("half a block", headers(1, GET + b"\0")),
    ("2,000 CONTINUATION frames", headers(1, GET, END_STREAM) + continuation(1, b"", 0) * 2000 + continuation(1, b"")),
]


class Case(h2case.Case):
    def setUp(self):
        super().setUp()
        self.backend = peers.Backend(self)
        self.port = self.plain_front(self.backend.port)

    def seen(self):
        return [r for r in self.backend.requests if r.target.startswith("/bad")]

    def assert_served(self, end):
        stream = end.stream(1)
        self.assertTrue(end.until(lambda: stream.is_over), f"no answer: {end.frames}")
        self.assertEqual((200, None), (stream.status, stream.reset), end.frames)
        self.assertEqual(1, len(self.seen()))

    def assert_refused(self, end, or_fatal):
        stream = end.stream(1)
        self.assertTrue(end.until(lambda: stream.is_over or end.goaway is not None or end.closed), f"no answer: {end.frames}")
        self.assertTrue(stream.status is None or 400 <= stream.status < 600, stream)
        self.assertEqual([], [r.head for r in self.seen()])
        if or_fatal and (end.goaway is not None or end.closed):
            return
        self.assertIsNone(end.goaway, f"the connection was ended: {end.frames}")
        self.assertEqual(200, end.ask(request(path="/good")).status, "the next request on the connection")

    def assert_fatal(self, end):
        self.assertTrue(end.until(lambda: end.closed), f"still there: {end.frames}")
        self.assertNotIn(end.goaway, (None, h2.NO_ERROR), f"closed without a GOAWAY that says why: {end.frames}")


class Requests(Case):
    def test_C5_requests(self):
        for why, sent, expected in REQUESTS:
            with self.subTest(why):
                self.backend.requests.clear()
                end = self.client(self.port)
                end.next = 11
                end.send(sent)
                if expected == SERVED:
                    self.assert_served(end)
                elif expected:
                    self.assert_refused(end, expected == EITHER)
                else:
                    end.until(lambda end=end: end.stream(1).is_over, 0.2)
                    self.assertTrue(end.is_alive() or end.goaway is not None)
                    self.assertLessEqual(len(self.seen()), 1)
                end.close()
        self.assertEqual([], self.backend.malformed)

    def test_C5_connections(self):
        for why, sent, *may_live in CONNECTIONS:
            with self.subTest(why):
                self.backend.requests.clear()
                end = self.client(self.port)
                end.send(sent)
                if not may_live or not end.is_alive():
                    self.assert_fatal(end)
                self.assertEqual([], [r.head for r in self.seen() if r.method == "GET"])
                end.close()
        self.assertEqual([], self.backend.malformed)
        self.assertEqual(200, self.client(self.port).ask().status)

    def test_C5_a_head_may_be_split_anywhere(self):
        block = GET + literal("x-split", "yes")
        end = self.client(self.port)
        for i in range(len(block) + 1):
            number = 2 * i + 1
            end.send(headers(number, block[:i], END_STREAM), continuation(number, block[i:]))
            end.until(lambda: end.stream(number).is_over)
            self.assertEqual(200, end.stream(number).status, f"split at {i}: {end.frames}")
        self.assertEqual({"yes"}, {r.values("x-split")[0] for r in self.seen()})

    def test_C5_every_byte_may_come_alone(self):
        connection = peers.connect(self.port)
        self.addCleanup(connection.close)
        for byte in h2.PREFACE + h2.settings() + headers(1, POST, END_HEADERS, pad=3) + data(1, b"hello", pad=2):
            connection.sendall(bytes([byte]))
        end = h2.End.__new__(h2.End)
        end.__dict__.update(connection=connection, server=False, answers=False, credits=False, buffer=bytearray(), streams={}, frames=[], settings=None, goaway=None,
                            closed=False, decoder=h2hpack.Decoder(), block=b"", next=3)
        self.assert_served(end)
        self.assertEqual(b"hello", self.seen()[0].body)

    def test_C5_settings_of_every_value(self):
        for name in range(0, 11):
            for value in (0, 1, 100, 16384, 65535, 0xffffff, 0x7fffffff, 0xffffffff):
                end = self.client(self.port, (name, value))
                stream = end.ask(seconds=0.5) if (name, value) == (h2.INITIAL_WINDOW_SIZE, 0) else end.ask()
                served = stream.status == 200
                if name == h2.MAX_HEADER_LIST_SIZE and value <= 100:
                    self.assertTrue(stream.status == 502 or stream.reset is not None, f"no head is that small: {end.frames}")
                    continue
                self.assertTrue(served or end.goaway is not None or end.closed or value == 0, f"setting {name} of {value}: {end.frames}")
                if (name, value) == (h2.INITIAL_WINDOW_SIZE, 0):
                    self.assertEqual((200, b""), (stream.status, stream.body))
                    continue
                valid = {h2.ENABLE_PUSH: value < 2, h2.INITIAL_WINDOW_SIZE: value < 1 << 31, h2.MAX_FRAME_SIZE: 16384 <= value <= 0xffffff}.get(name, True)
                if name in (h2.ENABLE_CONNECT_PROTOCOL, NO_PRIORITIES) and value > 1:
                    continue  # either is right
                self.assertEqual(valid, served, f"setting {name} of {value}: {end.frames}")


class Meaning(Case):
    """What a good request turns into."""

    def sent_on(self, *pairs, path="/bad"):
        end = self.client(self.port)
        self.assertEqual(200, end.ask(request("GET", path, *pairs)).status, end.frames)
        return self.seen()[-1]

    def test_cookie_crumbs_are_joined(self):
        seen = self.sent_on(("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3"))
        self.assertEqual(["a=1; b=2; c=3"], seen.exactly("cookie"))

    def test_C1_names_of_identity_are_taken_out_in_every_spelling(self):
        spellings = ["x-ssl-client-cn", "x_ssl_client_cn", "x.ssl.client.cn", "x-ssl-client-s-dn", "ssl-client-cert", "client-cert", "x-forwarded-client-cert"]
        seen = self.sent_on(*[(name, "me") for name in spellings], ("x-mine", "1"))
        self.assertEqual(["1"], seen.exactly("x-mine"))
        for name in spellings:
            self.assertNotIn("me", seen.values(name))

    def test_C1_nor_come_they_in_trailers(self):
        end = self.client(self.port)
        end.send(headers(1, POST + literal("te", "trailers"), END_HEADERS), data(1, b"x", 0),
                 headers(1, literal("x-ssl-client-cn", "me") + literal("host", "else") + literal("content-length", "9"), TRAILERS))
        self.assertTrue(end.until(lambda: end.stream(1).is_over))
        for request_ in self.seen():
            self.assertNotRegex(request_.trailers + request_.head, b"(?i)client-cn: me|host: else|length: 9")

    def test_the_body_arrives_without_its_padding(self):
        end = self.client(self.port)
        end.send(headers(1, POST + literal("content-length", "10"), END_HEADERS), *[data(1, b"a", 0, pad=n) for n in (0, 1, 50, 255) * 2], data(1, b"bb", pad=7))
        self.assert_served(end)
        self.assertEqual(b"a" * 8 + b"bb", self.seen()[0].body)

    def test_host_is_the_authority(self):
        self.assertEqual(1, len(self.sent_on().exactly("host")))


@unittest.skipIf(h2case.INSTEAD == "nginx", "nginx ends such connections")
class Flow(h2case.Case):
    """Windows: nothing is taken beyond them, and nothing is sent beyond the client's."""

    def test_C6_data_beyond_the_window_is_refused(self):
        hold = threading.Event()
        self.addCleanup(hold.set)
        backend = peers.Backend(self, before_body=lambda connection, r: hold.wait(20))
        end = self.client(self.plain_front(backend.port))
        self.assertTrue(end.is_alive())
        end.send(headers(1, POST, END_HEADERS))
        before, sent = self.mtlsd.rss_kb(), 0
        for _ in range(64 << 6):  # 64 MiB
            sent += 16384
            if not end.send(data(1, bytes(16384), 0)):
                break
        end.until(lambda: end.closed or end.stream(1).reset is not None, 5)
        self.assertTrue(end.closed or end.stream(1).reset == h2.FLOW_CONTROL_ERROR, end.frames)
        self.assertIn(end.goaway, (None, h2.FLOW_CONTROL_ERROR, h2.ENHANCE_YOUR_CALM), end.frames)
        self.assertLess(self.mtlsd.rss_kb() - before, 16 << 10 << harness.is_sanitized())

    def test_nothing_is_sent_beyond_the_clients_window(self):
        body = b"x" * 300000
        backend = peers.Backend(self, lambda r: peers.reply(body))
        end = self.client(self.plain_front(backend.port), (h2.INITIAL_WINDOW_SIZE, 10), credits=False)
        end.send(headers(1, GET))
        stream = end.stream(1)
        self.assertTrue(end.until(lambda: len(stream.body) == 10))
        self.assertTrue(end.is_alive())
        self.assertEqual(10, len(stream.body))
        end.send(h2.window_update(1, 1))
        self.assertTrue(end.until(lambda: len(stream.body) == 11))
        end.send(h2.window_update(1, 1 << 20))
        end.until(lambda: len(stream.body) > 65535, 0.3)
        self.assertEqual(65535, len(stream.body), "the window of the connection")
        end.send(h2.window_update(0, 1 << 20))
        self.assertTrue(end.until(lambda: stream.ended))
        self.assertEqual(body, stream.body)

    def test_a_window_made_negative_by_settings_stays_shut(self):
        backend = peers.Backend(self, lambda r: peers.reply(b"x" * 30000))
        end = self.client(self.plain_front(backend.port), (h2.INITIAL_WINDOW_SIZE, 1000), credits=False)
        end.send(headers(1, GET))
        stream = end.stream(1)
        self.assertTrue(end.until(lambda: len(stream.body) == 1000))
        end.send(h2.settings((h2.INITIAL_WINDOW_SIZE, 0)), h2.window_update(1, 999))
        self.assertTrue(end.is_alive())
        self.assertEqual(1000, len(stream.body))
        end.send(h2.window_update(1, 2))
        self.assertTrue(end.until(lambda: len(stream.body) == 1001))
        self.assertTrue(end.is_alive())
        self.assertEqual(1001, len(stream.body))


class Going(h2case.Case):
    def test_requests_behind_a_clients_goaway_do_no_harm(self):
        backend = peers.Backend(self)
        port = self.plain_front(backend.port)
        end = self.client(port)
        end.send(h2.goaway(), headers(1, GET), headers(3, GET))
        end.until(lambda: end.closed or end.stream(3).is_over, 3)
        self.assertEqual(200, self.client(port).ask().status)

    @unittest.skipIf(h2case.INSTEAD, "this is how mtlsd drains")
    def test_draining_lets_what_runs_end_and_takes_no_more(self):
        hold = threading.Event()
        self.addCleanup(hold.set)

        def answer(r):
            hold.wait(20)
            return peers.reply(b"late")
        backend = peers.Backend(self, answer)
        end = self.client(self.plain_front(backend.port, prelude='workers = 1; drain_timeout = "15s";\n'))
        end.send(headers(1, h2hpack.encode(request(path="/first"))))
        harness.wait_for(lambda: backend.requests, "the first request")
        self.mtlsd.signal(signal.SIGTERM)
        self.assertTrue(end.until(lambda: end.goaway is not None), end.frames)
        self.assertEqual(h2.NO_ERROR, end.goaway)
        end.is_alive()
        end.send(headers(3, h2hpack.encode(request(path="/second"))))
        end.until(lambda: end.stream(3).is_over or end.closed, 0.3)
        self.assertIn(end.stream(3).reset, (None, h2.REFUSED_STREAM))
        self.assertIsNone(end.stream(3).status)
        hold.set()
        self.assertTrue(end.until(lambda: end.stream(1).ended))
        self.assertEqual((200, b"late"), (end.stream(1).status, end.stream(1).body))
        self.assertTrue(end.until(lambda: end.closed))
        self.assertEqual(["/first"], [r.target for r in backend.requests])

    def test_a_preface_that_is_none(self):
        backend = peers.Backend(self)
        port = self.plain_front(backend.port)
        for start in (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"PRI * HTTP/1.1\r\n\r\n", b"PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n", h2.PREFACE + headers(1, GET), h2.PREFACE + h2.ping()):
            connection = peers.connect(port)
            connection.sendall(start)
            _, how = peers.read_all(connection)
            self.assertNotEqual("timeout", how, start)
            connection.close()
        self.assertEqual([], backend.requests)


del Case

if __name__ == "__main__":
    harness.main()
