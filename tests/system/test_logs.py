# SPDX-License-Identifier: Apache-2.0
"""Logs: every request is one line in every format, and a program can read each line. No client can add a line, and no line is lost when the file is
moved."""
import json
import os
import pathlib
import re
import signal
import subprocess
import threading

import harness
import peers
from harness import free_port, wait_for

TIME = r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]"
QUOTED = r'"(?:[^"\\]|\\.)*"'
COMBINED = re.compile(rf"(?P<host>\S+) - (?P<user>\S+) {TIME} (?P<request>{QUOTED}) (?P<status>\d{{3}}|-) (?P<bytes>\d+|-) "
                      rf"(?P<referer>{QUOTED}) (?P<agent>{QUOTED})")
SSL_REQUEST = re.compile(rf"{TIME} (?P<host>\S+) (?P<version>\S+) (?P<suite>\S+) (?P<request>{QUOTED}) (?P<bytes>\d+|-)")
TEXT_FIELD = r'[a-z0-9_]+=(?:"(?:[^"\\]|\\.)*"|[^\s"]+)'
TEXT = re.compile(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z (?:error|warn |info |debug) (?P<event>[a-z]+)(?: {QUOTED})?(?: {TEXT_FIELD})*")


def fields(line):
    """Of a text line."""
    return {key: json.loads(value) if value.startswith('"') else value
            for key, value in re.findall(r' ([a-z0-9_]+)=("(?:[^"\\]|\\.)*"|[^\s"]+)', line)}


class Case(harness.Case):
    def start(self, fmt, *, to_file=True, listener="", level="info", more="", **options):
        """A verifier whose backend answers 'ok'; its log file is self.path."""
        self.path = self.folder / "access.log"
        self.backend = peers.Backend(self, answer=lambda request: peers.reply(b"ok"))
        self.port = free_port()
        target = f'target = "{self.path}";' if to_file else ""
        log = f'log = {{ format = "{fmt}"; level = "{level}"; {target} }};'
        text = log + self.verifier_text(self.port, self.backend.port, listener=listener, **options) + more
        self.mtlsd = self.daemon(text, [self.port])

    def lines(self, path=None):
        path = path or self.path
        data = pathlib.Path(path).read_bytes() if pathlib.Path(path).exists() else b""
        text = data.decode("ascii")  # nothing else may stand there
        self.assertTrue(text == "" or text.endswith("\n"), text[-200:])
        return text.split("\n")[:-1]

    def accesses(self):
        """The lines of requests, in the formats that mix them with events."""
        return [line for line in self.lines() if " request " in line or '"event":"request"' in line]

    def talk(self, *requests):
        """Each on a connection of its own; gives the statuses."""
        statuses = []
        for raw in requests:
            with peers.secure(self.port, peers.client_context(self.pki.ca("root"), self.pki.client())) as connection:
                connection.sendall(raw)
                statuses.append(peers.response(connection)[0])
        return statuses


def get(target=b"/", *lines):
    return b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n" + b"".join(line + b"\r\n" for line in lines) + b"Connection: close\r\n\r\n"


class Formats(Case):
    def test_combined_is_what_readers_of_web_logs_expect(self):
        self.start("combined")
        self.talk(get(b"/a?b=c", b"Referer: https://example.org/", b"User-Agent: curl/7.88"))
        line, = wait_for(self.lines, "the line")
        found = COMBINED.fullmatch(line)
        self.assertTrue(found, line)
        self.assertEqual(('"GET /a?b=c HTTP/1.1"', "200", "2", '"https://example.org/"', '"curl/7.88"'),
                         found.group("request", "status", "bytes", "referer", "agent"))
        self.assertEqual("127.0.0.1", found["host"])
        self.assertIn("CN=", found["user"])

    def test_ssl_request_names_protocol_and_suite_as_openssl_does(self):
        self.start("ssl_request")
        self.talk(get())
        line, = wait_for(self.lines, "the line")
        found = SSL_REQUEST.fullmatch(line)
        self.assertTrue(found, line)
        self.assertEqual(("TLSv1.3", '"GET / HTTP/1.1"', "2"), found.group("version", "request", "bytes"))
        self.assertRegex(found["suite"], r"^TLS_(AES|CHACHA20)_")

    def test_json_and_text_say_the_same(self):
        wanted = {"listener": "public", "client": "127.0.0.1", "method": "GET", "target": "/a", "protocol": "HTTP/1.1", "upstream": "app",
                  "cert": "valid", "tls": "TLS1.3", "resumed": "no", "reused": "no"}
        numbers = {"status": 200, "bytes_in": 0, "bytes_out": 2}
        for fmt in ("json", "text"):
            with self.subTest(fmt):
                self.start(fmt)
                self.talk(get(b"/a"))
                line, = wait_for(self.accesses, "the line")
                got = json.loads(line) if fmt == "json" else fields(line)
                for key, value in {**wanted, **numbers}.items():
                    self.assertEqual(str(value), str(got[key]), f"{key} in {line}")
                for key in ("cipher", "peer", "peer_san", "peer_serial", "peer_sha256", "target_address", "connect_ms", "first_byte_ms", "total_ms"):
                    self.assertIn(key, got)
                self.mtlsd.stop()
                self.path.unlink()

    def test_a_tcp_connection_is_one_line(self):
        for fmt, pattern in (("combined", COMBINED), ("ssl_request", SSL_REQUEST)):
            with self.subTest(fmt):
                self.start(fmt, protocol="tcp")
                self.talk(get())
                line, = wait_for(self.lines, "the line")
                found = pattern.fullmatch(line)
                self.assertTrue(found, line)
                self.assertEqual('"-"', found["request"])
                self.mtlsd.stop()
                self.path.unlink()

    def test_a_refused_handshake_is_an_event_and_no_access(self):
        self.start("combined")
        stranger = self.pki.leaf("stranger-of-logs", issuer=self.pki.ca("other"), cn="stranger", eku=("clientAuth",))
        self.curl_tls(self.port, client=stranger)
        wait_for(lambda: "unknown_ca" in self.mtlsd.log, "the event on stderr")
        self.assertEqual([], self.lines())

    def test_events_stay_out_of_an_access_file_and_refusals_say_why(self):
        self.start("combined", listener='allow = ( { cn = "nobody" } );', level="error")
        self.assertEqual([403], self.talk(get()))
        line, = wait_for(self.lines, "the line")
        self.assertEqual("403", COMBINED.fullmatch(line)["status"], "an access is written whatever the level")
        self.assertNotIn("reload", self.mtlsd.log)
        self.mtlsd.signal(signal.SIGHUP)
        self.config(self.mtlsd.config_path.read_text().replace('level = "error"', 'level = "info"'), "mtlsd.conf", "")
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: "the new configuration is in use" in self.mtlsd.log, "the reload on stderr")
        self.assertEqual([403], self.talk(get()))
        wait_for(lambda: "reason=not_allowed" in self.mtlsd.log, "why, on stderr")
        wait_for(lambda: len(self.lines()) == 2, "the second access")


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Patterns(Case):
    def ask(self, version, *arguments):
        self.assertEqual(200, self.curl_tls(self.port, version, *arguments, path="/a?b=c").status)

    def last_line(self, n):
        return wait_for(lambda: self.lines()[n - 1] if len(self.lines()) >= n else None, f"line {n}")

    def test_each_version_of_http_is_logged_by_the_pattern(self):
        self.start('{client.address} {cert.cn} \\"{request.method} {request.path} {request.protocol}\\" {status} {bytes.out} {upstream} {target} {reason} '
                   "{request.host} {tls.sni} {request.traceparent}")
        for n, version in enumerate(("--http1.1", "--http2"), 1):
            self.ask(version, "-H", f"traceparent: {TRACE}", "-H", "tracestate: a=1,b=2")
            self.assertEqual(f'127.0.0.1 client1 "GET /a HTTP/{"2.0" if n == 2 else "1.1"}" 200 2 app 127.0.0.1:{self.backend.port} valid localhost localhost {TRACE}',
                             self.last_line(n))
            self.assertIn(f"traceparent: {TRACE}\r\ntracestate: a=1,b=2\r\n".encode(), bytes(self.backend.received))
            self.backend.received.clear()

    def test_json_has_the_trace_and_a_malformed_one_only_passes(self):
        self.start("json")
        for version in ("--http1.1", "--http2"):
            for trace, logged in ((TRACE, True), ("00-zz-1-1", False)):
                before = len(self.accesses())
                self.backend.received.clear()
                self.ask(version, "-H", f"traceparent: {trace}")
                line = json.loads(wait_for(lambda: self.accesses()[before:], "the line")[0])
                self.assertEqual(trace if logged else None, line.get("traceparent"))
                self.assertIn(f"traceparent: {trace}\r\n".encode(), bytes(self.backend.received))

    def test_a_request_has_an_id_where_a_pattern_wants_one(self):
        self.start("{request.id}")
        for n, version in enumerate(("--http1.1", "--http2"), 1):
            self.ask(version, "-H", "X-Request-ID: spoofed")
            self.assertRegex(self.last_line(n), "^[0-9a-f]{32}$")

    def test_a_reload_changes_the_pattern(self):
        self.start("combined")
        self.ask("--http1.1")
        self.assertTrue(COMBINED.fullmatch(self.last_line(1)))
        for n, (old, new, line) in enumerate((("combined", "a {status}", "a 200"), ("a {status}", "b {status}", "b 200"), ("b {status}", "ssl_request", None)), 2):
            self.config(self.mtlsd.config_path.read_text().replace(f'format = "{old}"', f'format = "{new}"'), "mtlsd.conf", "")
            self.mtlsd.signal(signal.SIGHUP)
            wait_for(lambda: f"in use, generation {n}" in self.mtlsd.log, "the reload")
            self.ask("--http1.1")
            self.assertEqual(line or self.last_line(n), self.last_line(n))
        self.assertTrue(SSL_REQUEST.fullmatch(self.last_line(4)))

    def test_a_mistake_is_refused_with_what_was_meant(self):
        path = self.config('log = { format = "{stauts}"; };' + self.verifier_text(free_port(), free_port()))
        found = self.command("check", "-c", path)
        self.assertIn("there is no variable {stauts}: did you mean {status}?", found.stdout + found.stderr)


HOSTILE = [
    ("quotes", get(b"/", b'User-Agent: x" 200 0 "-" "', b'Referer: "')),
    ("a backslash at the end", get(b"/", b"User-Agent: x\\", b"Referer: \\\\\\")),
    ("a terminal's commands", get(b"/", b"User-Agent: \x1b[2J\x1b]0;x\x07", b"Referer: \x9b31m")),
    ("bytes that are not UTF-8", get(b"/", b"User-Agent: \xff\xfe\x80", b"Referer: \xc3\x28")),
    ("line ends of Unicode", get(b"/", b"User-Agent: \xe2\x80\xa8\xc2\x85")),
    ("what looks like a line", get(b"/", b"User-Agent: a 2026-01-01T00:00:00.000Z info  request status=200")),
    ("JSON", get(b"/", b'User-Agent: ","event":"reload","x":"')),
    ("quotes in the target", get(b'/"%22\\x22?a="b"')),
    ("escapes in the target", get(b"/%0d%0a%1b[2J%00")),
    ("a long target", get(b"/" + b"a" * 20000)),
    ("a target of 64 KiB", get(b"/" + b"b" * 65536)),
    ("a raw control byte in the target", b"GET /\x1b[2J HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("a bare line end", b"GET / HTTP/1.1\nHost: localhost\n\n"),
    ("a line end in a field", b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a\rb\r\n\r\n"),
    ("a NUL in a field", b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a\0b\r\n\r\n"),
    ("no request at all", b"\x16\x03\x01 hello\r\n\r\n"),
]


class Forgery(Case):
    """C8."""

    def check(self, fmt, whole):
        self.start(fmt)
        self.talk(*[raw for _, raw in HOSTILE])
        found = wait_for(lambda: self.accesses_of(fmt) if len(self.accesses_of(fmt)) >= len(HOSTILE) else None, f"{len(HOSTILE)} lines")
        self.assertEqual(len(HOSTILE), len(found), "as many lines as requests")
        for line in self.lines():
            self.assertTrue(whole(line), line)
            self.assertRegex(line, r"\A[ -~]*\Z")
            self.assertLess(len(line), 32 * 1024)

    def accesses_of(self, fmt):
        return self.accesses() if fmt in ("text", "json") else self.lines()

    def test_combined(self):
        self.check("combined", COMBINED.fullmatch)

    def test_ssl_request(self):
        self.check("ssl_request", SSL_REQUEST.fullmatch)

    def test_json(self):
        self.check("json", lambda line: isinstance(json.loads(line), dict))

    def test_text(self):
        self.check("text", TEXT.fullmatch)

    def test_a_pattern_that_is_json(self):
        names = {"at": "time", "client": "client.address", "cn": "cert.cn", "uri": "request.uri", "agent": "request.user_agent", "referer": "request.referer",
                 "status": "status", "took": "duration"}
        self.check("{{%s}}" % ",".join(f'\\"{key}\\":\\"{{{name}}}\\"' for key, name in names.items()), lambda line: set(json.loads(line)) == set(names))

    def test_a_pattern_of_words(self):
        self.check("{time} {client.address} {cert.cn} {request.uri} {request.user_agent} {status} {duration}", lambda line: len(line.split(" ")) == 7)

    def test_a_name_in_a_certificate_forges_nothing(self):
        evil = self.pki.leaf("evil-of-logs", cn='x\r\n127.0.0.1 - - "\x1b[2J\\', eku=("clientAuth",))
        for fmt, pattern in (("combined", COMBINED), ("text", TEXT)):
            with self.subTest(fmt):
                self.start(fmt)
                self.assertEqual(200, self.curl_tls(self.port, client=evil).status)
                wait_for(lambda: self.accesses_of(fmt), "the line")
                for line in self.lines():
                    self.assertTrue(pattern.fullmatch(line), line)
                self.mtlsd.stop()
                self.path.unlink()


class Floods(Case):
    """C8: a client that is refused over and over fills no disk; every refusal is a line or in a number, and counted."""
    REQUESTS = 4000

    def flood(self):
        with peers.secure(self.port, peers.client_context(self.pki.ca("root"), self.pki.client())) as connection:
            request, answers, burst = b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n", b"", 100
            for asked in range(burst, self.REQUESTS + 1, burst): # one thread: a TLS connection of Python's is not made for two
                connection.sendall(request * (burst - 1) + (get(b"/x") if asked == self.REQUESTS else request))
                while answers.count(b"HTTP/1.1 403 ") < asked and (piece := connection.recv(65536)):
                    answers += piece
        self.assertEqual(self.REQUESTS, answers.count(b"HTTP/1.1 403 "))

    def test_pipelined_refusals_are_a_few_lines_and_a_number(self):
        self.start("json", listener='allow = ( { cn = "nobody" } );')
        self.flood()

        def told():
            lines = [json.loads(line) for line in self.lines()]
            written = sum(line["event"] == "request" for line in lines)
            counted = sum(line["lines"] for line in lines if line["event"] == "suppressed")
            return (written, counted) if written + counted >= self.REQUESTS else None
        written, counted = wait_for(told, "the number")
        self.assertEqual(self.REQUESTS, written + counted)
        self.assertLess(written, self.REQUESTS / 4)

    def test_the_number_is_told_when_the_daemon_ends(self):
        self.start("text", listener='allow = ( { cn = "nobody" } );')
        self.flood()
        self.assertEqual(0, self.mtlsd.stop())
        counted = sum(int(fields(line)["lines"]) for line in self.lines() if " suppressed " in line)
        self.assertEqual(self.REQUESTS, counted + len(self.accesses()))

    def test_access_lines_of_web_servers_are_all_there(self):
        self.start("combined", listener='allow = ( { cn = "nobody" } );')
        self.flood()
        self.assertEqual(0, self.mtlsd.stop())
        self.assertEqual(self.REQUESTS, len(self.lines()))
        self.assertLess(self.mtlsd.log.count("reason=not_allowed"), self.REQUESTS / 4)


class Rotation(Case):
    def test_no_line_is_lost_or_doubled(self):
        self.start("combined")
        asked, stop = [0], threading.Event()

        def ask():
            with peers.secure(self.port, peers.client_context(self.pki.ca("root"), self.pki.client())) as connection:
                while not stop.is_set():
                    connection.sendall(b"GET /" + str(asked[0]).encode() + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    peers.response(connection)
                    asked[0] += 1
        asker = threading.Thread(target=ask)
        asker.start()
        moved = []
        try:
            for i in range(8):
                before = asked[0]
                wait_for(lambda: asked[0] > before + 20, "traffic")
                moved.append(self.folder / f"access.log.{i}")
                self.path.rename(moved[-1])
                self.mtlsd.signal(signal.SIGUSR1)
                wait_for(self.path.exists, "the new file")
        finally:
            stop.set()
            asker.join(20)
        self.assertEqual(0, self.mtlsd.stop())
        every = [line for path in (*moved, self.path) for line in self.lines(path)]
        self.assertEqual([f"/{i}" for i in range(asked[0])], [COMBINED.fullmatch(line)["request"].split(" ")[1] for line in every])
        self.assertTrue(all(len(self.lines(path)) > 0 for path in moved), "each file got its share")

    def test_a_file_that_cannot_be_opened_again_is_told_and_the_old_one_stays(self):
        self.start("text")
        self.path.rename(self.folder / "old")
        self.path.mkdir()
        self.mtlsd.signal(signal.SIGUSR1)
        wait_for(lambda: "the old file stays in use" in (self.folder / "old").read_text(), "the complaint")
        self.path.rmdir()
        self.mtlsd.signal(signal.SIGUSR1)
        wait_for(self.path.exists, "the new file")

    def test_without_a_file_the_signal_changes_nothing(self):
        self.start("text", to_file=False)
        self.mtlsd.signal(signal.SIGUSR1)
        self.assertEqual([200], self.talk(get()))
        wait_for(lambda: "request" in self.mtlsd.log, "the line")


class Others(Case):
    """Logs beside the main one."""
    def start(self, fmt, **options):
        """With logs in the folder, so that the sandbox leaves it open for those that a reload brings."""
        super().start(fmt, more=f'logs = {{ z = {{ target = "{self.folder}/z.log"; what = "refusals"; }};\n'
                                f'full = {{ target = "/dev/full"; what = "refusals"; }};\n}};\n', **options)

    def reload(self, logs):
        self.mtlsd.config_path.write_text(re.sub(r"(?s)logs = \{.*?\n\};\n", "", self.mtlsd.config_path.read_text()) + f"logs = {{\n{logs}\n}};\n")
        before = self.mtlsd.log.count(" reload ")
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: self.mtlsd.log.count(" reload ") > before, "the reload")

    def test_an_access_log_and_an_error_log_come_with_a_reload_and_are_rotated(self):
        self.start("text", to_file=False)
        self.assertEqual([200], self.talk(get()))
        access, errors = self.folder / "web.%Y.log", self.folder / "error.log"
        self.reload(f'a = {{ target = "{access}"; format = "combined"; what = "requests"; }};\n'
                    f'b = {{ target = "{errors}"; format = "json"; what = [ "refusals", "events" ]; }};')
        self.assertEqual([200, 400], self.talk(get(), b"GET / HTTP/1.1\r\n\r\n"))
        made, = self.folder.glob("web.2*.log")
        wait_for(lambda: len(self.lines(made)) == 2, "both requests")
        self.assertEqual(["200", "400"], [COMBINED.fullmatch(line)["status"] for line in self.lines(made)])
        refused = [json.loads(line) for line in wait_for(lambda: self.lines(errors), "the refusal")]
        self.assertIn("request_malformed", [line.get("reason") for line in refused])
        self.assertNotIn(200, [line.get("status") for line in refused])
        errors.rename(self.folder / "error.1")
        self.mtlsd.signal(signal.SIGUSR1)
        wait_for(errors.exists, "the new file")
        self.reload(f'a = {{ target = "{errors}"; what = "requests"; }};')
        self.assertEqual([200], self.talk(get(b"/moved")))
        wait_for(lambda: any("/moved" in line for line in self.lines(errors)), "the line in the other log")
        self.assertEqual(2, len(self.lines(made)), "a log that is gone gets no more")

    def test_no_target_stops_traffic(self):
        self.start("text", to_file=False)
        fifo, folder = self.folder / "fifo", self.folder / "place"
        os.mkfifo(fifo)
        folder.mkdir()
        for bad in (fifo, folder):
            with self.subTest(bad.name):
                self.reload(f'a = {{ target = "{bad}"; what = "events"; }};')
                self.assertIn(f"log file {bad}", self.mtlsd.log)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)  # it never reads
        self.addCleanup(os.close, reader)
        self.reload(f'a = {{ target = "{fifo}"; what = "requests"; }};\nb = {{ target = "/dev/full"; what = "requests"; }};\n'
                    f'c = {{ target = "{folder}/x.log"; what = "requests"; rotate = "64KiB"; }};')
        (folder / "x.log").unlink()
        folder.rmdir()
        for _ in range(4):
            self.assertEqual([200], self.talk(get(b"/" + b"x" * 1000)))
        with peers.secure(self.port, peers.client_context(self.pki.ca("root"), self.pki.client())) as connection:
            for _ in range(150):
                connection.sendall(b"GET /" + b"x" * 1000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertEqual(200, peers.response(connection)[0])
        wait_for(lambda: "takes no more lines" in self.mtlsd.log and "no new log file can be made" in self.mtlsd.log, "the complaints")
        self.assertEqual(0, self.mtlsd.stop())


class StandardOutput(Case):
    """log.target = "stdout", as in a container."""

    def run_with(self, fmt):
        """Starts it with its two streams apart; asks once with a rotation signal before; gives the lines of both when it has ended."""
        backend, port = peers.Backend(self, answer=lambda request: peers.reply(b"ok")), free_port()
        path = self.config(f'log = {{ format = "{fmt}"; target = "stdout"; }};' + self.verifier_text(port, backend.port))
        with subprocess.Popen([harness.MTLSD, "run", "-c", path], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as mtlsd:
            try:
                self.port = port
                wait_for(lambda: mtlsd.poll() is not None or harness.listens(port), "the listener")
                mtlsd.send_signal(signal.SIGUSR1)
                self.assertEqual([200], self.talk(get(b"/a")))
                mtlsd.terminate()
                out, err = mtlsd.communicate(timeout=15)
            finally:
                mtlsd.kill()
        self.assertEqual(0, mtlsd.returncode, err)
        self.assertFalse((self.folder / "stdout").exists())
        return out.splitlines(), err.splitlines()

    def test_everything_goes_there_in_json(self):
        out, err = self.run_with("json")
        self.assertEqual([], err)
        self.assertEqual(["listening", "request", "drain", "stopped"], [json.loads(line)["event"] for line in out])

    def test_only_accesses_go_there_in_combined(self):
        out, err = self.run_with("combined")
        self.assertTrue(COMBINED.fullmatch(out[0]), out)
        self.assertEqual(1, len(out))
        self.assertEqual(["listening", "drain", "stopped"], [TEXT.fullmatch(line)["event"] for line in err])


class Target(Case):
    def test_the_file_is_for_its_owner_and_group(self):
        self.start("text")
        self.assertEqual(0, self.path.stat().st_mode & 0o027)

    def test_one_that_cannot_be_written_is_refused_at_start(self):
        backend = peers.Backend(self)
        for bad in (self.folder / "no" / "such" / "folder.log", self.folder):
            with self.subTest(bad):
                text = f'log = {{ target = "{bad}"; }};' + self.verifier_text(free_port(), backend.port)
                done = self.command("run", "-c", self.config(text))
                self.assertEqual(3, done.returncode, done.stderr)
                self.assertIn(str(bad), done.stderr)
                checked = self.command("check", "-c", self.folder / "mtlsd.conf")
                self.assertEqual(3, checked.returncode, checked.stdout)
                self.assertIn(str(bad), checked.stdout + checked.stderr)

    def test_a_reload_to_one_that_cannot_be_written_changes_nothing(self):
        self.start("text")
        good = self.mtlsd.config_path.read_text()
        bad = good.replace(str(self.path), str(self.folder / "no" / "file.log")).replace('format = "text"', 'format = "json"')
        self.mtlsd.config_path.write_text(bad)
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: any("the old configuration stays in use" in line for line in self.lines()), "the refusal")
        self.assertEqual([200], self.talk(get()))
        line, = wait_for(self.accesses, "the line")
        self.assertTrue(TEXT.fullmatch(line), "still the old format")

    def test_a_reload_moves_to_another_file_format_and_level(self):
        self.start("text")
        other = self.folder / "other.log"
        text = self.mtlsd.config_path.read_text().replace(str(self.path), str(other)).replace('format = "text"', 'format = "combined"')
        self.mtlsd.config_path.write_text(text)
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: "the new configuration is in use" in self.mtlsd.log, "the reload")
        self.talk(get(b"/", b"User-Agent: curl/7"))
        line, = wait_for(lambda: self.lines(other), "the line")
        self.assertEqual('"curl/7"', COMBINED.fullmatch(line)["agent"])
        self.assertEqual([], self.accesses())


if __name__ == "__main__":
    harness.main()
