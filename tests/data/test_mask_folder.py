"""Folders of photos with masks: written here, and a real one."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.data.folders import FolderError
from core.data.mask_folder import MaskFolder
from tests.data.written_folders import numbered, write_masked
from tests.shared_data import shared


def test_every_number_of_an_instance_mask_is_an_object(tmp_path: Path) -> None:
    write_masked(tmp_path, "one", numbered(x0y0=2, x0y1=2, x4y3=1, x2y2=255), suffix="jpg")
    folder = MaskFolder(tmp_path)
    image, target = folder[0]
    assert len(folder) == 1 and folder.classes == ("background", "object") and folder.notes == ()
    assert image.shape == (3, 4, 6) and image.dtype == torch.uint8
    assert target["boxes"].tolist() == [[4, 3, 6, 4], [0, 0, 2, 2], [2, 2, 4, 3]], "by number, behind the last pixel"
    assert target["boxes"].dtype == torch.float32
    assert target["labels"].tolist() == [1, 1, 1] and target["labels"].dtype == torch.int64
    assert target["masks"].shape == (3, 4, 6) and target["masks"].dtype == torch.bool
    assert target["masks"].nonzero().tolist() == [
        [0, 3, 4],
        [0, 3, 5],
        [1, 0, 0],
        [1, 0, 1],
        [1, 1, 0],
        [1, 1, 1],
        [2, 2, 2],
        [2, 2, 3],
    ]


def test_instance_masks_count_beyond_one_byte(tmp_path: Path) -> None:
    write_masked(tmp_path, "one", numbered(np.uint16, x0y0=1, x2y0=257, x4y0=60_000))
    assert MaskFolder(tmp_path)[0][1]["boxes"].tolist() == [[0, 0, 2, 1], [2, 0, 4, 1], [4, 0, 6, 1]]


def test_a_class_of_a_label_mask_is_one_mask_and_none_of_them_holds_255(tmp_path: Path) -> None:
    write_masked(tmp_path, "one", numbered(x0y0=3, x4y3=3, x2y2=1, x2y1=255), "labels")
    write_masked(tmp_path, "two", numbered(x0y0=255), "labels")
    folder = MaskFolder(tmp_path)
    assert folder.classes == ("background", "class 1", "class 2", "class 3")
    assert folder.notes == ("Left out pixels of no class, which have the number 255.",)
    target = folder[0][1]
    assert target["labels"].tolist() == [1, 3]
    assert target["boxes"].tolist() == [[2, 2, 4, 3], [0, 0, 6, 4]]
    assert target["masks"].flatten(1).sum(1).tolist() == [2, 4]
    nothing = folder[1][1]
    assert nothing["boxes"].shape == (0, 4) and nothing["masks"].shape == (0, 4, 6)
    assert nothing["labels"].shape == (0,) and nothing["labels"].dtype == torch.int64


def test_255_is_no_class_even_where_there_are_more(tmp_path: Path) -> None:
    write_masked(tmp_path, "one", numbered(np.uint16, x0y0=255, x2y0=256), "labels")
    folder = MaskFolder(tmp_path)
    assert len(folder.classes) == 257 and folder[0][1]["labels"].tolist() == [256]


def test_a_palette_mask_is_read_as_indices(tmp_path: Path) -> None:
    mask = numbered(x0y0=2, x2y0=255)
    mask.putpalette([number for index in range(256) for number in (7 * index % 256, 200, index)])
    assert mask.mode == "P"
    write_masked(tmp_path, "one", mask, "labels")
    assert MaskFolder(tmp_path)[0][1]["labels"].tolist() == [2]


def test_only_classes_that_are_asked_for_are_kept(tmp_path: Path) -> None:
    write_masked(tmp_path, "one", numbered(x0y0=1, x2y0=2, x4y0=7), "labels")
    folder = MaskFolder(tmp_path, ("background", "cat", "dog"))
    assert folder.classes == ("background", "cat", "dog")
    assert folder[0][1]["labels"].tolist() == [1, 2] and len(folder[0][1]["masks"]) == 2
    assert folder.notes == ("Left out objects of other classes: 7.",)


def test_masks_that_do_not_fit_are_left_out_with_a_note(tmp_path: Path) -> None:
    for stem in ("good", "wide", "painted", "cut", "no_photo", "bitmap"):
        write_masked(tmp_path, stem, numbered(x0y0=1))
    write_masked(tmp_path, "no_mask", None)
    masks, images = tmp_path / "instances", tmp_path / "images"
    Image.new("L", (7, 4), 1).save(masks / "wide.png")
    Image.new("RGB", (6, 4), "red").save(masks / "painted.png")
    (masks / "cut.png").write_bytes((masks / "good.png").read_bytes()[:-30])
    (images / "no_photo.png").unlink()
    (images / "bitmap.png").unlink()
    Image.new("RGB", (6, 4)).save(images / "bitmap.bmp")
    (images / ".hidden").write_bytes(b"")
    folder = MaskFolder(tmp_path)
    assert len(folder) == 1 and folder[0][1]["labels"].tolist() == [1]
    assert folder.notes == (
        "Left out, since the photo is no JPEG, PNG or WebP file that can be read: bitmap.",
        "Left out, since the mask is no PNG file with one number a pixel: cut, painted.",
        "Left out, since the mask is missing: no_mask.",
        "Left out, since the photo is missing: no_photo.",
        "Left out, since photo and mask differ in size: wide.",
    )


def test_photos_in_grey_or_of_16_bits_become_rgb_bytes(tmp_path: Path) -> None:
    write_masked(tmp_path, "one", numbered(x0y0=1))
    for pixels, expected in ((np.full((4, 6), 77, np.uint8), 77), (np.full((4, 6), 77 * 257, np.uint16), 77)):
        Image.fromarray(pixels).save(tmp_path / "images" / "one.png")
        image = MaskFolder(tmp_path)[0][0]
        assert image.shape == (3, 4, 6) and image.dtype == torch.uint8 and (image == expected).all()


def test_folders_without_masks_that_fit_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=r"No photo in .* put NAME\.png into .*instances"):
        MaskFolder(tmp_path)
    write_masked(tmp_path, "one", numbered(x0y0=255), "labels")
    with pytest.raises(FolderError, match="known here: none"):
        MaskFolder(tmp_path)
    with pytest.raises(FolderError, match="is known here: cat"):
        MaskFolder(tmp_path, ("background", "cat"))
    write_masked(tmp_path, "one", numbered(x0y0=1))
    with pytest.raises(FolderError, match="is known here: cat"):
        MaskFolder(tmp_path, ("background", "cat"))
    folder = MaskFolder(tmp_path)
    whole = (tmp_path / "images" / "one.png").read_bytes()
    (tmp_path / "images" / "one.png").write_bytes(whole[:-20])
    with pytest.raises(FolderError, match=r"one\.png is not a photo"):
        folder[0]


@pytest.mark.slow
def test_nuclei_have_the_boxes_of_their_manifest() -> None:
    root = shared("nuclei")
    folder = MaskFolder(root)
    manifest = sorted(json.loads((root / "manifest.json").read_text()), key=lambda one: one["id"])
    assert len(folder) == len(manifest) == 316 and folder.notes == ()
    for index in range(0, len(folder), 40):
        image, target = folder[index]
        one = manifest[index]
        assert image.shape == (3, one["height"], one["width"])
        assert target["boxes"].tolist() == one["boxes_xyxy"]
        assert target["masks"].shape == (len(target["labels"]), one["height"], one["width"])
        assert (target["labels"] == 1).all() and target["masks"].sum(0).max() == 1
