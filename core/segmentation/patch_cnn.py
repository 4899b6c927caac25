"""A fully connected CNN that names the centre of a patch, and the same weights as convolutions.

1. A patch of 227 x 227 pixels, AlexNet's input, goes through the convolutions: a map of 5 x 5 cells, or 6 x 6 on the
   photographs' trunk.
2. The map is flattened: fc6, fc7 and the scores each take all of their numbers, wherever they stood.
3. Softmax: one class, that of the patch's centre.

Slid over the image it labels every place that it is put on. Convolutionalised (Long, Shelhamer and Darrell 2015,
section 3.1) fc6 becomes a convolution of the map's size and the others 1 x 1: one pass over the whole image gives the
same scores at every 16th pixel, for all that the patches share is computed once.

Nothing is padded within the network, so that a patch and the image that surrounds it give the same numbers; around the
image there are zeros, the mean colour, so that patches are centred on all of its cells. It is trained as convolutions:
whole images are batches of all their patches (section 3.4).
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.backbones import TRUNKS
from core.data.scenes import CLASSES
from core.segmentation.base import VOID, Segmenter
from core.stages import Progress, Step
from core.values import FeatureMap, LabelMap, ScoreMap

PATCH = 227


class PatchCNN(Segmenter):
    """A classifier of patches on the shared trunk; ``steps`` is its convolutional form, ``slide`` its naive one.

    The map of a patch has ``cells`` a side. The first sees 163 pixels with the slim trunk, 147 with the photographs',
    and each next one 16 more.
    """

    name = "patch_cnn"

    def __init__(self, trunk: str = "slim", classes: tuple[str, ...] = CLASSES):
        super().__init__()
        self.classes = classes
        self.cells = TRUNKS[trunk].patch_cells
        self.trunk = TRUNKS[trunk].build()
        self.trunk.unpad()
        self.layers = TRUNKS[trunk].fully_connected(self.trunk.channels * self.cells**2)
        self.score = nn.Linear(self.layers[-2].out_features, len(classes))  # type: ignore[arg-type]

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        features = self.trunk(self.surrounded(image[None]))
        yield Step("Convolution", FeatureMap(features[0], self.trunk.stride))

        scores = self.convolved(features)[0]
        yield Step("Fully connected, as convolutions", ScoreMap(scores, self.trunk.stride))

        labels = scores.argmax(0)
        for axis in (0, 1):
            labels = labels.repeat_interleave(self.trunk.stride, axis)
        yield Step("Argmax", LabelMap(labels[: image.shape[1], : image.shape[2]]))

    def classify(self, patches: Tensor) -> Tensor:
        """Score the centres of ``patches`` (N, 3, 227, 227) float or uint8: (N, K + 1)."""
        return self.connected(self.trunk(patches))

    def connected(self, features: Tensor) -> Tensor:
        """Score maps (N, C, 5, 5), or 6, of patches as the fully connected layers do, flattened: (N, K + 1)."""
        return self.score(self.layers(features.flatten(1)))

    def convolved(self, features: Tensor) -> Tensor:
        """Score a map (B, C, h, w) with the same weights as convolutions: (B, K + 1, h - 4, w - 4), or less 5."""
        fc6, fc7 = (layer for layer in self.layers if isinstance(layer, nn.Linear))
        kernels = (fc6.weight.view(len(fc6.weight), -1, self.cells, self.cells), fc7.weight[..., None, None])
        hidden = functional.conv2d(features, kernels[0], fc6.bias).relu()
        hidden = functional.conv2d(hidden, kernels[1], fc7.bias).relu()
        return functional.conv2d(hidden, self.score.weight[..., None, None], self.score.bias)

    def slide(self, image: Tensor, at_once: int = 1) -> Iterator[Tensor]:
        """Score the patches about all cells of ``image`` (3, H, W), ``at_once`` a pass, row by row: (n, K + 1) each."""
        windows = self.windows(image)
        rows, columns = windows.shape[:2]
        for places in torch.arange(rows * columns).split(at_once):
            with torch.inference_mode():
                yield self.classify(windows[places // columns, places % columns])

    def windows(self, image: Tensor) -> Tensor:
        """Return the patch about each cell's middle, as views of ``image`` (3, H, W): (h, w, 3, 227, 227) float."""
        stride = self.trunk.stride
        windows = self.surrounded(image[None])[0].unfold(1, PATCH, stride).unfold(2, PATCH, stride)
        return windows.permute(1, 2, 0, 3, 4)

    def surrounded(self, images: Tensor) -> Tensor:
        """Surround ``images`` (B, 3, H, W) with the mean colour, so that every cell is the middle of a patch."""
        stride = self.trunk.stride
        before = PATCH // 2 - stride // 2
        height, width = images.shape[-2:]
        behind = [stride * math.ceil(length / stride) - stride + PATCH - before - length for length in (width, height)]
        padding = (before, behind[0], before, behind[1])
        return functional.pad(images - self.trunk.mean, padding) + self.trunk.mean

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return the cross-entropy of the patches about all cells.

        Targets hold their classes, ``cells`` (h, w), ``VOID`` where they are not known.
        """
        scores = self.convolved(self.trunk(self.surrounded(images)))
        cells = torch.stack([target["cells"] for target in targets])
        return {"classification": functional.cross_entropy(scores.float(), cells, ignore_index=VOID)}
