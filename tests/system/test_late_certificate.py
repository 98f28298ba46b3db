# SPDX-License-Identifier: Apache-2.0
"""Servers that request our certificate after the handshake (A10): Apache with SSLVerifyClient for one folder, by TLS 1.3's post-handshake authentication and
TLS 1.2's renegotiation. What such a server may not do is refused."""
import pathlib
import shutil
import socket
import subprocess
import unittest

import harness
from harness import free_port
from web_servers import MODULES

LATE = 'post_handshake_auth = true; renegotiation = true;'


@unittest.skipUnless(shutil.which("apache2"), "apache2 is not installed")
class Late(harness.Case):
    def apache(self, version, ca=None):
        port, folder, server = free_port(), self.folder / f"apache-{version}", self.pki.server()
        for name in ("www/open", "www/closed", "www/other"):
            (folder / name).mkdir(parents=True)
            (folder / name / "index.html").write_text(name)
        (folder / "www/closed/big").write_bytes(bytes(300_000))
        closed = "\n".join(f"<Location /{name}>\nSSLVerifyClient require\nSSLVerifyDepth {depth}\nHeader set X-Caller %{{SSL_CLIENT_S_DN_CN}}s\n</Location>"
                           for name, depth in (("closed", 3), ("other", 2)))
        path = self.write(f"apache-{version}.conf", "\n".join([
            "ServerName localhost", f"ServerRoot {folder}", f"PidFile {folder}/pid", f"DefaultRuntimeDir {folder}",
            *(f"LoadModule {m}_module {MODULES}/mod_{m}.so" for m in ("mpm_event", "authz_core", "dir", "socache_shmcb", "ssl", "headers")),
            "StartServers 1", "ServerLimit 1", "ThreadsPerChild 8", "MaxRequestWorkers 8", f"ErrorLog {folder}/error.log", f"Listen 127.0.0.1:{port}",
            f"DocumentRoot {folder}/www", "SSLEngine on", f"SSLCertificateFile {server.crt}", f"SSLCertificateKeyFile {server.key}", f"SSLProtocol {version}",
            f"SSLCACertificateFile {(ca or self.pki.ca('root')).crt}", "SSLSessionCache none", "LogLevel ssl:info", closed]))
        self.spawn("apache", ["apache2", "-X", "-f", path], [port])
        return port

    def through(self, port, path, *arguments):
        return self.curl(*arguments, f"http://127.0.0.1:{port}{path}")

    def test_one_folder_wants_a_certificate(self):
        """On kept connections too, with a body, and for a second folder that asks again."""
        for version in ("TLSv1.3", "TLSv1.2"):
            with self.subTest(version):
                port = self.injector(f"localhost:{self.apache(version)}", tls=LATE)
                self.assertEqual("www/open", self.through(port, "/open/").text)
                for path in ("/closed/", "/closed/", "/other/", "/open/"):
                    answer = self.through(port, path)
                    self.assertEqual((200, f"www{path[:-1]}"), (answer.status, answer.text), path)
                    self.assertEqual("client1" if path != "/open/" else None, answer.header("X-Caller"))
                self.assertEqual(300_000, len(self.through(port, "/closed/big").body))
                body = self.write("body", "x" * 60_000)
                self.assertEqual(200, self.through(port, "/closed/", "--data-binary", f"@{body}").status)
                self.assertIn("certificate_requested=later", self.mtlsd.log)

    def test_without_the_keys_it_is_refused(self):
        port = self.injector(f"localhost:{self.apache('TLSv1.2')}")
        problem = self.assert_problem(self.through(port, "/open/"), 502, "our_certificate_not_requested")
        self.assertIn("tls.renegotiation", str(problem))
        port = self.injector_again("require_client_auth = false;")
        self.assertEqual("www/open", self.through(port, "/open/").text)
        problem = self.assert_problem(self.through(port, "/closed/"), 502, "renegotiation")
        self.assertIn("set tls.renegotiation = true", str(problem))

    def injector_again(self, tls):
        port = free_port()
        text = self.mtlsd.config_path.read_text()
        old = text.split('bind = "127.0.0.1:')[1].split('"')[0]
        text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{port}").replace('trust = "them";', f'trust = "them"; {tls}')
        self.mtlsd = self.daemon(text, [port], prelude="")
        return port

    def test_a_certificate_that_is_refused_later_is_told(self):
        for version in ("TLSv1.3", "TLSv1.2"):
            with self.subTest(version):
                port = self.injector(f"localhost:{self.apache(version, self.pki.ca('stranger'))}", tls=LATE)
                self.assertEqual("www/open", self.through(port, "/open/").text)
                problem = self.assert_problem(self.through(port, "/closed/"), 502, "our_certificate_refused")
                self.assertIn("client1", str(problem))


class OpenSSL(harness.Case):
    """s_server, whose operator asks for a certificate in the middle of a tcp connection: "c" in TLS 1.3, "R" in TLS 1.2."""

    def serve(self, version):
        port, server = free_port(), self.pki.server()
        log = open(self.folder / f"s_server{version}.log", "wb")
        process = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", server.crt, "-key", server.key, "-CAfile", self.pki.ca("root").crt,
                                    "-verify_return_error", version], stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.folder)
        self.addCleanup(log.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdin.close)
        harness.wait_for(lambda: harness.listens(port), "s_server")
        return port, process, pathlib.Path(log.name)

    def test_a_certificate_in_the_middle_of_a_tcp_connection(self):
        for version, command in (("-tls1_3", b"c\n"), ("-tls1_2", b"R\n")):
            with self.subTest(version):
                target, server, log = self.serve(version)
                port = self.injector(f"localhost:{target}", protocol="tcp", tls=LATE)
                with socket.create_connection(("127.0.0.1", port), 20) as app:
                    app.settimeout(20)
                    app.sendall(b"before\n")
                    harness.wait_for(lambda: b"before" in log.read_bytes(), "the first bytes")
                    server.stdin.write(command)
                    server.stdin.flush()
                    harness.wait_for(lambda: b"client1" in log.read_bytes(), "our certificate at the server")
                    app.sendall(b"after\n")
                    harness.wait_for(lambda: b"after" in log.read_bytes(), "bytes behind it")
                    server.stdin.write(b"down\n")
                    server.stdin.flush()
                    self.assertEqual(b"down\n", app.recv(100))
                harness.wait_for(lambda: "certificate_requested=later" in self.mtlsd.log, "the log line")


if __name__ == "__main__":
    harness.main()
