"""What can be wrong with a folder of training data, and the report of what is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.i18n import N_


@dataclass(frozen=True)
class Kind:
    """A kind of flaw: its ``title``, what the ``cleaned`` copy does about it, and whether that leaves files out."""

    title: str
    cleaned: str
    leaves_out: bool = False


KINDS = {
    "unreadable": Kind(N_("Images that cannot be read"), N_("left out"), True),
    "damaged": Kind(N_("Annotations or masks that cannot be read"), N_("left out with their images"), True),
    "no_image": Kind(N_("Annotations or masks without image"), N_("left out"), True),
    "no_annotation": Kind(N_("Images without annotation or mask"), N_("left out"), True),
    "mismatch": Kind(N_("Masks of another size than their image"), N_("left out with their images"), True),
    "no_photos": Kind(N_("Folders of a class without a photo"), N_("left out"), True),
    "duplicate": Kind(N_("Images that are the same, pixel for pixel"), N_("all but the first left out"), True),
    "no_area": Kind(N_("Boxes without area"), N_("removed")),
    "inverted": Kind(N_("Boxes whose corners are swapped"), N_("swapped back")),
    "outside": Kind(N_("Boxes that reach out of their image"), N_("cut at its edges, removed where nothing is left")),
    "no_class": Kind(N_("Objects without the name of a class"), N_("removed")),
    "declared": Kind(N_("Images of another size than their annotation says"), N_("kept")),
    "no_objects": Kind(N_("Images without an object"), N_("kept, as examples of background")),
    "overlap": Kind(N_("Objects of one class that may be one, by their overlap"), N_("kept")),
    "near": Kind(N_("Images that are nearly the same, by a perceptual hash (dHash)"), N_("kept")),
    "leak": Kind(N_("Images in training that are the same or nearly the same in validation"), N_("kept")),
    "imbalance": Kind(N_("Classes of very different size"), N_("kept")),
}


@dataclass(frozen=True)
class Item:
    """One flaw: the ``files`` that it is about, as paths within the folder, the ``detail`` in words, and the numbers of
    the ``objects`` in the annotation, counted from 1."""

    files: tuple[str, ...]
    detail: str = ""
    objects: tuple[int, ...] = ()

    def __str__(self) -> str:
        names = " = ".join(self.files)
        return f"{names}: {self.detail}" if names and self.detail else names or self.detail


@dataclass(frozen=True)
class FolderReport:
    """What is in the folder ``root`` of ``form`` "voc", "masks" or "classes".

    ``files`` are the images that can be used, each with its annotation or mask ("" where the form has none), as paths
    within ``root``; ``objects`` counts objects by class, or images where the form is "classes"; ``flaws`` has what is
    wrong by the names of ``KINDS``.
    """

    root: Path
    form: str
    files: Mapping[str, str]
    objects: Mapping[str, int]
    flaws: Mapping[str, tuple[Item, ...]]


Flaws = dict[str, list[Item]]


def left_out(flaws: Mapping[str, Iterable[Item]]) -> set[str]:
    """Return the files that a cleaned copy leaves out."""
    kinds = [kind for kind in KINDS if KINDS[kind].leaves_out]
    return {file for kind in kinds for item in flaws.get(kind, ()) for file in item.files[kind == "duplicate" :]}


def as_json(report: FolderReport) -> dict[str, Any]:
    """Return ``report`` as JSON has it."""
    flaws = {
        kind: [{"files": list(item.files), "detail": item.detail} for item in items]
        for kind, items in report.flaws.items()
    }
    described = {"folder": str(report.root), "form": report.form, "images": len(report.files)}
    return described | {"objects": dict(report.objects), "flaws": flaws}
