"""How the pages on rhythm and cohorts say things. As in `words`: pure functions of aggregates, unknown is said, never
0; what goes together is told, not why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.reporting.words import (
    Number,
    change,
    count,
    counted,
    listed,
    money,
    number,
    percent,
    points,
    short_day,
)

Row = Mapping[str, Any]

KPI_NAMES = {
    "revenue": "Revenue", "orders": "Orders", "buyers": "Buyers", "new_buyers": "New buyers",
    "repeat_buyers": "Repeat buyers", "repeat_share_of_buyers": "Repeat share of buyers",
    "one_time_share_of_buyers": "One-time share of buyers", "repeat_share_of_revenue": "Repeat share of revenue",
    "one_time_share_of_revenue": "One-time share of revenue", "mean_order_value": "Mean order value",
    "orders_per_buyer": "Orders per buyer", "revenue_per_buyer": "Revenue per buyer", "refund_share": "Refund share",
    "retention_90d": "Back within 90 days",
}  # fmt: skip
STATUSES = {
    "met": "met", "missed": "missed", "on_track": "on track", "behind": "behind", "unknown": "unknown",
    "no_target": "no target",
}  # fmt: skip
FOUND = {"first-time": "First purchase", "active": "While active", "defecting": "While defecting",
         "inactive": "While inactive"}  # fmt: skip
_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def place(order_number: int) -> str:
    """'second', '11th'."""
    if order_number <= len(_PLACES):
        return _PLACES[order_number - 1]
    ending = "th" if 10 < order_number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(order_number % 10, "th")
    return f"{order_number}{ending}"


def month(date: dt.date) -> str:
    """'Nov 2011'."""
    return f"{date:%b %Y}"


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


# ── cohorts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def retention_sentence(rows: Sequence[Row]) -> str:
    """The youngest cohort at its greatest known age against all older ones at that age."""
    known = [row for row in rows if row["is_complete"] and row["age_months"] > 0]
    if not known:
        return "No cohort's second month is over yet."
    youngest = max(row["cohort"] for row in known)
    age = max(row["age_months"] for row in known if row["cohort"] == youngest)
    now = next(row for row in known if row["cohort"] == youngest and row["age_months"] == age)
    older = [row for row in known if row["age_months"] == age and row["cohort"] < youngest]
    text = f"Of {counted(now['customers'], 'customer')} of {month(youngest)}, {percent(now['retention'])} bought "
    text += f"{_after(age)}"
    if not older:
        return f"{text}; there is no older cohort to compare with."
    before = sum(row["active_customers"] for row in older) / sum(row["customers"] for row in older)
    inside = now["retention_low"] <= before <= now["retention_high"]
    sure = "chance may be all of the difference" if inside else "more than chance makes likely"
    return f"{text}; of the older cohorts {percent(before)} ({change(now['retention'] - before, points)}, {sure})."


def _after(age: int) -> str:
    return "in the month after" if age == 1 else f"{age} months after"


def value_sentence(name: str, age: int, value: Number, older: Number | None, currency: str) -> str:
    """What the cohort that stands out has brought per customer, against the mean of the older ones at that age."""
    text = f"{_months(age)} on, customers of {name} have brought {money(value, currency)} each"
    if older is None:
        return f"{text}; no older cohort is known to compare with."
    return f"{text}; those of older cohorts had brought {money(older, currency)} by then."


def _months(age: int) -> str:
    return "By the end of their first month" if not age else f"{counted(age, 'month').capitalize()}"


def repeat_sentence(of: str, first: tuple[str, float], last: tuple[str, float]) -> str:
    """Repeat buyers' share of `of` in the last whole month, against the first."""
    text = f"Repeat buyers were {percent(last[1])} of {of} in {last[0]}"
    if first[0] == last[0]:
        return f"{text}, the only whole month."
    return f"{text}; in {first[0]} it was {percent(first[1])} ({change(last[1] - first[1], points)})."


def benchmark_sentence(sector: str, when: str, difference: float) -> str:
    side = "above" if difference >= 0 else "below"
    return f" That was {points(abs(difference))} {side} {sector} in {when}."


# ── key figures ───────────────────────────────────────────────────────────────────────────────────────────────────────


def shower(unit: str, measure: str, currency: str) -> Callable[[Number | None], str]:
    """How values of a key figure are written."""
    if unit == "currency":
        return lambda value: money(value, currency)
    if unit == "share":
        return percent
    return count if measure == "total" else number


def kpi_sentence(row: Row | None, open_row: Row | None, currency: str) -> str:
    """A key figure in its last whole month, and how the open one stands. Rows of marts.kpis."""
    if row is None or row["value"] is None:
        text = "Not known for any whole month yet."
    else:
        show = shower(row["unit"], row["measure"], currency)
        text = (
            f"{month(row['starts_on'])}: {show(row['value'])}{_against_target(row, show)}{_against_before(row, show)}."
        )
    if open_row is None or open_row["status"] not in {"on_track", "behind"}:
        return text
    show = shower(open_row["unit"], open_row["measure"], currency)
    so_far = f"{month(open_row['starts_on'])} is not over, and with {show(open_row['value'])} so far"
    return f"{text} {so_far} {STATUSES[open_row['status']]} for {show(open_row['target'])}."


def _against_target(row: Row, show: Callable[[Number | None], str]) -> str:
    return f", target {show(row['target'])} {STATUSES[row['status']]}" if row["target"] is not None else ""


def _against_before(row: Row, show: Callable[[Number | None], str]) -> str:
    told = [
        f"{show(row[value])} {when}"
        for value, when in (("previous_value", "the month before"), ("year_earlier_value", "a year earlier"))
        if row[value] is not None
    ]
    return f"; {listed(told)}" if told else ""


@dataclass(frozen=True)
class Verdict:
    """How many of the targets of the last whole month were met."""

    when: str
    met: int
    given: int


def targets_sentence(verdict: Verdict | None) -> str:
    if verdict is None:
        return (
            "No targets are given, so nothing is judged. An export “targets” (kpi, period, value) in data/exports/ "
            "adds them."
        )
    if not verdict.given:
        return f"None of the targets is of {verdict.when}, the last whole month."
    return f"{count(verdict.met)} of {counted(verdict.given, 'target')} of {verdict.when} were met."
