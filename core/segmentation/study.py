"""One trunk under every way of upsampling: which difference does the upsampler make, all else being equal?

1. The whole image goes through the convolutions once, for all.
2. Each way has a 1 x 1 convolution of its own that scores the classes at every cell, 16 pixels apart.
3. It doubles its scores four times, with nothing between, to one score a pixel.
4. Argmax.

They are trained at once on the same batches: the sum of their losses trains the trunk that they share, and each its own
layers. A way that comes later learns on that trunk as it is. The trunk stores no places of maxima, as its convolutions
have strides of their own: max-unpooling takes them from poolings of the mean channel of its maps, and of the image's
grey levels where the trunk has no map so fine.
"""

import math
from collections.abc import Iterator, Sequence

from torch import Tensor, nn
from torch.nn import functional

from core.backbones import TRUNKS, Backbone
from core.checkpoint import load_trunk, load_weights, ready
from core.data.scenes import CLASSES
from core.families import SHAPES, AnyFamily, family_of
from core.models import MODELS, names
from core.segmentation.base import Segmenter, pixel_loss
from core.stages import Progress, Step
from core.values import FeatureMap, LabelMap, ScoreMap

DOUBLINGS = 4
CELL = 1 << DOUBLINGS  # pixels; the stride of a trunk that they lead back from
UPSAMPLERS = names("upsampler")


def head_of(upsampler: str) -> str:
    """Return the name of the checkpoint that holds the head of the way called ``upsampler``."""
    return f"{UpsamplingStudy.name}/{upsampler}"


class UpsampledScores(nn.Module):
    """Scores of a map (B, C, h, w), doubled four times in one way."""

    def __init__(self, upsampler: str, channels: int, classes: int):
        super().__init__()
        self.score = nn.Conv2d(channels, classes, 1)
        self.doublings = nn.ModuleList(MODELS[upsampler].make(classes) for _doubling in range(DOUBLINGS))

    def forward(self, features: Tensor, indices: list[Tensor]) -> Iterator[Tensor]:
        """Yield the scores, (B, K + 1, h, w) at first and (B, K + 1, 16 h, 16 w) at last."""
        scores = self.score(features)
        yield scores
        for double, places in zip(self.doublings, indices, strict=True):
            scores = double(scores, places)
            yield scores


class UpsamplingStudy(nn.Module):
    """FCNs with a stride of 16 on one trunk, by the names of their ``upsamplers`` in ``heads``."""

    name = "upsamplers"

    def __init__(self, trunk: str = "slim", classes: tuple[str, ...] = CLASSES, upsamplers: Sequence[str] = UPSAMPLERS):
        super().__init__()
        self.classes = classes
        self.trunk = TRUNKS[trunk].build()
        self.heads = nn.ModuleDict(
            {name: UpsampledScores(name, self.trunk.channels, len(classes)) for name in upsamplers}
        )

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return each way's cross-entropy of every pixel's class; targets hold ``instances`` (H, W) and ``labels``."""
        stages = self.trunk.stages(images)
        indices = pooling_indices(images, stages)
        losses = {}
        for name, head in self.heads.items():
            *_coarser, scores = head(stages[-1], indices)
            losses[name] = pixel_loss(scores, targets)
        return losses


class StudiedFCN(Segmenter):
    """One of the study's FCNs: its ``trunk`` with one ``head``, which can learn alone."""

    def __init__(self, trunk: Backbone, head: UpsampledScores, classes: tuple[str, ...]):
        super().__init__()
        self.classes = classes
        self.trunk = trunk
        self.head = head

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        pixels = _in_whole_cells(image[None])
        stages = self.trunk.stages(pixels)
        yield Step("Convolution", FeatureMap(stages[-1][0], self.trunk.stride))

        indices = pooling_indices(pixels, stages)
        for doubled, scores in enumerate(self.head(stages[-1], indices)):
            stride = self.trunk.stride >> doubled
            yield Step(f"Double to {stride}" if doubled else "Score", ScoreMap(scores[0], stride))

        height, width = image.shape[1:]
        yield Step("Argmax", LabelMap(scores[0].argmax(0)[:height, :width]))

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return the cross-entropy of every pixel's class; targets hold ``instances`` (H, W) and ``labels``."""
        stages = self.trunk.stages(images)
        *_coarser, scores = self.head(stages[-1], pooling_indices(images, stages))
        return {"classification": pixel_loss(scores, targets)}


def pooling_indices(images: Tensor, stages: list[Tensor]) -> list[Tensor]:
    """Say where the maximum of every 2 x 2 cells is, for maps with strides of 8, 4, 2 and 1 pixels: (B, 1, h, w) each.

    ``images`` (B, 3, H, W) have sides of whole 16 pixels; ``stages`` are the trunk's maps of them, finest first.
    """
    grey = images.float().mean(1, keepdim=True)
    finer = [grey, functional.max_pool2d(grey, 2), *(one.detach().mean(1, keepdim=True) for one in stages[:-1])]
    return [functional.max_pool2d(one.float(), 2, return_indices=True)[1] for one in reversed(finer)]


def load_study(family: AnyFamily = SHAPES, upsamplers: Sequence[str] = ()) -> UpsamplingStudy:
    """Return the study of ``family`` with its trained weights, ready to predict, batch normalisation folded.

    It has the ``upsamplers`` that are named, or all that were trained; without any, the first is said to be missing.

    Raises:
        CheckpointError: a checkpoint is missing or damaged; the message names the command that trains it.
    """
    found = family_of(family)
    trained = [name for name in UPSAMPLERS if (found.folder / f"{head_of(name)}.safetensors").exists()]
    study = UpsamplingStudy(found.trunk, found.classes, upsamplers or trained or UPSAMPLERS)
    load_trunk(study.trunk, UpsamplingStudy.name, found.folder)
    for name, head in study.heads.items():
        load_weights(head, name, found.folder / UpsamplingStudy.name)
    return ready(study)


def studied(upsamplers: Sequence[str] = (), family: AnyFamily = SHAPES) -> dict[str, StudiedFCN]:
    """Return the study's trained FCNs by the names of their upsamplers; raises as ``load_study`` does."""
    study = load_study(family, upsamplers)
    return {name: one_of(study, name).eval() for name in study.heads}


def one_of(study: UpsamplingStudy, upsampler: str) -> StudiedFCN:
    """Return the FCN of ``study`` whose way of upsampling is called ``upsampler``; they share their weights."""
    head = study.heads[upsampler]
    assert isinstance(head, UpsampledScores)
    return StudiedFCN(study.trunk, head, study.classes)


def _in_whole_cells(images: Tensor) -> Tensor:
    """Fill ``images`` (B, 3, H, W) up at the right and below, repeating their edge, to sides of whole 16 pixels."""
    missing = [CELL * math.ceil(length / CELL) - length for length in images.shape[-2:]]
    return functional.pad(images.float(), (0, missing[1], 0, missing[0]), mode="replicate")
