"""The line of detectors, one paper a file, by name."""

from pathlib import Path

from core.backbones import Size
from core.checkpoint import FOLDER, load_ready
from core.detectors.fast_rcnn import FastRCNN
from core.detectors.faster_rcnn import FasterRCNN
from core.detectors.rcnn import RCNN
from core.detectors.sppnet import SPPNet
from core.detectors.yolo import YOLO
from core.stages import Detector, Progress, Step, TimedStep, Trace, run, timed_steps
from core.values import Detections, Regions

DETECTORS: dict[str, type[RCNN | SPPNet | FastRCNN | FasterRCNN | YOLO]] = {
    kind.name: kind for kind in (RCNN, SPPNet, FastRCNN, FasterRCNN, YOLO)
}
NAMES = tuple(DETECTORS)


def build(name: str, size: Size = "slim") -> Detector:
    """Return detector ``name`` of ``NAMES`` with random weights, ready to detect."""
    return DETECTORS[name](size).eval()


def load(name: str, folder: Path = FOLDER) -> Detector:
    """Return detector ``name`` of ``NAMES`` with its trained weights, ready to detect.

    Batch normalisation is folded into the convolutions.

    Raises:
        CheckpointError: the checkpoint is missing or damaged; the message names the command that trains it.
    """
    return load_ready(build(name), name, folder)


__all__ = [
    "DETECTORS",
    "NAMES",
    "Detections",
    "Detector",
    "Progress",
    "Regions",
    "Step",
    "TimedStep",
    "Trace",
    "build",
    "load",
    "run",
    "timed_steps",
]
