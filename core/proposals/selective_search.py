"""Selective search for object recognition (Uijlings, van de Sande, Gevers and Smeulders 2013).

1. Cut the image into small regions by graph segmentation (Felzenszwalb and Huttenlocher 2004; OpenCV's).
2. Describe each by histograms of colour and of texture, its size and its bounding box (section 3.2).
3. Merge the two most similar neighbours, describe the union from its parts, and go on until one is left (section 3.1).
4. Every region that ever existed gives a box. Several colour spaces, similarities and segmentation scales give
   several hierarchies, which together find more than any one of them (section 3.3).
5. Order the boxes: the later a region was merged the earlier it comes, shaken by a random factor (section 3.4).
"""

import heapq
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from itertools import product
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.values import Regions

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Pixels = NDArray[np.uint8]
Mode = Literal["single", "fast", "quality"]

COLOUR_BINS = 25
DIRECTIONS = 4  # each with its opposite: the paper's 8 orientations
TEXTURE_BINS = 10
CHANNELS = 3  # a colour space with fewer leaves its last histograms empty
SIGMA = 0.8
LEAST_SEGMENT = 50  # pixels
LONGEST = 500  # pixels; the released code works on images of this width
LEAST_SIDE = 20 / LONGEST  # as a part of the long side; the released code drops what is under 20 of 500 pixels
_SIGNED_BINS = 2 * TEXTURE_BINS - 1
_STEEPEST = 32.0  # grey levels a pixel; steeper slopes share the last texture bin
_TOGETHER = 16  # hierarchies that are grouped in step; more would only cost memory


@dataclass(frozen=True)
class Weights:
    """How much each similarity counts, 1 or 0 in the paper."""

    colour: float = 1
    texture: float = 1
    size: float = 1
    fill: float = 1


@dataclass(frozen=True)
class Strategy:
    """One hierarchy: its colour space, the segmentation's scale ``k`` and how neighbours are compared."""

    colour_space: str
    k: int
    weights: Weights


@dataclass(frozen=True)
class Segments:
    """The start of a hierarchy: N regions of an image, and what each looks like.

    ``labels`` (H, W) names each pixel's region and ``neighbours`` (E, 2) the pairs that touch; ``sizes`` (N,) in
    pixels, ``boxes`` (N, 4) half-open; ``colour`` (N, 75) and ``texture`` (N, 240) are histograms that sum to 1.
    """

    labels: Ints
    neighbours: Ints
    sizes: Floats
    boxes: Floats
    colour: Floats
    texture: Floats


@dataclass(frozen=True)
class Hierarchy:
    """A finished grouping of N segments: nodes 0 to N - 1 are the segments, node N + i is what merge i made.

    ``labels`` (H, W) are the segments; ``merges`` (N - 1, 2) names the two nodes of each merge in order, and
    ``similarities`` (N - 1, 4) how alike they were in colour, texture, size and fill, unweighted. ``boxes``
    (2 N - 1, 4) and ``sizes`` (2 N - 1,) are of all nodes; the last is the whole image.
    """

    labels: Ints
    merges: Ints
    similarities: Floats
    boxes: Floats
    sizes: Floats


def _cv2(conversion: int, channels: int = 3) -> Callable[[Pixels], Pixels]:
    def convert(pixels: Pixels) -> Pixels:
        converted = np.asarray(cv2.cvtColor(pixels, conversion), np.uint8)
        return np.ascontiguousarray(np.atleast_3d(converted)[..., :channels])

    return convert


def _red_green_intensity(pixels: Pixels) -> Pixels:
    """Turn RGB into the shares of red and of green in the sum of all three, and the intensity."""
    total = pixels.sum(2, dtype=np.float32, keepdims=True)
    return np.concatenate([pixels[..., :2] * (255 / np.maximum(total, 1)), total / 3], 2).astype(np.uint8)


COLOUR_SPACES = {
    "hsv": _cv2(cv2.COLOR_RGB2HSV_FULL),
    "lab": _cv2(cv2.COLOR_RGB2LAB),
    "rgi": _red_green_intensity,
    "hue": _cv2(cv2.COLOR_RGB2HSV_FULL, channels=1),
    "intensity": _cv2(cv2.COLOR_RGB2GRAY),
}
# The paper's fast mode has k = 50 and 100 and segments of at least k pixels. Twice that k and 50 pixels cover the
# objects of photos as well with a quarter fewer boxes.
CTSF, TSF, FILL, SIZE = Weights(), Weights(colour=0), Weights(0, 0, 0, 1), Weights(0, 0, 1, 0)
MODES: dict[Mode, tuple[Strategy, ...]] = {
    "single": (Strategy("hsv", 100, CTSF),),
    "fast": tuple(Strategy(*choice) for choice in product(("hsv", "lab"), (100, 200), (CTSF, TSF))),
    "quality": tuple(
        Strategy(*choice) for choice in product(COLOUR_SPACES, (50, 100, 150, 300), (CTSF, TSF, FILL, SIZE))
    ),
}


def selective_search(image: Tensor, mode: Mode = "fast", least_side: float = LEAST_SIDE, seed: int = 0) -> Regions:
    """Propose regions of ``image`` (3, H, W) uint8, best first, without duplicates: boxes (R, 4) in its pixels.

    ``fast`` groups 8 times (HSV and Lab, two scales k, with and without colour), ``single`` once, ``quality`` 80
    times. Boxes with a side below ``least_side``, a part of the image's long side, are left out, but never the whole
    image. The order's random factors come from ``seed``: the same image always gives the same boxes. Raises
    ValueError for anything but such an image.
    """
    if image.ndim != 3 or len(image) != 3 or 0 in image.shape or image.dtype != torch.uint8:
        raise ValueError(f"selective search needs a uint8 image (3, H, W), not {image.dtype} {tuple(image.shape)}")
    pixels = to_pixels(image)
    extent, grouped = np.array([image.shape[2], image.shape[1]]), np.array([pixels.shape[1], pixels.shape[0]])
    boxes = ordered_boxes(hierarchies(pixels, MODES[mode]), seed)
    boxes = boxes[(boxes[:, 2:] - boxes[:, :2] >= np.minimum(least_side * grouped.max(), grouped)).all(1)]
    return Regions(torch.from_numpy((boxes * np.tile(extent / grouped, 2)).astype(np.float32)))


def to_pixels(image: Tensor) -> Pixels:
    """Return ``image`` (3, H, W) uint8 as it is grouped: (h, w, 3), its long side scaled down to 500 pixels."""
    pixels = np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())
    extent = np.array([pixels.shape[1], pixels.shape[0]])
    if extent.max() > LONGEST:
        smaller = np.maximum(1, np.rint(extent * (LONGEST / extent.max())).astype(int))
        pixels = cv2.resize(pixels, smaller.tolist(), interpolation=cv2.INTER_AREA)
    return pixels


def hierarchies(pixels: Pixels, strategies: Sequence[Strategy]) -> list[Hierarchy]:
    """Group ``pixels`` (H, W, 3) RGB once by each strategy; those that differ in weights alone share the segments.

    A strategy's k is for images of 500 pixels. On smaller ones it grows in proportion, because noise between pixels
    does not shrink with the image, and most segments would be noise.
    """
    scales: dict[str, list[int]] = {}
    for strategy in strategies:
        scales.setdefault(strategy.colour_space, []).append(strategy.k)
    growth = LONGEST / max(pixels.shape[:2])

    def cut(colour_space: str) -> dict[tuple[str, int], Segments]:
        distinct = list(dict.fromkeys(scales[colour_space]))
        made = segment(pixels, colour_space, [k * growth for k in distinct])
        return {(colour_space, k): segments for k, segments in zip(distinct, made, strict=True)}

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # OpenCV lets the other threads work meanwhile
        found = {name: segments for made in pool.map(cut, scales) for name, segments in made.items()}
    starts = [(found[one.colour_space, one.k], one.weights) for one in strategies]
    batches = [starts[first : first + _TOGETHER] for first in range(0, len(starts), _TOGETHER)]
    return [hierarchy for batch in batches for hierarchy in group_in_step(batch)]


def segment(pixels: Pixels, colour_space: str, scales: Sequence[float]) -> list[Segments]:
    """Cut ``pixels`` (H, W, 3) RGB into regions of similar colour and describe them, once for each scale k.

    A larger k prefers larger regions; none is smaller than 50 pixels, where the image allows.
    """
    converted = COLOUR_SPACES[colour_space](pixels)
    colours, slopes = _colours(converted), _slopes(converted)
    made = []
    for k in scales:
        start = cv2.ximgproc.segmentation.createGraphSegmentation(SIGMA, k, LEAST_SEGMENT)
        labels = np.asarray(start.processImage(converted), np.int64)
        count = int(labels.max()) + 1
        made.append(
            Segments(
                labels,
                _neighbours(labels, count),
                np.bincount(labels.ravel(), minlength=count).astype(np.float32),
                _bounding_boxes(labels, count),
                _normalise(_count(labels, count, colours, CHANNELS * COLOUR_BINS)),
                _normalise(_texture(_count(labels, count, slopes, CHANNELS * DIRECTIONS * _SIGNED_BINS))),
            )
        )
    return made


def _neighbours(labels: Ints, count: int) -> Ints:
    """Return each pair of regions that touch at a side once, the smaller number first: (E, 2)."""
    sides = ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:]))
    pairs = np.concatenate([np.stack([one.ravel(), other.ravel()]) for one, other in sides], 1)
    pairs = np.sort(pairs[:, pairs[0] != pairs[1]], 0)
    return np.stack(np.divmod(np.unique(pairs[0] * count + pairs[1]), count), 1)


def _bounding_boxes(labels: Ints, count: int) -> Floats:
    boxes = np.empty((count, 4), np.float32)
    for axis, lines in enumerate((labels.T, labels)):
        flat = lines.ravel()
        places = np.repeat(np.arange(len(lines)), lines.shape[1])
        boxes[flat, 2 + axis] = places + 1  # of a region's many pixels, the last one written stays
        boxes[flat[::-1], axis] = places[::-1]
    return boxes


def _colours(pixels: Pixels) -> Ints:
    """Name the bin of each channel's value, counted through the channels: (P, C)."""
    channels = pixels.shape[2]
    bins = (pixels.reshape(-1, channels) * np.float32(COLOUR_BINS / 256)).astype(np.int64)
    return bins + COLOUR_BINS * np.arange(channels)


def _slopes(pixels: Pixels) -> Ints:
    """Name the bin of each channel's Gaussian derivative (sigma 1) in 4 directions, falls below rises: (P, 4 C)."""
    height, width, channels = pixels.shape
    smooth = cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), 1).reshape(height, width, channels)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, *axis, ksize=1, scale=0.5).ravel() for axis in ((1, 0), (0, 1)))
    bins = np.empty((height * width, channels, DIRECTIONS), np.int64)
    for direction, angle in enumerate(np.pi * np.arange(DIRECTIONS) / DIRECTIONS):
        slope = across * np.float32(np.cos(angle)) + down * np.float32(np.sin(angle))
        steps = np.clip(slope * np.float32(TEXTURE_BINS / _STEEPEST), 1 - TEXTURE_BINS, TEXTURE_BINS - 1)
        bins[..., direction] = steps.reshape(-1, channels)
    bins = bins.reshape(height * width, -1) + (TEXTURE_BINS - 1)
    return bins + _SIGNED_BINS * np.arange(channels * DIRECTIONS)


def _count(labels: Ints, count: int, bins: Ints, length: int) -> Floats:
    """Count how often each of ``length`` bins is named by a region's pixels, ``bins`` (P, B): (N, length)."""
    places = labels.reshape(-1, 1) * length + bins
    return np.bincount(places.ravel(), minlength=count * length).reshape(count, length).astype(np.float32)


def _texture(signed: Floats) -> Floats:
    """Part the counts of signed slopes into 8 orientations; a slope is flat for the one that it falls in: (N, 240)."""
    count = len(signed)
    signed = signed.reshape(count, CHANNELS * DIRECTIONS, _SIGNED_BINS)
    rises, falls = signed[..., TEXTURE_BINS:], signed[..., TEXTURE_BINS - 2 :: -1]
    total = signed.sum(-1, keepdims=True)
    oriented = [np.concatenate([total - steep.sum(-1, keepdims=True), steep], -1) for steep in (rises, falls)]
    return np.stack(oriented, 2).reshape(count, -1)


def _normalise(histograms: Floats) -> Floats:
    return histograms / histograms.sum(1, keepdims=True)


@dataclass(frozen=True)
class _Nodes:
    """The nodes of several hierarchies of one image under one numbering, filled in as they are made."""

    area: int
    sizes: Floats
    boxes: Floats
    looks: Floats  # colour and texture histograms beside each other
    weights: Floats

    def similarities(self, ones: Ints, others: Ints) -> Floats:
        """Return equations 2 to 5 of the paper for each pair, colour, texture, size and fill: (E, 4)."""
        common = np.minimum(self.looks[ones], self.looks[others])
        together = (self.sizes[ones] + self.sizes[others]) / self.area
        one, other = self.boxes[ones], self.boxes[others]
        sides = np.maximum(one[:, 2:], other[:, 2:]) - np.minimum(one[:, :2], other[:, :2])
        gaps = sides[:, 0] * sides[:, 1] / self.area - together
        colour, texture = common[:, : CHANNELS * COLOUR_BINS], common[:, CHANNELS * COLOUR_BINS :]
        return np.stack([colour.sum(1), texture.sum(1), 1 - together, 1 - gaps], 1)

    def costs(self, ones: Ints, others: Ints) -> list[float]:
        """Return the weighted sum of the similarities of each pair, negative: the first off a heap is the best."""
        return (-(self.similarities(ones, others) * self.weights[ones]).sum(1)).tolist()

    def merge(self, nodes: Ints, ones: Ints, others: Ints) -> None:
        """Describe ``nodes`` as the unions of ``ones`` and ``others``, without a look at their pixels."""
        self.sizes[nodes] = self.sizes[ones] + self.sizes[others]
        self.boxes[nodes, :2] = np.minimum(self.boxes[ones, :2], self.boxes[others, :2])
        self.boxes[nodes, 2:] = np.maximum(self.boxes[ones, 2:], self.boxes[others, 2:])
        share = (self.sizes[ones] / self.sizes[nodes])[:, None]
        self.looks[nodes] = share * self.looks[ones] + (1 - share) * self.looks[others]


def group(segments: Segments, weights: Weights = CTSF) -> Hierarchy:
    """Merge the most similar neighbours of ``segments`` until one region is left (the paper's algorithm 1)."""
    return group_in_step([(segments, weights)])[0]


def group_in_step(starts: Sequence[tuple[Segments, Weights]]) -> list[Hierarchy]:
    """Group several starts of one image, each as ``group`` would, one merge of each at a time.

    A merge is little work, so that most of its time is numpy's overhead, which all that are in step share.
    """
    counts = [len(segments.sizes) for segments, _ in starts]
    ends = np.cumsum([2 * count - 1 for count in counts]).tolist()
    firsts = [end - (2 * count - 1) for count, end in zip(counts, ends, strict=True)]
    nodes = _described(starts, firsts, ends)
    around: list[set[int]] = [set() for _ in range(ends[-1])]
    heaps = []
    for first, (segments, _) in zip(firsts, starts, strict=True):
        ones, others = (segments.neighbours + first).T
        heap = list(zip(nodes.costs(ones, others), ones.tolist(), others.tolist(), strict=True))
        for _cost, one, other in heap:
            around[one].add(other)
            around[other].add(one)
        heapq.heapify(heap)
        heaps.append(heap)

    merges = np.zeros((ends[-1], 2), np.int64)
    gone = bytearray(ends[-1])
    for step in range(max(counts) - 1):
        running = [index for index, count in enumerate(counts) if step < count - 1]
        made = [firsts[index] + counts[index] + step for index in running]
        pairs = [_pop_most_similar(heaps[index], gone) for index in running]
        merges[made] = pairs
        nodes.merge(np.array(made), *merges[made].T)
        nears = [_join(around, node, *pair) for node, pair in zip(made, pairs, strict=True)]
        new = np.repeat(made, [len(near) for near in nears])
        near = np.fromiter((other for near in nears for other in near), np.int64)
        costs = iter(nodes.costs(new, near))
        for index, node, near_node in zip(running, made, nears, strict=True):
            for other in near_node:
                heapq.heappush(heaps[index], (next(costs), other, node))

    return [
        Hierarchy(
            segments.labels,
            merges[first + count : end] - first,
            nodes.similarities(*merges[first + count : end].T),
            nodes.boxes[first:end],
            nodes.sizes[first:end],
        )
        for first, count, end, (segments, _) in zip(firsts, counts, ends, starts, strict=True)
    ]


def _described(starts: Sequence[tuple[Segments, Weights]], firsts: list[int], ends: list[int]) -> _Nodes:
    """Lay out all nodes, those of start i from ``firsts[i]`` to ``ends[i]``, and describe the segments among them."""
    width = (COLOUR_BINS + 2 * DIRECTIONS * TEXTURE_BINS) * CHANNELS
    shapes = ((), (4,), (width,), (4,))
    nodes = _Nodes(starts[0][0].labels.size, *(np.zeros((ends[-1], *shape), np.float32) for shape in shapes))
    for first, end, (segments, weights) in zip(firsts, ends, starts, strict=True):
        own = slice(first, first + len(segments.sizes))
        nodes.sizes[own] = segments.sizes
        nodes.boxes[own] = segments.boxes
        nodes.looks[own] = np.concatenate([segments.colour, segments.texture], 1)
        nodes.weights[first:end] = astuple(weights)
    return nodes


def _pop_most_similar(heap: list[tuple[float, int, int]], gone: bytearray) -> tuple[int, int]:
    """Take the best pair of which neither node is ``gone`` into another, and mark both as gone."""
    _cost, one, other = heapq.heappop(heap)
    while gone[one] or gone[other]:
        _cost, one, other = heapq.heappop(heap)
    gone[one] = gone[other] = True
    return one, other


def _join(around: list[set[int]], node: int, one: int, other: int) -> set[int]:
    """Give ``node`` the neighbours of ``one`` and ``other``, and return them."""
    around[node] = (around[one] | around[other]) - {one, other}
    for near in around[node]:
        around[near] -= {one, other}
        around[near].add(node)
    return around[node]


def ordered_boxes(hierarchies: Sequence[Hierarchy], seed: int = 0) -> Floats:
    """Join the boxes of several hierarchies (R, 4), best first, each once.

    A node's place in its hierarchy, 1 for the whole image, times a random number decides (section 3.4), so that
    large regions tend to come first without all the small ones coming last.
    """
    rng = np.random.default_rng(seed)
    places = np.concatenate([np.arange(len(one.boxes), 0, -1) for one in hierarchies])
    order = np.argsort(places * rng.random(len(places)), kind="stable")
    boxes = np.concatenate([one.boxes for one in hierarchies])[order]
    first = np.unique(boxes, axis=0, return_index=True)[1]
    return boxes[np.sort(first)]
