"""Step `lifecycle_projection`: twelve months ahead, doing nothing and under the scenarios of the settings; and what
such projections were worth a month later.

A month is 30 days. What is taken for granted stands in columns: moves, newcomers and revenue per customer stay what
they were in the mean of the last twelve months, in which every season has its part; the season of the months to come is
that of `season_clock`. Nothing is projected from a history too short to know a year, or after a month unlike it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np
import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models.clock import EVEN, STEADY, Clock
from pipeline.models.histories import Array
from pipeline.models.markov import Course, Months, Path, ahead, with_points
from pipeline.sections.analysis import Scenario, Stage
from pipeline.settings import Settings

STAGES: tuple[Stage, ...] = get_args(Stage)
NOTHING = "do nothing"
MONTHS, MONTH_DAYS, LEAST_HISTORY_DAYS = 12, 30, 390
SHARE = 0.95
"""What the intervals are to hold."""

_HISTORY_DAYS = """
    SELECT max(age_days) AS days FROM marts.customer_summary WHERE snapshot_date = $snapshot_date
"""
_STAGES = "SELECT stage, customers FROM marts.lifecycle_value WHERE snapshot_date = $snapshot_date"
_MONTHS = """
    SELECT months_ago, from_stage, to_stage, customers, revenue::DOUBLE AS revenue FROM marts.lifecycle_months
    WHERE snapshot_date = $snapshot_date
"""
_SEASON = """
    SELECT horizon_days, factor, coalesce(recent_factor, recent_ratio) AS recent FROM marts.season_clock
    WHERE snapshot_date = $snapshot_date
    ORDER BY horizon_days
"""


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    return {"history": _HISTORY_DAYS, "stages": _STAGES, "months": _MONTHS, "season": _SEASON}


@dataclass(frozen=True)
class Season:
    """What the clock says: usual months that each of those to come is worth (12,), and how usual the last one was."""

    ahead: Array
    recent: float | None


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """All tables; no projection, and no word of a scenario, where it would mislead."""
    parameters = {"snapshot_date": day}
    history = engine.read(_HISTORY_DAYS, parameters).item()
    if history is None or history < LEAST_HISTORY_DAYS:
        log(f"{day}: no projection before {LEAST_HISTORY_DAYS} days of history; there are {history or 0}.")
        return {}
    months = read_months(engine, day)
    found = {"projection_backtest": backtest(months, day)}
    season = _season(engine, day)
    recent = _last_month(found["projection_backtest"]) if season.recent is None else season.recent
    if (unlike := _unlike(months, recent)) is not None:
        log(f"{day}: no projection: the last {MONTH_DAYS} days were {unlike:.2f} usual ones, unlike those a year ago.")
        return found
    now = dict(engine.read(_STAGES, parameters).iter_rows())
    start = np.array([float(now[stage]) for stage in STAGES])
    course = _course(months, settings.lifecycle.new_customers == "as observed")
    scenarios: dict[str, Scenario | None] = {NOTHING: None} | {s.name: s for s in settings.lifecycle.scenarios}
    matrices = [_changed(course.matrix, scenario) for scenario in scenarios.values()]
    paths, gains = ahead(course, start, season.ahead, SHARE, matrices)
    last_year = float(months.part(0, MONTHS).total_revenue.sum())
    seen = months.part(0, MONTHS).begun.sum(axis=0)
    return found | {
        "lifecycle_projection": pl.concat(
            _projected(name, course, path, seen) for name, path in zip(scenarios, paths, strict=True)
        ),
        "lifecycle_scenarios": pl.concat(
            _compared(name, scenario, course, path, paths[0], gain, last_year)
            for (name, scenario), path, gain in zip(scenarios.items(), paths, gains, strict=True)
        ),
    }


def read_months(engine: Engine, day: dt.date) -> Months:
    """Of the last 24 months those the shop was there for, the latest first."""
    rows = engine.read(_MONTHS, {"snapshot_date": day})
    shape = (rows["months_ago"].n_unique(), len(STAGES) + 1, len(STAGES))
    customers, revenue = np.zeros(shape), np.zeros(shape)
    for ago, origin, target, moved, amount in rows.iter_rows():
        place = ago - 1, _place(origin), _place(target)
        customers[place], revenue[place] = moved, amount
    return Months(customers[:, :-1], customers[:, -1], revenue[:, :-1].sum(axis=2), revenue[:, -1])


def _place(stage: str) -> int:
    """Row or column of a stage; the last row is of those who were not there before."""
    return len(STAGES) if stage == "none" else [*STAGES].index(stage)  # type: ignore[arg-type]


def _season(engine: Engine, day: dt.date) -> Season:
    rows = engine.read(_SEASON, {"snapshot_date": day})
    clock = Clock(tuple(rows["factor"])) if rows.height else EVEN
    ends = clock.weeks(np.arange(MONTHS + 1) * MONTH_DAYS / 7) * 7 / MONTH_DAYS
    return Season(np.diff(ends), rows["recent"][0] if rows.height else None)


def _last_month(backtest: pl.DataFrame) -> float | None:
    """Where no clock tells: how many usual months the last one was worth, by the twelve before it; None where months
    differ as much by chance."""
    last = backtest.filter(months_ago=1, is_inside=False).filter(pl.col("projected") > 0)
    return float((last["actual"] / last["projected"]).item()) if last.height else None


def _unlike(months: Months, recent: float | None) -> float | None:
    """How many usual days each of the last 30 was worth, where that is unusual and that of a year ago was not."""
    if recent is None or STEADY[0] <= recent <= STEADY[1]:
        return None
    before = Course.of(months.part(0, MONTHS))
    then = months.part(MONTHS, 1)
    expected = float((then.begun @ before.revenue)[0] + before.newcomers @ before.newcomer_revenue)
    a_year_ago = float(then.total_revenue[0]) / expected if expected > 0 else 1.0
    return None if STEADY[0] * a_year_ago <= recent <= STEADY[1] * a_year_ago else recent


def _course(months: Months, with_newcomers: bool) -> Course:
    """Two years tell a drift from a season, if there are two: of whole years each season has its part."""
    is_long = len(months.begun) >= 2 * MONTHS
    course = Course.of(months.part(0, MONTHS), months.part(0, 2 * MONTHS) if is_long else None)
    return course if with_newcomers else course.without_newcomers()


def _changed(matrix: Array, scenario: Scenario | None) -> Array:
    if scenario is None:
        return matrix
    return with_points(matrix, _place(scenario.from_stage), _place(scenario.to_stage), scenario.points)


def backtest(months: Months, day: dt.date) -> pl.DataFrame:
    """Months that had twelve before them, each projected from where it began by those alone."""
    rows = []
    for ago in range(len(months.begun) - MONTHS):
        before, then = months.part(ago + 1, MONTHS), months.part(ago, 1)
        course = Course.of(before)
        (path,), _ = ahead(course, then.begun[0], np.ones(1), SHARE, [course.matrix])
        expected, error, actual = float(path.revenue.sum()), float(path.month_error[0]), float(then.total_revenue[0])
        rows.append(
            {
                "months_ago": ago + 1, "begins_after": day - dt.timedelta(days=MONTH_DAYS * (ago + 1)),
                "ends_on": day - dt.timedelta(days=MONTH_DAYS * ago), "customers": round(then.begun[0].sum()),
                "projected": expected, "low": max(0.0, expected - error), "high": expected + error,
                "actual": actual, "mean_before": float(before.total_revenue.mean()),
                "is_inside": abs(actual - expected) <= error,
            }
        )  # fmt: skip
    return pl.DataFrame(rows)


def judged(backtest: pl.DataFrame) -> pl.DataFrame:
    """Rows of `model_validation`: what projections of one month were worth, all months of the back-test together."""
    if backtest.is_empty():
        return backtest
    last = backtest.row(0, named=True)
    known = {"origin": last["begins_after"], "horizon_days": MONTH_DAYS, "customers": last["customers"]}
    actual, rows = backtest["actual"], []
    for model, told in (("projection", backtest["projected"]), ("mean_month", backtest["mean_before"])):
        came, said = float(actual.sum()), float(told.sum())
        metrics = {
            "predicted": said, "actual": came, "bias_percent": 100 * (said / came - 1) if came > 0 else None,
            "mae": float(np.abs(told.to_numpy() - actual.to_numpy()).mean()), "months": float(len(actual)),
        }  # fmt: skip
        of_own = {"coverage_95": float(backtest["is_inside"].to_numpy().mean())} if model == "projection" else {}
        rows += [
            {"target": "projection", "model": model, "metric": metric, "is_baseline": model != "projection", **known,
             "value": value}
            for metric, value in (metrics | of_own).items()
        ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"horizon_days": pl.Int64, "value": pl.Float64})


def _projected(name: str, course: Course, path: Path, seen: Array) -> pl.DataFrame:
    revenue = np.vstack([np.full((1, len(STAGES)), np.nan), path.revenue])
    months = np.repeat(np.arange(MONTHS + 1), len(STAGES))
    columns = {
        "customers": path.customers, "customers_low": np.maximum(path.customers - path.customers_error, 0.0),
        "customers_high": path.customers + path.customers_error, "revenue": revenue,
    }  # fmt: skip
    assumed = {
        "new_customers": course.newcomers, "revenue_per_customer": course.revenue,
        "revenue_per_new_customer": course.newcomer_revenue,
    }  # fmt: skip
    return pl.DataFrame(
        {
            "scenario": [name] * len(months),
            "month": months,
            "stage": [*STAGES] * (MONTHS + 1),
            **{column: values.ravel() for column, values in columns.items()},
            **{column: np.tile(values, MONTHS + 1) for column, values in assumed.items()},
            "from_customers": np.tile(seen.astype(np.int64), MONTHS + 1),
        }
    ).with_columns(pl.col("revenue").fill_nan(None))


def _compared(
    name: str, scenario: Scenario | None, course: Course, path: Path, nothing: Path, gain_error: Array, last_year: float
) -> pl.DataFrame:
    """Totals of the shop by month, up to that month, and what the scenario adds up to it."""
    revenue, total = path.total, path.total.cumsum()
    gain = total - nothing.total.cumsum()
    return pl.DataFrame(
        {
            "scenario": [name] * MONTHS,
            "month": np.arange(1, MONTHS + 1),
            "customers": path.customers[1:].sum(axis=-1),
            "revenue": revenue,
            "revenue_low": np.minimum(revenue, np.maximum(revenue - path.month_error, 0.0)),
            "revenue_high": revenue + path.month_error,
            "total": total,
            "total_low": np.minimum(total, np.maximum(total - path.total_error, 0.0)),
            "total_high": total + path.total_error,
            "last_12_months": np.full(MONTHS, last_year),
            "gain": gain,
            "gain_low": gain - gain_error,
            "gain_high": gain + gain_error,
            "new_customers": np.full(MONTHS, course.newcomers.sum()),
        }
    ).with_columns(
        from_stage=pl.lit(scenario.from_stage if scenario else None, pl.String),
        to_stage=pl.lit(scenario.to_stage if scenario else None, pl.String),
        points=pl.lit(scenario.points if scenario else None, pl.Float64),
    )
