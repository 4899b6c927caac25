"""The line of detectors, one paper a file, by name."""

from pkgutil import resolve_name

from core.checkpoint import load_ready
from core.families import SHAPES, AnyFamily, family_of
from core.models import MODELS, names
from core.stages import Detector, Progress, Step, TimedStep, Trace, run, timed_steps
from core.values import Detections, Regions

NAMES = names("detector")


def build(name: str, family: AnyFamily = SHAPES) -> Detector:
    """Return detector ``name`` of ``NAMES``, or a variant of one, as ``family`` has it: with random weights, ready to
    detect."""
    return _changed(name, _fresh(name, family))


def load(name: str, family: AnyFamily = SHAPES) -> Detector:
    """Return detector ``name`` of ``NAMES``, or a variant of one, with its weights of ``family``, ready to detect.

    Batch normalisation is folded into the convolutions.

    Raises:
        CheckpointError: the checkpoint is missing or damaged; the message names the command that trains it.
    """
    return _changed(name, load_ready(_fresh(name, family), MODELS[name].weights, family_of(family).folder))


def trained(family: AnyFamily = SHAPES) -> tuple[str, ...]:
    """Return the names of the detectors that ``family`` has weights of."""
    folder = family_of(family).folder
    return tuple(name for name in NAMES if (folder / f"{name}.safetensors").exists())


def _fresh(name: str, family: AnyFamily) -> Detector:
    found = family_of(family)
    detector: Detector = MODELS[name].make(found.trunk, found.classes)
    return detector.eval()


def _changed(name: str, detector: Detector) -> Detector:
    if change := MODELS[name].change:
        resolve_name(change)(detector)
    return detector


__all__ = [
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
    "trained",
]
