# SPDX-License-Identifier: Apache-2.0
"""gRPC through an injector and a verifier, with @grpc/grpc-js and with grpcio on either end: every kind of call, and refusals that a client can read.

GRPC_DIRECT=1 leaves mtlsd out, to see that the peers themselves are right. GRPC_TABLE=FILE writes a table of all calls and refusals (tests/bench/results/grpc.md).
"""
import atexit
import datetime
import functools
import json
import os
import pathlib
import select
import shutil
import socket
import subprocess
import unittest

import h2case
import harness
from harness import free_port

FOLDER = pathlib.Path(__file__).resolve().parent / "grpc"
INSTALLED = harness.ROOT / "build" / "grpc-js"
PYTHON = "/usr/bin/python3"  # the one that Debian's python3-grpcio belongs to
DIRECT = "GRPC_DIRECT" in os.environ
CODES = {0: "OK", 1: "CANCELLED", 4: "DEADLINE_EXCEEDED", 9: "FAILED_PRECONDITION", 12: "UNIMPLEMENTED", 14: "UNAVAILABLE", 15: "DATA_LOSS"}
CANCELLED, DEADLINE_EXCEEDED, FAILED_PRECONDITION, UNIMPLEMENTED, UNAVAILABLE, DATA_LOSS = 1, 4, 9, 12, 14, 15


@functools.cache
def has_grpc_js():
    """The packages of the lock file, installed once below build/; without npm or its registry there is no such peer."""
    if not shutil.which("node") or not shutil.which("npm"):
        return False
    lock = INSTALLED / "package-lock.json"
    if not lock.exists() or lock.read_bytes() != (FOLDER / "package-lock.json").read_bytes():
        INSTALLED.mkdir(parents=True, exist_ok=True)
        shutil.copy(FOLDER / "package.json", INSTALLED)
        shutil.copy(FOLDER / "package-lock.json", INSTALLED)
        try:
            subprocess.run(["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0"],
                           cwd=INSTALLED, capture_output=True, timeout=30, check=True)
        except (subprocess.SubprocessError, OSError):
            lock.unlink(missing_ok=True)
            return False
    return True


@functools.cache
def has_grpcio():
    return subprocess.run([PYTHON, "-c", "import grpc"], capture_output=True, check=False).returncode == 0


PEERS = {"grpc-js": (has_grpc_js, ["node", FOLDER / "peer.js"]), "grpcio": (has_grpcio, [PYTHON, FOLDER / "peer.py"])}


class Table:
    """What each client was told, for people: a row for each call and for each refusal."""
    CALLS = [("unary", "unary: metadata, an answer, trailers"), ("empty", "unary: empty messages"), ("large", "unary: 3 MiB each way"), ("fail", "unary: an error behind headers"),
             ("missing", "unary: an unknown method, refused by trailers alone"), ("upload", "client streaming: 100 messages, 1 MB"),
             ("download", "server streaming: 200 messages, 2 MB"), ("failLate", "server streaming: an error behind one message"),
             ("talk", "both-way streaming: 50 messages in turn"), ("deadline", "a deadline that passes"), ("cancel", "cancelled by the client, and told to the server"),
             ("health", "grpc.health.v1: Check")]

    def __init__(self):
        self.calls, self.refusals = {}, {}

    def add_calls(self, pair, got):
        self.calls[pair] = {key: f"{got[key]['code']} {CODES[got[key]['code']]}" for key, _ in self.CALLS}
        self.calls[pair]["deadline"] += f" after {got['deadline']['ms']:.0f} ms"

    def add_refusal(self, what, client, got):
        self.refusals.setdefault(what, {})[client] = f"{got['code']} {CODES[got['code']]}: {got['details']}"

    def write(self, path):
        pairs = sorted(self.calls)
        lines = ["# gRPC through an injector and a verifier: calls and refusals", "",
                 f"{datetime.date.today().isoformat()}, `GRPC_TABLE=FILE python3 tests/system/test_grpc.py`", "",
                 "## Calls: the status that the client got, by client and server", "", f"| call | {' | '.join(pairs)} |", "| --- |" + " --- |" * len(pairs),
                 *(f"| {words} | {' | '.join(self.calls[pair][key] for pair in pairs)} |" for key, words in self.CALLS), "",
                 "150 calls at once on one connection, which takes 100: each of these pairs answered all of them.", "",
                 "## Refusals: the status and its message, by client", "", "| refused because | client | told |", "| --- | --- | --- |",
                 *(f"| {what} | {client} | {told} |" for what, by in self.refusals.items() for client, told in sorted(by.items())), ""]
        pathlib.Path(path).write_text("\n".join(lines))


TABLE = Table()
if "GRPC_TABLE" in os.environ:
    atexit.register(TABLE.write, os.environ["GRPC_TABLE"])


class Case(h2case.Case):
    def argv(self, name):
        there, argv = PEERS[name]
        if not there():
            self.skipTest(f"needs {name}")
        return argv

    def environment(self):
        return dict(super().environment(), NODE_PATH=str(INSTALLED / "node_modules"))

    def server(self, name):
        port = free_port()
        self.spawn(name, [*self.argv(name), "serve", port], [port], env=self.environment())
        return port

    def chain(self, backend, listener="", upstream="", clients=None):
        """An injector in front of a verifier in front of the backend; gives the injector's port."""
        if DIRECT:
            return backend
        middle, front = free_port(), free_port()
        me = self.pki.server()
        self.verifying = self.daemon(f"""
            identities = {{ me = {{ bundle = "{me.pem}"; }}; }};
            trusts = {{ clients = {{ ca = "{(clients or self.pki.ca("root")).crt}"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{backend}" ]; {h2case.PRIOR_KNOWLEDGE} {upstream} }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{middle}"; {listener or 'upstream = "app";'} identity_headers = [ "x-ssl" ];
                tls = {{ identity = "me"; trust = "clients"; }}; }}; }};""", [middle], name="verifier")
        self.injecting = self.daemon(self.injector_text(front, f"localhost:{middle}"), [front], name="injector")
        return front

    def calls(self, name, port, which="call"):
        done = subprocess.run([*map(str, self.argv(name)), which, f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=90, env=self.environment(), check=False)
        self.assertEqual(0, done.returncode, done.stderr[-3000:])
        return json.loads(done.stdout)


class Calls(Case):
    def check(self, client, server):
        self.argv(client)
        got = self.calls(client, self.chain(self.server(server)))
        self.assertEqual((0, "ping", "hello"), (got["unary"]["code"], got["unary"]["body"], got["unary"]["head"]["x-got"]))
        self.assertEqual("of unary", got["unary"]["trailers"]["x-last"])
        self.assertIn("x-sent-bin", got["unary"]["head"]["x-fields"])
        if not DIRECT:
            self.assertEqual("client1", got["unary"]["head"]["x-identity"])
        self.assertEqual((0, ""), (got["empty"]["code"], got["empty"]["body"]))
        self.assertEqual({"code": 0, "bytes": 3 << 20}, got["large"])
        self.assertEqual((FAILED_PRECONDITION, "no \u00e4, 100 % no", "because"), (got["fail"]["code"], got["fail"]["details"], got["fail"]["trailers"]["x-why"]))
        self.assertEqual(UNIMPLEMENTED, got["missing"]["code"])
        self.assertEqual((0, "100 1000000"), (got["upload"]["code"], got["upload"]["body"]))
        self.assertEqual((0, 200, 2000000, "of download"), (got["download"]["code"], got["download"]["messages"], got["download"]["bytes"], got["download"]["trailers"]["x-last"]))
        self.assertEqual((DATA_LOSS, "lost", 1), (got["failLate"]["code"], got["failLate"]["details"], got["failLate"]["messages"]))
        self.assertEqual((0, 50), (got["talk"]["code"], got["talk"]["messages"]))
        self.assertEqual(DEADLINE_EXCEEDED, got["deadline"]["code"])
        self.assertLess(got["deadline"]["ms"], 3000)
        self.assertEqual(CANCELLED, got["cancel"]["code"])
        self.assertIn(got["cancelled"], (1, 2), "2: a busy server learns late that the call before it was over")
        self.assertEqual(150, got["many"])
        self.assertEqual((0, "\x08\x01"), (got["health"]["code"], got["health"]["body"]))
        TABLE.add_calls(f"{client} to {server}", got)

    def test_grpc_js_to_grpc_js(self):
        self.check("grpc-js", "grpc-js")

    def test_grpcio_to_grpcio(self):
        self.check("grpcio", "grpcio")

    def test_grpc_js_to_grpcio(self):
        self.check("grpc-js", "grpcio")

    def test_grpcio_to_grpc_js(self):
        self.check("grpcio", "grpc-js")


@unittest.skipIf(DIRECT, "nobody checks")
class Health(Case):
    def check(self, name):
        """Three upstreams with one target, which is not there yet. It comes back for those whose service it knows."""
        argv, port, front = self.argv(name), free_port(), free_port()
        upstream = lambda who, service: f"""
            {who} = {{ targets = [ "127.0.0.1:{port}" ]; {h2case.PRIOR_KNOWLEDGE} health = {{ grpc = "{service}"; interval = "500ms"; }}; }};"""
        mtlsd = self.daemon(f"""
            upstreams = {{ {upstream("echo", "test.Echo")} {upstream("server", "")} {upstream("other", "other.Service")} }};
            listeners = {{ local = {{ bind = "127.0.0.1:{front}"; routes = ( {{ path = "/server"; upstream = "server"; }},
                {{ path = "/other"; upstream = "other"; }}, {{ upstream = "echo"; }} ); }}; }};""", [front])
        told = lambda event: {who for who in ("echo", "server", "other") for line in mtlsd.log.splitlines() if f" {event} " in line and f"upstream={who} " in line}
        harness.wait_for(lambda: len(told("target_down")) == 3, "all checks to fail")
        self.spawn(name, [*argv, "serve", port], [port], env=self.environment())
        harness.wait_for(lambda: told("target_up") == {"echo", "server"}, "two to come back")

    def test_grpc_js_says_that_it_serves(self):
        self.check("grpc-js")

    def test_grpcio_says_that_it_serves(self):
        self.check("grpcio")


@unittest.skipIf(DIRECT, "there is nobody to refuse")
class Refusals(Case):
    """What mtlsd refuses is told in gRPC's words: the status that clients derive from HTTP's, and a message with the reason and what to do."""

    def told(self, what, name, port, code, *words):
        got = self.calls(name, port, "ask")["unary"]
        TABLE.add_refusal(what, name, got)
        self.assertEqual(code, got["code"], got)
        for word in ("mtlsd: ", *words):
            self.assertIn(word, got["details"])

    def check(self, name):
        nobody = free_port()
        self.told("no server is there", name, self.chain(nobody), UNAVAILABLE, "connect_refused")
        self.told("no route is for the method", name, self.chain(nobody, listener='routes = ( { path = "/elsewhere"; upstream = "app"; } );'), UNIMPLEMENTED, "no_route")
        self.told("the verifier does not trust the injector's certificate", name, self.chain(nobody, clients=self.pki.ca("other")), UNAVAILABLE, "our_certificate_refused")

    def test_grpc_js_reads_refusals(self):
        self.check("grpc-js")

    def test_grpcio_reads_refusals(self):
        self.check("grpcio")

    def test_a_server_that_never_answers_in_time(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        self.told("the server does not answer in time", "grpcio", self.chain(silent.getsockname()[1], upstream='timeouts = { response = "300ms"; };'), UNAVAILABLE, "response_timeout")


@unittest.skipUnless(shutil.which("etcd") and shutil.which("etcdctl"), "needs etcd and etcdctl")
class Etcd(Case):
    """A client in Go, and a server in Go that demands certificates."""

    def test_etcdctl_in_plaintext_reaches_etcd_with_client_certificates(self):
        port, peer, me = free_port(), free_port(), self.pki.server()
        self.spawn("etcd", ["etcd", "--data-dir", self.folder / "etcd", "--listen-client-urls", f"https://127.0.0.1:{port}", "--advertise-client-urls",
                            f"https://127.0.0.1:{port}", "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
                            "--initial-cluster", f"default=http://127.0.0.1:{peer}", "--cert-file", me.crt, "--key-file", me.key, "--client-cert-auth",
                            "--trusted-ca-file", self.pki.ca("root").crt, "--unsafe-no-fsync"], [port])
        front = free_port()
        if DIRECT:
            endpoint, mine = f"https://127.0.0.1:{port}", ["--cacert", self.pki.ca("root").crt, "--cert", self.pki.client().crt, "--key", self.pki.client().key]
        else:
            self.daemon(self.injector_text(front, f"localhost:{port}"), [front])
            endpoint, mine = f"http://127.0.0.1:{front}", []

        def etcdctl(*arguments, **options):
            return subprocess.run(["etcdctl", "--endpoints", endpoint, *mine, *arguments], capture_output=True, text=True, timeout=30,
                                  env=dict(os.environ, ETCDCTL_API="3"), check=False, **options)
        harness.wait_for(lambda: etcdctl("endpoint", "health").returncode == 0, "etcd to be healthy")
        self.assertEqual("OK\n", etcdctl("put", "key", "v" * 100000).stdout)
        self.assertEqual("key\n" + "v" * 100000 + "\n", etcdctl("get", "key").stdout)
        watch = subprocess.Popen(["etcdctl", "--endpoints", endpoint, *mine, "watch", "other"], stdout=subprocess.PIPE, text=True, env=dict(os.environ, ETCDCTL_API="3"))
        self.addCleanup(watch.stdout.close)
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)

        def seen():
            etcdctl("put", "other", "now")
            return select_line(watch.stdout)
        self.assertEqual("PUT\n", harness.wait_for(seen, "the watch to tell"))
        self.assertIn("granted with TTL", etcdctl("lease", "grant", "60").stdout)


def select_line(stream):
    return stream.readline() if select.select([stream], [], [], 0.3)[0] else ""


del Case

if __name__ == "__main__":
    harness.main()
