"""The command that measures speed."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from core.commands.console import JsonFile, command, messages, write


@command()
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer repetitions, to see that everything runs.")] = False,
    json_file: JsonFile = None,
) -> None:
    """Measure speed as ratios: detectors against torchvision and each other, a slid patch against one pass, ..."""
    # Imported by name: benchmarks stand outside core and import it.
    parts = {part: import_module(f"benchmarks.{part}") for part in ("detectors", "segmentation", "training")}
    report = {part: module.measure(quick, messages.print) for part, module in parts.items()}
    write(report, json_file or Path("-"))
