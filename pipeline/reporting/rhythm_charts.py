"""Plotly figures of the page on rhythm. What `charts` says holds here, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.reporting.charts import (
    ACCENT,
    ACCENT_PALE,
    MUTED,
    PART_COLOURS,
    SURFACE,
    UNKNOWN,
    drawn,
    plain,
    unknown_column,
)
from pipeline.reporting.components import Figure

LINES = ((ACCENT, "solid"), (PART_COLOURS[1], "dash"), (PART_COLOURS[2], "dot"), ("var(--better)", "dashdot"))
"""Colour and dash of up to four lines: told apart without colour, too."""
_MARGIN = {"l": 10, "r": 16, "t": 8, "b": 46}
_DIGITS = 4


@dataclass(frozen=True)
class Curve:
    """Shares by day. `ends` are those of the interval; `marks` are days of the curve, each with its text."""

    name: str
    days: Sequence[int]
    shares: Sequence[float]
    texts: Sequence[str]
    ends: tuple[Sequence[float], Sequence[float]] | None = None
    marks: Mapping[int, str] = field(default_factory=dict)


def curves(shown: Sequence[Curve], title: str) -> Figure:
    """Lines over the days since a purchase, marked days as diamonds, the interval of those that have one as a band."""
    import plotly.graph_objects as go

    traces: list[Any] = []
    for curve, (colour, dash) in zip(shown, LINES, strict=False):
        days = list(curve.days)
        if curve.ends is not None:
            low, high = ([round(share, _DIGITS) for share in end] for end in curve.ends)
            traces.append(go.Scatter(x=days + days[::-1], y=high + low[::-1], fill="toself", mode="none",
                                     fillcolor="var(--accent-soft)", hoverinfo="skip"))  # fmt: skip
        traces.append(
            go.Scatter(
                name=plain(curve.name), x=days, y=[round(share, _DIGITS) for share in curve.shares], mode="lines",
                line={"color": colour, "width": 2.4, "dash": dash}, marker={"color": colour},
                hovertext=list(curve.texts), hoverinfo="text",
            )
        )  # fmt: skip
        if curve.marks:
            shares = dict(zip(curve.days, curve.shares, strict=True))
            traces.append(
                go.Scatter(
                    name=plain(curve.name), x=[*curve.marks], y=[round(shares[day], _DIGITS) for day in curve.marks],
                    mode="markers",
                    marker={"color": colour, "size": 12, "symbol": "diamond", "line": {"width": 2, "color": SURFACE}},
                    hovertext=[*curve.marks.values()], hoverinfo="text",
                )
            )  # fmt: skip
    layout = {
        "height": 360,
        "xaxis": {"title": _title("Days since the purchase"), "showgrid": False, "nticks": 8, "rangemode": "tozero"},
        "yaxis": {"title": _title(title), "tickformat": ".0%", "rangemode": "tozero", "nticks": 6},
        "margin": _MARGIN,
    }
    return drawn(traces, layout)


def curve_legend(shown: Sequence[Curve]) -> tuple[tuple[str, str], ...]:
    return tuple((curve.name, colour) for curve, (colour, _) in zip(shown, LINES, strict=False))


@dataclass(frozen=True)
class Point:
    """A value with its interval; None is unknown, an end of None open. The label is markup."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    text: str


def points(shown: Sequence[Point], title: str) -> Figure:
    """Values of groups with their intervals, unknown ones grey."""
    import plotly.graph_objects as go

    known = [(place, point) for place, point in enumerate(shown) if point.value is not None]
    trace = go.Scatter(
        x=[place for place, _ in known],
        y=[point.value for _, point in known],
        mode="lines+markers",
        line={"color": ACCENT_PALE, "width": 1.5},
        marker={"color": ACCENT, "size": 10},
        error_y={
            "type": "data", "symmetric": False, "color": ACCENT, "thickness": 1.8, "width": 5,
            "array": [_above(point) for _, point in known], "arrayminus": [_below(point) for _, point in known],
        },
        hovertext=[point.text for _, point in known],
        hoverinfo="text",
    )  # fmt: skip
    layout = {
        "height": 300,
        "xaxis": {
            "tickvals": list(range(len(shown))), "ticktext": [point.label for point in shown],
            "range": [-0.6, len(shown) - 0.4], "showgrid": False, "zeroline": False, "tickangle": 0,
        },
        "yaxis": {"title": _title(title), "rangemode": "tozero", "nticks": 6},
        "shapes": [unknown_column(place) for place, point in enumerate(shown) if point.value is None],
        "annotations": [
            {"x": place, "y": 0.5, "yref": "paper", "text": "unknown", "showarrow": False, "textangle": -90,
             "font": {"color": MUTED}}
            for place, point in enumerate(shown) if point.value is None
        ],
        "margin": {**_MARGIN, "b": 40},
    }  # fmt: skip
    return drawn([trace], layout)


@dataclass(frozen=True)
class Span:
    """The quartiles of a group in days; None: the curve does not get there."""

    label: str
    low: int | None
    middle: int | None
    high: int | None
    text: str


def spans(shown: Sequence[Span]) -> Figure:
    """From the first to the third quartile, with the median; grey where the end is not known."""
    import plotly.graph_objects as go

    end = 1.08 * max((day for one in shown for day in (one.low, one.middle, one.high) if day is not None), default=1)
    labels = [plain(one.label) for one in shown]

    def bars(name: str, colour: str, of: Sequence[tuple[float, float] | None]) -> Any:
        return go.Bar(
            name=name, orientation="h", y=labels, base=[span[0] if span else None for span in of],
            x=[round(span[1] - span[0], 2) if span else None for span in of], marker={"color": colour},
            opacity=0.45 if colour == UNKNOWN else 1, hovertext=[one.text for one in shown], hoverinfo="text",
        )  # fmt: skip

    closed = [(one.low, one.high) if one.low is not None and one.high is not None else None for one in shown]
    opened = [(one.low or 0, end) if one.low is None or one.high is None else None for one in shown]
    medians = [
        (one.middle, label, one.text) for one, label in zip(shown, labels, strict=True) if one.middle is not None
    ]
    traces = [
        bars("First to third quarter", ACCENT_PALE, closed),
        bars("Not known how far", UNKNOWN, opened),
        go.Scatter(
            name="Half", x=[day for day, _, _ in medians], y=[label for _, label, _ in medians], mode="markers",
            marker={"color": ACCENT, "size": 11, "line": {"width": 2, "color": SURFACE}},
            hovertext=[text for _, _, text in medians], hoverinfo="text",
        ),
    ]  # fmt: skip
    layout = {
        "barmode": "overlay",
        "bargap": 0.45,
        "height": 80 + 30 * max(1, len(shown)),
        "xaxis": {"title": _title("Days to the next purchase"), "range": [0, round(end, 2)], "nticks": 6},
        "yaxis": {"autorange": "reversed", "showgrid": False, "ticks": "", "type": "category"},
        "margin": _MARGIN,
    }
    return drawn(traces, layout)


SPAN_LEGEND = (("From a quarter to three quarters", ACCENT_PALE), ("Half", ACCENT), ("Not known how far", UNKNOWN))


def _above(point: Point) -> float:
    return 0 if point.high is None or point.value is None else point.high - point.value


def _below(point: Point) -> float:
    return 0 if point.low is None or point.value is None else point.value - point.low


def _title(text: str) -> dict[str, Any]:
    return {"text": text}
