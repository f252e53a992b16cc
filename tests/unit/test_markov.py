"""Markov chains of customers: by hand, against numpy's powers of a matrix, and that nobody is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.models.markov import drawn_matrices, roll_forward, transition_matrix, with_points

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


def test_many_matrices_at_once_are_each_rolled_on_their_own():
    drawn = drawn_matrices(COUNTS, 5, 1)
    together = roll_forward(np.array([50.0, 30.0, 20.0]), drawn, np.array([1.0, 0, 0]), 4)
    assert together.shape == (5, 5, 3)  # months 0 … 4 of five matrices
    alone = roll_forward(np.array([50.0, 30.0, 20.0]), drawn[3], np.array([1.0, 0, 0]), 4)
    np.testing.assert_allclose(together[:, 3], alone, rtol=1e-12)


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


def test_drawn_rows_are_dirichlet():
    # Of counts 8, 2, 0: mean .8 and variance .8 · .2 / 11 of the first share; what was never seen is in no draw.
    drawn = drawn_matrices(COUNTS, 20_000, 1)
    np.testing.assert_allclose(drawn.sum(axis=-1), 1)
    assert drawn[:, 0, 0].mean() == pytest.approx(0.8, abs=0.005)
    assert drawn[:, 0, 0].var() == pytest.approx(0.16 / 11, rel=0.05)
    assert (drawn[:, 0, 2] == 0).all()
    np.testing.assert_array_equal(drawn, drawn_matrices(COUNTS, 20_000, 1))


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
