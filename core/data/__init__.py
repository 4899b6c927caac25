"""Datasets: drawn scenes, sample photos and folders of pictures."""

from core.data.folders import read_voc
from core.data.scenes import ShapeScenes

__all__ = ["ShapeScenes", "read_voc"]
