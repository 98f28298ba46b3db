# SPDX-License-Identifier: Apache-2.0
"""Real web servers as backends of a verifier, each configured as in its documentation. They decide which names, paths and fields they treat as equal."""
from harness import free_port

MODULES = "/usr/lib/apache2/modules"


def nginx(case, *servers, http=""):
    """Server blocks on one port; the first also gets what no other takes."""
    port = free_port()
    case.nginx("\n".join(f"server {{ listen 127.0.0.1:{port}; {text} }}" for text in servers), [port], http)
    return port


def haproxy(case, rules):
    port = free_port()
    path = case.write("haproxy.cfg", f"""
        defaults
          mode http
          timeout connect 5s
          timeout client 20s
          timeout server 20s
        frontend front
          bind 127.0.0.1:{port}
          {rules}\n""")
    case.spawn("haproxy", ["haproxy", "-db", "-f", path], [port])
    return port


def apache(case, hosts):
    """hosts: {ServerName or ServerAlias: text of its page}; the first also gets what no other takes."""
    port = free_port()
    folder = case.folder / "apache"
    text = []
    for i, (name, page) in enumerate(hosts.items()):
        www = folder / f"www{i}"
        www.mkdir(parents=True)
        (www / "index.html").write_text(page)
        text.append(f"<VirtualHost 127.0.0.1:{port}>\nServerName vhost{i}.invalid\nServerAlias {name}\nDocumentRoot {www}\nFallbackResource /index.html\n</VirtualHost>")
    path = case.write("apache.conf", "\n".join([
        "ServerName localhost", f"ServerRoot {folder}", f"PidFile {folder}/pid", f"DefaultRuntimeDir {folder}",
        *(f"LoadModule {m}_module {MODULES}/mod_{m}.so" for m in ("mpm_event", "authz_core", "dir")),
        "StartServers 1", "ServerLimit 1", "ThreadsPerChild 8", "MaxRequestWorkers 8", f"ErrorLog {folder}/error.log", f"Listen 127.0.0.1:{port}", *text]))
    case.spawn("apache", ["apache2", "-X", "-f", path], [port])
    return port


def php(case, script):
    """PHP's own server: every path runs the script."""
    port = free_port()
    path = case.write("index.php", script)
    case.spawn("php", ["php", "-d", "display_errors=0", "-S", f"127.0.0.1:{port}", path], [port])
    return port


def lighttpd(case, more):
    port = free_port()
    www = case.folder / "lighttpd"
    www.mkdir()
    path = case.write("lighttpd.conf", f"""
        server.document-root = "{www}"
        server.bind = "127.0.0.1"
        server.port = {port}
        server.errorlog = "{case.folder}/lighttpd.err"
        server.upload-dirs = ( "{case.folder}" )
        {more}
    """)
    case.spawn("lighttpd", ["lighttpd", "-D", "-f", path], [port])
    return port, www


def node(case, script):
    """script listens on process.argv[2]; the caller looks first whether there is a node."""
    port = free_port()
    path = case.write("server.js", script)
    case.spawn("node", ["node", path, port], [port])
    return port
