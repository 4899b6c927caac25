"""What the transfer learning page is given: results by number of images, answers, and pictures of fixed images."""

import base64
import io
import json
from dataclasses import replace

import pytest
import torch
from PIL import Image

from core.figures.transfer import COLOURS, DASHES, THUMBNAIL, board_data, counts_data
from core.transfer.ways import WAYS, Learnt, Look, Opened, Plan, Timing

PLANS = [Plan(way) for way in WAYS]
PICTURES = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)
PICTURES[1, 0] = 255
OPENED = Opened(("a", "b"), (9, 9), (0, 1, 1, 0), (2, 0), PICTURES, ())


def learnt(plan: Plan, accuracy: float, answers: tuple[int, ...] = (0, 1, 0, 0)) -> Learnt:
    looks = (Look(plan, 75, 2.0, 0.1), Look(plan, 150, 1.0, accuracy))
    return Learnt(plan, 40, looks, Timing(0.5), answers, (0.5, 0.6, 0.7, 0.8))


def test_nothing_is_known_at_first_but_the_networks() -> None:
    data = board_data(PLANS, None, [], [])
    assert json.loads(json.dumps(data))["chosen"] == 20
    assert [way["looks"] for way in data["ways"]] == [[], [], []]
    assert all(way["epoch"] is None and way["accuracy"] is None for way in data["ways"])
    assert data["answers"] == {} and data["pictures"] == [] and data["counts"] == []


def test_looks_of_a_training_that_goes_on_are_its_own() -> None:
    looks = [Look(PLANS[0], 15, 2.0, 0.25), Look(replace(PLANS[0], seed=1), 15, 9.0, 0.9), Look(PLANS[2], 15, 3.0, 0.1)]
    ways = board_data(PLANS, OPENED, looks, [])["ways"]
    assert [way["looks"] for way in ways] == [[[15, 2.0, 0.25]], [], [[15, 3.0, 0.1]]]


def test_scores_are_gathered_over_seeds_and_numbers_of_images_and_nothing_else() -> None:
    head, everything, _scratch = PLANS
    results = [
        learnt(head, 0.5),
        learnt(replace(head, seed=1), 0.25),
        learnt(replace(head, per_class=5), 0.125),
        learnt(replace(head, steps=500), 0.99),
        learnt(replace(everything, shifted=True), 0.99),
        learnt(everything, 0.75),
    ]
    assert counts_data(PLANS, results) == [
        {"way": "head", "count": 5, "scores": [0.125]},
        {"way": "head", "count": 20, "scores": [0.25, 0.5]},
        {"way": "everything", "count": 20, "scores": [0.75]},
    ]


def test_answers_are_those_of_the_fixed_images_and_the_matrix_has_all() -> None:
    answers = board_data(PLANS, OPENED, [], [learnt(PLANS[0], 0.75)])["answers"]
    assert answers == {"head": {"labels": [0, 0], "certainties": [0.7, 0.5], "confusion": [[2, 0], [1, 1]]}}


def test_pictures_are_the_fixed_images() -> None:
    data = board_data(PLANS, OPENED, [], [])
    assert data["truth"] == [1, 0]
    head, body = data["pictures"][1].split(",")
    assert head == "data:image/webp;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(body))).convert("RGB")
    assert picture.size == (THUMBNAIL, THUMBNAIL)
    assert picture.getpixel((9, 9)) == pytest.approx((255, 0, 0), abs=12)


def test_ways_differ_in_more_than_colour() -> None:
    assert set(COLOURS) == set(DASHES) == set(WAYS)
    assert len(set(DASHES.values())) == len(WAYS)
