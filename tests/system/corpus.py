# SPDX-License-Identifier: Apache-2.0
"""Raw requests that two readers could understand differently (C3, C4, C9, E1). Each has the name "class number: what".

refuse: must be answered with an error, and nothing of it may reach a backend (of a listener that is no forward proxy).
either: may be refused or passed, but what reaches a backend must be one request with one meaning.
admin: a path that some server takes for /admin or below; no rule about /admin may be passed by it.
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
        b"?x", b"/\x00", b"/a\x0b", b"localhost:80", b"/%u0041", b"/static/x.png#/../admin", b"/admin%00.png", b"/a?b#c", b"/a?%00", b"/\xc3\xa4",
    ], target)
    add("absolute target", [
        b"http://other.example/", b"http://localhost.other.example/", b"http://localhost:81/", b"http://localhost./", b"https://localhost/",
        b"ftp://localhost/", b"file:///etc/passwd", b"gopher://localhost/", b"http:/localhost/", b"http:localhost/", b"http:///", b"http://",
        b"http://:80/", b"http://localhost:0/", b"http://localhost:65616/", b"http://localhost:x/", b"http://user@localhost/",
        b"http://user:secret@localhost/", b"http://localhost@other.example/", b"http://other.example/@localhost/", b"http://localhost\\@other/",
        b"http://localhost#@other/", b"http://[::1/", b"http://[]/", b"http://%6cocalhost/", b"http://localhost,other/", b"ws://localhost/",
    ], target)
    add("absolute target and Host", [
        b"http://localhost/ HTTP/1.1", b"http://localhost/ HTTP/1.1\r\nHost: other.example", b"http://localhost/ HTTP/1.0\r\nHost: other.example",
        b"http://localhost/ HTTP/1.1\r\nHost: localhost\r\nHost: localhost", b"http://localhost:80/ HTTP/1.1\r\nHost: localhost:8080",
    ], lambda line: b"GET " + line + END)
    add("CONNECT", [
        b"localhost:443 HTTP/1.1\r\nHost: localhost:443", b"localhost:443 HTTP/1.0", b"localhost:443 HTTP/1.1\r\nHost: other:443",
        b"localhost HTTP/1.1\r\nHost: localhost", b"localhost: HTTP/1.1\r\nHost: localhost", b"localhost:0 HTTP/1.1\r\nHost: localhost",
        b"/ HTTP/1.1\r\nHost: localhost", b"/smuggled HTTP/1.1\r\nHost: localhost", b"* HTTP/1.1\r\nHost: localhost",
        b"http://localhost/ HTTP/1.1\r\nHost: localhost", b"user@localhost:443 HTTP/1.1\r\nHost: localhost",
        b"[::1]:443 HTTP/1.1\r\nHost: [::1]:443", b"localhost:443 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 44",
        b"localhost:443 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked",
    ], lambda line: b"CONNECT " + line + END + INNER)
    add("expectation", [
        b"200-ok", b"100-continue, x", b"100-continue\r\nExpect: x", b"", b"x=100-continue", b"100-continue;q=1", b"\"100-continue\"", b"100 continue",
    ], lambda v: post(b"Content-Length: 5\r\nExpect: " + v, five + INNER))
    add("chunk zeros", [
        b"0" * 40 + b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n" + b"0" * 40 + b"\r\n\r\n", b"0" * 100000, b"5\r\nhello\r\n" + b"0" * 100000,
        b"0" * 40 + b"g\r\n", b"0" * 40 + b";x\r\n",
    ], lambda b: chunked(b + INNER))
    add("host", [
        b"", b"Host: localhost\r\nHost: localhost", b"Host: localhost\r\nHost: other", b"Host: localhost, other", b"Host: local host",
        b"Host: localhost/x", b"Host: user@localhost", b"Host: localhost\x00", b"Host: localhost#x", b"Host: localhost?x", b"Host : localhost",
        b"Host:\r\n localhost", b"Host: localhost\r\nhost: localhost", b"Host: local\x01host", b"Host: localhost:port", b"Host: [::1",
    ], lambda h: b"GET / HTTP/1.1\r\n" + (h + b"\r\n" if h else b"") + b"X-Last: 1" + END)
    out.append(("too many fields", with_line(b"\r\n".join(b"X-%d: y" % i for i in range(150)))))
    out.append(("long field", with_line(b"X-A: " + b"b" * 70000)))
    out.append(("long target", target(b"/" + b"a" * 70000)))
    out.append(("long name", with_line(b"X" * 70000 + b": b")))
    return sorted(out, key=lambda row: row[0].startswith("chunk"))  # last, because their heads may reach a backend late


def either():
    """(name, raw request) of what may pass, once and with one meaning."""
    five = b"5\r\nhello\r\n0\r\n\r\n"
    rows = {
        "body": [
            post(b"Content-Length: 10", INNER[:10]), post(b"Content-Length: %d" % len(INNER), INNER), post(b"Content-Length: 0"),
            post(b"Transfer-Encoding: Chunked", five), post(b"Transfer-Encoding: chunked ", five), post(b"Transfer-Encoding:chunked", five),
            post(b"Transfer-Encoding:\tchunked", five), chunked(b"00005\r\nhello\r\n000\r\n\r\n"), chunked(b"5\r\nhello\r\n0\r\nX-Trailer: y\r\n\r\n"),
            chunked(b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"), chunked(b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
            chunked(b"5\r\nhello\r\n0\r\nHost: other\r\n\r\n"), chunked(b"A\r\n0123456789\r\n0\r\n\r\n"),
            chunked(b"a\r\n0123456789\r\n0\r\n\r\n"), chunked(b"0" * 20 + b"5\r\nhello\r\n" + b"0" * 20 + b"\r\n\r\n"),
            b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d" % len(INNER) + END + INNER,
            b"HEAD / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d" % len(INNER) + END + INNER,
            b"POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked" + END + five,
            b"PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0" + END,
        ],
        "start line": [
            b"\r\nGET / HTTP/1.1\r\nHost: localhost" + END, b"\r\n\r\nGET / HTTP/1.1\r\nHost: localhost" + END,
            b"GET / HTTP/1.0\r\nHost: localhost" + END, b"GET / HTTP/1.0" + END, b"TRACE / HTTP/1.1\r\nHost: localhost" + END,
        ],
        "Connection": [
            with_line(b"Connection: content-length"), post(b"Connection: content-length\r\nContent-Length: 5", b"hello"),
            post(b"Connection: transfer-encoding\r\nTransfer-Encoding: chunked", five), with_line(b"Connection: host"),
            with_line(b"Connection: close, x-last"), with_line(b"Keep-Alive: timeout=5"), with_line(b"Proxy-Connection: close"),
        ],
        "field": [
            with_line(b"Content_Length: 5"), with_line(b"Transfer_Encoding: chunked"), with_line(b"X-A: \xe9"), with_line(b"X-A:"),
            with_line(b"X-A: a\tb"), with_line(b"TE: trailers"), with_line(b"Trailer: Content-Length"), with_line(b"X-HTTP-Method-Override: DELETE"),
            with_line(b"Host-X: other"), with_line(b"X-Forwarded-Host: other"),
        ],
        "expectation": [
            with_line(b"Expect: 100-continue"), b"GET / HTTP/1.0\r\nHost: localhost\r\nExpect: 200-ok" + END,
            b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nMax-Forwards: 0" + END, b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nMax-Forwards: x" + END,
            b"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nMax-Forwards: 5" + END, with_line(b"Max-Forwards: 0"),
        ],
        "upgrade": [
            with_line(b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings"),
            with_line(b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade"),
            with_line(b"Upgrade: websocket, h2c\r\nConnection: upgrade"), with_line(b"Upgrade: websocket\r\nUpgrade: h2c\r\nConnection: upgrade"),
            with_line(b"Upgrade: websocket\r\nConnection: upgrade"), with_line(b"Upgrade: websocket"), with_line(b"Upgrade: TLS/1.3\r\nConnection: upgrade"),
            post(b"Upgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 5", b"hello"),
            b"GET / HTTP/1.0\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade" + END,
        ],
        "absolute target": [
            target(b"http://localhost/"), target(b"HTTP://LocalHost/"), target(b"http://localhost:80/"), target(b"http://localhost"),
            target(b"http://localhost?x"), b"OPTIONS http://localhost HTTP/1.1\r\nHost: localhost" + END, b"GET http://localhost/ HTTP/1.0" + END,
        ],
        "path": [
            target(b"/../../etc"), target(b"/%2e%2e/x"), target(b"/a%2fb"), target(b"//x"), target(b"/a\\b"), target(b"/a;b"),
            b"OPTIONS * HTTP/1.1\r\nHost: localhost" + END,
        ] + [raw for _, raw in admin()],
    }
    return [(f"{name} {i}: {raw[:70]!r}", raw) for name, group in rows.items() for i, raw in enumerate(group)]


def admin():
    """(name, raw request) of spellings that some server takes for /admin."""
    paths = [
        b"/admin", b"/admin/", b"/admin/x", b"/admin?x", b"/%61dmin", b"/%61%64%6D%69%6e", b"/admin%3fx", b"/./admin", b"/%2e/admin", b"/a/../admin",
        b"/a/%2e%2e/admin", b"/a/%2E./admin", b"/a/.%2e/admin", b"//admin", b"///admin", b"/a//../../admin", b"/\\admin", b"/%5cadmin", b"\\admin",
        b"/%2fadmin", b"/%2Fadmin", b"/a%2f..%2fadmin", b"/a/..%2fadmin", b"/a/..\\admin", b"/a/..%5cadmin", b"/admin;x", b"/admin;x=y/z", b"/;x/admin",
        b"/.;x/admin", b"/a/..;/admin", b"/a/..;x=y/admin", b"/a/%2e%2e;/admin", b"/a/..%3b/admin", b"/admin%00", b"/admin%00.png", b"/x#/../admin",
        b"/%c0%afadmin", b"/a/%c0%ae%c0%ae/admin", b"/a/%e0%80%ae%e0%80%ae/admin", b"/admin/.", b"/admin/..;/admin", b"/../admin", b"/..//admin",
        b"http://localhost/admin", b"http://localhost//admin", b"http://localhost/a/../admin", b"http://localhost/%61dmin", b"/admin%3bx", b"/admin#x",
        b"/a/../%61dmin", b"/%2e%2e/admin",
    ]
    return [(f"path {i}: {path!r}", target(path)) for i, path in enumerate(paths)]
