"""Publication: tables, audiences and report of the snapshots, in place together or not at all.

One step and not three: readers must never see the report of one night beside the audiences of another.
"""

import datetime as dt
from collections.abc import Collection, Iterator

import dagster as dg

from assets.ingest import refuse_after_failed_load
from pipeline.activation import outputs
from pipeline.home.publishing import Publication
from pipeline.home.warehouse import Warehouse
from pipeline.places import audience_folder, table_folder
from pipeline.reporting.page import page_folders
from pipeline.reporting.site import RunCard, build_site
from pipeline.tables.catalog import Catalog

PARTS = {
    "tables": "Tables of the snapshot as Parquet: data/marts/<table>/day=<date>/",
    "audiences": "Every audience as Parquet and CSV, with a manifest: data/audiences/<date>/",
    "report": "The pages that people read: reports/out/<date>/index.html",
}


def publication_assets(catalog: Catalog, partitions_def: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    upstream = [dg.AssetKey([table.schema, table.name]) for table in catalog.published]
    upstream += [dg.AssetKey(["ingest", "files"]), dg.AssetKey(["ingest", "quarantine"])]

    @dg.multi_asset(
        name="publication",
        specs=[
            dg.AssetSpec(
                ["published", part],
                deps=upstream,
                description=description,
                group_name="published",
                owners=["team:crm"],
                kinds={"parquet"} if part != "report" else {"html"},
                partitions_def=partitions_def,
                metadata={"files": ", ".join(one.file for one in catalog.audiences)} if part == "audiences" else {},
            )
            for part, description in PARTS.items()
        ],
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def publication(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[dg.MaterializeResult[None]]:
        """Stage all files of all dates, then put them in place in one commit, each date's manifest last."""
        refuse_after_failed_load(context)
        asked = sorted(dt.date.fromisoformat(key) for key in context.partition_keys)
        dates = asked + warehouse.later_snapshots(asked)  # later snapshots compare with these, so they changed, too
        staged = Publication(warehouse.settings.home, context.run_id)
        files: dict[str, int] = dict.fromkeys(PARTS, 0)
        manifests = []
        for day in dates:
            _own_folders(catalog, staged, day)
            tables_written = outputs.write_tables(warehouse.local, catalog.published, day, staged.file)
            audiences = outputs.write_audiences(warehouse.local, catalog.audiences, day, staged.file)
            pages = _write_report(context, catalog, warehouse, staged, day, {*warehouse.snapshots(), *dates})
            written = [*tables_written, *audiences]
            manifests.append(outputs.write_manifest(warehouse.local, warehouse.settings, day, written, staged.file))
            for part, count in zip(PARTS, (len(tables_written), len(audiences), len(pages)), strict=True):
                files[part] += count
        staged.commit(last=manifests)
        for audience in catalog.audiences:
            if audience.not_applied:
                declared = ", ".join(audience.not_applied)
                context.log.info(f"{audience.file} declares {declared}; its files hold every member all the same.")
        context.log.info(f"Published {dates[0]}{f' … {dates[-1]}' if len(dates) > 1 else ''}.")
        for part, count in files.items():
            yield dg.MaterializeResult(asset_key=["published", part], metadata={"files": count})

    return publication


def _own_folders(catalog: Catalog, staged: Publication, day: dt.date) -> None:
    for table in catalog.published:
        staged.owns(table_folder(table.name, day))
    staged.owns(audience_folder(day))
    staged.owns(f"reports/out/{day}")


def _write_report(
    context: dg.AssetExecutionContext, catalog: Catalog, warehouse: Warehouse, staged: Publication, day: dt.date,
    snapshots: Collection[dt.date],
) -> list[str]:  # fmt: skip
    settings = warehouse.settings
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")  # when it was made; nothing is computed from it
    run = RunCard(context.run_id, now, outputs.versions(), settings.analytic(), settings.currency)
    folders = page_folders(settings.home)
    return build_site(warehouse.local.read, day, catalog.tables, run, snapshots, staged.file, folders)
