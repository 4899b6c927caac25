"""What the measured figures of transfer learning say, in sentences that are computed from them."""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import mean

import streamlit as st

from core.i18n import _
from core.transfer.tasks import COUNTS
from core.transfer.ways import BATCH, SHIFT, Drift, Learnt, Opened, Plan
from ui.transfer.board import titles

UNFINISHED = 0.5  # a training loss above this says that more steps would help


def show_verdicts(plans: Sequence[Plan], learnt: Mapping[Plan, Learnt], opened: Opened | None) -> None:
    """Say what the accuracies mean, as far as they are known; those within a standard error count as alike."""
    if opened is None:
        return
    alike = standard_error(opened)
    sentences = [
        *_at_this_count(plans, learnt, alike),
        *_over_counts(plans, learnt, alike),
        *_unfinished(plans, learnt),
    ]
    if sentences:
        st.markdown(" ".join(sentences))


def standard_error(opened: Opened) -> float:
    """Return how far a share of the validation images is off by chance, at most: that of a half."""
    return sqrt(0.25 / max(1, len(opened.truth)))


def show_accuracy(plan: Plan, opened: Opened) -> None:
    """Say what the accuracies are measured on, and what was left out."""
    few = min(opened.available, default=0)
    if few < plan.per_class:
        words = _("The rarest class has only {few} images to learn from: all of them are taken.")
        st.caption(words.format(few=few))
    words = _(
        "Accuracies are measured on {count} validation images, which no training sees: such a share has a standard "
        "error of up to {error} percentage points."
    )
    st.caption(words.format(count=len(opened.truth), error=f"{100 * standard_error(opened):.1f}"))
    for note in opened.notes:
        st.caption(note)


def _at_this_count(plans: Sequence[Plan], learnt: Mapping[Plan, Learnt], alike: float) -> list[str]:
    head, everything, scratch = (learnt[plan].accuracy if plan in learnt else None for plan in plans)
    if head is None or everything is None or scratch is None:
        return []
    best = max(head, everything)
    if best > scratch + alike:
        words = _("With {count} images a class the trained trunk is worth **{points} percentage points**.")
    elif best >= scratch - alike:
        words = _("With {count} images a class the trained trunk **does not help**: from scratch is as good.")
    else:
        words = _(
            "With {count} images a class the trained trunk **does harm**: from scratch is {points} points better."
        )
    said = [words.format(count=plans[0].per_class, points=round(100 * abs(best - scratch)))]
    if head > everything + alike:
        said.append(_("The last layer alone does better than everything: so many weights learn few images by heart."))
    if scratch > head + alike:
        said.append(_("From scratch beats the frozen trunk: features of another task are not all that this one needs."))
    return said


def _over_counts(plans: Sequence[Plan], learnt: Mapping[Plan, Learnt], alike: float) -> list[str]:
    """Compare how much a trained trunk is worth with the fewest and with the most images, over the same seeds."""
    head, everything, scratch = plans
    gaps = {}
    for count in COUNTS:
        means = [_mean_at(plan, count, learnt) for plan in (head, everything, scratch)]
        if all(value is not None for value in means):
            values = [value for value in means if value is not None]
            gaps[count] = max(values[:2]) - values[2]
    if len(gaps) < 2:
        return []
    (fewest, first), (most, last) = min(gaps.items()), max(gaps.items())
    if last < first - alike:
        words = _("Its lead shrinks from {first} points with {fewest} images a class to {last} with {most}.")
    elif last > first + alike:
        words = _("Its lead grows from {first} points with {fewest} images a class to {last} with {most}.")
    else:
        words = _("Its lead is much the same: {first} points with {fewest} images a class, {last} with {most}.")
    said = [words.format(fewest=fewest, most=most, first=round(100 * first), last=round(100 * last))]
    loss = max(one.looks[-1].loss for one in _draws_of(scratch, most, learnt))
    if loss > UNFINISHED and scratch.per_class != most:
        words = _("But with {most} from scratch has not finished learning (its loss is {loss}): give it more steps.")
        said.append(words.format(most=most, loss=f"{loss:.2f}"))
    return said


def _mean_at(plan: Plan, count: int, learnt: Mapping[Plan, Learnt]) -> float | None:
    scores = [one.accuracy for one in _draws_of(plan, count, learnt)]
    return mean(scores) if scores else None


def _draws_of(plan: Plan, count: int, learnt: Mapping[Plan, Learnt]) -> list[Learnt]:
    """Return what was learnt by ``plan``, but with ``count`` images a class, from all seeds."""
    return [one for other, one in learnt.items() if other.per_class == count and other.same_but_for_draw(plan)]


def _unfinished(plans: Sequence[Plan], learnt: Mapping[Plan, Learnt]) -> list[str]:
    losses = {plan: learnt[plan].looks[-1].loss for plan in plans if plan in learnt}
    words = _("{way} still has a training loss of {loss}: more steps would help it.")
    return [
        words.format(way=titles()[plan.way], loss=f"{loss:.2f}") for plan, loss in losses.items() if loss > UNFINISHED
    ]


def show_keeping(plan: Plan, result: Learnt | None, drift: Drift | None) -> None:
    """Say when the features of a frozen trunk may be computed once and kept, and what that saves; ``plan`` is that of
    the last layer alone."""
    st.subheader(_("Features computed once"))
    left, right = st.columns(2, gap="large")
    left.markdown(
        _(
            "A frozen trunk in evaluation mode gives the same image the same features, every time. So they are "
            "computed once, and the last layer learns from a table of numbers."
        )
    )
    right.markdown(_("They must be computed anew as soon as anything moves them. Measured here, on a batch of images:"))
    if plan.shifted:
        words = _("Images are shifted now, by up to {pixels} pixels: every batch has to go through the trunk.")
        left.info(words.format(pixels=SHIFT))
    if result and result.timing.once is not None and result.timing.through is not None:
        left.table(_times(plan, result, result.timing.once, result.timing.through))
    if drift:
        right.table(_movements(drift))


def _times(plan: Plan, result: Learnt, once: float, through: float) -> dict[str, list[str]]:
    epochs = plan.steps * min(BATCH, result.images) / result.images
    rows = {
        _("All features, once"): once,
        _("An epoch from kept features"): result.timing.epoch,
        _("An epoch through the trunk"): through,
        _("{epochs} epochs, features kept").format(epochs=f"{epochs:.0f}"): once + epochs * result.timing.epoch,
        _("{epochs} epochs through the trunk").format(epochs=f"{epochs:.0f}"): epochs * through,
    }
    return {_("What"): list(rows), _("Seconds"): [f"{seconds:.3g}" for seconds in rows.values()]}


def _movements(drift: Drift) -> dict[str, list[str]]:
    rows = {
        _("The same images again"): drift.again,
        _("Batch normalisation in training mode"): drift.statistics,
        _("Images shifted by up to {pixels} pixels").format(pixels=SHIFT): drift.shifted,
        _("After the first step of fine-tuning the trunk"): drift.learning,
    }
    known = {name: value for name, value in rows.items() if value is not None}
    return {
        _("What changes"): list(known),
        _("Features move by"): [f"{100 * value:.1f} %" for value in known.values()],
        _("May be kept"): [_("yes") if value == 0 else _("no") for value in known.values()],
    }
