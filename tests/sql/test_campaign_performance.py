"""marts.campaign_performance: what models ascribe to campaigns, together never more than there is."""

from decimal import Decimal

import pytest
from shop import Shop, open_engine

from pipeline.settings import Settings

TABLE = "marts.campaign_performance"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    home = tmp_path_factory.mktemp("performance")
    with open_engine(Settings(home=home)) as engine:
        yield Shop(home, engine)


@pytest.fixture(scope="module")
def performance(shop):
    """Two mailings, A on March 1 with a coupon and a control group, B on March 3 without. Windows of 5 days.

    anna clicks both, and on March 5 orders for 100 with the coupon, of which 30 come back; on March 20 for 50, too
    late. bert clicks A, orders for 10.01 on March 2 and for 40 on March 4. A guest's order for 7 is recorded for C, of
    which nobody told. cleo's order for 20 is cancelled.
    """
    shop.campaign("A", sent="2026-03-01T09:00", coupon="Spring ").campaign("B", sent="2026-03-03T09:00", window_days=5)
    for name in ("anna", "bert", "cleo"):
        shop.message("A", name, "sent", at="2026-03-01T09:00").message("A", name, "clicked", at="2026-03-01T10:00")
    shop.message("A", "kurt", "assigned", at="2026-03-01T09:00", group_name="control")
    shop.message("B", "anna", "sent", at="2026-03-03T09:00").message("B", "anna", "clicked", at="2026-03-03T10:00")
    shop.orders("anna", "2026-03-05", amount=100, coupon="SPRING").orders("anna", "2026-03-20", amount=50)
    shop.refund("anna-1", on="2026-03-15", amount=30)
    shop.orders("bert", "2026-03-02", amount="10.01").orders("bert", "2026-03-04", amount=40, coupon="other")
    shop.orders(None, "2026-03-02", amount=7, campaign_id="C").orders("cleo", "2026-03-02", amount=20, status="void")
    return shop.table(TABLE, "2026-03-31")


def test_by_hand(performance):
    """Revenue of all: 70 + 50 + 50.01 + 7 = 177.01. after_action gives anna's first order to both."""
    clicks = performance.where(eligibility="click")
    columns = ("campaign_id", "orders", "orders_touched", "buyers", "revenue", "refunds")
    assert clicks.where(model="last_touch").rows(*columns) == [
        ("(none)", 2, 2, None, 57, 0), ("A", 2, 2, 1, 50.01, 0), ("B", 1, 1, 1, 70, -30), ("C", 0, 0, 0, 0, 0),
    ]  # fmt: skip
    assert clicks.where(model="first_touch").by("campaign_id", "revenue") == {"(none)": 57, "A": 120.01, "B": 0, "C": 0}
    assert clicks.where(model="linear").by("campaign_id", "revenue") == {"(none)": 57, "A": 85.01, "B": 35, "C": 0}
    assert clicks.where(model="as_recorded").by("campaign_id", "revenue") == {"(none)": 170.01, "A": 0, "B": 0, "C": 7}
    after = clicks.where(model="after_action")
    assert after.by("campaign_id", "revenue") == {"(none)": 57, "A": 120.01, "B": 70, "C": 0}
    assert set(after.frame["is_additive"]) == {False}
    assert set(performance.where(model="linear").frame["revenue_exact"]) == {None}


def test_values_coupons_and_messages_of_a_campaign(performance):
    row = performance.where(eligibility="click", campaign_id="A", model="first_touch")
    assert row.rows("order_value_min", "order_value_mean", "order_value_median", "order_value_max") == [
        (Decimal("10.01"), pytest.approx(150.01 / 3), 40, 100)
    ]
    assert row.rows("messages", "orders_with_coupon", "window_days") == [(3, 1, 5)]
    assert row.one("revenue_per_message") == pytest.approx(120.01 / 3, rel=1e-9)
    other = performance.where(eligibility="click", campaign_id="B", model="first_touch")
    assert other.rows("orders_with_coupon", "order_value_min") == [(None, None)]


def test_when_it_is_final_and_whether_anybody_could_know_what_it_caused(shop, performance):
    """A is over 5 + 14 days after March 1: on March 20."""
    for day, known in (("2026-03-19", "running"), ("2026-03-20", "control")):
        row = shop.table(TABLE, day).where(campaign_id="A", model="linear", eligibility="open")
        assert row.rows("is_final", "causal_status") == [(known == "control", known)]
    rows = shop.table(TABLE, "2026-03-31").where(model="linear", eligibility="open")
    assert rows.by("campaign_id", "causal_status") == {
        "(none)": None, "A": "control", "B": "no_control", "C": "no_control",
    }  # fmt: skip


def test_delivered_messages_are_credited_more_and_nothing_twice(shop, performance):
    """Nobody tells of deliveries, so what was sent is: the same orders here, but with the click still the touch."""
    shop.message("B", "dora", "sent", at="2026-03-03T09:00").orders("dora", "2026-03-08", "2026-03-09", amount=5)
    rows = shop.table(TABLE, "2026-03-31").where(campaign_id="B", model="last_touch")
    assert rows.by("eligibility", "revenue") == {"click": 70, "open": 70, "delivered": 75}
    assert shop.failing_checks(TABLE, "2026-03-31") == set()


def test_the_checks_find_credit_that_was_sold_twice(shop, performance):
    shop.engine.execute(
        f"UPDATE {TABLE} SET revenue = revenue + 1, orders = orders + 1 WHERE campaign_id = 'A' AND model = 'linear'"
    )
    assert shop.failing_checks(TABLE, "2026-03-31") == {"no_credit_is_sold_twice", "every_order_is_given_away_once"}
