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
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

import torch
import typer
from torch import Tensor
from torchvision.transforms.functional import to_pil_image
from websockets.exceptions import ConnectionClosed

from benchmarks.person import Lost, Person, Seen, session
from core.data.scenes import ShapeScenes
from core.detectors import load, run
from core.values import Detections
from tests.browser.conftest import running_app

REPORT = Path(__file__).parent / "reports" / "classroom.json"
FIRST_SCENE, FIRST_UPLOAD = 1000, 5000
TOLERANCE = 0.1  # pixels, for other orders of adding up
MANY = 5  # races at once, beside which the promises hold
TRAIN_FOR = 20.0  # seconds of watching a training, or its place in the line, before it is cancelled
PAGES = ("nms", "proposals", "pooling", "yolo", "segmentation", "upsampling", "tensors", "autograd", "modules")
PROMISED = {"page change, p95 s": 1.0, "slider, p95 s": 0.5, "memory, GB": 2.5}


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
