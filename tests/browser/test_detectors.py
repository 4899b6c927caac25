"""The detector comparison page in Chromium: first screen, a race of all five, its replay, links, uploads, cancel."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

FIRST_SCREEN = 30_000  # ms: not the speed that is promised, but the most a busy test machine may take
RACE = 180_000
TITLES = ("R-CNN", "SPPNet", "Fast R-CNN", "Faster R-CNN", "YOLO")


@pytest.fixture
def comparison(page: Page, app_url: str) -> Page:
    open_race(page, f"{app_url}/detectors")
    return page


def open_race(page: Page, address: str, lanes: int = 2, patience: float = FIRST_SCREEN) -> None:
    page.goto(address)
    expect(page.locator(".lane")).to_have_count(lanes, timeout=patience)


def final_picture(page: Page, title: str) -> Locator:
    return page.get_by_role("img", name=re.compile(f"^{title}, NMS"))


def panel(page: Page, title: str) -> Locator:
    return page.locator(".panel").filter(has=page.get_by_text(title, exact=True))


def cancel_curve(page: Page) -> None:
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled. Press Measure again to start again.")).to_be_visible(timeout=FIRST_SCREEN)


def test_first_screen_shows_a_finished_race(comparison: Page) -> None:
    for title in ("Faster R-CNN", "YOLO"):
        expect(final_picture(comparison, title)).to_be_in_viewport(ratio=0.9)
        expect(panel(comparison, title).locator("figcaption")).to_have_text(re.compile(r"[\d.,]+ ms"))
    expect(comparison.locator(".track").first).to_be_in_viewport()
    expect(comparison.get_by_role("row").filter(has_text="YOLO")).to_contain_text(re.compile(r"\d"))
    expect(comparison.get_by_text("Measured here").first).to_be_visible()


def test_race_of_all_five_fills_the_panels_stage_by_stage(page: Page, app_url: str) -> None:
    open_race(page, f"{app_url}/detectors?image=Photo&photo=Astronaut&regions=1000")
    page.get_by_role("button", name="Race", exact=True).click()
    stages = re.compile("^R-CNN, (Region proposals|Warp|Convolution|Fully connected|SVM|Box regression): ")
    expect(page.get_by_role("img", name=stages)).to_be_visible(timeout=RACE)
    expect(page.get_by_text(re.compile(r"Convolution: \d+ of 1000"))).to_be_visible(timeout=RACE)
    expect(page.locator(".lane")).to_have_count(6, timeout=RACE)
    for title in TITLES:
        expect(final_picture(page, title)).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(7)  # the head, the five, and Fast R-CNN with truncated SVD
    expect(page.get_by_role("columnheader", name="without proposals")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=re.compile("^R-CNN"))).to_contain_text("1,000")  # passes
    expect(page).to_have_url(re.compile("race=true"))


def test_a_link_restores_the_race_and_what_is_shown_of_it(page: Page, app_url: str) -> None:
    open_race(
        page,
        f"{app_url}/detectors?scene=5&detectors=Faster+R-CNN&detectors=SPPNet&detectors=YOLO&regions=100&race=true",
        3,
    )
    page.get_by_role("radio", name="Share of own time").click()
    slider = panel(page, "SPPNet").get_by_role("slider")
    slider.fill("1")
    expect(panel(page, "SPPNet").get_by_role("img", name=re.compile("100 proposals"))).to_be_visible()
    page.get_by_text("Cost of proposals", exact=True).click()
    expect(page).to_have_url(re.compile(r"(?=.*race=true)(?=.*scale=share)(?=.*stages=sppnet-1)(?=.*view=Cost)"))
    cancel_curve(page)

    open_race(page, page.url, 3)
    expect(page.get_by_role("spinbutton", name="Scene number")).to_have_value("5")
    expect(page.get_by_role("radio", name="Share of own time")).to_have_attribute("aria-checked", "true")
    expect(panel(page, "SPPNet").get_by_role("slider")).to_have_value("1")
    expect(panel(page, "SPPNet").get_by_role("img", name=re.compile("100 proposals"))).to_be_visible()
    cancel_curve(page)


def test_stepping_pointing_and_replay_need_no_server(page: Page, app_url: str) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda message: sent.append(message)))
    open_race(page, f"{app_url}/detectors")
    assert sent, "the test has to see the messages that there are"
    page.wait_for_timeout(1000)
    sent.clear()

    yolo = panel(page, "YOLO")
    yolo.get_by_role("slider").fill("1")
    expect(yolo.get_by_role("img", name=re.compile("^YOLO, Convolution"))).to_be_visible()

    page.get_by_role("button", name=re.compile("^Faster R-CNN, Convolution")).hover()
    expect(page.locator(".preview")).to_contain_text(re.compile(r"Faster R-CNN, Convolution: [\d.,]+ ms, [\d.]+ %"))
    expect(panel(page, "Faster R-CNN").get_by_role("img", name=re.compile("Convolution"))).to_be_visible()
    page.get_by_role("heading", level=1).hover()
    expect(page.locator(".preview")).to_have_count(0)

    page.get_by_role("combobox", name="Speed of the replay").select_option("100 times slower")
    page.get_by_role("button", name="Replay").click()
    expect(panel(page, "YOLO").locator(".stage")).to_have_text("Convolution ...")
    expect(final_picture(page, "YOLO")).to_be_visible(timeout=FIRST_SCREEN)
    page.get_by_role("combobox", name="Speed of the replay").select_option("True time")
    expect(final_picture(page, "Faster R-CNN")).to_be_visible(timeout=FIRST_SCREEN)
    assert sent == []


def test_bars_are_walked_with_the_keyboard(comparison: Page) -> None:
    comparison.get_by_role("radio", name="Share of own time").focus()
    for stage in ("Convolution", "RPN"):
        comparison.keyboard.press("Tab")
        expect(comparison.locator(".says")).to_contain_text(f"Faster R-CNN, {stage}:")
    comparison.keyboard.press("Enter")
    expect(panel(comparison, "Faster R-CNN").get_by_role("slider")).to_have_value("2")


def test_a_picture_is_enlarged_and_put_back(comparison: Page) -> None:
    picture = panel(comparison, "YOLO").get_by_role("button")
    before = picture.bounding_box()
    picture.click()
    expect(picture).to_have_attribute("title", "Back to the others")
    after = picture.bounding_box()
    assert before and after and after["width"] > 1.5 * before["width"]
    picture.click()
    expect(picture).to_have_attribute("title", "Enlarge")
    again = picture.bounding_box()
    assert again and again["width"] == before["width"]


def test_the_papers_and_the_cost_curve_stand_below(comparison: Page) -> None:
    expect(comparison.get_by_text("faster than R-CNN with VGG16, proposals excluded")).to_be_visible()
    comparison.get_by_text("Cost of proposals", exact=True).click()
    expect(comparison.get_by_test_id("stPlotlyChart")).to_have_count(1, timeout=RACE)  # it moves when the job ends
    cancel_curve(comparison)


def test_paper_size_can_be_cancelled_and_the_page_goes_on(page: Page, app_url: str) -> None:
    open_race(page, f"{app_url}/detectors?detectors=R-CNN")
    page.get_by_text("Paper size", exact=True).click()
    expect(page.get_by_text("for timing only").first).to_be_visible()
    page.get_by_role("button", name="Race", exact=True).click()
    expect(page.get_by_text(re.compile(r"Convolution: \d+ of \d+, \d+ s left"))).to_be_visible(timeout=RACE)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled. Press Race to start again.")).to_be_visible(timeout=FIRST_SCREEN)
    page.get_by_role("spinbutton", name="Scene number").fill("4")
    page.keyboard.press("Enter")
    expect(page.locator(".lane")).to_have_count(2, timeout=RACE)


def test_bad_upload_is_a_sentence_and_a_good_one_is_raced(comparison: Page) -> None:
    comparison.get_by_role("radio", name="Upload").click()
    chooser = comparison.locator("input[type=file]")
    chooser.set_input_files({"name": "bad.png", "mimeType": "image/png", "buffer": b"no image"})
    expect(comparison.get_by_role("alert").filter(has_text="not an image")).to_be_visible(timeout=FIRST_SCREEN)

    good = io.BytesIO()
    Image.new("RGB", (120, 90), "teal").save(good, "PNG")
    chooser.set_input_files({"name": "good.png", "mimeType": "image/png", "buffer": good.getvalue()})
    expect(comparison.get_by_role("img", name=re.compile("^good.png"))).to_be_visible(timeout=FIRST_SCREEN)
    expect(comparison.locator(".lane")).to_have_count(2, timeout=RACE)
    expect(comparison.get_by_text("Traceback")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(browser: Browser, app_url: str, scheme: str) -> None:
    phone = browser.new_page(viewport={"width": 400, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    open_race(phone, f"{app_url}/detectors")
    background = phone.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background)[:3])) < 200) == (scheme == "dark")
    for widths in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert phone.evaluate(f"{widths}.scrollWidth") <= 400, widths
    assert phone.locator(".layout").evaluate("(root) => root.scrollWidth - root.clientWidth") <= 0
    phone.close()
