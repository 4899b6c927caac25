"""A class at one server: people who race detectors, move sliders, train, upload and turn pages, all at once.

    python -m benchmarks.classroom --clients 30 --minutes 10

Each person is a websocket client that speaks Streamlit's own protocol, asks again for what moves as a browser does, and
has scenes of its own: the detections that a race reports are held against those that this process makes of that scene.
A page change and a slider are timed from the message that asks for it to the end of the page's run. Memory is the
proportional set size of the server with all its workers.
"""

import asyncio
import io
import json
import os
import platform
import random
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from uuid import uuid4

import torch
import typer
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import UploadedFileInfo
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from torch import Tensor
from torchvision.transforms.functional import to_pil_image
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from core.data.scenes import ShapeScenes
from core.detectors import load, run
from core.values import Detections
from tests.browser.conftest import running_app

REPORT = Path(__file__).parent / "reports" / "classroom.json"
PATIENCE = 180.0  # seconds; what takes longer is lost
LOOK = 0.02  # seconds between two looks at what has arrived
FIRST_SCENE, FIRST_UPLOAD = 1000, 5000
TOLERANCE = 0.1  # pixels, for other orders of adding up
MANY = 5  # races at once, beside which the promises hold
TRAIN_FOR = 20.0  # seconds of watching a training, or its place in the line, before it is cancelled
PAGES = ("nms", "proposals", "pooling", "yolo", "segmentation", "upsampling", "tensors", "autograd", "modules")
PROMISED = {"page change, p95 s": 1.0, "slider, p95 s": 0.5, "memory, GB": 2.5}


@dataclass
class Seen:
    """What all people saw together; ``racing`` is how many wait for a race right now."""

    racing: int = 0
    arrivals: list[float] = field(default_factory=list)  # seconds, on a server that nobody has visited before
    pages: list[tuple[float, bool]] = field(default_factory=list)  # seconds, and whether many raced meanwhile
    sliders: list[tuple[float, bool]] = field(default_factory=list)
    races: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)  # seconds until a training gave its first step
    uploads: int = 0
    trainings: int = 0
    lost: int = 0
    wrong: int = 0
    complaints: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)  # bytes


class Lost(Exception):  # noqa: N818 - it is what the benchmark counts
    """Something that was asked for did not come."""


class Person:
    """One session: a websocket that is listened to all the time."""

    def __init__(self, url: str, socket: ClientConnection, cookie: str, link: str, seen: Seen):
        self.seen = seen
        self._url, self._socket, self._cookie, self._link = url, socket, cookie, link
        self._address, self._page = "", ""
        self._pages: dict[str, str] = {}  # what the server calls each page, by its address
        self._elements: dict[tuple[int, ...], Element] = {}
        self._session = ""
        self._finished = asyncio.Event()
        self._polls: dict[str, asyncio.Task[None]] = {}
        self._upload_url: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    # ---- what comes ----

    async def listen(self) -> None:
        """Take in what the server sends, until it hangs up."""
        async for data in self._socket:
            assert isinstance(data, bytes)
            self._take(ForwardMsg.FromString(data))

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._session = message.new_session.initialize.session_id or self._session
            if not message.metadata.run.fragment_ids:
                self._elements.clear()
                self._stop_polling()
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._elements[tuple(message.metadata.delta_path)] = message.delta.new_element
            self._hear(message.delta.new_element)
        elif kind == "navigation":
            self._pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
        elif kind == "auto_rerun":
            rerun = message.auto_rerun
            if earlier := self._polls.pop(rerun.fragment_id, None):
                earlier.cancel()
            self._polls[rerun.fragment_id] = asyncio.create_task(self._poll(rerun.fragment_id, rerun.interval))
        elif kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
            self._finished.set()
        elif kind == "file_urls_response":
            self._upload_url.set_result(message.file_urls_response.file_urls[0])

    def _hear(self, element: Element) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.seen.complaints[f"exception: {element.exception.message}"] += 1
        elif kind == "alert" and element.alert.format == Alert.ERROR:
            self.seen.complaints[element.alert.body] += 1

    async def _poll(self, fragment: str, interval: float) -> None:
        """Ask again and again for a fragment that moves, as a browser does."""
        while True:
            await asyncio.sleep(interval)
            message = BackMsg()
            message.rerun_script.query_string = self._address
            message.rerun_script.page_script_hash = self._pages.get(self._page, "")
            message.rerun_script.fragment_id = fragment
            message.rerun_script.is_auto_rerun = True
            await self._socket.send(message.SerializeToString())

    def _stop_polling(self) -> None:
        for task in self._polls.values():
            task.cancel()
        self._polls.clear()

    # ---- what is asked for ----

    async def open(self, page: str) -> float:
        """Go to ``page``, the first time by a link with choices, and return the seconds until its run has ended."""
        self._page, self._address = page, "" if self._pages else self._link
        return await self._run(BackMsg())

    async def choose(self, key: str, title: str) -> float:
        """Choose what is called ``title`` of the row of buttons ``key``, as ``move`` does."""
        return await self.move(key, string_array_value=[title])

    async def move(self, key: str, **value: Any) -> float:
        """Give the widget called ``key`` a ``value`` and return the seconds until the page's run has ended."""
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add()
        state.id = self._id_of(key)
        for name, given in value.items():
            if isinstance(given, list):
                getattr(state, name).data.extend(given)
            else:
                setattr(state, name, given)
        return await self._run(message)

    async def upload(self, key: str, name: str, data: bytes) -> None:
        """Put a file into the uploader called ``key``, over HTTP as a browser does, and wait for the page's run."""
        self._upload_url = asyncio.get_running_loop().create_future()
        request = BackMsg()
        request.file_urls_request.request_id = uuid4().hex
        request.file_urls_request.session_id = self._session
        request.file_urls_request.file_names.append(name)
        await self._socket.send(request.SerializeToString())
        urls = await asyncio.wait_for(self._upload_url, PATIENCE)
        await asyncio.to_thread(self._put, urls.upload_url, name, data)
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add()
        state.id = self._id_of(key)
        info = UploadedFileInfo(name=name, size=len(data), file_id=urls.file_id, file_urls=urls)
        state.file_uploader_state_value.uploaded_file_info.append(info)
        await self._run(message)

    def _put(self, path: str, name: str, data: bytes) -> None:
        border = uuid4().hex
        head = f'--{border}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'
        body = head.encode() + data + f"\r\n--{border}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={border}",
            "Cookie": self._cookie,
            "X-Xsrftoken": self._cookie.partition("=")[2],
        }
        request = urllib.request.Request(f"{self._url}{path}", body, headers, method="PUT")
        urllib.request.urlopen(request, timeout=PATIENCE).close()

    async def _run(self, message: BackMsg) -> float:
        self._finished.clear()
        message.rerun_script.query_string = self._address
        if self._page in self._pages:
            message.rerun_script.page_script_hash = self._pages[self._page]
        else:
            message.rerun_script.page_name = self._page
        start = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        try:
            await asyncio.wait_for(self._finished.wait(), PATIENCE)
        except TimeoutError:
            raise Lost(f"the run of {self._page}") from None
        return time.perf_counter() - start

    # ---- what is on the page ----

    def _id_of(self, key: str) -> str:
        for element in self._elements.values():
            widget = getattr(element, element.WhichOneof("type") or "empty")
            if getattr(widget, "id", "").endswith(f"-{key}"):
                return str(widget.id)
        raise Lost(f"no widget {key} on {self._page}")

    def components(self) -> list[dict[str, Any]]:
        """Return the data of the components that are on the page."""
        shown = [one.bidi_component for one in self._elements.values() if one.HasField("bidi_component")]
        return [json.loads(component.json) for component in shown if component.json.startswith("{")]

    async def race_report(self) -> dict[str, Any]:
        """Wait for the race to end and return what its download holds."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for element in list(self._elements.values()):
                if element.HasField("download_button"):
                    with suppress(HTTPError):  # the page has run again meanwhile, and its next button is on the way
                        return await asyncio.to_thread(fetched, self._url + element.download_button.url)
                if element.HasField("alert") and element.alert.format == Alert.ERROR:
                    raise Lost(element.alert.body)
            await asyncio.sleep(LOOK)
        raise Lost("a race")


def fetched(address: str) -> dict[str, Any]:
    """Return the JSON at ``address``."""
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
        data: dict[str, Any] = json.load(answer)
    return data


# ---- what people do ----


@dataclass(frozen=True)
class Scene:
    """An image of one person, what it is called on the page, and what YOLO finds in it."""

    title: str
    pixels: Tensor
    found: Detections


def is_of(report: dict[str, Any], scene: Scene) -> bool:
    """Whether a race's ``report`` is of ``scene``: of that name, with the boxes that YOLO finds there."""
    boxes = [found["box"] for one in report["runs"] if one["detector"] == "yolo" for found in one["detections"]]
    right = len(boxes) == len(scene.found) and torch.allclose(
        torch.tensor(boxes).reshape(-1, 4), scene.found.boxes, atol=TOLERANCE
    )
    return bool(right) and report["image"]["source"] == scene.title


async def race(person: Person, scene: Scene, begin: Awaitable[object]) -> None:
    """``begin`` a race, wait for its end and see whether it is the right one."""
    person.seen.racing += 1
    start = time.perf_counter()
    try:
        await begin
        report = await person.race_report()
    finally:
        person.seen.racing -= 1
    person.seen.races.append(time.perf_counter() - start)
    person.seen.wrong += not is_of(report, scene)


async def race_a_scene(person: Person, scene: Scene, _upload: Scene) -> None:
    """Arrive at the comparison, which races at once, then race again."""
    await person.open("detectors")
    await race(person, scene, person.choose("image", "Drawn scene"))
    await race(person, scene, person.move("go", trigger_value=True))


async def move_a_slider(person: Person, _scene: Scene, _upload: Scene) -> None:
    await person.open("modules")
    await person.choose("modules", "Classify")
    for _move in range(5):
        many = person.seen.racing >= MANY
        noise = random.randrange(0, 20) / 50
        person.seen.sliders.append((await person.move("noise", double_array_value=[noise]), many))
        await asyncio.sleep(random.uniform(0.3, 1))


async def turn_pages(person: Person, _scene: Scene, _upload: Scene) -> None:
    for page in random.sample(PAGES, 4):
        many = person.seen.racing >= MANY
        person.seen.pages.append((await person.open(page), many))
        await asyncio.sleep(random.uniform(0.5, 2))


async def upload_an_image(person: Person, _scene: Scene, upload: Scene) -> None:
    await person.open("detectors")
    await person.choose("image", "Upload")
    file = io.BytesIO()
    to_pil_image(upload.pixels).save(file, "PNG")
    await race(person, upload, person.upload("upload", upload.title, file.getvalue()))
    person.seen.uploads += 1


async def train(person: Person, _scene: Scene, _upload: Scene) -> None:
    await person.open("yolo")
    await person.choose("image", "Drawn scene")
    await person.choose("view", "Train it")
    start = time.perf_counter()
    await person.move("train", trigger_value=True)
    person.seen.trainings += 1
    while time.perf_counter() - start < TRAIN_FOR:
        await asyncio.sleep(0.5)
        if any(data.get("seconds") for data in person.components()):
            person.seen.waits.append(time.perf_counter() - start)
            break
    await person.move("cancel_training", trigger_value=True)


SCRIPT: tuple[Callable[[Person, Scene, Scene], Awaitable[None]], ...] = (
    race_a_scene,
    move_a_slider,
    turn_pages,
    upload_an_image,
    turn_pages,
    train,
)


async def attend(url: str, number: int, until: float, pause: float, scenes: tuple[Scene, Scene], seen: Seen) -> None:
    """Arrive by a link, then do one thing after the other, with ``pause`` seconds between them on average."""
    async with session(url, link_of(number), seen) as person:
        await asyncio.sleep(random.expovariate(1 / pause))
        seen.arrivals.append(await person.open("detectors"))
        for step in range(number, 10**9):
            await asyncio.sleep(random.expovariate(1 / pause))
            if time.monotonic() > until:
                return
            try:
                await SCRIPT[step % len(SCRIPT)](person, *scenes)
            except (Lost, TimeoutError, ConnectionClosed) as lost:
                seen.lost += 1
                seen.complaints[f"lost: {lost or type(lost).__name__}"] += 1


def link_of(number: int) -> str:
    """Return the choices that person ``number`` arrives with: a scene of its own, every other one quick detectors."""
    quick = {} if number % 2 else {"detectors": "Faster R-CNN,YOLO,Fast R-CNN"}
    return urlencode({"scene": FIRST_SCENE + number, **quick})


@asynccontextmanager
async def session(url: str, link: str, seen: Seen) -> AsyncIterator[Person]:
    """Connect as a browser does: with its cookie, which an upload has to show again."""
    with await asyncio.to_thread(urllib.request.urlopen, f"{url}/_stcore/health") as answer:
        cookie = (answer.headers.get("Set-Cookie") or "").partition(";")[0]
    address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
    async with connect(address, max_size=None, ping_interval=None, additional_headers={"Cookie": cookie}) as socket:
        person = Person(url, socket, cookie, link, seen)
        listening = asyncio.create_task(person.listen())
        try:
            yield person
        finally:
            person._stop_polling()
            listening.cancel()
            with suppress(asyncio.CancelledError, ConnectionClosed):
                await listening


# ---- what it costs ----


def memory_of_descendants(of: int) -> int:
    """Return the proportional set size in bytes of all processes below process ``of``."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    total, found = 0, {of}
    for _generation in range(4):
        found |= {process for process, parent in parents.items() if parent in found}
    for process in found - {of}:
        with suppress(OSError):
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
            total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


async def watch_memory(seen: Seen) -> None:
    while True:
        seen.memory.append(await asyncio.to_thread(memory_of_descendants, os.getpid()))
        await asyncio.sleep(2)


def scene_of(number: int, title: str) -> Scene:
    pixels = ShapeScenes("validation", 10_000)[number][0]
    return Scene(title.format(number=number), pixels, run(load("yolo"), pixels).detections)


async def hold_class(url: str, clients: int, minutes: float, pause: float) -> Seen:
    """Let all come in, and go when the time is over."""
    seen = Seen()
    watching = asyncio.create_task(watch_memory(seen))
    until = time.monotonic() + 60 * minutes
    images = [
        (scene_of(FIRST_SCENE + one, "Scene {number}, medium"), scene_of(FIRST_UPLOAD + one, "person{number}.png"))
        for one in range(clients)
    ]
    people = [attend(url, number, until, pause, images[number], seen) for number in range(clients)]
    await asyncio.gather(*people)
    watching.cancel()
    return seen


def figures(seen: Seen) -> dict[str, Any]:
    """Return what was seen, JSON-ready."""
    beside = f"while {MANY} race"
    return {
        "arrival of all at a new server, s": spread(seen.arrivals),
        "page change, s": spread([seconds for seconds, _many in seen.pages]),
        f"page change {beside}, s": spread([seconds for seconds, many in seen.pages if many]),
        "slider, s": spread([seconds for seconds, _many in seen.sliders]),
        f"slider {beside}, s": spread([seconds for seconds, many in seen.sliders if many]),
        "race, s": spread(seen.races),
        "training until its first step, s": spread(seen.waits),
        "trainings": seen.trainings,
        "uploads": seen.uploads,
        "memory, GB": round(max(seen.memory) / 2**30, 2),
        "jobs lost": seen.lost,
        "results in the wrong session": seen.wrong,
        "errors on pages": dict(seen.complaints),
        "promised": PROMISED,
    }


def spread(values: list[float]) -> dict[str, float]:
    """Return how many ``values`` there are, their median and their 95th percentile."""
    if len(values) < 2:
        return {"count": len(values)}
    parts = quantiles(values, n=20, method="inclusive")
    return {"count": len(values), "p50": round(parts[9], 3), "p95": round(parts[18], 3)}


def main(clients: int = 30, minutes: float = 10.0, pause: float = 5.0, report: Path = REPORT) -> None:
    """Hold a class on a server of its own, print the figures and write them into a report."""
    random.seed(0)
    with TemporaryDirectory() as folder, running_app(Path(folder) / "log") as url:
        seen = asyncio.run(hold_class(url, clients, minutes, pause))
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    text = json.dumps(
        {"machine": machine, "clients": clients, "minutes": minutes, "pause, s": pause} | figures(seen), indent=2
    )
    report.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    typer.run(main)
