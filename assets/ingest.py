"""Ingest: export files into staging, ledger and quarantine. Not partitioned: a file is loaded once."""

from collections.abc import Iterator, Sequence

import dagster as dg
from pydantic import Field

from assets.common import asset_spec, check_results, check_specs
from pipeline.activation.outputs import write_quarantine
from pipeline.catalog import tables
from pipeline.engines.engine import CheckOutcome
from pipeline.exports import find_exports, load_exports
from pipeline.inputs import ORDERS, input_tables
from pipeline.loading import Export, Loaded
from pipeline.publishing import Publication
from pipeline.sources import ExportError
from pipeline.warehouse import Warehouse

LEDGER, QUARANTINE, REMARKS, IDENTITIES = (
    tables()[f"ingest.{name}"] for name in ("files", "quarantine", "remarks", "identities")
)
WRITTEN = (LEDGER, QUARANTINE, REMARKS, IDENTITIES, *input_tables())
FILES_FIT = "every_file_fits"


class IngestConfig(dg.Config):
    """Which files to load, as source -> paths or globs; empty: all in the drop folder data/exports/<source>/."""

    sources: dict[str, list[str]] = Field(default_factory=dict)


@dg.multi_asset(
    name="ingest",
    specs=[asset_spec(table) for table in WRITTEN],
    check_specs=[
        *check_specs(LEDGER),
        *check_specs(QUARANTINE),
        *check_specs(REMARKS),
        *check_specs(IDENTITIES),
        dg.AssetCheckSpec(
            FILES_FIT,
            asset=dg.AssetKey(["ingest", "files"]),
            blocking=True,
            description="Every file could be read, and at most the allowed share of its rows was set aside",
        ),
    ],
)
def ingest(
    context: dg.AssetExecutionContext, config: IngestConfig, warehouse: Warehouse
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    """Load the exports that are new; fail, with all reasons, if one cannot be used."""
    engine, problems = warehouse.local, list[str]()
    by_spark: list[Loaded] = []
    try:
        exports = find_exports(warehouse.settings, config.sources)
        by_spark = _read_by_spark(warehouse, exports)
    except ExportError as error:
        exports, problems = [], [str(error)]
    for outcome in (*by_spark, *load_exports(engine, warehouse.settings, exports)):
        context.log.info(str(outcome) if isinstance(outcome, ExportError) else outcome.message)
        if isinstance(outcome, ExportError):
            problems.append(str(outcome))
            continue
        for remark in outcome.remarks if outcome.read_now else ():
            context.log.warning(f"{outcome.file}: {remark.message}")
        if outcome.status == "rejected":
            problems.append(outcome.example or outcome.message)
    loaded = "SELECT count(*) FROM ingest.files WHERE status = 'loaded' AND input = $input"
    if not problems and not engine.scalar(loaded, {"input": ORDERS}):
        problems.append(_nothing_to_load(warehouse))
    _publish_quarantine(context, warehouse)

    outcomes = {table: engine.check(table) for table in (LEDGER, QUARANTINE, REMARKS, IDENTITIES)}
    fits = CheckOutcome(FILES_FIT, len(problems), "\n".join(problems))
    failed = [check for checks in outcomes.values() for check in checks if not check.passed]
    for table, checks in outcomes.items():
        yield from check_results(table, checks)
    yield from check_results(LEDGER, [fits])
    if problems or failed:
        raise dg.Failure(
            "\n".join(problems + [f"{check.name}: {check.message}" for check in failed]), allow_retries=False
        )
    for table in WRITTEN:
        rows = engine.scalar(f"SELECT count(*) FROM {table.full_name}")
        yield dg.MaterializeResult(asset_key=[table.schema, table.name], metadata={"dagster/row_count": rows})


def refuse_after_failed_load(context: dg.AssetExecutionContext) -> None:
    """Stop a step that runs apart from ingest when the last load failed: the warehouse then lacks what it should hold.

    Inside the nightly job a failed ingest stops everything by itself, and nothing is asked; the web UI runs single
    assets, and splits backfills into a run of ingest and runs of the rest.
    """
    if any(node.name == ingest.op.name for node in context.job_def.nodes):
        return
    for key in sorted(ingest.check_keys):
        records = context.instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
        # A run that waits for this one has planned the check and not judged it yet.
        judged = [
            (record.event.timestamp, record.run_id, record.evaluation)
            for record in records
            if record.event and isinstance(record.evaluation, dg.AssetCheckEvaluation)
        ]
        _, run_id, last = max(judged, key=lambda entry: entry[0], default=(0.0, "", None))
        if last and not last.passed:
            raise dg.Failure(
                f"Nothing was built on the exports, because loading them failed in run {run_id[:8]}: "
                f"{last.description or f'check {key.name}.'} Mend that, run ingest, then this again.",
                allow_retries=False,
            )


def _read_by_spark(warehouse: Warehouse, exports: Sequence[Export]) -> list[Loaded]:
    """The order lines that the settings give to Spark. Raises ExportError."""
    if not warehouse.settings.spark.order_lines:
        return []
    if orders := [export.name for export in exports if export.source.input == ORDERS]:
        raise ExportError(
            f"{orders[0]} holds order lines, and spark.order_lines names others: choose one way. Take the file out of "
            f"the drop folder, or give it to Spark in canonical columns."
        )
    from pipeline.spark_exports import load_order_lines

    return load_order_lines(warehouse.engine)


def _nothing_to_load(warehouse: Warehouse) -> str:
    folder = warehouse.settings.exports_folder
    return (
        f"There is nothing to work on: {folder} holds no export of orders and none was loaded before. "
        f"Put files into {folder}/<source>/, or name them with --source NAME=PATH."
    )


def _publish_quarantine(context: dg.AssetExecutionContext, warehouse: Warehouse) -> None:
    """Readable also when the run fails: these files are what the shop mends its export with."""
    publication = Publication(warehouse.settings.home, f"{context.run_id}-quarantine")
    publication.owns("data/quarantine")
    write_quarantine(warehouse.local, publication.file)
    publication.commit()
