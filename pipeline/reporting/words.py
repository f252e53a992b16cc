"""How the report says things: numbers, dates, money, and the sentences beside the charts.

Pure functions of aggregates, no frames of customers, no HTML. What is not known is said (`UNKNOWN`), never shown as 0.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

Number = int | float | Decimal

UNKNOWN = "unknown"
_SPACE = "\N{NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"
_BEFORE = {"USD": "$", "GBP": "£", "CAD": "CA$", "AUD": "A$", "JPY": "¥"}
_AFTER = {"EUR": "€", "PLN": "zł", "CZK": "Kč", "SEK": "kr", "NOK": "kr", "DKK": "kr."}


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def count(number: Number | None) -> str:
    """'23,570'."""
    return UNKNOWN if number is None else _signed(number, f"{_size(number):,.0f}")


def number(value: Number | None, digits: int = 2) -> str:
    """'1,226.50', with the trailing zeros of a whole number left out."""
    if value is None:
        return UNKNOWN
    text = f"{_size(value):,.{digits}f}"
    return _signed(value, text.rstrip("0").rstrip(".") if "." in text else text)


def percent(share: Number | None) -> str:
    """A share of 0.031 as '3.1 %'; something that is not nothing is never rounded to 0.0."""
    if share is None:
        return UNKNOWN
    if 0 < _size(share) < 0.0005:
        return f"<0.1{_SPACE}%"
    return _signed(share, f"{_size(share * 100):,.1f}{_SPACE}%")


def share_of(part: Number | None, whole: Number | None) -> float | None:
    """part / whole, or None where there is no whole to have a share of."""
    return None if part is None or not whole else float(part) / float(whole)


def money(amount: Number | None, currency: str) -> str:
    """'38,900 €': whole units from 1,000 on, cents below."""
    if amount is None:
        return UNKNOWN
    return _with_currency(amount, f"{_size(amount):,.{0 if _size(amount) >= 1000 or amount == 0 else 2}f}", currency)


def short_money(amount: Number | None, currency: str) -> str:
    """'38.9k €', for cells and labels without room."""
    return UNKNOWN if amount is None else _with_currency(amount, _short(_size(amount)), currency)


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


def span(first: dt.date | None, last: dt.date | None) -> str:
    """'1 Jan 1997 – 30 Jun 1998'."""
    return UNKNOWN if first is None or last is None else f"{short_day(first)} – {short_day(last)}"


def things(amount: Number, one: str, many: str | None = None) -> str:
    """'1 customer', '412 customers'."""
    return f"{count(amount)} {one if amount == 1 else many or one + 's'}"


def were(amount: Number) -> str:
    return "was" if amount == 1 else "were"


def change(difference: Number | None, show: Callable[[Number], str] = count) -> str:
    """'+112', '−3', '±0'; empty if it is not known."""
    if difference is None:
        return ""
    return "±0" if difference == 0 else f"+{show(difference)}" if difference > 0 else show(difference)


def points(difference: Number) -> str:
    """A difference of shares of 0.004 as '0.4 points'."""
    return _signed(difference, f"{_size(difference * 100):,.1f}{_SPACE}points")


def somebody(amount: int) -> str:
    """'nobody was', '1 was', '41 were'."""
    return f"{count(amount)} {were(amount)}" if amount else "nobody was"


def listed(parts: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _size(number: Number) -> Number:
    return -number if number < 0 else number


def _signed(value: Number, text: str) -> str:
    """With a minus sign, unless what is left after rounding is zero."""
    return f"{_MINUS}{text}" if value < 0 and any(digit in text for digit in "123456789") else text


def _with_currency(amount: Number, text: str, currency: str) -> str:
    if currency in _BEFORE:
        return _signed(amount, f"{_BEFORE[currency]}{text}")
    return _signed(amount, f"{text}{_SPACE}{_AFTER.get(currency, currency)}")


def _short(amount: Number) -> str:
    for limit, unit in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")):
        if amount >= limit:
            return f"{float(amount) / limit:,.1f}{unit}"
    return f"{amount:,.0f}"


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
    read = things(totals.rows_read, "row")
    files = things(totals.files - totals.rejected, "file")
    if totals.files == totals.rejected:
        return f"No file could be used: {things(totals.rejected, 'file')} {were(totals.rejected)} rejected."
    exceptions = [
        f"{count(rows)} {what}"
        for rows, what in (
            (totals.quarantined, f"set aside ({percent(share_of(totals.quarantined, totals.rows_read))})"),
            (totals.superseded, "superseded by a newer export"),
            (totals.duplicates, "dropped as exact duplicates"),
        )
        if rows
    ]
    fate = f"{count(totals.accepted)} accepted, {listed(exceptions)}" if exceptions else "all of them accepted"
    left_out = f" {things(totals.rejected, 'file')} {were(totals.rejected)} rejected and not used at all."
    return f"{read} read from {files}: {fate}." + (left_out if totals.rejected else "")


def months_sentence(months: Sequence[Mapping[str, object]], last_is_whole: bool, currency: str) -> str:
    """Best month and, against it, the last whole one. `months` has month, revenue; ascending."""
    whole = list(months) if last_is_whole else list(months[:-1])
    if not whole:
        return "There is no whole month of orders yet."
    best = max(whole, key=lambda row: _decimal(row["revenue"]))
    last = whole[-1]
    text = f"The best month was {_month(best['month'])} with {money(_decimal(best['revenue']), currency)}"
    if best is last:
        return f"{text}: the last whole month."
    ratio = share_of(_decimal(last["revenue"]), _decimal(best["revenue"]))
    against = f", {percent(ratio)} of that" if ratio is not None and ratio > 0 else ""
    return f"{text}; {_month(last['month'])} brought {money(_decimal(last['revenue']), currency)}{against}."


# ── sentences: who moved ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Move:
    """Customers who went from one segment to another since the previous snapshot; labels, not keys."""

    origin: str | None
    target: str
    direction: str
    customers: int
    value: Decimal


def move_sentence(move: Move, customers: int, previous: dt.date, currency: str) -> str:
    """The sentence of EXAMPLES: '412 customers (3.1 %) slipped from loyal to at risk since 1 November; …'."""
    verb = {"better": "rose", "worse": "slipped", "entered": "entered"}[move.direction]
    way = f"{verb} as {move.target}" if move.origin is None else f"{verb} from {move.origin} to {move.target}"
    who = f"{things(move.customers, 'customer')} ({percent(share_of(move.customers, customers))})"
    spent = "together they spent" if move.customers != 1 else "who spent"
    return f"{who} {way} since {day(previous)}; {spent} {money(move.value, currency)} in the last year."


def direction_sentence(direction: str, customers: int, value: Decimal, currency: str) -> str:
    what = {"better": "moved up", "worse": "moved down", "entered": "bought for the first time"}[direction]
    if not customers:
        return f"Nobody {what}."
    return f"{things(customers, 'customer')} {what}; they spent {money(value, currency)} in the last year."


def arrivals_sentence(moves: Iterable[Move], previous: dt.date) -> str:
    """Which segment gained and which lost the most, net, through moves and entries."""
    net: dict[str, int] = {}
    for move in moves:
        net[move.target] = net.get(move.target, 0) + move.customers
        if move.origin is not None:
            net[move.origin] = net.get(move.origin, 0) - move.customers
    grown = max(net, key=lambda name: (net[name], name), default=None)
    shrunk = min(net, key=lambda name: (net[name], name), default=None)
    if grown is None or shrunk is None or net[grown] <= 0:
        return f"No segment has grown or shrunk since {day(previous)}."
    text = f"Since {day(previous)} {grown} grew most, by {things(net[grown], 'customer')}"
    return f"{text}; {shrunk} lost most, {count(-net[shrunk])}." if net[shrunk] < 0 else f"{text}."


# ── sentences: segments and scores ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Group:
    """A segment's totals."""

    label: str
    customers: int
    revenue: Decimal


def concentration_sentence(groups: Sequence[Group], what: str) -> str:
    """The segment that brings most beside its share of customers: '… are 17.5 % of customers and 61.2 % of …'."""
    customers, revenue = sum(g.customers for g in groups), sum((g.revenue for g in groups), Decimal(0))
    if not customers:
        return "There are no customers yet."
    if revenue <= 0:
        return f"There is no {what} to share out."
    top = max(groups, key=lambda g: (g.revenue, g.label))
    people, brought = percent(share_of(top.customers, customers)), percent(share_of(top.revenue, revenue))
    return f"{top.label}: {people} of customers, {brought} of {what}."


def size_sentence(groups: Sequence[Group]) -> str:
    customers = sum(g.customers for g in groups)
    if not customers:
        return "There are no customers yet."
    top = max(groups, key=lambda g: (g.customers, g.label))
    empty = [g.label for g in groups if not g.customers]
    share = percent(share_of(top.customers, customers))
    text = f"The largest group is {top.label} with {things(top.customers, 'customer')} ({share})"
    return f"{text}; nobody is in {listed(empty)}." if empty else f"{text}."


def flow_sentence(stayed: int, better: int, worse: int, entered: int, previous: dt.date) -> str:
    there = stayed + better + worse
    if not there:
        return f"Everybody is new since {day(previous)}."
    text = f"{percent(share_of(stayed, there))} of the customers of {day(previous)} stayed in their group"
    return f"{text}; {count(better)} moved up, {count(worse)} down, {somebody(entered)} new."


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
        return f"The fullest cell is {place}: {things(top.customers, 'customer')} ({share})."
    if measure == "revenue":
        share = percent(share_of(top.revenue, sum((cell.revenue for cell in filled), Decimal(0))))
        return f"The richest cell is {place}: {money(top.revenue, currency)} ({share} of revenue)."
    return f"Orders are dearest at {place}: {money(top.mean_order_value, currency)} on average."


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


def _decimal(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _month(value: object) -> str:
    return f"{value:%B %Y}" if isinstance(value, dt.date) else str(value)
