"""The camera in Chromium, with a stream of Chromium's own: three things are taught and answered, and what keeps a
camera dark is said, with the field for a file beside it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import another_chromium
from tests.browser.controls import finished

FIRST_SCREEN = 60_000  # ms
ANSWER = 30_000  # ms
DEVICE = "--use-fake-device-for-media-stream"
TEACHING = "transfer?task=Teach+it+three+things"


@contextmanager
def launched(browser: Browser, *arguments: str) -> Iterator[Page]:
    """A page of a Chromium with these ``arguments`` of its own, which is to have no mistakes in it."""
    with another_chromium(browser, *arguments) as started:
        page = started.new_page(viewport={"width": 1280, "height": 900})
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
    assert not complaints, "errors on the page"


@pytest.fixture
def filmed(browser: Browser) -> Iterator[Page]:
    """A page that is given a camera, which films what moves and changes its colour."""
    with launched(browser, DEVICE, "--use-fake-ui-for-media-stream") as page:
        yield page


def open_teaching(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/{TEACHING}")
    expect(page.get_by_test_id("stCameraInput")).to_be_visible(timeout=FIRST_SCREEN)


def test_series_teach_and_the_camera_is_answered_without_a_click(filmed: Page, app_url: str) -> None:
    open_teaching(filmed, app_url)
    for name, count in (("Cup", 1), ("Hand", 2)):
        series = filmed.get_by_role("button", name=name, exact=True)
        expect(series).to_be_enabled(timeout=FIRST_SCREEN)
        series.click()
        expect(filmed.get_by_text("10 pictures", exact=True)).to_have_count(count, timeout=ANSWER)
    expect(filmed.get_by_text(re.compile("fitted to 20 pictures in"))).to_be_visible()
    first, second = (filmed.get_by_test_id("stProgress").nth(thing) for thing in (0, 1))
    expect(first).to_contain_text(re.compile(r"\d+ %"), timeout=ANSWER)
    expect(second).to_contain_text(re.compile(r"\d+ %"))
    expect(filmed.get_by_text(re.compile("knows 1000 kinds of things"))).to_be_visible()
    shares = [int(part.inner_text().split()[0]) for part in (first, second)]
    assert 98 <= sum(shares) <= 102


def test_a_single_picture_is_asked_and_then_taught(filmed: Page, app_url: str) -> None:
    open_teaching(filmed, app_url)
    take = filmed.get_by_role("button", name="Take a picture")
    expect(take).to_be_enabled(timeout=FIRST_SCREEN)
    take.click()
    filmed.get_by_role("button", name="It is Cup").click(timeout=ANSWER)
    expect(filmed.get_by_text("1 picture", exact=True)).to_have_count(1)
    expect(filmed.get_by_text("Take pictures of two things or more")).to_be_visible()
    filmed.get_by_role("button", name="Back to the camera").click()
    expect(filmed.get_by_role("button", name="It is Cup")).to_have_count(0, timeout=ANSWER)
    expect(take).to_be_enabled(timeout=ANSWER)


def test_a_permission_that_is_refused_is_said(browser: Browser, app_url: str) -> None:
    with launched(browser, DEVICE) as page:
        refused = {"permission": {"name": "camera"}, "setting": "denied", "origin": app_url}
        page.context.new_cdp_session(page).send("Browser.setPermission", refused)
        open_teaching(page, app_url)
        expect(page.get_by_text("The camera is not allowed here: allow it")).to_be_visible(timeout=ANSWER)


def test_where_there_is_no_camera_files_teach(browser: Browser, app_url: str, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 400, "height": 800})
    open_teaching(page, app_url)
    expect(page.get_by_text("No camera was found: choose a picture in the field above.")).to_be_visible(timeout=ANSWER)
    field = page.locator("[data-testid=stFileUploader] input[type=file]")
    expect(field).to_have_attribute("capture", "environment")
    for number, (name, colour) in enumerate((("Cup", "red"), ("Hand", "blue")), 1):
        file = tmp_path / f"{colour}.jpg"
        Image.new("RGB", (320, 240), colour).save(file)
        field.set_input_files(file)
        finished(page)
        page.get_by_role("button", name=f"It is {name}").click(timeout=ANSWER)
        expect(page.get_by_text("1 picture", exact=True)).to_have_count(number, timeout=ANSWER)
    expect(page.get_by_test_id("stProgress").nth(1)).to_contain_text(re.compile(r"\d+ %"), timeout=ANSWER)
    page.close()
