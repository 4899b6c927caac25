"""Drawn scenes: the same on any machine, splits and seeds that never meet, honest boxes and masks, colours that say
nothing about the class."""

import hashlib
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.random import Generator
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score
from torch import Tensor
from torch.utils.data import DataLoader

from core.data import ShapeScenes, scenes
from core.data.scenes import CLASSES, DIFFICULTIES, FIRST_INDEX, LONGEST_SPLIT, SIDE, Difficulty, label_map

# Of image, boxes, labels and masks. Whoever draws otherwise on purpose changes these, and trains anew.
DIGESTS = {
    ("train", "easy", 0): "ace47a8ead92aaf6aa37da2fb10b56defd2a8210317f3ff0f237b0b078a22e8a",
    ("train", "medium", 0): "b246bdb8c66d1544bb96cdbc1219544eb8b230c758138ee58a82ab31a5838ffc",
    ("validation", "medium", 1): "a0e67d41db3e09e31e9c2d51eb721fa82240def213d7767169a2bd48c7a6ffb9",
    ("validation", "hard", 7): "94eb126c78d08c134faec206fb94102b7130fca20b886c29febc328615f52462",
    ("test", "medium", 499): "6e4fdea61a007cf985b1b83ec13748c06b06bcc22b042e369a80d017994af8a2",
    ("test", "hard", 12): "cdc43af315983e5e0edcfcfc28e745f2d6719bdf8c5342aa445d9690ca984199",
}

# Draws 12 scenes and prints one digest, for a process of its own.
PRINT_DIGEST = """
from tests.data.test_scenes import digest
from core.data import ShapeScenes
print("".join(digest(ShapeScenes("train", 4, level)[i]) for level in ("easy", "medium", "hard") for i in range(4)))
"""


def digest(scene: tuple[Tensor, dict[str, Tensor]]) -> str:
    image, target = scene
    return hashlib.sha256(b"".join(part.numpy().tobytes() for part in (image, *target.values()))).hexdigest()


@dataclass
class Shape:
    """A shape of a drawn scene: its ``coverage`` as it was painted, whole, and what the target says of it."""

    coverage: np.ndarray
    label: int
    box: Tensor
    mask: Tensor
    colour: Tensor

    @property
    def area(self) -> int:
        return int((self.coverage > 127).sum())

    @property
    def visible(self) -> float:
        return int(self.mask.sum()) / self.area


def drawn(level: str, count: int) -> list[list[Shape]]:
    """Draw ``count`` scenes of ``level`` and keep what was painted for each shape."""
    painted: list[np.ndarray] = []
    paint = scenes._paint

    def recorded(rng: Generator, behind: np.ndarray, alpha: np.ndarray, contrast: float) -> np.ndarray:
        painted.append(alpha)
        return paint(rng, behind, alpha, contrast)

    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenes, "_paint", recorded)
        for image, target in map(ShapeScenes("train", count, level).__getitem__, range(count)):
            found.append(
                [
                    Shape(coverage, int(label), box, mask, image[:, mask].float().mean(1))
                    for coverage, label, box, mask in zip(
                        painted, target["labels"], target["boxes"], target["masks"], strict=True
                    )
                ]
            )
            painted.clear()
    return found


@pytest.fixture(scope="module")
def medium() -> list[list[Shape]]:
    return drawn("medium", 150)


@pytest.fixture(scope="module")
def by_level(medium: list[list[Shape]]) -> dict[str, list[list[Shape]]]:
    return {"easy": drawn("easy", 40), "medium": medium, "hard": drawn("hard", 40)}


def every(pictures: list[list[Shape]]) -> Iterator[Shape]:
    return (shape for picture in pictures for shape in picture)


@pytest.mark.parametrize(("split", "level", "index"), DIGESTS)
def test_same_index_is_the_same_picture_on_any_machine(split: str, level: str, index: int) -> None:
    assert digest(ShapeScenes(split, index + 1, level)[index]) == DIGESTS[split, level, index]


@pytest.mark.slow
def test_numpy_without_wide_vector_instructions_draws_the_same_scenes() -> None:
    wide = " ".join(np.show_config(mode="dicts")["SIMD Extensions"].get("found", []))
    output = subprocess.run(
        [sys.executable, "-c", PRINT_DIGEST],
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": wide},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    here = "".join(digest(ShapeScenes("train", 4, level)[index]) for level in DIFFICULTIES for index in range(4))
    assert output.stdout.strip() == here


def test_a_scene_depends_on_nothing_that_was_drawn_before() -> None:
    first = digest(ShapeScenes("train", 6)[5])
    longer = ShapeScenes("train", 1000)
    assert digest(longer[3]) != first
    torch.manual_seed(7)
    np.random.default_rng(7).random(3)
    assert digest(longer[5]) == first


def test_splits_are_ranges_that_cannot_meet() -> None:
    starts = [FIRST_INDEX[split] for split in ("train", "validation", "test")]
    assert len(FIRST_INDEX) == 3 and starts[0] == 0
    for start, following in pairwise([*starts, 1 << 32]):
        assert start + LONGEST_SPLIT <= following
    assert len(ShapeScenes("train", LONGEST_SPLIT)) == LONGEST_SPLIT
    for length in (-1, LONGEST_SPLIT + 1):
        with pytest.raises(ValueError, match=f"a split has 0 to {LONGEST_SPLIT} scenes, not {length}"):
            ShapeScenes("train", length)


def test_no_two_of_splits_levels_and_seeds_share_a_scene() -> None:
    keys = [(split, level, seed) for split in FIRST_INDEX for level in DIFFICULTIES for seed in (0, 1, 2**32 - 1)]
    pictures = {key: ShapeScenes(key[0], 3, key[1], key[2])[2][0] for key in keys}
    for one, other in combinations(keys, 2):
        assert not torch.equal(pictures[one], pictures[other]), f"{one} and {other} are the same scene"


@pytest.mark.parametrize("seed", [-1, 1 << 32])
def test_a_seed_that_would_meet_another_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match=f"seed {seed} is outside 0..4294967295"):
        ShapeScenes("train", 1, seed=seed)


def test_image_and_target_follow_the_detection_convention() -> None:
    image, target = ShapeScenes("validation", 1)[0]
    assert image.shape == (3, SIDE, SIDE) and image.dtype == torch.uint8 and image.is_contiguous()
    count = len(target["labels"])
    assert target["boxes"].shape == (count, 4) and target["boxes"].dtype == torch.float32
    assert target["labels"].dtype == torch.int64
    assert target["masks"].shape == (count, SIDE, SIDE) and target["masks"].dtype == torch.bool


@pytest.mark.slow
def test_six_classes_beside_the_background_are_about_as_frequent(medium: list[list[Shape]]) -> None:
    assert ShapeScenes.classes == CLASSES and CLASSES[0] == "background" and len(set(CLASSES)) == 7
    counts = np.bincount([shape.label for shape in every(medium)], minlength=7)
    assert len(counts) == 7 and counts[0] == 0
    assert counts[1:].min() > 0.6 * counts[1:].mean()


@pytest.mark.slow
def test_boxes_are_tight_around_the_visible_part_and_half_open(by_level: dict[str, list[list[Shape]]]) -> None:
    for shape in every(by_level["medium"] + by_level["hard"]):
        rows, columns = shape.mask.any(1).nonzero()[:, 0], shape.mask.any(0).nonzero()[:, 0]
        tight = [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]
        assert shape.box.tolist() == tight


@pytest.mark.slow
def test_masks_do_not_overlap(by_level: dict[str, list[list[Shape]]]) -> None:
    for picture in by_level["hard"]:
        assert torch.stack([shape.mask for shape in picture]).sum(0).max() == 1


def test_a_label_map_names_the_class_at_every_pixel() -> None:
    masks = torch.zeros(3, 2, 4, dtype=torch.bool)
    masks[0, 0, :2] = masks[1, 1, 3] = masks[2, 1, :2] = True
    labels = label_map(masks, torch.tensor([6, 2, 6]))
    assert labels.tolist() == [[6, 6, 0, 0], [6, 6, 0, 2]] and labels.dtype == torch.int64
    nothing = label_map(torch.zeros(0, 2, 4, dtype=torch.bool), torch.zeros(0, dtype=torch.int64))
    assert nothing.tolist() == [[0] * 4] * 2 and nothing.dtype == torch.int64


@pytest.mark.slow
@pytest.mark.parametrize("level", DIFFICULTIES)
def test_enough_of_each_shape_stays_visible(level: str, by_level: dict[str, list[list[Shape]]]) -> None:
    parts = [shape.visible for shape in every(by_level[level])]
    assert min(parts) >= DIFFICULTIES[level].least_visible
    assert max(parts) == 1


def test_harder_levels_hold_more_shapes_that_hide_each_other_more(by_level: dict[str, list[list[Shape]]]) -> None:
    for level, pictures in by_level.items():
        least, most = DIFFICULTIES[level].shapes
        assert {len(picture) for picture in pictures} <= set(range(1, most + 1))
        assert max(len(picture) for picture in pictures) == most and np.mean([len(p) for p in pictures]) > least
    hidden = [np.mean([shape.visible < 1 for shape in every(pictures)]) for pictures in by_level.values()]
    assert hidden[0] == 0 and 0.15 < hidden[1] < hidden[2]


@pytest.mark.parametrize("name", ["shapes", "noise"])
def test_levels_rise(name: str) -> None:
    values = [getattr(level, name) for level in DIFFICULTIES.values()]
    assert values == sorted(values) and len(set(values)) == 3


@pytest.mark.parametrize("name", ["sides", "least_visible", "contrast"])
def test_what_helps_falls_from_level_to_level(name: str) -> None:
    values = [getattr(level, name) for level in DIFFICULTIES.values()]
    assert values == sorted(values, reverse=True) and len(set(values)) == 3


@pytest.mark.slow
def test_noise_is_as_strong_as_the_level_says() -> None:
    level = Difficulty(shapes=(1, 1), sides=(60, 61), least_visible=1, noise=0, contrast=60)
    noisy = Difficulty(shapes=(1, 1), sides=(60, 61), least_visible=1, noise=16, contrast=60)
    differences = []
    for seed in range(20):
        clean, rough = (scenes.draw_scene(np.random.default_rng(seed), one)[0].float() for one in (level, noisy))
        inside = (clean > 50) & (clean < 205)  # where nothing is cut at 0 or 255
        differences.append(float((rough - clean)[inside].std()))
    assert max(differences) < 16.1 and np.mean(differences) == pytest.approx(8, abs=2.5)


def test_sides_span_one_to_six(medium: list[list[Shape]]) -> None:
    sides = [max(shape.coverage.shape) for shape in every(medium)]
    assert min(sides) >= 26 and max(sides) <= 154
    assert max(sides) / min(sides) > 5
    small, _middle, large = np.histogram(np.log(sides), 3)[0] / len(sides)
    assert small > 0.2 and large > 0.2, "sizes are not spread over the range"


def test_shapes_are_turned_every_way(medium: list[list[Shape]]) -> None:
    ways = []
    for shape in every(medium):
        if CLASSES[shape.label] == "ellipse":
            rows, columns = np.nonzero(shape.coverage > 127)
            (across, both), (_both, down) = np.cov(columns, rows)
            ways.append(0.5 * np.arctan2(2 * both, across - down))
    assert (np.histogram(ways, 4, (-np.pi / 2, np.pi / 2))[0] > 0.1 * len(ways)).all()


@pytest.mark.slow
def test_colour_says_nothing_about_the_class(medium: list[list[Shape]]) -> None:
    """A forest that sees mean colours guesses no better than chance; it does once each class is a little brighter."""
    colours = np.stack([shape.colour.numpy() for shape in every(medium)])
    labels = np.array([shape.label for shape in every(medium)])
    forest = RandomForestClassifier(60, random_state=0)
    chance = np.bincount(labels).max() / len(labels)
    deviation = np.sqrt(chance * (1 - chance) / len(labels))
    assert cross_val_score(forest, colours, labels, cv=4).mean() < chance + 3 * deviation
    assert cross_val_score(forest, colours + 15 * labels[:, None], labels, cv=4).mean() > chance + 6 * deviation


@pytest.mark.slow
def test_backgrounds_come_from_many_photos() -> None:
    dataset = ShapeScenes("train", 40)
    corners = torch.stack([dataset[index][0][:, :8, :8].float().mean((1, 2)) for index in range(40)])
    assert (corners.std(0) > 25).all()


def test_scenes_end_where_they_say() -> None:
    assert len(ShapeScenes("test", 3)) == 3
    for index in (3, -1):
        with pytest.raises(IndexError, match=rf"scene {index} is outside 0\.\.2"):
            ShapeScenes("test", 3)[index]


def test_unknown_split_and_level_are_named_with_the_choices() -> None:
    with pytest.raises(ValueError, match="no split 'dev': choose one of train, validation, test"):
        ShapeScenes("dev", 3)
    with pytest.raises(ValueError, match="no difficulty 'silly': choose one of easy, medium, hard"):
        ShapeScenes("train", 3, "silly")


def test_scenes_travel_to_the_workers_of_a_data_loader() -> None:
    dataset = ShapeScenes("train", 4, "hard", seed=3)
    assert digest(pickle.loads(pickle.dumps(dataset))[2]) == digest(dataset[2])
    loaded = list(DataLoader(dataset, batch_size=None, num_workers=2))
    assert [digest(scene) for scene in loaded] == [digest(dataset[index]) for index in range(4)]
