"""marts.attribute_segments: what each customer bought, and what mainly."""

import pytest

TABLE = "marts.attribute_segments"


def test_shares_of_days_and_of_spend_by_hand(shop):
    """Anna: tea on four days, twice on one of them; a pot on one of these days, a cup on a fifth. 60 in all."""
    shop.orders("anna", "2026-09-01", "2026-10-01", "2026-11-01", amount=5, product_id="tea", category="Drink")
    shop.line("basket", on="2026-12-01", customer="anna", amount=5, product_id="tea", category="Drink")
    shop.line("basket", on="2026-12-01", customer="anna", amount=5, product_id="tea", category="Drink")
    shop.line("basket", on="2026-12-01", customer="anna", amount=20, product_id="pot", category="Dishes")
    shop.orders("anna", "2026-12-02", amount=15, product_id="cup", category="Dishes")
    shop.orders("anna", "2025-12-31", amount=99, product_id="old")  # a year ago: outside
    rows = shop.table(TABLE)
    assert rows.where(dimension="product").rows("attribute", "lines", "occasions", "spend", "last_on", "is_main") == [
        ("cup", 1, 1, 15, "2026-12-02", False), ("pot", 1, 1, 20, "2026-12-01", False),
        ("tea", 5, 4, 25, "2026-12-01", True),
    ]  # fmt: skip
    assert rows.where(dimension="category").by("attribute", "share_of_occasions") == {"Drink": 4 / 5, "Dishes": 2 / 5}
    assert rows.where(dimension="category").by("attribute", "share_of_spend") == pytest.approx(
        {"Drink": 25 / 60, "Dishes": 35 / 60}
    )
    assert set(rows.frame["dimension"]) == {"product", "category"}, "no place, no channel, no price band is known"


def test_a_main_attribute_needs_half_of_the_days_and_three_of_them(shop):
    days = [f"2026-12-{day:02d}" for day in range(1, 8)]
    shop.orders("anna", *days[:3], store_id="s1", sales_channel="Store").orders("anna", *days[3:6], store_id="s2")
    shop.orders("bert", *days[:3], store_id="s1").orders("bert", *days[3:], store_id="s2", region="Tirol")
    shop.orders("cleo", *days[:2], store_id="s1")
    shop.orders("dora", *days[:3], region="Tirol").orders("dora", *days[3:7])
    for customer in ("anna", "bert", "cleo", "dora"):
        shop.line(f"{customer}-1", on=days[0], customer=customer, amount=0, product_id="bag")
    rows = shop.table(TABLE)
    mains = rows.where(is_main=True).rows("customer_id", "dimension", "attribute")
    # Anna has both stores on three of six days: of equals the lower name. Bert: 4 of 7. Cleo: two days are too few.
    # Dora: 3 of 7 days are known to be in Tirol, which is less than half.
    assert mains == [
        ("anna", "channel", "store"), ("anna", "place", "s1"), ("bert", "place", "s2"),
    ]  # fmt: skip


@pytest.fixture
def shelf(shop):
    """Six teas at 1 to 6 a piece: bands 1 1 2 2 3 3. Five cups, too few for bands. Prices are medians per piece."""
    for price in range(1, 7):
        for copy in (1, 1, 9):  # the median is the price
            shop.line(
                f"p{price}{copy}", on="2026-11-01", customer="till", amount=price * copy, product_id=f"tea{price}",
                category="Tea",
            )  # fmt: skip
    for price in range(1, 6):
        shop.line("cups", on="2026-11-01", customer="till", amount=price, product_id=f"cup{price}", category="Cup")
    return shop


def test_price_bands_are_thirds_of_the_products_of_a_category(shelf):
    for number in range(1, 7):
        shelf.orders(
            f"c{number}", "2026-12-01", amount=2 * number, quantity=2, product_id=f"tea{number}", category="Tea"
        )
    bands = shelf.table(TABLE).where(dimension="price_band").rows("customer_id", "attribute")
    assert [row for row in bands if row[0] != "till"] == [
        ("c1", "1"), ("c2", "1"), ("c3", "2"), ("c4", "2"), ("c5", "3"), ("c6", "3"),
    ]  # fmt: skip


def test_equal_prices_are_in_one_band(shop):
    # Five at 1, one at 2: nothing is cheaper than the five; five of six are cheaper than the last, 1 + 15 // 6 = 3.
    for number, price in enumerate((1, 1, 1, 1, 1, 2)):
        shop.line("o", on="2026-12-01", customer="anna", amount=price, product_id=f"p{number}", category="Tea")
    rows = shop.table(TABLE).where(dimension="price_band")
    assert rows.rows("attribute", "lines", "spend", "is_main") == [("1", 5, 5, True), ("3", 1, 2, False)]


def test_the_main_price_band_has_half_of_the_spend_and_five_lines(shelf):
    """Anna spends 12 of 20 in band 3, on one line of five; Bert the same on four lines in all; Cleo nothing twice."""
    for customer, cheap in (("anna", 4), ("bert", 3)):
        for line in range(cheap):
            shelf.line(
                f"{customer}{line}", on="2026-12-01", customer=customer, amount=2, product_id="tea2", category="Tea"
            )
        shelf.line(
            f"{customer}6", on="2026-12-02", customer=customer, amount=12, quantity=2, product_id="tea6", category="Tea"
        )
    rows = shelf.table(TABLE).where(dimension="price_band")
    assert rows.where(customer_id="anna").by("attribute", "is_main") == {"1": False, "3": True}
    assert rows.where(customer_id="bert").by("attribute", "is_main") == {"1": False, "3": False}


def test_what_does_not_stand_or_is_no_goods_is_left_out(shop):
    shop.product("bag", recommendable=False)
    shop.orders("anna", "2026-12-01", amount=5, product_id="bag")
    shop.orders("bert", "2026-12-01", amount=5, product_id="tea", status="cancelled")
    shop.orders(None, "2026-12-01", amount=5, product_id="tea")
    assert len(shop.table(TABLE)) == 0
