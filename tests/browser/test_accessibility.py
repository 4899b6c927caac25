"""Every page, in both themes and on a phone, against axe-core's rules; and by the keyboard alone."""

from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.controls import finished

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RUN = "(tolerated) => axe.run({ exclude: tolerated }, { resultTypes: ['violations'] })"
GRAVE = ("serious", "critical")
PHONE: ViewportSize = {"width": 400, "height": 900}

# What is Streamlit's own and cannot be mended from here.
TOLERATED = {
    "[data-testid=stSidebarNav]": "on a phone, a group of pages is a div between the list and its items",
}

# Every page, and every view of it that is drawn by other code.
ADDRESSES = (
    "",
    "?guide=true",
    "?present=1",
    "tensors",
    "autograd",
    "autograd?autograd=Define+by+run",
    "modules",
    "modules?modules=Descent",
    "modules?modules=Classify&look=400",
    "data",
    "data?view=DataLoader",
    "data?view=Sources+and+cleaning",
    "training",
    "training?training=Weights",
    "transfer",
    "detectors",
    "proposals",
    "proposals?view=RPN",
    "proposals?view=Compare",
    "pooling",
    "yolo",
    "yolo?view=Loss",
    "yolo?view=Drag+a+box",
    "yolo?view=Train+it",
    "nms",
    "segmentation",
    "segmentation?view=Side+by+side",
    "segmentation?view=Fully+connected",
    "segmentation?view=Instances",
    "upsampling",
    "upsampling?upsampling=Stamp+by+stamp",
    "upsampling?upsampling=Checkerboard",
)


def grave_violations(page: Page) -> list[str]:
    """Return what axe finds on the page as it stands, each as a line that says where and why."""
    expect(page.locator("[data-word=share]:empty")).to_have_count(0)  # it has been told its words
    found: list[dict[str, Any]] = page.evaluate(RUN, [[place] for place in TOLERATED])["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]}: {node['failureSummary'][:300]}"
        for rule in found
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("address", ADDRESSES)
def test_axe_finds_nothing_grave(page: Page, app_url: str, address: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{app_url}/{address}")
    finished(page)
    expect(page.locator("button [data-word]:empty")).to_have_count(0)  # a component's words come after its elements
    page.evaluate(AXE)
    assert not grave_violations(page), "in the light theme"
    page.emulate_media(color_scheme="dark")
    expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", "dark")
    page.set_viewport_size(PHONE)
    finished(page)
    assert not grave_violations(page), "in the dark theme, on a phone"


def test_arrow_keys_point_and_enter_chooses_where_a_mouse_would(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/proposals?merge=60")
    finished(page)
    picture = page.locator(".picture canvas[tabindex]")
    for _press in range(3):
        picture.press("ArrowUp")
    expect(page.locator(".spot")).to_be_visible()
    picture.press("Enter")
    expect(page.get_by_text("The chosen region and its ancestors")).to_be_visible()
    picture.blur()
    expect(page.locator(".spot")).to_have_count(0)
