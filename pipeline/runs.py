"""Runs started here instead of by Dagster's daemon: the same job, in this process, in the home's Dagster history."""

import datetime as dt
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg
import duckdb

from pipeline.days import DAY_TAG, LATEST, first_day
from pipeline.definitions import build_defs
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import PerennialError
from pipeline.failures import explain
from pipeline.home.locks import HomeBusy, HomeNotWritable, home_lock, home_lock_for_several
from pipeline.home.opening import opened
from pipeline.home.warehouse import warehouse_of
from pipeline.naming import JOB
from pipeline.places import published_days
from pipeline.progress import progress
from pipeline.settings import Settings
from pipeline.snapshots import Every, snapshot_days
from pipeline.steps.order_days import OrderDays, last_closed_day, order_days
from pipeline.tables.catalog import tables
from pipeline.tables.inputs import input_tables
from pipeline.tables.rules import EARLIEST


class RunFailed(PerennialError):
    """A run that did not publish; the message says what, where and what to do. `trace` is for --debug."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


@dataclass(frozen=True)
class Finished:
    """A run that published everything."""

    run_id: str
    snapshot_date: dt.date
    remark: str | None = None
    """What a person should know of the choice of the day; None where there was none, or nothing to say."""


def run_snapshot(
    settings: Settings, sources: Mapping[str, Sequence[str]], snapshot: dt.date | None,
    say: Callable[[str], None] = lambda _: None, verbose: bool = False, full: bool = False,
) -> Finished:  # fmt: skip
    """Load the exports and publish the snapshot; None = the day that `days` chooses. Raises RunFailed.

    `verbose`: every step has a line on the terminal. `full`: what earlier nights left to save time is not used.
    """
    config, remark, tags = _config(sources, verbose, full), None, {}
    if snapshot is not None:
        _check_day(settings, snapshot)
        _check_periods(settings, snapshot)
    with dg.DagsterInstance.get() as instance:
        known_before, job = first_day(settings), build_defs(settings).resolve_job_def(JOB)
        if snapshot is None or _is_before_all_orders(settings, snapshot):
            known = _load_exports(settings, instance, config, job)
            if snapshot is None:
                snapshot = known.to_publish(published_days(settings.home))
                remark = known.why(snapshot) if known.have_ended else None
                tags = {DAY_TAG: LATEST}
                _check_day(settings, snapshot)
                _check_periods(settings, snapshot)
                say(remark or f"As of {snapshot}, the last closed day.")
            _check_orders(settings, snapshot, known)
            if first_day(settings) != known_before:  # then there are other days than the job knows
                job = build_defs(settings).resolve_job_def(JOB)
        result = _execute(job, instance, config, str(snapshot), tags=tags)
    return Finished(result.run_id, snapshot, remark)


def run_range(
    settings: Settings, sources: Mapping[str, Sequence[str]], first: dt.date, last: dt.date, every: Every,
    say: Callable[[str], None], verbose: bool = False, full: bool = False,
) -> list[Finished]:  # fmt: skip
    """Load the exports once and publish the days of the range, ascending. Raises RunFailed at the first that fails.

    One run per day, so that each stands in Dagster's history and is published when it is done. The home is held from
    the first to the last: nobody's export or run comes in between.
    """
    _check_day(settings, last)
    days = snapshot_days(first, last, every)
    _check_day(settings, days[0])
    _check_periods(settings, days[0])
    finished: list[Finished] = []
    with dg.DagsterInstance.get() as instance, _home_for_range(settings, say):
        if _is_before_all_orders(settings, days[0]):
            job = build_defs(settings).resolve_job_def(JOB)
            _check_orders(settings, days[0], _load_exports(settings, instance, _config(sources, verbose, full), job))
        definitions = build_defs(settings, {"warehouse": warehouse_of(settings, days)})
        job, keys = definitions.resolve_job_def(JOB), None
        for number, day in enumerate(days, start=1):
            say(f"{settings.home.name} as of {day} ({number} of {len(days)})")
            config = progress(verbose) if finished else _config(sources, verbose, full)
            try:
                result = _execute(job, instance, config, str(day), asset_selection=keys)
            except RunFailed as failure:
                raise RunFailed(f"{failure} {_how_to_go_on(days, day)}", failure.trace) from failure
            finished.append(Finished(result.run_id, day))
            keys = keys or _keys_of_a_day(definitions)
    return finished


@contextmanager
def _home_for_range(settings: Settings, say: Callable[[str], None]) -> Iterator[None]:
    """The home in our hands for all days, lent to the run of each."""
    with ExitStack() as held:
        try:
            held.enter_context(
                home_lock_for_several(settings.home, f"range-{os.getpid()}", settings.lock_wait_seconds, say)
            )
        except (HomeBusy, HomeNotWritable) as error:
            raise RunFailed(str(error)) from error
        yield


def _how_to_go_on(days: Sequence[dt.date], failed: dt.date) -> str:
    done = [day for day in days if day < failed]
    span = " … ".join(dict.fromkeys(str(day) for day in (*done[:1], *done[-1:])))
    published = f"{span} ({len(done)} of {len(days)} days)" if done else "nothing"
    return (
        f"The range stopped at {failed}; published of it: {published}. "
        f"When that is fixed, give the same command again with --from {failed}."
    )


def _config(sources: Mapping[str, Sequence[str]], verbose: bool, full: bool) -> Mapping[str, Any]:
    paths = {name: list(patterns) for name, patterns in sources.items()}
    return {**progress(verbose), "ops": {"ingest": {"config": {"sources": paths, "full": full}}}}


def _execute(
    job: dg.JobDefinition, instance: dg.DagsterInstance, config: Mapping[str, Any], partition_key: str | None,
    asset_selection: Sequence[dg.AssetKey] | None = None, tags: Mapping[str, str] | None = None,
) -> dg.ExecuteInProcessResult:  # fmt: skip
    result = job.execute_in_process(
        run_config=config,
        instance=instance,
        partition_key=partition_key,
        asset_selection=asset_selection,
        tags=dict(tags or {}),
        raise_on_error=False,
    )
    if not result.success:
        raise RunFailed(*explain(result.all_events))
    return result


def _keys_of_a_day(definitions: dg.Definitions) -> list[dg.AssetKey]:
    """What belongs to a day; exports, staging and constants serve all days."""
    return [spec.key for spec in definitions.resolve_all_asset_specs() if spec.partitions_def]


def _ingest_keys() -> list[dg.AssetKey]:
    of_ingest = [table for table in tables().values() if table.schema == "ingest"]
    return [dg.AssetKey(table.full_name.split(".")) for table in (*of_ingest, *input_tables())]


def _is_before_all_orders(settings: Settings, day: dt.date) -> bool:
    """Whether no order of that day or an earlier one is known yet, and no setting says that it may be asked for."""
    if settings.first_snapshot is not None:
        return False
    known = _order_days(settings) if settings.warehouse_file.exists() else None
    return known is None or day < known.first


def _load_exports(
    settings: Settings, instance: dg.DagsterInstance, config: Mapping[str, Any], job: dg.JobDefinition
) -> OrderDays:
    """Load alone, without a day; what is then known of the days with an order. Raises RunFailed if there is none."""
    _execute(job, instance, config, None, asset_selection=_ingest_keys())
    known = _order_days(settings)
    if known is None:
        raise RunFailed(
            "There is no order in the warehouse up to the last closed day, so there is no day to publish. Load an "
            "export first."
        )
    return known


def _order_days(settings: Settings) -> OrderDays | None:
    try:
        with (
            home_lock(settings.home, f"days-{os.getpid()}", settings.lock_wait_seconds),
            opened(settings, read_only=True) as connection,
        ):
            return order_days(DuckDBEngine(connection), last_closed_day(settings))
    except duckdb.CatalogException:  # no run has made its tables yet
        return None
    except HomeBusy as busy:
        raise RunFailed(str(busy)) from busy


def _check_day(settings: Settings, day: dt.date) -> None:
    closed = last_closed_day(settings)
    if day > closed:
        raise RunFailed(
            f"{day} is not over in the shop's time zone ({settings.timezone}); the last closed day is {closed}. "
            f"Ask for that day or an earlier one."
        )
    if day < EARLIEST.date():
        raise RunFailed(
            f"{day} is before {EARLIEST.date()}: no order can be so old, so there is nothing to tell of that day. Ask "
            f"for a later one."
        )
    if settings.first_snapshot is not None and day < settings.first_snapshot:
        raise RunFailed(
            f"{day} is before the first snapshot, {settings.first_snapshot}. "
            f'Ask for a later day, or set first_snapshot = "{day}" in perennial.toml.'
        )


def _check_orders(settings: Settings, day: dt.date, known: OrderDays) -> None:
    if settings.first_snapshot is None and day < known.first:
        raise RunFailed(
            f"{day} is before the first order, of {known.first}: there is nothing to tell of it. "
            f"Ask for {known.first} or a later day."
        )


def _check_periods(settings: Settings, day: dt.date) -> None:
    for name, period in settings.asked_periods().items():
        if period.last > day:
            raise RunFailed(
                f"{name} is {period}, which ends after the snapshot {day}: nothing is known of the days between. "
                f"Ask for a period that is over by then, or for a later day."
            )
