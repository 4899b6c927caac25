"""The training page in Chromium: a short training, paused, resumed and found again; looks back; tables and curves."""

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from core.training.app_runs import FOLDER
from tests.browser.controls import move, painted, slider

FIRST_SCREEN = 60_000  # ms
LONG = 90_000  # ms that a few steps may take on a busy machine
TOKEN = re.compile(r"run=([a-z0-9]{16})")


@pytest.fixture
def sent(page: Page) -> list[object]:
    """Collect the messages from the page to the server."""
    messages: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda message: messages.append(message)))
    return messages


@pytest.fixture
def trained(page: Page, sent: list[object], app_url: str) -> Iterator[Page]:
    """Begin a training that no test sees the end of, and remove the run in the end."""
    page.goto(f"{app_url}/training?train_for=Steps&train_steps=2000&train_batch=1")
    button(page, "Start training").click(timeout=FIRST_SCREEN)
    expect(button(page, "Pause")).to_be_visible(timeout=FIRST_SCREEN)
    yield page
    found = TOKEN.search(page.url)
    if found:
        if button(page, "Cancel").is_visible():
            button(page, "Cancel").click()
            expect(button(page, "Put aside")).to_be_visible(timeout=LONG)
        shutil.rmtree(FOLDER / found[1], ignore_errors=True)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name)


def test_opens_with_samples_and_the_schedule_on_a_phone_too(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(f"{app_url}/training")
    expect(page.locator("canvas[data-kind=made]")).to_have_count(4, timeout=FIRST_SCREEN)
    expect(page.locator("canvas.chart")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    for root in page.locator(".training").all():
        assert root.evaluate("(root) => root.scrollWidth - root.clientWidth") <= 0


def test_a_training_is_paused_found_again_resumed_and_looked_back_on(trained: Page) -> None:
    page = trained
    chart = page.locator("canvas.chart").first
    expect(chart).to_have_attribute("aria-label", re.compile(r"Box regression \d"), timeout=LONG)
    before = painted(chart)
    expect(page.locator(".back")).to_be_visible(timeout=LONG)
    assert painted(chart) != before, "the curve has not grown"
    button(page, "Pause").click()
    expect(button(page, "Resume")).to_be_visible(timeout=LONG)
    page.reload()
    expect(page.get_by_text("Paused. Its state is on the server")).to_be_visible(timeout=FIRST_SCREEN)
    button(page, "Resume").click()
    expect(button(page, "Pause")).to_be_visible(timeout=LONG)
    button(page, "Pause").click()
    expect(button(page, "Resume")).to_be_visible(timeout=LONG)
    look = slider(page, "look")
    last = painted(page.locator("canvas[data-kind=made]").first)
    move(page, "look", 0)
    expect(page.locator("[data-value=look]")).to_have_text(re.compile("after step 1, "))
    assert painted(page.locator("canvas[data-kind=made]").first) != last
    expect(page).to_have_url(re.compile("look=1"))
    look.fill(look.get_attribute("max") or "")
    expect(page).not_to_have_url(re.compile("look="))


# Swing the slider to and fro: each place is to be painted in the next frame, without a word to the server.
SWING = """async (input) => {
    const frame = () => new Promise(requestAnimationFrame);
    const shown = () => input.getRootNode().querySelector("[data-value=look]").textContent;
    for (let move = 0; move < 10; move++) {
        const before = shown();
        input.value = move % 2 ? input.max : 0;
        input.dispatchEvent(new Event("input"));
        await frame();
        if (shown() === before) throw new Error(`${before} was not replaced in the next frame`);
    }
}"""


def test_looks_back_answer_in_the_next_frame_and_mark_the_curves(trained: Page, sent: list[object]) -> None:
    page = trained
    expect(page.locator(".back")).to_be_visible(timeout=LONG)
    button(page, "Pause").click()
    expect(button(page, "Resume")).to_be_visible(timeout=LONG)
    page.wait_for_timeout(1000)
    assert sent, "the test has to see the messages that there are"
    sent.clear()
    chart = page.locator("canvas.chart").first
    plain = painted(chart)
    slider(page, "look").evaluate(SWING)
    move(page, "look", 0)
    assert painted(chart) != plain, "the moment is not marked in the curves"
    page.get_by_role("radio", name="seconds of training").click()
    expect(page).to_have_url(re.compile("axis=seconds"))
    assert sent == []


def test_weights_are_sorted_and_their_values_shown(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/training?training=Weights")
    rows = page.locator("tbody tr")
    expect(rows.first).to_be_visible(timeout=FIRST_SCREEN)
    head = page.get_by_role("button", name="Sort by Parameters")
    head.click()
    head.click()
    expect(rows.first).to_contain_text("294,912")
    expect(page).to_have_url(re.compile("sort=-count"))
    figure = page.locator(".one figcaption")
    rows.nth(2).click()
    expect(figure).to_contain_text(rows.nth(2).locator("td").first.inner_text())
    expect(page).to_have_url(re.compile("tensor="))
    expect(page.get_by_text("Every name and every shape fits.")).to_be_visible(timeout=FIRST_SCREEN)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
