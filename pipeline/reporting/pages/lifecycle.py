"""Lifecycle: where customers stand, how they move, what a move is worth, and where it leads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pipeline.reporting import charts, lifecycle_charts, words
from pipeline.reporting import lifecycle_queries as queries
from pipeline.reporting.charts import HeatCell, Series
from pipeline.reporting.components import Chart, Field, Grid, View, grid
from pipeline.reporting.facts import Facts, Report
from pipeline.reporting.lifecycle_charts import Line, line_colour
from pipeline.reporting.lifecycle_words import (
    MOVES,
    NEW,
    STAGES,
    STATUSES,
    difference_sentence,
    flow_sentence,
    guess_sentence,
    interval,
    later,
    limit,
    limits_sentence,
    revenue_sentence,
    spend_sentence,
    stage_sentence,
    stages_sentence,
    transitions_sentence,
    value_sentence,
)

HORIZONS = (30, 90)
LEAST_HISTORY_DAYS, MONTHS, MONTH_DAYS = 390, 12, 30
_FROM = (*STAGES, "none")
_DIRECTIONS = {"better": "Moved up", "worse": "Moved down", "entered": "New", "same": "Stayed"}

Row = Mapping[str, Any]
UNLIKE = "The last 30 days were unlike the year, and unlike the same days a year ago: nothing is projected from them."


def context(report: Report) -> dict[str, Any]:
    facts = report.facts
    stages = report.ask(queries.STAGES).to_dicts()
    history = report.ask(queries.HISTORY).item()
    moves = report.ask(queries.TRANSITIONS)
    has_value = facts.predictions.missing is None and not report.ask(queries.VALUE).is_empty()
    scenarios = report.ask(queries.SCENARIOS).to_dicts()
    has_moved = not facts.is_empty and history >= HORIZONS[0]
    begun = None if history is None else facts.snapshot_date - dt.timedelta(days=history)
    thresholds = report.ask(queries.THRESHOLDS).to_dicts()
    return {
        "stages": None if facts.is_empty else _stages_chart(report, stages),
        "limits": _limits(thresholds),
        "limits_sentence": limits_sentence(thresholds, report.ask(queries.OWN_LIMITS).row(0, named=True)),
        "transitions": _transitions_chart(facts, moves, history) if has_moved else None,
        "flows": _flows_chart(facts, moves) if has_moved else None,
        "moved_missing": "" if has_moved else _when(begun, HORIZONS[0], "Moves need customers of 30 days ago."),
        "value": _value_chart(report) if has_value else None,
        "spend": _spend_chart(report) if has_value else None,
        "margin_is_set": has_value and report.ask(queries.MOVES)["margin_is_set"].all(),
        "missing": None if has_value else facts.predictions.missing,
        "projection": _projection_chart(report, scenarios) if scenarios else None,
        "projection_tested": facts.predictions.backtest if scenarios else "",
        "projection_missing": ""
        if scenarios
        else UNLIKE
        if history is not None and history >= LEAST_HISTORY_DAYS
        else _when(begun, LEAST_HISTORY_DAYS, f"A projection needs {LEAST_HISTORY_DAYS} days of history."),
    }


def _when(begun: dt.date | None, days: int, what: str) -> str:
    if begun is None:
        return f"{what} No customer has bought yet."
    return later(what, begun + dt.timedelta(days=days))


def _basis(facts: Facts, customers: words.Number, days: int) -> str:
    since = facts.snapshot_date - dt.timedelta(days=days)
    return f"n = {words.counted(customers, 'customer')} · {words.span(since, facts.snapshot_date)}"


def _moves_basis(facts: Facts, moves: pl.DataFrame, days: int) -> str:
    """As `_basis`, of moves: leads are no customers."""
    is_lead = pl.col("to_stage") == "lead"
    moved = moves.filter(pl.col("horizon_days") == days)
    people, leads = moved.filter(~is_lead), moved.filter(is_lead)["customers"].sum()
    since = facts.snapshot_date - dt.timedelta(days=days)
    n = f"n = {words.counted(people['customers'].sum(), 'customer')}"
    also = f" and {words.counted(leads, 'lead')}" if leads else ""
    return f"{n}{also} · {words.span(since, facts.snapshot_date)}"


# ── where they stand ──────────────────────────────────────────────────────────────────────────────────────────────────


def _stages_chart(report: Report, rows: Sequence[Row]) -> Chart:
    facts, found = report.facts, {row["stage"]: row for row in rows}
    shown = [stage for stage in STAGES if stage in found or stage != "lead"]
    counts = {stage: found[stage]["customers"] if stage in found else 0 for stage in shown}
    revenue = {stage: found[stage]["revenue_12_months"] if stage in found else 0 for stage in shown}
    customers = sum(amount for stage, amount in counts.items() if stage != "lead")
    labels = [STAGES[stage] for stage in shown]
    series = Series(
        "Customers", charts.ACCENT, list(counts.values()),
        [f"{STAGES[stage]}: {words.count(amount)}" for stage, amount in counts.items()],
    )  # fmt: skip
    returned = sum(row["returned"] for row in rows)
    funnel = {row["funnel_stage"]: row["contacts"] for row in report.ask(queries.FUNNEL).to_dicts()}
    steps = ["lead", "first purchase", "second purchase", "regular"]
    names = [step.capitalize() for step in steps if step != "lead" or "lead" in funnel]
    contacts = [funnel.get(step, 0) for step in steps if step != "lead" or "lead" in funnel]
    far = Series(
        "Contacts", charts.ACCENT, contacts,
        [f"{name}: {words.count(amount)}" for name, amount in zip(names, contacts, strict=True)],
    )  # fmt: skip
    fields = [
        Field("stage", "Stage"), Field("customers", "Customers", "count"),
        Field("share", "Share of customers", "percent"), Field("revenue_12_months", "Revenue, 12 months", "money"),
    ]  # fmt: skip
    stage_rows = [
        (
            STAGES[stage],
            amount,
            None if stage == "lead" else words.share_of(amount, customers),
            revenue[stage],
        )
        for stage, amount in counts.items()
    ]
    return Chart(
        id="stages",
        title="Stages",
        basis=facts.basis,
        views=(
            View(
                "stage", "By stage", stages_sentence(counts, returned),
                charts.horizontal_bars(labels, [series], None),
                grid=grid("Customers by stage of the lifecycle", fields, stage_rows),
            ),
            View(
                "funnel", "How far they came", _funnel_sentence(funnel), charts.horizontal_bars(names, [far], None),
                grid=grid(
                    "Contacts by the furthest step they reached",
                    [Field("step", "Step"), Field("contacts", "Contacts", "count")],
                    list(zip(names, contacts, strict=True)),
                ),
            ),
        ),
    )  # fmt: skip


def _funnel_sentence(funnel: Mapping[str, int]) -> str:
    bought = sum(amount for step, amount in funnel.items() if step != "lead")
    again = funnel.get("second purchase", 0) + funnel.get("regular", 0)
    said = (
        f"{words.percent(words.share_of(again, bought))} of {words.counted(bought, 'customer')} have bought a second "
        f"time, {words.percent(words.share_of(funnel.get('regular', 0), bought))} a third time or more."
    )
    if funnel.get("lead"):
        has = "has" if funnel["lead"] == 1 else "have"
        said += f" {words.counted(funnel['lead'], 'contact')} {has} registered and not bought yet."
    return said


def _limits(rows: Sequence[Row]) -> Grid:
    fields = [
        Field("kind", "Customers"), Field("defecting", "Defecting after (95 % interval)"),
        Field("inactive", "Inactive after (95 % interval)"), Field("silences", "Purchases watched", "count"),
        Field("chance", "Chance to buy within 90 days, right after a purchase", "percent"),
    ]  # fmt: skip
    return grid("After how much silence a customer counts as defecting or inactive", fields, [
        (
            "With one occasion" if row["customer_kind"] == "one-time" else "With more",
            *(
                limit(row[f"{name}_days"], row[f"{name}_status"], row[f"{name}_low"], row[f"{name}_high"])
                for name in ("defecting", "inactive")
            ),
            row["silences"], row["chance_at_0"],
        )
        for row in rows
    ])  # fmt: skip


# ── how they move ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _name(stage: str) -> str:
    return STAGES.get(stage, NEW)


def _transitions_chart(facts: Facts, moves: pl.DataFrame, history: int) -> Chart:
    """One view per horizon that the history reaches; stages that nobody was in or came to are left out."""
    views = []
    for horizon in HORIZONS:
        if history < horizon:
            continue
        rows = moves.filter(pl.col("horizon_days") == horizon).to_dicts()
        cells = {(row["from_stage"], row["to_stage"]): row for row in rows}
        origins = [stage for stage in _FROM if any(c["customers"] for (f, _), c in cells.items() if f == stage)]
        targets = [stage for stage in STAGES if any(c["customers"] for (_, t), c in cells.items() if t == stage)]
        since = facts.snapshot_date - dt.timedelta(days=horizon)
        views.append(
            View(
                f"days-{horizon}",
                f"{horizon} days",
                transitions_sentence(cells, horizon, since),
                charts.heatmap(
                    [_name(stage) for stage in targets],
                    [_name(stage) for stage in reversed(origins)],
                    [
                        HeatCell(x, y, cells[origin, target]["share"], words.percent(cells[origin, target]["share"]),
                                 _cell_text(cells[origin, target]))
                        for y, origin in enumerate(reversed(origins)) for x, target in enumerate(targets)
                    ],
                    (f"Stage on {words.short_day(facts.snapshot_date)}", f"{horizon} days before"),
                    highest=1.0,
                ),
                basis=_moves_basis(facts, moves, horizon),
                grid=_transitions_grid(rows, horizon),
            )
        )  # fmt: skip
    return Chart("transitions", "From stage to stage", views[0].basis or "", tuple(views))


def _cell_text(cell: Row) -> str:
    return (
        f"{_name(cell['from_stage'])} → {_name(cell['to_stage'])}<br>{words.count(cell['customers'])} of "
        f"{words.count(cell['from_customers'])}: {words.percent(cell['share'])} "
        f"({words.percent(cell['share_low'])} to {words.percent(cell['share_high'])})"
    )


def _transitions_grid(rows: Sequence[Row], horizon: int) -> Grid:
    fields = [
        Field("from", "From"), Field("to", "To"), Field("customers", "Customers", "count"),
        Field("of", "Of", "count"), Field("share", "Share", "percent"),
        Field("low", "95 % interval: from", "percent"), Field("high", "to", "percent"),
    ]  # fmt: skip
    order = {stage: place for place, stage in enumerate(_FROM)}
    return grid(f"Moves between stages in {horizon} days", fields, [
        (_name(row["from_stage"]), _name(row["to_stage"]), row["customers"], row["from_customers"], row["share"],
         row["share_low"], row["share_high"])
        for row in sorted(rows, key=lambda row: (order[row["from_stage"]], order[row["to_stage"]]))
        if row["from_customers"]
    ])  # fmt: skip


def _flows_chart(facts: Facts, moves: pl.DataFrame) -> Chart:
    ranks = {stage: place for place, stage in enumerate(STAGES, start=1)}
    flows = moves.filter((pl.col("horizon_days") == HORIZONS[0]) & (pl.col("customers") > 0)).select(
        pl.col("from_stage").replace("none", None).alias("previous_segment"), pl.col("to_stage").alias("segment"),
        "customers",
    )  # fmt: skip
    totals = dict.fromkeys(_DIRECTIONS, 0)
    for row in flows.to_dicts():
        totals[charts.direction(row["previous_segment"], row["segment"], ranks)] += row["customers"]
    since = facts.snapshot_date - dt.timedelta(days=HORIZONS[0])
    sentence = flow_sentence(totals["better"], totals["worse"], totals["same"], totals["entered"], since)
    views = [
        View("all", "Everybody", sentence, charts.migration(flows, ranks, STAGES, moves_only=False, newcomers=NEW))
    ]
    if totals["same"] < sum(totals.values()):
        views.insert(
            0,
            View(
                "moves", "Moves only", sentence, charts.migration(flows, ranks, STAGES, moves_only=True, newcomers=NEW)
            ),
        )
    return Chart(
        id="flows",
        title="Where they went in 30 days",
        basis=_moves_basis(facts, moves, HORIZONS[0]),
        views=tuple(views),
        grid=grid(
            "Customers by stage 30 days ago and now",
            [Field("from", "From"), Field("to", "To"), Field("direction", "Direction"),
             Field("customers", "Customers", "count")],
            [
                (NEW if r["previous_segment"] is None else _name(r["previous_segment"]),
                 _name(r["segment"]),
                 _DIRECTIONS[charts.direction(r["previous_segment"], r["segment"], ranks)], r["customers"])
                for r in sorted(flows.to_dicts(), key=lambda r: (-r["customers"], str(r["previous_segment"])))
            ],
        ),
        legend=tuple((_DIRECTIONS[way], charts.FLOW_COLOURS[way]) for way, people in totals.items() if people),
    )  # fmt: skip


# ── what a move is worth ──────────────────────────────────────────────────────────────────────────────────────────────


def _value_chart(report: Report) -> Chart:
    facts, found = report.facts, {row["stage"]: row for row in report.ask(queries.VALUE).to_dicts()}
    rows = [found[stage] for stage in STAGES if found[stage]["customers"]]
    series = Series(
        "Mean predicted value", charts.ACCENT, [row["mean_predicted_clv"] for row in rows],
        [f"{_name(row['stage'])}: {facts.money(row['mean_predicted_clv'])} ± {facts.money(row['standard_error'])}, "
         f"{words.counted(row['customers'], 'customer')}" for row in rows],
    )  # fmt: skip
    means = [(row["stage"], row["mean_predicted_clv"]) for row in rows if row["mean_predicted_clv"] is not None]
    fields = [
        Field("stage", "Stage"), Field("customers", "Customers", "count"),
        Field("mean_predicted_value", "Mean predicted value", "money"),
        Field("standard_error", "Standard error", "money"), Field("note", "Note"),
    ]  # fmt: skip
    notes = {"ok": "", "not modelled": "no model values leads", "too few": "too few customers"}
    return Chart(
        id="stage-value",
        title="What a customer of each stage is worth",
        basis=facts.basis,
        views=(
            View("value", "Value", value_sentence(means, facts.currency),
                 charts.horizontal_bars([_name(row["stage"]) for row in rows], [series], facts.currency)),
        ),
        grid=grid("Mean predicted value by stage", fields, [
            (_name(row["stage"]), row["customers"], row["mean_predicted_clv"], row["standard_error"],
             notes.get(row["status"], row["status"]))
            for row in rows
        ]),
    )  # fmt: skip


def _spend_chart(report: Report) -> Chart | None:
    """None where of no move anything can be said."""
    facts, rows = report.facts, report.ask(queries.MOVES).to_dicts()
    order = {name: place for place, name in enumerate(MOVES)}
    rows.sort(key=lambda row: (order[row["move"]], row["from_stage"]))
    month, quarter = ([row for row in rows if row["horizon_days"] == horizon] for horizon in HORIZONS)
    moved = [row for row in month if row["move"] != "retain"]  # who is retained does not move
    asked = [
        ("difference", "Value of the move", moved, "value_difference", difference_sentence(moved, facts.currency)),
        *(
            (f"days-{horizon}", f"Most to spend, {horizon} days", of, "most_to_spend",
             spend_sentence(of, horizon, facts.currency))
            for horizon, of in zip(HORIZONS, (month, quarter), strict=True)
        ),
    ]  # fmt: skip
    views = tuple(
        View(key, label, sentence, _move_bars(facts, of, column, label))
        for key, label, of, column, sentence in asked
        if any(row[column] is not None for row in of)
    )
    if not views:
        return None
    fields = [
        Field("move", "Move"), Field("from", "From"), Field("to", "To"), Field("days", "Within days", "count"),
        Field("value_with", "Value with", "money"), Field("value_without", "Value without", "money"),
        Field("difference", "Difference", "money"), Field("difference_error", "Standard error", "money"),
        Field("success", "Success", "percent"), Field("success_low", "from", "percent"),
        Field("success_high", "to", "percent"), Field("n", "n", "count"),
        Field("most_to_spend", "Most to spend", "money"), Field("most_low", "from", "money"),
        Field("most_high", "to", "money"), Field("cost_basis", "Basis"), Field("note", "Note"),
    ]  # fmt: skip
    return Chart(
        id="moves",
        title="What a move is worth, and may cost",
        basis=_basis(facts, facts.customers["customers"], HORIZONS[-1]),
        views=views,
        grid=grid("Moves up the lifecycle, their value and what may be spent on a customer", fields, [
            (MOVES[r["move"]], _name(r["from_stage"]), _name(r["to_stage"]), r["horizon_days"], r["value_with"],
             r["value_without"], r["value_difference"], r["difference_error"], r["success_share"], r["success_low"],
             r["success_high"], r["from_customers"], r["most_to_spend"], r["most_to_spend_low"],
             r["most_to_spend_high"], r["cost_basis"], STATUSES[r["status"]])
            for r in rows
        ]),
    )  # fmt: skip


def _move_bars(facts: Facts, rows: Sequence[Row], column: str, name: str) -> Any:
    """The amounts stand with the names, so that one that is not known is seen to be unknown and not nothing."""
    moves = [f"{MOVES[row['move']]}: {_name(row['from_stage']).lower()}" for row in rows]
    labels = [f"{move}, {facts.money(row[column])}" for move, row in zip(moves, rows, strict=True)]
    texts = [
        f"{move}<br>{name}: {facts.money(row[column])}<br>{words.percent(row['success_share'])} "
        f"{'left' if row['move'] == 'retain' else 'made it'}, "
        f"n = {words.count(row['from_customers'])}"
        for move, row in zip(moves, rows, strict=True)
    ]
    return charts.horizontal_bars(
        labels, [Series(name, charts.ACCENT, [row[column] for row in rows], texts)], facts.currency
    )


# ── where it leads ────────────────────────────────────────────────────────────────────────────────────────────────────


def _projection_chart(report: Report, scenarios: Sequence[Row]) -> Chart:
    facts, paths = report.facts, report.ask(queries.PROJECTION).to_dicts()
    names = list(dict.fromkeys(row["scenario"] for row in scenarios))
    by_name = {name: [row for row in scenarios if row["scenario"] == name] for name in names}
    last = [rows[-1] for rows in by_name.values()]
    worth = {row["stage"]: row for row in report.ask(queries.VALUE).to_dicts()}
    guesses = [guess_sentence(row, worth.get(row["from_stage"]), facts.currency) for row in last[1:]]
    views = [
        View(
            "revenue", "Revenue a month",
            " ".join([revenue_sentence(last, facts.currency), *guesses]),
            lifecycle_charts.months_ahead(
                [row["month"] for row in by_name[names[0]]],
                [_line(name, rows, "revenue", facts.money) for name, rows in by_name.items()],
                facts.currency,
            ),
            grid=_scenarios_grid(scenarios),
        ),
    ]  # fmt: skip
    for stage in ("active", "inactive"):
        of = {name: [r for r in paths if r["scenario"] == name and r["stage"] == stage] for name in names}
        now = of[names[0]][0]["customers"]
        views.append(
            View(
                stage, f"{_name(stage)} customers",
                stage_sentence(stage, [(name, rows[-1]) for name, rows in of.items()], now),
                lifecycle_charts.months_ahead(
                    [row["month"] for row in of[names[0]]],
                    [_line(name, rows, "customers", words.count) for name, rows in of.items()],
                    None,
                ),
                grid=_path_grid(paths, stage),
            )
        )  # fmt: skip
    new = scenarios[0]["new_customers"]
    return Chart(
        id="projection",
        title="Revenue of all, if it goes on like this",
        basis=f"n = {words.counted(facts.customers['customers'], 'customer')} · moves "
        f"{words.span(facts.snapshot_date - dt.timedelta(days=MONTHS * MONTH_DAYS), facts.snapshot_date)} · "
        f"{words.count(new)} new customers a month",
        views=tuple(views),
        legend=tuple((name.capitalize(), line_colour(place)) for place, name in enumerate(names)),
    )


def _line(name: str, rows: Sequence[Row], column: str, show: Any) -> Line:
    return Line(
        name.capitalize(),
        [row[column] for row in rows],
        [row[f"{column}_low"] for row in rows],
        [row[f"{column}_high"] for row in rows],
        [
            f"{charts.plain(name.capitalize())}, month {row['month']}<br>{show(row[column])} "
            f"({interval(row[f'{column}_low'], row[f'{column}_high'], show)})"
            for row in rows
        ],
    )


def _scenarios_grid(rows: Sequence[Row]) -> Grid:
    fields = [
        Field("scenario", "Scenario"), Field("month", "Month", "count"), Field("customers", "Customers", "count"),
        Field("revenue", "Revenue", "money"), Field("revenue_low", "95 % interval: from", "money"),
        Field("revenue_high", "to", "money"), Field("total", "Revenue, so far", "money"),
        Field("total_low", "95 % interval: from", "money"), Field("total_high", "to", "money"),
        Field("gain", "More than doing nothing, so far", "money"),
        Field("gain_low", "from", "money"), Field("gain_high", "to", "money"),
    ]  # fmt: skip
    return grid("Revenue of the months to come by scenario", fields, [
        (row["scenario"].capitalize(), *(row[field.name] for field in fields[1:])) for row in rows
    ])  # fmt: skip


def _path_grid(rows: Sequence[Row], stage: str) -> Grid:
    fields = [
        Field("scenario", "Scenario"), Field("month", "Month", "count"), Field("customers", "Customers", "count"),
        Field("customers_low", "95 % interval: from", "count"), Field("customers_high", "to", "count"),
    ]  # fmt: skip
    return grid(f"{_name(stage)} customers of the months to come by scenario", fields, [
        (row["scenario"].capitalize(), *(row[field.name] for field in fields[1:]))
        for row in rows if row["stage"] == stage
    ])  # fmt: skip
