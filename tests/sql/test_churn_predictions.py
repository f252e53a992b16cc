"""marts.churn_predictions: each probability from its own model, made coherent, in bands."""

import pytest
from predictions import history, say_champions, say_histories, say_scores

CHURN = "marts.churn_predictions"
PROBABILITIES = ("p_purchase_30d", "p_purchase_90d", "churn_probability")


@pytest.fixture
def anna(shop):
    # One purchase 30 days before the snapshot date.
    return shop.orders("anna", "2026-12-01")


def published(shop, p30, p90, stays):
    say_histories(shop, history(0, 0, 30, p_purchase_30d=p30, p_purchase_90d=p90, p_purchase_churn=stays))
    return shop.table(CHURN)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((0.2, 0.5, 0.8), (0.2, 0.5, 0.2)),  # coherent as it is: churn is 1 − .8
        ((0.6, 0.5, 0.8), (0.6, 0.6, 0.2)),  # who buys in 30 days with .6 buys in 90 with no less
        ((0.2, 0.9, 0.8), (0.2, 0.8, 0.2)),  # … and in 90 with no more than within the churn horizon
        ((0.6, 0.7, 0.5), (0.6, 0.6, 0.4)),  # the shortest horizon holds where the longest contradicts it
    ],
)
def test_probabilities_are_made_coherent(anna, said, expected):
    say_champions(anna)
    assert published(anna, *said).rows(*PROBABILITIES)[0] == pytest.approx(expected)


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


def test_each_probability_comes_from_its_champion(anna):
    # The classifier makes the first, timing models the others; what it says of churn is not asked for.
    say_champions(anna, purchase_30d="classifier", purchase_90d="mbgnbd", churn="pareto_nbd")
    say_scores(anna, anna=(0.45, 0.99))
    row = published(anna, 0.1, 0.5, 0.8)
    assert row.rows(*PROBABILITIES)[0] == pytest.approx((0.45, 0.5, 0.2))
    assert row.rows("model_30d", "model_90d", "model_churn") == [("classifier", "mbgnbd", "pareto_nbd")]


def test_a_classifier_of_churn_replaces_that_of_the_timing_model(anna):
    say_champions(anna, churn="classifier")
    say_scores(anna, anna=(None, 0.65))
    assert published(anna, 0.1, 0.5, 0.8).rows(*PROBABILITIES)[0] == pytest.approx((0.1, 0.5, 0.35))


def test_a_blend_is_published_like_a_classifier(anna):
    say_champions(anna, purchase_30d="blend", churn="blend")
    say_scores(anna, anna=(0.3, 0.7))
    assert published(anna, 0.1, 0.5, 0.8).rows(*PROBABILITIES)[0] == pytest.approx((0.3, 0.5, 0.3))


def test_what_was_not_tested_says_so(anna):
    say_champions(anna, status="not_validated")
    assert published(anna, 0.1, 0.2, 0.3).one("status") == "not_validated"


def test_without_predictions_every_customer_has_a_row_that_says_so(anna):
    rows = anna.table(CHURN)
    assert rows.rows("customer_id", "status", *PROBABILITIES, "churn_band", "model_30d", "model_churn") == [
        ("anna", "insufficient data", None, None, None, None, None, None)
    ]


def test_probabilities_that_contradict_each_other_are_refused(anna):
    say_champions(anna)
    published(anna, 0.1, 0.2, 0.3)
    anna.engine.execute(f"UPDATE {CHURN} SET p_purchase_90d = 0.05")
    assert anna.failing_checks(CHURN, "2026-12-31") == {"probabilities_are_coherent"}
