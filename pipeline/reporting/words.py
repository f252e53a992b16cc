"""How the report says things: numbers, dates, money, and the sentences beside the charts.

Pure functions of aggregates, no frames of customers, no HTML. What is not known is said (`UNKNOWN`), never shown as 0.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

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


def short_money(amount: Number | None, currency: str, is_round: bool = False) -> str:
    """'€38.9k', for cells and labels without room; '€40k' if the amount is a round one."""
    return UNKNOWN if amount is None else _with_currency(amount, _short(_size(amount), is_round), currency)


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


def _short(amount: Number, is_round: bool = False) -> str:
    for limit, unit in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")):
        if amount >= limit:
            digits = places(float(amount) / limit, 1) if is_round else 1
            return f"{notation().decimal(float(amount) / limit, digits)}{unit}"
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


def alike(amounts: Iterable[Number], currency: str) -> Callable[[Number], str]:
    """Shows the amounts of one sentence all in whole units or all with cents: whole where one is 1,000 or more and none
    would come out as nothing."""
    sizes = [abs(float(amount)) for amount in amounts if amount]
    digits = 0 if sizes and max(sizes) >= 1000 and min(sizes) >= 1 else digits_of(currency)
    return lambda amount: money(amount, currency, digits if amount else 0)


def parts_in_words(parts: Sequence[tuple[str, Number]], show: Callable[[Number], str]) -> str:
    """'+$1,982 from the number of orders and −$12 from order value'; what is nothing is left out."""
    return listed([f"{change(part, show)} from {name}" for name, part in parts if part])


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def interval(low: Number, high: Number, show: Callable[[Number], str]) -> str:
    """'12 to 15'; an interval without width comes of too few moves, not of certainty."""
    return "not enough data for an interval" if low == high else f"{show(low)} to {show(high)}"
