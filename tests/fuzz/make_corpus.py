#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of tests/fuzz/corpus/*: files named seed-*. What a fuzzer found lies beside them under other names and is left alone.
The certificates come from tests/fuzz/pki; a first flight is recorded from openssl."""
import base64
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
import certs  # noqa: E402
import h2frames as h2  # noqa: E402
import workloads  # noqa: E402
CORPUS = HERE / "corpus"


def put(corpus, seeds):
    folder = CORPUS / corpus
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("seed-*"):
        old.unlink()
    for i, seed in enumerate(seeds):
        data = seed.encode("latin-1") if isinstance(seed, str) else seed
        (folder / f"seed-{i:02}").write_bytes(data)


def text(name):
    return (HERE / "pki" / name).read_bytes()


def der(name):
    return base64.b64decode(re.sub(rb"-----[^-]+-----", b"", text(name)))


def chain(*names):
    ders = [n if isinstance(n, bytes) else der(n) for n in names]
    return b"".join(len(d).to_bytes(2, "big") + d for d in ders)


def tlv(tag, value):
    n = len(value)
    size = bytes([n]) if n < 128 else bytes([0x81, n]) if n < 256 else bytes([0x82, n >> 8, n & 255])
    return bytes([tag]) + size + value


def judge():
    return [
        chain("leaf.pem", "middle.pem"),
        chain("leaf.pem", "middle.pem", "root.pem"),
        chain("revoked.pem", "middle.pem"),
        chain("expired.pem", "middle.pem"),
        chain("foreign.pem", "foreign-root.pem"),
        chain("foreign.pem", "root.pem"),
        chain("leaf.pem"),
        chain("middle.pem", "root.pem"),
        chain("leaf.pem", "root.pem", "foreign-root.pem", "expired.pem", "middle.pem", "middle.pem"),
        chain("leaf.pem", *["middle.pem"] * 12),
        chain("leaf.pem", b"", b"0", b"\x30\x80", "middle.pem"),
        chain("revoked.pem", "leaf.pem", "middle.pem"),
        b"",
        b"\xff\xff",
    ]


def crl():
    lists = ["middle.crl", "root.crl", "foreign-root.crl", "middle-empty.crl", "middle-delta.crl", "middle-part.crl"]
    out = [text(n) for n in lists] + [der(n) for n in lists]
    out += [text("middle.crl") + text("root.crl"), text("middle.crl")[:-30], der("middle.crl") + b"\0", text("root.pem")]
    out += [text("middle.crl").replace(b"\n", b"\r\n"), b"\xef\xbb\xbf# a list\n" + text("root.crl"), b"", b"\x30\x80"]
    return out


def crl_signed():
    when = tlv(0x17, b"260101000000Z")

    def entry(serial, extensions=b""):
        return tlv(0x30, tlv(2, serial) + when + extensions)

    def extension(oid, value, critical=False):
        return tlv(0x30, tlv(6, oid) + (tlv(1, b"\xff") if critical else b"") + tlv(4, value))

    def case(entries, *extensions):
        tail = b"".join(extensions)
        return len(tail).to_bytes(2, "big") + entries + tail

    reason = tlv(0x30, extension(b"\x55\x1d\x15", b"\x0a\1\1"))
    issuer = tlv(0x30, extension(b"\x55\x1d\x1d", b"\x30\0", True))
    number = extension(b"\x55\x1d\x14", b"\2\1\5")
    return [
        case(entry(b"\x10\0") + entry(b"\x10\1")), case(entry(b"\1", reason), number), case(entry(b"\1", issuer)), case(entry(b"\0\x80") + entry(b"\x80")), case(entry(b"\0\0\1")),
        case(entry(b"\xff\xff") + entry(b"\xff")), case(entry(b"")), case(entry(b"\1" * 70)), case(b"", number), case(entry(b"\1"), number, number),
        case(entry(b"\1"), extension(b"\x55\x1d\x1b", b"\2\1\1", True)), case(entry(b"\1"), extension(b"\x55\x1d\x1c", b"\x30\0", True)),
        case(entry(b"\1"), extension(b"\x2a\3", b"\5\0")), case(entry(b"\1"), extension(b"\x2a\3", b"\5\0", True)), case(b"".join(entry(bytes([1, i])) for i in range(60)), number),
        case(tlv(0x30, tlv(2, b"\1"))), case(entry(b"\1") + b"\0"), case(tlv(0x31, tlv(2, b"\1") + when)), case(entry(b"\1") * 3),
    ]


def pem():
    names = ["root.pem", "middle.pem", "leaf.pem"]
    out = [text(n) for n in names]
    out += [b"".join(map(text, names)), text("root.pem") * 2, text("root.pem").replace(b"\n", b"\r\n"), text("root.pem")[:200]]
    out += [b"subject=/CN=x\n" + text("root.pem") + b"-----END CERTIFICATE-----\n", text("middle.crl")]
    out += [text("root.pem").replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"), text("root.pem").replace(b"A", b"!"), b"", der("root.pem")]
    out += [b"-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n" + text("leaf.pem")]
    out += [b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n" + text("leaf.pem")]
    return out


def peer():
    out = [der(n) for n in ["leaf.pem", "revoked.pem", "root.pem", "middle.pem"]]
    leaf = der("leaf.pem")
    for old, new in [(b"leaf", b'l"\r\n'), (b"ops", b"o\0s"), (b"good.example", b"g\r\n: .exampl"), (b"admin", b"\xff\xfe,=\\"),
                     (b"\x06\x03\x55\x04\x0b\x0c", b"\x06\x03\x55\x04\x0b\x1e"), (b"\x87\x04", b"\x82\x04"), (b"\x86\x16", b"\x88\x16")]:
        out.append(leaf.replace(old, new, 1))
    return out


def signed():
    san, purpose, usage, basic, ca_constraints, ca_basic, ca_usage, ca_purpose, other = range(9)
    dns, uri, ip = 0x82, 0x86, 0x87
    client, server = (tlv(6, bytes([0x2B, 6, 1, 5, 5, 7, 3, n])) for n in (2, 1))
    names = [
        tlv(dns, b"www.good.example"), tlv(dns, b"*.good.example"), tlv(dns, b"good.example\0.evil.example"), tlv(dns, b"evilgood.example"), tlv(dns, b".good.example"),
        tlv(dns, b""), tlv(uri, b"spiffe://td/a") + tlv(uri, b"spiffe://td/b"), tlv(ip, b"\x7f\0\0\1"), tlv(ip, b"\x7f"), tlv(0x81, b"a@b"),
        tlv(0xA0, tlv(6, b"\x2a\3") + tlv(0xA0, tlv(12, b"x"))), tlv(0xA4, tlv(0x30, b"")), tlv(dns, b"GOOD.example") + tlv(dns, b"other.example"),
    ]
    out = [bytes([san]) + tlv(0x30, n) for n in names]
    out += [bytes([purpose]) + tlv(0x30, p) for p in (client, server, tlv(6, b"\x55\x1d\x25\0"), client + client, server + client, b"", tlv(5, client))]
    out += [bytes([usage]) + v for v in (b"\3\2\7\x80", b"\3\2\5\xa0", b"\3\1\0", b"\3\2\2\4", b"\4\2\7\x80")]
    out += [bytes([basic]) + v for v in (b"\x30\0", b"\x30\3\1\1\xff", b"\x30\3\1\1\1", b"\x30\6\1\1\xff\2\1\0", b"\x30\3\1\1\0")]
    out += [bytes([ca_basic]) + v for v in (b"\x30\3\1\1\xff", b"\x30\6\1\1\xff\2\1\0", b"\x30\6\1\1\xff\2\1\xff", b"\x30\0")]
    subtree = lambda tag, v: tlv(0x30, tlv(tag, v))
    for constraints in [
        tlv(0xA0, subtree(dns, b"good.example")), tlv(0xA1, subtree(dns, b"good.example")), tlv(0xA0, subtree(dns, b"")), tlv(0xA0, subtree(ip, b"\x7f\0\0\0\xff\0\0\0")),
        tlv(0xA1, subtree(ip, b"\x7f\0\0\0\xff\0\0\0")), tlv(0xA0, subtree(0xA4, tlv(0x30, b""))), tlv(0xA0, subtree(uri, b".example")), tlv(0xA0, b""), b"",
        tlv(0xA1, subtree(dns, b"")) + tlv(0xA0, subtree(dns, b"www.good.example")), tlv(0xA0, tlv(0x30, tlv(dns, b"good.example") + tlv(0x80, b"\1"))),
    ]:
        out.append(bytes([ca_constraints]) + tlv(0x30, constraints))
    out += [bytes([ca_usage]) + b"\3\2\1\6", bytes([ca_usage]) + b"\3\2\7\x80", bytes([ca_purpose]) + tlv(0x30, client), bytes([ca_purpose]) + tlv(0x30, server)]
    out += [bytes([other]) + b"\5\0", bytes([other | 0x80]) + b"\5\0"]
    return out


def crl_urls():
    def points(*names):
        return tlv(0x30, b"".join(tlv(0x30, n) for n in names))

    def full(*uris):
        return tlv(0xA0, tlv(0xA0, b"".join(tlv(0x86, u) for u in uris)))

    out = [points(full(b"http://lists.example/a.crl")), points(full(b"http://a.example/x", b"ldap://b.example/y"), full(b"HTTP://C.example:8080/z?a=b"))]
    for odd in [b"http://user@a.example/", b"http://a.example/\r\nX: y", b"http:///x", b"https://a.example/", b"http://a.example/\0", b"http://[::1]/x", b"file:///etc/passwd"]:
        out.append(points(full(odd)))
    out += [points(full(b"http://a.example/x") + tlv(0x81, b"\1\2")), points(full(b"http://a.example/x") + tlv(0xA2, tlv(0xA4, tlv(0x30, b"")))), points(), tlv(0x30, b"\x30\x80")]
    out += [points(tlv(0xA0, tlv(0xA1, tlv(0x30, b"")))), points(full(b"http://a.example/" + b"x" * 1100)), points(full(*[b"http://a.example/%d" % i for i in range(12)]))]
    return out


def ocsp():
    at, next_at = tlv(0x18, b"20260115110000Z"), tlv(0xA0, tlv(0x18, b"20260122110000Z"))
    good, unknown, revoked = tlv(0x80, b""), tlv(0x82, b""), tlv(0xA1, tlv(0x18, b"20260110080000Z") + tlv(0xA0, b"\x0a\1\1"))
    odd = tlv(0xA1, tlv(0x30, tlv(0x30, b"\6\3\x2a\3\4\1\1\xff\4\2\5\0")))
    plain = tlv(0xA1, tlv(0x30, tlv(0x30, b"\6\3\x2a\3\4\4\2\5\0")))
    by_key, by_name = tlv(0xA2, tlv(4, b"k" * 20)), tlv(0xA1, tlv(0x30, tlv(0x31, tlv(0x30, b"\6\3\x55\4\3\x0c\4Root"))))

    def entry(status, times=at + next_at, serial=b"\x10\1", hashed=b"\6\5\x2b\x0e\3\2\x1a\5\0", size=20, behind=b""):
        return tlv(0x30, tlv(0x30, tlv(0x30, hashed) + tlv(4, b"n" * size) + tlv(4, b"k" * size) + tlv(2, serial)) + status + times + behind)

    def answer(*entries, responder=by_key, version=b"", certs=b"", behind=b"", refusal=0):
        data = tlv(0x30, version + responder + at + tlv(0x30, b"".join(entries)) + behind)
        basic = tlv(0x30, data + tlv(0x30, b"\6\x08\x2a\x86\x48\xce\x3d\4\3\2") + tlv(3, b"\0" + tlv(0x30, b"\2\1\1\2\1\1")) + certs)
        inside = tlv(0xA0, tlv(0x30, b"\6\x09\x2b\6\1\5\5\7\x30\1\1" + tlv(4, basic)))
        return tlv(0x30, tlv(0x0A, bytes([refusal])) + inside)

    sent = tlv(0xA0, tlv(0x30, der("leaf.pem")))
    sha256 = b"\6\x09\x60\x86\x48\1\x65\3\4\2\1"
    return [answer(entry(good)), answer(entry(revoked)), answer(entry(unknown)), answer(entry(good, at)), answer(entry(good), responder=by_name, version=b"\xa0\3\2\1\0"),
            answer(entry(good), entry(revoked), entry(unknown, serial=b"\0\x81")), answer(entry(good), certs=sent), answer(entry(revoked, behind=odd)), answer(entry(good), behind=odd),
            answer(entry(good, behind=plain), behind=plain), answer(entry(good, hashed=sha256, size=32)), tlv(0x30, b"\x0a\1\3"), tlv(0x30, b""), answer(), answer(*[entry(good)] * 40),
            answer(entry(good), refusal=6), answer(entry(good, at + at))]


def client_hello(*options):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        peer = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        connection, _ = server.accept()
        with connection:
            hello = connection.recv(16384)
        peer.wait(30)
    return hello


def engine():
    hellos = [client_hello(), client_hello("-servername", "a.example"), client_hello("-tls1_2", "-servername", "x.b.example"), client_hello("-tls1_3", "-curves", "P-521:X25519"),
              client_hello("-servername", "b.example", "-alpn", "h2,http/1.1", "-status"), client_hello("-noservername", "-no_ticket")]
    out = []
    for i, hello in enumerate(hellos):
        for which in range(4):
            out.append(bytes([which | ((i * 3 + which) % 16) << 2]) + hello)
    hello = hellos[1]
    body = hello[5:]
    out.append(bytes([0x20]) + b"".join(b"\x16\x03\x01\0\1" + body[i:i + 1] for i in range(len(body))))
    out += [bytes([0x20]) + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", bytes([0x23]) + b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes([0x20]) + b"\x15\x03\x03\0\2\2\x28"]
    out += [bytes([0x23]) + b"\x15\x03\x03\0\2\2\x28", bytes([0x20]) + b"\x80\x2e\1\0\2\0\x15\0\0\0\x10" + b"\1\0\x80" * 7 + b"x" * 16, bytes([0x20]) + b"\x14\x03\x03\0\1\1" * 40]
    out += [bytes([0x20]) + hello + b"\x17\x03\x03\0\x20" + b"y" * 32, bytes([0x22]) + hello[:5] + b"\xff" * 300, bytes([0x20]) + b"\x16\x03\x01\x40\1" + b"z" * 600]
    return out


def wire():
    def edit(direction, where, flip):
        return bytes([direction, where >> 8, where & 255, flip])

    out = [b"", edit(0, 0, 0x80), edit(0, 5, 2), edit(0, 43, 0x20), edit(1, 5, 1), edit(1, 9, 1), edit(1, 43, 0xFF), edit(1, 90, 1), edit(1, 200, 1), edit(1, 900, 4)]
    return out + [edit(0, 250 + 100 * i, 1 << i % 8) for i in range(12)] + [edit(0, 60, 1) + edit(1, 60, 1), edit(0, 1200, 0) * 8, edit(0, 11, 1)[:3]]


def xfcc():
    return [
        'Hash=a;Subject="CN=x"', 'Hash=a\nBy=b;Hash=c', 'Subject="open', 'Subject="a\\"', 'Subject="a\\\\"', "\\", 'a\\"b', '""', ',,,', 'URI=\xc3\xa4', "a\tb", '"\n"', 'Hash=a,"', "", "By=;;=,",
    ]


def words():
    kinds = ["address", "range", "pin", "spiffe", "host", "url", "moment", "amount", "authority", "cookie", "pattern"]
    lines = {
        "address": ["127.0.0.1:8080", "[::1]:8080", ":8443", "name.example:443", "unix:/run/x.sock", "[fe80::1%eth0]:1", "a:b:1", "x:65536", "unix:" + "y" * 120, "systemd:web"],
        "range": ["10.0.0.0/8\n\x0a\1\2\3", "::/0\n" + "\0" * 16, "192.0.2.1\n\xc0\0\2\1", "10.0.0.1/8", "::ffff:1.2.3.4/96", "1.2.3.4/033"],
        "pin": ["sha256//" + "A" * 43 + "=", "ab" * 32, ":".join(["0F"] * 32), "A" * 42 + "B=", "a" * 63],
        "spiffe": ["spiffe://td/a/b\ntd", "spiffe://td\ntd", "SPIFFE://td/a\ntd", "spiffe://td/../a\ntd", "spiffe://td:1/a\ntd", "spiffe://td/%61\ntd", "spiffe://t d/a\nt d"],
        "host": ["*.example\na.example", "*.example\nexample", "A.example.\na.EXAMPLE", "*.\na.", "*.example\n.example", "*.example\na..example", "*.a\n*.a"],
        "url": ["http://a.example/x", "http://u@a.example/", "HTTP://[::1]:80/?q", "http:///x", "https://a/"],
        "moment": ["2026-01-31T23:59:59Z", "2026-01-31", "@1767225600", "2024-02-29", "2023-02-29", "0001-01-01", "2026-12-31T24:00:00Z", "@999999999999"],
        "amount": ["10s", "250ms", "0", "3650d", "64KiB", "1048576GiB", "18446744073709551616", "1 s", "-1s"],
        "authority": ["a.example:80\nA.EXAMPLE", "[::1]:443\n[::1]", "a@b", "a,b", "a:0", "a:99999", "[::1", "a:\na", "%61:1"],
        "cookie": ["ID=one; b=2\nID=two", "id=one;ID=abc.two.1\n", 'ID="one"; x\nID=', "a=ID=one; ID =one\n", "=one;ID\nID=one", "ID=..\n"],
        "pattern": ["*.example\na.example", "**\na.b.c", "a*b*c*d\na1b2c3d", "*\n", "**.**.**\na.b", "a.*\na."],
    }
    return [bytes([i]) + line.encode("latin-1") for i, kind in enumerate(kinds) for line in lines[kind]]


def log():
    return [
        "GET\n/a?b=c\nhttps://example.org/\ncurl/7.88\nx\ny", 'G"T\n/"\\\n\\"\n" "\n\x1b[31m\n\x7f', "\xff\xfe\n\xc3\xa4\n\xed\xa0\x80\n\xf4\x90\x80\x80\n\xc0\x80\n\xf0\x9f\x98\x80",
        "\0\n\0a\n\r\n\t\n\x0b\n\x85", "\n\n\n\n\n", "GET\n/" + "x" * 3000 + "\n" + "\x01" * 1500 + "\n" + '"' * 1100 + "\n\\\n" + "\\" * 900, 'a" = "b\n{"a":1}\n]}\n%s%n\n${x}\n</script>',
    ]


def http1():
    def request(*lines, body=b""):
        return b"\r\n".join(x.encode("latin-1") for x in lines) + b"\r\n\r\n" + body

    get = "GET / HTTP/1.1"
    cases = [(0, request(get, "Host: a.example")), (0, request("POST /x?y HTTP/1.1", "Host: a", "Content-Length: 3", body=b"abc" + request(get, "Host: a"))),
             (0, request("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\nX: y\r\n\r\n")),
             (0, request("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Content-Length: 3", body=b"0\r\n\r\n")),
             (0, request("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: xchunked", body=b"0\r\n\r\n")),
             (0, request("POST / HTTP/1.1", "Host: a", "Content-Length: 1", "Content-Length: 1", body=b"x")), (0, request(get, "Host: a", "X : y")), (0, request(get, "Host: a", "X: y\n z")),
             (0, request(get, "Host: a", "Connection: X_SSL_Client_CN, close", "X-SSL-Client-CN: root", "x.ssl.client.cn: root")), (0, request("CONNECT a.example:443 HTTP/1.1", "Host: a.example:443")),
             (0, request("GET http://a.example/b HTTP/1.1", "Host: a.example")), (0, request("OPTIONS * HTTP/1.1", "Host: a", "Max-Forwards: 3")), (0, request("GET / HTTP/1.0")),
             (0, request(get, "Host: a", "Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Key: eA==")), (0, request(get, "Host: a", "Expect: 100-continue", "TE: trailers")),
             (0, request("GET /a/../%2e%2e/b%2Fc HTTP/1.1", "Host: a")), (0, b"GET / HTTP/1.1\nHost: a\n\n"), (0, request("PRI * HTTP/2.0", body=b"SM\r\n\r\n")),
             (1, request("HTTP/1.1 200 OK", "Content-Length: 2", body=b"ok")), (1, request("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=b"2;x=y\r\nok\r\n0\r\n\r\n")),
             (1, request("HTTP/1.1 100 Continue") + request("HTTP/1.1 204 No Content", "Content-Length: 5")), (1, request("HTTP/1.0 200 OK", body=b"until the end")),
             (1, request("HTTP/1.1 304 Not Modified", "Content-Length: 10")), (1, request("HTTP/1.1 200 OK", "Content-Length: 1", "Transfer-Encoding: identity", body=b"x")),
             (2, request("HTTP/1.1 200 OK", "Content-Length: 9")), (3, request("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: upgrade", body=b"\x81\0"))]
    return [bytes([kind, step]) + data for kind, data in cases for step in (0, 6)]


H2_TALKS = [
    [h2.headers(1, [*h2.request(), ("accept", "*/*"), ("cookie", "a=b"), ("cookie", "c=d")])],
    [h2.headers(1, h2.request("POST"), h2.END_HEADERS), *h2.body(1, b"some body " * 20, 50), h2.headers(3, h2.request())],
    [h2.headers(1, [*h2.request("POST"), ("content-length", "9"), ("te", "trailers")], h2.END_HEADERS), h2.data(1, b"some", 0, pad=7), h2.data(1, b" body", 0),
     h2.headers(1, [("grpc-status", "0")])],
    [h2.headers(1, h2.request(), h2.END_STREAM, pad=3, depends=5), h2.continuation(1, b"", 0), h2.continuation(1, h2.h2hpack.encode([("x", "y")]))],
    [h2.settings((4, 5), (1, 0), (3, 0), (8, 1)), h2.ping(), h2.ping(flags=h2.ACK), h2.priority(1, 1), h2.window_update(0, 1000), h2.headers(1, h2.request()), h2.window_update(1, 5)],
    [h2.headers(1, h2.request("POST"), h2.END_HEADERS), h2.rst(1), h2.data(1, b"late"), h2.headers(3, h2.request())],
    [h2.headers(1, [(":method", "CONNECT"), (":scheme", "https"), (":authority", "a"), (":path", "/"), (":protocol", "websocket")], h2.END_HEADERS), h2.data(1, b"x", 0)],
    [h2.headers(1, [(":method", "CONNECT"), (":authority", "a:443")], h2.END_HEADERS), h2.data(1, b"x")],
    [h2.goaway(0, 0, b"bye"), h2.headers(1, [("x", "y" * 2100)]), h2.headers(3, [*h2.request(), *[("cookie", "a")] * 20])],
    [h2.headers(1, [(":status", "103"), ("link", "x")], h2.END_HEADERS), h2.headers(1, [(":status", "200"), ("content-length", "4")], h2.END_HEADERS), h2.data(1, b"body"),
     h2.headers(5, [(":status", "200"), ("content-length", "400")]), h2.headers(3, [(":status", "204")])],
    [h2.headers(3, [(":status", "200"), ("content-type", "application/grpc")], h2.END_HEADERS), h2.data(3, b"abc", 0), h2.headers(3, [("grpc-status", "0")])],
    [h2.headers(1, [(":status", "304")]), h2.goaway(3, 0), h2.rst(3, h2.REFUSED_STREAM), h2.frame(h2.PUSH_PROMISE, 4, 5, b"\0\0\0\2")],
]


def http2_client():
    return [bytes([step]) + b"".join(talk) for step, talk in enumerate(H2_TALKS)]


def http2_upstream():
    return http2_client()


def codec_pairs():
    """The first byte: 1 the app speaks HTTP/2 (preface and SETTINGS are made), 2 so does the hop, 4 small steps."""
    talks = [bytes([1 + 2 * (i % 2) + 4 * (i // 2 % 2)]) + b"".join(talk) for i, talk in enumerate(H2_TALKS)]
    head = b"Host: a\r\n"
    requests = [b"GET / HTTP/1.1\r\n" + head + b"\r\n", b"POST / HTTP/1.1\r\n" + head + b"Content-Length: 5\r\n\r\n12345GET /b HTTP/1.1\r\n" + head + b"\r\n",
                b"POST / HTTP/1.1\r\n" + head + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\nx: y\r\n\r\n", b"HEAD / HTTP/1.0\r\n\r\n",
                b"GET /ws HTTP/1.1\r\n" + head + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"]
    return talks + [bytes([2 * (i % 2) + 4 * (i // 2 % 2)]) + r for i, r in enumerate(requests * 2)]


def tls_hello():
    """The first byte is the size of the pieces less one. Recorded hellos, one cut into records of 10 bytes, and other protocols."""
    found = re.findall(r'OFFERS_\w+,((?:\s*"[0-9a-f]+")+)', (HERE.parent / "unit/tls/client_hellos.h").read_text())
    hellos = [bytes.fromhex(re.sub(r"[^0-9a-f]", "", texts)) for texts in found][:6]
    body = hellos[0][5:]
    cut = b"".join(b"\x16\x03\x01" + len(body[i:i + 10]).to_bytes(2, "big") + body[i:i + 10] for i in range(0, len(body), 10))
    put("tls_hello", [b"\xff" + hello for hello in hellos] + [b"\x03" + cut, b"\x00GET / HTTP/1.1\r\n", b"\x00\x15\x03\x03\x00\x02\x02\x28"])


def starttls():
    """The first byte: protocol and end, as fuzz_starttls.c reads it; the second: the size of the pieces less one."""
    kinds, tls = ("postgres", "mysql", "smtp", "ldap", "imap"), "1.3.6.1.4.1.1466.20037"
    greeting = "\x14\0\0\0\x0a5.0\0\x08\0\0\0abcdefgh\0\xff\xff"
    login = "\x0d\xaa\x3a\0\0\0\0\x01\x21" + "\0" * 23
    talks = {
        "postgres": (["S", "N", "SZ"], ["\0\0\0\x08\x04\xd2\x16\x30\0\0\0\x08\x04\xd2\x16\x2f", "\0\0\0\x10\0\3\0\0user\0a\0\0", "\x16\x03\x01"]),
        "mysql": ([greeting, "\x03\0\0\0\xff\x10\x04"], ["\x20\0\0\x01" + login, "\x25\0\0\x01" + login + "root\0\x07\0\0\x03\0\0\0\x02\0\0\0"]),
        "smtp": (["220-a\r\n220 b\r\n250-c\r\n250 STARTTLS\r\n220 d\r\n", "421 busy\r\n"], ["EHLO a\r\nAUTH b\r\nSTARTTLS\r\n", "NOOP\r\nQUIT\r\n"]),
        "ldap": (["\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0", "\x30\x84\0\0\0\x10\x02\x01\x01\x78\x84\0\0\0\x07\x0a\x01\x02\x04\0\x04\0"],
                 ["\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + tls, "\x30\x0c\x02\x01\x02\x60\x07\x02\x01\x03\x04\0\x80\0"]),
        "imap": (["* OK a\r\n* CAPABILITY b\r\nmtlsd1 OK c\r\n", "* PREAUTH a\r\n"], ["a CAPABILITY\r\nb STARTTLS\r\n", "a LOGIN b c\r\nd LOGOUT\r\n"]),
    }
    put("starttls", [chr(kinds.index(kind) + len(kinds) * end) + chr(size) + talk
                     for kind, ends in talks.items() for end in (0, 1) for size, talk in zip((0, 9, 63), ends[end])])


def proxy_protocol():
    magic = b"\r\n\r\n\0\r\nQUIT\n"

    def v2(command, family, body):
        return magic + bytes([0x20 | command, family]) + len(body).to_bytes(2, "big") + body

    v4 = bytes([192, 0, 2, 1, 198, 51, 100, 2, 0x1F, 0x90, 0, 80])
    out = [b"PROXY TCP4 192.0.2.1 198.51.100.2 8080 80\r\n", b"PROXY TCP6 2001:db8::1 ::1 1 65535\r\nGET", b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN x y z\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 08 80\r\n",
           b"PROXY TCP4 1.2.3.4\r\n", b"PROXY TCP4 " + b"1" * 100, b"PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n", v2(1, 0x11, v4), v2(0, 0, b""), v2(1, 0x21, bytes(36)), v2(1, 0x31, bytes(216)),
           v2(1, 0x11, v4 + b"\x03\0\4" + bytes(4)), v2(1, 0x11, v4 + b"\x20\0\5\1\0\0\0\0"), v2(1, 0x11, v4 + b"\4\0\xff"), v2(1, 0x11, v4[:5]), v2(2, 0x11, v4), magic + b"\x11\x11\0\0"]
    return out


def keys():
    def number(n, size):
        return n.to_bytes(size, "big")

    def span(body):
        return number(len(body), 4) + body

    def frame(*parts):
        body = number(7, 4) + b"".join(parts)
        return number(len(body), 4) + body

    def sign(key, algorithm, hashed, data):
        return frame(b"\1", number(key, 8), number(algorithm, 4), bytes([hashed]), span(data))

    def read(set_number, path, certificate=b"", chain=b"", passphrase=b"", pkcs12=0):
        return frame(b"\2", number(set_number, 4), span(b"me"), *map(span, (path, certificate, chain, passphrase)), bytes([pkcs12]))

    first, ecdsa = 1 << 32, 14
    good, release, become = read(1, b"key"), frame(b"\3", number(1, 4)), frame(b"\4")
    err = b"\0" + span(b"")
    some_file = bytes(1 + 4 * 4) + err + span(b"-----BEGIN CERTIFICATE-----\n")
    answers = [b"\1" + err + span(b"sig") + b"\0", b"\0\6" + span(b"no memory") + span(b"") + b"\0",
               b"\1" + err + span(b"") + b"\1" + some_file * 4 + err + b"\0\1" + number(first, 8) + number(4, 4) + number(256, 4) + number(1, 8) + b"\0" + bytes(32)]
    return [good + sign(first, ecdsa, 1, bytes(32)) + release, good + good + sign(first + 1, ecdsa, 1, bytes(32)), sign(first, ecdsa, 1, bytes(32)), release + release, become,
            good + sign(first, ecdsa, 1, bytes(31)) + sign(first, ecdsa, 0, b" " * 64 + b"TLS 1.3, server CertificateVerify\0" + bytes(32)), good + sign(first, 59, 1, bytes(51)),
            read(2, b"key", b"key", b"key"), read(3, b"none", b"none"), read(4, b"key", passphrase=b"key"), read(5, b"key", pkcs12=1), read(6, b""), frame(b"\5"), b"\xff" * 8, good[:20], *answers]


def route():
    targets = ["/admin", "/admin/x", "/%61dmin", "//admin", "/./admin", "/x/../admin", "/%2e/admin", "/;a/admin", "/admin;x", "/api/../admin", "/api", "/api/", "/apix", "/a%2fadmin", "/ADMIN",
               "http://localhost/admin", "/api/%2e%2e/admin", "/\\admin", "/a?b", "*"]
    hosts = ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "evil.example:8080", "127.1:8080", "app.localhost:8080", "0x7f.1:8080"]
    return [f"{t} {hosts[i % len(hosts)]}" for i, t in enumerate(targets)]


def config():
    ok = 'upstreams = { app = { targets = [ "127.0.0.1:9000" ]; }; };\nlisteners = { in = { bind = "127.0.0.1:8080"; upstream = "app"; }; };\n'
    tls = ('identities = { s = { bundle = "s.pem"; }; };\ntrusts = { c = { ca = "c.pem"; crl = "c.crl"; crl_policy = "require"; crl_grace = "1h"; }; };\n' + ok[:ok.index("listeners")] +
           'listeners = { p = { bind = "0.0.0.0:8443"; tls = { identity = "s"; trust = "c"; client_cert = "optional"; tolerate = [ "expired", "revoked" ]; };\n'
           ' identity_headers = [ "rfc9440", "x-ssl" ]; routes = ( { cert = "expired"; redirect = "/e.html"; }, { cert = "revoked"; respond = 403; }, { cert = "none"; respond = 401; },\n'
           ' { path = "/admin"; allow = ( { ou = "ops"; }, { uri = "spiffe://td/**"; } ); upstream = "app"; }, { upstream = "app"; } ); }; };\n')
    out = [ok, tls, ok.replace("upstream =", "upstraem ="), ok.replace(";", ""), ok * 2, "{" * 200, "a = 99999999999999999999;", "a = 0x7fffffff;\nb = -1L;", "workers = \"x\";", "@include \"/etc/passwd\"\n",
           "upstreams = ();", "listeners = { };", 'a = "\\x00\\xff";', "/* never ends", "limits = { connections = 1.5; };", "log = { level = [ \"a\", 1 ]; };", "drain_timeout = \"10\";\nuser = [];"]
    for old, new in [('"expired"', '"expried"'), ('"1h"', '"1 h"'), ("403", "99"), ('"/admin"', '"admin"'), ('"spiffe://td/**"', '""'), ('"optional"', '"required"'), ('"0.0.0.0:8443"', '""')]:
        out.append(tls.replace(old, new))
    return out


def workload():
    """Messages of a SPIFFE agent; the first byte says of which kind."""
    with tempfile.TemporaryDirectory() as folder:
        pki = certs.Pki(folder)
        root, other = pki.ca("root"), pki.ca("other")
        middle = pki.ca("middle", issuer=root)
        one, two = (pki.leaf(name, middle, san=[f"URI:spiffe://a.example/{name}"]) for name in ("one", "two"))
        svid = lambda leaf, name, **options: workloads.svid(leaf, f"spiffe://a.example/{name}", root.der, **options)
        good = workloads.svid_response([svid(one, "one", hint="internal"), svid(two, "two")], [("b.example", other.der)])
        bundles = workloads.bundles_response([("a.example", root.der), ("b.example", other.der + root.der)])
        frame = b"\0" + len(good).to_bytes(4, "big") + good
        return [b"\0" + good, b"\0" + workloads.svid_response([svid(one, "two")]), b"\0" + workloads.svid_response([svid(one, "one", key=two.key)]),
                b"\0" + workloads.svid_response([svid(one, "one")], [("a.example", other.der)]), b"\0", b"\1" + bundles, b"\1" + good, b"\2" + frame * 2,
                b"\2" + b"\1\0\0\0\1x", b"\2grpc-status: 7\r\n", b"\2grpc-message: no identity issued\r\n", b"\3\x08\x01\x10\x07\x42\x0b/agent.sock"]


def est():
    """Answers of CAs to a renewal: base64 of PKCS#7 with certificates alone, and the JSON of step-ca."""
    def certs_only(*names, signers=b""):
        data = tlv(2, b"\1") + tlv(0x31, b"") + tlv(0x30, tlv(6, b"\x2a\x86\x48\x86\xf7\x0d\1\7\1")) + tlv(0xA0, b"".join(map(der, names))) + tlv(0x31, signers)
        return tlv(0x30, tlv(6, b"\x2a\x86\x48\x86\xf7\x0d\1\7\2") + tlv(0xA0, tlv(0x30, data)))

    one, leaf = certs_only("leaf.pem"), text("leaf.pem").decode()
    return [base64.encodebytes(one), base64.b64encode(one), base64.b64encode(certs_only("leaf.pem", "middle.pem", "root.pem")), base64.b64encode(certs_only("leaf.pem", "expired.pem")),
            base64.b64encode(certs_only("root.pem")), base64.b64encode(certs_only()), base64.b64encode(certs_only("leaf.pem", signers=b"\x30\0")), base64.b64encode(one[:-40]),
            base64.b64encode(der("leaf.pem")), b"<html>", b"\0", text("leaf.pem"),
            json.dumps({"crt": leaf, "ca": text("middle.pem").decode(), "certChain": [leaf, text("middle.pem").decode()]}), json.dumps({"crt": leaf}), json.dumps({"certChain": [leaf[:99]] * 11}),
            '{"crt": 1}', '{"crt": "a", "crt": "b"}', "{"]


for make in (judge, crl, crl_signed, pem, peer, signed, crl_urls, ocsp, engine, words, log, http1, http2_client, http2_upstream, codec_pairs, proxy_protocol, starttls, tls_hello, route, config, wire, xfcc, keys, workload, est):
    put(make.__name__, make())
