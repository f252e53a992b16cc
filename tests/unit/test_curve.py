"""The published curve: through the published points, rising, and the days that are read off it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from pipeline.models.beta_geometric import BGNBD, MBGNBD
from pipeline.models.curve import coherent, day_reached, days_with, through
from pipeline.models.nbd import NBD
from pipeline.models.pareto_nbd import ParetoNBD

BG = BGNBD(0.2425945, 4.4136019, 0.7929199, 2.4258881)
MODELS = (BG, MBGNBD(0.525, 6.183, 0.891, 1.614), ParetoNBD(0.55315, 10.57633, 0.60625, 11.6715), NBD(0.4, 8.0))
AT = np.array([30.0, 90.0, 180.0])
CHANCE = st.floats(0, 1)


def curve_of(model, days, *customers):
    x, t_x, T = (np.array(values, dtype=float) for values in zip(*customers, strict=True))
    return np.column_stack([model.probability_of_purchase(day / 7, x, t_x, T) for day in days])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((0.2, 0.5, 0.8), (0.2, 0.5, 0.8)),  # coherent as it is
        ((0.6, 0.5, 0.8), (0.6, 0.6, 0.8)),  # who buys in 30 days with .6 buys in 90 with no less
        ((0.2, 0.9, 0.8), (0.2, 0.9, 0.9)),  # … and within the churn horizon with no less than in 90
        ((0.6, 0.7, 0.5), (0.6, 0.7, 0.7)),  # the shorter horizons hold where the longest contradicts them
    ],
)
def test_probabilities_are_made_coherent(said, expected):
    np.testing.assert_allclose(coherent(np.array([said]))[0], expected)


def test_points_of_the_model_itself_leave_its_curve_as_it_is():
    days = days_with(180)
    model = curve_of(BG, days, (2, 30.43, 38.86), (0, 0, 38.86), (40, 38, 38.86))
    points = model[:, np.searchsorted(days, AT)]
    np.testing.assert_allclose(through(model, days, points, AT), model, rtol=1e-12)


def test_the_shift_of_the_log_odds_is_straight_in_the_logarithm_of_time():
    # The model says .5 at every day, the published points are .5, .6 and .8: log-odds 0, ln 1.5 and ln 4. Half way
    # between 30 and 90 in logarithms lies day √2700 with half of ln 1.5: √1.5 / (1 + √1.5). Beyond 180 the shift stays.
    days = np.array([10.0, 30.0, 2700**0.5, 90.0, 180.0, 365.0])
    found = through(np.full((1, 6), 0.5), days, np.array([[0.5, 0.6, 0.8]]), AT)
    np.testing.assert_allclose(found[0], [0.5, 0.5, 1.5**0.5 / (1 + 1.5**0.5), 0.6, 0.8, 0.8], rtol=1e-12)


def test_a_curve_that_is_steeper_than_its_points_stays_between_them():
    # The model has all of its purchases in the first 40 days, the points say that nothing comes between 30 and 90.
    days = np.array([30.0, 40.0, 90.0, 180.0, 365.0])
    found = through(np.array([[0.1, 0.6, 0.6, 0.6, 0.6]]), days, np.array([[0.3, 0.3, 0.5]]), AT)
    np.testing.assert_allclose(found[0], [0.3, 0.3, 0.3, 0.5, 0.5])


@given(CHANCE, CHANCE, CHANCE, st.sampled_from(MODELS), st.integers(91, 730), st.integers(0, 60))
def test_any_curve_rises_through_its_points_and_its_days_are_in_order(p30, p90, stays, model, horizon, x):
    days, at = days_with(horizon), np.array([30.0, 90.0, horizon])
    points = coherent(np.array([[p30, p90, stays]]))
    found = through(curve_of(model, days, (x, 30 if x else 0, 40)), days, points, at)
    assert (np.diff(found) >= 0).all() and found.min() >= 0 and found.max() <= 1
    np.testing.assert_allclose(found[:, np.searchsorted(days, at)], points, atol=1e-12)
    early, median, late = (day_reached(found, days, share)[0] for share in (0.1, 0.5, 0.9))
    assert 0 <= early <= median <= late <= 365


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_on_the_day_of_a_share_that_share_of_the_buyers_has_bought(model):
    days = days_with(180)
    customers = [(x, 0.7 * T if x else 0, T) for x in (0, 1, 3, 12, 80) for T in (2.0, 30.0, 110.0) if x <= 7 * T]
    curve = curve_of(model, days, *customers)
    for share in (0.1, 0.5, 0.9):
        for place, found in enumerate(day_reached(curve, days, share)):

            def missing(day, one=customers[place], wanted=share * curve[place, -1]):
                return curve_of(model, [day], one)[0, 0] / wanted - 1

            exact = brentq(missing, 1e-6, 365)
            assert found == pytest.approx(exact, rel=0.006, abs=0.15), (share, customers[place])


def test_next_purchase_of_bgnbd_in_days():
    # By the closed formula A·((1 − q·(1 − (A/(A+H))^R))^(−1/R) − 1): 12, 82, 256 and 23, 138, 310 days.
    days = days_with(180)
    curve = curve_of(BG, days, (2, 30.43, 38.86), (0, 0, 38.86))
    found = [day_reached(curve, days, share) for share in (0.1, 0.5, 0.9)]
    np.testing.assert_allclose(np.transpose(found), [[11.94, 81.84, 256.36], [22.80, 138.45, 309.80]], rtol=0.003)


def test_who_buys_at_once_is_due_within_the_first_day():
    # A constant rate of 10 a day: half of them have bought after ln 2 / 10 days.
    days = days_with(180)
    curve = 1 - np.exp(-10 * days)[None, :]
    assert day_reached(curve, days, 0.5)[0] == pytest.approx(np.log(2) / 10, rel=1e-6)
