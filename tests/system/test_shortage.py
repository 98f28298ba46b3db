# SPDX-License-Identifier: Apache-2.0
"""D5: the daemon without resources: system calls that fail (strace injects the errors) and threads that cannot start."""
import json
import os
import pathlib
import shutil
import subprocess
import threading
import time
import types
import unittest

import harness
import peers
from harness import free_port, wait_for

ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def why_strace_cannot():
    """None, or why no errors can be injected here: many containers forbid ptrace."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(["strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=accept4", "-e", "inject=accept4:error=EPERM", "true"],
                          capture_output=True, text=True, timeout=30)
    return None if done.returncode == 0 else f"strace cannot be used here: {done.stderr.strip()[-200:]}"


CANNOT = why_strace_cannot()


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Case(harness.Case):
    def environment(self):
        """Leaks are looked for by a thread that traces the process, which is not possible here."""
        env = super().environment()
        return dict(env, ASAN_OPTIONS=env["ASAN_OPTIONS"].replace("detect_leaks=1", "detect_leaks=0"), LSAN_OPTIONS="detect_leaks=0")

    def injected(self, call, rule, path, ports):
        """The daemon with a system call that fails. -D: its process stays our child."""
        daemon = harness.Process("mtlsd", ["strace", "-D", "-f", "-o", self.folder / "strace.out", "-e", f"trace={call}", "-e", f"inject={call}:{rule}",
                                           harness.MTLSD, "run", "-c", path], self.folder, self.environment())
        daemon.config_path = path
        self.processes.append(daemon)
        self.daemons.append(daemon)
        return daemon.wait_ready(ports)

    def admin(self):
        return f'admin = {{ socket = "unix:{self.folder}/admin.sock"; }};\n'

    def status(self, daemon):
        done = self.command("status", "--json", "-c", daemon.config_path, seconds=10)
        return json.loads(done.stdout) if done.returncode == 0 else None


@unittest.skipIf(CANNOT, CANNOT)
class Accept(Case):
    def start(self, rule):
        backend, self.port = peers.Backend(self), free_port()
        us, root = self.pki.client(), self.pki.ca("root").crt
        path = self.config(self.admin() + f"""
            upstreams = {{ a = {{ targets = [ "127.0.0.1:{backend.port}" ]; }}; }};
            listeners = {{ x = {{ bind = "127.0.0.1:{self.port}"; upstream = "a"; protocol = "http"; }}; }};""")
        return self.injected("accept4", rule, path, [self.port])

    def test_lasting_error_of_accept_stops_nobody_who_is_inside_and_costs_no_processor(self):
        for error in ("ENFILE", "ENOBUFS", "ENOMEM", "EPERM", "ECONNABORTED"):
            with self.subTest(error=error):
                daemon = self.start(f"error={error}:when=2+")
                with peers.connect(self.port) as inside, peers.connect(self.port):
                    inside.settimeout(5)
                    inside.sendall(ASK)
                    self.assertEqual(200, peers.response(inside)[0])
                    wait_for(lambda: f"error={error}" in daemon.log, "a line about the error")
                    began, before = time.monotonic(), cpu_seconds(daemon.pid)
                    wait_for(lambda: time.monotonic() - began > 1, "a second to pass")
                    self.assertLess(cpu_seconds(daemon.pid) - before, 0.25)
                    inside.sendall(ASK)
                    self.assertEqual(200, peers.response(inside)[0])
                self.assert_told(1, f"error={error}", daemon.log)
                self.assertEqual(0, daemon.stop())

    def test_clients_and_the_admin_socket_are_served_when_the_error_is_over(self):
        daemon = self.start("error=ENFILE:when=1..6")
        with peers.connect(self.port) as client:
            client.settimeout(5)
            client.sendall(ASK)
            self.assertEqual(200, peers.response(client)[0])
        self.assertIn("raise fs.file-max", daemon.log)
        self.assertIn("connections are accepted again", daemon.log)
        self.assertTrue(self.status(daemon)["ready"])


@unittest.skipIf(CANNOT, CANNOT)
class Write(Case):
    def answer_when(self, rule):
        """The answer to a request for which system calls fail by this rule, and how long it took."""
        backend, port = peers.Backend(self), free_port()
        path = self.config(f"""
            upstreams = {{ a = {{ targets = [ "127.0.0.1:{backend.port}" ]; }}; }};
            listeners = {{ x = {{ bind = "127.0.0.1:{port}"; upstream = "a"; protocol = "http"; }}; }};""",
                           prelude='workers = 1; log = { level = "error"; };\n')
        self.injected("write,writev,sendmsg", rule, path, [port])
        began = time.monotonic()
        answer = self.curl("-d", "x", f"http://127.0.0.1:{port}/", seconds=8)
        return answer, time.monotonic() - began

    def number_of_write(self, text):
        """The how many-th write of the process has this text; those before it wake loops."""
        answer, _ = self.answer_when("delay_enter=0:when=1")
        self.assertEqual(200, answer.status)
        lines = [line for line in (self.folder / "strace.out").read_text().splitlines() if "write" in line and "resumed" not in line]
        return next(i for i, line in enumerate(lines, 1) if text in line)

    def test_write_that_fails_ends_the_attempt_at_once(self):
        number = self.number_of_write("POST / HTTP")
        for error, status, reason in (("EPIPE", 502, "upstream_closed"), ("ECONNRESET", 502, "upstream_closed"), ("EPERM", 502, "upstream_closed"),
                                      ("ENOMEM", 500, "internal")):
            with self.subTest(error=error):
                answer, seconds = self.answer_when(f"error={error}:when={number}")
                self.assert_problem(answer, status, reason)
                self.assertLess(seconds, harness.busy(3))


@unittest.skipIf(CANNOT, CANNOT)
class Table(Case):
    def test_table_of_injected_errors_is_made_and_names_no_defect(self):
        """The short form of tests/bench/shortage.py."""
        results = self.folder / "results"
        done = subprocess.run(["python3", harness.ROOT / "tests/bench/shortage.py", "--mtlsd", harness.MTLSD, "--calls", "connect,ioctl",
                               "--results", results], capture_output=True, text=True, timeout=120, env=self.environment())
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn(", 0 defects", done.stdout)
        self.assertIn("| connect | EPERM |", (results / "shortage.md").read_text())


class HotWriter(Case):
    @unittest.skipIf(harness.is_sanitized(), "a sanitizer makes everything cost more")
    def test_revocation_list_that_is_rewritten_all_the_time_costs_little(self):
        backend, port, root = peers.Backend(self), free_port(), self.pki.ca("root")
        lists = [self.pki.crl(f"hot-{n}", root, [types.SimpleNamespace(serial=k) for k in range(1 << 40, (1 << 40) + n * 500)], number=n).read_bytes() for n in (1, 2)]
        path = self.write("hot.crl", "")
        path.write_bytes(lists[0])
        daemon = self.daemon(self.verifier_text(port, backend.port, trust=f'ca = "{root.crt}"; crl = "{path}";'), [port])
        before, began, over = cpu_seconds(daemon.pid), time.monotonic(), threading.Event()

        def write():
            fresh = self.folder / "hot.crl.new"
            for n in range(1 << 30):
                if over.is_set():
                    return
                fresh.write_bytes(lists[n % 2])
                os.replace(fresh, path)
        writer = threading.Thread(target=write)
        writer.start()
        wait_for(lambda: time.monotonic() - began > 4, "four seconds to pass")
        share = (cpu_seconds(daemon.pid) - before) / (time.monotonic() - began)
        over.set()
        writer.join()
        self.assertLess(share, 0.10) # 5 %, and what the clock of processes and a busy machine add
        answer = self.curl_tls(port)
        self.assertEqual(200, answer.status, answer.error + daemon.log[-1500:])


@unittest.skipIf(os.geteuid() != 0, "limits of processes do not hold for one who is not another user")
class Threads(Case):
    """Runs as a user who has no other process, because that limit counts them all."""
    USER = 54321

    def start(self, processes):
        backend, self.port = peers.Backend(self), free_port()
        os.chmod(self.folder.parent, 0o755)
        path = self.config(self.admin() + self.injector_text(self.port, f"127.0.0.1:{backend.port}", trust=self.own_copies()))
        binary = self.folder / "mtlsd-binary" # the built one may lie where that user may not look
        shutil.copy(harness.MTLSD, binary)
        for file in (self.folder, *self.folder.iterdir()):
            os.chown(file, self.USER, self.USER)
        daemon = harness.Process("mtlsd", ["setpriv", f"--reuid={self.USER}", f"--regid={self.USER}", "--clear-groups", "prlimit", f"--nproc={processes}",
                                           binary, "run", "-c", path], self.folder, self.environment())
        daemon.config_path = path
        self.processes.append(daemon)
        self.daemons.append(daemon)
        return daemon

    def own_copies(self):
        """The shared files belong to another user."""
        us, root = self.pki.client(), self.pki.ca("root")
        for name, source in (("us.pem", us.pem), ("root.crt", root.crt)):
            shutil.copy(source, self.folder / name)
        self.identity = type("Identity", (), {"pem": self.folder / "us.pem"})
        return f'ca = "{self.folder}/root.crt";'

    def injector_text(self, port, target, **options):
        return super().injector_text(port, target, identity=self.identity, **options)

    def test_start_that_lacks_threads_ends_with_words(self):
        for processes, words in ((1, "cannot start the key process: .*: raise the limits of processes"), (4, "the key process cannot begin: raise the limits of processes"),
                                 (6, "cannot start a thread for reloads: .*raise the limits of processes")):
            with self.subTest(processes=processes):
                self.USER = Threads.USER + processes  # the one before may not be quite gone
                daemon = self.start(processes)
                self.assertEqual(1, daemon.wait())
                self.assertRegex(daemon.log, words)

    def test_reload_needs_no_thread_that_was_not_there_from_the_start(self):
        """Two processes beside it, one of which has three threads."""
        daemon = self.start(7).wait_ready([self.port])
        for _ in range(3):
            self.assertEqual(0, self.command("reload", "-c", daemon.config_path).returncode)
        self.assertTrue(self.status(daemon)["ready"])

    @unittest.skipIf(harness.is_sanitized(), "a sanitizer ends the process when it gets no memory")
    def test_reload_without_memory_is_refused_and_one_with_it_is_done(self):
        daemon = self.start(12).wait_ready([self.port])
        used = int(next(line for line in pathlib.Path(f"/proc/{daemon.pid}/status").read_text().splitlines() if line.startswith("VmData")).split()[1])
        self.limit_memory(daemon, used << 10)
        with open(self.folder / "root.crt", "a", encoding="ascii") as trusted:  # for a small file, what is free of the heap is enough
            trusted.write("# a line that says nothing\n" * 40000)
        for _ in range(3):
            done = self.command("reload", "-c", daemon.config_path)
            self.assertIn(done.returncode, (1, 3)) # 1: not even an answer could be made
        self.assertIn("out of memory", daemon.log)
        self.limit_memory(daemon, "unlimited")
        self.assertEqual(0, self.command("reload", "-c", daemon.config_path).returncode)
        self.assertTrue(self.status(daemon)["ready"])

    def limit_memory(self, daemon, size):
        subprocess.run(["setpriv", f"--reuid={self.USER}", f"--regid={self.USER}", "--clear-groups", "prlimit", f"--pid={daemon.pid}",
                        f"--data={size}:unlimited"], check=True, timeout=10)


# No sysctl of this machine is touched: the limit looks small, and the kernel seems to have no watch left while a file is there.
SCARCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
    int (*real)(int, int, int, struct epoll_event *) = dlsym(RTLD_NEXT, "epoll_ctl");
    int rc = real(epoll, op, fd, event);
    if (op != EPOLL_CTL_ADD || rc != 0 || access(getenv("NO_WATCHES"), F_OK) != 0)
        return rc;
    real(epoll, EPOLL_CTL_DEL, fd, event);
    errno = ENOSPC;
    return -1;
}
FILE *fopen(const char *path, const char *mode)
{
    FILE *(*real)(const char *, const char *) = dlsym(RTLD_NEXT, "fopen");
    static char few[] = "8";
    return strcmp(path, "/proc/sys/fs/epoll/max_user_watches") == 0 ? fmemopen(few, 1, "r") : real(path, mode);
}
"""


@unittest.skipUnless(shutil.which("cc"), "no C compiler here")
class Watches(Case):
    """libuv ends the process when epoll will not watch another descriptor: it is never asked to."""

    def environment(self):
        env = super().environment()
        return dict(env, LD_PRELOAD=str(self.folder / "scarce.so"), NO_WATCHES=str(self.none_left), ASAN_OPTIONS=env["ASAN_OPTIONS"] + ":verify_asan_link_order=0")

    def test_client_that_cannot_be_watched_is_refused_and_the_others_are_served(self):
        self.none_left = self.folder / "none-left"
        (self.folder / "scarce.c").write_text(SCARCE)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.folder / "scarce.so", self.folder / "scarce.c", "-ldl"], check=True, timeout=30)
        backend, port = peers.Backend(self), free_port()
        daemon = self.daemon(self.admin() + f"""
            upstreams = {{ a = {{ targets = [ "127.0.0.1:{backend.port}" ]; }}; }};
            listeners = {{ x = {{ bind = "127.0.0.1:{port}"; upstream = "a"; protocol = "http"; }}; }};""", ports=[port])
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with peers.connect(port, 10) as inside:
            inside.sendall(request)
            self.assertEqual(200, peers.response(inside)[0])
            self.none_left.touch()
            for _ in range(3):
                with peers.connect(port, 10) as client:
                    client.sendall(request)
                    self.assertEqual(503, peers.response(client)[0])
            self.assertNotEqual(0, self.command("status", "-c", daemon.config_path, seconds=10).returncode)
            self.assertIsNone(daemon.popen.poll(), daemon.log)
            self.none_left.unlink()
        with peers.connect(port, 10) as client:
            client.sendall(request)
            self.assertEqual(200, peers.response(client)[0])
        self.assertEqual({"overloaded": 3}, self.status(daemon)["listeners"][0]["refused"])
        self.assertEqual(0, daemon.stop())


if __name__ == "__main__":
    harness.main()
