"""One score map through every way of upsampling, with its trained weights or as it begins."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.backbones import TRUNKS, Trunk
from core.models import MODELS
from core.segmentation.study import CELL, DOUBLINGS, UPSAMPLERS, UpsampledScores, UpsamplingStudy, pooling_indices
from core.segmentation.upsampling import BedOfNails, MaxUnpool, Upsampler

LONGEST = 256  # pixels of the longer side of an image whose score maps are looked at
RUNS = 3  # of which the fastest counts
SCORED_BY = "bilinear"  # the head whose coarse scores all take where they begin

Doublings = Sequence[Upsampler]


@dataclass(frozen=True)
class Enlargement:
    """What doubling after doubling made of a coarse map: ``scores`` (C, h, w), (C, 2 h, 2 w) ...; in so many
    ``seconds``, with ``trained_numbers`` weights and ``multiply_adds``."""

    scores: tuple[Tensor, ...]
    seconds: float
    trained_numbers: int
    multiply_adds: int


def enlarge(doublings: Doublings, scores: Tensor, indices: Iterable[Tensor]) -> Enlargement:
    """Send ``scores`` (C, h, w) through the ``doublings``; ``indices`` (1, 1, h, w), ... are a max pooling's."""
    places = list(indices)
    # The first run is always slower, and others may be held up by what else the machine does.
    maps, seconds = min((_timed(doublings, scores, places) for _run in range(RUNS)), key=itemgetter(1))
    return Enlargement(
        tuple(maps),
        seconds,
        sum(double.trained_numbers() for double in doublings),
        sum(double.multiply_adds(*one.shape[1:]) for double, one in zip(doublings, maps, strict=False)),
    )


@torch.inference_mode()
def _timed(doublings: Doublings, scores: Tensor, indices: list[Tensor]) -> tuple[list[Tensor], float]:
    maps = [scores[None]]
    start = time.perf_counter()
    for double, places in zip(doublings, indices, strict=True):
        maps.append(double(maps[-1], places))
    seconds = time.perf_counter() - start
    return [one[0] for one in maps], seconds


def as_begun(channels: int) -> dict[str, Doublings]:
    """Return every way's four doublings before any training, the same each time.

    Unpooling has nothing behind it that fills the zeros.
    """
    begun: dict[str, Doublings] = {}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for name in UPSAMPLERS:
            begun[name] = [MODELS[name].make(channels) for _doubling in range(DOUBLINGS)]
    for double in (*begun["bed_of_nails"], *begun["max_unpool"]):
        assert isinstance(double, BedOfNails | MaxUnpool)
        double.fill, double.cell_cost = nn.Identity(), 0
    return begun


def as_trained(study: UpsamplingStudy) -> dict[str, Doublings]:
    """Return every way's four doublings as the ``study`` trained them."""
    return {
        name: [double for double in head.doublings if isinstance(double, Upsampler)]
        for name, head in _heads(study).items()
    }


def _heads(study: UpsamplingStudy) -> dict[str, UpsampledScores]:
    return {name: head for name, head in study.heads.items() if isinstance(head, UpsampledScores)}


def enlarge_scores(study: UpsamplingStudy, image: Tensor, trained: bool) -> dict[str, Enlargement]:
    """Enlarge the scores of ``image`` (3, H, W) uint8, whose sides are whole 16 pixels, in every way.

    Where the ways are ``trained``, each enlarges the scores that its own layer gives; as they begin, all enlarge the
    same ones.
    """
    with torch.inference_mode():
        pixels = image[None].float()
        stages = study.trunk.stages(pixels)
        indices = pooling_indices(pixels, stages)
        scores = {name: head.score(stages[-1])[0] for name, head in _heads(study).items()}
    if trained:
        return {name: enlarge(doublings, scores[name], indices) for name, doublings in as_trained(study).items()}
    begun = as_begun(len(study.classes))
    return {name: enlarge(doublings, scores[SCORED_BY], indices) for name, doublings in begun.items()}


def enlarge_cells(cells: Tensor, label: int, trained: Mapping[str, Doublings] | None) -> dict[str, Enlargement]:
    """Enlarge ``cells`` (h, w) in every way, as they begin or by ``trained`` doublings; maps have one channel.

    To trained ones the cells are the scores of class ``label``, and all other classes' scores are 0. Max-unpooling puts
    its values in places drawn at random, always the same.
    """
    indices = random_indices(*cells.shape)
    if trained is None:
        return {name: enlarge(doublings, cells[None], indices) for name, doublings in as_begun(1).items()}
    made = {}
    for name, doublings in trained.items():
        scores = cells.new_zeros(doublings[0].channels, *cells.shape)
        scores[label] = cells
        enlarged = enlarge(doublings, scores, indices)
        own = tuple(one[label : label + 1] for one in enlarged.scores)
        made[name] = Enlargement(own, enlarged.seconds, enlarged.trained_numbers, enlarged.multiply_adds)
    return made


def random_indices(height: int, width: int) -> list[Tensor]:
    """Return the indices of four max poolings of noise, (1, 1, ``height``, ``width``) at first and largest at last."""
    noise = torch.rand(1, 1, height << DOUBLINGS, width << DOUBLINGS, generator=torch.Generator().manual_seed(0))
    indices: list[Tensor] = []
    for _pooling in range(DOUBLINGS):
        noise, places = functional.max_pool2d(noise, 2, return_indices=True)
        indices.insert(0, places)
    return indices


def in_whole_cells(image: Tensor, trunk: Trunk = TRUNKS["slim"]) -> Tensor:
    """Scale ``image`` (3, H, W) uint8 so that both sides have whole 16 pixels, and the longer one at most 256.

    A photo is as large as segmenters on its ``trunk`` see it.
    """
    before = image.shape[1], image.shape[2]
    scale = trunk.scale(*before) if trunk.segments_scaled else min(1.0, LONGEST / max(before))
    height, width = (max(1, round(length * scale / CELL)) * CELL for length in image.shape[1:])
    if (height, width) == image.shape[1:]:
        return image
    scaled = functional.interpolate(image[None].float(), (height, width), mode="bilinear", antialias=True)[0]
    return scaled.round().clamp(0, 255).to(image.dtype)
