"""The language in Chromium: the browser's own on arrival, another one by the switch, and which it is in the address."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Page, expect

FIRST_SCREEN = 30_000  # ms


@pytest.fixture
def visit(browser: Browser, app_url: str) -> Iterator[Callable[[str, str], Page]]:
    """Open an address with the browser of somebody whose language has this tag."""
    contexts = []

    def opened(tag: str, address: str) -> Page:
        contexts.append(browser.new_context(locale=tag, viewport={"width": 1280, "height": 900}))
        page = contexts[-1].new_page()
        page.goto(f"{app_url}/{address}")
        return page

    yield opened
    for context in contexts:
        context.close()


def expect_title(page: Page, words: str) -> None:
    expect(page.locator("h1")).to_have_text(words, timeout=FIRST_SCREEN)


def choose(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).click()


def test_a_korean_browser_is_greeted_in_korean(visit: Callable[[str, str], Page]) -> None:
    page = visit("ko-KR", "tensors")
    expect_title(page, "텐서")
    expect(page).to_have_url(re.compile(r"/tensors\?lang=ko$"))
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.get_by_text("모양").first).to_be_visible()
    page.get_by_role("textbox").fill("x = ones(2, 3)\nx @ x")  # only the fragment is run again
    expect(page.get_by_text("안쪽 크기가 같아야 합니다")).to_be_visible()


def test_an_english_browser_and_one_of_another_language_are_greeted_in_english(
    visit: Callable[[str, str], Page],
) -> None:
    page = visit("en-GB", "tensors")
    expect_title(page, "Tensors")
    assert page.url.endswith("/tensors"), "English needs no word in the address"
    expect_title(visit("de-DE", "tensors"), "Tensors")


def test_the_switch_works_both_ways_and_keeps_what_was_chosen(visit: Callable[[str, str], Page]) -> None:
    page = visit("en-US", "yolo")
    expect_title(page, "YOLO: one look")
    choose(page, "Loss")
    expect(page).to_have_url(re.compile("view=Loss"))
    choose(page, "한국어")
    expect_title(page, "YOLO: 한 번에 보기")
    expect(page.get_by_role("radio", name="손실", exact=True)).to_be_checked()
    page.wait_for_function("decodeURIComponent(location.search).includes('view=손실')")
    assert "lang=ko" in page.url
    choose(page, "English")
    expect_title(page, "YOLO: one look")
    expect(page.get_by_role("radio", name="Loss", exact=True)).to_be_checked()
    page.wait_for_function("location.search.includes('view=Loss')")
    page.reload()
    expect_title(page, "YOLO: one look")
    expect(page.get_by_role("radio", name="Loss", exact=True)).to_be_checked(timeout=FIRST_SCREEN)


def test_a_choice_against_the_browser_outlasts_a_reload_and_a_page(visit: Callable[[str, str], Page]) -> None:
    page = visit("ko-KR", "tensors")
    expect_title(page, "텐서")
    choose(page, "English")
    expect_title(page, "Tensors")
    expect(page).to_have_url(re.compile("lang=en"))
    page.reload()
    expect_title(page, "Tensors")
    page.get_by_role("button", name="PyTorch", exact=True).click()
    page.get_by_role("menuitem", name="Autograd").click()
    expect_title(page, "Autograd")
    expect(page).to_have_url(re.compile("lang=en"))


def test_a_link_speaks_the_language_that_it_was_made_in(visit: Callable[[str, str], Page]) -> None:
    """The choices in it are called by their visible names."""
    page = visit("en-US", "yolo?view=손실&lang=ko")
    expect_title(page, "YOLO: 한 번에 보기")
    expect(page.get_by_role("radio", name="손실", exact=True)).to_be_checked(timeout=FIRST_SCREEN)
    page = visit("ko-KR", "yolo?view=Loss")
    expect_title(page, "YOLO: one look")
    expect(page.get_by_role("radio", name="Loss", exact=True)).to_be_checked(timeout=FIRST_SCREEN)
    assert "view=Loss" in unquote(page.url)
