"""Step `next_categories`: how much the rate of the shop weighs beside a customer's own purchases of a category."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models.histories import Array
from pipeline.models.next_items import LEAST, bounded, loss_of_never
from pipeline.settings import Settings
from pipeline.steps.products.origins import LAGS, LEAST_CUSTOMERS, latest_origin, select_origins
from pipeline.tables.catalog import with_features

WEIGHTS = (1, 2, 3, 5, 7, 10, 15, 20, 30)
LEAST_CATEGORIES, MOST_WITHOUT = 5, 0.3

_COVERAGE = """
    SELECT count(*) AS lines, count(category) AS with_category, count(DISTINCT category) AS categories
    FROM features.recent_lines
"""
_ORIGINS = select_origins("""
      SELECT customer_id, min(occasion_on) AS first_on, max(occasion_on) AS last_on
      FROM features.item_occasions
      WHERE level = 'category'
      GROUP BY customer_id
""")
# What was known on the day `until`, and what was bought on the first occasion after it. Orders that were cancelled
# since count on neither side.
_TRIAL = f"""
    WITH bought AS (
      SELECT item AS category, customer_id, occasion_on
      FROM features.item_occasions
      WHERE level = 'category'
    ),
    before AS (
      SELECT category, customer_id, occasion_on, date_diff('day', occasion_on, $until::DATE) AS age_days
      FROM bought
      WHERE occasion_on <= $until::DATE
    ),
    days AS (
      SELECT DISTINCT customer_id, occasion_on, age_days
      FROM before
    ),
    again AS (
      SELECT customer_id, min(occasion_on) AS again_on
      FROM bought
      WHERE occasion_on > $until::DATE
      GROUP BY customer_id
    ),
    buyers AS (
      SELECT again.customer_id, again.again_on, sum(pow(0.5, days.age_days::DOUBLE / 90)) AS weight
      FROM again
      JOIN days ON days.customer_id = again.customer_id
      GROUP BY again.customer_id, again.again_on
    ),
    recent AS (
      SELECT count(*) AS occasions
      FROM days
      WHERE age_days < 90
    ),
    rates AS (
      SELECT
        before.category,
        coalesce(count(*) FILTER (WHERE before.age_days < 90)::DOUBLE / nullif(recent.occasions, 0), 0.0) AS rate
      FROM before
      CROSS JOIN recent
      GROUP BY before.category, recent.occasions
    ),
    pairs AS (
      SELECT customer_id, category, sum(weight) AS weight, max(comes) AS comes
      FROM (
        SELECT before.customer_id, before.category, pow(0.5, before.age_days::DOUBLE / 90) AS weight, 0 AS comes
        FROM before
        JOIN buyers ON buyers.customer_id = before.customer_id
        UNION ALL
        SELECT bought.customer_id, bought.category, 0.0::DOUBLE AS weight, 1 AS comes
        FROM bought
        JOIN buyers ON buyers.customer_id = bought.customer_id AND buyers.again_on = bought.occasion_on
      ) AS both_sides
      GROUP BY customer_id, category
    ),
    judged AS (
      SELECT
        weights.prior_weight,
        pairs.comes,
        least({1 - LEAST}, greatest({LEAST}, rates.rate)) AS naive,
        least({1 - LEAST}, greatest({LEAST}, weights.prior_weight * rates.rate
          / nullif(buyers.weight + weights.prior_weight, 0))) AS never,
        least({1 - LEAST}, greatest({LEAST}, (pairs.weight + weights.prior_weight * rates.rate)
          / nullif(buyers.weight + weights.prior_weight, 0))) AS probability
      FROM pairs
      JOIN buyers ON buyers.customer_id = pairs.customer_id
      JOIN rates ON rates.category = pairs.category
      CROSS JOIN (VALUES {", ".join(f"({weight})" for weight in WEIGHTS)}) AS weights (prior_weight)
    )
    SELECT 'rate' AS told, rate AS value, count(*) AS times, NULL::DOUBLE AS loss, NULL::DOUBLE AS naive_loss
    FROM rates
    GROUP BY rate
    UNION ALL
    SELECT 'buyers' AS told, value, count(*) AS times, NULL::DOUBLE AS loss, NULL::DOUBLE AS naive_loss
    FROM (SELECT floor(weight * 1000000 + 0.5) / 1000000 AS value FROM buyers) AS rounded
    GROUP BY value
    UNION ALL
    SELECT
      'pairs' AS told,
      prior_weight::DOUBLE AS value,
      count(*) AS times,
      sum(CASE WHEN comes = 1 THEN -ln(probability) ELSE -ln(1 - probability) END + ln(1 - never)) AS loss,
      sum(CASE WHEN comes = 1 THEN ln(1 - naive) - ln(naive) ELSE 0.0 END) AS naive_loss
    FROM judged
    GROUP BY prior_weight
    ORDER BY told, value
"""
"""Three lists: rates of the categories, weights of the buyers, and by weight of the prior the loss of the pairs that
occurred, beyond what it would be had they not."""


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    asked = {"coverage": _COVERAGE, "origins": _ORIGINS, "trial": _TRIAL}
    return {name: with_features(sql) for name, sql in asked.items()}


@dataclass(frozen=True)
class Losses:
    """Log loss of a customer's mean, by weight, and of the shop's rate alone."""

    by_weight: dict[int, float]
    naive: float

    @property
    def best(self) -> int:
        return min(self.by_weight, key=lambda weight: (round(self.by_weight[weight], 10), -weight))


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """Nine rows, one per weight, on every day."""
    coverage = engine.read(queries()["coverage"], {"snapshot_date": day}).row(0, named=True)
    origin, customers = latest_origin(engine, queries()["origins"], day)
    missing = _missing(customers, coverage)
    losses = None if missing else losses_at(engine, day, origin)
    log(f"{day}: next categories: {missing or _sentence(losses, origin)}.")
    rows = [_row(weight, losses) for weight in WEIGHTS]
    lines = coverage["lines"]
    known = {
        "origin": origin,
        "customers": customers,
        "categories": coverage["categories"],
        "share_without_category": 1 - coverage["with_category"] / lines if lines else None,
        "status": _status(losses),
    }
    return {"next_category_fit": pl.DataFrame([{**row, **known} for row in rows], infer_schema_length=None)}


def losses_at(engine: Engine, day: dt.date, origin: dt.date) -> Losses:
    """What was bought first after the origin, up to the day, against what each weight made of the purchases before."""
    told = engine.read(queries()["trial"], {"snapshot_date": day, "until": origin}).partition_by("told", as_dict=True)
    rates, buyers, pairs = (told[(name,)] for name in ("rate", "buyers", "pairs"))
    each = np.repeat(rates["value"].to_numpy(), rates["times"].to_numpy())
    weights, times = buyers["value"].to_numpy(), buyers["times"].cast(pl.Float64).to_numpy()
    losses = {
        int(weight): (loss + float(times @ loss_of_never(each, weights, weight))) / times.sum()
        for weight, loss in zip(pairs["value"], pairs["loss"], strict=True)
    }
    return Losses(losses, pairs["naive_loss"][0] / times.sum() + _all_by_rate(each))


def _all_by_rate(rates: Array) -> float:
    return float(-np.log1p(-bounded(rates)).sum())


def _missing(customers: int, coverage: dict[str, Any]) -> str | None:
    lines, categories = coverage["lines"], coverage["categories"]
    if lines == 0 or 1 - coverage["with_category"] / lines >= MOST_WITHOUT:
        return f"at least {MOST_WITHOUT:.0%} of the lines of the last 365 days name no category"
    if categories < LEAST_CATEGORIES:
        return f"{categories} categories, fewer than {LEAST_CATEGORIES}"
    if customers < LEAST_CUSTOMERS:
        return f"{customers} customers have bought again in the last {LAGS[-1]} days, fewer than {LEAST_CUSTOMERS}"
    return None


def _status(losses: Losses | None) -> str:
    if losses is None:
        return "insufficient_data"
    return "ok" if losses.by_weight[losses.best] < losses.naive else "not_better_than_naive"


def _row(weight: int, losses: Losses | None) -> dict[str, Any]:
    return {
        "prior_weight": weight,
        "is_chosen": losses is not None and weight == losses.best,
        "log_loss": losses and losses.by_weight[weight],
        "log_loss_naive": losses and losses.naive,
    }


def _sentence(losses: Losses | None, origin: dt.date) -> str:
    assert losses is not None
    return (
        f"the shop's rate counts for {losses.best} occasions; log loss since {origin} "
        f"{losses.by_weight[losses.best]:.3f}, with the rate alone {losses.naive:.3f}"
    )
