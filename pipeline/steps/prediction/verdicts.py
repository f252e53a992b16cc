"""Verdicts: what is left of the tests when their customers are forgotten. Figures of models, and rows of tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.models import validation
from pipeline.models.clv import PREDICTIVE
from pipeline.models.fitting import Fit
from pipeline.models.gamma_gamma import SpendFit
from pipeline.models.timing import TimingModel
from pipeline.steps.prediction.holdouts import Judged, Standings, Target

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Verdict:
    """Of one target: how the models stand after its holdout of `customers` customers, `days` days after `origin`.

    corrections: of the interval of value, by model: one for each class of x. rows: of the tables that show the holdout,
    without what every row of it says.
    """

    standings: Standings
    origin: dt.date
    days: int
    customers: int
    corrections: Mapping[str, list[float]]
    rows: Mapping[str, Rows]

    @classmethod
    def of(cls, judged: Judged) -> Verdict:
        rows = {
            "model_validation": _validation_rows(judged),
            "calibration_curve": _calibration_rows(judged) if judged.is_probability else [],
            "interval_coverage": _interval_rows(judged),
            "conditional_expectation": _expectation_rows(judged) if judged.target == "counts" else [],
            "decile_chart": _decile_rows(judged),
        }
        corrections = {model: found.corrections.tolist() for model, found in judged.intervals.items()}
        cohort = judged.cohort
        return cls(judged.standings, cohort.origin, cohort.days, cohort.frame.height, corrections, rows)


@dataclass(frozen=True)
class Verdicts:
    """What the tests of the models came to as of the end of `day`.

    learner: by whose windows boosted counts are learnt. tracked: the champion of counts as it was fitted before its
    holdout. fits: rows of model_fits, their origins as text.
    """

    day: dt.date
    of: Mapping[Target, Verdict]
    learner: Target
    tracked: TimingModel | None
    fits: Rows


def fit_row(origin: dt.date, asked_for: str, found: Fit | SpendFit) -> dict[str, Any]:
    """Of model_fits."""
    return {
        "origin": origin.isoformat(), "asked_for": asked_for, "model": found.model.name, "status": found.status,
        "reason": found.reason or None, "log_likelihood": finite(found.log_likelihood),
        "aic": finite(found.aic), "bic": finite(found.bic), "customers": round(found.customers),
        "groups": found.groups, "iterations": found.iterations, "start": found.start, "penalty": found.penalty,
        "binning_error": found.binning_error if isinstance(found, SpendFit) else None,
    }  # fmt: skip


def _validation_rows(judged: Judged) -> Rows:
    standings = judged.standings
    return [
        {"model": model, "metric": metric, "is_baseline": model in judged.baselines, "value": finite(value)}
        for model, metrics in standings.scores.items()
        for metric, value in {**metrics, **standings.choice(model)}.items()
    ]


def _calibration_rows(judged: Judged) -> Rows:
    return [
        {
            "model": model, "bin": row.bin, "customers": round(row.customers), "predicted": row.predicted,
            "observed": row.actual, "low": max(0.0, row.low), "high": min(1.0, row.high),
        }
        for model, prediction in judged.predictions.items() if model not in judged.baselines
        for row in validation.calibration_curve(judged.actual, prediction, np.ones_like(judged.actual))
    ]  # fmt: skip


def _interval_rows(judged: Judged) -> Rows:
    return [
        {
            "model": model, "frequency_class": row.name, "place": place, "customers": row.customers,
            "customers_of_nothing": row.nothing, "promised": PREDICTIVE, "coverage_of_model": finite(row.before),
            "coverage": finite(row.after), "widened_by": float(np.exp(row.correction)), "is_own": row.is_own,
        }
        for model, found in judged.intervals.items()
        for place, row in enumerate(found.classes, start=1)
    ]  # fmt: skip


def _expectation_rows(judged: Judged) -> Rows:
    x, ones = judged.cohort.histories.x, np.ones_like(judged.actual)
    return [
        {
            "model": model, "frequency": row.x, "customers": round(row.customers),
            "expected": row.predicted, "observed": row.actual,
        }
        for model, prediction in judged.predictions.items()
        for row in validation.conditional_expectation(x, judged.actual, prediction, ones)
    ]  # fmt: skip


def _decile_rows(judged: Judged) -> Rows:
    """Of baselines too, but for those that rank nobody: all equal, they have no tenths."""
    return [
        {
            "model": model, "decile": row.decile, "customers": row.customers, "predicted": row.predicted,
            "observed": row.actual, "lift": finite(row.lift), "captured": finite(row.captured),
        }
        for model, prediction in judged.predictions.items() if np.ptp(prediction) > 0
        for row in validation.decile_chart(judged.actual, prediction, np.ones_like(judged.actual))
    ]  # fmt: skip


def finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
