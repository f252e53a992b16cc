"""Complete Journey, a year of a grocer's lines, in the staging table of order lines, without a source in between."""

from pathlib import Path

import pytest
from shop import ONLINE_RETAIL

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.quoting import text_literal

FOLDER = ONLINE_RETAIL.parent / "complete_journey"
TRANSACTIONS, PRODUCTS = FOLDER / "transactions.parquet", FOLDER / "products.parquet"


def files() -> list[Path]:
    """The files that are read; skips the test where they are not."""
    for file in (TRANSACTIONS, PRODUCTS):
        if not file.exists():
            pytest.skip(f"{file} is not there: the shared data sets are no part of the repository")
    return [TRANSACTIONS.resolve(), PRODUCTS.resolve()]


def load(engine: DuckDBEngine) -> None:
    """Sale lines of pieces of a named category, without coupons and fuel; the day is that of the time as it stands."""
    lines, products = map(text_literal, files())
    engine.execute(
        f"""
        INSERT INTO staging.order_lines BY NAME
        SELECT
          'grocer' AS file_id, row_number() OVER () AS row_number, 'sale' AS kind, 'USD' AS currency,
          basket_id::VARCHAR AS order_id, household_id::VARCHAR AS customer_id, transaction_timestamp AS ordered_at,
          transaction_timestamp::DATE AS ordered_on, product_id::VARCHAR AS product_id, product_category AS category,
          quantity::DECIMAL(18,3) AS quantity, sales_value::DECIMAL(18,2) AS amount
        FROM {lines} JOIN {products} USING (product_id)
        WHERE quantity > 0 AND product_category NOT IN ('COUPON/MISC ITEMS', 'FUEL')
        """
    )
