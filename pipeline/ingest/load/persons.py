"""Persons: the personal columns of a file on their way into `people`; staging gets the rest."""

from __future__ import annotations

import polars as pl

from pipeline.home.people import remember_suppressed, table_of
from pipeline.ingest.contacts import email, phone
from pipeline.ingest.load.context import Load
from pipeline.quoting import quoted, text_literal

_COUNTRY = "country"


def write_one_way(load: Load) -> None:
    """Addresses and numbers as everybody's are written, so that equal ones are equal; null if they cannot be any."""
    for name, column in load.input.header.columns.items():
        if column.contact is not None and name in load.stored:
            _write_one_way(load, name, "kind" if column.contact == "kind" else text_literal(column.contact))


def keep(load: Load) -> None:
    """Write who the customers of the file's rows are.

    Before the transaction of the file, because DuckDB commits one file at a time.
    """
    if not load.input.persons:
        return
    with load.engine.transaction():
        remember_suppressed(load.engine)
        load.execute(f"DELETE FROM {table_of(load.input)} WHERE file_id = $file_id")
        load.execute(
            f"INSERT INTO {table_of(load.input)} BY NAME SELECT $file_id AS file_id, row_number, "
            f"{', '.join(map(quoted, load.input.persons))} FROM completed "
            f"WHERE row_number NOT IN (SELECT row_number FROM problems)"
        )


def _write_one_way(load: Load, name: str, kind: str) -> None:
    """`kind`: SQL over the completed row: email, phone, or what is neither and stays as it is."""
    told = (
        f"SELECT row_number, {kind} AS kind, {quoted(name)} AS told, {_country(load)} AS country "
        f"FROM completed AS rows "
        f"WHERE {quoted(name)} IS NOT NULL AND {kind} IN ('email', 'phone')"
    )
    listed = load.engine.read(f"SELECT DISTINCT kind, told, country FROM ({told}) AS listed")
    canonical = [
        email(text) if of == "email" else phone(text, country or load.settings.country)
        for of, text, country in listed.iter_rows()
    ]
    load.execute(
        "CREATE OR REPLACE TEMP TABLE contacts (kind VARCHAR, told VARCHAR, country VARCHAR, canonical VARCHAR)"
    )
    load.engine.insert("temp.contacts", listed.with_columns(canonical=pl.Series(canonical, dtype=pl.String)))
    load.execute(
        f"CREATE OR REPLACE TEMP TABLE written AS SELECT row_number, kind, canonical FROM ({told}) AS listed "
        f"JOIN contacts USING (kind, told, country)"
    )
    load.execute(
        f"UPDATE mapped SET {quoted(name)} = canonical FROM written WHERE written.row_number = mapped.row_number"
    )
    refused = load.execute("SELECT count(*), min(kind) FROM written WHERE canonical IS NULL")[0]
    for table in ("contacts", "written"):
        load.execute(f"DROP TABLE {table}")
    if refused[0] and load.input.header.columns[name].contact != "kind":  # there, a rule of the input says so
        what = "an e-mail address" if refused[1] == "email" else "a telephone number"
        load.remark(
            f"unusable_{name}",
            f"{name} cannot be {what} in {refused[0]:,} of its rows; these customers are kept without it.",
            refused[0],
        )


def _country(load: Load) -> str:
    """SQL: of what country a row's numbers are, '' where it does not say."""
    return "upper(coalesce(rows.country, ''))" if _COUNTRY in load.input.persons else "''"
