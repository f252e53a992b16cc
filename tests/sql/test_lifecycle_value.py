"""marts.lifecycle_value and marts.lifecycle_moves: what a stage and a move are worth, and what may be spent for it."""

import pytest
from predictions import history, say_histories, say_parameters
from shop import Shop, days_before
from statsmodels.stats.proportion import proportion_confint

VALUE, MOVES = "marts.lifecycle_value", "marts.lifecycle_moves"
LIMITS = {"defecting_days": 60, "inactive_days": 200}


def told(shop: Shop, **settings) -> Shop:
    """40 active customers (15 worth 80, 25 worth 40), 30 first-time ones worth 20, 30 defecting ones worth 10.

    30 days ago: the 40 were first-time, as 10 of the defecting were not: all 30 defecting were defecting too (silent 70
    and 40: of these 10 were first-time). The 30 first-time ones are new.
    """
    shop.with_settings(lifecycle=LIMITS, **settings)
    for number in range(40):
        shop.orders(f"active{number}", days_before(45), days_before(5))
    for number in range(30):
        shop.orders(f"first{number}", days_before(10))
        shop.orders(f"defecting{number}", days_before(100 if number < 20 else 70))
    say_parameters(shop, mean_spend=10.0, kept_share=1.0)
    worth = {(1, 40, 45): 4.0, (0, 0, 10): 2.0, (0, 0, 100): 1.0, (0, 0, 70): 1.0}
    say_histories(shop, *(history(*key, spend_factor=1.0, discounted_purchases=value) for key, value in worth.items()))
    return shop


def test_means_by_stage(shop):
    # 10 per occasion × 4, 2 or 1 expected ones; all of a stage are alike, so the means have no error.
    found = told(shop).table(VALUE)
    assert found.rows("stage", "status", "customers", "mean_predicted_clv", "standard_error", "predicted_clv") == [
        ("active", "ok", 40, 40.0, 0.0, 1600.0), ("defecting", "ok", 30, 10.0, 0.0, 300.0),
        ("first-time", "ok", 30, 20.0, 0.0, 600.0), ("inactive", "too few", 0, None, None, None),
        ("lead", "not modelled", 0, None, None, None),
    ]  # fmt: skip


def test_the_error_of_a_mean_comes_from_the_spread(shop):
    # 20 customers worth 10 and 20 worth 30: deviation 10, of a sample of 40 √(4000/39) = 10.127; / √40 = 1.6013.
    shop.with_settings(lifecycle=LIMITS)
    for number in range(40):
        shop.orders(f"c{number}", days_before(10 if number % 2 else 20))
    say_parameters(shop, mean_spend=10.0, kept_share=1.0)
    worth = {10: 1.0, 20: 3.0}
    say_histories(
        shop, *(history(0, 0, age, spend_factor=1.0, discounted_purchases=value) for age, value in worth.items())
    )
    row = shop.table(VALUE).where(stage="first-time")
    assert row.one("mean_predicted_clv") == pytest.approx(20)
    assert row.one("standard_error") == pytest.approx((4000 / 39) ** 0.5 / 40**0.5)


def test_moves_by_hand(shop):
    # Convert: 40 of 50 first-time customers (40, and 10 defecting since) are active 30 days later: (40 − 20) × .8 = 16.
    # Win back: 20 of 20 stayed defecting, fewer than 30: nothing is said. Retain: nobody was active then.
    moves = told(shop).table(MOVES).where(horizon_days=30)
    convert = moves.where(move="convert")
    assert convert.rows("status", "value_with", "value_without", "value_difference", "success_share") == [
        ("ok", 40.0, 20.0, 20.0, 0.8)
    ]
    assert convert.rows("most_to_spend", "from_customers", "margin", "margin_is_set") == [(16.0, 50, 1.0, False)]
    assert 20 * convert.one("success_low") == pytest.approx(convert.one("most_to_spend_low"))
    assert convert.one("most_to_spend_low") < 16 < convert.one("most_to_spend_high")
    back = moves.where(move="win back", from_stage="defecting")
    assert back.rows("status", "from_customers", "success_share", "value_difference", "most_to_spend") == [
        ("too few", 20, 0.0, 30.0, None)
    ]
    retain = moves.where(move="retain")
    assert retain.rows("status", "from_customers", "success_share", "most_to_spend") == [("too few", 0, None, None)]


def test_to_retain_is_worth_what_leaves(shop):
    # 40 who were active 30 days ago: 10 are defecting now, worth 10; active ones are worth 40: (40 − 10) · 1/4 = 7.50.
    shop.with_settings(lifecycle=LIMITS)
    for number in range(70):
        kind = "left" if number < 10 else "stayed" if number < 40 else "long-gone"
        bought = {"left": (100, 70), "stayed": (100, 50), "long-gone": (150, 120)}[kind]
        shop.orders(f"c{number}", *map(days_before, bought))
    say_parameters(shop, mean_spend=10.0, kept_share=1.0)
    worth = {(1, 30, 100): 1.0, (1, 50, 100): 4.0, (1, 30, 150): 1.0}
    say_histories(shop, *(history(*key, spend_factor=1.0, discounted_purchases=value) for key, value in worth.items()))
    retain = shop.table(MOVES).where(move="retain", horizon_days=30)
    assert retain.rows("status", "value_with", "value_without", "success_share", "most_to_spend") == [
        ("ok", 40.0, 10.0, 0.25, 7.5)
    ]
    low, high = proportion_confint(10, 40, method="wilson")
    assert (retain.one("success_low"), retain.one("success_high")) == (pytest.approx(low), pytest.approx(high))


def test_a_lead_is_taken_to_be_worth_nothing(shop):
    # 30 leads registered 50 days ago, of whom 15 bought 5 days ago: first-time customers are worth 20, so 20 × .5 = 10.
    told(shop)
    for number in range(30):
        shop.registered(f"asked{number}", on=days_before(50))
        if number < 15:
            shop.orders(f"asked{number}", days_before(10))
    acquire = shop.table(MOVES).where(move="acquire", horizon_days=30)
    assert acquire.rows("status", "value_with", "value_without", "success_share", "most_to_spend") == [
        ("ok", 20.0, 0.0, 0.5, 10.0)
    ]
    assert shop.show(VALUE, "2026-12-31").where(stage="lead").rows("status", "customers") == [("not modelled", 15)]


def test_the_margin_is_in_the_values_and_not_applied_again(shop):
    # kept_share, which the models write, is .5 with a margin of 50 %: a customer worth 40 of revenue is worth 20.
    told(shop, clv={"margin": 0.5})
    say_parameters(shop, mean_spend=10.0, kept_share=0.5)
    convert = shop.table(MOVES).where(move="convert", horizon_days=30)
    assert convert.rows("margin", "margin_is_set", "value_difference", "most_to_spend") == [(0.5, True, 10.0, 8.0)]


def test_a_move_that_loses_value_has_its_ends_in_order(shop):
    # Active customers worth less than first-time ones: the difference is −10, the most to spend below nothing.
    told(shop)
    worth = {(1, 40, 45): 1.0, (0, 0, 10): 2.0, (0, 0, 100): 1.0, (0, 0, 70): 1.0}
    say_histories(shop, *(history(*key, spend_factor=1.0, discounted_purchases=value) for key, value in worth.items()))
    convert = shop.table(MOVES).where(move="convert", horizon_days=30)
    assert convert.one("most_to_spend") == pytest.approx(-8)
    assert convert.one("most_to_spend_low") < -8 < convert.one("most_to_spend_high") < 0


def test_without_predictions_nothing_is_valued(shop):
    shop.with_settings(lifecycle=LIMITS)
    for number in range(40):
        shop.orders(f"c{number}", days_before(45), days_before(5))
    assert shop.table(VALUE).where(stage="active").rows("status", "customers", "mean_predicted_clv") == [
        ("insufficient data", 40, None)
    ]
    moves = shop.table(MOVES).where(horizon_days=30)
    assert moves.where(move="convert").rows("status", "success_share", "most_to_spend") == [
        ("insufficient data", 1.0, None)
    ]


def test_missing_rows_are_refused(shop):
    told(shop).snapshot("2026-12-31", VALUE, MOVES)
    for table, check in ((VALUE, "all_stages_are_there"), (MOVES, "all_moves_are_there")):
        column = "stage" if table == VALUE else "from_stage"
        shop.engine.execute(f"DELETE FROM {table} WHERE {column} = 'inactive'")
        assert shop.failing_checks(table, "2026-12-31") == {check}
