"""The tensors page in Chromium: what is typed is answered, what is read lights up, what is written arrives."""

import re

import pytest
from playwright.sync_api import Page, expect

FIRST_SCREEN = 60_000  # ms

TYPE = """async (editor) => {
    const root = editor.getRootNode();
    const frame = () => new Promise(requestAnimationFrame);
    const shown = () => root.querySelector(".grid .cell:last-child")?.textContent;
    const times = [];
    for (let length = 3; length < 15; length++) {
        const before = shown();
        const start = performance.now();
        editor.value = `x = arange(${length})`;
        editor.dispatchEvent(new Event("input", { bubbles: true }));
        while (shown() === before || shown() !== String(length - 1)) {
            await frame();
            if (performance.now() - start > 10000) throw new Error(`${editor.value} was not answered`);
        }
        times.push(performance.now() - start);
        await new Promise((done) => setTimeout(done, 60));
    }
    return times;
}"""

LIGHTS_IN_THE_NEXT_FRAME = """async (cell) => {
    const root = cell.getRootNode();
    cell.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    await new Promise(requestAnimationFrame);
    return [...root.querySelectorAll(".lit")].map((lit) => lit.getAttribute("aria-label") ?? lit.dataset.cell);
}"""


@pytest.fixture
def playground(page: Page, app_url: str) -> Page:
    open_playground(page, f"{app_url}/tensors")
    return page


def open_playground(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".lessons button")).to_have_count(12, timeout=FIRST_SCREEN)


def names(page: Page) -> list[str]:
    return page.locator("[data-read]").all_text_contents()


def test_each_keystroke_is_answered(playground: Page) -> None:
    editor = playground.get_by_role("textbox", name="Lines of PyTorch")
    assert len(editor.evaluate(TYPE)) == 12
    expect(playground).to_have_url(re.compile(r"source=x\+%3D\+arange%2814%29"))
    editor.fill("x = arange(6)\ny = x.rehsape(2, 3)")
    expect(playground.locator(".editor mark")).to_have_text("rehsape")
    expect(playground.locator(".help")).to_contain_text("Did you mean `reshape`?")
    assert names(playground) == ["x"]
    editor.fill("")
    expect(playground.locator(".storages")).to_contain_text("Nothing yet")
    editor.fill("x = arange(6)\ny = x.rehsape(2, 3)")
    expect(playground).to_have_url(re.compile("rehsape"))
    playground.reload()
    expect(playground.locator(".help")).to_contain_text("reshape", timeout=FIRST_SCREEN)
    expect(editor).to_have_value("x = arange(6)\ny = x.rehsape(2, 3)")


def test_a_number_lights_its_cell_and_all_who_read_it_in_the_next_frame(playground: Page) -> None:
    cell = playground.get_by_label("t[2, 1]: 6", exact=True)
    assert cell.evaluate(LIGHTS_IN_THE_NEXT_FRAME) == ["6", "x[1, 2]: 6", "t[2, 1]: 6", "s[0, 1]: 6"]
    expect(playground.locator(".says")).to_have_text("t[2, 1] reads cell 6, and so does x[1, 2]; s[0, 1].")


def test_a_tensor_is_read_cell_by_cell(playground: Page) -> None:
    playground.locator("[data-read='1']").click()
    playground.mouse.move(5, 5)
    lit = playground.locator(".strip .cell.lit")
    for cell in (4, 8, 1):
        expect(lit).to_have_attribute("data-cell", str(cell))
    playground.get_by_role("button", name="Stop reading").click()
    expect(lit).to_have_count(0)


def test_a_click_writes_into_every_tensor_of_the_storage_and_a_second_one_takes_it_back(playground: Page) -> None:
    editor = playground.get_by_role("textbox", name="Lines of PyTorch")
    before = editor.input_value()
    playground.get_by_label("s[0, 1]: 6", exact=True).click()
    expect(editor).to_have_value(f"{before}s[0, 1] = 99\n")
    for label in ("x[1, 2]: 99", "t[2, 1]: 99", "s[0, 1]: 99", "c[2, 1]: 6"):
        expect(playground.get_by_label(label, exact=True)).to_be_visible()
    playground.get_by_label("x[1, 2]: 99", exact=True).hover()
    playground.get_by_label("s[0, 1]: 99", exact=True).click()
    expect(editor).to_have_value(before)
    expect(playground.get_by_label("x[1, 2]: 6", exact=True)).to_be_visible()


def test_a_lesson_is_a_click_away_and_in_the_address(playground: Page) -> None:
    playground.get_by_role("radio", name="Broadcasting that fails").click()
    expect(playground.locator(".clash").first).to_have_text("4")
    expect(playground.locator(".editor mark")).to_have_text("x + v")
    expect(playground).to_have_url(re.compile("lesson=mismatch"))
    editor = playground.get_by_role("textbox", name="Lines of PyTorch")
    editor.fill(editor.input_value().replace("x + v", "x + v[:, None]"))
    expect(playground.locator(".ghost")).to_have_count(9)
    expect(playground.locator(".error")).to_be_hidden()
    playground.get_by_role("radio", name="Softmax and one-hot").click()
    expect(playground.locator(".others")).to_contain_text("2.0")
    editor.evaluate("(editor) => { editor.focus(); editor.setSelectionRange(5, 5); }")
    playground.keyboard.press("Alt+ArrowDown")
    expect(playground.locator(".others")).to_contain_text("1.9")
