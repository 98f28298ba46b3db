# SPDX-License-Identifier: Apache-2.0
"""Fetched revocation lists over several days: the daemon fetches them again without a reload, and uses each until it expires, not longer (F1)."""
import re
import time
import unittest

import harness
import test_clock
from harness import wait_for
from list_server import ListServer


class Fetched(test_clock.Case):
    def setUp(self):
        super().setUp()
        self.good, self.bad = self.pki.client(), self.pki.leaf("clock-fetch-revoked", eku=("clientAuth",))
        self.port_of_lists = harness.free_port()
        self.url = f"http://127.0.0.1:{self.port_of_lists}/ca.crl"

    def list(self, number, **options):
        stem = f"clock-fetch-{number}-{time.monotonic_ns()}"
        return self.pki.crl(stem, options.pop("issuer", self.root), [self.bad], number=number, **options).read_bytes()

    def serve(self, data):
        self.web = ListServer(self, port=self.port_of_lists)
        self.web.give(data)

    def begin(self, trust=""):
        self.start(f'crl = "fetch"; crl_urls = [ "{self.url}" ]; {trust}')

    def wait_for_failure(self, words, days):
        """By the clock alone: nobody reloads."""
        before = self.mtlsd.log.count(words)
        self.move(days)
        wait_for(lambda: self.mtlsd.log.count(words) > before, words, pause=0.1)

    def wait_for_good(self):
        wait_for(lambda: self.fresh(self.good) == 200, "a list that counts", pause=0.1)

    def test_the_last_good_list_counts_until_it_ends_and_a_newer_one_after_it(self):
        self.serve(self.list(5, days=8))  # 7 from now on
        self.begin()
        self.wait_for_good()
        both = [200, "SSLV3_ALERT_CERTIFICATE_REVOKED"]
        self.assertEqual(both, [self.fresh(self.good), self.fresh(self.bad)])
        self.web.give(b"", 500)
        self.wait_for_failure("the server answers 500", 1)
        self.assertEqual(both, [self.fresh(self.good), self.fresh(self.bad)])
        self.assertGreaterEqual(self.status()["trusts"][0]["crl_days_left"], 5)
        self.web.give(self.list(9, issuer=self.pki.ca("stranger")))
        self.wait_for_failure("not a trusted CA", 2)
        self.web.stop()
        self.wait_for_failure("onnect to server", 3)
        self.assertEqual(both, [self.fresh(self.good), self.fresh(self.bad)])
        self.move(7.5)
        self.assertEqual("SSLV3_ALERT_BAD_CERTIFICATE", self.fresh(self.good))
        self.assertIn("crl_stale", self.mtlsd.log)
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_REVOKED", self.fresh(self.bad))  # the worse one is told
        row = self.status()["trusts"][0]["crl_fetch"][0]
        self.assertIn("onnect to server", row["last_error"])
        self.assertTrue(row["in_use"])
        self.serve(self.list(6, start=7, days=30))
        self.move(7.6)
        self.wait_for_good()
        self.assertEqual(both, [self.fresh(self.good), self.fresh(self.bad)])
        self.assertIsNone(self.status()["trusts"][0]["crl_fetch"][0]["last_error"])
        self.assertNotIn("the new configuration is in use", self.mtlsd.log)

    def test_prefer_goes_on_with_what_ended(self):
        self.serve(self.list(5, days=8))
        self.begin('crl_policy = "prefer";')
        wait_for(lambda: self.fresh(self.bad) != 200, "the list")
        self.web.give(b"", 503)
        self.wait_for_failure("the server answers 503", 20)
        self.assertEqual([200, "SSLV3_ALERT_CERTIFICATE_REVOKED"], [self.fresh(self.good), self.fresh(self.bad)])

    def test_a_start_before_the_server_of_lists(self):
        """It starts, lets nobody in, says what failed and when it tries again, and needs nobody to get well."""
        self.begin()
        line = wait_for(lambda: re.search(r"not fetched from (\S+), the last list stays in use, next try in (\d+) s: .*onnect", self.mtlsd.log), "the line")
        self.assertEqual(self.url, line[1])
        self.assertLessEqual(int(line[2]), 15)
        self.assertEqual("SSLV3_ALERT_BAD_CERTIFICATE", self.fresh(self.good))
        self.assertIn("crl_missing", self.mtlsd.log)
        row = self.status()["trusts"][0]["crl_fetch"][0]
        self.assertEqual((False, None), (row["in_use"], row["last_success"]))
        self.serve(self.list(1))
        self.move(0.01)
        self.wait_for_good()
        self.assertEqual("SSLV3_ALERT_CERTIFICATE_REVOKED", self.fresh(self.bad))

    def test_prefer_lets_in_before_there_is_a_list(self):
        self.begin('crl_policy = "prefer";')
        self.assertEqual([200, 200], [self.fresh(self.good), self.fresh(self.bad)])
        self.serve(self.list(1))
        self.move(0.01)
        wait_for(lambda: self.fresh(self.bad) == "SSLV3_ALERT_CERTIFICATE_REVOKED", "the list", pause=0.1)
        self.assertEqual(200, self.fresh(self.good))

    def test_a_clock_that_goes_back_stops_nothing(self):
        """A wrong clock at start, put right later: tries go on."""
        self.move(0.5)
        self.begin()
        wait_for(lambda: "next try in" in self.mtlsd.log, "the first try")
        self.serve(self.list(1))
        self.move(0)
        self.wait_for_good()


if __name__ == "__main__":
    harness.main()
