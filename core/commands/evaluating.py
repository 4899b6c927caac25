"""The command that measures detectors and segmenters on images that training never saw."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from core import segmentation
from core.backbones import TRUNKS
from core.checkpoint import update_card
from core.commands.console import COLUMNS, JsonFile, chosen, chosen_family, command, messages, write
from core.data import ShapeScenes
from core.data.mask_folder import MaskFolder
from core.data.scenes import DIFFICULTIES, LAST_SEED, LONGEST_SPLIT
from core.data.voc_folder import VOCFolder
from core.data.voc_masks import CLASS_MASKS, VOCMasks
from core.detectors import NAMES, load
from core.evaluation import EvaluationError, Samples, as_report, evaluate, outcomes
from core.families import FAMILIES, SHAPES, Family
from core.i18n import _
from core.models import MODELS
from core.segmentation import MaskRCNN, Segmenter
from core.segmentation.evaluation import evaluate as evaluate_segmenter
from core.segmentation.evaluation import segmented
from core.segmentation.study import UPSAMPLERS, UpsamplingStudy, head_of, studied

STANDARD_IMAGES = 500  # of the test split, medium, seed 0: what the checkpoints' cards and the pages show

Made = TypeVar("Made")
Names = Annotated[str, typer.Argument(help="A name, several with commas between, or all.")]


@command("evaluate")
def evaluate_command(
    name: Names,
    images: Annotated[int, typer.Option(min=1, max=LONGEST_SPLIT, help="Scenes or photos, at most.")] = STANDARD_IMAGES,
    seed: Annotated[int, typer.Option(min=0, max=LAST_SEED, help="Gives scenes that no other seed gives.")] = 0,
    difficulty: Annotated[str, typer.Option(help=", ".join(DIFFICULTIES))] = "medium",
    data: Annotated[
        Path | None,
        typer.Option(help="Instead of scenes, a folder: Pascal VOC's layout, or images with masks for segmenters."),
    ] = None,
    family: Annotated[str, typer.Option(help=f"{', '.join(FAMILIES)}: whose models to measure.")] = SHAPES.name,
    part: Annotated[
        str,
        typer.Option(help="Of --data: a list of ImageSets/Main; of the photographs' models val where none is named."),
    ] = "",
    json_file: JsonFile = None,
) -> None:
    """Measure detectors and segmenters on scenes that training never saw, or on a folder of photos.

    The standard measurement (500 medium scenes of seed 0; of a family of photographs the test part of the set that it
    learnt from) also goes onto the checkpoints' cards, which the pages show.
    """
    (difficulty,) = chosen(difficulty, tuple(DIFFICULTIES))
    found = chosen_family(family)
    if found.data and data is None:
        raise EvaluationError(_("The photographs' models are measured on a folder: give it by --data."))
    part = part or ("val" if found.data else "")
    described: dict[str, Any] = {"folder": str(data)} | ({"part": part} if part else {})
    if data is None:
        described = {"split": "test", "difficulty": difficulty, "seed": seed}
    report: dict[str, Any] = {"data": described, "detectors": {}, "segmenters": {}}
    known = (*NAMES, *segmentation.NAMES, UpsamplingStudy.name)
    if found.data:
        known = tuple(one for one in known if MODELS[one].photo_recipe)
    at_once = tuple(one for one in known if one in NAMES or not data or not _has_boxes_alone(data))
    opened: dict[type[VOCFolder | MaskFolder], VOCFolder | MaskFolder] = {}
    for one in chosen(name, (*known, *UPSAMPLERS), at_once):
        kind, measure = ("detectors", _measured) if one in NAMES else ("segmenters", _measured_segmenters)
        samples: Samples = ShapeScenes("test", images, difficulty, seed)
        if data:
            reader = _reader(one, data)
            if reader not in opened:
                opened[reader] = reader(data, found.classes, part)
            folder = opened[reader]
            for note in folder.notes:
                messages.print(note)
            samples = folder
        count = described["images"] = min(images, len(samples))
        measured = measure(one, found, samples, count)
        report[kind] |= measured
        if data is None and (images, seed, difficulty) == (STANDARD_IMAGES, 0, "medium"):
            _note_on_card(measured, described, found.folder)
        elif data and (data.resolve().name, part, count) == (found.data, "test", len(samples)):
            _note_on_card(measured, {"set": found.data, "part": part, "images": count}, found.folder)
    for kind, columns in COLUMNS.items():
        if report[kind]:
            messages.print(_figures(report[kind], columns))
    write(report, json_file)


def _reader(name: str, data: Path) -> type[VOCFolder | MaskFolder]:
    """Return what reads ``data`` for model ``name``."""
    if name in NAMES:
        return VOCFolder
    return VOCMasks if (data / "Annotations").is_dir() else MaskFolder


def _has_boxes_alone(data: Path) -> bool:
    """Whether ``data`` is in Pascal VOC's layout without masks."""
    return (data / "Annotations").is_dir() and not (data / CLASS_MASKS).is_dir()


def _measured(name: str, family: Family, samples: Samples, count: int) -> dict[str, Any]:
    detector = load(name, family)
    return {name: as_report(evaluate(_tracked(name, outcomes(detector, samples, count), count), detector.classes))}


def _measured_segmenters(name: str, family: Family, samples: Samples, count: int) -> dict[str, Any]:
    """Measure one segmenter, or one of the upsampling study's, or each of those."""
    trunk = TRUNKS[family.trunk]
    if name == UpsamplingStudy.name:
        segmenters: dict[str, Segmenter | MaskRCNN] = dict(studied(family=family))
    elif name in UPSAMPLERS:
        segmenters = {name: studied((name,), family)[name]}
    else:
        segmenters = {name: segmentation.load(name, family)}
    return {
        one: evaluate_segmenter(_tracked(one, segmented(segmenter, samples, count, trunk), count), segmenter.classes)
        for one, segmenter in segmenters.items()
    }


def _tracked(name: str, made: Iterator[Made], count: int) -> Iterator[Made]:
    """Yield the ``count`` that are ``made`` under a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}"), TimeRemainingColumn())
    with Progress(*columns, console=messages) as progress:
        yield from progress.track(made, total=count, description=name)


def _figures(reports: dict[str, Any], columns: dict[str, str]) -> Table:
    table = Table(_("Model"), *map(_, columns.values()), _("ms an image"))
    for name, report in reports.items():
        figures = (f"{report[key]:.3f}" if report.get(key) is not None else "-" for key in columns)
        table.add_row(name, *figures, f"{1000 * report['seconds_per_image']:.1f}")
    return table


def _note_on_card(measured: dict[str, Any], data: dict[str, Any], folder: Path) -> None:
    """Write what was ``measured`` on ``data``, model by model, onto the models' cards."""
    for name, figures in measured.items():
        report = dict(figures)
        by_threshold = {key: report.pop(key) for key in ("map50_by_nms_threshold",) if key in report}
        card = head_of(name) if name in UPSAMPLERS else name
        update_card(card, folder, evaluation={"data": data} | report, **by_threshold)
