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

LEAST = 200
"""Customers that all horizons but those of quarters need."""

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


def back_sentence(row: Row) -> str:
    """Of the main horizon of an order number: when those who come back are back, and what to do about the others."""
    n, horizon = row["order_number"], row["horizon_days"]
    if not row["share_back"]:
        return f"Nobody bought a {place(n + 1)} time within {horizon} days of the {place(n)}."
    back = f"{percent(row['share_back'])} buy a {place(n + 1)} time within {horizon} days of the {place(n)}"
    if row["back_p50_days"] is None:
        return f"{back}; they are too few to say by when."
    quarter, half, three_quarters = (count(row[f"back_p{share}_days"]) for share in (25, 50, 75))
    return (
        f"{back}. Of these, a quarter are back by day {quarter}, half by day {half} and three quarters by day "
        f"{three_quarters}: remind the others at the half, win them back at three quarters."
    )


def moment_sentence(rows: Sequence[Row]) -> str:
    """Key moments of one order number, the shortest horizon first."""
    known = [row for row in rows if row["key_moment_days"] is not None]
    if not known:
        return "On no day has the chance to buy halved as long as it was watched."
    n = known[0]["order_number"]
    told = listed([f"day {row['key_moment_days']} of {row['horizon_days']}" for row in known])
    return (
        f"After the {place(n)} purchase the chance of another within the horizon has halved on {told}. The day follows "
        "the horizon, so name both, and never compare two horizons."
    )


def curves_sentence(rows: Sequence[Row], day: int) -> str:
    """`rows`: one of each order number, all at the horizon `day`."""
    told = [f"{percent(row['share_back'])} after the {place(row['order_number'])}" for row in rows]
    return f"Within {day} days of a purchase, {listed(told)} have bought again."


def drift_sentence(rows: Sequence[Row], needed: int) -> str:
    """The day by which half of those who come back are back, of quarters at one horizon, the oldest first. `needed`:
    customers of a quarter who have to be waited for on the day of the horizon."""
    known = [row for row in rows if row["back_p50_days"] is not None]
    first, last = known[0], known[-1]
    told = " and ".join(f"day {row['back_p50_days']} ({row['cohort']})" for row in (first, last))
    horizon = f"Of those back by day {first['horizon_days']}, half were back by"
    return f"{horizon} {told}; {_overlap(first, last)}.{unknown_quarters(rows, needed)}"


def _overlap(first: Row, last: Row) -> str:
    ends = [row["back_p50_high"] for row in (first, last)], [row["back_p50_low"] for row in (first, last)]
    highs, lows = ([float("inf") if end is None else end for end in side] for side in ends)
    if max(lows) <= min(highs):
        return "their intervals overlap, so chance may be all of it"
    return "their intervals do not overlap"


def unknown_quarters(rows: Sequence[Row], needed: int) -> str:
    """Why each quarter whose day is not known has none; begins with a space, or is empty."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row["back_p50_days"] is None:
            reasons.setdefault(_why_unknown(row, needed), []).append(row["cohort"])
    return "".join(f" Unknown for {listed(quarters)}: {reason}." for reason, quarters in reasons.items())


def _why_unknown(row: Row, needed: int) -> str:
    """Too few from the start, not watched long enough, nearly all back before, or too few back."""
    horizon = row["horizon_days"]
    if row["silences"] < needed:
        return f"fewer than {count(needed)} customers"
    if row["at_risk"] >= needed:
        return "too few came back"
    if row["at_risk"] + row["unwatched"] >= needed:
        return f"not watched for {horizon} days yet"
    return f"fewer than {count(needed)} were still waited for on day {horizon}"


def gaps_sentence(rows: Sequence[Row], names: Mapping[str, str]) -> str:
    """The quickest and the slowest group by the day by which half are back."""
    known = [row for row in rows if row["median_days"] is not None]
    unknown = [_inside(names[row["group_name"]]) for row in rows if row["median_days"] is None]
    never = f" Fewer than half were back as long as they were watched: {listed(unknown)}." if unknown else ""
    if not known:
        return "In no group half of the customers were back as long as they were watched."
    quick, slow = (pick(known, key=lambda row: (row["median_days"], row["group_name"])) for pick in (min, max))
    text = f"Half of all are back by day {count(quick['median_days'])} ({_inside(names[quick['group_name']])})"
    if slow is not quick:
        text += f", at the latest by day {count(slow['median_days'])} ({_inside(names[slow['group_name']])})"
    return f"{text}.{never}"


def _inside(name: str) -> str:
    """A name inside a sentence."""
    return name[:1].lower() + name[1:]


def rhythm_missing(first: Row | None, first_on: dt.date | None, snapshot_date: dt.date) -> str:
    """Why nothing is said of the second purchase. `first`: silences after the first one at the shortest horizon."""
    if first_on is None:
        return "No customer has bought yet, so there is no rhythm to see."
    if first is None:
        return "Nobody bought for the first time in the last 730 days, so there is no rhythm of new customers to see."
    needs = "This needs 200 customers who are still waited for 90 days after their first purchase"
    if first["silences"] < LEAST:
        return f"{needs}; {counted(first['silences'], 'customer')} bought for the first time in the last 730 days."
    there = f"there {'is' if first['at_risk'] == 1 else 'are'} {count(first['at_risk'])}"
    if first["at_risk"] + first["unwatched"] < LEAST:
        return (
            f"{needs}; {there}, as {count(first['returned'])} of {count(first['silences'])} were back before. How long "
            "they took is told below."
        )
    ready = first_on + dt.timedelta(days=90)
    begun = f" The first can be counted on {short_day(ready)}." if ready > snapshot_date else ""
    return f"{needs}; so far {there}, and {count(first['unwatched'])} are not watched that long.{begun}"
