"""Families of trained models: each on its trunk, with its classes, in its folder, and the cards that lie there."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.backbones import TRUNKS
from core.checkpoint import FOLDER, update_card
from core.data.scenes import CLASSES
from core.families import ANIMALS, FAMILIES, PAPER_SIZE, PHOTOS, SHAPES, card_of, family_of


def test_families_have_a_trunk_and_a_folder_of_their_own() -> None:
    assert list(FAMILIES.values()) == [SHAPES, PHOTOS, PAPER_SIZE]
    for name, family in FAMILIES.items():
        assert family.name == name and family.title and family.trunk in TRUNKS
        assert family.classes == (ANIMALS if family is PHOTOS else CLASSES) and family.classes[0] == "background"
        assert family.folder.parent == FOLDER
    assert len({family.folder for family in FAMILIES.values()}) == len(FAMILIES)


def test_only_the_papers_size_is_for_timing() -> None:
    assert [family.for_timing for family in (SHAPES, PHOTOS, PAPER_SIZE)] == [False, False, True]


def test_the_photographs_alone_learn_from_a_folder() -> None:
    assert [family.data for family in (SHAPES, PHOTOS, PAPER_SIZE)] == ["", "animals", ""]
    assert ANIMALS[1:] == ("person", "dog", "cat", "horse", "cow", "sheep"), "as the masks of that set are numbered"


def test_a_family_is_found_by_its_name_or_is_itself(tmp_path: Path) -> None:
    assert family_of("shapes") is SHAPES and family_of("paper") is PAPER_SIZE
    other = replace(SHAPES, folder=tmp_path)
    assert family_of(other) is other
    with pytest.raises(KeyError):
        family_of("birds")


def test_a_card_is_the_familys_own(tmp_path: Path) -> None:
    one, other = (replace(SHAPES, folder=tmp_path / name) for name in ("one", "other"))
    update_card("yolo", one.folder, minutes=3.5)
    assert card_of("yolo", one) == {"minutes": 3.5}
    assert card_of("yolo", other) == card_of("rcnn", one) == {}


def test_a_card_is_that_of_the_shapes_where_no_family_is_named() -> None:
    card = card_of("yolo")
    assert card["evaluation"]["map50"] > 0.5 and card_of("yolo", "shapes") == card_of("yolo", SHAPES) == card
    assert card_of("yolo", "paper") == {}, "what is for timing only was never measured"


def test_of_a_photo_with_masks_it_knows_the_pixels_of_its_classes() -> None:
    """The set names its classes in another order, and one of them that the family does not know."""
    target = {
        "boxes": torch.tensor([[0.0, 0, 1, 1], [1, 0, 2, 1]]),
        "labels": torch.tensor([1, 2]),
        "masks": torch.tensor([[[True, False, False, False]], [[False, True, False, False]]]),
        "void": torch.tensor([[False, False, True, False]]),
        "pixel_labels": torch.tensor([[1, 2, 255, 0]], dtype=torch.uint8),
    }
    part, left_out = PHOTOS.known_part(target, ("background", "cat", "kettle"))
    assert part and left_out == ("kettle",)
    assert part["labels"].tolist() == [3] and part["masks"].tolist() == [[[True, False, False, False]]]
    assert part["pixel_labels"].tolist() == [[3, 255, 255, 0]] and part["pixel_labels"].dtype == torch.uint8
    assert part["void"].tolist() == [[False, True, True, False]]
    assert PHOTOS.known_part(target, ("background", "cup", "kettle")) == (None, ("cup", "kettle"))


def test_a_family_takes_of_a_target_what_it_knows_in_its_own_numbers() -> None:
    classes = ("background", "chair", "dog", "person")
    boxes = torch.tensor([[0.0, 0, 4, 4], [1, 1, 5, 5], [2, 2, 6, 6]])
    target = {"boxes": boxes, "labels": torch.tensor([3, 1, 2]), "iscrowd": torch.tensor([0, 0, 1])}
    part, left_out = PHOTOS.known_part(target, classes)
    assert left_out == ("chair",) and part is not None
    assert torch.equal(part["boxes"], boxes[[0, 2]]) and part["iscrowd"].tolist() == [0, 1]
    assert [PHOTOS.classes[label] for label in part["labels"].tolist()] == ["person", "dog"]
    assert SHAPES.known_part(target, classes) == (None, ("chair", "dog", "person"))
    assert target["labels"].tolist() == [3, 1, 2], "the target itself was changed"
