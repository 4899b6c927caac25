"""A short program that shows what a page shows, from a clone of the repository: as Python and as a notebook."""

import json
from dataclasses import dataclass
from string import Template

from core.data.scenes import DIFFICULTIES
from core.families import SHAPES

SCENES = 10_000  # of the validation split, which the pages show

HEADER = """\
# $title
#
# Put this file into the folder of a clone of Visible Vision, and run: python $file

"""


@dataclass(frozen=True)
class Script:
    """A program: ``name`` is its file's, without the ending; ``text`` is Python."""

    name: str
    text: str

    def notebook(self) -> str:
        """Return the program as a Jupyter notebook (nbformat 4.5, JSON): a cell a paragraph, the first in words."""
        header, *paragraphs = self.text.strip().split("\n\n")
        words = "\n".join(line.removeprefix("#").strip() for line in header.splitlines())
        cells = [
            {"id": "words", "cell_type": "markdown", "metadata": {}, "source": words.replace(".py", ".ipynb")},
            *(
                {
                    "id": f"cell-{number}",
                    "cell_type": "code",
                    "metadata": {},
                    "execution_count": None,
                    "outputs": [],
                    "source": paragraph,
                }
                for number, paragraph in enumerate(_whole(paragraphs), 1)
            ),
        ]
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}, indent=1)


def _whole(paragraphs: list[str]) -> list[str]:
    """Join paragraphs that are parts of one statement, as an indented one is of what stands before it."""
    joined: list[str] = []
    for paragraph in paragraphs:
        if joined and paragraph.startswith((" ", ")", "]", "}")):
            joined[-1] += f"\n\n{paragraph}"
        elif paragraph.strip():
            joined.append(paragraph.strip("\n"))
    return joined


def written(name: str, title: str, template: str, **values: object) -> Script:
    """Return the script called ``name`` of a ``template``, in which each ``$key`` stands for one of ``values``."""
    filled = Template(HEADER + template.lstrip("\n")).substitute(title=title, file=f"{name}.py", **values)
    return Script(name, filled)


def named(family: str) -> str:
    """Return what names ``family`` to a function that loads its models, nothing for the one that needs no naming."""
    return "" if family == SHAPES.name else f', "{family}"'


def image_lines(key: str, title: str, family: str = SHAPES.name, masks: bool = False) -> dict[str, str]:
    """Return what a template needs to get the image called ``key``, as the app's image picker calls it: its
    ``image_import``, and the lines ``image`` that name it ``image`` and what ``family`` knows of its ground truth
    ``truth``.

    Of a photo of a set, ``masks`` may be part of that. ``title`` is the name of an uploaded file, which whoever runs
    the script is asked to lay beside it.
    """
    kind, _colon, rest = key.partition(":")
    if kind == "scene":
        index, difficulty = rest.split(":")
        if difficulty not in DIFFICULTIES:
            raise ValueError(f"no difficulty {difficulty!r}")
        scene = f'ShapeScenes("validation", {SCENES}, "{difficulty}")[{int(index)}]'
        return {
            "image_import": "from core.data.scenes import ShapeScenes",
            "image": f"image, truth = {scene}" if family == SHAPES.name else f"image, truth = {scene}[0], None",
        }
    if kind == "photo":
        return {
            "image_import": "from core.data.photos import photo",
            "image": f"image, truth = photo({rest!r}), None",
        }
    if kind == "set":
        name, _colon, number = rest.rpartition(":")
        return {
            "image_import": "from core.data.sources import certain, open_set\nfrom core.families import FAMILIES",
            "image": f"# The set lies in data/, or in the folder that VISIBLE_VISION_DATA names.\n"
            f"photos = open_set({name!r}{', masks=True' if masks else ''})\n"
            f"image, target = photos[{int(number)}]\n"
            f'truth, _unknown = FAMILIES["{family}"].known_part(certain(target), photos.classes)',
        }
    return {
        "image_import": "from core.images import open_image",
        "image": f"# The file that was uploaded, or the picture that was taken: lay it beside this one.\n"
        f"image, truth = open_image(open({title!r}, 'rb').read()).pixels, None",
    }
