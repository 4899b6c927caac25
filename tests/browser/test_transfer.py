"""The transfer learning page in Chromium: three ways learn as one watches, are cancelled, and are kept."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.controls import painted

FIRST_SCREEN = 60_000  # ms
LEARNING = 120_000  # ms, on a machine that does a lot besides
SHORT = "trunk_of=Slim+AlexNet&per_class=5&transfer_steps=50"
LONG = "trunk_of=Slim+AlexNet&per_class=100&transfer_steps=500"


def way(page: Page, name: str) -> Locator:
    return page.locator(f".way[data-way={name}]")


def open_board(page: Page, app_url: str, address: str) -> None:
    page.goto(f"{app_url}/transfer?{address}")
    expect(page.locator(".way canvas")).to_have_count(3, timeout=FIRST_SCREEN)


def test_three_ways_learn_digits_without_a_click_and_are_known_to_the_next_visitor(page: Page, app_url: str) -> None:
    open_board(page, app_url, SHORT)
    frozen = painted(way(page, "head").locator("canvas"))
    assert frozen != painted(way(page, "everything").locator("canvas")), "frozen layers look like the others"
    label = way(page, "head").locator("canvas").get_attribute("aria-label")
    assert label == "Last layer only: 6 layers, 5 of them frozen"
    for name in ("head", "everything", "scratch"):
        expect(way(page, name).locator("dd.large")).to_have_text(re.compile(r"\d+ %"), timeout=LEARNING)
    answers = page.locator(".answers tbody tr")
    expect(answers).to_have_count(4, timeout=LEARNING)
    expect(page.locator(".answers thead img")).to_have_count(12)
    assert page.locator(".answers td.wrong").count() > 0, "nobody knows ten digits from five images each"
    curves = page.locator("[data-chart=accuracies]").get_attribute("aria-label") or ""
    assert re.fullmatch(r"Accuracy on validation images: (?:[A-Z][a-z ]+ \d+ %(?:, )?){3}", curves)
    expect(page.get_by_text("An epoch through the trunk")).to_be_visible()
    accuracies = way(page, "head").locator("dd").all_inner_texts()
    page.reload()
    expect(answers).to_have_count(4, timeout=FIRST_SCREEN)
    assert way(page, "head").locator("dd").all_inner_texts() == accuracies
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def test_learning_is_cancelled_and_begun_again(page: Page, app_url: str) -> None:
    open_board(page, app_url, LONG)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled.")).to_be_visible(timeout=FIRST_SCREEN)
    page.get_by_role("button", name="Learn again").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=FIRST_SCREEN)
    expect(way(page, "head").locator("dd.large")).to_have_text(re.compile(r"\d+ %"), timeout=LEARNING)
    page.get_by_role("radio", name="150", exact=True).click()
    expect(page).to_have_url(re.compile("transfer_steps=150"))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled.")).to_be_visible(timeout=FIRST_SCREEN)
