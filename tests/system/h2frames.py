# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 (RFC 9113) for tests, frame by frame: what a peer may send and what it must not, and one end of a connection that records what the other says."""
import contextlib
import dataclasses
import select
import ssl
import struct
import time

import h2hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS, PADDED, HAS_PRIORITY = 4, 8, 0x20
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, \
    COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM, INADEQUATE_SECURITY, HTTP_1_1_REQUIRED = range(14)
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = range(1, 7)
ENABLE_CONNECT_PROTOCOL = 8
IO_S = 10


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """A frame; length other than the payload's makes it a lie."""
    return struct.pack("!I", len(payload) if length is None else length)[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack("!HI", *pair) for pair in pairs))


def headers(stream, block, flags=END_HEADERS | END_STREAM, *, pad=None, depends=None):
    """block: fields as (name, value), or bytes. pad: so many bytes of padding. depends: a 5-byte priority on another stream."""
    payload = block if isinstance(block, bytes) else h2hpack.encode(block)
    if depends is not None:
        payload, flags = struct.pack("!IB", depends, 15) + payload, flags | HAS_PRIORITY
    if pad is not None:
        payload, flags = bytes([pad]) + payload + bytes(pad), flags | PADDED
    return frame(HEADERS, flags, stream, payload)


def continuation(stream, block, flags=END_HEADERS):
    return frame(CONTINUATION, flags, stream, block)


def data(stream, content=b"", flags=END_STREAM, *, pad=None):
    if pad is not None:
        content, flags = bytes([pad]) + content + bytes(pad), flags | PADDED
    return frame(DATA, flags, stream, content)


def body(stream, content, size=16384, end=True):
    """The frames of a whole body, or of a part of one."""
    return [data(stream, content[at:at + size], END_STREAM if end and at + size >= len(content) else 0) for at in range(0, max(len(content), 1), size)]


def rst(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack("!I", code))


def ping(content=b"12345678", flags=0):
    return frame(PING, flags, 0, content)


def goaway(last=0, code=NO_ERROR, text=b""):
    return frame(GOAWAY, 0, 0, struct.pack("!II", last, code) + text)


def window_update(stream, size):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack("!I", size))


def priority(stream, depends, weight=15):
    return frame(PRIORITY, 0, stream, struct.pack("!IB", depends, weight))


def request(method="GET", path="/", *more, authority="localhost", scheme="http"):
    """The fields of a request."""
    return [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path), *more]


@dataclasses.dataclass
class Stream:
    """What the other end said on one stream."""
    heads: list = dataclasses.field(default_factory=list)  # of fields: interim and final ones, trailers
    body: bytes = b""
    ended: bool = False
    reset: int = None

    @property
    def status(self):
        """Of the final head; None before it came."""
        found = [int(value) for head in self.heads for name, value in head if name == ":status" and value >= "200"]
        return found[0] if found else None

    def value(self, name):
        return next((v for head in self.heads for n, v in head if n == name), None)

    @property
    def is_over(self):
        return self.ended or self.reset is not None


class End:
    """One end of a connection. It acknowledges settings and pings and gives credit for what it reads, unless told otherwise."""

    def __init__(self, connection, *pairs, server=False, answers=True, credits=True):
        self.connection, self.server, self.answers, self.credits = connection, server, answers, credits
        self.buffer, self.streams, self.frames = bytearray(), {}, []
        self.settings, self.goaway, self.closed = None, None, False
        self.decoder, self.block, self.next = h2hpack.Decoder(), b"", 1
        connection.settimeout(IO_S)
        if server:
            self.began = self.exactly(len(PREFACE))
            self.send(settings(*pairs))
        else:
            self.send(PREFACE + settings(*pairs))

    def send(self, *frames):
        """False: the other end is gone."""
        try:
            self.connection.sendall(b"".join(frames))
        except (OSError, ssl.SSLError):
            return False
        return True

    def fill(self):
        try:
            piece = self.connection.recv(1 << 16)
        except (ConnectionError, ssl.SSLError):
            piece = b""
        self.closed = self.closed or not piece
        self.buffer += piece
        return bool(piece)

    def exactly(self, size):
        while len(self.buffer) < size and self.fill():
            pass
        taken, self.buffer = bytes(self.buffer[:size]), self.buffer[size:]
        return taken

    def stream(self, number):
        return self.streams.setdefault(number, Stream())

    def take(self, kind, flags, number, payload):
        """Records one frame."""
        self.frames.append((kind, flags, number, len(payload)))
        stream = self.stream(number) if number else None
        if kind in (HEADERS, CONTINUATION):
            if kind == HEADERS:
                pad, payload = (payload[0], payload[1:]) if flags & PADDED else (0, payload)
                self.block, self.ends = payload[5 if flags & HAS_PRIORITY else 0:len(payload) - pad], flags & END_STREAM
            else:
                self.block += payload
            if flags & END_HEADERS:
                stream.heads.append(self.decoder.decode(self.block))
                stream.ended = stream.ended or bool(self.ends)
        elif kind == DATA:
            pad, content = (payload[0], payload[1:]) if flags & PADDED else (0, payload)
            stream.body += content[:len(content) - pad]
            stream.ended = stream.ended or bool(flags & END_STREAM)
            if self.credits and payload:
                self.send(window_update(0, len(payload)), window_update(number, len(payload)) if not stream.ended else b"")
        elif kind == RST_STREAM:
            stream.reset = struct.unpack("!I", payload)[0]
        elif kind == GOAWAY:
            self.goaway = struct.unpack("!I", payload[4:8])[0]
        elif kind == SETTINGS and not flags & ACK:
            self.settings = dict(struct.iter_unpack("!HI", payload))
            if self.answers:
                self.send(frame(SETTINGS, ACK))
        elif kind == PING and not flags & ACK and self.answers:
            self.send(ping(payload, ACK))

    def step(self):
        """Reads one frame. False: there are no more."""
        head = self.exactly(9)
        if len(head) < 9:
            return False
        size, (kind, flags, number) = int.from_bytes(head[:3], "big"), struct.unpack("!BBI", head[3:])
        payload = self.exactly(size)
        if len(payload) < size:
            return False
        self.take(kind, flags, number & 0x7fffffff, payload)
        return True

    def until(self, question, seconds=IO_S):
        """Reads until the question is answered with yes. False: the other end fell silent, or closed."""
        deadline = time.monotonic() + seconds
        while not question():
            self.connection.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                if not self.step():
                    return bool(question())
            except TimeoutError:
                return False
        return True

    def ask(self, fields=None, body=None, seconds=IO_S):
        """One request on the next stream; gives its Stream once it is over or the connection is."""
        number, self.next = self.next, self.next + 2
        self.send(headers(number, fields or request(), END_HEADERS | (END_STREAM if body is None else 0)), data(number, body) if body is not None else b"")
        self.until(lambda: self.stream(number).is_over, seconds)
        return self.stream(number)

    def is_alive(self, seconds=IO_S):
        """It answers a PING: all that was sent before has been read."""
        mark = struct.pack("!Q", time.monotonic_ns())
        before = len([f for f in self.frames if f[0] == PING and f[1] & ACK])
        return self.send(ping(mark)) and self.until(lambda: len([f for f in self.frames if f[0] == PING and f[1] & ACK]) > before, seconds)

    def close(self):
        with contextlib.suppress(OSError):
            self.connection.close()


def flood(end, pieces, seconds, reads=True, patience=0):
    """Sends what the iterator gives, as fast as the other end takes it, and looks for a GOAWAY in what comes back, at the end so many seconds longer.
    Gives (bytes sent, whether it was cut off)."""
    connection, deadline, sent, waiting = end.connection, time.monotonic() + seconds, 0, b""
    connection.setblocking(False)
    try:
        while time.monotonic() < deadline + (patience if reads else 0):
            sends = time.monotonic() < deadline
            waiting = waiting or next(pieces)
            readable, writable, _ = select.select([connection] if reads else [], [connection] if sends else [], [], 0.05)
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                if readable:
                    piece = connection.recv(1 << 18)
                    end.buffer += piece
                    skim(end)
                    if not piece or end.goaway is not None:
                        return sent, True
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                if writable:
                    n = connection.send(waiting)
                    sent, waiting = sent + n, waiting[n:]
    except (OSError, StopIteration):
        skim_rest(end)
        return sent, True
    if not reads:
        skim_rest(end)
    return sent, end.goaway is not None


def skim(end):
    """Drops whole frames but for a GOAWAY."""
    at = 0
    while len(end.buffer) >= at + 9 and len(end.buffer) >= at + 9 + (size := int.from_bytes(end.buffer[at:at + 3], "big")):
        if end.buffer[at + 3] == GOAWAY:
            end.goaway = struct.unpack("!I", end.buffer[at + 13:at + 17])[0]
        at += 9 + size
    del end.buffer[:at]


def skim_rest(end):
    """What came and was not read."""
    with contextlib.suppress(OSError, ssl.SSLWantReadError):
        while piece := end.connection.recv(1 << 18):
            end.buffer += piece
            skim(end)
