"""Recording: rows into the staging table, quarantine, ledger and remarks, in the transaction of the file."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import asdict
from typing import Any

from pipeline.home.quarantine import write_rows
from pipeline.ingest.load.context import GUEST_ID, Load, Loaded, Remark
from pipeline.ingest.load.merge import exclude_copies, exclude_outdated, guests, resolve_contested_keys
from pipeline.ingest.precedence import shown_path
from pipeline.places import quarantine_file
from pipeline.quoting import quoted, text_literal

BESIDE_STAGING = ("ingest.quarantine", "ingest.remarks", "ingest.identities", "ingest.files")


def forget(load: Load) -> None:
    """Take out what an earlier reading of this file left."""
    note_rows(load)
    for table in (load.staging, *BESIDE_STAGING):
        load.execute(f"DELETE FROM {table} WHERE file_id = $file_id")


def note_rows(load: Load) -> None:
    """What is made of the rows of this file must be made again."""
    load.engine.note_changes(load.staging, "file_id = $file_id", {"file_id": load.file_id})


def reject(load: Load) -> None:
    """Too much does not fit: nothing of the file is loaded, what does not fit is kept to be looked at."""
    read, bad = load.counts()
    quarantine(load, load.rejected_as(load.mapping))
    record_file(load, "rejected", load.rejected_as(load.mapping), read, 0, bad, 0, 0)


def accept(load: Load) -> None:
    read, bad = load.counts()
    quarantine(load, load.mapping)
    load.execute(
        "CREATE OR REPLACE TEMP TABLE excluded AS SELECT row_number FROM problems UNION SELECT row_number FROM left_out"
    )
    superseded = exclude_outdated(load)
    duplicates = exclude_copies(load)
    superseded += resolve_contested_keys(load)
    accepted = insert_lines(load)
    note_identities(load)
    note_rows(load)  # those taken from older files are among them
    record_file(load, "loaded", load.mapping, read, accepted, bad, superseded, duplicates)


def quarantine(load: Load, mapping: str) -> None:
    """The reasons into the warehouse, the rows with their text into a file that nobody else may read."""
    if not load.execute("SELECT count(*) FROM problems")[0][0]:
        return
    number, row = load.number, "raw"
    raw_text = "raw.line" if load.source.header.reads == "lines" else as_json(load, "raw")
    text = f"coalesce(malformed.text, {raw_text}, '')"
    if load.input.is_personal:  # what the source does not read is nobody's business here
        number, row = "given.row_number", "given"
        personal = {raw for name in load.input.persons for raw in load.made_from(name)}
        not_kept = personal | {*load.not_kept}
        text = f"CASE WHEN malformed.row_number IS NULL THEN {as_json(load, 'given', not_kept)} ELSE '' END"
    if load.tombstones:
        text = f"CASE WHEN reasons.row_number IN (SELECT row_number FROM temp.erased) THEN '' ELSE {text} END"
    load.execute(
        """
        INSERT INTO ingest.quarantine (file_id, row_number, reasons)
        SELECT $file_id, row_number, string_agg(DISTINCT reason, '; ' ORDER BY reason)
        FROM problems GROUP BY row_number ORDER BY row_number
        """
    )
    rows = f"""
        SELECT reasons.row_number, reasons.reasons, {text} AS raw
        FROM ingest.quarantine AS reasons
        LEFT JOIN malformed ON malformed.row_number = reasons.row_number
        LEFT JOIN {row} ON {number} = reasons.row_number
        WHERE reasons.file_id = $file_id
        """
    write_rows(load.engine, load.settings, load.file_id, mapping, rows)


def as_json(load: Load, table: str, without: Container[str] = ()) -> str:
    """SQL: a row as JSON, column by column: the table's name as a value is a column where the file has such one."""
    columns = [row[0] for row in load.execute(f"SELECT column_name FROM (DESCRIBE {table})") if row[0] not in without]
    cells = ", ".join(f"{quoted(name)} := {table}.{quoted(name)}" for name in columns)
    return f"CAST(to_json(struct_pack({cells})) AS VARCHAR)"


def insert_lines(load: Load) -> int:
    """Write the lines of the rows that are left; returns how many rows these are."""
    given = {**load.input.derived} | {name: quoted(name) for name in load.input.stored}
    keep = f"WHERE {load.fitting('excluded')}"
    lines = load.execute(
        f"INSERT INTO {load.staging} (file_id, row_number, {', '.join(map(quoted, given))}) "
        f"SELECT $file_id, row_number, {', '.join(given.values())} FROM completed {keep}"
    )[0][0]
    if load.has_several_lines:
        return int(load.execute(f"SELECT count(DISTINCT row_number) FROM completed {keep}")[0][0])
    return int(lines)


def note_identities(load: Load) -> None:
    """What guests can be linked by: for each row the id of its address, and its account if it names one."""
    if GUEST_ID not in load.outputs:
        return
    account = load.input.person if load.input.person in load.stored else "CAST(NULL AS VARCHAR)"
    load.execute(
        f"INSERT INTO ingest.identities (file_id, row_number, guest_id, account_id) "
        f"SELECT DISTINCT $file_id, row_number, {GUEST_ID}, {account} FROM mapped "
        f"WHERE {GUEST_ID} IS NOT NULL AND row_number NOT IN (SELECT row_number FROM excluded)"
    )


def record_file(
    load: Load, status: str, mapping: str, read: int, accepted: int, quarantined: int, superseded: int, duplicates: int
) -> None:
    ordered_at = load.input.moment if load.input.is_of_sales else "CAST(NULL AS TIMESTAMP)"
    load.execute(
        f"""
        INSERT INTO ingest.files BY NAME
        SELECT
          $file_id AS file_id, $sha256 AS sha256, $source AS source, $input AS input, $path AS path,
          $mapping AS mapping, $status AS status, $read AS rows_read, $accepted AS accepted,
          $quarantined AS quarantined, $superseded AS superseded, $duplicates AS duplicates,
          (SELECT count(*) FROM {load.staging} WHERE file_id = $file_id) AS lines,
          (SELECT {guests(load)} FROM {load.staging} WHERE file_id = $file_id) AS without_customer,
          min({ordered_at}) AS first_ordered_at, max({ordered_at}) AS last_ordered_at,
          CAST($exported_at AS TIMESTAMP) AS exported_at, CAST($latest_at AS TIMESTAMP) AS latest_at,
          $id_key AS id_key, $decimal AS decimal, $dates AS dates
        FROM completed WHERE {load.fitting()}
        """,
        sha256=load.sha256,
        source=load.source.name,
        input=load.source.input,
        path=shown_path(load.settings, load.export.path),
        mapping=mapping,
        id_key=load.id_key,
        status=status,
        read=read,
        accepted=accepted,
        quarantined=quarantined,
        superseded=superseded,
        duplicates=duplicates,
        exported_at=load.exported_at,
        latest_at=load.latest_at,
        decimal=next(iter(load.shown.decimals), None),
        dates=next(iter(load.shown.dates), None),
    )
    for remark in load.remarks:
        load.execute(
            "INSERT INTO ingest.remarks BY NAME "
            "SELECT $file_id AS file_id, $subject AS subject, $rows AS rows, $message AS message",
            **asdict(remark),
        )


def ledger_of(load: Load) -> dict[str, Any] | None:
    rows = load.engine.read("SELECT * FROM ingest.files WHERE file_id = $file_id", {"file_id": load.file_id}).to_dicts()
    return rows[0] if rows else None


def outcome_of(load: Load, ledger: dict[str, Any], read_now: bool) -> Loaded:
    counts = {name: ledger[name] for name in ("rows_read", "accepted", "quarantined", "superseded", "duplicates")}
    example = first_quarantined(load, ledger) if ledger["quarantined"] else None
    remarks = load.execute(
        "SELECT subject, message, rows FROM ingest.remarks WHERE file_id = $file_id ORDER BY subject"
    )
    return Loaded(
        load.export.name, load.source.label, ledger["status"], read_now, **counts, example=example,
        dialect=written_as(load), remarks=tuple(Remark(*row) for row in remarks), unlimited=load.unlimited,
    )  # fmt: skip


def written_as(load: Load) -> str:
    return f"{load.dialect}, as in other files of the source" if load.by_siblings else str(load.dialect)


def first_quarantined(load: Load, ledger: dict[str, Any]) -> str:
    """The first row quarantined, where all of them are, and what to do."""
    row, reasons = load.execute(
        "SELECT row_number, reasons FROM ingest.quarantine WHERE file_id = $file_id ORDER BY row_number LIMIT 1"
    )[0]
    bad, read = ledger["quarantined"], ledger["rows_read"]
    target = quarantine_file(ledger["path"], load.file_id)
    first = f"{load.export.name}, row {row:,}, {reasons}. {bad:,} of {read:,} rows quarantined in {target}"
    if ledger["status"] == "loaded":
        return f"{first}; correct them in the shop and export them again: what the new file holds counts then."
    limit = load.settings.quarantine_limit
    counts = ", ".join(f"count(*) FILTER (WHERE contains(reasons, {text_literal(reason)}))" for reason in _SETTINGS)
    rows = load.execute(f"SELECT {counts} FROM ingest.quarantine WHERE file_id = $file_id")[0]
    advice = what_to_set(dict(zip(_SETTINGS, rows, strict=True)), bad, load.source.name, load.settings.currency)
    return (
        f"{first}: more than {limit * 100:.1f} % (setting quarantine_limit), so nothing of the file was loaded. "
        f"{advice or 'Fix the export, its source, or the limit'}, and run again."
    )


_SETTINGS = {
    "is not the reporting currency": (
        "If the shop does not count in {currency}, write it as currency in perennial.toml, such as "
        'currency = "USD"; if its orders are in several, give exchange rates (docs/exports.md)'
    ),
    "holds bytes that are no UTF-8 text": (
        'Say how the file is written, encoding = "cp850", or another name, below [dialects.{source}] in perennial.toml'
    ),
}
"""Reasons why rows do not fit that a setting mends: part of the reason -> what to do."""


def what_to_set(reasons: Mapping[str, int], bad: int, source: str, currency: str) -> str | None:
    """What to set where that is why most of the rows do not fit; `reasons`: in words, and their rows."""
    for part, advice in _SETTINGS.items():
        if 2 * sum(rows for reason, rows in reasons.items() if part in reason) > bad:
            return advice.format(source=source, currency=currency)
    return None
