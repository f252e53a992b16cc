"""marts.product_performance, channel_performance, place_performance: what sold, ranked by what remained."""

from decimal import Decimal

import pytest
from statsmodels.stats.proportion import proportion_confint

TABLE = "marts.product_performance"
PRODUCTS = ("level", "item", "period_days")


@pytest.fixture
def stall(shop):
    """Snapshot 2026-12-31. A year ago to the day is outside; Anna bought hats in January and May, Bert once.

    hat: January 2 × 20 (Anna), 1 × 30 (Bert), May 1 × 20 (Anna), December 1 × 20 (a guest), of which 5 came back.
    pan: December 100 (Cleo, new), sent back whole on the same day under an id of its own. Postage is no product.
    """
    hat = {"product_id": "hat", "category": "Wear", "sales_channel": "Web ", "country": "AT"}
    shop.orders("anna", "2025-12-31", amount=500, **hat)
    shop.orders("anna", "2026-01-05", amount=40, quantity=2, unit_cost=Decimal("12.5"), **hat)
    shop.orders("bert", "2026-01-06", amount=30, unit_cost=Decimal(10), **hat)
    shop.orders("anna", "2026-05-05", amount=20, **hat | {"sales_channel": "store", "store_id": "s1"})
    shop.orders(None, "2026-12-10", amount=20, unit_cost=Decimal(10), **hat)
    shop.line(
        "None-1", on="2026-12-12", customer=None, amount=-5, kind="refund", quantity=None, product_id="hat",
        category="Wear", sales_channel="web", country="AT",
    )  # fmt: skip
    shop.orders("cleo", "2026-12-20", amount=100, product_id="pan", category="Cook")
    shop.line(
        "back-1",
        on="2026-12-20",
        customer="cleo",
        amount=-100,
        kind="refund",
        quantity=-1,
        product_id="pan",
        category="Cook",
    )
    return shop.charge("anna-2", on="2026-01-05", customer="anna", amount=7)


def test_a_year_and_a_month_by_hand(stall):
    rows = stall.table(TABLE).where(level="product")
    assert rows.rows("period_days", "item", "net_rank", "gross", "refunds", "net", "orders", "buyers", "pieces") == [
        (30, "hat", 1, 20, -5, 15, 1, 0, 1), (30, "pan", 2, 100, -100, 0, 1, 1, 1),
        (365, "hat", 1, 110, -5, 105, 4, 2, 5), (365, "pan", 2, 100, -100, 0, 1, 1, 1),
        (90, "hat", 1, 20, -5, 15, 1, 0, 1), (90, "pan", 2, 100, -100, 0, 1, 1, 1),
    ]  # fmt: skip
    year = rows.where(period_days=365)
    # Cost is known of 40 − 25, 30 − 10 and 20 − 10; not of May's sale, nor of the refund, which names no pieces.
    assert year.by("item", "margin") == {"hat": 45, "pan": None}
    assert year.by("item", "margin_share") == pytest.approx({"hat": 45 / 90, "pan": None})
    assert year.by("item", "mean_price") == pytest.approx({"hat": 22, "pan": 100})
    assert year.by("item", "share_of_net") == pytest.approx({"hat": 1, "pan": 0})
    # Anna bought for 60 of 110. She and Bert are not new in this year: she bought on its eve, he in January.
    assert year.by("item", "top_buyer_share") == pytest.approx({"hat": 60 / 110, "pan": 1})
    assert year.by("item", "new_buyers") == {"hat": 1, "pan": 1}
    assert year.by("item", "repeat_watched") == {"hat": 2, "pan": 0}
    assert year.by("item", "repeat_rate_180") == {"hat": None, "pan": None}, "two buyers are too few"


def test_categories_are_rows_of_their_own_and_lines_without_one_are_in_none(stall):
    stall.orders("dora", "2026-12-30", amount=45, product_id="pin")
    year = stall.table(TABLE).where(period_days=365)
    assert year.where(level="category").by("item", "net") == {"Wear": 105, "Cook": 0}
    assert year.where(level="product").by("item", "share_of_net") == pytest.approx(
        {"hat": 105 / 150, "pan": 0, "pin": 45 / 150}
    )


def test_channels_and_places(stall):
    channels = stall.table("marts.channel_performance").where(period_days=365)
    assert channels.rows("net_rank", "channel", "gross", "refunds", "net", "buyers") == [
        (1, "web", 90, -5, 85, 2), (2, "store", 20, 0, 20, 1), (3, "unknown", 100, -100, 0, 1),
    ]  # fmt: skip
    places = stall.table("marts.place_performance").where(period_days=365)
    assert places.rows("place", "place_kind", "net", "orders") == [
        ("AT", "country", 85, 3), ("s1", "store", 20, 1), ("unknown", None, 0, 1),
    ]  # fmt: skip


def test_a_refund_that_says_no_place_came_back_from_where_its_order_was_sold(shop):
    shop.orders("anna", "2026-12-05", amount=50, sales_channel="app", store_id="s1", country="AT")
    shop.refund("anna-1", on="2026-12-20", amount=20)
    shop.orders("bert", "2026-12-05", amount=30, sales_channel="web", country="DE")
    shop.line("credit", on="2026-12-20", customer="bert", amount=-5, kind="refund", quantity=None)  # of no order known
    channels = shop.table("marts.channel_performance").where(period_days=30)
    assert channels.by("channel", "net") == {"app": 30, "web": 30, "unknown": -5}
    assert shop.table("marts.place_performance").where(period_days=30).by("place", "net") == {
        "s1": 30, "DE": 30, "unknown": -5,
    }  # fmt: skip


def test_what_is_void_neither_sold_nor_came_back_but_what_was_booked_of_it_stays(shop):
    """A cancelled order of which nothing was paid back stays in revenue, and so in net."""
    shop.orders("anna", "2026-12-01", amount=10, product_id="hat")
    shop.orders("bert", "2026-12-02", amount=99, product_id="hat", status="cancelled")
    shop.orders("cleo", "2026-12-03", amount=50, product_id="pan")
    shop.line("cleo-1", on="2026-12-04", customer="cleo", amount=-50, kind="refund", quantity=-1, product_id="pan")
    rows = shop.table(TABLE).where(period_days=365)
    assert rows.rows("item", "gross", "refunds", "net", "orders", "buyers") == [
        ("hat", 10, 0, 109, 1, 1), ("pan", 0, 0, 0, 0, 0),
    ]  # fmt: skip


def test_the_list_of_products_gives_cost_and_category_and_takes_out_what_is_no_goods(shop):
    shop.product("hat", category="Wear > Hats", unit_cost=6).product("bag", recommendable=False)
    shop.orders("anna", "2026-12-05", amount=10, product_id="hat", category="Hats")
    shop.orders("anna", "2026-12-05", amount=1, product_id="bag")
    rows = shop.table(TABLE).where(period_days=30)
    assert rows.rows("level", "item", "net", "margin", "share_of_net") == [
        ("category", "Wear > Hats", 10, 4, 1.0), ("product", "hat", 10, 4, 1.0),
    ]  # fmt: skip


def test_repeat_rates_are_of_those_who_have_had_180_days(shop):
    """40 buy tea 200 days before; 10 of them again after 180 days, 5 after 181, 3 on the same day; 9 only lately."""
    for number in range(40):
        shop.orders(f"c{number:02d}", "2026-06-14", amount=4, product_id="tea")
    for number in range(10):
        shop.orders(f"c{number:02d}", "2026-12-11", amount=4, product_id="tea")
    for number in range(10, 15):
        shop.orders(f"c{number:02d}", "2026-12-12", amount=4, product_id="tea")
    for number in range(15, 18):
        shop.orders(f"c{number:02d}", "2026-06-14", amount=4, product_id="tea")
    for number in range(40, 49):
        shop.orders(f"c{number:02d}", "2026-11-01", "2026-11-05", amount=4, product_id="tea")
    row = shop.table(TABLE).where(period_days=365)
    low, high = proportion_confint(10, 40, method="wilson")
    assert row.one("repeat_watched") == 40
    assert row.one("repeat_rate_180") == 0.25
    assert (row.one("repeat_low"), row.one("repeat_high")) == pytest.approx((low, high), rel=1e-9)


def test_equal_net_is_ranked_by_name(shop):
    shop.orders("anna", "2026-12-02", amount=10, product_id="b").orders("anna", "2026-12-03", amount=10, product_id="a")
    assert shop.table(TABLE).where(period_days=30).by("item", "net_rank") == {"a": 1, "b": 2}


def test_a_customer_with_half_of_all_lines_is_one_buyer_and_told(shop):
    """A caterer buys tea on 135 days, 90 others once each, 45 of them again: rates are of buyers, not of lines."""
    shop.orders("caterer", *(f"2026-0{1 + day // 28}-{1 + day % 28:02d}" for day in range(135)), product_id="tea")
    for number in range(90):
        shop.orders(f"c{number:02d}", "2026-03-01", *["2026-05-01"] * (number < 45), product_id="tea")
    row = shop.table(TABLE).where(period_days=365)
    assert row.one("top_buyer_share") == 0.5
    assert row.rows("orders", "buyers", "repeat_watched") == [(270, 91, 91)]
    assert row.one("repeat_rate_180") == pytest.approx(46 / 91)
