# SPDX-License-Identifier: Apache-2.0
"""WebSocket over HTTP/2 (RFC 8441): clients with frames made by hand, and upstreams of both versions."""
import json
import shutil
import subprocess
import unittest

import chromium
import h2case
import h2frames as h2
import peers
from h2frames import END_HEADERS, data, headers
from harness import free_port
from test_websocket import CLOSE, PING, PONG, TEXT, echo_server, read_frame, send_frame


class Pipe:
    """A stream as a connection, for the frames of WebSocket."""

    def __init__(self, end, number):
        self.end, self.number, self.read = end, number, 0

    def sendall(self, content):
        self.end.send(*h2.body(self.number, content, end=False))

    def recv(self, size):
        stream = self.end.stream(self.number)
        self.end.until(lambda: len(stream.body) > self.read or stream.is_over)
        piece = stream.body[self.read:self.read + size]
        self.read += len(piece)
        return piece


def asked(*more, protocol="websocket", path="/chat", authority="localhost"):
    return [(":method", "CONNECT"), (":scheme", "http"), (":authority", authority), (":path", path), (":protocol", protocol), *more]


# A text with a mask of zeros, and what comes back for it.
NODE = """
const client = require("http2").connect(process.argv[2]);
client.once("remoteSettings", (settings) => {
  const tunnel = client.request({ ":method": "CONNECT", ":protocol": "websocket", ":path": "/chat", "sec-websocket-version": "13" });
  tunnel.on("response", (head) => { console.log(settings.enableConnectProtocol, head[":status"]); tunnel.write(Buffer.from("818500000000", "hex")); tunnel.write("hello"); });
  let all = Buffer.alloc(0);
  tunnel.on("data", (piece) => { all = Buffer.concat([all, piece]); if (all.length === 7) { console.log(all.toString("hex")); tunnel.end(); } });
  tunnel.on("close", () => { console.log("closed", tunnel.rstCode); client.close(); });
});
"""

# Two texts and what comes back for them, then the end.
PAGE = """
const got = window.got = [], socket = new WebSocket(location.href.replace("https", "wss") + "chat");
socket.onopen = () => { socket.send("hello"); socket.send("y".repeat(100000)); };
socket.onmessage = (event) => { got.push(event.data.length); if (got.length === 2) socket.close(1000); };
socket.onclose = (event) => got.push(event.code);
0
"""


class WebSockets(h2case.Case):
    def open(self, end, number=1, *more, flags=END_HEADERS, **how):
        end.send(headers(number, asked(("sec-websocket-version", "13"), *more, **how), flags))
        stream = end.stream(number)
        self.assertTrue(end.until(lambda: stream.status is not None or stream.is_over))
        return stream

    def talk(self, pipe):
        for opcode, payload, answer in ((TEXT, b"hello", TEXT), (PING, b"x", PONG), (TEXT, b"y" * 100000, TEXT), (CLOSE, b"", CLOSE)):
            send_frame(pipe, opcode, payload, True)
            self.assertEqual((answer, payload), read_frame(pipe))

    def test_a_client_of_http2_reaches_a_server_of_http1(self):
        server = echo_server(self)
        end = self.client(self.plain_front(server.port))
        stream = self.open(end, 1, ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="))
        self.assertEqual(1, end.settings.get(h2.ENABLE_CONNECT_PROTOCOL))
        self.assertEqual(200, stream.status)
        self.assertIsNone(stream.value("sec-websocket-accept"))
        self.talk(Pipe(end, 1))
        end.send(data(1))
        self.assertTrue(end.until(lambda: stream.is_over))
        self.assertTrue(stream.ended and stream.reset is None)
        head = bytes(server.received)
        self.assertTrue(head.startswith(b"GET /chat HTTP/1.1\r\n"), head)
        self.assertEqual(1, head.lower().count(b"sec-websocket-key:"))
        self.assertNotIn(b"AAAAAAAAAA", head)

    @unittest.skipUnless(shutil.which("node"), "needs node")
    def test_node_reaches_a_server_of_http1(self):
        port = self.plain_front(echo_server(self).port)
        done = subprocess.run(["node", self.write("websocket.js", NODE), f"http://localhost:{port}"], capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(["true 200", "8105" + b"hello".hex(), "closed 0"], done.stdout.splitlines(), done.stderr)

    @unittest.skipUnless(chromium.PROGRAM, "needs chromium")
    @unittest.skipIf(h2case.INSTEAD, "a verifier's own")
    def test_chromium_reaches_a_server_of_http1_inside_its_connection_of_http2(self):
        """It opens one of HTTP/1.1 where the settings of its connection do not allow a WebSocket in a stream."""
        me, port, echo, page = self.pki.server(), free_port(), echo_server(self), peers.Backend(self, lambda request: peers.reply(b"a page"))
        self.mtlsd = self.daemon(f"""
            identities = {{ me = {{ bundle = "{me.pem}"; }}; }};
            upstreams = {{ page = {{ targets = [ "127.0.0.1:{page.port}" ]; }}; chat = {{ targets = [ "127.0.0.1:{echo.port}" ]; }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{port}"; tls = {{ identity = "me"; client_cert = "none"; }};
                routes = ( {{ path = "/chat"; upstream = "chat"; }}, {{ upstream = "page"; }} ); }}; }};""", [port])
        browser = chromium.Browser(self, "--ignore-certificate-errors")
        browser.open(f"https://localhost:{port}/")
        browser.run(PAGE)
        browser.until("got.length === 3", "the end of the WebSocket")
        self.assertEqual([5, 100000, 1000], browser.run("got"))
        self.assertRegex(self.mtlsd.log, r"target=/chat protocol=HTTP/2 status=200 ")

    def test_through_injector_and_verifier_in_either_version(self):
        for protocol in ("h2", "http/1.1"):
            with self.subTest(between=protocol):
                server, outer, inner = echo_server(self), free_port(), free_port()
                self.daemon(self.verifier_text(inner, server.port), [inner], name=f"verifier-{protocol[:2]}")
                self.daemon(self.injector_text(outer, f"localhost:{inner}", tls=f'alpn = [ "{protocol}" ];'), [outer], name=f"injector-{protocol[:2]}")
                end = self.client(outer)
                self.assertEqual(200, self.open(end).status)
                self.talk(Pipe(end, 1))
                end.send(data(1))
                self.assertTrue(end.until(lambda: end.stream(1).ended))

    def test_what_is_no_websocket_is_refused(self):
        server = echo_server(self)
        end = self.client(self.plain_front(server.port))
        rows = ((501, asked(protocol="connect-udp"), END_HEADERS), (400, asked(), END_HEADERS | h2.END_STREAM),
                (None, asked(("content-length", "5")), END_HEADERS), (400, asked(path="/a/%00"), END_HEADERS),
                (403, asked(authority="evil.example"), END_HEADERS), (403, asked(("origin", "http://evil.example")), END_HEADERS))  # E1
        for number, (status, fields, flags) in enumerate(rows):
            with self.subTest(fields=fields):
                end.send(headers(2 * number + 1, fields, flags))
                self.assertTrue(end.until(lambda n=2 * number + 1: end.stream(n).is_over))
                self.assertEqual(status, end.stream(2 * number + 1).status)
                if status is not None:
                    self.assertIn("reason", json.loads(end.stream(2 * number + 1).body))
        self.assertEqual(0, server.accepted)

    def test_a_server_of_http2_that_takes_none_is_asked_in_http1(self):
        echo = echo_server(self)
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))
        context.set_alpn_protocols(["h2", "http/1.1"])
        agreed = []

        def talk(server, connection):
            agreed.append(connection.selected_alpn_protocol())
            if agreed[-1] == "h2":
                end = h2.End(connection, server=True)
                end.until(lambda: end.closed, 5)
            else:
                self.relay(connection, echo.port)
        server = peers.tls_server(self, context, talk)
        end = self.client(self.far_front(server.port))
        self.assertEqual(200, self.open(end).status)
        self.talk(Pipe(end, 1))
        self.assertEqual(["h2", "http/1.1"], agreed)

    def relay(self, connection, port):
        with peers.connect(port) as back:
            back.sendall(peers.read_until(connection, b"\r\n\r\n"))
            connection.sendall(peers.read_until(back, b"\r\n\r\n"))
            for _ in range(4):
                opcode, payload = read_frame(connection)
                send_frame(back, opcode, payload, True)
                opcode, payload = read_frame(back)
                send_frame(connection, opcode, payload, False)
