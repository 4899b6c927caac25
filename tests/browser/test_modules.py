"""Modules and optimizers in Chromium: walks and looks play in the browser, a start is answered, blocks are edited."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.controls import move, painted, slider
from tests.browser.motions import MOVE_A_SLIDER

FIRST_SCREEN = 30_000  # ms

# Press Play and count the frames in which the step moved on, of so many that the screen showed.
PLAY = """async (button) => {
    const shown = () => button.getRootNode().querySelector(".stepper input").value;
    const canvas = button.getRootNode().querySelector("canvas.map");
    const pictures = new Set();
    button.click();
    let moved = 0;
    for (let frame = 0; frame < 30; frame++) {
        const before = shown();
        await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame);
        moved += shown() !== before;
        pictures.add(canvas.toDataURL());
    }
    button.click();
    return [moved, pictures.size];
}"""


def open_view(page: Page, app_url: str, address: str) -> Page:
    page.goto(f"{app_url}/modules?{address}")
    expect(page.locator(".modules canvas").first).to_be_visible(timeout=FIRST_SCREEN)
    page.wait_for_timeout(500)
    return page


def test_learning_rates_and_steps_answer_in_the_browser(page: Page, app_url: str) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda message: sent.append(message)))
    open_view(page, app_url, "modules=Descent&surface=Quadratic+bowl")
    assert sent, "the test has to see the messages that there are"
    page.wait_for_timeout(500)
    sent.clear()
    for name in ("step", "lr", "adaptive"):
        assert slider(page, name).evaluate(MOVE_A_SLIDER), name
    move(page, "lr", 14)  # 0.316
    move(page, "step", 160)
    sgd, momentum = (page.locator(f"tr[data-rule={rule}]") for rule in ("sgd", "momentum"))
    expect(sgd).to_contain_text("outside the picture")
    expect(momentum).to_contain_text("at a minimum")
    before = painted(page.locator(".map"))
    sgd.get_by_role("button").click()
    expect(sgd).to_contain_text("hidden")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert painted(page.locator(".map")) != before
    momentum.hover()
    expect(page.locator(".says")).to_contain_text("v ← μ v + g")
    page.wait_for_timeout(500)
    assert sent == []
    expect(page).to_have_url(re.compile(r"(?=.*lr=0\.316)(?=.*hidden=sgd)"))


def test_the_walks_play_at_the_screens_rate(page: Page, app_url: str) -> None:
    open_view(page, app_url, "modules=Descent&step=0")
    moved, pictures = page.locator(".play").evaluate(PLAY)
    assert moved > 5 and pictures > 25, f"{moved} steps and {pictures} pictures in 30 frames"


def test_a_start_is_dragged_and_left_and_lives_in_the_address(page: Page, app_url: str) -> None:
    open_view(page, app_url, "modules=Descent&surface=Saddle&step=5")
    loss = page.locator("tr[data-rule=sgd] td").first
    before = loss.inner_text()
    pad = page.locator(".map")
    pad.scroll_into_view_if_needed()
    frame = pad.bounding_box()
    assert frame
    page.mouse.move(frame["x"] + 0.3 * frame["width"], frame["y"] + 0.3 * frame["height"])
    page.mouse.down()
    page.mouse.move(frame["x"] + 0.6 * frame["width"], frame["y"] + 0.7 * frame["height"], steps=8)
    expect(loss).not_to_have_text(before)
    assert "start_x" not in page.url, "the address waits until the hand lets go"
    page.mouse.up()
    field = page.get_by_role("spinbutton", name="Start x")
    expect(field).not_to_have_value("-1.800")
    expect(page).to_have_url(re.compile(r"(?=.*start_x=0\.)(?=.*start_y=-)"))
    kept = field.input_value()
    pad.focus()
    page.keyboard.press("ArrowLeft")
    expect(field).not_to_have_value(kept)
    kept = field.input_value()
    page.reload()
    expect(page.get_by_role("spinbutton", name="Start x")).to_have_value(kept, timeout=FIRST_SCREEN)


def test_a_preset_that_overflows_says_so(page: Page, app_url: str) -> None:
    open_view(page, app_url, "modules=Descent")
    page.get_by_role("button", name="Overflow").click()
    expect(page.locator("figcaption").first).to_contain_text("100")
    expect(page.locator("tr[data-rule=sgd]")).to_contain_text("overflowed at step 6", timeout=FIRST_SCREEN)
    expect(page.locator("tr[data-rule=adam]")).not_to_contain_text("overflowed")
    expect(page.locator(".says")).to_contain_text("their numbers overflow")
    expect(page).to_have_url(re.compile(r"(?=.*surface=Rosenbrock)(?=.*lr=0\.01)"), timeout=FIRST_SCREEN)


def test_a_training_plays_and_follows_its_slider(page: Page, app_url: str) -> None:
    open_view(page, app_url, "modules=Classify&look=10")
    assert slider(page, "look").evaluate(MOVE_A_SLIDER)
    move(page, "look", 0)
    first, keys = painted(page.locator(".map")), page.locator(".keys").nth(1)
    expect(keys).to_contain_text(re.compile(r"trained on [3-6]\d\.\d %"))
    move(page, "look", 79)
    expect(keys).to_contain_text(re.compile(r"trained on (9\d\.\d|100\.0) %"))
    assert painted(page.locator(".map")) != first
    page.get_by_role("spinbutton", name="Seed").fill("3")
    page.keyboard.press("Enter")
    expect(page.locator(".play")).to_have_text("Pause", timeout=FIRST_SCREEN)


def test_blocks_are_edited_on_their_cards(page: Page, app_url: str) -> None:
    open_view(page, app_url, "network=conv+8,relu,flatten,linear+10")
    expect(page.locator(".row[data-block]")).to_have_count(4)
    page.locator("[data-block='2'] button", has_text="✕").first.click()
    expect(page.locator(".card.blame h5")).to_have_text("linear")
    expect(page.get_by_text("put flatten before it")).to_be_visible()
    page.locator(".card[data-block='1'] h5").click()
    page.locator(".card.end select").select_option("flatten")
    channels = page.locator(".card[data-block='0']").get_by_label("channels")
    channels.fill("4")
    channels.press("Tab")
    expect(page.locator(".card[data-block='0'] small")).to_have_text("→ 4 x 8 x 8")
    expect(page).to_have_url(re.compile("network=conv\\+4\\+3%2C\\+relu%2C\\+flatten%2C\\+linear\\+10"))
    expect(page.locator(".row[data-block]")).to_have_count(4)
    expect(page.locator(".row[data-block='0']")).to_be_visible()
    page.locator(".card[data-block='0']").get_by_label("frozen").check()
    expect(page.locator(".row[data-block='0']")).to_contain_text("requires_grad = False")


def test_an_update_is_shown_in_numbers(page: Page, app_url: str) -> None:
    open_view(page, app_url, "network=flatten,linear+10")
    numbers = page.locator(".numbers")
    expect(numbers).to_contain_text("w − η g")
    by_hand, by_step = numbers.locator("dd").nth(3), numbers.locator("dd").nth(4)
    assert by_hand.inner_text().endswith(f"= {by_step.inner_text()}")
    before = by_hand.inner_text()
    page.get_by_role("radio", name="Adam, first step").click()
    expect(by_hand).to_contain_text("√(")
    page.get_by_role("radio", name="SGD", exact=True).click()
    page.locator(".weights").click(position={"x": 20, "y": 20})
    expect(by_hand).not_to_have_text(before)
    expect(page).to_have_url(re.compile("cell="))


@pytest.mark.parametrize("view", ["Build+a+network", "Descent", "Classify"])
def test_nothing_is_wider_than_a_phone(page: Page, app_url: str, view: str) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    open_view(page, app_url, f"modules={view}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.locator(".modules").evaluate("(root) => root.scrollWidth - root.clientWidth") <= 0
