"""Charts of a race: seconds a stage of every detector, and what more proposals cost."""

from collections.abc import Sequence

import plotly.graph_objects as go

from core.detectors.race import CurvePoint, Finished
from core.i18n import _

# One colour for each kind of work, whichever paper it is in (Okabe and Ito's, and grey).
STAGE_COLOURS = {
    "Region proposals": "#0072B2",
    "RPN": "#0072B2",
    "Warp": "#F0E442",
    "Convolution": "#E69F00",
    "Spatial pyramid pooling": "#009E73",
    "RoI pooling": "#009E73",
    "Fully connected": "#CC79A7",
    "SVM": "#56B4E9",
    "Softmax": "#56B4E9",
    "Grid": "#56B4E9",
    "Class confidence": "#56B4E9",
    "Box regression": "#D55E00",
    "NMS": "#999999",
}
OTHER_COLOUR = "#666666"


def stage_colour(name: str) -> str:
    """Return the colour of the stage called ``name``, the same in every detector and chart."""
    return STAGE_COLOURS.get(name, OTHER_COLOUR)


def stage_bars(finished: Sequence[Finished], titles: dict[str, str], share: bool) -> go.Figure:
    """Return stacked bars, one for each contestant, of milliseconds a stage, or of its ``share`` of the whole in %."""
    bars = []
    for name in dict.fromkeys(step.name for one in finished for step in one.trace.steps):
        runs = [(one, step) for one in finished for step in one.trace.steps if step.name == name]
        values = [100 * s.seconds / one.trace.seconds if share else 1000 * s.seconds for one, s in runs]
        bars.append(
            go.Bar(
                x=values,
                y=[titles[one.name] for one, _step in runs],
                name=_(name),
                orientation="h",
                marker_color=stage_colour(name),
                hovertemplate="%{y}, %{fullData.name}: %{x:.3s} " + ("%" if share else "ms") + "<extra></extra>",
            )
        )
    figure = go.Figure(bars)
    unit = _("Share of the detector's own time (%)") if share else _("Time (ms)")
    figure.update_layout(
        barmode="stack",
        height=150 + 46 * len(finished),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        font_size=16,
        legend={"orientation": "h", "traceorder": "normal", "y": 1.02, "yanchor": "bottom"},
    )
    figure.update_xaxes(title=unit)
    order = [titles[one.name] for one in finished]
    figure.update_yaxes(automargin=True, categoryorder="array", categoryarray=order[::-1])
    return figure


def curve_chart(points: Sequence[CurvePoint], titles: dict[str, str]) -> go.Figure:
    """Return milliseconds against the number of region proposals, both on logarithmic axes."""
    figure = go.Figure()
    for name in dict.fromkeys(point.name for point in points):
        own = [point for point in points if point.name == name]
        figure.add_scatter(
            x=[point.regions for point in own],
            y=[1000 * point.seconds for point in own],
            name=titles[name],
            mode="lines+markers",
        )
    figure.update_layout(height=420, font_size=16, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    figure.update_xaxes(title=_("Region proposals, at most"), type="log", tickvals=sorted({p.regions for p in points}))
    figure.update_yaxes(title=_("Time of one image (ms)"), type="log")
    return figure
