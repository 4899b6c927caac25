"""Selective search, ours against OpenCV's ``ximgproc`` in its fast mode: how good, how many boxes, how long.

Both propose on the same images in turn, in one process, and change places after each image. Overlap is measured with
the ground truth: ABO is the mean over objects of the best IoU that any proposal reaches, MABO the mean over classes
of ABO. OpenCV puts small boxes first and shuffles by a random number that differs each time, so whole sets are
compared, and beside them the first N of both, and of ours as many as OpenCV gave for that image.

    python -m benchmarks.selective_search --photos FOLDER

FOLDER is laid out as Pascal VOC's (``Annotations/*.xml``, ``JPEGImages``); objects marked difficult are left out.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Annotated, Any

import cv2
import numpy as np
import torch
import typer
from torch import Tensor
from torchvision.ops import box_iou

from core.data import ShapeScenes
from core.data.voc_folder import VOCFolder
from core.proposals import selective_search

REPORT = Path(__file__).parent / "reports" / "selective_search.json"
FIRST = (50, 100, 200, 400)
OURS, THEIRS = "ours", "OpenCV"


@dataclass(frozen=True)
class Sample:
    """An image (3, H, W) uint8 with its ground truth: ``boxes`` (N, 4) half-open and the N names of their classes."""

    image: Tensor
    boxes: Tensor
    classes: Sequence[str]


@dataclass(frozen=True)
class Proposed:
    """What one proposer made of one sample: all its boxes (R, 4) in its order, and the seconds that it took."""

    boxes: Tensor
    seconds: float


def opencv(image: Tensor) -> Tensor:
    """Propose with OpenCV's selective search in fast mode: boxes (R, 4) half-open, in its order."""
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(np.ascontiguousarray(image.flip(0).permute(1, 2, 0).numpy()))
    search.switchToSelectiveSearchFast()
    boxes = torch.from_numpy(np.asarray(search.process(), np.float32))
    boxes[:, 2:] += boxes[:, :2]
    return boxes


PROPOSERS: dict[str, Callable[[Tensor], Tensor]] = {OURS: lambda image: selective_search(image).boxes, THEIRS: opencv}


def read_photos(folder: Path) -> Iterator[Sample]:
    """Yield the photos of a Pascal VOC folder that show an object not marked difficult."""
    photos = VOCFolder(folder)
    for image, target in (photos[index] for index in range(len(photos))):
        easy = target["iscrowd"] == 0
        if easy.any():
            names = [photos.classes[label] for label in target["labels"][easy].tolist()]
            yield Sample(image, target["boxes"][easy], names)


def draw_scenes(count: int) -> Iterator[Sample]:
    """Yield the first ``count`` validation scenes."""
    scenes = ShapeScenes("validation", count)
    for image, target in (scenes[index] for index in range(count)):
        yield Sample(image, target["boxes"], [scenes.classes[label] for label in target["labels"].tolist()])


def propose_in_turn(samples: Sequence[Sample], threads: int) -> dict[str, list[Proposed]]:
    """Let each proposer work on each sample, the two in turn and taking turns at being first."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    made: dict[str, list[Proposed]] = {name: [] for name in PROPOSERS}
    for index, sample in enumerate(samples):
        for name in sorted(PROPOSERS, reverse=bool(index % 2)):
            start = time.perf_counter()
            boxes = PROPOSERS[name](sample.image)
            made[name].append(Proposed(boxes, time.perf_counter() - start))
    return made


def quality(samples: Sequence[Sample], proposals: Iterable[Tensor]) -> dict[str, float]:
    """Return how well ``proposals``, one (R, 4) for each sample, cover the ground truth, and how many they are."""
    proposals = list(proposals)
    pairs = zip(samples, proposals, strict=True)
    best = torch.cat([box_iou(sample.boxes, boxes).max(1).values for sample, boxes in pairs])
    classes = np.array([name for sample in samples for name in sample.classes])
    return {
        "boxes": mean(len(boxes) for boxes in proposals),
        "abo": best.mean().item(),
        "mabo": mean(best[torch.from_numpy(classes == name)].mean().item() for name in np.unique(classes)),
        "recall_50": (best >= 0.5).double().mean().item(),
        "recall_70": (best >= 0.7).double().mean().item(),
    }


def compare(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return qualities and seconds of both proposers on ``samples``, with one thread and with all."""
    runs = {threads: propose_in_turn(samples, threads) for threads in sorted({1, os.cpu_count() or 1})}
    boxes = {name: [one.boxes for one in made] for name, made in runs[1].items()}
    as_many = [ours[: len(theirs)] for ours, theirs in zip(boxes[OURS], boxes[THEIRS], strict=True)]
    return {
        "images": len(samples),
        "objects": sum(len(sample.boxes) for sample in samples),
        "whole": {name: quality(samples, boxes[name]) for name in PROPOSERS},
        "ours_as_many_as_opencv": quality(samples, as_many),
        "first": {
            name: {str(count): quality(samples, (one[:count] for one in boxes[name])) for count in FIRST}
            for name in PROPOSERS
        },
        "seconds": {str(threads): _seconds(made) for threads, made in runs.items()},
    }


def _seconds(made: dict[str, list[Proposed]]) -> dict[str, float]:
    """Return each proposer's median seconds an image and the median of the paired ratios, OpenCV's to ours."""
    ratios = [theirs.seconds / ours.seconds for ours, theirs in zip(made[OURS], made[THEIRS], strict=True)]
    return {name: median(one.seconds for one in made[name]) for name in PROPOSERS} | {"times_faster": median(ratios)}


def table(report: dict[str, Any]) -> str:
    """Return the report's main figures as lines of text."""
    lines = [f"{'':34}{'boxes':>7}{'ABO':>7}{'MABO':>7}{'R@0.5':>7}{'R@0.7':>7}"]
    for name, data in report["data"].items():
        rows = {f"{name}, {who}": found for who, found in data["whole"].items()}
        rows[f"{name}, ours, as many as OpenCV"] = data["ours_as_many_as_opencv"]
        rows |= {f"{name}, {who}, first {n}": row for who, by in data["first"].items() for n, row in by.items()}
        for title, row in rows.items():
            figures = "".join(f"{row[key]:7.3f}" for key in ("abo", "mabo", "recall_50", "recall_70"))
            lines.append(f"{title:34}{row['boxes']:7.0f}{figures}")
        for threads, seconds in data["seconds"].items():
            speed = f"{seconds[OURS]:.3f} s an image, OpenCV {seconds[THEIRS]:.3f} s: {seconds['times_faster']:.2f}x"
            lines.append(f"{name}, {threads} thread(s): ours {speed}")
    return "\n".join(lines)


def main(
    photos: Annotated[Path | None, typer.Option(help="A folder laid out as Pascal VOC's.")] = None,
    scenes: Annotated[int, typer.Option(min=1, help="How many drawn scenes.")] = 100,
) -> None:
    """Compare our selective search with OpenCV's, print the figures and write them to benchmarks/reports."""
    samples = {"scenes": list(draw_scenes(scenes))}
    if photos is not None:
        samples["photos"] = list(read_photos(photos))
        if not samples["photos"]:
            raise typer.BadParameter(f"{photos} has no Annotations/*.xml with an object that is not difficult")
    for proposer in PROPOSERS.values():
        proposer(samples["scenes"][0].image)
    report = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {"opencv": cv2.__version__, "numpy": np.__version__, "torch": torch.__version__},
        "data": {name: compare(some) for name, some in samples.items()},
    }
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    typer.echo(table(report))


if __name__ == "__main__":
    typer.run(main)
