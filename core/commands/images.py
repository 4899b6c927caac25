"""The commands on one image: detect and segment."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from core import segmentation
from core.backbones import TRUNKS
from core.commands.console import JsonFile, chosen, chosen_family, command, messages, write, writing
from core.detectors import NAMES, Trace, load, run, trained
from core.detectors.report import race_report
from core.families import FAMILIES, PHOTOS, SHAPES
from core.figures.labels import label_picture
from core.i18n import _
from core.images import read_image
from core.models import MODELS
from core.segmentation.evaluation import labels_of
from core.segmentation.scaling import at_size, fitted


@command()
def detect(
    image: Annotated[Path, typer.Argument(help="A JPEG, PNG, WebP, GIF ... file.")],
    detectors: Annotated[str, typer.Option(help="Names with commas between, or all.")] = "all",
    regions: Annotated[int, typer.Option(min=1, help="Region proposals at most.")] = 2000,
    family: Annotated[str, typer.Option(help=f"{', '.join(FAMILIES)}: what the detectors know.")] = PHOTOS.name,
    json_file: JsonFile = None,
) -> None:
    """Run detectors on one image, timed stage by stage: all that the family has weights of, or those that are named."""
    found = chosen_family(family)
    names = chosen(detectors, NAMES, trained(found))
    pixels = read_image(image)
    traces: dict[str, Trace] = {}
    for name in names:
        detector = load(name, found)
        detector.limit_regions(regions)
        traces[name] = run(detector, pixels)
    table = Table(_("Detector"), _("Total (ms)"), _("Stages (ms)"), _("Detections"))
    for name, trace in traces.items():
        stages = ", ".join(f"{_(step.name)} {1000 * step.seconds:.1f}" for step in trace.steps)
        table.add_row(_(MODELS[name].title), f"{1000 * trace.seconds:.1f}", stages, str(len(trace.detections)))
    messages.print(table)
    write(race_report(str(image), pixels, found.classes, traces), json_file)


@command()
def segment(
    image: Annotated[Path, typer.Argument(help="A JPEG, PNG, WebP, GIF ... file.")],
    out: Annotated[Path, typer.Option(help="The PNG to write: its pixels are class numbers, with colours to them.")],
    model: Annotated[str, typer.Option(help=", ".join(segmentation.NAMES))] = "fcn8s",
    family: Annotated[str, typer.Option(help=f"{', '.join(FAMILIES)}: what the segmenter knows.")] = SHAPES.name,
) -> None:
    """Label every pixel of an image, timed stage by stage."""
    found = chosen_family(family)
    (name,) = chosen(model, segmentation.NAMES)
    pixels = read_image(image)
    trace = run(segmentation.load(name, found), fitted(pixels, TRUNKS[found.trunk]))
    labels = labels_of(at_size(trace.result, pixels.shape[1], pixels.shape[2]))
    with writing(out):
        label_picture(labels).save(out, "PNG")
    stages = Table(_("Stage"), "ms")
    for step in trace.steps:
        stages.add_row(_(step.name), f"{1000 * step.seconds:.1f}")
    shares = Table(_("Class"), _("% of pixels"))
    for label in labels.unique().tolist():
        shares.add_row(_(found.classes[label]), f"{100 * (labels == label).float().mean():.1f}")
    messages.print(stages, shares)
