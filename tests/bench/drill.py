#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which bad client certificates each server accepts: starts mtlsd and the other programs on loopback, each configured to require a certificate of
one CA, and runs `mtlsd drill` against each. It does so twice: without revocation lists, then with the CA's list if the program supports lists. With
it all servers refuse certificates of an intermediate, good or bad, because there is no list of the intermediate. Without it no server can refuse a
revoked certificate.

One column per server, four signs per kind: TLS 1.3 full and resumed, TLS 1.2 full and resumed.
    .  as expected     X  bad, but accepted     r  good, but refused     o  good, but refused without a list
    -  nothing to resume (refused clients get no ticket), or the ticket was not accepted

needs:  openssl; apt-get install nginx-light haproxy hitch stunnel4 apache2     (what is missing is left out)
usage:  drill.py [--servers mtlsd,nginx,...] [--mtlsd build/release/mtlsd]
"""
import argparse
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
from harness import Process, free_port  # noqa: E402

APACHE_MODULES = pathlib.Path("/usr/lib/apache2/modules")


class Backend(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Range:
    """The folder with the CA, and the programs started in it."""

    def __init__(self, folder, mtlsd):
        self.folder, self.mtlsd, self.processes, self.lists = pathlib.Path(folder), mtlsd, [], False
        self.pki = self.folder / "pki"
        for words in (("init",), ("issue", "server", "--server", "--san", "dns:localhost", "--san", "ip:127.0.0.1"), ("issue", "old", "--client"),
                      ("revoke", "old")):
            self.run("pki", *words)
        self.backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
        self.backend_port = self.backend.server_address[1]
        threading.Thread(target=self.backend.serve_forever, daemon=True).start()

    def run(self, *words, codes=(0,)):
        done = subprocess.run([self.mtlsd, *map(str, words)], cwd=self.folder, capture_output=True, text=True, timeout=300)
        if done.returncode not in codes:
            raise RuntimeError(f"mtlsd {' '.join(map(str, words))}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def crl(self, line):
        """A line of a configuration, where lists are used."""
        return line.format(crl=self.pki / "crl.pem") if self.lists else ""

    def start(self, name, argv, port):
        process = Process(name, argv, self.folder)
        self.processes.append(process)
        try:
            process.wait_ready([port])
        except AssertionError as error:
            raise RuntimeError(f"{error}\n{process.log[-2000:]}") from None

    def end(self):
        for process in self.processes:
            process.stop()
        self.backend.shutdown()

    def ours(self, port, tls=""):
        p = self.pki
        conf = self.write(f"mtlsd-{port}.conf", f"""
            workers = 1; log = {{ level = "error"; }};
            identities = {{ me = {{ bundle = "{p}/server.pem"; }}; }};
            trusts = {{ callers = {{ ca = "{p}/ca.pem"; {self.crl('crl = "{crl}";')} }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend_port}" ]; }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{port}"; upstream = "app"; tls = {{ identity = "me"; trust = "callers"; {tls} }}; }}; }};""")
        return [self.mtlsd, "run", "-c", conf]

    def ours_resuming(self, port):
        return self.ours(port, "tickets = true;")

    def nginx(self, port, verify="on"):
        f, p = self.folder / f"nginx-{port}", self.pki
        f.mkdir()
        temp = " ".join(f"{kind}_temp_path {f}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = self.write(f"nginx-{port}.conf", f"""daemon off; worker_processes 1; pid {f}/pid; error_log {f}/err; user root;
            events {{ worker_connections 512; }} http {{ access_log off; {temp}
            server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {p}/server.pem; ssl_certificate_key {p}/server.key; ssl_client_certificate {p}/ca.pem;
            {self.crl("ssl_crl {crl};")} ssl_verify_client {verify}; ssl_verify_depth 10; ssl_session_cache shared:S:1m; ssl_protocols TLSv1.2 TLSv1.3;
            location / {{ proxy_pass http://127.0.0.1:{self.backend_port}; }} }} }}""")
        return ["nginx", "-c", conf, "-e", f / "err"]

    def nginx_no_ca(self, port):
        return self.nginx(port, "optional_no_ca")

    def haproxy(self, port):
        p = self.pki
        return ["haproxy", "-db", "-f", self.write(f"haproxy-{port}.cfg", f"""defaults
 mode http
 timeout connect 5s
 timeout client 20s
 timeout server 20s
listen front
 bind 127.0.0.1:{port} ssl crt {p}/server.pem ca-file {p}/ca.pem {self.crl("crl-file {crl}")} verify required
 server s 127.0.0.1:{self.backend_port}
""")]

    def hitch(self, port):
        return ["hitch", "--config", self.write(f"hitch-{port}.conf", f"""frontend = "[127.0.0.1]:{port}"
backend = "[127.0.0.1]:{self.backend_port}"
pem-file = "{self.pki}/server.pem"
client-verify = required
client-verify-ca = "{self.pki}/ca.pem"
workers = 1
daemon = off
user = "root"
quiet = on
tls-protos = TLSv1.2 TLSv1.3
""")]

    def stunnel(self, port):
        p = self.pki
        return ["stunnel", self.write(f"stunnel-{port}.conf", f"""foreground=yes
pid=
debug=3
[s]
accept=127.0.0.1:{port}
connect=127.0.0.1:{self.backend_port}
cert={p}/server.pem
CAfile={p}/ca.pem
{self.crl("CRLfile={crl}")}
verifyChain=yes
requireCert=yes
""")]

    def apache(self, port):
        f, p = self.folder / f"apache-{port}", self.pki
        f.mkdir()
        (f / "index.html").write_text("hello\n")
        modules = "\n".join(f"LoadModule {m}_module {APACHE_MODULES}/mod_{m}.so" for m in ("mpm_event", "authz_core", "dir", "socache_shmcb", "ssl"))
        return ["apache2", "-X", "-f", self.write(f"apache-{port}.conf", f"""ServerName localhost
ServerRoot {f}
PidFile {f}/pid
ErrorLog {f}/err
Mutex file:{f}
{modules}
User www-data
Group www-data
SSLSessionCache shmcb:{f}/cache(512000)
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
DocumentRoot {f}
DirectoryIndex index.html
<Directory {f}>
Require all granted
</Directory>
SSLEngine on
SSLProtocol -all +TLSv1.2 +TLSv1.3
SSLCertificateFile {p}/server.pem
SSLCertificateKeyFile {p}/server.key
SSLCACertificateFile {p}/ca.pem
{self.crl("SSLCARevocationFile {crl}")}
{self.crl("SSLCARevocationCheck chain")}
SSLVerifyClient require
SSLVerifyDepth 10
</VirtualHost>
""")]


SERVERS = {  # name: the program, its start, its configuration
    "mtlsd": (None, Range.ours, "defaults"),
    "mtlsd+t": (None, Range.ours_resuming, "tickets = true"),
    "nginx": ("nginx", Range.nginx, "ssl_verify_client on"),
    "nginx-nc": ("nginx", Range.nginx_no_ca, "ssl_verify_client optional_no_ca, without a check of $ssl_client_verify"),
    "haproxy": ("haproxy", Range.haproxy, "verify required"),
    "apache": ("apache2", Range.apache, "SSLVerifyClient require"),
    "stunnel": ("stunnel", Range.stunnel, "verifyChain = yes"),
    "hitch": ("hitch", Range.hitch, "client-verify = required; it takes no revocation list"),
}


def drill(site, name):
    port = free_port()
    site.start(f"{name}-{port}", SERVERS[name][1](site, port), port)
    return json.loads(site.run("drill", "--target", f"localhost:{port}", "--json", codes=(0, 4)))


def sign(row, attempt):
    if attempt is None:
        return "-"
    if attempt["let_in"] == (row["status"] == "valid"):
        return "."
    return "X" if attempt["let_in"] else "o" if row["as_it_should"] else "r"


def signs(row):
    if not row["offered"]:
        return "    "
    return " ".join(sign(row, row[version][turn]) for version in ("tls13", "tls12") for turn in ("full", "resumed"))


def print_table(documents):
    width = max(len(row["kind"]) for row in next(iter(documents.values()))["rows"])
    print(" " * width + "  " + "  ".join(f"{name:>8}" for name in documents))
    for rows in zip(*(d["rows"] for d in documents.values())):
        print(f"{rows[0]['kind']:{width}}  " + "  ".join(f"{signs(row):>8}" for row in rows) + f"   {rows[0]['what']}")
    print(f"{'bad ones accepted':{width}}  " + "  ".join(f"{d['bad_let_in']:>8}" for d in documents.values()) +
          f"   of {next(iter(documents.values()))['bad']}")
    print(f"{'good ones refused':{width}}  " + "  ".join(f"{d['good_refused']:>8}" for d in documents.values()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", default=",".join(SERVERS), help="of " + ", ".join(SERVERS))
    parser.add_argument("--mtlsd", default=str(HERE.parents[1] / "build/release/mtlsd"))
    options = parser.parse_args()
    if not shutil.which(options.mtlsd):
        sys.exit(f"{options.mtlsd} is not there: sh packaging/quickstart.sh builds it")
    folder = tempfile.mkdtemp(prefix="mtlsd-drill-")
    try:
        pathlib.Path(folder).chmod(0o755)  # apache's children are another user
        site = Range(folder, str(pathlib.Path(options.mtlsd).resolve()))
        try:
            names = [name for name in options.servers.split(",") if not SERVERS[name][0] or shutil.which(SERVERS[name][0])]
            for name in names:
                print(f"{name:>8}: {SERVERS[name][2]}")
            for lists in (False, True):
                site.lists = lists
                print(f"\n{'with' if lists else 'without'} revocation lists\n", flush=True)
                print_table({name: drill(site, name) for name in names})
        finally:
            site.end()
    finally:
        shutil.rmtree(folder, True)


if __name__ == "__main__":
    main()
