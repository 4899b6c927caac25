"""Transfer learning: what is frozen stays, kept features change nothing, and each way is what it says it is."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional

from core.classifier import Classifier
from core.pretrained import PRETRAINED, trained
from core.transfer import ways
from core.transfer.tasks import Task
from core.transfer.ways import (
    WAYS,
    Drift,
    Learnt,
    Look,
    Opened,
    Plan,
    begun,
    drift,
    features,
    layers,
    learn,
    shifted,
    study,
)

pytestmark = pytest.mark.slow

CLASSES = ("dark", "light", "striped")


def pictures(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images of three kinds that anybody can tell apart, ``count`` of each."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randint(-20, 20, (3 * count, 3, 32, 32), generator=generator)
    images = torch.full((3 * count, 3, 32, 32), 60) + noise
    images[count:] += 120
    images[2 * count :, :, ::8] = 0
    return images.to(torch.uint8), torch.arange(3).repeat_interleave(count)


@pytest.fixture(scope="module")
def task() -> Task:
    return Task(CLASSES, *pictures(20, 0), *pictures(5, 1))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRETRAINED, "slim", replace(PRETRAINED["slim"], side=32))


def weights_after(plan: Plan, task: Task, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Tensor], Classifier]:
    """Learn by ``plan``; return the weights in the end, and the network."""
    made: list[Classifier] = []

    def watched(*args: Any) -> Classifier:
        made.append(begun(*args))
        return made[-1]

    monkeypatch.setattr(ways, "begun", watched)
    for _event in learn(plan, task):
        pass
    return {name: values.clone() for name, values in made[0].state_dict().items()}, made[0]


def test_kept_features_give_the_weights_that_the_way_through_the_frozen_trunk_gives(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan("head", 20, steps=40)
    kept, _model = weights_after(plan, task, monkeypatch)
    monkeypatch.setattr(Plan, "cached", False)
    through, _model = weights_after(plan, task, monkeypatch)
    assert kept.keys() == through.keys()
    for name in kept:
        torch.testing.assert_close(kept[name], through[name], atol=1e-4, rtol=1e-4, msg=name)
    fresh = begun(plan, CLASSES).state_dict()
    assert not torch.allclose(kept["head.weight"], fresh["head.weight"], atol=0.01), "nothing was learnt"


def test_a_frozen_trunk_gets_no_gradient_and_keeps_weights_and_statistics(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Plan, "cached", False)
    after, model = weights_after(Plan("head", 20, steps=5), task, monkeypatch)
    assert all(parameter.grad is None for parameter in model.trunk.parameters())
    assert all(parameter.grad is not None for parameter in model.head.parameters())
    for name, values in trained("slim").state_dict().items():
        assert torch.equal(after[f"trunk.{name}"], values), name


def test_batch_statistics_of_a_frozen_mobilenet_stay_too(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRETRAINED, "mobilenet_v3_small", replace(PRETRAINED["mobilenet_v3_small"], side=32))
    torch.manual_seed(0)
    weights = PRETRAINED["mobilenet_v3_small"].build().state_dict()
    monkeypatch.setattr(ways, "_trained", lambda name: weights)
    plan = Plan("head", 5, trunk="mobilenet_v3_small", steps=2, shifted=True)
    after, _model = weights_after(plan, task, monkeypatch)
    assert all(torch.equal(after[f"trunk.{name}"], values) for name, values in weights.items())


@pytest.mark.parametrize("way", ["everything", "scratch"])
def test_everything_learns_where_nothing_is_frozen(way: Any, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(way, 20, steps=3)
    before = begun(plan, CLASSES).state_dict()
    after, _model = weights_after(plan, task, monkeypatch)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == set(before), "weights, and the statistics of batch normalisation"


def test_ways_start_where_they_say() -> None:
    ours = trained("slim").state_dict()["0.weight"]
    starts = {way: begun(Plan(way), CLASSES).state_dict() for way in WAYS}
    for way, same in (("head", True), ("everything", True), ("scratch", False)):
        assert torch.equal(starts[way]["trunk.0.weight"], ours) == same  # type: ignore[index]


def test_old_trunk_and_new_layer_have_rates_of_their_own(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[dict[float, int]] = []

    class Watched(torch.optim.AdamW):
        def __init__(self, groups: list[dict[str, Any]], **others: Any):
            super().__init__(groups, **others)
            counts.append({group["lr"]: len(group["params"]) for group in self.param_groups})

    monkeypatch.setattr(torch.optim, "AdamW", Watched)
    plan = Plan("everything", 5, steps=1, head_rate=0.5, trunk_rate=0.25, scratch_rate=0.125)
    for way in WAYS:
        next(learn(replace(plan, way=way), task))
    assert dict(zip(WAYS, counts, strict=True)) == {
        "head": {0.5: 2},
        "everything": {0.5: 2, 0.25: 15},
        "scratch": {0.125: 17},
    }


def test_the_last_layer_finds_what_logistic_regression_finds(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan("head", 20, steps=400)
    after, model = weights_after(plan, task, monkeypatch)
    images, labels = task.drawn(20, 0)
    known, asked = features(model, images), features(model, task.validation_images)
    peer = LogisticRegression(C=1e3, max_iter=2000).fit(known, labels)
    ours = functional.linear(asked, after["head.weight"], after["head.bias"]).argmax(1)
    assert (ours == torch.from_numpy(peer.predict(asked))).all()
    assert (ours == task.validation_labels).float().mean() > 0.9
    slope = functional.linear(known, after["head.weight"], after["head.bias"])
    assert functional.cross_entropy(slope, labels) < 0.05


@pytest.mark.parametrize("way", WAYS)
def test_the_same_seed_gives_the_same_and_another_another(way: Any, task: Task) -> None:
    def outcome(seed: int) -> tuple[Any, ...]:
        *_looks, learnt = learn(Plan(way, 3, seed, steps=12), task)
        assert isinstance(learnt, Learnt)
        return learnt.looks[-1].loss, learnt.certainties

    assert outcome(1) == outcome(1)
    assert outcome(1) != outcome(2)


def test_looks_come_on_the_way_and_the_result_is_the_last_of_them(task: Task) -> None:
    *looks, learnt = learn(Plan("everything", 5, steps=20), task)
    assert isinstance(learnt, Learnt) and learnt.looks == tuple(looks)
    assert [look.step for look in learnt.looks] == list(range(2, 21, 2))
    answers = torch.tensor(learnt.answers)
    assert learnt.accuracy == pytest.approx(float((answers == task.validation_labels).float().mean()))
    assert learnt.images == 15 and len(learnt.answers) == len(learnt.certainties) == 15
    assert learnt.timing.epoch > 0 and learnt.timing.once is None and learnt.timing.through is None
    assert all(1 / 3 <= sure <= 1 for sure in learnt.certainties)


def test_a_look_changes_nothing(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan("everything", 5, steps=6)
    monkeypatch.setattr(ways, "LOOKS", 1)
    seldom, _model = weights_after(plan, task, monkeypatch)
    monkeypatch.setattr(ways, "LOOKS", 6)
    often, _model = weights_after(plan, task, monkeypatch)
    assert all(torch.equal(seldom[name], often[name]) for name in seldom)


def test_features_are_kept_only_where_they_stay_the_same(task: Task) -> None:
    cached = {(way, moved): Plan(way, shifted=moved).cached for way in WAYS for moved in (False, True)}
    assert [key for key, kept in cached.items() if kept] == [("head", False)]
    *_looks, learnt = learn(Plan("head", 5, steps=4), task)
    assert isinstance(learnt, Learnt) and learnt.timing.once and learnt.timing.through
    *_looks, moving = learn(Plan("head", 5, steps=4, shifted=True), task)
    assert isinstance(moving, Learnt) and moving.timing.once is None and moving.timing.through is None


def test_what_moves_features_is_measured(task: Task) -> None:
    found = drift(task, Plan("head", 20))
    assert found.again == 0
    assert found.statistics and min(found.statistics, found.shifted, found.learning) > 0.001
    model = begun(Plan("head"), CLASSES)
    before = features(model, task.images)
    running = deepcopy(model)
    running.trunk.train()
    assert (features(running, task.images) - before).abs().max() > 1e-3, "the statistics of the batch"
    assert torch.equal(features(model, task.images), before)


def test_shifted_images_are_moved_by_whole_pixels_and_no_two_draws_alike() -> None:
    images = torch.arange(2 * 3 * 16 * 16).remainder(251).reshape(2, 3, 16, 16).to(torch.uint8)
    generator = torch.Generator().manual_seed(0)
    moved = [shifted(images, generator) for _draw in range(20)]
    assert all(one.shape == images.shape and one.dtype == torch.uint8 for one in moved)
    inner = images[0, :, 4:-4, 4:-4]
    for one in moved:
        places = [(y, x) for y in range(9) for x in range(9) if torch.equal(one[0, :, y : y + 8, x : x + 8], inner)]
        assert len(places) == 1
    assert len({one.numpy().tobytes() for one in moved}) > 10


def test_a_study_opens_learns_and_measures(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "open_task", lambda data, side: task)
    plans = [Plan(way, 3, steps=2) for way in WAYS]
    events = list(study("digits", plans))
    kinds = [type(event) for event in events]
    assert kinds == [Opened, Look, Look, Learnt, Drift, Look, Look, Learnt, Look, Look, Learnt]
    opened = events[0]
    assert isinstance(opened, Opened)
    assert opened.classes == CLASSES and opened.available == (20, 20, 20)
    assert torch.equal(opened.pictures, task.validation_images[list(opened.fixed)])
    assert [opened.truth[index] for index in opened.fixed[:6]] == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("trunk", PRETRAINED)
def test_layers_are_the_networks_with_what_is_frozen(trunk: Any) -> None:
    network = Classifier([str(index) for index in range(7)], trunk)
    every = sum(parameter.numel() for parameter in network.parameters())
    head = sum(parameter.numel() for parameter in network.head.parameters())
    for way in WAYS:
        found = layers(trunk, way, 7)
        assert sum(layer.parameters for layer in found) == every
        assert sum(layer.parameters for layer in found if not layer.frozen) == (head if way == "head" else every)
        assert all(layer.new == (way == "scratch") for layer in found[:-1])
        assert found[-1].new and not found[-1].frozen and found[-1].channels == 7
        assert found[-2].channels == PRETRAINED[trunk].build().channels
