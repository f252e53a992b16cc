"""Rows of one night for the tables that Python writes, a function per table. Their columns: the SQL headers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models import conformal
from pipeline.models.clock import HORIZONS
from pipeline.models.clv import (
    Horizon,
    discounted_purchases,
    relative_variance,
    spend_factor,
    standard_error,
    value_interval,
)
from pipeline.models.fitting import Fit
from pipeline.models.histories import Array, Histories
from pipeline.models.purchase_classifier import PurchaseClassifier, blend, by_the_clock
from pipeline.models.purchase_counts import BoostedCounts, factors
from pipeline.settings import Settings
from pipeline.steps.movement import projection
from pipeline.steps.prediction import inputs
from pipeline.steps.prediction.chances import SHARES, Chances
from pipeline.steps.prediction.holdouts import (
    BLEND,
    BOOSTED,
    PROBABILITIES,
    TRAINED,
    Target,
    counted_on,
    trained_on,
)
from pipeline.steps.prediction.inputs import HISTORY, Cohort, everybody, histories_of, kept_share, parts_of
from pipeline.steps.prediction.kept_file import FITS, VERDICTS
from pipeline.steps.prediction.kept_fits import KeptFits
from pipeline.steps.prediction.kept_verdicts import KeptVerdicts
from pipeline.steps.prediction.nightly import Night, last_models
from pipeline.steps.prediction.threads import side_by_side
from pipeline.steps.prediction.verdicts import Rows, Verdict, fit_row
from pipeline.tables.catalog import tables

LOOK_BACK_DAYS = 30
_FACTORS = ("value_variance_0", "value_variance_1", "value_variance_2", "value_low_factor", "value_high_factor")
TODAY_ONLY = (*SHARES, "expected_purchases_se", *_FACTORS)
"""When the next purchase is due, and how sure all is: of 30 days before nobody asks."""
_TESTED = ("model_validation", "calibration_curve", "conditional_expectation", "decile_chart")
_GROUPS = 50_000  # predicted together

_LAST_PARAMETERS = """
    SELECT model, parameter, estimate FROM marts.model_parameters
    WHERE snapshot_date = (
      SELECT max(snapshot_date) FROM marts.model_parameters WHERE snapshot_date < $snapshot_date
    )
"""


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """Fit, test and apply the models of a day; without enough data the log says why, and nothing is written but what
    projections of the lifecycle were worth, which need other data."""
    fits = KeptFits(settings.warehouse_file.with_name(FITS))
    verdicts = KeptVerdicts(settings.warehouse_file.with_name(VERDICTS))
    night = Night(engine, settings, day, last_models(_last_parameters(engine, day)), fits, verdicts)
    log(f"{day}: {night.why_not or night.sentence}")
    frames = frames_of(night)
    fits.save()
    verdicts.save()
    if night.all_fits:
        log(f"{day}: fits took {night.fitting_seconds:.1f} seconds; models are tested as of {night.verdicts.day}.")
    of_shop = projection.judged(projection.backtest(projection.read_months(engine, day), day))
    if of_shop.height:
        of_customers = frames.get("model_validation", of_shop.clear())
        frames["model_validation"] = pl.concat([of_customers, of_shop], how="vertical_relaxed")
    return frames


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    months = projection.queries()["months"]
    return {**inputs.queries(), "last parameters": _LAST_PARAMETERS, "months of the lifecycle": months}


def _last_parameters(engine: Engine, day: dt.date) -> list[tuple[str, str, float]]:
    """Parameters of the latest earlier snapshot: where the search may start; what it finds does not depend on them."""
    return engine.read(_LAST_PARAMETERS, {"snapshot_date": day}).rows()


def frames_of(night: Night) -> dict[str, pl.DataFrame]:
    """Rows by table; all empty when there is too little data."""
    if night.why_not:
        return {}
    timing, chances = _timing_predictions(night)
    return {
        "timing_predictions": timing,
        "classifier_scores": _classifier_scores(night, chances),
        "season_clock": _frame(night.season.rows),
        "churn_horizons": _frame(night.churn_horizon.rows),
        "champions": pl.DataFrame([vars(champion) for champion in night.champions.values()], infer_schema_length=None),
        **{name: _frame(_tested_rows(night, name)) for name in _TESTED},
        "interval_coverage": _frame(_interval_rows(night)),
        "tracking": _tracking(night),
        "model_parameters": _frame(_parameter_rows(night)),
        "model_fits": _frame(_fit_rows(night)),  # last: it lists every fit that the others asked for
    }


def _timing_predictions(night: Night) -> tuple[pl.DataFrame, Chances]:
    """Rows of the histories of the day and of 30 days before; and the chances of those of the day, in their order."""
    before = everybody(night.engine, night.before(LOOK_BACK_DAYS))
    days = [night.today, before] if before.frame.height else [night.today]
    groups = [(found.day, part) for found in days for part in found.frame.drop("amount").iter_slices(_GROUPS)]
    found = side_by_side(lambda one: _predicted(night, *one), groups)
    chances = [said for (as_of, _), (_, said) in zip(groups, found, strict=True) if as_of == night.day]
    return pl.concat(rows for rows, _ in found), Chances.concat(chances)


def _predicted(night: Night, as_of: dt.date, groups: pl.DataFrame) -> tuple[pl.DataFrame, Chances]:
    h = histories_of(groups)
    arrays = (h.x, h.t_x, h.T)
    counts = night.fitted(night.champions["counts"].timing_model)
    model = counts.model
    chances = Chances.of(night, h, tells_days=as_of == night.day)
    columns: dict[str, Any] = {
        "p_alive": model.p_alive(*arrays),
        **{f"expected_purchases_{d}d": model.expected_purchases(night.clock.week(d / 7), *arrays) for d in HORIZONS},
        "discounted_purchases": discounted_purchases(model, _horizon(night), *arrays),
        "spend_factor": np.ones_like(h.x) if night.spend is None else spend_factor(night.spend.model, h.x),
        **dict.fromkeys(TODAY_ONLY),
        **chances.published(chances.points),
        **(_certainty(night, counts, h) if as_of == night.day else {}),
    }
    rows = groups.with_columns(
        as_of=pl.lit(as_of),
        model=pl.lit(model.name),
        churn_horizon_days=pl.lit(night.horizons["churn"]),
        probability_model=pl.lit(night.best_timing(night.by_horizon[max(night.by_horizon)]).name),
        **_columns(columns),
    )
    return rows, chances


def _certainty(night: Night, counts: Fit, h: Histories) -> dict[str, Any]:
    """How sure all is; without a spend model nothing is known of how value varies."""
    arrays, year = (h.x, h.t_x, h.T), night.clock.week(365 / 7)
    found: dict[str, Any] = {}
    if counts.covariance is not None:
        found["expected_purchases_se"] = standard_error(
            counts.model, counts.covariance, lambda model: model.expected_purchases(year, *arrays)
        )
    if night.spend is not None:
        variance = relative_variance(counts, night.spend, _horizon(night), *arrays)
        unit = spend_factor(night.spend.model, h.x)
        ends = value_interval(counts.model, night.spend.model, _horizon(night), *arrays)
        mean = unit * discounted_purchases(counts.model, _horizon(night), *arrays)
        interval = conformal.Interval(h.x, *ends, mean, unit).moved(night.interval_corrections)
        found |= dict(zip(_FACTORS, (*variance.T, *interval), strict=True))
    return found


def _horizon(night: Night) -> Horizon:
    return Horizon(night.settings.clv.months, night.settings.clv.yearly_discount, night.clock)


def _classifier_scores(night: Night, chances: Chances) -> pl.DataFrame:
    """What is published of every customer where a champion is trained, on who bought in the last horizon; `chances`: of
    the groups of today."""
    wanted = [target for target in night.by_horizon.values() if night.champions[target].model in TRAINED]
    is_boosted = night.champions["counts"].model == BOOSTED
    if not wanted and not is_boosted:
        return pl.DataFrame()
    learning: list[Callable[[], Any]] = [partial(trained_on, night.windows(target, night.day)) for target in wanted]
    if is_boosted:
        learning.append(partial(counted_on, night.counts_windows))
    learnt = side_by_side(lambda learn: learn(), learning)
    trees, trained = learnt.pop() if is_boosted else None, dict(zip(wanted, learnt, strict=True))
    groups = night.today.frame.select(HISTORY).with_row_index("place")
    scores = pl.concat(
        _scored(night, trained, trees, chances, groups, batch)
        for batch in parts_of(night.engine, night.day, night.today.customers)
    )
    return scores.with_columns(purchases_factor=_purchases_factors(night, scores)).drop("place", "purchases")


def _purchases_factors(night: Night, scores: pl.DataFrame) -> Array:
    """By how much each customer is expected to buy more than the timing model says. `scores`: their place among the
    groups of today, and their purchases according to trees, null without any."""
    if scores["purchases"].is_null().all():
        return np.ones(scores.height)
    h, model = night.today.histories, night.fitted(night.champions["counts"].timing_model).model
    learnt, year = (
        model.expected_purchases(night.clock.week(weeks), h.x, h.t_x, h.T)[scores["place"].to_numpy()]
        for weeks in (night.counts_windows[0].weeks, 365 / 7)
    )
    return factors(scores["purchases"].to_numpy(), learnt, year)


def _scored(
    night: Night,
    trained: Mapping[Target, PurchaseClassifier],
    trees: BoostedCounts | None,
    chances: Chances,
    groups: pl.DataFrame,
    batch: Cohort,
) -> pl.DataFrame:
    """`groups`: HISTORY of those whose `chances` are given, and their place among them."""
    place = batch.frame.select(HISTORY).join(groups, on=HISTORY, how="left", maintain_order="left")["place"].to_numpy()
    points = chances.points[place]
    scores = side_by_side(lambda target: trained[target].predict(batch.features), list(trained))
    for target, score in zip(trained, scores, strict=True):
        weeks = night.horizons[target] / 7
        found = by_the_clock(score, night.clock.week(weeks) / weeks)
        timing = points[:, chances.places[PROBABILITIES.index(target)]]
        timing[:] = blend(found, timing) if night.champions[target].model == BLEND else found
    parts = [slice(first, first + _GROUPS) for first in range(0, len(place), _GROUPS)]
    published = side_by_side(lambda part: chances.at(place[part]).published(points[part]), parts)
    columns: dict[str, Any] = {name: np.concatenate([part[name] for part in published]) for name in published[0]}
    columns["purchases"] = None if trees is None else trees.predict(batch.features)
    told = batch.frame.select("customer_id", place=pl.Series(place), churn_horizon_days=pl.lit(night.horizons["churn"]))
    return told.with_columns(**_columns(columns))


def _tested_rows(night: Night, table: str) -> Rows:
    """Rows of all holdouts, with what every row of the table says of its holdout."""
    columns = tables()[f"marts.{table}"].header.columns
    return [
        {name: said[name] for name in columns if name in said}
        for target, verdict in night.verdicts.of.items()
        for said in (_said_of(target, verdict) | row for row in verdict.rows[table])
    ]


def _said_of(target: Target, of: Verdict) -> dict[str, Any]:
    return {"target": target, "origin": of.origin, "horizon_days": of.days, "customers": of.customers}


def _interval_rows(night: Night) -> Rows:
    rows = _tested_rows(night, "interval_coverage")
    return [row | {"is_published": row["model"] == night.tested_interval} for row in rows]


def _tracking(night: Night) -> pl.DataFrame:
    """Weeks of the shop's life; the model is the one of the holdout, which has seen nothing after its origin."""
    counts, model = night.verdicts.of.get("counts"), night.verdicts.tracked
    origin = counts.origin if counts else night.day
    if model is None:
        model = night.models(night.day)[night.champions["counts"].timing_model]
    days = night.calendar
    start = days["day"][0]
    offset = (days["day"] - start).dt.total_days().to_numpy()
    weeks = ((night.day - start).days + 1) // 7
    ends = np.arange(1, weeks + 1)
    repeat = np.bincount(np.minimum(offset // 7, weeks), days["repeat"].to_numpy(), weeks + 1)[:weeks]
    ages = np.maximum(ends[:, None] - offset[None, :] / 7, 0.0)
    cumulative = (model.expected_from_start(ages.ravel()).reshape(ages.shape) * days["first"].to_numpy()).sum(axis=1)
    week_ends = [start + dt.timedelta(days=int(7 * end) - 1) for end in ends]
    is_holdout = [end - dt.timedelta(days=6) > origin for end in week_ends]
    return pl.DataFrame(
        {
            "week": ends, "week_ends_on": week_ends, "is_holdout": is_holdout,
            "model": [model.name] * weeks, "actual": repeat.astype(np.int64),
            "expected": np.diff(cumulative, prepend=0.0),
            "actual_cumulative": repeat.cumsum().astype(np.int64), "expected_cumulative": cumulative,
        }
    )  # fmt: skip


def _parameter_rows(night: Night) -> Rows:
    rows: Rows = []
    seen: set[str] = set()
    for found in night.fits(night.day).values():
        if found.status == "refused" or found.model.name in seen:
            continue
        seen.add(found.model.name)
        errors = found.standard_errors
        for place, (parameter, estimate) in enumerate(found.model.parameters.items()):
            error = None if errors is None else float(errors[place])
            rows.append(_parameter(found.model.name, parameter, estimate, error))
    if night.spend is not None:
        errors = night.spend.standard_errors
        for place, parameter in enumerate(("p", "q", "v")):
            error = None if errors is None else float(errors[place])
            rows.append(_parameter("gamma_gamma", parameter, getattr(night.spend.model, parameter), error))
    mean_spend = night.today.mean_amount if night.spend is None else night.spend.model.mean_spend
    rows.append(_parameter("shop", "mean_spend", mean_spend, None))
    if np.isfinite(night.spend_correlation):
        rows.append(_parameter("shop", "spend_frequency_spearman", night.spend_correlation, None))
    rows.append(_parameter("shop", "kept_share", kept_share(night.engine, night.day, night.settings.clv.margin), None))
    return rows


def _fit_rows(night: Night) -> Rows:
    """Those of tonight and those of the tests."""
    tonight = [fit_row(*found) for found in night.all_fits]
    rows = {(row["origin"], row["asked_for"]): row for row in (*night.verdicts.fits, *tonight)}
    return [rows[key] | {"origin": dt.date.fromisoformat(key[0])} for key in sorted(rows)]


def _parameter(model: str, parameter: str, estimate: float, error: float | None) -> dict[str, Any]:
    return {"model": model, "parameter": parameter, "estimate": estimate, "standard_error": error}


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    """Columns of numbers; what is no number, or was not computed, is null."""
    return {
        name: pl.lit(None, pl.Float64)
        if column is None
        else pl.Series(np.where(np.isfinite(column), column, np.nan)).fill_nan(None)
        for name, column in values.items()
    }


def _frame(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame(rows, infer_schema_length=None)
