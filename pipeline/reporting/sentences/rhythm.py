"""Sentences on rhythm: silences, gaps, drift."""

from __future__ import annotations

import datetime as dt

from pipeline.reporting.sentences.registry import Row, Rows, quarter, sentence
from pipeline.reporting.words import count, counted, listed, percent, short_day

LEAST_WAITED_FOR = 200
"""Customers that every horizon but those of quarters needs."""
LEAST_IN_QUARTER = 50


@sentence
def day_range(low: int | None, high: int | None) -> str:
    """'92 to 99'; an end that is None is open."""
    if low is None:
        return "not known how far"
    return f"{count(low)} or later" if high is None else f"{count(low)} to {count(high)}"


@sentence
def curves_sentence(rows: Rows) -> str:
    """Shares back at the horizon that all the curves reach, by the order they follow (`place`)."""
    shares = {row["place"]: row["at_horizon"] for row in rows if row["at_horizon"] is not None}
    told = [f"{percent(share)} after the {name}" for name, share in shares.items()]
    return f"Within {rows[0]['common']} days of an order, {listed(told)} have ordered again."


@sentence
def drift_sentence(rows: Rows) -> str:
    """The day by which half of those who come back are back, of quarters at one horizon, the oldest first."""
    known = [row for row in rows if row["back_p50_days"] is not None]
    first, last = known[0], known[-1]
    told = " and ".join(f"day {row['back_p50_days']} ({quarter(row['cohort'])})" for row in (first, last))
    horizon = f"Of those back by day {first['horizon_days']}, half were back by"
    return f"{horizon} {told}; {_overlap(first, last)}.{unknown_quarters(rows)}"


def _overlap(first: Row, last: Row) -> str:
    ends = [row["back_p50_high"] for row in (first, last)], [row["back_p50_low"] for row in (first, last)]
    highs, lows = ([float("inf") if end is None else end for end in side] for side in ends)
    if max(lows) <= min(highs):
        return "their intervals overlap, so chance may be all of it"
    return "their intervals do not overlap"


def unknown_quarters(rows: Rows) -> str:
    """Why each quarter whose day is not known has none; begins with a space, or is empty."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row["back_p50_days"] is None:
            reasons.setdefault(_why_unknown(row), []).append(quarter(row["cohort"]))
    return "".join(f" Unknown for {listed(quarters)}: {reason}." for reason, quarters in reasons.items())


def _why_unknown(row: Row) -> str:
    """Too few from the start, not watched long enough, nearly all back before, or too few back."""
    horizon = row["horizon_days"]
    if row["silences"] < LEAST_IN_QUARTER:
        return f"fewer than {count(LEAST_IN_QUARTER)} customers"
    if row["at_risk"] >= LEAST_IN_QUARTER:
        return "too few came back"
    if row["at_risk"] + row["unwatched"] >= LEAST_IN_QUARTER:
        return f"not watched for {horizon} days yet"
    return f"fewer than {count(LEAST_IN_QUARTER)} were still waited for on day {horizon}"


@sentence
def gaps_sentence(rows: Rows) -> str:
    """The quickest and the slowest group by the day by which half are back."""
    known = [row for row in rows if row["median_days"] is not None]
    unknown = [_inside(row["name"]) for row in rows if row["median_days"] is None]
    never = f" Fewer than half were back as long as they were watched: {listed(unknown)}." if unknown else ""
    if not known:
        return "In no group half of the customers were back as long as they were watched."
    quick, slow = (pick(known, key=lambda row: (row["median_days"], row["name"])) for pick in (min, max))
    text = f"Half of all who ordered are back by day {count(quick['median_days'])} {_inside(quick['name'])}"
    if slow is not quick:
        text += f", at the latest by day {count(slow['median_days'])} {_inside(slow['name'])}"
    return f"{text}.{never}"


def _inside(name: str) -> str:
    """A name inside a sentence."""
    return name[:1].lower() + name[1:]


@sentence
def rhythm_missing(first: Row | None, first_on: dt.date | None, snapshot_date: dt.date) -> str:
    """Why nothing is said of the second purchase. `first`: silences after the first one at the shortest horizon."""
    if first_on is None:
        return "No customer has bought yet, so there is no rhythm to see."
    if first is None:
        return "Nobody bought for the first time in the last 730 days, so there is no rhythm of new customers to see."
    needs = "This needs 200 customers who are still waited for 90 days after their first purchase"
    if first["silences"] < LEAST_WAITED_FOR:
        return f"{needs}; {counted(first['silences'], 'customer')} bought for the first time in the last 730 days."
    there = f"there {'is' if first['at_risk'] == 1 else 'are'} {count(first['at_risk'])}"
    if first["at_risk"] + first["unwatched"] < LEAST_WAITED_FOR:
        return (
            f"{needs}; {there}, as {count(first['returned'])} of {count(first['silences'])} were back before. How long "
            "they took stands below."
        )
    ready = first_on + dt.timedelta(days=90)
    begun = f" The first can be counted on {short_day(ready)}." if ready > snapshot_date else ""
    return f"{needs}; so far {there}, and {count(first['unwatched'])} are not watched that long.{begun}"
