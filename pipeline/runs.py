"""Runs started here instead of by Dagster's daemon: the same job, in this process, in the home's Dagster history."""

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from pipeline.definitions import build_defs
from pipeline.engines.duckdb import DuckDBEngine, connect
from pipeline.exports import last_order_date
from pipeline.failures import explain
from pipeline.inputs import input_tables
from pipeline.locks import HomeBusy, home_lock
from pipeline.schedules import JOB, last_closed_day
from pipeline.settings import Settings

PROGRESS: Mapping[str, Any] = {"loggers": {"progress": {}}}


class RunFailed(Exception):
    """A run that did not publish; the message says what, where and what to do. `trace` is for --debug."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


@dataclass(frozen=True)
class Finished:
    """A run that published everything."""

    run_id: str
    snapshot_date: dt.date


def run_snapshot(settings: Settings, sources: Mapping[str, Sequence[str]], snapshot: dt.date | None) -> Finished:
    """Load the exports and publish the snapshot; None = the last day with an order. Raises RunFailed."""
    definitions = build_defs(settings)
    job = definitions.resolve_job_def(JOB)
    paths = {name: list(patterns) for name, patterns in sources.items()}
    config = {**PROGRESS, "ops": {"ingest": {"config": {"sources": paths}}}}
    with dg.DagsterInstance.get() as instance:
        if snapshot is None:
            _execute(settings, job, instance, config, None, asset_selection=_ingest_keys())
            try:
                snapshot = _latest(settings)
            except HomeBusy as busy:
                raise RunFailed(str(busy)) from busy
        _check_day(settings, snapshot)
        _check_periods(settings, snapshot)
        result = _execute(settings, job, instance, config, str(snapshot))
    return Finished(result.run_id, snapshot)


def _execute(
    settings: Settings, job: dg.JobDefinition, instance: dg.DagsterInstance, config: Mapping[str, Any],
    partition_key: str | None, asset_selection: Sequence[dg.AssetKey] | None = None,
) -> dg.ExecuteInProcessResult:  # fmt: skip
    result = job.execute_in_process(
        run_config=config,
        instance=instance,
        partition_key=partition_key,
        asset_selection=asset_selection,
        raise_on_error=False,
    )
    if not result.success:
        raise RunFailed(*explain(result.all_events))
    return result


def _ingest_keys() -> list[dg.AssetKey]:
    written = ["ingest.files", "ingest.quarantine", *(table.full_name for table in input_tables())]
    return [dg.AssetKey(name.split(".")) for name in written]


def _latest(settings: Settings) -> dt.date:
    with home_lock(settings.home, f"latest-{os.getpid()}", settings.lock_wait_seconds):
        connection = connect(settings.warehouse_file, settings, read_only=True)
        try:
            last = last_order_date(DuckDBEngine(connection))
        finally:
            connection.close()
    if last is None:
        raise RunFailed("There is no order in the warehouse, so there is no latest day. Load an export first.")
    return min(last, last_closed_day(settings))


def _check_day(settings: Settings, day: dt.date) -> None:
    closed = last_closed_day(settings)
    if day > closed:
        raise RunFailed(
            f"{day} is not over in the shop's time zone ({settings.timezone}); the last closed day is {closed}. "
            f"Ask for that day or an earlier one."
        )
    if day < settings.first_snapshot:
        raise RunFailed(
            f"{day} is before the first snapshot, {settings.first_snapshot}. "
            f'Ask for a later day, or set first_snapshot = "{day}" in perennial.toml.'
        )


def _check_periods(settings: Settings, day: dt.date) -> None:
    for name, period in settings.asked_periods().items():
        if period.last > day:
            raise RunFailed(
                f"{name} is {period}, which ends after the snapshot {day}: nothing is known of the days between. "
                f"Ask for a period that is over by then, or for a later --snapshot."
            )
