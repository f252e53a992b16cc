"""Overview: is the data sound, who changed, what is it worth, whom to act on."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.reporting import charts, queries, words
from pipeline.reporting.actions import ActionList, action_list
from pipeline.reporting.attention import worth_a_look
from pipeline.reporting.components import Chart, Field, Grid, KeyFigure, Linked, View, grid
from pipeline.reporting.facts import MAIN_CATALOGUE, MOVES_FOLDER, Facts, Report, audience_file
from pipeline.reporting.segments import Segment, labels_of, moves_of, segments_of
from pipeline.tables.inputs import ORDERS, switched_off

_MONTHS_SHOWN = 24
_FILES_SHOWN = 12
_MORE_FILES_SHOWN = 300
_LOOKS_SHOWN = 12
_MOVES_SHOWN = 10
_MOST_ACTIONS = 10


@dataclass(frozen=True)
class Answer:
    """A question of the first screen, answered in a sentence or two, and where on the page to read on."""

    question: str
    text: str
    href: str


def context(report: Report) -> dict[str, Any]:
    facts = report.facts
    segments, moves = segments_of(facts, MAIN_CATALOGUE), moves_of(facts, MAIN_CATALOGUE)
    todo = action_list(report, _MOST_ACTIONS)
    return {
        "run": report.run,
        "run_settings": {name: _setting(value) for name, value in sorted(report.run.settings.items())},
        "quality": _quality(report),
        "answers": _answers(facts, segments, moves, todo),
        "figures": _key_figures(facts),
        "months": _months_chart(facts, report.ask(queries.MONTHS)),
        "directions": _directions(facts, moves),
        "arrivals": _arrivals_chart(facts, moves),
        "moves": _moves_grid(facts, moves),
        "todo": todo,
        "comparison_missing": _comparison_missing(facts),
    }


# ── data ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _quality(report: Report) -> dict[str, Any]:
    """What came in, what did not fit, and which lines cannot be told to a customer."""
    files = report.ask(queries.FILES)
    look = worth_a_look(report.ask, report.facts.snapshot_date)
    totals, warned = _file_totals(files), any(item.is_warning for item in look)
    rows = _file_rows(files)
    more = rows[_FILES_SHOWN : _FILES_SHOWN + _MORE_FILES_SHOWN]
    return {
        "clean": totals.files > 0 and not (totals.quarantined or totals.rejected or warned),
        "sentence": words.quality_sentence(totals),
        "worth_a_look": look[:_LOOKS_SHOWN],
        "looks_left_out": max(0, len(look) - _LOOKS_SHOWN),
        "optional": _optional_inputs(report),
        "tiles": _quality_tiles(report, totals) if totals.files else [],
        "files": grid("Rows of every export file", _FILE_FIELDS, rows[:_FILES_SHOWN]),
        "more_files": grid("Rows of further export files", _FILE_FIELDS, more),
        "files_left_out": len(rows) - _FILES_SHOWN - len(more) if more else 0,
    }


def _optional_inputs(report: Report) -> str:
    loaded = dict(report.ask(queries.INPUTS_LOADED).iter_rows())
    given = {name: rows for name, rows in loaded.items() if name != ORDERS}
    return words.optional_inputs_sentence(given, switched_off(loaded))


def _file_totals(files: pl.DataFrame) -> words.FileTotals:
    loaded = files.filter(pl.col("status") == "loaded")
    columns = ("rows_read", "accepted", "quarantined", "superseded", "duplicates")
    return words.FileTotals(files.height, files.height - loaded.height, *(int(loaded[name].sum()) for name in columns))


def _quality_tiles(report: Report, totals: words.FileTotals) -> list[KeyFigure]:
    facts, others = report.facts, report.ask(queries.WITHOUT_OCCASION).row(0, named=True)
    guests = words.percent(words.share_of(facts.lines["guest_revenue"], facts.lines["revenue"]))
    people = "customer" if others["customers"] == 1 else "customers"
    left_out = f"{people}, {facts.money(others['revenue'])} net" if others["customers"] else "nobody left out"

    def of_all(rows: int) -> str:
        return words.percent(words.share_of(rows, totals.rows_read))

    return [
        KeyFigure("Rows read", words.count(totals.rows_read)),
        KeyFigure("Accepted", words.count(totals.accepted), of_all(totals.accepted)),
        KeyFigure("Quarantined", words.count(totals.quarantined), of_all(totals.quarantined)),
        KeyFigure("Superseded", words.count(totals.superseded), "by a newer export"),
        KeyFigure("Duplicates", words.count(totals.duplicates), "exact copies"),
        KeyFigure("Lines without customer", words.count(facts.lines["guest_lines"]), f"{guests} of all revenue so far"),
        KeyFigure("No occasion", words.count(others["customers"]), left_out),
    ]


_FILE_FIELDS = [
    Field("file", "File"), Field("source", "Source"), Field("status", "Status"),
    Field("rows_read", "Read", "count"), Field("accepted", "Accepted", "count"),
    Field("quarantined", "Quarantined", "count"), Field("superseded", "Superseded", "count"),
    Field("duplicates", "Duplicates", "count"), Field("first_order", "First order", "date"),
    Field("last_order", "Last order", "date"),
]  # fmt: skip


def _file_rows(files: pl.DataFrame) -> list[tuple[object, ...]]:
    return [
        (Path(r["path"]).name, r["source"], r["status"], r["rows_read"], r["accepted"], r["quarantined"],
         r["superseded"], r["duplicates"], _date(r["first_ordered_at"]), _date(r["last_ordered_at"]))
        for r in files.to_dicts()
    ]  # fmt: skip


# ── in short ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _answers(facts: Facts, segments: Sequence[Segment], moves: Sequence[words.Move], todo: ActionList) -> list[Answer]:
    """The first screen: who changed, what is it worth, whom to act on."""
    worth = sum((segment.revenue_12_months for segment in segments), Decimal(0))
    if facts.previous is None:
        changed = _comparison_missing(facts)
        value = words.worth_sentence(
            facts.customers["customers"], facts.customers["buyers_12_months"], worth, facts.currency
        )
    else:
        changed = words.changed_sentence(moves, facts.previous)
        value = words.at_stake_sentence(moves, worth, facts.currency)
    return [
        Answer("Who changed?", changed, "#changes"),
        Answer("What is it worth?", value, "#changes"),
        Answer("Who to act on first?", todo.answer, "#todo"),
    ]


def _comparison_missing(facts: Facts) -> str:
    """Why nothing can be said about changes; empty if it can."""
    if facts.is_empty:
        return f"Nobody had bought by the end of {words.day(facts.snapshot_date)}."
    if facts.previous is None:
        return "This is the first snapshot. Who moved between groups is known from the second one on."
    return ""


# ── the shop today ────────────────────────────────────────────────────────────────────────────────────────────────────


def _key_figures(facts: Facts) -> list[KeyFigure]:
    now, lines, customers = facts.customers, facts.lines, facts.customers["customers"]
    guests = words.share_of(lines["guest_revenue_12_months"], lines["revenue_12_months"])
    orders = f"over {words.counted(now['orders'], 'order')} of customers" if customers else "no orders yet"
    active = words.percent(words.share_of(now["active"], customers))
    repeat = words.percent(_repeat_share(now))
    change = _changes(facts)
    return [
        KeyFigure("Customers", words.count(customers), "with at least one order", change["customers"]),
        KeyFigure(
            "Ordered in the last 90 days", words.count(now["active"]), f"{active} of customers", change["active"]
        ),
        KeyFigure(
            "Revenue, last 12 months",
            facts.money(lines["revenue_12_months"]),
            "net of refunds, guests included",
            change["revenue"],
        ),
        KeyFigure(
            "Repeat customers",
            repeat,
            f"{words.count(now['repeat_customers'])} bought on two days or more",
            change["repeat"],
        ),
        KeyFigure("Mean order value, all time", facts.money(now["mean_order_value"]), orders),
        KeyFigure("Guests’ share, 12 months", words.percent(guests), "of revenue, orders without a customer"),
    ]


def _changes(facts: Facts) -> dict[str, str]:
    """How the key figures moved since the previous snapshot; empty where that is not known."""
    now, before, lines_before = facts.customers, facts.customers_before, facts.lines_before
    if before is None or lines_before is None:
        return dict.fromkeys(("customers", "active", "revenue", "repeat"), "")
    repeat, repeat_before = _repeat_share(now), _repeat_share(before)
    return {
        "customers": words.change(now["customers"] - before["customers"]),
        "active": words.change(now["active"] - before["active"]),
        "revenue": words.change(facts.lines["revenue_12_months"] - lines_before["revenue_12_months"], facts.money),
        "repeat": "" if repeat is None or repeat_before is None else words.change(repeat - repeat_before, words.points),
    }


def _repeat_share(customers: Mapping[str, Any]) -> float | None:
    return words.share_of(customers["repeat_customers"], customers["customers"])


def _months_chart(facts: Facts, all_months: pl.DataFrame) -> Chart | None:
    months = all_months.tail(_MONTHS_SHOWN)
    if months.is_empty():
        return None
    rows = months.to_dicts()
    told = [words.Month(r["month"], r["order_revenue"]) for r in rows]
    sentence = words.months_sentence(told, facts.snapshot_date, facts.currency)
    picture = charts.revenue_by_month(months, facts.currency, facts.snapshot_date)
    lines = words.counted(sum(r["lines"] for r in rows), "order line")
    first = max(rows[0]["month"], facts.lines["first_on"])
    fields = [
        Field("month", "Month"), Field("customer_revenue", "Customers", "money"),
        Field("guest_revenue", "Guests", "money"), Field("orders", "Orders, guests included", "count"),
    ]  # fmt: skip
    return Chart(
        id="revenue-by-month",
        title="Revenue by month",
        basis=f"n = {lines} with charges and refunds · {words.span(first, facts.snapshot_date)}",
        views=(View("revenue", "Revenue", sentence, picture),),
        grid=grid(
            "Revenue by month",
            fields,
            [(f"{r['month']:%Y-%m}", r["customer_revenue"], r["guest_revenue"], r["orders"]) for r in rows],
        ),
        legend=charts.legend(picture),
    )


# ── what changed ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _directions(facts: Facts, moves: Sequence[words.Move]) -> list[dict[str, str]]:
    """Up, down and new: how many, what they are worth, and the dearest move among them."""
    if facts.previous is None:
        return []
    everyone, result = facts.customers["customers"], []
    for name, label in charts.DIRECTION_LABELS.items():
        chosen = [move for move in moves if move.direction == name]
        top = _dearest(chosen)
        told = words.move_sentence(top, everyone, facts.previous, facts.currency) if top else words.nobody(name)
        result.append(
            {
                "name": name,
                "label": label,
                "value": words.count(sum(move.customers for move in chosen)),
                "worth": facts.money(sum((move.value for move in chosen), Decimal(0))),
                "top": told,
            }
        )
    return result


def _arrivals_chart(facts: Facts, told: Sequence[words.Move]) -> Chart | None:
    moves = facts.moves.filter(pl.col("catalogue") == MAIN_CATALOGUE)
    if facts.previous is None or moves.is_empty():
        return None
    labels = labels_of(facts, MAIN_CATALOGUE)
    people = charts.arrivals(moves, labels, "customers", lambda value: words.counted(value, "customer"))
    worth = charts.arrivals(moves, labels, "value_at_stake", facts.money)
    return Chart(
        id="arrivals",
        title="Where customers arrived",
        basis=f"n = {words.counted(int(moves['customers'].sum()), 'move')} · "
        f"{words.span(facts.previous + dt.timedelta(days=1), facts.snapshot_date)}",
        views=(
            View("customers", "Customers", words.arrivals_sentence(told, facts.previous), people),
            View("value", "Value at stake", words.value_moved_sentence(told, facts.currency), worth),
        ),
        grid=_arrivals_grid(facts, moves, labels),
        legend=charts.legend(people),
    )


def _arrivals_grid(facts: Facts, moves: pl.DataFrame, labels: Mapping[str, str]) -> Grid:
    def group(segment: str) -> str:
        return Linked.to_file(audience_file(facts, MAIN_CATALOGUE, segment), labels[segment])

    def arrived(segment: str, direction: str) -> int:
        chosen = moves.filter((pl.col("to_segment") == segment) & (pl.col("direction") == direction))
        return int(chosen["customers"].sum())

    def value(segment: str) -> Decimal:
        chosen = moves.filter(pl.col("to_segment") == segment)
        return sum(chosen["value_at_stake"].to_list(), Decimal(0))

    return grid(
        "Customers who arrived in each group since the previous snapshot",
        [Field("segment", "Group"), Field("moved_up", "Moved up", "count"),
         Field("moved_down", "Moved down", "count"), Field("new", charts.DIRECTION_LABELS["entered"], "count"),
         Field("value_at_stake", "Value at stake", "money")],
        [
            (group(name), arrived(name, "better"), arrived(name, "worse"), arrived(name, "entered"), value(name))
            for name in labels
        ],
    )  # fmt: skip


def _moves_grid(facts: Facts, moves: Sequence[words.Move]) -> Grid | None:
    """The moves with the most value at stake, each leading to the file of who made it."""
    if not moves:
        return None

    def named(move: words.Move) -> str:
        text = f"{move.origin or charts.NEWCOMERS} → {move.target}"
        return Linked.to_file(audience_file(facts, MOVES_FOLDER, move.audience), text)

    return grid(
        "Moves with the most value at stake",
        [Field("move", "Move"), Field("direction", "Direction"),
         Field("customers", "Customers", "count"), Field("value_at_stake", "Value at stake", "money")],
        [
            (named(move), charts.DIRECTION_LABELS[move.direction], move.customers, move.value)
            for move in moves[:_MOVES_SHOWN]
        ],
    )  # fmt: skip


def _dearest(moves: Sequence[words.Move]) -> words.Move | None:
    return max(moves, key=lambda move: (move.value, move.customers, move.target), default=None)


def _date(moment: dt.datetime | None) -> dt.date | None:
    return moment.date() if moment is not None else None


def _setting(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
