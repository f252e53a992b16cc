"""How the page on rhythm says things. As in `words`: pure functions of aggregates, unknown is said, never 0; what goes
together is told, not why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.reporting.words import (
    count,
    counted,
    listed,
    percent,
    short_day,
)

Row = Mapping[str, Any]

FOUND = {"first-time": "First purchase", "active": "While active", "defecting": "While defecting",
         "inactive": "While inactive"}  # fmt: skip
_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def place(order_number: int) -> str:
    """'second', '11th'."""
    if order_number <= len(_PLACES):
        return _PLACES[order_number - 1]
    ending = "th" if 10 < order_number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(order_number % 10, "th")
    return f"{order_number}{ending}"


def day_range(low: int | None, high: int | None) -> str:
    """'92 to 99'; an end that is None is open."""
    if low is None:
        return "not known how far"
    return f"{count(low)} or later" if high is None else f"{count(low)} to {count(high)}"


# ── rhythm ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def moment_sentence(row: Row) -> str:
    """Of the main horizon of an order number."""
    n, horizon = row["order_number"], row["horizon_days"]
    if not row["share_back"]:
        return f"Nobody bought a {place(n + 1)} time within {horizon} days of the {place(n)}."
    back = f"{percent(row['share_back'])} buy a {place(n + 1)} time within {horizon} days of the {place(n)}"
    if row["key_moment_days"] is None:
        return f"{back}; their hope fades on no day before."
    silent = f"who has been silent for {counted(row['key_moment_days'], 'day')}"
    return f"{back}. {silent.capitalize()} is less than half as likely to do so as on the day of the purchase."


def curves_sentence(rows: Sequence[Row], day: int) -> str:
    """`rows`: one of each order number, all at the horizon `day`."""
    told = [f"{percent(row['share_back'])} after the {place(row['order_number'])}" for row in rows]
    return f"Within {day} days of a purchase, {listed(told)} have bought again."


def drift_sentence(rows: Sequence[Row]) -> str:
    """Key moments of quarters at one horizon, the oldest first."""
    known = [row for row in rows if row["key_moment_days"] is not None]
    unknown = [row["cohort"] for row in rows if row["key_moment_days"] is None]
    missing = f" Unknown for {listed(unknown)}: too few have been watched that long." if unknown else ""
    if not known:
        return f"No quarter's key moment is known yet.{missing}"
    first, last = known[0], known[-1]
    if len(known) == 1:
        text = f"Only {first['cohort']} is known, with day {first['key_moment_days']}: no drift can be seen yet."
        return f"{text}{missing}"
    moved = f"went from day {first['key_moment_days']} ({first['cohort']}) to day {last['key_moment_days']} "
    return f"The key moment {moved}({last['cohort']}); {_overlap(first, last)}.{missing}"


def _overlap(first: Row, last: Row) -> str:
    ends = [row["key_moment_high"] for row in (first, last)], [row["key_moment_low"] for row in (first, last)]
    highs, lows = ([float("inf") if end is None else end for end in side] for side in ends)
    if max(lows) <= min(highs):
        return "their intervals overlap, so chance may be all of it"
    return "their intervals do not overlap"


def gaps_sentence(rows: Sequence[Row], names: Mapping[str, str]) -> str:
    """The quickest and the slowest group by the day by which half are back."""
    known = [row for row in rows if row["median_days"] is not None]
    unknown = [_inside(names[row["group_name"]]) for row in rows if row["median_days"] is None]
    never = f" Fewer than half were back as long as they were watched: {listed(unknown)}." if unknown else ""
    if not known:
        return "In no group half of the customers were back as long as they were watched."
    quick, slow = (pick(known, key=lambda row: (row["median_days"], row["group_name"])) for pick in (min, max))
    text = f"Half are back by day {count(quick['median_days'])} ({_inside(names[quick['group_name']])})"
    if slow is not quick:
        text += f", at the latest by day {count(slow['median_days'])} ({_inside(names[slow['group_name']])})"
    return f"{text}.{never}"


def _inside(name: str) -> str:
    """A name inside a sentence."""
    return name[:1].lower() + name[1:]


def rhythm_missing(at_risk: int, first_on: dt.date | None, snapshot_date: dt.date) -> str:
    """Why there is no key moment yet, and before which day there can be none."""
    if first_on is None:
        return "No customer has bought yet, so there is no rhythm to see."
    ready = first_on + dt.timedelta(days=90)
    begun = f" The first can be counted on {short_day(ready)}." if ready > snapshot_date else ""
    there = f"there {'is' if at_risk == 1 else 'are'} {count(at_risk)}"
    return (
        f"A key moment needs 200 customers who were still watched 90 days after a purchase without another one; so far "
        f"{there}.{begun}"
    )
