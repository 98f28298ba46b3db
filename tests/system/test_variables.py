# SPDX-License-Identifier: Apache-2.0
"""Values with variables in what routes set and where they redirect to, with certificates that try to break out of them."""
import base64
import json
import re
import ssl
import unittest
import urllib.parse

import harness
import peers
from harness import free_port

ODD = 'a", b; c\\ {cert.cn} <i> 100% \r\nX-Injected: 1'
ALL = {
    "X-Status": "{cert.status}", "X-Number": "{cert.error}", "X-Verify": "{cert.verify}", "X-Subject": "{cert.subject}", "X-Name": "{cert.cn}",
    "X-Issuer-Name": "{cert.issuer}", "X-Serial": "{cert.serial}", "X-Sha256": "{cert.sha256}", "X-Sha1": "{cert.sha1}", "X-San": "{cert.san}",
    "X-Uri-Name": "{cert.uri}", "X-From": "{cert.not_before}", "X-Until": "{cert.not_after}", "X-Pem": "{cert.pem}", "X-Der": "{cert.der}",
    "X-SSL-Protocol": "{tls.version}", "X-SSL-Cipher": "{tls.cipher}", "X-Sni": "{tls.sni}", "X-Resumed": "{tls.resumed}", "X-Address": "{client.address}",
    "X-Port": "{client.port}", "X-Method": "{request.method}", "X-Asked-Host": "{request.host}", "X-Path": "{request.path}", "X-Uri": "{request.uri}",
    "X-Request-ID": "{request.id}", "X-Listener": "{listener}", "X-Route": "{route}", "X-Both": "n=\\\"{cert.cn}\\\"; v={tls.version} {{x",
}


def setting(fields):
    return "set_headers = { %s };" % " ".join(f'{name} = "{value}";' for name, value in fields.items())


class Variables(harness.Case):
    def start(self, routes, tls='client_cert = "optional"; tolerate = "all";', listener=""):
        self.backend, self.port = peers.Backend(self, lambda r: peers.reply(b"app")), free_port()
        text = self.verifier_text(self.port, self.backend.port, tls=tls, listener=f"{listener} routes = ( {routes} );").replace('upstream = "app";\n', "")
        self.mtlsd = self.daemon(text, [self.port])

    def fields(self, *arguments, client="client", path="/"):
        """The fields of one request as the backend got them, by their names in lower case."""
        self.backend.received.clear()
        self.assertEqual(200, self.curl_tls(self.port, *arguments, client=client, path=path).status)
        head = bytes(self.backend.received).split(b"\r\n\r\n")[0].decode("latin-1")
        return [(name.lower(), value) for name, value in (line.split(": ", 1) for line in head.split("\r\n")[1:])]

    def test_a_backend_is_told_each_value_under_a_name_of_its_own(self):
        self.start('{ cert = "error"; respond = 403; }, { upstream = "app"; ' + setting(ALL) + " }")
        client = self.pki.client()
        for version in ("--http1.1", "--http2"):
            got = dict(self.fields(version, "--tlsv1.3", client=client, path="/a%20b?c=d"))
            der = ssl.PEM_cert_to_DER_cert(client.crt.read_text())
            self.assertEqual(("valid", "0", "SUCCESS"), (got["x-status"], got["x-number"], got["x-verify"]))
            self.assertEqual(("client1", client.sha256), (got["x-name"], got["x-sha256"]))
            self.assertEqual(der, base64.b64decode(got["x-der"]))
            self.assertEqual(der, ssl.PEM_cert_to_DER_cert(urllib.parse.unquote_plus(got["x-pem"])))
            self.assertRegex(got["x-sha1"], "^[0-9a-f]{40}$")
            self.assertEqual("TLSv1.3", got["x-ssl-protocol"])
            self.assertRegex(got["x-ssl-cipher"], "^TLS_(AES|CHACHA20)_")
            self.assertEqual(("GET", "/a%20b", "/a%20b?c=d"), (got["x-method"], got["x-path"], got["x-uri"]))
            self.assertEqual(("127.0.0.1", "false"), (got["x-address"], got["x-resumed"]))
            self.assertRegex(got["x-request-id"], "^[0-9a-f]{32}$")
            harness.wait_for(lambda: f'request_id={got["x-request-id"]}' in self.mtlsd.log, "the line of the log")
            self.assertRegex(got["x-route"], r"mtlsd\.conf:\d+$")
            self.assertEqual('n="client1"; v=TLSv1.3 {x', got["x-both"])

    def test_the_id_of_a_trusted_proxy_is_kept_and_logged(self):
        """C1: and the id of any other client is not."""
        for trusted, proxies in ((True, "127.0.0.0/8"), (False, "192.0.2.1")):
            self.start('{ upstream = "app"; ' + setting({"X-Request-ID": "{request.id}"}) + " }", tls="", listener=f'trusted_proxies = "{proxies}";')
            for version in ("--http1.1", "--http2"):
                mine = f"outer-{version[-1]}.{trusted}"
                got = dict(self.fields(version, "-H", f"X-Request-ID: {mine}"))["x-request-id"]
                self.assertEqual(trusted, got == mine, got)
                harness.wait_for(lambda: f"request_id={got}" in self.mtlsd.log, "the line of the log")
                self.assertRegex(dict(self.fields(version, "-H", "X-Request-ID: not an id"))["x-request-id"], "^[0-9a-f]{32}$")

    def test_a_cipher_of_tls_1_2_has_the_name_that_openssl_gives_it(self):
        self.start('{ cert = "error"; respond = 403; }, { upstream = "app"; ' + setting(ALL) + " }")
        context = peers.client_context(self.pki.ca("root"), self.pki.client(), version=ssl.TLSVersion.TLSv1_2)
        with peers.secure(self.port, context) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            peers.response(connection)
            head = bytes(self.backend.received).decode()
            self.assertIn(f"X-SSL-Cipher: {connection.cipher()[0]}\r\n", head)
            self.assertIn("X-SSL-Protocol: TLSv1.2\r\n", head)

    def test_no_claim_of_a_client_passes_on_any_route(self):
        """C1: also where the route does not set the field, and without a certificate."""
        self.start('{ cert = "error"; respond = 403; }, { path = "/set"; upstream = "app"; set_headers = { X-Client = "{cert.cn}"; }; }, { upstream = "app"; }')
        claims = [a for name in ("X-Client", "x-client", "X_Client", "x.client", "X~Client") for a in ("-H", f"{name}: spoofed")]
        for version in ("--http1.1", "--http2"):
            for client in ("client", None):
                for path in ("/set", "/"):
                    got = [v for n, v in self.fields(version, *claims, client=client, path=path) if re.sub("[^a-z]", "-", n) == "x-client"]
                    self.assertEqual(["client1"] if client and path == "/set" else [], got, (version, client, path))

    def test_a_certificate_breaks_out_of_no_field(self):
        """C2: quotes, line ends, braces, and a name of 64 KiB."""
        self.start('{ upstream = "app"; cert = [ "valid", "none", "error" ]; ' + setting(ALL) + " }")
        got = self.fields("--http1.1", client=self.pki.leaf("t-odd", cn=ODD, san=("URI:urn:a,b;c",), eku=("clientAuth",)))
        named = dict(got)
        self.assertEqual(len(named), len(got))
        self.assertNotIn("x-injected", named)
        self.assertEqual("a%22%2C b%3B c%5C {cert.cn} <i> 100%25 %0D%0AX-Injected: 1", named["x-name"])
        self.assertEqual('n="a%22%2C b%3B c%5C {cert.cn} <i> 100%25 %0D%0AX-Injected: 1"; v=TLSv1.3 {x', named["x-both"])
        self.assertEqual("urn:a%2Cb%3Bc", named["x-uri-name"])
        many = tuple(f"URI:urn:{i}" + "x" * 1020 for i in range(20))
        huge = dict(self.fields("--http1.1", client=self.pki.leaf("t-huge", cn="huge", san=many, eku=("clientAuth",))))
        self.assertEqual("huge", huge["x-name"])
        self.assertTrue({"x-san", "x-pem", "x-der"}.isdisjoint(huge))

    def test_a_redirect_says_the_number_of_the_error(self):
        self.start('{ cert = "error"; path = "/late.html"; upstream = "app"; }, '
                   '{ cert = "error"; redirect = "/late.html?error={cert.error}&status={cert.status}&cn={cert.cn}&from={request.uri}"; }, { upstream = "app"; }')
        late = self.pki.leaf("t-late", cn="a&b=c#d/../\r\n", eku=("clientAuth",), start=-400, days=30)
        for version in ("--http1.1", "--http2"):
            answer = self.curl_tls(self.port, version, client=late, path="/x?y=z")
            self.assertEqual("/late.html?error=10&status=expired&cn=a%26b%3Dc%23d%2F..%2F%0D%0A&from=%2Fx%3Fy%3Dz", answer.header("Location"))

    def test_a_redirect_leads_to_no_host_of_the_clients_choice(self):
        """C15: which would make this listener a sign to anywhere."""
        self.start('{ path = "/new"; redirect = "https://new.example{request.uri}"; }, { host = "localhost"; redirect = "{request.uri}/"; }, { upstream = "app"; }',
                   tls='client_cert = "optional";')
        for path, where in (("/new?a", "https://new.example/new?a"), ("//evil.example", "/evil.example/"), ("/\\evil.example", "/evil.example/"), ("/x", "/x/")):
            answer = self.curl_tls(self.port, "--path-as-is", path=path)
            self.assertIn(answer.header("Location") if answer.status == 302 else answer.status, (where, 400), path)

    def test_mistakes_are_found_before_the_start(self):
        for route, words in (("set_headers = { X-A = \"{cert.cm}\"; }; upstream = \"app\";", "there is no variable {cert.cm}: did you mean {cert.cn}?"),
                             ("redirect = \"https://{cert.cn}/\";", "only {request.host} can stand"),
                             ("set_headers = { X-SSL-Client-CN = \"{cert.cn}\"; }; upstream = \"app\";", "X-SSL-Client-CN is written by identity_headers"),
                             ("set_headers = { X-SSL-Client-DN2 = \"me\"; }; upstream = \"app\";", "can set only from a variable")):
            text = self.verifier_text(free_port(), 1, listener=f'identity_headers = [ "x-ssl" ]; routes = ( {{ {route} }} );').replace('upstream = "app";\n', "", 1)
            done = self.command("check", "-c", self.config(text))
            self.assertEqual(3, done.returncode, route)
            self.assertRegex(done.stdout + done.stderr, r"mtlsd\.conf:\d+: .*" + re.escape(words), route)

    def test_explain_shows_the_values(self):
        self.start('{ cert = "error"; redirect = "/late?n={cert.error}&cn={cert.cn}"; }, { path = "/new"; redirect = "https://new.example{request.uri}"; }, '
                   '{ upstream = "app"; set_headers = { X-Client = "{cert.cn}"; X-Uri-Name = "{cert.uri}"; X-Cipher = "{tls.cipher}"; X-Fixed = "a"; }; }')
        late = self.pki.leaf("t-late-too", cn="a&b", eku=("clientAuth",), start=-400, days=30)

        def explain(path, client):
            return self.command("explain", "-c", self.folder / "mtlsd.conf", "--request", f"GET https://localhost{path}", "--cert", client.pem, "--json").stdout
        self.assertIn('"/late?n=10&cn=a%26b"', explain("/", late))
        self.assertIn('"https://new.example/new?a"', explain("/new?a", self.pki.client()))
        answer = json.loads(explain("/", self.pki.leaf("t-plain", cn="plain", eku=("clientAuth",))))["answer"]
        self.assertEqual({"X-Client": "plain", "X-Cipher": "{tls.cipher}", "X-Fixed": "a"}, answer["set_headers"])
        self.assertEqual(["X-Uri-Name"], answer["remove_headers"])

    def test_the_names_stay_ours_after_a_reload(self):
        self.start('{ upstream = "app"; }', tls="")
        self.assertIn(("x-client", "passes"), self.fields("-H", "X-Client: passes"))
        text = self.mtlsd_text().replace('{ upstream = "app"; }', '{ path = "/set"; upstream = "app"; set_headers = { X-Client = "{cert.cn}"; }; }, { upstream = "app"; }')
        self.config(text, prelude="")
        self.mtlsd.signal(1)
        harness.wait_for(lambda: "x-client" not in dict(self.fields("-H", "X-Client: spoofed")), "the reload")
        self.assertEqual("client1", dict(self.fields("-H", "X_Client: spoofed", path="/set"))["x-client"])

    def mtlsd_text(self):
        return (self.folder / "mtlsd.conf").read_text()


if __name__ == "__main__":
    unittest.main()
