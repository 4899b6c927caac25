"""How fast the segmenters are, as ratios in one run: ``python -m core bench`` or ``python -m benchmarks.segmentation``.

Contestants take turns and medians are reported, so that a busy machine disturbs all alike.
"""

import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.detectors import Parts, Say, measured, seconds_of
from core.data import ShapeScenes
from core.segmentation import NAMES, load
from core.segmentation.patch_cnn import PatchCNN
from core.segmentation.study import studied
from core.segmentation.upsampling import (
    bed_of_nails,
    bicubic,
    bilinear,
    max_unpool,
    nearest,
    pixel_shuffle,
    transposed_convolution,
)
from core.stages import run

REPORT = Path(__file__).parent / "reports" / "segmentation.json"
BATCHES = (32, 256)  # patches; a scene has 256 in all
LARGE = 500  # pixels a side: the image on which the FCN paper compares

Contestants = dict[str, Callable[[], object]]


def measure(quick: bool, say: Say) -> dict[str, Any]:
    """Measure everything, telling ``say`` each result, and return it JSON-ready; ``quick`` repeats less."""
    parts: Parts = {
        "one scene of 256 pixels": one_scene,
        "sliding a patch against one pass": sliding,
        "upsamplers under one trunk": upsamplers,
        "written to be read / PyTorch's own": twins,
    }
    return measured(parts, quick, say)


def one_scene(repeats: int) -> dict[str, Any]:
    """Return each segmenter's median milliseconds on one medium scene, and those of its stages."""
    image, _target = ShapeScenes("validation", 1)[0]
    segmenters = {name: load(name) for name in NAMES}
    traces = {name: [run(segmenter, image)] for name, segmenter in segmenters.items()}
    for _repeat in range(repeats):
        for name, segmenter in segmenters.items():
            traces[name].append(run(segmenter, image))
    return {
        name: {"ms": _ms(median(one.seconds for one in ran[1:]))}
        | {
            step.name: _ms(median(one.steps[place].seconds for one in ran[1:]))
            for place, step in enumerate(ran[0].steps)
        }
        for name, ran in traces.items()
    }


def sliding(repeats: int) -> dict[str, Any]:
    """Return how much longer the patch CNN takes patch by patch, singly and in batches, than as convolutions."""
    model = load("patch_cnn")
    assert isinstance(model, PatchCNN)
    report = {}
    for side in (256, LARGE):
        image = functional.interpolate(ShapeScenes("validation", 1)[0][0][None].float(), (side, side)).byte()[0]
        ways: Contestants = {"one pass": lambda image=image: run(model, image)}  # type: ignore[misc]
        for at_once in (1, *BATCHES):
            ways[f"{at_once} at once"] = lambda image=image, at_once=at_once: list(model.slide(image, at_once))  # type: ignore[misc]
        ms = _medians(ways, max(2, repeats // 10))
        ratios = {f"{way} / one pass": round(ms[way] / ms["one pass"], 1) for way in ways if way != "one pass"}
        rows, columns = model.windows(image).shape[:2]
        report[f"{side} pixels"] = {"patches": rows * columns, "ms": ms} | ratios
    return report


def upsamplers(repeats: int) -> dict[str, Any]:
    """Return each upsampling's median milliseconds from a stride of 16 to one score a pixel, and over nearest's."""
    image, _target = ShapeScenes("validation", 1)[0]
    models = studied()
    times: dict[str, list[float]] = {name: [] for name in models}
    for repeat in range(repeats + 1):
        for name, model in models.items():
            steps = run(model, image).steps
            if repeat:
                times[name].append(sum(step.seconds for step in steps if step.name.startswith("Double")))
    ms = {name: _ms(median(values)) for name, values in times.items()}
    return {"ms": ms, "times nearest": {name: round(value / ms["nearest"], 1) for name, value in ms.items()}}


def twins(repeats: int) -> dict[str, Any]:
    """Return the median time of each function that is written to be read over that of its twin in PyTorch."""
    maps = torch.randn(1, 7, 32, 32)
    pooled, indices = functional.max_pool2d(torch.randn(1, 7, 64, 64), 2, return_indices=True)
    kernel = torch.randn(7, 7, 4, 4)
    spread = torch.randn(1, 28, 32, 32)
    pairs: dict[str, tuple[Callable[[], Tensor], Callable[[], Tensor]]] = {
        "nearest": (lambda: nearest(maps, 2), lambda: functional.interpolate(maps, scale_factor=2)),
        "bilinear": (
            lambda: bilinear(maps, 2),
            lambda: functional.interpolate(maps, scale_factor=2, mode="bilinear"),
        ),
        "bicubic": (lambda: bicubic(maps, 2), lambda: functional.interpolate(maps, scale_factor=2, mode="bicubic")),
        "max_unpool": (
            lambda: max_unpool(pooled, indices, 2),
            lambda: functional.max_unpool2d(pooled, indices, [2, 2]),
        ),
        "transposed_convolution": (
            lambda: transposed_convolution(maps, kernel, 2, 1),
            lambda: functional.conv_transpose2d(maps, kernel, stride=2, padding=1),
        ),
        "bed_of_nails": (
            lambda: bed_of_nails(maps, 2),
            lambda: functional.conv_transpose2d(maps, torch.ones(7, 1, 1, 1), stride=2, output_padding=1, groups=7),
        ),
        "pixel_shuffle": (lambda: pixel_shuffle(spread, 2), lambda: functional.pixel_shuffle(spread, 2)),
    }
    report = {}
    for name, (ours, theirs) in pairs.items():
        ms = _medians({"ours": ours, "theirs": theirs}, 4 * repeats)
        report[name] = round(ms["ours"] / ms["theirs"], 2)
    return report


def _medians(contestants: Contestants, repeats: int) -> dict[str, float]:
    """Return the median milliseconds of each, taken in turns after a round that warms up."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    with torch.inference_mode():
        for repeat in range(repeats + 1):
            for name, work in contestants.items():
                seconds = seconds_of(work)
                if repeat:
                    times[name].append(seconds)
    return {name: _ms(median(values)) for name, values in times.items()}


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 3)


if __name__ == "__main__":
    written = json.dumps(measure(False, print), indent=2)
    REPORT.write_text(written + "\n")
