"""What customers buy for the first time within 90 days after an item, and what others of the month and size do then.

The engine counts: what is bought after what, and what the occasions of each month and size lead to. The expectation is
put together here, a product of small matrices: customers of an item by stratum, and chances of the other by stratum.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models.histories import Array
from pipeline.tables.catalog import with_features

LIMITS = (300, 150, 100, 60)
MOST_PAIRS = 100_000_000
MOST_DRAWN = 25_000_000
"""Pairs of items of a customer that are counted: where there are more, a part of the customers is drawn."""
PARTS = {1: "g", 2: "8", 4: "4", 8: "2", 16: "1"}
"""One customer in so many: those whose MD5 comes before this."""
_IS_DRAWN = f"($drawn_to::VARCHAR = '{PARTS[1]}' OR md5(customer_id) < $drawn_to::VARCHAR)"
_PAIR = 1_000_000
"""A pair of items is one number: that of the first times this, and that of the other."""

# How many items customers and their occasions have, of all of which the limit, the part and the thirds are made; by the
# smallest part that a customer is in.
_SIZES = f"""
    WITH customers AS MATERIALIZED (
      SELECT level, customer_id, count(*) AS items
      FROM features.customer_items
      GROUP BY level, customer_id
    ),
    days AS (
      SELECT level, customer_id, occasion_on, count(*) AS size
      FROM features.item_occasions
      WHERE occasion_on > $snapshot_date - 365 AND occasion_on <= $snapshot_date - 90
      GROUP BY level, customer_id, occasion_on
    ),
    classes AS (
      SELECT
        level,
        customer_id,
        items,
        CASE {" ".join(f"WHEN items <= {limit} THEN {limit}" for limit in reversed(LIMITS))} END AS size_limit,
        CASE {" ".join(f"WHEN md5(customer_id) < '{to}' THEN {of}" for of, to in reversed(PARTS.items()))} END AS part
      FROM customers
    )
    SELECT
      level,
      size_limit,
      part,
      NULL::DATE AS month,
      NULL::BIGINT AS size,
      count(*) AS times,
      sum(items * (items - 1) // 2)::BIGINT AS pairs
    FROM classes
    GROUP BY level, size_limit, part
    UNION ALL
    SELECT
      days.level,
      classes.size_limit,
      classes.part,
      date_trunc('month', days.occasion_on)::DATE AS month,
      days.size,
      count(*) AS times,
      NULL::BIGINT AS pairs
    FROM days
    JOIN classes ON classes.level = days.level AND classes.customer_id = days.customer_id
    WHERE classes.size_limit IS NOT NULL
    GROUP BY days.level, classes.size_limit, classes.part, date_trunc('month', days.occasion_on)::DATE, days.size
"""
# Five lists of one level, of items and strata (months and thirds) by number. items: which they are, with occasions of
# the last 90 days; units: customers by what they bought first and when; met: of the occasions of a stratum those before
# and after which an item was bought first; followed: what 5 customers bought after what; had: units of these pairs that
# had the other already.
_COUNTED = f"""
    WITH customers AS (
      SELECT customer_id
      FROM features.customer_items
      WHERE level = $level::VARCHAR
      GROUP BY customer_id
      HAVING count(*) <= $size_limit::BIGINT AND {_IS_DRAWN}
    ),
    occasions AS MATERIALIZED (
      SELECT bought.item, bought.customer_id, bought.occasion_on
      FROM features.item_occasions AS bought
      JOIN customers ON customers.customer_id = bought.customer_id
      WHERE bought.level = $level::VARCHAR
    ),
    firsts AS MATERIALIZED (
      SELECT
        item,
        customer_id,
        min(occasion_on) AS first_on,
        min(occasion_on) FILTER (WHERE occasion_on > $snapshot_date - 365) AS window_on,
        count(*) FILTER (WHERE occasion_on > $snapshot_date - 90) AS lately
      FROM occasions
      GROUP BY item, customer_id
    ),
    eligible AS MATERIALIZED (
      SELECT item, row_number() OVER (ORDER BY item) AS number, sum(lately)::BIGINT AS lately
      FROM firsts
      GROUP BY item
      HAVING count(window_on) >= 100
    ),
    numbered AS MATERIALIZED (
      SELECT eligible.number, firsts.customer_id, firsts.first_on, firsts.window_on
      FROM firsts
      JOIN eligible ON eligible.item = firsts.item
    ),
    days AS MATERIALIZED (
      SELECT
        customer_id,
        occasion_on,
        36 * extract(year FROM occasion_on) + 3 * extract(month FROM occasion_on)
          + CASE WHEN count(*) <= $low::BIGINT THEN 0 WHEN count(*) <= $high::BIGINT THEN 1 ELSE 2 END AS stratum
      FROM occasions
      WHERE occasion_on > $snapshot_date - 365 AND occasion_on <= $snapshot_date - 90
      GROUP BY customer_id, occasion_on
    ),
    units AS MATERIALIZED (
      SELECT numbered.number, numbered.customer_id, numbered.window_on, days.stratum
      FROM numbered
      JOIN days ON days.customer_id = numbered.customer_id AND days.occasion_on = numbered.window_on
    ),
    followed AS MATERIALIZED (
      SELECT {_PAIR} * units.number + later.number AS pair, count(*) AS times
      FROM units
      JOIN numbered AS later
        ON later.customer_id = units.customer_id
        AND later.first_on > units.window_on
        AND later.first_on <= units.window_on + 90
      GROUP BY {_PAIR} * units.number + later.number
      HAVING count(*) >= 5
    )
    SELECT 'items' AS list, number, item, NULL::BIGINT AS stratum, lately AS times, NULL::BIGINT AS had
    FROM eligible
    UNION ALL
    SELECT 'units' AS list, number, NULL::VARCHAR AS item, stratum, count(*) AS times, NULL::BIGINT AS had
    FROM units
    GROUP BY number, stratum
    UNION ALL
    SELECT
      'met' AS list,
      numbered.number,
      NULL::VARCHAR AS item,
      days.stratum,
      count(*) FILTER (WHERE numbered.first_on > days.occasion_on) AS times,
      count(*) FILTER (WHERE numbered.first_on <= days.occasion_on) AS had
    FROM numbered
    JOIN days ON days.customer_id = numbered.customer_id AND numbered.first_on <= days.occasion_on + 90
    GROUP BY numbered.number, days.stratum
    UNION ALL
    SELECT
      'followed' AS list, pair AS number, NULL::VARCHAR AS item, NULL::BIGINT AS stratum, times, NULL::BIGINT AS had
    FROM followed
    UNION ALL
    SELECT
      'had' AS list,
      followed.pair AS number,
      NULL::VARCHAR AS item,
      units.stratum,
      count(*) AS times,
      NULL::BIGINT AS had
    FROM units
    JOIN numbered AS earlier ON earlier.customer_id = units.customer_id AND earlier.first_on <= units.window_on
    JOIN followed ON followed.pair = {_PAIR} * units.number + earlier.number
    GROUP BY followed.pair, units.stratum
"""


def queries() -> dict[str, str]:
    """Everything that is asked of the engine, by name."""
    return {"sizes": with_features(_SIZES), "sequences": with_features(_COUNTED)}


@dataclass(frozen=True)
class Sequences:
    """What sequences of a level rest on, and their pairs."""

    size_limit: int
    """Most different items of a customer who counts."""
    part: int
    """One in so many of these customers counts."""
    left_out: int
    """Customers with more."""
    occasions: int
    """Occasions of those who count, of the last 365 days, at least 90 days old."""
    items: int
    """Items that at least 100 of them bought in the last 365 days."""
    pairs: pl.DataFrame
    """one, other, followed (customers), watched (customers), expected, other_lately; pairs that 5 customers made."""


def sequences(engine: Engine, day: dt.date, levels: tuple[str, ...]) -> dict[str, Sequences]:
    """By level; one that no line names is left out."""
    sizes = engine.read(queries()["sizes"], {"snapshot_date": day})
    return {level: _of(engine, day, level, of) for level in levels if (of := sizes.filter(level=level)).height}


def _of(engine: Engine, day: dt.date, level: str, sizes: pl.DataFrame) -> Sequences:
    customers = sizes.filter(pl.col("month").is_null())
    limit = _limit(customers)
    part = _part(customers.filter(pl.col("size_limit") <= limit))
    counted = (pl.col("size_limit") <= limit) & (pl.col("part") >= part)
    days = sizes.filter(pl.col("month").is_not_null() & counted)
    low, high = thirds(days)
    asked = {
        "snapshot_date": day, "level": level, "size_limit": limit, "drawn_to": PARTS[part], "low": low, "high": high,
    }  # fmt: skip
    lists = engine.read(queries()["sequences"], asked).partition_by("list", as_dict=True)
    names = ("items", "units", "met", "followed", "had")
    items, units, met, followed, had = (lists.get((name,), pl.DataFrame(schema=_LISTS)) for name in names)
    kept = customers["size_limit"].is_not_null() & (customers["size_limit"] <= limit)
    return Sequences(
        size_limit=limit,
        part=part,
        left_out=int(customers.filter(~kept)["times"].sum()),
        occasions=int(days["times"].sum()),
        items=items.height,
        pairs=_expected(items.sort("number"), _strata(days, low, high), units, met, followed, had),
    )


_LISTS = {
    "list": pl.String, "number": pl.Int64, "item": pl.String, "stratum": pl.Int64, "times": pl.Int64, "had": pl.Int64,
}  # fmt: skip


def _limit(customers: pl.DataFrame) -> int:
    """The largest limit under which there are not too many pairs of items of a customer."""
    pairs = {limit: customers.filter(pl.col("size_limit") <= limit)["pairs"].sum() for limit in LIMITS}
    return next((limit for limit in LIMITS if pairs[limit] <= MOST_PAIRS), LIMITS[-1])


def _part(customers: pl.DataFrame) -> int:
    """The largest part of these customers that has not too many pairs."""
    pairs = {part: customers.filter(pl.col("part") >= part)["pairs"].sum() for part in PARTS}
    return next((part for part in PARTS if pairs[part] <= MOST_DRAWN), max(PARTS))


def thirds(days: pl.DataFrame) -> tuple[int, int]:
    """The largest sizes of the first and of the second third of the occasions; equal sizes are in one third."""
    sizes = days.group_by("size").agg(pl.col("times").sum()).sort("size")
    before = sizes["times"].cum_sum() - sizes["times"]
    third = 3 * before // max(int(sizes["times"].sum()), 1)
    low, high = (max(sizes.filter(third <= place)["size"], default=0) for place in (0, 1))
    return low, high


def _strata(days: pl.DataFrame, low: int, high: int) -> pl.DataFrame:
    """stratum, as the engine numbers them, and occasions."""
    third = pl.when(pl.col("size") <= low).then(0).when(pl.col("size") <= high).then(1).otherwise(2)
    month = pl.col("month")
    stratum = 36 * month.dt.year().cast(pl.Int64) + 3 * month.dt.month().cast(pl.Int64) + third
    return days.group_by(stratum=stratum).agg(occasions=pl.col("times").sum()).sort("stratum")


def _expected(
    items: pl.DataFrame,
    strata: pl.DataFrame,
    units: pl.DataFrame,
    met: pl.DataFrame,
    followed: pl.DataFrame,
    had: pl.DataFrame,
) -> pl.DataFrame:
    """The pairs, with how many customers could have bought the other, and how many of them would have by chance."""

    def places(rows: pl.DataFrame) -> Array:
        return np.asarray(np.searchsorted(strata["stratum"].to_numpy(), rows["stratum"].to_numpy()))

    def filled(rows: pl.DataFrame, values: Array) -> Array:
        matrix = np.zeros((items.height, strata.height))
        matrix[rows["number"].to_numpy() - 1, places(rows)] = values
        return matrix

    at_risk = strata["occasions"].to_numpy()[places(met)] - met["had"].to_numpy()
    chances = filled(met, met["times"].to_numpy() / np.maximum(at_risk, 1))
    watched = filled(units, units["times"].to_numpy())
    lost = had["times"].to_numpy() * chances[had["number"].to_numpy() % _PAIR - 1, places(had)]
    of_pairs = had.with_columns(lost=lost).group_by("number").agg(pl.col("times").sum().alias("owned"), pl.sum("lost"))
    pairs = followed.join(of_pairs, on="number", how="left").fill_null(0)
    one, other = (pairs["number"].to_numpy() // _PAIR - 1, pairs["number"].to_numpy() % _PAIR - 1)
    expected = _dots(watched, chances, one, other) - pairs["lost"].to_numpy()
    return pl.DataFrame(
        {
            "one": items["item"].gather(one),
            "other": items["item"].gather(other),
            "followed": pairs["times"],
            "watched": pl.Series(watched.sum(axis=1)[one], dtype=pl.Int64) - pairs["owned"],
            "expected": np.maximum(expected, 0.0),
            "other_lately": items["times"].gather(other),
        }
    )


def _dots(left: Array, right: Array, one: Array, other: Array, at_once: int = 100_000) -> Array:
    """Row by row products, a part at a time, so that the rows need not all be copied at once."""
    parts = [
        np.einsum("ij,ij->i", left[one[start : start + at_once]], right[other[start : start + at_once]])
        for start in range(0, len(one), at_once)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)
