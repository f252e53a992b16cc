"""How numbers are written: by one locale for all that a report and the terminal say, through babel.

The locale is that of the context (`writing_in`), so that a number looks the same in a sentence, a table and an axis.
Patterns are parsed once. The language of what is said stays English, and so do the names of months.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from functools import cache, lru_cache

from babel import Locale, numbers

Number = int | float | Decimal

_LOCALE: ContextVar[str] = ContextVar("locale", default="en")
_NO_CURRENCY = "\N{CURRENCY SIGN}"
_SPACE = "\N{NO-BREAK SPACE}"


class Notation:
    """What a locale makes of numbers without a sign."""

    def __init__(self, locale: str) -> None:
        self._locale = Locale.parse(locale.replace("-", "_"))
        self._whole = self._locale.decimal_formats[None].pattern.partition(".")[0]
        percent = self._locale.percent_formats[None]
        self.percent: tuple[str, str] = (percent.prefix[0], percent.suffix[0])
        """What stands before and after a percentage: ('', '%'), ('', ' %')."""
        self.separators = numbers.get_decimal_symbol(self._locale) + numbers.get_group_symbol(self._locale)
        """The decimal mark and that between thousands, one character each."""
        self._patterns: dict[int, numbers.NumberPattern] = {}
        self.decimal = lru_cache(maxsize=2**16)(self._decimal)
        """'1,226.50', of a size and its number of decimals. Pages say many numbers more than once."""
        self._affixes: dict[str, tuple[str, str]] = {}

    def _decimal(self, size: Number, digits: int) -> str:
        if digits not in self._patterns:
            places = f".{'0' * digits}" if digits else ""
            self._patterns[digits] = numbers.parse_pattern(f"{self._whole}{places}")
        text: str = self._patterns[digits].apply(size, self._locale)
        return text

    def affixes(self, currency: str) -> tuple[str, str]:
        """What stands before and after an amount: ('£', ''), ('', ' €')."""
        if currency not in self._affixes:
            self._affixes[currency] = self._around(currency)
        return self._affixes[currency]

    def _around(self, currency: str) -> tuple[str, str]:
        symbol = numbers.get_currency_symbol(currency, self._locale).replace(_NO_CURRENCY, currency)
        pattern = self._locale.currency_formats["standard"]
        before, after = (affix[0].replace(_NO_CURRENCY, symbol) for affix in (pattern.prefix, pattern.suffix))
        return (f"{before}{_SPACE}" if _is_word(before[-1:]) else before), (
            f"{_SPACE}{after}" if _is_word(after[:1]) else after
        )


def _is_word(end: str) -> bool:
    """Whether a number must not touch it, as the letters of a code."""
    return bool(end) and unicodedata.category(end).startswith("L")


@cache
def _notation(locale: str) -> Notation:
    return Notation(locale)


def current_locale() -> str:
    return _LOCALE.get()


def notation() -> Notation:
    """That of the context's locale."""
    return _notation(_LOCALE.get())


@contextmanager
def writing_in(locale: str) -> Iterator[None]:
    """Numbers are written as this locale does. Raises babel.UnknownLocaleError for one that is not known."""
    token = _LOCALE.set(locale)
    try:
        yield
    finally:
        _LOCALE.reset(token)


@cache
def digits_of(currency: str) -> int:
    """Decimals of its smallest coin: 2 of most, 0 of JPY."""
    return numbers.get_currency_precision(currency)
