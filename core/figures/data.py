"""What the data page draws: samples through their transforms, the order of an epoch, and flaws with their pictures."""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import torch
from PIL import Image, ImageColor
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

from core.data.checking import checking
from core.data.epochs import Epoch, Sample, Throughput, collate_detection, default_complaint
from core.data.flaws import FolderReport, Item
from core.data.folders import FORMATS, FolderError
from core.data.mask_folder import read_mask
from core.data.pipelines import Run, Swap
from core.data.transforms import Stage
from core.data.voc_folder import read_annotation
from core.evaluation import Samples
from core.figures.lettering import CHART_FONT_SIZE
from core.figures.palette import class_colour
from core.figures.sent.data import (
    CheckedSet,
    EpochData,
    FlawedBox,
    FlawedPicture,
    FlawExample,
    NumberedObject,
    SampleStage,
    StagesRun,
    SwapData,
)
from core.figures.transport import data_url, rounded
from core.i18n import _

SIDE = 280  # pixels of the longer side of a picture that is sent
TILE = 88  # pixels of a sample in an epoch's strip
EXAMPLES = 4  # of a kind of flaw
EXAMPLE_SIDE = 240
MASK_ALPHA = 110  # of 255
REPORTS = 50  # how often a check says how far it is
MOST_DRAWN = 60  # boxes of one picture


# ---- a sample through its transforms ----


def run_data(run: Run, classes: Sequence[str]) -> StagesRun:
    """Return the stages of ``run``, ready for JSON, with its ``error``; labels are named by ``classes``."""
    return {"stages": [_stage(stage, classes) for stage in run.stages], "error": run.error}


def _stage(stage: Stage, classes: Sequence[str]) -> SampleStage:
    """Describe one stage: its picture, boxes in its pixels, masks as a picture over it, and its tensor's facts.

    Values of floats are shown from their least to their greatest where they leave 0 to 1.
    """
    image, target = stage.image.as_subclass(Tensor), stage.target
    low, high = float(image.min()), float(image.max())
    shown = _shown(image)
    return {
        "name": stage.name,
        "image": data_url(_small(shown)),
        "masks": _masks(target.get("masks"), target.get("labels")),
        "width": image.shape[2],
        "height": image.shape[1],
        "dtype": str(image.dtype).removeprefix("torch."),
        "shape": list(image.shape),
        "range": [round(low, 2), round(high, 2)],
        "stretched": image.is_floating_point() and (low < 0 or high > 1),
        "objects": _objects(stage, classes),
        "removed": list(stage.removed),
        "label": classes[int(target["label"])] if "label" in target else "",
    }


def _shown(image: Tensor) -> Tensor:
    if not image.is_floating_point():
        return image
    low, high = float(image.min()), float(image.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    return ((image - low) / max(high - low, 1e-6) * 255).round().to(torch.uint8)


def _objects(stage: Stage, classes: Sequence[str]) -> list[NumberedObject]:
    boxes = rounded(stage.target["boxes"].as_subclass(Tensor), 1) if "boxes" in stage.target else []
    labels = stage.target["labels"].tolist() if "labels" in stage.target else []
    return [
        {"number": number, "box": box, "name": classes[label], "colour": class_colour(label)}
        for number, box, label in zip(stage.objects[:MOST_DRAWN], boxes, labels, strict=False)
    ]


def _small(image: Tensor, side: int = SIDE) -> Tensor:
    """Return ``image`` (3, H, W) uint8 with its longer side at most ``side``."""
    picture = to_pil_image(image)
    picture.thumbnail((side, side))
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)


def _masks(masks: Tensor | None, labels: Tensor | None) -> str:
    """Return ``masks`` (N, H, W) in the colours of their classes, see-through, as the address of a PNG; "" for none."""
    if masks is None or labels is None or not len(masks):
        return ""
    pixels = np.zeros((*masks.shape[1:], 4), np.uint8)
    for mask, label in zip(masks.as_subclass(Tensor).bool().numpy(), labels.tolist(), strict=True):
        pixels[mask] = (*ImageColor.getrgb(class_colour(label))[:3], MASK_ALPHA)
    return _png(Image.fromarray(pixels))


def _png(picture: Image.Image) -> str:
    picture.thumbnail((SIDE, SIDE), Image.Resampling.NEAREST)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def swaps_data(found: Sequence[Swap], classes: Sequence[str]) -> list[SwapData]:
    """Return what each exchange of two steps changes, with the picture at its end, ready for JSON."""
    return [
        {
            "place": one.place,
            "same": one.same,
            "changed": one.changed,
            "lost": list(one.lost),
            "gained": list(one.gained),
            "error": one.run.error,
            "end": _stage(one.run.stages[-1], classes),
        }
        for one in found
    ]


# ---- an epoch ----


def tiles(samples: Samples, count: int) -> str:
    """Return the first ``count`` images side by side, a square of ``TILE`` pixels each, as the address of a JPEG."""
    strip = Image.new("RGB", (TILE * count, TILE))
    for place in range(count):
        image = samples[place][0]
        picture = to_pil_image(_shown(image.as_subclass(Tensor)))
        picture.thumbnail((TILE, TILE))
        strip.paste(picture, (place * TILE + (TILE - picture.width) // 2, (TILE - picture.height) // 2))
    return data_url(torch.from_numpy(np.array(strip)).permute(2, 0, 1))


def epochs_data(epochs: Sequence[Epoch]) -> list[EpochData]:
    """Return the batches of each of ``epochs``, with their workers, and what was dropped, ready for JSON."""
    return [
        {
            "batches": [{"indices": list(batch.indices), "worker": batch.worker} for batch in epoch.batches],
            "dropped": list(epoch.dropped),
        }
        for epoch in epochs
    ]


def same_places(one: Sequence[Epoch], other: Sequence[Epoch]) -> int:
    """Return at how many places the first epochs of two runs have the same sample."""
    first, second = ([index for batch in epochs[0].batches for index in batch.indices] for epochs in (one, other))
    return sum(index == twin for index, twin in zip(first, second, strict=False))


def collate_data(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return what torch's ``default_collate`` says to a batch of ``samples``, and the shapes that ours makes of it."""
    images, targets = collate_detection(samples)
    return {
        "complaint": default_complaint(samples),
        "shapes": [list(image.shape) for image, _target in samples],
        "images": list(images.shape),
        "targets": [{key: list(value.shape) for key, value in target.items()} for target in targets],
    }


def throughput_chart(found: Sequence[Throughput]) -> go.Figure:
    """Return images a second for each number of workers, as bars that say their number."""
    figure = go.Figure()
    figure.add_bar(
        x=[str(one.workers) for one in found],
        y=[one.images_per_second for one in found],
        text=[f"{one.images_per_second:,.0f}" for one in found],
        customdata=[one.first for one in found],
        textposition="auto",
        marker_color="#56B4E9",
        hovertemplate="%{y:,.0f}, %{customdata:.2f} s<extra></extra>",
    )
    figure.update_layout(height=300, font_size=CHART_FONT_SIZE, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    look = {"title_font_size": CHART_FONT_SIZE, "tickfont_size": CHART_FONT_SIZE}
    figure.update_xaxes(title=_("Workers"), type="category", **look)
    figure.update_yaxes(title=_("Images a second"), rangemode="tozero", **look)
    return figure


# ---- flaws ----


@dataclass(frozen=True)
class Checked:
    """The part ``done`` of a check, and at its end the ``report`` with its ``data``, ready for JSON."""

    done: float
    report: FolderReport | None = None
    data: CheckedSet | None = None


def checked(folder: str) -> Iterator[Checked]:
    """Check the dataset in ``folder`` and draw examples of what is wrong with it, saying now and then how far it is.

    Raises:
        FolderError: no form of dataset is there.
    """
    said = -1
    for event in checking(folder):
        part = REPORTS * event.done // max(event.total, 1)
        if event.report:
            yield Checked(1.0, event.report, flaws_data(event.report))
        elif part != said:
            said = part
            yield Checked(min(event.done / max(event.total, 1), 0.99))


def flaws_data(report: FolderReport) -> CheckedSet:
    """Return what is wrong by kinds, each with some examples and their pictures, and the sizes of classes, for JSON."""
    return {
        "form": report.form,
        "images": len(report.files),
        "objects": [{"name": name[:40], "count": count} for name, count in report.objects.items()],
        "flaws": [
            {"kind": kind, "count": len(items), "examples": [_example(report, item) for item in items[:EXAMPLES]]}
            for kind, items in report.flaws.items()
        ],
    }


def _example(report: FolderReport, item: Item) -> FlawExample:
    pictures = [_flawed(report, name, item.objects) for name in item.files[:2]]
    return {"files": list(item.files[:4]), "detail": item.detail, "pictures": pictures}


def _flawed(report: FolderReport, name: str, flawed: tuple[int, ...]) -> FlawedPicture:
    """Describe one file of a flaw: its picture, if there is one, and its boxes, those of the flaw marked as such."""
    nothing: FlawedPicture = {"image": "", "width": 4, "height": 3, "boxes": [], "file": Path(name).name}
    try:
        if name.endswith(".png") and report.form == "masks" and not name.startswith("images/"):
            image, width, height = _mask_picture(report.root / name)
            return {**nothing, "image": image, "width": width, "height": height}
        with Image.open(report.root / name, formats=FORMATS) as picture:
            width, height = picture.size
            picture.draft("RGB", (EXAMPLE_SIDE, EXAMPLE_SIDE))
            small = picture.convert("RGB")
    except Exception:  # noqa: BLE001 - what is wrong with the file is what is shown
        return nothing
    small.thumbnail((EXAMPLE_SIDE, EXAMPLE_SIDE))
    pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1)
    boxes = _annotated(report, name, flawed)
    return {**nothing, "image": data_url(pixels), "width": width, "height": height, "boxes": boxes}


def _mask_picture(path: Path) -> tuple[str, int, int]:
    numbers = read_mask(path)
    colours = np.array([(0, 0, 0), *(ImageColor.getrgb(class_colour(label))[:3] for label in range(1, 8))], np.uint8)
    picture = Image.fromarray(colours[np.where(numbers > 0, (numbers - 1) % 7 + 1, 0)])
    return _png(picture), numbers.shape[1], numbers.shape[0]


def _annotated(report: FolderReport, name: str, flawed: tuple[int, ...]) -> list[FlawedBox]:
    own = report.root / "Annotations" / f"{Path(name).stem}.xml"
    if report.form != "voc" or not own.exists():
        return []
    try:
        one = read_annotation(own, report.root / "JPEGImages")
    except FolderError:
        return []
    numbered = list(enumerate(zip(one.boxes, one.names, strict=True), 1))
    chosen = [entry for entry in numbered if entry[0] in flawed] + [
        entry for entry in numbered if entry[0] not in flawed
    ]
    return [
        {"box": box, "name": label[:40], "flawed": number in flawed} for number, (box, label) in chosen[:MOST_DRAWN]
    ]
