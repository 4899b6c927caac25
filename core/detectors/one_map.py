"""One map of the image for all its regions, against R-CNN's own crop for each.

R-CNN runs the convolutions on every warped crop; SPPNet, Fast and Faster R-CNN run them once and pool. Here one trunk
answers both ways for the same region, and the multiply-adds of both are counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from core.backbones import TRUNKS
from core.boxes import assign, clip
from core.detectors.rcnn import RCNN
from core.detectors.regions import BINS, RegionHead, to_input
from core.faults import UserError
from core.i18n import _
from core.pooling import flatten_cells, pyramid_pool, roi_align, roi_pool
from core.stages import Detector

EDGES = ("x0", "y0", "x1", "y1")
MOST_SHIFT = 16  # pixels
ELSEWHERE = 8  # places across and down that are tried for a region of the same size
ELSEWHERE_IOU = 0.3


class RegionError(UserError):
    """There is no region to pool; the message is one sentence for the user that says what to do."""


@dataclass(frozen=True)
class ImageMap:
    """The map of a whole image: ``features`` (C, H, W), ``input_scale``, the factor from the image's pixels to the
    network's input, and the ``stride`` of the map in pixels of that."""

    features: Tensor
    input_scale: float
    stride: int

    @property
    def scale(self) -> float:
        """How many cells of the map a pixel of the image is."""
        return self.input_scale / self.stride


def map_of(rcnn: RCNN, image: Tensor) -> ImageMap:
    """Run the convolutions of ``rcnn`` once on ``image`` (3, H, W) uint8, at the scale of its trunk."""
    pixels, scale = to_input(image, rcnn.facts)
    with torch.inference_mode():
        return ImageMap(rcnn.trunk(pixels)[0].float(), scale, rcnn.trunk.stride)


def pool_each_way(image_map: ImageMap, boxes: Tensor) -> dict[str, Tensor]:
    """Pool ``boxes`` (R, 4), in pixels of the image, three ways as the detectors do.

    ``roi_pool`` and ``roi_align`` are (R, C, 6, 6), ``spp`` is (R, 50 C).
    """
    on_input = boxes * image_map.input_scale
    scale = 1 / image_map.stride
    return {
        "roi_pool": roi_pool(image_map.features, on_input, scale, BINS),
        "roi_align": roi_align(image_map.features, on_input, scale, BINS),
        "spp": pyramid_pool(image_map.features, on_input, image_map.stride),
    }


def distances_when_moved(image_map: ImageMap, box: Tensor, shifts: Sequence[int]) -> dict[str, list[float]]:
    """Return for each way of pooling how far the feature of ``box`` (4,) goes when it moves right by ``shifts`` pixels.

    A distance is Euclidean, in parts of the length of the feature at rest.
    """
    moved = box + torch.tensor([[shift, 0, shift, 0] for shift in [0, *shifts]])
    distances = {}
    for way, pooled in pool_each_way(image_map, moved).items():
        rest, *others = pooled.flatten(1)
        distances[way] = [float((other - rest).norm() / rest.norm().clamp(min=1e-9)) for other in others]
    return distances


def shifts_within(image: Tensor, box: Tensor) -> list[int]:
    """Return by how many pixels ``box`` (4,) can move to the left (negative) and right within ``image`` (3, H, W)."""
    left, right = int(box[0]), int(image.shape[2] - box[2])
    return list(range(-min(MOST_SHIFT, left), min(MOST_SHIFT, right) + 1))


def region_in(image: Tensor, edges: Sequence[float]) -> tuple[Tensor, tuple[str, ...]]:
    """Return the part of the region with ``edges`` (x0, y0, x1, y1) that lies in ``image`` (3, H, W), and notes.

    The part is (4,) float32; a note is a sentence for what was cut off.

    Raises:
        RegionError: the region is empty or lies outside.
    """
    height, width = image.shape[1:]
    for low, high in ((0, 2), (1, 3)):
        if edges[low] >= edges[high]:
            words = _("The region is empty: {low} is to be less than {high}. Change the numbers.")
            raise RegionError(words.format(low=EDGES[low], high=EDGES[high]))
    box = torch.tensor([float(edge) for edge in edges])
    clipped = clip(box, height, width)
    if (clipped[2:] <= clipped[:2]).any():
        words = _("The region lies outside the image, which is {width} x {height} pixels. Change the numbers.")
        raise RegionError(words.format(width=width, height=height))
    if clipped.equal(box):
        return box, ()
    words = _("The region reached beyond the image and is clipped to {x0}, {y0}, {x1}, {y1}.")
    return clipped, (words.format(**dict(zip(EDGES, clipped.int().tolist(), strict=True))),)


def first_region(image: Tensor, truth: dict[str, Tensor] | None) -> tuple[int, int, int, int]:
    """Return a region of ``image`` (3, H, W) to begin with: the largest object of its ``truth``, else its middle."""
    height, width = image.shape[1:]
    if truth is None or not len(truth["boxes"]):
        return width // 4, height // 4, max(width * 3 // 4, width // 4 + 1), max(height * 3 // 4, height // 4 + 1)
    boxes = truth["boxes"]
    x0, y0, x1, y1 = boxes[(boxes[:, 2:] - boxes[:, :2]).prod(1).argmax()].round().int().tolist()
    return x0, y0, x1, y1


def rcnn_around(detector: Detector, trunk: str = "slim") -> RCNN:
    """Return an R-CNN around the trained ``trunk`` of ``detector``; what follows the trunk is untrained."""
    rcnn = RCNN(trunk).eval()
    rcnn.trunk = detector.trunk
    return rcnn


def crop_of(rcnn: RCNN, image: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
    """Return the crop (3, S, S) uint8 that R-CNN warps ``box`` (4,) to, and its feature (C, 6, 6) of that crop."""
    crops = rcnn.warped(image, box[None])
    with torch.inference_mode():
        return crops[0], rcnn.convolve(crops)[0].float()


def similarity(one: Tensor, other: Tensor) -> float:
    """Return the cosine between two features of the same shape: 1 where they differ by a positive factor only."""
    return float(functional.cosine_similarity(one.flatten(), other.flatten(), dim=0))


def similarity_elsewhere(image_map: ImageMap, box: Tensor, feature: Tensor) -> float | None:
    """Return the mean cosine of ``feature`` (C, 6, 6) to RoI-pooled regions of the size of ``box`` (4,) elsewhere.

    Elsewhere is a lattice over the map, without what overlaps ``box`` by an IoU of 0.3; None where nothing is left.
    """
    size = box[2:] - box[:2]
    room = torch.tensor(image_map.features.shape[:0:-1]) / image_map.scale - size
    steps = torch.linspace(0, 1, ELSEWHERE)
    corners = torch.cartesian_prod(steps, steps) * room.clamp(min=0)
    others = torch.cat([corners, corners + size], 1)
    others = others[assign(others, box[None])[0] < ELSEWHERE_IOU]
    if not len(others):
        return None
    pooled = roi_pool(image_map.features, others * image_map.input_scale, 1 / image_map.stride, BINS)
    return float(functional.cosine_similarity(pooled.flatten(1), feature.flatten()[None]).mean())


@dataclass(frozen=True)
class Comparison:
    """A region's feature beside that of its crop: their ``similarity``, and the ``label`` that the detector's head
    gives it with a ``probability``, None where the trunk comes without a head for such features."""

    similarity: float
    label: int | None
    probability: float | None


def compare(image_map: ImageMap, box: Tensor, of_crop: Tensor, head: RegionHead | None) -> dict[str, Comparison]:
    """Compare the 6 x 6 features of ``box`` (4,) with ``of_crop`` (C, 6, 6), which is also the first of them, ``crop``.

    SPP takes part with the finest level of its pyramid.
    """
    pooled = pool_each_way(image_map, box[None])
    finest = pooled["spp"][0, : of_crop.numel()].view(BINS, BINS, -1).permute(2, 0, 1)
    features = {"crop": of_crop, **pooled, "spp": finest[None]}
    return {way: _comparison(feature.reshape(of_crop.shape), of_crop, head) for way, feature in features.items()}


def _comparison(feature: Tensor, of_crop: Tensor, head: RegionHead | None) -> Comparison:
    if head is None:
        return Comparison(similarity(feature, of_crop), None, None)
    with torch.inference_mode():
        probabilities = head.score(head.layers(flatten_cells(feature[None]))).softmax(1)[0]
    label = int(probabilities.argmax())
    return Comparison(similarity(feature, of_crop), label, float(probabilities[label]))


@dataclass(frozen=True)
class MultiplyAdds:
    """What the convolutions need on the whole ``image`` and on one ``crop``, and fc6 and fc7 (``layers``) on a region.

    Pooling is not in it: RoI pooling compares and multiplies nothing.
    """

    image: int
    crop: int
    layers: int


@lru_cache
def count_multiply_adds(trunk: str, height: int, width: int) -> MultiplyAdds:
    """Count the multiply-adds on an image of ``height`` x ``width``, on the trunk of that name.

    Nothing is computed, only shapes run through.
    """
    with torch.device("meta"):
        rcnn = RCNN(trunk).eval().requires_grad_(False)
        pixels, _scale = to_input(torch.empty(3, height, width, dtype=torch.uint8), TRUNKS[trunk])
        crop = torch.empty(1, 3, rcnn.side, rcnn.side, dtype=torch.uint8)
        feature = torch.empty(1, BINS * BINS * rcnn.trunk.channels)
    return MultiplyAdds(_count(rcnn.trunk, pixels), _count(rcnn.convolve, crop), _count(rcnn.layers, feature))


def _count(function: Callable[[Tensor], Tensor], value: Tensor) -> int:
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        function(value)
    return counter.get_total_flops() // 2  # it counts a multiply-add as two operations
