"""When things run: the job, the nightly schedule, the file-arrival sensor, the alert. What runs is in `assets`."""

import datetime as dt
import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from pipeline.days import DAY_TAG, LATEST, next_to_publish
from pipeline.failures import explain
from pipeline.history import runs_of
from pipeline.home.warehouse import UNDER_WAY, run_is_dead
from pipeline.naming import Naming
from pipeline.places import is_left_alone
from pipeline.settings import Settings
from pipeline.steps.order_days import last_closed_day
from pipeline.webhooks import post

AssetJob = Any  # what define_asset_job returns; Dagster does not export its type

SETTLED_SECONDS = 60
RETRIES = 2
SUNDAY = 7
"""Whose night uses nothing of earlier ones: what they left to save time is made anew once a week."""
_BUSY = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, *UNDER_WAY]


def nightly_job(
    naming: Naming,
    assets: Iterable[dg.AssetsDefinition],
    checks: Iterable[dg.AssetChecksDefinition],
    partitions_def: dg.PartitionsDefinition[str],
    tags: Mapping[str, str],
) -> AssetJob:
    """All of a home, in one process: ingest, tables, checks, publication. A blocking check stops all that follows.

    By name, so that nothing of others that are in the same code location runs along.
    """
    assets = list(assets)
    keys = [key for one in assets for key in one.keys]
    judged = [key for one in (*assets, *checks) for key in one.check_keys]
    return dg.define_asset_job(
        naming.job,
        selection=dg.AssetSelection.assets(*keys).without_checks() | dg.AssetSelection.checks(*judged),
        partitions_def=partitions_def,
        tags=tags,
        executor_def=dg.in_process_executor,
        description="From the exports to the published snapshot of a day.",
    )


def nightly_schedule(job: AssetJob, settings: Settings, naming: Naming) -> dg.ScheduleDefinition:
    @dg.schedule(
        job=job,
        name=naming.name("every_night"),
        cron_schedule=f"0 {settings.schedule_hour} * * *",
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="The snapshot of the day that has just closed, in the shop's time zone; once the data have ended, "
        "of the last day with an order.",
    )
    def every_night(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        night = context.scheduled_execution_time
        # By the night, not by the day it asks for: a night that failed must not keep the next one from trying again.
        closed = last_closed_day(settings, night)
        config = {"ops": {naming.name("ingest"): {"config": {"full": True}}}} if closed.isoweekday() == SUNDAY else {}
        return _request(next_to_publish(settings, night), str(closed), config)

    return every_night


def arrival_sensor(job: AssetJob, settings: Settings, naming: Naming) -> dg.SensorDefinition:
    @dg.sensor(
        job=job,
        name=naming.name("new_exports"),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="When files in data/exports have arrived and settled, publishes the day that every_night would.",
    )
    def new_exports(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        arrived = settled_files(settings.exports_folder, time.time())
        known = set(json.loads(context.cursor)) if context.cursor else set()
        new = sorted(arrived - known)
        if not new:
            return dg.SkipReason("No new file that has been unchanged for a minute.")
        runs = runs_of(context.instance, settings.home, job_name=naming.job, statuses=_BUSY)
        if not all(run_is_dead(context.instance, settings.home, run) for run in runs):
            return dg.SkipReason("A run is queued or under way; the files wait for the next look.")
        key = hashlib.sha256("\n".join(new).encode()).hexdigest()
        request = _request(next_to_publish(settings), key)
        if isinstance(request, dg.RunRequest):
            context.update_cursor(json.dumps(sorted(arrived)))
        return request

    return new_exports


def _request(
    day: dt.date | str, run_key: str, config: Mapping[str, Any] | None = None
) -> dg.RunRequest | dg.SkipReason:
    """A run for the day, or why there is none to run for.

    Dagster tries it again where it never came to a step (DAGSTER_YAML): it found the home or the warehouse in use, or
    was killed. What a step refused or met would only be refused again.
    """
    if isinstance(day, str):
        return dg.SkipReason(day)
    tags = {"dagster/max_retries": str(RETRIES), DAY_TAG: LATEST}
    return dg.RunRequest(run_key=run_key, partition_key=str(day), tags=tags, run_config=config)


def settled_files(folder: Path, now: float) -> set[str]:
    """The files below `folder` that have not changed for a minute, each as path, size and time of change."""
    files = set()
    for path in folder.rglob("*") if folder.is_dir() else ():
        inside = path.relative_to(folder)
        if not path.is_file() or is_left_alone(inside):
            continue
        state = path.stat()
        if now - state.st_mtime >= SETTLED_SECONDS:
            files.add(f"{inside.as_posix()} {state.st_size} {state.st_mtime_ns}")
    return files


def failure_alert(settings: Settings, naming: Naming, job: AssetJob | None = None) -> Iterator[dg.SensorDefinition]:
    """A sensor that tells the webhook of the settings; none if there is no webhook.

    Of all runs in the history, those of the command line and of the web UI's own jobs, too; or of `job` alone, where
    the history is shared with others.
    """
    if settings.failure_webhook is None:
        return

    @dg.run_failure_sensor(
        name=naming.name("failure_alert"),
        monitored_jobs=[job] if job else None,
        monitor_all_code_locations=job is None,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Posts failed runs to the webhook of the settings.",
    )
    def alert(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        # A run that died without a word has no failed step; then its own event says what is known.
        steps = context.get_step_failure_events()
        message = explain(steps)[0] if steps else context.failure_event.message or ""
        send_alert(settings, run.run_id, run.job_name, run.tags.get("dagster/partition"), message)

    yield alert


def send_alert(settings: Settings, run_id: str, job: str, partition: str | None, message: str) -> None:
    """POST one JSON object {text, run_id, job, snapshot_date}. The address is a secret and never logged."""
    if settings.failure_webhook is None:
        return
    text = f"Perennial: {job} for {partition or 'an unknown day'} failed. {message}"
    body = {"text": text, "run_id": run_id, "job": job, "snapshot_date": partition}
    post(settings.failure_webhook, body)
