"""What more proposals cost."""

from collections.abc import Sequence

import plotly.graph_objects as go

from core.detectors.race import CurvePoint
from core.figures.lettering import CHART_FONT_SIZE
from core.i18n import _
from core.models import MODELS


def curve_chart(points: Sequence[CurvePoint], titles: dict[str, str]) -> go.Figure:
    """Return milliseconds against the number of region proposals, both on logarithmic axes."""
    figure = go.Figure()
    for name in dict.fromkeys(point.name for point in points):
        colour, marker = MODELS[name].look
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
