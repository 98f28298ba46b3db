# SPDX-License-Identifier: Apache-2.0
"""max_connection_age: a connection ends between two requests, and is cut at a set time where there is no such place."""
import re
import socket

import harness
import peers
from harness import free_port, wait_for

AGE = 'timeouts = { max_connection_age = "1s"; };'
GRACE = 'timeouts = { max_connection_age = "1s"; max_connection_age_grace = "500ms"; };'
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
GOAWAY = 7


def frames(connection):
    """(type, payload) of each frame."""
    data = b""
    while True:
        while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
            size = int.from_bytes(data[:3], "big")
            yield data[3], data[9:9 + size]
            data = data[9 + size:]
        more = connection.recv(65536)
        if not more:
            return
        data += more


class Ages(harness.Case):
    def front(self, backend, listener="", upstream="", protocol="http"):
        port = free_port()
        self.mtlsd = self.daemon(f"""
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{backend}" ]; {upstream} }}; }};
            listeners = {{ local = {{ bind = "127.0.0.1:{port}"; upstream = "app"; protocol = "{protocol}"; {listener} }}; }};""", [port])
        return port

    def silent(self):
        return peers.Server(self, lambda server, connection: [server.record(data) for data in iter(lambda: connection.recv(4096), b"")]).port

    def until_close(self, port):
        """Requests on one connection until a response ends it; all are answered."""
        with peers.connect(port) as connection:
            def ask():
                connection.sendall(REQUEST)
                status, head = peers.response(connection)[:2]
                self.assertEqual(200, status)
                return bool(re.search(r"(?i)connection.{1,4}close", str(head)))
            wait_for(ask, "Connection: close", pause=0.1)
            self.assertEqual(b"", connection.recv(1))

    def test_a_client_is_told_to_open_a_new_connection(self):
        port = self.front(peers.Backend(self).port, AGE)
        self.until_close(port)
        self.until_close(port)

    def test_it_counts_for_connections_that_are_open_when_it_is_loaded(self):
        port = self.front(peers.Backend(self).port)
        with peers.connect(port) as connection:
            connection.sendall(REQUEST)
            self.assertEqual(200, peers.response(connection)[0])
            path = self.mtlsd.config_path
            path.write_text(path.read_text().replace('protocol = "http";', 'protocol = "http"; ' + AGE))
            self.mtlsd.signal(1)

            def ask():
                connection.sendall(REQUEST)
                return "close" in str(peers.response(connection)[1])
            wait_for(ask, "Connection: close", pause=0.1)

    def test_a_client_of_http2_gets_goaway(self):
        port = self.front(peers.Backend(self).port, AGE)
        with peers.connect(port) as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
            goaway = next(payload for kind, payload in frames(connection) if kind == GOAWAY)
        self.assertEqual(0, int.from_bytes(goaway[4:8], "big"))

    def test_a_request_may_run_on_without_a_grace(self):
        port = self.front(self.silent(), AGE)
        with peers.connect(port, timeout=3) as connection:
            connection.sendall(REQUEST)
            with self.assertRaises(socket.timeout):
                connection.recv(1)

    def test_a_request_is_answered_after_the_grace(self):
        port = self.front(self.silent(), GRACE)
        with peers.connect(port) as connection:
            connection.sendall(REQUEST)
            status, _, body = peers.response(connection)[:3]
        self.assertEqual((503, True), (status, b"connection_age" in body), body)
        wait_for(lambda: "reason=connection_age" in self.mtlsd.log, "the reason in the log")

    def test_a_tcp_connection_is_cut(self):
        port = self.front(self.silent(), AGE, protocol="tcp")
        with peers.connect(port) as connection:
            connection.sendall(b"x")
            with self.assertRaises(ConnectionResetError):
                connection.recv(1)
        wait_for(lambda: "connection_age" in self.mtlsd.log, "the reason")

    def test_an_upstream_gets_a_new_connection(self):
        connections = set()

        def answer(request):
            return peers.reply(b"ok")
        backend = peers.Backend(self, answer, before_body=lambda connection, request: connections.add(connection))
        port = self.front(backend.port, upstream=AGE)
        with peers.connect(port) as connection:
            def ask():
                connection.sendall(REQUEST)
                self.assertEqual(200, peers.response(connection)[0])
                return len(connections) > 2
            wait_for(ask, "a third connection to the upstream", pause=0.1)

    def test_what_runs_to_an_upstream_ends_after_the_grace(self):
        port = self.front(self.silent(), upstream=GRACE)
        with peers.connect(port) as connection:
            connection.sendall(REQUEST)
            status, _, body = peers.response(connection)[:3]
            self.assertEqual((503, True), (status, b"connection_age" in body), body)


if __name__ == "__main__":
    harness.main()
