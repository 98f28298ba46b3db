# SPDX-License-Identifier: Apache-2.0
"""C12: a gate on a path also covers paths that a server behind it may treat as equal. Servers may ignore case or a final slash, or remove dots and
blanks."""
import shutil
import unittest

import harness
import peers
import web_servers

# As Express and koa match by default, and IIS and Tomcat on Windows find files: case and a slash at the end do not count, nor what Windows cuts off.
NODE = """
const http = require('http');
const names = path => decodeURIComponent(path.split('?')[0]).toLowerCase().split('/').map(s => s.replace(/;.*|::?\\\\$.*/, '').replace(/[. \\\\0-\\\\x20]+$/, ''));
http.createServer((q, r) => r.end(names(q.url)[1] === 'admin' ? 'secret' : 'public')).listen(+process.argv[2], '127.0.0.1');
"""
PHP = """<?php echo preg_match('#^/admin(/|$)#', strtolower(rawurldecode(strtok($_SERVER['REQUEST_URI'], '?')))) ? 'secret' : 'public';"""
# What some server takes for /admin or below.
SPELLINGS = ["/admin", "/Admin", "/ADMIN", "/aDmIn/", "/ADMIN/x", "/%41DMIN", "/admin/", "/Admin;x", "/ADMIN;x/y", "/admin.", "/Admin./x", "/admin%20", "/ADMIN%20.", "/admin%09",
             "/adm%C4%B1n", "/admin::$DATA", "/Admin:$i30:$INDEX_ALLOCATION/x", "/admin%2e", "/ADMIN?x=/public", "/Admin/../admin", "/x/../ADMIN", "//ADMIN", "/./ADMIN"]
# What a server takes for it behind another one that undoes percent encoding too.
HIDDEN = ["/%2561dmin", "/%2541DMIN/x", "/%252561dmin", "/%25%36%31dmin", "/public/%252e%252e/admin", "/public%252f..%252fadmin", "/%252fadmin", "/%252f%252Fadmin/x", "/admin%252fx",
          "/admin%3fx", "/ADMIN%3F/public", "/admin%23x", "/admin%253f", "/%2561dmin%3f"]
OPEN = ["/", "/administrator", "/Adm", "/admin.json", "/admins/", "/x/admin", "/public"]
ALLOW = 'allow = ( { cn = "nobody" } ); upstream = "app";'
GATES = {
    "a gate": "{ path = \"/admin\"; %s }, { upstream = \"app\"; }" % ALLOW,
    "a gate for what is below": "{ path = \"/admin/\"; %s }, { upstream = \"app\"; }" % ALLOW,
    "a gate in capitals": "{ path = \"/ADMIN\"; %s }, { upstream = \"app\"; }" % ALLOW,
    "a refusal": "{ path = \"/admin\"; respond = 404; }, { upstream = \"app\"; }",
    "a refusal behind an open route": "{ path = \"/public\"; upstream = \"app\"; }, { path = \"/admin\"; deny = true; }, { path = \"/\"; upstream = \"app\"; }",
    "those it names only": "{ path = \"/admin\"; caller = ( { cn = \"nobody\" } ); upstream = \"app\"; }, { path = \"/admin\"; deny = true; }, { upstream = \"app\"; }",
}


class PathCase(harness.Case):
    def serve(self, backend, routes, more=""):
        port = harness.free_port()
        text = self.verifier_text(port, backend, listener=f"routes = ( {routes} ); {more}")
        self.daemon(text.replace('upstream = "app";\n', "\n", 1), [port], name=f"mtlsd-{port}")
        return port

    def ask(self, port, path):
        with peers.secure(port, peers.client_context(self.pki.ca("root"), self.pki.client())) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            status, _, body, _ = peers.response(connection)
            return status, body.decode(errors="replace")

    def direct(self, port, path):
        with peers.connect(port) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return peers.response(connection)[2].decode(errors="replace")

    def backends(self):
        """Each answers "secret" for /ADMIN and "public" or an error for the rest."""
        lighttpd, www = web_servers.lighttpd(self, 'server.force-lowercase-filenames = "enable"\nindex-file.names = ( "index.html" )')
        (www / "admin").mkdir()
        (www / "admin/index.html").write_text("secret")
        (www / "index.html").write_text("public")
        yield "lighttpd", lighttpd, "/ADMIN/"
        yield "nginx", web_servers.nginx(self, 'location ~* ^/admin(/|$) { return 200 "secret"; } location / { return 200 "public"; }'), "/Admin"
        yield "php", web_servers.php(self, PHP), "/ADMIN"
        if shutil.which("node"):
            yield "node", web_servers.node(self, NODE), "/admin.%20/"

    def test_no_server_opens_a_gated_path_by_another_spelling(self):
        for kind, backend, door in self.backends():
            self.assertEqual("secret", self.direct(backend, door), f"{kind} is no danger")
            for what, routes in GATES.items() if kind in ("nginx", "node") else list(GATES.items())[:1]:
                port = self.serve(backend, routes)
                for path in SPELLINGS:
                    with self.subTest(kind, gate=what, path=path):
                        status, body = self.ask(port, path)
                        self.assertNotIn("secret", body)
                        self.assertIn(status, (400, 403, 404))
            for path in OPEN:
                with self.subTest(kind, path=path):
                    self.assertEqual(self.direct(backend, path), self.ask(port, path)[1])

    def test_the_plain_form_is_gated_too(self):
        for kind, backend, _ in self.backends():
            if kind != "nginx":
                continue
            port = self.serve(backend, GATES["a gate"], more="normalize_path = true;")
            for path in SPELLINGS:
                with self.subTest(path):
                    self.assertEqual(403, self.ask(port, path)[0])

    def test_whom_the_gate_lets_in_gets_in_by_every_spelling(self):
        routes = GATES["a gate"].replace("nobody", "client1")
        for kind, backend, door in self.backends():
            port = self.serve(backend, routes)
            with self.subTest(kind):
                self.assertEqual((200, "secret"), self.ask(port, door))

    def test_no_chain_of_servers_opens_a_gated_path(self):
        """nginx passes $uri on without its encoding, as many configurations have it, and the next one undoes what is left."""
        last = web_servers.nginx(self, 'merge_slashes on; location ~* ^/admin(/|$) { return 200 "secret"; } location / { return 200 "public"; }')
        doors = 0
        for hops in (1, 2):
            last = web_servers.nginx(self, f"location / {{ proxy_pass http://127.0.0.1:{last}$uri; }}")
            port = self.serve(last, GATES["a gate"])
            doors += sum(self.direct(last, path) == "secret" for path in HIDDEN)
            for path in HIDDEN:
                with self.subTest(path, hops=hops):
                    self.assertNotIn("secret", self.ask(port, path)[1])
            for path in ("/public/feature%252Fone", "/wiki/Who%3F"):
                with self.subTest(path, hops=hops):
                    self.assertEqual((200, "public"), self.ask(port, path))
        self.assertGreater(doors, 12, "such a chain is no danger")

    def test_exact_narrows_a_gate_to_one_spelling(self):
        for kind, backend, door in self.backends():
            port = self.serve(backend, GATES["a gate"].replace('path = "/admin";', 'path = "/admin"; path_case = "exact";'))
            with self.subTest(kind):
                self.assertEqual((200, "secret"), self.ask(port, door))
                self.assertEqual([403, 403, 403], [self.ask(port, path)[0] for path in ("/admin", "/admin/x", "/%61dmin;x")])

    @unittest.skipUnless(shutil.which("node"), "there is no node here")
    def test_an_open_name_opens_no_other(self):
        """A server like Express: its own names in any case, those of its users as they are."""
        backend = web_servers.node(self, """
            require('http').createServer((q, r) => {
              const m = /^\\/users\\/([^/]*)\\/?$/i.exec(q.url);
              r.end(!m ? 'public' : m[1] === 'me' ? 'mine' : 'secret of ' + m[1]);
            }).listen(+process.argv[2], '127.0.0.1');""")
        port = self.serve(backend, '{ path = "/users/me"; upstream = "app"; }, { path = "/users"; %s }, { upstream = "app"; }' % ALLOW)
        self.assertEqual((200, "mine"), self.ask(port, "/users/me"))
        self.assertEqual("secret of ME", self.direct(backend, "/USERS/ME"))
        for path in ("/users/ME", "/USERS/ME", "/Users/me", "/users/me.", "/USERS/mE/", "/Users"):
            with self.subTest(path):
                self.assertEqual(403, self.ask(port, path)[0])

    def test_the_fields_of_a_route_hold_for_every_spelling(self):
        """C11: what a route sets for a path is set for what a server takes for this path."""
        backend = peers.Backend(self)
        port = self.serve(backend.port, """{ path = "/admin"; set_headers = { X-Role = "guest"; X-Area = "admin"; }; remove_headers = "X-Debug"; upstream = "app"; },
            { set_headers = { X-Role = "user"; X-Tenant = "one"; }; upstream = "app"; }""")
        for path, role, area, tenant in [("/admin", "guest", ["admin"], []), ("/ADMIN", "guest", ["admin"], ["one"]), ("/other", "user", [], ["one"])]:
            with self.subTest(path):
                self.assertEqual(200, self.ask(port, path + "?x")[0])
                seen = backend.requests[-1]
                self.assertEqual(([role], area, tenant), (seen.values("x-role"), seen.values("x-area"), seen.values("x-tenant")))

    def test_check_refuses_a_prefix_that_leads_past_a_gate(self):
        stripped = '{ path = "/x"; strip_prefix = "/x"; upstream = "app"; }, '
        text = self.verifier_text(harness.free_port(), 1, listener=f"routes = ( {stripped} {GATES['a gate']} );").replace('upstream = "app";\n', "\n", 1)
        done = self.command("check", "-c", self.config(text))
        self.assertEqual(3, done.returncode)
        self.assertIn('put a route with path = "/x/admin" and the same rules before this one', done.stdout + done.stderr)
        gated = f'{{ path = "/x/admin"; strip_prefix = "/x"; {ALLOW} }}, '
        backend = web_servers.nginx(self, 'location ~* ^/admin(/|$) { return 200 "secret"; } location / { return 200 "public"; }')
        port = self.serve(backend, gated + stripped + GATES["a gate"])
        for path in SPELLINGS:
            with self.subTest(path):
                self.assertNotIn("secret", self.ask(port, "/x" + path)[1])
                self.assertNotIn("secret", self.ask(port, "/X" + path)[1])
        self.assertEqual((200, "public"), self.ask(port, "/x/public"))

    def test_explain_tells_of_both_routes(self):
        text = self.verifier_text(harness.free_port(), 1, listener=f"routes = ( {GATES['a gate']} );").replace('upstream = "app";\n', "\n", 1)
        path = self.config(text)
        said = self.command("explain", "-c", path, "--request", "GET /ADMIN", "--cert", self.pki.client().pem).stdout
        self.assertIn('DECIDES: path "/ADMIN" is "/admin" or below it in another spelling', said)
        self.assertIn("refused with 403, not_allowed", said)
        path.write_text(text.replace("nobody", "client1"))
        said = self.command("explain", "-c", path, "--request", "GET /ADMIN", "--cert", self.pki.client().pem).stdout
        self.assertIn("must accept it, too", said)
        self.assertIn("forwarded to upstream app", said)


if __name__ == "__main__":
    harness.main()
