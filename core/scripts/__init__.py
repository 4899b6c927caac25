"""The code that reproduces what is on screen: for each page's state a short script that runs with ``core``."""

from core.scripts import detection, learning, pytorch, segmentation
from core.scripts.script import Script

__all__ = ["Script", "detection", "learning", "pytorch", "segmentation"]
