"""Dialects: how a file writes text, numbers and dates. What is not fixed by the source or the settings is recognised.

What belongs here: the model, and the recognition of numbers and dates in columns that are already text in a table.
What does not: bytes. Encoding and delimiter are recognised by `readers`, before there are columns.

A dialect never changes what a cell says, only how it is written: the columns that a source declares (or uses) as
numbers and dates are handed to it as `1234.56` and `2025-12-31 14:05:00`, null where they cannot be read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.dialect import (
    DATE_FORMATS,
    DATE_NAMES,
    NUMBER_FORMATS,
    PLAIN,
    SERIAL,
    SERIAL_SPAN,
    SERIALS,
    TIMES,
    Dialect,
    Kind,
    NumberFormat,
    as_timestamp,
    may_be_rounded,
)
from pipeline.errors import PerennialError
from pipeline.quoting import quoted, text_literal
from pipeline.shapes import shape

if TYPE_CHECKING:
    from pipeline.engines.duckdb import DuckDBEngine

SAMPLE_ROWS = 20_000


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


def plain_columns(engine: DuckDBEngine, table: str, columns: Sequence[str]) -> set[str]:
    """The text columns all of whose cells a cast reads as numbers: nothing needs to be done to them."""
    if not columns:
        return set()
    counts = ", ".join(
        f"count(*) FILTER ({quoted(name)} IS NOT NULL AND (TRY_CAST({quoted(name)} AS DOUBLE) IS NULL "
        f"OR {may_be_rounded(quoted(name))}))"
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
        for known in NUMBER_FORMATS
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
    readings = {name: as_timestamp(name, "value") for name in ("iso", *DATE_FORMATS)}
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
    formats = [f"%y{sign}%m{sign}%d{time}" for sign in "/.-" for time in TIMES]
    cells = _cells(asked.table, columns, 1)
    readings = [f"try_strptime(trim(value), {text_literal(known)})" for known in formats]
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
            f"can be read {DATE_NAMES[order]} only, and none of the {turned:,} that begin with the year has a day "
            f"after the 12th, so day and month may be swapped there. Export again and do not open the file in a "
            f"spreadsheet, or export all dates with the year first."
        )


def _doubt_serials(asked: _Question, columns: Sequence[str]) -> None:
    """Serial numbers mean days in two systems, four years apart, and nothing in the file says which."""
    days = "TRY_CAST(replace(trim(value), ',', '.') AS DOUBLE)"
    low, high = SERIAL_SPAN
    fits = f"regexp_full_match(trim(value), {text_literal(SERIAL)}) AND {days} BETWEEN {low} AND {high}"
    cells = _cells(asked.table, columns, _spread(asked.engine, asked.table))
    found = asked.engine.execute(
        f"SELECT name, min({days}), max({days}) FROM ({cells}) AS cells GROUP BY name "
        f"HAVING bool_and({fits}) ORDER BY name"
    )
    for column, *ends in found:
        spans = []
        for system, zero in SERIALS.items():
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
        f"SELECT {text_literal(name)} AS name, value FROM {_sampled(table, name, every)} WHERE trim(value) <> ''"
        for name in columns
    )


def _sampled(table: str, name: str, every: int) -> str:
    """SQL: every n-th cell of a column as `value`. By no rowid: a file may have a column of that name."""
    if every == 1:
        return f"(SELECT {quoted(name)} AS value FROM {table}) AS cells"
    placed = f"SELECT {quoted(name)} AS value, row_number() OVER () AS place FROM {table}"
    return f"(SELECT value FROM ({placed}) AS placed WHERE (place - 1) % {every} = 0) AS cells"


def _spread(engine: DuckDBEngine, table: str) -> int:
    """Which rows make the sample: every n-th, so that it covers the whole file."""
    rows = int(engine.scalar(f"SELECT count(*) FROM {table}"))
    return max(1, -(-rows // SAMPLE_ROWS))


def _toml_key(source: str) -> str:
    """A dot would open a table inside the table."""
    return f'"{source}"' if "." in source else source
