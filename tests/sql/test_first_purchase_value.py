"""marts.first_purchase_value: what customers began with, and what came of it beside others who began alike."""

import pytest
from scipy.stats import norm

TABLE = "marts.first_purchase_value"


def begin(shop, product, numbers, repeats, on="2026-03-01", again="2026-05-01", amount=10, **others):
    """Customers who begin with the product, the first so many of whom come back."""
    for number in numbers:
        shop.orders(f"{product}{number}", on, product_id=product, **others)
        if number < repeats:
            shop.orders(f"{product}{number}", again, amount=amount, product_id="later")
    return shop


def test_two_products_by_hand(shop):
    """30 begin with a, 20 of whom come back; 30 with b, 10 of whom do, in one month: 15 of each are expected.

    The variance of 60 noughts and ones, half of each, is 15/59; of a sum of 30 drawn from the 60, 30 · 30/60 of that.
    """
    begin(shop, "a", range(30), repeats=20)
    begin(shop, "b", range(30), repeats=10)
    rows = shop.table(TABLE).where(dimension="product", outcome="repeat")
    assert rows.rows("item", "customers", "status") == [("a", 30, "different"), ("b", 30, "different")]
    assert rows.by("item", "mean") == pytest.approx({"a": 20 / 30, "b": 10 / 30})
    assert rows.by("item", "expected") == pytest.approx({"a": 0.5, "b": 0.5})
    within = 15 / 59
    variance = 15 * within
    z = 5 / variance**0.5
    assert rows.by("item", "z") == pytest.approx({"a": z, "b": -z}, rel=1e-9)
    # Both have the same p, so the second of two makes q = p · 2 / 2 for both.
    assert rows.by("item", "q_value") == pytest.approx(dict.fromkeys("ab", 2 * norm.sf(z)), abs=2e-7)
    between = (25 - variance) / 30 / 30  # the mean of both
    effect = (20 / 30 - 0.5) * 30 * between / (30 * between + within)
    assert rows.by("item", "effect") == pytest.approx({"a": effect, "b": -effect}, rel=1e-9)
    # What came later is worth 10 to each who came back: the same in money.
    value = shop.show(TABLE, "2026-12-31").where(dimension="product", outcome="value")
    assert value.by("item", "mean") == pytest.approx({"a": 200 / 30, "b": 100 / 30})
    assert value.by("item", "effect") == pytest.approx({"a": 10 * effect, "b": -10 * effect}, rel=1e-9)


def test_months_and_sizes_of_the_first_basket_are_compared_with_themselves(shop):
    """Who begins in March always comes back, who begins in April never: a is bought in March, b in April."""
    begin(shop, "a", range(30), repeats=30, category="A", sales_channel="Web")
    begin(shop, "b", range(30), repeats=0, on="2026-04-01", category="B", sales_channel="Store")
    rows = shop.table(TABLE)
    assert set(rows.frame["dimension"]) == {"product", "category", "channel"}
    assert set(rows.frame["status"]) == {"no_difference"}
    assert set(rows.frame["effect"]) == {0.0}
    assert rows.frame["z"].null_count() == len(rows), "within a month nobody differs"
    assert rows.where(dimension="channel", outcome="repeat").by("item", "expected") == {"web": 1, "store": 0}


def test_few_customers_are_not_judged_and_yet_count_as_tests(shop):
    begin(shop, "a", range(30), repeats=20)
    begin(shop, "b", range(30), repeats=10)
    begin(shop, "c", range(29), repeats=29)
    rows = shop.table(TABLE).where(dimension="product", outcome="repeat")
    assert rows.where(item="c").rows("customers", "status", "effect", "z", "q_value") == [
        (29, "insufficient_data", None, None, None)
    ]
    p = {item: 2 * norm.sf(abs(z)) for item, z in rows.by("item", "z").items() if z is not None}
    assert p["b"] < p["a"], "with c in the stratum, a is about as expected"
    assert rows.where(item="b").one("q_value") == pytest.approx(3 * p["b"], abs=3 * 7.5e-8)


def test_only_days_1_to_180_count_and_only_of_those_who_had_them(shop):
    """Days 180 and 181 after 2026-01-01; a second order on the first day; one who began 179 days before the end."""
    shop.orders("anna", "2026-01-01", product_id="a").orders("anna", "2026-06-30", amount=30)
    shop.orders("bert", "2026-01-01", product_id="a").orders("bert", "2026-07-01", amount=70)
    shop.orders("cleo", "2026-01-01", product_id="a").orders("cleo", "2026-01-01", amount=90)
    shop.orders("dora", "2026-07-05", "2026-08-01", product_id="a")
    rows = shop.table(TABLE).where(item="a", dimension="product")
    assert rows.by("outcome", "customers") == {"repeat": 3, "value": 3}
    assert rows.by("outcome", "mean") == pytest.approx({"repeat": 1 / 3, "value": 10})


def test_the_highest_hundredth_is_cut_down_to_where_it_begins(shop):
    begin(shop, "a", range(98), repeats=0)
    begin(shop, "b", range(1), repeats=1, amount=10)
    begin(shop, "c", range(1), repeats=1, amount=5_000)
    value = shop.table(TABLE).where(dimension="product", outcome="value")
    assert value.by("item", "mean") == {"a": 0, "b": 10, "c": 10}


def test_what_is_no_goods_and_what_does_not_stand_is_nobodys_first_purchase(shop):
    shop.product("bag", recommendable=False)
    shop.orders("anna", "2026-01-01", product_id="bag")
    shop.orders("bert", "2026-01-01", product_id="a", status="cancelled")
    assert len(shop.table(TABLE)) == 0
