"""The segmentation page in Chromium: pixels, classes and numbers answer in the browser, a patch slides."""

import re

import pytest
from playwright.sync_api import Locator, Page, Position, expect

from tests.browser.controls import painted
from tests.browser.motions import MOVE_A_SLIDER

FIRST_SCREEN = 30_000  # ms
SIDE = 256  # pixels of the scene
TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def open_view(page: Page, app_url: str, address: str, ready: str) -> Page:
    page.goto(f"{app_url}/segmentation?{address}")
    expect(page.locator(ready).first).to_be_visible(timeout=FIRST_SCREEN)
    page.evaluate(TWO_FRAMES)
    return page


def place(canvas: Locator, x: float, y: float) -> Position:
    """Return where pixel (x, y) of the scene lies on its canvas."""
    frame = canvas.bounding_box()
    assert frame
    return {"x": (x + 0.5) * frame["width"] / SIDE, "y": (y + 0.5) * frame["height"] / SIDE}


def test_pixels_layers_and_classes_answer_without_a_message_to_the_server(page: Page, app_url: str) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda message: sent.append(message)))
    open_view(page, app_url, "scene=2", ".bars .bar")
    assert sent, "the test has to see the messages that there are"
    page.wait_for_timeout(500)
    sent.clear()
    canvas = page.locator(".picture canvas")
    canvas.click(position=place(canvas, 40, 100))
    expect(page.locator("h4.at")).to_have_text(re.compile(r"^Pixel (39|40|41), (99|100|101): background"))
    page.locator("select").select_option("pool2")
    page.keyboard.press("Tab")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".field")).to_contain_text(
        "row 7, column 4 of pool2 sees 67 x 67 pixels, from 15, 63 to 82, 130"
    )
    canvas.hover(position=place(canvas, 200, 30))
    expect(page.locator("h4.at")).to_contain_text("Pixel 200, 30")
    page.locator("h1").hover()
    for change in ("[data-choice=truth]", "[data-choice=errors]", "[data-choice=labels]", "[data-label='3']"):
        before = painted(canvas)
        page.locator(change).click()
        page.evaluate(TWO_FRAMES)
        assert painted(canvas) != before, f"{change} was not painted"
    expect(page.locator("[data-label='3']")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("[data-label='3']")).to_be_focused()
    before = painted(canvas)
    page.locator(".confusion tbody td").first.hover()
    expect(page.locator(".confused")).to_have_text(re.compile(r"^[\d,]+ of [\d,]+ pixels of background are labelled"))
    assert painted(canvas) != before, "the pixels of a cell of the matrix light up"
    page.wait_for_timeout(500)
    assert sent == []
    expect(page).to_have_url(re.compile(r"(?=.*layer=pool2)(?=.*pixel=56-104)(?=.*hidden=0(%2C|,)3)"))


@pytest.mark.parametrize(("view", "ready"), [("Explore", ".bars .bar"), ("Instances", ".fates td")])
def test_the_picture_follows_the_opacity_in_the_next_frame(page: Page, app_url: str, view: str, ready: str) -> None:
    open_view(page, app_url, f"view={view}", ready)
    assert page.locator("input[data-setting=opacity]").evaluate(MOVE_A_SLIDER)


def test_a_pixel_is_named_by_every_model_and_its_scores_add_up(page: Page, app_url: str) -> None:
    open_view(page, app_url, "view=Side+by+side&scene=2", ".stage canvas")
    tiles = page.locator(".tiles figure")
    expect(tiles).to_have_count(6)
    canvas = tiles.nth(0).locator("canvas")
    canvas.hover(position=place(canvas, 143, 117))
    expect(tiles.nth(5).locator("figcaption")).to_have_text("Ground truthtriangle")
    page.locator(".stage canvas").last.hover()
    words = page.locator(".fusion .says")
    expect(words).to_have_text(re.compile(r"Stride 8: "))
    sums = re.findall(r"(-?[\d.]+) \+ (-?[\d.]+) = (-?[\d.]+)", words.inner_text())
    assert len(sums) == 2
    for enlarged, skip, fused in sums:
        assert float(enlarged) + float(skip) == pytest.approx(float(fused), abs=0.021)


def test_a_number_is_found_again_and_the_patch_slides(page: Page, app_url: str) -> None:
    open_view(page, app_url, "view=Fully+connected&scene=2&patch=8-9", ".scores td")
    expect(page.locator("figcaption.at")).to_have_text("The patch about the cell in row 8, column 9")
    shuffled = page.locator("[data-strip=shuffled]")
    before = painted(shuffled)
    page.locator(".tensor").hover(position={"x": 100, "y": 60})
    expect(page.locator(".pointed")).to_have_text(
        re.compile(r"of channel \d+, row \d, column \d: flattened it is number")
    )
    assert painted(shuffled) != before, "the number is marked among the shuffled ones"
    canvas = page.locator(".trio .picture canvas")
    canvas.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("figcaption.at")).to_have_text("The patch about the cell in row 9, column 9")
    page.get_by_role("button", name="Slide the patch").click()
    rows = page.locator(".times tbody tr")
    for row in (1, 2):
        expect(rows.nth(row)).to_have_text(re.compile(r"times\d\.\de-\d"), timeout=FIRST_SCREEN)
    expect(page).to_have_url(re.compile(r"patch=9-9"))


def test_two_shapes_of_one_class_come_out_as_one_component(page: Page, app_url: str) -> None:
    open_view(page, app_url, "view=Instances&scene=1", ".fates td")
    page.get_by_role("button", name="Next scene where components fail").click()
    expect(page.get_by_role("spinbutton", name="Scene number")).to_have_value("2", timeout=FIRST_SCREEN)
    expect(page.locator(".fates tbody tr").last).to_have_text(re.compile(r"perfect semantic map3200"))
    canvas = page.locator(".tiles canvas").last
    canvas.hover(position=place(canvas, 143, 117))
    expect(page.locator(".says")).to_have_text(re.compile(r"Ground truth: number 5, triangle"))


def test_nothing_is_wider_than_a_phone(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    for view, ready in (
        ("Explore", ".bars .bar"),
        ("Side+by+side", ".stage canvas"),
        ("Fully+connected", ".scores td"),
        ("Instances", ".fates td"),
    ):
        open_view(page, app_url, f"view={view}", ready)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, view
        for root in page.locator(".segmentation").all():
            assert root.evaluate("(root) => root.scrollWidth - root.clientWidth") <= 0, view
