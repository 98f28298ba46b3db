# SPDX-License-Identifier: Apache-2.0
"""A forward proxy that ends TLS for the hosts of its routes, by a CA that is constrained to them, so that programs that insist on https get our
client certificate. All other hosts stay blind tunnels."""
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys

import harness
import peers
from harness import free_port

NODE = """const http = require('http'), tls = require('tls'), fs = require('fs');
const [proxy, ca] = [new URL(process.env.https_proxy), fs.readFileSync(process.env.CA)];
http.request({host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: 'api.example:443',
  headers: {host: 'api.example:443'}}).on('connect', (r, socket) => {
  const s = tls.connect({socket, servername: 'api.example', ca}, () => s.write('GET / HTTP/1.1\\r\\nHost: api.example\\r\\nConnection: close\\r\\n\\r\\n'));
  s.on('data', d => process.stdout.write(d)); s.on('error', e => { console.error(e); process.exit(1); });
}).end();"""


class Intercept(harness.Case):
    def setUp(self):
        super().setUp()
        self.port = free_port()

    def ca(self, *hosts, name="intercept"):
        done = self.command("pki", "init", "--dir", self.folder / name, *[word for host in hosts for word in ("--only", host)])
        self.assertEqual(0, done.returncode, done.stderr)
        return self.folder / name

    def text(self, ca, origin, more="", listener="", host='"api.example"'):
        return f"""log = {{ format = "json"; }}; admin = {{ socket = "unix:{self.folder}/admin.sock"; }};
            identities = {{ me = {{ bundle = "{self.pki.client().pem}"; }}; }};
            trusts = {{ them = {{ ca = "{self.pki.ca("root").crt}"; }}; }};
            upstreams = {{ far = {{ targets = [ "127.0.0.1:{origin}" ]; host = "preserve"; tls = {{ identity = "me"; trust = "them"; }}; }}; }};
            listeners = {{ proxy = {{ bind = "127.0.0.1:{self.port}"; {listener}
                forward_proxy = {{ {more} intercept = {{ ca = "{ca}/ca.pem"; key = "{ca}/ca.key"; }}; }};
                routes = ( {{ host = {host}; upstream = "far"; }} ); }}; }};"""

    def start(self, **options):
        self.place = self.ca("api.example")
        self.mtlsd = self.daemon(self.text(self.place, self.origin(), **options), [self.port], [self.folder / "admin.sock"])

    def program(self, *argv):
        env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        url = f"http://127.0.0.1:{self.port}"
        env.update(http_proxy=url, https_proxy=url, HTTPS_PROXY=url, no_proxy="", CA=str(self.place / "ca.pem"), SSL_CERT_FILE=str(self.place / "ca.pem"))
        return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=30, env=env, cwd=self.folder)

    def curl_https(self, *arguments):
        return self.program("curl", "-sS", "--max-time", "20", "--cacert", self.place / "ca.pem", *arguments)

    def tunnel(self, host="api.example", port=443):
        connection = socket.create_connection(("127.0.0.1", self.port), 10)
        connection.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        self.assertIn(b" 200 ", connection.recv(1000))
        return connection

    def secure(self, connection, name="api.example", alpn=None):
        context = ssl.create_default_context(cafile=self.place / "ca.pem")
        context.check_hostname = False
        if alpn:
            context.set_alpn_protocols([alpn])
        return context.wrap_socket(connection, server_hostname=name)


class Clients(Intercept):
    def assert_identified(self, text):
        self.assertIn("CN=client1", text)
        self.assertIn("|api.example|GET", text)

    def test_curl_in_both_versions_of_http(self):
        self.start()
        for version in ("--http1.1", "--http2"):
            done = self.curl_https(version, "-w", " HTTP/%{http_version}", "https://api.example/one", "https://api.example/two")
            self.assertEqual(0, done.returncode, done.stderr)
            self.assert_identified(done.stdout)
            self.assertEqual(2, done.stdout.count("HTTP/2" if version == "--http2" else "HTTP/1.1"), done.stdout)
        rows = [json.loads(line) for line in self.mtlsd.log.until(lambda log: '"method":"GET"' in log).splitlines() if line.startswith("{")]
        self.assertTrue(any(row.get("method") == "GET" and row.get("tls", "").startswith("TLS") for row in rows), rows)

    def test_python(self):
        self.start()
        done = self.program(sys.executable, "-c", "import urllib.request; print(urllib.request.urlopen('https://api.example/', timeout=20).read().decode())")
        self.assert_identified(done.stdout + done.stderr)

    def test_requests(self):
        self.start()
        done = self.program(sys.executable, "-c", "import os, requests; print(requests.get('https://api.example/', verify=os.environ['CA'], timeout=20).text)")
        if "No module" in done.stderr:
            self.skipTest("no requests here")
        self.assert_identified(done.stdout + done.stderr)

    def test_node(self):
        if shutil.which("node") is None:
            self.skipTest("no node here")
        self.start()
        done = self.program("node", "-e", NODE)
        self.assert_identified(done.stdout + done.stderr)

    def test_plaintext_goes_on_as_ever(self):
        self.start()
        self.assert_identified(self.curl_https("http://api.example/").stdout)


class Rules(Intercept):
    def test_the_server_name_is_that_of_connect(self):
        self.start()
        for name in ("other.example", None):
            with self.tunnel() as connection, self.assertRaises(ssl.SSLError) as failed:
                self.secure(connection, name)
            self.assertIn("unrecognized", str(failed.exception).lower())

    def test_host_is_that_of_connect(self):  # A9
        self.start()
        with self.secure(self.tunnel()) as inside:
            inside.sendall(b"GET / HTTP/1.1\r\nHost: other.example\r\n\r\n")
            self.assertEqual(421, peers.response(inside)[0])
            inside.sendall(b"GET / HTTP/1.1\r\nHost: api.example\r\n\r\n")
            self.assertEqual(200, peers.response(inside)[0])

    def test_what_was_sent_ahead_is_read(self):
        self.start()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        side = ssl.create_default_context(cafile=self.place / "ca.pem").wrap_bio(incoming, outgoing, server_hostname="api.example")
        with self.assertRaises(ssl.SSLWantReadError):
            side.do_handshake()
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            connection.sendall(b"CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n" + outgoing.read())
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(4096)
            head, rest = data.split(b"\r\n\r\n", 1)
            self.assertIn(b" 200 ", head)
            incoming.write(rest)
            while True:
                try:
                    side.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    connection.sendall(outgoing.read())
                    incoming.write(connection.recv(65536))

    def test_other_hosts_stay_blind(self):
        their = peers.tls_server(self, peers.server_context(self.pki.server()), lambda c: c.recv(10))
        self.start(more=f'direct = [ "127.0.0.1:{their.port}" ];')
        with self.tunnel("127.0.0.1", their.port) as connection:
            with peers.client_context(self.pki.ca("root")).wrap_socket(connection, server_hostname="localhost") as inside:
                names = dict(x[0] for x in inside.getpeercert()["issuer"])
                self.assertNotEqual("mtlsd development CA", names.get("commonName"))
        refused = self.curl_https("https://unknown.example/")
        self.assertNotEqual(0, refused.returncode)

    def test_the_certificate_is_short_lived_and_for_the_host_alone(self):
        self.start()
        self.assertEqual(0, self.command("reload", "-c", self.mtlsd.config_path).returncode)  # its files may be read again
        with self.secure(self.tunnel()) as inside:
            shown = inside.getpeercert()
        self.assertEqual((("DNS", "api.example"),), shown["subjectAltName"])
        hours = (ssl.cert_time_to_seconds(shown["notAfter"]) - ssl.cert_time_to_seconds(shown["notBefore"])) / 3600
        self.assertEqual(25, hours)

    def test_status_and_explain_tell_of_it(self):
        self.start()
        row = json.loads(self.command("status", "--json", "-c", self.mtlsd.config_path).stdout)["listeners"][0]["intercept"]
        self.assertEqual(["api.example"], row["hosts"])
        self.assertIn("CN=", row["ca"])
        self.assertRegex(self.command("status", "-c", self.mtlsd.config_path).stdout, r"proxy: ends TLS for api.example with certificates of CN=.*, which expires in \d+ days")
        for host, says in (("api.example", "TLS in it is ended here, with a certificate of the CA of forward_proxy.intercept"), ("b.example", "refuse")):
            done = self.command("explain", "-c", self.mtlsd.config_path, "--request", f"CONNECT {host}:443")
            self.assertIn(says, done.stdout + done.stderr)

    def test_a_reload_without_the_route_ends_its_use(self):
        self.start()
        with self.secure(self.tunnel()) as inside:
            inside.sendall(b"GET / HTTP/1.1\r\nHost: api.example\r\n\r\n")
            self.assertEqual(200, peers.response(inside)[0])
            path = self.mtlsd.config_path
            text = path.read_text().split("intercept = {")[0] + 'unmatched = "direct"; }; routes = ( { host = "b.example"; upstream = "far"; } ); }; };'
            path.write_text(text)
            self.assertEqual(0, self.command("reload", "-c", path).returncode)
            inside.sendall(b"GET / HTTP/1.1\r\nHost: api.example\r\n\r\n")
            self.assertEqual(403, peers.response(inside)[0])  # it came by TLS, and is not sent on in plaintext


class Authority(Intercept):
    """E7: a CA that could be of use for another host is refused."""

    def check(self, ca, **options):
        done = self.command("check", "-c", self.config(self.text(ca, 1, **options)))
        return done.returncode, done.stdout + done.stderr

    def assert_refused(self, words, ca, **options):
        code, said = self.check(ca, **options)
        self.assertEqual(3, code, said)
        self.assertIn(words, said)

    def made_by_openssl(self, name, extensions, days=10, start=None):
        place = self.folder / name
        place.mkdir()
        (place / "c").write_text(f"[req]\ndistinguished_name=d\nx509_extensions=e\nprompt=no\n[d]\nCN=x\n[e]\n{extensions}\n")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days), "-config", place / "c",
                        "-keyout", place / "ca.key", "-out", place / "ca.pem"], check=True, capture_output=True, timeout=30)
        (place / "ca.key").chmod(0o600)
        return place

    def test_what_is_refused_and_taken(self):
        good = "basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign\n"
        names = "nameConstraints={}permitted;DNS:api.example,excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0\n"
        self.assertEqual(0, self.check(self.made_by_openssl("good", good + names.format("critical,")))[0])
        self.assertEqual(0, self.check(self.ca("api.example", "shop.example"), host='[ "api.example", "*.shop.example" ]')[0])
        self.assert_refused("it has no name constraints, so that it could issue for any host", self.made_by_openssl("any", good))
        self.assert_refused("name constraints are not critical", self.made_by_openssl("lax", good + names.format("")))
        self.assert_refused("do not exclude all addresses", self.made_by_openssl("ip", good + "nameConstraints=critical,permitted;DNS:api.example\n"))
        self.assert_refused("permit names other than host names",
                            self.made_by_openssl("mail", good + names.format("critical,permitted;email:a.example,")))
        self.assert_refused("allows another CA below it", self.made_by_openssl("deep", good.replace(",pathlen:0", "") + names.format("critical,")))
        self.assert_refused("is not the certificate of a CA", self.made_by_openssl("leaf", "basicConstraints=critical,CA:false\n"))
        self.assert_refused('permit "more.example", which no route', self.ca("api.example", "more.example", name="wide"))
        self.assert_refused('do not permit the host "api.example"', self.ca("b.example", name="other"), host='[ "api.example", "b.example" ]')
        mixed = self.ca("api.example", name="mixed")
        shutil.copy(self.folder / "wide" / "ca.key", mixed / "ca.key")
        self.assert_refused("key does not match", mixed)
        mixed.joinpath("ca.key").chmod(0o644)
        self.assert_refused("holds a private key and every user can read it", mixed)
        ca = self.folder / "good"
        self.assert_refused('needs connect = "sniff"', ca, more='connect = "tunnel"; direct = "a.example";')
        for number, words in {"--only": "needs a value", "--only=*.a.example": "write a host name", "--only=10.0.0.1": "write a host name"}.items():
            done = self.command("pki", "init", "--dir", self.folder / "none", number)
            self.assertEqual(2, done.returncode, done.stderr)

    def test_an_expired_one(self):
        place = self.ca("api.example")
        done = self.command("pki", "init", "--dir", place, "--only", "api.example", "--days", "1", "--force")
        self.assertEqual(0, done.returncode, done.stderr)
        fake = next(iter(sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
        if fake is None or harness.is_sanitized():
            self.skipTest("no clock to move here")
        path = self.config(self.text(place, 1))
        done = self.command("check", "-c", path, env={**self.environment(), "LD_PRELOAD": str(fake), "FAKETIME": "+3d"})
        self.assertIn("make a new CA", done.stdout + done.stderr)

    def test_other_software_holds_the_ca_to_its_names(self):
        """OpenSSL refuses what such a CA issues for another host or an address."""
        place = self.ca("api.example")
        for name, fine in {"api.example": True, "deep.api.example": True, "other.example": False, "ip:127.0.0.1": False}.items():
            word = name.replace(":", "-")
            self.assertEqual(0, self.command("pki", "issue", word, "--server", "--san", name if ":" in name else f"dns:{name}", "--dir", place).returncode)
            done = subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", place / "ca.pem", place / f"{word}.pem"], capture_output=True, text=True, timeout=30)
            self.assertEqual(fine, done.returncode == 0, done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()
