"""Mapping: raw columns to canonical ones, `mapped`, and what follows from these, `filled` and `completed`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb

from pipeline.dialect import TO_THE_SECOND, WITH_OFFSET, WITHOUT_OFFSET
from pipeline.errors import ExportError
from pipeline.ingest.load.context import GUEST_ID, Load, agree_in
from pipeline.ingest.load.keys import of_source
from pipeline.ingest.load.money import turn_negative
from pipeline.ingest.sources import EXPORTED_AT, ROW_NUMBER
from pipeline.quoting import quoted, text_literal
from pipeline.sections.exports import ChargeProducts
from pipeline.statuses import PROBLEM
from pipeline.tables.inputs import HASHED_FOR, OnePerRow, filling
from pipeline.tables.rules import sql_type

_BESIDE_CANONICAL = (ROW_NUMBER, EXPORTED_AT, PROBLEM, GUEST_ID)
WHOLE = ("BIGINT", "INTEGER")


def map_rows(load: Load) -> None:
    """`mapped`: the lines of each raw row, canonical columns in canonical types; what cannot be read is null."""
    columns = describe(load)
    with source_told(load):
        load.execute(f"CREATE OR REPLACE TEMP TABLE mapped AS {rows_of_source(load, columns)}")
    turn_negative(load)
    complete(load)
    check_lines(load)
    check_problems(load)


def rows_of_source(load: Load, columns: Sequence[str]) -> str:
    """SELECT of these columns of what the source's SELECT gives, called `source`."""
    return f"SELECT row_number, {', '.join(columns)} FROM (\n{load.source.select}\n) AS source"


def zones(load: Load) -> tuple[str, str]:
    """The zone that times without an offset are of, and the shop's."""
    return load.dialect.timezone or load.settings.timezone, load.settings.timezone


def describe(load: Load) -> list[str]:
    """What the source's SELECT gives; returns the SQL of the columns of `mapped`."""
    sql = load.source.select
    with source_told(load):
        described = dict[str, str](load.execute(f"SELECT column_name, column_type FROM (DESCRIBE {sql}\n)"))
    # DuckDB may spell a column as the file does; SQL does not tell capital letters from small ones.
    spelt = {name.lower(): name for name in (*load.schema.columns, *_BESIDE_CANONICAL)}
    outputs = {spelt.get(name.lower(), name): kind for name, kind in described.items()}
    unknown = [name for name in outputs if name not in (*load.schema.columns, *_BESIDE_CANONICAL)]
    if unknown:
        known = ", ".join(load.schema.columns)
        raise ExportError(f"{load.source.file}: {', '.join(unknown)} is no column of {load.source.input} ({known}).")
    load.outputs = outputs
    load.stored = {
        name: sql_type(column.dtype)
        for name, column in load.schema.columns.items()
        if not column.nullable or load.has(name)
    }
    columns = [
        f"{canonical(name, outputs.get(name), declared, *zones(load))} AS {quoted(name)}"
        for name, declared in (load.stored | load.of_the_file()).items()
    ]
    if load.source.header.hashed_for:
        load.stored[HASHED_FOR] = "VARCHAR"
        columns.append(f"{text_literal(','.join(load.source.header.hashed_for))} AS {HASHED_FOR}")
    return columns + [f"{trimmed(f'CAST(source.{name} AS VARCHAR)')} AS {name}" for name in load.beside]


def check_problems(load: Load) -> None:
    """A text of a SELECT could hold a cell: it gives names, and the header has the texts."""
    if PROBLEM not in load.outputs:
        return
    known = list(load.source.header.problems)
    strange = f"{PROBLEM} IS NOT NULL AND NOT list_contains($known, {PROBLEM})"
    if load.execute(f"SELECT count(*) FROM mapped WHERE {strange}", known=known)[0][0]:
        raise ExportError(
            f"{load.source.file}: column {PROBLEM} of the SELECT must be null or one of the names in the header's "
            f"block `problems` ({', '.join(known) or 'there is none'})."
        )


@contextmanager
def source_told(load: Load) -> Iterator[None]:
    """What DuckDB says of the source's SELECT is the source's, and no fault of the program."""
    try:
        yield
    except (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError) as error:
        raise load.source.explained(error) from error


def mapped_rows(load: Load) -> str:
    """SQL: `mapped` with all canonical columns, null where nothing is stored."""
    columns = []
    for name, column in load.schema.columns.items():
        if name == load.input.person and GUEST_ID in load.outputs:
            columns.append(f"coalesce({', '.join(load.persons)}, NULL) AS {name}")
        elif name in load.stored:
            columns.append(quoted(name))
        else:
            columns.append(f"CAST(NULL AS {sql_type(column.dtype)}) AS {quoted(name)}")
    return f"(SELECT row_number, {', '.join(columns)} FROM mapped) AS mapped"


def check_lines(load: Load) -> None:
    """Every raw row has become a line, or one of each kind; more could not be told apart, fewer would be lost.

    What a kind is, the grain of the input says.
    """
    if load.source.keeps_rows:
        return
    rows, distinct = load.execute("SELECT count(*), count(DISTINCT row_number) FROM completed")[0]
    expected = load.execute("SELECT count(*) FROM raw")[0][0]
    if distinct != expected:
        raise ExportError(
            f"{load.source.file}: the SELECT must return each row once; {expected:,} became {distinct:,}."
        )
    if rows == distinct:
        return
    if load.input.has_one_row_per_key:
        raise ExportError(f"{load.source.file}: the SELECT must return each row once; {distinct:,} became {rows:,}.")
    load.has_several_lines = True
    line = load.input.line_of_row
    key = ", ".join(f"coalesce(CAST({name} AS VARCHAR), '')" for name in load.input.key)
    kinds, things = load.execute(
        f"SELECT count(DISTINCT (row_number, {', '.join(line)})), count(DISTINCT (row_number, {key})) FROM completed"
    )[0]
    if kinds != rows or things != distinct:
        named = ", ".join(str(value) for name in line for value in load.input.header.columns[name].values or ())
        raise ExportError(
            f"{load.source.file}: the SELECT must return each row once, or one line of each {' and '.join(line)}"
            f"{f' ({named})' if named else ''} for it, all of one {load.input.header.thing}; {expected:,} rows became "
            f"{rows:,} lines of {kinds:,} kinds."
        )


def complete(load: Load) -> None:
    """`completed`: what follows from the other columns is filled in, layer upon layer."""
    charges = of_source(load.settings.charge_products, load.source, ChargeProducts())
    given = filling(load.settings, charges)
    rows = mapped_rows(load)
    for layer in load.input.filled:
        made = ", ".join(f"{sql.format(**given)} AS {name}" for name, sql in layer.items())
        rows = f"(SELECT * REPLACE ({made}) FROM {rows}) AS layer"
    one = load.input.header.one_per_row
    if one is not None and charges.add and not load.source.keeps_rows:
        rows = joined(rows, one, load.input.type_of(one.sum))
    load.execute(f"CREATE OR REPLACE TEMP VIEW filled AS SELECT * FROM {rows}")
    unconverted = [f", CAST(NULL AS {load.input.type_of(name)}) AS {name}" for name in load.input.before_conversion]
    load.execute(f"CREATE OR REPLACE TEMP VIEW completed AS SELECT *{''.join(unconverted)} FROM filled")


def date_undated(load: Load) -> None:
    """A refund without a date falls on its order's day; one whose date cannot be read stays a problem."""
    if load.input.borrows_moment is None:
        return
    moment, key = load.input.moment, ", ".join(load.input.key)
    undated = (
        f"{moment} IS NULL AND ({load.input.borrows_moment}) "
        f"AND row_number NOT IN (SELECT row_number FROM problems WHERE column_name = '{moment}')"
    )
    if load.execute(f"SELECT count(*) FROM completed WHERE {undated}")[0][0]:
        load.execute(
            f"""
            UPDATE mapped SET {moment} = dated.{moment}
            FROM (SELECT {key}, min({moment}) AS {moment} FROM mapped GROUP BY {key}) AS dated
            WHERE {agree_in(load.input.key, "mapped", "dated")} AND mapped.{moment} IS NULL
              AND mapped.row_number IN (SELECT row_number FROM completed WHERE {undated})
            """
        )


def canonical(name: str, output_type: str | None, declared: str, written_in: str, zone: str) -> str:
    """A source's output column in its canonical type, null where it cannot be read. Blank text is null.

    Times without an offset are of the zone `written_in`; all become times of `zone`, the shop's.
    """
    if output_type is None:
        return f"CAST(NULL AS {declared})"
    column = f"source.{quoted(name)}"
    if declared == "VARCHAR":
        return trimmed(f"CAST({column} AS VARCHAR)")
    if declared == "DATE" and output_type != "DATE":
        return f"CAST({canonical(name, output_type, 'TIMESTAMP', written_in, zone)} AS DATE)"
    if declared in WHOLE:  # a cast would round
        whole = f"TRY_CAST({column} AS {declared})"
        return f"CASE WHEN TRY_CAST({column} AS DECIMAL(38,9)) = {whole} THEN {whole} END"
    if declared != "TIMESTAMP":
        return f"TRY_CAST({column} AS {declared})"
    if output_type == "TIMESTAMP WITH TIME ZONE":
        return f"timezone({text_literal(zone)}, {column})"
    local = f"TRY_CAST({column} AS TIMESTAMP)"
    if written_in != zone:
        local = f"timezone({text_literal(zone)}, timezone({text_literal(written_in)}, {local}))"
    if output_type != "VARCHAR":
        return local
    # DuckDB reads +0100 and +01:00 only where nothing stands between time and offset.
    close = f"regexp_replace({column}, '\\s+([+-]\\d\\d(:?\\d\\d)?)$', '\\1')"
    with_offset = f"timezone({text_literal(zone)}, TRY_CAST({close} AS TIMESTAMPTZ))"
    return (
        f"CASE WHEN {column} LIKE '{TO_THE_SECOND}' OR NOT contains({column}, ':') THEN {local} "
        f"WHEN regexp_matches({column}, '{WITH_OFFSET}') THEN {with_offset} "
        f"WHEN regexp_matches({column}, '{WITHOUT_OFFSET}') THEN {local} END"
    )


def joined(rows: str, one: OnePerRow, kind: str) -> str:
    """SQL: where a product became a charge and its row brings another (the order's postage), one charge of both."""
    same = f"PARTITION BY row_number, CASE WHEN {one.where} THEN 'one' ELSE 'other' END"
    total = (
        f"CASE WHEN count(*) OVER ({same}) = count({one.sum}) OVER ({same}) "
        f"THEN TRY_CAST(sum({one.sum}) OVER ({same}) AS {kind}) END"
    )
    return (
        f"(SELECT * REPLACE (CASE WHEN {one.where} THEN {total} ELSE {one.sum} END AS {one.sum}) FROM {rows} "
        f"QUALIFY ({one.where}) IS NOT TRUE OR row_number() OVER ({same} ORDER BY {one.first_by} NULLS LAST) = 1) "
        f"AS joined"
    )


def trimmed(text: str) -> str:
    """SQL: the text without blanks around it, null if nothing is left.

    Most texts have none; seeing that costs a third of making a trimmed copy. Blanks beyond ASCII are left to `trim`.
    """
    may_change = f"{text} = '' OR prefix({text}, ' ') OR suffix({text}, ' ') OR strlen({text}) <> length({text})"
    return f"CASE WHEN {may_change} THEN nullif(trim({text}), '') ELSE {text} END"
