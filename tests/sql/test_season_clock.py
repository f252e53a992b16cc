"""marts.season_clock: what its header refuses, and the status it gives to what is made of it."""

import pytest
from predictions import history, say_champions, say_histories, say_parameters, say_season

CLOCK = "marts.season_clock"
DAY = "2026-12-31"
KNOWN = {"basis": "a year ago", "expected": 450.0, "actual": 950, "factor": 2.0}


@pytest.mark.parametrize(
    "row",
    [
        KNOWN,  # (950 + 50) / (450 + 50)
        {"basis": "held at the limit", "expected": 50.0, "actual": 450, "factor": 3.0},
        KNOWN | {"recent_ratio": 2.0},  # in season, and a year ago is known
        {"status": "season_unknown", "recent_ratio": 1.26},
        {"recent_ratio": 1.25},
    ],
)
def test_what_follows_from_the_evidence_is_written(shop, row):
    say_season(shop, {"horizon_days": 30} | row)
    assert shop.failing_checks(CLOCK, DAY) == set()


@pytest.mark.parametrize(
    "change",
    [
        "factor = 1.9",
        "actual = 199, factor = 249.0 / 500",
        "status = 'season_unknown'",
        "basis = 'too short a history'",
        "basis = 'too few purchases', factor = 1.0, recent_ratio = 0.79",
        "basis = 'too few purchases', factor = 1.0, status = 'season_unknown'",
    ],
)
def test_what_does_not_follow_is_refused(shop, change):
    say_season(shop, {"horizon_days": 30} | KNOWN)
    shop.engine.execute(f"UPDATE {CLOCK} SET {change}")
    assert shop.failing_checks(CLOCK, DAY) == {"factors_follow_from_the_evidence"}


@pytest.mark.parametrize(
    ("told", "clv", "churn"),
    [
        ({}, "ok", "ok"),
        ({"purchase_30d": "season_unknown"}, "season_unknown", "season_unknown"),
        ({"counts": "season_unknown"}, "season_unknown", "ok"),
        ({"churn": "season_unknown", "counts": "not_validated"}, "season_unknown", "season_unknown"),
        ({"purchase_90d": "not_validated"}, "not_validated", "not_validated"),
        ({"churn": "not_validated"}, "not_validated", "not_validated"),
        ({"purchase_90d": "not_validated", "purchase_30d": "season_unknown"}, "season_unknown", "season_unknown"),
    ],
)
def test_an_unknown_season_is_said_of_what_it_concerns(shop, told, clv, churn):
    shop.orders("anna", "2026-12-01")
    say_parameters(shop, mean_spend=10.0, kept_share=1.0)
    say_histories(shop, history(0, 0, 30))
    say_champions(shop)
    for target, status in told.items():
        shop.engine.execute(f"UPDATE marts.champions SET status = '{status}' WHERE target = '{target}'")
    assert shop.table("marts.clv_predictions").one("status") == clv
    assert shop.table("marts.churn_predictions").one("status") == churn
