"""Selective search for object recognition (Uijlings, van de Sande, Gevers and Smeulders 2013).

1. Cut the image into small regions by graph segmentation (Felzenszwalb and Huttenlocher 2004; OpenCV's).
2. Describe each by histograms of colour and of texture, its size and its bounding box (section 3.2).
3. Merge the two most similar neighbours, describe the union from its parts, and go on until one is left (section 3.1).
4. Every region that ever existed gives a box. Several colour spaces, similarities and segmentation scales give
   several hierarchies, which together find more than any one of them (section 3.3).
5. Order the boxes: the later a region was merged the earlier it comes, shaken by a random factor (section 3.4).
"""

import heapq
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.detectors.base import Regions

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Mode = Literal["single", "fast", "quality"]

COLOUR_BINS = 25
ORIENTATIONS = 8
TEXTURE_BINS = 10
SIGMA = 0.8
LONGEST = 500  # the released code works on images of this width
LEAST_SIDE = 20 / LONGEST  # as a part of the long side; the released code drops what is under 20 of 500 pixels
COLOUR_SPACES = {
    "hsv": cv2.COLOR_RGB2HSV_FULL,
    "lab": cv2.COLOR_RGB2LAB,
    "rgb": None,
}
_STEEPEST = 64.0  # grey levels a pixel; steeper slopes share the last texture bin


@dataclass(frozen=True)
class Weights:
    """How much each similarity counts, 1 or 0 in the paper."""

    colour: float = 1
    texture: float = 1
    size: float = 1
    fill: float = 1


CTSF = Weights()
TSF = Weights(colour=0)


@dataclass(frozen=True)
class Strategy:
    """One hierarchy: its colour space, its similarity and the segmentation's scale ``k``."""

    colour_space: str
    weights: Weights
    k: int


MODES: dict[Mode, tuple[Strategy, ...]] = {
    "single": (Strategy("hsv", CTSF, 100),),
    "fast": tuple(Strategy(*choice) for choice in product(("hsv", "lab"), (CTSF, TSF), (50, 100))),
    "quality": tuple(
        Strategy(*choice)
        for choice in product(
            ("hsv", "lab", "rgb"), (CTSF, TSF, Weights(0, 0, 0, 1), Weights(0, 0, 1, 0)), (50, 100, 150, 300)
        )
    ),
}


@dataclass(frozen=True)
class Segments:
    """The start of a hierarchy: N regions of an image of ``area`` pixels, and what each looks like.

    ``labels`` (H, W) names each pixel's region, ``neighbours`` (E, 2) the pairs that touch; ``sizes`` (N,) in pixels,
    ``boxes`` (N, 4) half-open; ``colour`` (N, 75) and ``texture`` (N, 240) are histograms that sum to 1.
    """

    labels: Ints
    area: int
    neighbours: Ints
    sizes: Floats
    boxes: Floats
    colour: Floats
    texture: Floats


@dataclass(frozen=True)
class Hierarchy:
    """A finished grouping of N segments: nodes 0 to N - 1 are the segments, node N + i is what merge i made.

    ``merges`` (N - 1, 2) names the two nodes of each merge in order; ``boxes`` (2 N - 1, 4) and ``sizes`` (2 N - 1,)
    are of all nodes.
    """

    labels: Ints
    merges: Ints
    boxes: Floats
    sizes: Floats


def selective_search(image: Tensor, mode: Mode = "fast", seed: int = 0) -> Regions:
    """Propose regions of ``image`` (3, H, W) uint8, best first, without duplicates: boxes (R, 4) in its pixels.

    ``fast`` groups 8 times (HSV and Lab; colour, texture, size and fill or all but colour; k = 50 and 100), ``single``
    once, ``quality`` 48 times. The order's random factors come from ``seed``.
    """
    pixels = np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())
    height, width = pixels.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    if scale < 1:
        shape = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA)
    described = lru_cache(partial(segment, pixels))  # two similarities share a segmentation
    boxes = ordered_boxes([group(described(s.colour_space, s.k), s.weights) for s in MODES[mode]], seed)
    sides = boxes[:, 2:] - boxes[:, :2]
    boxes = boxes[(sides >= LEAST_SIDE * max(pixels.shape[:2])).all(1)]
    factor = np.tile([width / pixels.shape[1], height / pixels.shape[0]], 2)
    return Regions(torch.from_numpy((boxes * factor).astype(np.float32)))


def segment(pixels: NDArray[np.uint8], colour_space: str = "hsv", k: int = 100) -> Segments:
    """Cut ``pixels`` (H, W, 3) RGB into regions of similar colour and describe each of them.

    ``k`` is the segmentation's preference for large regions and its smallest size.
    """
    conversion = COLOUR_SPACES[colour_space]
    converted = pixels if conversion is None else cv2.cvtColor(pixels, conversion)
    cut = cv2.ximgproc.segmentation.createGraphSegmentation(SIGMA, k, k)
    labels = np.unique(cut.processImage(converted), return_inverse=True)[1].reshape(pixels.shape[:2])
    count = int(labels.max()) + 1
    flat = labels.ravel()
    sizes = np.bincount(flat, minlength=count).astype(np.float32)
    return Segments(
        labels,
        labels.size,
        _neighbours(labels, count),
        sizes,
        _bounding_boxes(labels, count),
        _histograms(flat, count, (converted.reshape(-1, 3) * (COLOUR_BINS / 256)).astype(np.int64), COLOUR_BINS),
        _histograms(flat, count, _slopes(converted), TEXTURE_BINS),
    )


def _neighbours(labels: Ints, count: int) -> Ints:
    """Return each pair of regions that touch at a side once, the smaller number first: (E, 2)."""
    pairs = [
        np.stack([one.ravel(), other.ravel()])
        for one, other in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:]))
    ]
    low, high = np.sort(np.concatenate(pairs, 1), 0)
    keys = np.unique((low * count + high)[low != high])
    return np.stack(np.divmod(keys, count), 1)


def _bounding_boxes(labels: Ints, count: int) -> Floats:
    height, width = labels.shape
    ys, xs = np.divmod(np.arange(labels.size), width)
    order = np.argsort(labels.ravel(), kind="stable")
    starts = np.searchsorted(labels.ravel()[order], np.arange(count))
    ys, xs = ys[order], xs[order]
    edges = [np.minimum.reduceat(xs, starts), np.minimum.reduceat(ys, starts)]
    edges += [np.maximum.reduceat(xs, starts) + 1, np.maximum.reduceat(ys, starts) + 1]
    return np.stack(edges, 1).astype(np.float32)


def _histograms(flat: Ints, count: int, values: Ints, bins: int) -> Floats:
    """Count ``values`` (P, C) below ``bins`` in every region of ``flat`` (P,), each region's sum being 1: (N, C bins)."""
    channels = values.shape[1]
    places = (flat * (channels * bins))[:, None] + np.arange(channels) * bins + values
    histograms = np.bincount(places.ravel(), minlength=count * channels * bins).reshape(count, -1).astype(np.float32)
    return histograms / histograms.sum(1, keepdims=True)


def _slopes(pixels: NDArray[np.uint8]) -> Ints:
    """Bin the Gaussian derivative (sigma 1) of each channel in 8 directions, rising slopes only: (P, 3 * 8)."""
    smooth = cv2.GaussianBlur(pixels, (0, 0), 1).astype(np.float32)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=1)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=1)
    angles = 2 * np.pi * np.arange(ORIENTATIONS, dtype=np.float32) / ORIENTATIONS
    slope = across.reshape(-1, 3, 1) * np.cos(angles) + down.reshape(-1, 3, 1) * np.sin(angles)
    return np.clip(slope * (TEXTURE_BINS / _STEEPEST), 0, TEXTURE_BINS - 1).astype(np.int64).reshape(len(slope), -1)


def group(segments: Segments, weights: Weights = CTSF) -> Hierarchy:
    """Merge the most similar neighbours of ``segments`` until one region is left (the paper's algorithm 1)."""
    count = len(segments.sizes)
    sizes = np.concatenate([segments.sizes, np.zeros(count - 1, np.float32)])
    boxes = np.concatenate([segments.boxes, np.zeros((count - 1, 4), np.float32)])
    parts = ((weights.colour, segments.colour), (weights.texture, segments.texture))
    looks = np.concatenate(
        [weight * histograms for weight, histograms in parts if weight] or [np.zeros((count, 0), np.float32)], 1
    )
    looks = np.concatenate([looks, np.zeros((count - 1, looks.shape[1]), np.float32)])

    def similarity(one: int | Ints, others: Ints) -> Floats:
        """The weighted sum of equations 2 to 5 of the paper, of ``one`` with each of ``others``."""
        sides = np.maximum(boxes[one, 2:], boxes[others, 2:]) - np.minimum(boxes[one, :2], boxes[others, :2])
        together = (sizes[one] + sizes[others]) / segments.area
        gaps = sides[..., 0] * sides[..., 1] / segments.area - together
        common = np.minimum(looks[one], looks[others]).sum(-1)
        return common + weights.size * (1 - together) + weights.fill * (1 - gaps)

    first, second = segments.neighbours.T
    heap = list(zip((-similarity(first, second)).tolist(), first.tolist(), second.tolist(), strict=True))
    heapq.heapify(heap)
    around: list[set[int]] = [set() for _ in range(2 * count - 1)]
    for one, other in segments.neighbours.tolist():
        around[one].add(other)
        around[other].add(one)

    merges = np.zeros((count - 1, 2), np.int64)
    gone = [False] * (2 * count - 1)
    for node in range(count, 2 * count - 1):
        _, one, other = heapq.heappop(heap)
        while gone[one] or gone[other]:
            _, one, other = heapq.heappop(heap)
        gone[one] = gone[other] = True
        merges[node - count] = one, other
        sizes[node] = sizes[one] + sizes[other]
        boxes[node, :2] = np.minimum(boxes[one, :2], boxes[other, :2])
        boxes[node, 2:] = np.maximum(boxes[one, 2:], boxes[other, 2:])
        looks[node] = (sizes[one] * looks[one] + sizes[other] * looks[other]) / sizes[node]
        around[node] = (around[one] | around[other]) - {one, other}
        if around[node]:
            others = np.fromiter(around[node], np.int64)
            for neighbour, value in zip(others.tolist(), (-similarity(node, others)).tolist(), strict=True):
                around[neighbour] -= {one, other}
                around[neighbour].add(node)
                heapq.heappush(heap, (value, neighbour, node))
    return Hierarchy(segments.labels, merges, boxes, sizes)


def ordered_boxes(hierarchies: list[Hierarchy], seed: int = 0) -> Floats:
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
