import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.loopback.free_ports import free_ports

REASON = "there is no chromium on the path; install Debian's package chromium"
START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """The server of the page; a text with GATE is spoken on once ``gate`` exists."""

    url: str
    gate: Path


@dataclass(frozen=True, slots=True)
class Noise:
    """What a page asked for and complained about."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Generator[Browser, None, None]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip(REASON)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def started(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Server, None, None]:
    gate = tmp_path_factory.mktemp("page") / "gate"
    with free_ports(1) as [port]:
        url = f"http://127.0.0.1:{port}/"
        command = [sys.executable, "-m", "tests.browser.scripted_server", str(port), str(gate)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                _wait_for(url, process)
                yield Server(url, gate)
            finally:
                process.kill()


@pytest.fixture
def server(started: Server) -> Generator[Server, None, None]:
    yield started
    started.gate.touch()  # a chunk that is held would keep the engine
    httpx.post(f"{started.url}v1/audio/speech", json={"input": "One."}).raise_for_status()
    started.gate.unlink()


@pytest.fixture
def noise() -> Noise:
    return Noise()


@pytest.fixture
def page(browser: Browser, server: Server, noise: Noise) -> Generator[Page, None, None]:
    """The page, loaded, in a browser that knows nothing of earlier tests."""
    with browser.new_context(permissions=["microphone"]) as context:
        opened = context.new_page()
        opened.set_default_timeout(10_000)
        opened.on("request", lambda request: noise.requests.append(request.url))
        opened.on("console", lambda message: noise.complaints.append(message.text))
        opened.on("pageerror", lambda error: noise.complaints.append(str(error)))
        opened.goto(server.url)
        opened.get_by_role("radio", name="default").wait_for(state="attached")
        yield opened


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(url):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the server of the page did not start")
