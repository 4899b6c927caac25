"""A finished race as plain data: what the command line writes and the page offers for download."""

from typing import Any

from torch import Tensor

from core.stages import Trace


def race_report(source: str, image: Tensor, classes: tuple[str, ...], traces: dict[str, Trace]) -> dict[str, Any]:
    """Return the ``traces`` by detector name on ``image`` (3, H, W), called ``source``, as JSON-ready data.

    Seconds a stage and in all; boxes in pixels; labels by their name in ``classes``.
    """
    height, width = image.shape[1:]
    return {
        "image": {"source": source, "width": width, "height": height},
        "runs": [_run(name, classes, trace) for name, trace in traces.items()],
    }


def _run(name: str, classes: tuple[str, ...], trace: Trace) -> dict[str, Any]:
    found = trace.detections
    rows = zip(found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True)
    return {
        "detector": name,
        "stages": [{"name": step.name, "seconds": step.seconds} for step in trace.steps],
        "seconds": trace.seconds,
        "detections": [{"label": classes[label], "score": score, "box": box} for box, score, label in rows],
    }
