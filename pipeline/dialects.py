"""Dialects: how a file writes text, numbers and dates. What is not fixed by the source or the settings is recognised.

What belongs here: the model, and the recognition of numbers and dates in columns that are already text in a table.
What does not: bytes. Encoding and delimiter are recognised by `readers`, before there are columns.

A dialect never changes what a cell says, only how it is written: the columns that a source declares (or uses) as
numbers and dates are handed to it as `1234.56` and `2025-12-31 14:05:00`, null where they cannot be read.
"""

from __future__ import annotations

import codecs
import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.errors import PerennialError
from pipeline.shapes import shape

if TYPE_CHECKING:
    from pipeline.engines.duckdb import DuckDBEngine

SAMPLE_ROWS = 20_000
Kind = Literal["text", "number", "timestamp", "email"]


class AmbiguousDialect(PerennialError):
    """Numbers or dates that can be read in two ways; the message says which setting decides."""

    def __init__(self, message: str, shown: Shown) -> None:
        super().__init__(message)
        self.shown = shown


@dataclass
class Shown:
    """What files of one source have shown: decimal signs and orders of day and month that only one reading explains.

    A file that can be read in two ways is read as its siblings were, unless these disagree.
    """

    decimals: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)

    def add(self, other: Shown) -> None:
        self.decimals |= other.decimals
        self.dates |= other.dates


@dataclass(frozen=True)
class Recognised:
    """A dialect without open questions, what the file itself has shown of it, and whether siblings had to decide."""

    dialect: Dialect
    shown: Shown
    by_siblings: bool = False


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
        if dates is not None and "%" not in dates and dates not in ("iso", *_DATE_FORMATS, *_SERIALS):
            named = ", ".join(("iso", *_DATE_FORMATS, *_SERIALS))
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
            yield f"dates {_DATE_NAMES.get(str(self.dates), f'as {self.dates}')}"
        if self.timezone:
            yield f"times of {self.timezone}"
        if self.sheet:
            yield f'sheet "{self.sheet}"'


_ENCODING_NAMES = {"utf-8-sig": "UTF-8 with a byte order mark", "cp1250": "Windows-1250", "cp1252": "Windows-1252"}
_SIGN_NAMES = {"\t": "tabs", " ": "blanks", ";": "semicolons", "|": "bars", ".": "points", ",": "commas"}
_DATE_NAMES = {
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
        written = (
            f"CASE WHEN regexp_full_match({text}, {_literal(self._pattern())}) "
            f"THEN CASE WHEN regexp_matches({text}, {_literal(f'[(]|{_MINUS}')}) THEN '-' ELSE '' END "
            f"|| replace(regexp_replace({self._without_currency(text)}, {_literal(f'[^0-9{self.decimal}]')}, '', 'g'), "
            f"',', '.') END"
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
    return f"CASE WHEN {_may_be_rounded(number)} THEN NULL ELSE {number} END"


def _may_be_rounded(number: str) -> str:
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
_NUMBER_FORMATS = (
    PLAIN, NumberFormat(",", "none"), NumberFormat(".", ","), NumberFormat(",", "."),
    NumberFormat(",", " "), NumberFormat(".", " "), NumberFormat(".", "'"), NumberFormat(",", "'"),
)  # fmt: skip

# ── dates ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p")
# Two-digit years first: %Y would read 25 as the year 25, %y never reads 2025.
_DATE_FORMATS: Mapping[str, tuple[str, ...]] = {
    "year_first": ("%Yy%m-%d",),  # as `as_timestamp` marks years of four digits
    "month_names": ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%y", "%d-%b-%Y"),
    "day_first": ("%d/%m/%y", "%d/%m/%Y"),
    "month_first": ("%m/%d/%y", "%m/%d/%Y"),
}
_SERIALS: Mapping[str, str] = {"excel": "1899-12-30", "excel_1904": "1904-01-01"}
"""Day 0 of the serial numbers that spreadsheets keep dates as, in the usual system and in that of old Macs."""
_SERIAL = r"\d{5}(?:[.,]\d+)?"
_SERIAL_SPAN = (29_221, 73_050)  # 1980 to 2099 in the usual system
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
    if dates in _SERIALS:
        return f"CASE WHEN {iso} THEN {text} ELSE {_written(_of_serial(dates, text))} END"
    if "%" in dates:
        return f"CASE WHEN {iso} THEN {text} ELSE {_written(f'try_strptime(trim({text}), {_literal(dates)})')} END"
    days = (*_DATE_FORMATS[dates], *(() if dates == "year_first" else _DATE_FORMATS["year_first"]))
    formats = ", ".join(_literal(day + time) for day in days for time in _TIMES)
    clean = text
    for pattern, instead in _AS_PARSED:
        clean = f"regexp_replace({clean}, {_literal(pattern)}, {_literal(instead)}, 'g')"
    clean = f"trim(CASE WHEN regexp_matches({text}, '[^0-9./:, +-]') THEN {clean} ELSE {text} END)"
    bare = f"regexp_replace({clean}, {_literal(_OFFSET)}, '\\1')"
    bare = rf"regexp_replace({bare}, '^(\d{{4}})[./-] ?(\d{{1,2}})[./-] ?(\d{{1,2}})\b\.?[,T]?\s*', '\1y\2-\3 ')"
    if dates == "month_names":
        bare = rf"regexp_replace({bare}, '(\d{{4}}),? +', '\1 ')"
    else:
        bare = rf"regexp_replace({bare}, '^(\d{{1,2}})[./-] ?(\d{{1,2}})[./-] ?(\d{{4}}|\d\d)\b\.?,?\s*', '\1/\2/\3 ')"
    moment = _written(f"try_strptime(trim({bare}), [{formats}])")
    return f"CASE WHEN {iso} THEN {text} ELSE {moment} || regexp_extract({clean}, {_literal(_OFFSET)}, 2) END"


def _of_serial(system: str, text: str) -> str:
    """SQL: the moment of a serial number: days, and a fraction of a day, to the second."""
    days = f"TRY_CAST(replace(trim({text}), ',', '.') AS DOUBLE)"
    seconds = f"to_seconds(CAST(round({days} * 86400) AS BIGINT))"
    return (
        f"CASE WHEN regexp_full_match(trim({text}), {_literal(_SERIAL)}) "
        f"THEN TIMESTAMP '{_SERIALS[system]}' + {seconds} END"
    )


def _written(moment: str) -> str:
    return f"strftime({moment}, '%Y-%m-%d %H:%M:%S.%f')"


# ── recognising ───────────────────────────────────────────────────────────────────────────────────────────────────────


def normalised(dialect: Dialect, kind: Kind, column: str) -> str:
    """SQL: a column of text as a source gets it. Personal text comes as its hash only."""
    if kind == "email":
        return id_sql(f"nullif(lower(trim(CAST({column} AS VARCHAR))), '')")
    if kind == "number":
        return dialect.number_format.as_number(column)
    if kind == "timestamp" and dialect.dates not in (None, "iso"):
        return as_timestamp(str(dialect.dates), column)
    return column


def id_sql(text: str) -> str:
    """SQL: HMAC-SHA-256 (RFC 2104) of a text with the key that `identity.set_key` gave the connection."""
    inner = f"unhex(sha256({_key_part('id_key_inner')} || encode({text})))"
    return f"sha256({_key_part('id_key_outer')} || {inner})"


def _key_part(name: str) -> str:
    """Without its key no id is made: null would make a guest of every customer."""
    return f"coalesce(getvariable('{name}')::BLOB, error('the key of the ids is not set')::BLOB)"


def minor_units(currency: str) -> int:
    """How many decimals amounts of a currency have (ISO 4217)."""
    return next((digits for digits, currencies in _MINOR_UNITS.items() if currency in currencies), 2)


def plain_columns(engine: DuckDBEngine, table: str, columns: Sequence[str]) -> set[str]:
    """The text columns all of whose cells a cast reads as numbers: nothing needs to be done to them."""
    if not columns:
        return set()
    counts = ", ".join(
        f"count(*) FILTER ({_quoted(name)} IS NOT NULL AND (TRY_CAST({_quoted(name)} AS DOUBLE) IS NULL "
        f"OR {_may_be_rounded(_quoted(name))}))"
        for name in columns
    )
    (row,) = engine.execute(f"SELECT {counts} FROM {table}")
    return {name for name, others in zip(columns, row, strict=True) if not others}


def recognise(
    engine: DuckDBEngine, table: str, columns: Mapping[str, Kind], dialect: Dialect, file: str, source: str,
    money: Collection[str] = (), minor_units: int = 3, siblings: Shown | None = None,
) -> Recognised:  # fmt: skip
    """The dialect with its open questions answered from the text columns of the table, else as `siblings` were read.

    An evenly spread sample decides, the whole column where that is not enough. `money` are columns of amounts in a
    currency of `minor_units` decimals: three digits behind a point may then be thousands, and are if there are none.
    Raises AmbiguousDialect when
    two readings fit equally well and differ: a guess there would be wrong in silence. `shown` of the exception is what
    the file shows all the same.
    """
    numbers = [name for name, kind in columns.items() if kind == "number"]
    moments = [name for name, kind in columns.items() if kind == "timestamp"]
    asked = _Question(engine, table, file, source, siblings or Shown())
    if numbers and not (dialect.decimal and dialect.thousands):
        dialect = _recognise_numbers(asked, numbers, dialect, [c for c in money if c in numbers], minor_units)
    if moments and dialect.dates is None:
        dialect = _recognise_dates(asked, moments, dialect)
    if dialect.dates in ("day_first", "month_first"):
        _doubt_turned(asked, moments, dialect.dates)
    if asked.doubts:
        raise AmbiguousDialect(" ".join(asked.doubts), asked.shown)
    return Recognised(dialect, asked.shown, asked.by_siblings)


@dataclass
class _Question:
    """A file whose dialect is asked for, and what has come out so far."""

    engine: DuckDBEngine
    table: str
    file: str
    source: str
    siblings: Shown
    shown: Shown = field(default_factory=Shown)
    by_siblings: bool = False
    doubts: list[str] = field(default_factory=list)

    def decide(self, choices: Mapping[Any, str], told: set[str], name: str, column: str, why: str) -> Any | None:
        """The one of two choices (and the value of the setting for it) that siblings have shown; else a doubt more."""
        matching = [choice for choice, value in choices.items() if value in told]
        if len(matching) == 1:
            self.by_siblings = True
            return matching[0]
        others = "and other files of the source disagree" if matching else "nor does another file of the source"
        settings = [f'{name} = "{value}"' for value in choices.values()]
        self.doubts.append(f'{self.file}, column "{column}": {why}, {others}. {_advice(self.source, settings)}')
        return None


def _recognise_numbers(
    asked: _Question, columns: Sequence[str], dialect: Dialect, money: Sequence[str], minor_units: int
) -> Dialect:
    possible = [
        known
        for known in _NUMBER_FORMATS
        if dialect.decimal in (None, known.decimal) and dialect.thousands in (None, known.thousands)
    ]
    if not possible:  # both signs are the same, or one is set to what no format has
        return dialect
    readings = {known: known.as_number("value") for known in possible}
    chosen, rival, example = _best(asked.engine, asked.table, columns, readings, _as_double)
    if rival is not None and PLAIN in (chosen, rival):
        chosen, rival = PLAIN, None
    if rival is None and dialect.decimal is None and dialect.thousands is None:
        other, is_tied, example = _thousands_instead(asked, money or columns, chosen)
        if is_tied and money and example[0] and (minor_units != 3 or chosen.decimal == ","):
            rival = other
        elif not is_tied:
            asked.shown.decimals.add(chosen.decimal)
    if rival is not None and minor_units == 0 and example[0] in money:
        chosen, rival = max(chosen, rival, key=lambda known: known.thousands != "none"), None  # there are no decimals
    if rival is not None:
        choices = {known: known.decimal for known in (chosen, rival)}
        why = f'"{shape(example[1])}" can be read in two ways, no other number of the file tells which'
        chosen = asked.decide(choices, asked.siblings.decimals, "decimal", example[0], why) or chosen
    return dialect.but(decimal=chosen.decimal, thousands=chosen.thousands)


def _thousands_instead(
    asked: _Question, columns: Sequence[str], chosen: NumberFormat
) -> tuple[NumberFormat, bool, tuple[str, str]]:
    """(the format in which the decimal sign divides thousands, whether it reads the same cells, where it differs).

    Mostly the first cells of the sample tell that it does not.
    """
    other = NumberFormat("," if chosen.decimal == "." else ".", chosen.decimal)
    example = ("", "")
    if chosen.thousands != "none":
        return other, False, example
    every = _spread(asked.engine, asked.table)
    for step in dict.fromkeys((every, 1)):
        cells = _cells(asked.table, columns, step)
        signed = f"SELECT * FROM ({cells}) AS all_cells WHERE contains(value, '{chosen.decimal}')"
        one, two = chosen.as_number("value"), other.as_number("value")
        read, alike = asked.engine.execute(f"SELECT count({one}), count({two}) FROM ({signed}) AS cells")[0]
        if alike < read:
            return other, False, example
        example = _difference(asked.engine, signed, _as_double(one), _as_double(two)) or example
    return other, True, example


def _as_double(read: str) -> str:
    return f"CAST({read} AS DOUBLE)"


def _recognise_dates(asked: _Question, columns: Sequence[str], dialect: Dialect) -> Dialect:
    readings = {name: as_timestamp(name, "value") for name in ("iso", *_DATE_FORMATS)}
    chosen, rival, example = _best(asked.engine, asked.table, columns, readings, lambda read: read)
    if rival is not None:
        choices = {name: name for name in ("day_first", "month_first")}
        first = "the day or the month"
        if year_first := _short_year_first(asked, [example[0]]):
            choices[year_first] = year_first
            first = "the day, the month or the year"
        why = f'in "{shape(example[1])}" {first} may come first, no other date of the file tells which'
        return dialect.but(dates=asked.decide(choices, asked.siblings.dates, "dates", example[0], why))
    _doubt_serials(asked, columns)
    if chosen == "day_first" and (year_first := _short_year_first(asked, columns)):
        cells = _cells(asked.table, columns, 1)
        firsts, lasts = asked.engine.execute(
            "SELECT count(DISTINCT left(trim(value), 2)), count(DISTINCT substr(trim(value), 7, 2)) "
            f"FROM ({cells}) AS cells"
        )[0]
        if firsts < lasts:  # a file has fewer years than days
            why = f'dates like "99{year_first[2]}99{year_first[2]}99" may begin with the year or the day'
            choices = {name: name for name in (chosen, year_first)}
            return dialect.but(dates=asked.decide(choices, asked.siblings.dates, "dates", columns[0], why))
    if chosen in ("day_first", "month_first"):
        swapped = readings["month_first" if chosen == "day_first" else "day_first"]
        cells = _cells(asked.table, columns, 1)
        read, other = asked.engine.execute(f"SELECT count({readings[chosen]}), count({swapped}) FROM ({cells}) AS c")[0]
        asked.shown.dates |= {chosen} if other < read else set()
    return dialect.but(dates=chosen)


def _short_year_first(asked: _Question, columns: Sequence[str]) -> str | None:
    """The format with a year of two digits first that reads all cells of the columns, if one does (26/01/05)."""
    formats = [f"%y{sign}%m{sign}%d{time}" for sign in "/.-" for time in _TIMES]
    cells = _cells(asked.table, columns, 1)
    readings = [f"try_strptime(trim(value), {_literal(known)})" for known in formats]
    filled, *read = _counts(asked.engine, cells, readings)
    return next((known for known, count in zip(formats, read, strict=True) if count == filled), None)


def _doubt_turned(asked: _Question, columns: Sequence[str], order: str) -> None:
    """A spreadsheet of another country takes 05/01/2026 for May 1, and leaves 25/01/2026 as it stands.

    So a column is refused of whose texts each can be read in one order only, beside ISO dates all of whose days could
    be months.
    """
    other = "month_first" if order == "day_first" else "day_first"
    iso, read, swapped = (as_timestamp(name, "value") for name in ("iso", order, other))
    cells = _cells(asked.table, columns, 1)
    found = asked.engine.execute(
        f"""
        WITH dates AS (
          SELECT name, TRY_CAST({iso} AS TIMESTAMP) AS moment, ({iso}) IS NULL AND ({read}) IS NOT NULL AS is_text,
            CASE WHEN ({iso}) IS NULL THEN {swapped} END AS swapped
          FROM ({cells}) AS cells
        )
        SELECT name, count(moment), count(*) FILTER (WHERE is_text) AS texts FROM dates GROUP BY name
        HAVING max(extract(day FROM moment)) <= 12 AND texts > 0 AND count(swapped) = 0 ORDER BY name
        """
    )
    for column, turned, texts in found:
        asked.doubts.append(
            f'{asked.file}, column "{column}": a spreadsheet seems to have turned some dates around: {texts:,} cells '
            f"can be read {_DATE_NAMES[order]} only, and none of the {turned:,} that begin with the year has a day "
            f"after the 12th, so day and month may be swapped there. Export again and do not open the file in a "
            f"spreadsheet, or export all dates with the year first."
        )


def _doubt_serials(asked: _Question, columns: Sequence[str]) -> None:
    """Serial numbers mean days in two systems, four years apart, and nothing in the file says which."""
    days = "TRY_CAST(replace(trim(value), ',', '.') AS DOUBLE)"
    low, high = _SERIAL_SPAN
    fits = f"regexp_full_match(trim(value), {_literal(_SERIAL)}) AND {days} BETWEEN {low} AND {high}"
    cells = _cells(asked.table, columns, _spread(asked.engine, asked.table))
    found = asked.engine.execute(
        f"SELECT name, min({days}), max({days}) FROM ({cells}) AS cells GROUP BY name "
        f"HAVING bool_and({fits}) ORDER BY name"
    )
    for column, *ends in found:
        spans = []
        for system, zero in _SERIALS.items():
            first, last = (dt.date.fromisoformat(zero) + dt.timedelta(days=int(day)) for day in ends)
            spans.append(f'{first} to {last} (dates = "{system}")')
        asked.doubts.append(
            f'{asked.file}, column "{column}" holds serial numbers, as which a spreadsheet keeps dates: they mean '
            f"{' or, counted from 1904, '.join(spans)}. Export dates as text, or write the one that is right below "
            f"[dialects.{_toml_key(asked.source)}] in perennial.toml."
        )


def _advice(source: str, choices: Sequence[str]) -> str:
    return (
        f"Write {' or '.join(choices)} below [dialects.{_toml_key(source)}] in perennial.toml, "
        f"or into the block `dialect:` of the source's header."
    )


def _best(
    engine: DuckDBEngine, table: str, columns: Sequence[str], readings: Mapping[Any, str], value_of: Any
) -> tuple[Any, Any | None, tuple[str, str]]:
    """(the reading that reads most, one that reads as much and something else, an example of (column, text)).

    The first reading is the plain one: where it reads everything, nothing else is tried.
    """
    plain = next(iter(readings))
    every = _spread(engine, table)
    filled, read = _counts(engine, _cells(table, columns, every), [readings[plain]])
    if filled == read:
        return plain, None, ("", "")
    chosen, rival, example = _compare(engine, _cells(table, columns, every), readings, value_of)
    if rival is not None and every > 1:
        chosen, rival, example = _compare(engine, _cells(table, columns, 1), readings, value_of)
    return chosen, rival, example


def _compare(
    engine: DuckDBEngine, cells: str, readings: Mapping[Any, str], value_of: Any
) -> tuple[Any, Any | None, tuple[str, str]]:
    _, *read = _counts(engine, cells, list(readings.values()))
    ranked = sorted(zip(readings, read, strict=True), key=lambda pair: -pair[1])  # stable: the simpler one stays first
    chosen, most = ranked[0]
    for rival, count in ranked[1:]:
        if count < most or not most:
            break
        example = _difference(engine, cells, value_of(readings[chosen]), value_of(readings[rival]))
        if example:
            return chosen, rival, example
    return chosen, None, ("", "")


def _counts(engine: DuckDBEngine, cells: str, readings: Sequence[str]) -> tuple[int, ...]:
    counted = ", ".join(f"count({reading})" for reading in readings)
    row: tuple[int, ...] = engine.execute(f"SELECT count(*), {counted} FROM ({cells}) AS cells")[0]
    return row


def _difference(engine: DuckDBEngine, cells: str, one: str, other: str) -> tuple[str, str] | None:
    rows = engine.execute(
        f"SELECT name, left(value, 40) FROM ({cells}) AS cells WHERE {one} <> {other} ORDER BY name, value LIMIT 1"
    )
    return rows[0] if rows else None


def _cells(table: str, columns: Sequence[str], every: int) -> str:
    """The cells of the columns that are not blank: (name, value)."""
    return " UNION ALL ".join(
        f"SELECT {_literal(name)} AS name, value FROM {_sampled(table, name, every)} WHERE trim(value) <> ''"
        for name in columns
    )


def _sampled(table: str, name: str, every: int) -> str:
    """SQL: every n-th cell of a column as `value`. By no rowid: a file may have a column of that name."""
    if every == 1:
        return f"(SELECT {_quoted(name)} AS value FROM {table}) AS cells"
    placed = f"SELECT {_quoted(name)} AS value, row_number() OVER () AS place FROM {table}"
    return f"(SELECT value FROM ({placed}) AS placed WHERE (place - 1) % {every} = 0) AS cells"


def _spread(engine: DuckDBEngine, table: str) -> int:
    """Which rows make the sample: every n-th, so that it covers the whole file."""
    rows = int(engine.scalar(f"SELECT count(*) FROM {table}"))
    return max(1, -(-rows // SAMPLE_ROWS))


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _toml_key(source: str) -> str:
    """A dot would open a table inside the table."""
    return f'"{source}"' if "." in source else source
