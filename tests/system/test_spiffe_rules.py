# SPDX-License-Identifier: Apache-2.0
"""Trust domains of the SPIFFE Workload API are never merged, and only named IDs are let in: HTTP/1.1, HTTP/2 and tcp (A5)."""
import harness
import workloads
from harness import free_port, wait_for
from workloads import SOURCE, svid, svid_response


class Rules(workloads.Case):
    """A verifier that accepts workloads of two trust domains, which the agent gives bundles of."""

    DOMAINS = '"tests.example", "partner.example"'

    def start(self, protocol="http", domains=DOMAINS):
        self.agent.start()
        self.give(self.issue("/server"), "/server")
        backend, self.port = free_port(), free_port()
        self.nginx(f"server {{ listen 127.0.0.1:{backend}; location / {{ return 200 ok; }} }}", [backend])
        self.mtlsd = self.daemon(f"""
            identities = {{ me = {{ {SOURCE} }}; }};
            trusts = {{ workloads = {{ source = "spiffe"; spiffe_domain = [ {domains} ]; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{backend}" ]; }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{self.port}"; protocol = "{protocol}"; upstream = "app"; tls = {{ identity = "me"; trust = "workloads"; }};
                allow = ( {{ uri = "spiffe://tests.example/app"; }}, {{ uri = "spiffe://partner.example/**"; }} ); }}; }};""", [self.port])

    def ask(self, leaf, *options):
        return self.curl("-k", "--cert", leaf.pem, *options, f"https://localhost:{self.port}/")

    def assert_refused(self, leaf, reason, *options):
        before = self.mtlsd.log.count(f"reason={reason}")
        self.assertNotEqual(200, self.ask(leaf, *options).status)
        wait_for(lambda: self.mtlsd.log.count(f"reason={reason}") > before, f"{reason} in the log")

    def forged(self, path="/app"):
        """An ID of the first domain, by the CA of the other one."""
        issuer = self.pki.ca("intermediate-partner.example", issuer=self.pki.ca("root-partner.example"))
        return self.pki.leaf(f"forged-{self.id()}", issuer, cn="", san=[f"URI:spiffe://tests.example{path}"], eku=("clientAuth", "serverAuth"))

    def check_callers(self, *options):
        self.assertEqual(200, self.ask(self.issue("/app"), *options).status)
        self.assertEqual(200, self.ask(self.issue("/client", domain=self.OTHER), *options).status)
        self.assert_refused(self.issue("/another"), "not_allowed", *options)
        self.assert_refused(self.forged(), "wrong_trust_domain", *options)

    def test_each_domain_has_its_own_ca_for_http_1_and_2(self):
        self.start()
        self.check_callers("--http1.1")
        self.check_callers("--http2")

    def test_each_domain_has_its_own_ca_for_tcp(self):
        self.start("tcp")
        self.check_callers()

    def test_a_domain_that_is_not_named_is_refused_though_the_agent_federates_with_it(self):
        self.start(domains='"tests.example"')
        self.assertEqual(200, self.ask(self.issue("/app")).status)
        self.assert_refused(self.issue("/client", domain=self.OTHER), "wrong_trust_domain")

    def test_a_withdrawn_domain_stops_and_the_other_goes_on(self):
        self.start()
        partner = self.issue("/client", domain=self.OTHER)
        self.assertEqual(200, self.ask(partner).status)
        self.agent.tell(FetchX509SVID=svid_response([svid(self.issue("/server"), "spiffe://tests.example/server", self.bundle())]))
        wait_for(lambda: self.ask(partner).status != 200, "the refusal", pause=0.1)
        self.assert_refused(partner, "unknown_ca")
        self.assertEqual(200, self.ask(self.issue("/app")).status)


if __name__ == "__main__":
    harness.main()
