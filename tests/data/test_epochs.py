"""The order of an epoch by batch and worker, what is dropped, and what a collate function must do."""

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from core.data import ShapeScenes
from core.data.epochs import (
    MOST_SAMPLES,
    MOST_WORKERS,
    Batch,
    Epoch,
    _rate,
    collate_detection,
    default_complaint,
    epoch_order,
    throughput,
)
from core.data.folders import FolderError

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")  # a machine with fewer cores


def test_without_shuffling_batches_follow_the_index() -> None:
    assert epoch_order(7, batch_size=3) == (
        Epoch((Batch((0, 1, 2), None), Batch((3, 4, 5), None), Batch((6,), None)), ()),
    )


def test_drop_last_drops_what_fills_no_batch() -> None:
    (epoch,) = epoch_order(7, batch_size=3, drop_last=True)
    assert [batch.indices for batch in epoch.batches] == [(0, 1, 2), (3, 4, 5)] and epoch.dropped == (6,)
    (epoch,) = epoch_order(7, batch_size=3, drop_last=True, shuffle=True, seed=4)
    assert len(epoch.dropped) == 1 and epoch.dropped != (6,), "another sample each time"
    assert sorted([*epoch.dropped, *(index for batch in epoch.batches for index in batch.indices)]) == list(range(7))
    assert epoch_order(2, batch_size=3, drop_last=True) == (Epoch((), (0, 1)),)


def test_a_seed_gives_the_order_of_torch_and_each_epoch_another() -> None:
    numbers: Dataset[int] = range(20)  # type: ignore[assignment]
    loader = DataLoader(numbers, 6, shuffle=True, generator=torch.Generator().manual_seed(3))
    expected = [[tuple(batch.tolist()) for batch in loader] for _epoch in range(2)]
    epochs = epoch_order(20, batch_size=6, shuffle=True, seed=3, epochs=2)
    assert [[batch.indices for batch in epoch.batches] for epoch in epochs] == expected
    assert expected[0] != expected[1]
    other = epoch_order(20, batch_size=6, shuffle=True, seed=4, epochs=2)
    assert other != epochs and epoch_order(20, batch_size=6, shuffle=True, seed=3, epochs=2) == epochs


def test_workers_take_batches_in_turn_and_change_no_order() -> None:
    """They run as processes of their own."""
    words = {"batch_size": 3, "shuffle": True, "seed": 1}
    (alone,) = epoch_order(14, **words)  # type: ignore[arg-type]
    (shared,) = epoch_order(14, num_workers=2, **words)  # type: ignore[arg-type]
    assert [batch.indices for batch in shared.batches] == [batch.indices for batch in alone.batches]
    assert [batch.worker for batch in shared.batches] == [0, 1, 0, 1, 0]


def test_nothing_global_is_drawn_or_seeded() -> None:
    torch.manual_seed(0)
    state = torch.random.get_rng_state()
    epoch_order(9, batch_size=2, shuffle=True)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_choices_beyond_the_bounds_are_refused() -> None:
    for length, batch, workers in (
        (0, 1, 0),
        (5, 0, 0),
        (5, 1, -1),
        (5, 1, MOST_WORKERS + 1),
        (MOST_SAMPLES + 1, 1, 0),
    ):
        with pytest.raises(ValueError, match=r"\.$"):
            epoch_order(length, batch_size=batch, num_workers=workers)


def test_speed_is_measured_for_every_number_of_workers() -> None:
    found = list(throughput(ShapeScenes("train", 5), 2, (0, 1)))
    assert [one.workers for one in found] == [0, 1] and all(one.images == 5 for one in found)
    assert all(one.first > 0 and one.images_per_second > 0 for one in found)
    with pytest.raises(ValueError, match="no samples"):
        next(throughput(ShapeScenes("train", 0), 2))


class Damaged(Dataset[int]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> int:
        raise FolderError("one.jpg is not a photo that can be read: mend it.")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_sample_that_cannot_be_had_is_one_sentence(workers: int) -> None:
    with pytest.raises(ValueError, match="fetched") as error:
        next(throughput(Damaged(), 2, [workers]))
    assert str(error.value) == "A sample could not be fetched: one.jpg is not a photo that can be read: mend it."


def test_the_start_of_workers_is_no_part_of_their_speed() -> None:
    arrivals, sizes = [5.0, 5.1, 6.0, 6.1, 6.5], [4, 4, 4, 4, 2]
    assert _rate(arrivals, sizes, 0) == pytest.approx(14 / 1.5)
    assert _rate(arrivals, sizes, 2) == pytest.approx(10 / 1.4)
    assert _rate(arrivals[:2], sizes[:2], 2) == pytest.approx(8 / 5.1), "all that there is, where it is too little"


def test_a_batch_keeps_targets_apart_since_boxes_differ_in_number() -> None:
    scenes = ShapeScenes("train", 6)
    samples = [scenes[index] for index in range(6)]
    assert len({len(target["boxes"]) for _image, target in samples}) > 1
    assert "equal size" in default_complaint(samples)
    images, targets = collate_detection(samples)
    assert images.shape == (6, 3, 256, 256) and images.dtype == torch.uint8
    for image, target, (same, before) in zip(images, targets, samples, strict=True):
        assert torch.equal(image, same)
        assert all(torch.equal(target[key], before[key]) for key in before)
    assert default_complaint(samples[:1]) == "", "one sample alone always makes a batch"


def test_a_batch_of_images_of_different_sizes_gets_margins_that_move_no_box() -> None:
    small, large = torch.ones(3, 4, 9), torch.ones(3, 8, 5)
    boxes = torch.tensor([[1.0, 1.0, 4.0, 3.0]])
    masks = torch.ones(1, 4, 9, dtype=torch.bool)
    images, targets = collate_detection([(small, {"boxes": boxes, "masks": masks}), (large, {"boxes": boxes[:0]})])
    assert images.shape == (2, 3, 8, 9)
    assert images[0].sum() == small.sum() and torch.equal(images[0, :, :4], small)
    assert torch.equal(images[1, :, :, :5], large) and images[1, :, :, 5:].sum() == 0
    assert torch.equal(targets[0]["boxes"], boxes) and targets[0]["masks"].shape == (1, 8, 9)
    assert targets[0]["masks"].sum() == masks.sum() and targets[0]["masks"].dtype == torch.bool
    assert "masks" not in targets[1] and masks.shape == (1, 4, 9)


def test_workers_that_cannot_be_started_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise OSError("Cannot allocate memory")

    monkeypatch.setattr("os.fork", refuse)
    with pytest.raises(ValueError, match="could not be started: try again, or with fewer"):
        epoch_order(8, batch_size=4, num_workers=2)
