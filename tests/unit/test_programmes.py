"""Programmes from quarter to quarter: means of what their campaigns caused, and whether they changed."""

import datetime as dt

import pytest

from pipeline.models.validation import Z
from pipeline.steps.campaigns.programmes import programme_rows
from pipeline.steps.campaigns.segments import Estimate

ABOUT = {
    name: ("news", dt.date.fromisoformat(day))
    for name, day in [("one", "2025-10-01"), ("two", "2025-12-31"), ("next", "2026-01-01"), ("later", "2026-07-01")]
}


def test_a_quarter_is_held_against_the_one_before():
    """Two campaigns of one quarter, .02 and .04 with an error of .01 each, are .03; the next quarter has .10."""
    effects = {"one": 0.02, "two": 0.04, "next": 0.1, "later": 0.0}
    rows = programme_rows(
        {(name, "conversion"): Estimate("all", 100, 50, effect, 0.0001) for name, effect in effects.items()}, ABOUT
    )
    assert [(row["programme"], row["quarter"], row["campaigns"], row["treated"], row["says"]) for row in rows] == [
        ("news", "2025-Q4", 2, 200, "not_known"), ("news", "2026-Q1", 1, 100, "more"),
        ("news", "2026-Q3", 1, 100, "not_known"),
    ]  # fmt: skip
    first, second, third = rows
    assert first["mean"] == pytest.approx(0.03)
    assert second["change"] == pytest.approx(0.07)
    error = (first["mean_high"] - first["mean"]) / Z
    assert second["change_high"] - second["change"] == pytest.approx(Z * (error**2 + 0.0001) ** 0.5)
    assert third["change"] is None, "nothing was sent in the quarter before"
