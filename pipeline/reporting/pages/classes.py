"""Classes: what each recency, frequency and spend class held over time, and what recency tiers bought lately."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from pipeline.reporting import charts, queries, words
from pipeline.reporting.charts import Series
from pipeline.reporting.components import Chart, Field, Kind, View, grid
from pipeline.reporting.facts import Facts, Report

MONTH_ENDS_SHOWN = 24

_MEASURES = {"recency": "Recency", "frequency": "Frequency", "monetary": "Spend"}
_UNITS = {"recency": "days", "frequency": "occasions", "monetary": "currency"}
_HELD = {"customers": "Customers", "orders": "Orders", "revenue": "Revenue"}
_SWITCH = "held"
_SCALES = {"tier": "Tiers", "score": "Scores"}
_BOUGHT: dict[str, tuple[str, Kind]] = {
    "items": ("Items", "count"), "orders": ("Orders", "count"), "revenue": ("Revenue", "money"),
}  # fmt: skip


def context(report: Report) -> dict[str, Any]:
    facts, history = report.facts, report.ask(queries.CLASS_HISTORY)
    activity = report.ask(queries.ACTIVITY).to_dicts()
    days = _days_shown(history, facts.snapshot_date)
    shown = history.filter(pl.col("as_of").is_in(days))
    return {
        "scales": [] if facts.is_empty else [_scale(facts, shown, scale) for scale in _SCALES],
        "switch": _SWITCH,
        "held": _HELD,
        "days": len(days),
        "activity": _activity_chart(facts, activity),
        "activity_missing": _activity_missing(facts, activity),
    }


# ── over time ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _days_shown(history: pl.DataFrame, snapshot_date: dt.date) -> list[dt.date]:
    """The last month ends on which there were customers, and the snapshot itself; single days would only be noise."""
    days: list[dt.date] = (
        history.group_by("as_of")
        .agg(pl.col("customers").sum())
        .filter(pl.col("customers") > 0)["as_of"]
        .sort()
        .to_list()
    )
    ends = [day for day in days if (day + dt.timedelta(days=1)).day == 1 and day < snapshot_date]
    return [*ends[-MONTH_ENDS_SHOWN:], *(day for day in days if day == snapshot_date)]


def _scale(facts: Facts, history: pl.DataFrame, scale: str) -> dict[str, Any]:
    frame = history.filter(pl.col("scale") == scale)
    return {
        "title": _SCALES[scale],
        "charts": [_history_chart(facts, frame.filter(pl.col("measure") == m), scale, m) for m in _MEASURES],
    }


def _history_chart(facts: Facts, frame: pl.DataFrame, scale: str, measure: str) -> Chart:
    rows = frame.to_dicts()
    days = sorted({row["as_of"] for row in rows})
    wholes = {held: _wholes(frame, held) for held in _HELD}
    steps = sorted({(row["step"], row["label"]) for row in rows}, reverse=True)
    colours = {step: charts.rank_colour(at, len(steps)) for at, (step, _) in enumerate(steps, start=1)}
    by_key = {(row["as_of"], row["step"]): row for row in rows}

    def view(held: str) -> View:
        show = _shower(facts, held)
        series = [
            Series(
                _label(label, scale),
                colours[step],
                [by_key[day, step][held] for day in days],
                [_hover(facts, by_key[day, step], held, wholes[held][day], scale, show) for day in days],
            )
            for step, label in reversed(steps)  # the worst at the foot, the best on top
        ]
        told = [_class(facts, by_key[day, steps[0][0]], held, wholes[held][day]) for day in (days[-1], days[0])]
        name = f"“{steps[0][1].capitalize()}”" if scale == "tier" else f"{_MEASURES[measure]} {steps[0][1]}"
        sentence = words.class_sentence(name, told[0], told[1] if len(days) > 1 else None, show)
        return View(held, _HELD[held], sentence, charts.over_days(days, series, _currency(facts, held)))

    return Chart(
        id=f"{scale}-{measure}",
        title=_MEASURES[measure],
        basis=f"n = {words.counted(facts.customers['customers'], 'customer')} · {words.span(days[0], days[-1])}",
        views=tuple(view(held) for held in _HELD),
        grid=grid(
            f"{_MEASURES[measure]} classes over time, from and to in {_UNITS[measure]}",
            [Field("as_of", "End of", "date"), Field("class", "Class"),
             Field("lowest", "From", "number"), Field("highest", "To", "number"),
             Field("customers", "Customers", "count"), Field("share_of_customers", "Share", "percent"),
             Field("orders", "Orders", "count"), Field("revenue", "Revenue", "money"),
             Field("share_of_revenue", "Share of revenue", "percent")],
            [
                (r["as_of"], r["label"], r["lowest"], r["highest"], r["customers"],
                 words.share_of(r["customers"], wholes["customers"][r["as_of"]]), r["orders"], r["revenue"],
                 words.share_of(r["revenue"], wholes["revenue"][r["as_of"]]))
                for r in sorted(rows, key=lambda r: (r["as_of"], r["step"]), reverse=True)
            ],
        ),
        switch=_SWITCH,
        legend=tuple((_label(label, scale), colours[step]) for step, label in steps),
    )  # fmt: skip


def _wholes(frame: pl.DataFrame, held: str) -> dict[dt.date, Any]:
    sums = frame.group_by("as_of").agg(pl.col(held).sum())
    return dict(zip(sums["as_of"], sums[held], strict=True))


def _class(facts: Facts, row: Mapping[str, Any], held: str, whole: words.Number) -> words.Class:
    return words.Class(row["as_of"], row[held], whole, _range(facts, row))


def _label(label: str, scale: str) -> str:
    return label.capitalize() if scale == "tier" else f"Score {label}"


def _range(facts: Facts, row: Mapping[str, Any]) -> str:
    return words.value_range(row["measure"], row["lowest"], row["highest"], facts.currency)


def _hover(
    facts: Facts,
    row: Mapping[str, Any],
    held: str,
    whole: words.Number,
    scale: str,
    show: Callable[[words.Number], str],
) -> str:
    share = words.percent(words.share_of(row[held], whole))
    who = charts.plain(_label(row["label"], scale))
    return f"{words.short_day(row['as_of'])}<br>{who}: {_range(facts, row)}<br>{show(row[held])}, {share}"


def _shower(facts: Facts, held: str) -> Callable[[words.Number], str]:
    if held == "revenue":
        return lambda amount: f"{facts.money(amount)} of revenue"
    return lambda amount: words.counted(amount, held.removesuffix("s"))


def _currency(facts: Facts, held: str) -> str | None:
    return facts.currency if held == "revenue" else None


# ── lately ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _activity_missing(facts: Facts, tiers: list[dict[str, Any]]) -> str:
    if facts.is_empty or not tiers:
        return "No customer has bought yet, so nobody is in a tier."
    if not tiers[0]["is_covered"]:
        days = tiers[0]["window_days"]
        return (
            f"Two windows of {words.counted(days, 'day')} need a history from {words.day(tiers[0]['prior_from'])} on; "
            f"this one begins on {words.day(facts.lines['first_on'])}."
        )
    return ""


def _activity_chart(facts: Facts, tiers: list[dict[str, Any]]) -> Chart | None:
    if _activity_missing(facts, tiers):
        return None
    days, start = tiers[0]["window_days"], tiers[0]["prior_from"]
    names = [row["recency_tier"].capitalize() for row in tiers]
    windows = (
        ("prior", f"The {days} days before", charts.ACCENT_PALE),
        ("recent", f"The last {days} days", charts.ACCENT),
    )

    def view(what: str) -> View:
        label, kind = _BOUGHT[what]
        show = facts.money if kind == "money" else words.count
        series = [
            Series(
                name,
                colour,
                [row[f"{what}_{window}"] for row in tiers],
                [f"{tier}, {name.lower()}<br>{label}: {show(row[f'{what}_{window}'])}"
                 for tier, row in zip(names, tiers, strict=True)],
            )
            for window, name, colour in windows
        ]  # fmt: skip
        told = [words.Activity(row["recency_tier"], row[f"{what}_prior"], row[f"{what}_recent"]) for row in tiers]
        sentence = words.activity_sentence(told, days, label, show)
        return View(
            what, label, sentence, charts.horizontal_bars(names, series, facts.currency if kind == "money" else None)
        )

    views = tuple(view(what) for what in _BOUGHT)
    fields = [Field("recency_tier", "Recency"), Field("customers", "Customers", "count")]
    for what, (label, kind) in {"active": ("Active customers", "count"), **_BOUGHT}.items():
        fields += [Field(f"{what}_prior", f"{label}, before", kind), Field(f"{what}_recent", f"{label}, last", kind)]
    return Chart(
        id="recency-activity",
        title="What each recency tier bought lately",
        basis=f"n = {words.counted(facts.customers['customers'], 'customer')} · "
        f"{words.span(start, facts.snapshot_date)}",
        views=views,
        grid=grid(
            f"What each recency tier bought in the last {days} days and in the {days} before",
            fields,
            [[row[field.name] for field in fields] for row in tiers],
        ),
        legend=charts.legend(views[0].figure),
    )
