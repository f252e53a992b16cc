"""Precedence: which of two exports is the newer one.

A file counts as of the time it was exported at, where a column, its name or a setting tells that, else as of its
arrival, which `ingest.arrivals` keeps from the first time that ingest sees it. What belongs here: that order, and the
arrivals. Which rows give way to which, `load.merge` works out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.names import ordinals
from pipeline.settings import Settings
from pipeline.shapes import one_line

BELIEVED = dt.timedelta(days=1)
"""How much later than it was seen a file may say that something happened: clocks and zones differ."""

OLDEST_FIRST = "told_at, arrived_at, place, latest_at NULLS FIRST, lower(name), name, sha256, source"
"""SQL, over FILES: a total order of files, in which each stands by what is known of it alone."""

FILES = """
    SELECT
      files.file_id, coalesce(files.exported_at, arrivals.arrived_at) AS told_at, arrivals.arrived_at, arrivals.place,
      files.latest_at, arrivals.name, files.sha256, files.source
    FROM ingest.files AS files
    JOIN ingest.arrivals AS arrivals ON arrivals.file_id = files.file_id
"""
"""SQL: what the ledger knows of the age of each file."""


@dataclass(frozen=True)
class Arrival:
    """When a file arrived, and what tells it from others that arrived with it. Times are the shop's."""

    arrived_at: dt.datetime
    seen_at: dt.datetime
    place: str
    name: str

    @property
    def believed_until(self) -> dt.datetime:
        """Later times than this that the file names are no evidence of its age."""
        return self.seen_at + BELIEVED


def local_now(settings: Settings) -> dt.datetime:
    """The shop's time: asked once per ingest, and kept as the arrival of what is new. No analysis reads a clock."""
    return dt.datetime.now(ZoneInfo(settings.timezone)).replace(tzinfo=None, microsecond=0)


def note_arrivals(engine: DuckDBEngine, files: Iterable[tuple[str, str, str]], now: dt.datetime) -> None:
    """Keep the arrival of those of the files (file_id, place, name) that were never seen before; all arrive now.

    Of a file with several names, the last counts. Where the clock has gone back (in autumn, or set again), they arrive
    a second after those of before all the same.
    """
    known = {row[0] for row in engine.execute("SELECT file_id FROM ingest.arrivals")}
    new: dict[str, tuple[str, str]] = {}
    for file_id, *where in files:
        if file_id not in known:
            new[file_id] = max(new.get(file_id, ("", "")), (where[0], where[1]))
    with engine.transaction():
        _note_those_of_before(engine, now)
        last = engine.scalar("SELECT max(arrived_at) FROM ingest.arrivals")
        arrived_at = max(now, last + dt.timedelta(seconds=1)) if last else now
        for file_id, (place, name) in new.items():
            engine.execute(
                "INSERT INTO ingest.arrivals (file_id, arrived_at, seen_at, place, name) "
                "SELECT $file_id, CAST($arrived_at AS TIMESTAMP), CAST($now AS TIMESTAMP), $place, $name "
                "WHERE $file_id NOT IN (SELECT file_id FROM ingest.arrivals)",
                {"file_id": file_id, "arrived_at": arrived_at, "now": now, "place": place, "name": name},
            )


def _note_those_of_before(engine: DuckDBEngine, now: dt.datetime) -> None:
    """Files of homes older than the arrivals keep the order that they had: by their last order, as it was then."""
    columns = {row[0] for row in engine.execute("SELECT column_name FROM (DESCRIBE ingest.files)")}
    newest = "coalesce(newest, CAST(last_ordered_at AS VARCHAR))"
    if "newest" not in columns:
        newest = "CAST(last_ordered_at AS VARCHAR)"
    engine.execute(
        f"""
        INSERT INTO ingest.arrivals BY NAME
        SELECT
          file_id, least(coalesce(last_ordered_at, TIMESTAMP '1970-01-01'), CAST($now AS TIMESTAMP)) AS arrived_at,
          CAST($now AS TIMESTAMP) AS seen_at,
          printf('%09d', row_number() OVER (ORDER BY {newest} NULLS FIRST, quarantined DESC, sha256, source)) AS place,
          path AS name
        FROM ingest.files WHERE file_id NOT IN (SELECT file_id FROM ingest.arrivals)
        """,
        {"now": now},
    )


def arrival_of(engine: DuckDBEngine, file_id: str) -> Arrival:
    rows: Sequence[tuple[dt.datetime, dt.datetime, str, str]] = engine.execute(
        "SELECT arrived_at, seen_at, place, name FROM ingest.arrivals WHERE file_id = $file_id", {"file_id": file_id}
    )
    return Arrival(*rows[0])


def place_of(settings: Settings, path: Path) -> str:
    """What a file's path counts with, of those in the drop folder without the name of their source."""
    if path.is_relative_to(settings.exports_folder):
        return ordinals("/".join(path.relative_to(settings.exports_folder).parts[1:]))
    return ordinals(path.as_posix())


def shown_path(settings: Settings, path: Path) -> str:
    """Relative to the home if inside it, else the name alone; on one line whatever the name holds."""
    inside = path.is_relative_to(settings.home)
    return one_line(path.relative_to(settings.home).as_posix() if inside else path.name)
