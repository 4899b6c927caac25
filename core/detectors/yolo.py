"""You Only Look Once: unified, real-time object detection (Redmon, Divvala, Girshick and Farhadi 2016).

1. Resize the image to the network's square input.
2. One convolutional network maps it to an S x S grid; each cell predicts B boxes with a confidence each, and one
   set of class probabilities.
3. A box's confidence times its cell's class probability is its class-specific confidence.
4. Non-maximum suppression.

Ours differs from the paper where the images or the shared trunk ask for it: S = 16 on scenes instead of 7, since the
trunk's map of a 256-pixel image is 16 x 16 and two small shapes often share a cell of a 7 x 7 grid, and 10 on photos;
a convolutional head, since fully connected layers on that map would hold more weights than all the detectors together,
on photos with a stride of 2 in its first layer, as one of the paper's last four convolutions has; AdamW with a cosine
schedule instead of 135 epochs of SGD. The loss is the paper's, term by term (section 2.2, equation 3).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import box_convert

from core.backbones import TRUNKS
from core.data.scenes import CLASSES
from core.stages import Detector, Progress, Step
from core.suppression import candidates, suppress
from core.values import FeatureMap, Scores

BOXES_PER_CELL = 2
LAMBDA_COORD = 5.0
LAMBDA_NOOBJ = 0.5
STEP = 0.05  # of gradient descent by hand: with the weight 5 it halves the error of a box


@dataclass(frozen=True)
class Grid:
    """What the network says of every cell, as it comes out (linear): the S x S grid of a batch.

    ``xy`` (B, S, S, 2, 2) is each box's centre as a fraction of its cell, ``root_wh`` (B, S, S, 2, 2) the square
    roots of its width and height as fractions of the image, ``confidence`` (B, S, S, 2), ``classes`` (B, S, S, K).
    """

    xy: Tensor
    root_wh: Tensor
    confidence: Tensor
    classes: Tensor

    @property
    def boxes(self) -> Tensor:
        """The boxes as fractions of the image: (B, S, S, 2, 4) ``(x0, y0, x1, y1)``."""
        side = self.xy.shape[1]
        rows, columns = torch.meshgrid(*[torch.arange(side, device=self.xy.device)] * 2, indexing="ij")
        corner = torch.stack([columns, rows], -1)[:, :, None]
        centre, half = (self.xy + corner) / side, self.root_wh**2 / 2
        return torch.cat([centre - half, centre + half], -1)

    def with_box(self, place: tuple[int, int, int], box: Tensor, confidence: Tensor) -> "Grid":
        """Return the grid of a batch of one with another box at ``place`` (row, column, which of the two).

        ``box`` (4,) is its centre, width and height as fractions of the image, ``confidence`` a scalar; gradients
        flow to both.
        """
        row, column, _predictor = place
        index = tuple(torch.tensor(i, device=self.xy.device) for i in (0, *place))
        xy = box[:2] * self.xy.shape[1] - box.new_tensor([column, row])
        return Grid(
            self.xy.index_put(index, xy),
            self.root_wh.index_put(index, box[2:].sqrt()),
            self.confidence.index_put(index, confidence),
            self.classes,
        )


@dataclass(frozen=True)
class CellTruth:
    """Ground truth laid into the grid: ``present`` (B, S, S) bool, ``boxes`` (B, S, S, 4) as fractions of the image,
    ``labels`` (B, S, S) int64 from 1. A cell holds the first box whose centre falls into it, as in darknet."""

    present: Tensor
    boxes: Tensor
    labels: Tensor


class YOLO(Detector):
    """YOLO on the shared trunk. Classes have no background: an empty cell is one without confidence."""

    name = "yolo"

    def __init__(self, trunk: str = "slim", classes: tuple[str, ...] = CLASSES):
        super().__init__()
        self.classes = classes
        facts = TRUNKS[trunk]
        self.side = facts.square_side
        self.trunk = facts.build()
        stride = facts.grid_stride // self.trunk.stride
        layers = _convolution(self.trunk.channels, facts.grid_width, stride)
        if stride > 1:
            layers += _convolution(facts.grid_width, facts.grid_width)
        self.head = nn.Sequential(*layers, nn.Conv2d(facts.grid_width, 5 * BOXES_PER_CELL + len(classes) - 1, 1))

    def look(self, image: Tensor) -> Grid:
        """Return all that the network says of ``image`` (3, H, W) uint8: the grid of a batch of one."""
        return self.grid(self.trunk(self._resized(image)))

    def _resized(self, image: Tensor) -> Tensor:
        pixels = image[None]
        if image.shape[1:] != (self.side, self.side):
            pixels = functional.interpolate(pixels, (self.side, self.side), mode="bilinear", antialias=True)
        return pixels.float()

    def grid(self, features: Tensor) -> Grid:
        """Read the head's channels on a feature map (B, C, S, S) as a ``Grid``."""
        values = self.head(features).float().permute(0, 2, 3, 1)
        boxes = values[..., : 5 * BOXES_PER_CELL].unflatten(-1, (BOXES_PER_CELL, 5))
        return Grid(boxes[..., :2], boxes[..., 2:4], boxes[..., 4], values[..., 5 * BOXES_PER_CELL :])

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        height, width = image.shape[1:]
        features = self.trunk(self._resized(image))
        yield Step("Convolution", FeatureMap(features[0], self.trunk.stride))

        grid = self.grid(features)
        boxes = grid.boxes[0].flatten(0, 2) * grid.boxes.new_tensor([width, height, width, height])
        confidence = grid.confidence[0][..., None] * grid.classes[0][:, :, None]
        no_background = functional.pad(confidence.flatten(0, 2), (1, 0), value=-torch.inf)
        yield Step("Grid", Scores(no_background, boxes))

        limits = boxes.new_tensor([width, height, width, height])
        found = candidates(boxes.clamp(min=0).minimum(limits), no_background[:, 1:])
        yield Step("Class confidence", found)
        yield Step("NMS", suppress(found))

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        grid = self.grid(self.trunk(images))
        truth = lay_into_grid(targets, grid.xy.shape[1], images.shape[-1])
        return loss_parts(grid, truth)


def _convolution(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    layer = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return [layer, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1, inplace=True)]


def lay_into_grid(targets: list[dict[str, Tensor]], side: int, pixels: int) -> CellTruth:
    """Lay the ``boxes`` and ``labels`` of square images of ``pixels`` into a grid of ``side`` x ``side`` cells."""
    device = targets[0]["boxes"].device
    present = torch.zeros(len(targets), side, side, dtype=torch.bool, device=device)
    boxes = torch.zeros(len(targets), side, side, 4, device=device)
    labels = torch.zeros(len(targets), side, side, dtype=torch.int64, device=device)
    for index, target in enumerate(targets):
        fractions = target["boxes"] / pixels
        cells = ((fractions[:, :2] + fractions[:, 2:]) / 2 * side).long().clamp(max=side - 1)
        for (column, row), box, label in zip(cells.tolist(), fractions, target["labels"], strict=True):
            if not present[index, row, column]:
                present[index, row, column] = True
                boxes[index, row, column] = box
                labels[index, row, column] = label
    return CellTruth(present, boxes, labels)


def paired_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Return the IoU of each of ``boxes`` (..., 4) with the one of ``others`` (..., 4) at its place: (...)."""
    corner = torch.maximum(boxes[..., :2], others[..., :2])
    overlap = (torch.minimum(boxes[..., 2:], others[..., 2:]) - corner).clamp(min=0).prod(-1)
    areas = (boxes[..., 2:] - boxes[..., :2]).prod(-1) + (others[..., 2:] - others[..., :2]).prod(-1)
    return overlap / (areas - overlap).clamp(min=1e-9)


def responsible(boxes: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Choose in each of M cells the box that answers for the object: its index (M,) and every box's IoU (M, 2).

    ``boxes`` (M, 2, 4), ``truth`` (M, 4). It is the box with the highest IoU; where no box overlaps the truth,
    the one with the least root mean square error of its corners (darknet's way out; there of the centre and sides).
    """
    iou = paired_iou(boxes, truth[:, None])
    distance = (boxes - truth[:, None]).square().sum(-1)
    return torch.where(iou.max(1).values > 0, iou.argmax(1), distance.argmin(1)), iou


@dataclass(frozen=True)
class LossTerms:
    """The five terms of the paper's equation 3, line by line, unweighted and for every cell: (B, S, S) each."""

    centre: Tensor
    sides: Tensor
    object: Tensor
    no_object: Tensor
    classification: Tensor


def loss_terms(grid: Grid, truth: CellTruth) -> LossTerms:
    """Return what every cell adds to the terms of YOLO's loss.

    ``centre`` and ``sides`` are the squared errors of the responsible box's centre and of the square roots of its
    sides. ``object``: the responsible box's confidence is to be its IoU with the truth (held constant);
    ``no_object``: every other's, the twin in an object's cell included, 0. ``classification`` is the squared error
    of the class probabilities, in cells that hold an object only. Equation 3 of the paper.
    """
    side = truth.present.shape[1]
    cell = truth.present.nonzero(as_tuple=True)
    boxes = truth.boxes[cell]
    index, iou = responsible(grid.boxes[cell].detach(), boxes)
    own = torch.arange(len(index), device=index.device), index

    def laid_out(errors: Tensor) -> Tensor:
        return torch.zeros_like(grid.confidence[..., 0]).index_put(cell, errors)

    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 * side
    root = (boxes[:, 2:] - boxes[:, :2]).sqrt()
    centre_error = (grid.xy[cell][own] - (centre - centre.floor().clamp(max=side - 1))).square().sum(-1)
    sides_error = (grid.root_wh[cell][own] - root).square().sum(-1)

    answering = torch.zeros_like(grid.confidence, dtype=torch.bool)
    answering[(*cell, index)] = True
    object_error = (grid.confidence[cell][own] - iou[own]).square()
    no_object_error = grid.confidence.square().masked_fill(answering, 0).sum(-1)

    wanted = functional.one_hot(truth.labels[cell] - 1, grid.classes.shape[-1])
    class_error = (grid.classes[cell] - wanted).square().sum(-1)
    return LossTerms(
        centre=laid_out(centre_error),
        sides=laid_out(sides_error),
        object=laid_out(object_error),
        no_object=no_object_error,
        classification=laid_out(class_error),
    )


def loss_parts(
    grid: Grid, truth: CellTruth, lambda_coord: float = LAMBDA_COORD, lambda_noobj: float = LAMBDA_NOOBJ
) -> dict[str, Tensor]:
    """Return the three parts of YOLO's loss, each summed over cells and averaged over images.

    ``box regression`` weights the errors of centres and sides by ``lambda_coord``, ``confidence`` those without an
    object by ``lambda_noobj``; see ``loss_terms``.
    """
    terms = loss_terms(grid, truth)
    images = len(truth.present)
    return {
        "box regression": lambda_coord * (terms.centre + terms.sides).sum() / images,
        "confidence": (terms.object + lambda_noobj * terms.no_object).sum() / images,
        "classification": terms.classification.sum() / images,
    }


@dataclass(frozen=True)
class Pull:
    """How the loss pulls at one predicted box: the ``grid`` with the box in it, and the gradient by autograd.

    ``parts`` are those of ``loss_parts`` on ``grid``. The gradient of their sum is given by the ``box`` (4,), its
    centre, width and height in pixels; by what the network puts out for it, ``outputs`` (5,) (x, y, root of w, root
    of h, confidence); and by its cell's ``classes`` (K,). ``next_box`` (4,) and ``next_confidence`` are where one
    step of gradient descent on the outputs leads.
    """

    grid: Grid
    parts: dict[str, Tensor]
    box: Tensor
    outputs: Tensor
    classes: Tensor
    next_box: Tensor
    next_confidence: Tensor


def pull(
    grid: Grid,
    truth: CellTruth,
    place: tuple[int, int, int],
    box: Tensor,
    confidence: Tensor,
    size: tuple[int, int],
    lambda_coord: float = LAMBDA_COORD,
    lambda_noobj: float = LAMBDA_NOOBJ,
) -> Pull:
    """Put ``box`` (4,) (centre, width and height in pixels) with a scalar ``confidence`` at ``place`` (row, column,
    which of the two) of a batch of one, an image of ``size`` (width, height), and see how the loss pulls at it."""
    scale = box.new_tensor(size * 2)
    box, confidence, classes = (values.detach().requires_grad_() for values in (box, confidence, grid.classes))
    moved = replace(grid, classes=classes).with_box(place, box / scale, confidence)
    parts = loss_parts(moved, truth, lambda_coord, lambda_noobj)
    by_box, by_xy, by_root, by_confidence, by_classes = torch.autograd.grad(
        torch.stack(list(parts.values())).sum(), (box, moved.xy, moved.root_wh, moved.confidence, classes)
    )
    at = (0, *place)
    stepped = replace(moved, xy=moved.xy - STEP * by_xy, root_wh=moved.root_wh - STEP * by_root)
    with torch.no_grad():
        return Pull(
            Grid(moved.xy.detach(), moved.root_wh.detach(), moved.confidence.detach(), grid.classes.detach()),
            {name: value.detach() for name, value in parts.items()},
            by_box,
            torch.cat([by_xy[at], by_root[at], by_confidence[at][None]]),
            by_classes[at[:3]],
            box_convert(stepped.boxes[at], "xyxy", "cxcywh") * scale,
            confidence - STEP * by_confidence[at],
        )
