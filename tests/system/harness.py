# SPDX-License-Identifier: Apache-2.0
"""The base of every system test: a folder for each test, free ports, processes with a readiness check, and logs that are shown after a failure.

Everything is bounded in time, talks to 127.0.0.1 only, and ends only what it started.
"""
import atexit
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import certs

ROOT = pathlib.Path(__file__).resolve().parents[2]
MTLSD = os.environ.get("MTLSD", str(ROOT / "build/asan/mtlsd"))
READY_S = 20
SANITIZER_WORDS = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|ThreadSanitizer|runtime error:")


def is_sanitized():
    try:
        binary = pathlib.Path(MTLSD).read_bytes()
        return b"__asan_init" in binary or b"__tsan_init" in binary
    except OSError:
        return False


_pki = None


def shared_pki():
    """One folder of certificates per test process: keys cost time and no test changes them."""
    global _pki
    if _pki is None:
        folder = tempfile.mkdtemp(prefix="mtlsd-pki-")
        atexit.register(shutil.rmtree, folder, True)
        _pki = certs.Pki(folder)
    return _pki


PORTS_FROM, PORTS_TO, BLOCK = 10000, 32000, 50  # below the ephemeral range, which outgoing connections use
_ports, _blocks = [], []


def reserve_ports():
    """A block of ports for this process alone. An abstract socket with the block's name keeps other test processes away, and ends with this one."""
    for _ in range(2000):
        first = random.SystemRandom().randrange(PORTS_FROM, PORTS_TO, BLOCK)
        guard = socket.socket(socket.AF_UNIX)
        try:
            guard.bind(f"\0mtlsd-test-ports-{first}")
        except OSError:
            guard.close()
            continue
        _blocks.append(guard)
        return list(range(first, first + BLOCK))
    raise RuntimeError("no free ports")


def free_port():
    """A free port. No other test process gets it while this one runs."""
    while True:
        if not _ports:
            _ports.extend(reserve_ports())
        port = _ports.pop(0)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_for(question, what, seconds=READY_S, pause=0.02):
    """Asks until the answer is true; gives it. Fails by the deadline, with the name of what did not come."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(pause)


def busy(seconds):
    """The bound here and now of what takes so many seconds on an idle machine: on a busy one each process waits for its turn."""
    return seconds * (1 + os.getloadavg()[0] / (os.cpu_count() or 1))


NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLMSG_ERROR, NLMSG_DONE, DUMP = 4, 20, 2, 3, 0x301
TCP_LISTEN = 10


def listening(family):
    """The ports of this family's listening sockets. sock_diag gives those alone; /proc/net/tcp, with every connection in it, takes 5 ms to read."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(READY_S)
        question = struct.pack("=BBHI48x", family, socket.IPPROTO_TCP, 0, 1 << TCP_LISTEN)
        kernel.send(struct.pack("=IHHII", 16 + len(question), SOCK_DIAG_BY_FAMILY, DUMP, 1, 0) + question)
        while True:
            data = kernel.recv(1 << 17)
            while data:
                size, kind = struct.unpack_from("=IH", data)
                if kind == NLMSG_ERROR:
                    raise OSError(-struct.unpack_from("=i", data, 16)[0], "sock_diag")
                if kind == NLMSG_DONE:
                    return
                yield struct.unpack_from("!H", data, 20)[0]
                data = data[(size + 3) & ~3:]


def listening_by_proc(table):
    """The same from /proc, for kernels without sock_diag."""
    with contextlib.suppress(OSError):
        for row in pathlib.Path(table).read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == "0A":
                yield int(fields[1].rpartition(":")[2], 16)


def listens(port):
    """A process accepts on the port. The kernel is asked, because the listener would count a connection made to find out."""
    try:
        return any(port in listening(family) for family in (socket.AF_INET, socket.AF_INET6))
    except OSError:
        return any(port in listening_by_proc(f"/proc/net/{table}") for table in ("tcp", "tcp6"))


def listens_at(path):
    """A process accepts on the unix socket: its file may appear a moment before listen. The kernel keeps the name of bind: mtlsd binds PATH.PID, then renames."""
    accepts, name = 0x10000, re.compile(re.escape(str(path)) + r"(\.\d+)?")
    for row in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = row.split(maxsplit=7)
        if len(fields) == 8 and name.fullmatch(fields[7]) and int(fields[3], 16) & accepts:
            return pathlib.Path(path).exists()
    return False


def is_alive(pid):
    """A process that has ended and was not waited for yet is none."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Log(str):
    """What a program has said so far. Case.assertIn and assertRegex wait for what is still to come: an answer may arrive before its line is written."""

    def __new__(cls, path, start=0):
        log = super().__new__(cls, path.read_text(errors="replace")[start:])
        log.path, log.start = path, start
        return log

    def __getitem__(self, key):
        if isinstance(key, slice) and (key.stop, key.step) == (None, None) and (key.start or 0) >= 0:
            return Log(self.path, self.start + (key.start or 0))
        return super().__getitem__(key)

    def until(self, question):
        """The log when the answer is true of it, or as it is by the deadline."""
        log, deadline = self, time.monotonic() + READY_S
        while not question(log) and time.monotonic() < deadline:
            time.sleep(0.02)
            log = Log(self.path, self.start)
        return log


class Process:
    """A program under test or a peer of it; its output goes to a file."""

    def __init__(self, name, argv, folder, env=None):
        self.name = name
        self.log_path = pathlib.Path(folder) / f"{name}.log"
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                                          cwd=folder)
        self.pid = self.popen.pid

    @property
    def log(self):
        return Log(self.log_path)

    def wait_ready(self, ports=(), paths=()):
        def ready():
            if self.popen.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.popen.returncode} before it was ready:\n{self.log[-3000:]}")
            return all(listens(p) for p in ports) and all(listens_at(p) for p in paths)
        wait_for(ready, f"{self.name} on {[*ports, *paths]}")
        return self

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, seconds=15):
        return self.popen.wait(seconds)

    def stop(self, seconds=15):
        """TERM, then KILL after the deadline; gives the exit code, None when it had to be killed."""
        if self.popen.poll() is None:
            keys = self.key_process()
            self.popen.terminate()
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
                return None
            if keys is not None:
                wait_for(lambda: not is_alive(keys), f"the end of process {keys}, which held the keys of {self.name}")
        return self.popen.returncode

    def key_process(self):
        """The process id of its child that holds private keys; None: it has none."""
        try:
            children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            return next((int(c) for c in children if pathlib.Path(f"/proc/{c}/comm").read_text() == "mtlsd-keys\n"), None)
        except OSError:
            return None

    def rss_kb(self):
        return int(re.search(r"^VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.pid}/status").read_text(), re.M)[1])


@dataclasses.dataclass
class Answer:
    """What curl got."""
    status: int
    headers: list
    body: bytes
    exit: int
    error: str

    def header(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    @property
    def text(self):
        return self.body.decode(errors="replace")

    def json(self):
        return json.loads(self.body)


class Case(unittest.TestCase):
    """A test with its own folder; processes it starts are ended after it and their logs shown when it failed."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mtlsd-case-"))
        self.pki = shared_pki()
        self.processes = []
        self.daemons = []
        self.addCleanup(self.end_all)

    def end_all(self):
        complaints = []
        for process in reversed(self.processes):
            code = process.stop()
            if process in self.daemons:
                report = SANITIZER_WORDS.search(process.log)
                if report:
                    complaints.append(f"{process.name}: sanitizer report in its log")
                if code is None:
                    complaints.append(f"{process.name}: still there 15 s after TERM")
        result = self._outcome.result  # its success is about the part that runs now, which is this cleanup
        if complaints or any(getattr(test, "test_case", test) is self for test, _ in result.failures + result.errors):
            for process in self.processes:
                print(f"--- {process.name}, exit code {process.popen.returncode}:\n{process.log[-6000:]}", file=sys.stderr)
        shutil.rmtree(self.folder, True)
        if complaints:
            self.fail("; ".join(complaints))

    # Programs.
    def spawn(self, name, argv, ports=(), paths=(), env=None):
        name = f"{name}-{len(self.processes)}"
        process = Process(name, argv, self.folder, env)
        self.processes.append(process)
        return process.wait_ready(ports, paths)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def environment(self):
        return dict(os.environ, ASAN_OPTIONS="malloc_context_size=12:detect_leaks=1", UBSAN_OPTIONS="print_stacktrace=1")

    def config(self, text, name="mtlsd.conf", prelude='workers = 1; drain_timeout = "2s";\n'):
        return self.write(name, prelude + text)

    def daemon(self, text, ports=(), paths=(), name="mtlsd", prelude='workers = 1; drain_timeout = "2s";\n'):
        """`mtlsd run` with this configuration, ready."""
        path = self.config(text, f"{name}.conf", prelude)
        process = Process(f"{name}-{len(self.processes)}", [MTLSD, "run", "-c", path], self.folder, self.environment())
        process.config_path = path
        self.processes.append(process)
        self.daemons.append(process)
        return process.wait_ready(ports, paths)

    def command(self, *arguments, seconds=30, data=None, env=None):
        """A command of mtlsd that ends by itself."""
        done = subprocess.run([MTLSD, *map(str, arguments)], input=data, capture_output=True, text=True, timeout=seconds,
                              cwd=self.folder, env=env or self.environment())
        self.assertIsNone(SANITIZER_WORDS.search(done.stderr), done.stderr)
        return done

    def curl(self, *arguments, data=None, seconds=30):
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            head, body = pathlib.Path(scratch, "head"), pathlib.Path(scratch, "body")
            done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", str(seconds), "-D", head, "-o", body,
                                   "-w", "%{http_code}", *map(str, arguments)], input=data, capture_output=True,
                                  timeout=seconds + 10)
            lines = head.read_bytes().decode(errors="replace").split("\r\n\r\n") if head.exists() else [""]
            final = [block for block in lines if block.strip()]
            fields = [tuple(line.split(": ", 1)) if ": " in line else (line.rstrip(":"), "")
                      for line in (final[-1].split("\r\n")[1:] if final else []) if line]
            return Answer(int(done.stdout or 0), fields, body.read_bytes() if body.exists() else b"", done.returncode,
                          done.stderr.decode(errors="replace"))

    def nginx(self, server, ports, http=""):
        """nginx with the given server blocks, in the foreground, logging to the folder."""
        path = self.write("nginx.conf", f"""
            daemon off; worker_processes 1; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx.err info; user root;
            events {{ worker_connections 2048; }}
            http {{
              log_format probe '$connection $ssl_session_reused $ssl_client_serial $http_host $status';
              access_log {self.folder}/nginx.access probe;
              client_max_body_size 0; keepalive_requests 1000000; client_body_temp_path {self.folder}/nb;
              proxy_temp_path {self.folder}/np; fastcgi_temp_path {self.folder}/nf; uwsgi_temp_path {self.folder}/nu;
              scgi_temp_path {self.folder}/ns;
              {http}
              {server}
            }}""")
        return self.spawn("nginx", ["nginx", "-c", path, "-e", self.folder / "nginx.err"], ports)

    def nginx_access(self):
        """Rows of (connection, reused, client serial, host, status)."""
        path = self.folder / "nginx.access"
        return [tuple(line.split(" ")) for line in path.read_text().splitlines()] if path.exists() else []

    def origin(self, locations="location / { return 200 \"$ssl_client_s_dn|$http_host|$request_method\"; }", *, ca=None,
               certificate=None, extra="", protocols="TLSv1.2 TLSv1.3"):
        """nginx that requires client certificates of our CA: the usual upstream of an injector. Gives its port."""
        port = free_port()
        server = certificate or self.pki.server()
        self.nginx(f"""server {{
            listen 127.0.0.1:{port} ssl; ssl_certificate {server.pem}; ssl_certificate_key {server.key};
            ssl_client_certificate {(ca or self.pki.ca("root")).crt}; ssl_verify_client on; ssl_session_cache shared:S:1m;
            ssl_protocols {protocols}; {extra} {locations} }}""", [port])
        return port

    def injector_text(self, port, target, *, protocol="http", identity=None, trust=None, tls="", upstream="", listener=""):
        """Configuration of an injector, as a newcomer would write it."""
        identity = identity or self.pki.client()
        return f"""
            identities = {{ me = {{ bundle = "{identity.pem}"; }}; }};
            trusts = {{ them = {{ {trust or f'ca = "{self.pki.ca("root").crt}";'} }}; }};
            upstreams = {{ far = {{ targets = [ "{target}" ]; {upstream}
                tls = {{ identity = "me"; trust = "them"; {tls} }}; }}; }};
            listeners = {{ app = {{ bind = "127.0.0.1:{port}"; protocol = "{protocol}"; upstream = "far"; {listener} }}; }};
        """

    def injector(self, target, **options):
        """A running injector; gives its port. self.mtlsd is the process."""
        port = free_port()
        target = f"127.0.0.1:{target}" if isinstance(target, int) else target
        self.mtlsd = self.daemon(self.injector_text(port, target, **options), [port])
        return port

    def verifier_text(self, port, backend, *, protocol="http", trust=None, tls="", listener="", certificate=None):
        certificate = certificate or self.pki.server()
        trust = f'ca = "{self.pki.ca("root").crt}";' if trust is None else trust
        return f"""
            identities = {{ me = {{ bundle = "{certificate.pem}"; }}; }};
            {f'trusts = {{ clients = {{ {trust} }}; }};' if trust else ''}
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{backend}" ]; }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{port}"; protocol = "{protocol}"; upstream = "app";
                tls = {{ identity = "me"; {'trust = "clients";' if trust else ''} {tls} }}; {listener} }}; }};
        """

    def verifier(self, backend, **options):
        port = free_port()
        self.mtlsd = self.daemon(self.verifier_text(port, backend, **options), [port])
        return port

    def curl_tls(self, port, *arguments, client="client", path="/", **options):
        """curl as a caller of a verifier; client None: without a certificate."""
        mine = []
        if client:
            certificate = self.pki.client() if client == "client" else client
            mine = ["--cert", certificate.pem]
        return self.curl("--cacert", self.pki.ca("root").crt, *mine, *arguments, f"https://localhost:{port}{path}", **options)

    def assertIn(self, member, container, msg=None):
        if isinstance(container, Log):
            container = container.until(lambda log: member in log)
        super().assertIn(member, container, msg)

    def assertRegex(self, text, expected_regex, msg=None):
        if isinstance(text, Log):
            text = text.until(lambda log: re.search(expected_regex, log))
        super().assertRegex(text, expected_regex, msg)

    def assert_told(self, times, words, log):
        """The log has the words so many times."""
        log = log.until(lambda now: now.count(words) >= times)
        self.assertEqual(times, log.count(words), log)

    def assert_problem(self, answer, status, reason, refused_by=None):
        """The answer is a problem document with this reason."""
        self.assertEqual(status, answer.status, answer.text or answer.error)
        self.assertTrue((answer.header("Content-Type") or "").startswith("application/problem+json"), answer.headers)
        document = answer.json()
        self.assertEqual(reason, document["reason"], document)
        self.assertEqual(f"urn:mtlsd:reason:{reason}", document["type"])
        self.assertEqual(status, document["status"])
        if refused_by:
            self.assertEqual(refused_by, document["refused_by"], document)
        return document


def main():
    """Lets a test file be run by itself."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    unittest.main(verbosity=2)
