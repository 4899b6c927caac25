"""A sixth detector, as README's "Add a detector" has it: every cell of the map names its object and draws its box."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.backbones import TRUNKS
from core.boxes import clip
from core.data.scenes import CLASSES
from core.detectors.regions import to_input
from core.proposals.anchors import anchors_on
from core.stages import Detector, Progress, Step
from core.suppression import candidates, suppress
from core.values import FeatureMap, Scores


class CellVotes(Detector):
    name = "cell_votes"

    def __init__(self, trunk: str = "slim", classes: tuple[str, ...] = CLASSES):
        super().__init__()
        self.classes, self.facts = classes, TRUNKS[trunk]
        self.trunk = self.facts.build()
        self.score = nn.Conv2d(self.trunk.channels, len(classes), 1)
        self.edges = nn.Conv2d(self.trunk.channels, 4, 1)

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        pixels, scale = to_input(image, self.facts)
        maps = self.trunk(pixels)
        yield Step("Convolution", FeatureMap(maps[0], self.trunk.stride))

        scores, boxes = (values[0] for values in self.votes(maps))
        boxes = clip(boxes / scale, *image.shape[1:])
        yield Step("Cell votes", Scores(scores.softmax(1), boxes))

        found = candidates(boxes, scores.softmax(1)[:, 1:])
        yield Step("Cell boxes", found)
        yield Step("NMS", suppress(found))

    def votes(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        scores, edges = (layer(maps).flatten(2).mT.float() for layer in (self.score, self.edges))
        centres = anchors_on(torch.zeros(1, 4), maps.shape[2], maps.shape[3], self.trunk.stride)
        return scores, centres + self.trunk.stride * edges.exp() * torch.tensor([-1, -1, 1, 1])

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        maps = self.trunk(images)
        scores, boxes = self.votes(maps)
        centres = anchors_on(torch.zeros(1, 4), maps.shape[2], maps.shape[3], self.trunk.stride)[:, :2]
        classes, regression = scores.new_zeros(scores.shape[:2], dtype=torch.int64), scores.new_zeros(())
        for own, predicted, target in zip(classes, boxes, targets, strict=True):
            for box, label in zip(target["boxes"], target["labels"], strict=True):
                inside = ((centres > box[:2]) & (centres < box[2:])).all(1)
                own[inside] = label
                regression = regression + functional.smooth_l1_loss(predicted[inside] / 16, box / 16, reduction="sum")
        return {"classification": functional.cross_entropy(scores.mT, classes), "box regression": regression / 1000}
