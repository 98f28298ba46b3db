# SPDX-License-Identifier: Apache-2.0
"""Which users of this host may use a listener or an identity: allow_uids and allow_gids, by unix sockets and over loopback."""
import array
import contextlib
import grp
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import time
import unittest

import harness
import netns
import peers
from harness import free_port, wait_for

"".encode("idna")  # loaded while its file can be read
BIN, DAEMON, MAIL = (pwd.getpwnam(name).pw_uid for name in ("bin", "daemon", "mail"))


@contextlib.contextmanager
def acting_as(uid, gid=None, groups=()):
    """What is opened meanwhile belongs to this user."""
    before = os.getgroups()
    os.setgroups(groups)
    os.setegid(uid if gid is None else gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)


def request(path="/", host="localhost", more=""):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()


@unittest.skipUnless(os.geteuid() == 0, "only root can act as other users")
class Callers(harness.Case):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="mtlsd-callers-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.place, True)
        self.place.chmod(0o755)
        self.socket = self.place / "app.sock"
        self.backend = peers.Backend(self, lambda r: peers.reply(b"fine"))

    def start(self, listener, bind=None, upstream="", more="", paths=()):
        bind = bind or f'"127.0.0.1:{self.port}"'
        self.text = f"""log = {{ format = "json"; }}; admin = {{ socket = "unix:{self.folder}/admin.sock"; }};
            upstreams = {{ app = {{ targets = "127.0.0.1:{self.backend.port}"; {upstream} }}; }}; {more}
            listeners = {{ app = {{ bind = {bind}; upstream = "app"; {listener} }}; }};"""
        self.mtlsd = self.daemon(self.text, [self.port] if str(self.port) in bind else [], [self.folder / "admin.sock", *paths])

    def reload(self, old, new):
        path = self.mtlsd.config_path
        path.write_text(path.read_text().replace(old, new))
        done = self.command("reload", "-c", path)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def rows(self):
        return [json.loads(line) for line in self.mtlsd.log.splitlines() if line.startswith("{")]

    def refusals(self):
        return [row for row in self.rows() if row.get("reason") == "caller_not_allowed"]

    def ask(self, connection, data=None):
        connection.sendall(data or request())
        return peers.response(connection)

    def ask_as(self, uid, *, gid=None, groups=(), address="127.0.0.1"):
        with acting_as(uid, gid, groups):
            connection = socket.create_connection((address, self.port), 10) if address else self.connect_unix()
        with connection:
            return self.ask(connection)

    def connect_unix(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(10)
        connection.connect(str(self.socket))
        return connection

    def assert_refused(self, answer, *words):
        self.assertEqual(403, answer[0], answer)
        problem = json.loads(answer[2])
        self.assertEqual("caller_not_allowed", problem["reason"])
        for word in words:
            self.assertIn(word, problem["detail"])


class Tcp(Callers):
    def test_a_user_that_is_listed_passes_and_others_do_not(self):
        self.start(f'allow_uids = [ "bin", "{MAIL}" ];')
        for uid in (BIN, MAIL):
            self.assertEqual(200, self.ask_as(uid)[0])
        self.assert_refused(self.ask_as(DAEMON), f"user daemon (uid {DAEMON}) may not use listener \"app\"", 'add "daemon" to allow_uids of the listener')
        self.assert_refused(self.ask_as(0), "user root (uid 0)")
        self.assert_refused(self.ask_as(61234), 'the user with uid 61234 may not', 'add "61234"')
        self.assertEqual(2, len(self.backend.requests))
        passed, refused = self.rows()[-5], self.refusals()[0]
        self.assertEqual((BIN, "bin"), (passed["uid"], passed["user"]))
        self.assertEqual((DAEMON, "daemon", "us"), (refused["uid"], refused["user"], refused["refused_by"]))

    def test_over_ipv6_and_over_ipv4_that_an_ipv6_socket_speaks(self):
        self.start('allow_uids = "bin"; insecure_expose = true;', bind=f'[ "127.0.0.1:{self.port}", "[::1]:{self.port}" ]')
        for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
            self.assertEqual(200, self.ask_as(BIN, address=address)[0], address)
            self.assert_refused(self.ask_as(DAEMON, address=address), "user daemon")

    def test_a_listener_for_both_families_knows_ipv4_too(self):
        self.start('allow_uids = "bin"; insecure_expose = true;', bind=f'"[::]:{self.port}"')
        for address in ("127.0.0.1", "::1", "127.0.0.9"):
            self.assertEqual(200, self.ask_as(BIN, address=address)[0], address)
            self.assert_refused(self.ask_as(DAEMON, address=address), "user daemon")

    def test_a_group_means_the_users_that_the_database_has_in_it(self):
        self.start('allow_gids = "bin";')
        self.assertEqual(200, self.ask_as(BIN)[0])
        self.assert_refused(self.ask_as(DAEMON, groups=[grp.getgrnam("bin").gr_gid]), "user daemon")

    def test_a_socket_counts_for_the_user_that_opened_it(self):
        """Whoever was handed its descriptor; and for another one only if root gave it away."""
        self.start('allow_uids = "bin";')
        with acting_as(DAEMON):
            theirs = socket.create_connection(("127.0.0.1", self.port), 10)
        ours, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))])
        theirs.close()
        _, rights, _, _ = other.recvmsg(1, socket.CMSG_SPACE(4))
        with acting_as(BIN), socket.socket(fileno=struct.unpack("i", rights[0][2][:4])[0]) as passed:
            passed.settimeout(10)
            self.assert_refused(self.ask(passed), "user daemon")
        ours.close()
        other.close()
        with acting_as(DAEMON), self.assertRaises(PermissionError), socket.socket() as own:
            os.fchown(own.fileno(), BIN, -1)
        with socket.socket() as given:  # root may give a socket to another user, and the kernel says so
            os.fchown(given.fileno(), BIN, -1)
            given.connect(("127.0.0.1", self.port))
            self.assertEqual(200, self.ask(given)[0])

    def test_a_connection_that_was_closed_belongs_to_nobody(self):
        """The kernel says of such a socket that root owns it."""
        self.start('allow_uids = "root";')
        self.assertEqual(200, self.ask_as(0)[0])
        self.mtlsd.signal(signal.SIGSTOP)
        try:
            for gentle in (True, False):
                with acting_as(DAEMON), socket.create_connection(("127.0.0.1", self.port), 10) as connection:
                    connection.sendall(request("/closed"))
                    if not gentle:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        finally:
            self.mtlsd.signal(signal.SIGCONT)
        wait_for(self.refusals, "the refusal")
        self.assertIn("has closed the connection", self.refusals()[0]["message"])
        self.assertNotIn("uid", self.refusals()[0])
        self.assertEqual(200, self.ask_as(0)[0])
        self.assertEqual(2, len(self.backend.requests))
        self.assertNotIn("/closed", [r.target for r in self.backend.requests])

    def test_each_way_to_call(self):
        self.start('allow_uids = "bin"; forward_proxy = { direct = [ "127.0.0.1" ]; };')
        url, proxy = f"http://127.0.0.1:{self.port}/", ["-x", f"http://127.0.0.1:{self.port}"]
        ways = {"HTTP/1.1": [url], "HTTP/2": ["--http2-prior-knowledge", url], "a proxy": [*proxy, f"http://127.0.0.1:{self.backend.port}/"],
                "CONNECT": [*proxy, "-p", f"http://127.0.0.1:{self.backend.port}/"]}
        for way, arguments in ways.items():
            for uid in (BIN, DAEMON):
                done = subprocess.run(["curl", "-sS", "--noproxy", "", "--max-time", "10", *arguments], user=uid, group=uid, extra_groups=[], cwd="/",
                                      capture_output=True, text=True, timeout=20)
                if uid == BIN:
                    self.assertEqual("fine", done.stdout, way + done.stderr)
                else:
                    self.assertIn("403" if way == "CONNECT" else "caller_not_allowed", done.stdout + done.stderr, way)
        self.assertEqual({"bin", "daemon"}, {row["user"] for row in self.rows() if "user" in row})
        self.assertEqual(4, len(self.refusals()))

    def test_bytes(self):
        self.start('allow_uids = "bin"; protocol = "tcp";')
        self.assertEqual(200, self.ask_as(BIN)[0])
        with acting_as(DAEMON), contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            connection.sendall(request())
            self.assertEqual(b"", connection.recv(100))
        self.assertIn("user daemon", wait_for(self.refusals, "the refusal")[0]["message"])
        self.assertEqual(1, self.backend.accepted)

    def test_bytes_in_tls(self):
        mine = self.pki.server()
        self.start('allow_uids = "bin"; protocol = "tcp"; tls = { identity = "server"; };', more=f'identities = {{ server = {{ bundle = "{mine.pem}"; }}; }};')
        context = peers.client_context(self.pki.ca("root"))
        for uid in (BIN, DAEMON):
            with acting_as(uid):
                connection = socket.create_connection(("127.0.0.1", self.port), 10)
            if uid == BIN:
                with context.wrap_socket(connection, server_hostname="localhost") as secure:
                    self.assertEqual(200, self.ask(secure)[0])
                continue
            with connection, self.assertRaises((ssl.SSLError, ConnectionError)) as failed:
                with context.wrap_socket(connection, server_hostname="localhost") as secure:
                    secure.sendall(request())
                    secure.recv(100)
            self.assertIn("denied", str(failed.exception).lower())
        self.assertIn("user daemon", wait_for(self.refusals, "the refusal")[0]["message"])
        self.assertEqual(1, self.backend.accepted)

    def test_a_reload_is_for_live_connections_too(self):
        self.start("")
        with acting_as(DAEMON):
            kept = socket.create_connection(("127.0.0.1", self.port), 10)
        self.assertEqual(200, self.ask(kept)[0])
        self.reload('upstream = "app"; ', 'upstream = "app"; allow_uids = "bin";')
        self.assert_refused(self.ask(kept), "user daemon")
        kept.close()
        self.reload('allow_uids = "bin"', 'allow_uids = "daemon"')
        self.assertEqual(200, self.ask_as(DAEMON)[0])

    def test_a_reload_ends_a_tcp_connection(self):
        self.start('protocol = "tcp";')
        with acting_as(DAEMON):
            kept = socket.create_connection(("127.0.0.1", self.port), 10)
        with acting_as(BIN):
            other = socket.create_connection(("127.0.0.1", self.port), 10)
        self.assertEqual((200, 200), (self.ask(kept)[0], self.ask(other)[0]))
        self.reload('upstream = "app"; ', 'upstream = "app"; allow_uids = "bin";')
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(b"", kept.recv(100))
        self.assertEqual(200, self.ask(other)[0])
        self.assertIn("user daemon", self.refusals()[0]["message"])
        kept.close()
        other.close()

    def test_a_reload_ends_a_tunnel(self):
        self.start(f'forward_proxy = {{ connect = "tunnel"; direct = [ "127.0.0.1:{self.backend.port}" ]; }};')
        tunnels = {}
        for uid in (DAEMON, BIN):
            with acting_as(uid):
                tunnels[uid] = socket.create_connection(("127.0.0.1", self.port), 10)
            tunnels[uid].sendall(f"CONNECT 127.0.0.1:{self.backend.port} HTTP/1.1\r\nHost: 127.0.0.1:{self.backend.port}\r\n\r\n".encode())
            self.assertIn(b"200", tunnels[uid].recv(1000))
            self.assertEqual(200, self.ask(tunnels[uid])[0])
        self.reload('upstream = "app"; ', 'upstream = "app"; allow_uids = "bin";')
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(b"", tunnels[DAEMON].recv(100))
        self.assertEqual(200, self.ask(tunnels[BIN])[0])
        self.assertIn("user daemon", self.refusals()[0]["message"])
        for tunnel in tunnels.values():
            tunnel.close()

    def test_many_callers_at_once_are_told_apart(self):
        """Each answer of the kernel belongs to its question, also where connections end before they are looked at."""
        self.start('allow_uids = "bin"; allow_gids = "mail";')
        waiting = []
        self.mtlsd.signal(signal.SIGSTOP)
        for i in range(300):
            uid = (BIN, DAEMON, MAIL)[i % 3]
            with acting_as(uid):
                connection = socket.create_connection(("127.0.0.1", self.port), 10)
            connection.sendall(request())
            if i % 7 == 0:
                connection.close()
            else:
                waiting.append((uid, connection))
        self.mtlsd.signal(signal.SIGCONT)
        for uid, connection in waiting:
            with connection:
                self.assertEqual(403 if uid == DAEMON else 200, peers.response(connection)[0], uid)

    def test_a_user_counts_in_a_user_namespace_of_its_own(self):
        """There it may seem to be root, or no user at all."""
        self.start('allow_uids = "root";')
        done = subprocess.run(["unshare", "--user", "curl", "-sS", f"http://127.0.0.1:{self.port}/"], capture_output=True, text=True, user=61235, group=61235,
                              extra_groups=[], cwd="/", timeout=20)
        if "unshare" in done.stderr:
            self.skipTest("no user namespaces here")
        self.assertIn("caller_not_allowed", done.stdout)
        self.assertIn("61235", done.stdout)


class OtherHosts(Callers):
    def test_of_a_caller_that_does_not_come_over_loopback_no_user_is_known(self):
        try:
            pair = netns.Pair()
        except (OSError, subprocess.SubprocessError) as error:
            self.skipTest(f"no network namespace can be made here: {error}")
        self.addCleanup(pair.remove)
        with pair.far():
            self.start('allow_uids = "root"; insecure_expose = true; hosts = "localhost";', bind=f'"0.0.0.0:{self.port}"')
            self.assertEqual(502, self.ask_as(0)[0])  # it is let in, and its backend is in another namespace
            self.assert_refused(self.ask_as(0, address=pair.FAR), "does not come over a loopback address")
        with pair.near():
            self.assert_refused(self.ask_as(0, address=pair.FAR), "does not come over a loopback address")


class Unix(Callers):
    def start_unix(self, listener, **more):
        self.start(listener, bind=f'"unix:{self.socket}"', paths=[self.socket], **more)
        self.socket.chmod(0o777)

    def test_users_and_the_program(self):
        self.start_unix('allow_uids = "bin";')
        self.assertEqual(200, self.ask_as(BIN, address=None)[0])
        self.assert_refused(self.ask_as(DAEMON, address=None), "user daemon (uid 1, program python3")
        self.assertRegex(self.refusals()[0]["program"], "^python3")
        self.assertEqual(1, self.backend.accepted)

    def test_groups_are_those_of_the_process(self):
        mail = grp.getgrnam("mail").gr_gid
        self.start_unix(f'allow_gids = [ "mail" ];')
        self.assertEqual(200, self.ask_as(DAEMON, gid=mail, address=None)[0])
        self.assertEqual(200, self.ask_as(DAEMON, groups=[4, mail, 7], address=None)[0])
        self.assert_refused(self.ask_as(DAEMON, groups=[4, 7], address=None), "user daemon")
        self.assert_refused(self.ask_as(MAIL, gid=1, address=None), "user mail")  # in the database it is a member, this process is not

    def test_a_user_of_another_user_namespace_is_unknown(self):
        self.start_unix('allow_uids = [ "root" ];')
        self.assert_refused(self.ask_as(65534, address=None), "65534")


class Header(harness.Case):
    """A secret in a header, where users say nothing: callers on other hosts, or in containers."""
    SECRET = "Zf6vLxq0Gd9hT2wN"

    def start(self, listener="", name="X-App-Secret", mode=0o600):
        self.port = free_port()
        self.backend = peers.Backend(self, lambda r: peers.reply(b"fine"))
        self.secret = self.write("app.secret", self.SECRET + "\n")
        self.secret.chmod(mode)
        self.mtlsd = self.daemon(f"""log = {{ format = "json"; level = "debug"; }}; admin = {{ socket = "unix:{self.folder}/admin.sock"; }};
            upstreams = {{ app = {{ targets = "127.0.0.1:{self.backend.port}"; }}; }};
            listeners = {{ app = {{ bind = "127.0.0.1:{self.port}"; upstream = "app"; {listener}
                                  require_header = {{ name = "{name}"; value_file = "{self.secret}"; }}; }}; }};""", [self.port], [self.folder / "admin.sock"])

    def get(self, *arguments):
        return self.curl(*arguments, f"http://127.0.0.1:{self.port}/")

    def with_secret(self, secret=None, name="X-App-Secret"):
        return ["-H", f"{name}: {secret or self.SECRET}"]

    def test_the_secret_is_needed_and_never_forwarded_nor_logged(self):  # E2, C1
        self.start()
        alike = ["X_App_Secret", "x-app_secret", "X.App.Secret"]
        for version in (["--http1.1"], ["--http2-prior-knowledge"]):
            for wrong in ([], self.with_secret("wrong"), self.with_secret(self.SECRET + "0"), self.with_secret(name=alike[0]), self.with_secret() * 2):
                problem = self.assert_problem(self.get(*version, *wrong), 403, "header_required", "us")
                self.assertIn("X-App-Secret", problem["detail"])
                self.assertNotIn(self.SECRET, json.dumps(problem))
            more = [field for name in alike for field in self.with_secret("other", name)]
            self.assertEqual("fine", self.get(*version, *self.with_secret(), *more).text)
        self.assertEqual(2, len(self.backend.requests))
        sent = str([vars(r) for r in self.backend.requests])
        for text in (self.SECRET, "ecret", "other"):
            self.assertNotIn(text, sent)
        status = self.command("status", "-c", self.mtlsd.config_path, "--json").stdout
        refusals = self.command("refusals", "-c", self.mtlsd.config_path).stdout
        explained = self.command("explain", "-c", self.mtlsd.config_path, "--request", "GET /", "--header", f"X-App-Secret: {self.SECRET}").stdout
        self.assertIn("header      passes", explained)
        for text in (status, refusals, self.mtlsd.log):
            self.assertNotIn(self.SECRET, text)

    def test_a_trailer_does_not_carry_it_either(self):  # C11
        self.start()
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            connection.sendall(f"POST / HTTP/1.1\r\nHost: localhost\r\nX-App-Secret: {self.SECRET}\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n"
                               f"Trailer: X-App-Secret\r\n\r\n1\r\nx\r\n0\r\nX-App_Secret: {self.SECRET}\r\n\r\n".encode())
            self.assertEqual(200, peers.response(connection)[0])
        self.assertNotIn(self.SECRET, str([vars(r) for r in self.backend.requests]))

    def test_a_changed_file_counts_at_once(self):
        self.start()
        new = self.write("new", "a-quite-different-secret\n")
        new.chmod(0o600)
        os.replace(new, self.secret)
        wait_for(lambda: self.get(*self.with_secret("a-quite-different-secret")).status == 200, "the new value")
        self.assert_problem(self.get(*self.with_secret()), 403, "header_required")

    def test_a_forward_proxy(self):
        self.start('forward_proxy = { direct = [ "127.0.0.1" ]; };', name="Proxy-Authorization")
        proxy = ["--noproxy", "", "-x", f"http://127.0.0.1:{self.port}"]
        url = f"http://127.0.0.1:{self.backend.port}/"
        basic = ["--proxy-header", f"Proxy-Authorization: {self.SECRET}"]
        self.assert_problem(self.curl(*proxy, url), 403, "header_required")
        self.assertNotEqual(0, self.curl(*proxy, "-p", url).exit)
        self.assertEqual(0, len(self.backend.requests))
        self.assertEqual("fine", self.curl(*proxy, *basic, url).text)
        self.assertEqual("fine", self.curl(*proxy, *basic, "-p", url).text)
        self.assertNotIn(self.SECRET, str([vars(r) for r in self.backend.requests]))

    def test_what_cannot_be_right_is_refused(self):
        def check(keys, mode=0o600, text=self.SECRET):
            secret = self.write("s", text)
            secret.chmod(mode)
            path = self.config(f"""upstreams = {{ app = {{ targets = "127.0.0.1:1"; }}; }};
                listeners = {{ app = {{ bind = "127.0.0.1:2"; upstream = "app"; {keys.replace("SECRET", str(secret))} }}; }};""")
            done = self.command("check", "-c", path)
            return done.returncode, done.stdout + done.stderr
        good = 'require_header = { name = "X-S"; value_file = "SECRET"; };'
        self.assertEqual(0, check(good)[0], check(good)[1])
        for words, arguments in {"holds a secret and every user can read it": (good, 0o644), "is too short": (good, 0o600, "0123"),
                                 "needs protocol": (good + ' protocol = "tcp";',), "name is missing": ('require_header = { value_file = "SECRET"; };',),
                                 "value_file is missing": ('require_header = { name = "X-S"; };',),
                                 "cannot carry a secret": (good.replace("X-S", "User-Agent"),)}.items():
            code, said = check(*arguments)
            self.assertEqual(3, code, said)
            self.assertIn(words, said)
            self.assertNotIn(self.SECRET, said)
        exposed = 'insecure_expose = true;'
        self.assertIn("add require_header for programs of other hosts, or allow_uids", self.exposed(exposed))
        self.assertIn("which crosses the network in plaintext", self.exposed(exposed + good))
        self.assertIn("allow_uids or allow_gids refuse all of their connections", self.exposed(exposed + 'allow_uids = "root";'))
        self.assertIn("limit it by require_header or allow_uids", self.exposed(""))

    def exposed(self, keys):
        path = self.config(f"""upstreams = {{ app = {{ targets = "127.0.0.1:1"; }}; }};
            listeners = {{ app = {{ bind = "0.0.0.0:2"; upstream = "app"; {keys.replace("SECRET", str(self.folder / "s"))} }}; }};""")
        self.write("s", self.SECRET).chmod(0o600)
        done = self.command("check", "-c", path)
        return done.stdout + done.stderr


class Identity(Callers):
    """The identity of an upstream is for some users, and the other upstreams of the listener are for all."""

    def start_with_limit(self, limit='allow_uids = "bin";', listener=""):
        self.origin_port = self.origin()
        self.text = f"""log = {{ format = "json"; }}; admin = {{ socket = "unix:{self.folder}/admin.sock"; }};
            identities = {{ payments = {{ bundle = "{self.pki.client().pem}"; {limit} }}; }}; trusts = {{ them = {{ ca = "{self.pki.ca("root").crt}"; }}; }};
            upstreams = {{ far = {{ targets = "127.0.0.1:{self.origin_port}"; tls = {{ identity = "payments"; trust = "them"; }}; }};
                           near = {{ targets = "127.0.0.1:{self.backend.port}"; }}; }};
            listeners = {{ app = {{ bind = "127.0.0.1:{self.port}"; {listener} routes = ( {{ path = "/far"; upstream = "far"; }}, {{ upstream = "near"; }} ); }}; }};"""
        self.mtlsd = self.daemon(self.text, [self.port], [self.folder / "admin.sock"])

    def get(self, uid, path):
        with acting_as(uid), socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            return self.ask(connection, request(path))

    def test_it_is_used_for_its_users_alone(self):
        self.start_with_limit()
        self.assertIn(b"CN=client1", self.get(BIN, "/far")[2])
        wait_for(self.nginx_access, "the log of the first request")
        self.assert_refused(self.get(DAEMON, "/far"), 'user daemon (uid 1) may not use identity "payments"', 'add "daemon" to allow_uids of the identity')
        self.assertEqual(200, self.get(DAEMON, "/near")[0])
        self.assertEqual(1, len(self.nginx_access()))  # though a connection with that identity waited in the pool

    def test_explain_takes_a_user(self):
        self.start_with_limit(listener='allow_uids = [ "bin", "mail" ];')
        ask = ["explain", "-c", self.mtlsd.config_path, "--request", "GET /far"]
        self.assertIn("REFUSED: the user of the calling program is unknown, because none was given: give --uid", self.command(*ask).stdout)
        self.assertIn("forwarded to upstream far", self.command(*ask, "--uid", "bin").stdout)
        self.assertIn('user mail (uid 8) may not use identity "payments"', self.command(*ask, "--uid", "8").stdout)
        self.assertIn('user daemon (uid 1) may not use listener "app"', self.command(*ask, "--uid", "daemon").stdout)
        self.assertIn("this system has no user", self.command(*ask, "--uid", "no-such-user").stderr)

    def test_a_name_that_is_unknown_is_an_error(self):
        for limit, words in {'allow_uids = "no-such-user";': 'identity "payments": allow_uids: this system has no user "no-such-user"',
                             'allow_gids = [ "bin", "no-such-group" ];': 'allow_gids: this system has no group "no-such-group"',
                             'allow_uids = "nobody";': "65534 is also what the kernel says",
                             "allow_uids = [ ];": "the list is empty", "allow_uids = [ -1 ];": "neither a name nor a number",
                             'allow_uids = "4294967295";': "too much"}.items():
            path = self.config(f"""identities = {{ payments = {{ bundle = "{self.pki.client().pem}"; {limit} }}; }}; trusts = {{ them = {{ ca = "{self.pki.ca("root").crt}"; }}; }};
                upstreams = {{ far = {{ targets = "127.0.0.1:1"; tls = {{ identity = "payments"; trust = "them"; }}; }}; }};
                listeners = {{ app = {{ bind = "127.0.0.1:{self.port}"; upstream = "far"; }}; }};""")
            done = self.command("check", "-c", path)
            self.assertEqual(3, done.returncode, done.stdout)
            self.assertIn(words, done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main()
