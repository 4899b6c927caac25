"""Faults that only a real server and a real browser have: killed workers, and what goes on after."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.training.app_runs import FOLDER
from tests.browser import conftest

FIRST_SCREEN = 60_000  # ms
LONG = 90_000  # ms that something may take on a busy machine
LOST = "The computation was lost: its process ended. Try it again."
TOKEN = re.compile(r"run=([a-z0-9]{16})")


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """A page that may complain on its console: its server goes away."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    yield opened
    if found := TOKEN.search(opened.url):
        shutil.rmtree(FOLDER / found[1], ignore_errors=True)
    opened.close()


def below(process: int) -> list[int]:
    """Return the processes that ``process`` has started."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def kill_workers(server: "subprocess.Popen[bytes]") -> None:
    workers = [pid for nursery in below(server.pid) for pid in below(nursery)]
    assert workers, "there is no worker to kill"
    for pid in workers:
        os.kill(pid, signal.SIGKILL)


def test_a_race_whose_worker_is_killed_says_so_and_the_next_one_ends(visitor: Page, tmp_path: Path) -> None:
    with conftest.running_server(tmp_path / "log") as (url, server):
        visitor.goto(f"{url}/detectors?lang=en&race=true")
        visitor.get_by_role("img", name=re.compile("R-CNN, ")).first.wait_for(timeout=FIRST_SCREEN)
        kill_workers(server)
        expect(visitor.get_by_text(LOST)).to_be_visible(timeout=LONG)
        visitor.get_by_role("button", name="Race", exact=True).click()
        expect(visitor.get_by_text(LOST)).to_have_count(0, timeout=LONG)
        visitor.get_by_role("img", name="YOLO, NMS").wait_for(timeout=LONG)


def test_a_page_goes_on_by_itself_when_its_server_is_killed_and_comes_back(visitor: Page, tmp_path: Path) -> None:
    port = conftest.free_port()
    said = visitor.get_by_text("Streamlit server is not responding")
    with conftest.running_server(tmp_path / "first", port) as (url, server):
        visitor.goto(f"{url}/nms?lang=en&scene=5&detector=YOLO")
        expect(visitor.locator(".row").first).to_be_visible(timeout=FIRST_SCREEN)
        server.kill()
        expect(said).to_be_visible(timeout=LONG)
    with conftest.running_server(tmp_path / "second", port):
        expect(said).to_have_count(0, timeout=LONG)
        visitor.get_by_label("Scene number").fill("7")
        visitor.get_by_label("Scene number").press("Enter")
        visitor.wait_for_url(re.compile("scene=7"), timeout=LONG)
        expect(visitor.get_by_role("radio", name="YOLO")).to_be_checked(timeout=LONG)


def test_a_training_whose_worker_is_killed_is_found_again_and_resumed(visitor: Page, tmp_path: Path) -> None:
    resume = visitor.get_by_role("button", name="Resume")
    with conftest.running_server(tmp_path / "log") as (url, server):
        visitor.goto(f"{url}/training?lang=en&train_for=Steps&train_steps=2000&train_batch=1&train_model=YOLO")
        visitor.get_by_role("button", name="Start training").click(timeout=FIRST_SCREEN)
        chart = visitor.locator("canvas.chart").first
        expect(chart).to_have_attribute("aria-label", re.compile(r"Box regression \d"), timeout=LONG)
        kill_workers(server)
        expect(visitor.get_by_text(LOST)).to_be_visible(timeout=LONG)
        expect(resume).to_be_visible(timeout=LONG)
        visitor.reload()
        expect(resume).to_be_visible(timeout=LONG)
        resume.click()
        expect(visitor.get_by_role("button", name="Pause")).to_be_visible(timeout=LONG)
        visitor.get_by_role("button", name="Cancel").click()
        expect(visitor.get_by_role("button", name="Put aside")).to_be_visible(timeout=LONG)
