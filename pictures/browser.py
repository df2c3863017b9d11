"""Chromium without a window, driven by its DevTools protocol.

<https://chromedevtools.github.io/devtools-protocol/>
"""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import websocket

from demo.children import child
from demo.failure import Failure

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_SECONDS = 30
ANSWER_SECONDS = 60


def program() -> Any:
    """The browser's path, or `None` where there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def install() -> Any:
    """Installs Debian's Chromium where this may be done; says why where not. Gives the browser's path or `None`."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        print("no Chromium here, and apt-get may not be used: install it, or name it in CHROMIUM", flush=True)
        return None
    print("Installing Chromium with apt-get (once, about 90 MB to download)", flush=True)
    for command in (
        ["apt-get", "update"],
        ["apt-get", "install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
    ):
        with contextlib.suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                command,
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                timeout=600,
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            if done.returncode:
                print(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}", flush=True)
                return None
    return program()


class Tab:
    """One page that is open."""

    def __init__(self, url) -> None:
        self._socket = websocket.create_connection(url, timeout=ANSWER_SECONDS, suppress_origin=True)
        self._last = 0
        self.requested: list[str] = []
        for domain in ("Page", "Network", "Runtime"):
            self.ask(f"{domain}.enable")

    def ask(self, method, **parameters) -> Any:
        """Sends a command and waits for its result; requests that are seen meanwhile are kept."""
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("method") == "Network.requestWillBeSent":
                self.requested.append(message["params"]["request"]["url"])
            if message.get("id") == self._last:
                if "error" in message:
                    raise Failure(f"the browser refuses {method}: {message['error']['message']}")
                return message["result"]

    def evaluate(self, expression) -> Any:
        """The value of a script's expression, awaited. It runs for the check; the page itself may run none."""
        given = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in given:
            raise Failure(f"the check's script failed: {given['exceptionDetails']}")
        return given["result"].get("value")

    def open(self, url, width, height, scheme, media="screen") -> None:
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", media=media, features=features)
        self.requested.clear()
        self.ask("Page.navigate", url=url)
        patience_ends = time.monotonic() + ANSWER_SECONDS
        while self.evaluate("document.readyState") != "complete":
            if time.monotonic() > patience_ends:
                raise Failure(f"{url} does not finish loading")
            time.sleep(0.02)

    def picture(self, height=None) -> Any:
        """A PNG of the page, whole or its upper `height` pixels."""
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {
            "x": 0,
            "y": 0,
            "width": size["width"],
            "height": min(size["height"], height or size["height"]),
            "scale": 1,
        }
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])


@contextlib.contextmanager
def tab(path) -> Iterator[Any]:
    """A tab of a browser that ends with the block."""
    with tempfile.TemporaryDirectory() as profile:
        command = [path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        command += ["--disable-background-networking", "--remote-debugging-port=0", "--hide-scrollbars"]
        command += [
            "--force-color-profile=srgb",
            "--font-render-hinting=none",
            f"--user-data-dir={profile}",
            "about:blank",
        ]
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with child(command, **streams) as process:
            yield Tab(_address(process, profile))


def _address(process, profile) -> Any:
    """Where the tab's socket is, once the browser has written down its port."""
    patience_ends = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < patience_ends:
        with contextlib.suppress(OSError, ValueError, StopIteration):
            with (Path(profile) / "DevToolsActivePort").open() as file:
                port = int(file.readline())
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=5) as answer:
                return next(tab["webSocketDebuggerUrl"] for tab in json.load(answer) if tab["type"] == "page")
        time.sleep(0.1)
    raise Failure("Chromium does not start")
