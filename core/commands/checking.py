"""The command that says what is wrong with a folder of training data."""

from pathlib import Path
from typing import Annotated

import typer

from core.commands.console import JsonFile, command, messages, write
from core.data.checking import check_folder
from core.data.cleaned import write_cleaned
from core.data.flaws import KINDS, as_json
from core.i18n import _

SHOWN_FLAWS = 10  # of each kind


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
    write(as_json(report), json_file)
