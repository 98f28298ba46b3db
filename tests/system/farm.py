# SPDX-License-Identifier: Apache-2.0
"""Three https workers that behave like Tomcats behind a load balancer: Apache httpd and two nginx servers. Each requires a client certificate and
answers with its own name. A request without a session gets a cookie that ends in the name of the worker. The test holds back the answers to /slow."""
import pathlib
import threading

import peers
from harness import free_port

MODULES = "/usr/lib/apache2/modules"
APACHE_MODULES = ("mpm_event", "authz_core", "ssl", "socache_shmcb", "headers", "setenvif", "unique_id", "proxy", "proxy_http", "env",
                  "mime", "dir")


class Slow:
    """What stands behind /slow of every worker: keeps each request until it is let go, and counts which ones it was given."""

    def __init__(self, case):
        self.go = threading.Event()
        self.seen = []
        self.backend = peers.Backend(case, self.answer)
        case.addCleanup(self.go.set)

    @property
    def port(self):
        return self.backend.port

    def answer(self, request):
        self.seen.append((request.method, request.target))
        self.go.wait(peers.IO_S)
        return peers.reply(b"at last\n")


class Worker:
    def __init__(self, name, kind, port, process=None):
        self.name, self.kind, self.port, self.process = name, kind, port, process
        self.access = None

    def requests(self):
        """Request lines of its access log."""
        path = pathlib.Path(self.access)
        return path.read_text().splitlines() if path.exists() else []


class Farm:
    def __init__(self, case, certificate=None, client_ca=None):
        self.case = case
        self.certificate = certificate or case.pki.server()
        self.client_ca = client_ca or case.pki.ca("root")
        self.slow = Slow(case)
        self.workers = [Worker("worker1", "apache", free_port()), Worker("worker2", "nginx", free_port()),
                        Worker("worker3", "nginx", free_port())]
        for worker in self.workers:
            self.start(worker)

    def start(self, worker):
        worker.access = self.case.folder / f"{worker.name}.access"
        if worker.kind == "apache":
            self.start_apache(worker)
        else:
            self.start_nginx(worker)

    def kill(self, worker):
        """As a power cut does: no goodbye."""
        worker.process.popen.kill()
        worker.process.popen.wait(15)

    def start_apache(self, worker):
        folder = self.case.folder / worker.name
        (folder / "www").mkdir(parents=True, exist_ok=True)
        (folder / "www/index.html").write_text(f"{worker.name}\n")
        load = "\n".join(f"LoadModule {m}_module {MODULES}/mod_{m}.so" for m in APACHE_MODULES)
        config = self.case.write(f"{worker.name}.conf", f"""
            ServerName localhost
            TypesConfig /dev/null
            ServerRoot {folder}
            PidFile {folder}/pid
            DefaultRuntimeDir {folder}
            {load}
            StartServers 1
            ServerLimit 2
            ThreadsPerChild 25
            MaxRequestWorkers 50
            ErrorLog {folder}/error.log
            LogFormat "%m %U" line
            CustomLog {worker.access} line
            Listen 127.0.0.1:{worker.port}
            SSLEngine on
            SSLCertificateFile {self.certificate.crt}
            SSLCertificateKeyFile {self.certificate.key}
            SSLCACertificateFile {self.client_ca.crt}
            SSLVerifyClient require
            SSLVerifyDepth 3
            SSLSessionCache shmcb:{folder}/cache
            DocumentRoot {folder}/www
            FallbackResource /index.html
            KeepAlive On
            MaxKeepAliveRequests 0
            ProxyPass /slow http://127.0.0.1:{self.slow.port}/slow
            SetEnvIf Cookie "JSESSIONID=" has_session
            Header always set X-Worker {worker.name}
            Header always add Set-Cookie "JSESSIONID=%{{UNIQUE_ID}}e.{worker.name}; Path=/; HttpOnly" env=!has_session
            Header always set X-Subject "expr=%{{SSL_CLIENT_S_DN}}"
            """)
        worker.process = self.case.spawn(worker.name, ["apache2", "-X", "-f", config], [worker.port])

    def start_nginx(self, worker):
        folder = self.case.folder / worker.name
        folder.mkdir(exist_ok=True)
        config = self.case.write(f"{worker.name}.conf", f"""
            daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log info;
            events {{ worker_connections 512; }}
            http {{
              log_format line '$request_method $uri'; access_log {worker.access} line;
              client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
              uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
              map $cookie_jsessionid $fresh {{ "" "JSESSIONID=$request_id.{worker.name}; Path=/; HttpOnly"; default ""; }}
              server {{
                listen 127.0.0.1:{worker.port} ssl; ssl_certificate {self.certificate.pem}; ssl_certificate_key {self.certificate.key};
                ssl_client_certificate {self.client_ca.crt}; ssl_verify_client on; keepalive_requests 100000;
                add_header X-Worker {worker.name} always; add_header Set-Cookie $fresh always;
                add_header X-Subject $ssl_client_s_dn always;
                location /slow {{ proxy_pass http://127.0.0.1:{self.slow.port}; proxy_http_version 1.1; proxy_set_header Connection ""; }}
                location / {{ return 200 "{worker.name}\\n"; }}
              }}
            }}""")
        worker.process = self.case.spawn(worker.name, ["nginx", "-c", config, "-e", folder / "error.log"], [worker.port])
