"""Calendar: revenue, orders and their value by month, week and day; what changed them, and when they peaked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import polars as pl

from pipeline.reporting import charts, queries, words
from pipeline.reporting.charts import Series
from pipeline.reporting.components import Chart, Field, Figure, Grid, KeyFigure, View, grid
from pipeline.reporting.facts import Facts, Report, table_file

SHOWN = {"month": 60, "week": 104, "day": 365}
"""How many periods of a kind a page holds; the tables have all."""

_LABELS = {"month": "Months", "week": "Weeks", "day": "Days"}
_SWITCH = "period"
_TERMS = {
    "calendar-revenue": "revenue-calendar", "calendar-effects": "bennet-shapley", "calendar-orders": "order",
    "calendar-order-value": "mean-order-value",
}  # fmt: skip
_PALER, _BACKGROUND = 0.45, 0.3
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEKS_NEEDED = 8
_CHANCE = 0.01
"""How seldom chance alone may make weekdays as different as those that are shown."""

Rows = list[dict[str, Any]]


def context(report: Report) -> dict[str, Any]:
    facts, calendar = report.facts, report.ask(queries.CALENDAR)
    every = {kind: calendar.filter(pl.col("period_kind") == kind).to_dicts() for kind in SHOWN}
    periods = {kind: [_period(row) for row in rows] for kind, rows in every.items()}
    kinds = [kind for kind in SHOWN if any(period.effects is not None for period in periods[kind])]
    page = _Page(facts, every, periods, kinds)
    return {
        "peaks": [_peak(facts, kind, periods[kind]) for kind in SHOWN if periods[kind]],
        "switch": _SWITCH,
        "shown": SHOWN,
        "file": table_file(report, "revenue_calendar"),
        "kinds": [(kind, _LABELS[kind]) for kind in kinds],
        "revenue": page.chart("calendar-revenue", "Revenue", _revenue, _MONEY) if kinds else None,
        "effects": page.chart("calendar-effects", "What changed it", _effects, _EFFECTS) if kinds else None,
        "counts": [
            page.chart("calendar-orders", "Orders", _orders, _ORDERS),
            page.chart("calendar-order-value", "Mean order value, before refunds", _order_value, _ORDER_VALUE),
        ]
        if kinds
        else [],
        "weekdays": _weekdays(facts, every["day"]),
        "nothing": _nothing(facts, len(every["day"])) if not kinds else "",
    }


class _Page:
    """The charts of the page: each shows the same periods, and one switch governs them all."""

    def __init__(
        self, facts: Facts, every: dict[str, Rows], periods: dict[str, list[words.Period]], kinds: Sequence[str]
    ) -> None:
        self.facts, self.every, self.periods, self.kinds = facts, every, periods, kinds

    def chart(
        self, name: str, title: str, make: Callable[[Facts, Shown], tuple[str, Figure]], fields: Sequence[Field]
    ) -> Chart:
        views = tuple(self._view(kind, title, make, fields) for kind in self.kinds)
        seen = {label: colour for view in views for label, colour in charts.legend(view.figure)}
        legend = tuple(seen.items())
        return Chart(name, title, views[0].basis or "", views, switch=_SWITCH, legend=legend, term=_TERMS[name])

    def _view(
        self, kind: str, title: str, make: Callable[[Facts, Shown], tuple[str, Figure]], fields: Sequence[Field]
    ) -> View:
        shown = Shown(self.every[kind][-SHOWN[kind] :], self.periods[kind][-SHOWN[kind] :], self.periods[kind])
        sentence, figure = make(self.facts, shown)
        return View(kind, _LABELS[kind], sentence, figure, _basis(self.facts, shown.rows), _table(title, fields, shown))


class Shown:
    """The periods of one kind that a page shows; `all_periods` are those of the whole history."""

    def __init__(self, rows: Rows, periods: list[words.Period], all_periods: list[words.Period]) -> None:
        self.rows, self.periods, self.all_periods = rows, periods, all_periods

    def names(self, until: dt.date) -> list[str]:
        """Names of the periods, with what is not whole said so."""
        return [
            _name(period, row, until) if period.complete else f"{_name(period, row, until)} (not whole)"
            for period, row in zip(self.periods, self.rows, strict=True)
        ]

    @property
    def opacity(self) -> float | list[float]:
        """Paler where a period is not whole."""
        return 1 if all(p.complete for p in self.periods) else [1 if p.complete else _PALER for p in self.periods]


def _period(row: dict[str, Any]) -> words.Period:
    effects = (row["order_number_effect"], row["order_value_effect"], row["other_effect"])
    return words.Period(
        kind=row["period_kind"],
        first=row["starts_on"],
        complete=row["is_complete"],
        revenue=row["revenue"],
        orders=row["orders"],
        order_revenue=row["order_revenue"],
        mean_order_value=row["mean_order_value"],
        margin=row["margin"],
        effects=None if None in effects else effects,
        peak_rank=row["peak_rank"],
        margin_rank=row["margin_rank"],
    )


def _name(period: words.Period, row: dict[str, Any], until: dt.date) -> str:
    if period.kind == "week":
        return words.span(row["starts_on"], min(row["ends_on"], until))
    return f"{period.first:%a} {period.name}" if period.kind == "day" else period.name


def _basis(facts: Facts, rows: Rows) -> str:
    first, last = max(rows[0]["starts_on"], facts.lines["first_on"]), min(rows[-1]["ends_on"], facts.snapshot_date)
    return f"n = {words.counted(sum(row['orders'] for row in rows), 'order')} · {words.span(first, last)}"


def _nothing(facts: Facts, days: int) -> str:
    if not days:
        return f"There was no order line by the end of {words.day(facts.snapshot_date)}."
    return f"A calendar compares one whole day with the next; the history has {words.counted(days, 'day')}."


# ── peaks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _peak(facts: Facts, kind: str, periods: Sequence[words.Period]) -> KeyFigure:
    """When profit, or revenue where profit is not known, was highest."""
    peak = words.peak_of(periods)
    if peak is None or (peak.margin is None and peak.order_revenue <= 0):
        return KeyFigure(f"Best {kind}", words.UNKNOWN, "nothing has been earned yet")
    if peak.margin is None:
        stand = "stands" if peak.orders == 1 else "stand"
        context = f"{facts.money(peak.order_revenue)} of {words.counted(peak.orders, 'order')} that {stand}"
    else:
        context = f"margin {facts.money(peak.margin)} on {facts.money(peak.revenue)}"
    value = peak.name.removeprefix("the ")
    return KeyFigure(f"Best {kind}", value[:1].upper() + value[1:], context)


# ── charts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_WHEN = (Field("starts_on", "From", "date"), Field("is_whole", "Whole"))
_MONEY = (*_WHEN, Field("revenue", "Revenue", "money"), Field("cost", "Cost", "money"),
          Field("margin", "Margin", "money"), Field("peak_rank", "Rank", "count"))  # fmt: skip
_EFFECTS = (*_WHEN, Field("order_number_effect", "Number of orders", "money"),
            Field("order_value_effect", "Order value", "money"),
            Field("other_effect", "The rest", "money"))  # fmt: skip
_ORDERS = (*_WHEN, Field("orders", "Orders, guests included", "count"), Field("buyers", "Buyers", "count"),
           Field("items", "Items", "count"))  # fmt: skip
_ORDER_VALUE = (*_WHEN, Field("mean_order_value", "Mean order value", "money"),
                Field("orders", "Orders, guests included", "count"))  # fmt: skip


def _table(title: str, fields: Sequence[Field], shown: Shown) -> Grid:
    def cell(row: dict[str, Any], field: Field) -> object:
        return ("yes" if row["is_complete"] else "no") if field.name == "is_whole" else row[field.name]

    kind = _LABELS[shown.periods[0].kind].lower()
    return grid(f"{title} by {kind}", fields, ([cell(row, field) for field in fields] for row in shown.rows))


def _revenue(facts: Facts, shown: Shown) -> tuple[str, Figure]:
    """Revenue, and in front of it the part of it that is margin; grey where the margin is not known but others are."""
    names, periods = shown.names(facts.snapshot_date), shown.periods
    sentence = (
        f"{words.peak_sentence(shown.all_periods, facts.currency)} {words.last_sentence(periods, facts.currency)}"
    )
    money = [f"{name}<br>Revenue: {facts.money(p.revenue)}" for name, p in zip(names, periods, strict=True)]
    if all(period.margin is None for period in periods):
        series = [Series("Revenue", charts.ACCENT, [p.revenue for p in periods], money, shown.opacity)]
        return sentence.strip(), charts.by_period(periods, series, facts.currency)
    margins = [f"{text}<br>Margin: {facts.money(p.margin)}" for text, p in zip(money, periods, strict=True)]
    parts = (
        ("Revenue", charts.ACCENT_PALE, [None if p.margin is None else p.revenue for p in periods]),
        ("Revenue, margin unknown", charts.UNKNOWN, [p.revenue if p.margin is None else None for p in periods]),
        ("Margin", charts.ACCENT, [p.margin for p in periods]),
    )  # fmt: skip
    series = [
        Series(name, colour, values, margins, shown.opacity)
        for name, colour, values in parts
        if any(value is not None for value in values)
    ]
    return sentence.strip(), charts.by_period(periods, series, facts.currency, mode="overlay")


def _orders(facts: Facts, shown: Shown) -> tuple[str, Figure]:
    texts = [
        f"{name}<br>{words.counted(row['orders'], 'order')}, {words.counted(row['buyers'], 'buyer')}"
        for name, row in zip(shown.names(facts.snapshot_date), shown.rows, strict=True)
    ]
    series = [Series("Orders", charts.ACCENT, [p.orders for p in shown.periods], texts, shown.opacity)]
    return words.orders_sentence(shown.periods), charts.by_period(shown.periods, series, None, height=220)


def _order_value(facts: Facts, shown: Shown) -> tuple[str, Figure]:
    """Grey where there was no order: their value is not known, and it is not 0."""
    names, values = shown.names(facts.snapshot_date), [p.mean_order_value for p in shown.periods]
    highest = max((value for value in values if value is not None), default=1)
    known = Series(
        "Mean order value",
        charts.ACCENT,
        values,
        [f"{name}<br>{facts.money(value)}" for name, value in zip(names, values, strict=True)],
        shown.opacity,
    )
    missing = Series(
        "No order: unknown",
        charts.UNKNOWN,
        [highest if value is None else None for value in values],
        [f"{name}<br>No order" for name in names],
        _BACKGROUND,
    )
    series = [known, missing] if None in values else [known]
    return words.order_value_sentence(shown.periods, facts.currency), charts.by_period(
        shown.periods, series, facts.currency, height=220
    )


def _effects(facts: Facts, shown: Shown) -> tuple[str, Figure]:
    names = shown.names(facts.snapshot_date)
    columns: Iterable[tuple[Any, ...]] = zip(*(p.effects or (None, None, None) for p in shown.periods), strict=True)

    def texts(label: str, values: Sequence[Any]) -> list[str]:
        return [f"{name}<br>{label}: {words.change(v, facts.money)}" for name, v in zip(names, values, strict=True)]

    series = [
        Series(_capital(label), colour, values, texts(_capital(label), values))
        for label, colour, values in zip(words.EFFECTS, charts.PART_COLOURS, columns, strict=True)
        if label != words.EFFECTS[-1] or any(values)
    ]
    return words.effects_sentence(shown.periods, facts.currency), charts.by_period(
        shown.periods, series, facts.currency
    )


def _capital(label: str) -> str:
    text = label.removeprefix("the ")
    return text[:1].upper() + text[1:]


# ── weekdays ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _weekdays(facts: Facts, days: Rows) -> Chart | None:
    """Mean revenue of each weekday over the last whole weeks; None if they differ no more than chance would have it."""
    whole = _whole_weeks(days)
    samples = [[float(row["revenue"]) for row in whole[weekday::7]] for weekday in range(7)]
    if len(whole) < 7 * _WEEKS_NEEDED or not _differ(samples):
        return None
    means = [sum(sample) / len(sample) for sample in samples]
    orders = [sum(row["orders"] for row in whole[weekday::7]) for weekday in range(7)]
    weeks = len(whole) // 7
    texts = [
        f"{name}<br>{facts.money(mean)} on average<br>{words.counted(many, 'order')} on {words.counted(weeks, 'day')}"
        for name, mean, many in zip(_WEEKDAYS, means, orders, strict=True)
    ]
    picture = charts.by_weekday([name[:3] for name in _WEEKDAYS], means, texts, facts.currency)
    sentence = words.weekday_sentence(list(zip(_WEEKDAYS, means, strict=True)), facts.currency)
    fields = [Field("weekday", "Weekday"), Field("mean_revenue", "Mean revenue", "money"),
              Field("orders", "Orders, guests included", "count"), Field("days", "Days", "count")]  # fmt: skip
    return Chart(
        id="calendar-weekdays",
        title="Days of the week",
        basis=_basis(facts, whole),
        views=(View("weekdays", "Weekdays", sentence, picture),),
        grid=grid(
            "Revenue by weekday",
            fields,
            [(n, round(mean, 2), many, weeks) for n, mean, many in zip(_WEEKDAYS, means, orders, strict=True)],
        ),
    )


def _whole_weeks(days: Rows) -> Rows:
    """The days of the last whole weeks, from a Monday to a Sunday, of a year at most."""
    mondays = [n for n, row in enumerate(days) if row["starts_on"].weekday() == 0 and n + 7 <= len(days)]
    if not mondays:
        return []
    return days[mondays[-52:][0] : mondays[-1] + 7]


def _differ(samples: Sequence[Sequence[float]]) -> bool:
    """Whether the days of the week differ by more than chance (Kruskal–Wallis)."""
    from scipy.stats import kruskal

    if len({value for sample in samples for value in sample}) < 2:
        return False
    return bool(kruskal(*samples).pvalue < _CHANCE)
