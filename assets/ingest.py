"""Ingest: export files into staging, ledger and quarantine. Not partitioned: a file is loaded once."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dagster as dg
from pydantic import Field

from assets.common import asset_spec, check_results, check_specs
from pipeline.engines.engine import CheckOutcome
from pipeline.errors import ExportError
from pipeline.failures import told_by_us
from pipeline.home.warehouse import Warehouse
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.ingest.load import Export, Loaded
from pipeline.ingest.precedence import local_now
from pipeline.ingest.tombstones import find_tombstones
from pipeline.naming import Naming
from pipeline.steps.prediction.kept_file import forget_kept
from pipeline.tables.catalog import tables
from pipeline.tables.inputs import ORDERS, input_tables

LEDGER = tables()["ingest.files"]
OF_INGEST = tuple(table for table in tables().values() if table.schema == "ingest")
WRITTEN = (*OF_INGEST, *input_tables())
FILES_FIT = "every_file_fits"
_STEP = "ingest"


class IngestConfig(dg.Config):
    """What a run begins with. sources: which files to load, as source -> paths or globs; empty: all in the drop folder
    data/exports/<source>/."""

    sources: dict[str, list[str]] = Field(default_factory=dict)
    full: bool = Field(False, description="Use nothing that earlier nights left to save time: compute it anew")


def ingest_asset(naming: Naming) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=naming.name(_STEP),
        specs=[asset_spec(table, naming) for table in WRITTEN],
        check_specs=_check_specs(naming),
        required_resource_keys={naming.resource},
    )
    def ingest(
        context: dg.AssetExecutionContext, config: IngestConfig
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        """Load the exports that are new; fail, with all reasons, if one cannot be used."""
        warehouse = naming.warehouse(context)
        try:
            if config.full:
                warehouse.local.rebuild_whole()
                forget_kept(warehouse.settings)
            problems = _load(context, config, warehouse)
            outcomes = {table: warehouse.local.check(table) for table in OF_INGEST}
        except Exception as error:
            # Whatever it was: a run of the tables alone must see in the history that this load came to no good end.
            yield from check_results(LEDGER, naming, [CheckOutcome(FILES_FIT, 1, _why(error))])
            raise
        fits = CheckOutcome(FILES_FIT, len(problems), "\n".join(problems))
        failed = [check for checks in outcomes.values() for check in checks if not check.passed]
        for table, checks in outcomes.items():
            yield from check_results(table, naming, checks)
        yield from check_results(LEDGER, naming, [fits])
        if problems or failed:
            raise dg.Failure(
                "\n".join(problems + [f"{check.name}: {check.message}" for check in failed]), allow_retries=False
            )
        for table in WRITTEN:
            rows = warehouse.local.scalar(f"SELECT count(*) FROM {table.full_name}")
            yield dg.MaterializeResult(asset_key=naming.key(table), metadata={"dagster/row_count": rows})

    return ingest


def _check_specs(naming: Naming) -> list[dg.AssetCheckSpec]:
    fits = dg.AssetCheckSpec(
        FILES_FIT,
        asset=naming.key(LEDGER),
        blocking=True,
        description="Every file could be read, and at most the allowed share of its rows was quarantined",
    )
    return [*(spec for table in OF_INGEST for spec in check_specs(table, naming)), fits]


def _load(context: dg.AssetExecutionContext, config: IngestConfig, warehouse: Warehouse) -> list[str]:
    """Load what is new; returns what is wrong with files, in words for those who can fix them."""
    problems: list[str] = []
    try:
        for outcome in _outcomes(warehouse, config, local_now(warehouse.settings)):
            context.log.info(str(outcome) if isinstance(outcome, ExportError) else outcome.message)
            if isinstance(outcome, ExportError):
                problems.append(str(outcome))
                continue
            for remark in outcome.remarks if outcome.read_now else ():
                context.log.warning(f"{outcome.file}: {remark.message}")
            if outcome.status == "rejected":
                problems.append(outcome.example or outcome.message)
    except ExportError as error:
        problems.append(str(error))
    loaded = "SELECT count(*) FROM ingest.files WHERE status = 'loaded' AND input = $input"
    if not problems and not warehouse.local.scalar(loaded, {"input": ORDERS}):
        problems.append(_nothing_to_load(warehouse))
    return problems


def _outcomes(warehouse: Warehouse, config: IngestConfig, now: dt.datetime) -> Iterator[Loaded | ExportError]:
    """What became of each file; all that are new arrive now. Raises ExportError for what concerns them all."""
    exports = find_exports(warehouse.settings, config.sources)
    warehouse.confine(export.path for export in exports)
    yield from _read_by_spark(warehouse, exports, now)
    yield from load_exports(warehouse.local, warehouse.settings, exports, now)


def _why(error: Exception) -> str:
    """For the history: our own words, else the kind of the error alone, since texts of others may quote a cell."""
    if told_by_us(error):
        return str(error)
    return f"loading ended unexpectedly ({type(error).__name__}); run `perennial run --debug` to see where."


def refuse_after_failed_load(context: dg.AssetExecutionContext, naming: Naming) -> None:
    """Stop a step that runs apart from ingest when the last load failed: the warehouse then lacks what it should hold.

    Inside the nightly job a failed ingest stops everything by itself, and nothing is asked; the web UI runs single
    assets, and splits backfills into a run of ingest and runs of the rest.
    """
    if any(node.name == naming.name(_STEP) for node in context.job_def.nodes):
        return
    for key in sorted((spec.key for spec in _check_specs(naming)), key=lambda key: (key.name != FILES_FIT, key)):
        judged = _last_judgement(context.instance, key)
        if judged is not None and judged.problem is not None:
            raise dg.Failure(
                f"Nothing was built on the exports, because loading them failed in run {judged.run_id[:8]}: "
                f"{judged.problem} Fix that, run ingest, then this again.",
                allow_retries=False,
            )


@dataclass(frozen=True)
class _Judgement:
    """What a run of ingest said of a check at its end; `problem` is None if it passed."""

    at: float
    run_id: str
    problem: str | None


def _last_judgement(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> _Judgement | None:
    """The latest; None if there was none. A load whose run ended without a judgement (killed, say) has failed."""
    found = []
    for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=10):
        if record.event and isinstance(record.evaluation, dg.AssetCheckEvaluation):
            wrong = None if record.evaluation.passed else record.evaluation.description or f"check {key.name}."
            found.append(_Judgement(record.event.timestamp, record.run_id, wrong))
            continue
        run = instance.get_run_record_by_id(record.run_id)  # a run that waits for this one has judged nothing yet
        if run is not None and run.dagster_run.is_finished and not run.dagster_run.is_success:
            ended = run.end_time or record.create_timestamp
            found.append(_Judgement(ended, record.run_id, "it ended before the exports were loaded."))
    return max(found, key=lambda judgement: judgement.at, default=None)


def _read_by_spark(warehouse: Warehouse, exports: Sequence[Export], now: dt.datetime) -> list[Loaded]:
    """The order lines that the settings give to Spark. Raises ExportError."""
    if not warehouse.settings.spark.order_lines:
        return []
    if orders := [export.name for export in exports if export.source.input == ORDERS]:
        raise ExportError(
            f"{orders[0]} holds order lines, and spark.order_lines names others: choose one way. Take the file out of "
            f"the drop folder, or give it to Spark in canonical columns."
        )
    if find_tombstones(warehouse.settings):
        raise ExportError(
            "spark.order_lines are read without looking who was forgotten (perennial forget); load them by DuckDB."
        )
    from pipeline.ingest.spark_exports import load_order_lines

    return load_order_lines(warehouse.engine, now)


def _nothing_to_load(warehouse: Warehouse) -> str:
    folder = warehouse.settings.exports_folder
    return (
        f"There is nothing to work on: {folder} holds no export of orders and none was loaded before. "
        f"Put files into {folder}/<source>/, or name them with --source NAME=PATH."
    )
