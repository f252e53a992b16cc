"""marts.value_bridge and marts.clv_before: predicted value then and now, and what lies between, to the cent."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predictions import history, say, say_histories, say_parameters
from shop import days_before

BRIDGE, BEFORE = "marts.value_bridge", "marts.clv_before"
DAY, THEN = "2026-12-31", "2026-12-01"
LIMITS = {"defecting_days": 60, "inactive_days": 200}
TERMS = ("opening", "re-estimation", "new", "upward", "downward", "to inactive", "ageing", "erased", "closing")


def worth(*rows, day=DAY):
    """Histories of (x, t_x, T, as_of, expected discounted occasions), each worth 10 an occasion."""
    return [history(x, t_x, age, as_of, spend_factor=1.0, discounted_purchases=n) for x, t_x, age, as_of, n in rows]


@pytest.fixture
def moved(shop):
    # Then (30 days ago) → now: anna first-time → active, bert first-time → defecting, cleo defecting → inactive,
    # dora active → active, emil is new.
    shop.with_settings(lifecycle=LIMITS)
    shop.orders("anna", days_before(50), days_before(10)).orders("bert", days_before(80))
    shop.orders("cleo", days_before(220)).orders("dora", days_before(55), days_before(35)).orders(
        "emil", days_before(3)
    )
    say_parameters(shop, mean_spend=10.0, kept_share=1.0)
    say_histories(shop, *worth(
        (0, 0, 20, THEN, 2.0), (1, 40, 50, DAY, 5.0),  # anna 20 → 50
        (0, 0, 50, THEN, 1.5), (0, 0, 80, DAY, 0.8),  # bert 15 → 8
        (0, 0, 190, THEN, 0.4), (0, 0, 220, DAY, 0.1),  # cleo 4 → 1
        (1, 20, 25, THEN, 6.0), (1, 20, 55, DAY, 4.505),  # dora 60 → 45.05
        (0, 0, 3, DAY, 3.0),  # emil 30
    ))  # fmt: skip
    return shop


def amounts(rows):
    return {term: float(amount) for term, amount in rows.rows("term", "amount")}


def test_every_term_by_hand(moved):
    # 20 + 15 + 4 + 60 = 99; + 30 new + 30 up − 7 down − 3 to inactive − 14.95 ageing = 134.05; 50 + 8 + 1 + 45.05 + 30.
    found = moved.table(BRIDGE)
    assert amounts(found) == {
        "opening": 99, "re-estimation": 0, "new": 30, "upward": 30, "downward": -7, "to inactive": -3,
        "ageing": -14.95, "erased": 0, "closing": 134.05,
    }  # fmt: skip
    assert found.by("term", "customers") == {
        "opening": 4, "re-estimation": 0, "new": 1, "upward": 1, "downward": 1, "to inactive": 1, "ageing": 1,
        "erased": 0, "closing": 5,
    }  # fmt: skip
    assert found.by("term", "place") == {term: place for place, term in enumerate(TERMS, start=1)}
    assert set(found.rows("status", "opening_on", "opening_source")) == {("ok", THEN, "revalued")}


def test_value_then_is_under_the_parameters_of_now(moved):
    found = moved.table(BEFORE)
    assert found.by_customer("predicted_clv") == {"anna": 20, "bert": 15, "cleo": 4, "dora": 60}
    assert set(found.rows("as_of")) == {(THEN,)}


def publish_then(shop):
    """The snapshot of 30 days ago as it was published: its models expected 1 occasion of bert and 7 of dora."""
    say_parameters_on(shop, THEN)
    rows = worth((0, 0, 20, THEN, 2.0), (0, 0, 50, THEN, 1.0), (0, 0, 190, THEN, 0.4), (1, 20, 25, THEN, 7.0))
    say(shop, "timing_predictions", rows, THEN)
    shop.table(BRIDGE, THEN)


def say_parameters_on(shop, day):
    rows = [("mean_spend", 10.0), ("kept_share", 1.0)]
    say(shop, "model_parameters", [
        {"model": "shop", "parameter": name, "estimate": value, "standard_error": None} for name, value in rows
    ], day)  # fmt: skip


def test_the_opening_is_what_was_published(moved):
    # Published then: 20 + 10 + 4 + 70 = 104; under the parameters of now 99: re-estimation −5, of two customers.
    publish_then(moved)
    found = moved.table(BRIDGE)
    assert set(found.rows("opening_source")) == {("published",)}
    assert amounts(found) == {
        "opening": 104, "re-estimation": -5, "new": 30, "upward": 30, "downward": -7, "to inactive": -3,
        "ageing": -14.95, "erased": 0, "closing": 134.05,
    }  # fmt: skip
    assert found.where(term="re-estimation").one("customers") == 2


def test_who_was_erased_leaves_with_the_value_then(moved):
    # Bert is forgotten: his orders, and his rows of the earlier snapshot. The opening still has his 10.
    publish_then(moved)
    moved.engine.note_changes("staging.order_lines", "customer_id = 'bert'")
    for table in ("staging.order_lines", "marts.clv_predictions"):
        moved.engine.execute(f"DELETE FROM {table} WHERE customer_id = 'bert'")
    found = moved.table(BRIDGE)
    # Re-estimation is now dora's −10 only; 104 − 10 + 30 + 30 + 0 − 3 − 14.95 − 10 = 126.05 = 134.05 − 8.
    assert amounts(found) == {
        "opening": 104, "re-estimation": -10, "new": 30, "upward": 30, "downward": 0, "to inactive": -3,
        "ageing": -14.95, "erased": -10, "closing": 126.05,
    }  # fmt: skip
    assert found.where(term="erased").one("customers") == 1


def test_who_cancelled_all_orders_leaves_too(moved):
    # Revalued, then gone: his 15 of then leave as erased, whatever the opening is taken from.
    moved.refund("bert-1", on=days_before(5), amount=10)
    found = amounts(moved.table(BRIDGE))
    assert (found["opening"], found["downward"], found["erased"], found["closing"]) == (99, 0, -15, 126.05)


def test_a_customer_a_late_export_tells_of_is_re_estimated(moved):
    # Fay bought 40 days ago; the snapshot of then did not know. Revalued at 25, now 22: +25, and −3 of ageing.
    publish_then(moved)
    moved.orders("fay", days_before(40))
    say_histories(moved, *worth(
        (0, 0, 20, THEN, 2.0), (1, 40, 50, DAY, 5.0), (0, 0, 50, THEN, 1.5), (0, 0, 80, DAY, 0.8),
        (0, 0, 190, THEN, 0.4), (0, 0, 220, DAY, 0.1), (1, 20, 25, THEN, 6.0), (1, 20, 55, DAY, 4.505),
        (0, 0, 3, DAY, 3.0), (0, 0, 10, THEN, 2.5), (0, 0, 40, DAY, 2.2),
    ))  # fmt: skip
    found = amounts(moved.table(BRIDGE))
    assert (found["opening"], found["re-estimation"], found["ageing"]) == (104, 20, pytest.approx(-17.95))


def test_without_predictions_there_are_terms_and_no_amounts(shop):
    found = shop.orders("anna", days_before(50)).table(BRIDGE)
    assert len(found) == len(TERMS)
    assert set(found.rows("status", "amount", "customers")) == {("insufficient data", None, None)}


def test_terms_that_do_not_sum_are_refused(moved):
    moved.table(BRIDGE)
    moved.engine.execute(f"UPDATE {BRIDGE} SET amount = amount + 0.01 WHERE term IN ('ageing', 'closing')")
    assert moved.failing_checks(BRIDGE, DAY) == {"closing_is_the_sum_of_what_is_published"}
    moved.engine.execute(f"UPDATE {BRIDGE} SET amount = amount - 0.01 WHERE term IN ('ageing', 'closing')")
    moved.engine.execute(f"UPDATE {BRIDGE} SET amount = amount + 0.01 WHERE term = 'ageing'")
    assert moved.failing_checks(BRIDGE, DAY) == {"terms_sum_to_the_closing"}
    moved.engine.execute(f"UPDATE {BRIDGE} SET amount = amount - 0.01, customers = 7 WHERE term = 'ageing'")
    assert "every_customer_in_one_term" in moved.failing_checks(BRIDGE, DAY)


MONEY = st.floats(0, 5000)


@settings(max_examples=12)
@given(st.lists(st.tuples(st.integers(0, 350), st.booleans(), MONEY, MONEY, MONEY), min_size=1, max_size=6), st.data())
def test_any_values_sum_to_the_cent(shop, told, data):
    """Customers of any age and value, some gone since, with or without a published opening."""
    shop.emptied().with_settings(lifecycle=LIMITS)
    ages = {age for age, *_ in told}
    for number, (age, cancelled, *_) in enumerate(told):
        shop.orders(f"c{number}", days_before(age))
        if cancelled and age >= 10:
            shop.refund(f"c{number}-1", on=days_before(9), amount=10)
    values = {age: values for age, _, *values in told}
    earlier = [age for age in ages if age >= 30]
    if earlier and data.draw(st.booleans()):
        say_parameters_on(shop, THEN)
        say(shop, "timing_predictions", worth(*((0, 0, age - 30, THEN, values[age][0]) for age in earlier)), THEN)
        shop.table(BRIDGE, THEN)
    say_parameters(shop, mean_spend=10.0, kept_share=1.0)
    now = [(0, 0, age, DAY, values[age][1]) for age in ages]
    say_histories(shop, *worth(*now, *((0, 0, age - 30, THEN, values[age][2]) for age in earlier)))
    found = dict(shop.table(BRIDGE).frame.select("term", "amount").iter_rows())
    if found["closing"] is not None:
        assert sum((found[term] for term in TERMS[:-1]), Decimal()) == found["closing"]
