"""Where the browser is that the tests drive: ``python -m tests.browser.chromium`` fails where there is none."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HOW_TO_INSTALL = (
    "The browser tests need Chromium or Chrome: run `make browser`, `apt-get install chromium` "
    "or `python -m playwright install chromium`."
)


def find_chromium() -> str | None:
    """Return the path of an installed Chromium or Chrome, else of Playwright's own, else None."""
    installed = next(filter(None, map(shutil.which, NAMES)), None)
    if installed:
        return installed
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def another_chromium(browser: Browser, *arguments: str) -> Browser:
    """Start a Chromium beside ``browser`` with ``arguments`` of its own."""
    return browser.browser_type.launch(executable_path=find_chromium(), args=[*ARGUMENTS, *arguments])


if __name__ == "__main__":
    sys.exit(0 if find_chromium() else HOW_TO_INSTALL)
