"""Recall and average best overlap: by hand, against a plain search, and with the proposers that the detectors use."""

from functools import partial

import pytest
import torch
from torch import Tensor
from torchvision.ops import box_iou

from core.data.scenes import ShapeScenes
from core.detectors import Detector, build, run
from core.detectors.recall import (
    COUNTS,
    MOST,
    WINDOW_PARTS,
    WINDOW_RATIOS,
    Covered,
    Proposed,
    Proposer,
    by_network,
    by_selective_search,
    by_sliding_window,
    cover,
    curve,
    measure,
    sliding_windows,
)
from core.proposals import selective_search
from core.values import Regions

OBJECTS = torch.tensor([[0.0, 0, 10, 10], [20, 20, 30, 30]])
BOXES = torch.tensor([[0.0, 0, 10, 5], [50, 50, 60, 60], [0, 0, 10, 8], [20, 20, 30, 30]])


def random_boxes(count: int, seed: int, side: float = 40) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=rng) * 60
    return torch.cat([corner, corner + 5 + torch.rand(count, 2, generator=rng) * side], 1)


@pytest.fixture(scope="module")
def detector() -> Detector:
    torch.manual_seed(0)
    made = build("faster_rcnn")
    made.limit_regions(MOST)
    return made


def test_coverage_is_that_computed_by_hand() -> None:
    covered = cover(Proposed(BOXES, 1.5), OBJECTS, counts=(1, 2, 3, 4, 100))
    torch.testing.assert_close(covered.overlaps, torch.tensor([[0.5, 0.5, 0.8, 0.8, 0.8], [0, 0, 0, 1, 1]]))
    assert covered.best.tolist() == [[0, 0, 2, 2, 2], [-1, -1, -1, 3, 3]]
    assert (covered.proposals, covered.seconds) == (4, 1.5)


def test_coverage_equals_a_search_through_the_first_n() -> None:
    boxes, objects = random_boxes(150, 1), random_boxes(9, 2)
    covered = cover(Proposed(boxes, 0.0), objects)
    for column, count in enumerate(COUNTS):
        iou = box_iou(objects, boxes[:count])
        assert torch.equal(covered.overlaps[:, column], iou.max(1).values), f"at {count}"
        reached = iou.gather(1, covered.best[:, column, None].clamp(min=0))[:, 0]
        assert torch.equal(reached.where(covered.best[:, column] >= 0, 0), covered.overlaps[:, column]), f"at {count}"


def test_without_proposals_nothing_is_covered() -> None:
    covered = cover(Proposed(torch.zeros(0, 4), 0.0), OBJECTS)
    assert covered.overlaps.shape == covered.best.shape == (2, len(COUNTS))
    assert not covered.overlaps.any() and (covered.best == -1).all()


def test_counts_are_distinct_and_reach_from_one_to_the_most() -> None:
    assert list(COUNTS) == sorted(set(COUNTS)) and COUNTS[0] == 1 and COUNTS[-1] == MOST
    assert {10, 100, 300, 1000} <= set(COUNTS)


def test_a_curve_counts_every_object_the_same() -> None:
    shape = (len(COUNTS),)
    halves = Covered(torch.full((1, *shape), 0.5), torch.zeros(1, *shape, dtype=torch.int64), 10, 1.0)
    most = Covered(torch.full((3, *shape), 0.7), torch.zeros(3, *shape, dtype=torch.int64), 30, 9.0)
    seen = curve([halves, most, most])
    assert seen.recall_50 == pytest.approx([1.0] * len(COUNTS)), "an IoU of exactly 0.5 is enough"
    assert seen.recall_70 == pytest.approx([6 / 7] * len(COUNTS)), "0.7 counts, although it is a little less in float32"
    assert seen.abo == pytest.approx([(0.5 + 6 * 0.7) / 7] * len(COUNTS))
    assert seen.proposals == pytest.approx(70 / 3) and seen.seconds == 9.0


def test_more_proposals_never_find_less() -> None:
    seen = curve([cover(Proposed(random_boxes(400, seed), 0.0), random_boxes(5, 100 + seed)) for seed in range(4)])
    for values in (seen.recall_50, seen.recall_70, seen.abo):
        assert list(values) == sorted(values) and values[0] < values[-1]
    assert all(high <= low for low, high in zip(seen.recall_50, seen.recall_70, strict=True))


def test_recall_without_objects_is_refused() -> None:
    with pytest.raises(ValueError, match="needs an object"):
        curve([cover(Proposed(BOXES, 0.0), torch.zeros(0, 4))])


@pytest.mark.parametrize("size", [(256, 256), (100, 640), (640, 100), (1, 1), (3, 50)])
def test_windows_lie_within_the_image_in_a_fixed_random_order(size: tuple[int, int]) -> None:
    height, width = size
    boxes = sliding_windows(height, width)
    assert len(boxes) > 0
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= torch.tensor([width, height]) + 1e-3).all()
    assert torch.equal(boxes, sliding_windows(height, width))
    assert len(boxes) < 10 or not torch.equal(boxes, sliding_windows(height, width, seed=1))


def test_windows_have_six_sizes_and_three_shapes() -> None:
    boxes = sliding_windows(256, 256)
    sides = boxes[:, 2:] - boxes[:, :2]
    found = {(round(float(w * h) ** 0.5), round(float(h / w), 1)) for w, h in sides}
    assert found == {(round(part * 256), ratio) for part in WINDOW_PARTS for ratio in WINDOW_RATIOS}


def test_windows_overlap_every_box_of_their_sizes() -> None:
    rng = torch.Generator().manual_seed(0)
    centre = 60 + torch.rand(400, 2, generator=rng) * 136
    area = (32 + torch.rand(400, generator=rng) * 80) ** 2
    ratio = 2 ** (torch.rand(400, generator=rng) * 2 - 1)
    half = torch.stack([(area / ratio).sqrt(), (area * ratio).sqrt()], 1) / 2
    best = box_iou(torch.cat([centre - half, centre + half], 1), sliding_windows(256, 256)).max(1).values
    assert best.min() > 0.45 and best.mean() > 0.6


def test_the_network_proposes_what_the_detector_does_and_stops_there(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, _target = ShapeScenes("validation", 1)[0]
    (expected,) = [step.value for step in run(detector, image).steps if isinstance(step.value, Regions)]

    def never(*_arguments: object) -> None:
        raise AssertionError("the stages behind the proposals are not wanted")

    monkeypatch.setattr("core.detectors.faster_rcnn.roi_pool", never)
    made = by_network(image, detector)
    assert torch.equal(made.boxes, expected.boxes)
    assert made.seconds > 0


def test_a_detector_without_proposals_is_refused() -> None:
    with pytest.raises(ValueError, match="yolo proposes no regions"):
        by_network(ShapeScenes("validation", 1)[0][0], build("yolo"))


def test_proposers_are_measured_scene_by_scene(detector: Detector) -> None:
    scenes = ShapeScenes("validation", 2)
    proposers: dict[str, Proposer] = {
        "search": partial(by_selective_search, mode="single"),
        "network": partial(by_network, detector=detector),
        "window": by_sliding_window,
    }
    measured = list(measure((scenes[index] for index in range(2)), proposers))
    assert [list(one) for one in measured] == [list(proposers)] * 2
    for (image, target), one in zip((scenes[0], scenes[1]), measured, strict=True):
        expected = cover(Proposed(selective_search(image, "single").boxes, 0.0), target["boxes"])
        assert torch.equal(one["search"].overlaps, expected.overlaps)
        assert one["search"].proposals == expected.proposals
        assert one["window"].proposals <= MOST
