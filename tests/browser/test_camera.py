"""The camera on a page of the detectors: a fake one of Chromium's, one that is not allowed, none at all, a phone's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from core.data.photos import FOLDER
from tests.browser.chromium import another_chromium

PATIENCE = 60_000  # ms, on a busy machine
FAKE = "--use-fake-device-for-media-stream"


@contextmanager
def chromium(browser: Browser, *arguments: str) -> Iterator[Page]:
    """Open a page in a Chromium with ``arguments`` more."""
    with another_chromium(browser, *arguments) as other:
        yield other.new_page(viewport={"width": 1280, "height": 900})


def test_a_picture_that_is_taken_is_looked_at(browser: Browser, app_url: str) -> None:
    with chromium(browser, FAKE, "--use-fake-ui-for-media-stream") as page:
        page.goto(f"{app_url}/yolo?image=Camera")
        expect(page.get_by_text("Take a picture. It stays on this server")).to_be_visible(timeout=PATIENCE)
        page.wait_for_function("document.querySelector('video')?.readyState === 4", timeout=PATIENCE)  # it has frames
        page.get_by_role("button", name="Take a picture").click(timeout=PATIENCE)
        expect(page.locator(".explorer canvas").first).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_role("radio", name="Photographs")).to_be_checked()
        page.get_by_role("radiogroup", name="Image").get_by_text("Drawn scene").click()
        expect(page.get_by_role("radio", name="Photographs", checked=True)).to_have_count(0, timeout=PATIENCE)
        expect(page.locator(".explorer canvas").first).to_be_visible()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [((), "No camera was found"), ((FAKE, "--deny-permission-prompts"), "The camera is not allowed here")],
    ids=["none", "refused"],
)
def test_a_camera_that_stays_dark_is_a_sentence_and_a_phones_is_offered(
    browser: Browser, app_url: str, arguments: tuple[str, ...], sentence: str
) -> None:
    with chromium(browser, *arguments) as page:
        page.goto(f"{app_url}/yolo?image=Camera")
        expect(page.get_by_text(sentence)).to_be_visible(timeout=PATIENCE)
        field = page.locator(".st-key-camera input[type=file]")
        expect(field).to_have_attribute("capture", "environment")
        field.set_input_files(FOLDER / "chelsea.png")
        expect(page.locator(".explorer canvas").first).to_be_visible(timeout=PATIENCE)
        expect(page).to_have_url(re.compile("image=Camera"))
