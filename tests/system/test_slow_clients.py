# SPDX-License-Identifier: Apache-2.0
"""C7, D6: clients that hold their connections as long as they can. Timers close these connections, and other clients are served."""
import selectors
import socket
import threading
import time
import unittest

import harness
import peers
from harness import free_port, wait_for

TIMERS = 'timeouts = { header = "1s"; body = "1s"; write = "1s"; idle = "5s"; handshake = "1s"; min_body_rate = 500; };'
CROWD = 150


class Crowd:
    """Many clients in one thread: each sends first, then a drip every 100 ms, and reads nothing or everything."""

    def __init__(self, port, first, drip, reads=True):
        self.selector = selectors.DefaultSelector()
        self.open, self.ended = set(), 0
        self.drip, self.reads = drip, reads
        for _ in range(CROWD):
            s = socket.socket()
            if not reads:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.connect(("127.0.0.1", port))
            s.sendall(first)
            s.setblocking(False)
            self.open.add(s)

    def step(self):
        for s in list(self.open):
            try:
                if self.drip:
                    s.send(self.drip)
                if self.reads and s.recv(65536) == b"":
                    raise ConnectionResetError
            except BlockingIOError:
                pass
            except OSError:
                self.open.discard(s)
                s.close()
                self.ended += 1

    def run_until_ended(self, seconds):
        deadline = time.monotonic() + seconds
        while self.open and time.monotonic() < deadline:
            self.step()
            time.sleep(0.1) # the pace of the drip
        left = len(self.open)
        for s in self.open:
            s.close()
        return left


class SlowClients(harness.Case):
    def setUp(self):
        super().setUp()
        self.big = b"x" * (8 << 20)
        self.backend = peers.Backend(self, lambda r: peers.reply(self.big if r.target == "/big" else b"ok"))
        self.port = free_port()
        self.mtlsd = self.daemon(f"""
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }}; }};
            listeners = {{ front = {{ bind = "127.0.0.1:{self.port}"; upstream = "app"; {TIMERS} }}; }};""", [self.port])

    def served_meanwhile(self, crowd):
        """Runs the crowd to its end with a well-behaved client beside it."""
        stop, outcome = threading.Event(), []

        def behave():
            while not stop.wait(0.02): # a client, not another load
                with peers.connect(self.port, 10) as app:
                    for _ in range(5):
                        app.sendall(b"GET /small HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                        outcome.append(peers.response(app)[0])
        thread = threading.Thread(target=behave)
        thread.start()
        left = crowd.run_until_ended(20)
        stop.set()
        thread.join(20)
        self.assertEqual(0, left, "connections still held")
        self.assertGreater(len(outcome), 20)
        self.assertEqual({200}, set(outcome))

    def test_a_head_that_drips(self):
        self.served_meanwhile(Crowd(self.port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X-A: b\r\n"))

    def test_a_body_that_drips(self):
        """Each byte comes in time; the whole is far below the rate."""
        self.served_meanwhile(Crowd(self.port, b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n", b"b"))

    def test_a_body_that_stops(self):
        self.served_meanwhile(Crowd(self.port, b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\nb", b""))

    def test_an_answer_that_is_not_read(self):
        self.served_meanwhile(Crowd(self.port, b"GET /big HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"\r\n", reads=False))

    def test_memory_stays_bounded_while_nobody_reads(self):
        """D6: what waits for a reader is bounded, whatever the answer's size."""
        before = self.mtlsd.rss_kb()
        crowd = Crowd(self.port, b"GET /big HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"", reads=False)
        most = 0
        deadline = time.monotonic() + 20
        while crowd.open and time.monotonic() < deadline:
            crowd.step()
            for s in list(crowd.open):
                try:
                    if s.send(b"") == 0 and s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                        crowd.open.discard(s)
                except OSError:
                    crowd.open.discard(s)
            most = max(most, self.mtlsd.rss_kb())
            if time.monotonic() > deadline - 17:
                break
            time.sleep(0.1) # between two looks at the memory
        crowd.run_until_ended(0)
        allowed = CROWD * 256 * (4 if harness.is_sanitized() else 1)
        self.assertLess(most - before, allowed, f"{most - before} KiB for {CROWD} readers that do not read")


if __name__ == "__main__":
    harness.main()
