"""One server and one Chromium for all browser tests, a fresh page for each."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.browser.chromium import ARGUMENTS, HOW_TO_INSTALL, find_chromium
from tests.stand_ins import FOLDER, write_stand_ins

ROOT = Path(__file__).parents[2]
STARTING = 60.0  # seconds that the server may take on a busy machine


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the app for all tests, with detectors of photos that nobody trained, and return its address."""
    folder = tmp_path_factory.mktemp("server")
    write_stand_ins(folder)
    with running_server(folder / "log", stand_ins=folder) as (url, _server):
        yield url


@pytest.fixture
def fresh_url(page: Page, tmp_path: Path) -> Iterator[str]:
    """Start an app that nobody has visited yet and return its address.

    The page is closed before the server ends: it would complain that nobody answers any more.
    """
    with running_app(tmp_path / "log") as url:
        yield url
        page.close()


@contextmanager
def running_app(log: Path) -> Iterator[str]:
    """Run the app on a free port, writing what it says to ``log``; yields its address when it answers."""
    with running_server(log) as (url, _server):
        yield url


@contextmanager
def running_server(
    log: Path, port: int | None = None, stand_ins: Path | None = None
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run the app as ``running_app`` does, or on ``port``, or with the ``stand_ins`` of a folder; yields its process as
    well."""
    port = port or free_port()
    module = "tests.stand_ins" if stand_ins else "streamlit"
    options = ["--server.headless=true", f"--server.port={port}", "--server.address=127.0.0.1"]
    with (
        log.open("w") as output,
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                module,
                "run",
                "streamlit_app.py",
                *options,
            ],
            cwd=ROOT,
            env={**os.environ, FOLDER: str(stand_ins or "")},
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as server,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(f"{url}/_stcore/health", server, log)
            yield url, server
        finally:
            server.terminate()


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + STARTING
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the app did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the browser; without one the tests fail, in CI as anywhere, and say how to install one."""
    path = find_chromium()
    if path is None:
        pytest.fail(HOW_TO_INSTALL)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Let pages share what the browser keeps of the app's files, as the pages of one visitor do."""
    opened = browser.new_context(viewport={"width": 1280, "height": 900})
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Open a fresh page of 1280 x 900 pixels, and find fault with what it says on the console."""
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda line: complaints.append(line.text) if _is_our_error(line) else None)
    yield opened
    opened.close()
    assert not complaints, "errors on the console"


def _is_our_error(line: ConsoleMessage) -> bool:
    """Whether ``line`` is an error, other than Streamlit's own search for its server below a page's address."""
    return line.type == "error" and "/_stcore/" not in line.location["url"]
