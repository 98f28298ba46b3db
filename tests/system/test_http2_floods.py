# SPDX-License-Identifier: Apache-2.0
"""Row C6: clients that send more of something than anybody needs. Each is cut off or costs little; memory stays, and another client is served."""
import json
import statistics
import subprocess
import sys
import threading
import time
import unittest

import h2case
import h2floods
import harness
from harness import free_port

SECONDS = 0.3
# Costly, but no more than as many good requests: they may go on.
MAY_GO_ON = {"unread answers", "header bomb"}


class Floods(h2case.Case):
    def setUp(self):
        super().setUp()
        backend = free_port()
        self.nginx(f'server {{ listen 127.0.0.1:{backend}; location / {{ return 200 "{"x" * 1000}"; }} }}', [backend])
        self.port = self.plain_front(backend)
        self.latencies, self.most_kb, self.failed, self.done = [], 0, 0, False

    def victim(self):
        """Small requests on a kept connection, a hundred a second."""
        end = self.client(self.port)
        while not self.done:
            began = time.monotonic()
            stream = end.ask(seconds=5)
            self.latencies.append(time.monotonic() - began)
            self.failed += stream.status != 200
            self.most_kb = max(self.most_kb, self.mtlsd.rss_kb())
            time.sleep(0.01)

    def test_C6_floods_cost_little_and_are_cut_off(self):
        thread = threading.Thread(target=self.victim, daemon=True)
        thread.start()
        time.sleep(0.5)
        quiet, before = self.latencies[5:], self.mtlsd.rss_kb()
        attacker = subprocess.Popen([sys.executable, h2floods.__file__, str(self.port), str(SECONDS)], stdout=subprocess.PIPE, text=True)
        self.addCleanup(attacker.wait)
        self.addCleanup(attacker.kill)
        for line in attacker.stdout:
            result = json.loads(line)
            worst, self.most_kb, seen = self.most_kb, 0, len(self.latencies)
            with self.subTest(result["name"]):
                grown = worst - before
                self.assertLess(grown, 16 << 10 << harness.is_sanitized(), "KB of memory more")
                self.assertEqual(0, self.failed)
                self.assertTrue(result["cut"] or result["name"] in MAY_GO_ON, f"not cut off: {result}")
            self.failed = 0
        self.done = True
        thread.join()
        self.assertLess(statistics.median(self.latencies), 2 * statistics.median(quiet) + 0.005, "the median of another client")


if __name__ == "__main__":
    unittest.main(verbosity=2)
