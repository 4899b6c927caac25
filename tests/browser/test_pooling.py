"""The pooling page in Chromium: a region is dragged, Python answers, and a bin lights up everywhere."""

import re

import pytest
from playwright.sync_api import FloatRect, Page, expect

from tests.browser.motions import DRAG_A_REGION, LET_A_REGION_GO

FIRST_SCREEN = 30_000  # ms
SIDE = 256  # pixels of the scene


@pytest.fixture
def explorer(page: Page, app_url: str) -> Page:
    open_explorer(page, f"{app_url}/pooling?scene=1")
    return page


def open_explorer(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".errors tbody tr")).to_have_count(3, timeout=FIRST_SCREEN)
    expect(page.locator(".bars .bar")).to_have_count(2, timeout=FIRST_SCREEN)


def frame_of(page: Page) -> FloatRect:
    frame = page.locator("[data-pane=image] .picture").bounding_box()
    assert frame
    return frame


def drag(page: Page, start: tuple[int, int], end: tuple[int, int], let_go: bool = True) -> None:
    """Drag from one pixel of the image to another, in steps as a hand does."""
    frame = frame_of(page)
    (x0, y0), (x1, y1) = (
        (frame["x"] + frame["width"] * x / SIDE, frame["y"] + frame["height"] * y / SIDE) for x, y in (start, end)
    )
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move(x1, y1, steps=8)
    if let_go:
        page.mouse.up()


def window(page: Page) -> str:
    """Return the errors of RoI pooling, which tell where its window lies."""
    return page.locator(".errors tbody tr").first.inner_text()


def test_the_region_follows_the_hand_and_the_address_follows_when_it_lets_go(explorer: Page) -> None:
    before = window(explorer)
    drag(explorer, (124, 160), (94, 120), let_go=False)
    expect(explorer.locator(".region")).to_contain_text("61, 78 to 127, 166; 66 x 88 px")
    expect(explorer.locator(".errors tbody tr").first).not_to_have_text(before)
    assert "x0=" not in explorer.url, "the address waits until the hand lets go"
    explorer.mouse.up()
    expect(explorer).to_have_url(re.compile(r"(?=.*x0=61)(?=.*y0=78)(?=.*x1=127)(?=.*y1=166)"))
    expect(explorer.get_by_role("spinbutton", name="x0")).to_have_value("61")
    explorer.reload()
    expect(explorer.locator(".region")).to_contain_text("61, 78 to 127, 166", timeout=FIRST_SCREEN)


def test_corners_and_edges_resize_and_a_new_region_is_drawn_beside(explorer: Page) -> None:
    drag(explorer, (157, 206), (180, 230))
    expect(explorer.locator(".region")).to_contain_text("91, 118 to 180, 230")
    drag(explorer, (91, 170), (60, 190))
    expect(explorer.locator(".region")).to_contain_text("60, 118 to 180, 230")
    drag(explorer, (200, 20), (240, 60))
    expect(explorer.locator(".region")).to_contain_text("200, 20 to 240, 60")
    expect(explorer).to_have_url(re.compile(r"(?=.*x0=200)(?=.*y1=60)"))
    drag(explorer, (100, 100), (101, 101))
    explorer.wait_for_timeout(500)
    assert "x0=200" in explorer.url, "a click beside the region leaves it alone"


def test_the_rectangle_follows_in_the_next_frame(explorer: Page) -> None:
    assert explorer.locator("[data-pane=image] .picture").evaluate(DRAG_A_REGION)


def test_letting_go_is_answered_each_time(explorer: Page) -> None:
    assert explorer.locator("[data-pane=image] .picture").evaluate(LET_A_REGION_GO)


def test_a_bin_lights_up_its_cells_and_its_pixels(explorer: Page) -> None:
    says = explorer.locator(".says")
    expect(says).to_contain_text("RoI pooling rounds the region")
    for way, name, what in (
        ("roi_pool", "RoI pooling", "The greatest of"),
        ("roi_align", "RoIAlign", "The mean of 4 points"),
        ("spp", "Spatial pyramid pooling", "The greatest of"),
    ):
        explorer.locator(f".card[data-way={way}] .value").nth(8).hover()
        expect(says).to_contain_text(re.compile(rf"^{name}\. Bin 3, 2 of 6 x 6: \d+\.\d\d\. {what}"))
        lit, pixels = (explorer.locator(f"[data-pane={pane}] svg .line.lit") for pane in ("map", "image"))
        expect(lit).to_have_count(1)
        for edge in ("x", "y", "width", "height"):
            cells, size = (float(one.get_attribute(edge) or "nan") for one in (lit, pixels))
            assert size == pytest.approx(16 * cells, abs=0.01), f"{way}: {edge}"
    explorer.locator("h1").hover()
    expect(says).to_contain_text("RoI pooling rounds the region")
    explorer.locator(".card[data-way=spp] h5").click()
    explorer.locator("h1").hover()
    expect(says).to_contain_text("SPP takes the cells whose middles lie in the region")
    expect(explorer).to_have_url(re.compile("pooling=spp"))


def test_a_channel_is_chosen_by_its_looks(explorer: Page) -> None:
    offer = explorer.locator(".offered button").nth(1)
    channel = offer.inner_text().strip()
    offer.click()
    expect(explorer.locator("[data-pane=map] figcaption")).to_contain_text(f"Channel {channel} of the map")
    expect(explorer.locator(".offered button[aria-pressed=true]")).to_have_text(channel)
    expect(explorer).to_have_url(re.compile(rf"channel={channel}\b"))


def test_the_cost_slider_needs_no_server(page: Page, app_url: str) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda message: sent.append(message)))
    open_explorer(page, f"{app_url}/pooling?n=2000")
    assert sent, "the test has to see the messages that there are"
    page.wait_for_timeout(1000)
    sent.clear()
    bars = page.locator(".bars")
    expect(bars).to_contain_text("529 billion multiply-adds")
    page.locator(".cost input[type=range]").fill("0")
    expect(bars).to_contain_text("0.264 billion multiply-adds")
    page.get_by_text("AlexNet, as in the papers").click()
    expect(bars).to_contain_text("0.713 billion multiply-adds")
    expect(page).to_have_url(re.compile(r"(?=.*n=1\b)(?=.*network=paper)"))
    assert sent == []


def test_there_is_no_iframe_and_nothing_is_wider_than_a_phone(explorer: Page) -> None:
    explorer.set_viewport_size({"width": 400, "height": 800})
    explorer.wait_for_timeout(500)
    assert explorer.locator("iframe").count() == 0
    assert explorer.evaluate("document.documentElement.scrollWidth") <= 400
    for root in (".pooling", ".cost"):
        assert explorer.locator(root).evaluate("(root) => root.scrollWidth - root.clientWidth") <= 0
