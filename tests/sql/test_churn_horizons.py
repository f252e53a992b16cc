"""marts.churn_horizons: what its header refuses."""

import datetime as dt

import pytest
from predictions import say

HORIZONS = "marts.churn_horizons"
DAY = "2026-12-31"


def say_horizons(shop, days, chosen_by, *verdicts):
    told = {"churn_horizon_days": days, "chosen_by": chosen_by, "previous_churn_horizon_days": None}
    evidence = {"decided_on": dt.date(2026, 12, 31), "buyers": 1000, "silent": 400, "silent_share": 0.4}
    rows = zip((30, 60, 90, 180), verdicts, strict=True)
    say(shop, "churn_horizons", [{"horizon_days": n, "verdict": verdict} | evidence | told for n, verdict in rows])
    return shop


ENOUGH, TOO_FEW = "enough silent", "too few silent"


@pytest.mark.parametrize(
    ("days", "chosen_by", "verdicts"),
    [
        (180, ENOUGH, (ENOUGH, TOO_FEW, TOO_FEW, ENOUGH)),
        (60, ENOUGH, (ENOUGH, ENOUGH, TOO_FEW, "too few buyers")),
        (30, "none has enough", (TOO_FEW,) * 4),
        (45, "set", (ENOUGH,) * 4),
    ],
)
def test_what_follows_from_the_evidence_is_written(shop, days, chosen_by, verdicts):
    assert say_horizons(shop, days, chosen_by, *verdicts).failing_checks(HORIZONS, DAY) == set()


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        ("churn_horizon_days = 90", {"the_choice_follows_from_the_evidence"}),
        ("verdict = 'enough silent'", {"the_choice_follows_from_the_evidence"}),
        ("verdict = 'too few silent'", {"the_choice_follows_from_the_evidence"}),
        ("chosen_by = 'none has enough'", {"the_choice_follows_from_the_evidence"}),
        ("churn_horizon_days = horizon_days, chosen_by = 'set'", {"one_churn_horizon_a_day"}),
    ],
)
def test_what_does_not_follow_is_refused(shop, change, failing):
    say_horizons(shop, 60, ENOUGH, ENOUGH, ENOUGH, TOO_FEW, TOO_FEW)
    shop.engine.execute(f"UPDATE {HORIZONS} SET {change}")
    assert shop.failing_checks(HORIZONS, DAY) == failing
