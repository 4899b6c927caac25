"""A tiny training by one process or two: ``python -m tests.training.in_team FOLDER`` trains both ways.

The processes are forked from one that has imported torch. Losses go to FOLDER as JSON, with the weights beside them.
"""

import json
import os
import socket
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from core.detectors.yolo import YOLO
from core.evaluation import average_precision
from core.segmentation.quality import summed_up
from core.training.loop import Batch, Schedule, train
from core.training.short_training import draw_batch
from core.training.team import ALONE, joined_team
from core.values import Detections
from tests.training.test_loop import Tiny, batch

SCHEDULE = Schedule(steps=6, learning_rate=1e-2, warmup=3, save_every=3)


class Exact(Tiny):
    """The tiny model in double precision, where autocast leaves it, and without its dropout."""

    def __init__(self, seed: int = 0):
        super().__init__(seed)
        self.drop = nn.Dropout(0)
        self.double()

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        maps = self.convolve(images.double() / 255)
        scores = self.frozen(self.classify(self.norm(maps).relu().amax((2, 3))))
        labels = torch.cat([target["labels"] for target in targets])
        return {"classification": nn.functional.cross_entropy(scores, labels), "size": scores.square().mean()}


def yolo(_seed: int = 0) -> nn.Module:
    """YOLO in double precision but for its loss, which is taken in single."""
    torch.manual_seed(0)
    return YOLO().double()


MODELS = {"exact": (Exact, batch), "yolo": (yolo, lambda step: draw_batch(step, 4))}


def ran(folder: Path, name: str, resume: bool = False, stop: int = SCHEDULE.steps) -> None:
    """Train model ``name`` in this process or team, up to step ``stop``, and write what each process saw."""
    make, whole = MODELS[name]
    with joined_team("cpu") as (team, device):

        def share(step: int) -> Batch:
            images, targets = whole(step)
            places = team.share(len(images))
            return images[list(places)], [targets[place] for place in places]

        folder.mkdir(exist_ok=True)
        training = train(
            make(7 * resume), share, SCHEDULE, folder / "state.safetensors", device, resume, frozen=(), team=team
        )
        losses = []
        for step in training:
            losses.append([step.step, step.losses])
            if step.step == stop:
                training.close()
        if team.leads:
            measured()
        (folder / f"{name}-{stop}-{team.rank}.json").write_text(json.dumps(losses))


def measured() -> None:
    """Take scores as the leader does, while the others are elsewhere: a metric that waited for them would fail."""
    labels = torch.zeros(4, 4, dtype=torch.int64)
    summed_up([(labels, labels, 0.0)], ("background", "a"))
    box, one = torch.tensor([[0.0, 0, 4, 4]]), torch.ones(1, dtype=torch.int64)
    found = average_precision([Detections(box, torch.ones(1), one)], [{"boxes": box, "labels": one}])
    assert found["map"] == 1


def forked(folder: Path, size: int, *arguments: object) -> None:
    """Do ``ran`` in ``size`` processes, as torchrun would start them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []
    for rank in range(size):
        child = os.fork()
        if not child:
            code = 1
            try:
                place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_PORT": port}
                os.environ |= {name: str(value) for name, value in place.items()} | {"MASTER_ADDR": "127.0.0.1"}
                ran(folder, *arguments)  # type: ignore[arg-type]
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0] * size, f"the processes ended with {codes}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    root = Path(sys.argv[1])
    assert ALONE.size == 1
    for size in (1, 2):
        for model in MODELS:
            forked(root / f"{model}{size}", size, model)
    forked(root / "resumed", 2, "exact", False, 4)
    forked(root / "resumed", 2, "exact", True)
    forked(root / "widened", 1, "exact", False, 4)
    forked(root / "widened", 2, "exact", True)
