"""How the tests move the sliders of a page, and see what its canvases show."""

from playwright.sync_api import Locator, Page, expect


def slider(page: Page, name: str) -> Locator:
    """Return the slider of a component's setting."""
    return page.locator(f"input[data-setting={name}]")


def move(page: Page, name: str, value: int) -> None:
    """Move the slider of a setting, and wait until what follows is painted."""
    slider(page, name).fill(str(value))
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def painted(canvas: Locator) -> str:
    """Return the pixels of a canvas, to compare."""
    pixels: str = canvas.evaluate("(canvas) => canvas.toDataURL()")
    return pixels


def finished(page: Page, seconds: float = 60.0) -> None:
    """Wait until the page's script has run to its end, and what it sent is painted."""
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=1000 * seconds)
    page.wait_for_timeout(500)
