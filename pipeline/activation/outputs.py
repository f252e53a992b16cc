"""Outputs of a snapshot: its tables and audiences as files, and the manifest that lists them.

Files are written where `file(target)` says, aside from what readers see; putting them in place is `publishing`'s work.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.places import audience_folder, table_file
from pipeline.quoting import quoted
from pipeline.settings import Settings
from pipeline.tables.formulas import harmless, like_a_formula
from pipeline.tables.header import PARTITION_COLUMN, Table

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
_ID = "customer_id"
_MANIFEST = "manifest.json"
_MADE_WITH = ("inputs", "settings", "settings_fingerprint", "versions")


@dataclass(frozen=True)
class Output:
    """One published file."""

    path: str
    rows: int
    sha256: str
    ids_like_formulas: int = 0
    """Ids in a CSV that begin as a formula does; they stand there unaltered."""


@dataclass(frozen=True)
class Before:
    """What was published of a day before: its files that are still there, by path, and what they were made with."""

    files: Mapping[str, Output]
    made_with: Mapping[str, Any]


def published_before(home: Path, day: dt.date) -> Before | None:
    """As the manifest in place tells it; None if there is none to go by, or if other versions wrote the files."""
    try:
        content = json.loads((home / audience_folder(day) / _MANIFEST).read_text(encoding="utf-8"))
        formulas = content["ids_like_formulas"]
        files = [Output(**entry, ids_like_formulas=formulas.get(entry["path"], 0)) for entry in content["files"]]
        made_with = {name: content[name] for name in _MADE_WITH}
    except (OSError, ValueError, LookupError, TypeError):
        return None
    if made_with["versions"] != versions():
        return None
    return Before({one.path: one for one in files if (home / one.path).exists()}, made_with)


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
    # Joined once, not once per file.
    engine.execute(f"CREATE OR REPLACE TEMP TABLE audience_members AS {MEMBERS_SQL}", {"snapshot_date": day})
    kinds = engine.execute("SELECT column_name, column_type FROM (DESCRIBE audience_members)")
    texts = [quoted(name) for name, kind in kinds if kind == "VARCHAR" and name not in (_ID, "catalogue")]
    safe = f"* REPLACE ({', '.join(f'{harmless(text)} AS {text}' for text in texts)})"
    told = f"SELECT catalogue, segment, count(*) FROM audience_members WHERE {like_a_formula(_ID)} GROUP BY ALL"
    like_formulas = {(row[0], row[1]): row[2] for row in engine.execute(told)}
    for catalogue, segment in segments:
        parameters = {"catalogue": catalogue, "segment": segment}
        target = f"{audience_folder(day)}/{catalogue}/{segment}"
        outputs.append(_export(engine, _members("*"), parameters, f"{target}.parquet", file))
        ids = like_formulas.get((catalogue, segment), 0)
        outputs.append(_export(engine, _members(safe), parameters, f"{target}.csv", file, ids))
    engine.execute("DROP TABLE temp.audience_members")
    return outputs


def _members(columns: str) -> str:
    """The members of one audience. The order stands outermost: inside a subquery, a large file may lose it."""
    return (
        f"SELECT {columns} FROM (SELECT * EXCLUDE (catalogue) FROM audience_members "
        f"WHERE catalogue = $catalogue AND segment = $segment) AS members ORDER BY members.customer_id"
    )


def write_manifest(
    engine: DuckDBEngine, settings: Settings, day: dt.date, outputs: Iterable[Output], file: FileFor,
    made_with: Mapping[str, Any] | None = None,
) -> str:  # fmt: skip
    """What was published for `day`, from which files, with which settings and versions; returns its target.

    Holds no clock and no run: the same partition gives the same bytes. `made_with`: what most of it was made with, if
    that was not now.
    """
    listed = sorted(outputs, key=lambda output: output.path)
    content = {
        "snapshot_date": str(day),
        "files": [{"path": one.path, "rows": one.rows, "sha256": one.sha256} for one in listed],
        "ids_like_formulas": {one.path: one.ids_like_formulas for one in listed if one.ids_like_formulas},
        **(made_with or _made_with(engine, settings)),
    }
    target = f"{audience_folder(day)}/{_MANIFEST}"
    file(target).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return target


def _made_with(engine: DuckDBEngine, settings: Settings) -> dict[str, Any]:
    inputs = engine.read(
        "SELECT path, source, input, sha256, rows_read, accepted FROM ingest.files ORDER BY source, input, sha256"
    )
    values = (inputs.to_dicts(), settings.analytic(), settings.fingerprint(), versions())
    return dict(zip(_MADE_WITH, values, strict=True))


def versions() -> dict[str, str]:
    return {"perennial": __version__, **{name: version(name) for name in ("dagster", "duckdb", "polars", "plotly")}}


def _export(
    engine: DuckDBEngine, sql: str, parameters: Mapping[str, Any], target: str, file: FileFor,
    ids_like_formulas: int = 0,
) -> Output:  # fmt: skip
    path = file(target)
    rows = engine.export(sql, parameters, path, quote=(_ID,) if ids_like_formulas else ())
    with path.open("rb") as written:
        return Output(target, rows, hashlib.file_digest(written, "sha256").hexdigest(), ids_like_formulas)
