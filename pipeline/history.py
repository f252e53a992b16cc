"""Dagster's history of a home: its own event log in SQLite, with connections that stay open.

Dagster opens a database, and compiles its statements, for each of the hundreds of events of a run; on a small shop
that took most of the run. dagster.yaml of a home names this class; the files are those that Dagster would write.
"""

from __future__ import annotations

import datetime as dt
import shutil
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import dagster as dg
import sqlalchemy
from dagster._core.storage.event_log import SqliteEventLogStorage  # the module that dagster.yaml names, too
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from sqlalchemy.pool import StaticPool

from pipeline.settings import Settings

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_INDEX = "index"
_BUSY_SECONDS = 30
_RUNS_OPEN = 8  # the web UI may look at thousands, each with a file of its own


def forget_runs(instance: dg.DagsterInstance, settings: Settings, kept: Collection[dt.date]) -> int:
    """Remove the runs that ended before the oldest of the `keep_daily` newest snapshots, with all that was logged.

    `kept` are the snapshots that the home keeps. Returns how many runs were removed.
    """
    if not kept:
        return 0
    oldest = sorted(kept)[-settings.keep_daily :][0]
    before = dt.datetime.combine(oldest, dt.time(), ZoneInfo(settings.timezone))
    past = instance.get_runs(dg.RunsFilter(statuses=_ENDED, updated_before=before))
    for run in past:
        instance.delete_run(run.run_id)
        shutil.rmtree(settings.home / ".dagster" / "storage" / run.run_id, ignore_errors=True)  # what it printed
    return len(past)


class EventLog(SqliteEventLogStorage):
    """The event log below `<home>/.dagster`; one connection per run and one for the index, in use one at a time."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._engines: dict[str, sqlalchemy.Engine] = {}
        self._in_use = threading.RLock()
        super().__init__(str(Path(base_dir) / "history" / "runs"), inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Mapping[str, Any]) -> Self:
        return cls(inst_data=inst_data, **config_value)

    def run_connection(self, run_id: str | None = None) -> AbstractContextManager[sqlalchemy.Connection]:
        assert run_id is not None
        return self._connection(run_id)

    def index_connection(self) -> AbstractContextManager[sqlalchemy.Connection]:
        return self._connection(_INDEX)

    def delete_events(self, run_id: str) -> None:
        """Of a run nothing is left: neither its own file nor, in the index, the space that its events took."""
        super().delete_events(run_id)
        with self.index_connection() as index:
            index.execute(AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id == run_id))
        with self._in_use:
            self._initialized_dbs.discard(run_id)
            if run_id in self._engines:
                self._engines.pop(run_id).dispose()
            for ending in ("", "-wal", "-shm"):
                Path(f"{self.path_for_shard(run_id)}{ending}").unlink(missing_ok=True)

    def dispose(self) -> None:
        super().dispose()
        with self._in_use:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()

    @contextmanager
    def _connection(self, shard: str) -> Iterator[sqlalchemy.Connection]:
        with self._in_use:
            if shard not in self._engines:
                with super().run_connection(shard):
                    pass  # creates the database where there is none
                self._engines[shard] = self._engine(shard)
                self._close_oldest()
            with self._engines[shard].begin() as connection:
                yield connection

    def _close_oldest(self) -> None:
        runs = [shard for shard in self._engines if shard != _INDEX]
        for shard in runs[:-_RUNS_OPEN]:
            self._engines.pop(shard).dispose()

    def _engine(self, shard: str) -> sqlalchemy.Engine:
        engine = sqlalchemy.create_engine(
            self.conn_string_for_shard(shard),
            poolclass=StaticPool,
            connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
        )
        with engine.connect() as connection:
            # With a write-ahead log this loses nothing when the process dies, only what a power cut takes.
            connection.execute(sqlalchemy.text("PRAGMA synchronous=NORMAL"))
            # What is deleted is overwritten: the events of a run that is past its time are gone for good.
            connection.execute(sqlalchemy.text("PRAGMA secure_delete=ON"))
        return engine
