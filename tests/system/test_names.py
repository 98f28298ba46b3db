# SPDX-License-Identifier: Apache-2.0
"""D8: host names of targets that are absent at the start, change while the daemon runs, or get no answer. The test has its own name server."""
import socket
import struct
import subprocess
import threading
import time

import harness
import peers
from harness import free_port, wait_for

SERVER = "127.9.9.9"


class NameServer:
    """Answers A questions from a table: a list of addresses, None for silence; what is not there does not exist."""

    def __init__(self, case):
        self.table, self.asked = {}, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        case.addCleanup(self.socket.close)
        try:
            self.socket.bind((SERVER, 53))
        except PermissionError:
            case.skipTest("needs root: a name server of its own")
        self.socket.settimeout(0.2)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.over = False
        case.addCleanup(self.stop)
        self.thread.start()

    def stop(self):
        self.over = True
        self.thread.join()

    def serve(self):
        while not self.over:
            try:
                question, sender = self.socket.recvfrom(4096)
            except TimeoutError:
                continue
            except OSError:
                return
            if answer := self.answer(question):
                self.socket.sendto(answer, sender)

    def answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode())
            at += 1 + question[at]
        kind = struct.unpack(">H", question[at + 1:at + 3])[0]
        name, echoed = ".".join(labels).lower(), question[12:at + 5]
        if kind == 1:
            self.asked.append(name)
        if name in self.table and self.table[name] is None:
            return None
        addresses = self.table.get(name, []) if kind == 1 else []
        code = 0 if name in self.table else 3
        records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + socket.inet_aton(a) for a in addresses)
        return question[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(addresses), 0, 0) + echoed + records


class Names(harness.Case):
    def setUp(self):
        super().setUp()
        self.names = NameServer(self)

    def start(self, targets, timeouts='timeouts = { connect = "5s"; };'):
        """A plaintext listener for each target; gives their ports."""
        resolv = self.write("resolv.conf", f"nameserver {SERVER}\noptions timeout:9 attempts:2\n")
        if subprocess.run(["unshare", "-m", "mount", "--bind", str(resolv), "/etc/resolv.conf"], capture_output=True).returncode:
            self.skipTest("needs the right to mount: a resolv.conf of its own")
        ports = [free_port() for _ in targets]
        upstreams = " ".join(f'u{n} = {{ targets = [ "{target}" ]; retry_after = "0s"; {timeouts} }};' for n, target in enumerate(targets))
        listeners = " ".join(f'l{n} = {{ bind = "127.0.0.1:{port}"; upstream = "u{n}"; }};' for n, port in enumerate(ports))
        path = self.config(f"upstreams = {{ {upstreams} }}; listeners = {{ {listeners} }};")
        script = f"mount --bind {resolv} /etc/resolv.conf && exec {harness.MTLSD} run -c {path}"
        self.mtlsd = self.spawn("mtlsd", ["unshare", "-m", "sh", "-c", script], ports, env=self.environment())
        self.daemons.append(self.mtlsd)
        return ports

    def ask(self, port):
        return self.curl(f"http://127.0.0.1:{port}/")

    def test_name_that_does_not_exist_at_the_start_may_come_later(self):
        backend = peers.Backend(self, lambda request: peers.reply(b"here"))
        [port] = self.start([f"late.example:{backend.port}"])
        problem = self.assert_problem(self.ask(port), 502, "dns_failed", "network")
        self.assertIn("late.example", problem["detail"])
        self.names.table["late.example"] = ["127.0.0.1"]
        wait_for(lambda: self.ask(port).status == 200, "the name to be found")

    def test_failure_and_answer_are_remembered(self):
        backend = peers.Backend(self, lambda request: peers.reply(b"here", fields=[("Connection", "close")]))
        self.names.table["known.example"] = ["127.0.0.1"]
        known, unknown = self.start([f"known.example:{backend.port}", "unknown.example:1"])
        for _ in range(5):
            self.assertEqual(200, self.ask(known).status)
        self.assertEqual(1, self.names.asked.count("known.example"))
        began = time.monotonic()
        for _ in range(5):
            self.assertEqual(502, self.ask(unknown).status)
        self.assertLessEqual(self.names.asked.count("unknown.example"), 1 + int(time.monotonic() - began))

    def test_other_address_is_found_when_the_old_one_is_gone(self):
        backend = peers.Backend(self, lambda request: peers.reply(b"here", fields=[("Connection", "close")]))
        self.names.table["moves.example"] = ["127.0.0.1"]
        [port] = self.start([f"moves.example:{backend.port}"])
        self.assertEqual(200, self.ask(port).status)
        self.names.table["moves.example"] = ["127.0.0.2", "127.0.0.3"] # nobody listens there
        self.assertEqual(200, self.ask(port).status) # still known
        backend.close()
        wait_for(lambda: "127.0.0.3, the last of 2 addresses" in self.ask(port).text, "the new addresses to be tried")

    def test_silent_names_keep_no_other_waiting_and_end_in_time(self):
        backend = peers.Backend(self, lambda request: peers.reply(b"here"))
        silent = [f"silent{n}.example" for n in range(4)]
        self.names.table.update({name: None for name in silent}, **{"good.example": ["127.0.0.1"]})
        *holes, good = self.start([f"{name}:1" for name in silent] + [f"good.example:{backend.port}"])
        began, answers = time.monotonic(), []
        threads = [threading.Thread(target=lambda port=port: answers.append(self.ask(port))) for port in holes]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(set(self.names.asked)) >= 2, "two look-ups to run")
        self.assertEqual(200, self.ask(good).status)
        self.assertLess(time.monotonic() - began, 4.9, "it did not wait until the others gave up")
        for thread in threads:
            thread.join()
        self.assertLess(time.monotonic() - began, harness.busy(8))
        for answer in answers:
            self.assert_problem(answer, 502, "dns_failed", "network")
        began = time.monotonic()
        self.assertEqual(0, self.mtlsd.stop())
        self.assertLess(time.monotonic() - began, harness.busy(2))


if __name__ == "__main__":
    harness.main()
