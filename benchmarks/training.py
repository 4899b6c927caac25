"""What training costs beside the network's own work: ``python -m core bench`` or ``python -m benchmarks.training``.

Contestants take turns, step by step, and medians of pairs are reported, so that a busy machine disturbs all alike.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from benchmarks.detectors import seconds_of
from core.data import ShapeScenes
from core.data.voc_folder import VOCFolder
from core.detectors.faster_rcnn import FasterRCNN
from core.detectors.yolo import YOLO
from core.evaluation import Samples
from core.machine import machine
from core.training import batches
from core.training.batches import PHOTOS, Batch, PhotoBatches, drawn_ahead
from core.training.loop import Schedule, TrainingStep, train
from core.training.plan import SAVE_AFTER
from core.training.runs import opened_log
from core.training.short_training import draw_batch

REPORT = Path(__file__).parent / "reports" / "training.json"
BATCH = 8
PHOTO = (640, 480)  # as the blood photos are
OBJECT = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"

Say = Callable[[str], None]


def measure(quick: bool, say: Say) -> dict[str, Any]:
    """Measure everything, telling ``say`` each result, and return it JSON-ready; ``quick`` repeats less."""
    report: dict[str, Any] = {}
    for name, part in (("the loop / its bare steps", loop), ("images a second", pipeline)):
        report[name] = part(4 if quick else 60)
        say(f"{name}: {report[name]}")
    return report


def loop(repeats: int) -> dict[str, Any]:
    """Return how much longer a step of the training loop takes than its forward, backward and update alone.

    ``ratio`` is the median over pairs of neighbouring steps. Each of the loop's saves, every 10 seconds, and each line
    of a run's log, one a step, cost as many milliseconds as ``save_ms`` and ``log_ms`` say; ``with both`` has them in
    the ratio. The loop clips gradients and checks that they are finite, which the bare steps do not.
    """
    batch = draw_batch(0, BATCH)
    report = {}
    for kind in (YOLO, FasterRCNN):
        with TemporaryDirectory() as folder:
            state = Path(folder) / "state.safetensors"
            endless = Schedule(10**9, 1e-4, warmup=1, save_every=10**9)
            with closing(train(_made(kind), lambda _step: batch, endless, state)) as ours:
                bare = _bare_steps(_made(kind), batch)
                pairs = _paired(partial(next, ours), partial(next, bare), repeats)
            saving = _saving(kind, batch, Path(folder) / "run")
        ratio = median(our / their for our, their in pairs)
        step = median(their for _our, their in pairs)
        extra = saving["log_ms"] / (1000 * step) + saving["save_ms"] / (1000 * SAVE_AFTER)
        report[kind.name] = {
            "bare_ms": round(1000 * step, 1),
            "ratio": round(ratio, 3),
            "with both": round(ratio + extra, 3),
        } | {name: round(value, 3) for name, value in saving.items()}
    return report


def _made(kind: Callable[[], nn.Module]) -> nn.Module:
    """Return a model with the same weights each time: how long a step takes depends on them where there is an RPN."""
    torch.manual_seed(0)
    return kind()


def _bare_steps(model: nn.Module, batch: Batch) -> Iterator[None]:
    """What every training does: the losses, their gradients, the update."""
    model.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, weight_decay=1e-2)
    images, targets = batch
    while True:
        with torch.autocast("cpu", torch.bfloat16):
            losses = model.losses(images, targets)  # type: ignore[operator]
        optimizer.zero_grad()
        torch.stack([*losses.values()]).sum().backward()
        optimizer.step()
        yield


def _paired(ours: Callable[[], object], theirs: Callable[[], object], repeats: int) -> list[tuple[float, float]]:
    """Return the seconds of both, in turns that begin with one and the other, after two that warm up."""
    pairs = []
    for repeat in range(repeats + 2):
        if repeat % 2:
            their = seconds_of(theirs)
            our = seconds_of(ours)
        else:
            our = seconds_of(ours)
            their = seconds_of(theirs)
        pairs.append((our, their))
    return pairs[2:]


def _saving(kind: Callable[[], nn.Module], batch: Batch, folder: Path) -> dict[str, float]:
    """Return the milliseconds of writing a training's state, and of a line in a run's log."""
    training = train(kind(), lambda _step: batch, Schedule(2, 1e-4), folder / "saved.safetensors")
    next(training)
    save = seconds_of(training.close)
    step = TrainingStep(1, 0.0, dict.fromkeys(("a", "b", "c", "d"), 1.0), 1e-4, 1.0)
    with opened_log(folder) as log:
        lines = 200
        start = time.perf_counter()
        for _line in range(lines):
            log.step(step)
        line = (time.perf_counter() - start) / lines
    return {"save_ms": 1000 * save, "log_ms": 1000 * line}


def pipeline(repeats: int) -> dict[str, Any]:
    """Return the images/s of batches of JPEG photos alone, and of a training on them.

    Alone, they are made with one thread: first with every photo decoded every time, then kept in memory, then with
    brightness and contrast looked up in a table. In the training they are made between the steps, ahead in a thread
    whose operations take as many threads as the model's, and in one whose operations take one; "no work" has one batch
    for all steps, which is what the network could do.
    """
    report: dict[str, Any] = {}
    with TemporaryDirectory() as name:
        samples = _photos(Path(name), max(BATCH, min(4 * BATCH, 4 * repeats)))
        kept = PhotoBatches(samples, BATCH, "square", PHOTOS)
        report["batches alone"] = _alone(samples, kept, repeats)
        one = kept(0)
        ways: dict[str, Callable[[int], Batch]] = {
            "no work": lambda _step: one,
            "between the steps": kept,
            "ahead, in a thread": drawn_ahead(kept, torch.get_num_threads()),
            "ahead, in a thread of one core": drawn_ahead(kept),
        }
        trainings = {
            way: train(YOLO(), batch, Schedule(10**9, 1e-4, save_every=10**9), Path(name) / way)
            for way, batch in ways.items()
        }
        times: dict[str, list[float]] = {way: [] for way in ways}
        for repeat in range(repeats + 2):
            for way, training in trainings.items():
                took = seconds_of(partial(next, training))
                if repeat >= 2:
                    times[way].append(took)
        report["training, batches made"] = {way: round(BATCH / median(took), 1) for way, took in times.items()}
    return report


def _alone(samples: Samples, kept: PhotoBatches, repeats: int) -> dict[str, float]:
    """Return the images/s of batches with one thread after each of the things that were done for them."""

    def images_a_second(made: PhotoBatches) -> float:
        for step in range(len(samples) // BATCH):
            made(step)
        return round(BATCH / median(seconds_of(partial(made, step)) for step in range(repeats)), 1)

    threads, most, lit = torch.get_num_threads(), batches.MOST_KEPT, batches._lit
    torch.set_num_threads(1)
    batches.MOST_KEPT, batches._lit = 0, _lit_by_arithmetic
    report = {"decoded every time": images_a_second(PhotoBatches(samples, BATCH, "square", PHOTOS))}
    batches.MOST_KEPT = most
    report["kept in memory"] = images_a_second(kept)
    batches._lit = lit
    report["light from a table"] = images_a_second(kept)
    torch.set_num_threads(threads)
    return report


def _lit_by_arithmetic(image: Tensor, contrast: float, brightness: float) -> Tensor:
    """Do what ``batches._lit`` does, pixel by pixel."""
    values = (image.float() - 128) * contrast + 128 * brightness
    return values.round().clamp(0, 255).to(torch.uint8)


def _photos(root: Path, count: int) -> VOCFolder:
    """Write a folder in Pascal VOC's form of ``count`` scenes enlarged to photos of noise and shapes."""
    for part in ("Annotations", "JPEGImages"):
        (root / part).mkdir()
    noise = np.random.default_rng(0)
    scenes = ShapeScenes("train", count)
    for number in range(count):
        image, target = scenes[number]
        photo = Image.fromarray(image.permute(1, 2, 0).numpy()).resize(PHOTO)
        pixels = np.clip(np.asarray(photo) + noise.normal(0, 4, (PHOTO[1], PHOTO[0], 3)), 0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(root / "JPEGImages" / f"{number}.jpg", quality=90)
        across, down = PHOTO[0] / image.shape[2], PHOTO[1] / image.shape[1]
        objects = (
            OBJECT.format(f"class {label}", 1 + x0 * across, 1 + y0 * down, x1 * across, y1 * down)
            for (x0, y0, x1, y1), label in zip(target["boxes"].tolist(), target["labels"].tolist(), strict=True)
        )
        (root / "Annotations" / f"{number}.xml").write_text(f"<annotation>{''.join(objects)}</annotation>")
    return VOCFolder(root)


if __name__ == "__main__":
    report = {"machine": machine(), "torch": torch.__version__} | measure(False, print)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
