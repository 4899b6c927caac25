"""How well the last layer alone learns a new task: ``python -m benchmarks.transfer FOLDER``, one folder a class in it.

Its photos go through the frozen trunk of the photographs once, in squares of 160 pixels. From these features the last
layer is fitted to a few photos of each class, drawn anew each time, and measured on all validation photos.
"""

import json
import time
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import typer
from torch import Tensor

from core.commands.console import fail
from core.faults import UserError
from core.machine import machine
from core.pretrained import PRETRAINED, Name
from core.transfer.kept import FOLDER
from core.transfer.last_layer import fit
from core.transfer.tasks import COUNTS, Task, open_task
from core.transfer.ways import features_of

REPORT = Path(__file__).parent / "reports" / "transfer.json"
TRUNK: Name = "lite0"
DRAWS = 5
ALL = 10**6  # images of a class


def measure(folder: Path) -> dict[str, Any]:
    """Return the share of the validation photos of ``folder`` that is named rightly, by images a class, JSON-ready."""
    task = open_task(str(folder), PRETRAINED[TRUNK].side, ALL, ALL)
    known, asked = (features_of(TRUNK, images, FOLDER) for images in (task.images, task.validation_images))
    return {
        "machine": machine(),
        "data": folder.name,
        "trunk": PRETRAINED[TRUNK].title,
        "pixels": PRETRAINED[TRUNK].side,
        "classes": list(task.classes),
        "images": {"train": len(task.images), "validation": len(task.validation_images)},
        "seconds for all features": round(known.seconds + asked.seconds, 1),
        "last layer": {str(count): _scores(task, known.values, asked.values, count) for count in COUNTS},
    }


def _scores(task: Task, known: Tensor, asked: Tensor, count: int) -> dict[str, Any]:
    """Return what was right with ``count`` images a class, draw by draw, and how long the slowest fit took."""
    right, seconds = [], []
    for seed in range(DRAWS):
        indices = task.draw(count, seed)
        start = time.perf_counter()
        layer = fit(known[indices], task.labels[indices], len(task.classes))
        seconds.append(time.perf_counter() - start)
        answers = layer.probabilities(asked).argmax(1)
        right.append(float((answers == task.validation_labels).float().mean()))
    return {
        "right": round(mean(right), 4),
        "draws": [round(one, 4) for one in right],
        "seconds of a fit": round(max(seconds), 3),
    }


def main(
    folder: Annotated[Path, typer.Argument(help="One folder of photos a class, in train/ and validation/.")],
) -> None:
    """Measure, print and write the report."""
    try:
        written = json.dumps(measure(folder), indent=2)
    except UserError as error:
        fail(str(error))
    REPORT.write_text(written + "\n")
    print(written)


if __name__ == "__main__":
    typer.run(main)
