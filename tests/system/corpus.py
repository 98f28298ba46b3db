# SPDX-License-Identifier: Apache-2.0
"""Raw requests that two readers could understand differently (security rows C3 and C9).

refuse: must be answered with an error, and nothing of it may reach a backend.
either: may be refused or passed, but what reaches a backend must be one request with one meaning.
"""
END = b"\r\n\r\n"
INNER = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


def post(fields, body=b""):
    return b"POST / HTTP/1.1\r\nHost: localhost\r\n" + fields + END + body


def with_line(line):
    return b"GET / HTTP/1.1\r\nHost: localhost\r\n" + line + b"\r\nX-Last: 1" + END


def chunked(body):
    return post(b"Transfer-Encoding: chunked", body)


def target(text):
    return b"GET " + text + b" HTTP/1.1\r\nHost: localhost" + END


def refuse():
    """(name, raw request) of everything that must be refused."""
    five, chunks = b"hello", b"5\r\nhello\r\n0\r\n\r\n"
    out = []

    def add(name, rows, make):
        for i, row in enumerate(rows):
            out.append((f"{name} {i}: {row[:60]!r}", make(row)))

    add("length and coding", [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nContent-Length: 5",
        b"content-length: 0\r\ntransfer-encoding: chunked", b"Content-Length: 6\r\nTransfer-Encoding: CHUNKED",
        b"Transfer-Encoding: chunked\r\nX: y\r\nContent-Length: 48", b"Content-Length: 5\r\nTransfer-Encoding: identity",
        b"Content-Length: 5\r\nTransfer-Encoding: gzip, chunked",
    ], lambda f: post(f, chunks + INNER))
    add("coding", [
        b"xchunked", b"chunked, identity", b"identity", b"gzip, chunked", b"chunked, chunked", b"identity, chunked", b"\x0bchunked",
        b"\"chunked\"", b"chunked;q=1", b"chunk", b"chunked\x00", b"gzip", b"deflate, chunked", b"chunked,", b",chunked", b"chunked x",
        b"chun\tked", b"'chunked'", b"chunked\x0b", b"\x00chunked", b"ch\xc3\xbcnked", b"cow", b"chunked;", b"x, chunked",
    ], lambda v: post(b"Transfer-Encoding: " + v, chunks + INNER))
    add("two codings", [
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-encoding: cow",
        b"Transfer-Encoding:\r\n chunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding\t: chunked",
        b" Transfer-Encoding: chunked", b"Transfer-Encoding\x0b: chunked", b"X: y\nTransfer-Encoding: chunked",
        b"X: y\rTransfer-Encoding: chunked", b"Transfer-Encoding\x00: chunked", b"Transfer Encoding: chunked",
    ], lambda f: post(f, chunks + INNER))
    add("length", [
        b"5, 5", b"+5", b"-5", b"0x5", b"5 5", b"05", b"00", b"5a", b"a", b"5;", b"5\x0b", b"99999999999999999999999", b"1e1",
        b"\xef\xbc\x95", b"5.", b"5.0", b"5,", b",5", b"-0", b"+0", b"--5", b"5\x00", b"0b101", b"18446744073709551621", b"5_0", b"'5'",
        b"\"5\"", b"5 , 5", b"5\t5", b"0005",
    ], lambda v: post(b"Content-Length: " + v, five + INNER))
    add("two lengths", [
        b"Content-Length: 5\r\nContent-Length: 5", b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: 0\r\nContent-Length: 5",
        b"Content-Length: 5\r\nX: y\r\ncontent-length: 5", b"Content-Length : 5", b"Content-Length\t: 5", b" Content-Length: 5",
        b"Content-Length:\r\n 5", b"Content-Length: 5\r\n 0", b"X: y\nContent-Length: 5", b"X: y\rContent-Length: 5",
        b"Content-Length\x00: 5", b"Content Length: 5", b"Content-Length: 5\nContent-Length: 50",
    ], lambda f: post(f, five + INNER))
    add("field line", [
        b"X-A: b\n", b"X-A: b\nX-B: c", b"X-A: b\rX-B: c", b"X-A: b\r", b"X-A\r: b", b"X-A: b\r\n folded", b"X-A: b\r\n\tfolded", b" X-A: b",
        b"\tX-A: b", b"X-A : b", b"X-A\t: b", b"X-A", b": b", b"X A: b", b"X-A\x00: b", b"X-A: b\x00c", b"X-A: b\x01c", b"X-A: b\x0bc",
        b"X-A: b\x7fc", b"X-A\x01: b", b"X-A(: b", b"X-A\xe9: b", b"X-A@: b", b"X-A\": b", b"X/A: b", b"X[A: b", b"{X: b", b"X=A: b",
        b"X\x7f: b", b"X-A: \x08", b"X-A: \x1b[31m", b"X,A: b", b"X;A: b", b"X?A: b", b"X\\A: b",
    ], with_line)
    add("chunk", [
        b"5;a=b\r\nhello\r\n0\r\n\r\n", b"5;\r\nhello\r\n0\r\n\r\n", b"5 ;a\r\nhello\r\n0\r\n\r\n", b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b"g\r\nhello\r\n0\r\n\r\n", b"\r\nhello\r\n0\r\n\r\n",
        b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n", b"10000000000000005\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"5\rhello\r\n0\r\n\r\n",
        b"5\r\nhello\r0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0;x\r\n\r\n", b"5\x00\r\nhello\r\n0\r\n\r\n",
        b"5;\nGET /smuggled HTTP/1.1\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\nX: y\n\r\n", b"5\r\nhello\r\n0\r\nX : y\r\n\r\n",
        b"5\r\nhello\r\n0\r\n X: y\r\n\r\n", b"5\t\r\nhello\r\n0\r\n\r\n", b"5.\r\nhello\r\n0\r\n\r\n", b"5,5\r\nhello\r\n0\r\n\r\n",
    ], lambda b: chunked(b + INNER))
    add("start line", [
        b"GET  / HTTP/1.1", b"GET\t/ HTTP/1.1", b"GET /\tHTTP/1.1", b"GET /", b"GET / HTTP/0.9", b"GET / HTTP/2.0", b"GET / HTTP/3.0",
        b"GET / HTTP/11.1", b"GET / http/1.1", b"GET / HTTP /1.1", b" GET / HTTP/1.1", b"GET / HTTP/1.1 x", b"GET / HTTP/1.", b"GET / HTTP/1",
        b"GET / HTTP/-1.1", b"GET / HTTP/1.1\x00", b"GET / HTP/1.1", b"GET / / HTTP/1.1", b"get / HTTP/1.1", b"G@T / HTTP/1.1",
        b"FROBNICATE / HTTP/1.1", b"GET\x00 / HTTP/1.1", b"GET / HTTP/1.1\nX: y", b"GET / HTTP/1.1\rX: y", b"/ HTTP/1.1", b"HTTP/1.1 200 OK",
        b"PRI * HTTP/2.0", b"GET\x0b/\x0bHTTP/1.1", b"GET / RTSP/1.0", b"GET / ICE/1.0",
    ], lambda line: line + b"\r\nHost: localhost" + END)
    add("target", [
        b"/#fragment", b"/a#", b"/a b", b"/\x01", b"/\x7f", b"/%00", b"/%", b"/%2", b"/%zz", b"/%g0", b"/a%", b"a", b"*", b"//\x00", b"/%0",
        b"?x", b"/\x00", b"/a\x0b", b"localhost:80", b"/%u0041",
    ], target)
    add("host", [
        b"", b"Host: localhost\r\nHost: localhost", b"Host: localhost\r\nHost: other", b"Host: localhost, other", b"Host: local host",
        b"Host: localhost/x", b"Host: user@localhost", b"Host: localhost\x00", b"Host: localhost#x", b"Host: localhost?x", b"Host : localhost",
        b"Host:\r\n localhost", b"Host: localhost\r\nhost: localhost", b"Host: local\x01host", b"Host: localhost:port", b"Host: [::1",
    ], lambda h: b"GET / HTTP/1.1\r\n" + (h + b"\r\n" if h else b"") + b"X-Last: 1" + END)
    out.append(("method CONNECT", b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443" + END))
    out.append(("too many fields", with_line(b"\r\n".join(b"X-%d: y" % i for i in range(150)))))
    out.append(("long field", with_line(b"X-A: " + b"b" * 70000)))
    out.append(("long target", target(b"/" + b"a" * 70000)))
    out.append(("long name", with_line(b"X" * 70000 + b": b")))
    return out


def either():
    """(name, raw request) of what may pass, once and with one meaning."""
    rows = [
        post(b"Content-Length: 10", INNER[:10]), post(b"Content-Length: %d" % len(INNER), INNER),
        post(b"Content-Length: 0"), post(b"Transfer-Encoding: Chunked", b"5\r\nhello\r\n0\r\n\r\n"),
        post(b"Transfer-Encoding: chunked ", b"5\r\nhello\r\n0\r\n\r\n"), post(b"Transfer-Encoding:chunked", b"5\r\nhello\r\n0\r\n\r\n"),
        post(b"Transfer-Encoding:\tchunked", b"5\r\nhello\r\n0\r\n\r\n"), chunked(b"00005\r\nhello\r\n000\r\n\r\n"),
        chunked(b"5\r\nhello\r\n0\r\nX-Trailer: y\r\n\r\n"), chunked(b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"),
        chunked(b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"), chunked(b"5\r\nhello\r\n0\r\nHost: other\r\n\r\n"),
        chunked(b"A\r\n0123456789\r\n0\r\n\r\n"), chunked(b"a\r\n0123456789\r\n0\r\n\r\n"),
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d" % len(INNER) + END + INNER,
        b"HEAD / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d" % len(INNER) + END + INNER,
        b"\r\nGET / HTTP/1.1\r\nHost: localhost" + END, b"\r\n\r\nGET / HTTP/1.1\r\nHost: localhost" + END,
        with_line(b"Connection: content-length"), post(b"Connection: content-length\r\nContent-Length: 5", b"hello"),
        post(b"Connection: transfer-encoding\r\nTransfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n"), with_line(b"Connection: host"),
        with_line(b"Connection: close, x-last"), with_line(b"Content_Length: 5"), with_line(b"Transfer_Encoding: chunked"),
        with_line(b"X-A: \xe9"), with_line(b"X-A:"), with_line(b"X-A: a\tb"), with_line(b"Expect: 200-ok"),
        with_line(b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings"),
        with_line(b"Upgrade: websocket\r\nConnection: upgrade"), with_line(b"Keep-Alive: timeout=5"), with_line(b"Proxy-Connection: close"),
        with_line(b"TE: trailers"), with_line(b"Trailer: Content-Length"), target(b"http://localhost/"), target(b"http://other.example/"),
        target(b"/../../etc"), target(b"/%2e%2e/x"), target(b"/a%2fb"), target(b"//x"), target(b"/a\\b"), target(b"/a;b"), target(b"/\xc3\xa9"),
        b"OPTIONS * HTTP/1.1\r\nHost: localhost" + END, b"GET / HTTP/1.0\r\nHost: localhost" + END, b"GET / HTTP/1.0" + END,
        b"POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked" + END + b"5\r\nhello\r\n0\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: localhost" + END, b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0" + END,
        with_line(b"X-HTTP-Method-Override: DELETE"), with_line(b"Host-X: other"), with_line(b"X-Forwarded-Host: other"),
    ]
    return [(f"either {i}: {raw[:70]!r}", raw) for i, raw in enumerate(rows)]
