"""A shop of 100,000 products: pairs are counted of those that are bought often, whatever else is in the baskets."""

import datetime as dt

import duckdb
import pytest
from shop import all_tables, build

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.settings import Settings
from pipeline.steps.products import affinity
from pipeline.steps.products.recommendations import ALL_METHODS
from pipeline.tables.catalog import with_features

DAY = dt.date(2026, 12, 31)
# 2,000 orders of 500 customers, of 98 products each that hardly anybody else buys: 9.5 million pairs, were they made.
# Every tenth order has tea and a cup too. One has 5,000 products.
LINES = """
    WITH bought AS (
      SELECT number, number % 500 AS customer, 'p' || (98 * number + place) * 7919 % 100000 AS product_id
      FROM range(2000) AS orders (number), range(98) AS places (place)
      UNION ALL
      SELECT number, number % 500, unnest(['tea', 'cup'])
      FROM range(0, 2000, 10) AS orders (number)
      UNION ALL
      SELECT 2000, 0, 'p' || number
      FROM range(5000) AS products (number)
    )
    INSERT INTO staging.order_lines BY NAME
    SELECT
      'by-hand' AS file_id, row_number() OVER () AS row_number, 'sale' AS kind, 'EUR' AS currency, 10 AS amount,
      1 AS quantity, 'o' || number AS order_id, 'c' || customer AS customer_id, product_id,
      DATE '2026-12-31' - CAST(number % 300 AS INTEGER) AS ordered_on, ordered_on::TIMESTAMP AS ordered_at
    FROM bought
"""
SPARE = "300MB"
"""As much as the pairs of all products would not fit into; nothing may be spilled."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    connection = duckdb.connect(config={"memory_limit": SPARE, "temp_directory": "", "threads": 2})
    engine = DuckDBEngine(connection)
    engine.prepare(Settings(home=tmp_path_factory.mktemp("many")), list(all_tables().values()))
    engine.execute(LINES)
    build(engine, DAY, "staging.occasions")
    yield engine
    connection.close()


def test_the_pairs_of_all_products_would_not_fit(engine):
    assert engine.execute("SELECT count(DISTINCT product_id) FROM staging.order_lines") == [(100_002,)]
    pairs = """
        SELECT count(*)
        FROM (
          SELECT one.product_id, other.product_id
          FROM staging.order_lines AS one
          JOIN staging.order_lines AS other ON other.order_id = one.order_id AND other.product_id > one.product_id
          WHERE one.order_id <> 'o2000'
          GROUP BY one.product_id, other.product_id
        ) AS pairs
    """
    with pytest.raises(duckdb.OutOfMemoryException):
        engine.execute(pairs)


def test_only_what_is_bought_often_is_paired(engine):
    tables = affinity.compute(engine, engine.settings, DAY, lambda _: None)
    (fit,) = tables["product_affinity_fit"].filter(level="product", scope="basket").rows(named=True)
    assert (fit["items"], fit["pairs"], fit["counted"], fit["left_out"]) == (2, 1, 2_000, 1)
    found = tables["product_affinity"].filter(scope="basket").select("item", "other", "baskets", "customers").rows()
    assert sorted(found) == [("cup", "tea", 200, 50), ("tea", "cup", 200, 50)]


def test_only_customers_of_the_same_products_are_compared(engine):
    asked = with_features(
        "SELECT product_id, other_id, customers FROM features.product_neighbours ORDER BY ALL",
        {"features.listed_methods": ALL_METHODS},
    )
    assert engine.read(asked, {"snapshot_date": DAY}).rows() == [("cup", "tea", 50), ("tea", "cup", 50)]
