"""Probability: who is likely to buy, who is likely not to come back, and whom to look after first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pipeline.reporting import charts, prediction_charts, words
from pipeline.reporting import prediction_queries as queries
from pipeline.reporting.components import Chart, Field, Grid, KeyFigure, View, grid
from pipeline.reporting.facts import Facts, Report, table_file
from pipeline.reporting.prediction_words import (
    alerts_sentence,
    extremes_sentence,
    impossible_meaning,
    model_name,
    propensity_sentence,
    target_name,
    whole_percent,
)
from pipeline.reporting.predictions import (
    PROBABILITIES,
    Tested,
    caution,
    champions_of,
    churn_horizon_of,
    holdouts_of,
    probabilities_of,
)

_BANDS = ("0-25", "26-50", "51-75", "76-100")
_RECENCY = ("under 30 days", "30–89 days", "90–179 days", "180–364 days", "1–2 years", "2 years and more")
_OCCASIONS, _OCCASIONS_FROM = ("1", "2", "3–4", "5–9", "10 +"), (1, 2, 3, 5, 10)
_LOOK_BACK_DAYS = 30


def context(report: Report) -> dict[str, Any]:
    champions = champions_of(report.ask)
    totals = report.ask(queries.PROBABILITY_TOTALS).row(0, named=True)
    if not champions or not totals["customers"]:
        nothing: dict[str, Any] = dict.fromkeys(("horizon", "activity", "propensity", "alerts", "models"))
        nothing["figures"] = []
        return {"missing": report.facts.predictions.missing, **nothing}
    days = int(champions["churn"]["horizon_days"])
    tested = holdouts_of(champions, report.ask(queries.VALIDATION))
    return {
        "missing": None,
        "days": days,
        "horizon": churn_horizon_of(report.ask),
        "figures": _figures(totals, champions, days),
        "activity": _activity(report, days, totals["customers"]),
        "impossible": impossible_meaning(days),
        "propensity": _propensity(report, days, totals["customers"]),
        "alerts": _alerts(report),
        "models": _models_grid(champions, tested, days),
        "models_basis": _tested_on(tested),
    }


def _figures(totals: Mapping[str, Any], champions: Mapping[str, Any], days: int) -> list[KeyFigure]:
    def figure(label: str, people: float, target: str) -> KeyFigure:
        share = words.percent(words.share_of(people, totals["customers"]))
        champion = champions[target]
        by = f"{model_name(champion['model'])}{caution(champion['status'])}"
        return KeyFigure(label, words.count(round(people)), f"{share} of customers · {by}")

    return [
        figure("Expected to buy within 30 days", totals["buyers_30d"], "purchase_30d"),
        figure("Expected to buy within 90 days", totals["buyers_90d"], "purchase_90d"),
        figure(f"Expected not to buy within {days} days", totals["churners"], "churn"),
    ]


def _activity(report: Report, days: int, customers: int) -> Chart:
    facts, rows = report.facts, report.ask(queries.ACTIVITY_GRID).to_dicts()
    bands = _RECENCY[: max(row["recency_band"] for row in rows)]
    measures = {
        "p_purchase_30d": ("Buys in 30 days", "The chance to buy within 30 days"),
        "p_purchase_90d": ("Buys in 90 days", "The chance to buy within 90 days"),
        "churn_probability": (f"Not in {days} days", f"The chance not to buy within {days} days"),
    }

    def who(row: Mapping[str, Any]) -> str:
        times = _OCCASIONS[row["frequency_band"] - 1].replace(" +", " or more")
        last = bands[row["recency_band"] - 1]
        return f"ordered on {times} {'day' if times == '1' else 'days'}, the last {last} ago"

    def figure(column: str, name: str) -> Any:
        cells = [
            charts.HeatCell(
                row["frequency_band"] - 1, len(bands) - row["recency_band"], row[column],
                "" if row[column] is None else whole_percent(row[column]),
                f"<b>{name} {words.percent(row[column])}</b><br>{words.counted(row['customers'], 'customer')}<br>"
                f"{who(row)}",
            )
            for row in rows
        ]  # fmt: skip
        titles = ("Days with an order", "Silent for")
        return charts.heatmap(_OCCASIONS, bands[::-1], cells, titles, 1.0, 90 + 46 * len(bands))

    return Chart(
        id="activity",
        title="By silence and number of purchases",
        basis=f"n = {words.counted(customers, 'customer')} · orders {facts.range} · mean over the customers of a cell",
        views=tuple(
            View(
                column,
                label,
                extremes_sentence(
                    what, [(round(r[column], 4), r["customers"], who(r)) for r in rows if r[column] is not None]
                ),
                figure(column, label),
            )
            for column, (label, what) in measures.items()
        ),
        grid=_activity_grid(rows, bands, days),
        legend=(("No customers, so unknown", charts.UNKNOWN),),
    )


def _activity_grid(rows: list[dict[str, Any]], bands: tuple[str, ...], days: int) -> Grid:
    fields = [
        Field("silent_for", "Silent for"), Field("days_with_an_order_from", "Days with an order, from", "count"),
        Field("customers", "Customers", "count"),
        Field("p_purchase_30d", "Buys in 30 days", "percent"), Field("p_purchase_90d", "Buys in 90 days", "percent"),
        Field("churn_probability", f"Does not in {days}", "percent"),
    ]  # fmt: skip
    return grid("Mean probabilities by silence and number of purchases", fields, [
        (bands[r["recency_band"] - 1], _OCCASIONS_FROM[r["frequency_band"] - 1], r["customers"],
         r["p_purchase_30d"], r["p_purchase_90d"], r["churn_probability"])
        for r in rows
    ])  # fmt: skip


def _propensity(report: Report, days: int, customers: int) -> Chart:
    facts, rows = report.facts, report.ask(queries.PROPENSITY_GRID).to_dicts()
    fullest = max(rows, key=lambda row: (row["customers"], row["purchase_band"], row["churn_band"]))
    risk = sum(row["revenue_at_risk"] or 0.0 for row in rows)
    sentence = propensity_sentence(
        (_band(fullest["purchase_band"]), _band(fullest["churn_band"]), fullest["customers"]), customers, risk, days,
        facts.currency,
    )  # fmt: skip
    measures = {"customers": "Customers", "predicted_clv": "Predicted value", "revenue_at_risk": "Revenue at risk"}
    return Chart(
        id="propensity",
        title="Buying soon against not coming back",
        basis=f"n = {words.counted(customers, 'customer')} · orders {facts.range} · "
        f"the {words.counted(max(days, 30), 'day')} after {words.short_day(facts.snapshot_date)}",
        views=tuple(
            View(column, label, sentence, _propensity_figure(facts, rows, column, label, days))
            for column, label in measures.items()
        ),
        grid=_propensity_grid(rows, days),
        legend=(("Cannot fill", prediction_charts.IMPOSSIBLE),),
    )


def _propensity_figure(facts: Facts, rows: list[dict[str, Any]], column: str, label: str, days: int) -> Any:
    def cell(row: Mapping[str, Any]) -> charts.HeatCell:
        people = row["customers"]
        value = row[column] if people else 0
        shown = words.short_count(value) if column == "customers" else words.short_money(value, facts.currency)
        where = f"{_band(row['purchase_band'])} % to buy in 30 days<br>{_band(row['churn_band'])} % not to in {days}"
        if not row["is_possible"] and not people:
            return charts.HeatCell(*_place(row), None, "–", f"Cannot fill<br>{where}")
        text = f"<b>{words.counted(people, 'customer')}</b><br>{where}"
        if column != "customers":
            text += f"<br>{label}: {facts.money(value)}"
        return charts.HeatCell(*_place(row), None if value is None else float(value), shown, text)

    labels = tuple(_band(band) for band in _BANDS)
    titles = ("Buys within 30 days, %", f"Does not within {days}, %")
    return charts.heatmap(labels, labels, [cell(row) for row in rows], titles, height=320)


def _place(row: Mapping[str, Any]) -> tuple[int, int]:
    return _BANDS.index(row["purchase_band"]), _BANDS.index(row["churn_band"])


def _band(band: str) -> str:
    return band.replace("-", "–")


def _ends(band: str) -> tuple[float, float]:
    place = _BANDS.index(band)
    return 0.25 * place, 0.25 * (place + 1)


def _propensity_grid(rows: list[dict[str, Any]], days: int) -> Grid:
    fields = [
        Field("purchase_in_30_days_percent", "Buys in 30 days, %"),
        Field("no_purchase_above", f"Does not in {days}: over", "percent"),
        Field("no_purchase_up_to", "up to", "percent"),
        Field("can_fill", "Can fill"), Field("customers", "Customers", "count"),
        Field("predicted_value", "Predicted value", "money"), Field("revenue_at_risk", "Revenue at risk", "money"),
    ]  # fmt: skip
    return grid("Customers by both probabilities", fields, [
        (_band(r["purchase_band"]), *_ends(r["churn_band"]), "yes" if r["is_possible"] else "no", r["customers"],
         r["predicted_clv"], r["revenue_at_risk"])
        for r in rows
    ])  # fmt: skip


def _alerts(report: Report) -> dict[str, Any]:
    facts, rows = report.facts, report.ask(queries.ALERTS).to_dicts()
    totals = report.ask(queries.ALERT_TOTALS).row(0, named=True)
    before = facts.snapshot_date - dt.timedelta(days=_LOOK_BACK_DAYS)
    fields = [
        Field("customer_id", "Customer"), Field("p_90d_before", f"90 days, {words.short_day(before)}", "percent"),
        Field("p_90d_now", "90 days, now", "percent"), Field("predicted_value_before", "Value then", "money"),
        Field("predicted_value", "Value now", "money"), Field("silent_days", "Silent, days", "count"),
        Field("revenue_12_months", "Revenue, 12 months", "money"),
    ]  # fmt: skip
    lost = (totals["predicted_clv_before"] or 0.0) - (totals["predicted_clv"] or 0.0)
    return {
        "sentence": alerts_sentence(totals["customers"], before, totals["revenue_12_months"], facts.currency),
        "figures": [
            KeyFigure("Premium customers losing interest", words.count(totals["customers"]),
                      f"{words.short_day(before)} – {words.short_day(facts.snapshot_date)}"),
            KeyFigure("Revenue at stake", facts.money(totals["revenue_12_months"]),
                      "what they spent in the last 12 months"),
            KeyFigure("Predicted value", facts.money(totals["predicted_clv"]),
                      f"{facts.money(lost)} less than 30 days before" if lost > 0 else ""),
        ],
        "table": grid("Premium customers losing interest, the highest value then first", fields, [
            (words.shown_id(r["customer_id"]), r["p_purchase_90d_before"], r["p_purchase_90d"],
             r["predicted_clv_before"], r["predicted_clv"], r["recency_days"], r["revenue_12_months"])
            for r in rows
        ]),
        "customers": totals["customers"],
        "file": table_file(report, "premium_alerts"),
        "hides_addresses": any("@" in row["customer_id"] for row in rows),
    }  # fmt: skip


def _models_grid(champions: Mapping[str, Any], tested: Mapping[str, Tested], days: int) -> Grid:
    fields = [
        Field("what", "Probability"), Field("model", "Published model"), Field("log_loss", "Log loss", "score"),
        Field("base_rate_log_loss", "Of the base rate", "score"), Field("better_by", "Better by", "percent"),
        Field("calibration_gap", "Calibration gap", "percent"), Field("auc", "AUC", "score"),
    ]  # fmt: skip
    rows: list[tuple[object, ...]] = []
    for target in probabilities_of(champions):
        found = tested.get(target)
        name, model = (
            target_name(target, days),
            model_name(champions[target]["model"]),
        )
        base = found.rivals.get("base_rate") if found else None
        if found is None or found.score is None:
            rows.append((name, model, None, None, None, None, None))
        else:
            better = None if not base else 1 - found.score / base
            rows.append((name, model, found.score, base, better, found.scores.get("ece"), found.scores.get("auc")))
    return grid("Which model makes each probability, and how it did when tested", fields, rows)


def _tested_on(tested: Mapping[str, Tested]) -> str:
    told = [found for target, found in tested.items() if target in PROBABILITIES]
    if not told:
        return "Not tested yet: the history is too short to keep some of it back."
    most, least = max(found.customers for found in told), min(found.customers for found in told)
    people = (
        words.counted(most, "customer")
        if most == least
        else f"{words.count(least)} to {words.counted(most, 'customer')}"
    )
    first, last = min(found.origin for found in told), max(found.until for found in told)
    span = f"{words.short_day(first)} to {words.short_day(last)}"
    return f"n = {people} · tested on days from {span} that the models had not seen"
