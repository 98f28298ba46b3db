# SPDX-License-Identifier: Apache-2.0
"""Certificates and CAs from the SPIFFE Workload API: the first answer, rotation, withdrawal, and what a bad agent can do."""
import re

import harness
import workloads
from harness import free_port, wait_for
from workloads import svid, svid_response

SOURCE = 'bundle = "spiffe:";'
TRUST = 'ca = "spiffe://tests.example"; spiffe_domain = "tests.example";'


class Spiffe(workloads.Case):
    """An injector whose certificate comes from the agent, in front of an nginx that logs the serial numbers that it sees."""

    def text(self, port, target, source=SOURCE, **options):
        options = {"trust": TRUST, "tls": f'expect = [ "spiffe://{self.DOMAIN}/server" ];', **options}
        return self.injector_text(port, target, **options).replace(f'bundle = "{self.pki.client().pem}";', source)

    def start(self, first=None, top="", **options):
        self.first = first or self.issue("/app")
        self.agent.start()
        self.give(self.first)
        server = self.issue("/server", stem=f"server-{self.DOMAIN}")
        self.port = free_port()
        origin = self.origin(certificate=server, ca=self.pki.ca(f"root-{self.DOMAIN}"))
        self.mtlsd = self.daemon(f'admin = {{ socket = "unix:{self.folder}/admin.sock"; }}; {top}' + self.text(self.port, f"127.0.0.1:{origin}", **options),
                                 [self.port], [self.folder / "admin.sock"])
        self.url = f"http://127.0.0.1:{self.port}/"

    def serial(self):
        before = len(self.nginx_access())
        answer = self.curl(self.url)
        self.assertEqual(200, answer.status, answer.text or answer.error)
        wait_for(lambda: len(self.nginx_access()) > before, "the line in the origin's log")
        return int(self.nginx_access()[-1][2], 16)

    def test_an_injector_presents_the_svid_of_the_agent(self):
        self.start()
        self.assertEqual(self.first.serial, self.serial())

    def test_another_svid_is_used_without_a_signal(self):
        self.start()
        fresh = self.issue("/app")
        self.give(fresh)
        wait_for(lambda: self.serial() == fresh.serial, "the new SVID")


if __name__ == "__main__":
    harness.main()
