"""What a spreadsheet does to cells that it opens: undone where nothing is lost, told where something is.

It wraps texts (`="00123"`, `'00123`), makes whole numbers floating-point (`123.0`), drops leading zeros, shows long
numbers as 6.12E+12 and keeps 15 of their digits. What is lost cannot be made good: such ids would make one customer of
many. Which columns hold ids, the names of the canonical columns tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipeline.contracts import RowRule
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.shapes import shape_sql

REMEDY = "export again and do not open the file in a spreadsheet, or import the column as text"
_SCIENTIFIC = r"(^|[^0-9A-Za-z.,])[0-9]([.,][0-9]+)?[eE][+][0-9]{1,3}$"
_WRAPPED = r'^\s*="([^"]*)"\s*$'
_APOSTROPHE = r"^\s*'([-+=@]?\d[\d.,-]*)\s*$"
_WHOLE = r"^\s*(\d{1,15})[.,]0+\s*$"
_FRACTION = r"^\s*\d+[.,]\d*[1-9]\d*\s*$"
_KEPT_DIGITS = 15
_BY_CHANCE = 6
"""Zeros behind the 15th digit, over all ids, from which on they are no chance: one in a million."""


def is_id(column: str) -> bool:
    """Whether a canonical column holds ids."""
    return column.endswith("_id")


def unwrap(engine: DuckDBEngine, columns: Iterable[str]) -> None:
    """Take `="…"` off the text columns of `raw`, whatever they hold."""
    wrapped = _having(engine, columns, "prefix(ltrim({0}), '=\"')")
    for column in wrapped:
        _replace(engine, column, _WRAPPED)


def mend_ids(engine: DuckDBEngine, columns: Sequence[str], types: dict[str, str]) -> None:
    """Write the ids in the columns of `raw` as they were, where that is certain.

    Floating-point numbers become whole ones where all of a column are whole; a leading apostrophe before a number goes.
    """
    for column in columns:
        if types[column] in ("DOUBLE", "FLOAT"):
            number, name = f'CAST("{_doubled(column)}" AS DOUBLE)', f'"{_doubled(column)}"'
            whole = f"isfinite({number}) AND {number} = floor({number}) AND abs({number}) < 1e15"
            text = f"CASE WHEN isnan({number}) THEN NULL WHEN {whole} THEN CAST(CAST({number} AS BIGINT) AS VARCHAR) "
            text += f"WHEN abs({number}) >= 1e15 THEN format('{{:e}}', {number}) ELSE CAST({name} AS VARCHAR) END"
            engine.execute(f"ALTER TABLE raw ALTER {name} TYPE VARCHAR USING {text}")
    texts = [column for column in columns if types[column] in ("VARCHAR", "DOUBLE", "FLOAT")]
    for column in _having(engine, texts, "prefix(ltrim({0}), '''')"):
        _replace(engine, column, _APOSTROPHE)
    endings = " OR ".join(f"suffix({{0}}, '{end}')" for end in (".0", ",0", ".00", ",00"))
    for column in _having(engine, texts, f"({endings})"):
        if not _having(engine, [column], f"regexp_matches({{0}}, '{_FRACTION}')"):
            _replace(engine, column, _WHOLE)


def lost_id_rules(columns: Iterable[str], shown_as: dict[str, str]) -> Iterator[RowRule]:
    """Rules of either engine for canonical columns: an id that was rounded is none."""
    for name in filter(is_id, columns):
        shown = shown_as.get(name, name).replace("'", "''")
        fails = f"({name} LIKE '%E+%' OR {name} LIKE '%e+%') AND regexp_matches({name}, '{_SCIENTIFIC}')"
        reason = (
            f"'column \"{shown}\": \"' || {shape_sql(name)} || '\" is an id that a spreadsheet has rounded: {REMEDY}'"
        )
        yield RowRule(name, "not_rounded", fails, reason)


def damage(engine: DuckDBEngine, table: str, columns: Iterable[str], others: str | None) -> str | None:
    """Why the ids in a table are not what they were, as a clause for a message; None if nothing shows it.

    `others`: a query of the rows of siblings, whose ids are compared with these.
    """
    for name in filter(is_id, columns):
        if reason := _rounded(engine, table, name) or _without_zeros(engine, table, name, others):
            return reason
    return None


def _rounded(engine: DuckDBEngine, table: str, name: str) -> str | None:
    digits = f"length({name}) > {_KEPT_DIGITS} AND regexp_full_match({name}, '\\d+')"
    zeros = f"ltrim(substr({name}, {_KEPT_DIGITS + 1}), '0') = ''"
    ids, all_zeros, places = engine.execute(
        f"SELECT count(*), bool_and({zeros}), sum(length({name}) - {_KEPT_DIGITS}) "
        f"FROM (SELECT DISTINCT {name} FROM {table} WHERE {digits}) AS ids"
    )[0]
    if not ids or not all_zeros or places < _BY_CHANCE:
        return None
    return (
        f'column "{name}": all {ids:,} ids of more than {_KEPT_DIGITS} digits end in zeros behind the {_KEPT_DIGITS}th, '
        f"the last one that a spreadsheet keeps; it has rounded them"
    )


def _without_zeros(engine: DuckDBEngine, table: str, name: str, others: str | None) -> str | None:
    """An id that stands there with and without leading zeros is one that lost them, or two that nobody can tell."""
    for where, rows in (("this file", None), ("files of this source loaded before", others)):
        if where != "this file" and rows is None:
            continue
        again = rows or f"SELECT {name} FROM {table}"
        both = engine.execute(
            f"""
            WITH here AS (SELECT DISTINCT {name} AS id FROM {table} WHERE regexp_full_match({name}, '\\d+')),
            padded AS (SELECT DISTINCT {name} AS id FROM ({again}) AS others WHERE regexp_full_match({name}, '0+[1-9]\\d*'))
            SELECT count(*) FROM here JOIN padded ON ltrim(padded.id, '0') = here.id
            """
        )[0][0]
        if rows and not both:
            both = engine.execute(
                f"""
                WITH padded AS (SELECT DISTINCT {name} AS id FROM {table} WHERE regexp_full_match({name}, '0+[1-9]\\d*'))
                SELECT count(DISTINCT padded.id) FROM padded
                JOIN ({again}) AS others ON ltrim(padded.id, '0') = others.{name}
                """
            )[0][0]
        if both:
            return (
                f'column "{name}": {both:,} ids stand there with leading zeros and without ({where}); '
                f"a spreadsheet has dropped the zeros of some"
            )
    return None


def _having(engine: DuckDBEngine, columns: Iterable[str], condition: str) -> list[str]:
    """The columns of `raw` with a cell for which the condition holds ({0} is the cell)."""
    names = list(columns)
    if not names:
        return []
    tests = ", ".join(f"bool_or({condition.replace('{0}', _quoted(name))})" for name in names)
    (row,) = engine.execute(f"SELECT {tests} FROM raw")
    return [name for name, found in zip(names, row, strict=True) if found]


def _replace(engine: DuckDBEngine, column: str, pattern: str) -> None:
    name, sql = _quoted(column), pattern.replace("'", "''")
    engine.execute(
        f"UPDATE raw SET {name} = regexp_replace({name}, '{sql}', '\\1') WHERE regexp_matches({name}, '{sql}')"
    )


def _quoted(name: str) -> str:
    return f'"{_doubled(name)}"'


def _doubled(name: str) -> str:
    return name.replace('"', '""')
