"""Metrics against scikit-learn and tables worked by hand; the published holdout of CDNOW."""

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from pipeline.models.beta_geometric import BGNBD, MBGNBD
from pipeline.models.fitting import fit
from pipeline.models.histories import Histories
from pipeline.models.pareto_nbd import ParetoNBD
from pipeline.models.validation import (
    auc,
    base_rate,
    bias_percent,
    brier,
    calibration_curve,
    champion_by_bias,
    champion_by_log_loss,
    conditional_expectation,
    count_scores,
    decile_chart,
    expected_calibration_error,
    fit_recency_logistic,
    gain_curve,
    log_loss,
    mean_absolute_error,
    normalised_gini,
    probability_scores,
    rate_baseline,
    top_capture,
    wilson_interval,
)

KINDS = (BGNBD, MBGNBD, ParetoNBD)
ORIGIN = date(1997, 9, 30)
SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "cdnow_sample.csv"


def array(*values):
    return np.array(values, dtype=float)


def some_predictions(n=400, seed=1):
    """Counts, predictions with many ties, probabilities, outcomes and weights."""
    rng = np.random.default_rng(seed)
    actual = rng.poisson(1.2, n).astype(float)
    predicted = np.round(actual * 0.4 + rng.gamma(1.0, 1.0, n), 1)
    probability = np.round(rng.beta(1, 3, n), 2).clip(0.01, 0.99)
    return actual, predicted, probability, (rng.random(n) < probability).astype(float), rng.integers(1, 5, n) * 1.0


# ── counts and value ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_scores_of_counts_are_those_of_scikit_learn_and_numpy():
    actual, predicted, _, _, customers = some_predictions()
    found = count_scores(actual, predicted, customers)
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(actual, predicted, sample_weight=customers))
    rmse = metrics.root_mean_squared_error(actual, predicted, sample_weight=customers)
    assert found["rmse"] == pytest.approx(rmse)
    repeated = [np.repeat(values, customers.astype(int)) for values in (actual, predicted)]
    assert found["correlation"] == pytest.approx(np.corrcoef(*repeated)[0, 1])
    assert found["bias_percent"] == pytest.approx(100 * (repeated[1].sum() / repeated[0].sum() - 1))


def test_the_gini_of_probabilities_follows_from_their_auc():
    # For outcomes of 0 and 1, normalised Gini = 2 · AUC − 1, ties included.
    _, _, probability, bought, customers = some_predictions()
    expected = 2 * metrics.roc_auc_score(bought, probability, sample_weight=customers) - 1
    assert normalised_gini(bought, probability, customers) == pytest.approx(expected)


def test_gain_and_gini_by_hand():
    # Four customers with 0, 1, 2, 3 purchases; the model puts the one with 2 first and ties those with 3 and 0.
    actual, predicted, one = array(0, 1, 2, 3), array(5, 1, 9, 5), np.ones(4)
    reached, gained = gain_curve(actual, predicted, one)
    np.testing.assert_allclose(reached, [0, 1 / 4, 3 / 4, 1])
    np.testing.assert_allclose(gained, [0, 2 / 6, 5 / 6, 1])
    # Areas: ours 1/8·1/3 + 1/4·(1/3 + 5/6) + 1/8·(5/6 + 1) = 9/16; best 1/8·(0 + 1/2·2 + 5/6·2 + 1·2 + 1) = 17/24.
    assert normalised_gini(actual, predicted, one) == pytest.approx((9 / 16 - 1 / 2) / (17 / 24 - 1 / 2))
    assert normalised_gini(actual, actual * 7, one) == pytest.approx(1)
    assert normalised_gini(actual, -actual, one) == pytest.approx(-1)
    assert normalised_gini(actual, one, one) == pytest.approx(0)


def test_top_capture_takes_the_needed_share_of_the_tied_at_the_border():
    # 20 customers: one predicted best with 5 purchases, 4 tied next with 8 in all. The top 10 % are 2: 5 + 8/4 of 15.
    actual, predicted = array(5, 3, 3, 2, 0, 2), array(9, 4, 4, 4, 4, 1)
    customers = array(1, 1, 1, 1, 1, 15)
    actual[5] = 2 / 15
    assert top_capture(actual, predicted, customers) == pytest.approx((5 + 8 / 4) / 15)


def test_scores_without_an_answer_are_not_numbers():
    nothing, predicted, one = np.zeros(5), array(1, 2, 3, 4, 5), np.ones(5)
    found = count_scores(nothing, predicted, one)
    undefined = {"bias_percent", "correlation", "normalised_gini", "top_10_percent_capture"}
    assert {name for name, score in found.items() if np.isnan(score)} == undefined
    assert np.isnan(auc(one, predicted, one))
    assert np.isnan(count_scores(predicted, one, one)["correlation"])


def test_conditional_expectation_by_hand():
    x, actual, predicted = array(0, 0, 1, 7, 12), array(0, 1, 2, 4, 10), array(0.2, 0.2, 1.0, 5.0, 9.0)
    rows = conditional_expectation(x, actual, predicted, array(3, 1, 2, 1, 1))
    assert [(row.x, row.is_open, row.customers) for row in rows] == [(0, False, 4), (1, False, 2), (7, True, 2)]
    np.testing.assert_allclose([row.actual for row in rows], [0.25, 2, 7])
    np.testing.assert_allclose([row.predicted for row in rows], [0.2, 1, 7])


def test_decile_chart_by_hand():
    # 20 customers, predicted 10 > 5 (five of them tied) > 1: the tied spread over deciles 1, 2 and 3 with their mean 2.
    actual, predicted, customers = array(8, 2, 0), array(10, 5, 1), array(1, 5, 14)
    rows = decile_chart(actual, predicted, customers)
    assert [row.decile for row in rows] == list(range(1, 11)) and {row.customers for row in rows} == {2.0}
    np.testing.assert_allclose([row.actual for row in rows], [5, 2, 2] + [0] * 7, atol=1e-12)
    np.testing.assert_allclose([row.predicted for row in rows], [7.5, 5, 5] + [1] * 7)
    np.testing.assert_allclose([row.lift for row in rows][:3], [5 / 0.9, 2 / 0.9, 2 / 0.9])
    np.testing.assert_allclose([row.captured for row in rows][:4], [10 / 18, 14 / 18, 1, 1])


# ── probabilities ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_scores_of_probabilities_are_those_of_scikit_learn():
    _, _, probability, bought, customers = some_predictions()
    found = probability_scores(bought, probability, customers)
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(bought, probability, sample_weight=customers))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(bought, probability, sample_weight=customers))
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(bought, probability, sample_weight=customers))
    assert found["base_rate"] == pytest.approx(np.average(bought, weights=customers))


def test_a_certain_error_costs_much_but_not_infinitely_much():
    assert 30 < log_loss(array(1), array(0), array(1)) < 40


def test_calibration_error_by_hand():
    # Ten levels of ten customers each are the ten bins: |p − share| averages (.05·2 + .1·8)/10.
    probability = np.repeat(np.arange(10) / 10 + 0.05, 2)
    buyers = array(0, 1, 2, 3, 4, 5, 6, 7, 8, 10)
    bought, customers = np.tile([1.0, 0.0], 10), np.column_stack([buyers, 10 - buyers]).ravel()
    kept = customers > 0
    rows = calibration_curve(bought[kept], probability[kept], customers[kept])
    assert [(row.bin, row.customers) for row in rows] == [(place, 10.0) for place in range(1, 11)]
    np.testing.assert_allclose([row.actual for row in rows], buyers / 10)
    np.testing.assert_allclose([row.predicted for row in rows], np.arange(10) / 10 + 0.05)
    error = expected_calibration_error(bought[kept], probability[kept], customers[kept])
    assert error == pytest.approx(np.abs(buyers / 10 - np.arange(10) / 10 - 0.05).mean())


def test_without_ties_the_bins_are_the_quantile_bins_of_scikit_learn():
    from sklearn.calibration import calibration_curve as of_scikit_learn

    rng = np.random.default_rng(3)
    probability = rng.permutation((np.arange(1000) + 0.5) / 1000)
    bought = (rng.random(1000) < probability**2).astype(float)
    shares, means = of_scikit_learn(bought, probability, n_bins=10, strategy="quantile")
    rows = calibration_curve(bought, probability, np.ones(1000))
    np.testing.assert_allclose([row.actual for row in rows], shares)
    np.testing.assert_allclose([row.predicted for row in rows], means)


def test_customers_who_share_a_probability_share_a_bin():
    rows = calibration_curve(array(0, 1, 0, 1), array(0.1, 0.1, 0.6, 0.9), array(60, 10, 10, 20))
    assert [(row.customers, row.actual) for row in rows] == [(70, pytest.approx(1 / 7)), (10, 0), (20, 1)]


def test_wilson_interval_of_a_textbook():
    # 15 of 50 (Newcombe 1998 works the same formula for 81 of 263: .2553 to .3662).
    np.testing.assert_allclose(wilson_interval(81 / 263, 263), (0.2553, 0.3662), atol=5e-5)
    low, high = wilson_interval(0.0, 20)
    assert low == pytest.approx(0, abs=1e-12) and high == pytest.approx(0.1611, abs=5e-5)


# ── what must not matter ──────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_order_and_grouping_of_customers_do_not_matter(seed):
    actual, predicted, probability, bought, customers = some_predictions(60, seed)
    rows = np.random.default_rng(seed).permutation(np.repeat(np.arange(60), customers.astype(int)))
    counts = count_scores(actual, predicted, customers)
    chances = probability_scores(bought, probability, customers)
    one = np.ones(len(rows))
    assert count_scores(actual[rows], predicted[rows], one) == pytest.approx(counts, nan_ok=True)
    assert probability_scores(bought[rows], probability[rows], one) == pytest.approx(chances, nan_ok=True)
    deciles = [vars(row) for row in decile_chart(actual, predicted, customers)]
    for found, row in zip(decile_chart(actual[rows], predicted[rows], one), deciles, strict=True):
        assert vars(found) == pytest.approx(row)


# ── baselines ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_rate_of_a_customer_of_today_is_that_of_a_day():
    np.testing.assert_allclose(rate_baseline(39, array(2, 1, 0), array(26, 0, 0)), [3, 273, 0])


def test_the_recency_logistic_is_the_maximum_of_its_likelihood():
    rng = np.random.default_rng(5)
    silent = rng.integers(0, 40, 3000).astype(float)
    bought = (rng.random(3000) < 1 / (1 + np.exp(-0.5 + 0.9 * np.log1p(silent)))).astype(float)
    customers = rng.integers(1, 4, 3000).astype(float)
    model = fit_recency_logistic(silent, bought, customers)
    residual = customers * (bought - model.predict(silent))  # the score equations of a logistic regression
    assert abs(residual.sum()) < 1e-3 * customers.sum()
    assert abs((residual * np.log1p(silent)).sum()) < 1e-3 * customers.sum()
    assert (model.intercept, model.slope) == pytest.approx((0.5, -0.9), abs=0.2)
    with pytest.raises(ValueError, match="bought"):
        fit_recency_logistic(silent, np.zeros(3000), customers)


# ── the champion ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_champion_of_probabilities_has_the_least_log_loss():
    assert champion_by_log_loss({"bgnbd": 0.47, "mbgnbd": 0.46, "classifier": float("nan")}) == "mbgnbd"
    assert champion_by_log_loss({"mbgnbd": 0.46, "bgnbd": 0.46}) == "mbgnbd"  # the first of equals
    with pytest.raises(ValueError, match="bgnbd"):
        champion_by_log_loss({"bgnbd": float("nan")})


def test_the_champion_of_counts_is_unbiased_among_those_who_sort_well():
    bias = {"bgnbd": -12.1, "mbgnbd": -16.2, "pareto_nbd": 11.5, "rate": 0.1}
    assert champion_by_bias(bias, {"bgnbd": 0.670, "mbgnbd": 0.672, "pareto_nbd": 0.665, "rate": 0.60}) == "pareto_nbd"
    assert champion_by_bias(bias, {"bgnbd": 0.675, "mbgnbd": 0.680, "pareto_nbd": 0.665, "rate": 0.60}) == "bgnbd"
    assert champion_by_bias(bias, dict.fromkeys(bias, float("nan"))) == "rate"
    assert champion_by_bias({"bgnbd": float("nan"), "nbd": -3.0}, {"bgnbd": 0.9, "nbd": 0.1}) == "nbd"


# ── the published holdout of the CDNOW sample ─────────────────────────────────────────────────────────────────────────


@cache
def sample(origin: date, days: int) -> pl.DataFrame:
    """Per customer x, t_x, T (weeks) as of the origin and purchases in the days after it."""
    if not SAMPLE.exists():
        pytest.skip("the CDNOW sample is not beside this repository (../shared/data/cdnow_sample.csv)")
    day, end, weeks = pl.col("day"), origin + timedelta(days=days), pl.duration(days=7)
    occasions = pl.read_csv(SAMPLE, schema_overrides={"sample_customer_id": pl.String}).select(
        id="sample_customer_id", day=pl.col("date").str.to_date()
    )
    return (
        occasions.unique()
        .filter(day.min().over("id") <= origin)
        .group_by("id")
        .agg(
            x=(day <= origin).sum() - 1.0,
            t_x=(day.filter(day <= origin).max() - day.min()) / weeks,
            T=(origin - day.min()) / weeks,
            later=((day > origin) & (day <= end)).sum().cast(pl.Float64),
        )
        .sort("id")
    )


def columns(frame):
    return tuple(frame[name].to_numpy() for name in ("x", "t_x", "T", "later"))


@cache
def fitted(kind):
    x, t_x, T, _ = columns(sample(ORIGIN, 273))
    return fit(kind, Histories.of(x, t_x, T)).model


def test_the_published_holdout_of_the_sample():
    x, t_x, T, later = columns(sample(ORIGIN, 273))
    one, bought = np.ones(len(x)), np.sign(later)
    assert later.sum() == 1882
    published = {
        BGNBD: (1653.4, 0.786, 1.608, 0.626),
        MBGNBD: (1576.7, 0.765, 1.607, 0.627),
        ParetoNBD: (1665.5, 0.755, 1.603, 0.630),
        None: (2930.1, 1.024, 2.212, 0.584),
    }
    by_count = {BGNBD: 0.773, ParetoNBD: 0.779, None: 0.760}
    for kind, expected in published.items():
        predicted = fitted(kind).expected_purchases(39, x, t_x, T) if kind else rate_baseline(39, x, T)
        scores = count_scores(later, predicted, one)
        found = (predicted.sum(), scores["mae"], scores["rmse"], scores["correlation"])
        np.testing.assert_allclose(found, expected, rtol=0.01)
        assert scores["bias_percent"] == pytest.approx(100 * (expected[0] / 1882 - 1), abs=0.5)
        if kind in by_count:
            assert auc(bought, predicted, one) == pytest.approx(by_count[kind], abs=0.001)
    for kind, expected in ((BGNBD, 0.757), (MBGNBD, 0.760)):
        active = fitted(kind).probability_of_purchase(39, x, t_x, T)
        assert auc(bought, active, one) == pytest.approx(expected, abs=0.001)
    # P(alive) itself ranks worse than chance: everyone who bought once is alive for sure.
    assert auc(bought, fitted(BGNBD).p_alive(x, t_x, T), one) == pytest.approx(0.316, abs=0.002)


def test_the_published_probabilities_of_the_sample():
    x, t_x, T, later = columns(sample(ORIGIN, 180))
    one, bought = np.ones(len(x)), np.sign(later)
    published = {BGNBD: (0.4686, 0.7616, 0.0488), MBGNBD: (0.4694, 0.7653, 0.0481), ParetoNBD: (0.4711, 0.7762, 0.0545)}
    for kind, expected in published.items():
        probability = fitted(kind).probability_of_purchase(180 / 7, x, t_x, T)
        found = probability_scores(bought, probability, one)
        np.testing.assert_allclose((found["log_loss"], found["auc"], found["ece"]), expected, rtol=0.01)


def test_the_recency_logistic_of_the_sample_fitted_out_of_time():
    _, earlier_t_x, earlier_T, earlier = columns(sample(ORIGIN - timedelta(days=180), 180))
    model = fit_recency_logistic(earlier_T - earlier_t_x, np.sign(earlier), np.ones(len(earlier)))
    _, t_x, T, later = columns(sample(ORIGIN, 180))
    assert log_loss(np.sign(later), model.predict(T - t_x), np.ones(len(T))) == pytest.approx(0.530, abs=0.001)


def test_models_beat_what_is_known_without_them():
    x, t_x, T, later = columns(sample(ORIGIN, 180))
    one, bought = np.ones(len(x)), np.sign(later)
    probability = fitted(BGNBD).probability_of_purchase(180 / 7, x, t_x, T)
    share = np.full(len(x), base_rate(bought, one))
    assert log_loss(bought, probability, one) < log_loss(bought, share, one)
    assert brier(bought, probability, one) < brier(bought, share, one)
    predicted = fitted(BGNBD).expected_purchases(180 / 7, x, t_x, T)
    for naive in (rate_baseline(180 / 7, x, T), np.zeros(len(x))):
        assert abs(bias_percent(later, predicted, one)) < abs(bias_percent(later, naive, one))
    assert mean_absolute_error(later, predicted, one) < mean_absolute_error(later, rate_baseline(180 / 7, x, T), one)
