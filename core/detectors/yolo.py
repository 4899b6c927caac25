"""You Only Look Once: unified, real-time object detection (Redmon, Divvala, Girshick and Farhadi 2016).

1. Resize the image to the network's square input.
2. One convolutional network maps it to an S x S grid; each cell predicts B boxes with a confidence each, and one
   set of class probabilities.
3. A box's confidence times its cell's class probability is its class-specific confidence.
4. Non-maximum suppression.

Ours differs from the paper where the scenes or the shared trunk ask for it: S = 16 instead of 7, since the trunk's
map of a 256-pixel image is 16 x 16 and two small shapes often share a cell of a 7 x 7 grid; a convolutional head,
since fully connected layers on that map would hold more weights than all the detectors together; AdamW with a
cosine schedule instead of 135 epochs of SGD. The loss is the paper's, term by term (section 2.2, equation 3).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.backbones import CROP_SIDE, STRIDE, Size, backbone
from core.data.scenes import CLASSES
from core.detectors.base import Detector, Progress, Step
from core.detectors.suppression import candidates, suppress
from core.values import FeatureMap, Scores

BOXES_PER_CELL = 2
LAMBDA_COORD = 5.0
LAMBDA_NOOBJ = 0.5


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
    title = "YOLO"
    paper = "Redmon et al. 2016"

    def __init__(self, size: Size = "slim", classes: tuple[str, ...] = CLASSES):
        super().__init__()
        self.classes = classes
        # The paper's trunk sees 448 pixels; AlexNet's layout makes a 27 x 27 grid of them.
        self.side = {"slim": CROP_SIDE["slim"], "paper": 448}[size]
        self.trunk = backbone(size)
        width = 2 * self.trunk.channels
        self.head = nn.Sequential(
            nn.Conv2d(self.trunk.channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(0.1, inplace=True),
            nn.Conv2d(width, 5 * BOXES_PER_CELL + len(classes) - 1, 1),
        )

    def grid(self, features: Tensor) -> Grid:
        """Read the head's channels on a feature map (B, C, S, S) as a ``Grid``."""
        values = self.head(features).float().permute(0, 2, 3, 1)
        boxes = values[..., : 5 * BOXES_PER_CELL].unflatten(-1, (BOXES_PER_CELL, 5))
        return Grid(boxes[..., :2], boxes[..., 2:4], boxes[..., 4], values[..., 5 * BOXES_PER_CELL :])

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        height, width = image.shape[1:]
        pixels = image[None].float()
        if (height, width) != (self.side, self.side):
            pixels = functional.interpolate(pixels, (self.side, self.side), mode="bilinear", antialias=True)
        features = self.trunk(pixels)
        yield Step("Convolution", FeatureMap(features[0], STRIDE))

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


def loss_parts(
    grid: Grid, truth: CellTruth, lambda_coord: float = LAMBDA_COORD, lambda_noobj: float = LAMBDA_NOOBJ
) -> dict[str, Tensor]:
    """Return the three parts of YOLO's loss, each summed over cells and averaged over images.

    ``box regression``: squared error of the responsible box's centre and of the square roots of its sides, times
    ``lambda_coord``. ``confidence``: the responsible box's is to be its IoU with the truth (held constant), every
    other's, the twin in an object's cell included, 0 with the weight ``lambda_noobj``. ``classification``: squared
    error of the class probabilities, in cells that hold an object only. Equation 3 of the paper.
    """
    images, side = truth.present.shape[:2]
    cell = truth.present.nonzero(as_tuple=True)
    boxes = truth.boxes[cell]
    index, iou = responsible(grid.boxes[cell].detach(), boxes)
    own = torch.arange(len(index), device=index.device), index

    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 * side
    root = (boxes[:, 2:] - boxes[:, :2]).sqrt()
    xy_error = (grid.xy[cell][own] - (centre - centre.floor().clamp(max=side - 1))).square().sum()
    wh_error = (grid.root_wh[cell][own] - root).square().sum()

    confidence = grid.confidence[cell][own]
    object_error = (confidence - iou[own]).square().sum()
    no_object_error = grid.confidence.square().sum() - confidence.square().sum()

    wanted = functional.one_hot(truth.labels[cell] - 1, grid.classes.shape[-1])
    return {
        "box regression": lambda_coord * (xy_error + wh_error) / images,
        "confidence": (object_error + lambda_noobj * no_object_error) / images,
        "classification": (grid.classes[cell] - wanted).square().sum() / images,
    }
