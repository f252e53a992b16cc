"""Dagster's history of a home: its own event log in SQLite, with connections that stay open.

Dagster opens a database, compiles its statements and asks again which tables there are for each of the hundreds of
events of a run; on a small shop that took most of the run. dagster.yaml of a home names this class; the files are those
that Dagster would write.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

import dagster as dg
import sqlalchemy
from dagster._core.event_api import AssetRecordsFilter, EventRecordsResult
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log import SqliteEventLogStorage  # the module that dagster.yaml names, too
from dagster._core.storage.event_log.base import AssetRecord
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from sqlalchemy.pool import NullPool

from pipeline.settings import Settings

Found = TypeVar("Found")
_MadeCheck = tuple[dict[str, Any], dict[str, Any]]

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_IN_INDEX = {*ASSET_EVENTS, *ASSET_CHECK_EVENTS, *EVENT_TYPE_TO_PIPELINE_RUN_STATUS}
_CAN_WAIT = {
    dg.DagsterEventType.STEP_OUTPUT,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.STEP_SUCCESS,
}
"""What another event follows at once: the next of the step, the start of the next step, or the end of the run."""
_INSERT = SqlEventLogStorageTable.insert()
_INDEX = "index"
_BUSY_SECONDS = 30
_EVENTS_AT_ONCE = 1000
_RUNS_OPEN = 8  # the web UI may look at thousands, each with a file of its own
HOME_TAG = "perennial/home"
"""What the runs of a home are tagged with where its history is not its own: the folder."""


def runs_of(instance: dg.DagsterInstance, home: Path, **which: Any) -> Sequence[dg.DagsterRun]:
    """The runs of a home, as far as `which`, a filter of Dagster's, says.

    In a history of its own these are all. In one that is shared with other homes and other people's jobs, these are
    the runs of the home's job.
    """
    is_own = Path(instance.root_directory).resolve() == (home / ".dagster").resolve()
    return instance.get_runs(dg.RunsFilter(**which, tags=None if is_own else {HOME_TAG: str(home)}))


def forget_runs(instance: dg.DagsterInstance, settings: Settings, kept: Collection[dt.date]) -> int:
    """Remove the runs that ended before the oldest of the `keep_daily` newest snapshots, with all that was logged.

    `kept` are the snapshots that the home keeps. Returns how many runs were removed.
    """
    if not kept:
        return 0
    oldest = sorted(kept)[-settings.keep_daily :][0]
    before = dt.datetime.combine(oldest, dt.time(), ZoneInfo(settings.timezone))
    past = runs_of(instance, settings.home, statuses=_ENDED, updated_before=before)
    for run in past:
        instance.delete_run(run.run_id)
        shutil.rmtree(settings.home / ".dagster" / "storage" / run.run_id, ignore_errors=True)  # what it printed
    return len(past)


class EventLog(SqliteEventLogStorage):
    """The event log below `<home>/.dagster`; one connection per run and one for the index, in use one at a time.

    While a process runs a job it alone writes the home's assets (`home.locks`), so that what it has looked up of them
    holds until it writes of them itself. Dagster asks for the same again for every table that reads another one, and
    for every check. Whoever only looks, as the web UI does, always asks the files.

    What its steps have made is written with the event that follows, and before anything is asked of this log. A process
    that is killed may so take the end of its last step with it: it was killed within that step, as far as others see.
    """

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._connections: dict[str, sqlalchemy.Connection] = {}
        self._in_use = threading.RLock()
        self._tables_seen: set[str] = set()
        self._columns_seen: set[str] = set()
        self._known: dict[str, dict[Any, Any]] | None = None  # by asset; None: no job runs here
        self._waiting: list[dg.EventLogEntry] = []  # of the running job, to be written
        # What a run intends is known at once, and so it is written at once: Dagster hands it over in one batch.
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(_EVENTS_AT_ONCE))
        super().__init__(str(Path(base_dir) / "history" / "runs"), inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Mapping[str, Any]) -> Self:
        return cls(inst_data=inst_data, **config_value)

    def run_connection(self, run_id: str | None = None) -> AbstractContextManager[sqlalchemy.Connection]:
        assert run_id is not None
        return self._connection(run_id)

    def index_connection(self) -> AbstractContextManager[sqlalchemy.Connection]:
        return self._connection(_INDEX)

    def store_event(self, event: dg.EventLogEntry) -> None:
        """What a step has made waits for what comes next, or for somebody who asks: that is then one transaction."""
        kind = event.dagster_event_type
        with self._in_use:
            self._note(event, kind)
            self._waiting.append(event)
            if self._known is None or kind not in _CAN_WAIT:
                self._write_waiting()

    def _write_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._write(waiting)

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        self._write(events)

    def _write(self, events: Sequence[dg.EventLogEntry]) -> None:
        """All of them in one transaction per database; of one that fails, nothing stays."""
        of_runs: dict[str, list[dg.EventLogEntry]] = {}
        for event in events:
            of_runs.setdefault(event.run_id, []).append(event)
        with ExitStack() as transactions:
            for shard in (_INDEX, *of_runs):
                transactions.enter_context(self._connection(shard))
            for run_id, of_run in of_runs.items():
                self._store(run_id, of_run)

    def _store(self, run_id: str, events: Sequence[dg.EventLogEntry]) -> None:
        """The rows that Dagster would write, in few statements, which are compiled once."""
        rows = [self._event_to_row(event) for event in events]
        with self._connection(run_id) as log, self._connection(_INDEX) as index:
            log.execute(_INSERT, rows)
            shown = [(event, row) for event, row in zip(events, rows, strict=True) if _is_in_index(event)]
            if shown:
                index.execute(_INSERT, [row for _, row in shown])
                number = SqlEventLogStorageTable.c.id
                of_run = sqlalchemy.select(number).where(SqlEventLogStorageTable.c.run_id == run_id)
                newest = index.execute(of_run.order_by(number.desc()).limit(len(shown))).scalars()
                self._store_what_follows(index, shown, newest.all()[::-1])

    def _store_what_follows(
        self, index: sqlalchemy.Connection, events: Sequence[tuple[dg.EventLogEntry, Mapping[str, Any]]],
        numbers: Sequence[int],
    ) -> None:  # fmt: skip
        """What the index tells of assets and checks by the events that it has under these numbers."""
        planned, made = list[dict[str, Any]](), list[_MadeCheck]()
        for (event, row), number in zip(events, numbers, strict=True):
            kind = event.dagster_event_type
            if kind is dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
                planned += _planned_check(event, row, number)
            elif kind is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                made.append(_made_check(event, row, number))
            elif kind in ASSET_EVENTS:
                self.store_asset_event_tags([event], [number])
                self.store_asset_event(event, number)
        if planned:
            index.execute(AssetCheckExecutionsTable.insert(), planned)
        if made:
            _enter_made(index, made)

    # ── what a running job has looked up ──────────────────────────────────────────────────────────────────────────

    def _note(self, event: dg.EventLogEntry, kind: dg.DagsterEventType | None) -> None:
        if kind is dg.DagsterEventType.RUN_START:
            self._known = {}
        elif kind in _RUN_ENDS:
            self._known = None
        elif self._known and kind in ASSET_EVENTS and event.dagster_event and event.dagster_event.asset_key:
            self._known.pop(event.dagster_event.asset_key.to_string(), None)

    def _once(self, asset: dg.AssetKey, asked: str, ask: Callable[[], Found]) -> Found:
        if self._known is None:
            return ask()
        of_asset = self._known.setdefault(asset.to_string(), {})
        if asked not in of_asset:
            of_asset[asked] = ask()
        found: Found = of_asset[asked]
        return found

    def get_asset_records(self, asset_keys: Sequence[dg.AssetKey] | None = None) -> Sequence[AssetRecord]:
        if self._known is None or asset_keys is None:
            return super().get_asset_records(asset_keys)
        if missing := [key for key in asset_keys if "record" not in self._known.get(key.to_string(), {})]:
            found = {record.asset_entry.asset_key: record for record in super().get_asset_records(missing)}
            for key in missing:
                self._once(key, "record", partial(found.get, key))
        records = (self._known[key.to_string()]["record"] for key in asset_keys)
        return [record for record in records if record is not None]

    def get_latest_tags_by_partition(
        self, asset_key: dg.AssetKey, *what: Any, **others: Any
    ) -> Mapping[str, Mapping[str, str]]:
        ask = partial(super().get_latest_tags_by_partition, asset_key, *what, **others)
        return self._once(asset_key, f"tags {what} {others}", ask)

    def fetch_materializations(
        self, records_filter: dg.AssetKey | AssetRecordsFilter, *what: Any, **others: Any
    ) -> EventRecordsResult:
        ask = partial(super().fetch_materializations, records_filter, *what, **others)
        asset = records_filter if isinstance(records_filter, dg.AssetKey) else records_filter.asset_key
        return self._once(asset, f"materialized {records_filter} {what} {others}", ask)

    def has_table(self, table_name: str) -> bool:
        """Tables never go, so what has been seen is there."""
        if table_name not in self._tables_seen and super().has_table(table_name):
            self._tables_seen.add(table_name)
        return table_name in self._tables_seen

    def _has_asset_key_col_on_connection(self, conn: sqlalchemy.Connection, column_name: str) -> bool:
        """Nor do columns go."""
        if column_name not in self._columns_seen and super()._has_asset_key_col_on_connection(conn, column_name):
            self._columns_seen.add(column_name)
        return column_name in self._columns_seen

    def delete_events(self, run_id: str) -> None:
        """Of a run nothing is left: neither its own file nor, in the index, the space that its events took."""
        super().delete_events(run_id)
        with self.index_connection() as index:
            index.execute(AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id == run_id))
        with self._in_use:
            self._initialized_dbs.discard(run_id)
            self._close(run_id)
            for ending in ("", "-wal", "-shm"):
                Path(f"{self.path_for_shard(run_id)}{ending}").unlink(missing_ok=True)

    def dispose(self) -> None:
        super().dispose()
        with self._in_use:
            self._write_waiting()
            self._known = None
            for shard in list(self._connections):
                self._close(shard)

    @contextmanager
    def _connection(self, shard: str) -> Iterator[sqlalchemy.Connection]:
        """In a transaction: that of the caller, if it has one, or else one of its own."""
        with self._in_use:
            self._write_waiting()  # who asks is told all
            if shard not in self._connections:
                with super().run_connection(shard):
                    pass  # creates the database where there is none
                self._connections[shard] = self._connect_to(shard)
                self._close_oldest()
            connection = self._connections[shard]
            if connection.in_transaction():
                yield connection
            else:
                with connection.begin():
                    yield connection

    def _close_oldest(self) -> None:
        runs = [shard for shard in self._connections if shard != _INDEX]
        for shard in runs[:-_RUNS_OPEN]:
            self._close(shard)

    def _close(self, shard: str) -> None:
        if shard in self._connections:
            self._connections.pop(shard).close()

    def _connect_to(self, shard: str) -> sqlalchemy.Connection:
        engine = sqlalchemy.create_engine(
            self.conn_string_for_shard(shard),
            poolclass=NullPool,
            connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
        )
        connection = engine.connect()
        # With a write-ahead log this loses nothing when the process dies, only what a power cut takes.
        connection.execute(sqlalchemy.text("PRAGMA synchronous=NORMAL"))
        # What is deleted is overwritten: the events of a run that is past its time are gone for good.
        connection.execute(sqlalchemy.text("PRAGMA secure_delete=ON"))
        connection.commit()
        return connection


_RUN_ENDS = {dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED}
_CHECKS = AssetCheckExecutionsTable.c
_CHECKED = AssetCheckExecutionsTable.update().where(
    _CHECKS.asset_key == sqlalchemy.bindparam("of_asset_key"),
    _CHECKS.check_name == sqlalchemy.bindparam("of_check_name"),
    _CHECKS.run_id == sqlalchemy.bindparam("of_run_id"),
    _CHECKS.partition.is_not_distinct_from(sqlalchemy.bindparam("of_partition")),
)


def _is_in_index(event: dg.EventLogEntry) -> bool:
    return event.dagster_event_type in _IN_INDEX


def _enter_made(index: sqlalchemy.Connection, checks: Sequence[_MadeCheck]) -> None:
    """Write what came of checks to the rows that planned them."""
    named = [{f"of_{name}": value for name, value in which.items()} | state for which, state in checks]
    if index.execute(_CHECKED, named).rowcount == len(checks):
        return
    # Of a whole job Dagster plans checks for a day, and makes those of tables that have no days without one.
    for (which, state), one in zip(checks, named, strict=True):
        if not index.execute(_CHECKED, one).rowcount:
            index.execute(AssetCheckExecutionsTable.insert(), which | state)


def _made_check(
    event: dg.EventLogEntry, row: Mapping[str, Any], event_id: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Which check has been made, and what came of it."""
    assert event.dagster_event is not None
    made = event.dagster_event.asset_check_evaluation_data
    states, target = AssetCheckExecutionRecordStatus, made.target_materialization_data
    which = {
        "asset_key": made.asset_key.to_string(),
        "check_name": made.check_name,
        "run_id": event.run_id,
        "partition": made.partition,
    }
    state = {
        "execution_status": (states.SUCCEEDED if made.passed else states.FAILED).value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": event_id,
        "materialization_event_storage_id": target.storage_id if target else None,
    }
    return which, state


def _planned_check(event: dg.EventLogEntry, row: Mapping[str, Any], event_id: int) -> list[dict[str, Any]]:
    """Rows of the check that an event says will be made: one for each partition."""
    assert event.dagster_event is not None
    planned = event.dagster_event.asset_check_planned_data
    subset = planned.partitions_subset
    return [
        {
            "asset_key": planned.asset_key.to_string(),
            "check_name": planned.check_name,
            "partition": partition,
            "run_id": event.run_id,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            "evaluation_event": row["event"],
            "evaluation_event_timestamp": row["timestamp"],
            "evaluation_event_storage_id": event_id,
        }
        for partition in (subset.get_partition_keys() if subset else [None])
    ]
