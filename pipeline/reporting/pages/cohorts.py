"""Cohorts: who comes back how long after the first purchase, what they bring, and key figures against targets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pipeline.reporting import charts, prediction_charts, rhythm_charts, words
from pipeline.reporting import rhythm_queries as queries
from pipeline.reporting import rhythm_words as says
from pipeline.reporting.components import Chart, Field, Grid, View, grid
from pipeline.reporting.facts import Facts, Report

COHORTS_SHOWN, AGES_SHOWN, MONTHS_SHOWN, TARGETS_SHOWN = 13, 12, 24, 36
"""What fits a phone; the tables have all."""
LEAST_AGE = 2
"""Months a cohort must be old to stand out among the others."""
KPIS_SHOWN = ("revenue", "buyers", "mean_order_value", "orders_per_buyer", "retention_90d", "refund_share")
_SHARES = {
    "buyers": ("Buyers", "the buyers", "repeat_share_of_buyers", "one_time_share_of_buyers"),
    "revenue": ("Revenue", "their revenue", "repeat_share_of_revenue", "one_time_share_of_revenue"),
}
_REPEAT, _ONE_TIME = charts.ACCENT, charts.PART_COLOURS[1]

Rows = list[dict[str, Any]]


def context(report: Report) -> dict[str, Any]:
    facts = report.facts
    cohorts = report.ask(queries.COHORTS).to_dicts()
    every = report.ask(queries.KPIS).to_dicts()
    months = [row for row in every if row["period_kind"] == "month"]
    known = [row for row in cohorts if row["is_complete"] and row["age_months"] > 0]
    benchmarks = report.ask(queries.BENCHMARKS).to_dicts()
    figures = {name: [row for row in months if row["kpi"] == name] for name in says.KPI_NAMES}
    return {
        "missing": "" if known else _missing(facts, cohorts),
        "retention": _retention(facts, cohorts) if known else None,
        "value": _value(facts, cohorts) if known else None,
        "repeat": _repeat(facts, figures, benchmarks) if not facts.is_empty else None,
        "has_benchmarks": bool(benchmarks),
        "kpis": _kpis(facts, figures) if months else None,
        "targets": says.targets_sentence(_verdict(months)),
        "kpi_table": _kpi_table(facts, months),
        "kpi_basis": f"orders {facts.range}",
        "target_table": _target_table(facts, every),
    }


def _missing(facts: Facts, cohorts: Rows) -> str:
    if not cohorts:
        return "No customer has bought yet, so there is no cohort."
    second = _month_after(_month_after(min(row["cohort"] for row in cohorts)))
    return (
        "A cohort shows who comes back from its second month on. The first one's is over on "
        f"{words.short_day(second - dt.timedelta(days=1))}."
    )


def _month_after(month: dt.date) -> dt.date:
    return (month + dt.timedelta(days=31)).replace(day=1)


# ── cohorts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cohort_basis(facts: Facts, cohorts: Rows) -> str:
    customers = sum(row["customers"] for row in cohorts if row["age_months"] == 0)
    return f"n = {words.counted(customers, 'customer')} · first purchases {facts.range}"


def _retention(facts: Facts, cohorts: Rows) -> Chart:
    names = sorted({row["cohort"] for row in cohorts}, reverse=True)[:COHORTS_SHOWN]
    ages = min(AGES_SHOWN, max(row["age_months"] for row in cohorts))
    cells = [
        prediction_charts.HeatCell(
            row["age_months"] - 1, names.index(row["cohort"]), row["retention"], _in_cell(row), _cell_text(row)
        )
        for row in cohorts
        if row["cohort"] in names and 0 < row["age_months"] <= ages
    ]
    figure = prediction_charts.heatmap(
        [str(age) for age in range(1, ages + 1)],
        [says.month(name) for name in names],
        cells,
        ("Months after the first purchase", ""),
        height=80 + 30 * max(3, len(names)),
    )
    return Chart(
        id="retention",
        title="Who comes back",
        basis=_cohort_basis(facts, cohorts),
        views=(View("all", "All", says.retention_sentence(cohorts), figure),),
        grid=_cohort_grid(cohorts),
        legend=(("Share that came back, in %", "var(--heat-middle)"), ("Not over yet", charts.UNKNOWN)),
    )


def _in_cell(row: Mapping[str, Any]) -> str:
    """Percent without the sign, which has no room on a phone."""
    share = row["retention"]
    return "" if share is None else "<1" if 0 < share < 0.005 else f"{100 * share:.0f}"


def _cell_text(row: Mapping[str, Any]) -> str:
    head = f"First purchase in {says.month(row['cohort'])}: {words.counted(row['customers'], 'customer')}<br>"
    if row["retention"] is None:
        return f"{head}{says.month(row['month'])} is not over"
    interval = f"{words.percent(row['retention_low'])} to {words.percent(row['retention_high'])}"
    return f"{head}{says.month(row['month'])}: {words.percent(row['retention'])} bought ({interval})"


def _cohort_grid(cohorts: Rows) -> Grid:
    fields = [
        Field("cohort", "First purchase in"), Field("age_months", "Months after", "count"),
        Field("customers", "Customers", "count"), Field("active_customers", "Bought", "count"),
        Field("retention", "Share", "percent"), Field("retention_low", "95 % interval: from", "percent"),
        Field("retention_high", "to", "percent"), Field("orders", "Orders", "count"),
        Field("revenue", "Revenue", "money"),
        Field("cumulative_revenue_per_customer", "Revenue so far, per customer", "money"),
    ]  # fmt: skip
    return grid(
        "Cohorts by month of the first purchase and months since then",
        fields,
        [[says.month(row["cohort"]), *(row[field.name] for field in fields[1:])] for row in cohorts],
    )


def _value(facts: Facts, cohorts: Rows) -> Chart:
    names = sorted({row["cohort"] for row in cohorts})[-COHORTS_SHOWN:]
    known = {
        name: [row for row in cohorts if row["cohort"] == name and row["is_complete"]] for name in names
    }  # ascending by age
    known = {name: rows for name, rows in known.items() if rows}
    old_enough = [name for name, rows in known.items() if len(rows) > LEAST_AGE] or list(known)
    chosen = old_enough[-1]
    age = len(known[chosen]) - 1
    older = [known[name][age] for name in known if name < chosen and len(known[name]) > age]
    lines = [_line(facts, name, rows, chosen, older) for name, rows in known.items()]
    mean = (
        sum(row["cumulative_revenue_per_customer"] * row["customers"] for row in older)
        / sum(row["customers"] for row in older)
        if older
        else None
    )
    sentence = says.value_sentence(
        says.month(chosen), age, known[chosen][age]["cumulative_revenue_per_customer"], mean, facts.currency
    )
    legend = [(says.month(chosen), _ONE_TIME)]
    if older:
        legend += [(f"{says.month(older[0]['cohort'])}, the oldest shown", charts.ACCENT)]
    return Chart(
        id="cohort-value",
        title="What they have brought",
        basis=_cohort_basis(facts, cohorts),
        views=(
            View("all", "All", sentence, rhythm_charts.ageing(lines, facts.currency, "Revenue so far, per customer")),
        ),
        grid=_cohort_grid([row for rows in known.values() for row in rows]),
        legend=(*legend, ("Other cohorts", charts.ACCENT_PALE)),
    )


def _line(facts: Facts, name: dt.date, rows: Rows, chosen: dt.date, older: Rows) -> rhythm_charts.Line:
    oldest = older[0]["cohort"] if older else None
    return rhythm_charts.Line(
        says.month(name),
        [row["cumulative_revenue_per_customer"] for row in rows],
        [f"{says.month(name)}, {words.counted(row['age_months'], 'month')} on<br>"
         f"{facts.money(row['cumulative_revenue_per_customer'])} per customer, "
         f"{words.counted(row['customers'], 'customer')}" for row in rows],
        _ONE_TIME if name == chosen else charts.ACCENT if name == oldest else charts.ACCENT_PALE,
        name in (chosen, oldest),
    )  # fmt: skip


# ── one-time and repeat ───────────────────────────────────────────────────────────────────────────────────────────────


def _repeat(facts: Facts, figures: Mapping[str, Rows], benchmarks: Rows) -> Chart:
    return Chart(
        id="repeat",
        title="One-time and repeat buyers",
        basis=f"n = {words.counted(facts.customers['customers'], 'customer')} · orders {facts.range}",
        views=tuple(_repeat_view(facts, key, figures, benchmarks) for key in _SHARES),
        legend=(("Repeat", _REPEAT), ("One-time", _ONE_TIME), *(
            (f"{name}, repeat", charts.INK) for name in sorted({row["sector"] for row in benchmarks})
        )),
    )  # fmt: skip


def _repeat_view(facts: Facts, key: str, figures: Mapping[str, Rows], benchmarks: Rows) -> View:
    label, of, repeat, one_time = _SHARES[key]
    rows, others = figures[repeat][-MONTHS_SHOWN:], figures[one_time][-MONTHS_SHOWN:]
    given = [row for row in benchmarks if row["kpi"] == repeat and row["starts_on"] >= rows[0]["starts_on"]]
    given = [row for row in given if "Q" not in row["period"] and "-" in row["period"]]
    shown = [
        rhythm_charts.Column(
            says.month(row["starts_on"]), row["value"],
            f"{_month_name(row)}<br>Repeat {words.percent(row['value'])}, one-time {words.percent(other['value'])}<br>"
            f"{words.counted(row['rests_on'], 'buyer')}", row["is_open"],
        )
        for row, other in zip(rows, others, strict=True)
    ]  # fmt: skip
    parts = [("Repeat", _REPEAT, [row["value"] for row in rows]),
             ("One-time", _ONE_TIME, [row["value"] for row in others])]  # fmt: skip
    sectors = [
        rhythm_charts.Benchmark(
            f"{sector}, repeat",
            [says.month(row["starts_on"]) for row in given if row["sector"] == sector],
            [row["benchmark"] for row in given if row["sector"] == sector],
        )
        for sector in sorted({row["sector"] for row in given})
    ]
    fields = [Field("month", "Month"), Field("buyers", "Buyers", "count"), Field("repeat", "Repeat", "percent"),
              Field("one_time", "One-time", "percent"),
              *(Field(f"sector_{n}", sector.name, "percent") for n, sector in enumerate(sectors, start=1))]  # fmt: skip
    by_sector = [dict(zip(sector.labels, sector.values, strict=True)) for sector in sectors]
    table = [
        (_month_name(row), row["rests_on"], row["value"], other["value"],
         *(values.get(says.month(row["starts_on"])) for values in by_sector))
        for row, other in zip(rows, others, strict=True)
    ]  # fmt: skip
    return View(
        key, label, _repeat_sentence(of, rows, given), rhythm_charts.stacked_shares(shown, parts, sectors),
        grid=grid(f"Repeat and one-time buyers’ share of {of} by month", fields, table),
    )  # fmt: skip


def _month_name(row: Mapping[str, Any]) -> str:
    name = says.month(row["starts_on"])
    return f"{name} (not over)" if row["is_open"] else name if row["is_complete"] else f"{name} (not whole)"


def _repeat_sentence(of: str, rows: Rows, given: Rows) -> str:
    whole = [row for row in rows if row["is_complete"] and row["value"] is not None]
    if not whole:
        return "There is no whole month with buyers yet."
    ends = [(f"{row['starts_on']:%B %Y}", row["value"]) for row in (whole[0], whole[-1])]
    compared = [row for row in given if row["difference"] is not None]
    if not compared:
        return says.repeat_sentence(of, *ends)
    last = max(compared, key=lambda row: (row["starts_on"], row["sector"]))
    return says.repeat_sentence(of, *ends) + says.benchmark_sentence(
        last["sector"], f"{last['starts_on']:%B %Y}", last["difference"]
    )


# ── key figures ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _kpis(facts: Facts, figures: Mapping[str, Rows]) -> Chart:
    """A view for each key figure that is always shown or has a target."""
    names = [
        name for name, rows in figures.items() if name in KPIS_SHOWN or any(row["target"] is not None for row in rows)
    ]
    has_targets = any(row["target"] is not None for name in names for row in figures[name])
    return Chart(
        id="kpis",
        title="Key figures by month",
        basis=f"n = {words.counted(_orders(figures), 'order')} · {facts.range}",
        views=tuple(_kpi_view(facts, name, figures[name][-MONTHS_SHOWN:]) for name in names),
        legend=(("Value", charts.ACCENT), ("Target", rhythm_charts.TARGET)) if has_targets else (),
    )


def _orders(figures: Mapping[str, Rows]) -> int:
    return int(sum(row["value"] or 0 for row in figures["orders"]))


def _kpi_view(facts: Facts, name: str, rows: Rows) -> View:
    show = says.shower(rows[0]["unit"], rows[0]["measure"], facts.currency)
    shown = [
        rhythm_charts.Column(
            says.month(row["starts_on"]),
            row["value"],
            _kpi_text(row, name, show),
            not row["is_complete"],
            row["target"],
        )
        for row in rows
    ]
    whole = [row for row in rows if row["is_complete"] and row["value"] is not None]
    sentence = says.kpi_sentence(
        whole[-1] if whole else None, next((row for row in rows if row["is_open"]), None), facts.currency
    )
    kind = _kind(rows[0])
    fields = [Field("month", "Month"), Field("value", says.KPI_NAMES[name], kind), Field("rests_on", "n", "count"),
              Field("target", "Target", kind), Field("status", "Status")]  # fmt: skip
    return View(
        name, says.KPI_NAMES[name], sentence, rhythm_charts.columns(shown, rows[0]["unit"], facts.currency),
        grid=grid(f"{says.KPI_NAMES[name]} by month", fields, [
            (_month_name(row), row["value"], row["rests_on"], row["target"], says.STATUSES[row["status"]])
            for row in rows
        ]),
    )  # fmt: skip


def _kind(row: Mapping[str, Any]) -> Any:
    kinds = {"currency": "money", "share": "percent"}
    return kinds.get(row["unit"], "count" if row["measure"] == "total" else "number")


def _kpi_text(row: Mapping[str, Any], name: str, show: Any) -> str:
    target = f"<br>Target {show(row['target'])}: {says.STATUSES[row['status']]}" if row["target"] is not None else ""
    return f"{_month_name(row)}<br>{says.KPI_NAMES[name]} {show(row['value'])}{target}"


def _last_whole(months: Rows) -> dt.date | None:
    return max((row["starts_on"] for row in months if row["is_complete"]), default=None)


def _verdict(months: Rows) -> says.Verdict | None:
    """How the targets of the last whole month came out; None without any target."""
    if all(row["target"] is None for row in months):
        return None
    last = _last_whole(months)
    judged = [row for row in months if row["starts_on"] == last and row["status"] in {"met", "missed"}]
    when = f"{last:%B %Y}" if last else "a month that is over"
    return says.Verdict(when, sum(row["status"] == "met" for row in judged), len(judged))


def _kpi_table(facts: Facts, months: Rows) -> Grid | None:
    """All key figures of the last whole month, as they are said: their units differ."""
    last = _last_whole(months)
    rows = {row["kpi"]: row for row in months if row["starts_on"] == last}
    if not rows:
        return None
    fields = [
        Field("kpi", "Key figure"), Field("value", f"{last:%B %Y}"), Field("rests_on", "n", "count"),
        Field("target", "Target"), Field("status", "Status"), Field("previous", "Month before"),
        Field("trend", "Trend"), Field("year_earlier", "Year earlier"), Field("trend_to_year_earlier", "Trend"),
    ]  # fmt: skip
    return grid(f"Key figures of {last:%B %Y}", fields, [
        _kpi_row(name, rows[name], says.shower(rows[name]["unit"], rows[name]["measure"], facts.currency))
        for name in says.KPI_NAMES
    ])  # fmt: skip


def _kpi_row(name: str, row: Mapping[str, Any], show: Any) -> tuple[object, ...]:
    def told(value: Any) -> str:
        return "–" if value is None else str(show(value))

    return (
        says.KPI_NAMES[name], show(row["value"]), row["rests_on"], told(row["target"]), says.STATUSES[row["status"]],
        told(row["previous_value"]), row["trend"] or "–", told(row["year_earlier_value"]),
        row["trend_to_year_earlier"] or "–",
    )  # fmt: skip


def _target_table(facts: Facts, rows: Rows) -> Grid | None:
    """The targets of the newest months, quarters and years, the newest first."""
    aimed = sorted(
        (row for row in rows if row["target"] is not None),
        key=lambda row: (row["ends_on"], row["starts_on"], row["kpi"]),
        reverse=True,
    )
    if not aimed:
        return None
    fields = [Field("period", "Period"), Field("kpi", "Key figure"), Field("value", "Value"),
              Field("target", "Target"), Field("status", "Status")]  # fmt: skip
    return grid("Targets and how they came out", fields, [
        (row["period"], says.KPI_NAMES[row["kpi"]], show(row["value"]), show(row["target"]),
         says.STATUSES[row["status"]])
        for row in aimed[:TARGETS_SHOWN]
        for show in [says.shower(row["unit"], row["measure"], facts.currency)]
    ])  # fmt: skip
