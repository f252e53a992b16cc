"""features.product_lines: which lines count as bought by whom, and on which day."""

import datetime as dt

from shop import Rows

from pipeline.tables.catalog import features

DAY = "2026-12-31"
QUERY = features()["features.product_lines"]


def ask(shop, day=DAY):
    """The lines as they stand at the end of a day, when all that happened since has long been booked."""
    shop.table("staging.orders")
    return Rows(shop.engine.read(QUERY.select, {"snapshot_date": dt.date.fromisoformat(day)}))


def test_lines_of_one_order(shop):
    shop.line("o-1", on="2026-12-01", customer="anna", product_id="tea", category="drinks", quantity=2, amount=8)
    shop.line("o-1", on="2026-12-01", customer="anna", product_id="cup", amount=5, quantity=None)
    rows = ask(shop)
    assert rows.rows("customer_id", "order_id", "occasion_on", "product_id", "category", "quantity", "amount") == [
        ("anna", "o-1", "2026-12-01", "cup", None, None, 5),
        ("anna", "o-1", "2026-12-01", "tea", "drinks", 2, 8),
    ]


def test_postage_refunds_and_guests_are_no_lines(shop):
    shop.line("o-1", on="2026-12-01", customer="anna", product_id="tea", amount=8)
    shop.charge("o-1", on="2026-12-01", customer="anna", amount=4).refund("o-1", on="2026-12-05", amount=3)
    shop.line("o-2", on="2026-12-02", customer=None, product_id="tea")
    assert ask(shop).rows("order_id", "product_id") == [("o-1", "tea")]


def test_an_order_counts_until_it_is_void(shop):
    # Paid back whole on the 20th: it stood until the 19th.
    shop.line("o-1", on="2026-12-01", customer="anna", product_id="tea", amount=8)
    shop.refund("o-1", on="2026-12-20", amount=8)
    shop.line("o-2", on="2026-12-01", customer="bert", product_id="tea", status="cancelled")
    assert ask(shop, "2026-12-19").rows("order_id") == [("o-1",)]
    assert len(ask(shop)) == 0


def test_a_later_line_counts_for_the_day_of_its_order(shop):
    shop.line("o-1", on="2026-12-01", customer="anna", product_id="tea")
    shop.line("o-1", on="2026-12-10", customer="anna", product_id="cup")
    assert ask(shop).rows("product_id", "occasion_on") == [("cup", "2026-12-01"), ("tea", "2026-12-01")]
    assert ask(shop, "2026-12-09").rows("product_id") == [("tea",)]


def test_the_customer_is_the_one_of_the_order(shop):
    # The second line names nobody: the order is Anna's all the same.
    shop.line("o-1", on="2026-12-01", customer="anna", product_id="tea")
    shop.line("o-1", on="2026-12-01", customer=None, product_id="cup")
    assert ask(shop).rows("customer_id", "product_id") == [("anna", "cup"), ("anna", "tea")]


def test_online_retail(online_retail):
    # 396,374 lines and 3,660 products with the 97 lines of cushion pads, next-day carriage and packing, which the
    # source tells as charges. Customers and occasions are those of marts.customer_summary.
    counts = online_retail.select(
        f"""
        SELECT count(*) AS lines, count(DISTINCT customer_id) AS customers, count(DISTINCT order_id) AS orders,
          count(DISTINCT product_id) AS products, count(DISTINCT (customer_id, occasion_on)) AS occasions
        FROM ({QUERY.select}) AS lines
        """
    )
    assert counts.rows() == [(396_374 - 97, 4_335, 18_405, 3_660 - 3, 16_680)]
