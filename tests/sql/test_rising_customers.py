"""marts.rising_customers: in the best tenth by what is expected, and not by what was."""

import pytest
from predictions import history, say_histories, say_parameters

RISING = "marts.rising_customers"


@pytest.fixture
def ten(shop):
    # Nine customers of one purchase 30 days ago, expected to buy little; the tenth, Anna, has x = 1 and m = 20, is
    # expected to buy ten times: (10 + 20) · .5 · 10 = 150. The others are worth 10 · .5 · 2 = 10.
    shop.orders("anna", "2026-12-01", "2026-12-21", amount=20)
    for number in range(9):
        shop.orders(f"other{number}", "2026-12-01", amount=50 + number)
    say_parameters(shop, p=6.0, q=3.0, v=10.0, mean_spend=30.0, kept_share=1.0)
    say_histories(shop, history(0, 0, 30), history(1, 20, 30, discounted_purchases=10.0))
    return shop


def test_in_the_best_tenth_by_prediction_only(ten):
    # By revenue (40) she is the last of ten.
    rising = ten.table(RISING)
    assert rising.rows("customer_id", "predicted_rank", "historic_rank", "customers") == [("anna", 1, 10, 10)]
    assert (rising.one("predicted_clv"), rising.one("historic_clv")) == (pytest.approx(150), 40)


def test_who_already_is_in_the_best_tenth_does_not_rise(ten):
    ten.orders("anna", "2026-12-21", amount=1000)
    assert len(ten.table(RISING)) == 0


def test_a_tie_at_the_border_raises_all_who_share_the_place(ten):
    # Bert's history is Anna's: both are first of eleven.
    ten.orders("bert", "2026-12-01", "2026-12-21", amount=20)
    assert set(ten.table(RISING).rows("customer_id", "predicted_rank")) == {("anna", 1), ("bert", 1)}


def test_below_ten_customers_there_is_no_best_tenth(shop):
    shop.orders("anna", "2026-12-01", amount=20).orders("bert", "2026-11-01", amount=50)
    say_parameters(shop, p=6.0, q=3.0, v=10.0, mean_spend=30.0, kept_share=1.0)
    say_histories(shop, history(0, 0, 30, discounted_purchases=9.0), history(0, 0, 60))
    assert len(shop.table(RISING)) == 0


def test_without_predictions_nobody_rises(shop):
    assert len(shop.orders("anna", "2026-10-01").table(RISING)) == 0
