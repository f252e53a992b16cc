"""staging.occasions: customer × local day, with a row for each day on which it changed."""


def occasions(shop):
    return shop.table("staging.occasions").rows("customer_id", "occasion_on", "known_on", "orders")


def test_orders_of_one_day_are_one_occasion(shop):
    shop.orders("anna", "2026-01-01T09:00", "2026-01-01T23:59", amount=10).orders("anna", "2026-01-02", amount=1)
    assert occasions(shop) == [("anna", "2026-01-01", "2026-01-01", 2), ("anna", "2026-01-02", "2026-01-02", 1)]
    assert shop.show("staging.occasions", "2026-12-31").by("occasion_on", "amount") == {
        "2026-01-01": 20,
        "2026-01-02": 1,
    }


def test_the_amount_is_before_refunds_and_with_charges(shop):
    shop.orders("anna", "2026-01-01", amount=30).charge("anna-1", on="2026-01-01", customer="anna", amount=5)
    shop.refund("anna-1", on="2026-01-01", amount=10)
    assert shop.table("staging.occasions").one("amount") == 35


def test_an_order_of_charges_only_is_none(shop):
    shop.charge("postage", on="2026-01-01", customer="anna", amount=5)
    assert occasions(shop) == []


def test_a_day_of_refunds_only_is_none(shop):
    shop.orders("anna", "2026-01-01").refund("anna-1", on="2026-01-05", amount=3)
    shop.line("C1", on="2026-01-07", customer="anna", amount=-3, kind="refund")
    assert occasions(shop) == [("anna", "2026-01-01", "2026-01-01", 1)]


def test_a_guest_has_none(shop):
    shop.orders(None, "2026-01-01")
    assert occasions(shop) == []


def test_a_zero_value_order_is_an_occasion(shop):
    shop.orders("anna", "2026-01-01", amount=0)
    assert occasions(shop) == [("anna", "2026-01-01", "2026-01-01", 1)]


def test_an_order_cancelled_later_counts_until_then(shop):
    # Two orders on one day: 2 until the first came back on the 5th, then 1.
    shop.orders("anna", "2026-01-01", "2026-01-01").refund("anna-1", on="2026-01-05", amount=10)
    assert occasions(shop) == [("anna", "2026-01-01", "2026-01-01", 2), ("anna", "2026-01-01", "2026-01-05", -1)]


def test_a_setting_lets_cancelled_orders_stand(shop):
    shop.with_settings(cancelled_orders_count=True)
    shop.orders("anna", "2026-01-01").refund("anna-1", on="2026-01-05", amount=10)
    shop.orders("bert", "2026-01-01", status="cancelled")
    assert occasions(shop) == [("anna", "2026-01-01", "2026-01-01", 1), ("bert", "2026-01-01", "2026-01-01", 1)]


def test_a_lost_purchase_is_refused(shop):
    shop.orders("anna", "2026-01-01", "2026-01-02").snapshot("2026-01-31", "staging.occasions")
    shop.engine.execute("DELETE FROM staging.occasions WHERE occasion_on = DATE '2026-01-02'")
    assert shop.failing_checks("staging.occasions", "2026-01-31") == {"every_purchase_of_a_customer_is_in_one_occasion"}
