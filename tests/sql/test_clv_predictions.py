"""marts.clv_predictions: the models' factors joined to each customer's own money."""

import pytest
from predictions import history, say_champions, say_histories, say_parameters, say_scores

CLV = "marts.clv_predictions"


@pytest.fixture
def anna(shop):
    # On 2026-12-31 Anna has x = 2, t_x = 20 days, T = 30 days, m = (20 + 40) / 2 = 30, revenue 70.
    shop.orders("anna", "2026-12-01", amount=10).orders("anna", "2026-12-11", amount=20)
    return shop.orders("anna", "2026-12-21", amount=40)


def test_value_is_the_spend_total_times_the_factors(anna):
    # Spend total v + x·m = 5 + 2 · 30 = 65; one occasion .5 · 65 = 32.50; two discounted ones, .9 kept: 58.50.
    # u = 5/65 = 1/13: squared relative error .01 + .13/13 + 1.69/169 = .03. Interval .9 · 65 · (.1, 4).
    say_parameters(anna, p=6.0, q=3.0, v=5.0, mean_spend=99.0, kept_share=0.9)
    say_histories(
        anna,
        history(
            2, 20, 30, spend_factor=0.5, discounted_purchases=2.0, value_variance_0=0.01, value_variance_1=0.13,
            value_variance_2=1.69, value_low_factor=0.1, value_high_factor=4.0,
        ),
    )  # fmt: skip
    say_champions(anna)
    value = anna.table(CLV)
    assert value.one("status") == "ok"
    assert (value.one("model"), value.one("spend_model")) == ("bgnbd", "gamma_gamma")
    assert value.one("expected_spend") == pytest.approx(32.5)
    assert value.one("historic_clv") == 70
    assert value.one("predicted_clv") == pytest.approx(58.5)
    assert value.one("total_clv") == pytest.approx(128.5)
    assert value.one("clv_standard_error") == pytest.approx(58.5 * 0.03**0.5)
    assert (value.one("clv_low"), value.one("clv_high")) == (pytest.approx(5.85), pytest.approx(234))


def test_counts_and_dates_are_those_of_the_history(anna):
    # A date is the first day by which it has happened: 2.2 days are over on the third, 10.0 on the tenth.
    say_parameters(anna, p=6.0, q=3.0, v=5.0, mean_spend=99.0, kept_share=1.0)
    say_histories(
        anna,
        history(
            2, 20, 30, p_alive=0.7, expected_purchases_30d=0.45, expected_purchases_365d=3.0, p_purchase_30d=0.45,
            p_purchase_90d=0.7, p_purchase_180d=0.75, p_purchase_365d=0.8,
            next_purchase_early_days=2.2, next_purchase_median_days=10.0, next_purchase_late_days=100.5,
        ),
        history(2, 20, 31, p_alive=0.1),
        history(2, 20, 30, as_of="2026-12-01", p_alive=0.2),
    )  # fmt: skip
    value = anna.table(CLV)
    columns = ("p_alive", "expected_purchases_30d", "expected_purchases_365d", "p_purchase_365d")
    assert value.rows(*columns) == [(0.7, 0.45, 3.0, 0.8)]
    dates = ("next_purchase_from", "next_purchase_median", "next_purchase_to")
    assert value.rows(*dates) == [("2027-01-03", "2027-01-10", "2027-04-11")]


def test_more_is_expected_where_one_purchase_is_likelier_than_the_model_expects(shop):
    # Within 30 days Anna (x = 2) is expected to buy .9 times and likely to buy at all with .5; Bert (x = 0) .1 times
    # and .3. He is raised to .3, and the .2 come off her .4 beyond the first: .5 + .4 · .5 = .7, and 1 in all as
    # before. Within 365 days nothing is to be done: 3 and 1 stay.
    shop.orders("anna", "2026-12-01", "2026-12-11", "2026-12-21").orders("bert", "2026-12-01")
    say_parameters(shop, p=6.0, q=3.0, v=5.0, mean_spend=99.0, kept_share=1.0)
    likely = {"p_purchase_90d": 0.5, "p_purchase_365d": 0.9}
    say_histories(
        shop,
        history(2, 20, 30, expected_purchases_30d=0.9, p_purchase_30d=0.5, expected_purchases_365d=3.0, **likely),
        history(0, 0, 30, expected_purchases_30d=0.1, p_purchase_30d=0.3, expected_purchases_365d=1.0, **likely),
    )
    value = shop.table(CLV)
    assert value.by_customer("expected_purchases_30d") == {"anna": pytest.approx(0.7), "bert": pytest.approx(0.3)}
    assert value.by_customer("expected_purchases_365d") == {"anna": pytest.approx(3), "bert": pytest.approx(1)}
    assert shop.failing_checks(CLV, "2026-12-31") == set()
    shorter = "expected_purchases_30d = 0.5, expected_purchases_90d = 0.5"
    shop.engine.execute(f"UPDATE {CLV} SET {shorter}, expected_purchases_180d = 0.59")
    assert shop.failing_checks(CLV, "2026-12-31") == {"purchases_are_at_least_as_many_as_likely"}


def test_boosted_counts_are_spread_over_customers_and_so_is_value(shop):
    # The timing model expects 2 and 1 of a year, with .9 and .3 likely to buy at all. Spread by 1.3 and .4 they are 2.6
    # and .4: 1.7 and .1 beyond one, of 3 − 1.2 = 1.8: all stays as it is. In 30 days it expects .9 and .1: 1.17 and
    # .04; beyond .5 and .1, .67 and nothing, where .4 is left of 1 in all. Value is spread alike: 65 · .5 · 2 · 1.3.
    shop.orders("anna", "2026-12-01", amount=10).orders("anna", "2026-12-11", amount=20)
    shop.orders("anna", "2026-12-21", amount=40).orders("bert", "2026-12-01")
    say_parameters(shop, p=6.0, q=3.0, v=5.0, mean_spend=99.0, kept_share=1.0)
    say_champions(shop, counts="boosted")
    value_of = {"spend_factor": 0.5, "discounted_purchases": 2.0, "value_low_factor": 0.1, "value_high_factor": 4.0}
    say_histories(
        shop,
        history(
            2, 20, 30, expected_purchases_30d=0.9, expected_purchases_180d=1.6, expected_purchases_365d=2.0, **value_of
        ),
        history(
            0, 0, 30, expected_purchases_30d=0.1, expected_purchases_180d=0.7, expected_purchases_365d=1.0, **value_of
        ),
    )
    say_scores(
        shop,
        anna={"purchases_factor": 1.3, "p_purchase_30d": 0.5, "p_purchase_365d": 0.9},
        bert={"purchases_factor": 0.4, "p_purchase_30d": 0.1, "p_purchase_90d": 0.2, "p_purchase_365d": 0.3,
              "p_purchase_churn": 0.2, "p_purchase_180d": 0.2},
    )  # fmt: skip
    value = shop.table(CLV)
    assert value.by_customer("expected_purchases_365d") == {"anna": pytest.approx(2.6), "bert": pytest.approx(0.4)}
    assert value.by_customer("expected_purchases_30d") == {"anna": pytest.approx(0.9), "bert": pytest.approx(0.1)}
    assert value.by_customer("predicted_clv")["anna"] == pytest.approx(84.5)
    assert value.by_customer("clv_low")["anna"] == pytest.approx(8.45)
    assert value.by_customer("clv_high")["anna"] == pytest.approx(338)
    assert set(value.by_customer("model").values()) == {"bgnbd"}
    assert shop.failing_checks(CLV, "2026-12-31") == set()
    shop.engine.execute(f"UPDATE {CLV} SET expected_purchases_90d = 9 WHERE customer_id = 'bert'")
    assert shop.failing_checks(CLV, "2026-12-31") == {"purchases_grow_with_the_horizon"}


def test_where_everybody_is_likelier_to_buy_than_expected_nobody_buys_more_than_once(shop):
    shop.orders("anna", "2026-12-01", "2026-12-11", "2026-12-21").orders("bert", "2026-12-01")
    say_parameters(shop, p=6.0, q=3.0, v=5.0, mean_spend=99.0, kept_share=1.0)
    say_histories(
        shop,
        history(2, 20, 30, expected_purchases_30d=0.31, p_purchase_30d=0.3),
        history(0, 0, 30, expected_purchases_30d=0.1, p_purchase_30d=0.3),
    )
    value = shop.table(CLV)
    assert value.by_customer("expected_purchases_30d") == {"anna": pytest.approx(0.3), "bert": pytest.approx(0.3)}


@pytest.mark.parametrize("status", ["ok", "not_validated"])
def test_the_status_is_that_of_the_champions(anna, status):
    say_parameters(anna, p=6.0, q=3.0, v=5.0, mean_spend=99.0, kept_share=1.0)
    say_histories(anna, history(2, 20, 30))
    say_champions(anna, status=status)
    assert anna.table(CLV).one("status") == status


def test_dates_are_the_customers_own_where_a_champion_is_trained(anna):
    say_parameters(anna, p=6.0, q=3.0, v=5.0, mean_spend=99.0, kept_share=1.0)
    say_histories(anna, history(2, 20, 30))
    days = {"next_purchase_early_days": 1.5, "next_purchase_median_days": 9.0, "next_purchase_late_days": 30.1}
    say_scores(anna, anna=days | {"p_purchase_30d": 0.5, "p_purchase_90d": 0.55, "p_purchase_365d": 0.6})
    dates = ("next_purchase_from", "next_purchase_median", "next_purchase_to")
    assert anna.table(CLV).rows(*dates) == [("2027-01-02", "2027-01-09", "2027-01-31")]


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        ("next_purchase_from = '2027-01-30'", set()),
        ("next_purchase_from = '2027-02-01'", {"next_purchases_follow_from_the_probabilities"}),
        ("next_purchase_median = '2027-01-30'", {"next_purchases_follow_from_the_probabilities"}),
        ("next_purchase_median = '2027-04-02'", {"next_purchases_follow_from_the_probabilities"}),
        ("next_purchase_to = '2027-03-30'", {"next_purchases_follow_from_the_probabilities"}),
        ("next_purchase_to = '2028-01-01'", {"next_purchases_are_in_order"}),
        ("next_purchase_from = '2026-12-31'", {"next_purchases_are_in_order"}),
        (
            "next_purchase_from = '2027-03-02', next_purchase_median = '2027-03-01'",
            {"next_purchases_are_in_order", "next_purchases_follow_from_the_probabilities"},
        ),
    ],
)
def test_dates_that_contradict_the_probabilities_are_refused(anna, change, failing):
    # Of .8 within a year one tenth (.08) is reached within 30 days (.2), half (.4) within 90 (.5), and nine tenths
    # (.72) after 180 (.7).
    say_parameters(anna, p=6.0, q=3.0, v=5.0, mean_spend=99.0, kept_share=1.0)
    say_histories(anna, history(2, 20, 30, p_purchase_30d=0.2, p_purchase_90d=0.5, p_purchase_180d=0.7))
    anna.table(CLV)
    anna.engine.execute(f"UPDATE {CLV} SET {change}")
    assert anna.failing_checks(CLV, "2026-12-31") == failing


def test_value_is_rounded_to_the_cent(anna):
    # 65 · .5 · 1.0001 = 32.50325: 32.50, and with 70 earned 102.50.
    say_parameters(anna, p=6.0, q=3.0, v=5.0, mean_spend=99.0, kept_share=1.0)
    say_histories(anna, history(2, 20, 30, spend_factor=0.5, discounted_purchases=1.0001))
    assert anna.table(CLV).rows("predicted_clv", "total_clv") == [(32.5, 102.5)]


def test_a_one_time_buyer_is_worth_what_the_model_says_of_all(shop):
    # x = 0: the spend total is v, whatever the first purchase was worth. 12 · .5 · 2 = 12.
    shop.orders("bert", "2026-12-01", amount=500)
    say_parameters(shop, p=6.0, q=3.0, v=12.0, mean_spend=36.0, kept_share=1.0)
    say_histories(shop, history(0, 0, 30, spend_factor=0.5, discounted_purchases=2.0))
    assert shop.table(CLV).one("predicted_clv") == pytest.approx(12)


def test_a_mean_spend_that_is_not_known_is_that_of_all(shop):
    # The repeat purchase was free: m does not exist, and 5 + 1 · 20 = 25 takes its place; 25 · .5 · 2 = 25.
    shop.orders("cleo", "2026-12-01").orders("cleo", "2026-12-11", amount=0)
    say_parameters(shop, p=6.0, q=3.0, v=5.0, mean_spend=20.0, kept_share=1.0)
    say_histories(shop, history(1, 10, 30, spend_factor=0.5, discounted_purchases=2.0))
    value = shop.table(CLV)
    assert (value.one("expected_spend"), value.one("predicted_clv")) == (pytest.approx(12.5), pytest.approx(25))


def test_without_a_spend_model_every_occasion_is_worth_the_mean_of_all(anna):
    # 20 per occasion, factor 1, 2 occasions, .9 kept: 36, with no error and no interval.
    say_parameters(anna, mean_spend=20.0, kept_share=0.9)
    nothing = dict.fromkeys(("value_variance_0", "value_variance_1", "value_variance_2"))
    bare = history(2, 20, 30, spend_factor=1.0, value_low_factor=None, value_high_factor=None, **nothing)
    say_histories(anna, bare)
    value = anna.table(CLV)
    assert value.rows("spend_model", "expected_spend", "predicted_clv") == [("mean", 20.0, 36.0)]
    assert value.rows("clv_standard_error", "clv_low", "clv_high") == [(None, None, None)]


def test_without_predictions_every_customer_has_a_row_that_says_so(anna):
    anna.orders("bert", "2026-12-30", amount=7)
    value = anna.table(CLV)
    assert value.rows("customer_id", "status", "historic_clv") == [
        ("anna", "insufficient data", 70), ("bert", "insufficient data", 7),
    ]  # fmt: skip
    invented = set(value.frame.columns) - {"snapshot_date", "customer_id", "status", "historic_clv"}
    assert {name for name in invented if value.frame[name].null_count() < 2} == set()


def test_refunds_lower_what_was_earned_and_not_what_an_occasion_is_worth(anna):
    anna.refund("anna-3", on="2026-12-22", amount=15)
    say_parameters(anna, p=6.0, q=3.0, v=5.0, mean_spend=20.0, kept_share=1.0)
    say_histories(anna, history(2, 20, 30, spend_factor=0.5))
    value = anna.table(CLV)
    assert value.rows("historic_clv", "expected_spend") == [(55, 32.5)]


def test_a_customer_without_a_row_is_refused(anna):
    anna.snapshot("2026-12-31", CLV)
    anna.engine.execute(f"DELETE FROM {CLV}")
    assert anna.failing_checks(CLV, "2026-12-31") == {"every_customer_has_a_value"}


# ── who shows it ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_crosstab_shows_the_mean_of_a_cell(shop):
    # Anna and Bert, one purchase 30 days ago, are alike; worth 10 · .5 · 2 = 10 each. Cleo bought later, and her
    # history is not among the predictions: her cell has no value. Nor have empty ones.
    shop.orders("anna", "2026-12-01").orders("bert", "2026-12-01").orders("cleo", "2026-12-21")
    say_parameters(shop, p=6.0, q=3.0, v=10.0, mean_spend=30.0, kept_share=1.0)
    say_histories(shop, history(0, 0, 30))
    cells = shop.table("marts.rfm_crosstab").where(pair="RF")
    assert cells.where(customers=2).rows("mean_predicted_clv", "mean_order_value") == [(10.0, 10.0)]
    assert cells.where(customers=1).one("mean_predicted_clv") is None
    assert cells.frame["mean_predicted_clv"].null_count() == 24


def test_a_move_between_groups_shows_what_is_expected_of_the_customer(shop):
    # By the end of the year Anna, who bought on 1 November, has become worse beside Bert's second purchase.
    shop.orders("anna", "2026-11-01").orders("bert", "2026-10-01").snapshot("2026-11-30", "marts.segment_events")
    shop.orders("bert", "2026-12-30")
    say_parameters(shop, p=6.0, q=3.0, v=10.0, mean_spend=30.0, kept_share=1.0)
    say_histories(shop, history(0, 0, 60, discounted_purchases=3.0))
    moves = shop.table("marts.segment_events").where(catalogue="grid")
    assert moves.by_customer("predicted_clv")["anna"] == pytest.approx(15)
    assert moves.by_customer("revenue_12_months")["anna"] == 10
    assert moves.by_customer("predicted_clv")["bert"] is None
