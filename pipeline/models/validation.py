"""How good predictions were: metrics, curves, naive baselines and the choice of the champion.

All arrays are (n,): groups of customers with equal prediction and equal outcome, `customers` says how many. Time is in
weeks. No result depends on the order of the groups or on how customers are split into them: customers with the same
prediction are treated as one, never ranked by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from pipeline.models.histories import Array

BINS = 10
GINI_TOLERANCE = 0.01
_TOP = 0.1
_CERTAIN = 1e-15  # a probability is held this far from 0 and 1 in logarithms
Z = 1.959963984540054
_LAST_X = 7


# ── counts and value ──────────────────────────────────────────────────────────────────────────────────────────────────


def count_scores(actual: Array, predicted: Array, customers: Array) -> dict[str, float]:
    """Every metric of predicted purchases or predicted value."""
    return {
        "bias_percent": bias_percent(actual, predicted, customers),
        "mae": mean_absolute_error(actual, predicted, customers),
        "rmse": root_mean_squared_error(actual, predicted, customers),
        "correlation": correlation(actual, predicted, customers),
        "normalised_gini": normalised_gini(actual, predicted, customers),
        "top_10_percent_capture": top_capture(actual, predicted, customers),
    }


def bias_percent(actual: Array, predicted: Array, customers: Array) -> float:
    """100 · (predicted total / actual total − 1); NaN where nothing happened."""
    total = float((customers * actual).sum())
    return 100 * (float((customers * predicted).sum()) / total - 1) if total else float("nan")


def poisson_deviance(actual: Array, predicted: Array) -> float:
    """Mean deviance 2 · (y · ln(y / m) − (y − m)) of counts y from what was expected of each, m; ∞ where somebody
    bought of whom nothing was expected."""
    bought = actual > 0
    if (predicted[bought] <= 0).any():
        return float("inf")
    logs = np.zeros_like(actual)
    logs[bought] = actual[bought] * np.log(actual[bought] / predicted[bought])
    return float(2 * np.mean(logs - actual + predicted))


def mean_absolute_error(actual: Array, predicted: Array, customers: Array) -> float:
    return float(np.average(np.abs(predicted - actual), weights=customers))


def root_mean_squared_error(actual: Array, predicted: Array, customers: Array) -> float:
    return float(np.sqrt(np.average((predicted - actual) ** 2, weights=customers)))


def correlation(actual: Array, predicted: Array, customers: Array) -> float:
    """Pearson's; NaN where one side is constant."""
    a = actual - np.average(actual, weights=customers)
    p = predicted - np.average(predicted, weights=customers)
    if _is_constant(actual) or _is_constant(predicted):
        return float("nan")
    return float((customers * a * p).sum() / np.sqrt((customers * a * a).sum() * (customers * p * p).sum()))


def normalised_gini(actual: Array, predicted: Array, customers: Array) -> float:
    """Area between the gain curve and the diagonal, over the same area of the best possible order.

    1: sorted perfectly; 0: no better than chance; NaN where all outcomes are equal.
    """
    best = _gain_area(actual, actual, customers)
    return _gain_area(actual, predicted, customers) / best if best > 0 else float("nan")


def top_capture(actual: Array, predicted: Array, customers: Array, top: float = _TOP) -> float:
    """Share of the outcome that the `top` share of the customers brought, of those predicted to bring the most.

    Customers tied at the border count with the share of them that is needed.
    """
    reached, gained = gain_curve(actual, predicted, customers)
    return float(np.interp(top, reached, gained))


def gain_curve(actual: Array, predicted: Array, customers: Array) -> tuple[Array, Array]:
    """(share of customers, share of the outcome they brought), the best predicted first; both from 0 to 1."""
    _, (number, outcome) = _by_prediction(predicted, customers, customers * actual)
    reached = np.append(0.0, np.cumsum(number[::-1]))
    gained = np.append(0.0, np.cumsum(outcome[::-1]))
    return reached / reached[-1], gained / gained[-1] if gained[-1] else gained * np.nan


@dataclass(frozen=True)
class ConditionalExpectation:
    """Customers with x repeat purchases before (last row: or more); mean purchases after, actual and predicted."""

    x: int
    is_open: bool
    customers: float
    actual: float
    predicted: float


def conditional_expectation(
    x: Array, actual: Array, predicted: Array, customers: Array, last: int = _LAST_X
) -> list[ConditionalExpectation]:
    rows = []
    for count in range(last + 1):
        here = x >= last if count == last else x == count
        if here.any():
            means = [float(np.average(values[here], weights=customers[here])) for values in (actual, predicted)]
            rows.append(ConditionalExpectation(count, count == last, float(customers[here].sum()), *means))
    return rows


@dataclass(frozen=True)
class Decile:
    """One tenth of the customers, 1 = predicted best. lift: actual mean over that of all; captured: share so far."""

    decile: int
    customers: float
    actual: float
    predicted: float
    lift: float
    captured: float


def decile_chart(actual: Array, predicted: Array, customers: Array) -> list[Decile]:
    """Exact tenths: customers tied across a border are divided between both sides, each with the mean of the tied."""
    _, (number, outcome, promised) = _by_prediction(predicted, customers, customers * actual, customers * predicted)
    reached = np.append(0.0, np.cumsum(number[::-1]))
    tenths = np.linspace(0, reached[-1], BINS + 1)
    gained, hoped = (np.interp(tenths, reached, np.append(0.0, np.cumsum(sums[::-1]))) for sums in (outcome, promised))
    size, overall = reached[-1] / BINS, gained[-1] / reached[-1]
    means, hopes = np.diff(gained) / size, np.diff(hoped) / size
    with np.errstate(invalid="ignore", divide="ignore"):
        lifts, captured = means / overall, gained[1:] / gained[-1]
    columns = (means.tolist(), hopes.tolist(), lifts.tolist(), captured.tolist())
    return [Decile(place, float(size), *values) for place, values in enumerate(zip(*columns, strict=True), start=1)]


# ── probabilities ─────────────────────────────────────────────────────────────────────────────────────────────────────


def probability_scores(bought: Array, probability: Array, customers: Array) -> dict[str, float]:
    """Every metric of predicted probabilities; `bought` is 1 or 0."""
    return {
        "auc": auc(bought, probability, customers),
        "log_loss": log_loss(bought, probability, customers),
        "brier": brier(bought, probability, customers),
        "ece": expected_calibration_error(bought, probability, customers),
        "base_rate": base_rate(bought, customers),
    }


def auc(bought: Array, score: Array, customers: Array) -> float:
    """Chance that a buyer has the higher score of a random pair of buyer and non-buyer, a tie counting one half."""
    _, (buyers, others) = _by_prediction(score, customers * bought, customers * (1 - bought))
    pairs = buyers.sum() * others.sum()
    below = np.cumsum(others) - others
    return float((buyers * (below + others / 2)).sum() / pairs) if pairs else float("nan")


def log_loss(bought: Array, probability: Array, customers: Array) -> float:
    p = np.clip(probability, _CERTAIN, 1 - _CERTAIN)
    return float(-np.average(bought * np.log(p) + (1 - bought) * np.log1p(-p), weights=customers))


def brier(bought: Array, probability: Array, customers: Array) -> float:
    return float(np.average((probability - bought) ** 2, weights=customers))


def base_rate(bought: Array, customers: Array) -> float:
    return float(np.average(bought, weights=customers))


@dataclass(frozen=True)
class CalibrationBin:
    """Customers of one range of predicted probabilities: how many of them bought, with the 95 % interval of Wilson."""

    bin: int
    customers: float
    predicted: float
    actual: float
    low: float
    high: float


def calibration_curve(bought: Array, probability: Array, customers: Array) -> list[CalibrationBin]:
    """Ten bins of equal numbers as far as ties allow: who shares a probability shares the bin of their median rank."""
    levels, (number, buyers) = _by_prediction(probability, customers, customers * bought)
    middle = np.cumsum(number) - number / 2
    bins = np.minimum((BINS * middle / number.sum()).astype(np.intp), BINS - 1)
    rows = []
    for place in np.unique(bins):
        here = bins == place
        n = float(number[here].sum())
        share = float(buyers[here].sum()) / n
        low, high = wilson_interval(share, n)
        predicted = float((number * levels)[here].sum()) / n
        rows.append(CalibrationBin(int(place) + 1, n, predicted, share, low, high))
    return rows


def expected_calibration_error(bought: Array, probability: Array, customers: Array) -> float:
    """Mean distance of predicted from actual over the bins of the calibration curve, by customers."""
    rows = calibration_curve(bought, probability, customers)
    distance = sum(row.customers * abs(row.predicted - row.actual) for row in rows)
    return distance / sum(row.customers for row in rows)


def wilson_interval(share: float, n: float, z: float = Z) -> tuple[float, float]:
    """Wilson (1927): the shares p whose distance from the observed one is at most z standard errors of p."""
    middle = share + z * z / (2 * n)
    half = z * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


# ── baselines ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def rate_baseline(weeks: float, x: Array, T: Array) -> Array:
    """Everyone goes on as before: x / T · weeks, T at least a day."""
    return np.asarray(x / np.maximum(T, 1 / 7) * weeks)


@dataclass(frozen=True)
class RecencyLogistic:
    """P(buys) by ln(1 + weeks since the last purchase) and nothing else: what any model has to beat."""

    intercept: float
    slope: float

    def predict(self, silent_weeks: Array) -> Array:
        return np.asarray(1 / (1 + np.exp(-(self.intercept + self.slope * np.log1p(silent_weeks)))))


def fit_recency_logistic(silent_weeks: Array, bought: Array, customers: Array) -> RecencyLogistic:
    """By maximum likelihood. Raises ValueError where all or none bought: then the base rate is all there is."""
    if _is_constant(bought):
        raise ValueError("a recency logistic needs customers who bought and customers who did not")
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    with threadpool_limits(1):  # sums of several threads differ in their last digits
        model.fit(np.log1p(silent_weeks)[:, None], bought, sample_weight=customers / customers.mean())
    return RecencyLogistic(float(model.intercept_[0]), float(model.coef_[0, 0]))


# ── the champion ──────────────────────────────────────────────────────────────────────────────────────────────────────


def champion_by_log_loss(log_losses: Mapping[str, float]) -> str:
    """The name with the least log loss; of equals the first. Raises ValueError where none is a number."""
    usable = _numbers(log_losses)
    return min(usable, key=lambda name: usable[name])


def champion_by_bias(bias_percents: Mapping[str, float], ginis: Mapping[str, float]) -> str:
    """Of the names within GINI_TOLERANCE of the best normalised Gini, that with the least |bias|; the first of equals.

    Where no Gini is a number (nobody bought, or all the same), the least |bias| of all.
    """
    usable = _numbers(bias_percents)
    sorted_by = {name: gini for name, gini in ginis.items() if name in usable and np.isfinite(gini)}
    best = max(sorted_by.values(), default=np.nan)
    contenders = [name for name, gini in sorted_by.items() if gini >= best - GINI_TOLERANCE] or list(usable)
    return min(contenders, key=lambda name: abs(usable[name]))


def _numbers(scores: Mapping[str, float]) -> dict[str, float]:
    usable = {name: score for name, score in scores.items() if np.isfinite(score)}
    if not usable:
        raise ValueError(f"no champion: none of {', '.join(scores) or 'no models'} has a score")
    return usable


def _gain_area(actual: Array, predicted: Array, customers: Array) -> float:
    """Area between gain curve and diagonal; straight across ties, so that their order does not matter."""
    reached, gained = gain_curve(actual, predicted, customers)
    return float(np.trapezoid(gained, reached)) - 0.5


def _by_prediction(prediction: Array, *weights: Array) -> tuple[Array, list[Array]]:
    """The different predictions, ascending, and the sums of each array of weights over the customers who share one."""
    levels, place = _levels(prediction)
    sums = [np.bincount(place, weights=values, minlength=len(levels)) for values in weights]
    return levels, [np.asarray(values, dtype=np.float64) for values in sums]


def _levels(values: Array) -> tuple[Array, NDArray[np.intp]]:
    return np.unique(values, return_inverse=True)


def _is_constant(values: Array) -> bool:
    return bool((values == values[0]).all())
