# SPDX-License-Identifier: Apache-2.0
"""Metrics of a daemon that is injector and verifier at once: names, values, what a reload removes, and the alert rules and dashboard that use them."""
import json
import re
import shutil
import signal
import subprocess
import unittest

import harness
import peers
from harness import free_port, wait_for

MONITORING = harness.ROOT / "packaging/monitoring"
MANUAL = harness.ROOT / "packaging/man/mtlsd.1"
SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? ([0-9.]+)$')


def families(page):
    """{name: (type, help)} of a page of metrics."""
    return {name: (kind, about) for name, about, again, kind in re.findall(r"^# HELP (\w+) (.*)\n# TYPE (\w+) (\w+)$", page, re.M) if name == again}


def families_of_the_manual():
    text = MANUAL.read_text()
    section = text[text.index(".Sh METRICS"):text.index(".Sh SIGNALS")]
    items = re.findall(r"^\.It Li (mtlsd_\w+)(?: Pq .*)?\n(\w+)\.\n((?:[^.\n].*\n)+)", section, re.M)
    return {name: (kind.lower(), about.strip().replace("\n", " ")) for name, kind, about in items}


def names_in(text):
    """Metrics that an expression asks for, without the suffixes of histograms."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bmtlsd_\w+", text)}


class Metrics(harness.Case):
    def setUp(self):
        super().setUp()
        self.local, self.public, self.backend = free_port(), free_port(), peers.Backend(self, lambda request: peers.reply(b"ok"))

    def text(self, upstream="far"):
        pki = self.pki
        return f"""
            admin = {{ socket = "unix:{self.folder}/admin.sock"; }};
            identities = {{ us = {{ bundle = "{pki.server().pem}"; }}; me = {{ bundle = "{pki.client().pem}"; }}; }};
            trusts = {{ them = {{ ca = "{pki.ca("root").crt}"; }}; }};
            upstreams = {{
                app = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }};
                {upstream} = {{ targets = [ "127.0.0.1:{self.public}" ]; tls = {{ identity = "me"; trust = "them"; server_name = "localhost"; }}; }};
            }};
            listeners = {{
                public = {{ bind = "127.0.0.1:{self.public}"; upstream = "app"; tls = {{ identity = "us"; trust = "them"; }}; }};
                local = {{ bind = "127.0.0.1:{self.local}"; upstream = "{upstream}"; }};
            }};"""

    def start(self):
        self.mtlsd = self.daemon(self.text(), [self.local, self.public], [self.folder / "admin.sock"])

    def page(self):
        answer = self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/metrics")
        self.assertEqual((200, "text/plain; version=0.0.4; charset=utf-8"), (answer.status, answer.header("Content-Type")))
        return answer.text

    def samples(self):
        return {(m[1], m[2] or ""): float(m[3]) for line in self.page().splitlines() if not line.startswith("#") for m in [SAMPLE.match(line)]}

    def test_requests_handshakes_and_dates_are_counted(self):
        self.start()
        for version in ("--http1.1", "--http1.1", "--http2-prior-knowledge"):
            self.assertEqual("ok", self.curl(version, f"http://127.0.0.1:{self.local}/").text)
        self.curl(f"http://127.0.0.1:{self.local}/", "-H", "Host: evil.example")
        stranger = self.pki.leaf("stranger", self.pki.ca("other"), eku=("clientAuth",))
        self.assertNotEqual(0, self.curl_tls(self.public, client=stranger).exit)
        found = wait_for(lambda: (s := self.samples())[("mtlsd_tls_handshakes_total", 'side="listener",name="public",result="valid"')] == 1 and s, "the counts")
        expected = {
            ("mtlsd_http_requests_total", 'listener="local",upstream="far",code_class="2xx"'): 3,
            ("mtlsd_http_requests_total", 'listener="local",upstream="",code_class="4xx"'): 1,
            ("mtlsd_http_requests_total", 'listener="public",upstream="app",code_class="2xx"'): 3,
            ("mtlsd_http_request_duration_seconds_count", 'listener="local",upstream="far"'): 3,
            ("mtlsd_tls_handshakes_total", 'side="upstream",name="far",result="valid"'): 1,
            ("mtlsd_tls_handshakes_total", 'side="listener",name="public",result="unknown_ca"'): 1,
            ("mtlsd_tls_handshake_duration_seconds_count", 'side="upstream",name="far"'): 1,
            ("mtlsd_refused_total", 'listener="public",reason="unknown_ca"'): 1,
            ("mtlsd_clients_total", 'listener="public",status="valid"'): 1,
            ("mtlsd_upstream_connects_total", 'upstream="far"'): 1,
        }
        self.assertEqual(expected, {key: found.get(key) for key in expected})
        ends = {name: value for (name, _), value in found.items() if name.endswith("not_after_timestamp_seconds")}
        self.assertEqual({"mtlsd_identity_not_after_timestamp_seconds", "mtlsd_trust_not_after_timestamp_seconds",
                          "mtlsd_client_not_after_timestamp_seconds", "mtlsd_upstream_peer_not_after_timestamp_seconds"}, set(ends))
        self.assertTrue(all(value > 1.7e9 for value in ends.values()), ends)

    def test_a_series_ends_with_what_it_names_and_reloads_are_counted(self):
        self.start()
        self.curl(f"http://127.0.0.1:{self.local}/")
        self.assertIn(("mtlsd_http_requests_total", 'listener="local",upstream="far",code_class="2xx"'), self.samples())
        self.mtlsd.config_path.write_text('workers = 1; drain_timeout = "2s";\n' + self.text(upstream="near"))
        self.mtlsd.signal(signal.SIGHUP)
        good, bad = ("mtlsd_reloads_total", 'result="reloaded"'), ("mtlsd_reloads_total", 'result="refused"')
        found = wait_for(lambda: (s := self.samples())[good] == 1 and s, "the reload")
        self.assertEqual([], [key for key in found if "far" in key[1]])
        self.assertIn(("mtlsd_upstream_target_up", f'upstream="near",target="127.0.0.1:{self.public}"'), found)
        self.mtlsd.config_path.write_text("nonsense")
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: self.samples()[bad] == 1, "the refusal")

    def test_top_shows_the_traffic_of_each_second(self):
        self.start()
        top = self.spawn("top", [harness.MTLSD, "top", "-c", self.mtlsd.config_path, "--every", "1", "--count", "2"])
        wait_for(lambda: "LISTENER" in top.log, "the first sheet")
        for _ in range(10):
            self.curl(f"http://127.0.0.1:{self.local}/")
        self.assertEqual(0, top.wait(20))
        rows = re.findall(r"^ *local +(\d+) +(\S+)", top.log, re.M)
        self.assertEqual(["-", True], [rows[0][1], float(rows[1][1]) > 1], top.log)
        done = self.command("top", "--socket", self.folder / "nothing.sock", "--count", "1")
        self.assertEqual(1, done.returncode)

    def test_the_manual_lists_each_metric_with_its_help(self):
        self.start()
        self.assertGreater(len(families_of_the_manual()), 20)
        self.assertEqual(families_of_the_manual(), families(self.page()))

    def test_promtool_accepts_the_page_and_the_alert_rules(self):
        if not shutil.which("promtool"):
            self.skipTest("needs promtool")
        self.start()
        self.curl(f"http://127.0.0.1:{self.local}/")
        for argv, data in ((["check", "metrics"], self.page()), (["check", "rules", MONITORING / "alerts.yml"], None)):
            done = subprocess.run(["promtool", *argv], input=data, capture_output=True, text=True, timeout=30)
            self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)


# The names and labels that are promised to those who build on them. More may come beside these.
CONTRACT = {
    "build_info": {"version"},
    "connections": {"listener"},
    "connections_total": {"listener"},
    "http_requests_total": {"listener", "upstream", "code_class"},
    "http_request_duration_seconds_count": {"listener", "upstream"},
    "bytes_total": {"direction"},
    "tls_handshakes_total": {"side", "name", "result"},
    "tls_handshake_duration_seconds_count": {"side", "name"},
    "tls_sessions_resumed_total": {"side", "name"},
    "identity_not_after_timestamp_seconds": {"identity"},
    "trust_not_after_timestamp_seconds": {"trust"},
    "crl_next_update_timestamp_seconds": {"trust"},
    "upstream_peer_not_after_timestamp_seconds": {"upstream"},
    "client_not_after_timestamp_seconds": {"listener"},
    "upstream_target_up": {"upstream"},
    "registry_rows": {"registry", "state"},
    "registry_age_seconds": {"registry"},
    "reloads_total": {"result"},
    "rotations_total": {"identity", "result"},
    "config_last_reload_success_timestamp_seconds": set(),
}
NAMES = ("us", "me", "them", "partners", "app", "far", "public", "local")


class Contract(harness.Case):
    """A configuration that has one of everything, under names that a reload changes."""

    def text(self, suffix):
        pki, name = self.pki, {n: n + suffix for n in NAMES}
        return """
            admin = { socket = "unix:%(folder)s/admin.sock"; };
            identities = { %(us)s = { bundle = "%(server)s"; }; %(me)s = { bundle = "%(client)s"; }; };
            registries = { %(partners)s = { database = "sqlite:%(folder)s/registry.db"; }; };
            trusts = { %(them)s = { ca = "%(ca)s"; crl = "%(crl)s"; registry = "%(partners)s"; }; far_ones = { ca = "%(ca)s"; }; };
            upstreams = { %(app)s = { targets = "127.0.0.1:%(backend)s"; };
                %(far)s = { targets = "127.0.0.1:%(tls)s"; tls = { identity = "%(me)s"; trust = "far_ones"; server_name = "localhost"; }; }; };
            listeners = { %(public)s = { bind = "127.0.0.1:%(tls)s"; upstream = "%(app)s"; tls = { identity = "%(us)s"; trust = "%(them)s"; }; };
                %(local)s = { bind = "127.0.0.1:%(plain)s"; upstream = "%(far)s"; }; };""" % {
                    **name, "folder": self.folder, "server": pki.server().pem, "client": pki.client().pem, "ca": pki.ca("root").crt,
                    "crl": pki.crl("metrics-contract", pki.ca("root")), "backend": self.backend.port, "tls": self.tls, "plain": self.plain}

    def labels(self):
        """{name: [labels of a series]}"""
        found = {}
        for line in self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/metrics").text.splitlines():
            if m := SAMPLE.match(line):
                found.setdefault(m[1], []).append(dict(re.findall(r'(\w+)="([^"]*)"', m[2] or "")))
        return found

    def use(self):
        self.assertEqual("ok", self.curl(f"http://127.0.0.1:{self.plain}/").text)
        stranger = self.pki.leaf("stranger", self.pki.ca("other"), eku=("clientAuth",))
        self.assertNotEqual(0, self.curl_tls(self.tls, client=stranger).exit)

    def test_each_name_is_there_and_goes_with_what_it_names(self):
        self.tls, self.plain, self.backend = free_port(), free_port(), peers.Backend(self, lambda request: peers.reply(b"ok"))
        database = f"sqlite:{self.folder}/registry.db"
        for arguments in (("init",), ("add", self.pki.client().crt)):
            self.assertEqual(0, self.command("registry", *arguments, "--database", database).returncode)
        self.mtlsd = self.daemon(self.text("_before"), [self.tls, self.plain], [self.folder / "admin.sock"])
        wait_for(lambda: self.curl(f"http://127.0.0.1:{self.plain}/").status == 200, "the rows of the registry")
        self.use()
        found = wait_for(lambda: (f := self.labels()) if any(s["result"] == "unknown_ca" for s in self.labels()["mtlsd_tls_handshakes_total"]) else None, "the counts")
        for name, labels in CONTRACT.items():
            with self.subTest(name):
                self.assertIn(f"mtlsd_{name}", found)
                self.assertLessEqual(labels, set(found[f"mtlsd_{name}"][0]))
        used = {value for series in found.values() for labels in series for value in labels.values()}
        self.assertEqual({f"{n}_before" for n in NAMES}, {value for value in used if value.endswith("_before")})
        self.config(self.text("_after"))
        self.mtlsd.signal(signal.SIGHUP)
        wait_for(lambda: "in use, generation 2" in self.mtlsd.log, "the reload")
        self.use()
        after = {value for series in self.labels().values() for labels in series for value in labels.values()}
        self.assertEqual(set(), {value for value in after if value.endswith("_before")})
        self.assertEqual({f"{n}_after" for n in NAMES}, {value for value in after if value.endswith("_after")})


class Monitoring(unittest.TestCase):
    def test_the_alert_rules_name_metrics_that_exist(self):
        asked = names_in((MONITORING / "alerts.yml").read_text())
        self.assertGreater(len(asked), 8)
        self.assertEqual(set(), asked - set(families_of_the_manual()))

    def test_the_dashboard_shows_every_metric_and_no_other(self):
        board = json.loads((MONITORING / "grafana.json").read_text())
        asked = set().union(*(names_in(target["expr"]) for panel in board["panels"] for target in panel["targets"]))
        self.assertEqual(set(families_of_the_manual()), asked)

    def test_the_panels_of_the_dashboard_do_not_overlap(self):
        places = [(panel["title"], panel["gridPos"]) for panel in json.loads((MONITORING / "grafana.json").read_text())["panels"]]
        for i, (title, a) in enumerate(places):
            self.assertLessEqual(a["x"] + a["w"], 24, title)
            for other, b in places[:i]:
                apart = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"] or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
                self.assertTrue(apart, f"{title} and {other}")


if __name__ == "__main__":
    harness.main()
