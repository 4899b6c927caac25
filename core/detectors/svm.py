"""The end of R-CNN and SPPNet: one linear SVM a class on fc7, one ridge regression of boxes a class on pooled features.

Both are fitted after the network, by ``core.training.svm``, on features that are scaled to a mean norm of 20.
"""

import torch
from torch import Tensor, nn

from core.boxes import decode

FEATURE_NORM = 20.0


class SVMHead(nn.Module):
    """K linear SVMs on ``hidden`` features and K box regressors on ``pooled`` ones, all held as buffers.

    ``svm`` (K, hidden + 1) and ``ridge`` (K, pooled + 1, 4) carry their bias last; ``hidden_scale`` and
    ``pooled_scale`` bring the features to their mean norm.
    """

    svm: Tensor
    ridge: Tensor
    hidden_scale: Tensor
    pooled_scale: Tensor

    def __init__(self, pooled: int, hidden: int, classes: int):
        super().__init__()
        self.register_buffer("svm", torch.zeros(classes, hidden + 1))
        self.register_buffer("ridge", torch.zeros(classes, pooled + 1, 4))
        self.register_buffer("hidden_scale", torch.ones(()))
        self.register_buffer("pooled_scale", torch.ones(()))

    def margins(self, hidden: Tensor) -> Tensor:
        """Return each SVM's signed score of ``hidden`` (R, D): (R, K); above 0 means yes."""
        return (hidden * self.hidden_scale) @ self.svm[:, :-1].T + self.svm[:, -1]

    def boxes(self, pooled: Tensor, regions: Tensor) -> Tensor:
        """Move ``regions`` (R, 4) by each class's regression from ``pooled`` (R, P): (R, K, 4).

        R-CNN, appendix C.
        """
        offsets = torch.einsum("rp,kpo->rko", pooled * self.pooled_scale, self.ridge[:, :-1]) + self.ridge[:, -1]
        return decode(offsets, regions[:, None])
