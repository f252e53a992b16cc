"""Sentences on the segments, and who moved between them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from pipeline.reporting.sentences.registry import Row, Rows, sentence
from pipeline.reporting.words import count, counted, day, percent


@sentence
def days_ago(first: int, last: int) -> str:
    """'36–258 days ago', 'today'."""
    if last == 0:
        return "today"
    return f"{counted(last, 'day')} ago" if first == last else f"{count(first)}–{counted(last, 'day')} ago"


@sentence
def from_to(first: int, last: int, noun: str) -> str:
    """'4–60 days', '1 day'."""
    return counted(last, noun) if first == last else f"{count(first)}–{counted(last, noun)}"


@sentence
def day_span(days: Mapping[str, int]) -> str:
    """'4–60 days', of {'low': 4, 'high': 60}."""
    return from_to(days["low"], days["high"], "day")


@sentence
def sized(group: Row) -> str:
    """'Loyal · 1,412', of {'name': 'Loyal', 'n': 1412}."""
    return f"{group['name']}" if group["n"] is None else f"{group['name']} · {count(group['n'])}"


@sentence
def numbered(group: Row) -> str:
    """'1,412 silent', of {'name': 'silent', 'n': 1412}."""
    return f"{count(group['n'])} {group['name']}"


@sentence
def segment_rule(parts: Sequence[Row]) -> str:
    """The rule of a segment in words, from the scores of its cells: a score from 1 to 5 says how many are worse."""
    told = [
        f"{_worse(part['r_from'], part['r_to'])} ordered longer ago than they and "
        f"{_worse(part['f_from'], part['f_to'])} on fewer days"
        for part in parts
    ]
    return f"The rule: of all customers, {'; or '.join(told)}."


def _worse(low: int, high: int) -> str:
    """'40–80%', '80% or more', 'fewer than 40%': the share of customers who are worse than scores from low to high."""
    if low == 1:
        return "any share" if high == 5 else f"fewer than {percent(high / 5, 0)}"
    least = (low - 1) / 5
    return f"{percent(least, 0)} or more" if high == 5 else f"{count(100 * least)}–{percent(high / 5, 0)}"


@sentence
def stage_mix(row: Row) -> str:
    """'Active 50%, lapsing 41%, lapsed 9%.', of a segment's customers."""
    names = {"first_time": "one order so far", "active": "active", "defecting": "lapsing", "inactive": "lapsed"}
    parts = [f"{name} {percent(row[key] / row['customers'])}" for key, name in names.items() if row[key]]
    return f"{', '.join(parts)}.".capitalize()


@sentence
def claim_sentence(row: Row) -> str:
    """Where half of a segment are in another stage of the lifecycle than its text says; else empty."""
    customers, late = row["customers"], row["defecting"] + row["inactive"]
    if row["claim"] == "recent" and customers and 2 * late >= customers:
        share = _share_of_them(late / customers)
        return f"The description does not fit {share}: they are lapsing or lapsed by the shop’s own rhythm."
    if row["claim"] == "long ago" and customers and 2 * late <= customers:
        share = _share_of_them(1 - late / customers)
        return f"The description does not fit {share}: by the shop’s own rhythm they are not yet lapsing."
    return ""


def _share_of_them(share: float) -> str:
    return "any of them" if share == 1 else f"{percent(share)} of them"


@sentence
def segment_flow_sentence(rows: Rows, previous: dt.date) -> str:
    """Who moved since the previous snapshot, and how many of them without doing anything."""
    moved = {way: sum(row["customers"] for row in rows if row["way"] == way) for way in ("better", "worse", "entered")}
    if not any(moved.values()):
        return f"Nobody moved since {day(previous)}."
    up = f"{counted(moved['better'], 'customer')} moved up{why_moved(rows, 'better')}"
    down = f"{count(moved['worse'])} down{why_moved(rows, 'worse')}"
    new = f" {count(moved['entered'])} {'is' if moved['entered'] == 1 else 'are'} new." if moved["entered"] else ""
    return f"Since {day(previous)}, {up} and {down}.{new}"


@sentence
def why_moved(rows: Rows, way: str) -> str:
    """' (7 because they have not ordered since, 20 because the limits between scores moved)', or nothing."""
    moved = [row for row in rows if row["way"] == way]
    everybody = sum(row["customers"] for row in moved)
    reasons = {
        "because they have not ordered since": sum(row["aged"] for row in moved),
        "only because the limits between scores moved": sum(row["by_limits"] for row in moved),
    }
    said = [f"{'all' if n == everybody else count(n)} {reason}" for reason, n in reasons.items() if n]
    return f" ({', '.join(said)})" if said else ""
