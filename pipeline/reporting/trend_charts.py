"""Plotly figures of the page on the activity trend. What `charts` says holds here, too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from pipeline.reporting.charts import (
    ACCENT_PALE,
    DIRECTION_COLOURS,
    MUTED,
    SURFACE,
    UNKNOWN,
    Series,
    amounts_of,
    as_float,
    drawn,
    plain,
)
from pipeline.reporting.components import Figure

COLOURS = {
    "growing": DIRECTION_COLOURS["better"], "stable": ACCENT_PALE, "declining": DIRECTION_COLOURS["worse"],
    "none": UNKNOWN,
}  # fmt: skip
_LABELLED_DAYS = 5


def areas(
    days: Sequence[dt.date], series: Sequence[Series], currency: str | None, breaks: Sequence[dt.date] = ()
) -> Figure:
    """Areas on top of each other from day to day, the first at the foot; dotted lines where the measure changes."""
    import plotly.graph_objects as go

    at = [f"{day:%Y-%m-%d}" for day in days]
    traces = [
        go.Scatter(
            name=plain(one.name),
            x=at,
            y=[as_float(value) for value in one.values],
            mode="lines+markers",
            stackgroup="all",
            line={"color": SURFACE, "width": 1},
            marker={"color": one.colour, "size": 5},
            fillcolor=one.colour,
            hovertext=list(one.texts),
            hoverinfo="text",
        )
        for one in series
    ]
    dates: dict[str, Any] = {"type": "date", "tickformat": "%-d %b\n%Y", "showgrid": False, "nticks": 6}
    if len(days) <= _LABELLED_DAYS:
        dates["tickvals"] = at
    layout = {
        "height": 320,
        "xaxis": dates,
        "yaxis": {**amounts_of(traces, "y", currency), "rangemode": "tozero"},
        "shapes": [
            {"type": "line", "x0": f"{day:%Y-%m-%d}", "x1": f"{day:%Y-%m-%d}", "yref": "paper", "y0": 0, "y1": 1,
             "line": {"color": MUTED, "width": 1.5, "dash": "dot"}}
            for day in breaks
        ],
        "margin": {"l": 10, "r": 24, "t": 8, "b": 40},
    }  # fmt: skip
    return drawn(traces, layout)
