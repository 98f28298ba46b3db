#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What things cost when there are many of them: curves of CPU time for each request, memory and start time, for mtlsd and its peers in one run.

connections   that have nothing to say, beside 16 busy ones, through an injector
clients       that ask one request after the other, through an injector; `floor` is a relay of plaintext in 100 lines of C, which parses, encrypts and
              decides nothing: what it costs is the kernel's share and the load's
upstreams     of an injector, each with a host of its own; one of them is asked
routes        of an injector, each with a host of its own, to one upstream; one of them is asked
identities    of a verifier, each for a server name of its own; every request is a full handshake with another of them
workers       of an injector (threads of HAProxy, processes of nginx), 64 clients; they share all cores but the one of the clients

The proxy runs alone on one core, but for workers; everything else shares another. A flat line of CPU time is what one hopes for.

needs:  apt-get install nginx-light haproxy wrk openssl
usage:  grow.py [--axes connections,clients,upstreams,routes,identities,workers] [--sizes 10,100,1000,10000] [--seconds 3] [--rounds 3]
                [--peers NAME,...] [--mtlsd build/release/mtlsd] [--results tests/bench/results]
"""
import contextlib
import dataclasses
import os
import resource
import shutil
import socket
import ssl
import subprocess
import time

import parts
import report
from parts import ORIGIN_PLAIN, ORIGIN_TLS, OTHER_CORE, PROXY, PROXY_CORE, Peer, certs

COLUMNS = ["start ms", "PSS MB", "KB each", "CPU us/req", "user us", "system us", "req/s"]
KEYS = 16  # the identities of a run share so many keys: making them is not what is measured


class FewKeys(certs.Pki):
    """Certificates that are all different, with keys that are not: 10,000 of them would take minutes to make."""

    def new_key(self, path, kind):
        made = len(self.made)
        if made < KEYS:
            super().new_key(path, kind)
        else:
            shutil.copy(list(self.made.values())[made % KEYS].key, path)


class Grow(parts.Bench):
    most_connections, most_kept = 12000, 6000

    def __init__(self, folder, mtlsd):
        super().__init__(folder, mtlsd)
        self.many = FewKeys(self.folder)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.load_verify_locations(self.ca.crt)
        self.context.load_cert_chain(self.folder / "client.pem")

    def injectors(self, size):
        """What the bench compares elsewhere, with HTTP."""
        for peer in self.client_peers():
            if peer.mode == "http":
                yield dataclasses.replace(peer, name=peer.name.removesuffix("-http"))

    def clients(self, size):
        """The same, and the floor: a relay that does nothing but to pass plaintext on."""
        yield from self.injectors(size)
        relay = self.folder / "relay"
        if shutil.which("cc"):
            subprocess.run(["cc", "-O2", "-o", relay, parts.HERE / "floor/relay.c"], check=True)
            yield Peer("floor", "http", [str(relay), str(PROXY), str(ORIGIN_PLAIN)])

    def of_workers(self, size):
        self.workers = size
        yield from self.injectors(size)
        self.workers = 1

    def by_host(self, hosts, upstreams):
        """Injectors with so many hosts, shared out among so many upstreams."""
        f, tls = self.folder, 'tls = { identity = "bench"; trust = "bench"; server_name = "localhost"; };'
        pairs = [(f"h{n}.example", f"u{n % upstreams}") for n in range(hosts)]
        names = [f"u{n}" for n in range(upstreams)]
        yield Peer("mtlsd", "http", [self.mtlsd, "run", "-c", self.write("mtlsd.conf", f"""workers = 1; log = {{ level = "warn"; }};
            identities = {{ bench = {{ certificate = "{f}/client.crt"; key = "{f}/client.key"; }}; }}; trusts = {{ bench = {{ ca = "{f}/ca.pem"; }}; }};
            upstreams = {{ """ + "\n".join(f'{u} = {{ targets = [ "127.0.0.1:{ORIGIN_TLS}" ]; {tls} }};' for u in names) + f""" }};
            listeners = {{ app = {{ bind = "127.0.0.1:{PROXY}"; routes = (
            """ + ",\n".join(f'{{ host = "{h}"; upstream = "{u}"; }}' for h, u in pairs) + " ); }; };\n")])
        hosts_map = self.write("hosts.map", "".join(f"{h} {u}\n" for h, u in pairs))
        yield Peer("haproxy", "http", self.haproxy("haproxy", f"frontend f\n mode http\n bind 127.0.0.1:{PROXY}\n"
                   f" use_backend %[req.hdr(host),lower,map({hosts_map})]\n" + "".join(
                       f"backend {u}\n mode http\n http-reuse always\n server s 127.0.0.1:{ORIGIN_TLS}{self.to_tls()} pool-max-conn {self.most_kept}\n" for u in names)))
        yield Peer("nginx", "http", self.nginx("nginx", f"""server {{ listen 127.0.0.1:{PROXY} backlog=8192; location / {{ proxy_pass https://$u;
            proxy_http_version 1.1; proxy_set_header Connection ""; proxy_ssl_certificate {f}/client.crt; proxy_ssl_certificate_key {f}/client.key;
            proxy_ssl_trusted_certificate {f}/ca.pem; proxy_ssl_verify on; proxy_ssl_name localhost; proxy_ssl_server_name on;
            proxy_ssl_protocols TLSv1.3; }} }}""", "map_hash_max_size 65536; map_hash_bucket_size 128; map $host $u { " +
            "".join(f"{h} {u};\n" for h, u in pairs) + "} " + "".join(
                f"upstream {u} {{ server 127.0.0.1:{ORIGIN_TLS}; keepalive 16; keepalive_requests 1000000000; }}\n" for u in names)))

    def by_name(self, size):
        """Verifiers with so many identities."""
        f = self.folder
        made = [self.many.leaf(f"id-{n}", self.ca, cn=f"h{n}.example", san=[f"DNS:h{n}.example"]) for n in range(size)]
        yield Peer("mtlsd", "http", [self.mtlsd, "run", "-c", self.write("mtlsd.conf", f"""workers = 1; log = {{ level = "warn"; }};
            identities = {{ """ + "\n".join(f'id{n} = {{ bundle = "{c.pem}"; }};' for n, c in enumerate(made)) + f""" }};
            trusts = {{ bench = {{ ca = "{f}/ca.pem"; }}; }}; upstreams = {{ app = {{ targets = [ "127.0.0.1:{ORIGIN_PLAIN}" ]; }}; }};
            listeners = {{ public = {{ bind = "127.0.0.1:{PROXY}"; upstream = "app"; tls = {{ trust = "bench"; min_version = "1.3"; identities = (
            """ + ",\n".join(f'{{ identity = "id{n}"; }}' for n in range(size)) + " ); }; }; };\n")])
        crt_list = self.write("crt-list", "".join(f"{c.pem}\n" for c in made))
        yield Peer("haproxy", "http", self.haproxy("haproxy", self.pair("http", PROXY, f" ssl crt-list {crt_list} ca-file {f}/ca.pem verify required"
                                                                        " ssl-min-ver TLSv1.3 strict-sni")))
        yield Peer("nginx", "http", self.nginx("nginx", "".join(
            f"""server {{ listen 127.0.0.1:{PROXY} ssl{"" if n else " backlog=8192"}; server_name h{n}.example; ssl_certificate {c.crt}; ssl_certificate_key {c.key};
            ssl_client_certificate {f}/ca.pem; ssl_verify_client on; ssl_protocols TLSv1.3;
            location / {{ proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}\n""" for n, c in enumerate(made)),
            f"server_names_hash_max_size 65536; server_names_hash_bucket_size 128; upstream u {{ server 127.0.0.1:{ORIGIN_PLAIN}; keepalive {self.most_kept}; }}"))

    # How each is driven: gives the figures.
    def busy(self, pids, size, seconds, connections=16, host="localhost"):
        # The connections to the origin are made here: thousands of handshakes take their time.
        parts.load(pids, PROXY, "/small", connections, min(1, seconds) + connections // 150, host)
        out = parts.load(pids, PROXY, "/small", connections, seconds, host)
        if not out["requests"] or "Non-2xx" in out["errors"]:
            raise RuntimeError(f"{size}: {out['requests']} requests {out['errors']}")
        return out

    def busy_clients(self, pids, size, seconds):
        before = parts.memory_kb(pids)
        out = self.busy(pids, size, seconds, size)
        return {**out, "KB each": (parts.memory_kb(pids) - before) / size}

    def busy_workers(self, pids, size, seconds):
        return self.busy(pids, size, seconds, 64)

    def one_host(self, pids, size, seconds):
        return self.busy(pids, size, seconds, host=f"h{size // 2}.example")

    def beside_idle(self, pids, size, seconds):
        before = parts.memory_kb(pids)
        with contextlib.ExitStack() as held:
            for _ in range(size):
                parts.ask(held.enter_context(socket.create_connection(("127.0.0.1", PROXY), 20)))
            each = (parts.memory_kb(pids) - before) / size
            return {**self.busy(pids, size, seconds), "KB each": each}

    def new_clients(self, pids, size, seconds):
        before, began, done = parts.cpu_seconds(pids), time.monotonic(), 0
        while time.monotonic() < began + seconds or not done:
            with socket.create_connection(("127.0.0.1", PROXY), 20) as plain:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self.context.wrap_socket(plain, server_hostname=f"h{done * 7919 % size}.example") as connection: # 7919 is prime: all have their turn
                    parts.ask(connection, f"h{done * 7919 % size}.example")
            done += 1
        return {"CPU us/req": (parts.cpu_seconds(pids) - before) * 1e6 / done, "req/s": done / (time.monotonic() - began)}


@dataclasses.dataclass
class Axis:
    what: str
    sizes: str
    peers: object  # of (grow, size)
    drive: object  # of (grow, pids, size, seconds)
    is_configured: bool = True  # each size is another configuration: what one costs in memory is told by the difference to the first size
    cores: str = PROXY_CORE


ALL_BUT_ONE = ",".join(str(n) for n in range(os.cpu_count() or 2) if str(n) != OTHER_CORE) or PROXY_CORE
AXES = {
    "connections": Axis("idle connections", "10,100,1000,5000", Grow.injectors, Grow.beside_idle, False),
    "clients": Axis("busy clients", "10,100,1000,5000", Grow.clients, Grow.busy_clients, False),
    "upstreams": Axis("upstreams", "10,100,1000,10000", lambda grow, size: grow.by_host(size, size), Grow.one_host),
    "routes": Axis("routes", "10,100,1000,10000", lambda grow, size: grow.by_host(size, 1), Grow.one_host),
    "identities": Axis("identities, a full handshake for each request", "10,100,1000,10000", Grow.by_name, Grow.new_clients),
    "workers": Axis("workers", "1,2,4,8", Grow.of_workers, Grow.busy_workers, True, ALL_BUT_ONE),
}


def measure(grow, axis, peer, size, seconds):
    began = time.monotonic()
    with parts.running(grow, peer.name, peer.argv, axis.cores, [PROXY]) as process:
        started = time.monotonic() - began
        pids = parts.whole_family(process.pid)
        out = axis.drive(grow, pids, size, seconds)
        return {**out, "start ms": started * 1e3, "PSS MB": parts.memory_kb(pids) / 1024}


def told_each(axis, rows):
    """Adds what one more costs in memory, by the difference between each size and the first; rows: {(peer, size): figures}."""
    first = min(size for _, size in rows)
    for (name, size), row in rows.items():
        least = rows.get((name, first))
        if axis.is_configured and least and size > first:
            row["KB each"] = (row["PSS MB"] - least["PSS MB"]) * 1024 / (size - first)


def run_axis(grow, out, name, options):
    axis, rows = AXES[name], {}
    for size in map(int, (options.sizes or axis.sizes).split(",")):
        peers = parts.chosen(axis.peers(grow, size), options)
        results = parts.in_rounds(peers, options.rounds, lambda peer: measure(grow, axis, peer, size, options.seconds))
        rows.update({(peer, size): parts.median_row(runs, COLUMNS) for peer, runs in results.items()})
    if not rows:
        return
    told_each(axis, rows)
    rows = dict(sorted(rows.items(), key=lambda item: (list(dict.fromkeys(p for p, _ in rows)).index(item[0][0]), item[0][1])))
    out.table(axis.what, COLUMNS, {f"{peer}, {size}": row for (peer, size), row in rows.items()})

    def curve(column):
        curves = {}
        for (peer, size), row in rows.items():
            if column in row:
                curves.setdefault(peer, []).append((size, row[column]))
        return curves
    panels = [("CPU time for each request (µs)", False, curve("CPU us/req")), ("memory, PSS (MB)", True, curve("PSS MB"))]
    if axis.is_configured:
        panels.append(("time to start (ms)", True, curve("start ms")))
    log_x = name != "workers"
    out.chart(name, f"More {axis.what}", axis.what.split(",")[0] + (" (log scale)" if log_x else ""), panels, log_x)


def main():
    parser = parts.parser_of(__doc__, seconds=3, rounds=3)
    parser.add_argument("--axes", default=",".join(AXES))
    parser.add_argument("--sizes", default="", help="for every axis; each has its own if none are given")
    options = parts.parse(parser, "nginx", "haproxy", "wrk")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    out = report.Report("grow", "What many of them cost", options)
    with parts.folder("grow") as folder:
        grow = Grow(folder, options.mtlsd)
        with parts.running(grow, "origin", grow.origin(), OTHER_CORE, [ORIGIN_TLS, ORIGIN_PLAIN]):
            os.sched_setaffinity(0, {int(OTHER_CORE)})
            for name in options.axes.split(","):
                run_axis(grow, out, name, options)


if __name__ == "__main__":
    main()
