# SPDX-License-Identifier: Apache-2.0
"""What packaging/ ships: one version, needs as the build has them, a configuration that runs, completions of every command, an image without a shell,
and manifests of Kubernetes that its restricted profile accepts. The packages themselves are built and tried by packaging/deb-try.sh."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import harness
from harness import MTLSD, ROOT, wait_for

PACKAGING = ROOT / "packaging"
ALONE = {"ASAN_OPTIONS": "detect_leaks=0"}  # of a process that may not trace itself
# Fields that Debian's client of Kubernetes (1.22 in Debian 12, 1.30 in 13) is too old for: sidecars came with 1.29, certificates of pods with 1.34.
NEWER = (".initContainers[0].restartPolicy", ".sources[0].podCertificate")
IN_ROOT = 'mount -t proc proc "$1/proc" && exec chroot --userspec=65532:65532 "$@"'


def version():
    return re.search(r"project\(mtlsd VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())[1]


class Files(harness.Case):
    def test_every_package_has_the_version_of_the_build(self):
        self.assertTrue((PACKAGING / "debian/changelog").read_text().startswith(f"mtlsd ({version()}) "))
        spec = (PACKAGING / "rpm/mtlsd.spec").read_text()
        self.assertIn(f"\nVersion:        {version()}\n", spec)
        self.assertIn(f" - {version()}-1\n", spec)
        self.assertIn(f"image: mtlsd:{version()}\n", (PACKAGING / "kubernetes/base/deployment.yaml").read_text())

    def test_a_package_needs_what_a_build_needs(self):
        field = re.search(r"^Build-Depends: (.*?)^\S", (PACKAGING / "debian/control").read_text(), re.M | re.S)[1]
        debian = {name for name in re.findall(r"[a-z][a-z0-9+-]+(?=[ ,:\n|]|$)", re.sub(r"\([^)]*\)", "", field))}
        lines = [line for line in (PACKAGING / "build-packages").read_text().splitlines() if not line.startswith("#")]
        ours = {name for line in lines for name in line.split("|")} - {"gcc", "libc6-dev"}  # build-essential has these
        self.assertEqual(set(), ours - debian)
        needs = (PACKAGING / "needs.cmake").read_text()
        fedora = {name for name in re.findall(r"need_module\(.* (\S+)\)$", needs, re.M)}
        self.assertGreater(len(fedora), 5)
        spec = set(re.findall(r"^BuildRequires:\s+(\S+)", (PACKAGING / "rpm/mtlsd.spec").read_text(), re.M))
        self.assertEqual(set(), fedora - spec)

    def test_the_installed_configuration_runs_and_answers_as_it_says(self):
        text = (PACKAGING / "debian/mtlsd.conf").read_text().replace("/run/mtlsd", str(self.folder))
        self.daemon(text, [], [self.folder / "hello.sock", self.folder / "admin.sock"], prelude="")
        self.assertEqual(self.curl("--unix-socket", self.folder / "hello.sock", "http://localhost/").status, 204)
        checked = self.command("check", "-c", self.folder / "mtlsd.conf")
        self.assertEqual((checked.returncode, "warning" in checked.stdout), (0, False), checked.stdout)
        for block in re.findall(r"^# (identities .*?)(?:\n\n|\Z)", text, re.M | re.S):  # the samples, once they are no comments
            sample = re.sub(r"^# ?", "", block, flags=re.M)
            for name, source in (("payments.pem", self.pki.client().pem), ("web.pem", self.pki.server().pem), ("partner-ca.pem", self.pki.ca("root").crt),
                                 ("clients-ca.pem", self.pki.ca("root").crt)):
                shutil.copy(source, self.folder / name)
            path = self.config(sample, "sample.conf", prelude="")
            done = self.command("check", "-c", path)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_completions_offer_every_command_and_flag(self):
        subprocess.run([sys.executable, PACKAGING / "completions.py", MTLSD, self.folder], check=True, timeout=60, env={**os.environ, **self.environment()})
        self.assertEqual(subprocess.run(["bash", "-n", self.folder / "mtlsd"]).returncode, 0)
        self.assertIn("probe", self.complete("mtlsd", "p"))
        self.assertEqual(self.complete("mtlsd", "pki", "re"), ["request", "revoke"])
        for words in (["check"], ["pki", "issue"], ["server"]):
            said = self.command(*words, "--help").stdout
            flags = set(re.findall(r"^  (?:-\w, )?(--[a-z0-9-]+)", said, re.M))
            self.assertGreater(len(flags), 1)
            self.assertEqual(flags | {"--help"}, {word for word in self.complete("mtlsd", *words, "--") if word.startswith("--")})
            for file in ("_mtlsd", "mtlsd.fish"):
                text = (self.folder / file).read_text()
                self.assertEqual([], [flag for flag in flags if flag not in text and f"-l {flag[2:]} " not in text])

    def complete(self, *words):
        listed = " ".join(f"'{word}'" for word in words)
        script = f"source {self.folder}/mtlsd; COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}; _mtlsd; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.split()

    def test_the_bill_of_materials_names_every_library_and_is_repeatable(self):
        def bill():
            environment = {**os.environ, "SOURCE_DATE_EPOCH": "1000000000"}
            return subprocess.run([sys.executable, PACKAGING / "sbom.py", MTLSD], capture_output=True, text=True, check=True, env=environment).stdout
        text = bill()
        self.assertEqual(text, bill())
        document = json.loads(text)
        self.assertEqual((document["spdxVersion"], document["creationInfo"]["created"]), ("SPDX-2.3", "2001-09-09T01:46:40Z"))
        packages = {p["name"]: p for p in document["packages"]}
        self.assertEqual(packages["mtlsd"]["versionInfo"], version())
        for library in ("gnutls", "libuv", "libconfig", "nghttp2", "jansson", "curl", "llhttp"):
            self.assertTrue([name for name in packages if library in name], f"{library} in {list(packages)}")
        known = {p["SPDXID"] for p in document["packages"]} | {"SPDXRef-DOCUMENT"}
        self.assertEqual(set(), {e for r in document["relationships"] for e in (r["spdxElementId"], r["relatedSpdxElement"])} - known)

    @unittest.skipUnless(shutil.which("rpmspec"), "rpm is not installed")
    def test_the_spec_is_understood(self):
        macros = [f"-D{name} %{{nil}}" for name in ("sysusers_requires_compat", "systemd_requires")]
        done = subprocess.run(["rpmspec", *macros, "-q", "--qf", "%{name} %{version}\\n", PACKAGING / "rpm/mtlsd.spec"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"mtlsd {version()}", done.stdout)


class Image(harness.Case):
    """The root tree of the image, which the Containerfile makes by the same script."""

    def make_root(self):
        self.root = self.folder / "root"
        subprocess.run(["sh", PACKAGING / "container/rootfs.sh", MTLSD, self.root], check=True, timeout=60)

    def test_nothing_in_it_could_start_a_program(self):
        self.make_root()
        programs = [path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink() and os.access(path, os.X_OK) and ".so" not in path.name]
        self.assertEqual(programs, [self.root / "usr/bin/mtlsd"])
        self.assertEqual([], [path for path in self.root.rglob("*") if path.name in ("sh", "bash", "dash", "busybox", "dpkg", "apt")])
        if not harness.is_sanitized():
            self.assertLess(sum(path.stat().st_size for path in self.root.rglob("*") if path.is_file() and not path.is_symlink()), 24 << 20)

    @unittest.skipUnless(os.geteuid() == 0, "chroot needs root")
    def test_its_daemon_serves_and_is_probed_as_an_unprivileged_user(self):
        self.make_root()
        for folder in (self.folder, self.root):
            folder.chmod(0o755)
        text = (PACKAGING / "debian/mtlsd.conf").read_text()
        (self.root / "etc/mtlsd/mtlsd.conf").write_text(text)
        if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
            self.skipTest("this machine does not let root mount")
        inside = ["unshare", "--mount", "sh", "-c", IN_ROOT, "sh", self.root, "/usr/bin/mtlsd"]
        environment = {**self.environment(), **ALONE}
        self.assertEqual(self.probe(inside, environment), 1)
        daemon = harness.Process("image", [*inside, "run"], self.folder, environment)
        self.processes.append(daemon)
        self.daemons.append(daemon)
        wait_for(lambda: self.probe(inside, environment) == 0, "the probe", pause=0.2)
        self.assertEqual(self.curl("--unix-socket", self.root / "run/mtlsd/hello.sock", "http://localhost/").status, 204)
        self.assertIn("\nUid:\t65532\t65532\t65532\t65532\n", pathlib.Path(f"/proc/{daemon.pid}/status").read_text())

    def probe(self, inside, environment):
        return subprocess.run([*inside, "probe"], capture_output=True, env=environment, timeout=30).returncode

    def test_the_containerfile_takes_folders_that_exist_and_another_user_than_root(self):
        text = (PACKAGING / "container/Containerfile").read_text()
        for words in re.findall(r"^COPY (?!--)(.*)$", text, re.M):
            for source in words.split()[:-1]:
                self.assertTrue((ROOT / source).exists(), source)
        last = text.rpartition("\nFROM ")[2]
        self.assertTrue(last.startswith("scratch\n"))
        self.assertIn("\nUSER 65532:65532\n", last)
        self.assertNotIn("RUN", last)


try:
    import yaml
except ImportError:
    yaml = None
try:
    import kubernetes.client as published  # what the API of Kubernetes has, as its project generates it
except ImportError:
    published = None


@unittest.skipIf(yaml is None, "python3-yaml is not installed")
class Kubernetes(harness.Case):
    FOLDER = PACKAGING / "kubernetes"

    def load(self, name):
        return yaml.safe_load((self.FOLDER / name).read_text())

    def pod(self):
        return self.load("base/deployment.yaml")["spec"]["template"]["spec"]

    def test_a_kustomization_names_files_that_exist(self):
        for file in self.FOLDER.glob("*/kustomization.yaml"):
            k = yaml.safe_load(file.read_text())
            self.assertEqual(k["kind"], "Kustomization")
            for name in [*k["resources"], *[p["path"] for p in k.get("patches", [])], *[f for g in k.get("configMapGenerator", []) for f in g["files"]]]:
                self.assertTrue((file.parent / name).exists(), f"{file}: {name}")

    def test_the_sidecar_starts_first_and_runs_beside_the_app(self):
        sidecar = self.pod()["initContainers"][0]
        self.assertEqual((sidecar["name"], sidecar["restartPolicy"]), ("mtlsd", "Always"))
        text = (self.FOLDER / "base/mtlsd.conf").read_text()
        port = next(port["containerPort"] for port in sidecar["ports"] if port["name"] == "health")
        self.assertIn(f'health = ":{port}"', text)
        for probe, page in (("startupProbe", "/readyz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/livez")):
            self.assertEqual(sidecar[probe]["httpGet"], {"path": page, "port": "health"})
        drain = re.search(r'drain_timeout = "(\d+)s"', text)[1]
        self.assertGreater(self.pod()["terminationGracePeriodSeconds"], int(drain))

    def test_the_restricted_profile_of_pods_is_met(self):
        pod = self.pod()
        self.assertEqual((pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["seccompProfile"]["type"]), (True, "RuntimeDefault"))
        self.assertEqual(set(), {"hostNetwork", "hostPID", "hostIPC"} & set(pod))
        for container in pod["initContainers"] + pod["containers"]:
            rights = container["securityContext"]
            self.assertEqual((rights["allowPrivilegeEscalation"], rights["capabilities"]), (False, {"drop": ["ALL"]}))
            self.assertTrue(rights["readOnlyRootFilesystem"])
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            self.assertEqual(set(), mounted - {volume["name"] for volume in pod["volumes"]})
        kinds = {kind for volume in pod["volumes"] for kind in volume} - {"name"}
        self.assertEqual(set(), kinds - {"configMap", "projected", "emptyDir", "secret"})

    def test_the_configuration_loads_from_the_files_that_the_volumes_hold(self):
        mounts = {m["name"]: m["mountPath"] for m in self.pod()["initContainers"][0]["volumeMounts"]}
        text = (self.FOLDER / "base/mtlsd.conf").read_text()
        patched = next(v for v in self.load("pod-certificate/identity.yaml")["spec"]["template"]["spec"]["volumes"])
        own = next(v for v in self.pod()["volumes"] if v["name"] == patched["name"])
        self.assertEqual(patched["projected"]["sources"][0]["podCertificate"]["credentialBundlePath"],
                         own["projected"]["sources"][0]["secret"]["items"][0]["path"])
        for name, file, source in (("identity", "credentialbundle.pem", self.pki.server().pem), ("trust", "ca.crt", self.pki.ca("root").crt)):
            self.assertIn(f"{mounts[name]}/{file}", text)
            (self.folder / name).mkdir()
            shutil.copy(source, self.folder / name / file)
            text = text.replace(mounts[name], str(self.folder / name))
        path = self.config(text.replace("/run/mtlsd/admin", f"{self.folder}/admin"), prelude="")
        done = self.command("check", "-c", path)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    @unittest.skipIf(published is None, "the client of Kubernetes for Python is not installed")
    def test_every_field_is_one_that_the_api_publishes(self):
        for name, model in (("base/deployment.yaml", "V1Deployment"), ("base/service.yaml", "V1Service"), ("pod-certificate/identity.yaml", "V1Deployment")):
            unknown = [field for field in self.unknown_fields(self.load(name), model, name) if not field.endswith(NEWER)]
            self.assertEqual([], unknown)

    def unknown_fields(self, value, kind, place):
        inner = re.fullmatch(r"(list|dict)[\[(](?:str, )?(\w+)[\])]", kind)
        if inner and inner[1] == "list":
            for i, item in enumerate(value):
                yield from self.unknown_fields(item, inner[2], f"{place}[{i}]")
        model = getattr(published, kind, None)
        if inner or model is None or not isinstance(value, dict):
            return
        kinds = {written: model.openapi_types[name] for name, written in model.attribute_map.items()}
        for key, item in value.items():
            if key in kinds:
                yield from self.unknown_fields(item, kinds[key], f"{place}.{key}")
            elif key != "$patch":  # kustomize's
                yield f"{place}.{key}"

    def test_the_service_finds_the_port_and_the_pods(self):
        service, template = self.load("base/service.yaml"), self.load("base/deployment.yaml")["spec"]["template"]
        self.assertEqual(service["spec"]["selector"], template["metadata"]["labels"])
        self.assertIn(service["spec"]["ports"][0]["targetPort"], [port["name"] for port in template["spec"]["initContainers"][0]["ports"]])


if __name__ == "__main__":
    unittest.main()
