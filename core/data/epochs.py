"""What a DataLoader does with a dataset, as data: torch's own runs, with its workers, and notes what each fetched."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import DataLoader, Dataset, default_collate, get_worker_info

from core.faults import UserError
from core.i18n import _

MOST_WORKERS = 8  # processes of one DataLoader
MOST_SAMPLES = 10_000  # of an epoch whose order is shown
PATIENCE = 120.0  # seconds to wait for a worker before it is given up

Sample = tuple[Tensor, dict[str, Tensor]]


class LoaderError(UserError):
    """A DataLoader cannot do what was asked; the message is a sentence that says what to do."""


@dataclass(frozen=True)
class Batch:
    """One batch: the ``indices`` of its samples in their order, and the ``worker`` that fetched them, counted from 0,
    or None where the process itself did."""

    indices: tuple[int, ...]
    worker: int | None


@dataclass(frozen=True)
class Epoch:
    """One pass over a dataset: its ``batches`` in the order in which they arrive, and the indices that were
    ``dropped``, as the last batch was not full."""

    batches: tuple[Batch, ...]
    dropped: tuple[int, ...]


@dataclass(frozen=True)
class Throughput:
    """How fast ``workers`` fetch the samples of one epoch, 0 for the process itself: ``first`` are the seconds until
    the first batch, with the start of the workers, ``images_per_second`` the rate once all of them are busy."""

    workers: int
    images: int
    first: float
    images_per_second: float


class _Witness(Dataset[tuple[int, int]]):
    """A dataset whose samples say which they are and which worker fetched them, -1 for none."""

    def __init__(self, length: int):
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> tuple[int, int]:
        worker = get_worker_info()
        return index, -1 if worker is None else worker.id


def epoch_order(
    length: int,
    *,
    batch_size: int,
    shuffle: bool = False,
    num_workers: int = 0,
    drop_last: bool = False,
    seed: int = 0,
    epochs: int = 1,
) -> tuple[Epoch, ...]:
    """Return the order in which a DataLoader fetches the ``length`` samples of a dataset, for some ``epochs``.

    Its generator starts with ``seed`` and goes on from epoch to epoch, so that each is shuffled anew.

    Raises:
        LoaderError: there are no samples or too many, a batch holds none, there are too many workers, or they do not
            start.
    """
    _check(length, batch_size, num_workers)
    if length > MOST_SAMPLES:
        raise LoaderError(_("An order is shown of at most {most} samples.").format(most=MOST_SAMPLES))
    loader = _loader(_Witness(length), batch_size, num_workers, list, shuffle=shuffle, drop_last=drop_last, seed=seed)
    try:
        return tuple(_epoch(loader, length) for _number in range(epochs))
    except (OSError, RuntimeError):  # too little memory, or too many processes
        raise LoaderError(_("The workers could not be started: try again, or with fewer.")) from None


def throughput(
    dataset: Dataset[Any],
    batch_size: int,
    workers: Iterable[int] = (0, 1, 2),
    collate: Callable[[list[Any]], Any] | None = None,
) -> Iterator[Throughput]:
    """Yield the speed of one epoch of ``dataset`` for each number of ``workers``, one after the other.

    Nothing but fetching is done meanwhile; ``collate`` is ``collate_detection`` unless given.

    Raises:
        LoaderError: there are no samples, a batch holds none, there are too many workers, or a sample cannot be had.
    """
    length = len(dataset)  # type: ignore[arg-type]
    for count in workers:
        _check(length, batch_size, count)
        arrivals = _arrivals(_loader(dataset, batch_size, count, collate or collate_detection))
        sizes = [min(batch_size, length - done) for done in range(0, length, batch_size)]
        yield Throughput(count, length, arrivals[0], _rate(arrivals, sizes, count))


def collate_detection(samples: Sequence[Sample]) -> tuple[Tensor, list[dict[str, Tensor]]]:
    """Return a batch of detection samples: images (N, 3, H, W) and their N targets as they are, in a list.

    Targets cannot be stacked, since images have different numbers of boxes. Smaller images, and masks with them, get a
    black margin on the right and below, which leaves all boxes where they are.
    """
    height, width = (max(image.shape[axis] for image, _target in samples) for axis in (-2, -1))

    def grown(values: Tensor) -> Tensor:
        return pad(values, (0, width - values.shape[-1], 0, height - values.shape[-2]))

    images = torch.stack([grown(image) for image, _target in samples])
    targets = [
        target | {"masks": grown(target["masks"])} if "masks" in target else dict(target) for _image, target in samples
    ]
    return images, targets


def default_complaint(samples: Sequence[Any]) -> str:
    """Return why torch's ``default_collate`` cannot make a batch of ``samples``, in its own words; "" where it can."""
    try:
        default_collate(list(samples))
    except (RuntimeError, TypeError, KeyError) as error:
        return str(error)
    return ""


def _check(length: int, batch_size: int, workers: int) -> None:
    if length < 1:
        raise LoaderError(_("There are no samples: choose a dataset with some."))
    if batch_size < 1:
        raise LoaderError(_("A batch holds at least one sample."))
    if not 0 <= workers <= MOST_WORKERS:
        raise LoaderError(_("Choose 0 to {most} workers, not {count}.").format(most=MOST_WORKERS, count=workers))


def _loader(
    dataset: Dataset[Any],
    batch_size: int,
    workers: int,
    collate: Callable[[list[Any]], Any],
    *,
    shuffle: bool = False,
    drop_last: bool = False,
    seed: int = 0,
) -> DataLoader[Any]:
    return DataLoader(
        dataset,
        batch_size,
        shuffle,
        num_workers=workers,
        collate_fn=collate,
        drop_last=drop_last,
        generator=torch.Generator().manual_seed(seed),
        multiprocessing_context=_start_method() if workers else None,
        timeout=PATIENCE if workers else 0,
    )


def _start_method() -> str:
    """Forked workers start in milliseconds, but macOS's own libraries do not survive it, and Windows has no fork."""
    return "fork" if sys.platform == "linux" else "spawn"


def _begun(loader: DataLoader[Any]) -> Iterator[Any]:
    """Start an epoch, and its workers.

    A spawned process runs its parent's main file once more, and Streamlit puts the whole app in that place.
    """
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        return iter(loader)
    finally:
        sys.modules["__main__"] = main


def _epoch(loader: DataLoader[Any], length: int) -> Epoch:
    batches = []
    for samples in _begun(loader):
        (worker,) = {worker for _index, worker in samples}
        batches.append(Batch(tuple(index for index, _worker in samples), None if worker < 0 else worker))
    fetched = {index for batch in batches for index in batch.indices}
    return Epoch(tuple(batches), tuple(index for index in range(length) if index not in fetched))


def _arrivals(loader: DataLoader[Any]) -> list[float]:
    """Return the seconds from the start at which the batches of one epoch came."""
    arrivals = []
    start = time.perf_counter()
    try:
        for _samples in _begun(loader):
            arrivals.append(time.perf_counter() - start)
    except UserError as error:
        # What a worker raises comes with its traceback, whose last line is the kind of error and the sentence.
        *before, reason = str(error).strip().splitlines()
        reason = reason.split(": ", 1)[-1] if before else reason
        raise LoaderError(_("A sample could not be fetched: {reason}").format(reason=reason)) from None
    return arrivals


def _rate(arrivals: Sequence[float], sizes: Sequence[int], workers: int) -> float:
    """Return images a second: ``arrivals`` are the seconds at which batches of ``sizes`` came.

    When the last of the workers has brought its first batch, all are busy with their next; from then on it counts.
    """
    busy = max(workers, 1)
    if len(arrivals) <= busy:
        return sum(sizes) / arrivals[-1]
    return sum(sizes[busy:]) / max(arrivals[-1] - arrivals[busy - 1], 1e-9)
