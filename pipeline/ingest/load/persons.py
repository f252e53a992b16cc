"""Persons: the personal columns of a file on their way into `people`; staging gets the rest."""

from __future__ import annotations

import polars as pl

from pipeline.home.people import table_of
from pipeline.ingest.contacts import email, phone
from pipeline.ingest.load.context import Load
from pipeline.quoting import quoted

_COUNTRY = "country"


def keep(load: Load) -> None:
    """Write who the customers of the file's rows are; what cannot be an address or a number is left out and told.

    Before the transaction of the file, because DuckDB commits one file at a time.
    """
    if not load.input.persons:
        return
    columns, joins = list[str](), list[str]()
    for name in load.input.persons:
        contact = load.input.header.columns[name].contact
        if contact is None or name not in load.stored:
            columns.append(f"rows.{quoted(name)}")
            continue
        told = _canonical(load, name, contact)
        columns.append(f"{told}.canonical AS {quoted(name)}")
        joins.append(f"LEFT JOIN {told} ON {told}.told = rows.{quoted(name)} AND {told}.country = {_country(load)}")
    with load.engine.transaction():
        load.execute(f"DELETE FROM {table_of(load.input)} WHERE file_id = $file_id")
        load.execute(
            f"INSERT INTO {table_of(load.input)} BY NAME SELECT $file_id AS file_id, rows.row_number, "
            f"{', '.join(columns)} FROM completed AS rows {' '.join(joins)} "
            f"WHERE rows.row_number NOT IN (SELECT row_number FROM problems)"
        )


def _canonical(load: Load, name: str, contact: str) -> str:
    """A temporary table: what is told, of which country, and how it is written by those who write it one way."""
    listed = load.engine.read(
        f"SELECT DISTINCT {quoted(name)} AS told, {_country(load)} AS country FROM completed AS rows "
        f"WHERE {quoted(name)} IS NOT NULL"
    )
    region = load.settings.country
    canonical = [
        email(told) if contact == "email" else phone(told, country or region) for told, country in listed.iter_rows()
    ]
    table = f"canonical_{name}"
    frame = listed.with_columns(canonical=pl.Series(canonical, dtype=pl.String))
    load.execute(f"CREATE OR REPLACE TEMP TABLE {table} (told VARCHAR, country VARCHAR, canonical VARCHAR)")
    load.engine.insert(f"temp.{table}", frame)
    if refused := load.execute(
        f"SELECT count(*) FROM completed AS rows JOIN {table} ON {table}.told = rows.{quoted(name)} "
        f"AND {table}.country = {_country(load)} WHERE {table}.canonical IS NULL"
    )[0][0]:
        what = "an e-mail address" if contact == "email" else "a telephone number"
        load.remark(
            f"unusable_{name}",
            f"{name} cannot be {what} in {refused:,} of its rows; these customers are kept without it.",
            refused,
        )
    return table


def _country(load: Load) -> str:
    """SQL: of what country a row's numbers are, '' where it does not say."""
    return "upper(coalesce(rows.country, ''))" if _COUNTRY in load.input.persons else "''"
