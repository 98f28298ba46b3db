# SPDX-License-Identifier: Apache-2.0
"""What `status` reports about targets and routes, and how an operator changes a target, while requests run."""
import json
import signal

import harness
import peers
from harness import free_port, wait_for


class Targets(harness.Case):
    def setUp(self):
        super().setUp()
        self.backends = [peers.Backend(self, answer=lambda request, n=n: peers.reply(b"worker%d" % n)) for n in (1, 2)]
        self.port, self.admin = free_port(), self.folder / "admin.sock"
        one, two = (backend.port for backend in self.backends)
        text = f"""
            admin = {{ socket = "unix:{self.admin}"; }};
            upstreams = {{
                app  = {{ targets = ( {{ address = "127.0.0.1:{one}"; route = "worker1"; }}, {{ address = "127.0.0.1:{two}"; }} ); }};
                away = {{ targets = [ "127.0.0.1:{free_port()}" ]; retry_after = "5m"; }};
            }};
            listeners = {{ in = {{ bind = "127.0.0.1:{self.port}"; routes = (
                {{ path = "/stop"; respond = 410; }}, {{ path = "/away"; upstream = "away"; }}, {{ upstream = "app"; }} ); }}; }};
        """
        self.mtlsd = self.daemon(text, [self.port], [self.admin])

    def ask(self, path="/"):
        return self.curl(f"http://localhost:{self.port}{path}")

    def post(self, path):
        return self.curl("--unix-socket", self.admin, "-X", "POST", f"http://localhost{path}").status

    def status(self):
        return json.loads(self.command("status", "--socket", self.admin, "--json").stdout)

    def target(self, name):
        upstream, _, label = name.partition("/")
        targets = next(u for u in self.status()["upstreams"] if u["name"] == upstream)["targets"]
        return next(t for t in targets if label in (t["route"], t["address"]))

    def test_a_drained_target_gets_nothing_until_it_is_enabled(self):
        two = f"app/127.0.0.1:{self.backends[1].port}"
        self.assertEqual({"worker1", "worker2"}, {self.ask().text for _ in range(6)})
        self.assertEqual(200, self.post("/targets/app/worker1/drain"))
        self.assertEqual("drained", self.target("app/worker1")["state"])
        self.assertEqual({"worker2"}, {self.ask().text for _ in range(6)})
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: self.status()["generation"] == 2, "the reload")
        self.assertEqual("drained", self.target("app/worker1")["state"], "a reload does not enable it")
        self.assertEqual({"worker2"}, {self.ask().text for _ in range(6)})
        self.assertEqual(200, self.post("/targets/app/worker1/enable"))
        self.assertEqual({"worker1", "worker2"}, {self.ask().text for _ in range(6)})
        self.assertEqual(24, sum(self.target(name)["requests_total"] for name in ("app/worker1", two)))
        self.assertEqual(404, self.post("/targets/app/worker3/drain"))

    def test_a_disabled_target_gets_nothing_and_a_weight_counts_at_once(self):
        two = f"app/127.0.0.1:{self.backends[1].port}"
        self.assertRegex(self.command("target", "disable", "app/worker1", "--socket", self.admin).stdout, "disabled: it gets no requests")
        self.assertEqual("disabled", self.target("app/worker1")["state"])
        self.assertEqual({"worker2"}, {self.ask().text for _ in range(4)})
        self.command("target", "enable", "app/worker1", "--socket", self.admin)
        self.command("target", "weight", two, "5", "--socket", self.admin)
        self.assertEqual((5, 1), (self.target(two)["weight"], self.target(two)["configured_weight"]))
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: self.status()["generation"] == 2, "the reload")
        texts = [self.ask().text for _ in range(12)]
        self.assertEqual((2, 10), (texts.count("worker1"), texts.count("worker2")), "a reload keeps the weight")
        self.assertRegex(self.mtlsd.log, r"target .*weight.*asked_by=\"uid \d+ on the admin socket\"")
        wrong = self.command("target", "drain", "app/worker9", "--socket", self.admin)
        self.assertIn("no target has this name", wrong.stderr)
        self.assertIn("1 to 256", self.command("target", "weight", two, "300", "--socket", self.admin).stderr)

    def test_workers_balance_as_one(self):
        """Nine connections over three targets are three each, whichever workers take them."""
        third = peers.Backend(self, answer=lambda request: peers.reply(b"worker3"))
        ports, admin = [free_port() for _ in range(2)], self.folder / "four.sock"
        targets = ", ".join(f'"127.0.0.1:{server.port}"' for server in (*self.backends, third))
        self.daemon(f"""
            workers = 4; admin = {{ socket = "unix:{admin}"; }};
            upstreams = {{ turns = {{ targets = [ {targets} ]; }}; calm = {{ balance = "least_conn"; targets = [ {targets} ]; }}; }};
            listeners = {{ one = {{ bind = "127.0.0.1:{ports[0]}"; upstream = "turns"; }};
                           two = {{ bind = "127.0.0.1:{ports[1]}"; protocol = "tcp"; upstream = "calm"; }}; }};""", ports, [admin], name="four", prelude="")
        texts = [self.curl(f"http://localhost:{ports[0]}/").text for _ in range(9)]
        self.assertEqual([3, 3, 3], [texts.count(f"worker{n}") for n in (1, 2, 3)])
        for _ in range(9):
            self.enterContext(peers.connect(ports[1]))
        wait_for(lambda: self.active_of(admin, "calm") == [3, 3, 3], "three connections at each of three targets")

    def active_of(self, admin, upstream):
        status = json.loads(self.command("status", "--socket", admin, "--json").stdout)
        return [t["active"] for u in status["upstreams"] if u["name"] == upstream for t in u["targets"]]

    def test_all_drained_is_an_overload_and_no_silence(self):
        self.assertEqual(200, self.post("/targets/app/worker1/drain"))
        self.assertEqual(200, self.post(f"/targets/app/127.0.0.1:{self.backends[1].port}/drain"))
        self.assertEqual(503, self.ask().status)

    def test_a_target_that_fails_is_held_and_counted(self):
        self.assertEqual(502, self.ask("/away").status)
        target = next(u for u in self.status()["upstreams"] if u["name"] == "away")["targets"][0]
        self.assertEqual(("held", 1), (target["state"], target["failures_total"]))
        self.assertGreater(target["held_seconds"], 200)
        self.assertEqual(0, target["active"])

    def test_a_session_in_the_path_stays_at_its_target(self):
        """As Tomcat writes it for clients without cookies."""
        port = free_port()
        one, two = (backend.port for backend in self.backends)
        self.daemon(f"""
            upstreams = {{ app = {{ sticky = {{ cookie = "JSESSIONID"; mode = "suffix"; }};
                targets = ( {{ address = "127.0.0.1:{one}"; route = "worker1"; }}, {{ address = "127.0.0.1:{two}"; route = "worker2"; }} ); }}; }};
            listeners = {{ in = {{ bind = "127.0.0.1:{port}"; upstream = "app"; }}; }};""", [port], name="sticky")
        url = f"http://localhost:{port}"
        self.assertEqual({"worker2"}, {self.curl(f"{url}/cart;jsessionid=0123ABC.worker2?x=1").text for _ in range(4)})
        self.assertEqual({"worker1"}, {self.curl(f"{url}/a;jsessionid=0123ABC.worker1/b").text for _ in range(4)})
        cookie = ("-H", "Cookie: JSESSIONID=0123ABC.worker1")
        self.assertEqual({"worker1"}, {self.curl(*cookie, f"{url}/cart;jsessionid=0123ABC.worker2").text for _ in range(4)})

    def test_routes_are_counted_by_their_place(self):
        for path in ("/", "/stop", "/stop/it", "/x", "/y"):
            self.ask(path)
        routes = self.status()["listeners"][0]["routes"]
        self.assertEqual([(1, 2, "respond"), (2, 0, "away"), (3, 3, "app")], [(r["number"], r["hits"], r["to"]) for r in routes])
        sheet = self.command("status", "--socket", self.admin).stdout
        self.assertRegex(sheet, r"in 3 +\S+:\d+ +app +3 +0\n")
        self.assertRegex(sheet, r"app/worker1 +127\.0\.0\.1:\d+ +up +1 +0 ")

    def test_what_runs_is_counted_and_ends(self):
        """A request that hangs is active; when its client goes away it is not."""
        with peers.connect(self.port) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
            wait_for(lambda: self.active() == 1, "the request to run")
        wait_for(lambda: self.active() == 0, "its end")

    def active(self):
        return sum(t["active"] for u in self.status()["upstreams"] for t in u["targets"])


if __name__ == "__main__":
    harness.main()
