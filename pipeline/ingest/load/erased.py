"""Erased: what is told of people who were forgotten, up to the day of it, goes no further than here.

Rows about them are left out. Lines of their orders stay, so that totals hold: without customer and city, and under
another order id, which is the same in every export. A later order is one of a new customer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from pipeline.ingest.load.context import GUEST_ID, Load, rows_as_text
from pipeline.ingest.load.persons import joined, parts
from pipeline.ingest.tombstones import KINDS, Kind, hand_over, tombstone_sql
from pipeline.quoting import quoted, text_literal

_ORDER: Final = "order_id"
_CITY = "city"
_BLANKS = "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace())
"""What `canonical` takes for a blank."""


def leave_out_erased(load: Load) -> None:
    """`erased`: (row_number) of the rows that are about them."""
    load.execute("CREATE OR REPLACE TEMP TABLE erased (row_number BIGINT)")
    if not load.tombstones:
        return
    hand_over(load.engine, load.tombstones)
    for kind, table, column in _identifiers(load):
        found = _rows_of_erased(load, kind, table, column, _moment(load))
        load.execute(f"INSERT INTO temp.erased SELECT row_number FROM ({found})")
    for name in load.input.persons:
        if name in load.stored and load.input.header.columns[name].contact == "kind":
            _find_named(load, name)
    if not (count := _count(load)):
        return
    if load.input.is_of_sales:
        _make_nobodys(load)
        return
    load.execute("DELETE FROM mapped WHERE row_number IN (SELECT row_number FROM temp.erased)")
    load.execute("INSERT INTO left_out SELECT DISTINCT row_number FROM temp.erased")
    load.remark("erased", f"{rows_as_text(count)} left out: they are about people who were forgotten.", count)


def _identifiers(load: Load) -> Iterator[tuple[Kind, str, str]]:
    """(kind, table, column) of all that says who one somebody is."""
    for name in load.persons:
        yield "customer_id", "mapped", name
    if _ORDER in load.stored:
        yield _ORDER, "mapped", _ORDER
    for name in load.input.persons:
        if name not in load.stored:
            continue
        contact = load.input.header.columns[name].contact
        if contact and contact != "kind":
            yield contact, "completed", name


def _find_named(load: Load, name: str) -> None:
    """In cells that may name several: who was forgotten leaves the cell, and with the last of them the row."""
    cell = quoted(name)
    load.execute(
        f"CREATE OR REPLACE TEMP TABLE named AS SELECT row_number, {parts(name)} AS told, {_moment(load)} AS said_at "
        f"FROM completed"
    )
    load.execute("CREATE OR REPLACE TEMP TABLE erased_names (row_number BIGINT, told VARCHAR)")
    for kind in KINDS:
        load.execute(f"INSERT INTO temp.erased_names {_rows_of_erased(load, kind, 'temp.named', 'told', 'said_at')}")
    load.execute(
        f"CREATE OR REPLACE TEMP TABLE left_named AS SELECT row_number, {joined('told')} AS told FROM temp.named "
        f"ANTI JOIN temp.erased_names USING (row_number, told) GROUP BY row_number"
    )
    of_erased = "row_number IN (SELECT row_number FROM temp.erased_names)"
    load.execute(
        f"UPDATE mapped SET {cell} = left_named.told FROM temp.left_named AS left_named "
        f"WHERE left_named.row_number = mapped.row_number AND mapped.{of_erased}"
    )
    load.execute(
        f"INSERT INTO temp.erased SELECT DISTINCT row_number FROM temp.named WHERE {of_erased} "
        f"AND row_number NOT IN (SELECT row_number FROM temp.left_named)"
    )
    for table in ("named", "erased_names", "left_named"):
        load.execute(f"DROP TABLE temp.{table}")


def _rows_of_erased(load: Load, kind: Kind, table: str, column: str, moment: str) -> str:
    """SELECT of row_number and what is told, of the rows that name somebody who was forgotten since.

    Addresses and numbers are written one way by now; ids are as they stand, without blanks around them.
    """
    told = f"rows.{quoted(column)}"
    known_as = "told" if kind in ("email", "phone") else f"trim(told, {text_literal(_BLANKS)})"
    by_key = " UNION ALL ".join(
        f"SELECT told, {tombstone_sql(place, kind, known_as)} AS value FROM listed"
        for place in range(len(load.tombstones.keys))
    )
    return f"""
        WITH listed AS (SELECT DISTINCT {told} AS told FROM {table} AS rows WHERE {told} IS NOT NULL),
        of_erased AS (
          SELECT told, max(stones.erased_on) AS erased_on
          FROM ({by_key}) AS told JOIN temp.tombstones AS stones USING (value)
          WHERE stones.kind = '{kind}'
          GROUP BY told
        )
        SELECT DISTINCT row_number, of_erased.told FROM {table} AS rows JOIN of_erased ON of_erased.told = {told}
        WHERE coalesce(CAST({moment} AS DATE) <= erased_on, TRUE)  -- what is not dated may be of any day
        """


def _moment(load: Load) -> str:
    """SQL: of when a row tells; null if it does not say. A no is not of a later time than the file it came in: else one
    that is dated wrongly would come back for ever.
    """
    if load.input.moment not in load.stored:
        return "CAST(NULL AS TIMESTAMP)"
    return load.changed_at() if load.input.header.in_doubt else load.input.moment


def _make_nobodys(load: Load) -> None:
    """An order is one person's: all of its lines in the file are."""
    load.execute(
        "INSERT INTO temp.erased SELECT DISTINCT row_number FROM mapped WHERE order_id IN "
        "(SELECT order_id FROM mapped WHERE row_number IN (SELECT row_number FROM temp.erased))"
    )
    orders = load.engine.read(
        "SELECT DISTINCT order_id FROM mapped WHERE order_id IS NOT NULL AND row_number IN "
        "(SELECT row_number FROM temp.erased)"
    )
    aliases = orders.with_columns(alias=pl.Series(map(load.tombstones.alias, orders["order_id"]), dtype=pl.String))
    load.execute("CREATE OR REPLACE TEMP TABLE erased_orders (order_id VARCHAR, alias VARCHAR)")
    load.engine.insert("temp.erased_orders", aliases)
    emptied = [name for name in (*load.persons, _CITY) if name in load.stored or name == GUEST_ID]
    load.execute(
        f"UPDATE mapped SET order_id = told.alias{''.join(f', {name} = NULL' for name in emptied)} "
        f"FROM temp.erased_orders AS told WHERE told.order_id = mapped.order_id "
        f"AND row_number IN (SELECT row_number FROM temp.erased)"
    )
    load.execute("DROP TABLE temp.erased_orders")


def _count(load: Load) -> int:
    return int(load.execute("SELECT count(DISTINCT row_number) FROM temp.erased")[0][0])
