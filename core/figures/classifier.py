"""What the view of the live classifier shows, ready for JSON: its decision boundary at every look, and its points."""

import numpy as np
import torch
from skimage.measure import approximate_polygon, find_contours

from core.autograd.blocks import build, parse
from core.autograd.classifier import STEPS, Plan, Trained, train
from core.figures.sent.modules import LearntPlane
from core.figures.transport import packed, rounded

SIDE = 48  # places a side at which the classifier is asked
EDGE = 1.9  # the picture shows -EDGE to EDGE on both axes
CLASS_COLOURS = ("#0072B2", "#D55E00")
DIGITS = 4


def classifier_data(plan: Plan) -> LearntPlane:
    """Train as ``plan`` says and return every look, as pictures over the plane and as points of two curves.

    ``scores`` holds, look by look and row by row from the lowest y, the probability of class 1 as a byte, an index
    into ``colours``; ``boundaries`` are, a look, the lines [x, y] where it is one half. ``right`` says, look by look,
    of the points to train on and then of those held out whether their class is the more probable one.
    """
    ends = torch.linspace(-EDGE, EDGE, SIDE)
    trained = train(plan, torch.stack(torch.meshgrid(ends, ends, indexing="xy"), -1).reshape(-1, 2))
    logits = torch.stack([look.logits for look in trained.looks]).reshape(-1, SIDE, SIDE).nan_to_num()
    parameters = build(parse(plan.description()), (2,)).network.parameters()
    return {
        "side": SIDE,
        "edge": EDGE,
        "steps": STEPS,
        "at": [look.step for look in trained.looks],
        "scores": packed((255 * logits.sigmoid()).round(), "u1"),
        "boundaries": [_boundary(one.numpy()) for one in logits],
        "right": packed(torch.stack([torch.cat(look.right) for look in trained.looks]), "u1"),
        "losses": _curves(trained, "losses"),
        "accuracies": _curves(trained, "accuracies"),
        "points": rounded(trained.points, DIGITS),
        "labels": trained.labels.tolist(),
        "heldOut": rounded(trained.held_out, DIGITS),
        "heldOutLabels": trained.held_out_labels.tolist(),
        "overflow": trained.overflow,
        "parameters": sum(parameter.numel() for parameter in parameters),
        "colours": score_colours(),
        "classColours": list(CLASS_COLOURS),
    }


def _curves(trained: Trained, name: str) -> list[list[float | None]]:
    """Return a curve for the points to train on and one for those held out; None stands for what is not finite."""
    pairs = [getattr(look, name) for look in trained.looks]
    return [[round(value, 6) if np.isfinite(value) else None for value in curve] for curve in zip(*pairs, strict=True)]


def _boundary(logits: np.ndarray) -> list[list[list[float]]]:
    scale = 2 * EDGE / (SIDE - 1)
    lines = find_contours(logits, 0)
    return [(approximate_polygon(line, 0.15)[:, ::-1] * scale - EDGE).round(3).tolist() for line in lines]


def score_colours() -> list[str]:
    """Return 256 colours for probabilities of class 1 from 0 to 1: blue, nearly white for one half, vermilion."""
    anchors = np.array([[86, 160, 208], [244, 244, 240], [226, 140, 84]])
    channels = (np.interp(np.linspace(0, 2, 256), range(3), anchors[:, channel]).round() for channel in range(3))
    return [f"#{int(red):02x}{int(green):02x}{int(blue):02x}" for red, green, blue in zip(*channels, strict=True)]
