# SPDX-License-Identifier: Apache-2.0
"""The shipped two-way gateway (conf/two-way-gateway.conf) in front of three workers that behave like Tomcats."""
import collections
import re
import threading
import time
import unittest

import farm
import harness
import peers
from harness import free_port, wait_for


class TwoWayGateway(harness.Case):
    def setUp(self):
        super().setUp()
        self.pki.client()
        self.machine = self.pki.leaf("machine", self.pki.ca("inner"), cn="machine", eku=("clientAuth",))
        self.inside = self.pki.leaf("inner-server", self.pki.ca("inner"), san=["DNS:localhost", "IP:127.0.0.1"])
        self.farm = farm.Farm(self, self.inside, self.pki.ca("inner"))
        self.port = free_port()
        self.gateway = self.start()

    def start(self):
        """The shipped file; only addresses and files are those of this test, and the hold is short."""
        text = (harness.ROOT / "conf/two-way-gateway.conf").read_text()
        places = {"0.0.0.0:8443": f"127.0.0.1:{self.port}", "server.crt": self.pki.server().crt, "server.key": self.pki.server().key,
                  "machine.pem": self.machine.pem, "client-ca.pem": self.pki.ca("root").crt, "worker-ca.pem": self.pki.ca("inner").crt,
                  'retry_after = "10s"': 'retry_after = "1s"'}
        for worker in self.farm.workers:
            places[f"{worker.name}.example:8443"] = f"127.0.0.1:{worker.port}"
        for shipped, here in places.items():
            self.assertIn(shipped, text)
            text = text.replace(shipped, str(here))
        return self.daemon(text, [self.port])

    def ask(self, path="/", *arguments):
        return self.curl_tls(self.port, *arguments, path=path)

    def worker_of(self, answer):
        self.assertEqual(200, answer.status, answer.text or answer.error)
        return answer.header("X-Worker")

    def test_round_robin_over_apache_and_nginx_with_our_machine_certificate(self):
        answers = [self.ask() for _ in range(9)]
        spread = collections.Counter(self.worker_of(a) for a in answers)
        self.assertEqual({"worker1": 3, "worker2": 3, "worker3": 3}, dict(spread))
        self.assertTrue(all("machine" in a.header("X-Subject") for a in answers), [a.header("X-Subject") for a in answers])

    def test_a_session_stays_with_its_worker(self):
        for _ in range(3):
            first = self.ask()
            cookie = re.match(r"JSESSIONID=[^;]+", first.header("Set-Cookie"))[0]
            self.assertTrue(cookie.endswith("." + self.worker_of(first)), cookie)
            followers = {self.worker_of(self.ask("/", "-H", f"Cookie: other=1; {cookie}")) for _ in range(5)}
            self.assertEqual({self.worker_of(first)}, followers)

    def test_a_session_of_a_worker_that_is_not_ours_is_balanced(self):
        spread = {self.worker_of(self.ask("/", "-H", "Cookie: JSESSIONID=abc.worker9")) for _ in range(6)}
        self.assertEqual(3, len(spread))

    def test_the_balancer_manager_never_reaches_a_worker(self):
        """C9: by no spelling."""
        for path in ("/balancer-manager", "/balancer-manager/", "/balancer-manager?a=b", "/balancer-manager/x", "/x/../balancer-manager",
                     "/%62alancer-manager", "/./balancer-manager", "//balancer-manager", "/balancer-manager%2fx", "/x/%2e%2e/balancer-manager",
                     "/balancer-manager;x"):
            with self.subTest(path=path):
                answer = self.ask(path, "--path-as-is")
                seen = [line for w in self.farm.workers for line in w.requests()]
                if answer.status == 200: # another path to the matcher must be another path to the worker too
                    self.assertFalse(any(line.endswith("/balancer-manager") for line in seen), (path, seen))
                else:
                    self.assertIn(answer.status, (400, 404))
                self.assertFalse(any(re.search(r" /balancer-manager(/|$)", line) for line in seen), (path, seen))

    def test_without_a_certificate_nobody_comes_in(self):
        self.assertEqual(0, self.curl_tls(self.port, client=None).status)
        self.assertEqual([], [line for w in self.farm.workers for line in w.requests()])

    def test_the_log_is_apaches_ssl_request_log(self):
        self.ask("/a%20b?c")
        line = wait_for(lambda: next((l for l in self.gateway.log.splitlines() if "/a%20b" in l), None), "the request in the log")
        self.assertRegex(line, r'^\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] 127\.0\.0\.1 TLSv1\.3 \S+ "GET /a%20b\?c HTTP/(1\.[12]|2\.0)" \d+$')

    def in_flight(self, method, n):
        """n requests that hang in /slow; gives their outcomes once they ended."""
        outcomes = []

        def one(number):
            data = ["-d", "x"] if method == "POST" else []
            outcomes.append(self.ask(f"/slow/{method.lower()}{number}", *data))
        threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
        for thread in threads:
            thread.start()
        return threads, outcomes

    def test_a_worker_killed_with_requests_in_flight(self):
        """Who noticed what: reads are answered by another worker, a POST is told and never executed twice, and later callers see nothing."""
        gets, get_outcomes = self.in_flight("GET", 6)
        posts, post_outcomes = self.in_flight("POST", 6)
        wait_for(lambda: len(self.farm.slow.seen) == 12, "all requests at the workers")
        victim = self.farm.workers[1]
        self.farm.kill(victim)
        # Four of the twelve were on it, in whatever mix: its POSTs are told at once, its GETs begin again elsewhere.
        wait_for(lambda: len(self.farm.slow.seen) + len(post_outcomes) == 16, "the dead worker's requests to be told or sent again")
        self.farm.slow.go.set()
        for thread in gets + posts:
            thread.join(30)
        self.assertEqual([200] * 6, [a.status for a in get_outcomes], [a.text for a in get_outcomes])
        told = [a for a in post_outcomes if a.status != 200]
        for answer in told:
            self.assert_problem(answer, 502, "upstream_closed")
        executed = collections.Counter(self.farm.slow.seen)
        self.assertTrue(all(count == 1 for (method, _), count in executed.items() if method == "POST"), executed)
        again = sum(count for (method, _), count in executed.items() if method == "GET") - 6
        self.assertEqual(4, again + len(told), executed)
        print(f"\n  {victim.kind} killed with 12 requests in flight, 4 of them on it: {again} GETs were answered by another worker, {len(told)} POSTs "
              f"were told 502 upstream_closed and executed once, nobody else noticed")

    def test_a_dead_worker_is_passed_over_and_taken_back(self):
        victim = self.farm.workers[2]
        cookie = f"Cookie: JSESSIONID=abc.{victim.name}"
        self.assertEqual(victim.name, self.worker_of(self.ask("/", "-H", cookie)))
        self.farm.kill(victim)
        self.assertEqual({"worker1", "worker2"}, {self.worker_of(self.ask()) for _ in range(6)})
        self.assertIn(self.worker_of(self.ask("/", "-H", cookie)), ("worker1", "worker2"))
        began = time.monotonic()
        self.farm.start(victim)
        wait_for(lambda: self.worker_of(self.ask("/", "-H", cookie)) == victim.name, "the worker's return")
        self.assertLess(time.monotonic() - began, harness.busy(5))


if __name__ == "__main__":
    harness.main()
