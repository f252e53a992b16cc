"""Upgrading a home: what an older version wrote becomes what this one writes.

The warehouse knows how far it has come: `migrations.taken` holds every step that was taken. A run takes the missing
ones in their order, each in one transaction with its number, before any table is looked at; columns that were added,
left out or given another type need no step (`DuckDBEngine.prepare`). What is published is moved by `rename_folders`.
A warehouse that a newer version has touched is refused: nobody knows here what its columns mean.

To change a table in a way that its header alone does not tell, append a step; never change one that was released.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.engines.partitions import Partitions
from pipeline.errors import PerennialError
from pipeline.home.publishing import Publication
from pipeline.places import FOLDER_COLUMN
from pipeline.quoting import file_literal
from pipeline.reporting.site import OUT
from pipeline.settings import Settings
from pipeline.tables.header import RENAMED_COLUMNS

_OLD_FOLDER = "snapshot_date"
_CREATE = "CREATE TABLE IF NOT EXISTS migrations.taken (version INTEGER, what VARCHAR)"


class WarehouseTooNew(PerennialError):
    """The warehouse was made or changed by a newer version of Perennial."""


@dataclass(frozen=True)
class Step:
    """One change of a warehouse. `what` says it to people; `take` runs inside a transaction and finds any tables."""

    version: int
    what: str
    take: Callable[[DuckDBEngine, Settings], None]


def _rename_columns(engine: DuckDBEngine, settings: Settings) -> None:
    for table, columns in RENAMED_COLUMNS.items():
        for old, new in columns.items():
            if old in engine.column_types(table) and engine.is_table(table):
                engine.execute(f'ALTER TABLE {table} RENAME COLUMN "{old}" TO "{new}"')


def _list_partitions(engine: DuckDBEngine, settings: Settings) -> None:
    Partitions(engine.execute).fill()


STEPS: tuple[Step, ...] = (
    Step(1, "column day of survival_curves is called silent_days", _rename_columns),
    Step(2, "one catalog lists the partitions of all tables", _list_partitions),
    Step(3, "revenue of 12 months is no longer called value_at_stake", _rename_columns),
)

VERSION = STEPS[-1].version


def require_known(engine: DuckDBEngine, steps: tuple[Step, ...] = STEPS) -> int:
    """How far the warehouse has come: the last step it has taken, 0 if none. Raises WarehouseTooNew."""
    taken = engine.scalar("SELECT max(version) FROM migrations.taken") if engine.has("migrations.taken") else None
    known = steps[-1].version
    if (taken or 0) > known:
        raise WarehouseTooNew(
            f"The warehouse was written by a newer version of Perennial (its tables are at {taken}, this version knows "
            f"them up to {known}). Use that version, or start again with this one: move data/warehouse away and run; "
            f"the exports are loaded again, snapshots have to be asked for again."
        )
    return taken or 0


def migrate(engine: DuckDBEngine, settings: Settings, steps: tuple[Step, ...] = STEPS) -> list[str]:
    """Take the steps that are missing; one sentence for each. The caller holds the home. Raises WarehouseTooNew.

    A warehouse without tables begins with all of them behind it.
    """
    taken, said = require_known(engine, steps), []
    is_new = not engine.has("ingest.files")
    for step in steps:
        if step.version <= taken:
            continue
        with engine.transaction():
            engine.execute("CREATE SCHEMA IF NOT EXISTS migrations")
            engine.execute(_CREATE)
            if not is_new:
                step.take(engine, settings)
                said.append(f"The warehouse of an earlier version was upgraded: {step.what}.")
            given = {"version": step.version, "what": step.what}
            engine.execute("INSERT INTO migrations.taken VALUES ($version, $what)", given)
    return said


def rename_folders(home: Path) -> list[str]:
    """Published partitions of an older version, …/snapshot_date=<day>/, become …/day=<day>/; one sentence if any did.

    With them go what names them: manifests, and the links of reports. All in one publication, so that a run which is
    killed meanwhile leaves the old or the new. The caller holds the home, and nothing is left to recover.
    """
    folders: dict[str, list[Path]] = defaultdict(list)
    for folder in sorted((home / "data" / "marts").glob(f"*/{_OLD_FOLDER}=*")):
        folders[folder.name.partition("=")[2]].append(folder)
    if not folders:
        return []
    publication = Publication(home, "rename")
    manifests = []
    for day, of_day in folders.items():
        digests = {}
        for folder in of_day:
            publication.owns(folder.relative_to(home).as_posix())
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                target = file.relative_to(home).as_posix()
                renamed = target.replace(f"/{_OLD_FOLDER}={day}/", f"/{FOLDER_COLUMN}={day}/")
                digests[target] = (renamed, _stage(file, publication.file(renamed)))
        for page in sorted((home / OUT / day).glob("*.html")):
            text = page.read_text(encoding="utf-8")
            renamed = re.sub(rf"(/data/marts/\w+/){_OLD_FOLDER}={day}/", rf"\1{FOLDER_COLUMN}={day}/", text)
            publication.file(page.relative_to(home).as_posix()).write_text(renamed, encoding="utf-8")
        manifest = home / "data" / "audiences" / day / "manifest.json"
        if manifest.exists():
            target = manifest.relative_to(home).as_posix()
            publication.file(target).write_text(_renamed_manifest(manifest, digests), encoding="utf-8")
            manifests.append(target)
    publication.commit(last=manifests)
    return [
        f"Published tables of an earlier version were renamed: {_OLD_FOLDER}=<day> is now {FOLDER_COLUMN}=<day> "
        f"({len(folders):,} days)."
    ]


def _stage(file: Path, staged: Path) -> str | None:
    """The same content under its new name, without a copy where the disk can; its SHA-256 if it had to change."""
    renamed = RENAMED_COLUMNS.get(f"marts.{file.stem}", {})
    if file.suffix == ".parquet" and renamed.keys() & pl.read_parquet_schema(file).keys():
        names = ", ".join(f'"{old}" AS "{new}"' for old, new in renamed.items())
        rows = f"SELECT * RENAME ({names}) FROM read_parquet({file_literal(file)}, hive_partitioning = false)"
        with closing(duckdb.connect()) as connection:
            DuckDBEngine(connection).export(rows, {}, staged)
        return hashlib.sha256(staged.read_bytes()).hexdigest()
    try:
        os.link(file, staged)
    except OSError:  # a file system without hard links
        shutil.copy2(file, staged)
    return None


def _renamed_manifest(manifest: Path, digests: Mapping[str, tuple[str, str | None]]) -> str:
    content = json.loads(manifest.read_text(encoding="utf-8"))
    for entry in content["files"]:
        if entry["path"] in digests:
            entry["path"], changed = digests[entry["path"]]
            entry["sha256"] = changed or entry["sha256"]
    content["files"].sort(key=lambda entry: entry["path"])
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
