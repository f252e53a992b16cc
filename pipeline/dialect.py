"""Dialects: how a file writes text, numbers and dates, and the SQL that reads them as it does.

What belongs here: the model, formats of numbers and dates, signs of currencies. Recognising is `ingest.recognise`'s.
A dialect never changes what a cell says, only how it is written.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.quoting import text_literal

Kind = Literal["text", "number", "timestamp", "email"]


class Dialect(BaseModel):
    """How a file is written. What is left out is recognised from the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoding: str | None = Field(None, description="Such as utf-8, utf-16, windows-1250")
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="Character between two fields")
    quote: Literal['"', "'", "none"] | None = Field(None, description="Character around fields")
    decimal: Literal[".", ","] | None = Field(None, description="Decimal sign")
    thousands: Literal["none", ".", ",", " ", "'"] | None = Field(None, description="Sign between groups of three")
    dates: str | None = Field(
        None,
        description="iso, year_first, day_first, month_first, month_names, excel or excel_1904 (serial numbers of a "
        "spreadsheet), or a format such as %d.%m.%Y %H:%M",
    )
    timezone: str | None = Field(None, description="Zone of times without an offset, if it is not the shop's")
    sheet: str | None = Field(None, description="Sheet of a workbook; else the first")

    @field_validator("encoding")
    @classmethod
    def known_encoding(cls, name: str | None) -> str | None:
        try:
            return name and codecs.lookup(name).name
        except LookupError as error:
            raise ValueError(f"{name!r} is no encoding; write one like 'windows-1250'") from error

    @field_validator("dates")
    @classmethod
    def known_dates(cls, dates: str | None) -> str | None:
        if dates is not None and "%" not in dates and dates not in ("iso", *DATE_FORMATS, *SERIALS):
            named = ", ".join(("iso", *DATE_FORMATS, *SERIALS))
            raise ValueError(f"{dates!r} is none of {named}, and no format like %d.%m.%Y")
        return dates

    @field_validator("timezone")
    @classmethod
    def known_zone(cls, name: str | None) -> str | None:
        try:
            if name is not None:
                ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is not a time zone; write one like 'Europe/Warsaw'") from error
        return name

    def over(self, other: Dialect) -> Dialect:
        """This dialect, and where it says nothing, the other."""
        return other.model_copy(update=self.model_dump(exclude_none=True))

    def but(self, **values: Any) -> Self:
        return self.model_copy(update=values)

    @property
    def is_plain_in_numbers(self) -> bool:
        """Whether most numbers can go to a cast as they are."""
        return self.number_format == PLAIN

    @property
    def number_format(self) -> NumberFormat:
        return NumberFormat(self.decimal or ".", self.thousands or "none")

    def __str__(self) -> str:
        """What is out of the ordinary, in words; empty for UTF-8 with commas, decimal points and ISO dates."""
        return ", ".join(self._remarks())

    def _remarks(self) -> Iterator[str]:
        if self.encoding not in (None, "utf-8"):
            yield _ENCODING_NAMES.get(str(self.encoding), str(self.encoding))
        if self.delimiter not in (None, ","):
            yield f"fields divided by {_SIGN_NAMES.get(str(self.delimiter), repr(self.delimiter))}"
        if self.quote not in (None, '"'):
            yield "fields without quotes" if self.quote == "none" else "fields in single quotes"
        if self.decimal == ",":
            yield "decimal comma"
        if self.thousands not in (None, "none"):
            yield f"thousands divided by {_SIGN_NAMES.get(str(self.thousands), repr(self.thousands))}"
        if self.dates not in (None, "iso"):
            yield f"dates {DATE_NAMES.get(str(self.dates), f'as {self.dates}')}"
        if self.timezone:
            yield f"times of {self.timezone}"
        if self.sheet:
            yield f'sheet "{self.sheet}"'


_ENCODING_NAMES = {"utf-8-sig": "UTF-8 with a byte order mark", "cp1250": "Windows-1250", "cp1252": "Windows-1252"}
_SIGN_NAMES = {"\t": "tabs", " ": "blanks", ";": "semicolons", "|": "bars", ".": "points", ",": "commas"}
DATE_NAMES = {
    "day_first": "day before month", "month_first": "month before day", "month_names": "with names of months",
    "year_first": "with the year first", "excel": "as serial numbers", "excel_1904": "as serial numbers from 1904",
}  # fmt: skip

# ── numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_SIGN_OF_CURRENCY = r"(?:[A-Z]{1,2}\p{Sc}|\p{Sc}|zł|Kč|kr\.?|Ft|lei|Rs\.?|[A-Z]{3})"
_BLANK = r"[\p{Zs}\p{Cf}\t]"
_MINUS = r"[-\x{2010}-\x{2015}\x{2212}\x{fe63}\x{ff0d}]"
_GROUPS = {".": r"\.", ",": ",", " ": _BLANK, "'": "['’ʼ]"}


@dataclass(frozen=True)
class NumberFormat:
    """Decimal sign and sign between thousands ("none" for numbers in one piece).

    Negative is what has a minus before or behind it (any dash will do) or stands in parentheses.
    """

    decimal: str
    thousands: str

    def as_number(self, text: str) -> str:
        """SQL: the text written so that a cast reads it, null where it is no number of this format."""
        others = text_literal(f"[^0-9{self.decimal}]")
        written = (
            f"CASE WHEN regexp_full_match({text}, {text_literal(self._pattern())}) "
            f"THEN CASE WHEN regexp_matches({text}, {text_literal(f'[(]|{_MINUS}')}) THEN '-' ELSE '' END "
            f"|| replace(regexp_replace({self._without_currency(text)}, {others}, '', 'g'), ',', '.') END"
        )
        if self != PLAIN:
            return written
        return f"CASE WHEN TRY_CAST({text} AS DOUBLE) IS NOT NULL THEN {_unrounded(text)} ELSE {written} END"

    def _without_currency(self, text: str) -> str:
        """A sign such as "kr." ends in what may be the decimal sign."""
        return rf"regexp_replace({text}, '[\p{{L}}]+\.?', '', 'g')" if self.decimal == "." else text

    def _pattern(self) -> str:
        whole = r"\d+"
        if self.thousands != "none":
            sign = _GROUPS[self.thousands]
            whole = rf"(?:\d+|[1-9]\d{{0,2}}(?:{sign}\d{{3}})+)"
            if self.thousands == ",":  # Indian: 1,23,456
                whole = r"(?:\d+|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d{2})+,\d{3})"
        fraction = rf"(?:{_GROUPS[self.decimal]}\d*)?"
        ended = rf"(?:{_GROUPS[self.decimal]}\d+)?"  # "12.-" is no negative number but one without cents
        around = rf"{_BLANK}*{_SIGN_OF_CURRENCY}?{_BLANK}*"
        before = rf"{around}(?:{_MINUS}|\+)?{around}{whole}{fraction}{around}"
        behind = rf"{around}{whole}{ended}{around}{_MINUS}{around}"
        bracketed = rf"{around}\({around}{whole}{fraction}{around}\){around}"
        return f"(?:{before}|{behind}|{bracketed})"


def _unrounded(number: str) -> str:
    """SQL: the text of a number, null where a spreadsheet may have rounded it (1.05E+04), by a cent or more."""
    return f"CASE WHEN {may_be_rounded(number)} THEN NULL ELSE {number} END"


def may_be_rounded(number: str) -> str:
    return f"(contains({number}, 'E') OR contains({number}, 'e')) AND abs(TRY_CAST({number} AS DOUBLE)) >= 0.01"


PLAIN = NumberFormat(".", "none")
SIGN_OF_CURRENCY = r"\p{L}*\p{Sc}|\p{L}+"
_OF_SIGNS: Mapping[str, str] = {
    "$": "ARS AUD BBD BMD BND BSD BZD CAD CLP COP CUP DOP FJD GYD HKD JMD KYD LRD MXN NAD NZD SBD SGD SRD TTD TWD USD "
    "UYU XCD",
    "US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD NIO", "CA$": "CAD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD",
    "SG$": "SGD", "R$": "BRL", "MX$": "MXN", "NT$": "TWD", "Z$": "ZWG", "€": "EUR",
    "£": "EGP FKP GBP GIP LBP SDG SHP SSP SYP",
    "¥": "CNY JPY", "￥": "CNY JPY", "zł": "PLN", "Kč": "CZK", "kr": "DKK ISK NOK SEK", "Ft": "HUF",
    "lei": "MDL RON", "Rs": "INR LKR MUR NPR PKR SCR", "₨": "INR LKR MUR NPR PKR SCR", "₹": "INR", "₽": "RUB",
    "₺": "TRY", "₩": "KPW KRW", "₪": "ILS", "₴": "UAH", "₫": "VND", "฿": "THB", "₱": "CUP PHP", "₦": "NGN", "₵": "GHS",
    "GH₵": "GHS", "₡": "CRC", "₲": "PYG", "₸": "KZT", "₮": "MNT", "₾": "GEL", "₼": "AZN", "៛": "KHR", "৳": "BDT",
    "₭": "LAK", "؋": "AFN", "﷼": "IRR OMR QAR SAR YER", "֏": "AMD",
}  # fmt: skip
"""The currencies that use a sign."""
SIGNS = frozenset(_OF_SIGNS)


def is_sign_of(sign: str, currency: str) -> bool:
    """Whether amounts of a currency (ISO 4217) may bear a sign; a code is its own."""
    return sign == currency or currency in _OF_SIGNS.get(sign, "").split()


_MINOR_UNITS = {
    0: {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"},
    3: {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"},
    4: {"CLF", "UYW"},
}
"""Decimals of the currencies that have not two."""
NUMBER_FORMATS = (
    PLAIN, NumberFormat(",", "none"), NumberFormat(".", ","), NumberFormat(",", "."),
    NumberFormat(",", " "), NumberFormat(".", " "), NumberFormat(".", "'"), NumberFormat(",", "'"),
)  # fmt: skip


def minor_units(currency: str) -> int:
    """How many decimals amounts of a currency have (ISO 4217)."""
    return next((digits for digits, currencies in _MINOR_UNITS.items() if currency in currencies), 2)


# ── dates ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p")
# Two-digit years first: %Y would read 25 as the year 25, %y never reads 2025.
DATE_FORMATS: Mapping[str, tuple[str, ...]] = {
    "year_first": ("%Yy%m-%d",),  # as `as_timestamp` marks years of four digits
    "month_names": ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%y", "%d-%b-%Y"),
    "day_first": ("%d/%m/%y", "%d/%m/%Y"),
    "month_first": ("%m/%d/%y", "%m/%d/%Y"),
}
SERIALS: Mapping[str, str] = {"excel": "1899-12-30", "excel_1904": "1904-01-01"}
"""Day 0 of the serial numbers that spreadsheets keep dates as, in the usual system and in that of old Macs."""
SERIAL = r"\d{5}(?:[.,]\d+)?"
SERIAL_SPAN = (29_221, 73_050)  # 1980 to 2099 in the usual system
_OFFSET = r"(:\d\d(?:\.\d+)?(?:\s?[AaPp][Mm])?)\s?(Z|UTC|GMT|[+-]\d\d:?\d\d)$"
_AS_PARSED = (
    (r"\p{Cf}", ""), (r"\p{Zs}+", " "),
    (r"(?i)([\d ])([ap])\.? ?m\b\.?", r"\1\2M"),
    (r"(?i)^(mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? ", ""),
    (r"(?i)\bsept\b", "Sep"), (r"(\p{L}{3,})\.", r"\1 "), (r"(\d)\. ?(\p{L})", r"\1 \2"),
    (r"(?i)(\d)(st|nd|rd|th)\b", r"\1"), (r"(?i),? at ", " "), (r"\s+", " "),
)  # fmt: skip
"""What locales do to dates beside the order of their parts, and what it is without."""
TO_THE_SECOND = "_____________:__:__"
"""A time written so has nothing behind it, which is told faster than by a pattern."""
WITHOUT_OFFSET = r":\d\d(\.\d+)?\s*$"
WITH_OFFSET = r"\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|UTC|GMT|[+-]\d\d(:?\d\d)?)$"


def ends_as_a_time(text: str) -> str:
    """SQL: whether nothing but an offset stands behind the time of day. A cast would drop PM, EST or any other word."""
    return (
        f"CASE WHEN {text} LIKE '{TO_THE_SECOND}' OR NOT contains({text}, ':') THEN TRUE "
        f"ELSE regexp_matches({text}, '{WITHOUT_OFFSET}|{WITH_OFFSET}') END"
    )


def as_timestamp(dates: str, text: str) -> str:
    """SQL: the text as an ISO time (with its offset, if it has one), null where it cannot be read.

    A time that begins with a year of four digits is read in every format: it can mean only one thing.
    """
    iso = (
        f"regexp_matches({text}, '^\\s*\\d{{4}}[-/]') AND TRY_CAST({text} AS TIMESTAMP) IS NOT NULL "
        f"AND {ends_as_a_time(text)}"
    )
    if dates == "iso":
        return f"CASE WHEN {iso} THEN {text} END"
    if dates in SERIALS:
        return f"CASE WHEN {iso} THEN {text} ELSE {_written(_of_serial(dates, text))} END"
    if "%" in dates:
        return f"CASE WHEN {iso} THEN {text} ELSE {_written(f'try_strptime(trim({text}), {text_literal(dates)})')} END"
    days = (*DATE_FORMATS[dates], *(() if dates == "year_first" else DATE_FORMATS["year_first"]))
    formats = ", ".join(text_literal(day + time) for day in days for time in TIMES)
    clean = text
    for pattern, instead in _AS_PARSED:
        clean = f"regexp_replace({clean}, {text_literal(pattern)}, {text_literal(instead)}, 'g')"
    clean = f"trim(CASE WHEN regexp_matches({text}, '[^0-9./:, +-]') THEN {clean} ELSE {text} END)"
    bare = f"regexp_replace({clean}, {text_literal(_OFFSET)}, '\\1')"
    bare = rf"regexp_replace({bare}, '^(\d{{4}})[./-] ?(\d{{1,2}})[./-] ?(\d{{1,2}})\b\.?[,T]?\s*', '\1y\2-\3 ')"
    if dates == "month_names":
        bare = rf"regexp_replace({bare}, '(\d{{4}}),? +', '\1 ')"
    else:
        bare = rf"regexp_replace({bare}, '^(\d{{1,2}})[./-] ?(\d{{1,2}})[./-] ?(\d{{4}}|\d\d)\b\.?,?\s*', '\1/\2/\3 ')"
    moment = _written(f"try_strptime(trim({bare}), [{formats}])")
    return f"CASE WHEN {iso} THEN {text} ELSE {moment} || regexp_extract({clean}, {text_literal(_OFFSET)}, 2) END"


def _of_serial(system: str, text: str) -> str:
    """SQL: the moment of a serial number: days, and a fraction of a day, to the second."""
    days = f"TRY_CAST(replace(trim({text}), ',', '.') AS DOUBLE)"
    seconds = f"to_seconds(CAST(round({days} * 86400) AS BIGINT))"
    return (
        f"CASE WHEN regexp_full_match(trim({text}), {text_literal(SERIAL)}) "
        f"THEN TIMESTAMP '{SERIALS[system]}' + {seconds} END"
    )


def _written(moment: str) -> str:
    return f"strftime({moment}, '%Y-%m-%d %H:%M:%S.%f')"
