"""A chosen image as segmenters see it."""

from dataclasses import replace

from core.backbones import TRUNKS
from core.families import Family
from core.i18n import _
from core.segmentation.scaling import fitted, fitted_truth
from ui.images.picked import PickedImage


def seen_by(family: Family, picked: PickedImage) -> PickedImage:
    """Return ``picked`` as large as the segmenters of ``family`` see it, with what they know of its ground truth."""
    picked = picked.known_to(family)
    pixels = fitted(picked.pixels, TRUNKS[family.trunk])
    if pixels is picked.pixels:
        return picked
    height, width = pixels.shape[1:]
    words = _("Scaled to {width} x {height} pixels, as large as the photos that these models learned from.")
    truth = None if picked.truth is None else fitted_truth(picked.truth, height, width)
    note = words.format(width=width, height=height)
    return replace(picked, pixels=pixels, truth=truth, notes=(*picked.notes, note))
