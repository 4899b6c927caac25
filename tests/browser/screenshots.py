"""Take the README's pictures from the real app: ``python -m tests.browser.screenshots``."""

import io
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.chromium import ARGUMENTS, HOW_TO_INSTALL, find_chromium
from tests.browser.conftest import ROOT, running_app

FOLDER = ROOT / "docs"
PATIENCE = 300_000  # ms
COLOURS = 256  # keep a picture of photos and text below 400 KB


def take_start(page: Page, url: str) -> None:
    """Show how the topics hang together."""
    page.goto(url)
    expect(page.locator(".line img")).to_have_count(16, timeout=PATIENCE)


def take_race(page: Page, url: str) -> None:
    """Show the finished race of all five."""
    page.goto(f"{url}/detectors?scene=3&race=true")
    expect(page.locator(".lane")).to_have_count(6, timeout=PATIENCE)


def take_nms(page: Page, url: str) -> None:
    """Show NMS on the same scene."""
    page.goto(f"{url}/nms?scene=3")
    expect(page.locator(".row").first).to_be_visible(timeout=PATIENCE)


def take_segmentation(page: Page, url: str) -> None:
    """Show FCN-8s on the same scene, and a pixel of it."""
    page.goto(f"{url}/segmentation?scene=3")
    expect(page.locator(".explorer canvas").first).to_be_visible(timeout=PATIENCE)


def take_upsampling(page: Page, url: str) -> None:
    """Show ten ways of upsampling on the same scene."""
    page.goto(f"{url}/upsampling?scene=3")
    expect(page.locator(".explorer canvas").first).to_be_visible(timeout=PATIENCE)


def save(page: Page, path: Path, height: int) -> None:
    """Write what is seen of ``page``, ``height`` pixels of it, to ``path``."""
    page.set_viewport_size({"width": 1280, "height": height})
    page.wait_for_timeout(1000)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    # This method keeps rare colours, such as a thin part of a bar.
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=2).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} KB")


def main() -> None:
    """Take all pictures, in the light theme, 1280 pixels wide."""
    FOLDER.mkdir(exist_ok=True)
    path = find_chromium()
    if path is None:
        raise SystemExit(HOW_TO_INSTALL)
    with TemporaryDirectory() as folder, running_app(Path(folder) / "log") as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        for name, take, height in (
            ("start", take_start, 905),
            ("race", take_race, 1150),
            ("nms", take_nms, 1130),
            ("segmentation", take_segmentation, 1180),
            ("upsampling", take_upsampling, 1150),
        ):
            page = browser.new_page(viewport={"width": 1280, "height": height}, color_scheme="light")
            take(page, url)
            save(page, FOLDER / f"{name}.png", height)
        browser.close()


if __name__ == "__main__":
    main()
