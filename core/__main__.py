"""The command line, on the same code as the pages: detect, train, evaluate, bench."""

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from core.data import ShapeScenes
from core.data.folders import FolderError, VOCFolder
from core.data.scenes import CLASSES, DIFFICULTIES
from core.detectors import DETECTORS, NAMES, Detector, Trace, load, run
from core.detectors.report import race_report
from core.evaluation import Evaluation, Outcome, Samples, as_report, evaluate, outcomes
from core.i18n import _
from core.images import ImageError, read_image
from core.training.checkpoint import FOLDER, CheckpointError, update_card
from core.training.loop import TrainingStep
from core.training.recipes import RECIPES, train_by_recipe

STANDARD_IMAGES = 500  # of the test split, medium, seed 0: what the checkpoints' cards and the pages show

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
messages = Console(stderr=True)

Names = Annotated[str, typer.Argument(help="A name, several with commas between, or all.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the result to this file; - is the screen.")]


@app.command()
def detect(
    image: Annotated[Path, typer.Argument(help="A JPEG, PNG, WebP, GIF ... file.")],
    detectors: Annotated[str, typer.Option(help="Names with commas between, or all.")] = "all",
    regions: Annotated[int, typer.Option(min=1, help="Region proposals at most.")] = 2000,
    json_file: JsonFile = None,
) -> None:
    """Run detectors on one image, timed stage by stage."""
    names = _chosen(detectors, NAMES)
    try:
        pixels = read_image(image)
        traces: dict[str, Trace] = {}
        for name in names:
            detector = load(name)
            detector.limit_regions(regions)
            traces[name] = run(detector, pixels)
    except (ImageError, CheckpointError) as error:
        _fail(error)
    table = Table(_("Detector"), _("Total (ms)"), _("Stages (ms)"), _("Detections"))
    for name, trace in traces.items():
        stages = ", ".join(f"{step.name} {1000 * step.seconds:.1f}" for step in trace.steps)
        table.add_row(DETECTORS[name].title, f"{1000 * trace.seconds:.1f}", stages, str(len(trace.detections)))
    messages.print(table)
    _write(race_report(str(image), pixels, CLASSES, traces), json_file)


@app.command()
def train(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(RECIPES)}, or all.")],
    minutes: Annotated[float | None, typer.Option(min=0.01, help="End the gradient steps after this time.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, ...")] = "cpu",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from where the last training stopped.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the weights and their card go.")] = FOLDER,
) -> None:
    """Train a model by its recipe; Ctrl-C keeps what has been learnt for --resume."""
    for one in _chosen(name, tuple(RECIPES)):
        progress = Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn(), console=messages
        )
        try:
            with progress:
                task = progress.add_task(one, total=1.0)
                for step in train_by_recipe(one, minutes, device, resume, folder):
                    progress.update(task, completed=step.done, description=_described(one, step))
        except (CheckpointError, RuntimeError) as error:
            _fail(error)
        except KeyboardInterrupt:
            _fail(_("Stopped. Go on with: python -m core train {name} --resume").format(name=one))


@app.command("evaluate")
def evaluate_command(
    name: Names,
    images: Annotated[int, typer.Option(min=1, help="Scenes or photos, at most.")] = STANDARD_IMAGES,
    seed: Annotated[int, typer.Option(min=0, help="Gives scenes that no other seed gives.")] = 0,
    difficulty: Annotated[str, typer.Option(help=", ".join(DIFFICULTIES))] = "medium",
    data: Annotated[Path | None, typer.Option(help="A folder in Pascal VOC's layout, instead of scenes.")] = None,
    json_file: JsonFile = None,
) -> None:
    """Measure detectors on scenes that training never saw, or on a folder of photos.

    The standard measurement (500 medium scenes of seed 0) also goes onto the checkpoints' cards, which the pages show.
    """
    names = _chosen(name, NAMES)
    try:
        samples: Samples = VOCFolder(data, CLASSES) if data else ShapeScenes("test", images, difficulty, seed)
        for note in getattr(samples, "notes", ()):
            messages.print(note)
        count = min(images, len(samples))
        standard = data is None and (images, seed, difficulty) == (STANDARD_IMAGES, 0, "medium")
        described = {"split": "test", "difficulty": difficulty, "seed": seed} if data is None else {"folder": str(data)}
        results: dict[str, Evaluation] = {}
        for one in names:
            detector = load(one)
            results[one] = evaluate(_tracked(one, detector, samples, count), detector.classes)
            if standard:
                _note_on_card(one, results[one], described | {"images": count})
    except (FolderError, CheckpointError, ValueError) as error:
        _fail(error)
    messages.print(_evaluation_table(results))
    reports = {one: as_report(result) for one, result in results.items()}
    _write({"data": described | {"images": count}, "detectors": reports}, json_file)


@app.command()
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer repetitions, to see that everything runs.")] = False,
    json_file: JsonFile = None,
) -> None:
    """Measure speed as ratios: against torchvision, R-CNN against Fast R-CNN, the stopwatch, all five together."""
    # Imported by name: benchmarks stand outside core and import it.
    report = import_module("benchmarks.detectors").measure(quick, messages.print)
    _write(report, json_file or Path("-"))


def _chosen(names: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Read names with commas between, or ``all``."""
    chosen = known if names == "all" else tuple(name.strip() for name in names.split(","))
    for name in chosen:
        if name not in known:
            sentence = _("there is no {name!r}: choose among {known}, or all.")
            raise typer.BadParameter(sentence.format(name=name, known=", ".join(known)))
    return chosen


def _fail(error: object) -> NoReturn:
    messages.print(str(error), style="red", markup=False)
    raise typer.Exit(1)


def _write(report: dict[str, Any], file: Path | None) -> None:
    text = json.dumps(report, indent=2) + "\n"
    if file == Path("-"):
        sys.stdout.write(text)
    elif file:
        file.write_text(text)


def _described(name: str, step: TrainingStep) -> str:
    parts = ", ".join(f"{part} {value:.3f}" for part, value in step.losses.items())
    return f"{name}, {step.stage}, {step.step}: {parts}"


def _tracked(name: str, detector: Detector, samples: Samples, count: int) -> Iterator[Outcome]:
    """Yield the first ``count`` outcomes under a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}"), TimeRemainingColumn())
    with Progress(*columns, console=messages) as progress:
        yield from progress.track(outcomes(detector, samples, count), total=count, description=name)


def _evaluation_table(results: dict[str, Evaluation]) -> Table:
    table = Table(_("Detector"), "mAP@0.5", "mAP@0.75", "mAP@[.5:.95]", _("mAP, VOC 2007"), _("ms an image"))
    for name, one in results.items():
        figures = (one.map50, one.map75, one.map, one.map50_voc07)
        table.add_row(name, *(f"{value:.3f}" for value in figures), f"{1000 * one.seconds_per_image:.1f}")
    return table


def _note_on_card(name: str, result: Evaluation, data: dict[str, Any]) -> None:
    report = as_report(result)
    by_threshold = report.pop("map50_by_nms_threshold")
    update_card(name, evaluation={"data": data} | report, map50_by_nms_threshold=by_threshold)


if __name__ == "__main__":
    app()
