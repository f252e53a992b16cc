"""Control groups by lot: who is left alone, the same customers every night, on every machine, at every larger share."""

from __future__ import annotations

import duckdb
import polars as pl

BUCKETS = 10_000
HOLDOUT = "global-v1"
"""The salt by which customers are left alone by every audience."""
DISCOUNTS = "discounts-v1"
"""The salt by which customers get no discount."""


def bucket(salt: str, customer_id: str) -> str:
    """SQL of DuckDB: 0 to 9,999, of equal chance; of two salts independent of each other. Both are SQL, too."""
    return f"CAST('0x' || left(sha256({salt} || chr(31) || {customer_id}), 15) AS UBIGINT) % {BUCKETS}"


def falls_on(customers: pl.DataFrame, share: str) -> pl.Series:
    """Whether the lot falls on a customer. Columns: salt, customer_id, and `share`, 0.1 for a tenth."""
    with duckdb.connect(config={"threads": 1}) as connection:  # in the order of the rows
        connection.register("customers", customers.select("salt", "customer_id", share=pl.col(share)).to_arrow())
        lots = f"SELECT {bucket('salt', 'customer_id')} < round({BUCKETS} * share) AS drawn FROM customers"
        return pl.Series(connection.sql(lots).pl()["drawn"])
