"""The data page in Chromium: objects followed through transforms, an epoch under a slider, flaws, an upload."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.controls import move, painted, slider
from tests.browser.motions import MOVE_A_SLIDER
from tests.data.written_folders import thing, write
from tests.pages.test_sources import zipped

FIRST_SCREEN = 60_000  # ms
ANSWER = 20_000  # ms; on an idle machine a tenth of a second
ENGLISH = "lang=en"

LIGHT_UP = """async (canvas) => {
    const place = canvas.getBoundingClientRect();
    const frame = () => new Promise(requestAnimationFrame);
    const { stage } = canvas;
    const [x0, y0, x1, y1] = stage.objects[0].box;
    const scale = place.width / Math.max(stage.width, stage.height);
    const others = [...canvas.getRootNode().querySelectorAll(".steps canvas")];
    const before = others.map((one) => one.toDataURL());
    await frame();
    canvas.dispatchEvent(new PointerEvent("pointermove", {
        bubbles: true, clientX: place.left + scale * (x0 + x1) / 2, clientY: place.top + scale * (y0 + y1) / 2,
    }));
    await frame(); // the pictures are painted in this one
    return others.map((one, index) => one.toDataURL() !== before[index]);
}"""


def steps(page: Page) -> Locator:
    return page.locator(".steps li[data-step]")


def open_transforms(page: Page, app_url: str, more: str = "") -> None:
    page.goto(f"{app_url}/data?{ENGLISH}{more}")
    expect(page.locator(".steps li").first.locator(".facts")).to_contain_text("uint8", timeout=FIRST_SCREEN)


def test_an_object_lights_up_in_every_picture_in_the_next_frame(page: Page, app_url: str) -> None:
    open_transforms(page, app_url, "&steps=flip:p=1,pad,grey:p=1")
    expect(page.locator(".steps li .facts").nth(3)).to_contain_text("objects: 4 of 4")
    page.wait_for_timeout(500)
    lit = page.locator(".steps canvas").first.evaluate(LIGHT_UP)
    assert lit == [True] * 4
    expect(page.locator(".says")).to_contain_text("px at first")


def test_steps_are_moved_added_and_removed_and_the_address_follows(page: Page, app_url: str) -> None:
    open_transforms(page, app_url, "&steps=crop:side=160,flip:p=1")
    swap = page.locator(".swaps button")
    expect(swap).to_contain_text("of the pixels differ", timeout=ANSWER)
    before = painted(page.locator("[data-end=before] canvas"))
    steps(page).first.get_by_role("button", name="Later").click()
    expect(page).to_have_url(re.compile(r"steps=flip(:|%3A)p"), timeout=ANSWER)
    expect(steps(page).first).to_have_attribute("data-step", "flip")
    expect(swap).to_contain_text("Flip left and right ↔ Crop anywhere", timeout=ANSWER)
    expect(page.locator(".steps li .facts").nth(2)).to_contain_text("(3, 160, 160)", timeout=ANSWER)
    page.wait_for_timeout(300)
    assert painted(page.locator("[data-end=before] canvas")) != before
    page.get_by_role("combobox", name="Add a step ...").select_option("normalise")
    expect(page.get_by_role("alert")).to_contain_text("Normalise", timeout=ANSWER)
    expect(steps(page).nth(2)).to_have_class("failed")
    steps(page).nth(2).get_by_role("button", name="Remove").click()
    expect(page.get_by_role("alert")).to_be_hidden(timeout=ANSWER)
    steps(page).nth(1).get_by_role("slider").fill("64")
    expect(page.locator(".steps li .facts").nth(2)).to_contain_text("(3, 64, 64)", timeout=ANSWER)


def test_an_epoch_follows_its_slider_without_the_server(page: Page, app_url: str) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda message: sent.append(message)))
    page.goto(f"{app_url}/data?{ENGLISH}&view=DataLoader")
    expect(page.locator(".batch")).to_have_count(14, timeout=FIRST_SCREEN)
    page.wait_for_timeout(500)
    sent.clear()
    assert slider(page, "place").evaluate(MOVE_A_SLIDER)
    move(page, "place", 25)
    expect(page.locator(".says")).to_contain_text("is dropped in epoch 1")
    expect(page).to_have_url(re.compile("place=25"))
    page.locator(".batch").nth(1).locator(".tile").nth(2).hover()
    expect(page.locator(".says")).to_contain_text("is number 3 in batch 2 of epoch 1; worker 1 fetched it")
    expect(page.locator(".tile.lit")).to_have_count(2)
    assert sent == []


def test_flaws_are_chosen_by_key_and_parts_lead_to_their_views_on_a_phone(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    open_transforms(page, app_url)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.locator("[data-part=cleaning]").click()
    title = page.locator(".examples .title")
    expect(title).to_have_text(re.compile("^Boxes without area: 1"), timeout=FIRST_SCREEN)
    before = painted(page.locator(".card canvas"))
    page.locator("[data-kind=no_area]").press("ArrowDown")
    expect(title).to_have_text(re.compile("^Boxes whose corners are swapped"))
    page.wait_for_timeout(300)
    assert painted(page.locator(".card canvas")) != before
    expect(page).to_have_url(re.compile("flaw=inverted"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_a_zip_file_goes_in_and_its_samples_come_out(page: Page, app_url: str, tmp_path: Path) -> None:
    for number in range(6):
        write(tmp_path / "pets", f"{number}", thing("dog", 1, 2, 10, 12))
    page.goto(f"{app_url}/data?{ENGLISH}&source=Upload")
    field = page.locator("input[type=file]")
    field.set_input_files({"name": "bad.zip", "mimeType": "application/zip", "buffer": b"no zip"}, timeout=FIRST_SCREEN)
    expect(page.get_by_text("This is no archive that can be unpacked here")).to_be_visible(timeout=ANSWER)
    data = zipped(tmp_path / "pets")
    field.set_input_files({"name": "pets.zip", "mimeType": "application/zip", "buffer": data})
    expect(page.locator("[data-part=source]")).to_contain_text("pets", timeout=ANSWER)
    expect(page.locator(".steps li .facts").first).to_contain_text("uint8 (3, 40, 60)", timeout=ANSWER)
