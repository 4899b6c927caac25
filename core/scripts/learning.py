"""Scripts for the pages on data, training and transfer learning."""

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from core.data.sources import DRAWN
from core.scripts.script import Script, written

if TYPE_CHECKING:  # every page that has a script would wait for all that trains
    from core.training.plan import Plan
    from core.transfer import ways

OWN_WEIGHTS = "weights.safetensors"

DATA = """
from torch.utils.data import DataLoader

from core.data.epochs import collate_detection, epoch_order
from core.data.pipelines import parse
from core.data.sources import open_source
from core.data.transforms import Pipeline, Transformed

$data
opened = open_source(data, "train")
print(f"{len(opened)} images to learn from, classes: {', '.join(opened.classes)}")

description = parse("$pipeline")
print(Pipeline(description).as_code())
for stage in Pipeline(description).stages(opened[$sample], seed=$seed):
    print(f"{stage.name or 'as it is'}: {tuple(stage.image.shape)}, {len(stage.objects)} objects")

# Samples have different numbers of boxes, which torch's own collate function cannot stack.
samples = Transformed(opened, description, seed=$seed)
images, targets = next(iter(DataLoader(samples, batch_size=$batch_size, collate_fn=collate_detection)))
print(f"a batch: images {tuple(images.shape)}, {len(targets)} targets")

if __name__ == "__main__":  # a worker is a process, which may begin by reading this file
    epochs = epoch_order(
        $length,
        batch_size=$batch_size,
        shuffle=$shuffle,
        num_workers=$workers,
        drop_last=$drop_last,
        seed=$loader_seed,
        epochs=$epochs,
    )
    for number, epoch in enumerate(epochs, 1):
        print(f"epoch {number}, {len(epoch.dropped)} samples dropped")
        for batch in epoch.batches:
            print(f"  worker {batch.worker}: {list(batch.indices)}")
"""

TRAINING = """
from pathlib import Path

${augmentation_import}from core.training.events import Ended, Scored
from core.training.loop import TrainingStep
from core.training.plan import Plan
from core.training.tuning import tune

$data$start
plan = $plan
for event in tune(plan, Path("runs/$model")):
    if isinstance(event, TrainingStep) and event.step % 10 == 0:
        print(event.step, {name: round(loss, 4) for name, loss in event.losses.items()})
    elif isinstance(event, Scored):
        print(f"after step {event.step}: {event.scores}")
    elif isinstance(event, Ended):
        print(f"{event.how} after step {event.step}; the best, of step {event.best_step}: {event.scores}")
        print(f"weights: {event.weights}")
"""

TRANSFER = """
from core.transfer.ways import Learnt, Look, Plan, study

$data
plans = [
$plans
]
for event in study(data, plans):
    if isinstance(event, Look):
        print(f"{event.plan.way}, step {event.step}: loss {event.loss:.3f}, accuracy {event.accuracy:.3f}")
    elif isinstance(event, Learnt):
        print(f"{event.plan.way}: {event.accuracy:.3f} in the end, {event.timing.epoch:.4f} s an epoch")
"""


def data(
    source: str,
    title: str,
    pipeline: str,
    sample: tuple[int, int],
    length: int,
    batch_size: int,
    workers: int,
    epochs: int,
    loader_seed: int,
    shuffle: bool,
    drop_last: bool,
) -> Script:
    """Return the way from ``source`` to batches: the ``sample``, a number and a seed, through ``pipeline``, a text as
    ``core.data.pipelines.parse`` reads it, and ``epochs`` of a DataLoader over ``length`` samples."""
    number, seed = sample
    return written(
        "data",
        "From raw pictures to batches: transforms, Dataset and DataLoader.",
        DATA,
        data=_data(source, title),
        pipeline=pipeline,
        sample=number,
        seed=seed,
        length=length,
        batch_size=batch_size,
        workers=workers,
        epochs=epochs,
        loader_seed=loader_seed,
        shuffle=shuffle,
        drop_last=drop_last,
    )


def training(plan: "Plan", title: str, own_weights: bool) -> Script:
    """Return the training by ``plan`` on data called ``title``; from the user's ``own_weights``, whose place on the
    server is nobody's business, if they are."""
    start = f'\nstart = "{OWN_WEIGHTS}"  # the uploaded weights: lay them beside this file' if own_weights else ""
    made = _call(plan, data="data", **({"start": "start"} if own_weights else {}))
    imported = "from core.training.batches import Augmentation\n" if "Augmentation(" in made else ""
    return written(
        "training",
        f"A training of {plan.model}, with its scores and its curves in a run directory.",
        TRAINING,
        data=_data(plan.data, title),
        start=start,
        plan=made,
        augmentation_import=imported,
        model=plan.model,
    )


def transferred(source: str, title: str, plans: "Sequence[ways.Plan]") -> Script:
    """Return the task of ``source`` learnt by each of ``plans``."""
    about = "Transfer learning: one small task from scratch, by the last layer alone, and by everything."
    lines = "\n".join(f"    {_call(plan)}," for plan in plans)
    return written("transfer", about, TRANSFER, data=_data(source, title), plans=lines)


def _data(source: str, title: str) -> str:
    """Return the line that names the data; of a folder its ``title``, for where it lies here helps nobody."""
    if source in DRAWN:
        return f"data = {source!r}"
    return f"data = {title!r}  # say where your copy of this folder lies"


def _call(plan: "Plan | ways.Plan", **names: str) -> str:
    """Return the call that makes ``plan``, without what goes without saying; ``names`` stand in place of values."""
    said = {field.name: repr(value) for field in fields(plan) if (value := getattr(plan, field.name)) != field.default}
    return f"Plan({', '.join(f'{name}={value}' for name, value in (said | names).items())})"
