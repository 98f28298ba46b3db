# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 with programs of Python's, which stand on its own library h2: httpx in front, Hypercorn behind, with requests, uploads and WebSocket."""
import hashlib
import json
import os
import subprocess
import unittest

import h2case
import harness
from h2frames import END_HEADERS, data, headers
from harness import free_port
from test_http2_websocket import Pipe, asked
from test_websocket import CLOSE, TEXT, read_frame, send_frame

PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's packages
# Forty requests at once, half of them with a body, and two bodies that are larger than any window; then answers that are left half read.
CLIENT = """
import asyncio, hashlib, httpx, json, ssl, sys
url, ca, pem = sys.argv[1:4]
body, upload = b"x" * 30000, b"0123456789abcdef" * 32768
async def main():
    options = {"http1": False, "http2": True, "trust_env": False, "timeout": 60}
    if ca:
        options["verify"] = ssl.create_default_context(cafile=ca)
        options["verify"].load_cert_chain(pem)
    async def half():
        yield upload[:100000]
        await asyncio.sleep(0.1)
        yield upload[100000:]
    async with httpx.AsyncClient(**options) as client:
        first = await client.get(url + "/")
        ways = [client.post(url + "/", content=body) if i % 2 else client.get(f"{url}/?{i}") for i in range(40)]
        answers = await asyncio.gather(*ways, client.post(url + "/", content=upload), client.post(url + "/", content=half()))
        for _ in range(3):
            async with client.stream("GET", url + "/long") as answer:
                await answer.aiter_raw().__anext__()
        last = await client.get(url + "/")
    print(json.dumps([[a.http_version, a.status_code, a.headers.get("x-version", str(a.headers)), hashlib.sha256(a.content).hexdigest()] for a in [first, *answers, last]]))
asyncio.run(main())
"""
SERVER = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": kind + ".complete"})
            if kind == "lifespan.shutdown":
                return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    if scope["method"] == "GET":
        await receive()  # or Hypercorn closes the connection of HTTP/1.1 after the answer, and does not say so
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-version", scope["http_version"].encode())]})
    if scope["path"] == "/long":
        for _ in range(200):
            await send({"type": "http.response.body", "body": bytes(1000), "more_body": True})
    if scope["method"] == "GET":
        await send({"type": "http.response.body", "body": b"hello\\n"})
        return
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        await send({"type": "http.response.body", "body": message.get("body", b""), "more_body": more})
"""


def has(*modules):
    return os.path.exists(PYTHON) and subprocess.run([PYTHON, "-c", f"import {','.join(modules)}"], capture_output=True, check=False).returncode == 0


@unittest.skipUnless(has("h2", "httpx", "hypercorn"), "the packages python3-httpx and python3-hypercorn are missing")
class Python(h2case.Case):
    def hypercorn(self, tls):
        """It takes HTTP/2 in plaintext by prior knowledge, and by ALPN inside TLS."""
        port, me = free_port(), self.pki.server()
        self.write("app.py", SERVER)
        keys = ["--certfile", me.pem, "--keyfile", me.key, "--ca-certs", self.pki.ca("root").crt, "--verify-mode", "CERT_REQUIRED"] if tls else []
        self.spawn("hypercorn", [PYTHON, "-m", "hypercorn", "-b", f"127.0.0.1:{port}", *keys, "app:app"], [port])
        return port

    def assert_answered(self, url, version, *keys):
        done = subprocess.run([PYTHON, self.write("client.py", CLIENT), url, *map(str, keys or ("", ""))], capture_output=True, text=True, timeout=90, check=False)
        self.assertEqual(0, done.returncode, done.stderr + self.mtlsd.log[-3000:])
        small, body, large = (["HTTP/2", 200, version, hashlib.sha256(content).hexdigest()] for content in (b"hello\n", b"x" * 30000, b"0123456789abcdef" * 32768))
        self.assertEqual([small, *[small, body] * 20, large, large, small], json.loads(done.stdout), "\n".join(l for l in self.mtlsd.log.splitlines() if "status=200" not in l))

    def test_httpx_through_an_injector_to_hypercorn(self):
        self.assert_answered(f"http://127.0.0.1:{self.far_front(self.hypercorn(tls=True))}", "2")

    @unittest.skipIf(h2case.INSTEAD, "a verifier's own")
    def test_httpx_with_a_certificate_to_a_verifier_before_either_version(self):
        backend = self.hypercorn(tls=False)
        for version, upstream in (("1.1", ""), ("2", h2case.PRIOR_KNOWLEDGE)):
            with self.subTest(behind=version):
                port = free_port()
                text = self.verifier_text(port, backend).replace("upstreams = { app = {", f"upstreams = {{ app = {{ {upstream}")
                self.mtlsd = self.daemon(text, [port], name=f"verifier-{version}")
                self.assert_answered(f"https://localhost:{port}", version, self.pki.ca("root").crt, self.pki.client().pem)

    @unittest.skipIf(h2case.INSTEAD, "no other proxy passes it on")
    def test_a_websocket_reaches_hypercorn_inside_a_stream(self):
        end = self.client(self.far_front(self.hypercorn(tls=True)))
        for number in (1, 3):
            end.send(headers(number, asked(("sec-websocket-version", "13")), END_HEADERS))
            self.assertTrue(end.until(lambda n=number: end.stream(n).status is not None))
            self.assertEqual(200, end.stream(number).status)
            pipe = Pipe(end, number)
            for opcode, payload in ((TEXT, b"hello"), (TEXT, b"y" * 100000), (CLOSE, b"\3\xe8")):
                send_frame(pipe, opcode, payload, True)
                self.assertEqual((opcode, payload), read_frame(pipe))
            end.send(data(number))
            self.assertTrue(end.until(lambda n=number: end.stream(n).is_over), end.stream(number))
        harness.wait_for(lambda: self.mtlsd.log.count("upstream_alpn=h2") == 2, "both in the log")


if __name__ == "__main__":
    harness.main()
