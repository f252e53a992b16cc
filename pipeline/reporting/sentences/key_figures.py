"""Sentences on key figures and their targets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from pipeline.reporting.sentences.registry import Row, sentence
from pipeline.reporting.words import Number, count, counted, listed, money, month, number, percent


def written(kind: str, currency: str) -> Callable[[Number | None], str]:
    """How values of a key figure are written."""
    if kind == "money":
        return lambda value: money(value, currency)
    known: dict[str, Callable[[Number | None], str]] = {"percent": percent, "count": count}
    return known.get(kind, number)


@sentence
def kpi_sentence(row: Row | None, open_row: Row | None, currency: str) -> str:
    """A key figure in its last whole month, and how the open one stands. Rows of the chart of key figures."""
    if row is None or row["value"] is None:
        text = "Not known for any whole month yet."
    else:
        show = written(row["kind"], currency)
        target = f", target {show(row['target'])} {row['status']}" if row["target"] is not None else ""
        text = f"{month(row['starts_on'])}: {show(row['value'])}{target}{_against_before(row, show)}."
    if open_row is None or open_row["status"] not in {"on track", "behind"}:
        return text
    show = written(open_row["kind"], currency)
    so_far = f"{month(open_row['starts_on'])} is not over, and with {show(open_row['value'])} so far"
    return f"{text} {so_far} {open_row['status']} for {show(open_row['target'])}."


def _against_before(row: Row, show: Callable[[Number | None], str]) -> str:
    before = [
        f"{show(row[value])} {when}"
        for value, when in (("previous_value", "the month before"), ("year_earlier_value", "a year earlier"))
        if row[value] is not None
    ]
    return f"; {listed(before)}" if before else ""


@sentence
def targets_sentence(last: dt.date | None, given: int, judged: int, met: int) -> str:
    """How the targets of the last whole month came out; `given`: targets of any month."""
    if not given:
        return "No targets are given, so nothing is judged. An export of targets adds them."
    when = f"{last:%B %Y}" if last else "a month that is over"
    if not judged:
        return f"None of the targets is of {when}, the last whole month."
    return f"{count(met)} of {counted(judged, 'target')} of {when} were met."
