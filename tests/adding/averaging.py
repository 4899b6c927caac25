"""An eleventh way of upsampling, as README's "Add a way of upsampling" has it: repeat every cell, then average."""

from torch import Tensor
from torch.nn import functional

from core.segmentation.upsampling import Upsampler


class Averaging(Upsampler):
    cell_cost = 4 * 9

    def forward(self, maps: Tensor, indices: Tensor) -> Tensor:
        return functional.avg_pool2d(functional.interpolate(maps, scale_factor=2.0), 3, 1, 1)
