"""The command line, on the same code as the pages: detect, segment, train, evaluate, check, bench."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from core import segmentation
from core.checkpoint import update_card
from core.data import ShapeScenes
from core.data.checking import check_folder
from core.data.cleaned import write_cleaned
from core.data.flaws import KINDS, as_json
from core.data.mask_folder import MaskFolder
from core.data.scenes import CLASSES, DIFFICULTIES, LAST_SEED, LONGEST_SPLIT
from core.data.voc_folder import VOCFolder
from core.detectors import NAMES, Trace, load, run
from core.detectors.report import race_report
from core.evaluation import Samples, as_report, evaluate, outcomes
from core.families import SHAPES
from core.faults import logged
from core.figures.labels import label_picture
from core.i18n import N_, _, language, of_environment
from core.images import read_image
from core.models import MODELS
from core.segmentation import MaskRCNN, Segmenter
from core.segmentation.evaluation import evaluate as evaluate_segmenter
from core.segmentation.evaluation import labels_of, segmented
from core.segmentation.study import UPSAMPLERS, UpsamplingStudy, head_of, studied
from core.training.events import Begun, Ended, Event, Scored
from core.training.loop import TrainingStep, check_device
from core.training.plan import NAMES as TUNABLE
from core.training.plan import Plan, plan_for
from core.training.recipes import AT_ONCE, RECIPES, RUNS, train_by_recipe
from core.training.team import Team, joined_team
from core.training.tuning import tune

STANDARD_IMAGES = 500  # of the test split, medium, seed 0: what the checkpoints' cards and the pages show
SHOWN_FLAWS = 10  # of each kind

COLUMNS = {
    "detectors": {
        "map50": "mAP@0.5",
        "map75": "mAP@0.75",
        "map": "mAP@[.5:.95]",
        "map50_voc07": N_("mAP, VOC 2007"),
    },
    "segmenters": {
        "mean_iou": N_("Mean IU"),
        "pixel_accuracy": N_("Pixel accuracy"),
        "mean_accuracy": N_("Mean accuracy"),
        "frequency_weighted_iou": N_("Frequency-weighted IU"),
        "boundary_f": N_("Boundary F"),
        "mask_ap50": N_("Mask AP@0.5"),
    },
}

TITLES = COLUMNS["detectors"] | COLUMNS["segmenters"] | {"accuracy": N_("Accuracy")}
NOTHING = "nothing"  # to start from: random weights

Made = TypeVar("Made")
Given = ParamSpec("Given")
Freeze = Literal["none", "trunk"]

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
messages = Console(stderr=True)

Names = Annotated[str, typer.Argument(help="A name, several with commas between, or all.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the result to this file; - is the screen.")]


def command(name: str | None = None) -> Callable[[Callable[Given, None]], Callable[Given, None]]:
    """Make a function a command that, where it fails, says a sentence and ends with 1."""

    def registered(function: Callable[Given, None]) -> Callable[Given, None]:
        @wraps(function)
        def saying(*args: Given.args, **kwargs: Given.kwargs) -> None:
            try:
                function(*args, **kwargs)
            except (typer.Exit, typer.BadParameter):  # has been said, or will be with the command's usage
                raise
            except Exception as error:  # noqa: BLE001 - of whatever kind: bugs go to the log
                _fail(logged(error))

        return app.command(name)(saying)

    return registered


@command()
def detect(
    image: Annotated[Path, typer.Argument(help="A JPEG, PNG, WebP, GIF ... file.")],
    detectors: Annotated[str, typer.Option(help="Names with commas between, or all.")] = "all",
    regions: Annotated[int, typer.Option(min=1, help="Region proposals at most.")] = 2000,
    json_file: JsonFile = None,
) -> None:
    """Run detectors on one image, timed stage by stage."""
    names = _chosen(detectors, NAMES)
    pixels = read_image(image)
    traces: dict[str, Trace] = {}
    for name in names:
        detector = load(name)
        detector.limit_regions(regions)
        traces[name] = run(detector, pixels)
    table = Table(_("Detector"), _("Total (ms)"), _("Stages (ms)"), _("Detections"))
    for name, trace in traces.items():
        stages = ", ".join(f"{_(step.name)} {1000 * step.seconds:.1f}" for step in trace.steps)
        table.add_row(_(MODELS[name].title), f"{1000 * trace.seconds:.1f}", stages, str(len(trace.detections)))
    messages.print(table)
    _write(race_report(str(image), pixels, CLASSES, traces), json_file)


@command()
def segment(
    image: Annotated[Path, typer.Argument(help="A JPEG, PNG, WebP, GIF ... file.")],
    out: Annotated[Path, typer.Option(help="The PNG to write: its pixels are class numbers, with colours to them.")],
    model: Annotated[str, typer.Option(help=", ".join(segmentation.NAMES))] = "fcn8s",
) -> None:
    """Label every pixel of an image, timed stage by stage."""
    (name,) = _chosen(model, segmentation.NAMES)
    pixels = read_image(image)
    trace = run(segmentation.load(name), pixels)
    labels = labels_of(trace.result)
    with _writing(out):
        label_picture(labels).save(out, "PNG")
    stages = Table(_("Stage"), "ms")
    for step in trace.steps:
        stages.add_row(_(step.name), f"{1000 * step.seconds:.1f}")
    shares = Table(_("Class"), _("% of pixels"))
    for label in labels.unique().tolist():
        shares.add_row(_(CLASSES[label]), f"{100 * (labels == label).float().mean():.1f}")
    messages.print(stages, shares)


@command()
def train(
    name: Annotated[
        str, typer.Argument(help=f"One of {', '.join(RECIPES)}, or all; with --data, one of {', '.join(TUNABLE)}.")
    ],
    minutes: Annotated[float | None, typer.Option(min=0.01, help="End the gradient steps after this time.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, ...")] = "cpu",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from where the last training stopped.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the weights and their card go.")] = SHAPES.folder,
    data: Annotated[
        str | None,
        typer.Option(
            help="Instead of the recipe's scenes: a folder in Pascal VOC's layout, of images with masks or, for a "
            "classifier, with one folder a class; or scenes, or digits."
        ),
    ] = None,
    start: Annotated[
        str, typer.Option("--from", help="With --data: a checkpoint's name, a .safetensors file, or nothing.")
    ] = "trunk",
    freeze: Annotated[Freeze, typer.Option(help="With --data: what stays as it came.")] = "none",
    out: Annotated[Path | None, typer.Option(help="With --data: the run directory.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="With --data: end after so many steps.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="With --data: images a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=0.0, help="With --data: the highest.")] = None,
    patience: Annotated[int | None, typer.Option(min=1, help="With --data: scores without a gain that end it.")] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LAST_SEED, help="With --data: of the order, the augmentation and new layers.")
    ] = 0,
) -> None:
    """Train a model by its recipe, or on your own data; Ctrl-C keeps what has been learnt for --resume.

    Several processes share each batch: torchrun --nproc-per-node=2 -m core train yolo --data FOLDER
    """
    check_device(device)
    with joined_team(device) as (team, own_device):
        if data is None:
            if team.size > 1:
                _fail(_("Several processes train with --data FOLDER, or --data scenes for the scenes."))
            for one in _chosen(name, tuple(RECIPES), AT_ONCE):
                _train_by_recipe(one, minutes, device, resume, folder)
            return
        (model,) = _chosen(name, TUNABLE)
        given = {"batch_size": batch_size, "learning_rate": learning_rate}
        plan = plan_for(
            model,
            data,
            start=None if start == NOTHING else start,
            freeze=freeze,
            steps=steps,
            minutes=minutes,
            patience=patience,
            seed=seed,
            **{key: value for key, value in given.items() if value is not None},
        )
        place = out or RUNS / f"{model}-{datetime.now():%Y%m%d-%H%M%S}"
        _tune(plan, place, own_device, resume, folder, team)


def _train_by_recipe(name: str, minutes: float | None, device: str, resume: bool, folder: Path) -> None:
    try:
        with _training_progress() as progress:
            task = progress.add_task(name, total=1.0)
            for step in train_by_recipe(name, minutes, device, resume, replace(SHAPES, folder=folder)):
                progress.update(task, completed=step.done, description=_described(name, step))
    except KeyboardInterrupt:
        _fail(_("Stopped. Go on with: python -m core train {name} --resume").format(name=name))


def _tune(plan: Plan, out: Path, device: str, resume: bool, checkpoints: Path, team: Team) -> None:
    """Train by ``plan``; one process of a team tells what happens."""
    try:
        with _training_progress(team.leads) as progress:
            task = progress.add_task(plan.model, total=1.0)
            for event in tune(plan, out, None, device, resume, checkpoints, team):
                if isinstance(event, TrainingStep):
                    progress.update(task, completed=event.done, description=_described(plan.model, event))
                elif team.leads:
                    _say(event, out)
    except KeyboardInterrupt:
        _fail(_("Stopped. Go on with the same command and --resume --out {folder}").format(folder=out))


def _training_progress(shown: bool = True) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=messages, disable=not shown)


def _say(event: Event, out: Path) -> None:
    """Print what a training on one's own data tells beside its steps."""
    if isinstance(event, Begun):
        for note in event.notes:
            messages.print(note, markup=False)
        named = ", ".join(name for name in event.classes if name != "background")
        words = {"images": event.images, "validation": event.validation_images, "classes": named}
        messages.print(_("{images} images to learn from, {validation} to validate; {classes}").format(**words))
        if event.taken:
            kept, new = len(event.taken.taken), ", ".join(event.taken.new) or _("none")
            messages.print(_("Taken over: {count} tensors; new: {new}").format(count=kept, new=new), markup=False)
        learning = {"learning": event.learning, "all": event.parameters}
        messages.print(_("{learning:,} of {all:,} parameters learn").format(**learning))
    elif isinstance(event, Scored | Ended):
        figures = ", ".join(f"{_(TITLES[key])} {value:.3f}" for key, value in event.scores.items())
        messages.print(_("After step {step}: {figures}").format(step=event.step, figures=figures), markup=False)
    if isinstance(event, Ended):
        messages.print(_("The run is in {folder}").format(folder=out), markup=False, soft_wrap=True)


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
    json_file: JsonFile = None,
) -> None:
    """Measure detectors and segmenters on scenes that training never saw, or on a folder of photos.

    The standard measurement (500 medium scenes of seed 0) also goes onto the checkpoints' cards, which the pages show.
    """
    (difficulty,) = _chosen(difficulty, tuple(DIFFICULTIES))
    standard = data is None and (images, seed, difficulty) == (STANDARD_IMAGES, 0, "medium")
    described: dict[str, Any] = {"folder": str(data)}
    if data is None:
        described = {"split": "test", "difficulty": difficulty, "seed": seed}
    report: dict[str, Any] = {"data": described, "detectors": {}, "segmenters": {}}
    at_once = (*NAMES, *segmentation.NAMES, UpsamplingStudy.name)
    for one in _chosen(name, (*at_once, *UPSAMPLERS), at_once):
        kind, measure = ("detectors", _measured) if one in NAMES else ("segmenters", _measured_segmenters)
        samples: Samples = ShapeScenes("test", images, difficulty, seed)
        if data:
            folder = VOCFolder(data, CLASSES) if one in NAMES else MaskFolder(data, CLASSES)
            for note in folder.notes:
                messages.print(note)
            samples = folder
        count = described["images"] = min(images, len(samples))
        measured = measure(one, samples, count)
        report[kind] |= measured
        if standard:
            _note_on_card(measured, described)
    for kind, columns in COLUMNS.items():
        if report[kind]:
            messages.print(_figures(report[kind], columns))
    _write(report, json_file)


@command()
def check(
    folder: Annotated[Path, typer.Argument(help="Pascal VOC's layout, images with masks, or one folder a class.")],
    clean: Annotated[Path | None, typer.Option(help="Write a copy without the flaws to this new folder.")] = None,
    json_file: JsonFile = None,
) -> None:
    """Report what is wrong with a folder of training data; nothing in it is changed."""
    report = check_folder(folder)
    if clean:
        write_cleaned(report, clean)
    counts = ", ".join(f"{count} {name}" for name, count in report.objects.items())
    sentence = _("{count} images that can be used: {counts}")
    messages.print(sentence.format(count=len(report.files), counts=counts), markup=False, soft_wrap=True)
    for kind, items in report.flaws.items():
        words = {"title": _(KINDS[kind].title), "count": len(items), "cleaned": _(KINDS[kind].cleaned)}
        messages.print(
            _("{title}: {count}; in a cleaned copy: {cleaned}").format(**words),
            style="bold",
            markup=False,
            soft_wrap=True,
        )
        for line in [*map(str, items[:SHOWN_FLAWS]), *(["..."] if items[SHOWN_FLAWS:] else [])]:
            messages.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    if not report.flaws:
        messages.print(_("No flaw was found."))
    _write(as_json(report), json_file)


@command()
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer repetitions, to see that everything runs.")] = False,
    json_file: JsonFile = None,
) -> None:
    """Measure speed as ratios: detectors against torchvision and each other, a slid patch against one pass, ..."""
    # Imported by name: benchmarks stand outside core and import it.
    parts = {part: import_module(f"benchmarks.{part}") for part in ("detectors", "segmentation", "training")}
    report = {part: module.measure(quick, messages.print) for part, module in parts.items()}
    _write(report, json_file or Path("-"))


def _chosen(names: str, known: tuple[str, ...], at_once: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Read names with commas between, or ``all``: those ``at_once``, which are the ``known`` ones unless it says."""
    chosen = (at_once or known) if names == "all" else tuple(name.strip() for name in names.split(","))
    for name in chosen:
        if name not in known:
            sentence = _("there is no {name!r}: choose among {known}, or all.")
            raise typer.BadParameter(sentence.format(name=name, known=", ".join(known)))
    return chosen


def _fail(sentence: str) -> NoReturn:
    messages.print(sentence, style="red", markup=False)
    raise typer.Exit(1)


def _write(report: dict[str, Any], file: Path | None) -> None:
    text = json.dumps(report, indent=2) + "\n"
    if file == Path("-"):
        sys.stdout.write(text)
    elif file:
        with _writing(file):
            file.write_text(text)


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    """Say in a sentence that ``file`` cannot be written."""
    try:
        yield
    except OSError:
        _fail(_("{file} cannot be written: choose another place.").format(file=file))


def _described(name: str, step: TrainingStep) -> str:
    parts = ", ".join(f"{part} {value:.3f}" for part, value in step.losses.items())
    return f"{name}, {step.stage}, {step.step}: {parts}"


def _measured(name: str, samples: Samples, count: int) -> dict[str, Any]:
    detector = load(name)
    return {name: as_report(evaluate(_tracked(name, outcomes(detector, samples, count), count), detector.classes))}


def _measured_segmenters(name: str, samples: Samples, count: int) -> dict[str, Any]:
    """Measure one segmenter, or one of the upsampling study's, or each of those."""
    if name == UpsamplingStudy.name:
        segmenters: dict[str, Segmenter | MaskRCNN] = dict(studied())
    elif name in UPSAMPLERS:
        segmenters = {name: studied((name,))[name]}
    else:
        segmenters = {name: segmentation.load(name)}
    return {
        one: evaluate_segmenter(_tracked(one, segmented(segmenter, samples, count), count), segmenter.classes)
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


def _note_on_card(measured: dict[str, Any], data: dict[str, Any]) -> None:
    """Write what was ``measured`` on ``data``, model by model, onto the models' cards."""
    for name, figures in measured.items():
        report = dict(figures)
        by_threshold = {key: report.pop(key) for key in ("map50_by_nms_threshold",) if key in report}
        card = head_of(name) if name in UPSAMPLERS else name
        update_card(card, SHAPES.folder, evaluation={"data": data} | report, **by_threshold)


if __name__ == "__main__":
    language.set(of_environment(os.environ))
    app()
