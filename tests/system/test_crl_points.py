# SPDX-License-Identifier: Apache-2.0
"""crl = "fetch" from the distribution point in a certificate that openssl made (F3). The daemon refuses addresses of its own host there, so this test
uses two network namespaces: one for the lists, one for the daemon and its clients."""
import signal
import ssl
import time
import unittest

import certs
import harness
import netns
import peers
from harness import wait_for
from list_server import ListServer

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
METADATA = "169.254.169.254"
pair = None


def setUpModule():
    global pair
    pair = netns.make_pair()
    netns.ip("-n", pair.names[1], "address", "add", f"{METADATA}/32", "dev", "lo")


class Case(harness.Case):
    made = 0

    def setUp(self):
        super().setUp()
        inside = pair.near()
        inside.__enter__()
        self.addCleanup(inside.__exit__, None, None, None)
        self.root = self.pki.ca("root")
        self.good, self.bad = self.pki.client(), self.pki.leaf("cp-revoked", eku=("clientAuth",))
        self.backend = peers.Backend(self)

    def far_server(self, **options):
        with pair.far():
            return self.server(netns.Pair.FAR, **options)

    def server(self, host, *revoked, **options):
        web = ListServer(self, host, **options)
        web.give(self.list(1, *revoked))
        return web

    def list(self, number, *revoked, seconds=30 * 86400):
        Case.made += 1
        return self.pki.crl(f"cp-{Case.made}", self.root, revoked, number=number, days=1 + seconds / 86400).read_bytes()

    def identity(self, *points):
        """The server's certificate with a CDP extension, made by openssl from key to signature. The names of one point are given as one text."""
        Case.made += 1
        stem = self.folder / f"point-{Case.made}"
        key, crt, bundle = (stem.with_suffix(end) for end in (".key", ".crt", ".pem"))
        self.write("ext", "subjectAltName = DNS:localhost, IP:127.0.0.1\nextendedKeyUsage = serverAuth\n"
                   + (f"crlDistributionPoints = {', '.join('URI:' + p for p in points)}\n" if points else ""))
        certs.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        request = certs.openssl("req", "-new", "-key", key, "-subj", "/O=Tests/CN=localhost")
        crt.write_bytes(certs.openssl("x509", "-req", "-CA", self.root.crt, "-CAkey", self.root.key, "-set_serial", 0x900000 + Case.made, "-days", 30,
                                      "-sha256", "-extfile", self.folder / "ext", data=request))
        bundle.write_bytes(crt.read_bytes() + key.read_bytes())
        bundle.chmod(0o600)
        return bundle

    def text(self, *points, trust=""):
        class Made:
            pem = self.identity(*points)
        self.port = harness.free_port()
        return self.verifier_text(self.port, self.backend.port, certificate=Made, trust=f'ca = "{self.root.crt}"; crl = "fetch"; {trust}')

    def start(self, *points, hosts=""):
        path = self.config(self.text(*points), f"mtlsd-{len(self.processes)}.conf")
        argv = [harness.MTLSD, "run", "-c", path]
        if hosts:
            known = self.write("hosts", hosts)
            argv = ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/hosts && shift && exec "$@"', "sh", known, *argv]
        self.mtlsd = harness.Process(f"mtlsd-{len(self.processes)}", argv, self.folder, self.environment())
        self.processes.append(self.mtlsd)
        self.daemons.append(self.mtlsd)
        self.mtlsd.wait_ready([self.port])

    def is_let_in(self, certificate):
        try:
            with peers.secure(self.port, peers.client_context(self.root, certificate)) as connection:
                connection.sendall(REQUEST)
                return peers.response(connection)[0] == 200
        except (ssl.SSLError, OSError):
            return False


class Points(Case):
    def test_a_list_is_fetched_from_there_and_again_before_it_ends(self):
        """Nobody reloads: the second list comes by the time that the first one has left."""
        web = self.far_server()
        ends = time.time() + 12
        web.give_tagged(self.list(1, self.pki.leaf("cp-first", eku=("clientAuth",)), seconds=12), '"one"')
        self.start(web.url)
        wait_for(lambda: self.is_let_in(self.good), "the first list")
        self.assertFalse(self.is_let_in(self.pki.leaf("cp-first")))
        self.assertTrue(self.is_let_in(self.bad))
        web.give_tagged(self.list(2, self.bad), '"two"')
        wait_for(lambda: not self.is_let_in(self.bad), "the second list", pause=0.2)
        self.assertTrue(self.is_let_in(self.good))
        self.assertEqual(['/ca.crl'] * 2, [path for path, _, _ in web.seen])
        self.assertEqual([None, '"one"'], [fields.get("If-None-Match") for _, fields, _ in web.seen])
        self.assertLess(web.seen[1][2], ends)

    def test_a_redirect_is_not_followed(self):
        web, trap = self.far_server(), self.server("127.0.0.1", self.bad)
        rows = [(301, trap.url), (302, "file:///etc/passwd"), (303, "/other.crl"), (307, web.url), (308, f"http://{METADATA}/")]
        for i, (status, where) in enumerate(rows):
            web.give(self.list(1), status, Location=where)
            if i == 0:
                self.start(web.url)
            else:
                self.mtlsd.signal(signal.SIGHUP)
            wait_for(lambda: f"the server answers {status}; redirects are not followed" in self.mtlsd.log, "the refusal")
            self.assertFalse(self.is_let_in(self.good))
        self.assertEqual([[], ["/ca.crl"] * len(rows)], [trap.seen, [path for path, _, _ in web.seen]])

    def test_no_certificate_leads_to_the_own_host_or_link(self):
        """A genuine list waits at each of these places: who went there would let the good one in."""
        local, metadata = self.server("127.0.0.1"), self.server(METADATA)
        port, link = local.url.split(":")[2], metadata.url.split(":")[2]
        rows = [("loopback", local.url, "loopback"),
                ("another spelling", f"http://0x7f.1:{port}", "loopback"),
                ("mapped", f"http://[::ffff:127.0.0.1]:{port}", "loopback"),
                ("all zeros", f"http://0.0.0.0:{port}", "unspecified"),
                ("metadata", metadata.url, "link-local"),
                ("metadata, mapped", f"http://[::ffff:{METADATA}]:{link}", "link-local"),
                ("a name of loopback", f"http://crl.tests.example:{port}", "loopback"),
                ("a name of the link", f"http://meta.tests.example:{link}", "link-local")]
        self.start(*(url for _, url, _ in rows), hosts=f"127.0.0.1 localhost crl.tests.example\n{METADATA} meta.tests.example\n")
        for why, url, kind in rows:
            with self.subTest(why):
                url = url.rstrip("/")
                wait_for(lambda: any(url in line and f"its address is {kind}; list it in crl_urls to allow it" in line
                                     for line in self.mtlsd.log.splitlines()), f"{url}: {kind}", seconds=10)
        self.assertFalse(self.is_let_in(self.good))
        self.assertEqual([[], []], [local.seen, metadata.seen])

    def test_a_name_with_a_near_and_a_far_address_is_reached_at_the_far_one(self):
        web = self.far_server()
        trap = self.server("127.0.0.1", port=int(web.url.split(":")[2].split("/")[0]))
        self.start(web.url.replace(netns.Pair.FAR, "crl.tests.example"), hosts=f"127.0.0.1 crl.tests.example\n{netns.Pair.FAR} crl.tests.example\n")
        wait_for(lambda: self.is_let_in(self.good), "the list")
        self.assertEqual([[], 1], [trap.seen, len(web.seen)])

    def test_other_schemes_are_not_spoken(self):
        """Beside an http address they are passed over; alone they are an error that tells the way out."""
        trap = peers.Backend(self)
        others = [f"ftp://127.0.0.1:{trap.port}/a.crl", f"ldap://127.0.0.1:{trap.port}/cn=x?certificateRevocationList", "file:///etc/passwd",
                  f"https://127.0.0.1:{trap.port}/a.crl"]
        path = self.config(self.text(*others))
        for command in ("check", "run"):
            done = self.command(command, "-c", path)
            self.assertEqual(3, done.returncode, done.stderr)
            self.assertIn("name an http address of a revocation list; say where it is with crl_urls", done.stdout + done.stderr)
        web = self.far_server()
        self.start(*others, web.url)
        wait_for(lambda: self.is_let_in(self.good), "the list")
        self.assertEqual((0, 1), (trap.accepted, len(web.seen)))

    def test_crl_urls_may_name_what_a_certificate_may_not(self):
        """And takes the place of the certificate's own addresses."""
        web, local = self.far_server(), self.server("127.0.0.1", self.bad)
        text = self.text(web.url, trust=f'crl_urls = [ "{local.url}" ];')
        self.mtlsd = self.daemon(text, [self.port])
        wait_for(lambda: self.is_let_in(self.good), "the list")
        self.assertFalse(self.is_let_in(self.bad))
        self.assertEqual([[], 1], [web.seen, len(local.seen)])


if __name__ == "__main__":
    harness.main()
