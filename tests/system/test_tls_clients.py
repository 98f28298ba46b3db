# SPDX-License-Identifier: Apache-2.0
"""Common client programs with TLS 1.2 only, TLS 1.3 only and both. Good clients are served (A14). When a client does not accept our certificate, the log
says so and names the CA that the client needs.

More of them stand in tests/unit/tls/client_hellos.h, as recorded bytes. Those that are not on the machine are skipped.
"""
import re
import shutil
import subprocess
import unittest

import harness
import peers
from harness import wait_for

OFFERS = ("1.2", "1.3", "both")
REQUEST = "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
NODE = """
const fs = require("fs"), [port, ca, mine, min, max] = process.argv.slice(1), pem = fs.readFileSync(mine);
const options = { host: "localhost", port, path: "/hello", family: 4, ca: fs.readFileSync(ca), cert: pem, key: pem, agent: false };
require("https").get({ ...options, minVersion: min, maxVersion: max }, r => { console.log(r.statusCode); r.resume(); })
    .on("error", e => { console.log(e.message); process.exitCode = 1; });
"""
JAVA = """
import java.io.FileInputStream;
import java.net.URI;
import java.net.http.*;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.*;

public class Call {
    static KeyStore store(String file) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream in = new FileInputStream(file)) {
            boolean mine = file.endsWith(".p12");
            store.load(mine ? in : null, "secret".toCharArray());
            if (!mine)
                store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        return store;
    }

    public static void main(String[] argument) throws Exception {
        KeyManagerFactory mine = KeyManagerFactory.getInstance("PKIX");
        mine.init(store(argument[1]), "secret".toCharArray());
        for (int i = 2; i < argument.length; i += 2) {
            TrustManagerFactory trusted = TrustManagerFactory.getInstance("PKIX");
            trusted.init(store(argument[i]));
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(mine.getKeyManagers(), trusted.getTrustManagers(), null);
            SSLParameters parameters = context.getDefaultSSLParameters();
            parameters.setProtocols(argument[i + 1].split(","));
            HttpClient client = HttpClient.newBuilder().sslContext(context).sslParameters(parameters).build();
            HttpRequest request = HttpRequest.newBuilder(URI.create("https://localhost:" + argument[0] + "/hello")).build();
            try {
                System.out.println("status " + client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
            } catch (java.io.IOException e) {
                System.out.println("failed: " + e.getMessage());
            }
        }
    }
}
"""


def pick(offers, only_12, only_13, both=()):
    return list({"1.2": only_12, "1.3": only_13, "both": both}[offers])


class Clients(harness.Case):
    """One verifier for all, and one method for each program: run(ca, offers) calls it once; the argument is the CA that the program trusts."""

    def setUp(self):
        super().setUp()
        self.backend = peers.Backend(self, answer=lambda request: peers.reply(b"hello\n"))
        self.port = self.verifier(self.backend.port)
        self.mine = self.pki.client()
        self.ours, self.stranger = self.pki.ca("root"), self.pki.ca("stranger")

    def call(self, *argv, data="", env=None):
        done = subprocess.run([str(a) for a in argv], input=data, capture_output=True, text=True, timeout=60, cwd=self.folder, env=env)
        return done.stdout + done.stderr

    # The programs.
    def openssl(self, ca, offers):
        versions = pick(offers, ["-tls1_2"], ["-tls1_3"])
        return self.call("openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", "localhost", "-verify_return_error", "-CAfile",
                         ca.crt, "-cert", self.mine.crt, "-key", self.mine.key, "-quiet", "-ign_eof", *versions, data=REQUEST)

    def curl_once(self, ca, offers):
        versions = pick(offers, ["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3"])
        return self.call("curl", "-sSi", "--noproxy", "*", "-4", "--cacert", ca.crt, "--cert", self.mine.pem, *versions,
                         f"https://localhost:{self.port}/hello")

    def gnutls(self, ca, offers):
        versions = pick(offers, ["--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2"], ["--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3"])
        return self.call("gnutls-cli", "-p", self.port, "--sni-hostname", "localhost", "--verify-hostname", "localhost", "--x509cafile", ca.crt,
                         "--x509certfile", self.mine.crt, "--x509keyfile", self.mine.key, *versions, "127.0.0.1", data=REQUEST)

    def python(self, ca, offers):
        context = peers.client_context(ca, self.mine)
        if offers != "both":
            context.minimum_version = context.maximum_version = peers.TLS[f"TLSv{offers}"]
        try:
            with peers.secure(self.port, context) as connection:
                connection.sendall(REQUEST.encode())
                return peers.read_until(connection, b"hello\n").decode()
        except OSError as error:
            return str(error)

    def node(self, ca, offers):
        least, most = pick(offers, ["TLSv1.2"] * 2, ["TLSv1.3"] * 2, ["TLSv1.2", "TLSv1.3"])
        return self.call("node", "-e", NODE, self.port, ca.crt, self.mine.pem, least, most)

    # The tests.
    def assert_served(self, run, offers):
        before = len(self.backend.requests)
        said = run(self.ours, offers)
        self.assertRegex(said, r"\b200\b")
        self.assertEqual(before + 1, len(self.backend.requests), said)

    def refusals(self):
        return [line for line in self.mtlsd.log.splitlines() if "reason=client_refused_certificate" in line]

    def assert_not_accepted(self, run, offers, says):
        before = len(self.refusals())
        said = run(self.stranger, offers)
        self.assertNotRegex(said, r"\b200 OK\b")
        self.assert_tells(wait_for(lambda: self.refusals()[before:], f"a line about the client, which said {said}", 10)[0], says)

    def assert_tells(self, line, says):
        self.assertRegex(line, says)
        self.assertIn(f"CN={self.ours_name()}", line)
        self.assertIn("give the client the CA that issued our certificate", line)
        self.assertNotIn("identity of the upstream", line)
        self.assertRegex(line, r" ours=.* ours_serial=[0-9a-f]+ .* ours_not_after=20")

    def ours_name(self):
        subject = self.call("openssl", "x509", "-noout", "-subject", "-nameopt", "multiline", "-in", self.ours.crt)
        return re.search(r"commonName\s*= (.*)", subject)[1]

    def hold(self, run, says, silent=()):
        for offers in OFFERS:
            with self.subTest(f"{offers}, trusts our CA"):
                self.assert_served(run, offers)
            if offers in silent:
                continue
            with self.subTest(f"{offers}, trusts another CA"):
                self.assert_not_accepted(run, offers, says)

    def test_openssl(self):
        """In TLS 1.3 its alert is not encrypted, though the handshake is by then."""
        self.hold(self.openssl, "does not trust the CA of our certificate.*alert unknown_ca")

    def test_curl(self):
        self.hold(self.curl_once, "alert unknown_ca|alert bad_certificate")

    def test_gnutls(self):
        self.hold(self.gnutls, "alert bad_certificate|alert unknown_ca")

    def test_python(self):
        self.hold(self.python, "alert unknown_ca")

    @unittest.skipUnless(shutil.which("node"), "no node here")
    def test_node(self):
        """It finishes a handshake of TLS 1.2 before it looks at the certificate, and goes without a word: then there is nothing to tell."""
        self.hold(self.node, "without an alert|alert ", silent=["1.2"])

    @unittest.skipUnless(shutil.which("java") and shutil.which("javac"), "no JDK here")
    def test_java(self):
        """HttpClient goes without an alert. All calls are made by one virtual machine, which takes its time to start."""
        self.write("Call.java", JAVA)
        self.call("openssl", "pkcs12", "-export", "-in", self.mine.pem, "-passout", "pass:secret", "-out", "mine.p12")
        versions = ("TLSv1.2", "TLSv1.3", "TLSv1.3,TLSv1.2")
        calls = [part for ca in (self.ours, self.stranger) for offers in versions for part in (ca.crt, offers)]
        said = self.call("java", "Call.java", self.port, "mine.p12", *calls).splitlines()
        self.assertEqual(["status 200"] * 3, said[:3])
        self.assertEqual(["failed"] * 3, [line.split(":")[0] for line in said[3:]])
        wait_for(lambda: self.processes[-1].log.count(" protocol=HTTP/2 ") == 3, "three lines of HTTP/2, which it prefers")
        for line in wait_for(lambda: len(self.refusals()) == 3 and self.refusals(), "three lines about the client", 10):
            self.assert_tells(line, "without an alert|alert ")


class Versions(Clients):
    """Verifiers of one version: those who speak it get through, in every way of offering it."""
    SPEAKS = {'min_version = "1.3";': ("1.3", "both"), 'priority = "NORMAL:-VERS-ALL:+VERS-TLS1.2";': ("1.2", "both")}

    def hold(self, run, says, silent=()):
        for tls, passes in self.SPEAKS.items():
            self.port = self.verifier(self.backend.port, tls=tls)
            for offers in OFFERS:
                with self.subTest(f"{tls} {offers}"):
                    if offers in passes:
                        self.assert_served(run, offers)
                    else:
                        before = len(self.backend.requests)
                        self.assertNotRegex(run(self.ours, offers), r"\b200 OK\b")
                        self.assertEqual(before, len(self.backend.requests))

    test_java = None


if __name__ == "__main__":
    harness.main()
