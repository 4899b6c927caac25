"""The drawn scenes' stand-in for ImageNet: the first training of a trunk."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.backbones import TRUNKS
from core.data.scenes import CLASSES


class CellClassifier(nn.Module):
    """A trunk learns to name what each cell of its map is centred on.

    Every paper of the line starts from a network trained on image labels. Labels for cells teach the same (which
    shape is here, no box) with 256 examples a picture instead of one.
    """

    def __init__(self, trunk: str = "slim", classes: tuple[str, ...] = CLASSES) -> None:
        super().__init__()
        self.trunk = TRUNKS[trunk].build()
        self.classify = nn.Conv2d(self.trunk.channels, len(classes), 1)

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return the cross-entropy of ``images`` (B, 3, H, W) against the targets' ``cells`` (H / 16, W / 16)."""
        scores = self.classify(self.trunk(images)).float()
        cells = torch.stack([target["cells"] for target in targets])
        return {"classification": functional.cross_entropy(scores, cells)}
