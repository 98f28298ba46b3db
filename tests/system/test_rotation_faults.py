# SPDX-License-Identifier: Apache-2.0
"""D7: files that vanish, change their kind or are written without end: the last good state serves on, and status, metrics and log say what is wrong."""
import concurrent.futures
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import unittest

import harness
import peers
import test_clock
import test_rotation
from harness import free_port, wait_for

NO_WATCHES = "echo 0 > /proc/sys/user/max_inotify_watches && exec "  # of the user namespace


def may_limit_watches():
    return subprocess.run(["unshare", "-U", "-r", "sh", "-c", NO_WATCHES + "true"], stderr=subprocess.DEVNULL).returncode == 0


class Case(test_rotation.Case):
    def metrics(self):
        return self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/metrics").text

    def refused(self):
        return int(self.metrics().split('mtlsd_reloads_total{result="refused"} ')[1].split("\n")[0])

    def expect_refused(self, words):
        """It says so in each place, and serves on with the first certificate."""
        wait_for(lambda: self.refused() > 0, "the refusal in the metrics")
        self.wait_for_log(rf"error reload +.*refused, the old configuration stays in use: .*{words}")
        status = self.command("status", "-c", self.mtlsd.config_path).stdout
        self.assertRegex(status, rf"last reload refused .*\n.*{words}")
        self.assertEqual(self.first.serial, self.serial())

    def recover(self):
        fresh = self.fresh()
        self.put_pair(fresh)
        self.wait_for_serial(fresh)


class Files(Case):
    def test_a_folder_that_is_swapped_for_a_file(self):
        self.start()
        away = self.folder / "away"
        self.mine.rename(away)
        self.mine.write_text("not a folder")
        self.expect_refused("tls.key: cannot open: Not a directory")
        self.mine.unlink()
        away.rename(self.mine)
        self.recover()

    def test_a_link_that_leads_to_itself(self):
        self.start()
        self.certificate.unlink()
        self.certificate.symlink_to(self.certificate.name)
        self.expect_refused("tls.crt: cannot open: Too many levels of symbolic links")
        self.certificate.unlink()
        self.recover()

    def test_a_key_that_everybody_may_read(self):
        self.start()
        self.key.chmod(0o644)
        self.expect_refused("tls.key")
        self.key.chmod(0o600)
        wait_for(lambda: "generation 2" in self.mtlsd.log, "the key to be taken again")
        self.recover()

    def test_a_key_that_is_gone(self):
        self.start()
        self.key.unlink()
        self.expect_refused("tls.key: cannot open: No such file or directory")
        self.recover()

    def test_a_folder_that_is_gone(self):
        self.start()
        shutil.rmtree(self.mine)
        self.expect_refused("No such file or directory")
        self.mine.mkdir()
        self.recover()

    def test_a_log_on_a_full_disk(self):
        self.start(top='log = { target = "/dev/full"; };')
        self.assertEqual(self.first.serial, self.serial())
        self.recover()
        self.assertEqual(0, self.command("status", "-c", self.mtlsd.config_path).returncode)

    def test_ten_thousand_events_a_second_cost_little_and_hide_nothing(self):
        self.start()
        stop, events = threading.Event(), []

        def write():
            other = self.mine / "other"
            while not stop.is_set():
                other.write_bytes(b"x")
                other.unlink()
                events.append(4)
        thread = threading.Thread(target=write)
        ticks = os.sysconf("SC_CLK_TCK")

        def spent():
            fields = pathlib.Path(f"/proc/{self.mtlsd.popen.pid}/stat").read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / ticks
        before = spent()
        thread.start()
        try:
            wait_for(lambda: sum(events) > 20000, "twenty thousand events", seconds=20)
            self.assertLess(spent() - before, 1, "of CPU time")
            self.recover()
        finally:
            stop.set()
            thread.join()


class Watching(Case):
    @unittest.skipUnless(may_limit_watches(), "no user namespace can be made here")
    def test_without_inotify_files_are_polled_and_that_is_said(self):
        self.first = self.fresh()
        self.put_pair(self.first)
        port, admin = free_port(), self.folder / "admin.sock"
        text = self.injector_text(port, f"127.0.0.1:{self.origin()}").replace(f'bundle = "{self.pki.client().pem}";',
                                                                             f'certificate = "{self.certificate}"; key = "{self.key}";')
        path = self.config(f'admin = {{ socket = "unix:{admin}"; }};' + text)
        self.mtlsd = self.spawn("mtlsd", ["unshare", "-U", "-r", "sh", "-c", f"{NO_WATCHES}{harness.MTLSD} run -c {path}"], [port], [admin],
                                env=self.environment())
        self.mtlsd.config_path = path
        self.url = f"http://127.0.0.1:{port}/"
        self.wait_for_log(r"warn  watch +.*cannot be watched .*raise fs.inotify.max_user_watches")
        self.assertIn("mtlsd_files_polled 1\n", self.metrics())
        self.assertIn("are polled", self.command("status", "-c", path).stdout)
        self.recover()
        self.assert_told(1, "cannot be watched", self.mtlsd.log)

    def test_with_inotify_nothing_is_polled(self):
        self.start()
        self.assertIn("mtlsd_files_polled 0\n", self.metrics())


class Reloads(Case):
    def test_several_at_once_are_all_answered(self):
        self.start()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            done = list(pool.map(lambda _: self.command("reload", "-c", self.mtlsd.config_path), range(4)))
        self.assertEqual([0] * 4, [d.returncode for d in done], [d.stderr for d in done])
        self.assertEqual(self.first.serial, self.serial())

    def test_a_signal_to_reload_during_a_drain_changes_nothing(self):
        release = threading.Event()
        self.addCleanup(release.set)

        def slow(server, connection):
            server.record(peers.read_until(connection, b"\r\n\r\n"))
            release.wait(20)
            connection.sendall(peers.reply(b"done"))
        target = peers.tls_server(self, peers.server_context(self.pki.server(), self.pki.ca("root")), slow)
        self.start(f"127.0.0.1:{target.port}")
        port = int(self.url.split(":")[2].strip("/"))
        with peers.connect(port) as app:
            app.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wait_for(lambda: target.received, "the request")
            self.mtlsd.signal(signal.SIGTERM)
            self.wait_for_log("drain +")
            self.mtlsd.signal(signal.SIGHUP)
            self.wait_for_log("refused, the old configuration stays in use: the daemon is draining")
            release.set()
            self.assertEqual(200, peers.response(app)[0])
        self.assertEqual(0, self.mtlsd.wait())


class Expiry(test_rotation.Case, test_clock.Case):
    """The daemon's clock passes the end of a certificate whose successor the upstream refuses."""

    def test_the_new_certificate_is_used_once_the_old_one_has_expired(self):
        first = self.fresh(days=10)
        self.start(first=first)
        self.put_pair(self.fresh(ca="other"))
        self.wait_for_log(r"upstream far .* refuses the new certificate")
        self.assertEqual(first.serial, self.serial())
        self.move(8.5)
        last = self.fresh(ca="other")
        self.put_pair(last)
        wait_for(lambda: self.mtlsd.log.count("refuses the new certificate") > 2, "another refusal")
        self.assertEqual(first.serial, self.serial())
        self.move(9.5)
        self.put_pair(self.fresh(ca="other"))
        self.wait_for_log(r"warn .*refuses the new certificate.*the old one is expired")
        self.wait_for_log("generation 2")
        good = self.fresh()
        self.put_pair(good)
        self.wait_for_log("generation 3")
        self.wait_for_serial(good)


if __name__ == "__main__":
    harness.main()
