"""Plotly figures from small frames of aggregates.

A figure names colours only by the variables of style.css (`var(--…)`); app.js looks them up when it draws, so that one
figure serves light, dark and print. Figures are plain values: that Plotly knows every one of their fields is for tests
to see, since its classes cost seconds of every night.
"""

from __future__ import annotations

import datetime as dt
import html
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate, cycle
from typing import Any

from pipeline.reporting import words
from pipeline.reporting.components import Figure

ACCENT, ACCENT_PALE = "var(--accent)", "var(--accent-pale)"
UNKNOWN, SURFACE, LINE = "var(--unknown)", "var(--surface)", "var(--line)"
INK, MUTED = "var(--ink)", "var(--muted)"
DIRECTION_COLOURS = {"better": "var(--better)", "worse": "var(--worse)", "entered": "var(--entered)"}
FLOW_COLOURS = {**{name: f"var(--flow-{name})" for name in DIRECTION_COLOURS}, "same": "var(--flow-same)"}
NEWCOMERS = "New customers"
EVOLUTION_COLOURS = {
    "better": DIRECTION_COLOURS["better"], "same": ACCENT_PALE, "worse": DIRECTION_COLOURS["worse"],
    "lost": "var(--lost)",
}  # fmt: skip
PART_COLOURS = ("var(--part-1)", "var(--part-2)", "var(--part-3)")
DASHES = ("solid", "dash", "dot", "dashdot")
"""Of lines: told apart without colour, too."""
_HEAT = [[0, "var(--heat-low)"], [0.5, "var(--heat-middle)"], [1, "var(--heat-high)"]]
_GAP = 0.3  # between columns, as a share of a month
FEW_DAYS = 3
"""Up to which days stand beside each other and no line or area is drawn between them."""
_MOST_NAMED_DAYS = 24
_FEW_MONTHS = 6
_NARROW = 120
"""Columns from which on there is no room between them."""
_LONGEST_NAME = 24
_WIDTH_OF_A_CELL = 8
"""Characters of a name below a column of a heatmap, on a phone."""
_MARKED = 40
"""Points of a line up to which each is marked."""
_SLIVERS = 0.4
"""Share of the highest level up to which the parts of a waterfall need an axis that does not begin at 0."""
_RAMP_STEPS = 10
_STEPS = {
    "champion": 1, "loyal": 2, "regular": 2, "potential_loyalist": 3, "new": 4, "promising": 5, "need_attention": 6,
    "about_to_sleep": 7, "cant_lose": 8, "cannot_lose": 8, "at_risk": 9, "hibernating": 10,
    "active": 1, "first_time": 3, "lead": 5, "defecting": 8, "lapsing": 8, "inactive": 10, "lapsed": 10,
    "growing": 2, "stable": 5, "declining": 9,
}  # fmt: skip
"""Of the ramp best … worst: a group has its colour wherever it is shown, whatever the groups beside it."""


# ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def migration(flows: Sequence[tuple[str | None, str, int]], ranks: Mapping[str, int]) -> Figure:
    """Sankey from the previous snapshot to this one. Flows: group before (None: new), group, customers."""
    worst, steps = len(ranks) + 1, max(ranks.values(), default=1)
    before = sorted({origin for origin, _, _ in flows}, key=lambda s: (s is None, ranks.get(s or "", worst), str(s)))
    after = sorted({target for _, target, _ in flows}, key=lambda s: (ranks.get(s, worst), s))
    nodes: list[tuple[int, str | None]] = [*((0, s) for s in before), *((1, s) for s in after)]
    place = {node: index for index, node in enumerate(nodes)}
    totals = [sum(flow[2] for flow in flows if flow[side] == segment) for side, segment in nodes]

    def name(segment: str | None) -> str:
        return plain(segment or NEWCOMERS)

    sankey = _trace(
        "sankey",
        arrangement="fixed",
        node={
            "label": [f"{name(s)} {words.short_count(total)}" for (_, s), total in zip(nodes, totals, strict=True)],
            "color": [
                DIRECTION_COLOURS["entered"] if s is None else group_colour(s, ranks.get(s, steps), steps)
                for _, s in nodes
            ],
            "x": [0.001 if side == 0 else 0.999 for side, _ in nodes],
            "y": _stacked(totals[: len(before)]) + _stacked(totals[len(before) :]),
            "pad": 12,
            "thickness": 12,
            "line": {"width": 0},
            "hovertemplate": "%{label}<extra></extra>",
        },
        link={
            "source": [place[0, origin] for origin, _, _ in flows],
            "target": [place[1, target] for _, target, _ in flows],
            "value": [customers for _, _, customers in flows],
            "color": [FLOW_COLOURS[direction(origin, target, ranks)] for origin, target, _ in flows],
            "customdata": [
                f"{name(origin)} → {name(target)}: {words.counted(customers, 'customer')}"
                for origin, target, customers in flows
            ],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        textfont={"size": 12.5},
    )
    return drawn([sankey], {"height": 520, "margin": {"l": 4, "r": 4, "t": 10, "b": 10}})


@dataclass(frozen=True)
class Series:
    """Bars of one colour; `values` are None where nothing is known and no bar stands."""

    name: str
    colour: str | Sequence[str]
    """Of all bars, or of each."""
    values: Sequence[Any]
    texts: Sequence[str]
    """What a reader is told who points at a bar; markup, so names in it go through `plain`."""
    opacity: float | Sequence[float] = 1
    digits: int = 2
    """Decimals of the values: 2 for amounts, 4 for shares."""


def horizontal_bars(
    labels: Sequence[str], series: Sequence[Series], currency: str | None, mode: str = "group"
) -> Figure:
    """Horizontal bars of groups, the first group on top."""
    traces = [_bars(one, [plain(label) for label in labels], horizontal=True) for one in series]
    bars = len(series) if mode == "group" else 1
    layout = {
        "barmode": mode,
        "bargap": 0.35,
        "bargroupgap": 0.08,
        "height": 60 + (18 + 16 * bars) * max(1, len(labels)),
        "xaxis": {"rangemode": "tozero", **amounts_of(traces, "x", currency)},
        "yaxis": {"autorange": "reversed", "showgrid": False, "ticks": "", **_names(labels)},
        "margin": {"l": 10, "r": 16, "t": 8, "b": 30},
    }
    return drawn(traces, layout)


def dots(
    labels: Sequence[str], series: Series, band: tuple[Sequence[Any], Sequence[Any]], beside: float | None,
    title: str, shares: bool = False, currency: str | None = None,
) -> Figure:  # fmt: skip
    """A dot with its interval in each row, the first row on top; `beside` is the value where nothing is to be seen."""
    values = [None if value is None else as_float(value, series.digits) for value in series.values]
    low, high = ([_apart(value, end) for value, end in zip(series.values, ends, strict=True)] for ends in band)
    trace = _trace(
        "scatter",
        name=plain(series.name),
        mode="markers",
        x=values,
        y=[plain(label) for label in labels],
        marker={"color": series.colour, "size": 9},
        error_x={
            "type": "data", "symmetric": False, "color": series.colour, "thickness": 1.5, "width": 4,
            "array": high, "arrayminus": low,
        },
        hovertext=list(series.texts),
        hoverinfo="text",
    )  # fmt: skip
    line = {"line": {"color": MUTED, "width": 1.5, "dash": "dot"}, "layer": "below"}
    ends = [float(value) for value in (*band[0], *band[1], *values) if value is not None]
    ticks: dict[str, Any] = {"nticks": 5, "tickformat": ".0%" if shares else "~g"}
    if currency is not None and ends:
        ticks = {**_ticks(min(0, *ends), max(ends), currency, steps=4), "rangemode": "tozero"}
    layout = {
        "height": 76 + 34 * max(1, len(labels)),
        "xaxis": {"title": {"text": title[:1].upper() + title[1:]}, "zeroline": False, **ticks},
        "yaxis": {
            "type": "category", "autorange": "reversed", "showgrid": True, "ticks": "", **_names(labels, always=True)
        },
        "shapes": []
        if beside is None
        else [{"type": "line", "x0": beside, "x1": beside, "yref": "paper", "y0": 0, "y1": 1, **line}],
        "margin": {"l": 10, "r": 16, "t": 8, "b": 46},
    }  # fmt: skip
    return drawn([trace], layout)


def _apart(value: Any, end: Any) -> float | None:
    return None if value is None or end is None else round(abs(float(end) - float(value)), 6)


def _names(labels: Sequence[str], always: bool = False) -> dict[str, Any]:
    """Ticks for names that are too long for a phone: on two lines, and cut; the hover has them whole."""
    names = list(dict.fromkeys(labels))
    if not always and all(len(name) <= _LONGEST_NAME for name in names):
        return {}
    short = ["<br>".join(map(plain, in_lines(name))) for name in names]
    return {"tickmode": "array", "tickvals": [plain(name) for name in names], "ticktext": short}


def in_lines(name: str, width: int = _LONGEST_NAME) -> list[str]:
    """A name on two lines at most, cut where it is longer; of a pair, "this + that", each on a line of its own."""
    first, pair, second = name.partition(" + ")
    lines = textwrap.wrap(name, width) or [name]
    if len(lines) > 1 and pair:
        return [f"{_cut(first, width)} +", _cut(second, width)]
    return lines if len(lines) <= 2 else [lines[0], _cut(" ".join(lines[1:]), width)]


def _cut(name: str, width: int) -> str:
    """The start of a long name, and the id in brackets behind it: it tells products of one name apart."""
    if len(name) <= width:
        return name
    before, _, last = name.rpartition(" ")
    end = f" {last}" if before and last.startswith("(") and len(last) <= width // 2 else ""
    return f"{name[: width - 2 - len(end)].rstrip()} …{end}"


def waterfall(ends: tuple[tuple[str, Any], tuple[str, Any]], parts: Sequence[tuple[str, Any]], currency: str) -> Figure:
    """From the first end over the parts of the change to the second, horizontal, so that the names fit a phone."""
    (first, opening), (last, closing) = ends
    steps = [(first, opening), *parts, (last, closing)]
    shown = [words.short_money(value, currency) for _, value in steps]
    shown[1:-1] = [words.change(value, lambda amount: words.short_money(amount, currency)) for _, value in parts]
    trace = _trace(
        "waterfall",
        orientation="h",
        measure=["absolute", *(["relative"] * len(parts)), "total"],
        # The amounts stand with the names: beside the bars there is no room for them on a phone.
        y=[f"{plain(name)}<br><b>{amount}</b>" for (name, _), amount in zip(steps, shown, strict=True)],
        x=[as_float(value) for _, value in steps],
        hovertext=[f"{plain(name)}: {words.money(value, currency)}" for name, value in steps],
        hoverinfo="text",
        totals={"marker": {"color": ACCENT}},
        increasing={"marker": {"color": DIRECTION_COLOURS["better"]}},
        decreasing={"marker": {"color": DIRECTION_COLOURS["worse"]}},
        connector={"line": {"color": "var(--line-strong)", "width": 1}},
    )
    levels = list(accumulate((float(value) for _, value in parts), initial=float(opening)))
    start = _broken(levels)
    low = min(0, *levels) if start is None else start
    layout: dict[str, Any] = {
        "height": 60 + 44 * len(steps),
        "xaxis": {
            "zeroline": True,
            **_ticks(low, max(0, *levels), currency, steps=3),
        },
        "yaxis": {"autorange": "reversed", "showgrid": False, "ticks": ""},
        "margin": {"l": 10, "r": 16, "t": 8, "b": 30},
    }
    if start is not None:
        layout["xaxis"]["range"] = [start, max(levels) + 0.05 * (max(levels) - start)]
        layout["xaxis"]["title"] = _clear(f"Axis begins at {words.short_money(start, currency, is_round=True)}")
        layout["shapes"] = [mark for place in (0, len(steps) - 1) for mark in _break_marks(place)]
        layout["margin"]["b"] = 52
    return drawn([trace], layout)


def _broken(levels: Sequence[float]) -> float | None:
    """Where an axis is to begin whose bars are all far above 0, so that their differences are seen; None: at 0."""
    lowest, spread = min(levels), max(levels) - min(levels)
    if lowest <= 0 or spread == 0 or spread > _SLIVERS * max(levels):
        return None
    step = 10.0 ** math.floor(math.log10(spread / 2))
    return math.floor((lowest - 0.35 * spread) / step) * step


def _break_marks(place: int) -> list[dict[str, Any]]:
    """Two strokes across a bar near the axis: it goes on to the left."""
    return [
        {"type": "line", "xref": "paper", "yref": "y", "x0": x, "x1": x + 0.012, "y0": place + 0.46, "y1": place - 0.46,
         "line": {"color": SURFACE, "width": 3}}
        for x in (0.03, 0.05)
    ]  # fmt: skip


def areas(
    days: Sequence[dt.date], series: Sequence[Series], currency: str | None, breaks: Sequence[dt.date] = ()
) -> Figure:
    """Areas on top of each other from day to day, the first at the foot; dotted lines where the measure changes."""
    at = [f"{day:%Y-%m-%d}" for day in days]
    traces = [
        _trace(
            "scatter",
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
    dates: dict[str, Any] = {"type": "date", "tickformat": "%-d %b\n%Y", "showgrid": False, "nticks": 5, "tickangle": 0}
    # A little room at both ends, or the first and the last day have no label.
    room = max(1, round((days[-1] - days[0]).days / 40))
    dates["range"] = [f"{day:%Y-%m-%d}" for day in (days[0] - dt.timedelta(room), days[-1] + dt.timedelta(room))]
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


@dataclass(frozen=True)
class Line:
    """A line by what lies below it; the ones that stand out are thick."""

    name: str
    at: Sequence[Any]
    values: Sequence[Any]
    texts: Sequence[str]
    colour: str = ACCENT_PALE
    stands_out: bool = False
    is_dashed: bool = False


def lines(
    shown: Sequence[Line], titles: tuple[str, str], currency: str | None, shares: bool = False,
    band: tuple[Sequence[Any], Sequence[Any], Sequence[Any]] | None = None, are_days: bool = False,
    shade: tuple[Any, Any] | None = None,
) -> Figure:  # fmt: skip
    """Lines over numbers, days or names, with the band of an interval: where, its lower and its upper ends; `shade`:
    the ends of what lies on a darker ground."""
    digits = 4 if shares else 2
    traces: list[Any] = []
    if band is not None:
        at, *ends = band
        low, high = ([None if end is None else as_float(end, digits) for end in side] for side in ends)
        traces.append(_trace("scatter", x=[*at, *at[::-1]], y=high + low[::-1], fill="toself", mode="none",
                                 fillcolor="var(--accent-soft)", hoverinfo="skip"))  # fmt: skip
    traces += [
        _trace(
            "scatter",
            name=plain(line.name), x=list(line.at),
            y=[None if value is None else as_float(value, digits) for value in line.values],
            mode="lines" if len(line.at) > _MARKED else "lines+markers", opacity=1 if line.stands_out else 0.55,
            line={"color": line.colour, "width": 3 if line.stands_out else 1.4,
                  **({"dash": "dash"} if line.is_dashed else {})},
            marker={"color": line.colour, "size": 7 if line.stands_out else 4}, hovertext=list(line.texts),
            hoverinfo="text",
        )
        for line in sorted(shown, key=lambda line: line.stands_out)
    ]  # fmt: skip
    highest = max((value for line in shown for value in line.values if value is not None), default=0)
    before, after = ("", "") if currency is None else words.affixes(currency)
    amounts = {"tickprefix": before, "ticksuffix": after, "tickformat": "~s" if highest >= 6 else ".2~f"}
    layout = {
        "height": 360,
        "xaxis": {
            "title": {"text": titles[0]}, "showgrid": False, "nticks": 8,
            **(_each_day(sorted({day for line in shown for day in line.at})) if are_days else {}),
        },
        "yaxis": {
            "title": {"text": titles[1]}, "rangemode": "tozero", "nticks": 6,
            **({"tickformat": ".0%"} if shares else amounts),
        },
        "shapes": [] if shade is None else [
            {"type": "rect", "xref": "x", "yref": "paper", "layer": "below", "line": {"width": 0},
             "fillcolor": "var(--soft)", "x0": shade[0], "x1": shade[1], "y0": 0, "y1": 1}
        ],
        "margin": {"l": 10, "r": 16, "t": 8, "b": 46},
    }  # fmt: skip
    return drawn(traces, layout)


def _each_day(days: Sequence[str]) -> dict[str, Any]:
    """An axis of dates, with a tick at each of a few days: Plotly would name the month that begins after it."""
    if len(days) > _MOST_NAMED_DAYS:
        return {"type": "date"}
    told = [words.short_day(dt.date.fromisoformat(day)).rpartition(" ") for day in days]
    return {"type": "date", "tickangle": 0, "tickvals": list(days), "ticktext": [f"{day}<br>{y}" for day, _, y in told]}


def calibration(
    predicted: Sequence[float], observed: Sequence[float], low: Sequence[float], high: Sequence[float],
    texts: Sequence[str],
) -> Figure:  # fmt: skip
    """Shares that happened against their probability, with intervals; on the dotted line both are equal."""
    top = round(min(1.0, 1.06 * max(0.05, *predicted, *high)), 4)
    even = _trace(
        "scatter",
        name="As predicted", x=[0, top], y=[0, top], mode="lines", hoverinfo="skip",
        line={"color": MUTED, "width": 1.5, "dash": "dot"}, marker={"color": MUTED},
    )  # fmt: skip
    ends = ([_apart(share, end) for share, end in zip(observed, side, strict=True)] for side in (high, low))
    points = _trace(
        "scatter",
        name="What happened, with its 95% interval", x=[as_float(x, 4) for x in predicted],
        y=[as_float(y, 4) for y in observed], mode="lines+markers", line={"color": ACCENT, "width": 1},
        error_y={"type": "data", "symmetric": False, "thickness": 1.6, "width": 4, "color": ACCENT,
                 **dict(zip(("array", "arrayminus"), ends, strict=True))},
        marker={"color": ACCENT, "size": 8}, hovertext=list(texts), hoverinfo="text",
    )  # fmt: skip
    share = {"tickformat": ".0%" if top > 0.1 else ".1%", "range": [0, top], "nticks": 6}
    layout = {
        "height": 340,
        "xaxis": {**share, "title": _clear("Probability to buy, as predicted")},
        "yaxis": {**share, "title": _clear("Share that bought"), "rangemode": "tozero"},
        "margin": {"l": 10, "r": 16, "t": 8, "b": 46},
    }
    return drawn([even, points], layout)


def upright_bars(
    labels: Sequence[str], series: Sequence[Series], aims: Sequence[float | None],
    overlays: Sequence[tuple[str, Mapping[str, float]]], mode: str, currency: str | None, shares: bool, whole: bool,
    are_days: bool = False, titles: tuple[str, str] = ("", ""),
) -> Figure:  # fmt: skip
    """Bars by place, such as months, from left to right; what is unknown is grey.

    `aims`: a bar across each place, None where there is none. `overlays`: name and values by place of lines. `shares`:
    the values are; `whole`: their stack is 100 %. The labels are markup, or days on an axis of dates.
    """
    traces: list[Any] = [_bars(one, labels) for one in series]
    axis: dict[str, Any] = {"tickformat": ".0%", "nticks": 5} if shares else amounts_of(traces, "y", currency)
    reached = {place: aim for place, aim in enumerate(aims) if aim is not None}
    if reached:  # what the pointer finds; the line across is a shape, as wide as its column at any width
        traces.append(_trace(
            "scatter",
            name="Target", x=[labels[place] for place in reached], y=list(reached.values()), mode="markers",
            marker={"size": 3, "color": INK}, hovertext=[series[0].texts[place] for place in reached],
            hoverinfo="text",
        ))  # fmt: skip
    traces += [
        _trace(
            "scatter",
            name=plain(name), x=list(values), y=[as_float(value, 4) for value in values.values()],
            mode="lines+markers", line={"color": INK, "width": 2, "dash": dash}, marker={"color": INK, "size": 7},
            hovertext=[f"{plain(name)}: {words.percent(value)}" for value in values.values()], hoverinfo="text",
        )
        for (name, values), dash in zip(overlays, cycle(DASHES), strict=False)
    ]  # fmt: skip
    layout: dict[str, Any] = {
        "height": 300 if whole else 280,
        "bargap": 0.25 if whole else _GAP,
        "xaxis": {"type": "category", "showgrid": False, "nticks": 12, "tickangle": 0},
        "yaxis": {**axis, "rangemode": "tozero"},
        "shapes": [
            *(unknown_column(n) for n in range(0 if are_days else len(labels))
              if all(one.values[n] is None for one in series)),
            *(_across(place, height) for place, height in reached.items()),
        ],
    }  # fmt: skip
    if are_days:
        layout["xaxis"] = _days_axis(labels)
        layout["bargap"] = _GAP if len(labels) < _NARROW else 0
    for name, title in zip(("xaxis", "yaxis"), titles, strict=True):
        if title:
            layout[name]["title"] = _clear(title)
            layout["margin"] = {"l": 10, "r": 10, "t": 8, "b": 46}
    if len(series) > 1:
        layout["barmode"] = mode
    if overlays or whole:
        layout["xaxis"] |= {"categoryarray": list(labels), "categoryorder": "array"}
    if whole:
        layout["yaxis"] = {"tickformat": ".0%", "range": [0, 1.01], "dtick": 0.25}
    return drawn(traces, layout)


def _days_axis(days: Sequence[str]) -> dict[str, Any]:
    """Of a few months each is named, or a tick of each week would repeat the month's name."""
    are_months = all(day.endswith("-01") for day in days)
    axis = {"type": "date", "tickformat": "%b\n%Y" if are_months else "%-d %b\n%Y", "showgrid": False, "nticks": 8}
    return axis | ({"tickvals": list(days)} if are_months and len(days) <= _FEW_MONTHS else {})


@dataclass(frozen=True)
class HeatCell:
    """A cell of a heatmap: column and row from 0 on. `value` None is unknown, and grey."""

    column: int
    row: int
    value: float | None
    shown: str
    text: str


def heatmap(columns: Sequence[str], rows: Sequence[str], cells: Sequence[HeatCell], titles: tuple[str, str],
            height: int = 320) -> Figure:  # fmt: skip
    """Cells of two scales, the first row at the bottom; those without a value are grey."""
    known = {(cell.row, cell.column): cell for cell in cells}
    top = max((cell.value for cell in cells if cell.value is not None), default=0) or 1

    def of(row: int, column: int, field: str) -> Any:
        cell = known.get((row, column))
        return None if cell is None else getattr(cell, field)

    heat = _trace(
        "heatmap",
        x=list(range(len(columns))),
        y=list(range(len(rows))),
        z=[[_four(of(row, column, "value")) for column in range(len(columns))] for row in range(len(rows))],
        hovertext=[[of(row, column, "text") or "" for column in range(len(columns))] for row in range(len(rows))],
        hoverinfo="text", colorscale=_HEAT, zmin=0, zmax=_four(top), showscale=False, xgap=3, ygap=3,
    )  # fmt: skip
    places = [(row, column) for row in range(len(rows)) for column in range(len(columns))]
    axis = {"showgrid": False, "zeroline": False, "ticks": ""}
    layout = {
        "height": height,
        "plot_bgcolor": SURFACE,
        "xaxis": {
            **axis, "tickvals": list(range(len(columns))), "tickangle": 0,
            "ticktext": ["<br>".join(map(plain, in_lines(name, _WIDTH_OF_A_CELL))) for name in columns],
            "title": _clear(titles[0]),
        },
        "yaxis": {
            **axis, "tickangle": 0, "tickvals": list(range(len(rows))), "ticktext": [plain(name) for name in rows],
            "title": _clear(titles[1]),
        },
        "margin": {"l": 10, "r": 6, "t": 8, "b": 46},
        "annotations": [
            {"x": cell.column, "y": cell.row, "text": cell.shown, "showarrow": False,
             "font": {"color": _ink(cell.value, top), "size": 12.5}}
            for cell in cells
        ],
        "shapes": unknown_cells([place for place in places if of(*place, "value") is None]),
    }  # fmt: skip
    return drawn([heat], layout)


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def legend(figure: Figure) -> tuple[tuple[str, str], ...]:
    """Name and colour of the traces, where there is more than one to tell apart."""
    traces = [(trace["name"], trace["marker"]["color"]) for trace in figure["data"]]
    return tuple(traces) if len(traces) > 1 else ()


def _bars(one: Series, at: Sequence[str], horizontal: bool = False) -> Any:
    values = [None if value is None else as_float(value, one.digits) for value in one.values]
    return _trace(
        "bar",
        name=plain(one.name),
        orientation="h" if horizontal else "v",
        x=values if horizontal else list(at),
        y=list(at) if horizontal else values,
        marker={"color": one.colour} if one.opacity == 1 else {"color": one.colour, "opacity": one.opacity},
        hovertext=list(one.texts),
        hoverinfo="text",
    )


def group_colour(name: str, rank: int, ranks: int) -> str:
    """Colour of a group that is known by its name, as key or as label; else that of its rank."""
    key = re.sub(r"[^a-z]+", "_", name.lower()).strip("_").removesuffix("s")
    by_rank = 1 if ranks < 2 else 1 + round((min(rank, ranks) - 1) * (_RAMP_STEPS - 1) / (ranks - 1))
    return f"var(--rank-{_STEPS.get(key, by_rank)})"


def direction(origin: str | None, target: str, ranks: Mapping[str, int]) -> str:
    if origin is None:
        return "entered"
    if origin == target:
        return "same"
    return "better" if ranks.get(target, 0) < ranks.get(origin, len(ranks) + 1) else "worse"


def drawn(traces: Sequence[Any], layout: Mapping[str, Any]) -> Figure:
    """The figure as plain JSON values, with what all figures share."""
    axis = {
        "fixedrange": True,
        "automargin": True,
        **dict.fromkeys(("gridcolor", "linecolor", "zerolinecolor"), LINE),
        "tickfont": {"color": MUTED},
        "title": {"font": {"color": MUTED, "size": 12}},
        "autotickangles": [0, -45],
    }
    shared = {
        "font": {"family": "var(--font)", "size": 12.5, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {"bgcolor": "var(--raised)", "bordercolor": LINE, "font": {"color": INK}, "align": "left"},
        "dragmode": False,
        "margin": {"l": 10, "r": 10, "t": 8, "b": 34},
        "showlegend": False,  # the page says it, where a screen reader and a phone can follow: see `legend`
    }  # fmt: skip
    axes = {name: _merged(axis, layout[name]) for name in ("xaxis", "yaxis") if name in layout}
    told = {**shared, **layout, **axes}
    return {"data": list(traces), "layout": {name: value for name, value in told.items() if value != []}}


def _trace(kind: str, **fields: Any) -> dict[str, Any]:
    """What Plotly calls a trace: data and how they are drawn."""
    return {"type": kind, **fields}


def _scale(traces: Sequence[Any], axis: str) -> dict[str, Any]:
    """How the ticks of stacked amounts are written: 20k, and never 200m for a fifth."""
    stacks = zip(*([abs(value or 0) for value in trace[axis]] for trace in traces), strict=True)
    highest = max((sum(stack) for stack in stacks), default=0)
    if highest >= 6:  # with at most six ticks these are whole numbers
        return {"tickformat": "~s"}
    whole = all(isinstance(value, int | None) for trace in traces for value in trace[axis])
    return {"tickformat": "d", "dtick": 1} if whole else {"tickformat": ".2~f"}


def amounts_of(traces: Sequence[Any], axis: str, currency: str | None) -> dict[str, Any]:
    """The same for amounts of money, with the currency; where some are negative, with the minus before it."""
    if currency is None:
        return {**_scale(traces, axis), "nticks": 5}
    stacks = list(zip(*([value or 0 for value in trace[axis]] for trace in traces), strict=True))
    lowest = min((sum(min(0, value) for value in stack) for stack in stacks), default=0)
    if lowest < 0:
        return _ticks(lowest, max(sum(max(0, value) for value in stack) for stack in stacks), currency)
    before, after = words.affixes(currency)
    return {**_scale(traces, axis), "nticks": 5, "tickprefix": before, "ticksuffix": after}


def _ticks(low: float, high: float, currency: str, steps: int = 5) -> dict[str, Any]:
    """At most `steps` steps of a round amount, with 0 among their ends. (Plotly would write a prefix first: £−200k.)"""
    rough = (high - low) / steps or 1
    power = 10 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough)
    values = [round(n * step, 6) for n in range(math.ceil(low / step), math.floor(high / step) + 1)]

    def written(value: float) -> str:
        return words.short_money(value, currency, is_round=True) if step >= 1 else words.money(value, currency)

    return {"tickvals": values, "ticktext": [written(value) for value in values]}


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`own` on top of `base`, one level down too."""
    deep = {k: {**base[k], **v} for k, v in own.items() if isinstance(v, Mapping) and isinstance(base.get(k), Mapping)}
    return {**base, **own, **deep}


def unknown_cells(cells: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Grey squares where there is no value: unknown is not the low end of the scale."""
    return [
        {"type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": UNKNOWN, "opacity": 0.35,
         "x0": second - 0.47, "x1": second + 0.47, "y0": first - 0.47, "y1": first + 0.47}
        for first, second in sorted(cells)
    ]  # fmt: skip


def _stacked(sizes: Sequence[int]) -> list[float]:
    """Middles of bars stacked from top to bottom, within (0, 1), with a little room between them."""
    whole = sum(sizes) or 1
    room = min(0.03, 0.4 / max(1, len(sizes)))
    scale, middles, top = (1 - room * max(0, len(sizes) - 1)), [], 0.0
    for size in sizes:
        height = scale * size / whole
        middles.append(round(min(0.999, max(0.001, top + height / 2)), 4))
        top += height + room
    return middles


def unknown_column(place: int) -> dict[str, Any]:
    """A grey column where nothing is known."""
    return {
        "type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": UNKNOWN, "opacity": 0.25,
        "xref": "x", "x0": place - 0.4, "x1": place + 0.4, "yref": "paper", "y0": 0, "y1": 1,
    }  # fmt: skip


def _across(place: int, height: float) -> dict[str, Any]:
    """A line as wide as the column at that place."""
    reach = (1 - _GAP) / 2
    return {
        "type": "line", "line": {"width": 3, "color": INK},
        "xref": "x", "x0": place - reach, "x1": place + reach, "yref": "y", "y0": height, "y1": height,
    }  # fmt: skip


def _ink(value: float | None, top: float) -> str:
    if value is None:
        return INK
    return "var(--on-heat-high)" if value / top >= 0.5 else "var(--on-heat-low)"


def _four(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)


def _clear(text: str) -> dict[str, Any]:
    """The title of an axis, clear of its ticks however long they are."""
    return {"text": text, "standoff": 10}


def as_float(value: Any, digits: int = 2) -> float:
    """Few decimals: sums of DOUBLEs differ in their last digits from run to run."""
    return round(float(value), digits) if isinstance(value, (Decimal, float)) else value


def plain(text: str) -> str:
    """Text that Plotly must not read as markup."""
    return html.escape(text, quote=False)
