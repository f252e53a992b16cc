"""Trend: the exact test by hand, its size and power, the prior on a simulated base."""

import numpy as np
import pytest
from scipy.stats import binomtest

from pipeline.models.trend import (
    RatePrior,
    by_chance,
    classify,
    fit_prior,
    least_count,
    mid_p,
    power,
    probability_of_growth,
    rate_ratio,
    shrunken_ratio,
)


def arrays(*values):
    return tuple(np.array([value], dtype=float) for value in values)


def test_mid_p_by_hand():
    # 1 before, 4 now, s = ½: P(K > 4) = 1/32, P(K = 4) = 5/32: 2 · 1/32 + 5/32 = 7/32.
    assert mid_p(*arrays(1, 4), 0.5)[0] == pytest.approx(7 / 32)
    assert mid_p(*arrays(0, 4), 0.5)[0] == pytest.approx(1 / 16)
    assert mid_p(*arrays(3, 3), 0.5)[0] == pytest.approx(1)


@pytest.mark.parametrize(("k1", "k2"), [(2, 9), (7, 1), (0, 5), (12, 20)])
def test_mid_p_is_between_the_exact_tests_that_count_the_observation_whole_and_not(k1, k2):
    n = k1 + k2
    whole = min(binomtest(k2, n, 0.5, alternative=side).pvalue for side in ("less", "greater"))
    ours = mid_p(*arrays(k1, k2), 0.5)[0]
    assert 2 * whole - ours == pytest.approx(binomtest_point(k2, n))


def binomtest_point(k, n):
    from scipy.stats import binom

    return binom.pmf(k, n, 0.5)


def test_the_least_count_of_the_definitions():
    assert [least_count(share) for share in (0.5, 0.4, 0.35, 0.6)] == [4, 5, 6, 5]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_all_falls_into_one_window_no_count_is_enough(share):
    assert least_count(share) is None


def test_a_p_value_equal_to_the_level_rejects():
    # ½⁴ = 0.0625 and 0.3⁵ = 0.00243, whatever their last digits: n_min and the test must say the same.
    for share, alpha, n in ((0.5, 0.0625, 4), (0.7, 0.7**5, 5), (0.3, 0.7**7, 7)):
        assert least_count(share, alpha) == n
        common = arrays(0, n) if share > 0.5 else arrays(n, 0)
        assert classify(*common, share, alpha)[0] != "stable"


def test_a_ratio_at_the_edge_of_the_band_is_stable():
    # 240 → 300 is 1.25 and 300 → 240 is 0.8, both significant; with a share of ⅓ the same ratios from 480 and 600.
    k1, k2 = np.array([240.0, 300, 240]), np.array([300.0, 240, 301])
    assert classify(k1, k2, 0.5).tolist() == ["stable", "stable", "growing"]
    assert classify(np.array([480.0, 600]), np.array([300.0, 240]), 1 / 3).tolist() == ["stable", "stable"]


def test_classes_by_hand():
    k1, k2 = np.array([4.0, 0, 2, 3, 40]), np.array([0.0, 4, 3, 3, 50])
    # 40 → 50 is a ratio of 1.25, inside the band even if it were significant.
    assert classify(k1, k2, 0.5).tolist() == ["declining", "growing", "stable", "stable", "stable"]


def test_a_season_is_taken_out():
    # Everybody buys twice as much in the recent window (s = ⅔): 4 → 8 is no growth, 4 → 4 is a decline by half.
    assert rate_ratio(*arrays(4, 8), 2 / 3)[0] == pytest.approx(1)
    assert classify(*arrays(4, 8), 2 / 3)[0] == "stable"


def test_the_size_of_the_test_is_what_simulation_finds():
    rng = np.random.default_rng(4)
    k2 = rng.binomial(12, 0.4, 200_000).astype(float)
    found = classify(12 - k2, k2, 0.4)
    expected = by_chance(np.array([12.0]), 0.4)
    for name, size in expected.items():
        assert (found == name).mean() == pytest.approx(size[0], abs=4 * np.sqrt(0.25 / 200_000))
    assert sum(size[0] for size in expected.values()) == pytest.approx(1)
    assert expected["growing"][0] + expected["declining"][0] <= 0.12  # alpha + 2 points


def test_the_power_of_the_definitions():
    assert [round(power(prior, 2), 3) for prior in (5, 8, 15)] == [0.355, 0.496, 0.730]


def test_the_prior_is_that_of_the_base():
    rng = np.random.default_rng(8)
    rates = rng.gamma(2.0, 1 / 0.5, 40_000)
    k1, k2 = rng.poisson(rates * 0.8).astype(float), rng.poisson(rates * 1.2).astype(float)
    prior = fit_prior(k1, k2, np.ones_like(k1), 0.6)
    assert (prior.shape, prior.rate) == (pytest.approx(2, rel=0.04), pytest.approx(0.5, rel=0.04))


def test_shrinking_and_growth_agree():
    rng = np.random.default_rng(8)
    k1, k2 = (rng.poisson(3, 5000).astype(float) for _ in range(2))
    prior = fit_prior(k1, k2, np.ones_like(k1), 0.5)
    ratio, growth = shrunken_ratio(k1, k2, 0.5, prior), probability_of_growth(k1, k2, 0.5, prior)
    assert ((ratio > 1) == (growth > 0.5))[k1 != k2].all()
    assert growth[k1 == k2] == pytest.approx(0.5)
    raw = rate_ratio(k1, k2, 0.5)
    away = (k1 > 0) & (k2 != k1)
    assert (np.abs(np.log(ratio[away])) < np.abs(np.log(np.maximum(raw[away], 1e-9)))).all()


def test_growth_is_what_simulation_finds():
    rng = np.random.default_rng(6)
    shape, rate, share = 1.5, 0.7, 0.6
    before, after = rng.gamma(shape, 1 / rate, 400_000), rng.gamma(shape, 1 / rate, 400_000)
    k1, k2 = rng.poisson(before * 2 * (1 - share)), rng.poisson(after * 2 * share)
    for pair in ((0, 2), (3, 1), (2, 2)):
        these = (k1 == pair[0]) & (k2 == pair[1])
        expected = probability_of_growth(*arrays(*pair), share, RatePrior(shape, rate))[0]
        assert (after > before)[these].mean() == pytest.approx(expected, abs=4 * np.sqrt(0.25 / these.sum()))


def test_where_nobody_bought_there_is_no_prior():
    assert fit_prior(np.zeros(1), np.zeros(1), np.array([9.0]), 0.5) is None


def test_customers_who_are_all_alike_are_drawn_to_one_rate():
    # Everybody 3 and 3: no difference between customers is left for one of them to have.
    prior = fit_prior(np.array([3.0]), np.array([3.0]), np.array([50.0]), 0.5)
    assert shrunken_ratio(*arrays(0, 6), 0.5, prior)[0] == pytest.approx(1, abs=1e-3)


def test_false_alarms_and_power_in_a_base_of_customers_of_all_rates():
    # 5 % buy twice and 10 % half as often, so that the base as a whole stands still.
    rng = np.random.default_rng(3)
    changes = np.array([1.0, 2.0, 0.5])[rng.choice(3, 40_000, p=[0.85, 0.05, 0.1])]
    before = rng.gamma(2.0, 3.0, 40_000)
    k1, k2 = rng.poisson(before).astype(float), rng.poisson(before * changes).astype(float)
    share = k2.sum() / (k1 + k2).sum()
    enough = k1 + k2 >= least_count(share)
    found = classify(k1, k2, share)
    assert (found[enough & (changes == 1)] != "stable").mean() <= 0.12
    assert (found[enough & (changes == 2)] == "growing").mean() > 5 * (
        found[enough & (changes == 1)] == "growing"
    ).mean()
    for prior, least in ((5, 0.33), (8, 0.47), (15, 0.70)):
        assert power(prior, 2) >= least
