"""What the browser gets of each way of upsampling is what the way makes, and where its figures come from."""

import base64
import json
import zlib
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import core.figures.upsampling as figures
from core.data.scenes import CLASSES, ShapeScenes, label_map
from core.figures.sent.upsampling import EnlargedLevel, EnlargedWay
from core.figures.upsampling import GRIDS, SHADES, board_chart, cells_data, cells_of, scene_data
from core.segmentation.enlarging import as_trained, enlarge_cells, enlarge_scores
from core.segmentation.study import UPSAMPLERS, UpsamplingStudy
from core.segmentation.transposed import energy


@pytest.fixture(scope="module")
def study() -> UpsamplingStudy:
    torch.manual_seed(0)
    return UpsamplingStudy().eval()


@pytest.fixture(scope="module")
def scene() -> tuple[Tensor, dict[str, Tensor]]:
    return ShapeScenes("validation", 10_000, "medium")[1]


@pytest.fixture(scope="module")
def shown(study: UpsamplingStudy, scene: tuple[Tensor, dict[str, Tensor]]) -> Any:
    return scene_data(study, *scene, label=3, trained=True)


def inflated(text: str, *shape: int) -> Tensor:
    numbers = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return torch.from_numpy(numbers.astype(np.int64).reshape(shape))


def values_of(level: EnlargedLevel) -> Tensor:
    places = inflated(level["values"], level["rows"], level["columns"])
    return (places - 128) / 127 * level["most"]


def assert_maps(ways: list[EnlargedWay], made: dict[str, Any], label: int) -> None:
    """The maps travel as bytes, so half a step of 1/127 of the greatest value may be lost."""
    assert [way["name"] for way in ways] == list(UPSAMPLERS)
    for way in ways:
        for level, scores in zip(way["levels"], made[way["name"]].scores, strict=True):
            torch.testing.assert_close(values_of(level), scores[label], atol=level["most"] / 250, rtol=0)


def test_letters_are_quarters() -> None:
    cells = cells_of(SHADES * 4)
    assert cells.flatten()[:9].tolist() == [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1]
    assert cells_of(GRIDS["dot"]).sum() == 1 and cells_of(GRIDS["dot"])[2, 2] == 1
    assert all(len(grid) == 36 for grid in GRIDS.values())


@pytest.mark.parametrize("text", ["", "e" * 35, "z" * 36, "<script>"])
def test_what_is_no_grid_is_the_first_one(text: str) -> None:
    assert torch.equal(cells_of(text), cells_of(GRIDS["corner"]))


def test_cells_arrive_as_they_were_enlarged(study: UpsamplingStudy) -> None:
    data = cells_data(GRIDS["edge"], 2, as_trained(study))
    assert_maps(data["ways"], enlarge_cells(cells_of(GRIDS["edge"]), 2, as_trained(study)), 0)
    assert (data["height"], data["width"], data["image"]) == (96, 96, None)
    begun = cells_data(GRIDS["edge"], 0, None)
    assert_maps(begun["ways"], enlarge_cells(cells_of(GRIDS["edge"]), 0, None), 0)
    json.dumps(data), json.dumps(begun)


def test_an_empty_grid_stays_empty() -> None:
    for way in cells_data(GRIDS["empty"], 0, None)["ways"]:
        assert all(values_of(level).abs().sum() == 0 for level in way["levels"])


@pytest.mark.slow
def test_scores_arrive_as_they_were_enlarged(
    study: UpsamplingStudy, scene: tuple[Tensor, dict[str, Tensor]], shown: Any
) -> None:
    made = enlarge_scores(study, scene[0], trained=True)
    assert_maps(shown["ways"], made, 3)
    true = label_map(scene[1]["masks"], scene[1]["labels"])
    assert torch.equal(inflated(shown["truth"], 256, 256), true)
    for way in shown["ways"]:
        scores = made[way["name"]].scores[-1]
        assert torch.equal(inflated(way["labels"], 256, 256), scores.argmax(0))
        assert way["checkerboard"] == pytest.approx(energy(scores, 16).of_variation)
        assert 0 <= way["here"] < 1 and way["ms"] > 0
    assert [one["name"] for one in shown["classes"]] == list(CLASSES) and shown["label"] == 3
    json.dumps(shown)


@pytest.mark.slow
def test_costs_are_those_of_four_doublings(shown: Any) -> None:
    costs = {way["name"]: (way["parameters"], way["multiplyAdds"]) for way in shown["ways"]}
    cells = 16 * 16 * (1 + 4 + 16 + 64)
    assert costs["nearest"] == (0, 0)
    assert costs["deconvolution"] == (4 * 16 * 49, 16 * 49 * cells)
    assert costs["deconvolution_uneven"] == (4 * 9 * 49, 9 * 49 * cells)
    assert costs["pixel_shuffle"] == (4 * 36 * 49, 36 * 49 * cells)


def test_without_truth_or_training_there_is_nothing_to_compare_with(
    study: UpsamplingStudy, scene: tuple[Tensor, dict[str, Tensor]]
) -> None:
    data = scene_data(study, scene[0], None, None, trained=False)
    assert data["truth"] is None and 1 <= data["label"] < len(CLASSES)
    assert all(way["here"] is None and "mean_iou" not in way for way in data["ways"])


def test_the_most_frequent_class_is_not_the_background() -> None:
    assert figures._most_frequent(torch.tensor([[0, 0, 0, 4, 4, 2]])) == 4
    assert figures._most_frequent(torch.zeros(2, 2, dtype=torch.int64)) == 1


@pytest.mark.slow
def test_figures_on_the_test_scenes_come_from_the_card(
    study: UpsamplingStudy,
    scene: tuple[Tensor, dict[str, Tensor]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bicubic = {"evaluation": {"data": {"images": 500}, "mean_iou": 0.8, "boundary_f": 0.7, "more": 1}}
    monkeypatch.setattr(figures, "card_of", lambda name, _family: bicubic if name == "upsamplers/bicubic" else {})
    ways = {way["name"]: way for way in scene_data(study, *scene, label=1, trained=True)["ways"]}
    assert (ways["bicubic"]["mean_iou"], ways["bicubic"]["boundary_f"]) == (0.8, 0.7)
    assert ways["nearest"]["mean_iou"] is None
    assert figures.tested_on("shapes") == 500
    monkeypatch.setattr(figures, "card_of", lambda name, _family: {})
    assert figures.tested_on("shapes") is None


def test_the_chart_shows_every_way_by_its_checkerboard(
    study: UpsamplingStudy, scene: tuple[Tensor, dict[str, Tensor]], shown: Any
) -> None:
    (bars,) = board_chart(study, scene[0], {name: name.upper() for name in UPSAMPLERS}).data
    shares = {way["name"].upper(): 100 * way["checkerboard"] for way in shown["ways"]}
    assert dict(zip(bars.y, bars.x, strict=True)) == pytest.approx(shares)
    assert list(bars.x) == sorted(bars.x)
