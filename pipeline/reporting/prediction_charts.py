"""Plotly figures of the pages on predictions, from small frames of aggregates. What `charts` says holds here, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.reporting import words
from pipeline.reporting.charts import (
    ACCENT,
    MUTED,
    PART_COLOURS,
    as_float,
    drawn,
    plain,
)
from pipeline.reporting.components import Figure

SEEN, EXPECTED = ACCENT, PART_COLOURS[1]
NAIVE = PART_COLOURS[1]


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


def _rounded(value: float | None, digits: int = 4) -> float | None:
    """Few decimals: sums of DOUBLEs differ in their last digits from run to run."""
    return None if value is None else round(float(value), digits)


def _title(text: str) -> dict[str, Any]:
    """Of an axis, clear of its ticks however long they are."""
    return {"text": text, "standoff": 10}


def _padded(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The days around a few snapshots, so that no point stands on the frame."""
    import datetime as dt

    first, last = rows[0]["snapshot_date"], rows[-1]["snapshot_date"]
    room = max(3, (last - first).days // 5)
    return [str(first - dt.timedelta(days=room)), str(last + dt.timedelta(days=room))]
