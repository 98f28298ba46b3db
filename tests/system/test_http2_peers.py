# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 with the programs of others: nghttp, h2load, curl, node and proxies in front; nginx, Apache, nghttpd and node behind; over all pairs of versions."""
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import unittest

import h2case
import harness
import peers
from harness import free_port
from web_servers import MODULES

NODE_SERVER = """
const [port, folder, certificate, key, ca, h1] = process.argv.slice(2), fs = require("fs");
const options = { cert: fs.readFileSync(certificate), key: fs.readFileSync(key), ca: fs.readFileSync(ca), requestCert: true, rejectUnauthorized: true };
const answer = (request, response) => {
  response.setHeader("x-proto", request.httpVersion);
  if (request.method === "POST") { request.pipe(response); return; }
  fs.createReadStream(folder + request.url).on("error", () => { response.statusCode = 404; response.end(); }).pipe(response);
};
(h1 ? require("https").createServer(options, answer) : require("http2").createSecureServer(options, answer)).listen(Number(port), "127.0.0.1");
"""
NODE_CLIENT = """
const client = require("http2").connect(process.argv[2]), crypto = require("crypto");
client.on("error", (error) => { console.log(String(error)); process.exit(1); });
const get = (path, body) => new Promise((resolve) => {
  const request = client.request({ ":path": path, ":method": body ? "POST" : "GET" }), hash = crypto.createHash("sha256");
  let status;
  request.on("response", (head) => { status = head[":status"]; });
  request.on("data", (piece) => hash.update(piece));
  request.on("error", (error) => resolve([String(error)]));
  request.on("end", () => resolve([status, hash.digest("hex")]));
  request.end(body);
});
(async () => {
  const answers = await Promise.all([...Array.from({ length: 60 }, () => get("/small")), get("/large"), get("/large"), get("/missing")]);
  console.log(JSON.stringify(answers));
  client.close();
})();
"""


class Case(h2case.Case):
    def setUp(self):
        super().setUp()
        self.small, self.large = b"hello\n", os.urandom(1 << 16) * 16
        (self.folder / "small").write_bytes(self.small)
        (self.folder / "large").write_bytes(self.large)
        self.me, self.ca = self.pki.server(), self.pki.ca("root").crt

    # Behind: each has the two files, and says in x-proto which version it was asked in, where it can.
    def nginx_server(self, h1=False):
        port = free_port()
        self.nginx(f"""server {{ listen 127.0.0.1:{port} ssl {'' if h1 else 'http2'}; ssl_certificate {self.me.pem}; ssl_certificate_key {self.me.key};
            ssl_client_certificate {self.ca}; ssl_verify_client on; root {self.folder}; add_header x-proto $server_protocol; }}""", [port])
        return port

    def apache_server(self, h1=False, modules=(), more=""):
        port = free_port()
        path = self.write("apache.conf", "\n".join([
            "ServerName localhost", f"ServerRoot {self.folder}", f"PidFile {self.folder}/apache.pid", f"DefaultRuntimeDir {self.folder}",
            *(f"LoadModule {m}_module {MODULES}/mod_{m}.so" for m in ("mpm_event", "authz_core", "dir", "headers", "ssl", "http2", *modules)),
            "StartServers 1", "ServerLimit 1", "ThreadsPerChild 8", "MaxRequestWorkers 8", f"ErrorLog {self.folder}/apache.err", f"Listen 127.0.0.1:{port}",
            f"DocumentRoot {self.folder}", f"Protocols {'' if h1 else 'h2'} http/1.1", "SSLEngine on", f"SSLCertificateFile {self.me.pem}",
            f"SSLCertificateKeyFile {self.me.key}", f"SSLCACertificateFile {self.ca}", "SSLVerifyClient require", 'Header set x-proto "expr=%{SERVER_PROTOCOL}"', more, ""]))
        self.spawn("apache", ["apache2", "-X", "-f", path], [port])
        return port

    def nghttpd_server(self, *options):
        port = free_port()
        self.spawn("nghttpd", ["nghttpd", *options, "--verify-client", "-d", self.folder, port, self.me.key, self.me.pem], [port], env={**os.environ, "SSL_CERT_FILE": self.ca})
        return port

    def node_server(self, h1=False):
        if not shutil.which("node"):
            self.skipTest("needs node")
        port = free_port()
        self.spawn("node", ["node", self.write("server.js", NODE_SERVER), port, self.folder, self.me.pem, self.me.key, self.ca, *(["h1"] if h1 else [])], [port])
        return port

    def sha(self, content):
        return hashlib.sha256(content).hexdigest()


class Behind(Case):
    """One injector in front of each server; clients of both versions."""

    def assert_serves(self, port, proto):
        for option in ("--http1.1", "--http2-prior-knowledge"):
            with self.subTest(option):
                url = f"http://127.0.0.1:{port}"
                for path, content in (("/small", self.small), ("/large", self.large)):
                    answer = self.curl(option, url + path)
                    self.assertEqual((200, self.sha(content)), (answer.status, self.sha(answer.body)), answer.error)
                    if proto:
                        self.assertRegex(answer.header("x-proto"), proto)
                self.assertEqual(404, self.curl(option, f"{url}/missing").status)
                head = self.curl(option, "--head", f"{url}/small")
                self.assertEqual((200, "6"), (head.status, head.header("content-length") or "6"))
                ranged = self.curl(option, "-r", "1-3", f"{url}/small")
                self.assertIn((ranged.status, ranged.body), ((206, b"ell"), (200, self.small)))

    def test_nginx_with_http2(self):
        self.assert_serves(self.far_front(self.nginx_server()), r"HTTP/2\.0")

    @unittest.skipIf(h2case.INSTEAD, "HTTP/1.1 behind")
    def test_nginx_without(self):
        self.assert_serves(self.far_front(self.nginx_server(h1=True)), r"HTTP/1\.1")

    def test_apache_with_http2(self):
        self.assert_serves(self.far_front(self.apache_server()), r"HTTP/2\.0")

    def test_apache_with_a_hundred_streams_that_carry_bodies_both_ways(self):
        backend = peers.Backend(self, lambda request: peers.reply(request.body))
        front = self.far_front(self.apache_server(modules=("proxy", "proxy_http"), more=f"ProxyPass / http://127.0.0.1:{backend.port}/"))
        done = subprocess.run(["h2load", "-n", "100", "-c", "1", "-m", "100", "-d", self.write("body", "x" * 40000), f"http://127.0.0.1:{front}/"], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertRegex(done.stdout, r"100 succeeded, 0 failed, 0 errored, 0 timeout\nstatus codes: 100 2xx[^\n]*\ntraffic: .* \(4000000\) data", done.stderr)

    @unittest.skipIf(h2case.INSTEAD, "HTTP/1.1 behind")
    def test_apache_without(self):
        self.assert_serves(self.far_front(self.apache_server(h1=True)), r"HTTP/1\.1")

    def test_nghttpd(self):
        self.assert_serves(self.far_front(self.nghttpd_server()), None)

    def test_nghttpd_that_answers_before_an_upload_ends(self):
        """The upload is in HTTP/1.1, and in HTTP/2 without curl: 7.88 does not take the reset without an error for its end, and turns until its time is up."""
        port = self.far_front(self.nghttpd_server("--early-response"))
        url, large = f"http://127.0.0.1:{port}/small", self.folder / "large"
        answer = self.curl("--http1.1", "-H", "Expect:", "--data-binary", f"@{large}", url)
        self.assertEqual((200, self.small), (answer.status, answer.body), answer.error)
        done = subprocess.run(["nghttp", "-d", large, url], capture_output=True, timeout=60, check=False)
        self.assertEqual((0, self.small), (done.returncode, done.stdout), done.stderr)
        for option in ("--http1.1", "--http2-prior-knowledge"):
            self.assertEqual(200, self.curl(option, url).status)

    def test_node_with_http2(self):
        port = self.far_front(self.node_server())
        self.assert_serves(port, r"2\.0")
        for option in ("--http1.1", "--http2-prior-knowledge"):
            answer = self.curl(option, "-H", "Expect:", "--data-binary", f"@{self.folder}/large", f"http://127.0.0.1:{port}/")
            self.assertEqual((200, self.sha(self.large)), (answer.status, self.sha(answer.body)), answer.error)

    @unittest.skipIf(h2case.INSTEAD, "HTTP/1.1 behind")
    def test_node_without(self):
        port = self.far_front(self.node_server(h1=True))
        self.assert_serves(port, r"1\.1")
        for option in ("--http1.1", "--http2-prior-knowledge"):
            answer = self.curl(option, "--data-binary", f"@{self.folder}/large", f"http://127.0.0.1:{port}/")
            self.assertEqual((200, self.sha(self.large)), (answer.status, self.sha(answer.body)), answer.error)


def over_both(test):
    """Runs a test with the address of an injector in front of HTTP/2, and once more in front of HTTP/1.1."""
    @functools.wraps(test)
    def run(self):
        for h1 in (False, True)[:1 if h2case.INSTEAD else 2]:
            with self.subTest("HTTP/1.1 behind" if h1 else "HTTP/2 behind"):
                test(self, f"http://127.0.0.1:{self.far_front(self.nginx_server(h1))}")
    return run


class InFront(Case):
    """Clients of HTTP/2, many requests at once, in front of both versions."""

    @over_both
    def test_nghttp(self, url):
        done = subprocess.run(["nghttp", "-n", "-s", "-m", "20", f"{url}/small", f"{url}/large"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        rows = re.findall(r" (\d{3}) +(\S+) (/\w+)$", done.stdout, re.M)
        self.assertEqual((20, 20), (rows.count(("200", "6", "/small")), len([r for r in rows if (r[0], r[2]) == ("200", "/large")])), done.stdout[-2000:])

    def test_nghttp_uploads_with_padding_and_continuation(self):
        port = self.far_front(self.node_server())
        done = subprocess.run(["nghttp", "-b", "200", "--continuation", "-d", self.folder / "large", f"http://127.0.0.1:{port}/"], capture_output=True, timeout=60, check=False)
        self.assertEqual(self.sha(self.large), self.sha(done.stdout), done.stderr)

    @over_both
    def test_h2load(self, url):
        done = subprocess.run(["h2load", "-n", "500", "-c", "8", "-m", "32", f"{url}/small"], capture_output=True, text=True, timeout=60, check=False)
        self.assertIn("500 succeeded, 0 failed, 0 errored, 0 timeout", done.stdout, done.stderr)
        done = subprocess.run(["h2load", "-n", "100", "-c", "4", "--h1", f"{url}/small"], capture_output=True, text=True, timeout=60, check=False)
        self.assertIn("100 succeeded, 0 failed, 0 errored, 0 timeout", done.stdout, done.stderr)

    @unittest.skipUnless(shutil.which("node"), "needs node")
    @over_both
    def test_node(self, url):
        done = subprocess.run(["node", self.write("client.js", NODE_CLIENT), url], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        answers = json.loads(done.stdout)
        self.assertEqual([[200, self.sha(self.small)]] * 60 + [[200, self.sha(self.large)]] * 2, answers[:62])
        self.assertEqual(404, answers[62][0])


@unittest.skipIf(h2case.INSTEAD, "a verifier's own")
class Verifying(Case):
    """TLS with ALPN in front: a verifier with both versions, and each client's choice."""

    def setUp(self):
        super().setUp()
        backend = free_port()
        self.nginx(f"server {{ listen 127.0.0.1:{backend}; root {self.folder}; add_header x-cn $http_x_ssl_client_cn; }}", [backend])
        self.port = self.verifier(backend, listener='identity_headers = [ "x-ssl" ];')

    def test_curl_gets_the_version_it_asks_for(self):
        for option, version in (("--http2", "2"), ("--http1.1", "1.1")):
            answer = self.curl_tls(self.port, option, path="/large")
            self.assertEqual((200, self.sha(self.large), "client1"), (answer.status, self.sha(answer.body), answer.header("x-cn")), answer.error)
            line = self.curl_tls(self.port, option, "-v", path="/small").error
            self.assertRegex(line, f"< HTTP/{version} ")

    def test_curl_many_at_once(self):
        """Inside TLS: curl 7.88 cannot do this in plaintext, with no server."""
        targets = [part for i in range(30) for part in ("-o", "/dev/null", f"https://localhost:{self.port}/small?{i}")]
        done = subprocess.run(["curl", "-sS", "--http2", "--parallel", "--cacert", self.ca, "--cert", self.pki.client().pem, "-w", "%{http_version} %{http_code} %{size_download}\n",
                               *targets], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(["2 200 6"] * 30, done.stdout.splitlines(), done.stderr)

    def test_nghttp_with_a_certificate(self):
        mine = self.pki.client()
        done = subprocess.run(["nghttp", "-n", "-s", f"--cert={mine.crt}", f"--key={mine.key}", f"https://localhost:{self.port}/small"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertRegex(done.stdout, r" 200 +6 /small")

    def assert_reached_through(self, port, log):
        """A proxy of others in front speaks HTTP/2 to the verifier, with a certificate."""
        for path, content in (("/small", self.small), ("/large", self.large)):
            answer = self.curl(f"http://127.0.0.1:{port}{path}")
            self.assertEqual((200, self.sha(content), "client1"), (answer.status, self.sha(answer.body), answer.header("x-cn")), answer.text[:300] + log())
        harness.wait_for(lambda: "HTTP/2" in self.mtlsd.log, "a line of HTTP/2")

    def test_haproxy_in_front(self):
        port = free_port()
        process = self.haproxy_front(port, self.port, f" ssl crt {self.pki.client().pem} ca-file {self.ca} verify required verifyhost localhost sni str(localhost) alpn h2", "")
        self.assert_reached_through(port, lambda: process.log)

    def test_nginx_in_front(self):
        """It speaks HTTP/2 to servers by grpc_pass alone."""
        port, mine = free_port(), self.pki.client()
        self.nginx(f"""server {{ listen 127.0.0.1:{port}; location / {{ grpc_pass grpcs://127.0.0.1:{self.port}; grpc_ssl_certificate {mine.pem};
            grpc_ssl_certificate_key {mine.key}; grpc_ssl_trusted_certificate {self.ca}; grpc_ssl_verify on; grpc_ssl_name localhost; grpc_ssl_server_name on;
            grpc_set_header Host localhost; }} }}""", [port])
        self.assert_reached_through(port, lambda: self.mtlsd.log[-2000:])

    def test_apache_in_front(self):
        port, mine = free_port(), self.pki.client()
        path = self.write("apache.conf", "\n".join([
            "ServerName localhost", f"ServerRoot {self.folder}", f"PidFile {self.folder}/apache.pid", f"DefaultRuntimeDir {self.folder}",
            *(f"LoadModule {m}_module {MODULES}/mod_{m}.so" for m in ("mpm_event", "authz_core", "ssl", "proxy", "http2", "proxy_http2")),
            "StartServers 1", "ServerLimit 1", "ThreadsPerChild 8", "MaxRequestWorkers 8", f"ErrorLog {self.folder}/apache.err", f"Listen 127.0.0.1:{port}",
            "SSLProxyEngine on", "SSLProxyVerify require", f"SSLProxyCACertificateFile {self.ca}", f"SSLProxyMachineCertificateFile {mine.pem}",
            f"ProxyPass / h2://localhost:{self.port}/", ""]))
        self.spawn("apache", ["apache2", "-X", "-f", path], [port])
        self.assert_reached_through(port, lambda: (self.folder / "apache.err").read_text()[-2000:])

    def test_a_client_without_a_certificate_is_refused(self):
        answer = self.curl_tls(self.port, "--http2", client=None)
        self.assertEqual(0, answer.status)


del Case

if __name__ == "__main__":
    harness.main()
