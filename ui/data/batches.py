"""What batches cost, with more and fewer workers, and why samples with boxes need a collate function."""

from functools import partial
from typing import Any

import streamlit as st

from core import jobs
from core.data.epochs import Throughput
from core.data.sources import Opened
from core.data.speed import fetched
from core.data.transforms import Description, Transformed, TransformError
from core.figures.data import collate_data, throughput_chart
from core.i18n import _
from ui.kit.chart import show_chart
from ui.kit.following import StartedJob, show_job, start_job

MEASURED = (0, 1, 2)  # workers
IMAGES = 160  # of a measurement
JOB = "data_throughput_job"
MOST_COLLATED = 4


def show_speed(key: str, data: str, description: Description, batch_size: int) -> None:
    """Show how many images a second come from the source called ``key``, once that is asked for."""
    st.subheader(_("Images a second"))
    words = _("One epoch of {count} images for each number of workers, read and transformed on this server.")
    st.markdown(words.format(count=IMAGES))
    name = f"{key} {description} {batch_size}"
    started: StartedJob[Throughput] | None = st.session_state.get(JOB)
    if st.button(_("Measure"), icon=":material/speed:", key="measure"):
        started = start_job(JOB, name, partial(fetched, data, description, batch_size, MEASURED, IMAGES))
    if started is None or started.name != name:
        st.caption(_("0 workers: the process itself fetches, and trains only in between."))
        return
    show_job(started, _speeds)


def _speeds(now: jobs.Progressed[Throughput]) -> None:
    if now.active:
        words = _("{done} of {total} measurements")
        done = len(now.events)
        st.progress(done / len(MEASURED), words.format(done=done, total=len(MEASURED)))
    if now.events:
        show_chart(throughput_chart(now.events), "throughput", _("Images a second by the number of workers"))


def show_collate(key: str, opened: Opened, description: Description, batch_size: int) -> None:
    """Show what torch's own collate function says to the first batch, and what the one for detection makes of it."""
    st.subheader(_("What a collate function must do"))
    try:
        data = _collated(key, min(batch_size, len(opened), MOST_COLLATED), opened, description)
    except TransformError as error:
        st.error(str(error))
        return
    shapes = ", ".join(f"`{tuple(shape)}`" for shape in data["shapes"])
    st.markdown(_("{count} samples: images of {shapes}.").format(count=len(data["shapes"]), shapes=shapes))
    if data["complaint"]:
        st.markdown(_("torch's `default_collate` stacks everything, and fails. In its own words:"))
        st.code(data["complaint"], language=None, wrap_lines=True)
    else:
        st.markdown(_("torch's `default_collate` can stack these: all are of one shape."))
    st.markdown(
        _("`collate_detection` stacks the images, with a margin where they differ in size, and lists the rest:")
    )
    lines = [f"images  {tuple(data['images'])}"]
    for place, target in enumerate(data["targets"]):
        lines.append(f"targets[{place}]  " + ", ".join(f"{name} {tuple(shape)}" for name, shape in target.items()))
    st.code("\n".join(lines), language=None, wrap_lines=True)


@st.cache_data(max_entries=32, show_spinner=False)
def _collated(key: str, count: int, _opened: Opened, _description: Description) -> dict[str, Any]:
    samples = Transformed(_opened, _description)
    return collate_data([samples[index] for index in range(count)])
