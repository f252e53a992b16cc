"""A made-up shop's exports, as large as asked and the same every time: three years of orders, and the day after them.

Every random number is a hash of (seed, what it is for, row), so that neither threads nor versions of a generator change
a byte. Shapes are those of real shops: purchase counts with a heavy tail, a third of the customers with one order,
customers who stop, 5 % guests, 2 % of the orders refunded (half of them whole), a busy December.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import duckdb

FIRST_DAY, LAST_DAY = dt.date(2022, 1, 1), dt.date(2024, 12, 31)
NEXT_DAY = LAST_DAY + dt.timedelta(days=1)
_DAYS = (LAST_DAY - FIRST_DAY).days
_LINES_PER_CUSTOMER = 15.4  # 5.1 orders of 3 lines, and some refunds
_OVERLAPPING_ORDERS = 20

_COLUMNS = """order_id, customer_id, strftime(ordered_at, '%Y-%m-%d %H:%M:%S') AS ordered_at, product_id, category,
  quantity, amount, sales_channel, kind"""


@dataclass(frozen=True)
class Made:
    """An export that was written."""

    path: Path
    rows: int
    orders: int
    customers: int


def make_exports(folder: Path, rows: int, seed: int) -> tuple[Made, Made]:
    """The export of the whole history, of about `rows` rows, and that of the next day, a thousandth of it."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(str(folder / "scratch.duckdb"))
    try:
        connection.execute(_uniform(seed))
        connection.execute(_history_orders(round(rows / _LINES_PER_CUSTOMER)))
        connection.execute(_lines("history_lines", "history_orders"))
        history = _write(connection, "SELECT * FROM history_lines", folder / "history.csv")
        connection.execute(_next_orders(max(1, rows // 3000)))
        connection.execute(_lines("next_lines", "next_orders"))
        following = _write(connection, _next_export(), folder / "next-day.csv")
    finally:
        connection.close()
        (folder / "scratch.duckdb").unlink()
    return history, following


def _uniform(seed: int) -> str:
    """uniform('what for', row) in (0, 1). Hashed again after the xor: a hash of several values mixes too little."""
    return (
        "CREATE MACRO uniform(purpose, row) AS "
        f"((hash(xor(hash({seed} || purpose), hash(row::BIGINT))) >> 12)::DOUBLE + 0.5) / 4503599627370496.0"  # 2^52
    )


def _history_orders(customers: int) -> str:
    """One row per order: number, customer, day as a fraction of the whole span. The first order is when they arrive."""
    return f"""
    CREATE TEMP TABLE history_orders AS
    WITH customers AS (
      SELECT
        range AS customer,
        1 + floor(exp(
          0.64 + 1.3 * sqrt(-2 * ln(uniform('size', range))) * cos(2 * pi() * uniform('angle', range))
        )) AS orders,
        sqrt(uniform('arrival', range)) AS arrival,
        sqrt(uniform('stays', range)) AS stays
      FROM range({customers})
    ),
    orders AS (
      SELECT customer, place, arrival, stays, customer * 4096 + place AS number
      FROM (SELECT *, unnest(range(least(orders, 1000)::BIGINT)) AS place FROM customers)
    )
    SELECT
      number,
      customer,
      DATE '{FIRST_DAY}' + floor(
        {_DAYS} * (arrival + (1 - arrival) * stays * if(place = 0, 0, uniform('when', number)))
      )::INTEGER AS ordered_on
    FROM orders
    """


def _next_orders(orders: int) -> str:
    """Four of five by customers of the past, each as likely as often they have bought."""
    return f"""
    CREATE TEMP TABLE next_orders AS
    SELECT 9000000000000 + range AS number, coalesce(past.customer, 900000000 + range) AS customer,
      DATE '{NEXT_DAY}' AS ordered_on
    FROM range({orders})
    LEFT JOIN history_orders AS past
      ON past.rowid = floor(uniform('who', range) * 1.25 * (SELECT count(*) FROM history_orders))::BIGINT
    """


def _lines(table: str, orders: str) -> str:
    return f"""
    CREATE TEMP TABLE {table} AS
    WITH dated AS (
      SELECT number, if(uniform('guest', number) < 0.05, NULL, 'c' || customer) AS customer_id,
        ordered_on + to_seconds(floor(28800 + 50400 * uniform('hour', number))::BIGINT) AS ordered_at,
        1 + floor(5 * uniform('lines', number))::BIGINT AS lines,
        ['web', 'app', 'store', 'web'][1 + floor(4 * uniform('channel', number))::BIGINT] AS sales_channel
      FROM {orders}
    ),
    sales AS (
      SELECT *, number * 8 + place AS line
      FROM (SELECT *, unnest(range(lines)) AS place FROM dated)
    ),
    priced AS (
      SELECT *,
        floor(20000 * uniform('product', line) * uniform('popular', line))::BIGINT AS product,
        1 + floor(-0.4 * ln(uniform('pieces', line)))::BIGINT AS quantity
      FROM sales
    ),
    booked AS (
      SELECT number, place, customer_id, ordered_at, product, quantity, sales_channel, 'sale' AS kind,
        (quantity * round(2 + exp(2.6 + uniform('price', product)), 2))::DECIMAL(18,2) AS amount
      FROM priced
    ),
    refunded AS (
      SELECT *, ordered_at + to_days((1 + floor(20 * uniform('back', number)))::INTEGER) AS refunded_at
      FROM booked WHERE uniform('refund', number) < 0.02 AND (place = 0 OR uniform('whole', number) < 0.5)
    )
    SELECT 'o' || number AS order_id, customer_id, ordered_at, 'p' || product AS product_id,
      'category ' || product % 24 AS category, quantity, amount, sales_channel, kind
    FROM (
      FROM booked
      UNION ALL
      SELECT number, place + 8, customer_id, refunded_at, product, -quantity, sales_channel, 'refund', -amount
      FROM refunded WHERE refunded_at < DATE '{NEXT_DAY}'
    )
    ORDER BY ordered_at::DATE, number, place
    """


def _next_export() -> str:
    """The orders of the day, and a few of the day before that were exported already: what overlapping exports hold."""
    return f"""
    WITH overlapping AS (
      SELECT DISTINCT order_id FROM history_lines WHERE ordered_at >= DATE '{LAST_DAY}'
      ORDER BY order_id LIMIT {_OVERLAPPING_ORDERS}
    )
    SELECT * FROM history_lines WHERE order_id IN (FROM overlapping)
    UNION ALL
    SELECT * FROM next_lines
    """


def _write(connection: duckdb.DuckDBPyConnection, select: str, path: Path) -> Made:
    counts = f"SELECT count(*), count(DISTINCT order_id), count(DISTINCT customer_id) FROM ({select})"
    rows, orders, customers = connection.execute(counts).fetchall()[0]
    connection.execute(f"COPY (SELECT {_COLUMNS} FROM ({select})) TO '{path}' (FORMAT csv, HEADER)").fetchall()
    return Made(path, rows, orders, customers)
