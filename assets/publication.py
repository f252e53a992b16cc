"""Publication: tables, audiences and report of the snapshots, in place together or not at all.

One step and not three: readers must never see the report of one night beside the audiences of another.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg

from assets.ingest import refuse_after_failed_load
from pipeline.activation import outputs
from pipeline.activation.coverage import consent_coverage, coverage_before
from pipeline.activation.handing_over import HandingOver
from pipeline.activation.ledger import deliver_to_folder, is_kept, opened_ledger, require_newest
from pipeline.activation.terms import Waterfall
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.home.people import people_at_hand
from pipeline.home.published_views import stage_views
from pipeline.home.publishing import Publication
from pipeline.home.warehouse import Warehouse
from pipeline.naming import Naming
from pipeline.places import audience_folder, published_days, table_file, table_folder
from pipeline.reporting.facts import Coverage, HandedOver
from pipeline.reporting.page import Page, page_folders
from pipeline.reporting.site import OUT, RunCard, build_site, page_file
from pipeline.settings import Settings
from pipeline.tables.catalog import Catalog
from pipeline.tables.header import Table

SentOn = dict[tuple[str, str], dt.date]
"""(platform, audience) -> the day on which any place beside the home last got rows of it."""
PARTS = {
    "tables": "Tables of the snapshot as Parquet: data/marts/TABLE/day=DATE/, and as views: data/published.duckdb",
    "audiences": "Every audience as Parquet, and as CSV if it asks for that, with a manifest: data/audiences/DATE/",
    "report": "The pages that people read: reports/out/DATE/index.html",
}


def publication_assets(
    catalog: Catalog, naming: Naming, partitions_def: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    upstream = [naming.key(table) for table in catalog.published]
    upstream += [naming.key("ingest.files"), naming.key("ingest.quarantine")]

    @dg.multi_asset(
        name=naming.name("publication"),
        specs=[
            dg.AssetSpec(
                naming.key(f"published.{part}"),
                deps=upstream,
                description=description,
                group_name=naming.group_of("published"),
                owners=["team:crm"],
                kinds={"parquet"} if part != "report" else {"html"},
                partitions_def=partitions_def,
                metadata={"files": ", ".join(one.file for one in catalog.audiences)} if part == "audiences" else {},
            )
            for part, description in PARTS.items()
        ],
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={naming.resource},
    )
    def publication(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        """Stage all files of all dates, then put them in place in one commit, each date's manifest last."""
        warehouse = naming.warehouse(context)
        refuse_after_failed_load(context, naming)
        settings, local = warehouse.settings, warehouse.local
        asked = sorted(dt.date.fromisoformat(key) for key in context.partition_keys)
        later = warehouse.later_snapshots(asked)
        snapshots = {*warehouse.snapshots(), *asked}
        staged = Publication(settings.home, context.run_id)
        files: dict[str, int] = dict.fromkeys(PARTS, 0)
        manifests = []
        consents = coverage_before(settings.home, {*snapshots} - {*asked, *later})
        for day in asked + later:
            what = _Part.of_later(catalog, settings, day) if day in later else _Part.whole(catalog, settings)
            _own_folders(staged, day, what)
            is_newest = day == max(snapshots) and not warehouse.days_to_come(asked)
            with _tables_beside(local, what.tables, day, staged) as tables:
                audiences, waterfalls, covered, sent_on = _write_audiences(
                    local, settings, catalog, day, staged, is_newest
                )
                handed_over = _handed_over(day, waterfalls, audiences, sent_on)
                consents = [*consents, *covered]
                pages = _write_report(context, catalog, warehouse, staged, day, what, snapshots, handed_over, consents)
            tables_written = tables.result()
            written = [*what.kept, *tables_written, *audiences]
            manifests.append(
                outputs.write_manifest(local, settings, day, written, staged.file, what.made_with, waterfalls, covered)
            )
            _tell(context, waterfalls)
            for part, count in zip(PARTS, (len(tables_written), len(audiences), len(pages)), strict=True):
                files[part] += count
        stage_views(staged, settings.home, catalog.published, {*published_days(settings.home), *asked})
        staged.commit(last=manifests)
        deliver_to_folder(settings)
        context.log.info(f"Published {asked[0]}{f' … {asked[-1]}' if len(asked) > 1 else ''}.")
        if later:
            context.log.info(f"What compares with earlier days was published again: {later[0]} … {later[-1]}.")
        for part, count in files.items():
            page = {"page": dg.MetadataValue.path(str(settings.home / OUT / str(asked[-1]) / "index.html"))}
            plotted: dict[str, Any] = {"files": count} | (page if part == "report" else {})
            yield dg.MaterializeResult(asset_key=naming.key(f"published.{part}"), metadata=plotted)

    return publication


@dataclass(frozen=True)
class _Part:
    """What of a day is published now: tables and pages, with files of before that stay, and all audiences.

    `analytic` are the settings that the tables were made with; `made_with` is what the manifest says of that, if it was
    not now.
    """

    tables: Sequence[Table]
    has_page: Callable[[Page], bool]
    analytic: Mapping[str, Any]
    kept: Sequence[outputs.Output] = ()
    made_with: Mapping[str, Any] | None = None

    @classmethod
    def whole(cls, catalog: Catalog, settings: Settings) -> "_Part":
        return cls(catalog.published, lambda _: True, settings.analytic())

    @classmethod
    def of_later(cls, catalog: Catalog, settings: Settings, day: dt.date) -> "_Part":
        """What compares with earlier days, of which one was written again, and what else is not there.

        Nothing of the rest has changed. Audiences tell who has come to a segment, and when: they compare.
        """
        before = outputs.published_before(settings.home, day)
        if before is None:
            return cls.whole(catalog, settings)
        same = [table for table in catalog.published if table not in catalog.histories]
        kept = {table.name: before.files.get(table_file(table.name, day)) for table in same}
        return cls(
            tables=[table for table in catalog.published if kept.get(table.name) is None],
            has_page=lambda page: not (page.of_its_day and (settings.home / page_file(page, day)).exists()),
            analytic=before.made_with["settings"],
            kept=[file for file in kept.values() if file is not None],
            made_with=before.made_with,
        )

    @property
    def is_whole(self) -> bool:
        return self.made_with is None


@contextmanager
def _tables_beside(
    local: DuckDBEngine, tables: Sequence[Table], day: dt.date, staged: Publication
) -> Iterator[Future[list[outputs.Output]]]:
    """The tables are written by a thread of their own: audiences and pages mostly keep one processor busy."""
    with local.exporting(), local.beside() as engine, ThreadPoolExecutor(1) as thread:
        yield thread.submit(outputs.write_tables, engine, tables, day, staged.file)


def _write_audiences(
    local: DuckDBEngine, settings: Settings, catalog: Catalog, day: dt.date, staged: Publication, is_newest: bool
) -> tuple[list[outputs.Output], list[Waterfall], list[Coverage], SentOn]:
    """All audiences, who agreed to what, and when lists were last sent elsewhere; none, where it is not known who must
    not be written to.

    Lists that are in force are those of the newest day; only these are delivered.
    """
    has_platforms = any(one.header.platforms for one in catalog.audiences)
    with people_at_hand(local, settings), ExitStack() as opened:
        handing, sent_on = None, SentOn()
        if is_newest and (has_platforms or is_kept(settings)):
            require_newest(local, settings)
            with opened_ledger(settings) as ledger:
                handing = opened.enter_context(closing(HandingOver(local, ledger.sent_before(day), day)))
                sent_on = ledger.last_sent_elsewhere()
        written, waterfalls = outputs.write_audiences(
            local, catalog.audiences, day, staged.file, settings.holdout_share, handing=handing
        )
        return written, waterfalls, consent_coverage(local, day), sent_on


def _tell(context: dg.AssetExecutionContext, waterfalls: Collection[Waterfall]) -> None:
    """What platforms got, in numbers."""
    for one in waterfalls:
        if one.platform:
            left = ", ".join(f"{step.replace('_', ' ')} {count:,}" for step, count in one.left_out.items())
            context.log.info(
                f"{one.audience} for {one.platform}: {one.delivered:,} of {one.members:,}"
                f"{f'; left out: {left}' if left else ''}."
            )


def _own_folders(staged: Publication, day: dt.date, what: _Part) -> None:
    for table in what.tables:
        staged.owns(table_folder(table.name, day))
    staged.owns(audience_folder(day))
    if what.is_whole:
        staged.owns(f"{OUT}/{day}")


def _write_report(
    context: dg.AssetExecutionContext, catalog: Catalog, warehouse: Warehouse, staged: Publication, day: dt.date,
    what: _Part, snapshots: Collection[dt.date], handed_over: Sequence[HandedOver], consents: Sequence[Coverage],
) -> list[str]:  # fmt: skip
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")  # when it was made; nothing is computed from it
    settings = warehouse.settings
    run = RunCard(
        context.run_id,
        now,
        outputs.versions(),
        what.analytic,
        what.analytic["currency"],
        settings.locale,
        settings.name,
    )
    folders = page_folders(settings.home)
    return build_site(
        warehouse.local.read, day, catalog.tables, run, snapshots, staged.file, folders, what.has_page, handed_over,
        consents,
    )  # fmt: skip


def _handed_over(
    day: dt.date, waterfalls: Collection[Waterfall], audiences: Collection[outputs.Output],
    sent_on: SentOn,
) -> list[HandedOver]:  # fmt: skip
    """What the report tells of audiences with terms: who was left out, the files that were written, and what of them
    came and went."""

    def files(one: Waterfall) -> tuple[str, ...]:
        stem = f"{audience_folder(day)}/{one.audience}"
        starts = (f"{stem}.{one.platform}.", f"{stem}.{one.platform}-") if one.platform else (f"{stem}.csv",)
        return tuple(output.path for output in audiences if output.path.startswith(starts))

    return [
        HandedOver(
            one.audience, one.platform, one.steps, files(one), one.channels, one.value, one.is_money, one.changes,
            sent_on.get((one.platform or "", one.audience)),
        )
        for one in waterfalls
    ]  # fmt: skip
