"""marts.churn_predictions: each probability from its champion, coherent with the others, in bands."""

import pytest
from predictions import history, say_champions, say_histories, say_scores

CHURN = "marts.churn_predictions"
PROBABILITIES = ("p_purchase_30d", "p_purchase_90d", "churn_probability")


@pytest.fixture
def anna(shop):
    # One purchase 30 days before the snapshot date.
    return shop.orders("anna", "2026-12-01")


def published(shop, p30, p90, stays):
    said = {"p_purchase_30d": p30, "p_purchase_90d": p90, "p_purchase_180d": stays, "p_purchase_churn": stays}
    say_histories(shop, history(0, 0, 30, **said, p_purchase_365d=1.0, expected_purchases_365d=2.0))
    return shop.table(CHURN)


@pytest.mark.parametrize(
    ("probability", "band"),
    [
        (0.0, "0-25"),
        (0.25, "0-25"),
        (0.2501, "26-50"),
        (0.5, "26-50"),
        (0.75, "51-75"),
        (0.7501, "76-100"),
        (1, "76-100"),
    ],
)
def test_a_border_belongs_to_the_lower_band(anna, probability, band):
    say_champions(anna)
    assert published(anna, probability, 1.0, 1.0).one("purchase_band") == band
    assert published(anna, 0.0, 0.0, 1 - probability).one("churn_band") == band


def test_what_timing_models_say_is_told_by_history(anna):
    say_champions(anna, purchase_30d="bgnbd", purchase_90d="mbgnbd", churn="pareto_nbd")
    row = published(anna, 0.1, 0.5, 0.8)
    assert row.rows(*PROBABILITIES, "p_purchase_180d", "p_purchase_365d") == [(0.1, 0.5, pytest.approx(0.2), 0.8, 1.0)]
    assert row.rows("model_30d", "model_90d", "model_churn") == [("bgnbd", "mbgnbd", "pareto_nbd")]


def test_where_a_champion_is_trained_all_horizons_are_told_by_customer(anna):
    # The classifier makes the first; the others, of timing models, have been made to agree with it.
    say_champions(anna, purchase_30d="classifier", purchase_90d="mbgnbd", churn="blend")
    said = {"p_purchase_30d": 0.45, "p_purchase_90d": 0.5, "p_purchase_churn": 0.65, "p_purchase_180d": 0.65}
    say_scores(anna, anna=said | {"p_purchase_365d": 0.9})
    row = published(anna, 0.1, 0.4, 0.8)
    assert row.rows(*PROBABILITIES)[0] == pytest.approx((0.45, 0.5, 0.35))
    assert row.rows("p_purchase_180d", "p_purchase_365d") == [(0.65, 0.9)]
    assert row.rows("model_30d", "model_90d", "model_churn") == [("classifier", "mbgnbd", "blend")]


def test_what_was_not_tested_says_so(anna):
    say_champions(anna, status="not_validated")
    assert published(anna, 0.1, 0.2, 0.3).one("status") == "not_validated"


def test_without_predictions_every_customer_has_a_row_that_says_so(anna):
    rows = anna.table(CHURN)
    assert rows.rows("customer_id", "status", *PROBABILITIES, "churn_band", "model_30d", "model_churn") == [
        ("anna", "insufficient data", None, None, None, None, None, None)
    ]


@pytest.mark.parametrize("contradiction", [
    "p_purchase_90d = 0.05", "p_purchase_180d = 0.15", "p_purchase_365d = 0.25", "churn_probability = 0.9",
])  # fmt: skip
def test_probabilities_that_contradict_each_other_are_refused(anna, contradiction):
    say_champions(anna)
    published(anna, 0.1, 0.2, 0.3)
    assert anna.failing_checks(CHURN, "2026-12-31") == set()
    anna.engine.execute(f"UPDATE {CHURN} SET {contradiction}")
    assert anna.failing_checks(CHURN, "2026-12-31") == {"probabilities_are_coherent"}


@pytest.mark.parametrize(
    ("days", "churn", "agrees"),
    [
        # Of 14 days: no more likely to buy than within 30 (.1).
        (14, 0.95, True), (14, 0.85, False),
        # Of 30 days: just as likely.
        (30, 0.9, True), (30, 0.91, False), (30, 0.89, False),
        # Of 60: between 30 and 90 days (.3).
        (60, 0.8, True), (60, 0.95, False), (60, 0.65, False),
        (90, 0.7, True), (90, 0.71, False), (90, 0.69, False),
        # Of 120: between 90 and 180 days (.5).
        (120, 0.6, True), (120, 0.75, False), (120, 0.45, False),
        (180, 0.5, True), (180, 0.51, False), (180, 0.49, False),
        # Of 365, and of 730 days: no less likely than within 365 (.8).
        (365, 0.2, True), (365, 0.3, False), (365, 0.1, False), (730, 0.1, True), (730, 0.3, False),
    ],
)  # fmt: skip
def test_the_chance_within_the_churn_horizon_stands_where_its_days_do(anna, days, churn, agrees):
    say_champions(anna)
    said = {"p_purchase_30d": 0.1, "p_purchase_90d": 0.3, "p_purchase_180d": 0.5, "p_purchase_365d": 0.8}
    say_histories(anna, history(0, 0, 30, **said, p_purchase_churn=0.5))
    anna.table(CHURN)
    anna.engine.execute(f"UPDATE {CHURN} SET churn_horizon_days = {days}, churn_probability = {churn}")
    assert anna.failing_checks(CHURN, "2026-12-31") == (set() if agrees else {"probabilities_are_coherent"})


def test_every_row_names_the_churn_horizon_of_its_day(anna):
    say_champions(anna, churn_days=150)
    assert published(anna, 0.1, 0.2, 0.3).one("churn_horizon_days") == 150
