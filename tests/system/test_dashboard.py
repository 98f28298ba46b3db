# SPDX-License-Identifier: Apache-2.0
"""The dashboard in a real browser: a click moves the traffic, the page keeps itself up to date, and it fits into a narrow window."""
import os
import unittest

import chromium
import harness
import peers
from harness import free_port

NAME = "a<script>alert(1)</script>"  # of a socket, since names of targets are letters


@unittest.skipUnless(chromium.PROGRAM, "no Chromium here")
class Dashboard(harness.Case):
    def setUp(self):
        super().setUp()
        self.backends = [peers.Backend(self, answer=lambda request, n=n: peers.reply(b"worker%d" % n)) for n in (1, 2)]
        targets = ", ".join(f'{{ address = "127.0.0.1:{b.port}"; route = "w{n}"; }}' for n, b in enumerate(self.backends, 1))
        port = free_port()
        identity = self.pki.client()
        self.daemon(f"""
            identities = {{ me = {{ bundle = "{identity.pem}"; }}; }};
            upstreams = {{ app = {{ targets = ( {targets} ); }}; odd = {{ targets = [ "unix:{self.folder}/{NAME}" ]; }};
                           gone = {{ targets = [ "localhost:{free_port()}" ]; tls = {{ identity = "me"; trust = "system"; }}; }}; }};
            listeners = {{ in = {{ bind = "127.0.0.1:{port}"; routes = ( {{ path = "/mtlsd"; serve = "dashboard"; }}, {{ path = "/odd"; upstream = "odd"; }},
                {{ path = "/gone"; upstream = "gone"; }}, {{ upstream = "app"; }} ); }}; }};""", [port])
        self.url = f"http://localhost:{port}"
        self.curl(f"{self.url}/gone")
        self.page = chromium.Browser(self)
        self.page.open(f"{self.url}/mtlsd")

    def workers(self):
        return {self.curl(f"{self.url}/").text for _ in range(4)}

    def button(self, verb, target="app/w1"):
        return f"form:has(input[value='{target}']) button[value='{verb}']"

    def state(self, target="app/w1"):
        return f"[...document.querySelectorAll('#targets tr')].some(r => r.innerText.includes('{target}') && r.innerText.includes('%s'))"

    def test_a_click_moves_the_traffic_with_and_without_a_script(self):
        self.assertEqual({"worker1", "worker2"}, self.workers())
        self.page.click(self.button("drain"))
        self.page.until(self.state() % "drained", "the page shows the drained target")
        self.assertEqual({"worker2"}, self.workers())
        self.page.ask("Emulation.setScriptExecutionDisabled", value=True)
        self.page.open(f"{self.url}/mtlsd?")
        self.page.click(self.button("enable"))
        self.page.until("!document.querySelector('#targets').innerText.includes('drained')", "the page shows the enabled target")
        self.assertEqual({"worker1", "worker2"}, self.workers())

    def test_it_keeps_itself_up_to_date_and_breaks_no_rule_of_its_own(self):
        self.page.until("document.querySelector('#end time').textContent > ''", "a time")
        before = self.page.run("document.querySelector('#end time').textContent")
        self.page.until(f"document.querySelector('#end time').textContent > '{before}'", "another time, without a reload")
        self.assertEqual(1, self.page.run("performance.getEntriesByType('navigation').length"))
        self.assertTrue(self.page.run(f"document.body.innerText.includes('{NAME}')".replace("</", "<\\/")), "a name is text")
        self.assertEqual(1, self.page.run("document.scripts.length"))
        self.assertTrue(self.page.run("!!document.querySelector('#chains .why.bad')"), "the chain that breaks says why")
        self.assertEqual([], self.page.errors)

    def test_it_fits_into_a_narrow_and_a_wide_window(self):
        for width in (400, 1280):
            self.page.resize(width)
            self.assertLessEqual(self.page.run("document.documentElement.scrollWidth"), width)
            shown = "[...document.querySelectorAll('#chains svg')].filter(s => s.checkVisibility()).map(s => s.classList[0])"
            self.assertEqual({"tall" if width == 400 else "wide"}, set(self.page.run(shown)))
            if os.environ.get("MTLSD_PICTURES"):  # a folder, to look at them
                self.page.picture(f"{os.environ['MTLSD_PICTURES']}/dashboard-{width}.png")


if __name__ == "__main__":
    harness.main()
