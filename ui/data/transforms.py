"""Pick transforms, order them, and see one sample with its boxes and masks through each."""

import streamlit as st

from core.data.pipelines import MOST_STEPS, parse, swaps, tried, written
from core.data.sources import Opened
from core.data.transforms import KINDS, Pipeline, Sample, TransformError
from core.figures.data import run_data, swaps_data
from core.figures.sent.data import ChosenStep, PreparedSteps, StepKind, TriedSteps
from core.i18n import _
from ui.kit.component import component
from ui.kit.faults import fragment


class TransformsData(TriedSteps):
    """The same with the steps to choose from, words, and what tells it from every other."""

    key: str
    steps: list[ChosenStep]
    kinds: dict[str, StepKind]
    most: int
    prepared: list[PreparedSteps]
    words: dict[str, str]


_component = component("data/transforms", TransformsData, "data/parts")

STEPS = "data_steps"  # in the session; in the address "steps"
FIRST = "crop:side=160,flip:p=1,jitter,to_float,normalise"


def steps_text() -> str:
    """Return the chosen pipeline as a text, from the session or the address, or the one to begin with."""
    text: str = st.session_state.setdefault(STEPS, st.query_params.get("steps", FIRST))
    return text


def pipeline() -> list[dict[str, str | float]]:
    """Return the description of the chosen pipeline; one that cannot be built is no steps at all."""
    try:
        description = parse(steps_text())
        Pipeline(description)
    except TransformError:
        return []
    return description


@fragment
def show_transforms(key: str, opened: Opened, number: int, seed: int) -> None:
    """Show sample ``number`` of a source called ``key`` through the chosen steps, which draw by ``seed``."""
    text = steps_text()
    if text == FIRST:
        st.query_params.pop("steps", None)
    else:
        st.query_params["steps"] = text
    try:
        sample = opened[number]
        description = parse(text)
        data = _data(f"{key} {number}", written(description), seed, sample, opened.classes)
    except TransformError as error:
        st.error(str(error))
        st.button(_("Begin with other steps"), on_click=_take, args=(FIRST,))
        return
    steps = [_with_values(step) for step in description]
    _component(
        data={
            **data,
            "key": f"{key} {number} {seed}",
            "steps": steps,
            "kinds": _kinds(),
            "most": MOST_STEPS,
            "prepared": [{"title": title, "steps": steps} for title, steps in _prepared().items()],
            "words": _words(),
        },
        key="data_transforms",
        on_steps_change=_take_steps,
    )
    with st.expander(_("As code"), icon=":material/code:"):
        st.code("from torchvision.transforms import v2\n\n" + Pipeline(description).as_code(), language="python")


@st.cache_data(max_entries=128, show_spinner=False)
def _data(key: str, text: str, seed: int, _sample: Sample, _classes: tuple[str, ...]) -> TriedSteps:
    description = parse(text)
    run = tried(_sample, description, seed)
    names = [str(step["name"]) for step in description]
    found = swaps_data(swaps(_sample, description, seed), _classes)
    return {"run": {**run_data(run, _classes), "names": names}, "swaps": found}


def _take_steps() -> None:
    text = st.session_state["data_transforms"]["steps"]
    if isinstance(text, str):
        _take(text)


def _take(text: str) -> None:
    st.session_state[STEPS] = text


def _with_values(step: dict[str, str | float]) -> ChosenStep:
    name = str(step["name"])
    values = {key: step.get(key, parameter.default) for key, parameter in KINDS[name].parameters.items()}
    return {"name": name, "values": values}


def _kinds() -> dict[str, StepKind]:
    return {
        name: {
            "title": _(kind.title),
            "parameters": {
                key: {
                    "title": _(one.title),
                    "default": one.default,
                    "low": one.low,
                    "high": one.high,
                    "whole": one.whole,
                }
                for key, one in kind.parameters.items()
            },
        }
        for name, kind in KINDS.items()
    }


def _prepared() -> dict[str, str]:
    return {
        _("Crop, then flip"): FIRST,
        _("Normalise too early"): "resize,normalise,to_float",
        _("Turn, then tighten"): "rotate:degrees=60,tighten,resize",
        _("SSD's zoom and crop"): "zoom_out,iou_crop,flip,resize",
    }


def _words() -> dict[str, str]:
    return {
        "prepared": _("Try:"),
        "sample": _("The sample"),
        "add": _("Add a step ..."),
        "earlier": _("Earlier"),
        "later": _("Later"),
        "remove": _("Remove"),
        "range": _("{low} to {high}"),
        "stretched": _("(stretched to be seen)"),
        "objects": _("objects: {count}"),
        "left": _("objects: {count} of {first}"),
        "label": _("class {name}"),
        "hint": _("Point at an object to follow it through the steps. Boxes and masks go where the picture goes."),
        "hintClass": _("The label of a whole image stays what it is, whatever is done to the picture."),
        "object": _("Object {number}, {name}: {from} px at first, {to} px at the end."),
        "removed": _(
            "Object {number}, {name}: {from} px at first, then removed by: {by}. Nothing of it is in the image."
        ),
        "order": _("Does the order matter?"),
        "exchange": _("{first} ↔ {second}"),
        "before": _("In this order"),
        "after": _("Exchanged"),
        "same": _("the same"),
        "sameLong": _(
            "The same objects, and pixels within 8 of 255 grey levels, which is rounding: these two can be exchanged."
        ),
        "differLong": _("Each step draws by chance what it drew before: the difference is due to the order alone."),
        "fails": _("cannot be done"),
        "mends": _("would work"),
        "otherSize": _("another size or type"),
        "pixels": _("{percent} % of the pixels differ"),
        "lost": _("objects lost: {count}"),
        "gained": _("objects gained: {count}"),
    }
