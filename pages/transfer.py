"""Transfer learning: one small task from scratch, by the last layer alone, and by everything, side by side."""

from ui.frame.startup import come_through_the_entrance

from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.i18n import _
from core.pretrained import PRETRAINED, Name
from core.scripts import learning
from core.transfer.tasks import COUNTS
from core.transfer.ways import BATCH, WAYS, Plan
from ui.kit.choices import choose
from ui.kit.code import show_code
from ui.sources.source import pick_source
from ui.transfer.study import show_study
from ui.transfer.teaching import show_teaching
from ui.transfer.trunks import offer_weights, say_origin

STEPS = (50, 150, 500)
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)
KEPT: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


def choose_trunk(row: DeltaGenerator) -> Name:
    """Show in ``row`` the trunks, also those whose weights are not here, and return the chosen one's name."""
    return row.selectbox(
        _("Trained trunk"),
        list(PRETRAINED),
        format_func=lambda name: PRETRAINED[name].title,
        key="trunk_of",
        width=230,
        **KEPT,
    )


def choose_plan(row: DeltaGenerator, trunk: Name) -> Plan:
    """Show in ``row`` what else a training depends on and return it, for the first of the three ways."""
    count = row.segmented_control(
        _("Training images a class"), COUNTS, default=20, required=True, key="per_class", **KEPT
    )
    steps = row.segmented_control(
        _("Steps of {size} images").format(size=BATCH), STEPS, default=50, required=True, key="transfer_steps", **KEPT
    )
    shifted = row.toggle(
        _("Shift images"),
        key="shifted",
        help=_("Every epoch sees each image moved by a few pixels: no features can be kept then."),
        **KEPT,
    )
    with row.popover(_("Learning rates"), icon=":material/tune:"):
        st.markdown(
            _(
                "The new layer starts from random numbers and has far to go. The trunk is good already: large steps "
                "would wipe out what it knows before the new layer tells it anything sensible."
            )
        )
        rates = [
            st.select_slider(label, RATES, value, format_func="{:g}".format, key=key, **KEPT)
            for label, value, key in (
                (_("New last layer on a trained trunk"), PRETRAINED[trunk].head_rate, f"head_rate_{trunk}"),
                (_("Trained trunk"), PRETRAINED[trunk].rate, f"trunk_rate_{trunk}"),
                (_("Everything, from scratch"), 1e-3, "scratch_rate"),
            )
        ]
    head_rate, trunk_rate, scratch_rate = rates
    return Plan("head", int(count), 0, trunk, int(steps), head_rate, trunk_rate, scratch_rate, shifted)


def show_sets() -> None:
    """Compare the three ways on a set of images."""
    picked = pick_source(("classes", "boxes"), first="digits")
    row = st.container(horizontal=True, gap="medium", vertical_alignment="bottom")
    name = choose_trunk(row)
    plan = choose_plan(row, name)
    for note in picked.notes if picked else ():
        st.caption(note)
    if picked and picked.data == "scenes" and name == "slim":
        st.caption(_("Our trunk was trained on these very shapes: this is no new task for it."))
    if offer_weights(name) and picked:
        show_study(picked, plan)
        source, plans = (picked.data, picked.title), [replace(plan, way=way) for way in WAYS]
        show_code(lambda _address: learning.transferred(*source, plans))
    say_origin(name)


come_through_the_entrance()
st.title(_("Transfer learning"))
st.markdown(
    _(
        "A network learns a new task from a handful of images. How much does it help that its trunk was trained on "
        "another task before?"
    )
)
tasks = {"set": _("A set of images"), "camera": _("Teach it three things")}
if choose(_("New task"), tasks, "task", labelled=False) == "camera":
    show_teaching()
    say_origin("lite0")
else:
    show_sets()
