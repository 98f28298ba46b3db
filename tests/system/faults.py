# SPDX-License-Identifier: Apache-2.0
"""Servers with one fault each. A fault is a function of (server, connection). On a TLS server the handshake is complete when the function is called."""
import contextlib
import socket
import ssl
import time

import peers

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n"
BODY = b"b" * 1000


def read_request(server, connection):
    """The whole request; it was executed once it is read."""
    request = peers.StrictReader(connection, server.record).request()
    if request is not None:
        with server.lock:
            server.executed.append(request.method)
    return request


def abort(connection):
    """RST for a plain connection; under TLS the nearest to it: the raw end without a goodbye."""
    if isinstance(connection, ssl.SSLSocket):
        raw = socket.socket(fileno=connection.detach())
        peers.reset(raw)
    else:
        peers.reset(connection)


def silent(server, connection):
    read_request(server, connection)
    wait_for_end(connection)


def wait_for_end(connection):
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass


def says(*parts, end="close", read=True):
    """Reads the request, writes the parts, ends: "close" cleanly, "abort", or "keep" and wait for the other end to go."""
    def fault(server, connection):
        if read and read_request(server, connection) is None:
            return
        for part in parts:
            connection.sendall(part)
        if end == "abort":
            time.sleep(0.05) # let it be read: a reset may overtake what was sent
            abort(connection)
        elif end == "keep":
            wait_for_end(connection)
        elif isinstance(connection, ssl.SSLSocket):
            connection.unwrap()
    return fault


def drips(server, connection):
    read_request(server, connection)
    connection.sendall(HEAD + b"\r\n")
    for _ in range(5):
        connection.sendall(b"b")
        time.sleep(0.05)
    wait_for_end(connection)


TOLD, BROKEN, WHOLE = "told", "broken", "whole"

# name, fault, what the app sees, (status, reason) when it is told
TABLE = [
    ("hangs after the request", silent, TOLD, (504, "response_timeout")),
    ("closes without an answer", says(), TOLD, (502, "upstream_closed")),
    ("resets without an answer", says(end="abort"), TOLD, (502, "upstream_closed")),
    ("closes in the head", says(b"HTTP/1.1 200 OK\r\nContent-"), TOLD, (502, "truncated")),
    ("resets in the head", says(b"HTTP/1.1 200 OK\r\nContent-", end="abort"), TOLD, (502, None)),
    ("stalls in the head", says(b"HTTP/1.1 200 OK\r\nContent-", end="keep"), TOLD, (504, "response_timeout")),
    ("closes in the body", says(HEAD + b"\r\n", BODY[:500]), BROKEN, None),
    ("resets in the body", says(HEAD + b"\r\n", BODY[:500], end="abort"), BROKEN, None),
    ("stalls in the body", says(HEAD + b"\r\n", BODY[:500], end="keep"), BROKEN, None),
    ("drips, then stalls", drips, BROKEN, None),
    ("ends a chunked body without its last chunk",
     says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), BROKEN, None),
    ("breaks a chunk", says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX\r\n0\r\n\r\n", end="keep"), BROKEN, None),
    ("answers garbage", says(b"\x00\x01\x02 garbage\r\n\r\n", end="keep"), TOLD, (502, "upstream_protocol")),
    ("answers as another protocol", says(b"220 mail.example ESMTP\r\n\r\n", end="keep"), TOLD, (502, "upstream_protocol")),
    ("gives two lengths", says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", end="keep"), TOLD,
     (502, "upstream_protocol")),
    ("gives a length and chunks", says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", end="keep"), TOLD,
     (502, "upstream_protocol")),
    ("ends lines without CR", says(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", end="keep"), TOLD, (502, "upstream_protocol")),
    ("folds a field", says(b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok", end="keep"), TOLD, (502, "upstream_protocol")),
    ("sends a head without end", says(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 200000, end="keep"), TOLD, (502, "upstream_protocol")),
    ("switches protocols unasked", says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", end="keep"), TOLD,
     (502, "upstream_protocol")),
    ("answers twice", says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst" b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond", end="keep"),
     WHOLE, None),
    ("gives 204 a body", says(b"HTTP/1.1 204 No Content\r\n\r\nsmuggled", end="keep"), WHOLE, None),
]
