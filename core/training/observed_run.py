"""Looks and scores between the steps of a training, the best weights, and how it ended, in its run directory."""

import json
import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch.utils.data import Subset

from core.checkpoint import save_tensors, update_card
from core.evaluation import Samples
from core.machine import machine
from core.stages import Staged
from core.training.datasets import Data
from core.training.events import Ended, Event, Looked, Scored
from core.training.initial_weights import fit_weights, read_weights
from core.training.loop import TrainingError, TrainingStep
from core.training.plan import Plan
from core.training.recipes import SVM_STAGE
from core.training.runs import WEIGHTS, Log, standing
from core.training.svm import Fitted, fit, stand_in
from core.training.team import Team
from core.training.validation import Measuring, looks, measured, spread

LOOKED_AT = 4  # fixed samples
MOST_MEASURED = 50  # validation images a score; the end's is over all
BUSY = 10  # times as long as a look or a score took, the training goes on before the next
SVM_IMAGES, SVM_REGIONS = 150, 200  # at most, and of each: their features are kept in memory


@dataclass
class Due:
    """What is done ``every`` so many seconds of training, the next time ``at``, for at most a tenth of the time."""

    every: float
    at: float

    def done(self, seconds: float, since: float) -> None:
        """Say that it was done now, ``seconds`` into the training, and begun at ``since`` on the clock."""
        self.at = seconds + max(self.every, BUSY * (time.perf_counter() - since))


@dataclass(frozen=True)
class ObservedRun:
    """A training between whose steps its model is looked at and scored, and its best weights are kept.

    ``photos`` are those that it learns from, without augmentation.
    """

    plan: Plan
    out: Path
    data: Data
    model: Staged
    photos: Samples
    device: str
    log: Log

    def events(self, steps: Generator[TrainingStep, None, None], team: Team) -> Iterator[Event]:
        """Yield what ``steps`` yield, with looks and scores between, and write down how it ended."""
        plan = self.plan
        to_look, to_score = Due(plan.look_every, 0.0), Due(plan.score_every, plan.score_every)
        quickest = math.inf  # seconds of a look: the first is slower, with all that a network says before it learns
        last = None
        try:
            for last in steps:
                self.log.step(last)
                yield last
                start = time.perf_counter()
                if last.seconds >= to_look.at:
                    self._stand_in()
                    yield from self._looked(last)
                    to_look.done(last.seconds, start)
                    quickest = min(quickest, time.perf_counter() - start)
                start = time.perf_counter()
                not_before = max(to_score.at, BUSY * quickest * MOST_MEASURED / LOOKED_AT)
                due = last.step % plan.score_steps == 0 if plan.score_steps else last.seconds >= not_before
                if due and self.log.scored < last.step:
                    yield from self._scored(last)
                    to_score.done(last.seconds, start)
                if plan.patience and team.agreed(float(standing(self.log.scores).since >= plan.patience)):
                    break
            if last is None:
                return
            steps.close()  # the state is saved before other weights come in
            if self.log.scored < last.step:
                yield from self._scored(last)
            yield from self._ended(last)
        except GeneratorExit:
            if last:
                if not (self.out / WEIGHTS).exists():
                    self._save()
                self._note(last, "stopped")
        except TrainingError:
            if last:
                self._note(last, "diverged")
            raise

    def _looked(self, last: TrainingStep) -> Iterator[Event]:
        seen = []
        for look in looks(self.model, self.data.validation, LOOKED_AT):
            seen.append(look)
            yield Measuring(len(seen) / LOOKED_AT)
        yield Looked(last.step, last.seconds, tuple(seen))

    def _scored(self, last: TrainingStep) -> Iterator[Event]:
        """Take a score, and keep the weights if there was none better."""
        self._stand_in()
        scores = yield from measured(self.model, self.data.validation, MOST_MEASURED)
        self.log.score(last, scores)
        best = standing(self.log.scores).step == last.step
        if best:
            self._save()
        yield Scored(last.step, last.seconds, scores, best)

    def _ended(self, last: TrainingStep) -> Iterator[Event]:
        """Take the best weights, fit to them what has to be fitted, and measure all."""
        model = self.model
        fit_weights(model, read_weights(self.out / WEIGHTS))
        if isinstance(model, Fitted):
            yield from self._fitted(model, last)
        yield from self._looked(last)
        scores = yield from measured(model, self.data.validation, len(self.data.validation))
        how: Literal["finished", "plateau"] = "plateau"
        if self.plan.schedule.done(last.step, last.seconds) >= 1:
            how = "finished"
        best = standing(self.log.scores).step
        self._note(last, how, best_step=best, scores=scores, scored=len(self.data.validation))
        yield Ended(how, last.step, best, scores, self.out / WEIGHTS)

    def _fitted(self, model: Fitted, last: TrainingStep) -> Iterator[TrainingStep]:
        start = time.perf_counter()
        few: Subset[Any] = Subset(self.photos, spread(len(self.photos), SVM_IMAGES))  # type: ignore[arg-type]
        for part in fit(model.cpu(), few, SVM_REGIONS):
            yield replace(last, done=part, seconds=last.seconds + time.perf_counter() - start, stage=SVM_STAGE)
        model.to(self.device)
        self._save()

    def _stand_in(self) -> None:
        if isinstance(self.model, Fitted):
            stand_in(self.model)

    def _save(self) -> None:
        said = {"model": self.plan.model, "classes": json.dumps(self.model.classes)}
        save_tensors(self.model.state_dict(), self.out / WEIGHTS, **said)

    def _note(self, last: TrainingStep, how: str, **entries: Any) -> None:
        """Write onto the run's card where it stands."""
        update_card(
            "card",
            self.out,
            ended=how,
            steps=last.step,
            minutes=round(last.seconds / 60, 2),
            losses=last.losses,
            machine={"processor": machine(), "torch": torch.__version__},
            **entries,
        )
