"""Pipelines of transforms as short texts, and what another order of their steps would change."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.data.transforms import KINDS, Description, Pipeline, Sample, Stage, TransformError
from core.i18n import _

MOST_STEPS = 8
INVISIBLE = 8 / 255  # of an image's range: changes of colours come to that where bytes are rounded in between

_STEP = re.compile(r"([a-z_]+)((?::[a-z]+=[-+.\de]+)*)")


@dataclass(frozen=True)
class Run:
    """What a pipeline made of a sample: the ``stages`` that it came through, and the ``error`` that ended it, or ""."""

    stages: tuple[Stage, ...]
    error: str = ""


@dataclass(frozen=True)
class Swap:
    """What comes out when the step at ``place``, counted from 0, changes places with the next.

    ``changed`` is the part of the pixels that differ from what is without the swap, by more than ``INVISIBLE``; None
    where the images cannot be compared, by their sizes or types or since there is only one. ``lost`` and ``gained``
    are the numbers of objects.
    """

    place: int
    run: Run
    changed: float | None
    lost: tuple[int, ...] = ()
    gained: tuple[int, ...] = ()

    @property
    def same(self) -> bool:
        """Whether it makes no difference."""
        return self.changed == 0 and not self.lost and not self.gained


def parse(text: str) -> list[dict[str, str | float]]:
    """Return the description of the pipeline ``text``, such as "crop:side=160,flip:p=1".

    Raises:
        TransformError: it is no such text, or has too many steps.
    """
    parts = [part for part in text.split(",") if part]
    if len(parts) > MOST_STEPS:
        raise TransformError(_("A pipeline has at most {most} steps here: remove some.").format(most=MOST_STEPS))
    return [_step(part) for part in parts]


def _step(text: str) -> dict[str, str | float]:
    found = _STEP.fullmatch(text)
    if not found:
        raise TransformError(_("{text!r} is no step: write it as flip or flip:p=0.5.").format(text=text[:40]))
    step: dict[str, str | float] = {"name": found[1]}
    for setting in found[2].split(":")[1:]:
        key, value = setting.split("=")
        try:
            step[key] = float(value)
        except ValueError:
            raise TransformError(_("{value!r} is no number.").format(value=value[:40])) from None
    return step


def written(description: Description) -> str:
    """Return ``description`` as the text that ``parse`` reads; values that are the defaults are left out."""
    return ",".join(
        str(step["name"])
        + "".join(
            f":{key}={value:g}"
            for key, value in step.items()
            if key != "name" and value != KINDS[str(step["name"])].parameters[key].default
        )
        for step in description
    )


def tried(sample: Sample, description: Description, seed: int) -> Run:
    """Run the pipeline of ``description`` on ``sample`` as far as it goes.

    Raises:
        TransformError: it cannot be built.
    """
    stages: list[Stage] = []
    try:
        for stage in Pipeline(description).stages(sample, seed):
            stages.append(stage)
    except TransformError as error:
        if not stages:
            raise
        return Run(tuple(stages), str(error))
    return Run(tuple(stages))


def swaps(sample: Sample, description: Sequence[dict[str, str | float]], seed: int) -> list[Swap]:
    """Return what each exchange of two neighbouring steps would change; every step draws the same wherever it stands.

    Raises:
        TransformError: the pipeline cannot be built.
    """
    before = tried(sample, description, seed)
    found = []
    for place in range(len(description) - 1):
        other = [*description]
        other[place], other[place + 1] = other[place + 1], other[place]
        found.append(_compared(place, before, tried(sample, other, seed)))
    return found


def _compared(place: int, before: Run, after: Run) -> Swap:
    if before.error or after.error:
        return Swap(place, after, None)
    old, new = before.stages[-1], after.stages[-1]
    lost, gained = (set(old.objects) - set(new.objects), set(new.objects) - set(old.objects))
    changed = None
    if old.image.shape == new.image.shape and old.image.dtype == new.image.dtype:
        values, others = old.image.double(), new.image.double()
        span = float(values.max() - values.min()) if old.image.is_floating_point() else 255.0
        far = (values - others).abs() > INVISIBLE * span
        changed = float(far.any(0).double().mean())
    return Swap(place, after, changed, tuple(sorted(lost)), tuple(sorted(gained)))
