"""The real Dagster UI of a deployment, with its daemon and sensors, and a browser to look at it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from tests.deployments import Deployment, coderai_command

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=2400,1800",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ui:
    address: str
    log: Path

    @property
    def port(self) -> str:
        return self.address.rpartition(":")[2]

    def ask(self, query: str) -> dict[str, Any]:
        """What GraphQL answers, or nothing while the server is not up."""
        body = json.dumps({"query": query}).encode()
        request = urllib.request.Request(f"{self.address}/graphql", body, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return json.load(reply)["data"] or {}
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return {}

    def assets(self) -> set[tuple[str, ...]]:
        nodes = self.ask("{assetNodes {assetKey {path}}}").get("assetNodes", [])
        return {tuple(node["assetKey"]["path"]) for node in nodes}


@contextmanager
def running_ui(deployment: Deployment, *options: str) -> Iterator[Ui]:
    """Starts `coderai ui` and waits until it has loaded the projects; on leaving ends it and all that it started."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    log = deployment.root / "ui.log"
    with log.open("w") as written:
        process = subprocess.Popen(
            coderai_command("ui", "--port", str(port), *options),
            env={**os.environ, **deployment.environment},
            cwd=deployment.root,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    ui = Ui(f"http://127.0.0.1:{port}", log)
    try:
        until(ui.assets, 120, lambda: log.read_text()[-3000:] if process.poll() is None else "it has ended")
        yield ui
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Run workers and the code server have sessions of their own, so the tree is ended process by process."""
    tree = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGTERM)
    _, alive = psutil.wait_procs(tree, timeout=4)
    for one in alive:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    if process.poll() is None:
        process.kill()
    process.wait()


def until(found: Callable[[], T], timeout_s: float, otherwise: Callable[[], str] = lambda: "") -> T:
    """What `found` gives as soon as it gives something."""
    end = time.monotonic() + timeout_s
    while not (value := found()):
        assert time.monotonic() < end, f"not within {timeout_s} s: {otherwise()}"
        time.sleep(0.25)
    return value


@contextmanager
def browser(profile: Path) -> Iterator[webdriver.Chrome]:
    options = Options()
    options.binary_location = CHROMIUM or ""
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER or ""))
    try:
        yield driver
    finally:
        driver.quit()


def page_showing(driver: webdriver.Chrome, address: str, words: tuple[str, ...], screenshot: Path) -> str:
    """The visible text of a page once all the words stand on it; a picture of it is kept either way."""
    driver.get(address)

    def shown() -> str:
        text = driver.find_element(By.TAG_NAME, "body").text
        return text if all(word in text for word in words) else ""

    try:
        return until(shown, 120, lambda: driver.find_element(By.TAG_NAME, "body").text)
    finally:
        driver.save_screenshot(str(screenshot))
