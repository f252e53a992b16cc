"""Exports: finds the files, maps them, loads each once, and sets aside what does not fit.

A file goes through four temporary tables, all set-based: `raw` (the file as it is, numbered), `mapped` (canonical
columns, typed), `problems` (one row per reason why a row does not fit), and from these into staging.order_lines,
ingest.quarantine and the ledger ingest.files in one transaction. How a source maps is `sources`' business; what a row
must be is `contracts`'.
"""

from __future__ import annotations

import datetime as dt
import glob
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.contracts import INPUTS, RowRule, order_lines_table, row_rules, sql_type
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.readers import read_raw
from pipeline.settings import Settings
from pipeline.sources import ROW_NUMBER, ExportError, Source, choose, find_sources, quoted, text_literal

_OFFSET = r"\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|[+-]\d\d(:?\d\d)?)$"
_KINDS_OF = {"TIMESTAMP": "a date", "DECIMAL": "a number", "BIGINT": "a number"}


@dataclass(frozen=True)
class Export:
    """A file and the source it is an export of."""

    path: Path
    source: Source

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True)
class Loaded:
    """What became of one file: its row in the ledger, and whether this run read it."""

    file: str
    source: str
    status: Literal["loaded", "rejected"]
    read_now: bool
    rows_read: int
    accepted: int
    quarantined: int
    superseded: int
    duplicates: int
    example: str | None = None

    @property
    def message(self) -> str:
        """One line for the log; for a rejected file it says what to do."""
        if not self.read_now and self.status == "loaded":
            return f"{self.file}: loaded before, nothing new in it."
        counts = f"{self.file}: {self.rows_read:,} rows read, {self.accepted:,} accepted"
        for count, word in (
            (self.superseded, "superseded by a newer export"),
            (self.duplicates, "exact copies dropped"),
        ):
            counts += f", {count:,} {word}" if count else ""
        if not self.quarantined:
            return counts + "."
        what_to_do = f" {self.example}" if self.status == "loaded" else ""  # a rejected file's is the error of the run
        return f"{counts}, {self.quarantined:,} set aside.{what_to_do}"


def find_exports(settings: Settings, given: Mapping[str, Sequence[str]]) -> list[Export]:
    """The files to load: those `given` as source -> paths or globs, else all in the drop folder.

    Raises ExportError for a source or file that does not exist; files are sorted, each once per source.
    """
    sources = find_sources(settings.sources_folders)
    found = _given_exports(sources, given) if given else _dropped_exports(sources, settings.exports_folder)
    each_once = {(export.source.name, export.path): export for export in found}
    return [each_once[key] for key in sorted(each_once)]


def load_exports(engine: DuckDBEngine, settings: Settings, exports: Iterable[Export]) -> Iterator[Loaded | ExportError]:
    """Load what is new, file by file; a file that cannot be read at all comes back as the error that says why.

    Order does not matter: an order belongs to the newest export that holds it, newest by (last order time, content).
    """
    identified = [(export, *_identify(export)) for export in exports]
    _mark_stale(engine, settings, identified)
    for export, file_id, sha256 in identified:
        try:
            yield _Load(engine, settings, export, file_id, sha256).run()
        except ExportError as error:
            yield error


def mapping_key(settings: Settings, source: Source) -> str:
    """What decides how a file is read besides the file: its source's SQL, the contract, the settings of ingest."""
    contract = {
        name: (sql_type(c.dtype), c.nullable, [str(x) for x in c.checks])
        for name, c in INPUTS[source.input].columns.items()
    }
    parts = [source.mapping, contract, _duplicate_lines(settings, source), settings.timezone, settings.currency]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def quarantine_file(path: str, file_id: str) -> str:
    """Where the quarantined rows of a file are published, relative to the home."""
    return f"data/quarantine/{Path(path).name.split('.')[0]}-{file_id[:8]}.parquet"


# ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _given_exports(sources: dict[str, Source], given: Mapping[str, Sequence[str]]) -> Iterator[Export]:
    for name, patterns in given.items():
        source = choose(sources, name)
        for pattern in patterns:
            path = Path(pattern).expanduser()
            matches = [path] if path.is_file() else [Path(match) for match in glob.glob(str(path), recursive=True)]  # noqa: PTH207 - absolute patterns
            files = [match for match in matches if match.is_file()]
            if not files:
                raise ExportError(f"No file matches {pattern!r} (source {name}); looked from {Path.cwd()}.")
            yield from (Export(file.resolve(), source) for file in files)


def _dropped_exports(sources: dict[str, Source], folder: Path) -> Iterator[Export]:
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    for path in files:
        inside = path.relative_to(folder)
        if any(part.startswith((".", "_")) for part in inside.parts):
            continue  # editors, transfer clients and git leave such files
        if len(inside.parts) == 1:
            raise ExportError(f"{path.name} lies directly in data/exports; put it in data/exports/<source>/.")
        yield Export(path, choose(sources, inside.parts[0]))


def _identify(export: Export) -> tuple[str, str]:
    """(file_id, sha256). A file is what it contains, mapped by one source; where it lies does not matter."""
    try:
        with export.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ExportError(f"{export.name} cannot be read: {error.strerror}.") from error
    return hashlib.sha256(f"{sha256} {export.source.name}".encode()).hexdigest()[:16], sha256


def _duplicate_lines(settings: Settings, source: Source) -> str:
    return settings.duplicate_lines.get(source.name, source.header.duplicate_lines)


def _mark_stale(engine: DuckDBEngine, settings: Settings, identified: Sequence[tuple[Export, str, str]]) -> None:
    """When a mapping changed, files that lost orders to a newer export are read again, too: it may hold fewer now."""
    ledger = dict(engine.execute("SELECT file_id, mapping FROM ingest.files WHERE status = 'loaded'"))
    changed = [id for export, id, _ in identified if ledger.get(id, k := mapping_key(settings, export.source)) != k]
    if changed:
        present = [file_id for _, file_id, _ in identified]
        engine.execute(
            "UPDATE ingest.files SET mapping = 'stale' WHERE superseded > 0 AND list_contains($present, file_id)",
            {"present": present},
        )


# ── loading one file ──────────────────────────────────────────────────────────────────────────────────────────────────


class _Load:
    """One file on its way into the warehouse."""

    def __init__(self, engine: DuckDBEngine, settings: Settings, export: Export, file_id: str, sha256: str) -> None:
        self._engine = engine
        self._settings = settings
        self._export = export
        self._source = export.source
        self._schema = INPUTS[export.source.input]
        self._file_id = file_id
        self._sha256 = sha256
        self._mapping = mapping_key(settings, export.source)
        self._shown_as: dict[str, str] = {}

    def run(self) -> Loaded:
        before = self._ledger()
        if before is not None and before["mapping"] in (self._mapping, self._rejected_mapping):
            return self._outcome(before, read_now=False)
        try:
            self._read()
            self._map()
            self._find_problems()
            with self._engine.transaction():
                self._forget()
                if self._over_limit():
                    self._reject()
                else:
                    self._accept()
        finally:
            self._drop_temporaries()
        after = self._ledger()
        assert after is not None
        return self._outcome(after, read_now=True)

    @property
    def _rejected_mapping(self) -> str:
        """A rejected file is tried again when the limit changes, too."""
        return f"{self._mapping} at {self._settings.quarantine_limit}"

    def _execute(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self._engine.execute(sql, {"file_id": self._file_id, **parameters})

    # reading and mapping

    def _read(self) -> None:
        present = read_raw(self._engine, self._export.path, self._source.header.reads == "lines")
        found = self._source.resolve(present, self._export.name)
        number = ROW_NUMBER if self._has_own_numbers() else "rowid + 1"
        columns = [
            f"{quoted(found[raw])} AS {quoted(raw)}" if raw in found else f"CAST(NULL AS VARCHAR) AS {quoted(raw)}"
            for raw in self._source.header.raw
        ]
        self._execute(
            f"CREATE OR REPLACE TEMP VIEW export AS SELECT {number} AS row_number, {', '.join(columns)} FROM raw"
        )
        self._found = found

    def _has_own_numbers(self) -> bool:
        first = self._execute("SELECT column_name FROM (DESCRIBE raw) LIMIT 1")
        return first == [(ROW_NUMBER,)]

    def _map(self) -> None:
        """`mapped`: one row per raw row, canonical columns in canonical types; what cannot be read is null for now."""
        sql = self._source.select
        outputs = dict(self._execute(f"SELECT column_name, column_type FROM (DESCRIBE {sql})"))
        unknown = [name for name in outputs if name not in self._schema.columns and name != ROW_NUMBER]
        if unknown:
            known = ", ".join(self._schema.columns)
            raise ExportError(
                f"{self._source.file}: {', '.join(unknown)} is no column of {self._source.input} ({known})."
            )
        columns = [
            f"{_canonical(name, outputs.get(name), sql_type(column.dtype), self._settings.timezone)} AS {quoted(name)}"
            for name, column in self._schema.columns.items()
        ]
        self._execute(
            f"CREATE OR REPLACE TEMP TABLE mapped AS SELECT row_number, {', '.join(columns)} FROM ({sql}) AS source"
        )
        rows, distinct = self._execute("SELECT count(*), count(DISTINCT row_number) FROM mapped")[0]
        expected = self._execute("SELECT count(*) FROM raw")[0][0]
        if not rows == distinct == expected:
            raise ExportError(
                f"{self._source.file}: the SELECT must return each row once; {expected:,} became {rows:,}."
            )
        self._outputs = outputs
        self._complete()

    def _complete(self) -> None:
        """`completed`: what follows from the other columns is filled in (amount, kind, currency, a refund's date)."""
        self._execute(
            f"""
            CREATE OR REPLACE TEMP VIEW completed AS
            SELECT * REPLACE (
              coalesce(amount, TRY_CAST(quantity * unit_price - coalesce(discount, 0) AS DECIMAL(18,2))) AS amount,
              coalesce(lower(kind), CASE WHEN amount < 0 OR quantity < 0 THEN 'refund' ELSE 'sale' END) AS kind,
              coalesce(upper(currency), '{self._settings.currency}') AS currency)
            FROM mapped
            """
        )
        undated = "ordered_at IS NULL AND kind = 'refund'"
        if self._execute(f"SELECT count(*) FROM completed WHERE {undated}")[0][0]:
            self._execute(
                f"""
                UPDATE mapped SET ordered_at = orders.ordered_at
                FROM (SELECT order_id, min(ordered_at) AS ordered_at FROM mapped GROUP BY order_id) AS orders
                WHERE mapped.order_id = orders.order_id
                  AND mapped.row_number IN (SELECT row_number FROM completed WHERE {undated})
                """
            )

    # what does not fit

    def _find_problems(self) -> None:
        """`problems`: (row_number, column_name, reason), all reasons of all rows that do not fit."""
        self._execute(
            "CREATE OR REPLACE TEMP TABLE problems AS "
            "SELECT row_number, CAST(NULL AS VARCHAR) AS column_name, reason FROM malformed"
        )
        raw_columns = self._raw_columns()
        for name in self._columns_with_nulls():
            self._find_unreadable(name, raw_columns[name])
        shown = {name: self._found[raws[0]] for name, raws in raw_columns.items() if len(raws) == 1}
        rules = row_rules(self._schema, shown)
        counts = ", ".join(f"count(*) FILTER (WHERE {rule.fails})" for rule in rules)
        failing = self._execute(f"SELECT {counts} FROM completed")[0]  # one pass; most rules fail nowhere
        for rule, count in zip(rules, failing, strict=True):
            if count:
                self._apply(rule)
        self._execute(
            f"INSERT INTO problems SELECT row_number, 'currency', 'column \"currency\": \"' || currency || "
            f"'\" is not the reporting currency {self._settings.currency}' FROM completed WHERE currency <> $currency",
            currency=self._settings.currency,
        )

    def _apply(self, rule: RowRule) -> None:
        """Note the rows that break a rule, unless their column is known to be unreadable: that says it better."""
        self._execute(
            f"INSERT INTO problems SELECT row_number, '{rule.column}', {rule.reason} FROM completed WHERE {rule.fails} "
            f"AND row_number NOT IN (SELECT row_number FROM problems WHERE column_name = '{rule.column}')"
        )

    def _raw_columns(self) -> dict[str, list[str]]:
        """Canonical column -> raw columns present in this file it is made from."""
        names = [name for name in self._outputs if name != ROW_NUMBER]
        made_from = {name: self._source.raw_columns_of(name) for name in names}
        return {name: [raw for raw in raws if raw in self._found] for name, raws in made_from.items()}

    def _columns_with_nulls(self) -> list[str]:
        typed = [n for n in self._outputs if n != ROW_NUMBER and sql_type(self._schema.columns[n].dtype) != "VARCHAR"]
        if not typed:
            return []
        counts = self._execute(f"SELECT {', '.join(f'count(*) - count({quoted(n)})' for n in typed)} FROM mapped")[0]
        return [name for name, nulls in zip(typed, counts, strict=True) if nulls]

    def _find_unreadable(self, name: str, raws: list[str]) -> None:
        """A typed column is unreadable where it is null although the raw columns it is made from are not blank."""
        if not raws:
            return
        texts = [f"nullif(trim(CAST(export.{quoted(raw)} AS VARCHAR)), '')" for raw in raws]
        opening = text_literal('column "' + ", ".join(self._found[raw] for raw in raws) + '": "')
        text = f"left(concat_ws(' ', {', '.join(texts)}), 60)"
        kind = _KINDS_OF[sql_type(self._schema.columns[name].dtype).split("(")[0]]
        hint = f"CASE WHEN regexp_matches({text}, '^[-+]?[0-9.,]*[oO][0-9.,oO]*$') THEN ' (letter O?)' ELSE '' END"
        self._execute(
            f"INSERT INTO problems SELECT mapped.row_number, '{name}', "
            f"{opening} || {text} || '\" is not {kind}' || {hint} "
            f"FROM mapped JOIN export ON export.row_number = mapped.row_number "
            f"WHERE mapped.{quoted(name)} IS NULL AND coalesce({', '.join(texts)}) IS NOT NULL"
        )

    def _counts(self) -> tuple[int, int]:
        """(rows read, rows that do not fit)."""
        read = self._execute("SELECT (SELECT count(*) FROM raw) + (SELECT count(*) FROM malformed)")[0][0]
        return read, self._execute("SELECT count(DISTINCT row_number) FROM problems")[0][0]

    def _over_limit(self) -> bool:
        read, bad = self._counts()
        return bool(bad > self._settings.quarantine_limit * read)

    # writing

    def _forget(self) -> None:
        """Take out what an earlier reading of this file left."""
        for table in ("staging.order_lines", "ingest.quarantine", "ingest.files"):
            self._execute(f"DELETE FROM {table} WHERE file_id = $file_id")

    def _reject(self) -> None:
        """Too much does not fit: nothing of the file is loaded, what does not fit is kept to be looked at."""
        read, bad = self._counts()
        self._quarantine()
        self._record("rejected", self._rejected_mapping, read, 0, bad, 0, 0)

    def _accept(self) -> None:
        read, bad = self._counts()
        self._quarantine()
        self._execute("CREATE OR REPLACE TEMP TABLE excluded AS SELECT DISTINCT row_number FROM problems")
        duplicates = self._exclude_copies()
        superseded = self._resolve_contested_orders()
        accepted = self._insert_lines()
        self._record("loaded", self._mapping, read, accepted, bad, superseded, duplicates)

    def _quarantine(self) -> None:
        raw_text = "raw.line" if self._source.header.reads == "lines" else "CAST(to_json(raw) AS VARCHAR)"
        number = "raw.row_number" if self._has_own_numbers() else "raw.rowid + 1"
        self._execute(
            f"""
            INSERT INTO ingest.quarantine (file_id, row_number, reasons, raw)
            WITH reasons AS (
              SELECT row_number, string_agg(reason, '; ' ORDER BY reason) AS reasons FROM problems GROUP BY row_number
            )
            SELECT $file_id, reasons.row_number, reasons.reasons, coalesce(malformed.text, {raw_text}, '')
            FROM reasons
            LEFT JOIN malformed ON malformed.row_number = reasons.row_number
            LEFT JOIN raw ON {number} = reasons.row_number
            ORDER BY reasons.row_number
            """
        )

    def _exclude_copies(self) -> int:
        """Drop exact copies of a raw row, if the source or the settings say so; returns how many."""
        if _duplicate_lines(self._settings, self._source) == "keep":
            return 0
        number = ROW_NUMBER if self._has_own_numbers() else "rowid + 1"
        columns = ", ".join(quoted(name) for name in self._found.values())
        return int(
            self._execute(
                f"""
                INSERT INTO excluded
                SELECT row_number
                FROM (
                  SELECT {number} AS row_number, row_number() OVER (PARTITION BY {columns} ORDER BY {number}) AS copy
                  FROM raw WHERE {number} NOT IN (SELECT row_number FROM excluded)
                ) AS numbered
                WHERE copy > 1
                """
            )[0][0]
        )

    def _resolve_contested_orders(self) -> int:
        """An order is taken whole from the newest export that holds it. Returns how many rows of this file give way."""
        self._execute(
            """
            CREATE OR REPLACE TEMP TABLE contested AS
            SELECT DISTINCT lines.order_id, lines.file_id
            FROM staging.order_lines AS lines
            WHERE lines.order_id IN (
              SELECT order_id FROM completed WHERE row_number NOT IN (SELECT row_number FROM excluded))
            """
        )
        newer_first = "last_ordered_at DESC, sha256 DESC, source DESC"
        span = self._execute(
            "SELECT max(ordered_at) FROM completed WHERE row_number NOT IN (SELECT row_number FROM problems)"
        )
        self._execute(
            f"""
            CREATE OR REPLACE TEMP TABLE newer AS
            WITH candidates AS (
              SELECT file_id, last_ordered_at, sha256, source
              FROM ingest.files WHERE file_id IN (SELECT file_id FROM contested)
              UNION ALL
              SELECT $file_id, CAST($last AS TIMESTAMP), $sha256, $source
            ),
            ordered AS (SELECT file_id, row_number() OVER (ORDER BY {newer_first}) AS place FROM candidates)
            SELECT file_id FROM ordered WHERE place < (SELECT place FROM ordered WHERE file_id = $file_id)
            """,
            last=span[0][0],
            sha256=self._sha256,
            source=self._source.name,
        )
        self._take_from_older()
        return int(
            self._execute(
                """
                INSERT INTO excluded
                SELECT row_number FROM completed
                WHERE row_number NOT IN (SELECT row_number FROM excluded)
                  AND order_id IN (SELECT order_id FROM contested WHERE file_id IN (SELECT file_id FROM newer))
                """
            )[0][0]
        )

    def _take_from_older(self) -> None:
        """Remove contested orders from the older files that hold them, and carry the rows over in their ledger."""
        ours = "SELECT order_id, file_id FROM contested WHERE file_id NOT IN (SELECT file_id FROM newer)"
        self._execute(
            f"""
            UPDATE ingest.files AS files SET
              accepted = accepted - lost.rows,
              superseded = superseded + lost.rows,
              without_customer = without_customer - lost.guests
            FROM (
              SELECT lines.file_id, count(*) AS rows, count(*) FILTER (WHERE lines.customer_id IS NULL) AS guests
              FROM staging.order_lines AS lines JOIN ({ours}) AS ours USING (order_id, file_id) GROUP BY lines.file_id
            ) AS lost
            WHERE files.file_id = lost.file_id
            """
        )
        self._execute(f"DELETE FROM staging.order_lines WHERE (order_id, file_id) IN ({ours})")

    def _insert_lines(self) -> int:
        columns = ", ".join(quoted(name) for name in order_lines_table().header.columns)
        canonical = ", ".join(quoted(name) for name in self._schema.columns)
        keep = "WHERE row_number NOT IN (SELECT row_number FROM excluded)"
        if not self._execute("SELECT count(*) FROM excluded")[0][0]:
            keep = ""
        return int(
            self._execute(
                f"INSERT INTO staging.order_lines ({columns}) "
                f"SELECT $file_id, row_number, CAST(ordered_at AS DATE), {canonical} FROM completed {keep}"
            )[0][0]
        )

    def _record(
        self, status: str, mapping: str, read: int, accepted: int, quarantined: int, superseded: int, duplicates: int
    ) -> None:
        self._execute(
            """
            INSERT INTO ingest.files BY NAME
            SELECT
              $file_id AS file_id, $sha256 AS sha256, $source AS source, $input AS input, $path AS path,
              $mapping AS mapping, $status AS status, $read AS rows_read, $accepted AS accepted,
              $quarantined AS quarantined, $superseded AS superseded, $duplicates AS duplicates,
              (SELECT count(*) FROM staging.order_lines WHERE file_id = $file_id AND customer_id IS NULL)
                AS without_customer,
              min(ordered_at) AS first_ordered_at, max(ordered_at) AS last_ordered_at
            FROM completed WHERE row_number NOT IN (SELECT row_number FROM problems)
            """,
            sha256=self._sha256,
            source=self._source.name,
            input=self._source.input,
            path=self._shown_path(),
            mapping=mapping,
            status=status,
            read=read,
            accepted=accepted,
            quarantined=quarantined,
            superseded=superseded,
            duplicates=duplicates,
        )

    def _shown_path(self) -> str:
        home = self._settings.home
        inside = self._export.path.is_relative_to(home)
        return self._export.path.relative_to(home).as_posix() if inside else self._export.name

    def _ledger(self) -> dict[str, Any] | None:
        rows = self._engine.read(
            "SELECT * FROM ingest.files WHERE file_id = $file_id", {"file_id": self._file_id}
        ).to_dicts()
        return rows[0] if rows else None

    def _outcome(self, ledger: dict[str, Any], read_now: bool) -> Loaded:
        counts = {name: ledger[name] for name in ("rows_read", "accepted", "quarantined", "superseded", "duplicates")}
        example = self._example(ledger) if ledger["quarantined"] else None
        return Loaded(self._export.name, self._source.name, ledger["status"], read_now, **counts, example=example)

    def _example(self, ledger: dict[str, Any]) -> str:
        """The first row set aside, where all of them are, and what to do."""
        row, reasons = self._execute(
            "SELECT row_number, reasons FROM ingest.quarantine WHERE file_id = $file_id ORDER BY row_number LIMIT 1"
        )[0]
        bad, read = ledger["quarantined"], ledger["rows_read"]
        target = quarantine_file(ledger["path"], self._file_id)
        first = f"{self._export.name}, row {row:,}, {reasons}. {bad:,} of {read:,} rows set aside in {target}"
        if ledger["status"] == "loaded":
            return f"{first}; fix the export and load it again, only the new rows will be taken."
        limit = self._settings.quarantine_limit
        return (
            f"{first}: more than {limit:.1%} (setting quarantine_limit), so nothing of the file was loaded. "
            f"Fix the export, its source, or the limit, and run again."
        )

    def _drop_temporaries(self) -> None:
        for view in ("completed", "export"):
            self._execute(f"DROP VIEW IF EXISTS {view}")
        for table in ("raw", "malformed", "mapped", "problems", "excluded", "contested", "newer", "objects"):
            self._execute(f"DROP TABLE IF EXISTS temp.{table}")


def _canonical(name: str, output_type: str | None, declared: str, timezone: str) -> str:
    """A source's output column in its canonical type, null where it cannot be read. Blank text is null."""
    if output_type is None:
        return f"CAST(NULL AS {declared})"
    column = f"source.{quoted(name)}"
    if declared == "VARCHAR":
        return f"nullif(trim(CAST({column} AS VARCHAR)), '')"
    if declared != "TIMESTAMP":
        return f"TRY_CAST({column} AS {declared})"
    zone = text_literal(timezone)
    if output_type == "TIMESTAMP WITH TIME ZONE":
        return f"timezone({zone}, {column})"
    if output_type != "VARCHAR":
        return f"TRY_CAST({column} AS TIMESTAMP)"
    with_offset = f"timezone({zone}, TRY_CAST({column} AS TIMESTAMPTZ))"
    has_offset = f"length({column}) > 16 AND regexp_matches({column}, '{_OFFSET}')"
    return f"CASE WHEN {has_offset} THEN {with_offset} ELSE TRY_CAST({column} AS TIMESTAMP) END"


def last_order_date(engine: DuckDBEngine) -> dt.date | None:
    """The last local day with an order line: what `--snapshot latest` means."""
    day = engine.scalar("SELECT max(ordered_on) FROM staging.order_lines")
    return day if isinstance(day, dt.date) else None
