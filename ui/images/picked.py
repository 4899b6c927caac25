"""An image that was chosen on a page, with what is known of it."""

from dataclasses import dataclass, replace

from torch import Tensor

from core.families import SHAPES, Family
from core.i18n import _


@dataclass(frozen=True)
class PickedImage:
    """The chosen image: ``pixels`` (3, H, W) uint8, its ``truth`` as a detection target or None, a ``title``, ``notes``
    of what was done to it, and a ``key``, its kind first, that tells it from every other image.

    ``classes`` are the names of the truth's labels.
    """

    pixels: Tensor
    truth: dict[str, Tensor] | None
    title: str
    notes: tuple[str, ...]
    key: str
    classes: tuple[str, ...] = SHAPES.classes

    @property
    def kind(self) -> str:
        """By which of the picker's ways it was chosen."""
        return self.key.partition(":")[0]

    @property
    def drawn(self) -> bool:
        """Whether it is a scene of drawn shapes, not a photo."""
        return self.kind == "scene"

    def known_to(self, family: Family) -> "PickedImage":
        """Return it with that part of its truth that the models of ``family`` know, in the numbers of their classes,
        and with a note of what they do not."""
        if self.truth is None or self.classes == family.classes:
            return self
        truth, left_out = family.known_part(self.truth, self.classes)
        words = _("These models know nothing of: {names}. That is left out of the ground truth.")
        note = (words.format(names=", ".join(map(_, left_out))),) if left_out else ()
        return replace(self, truth=truth, notes=self.notes + note, classes=family.classes)
