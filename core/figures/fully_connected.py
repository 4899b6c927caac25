"""What the view of fully connected layers shows, ready for JSON: a flattened map, shuffles, and patches that slide."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core.backbones import Backbone, Lite0
from core.backbones.lite0 import LAST_UNPADDED, Block
from core.figures.pooling import viridis
from core.figures.segmentation import segmented_data, squeezed
from core.figures.sent.segmentation import Flattened, ShuffledConvolution, SlidCells, SlidWay
from core.segmentation.patch_cnn import PATCH, PatchCNN
from core.segmentation.shuffling import random_order, shuffled_connected, shuffled_convolution
from core.segmentation.sliding import WAYS, Slid
from core.stages import Trace
from core.values import FeatureMap, ScoreMap

BYTE = 255
UNKNOWN = 255  # the label of a cell whose patch has not been looked at


def flattened_data(model: PatchCNN, trace: Trace, seed: int) -> Flattened:
    """Return what ``model`` flattens about each of ``rows`` x ``columns`` cells of an image, and its scores there.

    ``features``, (C, rows + 4, columns + 4) for 5 ``cells``, are bytes from the value ``low`` to ``top``: cell (i, j)
    flattens the ``cells`` x ``cells`` from (i, j) on. ``order`` says which number comes first, second, ... after a
    shuffle by ``seed``. ``scores`` (rows x columns, K + 1) are float32: as they are, ``together`` with the weights
    shuffled alike, and ``alone`` without; ``differences`` are the largest of those two from the first.
    """
    features, whole = (
        next(step.value.values for step in trace.steps if isinstance(step.value, kind))
        for kind in (FeatureMap, ScoreMap)
    )
    order = random_order(features.shape[0] * model.cells**2, seed)
    patches = features.unfold(1, model.cells, 1).unfold(2, model.cells, 1).permute(1, 2, 0, 3, 4).flatten(0, 1)
    with torch.inference_mode():
        scores = {
            "plain": model.connected(patches),
            "together": shuffled_connected(model, patches, order, weights=True),
            "alone": shuffled_connected(model, patches, order, weights=False),
        }
    low = min(float(features.min()), 0.0)
    top = max(float(features.max()), low + 1e-9)
    return {
        **segmented_data(trace.image, model.classes),
        "palette": viridis(),
        "patch": PATCH,
        "stride": model.trunk.stride,
        "around": (PATCH - model.trunk.stride) // 2,
        "cells": model.cells,
        "rows": whole.shape[1],
        "columns": whole.shape[2],
        "channels": len(features),
        "features": squeezed(((features - low) / (top - low) * BYTE).round()),
        "low": low,
        "top": top,
        "order": squeezed(order, "u2"),
        "scores": {name: squeezed(values, "f4") for name, values in scores.items()},
        "differences": {name: float((scores[name] - scores["plain"]).abs().max()) for name in ("together", "alone")},
        "start": _surest(scores["plain"]),
        "convolution": _convolution_data(model, trace.image, seed),
    }


def _surest(scores: Tensor) -> int:
    """Return the cell that is most surely no background, of ``scores`` (N, K + 1)."""
    return int(scores.softmax(1)[:, 1:].amax(1).argmax())


def _convolution_data(model: PatchCNN, image: Tensor, seed: int) -> ShuffledConvolution:
    """Return what the trunk's last convolution over neighbours makes of its map (``rows`` x ``columns``), as it is and
    shuffled; ``layer`` is where it stands.

    Each of ``maps`` is the channel with the greatest mean, in bytes up to its own greatest value; ``shuffled`` is
    what the convolution is given, ``back`` what it makes of that, with the cells put back. ``change`` is the mean
    difference of that from ``plain``, as part of the mean absolute value.
    """
    name, before, layer = _last_convolution(model.trunk)
    with torch.inference_mode():
        given = model.trunk.normalised(model.surrounded(image[None]))
        for one in before:
            given = one(given)
        cells = given[0].flatten(1)
        order, straight = random_order(cells.shape[1], seed), torch.arange(cells.shape[1])
        plain, back = (shuffled_convolution(layer, given[0], one) for one in (straight, order))
    strongest, channel = given[0].mean((1, 2)).argmax(), plain.relu().mean((1, 2)).argmax()
    maps = {
        "given": given[0, strongest],
        "plain": plain[channel].relu(),
        "shuffled": cells[strongest, order].view(given.shape[2:]),
        "back": back[channel].relu(),
    }
    return {
        "layer": name,
        "rows": given.shape[2],
        "columns": given.shape[3],
        "kernel": layer.kernel_size[0],
        "maps": {name: squeezed((BYTE * one / one.max().clamp(min=1e-9)).round()) for name, one in maps.items()},
        "change": float((plain - back).abs().mean() / plain.abs().mean()),
    }


def _last_convolution(trunk: Backbone) -> tuple[str, list[nn.Module], nn.Conv2d]:
    """Return the last convolution of an unpadded ``trunk`` with a kernel over 1 x 1: where it stands, the layers before
    it, and itself."""
    layers, name = list(trunk), "conv5"
    if isinstance(trunk, Lite0):
        name = LAST_UNPADDED
        block = trunk.get_submodule(name)
        assert isinstance(block, Block)
        layers = [*layers[: layers.index(block)], *block.layers]
    last = [place for place, one in enumerate(layers) if isinstance(one, nn.Conv2d) and one.kernel_size != (1, 1)][-1]
    found = layers[last]
    assert isinstance(found, nn.Conv2d)
    return name, layers[:last], found


def slid_data(model: PatchCNN, image: Tensor, events: Sequence[Slid] = ()) -> SlidCells:
    """Return how far ``model`` has labelled the cells of ``image`` (3, H, W) in each way, and how the scores differ.

    Each of ``ways`` has ``labels`` (rows x columns), a byte a cell, ``UNKNOWN`` where it has not come to yet, its
    ``seconds``, ``done`` and ``total`` patches, and the largest ``difference`` of its scores from the first way's.
    """
    rows, columns = (-(-length // model.trunk.stride) for length in image.shape[1:])
    whole = torch.cat([one.scores for one in events if one.way == WAYS[0]]) if events else None
    ways: dict[str, SlidWay] = {}
    for way in WAYS:
        own = [one for one in events if one.way == way]
        labels = torch.full((rows * columns,), UNKNOWN)
        difference = None
        if own and whole is not None:
            scores = torch.cat([one.scores for one in own])
            labels[: len(scores)] = scores.argmax(1)
            difference = float((scores - whole[: len(scores)]).abs().max())
        ways[way] = {
            "labels": squeezed(labels),
            "seconds": own[-1].seconds if own else 0.0,
            "done": own[-1].done if own else 0,
            "total": rows * columns,
            "difference": difference,
        }
    data = segmented_data(image, model.classes)
    return {**data, "rows": rows, "columns": columns, "stride": model.trunk.stride, "ways": ways}
