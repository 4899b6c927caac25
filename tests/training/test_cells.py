"""The first training of a trunk: every cell of its map is an example."""

import torch

from core.data.scenes import CLASSES
from core.training.cells import CellClassifier
from tests.test_backbones import noise


def test_the_cell_classifier_learns_from_every_cell() -> None:
    torch.manual_seed(0)
    model = CellClassifier()
    images = noise(2, 3, 64, 64)
    cells = torch.randint(0, len(CLASSES), (2, 4, 4), generator=torch.Generator().manual_seed(0))
    (loss,) = model.losses(images, [{"cells": cells[0]}, {"cells": cells[1]}]).values()
    log_odds = model.classify(model.trunk(images)).log_softmax(1)
    by_hand = [-log_odds[b, cells[b, i, j], i, j] for b in range(2) for i in range(4) for j in range(4)]
    torch.testing.assert_close(loss, torch.stack(by_hand).mean())
    loss.backward()
    assert all(values.grad is not None and values.grad.isfinite().all() for values in model.parameters())
