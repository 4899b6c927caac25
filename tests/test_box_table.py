"""The table of boxes: what is written out can be read back, and a wrong row is named."""

from typing import Any

import pytest
import torch

from core.box_table import COLUMNS, TableError, read_rows, to_rows
from core.values import Detections

CLASSES = ("background", "star", "ring")


def row(**changes: Any) -> dict[str, Any]:
    return {"class": "star", "score": 0.5, "x0": 10.0, "y0": 20.0, "x1": 30.0, "y1": 40.0, **changes}


def test_rows_come_back_as_the_boxes_that_they_were() -> None:
    found = Detections(
        torch.tensor([[1.5, 2.0, 30.25, 40.0], [0.0, 0.0, 64.0, 48.0]]), torch.tensor([0.91, 0.5]), torch.tensor([2, 1])
    )
    rows = to_rows(found, CLASSES, most=10)
    assert tuple(rows[0]) == COLUMNS and rows[0]["class"] == "ring" and rows[0]["score"] == 0.91
    back = read_rows(rows, CLASSES, width=64, height=48)
    torch.testing.assert_close(back.boxes, found.boxes, atol=0.05, rtol=0)
    torch.testing.assert_close(back.scores, found.scores)
    assert back.labels.equal(found.labels)
    assert len(to_rows(found, CLASSES, most=1)) == 1


def test_an_empty_table_is_no_box() -> None:
    none = read_rows([], CLASSES, 64, 48)
    assert none.boxes.shape == (0, 4) and none.scores.shape == (0,) and none.labels.dtype == torch.int64


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"x0": 30.0, "x1": 10.0}, "x0 is to be less than x1"),
        ({"y0": 40.0}, "y0 is to be less than y1"),
        ({"x1": 65.0}, "x1 is to lie between 0 and 64"),
        ({"y0": -1.0}, "y0 is to lie between 0 and 48"),
        ({"score": 1.5}, "score is to lie between 0 and 1"),
        ({"score": float("nan")}, "fill in score"),
        ({"x0": float("inf")}, "fill in x0"),
        ({"y1": None}, "fill in y1"),
        ({"class": "cat"}, "choose a class, one of star, ring"),
        ({"class": "background"}, "choose a class"),
        ({"class": None}, "choose a class"),
    ],
)
def test_a_wrong_row_is_named(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TableError) as caught:
        read_rows([row(), row(), row(**changes)], CLASSES, width=64, height=48)
    assert str(caught.value).startswith(f"Row 3: {complaint}") and str(caught.value).endswith(".")
