# SPDX-License-Identifier: Apache-2.0
"""`mtlsd import`: the configuration that it makes of another program's treats the same clients in the same way as that program does."""
import http.server
import os
import shutil
import subprocess
import threading
import unittest

from harness import Case, free_port, main
from web_servers import MODULES


class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = f"{self.server.server_name}|{self.headers.get('X-Client-CN') or '-'}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Import(Case):
    def backend(self, name):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
        server.server_name, server.daemon_threads = name, True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def translate(self, program, source, code=0, name="source.conf"):
        """Imports and checks; gives the path of the new configuration."""
        made = self.folder / f"{program}-made.conf"
        done = self.command("import", program, self.write(name, source.strip() + "\n"), "-o", made)
        self.assertEqual(code, done.returncode, done.stderr + (made.read_text() if made.exists() else ""))
        checked = self.command("check", "-c", made)
        self.assertEqual(0, checked.returncode, checked.stdout + checked.stderr + made.read_text())
        return made

    def run_made(self, made, ports):
        return self.daemon(made.read_text(), ports, prelude="workers = 1;\n")

    def clients(self):
        root, other = self.pki.ca("root"), self.pki.ca("other")
        return {
            "good": self.pki.client().pem,
            "wrong CA": self.pki.leaf("import-stranger", other, cn="stranger", eku=("clientAuth",)).pem,
            "expired": self.pki.leaf("import-late", root, cn="late", eku=("clientAuth",), start=-20, days=10).pem,
            "none": None,
        }

    def outcome(self, port, certificate, path="/", scheme="https"):
        """The status and text that a client gets; refused: in the handshake or by a status of 400 and above."""
        mine = ["--cert", certificate] if certificate else []
        answer = self.curl("--cacert", self.pki.ca("root").crt, *mine, f"{scheme}://localhost:{port}{path}")
        if answer.exit != 0 or answer.status >= 400:
            return "refused"
        return f"{answer.status} {answer.header('Location') or answer.text}"

    def compare(self, theirs, ours, paths=("/",), scheme="https"):
        """Every client at both; what ours answers."""
        seen = {}
        for name, certificate in self.clients().items():
            for path in paths:
                seen[name, path] = self.outcome(ours, certificate, path, scheme)
                if theirs is not None:
                    self.assertEqual(self.outcome(theirs, certificate, path, scheme), seen[name, path], (name, path))
        return seen

    @unittest.skipUnless(shutil.which("haproxy"), "haproxy is not installed")
    def test_haproxy_sends_clients_by_their_certificates(self):
        port, app, open_, helping = free_port(), self.backend("app"), self.backend("open"), self.backend("help")
        source = f"""
            defaults
              mode http
              timeout connect 5s
              timeout client 20s
              timeout server 20s
            frontend portal
              bind 127.0.0.1:{port} ssl crt {self.pki.server().pem} ca-file {self.pki.ca("root").crt} verify optional crt-ignore-err 10
              http-request set-header X-Client-CN %{{+Q}}[ssl_c_s_dn(cn)] if {{ ssl_c_used }}
              use_backend help if {{ ssl_c_verify 10 }}
              use_backend app if {{ ssl_fc_has_crt }}
              default_backend open
            backend help
              redirect location /late.html if {{ ssl_c_verify 10 }} ! {{ path /late.html }}
              server h 127.0.0.1:{helping}
            backend app
              balance roundrobin
              server a 127.0.0.1:{app} check
            backend open
              server o 127.0.0.1:{open_}
        """
        made = self.translate("haproxy", source)
        theirs = self.spawn("haproxy", ["haproxy", "-db", "-f", self.folder / "source.conf"], [port])
        seen = {}
        for name, certificate in self.clients().items():
            for path in ("/", "/late.html"):
                seen[name, path] = self.outcome(port, certificate, path).replace('"', "")
        theirs.stop()
        self.run_made(made, [port])
        for (name, path), answer in seen.items():
            self.assertEqual(answer, self.outcome(port, self.clients()[name], path), (name, path))
        self.assertEqual("refused", seen["wrong CA", "/"])
        self.assertEqual("302 /late.html", seen["expired", "/"])
        self.assertIn("open", seen["none", "/"])

    @unittest.skipUnless(shutil.which("haproxy"), "haproxy is not installed")
    def test_haproxy_refuses_by_alternatives_of_acls(self):
        """Several values, several acls of one name, or, and unless: each client gets what HAProxy gives it, on each path."""
        port, app, other = free_port(), self.backend("app"), self.backend("other")
        root = self.pki.ca("root")
        source = f"""
            defaults
              mode http
              timeout connect 5s
              timeout client 20s
              timeout server 20s
            frontend portal
              bind 127.0.0.1:{port} ssl crt {self.pki.server().pem} ca-file {root.crt} verify optional crt-ignore-err all
              acl known ssl_c_s_dn(cn) ann bob
              acl known ssl_c_s_dn(ou) ops
              acl admin path_beg /admin/ /root/
              acl bad ssl_c_verify 10 23
              http-request redirect location /why if bad
              http-request deny if admin !{{ ssl_fc_has_crt }} or {{ path_beg /never/ }}
              http-request deny unless known
              use_backend other if {{ path_beg /a/ }} or {{ path_beg /b/ }} {{ method GET }}
              default_backend app
            backend app
              server a 127.0.0.1:{app}
            backend other
              server o 127.0.0.1:{other}
        """
        made = self.translate("haproxy", source)
        clients = {"ann": dict(cn="ann"), "bob": dict(cn="bob"), "eve": dict(cn="eve"), "late": dict(cn="ann", start=-20, days=10)}
        clients = {name: self.pki.leaf(f"alt-{name}", root, eku=("clientAuth",), **how).pem for name, how in clients.items()}
        clients.update({"none": None, "wrong CA": self.clients()["wrong CA"]})
        paths = ("/", "/admin/x", "/root/", "/never/x", "/a/x", "/b/x", "/c/x")
        theirs = self.spawn("haproxy", ["haproxy", "-db", "-f", self.folder / "source.conf"], [port])
        seen = {(name, path): self.outcome(port, pem, path) for name, pem in clients.items() for path in paths}
        theirs.stop()
        self.run_made(made, [port])
        for (name, path), answer in seen.items():
            self.assertEqual(answer, self.outcome(port, clients[name], path), (name, path))
        self.assertEqual(("200 app|-", "200 other|-", "refused", "302 /why", "refused"),
                         tuple(seen[key] for key in (("ann", "/admin/x"), ("bob", "/b/x"), ("eve", "/"), ("late", "/"), ("ann", "/never/x"))))

    @unittest.skipUnless(shutil.which("nginx"), "nginx is not installed")
    def test_nginx_requires_a_certificate(self):
        port, app = free_port(), self.backend("app")
        server, root = self.pki.server(), self.pki.ca("root")
        block = f"""
            upstream app {{ server 127.0.0.1:{app} weight=2; keepalive 4; }}
            server {{
              listen 127.0.0.1:{port} ssl;
              ssl_certificate {server.crt}; ssl_certificate_key {server.key};
              ssl_client_certificate {root.crt}; ssl_verify_client on; ssl_protocols TLSv1.2 TLSv1.3;
              location / {{ proxy_pass http://app; proxy_set_header Host $host; proxy_set_header X-Client-CN $ssl_client_verify; }}
              location /old {{ return 301 https://new.example$request_uri; }}
            }}"""
        made = self.translate("nginx", block)
        theirs = self.nginx(block, [port])
        seen = self.compare(None, port, ("/", "/old"))
        theirs.stop()
        self.run_made(made, [port])
        self.assertEqual(seen, self.compare(None, port, ("/", "/old")))
        self.assertEqual("200 app|SUCCESS", seen["good", "/"])
        self.assertEqual("301 https://new.example/old", seen["good", "/old"])
        self.assertEqual({"refused"}, {seen[name, "/"] for name in ("wrong CA", "expired", "none")})

    @unittest.skipUnless(shutil.which("nginx"), "nginx is not installed")
    def test_nginx_decides_by_maps_of_the_certificate(self):
        """map and if with the result of the verification and with the subject; what a route cannot say is refused."""
        port, app = free_port(), self.backend("app")
        server, root = self.pki.server(), self.pki.ca("root")
        maps = """
            map $ssl_client_verify $no_cert { default 1; SUCCESS 0; }
            map $ssl_client_s_dn $known { default 0; "CN=ann" 1; "CN=bob,O=Acme" 1; }"""
        block = f"""
            server {{
              listen 127.0.0.1:{port} ssl;
              ssl_certificate {server.crt}; ssl_certificate_key {server.key};
              ssl_client_certificate {root.crt}; ssl_verify_client optional;
              location / {{ proxy_pass http://127.0.0.1:{app}; }}
              location /private {{ if ($no_cert) {{ return 302 https://help.example/; }} proxy_pass http://127.0.0.1:{app}; }}
              location /known {{ if ($known = 0) {{ return 403; }} proxy_pass http://127.0.0.1:{app}; }}
              location /odd {{ if ($ssl_client_s_dn !~ "CN=(ann|bob)") {{ return 403; }} proxy_pass http://127.0.0.1:{app}; }}
            }}"""
        made = self.translate("nginx", maps + block, code=4)
        subjects = {"ann": dict(cn="ann"), "bob": dict(subject=[("O", "Acme"), ("CN", "bob")]), "bob of no company": dict(cn="bob")}
        clients = {name: self.pki.leaf(f"map-{name.replace(' ', '-')}", root, eku=("clientAuth",), **how).pem for name, how in subjects.items()}
        clients.update(self.clients())
        paths = ("/", "/private", "/known", "/odd")
        theirs = self.nginx(block, [port], http=maps)
        seen = {(name, path): self.outcome(port, pem, path) for name, pem in clients.items() for path in paths}
        theirs.stop()
        self.run_made(made, [port])
        for (name, path), answer in seen.items():
            self.assertEqual("refused" if path == "/odd" else answer, self.outcome(port, clients[name], path), (name, path))
        self.assertEqual(("200 app|-", "refused", "refused", "200 app|-", "302"),
                         (seen["bob", "/known"], seen["bob of no company", "/known"], seen["none", "/known"], seen["ann", "/odd"], seen["none", "/private"][:3]))

    @unittest.skipUnless(shutil.which("nginx"), "nginx is not installed")
    def test_nginx_presents_a_certificate(self):
        """An injector in front of a server that requires one, and the same with a server of another CA."""
        app, good, bad = self.backend("app"), free_port(), free_port()
        client, root = self.pki.client(), self.pki.ca("root")
        stranger = self.pki.leaf("import-server", self.pki.ca("other"), san=("DNS:localhost",))
        for port, certificate in ((good, self.pki.server()), (bad, stranger)):
            self.daemon(self.verifier_text(port, app, certificate=certificate), [port], name=f"partner{port}")
        for partner, expected in ((good, "200 app|-"), (bad, "refused")):
            port = free_port()
            block = f"""
                server {{
                  listen 127.0.0.1:{port};
                  location / {{
                    proxy_pass https://localhost:{partner};
                    proxy_ssl_certificate {client.crt}; proxy_ssl_certificate_key {client.key};
                    proxy_ssl_trusted_certificate {root.crt}; proxy_ssl_verify on; proxy_ssl_server_name on; proxy_ssl_name localhost;
                  }}
                }}"""
            made = self.folder / "nginx-made.conf"
            made.unlink(missing_ok=True)
            self.translate("nginx", block)
            theirs = self.nginx(block, [port])
            self.assertEqual(expected, self.outcome(port, None, scheme="http"))
            theirs.stop()
            self.run_made(made, [port])
            self.assertEqual(expected, self.outcome(port, None, scheme="http"))

    @unittest.skipUnless(shutil.which("stunnel"), "stunnel is not installed")
    def test_stunnel_verifies_clients(self):
        port, app = free_port(), self.backend("app")
        server, root = self.pki.server(), self.pki.ca("root")
        source = f"""
            foreground = yes
            pid =
            [verifier]
            accept = 127.0.0.1:{port}
            connect = 127.0.0.1:{app}
            cert = {server.crt}
            key = {server.key}
            CAfile = {root.crt}
            verifyChain = yes
        """
        made = self.translate("stunnel", source)
        theirs = self.spawn("stunnel", ["stunnel", self.folder / "source.conf"], [port])
        seen = self.compare(None, port)
        theirs.stop()
        self.run_made(made, [port])
        self.assertEqual(seen, self.compare(None, port))
        self.assertEqual("200 app|-", seen["good", "/"])
        self.assertEqual("refused", seen["none", "/"])

    @unittest.skipUnless(shutil.which("stunnel"), "stunnel is not installed")
    def test_stunnel_presents_a_certificate(self):
        app, port, partner = self.backend("app"), free_port(), free_port()
        self.daemon(self.verifier_text(partner, app), [partner], name="partner")
        for ca, expected in ((self.pki.ca("root"), "200 app|-"), (self.pki.ca("other"), "refused")):
            (self.folder / "stunnel-made.conf").unlink(missing_ok=True)
            made = self.translate("stunnel", f"""
                foreground = yes
                pid =
                [injector]
                client = yes
                accept = 127.0.0.1:{port}
                connect = localhost:{partner}
                cert = {self.pki.client().pem}
                CAfile = {ca.crt}
                verifyChain = yes
                checkHost = localhost
            """)
            theirs = self.spawn("stunnel", ["stunnel", self.folder / "source.conf"], [port])
            self.assertEqual(expected, self.outcome(port, None, scheme="http"))
            theirs.stop()
            ours = self.run_made(made, [port])
            self.assertEqual(expected, self.outcome(port, None, scheme="http"))
            ours.stop()

    def apache(self, host, port, *more):
        folder = self.folder / "apache"
        (folder / "www").mkdir(parents=True)
        path = self.write("apache.conf", "\n".join([
            "ServerName localhost", f"ServerRoot {folder}", f"PidFile {folder}/pid", f"DefaultRuntimeDir {folder}", f"DocumentRoot {folder}/www",
            *(f"LoadModule {m}_module {MODULES}/mod_{m}.so" for m in ("mpm_event", "authz_core", "ssl", *more)), "SSLSessionCache none",
            "StartServers 1", "ServerLimit 1", "ThreadsPerChild 8", "MaxRequestWorkers 8", f"ErrorLog {folder}/error.log", f"Listen 127.0.0.1:{port}", host]))
        return self.spawn("apache", ["apache2", "-X", "-f", path], [port])

    @unittest.skipUnless(shutil.which("apache2") and os.path.exists(f"{MODULES}/mod_rewrite.so"), "apache is not installed")
    def test_apache_rewrites_by_the_certificate(self):
        """A help page with the result of the verification in its address, refusals by path and certificate, and what no route can say."""
        port, app, root, server = free_port(), self.backend("app"), self.pki.ca("root"), self.pki.server()
        host = f"""
            <VirtualHost 127.0.0.1:{port}>
            ServerName localhost:{port}
            SSLEngine on
            SSLCertificateFile "{server.crt}"
            SSLCertificateKeyFile "{server.key}"
            SSLCACertificateFile "{root.crt}"
            SSLVerifyClient optional
            RewriteEngine On
            RewriteCond %{{REQUEST_METHOD}} ^TRACE$
            RewriteRule .* - [F]
            RewriteRule ^/never(/.*)?$ - [F]
            RewriteRule ^/gone/ - [G]
            RewriteCond %{{SSL:SSL_CLIENT_VERIFY}} !^SUCCESS$
            RewriteRule ^/private/ - [F]
            RewriteCond %{{SSL:SSL_CLIENT_VERIFY}} =NONE
            RewriteRule ^/?(.*) https://help.example/$1 [R=303,L]
            RewriteRule ^/why$ https://help.example/?result=%{{SSL:SSL_CLIENT_VERIFY}}&protocol=%{{SSL:SSL_PROTOCOL}} [R,NE]
            ProxyPass / http://127.0.0.1:{app}/
            </VirtualHost>
        """
        whole = host.replace("RewriteRule ^/never(/.*)?$ - [F]", "")
        made = self.translate("apache", whole)
        theirs = self.apache(whole, port, "rewrite", "proxy", "proxy_http")
        paths = ("/", "/a?b=c", "/gone/x", "/private/x", "/why")
        seen = self.compare(None, port, paths)
        theirs.stop()
        daemon = self.run_made(made, [port])
        self.assertEqual(seen, self.compare(None, port, paths))
        self.assertEqual(("200 app|-", "303 https://help.example/a?b=c", "refused", "refused", "302 https://help.example/?result=SUCCESS&protocol=TLSv1.3"),
                         tuple(seen[key] for key in (("good", "/"), ("none", "/a?b=c"), ("none", "/private/x"), ("good", "/gone/x"), ("good", "/why"))))
        daemon.stop()
        made.unlink()
        self.run_made(self.translate("apache", host, code=4), [port]) # a pattern that refuses, and is none of ours
        self.assertEqual({"refused"}, set(self.compare(None, port, ("/", "/never/x")).values()))

    @unittest.skipUnless(shutil.which("apache2") and os.path.exists(f"{MODULES}/mod_proxy_balancer.so"), "apache is not installed")
    def test_apache_is_a_two_way_gateway(self):
        """The gateway of an article: clients and workers both with certificates, sessions by the workers' cookie."""
        port, root, server = free_port(), self.pki.ca("root"), self.pki.server()
        workers = [free_port(), free_port()]
        for i, worker in enumerate(workers):
            self.daemon(self.verifier_text(worker, self.backend(f"w{i + 1}")), [worker], name=f"worker{i}")
        host = f"""
            <VirtualHost 127.0.0.1:{port}>
            ServerName localhost:{port}
            ServerAdmin ops@example.com
            SSLEngine on
            SSLProtocol all -SSLv3
            SSLCertificateFile "{server.crt}"
            SSLCertificateKeyFile "{server.key}"
            SSLCACertificateFile "{root.crt}"
            SSLVerifyClient require
            SSLVerifyDepth 3
            SSLProxyEngine on
            SSLProxyMachineCertificateFile "{self.pki.client().pem}"
            SSLProxyCACertificateFile "{root.crt}"
            SSLProxyVerify require
            RequestHeader set X-Client-CN "%{{SSL_CLIENT_S_DN_CN}}s"
            <Proxy balancer://workers>
              BalancerMember https://localhost:{workers[0]} route=w1 retry=10
              BalancerMember https://localhost:{workers[1]} route=w2 retry=10
              ProxySet lbmethod=byrequests
            </Proxy>
            ProxyPass /balancer-manager !
            ProxyPass / balancer://workers/ stickysession=JSESSIONID
            </VirtualHost>
        """
        made = self.translate("apache", host)
        theirs = self.apache(host, port, "headers", "proxy", "proxy_http", "slotmem_shm", "proxy_balancer", "lbmethod_byrequests")
        theirs_seen = self.gateway_seen(port)
        theirs.stop()
        self.run_made(made, [port])
        self.assertEqual(theirs_seen, self.gateway_seen(port))
        self.assertEqual(["200 w2"] * 4, theirs_seen["good", "/"])
        self.assertEqual(["refused"] * 4, theirs_seen["none", "/"])
        self.assertEqual(["refused"] * 4, theirs_seen["good", "/balancer-manager"])

    def gateway_seen(self, port):
        seen = {}
        for name, certificate in self.clients().items():
            for path in ("/", "/balancer-manager"):
                mine = ["--cert", certificate] if certificate else []
                answers = [self.curl("--cacert", self.pki.ca("root").crt, *mine, "-b", "JSESSIONID=abc.w2", f"https://localhost:{port}{path}") for _ in range(4)]
                seen[name, path] = ["refused" if a.exit or a.status >= 400 else f"{a.status} {a.text.partition('|')[0]}" for a in answers]
        return seen

    def test_ghostunnel_allows_names(self):
        port, app = free_port(), self.backend("app")
        client = self.pki.client()
        other = self.pki.leaf("import-other", self.pki.ca("root"), cn="somebody else", eku=("clientAuth",))
        subject = subprocess.run(["openssl", "x509", "-in", client.crt, "-noout", "-subject", "-nameopt", "multiline"], capture_output=True, text=True, check=True).stdout
        cn = next(line.split("= ", 1)[1] for line in subject.splitlines() if "commonName" in line)
        made = self.translate("ghostunnel", f"""ExecStart=/usr/bin/ghostunnel server --listen 127.0.0.1:{port} --target 127.0.0.1:{app} \\
            --keystore {self.pki.server().pem} --cacert {self.pki.ca("root").crt} --allow-cn '{cn}'\n""")
        self.run_made(made, [port])
        seen = self.compare(None, port)
        self.assertEqual("200 app|-", seen["good", "/"])
        self.assertEqual({"refused"}, {seen[name, "/"] for name in ("wrong CA", "expired", "none")})
        self.assertEqual("refused", self.outcome(port, other.pem))

    def test_says_what_it_leaves_out_and_never_overwrites(self):
        source = "listen l\n  bind 127.0.0.1:8080\n  frobnicate\n  server s 127.0.0.1:9000\n"
        made = self.translate("haproxy", source, code=4)
        self.assertIn("# LEFT OUT: \"frobnicate\"", made.read_text())
        self.assertEqual(0o640, os.stat(made).st_mode & 0o777)
        done = self.command("import", "haproxy", self.folder / "source.conf", "-o", made)
        self.assertEqual(1, done.returncode, done.stderr)
        done = self.command("import", "haproxy", self.folder / "source.conf")
        self.assertIn(f"{self.folder}/source.conf:3: left out: \"frobnicate\"", done.stderr)
        self.assertEqual(made.read_text(), done.stdout)

    def test_bad_sources_are_refused(self):
        cases = {"empty": b"", "binary": os.urandom(3000) + b"\0", "long": b"x" * (1 << 20), "words": b"this is no configuration\n" * 50, "nul": b"listen l\n bind \0:1\n"}
        for name, content in cases.items():
            path = self.folder / name
            path.write_bytes(content)
            for program in ("haproxy", "nginx", "apache", "stunnel", "ghostunnel"):
                with self.subTest(source=name, program=program):
                    done = self.command("import", program, path)
                    self.assertEqual((3, ""), (done.returncode, done.stdout), done.stderr)
                    self.assertIn(f"{path}", done.stderr)
        self.assertEqual(1, self.command("import", "nginx", self.folder).returncode)
        self.assertEqual(1, self.command("import", "nginx", self.folder / "absent").returncode)
        self.assertEqual(2, self.command("import", "caddy", self.folder / "empty").returncode)


if __name__ == "__main__":
    main()
