"""The convolutional trunks: what every model of a family shares."""

from core.backbones.alexnet import normalised_convolution, paper, slim
from core.backbones.backbone import Backbone, fold_batch_norm
from core.backbones.lite0 import Lite0
from core.backbones.trunks import TRUNKS, Trunk

__all__ = ["TRUNKS", "Backbone", "Lite0", "Trunk", "fold_batch_norm", "normalised_convolution", "paper", "slim"]
