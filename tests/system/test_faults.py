# SPDX-License-Identifier: Apache-2.0
"""The app's view of a faulty server: an answer with a reason or a broken connection, never a short answer that looks complete (B7, C4, C10)."""
import json
import unittest

import faults
import harness
import peers

TIMEOUTS = 'timeouts = { connect = "1s"; handshake = "1s"; response = "500ms"; idle = "500ms"; };'


class Faults(harness.Case):
    def server(self, fault, tls):
        def handle(server, connection):
            fault(server, connection)
        if tls:
            made = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root")), handle)
        else:
            made = peers.Server(self, handle)
        made.executed = []
        return made

    def ask(self, connection, method):
        body = b"Content-Length: 4\r\n\r\nbody" if method == "POST" else b"\r\n"
        connection.sendall(f"{method} /it HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode() + body)
        return peers.response(connection, method)

    def connect_injector(self):
        return peers.connect(self.port)

    def connect_verifier(self):
        return peers.secure(self.port, peers.client_context(self.pki.ca("root"), self.pki.client()))

    def outcome(self, answer):
        status, fields, body, complete = answer
        if not complete:
            return faults.BROKEN, ""
        names = {n.lower(): v for n, v in fields}
        if names.get("content-type", "").startswith("application/problem+json"):
            return faults.TOLD, (status, json.loads(body)["reason"])
        return faults.WHOLE, f"{status} {body[:20]!r}"

    def check(self, row, role, method, server, answer):
        name, _, expected, told = row
        what, detail = self.outcome(answer)
        self.rows.append((name, role, method, what if what != faults.TOLD else f"{detail[0]} {detail[1]}", len(server.executed)))
        self.assertEqual(expected, what, (name, role, method, answer))
        if told is not None:
            self.assertEqual(told[0], detail[0], (name, role, method, answer))
            if told[1] is not None:
                self.assertEqual(told[1], detail[1], (name, role, method, answer))
        self.assertLessEqual(len(server.executed), 1 if method == "POST" else 2, f"{name}: {method} was executed {len(server.executed)} times")

    def run_table(self, role):
        self.rows = []
        for row in faults.TABLE:
            server = self.server(row[1], role == "injector")
            if role == "injector":
                self.port = self.injector(server.port, upstream=TIMEOUTS)
            else:
                text = self.verifier_text(harness.free_port(), server.port).replace("upstreams = { app = {", "upstreams = { app = { " + TIMEOUTS)
                self.port = int(text.split('bind = "127.0.0.1:')[1].split('"')[0])
                self.mtlsd = self.daemon(text, [self.port])
            for method in ("GET", "POST"):
                with self.subTest(fault=row[0], role=role, method=method):
                    before = len(server.executed)
                    with (self.connect_injector if role == "injector" else self.connect_verifier)() as connection:
                        answer = self.ask(connection, method)
                    server.executed = server.executed[before:]
                    self.check(row, role, method, server, answer)
            self.mtlsd.stop()
        width = max(len(r[0]) for r in self.rows)
        print("\n  " + "\n  ".join(f"{n:{width}}  {r:8}  {m:4}  {w:24} executed {e}" for n, r, m, w, e in self.rows))

    def test_an_app_behind_the_injector(self):
        self.run_table("injector")

    def test_a_caller_of_the_verifier(self):
        self.run_table("verifier")

    def test_the_answer_after_two_answers_is_its_own(self):
        """The second answer of a server is nobody's: the next request gets a new connection."""
        def handle(server, connection):
            request = faults.read_request(server, connection)
            mine = request.target.encode()
            connection.sendall(peers.reply(mine) + peers.reply(b"poison"))
            faults.wait_for_end(connection)
        server = self.server(handle, True)
        self.port = self.injector(server.port)
        with peers.connect(self.port) as app:
            for n in range(20):
                app.sendall(f"GET /{n} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
                status, _, body, complete = peers.response(app)
                self.assertEqual((200, f"/{n}".encode(), True), (status, body, complete))

    def test_an_early_no_ends_the_upload_and_both_connections(self):
        """C4: an answer before the request was read is passed on, and neither connection is used again."""
        def handle(server, connection):
            peers.read_until(connection, b"\r\n\r\n")
            connection.sendall(peers.reply(b"too much", "413 Content Too Large"))
            faults.wait_for_end(connection)
        server = self.server(handle, True)
        self.port = self.injector(server.port)
        with peers.connect(self.port) as app:
            app.sendall(b"POST /up HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 1000)
            status, fields, body, complete = peers.response(app)
            self.assertEqual((413, b"too much", True), (status, body, complete))
            self.assertEqual("close", {n.lower(): v for n, v in fields}.get("connection"))
            app.settimeout(10)
            self.assertEqual(b"", app.recv(10))
        self.assertEqual(1, server.accepted)


if __name__ == "__main__":
    harness.main()
