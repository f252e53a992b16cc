"""The embedded engine: one DuckDB file, one connection for the length of a run."""

from __future__ import annotations

import datetime as dt
import glob
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline.engines.checks import check_columns, doubled_keys, fitting, outcome
from pipeline.engines.engine import CheckOutcome, Parameters, TableRefused, Written
from pipeline.engines.frames import require_columns, require_types, validate
from pipeline.engines.incremental import Pending, limited
from pipeline.engines.kept import Asked, Kept
from pipeline.engines.partitions import Partitions
from pipeline.engines.portable import lint
from pipeline.errors import PerennialError
from pipeline.quoting import quoted, text_literal
from pipeline.settings import Settings
from pipeline.shapes import one_line, redacted, shape
from pipeline.tables.header import PARAMETER_TABLES, PARTITION_COLUMN, Table
from pipeline.tables.rules import EARLIEST, LATEST, polars_type

_PARAMETER = re.compile(r"\$([a-z_]\w*)")


class WarehouseOutdated(PerennialError):
    """Rows of an older version that cannot be kept, and must not be lost without a word."""


class DuckDBEngine:
    """Runs the SQL files on a DuckDB connection. Every write is one transaction that holds the table's own checks."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._pending = Pending(self.execute, ())
        self._catalog = Partitions(self.execute)
        self._kept = Kept(self)
        self._is_in_transaction = False
        self._is_exporting = False
        self._prepared: frozenset[str] = frozenset()
        self.settings: Settings | None = None

    def prepare(self, settings: Settings, tables: Sequence[Table]) -> list[str]:
        """Schemas and empty tables for all that will be written, and the parameter views of this run.

        Tables of an older version get the columns they lack, lose those that are gone and are given the types of today;
        one sentence for each that is no longer what it was. Raises WarehouseOutdated.
        """
        self._pending = Pending(self.execute, tables)
        self.settings, said = settings, list[str]()
        self._prepared = frozenset(table.full_name for table in tables)
        with self.transaction():
            self._pending.prepare()
            self._catalog.prepare()
            for schema in sorted({"params", *(table.schema for table in tables)}):
                self.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            present = self._columns()
            for table in tables:
                said += self._ensure(table, present.get(table.full_name, {}))
            self.execute(f"CREATE OR REPLACE VIEW params.settings AS {settings_select(settings)}")
            self.execute(_DAYS_VIEW)
        return said

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────

    def execute(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows. Parameters the statement does not name are left out."""
        self._kept.note(sql)
        given = {name: value for name, value in (parameters or {}).items() if name in _PARAMETER.findall(sql)}
        with _quoting_no_data():
            return self._connection.execute(sql, given).fetchall()

    def read(self, sql: str, parameters: Parameters | None = None) -> pl.DataFrame:
        sql = self._kept.reading(sql, parameters or {}, make=not self._is_in_transaction)
        given = {name: value for name, value in (parameters or {}).items() if name in _PARAMETER.findall(sql)}
        with _quoting_no_data():
            frame: pl.DataFrame = self._connection.sql(sql, params=given).pl()
        return frame

    def digest(self, sql: str, parameters: Parameters | None = None) -> str:
        (told,) = self.execute(f"SELECT count(*), sum(hash(selected)) FROM ({sql}) AS selected", parameters)
        return f"duckdb {told}"

    def keep(self, name: str, columns: Mapping[str, str], sql: str, parameters: Parameters) -> None:
        self.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {', '.join(columns)} FROM ({sql})", parameters)

    def keep_feature(self, table: str, feature: str, select: str, parameters: Parameters) -> None:
        self.execute(f"CREATE TEMP TABLE {table} AS {select}", parameters)

    def expect(self, asked: Callable[[], Asked]) -> None:
        self._kept.expect(asked)

    def finished(self, name: str) -> None:
        self._kept.finished(name)

    def let_go(self, table: str) -> None:
        self.execute(f"DROP TABLE temp.{table}")

    def scalar(self, sql: str, parameters: Parameters | None = None) -> Any:
        rows = self.execute(sql, parameters)
        return rows[0][0] if rows else None

    def has(self, table: str) -> bool:
        """Whether there is a table or view `schema.table`."""
        found = "SELECT 1 FROM information_schema.tables WHERE table_schema || '.' || table_name = $table"
        return self.scalar(found, {"table": table}) is not None

    def is_empty(self, table: str) -> bool:
        """Whether it is one of the tables that were prepared, and has no rows."""
        return table in self._prepared and not self.execute(f"SELECT 1 FROM {table} LIMIT 1")

    def is_table(self, table: str) -> bool:
        """Whether `schema.table` is one, and no view."""
        found = "SELECT 1 FROM duckdb_tables() WHERE schema_name || '.' || table_name = $table"
        return self.scalar(found, {"table": table}) is not None

    def column_types(self, table: str) -> dict[str, str]:
        """Columns of `schema.table` as they are stored; none where there is no such table."""
        return self._columns().get(table, {})

    def is_behind(self, tables: Iterable[Table]) -> bool:
        """Whether an earlier version wrote this: it lacks tables or columns, which `prepare` would add."""
        present = self._columns()
        return any(table.column_types().keys() - present.get(table.full_name, {}).keys() for table in tables)

    def _columns(self) -> dict[str, dict[str, str]]:
        """The same of all tables and views, in one look: DuckDB lists the columns of all, whichever is asked for."""
        found: dict[str, dict[str, str]] = {}
        listed = "SELECT schema_name || '.' || table_name, column_name, data_type FROM duckdb_columns() "
        for table, name, kind in self.execute(
            f"{listed} WHERE database_name = current_database() AND NOT internal ORDER BY table_oid, column_index"
        ):
            found.setdefault(table, {})[name] = kind
        return found

    def partitions(self, table: Table) -> list[dt.date]:
        return self._catalog.days(table.full_name)

    def rows_by_day(self) -> dict[dt.date, int]:
        """Rows of each snapshot in all tables, also in those that this version no longer knows."""
        return self._catalog.rows_by_day()

    def drop_days(self, days: Sequence[dt.date]) -> None:
        """Remove these snapshots from all tables, in one transaction."""
        with self.transaction():
            for name in filter(self.is_table, self._catalog.tables(days)):  # somebody may have dropped one by hand
                self.execute(f"DELETE FROM {name} WHERE list_contains($days, {PARTITION_COLUMN})", {"days": list(days)})
            self._catalog.forget(days)

    def export(
        self, sql: str, parameters: Parameters, path: Path, compression: str = "zstd", quote: Sequence[str] = (),
        separator: str = ",",
    ) -> int:  # fmt: skip
        """Write the rows of a SELECT to a CSV or Parquet file, or as lines of JSON; `quote`: columns quoted in every
        row of a CSV."""
        always = f", FORCE_QUOTE ({', '.join(map(quoted, quote))})" if quote else ""
        forms = {".csv": f"FORMAT csv, HEADER, DELIMITER {text_literal(separator)}{always}", ".json": "FORMAT json"}
        form = forms.get(path.suffix, f"FORMAT parquet, COMPRESSION {compression}")
        with self.exporting():
            return int(self.scalar(f"COPY ({sql}) TO {text_literal(path)} ({form})", parameters))

    @contextmanager
    def exporting(self) -> Iterator[None]:
        """Files are written within it, by one setting of the whole database: around what several threads write.

        Without it a column is optional in a file if the table has a null of it anywhere, in whatever partition.
        """
        if self._is_exporting:
            yield
            return
        self.execute(f"SET {_CHANGED_IN_RUNS} = 'statistics_propagation,{_FAILS}'")
        self._is_exporting = True
        try:
            yield
        finally:
            self._is_exporting = False
            self.execute(f"SET {_CHANGED_IN_RUNS} = '{_FAILS}'")

    @contextmanager
    def beside(self) -> Iterator[DuckDBEngine]:
        """An engine for another thread, which sees what has been committed."""
        with closing(self._connection.cursor()) as connection:
            other = DuckDBEngine(connection)
            other._is_exporting = self._is_exporting
            yield other

    def frame_to_parquet(self, frame: pl.DataFrame, path: Path) -> None:
        """Write a frame of `computed` to a Parquet file."""
        with self._registered(frame) as source:
            self.export(f"SELECT * FROM {source}", {}, path)

    def computed(self, table: Table, frame: pl.DataFrame, snapshot_date: dt.date) -> pl.DataFrame:
        """A partition that Python made, with the declared columns and types, and validated: whoever writes one, on
        either engine, writes what this returns. Raises TableRefused.
        """
        types = table.column_types()
        if not frame.height:  # a frame without rows need not have columns
            return pl.DataFrame(schema={name: polars_type(kind) for name, kind in types.items()})
        rows = frame.with_columns(pl.lit(snapshot_date).alias(PARTITION_COLUMN))
        require_columns(table, rows)
        typed = ", ".join(_typed(name, kind) for name, kind in types.items())
        with self._registered(rows) as source:
            try:
                made = self.read(f"SELECT {typed} FROM {source} AS selected")
            except duckdb.DataError:
                require_types(table, {name: self._uncast(name, kind, source) for name, kind in types.items()})
                raise
        validate(table, made)
        return made

    def _uncast(self, name: str, kind: str, source: str) -> int:
        failing = f'"{name}" IS NOT NULL AND TRY_CAST("{name}" AS {kind}) IS NULL'
        return int(self.scalar(f"SELECT count(*) FROM {source} WHERE {failing}"))

    @contextmanager
    def _registered(self, frame: pl.DataFrame) -> Iterator[str]:
        """The name under which SQL reads the frame."""
        self._connection.register("written_frame", frame)
        try:
            yield "written_frame"
        finally:
            self._connection.unregister("written_frame")

    def insert(self, table: str, frame: pl.DataFrame) -> None:
        """Append a frame to a table, columns by name."""
        self._connection.register("inserted_frame", frame)
        try:
            self.execute(f"INSERT INTO {table} BY NAME SELECT * FROM inserted_frame")
        finally:
            self._connection.unregister("inserted_frame")

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. An error inside rolls back and goes on to the caller."""
        self._connection.execute("BEGIN TRANSACTION").fetchall()
        self._is_in_transaction = True
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK").fetchall()
            raise
        finally:
            self._is_in_transaction = False
        self._connection.execute("COMMIT").fetchall()

    def note_changes(self, table: str, where: str, parameters: Parameters | None = None) -> None:
        """Say, in the transaction that changes them, which rows of `table` are new or about to go.

        The tables that are rebuilt by key (`engines.incremental`) would otherwise not learn of it.
        """
        self._pending.note(table, where, parameters)

    def rebuild_whole(self) -> None:
        """No table is rebuilt by key the next time that it is written."""
        self._pending.forget_all()

    def write(self, table: Table, snapshot_date: dt.date | None = None) -> Written:
        parameters = {"snapshot_date": snapshot_date}
        if not self._kept.may_have_rows(table):
            return self._write_none(table, snapshot_date, parameters)
        with naming_the_file(table.file, table.first_line):
            select = self._kept.reading(_select_of(table), parameters)
        with self.transaction():
            keys = self._pending.keys(table)
            with naming_the_file(table.file, table.first_line):
                rows = self._replace(table, select, parameters) if keys is None else self._replace_keys(table, keys)
            checks = self._passed(table, parameters, rows, keys)
            self._pending.done(table, whole=keys is None)
            self._enter(table, snapshot_date, rows)
        return Written(rows, checks)

    def write_frame(self, table: Table, snapshot_date: dt.date, frame: pl.DataFrame) -> Written:
        parameters = {"snapshot_date": snapshot_date}
        if not frame.height:
            return self._write_none(table, snapshot_date, parameters)
        rows = self.computed(table, frame, snapshot_date)
        with self._registered(rows) as source, self.transaction():
            self.execute(f"DELETE FROM {table.full_name}{_where(table)}", parameters)
            self.execute(f"INSERT INTO {table.full_name} BY NAME SELECT * FROM {source}")
            checks = self._passed(table, parameters, rows.height)
            self._enter(table, snapshot_date, rows.height)
        return Written(rows.height, checks)

    def _write_none(self, table: Table, snapshot_date: dt.date | None, parameters: Parameters) -> Written:
        """A partition that has no rows because what it is made of has none: without planning how none are found."""
        with self.transaction():
            self.execute(f"DELETE FROM {table.full_name}{_where(table)}", parameters)
            checks = self._passed(table, parameters, 0)
            self._enter(table, snapshot_date, 0)
        return Written(0, checks)

    def _enter(self, table: Table, day: dt.date | None, rows: int) -> None:
        if table.is_partitioned:
            self._catalog.enter(table.full_name, day, rows)

    def check(self, table: Table, snapshot_date: dt.date | None = None) -> list[CheckOutcome]:
        """The checks that follow from the header, and the header's own tests, on what stands in the table now."""
        return self._checks(table, {"snapshot_date": snapshot_date})

    def passed(self, table: Table, snapshot_date: dt.date | None, rows: int) -> tuple[CheckOutcome, ...]:
        """The same of what was just written, so many rows. Raises TableRefused."""
        return self._passed(table, {"snapshot_date": snapshot_date}, rows)

    def _passed(
        self, table: Table, parameters: Parameters, rows: int, keys: str | None = None
    ) -> tuple[CheckOutcome, ...]:
        checks = tuple(self._checks(table, parameters, keys, rows))
        if not all(check.passed for check in checks):
            raise TableRefused(table.full_name, checks)
        return checks

    def _checks(
        self, table: Table, parameters: Parameters, keys: str | None = None, rows: int | None = None
    ) -> list[CheckOutcome]:
        """With `keys`, only these were written: what concerns the table alone is asked of their rows.

        Of no `rows` neither keys nor columns need to be asked. None: nobody has counted them.

        Tests that compare the table with another one reconcile, and look at all rows all the same.
        """
        written = f"(SELECT * FROM {table.full_name}{_where(table, keys)}) AS written"
        if rows == 0:
            outcomes = fitting(table)
        else:
            outcomes = [
                self._check_test("keys_unique", doubled_keys(table, written), parameters),
                check_columns(table, written, lambda sql: self.execute(sql, parameters)),
            ]
        for name, sql in table.header.tests.items():
            alone = keys is not None and lint.tables_read(sql, table.file) == {table.full_name}
            asked = limited(sql, {table.full_name: keys}) if keys and alone else sql
            with naming_the_file(table.file, None, f"the test {name}"):
                outcomes.append(self._check_test(name, asked, parameters))
        return outcomes

    def _ensure(self, table: Table, present: Mapping[str, str]) -> list[str]:
        """Create the table if it is missing; make an older one what is declared now, and say what became of it.

        The order of columns does not matter: all that is written or read names them.
        """
        declared = {name: kind.replace(" ", "") for name, kind in table.column_types().items()}
        columns = ", ".join(f'"{name}" {kind}' for name, kind in declared.items())
        if present == declared:
            return []
        if not present:
            self.execute(f"CREATE TABLE {table.full_name} ({columns})")
            return []
        if not table.is_partitioned and table.select is not None:
            self.execute(f"CREATE OR REPLACE TABLE {table.full_name} ({columns})")
            self._pending.forget(table)
            return []
        for name in present.keys() - declared.keys():
            self.execute(f'ALTER TABLE {table.full_name} DROP COLUMN "{name}"')
        for name in declared.keys() - present.keys():
            self.execute(f'ALTER TABLE {table.full_name} ADD COLUMN "{name}" {declared[name]}')
        changed = {name: kind for name, kind in declared.items() if present.get(name, kind) != kind}
        return [self._retype(table, name, present[name], kind) for name, kind in changed.items()]

    def _retype(self, table: Table, name: str, before: str, now: str) -> str:
        """Keep the rows whose value says the same in the new type; snapshots in which it does not are removed."""
        value = f'TRY_CAST(CAST("{name}" AS VARCHAR) AS {now})'
        lost = f'"{name}" IS NOT NULL AND TRY_CAST(CAST({value} AS VARCHAR) AS {before}) IS DISTINCT FROM "{name}"'
        rows = self.scalar(f"SELECT count(*) FROM {table.full_name} WHERE {lost}")
        told = f"{table.full_name}: column {name} was {before} and is {now} now"
        if rows and not table.is_partitioned:
            raise WarehouseOutdated(
                f"{told}, and {rows:,} rows of this home hold values that this type cannot. Move data/warehouse away "
                f"and run: the exports are loaded again, snapshots have to be asked for again."
            )
        if rows:
            of_lost = f"SELECT DISTINCT {PARTITION_COLUMN} FROM {table.full_name} WHERE {lost}"
            days = sorted(row[0] for row in self.execute(of_lost))
            self.execute(f"DELETE FROM {table.full_name} WHERE {PARTITION_COLUMN} IN ({of_lost})")
            self._catalog.forget(days, table.full_name)
            told += (
                f". Its rows of {len(days):,} snapshots, {days[0]} … {days[-1]}, do not fit and were removed; compute "
                f"these days again: perennial run --from {days[0]} --to {days[-1]} --every day"
            )
        self.execute(f'ALTER TABLE {table.full_name} ALTER COLUMN "{name}" TYPE {now} USING {value}')
        return f"{told}."

    def _replace(self, table: Table, select: str, parameters: Parameters) -> int:
        self.execute(f"DELETE FROM {table.full_name}{_where(table)}", parameters)
        return self._insert_selected(table, select, parameters)

    def _replace_keys(self, table: Table, keys: str) -> int:
        """Only the rows of these keys; returns the rows of the whole table."""
        assert table.incremental_source is not None
        self.note_changes(table.full_name, keys)
        self.execute(f"DELETE FROM {table.full_name} WHERE {keys}")
        self._insert_selected(table, limited(_select_of(table), {table.incremental_source: keys}), {})
        self.note_changes(table.full_name, keys)
        return int(self.scalar(f"SELECT count(*) FROM {table.full_name}"))

    def _insert_selected(self, table: Table, select: str, parameters: Parameters) -> int:
        columns = ", ".join(f'"{name}"' for name in table.header.columns)
        typed = ", ".join(_typed(name, column.type) for name, column in table.header.columns.items())
        sql = f"INSERT INTO {table.full_name} ({columns}) SELECT {typed} FROM ({select}) AS selected"
        return int(self.scalar(sql, parameters))

    def _check_test(self, name: str, sql: str, parameters: Parameters) -> CheckOutcome:
        failing = int(self.scalar(f"SELECT count(*) FROM ({sql}) AS failing", parameters))
        return outcome(name, failing, sql, parameters)


class SelectRefused(PerennialError):
    """A SELECT of a file that DuckDB cannot run; the message names file and line and says what DuckDB says."""


@contextmanager
def naming_the_file(file: str, first_line: int | None, what: str = "the SELECT") -> Iterator[None]:
    """Faults of the SELECT that begins in this line of a file, as SelectRefused; those of the machine stay as they are.

    The SELECT's lines must stand in the statement as they stand in the file, its first one in the first.
    """
    try:
        yield
    except (duckdb.ProgrammingError, duckdb.DataError) as error:
        line = re.search(r"^LINE (\d+):", str(error), re.MULTILINE)
        where = f", line {first_line + int(line[1]) - 1}" if line and first_line else ""
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SelectRefused(f"{file}{where}: {what} cannot be run. {one_line(first)}") from error


_QUOTES_NO_DATA = (
    duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.SyntaxException, duckdb.IOException,
    duckdb.TransactionException, duckdb.OutOfMemoryException, duckdb.PermissionException, duckdb.InterruptException,
    duckdb.FatalException,
)  # fmt: skip
_SAYS_WHAT_IS_WRONG = ("CSV Error", "Could not ", "Failed to ", "Malformed ", "Cannot ", "Can't ", "Unsupported ")


@contextmanager
def _quoting_no_data() -> Iterator[None]:
    """An error of the engine in the engine's words, but for the cells it quotes: of those the shapes."""
    try:
        yield
    except duckdb.Error as error:
        if isinstance(error, _QUOTES_NO_DATA):
            raise
        kind, colon, said = redacted(str(error)).partition(": ")
        if isinstance(error, duckdb.InvalidInputException) and not said.startswith(_SAYS_WHAT_IS_WRONG):
            said = shape(said)  # the function error() passes on whatever a SELECT gives it
        raise type(error)(f"{kind}{colon}{said}") from None


_CHANGED_IN_RUNS = "disabled_optimizers"


def connect(file: Path, settings: Settings, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open the warehouse with the limits of the settings, confined to the home."""
    connection = open_file(file, settings, read_only)
    confine(connection, settings)
    return connection


def confine(connection: duckdb.DuckDBPyConnection, settings: Settings, named: Iterable[Path] = ()) -> None:
    """Let SQL reach the home's files, those `named` and no others, for as long as the connection is open.

    What runs on it cannot widen this: no setting can be changed any more. Not for exports, whose SQL is read before
    (`tables.safe_sql`), but as a second wall behind that reading.
    """
    folders = [settings.home, *([settings.spark.warehouse] if settings.spark.warehouse else [])]
    files = [file for file in named if _is_text(file)]  # what it is asked to read of others, loading refuses
    if settings.rates_file is not None:
        (folders if settings.rates_file.is_dir() else files).append(settings.rates_file)
    for name, paths in (("allowed_directories", folders), ("allowed_paths", files)):
        # Also as files with the signs of patterns in their names are read (`sources.file_literal`).
        allowed = dict.fromkeys(text for path in paths for text in (str(path), glob.escape(str(path))))
        connection.execute(f"SET {name} = [{', '.join(map(text_literal, allowed))}]").fetchall()
    connection.execute(f"SET allowed_configs = ['{_CHANGED_IN_RUNS}']").fetchall()
    connection.execute("SET enable_external_access = false").fetchall()
    connection.execute("SET lock_configuration = true").fetchall()


def _is_text(path: Path) -> bool:
    """Whether the name can be said: to DuckDB, in a message or the ledger."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


_FAILS = "partial_aggregate_pushdown"
"""Of DuckDB 2.0: over some joins of features it ends the whole database with an internal error."""


def open_file(file: Path, settings: Settings, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open the warehouse with the limits of the settings, to be confined before SQL that is not ours runs on it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    config: dict[str, Any] = {
        "memory_limit": f"{settings.memory_bytes // 2**20}MiB",
        "temp_directory": str(file.parent / ".spill"),
        "TimeZone": settings.timezone,
        "autoinstall_known_extensions": "false",
        "disabled_optimizers": _FAILS,
    }
    if settings.threads:
        config["threads"] = settings.threads
    return duckdb.connect(str(file), read_only=read_only, config=config)


def _where(table: Table, keys: str | None = None) -> str:
    """The rows that are written together: those of the keys, the partition, or the whole table."""
    if keys is not None:
        return f" WHERE {keys}"
    return f" WHERE {PARTITION_COLUMN} = $snapshot_date" if table.is_partitioned else ""


def _select_of(table: Table) -> str:
    if table.select is None:
        raise ValueError(f"{table.full_name} has no SELECT: Python writes it")
    return table.select


def _typed(name: str, sql_type: str) -> str:
    """The column in its declared type. Floats keep 10 significant digits: their sums differ beyond from run to run."""
    column = f'selected."{name}"'
    if sql_type != "DOUBLE":
        return f'CAST({column} AS {sql_type}) AS "{name}"'
    digits = f"9 - CAST(floor(log10(abs({column}))) AS INTEGER)"
    rounds = f"isfinite({column}) AND abs({column}) BETWEEN 1e-200 AND 1e200"
    rounded = f"CAST(CASE WHEN {rounds} THEN round({column}, {digits}) ELSE {column} END AS DOUBLE)"
    return f'{rounded} + CAST(0 AS DOUBLE) AS "{name}"'  # minus zero is zero


_DAYS_VIEW = f"""
    CREATE OR REPLACE VIEW params.days AS
    SELECT CAST(day AS DATE) AS day
    FROM generate_series(DATE '{EARLIEST:%Y-%m-%d}', DATE '{LATEST:%Y-%m-%d}', INTERVAL 1 DAY) AS series(day)
"""


def parameter_columns(settings: Settings) -> dict[str, dict[str, str]]:
    """The parameter views that SQL may read: column types by name of the view."""
    of_settings = {name: kind for name, (kind, _) in settings.in_sql().items()}
    return dict(zip(PARAMETER_TABLES, (of_settings, {"day": "DATE"}), strict=True))


def settings_select(settings: Settings) -> str:
    """The one row of params.settings as a SELECT, for either engine."""
    values = ", ".join(
        f"CAST({_constant(value)} AS {kind}) AS {name}" for name, (kind, value) in settings.in_sql().items()
    )
    return f"SELECT {values}"


def _constant(value: Any) -> str:
    if value is None:
        return "NULL"
    return text_literal(value) if isinstance(value, dt.date | str) else str(value)
