"""Plotly figures of the pages on rhythm and cohorts. What `charts` says holds here, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.reporting import words
from pipeline.reporting.charts import (
    ACCENT,
    ACCENT_PALE,
    INK,
    MUTED,
    PART_COLOURS,
    SURFACE,
    UNKNOWN,
    amounts_of,
    as_float,
    drawn,
    plain,
)
from pipeline.reporting.components import Figure

LINES = ((ACCENT, "solid"), (PART_COLOURS[1], "dash"), (PART_COLOURS[2], "dot"), ("var(--better)", "dashdot"))
"""Colour and dash of up to four lines: told apart without colour, too."""
MOMENT = "Key moment"
TARGET = INK
_GAP = 0.3  # between columns, as a share of a month
_MARGIN = {"l": 10, "r": 16, "t": 8, "b": 46}
_DIGITS = 4


@dataclass(frozen=True)
class Curve:
    """Shares by day. `ends` are those of the interval; `moment` is a day of the curve to mark."""

    name: str
    days: Sequence[int]
    shares: Sequence[float]
    texts: Sequence[str]
    ends: tuple[Sequence[float], Sequence[float]] | None = None
    moment: int | None = None
    moment_text: str = ""


def curves(shown: Sequence[Curve], title: str) -> Figure:
    """Lines over the days since a purchase, the key moment of each as a diamond, the interval of those that have one
    as a band."""
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
        if curve.moment is not None:
            share = dict(zip(curve.days, curve.shares, strict=True))[curve.moment]
            traces.append(
                go.Scatter(
                    name=MOMENT, x=[curve.moment], y=[round(share, _DIGITS)], mode="markers",
                    marker={"color": colour, "size": 12, "symbol": "diamond", "line": {"width": 2, "color": SURFACE}},
                    hovertext=[curve.moment_text], hoverinfo="text",
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
        "shapes": [_unknown_column(place) for place, point in enumerate(shown) if point.value is None],
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


@dataclass(frozen=True)
class Line:
    """A cohort's values by its age; the ones that stand out are thick and named in the legend."""

    name: str
    values: Sequence[float]
    texts: Sequence[str]
    colour: str = ACCENT_PALE
    stands_out: bool = False


def ageing(lines: Sequence[Line], currency: str, title: str) -> Figure:
    """A thin line per cohort over its age in months."""
    import plotly.graph_objects as go

    traces = [
        go.Scatter(
            name=plain(line.name), x=list(range(len(line.values))), y=[as_float(value) for value in line.values],
            mode="lines+markers", opacity=1 if line.stands_out else 0.55,
            line={"color": line.colour, "width": 3 if line.stands_out else 1.4},
            marker={"color": line.colour, "size": 7 if line.stands_out else 4}, hovertext=list(line.texts),
            hoverinfo="text",
        )
        for line in sorted(lines, key=lambda line: line.stands_out)
    ]  # fmt: skip
    highest = max((value for line in lines for value in line.values), default=0)
    before, after = words.affixes(currency)
    layout = {
        "height": 360,
        "xaxis": {"title": _title("Months since the month of the first purchase"), "showgrid": False, "nticks": 8},
        "yaxis": {
            "title": _title(title), "rangemode": "tozero", "nticks": 6, "tickprefix": before, "ticksuffix": after,
            "tickformat": "~s" if highest >= 6 else ".2~f",
        },
        "margin": _MARGIN,
    }  # fmt: skip
    return drawn(traces, layout)


@dataclass(frozen=True)
class Column:
    """A month of a figure; `target` is None where none is set."""

    label: str
    value: float | None
    text: str
    is_open: bool = False
    target: float | None = None


def columns(shown: Sequence[Column], unit: str, currency: str, title: str = "") -> Figure:
    """Columns by month with their targets as bars across; a month that is not over is paler, an unknown one grey."""
    import plotly.graph_objects as go

    labels = [plain(one.label) for one in shown]
    digits = _DIGITS if unit == "share" else 2
    values = [None if one.value is None else as_float(one.value, digits) for one in shown]
    bars = go.Bar(
        name="Value", x=labels, y=values,
        marker={"color": ACCENT, "opacity": [0.45 if one.is_open else 1 for one in shown]},
        hovertext=[one.text for one in shown], hoverinfo="text",
    )  # fmt: skip
    aimed = {place: as_float(one.target, digits) for place, one in enumerate(shown) if one.target is not None}
    targets = go.Scatter(  # what the pointer finds; the line across is a shape, as wide as its column at any width
        name="Target", x=[labels[place] for place in aimed], y=list(aimed.values()), mode="markers",
        marker={"size": 3, "color": TARGET}, hovertext=[shown[place].text for place in aimed], hoverinfo="text",
    )  # fmt: skip
    axis: dict[str, Any] = {"tickformat": ".0%", "nticks": 5} if unit == "share" else amounts_of(
        [bars], "y", currency if unit == "currency" else None
    )  # fmt: skip
    layout = {
        "height": 280,
        "bargap": _GAP,
        "xaxis": {"type": "category", "showgrid": False, "nticks": 8, "tickangle": 0},
        "yaxis": {**axis, "rangemode": "tozero", **({"title": _title(title)} if title else {})},
        "shapes": [
            *(_unknown_column(place) for place, one in enumerate(shown) if one.value is None),
            *(_across(place, height) for place, height in aimed.items()),
        ],
    }
    return drawn([bars, *([targets] if aimed else [])], layout)


@dataclass(frozen=True)
class Benchmark:
    """A sector's shares by month."""

    name: str
    labels: Sequence[str]
    values: Sequence[float]


def stacked_shares(
    shown: Sequence[Column], parts: Sequence[tuple[str, str, Sequence[float | None]]], sectors: Sequence[Benchmark]
) -> Figure:
    """Columns of parts of a whole by month, and the first part of each sector as a line. Parts: name, colour, shares;
    a month that is not over is paler, an unknown one grey."""
    import plotly.graph_objects as go

    labels = [plain(one.label) for one in shown]
    traces: list[Any] = [
        go.Bar(
            name=name, x=labels, y=[None if share is None else round(share, _DIGITS) for share in shares],
            marker={"color": colour, "opacity": [0.45 if one.is_open else 1 for one in shown]},
            hovertext=[one.text for one in shown], hoverinfo="text",
        )
        for name, colour, shares in parts
    ]  # fmt: skip
    traces += [
        go.Scatter(
            name=plain(sector.name), x=list(sector.labels), y=[round(value, _DIGITS) for value in sector.values],
            mode="lines+markers", line={"color": INK, "width": 2, "dash": dash}, marker={"color": INK, "size": 7},
            hovertext=[f"{plain(sector.name)}: {words.percent(value)}" for value in sector.values], hoverinfo="text",
        )
        for sector, (_, dash) in zip(sectors, LINES, strict=False)
    ]  # fmt: skip
    layout = {
        "height": 300,
        "barmode": "stack",
        "bargap": 0.25,
        "xaxis": {"type": "category", "showgrid": False, "nticks": 8, "tickangle": 0, "categoryarray": labels,
                  "categoryorder": "array"},
        "yaxis": {"tickformat": ".0%", "range": [0, 1.01], "dtick": 0.25},
        "shapes": [_unknown_column(place) for place, one in enumerate(shown) if one.value is None],
    }  # fmt: skip
    return drawn(traces, layout)


def _unknown_column(place: int) -> dict[str, Any]:
    return {
        "type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": UNKNOWN, "opacity": 0.25,
        "xref": "x", "x0": place - 0.4, "x1": place + 0.4, "yref": "paper", "y0": 0, "y1": 1,
    }  # fmt: skip


def _across(place: int, height: float) -> dict[str, Any]:
    """A line as wide as the column at that place."""
    reach = (1 - _GAP) / 2
    return {
        "type": "line", "line": {"width": 3, "color": TARGET},
        "xref": "x", "x0": place - reach, "x1": place + reach, "yref": "y", "y0": height, "y1": height,
    }  # fmt: skip


def _above(point: Point) -> float:
    return 0 if point.high is None or point.value is None else point.high - point.value


def _below(point: Point) -> float:
    return 0 if point.low is None or point.value is None else point.value - point.low


def _title(text: str) -> dict[str, Any]:
    return {"text": text}
