"""FCN: fully convolutional networks for semantic segmentation (Long, Shelhamer and Darrell 2015).

1. The whole image, of any size, goes through the convolutions once.
2. The fully connected layers are convolutions (section 3.1).
3. A 1 x 1 convolution scores the classes at every cell: a coarse map with a stride of 32 pixels.
4. Skips (section 4.2): the coarse scores are enlarged twofold by deconvolution and added to scores of a finer map.
   FCN-16s does this once, FCN-8s twice.
5. Bilinear interpolation to the image's pixels: the last deconvolution, which the paper fixes.
6. Argmax.

On drawn scenes each net starts as the next coarser one: its new scores begin at zero, its deconvolution as bilinear
interpolation. On photos all three begin alike, on one trunk that the study of upsamplers taught to label pixels and
that learns no more, and learn for as many steps: what one gains on another, its skip alone has given. The
convolutionalised layers start at random (the scenes' trunk has none to reshape) and pad by half their kernel, as the
trunk does, where the paper pads the image by 100 pixels and crops.

A skip takes the last map of its stride. That of stride 8 is seven convolutions deep in the paper's VGG-16; AlexNet's
layout has two, with a pooling between that blurs where an edge is. Here the first convolution's map joins it, and two
more convolutions come before its scores: without them the finest skip learned far more slowly.
"""

from collections.abc import Iterator
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.backbones import TRUNKS, normalised_convolution
from core.data.scenes import CLASSES
from core.segmentation.base import Segmenter, pixel_loss
from core.segmentation.upsampling import bilinear_kernel
from core.stages import Progress, Step
from core.values import FeatureMap, LabelMap, ScoreMap

COARSEST = 32
DEEPENED = 96


class FCN(Segmenter):
    """An FCN on the shared trunk whose finest skip has a stride of 32 / 2 ^ ``skips`` pixels."""

    skips: ClassVar[int]

    def __init__(self, trunk: str = "slim", classes: tuple[str, ...] = CLASSES):
        super().__init__()
        self.classes = classes
        self.trunk = TRUNKS[trunk].build()
        width = TRUNKS[trunk].width
        self.layers = nn.Sequential(
            nn.MaxPool2d(3, 2, 1),
            nn.Conv2d(self.trunk.channels, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 1),
            nn.ReLU(inplace=True),
        )
        if self.skips == 2:
            quarter, eighth = self.trunk.stage_channels()[:2]
            self.deepen = nn.Sequential(
                *normalised_convolution(eighth + 4 * quarter, DEEPENED, 3),
                *normalised_convolution(DEEPENED, DEEPENED, 3),
            )
        channels = (width, self.trunk.channels, DEEPENED)[: self.skips + 1]
        self.score = nn.ModuleList(_zeroed_score(inputs, len(classes)) for inputs in channels)
        self.deconvolution = nn.ModuleList(_doubling(len(classes)) for _skip in range(self.skips))

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        stages = self.trunk.stages(image[None])
        yield Step("Convolution", FeatureMap(stages[-1][0], self.trunk.stride))

        for stride, scores in self.coarse_to_fine(stages):
            name = f"Score {stride}" if stride == COARSEST else f"Fuse {stride}"
            yield Step(name, ScoreMap(scores[0], stride))

        full = enlarged(scores, stride, image.shape[-2:])[0]
        yield Step("Deconvolution", ScoreMap(full, 1))
        yield Step("Argmax", LabelMap(full.argmax(0)))

    def coarse_to_fine(self, stages: list[Tensor]) -> Iterator[tuple[int, Tensor]]:
        """Yield each stride with the scores (B, K + 1, h, w) that are known by then, from the trunk's ``stages``."""
        scores, stride = self.score[0](self.layers(stages[-1])), COARSEST
        yield stride, scores
        for skip in range(self.skips):
            finer = self.score[skip + 1](self.deepen(fine_map(stages)) if skip else stages[-1])
            # A map whose length is odd was rounded up when it was pooled: the doubled one has a row too many.
            scores = self.deconvolution[skip](scores)[..., : finer.shape[-2], : finer.shape[-1]] + finer
            stride //= 2
            yield stride, scores

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return the cross-entropy of every pixel's class; targets hold ``instances`` (H, W) and ``labels``."""
        *_coarser, (stride, scores) = self.coarse_to_fine(self.trunk.stages(images))
        return {"classification": pixel_loss(enlarged(scores, stride, images.shape[-2:]), targets)}


class FCN32s(FCN):
    """Scores with a stride of 32 pixels, enlarged at once."""

    name = "fcn32s"
    skips = 0


class FCN16s(FCN):
    """FCN-32s with a skip from the trunk's map, which has a stride of 16 pixels."""

    name = "fcn16s"
    skips = 1


class FCN8s(FCN):
    """FCN-16s with a second skip, from ``fine_map``, which has a stride of 8 pixels."""

    name = "fcn8s"
    skips = 2


def fine_map(stages: list[Tensor]) -> Tensor:
    """Return the trunk's map of stride 8 with that of stride 4 beside it, four cells folded to one: (B, 224, h, w)."""
    quarter, eighth = stages[:2]
    odd = [length % 2 for length in quarter.shape[-2:]]
    return torch.cat([eighth, functional.pixel_unshuffle(functional.pad(quarter, (0, odd[1], 0, odd[0])), 2)], 1)


def enlarged(scores: Tensor, factor: int, size: tuple[int, ...]) -> Tensor:
    """Enlarge ``scores`` (B, C, h, w) by ``factor`` with bilinear interpolation and crop to ``size`` (H, W).

    Away from the border this is the paper's fixed deconvolution with a kernel of twice the factor; at the border that
    one shrinks all scores of a pixel by the same factor, which changes no label.
    """
    height, width = size
    return functional.interpolate(scores.float(), scale_factor=factor, mode="bilinear")[..., :height, :width]


def _zeroed_score(inputs: int, classes: int) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, classes, 1)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def _doubling(classes: int) -> nn.ConvTranspose2d:
    """Return a deconvolution of each class by itself that begins as bilinear interpolation (section 3.3)."""
    layer = nn.ConvTranspose2d(classes, classes, 4, stride=2, padding=1, groups=classes, bias=False)
    with torch.no_grad():
        layer.weight.copy_(bilinear_kernel(4))
    return layer
