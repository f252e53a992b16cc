"""Dagster's entrances: assets, job, schedule, sensors and the warehouse put together; nothing else.

`defs` is a code location of its own, for one home. `perennial_definitions` is a home in somebody else's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg

from assets.checks import warning_checks
from assets.common import daily_partitions
from assets.computed import computed_assets
from assets.deliveries import delivery_assets
from assets.digest import digest_assets
from assets.ingest import ingest_asset
from assets.marts import sql_assets
from assets.publication import publication_assets
from assets.retention import retention_asset
from pipeline.history import HOME_TAG
from pipeline.home.modes import for_owner_only
from pipeline.home.warehouse import warehouse_of
from pipeline.naming import Naming
from pipeline.progress import progress_logger
from pipeline.schedules import AssetJob, arrival_sensor, failure_alert, nightly_job, nightly_schedule
from pipeline.settings import Settings, SettingsError, load
from pipeline.tables.audiences import on_terms
from pipeline.tables.catalog import catalog_of


def build_defs(settings: Settings | None = None, resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """All definitions of a home; tests hand in their own settings and resources."""
    settings, naming = settings or load(), Naming()
    what, job = _of_home(settings, naming, {})
    return dg.Definitions(
        **what,
        schedules=[nightly_schedule(job, settings, naming)],
        sensors=[arrival_sensor(job, settings, naming), *failure_alert(settings, naming)],
        resources={naming.resource: warehouse_of(settings), **(resource_overrides or {})},
        loggers={"progress": progress_logger},
        executor=dg.in_process_executor,
    )


def perennial_definitions(
    home: Path | str,
    *,
    key_prefix: str | Sequence[str] = (),
    group: str | None = None,
    resource_key: str | None = None,
    job_name: str | None = None,
    schedules: bool = True,
) -> dg.Definitions:
    """A home inside a code location that has more: to be merged with the host's definitions and with other homes'.

    `key_prefix` stands before every asset key and, joined by __, before the names of steps, schedules and sensors; also
    of resource and job, where these are not given. `group` puts all assets into one group. Without `schedules` there is
    neither schedule nor sensor but the alert, and the host decides when the job runs.

    Nothing is set that is the code location's: no executor, no logger. The job runs in one process and holds the home's
    assets and checks alone; the alert, which is there where the home has a failure_webhook, tells of this job alone.

    Raises SettingsError, HeaderError, and NamingRefused for names that Dagster does not take.
    """
    settings = load(Path(home).absolute())
    if not settings.home.is_dir():
        raise SettingsError(f"{settings.home} is no folder: name the folder of a shop.")
    prefix = (key_prefix,) if isinstance(key_prefix, str) else tuple(key_prefix)
    naming = Naming.under(prefix, group, resource_key, job_name)
    what, job = _of_home(settings, naming, {HOME_TAG: str(settings.home)})
    return dg.Definitions(
        **what,
        schedules=[nightly_schedule(job, settings, naming)] if schedules else [],
        sensors=[
            *([arrival_sensor(job, settings, naming)] if schedules else []),
            *failure_alert(settings, naming, job),
        ],
        resources={naming.resource: warehouse_of(settings)},
    )


def _of_home(settings: Settings, naming: Naming, tags: Mapping[str, str]) -> tuple[dict[str, Any], AssetJob]:
    """Assets, checks and job, as Definitions take them; and the job, which `tags` its runs."""
    catalog, partitions = catalog_of(settings.home), daily_partitions(settings)
    catalog = replace(catalog, audiences=on_terms(catalog.audiences, settings.deliver))
    assets = [
        ingest_asset(naming),
        *sql_assets(catalog, naming, partitions),
        *computed_assets(naming, partitions),
        publication_assets(catalog, naming, partitions),
        *delivery_assets(settings, naming, partitions),
        *digest_assets(settings, naming, partitions),
        retention_asset(naming, partitions),
    ]
    checks = warning_checks(naming)
    job = nightly_job(naming, assets, checks, partitions, tags)
    return {"assets": assets, "asset_checks": checks, "jobs": [job]}, job


@dg.definitions
def defs() -> dg.Definitions:
    """What workspace.yaml loads: the home of PERENNIAL_HOME, else the current folder. Files of its runs are private."""
    for_owner_only()
    return build_defs()
