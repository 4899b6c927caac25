"""The YOLO page in Chromium: cells, thresholds and weights answer in the browser, a dragged box within a moment."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.controls import painted
from tests.browser.motions import MOVE_A_BOX, MOVE_A_SLIDER

FIRST_SCREEN = 30_000  # ms


def open_view(page: Page, app_url: str, address: str) -> Page:
    page.goto(f"{app_url}/yolo?{address}")
    expect(page.locator(".yolo figcaption").first).to_have_text(re.compile(r"\w+"), timeout=FIRST_SCREEN)
    return page


def test_the_grid_answers_without_a_message_to_the_server(page: Page, app_url: str) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda message: sent.append(message)))
    open_view(page, app_url, "scene=1")
    assert sent, "the test has to see the messages that there are"
    page.wait_for_timeout(500)
    sent.clear()
    canvas = page.locator(".picture canvas")
    words = page.locator("h4.cell")
    frame = canvas.bounding_box()
    assert frame
    canvas.hover(position={"x": frame["width"] * 5.5 / 16, "y": frame["height"] * 2.5 / 16})
    expect(words).to_have_text("Cell in row 3, column 6")
    canvas.click(position={"x": frame["width"] * 4.5 / 16, "y": frame["height"] * 11.5 / 16})
    page.keyboard.press("ArrowUp")
    page.locator("h1").hover()
    expect(words).to_have_text("Cell in row 11, column 5")
    for layer in ("map", "scored", "left", "boxes"):
        before = painted(canvas)
        page.locator(f"button[data-layer={layer}]").click()
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert painted(canvas) != before, f"{layer} was not painted"
    count = re.compile(r"^\d+ boxes")
    (shown,) = count.findall(page.locator(".main figcaption").inner_text())
    page.locator("input[data-setting=threshold]").fill("0.02")
    expect(page.locator(".main figcaption")).not_to_have_text(re.compile(f"^{shown}"))
    page.wait_for_timeout(500)
    assert sent == []
    expect(page).to_have_url(re.compile(r"(?=.*cell=11-5)(?=.*threshold=0\.02)"))


@pytest.mark.parametrize(("view", "name"), [("Grid", "threshold"), ("Loss", "coord")])
def test_the_picture_follows_a_slider_in_the_next_frame(page: Page, app_url: str, view: str, name: str) -> None:
    open_view(page, app_url, f"view={view}")
    assert page.locator(f"input[data-setting={name}]").evaluate(MOVE_A_SLIDER)


def test_a_dragged_box_is_answered_in_a_moment_and_lives_in_the_address(page: Page, app_url: str) -> None:
    open_view(page, app_url, "view=Drag+a+box&scene=1&cell=11-8")
    fields = page.locator("tbody input")
    expect(page.locator("select")).to_have_value(str(10 * 16 + 7))
    loss = page.locator("h4.own")
    before, start = loss.inner_text(), [float(field.input_value()) for field in fields.all()]
    canvas = page.locator(".picture canvas")
    canvas.scroll_into_view_if_needed()
    frame = canvas.bounding_box()
    assert frame
    scale = frame["width"] / 256
    page.mouse.move(frame["x"] + start[0] * scale, frame["y"] + start[1] * scale)
    page.mouse.down()
    page.mouse.move(frame["x"] + (start[0] - 20) * scale, frame["y"] + (start[1] + 8) * scale, steps=8)
    page.mouse.up()
    expect(loss).not_to_have_text(before)
    expect(fields.nth(0)).to_have_value(re.compile(rf"^{start[0] - 20:.0f}|^{int(start[0] - 20)}"))
    assert page.locator(".yolo").evaluate(MOVE_A_BOX)
    expect(page).to_have_url(re.compile(r"cell=11-8.*box=150_"))
    page.reload()
    expect(fields.nth(0)).to_have_value("150", timeout=FIRST_SCREEN)
    fields.nth(2).fill("0")
    fields.nth(2).press("Tab")
    expect(page.locator(".says")).to_have_text(re.compile("The box is empty"))


def test_a_training_runs_and_is_cancelled(page: Page, app_url: str) -> None:
    open_view(page, app_url, "view=Train+it")
    page.get_by_role("button", name="Train for a minute").click()
    expect(page.locator(".yolo .says")).to_have_text(re.compile(r"[1-9]\d* steps"), timeout=FIRST_SCREEN)
    expect(page.locator(".yolo .keys")).to_contain_text(re.compile(r"Box regression \d"))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("What it had learnt by then is below.")).to_be_visible(timeout=FIRST_SCREEN)


def test_nothing_is_wider_than_a_phone(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    for view in ("Grid", "Loss", "Drag+a+box"):
        open_view(page, app_url, f"view={view}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, view
        assert page.locator(".yolo").evaluate("(root) => root.scrollWidth - root.clientWidth") <= 0, view
