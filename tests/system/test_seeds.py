# SPDX-License-Identifier: Apache-2.0
"""Three articles that were written before mtlsd, line by line: what does each of their lines here, and which test runs it.

The first is about client certificates in HAProxy, the second about a mutual TLS gateway with Apache, the third about an app whose proxy attaches the
certificate. Nothing of them is quoted: a row names the directive or the wish, our keys, and the test. Rows of TestHere are run below.
"""
import hashlib
import pathlib
import re
import ssl
import unittest

import harness
import peers
from harness import free_port

HERE = pathlib.Path(__file__).parent
HELP = ("test_phases.py", "test_3_expired_is_told_so")

# article, line or wish, keys of mtlsd, (file, test)
ROWS = [
    (1, "verify required", 'client_cert = "required"', ("test_phases.py", "test_1_required")),
    (1, "verify optional, use_backend if a certificate came", 'client_cert = "optional", cert = "none"', ("test_phases.py", "test_2_optional")),
    (1, "crt-ignore-err 10, redirect by ssl_c_verify 10", 'tolerate = [ "expired" ], cert = "expired"', HELP),
    (1, "crt-ignore-err all, crl-file, number 23", 'tolerate = "all", crl, cert = "revoked"', ("test_phases.py", "test_4_revoked_and_other_errors")),
    (1, "ca-file with two CAs, X-Ssl-Error", "ca, identity_headers", ("test_phases.py", "test_5_several_cas_and_the_number_of_the_error")),
    (1, "a page for expired and revoked certificates, without a farm for it", "respond = { body; }", ("test_help_page.py", "test_each_fault_has_its_page_and_no_backend")),
    (1, "comment: the actual number of the error in the request", 'set_headers = { X-Ssl-Error = "{cert.error}"; }', ("test_seeds.py", "test_the_number_of_the_error_in_a_field")),
    (1, "comment: the number as a parameter of the URI, for one dynamic page", 'redirect = "/error?n={cert.error}"', ("test_seeds.py", "test_the_number_of_the_error_in_the_uri")),
    (1, "comment: certificates from a database", "registries, registry", ("test_registry.py", "test_a_certificate_that_is_not_listed_is_refused_and_told_why")),
    (1, "comment: and a session stored in a database", "sessions", ("test_sessions.py", "test_a_caller_of_http_1_and_2_has_a_row")),
    (1, "comment: one CN for CA, server and client", "mtlsd check", ("test_same_name.py", "test_a_client_that_takes_our_certificate_for_self_signed")),
    (1, "comment: certificate information in fields", "identity_headers or set_headers", ("test_seeds.py", "test_fields_under_the_names_that_a_backend_has_already")),
    (1, "comment: the whole certificate to the backend", '"{cert.pem}", "{cert.der}"', ("test_variables.py", "test_a_backend_is_told_each_value_under_a_name_of_its_own")),
    (1, "comment: present a certificate to a server", "tls = { identity; } of an upstream", ("test_injector.py", "test_attaches_the_certificate_and_passes_the_request")),
    (1, "comment: demanded on certain paths only", 'cert = "none", path', ("test_seeds.py", "test_a_certificate_is_demanded_on_one_path_only")),
    (1, "coming soon: rules by what the certificate says", "allow, caller", ("test_policies.py", None)),
    (2, "SSLVerifyClient require, SSLCACertificateFile", "tls of a listener", ("test_two_way_gateway.py", "test_without_a_certificate_nobody_comes_in")),
    (2, "SSLProxyMachineCertificateFile, SSLProxyVerify require", "tls of an upstream", ("test_two_way_gateway.py", "test_round_robin_over_apache_and_nginx_with_our_machine_certificate")),
    (2, "SSLProxyMachineCertificateChainFile, SSLCertificateChainFile", "chain", ("test_chains.py", None)),
    (2, "CustomLog with SSL_PROTOCOL and SSL_CIPHER", 'format = "ssl_request"', ("test_two_way_gateway.py", "test_the_log_is_apaches_ssl_request_log")),
    (2, "CustomLog combined", 'format = "combined"', ("test_logs.py", "test_combined_is_what_readers_of_web_logs_expect")),
    (2, "ServerAdmin", "contact", ("test_seeds.py", "test_a_refusal_names_a_contact")),
    (2, "SSLOptions +StdEnvVars", "set_headers with variables", ("test_seeds.py", "test_the_values_of_apaches_environment")),
    (2, "SSLProtocol, SSLCipherSuite", "min_version, max_version, priority", ("test_versions.py", "test_a_listener_speaks_no_higher_version")),
    (2, "BalancerMember route=, stickysession", "route, sticky", ("test_two_way_gateway.py", "test_a_session_stays_with_its_worker")),
    (2, "retry=10", "retry_after", ("test_two_way_gateway.py", "test_a_dead_worker_is_passed_over_and_taken_back")),
    (2, "lbmethod=byrequests", "balance, weight", ("test_two_way_gateway.py", "test_round_robin_over_apache_and_nginx_with_our_machine_certificate")),
    (2, "ProxyPass /balancer-manager !", "serve, deny", ("test_two_way_gateway.py", "test_the_balancer_manager_never_reaches_a_worker")),
    (2, "balancer-manager", 'serve = "dashboard"', ("test_serve.py", "test_a_button_drains_a_target_and_the_log_says_who")),
    (3, "the service is verified, and so are we", "tls of an upstream", ("test_gateway.py", "test_both_ends_are_mutual")),
    (3, "the proxy of the app's side attaches the certificate", "identity", ("test_injector.py", "test_attaches_the_certificate_and_passes_the_request")),
    (3, "certificate and key in one file", "bundle", ("test_injector.py", "test_attaches_the_certificate_and_passes_the_request")),
    (3, "a CA, a key and a certificate for a client", "mtlsd pki", ("test_cli.py", "test_whole_chain_with_its_certificates")),
    (3, "openssl verify", "mtlsd verify", ("test_cli.py", "test_statuses")),
    (3, "certificates of openssl x509 -req, without extendedKeyUsage", "insecure_no_purpose", ("test_pki_verify.py", None)),
    (3, "nginx: proxy_ssl_server_name, Host, X-Real-IP, X-Forwarded-For", "server_name, host, forwarded", ("test_injector.py", "test_host_preserve_keeps_the_apps")),
]


class TestHere(harness.Case):
    def start(self, routes, tls='client_cert = "optional"; tolerate = "all";', more="", listener=""):
        self.backend, self.port = peers.Backend(self, lambda r: peers.reply(b"app")), free_port()
        text = self.verifier_text(self.port, self.backend.port, tls=tls, listener=f"{listener} routes = ( {routes} );").replace('upstream = "app";\n', "")
        self.daemon(more + text, [self.port])
        self.late = self.pki.leaf("t-seed-late", eku=("clientAuth",), start=-400, days=30)
        self.stranger = self.pki.leaf("t-seed-stranger", self.pki.ca("stranger"), eku=("clientAuth",))

    def head(self, *arguments, **options):
        self.backend.received.clear()
        answer = self.curl_tls(self.port, *arguments, **options)
        return answer, bytes(self.backend.received).split(b"\r\n\r\n")[0].decode("latin-1")

    def test_the_number_of_the_error_in_a_field(self):
        self.start('{ upstream = "app"; cert = [ "valid", "none", "error" ]; set_headers = { X-Ssl-Error = "{cert.error}"; }; }')
        for client, number in (("client", 0), (self.late, 10), (self.stranger, 20), (None, 1)):
            self.assertIn(f"\r\nX-Ssl-Error: {number}\r\n", self.head("-H", "x_ssl_error: 0", client=client)[1] + "\r\n")

    def test_the_number_of_the_error_in_the_uri(self):
        self.start('{ cert = "error"; path = "/error"; upstream = "app"; }, { cert = "error"; redirect = "/error?n={cert.error}&why={cert.status}"; }, { upstream = "app"; }')
        for client, where in ((self.late, "/error?n=10&why=expired"), (self.stranger, "/error?n=20&why=unknown_ca")):
            self.assertEqual(where, self.head(client=client)[0].header("Location"))
            self.assertIn(f"GET {where} ", self.head("-L", client=client)[1])

    def test_fields_under_the_names_that_a_backend_has_already(self):
        """SHA-1 too, for those that still compare it."""
        self.start('{ cert = "error"; respond = 403; }, { upstream = "app"; set_headers = { X-Client-DN = "{cert.subject}"; X-Client-Fingerprint = "{cert.sha1}"; '
                   'X-User = "{cert.cn}"; }; }')
        der = ssl.PEM_cert_to_DER_cert(self.pki.client().crt.read_text())
        head = self.head("-H", "X-User: root", "-H", "X_Client_DN: CN=root")[1]
        self.assertIn(f"X-Client-Fingerprint: {hashlib.sha1(der).hexdigest()}\r\n", head)
        self.assertRegex(head, r"X-Client-DN: CN=client1,OU=apps,O=Tests")
        self.assertNotIn("root", head)

    def test_the_values_of_apaches_environment(self):
        names = {"SSL_PROTOCOL": "tls.version", "SSL_CIPHER": "tls.cipher", "SSL_CLIENT_VERIFY": "cert.verify", "SSL_CLIENT_S_DN": "cert.subject",
                 "SSL_CLIENT_I_DN": "cert.issuer", "SSL_CLIENT_M_SERIAL": "cert.serial", "SSL_CLIENT_V_END": "cert.not_after", "SSL_TLS_SNI": "tls.sni"}
        fields = " ".join(f'X-{name.replace("_", "-")} = "{{{ours}}}";' for name, ours in names.items())
        self.start('{ upstream = "app"; cert = [ "valid", "none", "error" ]; set_headers = { %s }; }' % fields)
        wanted = {"Protocol": r"TLSv1\.3", "Cipher": r"TLS_[A-Z0-9_]+", "Client-Verify": "SUCCESS", "Client-S-Dn": r"CN=client1,\S+", "Client-I-Dn": r"CN=\S+",
                  "Client-M-Serial": "[0-9a-f]+", "Client-V-End": r"\d{4}-\d\d-\d\dT\S+Z", "Tls-Sni": "localhost"}
        head = self.head("--tlsv1.3")[1] + "\r\n"
        for name, value in wanted.items():
            self.assertRegex(head, re.compile(f"\r\nX-SSL-{name}: {value}\r\n", re.I))
        self.assertIn("X-SSL-CLIENT-VERIFY: FAILED:expired\r\n", self.head(client=self.late)[1] + "\r\n")
        self.assertIn("X-SSL-CLIENT-VERIFY: NONE\r\n", self.head(client=None)[1] + "\r\n")

    def test_a_certificate_is_demanded_on_one_path_only(self):
        self.start('{ cert = "error"; respond = 403; }, { cert = "none"; path = "/members"; respond = { status = 403; body = "Install a certificate.\\n"; }; }, { upstream = "app"; }')
        self.assertEqual("app", self.head(client=None)[0].text)
        self.assertEqual("Install a certificate.\n", self.head(client=None, path="/MEMBERS/x")[0].text)
        self.assertEqual("app", self.head(path="/members/x")[0].text)

    def test_a_refusal_names_a_contact(self):
        self.start('{ cert = "error"; respond = 403; }, { cert = "none"; respond = 403; }, { upstream = "app"; }', more='contact = "ops@example.com <\\"24 h\\">";\n')
        for version in ("--http1.1", "--http2"):
            self.assertEqual('ops@example.com <"24 h">', self.curl_tls(self.port, version, client=None).json()["contact"])
        done = self.command("explain", "-c", self.folder / "mtlsd.conf", "--request", "POST https://localhost/\x01", "--json")
        self.assertIn("ops@example.com", done.stdout + done.stderr)


class Table(unittest.TestCase):
    def test_each_line_has_a_test_that_exists(self):
        texts = {path.name: path.read_text() for path in HERE.glob("test_*.py")}
        for article, line, keys, (file, test) in ROWS:
            print(f"  {article}  {line:70} {keys:55} {file}{f': {test}' if test else ''}")
            self.assertIn(file, texts, line)
            self.assertTrue(test is None or f"def {test}(" in texts[file], (line, file, test))


if __name__ == "__main__":
    unittest.main()
