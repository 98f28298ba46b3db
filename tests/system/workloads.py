# SPDX-License-Identifier: Apache-2.0
"""Messages of the SPIFFE Workload API, and tests with an agent: what SPIRE would issue and say."""
import base64
import contextlib
import json
import re
import subprocess

import certs
import harness
from certs import integer, oid, sequence, tlv
from harness import free_port, wait_for

SOURCE = 'source = "spiffe";'
TRUST = 'source = "spiffe"; spiffe_domain = "tests.example";'
APP = "spiffe://tests.example/app"
PYTHON = "/usr/bin/python3"  # the one that Debian's python3-grpcio belongs to
AGENT = harness.ROOT / "tests/support/spiffe_agent.py"


def has_grpcio():
    return subprocess.run([PYTHON, "-c", "import grpc"], capture_output=True, check=False).returncode == 0


# ---- protobuf ----

def varint(n):
    out = b""
    while n > 0x7F:
        out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
    return out + bytes([n])


def field(number, body):
    body = body.encode() if isinstance(body, str) else body
    return varint(number << 3 | 2) + varint(len(body)) + body


def pkcs8(key):
    """Of a file with a P-256 key."""
    der = base64.b64decode("".join(key.read_text().splitlines()[1:-1]))
    return sequence(integer(0), sequence(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), tlv(4, der))


def svid(leaf, spiffe_id, bundle=b"", *, key=None, hint=""):
    """One X.509-SVID with its chain, as SPIRE's agent says it."""
    chain, one = leaf.der, leaf.issuer
    while one and one.issuer:
        chain, one = chain + one.der, one.issuer
    return field(1, spiffe_id) + field(2, chain) + field(3, pkcs8(key or leaf.key)) + field(4, bundle) + (field(5, hint) if hint else b"")


def svid_response(svids, federated=()):
    """federated: pairs of a trust domain and the DER of its CAs."""
    return b"".join(field(1, one) for one in svids) + b"".join(field(3, field(1, f"spiffe://{domain}") + field(2, ca)) for domain, ca in federated)


def bundles_response(bundles):
    return b"".join(field(2, field(1, f"spiffe://{domain}") + field(2, ca)) for domain, ca in bundles)


def holds(pid, piece):
    """The process has these bytes in memory that it can write to."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as table, open(f"/proc/{pid}/mem", "rb") as memory:
        for row in table:
            span, mode = row.split()[:2]
            begin, end = (int(n, 16) for n in span.split("-"))
            if "w" not in mode or end - begin > 1 << 30:
                continue
            with contextlib.suppress(OSError, ValueError):
                memory.seek(begin)
                if piece in memory.read(end - begin):
                    return True
    return False


# ---- the agent ----

class Agent:
    def __init__(self, case, name="agent"):
        self.case, self.path, self.process = case, case.folder / f"{name}.sock", None

    def start(self):
        self.path.unlink(missing_ok=True)
        self.out = open(f"{self.path}.out", "ab+")
        self.process = subprocess.Popen([PYTHON, AGENT, self.path], stdin=subprocess.PIPE, stdout=self.out, stderr=subprocess.STDOUT)
        self.case.addCleanup(self.kill)
        wait_for(lambda: harness.listens_at(self.path), "the agent")
        return self

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait(10)
            self.process.stdin.close()
            self.out.close()
        self.process = None

    def tell(self, **order):
        self.process.stdin.write(json.dumps({k: v.hex() if isinstance(v, bytes) else v for k, v in order.items()}).encode() + b"\n")
        self.process.stdin.flush()

    def streams(self):
        with open(f"{self.path}.out", encoding="utf-8") as out:
            return out.read().count("stream ")


@harness.unittest.skipUnless(has_grpcio(), "python3-grpcio is not installed")
class Case(harness.Case):
    """One trust domain with its CA, and another one that it federates with."""

    DOMAIN, OTHER = "tests.example", "partner.example"

    def setUp(self):
        super().setUp()
        self.made = 0
        self.agent = Agent(self)

    def issue(self, path, *, domain=None, stem=None, eku=("clientAuth", "serverAuth"), **options):
        """An SVID of a trust domain, issued below its root as SPIRE does."""
        self.made += 1
        domain = domain or self.DOMAIN
        root = self.pki.ca(f"root-{domain}")
        issuer = self.pki.ca(f"intermediate-{domain}", issuer=root)
        return self.pki.leaf(stem or f"svid-{self.id()}-{self.made}", issuer, cn="", subject=[("C", "US"), ("O", "SPIRE")],
                             san=[f"URI:spiffe://{domain}{path}", "DNS:localhost"], eku=eku, **options)

    def bundle(self, domain=None):
        return self.pki.ca(f"root-{domain or self.DOMAIN}").der

    def give(self, leaf, path="/app", **options):
        """The agent gives this SVID from now on, and bundles of both domains."""
        message = svid_response([svid(leaf, f"spiffe://{self.DOMAIN}{path}", self.bundle(), **options)], [(self.OTHER, self.bundle(self.OTHER))])
        self.agent.tell(FetchX509SVID=message, FetchX509Bundles=bundles_response([(self.DOMAIN, self.bundle()), (self.OTHER, self.bundle(self.OTHER))]))

    def environment(self):
        return {**super().environment(), "SPIFFE_ENDPOINT_SOCKET": f"unix://{self.agent.path}"}

    def wait_for_log(self, process, pattern, seconds=harness.READY_S):
        return wait_for(lambda: re.search(pattern, process.log), pattern, seconds)


class Injector(Case):
    """An injector whose certificate comes from the agent, in front of an nginx that logs the serial numbers that it sees."""

    def text(self, port, target, source=SOURCE, **options):
        options = {"trust": TRUST, "tls": f'expect = [ "spiffe://{self.DOMAIN}/server" ];', **options}
        return self.injector_text(port, target, **options).replace(f'bundle = "{self.pki.client().pem}";', source)

    def server(self):
        return self.issue("/server", stem=f"server-{self.DOMAIN}")

    def run_injector(self, top="", port=None, **options):
        port = port or free_port()
        origin = self.origin(certificate=self.server(), ca=self.pki.ca(f"root-{self.DOMAIN}"))
        self.port, self.url = port, f"http://127.0.0.1:{port}/"
        return f'admin = {{ socket = "unix:{self.folder}/admin.sock"; }}; {top}' + self.text(port, f"127.0.0.1:{origin}", **options)

    def start(self, first=None, **options):
        self.first = first or self.issue("/app")
        self.agent.start()
        self.give(self.first)
        self.mtlsd = self.daemon(self.run_injector(**options), [self.port], [self.folder / "admin.sock"])

    def serial(self):
        before = len(self.nginx_access())
        answer = self.curl(self.url)
        self.assertEqual(200, answer.status, answer.text or answer.error)
        wait_for(lambda: len(self.nginx_access()) > before, "the line in the origin's log")
        return int(self.nginx_access()[-1][2], 16)

    def wait_for_serial(self, leaf):
        wait_for(lambda: self.serial() == leaf.serial, "the new SVID", pause=0.1)

    def wait_for_refusal(self, reason):
        wait_for(lambda: (answer := self.curl(self.url)).status == 503 and reason in answer.text, reason, pause=0.1)

    def status(self, *names):
        found = json.loads(self.command("status", "-c", self.mtlsd.config_path, "--json").stdout)["spiffe"]
        return tuple(found[name] for name in names)

    def metrics(self):
        return self.curl("--unix-socket", self.folder / "admin.sock", "http://localhost/metrics").text

    def log_has(self, pattern):
        return self.wait_for_log(self.mtlsd, pattern)

    def withdraw(self, what):
        """The agent still gives another SVID, or the bundle of another domain alone."""
        if what == "identity":
            self.give(self.issue("/other"), "/other")
        else:
            self.agent.tell(FetchX509SVID=svid_response([svid(self.issue("/app"), APP)], [(self.OTHER, self.bundle(self.OTHER))]))
