"""What a person waits for, in Chromium: the first screen, a slider's picture, a dragged region's or box's answer.

    python -m benchmarks.browser

The browser is open already, as a person's is. Seconds of this kind hold for the machine and its load alone.
"""

import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import ARGUMENTS, HOW_TO_INSTALL, find_chromium
from tests.browser.conftest import running_app
from tests.browser.motions import DRAG_A_REGION, DRAW_A_CELL, LET_A_REGION_GO, MOVE_A_BOX, MOVE_A_SLIDER

REPORT = Path(__file__).parent / "reports" / "browser.json"
STARTS = 5
PATIENCE = 120_000  # ms

# What is moved: the page's address, what stands there once it is ready, what is moved, how, and the promised ms.
MOTIONS = {
    "NMS, IoU slider": ("nms?scene=5", ".row", "input[data-setting=iou]", MOVE_A_SLIDER, 35),
    "NMS, score slider": ("nms?scene=5", ".row", "input[data-setting=score]", MOVE_A_SLIDER, 35),
    "selective search, merge slider": (
        "proposals?view=Selective+search",
        ".explorer canvas[aria-label]",
        "input[data-setting=merge]",
        MOVE_A_SLIDER,
        35,
    ),
    "YOLO, threshold slider": (
        "yolo?view=Grid",
        ".yolo figcaption",
        "input[data-setting=threshold]",
        MOVE_A_SLIDER,
        35,
    ),
    "YOLO, dragged box": ("yolo?view=Drag+a+box&scene=1&cell=11-8", ".yolo figcaption", ".yolo", MOVE_A_BOX, 250),
    "pooling, dragged region": (
        "pooling?scene=1",
        ".bars .bar",
        "[data-pane=image] .picture",
        DRAG_A_REGION,
        35,
    ),
    "pooling, region let go": (
        "pooling?scene=1",
        ".bars .bar",
        "[data-pane=image] .picture",
        LET_A_REGION_GO,
        250,
    ),
    "upsampling, drawn cell": (
        "upsampling?source=Draw+your+own&weights_of=Trained&level=2",
        ".tiles canvas",
        ".explorer",
        DRAW_A_CELL,
        250,
    ),
    "segmentation, opacity slider": (
        "segmentation?scene=2",
        ".bars .bar",
        "input[data-setting=opacity]",
        MOVE_A_SLIDER,
        35,
    ),
}


def first_screen(browser: Browser) -> float:
    """Start a server, open the comparison and return the seconds until its first race is finished on the screen."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    with TemporaryDirectory() as folder:
        start = perf_counter()
        with running_app(Path(folder) / "log") as url:
            page.goto(f"{url}/detectors")
            page.get_by_role("img", name="YOLO, NMS").wait_for(timeout=PATIENCE)
            seconds = perf_counter() - start
    page.close()
    return seconds


def motions(page: Page, url: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield for each of ``MOTIONS`` the median milliseconds until it was on the screen, and what is promised."""
    for name, (address, ready, moved, script, promised) in MOTIONS.items():
        page.goto(f"{url}/{address}")
        page.locator(ready).first.wait_for(timeout=PATIENCE)
        page.wait_for_timeout(1000)
        times = page.locator(moved).first.evaluate(script)
        yield name, {"median ms": round(median(times), 1), "promised ms": promised}


def measure(browser: Browser) -> dict[str, Any]:
    """Return all figures, JSON-ready."""
    starts = [round(first_screen(browser), 2) for _start in range(STARTS)]
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    with TemporaryDirectory() as folder, running_app(Path(folder) / "log") as url:
        moved = dict(motions(page, url))
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Chromium {browser.version}",
        "first screen": {"seconds": starts, "median s": median(starts), "promised s": 5},
        "motions": moved,
    }


def main() -> None:
    """Measure, print and write the report."""
    path = find_chromium()
    if path is None:
        raise SystemExit(HOW_TO_INSTALL)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        text = json.dumps(measure(browser), indent=2)
        browser.close()
    REPORT.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
