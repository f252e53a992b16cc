"""Rows for the tables that the models write, so that what is made of them can be tested without a model.

What belongs here: words for "the models say this of such a history". What does not: expectations, they stand in tests.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from shop import Shop, all_tables

from pipeline.models.curve import day_reached
from pipeline.steps.prediction.chances import SHARES

NAMES = (
    "timing_predictions", "classifier_scores", "champions", "model_validation", "calibration_curve",
    "conditional_expectation", "decile_chart", "tracking", "model_parameters", "model_fits", "season_clock",
    "interval_coverage", "churn_horizons",
)  # fmt: skip
SNAPSHOT = "2026-12-31"
_ANY = {
    "customers": 1, "model": "bgnbd", "probability_model": "mbgnbd", "p_alive": 0.9,
    "expected_purchases_30d": 0.2, "expected_purchases_90d": 0.6, "expected_purchases_180d": 1.1,
    "expected_purchases_365d": 2.0, "expected_purchases_se": 0.1, "p_purchase_30d": 0.1, "p_purchase_90d": 0.3,
    "p_purchase_churn": 0.6, "p_purchase_180d": 0.6, "p_purchase_365d": 0.8, "churn_horizon_days": 180,
    "discounted_purchases": 2.0, "spend_factor": 0.5, "value_variance_0": 0.0, "value_variance_1": 0.0,
    "value_variance_2": 0.0, "value_low_factor": 0.0, "value_high_factor": 2.0,
}  # fmt: skip

SCORED = (
    "p_purchase_30d", "p_purchase_90d", "p_purchase_churn", "p_purchase_180d", "p_purchase_365d", "churn_horizon_days",
)  # fmt: skip

_PROBABILITIES = ("p_purchase_30d", "p_purchase_90d", "p_purchase_churn", "p_purchase_180d", "p_purchase_365d")

_HORIZONS = np.array([30.0, 90.0, 180.0, 365.0])

_COUNTS = tuple(f"expected_purchases_{days:.0f}d" for days in _HORIZONS)


def history(frequency: int, span: int, age: int, as_of: str = SNAPSHOT, **predicted: Any) -> dict[str, Any]:
    """What the timing model says of customers with this history; what is not told is something harmless."""
    keys = {"frequency": frequency, "active_span_days": span, "age_days": age}
    told = _rising(_ANY, predicted)
    if told["value_high_factor"] is not None:  # no spend model, no interval
        told["value_high_factor"] = max(told["value_high_factor"], told["spend_factor"] * told["discounted_purchases"])
    return {"as_of": dt.date.fromisoformat(as_of)} | keys | told


def _rising(harmless: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """All of it, where probabilities, counts and days that are not told agree with those that are; the churn horizon is
    180 days."""
    same = ("p_purchase_churn", "p_purchase_180d")
    told = told | {name: told[other] for name, other in (same, same[::-1]) if other in told and name not in told}
    found = harmless | told
    for names, most in ((_PROBABILITIES, 1.0), (_COUNTS, float("inf"))):
        for place, name in enumerate(names):
            if name in harmless and name not in told:
                lowest = max((told.get(shorter, 0.0) for shorter in names[:place]), default=0.0)
                highest = min((told.get(longer, most) for longer in names[place + 1 :]), default=most)
                found[name] = min(max(found[name], lowest), highest)
    curve = np.array([[found[f"p_purchase_{days:.0f}d"] for days in _HORIZONS]])
    due = {name: float(day_reached(curve, _HORIZONS, share)[0]) for name, share in SHARES.items()}
    return found | {name: told.get(name, day) for name, day in due.items()}


def say(shop: Shop, table: str, rows: Sequence[dict[str, Any]], snapshot_date: str = SNAPSHOT) -> None:
    """Write a partition of a table that Python writes."""
    frame = pl.DataFrame(list(rows), infer_schema_length=None)
    shop.engine.write_frame(all_tables()[f"marts.{table}"], dt.date.fromisoformat(snapshot_date), frame)


def say_histories(shop: Shop, *histories: dict[str, Any]) -> None:
    say(shop, "timing_predictions", histories)


def say_parameters(shop: Shop, **parameters: float) -> None:
    """mean_spend, kept_share, and p, q, v where there is a spend model."""
    rows = [
        {"model": "gamma_gamma" if name in "pqv" else "shop", "parameter": name, "estimate": value}
        for name, value in parameters.items()
    ]
    say(shop, "model_parameters", [row | {"standard_error": None} for row in rows])


def say_season(shop: Shop, *rows: dict[str, Any]) -> None:
    """Of each horizon that is told; what is not told is a shop without a year, in no season."""
    harmless = {
        "status": "ok", "factor": 1.0, "basis": "too short a history", "origin": dt.date(2025, 12, 31), "model": "nbd",
        "expected": None, "actual": None, "recent_ratio": 1.0, "recent_factor": None,
    }  # fmt: skip
    say(shop, "season_clock", [harmless | row for row in rows])


def say_champions(shop: Shop, status: str = "ok", churn_days: int = 180, **models: str) -> None:
    """The model of each target; bgnbd unless told, which is behind all of them."""
    horizons = {"counts": 182, "purchase_30d": 30, "purchase_90d": 90, "churn": churn_days}
    rows = [
        {
            "target": target, "horizon_days": days, "model": models.get(target, "bgnbd"),
            "timing_model": "bgnbd", "status": status, "score": None, "reason": "told by the test",
        }
        for target, days in horizons.items()
    ]  # fmt: skip
    say(shop, "champions", rows)


def say_scores(shop: Shop, **scores: dict[str, float]) -> None:
    """Of each customer, what is published where a classifier is champion, or boosted counts are; what is not told is
    something harmless."""
    columns = {name: _ANY[name] for name in SCORED} | {"purchases_factor": 1.0}
    say(shop, "classifier_scores", [{"customer_id": name} | _rising(columns, told) for name, told in scores.items()])
