"""The upsampling page in Chromium: a grid is drawn and enlarged, stamps follow a slider, boards are chosen."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.controls import move, painted, slider
from tests.browser.motions import MOVE_A_SLIDER

FIRST_SCREEN = 60_000  # ms
GRID = "source=Draw+your+own&weights_of=As+they+begin"  # needs no trained network


def open_grid(page: Page, app_url: str, more: str = "") -> None:
    page.goto(f"{app_url}/upsampling?{GRID}{more}")
    expect(page.locator(".tiles canvas")).to_have_count(11, timeout=FIRST_SCREEN)


def tile(page: Page, name: str) -> Locator:
    return page.locator(f"canvas[data-tile={name}]")


def value(page: Page, name: str) -> Locator:
    """Return what a tile says of the marked place."""
    return page.locator("figure", has=tile(page, name)).locator("b")


def click_at(canvas: Locator, x: float, y: float) -> None:
    """Click a canvas at a part of its width and height."""
    frame = canvas.bounding_box()
    assert frame
    canvas.click(position={"x": x * frame["width"], "y": y * frame["height"]})


def two_frames(page: Page) -> None:
    """Wait until what just happened is painted."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_a_drawn_cell_is_there_at_once_and_enlarged_in_every_way(page: Page, app_url: str) -> None:
    open_grid(page, app_url)
    editor = tile(page, "grid")
    before = {name: painted(tile(page, name)) for name in ("grid", "nearest", "bed_of_nails", "pixel_shuffle")}
    at_once = editor.evaluate(
        """async (canvas) => {
            const place = canvas.getBoundingClientRect();
            const before = canvas.toDataURL();
            canvas.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, button: 0,
                clientX: place.left + 0.75 * place.width, clientY: place.top + 0.75 * place.height }));
            await new Promise(requestAnimationFrame);
            dispatchEvent(new PointerEvent("pointerup"));
            return canvas.toDataURL() !== before;
        }"""
    )
    assert at_once, "the grid was not painted in the next frame"
    expect(value(page, "nearest")).to_have_text("1")
    for name, pixels in before.items():
        page.wait_for_function(
            "([canvas, before]) => canvas.toDataURL() !== before", arg=[tile(page, name).element_handle(), pixels]
        )
    expect(page).to_have_url(re.compile(r"grid=[a-i]{28}i[a-i]{7}"))
    drawn = painted(editor)
    page.reload()
    expect(value(page, "nearest")).to_have_text("1", timeout=FIRST_SCREEN)
    page.locator("h1").hover()
    assert painted(editor) == drawn, "the address keeps the drawing"


def test_the_keyboard_draws_and_one_place_is_marked_in_all_pictures(page: Page, app_url: str) -> None:
    open_grid(page, app_url, "&at=0.083_0.083&brush=0.5")
    expect(value(page, "grid")).to_have_text("0")
    page.locator(".tiles").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(value(page, "grid")).to_have_text("0.5")
    for name in ("nearest", "deconvolution_fixed"):
        expect(value(page, name)).to_have_text(re.compile(r"0\.\d+"))
    page.keyboard.press("Space")
    expect(value(page, "nearest")).to_have_text("0")
    before = [painted(canvas) for canvas in page.locator(".tiles canvas").all()]
    tile(page, "bicubic").hover(position={"x": 60, "y": 60})
    two_frames(page)
    assert all(painted(canvas) != old for canvas, old in zip(page.locator(".tiles canvas").all(), before, strict=True))


def test_doublings_and_zoom_need_no_server(page: Page, app_url: str) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda message: sent.append(message)))
    open_grid(page, app_url)
    assert sent, "the test has to see the messages that there are"
    page.wait_for_timeout(500)
    sent.clear()
    assert slider(page, "zoom").evaluate(MOVE_A_SLIDER)
    move(page, "level", 1)
    expect(page.locator("[data-value=level]")).to_have_text("1: 12 x 12")
    expect(page).to_have_url(re.compile("level=1"))
    assert sent == []


def test_stamps_follow_the_slider_and_a_cell_says_what_it_is_the_sum_of(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/upsampling?upsampling=Stamp+by+stamp&step=2")
    expect(page.locator("[data-value=step]")).to_have_text("2 of 16", timeout=FIRST_SCREEN)
    assert slider(page, "step").evaluate(MOVE_A_SLIDER)
    move(page, "step", 16)
    expect(page.locator("[data-map=sum] figcaption")).to_have_text("Output: the sum of all stamps")
    expect(page).to_have_url(re.compile("step=16"))
    click_at(page.locator("[data-map=sum] canvas"), 2.5 / 9, 2.5 / 9)
    expect(page.locator(".says")).to_contain_text(
        "Output row 3, column 3: so far 1 × 1 + 2 × 1 + 5 × 1 + 6 × 1 = 14. Stamps in the end: 4"
    )
    click_at(page.locator("[data-map=input] canvas"), 0.9, 0.1)
    expect(page.locator("[data-value=step]")).to_have_text("4 of 16")
    page.get_by_role("button", name="Play").click()
    expect(page.locator("[data-value=step]")).to_have_text(re.compile(r"^([6-9]|1\d) of 16$"))  # it goes on meanwhile
    page.get_by_role("spinbutton", name="Output padding").fill("3")
    page.keyboard.press("Enter")
    expect(page.get_by_text("smaller than the stride")).to_be_visible()


def test_boards_are_chosen_by_hand_and_by_key_and_fit_a_phone(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(f"{app_url}/upsampling?upsampling=Checkerboard")
    says = page.locator(".says")
    expect(says).to_contain_text("Kernel 3 at stride 2: the stride does not divide", timeout=FIRST_SCREEN)
    before = painted(page.locator("[data-map=backward] canvas"))
    page.locator("[data-board='4-2']").click()
    expect(says).to_contain_text("Kernel 4 at stride 2: the stride divides the kernel size")
    two_frames(page)
    assert painted(page.locator("[data-map=backward] canvas")) != before
    page.keyboard.press("ArrowDown")
    expect(says).to_contain_text("Kernel 4 at stride 3: the stride does not divide")
    expect(page).to_have_url(re.compile("board=4-3"))
    assert page.locator("iframe").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
