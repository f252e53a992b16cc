"""Sentences on cohorts: retention, value, the second purchase."""

from __future__ import annotations

from pipeline.reporting.sentences.registry import Row, Rows, sentence
from pipeline.reporting.words import Number, change, counted, money, month, percent, points


@sentence
def retention_sentence(rows: Rows) -> str:
    """The youngest cohort at its greatest known age against all older ones at that age."""
    known = [row for row in rows if row["cohort"] and row["is_complete"] and row["age_months"] > 0]
    if not known:
        return "No cohort's second month is over yet."
    youngest = max(row["cohort"] for row in known)
    age = max(row["age_months"] for row in known if row["cohort"] == youngest)
    now = next(row for row in known if row["cohort"] == youngest and row["age_months"] == age)
    older = [row for row in known if row["age_months"] == age and row["cohort"] < youngest]
    when = "in the month after" if age == 1 else f"{age} months after"
    text = f"Of {counted(now['customers'], 'customer')} of {month(youngest)}, {percent(now['retention'])} bought {when}"
    if not older:
        return f"{text}; there is no older cohort to compare with."
    before = sum(row["active_customers"] for row in older) / sum(row["customers"] for row in older)
    inside = now["retention_low"] <= before <= now["retention_high"]
    sure = "chance may be all of the difference" if inside else "more than chance makes likely"
    return f"{text}; of the older cohorts {percent(before)} ({change(now['retention'] - before, points)}, {sure})."


@sentence
def cohort_value(chosen: Row, older: Number | None, currency: str) -> str:
    """What the cohort that stands out has brought per customer, against the mean of the older ones at that age."""
    age, value = chosen["age_months"], chosen["cumulative_revenue_per_customer"]
    on = f"{counted(age, 'month')} on" if age else "By the end of their first month"
    text = f"{on}, customers of {month(chosen['cohort'])} have brought {money(value, currency)} each"
    if older is None:
        return f"{text}; no older cohort is known to compare with."
    return f"{text}; those of older cohorts had brought {money(older, currency)} by then."


@sentence
def repeat_sentence(rows: Rows) -> str:
    """Repeat buyers' share in the last whole month against the first, and against a sector."""
    whole = [row for row in rows if row["is_complete"] and row["repeat"] is not None]
    if not whole:
        return "There is no whole month with buyers yet."
    (first, then), (last, now) = ((f"{row['starts_on']:%B %Y}", row["repeat"]) for row in (whole[0], whole[-1]))
    text = f"Repeat buyers were {percent(now)} of {whole[0]['of_whom']} in {last}"
    if first == last:
        text += ", the only whole month."
    else:
        text += f"; in {first} it was {percent(then)} ({change(now - then, points)})."
    compared = [
        (row["starts_on"], sector["sector"], sector["difference"])
        for row in rows for sector in row["sectors"] or () if sector["difference"] is not None
    ]  # fmt: skip
    if not compared:
        return text
    when, sector, difference = max(compared)
    side = "above" if difference >= 0 else "below"
    return f"{text} That was {points(abs(difference))} {side} its sector, {sector}, in {when:%B %Y}."
