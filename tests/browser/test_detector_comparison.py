"""The detector comparison page in Chromium: first screen, a race of all five, uploads, cancel."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

FIRST_SCREEN = 30_000  # ms: not the speed that is promised, but the most a busy test machine may take
RACE = 180_000
TITLES = ("R-CNN", "SPPNet", "Fast R-CNN", "Faster R-CNN", "YOLO")


@pytest.fixture
def comparison(page: Page, app_url: str) -> Page:
    page.goto(app_url)
    expect(page.get_by_test_id("stPlotlyChart")).to_be_visible(timeout=FIRST_SCREEN)
    return page


def test_first_screen_shows_a_finished_race(comparison: Page):
    expect(comparison.get_by_role("img", name=re.compile("YOLO, NMS"))).to_be_visible()
    expect(comparison.get_by_role("img", name=re.compile("Faster R-CNN, NMS"))).to_be_visible()


def test_race_of_all_five(comparison: Page):
    comparison.get_by_role("button", name="Race").dblclick()
    for title in TITLES:
        picture = comparison.get_by_role("img", name=re.compile(f"^{title}, NMS"))
        expect(picture).to_be_visible(timeout=RACE)
    expect(comparison.get_by_test_id("stDataFrame")).to_be_visible(timeout=RACE)


def test_paper_size_can_be_cancelled(comparison: Page):
    comparison.get_by_text("Paper size", exact=True).click()
    expect(comparison.get_by_text("for timing only").first).to_be_visible()
    comparison.get_by_role("button", name="Race").click()
    comparison.get_by_role("button", name="Cancel").click(timeout=RACE)
    expect(comparison.get_by_text("Cancelled. Press Race to start again.")).to_be_visible(timeout=FIRST_SCREEN)


def test_bad_upload_is_a_sentence_and_a_good_one_is_raced(comparison: Page):
    comparison.get_by_role("radio", name="Upload").click()
    chooser = comparison.locator("input[type=file]")
    chooser.set_input_files({"name": "bad.png", "mimeType": "image/png", "buffer": b"no image"})
    expect(comparison.get_by_role("alert").filter(has_text="not an image")).to_be_visible(timeout=FIRST_SCREEN)

    good = io.BytesIO()
    Image.new("RGB", (120, 90), "teal").save(good, "PNG")
    chooser.set_input_files({"name": "good.png", "mimeType": "image/png", "buffer": good.getvalue()})
    expect(comparison.get_by_role("heading", name="good.png")).to_be_visible(timeout=FIRST_SCREEN)
    expect(comparison.get_by_test_id("stPlotlyChart")).to_be_visible(timeout=RACE)
