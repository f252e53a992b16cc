"""Retention: which snapshots a home keeps, and how the others leave it, from the warehouse and from what is published.

Kept are the newest `keep_daily` snapshots and the last one of each month (all months, or the newest `keep_monthly`);
so the latest snapshot always is. Exports, ledger and orders are no snapshots, nor is a folder that has but a date for a
name: nothing here touches them.

Files for platforms hold addresses. Of a snapshot that is kept they leave `keep_platform_days` after it, and the
manifest says so; what was sent of whom stays in the ledger. The text of quarantined rows leaves by its own age.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.engines.engine import Snapshots
from pipeline.engines.spark.lake import Lake
from pipeline.home.locks import home_lock
from pipeline.home.migrations import migrate, rename_folders, require_known
from pipeline.home.modes import set_right
from pipeline.home.opening import opened
from pipeline.home.publishing import Publication, recover
from pipeline.home.quarantine import remove_text, with_old_text
from pipeline.places import FOLDER_COLUMN, audience_folder, is_for_platform, published_days
from pipeline.reporting.site import OUT, build_entrance
from pipeline.settings import Settings
from pipeline.shapes import counted
from pipeline.tables.catalog import catalog_of

_RUN_ID = "prune"
_PLACES = (f"data/marts/*/{FOLDER_COLUMN}=", "data/audiences/", f"{OUT}/")  # what follows is the date


@dataclass(frozen=True)
class Plan:
    """What is past its time in a home, and what is kept."""

    expired: tuple[dt.date, ...]
    kept: tuple[dt.date, ...]
    folders: tuple[str, ...]
    bytes: int
    rows: int
    with_addresses: tuple[str, ...] = ()
    """Files for platforms, of snapshots that are kept."""
    quarantined: tuple[str, ...] = ()
    """Files of the quarantine with text past its time."""

    def __bool__(self) -> bool:
        """Whether there is anything to remove."""
        return bool(self.expired or self.with_addresses or self.quarantined)

    @property
    def of_age_alone(self) -> Plan:
        """Addresses and text past their time, and no snapshot."""
        kept = tuple(sorted((*self.kept, *self.expired)))
        return replace(self, expired=(), kept=kept, folders=(), bytes=0, rows=0)

    def __str__(self) -> str:
        """'24 snapshots, 2025-11-01 … 2025-12-30: 120.3 MiB of files and 1,000 rows of the warehouse'."""
        told = [self._snapshots()] if self.expired or not self else []
        if self.with_addresses:
            told.append(f"{counted(len(self.with_addresses), 'file')} with addresses, of platforms")
        if self.quarantined:
            told.append(f"the text of quarantined rows in {counted(len(self.quarantined), 'file')}")
        return "; ".join(told)

    def _snapshots(self) -> str:
        if not self.expired:
            return "no snapshot is past its time"
        span = str(self.expired[0]) + (f" … {self.expired[-1]}" if len(self.expired) > 1 else "")
        noun = "snapshot" if len(self.expired) == 1 else "snapshots"
        size = f"{self.bytes / 2**20:,.1f} MiB of files and {self.rows:,} rows of the warehouse"
        return f"{len(self.expired):,} {noun}, {span}: {size}"


def expired(days: Iterable[dt.date], keep_daily: int, keep_monthly: int | Literal["all"]) -> list[dt.date]:
    """Those of the snapshots that are past their time, ascending; never the latest."""
    newest_first = sorted(set(days), reverse=True)
    last_of_month = {(day.year, day.month): day for day in reversed(newest_first)}
    months = sorted(last_of_month.values(), reverse=True)
    kept = {*newest_first[: max(keep_daily, 1)], *(months if keep_monthly == "all" else months[:keep_monthly])}
    return sorted(set(newest_first) - kept)


def plan(settings: Settings, where: Snapshots, spare: Collection[dt.date] = ()) -> Plan:
    """What `prune` would remove now; snapshots in `spare` are kept even if they are past their time."""
    folders = _folders(settings.home)
    in_warehouse = where.rows_by_day()
    published = {*published_days(settings.home)}
    days = {*published, *in_warehouse}
    # Anybody can make a folder of the year 2999; it is not for its sake that the latest snapshot goes.
    latest = max(published & in_warehouse.keys(), default=max(days, default=None))
    gone = [day for day in expired(days, settings.keep_daily, settings.keep_monthly) if day not in {*spare, latest}]
    of_gone = [folder for day in gone for folder in folders.get(day, ())]
    return Plan(
        expired=tuple(gone),
        kept=tuple(sorted(days.difference(gone))),
        folders=tuple(of_gone),
        bytes=sum(_size(settings.home / folder) for folder in of_gone),
        rows=sum(in_warehouse.get(day, 0) for day in gone),
        with_addresses=tuple(
            file
            for day in sorted(days.difference(gone, spare))
            if latest and (latest - day).days > settings.keep_platform_days
            for file in _with_addresses(settings.home, day)
        ),
        quarantined=tuple(with_old_text(settings)),
    )


def prune(settings: Settings, where: Snapshots, run_id: str, what: Plan) -> None:
    """Remove the expired snapshots, the files with addresses, and old text. The caller holds the home lock.

    First what readers see, in one commit, with a list of snapshots that no longer names them; then the partitions, in
    one transaction. Whoever dies in between leaves partitions that the next `plan` finds again.
    """
    for file in what.quarantined:
        remove_text(settings.home / file)
    if not (what.expired or what.with_addresses):
        return
    publication = Publication(settings.home, run_id)
    for folder in what.folders:
        publication.owns(folder)
    for file in what.with_addresses:
        publication.removes(file)
    if what.expired and (settings.home / OUT / "index.html").exists():
        build_entrance(what.kept, settings.currency, publication.file)
    manifests = [f"{folder}/manifest.json" for folder in what.folders if folder in _audiences(what.expired)]
    publication.commit(last=[*manifests, *_manifests_without(what.with_addresses, settings.home, publication)])
    if what.expired:
        where.drop_days(what.expired)


def snapshots_of(settings: Settings, local: DuckDBEngine) -> Snapshots:
    """Who keeps the partitions of a home: its DuckDB file, or the lake beside it. Raises LakeNotWritable."""
    if settings.engine == "duckdb":
        return local
    lake = Lake(local, settings, catalog_of(settings.home).published)
    lake.require_usable()
    return lake


def prune_home(settings: Settings, dry_run: bool = False) -> Plan:
    """`perennial prune`: look, and unless it is a dry run remove, holding the home as a run does.

    Raises HomeBusy, HomeNotWritable, PublicationDamaged, LakeNotWritable.
    """
    if not settings.warehouse_file.exists():
        return Plan((), (), (), 0, 0)
    with home_lock(settings.home, _RUN_ID, settings.lock_wait_seconds):
        if not dry_run:
            recover(settings.home)
            rename_folders(settings.home)
        with opened(settings, read_only=dry_run) as connection:
            local = DuckDBEngine(connection)
            require_known(local)
            if not dry_run:
                migrate(local, settings)
            where = snapshots_of(settings, local)
            what = plan(settings, where)
            if not dry_run:
                prune(settings, where, _RUN_ID, what)
                set_right(settings)
    return what


def _with_addresses(home: Path, day: dt.date) -> list[str]:
    """The files of a day for platforms."""
    found = sorted((home / audience_folder(day)).rglob("*.*.*"))
    return [path.relative_to(home).as_posix() for path in found if is_for_platform(path.name) and path.is_file()]


def _manifests_without(files: Collection[str], home: Path, publication: Publication) -> list[str]:
    """The manifests that name these files, staged anew: they say that these were there and are removed."""
    written = []
    for folder in sorted({"/".join(file.split("/")[:3]) for file in files}):
        target = f"{folder}/manifest.json"
        try:
            told = json.loads((home / target).read_text(encoding="utf-8"))
            gone = [one for one in told["files"] if one["path"] in files]
        except (OSError, ValueError, LookupError, TypeError):
            continue  # there is none that says anything of them
        told["files"] = [one for one in told["files"] if one["path"] not in files]
        told["removed"] = sorted([*told.get("removed", []), *gone], key=lambda one: str(one["path"]))
        publication.file(target).write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(target)
    return written


def _audiences(days: Iterable[dt.date]) -> set[str]:
    return {audience_folder(day) for day in days}


def _folders(home: Path) -> dict[dt.date, list[str]]:
    """The folders of each snapshot among what is published, relative to the home."""
    found: dict[dt.date, list[str]] = {}
    for place in _PLACES:
        for path in sorted(home.glob(f"{place}*")):
            day = _date(path.name.rpartition("=")[2])
            if day is not None and path.is_dir():
                found.setdefault(day, []).append(path.relative_to(home).as_posix())
    return found


def _size(folder: Path) -> int:
    return sum(Path(top, name).lstat().st_size for top, _, names in os.walk(folder) for name in names)


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
