"""What a real server refuses at the door: uploads without their page's token or above the limit, foreign origins."""

import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import conftest

FIRST_SCREEN = 60_000  # ms


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """A page that may complain on its console: its uploads are refused."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    yield opened
    opened.close()


def test_uploads_need_the_token_of_their_page_and_have_a_limit(
    visitor: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_MAX_UPLOAD_SIZE", "1")
    with conftest.running_app(tmp_path / "log") as url:
        visitor.goto(f"{url}/nms?lang=en&image=Upload")
        field = visitor.locator("input[type=file]")
        field.wait_for(state="attached", timeout=FIRST_SCREEN)
        with visitor.expect_request(lambda request: request.method == "PUT") as put:
            field.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
        asked = put.value
        headers = asked.all_headers()
        token = {name: value for name, value in headers.items() if name in ("x-xsrftoken", "cookie")}
        assert "x-xsrftoken" in token
        body = b"--b\r\nContent-Disposition: form-data; name=file; filename=a.png\r\n\r\n%s\r\n--b--\r\n"
        kind = {"Content-Type": "multipart/form-data; boundary=b"}

        def put_again(more: dict[str, str], data: bytes = b"x") -> int:
            host, target = urlsplit(url).netloc, urlsplit(asked.url).path
            connection = http.client.HTTPConnection(host, timeout=30)
            try:
                connection.request("PUT", target, body % data, {**kind, **more})
                return connection.getresponse().status
            except OSError:
                return 413  # it hung up in the midst of it
            finally:
                connection.close()

        assert put_again(token) < 300
        assert put_again({}) == 403
        assert put_again({**token, "x-xsrftoken": "2|0|0|0"}) == 403
        assert put_again(token, b"x" * 3 * 2**20) == 413
        field.set_input_files({"name": "b.png", "mimeType": "image/png", "buffer": b"x" * 25 * 2**20})
        expect(visitor.get_by_text(re.compile("must be .* or smaller"))).to_be_visible(timeout=FIRST_SCREEN)
        sentence = visitor.get_by_test_id("stFileUploader").evaluate(
            "(field) => getComputedStyle(field, '::after').content"
        )
        assert "was not taken" in sentence, "without a mouse upon the file"


def test_no_other_site_may_open_a_session(app_url: str) -> None:
    def answer(origin: str) -> int:
        connection = http.client.HTTPConnection(urlsplit(app_url).netloc, timeout=30)
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "streamlit"}
        connection.request("GET", "/_stcore/stream", headers={**upgrade, **key, "Origin": origin})
        status = connection.getresponse().status
        connection.close()
        return status

    assert answer(app_url) == 101
    assert answer("https://elsewhere.example") == 403


def test_the_configuration_opens_nothing() -> None:
    said = (conftest.ROOT / ".streamlit" / "config.toml").read_text()
    assert not re.search(r"(?i)enableXsrfProtection|enableCORS|corsAllowedOrigins|allowRunOnSave", said)
    assert 'showErrorDetails = "none"' in said
