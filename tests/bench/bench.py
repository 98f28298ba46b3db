#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What mtlsd costs beside the programs people use for the same job, on your own machine.

The proxy under test runs alone on one core; load generator and origin share another. The figure to compare is the proxy's own CPU time per
request (or per gigabyte): requests per second say more about the other core. Rounds alternate between the peers, and the median counts.

needs:  apt-get install nginx-light haproxy stunnel4 hitch wrk openssl     (linux-perf for instruction counts; what is missing is left out)
usage:  bench.py [--role client|server|both] [--scenarios small,lat1,newconn,64k,bulk,idle] [--seconds 3] [--rounds 5] [--peers NAME,...]
                 [--mtlsd build/release/mtlsd]
"""
import argparse
import contextlib
import dataclasses
import os
import pathlib
import re
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

PROXY_CORE, OTHER_CORE = "0", "1"
ORIGIN_TLS, ORIGIN_PLAIN, PROXY, FEED_POOLED, FEED_FRESH = 18443, 18080, 18090, 18091, 18092
IDLE_CONNECTIONS = 1000

SCENARIOS = {  # path, connections, arguments for wrk
    "small": ("/small", 64, []),
    "lat1": ("/small", 1, []),
    "newconn": ("/small", 16, ["-H", "Connection: close"]),
    "64k": ("/64k", 32, []),
    "bulk": ("/100m", 4, []),
    "idle": ("/small", IDLE_CONNECTIONS, []),
}
COLUMNS = ["req/s", "p50 us", "p99 us", "MB/s", "CPU us/req", "CPU s/GB", "kinstr/req", "KB/idle conn", "PSS KB"]


@dataclasses.dataclass
class Peer:
    name: str
    mode: str  # http or tcp
    argv: list


class Bench:
    """The folder, the certificates and the origin of one run."""

    def __init__(self, folder, mtlsd):
        self.folder, self.mtlsd = pathlib.Path(folder), mtlsd
        pki = certs.Pki(folder)
        self.ca = pki.ca("ca")
        shutil.copy(self.ca.crt, self.folder / "ca.pem")
        pki.leaf("server", self.ca, cn="localhost", san=["DNS:localhost", "IP:127.0.0.1"])
        pki.leaf("client", self.ca, subject=[("O", "Bench"), ("OU", "apps"), ("CN", "client1")], eku=("clientAuth",))

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def start(self, name, argv, core, ports):
        """Runs a program pinned to a core until the with block ends."""
        log = open(self.folder / f"{name}.log", "ab")
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
        conf = self.write(f"{name}.conf", f"""worker_processes 1; daemon off; pid {f}/{name}.pid; error_log {f}/{name}.err crit; user root;
            events {{ worker_connections 9000; }}
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
        return ["haproxy", "-db", "-f", self.write(f"{name}.cfg", "global\n nbthread 1\n maxconn 8000\ndefaults\n timeout connect 5s\n"
                                                   " timeout client 600s\n timeout server 600s\n" + sections)]

    def pair(self, mode, port, bind="", server="", target=ORIGIN_PLAIN):
        """A frontend and its backend for haproxy."""
        reuse = " http-reuse always\n" if mode == "http" else ""
        pool = " pool-max-conn 4096" if mode == "http" else ""
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
            f"upstream u {{ server 127.0.0.1:{ORIGIN_TLS}; keepalive 512; keepalive_requests 1000000000; }}"))
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
            f"upstream u {{ server 127.0.0.1:{ORIGIN_PLAIN}; keepalive 512; keepalive_requests 1000000000; }}"))
        yield Peer("stunnel-tcp", "tcp", self.stunnel("server"))
        yield Peer("hitch-tcp", "tcp", ["hitch", "--config", self.write("hitch.conf", f'frontend = "[127.0.0.1]:{PROXY}"\nbackend = "[127.0.0.1]:{ORIGIN_PLAIN}"\n'
                   f'pem-file = "{f}/server.pem"\nclient-verify = required\nclient-verify-ca = "{f}/ca.pem"\nworkers = 1\ndaemon = off\nuser = "root"\n'
                   'quiet = on\ntls-protos = TLSv1.3\n')])


def wait_ports(process, ports, log, seconds=10):
    deadline = time.monotonic() + seconds
    for port in ports:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"did not start: {log.read_text(errors='replace')[-600:]}")
            time.sleep(0.02)


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


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


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


def drive(pids, port, scenario, seconds):
    """One measurement with wrk: its figures, and what the proxy spent meanwhile."""
    path, connections, extra = SCENARIOS[scenario]
    wrk = ["taskset", "-c", OTHER_CORE, "wrk", "-t1", f"-c{connections}", "--timeout", "10s", "--latency", *extra]
    url = f"http://127.0.0.1:{port}{path}"
    subprocess.run([*wrk, "-d1s", url], capture_output=True)
    counter = None
    if shutil.which("perf"):
        counter = subprocess.Popen(["perf", "stat", "-x,", "-e", "instructions:u,instructions:k", "-p", ",".join(map(str, pids))],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    before, began = cpu_seconds(pids), time.monotonic()
    out = parse_wrk(subprocess.run([*wrk, f"-d{seconds}s", url], capture_output=True, text=True).stdout)
    spent, took = cpu_seconds(pids) - before, time.monotonic() - began
    requests = max(out["requests"], 1)
    out["CPU us/req"] = spent * 1e6 / requests
    if scenario == "bulk" and out.get("MB/s"):
        out["CPU s/GB"] = spent / (out["MB/s"] * took / 1e3)
    if counter:
        counter.send_signal(signal.SIGINT)
        counted = [int(n) for n in re.findall(r"^(\d+),", counter.communicate()[1], re.M)]
        if len(counted) == 2:
            out["kinstr/req"] = sum(counted) / requests / 1e3
    out["PSS KB"] = memory_kb(pids)
    return out


def hold_idle(pids, port):
    """Opens connections, one request each, and looks at what they cost while nothing happens."""
    before = memory_kb(pids)
    with contextlib.ExitStack() as held:
        for _ in range(IDLE_CONNECTIONS):
            connection = held.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            connection.sendall(b"GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection.recv(4096)
        after = memory_kb(pids)
    return {"requests": IDLE_CONNECTIONS, "KB/idle conn": (after - before) / IDLE_CONNECTIONS, "PSS KB": after, "errors": ""}


def measure(bench, role, peer, scenario, seconds):
    process = bench.start(peer.name, peer.argv, PROXY_CORE, [PROXY])
    feed = None
    try:
        port = PROXY
        if role == "server":
            feed = bench.start("feed", bench.feed(PROXY), OTHER_CORE, [FEED_POOLED, FEED_FRESH])
            port = FEED_FRESH if scenario in ("newconn", "idle") else FEED_POOLED
        pids = family(process.pid)
        return hold_idle(pids, port) if scenario == "idle" else drive(pids, port, scenario, seconds)
    finally:
        for one in (feed, process):
            if one:
                stop(one)


def print_table(role, scenario, results):
    print(f"\n## {role}, {scenario}\n{'':16}" + "".join(f"{c:>13}" for c in COLUMNS))
    order = {"bulk": "CPU s/GB", "idle": "KB/idle conn"}.get(scenario, "CPU us/req")
    rows = []
    for name, runs in results.items():
        row = {c: statistics.median([r[c] for r in runs if c in r]) for c in COLUMNS if any(c in r for r in runs)}
        rows.append((row.get(order, 0), name, row, "; ".join(sorted({r["errors"] for r in runs if r["errors"]}))))
    for _, name, row, errors in sorted(rows, key=lambda r: r[0]):
        print(f"{name:16}" + "".join(f"{row[c]:13.2f}" if c in row else f"{'-':>13}" for c in COLUMNS) + "  " + errors)


def run(bench, role, options):
    peers = [p for p in (bench.client_peers() if role == "client" else bench.server_peers())
             if shutil.which(p.argv[0]) and (not options.peers or p.name in options.peers.split(","))]
    for scenario in options.scenarios.split(","):
        results = {}
        for _ in range(options.rounds):
            for peer in peers:
                try:
                    results.setdefault(peer.name, []).append(measure(bench, role, peer, scenario, options.seconds))
                except (RuntimeError, OSError) as error:
                    print(f"{peer.name}: {error}", file=sys.stderr)
        print_table(role, scenario, results)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--role", choices=["client", "server", "both"], default="both")
    parser.add_argument("--scenarios", default="small,newconn,bulk,idle")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", default="")
    parser.add_argument("--mtlsd", default=str(HERE.parents[1] / "build/release/mtlsd"))
    options = parser.parse_args()
    missing = [tool for tool in (options.mtlsd, "nginx", "wrk", "taskset", "openssl", "haproxy") if not shutil.which(tool)]
    if missing:
        sys.exit(f"bench.py needs {', '.join(missing)}; see the top of this file (and `sh packaging/quickstart.sh` for mtlsd)")
    with tempfile.TemporaryDirectory(prefix="mtlsd-bench-") as folder:
        bench = Bench(folder, options.mtlsd)
        origin = bench.start("origin", bench.origin(), OTHER_CORE, [ORIGIN_TLS, ORIGIN_PLAIN])
        try:
            for role in ("client", "server") if options.role == "both" else (options.role,):
                run(bench, role, options)
        finally:
            stop(origin)


if __name__ == "__main__":
    main()
