"""The NMS page in Chromium: two sliders answer without the server, in the next frame."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from core.data.scenes import ShapeScenes
from core.detectors import load, run
from core.nms import batched_nms
from tests.browser.controls import move, painted, slider
from tests.browser.motions import MOVE_A_SLIDER

FIRST_SCREEN = 30_000  # ms
SCENE = 5


@pytest.fixture
def explorer(page: Page, app_url: str) -> Page:
    open_explorer(page, f"{app_url}/nms?scene={SCENE}")
    return page


def open_explorer(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".row").first).to_be_visible(timeout=FIRST_SCREEN)
    expect(page.locator("[data-picture=greedy] figcaption")).to_have_text(re.compile(r"\d+ kept"))


def picture(page: Page, name: str) -> str:
    return painted(page.locator(f"[data-picture={name}] canvas"))


def kept(page: Page) -> int:
    text = page.locator("[data-picture=greedy] figcaption").inner_text()
    return int(text.split(":")[1].split()[0])


def test_sliders_change_the_pictures_without_a_message_to_the_server(page: Page, app_url: str) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda message: sent.append(message)))
    open_explorer(page, f"{app_url}/nms?scene={SCENE}")
    assert sent, "the test has to see the messages that there are"
    page.wait_for_timeout(1000)
    sent.clear()
    for name, value in (("iou", 80), ("score", 5)):
        before = {view: picture(page, view) for view in ("greedy", "soft")}
        move(page, name, value)
        for view, pixels in before.items():
            assert picture(page, view) != pixels, f"the picture of {view} NMS did not follow the {name} slider"
    page.wait_for_timeout(1000)
    assert sent == []


def test_the_browser_keeps_what_nms_keeps(explorer: Page) -> None:
    image, _target = ShapeScenes("validation", SCENE + 1)[SCENE]
    found = run(load("faster_rcnn"), image).candidates
    for iou, score in ((0, 0), (30, 25), (55, 5), (70, 50), (90, 0), (100, 10)):
        move(explorer, "iou", iou)
        move(explorer, "score", score)
        chosen = found.scores >= score / 100
        expected = batched_nms(found.boxes[chosen], found.scores[chosen], found.labels[chosen], iou / 100)
        assert kept(explorer) == len(expected), f"at IoU {iou} % and score {score} %"


@pytest.mark.parametrize("name", ["iou", "score"])
def test_the_picture_follows_in_the_next_frame(explorer: Page, name: str) -> None:
    assert slider(explorer, name).evaluate(MOVE_A_SLIDER)


def test_step_through_names_the_box_and_whom_it_suppresses(explorer: Page) -> None:
    says = explorer.get_by_role("status")
    expect(says).to_contain_text("boxes are kept")
    steps = kept(explorer)
    explorer.get_by_role("button", name="One step back").click()
    expect(says).to_contain_text(re.compile(rf"Step {steps} of {steps}: #\d+ \w+ .* is the best box left and is kept"))
    slider(explorer, "step").fill("0")
    expect(says).to_contain_text("Before NMS")
    explorer.get_by_role("button", name="One step on").click()
    expect(says).to_contain_text(
        re.compile(r"Step 1 of \d+: #1 .* suppresses \d+, by IoU: #\d+ \w+ [\d.]+ \(0\.\d\d\)")
    )
    expect(explorer.locator(".row.current")).to_have_text(re.compile("^#1 "))


def test_a_row_and_its_box_are_linked(explorer: Page) -> None:
    row = explorer.locator(".row.gone").first
    before = picture(explorer, "greedy")
    row.hover()
    expect(explorer.get_by_role("status")).to_contain_text(re.compile(r"is suppressed by #\d+ .* at IoU 0\.\d\d"))
    assert picture(explorer, "greedy") != before
    explorer.locator("h1").hover()
    canvas = explorer.locator("[data-picture=greedy] canvas")
    # The middle of the cross, at the lower left of the scene.
    frame = canvas.bounding_box()
    assert frame
    canvas.hover(position={"x": frame["width"] * 0.26, "y": frame["height"] * 0.72})
    expect(explorer.locator(".row.hovered")).to_contain_text("cross")


def test_the_list_is_walked_with_the_keyboard(explorer: Page) -> None:
    explorer.get_by_role("listbox").focus()
    explorer.keyboard.press("ArrowDown")
    explorer.keyboard.press("ArrowDown")
    expect(explorer.locator(".row.hovered")).to_have_text(re.compile("^#2 "))


def test_the_address_holds_the_state_of_the_sliders_and_the_choices(explorer: Page) -> None:
    move(explorer, "iou", 62)
    move(explorer, "step", 1)
    explorer.get_by_text("Gaussian", exact=True).click()
    expect(explorer.locator("[data-picture=soft] figcaption")).to_contain_text("Gaussian", timeout=FIRST_SCREEN)
    expect(explorer).to_have_url(re.compile(r"(?=.*iou=0\.62)(?=.*step=1)(?=.*soft=Gaussian)"))
    explorer.reload()
    expect(explorer.locator("[data-picture=soft] figcaption")).to_contain_text("Gaussian", timeout=FIRST_SCREEN)
    expect(explorer.locator("[data-value=iou]")).to_have_text("0.62")
    expect(explorer.get_by_role("status")).to_contain_text("Step 1 of")


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag over the picture of greedy NMS; places are parts of its sides."""
    canvas = page.locator("[data-picture=greedy] canvas")
    canvas.scroll_into_view_if_needed()
    frame = canvas.bounding_box()
    assert frame
    for place, then in ((start, page.mouse.down), (end, page.mouse.up)):
        page.mouse.move(frame["x"] + place[0] * frame["width"], frame["y"] + place[1] * frame["height"], steps=4)
        then()


def test_boxes_are_drawn_with_the_mouse_and_come_with_the_link(page: Page, app_url: str) -> None:
    open_explorer(page, f"{app_url}/nms?scene={SCENE}&edit=true")
    page.get_by_role("button", name="Start empty").click()
    says = page.get_by_role("status").filter(visible=True)
    expect(says).to_have_text("There is no box yet: drag one on the picture.")
    drag(page, (0.1, 0.1), (0.5, 0.5))
    expect(page.locator(".row:visible")).to_have_text([re.compile("^#1 ellipse 0.80")])
    page.get_by_role("slider", name="Its score").press("ArrowLeft")
    drag(page, (0.9, 0.5), (0.2, 0.1))
    expect(page.locator(".row:visible")).to_have_text(
        [re.compile("^#1 ellipse 0.80"), re.compile(r"^#2 ellipse 0.79by #1, IoU 0\.\d\d")]
    )
    drag(page, (0.7, 0.7), (0.7, 0.7))  # a click draws nothing
    expect(page).to_have_url(re.compile(r"boxes=1_0\.8_\d"))
    expect(page.locator(".row:visible")).to_have_count(2)
    page.reload()
    expect(page.locator(".row:visible")).to_have_count(2, timeout=FIRST_SCREEN)


def test_a_link_to_the_page_opens_the_whole_app_on_a_fresh_server(page: Page, fresh_url: str) -> None:
    open_explorer(page, f"{fresh_url}/nms?scene={SCENE}")
    expect(page).to_have_title("Visible Vision")
    page.get_by_role("button", name="Detection").click()
    page.get_by_role("menuitem", name="Comparison").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Detector comparison", timeout=FIRST_SCREEN)
    expect(page.locator(".lane")).to_have_count(2, timeout=FIRST_SCREEN)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_there_is_no_iframe_and_nothing_is_wider_than_a_phone(browser: Browser, app_url: str, scheme: str) -> None:
    phone = browser.new_page(viewport={"width": 400, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    open_explorer(phone, f"{app_url}/nms?scene={SCENE}&edit=true")
    assert phone.locator("iframe").count() == 0
    assert phone.evaluate("document.documentElement.scrollWidth") <= 400
    assert phone.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 400
    assert phone.locator(".explorer").evaluate("(root) => root.scrollWidth - root.clientWidth") <= 0
    phone.close()
