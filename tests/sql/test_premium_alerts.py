"""marts.premium_alerts: the best tenth of 30 days ago, and whose chance to buy has fallen by 30 % since."""

import pytest
from predictions import history, say_histories, say_parameters

ALERTS = "marts.premium_alerts"
BEFORE = "2026-12-01"


@pytest.fixture
def ten(shop):
    # Ten customers. Anna (x = 2, t_x = 20, and T = 40 thirty days before the snapshot date, 70 on it; m = 200) is the
    # most valuable then: total 10 + 2 · 200 = 410, times .5 · 2 = 410. Nine one-time buyers are worth 10 · .5 · 2 = 10.
    shop.orders("anna", "2026-10-22", "2026-11-01", "2026-11-11", amount=200)
    for number in range(9):
        shop.orders(f"other{number}", "2026-11-01", amount=5)
    say_parameters(shop, p=6.0, q=3.0, v=10.0, mean_spend=30.0, kept_share=1.0)
    return shop


def say_drop(shop, before, now, **others):
    """Of Anna's chance to buy within 90 days; that of the others has fallen to nothing."""
    say_histories(
        shop,
        history(2, 20, 40, BEFORE, p_purchase_90d=before),
        history(2, 20, 70, p_purchase_90d=now, **others),
        history(0, 0, 30, BEFORE, p_purchase_90d=0.9),
        history(0, 0, 60, p_purchase_90d=0.0),
    )


def test_the_best_tenth_whose_chance_fell_by_30_percent(ten):
    # Only one of ten customers is in the top tenth; .8 → .4 is −50 %. Worth now 410 · .5 · 1 = 205.
    say_drop(ten, 0.8, 0.4, discounted_purchases=1.0)
    alert = ten.table(ALERTS)
    assert alert.one("customer_id") == "anna"
    assert alert.one("compared_with") == BEFORE
    assert alert.one("change") == pytest.approx(-0.5)
    assert (alert.one("predicted_clv_before"), alert.one("predicted_clv")) == (pytest.approx(410), pytest.approx(205))
    assert (alert.one("p_purchase_90d_before"), alert.one("p_purchase_90d")) == (0.8, 0.4)
    assert (alert.one("recency_days"), alert.one("revenue_12_months"), alert.one("model")) == (50, 600, "mbgnbd")


@pytest.mark.parametrize(("now", "alerts"), [(0.7, 1), (0.701, 0), (0.9, 0)])
def test_a_drop_of_30_percent_is_enough_and_less_is_not(ten, now, alerts):
    say_drop(ten, 1.0, now)
    assert len(ten.table(ALERTS)) == alerts


def test_who_shares_a_place_in_the_top_tenth_is_in_it(ten):
    # Twelve customers: Anna and Bert share the first place (10 · 1 ≤ 12), Cleo, worth less, is third (10 · 3 > 12).
    ten.orders("bert", "2026-10-22", "2026-11-01", "2026-11-11", amount=200)
    ten.orders("cleo", "2026-10-22", "2026-11-01", "2026-11-11", amount=199)
    say_drop(ten, 1.0, 0.1)
    assert set(ten.table(ALERTS).rows("customer_id")) == {("anna",), ("bert",)}


def test_what_was_bought_since_raises_nobody_to_the_top(ten):
    # Dora was a one-time buyer 30 days ago, and has bought for 9,000 since: then she was worth no more than the others.
    ten.orders("dora", "2026-11-01", amount=5).orders("dora", "2026-12-20", amount=9000)
    say_histories(
        ten,
        history(2, 20, 40, BEFORE, p_purchase_90d=0.5),
        history(2, 20, 70, p_purchase_90d=0.5),
        history(0, 0, 30, BEFORE, p_purchase_90d=0.9),
        history(0, 0, 60, p_purchase_90d=0.0),
        history(1, 49, 60, p_purchase_90d=0.1),
    )
    assert len(ten.table(ALERTS)) == 0


def test_who_came_since_is_not_compared(ten):
    ten.orders("new", "2026-12-30", amount=9000)
    say_drop(ten, 1.0, 0.1)
    assert ten.table(ALERTS).by_customer("change") == {"anna": pytest.approx(-0.9)}


def test_without_a_spend_model_value_is_number_times_mean(ten):
    # Anna: 30 · .5 · 2 discounted purchases = 30, the others, of whom one purchase is expected, 15.
    say_parameters(ten, mean_spend=30.0, kept_share=1.0)
    say_histories(
        ten,
        history(2, 20, 40, BEFORE, p_purchase_90d=1.0, discounted_purchases=2.0),
        history(2, 20, 70, p_purchase_90d=0.5),
        history(0, 0, 30, BEFORE, p_purchase_90d=1.0, discounted_purchases=1.0),
        history(0, 0, 60, p_purchase_90d=0.0),
    )
    assert ten.table(ALERTS).by_customer("predicted_clv_before") == {"anna": pytest.approx(30)}


def test_without_predictions_there_are_no_alerts(shop):
    assert len(shop.orders("anna", "2026-10-01").table(ALERTS)) == 0


@pytest.mark.parametrize(("since", "alerts"), [("2026-12-31", 0), ("2027-01-01", 1)])
def test_who_has_objected_by_that_day_is_in_no_alert(ten, since, alerts):
    say_drop(ten, 0.8, 0.4, discounted_purchases=1.0)
    ten.objection("anna", on=since)
    assert len(ten.table(ALERTS)) == alerts
