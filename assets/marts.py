"""Every SQL file with a SELECT as an asset: staging tables, whole; marts, one partition per snapshot date."""

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence

import dagster as dg

from assets.common import asset_spec, check_results, check_specs, figures, merged
from assets.ingest import refuse_after_failed_load
from pipeline.engines.engine import CheckOutcome, TableRefused
from pipeline.home.warehouse import Warehouse
from pipeline.naming import Naming
from pipeline.tables.catalog import Catalog
from pipeline.tables.header import Table


def sql_assets(
    catalog: Catalog, naming: Naming, partitions_def: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    return [
        _asset(table, naming, partitions_def, table in catalog.histories)
        for table in catalog.tables.values()
        if table.select
    ]


def _asset(
    table: Table, naming: Naming, partitions_def: dg.PartitionsDefinition[str], is_history: bool
) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=naming.name(f"{table.schema}__{table.name}"),
        specs=[_spec(table, naming, partitions_def)],
        check_specs=check_specs(table, naming),
        required_resource_keys={naming.resource},
        partitions_def=partitions_def if table.is_partitioned else None,
        backfill_policy=dg.BackfillPolicy.single_run() if table.is_partitioned else None,
    )
    def build(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        warehouse = naming.warehouse(context)
        if table.reads:
            refuse_after_failed_load(context, naming)
        dates = _dates(context, warehouse, table, is_history)
        outcomes: dict[str, Sequence[CheckOutcome]] = {}
        rows = 0
        for day in dates:
            try:
                written = warehouse.engine.write(table, day)
            except TableRefused as refused:
                outcomes[str(day or table.full_name)] = refused.checks
                yield from check_results(table, naming, merged(outcomes))
                raise dg.Failure(str(refused), allow_retries=False) from refused
            outcomes[str(day or table.full_name)] = written.checks
            rows += written.rows
        warehouse.engine.finished(table.full_name)
        yield from check_results(table, naming, merged(outcomes))
        yield dg.MaterializeResult(
            metadata=figures(warehouse.engine, table, rows, max(filter(None, dates), default=None))
        )

    return build


def _spec(table: Table, naming: Naming, partitions_def: dg.PartitionsDefinition[str]) -> dg.AssetSpec:
    version = hashlib.sha256((table.select or "").encode()).hexdigest()[:12]
    spec = asset_spec(table, naming, partitions_def if table.is_partitioned else None)
    return spec.replace_attributes(code_version=version)


def _dates(
    context: dg.AssetExecutionContext, warehouse: Warehouse, table: Table, is_history: bool
) -> Sequence[dt.date | None]:
    """The snapshot dates to write, ascending; a history table also rewrites its later partitions."""
    if not table.is_partitioned:
        return [None]
    asked = sorted(dt.date.fromisoformat(key) for key in context.partition_keys)
    if not is_history:
        return asked
    later = warehouse.later_partitions(table, asked)
    if later:
        context.log.info(
            f"{table.full_name}: {len(later)} later snapshots ({later[0]} … {later[-1]}) compare with what was "
            f"written now and are written again."
        )
    return asked + later
