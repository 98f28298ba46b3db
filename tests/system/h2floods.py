#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that send more frames of a kind than anybody needs (row C6), in a process of their own, beside the client whose latency counts.

usage: h2floods.py [--again] PORT SECONDS [NAME...]     --again: with a new connection whenever one was cut off, on the time that others leave
Prints {"name": of the flood, "sent": bytes, "connections": n, "cut": whether the last one was cut off, "code": of its GOAWAY}, a line for each.
"""
import contextlib
import json
import os
import socket
import sys
import time

import h2frames as h2
import h2hpack

PIECE = 1 << 15


def many(one):
    """The same frames again and again, in pieces worth a system call."""
    piece = one * (PIECE // len(one) + 1)
    while True:
        yield piece


def on_new_streams(make, batch=100, first=1):
    """make(stream) for one stream after the other, until there are no more numbers."""
    for start in range(first, 1 << 31, 2 * batch):
        yield b"".join(make(start + 2 * i) for i in range(batch))


def reset_later(batch=100):
    """The resets of so many requests come behind all of them, when the other end may have begun with each."""
    for requests, resets in zip(on_new_streams(lambda n: h2.headers(n, GET), batch), on_new_streams(h2.rst, batch)):
        yield requests
        yield resets


def behind(first, pieces):
    yield first
    yield from pieces


GET = h2hpack.encode(h2.request())
POST = h2hpack.encode(h2.request("POST"))
OPEN = h2.END_HEADERS
CRUMBS = GET + b"".join(h2hpack.literal("cookie", f"a{i}=b") for i in range(200))
# Four kilobytes in the receiver's table, then one byte for each time that they are wanted.
BOMB = GET + h2hpack.literal("x", "y" * 4000, 0x40) + h2hpack.indexed(62) * 8000
LOOP = [h2.priority(1, 3), h2.priority(3, 5), h2.priority(5, 1)]


def empty_field(stream):
    return h2.headers(stream, GET + h2hpack.literal("", "") * 100)


FLOODS = {
    "ping": lambda: many(h2.ping()),
    "settings": lambda: many(h2.settings()),
    "settings with values": lambda: many(h2.settings((h2.HEADER_TABLE_SIZE, 0), (h2.HEADER_TABLE_SIZE, 4096), (h2.INITIAL_WINDOW_SIZE, 65535))),
    "acknowledgements": lambda: many(h2.ping(flags=h2.ACK)),
    "empty data": lambda: behind(h2.headers(1, POST, OPEN), many(h2.data(1, b"", 0))),
    "padded empty data": lambda: behind(h2.headers(1, POST, OPEN), many(h2.data(1, b"", 0, pad=0))),
    "priority": lambda: many(b"".join(h2.priority(2 * i + 1, 2 * i + 3) for i in range(1000))),
    "priority loops": lambda: many(b"".join(LOOP)),
    "window updates": lambda: many(h2.window_update(0, 1)),
    "window updates of a stream": lambda: behind(h2.headers(1, POST, OPEN), many(h2.window_update(1, 1))),
    "unknown frames": lambda: many(h2.frame(0xfa, 0, 0, b"x")),
    "rapid reset": lambda: on_new_streams(lambda n: h2.headers(n, GET) + h2.rst(n)),
    "reset a piece later": reset_later,
    "made you reset by a window": lambda: on_new_streams(lambda n: h2.headers(n, GET) + h2.window_update(n, 0)),
    "made you reset by an overflow": lambda: on_new_streams(lambda n: h2.headers(n, POST, OPEN) + h2.window_update(n, 0x7fffffff)),
    "made you reset by data after the end": lambda: on_new_streams(lambda n: h2.headers(n, GET) + h2.data(n, b"x")),
    # Where priorities are not followed, these are requests beyond the limit.
    "made you reset by a priority": lambda: on_new_streams(lambda n: h2.headers(n, POST, OPEN) + h2.priority(n, n)),
    "made you reset by a length": lambda: on_new_streams(lambda n: h2.headers(n, POST + h2hpack.literal("content-length", "1"), OPEN) + h2.data(n, b"xx")),
    "malformed requests": lambda: on_new_streams(lambda n: h2.headers(n, GET + h2hpack.literal("Upper", "x"))),
    "requests beyond the limit": lambda: on_new_streams(lambda n: h2.headers(n, POST, OPEN)),
    "endless continuation": lambda: behind(h2.headers(1, GET, 0), many(h2.continuation(1, h2hpack.literal("x-endless", "y" * 100), 0))),
    "empty continuation": lambda: behind(h2.headers(1, GET, 0), many(h2.continuation(1, b"", 0))),
    "empty fields": lambda: on_new_streams(empty_field, 10),
    "cookie crumbs": lambda: on_new_streams(lambda n: h2.headers(n, CRUMBS), 10),
    "header bomb": lambda: on_new_streams(lambda n: h2.headers(n, BOMB), 1),
    "resets of what is over": lambda: behind(h2.headers(1, GET), many(h2.rst(1))),
}
UNREAD = {  # what they are answered with is never read
    "unread pings": FLOODS["ping"],
    "unread settings": FLOODS["settings"],
    "unread answers": lambda: on_new_streams(lambda n: h2.headers(n, GET)),
}

PATIENCE_S = 2  # on a busy machine what was sent may not be read yet


def run(name, port, seconds, again=False):
    deadline, sent, connections, code, cut = time.monotonic() + seconds, 0, 0, None, False
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), h2.IO_S) as connection:
            connections += 1
            end = h2.End(connection)
            pieces = FLOODS[name]() if name in FLOODS else UNREAD[name]()
            more, cut = h2.flood(end, pieces, deadline - time.monotonic(), reads=name in FLOODS, patience=0 if again else PATIENCE_S)
            sent, code = sent + more, end.goaway
        if not again or time.monotonic() > deadline:
            return {"name": name, "sent": sent, "connections": connections, "cut": cut, "code": code}


if __name__ == "__main__":
    options = sys.argv[1:]
    anew = options[:1] == ["--again"]
    options = options[anew:]
    if anew:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    for which in options[2:] or [*FLOODS, *UNREAD]:
        print(json.dumps(run(which, int(options[0]), float(options[1]), anew)), flush=True)
