"""Run directories: what a training on one's own data leaves on the disk, and how to read it back.

``card.json`` says what was trained on what and how it ended, ``metrics.jsonl`` has a line for every step and every
score, ``state.safetensors`` is where a resumption goes on, ``weights.safetensors`` is the model at its best score,
and TensorBoard opens the event files.
"""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from safetensors import SafetensorError, safe_open
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter

from core.checkpoint import CheckpointError, discard_partial, read_card, write_whole, writing
from core.i18n import _
from core.training.loop import TrainingStep

METRICS = "metrics.jsonl"
STATE = "state.safetensors"
WEIGHTS = "weights.safetensors"
LEAST_GAIN = 1e-3


@dataclass(frozen=True)
class Curve:
    """One figure over a training: its ``values`` after so many ``steps`` and ``seconds`` of training."""

    steps: tuple[int, ...]
    seconds: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Run:
    """A run directory: its ``folder`` and what its ``card`` says."""

    folder: Path
    card: dict[str, Any]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def plan(self) -> dict[str, Any]:
        """What was to be done, as ``core.training.plan.Plan`` has it."""
        return self.card.get("plan", {})

    @property
    def ended(self) -> str | None:
        """How it ended: "finished", "plateau", "stopped" or "diverged"; None where it runs, or was killed."""
        return self.card.get("ended")

    @property
    def weights(self) -> Path:
        """The file of its weights, which is there from the first score on."""
        return self.folder / WEIGHTS

    def curves(self) -> dict[str, Curve]:
        """Return the curves by name: "loss/" each part of the loss, "score/" each score, and "learning rate"."""
        points: dict[str, list[tuple[int, float, float]]] = {}
        for line in read_metrics(self.folder):
            for name, value in _figures(line).items():
                points.setdefault(name, []).append((line["step"], line["seconds"], value))
        return {name: Curve(*zip(*found, strict=True)) for name, found in points.items()}


def runs_in(folder: Path) -> list[Run]:
    """Return the runs in ``folder``, the one begun last first."""
    paths = [path.parent for path in folder.glob("*/card.json")] if folder.is_dir() else []
    runs = [Run(path, read_card("card", path)) for path in paths]
    return sorted(
        (run for run in runs if run.plan), key=lambda run: (run.card.get("begun", ""), run.name), reverse=True
    )


def differences(one: Run, other: Run) -> dict[str, tuple[Any, Any]]:
    """Return what two runs were to do otherwise: the plan's entries, those within entries joined by a dot."""
    left, right = _flat(one.plan), _flat(other.plan)
    names = [*left, *(name for name in right if name not in left)]
    return {name: (left.get(name), right.get(name)) for name in names if left.get(name) != right.get(name)}


def _flat(entries: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in entries.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
    return flat


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a run's metrics; one that is being written, or that a kill has cut short, is left out."""
    try:
        lines = (folder / METRICS).read_text("utf-8").splitlines()
    except OSError:
        return []
    return [line for line in map(_parsed, lines) if line]


def _parsed(line: str) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) and {"step", "seconds"} <= parsed.keys() else {}


def _figures(line: dict[str, Any]) -> dict[str, float]:
    """Name the figures of one line as curves, and TensorBoard's tags, are named."""
    named = {f"{kind}/{name}": value for kind in ("loss", "score") for name, value in line.get(kind, {}).items()}
    return named | {name: line[name] for name in ("learning rate",) if name in line}


def step_of(folder: Path) -> int:
    """Return the step that a run's training state was saved at, 0 where there is none.

    Raises:
        CheckpointError: the state is damaged.
    """
    path = folder / STATE
    if not path.exists():
        return 0
    try:
        with safe_open(path, "pt") as state:
            return int(state.get_tensor("step"))
    except SafetensorError:
        raise CheckpointError(
            _("The training state {file} is damaged: train without --resume.").format(
                file=f"{path.parent.name}/{path.name}"
            )
        ) from None


@dataclass(frozen=True)
class Standing:
    """The ``best`` headline score so far and its ``step``, and how many scores came ``since`` the last real gain."""

    best: float
    step: int
    since: int


def standing(lines: Sequence[dict[str, Any]]) -> Standing:
    """Sum up the ``lines`` of a run's metrics that hold scores; a gain of less than 0.001 is none."""
    best, step, since, bar = -math.inf, 0, 0, -math.inf
    for line in lines:
        headline = next(iter(line["score"].values()))
        if headline > best:
            best, step = headline, line["step"]
        since += 1
        if headline >= bar + LEAST_GAIN:
            bar, since = headline, 0
    return Standing(best, step, since)


@dataclass(frozen=True)
class Log:
    """An open run log: each line goes to ``metrics.jsonl`` and to TensorBoard's event file.

    ``scores`` are the lines that hold scores, those before a resumption included; ``begun`` is the step that it was
    resumed at.
    """

    file: TextIO
    events: SummaryWriter
    scores: list[dict[str, Any]]
    begun: int

    @property
    def scored(self) -> int:
        """The step of the last score, 0 before the first."""
        return self.scores[-1]["step"] if self.scores else 0

    def step(self, step: TrainingStep) -> None:
        """Write what one step says, but for the one that a finished training gives again."""
        if step.step > self.begun:
            self._write(step, {"learning rate": step.learning_rate, "loss": step.losses})

    def score(self, step: TrainingStep, scores: dict[str, float]) -> None:
        """Write the ``scores`` after ``step``."""
        self.scores.append(self._write(step, {"score": scores}))

    def _write(self, step: TrainingStep, entries: dict[str, Any]) -> dict[str, Any]:
        line = {"step": step.step, "seconds": round(step.seconds, 3)} | entries
        with writing(Path(METRICS)):
            self.file.write(json.dumps(line) + "\n")
            # SummaryWriter.add_scalar would write an event for each value, which takes three times as long.
            values = [Summary.Value(tag=name, simple_value=value) for name, value in _figures(line).items()]
            self.events.file_writer.add_summary(Summary(value=values), step.step)  # type: ignore[attr-defined]
        return line


@contextmanager
def opened_log(folder: Path) -> Iterator[Log]:
    """Open the log of the run in ``folder`` behind the step that its state was saved at; later lines are dropped.

    A training that was killed has said more than its last state knows, and says it again when it is resumed.

    Raises:
        CheckpointError: the log, or a line of it, cannot be written.
    """
    last = step_of(folder)
    lines = [line for line in read_metrics(folder) if line["step"] <= last]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    for name in (WEIGHTS, METRICS, "card.json"):
        discard_partial(folder / name)
    write_whole(folder / METRICS, lambda beside: beside.write_text(text, "utf-8"))
    with (folder / METRICS).open("a", buffering=1, encoding="utf-8") as file:
        with writing(folder / METRICS):
            events = SummaryWriter(str(folder), purge_step=last + 1)
        try:
            yield Log(file, events, [line for line in lines if "score" in line], last)
        finally:
            with writing(folder / METRICS):
                events.close()
