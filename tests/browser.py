"""A headless Chromium for tests of pages: open one, evaluate JavaScript, press keys, see errors, take pictures.

It is driven by the DevTools protocol over its websocket; nothing but the `websockets` of the lock file is needed.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--remote-debugging-port=0",
)  # fmt: skip
PATIENCE = 60
"Seconds for the browser to start, and for one answer of it: a shared machine may be slow."


def chromium():
    """Give the browser's path; skips the test, saying so, where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed; next: apt-get install chromium")
    return found


class Page:
    """One open page. `errors`: what its console, its policy and its uncaught exceptions said."""

    def __init__(self, socket):
        self._socket, self._numbers, self._session = socket, itertools.count(1), None
        self.errors, self.requests, self._events = [], [], []
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")

    def size(self, width, height=900, *, dark=False, media=""):
        """Set the window; `media`: `print` shows the page as it prints."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def scripts(self, *, run):
        """Turn the page's own scripts on or off, for pages opened from now on."""
        self._ask("Emulation.setScriptExecutionDisabled", value=not run)

    def open(self, url):
        """Load a page anew and wait until it is there."""
        for each in ("about:blank", url):  # to another place of the page that is open, a browser would only scroll
            self._events.clear()
            self._ask("Page.navigate", url=each)
            end = time.monotonic() + PATIENCE
            while "Page.loadEventFired" not in self._events:
                self._hear(json.loads(self._socket.recv(timeout=max(0.1, end - time.monotonic()))))

    def evaluate(self, expression):
        """Give the value of an expression as plain data; a promise is awaited. An exception fails the test."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            pytest.fail(f"{expression}: {answer['exceptionDetails']['exception'].get('description')}")
        return answer["result"].get("value")

    def press(self, key, text=""):
        """Press and release one key, as a user: `press("Enter", "\\r")`."""
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, " ": 32}
        given = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper()))}
        self._ask("Input.dispatchKeyEvent", type="keyDown", text=text, **given)
        self._ask("Input.dispatchKeyEvent", type="keyUp", **given)

    def write(self, text):
        """Put text where the focus is."""
        self._ask("Input.insertText", text=text)

    def click(self, selector):
        """Click the middle of the first element that a selector finds; what covers it gets the click."""
        place = f"""(() => {{
            const node = document.querySelector({json.dumps(selector)});
            node.scrollIntoView({{block: "center"}});
            const box = node.getClientRects()[0];
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()"""
        x, y = self.evaluate(place)
        for kind in ("mousePressed", "mouseReleased"):
            self._ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path, *, whole=False):
        """Write a picture of the window, or of the whole page."""
        data = self._ask("Page.captureScreenshot", captureBeyondViewport=whole, **self._clip(whole=whole))["data"]
        Path(path).write_bytes(base64.b64decode(data))

    def _clip(self, *, whole):
        if not whole:
            return {}
        size = self._ask("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 12000), "scale": 1}}

    def _ask(self, method, **given):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": given}
        self._socket.send(json.dumps(message | ({"sessionId": self._session} if self._session else {})))
        while True:
            heard = json.loads(self._socket.recv(timeout=PATIENCE))
            if heard.get("id") != number:
                self._hear(heard)
            elif "error" in heard:
                raise RuntimeError(f"{method}: {heard['error']['message']}")
            else:
                return heard["result"]

    def _hear(self, heard):
        method, given = heard.get("method", ""), heard.get("params", {})
        self._events.append(method)
        if method == "Runtime.exceptionThrown":
            self.errors.append(given["exceptionDetails"].get("exception", {}).get("description", "an exception"))
        elif method == "Runtime.consoleAPICalled" and given["type"] in {"error", "warning", "assert"}:
            self.errors.append(" ".join(str(one.get("value", one.get("description"))) for one in given["args"]))
        elif method == "Log.entryAdded" and given["entry"]["level"] in {"error", "warning"}:
            self.errors.append(given["entry"]["text"])
        elif method == "Page.javascriptDialogOpening":
            self.errors.append(f"a dialog: {given['message']}")
        elif method == "Network.requestWillBeSent" and given["request"]["url"] != "about:blank":
            self.requests.append(given["request"]["url"])


@contextmanager
def browsing(folder):
    """Start a browser with its profile in a folder, and give a page of it."""
    with subprocess.Popen(
        [chromium(), *OPTIONS, f"--user-data-dir={folder}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"HOME": str(folder)},
    ) as process:
        try:
            with connect(_address(process, Path(folder)), max_size=None, proxy=None) as socket:
                yield Page(socket)
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(process, folder):
    """Wait for the file in which the browser says where it listens."""
    file, end = folder / "DevToolsActivePort", time.monotonic() + PATIENCE
    while time.monotonic() < end:
        told = file.read_text(encoding="utf-8").split() if file.exists() else []
        if len(told) == 2:
            return f"ws://127.0.0.1:{told[0]}{told[1]}"
        if process.poll() is not None:
            pytest.fail(f"the browser ended with {process.returncode} before it listened")
        time.sleep(0.05)
    pytest.fail(f"the browser does not listen after {PATIENCE} s")
