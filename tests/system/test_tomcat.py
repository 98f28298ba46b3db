# SPDX-License-Identifier: Apache-2.0
"""Three Tomcats with sessions behind the balancer, one of them over https with required client certificates. They share a Java process, since what
matters is their engines: each has its own jvmRoute, sessions and port."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

import harness
from harness import free_port

HOME = pathlib.Path("/usr/share/tomcat10")
JARS = HOME / "lib"

SERVLET = """import jakarta.servlet.http.*;
public class Count extends HttpServlet {
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws java.io.IOException {
        HttpSession session = request.getSession();
        Integer n = (Integer) session.getAttribute("n");
        session.setAttribute("n", n = n == null ? 1 : n + 1);
        Object chain = request.getAttribute("jakarta.servlet.request.X509Certificate");
        String caller = chain == null ? "-" : ((java.security.cert.X509Certificate[]) chain)[0].getSubjectX500Principal().getName();
        response.setContentType("text/plain");
        response.getWriter().print(session.getId().replaceAll(".*[.]", "") + " " + n + " " + caller);
    }
}
"""
WEB = """<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0" metadata-complete="true">
  <servlet><servlet-name>c</servlet-name><servlet-class>Count</servlet-class></servlet>
  <servlet-mapping><servlet-name>c</servlet-name><url-pattern>/</url-pattern></servlet-mapping></web-app>"""
TLS = """scheme="https" secure="true" SSLEnabled="true"><SSLHostConfig certificateVerification="required"
  truststoreFile="{trust}" truststorePassword="changeit" truststoreType="PKCS12">
  <Certificate certificateFile="{crt}" certificateKeyFile="{key}" type="EC"/></SSLHostConfig></Connector>"""
SERVICE = """<Service name="{name}"><Connector port="{port}" address="127.0.0.1" maxThreads="4" minSpareThreads="1" acceptorThreadCount="1" {more}
  <Engine name="{name}" defaultHost="localhost" jvmRoute="{name}"><Host name="localhost" appBase="apps" autoDeploy="false" deployOnStartup="false">
  <Context path="" docBase="{docs}"/></Host></Engine></Service>"""


@unittest.skipUnless(JARS.is_dir() and shutil.which("java") and shutil.which("javac"), "no Tomcat 10 or no JDK here")
class Tomcat(harness.Case):
    def start_tomcats(self):
        """The ports of worker1, worker2 and, over https, worker3."""
        base, ports, server = self.folder / "tomcat", [free_port() for _ in range(3)], self.pki.server()
        classes = base / "docs/WEB-INF/classes"
        for folder in (classes, base / "conf", base / "apps", base / "logs", base / "temp", base / "work"):
            folder.mkdir(parents=True)
        (base / "docs/WEB-INF/web.xml").write_text(WEB)
        (base / "conf/web.xml").write_text(WEB.split("<servlet>")[0] + "</web-app>")
        (base / "Count.java").write_text(SERVLET)
        self.done("javac", "-proc:none", "-cp", JARS / "servlet-api.jar", "-d", classes, base / "Count.java")
        trust = base / "trust.p12"
        self.done("keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", self.pki.ca("root").crt, "-keystore", trust, "-storetype", "PKCS12",
                  "-storepass", "changeit")
        tls = TLS.format(trust=trust, crt=server.crt, key=server.key)
        services = [SERVICE.format(name=f"worker{n}", port=port, docs=base / "docs", more=tls if n == 3 else "/>") for n, port in enumerate(ports, 1)]
        (base / "conf/server.xml").write_text(f'<Server port="-1">{"".join(services)}</Server>')
        self.spawn("tomcat", ["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", f"-Dcatalina.home={HOME}", f"-Dcatalina.base={base}",
                              f"-Djava.io.tmpdir={base}/temp", "-cp", f"{HOME}/bin/bootstrap.jar:{HOME}/bin/tomcat-juli.jar",
                              "org.apache.catalina.startup.Bootstrap", "start"], ports, env={**os.environ, "LANG": "C.UTF-8"})
        return ports

    def done(self, *command):
        result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, cwd=self.folder)
        self.assertEqual(0, result.returncode, result.stderr)

    def begin(self):
        ports, port = self.start_tomcats(), free_port()
        self.admin = self.folder / "admin.sock"
        self.daemon(f"""
            admin = {{ socket = "unix:{self.admin}"; }};
            identities = {{ me = {{ bundle = "{self.pki.client().pem}"; }}; }};
            trusts = {{ them = {{ ca = "{self.pki.ca("root").crt}"; }}; }};
            upstreams = {{
                app = {{ sticky = {{ cookie = "JSESSIONID"; mode = "suffix"; }};
                    targets = ( {{ address = "127.0.0.1:{ports[0]}"; route = "worker1"; }}, {{ address = "127.0.0.1:{ports[1]}"; route = "worker2"; }} ); }};
                safe = {{ targets = [ "localhost:{ports[2]}" ]; tls = {{ identity = "me"; trust = "them"; }}; }};
            }};
            listeners = {{ in = {{ bind = "127.0.0.1:{port}"; routes = ( {{ path = "/mtlsd"; serve = "dashboard"; }}, {{ path = "/safe"; upstream = "safe"; }},
                {{ upstream = "app"; }} ); }}; }};""", [port], [self.admin])
        self.url = f"http://localhost:{port}"

    def ask(self, jar, path="/"):
        answer = self.curl("-b", self.folder / jar, "-c", self.folder / jar, f"{self.url}{path}", seconds=60)
        self.assertEqual(200, answer.status, answer.text)
        return answer.text.split(" ", 2)

    def press(self, verb):
        """As the browser does it."""
        nonce = re.search(r'name="nonce" value="([0-9a-f]+)"', self.curl(f"{self.url}/mtlsd").text)[1]
        self.assertEqual(303, self.curl("-d", f"nonce={nonce}&target=app%2Fworker1&do={verb}", f"{self.url}/mtlsd").status)

    def test_sessions_stay_while_a_target_is_drained_and_move_when_it_is_disabled(self):
        self.begin()
        self.assertEqual({"worker1", "worker2"}, {self.ask(f"new{n}")[0] for n in range(4)}, "new sessions take turns")
        jar = next(f"new{n}" for n in range(4) if self.ask(f"new{n}")[0] == "worker1")
        self.press("drain")
        self.assertEqual([["worker1", "3", "-"], ["worker1", "4", "-"]], [self.ask(jar) for _ in range(2)], "the session stays, with what it holds")
        self.assertEqual({"worker2"}, {self.ask(f"later{n}")[0] for n in range(4)}, "new ones go elsewhere")
        self.command("target", "disable", "app/worker1", "--socket", self.admin)
        self.assertEqual(["worker2", "1", "-"], self.ask(jar), "the session moves, and begins anew there")
        self.press("enable")
        self.assertEqual({"worker1", "worker2"}, {self.ask(f"last{n}")[0] for n in range(4)})
        self.assertEqual(["worker2", "2", "-"], self.ask(jar), "it has become one of worker2")
        worker, _, caller = self.ask("safe", "/safe")
        self.assertEqual(("worker3", True), (worker, "CN=client1" in caller), "over https, with our certificate")


if __name__ == "__main__":
    harness.main()
