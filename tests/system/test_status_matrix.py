# SPDX-License-Identifier: Apache-2.0
"""A2: every status of a certificate with every kind of rule, every client_cert and every tolerate, through the whole daemon."""
import json
import ssl
import unittest

import harness
import peers
from harness import free_port

BAD = ("expired", "not_yet_valid", "revoked", "unknown_ca", "wrong_purpose", "crl_missing")
STATUSES = ("valid", "none") + BAD
ASKS = ("none", "optional", "required")
TOLERATES = ("", "revoked", "all")


def may_enter(status, ask, tolerate):
    """Whether the handshake ends well."""
    if ask == "none" or status == "valid":
        return True
    if status == "none":
        return ask == "optional"
    return tolerate == "all" or status == tolerate


def possible(ask, tolerate):
    """The statuses that a request can have; check refuses routes for others."""
    return [] if ask == "none" else [s for s in STATUSES if may_enter(s, ask, tolerate)]


def routes(ask, tolerate):
    rows, known = [], possible(ask, tolerate)

    def add(name, match):
        rows.append(f'{{ path = "/{name}"; {match} set_headers = {{ X-Rule = "{name}"; }}; upstream = "app"; }}')
    for status in known:
        add(f"cert-{status}", f'cert = "{status}";')
    if set(known) & set(BAD):
        add("cert-error", 'cert = "error";')
    if known:
        add("caller", 'caller = ( { cn = "**"; } );')
        add("allow", 'allow = ( { cn = "**"; } );')
        add("allow-nobody", 'allow = ( { cn = "nobody"; } );')
        add("tried-out", 'allow = ( { cn = "nobody"; } ); allow_log_only = true;')
    if set(known) & set(BAD):
        rows.append('{ cert = "error"; respond = 410; }')
    rows.append('{ set_headers = { X-Rule = "rest"; }; upstream = "app"; }')
    return rows


def expected(status, ask, path):
    """What a request gets whose handshake ended well: a word of the backend, or a status of our own."""
    bad, rest = status in BAD, 410 if status in BAD else "rest"
    if path.startswith("cert-"):
        return path if path == f"cert-{status}" or (path == "cert-error" and bad) else rest
    if path == "caller":
        return path if status == "valid" else rest
    if path == "allow":
        return path if status == "valid" else 403
    if path == "allow-nobody":
        return 403
    if path == "tried-out":
        return 403 if bad else path
    return rest


class Matrix(harness.Case):
    def certificates(self):
        leaf, client = self.pki.leaf, ("clientAuth",)
        revoked = leaf("mx-revoked", eku=client)
        second = self.pki.ca("mx-second")
        self.ca = self.write("mx-ca.pem", self.pki.ca("root").crt.read_text() + second.crt.read_text())
        self.crl = self.pki.crl("mx", self.pki.ca("root"), [revoked])
        return {"valid": self.pki.client(), "none": None, "revoked": revoked, "expired": leaf("mx-expired", eku=client, start=-30, days=20),
                "not_yet_valid": leaf("mx-future", eku=client, start=5), "unknown_ca": leaf("mx-foreign", self.pki.ca("mx-foreign-ca"), eku=client),
                "wrong_purpose": leaf("mx-server", eku=("serverAuth",)), "crl_missing": leaf("mx-second-leaf", second, eku=client)}

    def serve(self):
        """One daemon with a listener for each combination; gives their ports."""
        self.backend = peers.Backend(self, lambda r: peers.reply(b"ok", fields=[
            ("X-Rule-Seen", ",".join(r.values("x-rule"))), ("X-Status-Seen", ",".join(r.values("x-ssl-client-status")) or "-")]))
        ports, listeners = {}, []
        for ask in ASKS:
            for tolerate in TOLERATES if ask != "none" else ("",):
                port = ports[ask, tolerate] = free_port()
                more = f'tolerate = "{tolerate}";' if tolerate else ""
                headers = 'identity_headers = [ "x-ssl" ];' if ask != "none" else ""
                listeners.append(f"""l{port} = {{ bind = "127.0.0.1:{port}"; {headers} routes = ( {", ".join(routes(ask, tolerate))} );
                    tls = {{ identity = "me"; trust = "clients"; client_cert = "{ask}"; {more} }}; }};""")
        self.mtlsd = self.daemon(f"""
            identities = {{ me = {{ bundle = "{self.pki.server().pem}"; }}; }};
            trusts = {{ clients = {{ ca = "{self.ca}"; crl = "{self.crl}"; }}; }};
            upstreams = {{ app = {{ targets = [ "127.0.0.1:{self.backend.port}" ]; }}; }};
            listeners = {{ {" ".join(listeners)} }};""", list(ports.values()))
        return ports

    def walk(self, port, context, paths):
        """What each path gets on one connection; None: there was no connection."""
        got = []
        try:
            with peers.secure(port, context) as connection:
                for path in paths:
                    connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: localhost\r\nX-Rule: forged\r\nX-SSL-Client-Status: valid\r\n\r\n".encode())
                    status, fields, _, _ = peers.response(connection)
                    if status == 0:
                        break
                    fields = {peers.fold(name): value for name, value in fields}
                    got.append((fields.get(peers.fold("X-Rule-Seen")) or status, fields.get(peers.fold("X-Status-Seen"))))
        except (ssl.SSLError, ConnectionError):
            pass # with TLS 1.3 the refusal may come with the first answer
        return got or None

    def test_every_status_under_every_rule(self):
        certificates, asked = self.certificates(), 0
        paths = [f"cert-{s}" for s in STATUSES] + ["cert-error", "caller", "allow", "allow-nobody", "tried-out", "other"]
        for (ask, tolerate), port in self.serve().items():
            known = possible(ask, tolerate)
            names = [f"cert-{s}" for s in known] + (["cert-error"] if set(known) & set(BAD) else [])
            served = names + (["caller", "allow", "allow-nobody", "tried-out"] if known else [])
            for status, certificate in certificates.items():
                with self.subTest(f"{status}, client_cert {ask}, tolerate {tolerate or 'nothing'}"):
                    before = len(self.backend.requests)
                    got = self.walk(port, peers.client_context(self.pki.ca("root"), certificate), paths)
                    if not may_enter(status, ask, tolerate):
                        self.assertIsNone(got)
                        self.assertEqual(before, len(self.backend.requests))
                        continue
                    seen = status if ask != "none" else "none"
                    want = [expected(seen, ask, path if path in served else "other") for path in paths]
                    self.assertEqual(list(zip(paths, want)), list(zip(paths, [rule for rule, _ in got])))
                    told = {word for rule, word in got if isinstance(rule, str)}
                    self.assertLessEqual(told, {status if ask != "none" else "-"}) # never what the caller said of itself
                    asked += len(got)
        self.assertGreater(asked, 400)

    def test_status_tells_who_would_be_refused(self):
        """Readiness to enforce: by status, of those that were let in."""
        certificates = self.certificates()
        admin = self.folder / "admin.sock"
        backend = peers.Backend(self)
        port = free_port()
        text = self.verifier_text(port, backend.port, tls='client_cert = "optional"; tolerate = "expired";', trust=f'ca = "{self.ca}"; crl = "{self.crl}";')
        text = text.replace('upstream = "app";', 'routes = ( { cert = "expired"; respond = 410; }, { upstream = "app"; } );')
        self.daemon(f'admin = {{ socket = "unix:{admin}"; }};' + text, [port], [admin])
        path = self.folder / "mtlsd.conf"
        for status in ("valid", "valid", "none", "expired", "revoked"):
            self.walk(port, peers.client_context(self.pki.ca("root"), certificates[status]), ["a", "b"])
        said = self.command("status", "-c", path).stdout
        self.assertRegex(said, "lately: .*CN=mx-expired,O=Tests")
        self.assertRegex(said, r"public: ready to enforce: 2 of 4 clients would be refused \(none 1, expired 1; the last at 20")

    def test_readiness_counts_connections_whatever_they_are(self):
        """One for a connection with many requests, one for each that is resumed, of those who were asked, and a reload forgets none."""
        admin, name = self.folder / "admin.sock", "other.example"
        backend, port = peers.Backend(self), free_port()
        text = self.verifier_text(port, backend.port, tls='client_cert = "optional"; tickets = true;')
        text = text.replace("tls = { identity", f'tls = {{ identities = ( {{ hosts = "{name}"; identity = "me"; client_cert = "none"; }} ); identity')
        self.daemon(f'admin = {{ socket = "unix:{admin}"; }};' + text, [port], [admin])
        path = self.folder / "mtlsd.conf"

        def caller(certificate=None):
            context = peers.client_context(self.pki.ca("root"), certificate, version=ssl.TLSVersion.TLSv1_2)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return context

        def talk(context, host="localhost", session=None, requests=3):
            with context.wrap_socket(peers.connect(port), server_hostname=host, session=session) as connection:
                self.assertEqual(session is not None, connection.session_reused)
                for _ in range(requests):
                    connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                    self.assertEqual(200, peers.response(connection)[0])
                return connection.session

        def counted():
            told = json.loads(self.command("status", "-c", path, "--json").stdout)["listeners"][0]["enforcing"]
            return told["callers"], told["would_be_refused"], told["statuses"].get("none", {}).get("requests")
        nobody, alice = caller(), caller(self.pki.client())
        session = talk(nobody)
        talk(alice)
        self.assertEqual((2, 1, 3), counted())
        talk(nobody, session=session, requests=1)
        self.assertEqual((3, 2, 4), counted())
        talk(nobody, host=name)
        self.assertEqual((3, 2, 4), counted(), "nobody was asked there")
        self.assertEqual(0, self.command("reload", "-c", path).returncode)
        self.assertEqual((3, 2, 4), counted())
        talk(nobody, requests=1)
        self.assertEqual((4, 3, 5), counted())


if __name__ == "__main__":
    harness.main()
