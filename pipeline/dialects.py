"""Dialects: how a file writes text, numbers and dates. What is not fixed by the source or the settings is recognised.

What belongs here: the model, and the recognition of numbers and dates in columns that are already text in a table.
What does not: bytes. Encoding and delimiter are recognised by `readers`, before there are columns.

A dialect never changes what a cell says, only how it is written: the columns that a source declares (or uses) as
numbers and dates are handed to it as `1234.56` and `2025-12-31 14:05:00`, null where they cannot be read.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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


class Dialect(BaseModel):
    """How a file is written. What is left out is recognised from the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoding: str | None = Field(None, description="Such as utf-8, utf-16, windows-1250")
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="Character between two fields")
    quote: Literal['"', "'", "none"] | None = Field(None, description="Character around fields")
    decimal: Literal[".", ","] | None = Field(None, description="Decimal sign")
    thousands: Literal["none", ".", ",", " ", "'"] | None = Field(None, description="Sign between groups of three")
    dates: str | None = Field(
        None, description="iso, day_first, month_first, month_names, or a format such as %d.%m.%Y %H:%M"
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
        if dates is not None and "%" not in dates and dates not in ("iso", *_DATE_FORMATS):
            raise ValueError(f"{dates!r} is none of iso, {', '.join(_DATE_FORMATS)}, and no format like %d.%m.%Y")
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
    def is_plain(self) -> bool:
        """Whether numbers and dates can go to a cast as they are."""
        return self.number_format == PLAIN and self.dates in (None, "iso")

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
}  # fmt: skip

# ── numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_SIGN_OF_CURRENCY = r"(?:\p{Sc}|zł|Kč|kr|Ft|lei|[A-Z]{3})"
_BLANK = r"[ \x{a0}\x{202f}]"
_GROUPS = {".": r"\.", ",": ",", " ": _BLANK, "'": "['’]"}


@dataclass(frozen=True)
class NumberFormat:
    """Decimal sign and sign between thousands ("none" for numbers in one piece)."""

    decimal: str
    thousands: str

    def as_number(self, text: str) -> str:
        """SQL: the text written so that a cast reads it, null where it is no number of this format."""
        if self == PLAIN:
            return f"CASE WHEN TRY_CAST({text} AS DOUBLE) IS NOT NULL THEN {text} END"
        digits = rf"[^0-9{self.decimal}+-]"
        return (
            f"CASE WHEN regexp_full_match({text}, {_literal(self._pattern())}) "
            f"THEN replace(regexp_replace({text}, {_literal(digits)}, '', 'g'), ',', '.') END"
        )

    def _pattern(self) -> str:
        whole = r"\d+"
        if self.thousands != "none":
            whole = rf"(?:\d+|\d{{1,3}}(?:{_GROUPS[self.thousands]}\d{{3}})+)"
        fraction = rf"(?:{_GROUPS[self.decimal]}\d*)?"
        around = rf"{_BLANK}*{_SIGN_OF_CURRENCY}?{_BLANK}*"
        return rf"{around}[-+]?{around}{whole}{fraction}{around}"


PLAIN = NumberFormat(".", "none")
_NUMBER_FORMATS = (
    PLAIN, NumberFormat(",", "none"), NumberFormat(".", ","), NumberFormat(",", "."),
    NumberFormat(",", " "), NumberFormat(".", " "), NumberFormat(".", "'"), NumberFormat(",", "'"),
)  # fmt: skip

# ── dates ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p")
# Two-digit years first: %Y would read 25 as the year 25, %y never reads 2025.
_DATE_FORMATS: Mapping[str, tuple[str, ...]] = {
    "month_names": ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%y", "%d-%b-%Y"),
    "day_first": ("%d/%m/%y", "%d/%m/%Y"),
    "month_first": ("%m/%d/%y", "%m/%d/%Y"),
}
_OFFSET = r"(:\d\d(?:\.\d+)?(?:\s?[AaPp][Mm])?)\s?(Z|UTC|GMT|[+-]\d\d:?\d\d)$"


def as_timestamp(dates: str, text: str) -> str:
    """SQL: the text as an ISO time (with its offset, if it has one), null where it cannot be read.

    A time that begins with a year of four digits is read in every format: it can mean only one thing.
    """
    iso = f"regexp_matches({text}, '^\\s*\\d{{4}}[-/]') AND TRY_CAST({text} AS TIMESTAMP) IS NOT NULL"
    if dates == "iso":
        return f"CASE WHEN {iso} THEN {text} END"
    if "%" in dates:
        return f"CASE WHEN {iso} THEN {text} ELSE {_written(f'try_strptime(trim({text}), {_literal(dates)})')} END"
    formats = ", ".join(_literal(day + time) for day in _DATE_FORMATS[dates] for time in _TIMES)
    bare = f"regexp_replace(trim({text}), {_literal(_OFFSET)}, '\\1')"
    if dates == "month_names":
        bare = rf"regexp_replace({bare}, '(\d{{4}}),? +', '\1 ')"
    else:
        bare = rf"regexp_replace({bare}, '^(\d{{1,2}})[./-](\d{{1,2}})[./-](\d{{4}}|\d\d)\b\.?,?\s*', '\1/\2/\3 ')"
    moment = _written(f"try_strptime(trim({bare}), [{formats}])")
    return f"CASE WHEN {iso} THEN {text} ELSE {moment} || regexp_extract(trim({text}), {_literal(_OFFSET)}, 2) END"


def _written(moment: str) -> str:
    return f"strftime({moment}, '%Y-%m-%d %H:%M:%S.%f')"


# ── recognising ───────────────────────────────────────────────────────────────────────────────────────────────────────


def normalised(dialect: Dialect, kind: Kind, column: str) -> str:
    """SQL: a column of text as a source gets it. Personal text comes as its hash only."""
    if kind == "email":
        return id_sql(f"nullif(lower(trim(CAST({column} AS VARCHAR))), '')")
    if kind == "number" and dialect.number_format != PLAIN:
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


def recognise(
    engine: DuckDBEngine, table: str, columns: Mapping[str, Kind], dialect: Dialect, file: str, source: str
) -> Dialect:
    """The dialect with its open questions answered from the text columns of the table.

    An evenly spread sample decides, the whole column where that is not enough. Raises AmbiguousDialect when two
    readings fit equally well and differ: a guess there would be wrong in silence.
    """
    numbers = [name for name, kind in columns.items() if kind == "number"]
    moments = [name for name, kind in columns.items() if kind == "timestamp"]
    if numbers and not (dialect.decimal and dialect.thousands):
        dialect = _recognise_numbers(engine, table, numbers, dialect, file, source)
    if moments and dialect.dates is None:
        dialect = _recognise_dates(engine, table, moments, dialect, file, source)
    return dialect


def _recognise_numbers(
    engine: DuckDBEngine, table: str, columns: Sequence[str], dialect: Dialect, file: str, source: str
) -> Dialect:
    possible = [
        known
        for known in _NUMBER_FORMATS
        if dialect.decimal in (None, known.decimal) and dialect.thousands in (None, known.thousands)
    ]
    if not possible:  # both signs are the same, or one is set to what no format has
        return dialect
    readings = {known: known.as_number("value") for known in possible}
    chosen, rival, example = _best(engine, table, columns, readings, lambda read: f"CAST({read} AS DOUBLE)")
    if rival is not None and PLAIN not in (chosen, rival):
        choices = [f'decimal = "{known.decimal}"' for known in (chosen, rival)]
        raise AmbiguousDialect(
            f'{file}, column "{example[0]}": "{shape(example[1])}" can be read in two ways, and no other number '
            f"of the file tells which. {_advice(source, choices)}"
        )
    return dialect.but(decimal=chosen.decimal, thousands=chosen.thousands)


def _recognise_dates(
    engine: DuckDBEngine, table: str, columns: Sequence[str], dialect: Dialect, file: str, source: str
) -> Dialect:
    readings = {name: as_timestamp(name, "value") for name in ("iso", *_DATE_FORMATS)}
    chosen, rival, example = _best(engine, table, columns, readings, lambda read: read)
    if rival is not None:
        choices = [f'dates = "{name}"' for name in ("day_first", "month_first")]
        raise AmbiguousDialect(
            f'{file}, column "{example[0]}": in "{shape(example[1])}" the day or the month may come first, and no '
            f"other date of the file tells which. {_advice(source, choices)}"
        )
    return dialect.but(dates=chosen)


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
        f"SELECT {_literal(name)} AS name, {_quoted(name)} AS value FROM {table} "
        f"WHERE rowid % {every} = 0 AND trim({_quoted(name)}) <> ''"
        for name in columns
    )


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
