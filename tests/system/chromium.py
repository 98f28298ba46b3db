# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium without a window, driven by its own debugging protocol over a pair of pipes: no port, and nothing to install beside it."""
import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time

PROGRAM = shutil.which("chromium")
WAIT_S = 40


class Browser:
    """One page. Ended with the test."""

    def __init__(self, case, *flags, width=1280, height=1000):
        to_read, self.to = os.pipe()
        self.of, to_write = os.pipe()
        command = [PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage", "--disable-background-networking",
                   "--disable-component-update", f"--user-data-dir={case.folder}/chromium", "--remote-debugging-pipe", *flags, "about:blank"]
        self.process = subprocess.Popen(["bash", "-c", 'exec "$@" 3<&%d 4>&%d' % (to_read, to_write), "bash", *command], pass_fds=(to_read, to_write),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        case.addCleanup(self.end)
        self.numbers, self.rest, self.session, self.errors = itertools.count(1), b"", None, []
        target = next(t for t in self.ask("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        self.resize(width, height)

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        os.close(self.of)

    def message(self, deadline):
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.of], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError("Chromium says nothing")
            piece = os.read(self.of, 1 << 16)
            if not piece:
                raise ConnectionError("Chromium ended")
            self.rest += piece
        one, _, self.rest = self.rest.partition(b"\0")
        return json.loads(one)

    def note(self, event):
        """What a policy refused, and what a script threw."""
        if event.get("method") == "Runtime.exceptionThrown":
            self.errors.append(event["params"]["exceptionDetails"]["text"])
        if event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            self.errors.append(event["params"]["entry"]["text"])

    def ask(self, method, **parameters):
        number, deadline = next(self.numbers), time.monotonic() + WAIT_S
        question = {"id": number, "method": method, "params": parameters} | ({"sessionId": self.session} if self.session else {})
        os.write(self.to, json.dumps(question).encode() + b"\0")
        while (answer := self.message(deadline)).get("id") != number:
            self.note(answer)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def resize(self, width, height=1000):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def run(self, script):
        """The value of an expression in the page."""
        result = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        return result["result"].get("value")

    def until(self, script, what):
        deadline = time.monotonic() + WAIT_S
        while not self.run(script):
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {WAIT_S} s, {self.errors}")
            time.sleep(0.05)

    def open(self, url):
        self.ask("Page.navigate", url=url)
        self.until(f"document.readyState === 'complete' && location.href.startsWith({json.dumps(url)})", url)

    def click(self, selector):
        """With the mouse, where the element is."""
        at = self.run(f"(()=>{{const e=document.querySelector({json.dumps(selector)});if(!e)return null;e.scrollIntoView({{block:'center'}});"
                      "const r=e.getBoundingClientRect();return [r.x+r.width/2,r.y+r.height/2]})()")
        if at is None:
            raise AssertionError(f"no {selector}: {self.run('document.body.innerText')}")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button="left", clickCount=1)

    def picture(self, path):
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]))
