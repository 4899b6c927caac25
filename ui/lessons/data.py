"""The lesson of data."""

from core.i18n import _
from ui.lessons.lesson import Lesson, State


def lesson() -> Lesson:
    """Return the lesson in the language that is spoken."""
    return Lesson(
        states=(
            State(
                _("Point at an object and follow it. Then exchange the crop and the flip: is it the same picture?"),
                _("Boxes and masks go where the picture goes. Crop and flip do not commute: another part is cut out."),
            ),
            State(
                _("Why can this order not be?"),
                _("Normalise takes floats: bytes have to become floats first. Move that step one place earlier."),
                {"steps": "resize,normalise,to_float"},
            ),
            State(
                _("Turn a picture: what is wrong with the boxes? Remove the step that draws them tight, and look."),
                _("A turned box holds the corners of the old one, more than the object; the mask knows better."),
                {"steps": "rotate:degrees=60,tighten,resize"},
            ),
            State(
                _("Find one sample in both epochs. Switch shuffle off, then drop_last."),
                _("Each epoch is shuffled anew, and its seed repeats it. Other samples are dropped each time."),
                {"view": _("DataLoader")},
            ),
            State(
                _("This set has one of every flaw. Which would spoil a training, which only its score?"),
                _("An image in training and in validation makes the score too good, while nothing else looks amiss."),
                {"source": _("Flawed set"), "view": _("Sources and cleaning")},
            ),
        ),
        question=_("Why can a batch not be one tensor of boxes, and what does a collate function do about it?"),
        answer=_(
            "Images have different numbers of boxes, and a tensor has one shape. The images are stacked, padded where "
            "they differ in size; their targets stay a list, one for each image."
        ),
    )
