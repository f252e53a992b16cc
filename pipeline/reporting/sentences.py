"""Sentences with more than two branches, as filters of the templates: `{{ rows|retention_sentence }}`.

The rules of `words` hold: pure functions of aggregates, what is unknown is said, nothing is invented. Rows are those of
the chart that says the sentence, by the columns of its file.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from pipeline.notation import digits_of
from pipeline.reporting.prediction_words import bias_in_words, model_name
from pipeline.reporting.words import (
    Number,
    change,
    count,
    counted,
    day,
    listed,
    money,
    month,
    number,
    percent,
    points,
    share_of,
    short_day,
    span,
    were,
)

Row = Mapping[str, Any]
Rows = Sequence[Row]
Sentence = TypeVar("Sentence", bound=Callable[..., str])
SENTENCES: dict[str, Callable[..., str]] = {}
"""Every sentence by the name of its filter."""
TREND_CLASSES = ("Growing", "Stable", "Declining")
LEAST_COMPARED = 20
"""Customers a group must have to be compared with others by a share."""


def sentence(function: Sentence) -> Sentence:
    """Register a function as a filter."""
    SENTENCES[function.__name__] = function
    return function


sentence(model_name)


# ── segments ──────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── calendar ──────────────────────────────────────────────────────────────────────────────────────────────────────────

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
    text = f"{_capital(_period(last))} had {counted(last['orders'], 'order')}"
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
        return f"{_capital(_period(last))} had no orders; they were worth most {_when(best)}, {which}."
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
    show = _alike([difference, *(part for _, part in told)], currency)
    size = f"{show(abs(difference))} {'more' if difference > 0 else 'less'} than" if difference else "as much as"
    parts = _parts(told, show)
    return f"{_capital(_period(last))} brought {size} {_period(before)}{f': {parts}' if parts else ''}."


def _against(now: Number, before: Number, less: str, other: str) -> str:
    """', 7.2% more than May 1998'; without a share where there was nothing, or less, to have one of."""
    if now == before:
        return f", as {'many' if less == 'fewer' else 'much'} as {other}"
    way = "more" if now > before else less
    share = f"{percent(abs(float(now) - float(before)) / float(before))} " if before > 0 else ""
    return f", {share}{way} than {other}"


def _alike(amounts: Iterable[Number], currency: str) -> Callable[[Number], str]:
    """Shows the amounts of one sentence all in whole units or all with cents: whole where one is 1,000 or more and none
    would come out as nothing."""
    sizes = [abs(float(amount)) for amount in amounts if amount]
    digits = 0 if sizes and max(sizes) >= 1000 and min(sizes) >= 1 else digits_of(currency)
    return lambda amount: money(amount, currency, digits if amount else 0)


def _parts(parts: Sequence[tuple[str, Number]], show: Callable[[Number], str]) -> str:
    """'+$1,982 from the number of orders and −$12 from order value'; what is nothing is left out."""
    return listed([f"{change(part, show)} from {name}" for name, part in parts if part])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# ── two periods ───────────────────────────────────────────────────────────────────────────────────────────────────────


@sentence
def revenue_split_sentence(rows: Rows, currency: str) -> str:
    """Revenue of two periods, the first row and the last, and what its change is due to, the rows between."""
    before, after = rows[0]["amount"], rows[-1]["amount"]
    show = _alike([after - before, *(row["amount"] for row in rows)], currency)
    if before == after:
        text = f"Revenue was the same in A and in B, {show(after)}"
    else:
        size, way = abs(after - before), "rose" if after > before else "fell"
        share = f" ({percent(share_of(size, before))})" if before > 0 else ""
        ends = f"from {show(before)} in A to {show(after)} in B"
        text = f"Revenue {way} by {show(size)}{share}, {ends}"
    told = _parts([(row["told"], row["amount"]) for row in rows[1:-1]], show)
    return f"{text}: {told}." if told else f"{text}."


@sentence
def evolution_sentence(rows: Rows, currency: str) -> str:
    """What became of the customers of A, by their groups."""
    columns = ("a_customers", "became_better", "stayed", "became_worse", "became_lost")
    customers, better, same, worse, lost = (sum(row[name] for row in rows) for name in columns)
    if not customers:
        return "Nobody bought in A."

    def told(people: int) -> str:
        return f"{count(people)} ({percent(share_of(people, customers))})"

    gone = f" The lost had brought {money(sum(row['lost_revenue'] for row in rows), currency)} in A." if lost else ""
    return (
        f"Of {counted(customers, 'customer')} of A, {told(better)} {were(better)} in a better group in B, "
        f"{told(same)} in the same, {told(worse)} in a worse one; {told(lost)} did not buy in B.{gone}"
    )


@sentence
def segment_change_sentence(rows: Rows, lost: int, new: int) -> str:
    """The group that changed most between A and B."""
    most = max(rows, key=lambda row: (abs(row["b_customers"] - row["a_customers"]), row["label"]))
    before, after = most["a_customers"], most["b_customers"]
    text = f"{most['label']} changed most, from {count(before)} to {counted(after, 'customer')}"
    if before == after:
        text = "Every group has as many customers in B as in A"
    gone = f"{count(lost)} of A did not buy in B" if lost else "All of A bought in B"
    come = f"{count(new)} of B did not buy in A" if new else "all of B bought in A"
    return f"{text}. {gone}; {come}."


@sentence
def arrival_context(arrivals: Row) -> str:
    """When those of B who did not buy in A first bought."""
    parts = {"first_in_b": "first bought in B", "first_between": "first bought between A and B",
             "back": "came back after a pause"}  # fmt: skip
    told = [f"{count(arrivals[name])} {what}" for name, what in parts.items() if arrivals[name]]
    return listed(told) or "all of B’s customers bought in A"


@sentence
def lost_context(share: str, bought_since: int, may_have: bool) -> str:
    """`may_have`: B ends before the snapshot date, so that there was time to buy since."""
    text = f"{share} of A’s customers"
    if not may_have:
        return text
    if not bought_since:
        return f"{text}; none of them has bought since"
    return f"{text}; {count(bought_since)} of them {'has' if bought_since == 1 else 'have'} bought since"


@sentence
def rise(pair: Row, name: str) -> str:
    """'rose by 20.0%', of a number of two periods."""
    before, after = pair[f"a_{name}"], pair[f"b_{name}"]
    if before == after:
        return "stayed the same"
    way = "rose" if after > before else "fell"
    return f"{way} by {percent(share_of(abs(after - before), before))}" if before > 0 else f"{way} from nothing or less"


# ── activity trend ────────────────────────────────────────────────────────────────────────────────────────────────────


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
def expected(customers: float | None) -> str:
    """A number of customers that chance makes: '96', and '0.3' rather than 0."""
    return number(customers, 0 if customers is None or customers >= 10 else 1)


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


# ── cohorts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── key figures ───────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── value ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

BRIDGE = {
    "re-estimation": "from new estimates", "new": "from new customers",
    "upward": "from customers who came back or bought again", "downward": "from customers who slowed down",
    "to inactive": "from customers who lapsed", "ageing": "from time passing", "erased": "from customers who are gone",
}  # fmt: skip


@sentence
def bridge_sentence(rows: Rows, currency: str) -> str:
    """How the predicted value of all customers came from what it was to what it is; rows by their `name`."""
    amounts = {row["name"]: row["amount"] for row in rows}
    opening, closing = amounts["opening"], amounts["closing"]

    def changed(amount: Number) -> str:
        return change(amount, lambda size: money(size, currency))

    parts = [f"{changed(amounts[term])} {told}" for term, told in BRIDGE.items() if amounts.get(term)]
    before, after, size = (money(amount, currency) for amount in (opening, closing, abs(closing - opening)))
    way = f"{'rose' if closing > opening else 'fell'} by {size}, from {before} to {after}"
    said = f"Predicted value {way if closing != opening else f'is {after}, as before'}"
    said += f": {listed(parts)}." if parts else "."
    if rows[0]["is_revalued"]:
        said += " No snapshot was published 30 days ago, so that value is what today’s models would have said."
    return said


# ── probability ───────────────────────────────────────────────────────────────────────────────────────────────────────

LEAST_IN_A_CELL = 30


@sentence
def extremes_sentence(rows: Rows, column: str, what: str) -> str:
    """The highest and the lowest mean probability of cells of `order_days` and `silent` that are large enough."""
    known = [row for row in rows if row[column] is not None]
    large = [row for row in known if row["customers"] >= LEAST_IN_A_CELL] or known
    few = f"; cells of fewer than {LEAST_IN_A_CELL} are left aside" if len(large) < len(known) else ""
    best, least = (pick(large, key=lambda row: round(row[column], 4)) for pick in (max, min))
    if round(best[column], 4) == round(least[column], 4):
        return f"{what} is {percent(best[column])} for all of them."

    def who(row: Row) -> str:
        days = "order day" if row["order_days"] == "1" else "order days"
        ago = row["silent"].removesuffix(" ago")
        return f"{counted(row['customers'], 'customer')} with {row['order_days']} {days}, the last {ago} ago"

    return (
        f"{what} is highest, {percent(best[column])} on average, for the {who(best)}, and lowest, "
        f"{percent(least[column])}, for the {who(least)}{few}."
    )


# ── lifecycle ─────────────────────────────────────────────────────────────────────────────────────────────────────────

STAGES = {
    "active": ("is active", "are active"), "first-time": ("has bought once, lately", "have bought once, lately"),
    "defecting": ("is lapsing", "are lapsing"), "inactive": ("is lapsed", "are lapsed"),
}  # fmt: skip


@sentence
def stages_sentence(rows: Rows) -> str:
    """Of the `customers` of each stage (`name`); leads are no customers."""
    people = {row["name"]: row["customers"] for row in rows if row["name"] in STAGES}
    whole = sum(people.values())
    parts = [
        f"{count(amount)} ({percent(share_of(amount, whole))}) {STAGES[name][amount != 1]}"
        for name, amount in people.items()
        if amount
    ]
    return f"Of {counted(whole, 'customer')} {listed(parts)}."


@sentence
def limits_sentence(rows: Rows, own: Row) -> str:
    """Rows of both kinds of customers; `own`: how many have limits of their own gaps, and between which days."""
    whose = {"learnt": "as learnt here", "not_reached": "the usual limit, as none could be learnt here",
             "set": "as it is set"}  # fmt: skip
    parts = [
        f"{'customers who ordered once' if row['customer_kind'] == 'one-time' else 'those who ordered again'} "
        f"after {counted(row['defecting_days'], 'day')} ({whose[row['defecting_status']]})"
        for row in rows
    ]
    said = f"Without an order, {listed(parts)} count as lapsing."
    if not own["customers"]:
        return said
    days = f"{count(own['shortest'])} to {count(own['longest'])} days"
    if own["shortest"] == own["longest"]:
        days = counted(own["shortest"], "day")
    who = f"{counted(own['customers'], 'customer')} with six orders or more"
    return f"{said} {who} {'has' if own['customers'] == 1 else 'have'} a limit of their own, {days}."


@sentence
def transitions_sentence(rows: Rows) -> str:
    """The moves that matter most: away from active, and back. Rows of one horizon."""
    cells = {(row["from"], row["to"]): row for row in rows}
    days = rows[0]["horizon_days"]
    parts = [
        f"{percent(cell['share'])} of the {told} ({percent(cell['share_low'])} to {percent(cell['share_high'])}, "
        f"n\u00a0=\u00a0{count(cell['from_customers'])})"
        for move, told in (
            (("Active", "Lapsing"), "active began to lapse"),
            (("Lapsing", "Active"), "lapsing became active again"),
            (("Lapsed", "Active"), "lapsed came back"),
        )
        if (cell := cells.get(move)) is not None and cell["share"] is not None
    ]
    return f"In {days} days, {listed(parts)}." if parts else f"Nobody was active, lapsing or lapsed {days} days ago."


@sentence
def spend_sentence(rows: Rows, currency: str) -> str:
    """What may be spent on the moves of one horizon (`told`), as campaigns measured it or at most."""
    known = {
        basis: [f"{row['told']} {money(row['most_to_spend'], currency)}" for row in rows if row["cost_basis"] == basis]
        for basis in ("measured", "at most")
    }
    said = []
    if known["measured"]:
        said.append(f"As campaigns with a control group measured it, a contact is worth: {listed(known['measured'])}.")
    if known["at most"]:
        said.append(
            f"If every move within {rows[0]['horizon_days']} days were due to what is spent, it would pay at most, for "
            f"each: {listed(known['at most'])}."
        )
    return " ".join(said) or f"For no move were enough customers seen in {rows[0]['horizon_days']} days."


@sentence
def projection_sentence(rows: Rows, currency: str) -> str:
    """The last month and the sum of all under every scenario, doing nothing first, and what each guess rests on."""
    months = max(row["month"] for row in rows)
    base, *others = (row for row in rows if row["month"] == months)

    def shown(amount: Number) -> str:
        return money(amount, currency)

    def between(row: Row, of: str) -> str:
        return interval(row[f"{of}_low"], row[f"{of}_high"], shown)

    said = [
        f"If nothing changes, the next {months} months of 30 days bring {shown(base['total'])} "
        f"({between(base, 'total')}), new customers included; the last 12 brought {shown(base['last_12_months'])}."
    ]
    for row in others:
        move = f"{change(row['points'], number)} points of {row['move']}"
        told = f"{_capital(row['name'])} ({move} a month, a guess{_measured(row, shown)})"
        if not row["gain"] and row["gain_low"] == row["gain_high"]:
            said.append(f"{told}: there is not enough data to say what it would change.")
        else:
            way = "add" if row["gain"] >= 0 else "cost"
            said.append(f"{told} would {way} {shown(abs(row['gain']))} before its cost ({between(row, 'gain')}).")
    return " ".join(said)


def _measured(row: Row, shown: Callable[[Number], str]) -> str:
    """What campaigns measured of a contact with the stage of a scenario."""
    if row["contact_worth"] is None:
        return " that no campaign with a control group has measured"
    low, high = row["contact_worth_low"], row["contact_worth_high"]
    ends = f" ({shown(low)} to {shown(high)})" if low is not None and high is not None else ""
    return f"; a contact was measured to be worth {shown(row['contact_worth'])}{ends}"


def interval(low: Number, high: Number, show: Callable[[Number], str]) -> str:
    """'12 to 15'; an interval without width comes of too few moves, not of certainty."""
    return "not enough data for an interval" if low == high else f"{show(low)} to {show(high)}"


# ── rhythm ────────────────────────────────────────────────────────────────────────────────────────────────────────────

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


# ── campaigns ─────────────────────────────────────────────────────────────────────────────────────────────────────────

WORKS_WHERE = {
    "Delivered": "clean the list of addresses that bounce",
    "Opened": "try other senders, subjects and times",
    "Clicked": "try other offers and whom they are sent to",
    "Came to the shop": "look whether the links lead where they should",
    "Bought": "look at the page that the links lead to",
}
"""What to work on where most are lost."""
FALSE_FINDINGS = 0.05
"""Rate of false discoveries up to which campaigns are sure even when all are looked at together."""


@sentence
def campaigns_sentence(rows: Rows) -> str:
    """How many of the campaigns are known to have caused something, and what makes the others known."""
    known = [row for row in rows if row["status"] == "known"]
    more, less = (sum(row["says"] == says for row in known) for says in ("more", "less"))
    running, alone, uneven = (
        sum(row["status"] == status for row in rows) for status in ("running", "no_control", "srm_failed")
    )
    if known:
        said = f"Of {counted(len(known), 'campaign')} that can be judged, {count(more)} made more members buy"
        said += f" and {count(less)} fewer" if less else ""
        said += f"; for {count(len(known) - more - less)}, no difference to the control group is shown."
        said += " Looked at one by one, one in forty without effect would seem to have one." if more > 1 else ""
    else:
        said = "Of no campaign it is known what it caused."
    others = [
        (running, "still running"),
        (alone, "without a control group, so their effect is unknown"),
        (uneven, "with groups of another size than was drawn, which cannot be compared"),
    ]
    parts = [f"{count(number)} {'is' if number == 1 else 'are'} {what}" for number, what in others if number]
    said += f" {listed(parts)}." if parts else ""
    return said + (" Hold out one member in ten at random next time (group control)." if alone else "")


@sentence
def uplift_sentence(rows: Rows, currency: str) -> str:
    """What to repeat and what to stop, and how far it holds where so many campaigns are looked at."""
    unit = {"conversion": "of its members bought", "spend": "a member", "visit": "of its members came to the shop"}
    metric = rows[0]["metric"]
    which = (
        f"the last {count(len(rows))} campaigns" if rows[0]["all_known"] > len(rows) else counted(len(rows), "campaign")
    )

    def shown(value: Number) -> str:
        return money(value, currency) if metric == "spend" else points(value)

    best = max(rows, key=lambda row: row["effect_low"])
    worst = min(rows, key=lambda row: row["effect_high"])
    more = sum(row["says"] == "more" for row in rows)
    if not more:
        said = f"Of {which}, none did better than its control group beyond chance."
        said += " Larger control groups would show smaller effects." if worst["effect_high"] >= 0 else ""
    else:
        sure = sum(row["says"] == "more" and (row["q_bh"] or 1) <= FALSE_FINDINGS for row in rows)
        together = f"; looked at together, {count(sure)} {'is' if sure == 1 else 'are'} sure"
        said = (
            f"Repeat {best['campaign']}: {shown(best['effect'])} more {unit[metric]} than of those held out "
            f"({shown(best['effect_low'])} to {shown(best['effect_high'])}). {count(more)} of "
            f"{which} did better beyond chance{together if len(rows) > 1 else ''}."
        )
    if worst["effect_high"] < 0:
        said += f" Stop {worst['campaign']}: {shown(abs(worst['effect']))} fewer {unit[metric]}."
    return said


@sentence
def funnel_sentence(rows: Rows) -> str:
    """How many of a hundred come how far, and where most are lost."""
    *_, last = rows
    sent = rows[0]
    if last["share_of_sent"] is None or last is sent:
        return f"{counted(sent['contacts'], 'member')} were written to; what became of it is unknown."
    reached = "clicked and bought" if last["stage"] == "Bought" else last["stage"].lower()
    said = f"Of {counted(sent['contacts'], 'member')} written to, {percent(last['share_of_sent'])} {reached}."
    steps = [row for row in rows[1:] if row["share_of_previous"] is not None and row["stage"] in WORKS_WHERE]
    if not steps:
        return said
    least = min(steps, key=lambda row: row["share_of_previous"])
    before = rows[list(rows).index(least) - 1]["stage"].lower()
    on = percent(least["share_of_previous"])
    where = f"between {before} and {least['stage'].lower()}"
    return f"{said} Most are lost {where}, where {on} go on: {WORKS_WHERE[least['stage']]}."


@sentence
def caused_sentence(conversion: Row, spend: Row | None, currency: str) -> str:
    """What a campaign caused, of buyers and of spend as far as it is known, and what to do."""
    treated, control = percent(conversion["treated_mean"]), percent(conversion["control_mean"])
    effect, low, high = (points(conversion[name]) for name in ("effect", "effect_low", "effect_high"))
    rates = (
        f"{treated} of those who got it bought, {control} of those held out: a difference of {effect} ({low} to {high})"
    )
    if conversion["says"] == "no_difference_shown":
        said = f"No difference shown: {rates}. It may have done nothing."
    elif conversion["says"] == "more":
        said = f"Repeat it: {rates}, {counted(round(conversion['extra']), 'extra buyer')} in all."
    else:
        said = f"Stop it: {rates}, {counted(round(-conversion['extra']), 'buyer')} fewer in all."
    if spend is None or spend["says"] == "not_known":
        said += " With so few buyers, the change in what they spent is unknown."
    else:
        names = ("adjusted", "adjusted_low", "adjusted_high") if spend["is_adjusted"] else (
            "effect", "effect_low", "effect_high"
        )  # fmt: skip
        change_of, low, high = (money(spend[name], currency) for name in names)
        rough = ", roughly" if spend["quality"] == "rough" else ""
        said += f" Difference in what a member spent: {change_of} ({low} to {high}{rough})."
    if conversion["contaminated"]:
        said += (
            f" {count(conversion['contaminated'])} of those held out got it after all, so it looks smaller than it is."
        )
    if conversion["sample_ratio"] == "unknown":
        said += " How many were to be held out is unknown, and so is whether the groups are as drawn."
    return said


@sentence
def uplift_segments_sentence(rows: Rows) -> str:
    """Whether a campaign did more for some, and for whom; sorted, the most first."""
    best, least = rows[0], rows[-1]
    if best["says"] == "no_difference_shown":
        return (
            f"No difference between segments shown: all of them, from {best['segment']} to {least['segment']}, may "
            "have answered alike. Choose by what a customer is worth, not by this."
        )
    ends = [[points(row[name]) for name in ("shrunk", "shrunk_low", "shrunk_high")] for row in (best, least)]
    more, less = (f"{at} ({low} to {high})" for at, low, high in ends)
    return (
        f"Segments differ. Begin with {best['segment']}: {more} more of them bought than of those held out; of "
        f"{least['segment']} {less}."
    )


@sentence
def uncaused_sentence(conversion: Row | None, spend: Row | None) -> str:
    """Why it is not known what a campaign caused, and the counts that there are."""
    if conversion is None:
        return "It is not known who was to get it, so nothing can be said of what it caused."
    counts = (
        f"{counted(conversion['treated'], 'member')} got it and {count(conversion['control'])} were held out at random"
    )
    if conversion["status"] == "running":
        return f"{counts}. Its window or the 14 days for refunds are not over: what it caused can be told after them."
    if conversion["status"] == "srm_failed":
        return (
            f"{counts}, which is not how many were to be held out. So the groups differ in more than the campaign, and "
            f"its effect is unknown."
        )
    if spend is None or spend["before_after"] is None:
        return "Nobody was held out at random, so its effect is unknown."
    return (
        f"Nobody was held out at random, so its effect is unknown. Before/after, not causal: members spent "
        f"{change(spend['before_after'], percent)} against as many days before."
    )


@sentence
def channel_name(channel: str) -> str:
    """A channel of messages, visits or sales as a reader calls it; one with capitals as it is."""
    known = {"email": "E-mail", "sms": "SMS", "(none)": "No visit before", "unknown": "Not recorded"}
    return known.get(channel, _capital(channel.replace("_", " ")))


@sentence
def quarter(name: str) -> str:
    """'Q4 2026' of '2026-Q4'."""
    year, _, place = name.partition("-")
    return f"{place} {year}" if place.startswith("Q") else name


# ── trust ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_EQUAL = 1e-9


@sentence
def tracking_sentence(actual: Number, expected: float, weeks: int, model: str) -> str:
    if not weeks:
        return f"No week was kept back to test on: {model_name(model)} has seen all of these purchases."
    text = (
        f"In the {counted(weeks, 'week')} that {model_name(model)} had not seen, {number(expected, 0)} repeat "
        f"purchases were expected from the days of first purchases alone and {count(actual)} came"
    )
    return _expected_and_came(text, actual, expected)


@sentence
def cumulative_sentence(actual: Number, expected: float, last: dt.date) -> str:
    text = f"Up to {day(last)}, {number(expected, 0)} repeat purchases were expected and {count(actual)} came"
    return _expected_and_came(text, actual, expected)


def _expected_and_came(text: str, actual: Number, expected: float) -> str:
    return f"{text}: {bias_in_words(100 * (expected / float(actual) - 1))}." if actual else f"{text}."


@sentence
def expectation_sentence(rows: Rows) -> str:
    """Mean purchases after, expected and observed, of groups by repeat purchases before."""
    widest, first = max(rows, key=lambda row: (abs(row["expected"] - row["observed"]), row["before"])), rows[0]
    return (
        f"The {counted(first['customers'], 'customer')} with {first['before']} repeat purchases before were expected "
        f"to buy {number(first['expected'])} times and bought {number(first['observed'])} times; the widest gap is at "
        f"{widest['before']} ({counted(widest['customers'], 'customer')}): {number(widest['expected'])} expected, "
        f"{number(widest['observed'])} seen."
    )


@sentence
def coverage_sentence(rows: Rows) -> str:
    """Shares of customers inside the published interval and that of the model, by repeat purchases before."""
    known = [row for row in rows if row["is_judged"]]
    inside = sum(row["judged"] * row["coverage"] for row in known) / sum(row["judged"] for row in known)
    far = max(known, key=lambda row: (abs(row["coverage"] - 0.8), row["frequency_class"]))
    model, share = far["coverage_of_model"], percent(far["coverage"])
    before = f", {percent(model)} before the ranges were corrected" if model and percent(model) != share else ""
    return (
        f"The published ranges held the spend of {percent(inside)} of the customers; the goal is {percent(0.8)}. "
        f"Furthest from that are the {counted(far['judged'], 'customer')} with {far['frequency_class']} repeat "
        f"purchases before: {share}{before}."
    )


@sentence
def calibration_sentence(inside: int, groups: int, gap: float | None) -> str:
    """In how many groups the probability held, beside how many would if it were right in all: 95 of 100."""
    text = f"In {inside} of {counted(groups, 'group')} the probability lies within the 95% interval of what happened"
    least, most = math.floor(0.95 * groups), math.ceil(0.95 * groups)
    if groups > 1:
        text += f"; if all were right, {least if least == most else f'{least} or {most}'} would be expected"
    return f"{text}. On average it is {points(gap)} off." if gap is not None else f"{text}."


@sentence
def deciles_sentence(rows: Rows, currency: str) -> str:
    """What was expected and seen of the tenth ranked highest, beside that of the best naive one, and of the lowest."""
    kinds: dict[str, tuple[str, Callable[[Number], str]]] = {
        "number": ("the mean number of purchases was", number),
        "money": ("the mean spend was", lambda amount: money(amount, currency)),
        "percent": ("the share that bought was", percent),
    }
    what, show = kinds[rows[0]["kind"]]
    (expected, seen), (lowest_expected, lowest_seen) = (
        (show(row["predicted"]), show(row["observed"])) for row in (rows[0], rows[-1])
    )
    seen_by_tenth = [row["observed"] for row in rows]
    steps = sum(after <= before + _EQUAL for before, after in pairwise(seen_by_tenth))  # who ties is shared out evenly
    more = f", {number(rows[0]['lift'], 1)} times the mean of all" if rows[0]["lift"] is not None else ""
    return (
        f"In the tenth of the customers ranked highest, {what} {seen}{more}; {expected} was expected. In the tenth "
        f"ranked lowest it was {lowest_seen}; {lowest_expected} was expected. From one tenth to the next it fell "
        f"or stayed level in {steps} of {len(rows) - 1} steps.{_beside_naive(rows[0])}"
    )


def _beside_naive(best: Row) -> str:
    """What a naive baseline finds; empty where it ranks nobody, or where nobody bought."""
    if best["captured"] is None or best["rival_captured"] is None:
        return ""
    return (
        f" The best tenth brought {percent(best['captured'])} of all; that of “{model_name(best['rival'])}” brought "
        f"{percent(best['rival_captured'])}."
    )


@sentence
def parameters_sentence(rows: Rows, previous: dt.date | None) -> str:
    """By how many of their standard errors the parameters that decide predicted values moved since `previous`."""
    if previous is None:
        return "This is the first snapshot with parameters; from the next one on it is seen whether they hold still."
    moves = [
        (f"{row['parameter']} of {model_name(row['model'])}", row["moved"])
        for row in rows if row["is_published"] and row["moved"] is not None
    ]  # fmt: skip
    if not moves:
        return f"No parameter of {day(previous)} can be compared with today’s."
    name, size = max(moves, key=lambda move: (abs(move[1]), move[0]))
    if abs(size) < 2:
        return (
            f"Since {day(previous)} the parameters have held still: the largest move, of {name}, is "
            f"{number(abs(size), 1)} standard errors."
        )
    return f"Since {day(previous)} {name} has moved by {number(abs(size), 1)} of its standard errors."


_FITS = {
    "converged": "sound", "penalised": "held by a penalty", "no_dropout": "without dropout",
    "equal_dropout": "with one dropout for all", "refused": "refused",
}  # fmt: skip


@sentence
def fits_sentence(rows: Rows) -> str:
    statuses = [row["status"] for row in rows]
    if set(statuses) == {"converged"}:
        return f"All {counted(len(statuses), 'fit')} are sound." if len(statuses) > 1 else "The one fit is sound."
    found = {word: statuses.count(status) for status, word in _FITS.items() if status in statuses}
    told = [f"{count(many)} {'is' if many == 1 else 'are'} {word}" for word, many in found.items()]
    return f"Of {counted(len(statuses), 'fit')}, {listed(told)}."
