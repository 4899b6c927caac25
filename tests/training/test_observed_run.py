"""Looks and scores between the steps of a training, and how it ends."""

from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from core.checkpoint import read_card
from core.training import observed_run
from core.training.batches import NONE
from core.training.events import Ended, Event, Scored
from core.training.loop import TrainingStep
from core.training.observed_run import BUSY, Due
from core.training.plan import plan_for
from core.training.runs import Run, read_metrics, runs_in
from core.training.tuning import tune
from core.training.validation import Measuring
from tests.training.small_runs import of, plan

pytestmark = pytest.mark.slow

SVMS = "SVMs and box regressions"


def test_a_training_ends_early_on_a_plateau(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.1, 0.3, 0.3004, 0.2, 0.9, 0.9])

    def measured(*_arguments: object) -> Generator[Measuring, None, dict[str, float]]:
        yield Measuring(1.0)
        return {"map50": next(scores)}

    monkeypatch.setattr(observed_run, "measured", measured)
    settings = plan(folder, steps=50, score_steps=1, patience=2, augmentation=NONE)
    events = list(tune(settings, tmp_path / "run"))
    assert [one.best for one in of(Scored, events)] == [True, True, True, False]
    [ended] = of(Ended, events)
    assert (ended.how, ended.step, ended.best_step) == ("plateau", 4, 3)
    assert runs_in(tmp_path)[0].ended == "plateau"
    assert int(load_file(tmp_path / "run" / "state.safetensors")["step"]) == 4
    again = list(tune(settings, tmp_path / "run", resume=True))
    assert [step.step for step in of(TrainingStep, again)] == [4], "there is nothing more to gain"
    assert of(Ended, again)[0].how == "plateau"


def test_scores_and_looks_take_a_part_of_the_time_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observed_run, "time", SimpleNamespace(perf_counter=lambda: 102.0))
    due = Due(3.0, 0.0)
    due.done(50.0, since=101.9)
    assert due.at == 53
    due.done(50.0, since=100.0)
    assert due.at == 50 + 2 * BUSY


def test_svms_follow_the_fine_tuning_and_its_softmax_stands_in_for_them(folder: Path, tmp_path: Path) -> None:
    settings = plan_for("sppnet", str(folder / "voc"), steps=2, batch_size=2, score_steps=1)
    out = tmp_path / "run"
    events: list[Event] = []
    softmax = None
    for event in (training := tune(settings, out)):
        events.append(event)
        if isinstance(event, Scored):
            softmax = load_file(out / "weights.safetensors")
        if isinstance(event, TrainingStep) and event.stage == SVMS and event.done > 0.9:
            training.close()
    assert softmax is not None
    assert torch.equal(softmax["svms.svm"][:, :-1], softmax["score.weight"][1:] - softmax["score.weight"][:1])
    assert not softmax["svms.ridge"].any(), "boxes stay where they were proposed"
    assert Run(out, read_card("card", out)).ended == "stopped"
    rest = list(tune(settings, out, resume=True))
    gradient, *fitted = of(TrainingStep, rest)
    assert (gradient.step, gradient.stage) == (2, "gradient steps") and not of(Scored, rest)
    assert [step.done for step in fitted] == sorted(step.done for step in fitted) and fitted[-1].done == 1
    assert [line["step"] for line in read_metrics(out) if "score" in line] == [1, 2]
    resumed = load_file(out / "weights.safetensors")
    assert resumed["svms.ridge"].any()
    list(tune(settings, tmp_path / "whole"))
    for name, values in load_file(tmp_path / "whole" / "weights.safetensors").items():
        assert torch.equal(resumed[name], values), name
