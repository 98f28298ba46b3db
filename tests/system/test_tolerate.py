# SPDX-License-Identifier: Apache-2.0
"""Bad certificates that reach the routes (`tolerate`): five phases, and no route leads to a backend by omission."""
import unittest

import harness
import peers
from harness import free_port

HELP = '{ path = "/certexpired.html"; cert = "expired"; upstream = "help"; }, { cert = "expired"; redirect = "/certexpired.html"; }'
REVOKED = '{ path = "/certrevoked.html"; cert = "revoked"; upstream = "help"; }, { cert = "revoked"; redirect = "/certrevoked.html"; }'
OTHERS = '{ path = "/othererrors.html"; cert = "error"; upstream = "help"; }, { cert = "error"; redirect = "/othererrors.html"; }'


class Phases(harness.Case):
    def cast(self):
        root, second = self.pki.ca("root"), self.pki.ca("second-root")
        self.callers = {
            "good": self.pki.client(),
            "of the second CA": self.pki.leaf("t-second", second, eku=("clientAuth",)),
            "expired": self.pki.leaf("t-expired", eku=("clientAuth",), start=-400, days=30),
            "revoked": self.pki.leaf("t-revoked", eku=("clientAuth",)),
            "expired and revoked": self.pki.leaf("t-both", eku=("clientAuth",), start=-400, days=30),
            "foreign": self.pki.leaf("t-foreign", self.pki.ca("stranger"), eku=("clientAuth",)),
            "a server's": self.pki.leaf("t-server", eku=("serverAuth",)),
            "nobody": None,
        }
        crl = self.pki.crl("t-root", root, [self.callers["revoked"], self.callers["expired and revoked"]])
        other = self.pki.crl("t-second", second)
        both = self.write("both.pem", root.crt.read_text() + second.crt.read_text())
        self.trust = f'ca = "{both}"; crl = [ "{crl}", "{other}" ];'

    def start(self, tls, routes):
        self.cast()
        app, aid = (peers.Backend(self, lambda r, name=name: peers.reply(name)) for name in (b"app", b"help"))
        self.app, self.aid, self.port = app, aid, free_port()
        text = self.verifier_text(self.port, app.port, trust=self.trust, tls=tls,
                                  listener=f'identity_headers = [ "x-ssl" ]; routes = ( {routes} );')
        text = text.replace('upstream = "app";\n', "").replace('targets = [ "127.0.0.1:%d" ]; }; };' % app.port,
                            'targets = [ "127.0.0.1:%d" ]; }; help = { targets = [ "127.0.0.1:%d" ]; }; };' % (app.port, aid.port))
        self.mtlsd = self.daemon(text, [self.port])

    def outcome(self, caller, path="/"):
        """What a caller gets: where it was led, or that it was refused in the handshake."""
        answer = self.curl_tls(self.port, client=self.callers[caller], path=path)
        if answer.status == 0:
            return "refused"
        return answer.header("Location") or (answer.text if answer.status == 200 else str(answer.status))

    def expect(self, **wanted):
        got = {name: self.outcome(name) for name in self.callers}
        want = {name: wanted.get(name.replace(" ", "_").replace("'", ""), "refused") for name in self.callers}
        self.assertEqual(want, got)

    def test_1_required(self):
        self.start('client_cert = "required";', '{ upstream = "app"; }')
        self.expect(good="app", of_the_second_CA="app")

    def test_2_optional(self):
        self.start('client_cert = "optional";', '{ cert = "none"; upstream = "help"; }, { upstream = "app"; }')
        self.expect(good="app", of_the_second_CA="app", nobody="help")

    def test_3_expired_is_sent_to_a_page(self):
        self.start('client_cert = "required"; tolerate = [ "expired" ];', f'{HELP}, {{ upstream = "app"; }}')
        self.expect(good="app", of_the_second_CA="app", expired="/certexpired.html")
        self.assertEqual("help", self.outcome("expired", "/certexpired.html"))
        self.assertEqual("app", self.outcome("good", "/certexpired.html"))

    def test_4_revoked_and_other_errors_too(self):
        self.start('client_cert = "required"; tolerate = "all";', f'{REVOKED}, {HELP}, {OTHERS}, {{ upstream = "app"; }}')
        self.expect(good="app", of_the_second_CA="app", expired="/certexpired.html", revoked="/certrevoked.html",
                    expired_and_revoked="/certrevoked.html", foreign="/othererrors.html", a_servers="/othererrors.html")
        for caller, page in (("revoked", "/certrevoked.html"), ("foreign", "/othererrors.html")):
            self.assertEqual("help", self.outcome(caller, page))
        self.assertNotIn(b"x-ssl-error", bytes(self.app.received).lower())

    def test_5_the_number_of_the_error_is_told(self):
        numbers = {"expired": "10", "revoked": "23", "expired and revoked": "23", "foreign": "20", "a server's": "26"}
        self.start('client_cert = "required"; tolerate = "all";', '{ cert = "error"; upstream = "help"; }, { upstream = "app"; }')
        for caller in numbers:
            self.assertEqual("help", self.outcome(caller), caller)
        heads = bytes(self.aid.received).decode(errors="replace").lower()
        for number in set(numbers.values()):
            self.assertIn(f"x-ssl-error: {number}\r\n", heads)
        self.assertNotIn("x-ssl-client-verify: 0\r\n", heads)


class Omission(harness.Case):
    def test_a_bad_certificate_reaches_no_backend_by_omission(self):
        """A2: such a configuration is refused, with the place."""
        text = self.verifier_text(free_port(), 1, tls='tolerate = [ "expired" ];')
        done = self.command("check", "-c", self.config(text))
        self.assertEqual(3, done.returncode)
        self.assertIn("which tls.tolerate accepts, would reach this upstream", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
