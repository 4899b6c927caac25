"""Boxes as rows of a table that a person edits: written out, and read back with every mistake named by its row."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from core.faults import UserError
from core.i18n import _
from core.values import Detections

COLUMNS = ("class", "score", "x0", "y0", "x1", "y1")


class TableError(UserError):
    """A row is wrong; the message is one sentence that names it and says what to do."""


def to_rows(found: Detections, classes: tuple[str, ...], most: int) -> list[dict[str, Any]]:
    """Return the first ``most`` boxes ``found`` as rows of ``COLUMNS``: scores to 2 digits, pixels to 1."""
    shown = zip(found.labels[:most].tolist(), found.scores.tolist(), found.boxes.tolist(), strict=False)
    return [
        dict(zip(COLUMNS, (classes[label], round(score, 2), *(round(edge, 1) for edge in box)), strict=True))
        for label, score, box in shown
    ]


def read_rows(rows: Sequence[Mapping[Any, Any]], classes: tuple[str, ...], width: int, height: int) -> Detections:
    """Read rows of ``COLUMNS`` back, in their order, as boxes in an image of ``width`` x ``height`` pixels.

    ``classes`` names the labels, 0 being the background.

    Raises:
        TableError: a class is unknown, a number missing, out of order or out of range; the sentence names the row,
            counted from 1.
    """
    for number, row in enumerate(rows, 1):
        complaint = _complaint(row, classes, width, height)
        if complaint:
            raise TableError(_("Row {number}: {complaint}").format(number=number, complaint=complaint))
    return Detections(
        torch.tensor([[float(row[edge]) for edge in COLUMNS[2:]] for row in rows]).reshape(-1, 4),
        torch.tensor([float(row["score"]) for row in rows]),
        torch.tensor([classes.index(row["class"]) for row in rows], dtype=torch.int64),
    )


def _complaint(row: Mapping[Any, Any], classes: tuple[str, ...], width: int, height: int) -> str | None:
    if row["class"] not in classes[1:]:
        return _("choose a class, one of {names}.").format(names=", ".join(classes[1:]))
    for column in COLUMNS[1:]:
        value = row[column]
        if not isinstance(value, int | float) or not math.isfinite(value):
            return _("fill in {column} with a number.").format(column=column)
    limits = {"score": 1, "x0": width, "x1": width, "y0": height, "y1": height}
    for column, most in limits.items():
        if not 0 <= row[column] <= most:
            return _("{column} is to lie between 0 and {most}.").format(column=column, most=most)
    for low, high in (("x0", "x1"), ("y0", "y1")):
        if row[low] >= row[high]:
            return _("{low} is to be less than {high}: swap or move them.").format(low=low, high=high)
    return None
