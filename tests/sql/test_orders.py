"""staging.orders: what was known of an order when. One row per order and day on which it changed."""

import polars as pl

FACTS = ("known_on", "orders", "items", "amount")


def facts(shop):
    return shop.table("staging.orders").rows(*FACTS)


def standing(shop):
    """Order -> whether it stands in the end."""
    frame = shop.table("staging.orders").frame
    return {order: bool(orders) for order, orders in frame.group_by("order_id").agg(pl.col("orders").sum()).iter_rows()}


def voided(shop):
    """Order -> the days on which it became void (1) or no longer was (−1)."""
    found = {}
    for order, day, change in shop.table("staging.orders").rows("order_id", "known_on", "voided"):
        if change:
            found.setdefault(order, []).append((day, change))
    return found


def test_an_order_is_the_sum_of_its_lines_before_refunds(shop):
    # Two products (10 + 5.50, three pieces), postage 5; the 5.50 given back later are money, not a change of the order.
    shop.line("o1", on="2026-01-01", customer="anna", amount=10, quantity=2)
    shop.line("o1", on="2026-01-01", customer="anna", amount="5.50", quantity=1)
    shop.charge("o1", on="2026-01-01", customer="anna", amount=5)
    shop.refund("o1", on="2026-01-09", amount="5.50")
    assert facts(shop) == [("2026-01-01", 1, 3, 20.5)]
    assert shop.show("staging.orders", "2026-12-31").rows("customer_id", "ordered_on") == [("anna", "2026-01-01")]


def test_the_day_of_an_order_is_that_of_its_first_sale(shop):
    # A deposit of 1 (charge) is booked on the 1st, parcels of 10 (sales) go out on the 3rd and the 5th.
    shop.charge("o1", on="2026-01-01", customer="anna", amount=1)
    shop.line("o1", on="2026-01-03", customer="anna").line("o1", on="2026-01-05", customer="anna")
    assert facts(shop) == [("2026-01-03", 1, 1, 11), ("2026-01-05", 0, 1, 10)]
    assert set(shop.show("staging.orders", "2026-12-31").frame["ordered_on"].cast(str)) == {"2026-01-03"}


def test_only_an_order_with_a_sale_is_one(shop):
    shop.orders("anna", "2026-01-01").charge("postage", on="2026-01-01", customer="anna", amount=5)
    shop.line("back", on="2026-01-01", customer="anna", amount=-5, kind="refund")
    assert standing(shop) == {"anna-1": True}


def test_a_zero_value_order_stands(shop):
    shop.orders("anna", "2026-01-01", amount=0)
    assert facts(shop) == [("2026-01-01", 1, 1, 0)]


def test_a_status_cancels_from_the_start(shop):
    for status in ("cancelled", "Canceled", "VOID", "voided", "paid", None):
        shop.line(str(status), on="2026-01-01", customer="anna", status=status)
    cancelled = dict.fromkeys(("cancelled", "Canceled", "VOID", "voided"), False)
    assert standing(shop) == {"paid": True, "None": True, **cancelled}


def test_an_order_with_one_line_that_is_not_cancelled_stands(shop):
    shop.line("o1", on="2026-01-01", customer="anna", status="cancelled").line("o1", on="2026-01-01", customer="anna")
    assert standing(shop) == {"o1": True}


def test_a_cancelled_postage_does_not_cancel_the_order(shop):
    shop.orders("anna", "2026-01-01")
    shop.line("anna-1", on="2026-01-01", customer="anna", kind="charge", status="cancelled")
    assert standing(shop) == {"anna-1": True}


def test_refunds_cancel_on_the_day_they_cover_the_sales(shop):
    # 100 sold; 40 back on the 5th leaves 60, 60 back on the 9th covers it, 1 on the 11th changes nothing.
    shop.orders("anna", "2026-01-01", amount=100)
    shop.refund("anna-1", on="2026-01-05", amount=40).refund("anna-1", on="2026-01-09", amount=60)
    shop.refund("anna-1", on="2026-01-11", amount=1)
    assert facts(shop) == [("2026-01-01", 1, 1, 100), ("2026-01-09", -1, -1, -100)]


def test_an_order_filled_again_stands_again(shop):
    # 10 back on the 5th cancel it; 20 sold under its number on the 9th, and the whole of it (30) stands again.
    shop.orders("anna", "2026-01-01", amount=10).refund("anna-1", on="2026-01-05", amount=10)
    shop.line("anna-1", on="2026-01-09", customer="anna", amount=20)
    assert facts(shop) == [("2026-01-01", 1, 1, 10), ("2026-01-05", -1, -1, -10), ("2026-01-09", 1, 2, 30)]


def test_an_order_cancelled_on_its_own_day_never_stood(shop):
    shop.orders("anna", "2026-01-01").refund("anna-1", on="2026-01-01", amount=10)
    assert facts(shop) == [("2026-01-01", 0, 0, 0)]
    assert voided(shop) == {"anna-1": [("2026-01-01", 1)]}
    assert len(shop.show("staging.occasions", "2026-12-31")) == 0


def test_a_partial_refund_does_not_cancel(shop):
    shop.orders("anna", "2026-01-01", amount=100).refund("anna-1", on="2026-01-05", amount="99.99")
    assert standing(shop) == {"anna-1": True}


def test_postage_that_is_not_given_back_does_not_keep_an_order(shop):
    # The goods (20) came back whole; the shop kept the postage of 5.
    shop.orders("anna", "2026-01-01", amount=20).charge("anna-1", on="2026-01-01", customer="anna", amount=5)
    shop.refund("anna-1", on="2026-01-08", amount=20)
    assert facts(shop) == [("2026-01-01", 1, 1, 25), ("2026-01-08", -1, -1, -25)]


def test_an_order_is_void_from_the_day_its_refunds_cover_it_until_it_is_filled_again(shop):
    # 10 back on the 5th; 20 sold under its number on the 9th; another order only loses a part.
    shop.orders("anna", "2026-01-01", amount=10).refund("anna-1", on="2026-01-05", amount=10)
    shop.line("anna-1", on="2026-01-09", customer="anna", amount=20)
    shop.orders("bert", "2026-01-01", amount=10).refund("bert-1", on="2026-01-05", amount=9)
    assert voided(shop) == {"anna-1": [("2026-01-05", 1), ("2026-01-09", -1)]}


def test_a_failed_order_of_charges_only_is_void_as_well(shop):
    # A gift card that was never paid; one given back on the 3rd; one that stays; one whose fee is booked a day before
    # its refund and its sale.
    shop.line("unpaid", on="2026-01-01", customer="anna", kind="charge", status="cancelled", quantity=None)
    shop.charge("returned", on="2026-01-01", customer="anna", amount=50).refund("returned", on="2026-01-03", amount=50)
    shop.charge("kept", on="2026-01-01", customer="anna", amount=50)
    shop.charge("early", on="2026-01-01", customer="anna", amount=5).refund("early", on="2026-01-01", amount=5)
    shop.line("early", on="2026-01-02", customer="anna", amount=30)
    assert voided(shop) == {
        "unpaid": [("2026-01-01", 1)], "returned": [("2026-01-03", 1)],
        "early": [("2026-01-01", 1), ("2026-01-02", -1)],
    }  # fmt: skip
    assert shop.snapshot("2026-01-31", "staging.orders").failing_checks("staging.orders", "2026-01-31") == set()


def test_a_credit_note_of_its_own_is_never_void(shop):
    shop.line("note", on="2026-01-01", customer="anna", amount=-5, kind="refund", status="cancelled")
    assert len(shop.table("staging.orders")) == 0


def test_where_cancelled_orders_count_none_is_void(shop):
    shop.with_settings(cancelled_orders_count=True)
    shop.line("failed", on="2026-01-01", customer="anna", status="cancelled").orders("bert", "2026-01-01")
    shop.refund("bert-1", on="2026-01-01", amount=10)
    assert voided(shop) == {}
    assert standing(shop) == {"failed": True, "bert-1": True}


def test_a_guest_order_has_no_customer(shop):
    shop.orders(None, "2026-01-01")
    assert shop.table("staging.orders").one("customer_id") is None


def test_an_order_that_stands_twice_is_refused(shop):
    shop.orders("anna", "2026-01-01").snapshot("2026-01-31", "staging.orders")
    shop.engine.execute("INSERT INTO staging.orders SELECT * REPLACE (known_on + 1 AS known_on) FROM staging.orders")
    assert shop.failing_checks("staging.orders", "2026-01-31") == {"an_order_stands_once_or_not_at_all"}
