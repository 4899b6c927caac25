"""The patch CNN: what flattening loses, and its patches slid over the image against one pass of convolutions."""

from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

import streamlit as st

from core import jobs
from core.families import Family
from core.figures.fully_connected import slid_data
from core.figures.sent import Words
from core.figures.sent.segmentation import Flattened, SlidCells
from core.i18n import _
from core.segmentation.patch_cnn import PatchCNN
from core.segmentation.sliding import BATCH, Slid, slide_trained
from ui.kit.component import component
from ui.kit.following import follow, show_status
from ui.kit.image_picker import PickedImage
from ui.kit.queueing import submit, waiting

SESSION_KEY = "segmentation_sliding_job"


class FlattenedData(Flattened):
    words: Words


class SlidingData(SlidCells):
    words: dict[str, str]


_flattened = component("segmentation/flattened", FlattenedData, "kit/layered_picture", "segmentation/parts")
_sliding = component("segmentation/sliding", SlidingData, "kit/layered_picture", "segmentation/parts")


@dataclass(frozen=True)
class StartedSliding:
    """Patches that this session slides over an image for the patch CNN of ``family``, and a ``key`` of its own."""

    picked: PickedImage
    family: Family
    job: jobs.Job[Slid]
    key: str = field(default_factory=lambda: uuid4().hex)


def choose_shuffle() -> int:
    """Show which shuffle it is and return its number."""
    number = st.number_input(
        _("Shuffle number"), 0, 9999, 0, key="shuffle", width=150, bind="query-params", persist_state="session"
    )
    return int(number)


def segmentation_flattened(data: Flattened) -> None:
    """Show ``core.figures.fully_connected.flattened_data``."""
    _flattened(data={**data, "words": _flattened_words(data)}, key="segmentation_flattened")


def show_sliding(picked: PickedImage, family: Family, model: PatchCNN, convolved: Slid) -> None:
    """Show one pass, ``convolved``, the button that slides the patch over the image, and how far that is."""
    st.subheader(_("The same weights as convolutions"))
    st.markdown(
        _(
            "fc6 is a {cells} x {cells} convolution that was only ever asked about one place, fc7 and the scores are "
            "1 x 1 convolutions. As such they take an image of any size, and what the patches share is computed once."
        ).format(cells=model.cells)
    )
    current: StartedSliding | None = st.session_state.get(SESSION_KEY)
    if st.button(_("Slide the patch over the image"), type="primary", icon=":material/grid_on:", key="slide"):
        if current:
            current.job.cancel()
        current = StartedSliding(picked, family, submit(partial(slide_trained, picked.pixels, family)))
        st.session_state[SESSION_KEY] = current
    if current and (current.picked.key, current.family) == (picked.key, family):
        follow(current.job.poll, partial(_show_slid, current, model))
    else:
        _show_ways(picked, model, (convolved,))
    st.caption(
        _(
            "The paper's figures, AlexNet on a GPU: 22 ms for a 10 x 10 grid of a 500 x 500 image, against 1.2 ms for "
            "a single 227 x 227 patch in a batch: more than 5 times faster than 100 patches."
        )
    )


def _show_slid(current: StartedSliding, model: PatchCNN, now: jobs.Progressed[Slid]) -> None:
    show_status(
        current.job,
        now,
        _("Cancelled, or left alone for too long. What was labelled by then is below."),
        "cancel_sliding",
        lambda line: line.progress(*_progress(now), width=400),
    )
    _show_ways(current.picked, model, now.events)


def _progress(now: jobs.Progressed[Slid]) -> tuple[float, str]:
    """Return which part of the patches is done, and how long the rest will take."""
    if now.place:
        return 0.0, waiting(now)
    if not now.events:
        return 0.0, _("Starting ...")
    last = now.events[-1]
    left = _("{done} of {total} patches, {seconds} s left").format(
        done=last.done, total=last.total, seconds=round(last.seconds / last.done * (last.total - last.done))
    )
    return last.done / last.total, left


def _show_ways(picked: PickedImage, model: PatchCNN, events: tuple[Slid, ...]) -> None:
    data = slid_data(model, picked.pixels, events)
    _sliding(data={**data, "words": _sliding_words()}, key="segmentation_sliding")


def _sliding_words() -> dict[str, str]:
    return {
        "convolution": _("One pass of convolutions"),
        "batches": _("Patches, {count} at once").format(count=BATCH),
        "singly": _("Patches, one at a time"),
        "seconds": _("Seconds"),
        "each": _("ms a cell"),
        "times": _("Against one pass"),
        "factor": _("{factor} times"),
        "difference": _("Largest difference of a score"),
    }


def _flattened_words(data: Flattened) -> Words:
    count = data["channels"] * data["cells"] ** 2
    layer = data["convolution"]["layer"]
    return {
        "at": _("The patch about the cell in row {row}, column {column}"),
        "hint": _(
            "Point at a cell, click to keep it, or move by arrow keys. The patch of 227 x 227 pixels gives its middle "
            "a class; what lies outside the image is the mean colour."
        ),
        "tensor": _("Before: {channels} x {cells} x {cells}, a block a channel").format(
            channels=data["channels"], cells=data["cells"]
        ),
        "flat": _("Flattened: {count} numbers").format(count=count),
        "shuffled": _("The same numbers, shuffled"),
        "point": _("Point at a number to find it in all three."),
        "pointed": _(
            "{value}, of channel {channel}, row {row}, column {column}: flattened it is number {place}, shuffled "
            "number {later}."
        ),
        "plain": _("Scores"),
        "together": _("Shuffled, weights too"),
        "alone": _("Shuffled, weights not"),
        "same": _(
            "Largest difference over the {count} cells: {together} where the weights of fc6 are shuffled alike, which "
            "is rounding, and {alone} where they are not. To a fully connected layer no two numbers are neighbours: "
            "any order would train as well."
        ),
        "convolution": _("A convolution minds"),
        "maps": {
            "given": _("Given to {layer}").format(layer=layer),
            "plain": _("What {layer} makes of it").format(layer=layer),
            "shuffled": _("Given, its cells shuffled"),
            "back": _("Made of that, put back"),
        },
        "change": _(
            "The strongest channels. The cells of the map that it is given are shuffled, and those of its result put "
            "back: on average a number changes by {change} of the mean size. No order of the weights undoes that, "
            "as each sum takes {kernel} x {kernel} neighbours."
        ),
    }
