# SPDX-License-Identifier: Apache-2.0
"""A reload takes effect completely or not at all, and closes no connection. A drain finishes the requests in flight."""
import http.client
import os
import shutil
import signal
import socket
import ssl
import threading
import time
import unittest

import harness
import peers
from harness import free_port, wait_for


class Case(harness.Case):
    PRELUDE = 'workers = 1; drain_timeout = "2s";\n'

    def start(self, target, **options):
        """An injector with an admin socket whose identity and CA are files of its own, to be changed under it."""
        self.bundle, self.ca = self.folder / "me.pem", self.folder / "ca.pem"
        shutil.copy(self.pki.client().pem, self.bundle)
        shutil.copy(self.pki.ca("root").crt, self.ca)
        self.bundle.chmod(0o600)
        self.port = free_port()
        self.text = self.text_for(self.port, target, **options)
        self.mtlsd = self.daemon(self.text, [self.port], prelude=self.PRELUDE)
        self.file = self.mtlsd.config_path

    def text_for(self, port, target, **options):
        text = self.injector_text(port, f"127.0.0.1:{target}", **options)
        text = text.replace(str(self.pki.client().pem), "me.pem").replace(str(self.pki.ca("root").crt), "ca.pem")
        return f'admin = {{ socket = "unix:{self.folder}/admin.sock"; }};\n' + text

    def rewrite(self, text):
        """As an editor does: a new file under the old name."""
        fresh = self.folder / "new.conf"
        fresh.write_text(self.PRELUDE + text)
        os.replace(fresh, self.file)

    def replace(self, path, data):
        fresh = path.with_suffix(".new")
        fresh.write_bytes(data)
        fresh.chmod(0o600)
        os.replace(fresh, path)

    def reload(self):
        return self.command("reload", "-c", self.file)

    def body(self):
        return self.curl(f"http://127.0.0.1:{self.port}/").text


class Reload(Case):
    def test_new_upstream_takes_effect_and_the_app_connection_survives(self):
        old, new = peers.Backend(self, lambda r: peers.reply(b"old")), peers.Backend(self, lambda r: peers.reply(b"new"))
        origin = self.origin(f"location / {{ proxy_pass http://127.0.0.1:{old.port}; }}")
        self.start(origin)
        other = free_port()
        self.nginx_second(other, new.port)
        app = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        app.connect()
        mine = app.sock.getsockname()
        app.request("GET", "/")
        self.assertEqual(b"old", app.getresponse().read())
        self.rewrite(self.text_for(self.port, other))
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: self.body() == "new", "the new upstream")
        app.request("GET", "/")
        self.assertIn(app.getresponse().read(), (b"old", b"new"))
        self.assertEqual(mine, app.sock.getsockname())

    def nginx_second(self, port, backend):
        path = self.folder / "second"
        path.mkdir()
        server, ca = self.pki.server(), self.pki.ca("root")
        conf = self.write("second.conf", f"""daemon off; pid {path}/pid; error_log {path}/err; user root; events {{}}
            http {{ access_log off; client_body_temp_path {path}/b; proxy_temp_path {path}/p; fastcgi_temp_path {path}/f;
            uwsgi_temp_path {path}/u; scgi_temp_path {path}/s; server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {server.pem};
            ssl_certificate_key {server.key}; ssl_client_certificate {ca.crt}; ssl_verify_client on;
            location / {{ proxy_pass http://127.0.0.1:{backend}; }} }} }}""")
        self.spawn("nginx-second", ["nginx", "-c", conf, "-e", path / "err"], [port])

    def test_the_command_reloads(self):
        self.start(self.origin())
        other = self.pki.leaf("client-two", cn="client2", eku=("clientAuth",))
        self.replace(self.bundle, other.pem.read_bytes())
        done = self.reload()
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("CN=client2", self.body())

    def test_what_needs_a_restart_is_named(self):
        self.start(self.origin())
        self.rewrite(self.text.replace("admin.sock", "other.sock"))
        self.file.write_text(self.file.read_text().replace("workers = 1", "workers = 2"))
        self.mtlsd.signal(signal.SIGHUP)
        for words in ("workers: 1 stay in use", "admin.sock stays in use"):
            wait_for(lambda: words in self.mtlsd.log, words)

    def test_who_always_sends_ahead_does_not_keep_the_old_rules(self):
        """Neither a part of the next request nor a whole one behind the one that runs holds a connection to what was loaded before."""
        go = threading.Event()
        self.addCleanup(go.set)
        backend = peers.Backend(self, before_body=lambda connection, request: go.wait(20))
        port = free_port()

        def text(route):
            return (f'admin = {{ socket = "unix:{self.folder}/admin.sock"; }}; upstreams = {{ app = {{ targets = [ "127.0.0.1:{backend.port}" ]; }}; }}; '
                    f'listeners = {{ l = {{ bind = "127.0.0.1:{port}"; routes = ( {{ {route} }} ); }}; }};')
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for ahead in (1, len(request)):
            with self.subTest(ahead=ahead):
                daemon = self.daemon(text('upstream = "app";'), [port], prelude=self.PRELUDE, name=f"ahead{ahead}")
                self.file = daemon.config_path
                go.clear()
                with peers.connect(port) as app:
                    app.sendall(request + request[:ahead])
                    if ahead == 1:
                        go.set()
                        self.assertEqual(200, peers.response(app)[0])
                    else:
                        wait_for(lambda: backend.accepted > 1, "the request at the backend")
                    self.rewrite(text("deny = true;"))
                    done = self.reload()
                    self.assertEqual(0, done.returncode, done.stderr)
                    go.set()
                    app.sendall(request[ahead:])
                    heard = peers.read_until(app, b"denied")
                    self.assertIn(b"HTTP/1.1 403 ", heard)
                    self.assertEqual(0 if ahead == 1 else 1, heard.count(b"HTTP/1.1 200 "))
                self.assertEqual(0, daemon.stop())

    def test_bad_files_change_nothing(self):
        """A3, D7: each of these is refused with a sentence about it, and the last good set stays."""
        self.start(self.origin())
        bundle, ca, conf = self.bundle.read_bytes(), self.ca.read_bytes(), self.file.read_text()
        stranger = self.pki.leaf("stranger-client", self.pki.ca("stranger"), eku=("clientAuth",))
        expired = self.pki.leaf("expired-client", eku=("clientAuth",), start=-400, days=30)
        rows = [
            ("an expired certificate for a good one", self.bundle, expired.pem.read_bytes()),
            ("key of another certificate", self.bundle, self.pki.client().crt.read_bytes() + stranger.key.read_bytes()),
            ("half a bundle", self.bundle, bundle[:len(bundle) // 2]),
            ("empty bundle", self.bundle, b""),
            ("no key", self.bundle, self.pki.client().crt.read_bytes()),
            ("text", self.bundle, b"hello\n"),
            ("empty CA", self.ca, b""),
            ("half a CA", self.ca, ca[:len(ca) // 2]),
            ("one bad block among good", self.ca, ca + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            ("a leaf for a CA", self.ca, self.pki.client().crt.read_bytes()),
            ("DER in a PEM place", self.ca, self.pki.ca("root").der),
            ("syntax", self.file, b"listeners = {"),
            ("unknown key", self.file, (conf + "\nlisteners2 = {};\n").encode()),
            ("unknown name", self.file, conf.replace('upstream = "far"', 'upstream = "fra"').encode()),
        ]
        for why, path, data in rows:
            with self.subTest(why):
                self.replace(path, data)
                done = self.reload()
                self.assertEqual(3, done.returncode, done.stdout + done.stderr)
                self.assertIn(path.name, done.stdout + done.stderr)
                self.assertIn("CN=client1", self.body())
                self.replace(self.bundle, bundle)
                self.replace(self.ca, ca)
                self.replace(self.file, conf.encode())
        missing = self.ca.rename(self.folder / "away")
        self.assertEqual(3, self.reload().returncode)
        self.assertIn("CN=client1", self.body())
        missing.rename(self.ca)
        self.assertEqual(0, self.reload().returncode)

    def test_hangup_with_a_bad_file_is_logged_and_survived(self):
        self.start(self.origin())
        self.rewrite("listeners = {")
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: self.file.name in self.mtlsd.log and "error" in self.mtlsd.log.lower(), "the complaint in the log")
        self.assertIn("CN=client1", self.body())

    def test_tcp_connection_survives(self):
        context = peers.server_context(self.pki.server(), self.pki.ca("root"))

        def echo(server, connection):
            while data := connection.recv(100):
                connection.sendall(data)
        origin = peers.tls_server(self, context, echo)
        self.start(origin.port, protocol="tcp")
        with peers.connect(self.port) as app:
            for i in range(5):
                app.sendall(b"%d" % i)
                self.assertEqual(b"%d" % i, app.recv(10))
                self.assertEqual(0, self.reload().returncode)
        self.assertEqual(1, origin.accepted)

    def test_a_tunnel_ends_when_its_caller_is_not_allowed_any_more(self):
        """B5: and not while it is, whatever else was loaded."""
        backend, port = peers.Backend(self), free_port()

        def text(rule):
            return f'admin = {{ socket = "unix:{self.folder}/admin.sock"; }};' + self.verifier_text(port, backend.port, protocol="tcp", listener=rule)
        self.mtlsd = self.daemon(text(""), [port], prelude=self.PRELUDE)
        self.file = self.mtlsd.config_path
        held = peers.secure(port, peers.client_context(self.pki.ca("root"), self.pki.client()))
        self.addCleanup(held.close)
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for rule in ("", 'allow = ( { cn = "client1"; } );', 'allow = ( { cn = "nobody"; } ); allow_log_only = true;'):
            self.rewrite(text(rule))
            self.assertEqual(0, self.reload().returncode)
            held.sendall(request)
            self.assertEqual(200, peers.response(held)[0], rule)
        self.rewrite(text('allow = ( { cn = "nobody"; } );'))
        self.assertEqual(0, self.reload().returncode)
        held.settimeout(20)
        with self.assertRaises(ssl.SSLError) as refused:
            held.recv(1)
        self.assertEqual("TLSV1_ALERT_ACCESS_DENIED", refused.exception.reason)
        wait_for(lambda: "not_allowed" in self.mtlsd.log, "the reason in the log")

    def test_rotation_under_load(self):
        """B4: no request fails, and none that begins after the reload travels with the old certificate."""
        self.start(self.origin('location / { return 200 "$ssl_client_serial"; }'))
        new = self.pki.leaf("client-rotated", cn="client1", eku=("clientAuth",))
        results, failures, stop = [], [], threading.Event()

        def app():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            while not stop.is_set():
                began = time.monotonic()
                try:
                    connection.request("GET", "/")
                    answer = connection.getresponse()
                    body = answer.read().decode()
                    if answer.status == 200:
                        results.append((began, int(body, 16)))
                    else:
                        failures.append((answer.status, body))
                except (OSError, http.client.HTTPException) as error:
                    failures.append(repr(error))
                    connection.close()
            connection.close()
        threads = [threading.Thread(target=app) for _ in range(8)]
        [t.start() for t in threads]
        try:
            wait_for(lambda: len(results) > 100, "traffic")
            self.replace(self.bundle, new.pem.read_bytes())
            self.assertEqual(0, self.reload().returncode)
            after, sofar = time.monotonic(), len(results)
            wait_for(lambda: len(results) > sofar + 200, "traffic after the rotation")
        finally:
            stop.set()
            [t.join() for t in threads]
        self.assertEqual([], failures)
        old = self.pki.client().serial
        self.assertIn(old, {serial for _, serial in results})
        self.assertEqual({new.serial}, {serial for began, serial in results if began > after})

    def test_many_reloads_under_load_fail_nothing(self):
        self.start(self.origin())
        failures, stop = [], threading.Event()

        def app():
            while not stop.is_set():
                try:
                    with peers.connect(self.port) as connection:
                        for _ in range(20):
                            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                            if peers.response(connection)[0] != 200:
                                failures.append("not 200")
                                break
                except OSError as error:
                    failures.append(repr(error))
        threads = [threading.Thread(target=app) for _ in range(4)]
        [t.start() for t in threads]
        try:
            codes = {self.reload().returncode for _ in range(25)}
        finally:
            stop.set()
            [t.join() for t in threads]
        self.assertEqual(({0}, []), (codes, failures))

    def test_session_ticket_that_arrives_after_a_reload(self):
        """The connection began under the old configuration; its ticket is for nobody any more, and harms nobody."""
        def echo(server, connection):
            while data := connection.recv(100):
                connection.sendall(data)
        context = peers.server_context(self.pki.server(), self.pki.ca("root"), version=peers.TLS["TLSv1.3"])
        origin = peers.tls_server(self, context, echo)
        finished, gate = threading.Event(), threading.Event()
        self.addCleanup(gate.set)

        def relay(server, connection):
            """Holds back what the server says after our Finished: the tickets."""
            with peers.connect(origin.port) as behind:
                def back():
                    while data := behind.recv(65536):
                        if finished.is_set():
                            gate.wait(20)
                        connection.sendall(data)
                threading.Thread(target=back, daemon=True).start()
                behind.sendall(connection.recv(65536))
                flight = connection.recv(65536)
                finished.set()
                behind.sendall(flight)
                peers.pump(connection, behind)
        self.start(peers.Server(self, relay).port, protocol="tcp")
        with peers.connect(self.port) as app:
            self.assertTrue(finished.wait(20))
            self.assertEqual(0, self.reload().returncode)
            gate.set()
            app.sendall(b"still here")
            self.assertEqual(b"still here", app.recv(100))
        self.assertEqual(0, self.reload().returncode)

    def test_new_revocations_count_for_new_callers(self):
        backend, crl = peers.Backend(self), self.folder / "list.crl"
        shutil.copy(self.pki.crl("nobody", self.pki.ca("root")), crl)
        port = self.verifier(backend.port, trust=f'ca = "{self.pki.ca("root").crt}"; crl = "{crl}";')
        self.assertEqual(200, self.curl_tls(port).status)
        self.replace(crl, self.pki.crl("client-revoked", self.pki.ca("root"), [self.pki.client()]).read_bytes())
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: self.curl_tls(port).status == 0, "the caller to be refused")
        out = "".join(self.mtlsd.log.splitlines(True)[-5:])
        self.assertIn("revoked", out)


class SeveralWorkers(Case):
    """The same with threads: everything that is shared between them is touched while traffic runs."""
    PRELUDE = 'workers = 4; drain_timeout = "5s";\n'

    def test_reload_status_and_drain_under_load(self):
        self.start(self.origin())
        failures, done, stop = [], [], threading.Event()

        def app():
            while not stop.is_set():
                try:
                    with peers.connect(self.port) as connection:
                        for _ in range(10):
                            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                            status, _, body, complete = peers.response(connection)
                            if (status, complete) != (200, True) or b"CN=client" not in body:
                                failures.append((status, complete, body))
                                break
                            done.append(1)
                except OSError as error:
                    failures.append(repr(error))
        threads = [threading.Thread(target=app) for _ in range(12)]
        [t.start() for t in threads]
        try:
            wait_for(lambda: len(done) > 200, "traffic on every worker")
            for i in range(6):
                other = self.pki.leaf(f"client-worker-{i}", cn=f"client-{i}", eku=("clientAuth",))
                self.replace(self.bundle, other.pem.read_bytes())
                self.assertEqual(0, self.reload().returncode)
                self.assertEqual(0, self.command("status", "-c", self.file).returncode)
                sofar = len(done)
                wait_for(lambda: len(done) > sofar + 50, "traffic after the reload")
        finally:
            stop.set()
            [t.join() for t in threads]
        self.assertEqual([], failures)
        self.assertIn("CN=client-5", self.body())
        self.mtlsd.signal(signal.SIGTERM)
        self.assertEqual(0, self.mtlsd.wait())


class Drain(Case):
    def slow_origin(self):
        """Answers /slow only when released; everything else at once."""
        self.release, self.asked = threading.Event(), threading.Event()

        def handle(server, connection):
            reader = peers.StrictReader(connection)
            while request := reader.request():
                if request.target == "/slow":
                    self.asked.set()
                    self.release.wait(20)
                connection.sendall(peers.reply(b"done"))
        return peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root")), handle)

    def begin_slow(self):
        app = peers.connect(self.port)
        self.addCleanup(app.close)
        app.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertTrue(self.asked.wait(20))
        return app

    def finish(self, app):
        wait_for(lambda: not harness.listens(self.port), "the listener to close")
        self.assertIsNone(self.mtlsd.popen.poll())
        self.release.set()
        status, fields, body, complete = peers.response(app)
        self.assertEqual((200, b"done", True), (status, body, complete))
        self.assertEqual(0, self.mtlsd.wait())

    def test_term_finishes_what_is_in_flight(self):
        self.start(self.slow_origin().port)
        app = self.begin_slow()
        self.mtlsd.signal(signal.SIGTERM)
        self.finish(app)

    def test_the_command_drains(self):
        self.start(self.slow_origin().port)
        app = self.begin_slow()
        self.assertEqual(0, self.command("drain", "-c", self.file).returncode)
        self.finish(app)

    def test_idle_connections_do_not_hold_it_up(self):
        self.start(self.slow_origin().port)
        idle = peers.connect(self.port)
        self.addCleanup(idle.close)
        idle.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual(200, peers.response(idle)[0])
        began = time.monotonic()
        self.mtlsd.signal(signal.SIGTERM)
        self.assertEqual(0, self.mtlsd.wait())
        self.assertLess(time.monotonic() - began, harness.busy(1.8))
        self.assertEqual((b"", "eof"), peers.read_all(idle))

    def test_drain_timeout_bounds_it(self):
        self.start(self.slow_origin().port)
        app = self.begin_slow()
        self.mtlsd.signal(signal.SIGTERM)
        self.assertEqual(1, self.mtlsd.wait(10))
        self.assertNotEqual(200, peers.response(app)[0])
        self.assert_told(1, "reason=draining", self.mtlsd.log)
        self.assertIn("1 requests or connections were cut", self.mtlsd.log)

    def test_quit_stops_at_once(self):
        self.start(self.slow_origin().port)
        self.begin_slow()
        began = time.monotonic()
        self.mtlsd.signal(signal.SIGQUIT)
        self.assertEqual(0, self.mtlsd.wait())  # as it was told
        self.assertLess(time.monotonic() - began, harness.busy(1.8))
        self.assertIn("stopped at once", self.mtlsd.log)

    def test_tcp_connection_finishes(self):
        """A tunnel has no end of its own that we could know: it may go on until the peers end it or time is up."""
        def handle(server, connection):
            data, _ = peers.read_all(connection)
            connection.sendall(data)
            connection.unwrap()
        origin = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root")), handle)
        self.start(origin.port, protocol="tcp")
        with peers.connect(self.port) as app:
            app.sendall(b"before ")
            wait_for(lambda: origin.accepted, "the upstream connection")
            self.mtlsd.signal(signal.SIGTERM)
            wait_for(lambda: not harness.listens(self.port), "the listener to close")
            app.sendall(b"after")
            app.shutdown(socket.SHUT_WR)
            self.assertEqual((b"before after", "eof"), peers.read_all(app))
        self.assertEqual(0, self.mtlsd.wait())

    def test_unix_socket_is_removed(self):
        self.start(self.slow_origin().port)
        wait_for((self.folder / "admin.sock").exists, "the socket, which comes after the ports")
        self.mtlsd.signal(signal.SIGTERM)
        self.assertEqual(0, self.mtlsd.wait())
        self.assertFalse((self.folder / "admin.sock").exists())


class Status(Case):
    def test_tells_what_runs(self):
        self.start(self.origin())
        self.assertIn("CN=client1", self.body())
        done = self.command("status", "-c", self.file)
        self.assertEqual(0, done.returncode, done.stderr)
        for word in ("app", "far", "me", "them"):
            self.assertIn(word, done.stdout)

    def test_over_http_on_the_socket(self):
        self.start(self.origin())
        document = self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/status").json()
        self.assertIn("listeners", document)
        self.assertIn("upstreams", document)
        self.assertIn("identities", document)
        self.assertNotIn("PRIVATE", str(document))
        self.assertEqual(405, self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/reload").status)

    def test_without_a_running_instance(self):
        path = self.config(f'admin = {{ socket = "unix:{self.folder}/none.sock"; }};\n' + self.injector_text(free_port(), "127.0.0.1:1"))
        for word in ("status", "reload", "drain"):
            done = self.command(word, "-c", path)
            self.assertEqual(1, done.returncode)
            self.assertIn("none.sock", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
