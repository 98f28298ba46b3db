# SPDX-License-Identifier: Apache-2.0
"""What the programs of the bench share: the certificates and the origin of a run, its peers, and what a process costs.

The proxy under test runs alone on one core; load generator and origin share another.
"""
import argparse
import contextlib
import dataclasses
import multiprocessing
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
import certs  # noqa: E402
from harness import free_port  # noqa: E402

PROXY_CORE, OTHER_CORE = "0", "1"
ORIGIN_TLS, ORIGIN_PLAIN, PROXY, FEED_POOLED, FEED_FRESH = (free_port() for _ in range(5))


@dataclasses.dataclass
class Peer:
    name: str
    mode: str  # http or tcp
    argv: list


class Bench:
    """The folder, the certificates and the origin of one run."""

    workers, most_connections, most_kept = 1, 9000, 4096

    def __init__(self, folder, mtlsd):
        self.folder, self.mtlsd = pathlib.Path(folder), mtlsd
        self.pki = pki = certs.Pki(folder)
        self.ca = pki.ca("ca")
        shutil.copy(self.ca.crt, self.folder / "ca.pem")
        pki.leaf("server", self.ca, cn="localhost", san=["DNS:localhost", "IP:127.0.0.1"])
        pki.leaf("client", self.ca, subject=[("O", "Bench"), ("OU", "apps"), ("CN", "client1")], eku=("clientAuth",))

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def start(self, name, argv, core, ports):
        """Runs a program pinned to a core."""
        log = open(self.folder / f"{name}.log", "wb")
        process = subprocess.Popen(["taskset", "-c", core, *argv], stdout=log, stderr=log, start_new_session=True)
        try:
            wait_ports(process, ports, self.folder / f"{name}.log")
        except BaseException:
            stop(process)
            raise
        return process

    def nginx(self, name, servers, extra=""):
        f = self.folder
        temp = "".join(f"{kind}_temp_path {f}/{name}-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = self.write(f"{name}.conf", f"""worker_processes {self.workers}; daemon off; pid {f}/{name}.pid; error_log {f}/{name}.err crit; user root;
            events {{ worker_connections {self.most_connections}; }}
            http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; client_max_body_size 0; sendfile on;
            tcp_nodelay on; {temp} {extra} {servers} }}""")
        return ["nginx", "-c", conf, "-e", f"{f}/{name}.err"]

    def origin_extra(self):
        """More locations of the origin."""
        return ""

    def origin(self):
        f = self.folder
        for name, size in (("64k", 1 << 16), ("100m", 100 << 20)):
            with open(f / name, "wb") as out:
                out.write(os.urandom(1 << 16) * (size >> 16))
        body = f'root {f}; location /small {{ return 200 "hello, mutual world\\n"; }} {self.origin_extra()}'
        return self.nginx("origin", f"""server {{ listen 127.0.0.1:{ORIGIN_TLS} ssl backlog=8192; ssl_certificate {f}/server.crt;
            ssl_certificate_key {f}/server.key; ssl_client_certificate {f}/ca.pem; ssl_verify_client on; ssl_protocols TLSv1.3;
            ssl_session_cache shared:S:10m; {body} }} server {{ listen 127.0.0.1:{ORIGIN_PLAIN} backlog=8192; {body} }}""")

    def haproxy(self, name, sections):
        most = min(self.most_connections, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 200) # it does not start without descriptors for all
        return ["haproxy", "-db", "-f", self.write(f"{name}.cfg", f"global\n nbthread {self.workers}\n maxconn {most}\ndefaults\n timeout connect 5s\n"
                                                   " timeout client 600s\n timeout server 600s\n" + sections)]

    def pair(self, mode, port, bind="", server="", target=ORIGIN_PLAIN):
        """A frontend and its backend for haproxy."""
        reuse = " http-reuse always\n" if mode == "http" else ""
        pool = f" pool-max-conn {self.most_kept}" if mode == "http" else ""
        return (f"frontend f{port}\n mode {mode}\n bind 127.0.0.1:{port}{bind}\n default_backend b{port}\nbackend b{port}\n mode {mode}\n"
                f"{reuse} server s 127.0.0.1:{target}{server}{pool}\n")

    def to_tls(self):
        f = self.folder
        return f" ssl crt {f}/client.pem ca-file {f}/ca.pem verify required verifyhost localhost sni str(localhost)"

    def feed(self, target):
        """For the server role: plaintext from wrk becomes mutual TLS on the other core, pooled and not."""
        return self.haproxy("feed", self.pair("http", FEED_POOLED, "", self.to_tls(), target) +
                            self.pair("tcp", FEED_FRESH, "", self.to_tls() + " no-ssl-reuse", target))

    def ours(self, role):
        """mtlsd, from the templates beside this file."""
        target = ORIGIN_TLS if role == "client" else ORIGIN_PLAIN
        for mode in ("http", "tcp"):
            text = (HERE / f"ours-{role}-{mode}.conf").read_text()
            for mark, value in (("PKI", self.folder), ("RUN", self.folder), ("PORT", PROXY), ("ORIGIN", target)):
                text = text.replace(f"@{mark}@", str(value))
            text = text.replace("workers = 1;", f"workers = {self.workers};")
            yield Peer(f"mtlsd-{mode}", mode, [self.mtlsd, "run", "-c", self.write(f"ours-{role}-{mode}.conf", text)])

    def stunnel(self, role):
        f = self.folder
        own, target = ("client=yes\nsni=localhost\ncheckHost=localhost", ORIGIN_TLS) if role == "client" else ("requireCert=yes", ORIGIN_PLAIN)
        end = "client" if role == "client" else "server"
        return ["stunnel", self.write("stunnel.conf", f"foreground=yes\npid=\ndebug=3\n[s]\n{own}\naccept=127.0.0.1:{PROXY}\nconnect=127.0.0.1:{target}\n"
                                      f"cert={f}/{end}.pem\nCAfile={f}/ca.pem\nverifyChain=yes\n")]

    def client_peers(self):
        f = self.folder
        yield from self.ours("client")
        for mode in ("http", "tcp"):
            yield Peer(f"haproxy-{mode}", mode, self.haproxy(f"haproxy-{mode}", self.pair(mode, PROXY, "", self.to_tls(), ORIGIN_TLS)))
        yield Peer("nginx-http", "http", self.nginx("nginx", f"""server {{ listen 127.0.0.1:{PROXY} backlog=8192; location / {{ proxy_pass https://u;
            proxy_http_version 1.1; proxy_set_header Connection ""; proxy_max_temp_file_size 0; proxy_ssl_certificate {f}/client.crt;
            proxy_ssl_certificate_key {f}/client.key; proxy_ssl_trusted_certificate {f}/ca.pem; proxy_ssl_verify on; proxy_ssl_name localhost;
            proxy_ssl_server_name on; proxy_ssl_protocols TLSv1.3; }} }}""",
            f"upstream u {{ server 127.0.0.1:{ORIGIN_TLS}; keepalive {self.most_kept}; keepalive_requests 1000000000; }}"))
        yield Peer("stunnel-tcp", "tcp", self.stunnel("client"))

    def server_peers(self):
        f = self.folder
        yield from self.ours("server")
        bind = f" ssl crt {f}/server.pem ca-file {f}/ca.pem verify required ssl-min-ver TLSv1.3"
        for mode in ("http", "tcp"):
            yield Peer(f"haproxy-{mode}", mode, self.haproxy(f"haproxy-{mode}", self.pair(mode, PROXY, bind)))
        yield Peer("nginx-http", "http", self.nginx("nginx", f"""server {{ listen 127.0.0.1:{PROXY} ssl backlog=8192; ssl_certificate {f}/server.crt;
            ssl_certificate_key {f}/server.key; ssl_client_certificate {f}/ca.pem; ssl_verify_client on; ssl_protocols TLSv1.3; location / {{
            proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_max_temp_file_size 0;
            proxy_set_header X-SSL-Client-DN $ssl_client_s_dn; }} }}""",
            f"upstream u {{ server 127.0.0.1:{ORIGIN_PLAIN}; keepalive {self.most_kept}; keepalive_requests 1000000000; }}"))
        yield Peer("stunnel-tcp", "tcp", self.stunnel("server"))
        yield Peer("ghostunnel-tcp", "tcp", ["ghostunnel", "server", "--quiet=all", "--listen", f"127.0.0.1:{PROXY}", "--target", f"127.0.0.1:{ORIGIN_PLAIN}",
                                             "--cert", f"{f}/server.crt", "--key", f"{f}/server.key", "--cacert", f"{f}/ca.pem", "--allow-all"])
        yield Peer("hitch-tcp", "tcp", ["hitch", "--config", self.write("hitch.conf", f'frontend = "[127.0.0.1]:{PROXY}"\nbackend = "[127.0.0.1]:{ORIGIN_PLAIN}"\n'
                   f'pem-file = "{f}/server.pem"\nclient-verify = required\nclient-verify-ca = "{f}/ca.pem"\nworkers = 1\ndaemon = off\nuser = "root"\n'
                   'quiet = on\ntls-protos = TLSv1.3\n')])


def wait_ports(process, ports, log, seconds=60):
    deadline = time.monotonic() + seconds
    for port in ports:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"did not start: {log.read_text(errors='replace')[-600:]}")
            time.sleep(0.005)


def stop(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def family(pid):
    """The process and all below it."""
    out = [pid]
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                out += family(int(child))
    return out


def whole_family(pid):
    """The same, once no more of them appear: ports are open before there are workers."""
    while True:
        seen = family(pid)
        time.sleep(0.1)
        if family(pid) == seen:
            return seen


def user_and_system_seconds(pids):
    user = system = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            user, system = user + int(fields[11]), system + int(fields[12])
    return user / os.sysconf("SC_CLK_TCK"), system / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids):
    return sum(user_and_system_seconds(pids))


def memory_kb(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])
    return total


def parse_wrk(text):
    """The figures of one wrk run, and what went wrong."""
    units = {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}
    out = {"requests": int((re.search(r"(\d+) requests in", text) or [0, 0])[1]),
           "req/s": float((re.search(r"Requests/sec:\s+([\d.]+)", text) or [0, 0])[1])}
    for q in ("50", "99"):
        found = re.search(rf"\s{q}%\s+([\d.]+)(us|ms|s|m)", text)
        if found:
            out[f"p{q} us"] = float(found[1]) * units[found[2]]
    found = re.search(r"Transfer/sec:\s+([\d.]+)([KMG]?)B", text)
    if found:
        out["MB/s"] = float(found[1]) * {"": 1e-6, "K": 1e-3, "M": 1, "G": 1e3}[found[2]] * 1.048576
    out["errors"] = " ".join(re.findall(r"(?:Socket errors|Non-2xx).*", text))
    return out


def load(pids, port, path, connections, seconds, host="localhost", extra=()):
    """Requests by wrk for so long: its figures, and what each cost the proxy. Less than a second, which wrk cannot, is enough to see that it works."""
    before, began = user_and_system_seconds(pids), time.monotonic()
    if seconds < 1:
        out = ask_for(port, seconds, host)
    else:
        wrk = ["taskset", "-c", OTHER_CORE, "wrk", "-t1", f"-c{connections}", "--timeout", "10s", "--latency", "-H", f"Host: {host}", *extra]
        out = parse_wrk(subprocess.run([*wrk, f"-d{round(seconds)}s", f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True).stdout)
    user, system = (now - then for now, then in zip(user_and_system_seconds(pids), before))
    each = 1e6 / max(out["requests"], 1)
    out.update({"spent": user + system, "took": time.monotonic() - began, "CPU us/req": (user + system) * each, "user us": user * each, "system us": system * each})
    return out


def ask_for(port, seconds, host):
    """One request after the other."""
    end, done = time.monotonic() + seconds, 0
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        while time.monotonic() < end or not done:
            ask(connection, host)
            done += 1
    return {"requests": done, "req/s": done / seconds, "errors": ""}


def in_rounds(peers, rounds, measure):
    """Measures each peer in turn, so often; gives {name: [figures]} and tells what failed."""
    results = {}
    for _ in range(rounds):
        for peer in peers:
            try:
                results.setdefault(peer.name, []).append(measure(peer))
            except (RuntimeError, OSError) as error:
                print(f"{peer.name}: {error}", file=sys.stderr)
    return results


REQUEST = b"GET /small HTTP/1.1\r\nHost: %s\r\n\r\n"
HELLO = b"hello, mutual world\n"
EVERY_S = 0.05


def ask(connection, host="localhost"):
    """One small request and its answer."""
    connection.sendall(REQUEST % host.encode())
    answer = b""
    while not answer.endswith(HELLO):
        part = connection.recv(4096)
        if not part:
            raise RuntimeError(f"the connection ended: {answer[:80]}")
        answer += part


def ask_small(port, seconds, context, pipe):
    """Sends small requests one after the other on one connection; tells how many seconds each took."""
    took, end = [], time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", port), 30) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(plain, server_hostname="localhost") if context else plain as connection:
            connection.settimeout(60)
            while time.monotonic() < end:
                began = time.monotonic()
                ask(connection)
                took.append(time.monotonic() - began)
                time.sleep(max(0.0, EVERY_S - took[-1]))
    pipe.send(took)


class Small:
    """A process of its own that asks some 20 times a second and so tells how long a request takes beside whatever else is going on."""

    def __init__(self, port, seconds, context=None):
        self.seconds = seconds
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=ask_small, args=(port, seconds, context, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def figures(self):
        """Waits for its end."""
        try:
            if not self.pipe.poll(self.seconds + 90):
                raise RuntimeError("small requests were not answered in 90 s")
            took = sorted(self.pipe.recv())
        except EOFError:
            raise RuntimeError("the small requests failed") from None
        finally:
            self.process.join(1)
            self.process.kill()
        return {"p50 ms": took[len(took) // 2] * 1e3, "p99 ms": took[len(took) * 99 // 100] * 1e3, "worst ms": took[-1] * 1e3, "small": len(took)}


def median_row(runs, columns):
    """The median of each column over the rounds that have it."""
    return {c: statistics.median([r[c] for r in runs if c in r]) for c in columns if any(c in r for r in runs)}


def parser_of(doc, seconds, rounds):
    """The options that all of them take."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=seconds)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--peers", default="", help="only these, by the names in the tables")
    parser.add_argument("--mtlsd", default=str(HERE.parents[1] / "build/release/mtlsd"))
    parser.add_argument("--results", default=str(HERE / "results"), help="the folder for tables and curves")
    return parser


def parse(parser, *tools):
    """The options; ends with a word about what is not installed."""
    options = parser.parse_args()
    missing = [tool for tool in (options.mtlsd, "taskset", "openssl", *tools) if not shutil.which(tool)]
    if missing:
        sys.exit(f"{pathlib.Path(sys.argv[0]).name} needs {', '.join(missing)}; see the top of this file (and `sh packaging/quickstart.sh` for mtlsd)")
    return options


def chosen(peers, options):
    """Those that are installed and asked for."""
    return [p for p in peers if shutil.which(p.argv[0]) and (not options.peers or p.name in options.peers.split(","))]


@contextlib.contextmanager
def running(bench, name, argv, core, ports):
    """A program from here to the end of the with block; gives its process."""
    process = bench.start(name, argv, core, ports)
    try:
        yield process
    finally:
        stop(process)


@contextlib.contextmanager
def folder(name):
    with tempfile.TemporaryDirectory(prefix=f"mtlsd-{name}-") as path:
        yield path
