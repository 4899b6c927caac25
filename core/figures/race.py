"""A race's colours, and what more proposals cost."""

from collections.abc import Sequence

import plotly.graph_objects as go

from core.detectors.race import CONTESTANTS, CurvePoint
from core.figures.lettering import CHART_FONT_SIZE
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
    "Grid": "#D55E00",
    "Class confidence": "#56B4E9",
    "Box regression": "#D55E00",
    "NMS": "#999999",
}
OTHER_COLOUR = "#666666"
# Each contestant's line, told apart by more than its colour, and readable on light and dark.
LOOKS = dict(
    zip(
        CONTESTANTS,
        [
            ("#D55E00", "circle"),
            ("#E69F00", "square"),
            ("#009E73", "diamond"),
            ("#0072B2", "star"),
            ("#CC79A7", "triangle-up"),
            ("#56B4E9", "x"),
        ],
        strict=True,
    )
)


def stage_colour(name: str) -> str:
    """Return the colour of the stage called ``name``, the same in every detector and chart."""
    return STAGE_COLOURS.get(name, OTHER_COLOUR)


def curve_chart(points: Sequence[CurvePoint], titles: dict[str, str]) -> go.Figure:
    """Return milliseconds against the number of region proposals, both on logarithmic axes."""
    figure = go.Figure()
    for name in dict.fromkeys(point.name for point in points):
        colour, marker = LOOKS[name]
        own = [point for point in points if point.name == name]
        figure.add_scatter(
            x=[point.regions for point in own],
            y=[1000 * point.seconds for point in own],
            name=titles[name],
            mode="lines+markers",
            line={"width": 3, "color": colour},
            marker={"symbol": marker, "size": 11},
            hovertemplate="%{fullData.name}, %{x}: %{y:,.1f} ms<extra></extra>",
        )
    figure.update_layout(
        height=420,
        font_size=CHART_FONT_SIZE,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "maxheight": 0.9, "font_size": CHART_FONT_SIZE},
    )
    look = {"type": "log", "title_font_size": CHART_FONT_SIZE, "tickfont_size": CHART_FONT_SIZE}
    figure.update_xaxes(title=_("Region proposals, at most"), tickvals=sorted({p.regions for p in points}), **look)
    figure.update_yaxes(title=_("Time of one image (ms)"), dtick=1, tickformat=",", **look)
    return figure
