"""The lesson of the detector comparison."""

from core.i18n import _
from ui.lessons.lesson import Lesson, State


def lesson() -> Lesson:
    """Return the lesson in the language that is spoken."""
    return Lesson(
        states=(
            State(
                _("Five detectors race. Which one is last, and in which stage is it busy?"),
                _("R-CNN: its network runs once for every single crop. The others run theirs once an image."),
                {"race": "true"},
            ),
            State(
                _("Every bar has the same length now. What takes the largest part of Fast R-CNN's time?"),
                _("Selective search: once the network is shared, finding proposals is what is left to speed up."),
                {"race": "true", "scale": "share"},
            ),
            State(
                _("Halve and double the region proposals: who minds, and who does not?"),
                _("R-CNN's time follows their number. YOLO has none, its time stays."),
                {"race": "true", "detectors": ("R-CNN", "Fast R-CNN", "YOLO"), "regions": "100"},
            ),
            State(
                _("A photo: what do detectors see that know six drawn shapes only?"),
                _("Shapes, or nothing. A detector names what it was trained on; it cannot say: something else."),
                {
                    "race": "true",
                    "image": _("Photo"),
                    "family_photo": _("Drawn shapes"),
                    "detectors": ("Faster R-CNN", "YOLO"),
                },
            ),
        ),
        question=_("Fast R-CNN runs one network once an image. Why did Faster R-CNN still pay?"),
        answer=_(
            "Because of the proposals: selective search takes longer than the network. Faster R-CNN lets a small "
            "network, the RPN, propose from the map that is there anyway."
        ),
    )
