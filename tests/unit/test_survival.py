"""Survival of silence: by hand, against statsmodels, and the published figures of CDNOW."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from shop import CDNOW
from statsmodels.duration.survfunc import SurvfuncRight

from pipeline.models.survival import SurvivalCurve, bootstrap_limits

LAST_DAY = dt.date(1998, 6, 30)


def curve(*silences, **others):
    """From (days, ended, how many) triples."""
    days, ended, weights = (np.array(values, dtype=float) for values in zip(*silences, strict=True))
    return SurvivalCurve.of(days, ended, weights, **others)


def test_a_curve_by_hand():
    # 10 silences: 2 end on day 1 (8/10), 2 are censored on day 2, 3 of the 6 left end on day 3 (8/10 · 3/6 = 0.4).
    found = curve((1, 1, 2), (2, 0, 2), (3, 1, 3), (4, 0, 3))
    np.testing.assert_allclose(found.survival, [1, 0.8, 0.8, 0.4, 0.4])
    np.testing.assert_allclose(found.at_risk, [10, 10, 8, 6, 3])
    # Greenwood: S² Σ d/(n(n−d)): 0.64 · 2/80 = 0.016; 0.16 · (2/80 + 3/18).
    np.testing.assert_allclose(found.variance[[1, 3]], [0.016, 0.16 * (2 / 80 + 3 / 18)])
    assert [found.quantile(share) for share in (0.2, 0.5, 0.7)] == [1, 3, None]


def test_statsmodels_draws_the_same_curve():
    rng = np.random.default_rng(1)
    days, ended, times = rng.integers(1, 60, 300), rng.random(300) < 0.7, rng.integers(1, 5, 300)
    ours = SurvivalCurve.of(days, ended, times)
    weighted = SurvfuncRight(days, ended, freq_weights=times)
    places = weighted.surv_times.astype(int)
    np.testing.assert_allclose(ours.survival[places], weighted.surv_prob, rtol=1e-12)
    # With weights its standard error is another one (d/n², not Greenwood's); of repeated rows it is Greenwood's.
    repeated = SurvfuncRight(np.repeat(days, times), np.repeat(ended, times))
    alive = weighted.surv_prob > 0  # where nobody is left, theirs is no number and ours 0
    np.testing.assert_allclose(np.sqrt(ours.variance[places])[alive], repeated.surv_prob_se[alive], rtol=1e-8)


def test_the_interval_holds_the_curve_and_stays_inside():
    found = curve((1, 1, 200), (2, 1, 300), (400, 0, 500))
    low, high = found.interval()
    assert ((low >= 0) & (low <= found.survival) & (found.survival <= high) & (high <= 1)).all()
    assert low[2] < 0.5 < high[2]


def test_chance_needs_enough_silences_that_long():
    # 150 are watched for 100 days, 50 for 200: a chance within 90 days is known for days 0 … 10, not beyond.
    found = curve((5, 1, 100), (100, 0, 150), (200, 0, 50))
    chance = found.chance(90)
    assert np.isfinite(chance[:11]).all() and np.isnan(chance[11:]).all()
    assert chance[0] == pytest.approx(100 / 300) and chance[5] == 0


def test_limits_are_days_on_which_the_chance_has_fallen():
    # Half buy on day 10; from then on nobody does: the chance falls from 1/2 to 0 on day 10.
    found = curve((10, 1, 500), (300, 0, 500))
    assert (found.limit(0.5), found.limit(0.25)) == (10, 10)


def test_a_limit_that_is_not_reached_is_none():
    # Every day one in a hundred of those left buys: silence tells nothing.
    days = np.arange(1, 301)
    left = 1e6 * 0.99 ** (days - 1)
    found = SurvivalCurve.of(np.r_[days, 300], np.r_[np.ones(300), 0], np.r_[left * 0.01, 1e6 * 0.99**300])
    assert found.limit(0.5) is None and found.limit(0.25) is None


def test_half_life_and_majority_by_hand():
    # 100: 30 buy on day 2, 30 on day 8, 40 never within 90. Hope by 90: .6; after day 2: 30/70 = .43; after day 8: 0.
    # Majority: reaching 90 silent is 40/100, after day 2 40/70 > ½.
    found = curve((2, 1, 300), (8, 1, 300), (91, 0, 400))
    assert (found.horizon(), found.half_life(90), found.majority(90)) == (90, 8, 2)


def test_too_few_long_silences_have_no_horizon():
    assert curve((2, 1, 300), (91, 0, 199)).horizon() is None


def test_negative_durations_are_refused():
    with pytest.raises(ValueError, match="negative"):
        curve((-1, 1, 1))


def test_limits_are_drawn_by_bucket():
    # Two buckets of customers: in one all buy on day 10, in the other nobody ever. Drawn twice, the first has no limit
    # but where nobody is left (chance 1 up to day 9, none after); the second has none: half of zero is never undercut.
    days, ended, buckets = np.array([10, 300, 300]), np.array([1, 0, 0]), np.array(["a", "a", "b"])
    weights = np.array([500.0, 500.0, 500.0])
    drawn = bootstrap_limits(days, ended, weights, buckets, (0.5, 0.25), 100, 1)
    assert set(map(tuple, drawn)) == {(10.0, 10.0), (np.inf, np.inf)}
    # The second bucket comes twice in a quarter of the draws: 25 ± 3 · 4.3 of 100.
    assert 12 < np.isinf(drawn[:, 0]).sum() < 38
    np.testing.assert_array_equal(drawn, bootstrap_limits(days, ended, weights, buckets, (0.5, 0.25), 100, 1))


def test_a_bootstrap_of_nothing_has_no_draws():
    nothing = np.empty(0)
    assert bootstrap_limits(nothing, nothing, nothing, nothing, (0.5,), 10, 1).shape == (0, 1)


def test_the_interval_by_bucket_is_as_wide_as_one_by_customer():
    # Silences end at an exponential pace of 60 days for half of the customers and 400 for the others: the limit is
    # spread about as much whether customers are drawn one by one or in 256 buckets.
    rng = np.random.default_rng(2)
    pace = np.where(rng.random(4000) < 0.5, 60, 400)
    lasted, watched = rng.exponential(pace).astype(int), rng.integers(200, 500, 4000)
    days, ended = np.minimum(lasted, watched), lasted <= watched
    single = bootstrap_limits(days, ended, np.ones(4000), np.arange(4000), (0.6,), 150, 3)
    bucketed = bootstrap_limits(days, ended, np.ones(4000), rng.integers(0, 256, 4000), (0.6,), 150, 4)
    assert np.isfinite(single).all() and np.isfinite(bucketed).all()
    assert single.std() > 0
    assert 0.75 < bucketed.std() / single.std() < 1.33


@pytest.fixture(scope="module")
def cdnow_silences():
    """Gaps of all customers that began in the last 730 days: which of them is the first, days, whether bought again."""
    fields = [line.split() for line in CDNOW.read_text().splitlines()[1:]]
    days = pl.DataFrame({"customer": [f[0] for f in fields], "day": [f[1] for f in fields]}).unique()
    days = days.with_columns(pl.col("day").str.to_date("%Y%m%d")).sort("customer", "day")
    after = pl.col("day").shift(-1).over("customer")
    return days.select(
        is_first=pl.int_range(pl.len()).over("customer") == 0,
        ended=after.is_not_null(),
        length=(pl.coalesce(after, pl.lit(LAST_DAY)) - pl.col("day")).dt.total_days(),
    )


@pytest.mark.parametrize(("is_first", "limits"), [(True, (49, 209)), (False, (94, 256))])
def test_cdnow_limits(cdnow_silences, is_first, limits):
    gaps = cdnow_silences.filter(pl.col("is_first") == is_first)
    found = SurvivalCurve.of(gaps["length"].to_numpy(), gaps["ended"].to_numpy(), np.ones(gaps.height))
    assert (found.limit(0.5), found.limit(0.25)) == limits


def test_cdnow_second_purchase(cdnow_silences):
    gaps = cdnow_silences.filter(pl.col("is_first"))
    found = SurvivalCurve.of(gaps["length"].to_numpy(), gaps["ended"].to_numpy(), np.ones(gaps.height))
    assert found.horizon() == 365
    assert round(1 - found.survival[365], 4) == 0.4586
    assert (found.half_life(365), found.half_life(180)) == (95, 50)
