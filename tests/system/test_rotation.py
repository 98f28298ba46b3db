# SPDX-License-Identifier: Apache-2.0
"""Renewed certificates are loaded without a signal: compared with those in use, tried on the upstreams first, and never half applied."""
import os
import pathlib
import re
import shutil

import harness
import peers
from harness import free_port, wait_for


class Case(harness.Case):
    """An injector whose certificate is in two files, in front of an nginx that logs the serial numbers that it sees."""

    def setUp(self):
        super().setUp()
        self.made = 0
        self.mine = self.folder / "mine"
        self.mine.mkdir()
        self.certificate, self.key = self.mine / "tls.crt", self.mine / "tls.key"

    def fresh(self, ca="root", eku=("clientAuth",), **options):
        """Another certificate for the same client. Names are made once in a test process."""
        self.made += 1
        return self.pki.leaf(f"rotated-{os.getpid()}-{self.id()}-{self.made}", self.pki.ca(ca), cn="rotated", eku=eku, **options)

    def put(self, path, source):
        """Renamed over, as renewing programs do."""
        new = path.with_name(path.name + ".new")
        shutil.copy(source, new)
        os.chmod(new, 0o600)
        os.replace(new, path)

    def put_pair(self, leaf):
        self.put(self.certificate, leaf.crt)
        self.put(self.key, leaf.key)

    def start(self, target=None, top="", first=None, **options):
        self.first = first or self.fresh()
        self.put_pair(self.first)
        port = free_port()
        target = target or f"127.0.0.1:{self.origin()}"
        text = self.injector_text(port, target, **options).replace(f'bundle = "{self.pki.client().pem}";', f'certificate = "{self.certificate}"; key = "{self.key}";')
        self.mtlsd = self.daemon(f'admin = {{ socket = "unix:{self.folder}/admin.sock"; }}; {top}' + text, [port], [self.folder / "admin.sock"])
        self.url = f"http://127.0.0.1:{port}/"

    def serial(self):
        """Of the certificate that the origin saw with the last request."""
        before = len(self.nginx_access())
        answer = self.curl(self.url)
        self.assertEqual(200, answer.status, answer.text or answer.error)
        wait_for(lambda: len(self.nginx_access()) > before, "the line in the origin's log")
        return int(self.nginx_access()[-1][2], 16)

    def wait_for_serial(self, leaf):
        wait_for(lambda: self.serial() == leaf.serial, "the new certificate")

    def wait_for_log(self, pattern):
        wait_for(lambda: re.search(pattern, self.mtlsd.log), pattern)


class Rotation(Case):
    def test_a_renewed_pair_is_used_without_a_signal(self):
        self.start()
        self.assertEqual(self.first.serial, self.serial())
        for _ in range(2):
            fresh = self.fresh()
            self.put_pair(fresh)
            self.wait_for_serial(fresh)
        self.assertRegex(self.mtlsd.log, r"rotation +.*have changed")

    def test_a_pair_that_is_written_in_place_is_used(self):
        self.start()
        fresh = self.fresh()
        self.certificate.write_bytes(pathlib.Path(fresh.crt).read_bytes())
        self.key.write_bytes(pathlib.Path(fresh.key).read_bytes())
        self.wait_for_serial(fresh)

    def test_a_folder_that_is_swapped_by_a_link_is_used(self):
        """As Kubernetes does for a secret: tls.crt -> ..data/tls.crt, and ..data is renamed over."""
        def fill(name, leaf):
            (self.mine / name).mkdir()
            shutil.copy(leaf.crt, self.mine / name / "tls.crt")
            shutil.copy(leaf.key, self.mine / name / "tls.key")
            os.chmod(self.mine / name / "tls.key", 0o600)
            os.symlink(name, self.mine / "..next")
            os.replace(self.mine / "..next", self.mine / "..data")

        self.start()
        fill("..1", self.first)
        for path in (self.certificate, self.key):
            path.unlink()
            path.symlink_to(f"..data/{path.name}")
        for number in (2, 3):
            fresh = self.fresh()
            fill(f"..{number}", fresh)
            self.wait_for_serial(fresh)

    def test_half_a_pair_changes_nothing(self):
        self.start()
        fresh = self.fresh()
        self.put(self.certificate, fresh.crt)
        self.wait_for_log(r"reload +.*refused, the old configuration stays in use: .*key")
        self.assertEqual(self.first.serial, self.serial())
        self.put(self.key, fresh.key)
        self.wait_for_serial(fresh)

    def test_a_key_that_is_gone_changes_nothing(self):
        self.start()
        self.key.unlink()
        self.wait_for_log(r"reload +.*refused, .*tls.key")
        self.assertEqual(self.first.serial, self.serial())

    def test_a_certificate_that_is_not_for_clients_is_refused_before_it_breaks_anything(self):
        self.start()
        self.put_pair(self.fresh(eku=("serverAuth",)))
        self.wait_for_log(r'identity \\*"me\\*".*the new certificate is not for clients \(extendedKeyUsage lacks clientAuth\)')
        self.assertEqual(self.first.serial, self.serial())

    def test_differences_are_said_and_accepted(self):
        self.start(trust=f'ca = "{self.pki.ca("root").crt}";')
        fresh = self.fresh(san=["DNS:new.example"], days=20)
        self.put_pair(fresh)
        self.wait_for_serial(fresh)
        self.assertRegex(self.mtlsd.log, r'warn.*identity \\*"me\\*": the new certificate expires .*, before the one in use')

    def test_it_can_be_turned_off(self):
        self.start(top='watch = "off";')
        fresh = self.fresh()
        self.put_pair(fresh)
        with self.assertRaises(AssertionError):
            wait_for(lambda: self.serial() == fresh.serial, "nothing", seconds=1)
        self.command("reload", "-c", self.mtlsd.config_path)
        self.wait_for_serial(fresh)

    def test_the_configuration_is_not_read_again_for_a_certificate(self):
        self.start()
        path = self.mtlsd.config_path
        path.write_text("half an edit {")
        fresh = self.fresh()
        self.put_pair(fresh)
        self.wait_for_serial(fresh)
        self.assertNotEqual(0, self.command("reload", "-c", path).returncode)

    def test_a_changed_configuration_is_loaded_where_that_is_asked_for(self):
        self.start(top='watch = "all";')
        path, other = self.mtlsd.config_path, free_port()
        path.write_text(path.read_text().replace('bind = "127.0.0.1', f'bind = [ "127.0.0.1:{other}", "127.0.0.1').replace('"; protocol', '" ]; protocol'))
        wait_for(lambda: harness.listens(other), "the new address")


class Canary(Case):
    def test_an_upstream_that_refuses_the_new_certificate_keeps_the_old_one_in_use(self):
        """The renewing CA is another one, which the upstream does not know yet."""
        self.start()
        self.put_pair(self.fresh(ca="other"))
        self.wait_for_log(r'identity \\*"me\\*": upstream far \(127.0.0.1:\d+\) refuses the new certificate CN=rotated.* register the new one, or its CA')
        self.assertEqual(self.first.serial, self.serial())
        status = self.command("status", "-c", self.mtlsd.config_path).stdout
        self.assertRegex(status, r"last reload refused .*\n.*refuses the new certificate")
        metrics = self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/metrics").text
        self.assertIn('mtlsd_rotations_total{identity="me",result="refused"} 1\n', metrics)
        good = self.fresh()
        self.put_pair(good)
        self.wait_for_serial(good)

    def test_a_reload_is_refused_in_the_same_words(self):
        self.start(top='watch = "off";')
        self.put_pair(self.fresh(ca="other"))
        done = self.command("reload", "-c", self.mtlsd.config_path)
        self.assertNotEqual(0, done.returncode)
        self.assertRegex(done.stdout + done.stderr, r"upstream far .* refuses the new certificate")
        self.assertEqual(self.first.serial, self.serial())

    def test_an_upstream_that_is_away_does_not_stop_a_renewal(self):
        self.start(target=f"127.0.0.1:{free_port()}")
        fresh = self.fresh()
        self.put_pair(fresh)
        self.wait_for_log(r"the new certificate could not be tried on upstream far .*\n(.*\n)*.*the new configuration is in use, generation 2")

    def test_a_tcp_upstream_is_tried_too(self):
        """One that refuses in TLS 1.3, after our handshake is done."""
        strict = free_port()
        self.daemon(self.verifier_text(strict, free_port(), protocol="tcp"), [strict], name="strict")
        self.start(target=f"127.0.0.1:{strict}", protocol="tcp")
        self.put_pair(self.fresh(ca="other"))
        self.wait_for_log(r"upstream far .* refuses the new certificate")
        self.put_pair(self.fresh())
        self.wait_for_log(r"the new configuration is in use")


class Listeners(Case):
    def test_a_listener_presents_the_renewed_certificate_to_new_connections(self):
        port = free_port()
        server = self.pki.leaf(f"served-{os.getpid()}-1", cn="localhost", san=["DNS:localhost"])
        self.put(self.certificate, server.crt)
        self.put(self.key, server.key)
        text = self.verifier_text(port, free_port()).replace(f'bundle = "{self.pki.server().pem}";', f'certificate = "{self.certificate}"; key = "{self.key}";')
        self.mtlsd = self.daemon(text, [port])
        fresh = self.pki.leaf(f"served-{os.getpid()}-2", cn="localhost", san=["DNS:localhost"])
        self.put_pair(fresh)

        def presented():
            with peers.secure(port, peers.client_context(self.pki.ca("root"), self.pki.client())) as connection:
                return int(connection.getpeercert()["serialNumber"], 16)
        wait_for(lambda: presented() == fresh.serial, "the new certificate")


class Generations(Case):
    """B4: connections that were opened with a certificate which was replaced. They end half a minute before it expires."""
    END = 34  # seconds until the first certificate expires

    def soon(self, seconds=END, **options):
        return self.fresh(days=1 + seconds / 86400, **options)  # certificates begin a day ago

    def server(self, handle):
        return f"127.0.0.1:{peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca('root')), handle).port}"

    @staticmethod
    def echo(server, connection):
        while data := connection.recv(100):
            connection.sendall(data)

    @staticmethod
    def half(server, connection):
        """An answer that never ends, and to /silent none."""
        head = peers.read_until(connection, b"\r\n\r\n")
        if head.startswith(b"GET /whole") or head.startswith(b"HEAD"):
            connection.sendall(peers.reply(b"ok"))
        elif not head.startswith(b"GET /silent"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        connection.recv(100)

    def renew(self):
        fresh = self.fresh()
        self.put_pair(fresh)
        self.wait_for_log("the new configuration is in use")
        return fresh

    def connect(self):
        connection = peers.connect(int(self.url.split(":")[2].strip("/")), timeout=15)
        self.addCleanup(connection.close)
        return connection

    def expect_cut(self, connection):
        with self.assertRaises(ConnectionResetError):
            while connection.recv(100):
                pass
        self.wait_for_log(r"certificate_replaced")

    def test_an_idle_connection_of_the_old_one_is_closed_at_once(self):
        ended = []

        def handle(server, connection):
            while data := connection.recv(4096):
                connection.sendall(peers.reply(b"ok") if data else b"")
            ended.append(True)
        self.start(self.server(handle))
        self.assertEqual(200, self.curl(self.url).status)
        self.renew()
        wait_for(lambda: ended, "the end of the idle connection")

    def test_a_tcp_connection_ends_before_its_certificate_does(self):
        self.start(self.server(self.echo), first=self.soon(), protocol="tcp")
        connection = self.connect()
        connection.sendall(b"before")
        self.assertEqual(b"before", connection.recv(100))
        self.renew()
        connection.sendall(b"after")
        self.assertEqual(b"after", connection.recv(100))
        self.expect_cut(connection)
        again = self.connect()
        again.sendall(b"again")
        self.assertEqual(b"again", again.recv(100))

    def test_a_tcp_connection_may_outlive_its_certificate_where_that_is_asked_for(self):
        first = self.soon(33)
        self.start(self.server(self.echo), first=first, protocol="tcp")
        path = self.mtlsd.config_path
        path.write_text(path.read_text().replace(f'key = "{self.key}";', f'key = "{self.key}"; keep_connections = true;'))
        self.assertEqual(0, self.command("reload", "-c", path).returncode)
        connection = self.connect()
        connection.sendall(b"before")
        self.assertEqual(b"before", connection.recv(100))
        self.put_pair(self.fresh())
        self.wait_for_log("the new configuration is in use, generation 3")
        connection.settimeout(6)
        with self.assertRaises(TimeoutError):
            connection.recv(100)
        connection.settimeout(15)
        connection.sendall(b"after")
        self.assertEqual(b"after", connection.recv(100))

    def test_a_long_answer_is_cut_and_a_request_without_one_is_answered(self):
        self.start(self.server(self.half), first=self.soon())
        long, silent = self.connect(), self.connect()
        long.sendall(b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n")
        silent.sendall(b"GET /silent HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn(b"half", peers.read_until(long, b"half"))
        self.renew()
        self.expect_cut(long)
        status, _, body = peers.response(silent)[:3]
        self.assertEqual((503, True), (status, b"certificate_replaced" in body), body)
        metrics = self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/metrics").text
        self.assertIn('code_class="5xx"} 1\n', metrics)
        self.assertEqual(200, self.curl(self.url + "whole").status)

    def test_without_a_new_one_nothing_ends(self):
        self.start(self.server(self.echo), first=self.soon(32), protocol="tcp")
        connection = self.connect()
        connection.sendall(b"before")
        self.assertEqual(b"before", connection.recv(100))
        self.assertEqual(0, self.command("reload", "-c", self.mtlsd.config_path).returncode)
        connection.settimeout(4)
        with self.assertRaises(TimeoutError):
            connection.recv(100)
        connection.sendall(b"after")
        self.assertEqual(b"after", connection.recv(100))

    def test_a_client_of_a_listener_is_told_to_connect_again(self):
        """Its own server certificate is in the last two minutes: HTTP/1.1 by Connection: close, and nothing is lost."""
        port, backend = free_port(), peers.Backend(self)
        server = self.soon(60, eku=("serverAuth",), san=["DNS:localhost"])
        self.put_pair(server)
        text = self.verifier_text(port, backend.port).replace(f'bundle = "{self.pki.server().pem}";', f'certificate = "{self.certificate}"; key = "{self.key}";')
        self.mtlsd = self.daemon(text, [port])
        with peers.secure(port, peers.client_context(self.pki.ca("root"), self.pki.client())) as connection:
            def ask():
                connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                status, head = peers.response(connection)[:2]
                self.assertEqual(200, status)
                return str(head)
            self.assertNotIn("close", ask())
            self.put_pair(self.fresh(eku=("serverAuth",), san=["DNS:localhost"]))
            self.wait_for_log("the new configuration is in use")
            wait_for(lambda: "close" in ask(), "Connection: close", pause=0.2)
            self.assertEqual(b"", connection.recv(1))


if __name__ == "__main__":
    harness.main()
