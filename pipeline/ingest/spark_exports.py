"""Order lines that Spark reads itself: Parquet, CSV or JSON lines in canonical columns, on any path that Spark sees.

They are what does not fit through one machine. An entry of `spark.order_lines` is one export, of however many files;
it is mapped, judged by the contract and, if it is new, taken into `staging.order_lines` of the lake, as `load` does
with a file: every row is accepted, quarantined with its reasons, or superseded. What belongs here: that way. Layouts of
shops, encodings, dialects and exchange rates are the business of DuckDB's reader and the drop folder.
"""

from __future__ import annotations

import datetime as dt
import difflib
import glob
import hashlib
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.dialect import WITH_OFFSET
from pipeline.engines.engine import Engine
from pipeline.engines.spark.engine import SparkEngine, SparkFailed, run_by_spark, spark_type
from pipeline.engines.spark.session import spark_path
from pipeline.engines.spark.sql import SPACES, view_name
from pipeline.errors import ExportError
from pipeline.home.quarantine import name_rows, write_rows
from pipeline.ingest.load import KINDS_OF, Loaded, mapping_key
from pipeline.ingest.precedence import arrival_of, local_now, note_arrivals
from pipeline.ingest.sources import ROW_NUMBER, Source, find_sources, looks_like_a_name
from pipeline.names import ordinals
from pipeline.places import quarantine_file
from pipeline.sections.exports import ChargeProducts
from pipeline.settings import Settings
from pipeline.shapes import currency_sql, shape_sql
from pipeline.tables.header import Table
from pipeline.tables.inputs import INPUTS, ORDERS, filling
from pipeline.tables.rules import row_rules, sql_type

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FILE_ID_PREFIX = "spark-"
"""How the ledger tells what Spark has read from what DuckDB has."""

_FORMATS = {".parquet": "parquet", ".csv": "csv", ".json": "json", ".jsonl": "json", ".ndjson": "json"}
_COMPRESSED = {".gz", ".bz2", ".zst", ".lz4", ".snappy"}
_CORRUPT = "_unreadable_row"
_READING = "FAILED_READ_FILE"  # Spark's word for a file that is not what the others are
_OFFSET = WITH_OFFSET.replace("\\", "\\\\")  # in a literal of Spark, a backslash is written twice
# Spark takes 2026 or 2026-03 for days, too, and drops any zone it knows
_MOMENT = (
    r"^\\d{4}-\\d{1,2}-\\d{1,2}"
    r"([ T]\\d{1,2}:\\d{1,2}(:\\d{1,2}(\\.\\d+)?)?(\\s?(Z|UTC|GMT|[+-]\\d\\d(:?\\d\\d)?))?)?$"
)
_INPUT = INPUTS[ORDERS]
_CANONICAL = {name: sql_type(column.dtype) for name, column in _INPUT.schema.columns.items()}


@dataclass(frozen=True)
class Entry:
    """One export: the path as the settings give it, its format, its columns, and what identifies its content."""

    path: str
    format: str
    columns: tuple[str, ...]
    sha256: str

    @property
    def name(self) -> str:
        return self.path.rstrip("/").rpartition("/")[2]

    @property
    def file_id(self) -> str:
        return FILE_ID_PREFIX + hashlib.sha256(f"{self.path} {self.sha256}".encode()).hexdigest()[:16]


def load_order_lines(engine: Engine, now: dt.datetime | None = None) -> list[Loaded]:
    """Read the entries of `spark.order_lines` if one of them is new or changed; returns what became of each.

    All or nothing: an order is taken whole from the newest entry that holds it, which only all of them together tell.
    Entries that were never seen before, or have changed, arrive `now` (the shop's time; else what the clock says).
    Raises ExportError, SparkFailed; then nothing has changed.
    """
    assert isinstance(engine, SparkEngine), "settings allow spark.order_lines on Spark only"
    settings = engine.settings
    source = _canonical_source(engine)
    if settings.duplicate_lines.get(source.name) == "drop":
        raise ExportError(
            "spark.order_lines keeps exact copies of a line: remove drop from duplicate_lines, or the copies before."
        )
    entries = [_entry(engine, source, path) for path in dict.fromkeys(settings.spark.order_lines)]
    mapping = mapping_key(settings, source)
    arrived = [(entry.file_id, ordinals(entry.path), entry.path) for entry in entries]
    note_arrivals(engine.local, arrived, now or local_now(settings))
    if loaded := _loaded_before(engine, entries, mapping):
        return loaded
    aside = engine.lake.root / "runs" / "order_lines"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        judged = [_judge(engine, entry, aside / str(number)) for number, entry in enumerate(entries)]
        _refuse_too_many(engine, entries, judged)
        return _take(engine, entries, judged, mapping)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _canonical_source(engine: SparkEngine) -> Source:
    name = f"perennial.{ORDERS}"
    return find_sources(engine.settings.sources_folders, [name])[name]


# ── what there is ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _entry(engine: SparkEngine, source: Source, path: str) -> Entry:
    format = _format(path)
    if re.search(r"[*?[{]", path) and Path(path).exists():
        raise ExportError(
            f"spark.order_lines: {path} is a file or folder, and a pattern for others as well. Rename it, without any "
            f"of * ? [ {{."
        )
    reader = engine.session.read
    try:
        files = run_by_spark(path, lambda: reader.format("binaryFile").option("recursiveFileLookup", "true").load(path))
        listed = run_by_spark(
            path, lambda: files.select("path", "length", "modificationTime").orderBy("path").collect()
        )
    except SparkFailed as failed:
        raise ExportError(f"spark.order_lines: {path} cannot be read: {failed.reason}") from failed
    if not listed:
        raise ExportError(f"spark.order_lines: no file matches {path!r}; write a path, a folder or a glob.")
    try:
        columns = run_by_spark(path, lambda: _raw(engine, path, format, None).columns)
    except SparkFailed as failed:
        raise ExportError(_drift(path, failed.reason)) from failed
    _refuse_missing(source, path, columns)
    sha256 = hashlib.sha256("\n".join(str(tuple(row)) for row in listed).encode()).hexdigest()
    return Entry(path, format, tuple(columns), sha256)


def _format(path: str) -> str:
    suffixes = [f".{part.lower().rstrip('*')}" for part in path.rstrip("/").rpartition("/")[2].split(".")[1:]]
    found = [_FORMATS[suffix] for suffix in suffixes if suffix in _FORMATS]
    if not found or not {*suffixes} - {*_FORMATS} <= _COMPRESSED | {"."}:
        raise ExportError(
            f"spark.order_lines: {path} does not say which format it is; let it end in .parquet, .csv or .jsonl, such "
            f"as {path.rstrip('/')}/*.parquet."
        )
    return found[0]


def _raw(engine: SparkEngine, path: str, format: str, columns: Sequence[str] | None) -> DataFrame:
    """The rows as they stand in the files; with `columns`, as texts, and what is no row at all in a column beside."""
    reader = engine.session.read.option("recursiveFileLookup", "true")
    if format == "parquet":
        return reader.option("mergeSchema", "true").parquet(path)
    if columns is not None:
        texts = ", ".join(f"{_quoted(name)} STRING" for name in (*columns, _CORRUPT))
        reader = reader.schema(texts).option("columnNameOfCorruptRecord", _CORRUPT)
    elif format == "json":  # of all rows, not of a sample: a field that few of them have must not be lost
        reader = reader.option("primitivesAsString", "true")
    if format == "json":
        return reader.json(path)
    return reader.option("header", "true").option("escape", '"').option("enforceSchema", "false").csv(path)


def _refuse_missing(source: Source, path: str, columns: Sequence[str]) -> None:
    present = {name.lower() for name in columns}
    missing = [name for name, raw in source.header.raw.items() if raw.required and name not in present]
    if not missing and any(present >= {*names} for names in source.header.one_of or [()]):
        return
    lacks = ", ".join(missing) or " or ".join(" and ".join(names) for names in source.header.one_of)
    names = sorted(filter(looks_like_a_name, present))
    close = [match for name in missing for match in difflib.get_close_matches(name, names, 1)]
    hint = f" (is it {', '.join(close)}?)" if close else ""
    known = ", ".join(name for name in _CANONICAL if name in present) or "none"
    raise ExportError(
        f"spark.order_lines: {path} has no column {lacks}{hint}; it has {known} of the canonical columns. "
        f"Spark reads these only (docs/exports.md); rename its columns, or load other layouts from the drop folder."
    )


def _drift(path: str, reason: str) -> str:
    return (
        f"spark.order_lines: the files of {path} do not fit together: {reason}. Let all files of an entry have the "
        f"same columns, in the same order and types, or list them as entries of their own."
    )


def _loaded_before(engine: SparkEngine, entries: Sequence[Entry], mapping: str) -> list[Loaded]:
    """The ledger's word on the entries, if it holds these and no others; else nothing."""
    rows = engine.local.read(
        f"SELECT * FROM ingest.files WHERE starts_with(file_id, '{FILE_ID_PREFIX}') AND mapping = $mapping "
        "AND status = 'loaded'",
        {"mapping": mapping},
    ).to_dicts()
    by_id = {row["file_id"]: row for row in rows}
    if {entry.file_id for entry in entries} != by_id.keys():
        return []
    return [_outcome(entry, by_id[entry.file_id], read_now=False) for entry in entries]


# ── what fits ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Judged:
    """An entry, read: its rows with canonical columns and `reasons`, null where a row fits."""

    rows: DataFrame
    read: int
    bad: int
    latest_at: dt.datetime | None


def _judge(engine: SparkEngine, entry: Entry, folder: Path) -> Judged:
    """Read the files once, into a folder of typed rows; all else is asked of these."""
    mapped = _mapped(engine, entry)
    try:
        run_by_spark(entry.path, lambda: mapped.write.parquet(spark_path(folder / "mapped")))
        rows = _numbered(engine.session.read.parquet(spark_path(folder / "mapped")))
        rows = _dated(_completed(rows, engine.settings))
        run_by_spark(entry.path, lambda: rows.createOrReplaceTempView(view_name(_MAPPED)))
        with engine.rows(_rules_query(), {}, "the contract of order_lines", {_MAPPED: _mapped_columns()}) as judged:
            run_by_spark(entry.path, lambda: judged.write.parquet(spark_path(folder / "judged")))
    except SparkFailed as failed:
        if _READING not in failed.conditions:  # a full disk, a lost cluster: not the files' fault
            raise
        raise ExportError(_drift(entry.path, failed.reason)) from failed
    rows = engine.session.read.parquet(spark_path(folder / "judged"))
    until = arrival_of(engine.local, entry.file_id).believed_until
    latest = f"max(CASE WHEN reasons IS NULL AND ordered_at <= TIMESTAMP_NTZ '{until}' THEN ordered_at END)"
    read, bad, latest_at = run_by_spark(entry.path, rows.selectExpr("count(*)", "count(reasons)", latest).collect)[0]
    return Judged(rows, read, bad, latest_at)


def _mapped(engine: SparkEngine, entry: Entry) -> DataFrame:
    """Canonical columns in canonical types, the row as text, where it stands, and which cells cannot be read."""
    raw = _raw(engine, entry.path, entry.format, entry.columns)
    given = {name.lower(): _quoted(name) for name in entry.columns if name.lower() in _CANONICAL}
    instants = {name.lower() for name, kind in raw.dtypes if kind == "timestamp"}
    texts = {name.lower() for name, kind in raw.dtypes if kind == "string"}
    zone = engine.settings.timezone
    no_row = _quoted(_CORRUPT) if entry.format != "parquet" else "CAST(NULL AS STRING)"
    columns = [
        "_metadata.file_path AS _file",
        "_metadata.file_block_start AS _block",
        "monotonically_increasing_id() AS _id",
        f"coalesce({no_row}, to_json(struct({', '.join(given.values())}))) AS _raw",
        f"{no_row} AS _no_row",
    ]
    unreadable = []
    for name, kind in _CANONICAL.items():
        if name not in given:
            columns.append(f"CAST(NULL AS {spark_type(kind)}) AS {name}")
            continue
        text = f"nullif(trim('{SPACES}' FROM CAST({given[name]} AS STRING)), '')"
        value = _local(given[name], zone) if name in instants else _read_as(text, kind, zone)
        if name in texts and kind not in ("VARCHAR", "TIMESTAMP"):  # 1.05E+04 is what a spreadsheet rounds to
            kept = f"NOT {text} RLIKE '[eE]' OR abs(try_cast({text} AS DOUBLE)) < 0.01"
            value = f"CASE WHEN {kept} THEN {value} END"
        columns.append(f"{value} AS {name}")
        if kind != "VARCHAR":
            what = KINDS_OF[kind.split("(")[0]]
            said = f"concat('column \"{name}\": \"', {_in_spark(shape_sql(text))}, '\" is not {what}')"
            unreadable.append(f"CASE WHEN {text} IS NOT NULL AND ({value}) IS NULL THEN {said} END")
    columns.append(f"nullif(concat_ws('; ', {', '.join(unreadable)}), '') AS _unreadable")
    return raw.selectExpr(*columns)


def _read_as(text: str, kind: str, zone: str) -> str:
    if kind == "VARCHAR":
        return text
    if kind != "TIMESTAMP":
        return f"try_cast({text} AS {kind})"
    with_offset = _local(f"try_cast({text} AS TIMESTAMP_LTZ)", zone)
    moment = f"CASE WHEN {text} RLIKE '{_OFFSET}' THEN {with_offset} ELSE try_cast({text} AS TIMESTAMP_NTZ) END"
    return f"CASE WHEN {text} RLIKE '{_MOMENT}' THEN {moment} END"


def _local(instant: str, zone: str) -> str:
    """An instant as what the shop's clocks showed; the session's zone is UTC."""
    return f"CAST(from_utc_timestamp({instant}, '{zone}') AS TIMESTAMP_NTZ)"


def _in_spark(shape: str) -> str:
    """The SQL of a shape as Spark itself reads it: a backslash is written twice, and 'g' goes without saying."""
    return shape.replace("\\", "\\\\").replace(", 'g')", ")")


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _numbered(rows: DataFrame) -> DataFrame:
    """`row_number`: the position in the files of the entry, in the order of their names.

    The ids of a block of a file are consecutive, so what stands before a row are the rows of earlier blocks and the
    ids of its own. Nothing is sorted but the blocks.
    """
    from pyspark.sql.functions import broadcast, expr

    blocks = rows.groupBy("_file", "_block").agg(expr("min(_id) AS _first"), expr("count(*) AS _rows"))
    before = "coalesce(sum(_rows) OVER (ORDER BY _file, _block ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)"
    starts = blocks.selectExpr("_file", "_block", "_first", f"{before} AS _before")
    return rows.join(broadcast(starts), ["_file", "_block"]).selectExpr(
        "_before + _id - _first + 1 AS row_number", "_raw", "_no_row", "_unreadable", *_CANONICAL
    )


def _dated(rows: DataFrame) -> DataFrame:
    """A refund without a date falls on its order's day; one whose date cannot be read stays a problem."""
    undated = f"ordered_at IS NULL AND _unreadable IS NULL AND order_id IS NOT NULL AND ({_INPUT.borrows_moment})"
    orders = rows.where(undated).select("order_id").distinct()
    first = rows.join(orders, "order_id", "left_semi").groupBy("order_id").agg({"ordered_at": "min"})
    first = first.withColumnsRenamed({"min(ordered_at)": "_first_at"})
    others = [name for name in rows.columns if name != "ordered_at"]
    filled = rows.where(undated).join(first, "order_id", "left").selectExpr(*others, "_first_at AS ordered_at")
    return rows.where(f"NOT coalesce({undated}, FALSE)").select(*others, "ordered_at").unionByName(filled)


def _completed(rows: DataFrame, settings: Settings) -> DataFrame:
    """What follows from the other columns, as `inputs` says it: these few expressions mean the same on both engines."""
    currency = settings.currency
    given = filling(settings, settings.charge_products.get("perennial", ChargeProducts()))
    for layer in _INPUT.filled:
        rows = rows.selectExpr(
            *[name for name in rows.columns if name not in layer],
            *[f"{sql.format(**given)} AS {name}" for name, sql in layer.items()],
        )
    shown = _in_spark(currency_sql("currency"))
    foreign = (
        f"CASE WHEN currency <> '{currency}' THEN concat('column \"currency\": \"', {shown}, '\" is not the reporting "
        f"currency {currency}; Spark converts nothing') END AS _foreign"
    )
    return rows.selectExpr("*", foreign)


_MAPPED = "staging.mapped_lines"


def _mapped_columns() -> dict[str, str]:
    texts = dict.fromkeys(("_raw", "_no_row", "_unreadable", "_foreign"), "VARCHAR")
    return {ROW_NUMBER: "BIGINT", **texts, **_CANONICAL}


def _rules_query() -> str:
    """The contract as one SELECT in DuckDB's dialect; what cannot be read is said first, and alone."""
    rules = [*row_rules(_INPUT.schema), *_INPUT.rules]
    broken = [f"CASE WHEN {rule.fails} THEN {rule.reason} || '; ' ELSE '' END" for rule in rules]
    columns = ", ".join(_CANONICAL)
    return f"""
        WITH judged AS (
          SELECT row_number, _raw, _no_row, _unreadable, {columns},
            concat(coalesce(_foreign || '; ', ''), {", ".join(broken)}) AS said
          FROM {_MAPPED}
        )
        SELECT row_number, _raw, {columns},
          CASE
            WHEN _no_row IS NOT NULL THEN 'the row cannot be read'
            WHEN _unreadable IS NOT NULL THEN _unreadable
            ELSE nullif(regexp_replace(said, '; $', '', 'g'), '')
          END AS reasons
        FROM judged
    """


def _refuse_too_many(engine: SparkEngine, entries: Sequence[Entry], judged: Sequence[Judged]) -> None:
    limit = engine.settings.quarantine_limit
    for entry, found in zip(entries, judged, strict=True):
        if found.bad > limit * found.read:
            bad = found.rows.where("reasons IS NOT NULL").select("row_number", "reasons")
            row, reasons = run_by_spark(entry.path, bad.orderBy("row_number").limit(1).collect)[0]
            raise ExportError(
                f"{entry.path}, row {row:,}, {reasons}. {found.bad:,} of {found.read:,} rows do not fit: more than "
                f"{limit:.1%} (setting quarantine_limit), so nothing was loaded. Fix the files or the limit."
            )


# ── taking ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _take(engine: SparkEngine, entries: Sequence[Entry], judged: Sequence[Judged], mapping: str) -> list[Loaded]:
    """Lines into the lake, what was quarantined and the ledger, in one transaction of the local side."""
    fitting = [
        found.rows.where("reasons IS NULL").selectExpr(f"'{entry.file_id}' AS file_id", *_line_columns())
        for entry, found in zip(entries, judged, strict=True)
    ]
    lines = fitting[0]
    for more in fitting[1:]:
        lines = lines.unionByName(more)
    table = _INPUT.table
    lines = _of_newest(lines, _oldest_first(engine, entries, judged)) if len(entries) > 1 else lines
    lines = lines.selectExpr(*(f"CAST(`{n}` AS {spark_type(k)}) AS `{n}`" for n, k in table.column_types().items()))
    bad = [_set_aside(engine, entry, found) for entry, found in zip(entries, judged, strict=True)]
    ledger: list[dict[str, Any]] = []

    def record() -> None:
        for name in ("ingest.files", "ingest.quarantine", "ingest.remarks"):
            engine.local.execute(f"DELETE FROM {name} WHERE starts_with(file_id, '{FILE_ID_PREFIX}')")
        for entry, found, folder in zip(entries, judged, bad, strict=True):
            ledger.append(_record(engine, table, entry, found, folder, mapping))

    engine.write_rows(table, None, lambda folder: lines.write.parquet(spark_path(folder)), record)
    for entry in entries:
        name_rows(engine.settings, entry.file_id, mapping, entry.path)
    return [_outcome(entry, row, read_now=True) for entry, row in zip(entries, ledger, strict=True)]


def _line_columns() -> Iterator[str]:
    made = {**_INPUT.derived}
    made |= {name: f"CAST(NULL AS {spark_type(_INPUT.type_of(name))})" for name in _INPUT.before_conversion}
    yield from (f"{sql} AS {name}" for name, sql in made.items())
    yield from (ROW_NUMBER, *_CANONICAL)


def _oldest_first(engine: SparkEngine, entries: Sequence[Entry], judged: Sequence[Judged]) -> list[str]:
    """The entries' ids in the order of `precedence`, the newest last."""

    def age(pair: tuple[Entry, Judged]) -> tuple[Any, ...]:
        entry, found = pair
        arrival = arrival_of(engine.local, entry.file_id)
        latest = (found.latest_at is not None, found.latest_at)
        return arrival.arrived_at, arrival.place, latest, arrival.name.lower(), arrival.name, entry.sha256

    return [entry.file_id for entry, _ in sorted(zip(entries, judged, strict=True), key=age)]


def _of_newest(lines: DataFrame, oldest_first: Sequence[str]) -> DataFrame:
    """Each order whole from the newest entry that holds it."""
    from pyspark.sql.functions import broadcast

    numbered = ", ".join(f"('{file_id}', {place})" for place, file_id in enumerate(reversed(oldest_first)))
    places = broadcast(lines.sparkSession.sql(f"SELECT * FROM VALUES {numbered} AS places (file_id, place)"))
    placed = lines.select("file_id", "order_id").distinct().join(places, "file_id")
    owner = placed.groupBy("order_id").agg({"place": "min"}).withColumnsRenamed({"min(place)": "place"})
    owned = owner.join(places, "place").select("order_id", "file_id")
    return lines.join(owned, ["order_id", "file_id"], "left_semi")


def _set_aside(engine: SparkEngine, entry: Entry, found: Judged) -> Path:
    """The bad rows of an entry, as files that DuckDB can read."""
    folder = engine.lake.root / "runs" / "order_lines" / f"bad-{entry.file_id}"
    bad = found.rows.where("reasons IS NOT NULL").selectExpr("row_number", "reasons", "_raw")
    run_by_spark(entry.path, lambda: bad.write.parquet(spark_path(folder)))
    return folder


def _record(engine: SparkEngine, table: Table, entry: Entry, found: Judged, bad: Path, mapping: str) -> dict[str, Any]:
    """The entry's row in the ledger, and its bad rows in quarantine."""
    rows = f"SELECT row_number, reasons, coalesce(_raw, '') AS raw FROM read_parquet('{_escaped(bad)}/*.parquet')"
    if found.bad:
        write_rows(engine.local, engine.settings, entry.file_id, mapping, rows)
    engine.local.execute(
        "INSERT INTO ingest.quarantine (file_id, row_number, reasons) "
        f"SELECT $file_id, row_number, reasons FROM ({rows}) AS rows ORDER BY row_number",
        {"file_id": entry.file_id},
    )
    engine.local.execute(
        f"""
        INSERT INTO ingest.files BY NAME
        SELECT $file_id AS file_id, $sha256 AS sha256, 'perennial' AS source, $input AS input, $path AS path,
          $mapping AS mapping, 'loaded' AS status, $read AS rows_read, count(*) AS accepted, $bad AS quarantined,
          $read - $bad - count(*) AS superseded, 0 AS duplicates, count(*) AS lines,
          count(*) FILTER (WHERE customer_id IS NULL) AS without_customer,
          min(ordered_at) AS first_ordered_at, max(ordered_at) AS last_ordered_at,
          CAST($latest_at AS TIMESTAMP) AS latest_at
        FROM {table.full_name} WHERE file_id = $file_id
        """,
        {
            "file_id": entry.file_id, "sha256": entry.sha256, "input": ORDERS, "path": entry.path, "mapping": mapping,
            "read": found.read, "bad": found.bad, "latest_at": found.latest_at,
        },
    )  # fmt: skip
    return engine.local.read("SELECT * FROM ingest.files WHERE file_id = $id", {"id": entry.file_id}).to_dicts()[0]


def _outcome(entry: Entry, ledger: dict[str, Any], read_now: bool) -> Loaded:
    counts = {name: ledger[name] for name in ("rows_read", "accepted", "quarantined", "superseded", "duplicates")}
    where = f"They are in {quarantine_file(entry.path, entry.file_id)}." if counts["quarantined"] else None
    return Loaded(entry.name, "perennial, by Spark", "loaded", read_now, **counts, example=where)


def _escaped(folder: Path) -> str:
    return glob.escape(folder.as_posix()).replace("'", "''")
