"""The address holds what is on screen: a link that is copied opens the same screen in a fresh tab."""

import time
from collections.abc import Callable
from urllib.parse import quote_plus

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import another_chromium
from tests.browser.controls import move

FIRST_SCREEN = 60_000  # ms
SETTLED = 30.0  # seconds until two screens have to be alike

# What the explorers of a page show: the state of every control, the sentences that follow, and the canvases' pixels.
SHOWN = """() => {
    const found = [];
    const visit = (node) => {
        for (const element of node.querySelectorAll("*")) {
            if (element.shadowRoot) visit(element.shadowRoot);
            if (!element.closest(".explorer") || element.closest(".tool, [data-tool], .export")) continue;
            if (element.matches("input, select, textarea")) found.push(element.checked + " " + element.value);
            else if (element.matches("[aria-checked], [aria-pressed]"))
                found.push(element.textContent + (element.ariaChecked ?? element.ariaPressed));
            else if (element.matches("canvas")) found.push(element.toDataURL());
            else if (element.matches(".says, figcaption, h4, h5, .region, .formula, b[data-value]"))
                found.push(element.textContent);
        }
    };
    visit(document.querySelector(".stMain"));
    return found;
}"""

CODE = quote_plus("x = tensor(2., requires_grad=True)\ny = x ** 3 + x")
Change = Callable[[Page], object]
PAGES: dict[str, Change] = {
    "nms?scene=5&detector=YOLO&iou=0.62&suppressed=false": lambda page: move(page, "score", 40),
    "proposals?scene=2&preset=Single&under=true": lambda page: move(page, "merge", 40),
    "pooling?scene=2&x0=20&y0=30&x1=120&y1=140": lambda page: page.locator(".card").nth(1).click(),
    "yolo?scene=3&layer=map&cell=5-5": lambda page: page.locator("input[data-setting=threshold]").fill("0.4"),
    "segmentation?scene=3&show=errors&pixel=100-90": lambda page: move(page, "opacity", 35),
    "upsampling?upsampling=Stamp+by+stamp&kernel=4&weights=Random": lambda page: move(page, "step", 6),
    "tensors?lesson=view": lambda page: page.locator(".editor textarea").fill("x = arange(4)\ny = x[::2]"),
    f"autograd?code={CODE}": lambda page: move(page, "step", 2),
    "modules?modules=Classify&points=Circles&width=4": lambda page: move(page, "look", 25),
}


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    expect(page.locator(".export").first).to_be_visible(timeout=FIRST_SCREEN)
    return page


def copied(page: Page) -> str:
    """Return the link that the button shows, once the address is at rest."""
    page.mouse.move(0, 890)
    page.locator(".share .open").click()
    expect(page.locator(".share .copied")).not_to_be_empty()
    expect(page.locator(".share .code svg")).to_be_visible()
    link = page.locator(".share input").input_value()
    page.keyboard.press("Escape")
    return link


@pytest.mark.parametrize("path", PAGES)
def test_a_copied_link_opens_the_same_screen(browser: Browser, page: Page, app_url: str, path: str) -> None:
    opened(page, f"{app_url}/{path}")
    before = page.evaluate(SHOWN)
    PAGES[path](page)
    link = copied(page)
    assert link != f"{app_url}/{path}", "what was changed is in the link"
    fresh = browser.new_page(viewport={"width": 1280, "height": 900})
    opened(fresh, link)
    end = time.monotonic() + SETTLED
    while (there := fresh.evaluate(SHOWN)) != (here := page.evaluate(SHOWN)) and time.monotonic() < end:
        time.sleep(0.2)
    differing = [pair for pair in zip(here, there, strict=False) if pair[0] != pair[1]]
    fresh.close()
    assert len(here) == len(there) and not differing, [(one[:80], other[:80]) for one, other in differing]
    assert here != before, "and the change was to be seen"


def test_a_page_that_came_over_plain_http_copies_too(browser: Browser, app_url: str) -> None:
    """Of a classroom's server browsers think as of any that does not encrypt: they give it no clipboard."""
    with another_chromium(browser, "--host-resolver-rules=MAP classroom.test 127.0.0.1") as unsafe:
        page = unsafe.new_page()
        address = f"{app_url.replace('127.0.0.1', 'classroom.test')}/tensors?lesson=squeeze"
        opened(page, address)
        assert not page.evaluate("isSecureContext")
        assert copied(page) == address
        expect(page.locator(".share .copied")).to_have_text("Copied")
        page.locator(".editor textarea").fill("")
        page.keyboard.press("Control+v")
        expect(page.locator(".editor textarea")).to_have_value(address)


def test_the_link_says_what_is_not_in_it(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/nms?image=Upload")
    expect(page.locator(".share .open")).to_be_visible(timeout=FIRST_SCREEN)
    copied(page)
    page.locator(".share .open").click()
    expect(page.locator(".share .upload")).to_contain_text("Your upload is not in the link")
    expect(page.locator(".share .local")).to_contain_text("this computer only")
