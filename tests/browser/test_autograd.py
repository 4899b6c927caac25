"""The autograd page in Chromium: what is typed is drawn, steps and runs follow in the next frame, nodes light up."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.controls import move, slider
from tests.browser.motions import MOVE_A_SLIDER

FIRST_SCREEN = 30_000  # ms


@pytest.fixture
def explorer(page: Page, app_url: str) -> Page:
    page.goto(f"{app_url}/autograd")
    expect(page.locator(".card")).to_have_count(5, timeout=FIRST_SCREEN)
    return page


def card(page: Page, title: str) -> Locator:
    return page.locator(".card", has=page.locator(".title", has_text=re.compile(f"^{re.escape(title)}$")))


def test_what_is_typed_is_drawn_and_a_mistake_is_underlined(explorer: Page) -> None:
    source = explorer.locator("textarea")
    source.press("Control+End")
    source.press_sequentially(" * cos(x)")
    expect(card(explorer, "cos")).to_be_visible()
    expect(card(explorer, "y = mul")).to_be_visible()
    expect(explorer).to_have_url(re.compile("code=.*cos"))
    expect(explorer.locator(".checks [data-verdict=agrees]")).to_have_count(2)
    source.press_sequentially(" + xs")
    expect(explorer.locator(".culprit")).to_have_text("xs")
    expect(explorer.locator(".wrong")).to_contain_text("'xs' is not defined")
    source.press("Backspace")
    expect(explorer.locator(".culprit")).to_have_count(0)
    expect(card(explorer, "y = add")).to_be_visible()
    expect(explorer).to_have_url(re.compile(r"cos%28x%29\+%2B\+x$"))
    explorer.reload()
    expect(explorer.locator("textarea")).to_have_value(re.compile(r"cos\(x\) \+ x$"), timeout=FIRST_SCREEN)
    expect(card(explorer, "y = add")).to_be_visible()


def test_the_walk_is_in_the_next_frame_and_in_the_address(explorer: Page) -> None:
    assert slider(explorer, "step").evaluate(MOVE_A_SLIDER)
    move(explorer, "step", 0)
    assert card(explorer, "sin").locator(".value").text_content() == ""
    move(explorer, "step", 5)
    assert card(explorer, "sin").locator(".value").text_content() == "0.9975"
    assert card(explorer, "sin").locator(".gradient").text_content() == ""
    move(explorer, "step", 6)
    assert card(explorer, "sin").locator(".gradient").text_content() == "∇ 1.995"
    expect(explorer.locator(".edge.returned")).to_have_count(1)
    expect(explorer.locator(".detail")).to_contain_text("PowBackward0")
    expect(explorer.locator(".detail .chain")).to_have_text("Chain rule so far: 1")
    expect(explorer).to_have_url(re.compile("step=6"))
    explorer.reload()
    expect(explorer.locator("[data-value=step]")).to_have_text("backward 1 of 5", timeout=FIRST_SCREEN)
    explorer.get_by_role("button", name="Play").click()
    expect(explorer.locator("[data-value=step]")).to_have_text("backward 5 of 5")
    expect(card(explorer, "x · leaf").locator(".gradient")).to_have_text("∇ 0.4234")


def test_a_node_lights_up_its_source_its_inputs_and_what_it_saved(explorer: Page) -> None:
    card(explorer, "mul").hover()
    expect(explorer.locator(".editor .lit")).to_have_text("w * x")
    expect(explorer.locator(".card.lit .title")).to_have_text(["w · leaf", "x · leaf", "mul"])
    expect(explorer.locator(".card", has=explorer.locator(".note", has_text="saved"))).to_have_count(2)
    detail = explorer.locator(".detail")
    expect(detail).to_contain_text("∂(a · b)/∂a = b")
    expect(detail.locator(".products > div")).to_have_count(2)
    expect(detail).to_contain_text("Saved for the way back:")
    explorer.locator("h1").hover()
    expect(explorer.locator(".editor .lit")).to_have_count(0)


def test_gradients_add_up_with_each_call_without_the_server(page: Page, app_url: str) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda message: sent.append(message)))
    page.goto(f"{app_url}/autograd")
    expect(page.locator(".card")).to_have_count(5, timeout=FIRST_SCREEN)
    page.get_by_role("button", name="Accumulation").click()
    expect(page.locator(".called")).to_have_text("backward() was called 3 times: gradients add up.")
    grad = page.locator(".checks .grad td")
    expect(grad).to_have_text(["6", "−12"])
    expect(page).to_have_url(re.compile("calls=3"))
    assert sent, "the test has to see the messages that there are"
    page.wait_for_timeout(500)
    sent.clear()
    page.get_by_role("button", name="Set .grad to zero").click()
    expect(grad).to_have_text(["0", "0"])
    page.get_by_role("button", name="loss.backward()").click()
    expect(grad).to_have_text(["2", "−4"])
    move(page, "step", 2)
    assert sent == []


def test_every_run_is_drawn_in_the_next_frame_and_what_is_captured_below(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/autograd?autograd=Define+by+run")
    expect(page.locator(".eager .card").first).to_be_visible(timeout=FIRST_SCREEN)
    assert slider(page, "run").evaluate(MOVE_A_SLIDER)
    move(page, "run", 18)
    expect(page.locator("[data-value=run]")).to_have_text("x = [0.5, 0.5]")
    expect(page.locator(".eager .card", has_text="mul")).to_have_count(3)
    expect(page.locator(".captures figure")).to_have_count(4, timeout=FIRST_SCREEN)
    expect(page.locator(".captures .refused")).to_have_count(2)
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_timeout(500)
    assert page.locator("iframe").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 400, "nothing is wider than a phone"
    for root in (".runs", ".captures"):
        assert page.locator(root).evaluate("(root) => root.scrollWidth - root.clientWidth") <= 0, root
