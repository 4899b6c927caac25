"""What the training page shows, ready for JSON: curves that grow, fixed samples over time, runs compared, weights."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.faults import UserError
from core.figures.palette import class_colour
from core.figures.segmentation import BACKGROUND, squeezed
from core.figures.sent.training import BestScore, CurveLine, Curves, Looks, ShownAnswer, StateDict, TensorSummary
from core.figures.transport import data_url, rounded
from core.i18n import _
from core.training.plan import Plan
from core.training.runs import Curve, Run, differences, standing
from core.training.sample_history import Kept, Shown

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C8C8C")
MOST_POINTS = 150  # of a curve; where there are more, a point is the mean of several
COMING = 60  # points of the learning rate to come
GUESSED_PACE = 0.1  # seconds a step, before the first
BINS = 41
MOST_TENSORS = 3000
LOSS, SCORE, RATE = "loss/", "score/", "learning rate"


class WeightsError(UserError):
    """Weights cannot be shown; the message is a sentence."""


# ---- curves ----


def run_data(curves: Mapping[str, Curve], plan: Plan, goes_on: bool) -> Curves:
    """Return the charts of one run by its ``curves``: its loss parts, its scores, and its learning rate.

    A line has ``values`` after so many ``steps`` and ``seconds``, None where a number is not finite; one that is
    ``coming`` is the schedule's future, which there is if the run ``goes_on``. ``best`` marks the best headline score,
    and ``every`` says of how many steps a point of the losses is the mean.
    """
    losses, scores = _named(curves, LOSS), _named(curves, SCORE)
    rate = curves.get(RATE)
    lines = [_line(name, curve, COLOURS[index % len(COLOURS)]) for index, (name, curve) in enumerate(losses.items())]
    rates = [_line("rate", rate, COLOURS[0])] if rate else []
    if goes_on:
        rates.append({**_line("rate", coming_rates(plan, rate), COLOURS[0]), "coming": True})
    drawn = [_line(name, curve, COLOURS[index]) for index, (name, curve) in enumerate(scores.items())]
    if drawn:
        drawn[0]["best"] = _best(next(iter(scores.values())))
    return {
        "charts": [
            {"name": "loss", "log": True, "lines": lines},
            {"name": "score", "most": 1, "lines": drawn},
            {"name": "rate", "lines": rates},
        ],
        "every": math.ceil(len(rate.steps) / MOST_POINTS) if rate else 1,
        "axis": "steps" if plan.steps and not plan.minutes else "seconds",
        "strange": sum(
            not all(map(math.isfinite, at)) for at in zip(*(c.values for c in losses.values()), strict=True)
        ),
    }


def coming_rates(plan: Plan, past: Curve | None = None) -> Curve:
    """Return the learning rates from the end of ``past`` to the end of ``plan``, at the pace so far."""
    step, seconds = (past.steps[-1], past.seconds[-1]) if past else (0, 0.0)
    schedule, pace = plan.schedule, seconds / step if step else GUESSED_PACE
    end = max(seconds, min(60 * schedule.minutes, seconds + (schedule.steps - step) * pace))
    times = np.linspace(seconds, end, COMING)
    steps = step + (times - seconds) / max(pace, 1e-9)
    rates = [schedule.rate(int(at), float(time)) for at, time in zip(steps, times, strict=True)]
    return Curve(tuple(map(int, steps)), tuple(map(float, times)), tuple(rates))


def compared_data(runs: Mapping[str, Run]) -> Curves:
    """Return the charts of several ``runs``, by their titles, over each other: the sum of the loss, and the score."""
    losses: list[CurveLine] = []
    scores: list[CurveLine] = []
    for index, (title, run) in enumerate(runs.items()):
        curves, colour = run.curves(), COLOURS[index % len(COLOURS)]
        parts = list(_named(curves, LOSS).values())
        if parts:
            total = tuple(map(math.fsum, zip(*(part.values for part in parts), strict=True)))
            losses.append(_line(title, Curve(parts[0].steps, parts[0].seconds, total), colour))
        for headline in list(_named(curves, SCORE).values())[:1]:
            scores.append({**_line(title, headline, colour), "best": _best(headline)})
    return {
        "charts": [{"name": "loss", "log": True, "lines": losses}, {"name": "score", "most": 1, "lines": scores}],
        "every": 1,
        "axis": "seconds",
        "strange": 0,
    }


def compared_settings(runs: Mapping[str, Run], titles: Mapping[str, Mapping[str, str]]) -> list[dict[str, str]]:
    """Return what was asked otherwise of ``runs``: a row a setting, with the value of each run by its title.

    ``titles`` has, by run, names for settings that are paths.
    """
    asked = {title: Run(run.folder, {"plan": {**run.card["asked"], **titles[title]}}) for title, run in runs.items()}
    first = next(iter(asked.values()))
    names = dict.fromkeys(name for other in asked.values() for name in differences(first, other))
    return [{"setting": name, **{title: _setting(run, name) for title, run in asked.items()}} for name in names]


def _setting(run: Run, name: str) -> str:
    value: Any = run.plan
    for part in name.split("."):
        value = value.get(part)
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _named(curves: Mapping[str, Curve], kind: str) -> dict[str, Curve]:
    return {name.removeprefix(kind): curve for name, curve in curves.items() if name.startswith(kind)}


def _strange(parts: Sequence[Curve]) -> int:
    """Return how many steps had a loss that is no finite number."""
    return sum(not all(map(math.isfinite, values)) for values in zip(*(part.values for part in parts), strict=True))


def _best(curve: Curve) -> BestScore:
    lines = [{"step": step, "score": {"": value}} for step, value in zip(curve.steps, curve.values, strict=True)]
    found = standing(lines)
    return {"step": found.step, "seconds": curve.seconds[curve.steps.index(found.step)], "value": found.best}


def _line(name: str, curve: Curve, colour: str) -> CurveLine:
    every = math.ceil(len(curve.steps) / MOST_POINTS)
    ends = [min(start + every, len(curve.steps)) - 1 for start in range(0, len(curve.steps), every)]
    means = [float(np.mean(curve.values[max(0, end - every + 1) : end + 1])) for end in ends]
    return {
        "name": name,
        "colour": colour,
        "steps": [curve.steps[end] for end in ends],
        "seconds": [round(curve.seconds[end], 2) for end in ends],
        "values": [float(f"{value:.5g}") if math.isfinite(value) else None for value in means],
    }


# ---- looks ----


def looks_data(kept: Kept, classes: Sequence[str]) -> Looks:
    """Return the fixed samples with their truth, and every look at them.

    ``classes`` are in the order of the labels. What is shown holds ``boxes``, ``labels`` and ``scores``, ``map``, a
    byte a pixel, compressed, or the ``label`` and the ``share`` of the most probable class.
    """
    whole = any("classes" in one for look in kept.looks for one in look.made)
    return {
        "classes": [
            {"name": _(name), "colour": class_colour(label + 1 if whole else label) if whole or label else BACKGROUND}
            for label, name in enumerate(classes)
        ],
        "samples": [
            {
                "image": data_url(sample["image"]),
                "width": sample["image"].shape[2],
                "height": sample["image"].shape[1],
                **_shown(sample),
            }
            for sample in kept.samples
        ],
        "looks": [
            {"step": look.step, "seconds": round(look.seconds, 1), "made": [_shown(one) for one in look.made]}
            for look in kept.looks
        ],
    }


def _shown(part: Shown) -> ShownAnswer:
    made: ShownAnswer = {}
    if "boxes" in part:
        made |= {"boxes": rounded(part["boxes"], 1), "labels": part["labels"].tolist()}
    if "scores" in part:
        made["scores"] = rounded(part["scores"], 2)
    if "map" in part:
        made["map"] = squeezed(part["map"].numpy())
    if "label" in part:
        made["label"] = int(part["label"])
    if "classes" in part:
        made |= {"label": int(part["classes"].argmax()), "share": round(float(part["classes"].max()), 3)}
    return made


# ---- weights ----


def weights_data(weights: Mapping[str, Tensor]) -> StateDict:
    """Return what there is to see of a state dict's tensors: of each ``shape``, ``dtype``, ``norm``, ``count``, the
    ``least``, ``most`` and ``mean`` value, the ``deviation``, and a histogram, ``bins``, between least and most.

    Raises:
        WeightsError: there are more tensors than any model here has.
    """
    if len(weights) > MOST_TENSORS:
        sentence = _(
            "The file has {count} tensors, and at most {most} are shown: it is of no model that is known here."
        )
        raise WeightsError(sentence.format(count=len(weights), most=MOST_TENSORS))
    return {"tensors": [_tensor(name, weights[name]) for name in sorted(weights, key=_in_order)]}


def _in_order(name: str) -> list[tuple[int, str]]:
    """Return what sorts names so that layer 10 comes after layer 9."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _tensor(name: str, values: Tensor) -> TensorSummary:
    numbers = values.detach().flatten().double()
    finite = numbers[numbers.isfinite()]
    about: TensorSummary = {
        "name": name[:200],
        "shape": list(values.shape),
        "dtype": str(values.dtype).removeprefix("torch."),
        "count": values.numel(),
        "strange": values.numel() - len(finite),
        "norm": float(finite.norm()),
        "bins": [],
    }
    if len(finite):
        least, most = float(finite.min()), float(finite.max())
        about |= {
            "least": least,
            "most": most,
            "mean": float(finite.mean()),
            "deviation": float(finite.std(correction=0)),
        }
        if most > least:
            about["bins"] = torch.histc(finite, BINS, least, most).int().tolist()
    return about
