# SPDX-License-Identifier: Apache-2.0
"""A web server for revocation lists. The test says how it behaves."""
import http.server
import socketserver
import threading
import time


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def server_bind(self):
        """Without the look-up of our own name, which may ask a name server that is not there."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address


class ListServer:
    """Answers every GET by what answer(handler) does; counts them."""

    def __init__(self, case, host="127.0.0.1", port=0, path="/ca.crl"):
        self.seen, self.answered, self.answer = [], 0, None
        self.ended = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.seen.append((self.path, dict(self.headers), time.time()))
                try:
                    outer.answer(self)
                    outer.answered += 1
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.server = Listener((host, port), Handler)
        self.url = f"http://{host}:{self.server.server_address[1]}{path}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        case.addCleanup(self.stop)

    def stop(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def give(self, data, status=200, **fields):
        def answer(handler):
            handler.send_response(status)
            for name, value in fields.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
        self.answer = answer

    def give_tagged(self, data, tag):
        def answer(handler):
            same = handler.headers.get("If-None-Match") == tag
            handler.send_response(304 if same else 200)
            handler.send_header("ETag", tag)
            handler.send_header("Content-Length", "0" if same else str(len(data)))
            handler.end_headers()
            if not same:
                handler.wfile.write(data)
        self.answer = answer

    def give_huge(self):
        def answer(handler):
            handler.send_response(200)
            handler.end_headers()
            for _ in range(80):
                handler.wfile.write(b"x" * (1 << 20))
        self.answer = answer

    def give_in_drops(self):
        def answer(handler):
            handler.send_response(200)
            handler.end_headers()
            while not self.ended.wait(0.05):
                handler.wfile.write(b"-" * 100)
        self.answer = answer

    def give_slowly(self):
        def answer(handler):
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.flush()
            self.ended.wait(60)
        self.answer = answer
