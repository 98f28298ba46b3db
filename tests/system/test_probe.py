# SPDX-License-Identifier: Apache-2.0
"""The probe of containers: ready, not ready and no daemon are three exit codes."""
import signal
import socket
import unittest

import harness
from harness import free_port, wait_for

READY, UNREACHABLE, NOT_READY = 0, 1, 4


class Probe(harness.Case):
    def test_ready_then_draining_then_gone(self):
        target, port = socket.create_server(("127.0.0.1", 0)), free_port()
        self.addCleanup(target.close)
        admin = self.folder / "admin.sock"
        text = f"""admin = {{ socket = "unix:{admin}"; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{target.getsockname()[1]}" ]; }}; }};
            listeners = {{ front = {{ bind = "127.0.0.1:{port}"; protocol = "tcp"; upstream = "app"; }}; }};"""
        daemon = self.daemon(text, [port], [admin], prelude='workers = 1; drain_timeout = "20s";\n')
        ready = self.command("probe", "-c", daemon.config_path)
        self.assertEqual((ready.returncode, ready.stderr), (READY, ""))
        with socket.create_connection(("127.0.0.1", port)) as held:
            other, _ = target.accept()
            other.sendall(b"x")
            self.assertEqual(held.recv(1), b"x")
            daemon.signal(signal.SIGTERM)
            wait_for(lambda: self.command("probe", "--socket", admin).returncode == NOT_READY, "the drain in the probe")
            self.assertIn("drain", self.command("probe", "--socket", admin).stderr)
            other.close()
        self.assertEqual(daemon.wait(), 0)
        gone = self.command("probe", "--socket", admin)
        self.assertEqual(gone.returncode, UNREACHABLE)
        self.assertIn(str(admin), gone.stderr)


if __name__ == "__main__":
    unittest.main()
