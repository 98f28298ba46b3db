# SPDX-License-Identifier: Apache-2.0
"""Real servers that start TLS within their own protocol and demand a client's certificate: PostgreSQL, MariaDB, slapd, postfix. Each has its own data folder,
listens on 127.0.0.1, and runs as an ordinary user, postfix but for its master; None where it is not installed."""
import os
import pathlib
import shutil
import subprocess

import harness

PLACES = ["/usr/sbin", "/usr/local/sbin"]


def program(name):
    """PostgreSQL's programs are kept in a folder for each version."""
    versions = [str(path) for path in sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *PLACES, *versions]))


def missing(*names):
    return next((name for name in names if program(name) is None), None)


def as_user():
    """These servers do not run as root."""
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []


class Server:
    def __init__(self, case, name):
        self.case, self.port = case, harness.free_port()
        self.folder = case.folder / name
        self.folder.mkdir()
        for parent in self.folder.parents: # that user has to get there
            if parent.stat().st_mode & 1 == 0:
                parent.chmod(parent.stat().st_mode | 0o11)
        certificate, ca = case.pki.server(), case.pki.ca("root")
        for kind, source in (("crt", certificate.pem), ("key", certificate.key), ("ca", ca.crt)):
            shutil.copy(source, self.folder / kind)
            (self.folder / kind).chmod(0o600)
        self.own()

    def own(self):
        if os.getuid() == 0:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, 65534, 65534)

    def prepare(self, *argv):
        done = subprocess.run([*as_user(), *map(str, argv)], capture_output=True, text=True, cwd=self.folder, timeout=60, env=self.environment())
        self.case.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def environment(self):
        return dict(os.environ, HOME=str(self.folder), TMPDIR=str(self.folder), LC_ALL="C")

    def start(self, name, *argv):
        self.case.spawn(name, [*as_user(), *argv], [self.port], env=self.environment())


class Postgres(Server):
    """Demands a certificate for every database but "plain", which it serves without TLS only."""

    def __init__(self, case, ssl="on"):
        super().__init__(case, "postgres")
        data = self.folder / "data"
        self.prepare(program("initdb"), "-D", data, "-U", "app", "-A", "trust", "--no-sync", "--no-instructions")
        (data / "pg_hba.conf").write_text("hostnossl plain app all trust\nhostssl postgres app all trust clientcert=verify-ca\nlocal all app trust\n")
        settings = dict(port=self.port, listen_addresses="127.0.0.1", unix_socket_directories=self.folder, fsync="off", ssl=ssl,
                        ssl_cert_file=self.folder / "crt", ssl_key_file=self.folder / "key", ssl_ca_file=self.folder / "ca", shared_buffers="8MB")
        self.start("postgres", program("postgres"), "-D", data, *(part for key, value in settings.items() for part in ("-c", f"{key}={value}")))
        self.query("create database plain", host=self.folder, port=self.port)

    def query(self, sql, *, port, host="127.0.0.1", database="postgres", **options):
        """(exit code, output) of psql."""
        text = " ".join(f"{key}='{value}'" for key, value in dict(host=host, port=port, user="app", dbname=database, connect_timeout=10, **options).items())
        done = subprocess.run([program("psql"), "-X", "-A", "-t", "-w", "-c", sql, text], capture_output=True, text=True, timeout=30, env=self.environment())
        return done.returncode, done.stdout.strip() + done.stderr.strip()


class Mariadb(Server):
    """The user app needs a certificate, the user plain none; both have the password "word"."""

    def __init__(self, case):
        super().__init__(case, "mariadb")
        self.data, self.socket = self.folder / "data", self.folder / "s"
        self.prepare(program("mariadb-install-db"), "--no-defaults", f"--datadir={self.data}", "--auth-root-authentication-method=normal", "--skip-test-db")
        (self.folder / "init").write_text("create user app@'%' identified by 'word' require x509;\ncreate user plain@'%' identified by 'word';\n")
        self.own()
        self.start("mariadbd", program("mariadbd"), "--no-defaults", f"--datadir={self.data}", f"--socket={self.socket}", f"--port={self.port}",
                   "--bind-address=127.0.0.1", f"--ssl-ca={self.folder / 'ca'}", f"--ssl-cert={self.folder / 'crt'}", f"--ssl-key={self.folder / 'key'}",
                   f"--init-file={self.folder / 'init'}", f"--pid-file={self.folder / 'pid'}", "--innodb-buffer-pool-size=8M", "--skip-log-bin",
                   "--innodb-flush-method=nosync", "--skip-name-resolve")

    def query(self, sql, *options, port, user="app", password="word"):
        done = subprocess.run([program("mariadb"), "--no-defaults", "-N", "-B", "-h", "127.0.0.1", "-P", str(port), "-u", user, f"-p{password}", *map(str, options),
                               "-e", sql], capture_output=True, text=True, timeout=30, env=self.environment())
        return done.returncode, done.stdout.strip() + done.stderr.strip()


class Slapd(Server):
    """A directory whose root entry anyone may read, who has a certificate where demand is "demand"."""

    def __init__(self, case, demand="demand"):
        super().__init__(case, "slapd")
        path = self.folder / "slapd.conf"
        secure = "security ssf=64\n" if demand == "demand" else ""
        path.write_text(f"pidfile {self.folder}/pid\nTLSCACertificateFile {self.folder}/ca\nTLSCertificateFile {self.folder}/crt\n"
                        f"TLSCertificateKeyFile {self.folder}/key\nTLSVerifyClient {demand}\n{secure}database monitor\n")
        self.own()
        self.start("slapd", program("slapd"), "-h", f"ldap://127.0.0.1:{self.port}/", "-f", path, "-d", "0")

    def search(self, *options, port, env=None):
        done = subprocess.run([program("ldapsearch"), "-x", "-LLL", "-H", f"ldap://127.0.0.1:{port}", "-s", "base", "-b", "", *options, "supportedLDAPVersion"],
                              capture_output=True, text=True, timeout=30, env=dict(self.environment(), **(env or {})))
        return done.returncode, done.stdout.strip() + done.stderr.strip()


class Postfix(Server):
    """A mail server that demands a client's certificate on its port. What it takes there it discards or sends on, to a server whose certificate it verifies and with
    one of its own. On its plain port it takes mail in plaintext and discards it."""
    SERVICES = ["cleanup unix n - n - 0 cleanup", "qmgr unix n - n 1 1 qmgr", "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce",
                "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce", "tlsmgr unix - - n 1000? 1 tlsmgr", "anvil unix - - n - 1 anvil",
                "smtp unix - - n - - smtp", "discard unix - - n - - discard", "error unix - - n - - error", "retry unix - - n - - error",
                "postlog unix-dgram n - n - 1 postlogd"]

    def __init__(self, case, relay=None):
        """relay: the port that mail is sent to; None: all is discarded."""
        super().__init__(case, "postfix")
        self.plain, f, mine = harness.free_port(), self.folder, case.pki.client()
        for name in ("queue", "data", "etc"):
            (f / name).mkdir()
        shutil.chown(f / "data", "postfix")
        settings = {
            "compatibility_level": 3.6, "queue_directory": f / "queue", "data_directory": f / "data", "maillog_file": "/dev/stdout", "myhostname": "mx.test",
            "inet_interfaces": "loopback-only", "inet_protocols": "ipv4", "mydestination": "", "local_recipient_maps": "", "alias_maps": "", "smtputf8_enable": "no",
            "smtpd_tls_security_level": "encrypt", "smtpd_tls_req_ccert": "yes", "smtpd_tls_cert_file": f / "crt", "smtpd_tls_key_file": f / "key",
            "smtpd_tls_CAfile": f / "ca", "tls_append_default_CA": "no", "smtpd_tls_loglevel": 1, "smtp_tls_loglevel": 1, "smtpd_tls_received_header": "yes",
            "smtpd_relay_restrictions": "permit_tls_all_clientcerts, reject", "smtpd_recipient_restrictions": "permit_tls_all_clientcerts, reject",
            "smtp_tls_security_level": "secure", "smtp_tls_CAfile": f / "ca", "smtp_tls_cert_file": mine.crt, "smtp_tls_key_file": mine.key,
            "smtp_tls_secure_cert_match": "localhost", "default_transport": "discard:" if relay is None else f"smtp:[127.0.0.1]:{relay}"}
        (f / "etc" / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
        plain = ["smtpd_tls_security_level=none", "smtpd_tls_req_ccert=no", "smtpd_relay_restrictions=permit_mynetworks,reject",
                 "smtpd_recipient_restrictions=permit_mynetworks,reject", "content_filter=discard:", "myhostname=behind.test"]
        (f / "etc" / "master.cf").write_text("\n".join([
            f"127.0.0.1:{self.port} inet n - n - - smtpd", f"127.0.0.1:{self.plain} inet n - n - - smtpd", *(f"  -o {option}" for option in plain), *self.SERVICES, ""]))
        done = subprocess.run([program("postfix"), "-c", f / "etc", "check"], capture_output=True, text=True, timeout=60, check=False)
        case.assertEqual(0, done.returncode, done.stderr)
        folder = subprocess.run([program("postconf"), "-c", f / "etc", "-h", "daemon_directory"], capture_output=True, text=True, timeout=60, check=True).stdout.strip()
        self.process = case.spawn("postfix", [f"{folder}/master", "-s", "-c", f / "etc"], [self.port, self.plain])

    def own(self):
        """It begins as root and leaves that to its own parts."""
