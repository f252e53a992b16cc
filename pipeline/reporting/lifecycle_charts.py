"""Plotly figures of the page on the lifecycle. What `charts` says holds here, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.reporting.charts import MUTED, PART_COLOURS, amounts_of, as_float, drawn, plain
from pipeline.reporting.components import Figure


@dataclass(frozen=True)
class Line:
    """One scenario over the months; `low` and `high` are the ends of its interval."""

    name: str
    values: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    texts: Sequence[str]


def line_colour(place: int) -> str:
    """The first line, what happens anyway, is grey-green and dashed; the others tell apart what is compared."""
    return MUTED if place == 0 else PART_COLOURS[(place - 1) % len(PART_COLOURS)]


def months_ahead(months: Sequence[int], lines: Sequence[Line], currency: str | None) -> Figure:
    """Lines over the months to come, with the interval of the first one as a band."""
    import plotly.graph_objects as go

    band = [
        go.Scatter(
            name="", x=[*months], y=[as_float(value) for value in ends], mode="lines", hoverinfo="skip",
            line={"width": 0}, fill=fill, fillcolor="var(--flow-same)", marker={"color": MUTED},
        )
        for ends, fill in ((lines[0].low, None), (lines[0].high, "tonexty"))
    ] if lines else []  # fmt: skip
    traces = [
        go.Scatter(
            name=plain(line.name), x=[*months], y=[as_float(value) for value in line.values], mode="lines+markers",
            line={"color": line_colour(place), "width": 2.2, "dash": "dash" if place == 0 else "solid"},
            marker={"color": line_colour(place), "size": 6}, hovertext=list(line.texts), hoverinfo="text",
        )
        for place, line in enumerate(lines)
    ]  # fmt: skip
    ticks: dict[str, Any] = amounts_of(traces[:1], "y", currency)
    layout = {
        "height": 320,
        "xaxis": {
            "title": {"text": "Months of 30 days from now", "standoff": 10}, "dtick": 2, "showgrid": False,
            "zeroline": False,
        },
        "yaxis": {**ticks, "rangemode": "tozero"},
        "margin": {"l": 10, "r": 16, "t": 8, "b": 46},
    }  # fmt: skip
    return drawn([*band, *traces], layout)
