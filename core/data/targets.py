"""Targets of an image: what is known of its objects, and of its pixels."""

from torch import Tensor

OF_OBJECTS = ("boxes", "labels", "iscrowd", "masks")  # what there is one of for each object; all else is the image's


def part_of(target: dict[str, Tensor], kept: Tensor) -> dict[str, Tensor]:
    """Return ``target`` with the objects that are ``kept`` (N,) bool; where there are ``void`` pixels, so are those of
    the others."""
    part = {key: values[kept] if key in OF_OBJECTS else values for key, values in target.items()}
    if "void" in target:
        part["void"] = target["void"] | target["masks"][~kept].any(0)
    return part
