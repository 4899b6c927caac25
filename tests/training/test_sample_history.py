"""What is kept of the fixed samples: small, of every kind of model, and readable whatever happens to a file."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.training import sample_history
from core.training.events import Looked
from core.training.sample_history import MOST_BOXES, keep, read_looks, shown
from core.training.validation import Look
from core.values import ClassScores, Detections, Instances, LabelMap, Regions, Value

TRUTH = {
    "boxes": torch.tensor([[100.0, 0.0, 640.0, 320.0]]),
    "labels": torch.tensor([2]),
    "masks": torch.ones(1, 480, 640, dtype=torch.bool),
}


def looked(made: Value, step: int = 1, truth: dict[str, Tensor] = TRUTH) -> Looked:
    return Looked(step, 0.5 * step, (Look(torch.zeros(3, 480, 640, dtype=torch.uint8), truth, made),))


def detections(count: int, **others: Any) -> Any:
    kind = Instances if others else Detections
    scores = torch.linspace(0.05, 1, count)
    return kind(torch.full((count, 4), 64.0), scores, torch.ones(count, dtype=torch.int64), **others)


def test_pictures_and_boxes_are_made_small_together() -> None:
    kept = shown(looked(detections(30)))
    [sample], [look] = kept.samples, kept.looks
    assert sample["image"].shape == (3, 240, 320)
    assert sample["boxes"].tolist() == [[50, 0, 320, 160]] and sample["labels"].tolist() == [2]
    [made] = look.made
    assert len(made["boxes"]) == MOST_BOXES and made["boxes"][0].tolist() == [32] * 4
    assert made["scores"].tolist() == sorted(made["scores"].tolist(), reverse=True) and made["scores"][0] == 1
    assert "map" not in sample, "a detector is not judged by masks"


def test_label_maps_instances_and_classes_are_kept_with_their_truth() -> None:
    labels = torch.zeros(480, 640, dtype=torch.int64)
    labels[:, 320:] = 3
    kept = shown(looked(LabelMap(labels)))
    assert kept.looks[0].made[0]["map"].dtype == torch.uint8 and kept.looks[0].made[0]["map"].shape == (240, 320)
    assert kept.looks[0].made[0]["map"][0].unique().tolist() == [0, 3]
    assert (kept.samples[0]["map"] == 2).all() and "boxes" not in kept.samples[0]
    masks = torch.zeros(2, 480, 640, dtype=torch.bool)
    masks[1, :100] = True
    kept = shown(looked(detections(2, masks=masks)))
    assert kept.looks[0].made[0]["map"][:40].eq(1).all() and len(kept.looks[0].made[0]["boxes"]) == 1
    assert {"map", "boxes"} <= kept.samples[0].keys()
    kept = shown(looked(ClassScores(torch.tensor([0.0, 1.0])), truth={"label": torch.tensor(1)}))
    assert kept.looks[0].made[0]["classes"].sum() == pytest.approx(1) and int(kept.samples[0]["label"]) == 1


def test_what_nobody_can_show_is_no_look() -> None:
    with pytest.raises(TypeError, match="nothing is shown of Regions"):
        shown(looked(Regions(torch.zeros(0, 4))))


def test_looks_are_read_back_in_order_and_thinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_history, "MOST_LOOKS", 6)
    for step in range(1, 20):
        keep(looked(detections(3), step), tmp_path)
    kept = read_looks(tmp_path)
    steps = [look.step for look in kept.looks]
    assert steps == sorted(steps) and steps[0] == 1 and steps[-1] == 19 and 3 <= len(steps) <= 6
    assert kept.looks[-1].seconds == 9.5 and kept.looks[-1].made[0]["labels"].tolist() == [1, 1]
    assert kept.samples[0]["image"].shape == (3, 240, 320)


def test_a_damaged_look_is_left_out(tmp_path: Path) -> None:
    assert read_looks(tmp_path).looks == ()
    for step in (1, 2, 3):
        keep(looked(detections(3), step), tmp_path)
    whole = (tmp_path / "looks" / "000000002.npz").read_bytes()
    for damage in (b"", b"PK\x03\x04", whole[:200], whole[:-30], b"\x80\x04K\x01."):
        (tmp_path / "looks" / "000000002.npz").write_bytes(damage)
        assert [look.step for look in read_looks(tmp_path).looks] == [1, 3]
