"""The command that trains: a model by its recipe, or on one's own data."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from core.checkpoint import TRUNK
from core.commands.console import COLUMNS, chosen, chosen_family, command, fail, messages
from core.data.scenes import LAST_SEED
from core.families import FAMILIES, SHAPES, Family
from core.i18n import N_, _
from core.training import imagenet
from core.training.events import Begun, Ended, Event, Scored
from core.training.loop import TrainingStep, check_device
from core.training.plan import NAMES as TUNABLE
from core.training.plan import Plan, plan_for
from core.training.recipes import AT_ONCE, PHOTO_RECIPES, RECIPES, RUNS, train_by_recipe
from core.training.team import Team, joined_team
from core.training.tuning import tune

TITLES = COLUMNS["detectors"] | COLUMNS["segmenters"] | {"accuracy": N_("Accuracy")}
TOLD_EVERY = 20  # steps, where there is no terminal that a bar could move on
NOTHING = "nothing"  # to start from: random weights

Freeze = Literal["none", "trunk"]


@command()
def train(
    name: Annotated[
        str, typer.Argument(help=f"One of {', '.join(RECIPES)}, or all; with --data, one of {', '.join(TUNABLE)}.")
    ],
    minutes: Annotated[float | None, typer.Option(min=0.01, help="End the gradient steps after this time.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, ...")] = "cpu",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from where the last training stopped.")] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Where the weights and their card go, instead of the family's place.")
    ] = None,
    family: Annotated[
        str,
        typer.Option(
            help=f"{', '.join(FAMILIES)}: which models to train. photos learns from --data by its own recipes, and "
            "its trunk is taken over from ImageNet."
        ),
    ] = SHAPES.name,
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
    out: Annotated[
        Path | None, typer.Option(help="With --data: the run directory; of recipes, where their states are.")
    ] = None,
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
    trained = chosen_family(family)
    if folder:
        trained = replace(trained, folder=folder)
    if trained.data:
        _train_on_photos(name, minutes, device, resume, trained, data, out)
        return
    with joined_team(device) as (team, own_device):
        if data is None:
            if team.size > 1:
                fail(_("Several processes train with --data FOLDER, or --data scenes for the scenes."))
            for one in chosen(name, tuple(RECIPES), AT_ONCE):
                _train_by_recipe(one, minutes, device, resume, trained)
            return
        (model,) = chosen(name, TUNABLE)
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
        _tune(plan, place, own_device, resume, trained.folder, team)


def _train_on_photos(
    name: str, minutes: float | None, device: str, resume: bool, family: Family, data: str | None, out: Path | None
) -> None:
    for one in chosen(name, (TRUNK, *PHOTO_RECIPES)):
        if one == TRUNK:
            imagenet.take_over(family.folder)
        else:
            _train_by_recipe(one, minutes, device, resume, family, Path(data).resolve() if data else None, out)


def _train_by_recipe(
    name: str,
    minutes: float | None,
    device: str,
    resume: bool,
    family: Family,
    data: Path | None = None,
    states: Path | None = None,
) -> None:
    try:
        with _training_progress() as progress:
            task = progress.add_task(name, total=1.0)
            for step in train_by_recipe(name, minutes, device, resume, family, data, states):
                progress.update(task, completed=step.done, description=_described(name, step))
                if not messages.is_terminal and step.step % TOLD_EVERY == 0:
                    messages.print(_described(name, step), markup=False, soft_wrap=True)
    except KeyboardInterrupt:
        if data:
            fail(_("Stopped. Go on with the same command and --resume"))
        fail(_("Stopped. Go on with: python -m core train {name} --resume").format(name=name))


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
        fail(_("Stopped. Go on with the same command and --resume --out {folder}").format(folder=out))


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


def _described(name: str, step: TrainingStep) -> str:
    parts = ", ".join(f"{part} {value:.3f}" for part, value in step.losses.items())
    return f"{name}, {step.stage}, {step.step}: {parts}"
