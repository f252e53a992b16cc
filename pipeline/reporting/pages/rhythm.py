"""Rhythm: by when those who buy again are back, the day on which that hope fades, and whether it drifts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pipeline.reporting import rhythm_charts, words
from pipeline.reporting import rhythm_queries as queries
from pipeline.reporting.charts import plain
from pipeline.reporting.components import Chart, Field, Grid, KeyFigure, View, grid
from pipeline.reporting.facts import MAIN_CATALOGUE, Facts, Report, audience_file
from pipeline.reporting.rhythm_words import (
    FOUND,
    back_sentence,
    curves_sentence,
    day_range,
    drift_sentence,
    gaps_sentence,
    moment_sentence,
    place,
    rhythm_missing,
    unknown_quarters,
)

CURVES_SHOWN, LEAST_QUARTERS, LEAST_IN_QUARTER = 4, 3, 50
_EVERYBODY = "all"
_STEP_DAYS = 7
"""Of a curve's table; the chart has every day."""
_GROUPINGS = {"order_number": "Order number", "found": "Stage before", "stage": "Stage now", "segment": "Segment now"}
_SELECTED = (
    " The groups are made by the silence that goes on, so this tells who is in them, not how long they will be silent."
)
_STAGES = ("first-time", "active", "defecting", "inactive")
_DAYS = ("p10", "p20", "p25", "p30", "p40", "median", "p60", "p70", "p75", "p80", "p90")

Rows = list[dict[str, Any]]


def context(report: Report) -> dict[str, Any]:
    facts, moments = report.facts, report.ask(queries.MOMENTS).to_dicts()
    everybody = [row for row in moments if row["cohort"] == _EVERYBODY]
    main = [row for row in everybody if row["is_main"]]
    gaps = report.ask(queries.GAPS).to_dicts()
    return {
        "missing": "" if main else _missing(facts, everybody),
        "figures": _figures(main[0]) if main and main[0]["order_number"] == 1 else [],
        "curves": _curves(facts, report.ask(queries.CURVES), main, everybody) if main else None,
        "back": _back_table(main),
        "back_sentence": back_sentence(main[0]) if main else "",
        "moments": _moments_table(everybody),
        "moments_sentence": moment_sentence(_of_first(everybody)) if main else "",
        "moments_basis": _basis(facts),
        **_drift(facts, [row for row in moments if row["cohort"] != _EVERYBODY]),
        "gaps": _gaps(facts, gaps) if gaps else None,
        **{signal: audience_file(facts, "signals", signal) for signal in ("second_order", "overdue")},
    }


def _basis(facts: Facts, silences: int | None = None) -> str:
    n = f"n = {words.counted(silences, 'silence')} · " if silences is not None else ""
    return f"{n}purchases {facts.range}"


def _missing(facts: Facts, everybody: Rows) -> str:
    first = next((row for row in everybody if row["order_number"] == 1 and row["horizon_days"] == 90), None)
    return rhythm_missing(first, None if facts.is_empty else facts.lines["first_on"], facts.snapshot_date)


def _of_first(everybody: Rows) -> Rows:
    """Rows of the first order number that there is, the shortest horizon first."""
    return [row for row in everybody if row["order_number"] == everybody[0]["order_number"]]


def _figures(first: Mapping[str, Any]) -> list[KeyFigure]:
    back, horizon = words.percent(first["share_back"]), first["horizon_days"]
    if first["back_p50_days"] is None:
        share = f"95 % interval {words.percent(first['share_back_low'])} to {words.percent(first['share_back_high'])}"
        return [KeyFigure(f"Buy a second time within {horizon} days", back, share)]
    quarter, half, three_quarters = (f"day {words.count(first[f'back_p{share}_days'])}" for share in (25, 50, 75))
    return [
        KeyFigure("A quarter are back by", quarter, f"of the {back} who buy a second time within {horizon} days"),
        KeyFigure("Half of these are back: remind on", half, _range(first, 50)),
        KeyFigure("Three quarters of these: win back on", three_quarters, _range(first, 75)),
    ]


def _range(row: Mapping[str, Any], share: int) -> str:
    return f"95 % interval day {day_range(row[f'back_p{share}_low'], row[f'back_p{share}_high'])}"


# ── curves ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _curves(facts: Facts, frame: pl.DataFrame, main: Rows, everybody: Rows) -> Chart:
    shown = [row for row in main if row["order_number"] <= CURVES_SHOWN]
    day = min(row["horizon_days"] for row in shown)
    common = [
        row for row in everybody
        if row["horizon_days"] == day and any(row["order_number"] == one["order_number"] for one in shown)
    ]  # fmt: skip
    points = {row["order_number"]: frame.filter(order_number=row["order_number"]).to_dicts() for row in shown}
    back = [_back_curve(row, points[row["order_number"]]) for row in shown]
    hope = [_hope_curve(row, points[row["order_number"]]) for row in shown]
    steps = [
        (_step(row["order_number"]), one["day"], one["share_back"], one["share_low"],
         one["share_high"], one["at_risk"])
        for row in shown
        for one in points[row["order_number"]]
        if one["day"] % _STEP_DAYS == 0 or one["day"] in (row["back_p50_days"], row["back_p75_days"])
    ]  # fmt: skip
    return Chart(
        id="survival",
        title="How soon they are back",
        basis=_basis(facts, sum(row["silences"] for row in shown)),
        views=(
            View("back", "Bought again", curves_sentence(common, day),
                 rhythm_charts.curves(back, "Have bought again")),
            View("hope", "Still to come", moment_sentence(_of_first(everybody)),
                 rhythm_charts.curves(hope, "Chance to buy by the horizon, if silent so long")),
        ),
        grid=grid(
            "Share of customers who have bought again by days since a purchase, and how many were still watched",
            [Field("purchase", "Purchase"), Field("day", "Day", "count"),
             Field("share_back", "Bought again", "percent"), Field("low", "95 % interval: from", "percent"),
             Field("high", "to", "percent"), Field("watched", "Still watched", "count")],
            steps,
        ),
        legend=rhythm_charts.curve_legend(back),
    )  # fmt: skip


def _name(row: Mapping[str, Any]) -> str:
    return f"After the {place(row['order_number'])}"


def _back_curve(row: Mapping[str, Any], points: Rows) -> rhythm_charts.Curve:
    name = _name(row)
    is_first, horizon = row["order_number"] == 1, row["horizon_days"]
    marks = {
        row[f"back_p{share}_days"]: f"{name}, day {row[f'back_p{share}_days']}<br>{told} of those back by day "
        f"{horizon}<br>({_range(row, share)})"
        for share, told in ((75, "three quarters"), (50, "half"))
        if row[f"back_p{share}_days"] is not None
    }
    return rhythm_charts.Curve(
        name,
        [one["day"] for one in points],
        [one["share_back"] for one in points],
        [f"{name}, day {one['day']}<br>{words.percent(one['share_back'])} have bought again<br>"
         f"{words.count(one['at_risk'])} still watched" for one in points],
        ([one["share_low"] for one in points], [one["share_high"] for one in points]) if is_first else None,
        marks,
    )  # fmt: skip


def _hope_curve(row: Mapping[str, Any], points: Rows) -> rhythm_charts.Curve:
    """P(purchase by the horizon | none by the day) = 1 − S(H) / S(day)."""
    name, horizon, silent = _name(row), row["horizon_days"], 1 - row["share_back"]
    until = [one for one in points if one["day"] <= horizon and one["share_back"] < 1]
    shares = [max(0.0, 1 - silent / (1 - one["share_back"])) for one in until]
    moment = row["key_moment_days"]
    return rhythm_charts.Curve(
        name,
        [one["day"] for one in until],
        shares,
        [f"{name}, silent for {words.counted(one['day'], 'day')}<br>{words.percent(share)} buy by day {horizon}"
         for one, share in zip(until, shares, strict=True)],
        marks={} if moment is None else {
            moment: f"{name}: key moment by day {horizon} is day {moment}<br>"
            f"({day_range(row['key_moment_low'], row['key_moment_high'])})"
        },
    )  # fmt: skip


def _back_table(main: Rows) -> Grid:
    fields = [
        Field("purchase", "Purchase"), Field("silences", "Silences", "count"), Field("horizon", "By day", "count"),
        Field("share_back", "Buy again", "percent"), Field("share_low", "from", "percent"),
        Field("share_high", "to", "percent"), Field("returned", "Came back", "count"),
        Field("back_p25", "25 % by day", "count"), Field("back_p50", "50 % by day", "count"),
        Field("back_p50_low", "from", "count"), Field("back_p50_high", "to", "count"),
        Field("back_p75", "75 % by day", "count"), Field("back_p75_low", "from", "count"),
        Field("back_p75_high", "to", "count"),
    ]  # fmt: skip
    return grid("When those who buy again are back, by order number, each at its longest horizon", fields, [
        (_step(row["order_number"]), row["silences"], row["horizon_days"], row["share_back"], row["share_back_low"],
         row["share_back_high"], row["returned"], row["back_p25_days"], row["back_p50_days"], row["back_p50_low"],
         row["back_p50_high"], row["back_p75_days"], row["back_p75_low"], row["back_p75_high"])
        for row in main
    ])  # fmt: skip


def _moments_table(everybody: Rows) -> Grid:
    """Key moments by order number and horizon, so that nobody takes one horizon's day for the other's."""
    horizons = sorted({row["horizon_days"] for row in everybody})
    fields = [
        Field("purchase", "Purchase"),
        *(Field(f"by_day_{days}", f"Key moment by day {days}", "count") for days in horizons),
        Field("majority", "By majority, day", "count"), Field("majority_low", "from", "count"),
        Field("majority_high", "to", "count"),
    ]  # fmt: skip
    numbers = sorted({row["order_number"] for row in everybody})
    found = {(row["order_number"], row["horizon_days"]): row for row in everybody}
    return grid("Key moments by order number and horizon, and the day by the rule of the majority", fields, [
        (_step(number), *(found[number, days]["key_moment_days"] for days in horizons),
         *(found[number, horizons[0]][name] for name in ("majority_days", "majority_low", "majority_high")))
        for number in numbers
    ])  # fmt: skip


def _step(order_number: int) -> str:
    return f"{order_number} → {order_number + 1}"


# ── drift ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _drift(facts: Facts, quarters: Rows) -> dict[str, Any]:
    """A view for every horizon with enough quarters, first the one that most have; or why there is none."""
    horizons = sorted({row["horizon_days"] for row in quarters})
    main = next((row["horizon_days"] for row in quarters if row["is_main"]), min(horizons, default=None))
    by_horizon = {days: [row for row in quarters if row["horizon_days"] == days] for days in horizons}
    known = {days: sum(row["back_p50_days"] is not None for row in rows) for days, rows in by_horizon.items()}
    in_order = sorted(horizons, key=lambda days: (days != main, days))
    shown = [days for days in in_order if known[days] >= LEAST_QUARTERS]
    if not shown:
        there = f"there {'is' if known.get(main) == 1 else 'are'} {words.count(known.get(main, 0))}"
        why = unknown_quarters(by_horizon.get(main, []), LEAST_IN_QUARTER)
        return {"drift": None, "drift_missing": f"A drift needs three quarters that are known; {there}.{why}"}
    views = [
        View(
            f"{days}",
            f"By day {days}",
            drift_sentence(by_horizon[days], LEAST_IN_QUARTER),
            rhythm_charts.points([_point(row) for row in by_horizon[days]], f"Half of those back by day {days}, day"),
            _basis(facts, sum(row["silences"] for row in by_horizon[days])),
        )
        for days in shown
    ]
    chart = Chart(
        id="drift",
        title="By when half are back, by quarter of the first purchase",
        basis=views[0].basis or "",
        views=tuple(views),
        grid=grid(
            "Second purchase by quarter of the first purchase and horizon",
            [Field("quarter", "First purchase in"), Field("horizon", "By day", "count"),
             Field("customers", "Customers", "count"), Field("watched", "Still waited for then", "count"),
             Field("share_back", "Back by then", "percent"), Field("returned", "Came back", "count"),
             Field("back_p50", "Half of them, day", "count"), Field("low", "95 % interval: from", "count"),
             Field("high", "to", "count"), Field("back_p75", "Three quarters, day", "count"),
             Field("key_moment", "Key moment by then, day", "count")],
            [(row["cohort"], row["horizon_days"], row["silences"], row["at_risk"], row["share_back"], row["returned"],
              row["back_p50_days"], row["back_p50_low"], row["back_p50_high"], row["back_p75_days"],
              row["key_moment_days"]) for row in quarters],
        ),
    )  # fmt: skip
    return {"drift": chart, "drift_missing": ""}


def _point(row: Mapping[str, Any]) -> rhythm_charts.Point:
    day, low, high = row["back_p50_days"], row["back_p50_low"], row["back_p50_high"]
    text = (
        f"{row['cohort']}: day {day} ({day_range(low, high)})<br>{words.percent(row['share_back'])} of "
        f"{words.counted(row['silences'], 'customer')} back by day {row['horizon_days']}"
    )
    return rhythm_charts.Point(_quarter(row["cohort"]), day, low, high, text)


def _quarter(cohort: str) -> str:
    """In two lines, so that the quarters of two years stand side by side on a phone."""
    year, quarter = cohort.split("-")
    return f"{quarter}<br>{year}"


# ── gaps ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _gaps(facts: Facts, gaps: Rows) -> Chart:
    labels = facts.segments.filter(pl.col("catalogue") == MAIN_CATALOGUE).sort("segment_rank")
    segments = dict(zip(labels["segment"], labels["label"], strict=True))
    names = {
        "order_number": {f"{n}": f"After the {place(n)}" for n in range(1, 10)} | {"10+": "From the tenth on"},
        "found": FOUND,
        "stage": {stage: stage.capitalize() for stage in _STAGES},
        "segment": segments,
    }
    views = []
    for grouping, label in _GROUPINGS.items():
        found = {row["group_name"]: row for row in gaps if row["grouping"] == grouping}
        rows = [found[name] for name in names[grouping] if name in found]
        if rows:
            views.append(_gap_view(facts, grouping, label, rows, names[grouping]))
    return Chart(
        id="gaps",
        title="Days from one purchase to the next",
        basis=views[0].basis or "",
        views=tuple(views),
        legend=rhythm_charts.SPAN_LEGEND,
    )


def _gap_view(facts: Facts, grouping: str, label: str, rows: Rows, names: Mapping[str, str]) -> View:
    selected = _SELECTED if rows[0]["is_selected"] else ""
    return View(
        grouping,
        label,
        gaps_sentence(rows, names) + selected,
        rhythm_charts.spans([_span(row, names[row["group_name"]]) for row in rows]),
        _basis(facts, sum(row["silences"] for row in rows)),
        _gaps_grid(label, rows, names),
    )


def _span(row: Mapping[str, Any], name: str) -> rhythm_charts.Span:
    def by(day: int | None) -> str:
        return "not as long as they were watched" if day is None else f"day {words.count(day)}"

    return rhythm_charts.Span(
        name, row["p25_days"], row["median_days"], row["p75_days"],
        f"{plain(name)}: {words.counted(row['silences'], 'silence')}, {words.count(row['ended'])} ended<br>"
        f"a quarter back: {by(row['p25_days'])}<br>half: {by(row['median_days'])}<br>"
        f"three quarters: {by(row['p75_days'])}",
    )  # fmt: skip


def _gaps_grid(label: str, rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Grid:
    shares = [
        Field(f"{name}_days", "Half, day" if name == "median" else f"{name[1:]} %, day", "count") for name in _DAYS
    ]
    fields = [
        Field("group_name", label), Field("silences", "Silences", "count"), Field("ended", "Ended", "count"),
        Field("censored", "Go on", "count"), *shares, Field("median_low", "Half, 95 % interval: from", "count"),
        Field("median_high", "to", "count"),
    ]  # fmt: skip
    return grid(
        f"Day by which so many have bought again, by {label.lower()}",
        fields,
        [[names[row["group_name"]], *(row[field.name] for field in fields[1:])] for row in rows],
    )
