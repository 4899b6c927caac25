"""What the YOLO page shows, ready for JSON: the grid, the loss of every cell, and how it pulls at one box."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torchvision.ops import box_convert, box_iou

from core.boxes import clip
from core.detectors import Trace
from core.detectors.yolo import (
    BOXES_PER_CELL,
    LAMBDA_COORD,
    LAMBDA_NOOBJ,
    YOLO,
    CellTruth,
    Grid,
    lay_into_grid,
    loss_parts,
    loss_terms,
    pull,
    responsible,
)
from core.faults import UserError
from core.figures.palette import class_colour
from core.figures.sent import PictureData
from core.figures.sent import yolo as sent
from core.figures.transport import data_url, rounded
from core.i18n import _
from core.training.short_training import Watched
from core.values import Detections, Scores

FAR_OUTSIDE = torch.tensor([-9.0, -9.0, 0.01, 0.01])  # centre and sides, as fractions of the image
LEAST_SIDE = 1.0  # pixels of a box that is dragged
MOST_CONFIDENCE = 10.0  # the network's output has no bounds, but what is drawn needs some
SMALL, LARGE = 24, 120  # pixels: the sides that show what the square root is for
LARGEST_ERROR = 12  # pixels
DIGITS = 4
SMOOTHED = 10  # steps that the drawn loss is the mean of
SHOWN = 0.1  # least score of a box that is drawn while training
MOST_SHOWN = 20
SURE = 0.3  # and of one that counts as found
FOUND_IOU = 0.5


class BoxError(UserError):
    """A box cannot be put into the grid; the message is a sentence that says what to do."""


@dataclass(frozen=True)
class Asked:
    """A box that the user put at ``place`` (row, column, which of the two): ``box`` (4,), its centre, width and height
    in pixels, its ``confidence``, and ``notes``, a sentence for each thing that was done to it."""

    place: tuple[int, int, int]
    box: Tensor
    confidence: float
    notes: tuple[str, ...] = ()


def look(yolo: YOLO, image: Tensor) -> Grid:
    """Return what ``yolo`` says of every cell of ``image`` (3, H, W) uint8."""
    with torch.no_grad():
        return yolo.look(image)


def picture_data(image: Tensor, classes: tuple[str, ...]) -> PictureData:
    """Return ``image`` (3, H, W) uint8 and the names and colours of its ``classes``."""
    return {
        "image": data_url(image),
        "width": image.shape[2],
        "height": image.shape[1],
        "classes": [{"name": _(name), "colour": class_colour(label)} for label, name in enumerate(classes)],
    }


def grid_data(yolo: YOLO, trace: Trace, grid: Grid, truth: dict[str, Tensor] | None = None) -> sent.GridCells:
    """Return what ``yolo`` says of the cells, its ``grid``, and what the stages of its run, ``trace``, made of that.

    A cell's place is row by row; box ``2 * cell + predictor`` has ``boxes``, ``confidence``, and of its best class
    ``scores`` and ``labels``. ``probabilities`` are a cell's. Each of ``detections``, best first, says which box it
    is; ``start`` is the cell of the first.
    """
    found = trace.detections
    scored = next(step.value for step in trace.steps if isinstance(step.value, Scores))
    best, column = scored.values[:, 1:].max(1)
    sources = _sources(found, scored, trace.image)
    strongest = int(grid.confidence.argmax()) // BOXES_PER_CELL
    return {
        **picture_data(trace.image, yolo.classes),
        **_cells(grid, trace.image),
        "scores": rounded(best, DIGITS),
        "labels": (column + 1).tolist(),
        "detections": [
            {"box": source, "score": round(score, 4), "label": label}
            for source, score, label in zip(sources, found.scores.tolist(), found.labels.tolist(), strict=True)
        ],
        "truth": None
        if truth is None
        else {"boxes": rounded(truth["boxes"], DIGITS), "labels": truth["labels"].tolist()},
        "start": sources[0] // BOXES_PER_CELL if sources else strongest,
    }


def _cells(grid: Grid, image: Tensor) -> sent.CellBoxes:
    scale = torch.tensor([image.shape[2], image.shape[1]] * 2)
    return {
        "side": grid.xy.shape[1],
        "boxes": rounded(grid.boxes[0].flatten(0, 2) * scale, DIGITS),
        "confidence": rounded(grid.confidence[0].flatten(), DIGITS),
        "probabilities": rounded(grid.classes[0].flatten(0, 1), DIGITS),
    }


def _sources(found: Detections, scored: Scores, image: Tensor) -> list[int]:
    """Return which of the ``scored`` boxes each of ``found`` is: the one with its score for its class and its edges."""
    clipped = clip(scored.boxes, *image.shape[1:])
    same_score = scored.values.T[found.labels] == found.scores[:, None]
    same = same_score & (clipped[None] == found.boxes[:, None]).all(2)
    sources: list[int] = same.float().argmax(1).tolist()
    return sources


def cell_truth(truth: dict[str, Tensor], image: Tensor, side: int) -> CellTruth:
    """Lay the ground ``truth`` of ``image`` (3, H, W) into a grid of ``side`` x ``side`` cells."""
    fractions = truth["boxes"] / torch.tensor([image.shape[2], image.shape[1]] * 2)
    return lay_into_grid([{"boxes": fractions, "labels": truth["labels"]}], side, 1)


def loss_data(yolo: YOLO, image: Tensor, grid: Grid, truth: dict[str, Tensor]) -> sent.CellLosses:
    """Return the loss of ``grid`` on ``image`` (3, H, W): its five unweighted ``terms`` in every cell, row by row.

    ``parts`` is the training loss at the weights ``coord`` and ``noobj``. ``objects`` are the cells that answer for
    an object, with both predictors' IoU; ``lost`` are objects whose cell already holds another.
    """
    cells = cell_truth(truth, image, grid.xy.shape[1])
    objects = _objects(grid, cells, image)
    held = [one["box"] for one in objects]
    boxes = rounded(truth["boxes"], DIGITS)
    terms = asdict(loss_terms(grid, cells))
    total = loss_parts(grid, cells)
    return {
        **picture_data(image, yolo.classes),
        **_cells(grid, image),
        "terms": {name: values.flatten().tolist() for name, values in terms.items()},
        "parts": {name: value.item() for name, value in total.items()},
        "coord": LAMBDA_COORD,
        "noobj": LAMBDA_NOOBJ,
        "objects": objects,
        "lost": [
            {"box": box, "label": label}
            for box, label in zip(boxes, truth["labels"].tolist(), strict=True)
            if box not in held
        ],
        "start": objects[0]["cell"] if objects else 0,
    }


def _objects(grid: Grid, truth: CellTruth, image: Tensor) -> list[sent.CellObject]:
    """Return the objects of the grid, the worst predicted first."""
    cell = truth.present.nonzero(as_tuple=True)
    index, iou = responsible(grid.boxes[cell], truth.boxes[cell])
    scale = torch.tensor([image.shape[2], image.shape[1]] * 2)
    places = (cell[1] * truth.present.shape[1] + cell[2]).tolist()
    objects: list[sent.CellObject] = [
        {"cell": place, "box": box, "label": label, "iou": both, "responsible": answering}
        for place, box, label, both, answering in zip(
            places,
            rounded(truth.boxes[cell] * scale, DIGITS),
            truth.labels[cell].tolist(),
            iou.tolist(),
            index.tolist(),
            strict=True,
        )
    ]
    return sorted(objects, key=lambda one: max(one["iou"]))


def read_box(values: Mapping[str, Any], side: int, width: int, height: int) -> Asked:
    """Return what the browser asks: ``cell``, ``predictor``, ``box`` (centre, width, height in pixels), ``confidence``.

    Its centre is moved into the image of ``width`` x ``height`` pixels and its sides are cut to the image's, and
    the notes say so.

    Raises:
        BoxError: a number is missing or none, the box is empty, or there is no such cell.
    """
    try:
        cell, predictor = int(values["cell"]), int(values["predictor"])
        box = [float(number) for number in values["box"]]
        confidence = float(values["confidence"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise BoxError(_("Each of the five fields needs a number: fill in the empty one.")) from None
    if len(box) != 4 or not all(map(math.isfinite, (*box, confidence))):
        raise BoxError(_("Each of the five fields needs a number: fill in the empty one."))
    check_place(cell, predictor, side)
    if min(box[2:]) < LEAST_SIDE:
        raise BoxError(_("The box is empty: make it at least 1 pixel wide and high."))
    limits = (width, height, width, height)
    inside = [min(max(number, 0.0), float(most)) for number, most in zip(box, limits, strict=True)]
    notes = []
    if inside[:2] != box[:2]:
        notes.append(_("The centre lay outside the image and was moved to its edge."))
    if inside[2:] != box[2:]:
        notes.append(_("The box was larger than the image and was cut to its size."))
    bounded = min(max(confidence, -MOST_CONFIDENCE), MOST_CONFIDENCE)
    if bounded != confidence:
        notes.append(_("The confidence was moved to {value}.").format(value=bounded))
    row, column = divmod(cell, side)
    return Asked((row, column, predictor), torch.tensor(inside), bounded, tuple(notes))


def check_place(cell: int, predictor: int, side: int) -> None:
    """Refuse a place outside the grid of ``side`` x ``side`` cells.

    Raises:
        BoxError: there is no such ``cell`` or ``predictor``.
    """
    if cell not in range(side * side) or predictor not in range(BOXES_PER_CELL):
        raise BoxError(_("There is no such cell: click one in the picture."))


def predicted(grid: Grid, image: Tensor, cell: int, predictor: int) -> Asked:
    """Return the box that the network itself put into ``cell``, as if the user had asked for it."""
    row, column = divmod(cell, grid.xy.shape[1])
    corners = grid.boxes[0, row, column, predictor]
    box = box_convert(corners, "xyxy", "cxcywh") * torch.tensor([image.shape[2], image.shape[1]] * 2)
    box[2:] = box[2:].clamp(min=LEAST_SIDE)
    return Asked((row, column, predictor), box, grid.confidence[0, row, column, predictor].item())


def drag_data(yolo: YOLO, image: Tensor, grid: Grid, truth: dict[str, Tensor]) -> sent.DragScene:
    """Return what stays while a box is dragged on ``image`` (3, H, W): the picture, its objects, the root's curves."""
    cells = cell_truth(truth, image, grid.xy.shape[1])
    return {
        **picture_data(image, yolo.classes),
        "side": grid.xy.shape[1],
        "objects": _objects(grid, cells, image),
        "coord": LAMBDA_COORD,
        "noobj": LAMBDA_NOOBJ,
        "root": root_data(yolo.side),
    }


def answer_data(image: Tensor, grid: Grid, truth: dict[str, Tensor], asked: Mapping[str, Any]) -> sent.Pulled:
    """Return ``pull_data`` for what the browser ``asked``.

    Without a ``box`` it is the one that the network predicts; without a ``predictor``, the responsible one; without a
    ``cell``, the worst predicted object's. Unless ``alone`` is false, the cell's other box is set aside.

    Raises:
        BoxError: as ``read_box``.
    """
    side = grid.xy.shape[1]
    height, width = image.shape[1:]
    alone = bool(asked.get("alone", True))
    if asked.get("box") is not None:
        return pull_data(image, grid, truth, read_box(asked, side, width, height), alone)
    objects = _objects(grid, cell_truth(truth, image, side), image)
    cell = asked.get("cell")
    if cell is None:
        cell = objects[0]["cell"] if objects else 0
    predictor = asked.get("predictor")
    if predictor is None:
        predictor = next((one["responsible"] for one in objects if one["cell"] == cell), 0)
    check_place(cell, predictor, side)
    return pull_data(image, grid, truth, predicted(grid, image, int(cell), int(predictor)), alone)


def pull_data(image: Tensor, grid: Grid, truth: dict[str, Tensor], asked: Asked, alone: bool = False) -> sent.Pulled:
    """Return how the loss on ``image`` (3, H, W) answers to the box that was ``asked`` for.

    The cell's five unweighted ``terms``, the whole image's ``parts``, the network's ``outputs`` with what they are
    to be, and the gradients of ``Pull``. Where the box is ``alone``, its twin, kept in the picture as the network
    has it, is moved so far outside the image that it never answers for the object.
    """
    row, column, predictor = asked.place
    twin = predicted(grid, image, row * grid.xy.shape[1] + column, 1 - predictor)
    if alone:
        grid = grid.with_box(twin.place, FAR_OUTSIDE, torch.tensor(twin.confidence))
    side = grid.xy.shape[1]
    cells = cell_truth(truth, image, side)
    size = image.shape[2], image.shape[1]
    pulled = pull(grid, cells, asked.place, asked.box, torch.tensor(asked.confidence), size)
    at = (0, *asked.place)
    cell = row * side + column
    found = next((one for one in _objects(pulled.grid, cells, image) if one["cell"] == cell), None)
    moved = pulled.grid
    return {
        "cell": cell,
        "predictor": predictor,
        "box": asked.box.tolist(),
        "confidence": asked.confidence,
        "alone": alone,
        "twin": twin.box.tolist(),
        "notes": list(asked.notes),
        "terms": {name: values[0, row, column].item() for name, values in asdict(loss_terms(moved, cells)).items()},
        "parts": {name: value.item() for name, value in pulled.parts.items()},
        "object": found,
        "outputs": torch.cat([moved.xy[at], moved.root_wh[at], moved.confidence[at][None]]).tolist(),
        "wanted": _wanted(found, predictor, cells, (0, row, column)),
        "byOutputs": pulled.outputs.tolist(),
        "byBox": pulled.box.tolist(),
        "probabilities": moved.classes[0, row, column].tolist(),
        "byClasses": pulled.classes.tolist(),
        "next": {"box": pulled.next_box.tolist(), "confidence": pulled.next_confidence.item()},
    }


def _wanted(
    found: sent.CellObject | None, predictor: int, truth: CellTruth, cell: tuple[int, int, int]
) -> list[float | None]:
    """Return what the five outputs are to be; None where the loss does not ask for anything."""
    if found is None or found["responsible"] != predictor:
        return [None, None, None, None, 0.0]
    side = truth.present.shape[1]
    box = box_convert(truth.boxes[cell], "xyxy", "cxcywh")
    xy = box[:2] * side - torch.tensor([cell[2], cell[1]])
    return [*xy.tolist(), *box[2:].sqrt().tolist(), found["iou"][predictor]]


def root_data(pixels: int) -> sent.RootCurves:
    """Return the loss of a width that is wrong by -12 to 12 pixels, of a small and a large box in ``pixels``.

    ``small`` and ``large`` are the sides' term of the loss itself; ``plain`` is what it would be without the root.
    """
    errors = torch.arange(-LARGEST_ERROR, LARGEST_ERROR + 1)
    return {
        "errors": errors.tolist(),
        "sides": {"small": SMALL, "large": LARGE},
        "small": _sides_term(SMALL, errors, pixels),
        "large": _sides_term(LARGE, errors, pixels),
        "plain": (errors / pixels).square().tolist(),
    }


def _sides_term(side: int, errors: Tensor, pixels: int) -> list[float]:
    """Return the unweighted loss of the sides (E,) of squares of ``side`` whose width is predicted wrong."""
    images = len(errors)
    sides = torch.stack([side + errors, torch.full_like(errors, side)], 1) / pixels
    root = sides.sqrt()[:, None, None, None].expand(images, 1, 1, BOXES_PER_CELL, 2)
    nothing = torch.zeros(images, 1, 1, BOXES_PER_CELL)
    grid = Grid(torch.full_like(root, 0.5), root, nothing, torch.zeros(images, 1, 1, 1))
    edges = torch.tensor([[(pixels - side) / 2] * 2 + [(pixels + side) / 2] * 2])
    target = {"boxes": edges, "labels": torch.ones(1, dtype=torch.int64)}
    values: list[float] = loss_terms(grid, lay_into_grid([target] * images, 1, pixels)).sides.flatten().tolist()
    return values


def training_data(
    image: Tensor, classes: tuple[str, ...], events: Sequence[Watched], truth: dict[str, Tensor] | None = None
) -> sent.WatchedTraining:
    """Return what a training has come to by its ``events``, with what it detects in ``image`` (3, H, W) uint8.

    ``losses`` has each part's mean over the last ``SMOOTHED`` steps, after every step, at the ``seconds``. ``looks``
    say after which step they were taken, what was detected and, where there is ground ``truth``, how many of its
    objects were found.
    """
    names = list(events[0].step.losses) if events else []
    losses = {name: torch.tensor([event.step.losses[name] for event in events]) for name in names}
    return {
        **picture_data(image, classes),
        "seconds": [round(event.step.seconds, 2) for event in events],
        "losses": {name: rounded(_smoothed(values), DIGITS) for name, values in losses.items()},
        "looks": [
            {"step": index, **_look(event.found, truth)}
            for index, event in enumerate(events)
            if event.found is not None
        ],
        "truth": None
        if truth is None
        else {"boxes": rounded(truth["boxes"], DIGITS), "labels": truth["labels"].tolist()},
    }


def _smoothed(values: Tensor) -> Tensor:
    """Return the mean of the last ``SMOOTHED`` of ``values`` (N,), or of as many as there are, at each place."""
    sums = torch.cat([torch.zeros(1, dtype=torch.float64), values.double().cumsum(0)])
    last = torch.arange(1, len(values) + 1)
    first = (last - SMOOTHED).clamp(min=0)
    return (sums[last] - sums[first]) / (last - first)


def _look(found: Detections, truth: dict[str, Tensor] | None) -> sent.LookBoxes:
    shown = (found.scores >= SHOWN).nonzero().squeeze(1)[:MOST_SHOWN]
    right = None
    if truth is not None:
        sure = found.scores >= SURE
        iou = box_iou(truth["boxes"], found.boxes[sure]) * (truth["labels"][:, None] == found.labels[sure])
        right = int((iou >= FOUND_IOU).any(1).sum())
    return {
        "boxes": rounded(found.boxes[shown], 1),
        "scores": rounded(found.scores[shown], 2),
        "labels": found.labels[shown].tolist(),
        "right": right,
    }
