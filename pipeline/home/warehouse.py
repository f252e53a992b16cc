"""The warehouse resource: the home's DuckDB file, in the hands of one run at a time.

Taking it means: lock the home, finish or forget what a killed run left, tell Dagster which runs are dead, open the
file. Every asset and every check requires it, so that nothing runs in a home without the lock.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from time import time

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import Field, PrivateAttr

from pipeline.engines.duckdb import DuckDBEngine, confine
from pipeline.engines.engine import Engine
from pipeline.history import runs_of
from pipeline.home.locks import home_lock, run_is_alive, sweep
from pipeline.home.migrations import migrate, rename_folders
from pipeline.home.modes import set_right
from pipeline.home.opening import opened
from pipeline.home.publishing import recover
from pipeline.home.quarantine import scratch_folder
from pipeline.home.rewriting import finish_rekey, holds_raw_rows, remove_raw_rows, remove_unfinished
from pipeline.places import is_published
from pipeline.settings import Settings, load
from pipeline.steps.computed import asked_of
from pipeline.tables.catalog import Catalog, catalog_of
from pipeline.tables.header import Table

_QUIET_SECONDS = 60.0

UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


class Warehouse(DuckDBResource):
    """The open warehouse of a home: `settings` are the home's, as the definitions were made with them.

    `engine` runs the SQL files and all that is large. `local` is the home's DuckDB file, which has everything that is
    loaded or published within reach; where DuckDB is the engine, both are the same. `range_days` are the days of the
    range that the run is part of, if it is: a run each, ascending.
    """

    given: dg.ResourceDependency[Settings]
    runs_on: str | None = Field(default=None, description="duckdb or spark; else the setting engine of the home")
    range_days: list[str] = Field(default_factory=list)
    _settings: Settings | None = PrivateAttr(None)
    _engine: Engine | None = PrivateAttr(None)
    _local: DuckDBEngine | None = PrivateAttr(None)
    _unconfined: duckdb.DuckDBPyConnection | None = PrivateAttr(None)

    @property
    def settings(self) -> Settings:
        if self._settings is None:
            raise RuntimeError("the warehouse is open only while a run holds its home")
        return self._settings

    @property
    def catalog(self) -> Catalog:
        return catalog_of(self.settings.home)

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("the warehouse is open only while a run holds its home")
        self.confine()
        return self._engine

    @property
    def local(self) -> DuckDBEngine:
        if self._local is None:
            raise RuntimeError("the warehouse is open only while a run holds its home")
        self.confine()
        return self._local

    def confine(self, named: Iterable[Path] = ()) -> None:
        """From now on SQL reaches the files of the home and those `named`, no others. Only the first call counts.

        Ingest, which comes first in a run, names its exports; where it does not run, nothing outside is needed.
        """
        if self._unconfined is not None:
            confine(self._unconfined, self.settings, named)
            self._unconfined = None

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Warehouse"]:
        settings = self._asked()
        run_id = context.run_id or "outside-a-run"
        log = context.log.info if context.log else print
        with home_lock(settings.home, run_id, settings.lock_wait_seconds, log):
            set_right(settings)
            for sentence in (*recover(settings.home), *rename_folders(settings.home)):
                log(sentence)
            for left_by_the_killed in (settings.warehouse_file.parent / ".spill", scratch_folder(settings)):
                shutil.rmtree(left_by_the_killed, ignore_errors=True)
            if context.instance is not None:
                _report_dead_runs(context.instance, settings.home, run_id)
            _require_engine(settings)
            remove_unfinished(settings)
            with self.get_connection() as connection:  # waits for whoever has the file open
                is_of_before = holds_raw_rows(connection)
            if is_of_before and remove_raw_rows(settings):
                log("The text of quarantined rows has left the warehouse, which was written again.")
            if finish_rekey(settings):
                log("A rekey that was stopped is finished: snapshots with ids of before have left the warehouse.")
            with opened(settings, confined=False, on_wait=log) as connection:
                self._settings = settings
                self._local, self._unconfined = DuckDBEngine(connection), connection
                try:
                    for sentence in migrate(self._local, settings):
                        log(sentence)
                    with _engine_of(settings, self._local, run_id, log) as self._engine:
                        yield self
                finally:
                    self._engine = self._local = self._unconfined = self._settings = None
                    set_right(settings)

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The connection, closed whatever happens.

        The base class leaves it open after an error and retries every failure, also a path that can never be opened,
        for 102 seconds; here only a file that another process has open is waited for.
        """
        with opened(self._asked()) as connection:
            yield connection

    def _asked(self) -> Settings:
        """The settings that were given; only who asks for another engine, as the launchpad may, has them read again."""
        given = self.given
        if self.runs_on in (None, given.engine):
            return given
        return load(given.home, engine=self.runs_on, compare=given.compare, period=given.period)

    def later_snapshots(self, dates: list[date]) -> list[date]:
        """Published snapshots after the first of `dates`, without `dates` themselves.

        In a range only those before its next day: that day's run sees to itself and to what comes after it.
        """
        return self._later(dates, self.snapshots())

    def later_partitions(self, table: Table, dates: list[date]) -> list[date]:
        """The same, and the partitions that a day which was never published has left in the table.

        Later partitions go on from those. Where there is none, the day stopped before the table: nothing is made of it.
        """
        return self._later(dates, self.snapshots().union(self.engine.partitions(table)))

    def _later(self, dates: list[date], among: set[date]) -> list[date]:
        until = min(self.days_to_come(dates), default=date.max)
        return sorted(day for day in among if min(dates) < day < until and day not in dates)

    def snapshots(self) -> set[date]:
        """Published snapshots.

        Of a day that was not finished some tables may stand in the warehouse; it is none until its run is repeated.
        """
        return {day for day, rows in self.engine.rows_by_day().items() if rows and is_published(self.settings, day)}

    def days_to_come(self, dates: list[date]) -> list[date]:
        """The days of the range that follow in other runs."""
        return [day for day in map(date.fromisoformat, self.range_days) if day > max(dates)]


def warehouse_of(settings: Settings, range_days: Sequence[date] = ()) -> Warehouse:
    return Warehouse(database=str(settings.warehouse_file), given=settings, range_days=[str(day) for day in range_days])


def _require_engine(settings: Settings) -> None:
    """Asked before the file is made, so that a run that cannot be leaves nothing behind. Raises SparkUnavailable."""
    if settings.engine == "spark":
        from pipeline.engines.spark.session import require_available

        require_available(settings)


@contextmanager
def _engine_of(settings: Settings, local: DuckDBEngine, run_id: str, log: Callable[[str], object]) -> Iterator[Engine]:
    """The engine of the settings, ready for all tables."""
    all_tables = list(catalog_of(settings.home).tables.values())
    asked = partial(asked_of, all_tables)
    if settings.engine == "duckdb":
        for sentence in local.prepare(settings, all_tables):
            log(sentence)
        local.expect(asked)
        yield local
        return
    from pipeline.engines.spark.engine import SparkEngine

    engine = SparkEngine(local, settings, run_id)
    try:
        for sentence in engine.prepare(all_tables):
            log(sentence)
        engine.expect(asked)
        yield engine
    finally:
        engine.close()


def run_is_dead(instance: dg.DagsterInstance, home: Path, run: dg.DagsterRun) -> bool:
    """Whether a run that Dagster believes to be under way has lost its process."""
    if run.status not in UNDER_WAY or run_is_alive(home, run.run_id):
        return False
    if (home / ".perennial" / "runs" / f"{run.run_id}.lock").exists():
        return True
    # Without a lock file it may have just started, or have just let the home go and be about to say that it succeeded.
    last = instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
    return not last or time() - last[0].timestamp >= _QUIET_SECONDS


def _report_dead_runs(instance: dg.DagsterInstance, home: Path, this_run: str) -> None:
    """A killed run stays "started" in Dagster for ever; whoever holds the home next says that it failed."""
    for run in runs_of(instance, home, statuses=UNDER_WAY):
        if run.run_id != this_run and run_is_dead(instance, home, run):
            instance.report_run_failed(run, "The process of this run ended without a word (killed, or out of memory).")
    sweep(home)
