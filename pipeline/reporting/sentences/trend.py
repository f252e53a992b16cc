"""Sentences on growing and declining customers."""

from __future__ import annotations

import datetime as dt
import math
from itertools import pairwise

from pipeline.reporting.sentences.registry import LEAST_COMPARED, TREND_CLASSES, Row, Rows, expected, sentence
from pipeline.reporting.words import count, counted, day, listed, percent, share_of, were


@sentence
def trend_missing(base: Row | None, first_on: dt.date | None, tested: int) -> str:
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
        return f"{old}, and none of them bought in either. There can be a trend once some of them buy again."
    if base["n_min"] is None:
        return (
            f"{old}; all that they bought falls into one of the two windows, so nobody differs from the rest. There "
            "can be a trend once both windows hold purchases."
        )
    return (
        f"{old}, but none of them bought on {counted(base['n_min'], 'day')} or more in both windows together: with "
        "fewer, chance explains every change. There can be a trend once somebody has."
    )


@sentence
def season_sentence(base: Row, first_on: dt.date, snapshot_date: dt.date) -> str:
    """Where the expected share comes from; and when the season can be taken out, if it is not."""
    from pipeline.steps.movement.trend import LEAST_SEASON

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
        else f"they hold fewer than {count(LEAST_SEASON)} purchases"
    )
    return (
        f"Of the {seen} of all customers who bought before both windows, {share} fell into the recent one. Every "
        "customer is compared with that, so what all have in common, the season among it, is no trend. The windows of "
        f"a year ago would show the season alone; {why}."
    )


def _year_later(date: dt.date) -> dt.date:
    return date.replace(year=date.year + 1, day=28 if (date.month, date.day) == (2, 29) else date.day)


@sentence
def trend_course(rows: Rows) -> str:
    """Of the customers of every class (`shown`) on every day (`as_of`)."""
    last, first = (pick(row["as_of"] for row in rows) for pick in (max, min))
    now, then = (
        {name: sum(row["customers"] for row in rows if (row["as_of"], row["shown"]) == (date, name)) for name in
         TREND_CLASSES}
        for date in (last, first)
    )  # fmt: skip
    text = f"Of {counted(sum(now.values()), 'customer')} with a trend, {count(now['Growing'])} {were(now['Growing'])} "
    text += f"growing and {count(now['Declining'])} declining on {day(last)}"
    if first == last:
        return f"{text}. There is one snapshot so far; the course over time is drawn from the fourth one on."
    if not sum(then.values()):
        return f"{text}; nobody had a trend yet on {day(first)}."
    before = counted(sum(then.values()), "customer")
    return f"{text}; of {before} on {day(first)}, {count(then['Growing'])} and {count(then['Declining'])}."


@sentence
def trend_breaks(rows: Rows) -> str:
    """Where the windows changed their length; empty where they never did."""
    lengths = sorted({row["as_of"]: row["window_days"] for row in rows}.items())
    changed = [
        f"on {day(first)} from {count(before)} to {count(after)} days"
        for (_, before), (first, after) in pairwise(lengths)
        if before != after
    ]
    return f"The windows changed {listed(changed)}: a step at a dotted line is one of the measure." if changed else ""


@sentence
def chance_sentence(rows: Rows) -> str:
    """Found beside what unchanged customers would show; more than two standard deviations apart is more."""
    ways = {row["activity_trend"].lower(): row for row in rows if row["is_change"]}
    text = "; ".join(
        f"{count(row['found'])} {were(row['found'])} found {way}, where chance alone would make "
        f"{expected(row['by_chance'])}"
        for way, row in ways.items()
    )
    more = [way for way, row in ways.items() if row["found"] > row["by_chance"] + 2 * math.sqrt(row["by_chance"])]
    if len(more) == 2:
        return f"{text}. Both are more than chance makes; some of each are chance all the same."
    if more:
        return f"{text}. Only {more[0]} ones are more than chance makes."
    return f"{text}. Neither is more than chance makes: no customer should be called changed for this alone."


@sentence
def trend_by_segment(rows: Rows) -> str:
    """Where growing and declining customers are most frequent, among groups that are large enough."""
    large = [(row, whole) for row in rows if (whole := sum(row[n] for n in ("growing", "stable", "declining")))
             >= LEAST_COMPARED]  # fmt: skip
    if not large:
        return f"No segment has {LEAST_COMPARED} customers with a trend yet, too few to compare shares."
    found = []
    for way in ("growing", "declining"):
        top, whole = max(large, key=lambda one, way=way: (one[0][way] / one[1], one[0]["segment"]))  # type: ignore[misc]
        if top[way]:
            share = percent(share_of(top[way], whole))
            found.append(f"{way} ones are most frequent among {top['segment']} ({share})")
    if not found:
        return "Nobody is growing or declining in a segment with enough customers to compare."
    return f"Of customers with a trend, {listed(found)}."


@sentence
def movers_missing(now: int, previous: Row | None) -> str:
    """Why nobody moved. `now`: length of the windows; `previous`: the day compared with and its `window_days`."""
    if previous is None or previous["day"] is None:
        return "This is the first snapshot with a trend. Who moves is known from the second one on."
    if previous["window_days"] != now:
        return (
            f"On {day(previous['day'])} windows of {counted(previous['window_days'] or 0, 'day')} were compared, now "
            f"of {counted(now, 'day')}: the classes cannot be compared. Who moves is known from the next snapshot on."
        )
    return f"Nobody has moved to another trend since {day(previous['day'])}."
