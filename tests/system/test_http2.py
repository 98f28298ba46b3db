# SPDX-License-Identifier: Apache-2.0
"""Peers that speak HTTP/2 without being asked: the answer and the log name the expected protocol."""
import shutil
import subprocess
import unittest

import harness
import peers
from harness import free_port, wait_for

SETTINGS = b"\0\0\x06\x04\0\0\0\0\0" + b"\0\x03\0\0\0\x64"
NODE_CLIENT = """
const client = require("http2").connect(process.argv[2]);
client.on("error", () => {});
client.on("goaway", (code, last, text) => { console.log(code, String(text)); process.exit(); });
client.request({ ":path": "/" }).on("error", () => {}).on("response", (head) => { console.log(head[":status"]); process.exit(); });
setTimeout(() => process.exit(1), 20000);
"""
NODE_SERVER = """
require("http2").createServer((request, response) => response.end("h2")).listen(Number(process.argv[2]), "127.0.0.1");
"""


def curl_speaks_it():
    return b"HTTP2" in subprocess.run(["curl", "--version"], capture_output=True, check=False).stdout


class Client(harness.Case):
    def setUp(self):
        super().setUp()
        self.backend = peers.Backend(self)

    def assert_told(self):
        wait_for(lambda: "the client speaks HTTP/2" in self.mtlsd.log, "the line about it")
        self.assertIn("curl --http1.1", self.mtlsd.log)
        self.assertNotIn("does not end in", self.mtlsd.log)
        self.assertEqual(0, self.backend.accepted)

    @unittest.skipUnless(curl_speaks_it(), "needs a curl with HTTP/2")
    def test_curl_in_plaintext(self):
        port = free_port()
        self.mtlsd = self.daemon(f"""
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }}; }};
            listeners = {{ local = {{ bind = "127.0.0.1:{port}"; upstream = "app"; }}; }};""", [port])
        answer = self.curl("-v", "--http2-prior-knowledge", f"http://127.0.0.1:{port}/")
        self.assertEqual(200, answer.status, answer.error)
        self.assertIn("< HTTP/2 200", answer.error)

    @unittest.skipUnless(curl_speaks_it(), "needs a curl with HTTP/2")
    def test_curl_prefers_it_inside_tls_and_gets_along(self):
        port = self.verifier(self.backend.port)
        answer = self.curl_tls(port, "--http2")
        self.assertEqual(200, answer.status, answer.error)

    def test_a_preface_inside_tls(self):
        port = self.verifier(self.backend.port)
        with peers.secure(port, peers.client_context(self.pki.ca("root"), self.pki.client())) as caller:
            caller.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS)
            answer, _ = peers.read_all(caller)
        self.assertEqual(b"\0\0\0\x04\0\0\0\0\0", answer[:9])
        self.assertTrue(answer.endswith(b"\0\0\0\x0dHTTP/1.1 is required"), answer)
        self.assert_told()

    @unittest.skipUnless(shutil.which("node"), "needs node")
    def test_node(self):
        port = free_port()
        self.mtlsd = self.daemon(f"""
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }}; }};
            listeners = {{ local = {{ bind = "127.0.0.1:{port}"; upstream = "app"; }}; }};""", [port])
        done = subprocess.run(["node", self.write("client.js", NODE_CLIENT), f"http://127.0.0.1:{port}"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual("200\n", done.stdout, done.stderr)


class Upstream(harness.Case):
    def assert_told(self, port):
        document = self.assert_problem(self.curl(f"http://127.0.0.1:{port}/"), 502, "upstream_protocol")
        self.assertIn("speaks HTTP/2", document["detail"])
        self.assertIn("HTTP/1.1", document["hint"])

    def test_one_that_speaks_first(self):
        """As servers of gRPC do: the frame comes with the end of the handshake, before the request left, or just after."""
        def talk(server, connection):
            connection.sendall(SETTINGS)
            peers.read_all(connection)
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))
        server = peers.tls_server(self, context, talk)
        self.assert_told(self.injector(f"localhost:{server.port}"))

    @unittest.skipUnless(shutil.which("node"), "needs node")
    def test_node(self):
        target, port = free_port(), free_port()
        self.spawn("node", ["node", self.write("server.js", NODE_SERVER), target], [target])
        self.mtlsd = self.daemon(f"""
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{target}" ]; }}; }};
            listeners = {{ local = {{ bind = "127.0.0.1:{port}"; upstream = "app"; }}; }};""", [port])
        self.assert_told(port)


if __name__ == "__main__":
    harness.main()
