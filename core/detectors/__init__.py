"""The line of detectors, one paper a file."""

from core.detectors.base import Detections, Detector, Progress, Regions, Step, TimedStep, Trace, run, timed_steps

NAMES = ("rcnn", "sppnet", "fast_rcnn", "faster_rcnn", "yolo")

__all__ = [
    "NAMES",
    "Detections",
    "Detector",
    "Progress",
    "Regions",
    "Step",
    "TimedStep",
    "Trace",
    "run",
    "timed_steps",
]
