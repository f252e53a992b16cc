"""Outputs of a snapshot: its tables and audiences as files, and the manifest that lists them.

Files are written where `file(target)` says, aside from what readers see; putting them in place is `publishing`'s work.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.loading import quarantine_file
from pipeline.settings import Settings
from pipeline.sources import quoted
from pipeline.sql import FOLDER_COLUMN, PARTITION_COLUMN, Table

FileFor = Callable[[str], Path]

MEMBERS_SQL = """
    SELECT
      segments.catalogue, segments.customer_id, segments.segment, changes.changed_on, changes.previous_segment,
      scores.recency_days, scores.occasions, scores.revenue,
      scores.r_score, scores.f_score, scores.m_score,
      scores.recency_tier, scores.frequency_tier, scores.monetary_tier,
      summary.first_purchase_on, summary.last_purchase_on, summary.orders, summary.mean_order_value,
      summary.revenue_12_months
    FROM marts.rfm_segments AS segments
    JOIN marts.rfm_scores AS scores USING (snapshot_date, customer_id)
    JOIN marts.customer_summary AS summary USING (snapshot_date, customer_id)
    JOIN marts.segment_changes AS changes USING (snapshot_date, customer_id, catalogue)
    WHERE segments.snapshot_date = $snapshot_date
    ORDER BY segments.catalogue, segments.segment
"""
_AUDIENCE_TEXTS = ("customer_id", "segment", "previous_segment", "recency_tier", "frequency_tier", "monetary_tier")


@dataclass(frozen=True)
class Output:
    """One published file."""

    path: str
    rows: int
    sha256: str


def table_folder(table: str, snapshot_date: dt.date) -> str:
    """Not snapshot_date=…: that column stands in the file, and tools read the folder's name as one more column."""
    return f"data/marts/{table}/{FOLDER_COLUMN}={snapshot_date}"


def table_file(table: str, snapshot_date: dt.date) -> str:
    """Where a table of a snapshot lies in the home; readers need no name but that of the table."""
    return f"{table_folder(table, snapshot_date)}/{table}.parquet"


def audience_folder(snapshot_date: dt.date) -> str:
    return f"data/audiences/{snapshot_date}"


def write_tables(engine: DuckDBEngine, tables: Iterable[Table], day: dt.date, file: FileFor) -> list[Output]:
    """The partition of `day` of each table as one Parquet file, sorted by its key: equal rows are equal bytes."""
    outputs = []
    for table in tables:
        keys = ", ".join([key for key in table.header.grain if key != PARTITION_COLUMN] or [PARTITION_COLUMN])
        columns = ", ".join(map(quoted, table.header.columns))  # of a table made by an older version, in this order
        sql = f"SELECT {columns} FROM {table.full_name} WHERE snapshot_date = $snapshot_date ORDER BY {keys}"
        outputs.append(_export(engine, sql, {"snapshot_date": day}, table_file(table.name, day), file))
    return outputs


def write_audiences(engine: DuckDBEngine, day: dt.date, file: FileFor) -> list[Output]:
    """Each segment of each catalogue as Parquet and CSV; a segment without customers is a file without rows."""
    segments = engine.execute(
        "SELECT DISTINCT catalogue, segment FROM marts.segment_catalogue WHERE snapshot_date = $snapshot_date "
        "ORDER BY catalogue, segment",
        {"snapshot_date": day},
    )
    outputs = []
    safe = f"* REPLACE ({', '.join(map(_no_formula, _AUDIENCE_TEXTS))})"
    # Joined once, not once per file.
    engine.execute(f"CREATE OR REPLACE TEMP TABLE audience_members AS {MEMBERS_SQL}", {"snapshot_date": day})
    for catalogue, segment in segments:
        parameters = {"catalogue": catalogue, "segment": segment}
        target = f"{audience_folder(day)}/{catalogue}/{segment}"
        outputs.append(_export(engine, _members("*"), parameters, f"{target}.parquet", file))
        outputs.append(_export(engine, _members(safe), parameters, f"{target}.csv", file))
    engine.execute("DROP TABLE temp.audience_members")
    return outputs


def _members(columns: str) -> str:
    """The members of one audience. The order stands outermost: inside a subquery, a large file may lose it."""
    return (
        f"SELECT {columns} FROM (SELECT * EXCLUDE (catalogue) FROM audience_members "
        f"WHERE catalogue = $catalogue AND segment = $segment) AS members ORDER BY members.customer_id"
    )


def write_quarantine(engine: DuckDBEngine, file: FileFor) -> list[Output]:
    """The rows set aside, one Parquet file per export that has any. They are as they came, names and all: mode 0600."""
    files = engine.execute("SELECT file_id, path FROM ingest.files WHERE quarantined > 0 ORDER BY file_id")
    sql = "SELECT row_number, reasons, raw FROM ingest.quarantine WHERE file_id = $file_id ORDER BY row_number"
    outputs = []
    for file_id, path in files:
        target = quarantine_file(path, file_id)
        outputs.append(_export(engine, sql, {"file_id": file_id}, target, file))
        file(target).chmod(0o600)
    return outputs


def write_manifest(
    engine: DuckDBEngine, settings: Settings, day: dt.date, outputs: Iterable[Output], file: FileFor
) -> str:
    """What was published for `day`, from which files, with which settings and versions; returns its target.

    Holds no clock and no run: the same partition gives the same bytes.
    """
    inputs = engine.read(
        "SELECT path, source, input, sha256, rows_read, accepted FROM ingest.files ORDER BY source, input, sha256"
    )
    content = {
        "snapshot_date": str(day),
        "files": [asdict(output) for output in sorted(outputs, key=lambda output: output.path)],
        "inputs": inputs.to_dicts(),
        "settings": settings.analytic(),
        "settings_fingerprint": settings.fingerprint(),
        "versions": versions(),
    }
    target = f"{audience_folder(day)}/manifest.json"
    file(target).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return target


def versions() -> dict[str, str]:
    return {"perennial": __version__, **{name: version(name) for name in ("dagster", "duckdb", "polars", "plotly")}}


def _export(engine: DuckDBEngine, sql: str, parameters: Mapping[str, Any], target: str, file: FileFor) -> Output:
    path = file(target)
    rows = engine.export(sql, parameters, path)
    with path.open("rb") as written:
        return Output(target, rows, hashlib.file_digest(written, "sha256").hexdigest())


def _no_formula(name: str) -> str:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front."""
    column = quoted(name)
    starts = f"left({column}, 1) IN ('=', '+', '-', '@', chr(9), chr(13))"
    return f"CASE WHEN {starts} THEN '''' || {column} ELSE {column} END AS {column}"
