"""What a spreadsheet does to cells that it opens: undone where nothing is lost, told where something is.

It wraps texts (`="00123"`, `'00123`), makes whole numbers floating-point (`123.0`), drops leading zeros, shows long
numbers as 6.12E+12 and keeps 15 of their digits. What is lost cannot be made good: such ids would make one customer of
many. Which columns hold ids, the names of the canonical columns tell.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.quoting import quoted, text_literal
from pipeline.shapes import shape_sql
from pipeline.tables.rules import RowRule

REMEDY = "export again and do not open the file in a spreadsheet, or import the column as text"
_SCIENTIFIC = r"(^|[^0-9A-Za-z.,])[0-9]([.,][0-9]+)?[eE][+][0-9]{1,3}$"
_WRAPPED = r'^\s*="([^"]*)"\s*$'
_APOSTROPHE = r"^\s*'([-+=@]?\d[\d.,-]*)\s*$"
_WHOLE = r"^\s*(\d{1,15})[.,]0+\s*$"
_FRACTION = r"^\s*\d+[.,]\d*[1-9]\d*\s*$"
_KEPT_DIGITS = 15
_BY_CHANCE = 6
"""Zeros behind the 15th digit, over all ids, from which on they are no chance: one in a million."""

RULES = ("not_nested", "not_rounded")
"""What rules of ids check."""
HOLDS_TEXT = ("VARCHAR", "DOUBLE", "FLOAT")
_NOTHING = (
    "null", "none", "nan", "nat", "nil", "n/a", "n.a.", "<na>", "<null>", "(null)", "[null]", "\\n", "undefined",
    "#n/a", "#n/v", "#nv", "#na", "#name?", "#ref!", "#value!", "#null!", "#num!", "#div/0!", "#spill!", "#calc!",
    "#getting_data", "#bezug!", "#wert!", "#zahl!", "#valeur!", "#nom?", "#nombre?", "#¡ref!", "#¡valor!", "#rif!",
    "#valore!", "#nome?", "#error!", "#nd", "#n/d",
)  # fmt: skip
_NOTHING_OF_A_PERSON = ("na",)
"""What means nothing where it stands for a customer or an order; a store may be called so."""
_SIGNS_ONLY = "^(#+|[-.\\x{2010}-\\x{2015}\\x{2212}?*_/]+)$"
_STARTS_WRAPPED, _STARTS_QUOTED = "prefix({0}, '=\"')", "prefix({0}, '''')"
_MAY_HIDE = "(strlen({0}) <> length({0}) OR regexp_matches({0}, '[\\x00-\\x1F\\x7F]'))"
_IS_WHOLE = f"CASE WHEN suffix({{0}}, '0') THEN regexp_matches({{0}}, '{_WHOLE}') END"
"""What a cell must be for a step to be taken at all, told fast."""
_BREAKS = "[\\x09-\\x0D\\x{0085}\\x{2028}\\x{2029}]"
"""Tabs and ends of lines, which look like a blank."""
_INVISIBLE = (
    "[\\x00-\\x1F\\x7F-\\x{009F}\\x{00AD}\\x{200B}\\x{200E}\\x{200F}\\x{202A}-\\x{202E}"
    "\\x{2060}\\x{2066}-\\x{2069}\\x{FEFF}]"
)
_JOINERS = "\\x{200C}\\x{200D}"


def is_id(column: str) -> bool:
    """Whether a canonical column holds ids."""
    return column.endswith("_id")


def unwrap(engine: DuckDBEngine, columns: Iterable[str]) -> None:
    """Take `="…"` off the text columns of `raw`, whatever they hold."""
    wrapped = _having(engine, columns, _STARTS_WRAPPED)
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
    for column in _having(engine, texts, _STARTS_QUOTED):
        _replace(engine, column, _APOSTROPHE)
    for column in _having(engine, texts, _IS_WHOLE):
        if not _having(engine, [column], f"regexp_matches({{0}}, '{_FRACTION}')"):
            _replace(engine, column, _WHOLE)


def drop_invisible(engine: DuckDBEngine, columns: Iterable[str]) -> None:
    """Write ids in the columns of `raw` that look alike alike: no invisible characters, letters in normal form (NFC).

    A tab or the end of a line is a blank. Joiners have a meaning in some scripts and go only at the ends. Plain ASCII,
    which is told fast, stays.
    """
    for column in _having(engine, columns, _MAY_HIDE):
        name = quoted(column)
        plain = f"regexp_replace(nfc_normalize({name}), '{_BREAKS}', ' ', 'g')"
        plain = f"regexp_replace({plain}, '{_INVISIBLE}', '', 'g')"
        plain = f"regexp_replace({plain}, '^[{_JOINERS}]+|[{_JOINERS}]+$', '', 'g')"
        engine.execute(f"UPDATE raw SET {name} = {plain} WHERE {_MAY_HIDE.replace('{0}', name)} AND {name} <> {plain}")


def empty_placeholders(
    engine: DuckDBEngine, columns: Mapping[str, str], of_things: Container[str | None]
) -> dict[str, int]:
    """Make null what only says that there is no value, in columns of `raw` (column -> the canonical one it is of).

    `of_things`: the canonical columns with persons and keys, which are never called `na`.

    Returns how many cells of which columns.
    """
    emptied: dict[str, int] = {}
    for column, canonical in columns.items():
        says_nothing = _says_nothing(f"CAST({quoted(column)} AS VARCHAR)", canonical in of_things)
        if engine.scalar(f"SELECT bool_or({says_nothing}) FROM raw"):
            emptied[column] = int(engine.execute(f"UPDATE raw SET {quoted(column)} = NULL WHERE {says_nothing}")[0][0])
    return emptied


def _says_nothing(text: str, is_of_a_thing: bool) -> str:
    """SQL: whether a text only says that there is no value. Most ids end in a digit, which is told fast."""
    listed = ", ".join(map(text_literal, _NOTHING + (_NOTHING_OF_A_PERSON if is_of_a_thing else ())))
    return (
        f"CASE WHEN {text}[-1] BETWEEN '0' AND '9' THEN FALSE WHEN lower(trim({text})) IN ({listed}) THEN TRUE "
        f"WHEN lower({text}) = upper({text}) THEN regexp_matches(trim({text}), '{_SIGNS_ONLY}') ELSE FALSE END"
    )


def doubts_of_texts(cell: str) -> list[str]:
    """SQL: tests, one of which holds where `unwrap` may change a text."""
    return [_STARTS_WRAPPED.replace("{0}", cell)]


def doubts_of_ids(cell: str) -> list[str]:
    """SQL: tests, one of which holds where any other step here, or trimming, may change an id that is text."""
    tests = (_STARTS_QUOTED, _IS_WHOLE, _MAY_HIDE, "{0} = ''", "prefix({0}, ' ')", "suffix({0}, ' ')")
    return [*(test.replace("{0}", cell) for test in tests), _says_nothing(cell, is_of_a_thing=True)]


def nested_id_rules(columns: Iterable[str], shown_as: Mapping[str, str]) -> Iterator[RowRule]:
    """Rules for canonical columns: an object or a list of JSON (or of Parquet) is no id."""
    for name in filter(is_id, columns):
        shown = shown_as.get(name, name).replace("'", "''")
        fails = (
            f"CASE WHEN prefix({name}, '{{') THEN suffix({name}, '}}') AND contains({name}, ':') "
            f"WHEN prefix({name}, '[') THEN suffix({name}, ']') ELSE FALSE END"
        )
        reason = f"'column \"{shown}\": \"' || {shape_sql(name)} || '\" is an object or a list, and no id'"
        yield RowRule(name, RULES[0], fails, reason)


def lost_id_rules(columns: Iterable[str], shown_as: dict[str, str]) -> Iterator[RowRule]:
    """Rules of either engine for canonical columns: an id that was rounded is none."""
    for name in filter(is_id, columns):
        shown = shown_as.get(name, name).replace("'", "''")
        fails = f"CASE WHEN {name} LIKE '%+%' THEN regexp_matches({name}, '{_SCIENTIFIC}') ELSE FALSE END"
        opening, ending = f'\'column "{shown}": "\'', f"'\" is an id that a spreadsheet has rounded: {REMEDY}'"
        reason = f"{opening} || {shape_sql(name)} || {ending}"
        yield RowRule(name, RULES[1], fails, reason)


def damage(engine: DuckDBEngine, table: str, columns: Sequence[str], others: str) -> str | None:
    """Why the ids in a table are not what they were, as a clause for a message; None if nothing shows it.

    `others`: a query of the rows of siblings, whose ids are compared with these.
    """
    if not columns:
        return None
    long, here = _looking(engine, table, columns, f"length({{0}}) > {_KEPT_DIGITS}", _PADDED)
    there = _looking(engine, f"({others}) AS others", columns, _PADDED)[0]
    for name in columns:
        if name in long and (reason := _rounded(engine, table, name)):
            return reason
        one, two = f"SELECT {name} AS id FROM {table}", f"SELECT {name} AS id FROM ({others}) AS others"
        pairs = [(one, one, "in this file")] if name in here else []
        pairs += [(one, two, "in files of this source that were loaded before")] if name in here else []
        pairs += [(two, one, "in files of this source that were loaded before")] if name in there else []
        for padded, bare, where in pairs:
            if both := _with_and_without_zeros(engine, padded, bare):
                return (
                    f'column "{name}": {both:,} ids stand there with leading zeros and without, {where}; a spreadsheet '
                    f"has dropped the zeros of some"
                )
    return None


_PADDED = "CASE WHEN prefix({0}, '0') THEN regexp_full_match({0}, '0+[1-9][0-9]*') ELSE FALSE END"
"""A CASE, because AND tries both sides on every row."""


def _looking(engine: DuckDBEngine, table: str, columns: Sequence[str], *tests: str) -> list[set[str]]:
    """For each test, the columns with an id for which it holds."""
    asked = [f"bool_or({test.replace('{0}', name)})" for test in tests for name in columns]
    (row,) = engine.execute(f"SELECT {', '.join(asked)} FROM {table}")
    width = len(columns)
    return [
        {name for name, holds in zip(columns, row[place * width :], strict=False) if holds}
        for place in range(len(tests))
    ]


def _rounded(engine: DuckDBEngine, table: str, name: str) -> str | None:
    digits = f"length({name}) > {_KEPT_DIGITS} AND regexp_full_match({name}, '[0-9]+')"
    zeros = f"ltrim(substr({name}, {_KEPT_DIGITS + 1}), '0') = ''"
    ids, all_zeros, places = engine.execute(
        f"SELECT count(*), bool_and({zeros}), sum(length({name}) - {_KEPT_DIGITS}) "
        f"FROM (SELECT DISTINCT {name} FROM {table} WHERE {digits}) AS ids"
    )[0]
    if not ids or not all_zeros or places < _BY_CHANCE:
        return None
    return (
        f'column "{name}": all {ids:,} ids of more than {_KEPT_DIGITS} digits end in zeros behind that place, up to '
        f"which a spreadsheet keeps them; it has rounded them"
    )


def _with_and_without_zeros(engine: DuckDBEngine, padded: str, bare: str) -> int:
    """How many ids stand in one place with leading zeros and in the other without: they lost them, or are others."""
    return int(
        engine.scalar(
            f"""
            WITH padded AS (SELECT DISTINCT id FROM ({padded}) AS ids WHERE {_PADDED.replace("{0}", "id")})
            SELECT count(DISTINCT padded.id) FROM padded JOIN ({bare}) AS bare ON ltrim(padded.id, '0') = bare.id
            """
        )
    )


def _having(engine: DuckDBEngine, columns: Iterable[str], condition: str) -> list[str]:
    """The columns of `raw` with a cell for which the condition holds ({0} is the cell)."""
    names = list(columns)
    if not names:
        return []
    tests = ", ".join(f"bool_or({condition.replace('{0}', quoted(name))})" for name in names)
    (row,) = engine.execute(f"SELECT {tests} FROM raw")
    return [name for name, found in zip(names, row, strict=True) if found]


def _replace(engine: DuckDBEngine, column: str, pattern: str) -> None:
    name, sql = quoted(column), pattern.replace("'", "''")
    engine.execute(
        f"UPDATE raw SET {name} = regexp_replace({name}, '{sql}', '\\1') WHERE regexp_matches({name}, '{sql}')"
    )


def _doubled(name: str) -> str:
    return name.replace('"', '""')
