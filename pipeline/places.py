"""Places: where what is published lies below a home. Readers know these paths; nothing else writes them out."""

from __future__ import annotations

import datetime as dt
import os
from contextlib import suppress
from pathlib import Path

from pipeline.settings import Settings

_LONGEST_STEM = 80  # bytes: some file systems allow no name of more than 143
QUARANTINE = "data/quarantine"
AUDIENCES = "data/audiences"
PUBLISHED_VIEWS = "data/published.duckdb"
FOLDER_COLUMN = "day"
"""What the folder of a published partition is called; to readers of folders a column beside those of the file."""


def table_folder(table: str, snapshot_date: dt.date) -> str:
    """Not snapshot_date=…: that column stands in the file, and tools read the folder's name as one more column."""
    return f"data/marts/{table}/{FOLDER_COLUMN}={snapshot_date}"


def table_file(table: str, snapshot_date: dt.date) -> str:
    """Where a table of a snapshot lies in the home; readers need no name but that of the table."""
    return f"{table_folder(table, snapshot_date)}/{table}.parquet"


def audience_folder(snapshot_date: dt.date) -> str:
    return f"{AUDIENCES}/{snapshot_date}"


def is_for_platform(name: str) -> bool:
    """Whether a file of an audience, which has no dot in its name, is for a platform and holds addresses:
    loyal.klaviyo.csv, loyal.klaviyo-part01.csv, loyal.google_data_manager.json.
    """
    return name.endswith((".csv", ".json")) and name.count(".") == 2


def is_left_alone(inside: Path) -> bool:
    """Whether what lies there in a drop folder is no export: editors, transfer clients and systems left it."""
    return any(part.startswith((".", "_", "~$")) or part in ("Thumbs.db", "desktop.ini") for part in inside.parts)


def is_published(settings: Settings, day: dt.date) -> bool:
    return (settings.home / "data" / "audiences" / str(day) / "manifest.json").exists()


def published_days(home: Path) -> list[dt.date]:
    """Days whose publication is complete, ascending. A folder that is called otherwise is none of ours."""
    days = list[dt.date]()
    for manifest in (home / AUDIENCES).glob("????-??-??/manifest.json"):
        with suppress(ValueError):
            days.append(dt.date.fromisoformat(manifest.parent.name))
    return sorted(days)


def quarantine_file(path: str, file_id: str) -> str:
    """Where the quarantined rows of a file are, relative to the home."""
    return f"{QUARANTINE}/{_short(Path(path).name.split('.')[0])}{quarantine_ending(file_id)}"


def _short(stem: str) -> str:
    """So much of a name that ours, which are longer, are possible wherever the export's is; in whole characters."""
    named = os.fsencode(stem)
    return stem if len(named) <= _LONGEST_STEM else named[:_LONGEST_STEM].decode("utf-8", "ignore")


def quarantine_ending(file_id: str) -> str:
    return f"-{file_id[:8]}.parquet"
