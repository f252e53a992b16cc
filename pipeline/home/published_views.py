"""data/published.duckdb: one DuckDB file in which BI tools find every published table, readable at any time.

It holds views and no rows: `latest.<table>` is the newest published day, `marts.<table>` all days. The views read the
published Parquet files, so that whoever has the file open never stands in the way of a night, nor a night in theirs.

A view finds its files beside the DuckDB file that was opened, wherever that lies now (DuckDB calls its folder for
temporary files after it: `current_setting('temp_directory')`), so that a home may be moved, copied or mounted under
another name. A file that was attached to another database does not know where it lies: its views read the folder that
it was written for, or the one in the variable `perennial_data`.

Making 200 views costs .3 s, so a night does not: it takes the file of before and tells it the new day. They are made
anew when the tables or their descriptions have changed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path, PurePosixPath

import duckdb
import polars as pl

from pipeline.home.publishing import Publication
from pipeline.places import FOLDER_COLUMN, PUBLISHED_VIEWS, table_file
from pipeline.quoting import quoted, text_literal
from pipeline.tables.header import Table

_DATA = PurePosixPath("data")
_OF_THIS_FILE = r"(^|[/\\])published\.duckdb\.tmp$"
_CONFIG: dict[str, str | bool | int | float | list[str]] = {"threads": 1}
_FORM = 1  # to be raised when what is made below changes otherwise than by the tables

_FOLDER = f"""
    CREATE OR REPLACE MACRO main.published_folder() AS coalesce(
        rtrim(getvariable('perennial_data'), '/') || '/',
        CASE WHEN regexp_matches(current_setting('temp_directory'), '{_OF_THIS_FILE}')
            THEN regexp_replace(current_setting('temp_directory'), 'published\\.duckdb\\.tmp$', '') END,
        {{folder}})
"""
# Of what the file holds, all but the two macros that every night writes anew.
_HELD = """
    SELECT sha256(string_agg(told, chr(10) ORDER BY told)) FROM (
        SELECT concat_ws(chr(31), 'view', schema_name, view_name, sql, comment) AS told FROM duckdb_views()
        WHERE NOT internal
        UNION ALL SELECT concat_ws(chr(31), 'table', schema_name, table_name, sql) FROM duckdb_tables()
        WHERE NOT internal
        UNION ALL SELECT concat_ws(chr(31), function_type, schema_name, function_name, macro_definition)
        FROM duckdb_functions()
        WHERE NOT internal AND NOT (function_type = 'macro' AND function_name IN ('published_folder', 'latest_day'))
        UNION ALL SELECT concat_ws(chr(31), 'schema', schema_name) FROM duckdb_schemas() WHERE NOT internal
        UNION ALL SELECT concat_ws(chr(31), 'type', schema_name, type_name) FROM duckdb_types() WHERE NOT internal
        UNION ALL SELECT concat_ws(chr(31), 'sequence', schema_name, sequence_name) FROM duckdb_sequences()
        UNION ALL SELECT concat_ws(chr(31), 'row', columns::VARCHAR) FROM main.columns
    )
"""
_LATEST = "CREATE OR REPLACE MACRO main.latest_day() AS {day}"
# The views of a second home would read the files of the first.
_ROWS = f"""
    CREATE OR REPLACE MACRO main.published_rows(file) AS TABLE
    SELECT * FROM read_parquet(
        regexp_replace(main.published_folder(), '([*?[])', '[\\1]', 'g') || file,  -- a folder is no pattern
        union_by_name = true, hive_partitioning = false)
    WHERE CASE
        WHEN getvariable('perennial_data') IS NULL
            AND regexp_matches(current_setting('temp_directory'), '{_OF_THIS_FILE}')
            AND (SELECT count(*) FROM duckdb_databases() WHERE path LIKE '%published.duckdb') > 1
        THEN error('Two homes in one session: open DuckDB without a file, and ATTACH the published.duckdb of both.')
        ELSE true END
"""


def stage_views(publication: Publication, home: Path, tables: Sequence[Table], days: Iterable[dt.date]) -> None:
    """Add data/published.duckdb to a publication after which `days` are published, all else of which is staged.

    Raises OSError or duckdb.Error where it cannot be written; nothing is published then.
    """
    newest_first = sorted(days, reverse=True)
    if not newest_first:
        return
    latest = newest_first[0]
    statements = _statements(tables, newest_first, lambda table, day: publication.leaves(table_file(table.name, day)))
    fingerprint = hashlib.sha256("\n".join([str(_FORM), duckdb.__version__, *statements]).encode()).hexdigest()
    path = publication.file(PUBLISHED_VIEWS)
    publication.removes(f"{PUBLISHED_VIEWS}.wal")  # of a tool that wrote into the file of before
    reused = _reused(home / PUBLISHED_VIEWS, path, fingerprint)
    with closing(reused or _made(path, tables, statements, fingerprint)) as connection:
        connection.execute(_FOLDER.format(folder=text_literal(f"{home / _DATA}/"))).fetchall()
        connection.execute(_LATEST.format(day=text_literal(latest))).fetchall()


def _statements(
    tables: Sequence[Table], newest_first: Sequence[dt.date], is_there: Callable[[Table, dt.date], bool]
) -> list[str]:
    """What makes the views, of tables that have rows to show."""
    made = ["CREATE SCHEMA latest", "CREATE SCHEMA marts", _LATEST.format(day="''")]
    for table in tables:
        if not any(is_there(table, day) for day in newest_first):
            continue
        # A view is bound when it is made, and its files are not in place yet: until the end, rows are of these columns.
        typed = ", ".join(f"NULL::{kind} AS {quoted(name)}" for name, kind in table.column_types().items())
        made.append(f"CREATE OR REPLACE MACRO main.published_rows(file) AS TABLE SELECT {typed} WHERE false")
        made += _view("marts", table, "'*'")
        if is_there(table, newest_first[0]):
            made += _view("latest", table, "main.latest_day()")
    return [*made, _ROWS]


def _view(schema: str, table: Table, day: str) -> list[str]:
    columns = ", ".join(map(quoted, table.header.columns))
    file = f"'marts/{table.name}/{FOLDER_COLUMN}=' || {day} || '/{table.name}.parquet'"
    name = f"{schema}.{quoted(table.name)}"
    return [
        f"CREATE VIEW {name} AS SELECT {columns} FROM main.published_rows({file})",
        f"COMMENT ON VIEW {name} IS {text_literal(table.header.description)}",
    ]


def _reused(before: Path, path: Path, fingerprint: str) -> duckdb.DuckDBPyConnection | None:
    """A copy of the file of before at `path`, opened, if it has the same views and nothing else."""
    try:
        shutil.copyfile(before, path)
        connection = duckdb.connect(path, config=_CONFIG)
    except (OSError, duckdb.Error):  # there is none, or it is damaged
        return None
    with suppress(duckdb.Error):  # a file of somebody else's making
        told = connection.execute("SELECT fingerprint, held FROM main.made_of").fetchall()
        if told == [(fingerprint, _held(connection))]:
            return connection
    connection.close()
    return None


def _made(
    path: Path, tables: Sequence[Table], statements: Sequence[str], fingerprint: str
) -> duckdb.DuckDBPyConnection:
    path.unlink(missing_ok=True)
    dictionary = pl.DataFrame(
        [
            (table.name, name, column.type, column.unit, column.nullable, column.meaning)
            for table in tables
            for name, column in table.header.columns.items()
        ],
        schema=["table_name", "column_name", "type", "unit", "nullable", "meaning"],
        orient="row",
    )
    connection = duckdb.connect(path, config=_CONFIG)
    connection.execute("BEGIN TRANSACTION").fetchall()
    connection.execute(_FOLDER.format(folder="''")).fetchall()
    connection.execute(";\n".join(statements)).fetchall()
    connection.register("frame", dictionary)
    connection.execute("CREATE TABLE main.columns AS SELECT * FROM frame").fetchall()
    connection.unregister("frame")
    connection.execute("CREATE TABLE main.made_of (fingerprint VARCHAR, held VARCHAR)").fetchall()
    connection.execute("INSERT INTO main.made_of VALUES (?, ?)", [fingerprint, _held(connection)]).fetchall()
    connection.execute("COMMIT").fetchall()
    return connection


def _held(connection: duckdb.DuckDBPyConnection) -> str:
    """What tells files apart that hold other views, tables, macros or descriptions."""
    return str(connection.execute(_HELD).fetchall()[0][0])
