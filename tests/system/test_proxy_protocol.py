# SPDX-License-Identifier: Apache-2.0
"""The PROXY protocol: HAProxy in front of mtlsd, and nginx or the test's own reader behind it."""
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


ALPN, AUTHORITY, SSL = 0x01, 0x02, 0x20
VERSION, CN, CIPHER, SIG_ALG, KEY_ALG = range(0x21, 0x26)
CONN, SESS = 2, 4


class Compared(harness.Case):
    """What HAProxy tells a server of the same client, beside what we tell. Its options ask for everything it can tell."""
    OPTIONS = "send-proxy-v2-ssl-cn proxy-v2-options ssl,cert-cn,ssl-cipher,cert-sig,cert-key,authority"

    def setUp(self):
        super().setUp()
        self.seen = []

        def handle(server, connection):
            self.seen.append(read_v2(connection))
            peers.StrictReader(connection).request()
            connection.sendall(peers.reply(b"ok", fields=[("Connection", "close")]))
        self.behind = peers.Server(self, handle)

    def ours(self, certificate, tls):
        port = free_port()
        text = self.verifier_text(port, self.behind.port, certificate=certificate, tls=tls)
        routes = 'routes = ( { cert = "error"; upstream = "app"; }, { upstream = "app"; } );'
        text = text.replace("upstreams = { app = {", 'upstreams = { app = { send_proxy_protocol = "v2";').replace('upstream = "app";', routes)
        self.mtlsd = self.daemon(text, [port])
        return port

    def theirs(self, certificate):
        port = free_port()
        path = self.write("haproxy.cfg", f"""
            global
              ssl-default-bind-options ssl-min-ver TLSv1.2
            defaults
              mode http
              timeout connect 5s
              timeout client 20s
              timeout server 20s
            listen front
              bind 127.0.0.1:{port} ssl crt {certificate.pem} ca-file {self.pki.ca("root").crt} verify optional crt-ignore-err all ca-ignore-err all
              http-reuse never
              server behind 127.0.0.1:{self.behind.port} {self.OPTIONS}
            """ + "\n")
        self.spawn("haproxy", ["haproxy", "-db", "-f", path], [port])
        return port

    def once(self, port, context, session=None):
        """One request; gives ((client bits, verify), TLVs, TLVs about TLS) and the session, for another."""
        before = len(self.seen)
        with peers.connect(port) as raw, context.wrap_socket(raw, server_hostname="localhost", session=session) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            self.assertEqual(200, peers.response(connection)[0])
            self.assertEqual(session is not None, connection.session_reused)
            kept = connection.session
        _, _, _, outer = self.seen[before]
        tls = outer.pop(SSL)
        return ((tls[0], struct.unpack(">I", tls[1:5])[0]), outer, tlvs(tls[5:])), kept

    def ask(self, port, client, version):
        return self.once(port, peers.client_context(self.pki.ca("root"), client, version=peers.TLS[version]))[0]

    def again(self, port, version):
        """The same client, who comes back with its session."""
        context = peers.client_context(self.pki.ca("root"), self.pki.client(), version=peers.TLS[version])
        return self.once(port, context, self.once(port, context)[1])[0]

    def identities(self):
        yield "EC", self.pki.server()
        yield "RSA", self.pki.leaf("server-rsa", cn="localhost", san=["DNS:localhost"], key="2048")

    def clients(self):
        late = self.pki.leaf("pp-late", cn="late", eku=("clientAuth",), start=-30, days=10)
        stranger = self.pki.leaf("pp-stranger", self.pki.ca("other"), cn="stranger", eku=("clientAuth",))
        two = self.pki.leaf("pp-two", subject=[("CN", "first"), ("OU", "x"), ("CN", "second")], eku=("clientAuth",))
        return [("valid", self.pki.client(), 0, 0), ("a name beyond ASCII", self.pki.leaf("pp-umlaut", cn="J\u00fcrgen", eku=("clientAuth",)), 0, 0),
                ("expired", late, 10, 10), ("two common names: HAProxy tells the first, we none (A6)", two, 0, 0),
                ("of an unknown CA: told to go on OpenSSL finds a second error behind the first", stranger, 20, 21)]

    def test_the_same_client_is_told_of_alike(self):
        """Byte for byte, in every TLV that both send."""
        for kind, certificate in self.identities():
            ours = self.ours(certificate, 'client_cert = "optional"; tolerate = "all"; tickets = true; priority = "NORMAL:-CIPHER-ALL:+AES-256-GCM:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";')
            theirs = self.theirs(certificate)
            for version in ("TLSv1.2", "TLSv1.3"):
                for why, client, error, another in self.clients():
                    with self.subTest(f"{kind} {version} {why}"):
                        a, b = self.ask(ours, client, version), self.ask(theirs, client, version)
                        self.assertEqual(((1 | CONN | SESS, error), {AUTHORITY: b"localhost"}), a[:2])
                        self.assertEqual((1 | CONN | SESS, another), b[0])
                        told = {key: value for key, value in b[2].items() if "two common names" not in why or key != 0x22}
                        self.assertEqual((b[1], told), a[1:])
                        self.assertEqual(list(told), list(a[2]), "in the same order")
                with self.subTest(f"{kind} {version} resumed"):
                    a, b = self.again(ours, version), self.again(theirs, version)
                    self.assertEqual((1 | SESS, 0), a[0], "presented, but not on this connection")
                    self.assertEqual(b, a)
                with self.subTest(f"{kind} {version} without a certificate"):
                    a, b = self.ask(ours, None, version), self.ask(theirs, None, version)
                    self.assertEqual(b[1:], a[1:])
                    self.assertEqual(((1, 1), (1, 0)), (a[0], b[0]), "HAProxy's verify is 0 also here; the specification says it must not be")
            self.mtlsd.stop()

    def test_what_no_receiver_could_bear_is_not_told(self):
        """C2: a name with a NUL, a line end, not UTF-8, or of 32 KiB is no name at all, never half of one."""
        port = self.ours(self.pki.server(), 'tolerate = "all";')
        for stem, *cn in (("nul", b"admin\0x"), ("crlf", b"admin\r\nx"), ("latin", b"J\xfcrgen", 0x14), ("csi", "\u009b31m".encode()), ("long", b"a" * 32768)):
            with self.subTest(stem):
                bits, _, tls = self.ask(port, self.pki.leaf(f"pp-{stem}", subject=[("CN", *cn)], eku=("clientAuth",)), "TLSv1.3")
                self.assertEqual(((1 | CONN | SESS, 0), None), (bits, tls.get(CN)))


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
