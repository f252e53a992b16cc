"""Plotly figures of the pages on predictions, from small frames of aggregates. What `charts` says holds here, too."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.reporting import words
from pipeline.reporting.charts import (
    ACCENT,
    ACCENT_PALE,
    LINE,
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

SEEN, EXPECTED = ACCENT, PART_COLOURS[1]
NAIVE = PART_COLOURS[1]
IMPOSSIBLE = UNKNOWN
_SMALL = 11


@dataclass(frozen=True)
class Bin:
    """A bar of a histogram: from `low` up to `high`, which is None for all that lies above."""

    low: float
    high: float | None
    customers: int
    text: str


def histogram(bins: Sequence[Bin], currency: str) -> Figure:
    """Customers by predicted value; the last bar, apart and paler, is all that lies above."""
    import plotly.graph_objects as go

    width = next((one.high - one.low for one in bins if one.high is not None), 1.0)
    body, tail = [one for one in bins if one.high is not None], [one for one in bins if one.high is None]
    end = max((one.high or 0 for one in body), default=0.0)
    places = [*((one.low + width / 2) for one in body), *(end + 2 * width for _ in tail)]
    trace = go.Bar(
        x=[round(place, 6) for place in places],
        y=[one.customers for one in (*body, *tail)],
        width=[round(width * 0.92, 6) for _ in body] + [round(width * 1.8, 6) for _ in tail],
        marker={"color": [ACCENT] * len(body) + [ACCENT_PALE] * len(tail)},
        hovertext=[one.text for one in (*body, *tail)],
        hoverinfo="text",
    )
    step = _step(end / 5)
    ticks = [step * n for n in range(math.floor(end / step + 1e-9) + 1)]
    if tail and ticks and end - ticks[-1] < 1.5 * width:
        ticks = ticks[:-1]
    labels = [_tick(tick, currency) for tick in ticks]
    above = [f"over<br>{words.short_money(tail[0].low, currency)}"] if tail else []
    layout = {
        "height": 300,
        "bargap": 0,
        "xaxis": {
            "showgrid": False,
            "tickvals": [*(round(tick, 6) for tick in ticks), *(places[-1:] if tail else [])],
            "ticktext": [*labels, *above],
            "tickangle": 0,
            "range": [-0.5 * width, (places[-1] + 1.2 * width) if tail else end + 0.5 * width],
        },
        "yaxis": amounts_of([trace], "y", None),
        "margin": {"l": 10, "r": 16, "t": 8, "b": 40},
    }
    return drawn([trace], layout)


def lorenz(points: Sequence[tuple[float, float]]) -> Figure:
    """Share of the value by share of the customers, the most valuable first; dotted: everyone alike."""
    import plotly.graph_objects as go

    x, y = ([round(value, 5) for value in side] for side in zip(*points, strict=True))
    curve = go.Scatter(
        name="Predicted value", x=x, y=y, mode="lines", line={"color": ACCENT, "width": 2.5}, marker={"color": ACCENT},
        fill="tozeroy", fillcolor="var(--accent-soft)", hoverinfo="text",
        hovertext=[f"The top {words.percent(a)} hold {words.percent(b)}" for a, b in points],
    )  # fmt: skip
    alike = go.Scatter(
        name="If everyone were alike", x=[0, 1], y=[0, 1], mode="lines", hoverinfo="skip",
        line={"color": MUTED, "width": 1.5, "dash": "dot"}, marker={"color": MUTED},
    )  # fmt: skip
    share = {"tickformat": ".0%", "range": [0, 1.02], "dtick": 0.25}
    layout = {
        "height": 340,
        "xaxis": {**share, "title": _title("Share of customers, the most valuable first"), "range": [0, 1]},
        "yaxis": {**share, "title": _title("Share of the predicted value")},
        "margin": {"l": 10, "r": 16, "t": 8, "b": 46},
    }
    return drawn([curve, alike], layout)


@dataclass(frozen=True)
class Spot:
    """Customers with about so many expected orders of about so much; of the shares of a power of ten."""

    orders: float
    spend: float
    customers: int
    text: str


def orders_and_spend(spots: Sequence[Spot], kept: float, currency: str) -> Figure:
    """Bubbles on two logarithmic axes; dotted lines join what is worth the same. `kept`: predicted value over expected
    orders × spend."""
    import plotly.graph_objects as go

    most = max((spot.customers for spot in spots), default=1)
    bubbles = go.Scatter(
        name="Customers",
        mode="markers",
        x=[round(math.log10(spot.orders), 4) for spot in spots],
        y=[round(math.log10(spot.spend), 4) for spot in spots],
        marker={
            "color": ACCENT, "opacity": 0.75, "line": {"width": 0.5, "color": SURFACE},
            "size": [round(4 + 24 * math.sqrt(spot.customers / most), 1) for spot in spots],
        },
        hovertext=[spot.text for spot in spots],
        hoverinfo="text",
    )  # fmt: skip
    x_range, y_range = ([low - 0.12, high + 0.12] for low, high in (_ends(bubbles.x), _ends(bubbles.y)))
    lines, notes = [], []
    for value in _levels(spots, kept):
        ends = _crossing(math.log10(value / kept), x_range, y_range)
        if ends is None:
            continue
        (x0, y0), (x1, y1) = ends
        lines.append(
            go.Scatter(
                name="Same value",
                x=[round(x0, 4), round(x1, 4)],
                y=[round(y0, 4), round(y1, 4)],
                mode="lines",
                line={"color": MUTED, "width": 1.2, "dash": "dot"},
                marker={"color": MUTED},
                hoverinfo="skip",
            )
        )
        notes.append(_label(x0 + 0.03 * (x1 - x0), y0 + 0.03 * (y1 - y0), words.short_money(value, currency)))
    layout = {
        "height": 400,
        "xaxis": {**_powers(x_range, words.number), "title": _title("Purchases expected within a year")},
        "yaxis": {
            **_powers(y_range, lambda tick: _tick(tick, currency)),
            "title": _title("Expected value of one purchase"),
        },
        "annotations": notes,
        "margin": {"l": 10, "r": 12, "t": 8, "b": 46},
    }  # fmt: skip
    return drawn([bubbles, *lines], layout)


def calibration(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Share that bought against the probability, with 95 % intervals; on the dotted line both are equal. Rows:
    predicted, observed, low, high, customers."""
    import plotly.graph_objects as go

    top = min(1.0, 1.06 * max([0.05, *(max(row["predicted"], row["high"]) for row in rows)]))
    even = go.Scatter(
        name="What was promised", x=[0, round(top, 4)], y=[0, round(top, 4)], mode="lines", hoverinfo="skip",
        line={"color": MUTED, "width": 1.5, "dash": "dot"}, marker={"color": MUTED},
    )  # fmt: skip
    points = go.Scatter(
        name="What happened, with its 95% interval",
        x=[_rounded(row["predicted"]) for row in rows],
        y=[_rounded(row["observed"]) for row in rows],
        error_y={
            "type": "data", "symmetric": False, "thickness": 1.6, "width": 4, "color": ACCENT,
            "array": [_rounded(row["high"] - row["observed"]) for row in rows],
            "arrayminus": [_rounded(row["observed"] - row["low"]) for row in rows],
        },
        mode="lines+markers", line={"color": ACCENT, "width": 1}, marker={"color": ACCENT, "size": 8},
        hovertext=[
            f"{words.counted(row['customers'], 'customer')}<br>probability {words.percent(row['predicted'])}<br>"
            f"bought {words.percent(row['observed'])} ({words.percent(row['low'])} to {words.percent(row['high'])})"
            for row in rows
        ],
        hoverinfo="text",
    )  # fmt: skip
    share = {"tickformat": ".0%" if top > 0.1 else ".1%", "range": [0, round(top, 4)], "nticks": 6}
    layout = {
        "height": 340,
        "xaxis": {**share, "title": _title("Probability to buy, as predicted")},
        "yaxis": {**share, "title": _title("Share that bought"), "rangemode": "tozero"},
        "margin": {"l": 10, "r": 16, "t": 8, "b": 46},
    }
    return drawn([even, points], layout)


def tracking(rows: Sequence[Mapping[str, Any]], column: str) -> Figure:
    """Repeat purchases seen and expected by week, the weeks after the model stopped learning shaded. `column`: ""
    for those of the week, "_cumulative" for those up to it."""
    import plotly.graph_objects as go

    weeks = [f"{row['week_ends_on']:%Y-%m-%d}" for row in rows]

    def line(name: str, key: str, colour: str, dash: str) -> Any:
        return go.Scatter(
            name=name, x=weeks, y=[as_float(row[f"{key}{column}"]) for row in rows], mode="lines",
            line={"color": colour, "width": 2.2, "dash": dash}, marker={"color": colour}, hoverinfo="text",
            hovertext=[
                f"Week to {words.short_day(row['week_ends_on'])}<br>{name}: {words.count(row[f'{key}{column}'])}"
                for row in rows
            ],
        )  # fmt: skip

    lines = [line("Seen", "actual", SEEN, "solid"), line("Expected", "expected", EXPECTED, "dash")]
    held = [week for week, row in zip(weeks, rows, strict=True) if row["is_holdout"]]
    before = [week for week, row in zip(weeks, rows, strict=True) if not row["is_holdout"]]
    shades = [
        {"type": "rect", "xref": "x", "yref": "paper", "layer": "below", "line": {"width": 0},
         "fillcolor": "var(--soft)", "x0": before[-1] if before else held[0], "x1": held[-1], "y0": 0, "y1": 1}
    ] if held else []  # fmt: skip
    layout = {
        "height": 320,
        "xaxis": {"type": "date", "tickformat": "%b\n%Y", "showgrid": False, "nticks": 8},
        "yaxis": {"rangemode": "tozero", "tickformat": "~s", "nticks": 6},
        "shapes": shades,
    }
    return drawn(lines, layout)


def seen_and_expected(
    labels: Sequence[str],
    seen: Sequence[float],
    expected: Sequence[float],
    texts: Sequence[str],
    titles: tuple[str, str],
    ticks: str = "",
) -> Figure:
    """What happened beside what was expected, in groups of customers. `titles`: of the groups, of what is counted."""
    import plotly.graph_objects as go

    traces = [
        go.Bar(
            name=name, x=list(labels), y=[_rounded(value) for value in values], marker={"color": colour},
            hovertext=[
                f"{text}<br>{name}: {words.percent(value) if '%' in ticks else words.number(value)}"
                for text, value in zip(texts, values, strict=True)
            ],
            hoverinfo="text",
        )
        for name, values, colour in (("Seen", seen, SEEN), ("Expected", expected, EXPECTED))
    ]  # fmt: skip
    layout = {
        "height": 320,
        "barmode": "group",
        "bargap": 0.3,
        "bargroupgap": 0.06,
        "xaxis": {"type": "category", "showgrid": False, "title": _title(titles[0])},
        "yaxis": {
            "rangemode": "tozero",
            "nticks": 6,
            "title": _title(titles[1]),
            **({"tickformat": ticks} if ticks else {}),
        },
        "margin": {"l": 10, "r": 10, "t": 8, "b": 46},
    }
    return drawn(traces, layout)


def captures(rows: Sequence[tuple[str, float, bool]]) -> Figure:
    """Share that the best-ranked tenth brought; rows: name, share, whether it is a naive baseline."""
    import plotly.graph_objects as go

    names = [plain(name) for name, _, _ in rows]
    traces = [
        go.Bar(
            name=name, orientation="h", y=names,
            x=[_rounded(share) if naive == is_naive else None for _, share, naive in rows], marker={"color": colour},
            text=[words.percent(share) if naive == is_naive else "" for _, share, naive in rows],
            textposition="outside", cliponaxis=False,
            hovertext=[f"{label}: {words.percent(share)}" for label, (_, share, _) in zip(names, rows, strict=True)],
            hoverinfo="text",
        )
        for name, is_naive, colour in (("Models", False, ACCENT), ("Naive baselines", True, NAIVE))
    ]  # fmt: skip
    lot = {"type": "line", "x0": 0.1, "x1": 0.1, "yref": "paper", "y0": 0, "y1": 1,
           "line": {"color": MUTED, "width": 1.5, "dash": "dot"}}  # fmt: skip
    layout = {
        "height": 70 + 34 * max(1, len(rows)),
        "barmode": "overlay",
        "bargap": 0.4,
        "xaxis": {"tickformat": ".0%", "rangemode": "tozero", "nticks": 5},
        "yaxis": {"autorange": "reversed", "showgrid": False, "ticks": ""},
        "shapes": [lot],
        "margin": {"l": 10, "r": 52, "t": 8, "b": 30},
    }
    return drawn(traces, layout)


def drift(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """A parameter over the snapshots with its 95 % interval. Rows: snapshot_date, estimate, standard_error."""
    import plotly.graph_objects as go

    trace = go.Scatter(
        x=[f"{row['snapshot_date']:%Y-%m-%d}" for row in rows],
        y=[_rounded(row["estimate"], 5) for row in rows],
        error_y={
            "type": "data", "thickness": 1.6, "width": 4, "color": ACCENT,
            "array": [_rounded(1.96 * (row["standard_error"] or 0), 5) for row in rows],
        },
        mode="lines+markers", line={"color": ACCENT, "width": 1.5}, marker={"color": ACCENT, "size": 8},
        hovertext=[
            f"{words.short_day(row['snapshot_date'])}: {words.number(row['estimate'], 4)}<br>standard error "
            f"{words.number(row['standard_error'], 4)}"
            for row in rows
        ],
        hoverinfo="text",
    )  # fmt: skip
    days = [f"{row['snapshot_date']:%Y-%m-%d}" for row in rows]
    few = {"tickvals": days, "ticktext": [words.short_day(row["snapshot_date"]) for row in rows]}
    ends = [row["estimate"] + side * 2.5 * (row["standard_error"] or 0) for row in rows for side in (-1, 1)]
    spread = max(max(ends) - min(ends), 0.1 * abs(max(ends)), 1e-6)
    middle = (max(ends) + min(ends)) / 2
    layout = {
        "height": 280,
        "xaxis": {
            "type": "date", "showgrid": False, "nticks": 6, "tickformat": "%-d %b\n%Y",
            **(few if len(rows) <= 4 else {}),
            **({"range": _padded(rows)} if len(rows) <= 4 else {}),
        },
        "yaxis": {"nticks": 6, "range": [_rounded(middle - 0.6 * spread, 5), _rounded(middle + 0.6 * spread, 5)]},
        "margin": {"l": 10, "r": 24, "t": 8, "b": 40},
    }  # fmt: skip
    return drawn([trace], layout)


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def legend(figure: Figure) -> tuple[tuple[str, str], ...]:
    """Name and colour of the different traces."""
    return tuple(dict.fromkeys((trace["name"], trace["marker"]["color"]) for trace in figure["data"]))


def _step(rough: float) -> float:
    if rough <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(rough))
    return float(next(size * power for size in (1, 2, 5, 10) if size * power >= rough * 0.999))


def _rounded(value: float | None, digits: int = 4) -> float | None:
    """Few decimals: sums of DOUBLEs differ in their last digits from run to run."""
    return None if value is None else round(float(value), digits)


def _tick(amount: float, currency: str) -> str:
    return words.short_money(amount, currency) if amount >= 1 or amount == 0 else words.money(amount, currency)


def _title(text: str) -> dict[str, Any]:
    """Of an axis, clear of its ticks however long they are."""
    return {"text": text, "standoff": 10}


def _label(x: float, y: float, text: str) -> dict[str, Any]:
    return {
        "x": round(x, 4), "y": round(y, 4), "text": text, "showarrow": False, "xanchor": "left", "yanchor": "top",
        "font": {"color": MUTED, "size": _SMALL}, "bgcolor": SURFACE, "borderpad": 1,
    }  # fmt: skip


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return (min(values), max(values)) if len(values) else (0.0, 1.0)


def _powers(ends: Sequence[float], written: Callable[[float], str]) -> dict[str, Any]:
    """Ticks at powers of ten on an axis that is one of their exponents, and between them where there are few."""
    whole = range(math.ceil(ends[0]), math.floor(ends[1]) + 1)
    values = [10.0**power for power in whole]
    if len(values) < 3:
        every = [
            size * 10.0**power for power in range(math.floor(ends[0]), math.ceil(ends[1]) + 1) for size in (1, 2, 5)
        ]
        values = [value for value in every if ends[0] <= math.log10(value) <= ends[1]]
    return {
        "tickvals": [round(math.log10(value), 4) for value in values],
        "ticktext": [written(value) for value in values],
        "range": [round(end, 4) for end in ends],
        "zeroline": False,
        "gridcolor": LINE,
    }


def _levels(spots: Sequence[Spot], kept: float) -> list[float]:
    """Up to five powers of ten that values of spots lie around."""
    worth = [spot.orders * spot.spend * kept for spot in spots]
    if not worth or min(worth) <= 0:
        return []
    powers = range(math.ceil(math.log10(min(worth))), math.floor(math.log10(max(worth))) + 1)
    return [10.0**power for power in powers][-5:]


def _crossing(total: float, xs: Sequence[float], ys: Sequence[float]) -> tuple[tuple[float, float], ...] | None:
    """Where the line x + y = total enters and leaves the frame; None where it misses it."""
    left, right = max(xs[0], total - ys[1]), min(xs[1], total - ys[0])
    return None if left >= right else ((left, total - left), (right, total - right))


def _padded(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The days around a few snapshots, so that no point stands on the frame."""
    import datetime as dt

    first, last = rows[0]["snapshot_date"], rows[-1]["snapshot_date"]
    room = max(3, (last - first).days // 5)
    return [str(first - dt.timedelta(days=room)), str(last + dt.timedelta(days=room))]
