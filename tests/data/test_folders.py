"""Folders in Pascal VOC's layout, and folders with masks: written here, and the real ones with their faults."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder

from core.data import read_voc
from core.data.folders import (
    MOST_XML,
    ClassFolder,
    FolderError,
    MaskFolder,
    VOCFolder,
    form_of,
    in_split,
    read_annotation,
    read_folder,
)
from tests.shared_data import shared

OBJECT = """<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>
<xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object>"""


def write(root: Path, stem: str, *objects: str) -> None:
    for name in ("Annotations", "JPEGImages"):
        (root / name).mkdir(parents=True, exist_ok=True)
    text = f"<annotation><filename>{stem}.jpg</filename>{''.join(objects)}</annotation>"
    (root / "Annotations" / f"{stem}.xml").write_text(text)
    Image.new("RGB", (60, 40), "teal").save(root / "JPEGImages" / f"{stem}.jpg")


def thing(name: str, *corners: int, difficult: int = 0) -> str:
    return OBJECT.format(*corners, name=name, difficult=difficult)


def test_boxes_become_half_open_and_labels_follow_the_names(tmp_path: Path) -> None:
    write(tmp_path, "one", thing("dog", 1, 2, 10, 12), thing("cat", 5, 5, 60, 40, difficult=1))
    folder = VOCFolder(tmp_path)
    image, target = folder[0]
    assert image.shape == (3, 40, 60)
    assert folder.classes == ("background", "cat", "dog")
    assert target["boxes"].tolist() == [[0, 1, 10, 12], [4, 4, 60, 40]]
    assert target["labels"].tolist() == [2, 1]
    assert target["iscrowd"].tolist() == [0, 1]
    assert folder.notes == ()


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    write(tmp_path, "one", thing("dog", 1, 2, 10, 12), thing("dog", 7, 7, 7, 7), thing("cow", 1, 1, 9, 9))
    write(tmp_path, "two", thing("dog", 1, 2, 10, 12))
    (tmp_path / "JPEGImages" / "two.jpg").unlink()
    folder = VOCFolder(tmp_path, ("background", "dog"))
    assert len(folder) == 1
    assert folder[0][1]["boxes"].tolist() == [[0, 1, 10, 12]]
    assert folder.notes == (
        "Left out, since the photo is missing: two.",
        "Left out boxes without area in one.",
        "Left out objects of other classes: cow.",
    )


def test_a_picture_without_objects_has_an_empty_target(tmp_path: Path) -> None:
    write(tmp_path, "empty")
    write(tmp_path, "full", thing("dog", 1, 2, 10, 12))
    target = VOCFolder(tmp_path)[0][1]
    assert target["boxes"].shape == (0, 4)
    assert target["labels"].dtype == torch.int64


def test_wrong_folders_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="choose a folder in Pascal VOC's layout"):
        VOCFolder(tmp_path)
    write(tmp_path, "one", thing("dog", 1, 2, 10, 12))
    with pytest.raises(FolderError, match=r"No object in .* is of a class that is known here: ring"):
        VOCFolder(tmp_path, ("background", "ring"))
    (tmp_path / "JPEGImages" / "one.jpg").write_bytes(b"no photo")
    with pytest.raises(FolderError, match=r"one\.jpg is not a photo"):
        VOCFolder(tmp_path)[0]
    (tmp_path / "Annotations" / "one.xml").write_text("<annotation>")
    with pytest.raises(FolderError, match="not an annotation"):
        VOCFolder(tmp_path)


def test_lists_of_a_folder_say_what_is_for_training(tmp_path: Path) -> None:
    for stem in "abcd":
        write(tmp_path, stem, thing("dog" if stem == "a" else "cat", 1, 2, 10, 12))
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "ImageSets" / "Main" / "train.txt").write_text("b  1\n\na -1\r\nmissing\n")
    assert read_voc(tmp_path, "train").names == ("a", "b")
    assert read_voc(tmp_path, "val").names == ("c", "d"), "what is not listed, where that alone is known"
    assert read_voc(tmp_path, "val").classes == ("background", "cat", "dog"), "the same in every split"
    (tmp_path / "ImageSets" / "val.txt").write_text("c")
    assert read_voc(tmp_path, "val").names == ("c",)
    assert read_voc(tmp_path).names == ("a", "b", "c", "d") and len(read_voc(tmp_path)) == 4
    with pytest.raises(FolderError, match=r"no list test\.txt"):
        read_voc(tmp_path, "test")


def test_without_lists_names_decide_and_a_new_photo_moves_no_other(tmp_path: Path) -> None:
    for number in range(40):
        write(tmp_path, f"photo{number}", thing("dog", 1, 2, 10, 12))
    train, val = (read_voc(tmp_path, split).names for split in ("train", "val"))
    assert sorted(train + val) == sorted(read_voc(tmp_path).names) and 3 <= len(val) <= 13
    write(tmp_path, "another", thing("dog", 1, 2, 10, 12))
    assert set(read_voc(tmp_path, "train").names) - {"another"} == set(train)


def test_an_annotation_names_no_file_elsewhere(tmp_path: Path) -> None:
    write(tmp_path / "set", "one", thing("dog", 1, 2, 10, 12))
    Image.new("RGB", (6, 4)).save(tmp_path / "secret.jpg")
    file = tmp_path / "set" / "Annotations" / "one.xml"
    for name in ("../../secret.jpg", str(tmp_path / "secret.jpg"), "..\\..\\secret.jpg", "", "..", "."):
        file.write_text(f"<annotation><filename>{name}</filename>{thing('dog', 1, 2, 10, 12)}</annotation>")
        assert read_voc(tmp_path / "set")[0][0].shape == (3, 40, 60), name


ENTITIES = "".join(f'<!ENTITY l{level + 1} "{f"&l{level};" * 10}">' for level in range(12))
BOMB = f'<!DOCTYPE x [<!ENTITY l0 "aaaaaaaaaa">{ENTITIES}]><annotation><filename>&l12;</filename></annotation>'


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<annotation>",
        BOMB,
        f"<annotation>{' ' * MOST_XML}</annotation>",
        f"<annotation>{thing('dog', 1, 2, 10, 12).replace('12', 'nan')}</annotation>",
        f"<annotation>{thing('dog', 1, 2, 10, 12).replace('12', 'inf')}</annotation>",
        f"<annotation>{thing('dog', 1, 2, 10, 12).replace('bndbox', 'box')}</annotation>",
        "<annotation><size><width>1e999</width></size></annotation>",
        '<?xml version="1.0" encoding="none"?><annotation/>',
    ],
    ids=["empty", "cut", "bomb", "long", "nan", "endless", "boxless", "wide", "encoding"],
)
def test_damaged_annotations_are_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "one.xml").write_text(content)
    with pytest.raises(FolderError, match=r"one\.xml is not an annotation"):
        read_annotation(tmp_path / "one.xml", tmp_path)


def test_a_photo_too_large_to_decode_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "one", thing("dog", 1, 2, 10, 12))
    monkeypatch.setattr("core.data.folders.MOST_PIXELS", 60 * 40 - 1)
    with pytest.raises(FolderError, match=r"one\.jpg is not a photo that can be read"):
        read_voc(tmp_path)[0]


def test_the_blood_photos_are_split_by_their_lists() -> None:
    train, val = (read_voc(shared("bccd"), split) for split in ("train", "val"))
    assert (len(train), len(val)) == (205, 87) and not set(train.names) & set(val.names)
    assert train.classes == val.classes


def test_the_blood_photos_lose_their_boxes_without_area() -> None:
    folder = VOCFolder(shared("bccd"))
    assert len(folder) == 292
    assert folder.classes == ("background", "Platelets", "RBC", "WBC")
    assert any("BloodImage_00338" in note and "BloodImage_00343" in note for note in folder.notes)
    for index in range(0, len(folder), 50):
        image, target = folder[index]
        assert image.shape == (3, 480, 640)
        assert (target["boxes"][:, 2:] > target["boxes"][:, :2]).all()


def write_masked(root: Path, stem: str, mask: Image.Image | None, kind: str = "instances", suffix: str = "png") -> None:
    """Write a teal photo of 6 x 4 pixels and, where there is one, its mask."""
    for name in ("images", kind):
        (root / name).mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4), "teal").save(root / "images" / f"{stem}.{suffix}")
    if mask:
        mask.save(root / kind / f"{stem}.png")


def numbered(number_type: type = np.uint8, **squares: int) -> Image.Image:
    """A mask of 6 x 4 pixels: ``x1y2=3`` sets the pixel in column 1 and row 2, and the next to its right, to 3."""
    pixels: np.ndarray = np.zeros((4, 6), number_type)
    for place, number in squares.items():
        column, row = int(place[1]), int(place[3])
        pixels[row, column : column + 2] = number
    return Image.fromarray(pixels)


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


def write_classes(root: Path, *names: str) -> None:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 4), (number, 0, 0)).save(root / name)


def test_a_folder_a_class_is_read_as_torchvision_reads_it(tmp_path: Path) -> None:
    write_classes(tmp_path, "dog/b.png", "cat/z.jpg", "dog/a.png", "dog/a.jpg")
    folder, twin = ClassFolder(tmp_path), ImageFolder(str(tmp_path))
    assert folder.classes == tuple(twin.classes) == ("cat", "dog") and folder.notes == ()
    assert [str(tmp_path / name) for name in folder.names] == [path for path, _label in twin.samples]
    for index, (picture, expected) in enumerate(twin):
        image, label = folder[index]
        assert torch.equal(image, torch.from_numpy(np.array(picture)).permute(2, 0, 1)) and label == expected


def test_folders_of_classes_within_folders_of_splits(tmp_path: Path) -> None:
    write_classes(tmp_path, "train/dog/b.png", "train/cat/z.png", "val/dog/a.png", "val/cow/a.png")
    assert ClassFolder(tmp_path, "train").names == ("train/cat/z.png", "train/dog/b.png")
    val = ClassFolder(tmp_path, "val")
    assert val.names == ("val/cow/a.png", "val/dog/a.png")
    assert val.classes == ("cat", "cow", "dog") and [label for _image, label in (val[0], val[1])] == [1, 2]
    assert len(ClassFolder(tmp_path)) == 4
    with pytest.raises(FolderError, match="no list other"):
        ClassFolder(tmp_path, "other")


def test_what_is_no_photo_is_left_out_of_classes(tmp_path: Path) -> None:
    write_classes(tmp_path, "dog/b.png", "cat/z.png")
    (tmp_path / "dog" / "notes.txt").write_text("notes")
    (tmp_path / "dog" / ".hidden.png").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    folder = ClassFolder(tmp_path)
    assert folder.names == ("cat/z.png", "dog/b.png") and folder.classes == ("cat", "dog")
    assert folder.notes == ("Left out what is no JPEG, PNG or WebP file by its name: notes.txt.",)
    (tmp_path / "dog" / "b.png").write_bytes(b"no photo")
    with pytest.raises(FolderError, match=r"b\.png is not a photo"):
        folder[1]


def test_one_class_is_none(tmp_path: Path) -> None:
    write_classes(tmp_path, "dog/b.png")
    with pytest.raises(FolderError, match="make one for each class"):
        ClassFolder(tmp_path)


def test_the_form_of_a_folder_is_found_below_what_an_archive_puts_on_top(tmp_path: Path) -> None:
    write(tmp_path / "voc" / "VOCdevkit" / "VOC2007", "one", thing("dog", 1, 2, 10, 12))
    write_masked(tmp_path / "masks" / "top", "one", numbered(x0y0=1), "labels")
    write_classes(tmp_path / "classes" / "top", "dog/b.png", "cat/z.png")
    write_classes(tmp_path / "parts", "train/dog/b.png", "train/cat/z.png")
    assert form_of(tmp_path / "voc") == (tmp_path / "voc" / "VOCdevkit" / "VOC2007", "voc")
    assert form_of(tmp_path / "masks") == (tmp_path / "masks" / "top", "masks")
    assert form_of(tmp_path / "classes") == (tmp_path / "classes" / "top", "classes")
    assert form_of(tmp_path / "parts") == (tmp_path / "parts", "classes")
    for name, kind in (("voc", VOCFolder), ("masks", MaskFolder), ("classes", ClassFolder), ("parts", ClassFolder)):
        folder = read_folder(tmp_path / name)
        assert isinstance(folder, kind) and len(folder) == len(folder.names) > 0, name


def test_a_folder_of_no_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_classes(tmp_path, "photos/a.png")
    for folder in (tmp_path / "empty", tmp_path / "photos", tmp_path / "photos" / "a.png", tmp_path / "missing"):
        with pytest.raises(FolderError, match="There is no dataset in"):
            form_of(folder)


def test_nuclei_are_split_by_their_names() -> None:
    train, val = (MaskFolder(shared("nuclei"), split=split) for split in ("train", "val"))
    assert len(train) + len(val) == 316 and not set(train.names) & set(val.names)
    assert 0.15 < len(val) / 316 < 0.25


def test_photos_of_one_group_are_on_one_side_of_the_split(tmp_path: Path) -> None:
    names = [f"{number}" for number in range(60)]
    groups = {name: f"mosaic {int(name) // 6}" for name in names[:-2]}
    manifest = [{"id": name, "group": group} for name, group in groups.items()]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    train, val = (in_split(tmp_path, names, split) for split in ("train", "val"))
    assert sorted(train + val) == sorted(names) and train and val
    assert not {groups.get(name) for name in train} & {groups[name] for name in val if name in groups}


@pytest.mark.parametrize("text", ["", "[1]", '{"id": "1"}', '[{"id": "1"}]', "[" * 100_000, "null"])
def test_a_manifest_about_other_things_parts_nothing(tmp_path: Path, text: str) -> None:
    names = [f"{number}" for number in range(20)]
    before = in_split(tmp_path, names, "val")
    (tmp_path / "manifest.json").write_text(text)
    assert in_split(tmp_path, names, "val") == before


def test_no_mosaic_of_the_nuclei_is_on_both_sides() -> None:
    root = shared("nuclei")
    group = {one["id"]: one["group"] for one in json.loads((root / "manifest.json").read_text())}
    train, val = (MaskFolder(root, split=split).names for split in ("train", "val"))
    assert len(train) + len(val) == 316 and len(val) > 50
    assert not {group[name] for name in train} & {group[name] for name in val}
