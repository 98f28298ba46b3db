# SPDX-License-Identifier: Apache-2.0
"""Our own pages behind routes (serve): the same guards and rules as for everything else, HTTP/1.1 and HTTP/2, and streams that cost nothing."""
import base64
import hashlib
import re
import signal
import socket

import harness
import peers
from harness import free_port, wait_for

PAGES = """{ path = "/mtlsd"; serve = "dashboard"; }, { path = "/status"; serve = "status"; },
           { path = "/health"; serve = "health"; }, { path = "/metrics"; serve = "metrics"; }, """


class Serve(harness.Case):
    def local(self, extra="", workers=2):
        """A plaintext listener on loopback with every page, and two targets behind it."""
        self.backends = [peers.Backend(self, answer=lambda request, n=n: peers.reply(b"worker%d" % n)) for n in (1, 2)]
        targets = ", ".join(f'{{ address = "127.0.0.1:{b.port}"; route = "w{n}"; }}' for n, b in enumerate(self.backends, 1))
        self.port = free_port()
        self.mtlsd = self.daemon(f"""workers = {workers}; drain_timeout = "20s";
            upstreams = {{ app = {{ targets = ( {targets} ); sticky = {{ cookie = "S"; mode = "suffix"; }}; }}; }};
            listeners = {{ in = {{ bind = "127.0.0.1:{self.port}"; routes = ( {PAGES} {{ upstream = "app"; }} ); {extra} }}; }};""", [self.port], prelude="")
        return f"http://localhost:{self.port}"

    def guarded(self):
        """A listener for other hosts: one caller may see the page, another may not."""
        backend = peers.Backend(self)
        port = free_port()
        text = self.verifier_text(port, backend.port).replace('upstream = "app";\n', f"""
            routes = ( {{ path = "/mtlsd"; serve = "dashboard"; allow = ( {{ cn = "client1"; }} ); }}, {{ path = "/health"; serve = "health"; }},
                       {{ upstream = "app"; }} );\n""", 1).replace(f"127.0.0.1:{port}", f"0.0.0.0:{port}")
        self.mtlsd = self.daemon(text, [port])
        return port

    def form(self, url, change, *arguments, page=None):
        nonce = re.search(r'name="nonce" value="([0-9a-f]{32})"', page or self.curl(url).text)[1]
        fields = [part for pair in {"nonce": nonce, **change}.items() for part in ("--data-urlencode", "=".join(pair))]
        return self.curl(*fields, *arguments, url)

    def test_each_page_is_served_by_both_versions_of_http(self):
        url = self.local()
        for version in ("--http1.1", "--http2-prior-knowledge"):
            self.assertIn("<h2>Targets</h2>", self.curl(version, f"{url}/mtlsd").text)
            self.assertEqual(2, self.curl(version, f"{url}/mtlsd?json").json()["workers"])
            self.assertEqual("app", self.curl(version, f"{url}/status").json()["upstreams"][0]["name"], "and no page among the upstreams")
            self.assertEqual((200, "ready"), ((answer := self.curl(version, f"{url}/health")).status, answer.json()["result"]))
            self.assertIn("mtlsd_build_info", self.curl(version, f"{url}/metrics").text)
            self.assertEqual(405, self.curl(version, "-X", "POST", f"{url}/status").status)
            self.assertEqual(200, self.curl(version, "-I", f"{url}/mtlsd").status)
        self.assertIn("worker", self.curl(f"{url}/").text)

    def test_the_policy_names_the_style_and_the_script_by_their_hashes(self):
        page = self.curl(f"{self.local()}/mtlsd")
        policy = page.header("Content-Security-Policy")
        for element in ("style", "script"):
            text = re.search(rf"<{element}>(.*?)</{element}>", page.text, re.S)[1]
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            self.assertIn(f"{element}-src 'sha256-{digest}'", policy, f"write this hash into dashboard_fields, for the {element}")

    def test_a_button_drains_a_target_and_the_log_says_who(self):
        url = self.local(workers=4)
        drain = {"target": "app/w1", "do": "drain"}
        done = self.form(f"{url}/mtlsd", drain)
        self.assertEqual((303, "?"), (done.status, done.header("Location")))
        self.assertEqual({"worker2"}, {self.curl(f"{url}/").text for _ in range(6)})
        self.assertEqual("worker1", self.curl("-H", "Cookie: S=1.w1", f"{url}/").text, "a session stays")
        self.assertEqual(303, self.form(f"{url}/mtlsd", {"target": "app/w1", "do": "disable"}).status)
        self.assertEqual("worker2", self.curl("-H", "Cookie: S=1.w1", f"{url}/").text, "a session moves")
        self.assertRegex(self.mtlsd.log, r"target \"drained\" upstream=app target=w1 asked_by=\"127.0.0.1 on the dashboard\"")

    def test_what_another_page_could_have_sent_is_refused(self):
        """Host, Origin, nonce and method, each alone (E1, E6)."""
        url = self.local()
        page, drain = f"{url}/mtlsd", {"target": "app/w1", "do": "drain"}
        self.assertEqual(403, self.curl("-H", "Host: evil.example", page).status, "DNS rebinding")
        self.assertEqual(403, self.curl("-H", "Origin: http://evil.example", page).status)
        self.assertEqual(403, self.form(page, drain, "-H", "Origin: http://evil.example").status)
        self.assertEqual(403, self.form(page, drain, "-H", "Sec-Fetch-Site: cross-site").status)
        self.assertEqual(403, self.curl("-d", "target=app/w1&do=drain", page).status, "no nonce")
        self.assertEqual(200, self.form(page, drain, "-G").status, "a GET shows the page")
        self.assertEqual({"up"}, {t["state"] for t in self.curl(f"{page}?json").json()["upstreams"][0]["targets"]})
        self.assertEqual(303, self.form(page, drain, "-H", f"Origin: {url}", "-H", "Sec-Fetch-Site: same-origin").status)

    def test_a_listener_for_other_hosts_shows_it_to_allowed_callers_only(self):
        port = self.guarded()
        other = self.pki.leaf("other", cn="other", eku=("clientAuth",))
        self.assertEqual(403, self.curl_tls(port, path="/mtlsd", client=other).status)
        self.assertEqual(200, self.curl_tls(port, path="/health", client=other).status)
        page = self.curl_tls(port, path="/mtlsd")
        self.assertEqual(200, page.status, page.error)
        target = re.search(r'name="target" value="([^"]*)"', page.text)[1]
        nonce = re.search(r'name="nonce" value="([^"]*)"', page.text)[1]
        done = self.curl_tls(port, "-H", "Mtlsd-Caller: root", "--data-urlencode", f"target={target}", "-d", f"nonce={nonce}&do=drain", path="/mtlsd")
        self.assertEqual(303, done.status)
        self.assertRegex(self.mtlsd.log, r'target "drained" .*asked_by="CN=client1.* from 127.0.0.1 on the dashboard"')

    def stream(self, port, version=socket.AF_INET):
        """A reader that takes next to nothing and reads nothing."""
        connection = socket.socket(version)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.connect(("127.0.0.1", port))
        connection.sendall(b"GET /mtlsd?events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return self.enterContext(connection)

    def test_ten_readers_that_never_read_cost_little_and_hold_up_nothing(self):
        url = self.local()
        self.curl(f"{url}/mtlsd")
        before = self.mtlsd.rss_kb()
        readers = [self.stream(self.port) for _ in range(10)]
        with peers.connect(self.port) as reader:
            reader.sendall(b"GET /mtlsd?events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            got = b""
            while got.count(b"data: <section id=\"instance\">") < 3:
                got += reader.recv(65536)
        self.assertIn(b"Content-Type: text/event-stream", got)
        self.assertIn("worker", self.curl(f"{url}/").text)
        self.assertLess(self.mtlsd.rss_kb() - before, 20 << 10)
        more = [self.stream(self.port) for _ in range(8)]
        wait_for(lambda: sum(b" 503 " in c.recv(64, socket.MSG_PEEK) for c in more) >= 1, "the limit of streams")
        self.assertEqual(200, self.curl(f"{url}/mtlsd").status, "the page itself has no such limit")
        self.assertEqual(10, len(readers))

    def test_a_stream_holds_up_neither_a_reload_nor_a_drain(self):
        self.local()
        with peers.connect(self.port) as reader:
            reader.sendall(b"GET /mtlsd?events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertIn(b"text/event-stream", reader.recv(4096))
            self.mtlsd.signal(signal.SIGHUP)
            got = b""
            while not got.endswith(b"\r\n0\r\n\r\n"):
                self.assertTrue(piece := reader.recv(65536), "the answer ends, the connection does not")
                got += piece
        with peers.connect(self.port) as reader:
            reader.sendall(b"GET /mtlsd?events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertIn(b"text/event-stream", reader.recv(4096))
            self.mtlsd.signal(signal.SIGTERM)
            self.assertEqual(0, self.mtlsd.wait(10))


if __name__ == "__main__":
    harness.main()
