"""Trend: who buys more often than before and who less, over time, beside chance, and who moved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any

import polars as pl

from pipeline.reporting import charts, trend_charts, words
from pipeline.reporting import trend_queries as queries
from pipeline.reporting import trend_words as says
from pipeline.reporting.charts import Series
from pipeline.reporting.components import Chart, Field, Grid, KeyFigure, View, grid
from pipeline.reporting.facts import MAIN_CATALOGUE, Facts, Report
from pipeline.reporting.predictions import shown_id, table_file
from pipeline.reporting.segments import labels_of

CATALOGUE = "activity_trend"
_NO_TREND = "No trend"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Course:
    """The classes of every snapshot up to this one: customers, chance, revenue and predicted value by (day, class)."""

    rows: dict[tuple[dt.date, str], Row]

    @cached_property
    def days(self) -> list[dt.date]:
        """Snapshots on which there were customers."""
        return sorted({day for (day, _), row in self.rows.items() if row["window_days"] is not None})

    @cached_property
    def breaks(self) -> list[tuple[dt.date, int, int]]:
        """Where the length of the windows changed: day, length before, length from then on."""
        lengths = [(day, self.window(day)) for day in self.days]
        return [(day, before, after) for (_, before), (day, after) in pairwise(lengths) if before != after]

    def window(self, day: dt.date) -> int:
        return int(self.rows[day, "stable"]["window_days"])

    def of(self, day: dt.date, held: str) -> dict[str, Any]:
        """Class -> customers, revenue or predicted value."""
        return {name: self.rows[day, name][held] for name in says.LABELS}

    def predicted_days(self) -> list[dt.date]:
        return [day for day in self.days if self.rows[day, "stable"]["predicted_clv"] is not None]


def context(report: Report) -> dict[str, Any]:
    from pipeline.steps.movement.trend import LEAST_SEASON

    facts = report.facts
    bases = report.ask(queries.BASE).to_dicts()
    base = bases[0] if bases else None
    first_on: dt.date | None = report.ask(queries.FIRST_PURCHASE).item()
    course = Course({(row["snapshot_date"], row[CATALOGUE]): row for row in report.ask(queries.SUMMARY).to_dicts()})
    now = course.of(facts.snapshot_date, "customers")
    tested = sum(now[name] for name in says.CLASSES)
    missing = says.missing_sentence(base, first_on, tested)
    if base is None or first_on is None or missing:
        nothing = dict.fromkeys(("lead", "season", "test", "course", "movers", "breaks"), "")
        return {"missing": missing, "figures": [], "multiples": [], **nothing}
    return {
        "missing": "",
        "lead": says.windows(base, facts.snapshot_date),
        "season": says.season_sentence(base, first_on, facts.snapshot_date, LEAST_SEASON),
        "test": says.test_meaning(base["alpha"]),
        "figures": _figures(now, course.of(facts.snapshot_date, "by_chance"), base),
        "course": _course_chart(facts, course, base),
        "breaks": says.breaks_sentence(course.breaks),
        "movers": _movers(report, course),
        "multiples": [_chance(facts, course, base), _ratios(report, base), _segments(report, base)],
    }


def _figures(now: Mapping[str, int], by_chance: Mapping[str, float | None], base: Row) -> list[KeyFigure]:
    tested = sum(now[name] for name in says.CLASSES)

    def figure(name: str) -> KeyFigure:
        share = words.percent(words.share_of(now[name], tested))
        return KeyFigure(
            says.LABELS[name],
            words.count(now[name]),
            f"{share} of those with a trend; by chance alone {says.expected(by_chance[name])}",
        )

    without = sum(now[name] for name in says.REASONS)
    reasons = [f"{says.LABELS[name].lower()} {words.count(now[name])}" for name in says.REASONS if now[name]]
    return [
        *map(figure, says.CLASSES),
        KeyFigure(_NO_TREND, words.count(without), words.listed(reasons)),
        KeyFigure("Expected in the recent window", words.percent(base["expected_share"]),
                  f"of purchases, if nobody changed: {says.SOURCES[base['share_from']]}"),
        KeyFigure("Purchases needed", words.count(base["n_min"]), "in both windows, to tell a change from chance"),
    ]  # fmt: skip


def _basis(facts: Facts, base: Row, customers: int) -> str:
    people = words.counted(customers, "customer")
    return f"n = {people} with a trend · {words.span(base['prior_from'], facts.snapshot_date)}"


# ── over time ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _course_chart(facts: Facts, course: Course, base: Row) -> Chart:
    first, last = course.days[0], course.days[-1]
    now, then = course.of(last, "customers"), course.of(first, "customers") if first < last else None
    told = says.course_sentence(now, then, (first, last))
    revenue = says.worth_sentence(
        _grouped(course.of(last, "revenue_12_months")), "of the last 12 months’ revenue", facts.currency
    )
    views = [
        View("trend", "With a trend", told, _course_figure(facts, course, "customers", says.CLASSES)),
        View("everybody", "Everybody", says.everybody_sentence(now, base["n_min"]),
             _course_figure(facts, course, "customers", (*says.CLASSES, "none"))),
        View("revenue", "Revenue", revenue,
             _course_figure(facts, course, "revenue_12_months", (*says.CLASSES, "none"))),
    ]  # fmt: skip
    if last in course.predicted_days():
        value = says.worth_sentence(
            _grouped(course.of(last, "predicted_clv")), "of the predicted value", facts.currency
        )
        views.append(View("value", "Predicted value", value,
                          _course_figure(facts, course, "predicted_clv", (*says.CLASSES, "none"))))  # fmt: skip
    fields = [
        Field("as_of", "End of", "date"), Field("activity_trend", "Trend"), Field("customers", "Customers", "count"),
        Field("by_chance", "By chance alone", "number"), Field("revenue_12_months", "Revenue, 12 months", "money"),
        Field("predicted_clv", "Predicted value", "money"), Field("window_days", "Window, days", "count"),
    ]  # fmt: skip
    return Chart(
        id="trend-course",
        title="The base over time",
        basis=f"n = {words.counted(sum(now.values()), 'customer')} · {words.span(first, last)}",
        views=tuple(views),
        grid=grid("Customers of every trend, snapshot by snapshot", fields, [
            (day, says.LABELS[name], row["customers"], row["by_chance"], row["revenue_12_months"],
             row["predicted_clv"], row["window_days"])
            for day in reversed(course.days) for name in says.LABELS for row in (course.rows[day, name],)
        ]),
        legend=tuple((_label(name), trend_charts.COLOURS[name]) for name in (*says.CLASSES, "none")),
    )  # fmt: skip


def _course_figure(facts: Facts, course: Course, held: str, names: tuple[str, ...]) -> dict[str, Any]:
    days = course.predicted_days() if held == "predicted_clv" else course.days
    currency = None if held == "customers" else facts.currency
    grouped = {day: _grouped(course.of(day, held)) for day in days}

    def series(name: str) -> Series:
        return Series(
            _label(name),
            trend_charts.COLOURS[name],
            [grouped[day][name] for day in days],
            [
                f"{words.short_day(day)}<br>{_label(name)}: {_shown(grouped[day][name], currency)}, "
                f"{words.percent(words.share_of(grouped[day][name], sum(grouped[day][n] for n in names)))}"
                for day in days
            ],
        )

    if len(days) > 1:
        at = [day for day, _, _ in course.breaks]
        return trend_charts.areas(days, [series(name) for name in reversed(names)], currency, at)
    bars = [
        Series(one.name, one.colour, [one.values[0] if at == place else None for at in range(len(names))],
               [one.texts[0]] * len(names))
        for place, one in enumerate(map(series, names))
    ]  # fmt: skip
    return charts.horizontal_bars([_label(name) for name in names], bars, currency, mode="stack")


def _grouped(held: Mapping[str, Any]) -> dict[str, Any]:
    """The three classes and all who have none."""
    return {**{name: held[name] for name in says.CLASSES}, "none": sum(held[name] for name in says.REASONS)}


def _label(name: str) -> str:
    return says.LABELS.get(name, _NO_TREND)


def _shown(amount: words.Number, currency: str | None) -> str:
    return words.counted(amount, "customer") if currency is None else words.money(amount, currency)


# ── small multiples ───────────────────────────────────────────────────────────────────────────────────────────────────


def _chance(facts: Facts, course: Course, base: Row) -> Chart:
    found, chance = (course.of(facts.snapshot_date, held) for held in ("customers", "by_chance"))
    names = ("growing", "declining")
    columns = (("Found", charts.ACCENT, found), ("By chance alone", charts.PART_COLOURS[1], chance))
    figure = charts.horizontal_bars(
        [says.LABELS[name] for name in names],
        [
            Series(label, colour, [held[name] for name in names],
                   [f"{says.LABELS[name]}, {label.lower()}: {says.expected(held[name])}" for name in names])
            for label, colour, held in columns
        ],
        None,
    )  # fmt: skip
    fields = [Field("activity_trend", "Trend"), Field("found", "Found", "count"),
              Field("by_chance", "By chance alone", "number")]  # fmt: skip
    return Chart(
        id="trend-chance",
        title="More than chance?",
        basis=_basis(facts, base, sum(found[name] for name in says.CLASSES)),
        views=(View("all", "All", says.chance_sentence(found, chance), figure),),
        grid=grid("Customers found in each class, and by chance alone", fields,
                  [(says.LABELS[name], found[name], chance[name]) for name in says.CLASSES]),
        legend=charts.legend(figure),
    )  # fmt: skip


def _ratios(report: Report, base: Row) -> Chart:
    rows = report.ask(queries.RATIOS).to_dicts()
    found = {(row["bin"], row[CATALOGUE]): row["customers"] for row in rows}
    tested = sum(found.values())
    moved = sum(people for (place, _), people in found.items() if says.RATIOS[place] != "0.8 to 1.25")
    told_apart = sum(people for (_, name), people in found.items() if name != "stable")
    figure = charts.horizontal_bars(
        says.RATIOS, _classes(says.RATIOS, found, lambda people, _: people), None, mode="stack"
    )
    return Chart(
        id="trend-ratios",
        title="How much the rate changed",
        basis=_basis(report.facts, base, tested),
        views=(View("all", "All", says.ratio_sentence(moved, tested, told_apart), figure),),
        grid=grid("Recent over prior rate beside that of all customers", [Field("ratio", "Rate ratio"), *_FIELDS], [
            (label, *(found.get((place, name), 0) for name in says.CLASSES)) for place, label in enumerate(says.RATIOS)
        ]),
        legend=charts.legend(figure),
    )  # fmt: skip


def _segments(report: Report, base: Row) -> Chart:
    labels = labels_of(report.facts, MAIN_CATALOGUE)
    places = {segment: place for place, segment in enumerate(labels)}
    rows = [row for row in report.ask(queries.SEGMENTS).to_dicts() if row[CATALOGUE] in says.CLASSES]
    found = {(places[row["segment"]], row[CATALOGUE]): row["customers"] for row in rows}
    tested = {place: sum(found.get((place, name), 0) for name in says.CLASSES) for place in places.values()}
    members = [
        says.Members(label, tested[place], found.get((place, "growing"), 0), found.get((place, "declining"), 0))
        for place, label in enumerate(labels.values())
    ]
    names = tuple(labels.values())
    bars = _classes(names, found, lambda people, place: people / tested[place] if tested[place] else None)
    figure = charts.horizontal_bars(names, bars, None, mode="stack")
    figure["layout"]["xaxis"] |= {"tickformat": ".0%"}
    return Chart(
        id="trend-segments",
        title="In the ten groups",
        basis=_basis(report.facts, base, sum(tested.values())),
        views=(View("all", "All", says.segments_sentence(members), figure),),
        grid=grid("Trends in the ten groups", [Field("segment", "Segment"), *_FIELDS], [
            (label, *(found.get((place, name), 0) for name in says.CLASSES)) for place, label in enumerate(names)
        ]),
        legend=charts.legend(figure),
    )  # fmt: skip


_FIELDS = [Field(name, says.LABELS[name], "count") for name in says.CLASSES]


def _classes(labels: tuple[str, ...], found: Mapping[tuple[int, str], int], size: Any) -> list[Series]:
    """The three classes stacked in every row; `size` makes of customers and row what the bar shows."""
    return [
        Series(
            says.LABELS[name],
            trend_charts.COLOURS[name],
            [size(found.get((place, name), 0), place) for place in range(len(labels))],
            [
                f"{charts.plain(label)}<br>{says.LABELS[name]}: "
                f"{words.counted(found.get((place, name), 0), 'customer')}"
                for place, label in enumerate(labels)
            ],
            digits=4,
        )
        for name in says.CLASSES
    ]


# ── movers ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _movers(report: Report, course: Course) -> dict[str, Any]:
    facts = report.facts
    previous: dt.date | None = report.ask(queries.PREVIOUS).item()
    moves = facts.moves.filter((pl.col("catalogue") == CATALOGUE) & (pl.col("direction") != "same"))
    before = course.window(previous) if previous and (previous, "stable") in course.rows else None
    missing = says.movers_missing(course.window(facts.snapshot_date), previous, before, moves.height)
    if missing or previous is None:
        return {"missing": missing}
    by_direction: dict[str, tuple[int, Decimal]] = {
        row["direction"]: (row["customers"], row["value_at_stake"])
        for row in moves.group_by("direction").agg(pl.col("customers", "value_at_stake").sum()).to_dicts()
    }
    listed = report.ask(queries.MOVERS).to_dicts()
    return {
        "missing": "",
        "sentence": says.movers_sentence(by_direction, previous, facts.currency),
        "basis": f"n = {words.counted(int(moves['customers'].sum()), 'customer')} · "
        f"{words.short_day(previous)} to {words.short_day(facts.snapshot_date)}",
        "moves": _moves_grid(moves),
        "customers": int(moves["customers"].sum()),
        "table": _movers_grid(listed),
        "file": table_file(report, "segment_events"),
        "hides_addresses": any("@" in row["customer_id"] for row in listed),
    }


def _name(segment: str | None) -> str:
    return "New customer" if segment is None else says.LABELS[segment]


def _moves_grid(moves: pl.DataFrame) -> Grid:
    fields = [Field("from", "From"), Field("to", "To"), Field("direction", "Move"),
              Field("customers", "Customers", "count"), Field("value_at_stake", "Value at stake", "money")]  # fmt: skip
    return grid("Moves between trends", fields, [
        (_name(row["from_segment"]), _name(row["to_segment"]), says.DIRECTIONS[row["direction"]], row["customers"],
         row["value_at_stake"])
        for row in moves.to_dicts()
    ])  # fmt: skip


def _movers_grid(rows: list[dict[str, Any]]) -> Grid:
    fields = [
        Field("customer_id", "Customer"), Field("from", "From"), Field("to", "To"), Field("direction", "Move"),
        Field("prior_occasions", "Purchases before", "count"), Field("recent_occasions", "Lately", "count"),
        Field("value_at_stake", "Value at stake", "money"), Field("predicted_clv", "Predicted value", "money"),
    ]  # fmt: skip
    return grid("Customers who moved to another trend, most value at stake first", fields, [
        (shown_id(row["customer_id"]), _name(row["from_segment"]), _name(row["to_segment"]),
         says.DIRECTIONS[row["direction"]], row["prior_occasions"], row["recent_occasions"], row["value_at_stake"],
         row["predicted_clv"])
        for row in rows
    ])  # fmt: skip
