"""Tables that Python computes, one step for those made together. What is computed is in `pipeline.steps.computed`."""

import datetime as dt
from collections.abc import Iterator, Sequence

import dagster as dg
import polars as pl

from assets.common import asset_spec, check_results, check_specs, figures, merged
from assets.ingest import refuse_after_failed_load
from pipeline.engines.engine import CheckOutcome, TableRefused
from pipeline.naming import Naming
from pipeline.steps.computed import STEPS, compute_of, tables_of


def computed_assets(naming: Naming, partitions_def: dg.PartitionsDefinition[str]) -> list[dg.AssetsDefinition]:
    return [_step(name, naming, partitions_def) for name in STEPS]


def _step(name: str, naming: Naming, partitions_def: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    written = tables_of(name)

    @dg.multi_asset(
        name=naming.name(name),
        specs=[asset_spec(table, naming, partitions_def) for table in written],
        check_specs=[check for table in written for check in check_specs(table, naming)],
        required_resource_keys={naming.resource},
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def compute(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        """Each date in turn; the dates of a range are computed in their order."""
        warehouse = naming.warehouse(context)
        refuse_after_failed_load(context, naming)
        outcomes: dict[str, dict[str, Sequence[CheckOutcome]]] = {table.name: {} for table in written}
        rows = dict.fromkeys(outcomes, 0)
        for day in sorted(dt.date.fromisoformat(key) for key in context.partition_keys):
            frames = compute_of(name)(warehouse.engine, warehouse.settings, day, context.log.info)
            for table in written:
                try:
                    result = warehouse.engine.write_frame(table, day, frames.get(table.name, pl.DataFrame()))
                except TableRefused as refused:
                    outcomes[table.name][str(day)] = refused.checks
                    yield from check_results(table, naming, merged(outcomes[table.name]))
                    raise dg.Failure(str(refused), allow_retries=False) from refused
                outcomes[table.name][str(day)] = result.checks
                rows[table.name] += result.rows
        warehouse.engine.finished(name)
        for table in written:
            yield from check_results(table, naming, merged(outcomes[table.name]))
            plotted = figures(warehouse.engine, table, rows[table.name], day)
            yield dg.MaterializeResult(asset_key=naming.key(table), metadata=plotted)

    return compute
