"""Retention: the last step of a night takes away the snapshots that are past their time."""

import datetime as dt

import dagster as dg

from assets.publication import PARTS
from pipeline.history import forget_runs
from pipeline.home.retention import plan, prune
from pipeline.naming import Naming


def retention_asset(naming: Naming, partitions_def: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=naming.name("retention"),
        specs=[
            dg.AssetSpec(
                naming.key("published.retention"),
                deps=[naming.key(f"published.{part}") for part in PARTS],
                description="Old snapshots leave warehouse, tables, audiences and report (keep_daily, keep_monthly), "
                "files with addresses before them (keep_platform_days), and the text of quarantined rows by its age "
                "(keep_quarantine_days)",
                group_name=naming.group_of("published"),
                owners=["team:data"],
                kinds={"duckdb", "parquet"},
                partitions_def=partitions_def,
            )
        ],
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={naming.resource},
    )
    def retention(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Only in a run of the latest snapshot, and none that was asked for: who asks for old days finds them."""
        warehouse = naming.warehouse(context)
        asked = [dt.date.fromisoformat(key) for key in context.partition_keys]
        of_range = [dt.date.fromisoformat(day) for day in warehouse.range_days]
        if warehouse.days_to_come(asked):
            context.log.info("More days of the range follow; old snapshots stay until the last of them.")
            return dg.MaterializeResult(metadata={"snapshots": 0, "bytes": 0})
        what = plan(warehouse.settings, warehouse.engine, spare=asked + of_range)
        if max(asked) < max(what.kept):
            context.log.info("An older day was asked for; old snapshots stay until the next run of the latest day.")
            what = what.of_age_alone
        prune(warehouse.settings, warehouse.engine, f"{context.run_id}-retention", what)
        if what:
            context.log.info(f"Removed {what}.")
        if runs := forget_runs(context.instance, warehouse.settings, what.kept):
            context.log.info(f"Removed {runs:,} runs of that time from the history.")
        return dg.MaterializeResult(
            metadata={"snapshots": len(what.expired), "bytes": what.bytes, "files": len(what.with_addresses)}
        )

    return retention
