"""Backtests: a whole night on a day long past, and what its published probabilities turned out to be worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.models.histories import Array
from pipeline.steps.prediction.holdouts import Judged, Target, judge_probability
from pipeline.steps.prediction.nightly import Night
from pipeline.steps.prediction.rows import frames_of
from pipeline.tables.catalog import tables

PUBLISHED = "published"
_MADE_OF_THEM = (
    "churn_predictions", "clv_predictions", "clv_before", "propensity_grid", "base_averages", "premium_alerts",
    "rising_customers",
)  # fmt: skip
_PROBABILITIES = """
    SELECT p_purchase_30d AS purchase_30d, p_purchase_90d AS purchase_90d, 1 - churn_probability AS churn
    FROM marts.churn_predictions
    WHERE snapshot_date = $snapshot_date
    ORDER BY customer_id
"""


def queries() -> dict[str, str]:
    """Everything that is asked of the engine here and nowhere else, by name."""
    return {"published probabilities": _PROBABILITIES}


def publish(night: Night) -> None:
    """Write the night's tables and those that are made of them, checks and all; `customer_summary` must be there."""
    for name, frame in frames_of(night).items():
        night.engine.write_frame(tables()[f"marts.{name}"], night.day, frame)
    for name in _MADE_OF_THEM:
        night.engine.write(tables()[f"marts.{name}"], night.day)


def outcomes(night: Night) -> dict[Target, Judged]:
    """What was published that night, every model and every baseline, judged on the days that followed; of two
    probabilities with the same horizon only the first.

    The engine must know those days. Models and baselines know nothing of them.
    """
    published = night.engine.read(_PROBABILITIES, {"snapshot_date": night.day})
    found: dict[Target, Judged] = {}
    for horizon, target in night.by_horizon.items():
        after = night.cohort(night.day, night.before(-horizon))
        learnt = night.windows(target, night.day)
        judged = judge_probability(target, after, learnt, night.models(night.day), night.clock)
        probability: Array = published[target].to_numpy().astype(np.float64)
        found[target] = replace(judged, predictions={**judged.predictions, PUBLISHED: probability})
    return found
