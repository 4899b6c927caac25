"""The page on region proposals in Chromium: sliders answer without the server, in the next screen frame."""

import base64
import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.data.scenes import ShapeScenes
from core.detectors import Regions, load, run
from core.detectors.faster_rcnn import FasterRCNN
from core.detectors.recall import COUNTS, by_sliding_window, cover, curve
from core.figures.proposals import rpn_data
from tests.browser.controls import move, painted, slider
from tests.browser.motions import MOVE_A_SLIDER

FIRST_SCREEN = 30_000  # ms
SCENE = 5


def open_view(page: Page, app_url: str, view: str, more: str = "") -> None:
    page.goto(f"{app_url}/proposals?scene={SCENE}&view={view}{more}")
    expect(page.locator(".explorer canvas").first).to_have_attribute(
        "aria-label", re.compile("."), timeout=FIRST_SCREEN
    )


@pytest.mark.parametrize(
    ("view", "name"), [("Selective+search", "merge"), ("RPN&layer=proposals", "nms"), ("Compare", "count")]
)
def test_pictures_follow_their_slider_in_the_next_frame_and_without_the_server(
    page: Page, app_url: str, view: str, name: str
) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda message: sent.append(message)))
    open_view(page, app_url, view)
    assert sent, "the test has to see the messages that there are"
    page.wait_for_timeout(600)
    sent.clear()
    picture = page.locator(".picture canvas").first
    before = painted(picture)
    slider(page, name).evaluate(MOVE_A_SLIDER)
    assert painted(picture) != before
    page.wait_for_timeout(300)
    assert sent == []


def test_a_region_lights_up_its_ancestors_and_the_address_remembers_it(page: Page, app_url: str) -> None:
    open_view(page, app_url, "Selective+search")
    canvas = page.locator(".picture canvas")
    expect(page.get_by_role("status")).to_contain_text("were the most similar neighbours")
    frame = canvas.bounding_box()
    assert frame
    # The middle of the cross, at the lower left of the scene.
    canvas.click(position={"x": frame["width"] * 0.26, "y": frame["height"] * 0.72})
    family = page.locator(".family li button")
    expect(page.locator(".family .best")).to_contain_text(re.compile(r"IoU 0\.[89]\d with cross"))
    expect(family.last).to_contain_text("100\u00a0%")
    before = painted(canvas)
    family.last.hover()
    page.wait_for_timeout(100)
    assert painted(canvas) != before, "the ancestor lights up"
    family.last.click()
    expect(page.get_by_role("status")).to_contain_text("the whole image")
    expect(page).to_have_url(re.compile(r"(?=.*merge=\d+)(?=.*region=\d+)"))
    page.reload()
    expect(page.locator(".family .best")).to_contain_text("with cross", timeout=FIRST_SCREEN)
    expect(page.get_by_role("status")).to_contain_text("the whole image")


def test_the_rpn_answers_as_the_detector_does(page: Page, app_url: str) -> None:
    image, _target = ShapeScenes("validation", SCENE + 1)[SCENE]
    detector = load("faster_rcnn")
    assert isinstance(detector, FasterRCNN)
    (proposals,) = [step.value for step in run(detector, image).steps if isinstance(step.value, Regions)]
    open_view(page, app_url, "RPN", "&layer=proposals")
    says = page.get_by_role("status")
    expect(says).to_contain_text(f"At IoU 0.70 it leaves {len(proposals.boxes)};")
    data = rpn_data(detector, image)
    suppressor = np.frombuffer(base64.b64decode(data["suppressor"]), "<i2").reshape(len(data["thresholds"]), -1)
    for row in (0, 4, 18):
        move(page, "nms", row)
        expected = f"At IoU {data['thresholds'][row]:.2f} it leaves {(suppressor[row] < 0).sum()};"
        expect(says).to_contain_text(expected)
    move(page, "top", 5)
    expect(says).to_contain_text("the first 5 are drawn")
    page.get_by_role("button", name="Labels").click()
    expect(says).to_contain_text(re.compile(r"\d+ anchors of this image are positive"))
    before = page.locator("h4.cell").inner_text()
    page.locator(".picture canvas").press("ArrowRight")
    expect(page.locator("h4.cell")).not_to_have_text(before)


def test_the_table_holds_the_figures_of_the_first_n(page: Page, app_url: str) -> None:
    image, target = ShapeScenes("validation", SCENE + 1)[SCENE]
    open_view(page, app_url, "Compare")
    seen = curve([cover(by_sliding_window(image), target["boxes"])])
    for row in (0, COUNTS.index(100), len(COUNTS) - 1):
        move(page, "count", row)
        cells = page.locator("tbody tr", has_text="Sliding window").locator("td")
        expect(cells.nth(3)).to_have_text(f"{seen.recall_50[row]:.3f}")
        expect(cells.nth(5)).to_have_text(f"{seen.abo[row]:.3f}")


def test_no_view_is_wider_than_a_phone(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    for view in ("Selective+search", "RPN", "Compare"):
        open_view(page, app_url, view)
        assert page.locator("iframe").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, view
        assert page.locator(".explorer").evaluate("(root) => root.scrollWidth - root.clientWidth") <= 0, view
