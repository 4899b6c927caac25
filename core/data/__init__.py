"""Datasets: drawn scenes, sample photos and folders of pictures."""

from core.data.scenes import ShapeScenes

__all__ = ["ShapeScenes"]
