# SPDX-License-Identifier: Apache-2.0
"""Upstreams that close idle connections: the pool does not use a connection that its server may be closing, so no request is lost."""
import shutil
import threading
import time
import unittest

import harness
import peers
from harness import free_port

NODE = """
const server = require("http").createServer((request, response) => {
    request.resume();
    request.on("end", () => response.end(String(server.connections_seen)));
});
server.connections_seen = 0;
server.on("connection", () => server.connections_seen++);
server.keepAliveTimeout = 2000;
server.listen(Number(process.argv[2]), "127.0.0.1");
"""


def strict(case, timeout):
    """Says Keep-Alive and resets a connection that is used in the last second of it, as an unlucky race would."""
    def talk(server, connection):
        until = None
        while request := peers.read_until(connection, b"\r\n\r\n"):
            if until is not None and time.monotonic() > until:
                peers.reset(connection)
                return
            server.record(request)
            connection.sendall(peers.reply(b"ok", fields=[("Keep-Alive", f"timeout={timeout}")]))
            until = time.monotonic() + timeout - 0.95
    return peers.Server(case, talk)


class KeepAlive(harness.Case):
    def post(self, port):
        return self.curl("-X", "POST", "-d", "x", f"http://127.0.0.1:{port}/")

    def plain(self, target):
        port = free_port()
        self.mtlsd = self.daemon(f"""
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{target}" ]; }}; }};
            listeners = {{ local = {{ bind = "127.0.0.1:{port}"; upstream = "app"; }}; }};""", [port])
        return port

    def test_a_kept_connection_is_not_used_in_its_last_second(self):
        server = strict(self, 2)
        port = self.plain(server.port)
        for pause in (0, 0.1, 1.2, 0):
            time.sleep(pause)
            answer = self.post(port)
            self.assertEqual(200, answer.status, answer.text)
        self.assertEqual(2, server.accepted)
        self.assertNotIn("retries", self.mtlsd.log)

    def test_one_second_is_not_kept_at_all(self):
        server = strict(self, 1)
        port = self.plain(server.port)
        for _ in range(3):
            self.assertEqual(200, self.post(port).status)
        self.assertEqual(3, server.accepted)

    @unittest.skipUnless(shutil.which("node"), "needs node")
    def test_node_loses_no_request(self):
        target = free_port()
        self.spawn("node", ["node", self.write("server.js", NODE), target], [target])
        port = self.plain(target)
        wrong = []

        def ask(pause):
            for _ in range(3):
                answer = self.post(port)
                if answer.status != 200:
                    wrong.append((pause, answer.status, answer.text))
                time.sleep(pause)
        askers = [threading.Thread(target=ask, args=(1.9 + 0.01 * i,)) for i in range(20)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        self.assertEqual([], wrong)
        self.assertNotIn("retries", self.mtlsd.log)


if __name__ == "__main__":
    harness.main()
