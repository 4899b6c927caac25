"""A talk through the prepared states of a page, by the keys of a presenter's remote; and the lesson beside the page."""

import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from tests.browser.controls import finished, slider
from ui.lessons import LESSONS

STATES = LESSONS["nms"]().states


def address(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_keys_lead_through_the_states_and_leave_nothing_of_the_last_one(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/nms?present=2&scene=23&iou=0.05&truth=true")
    finished(page)
    expect(page.locator(".sentence")).to_have_text(STATES[1].do)
    expect(slider(page, "iou")).to_have_value("5")
    expect(page.get_by_test_id("stHeader")).to_be_hidden()
    expect(page.get_by_label("Scene number")).to_be_hidden()
    page.keyboard.press("PageDown")
    expect(page.locator(".sentence")).to_have_text(STATES[2].do)
    expect(slider(page, "iou")).to_have_value("60")
    assert address(page) == {"present": ["3"], "scene": ["7"], "iou": ["0.60"]}
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".sentence")).to_have_text(STATES[1].do)


def test_a_slider_keeps_its_arrow_keys_and_escape_leaves(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/nms?present=1&step=1")
    finished(page)
    slider(page, "iou").focus()
    page.keyboard.press("ArrowRight")
    expect(slider(page, "iou")).to_have_value("31")
    expect(page).to_have_url(re.compile(r"iou=0\.31"))
    expect(page.locator(".sentence")).to_have_text(STATES[0].do)
    page.keyboard.press("Escape")
    expect(page.locator(".sentence")).to_have_count(0)
    expect(page.get_by_test_id("stHeader")).to_be_visible()
    expect(page).to_have_url(re.compile(r"iou=0\.31"))  # Streamlit leaves it out, the next painting puts it back
    assert "present" not in address(page) and address(page)["iou"] == ["0.31"], "the page stays as it is"


def test_the_page_is_presented_as_it_is_and_the_talk_begins(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/nms?scene=5")
    finished(page)
    page.get_by_role("button", name="Present").click()
    expect(page.locator(".number")).to_have_text(f"0 / {len(STATES) + 1}")
    expect(page.get_by_role("link", name="Back")).to_have_count(0)
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".sentence")).to_have_text(STATES[0].do)


def test_a_try_is_a_link_and_the_answer_is_folded(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/nms")
    finished(page)
    page.get_by_text("Lesson").click()
    expect(page.locator(".lesson .answer")).to_be_hidden()
    page.locator(".lesson summary").press("Enter")
    expect(page.locator(".lesson .answer")).to_be_visible()
    page.get_by_role("link", name=STATES[2].do).press("Enter")
    expect(slider(page, "iou")).to_have_value("60")
    expect(page.locator(".lesson [aria-current]")).to_have_text(STATES[2].do)


def test_a_picture_of_the_start_page_leads_to_its_page(page: Page, app_url: str) -> None:
    page.goto(app_url)
    finished(page)
    page.get_by_role("link", name="Faster R-CNN").press("Enter")
    expect(page.get_by_role("heading", name="Region proposals")).to_be_visible()
    expect(page.locator("[data-layer=objectness]")).to_be_visible()
