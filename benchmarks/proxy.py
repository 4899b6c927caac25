"""The app behind nginx, as deploy/nginx.conf has it, tried on the loopback: ``python -m benchmarks.proxy``.

Two servers, a class of browsers: each stays with one server, a race, an upload, downloads and explorers run under the
security headers, and when its server dies the browser goes on with the other. nginx has to be installed (apt-get
install nginx).
"""

import json
import shutil
import subprocess
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, sync_playwright

from tests.browser.chromium import ARGUMENTS, HOW_TO_INSTALL, find_chromium
from tests.browser.conftest import ROOT, free_port, running_server

CONFIGURATION = ROOT / "deploy" / "nginx.conf"
BROWSERS = 12
PATIENCE = 120_000  # ms
SERVERS, PROXY = ("127.0.0.1:8501", "127.0.0.1:8502"), "127.0.0.1:8080"  # in the configuration
AROUND = """
pid {folder}/pid;
error_log {folder}/error.log;
worker_processes 1;
daemon off;
events {{}}
http {{
    include /etc/nginx/mime.types;
    log_format routes '$route $upstream_addr $uri';
    access_log {folder}/access.log routes;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {configuration}
}}
"""


@contextmanager
def proxied(folder: Path, *servers: str) -> Iterator[str]:
    """Run nginx before ``servers`` (host:port) with the project's configuration; yields its address."""
    own = f"127.0.0.1:{free_port()}"
    configuration = CONFIGURATION.read_text()
    for before, after in zip((*SERVERS, PROXY), (*servers, own), strict=True):
        # In the comments the ports stand alone, so that this meets the directives only.
        assert f" {before}" in configuration
        configuration = configuration.replace(f" {before}", f" {after}")
    file = folder / "nginx.conf"
    file.write_text(AROUND.format(folder=folder, configuration=configuration))
    with subprocess.Popen(["nginx", "-c", str(file), "-p", str(folder)]) as nginx:
        try:
            time.sleep(1.0)
            yield f"http://{own}"
        finally:
            nginx.terminate()


@contextmanager
def opened(context: BrowserContext, address: str) -> Iterator[tuple[Page, list[str]]]:
    """Open ``address``; yields the page and what its console has complained of."""
    complaints: list[str] = []

    def listen(line: ConsoleMessage) -> None:
        # Streamlit looks for its server below the page's address first.
        if line.type == "error" and "/_stcore/" not in line.location["url"]:
            complaints.append(line.text)

    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    yield page, complaints
    page.close()


def race(context: BrowserContext, url: str) -> list[str]:
    """See the race on arrival to its end and return what the console complained of."""
    with opened(context, f"{url}/detectors") as (page, complaints):
        page.get_by_role("img", name="YOLO, NMS").wait_for()
        return complaints


def use(context: BrowserContext, url: str, folder: Path) -> dict[str, list[str]]:
    """Use what a browser might refuse under the security headers; return what the console complained of, by page."""
    with opened(context, f"{url}/nms?lang=en") as (page, nms):
        page.locator(".export summary").first.click()
        for kind in ("PNG", "SVG", "HTML", "CSV"):
            save(page, page.locator(".export").first.get_by_role("button", name=kind), folder)
        page.locator(".ask button").click()
        save(page, page.get_by_role("dialog").get_by_role("button", name="Download as Python"), folder)
        page.keyboard.press("Escape")
        page.locator(".share .open").click()
        page.locator(".share .code svg").wait_for()
    with opened(context, f"{url}/data?lang=en&source=Upload") as (page, data):
        archive = folder / "photos.zip"
        pack_photos(archive)
        page.locator("input[type=file]").first.set_input_files(archive)
        page.locator(".steps canvas").first.wait_for()
    with opened(context, f"{url}/training?lang=en") as (page, training):
        page.locator("canvas[data-kind=made]").first.wait_for()
        page.locator("canvas.chart").first.wait_for()
    with opened(context, f"{url}/upsampling?upsampling=Checkerboard") as (page, chart):
        page.locator(".st-key-checkerboard .main-svg").first.wait_for()
        page.locator(".export summary").nth(1).click()
        save(page, page.locator(".export").nth(1).get_by_role("button", name="SVG"), folder)
    with opened(context, url) as (page, start):
        page.locator("img[src^='data:image/webp']").first.wait_for()
    return {"start": start, "nms": nms, "data": data, "training": training, "upsampling": chart}


def save(page: Page, button: Locator, folder: Path) -> None:
    """Download what ``button`` offers."""
    with page.expect_download() as started:
        button.click()
    started.value.save_as(folder / started.value.suggested_filename)


def pack_photos(archive: Path) -> None:
    """Pack two classes of two photos each."""
    with zipfile.ZipFile(archive, "w") as packed:
        for number, name in enumerate(("dark/0.png", "dark/1.png", "light/0.png", "light/1.png")):
            with packed.open(name, "w") as file:
                Image.new("RGB", (64, 48), (60 * number, 40, 90)).save(file, "PNG")


def servers_of(log: Path) -> dict[str, set[str]]:
    """Return for each route the servers that answered it, retries after a server's death left out."""
    met = defaultdict(set)
    for line in log.read_text().splitlines():
        route, server, *_uri = line.split(" ")
        if "," not in server:
            met[route].add(server)
    return dict(met)


def measure(browser: Browser, folder: Path) -> dict[str, Any]:
    """Try everything and return what was seen."""
    with (
        running_server(folder / "one.log") as (one_url, one),
        running_server(folder / "other.log") as (other_url, other),
        proxied(folder, urlsplit(one_url).netloc, urlsplit(other_url).netloc) as url,
    ):
        contexts = [browser.new_context() for _browser in range(BROWSERS)]
        answers = [context.request.get(f"{url}/detectors") for context in contexts]
        for context in contexts:
            for _request in range(3):
                context.request.get(f"{url}/_stcore/health")
        complaints = race(contexts[0], url)
        complaints_by_page = use(contexts[0], url, folder)
        met = servers_of(folder / "access.log")
        (route,) = (str(cookie.get("value")) for cookie in contexts[0].cookies() if cookie.get("name") == "route")
        (home,) = met[route]
        (one if urlsplit(one_url).netloc == home else other).kill()
        after_death = race(contexts[0], url)
    return {
        "browsers": BROWSERS,
        "routes": len(met),
        "routes that met more than one server": sum(len(servers) > 1 for servers in met.values()),
        "routes by server": sorted(Counter(server for servers in met.values() for server in servers).values()),
        "headers": {name: value for name, value in answers[0].headers.items() if name in HEADERS},
        "console errors in a race": complaints,
        "console errors on other pages": complaints_by_page,
        "console errors in a race after its server died": after_death,
    }


HEADERS = (
    *("content-security-policy", "x-content-type-options", "referrer-policy", "permissions-policy", "set-cookie"),
    "server",
)


def main() -> None:
    """Try it and print what was seen."""
    path = find_chromium()
    if path is None:
        raise SystemExit(HOW_TO_INSTALL)
    if shutil.which("nginx") is None:
        raise SystemExit("There is no nginx: apt-get install nginx.")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        print(json.dumps(measure(browser, Path(folder)), indent=2))
        browser.close()


if __name__ == "__main__":
    main()
