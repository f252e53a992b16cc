"""Holdouts: every model and every naive baseline, given the data up to an origin, judged on the days after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from pipeline.models import conformal, validation
from pipeline.models.clock import EVEN, Clock
from pipeline.models.clv import PREDICTIVE, Horizon, spend_factor, value_interval
from pipeline.models.fitting import Fit
from pipeline.models.gamma_gamma import SpendFit
from pipeline.models.histories import Array
from pipeline.models.purchase_classifier import PurchaseClassifier, blend, train
from pipeline.models.timing import TimingModel
from pipeline.steps.prediction.inputs import AMOUNTS, TRAINED_ON, Cohort

Target = Literal["counts", "value", "purchase_30d", "purchase_90d", "churn"]
PROBABILITIES: tuple[Target, ...] = ("purchase_30d", "purchase_90d", "churn")
LEAST_CUSTOMERS, LEAST_BUYERS = 500, 100
CLASSIFIER, BLEND = "classifier", "blend"
BLEND_MARGIN = 0.01
"""By how much of its log loss the blend must be beaten: it errs less where the days to come are not like those past."""
TRAINED = frozenset({CLASSIFIER, BLEND})
"""Models that know a customer by more than (x, t_x, T)."""
_EVEN: Mapping[str, Clock] = {}


@dataclass(frozen=True)
class Calibrated:
    """Corrections of the interval of value by class of x (conformal.CLASSES), and what they were worth."""

    corrections: Array
    classes: Sequence[conformal.Coverage]

    @property
    def share(self) -> float:
        """Of all customers whose interval is more than nothing, those inside; NaN without any."""
        told = [(row.customers - row.nothing, row.after) for row in self.classes if row.customers > row.nothing]
        customers = sum(n for n, _ in told)
        return sum(n * after for n, after in told) / customers if customers else float("nan")


@dataclass(frozen=True)
class Judged:
    """Predictions for the customers of a cohort, by name, beside what they did."""

    target: Target
    cohort: Cohort
    actual: Array
    predictions: Mapping[str, Array]
    baselines: frozenset[str]
    extra: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    intervals: Mapping[str, Calibrated] = field(default_factory=dict)
    """Of value, by model."""
    earlier: tuple[Judged, ...] = ()
    """The same from earlier origins: the choice looks at all."""

    @property
    def is_probability(self) -> bool:
        return self.target in PROBABILITIES

    @cached_property
    def scores(self) -> dict[str, dict[str, float]]:
        """Model -> metric -> value; NaN where a metric does not exist."""
        ones = np.ones_like(self.actual)
        score = validation.probability_scores if self.is_probability else validation.count_scores
        found = {name: score(self.actual, prediction, ones) for name, prediction in self.predictions.items()}
        for name, prediction in self.predictions.items():
            totals = {"predicted": float(prediction.sum()), "actual": float(self.actual.sum())}
            found[name] |= totals | dict(self.extra.get(name, {}))
        return found

    @cached_property
    def losses(self) -> dict[str, float]:
        """Log loss of each model, the mean of all origins, or of those where a classifier could be trained. A timing
        model that does not hold at one of them counts there as the best that does."""
        tests = [self, *self.earlier]
        tests = [test for test in tests if BLEND in test.predictions] or tests
        names = {name for name in self.predictions if name not in self.baselines}
        if BLEND in tests[0].predictions:
            names |= TRAINED
        return {name: float(np.mean([test._loss(name) for test in tests])) for name in sorted(names)}

    def choice(self, name: str) -> dict[str, float]:
        """The metric that the choice of a probability goes by; none of baselines."""
        return {"mean_log_loss": self.losses[name]} if self.is_probability and name in self.losses else {}

    def _loss(self, name: str) -> float:
        timing = self._timing
        return self.scores[name]["log_loss"] if name in self.predictions else min(timing.values())

    @property
    def _timing(self) -> dict[str, float]:
        return {n: s["log_loss"] for n, s in self.scores.items() if n not in self.baselines | TRAINED}

    @property
    def best_timing(self) -> str:
        """The best of the timing models, which is blended, or tells the days."""
        return validation.champion_by_log_loss({n: loss for n, loss in self.losses.items() if n not in TRAINED})

    def champion(self, barred: frozenset[str] = frozenset()) -> str:
        """The best of the models; baselines do not compete, they are what has to be beaten. Nor do those `barred`."""
        scores = {name: metrics for name, metrics in self.scores.items() if name not in self.baselines}
        if self.is_probability:
            losses = {name: loss for name, loss in self.losses.items() if name not in barred}
            best = validation.champion_by_log_loss(losses)
            stays = BLEND in losses and losses[best] >= (1 - BLEND_MARGIN) * losses[BLEND]
            return BLEND if stays else best
        biases, ginis = (
            {name: metrics[metric] for name, metrics in scores.items()}
            for metric in ("bias_percent", "normalised_gini")
        )
        return validation.champion_by_bias(biases, ginis)


def is_enough(cohort: Cohort) -> bool:
    """Whether a cohort can judge, or train, anything."""
    return is_learnable([cohort])


def judge_counts(cohort: Cohort, models: Mapping[str, TimingModel], clocks: Mapping[str, Clock] = _EVEN) -> Judged:
    """`clocks`: of the models, each by what it had expected a year before the origin; a day is a day without."""
    h = cohort.histories
    predictions = {
        name: model.expected_purchases(clocks.get(name, EVEN).week(cohort.weeks), h.x, h.t_x, h.T)
        for name, model in models.items()
    }
    baselines = {"rate": validation.rate_baseline(cohort.weeks, h.x, h.T), "zero": np.zeros_like(h.x)}
    return Judged("counts", cohort, cohort.later, predictions | baselines, frozenset(baselines))


def judge_value(
    cohort: Cohort, models: Mapping[str, TimingModel], spend: SpendFit, clocks: Mapping[str, Clock] = _EVEN
) -> Judged:
    """Spend after the origin; beside the usual metrics what the 80 % predictive intervals held, and what they lack."""
    h, frame = cohort.histories, cohort.frame
    m = frame["monetary_value"].fill_null(0.0).to_numpy()
    known = np.where((h.x > 0) & (m > 0), h.x, 0.0)
    per_occasion = spend.model.expected_spend(known, m)
    purchases = judge_counts(cohort, models, clocks).predictions
    predictions = {name: per_occasion * purchases[name] for name in models}
    months = max(1, round(cohort.days * 12 / 365))
    total = spend.model.v + np.where(known > 0, h.x * m, h.x * spend.model.mean_spend)
    spent, unit, intervals = cohort.later_amount / total, spend_factor(spend.model, known), {}
    for name, model in models.items():
        horizon = Horizon(months, 0.0, clocks.get(name, EVEN))
        low, high = value_interval(model, spend.model, horizon, h.x, h.t_x, h.T)
        interval = conformal.Interval(h.x, low, high, unit * purchases[name], unit)
        intervals[name] = Calibrated(*conformal.coverage(interval, spent, PREDICTIVE, cohort.folds))
    coverage = {name: {"coverage_80": found.share} for name, found in intervals.items()}
    spent = (h.x + 1) * frame["mean_amount"].to_numpy()
    baseline = {"historic_spend": spent / np.maximum(h.T, 1 / 7) * cohort.weeks}
    return Judged(
        "value", cohort, cohort.later_amount, predictions | baseline, frozenset(baseline), coverage, intervals
    )


def judge_probability(
    target: Target,
    cohort: Cohort,
    learnt: Sequence[Cohort],
    models: Mapping[str, TimingModel],
    clock: Clock = EVEN,
    most: int = TRAINED_ON,
) -> Judged:
    """`learnt`: cohorts at least one horizon earlier, labelled up to the origin at the latest, the last one first: what
    classifier and baselines learn, the classifier of `most` customers at most."""
    h, weeks = cohort.histories, clock.week(cohort.weeks)
    predictions: dict[str, Array] = {
        name: model.probability_of_purchase(weeks, h.x, h.t_x, h.T) for name, model in models.items()
    }
    baselines: dict[str, Array] = {}
    if is_learnable(learnt):
        trained = trained_on(learnt, most).predict(cohort.features)
        losses = {name: validation.log_loss(cohort.bought, p, np.ones_like(p)) for name, p in predictions.items()}
        behind = predictions[validation.champion_by_log_loss(losses)]
        predictions |= {CLASSIFIER: trained, BLEND: blend(trained, behind)}
    if learnt and is_enough(learnt[0]):
        before = learnt[0]
        baselines["base_rate"] = np.full_like(h.x, before.bought.mean())
        logistic = validation.fit_recency_logistic(before.silent_weeks, before.bought, np.ones_like(before.bought))
        baselines["recency_logistic"] = logistic.predict(cohort.silent_weeks)
    return Judged(target, cohort, cohort.bought, predictions | baselines, frozenset(baselines))


def is_learnable(windows: Sequence[Cohort]) -> bool:
    """Whether a classifier can be trained on the customers of all these windows together."""
    customers = sum(window.frame.height for window in windows)
    buyers = sum(int(window.bought.sum()) for window in windows)
    return customers >= LEAST_CUSTOMERS and LEAST_BUYERS <= buyers <= customers - LEAST_BUYERS


def trained_on(windows: Sequence[Cohort], most: int = TRAINED_ON) -> PurchaseClassifier:
    """Of all windows about as many customers, no more than `most` in all."""
    samples = [window.sampled(most // len(windows)) for window in windows]
    features, bought, folds = (
        np.concatenate([getattr(sample, name) for sample in samples]) for name in ("features", "bought", "folds")
    )
    return train(features, bought, folds, AMOUNTS)


def usable(fits: Mapping[str, Fit]) -> dict[str, TimingModel]:
    """The models of fits that hold, each once: three fits without dropout are one NBD."""
    return {fit.model.name: fit.model for fit in fits.values() if fit.status != "refused"}
