"""One entry a trunk: how it is built, and what the models on it take from its size."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from core.backbones.alexnet import paper, slim
from core.backbones.backbone import Backbone
from core.backbones.lite0 import Lite0


@dataclass(frozen=True)
class Trunk:
    """The entry of a trunk: how it is built, and what the models on it take from its size.

    An image is scaled so that its short side has ``short_side`` pixels, its long side at most ``long_side``, and
    none fewer than ``least_side``; SPPNet sees it at each of ``short_sides``. Warped regions and batches of photos
    are squares of ``crop_side``, with ``context`` pixels on each side of the region, YOLO's input one of
    ``square_side``, with a cell for every ``grid_stride`` pixels and a head ``grid_width`` channels wide. fc6 and
    fc7 are ``width`` wide, and thinned to ``svd_ranks``. Selective search works in the mode ``search``. The RPN has
    ``anchors`` of these scales, suppresses its best ``before_nms`` of them, and drops proposals with a side under
    ``least_proposal``; all in pixels of the network's input. A map of the patch CNN's patch has ``patch_cells`` a side.
    Where ``segments_scaled``, segmenters see images as large as detectors do, else at their own scale. Where it is
    ``for_timing`` only, nobody trained it.
    """

    name: str
    build: Callable[[], Backbone]
    short_side: int
    long_side: int
    least_side: int
    short_sides: tuple[int, ...]
    crop_side: int
    context: int
    square_side: int
    grid_stride: int
    grid_width: int
    width: int
    svd_ranks: tuple[int, int]
    search: Literal["single", "fast", "quality"]
    anchors: tuple[int, ...]
    before_nms: int
    least_proposal: float
    patch_cells: int = 5
    segments_scaled: bool = False
    for_timing: bool = False

    def scale(self, height: int, width: int, short_side: int | None = None) -> float:
        """Return the factor from pixels of an image of ``height`` x ``width`` to those of the network's input.

        Fast R-CNN, section 3. With another ``short_side`` the long one may be longer, in proportion.
        """
        times = (short_side or self.short_side) / self.short_side
        return times * min(self.short_side / min(height, width), self.long_side / max(height, width))

    def segmented_scale(self, height: int, width: int) -> float:
        """Return the factor from pixels of an image to those that segmenters are shown."""
        return self.scale(height, width) if self.segments_scaled else 1.0

    def fully_connected(self, inputs: int) -> nn.Sequential:
        """Return AlexNet's fc6 and fc7 for ``inputs`` numbers a region.

        No dropout: the scenes are drawn without limit, so that no training here is long enough to overfit.
        """
        return nn.Sequential(nn.Linear(inputs, self.width), nn.ReLU(), nn.Linear(self.width, self.width), nn.ReLU())


TRUNKS: dict[str, Trunk] = {
    trunk.name: trunk
    for trunk in (
        # Anchors of 32, 64 and 128 pixels fit scenes of 256 as 128, 256 and 512 fit the papers' 600. A map of such a
        # scene has 2304 anchors, one of the papers' about 20,000.
        Trunk(
            "slim",
            slim,
            short_side=256,
            long_side=427,  # 256 * 1000 / 600
            least_side=64,  # the poolings leave nothing of a shorter side
            short_sides=(256,),
            crop_side=256,
            context=16,
            square_side=256,
            grid_stride=16,
            grid_width=256,
            width=256,
            svd_ranks=(64, 32),
            search="fast",
            anchors=(32, 64, 128),
            before_nms=600,
            least_proposal=8,
        ),
        # The papers' own numbers; their 2000 proposals from images as small as the scenes take the quality mode. YOLO's
        # trunk sees 448 pixels; AlexNet's layout makes a 27 x 27 grid of them.
        Trunk(
            "paper",
            paper,
            short_side=600,
            long_side=1000,
            least_side=64,
            short_sides=(600,),
            crop_side=227,
            context=16,
            square_side=448,
            grid_stride=16,
            grid_width=512,
            width=4096,
            svd_ranks=(1024, 256),  # Fast R-CNN, section 4.4
            search="quality",
            anchors=(128, 256, 512),
            before_nms=6000,
            least_proposal=16,
            for_timing=True,
        ),
        # Photos of some 380 pixels. Anchors as they fit animals there: measured, where the papers' at this scale would
        # be 68, 137 and 273. Crops in the frame that the trunk puts about an image are 129 pixels.
        Trunk(
            "lite0",
            Lite0,
            short_side=320,
            long_side=533,  # 320 * 1000 / 600
            least_side=64,
            short_sides=(240, 288, 344, 432, 600),  # He et al. 2014, section 4.1, halved: 480, 576, 688, 864 and 1200
            crop_side=120,
            context=8,  # 16 of 227
            square_side=320,
            grid_stride=32,
            grid_width=256,
            width=96,  # so that all models of the family take 60 MB at most
            svd_ranks=(48, 24),
            search="fast",
            anchors=(48, 112, 224),
            before_nms=1000,
            least_proposal=8,
            patch_cells=6,
            segments_scaled=True,
        ),
    )
}
