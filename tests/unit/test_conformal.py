"""Intervals of value held to their promise: by hand, by brute force, and on simulated customers."""

import numpy as np
import pytest

from pipeline.models.conformal import CLASSES, Interval, corrections, coverage

FOLDS = 5


def interval(x, low, high, mean=None, unit=1.0):
    x, low, high = (np.asarray(values, dtype=float) for values in (x, low, high))
    mean = (low + high) / 2 if mean is None else np.asarray(mean, dtype=float)
    return Interval(x, low, high, mean, np.full_like(x, unit))


def test_classes_are_by_repeat_purchases():
    found = interval([0, 1, 2, 4, 5, 9, 10, 300], np.ones(8), np.ones(8)).place
    assert [CLASSES[n] for n in found] == ["0", "1", "2–4", "2–4", "5–9", "5–9", "10 or more", "10 or more"]


def test_a_score_is_how_far_both_ends_must_move():
    # On ln(amount + 1): [3, 7] is [ln 4, ln 8]. 15 is ln 2 above, 1 is ln 2 below, 7 just held, 5 has ln 8/6 of room.
    one = interval([0] * 4, [3] * 4, [7] * 4)
    np.testing.assert_allclose(one.scores(np.array([15.0, 1, 7, 5])), np.log([2, 2, 1, 6 / 8]))
    # What begins at nothing has one end: nothing spent has all the room up to 7.
    np.testing.assert_allclose(interval([0], [0], [7]).scores(np.array([0.0])), np.log([1 / 8]))


def test_ends_move_by_the_correction_of_the_class_and_keep_the_mean_between_them():
    # Class 0 by ln 2, class 1 by −ln 2: [3, 7] → [1, 15]; [3, 7] → [7, 3], where the mean 5 keeps both away: [5, 5];
    # [0, 7] → [0, 15]; [1, 7] by ln 2 would begin below nothing.
    found = interval([0, 1, 0, 0], [3, 3, 0, 0.5], [7, 7, 7, 7], mean=[5, 5, 1, 20])
    low, high = found.moved(np.log([2, 0.5, 1, 1, 1]))
    np.testing.assert_allclose(low, [1, 5, 0, 0], atol=1e-12)
    np.testing.assert_allclose(high, [15, 5, 15, 20])


def test_a_correction_is_the_least_that_holds_the_share_and_small_classes_have_that_of_all():
    # 299 of x = 1: the 240th smallest of the scores, (299 + 1) · 80 %. Two of x = 12 are too few.
    rng = np.random.default_rng(1)
    spent = rng.gamma(2, 5, 301)
    known = interval([1] * 299 + [12] * 2, np.full(301, 6.0), np.full(301, 8.0))
    found, is_own = corrections(known, spent, 0.8)
    scores = np.maximum(np.log(7 / (spent + 1)), np.log((spent + 1) / 9))
    assert found[1] == pytest.approx(np.sort(scores[:299])[239])
    assert found[4] == found[0] == pytest.approx(np.sort(scores)[241])  # ⌈302 · .8⌉ = 242
    assert is_own.tolist() == [False, True, False, False, False]
    low, high = known.moved(found)
    held = ((spent >= low - 1e-9) & (spent <= high + 1e-9))[:299]
    assert held.sum() == 240  # not one more than it takes


def test_whose_interval_is_nothing_tells_nothing():
    # 1,000 who spend nothing, as expected, and 400 whose interval holds half of them.
    spent = np.append(np.zeros(1000), np.tile([5.0, 30.0], 200))
    known = interval([0] * 1400, np.zeros(1400), np.append(np.zeros(1000), np.full(400, 9.0)))
    found, rows = coverage(known, spent, 0.8, np.arange(1400) % FOLDS)
    assert found[0] == pytest.approx(np.log(31 / 10))
    (row,) = rows
    assert (row.name, row.customers, row.nothing, row.is_own) == ("0", 1400, 1000, True)
    assert (row.before, row.after) == (0.5, 1.0)  # 30 is a tie of 200: all of it is inside, or none


def test_there_is_no_correction_without_customers_to_judge():
    found, rows = coverage(interval([], [], []), np.array([]), 0.8, np.array([], dtype=int))
    assert found.tolist() == [0] * 5 and rows == []
    found, (row,) = coverage(interval([0], [0], [0]), np.array([3.0]), 0.8, np.array([0]))
    assert found.tolist() == [0] * 5 and np.isnan(row.after)


@pytest.mark.parametrize("spread", [0.3, 1.0, 2.5])
def test_whatever_the_model_says_eight_in_ten_are_held_in_every_class(spread):
    # The model takes the spread of ln(spend) for 1; of those who buy often a tenth stays away, which it does not know.
    rng, sizes = np.random.default_rng(7), {0: 6000, 1: 3000, 3: 1500, 7: 800, 20: 400}
    x = np.repeat(list(sizes), list(sizes.values())).astype(float)
    middle = np.exp(rng.normal(2, 1, len(x)))
    known = Interval(x, middle * np.exp(-1.2816), middle * np.exp(1.2816), middle, np.full(len(x), 2.0))
    folds = rng.integers(0, FOLDS, len(x))

    def year():
        return middle * np.exp(spread * rng.normal(0, 1, len(x))) * ((x < 5) | (rng.random(len(x)) > 0.1))

    spent = year()
    found, rows = coverage(known, spent, 0.8, folds)
    # Where intervals get narrower, some have the mean at their end already: then a little more is held.
    errors = [(row.after - 0.8) / np.sqrt(0.16 / row.customers) for row in rows]
    assert min(errors) > -3.5 and max(row.after for row in rows) < 0.84
    assert all((row.correction > 0) == (row.before < 0.8) for row in rows)
    low, high = known.moved(found)
    again = year()  # the same customers, another year
    inside = (again >= low) & (again <= high)
    for n, size in enumerate(sizes.values()):
        assert -5 * np.sqrt(0.16 / size) < inside[known.place == n].mean() - 0.8 < 0.04 + 5 * np.sqrt(0.16 / size)
