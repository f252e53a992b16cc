"""What the page on the activity trend says. The rules of `words` hold here, too: pure functions, nothing invented."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipeline.reporting.words import (
    Number,
    count,
    counted,
    day,
    listed,
    money,
    number,
    percent,
    share_of,
    short_day,
    were,
)

CLASSES = ("growing", "stable", "declining")
REASONS = ("too_few", "silent", "too_new")
LABELS = {
    "growing": "Growing", "stable": "Stable", "declining": "Declining", "too_few": "Too few purchases",
    "silent": "Silent", "too_new": "Too new",
}  # fmt: skip
SOURCES = {"a year ago": "as in the same windows a year ago", "today": "as all customers did"}
DIRECTIONS = {"better": "up", "worse": "down", "entered": "got one", "left": "lost it"}
RATIOS = (
    "Only before", "under ¼", "¼ to ½", "½ to 0.8", "0.8 to 1.25", "1.25 to 2", "2 to 4", "over 4", "Only lately",
)  # fmt: skip
"""Recent over prior rate beside that of all customers, in the bins of `trend_queries.RATIOS`."""
_LEAST_OF_A_SEGMENT = 20


def windows(base: Mapping[str, Any], snapshot_date: dt.date) -> str:
    """'the 180 days to 30 Jun 1998 with the 180 days before'."""
    return f"the {counted(base['window_days'], 'day')} to {short_day(snapshot_date)} with as many before"


# ── what is missing ───────────────────────────────────────────────────────────────────────────────────────────────────


def missing_sentence(base: Mapping[str, Any] | None, first_on: dt.date | None, tested: int) -> str:
    """Why nobody has a trend, and when somebody may; empty where somebody has one."""
    if base is None or first_on is None:
        return "No customer has bought yet, so nobody has a trend."
    if not base["base_customers"]:
        both = 2 * base["window_days"]
        return (
            f"A trend compares two windows of {counted(base['window_days'], 'day')}, so it needs customers who first "
            f"bought {counted(both, 'day')} ago or earlier. The first purchase of all was on {day(first_on)}: from "
            f"{day(first_on + dt.timedelta(days=both))} on the first customers can have a trend."
        )
    if tested:
        return ""
    old = f"{counted(base['base_customers'], 'customer')} first bought before both windows"
    if base["share_from"] is None:
        return f"{old}, and none of them bought in either. A trend can be told once some of them buy again."
    if base["n_min"] is None:
        return (
            f"{old}; all that they bought falls into one of the two windows, so nobody can be told from all. A trend "
            "can be told once both windows hold purchases."
        )
    return (
        f"{old}, but none of them bought on {counted(base['n_min'], 'day')} or more in both windows together: with "
        "fewer, chance explains every change. A trend can be told once somebody has."
    )


def season_sentence(base: Mapping[str, Any], first_on: dt.date, snapshot_date: dt.date, least: int) -> str:
    """Where the expected share comes from; and when the season can be taken out, if it is not.

    `least`: purchases that the windows of a year ago must hold.
    """
    share, seen = percent(base["expected_share"]), counted(base["share_prior"] + base["share_recent"], "purchase")
    if base["share_from"] == "a year ago":
        return (
            f"Of {seen} in the same two windows a year ago, {share} fell into the recent one. Every customer is "
            "compared with that, so what the season brings is no trend."
        )
    from_day = _year_later(first_on + dt.timedelta(days=2 * base["window_days"]))
    why = (
        f"they can hold enough from {day(from_day)} on"
        if from_day > snapshot_date
        else f"they hold fewer than {count(least)} purchases"
    )
    return (
        f"Of the {seen} of all customers who bought before both windows, {share} fell into the recent one. Every "
        "customer is compared with that, so what all have in common, the season among it, is no trend. The windows of "
        f"a year ago would show the season alone; {why}."
    )


def _year_later(date: dt.date) -> dt.date:
    return date.replace(year=date.year + 1, day=28 if (date.month, date.day) == (2, 29) else date.day)


# ── over time ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def course_sentence(now: Mapping[str, int], then: Mapping[str, int] | None, dates: tuple[dt.date, dt.date]) -> str:
    """`now` and `then`: customers by class, on the last and the first of `dates`."""
    of_all = counted(sum(now[name] for name in CLASSES), "customer")
    text = f"Of {of_all} with a trend, {count(now['growing'])} {were(now['growing'])} growing"
    text += f" and {count(now['declining'])} declining on {day(dates[1])}"
    if then is None:
        return f"{text}. There is one snapshot so far; the course over time is drawn from the second one on."
    before = counted(sum(then[name] for name in CLASSES), "customer")
    if before.startswith("0 "):
        return f"{text}; nobody had a trend yet on {day(dates[0])}."
    return f"{text}; of {before} on {day(dates[0])}, {count(then['growing'])} and {count(then['declining'])}."


def everybody_sentence(now: Mapping[str, int], least: int | None) -> str:
    everyone, tested = sum(now.values()), sum(now[name] for name in CLASSES)
    few = f"bought on fewer than {count(least)} days" if least else "bought too rarely"
    why = listed([
        f"{count(now['too_few'])} {few} in both windows", f"{count(now['silent'])} on none",
        f"{count(now['too_new'])} are too new",
    ])  # fmt: skip
    return f"{percent(share_of(tested, everyone))} of {counted(everyone, 'customer')} have a trend; {why}."


def worth_sentence(now: Mapping[str, Number], what: str, currency: str) -> str:
    """`now`: revenue or predicted value by class; `what`: 'of the last year’s revenue'."""
    whole = sum(float(value) for value in now.values())
    if whole <= 0:
        return f"There is nothing to share out {what}."
    told = [
        f"customers make {money(now[name], currency)} ({percent(share_of(now[name], whole))})"
        for name in ("growing", "declining")
    ]
    return f"Growing {told[0]} and declining {told[1]} {what}."


def breaks_sentence(breaks: Sequence[tuple[dt.date, int, int]]) -> str:
    """Where the windows changed their length: (first day with the new one, days before, days from then on)."""
    told = [f"on {day(first)} from {count(before)} to {count(after)} days" for first, before, after in breaks]
    return f"The windows changed {listed(told)}: a step at a dotted line is one of the measure." if told else ""


# ── more than chance? ─────────────────────────────────────────────────────────────────────────────────────────────────


def chance_sentence(found: Mapping[str, int], by_chance: Mapping[str, float]) -> str:
    """Found beside what unchanged customers would show; more than two standard deviations apart is more."""
    told = [
        f"{count(found[name])} {were(found[name])} found {name}, "
        f"where chance alone would make {expected(by_chance[name])}"
        for name in ("growing", "declining")
    ]
    more = [name for name in ("growing", "declining") if found[name] > by_chance[name] + 2 * math.sqrt(by_chance[name])]
    if len(more) == 2:
        verdict = "Both are more than chance makes; some of each are chance all the same."
    elif more:
        verdict = f"Only {more[0]} ones are more than chance makes."
    else:
        verdict = "Neither is more than chance makes: no customer should be called changed for this alone."
    return f"{'; '.join(told)}. {verdict}"


def expected(customers: float | None) -> str:
    """A number of customers that chance makes: '96', and '0.3' rather than 0."""
    return number(customers, 0 if customers is None or customers >= 10 else 1)


def test_meaning(alpha: float) -> str:
    return (
        "With few purchases a change is easily chance. The test may call "
        f"{number(100 * alpha)} % of customers changed who are not, so it always finds some."
    )


def ratio_sentence(moved: int, tested: int, told_apart: int) -> str:
    return (
        f"{count(moved)} of {counted(tested, 'customer')} with enough purchases bought at a rate at least a fifth "
        f"lower or a quarter higher; for {count(told_apart)} of them chance does not explain it."
    )


@dataclass(frozen=True)
class Members:
    """A segment's customers with a trend, and how many of them are growing and declining."""

    label: str
    tested: int
    growing: int
    declining: int


def segments_sentence(segments: Sequence[Members]) -> str:
    large = [segment for segment in segments if segment.tested >= _LEAST_OF_A_SEGMENT]
    if not large:
        return f"No segment has {_LEAST_OF_A_SEGMENT} customers with a trend yet, too few to compare shares."
    told = []
    for way in ("growing", "declining"):
        top = max(large, key=lambda segment: (getattr(segment, way) / segment.tested, segment.label))
        if getattr(top, way):
            share = percent(share_of(getattr(top, way), top.tested))
            told.append(f"{way} ones are most frequent among {top.label} ({share})")
    if not told:
        return "Nobody is growing or declining in a segment with enough customers to compare."
    return f"Of customers with a trend, {listed(told)}."


# ── movers ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def movers_missing(now: int, previous: dt.date | None, before: int | None, moved: int) -> str:
    """Why there are no movers; empty where there are. `now` and `before`: length of the windows, then and now."""
    if previous is None:
        return "This is the first snapshot with a trend. Who moves is known from the second one on."
    if before != now:
        return (
            f"On {day(previous)} windows of {counted(before or 0, 'day')} were compared, now of {counted(now, 'day')}: "
            "the classes cannot be compared. Who moves is known from the next snapshot on."
        )
    return "" if moved else f"Nobody has moved to another trend since {day(previous)}."


def movers_sentence(moves: Mapping[str, tuple[int, Decimal]], previous: dt.date, currency: str) -> str:
    """`moves`: customers and value at stake by direction."""
    nobody = (0, Decimal(0))
    up, down, entered, left = (moves.get(name, nobody) for name in ("better", "worse", "entered", "left"))
    text = (
        f"Since {day(previous)}, {counted(up[0], 'customer')} moved up and {count(down[0])} down; "
        f"{count(entered[0])} got a trend and {count(left[0])} lost theirs."
    )
    return f"{text} Those who moved down spent {money(down[1], currency)} in the last 12 months." if down[0] else text
