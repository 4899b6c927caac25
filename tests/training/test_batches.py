"""Batches of photos of any size: what a model is shown, that targets follow, and that the step number decides all."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from core.backbones import TRUNKS
from core.data.scenes import ShapeScenes
from core.detectors.regions import to_input
from core.evaluation import Target
from core.models import Form
from core.proposals import selective_search
from core.segmentation.base import VOID
from core.training import batches
from core.training.batches import (
    MEAN_COLOUR,
    NONE,
    PHOTOS,
    Augmentation,
    KeptPhotos,
    PhotoBatches,
    ProposedPhotos,
    cached_proposals,
    cut,
    drawn_ahead,
    forget_oldest,
    padded,
    varied,
)

FORMS = ("scaled", "square", "cut")


class Rectangles:
    """Photos of several sizes with two bright rectangles each, known by boxes, labels and masks."""

    def __init__(self, *sizes: tuple[int, int], masks: bool = True):
        self.sizes = sizes
        self.masks = masks
        self.reads = 0

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> tuple[Tensor, Target]:
        self.reads += 1
        height, width = self.sizes[index]
        image = torch.full((3, height, width), 20, dtype=torch.uint8)
        boxes = torch.tensor([[10, 20, 50, 60], [width - 70, height - 50, width - 20, height - 10]])
        masks = torch.zeros(2, height, width, dtype=torch.bool)
        for number, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
            image[number, y0:y1, x0:x1] = 250
            masks[number, y0:y1, x0:x1] = True
        target = {"boxes": boxes.float(), "labels": torch.tensor([1, 2]), "iscrowd": torch.zeros(2, dtype=torch.int64)}
        return image, target | ({"masks": masks} if self.masks else {})


def learnt(target: Target) -> Target:
    """What is learnt from a target of ``Rectangles``: the masks as one map of the objects' numbers."""
    numbers = torch.arange(1, 1 + len(target["labels"]), dtype=torch.int32)[:, None, None]
    return {
        "boxes": target["boxes"],
        "labels": target["labels"],
        "instances": (target["masks"] * numbers).amax(0),
    }


def bounds(mask: Tensor) -> list[int]:
    """The box of the pixels of a mask (H, W)."""
    rows, columns = mask.nonzero(as_tuple=True)
    return [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]


@pytest.mark.parametrize("form", FORMS)
def test_boxes_labels_and_pixels_stay_together_whatever_is_done(form: Form) -> None:
    """The bright pixels of each colour are where its box, and its pixels in the map, say that they are."""
    wild = Augmentation(zoom=1.6, upside_down=True, light=0.1)
    samples = Rectangles((300, 400), (260, 280), (500, 300))
    seen = 0
    for step in range(8):
        images, targets = PhotoBatches(samples, 3, form, wild)(step)
        assert images.dtype == torch.uint8
        for image, target in zip(images, targets, strict=True):
            objects = zip(target["boxes"].tolist(), target["labels"].tolist(), strict=True)
            for number, (box, label) in enumerate(objects):
                bright = image[label - 1] > 190
                assert bounds(bright) == pytest.approx(box, abs=2)
                assert bounds(target["instances"] == number + 1) == pytest.approx(box, abs=2)
                seen += 1
            assert set(target["instances"].unique().tolist()) <= set(range(-1, len(target["labels"]) + 1))
    assert seen > 20


def test_scaled_photos_are_what_a_region_based_detector_sees() -> None:
    image, target = Rectangles((300, 400))[0]
    found, moved = varied(image, learnt(target), "scaled", NONE, np.random.default_rng(0))
    expected, scale = to_input(image, TRUNKS["slim"])
    assert found.shape == expected.shape[1:]
    torch.testing.assert_close(found.float(), expected[0], atol=1.01, rtol=0)
    torch.testing.assert_close(moved["boxes"], target["boxes"] * scale, atol=0.5, rtol=0)


def test_square_photos_are_stretched_and_cuts_keep_their_scale() -> None:
    image, target = Rectangles((300, 400))[0]
    target = learnt(target)
    square, moved = varied(image, target, "square", NONE, np.random.default_rng(0))
    assert square.shape == (3, 256, 256)
    torch.testing.assert_close(moved["boxes"], target["boxes"] * torch.tensor([256 / 400, 256 / 300] * 2))
    part, moved = varied(image, target, "cut", NONE, np.random.default_rng(1))
    assert part.shape == (3, 256, 256)
    sides = moved["boxes"][:, 2:] - moved["boxes"][:, :2]
    assert all(tuple(side) in ((40, 40), (50, 40)) or min(side) < 50 for side in sides.tolist())


def test_small_photos_lie_in_the_mean_colour() -> None:
    image, target = Rectangles((100, 120))[0]
    found, moved = varied(image, learnt(target), "cut", NONE, np.random.default_rng(3))
    outside = found.permute(1, 2, 0) == torch.tensor(MEAN_COLOUR)
    assert int((~outside.all(-1)).sum()) == 100 * 120
    assert len(moved["labels"]) == 2


def test_cells_are_the_classes_in_their_middles() -> None:
    _images, [target] = PhotoBatches(Rectangles((256, 256)), 1, "cut", NONE)(0)
    classes = torch.tensor([0, *target["labels"].tolist()])[target["instances"].long()]
    assert target["cells"].shape == (16, 16)
    assert target["cells"][3, 4] == classes[3 * 16 + 8, 4 * 16 + 8]
    assert set(target["cells"].unique().tolist()) == {0, 1, 2}


def test_an_object_whose_middle_is_cut_off_is_none_unless_its_pixels_are_known() -> None:
    image, target = Rectangles((300, 400))[0]
    known = learnt(target)
    window = (40, 100)  # the first box spans columns 10 to 50, and rows 20 to 60, of which 22 are in
    _pixels, seen = cut(image, known, (42, 45), window, window)
    assert seen["labels"].tolist() == [1] and seen["boxes"].tolist() == [[0, 0, 5, 18]]
    assert int((seen["instances"] == 1).sum()) == 5 * 18
    boxed = {name: known[name] for name in ("boxes", "labels")}
    _pixels, seen = cut(image, boxed, (42, 45), window, window)
    assert seen["boxes"].shape == (0, 4) and seen["labels"].shape == (0,)


def test_an_object_without_pixels_of_its_own_is_one_as_long_as_its_middle_is_seen() -> None:
    image, target = Rectangles((300, 400))[0]
    known = learnt(target)
    known["instances"][known["instances"] == 1] = -1
    window = (40, 100)
    _pixels, seen = cut(image, known, (42, 45), window, window)
    assert seen["labels"].shape == (0,)
    _pixels, seen = cut(image, known, (30, 20), (100, 100), (100, 100))
    assert seen["labels"].tolist() == [1] and seen["instances"].unique().tolist() == [-1, 0]


@pytest.mark.parametrize("form", FORMS)
def test_what_is_not_known_stays_so_whatever_is_done(form: Form) -> None:
    """A stripe of void goes with the picture's pixels, which are white there and nowhere else."""

    class Striped(Rectangles):
        def __getitem__(self, index: int) -> tuple[Tensor, Target]:
            image, target = super().__getitem__(index)
            void = torch.zeros(image.shape[1:], dtype=torch.bool)
            void[100:130] = True
            image[:, void] = 255
            labels = (target["masks"] * target["labels"][:, None, None]).sum(0).to(torch.uint8)
            masks = target["masks"] & ~void
            return image, target | {"masks": masks, "void": void, "pixel_labels": labels.masked_fill(void, VOID)}

    wild = Augmentation(zoom=1.6, upside_down=True, light=0)
    seen = 0
    for step in range(4):
        images, targets = PhotoBatches(Striped((300, 400), (260, 280), (500, 300)), 3, form, wild)(step)
        for image, target in zip(images, targets, strict=True):
            padding = (image == torch.tensor(MEAN_COLOUR)[:, None, None]).all(0)
            unknown = (image > 250).all(0) | padding
            assert (target["instances"][unknown] == -1).all() and (target["pixel_labels"][unknown] == VOID).all()
            said = torch.cat([torch.tensor([0]), target["labels"], torch.tensor([VOID])])
            assert torch.equal(target["pixel_labels"].long(), said[target["instances"].long()])
            seen += int((unknown & ~padding).sum())
    assert seen > 10_000


def test_around_a_photo_nothing_is_known() -> None:
    image, target = Rectangles((40, 60))[0]
    _pixels, seen = cut(image, learnt(target), (-10, -20), (80, 100), (80, 100))
    assert (seen["instances"][:10] == -1).all() and (seen["instances"][50:] == -1).all()
    assert (seen["instances"][10:50, 20:80] >= 0).all()


def test_pixels_of_objects_that_are_not_learnt_are_known_by_their_class_alone() -> None:
    class Difficult(Rectangles):
        def __getitem__(self, index: int) -> tuple[Tensor, Target]:
            image, target = super().__getitem__(index)
            labels = (target["masks"] * target["labels"][:, None, None]).sum(0).to(torch.uint8)
            void = torch.zeros(image.shape[1:], dtype=torch.bool)
            return image, {**target, "iscrowd": torch.tensor([1, 0]), "void": void, "pixel_labels": labels}

    _image, target = KeptPhotos(Difficult((300, 400)))[0]
    assert target["labels"].tolist() == [2]
    assert (target["instances"][20:60, 10:50] == -1).all() and (target["pixel_labels"][20:60, 10:50] == 1).all()
    assert int((target["instances"] == 1).sum()) == 40 * 50


def test_segmenters_are_shown_photos_as_large_as_their_trunk_wants_them() -> None:
    """A cut without any zoom: the rectangle is as much larger as the photo would be at a short side of 320."""
    image, target = Rectangles((160, 200))[0]
    _pixels, seen = varied(image, learnt(target), "cut", NONE, np.random.default_rng(1), TRUNKS["lite0"])
    whole = [box for box in seen["boxes"].tolist() if min(box) > 0 and max(box) < 320]
    assert whole and all(box[2] - box[0] in (80, 100) and box[3] - box[1] == 80 for box in whole)


def test_numbers_of_objects_follow_when_one_is_cut_off() -> None:
    image, target = Rectangles((300, 400))[0]
    _pixels, seen = cut(image, learnt(target), (200, 300), (100, 100), (100, 100))
    assert seen["labels"].tolist() == [2]
    assert seen["instances"].unique().tolist() == [0, 1]


def test_proposals_move_with_the_picture_and_end_at_its_edge() -> None:
    image, target = Rectangles((300, 400))[0]
    target = learnt(target) | {"proposals": torch.tensor([[0.0, 0, 20, 20], [90, 90, 300, 110]])}
    _pixels, seen = cut(image, target, (50, 100), (100, 100), (200, 200))
    assert seen["proposals"].tolist() == [[0, 80, 200, 120]]


def test_difficult_objects_are_not_learnt() -> None:
    class Difficult(Rectangles):
        def __getitem__(self, index: int) -> tuple[Tensor, Target]:
            image, target = super().__getitem__(index)
            target["iscrowd"][0] = 1
            return image, target

    _images, [target] = PhotoBatches(Difficult((300, 400)), 1, "square", NONE)(0)
    assert target["labels"].tolist() == [2] and len(target["boxes"]) == 1
    assert target["instances"].unique().tolist() == [-1, 0, 1], "whose its pixels are is not to be known"
    assert "iscrowd" not in target


def test_every_epoch_shows_each_photo_once_in_another_order() -> None:
    sizes = [(256 + 10 * number, 256) for number in range(7)]
    made = PhotoBatches(Rectangles(*sizes), 2, "square", NONE)
    epochs = [torch.cat([made(step)[0] for step in range(epoch * 3, epoch * 3 + 3)]) for epoch in range(4)]
    keys = [[hash(bytes(image.numpy().tobytes())) for image in epoch] for epoch in epochs]
    assert all(len(set(epoch)) == 6 for epoch in keys), "a photo came twice in an epoch"
    assert len(set(map(tuple, keys))) > 1, "the order never changes"


def test_a_batch_is_its_step_and_seed_and_nothing_else() -> None:
    samples = Rectangles((300, 400), (260, 280), (500, 300))

    def made(step: int, seed: int = 0) -> Tensor:
        return PhotoBatches(samples, 2, "square", PHOTOS, seed)(step)[0]

    torch.manual_seed(5)
    assert torch.equal(made(4), made(4))
    assert not torch.equal(made(4), made(5))
    assert not torch.equal(made(4), made(4, seed=1))


def test_shares_of_a_batch_are_the_batch() -> None:
    made = PhotoBatches(Rectangles((300, 400), (260, 280), (500, 300), (300, 300)), 4, "square", PHOTOS)
    whole, targets = made(3)
    shares = [made(3, range(rank, 4, 2)) for rank in (0, 1)]
    for rank, (images, found) in enumerate(shares):
        assert torch.equal(images, whole[rank::2])
        assert all(torch.equal(one["boxes"], two["boxes"]) for one, two in zip(found, targets[rank::2], strict=True))


def test_batches_of_tall_and_wide_photos_hold_one_kind_each_and_every_photo_once_an_epoch() -> None:
    sizes = [(240, 180), (160, 200), (260, 180), (170, 200), (140, 200), (280, 180), (180, 200), (300, 180)]
    tall = [height > width for height, width in sizes]
    made = PhotoBatches(Rectangles(*sizes), 2, "scaled", NONE, tall=tall)
    for epoch in range(3):
        shapes = [tuple(made(4 * epoch + number)[0].shape) for number in range(4)]
        assert sorted(height > width for _size, _colours, height, width in shapes) == [False, False, True, True]
        assert all(max(shape[2:]) < 1.8 * min(shape[2:]) for shape in shapes), "a batch of both kinds would be square"
    chosen = made._shuffled(made._kinds(2), 2, 0)
    assert sorted(chosen.flatten().tolist()) == list(range(8))
    assert not np.array_equal(chosen, made._shuffled(made._kinds(2), 2, 1))


def test_a_kind_too_rare_for_a_batch_is_left_out_unless_both_are() -> None:
    made = PhotoBatches(Rectangles(*[(160, 200)] * 3, (240, 180)), 2, "scaled", NONE, tall=[False] * 3 + [True])
    assert all(made(step)[0].shape[2] < made(step)[0].shape[3] for step in range(4))
    few = PhotoBatches(Rectangles((160, 200), (240, 180)), 2, "scaled", NONE, tall=[False, True])
    assert len(few(0)[0]) == 2


def test_a_set_smaller_than_a_batch_is_a_batch() -> None:
    images, targets = PhotoBatches(Rectangles((300, 400)), 8, "square", PHOTOS)(11)
    assert len(images) == len(targets) == 1


def test_photos_are_decoded_once_as_long_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = Rectangles((300, 400), (300, 400))
    target = sum(values.nbytes for values in KeptPhotos(samples)[0][1].values())
    samples.reads = 0
    monkeypatch.setattr(batches, "MOST_KEPT", 3 * 300 * 400 + target)
    kept = KeptPhotos(samples)
    for _time in range(3):
        for index in range(2):
            assert kept[index][0].shape == (3, 300, 400)
    assert samples.reads == 1 + 3, "one fits, the other is read each time"


def test_what_is_kept_of_masks_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = ShapeScenes("train", 1)
    image, target = KeptPhotos(scene)[0]
    assert target["instances"].dtype == torch.int32, "twice as much would fill the memory for nothing"
    monkeypatch.setattr(batches, "MOST_KEPT", image.nbytes + target["instances"].nbytes)
    kept = KeptPhotos(scene)
    assert kept[0][0] is not kept[0][0], "boxes and labels take room too"


def test_images_of_several_sizes_are_padded_to_the_largest() -> None:
    made = [(torch.zeros(3, *size, dtype=torch.uint8), {"instances": torch.ones(size)}) for size in ((4, 6), (5, 3))]
    images, targets = padded(made)
    assert images.shape == (2, 3, 5, 6)
    assert images[1, :, 0, 5].tolist() == list(MEAN_COLOUR) and images[1, :, 4, 2].tolist() == [0, 0, 0]
    assert [int(target["instances"].sum()) for target in targets] == [24 - 6, 15 - 15]


def test_light_is_a_table_of_what_each_value_becomes() -> None:
    image = torch.arange(256, dtype=torch.uint8).repeat(3, 2, 1)[:, :, 5:]
    found = batches._lit(image, 1.2, 0.9)
    expected = ((image.double() - 128) * 1.2 + 128 * 0.9).round().clamp(0, 255)
    assert found.dtype == torch.uint8 and torch.equal(found.double(), expected)


def test_drawing_ahead_leaves_the_threads_of_others_alone() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        ahead = drawn_ahead(lambda _step: (torch.tensor([torch.get_num_threads()]), []))
        assert int(ahead(0)[0]) == 1 and torch.get_num_threads() == 2
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)


def test_drawing_ahead_changes_nothing_but_the_time() -> None:
    asked: list[int] = []

    def batch(step: int) -> batches.Batch:
        asked.append(step)
        if step == 6:
            raise ValueError("no photo")
        return torch.tensor([step]), []

    ahead = drawn_ahead(batch)
    assert [int(ahead(step)[0]) for step in (0, 1, 2, 4, 5)] == [0, 1, 2, 4, 5], "a resumed training jumps"
    assert asked.count(1) == asked.count(5) == 1, "nothing is drawn twice"
    with pytest.raises(ValueError, match="no photo"):
        ahead(6)


def test_of_many_files_the_oldest_are_forgotten(tmp_path: Path) -> None:
    for number in (3, 1, 2, 0):
        path = tmp_path / f"{number}.safetensors"
        path.touch()
        os.utime(path, (number, number))
    forget_oldest(tmp_path, 4)
    assert len(list(tmp_path.iterdir())) == 4
    forget_oldest(tmp_path, 2)
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["2", "3"]
    forget_oldest(tmp_path / "nowhere", 2)


def test_proposals_are_searched_once(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    image, _target = Rectangles((80, 100))[0]
    found = cached_proposals(image, tmp_path)  # type: ignore[arg-type]
    assert torch.equal(found, selective_search(image).boxes)
    monkeypatch.setattr(batches, "save_tensors", lambda *_: pytest.fail("searched again"))
    assert torch.equal(cached_proposals(image, tmp_path), found)  # type: ignore[arg-type]
    monkeypatch.setattr(batches, "cached_proposals", lambda _image: found)
    _image, target = ProposedPhotos(Rectangles((80, 100)))[0]
    assert target["proposals"] is found and len(target["labels"]) == 2
