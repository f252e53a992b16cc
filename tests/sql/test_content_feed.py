"""marts.content_feed: what can be shown to a customer, each product in the first slot that it fits."""

import datetime as dt

import pytest
from shop import days_before

FEED = "marts.content_feed"


def slots(shop, customer="anna"):
    rows = shop.table(FEED).where(customer_id=customer)
    return rows.rows("slot", "position", "product_id", "because_of")


def at(days):
    """A moment so many days before the end."""
    return dt.datetime.fromisoformat(days_before(days))


@pytest.fixture
def tea_drinkers(shop):
    """Twenty customers who bought tea with a cup, and twenty of bread; anna has bought tea, last of all, and oil."""
    for number in range(20):
        for product in ("tea", "cup"):
            shop.line(f"t{number}", on=days_before(20), customer=f"t{number}", product_id=product)
        shop.orders(f"b{number}", days_before(20), product_id="bread")
    return shop.orders("anna", days_before(50), product_id="oil").orders("anna", days_before(19), product_id="tea")


def view(shop, product, days_ago, visit="v1", customer="anna"):
    return shop.event(visit, "product_view", at=f"{days_before(days_ago)}T10:00", customer=customer, product_id=product)


def test_slots_without_views_and_prices(tea_drinkers):
    """Cups go with the tea that was bought last, not with the oil. Bread is what everybody buys. What was bought before
    comes as in the list of recommendations: of equals, what is bought more."""
    assert slots(tea_drinkers) == [
        ("complementary", 1, "cup", "tea"), ("fallback", 1, "bread", None), ("repeat", 1, "tea", None),
        ("repeat", 2, "oil", None),
    ]  # fmt: skip
    assert set(tea_drinkers.show(FEED, "2026-12-31").rows("valid_until")) == {("2027-01-07",)}


def test_what_was_viewed_and_not_bought_since(tea_drinkers):
    view(tea_drinkers, "kettle", 5, "late")
    view(tea_drinkers, "spoon", 5, "late")
    view(tea_drinkers, "pot", 364, "early")
    view(tea_drinkers, "jug", 365, "too early")
    view(tea_drinkers, "tea", 19, "on the day")  # and bought
    view(tea_drinkers, "oil", 49, "after it")
    view(tea_drinkers, "lid", -1, "tomorrow")
    rows = slots(tea_drinkers)
    assert [row for row in rows if row[0].startswith("viewed")] == [
        ("viewed_ever", 1, "oil", None), ("viewed_ever", 2, "pot", None),
        ("viewed_last_visit", 1, "kettle", None), ("viewed_last_visit", 2, "spoon", None),
    ]  # fmt: skip
    assert ("repeat", 1, "tea", None) in rows, "oil is shown once, as viewed"


def test_what_is_reduced_by_the_list_of_products(tea_drinkers):
    """Tea by 20 % from today to the second of January; oil by 9 %; a price that ended today, or begins tomorrow."""
    tea_drinkers.product("tea", list_price=10, sale_price=8, sale_from=at(0), sale_until=at(-2))
    tea_drinkers.product("oil", list_price=10, sale_price="9.10")
    rows = tea_drinkers.table(FEED).where(customer_id="anna", slot="on_sale")
    assert rows.rows("product_id", "position", "score", "valid_until") == [("tea", 1, pytest.approx(0.2), "2027-01-02")]


@pytest.mark.parametrize("when", [{"sale_from": -1}, {"sale_until": 0}])
def test_a_reduced_price_that_is_over_or_to_come(tea_drinkers, when):
    tea_drinkers.product("tea", list_price=10, sale_price=8, **{name: at(days) for name, days in when.items()})
    assert len(tea_drinkers.table(FEED).where(slot="on_sale")) == 0


def test_what_is_reduced_as_the_lines_tell(tea_drinkers):
    """Oil was sold for 10 three times, and for 7 in the last week."""
    for number in range(3):
        tea_drinkers.orders(f"o{number}", days_before(30), product_id="oil", amount=10)
    tea_drinkers.orders("o9", days_before(6), product_id="oil", amount=7)
    rows = tea_drinkers.table(FEED).where(customer_id="anna", slot="on_sale")
    assert rows.rows("product_id", "score", "valid_until") == [("oil", pytest.approx(0.3), "2027-01-07")]


def test_what_cannot_be_had_or_was_bought_just_now_is_not_shown(tea_drinkers):
    tea_drinkers.product("cup", in_stock=False)
    view(tea_drinkers, "bag", 5)
    tea_drinkers.product("bag", recommendable=False)
    tea_drinkers.orders("anna", days_before(6), product_id="bread")
    assert {row[2] for row in slots(tea_drinkers)} == {"tea", "oil"}


def test_customers_of_the_last_730_days_only(tea_drinkers):
    tea_drinkers.orders("gone", days_before(730), product_id="tea").orders("late", days_before(729), product_id="tea")
    view(tea_drinkers, "kettle", 5, customer="nobody")
    customers = {row[0] for row in tea_drinkers.table(FEED).rows("customer_id")}
    assert "late" in customers and not customers & {"gone", "nobody"}
