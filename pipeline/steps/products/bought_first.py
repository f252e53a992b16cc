"""Which of two items that go together customers buy first, more often than the calendars of both make them.

What is sold longer, or before the season of the other, is bought first by most: an even split is not what chance makes.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models.affinity import expected_first, false_discovery_rates, other_than_expected
from pipeline.tables.catalog import with_features

LEAST_CUSTOMERS = 20
MOST_FALSE = 0.05

# pair: customers of both, first bought in different months; month: customers of an item by the month of their first
# purchase. Of pairs that may go together: all that is_complementary asks of a pair but its q.
_BOUGHT = """
    WITH expected AS (
      SELECT
        level,
        one,
        other,
        customers,
        together + 10 AS seen,
        one_baskets::DOUBLE * other_baskets * size_pairs / nullif(size_sum::DOUBLE * size_sum, 0) + 10 AS made_by_chance
      FROM features.basket_pairs
      WHERE together IS NOT NULL
    ),
    pairs AS (
      SELECT level, one, other
      FROM expected
      WHERE customers >= 5
        AND seen * pow(1 - 1::DOUBLE / nullif(9 * seen, 0) - 1.645::DOUBLE / nullif(3 * sqrt(seen), 0), 3)
          > 1.2 * made_by_chance
    ),
    items AS (
      SELECT level, one AS item FROM pairs
      UNION
      SELECT level, other AS item FROM pairs
    ),
    firsts AS MATERIALIZED (
      SELECT bought.level, bought.item, bought.customer_id, date_trunc('month', bought.first_on)::DATE AS month
      FROM features.customer_items AS bought
      JOIN items ON items.level = bought.level AND items.item = bought.item
    )
    SELECT
      pairs.level,
      pairs.one,
      pairs.other,
      NULL::DATE AS month,
      count(*) AS customers,
      count(*) FILTER (WHERE one.month < other.month) AS one_first
    FROM pairs
    JOIN firsts AS one ON one.level = pairs.level AND one.item = pairs.one
    JOIN firsts AS other
      ON other.level = pairs.level
      AND other.item = pairs.other
      AND other.customer_id = one.customer_id
      AND other.month <> one.month
    GROUP BY pairs.level, pairs.one, pairs.other
    UNION ALL
    SELECT level, item AS one, NULL::VARCHAR AS other, month, count(*) AS customers, NULL::BIGINT AS one_first
    FROM firsts
    GROUP BY level, item, month
"""


def queries() -> dict[str, str]:
    """Everything that is asked of the engine, by name."""
    return {"bought_first": with_features(_BOUGHT)}


def bought_first(engine: Engine, day: dt.date, together: pl.DataFrame) -> pl.DataFrame:
    """The pairs with `first_item`: the one bought first; null where the calendars explain the order.

    together: level, item, other, is_complementary; a pair in one direction or in both. Tests of a level are as many as
    its pairs that go together, also those of too few customers.
    """
    sides = together.with_columns(one=pl.min_horizontal("item", "other"), two=pl.max_horizontal("item", "other"))
    pairs = sides.filter("is_complementary").select("level", "one", "two").unique(maintain_order=True)
    if not pairs.height:
        return together.with_columns(first_item=pl.lit(None, pl.String))
    bought = engine.read(queries()["bought_first"], {"snapshot_date": day})
    found = pl.concat(
        _first_items(pairs.filter(level=level), bought.filter(level=level)) for level in pairs["level"].unique()
    )
    return sides.join(found, on=("level", "one", "two"), how="left").drop("one", "two")


def _first_items(pairs: pl.DataFrame, bought: pl.DataFrame) -> pl.DataFrame:
    """level, one, two, first_item: the pairs of a level that enough customers have begun with."""
    months = bought.filter(pl.col("other").is_null()).pivot("month", index="one", values="customers").fill_null(0)
    calendars = months.select(sorted(months.columns[1:])).to_numpy()
    place = {item: number for number, item in enumerate(months["one"])}
    counted = bought.filter(pl.col("customers") >= LEAST_CUSTOMERS).select("one", "customers", "one_first", two="other")
    tested = pairs.join(counted, on=("one", "two"))
    one, two = (calendars[[place[item] for item in tested[side]]] for side in ("one", "two"))
    share = expected_first(one, two)
    count, customers = (tested[name].cast(pl.Float64).to_numpy() for name in ("one_first", "customers"))
    q = false_discovery_rates(other_than_expected(count, customers, share), pairs.height)
    first = pl.when(pl.Series(count > share * customers)).then("one").otherwise("two")
    return tested.select("level", "one", "two", first_item=pl.when(pl.Series(q <= MOST_FALSE)).then(first))
