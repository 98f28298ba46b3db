# SPDX-License-Identifier: Apache-2.0
"""The five phases of client certificates that HAProxy's users know, from short configurations. Each certificate is also sent to HAProxy."""
import unittest

import harness
import peers
from harness import free_port

HANDSHAKE = "refused in the handshake"


class Phases(harness.Case):
    def setUp(self):
        super().setUp()
        root, second = self.pki.ca("root"), self.pki.ca("second")
        leaf = self.pki.leaf
        self.callers = {
            "none": None,
            "valid": self.pki.client(),
            "expired": leaf("ph-expired", eku=("clientAuth",), start=-30, days=20),
            "not yet valid": leaf("ph-future", eku=("clientAuth",), start=5),
            "revoked": leaf("ph-revoked", eku=("clientAuth",)),
            "expired and revoked": leaf("ph-expired-revoked", eku=("clientAuth",), start=-30, days=20),
            "of another CA": leaf("ph-foreign", self.pki.ca("foreign"), eku=("clientAuth",)),
            "self-signed": self.pki.self_signed("ph-self", eku=("clientAuth",)),
            "for servers only": leaf("ph-server", eku=("serverAuth",)),
            "of the second CA": leaf("ph-second", second, eku=("clientAuth",)),
        }
        self.crl = self.pki.crl("ph", root, [self.callers["revoked"], self.callers["expired and revoked"]])
        self.crl_second = self.pki.crl("ph-second", second)
        self.ca_both = self.write("both-ca.pem", root.crt.read_text() + second.crt.read_text())
        self.crl_both = self.write("both.crl", self.crl.read_text() + self.crl_second.read_text())
        self.apps = {name: peers.Backend(self, lambda r, name=name: peers.reply(name.encode(), fields=[("X-App", name),
                                         ("X-Error-Seen", ",".join(r.values("x-ssl-error")) or "-")])) for name in ("A", "B", "help")}

    def haproxy(self, bind, rules):
        port = free_port()
        server = self.pki.server()
        path = self.write("haproxy.cfg", f"""
            defaults
              mode http
              timeout connect 5s
              timeout client 20s
              timeout server 20s
            frontend front
              bind 127.0.0.1:{port} ssl crt {server.pem} {bind}
              {rules}
            """ + "".join(f"\nbackend {name}\n  server s 127.0.0.1:{app.port}\n" for name, app in self.apps.items()))
        self.spawn("haproxy", ["haproxy", "-db", "-f", path], [port])
        return port

    def ours(self, tls, routes, ca=None, crl=None):
        port = free_port()
        crl = f'crl = "{crl}";' if crl else ""
        self.daemon(f"""
            identities = {{ server = {{ bundle = "{self.pki.server().pem}"; }}; }};
            trusts = {{ clients = {{ ca = "{ca or self.pki.ca("root").crt}"; {crl} }}; }};
            upstreams = {{ {" ".join(f'{name} = {{ targets = [ "127.0.0.1:{app.port}" ]; }};' for name, app in self.apps.items())} }};
            listeners = {{ front = {{ bind = "127.0.0.1:{port}"; tls = {{ identity = "server"; trust = "clients"; {tls} }};
                identity_headers = [ "x-ssl" ]; {routes} }}; }};""", [port], name=f"mtlsd{port}")
        return port

    def outcome(self, port, caller, path="/"):
        answer = self.curl_tls(port, client=caller, path=path)
        if answer.status == 0:
            return HANDSHAKE
        if answer.status in (301, 302, 303):
            location = answer.header("Location")
            return "to " + location[location.index("/", 8) if location.startswith("http") else 0:]
        if answer.header("X-App"):
            seen = answer.header("X-Error-Seen")
            return f"app {answer.header('X-App')}" + (f", error {seen}" if seen not in ("-", "0") else "")
        return f"HTTP {answer.status}"

    def compare(self, phase, haproxy, ours, paths=("/",), differences=None):
        """Every certificate at both; a difference must be one that is listed, with what we do."""
        rows, wrong = [], []
        for path in paths:
            for name, caller in self.callers.items():
                theirs, mine = self.outcome(haproxy, caller, path), self.outcome(ours, caller, path)
                rows.append(f"{name:20} {path:18} {theirs:32} {mine}")
                expected = (differences or {}).get((name, path), (differences or {}).get(name, theirs))
                if mine != expected:
                    wrong.append((name, path, theirs, mine))
        print(f"\n  {phase}\n  {'certificate':20} {'path':18} {'HAProxy':32} mtlsd\n  " + "\n  ".join(rows))
        self.assertEqual([], wrong)

    def test_1_required(self):
        self.compare("1: required", self.haproxy(f"ca-file {self.pki.ca('root').crt} verify required", "default_backend A"),
                     self.ours('client_cert = "required";', 'upstream = "A";'))

    def test_2_optional(self):
        self.compare("2: with a certificate to A, without to B",
                     self.haproxy(f"ca-file {self.pki.ca('root').crt} verify optional", "use_backend A if { ssl_c_used }\n default_backend B"),
                     self.ours('client_cert = "optional";', 'routes = ( { cert = "none"; upstream = "B"; }, { upstream = "A"; } );'))

    def test_3_expired_is_told_so(self):
        self.compare("3: expired ones are led to a page",
                     self.haproxy(f"ca-file {self.pki.ca('root').crt} verify required crt-ignore-err 10", """
                         acl expired ssl_c_verify 10
                         acl page path /certexpired.html
                         redirect location /certexpired.html if expired !page
                         use_backend help if expired page
                         default_backend A"""),
                     self.ours('tolerate = [ "expired" ];', """routes = (
                         { cert = "expired"; path = "/certexpired.html"; upstream = "help"; },
                         { cert = "expired"; redirect = "/certexpired.html"; },
                         { upstream = "A"; } );"""),
                     ("/", "/certexpired.html"), {(n, "/certexpired.html"): "app help, error 10" for n in ("expired", "expired and revoked")})

    RULES_4 = """
        acl revoked ssl_c_verify 23
        acl wrong ssl_c_verify gt 0
        acl page_r path /certrevoked.html
        acl page_o path /othererrors.html
        redirect location /certrevoked.html if revoked !page_r
        redirect location /othererrors.html if wrong !revoked !page_o
        use_backend help if wrong
        use_backend A if { ssl_c_used }
        default_backend B"""
    ROUTES_4 = """routes = (
        { cert = "revoked"; path = "/certrevoked.html"; upstream = "help"; },
        { cert = "revoked"; redirect = "/certrevoked.html"; },
        { cert = "error"; path = "/othererrors.html"; upstream = "help"; },
        { cert = "error"; redirect = "/othererrors.html"; },
        { cert = "none"; upstream = "B"; },
        { upstream = "A"; } );"""

    def test_4_revoked_and_other_errors(self):
        """Where two things are wrong HAProxy names the first it met; here revoked comes first."""
        self.compare("4: a CRL; revoked and all other errors have their pages",
                     self.haproxy(f"ca-file {self.pki.ca('root').crt} crl-file {self.crl} verify optional crt-ignore-err all ca-ignore-err all",
                                  self.RULES_4),
                     self.ours('client_cert = "optional"; tolerate = "all";', self.ROUTES_4, crl=self.crl),
                     differences={"expired and revoked": "to /certrevoked.html"})

    def test_5_several_cas_and_the_number_of_the_error(self):
        """HAProxy's number is that of the first error OpenSSL met, for strangers one about the signature or a missing CRL; ours is that of the
        status."""
        other, revoked = "/othererrors.html", "/certrevoked.html"
        self.compare("5: two CAs in one file, the error's number in X-SSL-Error",
                     self.haproxy(f"ca-file {self.ca_both} crl-file {self.crl_both} verify optional crt-ignore-err all ca-ignore-err all",
                                  "http-request set-header X-SSL-Error %[ssl_c_verify]\n" + self.RULES_4),
                     self.ours('client_cert = "optional"; tolerate = "all";', self.ROUTES_4, ca=self.ca_both, crl=self.crl_both),
                     (other, revoked),
                     {("of another CA", other): "app help, error 20", ("self-signed", other): "app help, error 18",
                      ("expired and revoked", other): "to /certrevoked.html", ("expired and revoked", revoked): "app help, error 23"})


if __name__ == "__main__":
    harness.main()
