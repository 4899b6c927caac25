"""Selective search: the similarities by hand, the hierarchy's invariants, and images that are hard to group."""

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.ops import box_iou

from core.data import ShapeScenes
from core.proposals import selective_search
from core.proposals.selective_search import (
    CTSF,
    MODES,
    TSF,
    Hierarchy,
    Mode,
    Segments,
    Weights,
    group,
    group_in_step,
    hierarchies,
    ordered_boxes,
    segment,
)


@pytest.fixture(scope="module")
def scene() -> tuple[Tensor, dict[str, Tensor]]:
    return ShapeScenes("validation", 4)[3]


@pytest.fixture(scope="module")
def pixels(scene: tuple[Tensor, dict[str, Tensor]]) -> np.ndarray:
    return np.ascontiguousarray(scene[0].permute(1, 2, 0).numpy())


@pytest.fixture(scope="module")
def segments(pixels: np.ndarray) -> Segments:
    return segment(pixels, "hsv", [100])[0]


def three_in_a_row() -> Segments:
    """A 4 x 10 image cut into columns 0-1, 2-5 and 6-9; the last two look alike but for a quarter of the colour."""
    colour = np.zeros((3, 75), np.float32)
    colour[0, 0] = 1
    colour[1, 1] = 1
    colour[2, 1:3] = 0.75, 0.25
    texture = np.zeros((3, 240), np.float32)
    texture[:2, 0] = 1
    texture[2, :2] = 0.5, 0.5
    return Segments(
        labels=np.repeat([0, 1, 2], [2, 4, 4])[None].repeat(4, 0),
        neighbours=np.array([[0, 1], [1, 2]]),
        sizes=np.array([8, 16, 16], np.float32),
        boxes=np.array([[0, 0, 2, 4], [2, 0, 6, 4], [6, 0, 10, 4]], np.float32),
        colour=colour,
        texture=texture,
    )


def test_similarities_and_merges_are_those_computed_by_hand() -> None:
    hierarchy = group(three_in_a_row())
    # Neighbours 0 and 1: colour 0, texture 1, size 1 - 24/40, fill 1; 1 and 2: 0.75, 0.5, 1 - 32/40, 1. The second
    # pair wins with 2.45 against 2.4, and its union has the size-weighted mean of their histograms: colour 0.875 and
    # 0.125, none in the bin of region 0; texture 0.75 and 0.25.
    assert hierarchy.merges.tolist() == [[1, 2], [0, 3]]
    np.testing.assert_allclose(hierarchy.similarities, [[0.75, 0.5, 0.2, 1], [0, 0.75, 0, 1]], atol=1e-6)
    assert hierarchy.sizes.tolist() == [8, 16, 16, 32, 40]
    assert hierarchy.boxes[3:].tolist() == [[2, 0, 10, 4], [0, 0, 10, 4]]


def test_without_colour_the_other_pair_merges_first() -> None:
    assert group(three_in_a_row(), TSF).merges.tolist() == [[0, 1], [2, 3]]


def test_weights_scale_each_similarity() -> None:
    # The first pair leads by 0.5 in texture and 0.2 in size, the second by 0.75 in colour.
    assert group(three_in_a_row(), Weights(colour=0.9)).merges[0].tolist() == [0, 1]
    assert group(three_in_a_row(), Weights(colour=0.9, texture=0.9)).merges[0].tolist() == [1, 2]


def test_fill_counts_the_gaps_in_the_joint_box() -> None:
    corner = Segments(
        labels=np.array([[0, 0, 1], [0, 0, 1], [2, 2, 2]]),
        neighbours=np.array([[0, 1], [0, 2], [1, 2]]),
        sizes=np.array([4, 2, 3], np.float32),
        boxes=np.array([[0, 0, 2, 2], [2, 0, 3, 2], [0, 2, 3, 3]], np.float32),
        colour=np.full((3, 75), 1 / 75, np.float32),
        texture=np.full((3, 240), 1 / 240, np.float32),
    )
    hierarchy = group(corner, Weights(0, 0, 0, 1))
    # Regions 0 and 1 fill their 3 x 2 box; 0 and 2 leave 2 of 9 pixels, 1 and 2 leave 4 of 9.
    assert hierarchy.merges[0].tolist() == [0, 1]
    assert group(corner, Weights(0, 0, 0, -1)).similarities[0] == pytest.approx([1, 1, 1 - 5 / 9, 1 - 4 / 9])


def test_segments_describe_their_pixels(pixels: np.ndarray, segments: Segments) -> None:
    count = len(segments.sizes)
    assert count > 20, "the scene should fall into many segments"
    assert sorted(np.unique(segments.labels)) == list(range(count))
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV_FULL)
    for region in (0, count // 2, count - 1):
        ys, xs = np.nonzero(segments.labels == region)
        assert segments.sizes[region] == len(ys)
        assert segments.boxes[region].tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
        counts = [np.histogram(hsv[ys, xs, channel], 25, (0, 256))[0] for channel in range(3)]
        np.testing.assert_allclose(segments.colour[region], np.concatenate(counts) / (3 * len(ys)), atol=1e-6)
    np.testing.assert_allclose(segments.colour.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(segments.texture.sum(1), 1, rtol=1e-5)


def test_neighbours_are_the_pairs_that_touch(segments: Segments) -> None:
    labels = segments.labels
    touching = {
        (min(one, other), max(one, other))
        for a, b in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1]))
        for one, other in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
        if one != other
    }
    assert [tuple(pair) for pair in segments.neighbours.tolist()] == sorted(touching)


def test_a_ramp_has_its_slope_in_the_orientations_that_rise() -> None:
    ramp = np.repeat(np.arange(0, 250, 5, dtype=np.uint8)[None, :, None], 50, 0).repeat(3, 2)
    (whole,) = segment(ramp, "rgi", [1e6])
    intensity = whole.texture[0].reshape(3, 4, 2, 10)[2]
    # 5 grey levels a pixel to the right, in steps of 3.2: bin 1 at 0 and 45 degrees and at the opposite of 135,
    # bin 0 across and wherever it falls. The two outer columns are flat at the image's edge.
    assert intensity.argmax(-1).tolist() == [[1, 0], [1, 0], [0, 0], [0, 1]]


def assert_sound(hierarchy: Hierarchy) -> None:
    count = len(hierarchy.merges) + 1
    assert len(hierarchy.boxes) == len(hierarchy.sizes) == 2 * count - 1
    assert sorted(hierarchy.merges.ravel()) == list(range(2 * count - 2)), "every node but the last merges once"
    assert (hierarchy.merges.max(1) < np.arange(count, 2 * count - 1)).all(), "a node merges after it was made"
    one, other = hierarchy.merges.T
    np.testing.assert_array_equal(hierarchy.sizes[count:], hierarchy.sizes[one] + hierarchy.sizes[other])
    lows = np.minimum(hierarchy.boxes[one, :2], hierarchy.boxes[other, :2])
    highs = np.maximum(hierarchy.boxes[one, 2:], hierarchy.boxes[other, 2:])
    np.testing.assert_array_equal(hierarchy.boxes[count:], np.concatenate([lows, highs], 1))
    height, width = hierarchy.labels.shape
    assert hierarchy.boxes[-1].tolist() == [0, 0, width, height]
    assert hierarchy.sizes[-1] == height * width
    assert ((hierarchy.similarities > -1e-5) & (hierarchy.similarities < 1 + 1e-5)).all()


def test_a_hierarchy_is_a_tree_over_the_whole_image(segments: Segments) -> None:
    assert_sound(group(segments))


def test_only_touching_regions_merge(segments: Segments) -> None:
    hierarchy = group(segments)
    members = [{region} for region in range(len(segments.sizes))]
    pairs = segments.neighbours.tolist()
    for one, other in hierarchy.merges.tolist():
        first, second = members[one], members[other]
        assert any((a in first and b in second) or (a in second and b in first) for a, b in pairs)
        members.append(first | second)


def test_every_merge_takes_the_most_similar_pair_left(segments: Segments) -> None:
    """The paper's algorithm 1 without a heap: compare all neighbours again before each merge."""
    hierarchy = group(segments)
    looks = list(np.concatenate([segments.colour, segments.texture], 1).astype(float))
    sizes, boxes = list(segments.sizes.astype(float)), list(segments.boxes.astype(float))
    pairs = {tuple(pair) for pair in segments.neighbours.tolist()}
    area = segments.labels.size

    def similarity(one: int, other: int) -> float:
        joint = [*np.minimum(boxes[one], boxes[other])[:2], *np.maximum(boxes[one], boxes[other])[2:]]
        box = (joint[2] - joint[0]) * (joint[3] - joint[1])
        size = sizes[one] + sizes[other]
        return float(np.minimum(looks[one], looks[other]).sum() + (1 - size / area) + (1 - (box - size) / area))

    for step, (one, other) in enumerate(hierarchy.merges[:40].tolist()):
        best = max(similarity(*pair) for pair in pairs)
        assert similarity(one, other) == pytest.approx(best, abs=1e-5), f"merge {step}"
        assert hierarchy.similarities[step].sum() == pytest.approx(best, abs=1e-5), f"merge {step}"
        node = len(sizes)
        sizes.append(sizes[one] + sizes[other])
        looks.append((sizes[one] * looks[one] + sizes[other] * looks[other]) / sizes[node])
        boxes.append(
            np.concatenate([np.minimum(boxes[one], boxes[other])[:2], np.maximum(boxes[one], boxes[other])[2:]])
        )
        near = {b if a in (one, other) else a for a, b in pairs if {a, b} & {one, other}} - {one, other}
        pairs = {pair for pair in pairs if not {*pair} & {one, other}} | {(neighbour, node) for neighbour in near}


def test_grouping_in_step_equals_grouping_alone(pixels: np.ndarray, segments: Segments) -> None:
    starts = [(segments, CTSF), (segments, TSF), (segment(pixels, "intensity", [300])[0], CTSF)]
    for (start, weights), together in zip(starts, group_in_step(starts), strict=True):
        alone = group(start, weights)
        np.testing.assert_array_equal(together.merges, alone.merges)
        np.testing.assert_array_equal(together.boxes, alone.boxes)
        np.testing.assert_array_equal(together.similarities, alone.similarities)


def test_quality_mode_has_the_papers_eighty_hierarchies() -> None:
    made = hierarchies(np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8), MODES["quality"])
    assert len(made) == 80
    for hierarchy in made:
        assert_sound(hierarchy)


def test_the_order_puts_large_regions_first_and_names_each_box_once(segments: Segments) -> None:
    hierarchy = group(segments)
    boxes = ordered_boxes([hierarchy, hierarchy])
    assert len(np.unique(boxes, axis=0)) == len(boxes) == len(np.unique(hierarchy.boxes, axis=0))
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    half = len(areas) // 2
    assert areas[:half].mean() > 2 * areas[half:].mean()
    assert not np.array_equal(boxes, ordered_boxes([hierarchy, hierarchy], seed=1))


def test_the_same_image_gives_the_same_boxes_with_any_number_of_threads(
    scene: tuple[Tensor, dict[str, Tensor]],
) -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = selective_search(scene[0]).boxes
        torch.set_num_threads(4)
        assert torch.equal(alone, selective_search(scene[0]).boxes)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.slow
def test_proposals_cover_the_shapes_of_scenes() -> None:
    scenes = ShapeScenes("validation", 6)
    covers, counts = [], []
    for image, target in (scenes[index] for index in range(6)):
        boxes = selective_search(image).boxes
        covers.append(box_iou(target["boxes"], boxes).max(1).values)
        counts.append(len(boxes))
    best = torch.cat(covers)
    assert sum(counts) < 6 * 600, "a detector pays for each box"
    assert best.mean() > 0.9
    assert (best >= 0.7).float().mean() > 0.95


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 2), (1, 300), (300, 2), (40, 60)])
@pytest.mark.parametrize("mode", ["single", "fast", "quality"])
def test_boxes_of_small_and_thin_images_lie_within_and_hold_the_whole(size: tuple[int, int], mode: Mode) -> None:
    height, width = size
    image = torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    boxes = selective_search(image, mode).boxes
    assert boxes.dtype == torch.float32
    assert [0, 0, width, height] in boxes.tolist()
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= torch.tensor([width, height])).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_constant_image_has_one_region(value: int) -> None:
    assert selective_search(torch.full((3, 60, 80), value, dtype=torch.uint8)).boxes.tolist() == [[0, 0, 80, 60]]


def test_large_images_are_grouped_smaller_and_boxes_given_in_their_own_pixels() -> None:
    image = torch.zeros(3, 700, 1200, dtype=torch.uint8)
    image[0, 120:480, 240:960] = 255
    boxes = selective_search(image).boxes
    assert [0, 0, 1200, 700] in boxes.round().tolist()
    wanted = torch.tensor([[240.0, 120, 960, 480]])
    assert box_iou(wanted, boxes).max() > 0.97


def test_sides_below_the_least_are_left_out(scene: tuple[Tensor, dict[str, Tensor]]) -> None:
    everything = selective_search(scene[0], least_side=0).boxes
    large = selective_search(scene[0], least_side=0.25).boxes
    sides = everything[:, 2:] - everything[:, :2]
    assert torch.equal(large, everything[(sides >= 64).all(1)])
    assert 0 < len(large) < len(everything)


@pytest.mark.parametrize(
    "image", [torch.zeros(8, 8), torch.zeros(1, 8, 8), torch.zeros(3, 8, 8), torch.zeros(3, 0, 8, dtype=torch.uint8)]
)
def test_anything_but_a_uint8_rgb_image_is_refused(image: Tensor) -> None:
    with pytest.raises(ValueError, match="needs a uint8 image"):
        selective_search(image)
