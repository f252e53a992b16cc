"""Persons: the personal columns of a file on their way into `people`; staging gets the rest."""

from __future__ import annotations

from typing import Literal

import polars as pl

from pipeline.home.people import CONTACTS, remember_suppressed, table_of
from pipeline.ingest.contacts import email, emails, named, phone
from pipeline.ingest.load.context import Load, rows_as_text
from pipeline.quoting import quoted

HOW_HASHES_ARE_READ = (
    "Map them to email_sha256 or phone_sha256 in a source of your own whose header says hashed_for "
    "(docs/exports.md, Who customers are)."
)
_SEPARATOR = "\x1f"
_BETWEEN = "chr(31)"
"""Between what a cell names; no identifier holds it."""
_COUNTRY = "country"


def write_one_way(load: Load) -> None:
    """Addresses and numbers as everybody's are written, so that equal ones are equal; null if they cannot be any."""
    for name, column in load.input.header.columns.items():
        if name not in load.stored or column.contact is None:
            continue
        if column.contact == "kind":
            _write_named(load, name)
        elif column.contact == "hash":
            load.execute(f"UPDATE mapped SET {quoted(name)} = lower({quoted(name)})")
        else:
            _write_one_way(load, name, column.contact)


def keep(load: Load) -> None:
    """Write who the customers of the file's rows are.

    Before the transaction of the file, because DuckDB commits one file at a time.
    """
    if not load.input.persons:
        return
    columns = load.input.header.columns
    given = [
        f"{parts(name)} AS {quoted(name)}" if columns[name].contact == "kind" else quoted(name)
        for name in load.input.persons
    ]
    with load.engine.transaction():
        remember_suppressed(load.engine, _rows_with_contacts(load))
        load.execute(f"DELETE FROM {table_of(load.input)} WHERE file_id = $file_id")
        load.execute(
            f"INSERT INTO {table_of(load.input)} BY NAME SELECT $file_id AS file_id, row_number, {', '.join(given)} "
            f"FROM completed WHERE row_number NOT IN (SELECT row_number FROM problems)"
        )


def _rows_with_contacts(load: Load) -> str | None:
    """SELECT of the file's own rows of customers, of which one may be an older one that never reaches staging."""
    columns = load.input.header.columns
    has = {columns[name].contact for name in load.stored if name in columns}
    if load.input.person is None or not has & {"email", "phone", "hash"}:
        return None
    given = ", ".join(name if name in load.stored else f"CAST(NULL AS VARCHAR) AS {name}" for name in CONTACTS)
    return (
        f"SELECT {load.input.person}, {given} FROM completed WHERE row_number NOT IN (SELECT row_number FROM problems)"
    )


def parts(name: str) -> str:
    """SQL: what a cell names, one in a row each."""
    return f"unnest(string_split({quoted(name)}, {_BETWEEN}))"


def joined(text: str) -> str:
    """SQL: the same in one cell again, in order."""
    return f"string_agg({text}, {_BETWEEN} ORDER BY {text})"


def _write_named(load: Load, name: str) -> None:
    """Cells that may name anybody: all that they name, and what that is where they say something else."""
    listed = load.engine.read(
        f"SELECT DISTINCT kind, {quoted(name)} AS told FROM completed WHERE {quoted(name)} IS NOT NULL"
    )
    found = [named(kind or "", told, load.settings.country) for kind, told in listed.iter_rows()]
    read = listed.with_columns(
        of=pl.Series([kind or None for kind, _ in found], dtype=pl.String),
        canonical=pl.Series([_SEPARATOR.join(known_as) or None for _, known_as in found], dtype=pl.String),
        is_unlike=pl.Series(
            [_is_unlike(load, kind, told, known_as)
             for (_, known_as), (kind, told) in zip(found, listed.iter_rows(), strict=True)], dtype=pl.Boolean,
        ),
    )  # fmt: skip
    load.execute(
        "CREATE OR REPLACE TEMP TABLE named (kind VARCHAR, told VARCHAR, of VARCHAR, canonical VARCHAR, "
        "is_unlike BOOLEAN)"
    )
    load.engine.insert("temp.named", read)
    load.execute(
        f"CREATE OR REPLACE TEMP TABLE written AS SELECT row_number, of, canonical, is_unlike FROM completed "
        f"JOIN temp.named AS named ON named.told = completed.{quoted(name)} "
        f"AND named.kind IS NOT DISTINCT FROM completed.kind"
    )
    load.execute(
        f"UPDATE mapped SET {quoted(name)} = canonical, kind = coalesce(of, kind) FROM written "
        f"WHERE written.row_number = mapped.row_number"
    )
    rows, first = load.execute("SELECT count(*), min(row_number) FROM written WHERE is_unlike")[0]
    for table in ("named", "written"):
        load.execute(f"DROP TABLE {table}")
    if rows:
        load.remark(
            "named_otherwise",
            f'column "{name}" is not what kind says in {rows_as_text(rows)}, or it names several: all that is named '
            f"counts. The first is row {first:,}. Mend them in the list and export it again.",
            rows,
        )


def _is_unlike(load: Load, kind: str | None, told: str, known_as: list[str]) -> bool:
    """Whether a cell names somebody, and not only the one address or number that it says it is."""
    if kind not in ("email", "phone") or not known_as:
        return False
    return known_as != [email(told) if kind == "email" else phone(told, load.settings.country)]


def _phones(load: Load, listed: pl.DataFrame) -> pl.Series:
    numbers = [phone(told, country or load.settings.country) for told, country in listed.iter_rows()]
    return pl.Series(numbers, dtype=pl.String)


def _write_one_way(load: Load, name: str, kind: Literal["email", "phone"]) -> None:
    told = (
        f"SELECT row_number, {quoted(name)} AS told, {_country(load)} AS country FROM completed AS rows "
        f"WHERE {quoted(name)} IS NOT NULL"
    )
    listed = load.engine.read(f"SELECT DISTINCT told, country FROM ({told}) AS listed")
    canonical = emails(listed["told"]) if kind == "email" else _phones(load, listed)
    load.execute("CREATE OR REPLACE TEMP TABLE contacts (told VARCHAR, country VARCHAR, canonical VARCHAR)")
    load.engine.insert("temp.contacts", listed.with_columns(canonical=canonical))
    load.execute(
        f"CREATE OR REPLACE TEMP TABLE written AS SELECT row_number, canonical, "
        f"regexp_full_match(told, '[0-9a-fA-F]{{64}}') AS is_hash FROM ({told}) AS listed "
        f"JOIN contacts USING (told, country)"
    )
    load.execute(
        f"UPDATE mapped SET {quoted(name)} = canonical FROM written WHERE written.row_number = mapped.row_number"
    )
    refused, hashes = load.execute(
        "SELECT count(*), count(*) FILTER (WHERE is_hash) FROM written WHERE canonical IS NULL"
    )[0]
    for table in ("contacts", "written"):
        load.execute(f"DROP TABLE {table}")
    if refused:
        what = "an e-mail address" if kind == "email" else "a telephone number"
        load.remark(
            f"unusable_{name}",
            f"{name} cannot be {what} in {refused:,} of its rows; these customers are kept without it."
            f"{f' Hashes (SHA-256): {hashes:,}. {HOW_HASHES_ARE_READ}' if hashes else ''}",
            refused,
        )


def _country(load: Load) -> str:
    """SQL: of what country a row's numbers are, '' where it does not say."""
    return "upper(coalesce(rows.country, ''))" if _COUNTRY in load.input.persons else "''"
