"""staging.orders: whole orders, the day they count for, and the day they were cancelled."""


def test_an_order_is_the_sum_of_its_lines(shop):
    # Two products (10 + 5.50, three pieces), postage 4.90, and 5.50 given back: the refund is apart.
    shop.line("o1", on="2026-01-01", customer="anna", amount=10, quantity=2)
    shop.line("o1", on="2026-01-01", customer="anna", amount="5.50", quantity=1)
    shop.charge("o1", on="2026-01-01", customer="anna", amount="4.90")
    shop.refund("o1", on="2026-01-09", amount="5.50")
    orders = shop.table("staging.orders")
    assert (orders.one("sales"), orders.one("refunds"), orders.one("items")) == (15.5, -5.5, 3)
    assert float(orders.one("charges")) == 4.9
    assert (orders.one("lines"), orders.one("customer_id"), orders.one("ordered_on")) == (4, "anna", "2026-01-01")


def test_the_day_of_an_order_is_that_of_its_first_sale(shop):
    # A deposit (charge) is booked before, a second parcel (sale) after.
    shop.charge("o1", on="2026-01-01", customer="anna", amount=1)
    shop.line("o1", on="2026-01-03", customer="anna").line("o1", on="2026-01-05", customer="anna")
    assert shop.table("staging.orders").one("ordered_on") == "2026-01-03"


def test_an_order_without_a_sale_has_the_day_of_its_first_line(shop):
    shop.charge("o1", on="2026-01-04", customer="anna", amount=1).charge("o1", on="2026-01-02", customer="anna", amount=1)
    assert shop.table("staging.orders").one("ordered_on") == "2026-01-02"


def test_only_an_order_with_a_sale_is_a_purchase(shop):
    shop.orders("anna", "2026-01-01").charge("postage", on="2026-01-01", customer="anna", amount=5)
    shop.line("back", on="2026-01-01", customer="anna", amount=-5, kind="refund")
    orders = shop.table("staging.orders")
    assert orders.by("order_id", "is_purchase") == {"anna-1": True, "postage": False, "back": False}


def test_a_zero_value_order_is_a_purchase_that_stands(shop):
    shop.orders("anna", "2026-01-01", amount=0)
    assert shop.table("staging.orders").rows("is_purchase", "cancelled_on") == [(True, None)]


def test_a_status_cancels_from_the_start(shop):
    for status in ("cancelled", "Canceled", "VOID", "voided", "paid", None):
        shop.line(str(status), on="2026-01-01", customer="anna", status=status)
    cancelled_on = shop.table("staging.orders").by("order_id", "cancelled_on")
    day = "2026-01-01"
    assert cancelled_on == {"cancelled": day, "Canceled": day, "VOID": day, "voided": day, "paid": None, "None": None}


def test_an_order_with_one_line_that_is_not_cancelled_stands(shop):
    shop.line("o1", on="2026-01-01", customer="anna", status="cancelled").line("o1", on="2026-01-01", customer="anna")
    assert shop.table("staging.orders").one("cancelled_on") is None


def test_a_cancelled_postage_does_not_cancel_the_order(shop):
    shop.orders("anna", "2026-01-01")
    shop.line("anna-1", on="2026-01-01", customer="anna", kind="charge", status="cancelled")
    assert shop.table("staging.orders").one("cancelled_on") is None


def test_refunds_cancel_on_the_day_they_cover_the_sales(shop):
    # 100 sold; 40 back on the 5th leaves 60, 60 back on the 9th covers it, 1 on the 11th changes nothing.
    shop.orders("anna", "2026-01-01", amount=100)
    shop.refund("anna-1", on="2026-01-05", amount=40).refund("anna-1", on="2026-01-09", amount=60)
    shop.refund("anna-1", on="2026-01-11", amount=1)
    assert shop.table("staging.orders").one("cancelled_on") == "2026-01-09"


def test_a_partial_refund_does_not_cancel(shop):
    shop.orders("anna", "2026-01-01", amount=100).refund("anna-1", on="2026-01-05", amount="99.99")
    assert shop.table("staging.orders").one("cancelled_on") is None


def test_postage_that_is_not_given_back_does_not_keep_an_order(shop):
    # The goods (20) came back whole; the shop kept the postage of 5.
    shop.orders("anna", "2026-01-01", amount=20).charge("anna-1", on="2026-01-01", customer="anna", amount=5)
    shop.refund("anna-1", on="2026-01-08", amount=20)
    assert shop.table("staging.orders").one("cancelled_on") == "2026-01-08"


def test_a_guest_order_has_no_customer(shop):
    shop.orders(None, "2026-01-01")
    assert shop.table("staging.orders").one("customer_id") is None
