"""What the NMS explorer is sent."""

from core.figures.sent import PictureData, TrueBoxes


class Suppressed(PictureData):
    """Boxes, best first, and every answer of NMS to them; see ``core.figures.nms.explorer_data``."""

    boxes: list[list[float]]
    scores: list[float]
    labels: list[int]
    runs: list[list[list[float]]]
    soft: str
    truth: TrueBoxes | None
