"""Step `recommendations`: which way to rank each list would have been best on an earlier day, naive ways among them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models.histories import Array
from pipeline.settings import Settings
from pipeline.steps.products.origins import LEAST_CUSTOMERS, latest_origin, select_origins
from pipeline.tables.catalog import with_features

SAMPLE = 5_000
DRAWS, SEED = 1_000, 1
METRICS = ("recall_10", "ndcg_10", "hit_rate_10")
DIFFERENCE = "recall_10_difference"

Interval = tuple[float | None, float | None, float | None]
"""A value and both ends of its 95 % interval."""


@dataclass(frozen=True)
class List:
    """A list: our way to rank it, and the naive ones. Where nothing can be judged, `unjudged` is published."""

    ours: str
    naive: tuple[str, ...]
    unjudged: str


# Own frequency is naive itself, and nothing that costs as little ranks repeats better (docs/definitions.md).
LISTS = {
    "repeat": List("personal_frequency", ("last_occasion_again", "popular_90d", "popular_30d"), "personal_frequency"),
    "cross_sell": List("similar_customers", ("popular_90d", "popular_30d"), "popular_30d"),
    "up_sell": List("upgrades", ("popular_90d", "popular_30d"), "popular_30d"),
}

_METHODS = ", ".join(f"('{name}', '{one}')" for name, it in LISTS.items() for one in (it.ours, *it.naive))

_ORIGINS = select_origins("""
      SELECT customer_id, min(first_on) AS first_on, max(last_on) AS last_on
      FROM features.customer_products
      GROUP BY customer_id
""")
# Lists as they were known at the end of the day, and what was bought first after it, as it is known on `until`. The
# part of the customers is drawn by the hash of their ids; the groups by its last digits, which do not depend on that.
_JUDGED = """
    WITH standing AS (
      SELECT order_id, customer_id, ordered_on
      FROM staging.orders
      WHERE known_on <= $until::DATE AND customer_id IS NOT NULL AND md5(customer_id) < $part_to::VARCHAR
      GROUP BY order_id, customer_id, ordered_on
      HAVING sum(orders) > 0 AND ordered_on > $snapshot_date
    ),
    bought AS (
      SELECT DISTINCT standing.customer_id, standing.ordered_on, lines.product_id
      FROM standing
      JOIN staging.order_lines AS lines ON lines.order_id = standing.order_id
      WHERE lines.kind = 'sale' AND lines.ordered_on <= $until::DATE AND lines.product_id IS NOT NULL
    ),
    again AS (
      SELECT customer_id, min(ordered_on) AS again_on
      FROM bought
      GROUP BY customer_id
    ),
    owned AS (
      SELECT again.customer_id, products.product_id
      FROM features.customer_products AS products
      JOIN again ON again.customer_id = products.customer_id
    ),
    known AS (
      SELECT DISTINCT customer_id
      FROM owned
    ),
    first_bought AS (
      SELECT
        bought.customer_id,
        bought.product_id,
        CASE WHEN owned.product_id IS NULL THEN 'cross_sell' ELSE 'repeat' END AS list
      FROM bought
      JOIN again ON again.customer_id = bought.customer_id AND again.again_on = bought.ordered_on
      JOIN known ON known.customer_id = bought.customer_id
      LEFT JOIN owned ON owned.customer_id = bought.customer_id AND owned.product_id = bought.product_id
    ),
    paid AS (
      SELECT customer_id, category, band, max(paid) AS paid
      FROM features.priced_purchases
      GROUP BY customer_id, category, band
    ),
    truth AS (
      SELECT customer_id, product_id, list
      FROM first_bought
      UNION ALL
      SELECT DISTINCT news.customer_id, news.product_id, 'up_sell' AS list
      FROM first_bought AS news
      JOIN features.price_bands AS bands ON bands.product_id = news.product_id
      JOIN paid ON paid.customer_id = news.customer_id AND paid.category = bands.category AND paid.band = bands.band - 1
      WHERE news.list = 'cross_sell' AND floor(1000000 * bands.price + 0.5) <= floor(2000000 * paid.paid + 0.5)
    ),
    wanted AS (
      SELECT list, customer_id, count(*) AS products
      FROM truth
      GROUP BY list, customer_id
    ),
    own AS (
      SELECT
        candidates.method,
        candidates.customer_id,
        candidates.product_id,
        row_number() OVER (
          PARTITION BY candidates.method, candidates.customer_id
          ORDER BY candidates.score DESC, candidates.popularity DESC, candidates.product_id
        ) AS place
      FROM features.repeat_candidates AS candidates
      JOIN wanted ON wanted.list = 'repeat' AND wanted.customer_id = candidates.customer_id
    ),
    placed AS (
      SELECT 'repeat' AS list, method, customer_id, product_id, place
      FROM own
      UNION ALL
      SELECT 'cross_sell' AS list, method, customer_id, product_id, place
      FROM features.new_candidates
      UNION ALL
      SELECT 'up_sell' AS list, method, customer_id, product_id, place
      FROM features.upgrade_candidates
    ),
    hits AS (
      SELECT
        placed.list,
        placed.method,
        placed.customer_id,
        count(*) AS products,
        sum(ln(2.0::DOUBLE) / nullif(ln(placed.place + 1.0::DOUBLE), 0)) AS gain
      FROM placed
      JOIN truth
        ON truth.list = placed.list
        AND truth.customer_id = placed.customer_id
        AND truth.product_id = placed.product_id
      WHERE placed.place <= 10
      GROUP BY placed.list, placed.method, placed.customer_id
    ),
    ideals AS (
      SELECT sizes.products, sum(ln(2.0::DOUBLE) / nullif(ln(places.place + 1.0::DOUBLE), 0)) AS gain
      FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)) AS sizes (products)
      JOIN (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)) AS places (place)
        ON places.place <= sizes.products
      GROUP BY sizes.products
    )
    SELECT
      wanted.list,
      methods.method,
      substring(md5(wanted.customer_id), 31, 2) AS bucket,
      count(*) AS customers,
      sum(coalesce(hits.products, 0)::DOUBLE / nullif(wanted.products, 0)) AS recall_10,
      sum(coalesce(hits.gain, 0.0::DOUBLE) / nullif(ideals.gain, 0)) AS ndcg_10,
      sum(CASE WHEN hits.products > 0 THEN 1.0::DOUBLE ELSE 0.0::DOUBLE END) AS hit_rate_10
    FROM wanted
    JOIN (VALUES {methods}) AS methods (list, method) ON methods.list = wanted.list
    JOIN ideals ON ideals.products = least(10, wanted.products)
    LEFT JOIN hits
      ON hits.list = wanted.list AND hits.method = methods.method AND hits.customer_id = wanted.customer_id
    GROUP BY wanted.list, methods.method, substring(md5(wanted.customer_id), 31, 2)
    ORDER BY wanted.list, methods.method, bucket
""".replace("{methods}", _METHODS)
# Candidates are looked for by all methods, and only for who can be judged.
ALL_METHODS = f"""
    SELECT list, method, 'ok' AS status
    FROM (VALUES {_METHODS}) AS methods (list, method)
"""
_JUDGED_CUSTOMERS = """
    SELECT owned.customer_id, count(*) AS products, max(owned.last_on) AS last_on
    FROM features.customer_products AS owned
    JOIN (
      SELECT DISTINCT customer_id
      FROM staging.orders
      WHERE ordered_on > $snapshot_date AND known_on <= $until::DATE AND md5(customer_id) < $part_to::VARCHAR
    ) AS since ON since.customer_id = owned.customer_id
    GROUP BY owned.customer_id
"""
# Nobody knows what was in stock then.
_NONE_UNAVAILABLE = "SELECT product_id FROM staging.products WHERE FALSE"


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    judged = {
        "features.candidate_customers": _JUDGED_CUSTOMERS,
        "features.listed_methods": ALL_METHODS,
        "features.unavailable_products": _NONE_UNAVAILABLE,
    }
    return {"origins": with_features(_ORIGINS), "judged": with_features(_JUDGED, judged)}


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """Every list by every method, on every day; without values where too few customers have bought since."""
    origin, customers = latest_origin(engine, queries()["origins"], day)
    judged = judged_at(engine, day, origin, customers)
    rows = [row for name in LISTS for row in _rows(name, judged.filter(pl.col("list") == name))]
    log(f"{day}: recommendations as of {origin}: {'; '.join(map(_sentence, _published(rows)))}.")
    return {"recommendation_validation": pl.DataFrame(rows, infer_schema_length=None).with_columns(origin=origin)}


def judged_at(engine: Engine, day: dt.date, origin: dt.date, customers: int, sample: int = SAMPLE) -> pl.DataFrame:
    """Sums of the metrics by list, method and group of customers; `customers` have bought since the origin."""
    part_to = "g" if customers <= sample else f"{0x10000 * sample // customers:04x}"
    return engine.read(queries()["judged"], {"snapshot_date": origin, "until": day, "part_to": part_to})


def _rows(name: str, judged: pl.DataFrame) -> list[dict[str, Any]]:
    it = LISTS[name]
    methods = (it.ours, *it.naive)
    customers = int(judged.filter(pl.col("method") == it.ours)["customers"].sum())
    if customers < LEAST_CUSTOMERS:
        nothing: Interval = (None, None, None)
        values = {(method, metric): nothing for method in methods for metric in METRICS} | {
            (it.ours, DIFFERENCE): nothing
        }
        published, status = it.unjudged, "insufficient_data"
    else:
        values, published = judge(it, judged)
        status = "ok" if published == it.ours else "not_better_than_naive"
    return [
        {
            "list": name, "method": method, "metric": metric, "is_naive": method in it.naive,
            "is_published": method == published, "value": value, "low": low, "high": high,
            "customers": customers, "status": status,
        }
        for (method, metric), (value, low, high) in values.items()
    ]  # fmt: skip


def judge(it: List, judged: pl.DataFrame) -> tuple[dict[tuple[str, str], Interval], str]:
    """Value, low and high by method and metric, and the method to publish; groups of customers are drawn again."""
    by_method = {method: judged.filter(pl.col("method") == method) for method in (it.ours, *it.naive)}
    customers = by_method[it.ours]["customers"].cast(pl.Float64).to_numpy()
    times = np.random.default_rng(SEED).multinomial(len(customers), np.full(len(customers), 1 / len(customers)), DRAWS)
    drawn = {
        (method, metric): (
            frame[metric].sum() / customers.sum(),
            times @ frame[metric].to_numpy() / (times @ customers),
        )
        for method, frame in by_method.items()
        for metric in METRICS
    }
    best = max(it.naive, key=lambda method: drawn[method, METRICS[0]][0])
    ours, naive = drawn[it.ours, METRICS[0]], drawn[best, METRICS[0]]
    drawn[it.ours, DIFFERENCE] = (ours[0] - naive[0], ours[1] - naive[1])
    values = {key: _interval(value, draws) for key, (value, draws) in drawn.items()}
    high = values[it.ours, DIFFERENCE][2]
    return values, best if high is not None and high < 0 else it.ours


def _interval(value: float, draws: Array) -> Interval:
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(value), float(low), float(high)


def _published(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["is_published"] and row["metric"] == METRICS[0]]


def _sentence(row: dict[str, Any]) -> str:
    recall = "not judged" if row["value"] is None else f"recall {row['value']:.3f}"
    return f"{row['list']} by {row['method']} ({row['status']}, {recall}, {row['customers']:,} customers)"
