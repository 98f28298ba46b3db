# SPDX-License-Identifier: Apache-2.0
"""A WebSocket through injector and verifier (RFC 6455), with a short client and server of the test's own."""
import base64
import hashlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import unittest

import harness
import peers
from harness import free_port, wait_for

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
NODE_CLIENT = """
const socket = new WebSocket(process.argv[1]);
socket.onopen = () => socket.send("hello node");
socket.onmessage = event => { console.log(event.data); socket.close(); };
socket.onerror = () => process.exit(1);
"""
JAVA_CLIENT = """
import java.net.URI;
import java.net.http.*;
import java.util.concurrent.*;

public class Talk {
    public static void main(String[] args) throws Exception {
        CompletableFuture<String> echoed = new CompletableFuture<>();
        WebSocket socket = HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(URI.create(args[0]), new WebSocket.Listener() {
            public CompletionStage<?> onText(WebSocket from, CharSequence text, boolean last) {
                echoed.complete(text.toString());
                return null;
            }
        }).get(30, TimeUnit.SECONDS);
        socket.sendText("hello java", true);
        System.out.println(echoed.get(30, TimeUnit.SECONDS));
        socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get(30, TimeUnit.SECONDS);
    }
}
"""


def accept_of(key):
    return base64.b64encode(hashlib.sha1(key + MAGIC).digest())


def exactly(connection, size, data=b""):
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def send_frame(connection, opcode, payload, masked):
    size = len(payload)
    head = bytes([0x80 | opcode])
    mark = 0x80 if masked else 0
    head += bytes([mark | size]) if size < 126 else bytes([mark | 126]) + struct.pack(">H", size) if size < 65536 else \
        bytes([mark | 127]) + struct.pack(">Q", size)
    if masked:
        mask = os.urandom(4)
        head += mask
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
    connection.sendall(head + payload)


def read_frame(connection):
    first, second = exactly(connection, 2)
    size = second & 0x7F
    if size == 126:
        size = struct.unpack(">H", exactly(connection, 2))[0]
    elif size == 127:
        size = struct.unpack(">Q", exactly(connection, 8))[0]
    mask = exactly(connection, 4) if second & 0x80 else None
    payload = exactly(connection, size)
    if mask:
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
    return first & 0x0F, payload


def echo_server(case):
    """Echoes frames; keeps the heads it was sent."""
    def talk(server, connection):
        head = peers.read_until(connection, b"\r\n\r\n")
        server.record(head)
        fields = {name.lower(): value for name, value in (line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)}
        key = fields.get(b"sec-websocket-key")
        if fields.get(b"upgrade", b"").lower() != b"websocket" or key is None:
            connection.sendall(peers.reply(b"no websocket", "426 Upgrade Required"))
            return
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                           + accept_of(key) + b"\r\n\r\n")
        while True:
            opcode, payload = read_frame(connection)
            send_frame(connection, PONG if opcode == PING else opcode, payload, False)
            if opcode == CLOSE:
                return
    def wrapped(server, connection):
        try:
            talk(server, connection)
        except EOFError:
            pass
    return peers.Server(case, wrapped)


class WebSocket(harness.Case):
    def setUp(self):
        super().setUp()
        self.server = echo_server(self)
        self.outer, self.inner = free_port(), free_port()
        self.verifier_process = self.daemon(
            self.verifier_text(self.inner, self.server.port, listener='identity_headers = [ "x-ssl" ]; timeouts = { idle = "2s"; };'),
            [self.inner], name="verifier")
        self.injector_process = self.daemon(
            self.injector_text(self.outer, f"localhost:{self.inner}", listener='timeouts = { idle = "2s"; };'), [self.outer], name="injector")

    def open(self, extra=b""):
        key = base64.b64encode(os.urandom(16))
        app = peers.connect(self.outer)
        self.addCleanup(app.close)
        app.sendall(b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n" + extra + b"\r\n")
        head = b""
        while b"\r\n\r\n" not in head:  # one at a time: what follows belongs to the frames
            head += exactly(app, 1)
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "), head)
        self.assertIn(b"Sec-WebSocket-Accept: " + accept_of(key) + b"\r\n", head)
        return app

    def test_frames_of_all_sizes_come_back(self):
        app = self.open()
        for size in (0, 1, 125, 126, 65535, 65536, 300000):
            payload = os.urandom(size)
            sender = threading.Thread(target=send_frame, args=(app, BINARY, payload, True))
            sender.start()
            self.assertEqual((BINARY, payload), read_frame(app))
            sender.join()
        send_frame(app, PING, b"alive?", True)
        self.assertEqual((PONG, b"alive?"), read_frame(app))
        send_frame(app, CLOSE, b"\x03\xe8", True)
        self.assertEqual((CLOSE, b"\x03\xe8"), read_frame(app))
        self.assertEqual((b"", "eof"), peers.read_all(app))

    def test_a_length_of_0_is_no_body(self):  # Java's HttpClient sends it
        app = self.open(b"Content-Length: 0\r\n")
        send_frame(app, TEXT, b"hello", True)
        self.assertEqual((TEXT, b"hello"), read_frame(app))

    @unittest.skipUnless(shutil.which("javac"), "needs javac")
    def test_javas_own_client(self):
        folder = os.path.join(self.folder, "java")
        os.makedirs(folder)
        with open(os.path.join(folder, "Talk.java"), "w", encoding="utf-8") as source:
            source.write(JAVA_CLIENT)
        subprocess.run(["javac", "-d", folder, os.path.join(folder, "Talk.java")], check=True, timeout=120)
        done = subprocess.run(["java", "-Xshare:auto", "-cp", folder, "Talk", f"ws://127.0.0.1:{self.outer}/chat"], capture_output=True, text=True,
                              timeout=120, check=False)
        self.assertEqual(("hello java", 0), (done.stdout.strip(), done.returncode), done.stderr)

    def test_nodes_own_client(self):
        node = ["node", "--experimental-websocket", "-e"]
        if not shutil.which("node") or subprocess.run([*node, "WebSocket"], capture_output=True, check=False).returncode:
            self.skipTest("needs a node with WebSocket")
        done = subprocess.run([*node, NODE_CLIENT, f"ws://127.0.0.1:{self.outer}/chat"], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(("hello node", 0), (done.stdout.strip(), done.returncode), done.stderr)

    def test_byte_by_byte(self):
        app = self.open()
        app.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"\x81\x85\x00\x00\x00\x00hello":
            app.sendall(bytes([byte]))
        self.assertEqual((TEXT, b"hello"), read_frame(app))

    def test_the_certificate_goes_with_it_and_nothing_claimed_does(self):
        app = self.open(b"X-SSL-Client-CN: forged\r\n")
        head = bytes(self.server.received)
        self.assertIn(b"X-SSL-Client-CN: client1\r\n", head)
        self.assertNotIn(b"forged", head)
        send_frame(app, TEXT, b"x", True)
        self.assertEqual((TEXT, b"x"), read_frame(app))

    def test_it_is_one_request_in_both_logs(self):
        app = self.open()
        send_frame(app, TEXT, b"x" * 1000, True)
        read_frame(app)
        app.close()
        for process, status in ((self.injector_process, "101"), (self.verifier_process, "200")):  # the verifier was asked in HTTP/2
            wait_for(lambda p=process: "/chat" in p.log, f"the request in the log of {process.name}")
            lines = [line for line in process.log.splitlines() if "/chat" in line]
            self.assertEqual(1, len(lines), lines)
            self.assertIn(f"status={status}", lines[0])

    def test_many_at_once_and_idle_beyond_the_time_between_requests(self):
        apps = [self.open() for _ in range(20)]
        with peers.connect(self.outer) as idle:  # ends by the listener's own idle time, which is not that of a tunnel
            idle.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual("eof", peers.read_all(idle)[1])
        for i, app in enumerate(apps):
            send_frame(app, TEXT, b"%d" % i, True)
        for i, app in enumerate(apps):
            self.assertEqual((TEXT, b"%d" % i), read_frame(app))

    def test_it_outlives_a_reload_and_ends_with_the_drain(self):
        app = self.open()
        for process in (self.injector_process, self.verifier_process):
            before = process.log.count("reload")
            process.signal(signal.SIGHUP)
            wait_for(lambda p=process, n=before: p.log.count("reload") > n, f"the reload of {process.name}")
        send_frame(app, TEXT, b"still here", True)
        self.assertEqual((TEXT, b"still here"), read_frame(app))
        self.injector_process.signal(signal.SIGTERM)
        self.assertIn(peers.read_all(app)[1], ("eof", "reset"))
        self.assertEqual(1, self.injector_process.wait())  # it was cut, and that is no good end
        self.assertIn("it was still open after drain_timeout (2s)", self.injector_process.log)

    def test_without_upgrade_the_server_says_so(self):
        answer = self.curl("-H", "Upgrade: h2c", "-H", "Connection: Upgrade, HTTP2-Settings", "-H", "HTTP2-Settings: AAMAAABk",
                           f"http://127.0.0.1:{self.outer}/chat")
        self.assertEqual(426, answer.status)
        self.assertNotIn(b"h2c", bytes(self.server.received))


if __name__ == "__main__":
    harness.main()
