"""Value: what customers are expected to bring, how unequally, and who."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipeline.reporting import charts, prediction_charts, words
from pipeline.reporting import prediction_queries as queries
from pipeline.reporting.components import Chart, Field, Grid, KeyFigure, View, grid
from pipeline.reporting.facts import Facts, Report, table_file
from pipeline.reporting.prediction_words import (
    Worth,
    averages_sentence,
    distribution_sentence,
    interval_sentence,
    lorenz_sentence,
    mean_segments_sentence,
    model_name,
    rising_sentence,
    segments_sentence,
    spot_sentence,
    top_sentence,
)
from pipeline.reporting.predictions import caution, champions_of, holdouts_of, missing, settings_of
from pipeline.reporting.segments import labels_of

_TAIL_BIN = 30
_PER_POWER = 6
_CATALOGUES = {"grid": "Ten groups", "axonaut": "Seven groups"}
_AVERAGES = {
    "orders": "Orders of a customer", "occasions": "Days with an order",
    "order_value": "Mean order value of a customer",
    "gap_days": "Days between two orders", "revenue_12_months": "Revenue of the last 12 months",
    "historic_clv": "Revenue to date", "predicted_clv": "Predicted value",
}  # fmt: skip


def context(report: Report) -> dict[str, Any]:
    facts = report.facts
    totals = report.ask(queries.VALUE_TOTALS).row(0, named=True)
    averages = report.ask(queries.BASE_AVERAGES).to_dicts()
    common = {
        "averages": _averages_grid(averages, facts.currency) if not facts.is_empty else None,
        "averages_sentence": _averages_sentence(averages, facts.currency),
    }
    champions = champions_of(report)
    if not champions or not totals["customers"]:
        return {
            "missing": missing(report),
            "lead": "",
            "figures": [],
            "charts": [],
            "top": None,
            "rising": None,
            **common,
        }
    settings = settings_of(report)
    months = int(settings["months"])
    segments = report.ask(queries.VALUE_SEGMENTS)
    shares = report.ask(queries.VALUE_SHARES)
    return {
        "missing": None,
        "lead": _lead(months, settings),
        "figures": _figures(facts, totals, months, caution(totals["status"])),
        "charts": [
            _distribution(report, totals, months),
            _lorenz(facts, shares, totals),
            _segments(facts, segments, months),
            _orders_and_spend(report, totals, months),
        ],
        "top": _top(report, totals, champions),
        "rising": _rising(report),
        **common,
    }


def _lead(months: int, settings: Any) -> str:
    kept = "margin" if settings["margin"] is not None else "revenue"
    return (
        f"What each customer is expected to bring in {kept} over the next {words.counted(months, 'month')}: expected "
        "purchases times their expected value, later months discounted by "
        f"{words.number(100 * settings['yearly_discount'])} % a year, less the usual share of refunds. "
        "An expectation is a mean over many alike, not a promise of one."
    )


def _figures(facts: Facts, totals: dict[str, Any], months: int, careful: str) -> list[KeyFigure]:
    """`careful`: what stands behind every prediction."""
    spend = model_name(totals["spend_model"])
    return [
        KeyFigure("Predicted value of today’s customers", facts.money(totals["predicted_clv"]),
                  f"over {words.counted(months, 'month')}, by {model_name(totals['model'])} and {spend}{careful}"),
        KeyFigure("Per customer", facts.money(totals["mean_clv"]),
                  f"mean; half are below {facts.money(totals['median_clv'])}{careful}"),
        KeyFigure("Brought so far", facts.money(totals["historic_clv"]),
                  f"{facts.range}, {words.counted(totals['customers'], 'customer')}"),
    ]  # fmt: skip


def _basis(facts: Facts, customers: int, ahead: str) -> str:
    return f"n = {words.counted(customers, 'customer')} · orders {facts.range} · value {ahead}"


def _ahead(facts: Facts, months: int) -> str:
    return f"of the {words.counted(months, 'month')} after {words.short_day(facts.snapshot_date)}"


def _distribution(report: Report, totals: dict[str, Any], months: int) -> Chart:
    facts, rows = report.facts, report.ask(queries.VALUE_HISTOGRAM).to_dicts()
    width = float(rows[0]["width"])
    found = {row["bin"]: row for row in rows}
    bins = []
    for place in range(_TAIL_BIN + 1 if _TAIL_BIN in found else max(found) + 1):
        row = found.get(place, {"customers": 0, "predicted_clv": 0.0})
        low, high = place * width, None if place == _TAIL_BIN else (place + 1) * width
        text = _bin_text(facts, low, high, row, totals["customers"])
        bins.append((prediction_charts.Bin(low, high, row["customers"], text), row["predicted_clv"]))
    top = found.get(_TAIL_BIN)
    tail = (top["customers"], _TAIL_BIN * width, top["predicted_clv"]) if top else (0, 0, 0)
    sentence = distribution_sentence(
        totals["median_clv"], totals["mean_clv"], tail, (totals["customers"], totals["predicted_clv"]), months,
        facts.currency,
    )  # fmt: skip
    fields = [Field("from", "From", "money"), Field("below", "Below", "money"),
              Field("customers", "Customers", "count"), Field("share_of_customers", "Share", "percent"),
              Field("predicted_value", "Predicted value", "money")]  # fmt: skip
    return Chart(
        id="value-distribution",
        title="How value is distributed",
        basis=_basis(facts, totals["customers"], _ahead(facts, months)),
        views=(View("all", "All", sentence, prediction_charts.histogram([one for one, _ in bins], facts.currency)),),
        grid=grid("Customers by predicted value; the last row has no upper end", fields, [
            (one.low, one.high, one.customers, words.share_of(one.customers, totals["customers"]), value)
            for one, value in bins
        ]),
    )  # fmt: skip


def _bin_text(facts: Facts, low: float, high: float | None, row: dict[str, Any], customers: int) -> str:
    ends = f"{facts.money(low)} to {facts.money(high)}" if high is not None else f"{facts.money(low)} and more"
    share = words.percent(words.share_of(row["customers"], customers))
    return f"{ends}<br>{words.counted(row['customers'], 'customer')}, {share}"


def _lorenz(facts: Facts, shares: pl.DataFrame, totals: dict[str, Any]) -> Chart:
    points, people, value = [(0.0, 0.0)], 0, 0.0
    for row in shares.to_dicts():
        people, value = people + row["customers"], value + row["predicted_clv"]
        points.append((people / totals["customers"], words.share_of(value, totals["predicted_clv"]) or 0.0))
    picture = prediction_charts.lorenz(points)
    top, half = (_held(shares, up_to, totals["predicted_clv"]) for up_to in (10, 50))
    sentence = lorenz_sentence(top, None if half is None else max(0.0, 1 - half))
    every = [point for n, point in enumerate(points) if n % 5 == 0 or n == len(points) - 1]
    return Chart(
        id="lorenz",
        title="How unequal it is",
        basis=facts.basis,
        views=(View("all", "All", sentence, picture),),
        grid=grid(
            "Share of the predicted value that the most valuable customers hold",
            [Field("share_of_customers", "Share of customers", "percent"),
             Field("share_of_value", "Share of the predicted value", "percent")],
            every,
        ),
        legend=prediction_charts.legend(picture),
    )  # fmt: skip


def _held(shares: pl.DataFrame, up_to: int, whole: float) -> float | None:
    """Share of the value that so many hundredths of the customers hold."""
    return words.share_of(shares.filter(pl.col("hundredth") <= up_to)["predicted_clv"].sum(), whole)


def _segments(facts: Facts, segments: pl.DataFrame, months: int) -> Chart:
    views = []
    for catalogue, label in _CATALOGUES.items():
        found = {row["segment"]: row for row in segments.filter(pl.col("catalogue") == catalogue).to_dicts()}
        groups = [
            Worth(name, row["customers"], row["historic_clv"], row["predicted_clv"])
            for segment, name in labels_of(facts, catalogue).items()
            if (row := found.get(segment))
        ]
        if not groups:
            continue
        table = _segments_grid(groups, label)
        for key, of, sentence, told in (
            (catalogue, False, segments_sentence, label),
            (f"{catalogue}-mean", True, mean_segments_sentence, f"{label}, per customer"),
        ):
            views.append(View(key, told, sentence(groups, facts.currency), _bars(facts, groups, of), grid=table))
    return Chart(
        id="value-by-segment",
        title="Value per segment",
        basis=_basis(facts, facts.customers["customers"], _ahead(facts, months)),
        views=tuple(views),
        legend=charts.legend(views[0].figure) if views else (),
    )


def _bars(facts: Facts, groups: list[Worth], per_customer: bool) -> Any:
    def value(amount: Any, group: Worth) -> float:
        return round(float(amount) / (group.customers if per_customer else 1), 2)

    series = []
    for name, colour, attribute in (
        ("Brought so far", charts.ACCENT_PALE, "historic"), ("Expected", charts.ACCENT, "predicted"),
    ):  # fmt: skip
        values = [value(getattr(group, attribute), group) for group in groups]
        texts = [
            f"{charts.plain(group.label)}<br>{name}: {facts.money(amount)}{' per customer' if per_customer else ''}"
            for group, amount in zip(groups, values, strict=True)
        ]
        series.append(charts.Series(name, colour, values, texts))
    return charts.horizontal_bars([group.label for group in groups], series, facts.currency)


def _segments_grid(groups: list[Worth], label: str) -> Grid:
    fields = [
        Field("segment", "Group"), Field("customers", "Customers", "count"),
        Field("historic_value", "Brought so far", "money"), Field("predicted_value", "Predicted value", "money"),
        Field("historic_value_per_customer", "So far, per customer", "money"),
        Field("predicted_value_per_customer", "Predicted, per customer", "money"),
    ]  # fmt: skip
    return grid(f"Value per segment: {label[0].lower()}{label[1:]}", fields, [
        (g.label, g.customers, g.historic, g.predicted, float(g.historic) / g.customers,
         float(g.predicted) / g.customers)
        for g in groups
    ])  # fmt: skip


def _orders_and_spend(report: Report, totals: dict[str, Any], months: int) -> Chart:
    facts, rows = report.facts, report.ask(queries.ORDERS_AND_SPEND).to_dicts()
    whole = totals["customers"]
    spots = [
        prediction_charts.Spot(
            _middle(row["orders_bin"]), _middle(row["spend_bin"]), row["customers"],
            f"{words.counted(row['customers'], 'customer')}<br>{_range(row['orders_bin'], words.number)} purchases "
            f"expected<br>{_range(row['spend_bin'], facts.money)} each<br>mean predicted value "
            f"{facts.money(row['predicted_clv'] / row['customers'])}",
        )
        for row in rows
    ]  # fmt: skip
    fullest = max(rows, key=lambda row: (row["customers"], row["orders_bin"], row["spend_bin"]))
    kept = words.share_of(sum(r["predicted_clv"] for r in rows), sum(r["undiscounted"] for r in rows)) or 1.0
    sentence = spot_sentence(
        fullest["customers"], whole, _borders(fullest["orders_bin"]), _borders(fullest["spend_bin"]),
        fullest["predicted_clv"] / fullest["customers"], facts.currency,
    )  # fmt: skip
    fields = [
        Field("purchases_from", "Purchases from", "number"), Field("purchases_to", "to", "number"),
        Field("spend_from", "Value from", "money"), Field("spend_to", "to", "money"),
        Field("customers", "Customers", "count"), Field("predicted_value", "Predicted value", "money"),
    ]  # fmt: skip
    return Chart(
        id="orders-and-spend",
        title="How often, and how much each time",
        basis=_basis(facts, whole, _ahead(facts, months)),
        views=(View("all", "All", sentence, prediction_charts.orders_and_spend(spots, kept, facts.currency)),),
        grid=grid("Customers by expected purchases within a year and expected value of one", fields, [
            (*_borders(row["orders_bin"]), *_borders(row["spend_bin"]), row["customers"], row["predicted_clv"])
            for row in rows
        ]),
        legend=(
            ("Customers: the larger, the more", charts.ACCENT), ("Same predicted value along the line", charts.MUTED),
        ),
    )  # fmt: skip


def _borders(place: int) -> tuple[float, float]:
    return 10 ** (place / _PER_POWER), 10 ** ((place + 1) / _PER_POWER)


def _middle(place: int) -> float:
    return float(10 ** ((place + 0.5) / _PER_POWER))


def _range(place: int, show: Any) -> str:
    low, high = _borders(place)
    return f"{show(low)} to {show(high)}"


def _top(report: Report, totals: dict[str, Any], champions: dict[str, Any]) -> dict[str, Any]:
    value = holdouts_of(champions, report.ask(queries.VALIDATION)).get("value")
    facts, rows = report.facts, report.ask(queries.TOP_CUSTOMERS).to_dicts()
    together = sum(row["predicted_clv"] for row in rows)
    fields = [
        Field("customer_id", "Customer"), Field("predicted_value", "Predicted value", "money"),
        Field("low", "8 in 10: from", "money"), Field("high", "to", "money"),
        Field("standard_error", "± of the mean", "money"), Field("expected_purchases", "Purchases, 1 year", "number"),
        Field("expected_spend", "Value of one", "money"), Field("historic_value", "So far", "money"),
    ]  # fmt: skip
    return {
        "sentence": top_sentence(
            len(rows), together, words.share_of(together, totals["predicted_clv"]), rows[0]["clv_low"],
            rows[0]["clv_high"], rows[0]["predicted_clv"], facts.currency,
        ),
        "table": grid("The most valuable customers by predicted value", fields, [
            (words.shown_id(r["customer_id"]), r["predicted_clv"], r["clv_low"], r["clv_high"], r["clv_standard_error"],
             r["expected_purchases_365d"], r["expected_spend"], r["historic_clv"])
            for r in rows
        ]),
        "interval": interval_sentence(value.scores.get("coverage_80") if value else None),
        "file": table_file(report, "clv_predictions"),
        "hides_addresses": any("@" in row["customer_id"] for row in rows),
    }  # fmt: skip


def _rising(report: Report) -> dict[str, Any]:
    facts, rows = report.facts, report.ask(queries.RISING).to_dicts()
    totals = report.ask(queries.RISING_TOTALS).row(0, named=True)
    fields = [
        Field("customer_id", "Customer"), Field("predicted_value", "Predicted value", "money"),
        Field("predicted_rank", "Place", "count"), Field("historic_value", "So far", "money"),
        Field("historic_rank", "Place so far", "count"),
    ]  # fmt: skip
    return {
        "sentence": rising_sentence(
            totals["customers"], totals["predicted_clv"], totals["historic_clv"], facts.currency
        ),
        "table": grid("Rising customers, the highest predicted value first", fields, [
            (words.shown_id(r["customer_id"]), r["predicted_clv"], r["predicted_rank"], r["historic_clv"],
             r["historic_rank"])
            for r in rows
        ]),
        "customers": totals["customers"],
        "file": table_file(report, "rising_customers"),
    }  # fmt: skip


def _averages_grid(rows: list[dict[str, Any]], currency: str) -> Grid:
    fields = [
        Field("measure", "Average"), Field("unit", "In"), Field("customers", "Customers", "count"),
        Field("mean", "Mean", "number"), Field("mean_low", "95 % interval: from", "number"),
        Field("mean_high", "to", "number"), Field("median", "Median", "number"),
    ]  # fmt: skip
    found = {row["measure"]: row for row in rows}
    return grid("Averages of all customers", fields, [
        (name, row["unit"].replace("currency", currency).replace("occasions", "days"), row["customers"], row["mean"],
         row["mean_low"], row["mean_high"], row["median"])
        for measure, name in _AVERAGES.items()
        if (row := found.get(measure))
    ])  # fmt: skip


def _averages_sentence(rows: list[dict[str, Any]], currency: str) -> str:
    found = {row["measure"]: row for row in rows}

    def of(measure: str) -> tuple[Any, Any, Any] | None:
        row = found.get(measure)
        return None if row is None or row["mean"] is None else (row["mean"], row["mean_low"], row["mean_high"])

    return averages_sentence(of("orders"), of("order_value"), currency)
