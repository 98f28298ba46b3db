# SPDX-License-Identifier: Apache-2.0
"""The frames that the tests write by hand, read by programs of others: else a refusal in a test might be for another fault than the one meant."""
import os
import subprocess
import unittest

import h2frames as h2
import h2hpack
import harness
import peers
from harness import free_port


class Compression(unittest.TestCase):
    def test_reads_the_examples_of_RFC_7541(self):
        reader = h2hpack.Decoder()
        first = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")]
        self.assertEqual(first, reader.decode(bytes.fromhex("828684418cf1e3c2e5f23a6ba0ab90f4ff")))
        self.assertEqual([*first, ("cache-control", "no-cache")], reader.decode(bytes.fromhex("828684be5886a8eb10649cbf")))
        self.assertEqual(("custom-key", "custom-value"), reader.decode(bytes.fromhex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"))[-1])
        self.assertEqual(164, reader.size)

    def test_a_table_forgets_its_oldest_fields(self):
        """RFC 7541 C.5: 256 bytes hold four of them."""
        reader = h2hpack.Decoder(256)
        reader.decode(bytes.fromhex("4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54"
                                    "6e1768747470733a2f2f7777772e6578616d706c652e636f6d"))
        self.assertEqual(222, reader.size)
        self.assertEqual((":status", "307"), reader.decode(bytes.fromhex("4803333037c1c0bf"))[0])
        self.assertNotIn((":status", "302"), reader.table)

    def test_a_string_survives_its_code(self):
        for text in (b"", b"www.example.com", bytes(range(256)), os.urandom(500)):
            self.assertEqual(text, h2hpack.unhuffman(h2hpack.huffman(text)))
        for bad in (b"\xff\xff\xff\xff", b"\x00", h2hpack.huffman(b"ab") + b"\xff"):
            with self.assertRaises(h2hpack.Bad):
                h2hpack.unhuffman(bad)

    def test_a_block_is_read_as_it_was_meant(self):
        fields = [(":method", "GET"), ("x", "y" * 300), ("cookie", ""), (":path", "/\x7f\xe4")]
        for coded in (False, True):
            self.assertEqual(fields[:3], h2hpack.Decoder().decode(h2hpack.encode(fields[:3], coded=coded)))
        bomb = h2hpack.literal("x", "y" * 4000, 0x40) + h2hpack.indexed(62) * 3
        self.assertEqual([("x", "y" * 4000)] * 4, h2hpack.Decoder().decode(bomb))


class Peers(harness.Case):
    def assert_understood(self, port):
        end = h2.End(peers.connect(port))
        self.addCleanup(end.close)
        self.assertEqual(200, end.ask().status, end.frames)
        self.assertEqual(b"hello", end.stream(1).body)
        self.assertEqual("5", end.stream(1).value("content-length"))
        split = h2hpack.encode(h2.request(), coded=True)
        end.send(h2.headers(3, split[:7], h2.END_STREAM, pad=3, depends=0), h2.priority(5, 3), h2.continuation(3, split[7:]))
        self.assertFalse(end.until(lambda: end.stream(3).is_over), "a PRIORITY frame inside a head")
        self.assertEqual(h2.PROTOCOL_ERROR, end.goaway)

    def test_nginx_understands_the_client(self):
        port = free_port()
        self.nginx(f'server {{ listen 127.0.0.1:{port} http2; location / {{ return 200 hello; }} }}', [port])
        self.assert_understood(port)

    def test_nghttpd_understands_the_client(self):
        port = free_port()
        self.write("index.html", "hello")
        self.spawn("nghttpd", ["nghttpd", "--no-tls", "-d", self.folder, port], [port])
        self.assert_understood(port)

    def test_nghttp_understands_the_server(self):
        def talk(server, connection):
            end = h2.End(connection, server=True)
            end.until(lambda: any(s.ended for s in end.streams.values()))
            number = next(n for n, s in end.streams.items() if s.ended)
            end.send(h2.headers(number, [(":status", "103")], h2.END_HEADERS), h2.headers(number, [(":status", "200")], h2.END_HEADERS, pad=4),
                     h2.data(number, b"hello, ", 0, pad=0), h2.data(number, end.stream(number).value(":path").encode(), 0, pad=255),
                     h2.headers(number, [("x-sum", "1")]))
            end.until(lambda: end.closed)
        server = peers.Server(self, talk)
        done = subprocess.run(["nghttp", "-v", f"http://127.0.0.1:{server.port}/path"], capture_output=True, text=True, timeout=30, check=False)
        self.assertRegex(done.stdout, r"(?s)\nhello, \[.*\n/path\[")
        self.assertIn("x-sum: 1", done.stdout)
        self.assertEqual([], server.errors)

    def test_curl_understands_the_server_inside_tls(self):
        def talk(server, connection):
            end = h2.End(connection, server=True)
            end.until(lambda: any(s.ended for s in end.streams.values()))
            end.send(h2.headers(1, h2hpack.encode([(":status", "200"), ("x", "y")], coded=True), h2.END_HEADERS), *h2.body(1, end.stream(1).body))
            end.until(lambda: end.closed)
        context = peers.server_context(self.pki.server())
        context.set_alpn_protocols(["h2"])
        server = peers.tls_server(self, context, talk)
        answer = self.curl_tls(server.port, "--http2", "-d", "x" * 40000, client=None)
        self.assertEqual((200, b"x" * 40000, "y"), (answer.status, answer.body, answer.header("x")), answer.error)


if __name__ == "__main__":
    harness.main()
