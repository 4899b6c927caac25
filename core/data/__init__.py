"""Datasets: drawn scenes, sample photos and folders of pictures."""

from core.data.scenes import ShapeScenes
from core.data.voc_folder import read_voc

__all__ = ["ShapeScenes", "read_voc"]
