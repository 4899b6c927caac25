"""An uploaded photo on each page of the detectors, to the models of photographs and to those of drawn shapes."""

import re

import pytest
from playwright.sync_api import Page, expect

from core.data.photos import FOLDER

PATIENCE = 60_000  # ms, on a busy machine
# What each page shows of an image, wherever it is from.
FIGURES = {
    "detectors": ".lane",
    "nms": ".explorer canvas",
    "proposals?view=RPN": ".explorer canvas",
    "pooling": ".explorer canvas",
    "yolo": ".explorer canvas",
}


def upload(page: Page, address: str) -> None:
    page.goto(f"{address}{'&' if '?' in address else '?'}image=Upload")
    with page.expect_file_chooser(timeout=PATIENCE) as chooser:
        page.get_by_role("button", name="Choose a file").click(timeout=PATIENCE)
    chooser.value.set_files(FOLDER / "chelsea.png")


@pytest.mark.parametrize("address", FIGURES)
def test_an_upload_is_seen_by_both_families(page: Page, app_url: str, address: str) -> None:
    upload(page, f"{app_url}/{address}")
    figure = page.locator(FIGURES[address]).first
    expect(figure).to_be_visible(timeout=PATIENCE)
    chooser = page.get_by_role("radiogroup", name="Trained on")
    expect(chooser.get_by_role("radio", name="Photographs")).to_be_checked()
    expect(page.get_by_text("six drawn shapes only")).to_have_count(0)
    chooser.get_by_text("Drawn shapes").click()
    expect(page.get_by_text("six drawn shapes only")).to_be_visible(timeout=PATIENCE)
    expect(page).to_have_url(re.compile(r"family_upload=Drawn(\+|%20)shapes"))
    expect(figure).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_another_kind_of_image_takes_the_family_out_of_the_address(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/nms?image=Photo&family_photo=Drawn+shapes")
    expect(page.get_by_text("six drawn shapes only")).to_be_visible(timeout=PATIENCE)
    kinds = page.get_by_role("radiogroup", name="Image")
    kinds.get_by_text("Drawn scene").click()
    expect(page).not_to_have_url(re.compile("family"), timeout=PATIENCE)
    kinds.get_by_text("Photo", exact=True).click()
    expect(page.get_by_role("radiogroup", name="Trained on").get_by_role("radio", name="Photographs")).to_be_checked(
        timeout=PATIENCE
    )
