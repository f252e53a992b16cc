"""Step `lifecycle_projection`: twelve months ahead, doing nothing and under the scenarios of the settings.

A month is 30 days, the horizon of the transitions. What is taken for granted stands in columns: moves, newcomers and
revenue per customer stay what they were lately.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models.histories import Array
from pipeline.models.markov import drawn_matrices, roll_forward, transition_matrix, with_points
from pipeline.settings import Scenario, Settings, Stage

STAGES: tuple[Stage, ...] = get_args(Stage)
NOTHING = "do nothing"
MONTHS, LEAST_HISTORY_DAYS = 12, 60
DRAWS, SEED = 400, 20260102

_HISTORY_DAYS = """
    SELECT max(age_days) AS days FROM marts.customer_summary WHERE snapshot_date = $snapshot_date
"""
_STAGES = "SELECT stage, customers FROM marts.lifecycle_value WHERE snapshot_date = $snapshot_date"
_TRANSITIONS = """
    SELECT horizon_days, from_stage, to_stage, customers FROM marts.lifecycle_transitions
    WHERE snapshot_date = $snapshot_date
"""
_REVENUE = """
    WITH booked AS (
      SELECT customer_id, sum(amount) AS amount
      FROM staging.order_lines
      WHERE ordered_on > $snapshot_date - 30 AND ordered_on <= $snapshot_date AND customer_id IS NOT NULL
      GROUP BY customer_id
    )
    SELECT
      coalesce(stages.stage_30_days_ago, 'none') AS from_stage,
      stages.stage AS to_stage,
      coalesce(sum(booked.amount), 0)::DOUBLE AS revenue
    FROM marts.lifecycle_stages AS stages
    LEFT JOIN booked ON booked.customer_id = stages.customer_id
    WHERE stages.snapshot_date = $snapshot_date
    GROUP BY coalesce(stages.stage_30_days_ago, 'none'), stages.stage
"""


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    return {"history": _HISTORY_DAYS, "stages": _STAGES, "transitions": _TRANSITIONS, "revenue": _REVENUE}


@dataclass(frozen=True)
class Shop:
    """What the last days tell of the months to come; k stages in the order of STAGES."""

    customers: Array
    """(k,) now."""
    counts: Array
    """(k, k) moves of the last 30 days."""
    newcomers: Array
    """(k,) a month, by the stage they end it in."""
    revenue: Array
    """(k,) of the last 30 days per customer of the stage at their beginning; 0 where nobody was in it."""
    newcomer_revenue: Array
    """(k,) the same per newcomer, by the stage at the end."""


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """Both tables; empty with a history too short to have seen customers move."""
    history = engine.read(_HISTORY_DAYS, {"snapshot_date": day}).item()
    if history is None or history < LEAST_HISTORY_DAYS:
        log(f"{day}: no projection before {LEAST_HISTORY_DAYS} days of history; there are {history or 0}.")
        return {}
    shop = read_shop(engine, day, settings.lifecycle.new_customers == "as observed")
    scenarios: dict[str, Scenario | None] = {NOTHING: None} | {s.name: s for s in settings.lifecycle.scenarios}
    drawn = drawn_matrices(shop.counts, DRAWS, SEED)
    point = transition_matrix(shop.counts)
    paths = {name: (_path(shop, point, s), _path(shop, drawn, s)) for name, s in scenarios.items()}
    return {
        "lifecycle_projection": pl.concat(_projected(shop, name, *both) for name, both in paths.items()),
        "lifecycle_scenarios": pl.concat(
            _compared(shop, name, scenarios[name], both, paths[NOTHING]) for name, both in paths.items()
        ),
    }


def read_shop(engine: Engine, day: dt.date, with_newcomers: bool) -> Shop:
    parameters = {"snapshot_date": day}
    moves = {horizon: np.zeros((len(STAGES) + 1, len(STAGES))) for horizon in (30, 90)}
    for horizon, origin, target, customers in engine.read(_TRANSITIONS, parameters).iter_rows():
        moves[horizon][_place(origin), _place(target)] = customers
    revenue = np.zeros((len(STAGES) + 1, len(STAGES)))
    for origin, target, amount in engine.read(_REVENUE, parameters).iter_rows():
        revenue[_place(origin), _place(target)] = amount
    now = dict(engine.read(_STAGES, parameters).iter_rows())
    month, quarter = moves[30], moves[90]
    arrived = month[-1] if month[-1].any() else quarter[-1]
    monthly = quarter[-1].sum() / 3 if with_newcomers else 0.0
    return Shop(
        customers=np.array([float(now[stage]) for stage in STAGES]),
        counts=month[:-1],
        newcomers=monthly * _per(arrived, arrived.sum()),
        revenue=_per(revenue[:-1].sum(axis=1), month[:-1].sum(axis=1)),
        newcomer_revenue=_per(revenue[-1], month[-1]),
    )


def _place(stage: str) -> int:
    """Row or column of a stage; the last row is of those who were not there before."""
    return len(STAGES) if stage == "none" else [*STAGES].index(stage)  # type: ignore[arg-type]


def _per(amount: Array, n: Any) -> Array:
    """amount / n, 0 where there is no n."""
    n = np.broadcast_to(n, amount.shape)
    return np.asarray(np.divide(amount, n, out=np.zeros_like(amount), where=n > 0))


def _path(shop: Shop, matrix: Array, scenario: Scenario | None) -> Array:
    """Customers by month and stage, (13, …, k)."""
    if scenario is not None:
        places = _place(scenario.from_stage), _place(scenario.to_stage)
        matrix = with_points(matrix, *places, scenario.points)
    return roll_forward(shop.customers, matrix, shop.newcomers, MONTHS)


def _revenue(shop: Shop, path: Array) -> Array:
    """Revenue of months 1 … 12 by stage, (12, …, k): of those in it when the month begins, and of its newcomers."""
    return np.asarray(path[:-1] * shop.revenue + shop.newcomers * shop.newcomer_revenue)


def _projected(shop: Shop, name: str, path: Array, drawn: Array) -> pl.DataFrame:
    low, high = np.quantile(drawn, (0.025, 0.975), axis=1)
    revenue = np.vstack([np.full((1, len(STAGES)), np.nan), _revenue(shop, path)])
    months = np.repeat(np.arange(MONTHS + 1), len(STAGES))
    columns = {"customers": path, "customers_low": low, "customers_high": high, "revenue": revenue}
    assumed = {
        "new_customers": shop.newcomers, "revenue_per_customer": shop.revenue,
        "revenue_per_new_customer": shop.newcomer_revenue,
    }  # fmt: skip
    return pl.DataFrame(
        {
            "scenario": [name] * len(months),
            "month": months,
            "stage": [*STAGES] * (MONTHS + 1),
            **{column: values.ravel() for column, values in columns.items()},
            **{column: np.tile(values, MONTHS + 1) for column, values in assumed.items()},
            "from_customers": np.tile(shop.counts.sum(axis=1).astype(np.int64), MONTHS + 1),
        }
    ).with_columns(pl.col("revenue").fill_nan(None))


def _compared(
    shop: Shop, name: str, scenario: Scenario | None, paths: tuple[Array, Array], nothing: tuple[Array, Array]
) -> pl.DataFrame:
    """Totals of the shop by month, and what the scenario adds up to that month."""
    total, drawn = (_revenue(shop, path).sum(axis=-1) for path in paths)
    gain, drawn_gain = (
        (_revenue(shop, path) - _revenue(shop, base)).sum(axis=-1).cumsum(axis=0)
        for path, base in zip(paths, nothing, strict=True)
    )
    # The draws are the same for every scenario, so that what is uncertain in both does not widen the difference.
    ends: Mapping[str, Array] = {
        "revenue": total,
        **dict(zip(("revenue_low", "revenue_high"), np.quantile(drawn, (0.025, 0.975), axis=1), strict=True)),
        "gain": gain,
        **dict(zip(("gain_low", "gain_high"), np.quantile(drawn_gain, (0.025, 0.975), axis=1), strict=True)),
    }
    return pl.DataFrame(
        {
            "scenario": [name] * MONTHS,
            "month": np.arange(1, MONTHS + 1),
            "customers": paths[0][1:].sum(axis=-1),
            **ends,
            "new_customers": np.full(MONTHS, shop.newcomers.sum()),
        }
    ).with_columns(
        from_stage=pl.lit(scenario.from_stage if scenario else None, pl.String),
        to_stage=pl.lit(scenario.to_stage if scenario else None, pl.String),
        points=pl.lit(scenario.points if scenario else None, pl.Float64),
    )
