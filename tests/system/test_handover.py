# SPDX-License-Identifier: Apache-2.0
"""SIGUSR2: a new process of the program takes the place of the old one with its sockets, and no connection is lost. If it cannot, the old one serves on."""
import collections
import contextlib
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import h2frames as h2
import h2hpack
import harness
import peers
import test_user
from harness import MTLSD, Process, free_port, wait_for

PR_SET_CHILD_SUBREAPER = 36


class Case(harness.Case):
    """A daemon that is started by a link, so that another program can be put in its place."""

    def setUp(self):
        super().setUp()
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # processes that the daemon started become ours when it ends
        self.program = self.folder / "program"
        self.program.symlink_to(MTLSD)
        self.pid = None
        self.addCleanup(self.end_last)

    def end_last(self):
        if self.pid is not None and self.pid != self.mtlsd.pid:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(self.pid, signal.SIGTERM)
                self.exit_code(self.pid)

    def exit_code(self, pid, seconds=15):
        if pid == self.mtlsd.pid:
            return self.mtlsd.wait(seconds)
        return os.waitstatus_to_exitcode(wait_for(lambda: self.ended(pid), f"the end of process {pid}", seconds)[0][1])

    @staticmethod
    def ended(pid):
        """Its status, once it has. It becomes ours when the process that started it is gone."""
        try:
            got = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return None
        return [got] if got[0] == pid else None

    def start(self, text, ports=(), paths=(), env=None, wait=True):
        self.file = self.config(text, prelude="")
        self.mtlsd = Process("mtlsd", [self.program, "run", "-c", self.file], self.folder, env or self.environment())
        self.processes.append(self.mtlsd)
        self.daemons.append(self.mtlsd)
        self.pid = self.mtlsd.pid
        if wait:
            self.mtlsd.wait_ready(ports, paths)
        return self.mtlsd

    def replace(self, script):
        """Puts another program in the place of the daemon's, as an update does."""
        other = self.folder / "next"
        other.write_text(script)
        other.chmod(0o755)
        os.replace(other, self.program)

    def restore(self):
        self.program.unlink()
        self.program.symlink_to(MTLSD)

    def served_by(self):
        return [int(pid) for pid in re.findall(r"process (\d+) serves now", self.mtlsd.log)]

    def hand_over(self):
        """Gives the process that serves from now on."""
        before = len(self.served_by())
        os.kill(self.pid, signal.SIGUSR2)
        old, self.pid = self.pid, wait_for(lambda: self.served_by()[before:], f"the hand-over in {self.mtlsd.log[-2000:]}")[0]
        return old, self.pid

    def says(self, text, after=0):
        wait_for(lambda: text in self.mtlsd.log[after:], f"{text!r} in {self.mtlsd.log[-2000:]}")

    @staticmethod
    def children(pid):
        """But for a key process, which test_key_process.py looks at."""
        found = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [child for child in found if pathlib.Path(f"/proc/{child}/comm").read_text() != "mtlsd-keys\n"]

    def started(self):
        """New processes that do not serve yet."""
        return [pid for starter in self.children(self.pid) for pid in self.children(starter)]

    def refused(self, why):
        """The old process serves on, says why, and no child is left."""
        after = len(self.mtlsd.log)
        os.kill(self.pid, signal.SIGUSR2)
        self.says("refused, this process serves on: " + why, after)
        wait_for(lambda: not self.started(), "the end of the new process")
        self.assertEqual("fine", self.get())
        status = self.command("status", "--socket", self.admin, "--json").stdout
        self.assertIn(why, status.replace("\\\"", '"'))
        self.assertRegex(self.curl("--unix-socket", self.admin, "http://localhost/metrics").text, r'mtlsd_handovers_total{result="refused"} [1-9]')
        self.assertEqual(self.served_by(), [])

    def get(self, port=None):
        return self.curl(f"http://127.0.0.1:{port or self.port}/").text

    def plain(self, prelude='workers = 2; drain_timeout = "5s";', listeners="", **options):
        self.backend, self.port, self.admin = peers.Backend(self, lambda r: peers.reply(b"fine")), free_port(), self.folder / "admin.sock"
        return self.start(f"""{prelude} admin = {{ socket = "unix:{self.admin}"; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }}; }};
            listeners = {{ front = {{ bind = "127.0.0.1:{self.port}"; upstream = "app"; }}; {listeners} }};""", [self.port], [self.admin], **options)


class HandOver(Case):
    def test_a_new_process_of_a_replaced_program_serves_and_the_old_one_ends(self):
        self.plain()
        self.assertEqual("fine", self.get())
        copy = self.folder / "copy"
        shutil.copy(MTLSD, copy)
        self.program.unlink()
        self.program.symlink_to(copy)
        old, new = self.hand_over()
        self.assertEqual("fine", self.get())
        self.assertEqual(str(copy), os.readlink(f"/proc/{new}/exe"))
        self.assertEqual(0, self.exit_code(old))
        self.assertEqual("fine", self.get())
        self.assertEqual(0, self.command("status", "--socket", self.admin).returncode)

    def test_every_kind_of_socket_goes_over_and_only_sockets_that_listen(self):
        unix, health, six = self.folder / "front.sock", free_port(), free_port()
        self.plain(prelude='workers = 2; drain_timeout = "5s";', listeners=f"""
            six = {{ bind = "[::1]:{six}"; upstream = "app"; }}; file = {{ bind = "unix:{unix}"; upstream = "app"; }};""")
        self.file.write_text(self.file.read_text().replace("admin = {", f'admin = {{ health = "127.0.0.1:{health}"; '))
        self.assertEqual(0, self.command("reload", "--socket", self.admin).returncode)
        inode, idle = unix.stat().st_ino, peers.connect(self.port)
        self.addCleanup(idle.close)
        idle.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        peers.response(idle)
        before = self.sockets(self.pid)
        old, new = self.hand_over()
        shared = self.sockets(new) & before
        self.assertEqual(2 + 2 + 1 + 1 + 1, len(shared))  # a socket for each worker and address, the unix socket, admin socket, admin.health
        for number in range(2):
            for url in (f"http://127.0.0.1:{self.port}/", f"http://[::1]:{six}/"):
                self.assertEqual("fine", self.curl(url).text)
            self.assertEqual("fine", self.curl("--unix-socket", unix, "http://localhost/").text)
            self.assertEqual(200, self.curl(f"http://127.0.0.1:{health}/livez").status)
            self.assertEqual(0, self.command("status", "--socket", self.admin).returncode)
            self.assertEqual(inode, unix.stat().st_ino)
            if number == 0:
                idle.close()
                self.assertEqual(0, self.exit_code(old))
        self.pid = new
        os.kill(new, signal.SIGTERM)
        self.assertEqual(0, self.exit_code(new))
        self.assertEqual([False, False], [unix.exists(), self.admin.exists()])

    @staticmethod
    def sockets(pid):
        found = set()
        for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(os.readlink(fd))
        return {name for name in found if name.startswith("socket:")}

    def test_what_the_new_configuration_does_not_name_is_closed_and_what_it_adds_is_opened(self):
        unix, more = self.folder / "front.sock", free_port()
        self.plain(listeners=f'file = {{ bind = "unix:{unix}"; upstream = "app"; }};')
        text, moved = self.file.read_text(), self.folder / "other.sock"
        self.file.write_text(text.replace(f"unix:{unix}", f"127.0.0.1:{more}").replace(str(self.admin), str(moved)).replace("workers = 2", "workers = 4"))
        old, _ = self.hand_over()
        self.assertEqual(["fine", "fine"], [self.get(), self.get(more)])
        wait_for(lambda: not unix.exists() and not self.admin.exists(), "the files to go")
        self.assertEqual(0, self.exit_code(old))
        self.file.write_text(text.replace(str(self.admin), str(moved)).replace("workers = 2", "workers = 1"))
        self.hand_over()
        self.assertEqual("fine", self.curl("--unix-socket", unix, "http://localhost/").text)
        self.assertEqual(0, self.command("status", "--socket", moved).returncode)
        wait_for(lambda: not harness.listens(more), "the port to close")

    def test_the_new_process_has_a_sandbox_of_its_own(self):  # E5
        self.plain()
        if not json.loads(self.command("status", "--socket", self.admin, "--json").stdout)["sandbox"]["landlock"]:
            self.skipTest("this kernel has no Landlock")
        with tempfile.TemporaryDirectory(prefix="mtlsd-elsewhere-") as elsewhere:
            far = shutil.copy(self.pki.ca("root").crt, elsewhere)
            self.file.write_text(self.file.read_text() + f'trusts = {{ far = {{ ca = "{far}"; }}; }};\n')
            os.kill(self.pid, signal.SIGHUP)
            self.says("the sandbox does not allow it")
            self.hand_over()
            self.assertEqual("fine", self.get())
            before = len(self.mtlsd.log)
            os.kill(self.pid, signal.SIGHUP)
            self.says("is in use, generation 2", before)

    def test_the_process_that_starts_new_ones_has_nothing_of_the_daemon(self):  # E5
        self.plain()
        old, _ = self.hand_over()
        self.assertEqual(0, self.exit_code(old))
        starter, = self.children(self.pid)
        self.assertEqual("mtlsd-starter", pathlib.Path(f"/proc/{starter}/comm").read_text().strip())
        fds = {int(fd.name): os.readlink(fd) for fd in pathlib.Path(f"/proc/{starter}/fd").iterdir()}
        self.assertEqual({0, 1, 2, 3, 4}, set(fds), fds)  # standard streams, the daemon's end, signals
        self.assertIn("signalfd", fds[4])
        os.kill(self.pid, signal.SIGTERM)
        self.assertEqual(0, self.exit_code(self.pid))
        wait_for(lambda: self.ended(int(starter)), "its end with the daemon")

    def test_targets_stay_as_an_operator_changed_them(self):
        self.plain()
        target = f"app/127.0.0.1:{self.backend.port}"
        for words in (("weight", target, "7"), ("drain", target)):
            self.assertEqual(0, self.command("target", words[0], "--socket", self.admin, *words[1:]).returncode)
        for _ in range(2):
            self.hand_over()
            found = json.loads(self.command("status", "--socket", self.admin, "--json").stdout)["upstreams"][0]["targets"][0]
            self.assertEqual(("drained", 7), (found["state"], found["weight"]))
        self.assertIn('asked_by="the process before"', self.mtlsd.log)

    def test_requests_that_run_finish_in_the_old_process(self):
        self.plain(prelude='workers = 1; drain_timeout = "20s";')
        with peers.connect(self.port) as slow:
            slow.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab")
            wait_for(lambda: self.backend.accepted, "the request upstream")
            old, _ = self.hand_over()
            os.kill(old, signal.SIGTERM)  # it drains already: the first one is no second
            self.says("no new connections")
            slow.sendall(b"cd")
            status, fields, body, _ = peers.response(slow)
            self.assertEqual((200, b"fine", True), (status, body, ("connection", "close") in [(n.lower(), v) for n, v in fields]))
        self.assertEqual(0, self.exit_code(old))

    def test_an_idle_client_may_send_one_more_request_to_the_old_process(self):
        self.plain(prelude='workers = 1; drain_timeout = "20s";')
        with peers.connect(self.port) as fresh, peers.connect(self.port) as served:
            served.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            peers.response(served)
            old, _ = self.hand_over()
            for client in (fresh, served):
                client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                status, fields, body, _ = peers.response(client)
                self.assertEqual((200, b"fine", True), (status, body, ("connection", "close") in [(n.lower(), v) for n, v in fields]))
                self.assertEqual((b"", "eof"), peers.read_all(client))
        self.assertEqual(0, self.exit_code(old))


class Load:
    """Clients that count what fails: connections that are refused, reset or closed without an answer."""

    def __init__(self, case):
        self.case, self.stop, self.failures, self.done, self.threads = case, threading.Event(), [], collections.Counter(), []
        case.addCleanup(self.end)

    def add(self, name, work, n):
        self.threads += [threading.Thread(target=self.run, args=(name, work), daemon=True) for _ in range(n)]

    def run(self, name, work):
        while not self.stop.is_set():
            try:
                work(lambda n=1: self.done.update({name: n}))
            except (OSError, AssertionError, ValueError) as error:
                self.failures.append((name, repr(error)))
                return

    def start(self):
        [t.start() for t in self.threads]

    def end(self):
        self.stop.set()
        [t.join(30) for t in self.threads if t.is_alive()]

    def goes_on(self, more=30):
        """Each kind of client has got that many more answers."""
        names, before = {t._args[0] for t in self.threads}, self.done.copy()
        wait_for(lambda: self.failures or all(self.done[name] >= before[name] + more for name in names), f"{more} more of each, after {before}: {self.done}")
        self.case.assertEqual([], self.failures)


def ask_http1(port, stop):
    def work(count):
        with peers.connect(port) as connection:
            while not stop.is_set():
                connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                status, fields, body, complete = peers.response(connection)
                assert (status, body, complete) == (200, b"fine", True), (status, body)
                count()
                if any(n.lower() == "connection" and v == "close" for n, v in fields):
                    return
    return work


def ask_once(port):
    def work(count):
        with peers.connect(port) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            status, _, body, complete = peers.response(connection)
            assert (status, body, complete) == (200, b"fine", True), (status, body)
            count()
    return work


class End(h2.End):
    """Knows the last stream that a GOAWAY names."""
    last = 0x7fffffff

    def take(self, kind, flags, number, payload):
        super().take(kind, flags, number, payload)
        if kind == h2.GOAWAY:
            self.last = int.from_bytes(payload[:4], "big") & 0x7fffffff


def ask_http2(port, stop, connect=peers.connect):
    """Four streams at a time. Those above the last one of a GOAWAY may be sent again, the others must be answered."""
    block = h2hpack.encode(h2.request(scheme="http" if connect is peers.connect else "https"))

    def work(count):
        end = End(connect(port))
        number = 1
        try:
            while not stop.is_set() and end.goaway is None:
                numbers = range(number, number + 8, 2)
                number += 8
                end.send(*(h2.headers(n, block) for n in numbers))
                assert end.until(lambda: all(end.stream(n).is_over for n in numbers) or (end.goaway is not None and end.closed)), "no answer"
                for n in numbers:
                    s = end.stream(n)
                    assert s.status == 200 and s.body == b"fine" or n > end.last or s.reset == h2.REFUSED_STREAM, (n, s.status, s.reset, end.goaway, end.last)
                count(len(numbers))
        finally:
            end.close()
    return work


def echo(port, stop):
    def work(count):
        with peers.connect(port) as connection:
            for i in range(200):
                if stop.is_set():
                    return
                connection.sendall(b"%06d" % i)
                assert connection.recv(6, socket.MSG_WAITALL) == b"%06d" % i, i
                count()
    return work


class UnderLoad(Case):
    def serve_echo(self):
        def handle(server, connection):
            while data := connection.recv(65536):
                connection.sendall(data)
        return peers.Server(self, handle)

    def load(self, http, tls, tcp):
        load = Load(self)
        context = peers.client_context(self.pki.ca("root"), self.pki.client())
        context.set_alpn_protocols(["h2"])
        load.add("http/1.1", ask_http1(http, load.stop), 4)
        load.add("http/1.1, one request each", ask_once(http), 2)
        load.add("http/2", ask_http2(http, load.stop), 2)
        load.add("http/2 in TLS", ask_http2(tls, load.stop, lambda port: peers.secure(port, context)), 2)
        load.add("tcp", echo(tcp, load.stop), 2)
        load.start()
        return load

    def listeners(self, http, tls, tcp):
        identity, root = self.pki.server(), self.pki.ca("root").crt
        self.backend, self.echo, self.admin = peers.Backend(self, lambda r: peers.reply(b"fine")), self.serve_echo(), self.folder / "admin.sock"
        return f"""workers = 2; drain_timeout = "20s"; log = {{ what = [ "events" ]; }}; admin = {{ socket = "unix:{self.admin}"; }};
            identities = {{ me = {{ bundle = "{identity.pem}"; }}; }}; trusts = {{ ca = {{ ca = "{root}"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }}; raw = {{ targets = [ "127.0.0.1:{self.echo.port}" ]; }}; }};
            listeners = {{ http = {{ bind = "{http}"; upstream = "app"; }}; tcp = {{ bind = "{tcp}"; upstream = "raw"; protocol = "tcp"; }};
                           tls = {{ bind = "{tls}"; upstream = "app"; tls = {{ identity = "me"; trust = "ca"; }}; }}; }};"""

    def test_no_request_and_no_connection_is_lost_over_several_hand_overs(self):
        ports = [free_port() for _ in range(3)]
        text = self.listeners(*(f"127.0.0.1:{port}" for port in ports))
        self.start(text, ports, [self.admin])
        load = self.load(*ports)
        load.goes_on()
        for workers in (4, 1, 2):
            self.file.write_text(text.replace("workers = 2", f"workers = {workers}"))
            self.hand_over()
            load.goes_on()
        load.end()
        self.assertEqual([], load.failures)


    def launch(self, sockets, number):
        """As systemd starts it; "exec" keeps the process id that LISTEN_PID names."""
        script = f'export LISTEN_PID=$$ LISTEN_FDS={len(sockets)} LISTEN_FDNAMES={":".join(sockets)}; exec "$@" '
        script += " ".join(f"{3 + i}<&{one.fileno()}" for i, one in enumerate(sockets.values()))
        with open(self.folder / f"activated-{number}.log", "wb") as log:
            process = subprocess.Popen(["bash", "-c", script, "bash", self.program, "run", "-c", self.file], stdout=log, stderr=log, env=self.environment(),
                                       pass_fds=[one.fileno() for one in sockets.values()])
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return process

    def listen(self):
        sockets = {name: socket.create_server(("127.0.0.1", 0), backlog=256) for name in ("http", "tls", "tcp")}
        for one in sockets.values():
            self.addCleanup(one.close)
        self.file = self.config(self.listeners("systemd:http", "systemd:tls", "systemd:tcp"), prelude="")
        return sockets, [one.getsockname()[1] for one in sockets.values()]

    def test_no_request_is_lost_over_restarts_with_the_sockets_of_a_service_manager(self):
        sockets, ports = self.listen()
        daemon = self.launch(sockets, 0)
        load = self.load(*ports)
        load.goes_on()
        for number in (1, 2):
            daemon.terminate()
            self.assertEqual(0, daemon.wait(20))
            daemon = self.launch(sockets, number)
            load.goes_on()
        load.end()
        self.assertEqual([], load.failures)

    def test_sockets_of_a_service_manager_go_over_under_their_names(self):
        sockets, ports = self.listen()
        daemon = self.launch(sockets, 0)
        log = self.folder / "activated-0.log"
        self.assertEqual("fine", self.get(ports[0]))
        pids = [daemon.pid]
        for _ in range(2):
            os.kill(pids[-1], signal.SIGUSR2)
            pids.append(int(wait_for(lambda: re.findall(r"process (\d+) serves now", log.read_text())[len(pids) - 1:], "the hand-over")[0]))
            self.assertEqual("fine", self.get(ports[0]))
        self.assertEqual(0, daemon.wait(20))
        self.assertNotIn("get no answer", log.read_text())
        os.kill(pids[-1], signal.SIGTERM)
        for pid in pids[1:]:
            wait_for(lambda: self.ended(pid), f"the end of process {pid}")


class ServiceManager(Case):
    """The end of NOTIFY_SOCKET: the new process is the main one before it speaks, and the old one is silent afterwards."""

    def serve(self, **variables):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.folder / "notify"))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.settimeout(20)
        self.addCleanup(self.socket.close)
        self.plain(env={**self.environment(), "NOTIFY_SOCKET": str(self.folder / "notify"), **variables})

    def hear(self):
        """The process that sent a message, and its text."""
        text, more, _, _ = self.socket.recvmsg(4096, 256)
        return struct.unpack("=iII", more[0][2])[0], text.decode()

    def until(self, word):
        heard = [self.hear()]
        while word not in heard[-1][1]:
            heard.append(self.hear())
        return heard

    def test_the_main_process_changes_before_the_new_one_speaks(self):
        self.serve()
        self.until("READY=1")
        old, new = self.hand_over()
        heard = self.until("READY=1")
        self.assertIn((old, f"MAINPID={new}"), heard)
        self.assertEqual([(old, "MAINPID"), (new, "READY")], [(pid, text.split("=")[0]) for pid, text in heard if not text.startswith("STATUS")])
        self.assertEqual(0, self.exit_code(old))
        self.socket.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while True:
                pid, text = self.hear()
                self.assertEqual(new, pid, text)
                self.assertNotIn("STOPPING", text)
        os.kill(new, signal.SIGHUP)
        self.socket.settimeout(20)
        self.assertEqual({new}, {pid for pid, _ in self.until("RELOADING=1")})

    def test_the_status_says_why_no_new_process_took_over(self):
        self.serve()
        self.until("READY=1")
        self.file.write_text("half an edit {")
        os.kill(self.pid, signal.SIGUSR2)
        self.assertRegex(self.until("no new process took over")[-1][1], r"^STATUS=.*; no new process took over: .*mtlsd.conf:1: ")

    def test_one_that_comes_during_a_reload_waits_for_its_end(self):
        self.serve()
        self.until("READY=1")
        more = free_port()
        self.file.write_text(self.file.read_text().replace("front = {", f'more = {{ bind = "127.0.0.1:{more}"; upstream = "app"; }}; front = {{'))
        os.kill(self.pid, signal.SIGHUP)
        self.until("RELOADING=1")
        self.hand_over()
        self.assertEqual("fine", self.get(more))
        self.assertLess(self.mtlsd.log.index("generation 2"), self.mtlsd.log.index("starting"))

    def test_the_watchdog_of_the_old_process_is_fed_by_the_new_one(self):
        self.program.unlink()
        self.program.write_text(f"#!/bin/sh\n[ -n \"$MTLSD_HANDOVER\" ] || export WATCHDOG_PID=$$\nexec {MTLSD} \"$@\"\n")
        self.program.chmod(0o755)
        self.serve(WATCHDOG_USEC="400000")
        self.until("WATCHDOG=1")
        old, new = self.hand_over()
        self.exit_code(old)
        self.assertIn(new, [pid for pid, _ in (self.until("WATCHDOG=1") + self.until("WATCHDOG=1") + self.until("WATCHDOG=1"))])

    def test_a_manager_that_takes_no_message_keeps_the_old_process(self):
        self.serve()
        self.until("READY=1")
        self.socket.close()
        os.unlink(self.folder / "notify")
        self.refused("the service manager takes no messages")


@unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
class User(Case):
    """The new process runs as the user of the old one from its start."""
    NOBODY = 65534

    def test_it_keeps_a_low_port_and_needs_to_read_every_file(self):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="mtlsd-user-", dir="/tmp"))  # the folder of the test is root's alone
        self.addCleanup(shutil.rmtree, self.place, True)
        self.place.chmod(0o755)
        os.chown(self.place, self.NOBODY, self.NOBODY)
        self.program, self.port, self.admin = self.place / "program", test_user.low_port(), self.place / "admin.sock"
        shutil.copy(MTLSD, self.program)
        key, ca, self.file = self.place / "me.pem", self.place / "ca.pem", self.place / "mtlsd.conf"
        shutil.copy(self.pki.server().pem, key)
        shutil.copy(self.pki.ca("root").crt, ca)
        os.chown(key, self.NOBODY, self.NOBODY)
        backend = peers.Backend(self, lambda r: peers.reply(b"fine"))
        self.file.write_text(f"""workers = 2; user = "65534"; group = "65534"; drain_timeout = "5s"; admin = {{ socket = "unix:{self.admin}"; }};
            identities = {{ me = {{ bundle = "{key}"; }}; }}; trusts = {{ ca = {{ ca = "{ca}"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{backend.port}" ]; }}; }};
            listeners = {{ front = {{ bind = "127.0.0.1:{self.port}"; upstream = "app"; tls = {{ identity = "me"; trust = "ca"; }}; }}; }};""")
        for path in (ca, self.file):
            path.chmod(0o644)
        variables = {**self.environment(), "ASAN_OPTIONS": "detect_leaks=0"}  # the user may not trace, not even itself
        self.mtlsd = Process("mtlsd", [self.program, "run", "-c", self.file], self.folder, variables)
        self.processes.append(self.mtlsd)
        self.daemons.append(self.mtlsd)
        self.pid = self.mtlsd.wait_ready([self.port], [self.admin]).pid
        for pid in (self.pid, *self.children(self.pid)):
            status = pathlib.Path(f"/proc/{pid}/status")
            wait_for(lambda: f"Uid:\t{self.NOBODY}\t{self.NOBODY}\t{self.NOBODY}\t" in status.read_text(), "the other user")
        self.hand_over()
        self.assertIn(f"Uid:\t{self.NOBODY}\t", pathlib.Path(f"/proc/{self.pid}/status").read_text())
        self.assertEqual("fine", self.get())
        key.unlink()
        shutil.copy(self.pki.server().pem, key)
        os.chown(key, 0, 0)
        key.chmod(0o600)
        after = len(self.mtlsd.log)
        os.kill(self.pid, signal.SIGUSR2)
        self.says("refused, this process serves on: ", after)
        self.assertIn("Permission denied", self.mtlsd.log[after:])
        self.assertEqual("fine", self.get())

    def get(self, port=None):
        client = self.pki.client()
        return self.curl("--cacert", self.pki.ca("root").crt, "--cert", client.crt, "--key", client.key, f"https://localhost:{self.port}/").text


class Refused(Case):
    """The old process serves on and says why, in the log and in the status."""

    def setUp(self):
        super().setUp()
        self.plain(prelude='workers = 2; drain_timeout = "5s"; handover_timeout = "1s";')

    def test_a_program_that_is_gone_or_cannot_run(self):
        self.program.unlink()
        self.refused(f"{self.program} cannot be started: No such file or directory")
        self.program.write_text("#!/bin/sh\n")
        self.refused(f"{self.program} cannot be started: Permission denied")
        self.replace("no program")
        self.refused(f"{self.program} cannot be started: Exec format error")

    def test_a_program_that_ends_or_never_answers(self):
        self.replace("#!/bin/sh\nexit 7\n")
        self.refused("the new process ended with exit code 7 before it was ready")
        self.replace("#!/bin/sh\nkill -9 $$\n")
        self.refused("signal 9 ended the new process before it was ready")
        self.replace("#!/bin/sh\ntrap '' TERM\nwhile :; do read line <&4 || sleep 0.1; done\n")
        self.refused("the new process was not ready within 1s (handover_timeout), and was ended")
        self.replace("#!/bin/sh\necho nonsense >&4\nsleep 5\n")
        self.refused("the new process said something that this version does not know")

    def test_a_configuration_that_the_new_process_refuses(self):
        good = self.file.read_text()
        self.file.write_text(good + "nonsense = 1;\n")
        self.refused(f'{self.file}:{good.count(chr(10)) + 1}: ')
        busy = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(busy.close)
        self.file.write_text(good.replace("front = {", f'more = {{ bind = "127.0.0.1:{busy.getsockname()[1]}"; upstream = "app"; }}; front = {{'))
        self.refused(f"127.0.0.1:{busy.getsockname()[1]}: cannot listen: Address already in use")
        self.file.write_text(good)
        self.hand_over()
        self.assertEqual("fine", self.get())

    def test_a_program_of_a_version_that_knows_no_hand_over(self):
        self.replace(f"#!/bin/sh\nunset MTLSD_HANDOVER\nexec {MTLSD} \"$@\" 4>&-\n")
        self.refused("the new process ended with exit code 1 before it was ready")

    def test_sockets_that_are_not_for_this_process(self):
        file = self.config(self.file.read_text().replace(str(self.port), str(free_port())).replace(str(self.admin), str(self.folder / "b.sock")), "b.conf", prelude="")
        foreign = self.write("list", "mtlsd-handover 1\nparent 1\nsocket listen 127.0.0.1:1\n")
        later = self.write("later", f"mtlsd-handover 2\nparent {os.getpid()}\n")
        for value, redirections, says in (("1", "", "only mtlsd sets it"), ("3,4", "3<&- 4<&-", "descriptor 3 is no list of sockets"),
                                          ("3,4", f"3<{foreign} 4</dev/null", "are for a process that process 1 starts itself"),
                                          ("3,4", f"3<{later} 4</dev/null", "passes sockets in another way: restart instead")):
            done = subprocess.run(["bash", "-c", f'exec "$@" {redirections}', "bash", MTLSD, "run", "-c", file], capture_output=True, text=True, timeout=20,
                                  env={**self.environment(), "MTLSD_HANDOVER": value}, check=False)
            self.assertEqual((1, True), (done.returncode, says in done.stderr), done.stderr)

    def test_without_the_process_that_starts_new_ones(self):
        starter, = self.children(self.pid)
        os.kill(int(starter), signal.SIGKILL)
        after = len(self.mtlsd.log)
        os.kill(self.pid, signal.SIGUSR2)
        self.says("refused, this process serves on: the process that starts new ones has ended", after)
        self.assertEqual("fine", self.get())

    def test_a_process_that_another_one_waits_for(self):
        file = self.config(self.file.read_text().replace(str(self.port), str(free_port())).replace(str(self.admin), str(self.folder / "wrap.sock")), "wrap.conf",
                           prelude="")
        wrap = Process("wrap", [MTLSD, "wrap", "-c", file, "--", "sleep", "600"], self.folder, self.environment())
        self.processes.append(wrap)
        daemon = int(wait_for(lambda: [pid for pid in self.children(wrap.pid) if b"run" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()], "its daemon")[0])
        wait_for(lambda: "listening" in wrap.log, "the daemon")
        os.kill(daemon, signal.SIGUSR2)
        wait_for(lambda: "refused, this process serves on: the process that started mtlsd waits for its end" in wrap.log, "the refusal")


class Timing(Case):
    """Signals that come while a new process starts, which takes half a second here."""

    def setUp(self):
        super().setUp()
        self.plain()
        self.replace(f"#!/bin/sh\nsleep 0.5\nexec {MTLSD} \"$@\"\n")

    def begin(self):
        os.kill(self.pid, signal.SIGUSR2)
        return int(wait_for(self.started, "the new process")[0])

    def end(self):
        self.pid = wait_for(self.served_by, "the hand-over")[0]
        self.assertEqual("fine", self.get())

    def test_a_second_one_starts_no_second_process(self):
        new = self.begin()
        os.kill(self.pid, signal.SIGUSR2)
        self.says("a new process is being started already")
        self.end()
        self.assertEqual([new], self.served_by())

    def test_signals_do_not_kill_a_process_that_is_ending(self):
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            self.restore()
            daemon = self.start(self.file.read_text(), [self.port], [self.admin]) if number != signal.SIGHUP else self.mtlsd
            daemon.signal(signal.SIGTERM)
            deadline = time.monotonic() + 15
            while daemon.popen.poll() is None and time.monotonic() < deadline:
                daemon.signal(number)
            self.assertEqual(0, daemon.wait(), number)

    def test_a_reload_meanwhile_is_the_new_process_s(self):
        """Which has perhaps read its files before they changed."""
        self.begin()
        os.kill(self.pid, signal.SIGHUP)
        self.end()
        self.says("the new configuration is in use, generation 2")
        self.assertLess(self.mtlsd.log.index("serves now"), self.mtlsd.log.index("generation 2"))

    def test_a_reload_meanwhile_is_done_when_the_new_process_fails(self):
        self.replace("#!/bin/sh\nsleep 0.5\nexit 1\n")
        self.begin()
        done = self.command("reload", "--socket", self.admin)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertLess(self.mtlsd.log.index("refused, this process serves on"), self.mtlsd.log.index("generation 2"))

    def test_a_stop_meanwhile_ends_both(self):
        for number in (signal.SIGTERM, signal.SIGQUIT):
            with self.subTest(number):
                new = self.begin()
                os.kill(self.pid, number)
                self.assertEqual(0, self.mtlsd.wait())
                self.assertIn("given up", self.mtlsd.log)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(new, 0)
                wait_for(lambda: not harness.listens(self.port), "the end of what the script started")
                if number == signal.SIGTERM:
                    self.restore()
                    self.start(self.file.read_text(), [self.port], [self.admin])
                    self.replace(f"#!/bin/sh\nsleep 0.5\nexec {MTLSD} \"$@\"\n")

    def test_one_during_a_drain_does_nothing(self):
        self.restore()
        with peers.connect(self.port) as busy:
            busy.sendall(b"GET / HTTP/1.1\r\nHost:")
            wait_for(lambda: self.command("status", "--socket", self.admin, "--json").stdout.count('"open": 1'), "the client")
            self.mtlsd.signal(signal.SIGTERM)
            wait_for(lambda: not harness.listens(self.port), "the drain")
            self.mtlsd.signal(signal.SIGUSR2)
            self.says("nothing was done: this process drains already")
        self.assertEqual(0, self.mtlsd.wait())


if __name__ == "__main__":
    harness.main()
