"""Markov chains of customers: by hand, against numpy's powers of a matrix, and that nobody is lost."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.models.markov import Course, Months, ahead, drift, roll_forward, transition_matrix, with_points

COUNTS = np.array([[8.0, 2.0, 0.0], [1.0, 6.0, 3.0], [0.0, 1.0, 9.0]])


def test_shares_of_each_row():
    np.testing.assert_allclose(transition_matrix(COUNTS), [[0.8, 0.2, 0], [0.1, 0.6, 0.3], [0, 0.1, 0.9]])


def test_a_stage_nobody_was_in_keeps_its_customers():
    np.testing.assert_allclose(transition_matrix(np.array([[0.0, 0.0], [1.0, 3.0]])), [[1, 0], [0.25, 0.75]])


def test_two_months_by_hand():
    # 100 active, 0, 0, and 10 newcomers a month who are active: 80 + 10, 20, 0; then 90 · .8 + 20 · .1 + 10 = 84,
    # 90 · .2 + 20 · .6 = 30, 20 · .3 = 6: 120 in all.
    path = roll_forward(np.array([100.0, 0, 0]), transition_matrix(COUNTS), np.array([10.0, 0, 0]), 2)
    np.testing.assert_allclose(path, [[100, 0, 0], [90, 20, 0], [84, 30, 6]])


def test_numpy_raises_the_matrix_to_the_same_powers():
    matrix, start = transition_matrix(COUNTS), np.array([50.0, 30.0, 20.0])
    path = roll_forward(start, matrix, np.zeros(3), 12)
    expected = [start @ np.linalg.matrix_power(matrix, month) for month in range(13)]
    np.testing.assert_allclose(path, expected, rtol=1e-12)


def test_points_are_taken_from_the_others_in_proportion():
    # .1, .6, .3 with five points more to the first: .15, and .6 and .3 times .85 / .9.
    changed = with_points(transition_matrix(COUNTS), 1, 0, 5)
    np.testing.assert_allclose(changed[1], [0.15, 0.6 * 0.85 / 0.9, 0.3 * 0.85 / 0.9])
    np.testing.assert_allclose(changed[[0, 2]], transition_matrix(COUNTS)[[0, 2]])


@pytest.mark.parametrize(
    ("points", "row"),
    [(200, [1, 0, 0]), (-200, [0, 0.6 / 0.9, 0.3 / 0.9])],
)
def test_a_share_stays_a_share(points, row):
    np.testing.assert_allclose(with_points(transition_matrix(COUNTS), 1, 0, points)[1], row)


def test_who_no_longer_all_move_stay():
    # All of a stage moved to another; with 20 points less, a fifth stays put.
    np.testing.assert_allclose(with_points(np.array([[0.0, 1.0], [0.5, 0.5]]), 0, 1, -20)[0], [0.2, 0.8])


def seen(months, rng, spread=0.0, growth=0.0):
    """Months of a shop of 10,000, each worth so much more or less than a usual one, and newcomers, too."""
    matrix, now, parts = transition_matrix(COUNTS), np.array([4000.0, 3000, 3000]), []
    for month in range(months):
        usual = np.exp(growth * month + spread * rng.normal(size=2))
        counts = now[:, None] * matrix
        newcomers = np.array([100.0, 0, 0]) * usual[0]
        parts.append((counts, newcomers, now * [20.0, 5, 1] * usual[1], newcomers * 30.0 * usual[1]))
        now = counts.sum(axis=0) + newcomers
    return Months(*(np.array(part[::-1]) for part in zip(*parts, strict=True)))


def test_what_months_have_in_common_by_hand():
    # Two months of one stage: 10 stay of 10, bring 100, and one is new; 11 stay of 11, bring 140, and two are new. All
    # of 21 stay, 1.5 are new, 240 / 21 each. Errors: half a customer of 13 and of 11.
    counts, newcomers = np.array([[[11.0]], [[10.0]]]), np.array([[2.0], [1.0]])
    course = Course.of(Months(counts, newcomers, np.array([[140.0], [100.0]]), np.zeros((2, 1))))
    assert (course.matrix.item(), course.newcomers.item(), course.months) == (1, 1.5, 2)
    assert course.revenue.item() == pytest.approx(240 / 21)
    away = np.array([[0.5 / 13, 140 / (11 * 240 / 21) - 1], [-0.5 / 11, 100 / (10 * 240 / 21) - 1]])
    np.testing.assert_allclose(course.errors, away.T @ away)


def test_an_even_shop_goes_on_and_nothing_is_unsure():
    months = seen(24, np.random.default_rng(1))
    course = Course.of(months.part(12, 12))
    (path,), (gain,) = ahead(course, months.begun[11], np.ones(12), 0.95, [course.matrix])
    np.testing.assert_allclose(path.total, months.total_revenue[:12][::-1], rtol=1e-9)
    for width in (path.month_error, path.total_error, path.customers_error, gain):
        assert np.abs(width).max() < 1e-3 * path.total.min()


def test_the_season_is_in_the_revenue():
    months = seen(12, np.random.default_rng(1))
    course, season = Course.of(months), np.linspace(0.5, 2, 12)
    (even,), _ = ahead(course, months.begun[0], np.ones(12), 0.95, [course.matrix])
    (path,), _ = ahead(course, months.begun[0], season, 0.95, [course.matrix])
    np.testing.assert_allclose(path.total, season * even.total)
    np.testing.assert_allclose(path.customers, even.customers)


def test_errors_roll_forward_as_they_do_in_drawn_worlds():
    # 20,000 draws of the errors that are told, month by month, and what they do to customers, revenue and gain.
    rng = np.random.default_rng(5)
    months = seen(12, rng, spread=0.1)
    course, start = replace(Course.of(months), drift=np.zeros(4)), np.array([4000.0, 3000, 3000])
    changed = with_points(course.matrix, 2, 0, 5)
    (path, other), (_, gain) = ahead(course, start, np.ones(12), 0.95, [course.matrix, changed])
    draws = 20_000
    common = rng.multivariate_normal(np.zeros(4), course.errors / 12, draws)
    states = [np.tile(start, (draws, 1)) for _ in range(2)]
    totals = [np.zeros(draws) for _ in range(2)]
    for month in range(12):
        error = common + rng.multivariate_normal(np.zeros(4), course.errors, draws)
        for place, (matrix, way) in enumerate(((course.matrix, path), (changed, other))):
            revenue = states[place] @ course.revenue + course.newcomers @ course.newcomer_revenue
            revenue += way.total[month] * error[:, 3]
            totals[place] += revenue
            scale = way.customers[month + 1].sum()
            states[place] = states[place] @ matrix + course.newcomers + scale * error[:, :3]
            if place == 0:
                of_month = revenue.std()
        t = 2.200985  # Student's, 11 degrees
        assert path.month_error[month] == pytest.approx(t * of_month, rel=0.03)
        assert path.total_error[month] == pytest.approx(t * totals[0].std(), rel=0.03)
        assert gain[month] == pytest.approx(t * (totals[1] - totals[0]).std(), rel=0.05, abs=1)
        np.testing.assert_allclose(path.customers_error[month + 1], t * states[0].std(axis=0), rtol=0.03, atol=1e-9)


def test_intervals_hold_what_comes_of_simulated_shops():
    # 150 shops, each month 10 % more or less: of a month in the year to come and of the whole year 95 % are promised.
    held, whole, tested = [], [], []
    for seed in range(150):
        months = seen(36, np.random.default_rng(seed), spread=0.1)
        past, came = months.part(12, 12), months.total_revenue[:12][::-1]
        course = Course.of(past)
        (path,), _ = ahead(course, months.begun[11], np.ones(12), 0.95, [course.matrix])
        held.append(np.abs(came - path.total) <= path.month_error)
        whole.append(abs(came.sum() - path.total.sum()) <= path.total_error[-1])
        before = Course.of(months.part(13, 12))
        (one,), _ = ahead(before, months.begun[12], np.ones(1), 0.95, [before.matrix])
        tested.append(abs(months.total_revenue[12] - one.total[0]) <= one.month_error[0])
    assert 0.92 <= np.mean(held) <= 0.98 and 0.9 <= np.mean(whole) <= 0.99 and np.mean(tested) >= 0.9


def test_a_drift_by_hand():
    # Four months, the latest first: .3, .1, .1 and −.1 grow by .12 a month: 1.5 · .3 + .5 · .1 − .5 · .1 + 1.5 · .1 of
    # 5. Left are 0, −.08, .04, 0 and so .02 and so on: a variance of .008 / 2 / 5 of .0144.
    away = np.array([[0.3, 0.0], [0.1, 0.2], [0.1, 0.0], [-0.1, 0.2]])
    left = np.array([0.3, 0.1, 0.1, -0.1]) - 0.1 - 0.12 * np.array([1.5, 0.5, -0.5, -1.5])
    by_chance = (left @ left) / 2 / 5 / 0.12**2
    assert drift(away)[0] == pytest.approx(0.12 * np.sqrt(1 - by_chance))
    assert drift(away)[1] == 0  # −.04 a month, and left .2 or so each time: as good as chance
    assert drift(away[:2]).tolist() == [0, 0]  # a line goes through any two points


def test_a_drift_widens_the_interval_by_a_month_more_each_month():
    # Nobody moves or comes; revenue grows by 2 % a month, without chance. Doing as in the mean of the last year falls
    # behind by 14 % in the first month (6.5 months after the year's middle), by 42 % in the last: its interval.
    amounts = 1000 * np.exp(0.02 * np.arange(36)[::-1, None])
    months = Months(np.full((24, 1, 1), 10.0), np.zeros((24, 1)), amounts[12:], np.zeros((24, 1)))
    course = replace(Course.of(months.part(0, 12), months), errors=np.zeros((2, 2)))
    (path,), _ = ahead(course, np.array([10.0]), np.ones(12), 0.95, [course.matrix])
    assert path.month_error[[0, -1]] / path.total[0] == pytest.approx(np.expm1([0.13, 0.35]), rel=0.01)
    np.testing.assert_allclose(path.total + path.month_error, amounts[11::-1, 0], rtol=0.005)
    assert path.total.sum() + path.total_error[-1] == pytest.approx(amounts[:12].sum(), rel=0.005)


@pytest.mark.parametrize(("growth", "least"), [(0.01, 0.85), (0.02, 0.85), (-0.02, 0.94)])
def test_intervals_hold_what_comes_of_shops_that_grow_or_shrink(growth, least):
    # So much more of newcomers and of revenue per customer each month, so that 2 % are 60 % a year; months 10 % off.
    held, whole = [], []
    for seed in range(100):
        months = seen(60, np.random.default_rng(seed), spread=0.1, growth=growth)
        came, past = months.total_revenue[:12][::-1], months.part(12, 24)
        course = Course.of(past.part(0, 12), past)
        (path,), _ = ahead(course, months.begun[11], np.ones(12), 0.95, [course.matrix])
        held.append(np.abs(came - path.total) <= path.month_error)
        whole.append(abs(came.sum() - path.total.sum()) <= path.total_error[-1])
    assert np.mean(held) >= 0.9 and np.mean(whole) >= least


AMOUNTS = st.floats(0, 1e6)


@given(
    arrays(float, (5, 5), elements=st.integers(0, 1000).map(float)),
    arrays(float, 5, elements=AMOUNTS),
    arrays(float, 5, elements=st.floats(0, 1e4)),
    st.integers(0, 4),
    st.integers(0, 4),
    st.floats(-100, 100),
)
def test_nobody_is_lost_and_nobody_is_invented(counts, start, newcomers, origin, target, points):
    matrix = with_points(transition_matrix(counts), origin, target, points)
    assert (matrix >= 0).all()
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)
    path = roll_forward(start, matrix, newcomers, 12)
    expected = start.sum() + np.arange(13) * newcomers.sum()
    np.testing.assert_allclose(path.sum(axis=1), expected, rtol=1e-9, atol=1e-6)
