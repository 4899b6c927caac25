"""The training loop: it learns, stops and goes on as if it had not stopped, and follows its schedule."""

import math
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from core.checkpoint import CheckpointError
from core.training import loop
from core.training.loop import LARGEST_GRADIENT, Batch, Schedule, TrainingStep, train

pytestmark = pytest.mark.slow

SCHEDULE = Schedule(steps=12, learning_rate=1e-2, warmup=3, save_every=4)


class Tiny(nn.Module):
    """Everything that a training's state has to hold: weights, running averages, random dropout, a frozen part."""

    def __init__(self, seed: int = 0, factor: float = 1.0):
        super().__init__()
        torch.manual_seed(seed)
        self.factor = factor
        self.convolve = nn.Conv2d(3, 6, 4, stride=4)
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.2)
        self.classify = nn.Linear(6, 3)
        self.frozen = nn.Linear(3, 3)
        self.frozen.requires_grad_(False)
        self.seen: list[torch.dtype] = []

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        maps = self.convolve(images / 255)
        self.seen.append(maps.dtype)
        hidden = self.drop(functional.relu(self.norm(maps)).amax((2, 3)))
        scores = self.frozen(self.classify(hidden)).float()
        labels = torch.cat([target["labels"] for target in targets])
        return {
            "classification": self.factor * functional.cross_entropy(scores, labels),
            "size": self.factor * 1e-3 * scores.square().mean(),
        }


def batch(step: int) -> Batch:
    """Eight noisy pictures, each of one of three colours."""
    rng = torch.Generator().manual_seed(step)
    labels = torch.randint(0, 3, (8,), generator=rng)
    images = torch.randint(0, 120, (8, 3, 16, 16), generator=rng)
    images[torch.arange(8), labels] += 100
    return images.to(torch.uint8), [{"labels": label[None]} for label in labels]


def losses(steps: list[TrainingStep]) -> list[dict[str, float]]:
    return [step.losses for step in steps]


def kept(state: Path) -> dict[str, list[float]]:
    """What the file ``state`` holds, bit by bit, but the time that it took."""
    return {name: values.double().flatten().tolist() for name, values in load_file(state).items() if name != "seconds"}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[TrainingStep], Path]:
    state = tmp_path_factory.mktemp("unbroken") / "state.safetensors"
    return list(train(Tiny(), batch, SCHEDULE, state)), state


def test_training_learns(tmp_path: Path) -> None:
    model = Tiny()
    steps = list(train(model, batch, replace(SCHEDULE, steps=300), tmp_path / "state.safetensors"))
    before, after = (sum(step.losses["classification"] for step in part) / 5 for part in (steps[:5], steps[-5:]))
    assert after < before / 2
    model.eval()
    images, targets = batch(1000)
    assert model.losses(images, targets)["classification"] < before / 2, "only the training batches were learnt"


def test_steps_say_how_far_the_training_is(unbroken: tuple[list[TrainingStep], Path]) -> None:
    steps, state = unbroken
    assert [step.step for step in steps] == list(range(1, 13))
    assert [step.done for step in steps] == [number / 12 for number in range(1, 13)]
    assert all(set(step.losses) == {"classification", "size"} for step in steps)
    assert [step.learning_rate for step in steps] == [SCHEDULE.rate(number, 0) for number in range(12)]
    seconds = [step.seconds for step in steps]
    assert seconds == sorted(seconds) and seconds[0] > 0
    assert kept(state)["step"] == [12]


def test_convolutions_run_in_bfloat16_and_losses_are_float32(tmp_path: Path) -> None:
    model = Tiny()
    list(train(model, batch, replace(SCHEDULE, steps=1), tmp_path / "state.safetensors"))
    assert model.seen == [torch.bfloat16]


@pytest.mark.parametrize("stops", [(5,), (1, 4, 11)])
def test_resumed_training_gives_the_same_losses_and_weights_as_an_unbroken_one(
    stops: tuple[int, ...], unbroken: tuple[list[TrainingStep], Path], tmp_path: Path
) -> None:
    steps, expected = unbroken
    state = tmp_path / "state.safetensors"
    found: list[TrainingStep] = []
    for number, stop in enumerate((*stops, 12)):
        training = train(Tiny(seed=number), batch, SCHEDULE, state, resume=True)
        while len(found) < stop:
            found.append(next(training))
        training.close()
        assert kept(state)["step"] == [stop]
    assert losses(found) == losses(steps)
    assert [step.learning_rate for step in found] == [step.learning_rate for step in steps]
    assert kept(state) == kept(expected)


def test_a_killed_training_goes_on_from_its_last_checkpoint(
    unbroken: tuple[list[TrainingStep], Path], tmp_path: Path
) -> None:
    steps, expected = unbroken
    state, survived = tmp_path / "state.safetensors", tmp_path / "survived.safetensors"
    training = train(Tiny(), batch, SCHEDULE, state)
    for _step in range(6):
        next(training)
    shutil.copy(state, survived)  # what a process that is killed here leaves behind
    assert kept(survived)["step"] == [4]
    rest = list(train(Tiny(seed=1), batch, SCHEDULE, survived, resume=True))
    assert losses(rest) == losses(steps[4:])
    assert kept(survived) == kept(expected)


@pytest.mark.parametrize("moment", ["forward", "update"])
def test_ctrl_c_within_a_step_leaves_nothing_of_that_step_behind(
    moment: str, unbroken: tuple[list[TrainingStep], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, expected = unbroken
    state = tmp_path / "state.safetensors"
    owner: type
    owner, name = (Tiny, "losses") if moment == "forward" else (torch.optim.AdamW, "step")
    whole, calls = getattr(owner, name), []

    def interrupted(*arguments: object, **options: object) -> object:
        done = whole(*arguments, **options)
        calls.append(done)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return done

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(train(Tiny(), batch, SCHEDULE, state))
    rest = list(train(Tiny(seed=1), batch, SCHEDULE, state, resume=True))
    assert losses(rest) == losses(steps[len(steps) - len(rest) :])
    assert kept(state) == kept(expected)


def test_a_finished_training_that_is_resumed_gives_its_last_step_again(
    unbroken: tuple[list[TrainingStep], Path], tmp_path: Path
) -> None:
    steps, expected = unbroken
    state = tmp_path / "state.safetensors"
    shutil.copy(expected, state)
    model = Tiny(seed=1)
    [again] = train(model, batch, SCHEDULE, state, resume=True)
    assert again == steps[-1]
    assert model.classify.weight.flatten().tolist() == kept(expected)["model.classify.weight"]


def test_only_resume_reads_the_state(unbroken: tuple[list[TrainingStep], Path], tmp_path: Path) -> None:
    steps, expected = unbroken
    state = tmp_path / "state.safetensors"
    shutil.copy(expected, state)
    training = train(Tiny(), batch, SCHEDULE, state)
    assert next(training).losses == steps[0].losses
    fresh = train(Tiny(), batch, SCHEDULE, tmp_path / "none.safetensors", resume=True)
    assert next(fresh).losses == steps[0].losses


def test_another_seed_trains_otherwise(unbroken: tuple[list[TrainingStep], Path], tmp_path: Path) -> None:
    other = next(train(Tiny(), batch, SCHEDULE, tmp_path / "state.safetensors", seed=1))
    assert other.losses != unbroken[0][0].losses, "dropout does not follow the seed"


def test_frozen_weights_stay(tmp_path: Path) -> None:
    model = Tiny()
    before = {name: values.clone() for name, values in model.state_dict().items()}
    list(train(model, batch, SCHEDULE, tmp_path / "state.safetensors"))
    changed = {name for name, values in model.state_dict().items() if not torch.equal(values, before[name])}
    assert not changed & {"frozen.weight", "frozen.bias"}
    assert {"convolve.weight", "norm.running_mean", "classify.bias"} <= changed


@pytest.mark.parametrize("factor", [1.0, 1e4])
def test_gradients_are_cut_at_a_norm(factor: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    norms = []
    update = torch.optim.AdamW.step

    def watched(optimizer: torch.optim.AdamW) -> None:
        gradients = [weights.grad for group in optimizer.param_groups for weights in group["params"]]
        norms.append(float(torch.cat([gradient.flatten() for gradient in gradients if gradient is not None]).norm()))
        update(optimizer)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    list(train(Tiny(factor=factor), batch, replace(SCHEDULE, steps=3), tmp_path / "state.safetensors"))
    if factor == 1:
        assert max(norms) < LARGEST_GRADIENT / 2, "harmless gradients were scaled"
    else:
        assert norms == pytest.approx([LARGEST_GRADIENT] * 3, rel=1e-4)


def test_a_step_without_a_finite_gradient_changes_no_weight(tmp_path: Path) -> None:
    """Such as that of a mean over no object at all: the next batch has some."""
    model = Tiny(factor=math.nan)
    before = {name: values.clone() for name, values in model.named_parameters()}
    [step] = train(model, batch, replace(SCHEDULE, steps=1), tmp_path / "state.safetensors")
    assert math.isnan(step.losses["classification"])
    assert all(torch.equal(values, before[name]) for name, values in model.named_parameters())


@pytest.mark.parametrize("minutes", [2.0, 2.03, 2.07])
def test_minutes_end_the_training_with_the_whole_cosine_in_them(
    minutes: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(10_000))
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: 2.0 * next(ticks)))
    schedule = replace(SCHEDULE, steps=100_000, minutes=minutes, warmup=1)
    steps = list(train(Tiny(), batch, schedule, tmp_path / "state.safetensors"))
    assert len(steps) == pytest.approx(60 * minutes / 4, abs=2), "two looks at a clock of 2 s make a step of 4 s"
    assert steps[-2].done < 1
    rates = [step.learning_rate for step in steps]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > 0.98 * schedule.learning_rate and rates[-1] < 0.02 * schedule.learning_rate


def test_seconds_go_on_where_a_resumed_training_had_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(10_000))
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: 1000.0 + next(ticks)))
    state = tmp_path / "state.safetensors"
    first = list(train(Tiny(), batch, replace(SCHEDULE, steps=2), state))
    second = list(train(Tiny(), batch, replace(SCHEDULE, steps=4), state, resume=True))
    gap = first[1].seconds - first[0].seconds
    assert second[0].step == 3
    assert second[0].seconds - first[1].seconds == pytest.approx(gap, abs=gap)


def test_the_clock_stands_still_while_the_caller_holds_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    model = Tiny()
    update = torch.optim.AdamW.step

    def slow(optimizer: torch.optim.AdamW) -> None:
        now[0] += 1
        update(optimizer)

    monkeypatch.setattr(torch.optim.AdamW, "step", slow)
    training = train(model, batch, replace(SCHEDULE, steps=3), tmp_path / "state.safetensors")
    seconds = []
    for step in training:
        seconds.append(step.seconds)
        now[0] += 3600  # a pause, and a look at the model
        model.eval()
    assert seconds == [1, 2, 3]


def test_a_caller_may_look_at_the_model_between_two_steps(
    unbroken: tuple[list[TrainingStep], Path], tmp_path: Path
) -> None:
    model = Tiny()
    found = []
    for step in train(model, batch, SCHEDULE, tmp_path / "state.safetensors"):
        found.append(step)
        model.eval()
        model.losses(*batch(1000))
    assert losses(found) == losses(unbroken[0])


def test_a_state_of_another_model_is_a_sentence(unbroken: tuple[list[TrainingStep], Path], tmp_path: Path) -> None:
    state = tmp_path / "state.safetensors"
    shutil.copy(unbroken[1], state)
    with pytest.raises(CheckpointError, match="that of another model: train without --resume"):
        next(train(nn.Linear(1, 1), batch, SCHEDULE, state, resume=True))


def test_rate_rises_in_the_warmup_and_falls_along_a_cosine() -> None:
    schedule = Schedule(steps=1000, learning_rate=0.4, warmup=10)
    assert schedule.rate(0, 0) == pytest.approx(0.4 / 10)
    assert schedule.rate(4, 0) == pytest.approx(0.4 / 2, rel=1e-3)
    assert schedule.rate(250, 0) == pytest.approx(0.4 * (1 + math.sqrt(0.5)) / 2)
    assert schedule.rate(500, 0) == pytest.approx(0.2)
    assert schedule.rate(1000, 0) == pytest.approx(0, abs=1e-12)


def test_cosine_begins_again_in_every_cycle() -> None:
    one, two = (Schedule(steps=1000, learning_rate=0.4, warmup=1, cycles=cycles) for cycles in (1, 2))
    for step in (0, 100, 499):
        assert two.rate(step, 0) == two.rate(step + 500, 0) == pytest.approx(one.rate(2 * step, 0))
    assert two.rate(1000, 0) == pytest.approx(0, abs=1e-12), "the end is the end of a cycle, not a beginning"
    late = replace(two, minutes=10)
    assert late.rate(10, 601) == pytest.approx(0, abs=1e-12)


def test_done_is_by_steps_or_minutes_whichever_is_further() -> None:
    schedule = Schedule(steps=100, learning_rate=1, minutes=10)
    assert schedule.done(50, 60) == 0.5
    assert schedule.done(5, 6 * 60) == pytest.approx(0.6)
    assert schedule.rate(5, 5 * 60) == pytest.approx(6 / 100 / 2), "the cosine follows the clock"
    assert Schedule(steps=100, learning_rate=1).done(50, 1e9) == 0.5, "without minutes time plays no part"


def test_a_damaged_state_is_a_sentence(tmp_path: Path) -> None:
    state = tmp_path / "state.safetensors"
    state.write_bytes(b"half a file")
    with pytest.raises(CheckpointError, match="is damaged: train without --resume"):
        next(train(nn.Linear(1, 1), lambda _step: pytest.fail("trained"), Schedule(1, 1e-3), state, resume=True))
