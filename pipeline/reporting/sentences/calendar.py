"""Sentences on the calendar of revenue."""

from __future__ import annotations

import datetime as dt

from pipeline.reporting.sentences.registry import Row, Rows, sentence
from pipeline.reporting.words import (
    Number,
    alike,
    capital,
    count,
    counted,
    money,
    parts_in_words,
    percent,
    short_day,
    span,
)

EFFECTS = {
    "order_number_effect": "the number of orders",
    "order_value_effect": "order value",
    "other_effect": "refunds and the rest",
}


def _period(row: Row) -> str:
    """'March 1997', 'the week of 6 Dec 2010', '6 Dec 2010'."""
    if row["period_kind"] == "month":
        return f"{row['starts_on']:%B %Y}"
    first = short_day(row["starts_on"])
    return f"the week of {first}" if row["period_kind"] == "week" else first


def _when(row: Row) -> str:
    """'in March 1997', 'on 6 Dec 2010'."""
    return f"{'on' if row['period_kind'] == 'day' else 'in'} {_period(row)}"


def _last_whole(rows: Rows) -> tuple[Row | None, Row | None]:
    """The last complete period and the one before it, if that is complete too."""
    at = next((n for n in reversed(range(len(rows))) if rows[n]["is_complete"]), None)
    if at is None:
        return None, None
    return rows[at], rows[at - 1] if at and rows[at - 1]["is_complete"] else None


@sentence
def calendar_span(rows: Rows, first_on: dt.date, until: dt.date) -> str:
    """The days that the periods cover, of which the history and the snapshot date may cut off some."""
    return span(max(rows[0]["starts_on"], first_on), min(rows[-1]["ends_on"], until))


@sentence
def peak_sentence(rows: Rows, currency: str) -> str:
    """The period of highest profit, or, where no margin is known, of highest revenue: `peak`, the same in every row.

    Both count what stands: an order that was cancelled later does not count.
    """
    peak = rows[0]["peak"]
    if peak["margin"] is None and peak["order_revenue"] <= 0:
        return "Nothing has been earned yet."
    kind, unfinished = peak["period_kind"], "" if peak["is_complete"] else ", though it is not whole"
    if peak["margin"] is None:
        return (
            f"The {kind} of highest revenue was {_period(peak)}, with {money(peak['order_revenue'], currency)} of "
            f"orders not cancelled{unfinished}; profit is unknown without the cost of every line."
        )
    known = counted(peak["with_margin"], kind)
    among = "" if peak["with_margin"] == peak["periods"] else f", of the {known} whose costs are known,"
    return (
        f"The most profitable {kind}{among} was {_period(peak)}: a margin of {money(peak['margin'], currency)} "
        f"on {money(peak['revenue'], currency)} of revenue{unfinished}."
    )


@sentence
def last_sentence(rows: Rows, currency: str) -> str:
    """'The last whole month, June 1998, brought $76,109, 7.2% more than May 1998.'"""
    last, before = _last_whole(rows)
    if last is None:
        return ""
    against = _against(last["revenue"], before["revenue"], "less", _period(before)) if before else ""
    peak = rows[0]["peak"]
    if before and last["margin"] is None and last["starts_on"] == peak["starts_on"]:
        return f"That is the last whole {last['period_kind']}{against}."
    which = "The last day" if last["period_kind"] == "day" else f"The last whole {last['period_kind']}"
    return f"{which}, {_period(last)}, brought {money(last['revenue'], currency)}{against}."


@sentence
def orders_sentence(rows: Rows) -> str:
    """Orders of the last whole period beside the one before, and where most were."""
    last, before = _last_whole(rows)
    if last is None:
        return ""
    most = max(rows, key=lambda row: row["orders"])  # of equals the earliest
    text = f"{capital(_period(last))} had {counted(last['orders'], 'order')}"
    text += _against(last["orders"], before["orders"], "fewer", _period(before)) if before else ""
    return f"{text}: the most." if most is last else f"{text}; most were {_when(most)}, {count(most['orders'])}."


@sentence
def order_value_sentence(rows: Rows, currency: str) -> str:
    """Mean order value of the last whole period beside the one before, and where orders were worth most."""
    (last, before), known = _last_whole(rows), [row for row in rows if row["mean_order_value"] is not None]
    if last is None or not known:
        return "There were no orders, so their value is not known."
    best = max(known, key=lambda row: row["mean_order_value"])
    which = f"{money(best['mean_order_value'], currency)} over {counted(best['orders'], 'order')}"
    if last["mean_order_value"] is None:
        return f"{capital(_period(last))} had no orders; they were worth most {_when(best)}, {which}."
    text = f"An order of {_period(last)} was worth {money(last['mean_order_value'], currency)} on average"
    if before and before["mean_order_value"] is not None:
        text += _against(last["mean_order_value"], before["mean_order_value"], "less", _when(before))
    return f"{text}: the most." if best is last else f"{text}; orders were worth most {_when(best)}, {which}."


@sentence
def effects_sentence(rows: Rows, currency: str) -> str:
    """What the last known change of revenue is due to."""
    known = [n for n in range(1, len(rows)) if rows[n]["order_number_effect"] is not None]
    if not known:
        return "There are no two whole periods to compare yet."
    last, before = rows[known[-1]], rows[known[-1] - 1]
    difference = last["revenue"] - before["revenue"]
    told = [(name, last[effect]) for effect, name in EFFECTS.items()]
    show = alike([difference, *(part for _, part in told)], currency)
    size = f"{show(abs(difference))} {'more' if difference > 0 else 'less'} than" if difference else "as much as"
    parts = parts_in_words(told, show)
    return f"{capital(_period(last))} brought {size} {_period(before)}{f': {parts}' if parts else ''}."


def _against(now: Number, before: Number, less: str, other: str) -> str:
    """', 7.2% more than May 1998'; without a share where there was nothing, or less, to have one of."""
    if now == before:
        return f", as {'many' if less == 'fewer' else 'much'} as {other}"
    way = "more" if now > before else less
    share = f"{percent(abs(float(now) - float(before)) / float(before))} " if before > 0 else ""
    return f", {share}{way} than {other}"
