"""The lessons of the pages, one topic a file."""

from collections.abc import Callable

from pages.lessons import nms
from pages.lessons.lesson import Lesson

LESSONS: dict[str, Callable[[], Lesson]] = {
    "nms": nms.lesson,
}


def lesson_on(page: str) -> Lesson | None:
    """Return the lesson of the page with this path, in the language that is spoken; None where it has none."""
    lesson = LESSONS.get(page)
    return lesson() if lesson else None
