"""The lessons of the pages, one topic a file."""

from collections.abc import Callable

from ui.lessons import (
    autograd,
    data,
    detectors,
    modules,
    nms,
    pooling,
    proposals,
    segmentation,
    start,
    tensors,
    training,
    transfer,
    upsampling,
    yolo,
)
from ui.lessons.lesson import Lesson

# By the path of the page.
LESSONS: dict[str, Callable[[], Lesson]] = {
    "": start.lesson,
    "tensors": tensors.lesson,
    "autograd": autograd.lesson,
    "modules": modules.lesson,
    "data": data.lesson,
    "training": training.lesson,
    "detectors": detectors.lesson,
    "proposals": proposals.lesson,
    "pooling": pooling.lesson,
    "yolo": yolo.lesson,
    "nms": nms.lesson,
    "segmentation": segmentation.lesson,
    "upsampling": upsampling.lesson,
    "transfer": transfer.lesson,
}


def lesson_on(page: str) -> Lesson | None:
    """Return the lesson of the page with this path, in the language that is spoken; None where it has none."""
    lesson = LESSONS.get(page)
    return lesson() if lesson else None
