# SPDX-License-Identifier: Apache-2.0
"""The daemon under a service manager: what it tells NOTIFY_SOCKET, when the watchdog is not fed, and sockets that are passed to it."""
import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

import harness
import peers
from harness import MTLSD, Process, free_port, wait_for

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, ANY_THREAD = 0x4206, 0x4207, 17, 0x40000000


class Manager:
    """The end of NOTIFY_SOCKET that a service manager has."""

    def __init__(self, case, name):
        self.name = str(name)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.name[1:] if self.name.startswith("@") else self.name)
        self.socket.settimeout(60)
        self.heard = []  # (when, {key: value})
        threading.Thread(target=self.listen, daemon=True).start()
        case.addCleanup(self.close)

    def listen(self):
        with contextlib.suppress(OSError):
            while text := self.socket.recv(4096).decode():
                self.heard.append((time.monotonic(), dict(line.split("=", 1) for line in text.split("\n"))))

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RD)
        self.socket.close()

    def times(self, key):
        return [when for when, message in list(self.heard) if key in message]

    def wait(self, key, value=None, after=0):
        """The first message after that many with this assignment; value is a part of it."""
        def find():
            return next((m for _, m in self.heard[after:] if key in m and (value is None or value in m[key])), None)
        return wait_for(find, f"{key}={value} in {self.heard}")


class Case(harness.Case):
    def start(self, socket_name=None, prelude="workers = 2;\n", **variables):
        self.manager = Manager(self, socket_name or self.folder / "notify")
        self.port, self.target = free_port(), socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.target.close)
        text = f"""{prelude} drain_timeout = "5s"; admin = {{ socket = "unix:{self.folder}/admin.sock"; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.target.getsockname()[1]}" ]; }}; }};
            listeners = {{ front = {{ bind = "127.0.0.1:{self.port}"; protocol = "tcp"; upstream = "app"; }}; }};"""
        self.file = self.config(text, prelude="")
        environment = {**self.environment(), "NOTIFY_SOCKET": self.manager.name, **variables}
        self.mtlsd = Process("mtlsd", [MTLSD, "run", "-c", self.file], self.folder, environment)
        self.processes.append(self.mtlsd)
        self.daemons.append(self.mtlsd)
        self.manager.wait("READY", "1")


class Notify(Case):
    def test_ready_reloading_and_stopping_are_told_in_order(self):
        self.start()
        self.assertTrue(harness.listens(self.port))
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.assertEqual(self.command("reload", "-c", self.file).returncode, 0)
        reloading = self.manager.wait("RELOADING", "1")
        self.assertTrue(before <= int(reloading["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000, reloading)
        self.manager.wait("READY", "1", after=2)
        self.mtlsd.signal(signal.SIGTERM)
        self.manager.wait("STOPPING", "1")
        self.assertEqual(self.mtlsd.wait(), 0)
        states = [key for _, message in self.manager.heard for key in message if key in ("READY", "RELOADING", "STOPPING")]
        self.assertEqual(states, ["READY", "RELOADING", "READY", "STOPPING"])

    def test_an_abstract_socket_hears_of_a_refused_reload_and_of_clients(self):
        self.start(f"@{self.folder}/notify")
        self.manager.wait("STATUS", "0 clients")
        good = self.file.read_text()
        self.file.write_text(good + "nonsense = 1;\n")
        self.mtlsd.signal(signal.SIGHUP)
        self.manager.wait("STATUS", "the last reload was refused: ")
        self.manager.wait("READY", "1", after=2)
        self.file.write_text(good)
        self.mtlsd.signal(signal.SIGHUP)
        after = len(self.manager.heard)
        self.assertNotIn("refused", self.manager.wait("READY", "1", after=after)["STATUS"])

    def test_a_name_that_is_no_socket_is_a_warning(self):
        port = free_port()
        path = self.config(f"""workers = 1; upstreams = {{ app = {{ targets = [ "127.0.0.1:1" ]; }}; }};
            listeners = {{ front = {{ bind = "127.0.0.1:{port}"; protocol = "tcp"; upstream = "app"; }}; }};""", prelude="")
        process = Process("mtlsd", [MTLSD, "run", "-c", path], self.folder, {**self.environment(), "NOTIFY_SOCKET": "vsock:2:1"})
        self.processes.append(process)
        self.daemons.append(process)
        process.wait_ready([port])
        wait_for(lambda: "NOTIFY_SOCKET cannot be used" in process.log, "the warning")


class Activation(harness.Case):
    """Sockets that are passed. The launcher stands for systemd: descriptors from 3 on, and LISTEN_PID is the daemon's."""

    def tcp(self, host="127.0.0.1"):
        return self.passed(socket.create_server((host, 0)))

    def unix(self, mode):
        one = self.passed(socket.socket(socket.AF_UNIX))
        one.bind(str(self.folder / "passed.sock"))
        os.chmod(self.folder / "passed.sock", mode)
        one.listen()
        return one

    def passed(self, one):
        self.addCleanup(one.close)
        return one

    def launch(self, sockets, listeners, top="", pid="$$"):
        self.backend = getattr(self, "backend", None) or peers.Backend(self, lambda r: peers.reply(b"fine"))
        self.file = self.config(self.text_of(listeners, top), prelude="")
        fds = " ".join(f"{3 + i}<&{one.fileno()}" for i, (_, one) in enumerate(sockets))
        names = ":".join(name for name, _ in sockets)
        script = f'export LISTEN_PID={pid} LISTEN_FDS={len(sockets)} LISTEN_FDNAMES={names}; exec "$@" {fds}'
        log = self.folder / "mtlsd.log"
        with open(log, "ab") as out:
            process = subprocess.Popen(["bash", "-c", script, "bash", MTLSD, "run", "-c", self.file], stdout=out, stderr=out, env=self.environment(),
                                       pass_fds=[one.fileno() for _, one in sockets])
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return process, log

    def text_of(self, listeners, top=""):
        return f"""workers = 2; {top} upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }}; }};
            listeners = {{ {listeners} }};"""

    def expect_refused(self, sockets, says, listeners='a = { bind = "systemd:web"; upstream = "app"; };', top="", **options):
        process, log = self.launch(sockets, listeners, top, **options)
        self.assertEqual(process.wait(20), 1, log.read_text())
        self.assertIn(says, log.read_text())

    def get(self, port):
        return self.curl(f"http://127.0.0.1:{port}/").text

    def test_listeners_and_the_admin_socket_serve_what_was_passed_also_after_reloads(self):
        web, more, admin = self.tcp(), self.tcp(), self.unix(0o600)
        listeners = 'a = { bind = "systemd:web"; upstream = "app"; };'
        top = 'admin = { socket = "systemd:admin"; };'
        daemon, log = self.launch([("web", web), ("admin", admin), ("web", more)], listeners, top)
        ports = [one.getsockname()[1] for one in (web, more)]
        for port in ports:
            self.assertEqual(self.get(port), "fine", log.read_text())
        ask = ("--socket", self.folder / "passed.sock")
        self.assertEqual(self.command("reload", *ask).returncode, 0)
        self.assertEqual([self.get(port) for port in ports], ["fine", "fine"])
        refused = self.command("status", "-c", self.file)
        self.assertEqual((refused.returncode, "ListenStream=" in refused.stderr), (3, True), refused.stderr)
        other = free_port()  # the name goes, and comes back
        self.file.write_text(self.text_of(f'a = {{ bind = "127.0.0.1:{other}"; upstream = "app"; }};', top))
        gone = self.command("reload", *ask)
        self.assertIn('clients of the socket "web", which the service manager passed, get no answer', gone.stdout + gone.stderr)
        self.assertEqual(self.get(other), "fine")
        self.file.write_text(self.text_of(listeners, top))
        self.assertEqual(self.command("reload", *ask).returncode, 0)
        self.assertEqual([self.get(port) for port in ports], ["fine", "fine"])
        self.assertEqual(self.command("check", "-c", self.file).returncode, 0)
        daemon.terminate()
        self.assertEqual(daemon.wait(20), 0)
        self.assertTrue((self.folder / "passed.sock").exists())  # it is not ours

    def test_clients_that_connect_during_a_restart_wait_for_the_next_daemon(self):
        web = self.tcp()
        listeners = 'a = { bind = "systemd:web"; upstream = "app"; };'
        port = web.getsockname()[1]
        daemon, _ = self.launch([("web", web)], listeners)
        self.assertEqual(self.get(port), "fine")
        daemon.terminate()
        daemon.wait(20)
        with socket.create_connection(("127.0.0.1", port)) as early:
            early.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            self.launch([("web", web)], listeners)
            early.settimeout(20)
            self.assertIn(b"200", early.recv(4096))

    def test_a_plaintext_listener_refuses_a_socket_that_other_hosts_reach(self):
        self.expect_refused([("web", self.tcp("0.0.0.0"))], "other hosts can reach this socket")
        web = self.tcp("0.0.0.0")
        _, log = self.launch([("web", web)], 'a = { bind = "systemd:web"; insecure_expose = true; upstream = "app"; };')
        self.assertEqual(self.get(web.getsockname()[1]), "fine", log.read_text())

    def test_a_reload_refuses_a_listener_that_becomes_plaintext_on_such_a_socket(self):
        web, admin = self.tcp("0.0.0.0"), self.unix(0o600)
        top = 'admin = { socket = "systemd:admin"; };'
        self.launch([("web", web), ("admin", admin)], 'a = { bind = "systemd:web"; insecure_expose = true; upstream = "app"; };', top)
        self.assertEqual(self.get(web.getsockname()[1]), "fine")
        self.file.write_text(self.text_of('a = { bind = "systemd:web"; upstream = "app"; };', top))
        refused = self.command("reload", "--socket", self.folder / "passed.sock")
        self.assertEqual((refused.returncode, "other hosts can reach this socket" in refused.stderr), (3, True), refused.stderr)

    def test_what_is_missing_or_of_the_wrong_kind_is_named(self):
        udp = self.passed(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        bound = self.passed(socket.socket())
        bound.bind(("127.0.0.1", 0))
        self.expect_refused([], "the service manager passed no sockets")
        self.expect_refused([("other", self.tcp())], "passed no socket of this name, but other: set FileDescriptorName=web")
        self.expect_refused([("web", udp)], "write ListenStream= in its unit")
        self.expect_refused([("web", bound)], "does not listen: set Accept=no")
        self.expect_refused([("web", self.tcp())], "the service manager passed no sockets", pid=1)  # another process of the service

    def test_an_admin_socket_that_every_user_can_use_is_refused(self):  # E6
        web = self.tcp()
        top = 'admin = { socket = "systemd:admin"; };'
        self.expect_refused([("web", web), ("admin", self.unix(0o666))], "set SocketMode=0600", top=top)
        self.expect_refused([("web", web), ("admin", self.tcp())], "is a tcp socket", top=top)

    @unittest.skipUnless(shutil.which("systemd-socket-activate"), "systemd is not installed")
    def test_systemd_itself_passes_a_socket(self):
        self.backend, port = peers.Backend(self, lambda r: peers.reply(b"fine")), free_port()
        path = self.config(self.text_of('a = { bind = "systemd:web"; upstream = "app"; };'), prelude="")
        self.spawn("activate", ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", "--fdname=web",
                                *[f"-E{key}" for key in self.environment() if key.endswith("SAN_OPTIONS")], MTLSD, "run", "-c", path], [port])
        self.assertEqual(self.get(port), "fine")


class Credentials(harness.Case):
    def check(self, **variables):
        backend = free_port()
        path = self.config(f"""identities = {{ me = {{ certificate = "credential:web.crt"; key = "credential:web.key"; }}; }};
            trusts = {{ ca = {{ ca = "credential:ca.crt"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{backend}" ]; }}; }};
            listeners = {{ a = {{ bind = "127.0.0.1:{free_port()}"; upstream = "app"; tls = {{ identity = "me"; trust = "ca"; }}; }}; }};""")
        return self.command("check", "-c", path, env={**self.environment(), **variables})

    def test_files_come_from_the_folder_that_systemd_makes(self):
        folder = self.folder / "credentials"
        folder.mkdir()
        for name, source in (("web.crt", self.pki.server().crt), ("web.key", self.pki.server().key), ("ca.crt", self.pki.ca("root").crt)):
            shutil.copy(source, folder / name)
            (folder / name).chmod(0o400)
        done = self.check(CREDENTIALS_DIRECTORY=str(folder))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_without_that_folder_the_unit_is_named(self):
        done = self.check()
        self.assertEqual(done.returncode, 3)
        self.assertIn("LoadCredential=web.key:/PATH", done.stdout + done.stderr)


class Watchdog(Case):
    def test_it_is_fed_through_reloads_and_a_drain(self):
        self.start(WATCHDOG_USEC="400000")
        held = socket.create_connection(("127.0.0.1", self.port))
        self.addCleanup(held.close)
        self.target.accept()[0].send(b"x")
        self.assertEqual(held.recv(1), b"x")
        self.command("reload", "-c", self.file)
        self.mtlsd.signal(signal.SIGTERM)
        self.manager.wait("STOPPING", "1")
        begun = time.monotonic()
        wait_for(lambda: len([when for when in self.manager.times("WATCHDOG") if when > begun]) >= 3, "the watchdog in a drain")
        fed = self.manager.times("WATCHDOG")
        self.assertLess(max(b - a for a, b in zip(fed, fed[1:])), harness.busy(1.5))

    def test_another_process_of_the_service_is_not_fed_for(self):
        self.start(WATCHDOG_USEC="100000", WATCHDOG_PID="1")
        self.manager.wait("STATUS")
        over = time.monotonic() + 0.5
        wait_for(lambda: time.monotonic() > over, "half a second")
        self.assertEqual(self.manager.times("WATCHDOG"), [])

    @unittest.skipUnless(os.geteuid() == 0, "stopping one thread needs root")
    def test_a_worker_that_hangs_is_not_covered_by_the_others(self):
        """Worker 1 is stopped as by a bug in it; the main loop runs on."""
        self.start(WATCHDOG_USEC="400000")
        self.manager.wait("WATCHDOG", "1")
        libc = ctypes.CDLL(None, use_errno=True)
        worker = self.worker_thread()
        if libc.ptrace(PTRACE_SEIZE, worker, 0, 0) != 0:
            self.skipTest(f"this machine does not let root trace: {os.strerror(ctypes.get_errno())}")
        try:
            libc.ptrace(PTRACE_INTERRUPT, worker, 0, 0)
            os.waitpid(worker, ANY_THREAD)
            wait_for(lambda: "a worker does not answer" in self.mtlsd.log, "the line about it")
            self.assertGreater(time.monotonic() - max(self.manager.times("WATCHDOG")), 0.8)
            self.assertEqual(self.command("status", "-c", self.file).returncode, 0)  # the main loop answers all the while
        finally:  # the process could not end with a thread that is traced
            libc.ptrace(PTRACE_DETACH, worker, 0, 0)
        self.manager.wait("WATCHDOG", "1", after=len(self.manager.heard))

    def tasks(self):
        return [int(t.name) for t in pathlib.Path(f"/proc/{self.mtlsd.pid}/task").iterdir()]

    def worker_thread(self):
        """The thread that waits in epoll and is not the main one."""
        def waits(thread):
            return thread != self.mtlsd.pid and "poll" in pathlib.Path(f"/proc/{self.mtlsd.pid}/task/{thread}/wchan").read_text()
        found = [t for t in sorted(self.tasks()) if waits(t)]
        return found[0] if found else max(self.tasks())


if __name__ == "__main__":
    unittest.main()
