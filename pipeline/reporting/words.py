"""How the report says things: numbers, dates, money, and the sentences beside the charts.

Pure functions of aggregates, no frames of customers, no HTML. What is not known is said (`UNKNOWN`), never shown as 0.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipeline.notation import Number as Number
from pipeline.notation import digits_of, notation

UNKNOWN = "unknown"
_LONGEST_ID = 40
_SPACE = "\N{NO-BREAK SPACE}"
_JOINED = "\N{WORD JOINER}"
"""Between a sign and what follows it, so that no line ends there."""
_MINUS = "\N{MINUS SIGN}"


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def count(number: Number | None) -> str:
    """'23,570'."""
    return decimals(number, 0)


def number(value: Number | None, digits: int = 2) -> str:
    """'1,226.5', without the zeros at its end."""
    return UNKNOWN if value is None else decimals(value, places(value, digits))


def decimals(value: Number | None, digits: int) -> str:
    """'0.1000': every row of a column with the same places."""
    return UNKNOWN if value is None else _signed(value, notation().decimal(_size(value), digits))


def places(value: Number, most: int) -> int:
    """How many decimals a number has, at most so many: 1 of 1.50."""
    return len(f"{_size(value):.{most}f}".partition(".")[2].rstrip("0"))


def first_of(shown: int, everybody: int, noun: str) -> str:
    """Which of the rows a table shows: 'The first 20 of 103 customers', or 'All 12 customers'."""
    if shown < everybody:
        return f"The first {count(shown)} of {counted(everybody, noun)}"
    return f"The one {noun}" if everybody == 1 else f"All {counted(everybody, noun)}"


def percent(share: Number | None, digits: int = 1) -> str:
    """A share of 0.031 as '3.1%'; something that is not nothing is never rounded to 0.0."""
    if share is None:
        return UNKNOWN
    before, after = notation().percent
    least = 10**-digits
    if 0 < _size(share) * 100 < least / 2:
        return f"<{before}{notation().decimal(least, digits)}{after}"
    return _signed(share, f"{before}{notation().decimal(_size(share * 100), digits)}{after}")


def share_of(part: Number | None, whole: Number | None) -> float | None:
    """part / whole, or None where there is no whole to have a share of."""
    return None if part is None or not whole else float(part) / float(whole)


def money(amount: Number | None, currency: str, digits: int | None = None) -> str:
    """'€38,900': whole units from 1,000 on, cents below, unless `digits` says it."""
    if amount is None:
        return UNKNOWN
    if digits is None:
        digits = 0 if _size(amount) >= 1000 or amount == 0 else digits_of(currency)
    return _with_currency(amount, notation().decimal(_size(amount), digits), currency)


def short_money(amount: Number | None, currency: str) -> str:
    """'€38.9k', for cells and labels without room."""
    return UNKNOWN if amount is None else _with_currency(amount, _short(_size(amount)), currency)


def affixes(currency: str) -> tuple[str, str]:
    """What stands before and after an amount: ('£', ''), ('', ' €')."""
    return notation().affixes(currency)


def short_count(amount: Number | None) -> str:
    """'1,234', '12.3k', '1.2M'."""
    if amount is None:
        return UNKNOWN
    return count(amount) if _size(amount) < 10_000 else _signed(amount, _short(_size(amount)))


def day(date: dt.date | None) -> str:
    """'1 November 2026'."""
    return UNKNOWN if date is None else f"{date.day} {date:%B %Y}"


def short_day(date: dt.date | None) -> str:
    """'1 Nov 2026'."""
    return UNKNOWN if date is None else f"{date.day} {date:%b %Y}"


def month(date: dt.date) -> str:
    """'Nov 2011'."""
    return f"{date:%b %Y}"


def span(first: dt.date | None, last: dt.date | None) -> str:
    """'1 Jan 1997 – 30 Jun 1998'."""
    return UNKNOWN if first is None or last is None else f"{short_day(first)} – {short_day(last)}"


def counted(amount: Number, one: str, many: str | None = None) -> str:
    """'1 customer', '412 customers'."""
    return f"{count(amount)} {one if amount == 1 else many or one + 's'}"


def were(amount: Number) -> str:
    return "was" if amount == 1 else "were"


def change(difference: Number | None, show: Callable[[Number], str] = count) -> str:
    """'+112', '−3', '±0'; empty if it is not known."""
    if difference is None:
        return ""
    return "±0" if difference == 0 else _joined("+", show(difference)) if difference > 0 else show(difference)


def points(difference: Number) -> str:
    """A difference of shares of 0.004 as '0.4 points'."""
    return f"{decimals(difference * 100, 1)}{_SPACE}points"


def somebody(amount: int) -> str:
    """'nobody was', '1 was', '41 were'."""
    return f"{count(amount)} {were(amount)}" if amount else "nobody was"


def listed(parts: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def shown_id(customer: str) -> str:
    """A customer as pages name them: by id. An e-mail address is no number: of it only a fingerprint is shown."""
    if "@" in customer:
        return f"e-mail {hashlib.sha256(customer.strip().lower().encode()).hexdigest()[:12]}"
    return customer if len(customer) <= _LONGEST_ID else f"{customer[: _LONGEST_ID - 1]}…"


def _size(number: Number) -> Number:
    """Without its sign, also that of a negative zero, and without the last digits of a float: of a sum they depend on
    the order in which its rows came, and with them to which side 49.345 is rounded.
    """
    size = -number if number < 0 else number + 0
    return float(f"{size:.12g}") if isinstance(size, float) else size


def _signed(value: Number, text: str) -> str:
    """With a minus sign, unless what is left after rounding is zero."""
    return _joined(_MINUS, text) if value < 0 and any(digit in text for digit in "123456789") else text


def _joined(sign: str, text: str) -> str:
    """A line may end between a sign and a currency, but not between a sign and a digit."""
    return f"{sign}{text}" if text[:1].isdigit() else f"{sign}{_JOINED}{text}"


def _with_currency(amount: Number, text: str, currency: str) -> str:
    before, after = affixes(currency)
    return _signed(amount, f"{before}{text}{after}")


def _short(amount: Number) -> str:
    for limit, unit in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")):
        if amount >= limit:
            return f"{notation().decimal(float(amount) / limit, 1)}{unit}"
    return notation().decimal(amount, 0)


# ── sentences: the data ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class FileTotals:
    """Rows of all export files together; the rows of rejected files are not among the others."""

    files: int
    rejected: int
    rows_read: int
    accepted: int
    quarantined: int
    superseded: int
    duplicates: int


def quality_sentence(totals: FileTotals) -> str:
    if not totals.files:
        return "No export has been loaded yet. Put one in data/exports/<source>/ and run again."
    read = counted(totals.rows_read, "row")
    files = counted(totals.files - totals.rejected, "file")
    if totals.files == totals.rejected:
        return f"No file could be used: {counted(totals.rejected, 'file')} {were(totals.rejected)} rejected."
    exceptions = [
        f"{count(rows)} {what}"
        for rows, what in (
            (totals.quarantined, f"quarantined ({percent(share_of(totals.quarantined, totals.rows_read))})"),
            (totals.superseded, "superseded by a newer export"),
            (totals.duplicates, "dropped as exact duplicates"),
        )
        if rows
    ]
    fate = f"{count(totals.accepted)} accepted, {listed(exceptions)}" if exceptions else "all of them accepted"
    left_out = f" {counted(totals.rejected, 'file')} {were(totals.rejected)} rejected and not used at all."
    return f"{read} read from {files}: {fate}." + (left_out if totals.rejected else "")


def optional_inputs_sentence(given: Mapping[str, int], switched_off: Sequence[str]) -> str:
    """Which optional exports are there (input -> rows), and what is switched off for want of the others."""
    loaded = [f"{name} ({counted(rows, 'row')})" for name, rows in given.items()]
    told = (("Also loaded", loaded), ("Switched off", switched_off))
    return " ".join(f"{what}: {listed(parts)}." for what, parts in told if parts)


def is_open(month: dt.date, until: dt.date) -> bool:
    """Whether the month that begins on `month` was not over at the end of day `until`."""
    after = until + dt.timedelta(days=1)
    return (month.year, month.month) == (after.year, after.month)


# ── sentences: who moved ──────────────────────────────────────────────────────────────────────────────────────────────


# ── sentences: segments and scores ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Group:
    """A segment's totals."""

    label: str
    customers: int
    revenue: Decimal


def size_sentence(groups: Sequence[Group]) -> str:
    customers = sum(g.customers for g in groups)
    if not customers:
        return "There are no customers yet."
    top = max(groups, key=lambda g: (g.customers, g.label))
    empty = [g.label for g in groups if not g.customers]
    share = percent(share_of(top.customers, customers))
    text = f"The largest group is {top.label} with {counted(top.customers, 'customer')} ({share})"
    return f"{text}; nobody is in {listed(empty)}." if empty else f"{text}."


@dataclass(frozen=True)
class Cell:
    """One cell of a score grid. `mean_order_value` is None where nobody is."""

    first: int
    second: int
    customers: int
    revenue: Decimal
    mean_order_value: float | None


def correlation_sentence(first: str, second: str, spearman: float | None) -> str:
    if spearman is None:
        return f"All customers are equal in {first} or in {second}, so the two cannot be compared."
    size = abs(spearman)
    strength = next(word for limit, word in _STRENGTHS if size < limit)
    if size < _STRENGTHS[0][0]:
        return f"{first.capitalize()} and {second} have {strength} to do with each other."
    way = "together" if spearman > 0 else "against each other"
    return f"{first.capitalize()} and {second} go {strength} {way}."


_STRENGTHS = ((0.1, "little"), (0.3, "weakly"), (0.5, "moderately"), (0.7, "clearly"), (1.01, "strongly"))


def cells_sentence(cells: Sequence[Cell], first: str, second: str, measure: str, currency: str) -> str:
    """What the fullest, richest or dearest cell of a score grid holds; `measure` names a field of Cell."""
    filled = [cell for cell in cells if cell.customers]
    if not filled:
        return "There are no customers yet."
    top = max(filled, key=lambda cell: (_of(cell, measure), cell.first, cell.second))
    place = f"{first} {top.first}, {second} {top.second}"
    if measure == "customers":
        share = percent(share_of(top.customers, sum(cell.customers for cell in filled)))
        return f"The fullest cell is {place}: {counted(top.customers, 'customer')} ({share})."
    if measure == "revenue":
        share = percent(share_of(top.revenue, sum((cell.revenue for cell in filled), Decimal(0))))
        return f"The richest cell is {place}: {money(top.revenue, currency)} ({share} of revenue)."
    who = counted(top.customers, "customer")
    return f"Orders are dearest at {place}: {money(top.mean_order_value, currency)} on average ({who})."


def empty_scores_sentence(empty: Sequence[str]) -> str:
    """Why a score may be empty: equal values share one score."""
    if not empty:
        return "Every score has customers."
    verb = "is" if len(empty) == 1 else "are"
    names = listed(empty)
    return f"{names[0].upper()}{names[1:]} {verb} empty: customers with equal values always get the same score."


def _of(cell: Cell, measure: str) -> float:
    values: dict[str, Number | None] = {
        "customers": cell.customers,
        "revenue": cell.revenue,
        "mean_order_value": cell.mean_order_value,
    }
    value = values[measure]
    return float("-inf") if value is None else float(value)


# ── sentences: the calendar ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Period:
    """A day, week or month of the calendar; None is what is not known."""

    kind: str
    first: dt.date
    complete: bool
    revenue: Decimal
    orders: int
    order_revenue: Decimal
    """Revenue of these orders, which stand: by it peaks are ranked."""
    mean_order_value: float | None
    margin: Decimal | None
    effects: tuple[Decimal, Decimal, Decimal] | None
    """What the change since the period before is due to: number of orders, order value, the rest."""
    peak_rank: int
    margin_rank: int | None

    @property
    def name(self) -> str:
        """'March 1997', 'the week of 6 Dec 2010', '6 Dec 2010'."""
        if self.kind == "month":
            return f"{self.first:%B %Y}"
        return f"the week of {short_day(self.first)}" if self.kind == "week" else short_day(self.first)

    @property
    def when(self) -> str:
        """'in March 1997', 'on 6 Dec 2010'."""
        return f"{'on' if self.kind == 'day' else 'in'} {self.name}"


EFFECTS = ("the number of orders", "order value", "refunds and the rest")


def peak_of(periods: Sequence[Period]) -> Period | None:
    """The moment of highest profit, or, where no margin is known, of highest revenue; of equals the earliest.

    Both count what stands: an order that was cancelled later makes no peak.
    """
    profitable = [period for period in periods if period.margin_rank == 1]
    return next(iter(profitable or [period for period in periods if period.peak_rank == 1]), None)


def whole_and_before(periods: Sequence[Period]) -> tuple[Period | None, Period | None]:
    """The last complete period and the one before it, if that is complete too. `periods` are ascending."""
    at = next((n for n in reversed(range(len(periods))) if periods[n].complete), None)
    if at is None:
        return None, None
    return periods[at], periods[at - 1] if at and periods[at - 1].complete else None


def peak_sentence(periods: Sequence[Period], currency: str) -> str:
    peak = peak_of(periods)
    if peak is None or (peak.margin is None and peak.order_revenue <= 0):
        return "Nothing has been earned yet."
    unfinished = "" if peak.complete else ", though it is not whole"
    if peak.margin is None:
        return (
            f"The moment of highest revenue was {peak.name}, with {money(peak.order_revenue, currency)} of orders that "
            f"stand{unfinished}; "
            "profit is unknown without the cost of every line."
        )
    known = sum(period.margin is not None for period in periods)
    among = "" if known == len(periods) else f", of the {counted(known, peak.kind)} whose costs are known,"
    return (
        f"The moment of highest profit{among} was {peak.name}: a margin of {money(peak.margin, currency)} "
        f"on {money(peak.revenue, currency)} of revenue{unfinished}."
    )


def last_sentence(periods: Sequence[Period], currency: str) -> str:
    """'The last whole month, June 1998, brought $76,109, 7.2 % more than May 1998.' `periods` end with the latest."""
    last, before = whole_and_before(periods)
    if last is None:
        return ""
    if last == peak_of(periods) and last.margin is None and before:
        return f"That is the last whole {last.kind}{_against(last.revenue, before.revenue, 'less', before.name)}."
    which = "The last day" if last.kind == "day" else f"The last whole {last.kind}"
    text = f"{which}, {last.name}, brought {money(last.revenue, currency)}"
    return f"{text}{_against(last.revenue, before.revenue, 'less', before.name) if before else ''}."


def orders_sentence(periods: Sequence[Period]) -> str:
    """Orders of the last whole period beside the one before, and where most were."""
    last, before = whole_and_before(periods)
    if last is None:
        return ""
    most = max(periods, key=lambda period: period.orders)  # of equals the earliest
    text = f"{_capital(last.name)} had {counted(last.orders, 'order')}"
    text += _against(last.orders, before.orders, "fewer", before.name) if before else ""
    return f"{text}: the most." if most is last else f"{text}; most were {most.when}, {count(most.orders)}."


def order_value_sentence(periods: Sequence[Period], currency: str) -> str:
    """Mean order value of the last whole period beside the one before, and where orders were dearest."""
    last, before = whole_and_before(periods)
    known = [period for period in periods if period.mean_order_value is not None]
    if last is None or not known:
        return "There were no orders, so their value is not known."
    dearest = max(known, key=lambda period: period.mean_order_value or 0)
    which = f"{money(dearest.mean_order_value, currency)} over {counted(dearest.orders, 'order')}"
    if last.mean_order_value is None:
        return f"{_capital(last.name)} had no orders; they were dearest {dearest.when}, {which}."
    text = f"An order of {last.name} was worth {money(last.mean_order_value, currency)} on average"
    if before and before.mean_order_value is not None:
        text += _against(last.mean_order_value, before.mean_order_value, "less", before.when)
    return f"{text}: the most." if dearest is last else f"{text}; orders were dearest {dearest.when}, {which}."


def effects_sentence(periods: Sequence[Period], currency: str) -> str:
    """What the last known change of revenue is due to."""
    known = [n for n in range(1, len(periods)) if periods[n].effects is not None]
    if not known:
        return "There are no two whole periods to compare yet."
    last, before = periods[known[-1]], periods[known[-1] - 1]
    difference = last.revenue - before.revenue
    parts = _parts(zip(EFFECTS, last.effects or (), strict=True), currency)
    if not difference:
        text = f"{_capital(last.name)} brought as much as {before.name}"
    else:
        size, way = money(abs(difference), currency), "more" if difference > 0 else "less"
        text = f"{_capital(last.name)} brought {size} {way} than {before.name}"
    return f"{text}: {parts}." if parts else f"{text}."


def weekday_sentence(means: Sequence[tuple[str, float]], currency: str) -> str:
    """Strongest and weakest of the days of the week, `means` from Monday on."""
    best, least = max(means, key=lambda day: day[1]), min(means, key=lambda day: day[1])
    share = percent(share_of(best[1], sum(mean for _, mean in means)))
    return (
        f"{best[0]}s bring most, {money(best[1], currency)} on average, {share} of a week; "
        f"{least[0]}s least, {money(least[1], currency)}."
    )


def _against(now: Number, before: Number, less: str, other: str) -> str:
    """', 7.2 % more than May 1998'; without a share where there was nothing, or less, to have one of."""
    if now == before:
        return f", as {'many' if less == 'fewer' else 'much'} as {other}"
    way = "more" if now > before else less
    share = f"{percent(abs(float(now) - float(before)) / float(before))} " if before > 0 else ""
    return f", {share}{way} than {other}"


def _parts(parts: Iterable[tuple[str, Number]], currency: str) -> str:
    """'+$1,982 through the number of orders and −$12.00 through order value'; what is nothing is left out."""
    signed = ((name, change(part, lambda a: money(a, currency))) for name, part in parts if part)
    return listed([f"{text} through {name}" for name, text in signed])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# ── sentences: classes ────────────────────────────────────────────────────────────────────────────────────────────────


def value_range(measure: str, low: Number | None, high: Number | None, currency: str) -> str:
    """'3–4 occasions', what a score or tier stands for; 'empty' where nobody is."""
    if low is None or high is None:
        return "empty"
    if measure == "monetary":
        ends = [money(amount, currency) for amount in (low, high)]
        return ends[0] if low == high else " – ".join(ends)
    unit = "day" if measure == "recency" else "occasion"
    return counted(low, unit) if low == high else f"{count(low)}–{counted(high, unit)}"


@dataclass(frozen=True)
class Class:
    """A class on one day: how much of something it holds, of how much in all, and the values it stands for."""

    as_of: dt.date
    amount: Number
    whole: Number
    range: str


def class_sentence(name: str, now: Class, then: Class | None, show: Callable[[Number], str]) -> str:
    """'“often” stands for 3–171 occasions and holds 7,476 customers, 31.7 % of all; on 31 May 1997 …'"""
    if now.range == "empty":
        return f"{name} is empty: equal values always get the same class."
    share = percent(share_of(now.amount, now.whole))
    text = f"{name} stands for {now.range} and holds {show(now.amount)}, {share} of all"
    if then is None:
        return f"{text}."
    earlier = "empty" if then.range == "empty" else f"{percent(share_of(then.amount, then.whole))} ({then.range})"
    return f"{text}; on {short_day(then.as_of)} it was {earlier}."


@dataclass(frozen=True)
class Activity:
    """What the customers of a recency tier bought in the window before and in the last one."""

    tier: str
    prior: Number
    recent: Number


def activity_sentence(tiers: Sequence[Activity], days: int, what: str, show: Callable[[Number], str]) -> str:
    moved = [tier for tier in tiers if tier.prior or tier.recent]
    still = [tier.tier for tier in tiers if not (tier.prior or tier.recent)]
    if not moved:
        return f"Nobody bought anything in the last {2 * days} days."
    told = [f"{tier.tier} from {show(tier.prior)} to {show(tier.recent)}{_in_percent(tier)}" for tier in moved]
    text = f"{what} of the last {counted(days, 'day')} against those of the {count(days)} before: {listed(told)}"
    return f"{text}; {listed(still)} had none in either." if still else f"{text}."


def _in_percent(tier: Activity) -> str:
    if tier.prior <= 0:
        return ""
    return f" ({change(float(tier.recent) / float(tier.prior) - 1, percent)})"


# ── sentences: two periods ────────────────────────────────────────────────────────────────────────────────────────────


def revenue_split_sentence(before: Decimal, after: Decimal, parts: Sequence[tuple[str, Decimal]], currency: str) -> str:
    """Revenue of two periods, and what its change is due to."""
    ends = f"from {money(before, currency)} in A to {money(after, currency)} in B"
    if before == after:
        text = f"Revenue was the same in A and in B, {money(after, currency)}"
    else:
        size, way = abs(after - before), "rose" if after > before else "fell"
        share = f" ({percent(share_of(size, before))})" if before > 0 else ""
        text = f"Revenue {way} by {money(size, currency)}{share}, {ends}"
    told = _parts(parts, currency)
    return f"{text}: {told}." if told else f"{text}."


def evolution_sentence(customers: int, better: int, same: int, worse: int, lost: int) -> str:
    """What became of the customers of A."""
    if not customers:
        return "Nobody bought in A."

    def told(people: int) -> str:
        return f"{count(people)} ({percent(share_of(people, customers))})"

    return (
        f"Of {counted(customers, 'customer')} of A, {told(better)} {were(better)} in a better group in B, "
        f"{told(same)} in the same, {told(worse)} in a worse one; {told(lost)} did not buy in B."
    )


def segment_change_sentence(changes: Sequence[tuple[str, int, int]], lost: int, new: int) -> str:
    """The group that changed most between A and B; `changes` are (label, customers in A, in B)."""
    label, before, after = max(changes, key=lambda group: (abs(group[2] - group[1]), group[0]))
    most = f"{label} changed most, from {count(before)} to {counted(after, 'customer')}"
    if before == after:
        most = "Every group has as many customers in B as in A"
    gone = f"{count(lost)} of A did not buy in B" if lost else "None of A was lost"
    come = f"{count(new)} of B did not buy in A" if new else "all of B bought in A"
    return f"{most}. {gone}; {come}."


def arrival_context(first_in_b: int, first_between: int, back: int) -> str:
    """When those of B who did not buy in A first bought."""
    parts = [
        (first_in_b, "first bought in B"),
        (first_between, "first bought between A and B"),
        (back, "came back after a pause"),
    ]
    return listed([f"{count(people)} {what}" for people, what in parts if people]) or "all of B’s customers bought in A"


def lost_context(share: str, bought_since: int, may_have: bool) -> str:
    """`may_have`: B ends before the snapshot date, so that there was time to buy since."""
    text = f"{share} of A’s customers"
    if not may_have:
        return text
    since = (
        f"{count(bought_since)} of them {'has' if bought_since == 1 else 'have'}"
        if bought_since
        else "none of them has"
    )
    return f"{text}; {since} bought since"


def season_sentence(now: tuple[Decimal, Decimal], earlier: tuple[Decimal, Decimal]) -> str:
    """Change of revenue from A to B beside that over the same dates a year earlier."""
    told = [_rise(*ends) for ends in (now, earlier)]
    return f"From A to B revenue {told[0]}; over the same dates a year earlier it {told[1]}."


def _rise(before: Decimal, after: Decimal) -> str:
    if before == after:
        return "stayed the same"
    way = "rose" if after > before else "fell"
    return f"{way} by {percent(share_of(abs(after - before), before))}" if before > 0 else f"{way} from nothing or less"


def period_sentence(groups: Sequence[Group]) -> str:
    """The largest group of a period, and what the one that brought most stands for."""
    revenue = sum((group.revenue for group in groups), Decimal(0))
    if revenue <= 0:
        return size_sentence(groups)
    top = max(groups, key=lambda group: (group.revenue, group.label))
    people = percent(share_of(top.customers, sum(group.customers for group in groups)))
    brought = percent(share_of(top.revenue, revenue))
    return f"{size_sentence(groups)} {top.label} brought most: {brought} of revenue with {people} of customers."
