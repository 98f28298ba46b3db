# SPDX-License-Identifier: Apache-2.0
"""What must not be held back: server-sent events, long polls and uploads over every pair of versions."""
import base64
import contextlib
import os
import threading

import h2case
import h2frames as h2
import harness
import peers
from h2frames import END_HEADERS, data, headers
from harness import free_port
from test_websocket import accept_of

OPEN = END_HEADERS
STEP_S = 5


class Reader:
    """A client of HTTP/1.1 that reads a body in chunks while it comes."""

    def __init__(self, case, port, start):
        self.connection = peers.connect(port, STEP_S)
        case.addCleanup(self.connection.close)
        self.connection.sendall(start)
        self.data = b""

    def until(self, mark):
        while mark not in self.data:
            piece = self.connection.recv(65536)
            if not piece:
                return False
            self.data += piece
        return True

    def send(self, content):
        self.connection.sendall(b"%x\r\n%s\r\n" % (len(content), content))

    def finish(self):
        self.connection.sendall(b"0\r\n\r\n")


class Streams:
    """The same over HTTP/2."""

    def __init__(self, case, port, fields, flags):
        self.end = case.client(port)
        self.end.send(headers(1, fields, flags))

    @property
    def data(self):
        return self.end.stream(1).body

    def until(self, mark):
        return self.end.until(lambda: mark in self.data, STEP_S)

    def send(self, content):
        self.end.send(data(1, content, 0))

    def finish(self):
        self.end.send(data(1))


class Case(h2case.Case):
    """Backends that send the next piece only when the test says that the one before has arrived."""

    def setUp(self):
        super().setUp()
        self.go, self.got, self.gone = threading.Semaphore(0), bytearray(), threading.Event()
        self.over = threading.Event()
        self.addCleanup(self.over.set)

    def h1_backend(self):
        def talk(server, connection):
            begun = peers.read_until(connection, b"\r\n\r\n")
            if begun.startswith(b"POST"):
                self.got += begun.split(b"\r\n\r\n", 1)[1]
                while b"0\r\n\r\n" not in self.got:
                    self.got += connection.recv(65536)
                connection.sendall(peers.reply(b"done"))
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for i in range(5):
                if not self.go.acquire(timeout=STEP_S):
                    return
                event = b"data: %d\n\n" % i
                connection.sendall(b"%x\r\n%s\r\n" % (len(event), event))
            connection.settimeout(0.05)
            try:
                while not self.over.is_set():
                    connection.sendall(b"2\r\n\n\n\r\n")  # over HTTP/1.1 a client that left is one that takes no more
                    with contextlib.suppress(TimeoutError):
                        if not connection.recv(1):
                            break
            except OSError:
                pass
            self.gone.set()
        server = peers.tls_server(self, self.context("http/1.1"), talk)
        return server.port

    def context(self, protocol):
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))
        context.set_alpn_protocols([protocol])
        return context

    def h2_backend(self):
        def talk(end):
            end.until(lambda: any(s.heads for s in end.streams.values()))
            number = next(n for n, s in end.streams.items() if s.heads)
            stream = end.stream(number)
            if stream.value(":method") == "POST":
                while not stream.ended and end.step():
                    self.got[:] = stream.body
                end.send(headers(number, [(":status", "200"), ("content-length", "4")], OPEN), data(number, b"done"))
                end.until(lambda: end.closed, 1)
                return
            end.send(headers(number, [(":status", "200"), ("content-type", "text/event-stream")], OPEN))
            for i in range(5):
                if not self.go.acquire(timeout=STEP_S):
                    return
                end.send(data(number, b"data: %d\n\n" % i, 0))
            while not self.over.is_set() and not end.until(lambda: stream.reset is not None or end.closed, 0.05):
                end.send(data(number, b"\n\n", 0))
            self.gone.set()
        return self.h2_server(talk).port

    def pairs(self):
        for behind in ("h1", "h2"):
            if h2case.INSTEAD == "nghttpx" and behind == "h1":
                continue
            for before in ("h1", "h2"):
                yield before, behind, self.far_front(getattr(self, f"{behind}_backend")())

    def reader(self, before, port, method="GET"):
        if before == "h1":
            length = b"Transfer-Encoding: chunked\r\n" if method == "POST" else b""
            return Reader(self, port, b"%s / HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (method.encode(), length))
        return Streams(self, port, h2.request(method), OPEN if method == "POST" else OPEN | h2.END_STREAM)


class Unbuffered(Case):
    def test_events_arrive_one_by_one_and_a_client_that_leaves_is_noticed(self):
        for before, behind, port in self.pairs():
            with self.subTest(f"{before} to {behind}"):
                self.gone.clear()
                reader = self.reader(before, port)
                for i in range(5):
                    self.go.release()
                    self.assertTrue(reader.until(b"data: %d\n\n" % i), f"event {i} was held back: {reader.data}")
                if before == "h1":
                    reader.connection.close()
                else:
                    reader.end.send(h2.rst(1))
                self.assertTrue(self.gone.wait(STEP_S), "the upstream still sends")
                self.assertFalse(self.over.is_set())

    def test_an_upload_arrives_while_it_is_sent(self):
        for before, behind, port in self.pairs():
            with self.subTest(f"{before} to {behind}"):
                self.got.clear()
                writer = self.reader(before, port, "POST")
                for i in range(5):
                    writer.send(b"piece %d;" % i)
                    harness.wait_for(lambda i=i: b"piece %d;" % i in self.got, f"piece {i} to arrive", STEP_S)
                writer.finish()
                self.assertTrue(writer.until(b"done"), writer.data)

    def test_one_slow_stream_does_not_hold_up_another(self):
        """A download that is not read fills its window; small requests on the same connections go on."""
        backend = free_port()
        (self.folder / "large").write_bytes(bytes(8 << 20))
        me = self.pki.server()
        self.nginx(f"""server {{ listen 127.0.0.1:{backend} ssl http2; ssl_certificate {me.pem}; ssl_certificate_key {me.key}; ssl_client_certificate {self.pki.ca("root").crt};
            ssl_verify_client on; root {self.folder}; location = /small {{ return 200 hello; }} }}""", [backend])
        end = self.client(self.far_front(backend), credits=False)
        end.send(h2.window_update(0, 1 << 28), headers(1, h2.request(path="/large")))
        self.assertTrue(end.until(lambda: len(end.stream(1).body) == 65535))
        end.next = 3
        before = self.mtlsd.rss_kb()
        for _ in range(20):
            stream = end.ask(h2.request(path="/small"), seconds=STEP_S)
            self.assertEqual((200, b"hello"), (stream.status, stream.body))
        self.assertLess(self.mtlsd.rss_kb() - before, 4 << 10 << harness.is_sanitized())
        self.assertEqual(65535, len(end.stream(1).body))
        end.send(h2.window_update(1, 1 << 28))
        self.assertTrue(end.until(lambda: end.stream(1).ended))
        self.assertEqual(8 << 20, len(end.stream(1).body))


class WebSockets(h2case.Case):
    """Over HTTP/1.1 a WebSocket is a connection after 101."""

    def h1_echo(self):
        def talk(server, connection):
            begun = peers.read_until(connection, b"\r\n\r\n")
            fields = {n.lower(): v for n, v in map(peers.field, begun[:-4].split(b"\r\n")[1:])}
            if "sec-websocket-key" not in fields or fields.get("upgrade") != "websocket":
                connection.sendall(peers.reply(b"", "400 Bad Request"))
                return
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                               + accept_of(fields["sec-websocket-key"].encode()) + b"\r\n\r\n")
            peers.pump(connection, connection)
        return peers.tls_server(self, self.context("http/1.1"), talk).port

    def context(self, protocol):
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))
        context.set_alpn_protocols([protocol])
        return context

    def over_h1(self, port):
        connection = peers.connect(port, STEP_S)
        self.addCleanup(connection.close)
        key = base64.b64encode(os.urandom(16))
        connection.sendall(b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n")
        head = peers.read_until(connection, b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "), head)
        self.assertIn(accept_of(key), head)
        for message in (b"hello", os.urandom(100000)):
            threading.Thread(target=connection.sendall, args=(message,), daemon=True).start()
            got = b""
            while len(got) < len(message):
                piece = connection.recv(65536)
                self.assertNotEqual(b"", piece, f"ended after {len(got)} bytes")
                got += piece
            self.assertEqual(message, got)

    def test_http1_to_http1(self):
        """The upstream prefers HTTP/2 for all else: for this it is offered HTTP/1.1 alone."""
        self.over_h1(self.far_front(self.h1_echo()))


del Case

if __name__ == "__main__":
    harness.main()
