"""What all commands share: where they talk, how they fail, and how names and files are given."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec

import typer
from rich.console import Console

from core.families import FAMILIES, Family
from core.faults import logged
from core.i18n import N_, _

Given = ParamSpec("Given")

# The figures of models, in the order in which tables have them.
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
        "mask_ap75": N_("Mask AP@0.75"),
    },
}

app = typer.Typer(add_completion=False, no_args_is_help=True)
messages = Console(stderr=True)

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
                fail(logged(error))

        return app.command(name)(saying)

    return registered


def chosen(names: str, known: tuple[str, ...], at_once: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Read names with commas between, or ``all``: those ``at_once``, which are the ``known`` ones unless it says."""
    chosen = (at_once or known) if names == "all" else tuple(name.strip() for name in names.split(","))
    for name in chosen:
        if name not in known:
            sentence = _("there is no {name!r}: choose among {known}, or all.")
            raise typer.BadParameter(sentence.format(name=name, known=", ".join(known)))
    return chosen


def chosen_family(name: str) -> Family:
    """Return the family of trained models called ``name``."""
    (one,) = chosen(name, tuple(FAMILIES))
    return FAMILIES[one]


def fail(sentence: str) -> NoReturn:
    """Say ``sentence`` and end with 1."""
    messages.print(sentence, style="red", markup=False)
    raise typer.Exit(1)


def write(report: dict[str, Any], file: Path | None) -> None:
    """Write ``report`` as JSON to ``file``, - being the screen; nothing where it is None."""
    text = json.dumps(report, indent=2) + "\n"
    if file == Path("-"):
        sys.stdout.write(text)
    elif file:
        with writing(file):
            file.write_text(text, "utf-8")


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """Say in a sentence that ``file`` cannot be written."""
    try:
        yield
    except OSError:
        fail(_("{file} cannot be written: choose another place.").format(file=file))
