"""What came in, what did not fit, and which lines cannot be told to a customer."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.reporting import queries, words
from pipeline.reporting.attention import WorthALook, worth_a_look
from pipeline.reporting.components import Field, Grid, KeyFigure, grid
from pipeline.reporting.facts import Report
from pipeline.tables.inputs import ORDERS, switched_off

_FILES_SHOWN = 12
_MORE_FILES_SHOWN = 300
_LOOKS_SHOWN = 12
_FILE_FIELDS = [
    Field("file", "File"), Field("source", "Source"), Field("status", "Status"),
    Field("rows_read", "Read", "count"), Field("accepted", "Accepted", "count"),
    Field("quarantined", "Quarantined", "count"), Field("superseded", "Superseded", "count"),
    Field("duplicates", "Duplicates", "count"), Field("first_order", "First order", "date"),
    Field("last_order", "Last order", "date"),
]  # fmt: skip


@dataclass(frozen=True)
class Quality:
    """The state of the data on a snapshot date; `short` is one line of it, `clean` whether nobody has to look."""

    clean: bool
    short: str
    sentence: str
    worth_a_look: Sequence[WorthALook]
    looks_left_out: int
    optional: str
    tiles: Sequence[KeyFigure]
    files: Grid
    more_files: Grid
    files_left_out: int


def quality_of(report: Report) -> Quality:
    files = report.ask(queries.FILES)
    look = worth_a_look(report.ask, report.facts.snapshot_date)
    totals = _file_totals(files)
    rows = _file_rows(files)
    more = rows[_FILES_SHOWN : _FILES_SHOWN + _MORE_FILES_SHOWN]
    warned = sum(item.is_warning for item in look)
    return Quality(
        clean=totals.files > 0 and not (totals.quarantined or totals.rejected or warned),
        short=_short(report, totals, warned),
        sentence=words.quality_sentence(totals),
        worth_a_look=look[:_LOOKS_SHOWN],
        looks_left_out=max(0, len(look) - _LOOKS_SHOWN),
        optional=_optional_inputs(report),
        tiles=_tiles(report, totals) if totals.files else [],
        files=grid("Rows of every export file", _FILE_FIELDS, rows[:_FILES_SHOWN]),
        more_files=grid("Rows of further export files", _FILE_FIELDS, more),
        files_left_out=len(rows) - _FILES_SHOWN - len(more) if more else 0,
    )


def run_settings(report: Report) -> dict[str, str]:
    """The settings of the run that made the pages, for its card."""
    return {name: _setting(value) for name, value in sorted(report.run.settings.items())}


def _short(report: Report, totals: words.FileTotals, warned: int) -> str:
    """'Data to 31 Oct 2026, 54,000 rows, all used'."""
    last = report.facts.lines["last_on"]
    if last is None:
        return "No data yet"
    data = f"Data to {words.short_day(last)}, {words.counted(totals.rows_read, 'row')}"
    told = [
        f"{words.counted(number, 'row' if what == 'quarantined' else 'file')} {what}"
        for what, number in (("quarantined", totals.quarantined), ("rejected", totals.rejected))
        if number
    ]
    if warned:
        told.append(f"{words.counted(warned, 'remark')} to look at")
    return f"{data}, {words.listed(told) if told else 'all used'}"


def _optional_inputs(report: Report) -> str:
    loaded = dict(report.ask(queries.INPUTS_LOADED).iter_rows())
    given = {name: rows for name, rows in loaded.items() if name != ORDERS}
    return words.optional_inputs_sentence(given, switched_off(loaded))


def _file_totals(files: pl.DataFrame) -> words.FileTotals:
    loaded = files.filter(pl.col("status") == "loaded")
    columns = ("rows_read", "accepted", "quarantined", "superseded", "duplicates")
    return words.FileTotals(files.height, files.height - loaded.height, *(int(loaded[name].sum()) for name in columns))


def _tiles(report: Report, totals: words.FileTotals) -> list[KeyFigure]:
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
        KeyFigure("Without customer", words.count(facts.lines["guest_lines"]), f"{guests} of revenue"),
        KeyFigure("No order day", words.count(others["customers"]), left_out),
    ]


def _file_rows(files: pl.DataFrame) -> list[tuple[object, ...]]:
    return [
        (Path(r["path"]).name, r["source"], r["status"], r["rows_read"], r["accepted"], r["quarantined"],
         r["superseded"], r["duplicates"], _date(r["first_ordered_at"]), _date(r["last_ordered_at"]))
        for r in files.to_dicts()
    ]  # fmt: skip


def _date(moment: dt.datetime | None) -> dt.date | None:
    return moment.date() if moment is not None else None


def _setting(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
