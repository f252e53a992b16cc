"""Dagster's entrance: assets, job, schedule, sensors and the warehouse put together; nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dagster as dg

from assets.checks import warning_checks
from assets.common import daily_partitions
from assets.computed import computed_assets
from assets.deliveries import delivery_assets
from assets.digest import digest_assets
from assets.ingest import ingest
from assets.marts import sql_assets
from assets.publication import publication_assets
from assets.retention import retention_asset
from pipeline.home.modes import for_owner_only
from pipeline.home.warehouse import warehouse_of
from pipeline.progress import progress_logger
from pipeline.schedules import arrival_sensor, failure_alert, nightly_job, nightly_schedule
from pipeline.settings import Settings, load
from pipeline.tables.audiences import on_terms
from pipeline.tables.catalog import catalog_of


def build_defs(settings: Settings | None = None, resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """All definitions of a home; tests hand in their own settings and resources."""
    settings = settings or load()
    catalog, partitions = catalog_of(settings.home), daily_partitions(settings)
    catalog = replace(catalog, audiences=on_terms(catalog.audiences, settings.deliver))
    job = nightly_job(partitions)
    return dg.Definitions(
        assets=[
            ingest,
            *sql_assets(catalog, partitions),
            *computed_assets(partitions),
            publication_assets(catalog, partitions),
            *delivery_assets(settings, partitions),
            *digest_assets(settings, partitions),
            retention_asset(partitions),
        ],
        asset_checks=warning_checks(),
        jobs=[job],
        schedules=[nightly_schedule(job, settings)],
        sensors=[arrival_sensor(job, settings), *failure_alert(settings)],
        resources={"warehouse": warehouse_of(settings), **(resource_overrides or {})},
        loggers={"progress": progress_logger},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What workspace.yaml loads: the home of PERENNIAL_HOME, else the current folder. Files of its runs are private."""
    for_owner_only()
    return build_defs()
