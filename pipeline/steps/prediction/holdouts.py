"""Holdouts: every model and every naive baseline, given the data up to an origin, judged on the days after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.models import conformal, purchase_counts, validation
from pipeline.models.clock import EVEN, Clock
from pipeline.models.clv import PREDICTIVE, Horizon, spend_factor, value_interval
from pipeline.models.fitting import Fit
from pipeline.models.gamma_gamma import SpendFit
from pipeline.models.histories import Array
from pipeline.models.purchase_classifier import PurchaseClassifier, blend, by_the_clock, train
from pipeline.models.purchase_counts import BoostedCounts, factors
from pipeline.models.timing import TimingModel
from pipeline.steps.prediction.inputs import AMOUNTS, TRAINED_ON, Cohort

Target = Literal["counts", "value", "purchase_30d", "purchase_90d", "churn"]
PROBABILITIES: tuple[Target, ...] = ("purchase_30d", "purchase_90d", "churn")
LEAST_CUSTOMERS, LEAST_BUYERS = 500, 100
CLASSIFIER, BLEND = "classifier", "blend"
BLEND_MARGIN = 0.01
"""By how much of its log loss the blend must be beaten: it errs less where the days to come are not like those past."""
TRAINED = frozenset({CLASSIFIER, BLEND})
"""Models of a probability that know a customer by more than (x, t_x, T)."""
BOOSTED = "boosted"
"""Counts of the timing model, half of them spread over customers as boosted trees say."""
BOOSTED_MARGIN = 0.01
"""By how much the Poisson deviance of the timing model must be beaten: where trees know nothing, they only move counts
of customers from night to night."""
_EVEN: Mapping[str, Clock] = {}
_LEAST = np.finfo(np.float64).tiny


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
class Standings:
    """How models of a target did beside each other, and which of them is the best.

    scores: model -> metric -> value, NaN where a metric does not exist. losses: of a probability the log loss of each
    model, the mean of all origins. boosted_ratio: of counts the logarithm of the Poisson deviance of boosted ones by
    that of the timing model alone, the mean of the origins at which they could be tried; NaN without any.
    """

    target: Target
    baselines: frozenset[str]
    scores: Mapping[str, Mapping[str, float]]
    losses: Mapping[str, float]
    boosted_ratio: float

    @property
    def is_probability(self) -> bool:
        return self.target in PROBABILITIES

    def choice(self, name: str) -> dict[str, float]:
        """The metric that the choice of a probability goes by, or that of boosted counts; none of baselines."""
        if name == BOOSTED and self.target == "counts":
            return {"mean_log_deviance_ratio": self.boosted_ratio}
        return {"mean_log_loss": self.losses[name]} if name in self.losses else {}

    @property
    def is_boosted(self) -> bool:
        """Whether boosted counts are so much better that they are published."""
        return bool(self.boosted_ratio < np.log(1 - BOOSTED_MARGIN))

    @property
    def best_timing(self) -> str:
        """The best of the timing models, which is blended, or tells the days."""
        return validation.champion_by_log_loss({n: loss for n, loss in self.losses.items() if n not in TRAINED})

    def champion(self, barred: frozenset[str] = frozenset()) -> str:
        """The best of the models; baselines do not compete, they are what has to be beaten. Nor do those `barred`. Of
        counts and value it is a timing model, the one that boosted counts would be spread of."""
        if self.is_probability:
            losses = {name: loss for name, loss in self.losses.items() if name not in barred}
            best = validation.champion_by_log_loss(losses)
            stays = BLEND in losses and losses[best] >= (1 - BLEND_MARGIN) * losses[BLEND]
            return BLEND if stays else best
        scores = {name: metrics for name, metrics in self.scores.items() if name not in self.baselines | {BOOSTED}}
        biases, ginis = (
            {name: metrics[metric] for name, metrics in scores.items()}
            for metric in ("bias_percent", "normalised_gini")
        )
        return validation.champion_by_bias(biases, ginis)


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
    """The same from earlier origins: the choice looks at all. Of counts those at which boosted counts could be tried:
    the champion's beside them."""

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
    def standings(self) -> Standings:
        losses = self._losses() if self.is_probability else {}
        ratio = self._boosted_ratio() if self.target == "counts" else float("nan")
        return Standings(self.target, self.baselines, self.scores, losses, ratio)

    def _losses(self) -> dict[str, float]:
        """The mean of all origins, or of those where a classifier could be trained. A timing model that does not hold
        at one of them counts there as the best that does."""
        tests = [self, *self.earlier]
        tests = [test for test in tests if BLEND in test.predictions] or tests
        names = {name for name in self.predictions if name not in self.baselines}
        if BLEND in tests[0].predictions:
            names |= TRAINED
        return {name: float(np.mean([test._loss(name) for test in tests])) for name in sorted(names)}

    def _loss(self, name: str) -> float:
        timing = [s["log_loss"] for n, s in self.scores.items() if n not in self.baselines | TRAINED]
        return self.scores[name]["log_loss"] if name in self.predictions else min(timing)

    def _boosted_ratio(self) -> float:
        deviances = [{n: s["poisson_deviance"] for n, s in test.scores.items()} for test in self.earlier]
        champions = [test.standings.champion() for test in self.earlier]
        ratios = [np.log(of[BOOSTED] / of[name]) for of, name in zip(deviances, champions, strict=True)]
        return float(np.mean(ratios)) if ratios else float("nan")


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
    return _judged_counts(cohort, predictions | baselines, frozenset(baselines))


def judge_boosted(
    cohort: Cohort, learnt: Sequence[Cohort], model: TimingModel, clock: Clock = EVEN, most: int = TRAINED_ON
) -> Judged:
    """Counts of a timing model, alone and spread by trees that learnt on earlier cohorts, `most` customers at most."""
    timing = judge_counts(cohort, {model.name: model}, {model.name: clock}).predictions[model.name]
    spread = boosted_factors(cohort, learnt, model, clock, most)
    return _judged_counts(cohort, {model.name: timing, BOOSTED: spread * timing})


def boosted_factors(
    cohort: Cohort, learnt: Sequence[Cohort], model: TimingModel, clock: Clock, most: int = TRAINED_ON
) -> Array:
    """By how much customers of a cohort buy more than the model says in the days of the cohort, as far as trees can
    tell that learnt on earlier cohorts; (n,)."""
    h = cohort.histories
    timing, expected = (
        model.expected_purchases(clock.week(weeks), h.x, h.t_x, h.T) for weeks in (learnt[0].weeks, cohort.weeks)
    )
    return factors(counted_on(learnt, most).predict(cohort.features), timing, expected)


def with_boosted(judged: Judged, spread: Array) -> Judged:
    """Counts judged, and beside them those of the champion times factors (n,)."""
    boosted = spread * judged.predictions[judged.standings.champion()]
    return _judged_counts(judged.cohort, {**judged.predictions, BOOSTED: boosted}, judged.baselines)


def _judged_counts(cohort: Cohort, predictions: Mapping[str, Array], baselines: frozenset[str] = frozenset()) -> Judged:
    deviances = {
        name: {"poisson_deviance": validation.poisson_deviance(cohort.later, predicted)}
        for name, predicted in predictions.items()
    }
    return Judged("counts", cohort, cohort.later, predictions, baselines, deviances)


def judge_value(
    counts: Judged, models: Mapping[str, TimingModel], spend: SpendFit, clocks: Mapping[str, Clock] = _EVEN
) -> Judged:
    """Spend after the origin, of the customers and purchases of `counts`; beside the usual metrics what the 80 %
    predictive intervals held, and what they lack. Where counts are spread by trees, ends and mean of an interval are
    spread alike."""
    cohort = counts.cohort
    h, frame = cohort.histories, cohort.frame
    m = frame["monetary_value"].fill_null(0.0).to_numpy()
    known = np.where((h.x > 0) & (m > 0), h.x, 0.0)
    per_occasion = spend.model.expected_spend(known, m)
    purchases = {name: found for name, found in counts.predictions.items() if name not in counts.baselines}
    predictions = {name: per_occasion * found for name, found in purchases.items()}
    months = max(1, round(cohort.days * 12 / 365))
    total = spend.model.v + np.where(known > 0, h.x * m, h.x * spend.model.mean_spend)
    spent, unit, intervals = cohort.later_amount / total, spend_factor(spend.model, known), {}
    found = {}
    for name, model in models.items():
        horizon = Horizon(months, 0.0, clocks.get(name, EVEN))
        low, high = value_interval(model, spend.model, horizon, h.x, h.t_x, h.T)
        found[name] = conformal.Interval(h.x, low, high, unit * purchases[name], unit)
    if BOOSTED in purchases:
        timing = counts.standings.champion()
        found[BOOSTED] = found[timing].times(purchases[BOOSTED] / np.maximum(purchases[timing], _LEAST))
    for name, interval in found.items():
        intervals[name] = Calibrated(*conformal.coverage(interval, spent, PREDICTIVE, cohort.folds))
    coverage = {name: {"coverage_80": found.share} for name, found in intervals.items()}
    spent, lived = (h.x + 1) * frame["mean_amount"].to_numpy(), np.maximum(h.T, 1 / 7)
    baselines = {
        "historic_spend": spent / lived * cohort.weeks,
        "mean_spend": np.full_like(spent, spent.sum() / lived.sum() * cohort.weeks),
        "zero": np.zeros_like(spent),
    }
    return Judged(
        "value", cohort, cohort.later_amount, predictions | baselines, frozenset(baselines), coverage, intervals
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
        trained = by_the_clock(trained_on(learnt, most).predict(cohort.features), weeks / cohort.weeks)
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
    features, bought, folds = _sampled(windows, most, "features", "bought", "folds")
    return train(features, bought, folds, AMOUNTS)


def counted_on(windows: Sequence[Cohort], most: int = TRAINED_ON) -> BoostedCounts:
    """The same of counts."""
    features, later = _sampled(windows, most, "features", "later")
    return purchase_counts.train(features, later, AMOUNTS)


def _sampled(windows: Sequence[Cohort], most: int, *columns: str) -> list[NDArray[Any]]:
    samples = [window.sampled(most // len(windows)) for window in windows]
    return [np.concatenate([getattr(sample, name) for sample in samples]) for name in columns]


def usable(fits: Mapping[str, Fit]) -> dict[str, TimingModel]:
    """The models of fits that hold, each once: three fits without dropout are one NBD."""
    return {fit.model.name: fit.model for fit in fits.values() if fit.status != "refused"}
