"""From `streamlit run` to a finished first screen in Chromium: ``python -m benchmarks.first_screen``.

Each run starts a server of its own and ends when the last picture of the first race is on the screen; the browser is
open already, as a person's is.
"""

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import ARGUMENTS, HOW_TO_INSTALL, find_chromium
from tests.browser.conftest import running_app

RUNS = 5
PROMISED = 5.0  # seconds


def seconds_to_first_screen(browser: Browser) -> float:
    """Start a server, open the app and return the seconds until the first race is finished on the screen."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    with TemporaryDirectory() as folder:
        start = time.perf_counter()
        with running_app(Path(folder) / "log") as url:
            page.goto(url)
            page.get_by_role("img", name="YOLO, NMS").wait_for(timeout=60_000)
            seconds = time.perf_counter() - start
    page.close()
    return seconds


def main() -> None:
    """Print the seconds of each run and their median, beside what is promised."""
    path = find_chromium()
    if path is None:
        raise SystemExit(HOW_TO_INSTALL)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        runs = [seconds_to_first_screen(browser) for _run in range(RUNS)]
        browser.close()
    print("first screen, seconds:", " ".join(f"{seconds:.1f}" for seconds in runs))
    print(f"median {statistics.median(runs):.1f}, promised {PROMISED:.0f}")


if __name__ == "__main__":
    main()
