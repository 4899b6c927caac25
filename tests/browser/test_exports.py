"""What is downloaded can be opened again, without the app: pictures, drawings, pages, tables and code."""

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.controls import move

FIRST_SCREEN = 60_000  # ms
CANVAS = "[data-picture=greedy] canvas"


def downloaded(page: Page, button: Locator, folder: Path) -> Path:
    """Click ``button`` and return the file that comes."""
    with page.expect_download() as started:
        button.click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


def offered(page: Page, number: int = 0) -> Locator:
    """Open the line below a component and return it."""
    line = page.locator(".export").nth(number)
    expect(line).to_be_visible(timeout=FIRST_SCREEN)
    line.locator("summary").click()
    return line


def colours(picture: Image.Image) -> int:
    return len(picture.convert("RGB").getcolors(2**24) or [])


def rendered(browser: Browser, path: Path) -> tuple[Page, Image.Image]:
    """Open the file in a browser that has no network."""
    page = browser.new_context(offline=True).new_page()
    page.goto(path.as_uri())
    page.wait_for_timeout(300)
    return page, Image.open(io.BytesIO(page.screenshot()))


def test_a_component_becomes_files_that_open_without_the_app(
    browser: Browser, page: Page, app_url: str, tmp_path: Path
) -> None:
    page.goto(f"{app_url}/nms?scene=5&iou=0.62")
    line = offered(page)
    png, svg, html, table = (
        downloaded(page, line.get_by_role("button", name=name), tmp_path) for name in ("PNG", "SVG", "HTML", "CSV")
    )
    assert png.name == "nms-explorer_scene-5_iou-0.62.png"
    width = page.locator(".explorer").evaluate("(root) => root.getBoundingClientRect().width")
    with Image.open(png) as opened:
        assert abs(opened.width - 2 * (width + 32)) <= 2 and colours(opened) > 1000
    assert ElementTree.parse(svg).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    drawing, picture = rendered(browser, svg)
    assert colours(picture) > 1000
    drawing.context.close()
    rows = list(csv.reader(io.StringIO(table.read_text("utf-8-sig"))))
    assert rows[0][0].startswith("#1 ") and len(rows[0]) == 6, "a box by name, what became of it, and its corners"

    saved, _picture = rendered(browser, html)
    for name in ("greedy", "soft"):
        here, there = (one.locator(f"[data-picture={name}] figcaption") for one in (page, saved))
        expect(there).to_have_text(here.inner_text())
    before = saved.locator(CANVAS).evaluate("(canvas) => canvas.toDataURL()")
    move(saved, "iou", 95)
    assert saved.locator(CANVAS).evaluate("(canvas) => canvas.toDataURL()") != before, "it moves without the app"
    expect(saved.locator("footer")).to_contain_text(f"{app_url}/nms?scene=5&iou=0.62")
    saved.context.close()


def test_a_saved_page_that_needs_the_app_says_so(browser: Browser, page: Page, app_url: str, tmp_path: Path) -> None:
    page.goto(f"{app_url}/tensors?lesson=view")
    html = downloaded(page, offered(page).get_by_role("button", name="HTML"), tmp_path)
    saved, _picture = rendered(browser, html)
    expect(saved.locator("textarea")).to_have_value(page.locator(".editor textarea").input_value())
    saved.locator("textarea").fill("y = arange(3)")
    expect(saved.locator("footer")).to_contain_text("That needs the app")
    saved.context.close()


def test_a_chart_becomes_files_too(browser: Browser, page: Page, app_url: str, tmp_path: Path) -> None:
    page.goto(f"{app_url}/upsampling?upsampling=Checkerboard")
    expect(page.locator(".st-key-checkerboard .main-svg").first).to_be_visible(timeout=FIRST_SCREEN)
    line = offered(page, 1)
    png, svg, html = (
        downloaded(page, line.get_by_role("button", name=name), tmp_path) for name in ("PNG", "SVG", "HTML")
    )
    with Image.open(png) as opened:
        assert colours(opened) > 20
    drawing = ElementTree.parse(svg).getroot()
    assert len(drawing.findall(".//{*}path")) > 6, "lines as lines, not as pixels"
    saved, picture = rendered(browser, html)
    expect(saved.locator(".js-plotly-plot .trace")).to_have_count(6)
    assert colours(picture) > 20
    saved.context.close()


@pytest.mark.parametrize("kind", ["py", "ipynb"])
def test_the_code_is_that_of_the_screen(page: Page, app_url: str, tmp_path: Path, kind: str) -> None:
    page.goto(f"{app_url}/nms?scene=5&detector=YOLO")
    expect(page.locator(".ask button")).to_be_visible(timeout=FIRST_SCREEN)
    move(page, "iou", 62)
    page.locator(".ask button").click()
    shown = page.get_by_role("dialog")
    expect(shown).to_contain_text("trace(boxes, scores, 0.62, labels=labels)")
    name = {"py": "Download as Python", "ipynb": "Download as a notebook"}[kind]
    text = downloaded(page, shown.get_by_role("button", name=name), tmp_path).read_text()
    if kind == "ipynb":
        text = "\n\n".join(cell["source"] for cell in json.loads(text)["cells"])
    assert 'load("yolo")' in text and 'ShapeScenes("validation", 10000, "medium")[5]' in text and "0.62" in text


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("data?batch_size=6&drop_last=false", ("batch_size=6,", "drop_last=False,", "data = 'scenes'")),
        ("training?train_minutes=0.5", ("data=data, minutes=0.5", "data = 'scenes'")),
        (
            "transfer?trunk_of=Slim+AlexNet&per_class=5&transfer_steps=50",
            ("way='scratch', per_class=5, steps=50", "data = 'digits'"),
        ),
    ],
)
def test_the_pages_on_learning_say_their_settings_as_code(
    page: Page, app_url: str, address: str, said: tuple[str, ...]
) -> None:
    page.goto(f"{app_url}/{address}")
    page.locator(".ask button").click(timeout=FIRST_SCREEN)
    for words in said:
        expect(page.get_by_role("dialog")).to_contain_text(words)
