"""Small tasks from every kind of source: balanced, parts apart, repeatable; what cannot be one is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from core.classifier import resized
from core.data.digits import SingleDigits
from core.data.folders import FolderError
from core.training.datasets import open_data
from core.transfer import tasks
from core.transfer.tasks import COUNTS, MEASURED_ON, MOST_CLASSES, labels_of, open_task, remembered_task


def folder_of(root: Path, counts: dict[str, tuple[int, int]]) -> Path:
    """Write so many photos for training and for validation of each class, each of a grey of its own."""
    for place, (name, numbers) in enumerate(counts.items()):
        for part, count in zip(("train", "val"), numbers, strict=True):
            (root / part / name).mkdir(parents=True)
            for index in range(count):
                grey = 10 * place + index % 5
                Image.new("RGB", (20 + place, 16), (grey, grey, grey)).save(root / part / name / f"{index}.png")
    return root


@pytest.fixture(scope="module")
def digits() -> tasks.Task:
    return open_task("digits", 64)


@pytest.mark.slow
def test_digits_are_a_balanced_task(digits: tasks.Task) -> None:
    assert digits.classes == tuple("0123456789")
    assert digits.images.shape == (1000, 3, 64, 64) and digits.images.dtype == torch.uint8
    assert digits.labels.bincount().tolist() == [COUNTS[-1]] * 10
    counts = digits.validation_labels.bincount()
    assert counts.max() == MEASURED_ON and counts.min() >= 25
    known = {image.tobytes() for image in digits.images.numpy()}
    assert not any(image.tobytes() in known for image in digits.validation_images.numpy())


def test_a_draw_is_balanced_and_follows_its_seed(digits: tasks.Task) -> None:
    images, labels = digits.drawn(5, 0)
    assert labels.bincount().tolist() == [5] * 10 and len(images) == 50
    again, other = digits.drawn(5, 0)[0], digits.drawn(5, 1)[0]
    assert torch.equal(images, again) and not torch.equal(images, other)
    more = {image.tobytes() for image in digits.drawn(20, 0)[0].numpy()}
    assert all(image.tobytes() in more for image in images.numpy()), "fewer images are some of the more"


def test_fixed_images_are_of_all_classes_in_turn(digits: tasks.Task) -> None:
    labels = digits.validation_labels[digits.fixed(12)]
    assert labels.tolist() == [*range(10), 0, 1]


def test_a_folder_of_classes_is_a_task_and_rare_classes_keep_what_they_have(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"cat": (7, 3), "dog": (3, 4), "hen": (2, 0)})
    task = open_task(str(folder), 32)
    assert task.classes == ("cat", "dog")
    assert task.labels.tolist() == [0] * 7 + [1] * 3 and task.validation_labels.tolist() == [0] * 3 + [1] * 4
    assert task.images.shape == (10, 3, 32, 32) and int(task.images[-1].max()) >= 10
    assert any("hen" in note for note in task.notes)
    assert task.drawn(5, 0)[1].tolist() == [0] * 5 + [1] * 3


def test_of_a_photo_the_middle_is_taken_and_of_an_object_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("train/cat", "train/dog", "val/cat", "val/dog"):
        (tmp_path / name).mkdir(parents=True)
        picture = np.full((20, 60, 3), 255, np.uint8)
        picture[:, 20:40] = 0
        Image.fromarray(picture).save(tmp_path / name / "0.png")
    assert int(open_task(str(tmp_path), 20).images.max()) == 0
    monkeypatch.setattr(tasks, "SCENES", {"train": 2, "validation": 2})
    cuts: list[torch.Size] = []

    def watched(images: Tensor, side: int) -> Tensor:
        cuts.append(images.shape)
        return resized(images, side)

    monkeypatch.setattr(tasks, "resized", watched)
    open_task("scenes", 32)
    assert any(height != width for _count, _channels, height, width in cuts), "objects keep their sides"


def test_as_many_as_are_wanted_are_learnt_from_and_measured_on(tmp_path: Path) -> None:
    task = open_task(str(folder_of(tmp_path, {"cat": (7, 5), "dog": (6, 3)})), 16, learnt_from=4, measured_on=2)
    assert task.labels.tolist() == [0] * 4 + [1] * 4 and task.validation_labels.tolist() == [0, 0, 1, 1]
    drawn = task.draw(3, 0)
    assert torch.equal(task.drawn(3, 0)[0], task.images[drawn]) and task.labels[drawn].tolist() == [0] * 3 + [1] * 3


def test_too_many_classes_are_cut_to_the_most_frequent(tmp_path: Path) -> None:
    counts = {f"class {index:02}": (1 + index, 1) for index in range(MOST_CLASSES + 3)}
    task = open_task(str(folder_of(tmp_path, counts)), 16)
    assert task.classes == tuple(counts)[3:]


def test_one_class_is_no_task(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"cat": (3, 3), "dog": (3, 0)})
    with pytest.raises(FolderError, match="Two classes with images"):
        open_task(str(folder), 32)


def test_shapes_are_cut_out_of_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "SCENES", {"train": 8, "validation": 6})
    task = open_task("scenes", 32)
    assert len(task.classes) >= 4 and set(task.classes) <= {"ellipse", "rectangle", "triangle", "star", "cross", "ring"}
    assert len(task.images) > 10 and task.validation_labels.max() < len(task.classes)


def test_labels_are_known_without_a_look_at_the_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(tmp_path, {"cat": (3, 1), "dog": (2, 1)})
    found = open_data(str(folder), "classifier").train
    looked = [int(found[index][1]["label"]) for index in range(len(found))]
    monkeypatch.setattr("core.data.class_folder.read_photo", lambda photo: pytest.fail(f"{photo} was read"))
    assert labels_of(found).tolist() == looked == [0, 0, 0, 1, 1]
    digits = open_data("digits", "classifier").validation
    monkeypatch.setattr(SingleDigits, "__getitem__", lambda self, index: pytest.fail("a digit was drawn"))
    assert np.array_equal(labels_of(digits), SingleDigits("validation").labels)


def test_a_version_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(tasks, "open_task", lambda data, side: opened.append(data))
    remembered_task.cache_clear()
    for version in ("old", "old", "new"):
        remembered_task("digits", 16, version)
    assert len(opened) == 2
    remembered_task.cache_clear()
