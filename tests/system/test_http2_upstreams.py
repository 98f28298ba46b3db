# SPDX-License-Identifier: Apache-2.0
"""Upstreams whose HTTP/2 is wrong (rows C3, C4, C5, C6, B7): clients of both versions get a refusal or a cut answer, never a whole one, and the next request is served."""
import itertools
import threading
import time

import h2case
import h2floods
import h2frames as h2
import h2hpack
import harness
import peers
from h2frames import END_HEADERS, END_STREAM, continuation, data, frame, headers
from h2hpack import encode, indexed, literal

OK = encode([(":status", "200")])
OPEN = END_HEADERS
NO_PRIORITIES = 9  # a setting of RFC 9218
WHOLE, REFUSED, CUT = "whole", "refused", "refused or cut"


def head(*pairs, flags=OPEN | END_STREAM):
    return lambda n: headers(n, b"".join(literal(*pair) for pair in pairs), flags)


def beside(*pairs):
    return lambda n: headers(n, OK + b"".join(literal(*pair) for pair in pairs))


def then(*makes):
    """What several make, with the stream's number filled in."""
    return lambda n: b"".join(make(n) if callable(make) else make for make in makes)


def answer(length=None, body=b"hello", trailers=None, flags=END_STREAM):
    start = OK + (literal("content-length", length) if length is not None else b"")
    if trailers is None:
        return lambda n: headers(n, start, OPEN) + data(n, body, flags)
    return lambda n: headers(n, start, OPEN) + data(n, body, 0) + headers(n, trailers, OPEN | END_STREAM)


S = (":status", "200")
ANSWERS = [
    ("a good answer", answer(), WHOLE),
    ("a good answer with its length", answer("5"), WHOLE),
    ("an answer in pieces with padding", lambda n: headers(n, OK, OPEN, pad=9) + data(n, b"he", 0, pad=0) + data(n, b"llo", pad=255), WHOLE),
    ("a head in pieces", lambda n: headers(n, OK[:1], 0) + continuation(n, OK[1:]) + data(n, b"hello"), WHOLE),
    ("an end in a frame of its own", lambda n: headers(n, OK, OPEN) + data(n, b"hello", 0) + data(n), WHOLE),
    ("an end in trailers", answer(trailers=literal("x-sum", "1")), WHOLE),
    ("early hints", then(head((":status", "103"), ("link", "</a>"), flags=OPEN), answer()), WHOLE),
    ("a hundred early hints", then(*[head((":status", "103"), flags=OPEN)] * 100, answer()), None),
    ("unknown frames and pings between", then(frame(0xfa), h2.ping(), answer()), WHOLE),
    ("no :status", head(("x", "y")), REFUSED),
    ("an empty head", lambda n: headers(n, b""), REFUSED),
    ("an empty :status", head((":status", "")), REFUSED),
    (":status that is a word", head((":status", "abc")), REFUSED),
    (":status of two digits", head((":status", "99")), REFUSED),
    (":status of four digits", head((":status", "0200")), REFUSED),
    (":status with words", head((":status", "200 OK")), REFUSED),
    (":status with a line end", head((":status", "200\r\nx: y")), REFUSED),
    ("two :status", head(S, S), REFUSED),
    ("a pseudo field of requests", head(S, (":path", "/")), REFUSED),
    ("a pseudo field behind others", head(("x", "y"), S), REFUSED),
    ("101", head((":status", "101")), REFUSED),
    ("101, then an answer", then(head((":status", "101"), flags=OPEN), answer()), REFUSED),
    ("100 that ends the stream", head((":status", "100")), REFUSED),
    ("data before a head", lambda n: data(n, b"hello"), REFUSED),
    ("an upper-case name", beside(("X-Upper", "y")), REFUSED),
    ("an empty name", beside(("", "y")), REFUSED),
    ("a name with a colon", beside(("x:", "y")), REFUSED),
    ("a name with a line end", beside(("x\r\ny", "z")), REFUSED),
    ("a name of mixed case", beside(("content-Length", "5")), REFUSED),
    ("a value with a line end", beside(("x", "y\r\nset-cookie: a=b")), REFUSED),
    ("a value with NUL", beside(("x", "y\0z")), REFUSED),
    ("connection", beside(("connection", "close")), REFUSED),
    ("transfer-encoding", beside(("transfer-encoding", "chunked")), REFUSED),
    ("upgrade", beside(("upgrade", "h2c")), REFUSED),
    ("keep-alive", beside(("keep-alive", "timeout=5")), REFUSED),
    ("a length that is too short", answer("4"), CUT),
    ("a length that is too long", answer("6"), CUT),
    ("a length without a body", beside(("content-length", "5")), REFUSED),
    ("two lengths", beside(("content-length", "0"), ("content-length", "0")), REFUSED),
    ("a length that is none", answer("five"), REFUSED),
    ("a length with a sign", answer("+5"), REFUSED),
    ("trailers with :status", answer(trailers=OK), CUT),
    ("trailers with an upper-case name", answer(trailers=literal("X-Sum", "1")), CUT),
    ("trailers that do not end the stream", lambda n: headers(n, OK, OPEN) + data(n, b"hello", 0) + headers(n, literal("x", "y"), OPEN), CUT),
    ("trailers with a path", answer(trailers=literal(":path", "/")), CUT),
    ("200 cookie crumbs", beside(*[("cookie", f"a{i}=b") for i in range(200)]), None),
    ("20,000 cookie crumbs", lambda n: headers(n, OK + literal("cookie", "a=b", 0x40) + indexed(62) * 10000, 0) + continuation(n, indexed(62) * 10000), REFUSED),
    ("300 fields", beside(*[(f"x{i}", "b") for i in range(300)]), REFUSED),
    ("a header bomb", lambda n: headers(n, OK + literal("x", "y" * 4000, 0x40) + indexed(62) * 8000), REFUSED),
    ("2,000 CONTINUATION frames", lambda n: headers(n, OK, END_STREAM) + continuation(n, b"", 0) * 2000 + continuation(n, b""), REFUSED),
    ("a push", lambda n: frame(h2.PUSH_PROMISE, OPEN, n, b"\0\0\0\2" + encode(h2.request())), REFUSED),
    ("a head on another stream", lambda n: headers(n + 2, OK), REFUSED),
    ("a head on stream 0", lambda n: headers(0, OK), REFUSED),
    ("data on stream 0", lambda n: data(0, b"x"), REFUSED),
    ("a head broken in its compression", lambda n: headers(n, OK + b"\x80"), REFUSED),
    ("a table beyond what was allowed", lambda n: headers(n, h2hpack.table_size(1 << 20) + OK), REFUSED),
    ("a frame that is too long", lambda n: frame(h2.DATA, 0, n, bytes(1 << 17)), REFUSED),
    ("bad settings", lambda n: h2.settings((h2.INITIAL_WINDOW_SIZE, 1 << 31)), REFUSED),
    ("push turned on by a server", lambda n: h2.settings((h2.ENABLE_PUSH, 1)), REFUSED),
    ("a PING of 7 bytes", lambda n: frame(h2.PING, 0, 0, b"1234567"), REFUSED),
    ("a window that overflows", lambda n: h2.window_update(0, 0x7fffffff), REFUSED),
    ("a window of the stream that overflows", lambda n: h2.window_update(n, 0x7fffffff), REFUSED),
    ("a window that grows by nothing", lambda n: h2.window_update(0, 0), REFUSED),
    ("a window of the stream that grows by nothing", lambda n: h2.window_update(n, 0), REFUSED),
    ("a window that overflows by settings", lambda n: h2.window_update(n, 0x7fffffff - 65535) + h2.settings((h2.INITIAL_WINDOW_SIZE, 65536)), REFUSED),
    ("priority loops", then(h2.priority(1, 3), h2.priority(3, 5), h2.priority(5, 1), answer()), WHOLE),
    ("a priority of itself", then(lambda n: h2.priority(n, n), answer()), None),
    ("PRIORITY of 4 bytes", lambda n: frame(h2.PRIORITY, 0, n, bytes(4)), REFUSED),
    ("SETTINGS on a stream", lambda n: frame(h2.SETTINGS, 0, n), REFUSED),
    ("SETTINGS of 5 bytes", lambda n: frame(h2.SETTINGS, 0, 0, b"\0\3\0\0\0"), REFUSED),
    ("a PING on a stream", lambda n: frame(h2.PING, 0, n, b"12345678"), REFUSED),
    ("GOAWAY on a stream", lambda n: frame(h2.GOAWAY, 0, n, bytes(8)), REFUSED),
    ("GOAWAY of 7 bytes", lambda n: frame(h2.GOAWAY, 0, 0, bytes(7)), REFUSED),
    ("a reset of stream 0", lambda n: h2.rst(0), REFUSED),
    ("a reset of 3 bytes", lambda n: frame(h2.RST_STREAM, 0, n, b"abc"), REFUSED),
    ("a reset of an idle stream", lambda n: h2.rst(n + 2), REFUSED),
    ("data on an idle stream", lambda n: data(n + 2, b"x"), REFUSED),
    ("a head on an even stream", lambda n: headers(n + 1, OK), REFUSED),
    ("CONTINUATION of nothing", lambda n: continuation(n, OK), REFUSED),
    ("CONTINUATION of another stream", lambda n: headers(n, OK, END_STREAM) + continuation(n + 2, b""), REFUSED),
    ("a PING inside a head", lambda n: headers(n, OK, END_STREAM) + h2.ping() + continuation(n, b""), REFUSED),
    ("padding longer than a head", lambda n: frame(h2.HEADERS, OPEN | END_STREAM | h2.PADDED, n, b"\xff" + OK), REFUSED),
    ("a GOAWAY that leaves the request out, and its answer", then(h2.goaway(0), answer()), REFUSED),
    ("padding longer than data", lambda n: headers(n, OK, OPEN) + frame(h2.DATA, h2.PADDED | END_STREAM, n, b"\x06hello"), CUT),
    ("HTTP/1.1 in place of frames", lambda n: peers.reply(b"hello"), REFUSED),
    ("a reset before the head", h2.rst, REFUSED),
    ("a reset that says all is well", lambda n: h2.rst(n, h2.NO_ERROR), REFUSED),
    ("a reset in the body", lambda n: headers(n, OK, OPEN) + data(n, b"hello", 0) + h2.rst(n, h2.INTERNAL_ERROR), CUT),
    ("a reset in the body that says all is well", lambda n: headers(n, OK, OPEN) + data(n, b"hello", 0) + h2.rst(n, h2.NO_ERROR), CUT),
    ("a GOAWAY in the body, and the end of the connection", lambda n: headers(n, OK, OPEN) + data(n, b"hello", 0) + h2.goaway(n), CUT),
    ("a GOAWAY, and the rest of the answer", then(h2.goaway(0x7fffffff), answer()), WHOLE),
    ("a reset behind the answer", then(answer(), lambda n: h2.rst(n, h2.NO_ERROR)), WHOLE),
    ("a second answer", then(answer(), answer()), WHOLE),
    ("data behind the answer", then(answer(), lambda n: data(n, b"more")), WHOLE),
    ("HEADERS behind the answer", then(answer(), lambda n: headers(n, OK)), WHOLE),
]


class Final:
    """A connection whose interim answers are left out."""

    def __init__(self, connection):
        self.connection, self.data = connection, None

    def recv(self, size):
        if self.data is not None:
            return self.connection.recv(size)
        self.data = b""
        while (piece := self.connection.recv(size)):
            self.data += piece
            while b"\r\n\r\n" in self.data and self.data.startswith(b"HTTP/1.1 1"):
                self.data = self.data.split(b"\r\n\r\n", 1)[1]
            if b"\r\n\r\n" in self.data:
                break
        return self.data


class Case(h2case.Case):
    """An upstream that answers as self.make says, and ends the connection; later ones get a good answer once self.healthy is set."""

    def setUp(self):
        super().setUp()
        self.make, self.healthy, self.keeps, self.asked = answer(), True, False, 0
        server = self.h2_server(self.talk)
        self.port = self.far_front(server.port)

    def talk(self, end):
        while end.until(lambda: any(s.heads for s in end.streams.values())):
            number = next(n for n, s in end.streams.items() if s.heads)
            end.until(lambda: end.stream(number).is_over)
            self.asked += 1
            ends = not self.healthy and not self.keeps
            if not end.send((answer() if self.healthy else self.make)(number)):
                return
            end.streams.clear()
            if ends:
                end.until(lambda: False, 0.05)
                return

    def by_http1(self):
        with peers.connect(self.port) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi")
            reader = Final(connection)
            status, _, body, complete = peers.response(reader)
        return status, body, complete

    def by_http2(self):
        end = self.client(self.port)
        stream = end.ask(h2.request("POST"), b"hi")
        end.close()
        return stream.status or 0, stream.body, stream.ended and stream.reset is None

    def check(self, status, body, complete, expected):
        if expected == WHOLE:
            self.assertEqual((200, b"hello", True), (status, body, complete))
        elif expected == REFUSED:
            self.assertTrue(status == 502 and complete, (status, body, complete))
        elif expected == CUT:
            self.assertTrue(status == 502 or not complete, (status, body, complete))
            self.assertIn(status, (0, 200, 502))


class Answers(Case):
    def run_over(self, ask):
        for why, make, expected in ANSWERS:
            with self.subTest(why):
                self.make, self.healthy, self.keeps = make, False, expected == WHOLE
                self.check(*ask(), expected)
                self.healthy = True
                harness.wait_for(lambda: ask() == (200, b"hello", True), "a good answer afterwards")

    def test_C5_answers_to_http1(self):
        self.run_over(self.by_http1)

    def test_C5_answers_to_http2(self):
        self.run_over(self.by_http2)


    def ask_in_turn(self, i):
        return self.by_http2() if i % 2 else self.by_http1()

    def test_C5_a_head_may_be_split_anywhere(self):
        block = OK + literal("x-split", "yes")
        self.healthy, self.keeps = False, True
        for i in range(len(block) + 1):
            self.make = lambda n, i=i: headers(n, block[:i], 0) + continuation(n, block[i:]) + data(n, b"hello")
            self.check(*self.ask_in_turn(i), WHOLE)

    def test_C5_settings_of_every_value(self):
        self.keeps = False
        for name in range(0, 11):
            for i, value in enumerate((0, 1, 16384, 0xffffff, 0x7fffffff, 0xffffffff)):
                if name in (h2.ENABLE_CONNECT_PROTOCOL, NO_PRIORITIES) and value > 1:
                    continue  # either is right
                self.make = lambda n, name=name, value=value: h2.settings((name, value)) + answer()(n)
                valid = {h2.ENABLE_PUSH: value == 0, h2.INITIAL_WINDOW_SIZE: value < 1 << 31, h2.MAX_FRAME_SIZE: 16384 <= value <= 0xffffff}.get(name, True)
                with self.subTest(f"setting {name} of {value}"):
                    self.healthy = False
                    self.check(*self.ask_in_turn(i), WHOLE if valid else REFUSED)
                    self.healthy = True
                    harness.wait_for(lambda: self.by_http1() == (200, b"hello", True), "a good answer afterwards")


class Ends(Case):
    def test_B7_an_end_at_any_byte_of_an_answer_is_no_answer(self):
        """A connection that ends with or without TLS's goodbye: half an answer is none, whatever bytes have come."""
        whole = answer("5")(1)
        for n in (0, 1, 8, 9, 12, len(whole) - 15, len(whole) - 14, len(whole) - 5, len(whole) - 1):
            self.make, self.healthy = (lambda number, n=n: whole[:n]), False
            for ask in (self.by_http1, self.by_http2):
                status, body, complete = ask()
                self.assertTrue(status == 502 or not complete, (n, status, body, complete))

    def test_refused_streams_are_asked_again_and_others_are_not(self):
        """REFUSED_STREAM, and a GOAWAY that leaves the stream out, say that nothing was done: the request goes again, a POST too (row C10)."""
        rows = ((lambda n: h2.rst(n, h2.REFUSED_STREAM), 2), (lambda n: h2.goaway(0), 2), (lambda n: h2.rst(n, h2.INTERNAL_ERROR), 1), (h2.goaway, 1))
        for make, times in rows:
            self.asked, self.keeps, tries = 0, make != h2.goaway, itertools.count()
            self.healthy, self.make = False, lambda n, make=make, tries=tries: make(n) if next(tries) == 0 else answer()(n)
            status, _, _ = self.by_http1()
            self.assertEqual((200 if times == 2 else 502, times), (status, self.asked))


class Floods(h2case.Case):
    """Row C6, from the other side: an upstream that floods in place of an answer."""

    def test_C6_floods_of_an_upstream(self):
        floods = {
            "ping": lambda n: h2.ping(), "settings": lambda n: h2.settings(), "unknown frames": lambda n: frame(0xfa),
            "empty data": lambda n: data(n, b"", 0), "padded empty data": lambda n: data(n, b"", 0, pad=0), "window updates": lambda n: h2.window_update(0, 1),
            "priority": lambda n: h2.priority(n, n + 2), "early hints": lambda n: headers(n, encode([(":status", "103")]), OPEN),
            "endless continuation": lambda n: continuation(n, literal("x-endless", "y" * 100), 0), "empty continuation": lambda n: continuation(n, b"", 0),
        }
        first = {"empty data": lambda n: headers(n, OK, OPEN), "padded empty data": lambda n: headers(n, OK, OPEN),
                 "endless continuation": lambda n: headers(n, OK, 0), "empty continuation": lambda n: headers(n, OK, 0)}
        self.name, self.cut = "", threading.Event()

        def talk(end):
            while end.until(lambda: any(s.heads for s in end.streams.values())):
                number, name = max(end.streams), self.name
                end.streams.clear()
                if not name:
                    end.send(answer()(number))
                    continue
                if name in first:
                    end.send(first[name](number))
                if h2.flood(end, h2floods.many(floods[name](number)), 10)[1]:
                    self.cut.set()
                return

        server = self.h2_server(talk)
        port = self.far_front(server.port)
        for name in floods:
            with self.subTest(name):
                self.cut.clear()
                self.name, before, began = name, self.mtlsd.rss_kb(), time.monotonic()
                end = self.client(port)
                stream = end.ask(seconds=8)
                self.assertTrue(stream.reset is not None or stream.status == 502, stream)
                self.assertTrue(self.cut.wait(5), "the upstream was not cut off")
                self.assertLess(time.monotonic() - began, harness.busy(8))
                self.assertLess(self.mtlsd.rss_kb() - before, 16 << 10 << harness.is_sanitized())
                end.close()
                self.name = ""
                harness.wait_for(lambda: self.client(port).ask().status == 200, "a good answer afterwards")


del Case

if __name__ == "__main__":
    harness.main()
