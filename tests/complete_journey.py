"""Complete Journey (dunnhumby): a year of 2,469 households' groceries, as lines of `staging.order_lines`.

What belongs here: the lines, with categories or finer types as items. What does not: expectations, they stand in tests.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from shop import RealShop, build, open_engine

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.quoting import text_literal
from pipeline.settings import Settings

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "complete_journey"
LINES = """
    INSERT INTO staging.order_lines BY NAME
    SELECT 'by-hand' AS file_id, row_number() OVER () AS row_number, 'sale' AS kind, 'USD' AS currency,
      basket_id AS order_id, household_id AS customer_id, transaction_timestamp::TIMESTAMP AS ordered_at,
      transaction_timestamp::TIMESTAMP::DATE AS ordered_on, quantity::DECIMAL(18,3) AS quantity,
      sales_value::DECIMAL(18,2) AS amount, product_category AS category, {product} AS product_id
    FROM {lines} JOIN {products} USING (product_id)
    WHERE quantity > 0 AND product_category IS NOT NULL AND product_category NOT IN ('COUPON/MISC ITEMS', 'FUEL')
"""
TYPE = "coalesce(product_type, product_category)"
"""Some 2,200 kinds of products, for an item finer than the 300 categories."""


def files() -> list[Path]:
    """The files that are read; skips the test where they are not."""
    if not FOLDER.is_dir():
        pytest.skip(f"{FOLDER} is not there: the shared data sets are no part of the repository")
    return [(FOLDER / name).resolve() for name in ("transactions.parquet", "products.parquet")]


def load(engine: DuckDBEngine, product: str = "product_id") -> None:
    """Sale lines of pieces of a named category, without coupons and fuel; `product`: what their items are."""
    lines, products = map(text_literal, files())
    engine.execute(LINES.format(lines=lines, products=products, product=product))


@contextmanager
def complete_journey(home: Path, day: dt.date, *names: str, product: str = "product_id") -> Iterator[RealShop]:
    """The tables named, built for a day; whoever needs it skips without the data."""
    with open_engine(Settings(home=home), files()) as engine:
        load(engine, product)
        engine.note_changes("staging.order_lines", "true")
        build(engine, day, *names)
        yield RealShop(engine, day)
