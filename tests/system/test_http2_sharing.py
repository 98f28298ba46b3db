# SPDX-License-Identifier: Apache-2.0
"""Connections of HTTP/2 to upstreams: shared by many requests, within what the upstream allows, and given up when it falls silent."""
import threading
import time

import h2case
import h2frames as h2
import harness
from h2frames import headers
from harness import free_port

LATE_S = 5


class Upstreams(h2case.Case):
    def test_an_upstream_that_allows_one_stream_serves_many(self):
        """The second request waits or gets a connection of its own; it is not refused."""
        def talk(end):
            while end.until(lambda: any(s.ended for s in end.streams.values())):
                running = [n for n, s in end.streams.items() if s.ended]
                self.most = max(self.most, len(end.streams))
                time.sleep(0.02)
                end.send(headers(running[0], [(":status", "200")]))
                del end.streams[running[0]]
        self.most = 0
        port = self.far_front(self.h2_server(talk, (h2.MAX_CONCURRENT_STREAMS, 1)).port)
        end = self.client(port)
        numbers = range(1, 21, 2)
        end.send(*(headers(n, h2.request()) for n in numbers))
        self.assertTrue(end.until(lambda: all(end.stream(n).is_over for n in numbers), LATE_S))
        self.assertEqual([200] * 10, [end.stream(n).status for n in numbers])
        self.assertEqual(1, self.most)

    def test_many_clients_share_connections_and_handshakes(self):
        accepted = []

        def talk(end):
            accepted.append(end)
            while end.until(lambda: any(s.ended for s in end.streams.values())):
                for n in [n for n, s in end.streams.items() if s.ended]:
                    end.send(headers(n, [(":status", "200")]))
                    del end.streams[n]
        port = self.far_front(self.h2_server(talk).port)
        clients = [self.client(port) for _ in range(30)]
        for end in clients:
            end.send(headers(1, h2.request()), headers(3, h2.request()))
        for end in clients:
            self.assertTrue(end.until(lambda end=end: end.stream(1).is_over and end.stream(3).is_over))
            self.assertEqual((200, 200), (end.stream(1).status, end.stream(3).status))
        self.assertLessEqual(len(accepted), 2)

    def test_an_upstream_that_says_goodbye_after_each_answer_loses_no_request(self):
        def talk(end):
            if end.until(lambda: any(s.ended for s in end.streams.values())):
                n = max(n for n, s in end.streams.items() if s.ended)
                end.send(headers(n, [(":status", "200")]), h2.goaway(n))
                end.until(lambda: end.closed, 1)
        port = self.far_front(self.h2_server(talk).port)
        end = self.client(port)
        self.assertEqual([200] * 20, [end.ask().status for _ in range(20)])

    def test_a_connection_that_falls_silent_takes_one_request_more(self):
        """An upstream that stops answering, without an end: the first request waits in vain, and the next one opens another connection."""
        def talk(end):
            self.conversations += 1
            first = self.conversations == 1
            while end.until(lambda: any(s.ended for s in end.streams.values())):
                n = max(n for n, s in end.streams.items() if s.ended)
                del end.streams[n]
                end.send(headers(n, [(":status", "200")]))
                if first:
                    over.wait(8)
                    return
        self.conversations, over = 0, threading.Event()
        port = free_port()
        self.mtlsd = self.daemon(self.injector_text(port, f"localhost:{self.h2_server(talk).port}", upstream='timeouts = { response = "500ms"; };'), [port])
        end = self.client(port)
        self.assertEqual(200, end.ask().status)
        self.assertEqual([504, 200, 200], [end.ask(seconds=3).status for _ in range(3)])
        over.set()


if __name__ == "__main__":
    harness.main()
