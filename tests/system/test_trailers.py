# SPDX-License-Identifier: Apache-2.0
"""C11: no trailer and no method override changes what a route decided, with servers that merge trailers (PHP) and frameworks that obey overrides."""
import json
import shutil
import unittest

import harness
import peers
import web_servers

ROUTES = """routes = (
    { method = "POST"; path = "/"; set_headers = { X-Role = "user"; }; remove_headers = [ "X-Debug" ]; upstream = "app"; },
    { upstream = "app"; } ); identity_headers = [ "x-ssl", "nginx" ];"""
TRAILERS = "".join(f"{name}: evil\r\n" for name in (
    "X-Role", "x_role", "X.Role", "X-Debug", "x_debug", "X-SSL-Client-CN", "X_SSL_Anything", "SSL-Client-Verify", "ssl_client_other", "Client-Cert-New",
    "X-Forwarded-For", "X-Original-URL", "X-HTTP-Method-Override", "Cookie", "Authorization", "X-Any"))
PHP = """<?php
foreach (getallheaders() as $name => $value) echo "$name: $value\\n";
foreach ($_SERVER as $name => $value) if (strpos($name, 'HTTP_') === 0) echo "$name=$value\\n";
echo "body=" . file_get_contents('php://input') . "\\n";
"""
CGI = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
env | sed -n 's/^HTTP_//p'
printf 'body=%s\\n' "$(cat)"
"""
# What a framework makes of the overrides: method-override and its kin, Symfony, Zend, IIS.
NODE = """
const http = require('http');
http.createServer((q, r) => {
  let body = '';
  q.on('data', d => body += d);
  q.on('end', () => r.end(JSON.stringify({
    url: q.headers['x-original-url'] || q.headers['x-rewrite-url'] || q.url,
    method: q.headers['x-http-method-override'] || q.headers['x-http-method'] || q.headers['x-method-override'] || q.method,
    headers: q.headers, merged: Object.assign({}, q.headers, q.trailers), body })));
}).listen(+process.argv[2], '127.0.0.1');
"""


def post(fields="", trailers=TRAILERS, path="/"):
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Role: evil\r\nX-Debug: evil\r\nTransfer-Encoding: chunked\r\n{fields}\r\n"
            f"2\r\nhi\r\n0\r\n{trailers}\r\n").encode()


class Trailers(harness.Case):
    def serve(self, backend, listener=ROUTES):
        port = harness.free_port()
        text = self.verifier_text(port, backend, listener=listener)
        self.daemon(text.replace('upstream = "app";\n', "\n", 1), [port], name=f"mtlsd-{port}")
        return port

    def ask(self, port, raw, method="POST"):
        with peers.secure(port, peers.client_context(self.pki.ca("root"), self.pki.client())) as connection:
            connection.sendall(raw)
            status, _, body, complete = peers.response(connection, method)
            self.assertTrue(complete)
            self.assertEqual(200, status, body)
            return body.decode()

    def backends(self):
        lighttpd, www = web_servers.lighttpd(self, 'server.modules = ( "mod_cgi" )\ncgi.assign = ( ".cgi" => "" )')
        (www / "env.cgi").write_text(CGI)
        (www / "env.cgi").chmod(0o755)
        yield "php", web_servers.php(self, PHP), "/"
        yield "lighttpd", lighttpd, "/env.cgi"
        if shutil.which("node"):
            yield "node", web_servers.node(self, NODE), "/"

    def test_no_server_sees_a_trailer_of_a_request(self):
        for kind, backend, path in self.backends():
            port = self.serve(backend)
            for fields in ("", "Trailer: X-Role\r\n", "TE: trailers\r\nConnection: TE\r\n"):
                with self.subTest(kind, fields=fields):
                    seen = self.ask(port, post(fields, path=path))
                    self.assertNotIn("evil", seen)
                    self.assertIn("hi", seen)
                    self.assertIn("user", seen)

    def test_the_trailers_of_grpc_undo_nothing(self):
        for kind, backend, path in self.backends():
            port = self.serve(backend)
            with self.subTest(kind):
                seen = self.ask(port, post("Content-Type: application/grpc\r\n", path=path))
                for line in seen.replace(",", "\n").lower().splitlines():
                    self.assertFalse("evil" in line and any(n in line for n in ("role", "debug", "ssl", "cert", "forwarded", "url", "method", "cookie", "auth")), line)

    def test_the_connection_goes_on_behind_dropped_trailers(self):
        backend = peers.Backend(self)
        port = self.serve(backend.port)
        with peers.secure(port, peers.client_context(self.pki.ca("root"), self.pki.client())) as connection:
            for i in range(3):
                connection.sendall(post() + post("Content-Type: application/grpc\r\n", "X-Sum: 1\r\n"))
                self.assertEqual([200, 200], [peers.response(connection)[0], peers.response(connection)[0]])
        self.assertEqual([b"", b"X-Sum: 1\r\n"] * 3, [r.trailers for r in backend.requests])
        self.assertEqual([], backend.malformed)

    @unittest.skipUnless(shutil.which("node"), "there is no node here")
    def test_overrides_change_neither_path_nor_method(self):
        backend = web_servers.node(self, NODE)
        overrides = [("X-Original-URL", "/admin"), ("X-Rewrite-URL", "/admin"), ("X-HTTP-Method-Override", "DELETE"), ("X-HTTP-Method", "DELETE"), ("X-Method-Override", "DELETE")]
        for rules, kept in [('{ path = "/admin"; deny = true; }, { upstream = "app"; }', False), ('{ method = "DELETE"; deny = true; }, { upstream = "app"; }', False),
                            ('{ host = "other.example"; deny = true; }, { upstream = "app"; }', True)]:
            port = self.serve(backend, f"routes = ( {rules} );")
            for name, value in overrides:
                for spelling in (name, name.upper(), name.lower()):
                    with self.subTest(rules, name=spelling):
                        seen = json.loads(self.ask(port, f"GET / HTTP/1.1\r\nHost: localhost\r\n{spelling}: {value}\r\n\r\n".encode(), "GET"))
                        self.assertEqual(kept, value in (seen["url"], seen["method"]), seen)


if __name__ == "__main__":
    harness.main()
