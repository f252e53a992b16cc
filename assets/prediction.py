"""Prediction: what the models make of a snapshot, as tables. The mathematics is in `pipeline.models`."""

import datetime as dt
from collections.abc import Iterator, Sequence

import dagster as dg
import polars as pl

from assets.common import asset_key, asset_spec, check_results, check_specs, merged
from assets.ingest import refuse_after_failed_load
from pipeline.catalog import tables
from pipeline.engines.engine import CheckOutcome, TableRefused
from pipeline.warehouse import Warehouse

NAMES = (
    "timing_predictions", "classifier_scores", "champions", "model_validation", "calibration_curve",
    "conditional_expectation", "tracking", "model_parameters", "model_fits",
)  # fmt: skip
INPUTS = ("staging.occasions", "staging.order_lines")


def prediction_assets(partitions_def: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    written = [tables()[f"marts.{name}"] for name in NAMES]
    upstream = [asset_key(name) for name in INPUTS]

    @dg.multi_asset(
        name="prediction",
        specs=[asset_spec(table, partitions_def).replace_attributes(deps=upstream) for table in written],
        check_specs=[check for table in written for check in check_specs(table)],
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def prediction(
        context: dg.AssetExecutionContext, warehouse: Warehouse
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        """Fit, test and apply the models of each date; without enough data they stay empty and the log says why."""
        from pipeline.prediction.nightly import Night, last_models
        from pipeline.prediction.rows import frames_of

        refuse_after_failed_load(context)
        outcomes: dict[str, dict[str, Sequence[CheckOutcome]]] = {table.name: {} for table in written}
        rows = dict.fromkeys(outcomes, 0)
        for day in sorted(dt.date.fromisoformat(key) for key in context.partition_keys):
            night = Night(warehouse.engine, warehouse.settings, day, last_models(_last_parameters(warehouse, day)))
            context.log.info(f"{day}: {night.why_not or night.sentence}")
            frames = frames_of(night)
            for table in written:
                try:
                    result = warehouse.engine.write_frame(table, day, frames.get(table.name, pl.DataFrame()))
                except TableRefused as refused:
                    outcomes[table.name][str(day)] = refused.checks
                    yield from check_results(table, merged(outcomes[table.name]))
                    raise dg.Failure(str(refused), allow_retries=False) from refused
                outcomes[table.name][str(day)] = result.checks
                rows[table.name] += result.rows
        for table in written:
            yield from check_results(table, merged(outcomes[table.name]))
            yield dg.MaterializeResult(asset_key=asset_key(table), metadata={"dagster/row_count": rows[table.name]})

    return prediction


def _last_parameters(warehouse: Warehouse, day: dt.date) -> list[tuple[str, str, float]]:
    """Parameters of the latest earlier snapshot: where the search may start; what it finds does not depend on them."""
    return warehouse.engine.execute(
        """
        SELECT model, parameter, estimate FROM marts.model_parameters
        WHERE snapshot_date = (
          SELECT max(snapshot_date) FROM marts.model_parameters WHERE snapshot_date < $snapshot_date
        )
        """,
        {"snapshot_date": day},
    )
