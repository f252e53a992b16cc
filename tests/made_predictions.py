"""Predictions for a shop without a night of fitting: the formulas of the models under parameters that are given.

What belongs here: all tables that the models write, filled so that pages have something to show. What does not:
expectations, and anything that claims to be a result; scores and curves are made up.
"""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
from shop import all_tables

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.models.beta_geometric import MBGNBD
from pipeline.models.curve import day_reached
from pipeline.steps.prediction.chances import SHARES

MODEL = MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614)
TARGETS = {"counts": 182, "purchase_30d": 30, "purchase_90d": 90, "churn": 180}
PROBABILITY_SCORES = {"log_loss": 0.30, "brier": 0.09, "ece": 0.02, "auc": 0.8, "base_rate": 0.1}
SUM_SCORES = {
    "rmse": 1.5, "mae": 0.7, "bias_percent": -12.0, "correlation": 0.6, "normalised_gini": 0.7,
    "top_10_percent_capture": 0.5,
}  # fmt: skip


def predict(
    engine: DuckDBEngine, day: dt.date, validated: bool = True, drift: float = 0.0, season: float | None = 1.5
) -> None:
    """Fill the tables of the models for a day whose other tables are there, and make those that depend on them.

    `validated` False: the history is too short for a holdout. `drift` is added to every parameter.
    `season`: how many usual days a day of the next 30 is worth, or None: unknown, after 30 days of twice the usual."""
    frames = {
        "timing_predictions": _timing(engine, day), "champions": _champions(validated, season),
        "model_parameters": _parameters(drift), "model_fits": _fits(day), "season_clock": _season(day, season),
        "churn_horizons": _horizons(day),
    }  # fmt: skip
    if validated:
        frames |= {
            "model_validation": _validation(day), "calibration_curve": _calibration(),
            "conditional_expectation": _expectation(), "decile_chart": _deciles(), "tracking": _tracking(day),
            "interval_coverage": _intervals(day),
        }  # fmt: skip
    for name, frame in frames.items():
        engine.write_frame(all_tables()[f"marts.{name}"], day, frame)
    changed = {f"marts.{name}" for name in frames}
    for name, table in all_tables().items():
        if table.select is not None and table.reads & changed:
            engine.write(table, day)
            changed.add(name)


def _timing(engine: DuckDBEngine, day: dt.date) -> pl.DataFrame:
    """Of the day, and of 30 days before it for those who had bought by then: as if they had been silent since."""
    keys = ["frequency", "active_span_days", "age_days"]
    today = engine.read(
        "SELECT frequency, active_span_days, age_days, count(*) AS customers FROM marts.customer_summary "
        "WHERE snapshot_date = $snapshot_date GROUP BY ALL ORDER BY ALL",
        {"snapshot_date": day},
    )
    before = engine.read(
        """
        SELECT frequency, active_span_days, age_days, count(*) AS customers FROM (
          SELECT count(*) - 1 AS frequency, date_diff('day', min(occasion_on), max(occasion_on)) AS active_span_days,
            date_diff('day', min(occasion_on), $snapshot_date - 30) AS age_days
          FROM (
            SELECT customer_id, occasion_on FROM staging.occasions WHERE known_on <= $snapshot_date - 30
            GROUP BY customer_id, occasion_on HAVING sum(orders) > 0
          ) GROUP BY customer_id
        ) GROUP BY ALL ORDER BY ALL
        """,
        {"snapshot_date": day},
    )
    frames = [
        found.select(*keys, "customers").with_columns(pl.lit(as_of).alias("as_of"))
        for found, as_of in ((today, day), (before, day - dt.timedelta(days=30)))
    ]
    groups = pl.concat(frames)
    x, t_x, T = (groups[key].to_numpy().astype(float) / unit for key, unit in zip(keys, (1, 7, 7), strict=True))
    expected = {f"expected_purchases_{d}d": MODEL.expected_purchases(d / 7, x, t_x, T) for d in (30, 90, 180, 365)}
    bought = {
        f"p_purchase_{name}": MODEL.probability_of_purchase(d / 7, x, t_x, T)
        for name, d in (("30d", 30), ("90d", 90), ("churn", TARGETS["churn"]), ("180d", 180), ("365d", 365))
    }
    curve = np.column_stack([bought[f"p_purchase_{d}d"] for d in (30, 90, 180, 365)])
    discounted = 0.955 * expected["expected_purchases_365d"]
    p, q = 6.25, 3.74
    factor = p / (p * x + q - 1)
    columns: dict[str, Any] = {
        "p_alive": MODEL.p_alive(x, t_x, T), **expected, "expected_purchases_se": 0.05 * discounted, **bought,
        **{name: day_reached(curve, np.array([30.0, 90.0, 180.0, 365.0]), share) for name, share in SHARES.items()},
        "discounted_purchases": discounted, "spend_factor": factor, "value_variance_0": 0.0004,
        "value_variance_1": 0.0, "value_variance_2": 0.0, "value_low_factor": 0.4 * factor * discounted,
        "value_high_factor": 1.8 * factor * discounted,
    }  # fmt: skip
    names = {"model": "mbgnbd", "probability_model": "mbgnbd", "churn_horizon_days": TARGETS["churn"]}
    return groups.with_columns(
        **{name: pl.lit(value) for name, value in names.items()},
        **{name: pl.Series(np.broadcast_to(value, len(x))) for name, value in columns.items()},
    )


def _season(day: dt.date, factor: float | None) -> pl.DataFrame:
    """Of 90 days and more nothing is special; 450 purchases came in 30 days a year ago where 500 / factor − 50 were
    expected."""
    rows: list[dict[str, Any]] = [
        {"horizon_days": days, "status": "ok", "factor": factor if days == 30 and factor else 1.0,
         "basis": "a year ago", "origin": day - dt.timedelta(365), "model": "mbgnbd",
         "expected": 500 / factor - 50 if days == 30 and factor else 450.0, "actual": 450, "recent_ratio": 1.02,
         "recent_factor": 1.0}
        for days in (30, 90, 180, 365)
    ]  # fmt: skip
    if factor is None:
        unknown = {"status": "season_unknown", "basis": "too short a history", "expected": None, "actual": None}
        rows = [row | unknown | {"recent_ratio": 2.0} for row in rows]
    return pl.DataFrame(rows, schema_overrides={"expected": pl.Float64, "actual": pl.Int64})


def _horizons(day: dt.date) -> pl.DataFrame:
    """55 % of 2,000 were silent for 180 days, decided on the last day of a month; before that it was as long."""
    return pl.DataFrame(
        [
            {"horizon_days": days, "decided_on": (day + dt.timedelta(1)).replace(day=1) - dt.timedelta(1),
             "buyers": 2000, "silent": 1800 - 700 * n // 3, "silent_share": (1800 - 700 * n // 3) / 2000,
             "verdict": "enough silent" if days <= TARGETS["churn"] else "too few silent",
             "churn_horizon_days": TARGETS["churn"], "chosen_by": "enough silent",
             "previous_churn_horizon_days": TARGETS["churn"]}
            for n, days in enumerate((30, 60, 90, 180))
        ]
    )  # fmt: skip


def _champions(validated: bool, factor: float | None) -> pl.DataFrame:
    status = "season_unknown" if factor is None else "ok" if validated else "not_validated"
    return pl.DataFrame(
        [
            {"target": target, "horizon_days": days, "model": "mbgnbd", "timing_model": "mbgnbd",
             "status": status, "score": 0.3 if validated else None, "reason": "made up"}
            for target, days in TARGETS.items()
        ],
        schema_overrides={"score": pl.Float64},
    )  # fmt: skip


def _validation(day: dt.date) -> pl.DataFrame:
    """Models are the better the later in the alphabet; every baseline is worse than all of them."""
    rows = []
    for target, days in {**TARGETS, "value": 182}.items():
        sums = target in ("counts", "value")
        scores = SUM_SCORES if sums else PROBABILITY_SCORES
        naive = {"counts": ("rate", "zero"), "value": ("mean_spend", "historic_spend", "zero")}.get(
            target, ("base_rate", "recency_logistic")
        )
        for model, worse in (
            ("mbgnbd", 1.0),
            ("bgnbd", 1.05),
            *((name, 1.25 + 0.25 * n) for n, name in enumerate(naive)),
        ):
            for metric, value in scores.items():
                higher = metric in ("auc", "correlation", "normalised_gini", "top_10_percent_capture")
                rows.append(
                    {"target": target, "model": model, "metric": metric, "is_baseline": model in naive,
                     "origin": day - dt.timedelta(days=days), "horizon_days": days, "customers": 2000,
                     "value": value / worse if higher else value * worse}
                )  # fmt: skip
            if target == "counts":
                rows.append(
                    {**rows[-1], "metric": "poisson_deviance", "value": None if model == "zero" else 1.1 * worse}
                )
            if target == "value" and model not in naive:
                rows.append({**rows[-1], "metric": "coverage_80", "value": 0.91})
    return pl.DataFrame(rows)


def _calibration() -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"target": target, "model": model, "horizon_days": TARGETS[target], "bin": n, "customers": 200,
             "predicted": 0.05 * n, "observed": 0.05 * n + (0.01 if n % 2 else -0.04), "low": max(0.0, 0.05 * n - 0.03),
             "high": 0.05 * n + 0.03}
            for target in ("purchase_30d", "purchase_90d", "churn")
            for model in ("bgnbd", "mbgnbd")
            for n in range(1, 11)
        ]
    )  # fmt: skip


def _expectation() -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"model": model, "frequency": x, "customers": 1000 >> x, "expected": 0.5 * x + 0.1 + off,
             "observed": 0.5 * x + 0.2}
            for model, off in (("bgnbd", 0.3), ("mbgnbd", 0.0), ("rate", 0.5)) for x in range(8)
        ]
    )  # fmt: skip


def _deciles() -> pl.DataFrame:
    """Of the published model of each target and one baseline, by the formula 2 · (1 − 0.1 · decile) of the mean."""
    lifts = [2 * (1 - 0.1 * n) for n in range(1, 11)]
    means = {"counts": 0.5, "value": 20.0, "purchase_30d": 0.1, "purchase_90d": 0.2, "churn": 0.3}
    return pl.DataFrame(
        [
            {"target": target, "model": model, "horizon_days": TARGETS.get(target, 182), "decile": n,
             "customers": 200.0, "predicted": mean * (lift + 0.1), "observed": mean * lift, "lift": lift,
             "captured": sum(lifts[:n]) / sum(lifts)}
            for target, mean in means.items()
            for model in ("mbgnbd", "recency_logistic" if mean < 0.4 else "rate")
            for n, lift in enumerate(lifts, start=1)
        ]
    )  # fmt: skip


def _intervals(day: dt.date) -> pl.DataFrame:
    """Of the published model: the more purchases, the fewer are held by it, which the correction mends."""
    return pl.DataFrame(
        [
            {"model": model, "frequency_class": name, "place": n, "origin": day - dt.timedelta(days=182),
             "horizon_days": 182, "customers": 2000 // n**2, "customers_of_nothing": 700 if n == 1 else 0,
             "promised": 0.8, "coverage_of_model": 0.85 - 0.05 * n, "coverage": 0.8 if n < 5 else 0.77,
             "widened_by": 0.9 + 0.1 * n, "is_own": n < 4, "is_published": model == "mbgnbd"}
            for model in ("bgnbd", "mbgnbd")
            for n, name in enumerate(("0", "1", "2–4", "5–9", "10 or more"), start=1)
        ]
    )  # fmt: skip


def _tracking(day: dt.date) -> pl.DataFrame:
    weeks = np.arange(1, 41)
    actual, expected = 100 + 10 * (weeks % 3), 112.0 - 0.1 * weeks
    return pl.DataFrame(
        {
            "week": weeks, "week_ends_on": [day - dt.timedelta(days=int(7 * (40 - week))) for week in weeks],
            "is_holdout": weeks > 14, "model": "mbgnbd", "actual": actual, "expected": expected,
            "actual_cumulative": np.cumsum(actual), "expected_cumulative": np.cumsum(expected),
        }
    )  # fmt: skip


def _parameters(drift: float) -> pl.DataFrame:
    given = {
        "mbgnbd": {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614},
        "gamma_gamma": {"p": 6.25, "q": 3.74, "v": 15.44}, "shop": {"mean_spend": 35.2, "kept_share": 1.0},
    }  # fmt: skip
    rows = [
        {"model": model, "parameter": name, "estimate": value + (drift if model != "shop" else 0.0),
         "standard_error": 0.1 if model != "shop" else None}
        for model, parameters in given.items() for name, value in parameters.items()
    ]  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def _fits(day: dt.date) -> pl.DataFrame:
    common = {"log_likelihood": -9582.4, "aic": 19172.8, "bic": 19196.0, "customers": 2000, "groups": 900,
              "iterations": 20, "start": 0, "penalty": 0.0, "binning_error": None}  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"origin": day, "asked_for": "mbgnbd", "model": "mbgnbd", "status": "converged", "reason": None, **common},
        {"origin": day, "asked_for": "pareto_nbd", "model": "pareto_nbd", "status": "refused",
         "reason": "the search stopped where it started", **common},
        {"origin": day - dt.timedelta(days=30), "asked_for": "bgnbd", "model": "nbd", "status": "no_dropout",
         "reason": None, **common},
    ]  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)
