"""What the figures send to the browser, field by field: one file a room, and here what several rooms share.

The JavaScript of each component says the same of its data beside itself, and a test holds the two equal.
"""

from typing import Any, TypedDict

Words = dict[str, Any]  # sentences by their names, some of them grouped


class NamedColour(TypedDict):
    """A class of objects."""

    name: str
    colour: str


class TrueBoxes(TypedDict):
    """The ground truth of an image: corners in its pixels, and classes."""

    boxes: list[list[float]]
    labels: list[int]


class PictureData(TypedDict):
    """An image, as the address of a JPEG that it holds itself, and the classes of what may be in it."""

    image: str
    width: int
    height: int
    classes: list[NamedColour]
