"""The second engine: the same SQL files on Apache Spark, local, on a cluster or behind a Spark Connect server.

Spark computes; the lake (`lake.py`) keeps what it writes; DuckDB, the local side, loads the exports of the drop folder,
checks what Spark has written, and reads it for report and publication. What belongs here: how a table comes to be on
Spark. What does not: how SQL is translated (`sql.py`), how a session is had (`session.py`), exports that Spark reads
(`spark_exports`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.durable import fsync
from pipeline.engines.duckdb import DuckDBEngine, parameter_columns, settings_select
from pipeline.engines.engine import CheckOutcome, Parameters, Written
from pipeline.engines.kept import Asked, Kept
from pipeline.engines.portable import lint
from pipeline.engines.spark.lake import Lake, LakeNotWritable, is_in_lake, lake_folder
from pipeline.engines.spark.session import close_session, open_session, spark_path
from pipeline.engines.spark.sql import view_name
from pipeline.errors import PerennialError
from pipeline.settings import Settings, SettingsError
from pipeline.shapes import redacted
from pipeline.tables.catalog import features
from pipeline.tables.header import PARAMETER_TABLES, Table
from pipeline.tables.rules import EARLIEST, LATEST

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Result = TypeVar("Result")

_SPARK_TYPES = {"VARCHAR": "STRING", "INTEGER": "INT", "TIMESTAMP": "TIMESTAMP_NTZ"}
_SIGNIFICANT_DIGITS = 10
_CONDITION = re.compile(r"[A-Z]+(?:_[A-Z]+)+")


class SparkFailed(PerennialError):
    """Spark could not compute something; the message says what, `reason` is what Spark gave for it.

    `conditions` are the names of the errors that it gave, such as FAILED_READ_FILE.
    """

    def __init__(self, what: str, reason: str, conditions: frozenset[str] = frozenset()) -> None:
        super().__init__(f"{what}: Spark says: {reason}")
        self.reason = reason
        self.conditions = conditions


class SparkEngine:
    """Runs the SQL files on Spark. A partition is written aside, checked there, and then entered in the lake."""

    def __init__(self, local: DuckDBEngine, settings: Settings, run_id: str) -> None:
        self.local = local
        self.settings = settings
        self._run_id = run_id
        self._session: SparkSession | None = None
        self._tables: dict[str, Table] = {}
        self._shown: set[str] = set()
        self._apart: set[str] = set()
        """Names of views of what was computed apart (`engines.spark.apart`)."""
        self._kept: dict[str, Mapping[str, str]] = {}
        self._kept_features = Kept(self)

    def prepare(self, tables: Sequence[Table]) -> list[str]:
        """Places for all that will be written; what became of local tables of an older version.

        Raises LakeNotWritable, SettingsError, WarehouseOutdated.
        """
        self._tables = {table.full_name: table for table in tables}
        self._refuse_mixed_order_lines()
        self.lake = Lake(self.local, self.settings, [table for table in tables if self._is_in_lake(table)])
        said = self.local.prepare(self.settings, [table for table in tables if not self._is_in_lake(table)])
        self.lake.prepare()
        return said

    @property
    def session(self) -> SparkSession:
        """Opened when first asked for: a run that only loads exports needs none. Raises SparkUnavailable."""
        if self._session is None:
            self._session = open_session(self.settings)
            self._start()
        return self._session

    def close(self) -> None:
        """Let Spark go; does nothing where it was never asked for."""
        if self._session is not None:
            close_session(self._session)
            self._session = None
            self._shown.clear()
            self._apart.clear()
            self._kept.clear()
            self._kept_features = Kept(self)
            shutil.rmtree(self._folder_of_kept(""), ignore_errors=True)

    def _start(self) -> None:
        """What every session needs: the parameter views of this run, and workers that write where we read."""
        if not self.settings.spark.master.startswith("local") or self.settings.spark.remote:
            self._require_shared_folder()
        values = lint.to_spark(settings_select(self.settings), "params.settings", {}, {})
        for name, select in zip(PARAMETER_TABLES, (values, _DAYS), strict=True):
            self._view(name, partial(self._frame_of, select))

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────

    def read(self, sql: str, parameters: Parameters | None = None) -> pl.DataFrame:
        """The result of a SELECT of the portable subset. Raises dialect.Refused, SparkFailed."""
        sql = self._kept_features.reading(sql, parameters or {})
        with self.rows(sql, parameters or {}, "a query") as rows:
            found = run_by_spark("a query", lambda: pl.from_arrow(_arrow(rows)))
        assert isinstance(found, pl.DataFrame)
        return found

    def digest(self, sql: str, parameters: Parameters | None = None) -> str:
        from pyspark.sql import functions as f

        with self.rows(sql, parameters or {}, "a query") as rows:
            # Nulls are told apart from columns that are not there: xxhash64 passes over them.
            mark = f.xxhash64(*rows.columns, *(f.isnull(name) for name in rows.columns)).cast("decimal(20,0)")
            (told,) = run_by_spark("a query", rows.agg(f.count("*"), f.sum(mark)).collect)
        return f"spark {tuple(told)}"

    def keep(self, name: str, columns: Mapping[str, str], sql: str, parameters: Parameters) -> None:
        self._keep(name, columns, sql, parameters)
        self._forget_apart()

    def keep_feature(self, table: str, feature: str, select: str, parameters: Parameters) -> None:
        """No table has had this name before, so what is computed apart stays true."""
        self._keep(table, features()[feature].column_types(), select, parameters)

    def _keep(self, name: str, columns: Mapping[str, str], sql: str, parameters: Parameters) -> None:
        with self.rows(sql, parameters, "a query") as rows:
            self._put_down(f"temp.{name}", rows.select(*columns), "a query")
        self._kept[f"temp.{name}"] = columns

    def expect(self, asked: Callable[[], Asked]) -> None:
        self._kept_features.expect(asked)

    def finished(self, name: str) -> None:
        self._kept_features.finished(name)

    def is_empty(self, table: str) -> bool:
        """Asked of the catalog, or of DuckDB: a look by Spark would be a job of its own."""
        if (known := self._tables.get(table)) is None:
            return False
        return self.lake.is_empty(known) if self._is_in_lake(known) else self.local.is_empty(table)

    def let_go(self, table: str) -> None:
        self._take_up(f"temp.{table}")
        del self._kept[f"temp.{table}"]

    def _put_down(self, name: str, rows: DataFrame, file: str) -> None:
        """As files: of rows that Spark keeps itself it would plan all that they were made of again for each reader."""
        place = spark_path(self._folder_of_kept(name))
        run_by_spark(file, lambda: rows.write.mode("overwrite").parquet(place))
        self._view(name, lambda: self.session.read.schema(rows.schema).parquet(place))

    def _take_up(self, name: str) -> None:
        self.session.catalog.dropTempView(view_name(name))
        shutil.rmtree(self._folder_of_kept(name), ignore_errors=True)

    def _forget_apart(self) -> None:
        """What was computed apart, of tables as they were."""
        while self._apart:
            self._take_up(self._apart.pop())

    def _folder_of_kept(self, name: str) -> Path:
        return self.lake.root / "runs" / self._run_id / "kept" / name

    def partitions(self, table: Table) -> list[dt.date]:
        return self.lake.partitions(table)

    def rows_by_day(self) -> dict[dt.date, int]:
        return self.lake.rows_by_day()

    def drop_days(self, days: Sequence[dt.date]) -> None:
        self.lake.drop_days(days)
        self._shown.clear()
        self._forget_apart()
        self._kept_features.let_all_go()

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────

    def write(self, table: Table, snapshot_date: dt.date | None = None) -> Written:
        """Replace the table, or its partition, by its SELECT. Raises TableRefused, dialect.Refused, SparkFailed."""
        if table.select is None:
            raise ValueError(f"{table.full_name} has no SELECT: Python writes it")
        if snapshot_date is not None and not self._kept_features.may_have_rows(table):
            return self.write_frame(table, snapshot_date, pl.DataFrame())
        parameters = {"snapshot_date": snapshot_date}
        select = table.declared(self._kept_features.reading(table.select, parameters))
        with self.rows(select, parameters, table.file) as rows:
            rounded = rows.selectExpr(*_rounded(table.column_types()))
            return self.write_rows(table, snapshot_date, lambda folder: rounded.write.parquet(spark_path(folder)))

    def write_frame(self, table: Table, snapshot_date: dt.date, frame: pl.DataFrame) -> Written:
        """Replace the partition of a table that Python makes. Raises TableRefused."""
        rows = self.local.computed(table, frame, snapshot_date)

        def write(folder: Path) -> None:
            folder.mkdir(parents=True)
            self.local.frame_to_parquet(rows, folder / "part-0.parquet")

        return self.write_rows(table, snapshot_date, write)

    def write_rows(
        self,
        table: Table,
        day: dt.date | None,
        write: Callable[[Path], object],
        also: Callable[[], object] = lambda: None,
    ) -> Written:
        """Let `write` fill a folder, and make it the partition if the checks pass; else nothing has changed.

        Spark writes, and no more: DuckDB counts and checks what lies there, in the transaction that makes it the
        partition. `also` is done in the same.
        """
        folder, checks = self.lake.new_folder(table, day, self._run_id), tuple[CheckOutcome, ...]()

        def judge() -> None:
            nonlocal checks
            checks = self.local.passed(table, day, rows)
            also()

        try:
            run_by_spark(table.full_name, lambda: write(folder))
            rows = ds.dataset(folder, format="parquet").count_rows()
            self.lake.commit(table, day, folder, rows, judge)
        except Exception:  # what ends the run may come after the commit; the next one knows what is nobody's
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            self._shown.discard(table.full_name)
            self._forget_apart()
            self._kept_features.changed([table.full_name])
        return Written(rows, checks)

    # ── views ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def rows(
        self, sql: str, parameters: Parameters, file: str, others: Mapping[str, Mapping[str, str]] | None = None
    ) -> Iterator[DataFrame]:
        """The SELECT on Spark, not yet run, while what it reads is there. `others`: columns of views it may read, too.

        What was computed apart stays until something is written: the next query of a step reads much of the same.
        Raises dialect.Refused, SparkFailed; `file` is what they call it.
        """
        self._show_tables(sql, file)
        schemas = {name: table.column_types() for name, table in self._tables.items()}
        known = {**schemas, **parameter_columns(self.settings), **self._kept, **(others or {})}
        apart, text = lint.to_spark_in_steps(sql, file, known, parameters)
        try:
            for step in apart:
                if step.name not in self._apart:
                    self._put_down(step.name, self._run(file, step.text), file)
                    self._apart.add(step.name)
            yield self._run(file, text)
        finally:
            if others:
                self._forget_apart()

    def _run(self, file: str, spark_sql: str) -> DataFrame:
        return run_by_spark(file, lambda: self._frame_of(spark_sql))

    def _show_tables(self, sql: str, file: str) -> None:
        """The views of the tables that it reads."""
        for name in sorted(lint.tables_read(sql, file)):
            if name in self._tables and name not in self._shown:
                table = self._tables[name]
                self._show(self.lake.folders(table) if self._is_in_lake(table) else [self._handed_over(table)], table)

    def _frame_of(self, spark_sql: str) -> DataFrame:
        return self.session.sql(spark_sql)

    def _view(self, name: str, rows: Callable[[], DataFrame]) -> None:
        """What SQL reads as `name`. Raises SparkFailed."""
        run_by_spark(name, lambda: rows().createOrReplaceTempView(view_name(name)))

    def _show(self, places: Sequence[Path], table: Table) -> None:
        """The temporary view of a table over these folders or files. Raises SparkFailed."""
        self._view(table.full_name, lambda: self._rows_of(places, table))
        self._shown.add(table.full_name)

    def _rows_of(self, places: Sequence[Path], table: Table) -> DataFrame:
        """What lies in folders or files of the table; a column that they lack is null."""
        columns = table.column_types()
        if places:
            schema = ", ".join(f"`{name}` {spark_type(kind)}" for name, kind in columns.items())
            return self.session.read.schema(schema).parquet(*map(spark_path, places))
        nulls = ", ".join(f"CAST(NULL AS {spark_type(kind)}) AS `{name}`" for name, kind in columns.items())
        return self._frame_of(f"SELECT {nulls} WHERE FALSE")

    def _is_in_lake(self, table: Table) -> bool:
        return is_in_lake(table, bool(self.settings.spark.order_lines))

    def _refuse_mixed_order_lines(self) -> None:
        """Order lines come by one way, DuckDB's or Spark's: what the other way brought would silently be gone."""
        kind = self.local.scalar(
            "SELECT table_type FROM information_schema.tables "
            "WHERE table_schema = 'staging' AND table_name = 'order_lines'"
        )
        by_spark = bool(self.settings.spark.order_lines)
        if kind is None or (kind == "VIEW") == by_spark:
            return
        if self.local.scalar("SELECT count(*) FROM ingest.files WHERE input = 'order_lines' AND status = 'loaded'"):
            if by_spark:
                before, now = "the drop folder", "spark.order_lines"
            else:
                before, now = "spark.order_lines", "the drop folder"
            raise SettingsError(
                f"The order lines of this home came from {before}, and now they are to come from {now}. Use a home of "
                f"its own for that, or delete data/warehouse/{self.settings.warehouse_file.name} and all that is in "
                f"{lake_folder(self.settings)}, to load everything again."
            )
        # Made by an earlier run that loaded nothing.
        self.local.execute(f"DROP {kind.removeprefix('BASE ')} staging.order_lines")

    def _handed_over(self, table: Table) -> Path:
        """What DuckDB has loaded, as a file that Spark reads; made again only when it has changed."""
        state = self.local.execute(
            "SELECT file_id, mapping, status, accepted, lines FROM ingest.files WHERE input = $input ORDER BY file_id",
            {"input": table.name},
        )
        if table.schema == "ingest":  # of no input, and small
            state = self.local.execute(f"SELECT bit_xor(hash(noted)), count(*) FROM {table.full_name} AS noted")
        fingerprint = hashlib.sha256(json.dumps([state, table.column_types()]).encode()).hexdigest()[:16]
        folder = self.lake.root / "inputs"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{table.name}-{fingerprint}.parquet"
        for old in folder.glob(f"{table.name}-*"):
            if old != file:
                old.unlink()
        if not file.exists():
            aside = file.with_suffix(".part")
            self.local.export(f"SELECT * FROM {table.full_name}", {}, aside)
            fsync(aside)  # who finds the file believes it
            aside.rename(file)
        return file

    def _require_shared_folder(self) -> None:
        """Workers with a disk of their own would write there, and Spark would call it done."""
        folder, rows = self.lake.root / "runs" / "probe", 64
        try:
            writer = run_by_spark("a probe", lambda: self.session.range(0, rows, 1, 8).write.mode("overwrite"))
            run_by_spark("a probe", lambda: writer.parquet(spark_path(folder)))
            seen = ds.dataset(folder, format="parquet").count_rows() if folder.is_dir() else 0
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if seen != rows:
            raise LakeNotWritable(
                f"Spark's workers do not write where this machine reads: of {rows} rows of a probe in "
                f"{self.lake.root}, {seen} are here. Set spark.warehouse to a folder that all of them share."
            )


# ── helpers ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_DAYS = f"SELECT explode(sequence(DATE '{EARLIEST:%Y-%m-%d}', DATE '{LATEST:%Y-%m-%d}', INTERVAL 1 DAY)) AS day"


def spark_type(kind: str) -> str:
    """Spark's name of a type of the SQL headers."""
    return _SPARK_TYPES.get(kind, kind)


def _rounded(columns: Mapping[str, str]) -> list[str]:
    """Floats keep 10 significant digits, as on DuckDB: their sums differ beyond from run to run."""
    return [_significant(name) if kind == "DOUBLE" else f"`{name}`" for name, kind in columns.items()]


def _significant(name: str) -> str:
    column = f"`{name}`"
    power = f"pow(10D, {_SIGNIFICANT_DIGITS - 1} - floor(log10(abs({column}))))"
    rounded = f"sign({column}) * floor(abs({column}) * {power} + 0.5D) / {power}"
    return f"CASE WHEN abs({column}) BETWEEN 1e-200D AND 1e200D THEN {rounded} ELSE {column} + 0D END AS {column}"


def _arrow(frame: Any) -> pa.Table:
    """All rows of a DataFrame; Spark 3.5 can do it, but does not say so."""
    return frame.toArrow() if hasattr(frame, "toArrow") else pa.Table.from_batches(frame._collect_as_arrow())


def run_by_spark(what: str, do: Callable[[], Result]) -> Result:
    """Spark's errors carry pages of Java; the first line is what is wrong. Raises SparkFailed."""
    try:
        return do()
    except Exception as error:
        if not type(error).__module__.startswith(("pyspark", "py4j")):
            raise
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        reason = _reason(str(error)) or first
        # Not chained: Java's pages quote the cells that it stumbled over.
        raise SparkFailed(what, redacted(reason)[:400], frozenset(_CONDITION.findall(str(error)))) from None


def _reason(text: str) -> str:
    """The innermost cause of a Java error, where one is named."""
    causes = [line.strip() for line in text.splitlines() if line.strip().startswith("Caused by: ")]
    return causes[-1].removeprefix("Caused by: ").split(": ", 1)[-1] if causes else ""
