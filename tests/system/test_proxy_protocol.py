# SPDX-License-Identifier: Apache-2.0
"""The PROXY protocol with the peers that made it common: HAProxy in front of us, nginx and a reader of our own behind us."""
import struct
import unittest

import harness
import peers
from harness import free_port, wait_for

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def read_v2(connection):
    """(command, family, addresses, {type: value}) of a v2 header, read strictly."""
    head = b""
    while len(head) < 16:
        head += connection.recv(16 - len(head))
    assert head[:12] == SIGNATURE, head
    size = struct.unpack(">H", head[14:16])[0]
    body = b""
    while len(body) < size:
        body += connection.recv(size - len(body))
    length = {0x11: 12, 0x21: 36}.get(head[13], 0)
    return head[12], head[13], body[:length], tlvs(body[length:])


def tlvs(data):
    found = {}
    while data:
        kind, size = data[0], struct.unpack(">H", data[1:3])[0]
        found[kind], data = data[3:3 + size], data[3 + size:]
    return found


class Incoming(harness.Case):
    def haproxy(self, target, option):
        port = free_port()
        path = self.write("haproxy.cfg", f"""
            defaults
              mode tcp
              timeout connect 5s
              timeout client 20s
              timeout server 20s
            listen front
              bind 127.0.0.1:{port}
              server us 127.0.0.1:{target} {option}
            """ + "\n")
        self.spawn("haproxy", ["haproxy", "-db", "-f", path], [port])
        return port

    def test_haproxy_tells_who_called(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port, listener="accept_proxy_protocol = true;")
        for option in ("send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"):
            with self.subTest(option):
                front = self.haproxy(port, option)
                answer = self.curl_tls(front, "--interface", "127.0.0.5")
                self.assertEqual(200, answer.status, answer.text or answer.error)
                self.assertEqual(["127.0.0.5"], backend.requests[-1].values("x-forwarded-for"))
        self.assertIn("client=127.0.0.5", self.mtlsd.log)

    def test_tcp_and_plaintext_listeners_take_it_too(self):
        backend = peers.Backend(self)
        port = self.verifier(backend.port, protocol="tcp", listener="accept_proxy_protocol = true;")
        self.assertEqual(200, self.curl_tls(self.haproxy(port, "send-proxy-v2"), "--interface", "127.0.0.6").status)
        wait_for(lambda: "client=127.0.0.6" in self.mtlsd.log, "the line of the connection")

    def test_without_a_header_nobody_is_served(self):
        """Nothing of a caller is looked at before the header: not its handshake, not its request."""
        backend = peers.Backend(self)
        port = self.verifier(backend.port, listener="accept_proxy_protocol = true;")
        self.assertEqual(0, self.curl_tls(port).status)
        for wrong in (b"PROXY TCP4 1.2.3.4\r\n", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\n", b"PROXY " + b"x" * 200, SIGNATURE + b"\x31\x11\0\x0c" + b"\0" * 12,
                      SIGNATURE + b"\x21\x11\xff\xff" + b"\0" * 100, b"GET / HTTP/1.1\r\n\r\n"):
            with self.subTest(wrong[:20]), peers.connect(port, 5) as caller:
                caller.sendall(wrong)
                self.assertEqual(b"", peers.read_all(caller)[0])
        self.assertEqual(0, backend.accepted)


class Outgoing(harness.Case):
    def verifier_sending(self, target, version, protocol="http"):
        port = free_port()
        text = self.verifier_text(port, target, protocol=protocol).replace("upstreams = { app = {",
                                                                          f'upstreams = {{ app = {{ send_proxy_protocol = "{version}";')
        self.mtlsd = self.daemon(text, [port])
        return port

    def test_nginx_learns_the_callers_address(self):
        for version in ("v1", "v2"):
            with self.subTest(version):
                behind = free_port()
                self.nginx(f'server {{ listen 127.0.0.1:{behind} proxy_protocol; location / {{ return 200 "$proxy_protocol_addr"; }} }}', [behind])
                port = self.verifier_sending(behind, version)
                for address in ("127.0.0.7", "127.0.0.8"): # a kept connection would tell the wrong one
                    self.assertEqual(address, self.curl_tls(port, "--interface", address).text)

    def test_the_header_tells_of_the_certificate(self):
        seen = []

        def handle(server, connection):
            seen.append(read_v2(connection))
            peers.StrictReader(connection).request()
            connection.sendall(peers.reply(b"ok"))
        backend = peers.Server(self, handle)
        self.assertEqual(200, self.curl_tls(self.verifier_sending(backend.port, "v2")).status, backend.errors)
        command, family, addresses, found = seen[0]
        self.assertEqual((0x21, 0x11, b"\x7f\0\0\1"), (command, family, addresses[:4]))
        self.assertEqual(b"localhost", found[2]) # the name that the caller asked for
        ssl = found[0x20]
        flags, verify = ssl[0], struct.unpack(">I", ssl[1:5])[0]
        self.assertEqual((7, 0), (flags, verify)) # TLS, a certificate on this connection, verified
        inner = tlvs(ssl[5:])
        self.assertEqual(b"client1", inner[0x22])
        self.assertIn(inner[0x21], (b"TLSv1.3", b"TLSv1.2"))

    def test_it_stands_before_our_tls(self):
        port = free_port()
        server = self.pki.server()
        self.nginx(f"""server {{ listen 127.0.0.1:{port} ssl proxy_protocol; ssl_certificate {server.pem}; ssl_certificate_key {server.key};
            ssl_client_certificate {self.pki.ca("root").crt}; ssl_verify_client on; location / {{ return 200 "$proxy_protocol_addr"; }} }}""", [port])
        app = self.injector(port, upstream='send_proxy_protocol = "v2";')
        answer = self.curl("--interface", "127.0.0.9", f"http://127.0.0.1:{app}/")
        self.assertEqual((200, "127.0.0.9"), (answer.status, answer.text))


if __name__ == "__main__":
    harness.main()
